# %% [markdown] lang="zh"
# # 07 离散与连续的极大似然估计
#
# **约 40 秒运行完 · 先修：[06 似然函数](06_likelihood.ipynb) · 对应笔记 4.3、4.4**
#
# 学完这一课，你能够
# - 对二项、泊松、多项、正态、拉普拉斯、指数、均匀分布推导出极大似然估计，并用自动微分验算；
# - 说明为什么连续型可以用密度代替概率；
# - 说出 $\hat\sigma^2$ 为什么偏小，偏多少；
# - 认出“令导数为零”不管用的情形：最大值在边缘，或在跳跃处。

# %% [markdown] lang="en"
# # 07 Maximum likelihood, discrete and continuous
#
# **Runs in about 40 seconds · after: [06 The likelihood](06_likelihood.ipynb) · sections 4.3 and 4.4 of the notes**
#
# After this lesson you can
# - derive the estimates of the binomial, Poisson, categorical, normal, Laplace, exponential and uniform laws, and check them by automatic differentiation;
# - say why a density may stand for a probability where data are continuous;
# - say why $\hat\sigma^2$ is too small, and by how much;
# - recognize where “set the derivative to zero” does not work: a maximum on an edge, or at a jump.

# %%
import inspect

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show.lesson_plots import distributions as draw
from jaxnotes.show.slider import slider

law, ml = jn.distributions, jn.maximum_likelihood
deaths = jnp.array([0, 1, 2, 3, 4])
corps_years = jnp.array([109, 65, 22, 3, 1])  # Prussian cavalry, 10 corps in 20 years

poisson = law.Poisson.fit(deaths, corps_years)
expected = 200 * jnp.exp(law.Poisson.log_prob(poisson.params, deaths))
ax = draw.observed_and_expected(deaths, corps_years, expected, xlabel="deaths in a corps-year")

# %% [markdown] lang="zh"
# *图：1875–1894 年间，普鲁士骑兵 10 个军团每年被马踢死的人数，共 200 个“军团·年”（Bortkiewicz，1898）。蓝色是实际次数，橙色斜纹是泊松分布的期望次数。整个分布只有一个参数，由极大似然估出，与数据惊人地吻合。*

# %% [markdown] lang="en"
# *Picture: deaths by horse kick in 10 corps of the Prussian cavalry, 1875 to 1894, in all 200 corps-years (Bortkiewicz, 1898). Blue is how often each number was seen, hatched orange what a Poisson law expects. It has a single parameter, estimated by maximum likelihood, and fits the data remarkably well.*

# %% [markdown] lang="zh"
# ## 1 想法：三步走
#
# 1. 写出一次观测的对数概率（或对数密度）$\log f(x;\theta)$；
# 2. 对样本求和，$\ell(\theta)=\sum_i\log f(x_i;\theta)$；
# 3. 求最大值点 $\hat\theta$。
#
# 第三步常常可以令导数为零解出来，但**不总是**：第 5 节专讲例外。库里每个分布都有 `fit`，有显式解的用显式解，没有的用牛顿法：

# %% [markdown] lang="en"
# ## 1 The idea: three steps
#
# 1. Write the log probability (or density) of one observation, $\log f(x;\theta)$;
# 2. add over the sample, $\ell(\theta)=\sum_i\log f(x_i;\theta)$;
# 3. find where it is largest, $\hat\theta$.
#
# Often the third step is to set the derivative to zero, but **not always**: section 5 is about the exceptions. In the library every law has a `fit`, in closed form where there is one, else by Newton's method:

# %%
x = jnp.array([4.1, 5.3, 4.7, 6.2, 5.0, 4.4, 5.8, 4.9])
for family in (law.Normal, law.Laplace, law.Exponential, law.Uniform, law.Gamma):
    fitted = family.fit(x)
    values = ", ".join(
        f"{k} = {v:.3f}" for k, v in zip(fitted.params._fields, fitted.params, strict=True)
    )
    status = jn.Status(int(fitted.status)).name
    print(f"{family.__name__:12} {values:32} steps: {int(fitted.steps)}  {status}")

# %% [markdown] lang="zh"
# ## 2 推导：离散型
#
# ### 二项分布
# $n$ 次独立试验，$k$ 次成功。一种确定的次序，概率是 $p^k(1-p)^{n-k}$；这样的次序有 $\binom nk$ 种，所以
# $$P(K=k)=\binom nk p^k(1-p)^{n-k},\qquad\binom nk=\frac{n!}{k!\,(n-k)!}.$$

# %% [markdown] lang="en"
# ## 2 The derivation: discrete laws
#
# ### The binomial law
# Of $n$ independent trials $k$ succeed. One given order has probability $p^k(1-p)^{n-k}$, and there are $\binom nk$ orders, so
# $$P(K=k)=\binom nk p^k(1-p)^{n-k},\qquad\binom nk=\frac{n!}{k!\,(n-k)!}.$$

# %% lang="zh"
draw.paths(3, 2, lang="zh")

# %% lang="en"
draw.paths(3, 2, lang="en")

