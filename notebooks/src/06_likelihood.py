# %% [markdown] lang="zh"
# # 06 似然函数
#
# **约 30 秒运行完 · 先修：[01 梯度](01_gradient.ipynb) · 对应笔记 4.1、4.2**
#
# 学完这一课，你能够
# - 分清概率与似然：同一个公式，两种读法；
# - 说出为什么要取对数，直接连乘会在哪里出错；
# - 说出什么是极大似然估计（又称最大似然估计）；
# - 用自动微分求得分与信息量，由此得到标准误和两种置信区间，并知道哪一种更可信；
# - 用似然比检验两个模型，说出极大似然与交叉熵的关系。

# %% [markdown] lang="en"
# # 06 The likelihood
#
# **Runs in about 30 seconds · after: [01 The gradient](01_gradient.ipynb) · sections 4.1 and 4.2 of the notes**
#
# After this lesson you can
# - tell a probability from a likelihood: one formula, read in two ways;
# - say why one takes logarithms, and where the plain product goes wrong;
# - take the score and the information by automatic differentiation, get a standard error and two intervals from them, and know which to trust;
# - test one model against another, and say what maximum likelihood has to do with cross-entropy.

# %%
import inspect

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show.lesson_plots import maximum_likelihood as draw
from jaxnotes.show.slider import slider

ml = jn.maximum_likelihood
Bernoulli, Binomial = jn.distributions.Bernoulli, jn.distributions.Binomial
axes = draw.two_slices(n=10, k=7, p=0.5)

# %% [markdown] lang="zh"
# *图：抛 10 次硬币，正面 $k$ 次的概率 $P(k;p)=\binom{10}{k}p^k(1-p)^{10-k}$，画成 $(k,p)$ 上的一张图，越亮概率越大。白色横线固定 $p=0.5$，读出右上的柱形：一个概率分布，总和为 1。橙色竖线固定 $k=7$，读出右下的曲线：似然函数，面积是 1/11，不是 1。*

# %% [markdown] lang="en"
# *Picture: the probability of $k$ heads in 10 tosses, $P(k;p)=\binom{10}{k}p^k(1-p)^{10-k}$, as a map over $(k,p)$, brighter where larger. Along the white line, $p=0.5$, stand the bars at the top right: a distribution, whose sum is 1. Along the orange line, $k=7$, runs the curve below: the likelihood, whose area is 1/11 and not 1.*

# %% [markdown] lang="zh"
# ## 1 想法：同一个公式，两种读法
#
# 模型给出一个公式 $f(x;\theta)$。
# - **固定 $\theta$，看 $x$**：哪些结果常见？这是**概率**，对所有 $x$ 求和（或积分）得 1。
# - **固定 $x$，看 $\theta$**：哪些参数解释得通已经看到的数据？这是**似然**，
# $$L(\theta)=f(x;\theta).$$
#
# 拖动滑块改变 $p$：圆点是 $p$ 之下的整个分布，曲线是看到 7 次正面之后的似然。两个大圆点始终一样高，因为它们是同一个数 $P(7;p)$。

# %% [markdown] lang="en"
# ## 1 The idea: one formula, read in two ways
#
# A model is a formula $f(x;\theta)$.
# - **Fix $\theta$, look along $x$**: which outcomes are common? This is **probability**; over all $x$ it sums (or integrates) to 1.
# - **Fix $x$, look along $\theta$**: which parameters can account for what was seen? This is **likelihood**,
# $$L(\theta)=f(x;\theta).$$
#
# Move the slider to change $p$: the small dots are the whole distribution under $p$, the curve is the likelihood once 7 heads were seen. The two large dots are always equally high, for they are the same number $P(7;p)$.

# %%
k = jnp.arange(11.0)
p = jnp.linspace(0.0, 1.0, 59)


def law(p):
    return jnp.exp(Binomial.log_prob(Binomial.Params(10, p), k))


def both_readings(p):
    heights = law(p)
    return {
        "distribution of k": (k / 10, heights),
        "k = 7": (jnp.array([0.7]), heights[7:8]),
        "L at p": (p[None], heights[7:8]),
        "its sum": jnp.sum(heights),
    }


slider(
    both_readings,
    jnp.linspace(0.02, 0.98, 49),
    name="p",
    fixed={"L(p)": (p, jax.vmap(law)(p)[:, 7])},
    points=["distribution of k"],
    xlabel="k / 10, and p",
    ylabel="probability",
    ylim=(0.0, 0.47),
    start=15,
)

# %% [markdown] lang="zh"
# *图：小圆点是抛 10 次的分布，横坐标是 $k/10$，随滑块上的 $p$ 移动；实线是 $k=7$ 时的似然 $L(p)$，它不动。$p=0.7$ 时，圆点在 $k=7$ 处最高，$L$ 也达到最大。*

