# %% [markdown] lang="zh"
# # 08 逻辑回归
#
# **约 20 秒运行完 · 先修：[06 似然函数](06_likelihood.ipynb)、[02 梯度下降法](02_gradient_descent.ipynb) · 对应笔记 5.1、5.3**
#
# 逻辑回归又称对数几率回归：直线预测的是几率的对数。
#
# 学完这一课，你能够
# - 在概率、几率（odds）与 logit 之间自如换算，读懂回归系数；
# - 写出大数也不会溢出的损失函数，并手工推导它的梯度与黑塞矩阵；
# - 用牛顿法（IRLS）几步求出极大似然估计，给出标准误与置信区间；
# - 看出数据何时可分、极大似然估计何时不存在，以及这时该怎么办。

# %% [markdown] lang="en"
# # 08 Logistic regression
#
# **Runs in about 20 seconds · after: [06 The likelihood](06_likelihood.ipynb), [02 Gradient descent](02_gradient_descent.ipynb) · sections 5.1 and 5.3 of the notes**
#
# After this lesson you can
# - move between probability, odds and logit, and read the coefficients;
# - write the loss so that no large number breaks it, and derive its gradient and Hessian by hand;
# - find the maximum likelihood estimate in a few Newton steps (IRLS), with standard errors and intervals;
# - tell when data are separated, so that there is no such estimate, and what to do then.

# %%
import inspect

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show.lesson_plots import logistic_regression as draw
from jaxnotes.show.slider import slider

lr = jn.logistic_regression
flights = jn.datasets.challenger()
X, y = flights.X, flights.y  # 23 temperatures, and whether an O-ring was damaged
fitted = lr.fit(X, y)
inference = lr.infer(fitted, X, y)
ax = draw.launch(fitted, inference, flights.temperature, y, mark=31.0)

# %% [markdown] lang="zh"
# *图：“挑战者”号失事前的 23 次发射。黑点：O 形环是否受损（1 为受损）；蓝线：由气温预测的受损概率，虚线部分没有数据，是外推；浅蓝色是 95% 置信带。失事那天是 31 °F，模型给出 0.9996，可是置信带几乎从 0.5 开始。该不该发射？*

# %% [markdown] lang="en"
# *Picture: the 23 launches before the Challenger accident. Black dots: whether an O-ring was damaged (1 is yes). Blue line: its probability from the temperature; where it is dashed there are no data and it extrapolates. Light blue: the 95 % band. On the day of the accident it was 31 °F: the model says 0.9996, yet the band begins near 0.5. Launch or not?*

# %% [markdown] lang="zh"
# ## 1 想法：让直线说出概率
#
# 直线 $z=w^\top x+b$ 可以取任何实数，概率只能在 0 与 1 之间。用 sigmoid 函数把前者变成后者：
# $$p=P(y=1\mid x)=\sigma(z)=\frac{1}{1+e^{-z}},\qquad z=\ln\frac{p}{1-p}.$$
# $p/(1-p)$ 叫几率（odds），它的对数 $z$ 叫 logit。三者说的是同一件事，只是刻度不同：

# %% [markdown] lang="en"
# ## 1 The idea: a line that speaks of probability
#
# A line $z=w^\top x+b$ takes any value; a probability lies between 0 and 1. The sigmoid turns the one into the other:
# $$p=P(y=1\mid x)=\sigma(z)=\frac{1}{1+e^{-z}},\qquad z=\ln\frac{p}{1-p}.$$
# Here $p/(1-p)$ are the odds, and their logarithm $z$ is the logit. All three say the same on different rulers:

# %%
ax = draw.scales()
p = jn.activations.sigmoid(jnp.array([-2.0, 0.0, 2.0]))
np.testing.assert_allclose(jnp.log(p / (1 - p)), [-2, 0, 2], atol=1e-4)

# %% [markdown] lang="zh"
# *图：上下对齐的三把尺子：概率、几率、logit。logit 每加 1，几率乘以 $e$；概率在中间变得快，在两头变得慢。*
#
# 笔记里的图把一个节点画成两半：先算 $z$，再算 $\sigma(z)$。这只是**计算**。要成为**回归**，还缺两样东西：标签 $y$，以及衡量预测好坏的损失。