# %% [markdown] lang="zh"
# *图：抛 5 次硬币的路径，正面向右，反面向上；圆圈里是到达那里的路径数，等于左边与下边两数之和。到右上角（3 正 2 反）有 10 条路径，图中画出蓝色实线与红色虚线两条，每条的概率都是 $p^3(1-p)^2$。*
#
# 笔记到 $\binom nk$ 就停了；接下来才是估计。取对数，$\log\binom nk$ 与 $p$ 无关，
# $$\ell(p)=k\log p+(n-k)\log(1-p)+\text{const},\qquad \ell'(p)=\frac kp-\frac{n-k}{1-p}=0\ \Rightarrow\ \hat p=\frac kn.$$

# %% [markdown] lang="en"
# *Picture: five tosses as paths, heads to the right and tails up; a circle holds the number of paths that lead there, the sum of its neighbours to the left and below. Ten paths lead to the top right corner (3 heads, 2 tails). Two are drawn, solid blue and dashed red; each has probability $p^3(1-p)^2$.*
#
# The notes stop at $\binom nk$; the estimate only begins there. In the logarithm, $\log\binom nk$ does not depend on $p$:
# $$\ell(p)=k\log p+(n-k)\log(1-p)+\text{const},\qquad \ell'(p)=\frac kp-\frac{n-k}{1-p}=0\ \Rightarrow\ \hat p=\frac kn.$$


# %%
def successes(p, k):
    return law.Binomial.log_prob(law.Binomial.Params(5, p), k)


total = jnp.sum(jnp.exp(successes(0.3, jnp.arange(6))))
np.testing.assert_allclose(total, 1, rtol=1e-4)
assert jn.sums.binomial_coefficient(5, 3) == 10
slope = jax.grad(successes)(0.6, 3.0)
assert abs(slope) < 1e-3
fitted = law.Binomial.fit([3], trials=5)
np.testing.assert_allclose(fitted.params.p, 0.6, rtol=1e-4)
print(f"sum of the law {total:.6f}, slope at 3/5: {slope:.1e}, fit: p = {fitted.params.p:.4f}")

# %% [markdown] lang="zh"
# **边缘**：若一次也没有成功（$k=0$），则 $\ell(p)=n\log(1-p)$，得分 $-n/(1-p)$ 处处为负，**永远不为零**；最大值在边缘 $\hat p=0$。这时“标准误 = 0”是假象，库不给出标准误，并以 `BOUNDARY` 说明。

# %% [markdown] lang="en"
# **The edge**: without any success, $k=0$, we have $\ell(p)=n\log(1-p)$, whose score $-n/(1-p)$ is negative everywhere and **never zero**; the maximum is on the edge, $\hat p=0$. A standard error of 0 would be an illusion: the library gives none, and says `BOUNDARY`.

# %%
none = law.Binomial.fit([0], trials=10)
scores = jax.vmap(jax.grad(lambda p: successes(p, 0.0)))(jnp.array([0.01, 0.1, 0.5]))
about = law.Binomial.infer(none, [0], trials=10)
assert jnp.all(scores < 0) and none.params.p == 0
assert jn.Status(int(none.status)) == jn.Status.BOUNDARY and jnp.isnan(about.se[0])
print(f"p = {none.params.p}, {jn.Status(int(none.status)).name}, SE {about.se[0]}")

# %% [markdown] lang="zh"
# ### 泊松分布
# 次数没有上限而平均为 $\lambda$ 的稀有事件，
# $$P(K=k)=\frac{\lambda^k e^{-\lambda}}{k!},\qquad \ell'(\lambda)=\frac{\sum_i k_i}\lambda-n=0\ \Rightarrow\ \hat\lambda=\bar k,\qquad -\ell''(\hat\lambda)=\frac n{\hat\lambda}.$$
# 马踢的数据：$\hat\lambda=0.61$，$\ell=-206.1067$，标准误 $\sqrt{0.61/200}=0.0552$。假如不知道显式解，用牛顿法 $\lambda\leftarrow\lambda-\ell'/\ell''$ 也只要几步：

# %% [markdown] lang="en"
# ### The Poisson law
# Rare events without a limit to their number, $\lambda$ on average:
# $$P(K=k)=\frac{\lambda^k e^{-\lambda}}{k!},\qquad \ell'(\lambda)=\frac{\sum_i k_i}\lambda-n=0\ \Rightarrow\ \hat\lambda=\bar k,\qquad -\ell''(\hat\lambda)=\frac n{\hat\lambda}.$$
# For the horse kicks $\hat\lambda=0.61$, $\ell=-206.1067$ and the standard error is $\sqrt{0.61/200}=0.0552$. Had we not known the closed form, Newton's method $\lambda\leftarrow\lambda-\ell'/\ell''$ would take a few steps:


# %%
def kicks(rate, deaths):
    return law.Poisson.log_prob(law.Poisson.Params(rate), deaths)


rate = 1.0
for step in range(6):
    print(f"step {step}: {rate:.6f}")
    score = ml.score(kicks, rate, deaths, corps_years)[0]
    rate = rate + score / ml.observed_information(kicks, rate, deaths, corps_years)[0, 0]
inferred = law.Poisson.infer(poisson, deaths, corps_years)
at_peak = ml.log_likelihood(kicks, 0.61, deaths, corps_years)
np.testing.assert_allclose([rate, poisson.params.rate], 0.61, rtol=1e-4)
np.testing.assert_allclose(at_peak, -206.1067, rtol=1e-4)
np.testing.assert_allclose(inferred.se[0], 0.0552, rtol=1e-3)
np.testing.assert_allclose(expected, [108.67, 66.29, 20.22, 4.11, 0.63], atol=0.01)

