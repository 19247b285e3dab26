# %% [markdown] lang="zh"
# # 04 线性回归
#
# **约 20 秒运行完 · 先修：[02 梯度下降法](02_gradient_descent.ipynb)、[03 广播](03_broadcasting.ipynb) · 对应笔记 3.1**
#
# 学完这一课，你能够
# - 分清模型、残差与损失，并说出为什么加的是残差的**平方**；
# - 区分竖直、水平、垂直三种距离，它们给出三条不同的直线；
# - 手推损失的梯度，用自动微分验算，再用梯度下降把直线找出来；
# - 换算损失的三种写法（求和、均值、均值的一半），知道什么变了，什么没变；
# - 说出一个 $R^2$ 掩盖了什么。

# %% [markdown] lang="en"
# # 04 Linear regression
#
# **Runs in about 20 seconds · after: [02 Gradient descent](02_gradient_descent.ipynb), [03 Broadcasting](03_broadcasting.ipynb) · section 3.1 of the notes**
#
# After this lesson you can
# - tell model, residual and loss apart, and say why it is the **squares** of residuals that are added;
# - tell vertical, horizontal and perpendicular distances apart: they give three different lines;
# - derive the gradient of the loss by hand, check it by autodiff, and let descent find the line;
# - translate between the three ways to write the loss (sum, mean, half mean), and know what changes and what does not;
# - say what an $R^2$ hides.

# %%
import inspect

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show.lesson_plots import broadcasting, canvas
from jaxnotes.show.lesson_plots import linear_regression as draw
from jaxnotes.show.slider import slider

quartet = jn.datasets.anscombe()
x, y = jnp.asarray(quartet[0].x), jnp.asarray(quartet[0].y)
fit = jn.least_squares.fit(x[:, None], y)
w_best, b_best = float(fit.params.coef[0]), float(fit.params.intercept)
ax = draw.points_and_residuals(x, y, (w_best, b_best))
# %% [markdown] lang="zh"
# *图：笔记里丢失的两张图。左边是 11 个数据点（安斯库姆数据的第一组）；右边加上了回归直线，红色竖线就是残差，有上有下，都与 $y$ 轴平行，而不与直线垂直。*

# %% [markdown] lang="en"
# *Picture: the two lost pictures of the notes. Left, eleven points (the first set of Anscombe). Right, the regression line and in red the residuals: some up, some down, all parallel to the $y$ axis and not perpendicular to the line.*

# %% [markdown] lang="zh"
# ## 1 想法：由你来拟合
#
# **模型**是一条直线，两个参数：斜率 $w$ 与截距 $b$。**残差**是观测值减预测值，带符号：
# $$\hat y_i=wx_i+b,\qquad r_i=y_i-\hat y_i.$$
# **损失**把全部残差归结为一个数。这里取平方的均值：
# $$L(w,b)=\frac1n\sum_{i=1}^{n}(y_i-wx_i-b)^2.$$
# “平方”是字面意义上的正方形：每条残差是一个正方形的边，损失就是它们的平均面积。让直线绕着数据的重心转，看总面积何时最小。

# %% [markdown] lang="en"
# ## 1 The idea: you fit it
#
# The **model** is a line with two parameters, slope $w$ and intercept $b$. A **residual** is the observation minus the prediction, with its sign:
# $$\hat y_i=wx_i+b,\qquad r_i=y_i-\hat y_i.$$
# The **loss** makes one number of all residuals. Here, the mean of their squares:
# $$L(w,b)=\frac1n\sum_{i=1}^{n}(y_i-wx_i-b)^2.$$
# These squares can be drawn: each residual is the side of one, and the loss is their mean area. Turn the line about the centre of the data and see where the area is least.

# %%
ends = jnp.array([0.0, 18.0])


def squares(w):
    b = jnp.mean(y) - w * jnp.mean(x)
    fitted = w * x + b
    return {
        "line": (ends, w * ends + b),
        "squares": draw.square_outlines(x, y, fitted),
        "total area": jnp.sum((y - fitted) ** 2),
    }


slider(
    squares,
    jnp.linspace(-0.2, 1.2, 43),
    name="w",
    fixed={"data": (x, y)},
    points=["data"],
    xlabel="x",
    ylabel="y",
    xlim=(-1.8, 19.7),
    ylim=(2.0, 13.0),
    start=36,
)