# %% [markdown] lang="en"
# *Picture: three rulers, aligned: probability, odds, logit. One more on the logit multiplies the odds by $e$; the probability changes fast in the middle and slowly at the ends.*
#
# The notes draw a node in two halves: first $z$, then $\sigma(z)$. That is only a **computation**. To be a **regression** it lacks two things: a label $y$, and a loss that judges the prediction.

# %% lang="zh"
draw.neuron("zh")

# %% lang="en"
draw.neuron("en")

# %% [markdown] lang="zh"
# *图：左边的蓝圈是节点，一半算 $w^\top x+b$，一半算 $\sigma(z)$；右边的虚线框是损失，它把输出与标签相比较。有了虚线部分，才是逻辑回归。*

# %% [markdown] lang="en"
# *Picture: the blue circle is the node, one half $w^\top x+b$, the other $\sigma(z)$; the dashed box is the loss, which compares the output with the label. Only with the dashed part is it logistic regression.*

# %% [markdown] lang="zh"
# ## 2 推导
#
# ### 损失来自伯努利分布的似然
# 标签为 1 的概率是 $p$，为 0 的概率是 $1-p$，合写成 $p^y(1-p)^{1-y}$。取负对数，代入 $p=\sigma(z)$，化简：
# $$L(z)=-y\ln p-(1-y)\ln(1-p)=\ln(1+e^z)-yz.$$
# 两种写法在数学上相等，在计算机上却大不一样。设 $z$ 很大而 $y=0$（错得离谱）：

# %% [markdown] lang="en"
# ## 2 The derivation
#
# ### The loss is a Bernoulli likelihood
# The label 1 has probability $p$, the label 0 has $1-p$: together $p^y(1-p)^{1-y}$. Take minus the logarithm and put in $p=\sigma(z)$:
# $$L(z)=-y\ln p-(1-y)\ln(1-p)=\ln(1+e^z)-yz.$$
# In mathematics the two forms are equal; in a computer they are not. Let $z$ be large and $y=0$, a very wrong prediction:


# %%
def naive(z, y):
    p = 1 / (1 + jnp.exp(-z))
    return -jnp.log(p * y + (1 - p) * (1 - y))


def in_logits(z, y):
    return jax.nn.softplus(z) - y * z  # log(1 + e^z) - y z


for z in (2.0, 10.0, 20.0, 100.0):
    (bad, bad_slope), (good, good_slope) = (
        jax.value_and_grad(loss)(z, 0.0) for loss in (naive, in_logits)
    )
    print(f"z = {z:<5}  naive {bad:8.4f}, slope {bad_slope:7.4f}", end="   ")
    print(f"in logits {good:8.4f}, slope {good_slope:.4f}")
assert jnp.isinf(naive(20.0, 0.0)) and not jnp.isfinite(jax.grad(naive)(20.0, 0.0))
np.testing.assert_allclose(jax.value_and_grad(in_logits)(20.0, 0.0), [20, 1], rtol=1e-4)

# %% [markdown] lang="zh"
# 单精度下 $z=20$ 时 $p$ 已舍入成 1，于是损失是无穷大，梯度是 NaN，训练就此中断；用 logit 写出来的损失是 20，斜率是 1。把 $p$ 截断到 $[10^{-7},1-10^{-7}]$ 也不对：那里梯度为零，错得最厉害的样本反而教不会模型。库里的对数似然从不经过 $p$：

# %% [markdown] lang="en"
# In float32 at $z=20$, $p$ has rounded to 1: the loss is infinite, its gradient NaN, and training ends there. Written in logits the loss is 20 and its slope 1. Clipping $p$ to $[10^{-7},1-10^{-7}]$ is wrong too: the gradient is zero there, so the worst errors teach nothing. The log-likelihood of the library never goes through $p$:

# %%
print(inspect.getsource(jn.logistic_regression.loglik))
far = jnp.array([1e4, -1e4])
slope = jax.vmap(jax.grad(lambda z: lr.loglik(z, (jnp.zeros(()), jnp.ones(())))))(far)
np.testing.assert_allclose(slope, [-1, 0], atol=1e-5)