# %% [markdown] lang="zh"
# 牛顿法在这里的迭代是 $\lambda\leftarrow\lambda(2-\lambda/\hat\lambda)$：误差每步平方，但从 $\lambda>2\hat\lambda$ 出发会跑到负数去。换成 $u=\log\lambda$ 就不会越界；库的 `maximum_likelihood.fit` 则在步子不好时收缩步长。
#
# ### 多项分布与拉格朗日乘子
# 共 $k$ 类，概率 $p_1,\dots,p_k$ 之和为 1，各类出现 $n_j$ 次：$\ell=\sum_j n_j\log p_j$。有约束，梯度不必为零，只需与约束的梯度 $(1,\dots,1)$ 平行：
# $$\frac{n_j}{p_j}=\mu\ (\text{all } j)\ \Rightarrow\ \hat p_j=\frac{n_j}n,\quad\mu=n.$$
# 把五种死亡人数看作五类，得到一个有 4 个自由参数的大模型，可以用来检验泊松分布够不够好：

# %% [markdown] lang="en"
# Newton's iteration is $\lambda\leftarrow\lambda(2-\lambda/\hat\lambda)$ here: each step squares the error, but a start at $\lambda>2\hat\lambda$ goes negative. In $u=\log\lambda$ nothing leaves the domain; the library's `maximum_likelihood.fit` shortens a step that is no good.
#
# ### The categorical law and Lagrange's multiplier
# There are $k$ classes of probabilities $p_1,\dots,p_k$ that sum to 1, seen $n_j$ times: $\ell=\sum_j n_j\log p_j$. Under the constraint the gradient need not vanish, it must be parallel to that of the constraint, $(1,\dots,1)$:
# $$\frac{n_j}{p_j}=\mu\ (\text{all } j)\ \Rightarrow\ \hat p_j=\frac{n_j}n,\quad\mu=n.$$
# With the five numbers of deaths as classes this is a larger model, of 4 free parameters, against which the Poisson law can be tested:

# %%
shares = law.Categorical.fit(deaths, corps_years, n_labels=5).params.p
np.testing.assert_allclose(shares, corps_years / 200, rtol=1e-4)
multiplier = jax.grad(lambda p: jnp.sum(corps_years * jnp.log(p)))(shares)
np.testing.assert_allclose(multiplier, 200, rtol=1e-4)

simplex = jn.bijections.simplex()  # forward: from 4 free numbers to 5 probabilities
classes = ml.fit(
    lambda u, label: jnp.log(simplex.forward(u))[label],
    jnp.zeros(4),
    deaths,
    weights=corps_years,
)
np.testing.assert_allclose(simplex.forward(classes.params), shares, rtol=1e-3, atol=1e-4)
test = ml.likelihood_ratio_test(classes, poisson, deaths, weights=corps_years)
np.testing.assert_allclose([test.statistic, test.pvalue], [0.868, 0.833], rtol=1e-2)
print(f"statistic {test.statistic:.3f} on {test.df} degrees, p-value {test.pvalue:.3f}")

# %% [markdown] lang="zh"
# 多出来的 3 个参数只让 2 倍对数似然增加 $0.868$，$p$ 值 $0.833$：泊松分布足够了。
#
# ## 3 推导：连续型
#
# ### 为什么可以用密度？
# 连续的 $X$ 恰好等于某个数的概率是 0，似然岂不处处为零？其实任何测量都有精度 $\varepsilon$：观测到的是 $X$ 落在宽 $\varepsilon$ 的小区间里，
# $$P\Bigl(|X-x_i|\le\tfrac\varepsilon2\Bigr)\approx\varepsilon f(x_i;\theta),\qquad \sum_i\log P_i\approx n\log\varepsilon+\ell(\theta).$$
# $n\log\varepsilon$ 与 $\theta$ 无关，不影响最大值的位置。拖动滑块，让 $\varepsilon$ 变小：

# %% [markdown] lang="en"
# The 3 extra parameters raise twice the log-likelihood by $0.868$ only, with p-value $0.833$: the Poisson law will do.
#
# ## 3 The derivation: continuous laws
#
# ### Why may a density stand for a probability?
# A continuous $X$ equals any given number with probability 0: is the likelihood zero everywhere? A measurement has a precision $\varepsilon$, and what was seen is that $X$ lies in a bin of width $\varepsilon$:
# $$P\Bigl(|X-x_i|\le\tfrac\varepsilon2\Bigr)\approx\varepsilon f(x_i;\theta),\qquad \sum_i\log P_i\approx n\log\varepsilon+\ell(\theta).$$
# $n\log\varepsilon$ does not depend on $\theta$ and leaves the maximum where it is. Move the slider to make $\varepsilon$ small:

# %%
few, mu = x[:3], jnp.linspace(2.0, 8.0, 60)


def normal(mu):
    return law.Normal.Params(mu, 1.0)


def binned(eps, mu):
    log_p = law.Normal.censored_log_prob(normal(mu), few - eps / 2, few + eps / 2)
    return jnp.sum(log_p)


def relative(log_lik):
    return jnp.exp(log_lik - jnp.max(log_lik))


by_density = jax.vmap(lambda mu: jnp.sum(law.Normal.log_prob(normal(mu), few)))(mu)