# %% [markdown] lang="zh"
# *图：残差上的正方形（两轴比例相同）。直线总是经过重心；斜率拖到 0.5 时，总面积最小，约为 13.76。*
#
# 现在放开截距，两个参数都由你来调。改动下面第二格里的 `w`、`b`，再运行它，把损失降下来：

# %% [markdown] lang="en"
# *Picture: squares on the residuals (equal scales on both axes). The line goes through the centre of the data; the area is least, about 13.76, at a slope of 0.5.*
#
# Now both parameters are yours. Change `w` and `b` in the second cell below, run it again, and bring the loss down:


# %%
def loss(params, x, y):
    return jnp.mean((y - params[0] * x - params[1]) ** 2)


tries = [(0.0, 6.0), (0.9, 3.0), (0.2, 5.0)]

# %%
w = 0.6  # @param {type: "number"}
b = 1.5  # @param {type: "number"}
tries.append((w, b))
for k, attempt in enumerate(tries):
    print(f"try {k}: w = {attempt[0]}, b = {attempt[1]}, loss {loss(attempt, x, y):.4f}")
print(
    f"least squares: w = {w_best:.4f}, b = {b_best:.4f}, loss {loss((w_best, b_best), x, y):.4f}"
)
np.testing.assert_allclose([w_best, b_best], [0.50009, 3.00009], rtol=1e-4)
np.testing.assert_allclose(loss((w_best, b_best), x, y), 1.2512, rtol=1e-3)
assert all(loss(attempt, x, y) >= 1.2511 for attempt in tries)

# %% [markdown] lang="zh"
# 谁也低不过 1.2512，那是最小二乘解 $w=0.50009$、$b=3.00009$ 的损失。怎样不靠猜，直接算出它来？
#
# ## 2 推导：令梯度为零
#
# 对两个参数分别求导：
# $$\frac{\partial L}{\partial w}=-\frac2n\sum_{i=1}^{n}r_ix_i,\qquad \frac{\partial L}{\partial b}=-\frac2n\sum_{i=1}^{n}r_i.$$
# 先用自动微分验算（双精度，任取一点）：

# %% [markdown] lang="en"
# Nobody gets below 1.2512, the loss at the least-squares solution $w=0.50009$, $b=3.00009$. How is it found without guessing?
#
# ## 2 The derivation: set the gradient to zero
#
# Differentiate by both parameters:
# $$\frac{\partial L}{\partial w}=-\frac2n\sum_{i=1}^{n}r_ix_i,\qquad \frac{\partial L}{\partial b}=-\frac2n\sum_{i=1}^{n}r_i.$$
# Autodiff checks it, in float64, at any point:


# %%
def by_hand(params, x, y):
    r = y - params[0] * x - params[1]
    return jnp.stack([-2 * jnp.mean(r * x), -2 * jnp.mean(r)])


with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    x_64, y_64 = quartet[0].x, quartet[0].y  # NumPy, float64
    at = np.random.default_rng(0).normal(size=(100, 2))
    hand = np.asarray(jax.vmap(lambda params: by_hand(params, x_64, y_64))(at))
    auto = np.asarray(jax.vmap(lambda params: jax.grad(loss)(params, x_64, y_64))(at))
    exact = jn.least_squares.fit(x_64[:, None], y_64)
    residuals = np.asarray(y_64 - jn.least_squares.predict(exact, x_64[:, None]))
np.testing.assert_allclose(hand, auto, rtol=1e-12, atol=1e-12)
print("by hand and by autodiff agree at 100 random lines")

# %% [markdown] lang="zh"
# 令第二式为零：$\sum r_i=0$，所以直线必过重心 $(\bar x,\bar y)$，即 $b=\bar y-w\bar x$。代入第一式，得
# $$w=\frac{\sum_i(x_i-\bar x)(y_i-\bar y)}{\sum_i(x_i-\bar x)^2}=\frac{S_{xy}}{S_{xx}}.$$
# 最优处有两个和为零：残差之和，残差与 $x$ 的乘积之和。