# %% [markdown] lang="en"
# *Picture: small dots are the distribution of 10 tosses, drawn at $k/10$; it moves with the $p$ of the slider. The solid line is the likelihood $L(p)$ of $k=7$, which stays. At $p=0.7$ the dots are highest at $k=7$, and $L$ is at its maximum.*

# %%
fine = jnp.linspace(0.0, 1.0, 1001)
likelihood = jax.vmap(law)(fine)[:, 7]
area = jnp.trapezoid(likelihood, fine)
np.testing.assert_allclose(jax.vmap(lambda p: law(p).sum())(p), 1, rtol=1e-4)
np.testing.assert_allclose(area, 1 / 11, rtol=1e-4)
best = fine[jnp.argmax(likelihood)]
np.testing.assert_allclose(best, 0.7, atol=1e-3)
print(
    f"sum along k: {law(0.3).sum():.6f}   area along p: {area:.6f}   highest at p = {best:.3f}"
)

# %% [markdown] lang="zh"
# 数据连续时，$f$ 是**密度**，它可以大于 1：标准差 $0.1$ 的正态分布在中心处的密度是 $3.9894$，积分仍然是 1。所以对数似然可以是正数，这并不是错误。

# %% [markdown] lang="en"
# For continuous data $f$ is a **density**, which may exceed 1: that of a normal distribution with standard deviation $0.1$ is $3.9894$ at its centre, and its integral is 1 all the same. So a log-likelihood may be positive; nothing is wrong then.

# %%
narrow = jn.distributions.Normal.Params(loc=0.0, scale=0.1)
x = jnp.linspace(-1.0, 1.0, 2001)
density = jnp.exp(jn.distributions.Normal.log_prob(narrow, x))
np.testing.assert_allclose(density.max(), 3.9894, rtol=1e-4)
np.testing.assert_allclose(jnp.trapezoid(density, x), 1, rtol=1e-4)
print(f"density at 0: {density.max():.4f}   its integral: {jnp.trapezoid(density, x):.6f}")

# %% [markdown] lang="zh"
# ## 2 推导
#
# ### 取对数：乘积变成和
# 各次抛掷相互独立，似然是 $n$ 个概率的乘积；取对数就成了和，
# $$\ell(\theta)=\log L(\theta)=\sum_{i=1}^n\log f(x_i;\theta).$$
# 对数单调递增，最大值的位置不变。这里的 $\log$ 一律是自然对数。取对数不只是为了求导方便：乘积会**下溢**。单精度的正规数最小约为 $10^{-38}$，一百多个 $1/2$ 乘起来就成了 0，0 处处一样大，也就没有最大值可找了。

# %% [markdown] lang="en"
# ## 2 The derivation
#
# ### The logarithm: a product becomes a sum
# Tosses are independent, so the likelihood is a product of $n$ probabilities, and its logarithm a sum,
# $$\ell(\theta)=\log L(\theta)=\sum_{i=1}^n\log f(x_i;\theta).$$
# The logarithm increases, so the maximum stays where it is. Here $\log$ is always the natural one. It is not only convenient for derivatives: the product **underflows**. The smallest normal float32 is about $10^{-38}$, so a hundred and some factors $1/2$ make 0, and where all is 0 there is no maximum to find.

# %%
halves = jnp.full(200, 0.5)
product, log_sum = jnp.cumprod(halves), jnp.cumsum(jnp.log(halves))
ax = draw.product_and_sum(product, log_sum)
first_zero = int(jnp.argmax(product == 0)) + 1
assert product[-1] == 0 and 120 < first_zero <= 150
np.testing.assert_allclose(log_sum[-1], -200 * np.log(2), rtol=1e-4)
if jax.default_backend() == "cpu":  # where numbers below 2^-126 are taken for 0
    assert first_zero == 127
    assert np.argmin(np.cumprod(np.full(200, 0.5, np.float32)) > 0) + 1 == 150

# %% [markdown] lang="zh"
# *图：$n$ 个 $1/2$ 的乘积（虚线）与对数之和（实线），纵轴是 10 的幂次。乘积沿着直线下降，到叉号处突然变成 0；对数之和一直降下去，毫无困难。JAX 在 CPU 上从第 127 个因子起为 0；NumPy 保留次正规数，撑到第 150 个。*
#
# ### 得分与信息量
# 设 $n$ 次抛掷中 $k$ 次正面，
# $$\ell(p)=k\log p+(n-k)\log(1-p).$$
# 一阶导数叫**得分**（score），二阶导数的相反数叫**观测信息量**：
# $$\ell'(p)=\frac kp-\frac{n-k}{1-p},\qquad -\ell''(p)=\frac k{p^2}+\frac{n-k}{(1-p)^2}.$$
# 得分为零，得 $\hat p=k/n$。二阶导数处处为负，所以 $\ell$ 是凹函数，这是唯一的最大值。把 $\hat p$ 代入，信息量是 $n/\bigl(\hat p(1-\hat p)\bigr)$：曲线越弯，估计越准，标准误为
# $$\mathrm{SE}=\frac1{\sqrt{-\ell''(\hat p)}}=\sqrt{\frac{\hat p(1-\hat p)}n}.$$
# 库只要你写出**一次**观测的对数概率，其余都由自动微分完成。逐项验算：