def frame(eps):
    log_p = jax.vmap(lambda mu: binned(eps, mu))(mu)
    best = jnp.max(log_p)
    return {
        "bins": (mu, relative(log_p)),
        "log P": best,
        "log(P/ε³)": best - 3 * jnp.log(eps),
    }


finer = slider(
    frame,
    jnp.geomspace(6.0, 0.02, 40),
    name="ε",
    fixed={"density": (mu, relative(by_density))},
    xlabel="μ",
    ylabel="relative likelihood",
)
np.testing.assert_allclose(finer.frames["bins"][1][-1], relative(by_density), atol=2e-3)
gap = finer.frames["log(P/ε³)"][-1] - by_density.max()
assert abs(gap) < 1e-2
finer

# %% [markdown] lang="zh"
# *图：三个观测值的相对似然，是正态分布均值 $\mu$ 的函数（标准差取 1）。实线用密度；虚线用宽 $\varepsilon$ 的区间的概率。$\varepsilon$ 大时虚线较宽（粗略的数据信息少），变小时与实线重合。下方的 $\log P$ 一路下降，除去 $\varepsilon^3$ 之后的 $\log(P/\varepsilon^3)$ 却趋于常数，即 $\ell$ 的最大值。*
#
# ### 正态分布
# $$\ell(\mu,\sigma)=-n\log\sigma-\frac{\sum_i(x_i-\mu)^2}{2\sigma^2}-\frac n2\log 2\pi,$$
# $$\frac{\partial\ell}{\partial\mu}=\frac{\sum_i(x_i-\mu)}{\sigma^2}=0\ \Rightarrow\ \hat\mu=\bar x,\qquad \frac{\partial\ell}{\partial\sigma}=-\frac n\sigma+\frac{\sum_i(x_i-\mu)^2}{\sigma^3}=0\ \Rightarrow\ \hat\sigma^2=\frac1n\sum_i(x_i-\bar x)^2.$$
# 数值求解时用 $\log\sigma$ 作参数，就不会走到 $\sigma\le 0$ 去。从 $(6.2,\ \log 2)$ 出发，梯度下降与牛顿法殊途同归：

# %% [markdown] lang="en"
# *Picture: the relative likelihood of three observations as a function of the mean $\mu$ of a normal law (of standard deviation 1). The solid line takes densities; the dashed one the probabilities of bins of width $\varepsilon$. It is wider for large $\varepsilon$ (coarse data know less) and for small $\varepsilon$ falls on the solid one. Below, $\log P$ falls all the way, while $\log(P/\varepsilon^3)$ tends to a constant, the maximum of $\ell$.*
#
# ### The normal law
# $$\ell(\mu,\sigma)=-n\log\sigma-\frac{\sum_i(x_i-\mu)^2}{2\sigma^2}-\frac n2\log 2\pi,$$
# $$\frac{\partial\ell}{\partial\mu}=\frac{\sum_i(x_i-\mu)}{\sigma^2}=0\ \Rightarrow\ \hat\mu=\bar x,\qquad \frac{\partial\ell}{\partial\sigma}=-\frac n\sigma+\frac{\sum_i(x_i-\mu)^2}{\sigma^3}=0\ \Rightarrow\ \hat\sigma^2=\frac1n\sum_i(x_i-\bar x)^2.$$
# For numerical work $\log\sigma$ is the better parameter: no step leads to $\sigma\le 0$. From $(6.2,\ \log 2)$ gradient descent and Newton's method come to the same place:


# %%
def log_lik(theta):
    params = law.Normal.Params(theta[0], jnp.exp(theta[1]))
    return jnp.sum(law.Normal.log_prob(params, x))


start = jnp.array([6.2, jnp.log(2.0)])
rules = {
    "descent": (jn.methods.gradient_descent(0.15), 40),
    "Newton": (jn.methods.newton(), 8),
}
routes = {
    name: jn.minimize_path(lambda t: -log_lik(t) / 8, start, method=rule, steps=steps).params
    for name, (rule, steps) in rules.items()
}
closed = law.Normal.fit(x).params
peak = jnp.array([closed.loc, jnp.log(closed.scale)])
ax = draw.likelihood_contours(log_lik, routes, peak, xlim=(3.8, 6.6), ylim=(-1.1, 1.1))
np.testing.assert_allclose([closed.loc, closed.scale**2], [5.05, 0.4275], rtol=1e-4)
np.testing.assert_allclose(closed.loc, jn.moments.mean(x), rtol=1e-4)
np.testing.assert_allclose(closed.scale**2, jn.moments.variance(x, ddof=0), rtol=1e-4)
np.testing.assert_allclose(jax.grad(log_lik)(peak), 0, atol=1e-3)
np.testing.assert_allclose(routes["Newton"][-1], peak, atol=1e-3)
np.testing.assert_allclose(routes["descent"][-1], peak, atol=0.05)

# %% [markdown] lang="zh"
# *图：八个数的正态对数似然，横轴 $\mu$，纵轴 $\log\sigma$；等高线上标的是比最大值低多少；低 3 的那一圈以内，大致是两个参数的 95% 置信域（$\chi^2_2$ 的分位数是 $5.99$，除以 2）。圆点实线是梯度下降，方块虚线是牛顿法，都到达星号处的 $\hat\mu=5.05$、$\hat\sigma^2=0.4275$。*
#
# 库里不走迭代：`fit` 直接取均值与标准差。整个正态分布在库里就是这些：