# %% [markdown] lang="en"
# The second one is zero where $\sum r_i=0$: the line goes through the centre $(\bar x,\bar y)$, so $b=\bar y-w\bar x$. Put this into the first:
# $$w=\frac{\sum_i(x_i-\bar x)(y_i-\bar y)}{\sum_i(x_i-\bar x)^2}=\frac{S_{xy}}{S_{xx}}.$$
# At the optimum two sums are zero: that of the residuals, and that of residuals times $x$.

# %%
w_formula = jn.moments.covariance(x, y) / jn.moments.variance(x)
b_formula = jn.moments.mean(y) - w_formula * jn.moments.mean(x)
np.testing.assert_allclose([w_formula, b_formula], [w_best, b_best], rtol=1e-5)
assert abs(residuals.sum()) < 3e-13
assert abs((residuals * x_64).sum()) < 3e-12
print(f"w = Sxy / Sxx = {w_formula:.5f},  b = {b_formula:.5f}")
print(f"sum of r: {residuals.sum():.0e},  sum of r x: {(residuals * x_64).sum():.0e}")

# %% [markdown] lang="zh"
# ### 损失的三种写法
#
# 书上有时写和，有时写均值，有时写均值的一半。三者只差常数因子，**最优解相同**；但梯度差同样的倍数，所以**安全的学习率不同**（第 02 课：$\eta<2/L$，$L$ 是黑塞矩阵最大的特征值）。库里用一个参数说清楚是哪一种：

# %% [markdown] lang="en"
# ### Three ways to write the loss
#
# Books write the sum, or the mean, or half the mean. They differ by constant factors, so they have **one minimizer**; their gradients differ by the same factors, so the **safe learning rates differ** (lesson 02: $\eta<2/L$, with $L$ the largest eigenvalue of the Hessian). The library says in a keyword which one is meant:

# %%
print(inspect.getsource(jn.least_squares.loss))

# %%
CONVENTIONS = ("sum", "mean", "half_mean")


def library_loss(params, x, y, convention):
    line = jn.LinearParams(params[:1], params[1])
    return jn.least_squares.loss(line, x[:, None], y, convention=convention)


with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    found, safe = [], []
    for name in CONVENTIONS:

        def of_params(params, name=name):
            return library_loss(params, x_64, y_64, name)

        found.append(np.asarray(jn.minimize(of_params, np.zeros(2)).params))
        safe.append(
            2 / np.linalg.eigvalsh(np.asarray(jax.hessian(of_params)(np.zeros(2))))[-1]
        )
for name, params, rate in zip(CONVENTIONS, found, safe, strict=True):
    print(f"{name:>9}: w = {params[0]:.7f}, b = {params[1]:.7f}, safe rate < {rate:.6f}")
np.testing.assert_allclose(found, [[0.5000909, 3.0000909]] * 3, atol=1e-6)
np.testing.assert_allclose(safe, [0.000989, 0.010882, 0.021765], rtol=1e-3)

# %% [markdown] lang="zh"
# 同一条直线，安全学习率的上限却是 0.000989、0.010882 和 0.021765，前后相差 $2n=22$ 倍。照抄别人的学习率之前，先看清他的损失怎样写。
#
# ## 3 实验：把你的路径与梯度下降画在一起
#
# 损失是参数的二次函数，图像是一只碗。$x$ 没有居中时，斜率与截距纠缠在一起：$b$ 是 $x=0$ 处的高度，离数据很远，稍微改动 $w$ 就要大幅改动 $b$ 来补偿。碗成了一条斜谷，条件数 $\kappa=844.4$。把 $x$ 换成 $x-\bar x$，同样的直线换一种写法，$\kappa=10$。

# %% [markdown] lang="en"
# One line, yet the learning rate must stay below 0.000989, 0.010882 or 0.021765: a factor of $2n=22$ from first to last. Before you copy a learning rate, see how its loss is written.
#
# ## 3 The experiment: your path and that of descent
#
# The loss is quadratic in the parameters, a bowl. Where $x$ is not centred, slope and intercept are entangled: $b$ is the height at $x=0$, far from the data, and a small change of $w$ asks for a large one of $b$. The bowl is a slanted valley of condition number $\kappa=844.4$. Write $x-\bar x$ for $x$, the same lines in other words, and $\kappa=10$.