# %% [markdown] lang="en"
# *Picture: the product of $n$ factors $1/2$ (dashed) and the sum of their logarithms (solid), as powers of ten. The product goes down straight and at the cross is suddenly 0; the sum goes on without trouble. JAX on a CPU has 0 from factor 127 on; NumPy keeps subnormal numbers and holds out until factor 150.*
#
# ### Score and information
# For $k$ heads in $n$ tosses
# $$\ell(p)=k\log p+(n-k)\log(1-p).$$
# The first derivative is called the **score**, minus the second the **observed information**:
# $$\ell'(p)=\frac kp-\frac{n-k}{1-p},\qquad -\ell''(p)=\frac k{p^2}+\frac{n-k}{(1-p)^2}.$$
# The score is zero at $\hat p=k/n$. The second derivative is negative everywhere, so $\ell$ is concave and this is its only maximum. At $\hat p$ the information is $n/\bigl(\hat p(1-\hat p)\bigr)$: the sharper the curve, the better the estimate, with standard error
# $$\mathrm{SE}=\frac1{\sqrt{-\ell''(\hat p)}}=\sqrt{\frac{\hat p(1-\hat p)}n}.$$
# The library asks for the log probability of **one** observation; automatic differentiation does the rest. Step by step:

# %%
tosses = jnp.array([1, 1, 1, 0, 1, 1, 0, 1, 0, 1])  # 7 heads of 10


def coin(p, heads):
    return Bernoulli.log_prob(Bernoulli.Params(p), heads)


def score_by_hand(p, k=7, n=10):
    return k / p - (n - k) / (1 - p)