# %% [markdown] lang="en"
# *Picture: the normal log-likelihood of eight numbers, $\mu$ across and $\log\sigma$ up; the contours say how far below the maximum they are; the one 3 below it is about the 95 per cent region of both parameters (the quantile of $\chi^2_2$ is $5.99$; take half). Solid with circles is gradient descent, dashed with squares Newton's method; both reach the star at $\hat\mu=5.05$, $\hat\sigma^2=0.4275$.*
#
# The library does not iterate here: `fit` takes the mean and the standard deviation. This is all there is of the normal law in the library:

# %%
print(inspect.getsource(jn.distributions.Normal))

# %% [markdown] lang="zh"
# ## 4 实验
#
# ### $\hat\sigma^2$ 偏小
# $\bar x$ 是从同一个样本算出来的，离样本比真正的 $\mu$ 更近，所以平方和偏小：
# $$\mathbb E\,\hat\sigma^2=\frac{n-1}n\sigma^2.$$
# 每种 $n$ 都抽十万个样本，一次 `vmap` 全部拟合：

# %% [markdown] lang="en"
# ## 4 The experiment
#
# ### $\hat\sigma^2$ is too small
# $\bar x$ comes from the same sample and is nearer to it than the true $\mu$, so the sum of squares is too small:
# $$\mathbb E\,\hat\sigma^2=\frac{n-1}n\sigma^2.$$
# For each $n$ draw a hundred thousand samples, and fit them all in one `vmap`:

# %%
sizes = (2, 3, 5, 10, 20)
draws = jax.random.normal(jax.random.key(0), (100_000, 20))
first_n = (jnp.arange(20)[None] < jnp.array(sizes)[:, None]).astype(float)  # weight 0: absent
fits = jax.vmap(jax.vmap(law.Normal.fit, (0, None)), (None, 0))(draws, first_n)
means = jnp.mean(fits.params.scale**2, axis=1)
ax = draw.bias_by_size(sizes, means)
np.testing.assert_allclose(means, [(n - 1) / n for n in sizes], atol=0.012)
np.testing.assert_allclose(means[2], 0.80, atol=0.01)
corrected = jax.vmap(jn.moments.variance)(draws[:, :5]).mean()
np.testing.assert_allclose(corrected, 1.00, atol=0.012)
print(f"n = 5: divided by n {means[2]:.4f}, by n - 1 {corrected:.4f}")

# %% [markdown] lang="zh"
# *图：$\hat\sigma^2$ 的平均值随样本量 $n$ 的变化，真值为 1（点线）。方块是模拟结果，落在曲线 $(n-1)/n$ 上；$n=5$ 时平均只有 0.80。除以 $n-1$ 就没有偏差；$n$ 大时两者没有区别。*
#
# ### 最小二乘就是正态的极大似然
# 若 $y_i=wx_i+b+\varepsilon_i$，误差服从 $N(0,\sigma^2)$，则 $-\ell$ 中含 $w,b$ 的部分正是残差平方和除以 $2\sigma^2$（见 [04 线性回归](04_linear_regression.ipynb)）。用安斯库姆的第一组数据验证：斜率 $0.50009$，$\hat\sigma^2$ 是残差平方和除以 $n$。

# %% [markdown] lang="en"
# *Picture: the mean of $\hat\sigma^2$ against the sample size $n$; the truth is 1 (dotted). The squares, from simulation, lie on the curve $(n-1)/n$; for $n=5$ the mean is only 0.80. Divided by $n-1$ there is no bias; for large $n$ it makes no difference.*
#
# ### Least squares is maximum likelihood of normal errors
# If $y_i=wx_i+b+\varepsilon_i$ with errors of law $N(0,\sigma^2)$, then the part of $-\ell$ that depends on $w,b$ is the sum of squared residuals over $2\sigma^2$ (see [04 Linear regression](04_linear_regression.ipynb)). On Anscombe's first set: the slope is $0.50009$, and $\hat\sigma^2$ is the sum of squares over $n$.

# %%
points = jn.datasets.anscombe()[0]


def line(params, row):
    at = params["w"] * row[0] + params["b"]
    return law.Normal.log_prob(law.Normal.Params(at, jnp.exp(params["log_sigma"])), row[1])


with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    guess = {"w": 0.0, "b": 7.0, "log_sigma": 1.0}
    by_likelihood = ml.fit(line, guess, (points.x, points.y)).params
    by_squares = jn.least_squares.fit(points.x[:, None], points.y).params
    both = [by_likelihood["w"], by_squares.coef[0]], [by_likelihood["b"], by_squares.intercept]
    residuals = points.y - by_squares.coef[0] * points.x - by_squares.intercept
    sigma2 = np.asarray(jnp.exp(2 * by_likelihood["log_sigma"]))
    both, mean_square = np.asarray(both), np.mean(np.asarray(residuals) ** 2)
np.testing.assert_allclose(both[:, 0], both[:, 1], rtol=1e-6)
np.testing.assert_allclose(both[0], 0.50009, rtol=1e-4)
np.testing.assert_allclose(sigma2, mean_square, rtol=1e-6)
print("slope", both[0].round(6), " intercept", both[1].round(6))