# %%
def descent(x, y, start, steps):
    """Gradient descent with rate 1 / L on the bowl of these x, and its condition number."""
    curvature = np.linalg.eigvalsh(np.asarray(jax.hessian(loss)(jnp.zeros(2), x, y)))
    rule = jn.methods.gradient_descent(1 / curvature[1])
    run = jn.minimize_path(loss, jnp.array(start), x, y, method=rule, steps=steps)
    return run.params, curvature[1] / curvature[0]


centred = x - jnp.mean(x)
y_mean = float(jnp.mean(y))
raw_path, raw_kappa = descent(x, y, (0.2, 8.0), 40)
centred_path, centred_kappa = descent(centred, y, (0.2, 8.0 + 0.2 * 9), 40)
left, right = canvas(("slope w", "intercept b"), ("slope w", "height at the mean"), width=9.6)
walks = {"you": np.array(tries), "descent": raw_path}
bowls = [
    draw.bowl(left, lambda p: loss(p, x, y), walks, (w_best, b_best), (0.75, 6.2)),
    draw.bowl(
        right,
        lambda p: loss(p, centred, y),
        {"descent, x centred": centred_path},
        (w_best, y_mean),
        (0.75, 3.0),
    ),
]
np.testing.assert_allclose(raw_kappa, 844.4, rtol=3e-3)
np.testing.assert_allclose(centred_kappa, 10, rtol=1e-4)
needed = [jn.gradient_descent.steps_needed(float(k), 1e-6) for k in (844.4, 10.0)]
print(f"steps until the error is 1e-6 of the first: {needed[0]} and {needed[1]}")
print(
    f"after 40 steps: {loss(raw_path[-1], x, y):.4f}, {loss(centred_path[-1], centred, y):.4f}"
)
assert needed[1] == 69
assert 5750 < needed[0] < 5900
assert loss(centred_path[-1], centred, y) < 1.26 < 3 < loss(raw_path[-1], x, y)

# %% [markdown] lang="zh"
# *图：损失的等高线，方块是起点，星是最小值。左边是原来的 $x$：你的几次尝试，以及梯度下降走的 40 步。它先落进谷底，之后几乎不动。右边把 $x$ 居中：等高线不再倾斜，同一条直线出发，走 40 步就几乎到了。*
#
# 即使取最好的学习率，要把误差降到百万分之一，左边也需要约 5800 步，右边只要 69 步。对线性回归，当然不必下降：一次解方程就够了（下一课）。但对神经网络只能下降，所以输入要先标准化。

# %% [markdown] lang="en"
# *Picture: level curves of the loss; squares are starts, the star is the minimum. Left, with $x$ as it is: your tries, and 40 steps of descent, which drops to the floor of the valley and then hardly moves. Right, with $x$ centred: the curves do not slant, and 40 steps from the same line all but arrive.*
#
# Even at the best rate, to bring the error to a millionth takes about 5800 steps on the left and 69 on the right. Linear regression needs no descent, of course: one system of equations does it (next lesson). A neural network has nothing but descent, which is why its inputs are standardized first.

# %% [markdown] lang="zh"
# ## 4 三种距离，三条直线
#
# “点到直线的距离”有三种量法。竖直：$y$ 有误差，$x$ 准确；垂直：两者都有误差，而且误差大小相同，这才是点到直线的**欧氏距离**，等于竖直距离除以 $\sqrt{1+w^2}$；水平：$x$ 有误差，$y$ 准确。依次是：
# $$\min_{w,b}\sum_i(y_i-wx_i-b)^2,\qquad \min_{w,b}\frac{\sum_i(y_i-wx_i-b)^2}{1+w^2},\qquad \min_{w,b}\sum_i\Bigl(x_i-\frac{y_i-b}{w}\Bigr)^2.$$

# %% [markdown] lang="en"
# ## 4 Three distances, three lines
#
# There are three ways to measure from a point to a line. Vertical: $y$ has errors and $x$ has none. Perpendicular: both have errors, equally large; this is the **Euclidean** distance to the line, the vertical one divided by $\sqrt{1+w^2}$. Horizontal: $x$ has errors and $y$ has none. In this order:
# $$\min_{w,b}\sum_i(y_i-wx_i-b)^2,\qquad \min_{w,b}\frac{\sum_i(y_i-wx_i-b)^2}{1+w^2},\qquad \min_{w,b}\sum_i\Bigl(x_i-\frac{y_i-b}{w}\Bigr)^2.$$