# %% [markdown] lang="zh"
# ### 梯度与黑塞矩阵
# 由 $\sigma'(z)=\sigma(z)(1-\sigma(z))$ 得 $\partial L/\partial z=\sigma(z)-y$：预测减标签。对 $n$ 个样本取平均（截距看作全 1 的一列），
# $$\nabla L=\frac1nX^\top(\sigma(Xw)-y),\qquad H=\frac1nX^\top SX,\qquad S=\operatorname{diag}\big(p_i(1-p_i)\big).$$
# 用双精度与自动微分逐项比较：

# %% [markdown] lang="en"
# ### Gradient and Hessian
# From $\sigma'(z)=\sigma(z)(1-\sigma(z))$ follows $\partial L/\partial z=\sigma(z)-y$: prediction minus label. The mean over $n$ examples, with the intercept as a column of ones, has
# $$\nabla L=\frac1nX^\top(\sigma(Xw)-y),\qquad H=\frac1nX^\top SX,\qquad S=\operatorname{diag}\big(p_i(1-p_i)\big).$$
# In float64, part by part against automatic differentiation:


# %%
def product(A, B):
    return jnp.matmul(A, B, precision="highest")


def mean_loss(w, A, y):
    return jnp.mean(in_logits(product(A, w), y))


def by_hand(w, A, y):
    p = jn.activations.sigmoid(product(A, w))
    return product(A.T, p - y) / len(y), product(A.T * (p * (1 - p)), A) / len(y)


A = np.column_stack([np.ones(23), (flights.temperature - 69.6) / 6.9])  # intercept, scaled
with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    w = jnp.array([0.3, -0.8])
    gradient, hessian = by_hand(w, A, y)
    slope_z = jax.grad(jn.activations.sigmoid)(1.5)
    p = jn.activations.sigmoid(1.5)
    gaps = [
        float(abs(slope_z - p * (1 - p))),
        float(jnp.abs(gradient - jax.grad(mean_loss)(w, A, y)).max()),
        float(jnp.abs(hessian - jax.hessian(mean_loss)(w, A, y)).max()),
    ]
assert max(gaps) < 1e-12
print(f"largest difference: {max(gaps):.0e}")

# %% [markdown] lang="zh"
# ### 损失是凸的
# 对任何向量 $v$，$v^\top Hv=\frac1n\sum_i p_i(1-p_i)(x_i^\top v)^2\ge0$，所以 $H$ 半正定，局部最小值就是全局最小值。用一千个随机问题检验最小特征值，一次 `vmap`：

# %% [markdown] lang="en"
# ### The loss is convex
# For any vector $v$, $v^\top Hv=\frac1n\sum_i p_i(1-p_i)(x_i^\top v)^2\ge0$: $H$ is positive semidefinite, and a local minimum is global. The smallest eigenvalues of a thousand random problems, in one `vmap`:


# %%
def smallest_eigenvalue(key):
    kx, ky, kw = jax.random.split(key, 3)
    A, w = jax.random.normal(kx, (20, 3)), 3 * jax.random.normal(kw, (3,))
    labels = jax.random.bernoulli(ky, 0.5, (20,)).astype(A.dtype)
    return jnp.linalg.eigvalsh(by_hand(w, A, labels)[1])[0]


smallest = jax.jit(jax.vmap(smallest_eigenvalue))(jax.random.split(jax.random.key(0), 1000))
assert smallest.min() > -1e-6
print(f"smallest of 1000: {smallest.min():.1e}")

# %% [markdown] lang="zh"
# ## 3 实验：为什么不用平方损失？
#
# 也可以最小化 $(\sigma(z)-y)^2$，但它不是凸函数。六个样本，只有斜率 $w$ 一个参数：$x=0.5$ 处五个，其中四个标签为 1；$x=6$ 处一个，标签为 0。

# %% [markdown] lang="en"
# ## 3 The experiment: why not squares?
#
# One might minimize $(\sigma(z)-y)^2$, but this is not convex. Six examples and a slope $w$ alone: five at $x=0.5$, four of them with label 1; one at $x=6$ with label 0.