# %% [markdown] lang="zh"
# ### 换成拉普拉斯分布：中位数
# 误差服从拉普拉斯分布，$f=\frac1{2b}e^{-|x-m|/b}$，则 $-\ell$ 中是绝对值之和 $\sum|x_i-m|/b$，最小值点是**中位数**。它对离群值毫不在意：拖动滑块，把一个数越拉越远。

# %% [markdown] lang="en"
# ### A Laplace law instead: the median
# For errors of a Laplace law, $f=\frac1{2b}e^{-|x-m|/b}$, the sum of absolute values $\sum|x_i-m|/b$ replaces the squares in $-\ell$ and is least at the **median**. An outlier does not move it: pull one number far away.

# %%
core = jnp.array([-1.0, -0.4, 0.2, 0.6])
centre = jnp.linspace(-2.0, 6.0, 60)


def pulled(t):
    sample = jnp.append(core, t)
    curves = {}
    for name, family in (("normal", law.Normal), ("Laplace", law.Laplace)):
        params = family.fit(sample).params

        def at(m, params=params, family=family):
            return jnp.sum(family.log_prob(params._replace(loc=m), sample))

        curves[name] = (centre, relative(jax.vmap(at)(centre)))
    dot = (t[None], jnp.zeros(1))
    normal_at, laplace_at = (
        law.Normal.fit(sample).params.loc,
        law.Laplace.fit(sample).params.loc,
    )
    return {**curves, "outlier": dot, "mean": normal_at, "median": laplace_at}


outlier = slider(
    pulled,
    jnp.linspace(0.6, 12.0, 40),
    name="t",
    fixed={"data": (core, jnp.zeros(4))},
    points=["data"],
    xlabel="location m",
    ylabel="relative likelihood",
    xlim=(-2.2, 12.4),
    start=18,
)
np.testing.assert_allclose(outlier.frames["median"], 0.2, atol=1e-4)
np.testing.assert_allclose(outlier.frames["mean"][[0, -1]], [0, 2.28], atol=1e-3)
outlier

# %% [markdown] lang="zh"
# *图：四个固定的数和一个可以拉动的数，以及位置参数的相对似然。正态的曲线（虚线）跟着离群值向右移，最大值在平均值处，从 0 一直到 2.28；拉普拉斯的曲线（点线）带有尖角，最大值始终在中位数 0.2 处。*
#
# ## 5 令导数为零不管用的时候
#
# ### 均匀分布
# $X$ 在 $[0,\theta]$ 上均匀，密度是 $1/\theta$。似然
# $$L(\theta)=\begin{cases}\theta^{-n},&\theta\ge\max_i x_i,\\0,&\theta<\max_i x_i.\end{cases}$$
# 在 $\theta>\max x_i$ 处导数 $-n\theta^{-n-1}<0$，永不为零；最大值在跳跃处，$\hat\theta=\max_i x_i$。

# %% [markdown] lang="en"
# *Picture: four fixed numbers and one that can be pulled, with the relative likelihood of the location. The normal curve (dashed) follows the outlier, its maximum is the mean, which goes from 0 to 2.28. The Laplace curve (dotted) has corners, and its maximum stays at the median, 0.2.*
#
# ## 5 Where setting the derivative to zero fails
#
# ### The uniform law
# $X$ is uniform on $[0,\theta]$, with density $1/\theta$. The likelihood
# $$L(\theta)=\begin{cases}\theta^{-n},&\theta\ge\max_i x_i,\\0,&\theta<\max_i x_i.\end{cases}$$
# has the derivative $-n\theta^{-n-1}<0$ for $\theta>\max x_i$, which is never zero; the maximum is at the jump, $\hat\theta=\max_i x_i$.

# %%
waits = jnp.array([0.2, 0.3, 1.4])


def uniform_log_lik(theta):
    return jnp.sum(law.Uniform.log_prob(law.Uniform.Params(0.0, theta), waits))


ax = draw.uniform_likelihood(waits, reach=3.5)
np.testing.assert_allclose(jax.grad(uniform_log_lik)(1.5), -3 / 1.5, rtol=1e-4)
assert jnp.isneginf(uniform_log_lik(1.27)) and jnp.isfinite(uniform_log_lik(1.4))
both_ends = law.Uniform.fit(waits)
assert both_ends.params.upper == waits.max()
assert jn.Status(int(both_ends.status)) == jn.Status.BOUNDARY

# %% [markdown] lang="zh"
# *图：样本 0.2、0.3、1.4 的似然。左边为 0，在最大的观测值 1.4 处跳到最大，然后按 $\theta^{-3}$ 下降，跳跃点右边没有一处切线是水平的。虚线是矩估计 $2\bar x\approx1.27$，它比 1.4 还小：照它说，1.4 根本不可能出现。*
#
# 这种**非正则**的情形，误差的规律也不同：$n=5$、$\theta=1$ 时 $\mathbb E\max=\frac n{n+1}=5/6$，总是偏小；误差按 $1/n$ 缩小，比通常的 $1/\sqrt n$ 快。Wald 区间不成立，但有准确的区间 $[\max,\ \max/\alpha^{1/n}]$：