# %%
def slope_intercept(solution):
    return float(solution.params.coef[0]), float(solution.params.intercept)


nearest = jn.least_squares.fit_orthogonal(x, y)
slope, base = slope_intercept(jn.least_squares.fit(y[:, None], x))  # x = slope y + base
lines = [slope_intercept(fit), slope_intercept(nearest), (1 / slope, -base / slope)]
np.testing.assert_allclose([w for w, b in lines], [0.50009, 0.55440, 0.75028], rtol=1e-4)
for name, (w, b) in zip(("vertical", "perpendicular", "horizontal"), lines, strict=True):
    print(f"{name:>13}: y = {b:.4f} + {w:.5f} x")

# %% lang="zh"
draw.three_distances(x, y, lines, lang="zh")

# %% lang="en"
draw.three_distances(x, y, lines, lang="en")

# %% [markdown] lang="zh"
# *图：同样的 11 个点，三种距离各自最小的直线。竖直距离给出斜率 0.50009，垂直距离 0.55440，水平距离 0.75028，越来越陡；三条都经过重心。*
#
# 要预测 $y$，就用竖直距离。垂直距离还有一个前提：两轴单位可比。把 $y$ 的单位从米换成分米（数值乘以 10），竖直距离的直线还是那一条，垂直距离的直线却换成了另一条：

# %% [markdown] lang="en"
# *Picture: the same eleven points and the line that is best for each distance. Vertical distances give the slope 0.50009, perpendicular ones 0.55440, horizontal ones 0.75028, steeper and steeper; all three lines pass through the centre.*
#
# To predict $y$, take vertical distances. Perpendicular ones also need comparable units on the two axes. Change the unit of $y$ (numbers ten times as large), and vertical distances keep their line; perpendicular ones move to another:

# %%
vertical = jn.least_squares.fit(x[:, None], 10 * y).params.coef[0] / 10
perpendicular = jn.least_squares.fit_orthogonal(x, 10 * y).params.coef[0] / 10
np.testing.assert_allclose([vertical, perpendicular], [0.50009, 0.74373], rtol=1e-4)
print(
    f"in other units: vertical {vertical:.5f}, perpendicular {perpendicular:.5f} (was 0.55440)"
)

# %% [markdown] lang="zh"
# ## 5 一个数说不清：安斯库姆四重奏
#
# 四组数据，回归直线同为 $y=3.00+0.50x$，$R^2$ 同为 0.67（到小数点后两位）：
# $$R^2=1-\frac{\sum_i r_i^2}{\sum_i(y_i-\bar y)^2}.$$

# %% [markdown] lang="en"
# ## 5 One number is not enough: Anscombe's quartet
#
# Four data sets, all with the line $y=3.00+0.50x$, all with $R^2$ 0.67 (to two places):
# $$R^2=1-\frac{\sum_i r_i^2}{\sum_i(y_i-\bar y)^2}.$$

# %%
X4 = jnp.stack([jnp.asarray(points.X) for points in quartet])
y4 = jnp.stack([jnp.asarray(points.y) for points in quartet])
fits = jax.vmap(jn.least_squares.fit)(X4, y4)
r2 = jax.vmap(jn.least_squares.r_squared)(fits, X4, y4)
all_lines = list(
    zip(fits.params.coef[:, 0].tolist(), fits.params.intercept.tolist(), strict=True)
)
np.testing.assert_allclose(
    all_lines,
    [(0.50009, 3.00009), (0.5, 3.00091), (0.49973, 3.00245), (0.49991, 3.00173)],
    rtol=1e-4,
)
np.testing.assert_allclose(r2, [0.66654, 0.66624, 0.66632, 0.66671], rtol=1e-4)
for name, (w, b), share in zip(("I", "II", "III", "IV"), all_lines, r2, strict=True):
    print(f"{name:>4}: y = {b:.3f} + {w:.4f} x,  R2 = {share:.4f}")