# %%
x6, y6 = jnp.array([0.5] * 5 + [6.0]), jnp.array([1.0] * 4 + [0.0] * 2)
six = {
    "log loss": lambda w: jnp.mean(in_logits(w * x6, y6)),
    "squared loss": lambda w: jnp.mean((jn.activations.sigmoid(w * x6) - y6) ** 2),
}
starts = jnp.linspace(-2.0, 5.0, 15)
minima = {}
for label, loss in six.items():
    found = jax.vmap(lambda w, loss=loss: jn.minimize(loss, w, tol=1e-4).params)(starts)
    minima[label] = np.unique(np.round(np.asarray(found), 2))
grid = jnp.linspace(-12.0, 14.0, 261)
axes = draw.losses(grid, {label: jax.vmap(loss)(grid) for label, loss in six.items()}, minima)
np.testing.assert_allclose(minima["log loss"], [-0.302], atol=0.02)
np.testing.assert_allclose(minima["squared loss"], [-0.224, 2.773], atol=0.02)
heights = [six["squared loss"](w) for w in minima["squared loss"]]
np.testing.assert_allclose(heights, [0.2301, 0.3000], rtol=1e-2)

# %% [markdown] lang="zh"
# *图：左，对数损失是凸函数，15 个起点都到达同一个最小值。右，平方损失有两个最小值：从右侧出发就停在高的那一个（0.3000），错过低的（0.2301）。再往两边走，曲线变平，梯度消失，错得再厉害也学不动。*

# %% [markdown] lang="en"
# *Picture: left, the log loss is convex and all 15 starts reach its one minimum. Right, the squared loss has two: whoever starts on the right ends in the higher (0.3000) and misses the lower (0.2301). Farther out the curve is flat and its gradient vanishes, however wrong the prediction.*

# %% [markdown] lang="zh"
# ## 4 实验：梯度下降与牛顿法
#
# 方程 $\nabla L=0$ 没有显式解，只能迭代。牛顿法用黑塞矩阵修正步长，$w\leftarrow w-H^{-1}\nabla L$；在这里它又叫迭代加权最小二乘（IRLS），因为每一步都是一次以 $p_i(1-p_i)$ 为权的最小二乘。

# %% [markdown] lang="en"
# ## 4 The experiment: descent against Newton
#
# The equation $\nabla L=0$ has no closed form; it takes iterations. Newton's method corrects the step by the Hessian, $w\leftarrow w-H^{-1}\nabla L$. Here it is also called iteratively reweighted least squares (IRLS), for each step is a weighted least-squares fit, with weights $p_i(1-p_i)$.

# %%
A32, y32 = jnp.asarray(A, jnp.float32), jnp.asarray(y, jnp.float32)
ways = {
    name: jn.minimize_path(mean_loss, jnp.zeros(2), A32, y32, method=method, steps=k).params
    for name, method, k in (
        ("gradient descent", jn.methods.gradient_descent(4.0), 24),
        ("Newton", jn.methods.newton(), 6),
    )
}
left, right = draw.paths(lambda w: mean_loss(w, A32, y32), ways, ways["Newton"][-1])
steps_to = {
    name: int(jnp.argmax(jnp.abs(path - ways["Newton"][-1]).max(axis=1) < 0.01))
    for name, path in ways.items()
}
print("steps to an error below 0.01:", steps_to)
assert 0 < 2 * steps_to["Newton"] < steps_to["gradient descent"]

# %% [markdown] lang="zh"
# *图：左，截距与斜率（每个标准差）的平面，灰线是损失的等高线，两条路都从原点出发。右，误差随步数的变化（对数刻度）。第一步几乎重合：在原点 $H\approx\frac14I$，而学习率正好取 4。此后牛顿法（橙色虚线）的误差一步比一步降得快，梯度下降（蓝色）每步只缩小一个固定的倍数。温度事先减去均值再除以标准差，否则梯度下降几乎走不动。*
#
# 牛顿法的误差每一步近似平方。用原来的温度，从零出发，五步之后误差已小于 $10^{-7}$：

# %% [markdown] lang="en"
# *Picture: left, the plane of intercept and slope (per standard deviation) with the level curves of the loss in grey; both paths begin at the origin. Right, the error against the step, on a logarithmic axis. The first steps nearly agree, for at the origin $H\approx\frac14I$ and the rate is just 4. From then on Newton (orange, dashed) gains more at each step, while descent (blue) shrinks the error by one fixed factor. The temperature was centred and scaled first: without that, descent hardly moves.*
#
# Newton nearly squares the error at each step. From zero, with the temperature as it is, after five steps it is below $10^{-7}$:

# %%
with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    design, w, visited = np.column_stack([np.ones(23), X]), jnp.zeros(2), []
    for _ in range(8):
        gradient, hessian = by_hand(w, design, y)
        w = w - jnp.linalg.solve(hessian, gradient)
        visited.append(np.asarray(w))
errors = [np.abs(w - visited[-1]).max() for w in visited]
print("error after steps 1 to 6:", *[f"{error:.0e}" for error in errors[:6]])
assert errors[4] < 1e-7
np.testing.assert_allclose(visited[5], [15.042902, -0.232163], atol=1e-6)

# %% [markdown] lang="zh"
# ### 读懂答案
# 库里的 `fit` 就是带步长控制的牛顿法，一行完成，并给出标准误：

# %% [markdown] lang="en"
# ### Reading the answer
# The library's `fit` is Newton's method with step control. One line, with standard errors:

# %%
print(jn.show.summary(fitted, inference, flights.names, title="O-ring distress", n_obs=23))
intercept, slope = float(fitted.params.intercept), float(fitted.params.coef[0])
loglik = float(lr.log_likelihood(fitted, X, y))
null = 23 * (7 / 23 * np.log(7 / 23) + 16 / 23 * np.log(16 / 23))  # intercept alone
np.testing.assert_allclose([intercept, slope], [15.0429, -0.23216], rtol=1e-4)
np.testing.assert_allclose(inference.se, [7.3786, 0.1082], rtol=1e-3)
np.testing.assert_allclose([loglik, null], [-10.157596, -14.133576], rtol=1e-5)
np.testing.assert_allclose(-2 * loglik, 20.315193, rtol=1e-5)
np.testing.assert_allclose(np.exp(-10 * slope), 10.19, rtol=2e-3)
np.testing.assert_allclose(-intercept / slope, 64.79, rtol=1e-3)
print(f"odds for 10 F colder: times {np.exp(-10 * slope):.2f}", end=";  ")
print(f"p = 1/2 at {-intercept / slope:.2f} F")

# %% [markdown] lang="zh"
# - 斜率 $-0.23216$（标准误 0.1082）：气温低 10 °F，受损的**几率**变为 $e^{2.32}=10.19$ 倍。**概率**变为几倍，要看从哪里出发。
# - 在 64.79 °F 处概率为一半。
# - 对数似然 $-10.157596$（偏差 20.315193）；只有截距时是 $-14.133576$。

# %% [markdown] lang="en"
# - The slope $-0.23216$ (standard error 0.1082): 10 °F colder multiplies the **odds** of damage by $e^{2.32}=10.19$. By how much the **probability** grows depends on where one starts.
# - At 64.79 °F the probability is one half.
# - The log-likelihood is $-10.157596$ (deviance 20.315193); with an intercept alone it is $-14.133576$.

# %% [markdown] lang="zh"
# ### 31 °F：要诚实
# 模型在 31 °F 给出 $P=0.9996$。但最冷的一次发射也有 53 °F，31 °F 要外推 22 度。logit 的标准误由协方差矩阵求得，$\operatorname{se}^2=(1,x)\,C\,(1,x)^\top$：

# %% [markdown] lang="en"
# ### 31 °F: be honest
# At 31 °F the model says $P=0.9996$. But the coldest launch was at 53 °F: this is 22 degrees beyond. The standard error of the logit comes from the covariance matrix, $\operatorname{se}^2=(1,x)\,C\,(1,x)^\top$:

# %%
row, C = np.array([1.0, 31.0]), np.asarray(inference.covariance, np.float64)
logit, se = row @ np.asarray(inference.estimate, np.float64), np.sqrt(row @ C @ row)
ends = jn.activations.sigmoid(jnp.array([logit - 1.96 * se, logit + 1.96 * se]))
np.testing.assert_allclose(lr.predict_proba(fitted, [[31.0]]), 0.9996, rtol=1e-4)
np.testing.assert_allclose([logit, se], [7.846, 4.041], rtol=1e-2)
np.testing.assert_allclose(ends[0], 0.48, atol=0.02)
print(f"logit {logit:.2f} +- {se:.2f}, so P(31 F) from {ends[0]:.2f} to {ends[1]:.4f}")