# %% [markdown] lang="en"
# *Picture: the likelihood of the sample 0.2, 0.3, 1.4. It is 0 on the left, jumps to its maximum at the largest observation 1.4, and falls as $\theta^{-3}$; to the right of the jump no tangent is level. The dashed line is the estimate by moments, $2\bar x\approx1.27$, below 1.4: if that were the truth, 1.4 could not have been seen.*
#
# In such a **non-regular** case errors follow another rule: for $n=5$ and $\theta=1$, $\mathbb E\max=\frac n{n+1}=5/6$, always too small, and the error shrinks as $1/n$, faster than the usual $1/\sqrt n$. Wald's interval does not hold; there is an exact one of level $1-\alpha$, $[\max,\ \max/\alpha^{1/n}]$:

# %%
uniform = jax.random.uniform(jax.random.key(1), (100_000, 5))
most = uniform.max(axis=1)
held = jnp.mean((most <= 1) & (most / 0.05 ** (1 / 5) >= 1))
impossible = jnp.mean(2 * uniform.mean(axis=1) < most)
np.testing.assert_allclose(most.mean(), 5 / 6, atol=0.003)
np.testing.assert_allclose(held, 0.95, atol=0.004)
np.testing.assert_allclose(impossible, 0.20, atol=0.01)
print(f"mean of the maximum {most.mean():.4f}, interval holds {held:.4f}")
print(f"twice the mean lies below the data in a share of {impossible:.3f}")

# %% [markdown] lang="zh"
# 矩估计 $2\bar x$ 大约每五个样本就有一个比数据本身还小。
#
# ### 指数分布：一次观测
# 密度 $\alpha e^{-\alpha x}$，$\ell=n\log\alpha-\alpha\sum x_i$，$\hat\alpha=1/\bar x$。只有一次观测 $x=3$ 时 $\hat\alpha=1/3$。它也有偏差：$\mathbb E\,\hat\alpha=\frac n{n-1}\alpha$，$n=5$ 时平均高估四分之一。极大似然不保证无偏，只保证 $n\to\infty$ 时（正则条件下）偏差消失、精度最优。

# %% [markdown] lang="en"
# The estimate by moments, $2\bar x$, is below the data themselves in about one sample of five.
#
# ### The exponential law: one observation
# The density is $\alpha e^{-\alpha x}$, so $\ell=n\log\alpha-\alpha\sum x_i$ and $\hat\alpha=1/\bar x$. For a single observation $x=3$ this is $1/3$. It is biased too: $\mathbb E\,\hat\alpha=\frac n{n-1}\alpha$, for $n=5$ a quarter too large. Maximum likelihood promises no absence of bias, only that (under regularity) for $n\to\infty$ the bias vanishes and the precision is the best possible.

# %%
single = law.Exponential.fit([3.0])
np.testing.assert_allclose(single.params.rate, 1 / 3, rtol=1e-4)
lives = jax.random.exponential(jax.random.key(2), (100_000, 5))
rates = jax.vmap(law.Exponential.fit)(lives).params.rate
np.testing.assert_allclose(rates.mean(), 5 / 4, atol=0.015)
print(f"one observation: {single.params.rate:.6f}; mean of 100000 fits: {rates.mean():.4f}")

# %% [markdown] lang="zh"
# ## 6 勘误两则
#
# ### 其一
# **误区**：“把 k 次成功分布在 n 次试验中共有 $C_n^k$ 个不同的方法”，笔记的离散型极大似然估计就讲到这里，仿佛 $C_n^k$ 是关键。
#
# **反例**：把 $C_n^k$ 换成任何正的常数，估计都不变；决定估计的是 $p^k(1-p)^{n-k}$。

# %% [markdown] lang="en"
# ## 6 Two corrections
#
# ### First
# **The sentence**: “there are $C_n^k$ ways to spread k successes over n trials”; here the notes' section on discrete maximum likelihood ends, as if $C_n^k$ were the point.
#
# **Counterexample**: put any positive constant for $C_n^k$ and the estimate is the same; what decides is $p^k(1-p)^{n-k}$.

# %%
p = jnp.linspace(0.01, 0.99, 99)
for constant in (1.0, 10.0, 1e6):
    best = p[jnp.argmax(constant * p**3 * (1 - p) ** 2)]
    np.testing.assert_allclose(best, 3 / 5, atol=1e-3)

# %% [markdown] lang="zh"
# **正解**：$P(K=k)=\binom nk p^k(1-p)^{n-k}$，$\binom nk$ 与 $p$ 无关，$\hat p=k/n$。由 `tests/test_corrections.py::test_a_likelihood_is_no_probability_of_its_parameter` 检验。
#
# ### 其二
# **误区**：“最后求导得出使得概率最大的参数值”。
#
# **反例**：$k=0$ 的二项分布与均匀分布，在似然为正的地方导数都不为零；按导数找，什么也找不到。

# %% [markdown] lang="en"
# **The theorem**: $P(K=k)=\binom nk p^k(1-p)^{n-k}$, where $\binom nk$ does not depend on $p$, and $\hat p=k/n$. Checked by `tests/test_corrections.py::test_a_likelihood_is_no_probability_of_its_parameter`.
#
# ### Second
# **The sentence**: “finally differentiate, and obtain the parameters of the largest probability”.
#
# **Counterexample**: for the binomial law with $k=0$, and for the uniform law, the derivative is nowhere zero where the likelihood is positive. Looking for its zeros finds nothing.

# %%
at_edge = jax.grad(lambda p: successes(p, 0.0))(1e-3)
at_jump = jax.grad(uniform_log_lik)(1.4001)
assert at_edge < -4.9 and at_jump < -2.1
print(f"slope next to the maximum: {at_edge:.2f} (k = 0), {at_jump:.2f} (uniform)")