axes = draw.quartet(quartet, all_lines)

# %% [markdown] lang="zh"
# *图：安斯库姆四重奏，同一条直线穿过四种形状。I 是直线加噪声；II 是抛物线，直线根本不是合适的模型；III 中十个点几乎在一条直线上，一个离群点把直线拉歪；IV 的斜率全由最右边那一个点决定。数字分不出它们，一眼就能分出来：先画图。*
#
# ### 平方的代价：离群点
#
# 平方让大残差说话最响。第 III 组去掉离群点，其余十个点在 $y=4.00565+0.34539x$ 上。不想动手删点，可以换一个损失：残差小时取平方，大时只取一次方，这就是**胡贝尔损失**
# $$\rho_\delta(r)=\begin{cases}r^2/2,&|r|\le\delta\\ \delta(|r|-\delta/2),&|r|>\delta.\end{cases}$$

# %% [markdown] lang="en"
# *Picture: Anscombe's quartet, one line through four shapes. I is a line and noise. II is a parabola: a line is the wrong model. In III ten points are nearly on a line, and an outlier pulls the fit away from it. In IV one point on the right alone decides the slope. Numbers cannot tell them apart, a look can: plot first.*
#
# ### The price of squares: outliers
#
# Squares let large residuals speak loudest. Without the outlier of set III, the other ten points lie on $y=4.00565+0.34539x$. Rather than delete it by hand, change the loss: a square where the residual is small, only its size where it is large. That is the **Huber loss**
# $$\rho_\delta(r)=\begin{cases}r^2/2,&|r|\le\delta\\ \delta(|r|-\delta/2),&|r|>\delta.\end{cases}$$


# %%
def huber(params, x, y, delta):
    r = jnp.abs(y - params[0] * x - params[1])
    return jnp.sum(jnp.where(r <= delta, r**2 / 2, delta * (r - delta / 2)))


x3, y3 = X4[2, :, 0], y4[2]
keep = np.flatnonzero(np.asarray(y3) < 12)
without = slope_intercept(jn.least_squares.fit(X4[2][keep], y3[keep]))
robust = jn.minimize(huber, jnp.array([0.5, 3.0]), x3, y3, 0.1)
assert robust.converged
np.testing.assert_allclose(without, [0.34539, 4.00565], rtol=1e-4)
np.testing.assert_allclose(robust.params, without, rtol=0.02)
three = {
    "least squares": all_lines[2],
    "without the outlier": without,
    "Huber": tuple(robust.params.tolist()),
}
ax = broadcasting.fitted_lines(x3, y3, three)

# %% [markdown] lang="zh"
# *图：第 III 组。蓝色实线是最小二乘，被离群点拉起；红色虚线是去掉离群点后的直线；绿色点划线是胡贝尔损失的直线，一个点也没有删，却几乎与红线重合。*
#
# 为什么人人都用平方？它处处可微，有公式解，最优处残差之和为零；误差服从正态分布时，它就是极大似然（第 [07](07_mle_discrete_continuous.ipynb) 课）。若误差有长尾，这些理由就不成立了。

# %% [markdown] lang="en"
# *Picture: set III. Solid blue is least squares, pulled up by the outlier; dashed red is the line without it; dash-dotted green is that of the Huber loss, which deleted nothing and nearly covers the red one.*
#
# Why squares, then? They are smooth, have a solution in closed form, and residuals that sum to zero; with normal errors they are maximum likelihood (lesson [07](07_mle_discrete_continuous.ipynb)). With heavy-tailed errors these reasons are gone.

# %% [markdown] lang="zh"
# ## 6 勘误三则
#
# ### 其一
# **误区**：“每条红色竖线是预测数据到真实数据的差距（误差），称为欧氏距离”。
#
# **反例**：让欧氏距离最小的是另一条直线。

# %% [markdown] lang="en"
# ## 6 Three corrections
#
# ### First
# **The sentence**: “each red vertical line is the gap (error) between prediction and truth, called Euclidean distance”.
#
# **Counterexample**: Euclidean distances are least for another line.