for at in (0.2, 0.5, 0.7, 0.9):
    score = ml.score(coin, at, tosses)[0]
    information = ml.observed_information(coin, at, tosses)[0, 0]
    np.testing.assert_allclose(score, score_by_hand(at), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(information, -jax.grad(score_by_hand)(at), rtol=1e-4)
    print(f"p = {at}: score {score:8.4f}   information {information:8.4f}")
np.testing.assert_allclose(ml.log_likelihood(coin, 0.7, tosses), -6.108643, rtol=1e-4)
np.testing.assert_allclose(ml.observed_information(coin, 0.7, tosses), 47.619, rtol=1e-4)

# %% [markdown] lang="zh"
# $\hat p=0.7$ 处 $\ell=-6.108643$，信息量 $47.619$，标准误 $0.144914$。
#
# **$\binom nk$ 去哪儿了？** 如果只知道正面的次数而不知道先后，概率要乘上 $\binom{10}7=120$，对数似然加上常数 $\log120=4.787492$。常数对 $p$ 求导为零：得分、信息量、估计都不变。

# %% [markdown] lang="en"
# At $\hat p=0.7$ we have $\ell=-6.108643$, information $47.619$, standard error $0.144914$.
#
# **Where is $\binom nk$?** If only the number of heads is known and not their order, the probability has a factor $\binom{10}7=120$, and the log-likelihood a constant $\log120=4.787492$ more. Its derivative by $p$ is zero: score, information and estimate stay as they are.

# %%
solution = ml.fit(coin, 0.5, tosses)
inferred = ml.infer(coin, solution, tosses)
print(
    f"p = {solution.params:.4f}, SE {inferred.se[0]:.6f}, {jn.Status(int(solution.status)).name}"
)
np.testing.assert_allclose([solution.params, inferred.se[0]], [0.7, 0.144914], rtol=1e-4)

unordered = Binomial.fit([7], trials=10)
constant = Binomial.log_prob(unordered.params, 7) - ml.log_likelihood(coin, 0.7, tosses)
np.testing.assert_allclose(constant, 4.787492, rtol=1e-4)
assert jn.sums.binomial_coefficient(10, 7) == 120
np.testing.assert_allclose(unordered.params.p, solution.params, rtol=1e-4)

# %% [markdown] lang="zh"
# ## 3 实验：这个估计有多准？
#
# 两种 95% 置信区间：
# - **Wald 区间** $\hat p\pm1.96\,\mathrm{SE}$：用抛物线代替 $\ell$，所以总是左右对称；
# - **似然比区间**：对数似然比最大值下降不超过 $1.96^2/2=1.92$ 的那些 $p$，
# $$\bigl\{p:\ 2\bigl(\ell(\hat p)-\ell(p)\bigr)\le 3.84\bigr\}.$$

# %% [markdown] lang="en"
# ## 3 The experiment: how good is the estimate?
#
# Two intervals at 95 per cent:
# - **Wald's**, $\hat p\pm1.96\,\mathrm{SE}$, which takes a parabola for $\ell$ and so is always symmetric;
# - the **likelihood-ratio interval**, all $p$ at which the log-likelihood is at most $1.96^2/2=1.92$ below its maximum,
# $$\bigl\{p:\ 2\bigl(\ell(\hat p)-\ell(p)\bigr)\le 3.84\bigr\}.$$

# %%
interval = ml.profile_intervals(coin, solution, tosses)
ratio = float(interval.lower[0]), float(interval.upper[0])
wald = float(inferred.lower[0]), float(inferred.upper[0])
np.testing.assert_allclose(ratio, [0.3935, 0.9154], rtol=2e-4)
np.testing.assert_allclose(wald, [0.4160, 0.9840], rtol=2e-4)

p_shown = jnp.linspace(0.15, 0.985, 200)
curve = jax.vmap(lambda p: ml.log_likelihood(coin, p, tosses))(p_shown)
ax = draw.likelihood_interval(p_shown, curve, ratio, wald, drop=1.96**2 / 2)
print("likelihood ratio", np.round(ratio, 4), "  Wald", np.round(wald, 4))

# %% [markdown] lang="zh"
# *图：蓝色实线是 $\ell(p)-\ell(\hat p)$，它向左倾斜得慢、向右下降得快；点线是 $-1.92$。浅蓝色的带是似然比区间 $[0.3935,\ 0.9154]$，两端正在曲线与点线相交之处。红色虚线是 Wald 的抛物线，只在顶点附近与曲线贴合，给出的区间 $[0.4160,\ 0.9840]$ 整体偏右。*
#
# 哪一种可信？$n=10$ 时 $k$ 只有 11 种取值，不必模拟：把 11 个区间一次算出来（`vmap`），再对每个真实的 $p$ 把罩住它的那些 $k$ 的概率加起来，就得到准确的**覆盖率**。

# %% [markdown] lang="en"
# *Picture: the solid blue line is $\ell(p)-\ell(\hat p)$, falling slowly to the left and fast to the right; the dotted line is at $-1.92$. The pale band is the likelihood-ratio interval $[0.3935,\ 0.9154]$, which ends where the curve crosses that line. The dashed red line is Wald's parabola, which fits near the top only; its interval $[0.4160,\ 0.9840]$ lies too far to the right.*
#
# Which is to be trusted? For $n=10$ there are only 11 outcomes $k$, so nothing need be simulated: take all 11 intervals at once (`vmap`), and for each true $p$ add up the probabilities of the $k$ whose interval holds it. This is the exact **coverage**.

# %%
sides = jnp.array([0, 1])


@jax.jit
@jax.vmap
def interval_of(k):
    counts = jnp.stack([10 - k, k])
    fitted = ml.fit(coin, 0.5, sides, weights=counts)
    lower, upper = ml.profile_intervals(coin, fitted, sides, weights=counts)
    return lower[0], upper[0], fitted.status


lower, upper, status = interval_of(k)
half = 1.96 * jnp.sqrt(k / 10 * (1 - k / 10) / 10)
true_p = jnp.linspace(0.0125, 0.9875, 196)
laws = jax.vmap(law)(true_p)


def coverage(lower, upper):
    holds = (lower[None] <= true_p[:, None]) & (true_p[:, None] <= upper[None])
    return jnp.sum(laws * holds, axis=1)


shares = {
    "likelihood ratio": coverage(lower, upper),
    "Wald": coverage(k / 10 - half, k / 10 + half),
}
ax = draw.coverage(true_p, shares)
assert shares["likelihood ratio"].min() > 0.83 and shares["likelihood ratio"].mean() > 0.94
assert shares["Wald"].min() < 0.15 and shares["Wald"].mean() < 0.79
assert (half[0] == 0) and (k / 10 + half)[9] > 1  # k = 0: a single point; k = 9: beyond 1
np.testing.assert_allclose([lower[0], upper[0]], [0, 0.1748], atol=2e-4)
assert jn.Status(int(status[0])) == jn.Status.BOUNDARY

# %% [markdown] lang="zh"
# *图：$n=10$ 时两种“95%”区间的真实覆盖率。似然比区间（实线）在 0.84 与 1 之间，平均约 0.95；Wald 区间（虚线）平均只有约 0.78，$p$ 靠近 0 或 1 时几乎全部落空。曲线有跳跃，因为 $k$ 只取整数。*
#
# Wald 区间还会给出荒唐的结果：$k=9$ 时上端大于 1，$k=0$ 时缩成一个点。似然比区间在 $k=0$ 时是 $[0,\ 0.1748]$；这时最大值落在参数空间的边缘，库用状态 `BOUNDARY` 说明。
#
# ### 数据越多，山峰越尖
# 保持 70% 是正面，让 $n$ 从 10 增加到 1000：

# %% [markdown] lang="en"
# *Picture: the true coverage of two kinds of “95 per cent” intervals for $n=10$. The likelihood-ratio interval (solid) stays between 0.84 and 1, on average about 0.95. Wald's (dashed) has about 0.78 on average, and fails nearly always when $p$ is close to 0 or 1. The curves jump because $k$ is a whole number.*
#
# Wald's interval can be absurd too: for $k=9$ it goes beyond 1, for $k=0$ it shrinks to a point. The likelihood-ratio interval for $k=0$ is $[0,\ 0.1748]$; there the maximum is on the edge of the parameter space, which the library says by the status `BOUNDARY`.
#
# ### More data, a sharper peak
# Keep 70 per cent heads and let $n$ grow from 10 to 1000:

# %%
u = jnp.linspace(-1.0, 1.0, 59)
around = 0.7 + jnp.where(u < 0, 0.5, 0.29) * u * jnp.abs(u)
split = jnp.array([0.3, 0.7])


def peak(n):
    def log_lik(p):
        return ml.log_likelihood(coin, p, sides, n * split)

    relative = jnp.exp(jax.vmap(log_lik)(around) - log_lik(0.7))
    return {
        "L(p) / L(0.7)": (around, relative),
        "SE": jnp.sqrt(-1 / jax.grad(jax.grad(log_lik))(0.7)),
    }


n = jnp.round(jnp.geomspace(1.0, 100.0, 41)) * 10
sharper = slider(peak, n, name="n", xlabel="p", ylabel="relative likelihood")
slope = np.polyfit(np.log(np.asarray(n)), np.log(sharper.frames["SE"]), 1)[0]
assert abs(slope + 0.5) < 1e-3
sharper

# %% [markdown] lang="zh"
# *图：相对似然 $L(p)/L(0.7)$ 随 $n$ 的变化。$n$ 增大时山峰变窄，也越来越对称，越来越像正态密度的形状；标准误与 $1/\sqrt n$ 成正比，数据多一百倍，才准十倍。这时 Wald 区间也就可靠了。*

# %% [markdown] lang="en"
# *Picture: the relative likelihood $L(p)/L(0.7)$ on a slider over $n$. With more data the peak becomes narrow and symmetric, like a normal density; the standard error goes as $1/\sqrt n$, so a hundred times the data gives one more digit. Then Wald's interval is good as well.*

# %% [markdown] lang="zh"
# ## 4 换一个参数，答案变不变？
#
# 概率 $p$ 也可以写成对数几率（logit）$u=\log\dfrac p{1-p}$。似然只认分布，不认参数怎么写：$\hat u$ 换算回去正是 $\hat p$，似然比区间的两端也换算得分毫不差。这叫**不变性**。Wald 区间没有这个性质：

# %% [markdown] lang="en"
# ## 4 Another parameter: another answer?
#
# The probability $p$ can be written as log odds, the logit $u=\log\dfrac p{1-p}$. A likelihood depends on the distribution, not on how its parameters are written: $\hat u$ goes back to exactly $\hat p$, and so do the ends of the likelihood-ratio interval. This is **invariance**. Wald's interval is not invariant:

# %%
free = jn.bijections.bounded(0.0, 1.0)  # forward: from a real u to p in (0, 1)


def logit_coin(u, heads):
    return coin(free.forward(u), heads)


in_u = ml.fit(logit_coin, 0.0, tosses)
about_u = ml.infer(logit_coin, in_u, tosses)
ends = ml.profile_intervals(logit_coin, in_u, tosses)
back = jax.vmap(free.forward)(jnp.stack([ends.lower[0], ends.upper[0]]))
wald_back = jax.vmap(free.forward)(jnp.stack([about_u.lower[0], about_u.upper[0]]))
np.testing.assert_allclose(free.forward(in_u.params), 0.7, rtol=1e-4)
np.testing.assert_allclose(back, ratio, rtol=1e-3)
np.testing.assert_allclose(wald_back, [0.3763, 0.9002], rtol=1e-3)
print("likelihood ratio, by way of u:", np.round(np.asarray(back, float), 4))
print(
    "Wald, by way of u:            ",
    np.round(np.asarray(wald_back, float), 4),
    " by way of p:",
    np.round(wald, 4),
)

# %% [markdown] lang="zh"
# 同样是 Wald 区间，经 $u$ 算得 $[0.3763,\ 0.9002]$，直接对 $p$ 算得 $[0.4160,\ 0.9840]$。标准误的换算用**Delta 方法**：$\mathrm{SE}(g(u))\approx|g'(u)|\,\mathrm{SE}(u)$，这里又得到 $0.144914$。库里的写法：

# %% [markdown] lang="en"
# Wald's interval is $[0.3763,\ 0.9002]$ by way of $u$ and $[0.4160,\ 0.9840]$ by way of $p$. Standard errors are carried over by the **delta method**, $\mathrm{SE}(g(u))\approx|g'(u)|\,\mathrm{SE}(u)$, which gives $0.144914$ again. In the library:

# %%
print(inspect.getsource(jn.maximum_likelihood.delta_method))
carried = ml.delta_method(free.forward, in_u, about_u)
np.testing.assert_allclose([carried.estimate[0], carried.se[0]], [0.7, 0.144914], rtol=1e-3)

# %% [markdown] lang="zh"
# ## 5 两个模型，选哪一个？
#
# 硬币 A 抛 10 次得 7 次正面，硬币 B 抛 10 次得 4 次。是同一种硬币吗？大模型有两个 $p$，小模型只有一个。大模型的似然总不会更低；问题是高出来的部分有没有超过偶然。若小模型成立，则近似地有（Wilks 定理）
# $$2\bigl(\ell_{\text{full}}-\ell_{\text{restricted}}\bigr)\sim\chi^2_{d},$$
# 其中 $d$ 是参数个数之差。

# %% [markdown] lang="en"
# ## 5 Two models: which one?
#
# Coin A shows 7 heads in 10 tosses, coin B 4 in 10. Are they alike? The full model has two $p$, the restricted one a single $p$. The full one is never less likely; the question is whether it gains more than chance would give. If the restricted model is right, then approximately (Wilks' theorem)
# $$2\bigl(\ell_{\text{full}}-\ell_{\text{restricted}}\bigr)\sim\chi^2_{d},$$
# where $d$ is the difference of the numbers of parameters.

# %%
which = jnp.array([0, 0, 1, 1])
rows = which, jnp.array([1, 0, 1, 0])
counts = jnp.array([7, 3, 4, 6])
two = ml.fit(
    lambda p, row: coin(p[row[0]], row[1]), jnp.array([0.5, 0.5]), rows, weights=counts
)
one = ml.fit(lambda p, row: coin(p, row[1]), 0.5, rows, weights=counts)
test = ml.likelihood_ratio_test(two, one, rows, weights=counts)
criteria = [float(ml.aic(fitted, rows, weights=counts)) for fitted in (two, one)]
np.testing.assert_allclose(two.params, [0.7, 0.4], rtol=1e-3)
np.testing.assert_allclose(one.params, 0.55, rtol=1e-3)
np.testing.assert_allclose([test.statistic, test.pvalue], [1.848, 0.174], rtol=2e-3)
assert criteria[0] > criteria[1]
print(f"statistic {test.statistic:.3f} on {test.df}, p-value {test.pvalue:.3f}")
print("AIC of two coins, of one:", np.round(criteria, 3))

# %% [markdown] lang="zh"
# 统计量 $1.848$，$p$ 值 $0.174$：这点数据不足以说两枚硬币不同。AIC 也是单参数的模型较小（较好）。但“没有证据说不同”不等于“证明了相同”。
#
# ### 极大似然就是最小化交叉熵
# 以样本中正反面的频率为分布 $\hat q$，以模型为分布 $f_\theta$，则平均的负对数似然
# $$-\frac1n\ell(\theta)=H(\hat q,f_\theta)=H(\hat q)+D_{\mathrm{KL}}(\hat q\,\|\,f_\theta)$$
# 是交叉熵。$H(\hat q)$ 与 $\theta$ 无关，所以极大似然估计就是 KL 散度最小的模型。神经网络的分类损失正是它。

# %% [markdown] lang="en"
# The statistic is $1.848$, the p-value $0.174$: so few tosses do not tell the coins apart. AIC, too, is smaller (better) for one parameter. Yet no evidence of a difference is not a proof of equality.
#
# ### Maximum likelihood is least cross-entropy
# Let $\hat q$ be the frequencies of heads and tails in the sample and $f_\theta$ the model. Then the mean negative log-likelihood
# $$-\frac1n\ell(\theta)=H(\hat q,f_\theta)=H(\hat q)+D_{\mathrm{KL}}(\hat q\,\|\,f_\theta)$$
# is a cross-entropy. $H(\hat q)$ does not depend on $\theta$, so the maximum likelihood estimate is the model of least KL divergence. The classification loss of neural networks is just this.

# %%
observed = jnp.array([0.3, 0.7])
info = jn.information
for at in (0.5, 0.7, 0.9):
    model = jnp.array([1 - at, at])
    mean_loss = -ml.log_likelihood(coin, at, tosses) / 10
    parts = info.entropy(observed), info.kl_divergence(observed, model)
    np.testing.assert_allclose(mean_loss, info.cross_entropy(observed, model), rtol=1e-4)
    np.testing.assert_allclose(mean_loss, sum(parts), rtol=1e-4)
    print(f"p = {at}: {mean_loss:.4f} = {parts[0]:.4f} + {parts[1]:.4f}")
assert abs(info.kl_divergence(observed, observed)) < 1e-6

# %% [markdown] lang="zh"
# ## 6 勘误两则
#
# ### 其一
# **误区**：“利用已知的样本，找出最有可能生成该样本的参数”，常被读成“概率最大的参数”。
#
# **反例**：$L$ 对 $p$ 的积分是 1/11，它不是 $p$ 的概率密度；要谈“概率最大的 $p$”就得先有先验，用先验 $6p(1-p)$，答案是 2/3，不是 0.7。

# %% [markdown] lang="en"
# ## 6 Two corrections
#
# ### First
# **The sentence**: “use the sample to find the parameters most likely to have generated it”, often read as “the most probable parameters”.
#
# **Counterexample**: the integral of $L$ over $p$ is 1/11, so it is no density of $p$. A most probable $p$ needs a prior first, and with the prior $6p(1-p)$ it is 2/3, not 0.7.

# %%
np.testing.assert_allclose(jnp.trapezoid(likelihood, fine), 1 / 11, rtol=1e-4)
posterior = likelihood * 6 * fine * (1 - fine)
assert abs(fine[jnp.argmax(posterior)] - 2 / 3) < 2e-3
assert abs(fine[jnp.argmax(likelihood)] - 0.7) < 2e-3

# %% [markdown] lang="zh"
# **正解**：极大似然估计是**使样本最容易出现**的参数，$\hat\theta=\arg\max_\theta f(x;\theta)$；说“参数的概率”是后验的说法，需要先验。似然沿 $x$ 总和为 1，沿 $\theta$ 则不然；乘上与 $\theta$ 无关的常数（如 $\binom nk$），最大值的位置不变。由 `tests/test_corrections.py::test_a_likelihood_is_no_probability_of_its_parameter` 检验。
#
# ### 其二
# **误区**：“$\log\bigl((1/2)^{10^9}\bigr)=10^9\log(1/2)\approx-301029995.6$”，一本流行的教材这样写。
#
# **反例**：那是以 10 为底的对数；自然对数是 $-693147180.56$。换了底，信息量变小，标准误被放大 $1.5174$ 倍。

# %% [markdown] lang="en"
# **The theorem**: the maximum likelihood estimate is the parameter **under which the sample is most probable**, $\hat\theta=\arg\max_\theta f(x;\theta)$. The probability of a parameter is a posterior and needs a prior. A likelihood sums to 1 along $x$, not along $\theta$; a factor that does not depend on $\theta$, such as $\binom nk$, leaves its maximum in place. Checked by `tests/test_corrections.py::test_a_likelihood_is_no_probability_of_its_parameter`.
#
# ### Second
# **The sentence**: “$\log\bigl((1/2)^{10^9}\bigr)=10^9\log(1/2)\approx-301029995.6$”, as a popular textbook has it.
#
# **Counterexample**: this is the logarithm to base 10; the natural one is $-693147180.56$. Another base makes the information smaller and the standard error $1.5174$ times too large.

# %%
print(f"base 10: {1e9 * np.log10(0.5):.2f}   natural: {1e9 * np.log(0.5):.2f}")
logs = (jnp.log, jnp.log10)
curves = [lambda p, log=log: 7 * log(p) + 3 * log(1 - p) for log in logs]
se = [(-jax.grad(jax.grad(curve))(0.7)) ** -0.5 for curve in curves]
np.testing.assert_allclose([se[0], se[1] / se[0]], [0.144914, 1.5174], rtol=1e-3)

# %% [markdown] lang="zh"
# **正解**：似然里的 $\log$ 是自然对数。换成以 10 为底，$\ell$、得分、信息量都乘上 $1/\ln10$；最大值的位置不变，但标准误大了 $\sqrt{\ln10}\approx1.5174$ 倍，$1.92$ 的界也不再成立。由 `tests/test_corrections.py::test_the_logarithm_of_a_likelihood_is_natural` 检验。

# %% [markdown] lang="en"
# **The theorem**: the $\log$ of a likelihood is the natural one. Base 10 multiplies $\ell$, score and information by $1/\ln10$; the maximum stays in place, but standard errors are $\sqrt{\ln10}\approx1.5174$ times too large, and the bound $1.92$ no longer holds. Checked by `tests/test_corrections.py::test_the_logarithm_of_a_likelihood_is_natural`.

# %% [markdown] lang="zh"
# ## 7 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E6.1** 写出硬币的负对数似然：$n$ 次抛掷得 $k$ 次正面（先后次序已知，不含 $\binom nk$）。$n$ 到一百万也要算得出来。

# %% [markdown] lang="en"
# ## 7 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E6.1** Write the negative log-likelihood of a coin with $k$ heads in $n$ tosses (their order is known: no $\binom nk$). It must work for a million tosses.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E6.1"
def coin_loss(p, k, n):
    """The negative log-likelihood in nats, a number, for 0 < p < 1."""
    return -(k * jnp.log(p) + (n - k) * jnp.log1p(-p))


check("E6.1", coin_loss)

# %% [markdown] lang="zh"
# **E6.2** 用二分法求 95% 似然比区间（$0<k<n$）：在 $\hat p=k/n$ 的两侧各有一个 $p$，使 $\ell$ 比最大值低 $1.92$。7 次正面、10 次抛掷应得 $[0.3935,\ 0.9154]$。

# %% [markdown] lang="en"
# **E6.2** Find the 95 per cent likelihood-ratio interval by bisection, for $0<k<n$: on either side of $\hat p=k/n$ there is a $p$ where $\ell$ is $1.92$ below its maximum. For 7 heads in 10 tosses it is $[0.3935,\ 0.9154]$.


# %% exercise="E6.2"
def ratio_interval(k, n):
    """The ends (lower, upper) of the interval."""

    def fall(p):
        p_hat = k / n
        return k * np.log(p_hat / p) + (n - k) * np.log((1 - p_hat) / (1 - p))

    def end(inside, outside):
        for _ in range(50):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if fall(middle) < 1.92 else (inside, middle)
        return inside

    return end(k / n, 1e-9), end(k / n, 1 - 1e-9)


check("E6.2", ratio_interval)

# %% [markdown] lang="zh"
# **E6.3** 写出硬币的观测信息量 $-\ell''(p)$，在任意的 $p$ 处，不只在 $\hat p$ 处。（手算或用 `jax.grad` 两次均可。）

# %% [markdown] lang="en"
# **E6.3** Write the observed information $-\ell''(p)$ of a coin, at any $p$ and not only at $\hat p$. (By hand, or `jax.grad` twice.)


# %% exercise="E6.3"
def information_of_coin(p, k, n):
    """Minus the second derivative of the log-likelihood in p, a number."""
    return jax.grad(jax.grad(lambda p: -k * jnp.log(p) - (n - k) * jnp.log1p(-p)))(p)


check("E6.3", information_of_coin)

# %% [markdown] lang="zh"
# ## 8 小结
#
# | 对象 | 是什么 | 代码 |
# |---|---|---|
# | 似然 $L(\theta)$ | 把 $f(x;\theta)$ 看作 $\theta$ 的函数，不是 $\theta$ 的概率 | 你写 `log_prob` |
# | 对数似然 $\ell$ | 对数概率之和，自然对数 | `log_likelihood` |
# | 得分 $\ell'$ | 最大值处为零（在内部时） | `score` |
# | 观测信息量 $-\ell''$ | 越大越准，$\mathrm{SE}=1/\sqrt{-\ell''}$ | `observed_information`，`infer` |
# | 似然比区间 | $\ell$ 下降不超过 1.92，与参数的写法无关 | `profile_intervals` |
# | 似然比检验 | 大模型比小模型高出多少 | `likelihood_ratio_test` |
#
# 这些函数都在 `jn.maximum_likelihood` 里。
#
# **何处会失灵**：最大值在边缘时（$k=0$）得分不为零，Wald 标准误没有意义；数据少时 Wald 区间名不副实；连乘在单精度下一百多项就下溢。
#
# **下一课**：[07 离散与连续的极大似然估计](07_mle_discrete_continuous.ipynb)。六种分布，各估各的参数。

# %% [markdown] lang="en"
# ## 8 Summary
#
# | Object | What it is | Code |
# |---|---|---|
# | likelihood $L(\theta)$ | $f(x;\theta)$ as a function of $\theta$, not a probability of it | your `log_prob` |
# | log-likelihood $\ell$ | the sum of log probabilities, natural logarithms | `log_likelihood` |
# | score $\ell'$ | zero at a maximum in the interior | `score` |
# | observed information $-\ell''$ | the larger the better, $\mathrm{SE}=1/\sqrt{-\ell''}$ | `observed_information`, `infer` |
# | likelihood-ratio interval | where $\ell$ falls by at most 1.92; the same for every parametrization | `profile_intervals` |
# | likelihood-ratio test | how much the full model gains | `likelihood_ratio_test` |
#
# All of them are in `jn.maximum_likelihood`.
#
# **Where it breaks**: at an edge ($k=0$) the score is not zero and Wald's standard error means nothing; with few data Wald's interval does not hold what it promises; in float32 a product underflows after a hundred and some factors.
#
# **Next**: [07 Maximum likelihood, discrete and continuous](07_mle_discrete_continuous.ipynb). Six families and their estimates.