# %% [markdown] lang="zh"
# **正解**：最大值在参数空间的内部、且 $\ell$ 在那里可微时，得分才为零；最大值也可能在边缘（$k=0$）、在跳跃处（均匀分布的 $\max x_i$）、在尖角处（拉普拉斯的中位数）。由 `tests/test_corrections.py::test_the_largest_likelihood_may_be_where_no_derivative_is_zero` 检验。

# %% [markdown] lang="en"
# **The theorem**: the score is zero at a maximum inside the parameter space where $\ell$ is differentiable. A maximum may as well be on the edge ($k=0$), at a jump ($\max x_i$ of the uniform law) or in a corner (the median, of the Laplace law). Checked by `tests/test_corrections.py::test_the_largest_likelihood_may_be_where_no_derivative_is_zero`.

# %% [markdown] lang="zh"
# ## 7 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E7.1** 泊松分布：值 `values` 各出现 `counts` 次。求 $\hat\lambda$ 与它的标准误。马踢的数据应得 0.61 与 0.0552。

# %% [markdown] lang="en"
# ## 7 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E7.1** The Poisson law: each of `values` was seen `counts` times. Find $\hat\lambda$ and its standard error. The horse kicks have 0.61 and 0.0552.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E7.1"
def poisson_estimate(values, counts):
    """The estimate of the rate and its standard error; values and counts are vectors."""
    n = jnp.sum(counts)
    rate = jnp.sum(values * counts) / n
    return rate, jnp.sqrt(rate / n)


check("E7.1", poisson_estimate)

# %% [markdown] lang="zh"
# **E7.2** 两种方差：极大似然的与无偏的，依次返回。它们的比是 $(n-1)/n$。

# %% [markdown] lang="en"
# **E7.2** Two variances: that of maximum likelihood and the unbiased one, in this order. Their ratio is $(n-1)/n$.


# %% exercise="E7.2"
def two_variances(x):
    """The variance by maximum likelihood and the unbiased one; x is a vector."""
    squares = jnp.sum((x - jnp.mean(x)) ** 2)
    return squares / len(x), squares / (len(x) - 1)


check("E7.2", two_variances)

# %% [markdown] lang="zh"
# **E7.3** 在 $[0,\theta]$ 上均匀分布的样本 $x$，求 $\theta$ 的极大似然估计。

# %% [markdown] lang="en"
# **E7.3** Find the maximum likelihood estimate of $\theta$ from a sample $x$ of the uniform law on $[0,\theta]$.


# %% exercise="E7.3"
def largest_theta(x):
    """The estimate of theta; x is a vector of positive numbers."""
    return jnp.max(x)


check("E7.3", largest_theta)

# %% [markdown] lang="zh"
# ## 8 小结
#
# | 分布 | 极大似然估计 | 注意 |
# |---|---|---|
# | 二项 | $\hat p=k/n$ | $k=0$ 或 $n$ 时在边缘 |
# | 泊松 | $\hat\lambda=\bar k$ | $\mathrm{SE}^2=\hat\lambda/n$ |
# | 多项 | $\hat p_j=n_j/n$ | 有约束：拉格朗日乘子 |
# | 正态 | $\bar x$，方差除以 $n$ | 方差偏小 $(n-1)/n$ |
# | 拉普拉斯 | 中位数 | 尖角处没有导数 |
# | 指数 | $1/\bar x$ | 偏大 $n/(n-1)$ |
# | 均匀 $[0,\theta]$ | $\max x_i$ | 跳跃处；非正则 |
#
# 库里依次是 `jn.distributions` 的 `Binomial`、`Poisson`、`Categorical`、`Normal`、`Laplace`、`Exponential`、`Uniform`，都有 `fit`。
#
# **何处会失灵**：最大值在边缘或跳跃处时标准误不成立（状态 `BOUNDARY`）；小样本时估计有偏；离群值会拖走正态分布的均值。
#
# **下一课**：[08 逻辑回归](08_logistic_regression.ipynb)。让 $p$ 随 $x$ 变化，没有显式解了。

# %% [markdown] lang="en"
# ## 8 Summary
#
# | Law | Estimate | Note |
# |---|---|---|
# | binomial | $\hat p=k/n$ | on the edge for $k=0$ or $n$ |
# | Poisson | $\hat\lambda=\bar k$ | $\mathrm{SE}^2=\hat\lambda/n$ |
# | categorical | $\hat p_j=n_j/n$ | a constraint: Lagrange's multiplier |
# | normal | $\bar x$, variance over $n$ | variance too small by the factor $(n-1)/n$ |
# | Laplace | the median | a corner without derivative |
# | exponential | $1/\bar x$ | too large by $n/(n-1)$ |
# | uniform on $[0,\theta]$ | $\max x_i$ | at a jump; not regular |
#
# In `jn.distributions` they are `Binomial`, `Poisson`, `Categorical`, `Normal`, `Laplace`, `Exponential`, `Uniform`, each with a `fit`.
#
# **Where it breaks**: no standard error holds for a maximum on an edge or at a jump (status `BOUNDARY`); estimates from small samples are biased; an outlier drags the mean of the normal law along.
#
# **Next**: [08 Logistic regression](08_logistic_regression.ipynb). Let $p$ depend on $x$, and there is no closed form any more.