# %%
vertical = [float(jnp.sum((y - w * x - b) ** 2)) for w, b in lines[:2]]
euclidean = [total / (1 + w**2) for total, (w, b) in zip(vertical, lines, strict=False)]
print("vertical {:.2f}, {:.2f};  Euclidean {:.2f}, {:.2f}".format(*vertical, *euclidean))
assert vertical[0] < vertical[1]
assert euclidean[1] < euclidean[0]

# %% [markdown] lang="zh"
# **正解**：竖线是**残差** $y_i-\hat y_i$，带符号；它的大小是点到直线欧氏距离的 $\sqrt{1+w^2}$ 倍。（在 $n$ 维空间里，$\|y-\hat y\|$ 倒确实是两个向量的欧氏距离，这是下一课的几何。）由 `tests/test_corrections.py::test_residuals_are_vertical_and_the_euclidean_distance_gives_another_line` 检验。
#
# ### 其二
# **误区**：“然后将这些误差加起来，就得到线性回归的损失函数”。
#
# **反例**：凡是过重心的直线，无论多歪，误差之和都是零。

# %% [markdown] lang="en"
# **The theorem**: the vertical segment is the **residual** $y_i-\hat y_i$, with a sign; its size is $\sqrt{1+w^2}$ times the Euclidean distance to the line. (In $n$ dimensions $\|y-\hat y\|$ is indeed the Euclidean distance of two vectors: the geometry of the next lesson.) Checked by `tests/test_corrections.py::test_residuals_are_vertical_and_the_euclidean_distance_gives_another_line`.
#
# ### Second
# **The sentence**: “then these errors are added up, which gives the loss function of linear regression”.
#
# **Counterexample**: every line through the centre, however wrong, has errors that add up to zero.

# %%
for w in (-5.0, 0.0, 0.5):
    r = y - jnp.mean(y) - w * (x - jnp.mean(x))
    print(f"w = {w}: sum of r = {jnp.sum(r):.0e}, sum of r^2 = {jnp.sum(r**2):.2f}")
    assert abs(jnp.sum(r)) < 1e-4

# %% [markdown] lang="zh"
# **正解**：相加的是残差的**平方**。在最优处，带截距的回归残差之和恒为零，所以它不能用来衡量好坏。由 `tests/test_corrections.py::test_errors_added_up_are_zero_at_the_optimum` 检验。
#
# ### 其三
# **误区**：$\sum_{i=0}^{m}(y^{(i)}-\hat y^{(i)})^2$，用来对 $m$ 个点求和。
#
# **反例**：从 0 数到 11，是 12 项，而数据只有 11 个点。

# %% [markdown] lang="en"
# **The theorem**: what is added are the **squares**. At the optimum of a fit with an intercept the residuals always sum to zero, so their sum measures nothing. Checked by `tests/test_corrections.py::test_errors_added_up_are_zero_at_the_optimum`.
#
# ### Third
# **The sentence**: $\sum_{i=0}^{m}(y^{(i)}-\hat y^{(i)})^2$, over $m$ points.
#
# **Counterexample**: from 0 to 11 there are 12 terms, and the data have 11 points.

# %%
terms = int(jn.sums.summation(lambda i: 1, first=0, last=len(y)))
print(terms, "terms for", len(y), "points")
assert terms == len(y) + 1

# %% [markdown] lang="zh"
# **正解**：$m$ 个点从 $i=1$ 加到 $m$，或按程序的习惯从 0 加到 $m-1$。由 `tests/test_corrections.py::test_a_sum_from_zero_to_m_has_one_term_too_many` 检验。

# %% [markdown] lang="en"
# **The theorem**: $m$ points are summed from $i=1$ to $m$, or, as programs count, from 0 to $m-1$. Checked by `tests/test_corrections.py::test_a_sum_from_zero_to_m_has_one_term_too_many`.

# %% [markdown] lang="zh"
# ## 7 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E4.1** 写出损失的三种写法：平方和、平方的均值、均值的一半，按这个次序返回。

# %% [markdown] lang="en"
# ## 7 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E4.1** Write the loss in three conventions: the sum of squares, their mean, half their mean, returned in this order.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E4.1"
def losses(y, y_hat):
    """Sum of squares, mean of squares and half the mean, three numbers."""
    total = jnp.sum((y - y_hat) ** 2)
    return total, total / len(y), total / (2 * len(y))