# %% [markdown] lang="zh"
# 95% 区间从大约 0.48 到几乎等于 1。这句话还是在“直线到 31 °F 仍然成立”的前提下说的，而这一点没有任何数据支持。即便如此，结论已经够清楚：最乐观的一端，受损的可能性也近一半。

# %% [markdown] lang="en"
# The 95 % interval goes from about 0.48 to nearly 1. And even this supposes that the line still holds at 31 °F, for which there is no data at all. Still the conclusion is plain: at the most hopeful end, damage is nearly as likely as not.

# %% [markdown] lang="zh"
# ## 5 实验：可分的数据没有答案
#
# 四个点，$x=-2,-1$ 标签为 0，$x=1,2$ 标签为 1。斜率越大，似然越大，没有最大值。梯度下降会一直走下去，
# $$w(t)\approx\ln t+\text{const},\qquad L(t)\approx\frac{\text{const}}{t}.$$

# %% [markdown] lang="en"
# ## 5 The experiment: separated data have no answer
#
# Four points, $x=-2,-1$ with label 0 and $x=1,2$ with label 1. The larger the slope, the larger the likelihood: there is no maximum. Descent walks on for ever,
# $$w(t)\approx\ln t+\text{const},\qquad L(t)\approx\frac{\text{const}}{t}.$$

# %%
x4, y4 = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0])
with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    run = jn.minimize_path(
        lambda w: jnp.mean(in_logits(w * x4, y4)),
        0.0,
        method=jn.methods.gradient_descent(1.0),
        steps=10_000,
    )
    walk, fall = np.asarray(run.params), np.asarray(run.value)
axes = draw.runaway(walk, fall)
np.testing.assert_allclose(walk[[1000, 4000, 10_000]], [6.231, 7.606, 8.519], atol=1e-3)
rate = (walk[10_000] - walk[1000]) / np.log(10)
assert abs(rate - 1) < 0.03
print(f"w at steps 1e3, 4e3, 1e4: {walk[[1000, 4000, 10_000]].round(3)}", end=";  ")
print(f"its slope against ln t: {rate:.3f}")

# %% [markdown] lang="zh"
# *图：左，斜率随步数的对数直线上升（横轴是对数刻度），与 $\ln t$ 平行；右，损失按 $1/t$ 趋于零。走了一千、四千、一万步时，斜率是 6.231、7.606、8.519，看不到终点。*
#
# 库不会假装收敛，而是如实报告状态；岭惩罚 $\frac{\lambda}{2}w^2$ 则让答案重新存在。拖动滑块改变 $\lambda$：

# %% [markdown] lang="en"
# *Picture: left, the slope rises on a straight line against the logarithm of the step, parallel to $\ln t$; right, the loss goes to zero like $1/t$. After 1000, 4000 and 10,000 steps the slope was 6.231, 7.606, 8.519, with no end in sight.*
#
# The library does not pretend to have converged; it says so. A ridge penalty $\frac{\lambda}{2}w^2$ makes an answer exist again. Move $\lambda$ on the slider:

# %%
separated = lr.fit(x4[:, None], y4)
assert separated.status == jn.Status.SEPARATED
print("without a penalty:", jn.Status(int(separated.status)).name)
across = jnp.linspace(-3.0, 3.0, 41)


def ridge(l2):
    solution = lr.fit(x4[:, None], y4, l2=l2)
    p = lr.predict_proba(solution, across[:, None])
    return {"P(y = 1)": (across, p), "w": solution.params.coef[0], "status": solution.status}


frames = slider(
    ridge,
    jnp.geomspace(1.0, 1e-5, 36),
    name="λ",
    fixed={"data": (x4, y4)},
    points=["data"],
    xlabel="x",
    ylabel="P(y = 1)",
    ylim=(-0.1, 1.1),
    start=12,
)
assert (frames.frames["status"] == 0).all() and (np.diff(frames.frames["w"]) > 0).all()
frames

# %% [markdown] lang="zh"
# *图：四个点与岭回归的概率曲线，36 个 $\lambda$ 一次 `vmap` 全部算出，状态都是 0（收敛）。$\lambda$ 越小，曲线越陡，斜率没有上限；惩罚力度要由你来定。*