check("E4.1", losses)

# %% [markdown] lang="zh"
# **E4.2** 手写梯度：损失取平方的均值，返回 $(\partial L/\partial w,\ \partial L/\partial b)$。不许用 `jax.grad`；会在双精度下与它比较。

# %% [markdown] lang="en"
# **E4.2** Write the gradient by hand, for the mean of squares: return $(\partial L/\partial w,\ \partial L/\partial b)$. Without `jax.grad`, to which it is compared in float64.


# %% exercise="E4.2"
def gradient(w, b, x, y):
    """The derivatives of the mean squared residual by w and by b, two numbers."""
    r = y - w * x - b
    return -2 * jnp.mean(r * x), -2 * jnp.mean(r)


check("E4.2", gradient)

# %% [markdown] lang="zh"
# **E4.3** 下面三段代码各自让哪一种距离最小？依次填 `"vertical"`（竖直）、`"horizontal"`（水平）或 `"perpendicular"`（垂直于直线）。
#
# - A：`jnp.sum((y - w * x - b) ** 2) / (1 + w**2)`
# - B：`jnp.mean(jnp.abs(y - (w * x + b)) ** 2)`
# - C：`jnp.sum((x - (y - b) / w) ** 2)`

# %% [markdown] lang="en"
# **E4.3** Which distance does each line of code make smallest? Answer `"vertical"`, `"horizontal"` or `"perpendicular"`, in their order.
#
# - A: `jnp.sum((y - w * x - b) ** 2) / (1 + w**2)`
# - B: `jnp.mean(jnp.abs(y - (w * x + b)) ** 2)`
# - C: `jnp.sum((x - (y - b) / w) ** 2)`

# %% exercise="E4.3"
distances = ("perpendicular", "vertical", "horizontal")
check("E4.3", distances)

# %% [markdown] lang="zh"
# ## 8 小结
#
# | 对象 | 公式 | 代码 |
# |---|---|---|
# | 残差 | $r_i=y_i-wx_i-b$，带符号 | `y - predict(...)` |
# | 损失 | $\frac1n\sum r_i^2$，或差一个常数因子 | `loss(...)` |
# | 最小二乘直线 | $w=S_{xy}/S_{xx}$，过重心 | `fit(X, y)` |
# | 垂直距离的直线 | 依赖两轴的单位 | `fit_orthogonal(x, y)` |
# | $R^2$ | 解释了多少方差；看不出形状 | `r_squared(...)` |
#
# 这些函数都在 `jn.least_squares` 里。
#
# **何处会失灵**：平方经不起离群点，也经不起一个孤零零的高杠杆点（第 IV 组，胡贝尔损失也救不了）；$x$ 不居中时梯度下降极慢；单精度下最优解约准到第六位。GPU 与 TPU 上，`@` 的默认精度更低，下一课量一量代价。要同时拟合一百万条直线，也只要一个 `jax.vmap`（第 [12](12_many_models.ipynb) 课）。
#
# **下一课**：[05 最小二乘法](05_least_squares.ipynb)。同一件事的几何：投影。

# %% [markdown] lang="en"
# ## 8 Summary
#
# | Object | Formula | Code |
# |---|---|---|
# | residual | $r_i=y_i-wx_i-b$, with its sign | `y - predict(...)` |
# | loss | $\frac1n\sum r_i^2$, or a constant times it | `loss(...)` |
# | least-squares line | $w=S_{xy}/S_{xx}$, through the centre | `fit(X, y)` |
# | line of perpendicular distances | depends on the units of both axes | `fit_orthogonal(x, y)` |
# | $R^2$ | share of the variance explained; blind to shape | `r_squared(...)` |
#
# All of them are in `jn.least_squares`.
#
# **Where it breaks**: squares are not robust to outliers, nor to a lonely point of high leverage (set IV, where the Huber loss does not help either); descent is very slow where $x$ is not centred; in float32 the solution has some six digits. On GPU and TPU a bare `@` has fewer, and the next lesson measures what that costs. A million lines at once are one `jax.vmap` away (lesson [12](12_many_models.ipynb)).
#
# **Next**: [05 Least squares](05_least_squares.ipynb). The same thing as geometry: a projection.