# %% [markdown] lang="en"
# *Picture: the four points and the curve of the ridge estimate, for 36 values of $\lambda$ in one `vmap`; every status is 0, converged. The smaller $\lambda$, the steeper the curve, without limit: how much to penalize is up to you.*

# %% [markdown] lang="zh"
# ## 6 勘误两则
#
# ### 其一
# **误区**：“最后求导得出使得概率最大的参数值”。
#
# **反例**：同样的四个点，标签交错时要迭代几步才能解出；标签可分时根本没有解。

# %% [markdown] lang="en"
# ## 6 Two corrections
#
# ### First
# **The sentence**: “finally differentiate, and obtain the parameters of the largest probability”.
#
# **Counterexample**: the same four points. With mixed labels it takes some iterations; with separated ones there is no solution.

# %%
mixed = lr.fit(x4[:, None], np.array([0.0, 1.0, 0.0, 1.0]))
assert mixed.status == jn.Status.CONVERGED and mixed.steps > 1
assert lr.fit(x4[:, None], y4).status == jn.Status.SEPARATED
print(f"steps {mixed.steps}, scaled gradient {mixed.grad_norm:.0e}")

# %% [markdown] lang="zh"
# **正解**：令 $X^\top(\sigma(Xw)-y)=0$ 没有显式解，要迭代；损失是凸函数，两类有重叠且 $X$ 列满秩时解存在且唯一，可分时不存在。由 `tests/test_corrections.py::test_setting_the_derivative_to_zero_needs_overlap_and_iterations` 检验。
#
# ### 其二
# **误区**：“损失几乎为零，说明参数已经收敛”。
#
# **反例**：上一节的梯度下降，损失不到万分之二，斜率每过十倍的步数仍要增加约 2.3。

# %% [markdown] lang="en"
# **The theorem**: $X^\top(\sigma(Xw)-y)=0$ has no closed form and takes iterations. The loss is convex; with overlapping classes and $X$ of full column rank there is one solution, with separated classes none. Checked by `tests/test_corrections.py::test_setting_the_derivative_to_zero_needs_overlap_and_iterations`.
#
# ### Second
# **The sentence**: “the loss is nearly zero, so the parameters have converged”.
#
# **Counterexample**: the descent above. Its loss is below two in ten thousand, and ten times the steps still add about 2.3 to the slope.

# %%
print(f"loss {fall[10_000]:.1e}, slope {walk[10_000]:.3f}, a tenth as far {walk[1000]:.3f}")
assert fall[10_000] < 2e-4
assert 2.2 < walk[10_000] - walk[1000] < 2.4

# %% [markdown] lang="zh"
# **正解**：数据可分时 $\|w\|$ 像 $\ln t$ 那样增长，每十倍步数的增量趋于 $\ln10$。由 `tests/test_corrections.py::test_descent_on_separated_data_runs_away_like_the_logarithm` 检验。

# %% [markdown] lang="en"
# **The theorem**: on separated data $\|w\|$ grows like $\ln t$, by $\ln10$ in the limit for ten times the steps. Checked by `tests/test_corrections.py::test_descent_on_separated_data_runs_away_like_the_logarithm`.

# %% [markdown] lang="zh"
# ## 7 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E8.1** 写出一个样本的损失：`z` 是 logit，`y` 是 0 或 1。$|z|$ 到 $10^4$ 时，值与梯度都要有限而且正确。

# %% [markdown] lang="en"
# ## 7 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E8.1** Write the loss of one example: `z` is the logit, `y` 0 or 1. Value and gradient must be finite and correct for all $|z|$ up to $10^4$.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E8.1"
def log_loss(z, y):
    """log(1 + e^z) - y z, a number."""
    return jax.nn.softplus(z) - y * z


check("E8.1", log_loss)

# %% [markdown] lang="zh"
# **E8.2** 不用自动微分，写出平均损失在 `w` 处的梯度与黑塞矩阵（没有截距）。误差须小于 $10^{-10}$（双精度）。

# %% [markdown] lang="en"
# **E8.2** Without automatic differentiation, write the gradient and the Hessian of the mean loss at `w` (no intercept), to $10^{-10}$ in float64.


# %% exercise="E8.2"
def derivatives(X, y, w):
    """The gradient (p,) and the Hessian (p, p), a tuple; X is (n, p), y (n,)."""
    p = jax.nn.sigmoid(jnp.matmul(X, w))
    return jnp.matmul(X.T, p - y) / len(y), jnp.matmul(X.T * (p * (1 - p)), X) / len(y)


check("E8.2", derivatives)

# %% [markdown] lang="zh"
# **E8.3** 写出牛顿法的一步：由 `w` 得到新的 `w`。检查时会从零出发，用你的函数在 O 形环数据上走六步。

# %% [markdown] lang="en"
# **E8.3** Write one Newton step, from `w` to the next `w`. The check walks six of your steps from zero on the O-rings.


# %% exercise="E8.3"
def newton_step(X, y, w):
    """The next w, (p,); a column of ones is in X already."""
    p = jax.nn.sigmoid(jnp.matmul(X, w))
    H = jnp.matmul(X.T * (p * (1 - p)), X)
    return w - jnp.linalg.solve(H, jnp.matmul(X.T, p - y))


check("E8.3", newton_step)

# %% [markdown] lang="zh"
# **E8.4** 一个特征，$z=\text{intercept}+\text{slope}\cdot x$。$x$ 增加 `change` 时，几率变为原来的几倍？

# %% [markdown] lang="en"
# **E8.4** One feature, $z=\text{intercept}+\text{slope}\cdot x$. By which factor do the odds change when $x$ grows by `change`?


# %% exercise="E8.4"
def odds_ratio(intercept, slope, x, change):
    """The odds at x + change over the odds at x."""
    return jnp.exp(slope * change)


check("E8.4", odds_ratio)

# %% [markdown] lang="zh"
# ## 8 小结
#
# | 代码 | 得到什么 |
# |---|---|
# | `s = lr.fit(X, y)` | 极大似然估计：用牛顿法，没有显式解 |
# | `lr.predict_proba(s, X)` | 概率 $\sigma(w^\top x+b)$ |
# | `lr.loglik(z, counts)` | 对数似然 $yz-\ln(1+e^z)$，凹函数；损失是它的相反数 |
# | `lr.infer(s, X, y)` | 标准误：$(X^\top SX)^{-1}$ 的对角线开方 |
# | `jnp.exp(s.params.coef)` | 特征增加 1，几率变为几倍 |
# | `s.status`，`l2=` | 数据可分时没有极大似然估计：看状态，或加岭惩罚 |
#
# 表中 `lr` 是 `jn.logistic_regression`。两类以上用 `jn.multinomial_regression`。
#
# **何处会失灵**：经过 $p$ 计算损失，logit 稍大就溢出；可分的数据没有极大似然估计；外推时置信带假定直线仍然成立；样本很少时（这里只有 23 个）正态近似的标准误也只是近似。
#
# **下一课**：[09 神经网络的前向传播](09_network_forward.ipynb)。一条直线分不开的，弯折空间之后就能分开。

# %% [markdown] lang="en"
# ## 8 Summary
#
# | Code | What it gives |
# |---|---|
# | `s = lr.fit(X, y)` | the maximum likelihood estimate, by Newton; there is no closed form |
# | `lr.predict_proba(s, X)` | the probability $\sigma(w^\top x+b)$ |
# | `lr.loglik(z, counts)` | the log-likelihood $yz-\ln(1+e^z)$, concave; the loss is minus this |
# | `lr.infer(s, X, y)` | standard errors: roots of the diagonal of $(X^\top SX)^{-1}$ |
# | `jnp.exp(s.params.coef)` | the factor by which the odds change per unit of the feature |
# | `s.status`, `l2=` | separated data have no maximum likelihood estimate: read the status, or penalize |
#
# Here `lr` is `jn.logistic_regression`. For more than two classes there is `jn.multinomial_regression`.
#
# **Where it breaks**: a loss computed through $p$ overflows for moderate logits; separated data have no maximum likelihood estimate; beyond the data the band supposes that the line still holds; with few rows (23 here) standard errors from the normal approximation are approximate.
#
# **Next**: [09 A network, forward](09_network_forward.ipynb). No line separates these points; folding space does.
