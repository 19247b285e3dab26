# %% [markdown] lang="zh"
# # 05 最小二乘法
#
# **约 40 秒运行完 · 先修：[04 线性回归](04_linear_regression.ipynb) · 对应笔记 3.2**
#
# 学完这一课，你能够
# - 数出多余观测 $r=n-t$，并用最小二乘把闭合差分配下去（平差）；
# - 把最小二乘看作投影，由“残差垂直于各列”写出正规方程；
# - 给精度不同的观测以不同的权；
# - 说出为什么单精度下不要算 $X^\top X$，该用什么；
# - 算出参数的标准误，并用一万次重新拟合来验证；
# - 用杠杆值找出无人监督的观测。

# %% [markdown] lang="en"
# # 05 Least squares
#
# **Runs in about 40 seconds · after: [04 Linear regression](04_linear_regression.ipynb) · section 3.2 of the notes**
#
# After this lesson you can
# - count redundant observations, $r=n-t$, and let least squares share out a misclosure (adjustment);
# - see least squares as a projection, and get the normal equations from “the residual is orthogonal to the columns”;
# - give observations of different precision different weights;
# - say why not to form $X^\top X$ in float32, and what to do instead;
# - compute standard errors, and verify them by ten thousand refits;
# - find the observations that nobody watches, by their leverage.

# %% lang="zh"
import inspect

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show import diagrams
from jaxnotes.show.lesson_plots import least_squares as draw


def seconds(degrees, minutes, rest):
    return 3600 * degrees + 60 * minutes + rest


angles = [seconds(50, 12, 8), seconds(60, 24, 16), seconds(69, 23, 30)]
draw.triangle(angles, [2, 2, 2], lang="zh")

# %% lang="en"
import inspect

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show import diagrams
from jaxnotes.show.lesson_plots import least_squares as draw


def seconds(degrees, minutes, rest):
    return 3600 * degrees + 60 * minutes + rest


angles = [seconds(50, 12, 8), seconds(60, 24, 16), seconds(69, 23, 30)]
draw.triangle(angles, [2, 2, 2], lang="en")

# %% [markdown] lang="zh"
# *图：三角形的三个内角都测了，加起来是 179°59′54″，差了 6″。最小二乘给每个角加上 2″，三角形就闭合了。*

# %% [markdown] lang="en"
# *Picture: all three angles of a triangle were observed. They add up to 179°59′54″, which is 6″ short. Least squares adds 2″ to each, and the triangle closes.*

# %% [markdown] lang="zh"
# ## 1 想法：多余观测
#
# 笔记说：观测带有偶然误差，所以总是作**多余观测**。三角形只要知道两个角，必要观测数 $t=2$；测了 $n=3$ 个，多余观测数
# $$r=n-t=1.$$
# 没有多余观测，错了也无从知道；有了它，观测就互相矛盾，必须**平差**：改正数 $v$ 要消除矛盾，又要尽量小，
# $$\min_v\ v_1^2+v_2^2+v_3^2,\qquad \text{s.t. } v_1+v_2+v_3=-c,$$
# 其中 $c=-6''$ 是闭合差（观测值之和减去 180°）。以前两个角的改正数作未知数，第三个角由它们决定，这就成了普通的最小二乘：

# %% [markdown] lang="en"
# ## 1 The idea: redundant observations
#
# Observations have random errors, say the notes, so one always makes **redundant** ones. A triangle needs $t=2$ angles; $n=3$ were observed, so the redundancy is
# $$r=n-t=1.$$
# Without redundancy an error goes unnoticed. With it, observations contradict each other and must be **adjusted**: the corrections $v$ must remove the contradiction and be as small as they can,
# $$\min_v\ v_1^2+v_2^2+v_3^2,\qquad \text{s.t. } v_1+v_2+v_3=-c,$$
# with the misclosure $c=-6''$, the sum observed minus 180°. Take the corrections of the first two angles as unknowns; the third angle follows from them, and this is ordinary least squares:

# %%
misclosure = sum(angles) - seconds(180, 0, 0)
X3 = jnp.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
observed = jnp.array([0.0, 0.0, misclosure])  # against the first two angles as observed
closed = jn.least_squares.fit(X3, observed, intercept=False, precision=jnp.ones(3))
corrections = jn.least_squares.predict(closed, X3) - observed
print(f"misclosure {misclosure} seconds, corrections {corrections}")
assert misclosure == -6
np.testing.assert_allclose(corrections, [2, 2, 2], rtol=1e-5)

# %% [markdown] lang="zh"
# ## 2 推导：投影
#
# 换一种看法。把 $n$ 个观测看作 $n$ 维空间里的**一个**点 $y$；一切可能的预测 $Xw$ 张成一个平面（$X$ 的列空间）。最小二乘就是找平面上离 $y$ 最近的点。这一回，“欧氏距离”用得对了。

# %% [markdown] lang="en"
# ## 2 The derivation: a projection
#
# Look at it another way. The $n$ observations are **one** point $y$ of $n$-dimensional space; all predictions $Xw$ form a plane, the column space of $X$. Least squares finds the point of the plane nearest to $y$. Here “Euclidean distance” is the right word.

# %% lang="zh"
diagrams.projection(lang="zh")

# %% lang="en"
diagrams.projection(lang="en")

# %% [markdown] lang="zh"
# *图：$y$ 在平面上的投影是 $\hat y=Xw$；残差（红色虚线）与平面成直角。直角就是最小的条件：斜着走总比垂直走远。*
#
# 与平面垂直，就是与 $X$ 的每一列垂直：
# $$X^\top(y-Xw)=0\quad\Longleftrightarrow\quad X^\top Xw=X^\top y.$$
# 这就是**正规方程**。从微积分也能得到它，因为
# $$\nabla_w\tfrac12\|y-Xw\|^2=-X^\top(y-Xw),\qquad \nabla_w^2\,\tfrac12\|y-Xw\|^2=X^\top X.$$
# 黑塞矩阵半正定，所以驻点就是最小点。用自动微分逐条验算：

# %% [markdown] lang="en"
# *Picture: the projection of $y$ on the plane is $\hat y=Xw$; the residual (dashed red) is at a right angle to the plane. That angle is what makes it shortest: every slanted way is longer.*
#
# Orthogonal to the plane means orthogonal to each column of $X$:
# $$X^\top(y-Xw)=0\quad\Longleftrightarrow\quad X^\top Xw=X^\top y.$$
# These are the **normal equations**. Calculus gives the same, for
# $$\nabla_w\tfrac12\|y-Xw\|^2=-X^\top(y-Xw),\qquad \nabla_w^2\,\tfrac12\|y-Xw\|^2=X^\top X.$$
# The Hessian is positive semidefinite, so where the gradient vanishes there is the minimum. Autodiff checks each claim:


# %%
def half_square(w, X, y):
    return jnp.sum((y - jnp.matmul(X, w)) ** 2) / 2


with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    rng = np.random.default_rng(0)
    X, y, w = rng.normal(size=(20, 3)), rng.normal(size=20), rng.normal(size=3)
    gradient = np.asarray(jax.grad(half_square)(w, X, y))
    hessian = np.asarray(jax.hessian(half_square)(w, X, y))
    best = np.asarray(jn.least_squares.fit(X, y, intercept=False).params.coef)
np.testing.assert_allclose(gradient, -X.T @ (y - X @ w), rtol=1e-10)
np.testing.assert_allclose(hessian, X.T @ X, rtol=1e-10)
residual = y - X @ best
assert abs(X.T @ residual).max() < 1e-12
pythagoras = (y @ y, (X @ best) @ (X @ best) + residual @ residual)
np.testing.assert_allclose(*pythagoras, rtol=1e-12)
print(f"columns times residual: at most {abs(X.T @ residual).max():.0e}")
print(f"|y|^2 = {pythagoras[0]:.6f} = |fitted|^2 + |residual|^2 = {pythagoras[1]:.6f}")

# %% [markdown] lang="zh"
# 投影是线性的：$\hat y=Hy$，$H$ 叫**帽子矩阵**（给 $y$ 戴上帽子）。它的各列就是对单位向量做最小二乘，一个 `vmap` 就能算出来。投影两次等于投影一次，它的迹等于参数个数：
# $$H=X(X^\top X)^{-1}X^\top,\qquad H^2=H=H^\top,\qquad \operatorname{tr}H=p.$$

# %% [markdown] lang="en"
# Projection is linear: $\hat y=Hy$, with the **hat matrix** $H$ (it puts the hat on $y$). Its columns are least squares applied to the unit vectors, one `vmap`. To project twice is to project once, and the trace counts the parameters:
# $$H=X(X^\top X)^{-1}X^\top,\qquad H^2=H=H^\top,\qquad \operatorname{tr}H=p.$$

# %%
quartet = jn.datasets.anscombe()
x1, y1 = jnp.asarray(quartet[0].x), jnp.asarray(quartet[0].y)
X1 = x1[:, None]


def project(y):
    return jn.least_squares.predict(jn.least_squares.fit(X1, y), X1)


hat = jax.vmap(project, out_axes=1)(jnp.eye(11))
np.testing.assert_allclose(hat, hat.T, atol=1e-5)
np.testing.assert_allclose(jnp.matmul(hat, hat, precision="highest"), hat, atol=1e-5)
np.testing.assert_allclose(jnp.trace(hat), 2, rtol=1e-5)
np.testing.assert_allclose(jnp.diag(hat), jn.least_squares.leverage(X1), atol=1e-5)
print(f"trace of H: {jnp.trace(hat):.5f} (slope and intercept)")

# %% [markdown] lang="zh"
# ## 3 权：精度不同的观测
#
# 第 $i$ 个观测的方差为 $\sigma^2/p_i$ 时，$p_i$ 叫**权**，最小的应是 $\sum_ip_ir_i^2$，正规方程成为
# $$X^\top PXw=X^\top Py,\qquad P=\operatorname{diag}(p_1,\dots,p_n).$$
# 水准测量是最典型的例子：路线越长，误差越大，方差与长度成正比，权取长度的倒数。一条闭合环线 A→B→C→A，长 1、2、3 km，测得高差 1204、830、−2022 mm，闭合差 12 mm：

# %% [markdown] lang="en"
# ## 3 Weights: observations of different precision
#
# Where observation $i$ has variance $\sigma^2/p_i$, with $p_i$ its **weight**, the sum to minimize is $\sum_ip_ir_i^2$, and the normal equations become
# $$X^\top PXw=X^\top Py,\qquad P=\operatorname{diag}(p_1,\dots,p_n).$$
# Levelling is the classic example: longer lines have larger errors, the variance is proportional to the length, the weight to its inverse. A loop A→B→C→A with lines of 1, 2 and 3 km was observed as 1204, 830 and −2022 mm: it misses closing by 12 mm.

# %%
lengths = jnp.array([1.0, 2.0, 3.0])
rises = jnp.array([1204.0, 830.0, -2022.0])
loop = jnp.array([[1.0, 0.0], [-1.0, 1.0], [0.0, -1.0]])  # heights of B and C, with A at 0
level = jn.least_squares.fit(loop, rises, intercept=False, precision=1 / lengths)
shares = jn.least_squares.predict(level, loop) - rises
print("heights of B and C:", level.params.coef, "mm;  corrections:", shares, "mm")
np.testing.assert_allclose(level.params.coef, [1202, 2028], rtol=1e-5)
np.testing.assert_allclose(shares, [-2, -4, -6], atol=1e-2)

# %% [markdown] lang="zh"
# 改正数 −2、−4、−6 mm，与路线长度成正比。测量员分配闭合差的老规矩，原来就是加权最小二乘。
#
# “权”字有两个意思，库里是两个参数：`precision` 是精度（方差的倒数），`weights` 是频数（这一行算几次观测）。两者给出同样的估计，自由度却不同。一个数是 10.2，权 4；另一个是 10.6，权 1：

# %% [markdown] lang="en"
# The corrections −2, −4, −6 mm are in proportion to the lengths: the old rule of surveyors is weighted least squares.
#
# The word “weight” has two meanings, and the library two keywords: `precision` is an inverse variance, `weights` are frequencies (as how many observations a row counts). They give the same estimate, with different degrees of freedom. One number is 10.2, of weight 4, another 10.6, of weight 1:

# %%
ones, two = jnp.ones((2, 1)), jnp.array([10.2, 10.6])
equal, unequal = jnp.array([1.0, 1.0]), jnp.array([4.0, 1.0])
standard_errors = []
for precision, weights in ((unequal, equal), (equal, unequal)):
    given = {"precision": precision, "weights": weights}
    mean = jn.least_squares.fit(ones, two, intercept=False, **given)
    about = jn.least_squares.infer(mean, ones, two, **given)
    np.testing.assert_allclose(mean.params.coef, [10.28], rtol=1e-5)
    standard_errors.append(float(about.se[0]))
    print(
        f"precision {precision}, weights {weights}: mean {mean.params.coef[0]:.2f}, ", end=""
    )
    print(f"df = {about.df:g}, standard error {about.se[0]:.2f}")
np.testing.assert_allclose(standard_errors, [0.16, 0.08], rtol=1e-4)

# %% [markdown] lang="zh"
# ## 4 实验：单精度下，别算 $X^\top X$
#
# 正规方程是**理论**，不是**算法**。误差随条件数放大，而
# $$\kappa(X^\top X)=\kappa(X)^2,$$
# 所以解正规方程的误差约为 $\varepsilon\kappa^2$；直接分解 $X=QR$，再解 $Rw=Q^\top y$，误差约为 $\varepsilon\kappa$（残差很小时）。单精度 $\varepsilon\approx10^{-7}$，$\kappa$ 到三千，前者就几乎一位也不剩了。用 $[0,1]$ 上 50 个点拟合多项式，系数的真值全是 1：

# %% [markdown] lang="en"
# ## 4 The experiment: do not form $X^\top X$ in float32
#
# The normal equations are **theory**, not an **algorithm**. Errors grow with the condition number, and
# $$\kappa(X^\top X)=\kappa(X)^2,$$
# so their solution is off by about $\varepsilon\kappa^2$. Factor $X=QR$ and solve $Rw=Q^\top y$, and it is about $\varepsilon\kappa$ (for small residuals). In float32 $\varepsilon\approx10^{-7}$, and at $\kappa$ of three thousand the first has hardly a digit left. Fit polynomials to 50 points on $[0,1]$; all true coefficients are 1:

# %%
HIGHEST = jax.lax.Precision.HIGHEST


def normal_equations(X, y):
    gram = jnp.matmul(X.T, X, precision=HIGHEST)
    return jnp.linalg.solve(gram, jnp.matmul(X.T, y, precision=HIGHEST))


def by_qr(X, y):
    Q, R = jnp.linalg.qr(X)
    return jax.scipy.linalg.solve_triangular(R, jnp.matmul(Q.T, y, precision=HIGHEST))


def by_svd(X, y):
    return jnp.linalg.lstsq(X, y)[0]


def powers(degree):
    X = jnp.vander(jnp.linspace(0.0, 1.0, 50), degree + 1, increasing=True)
    return X, jnp.sum(X, axis=1)


degrees = range(2, 10)
kappa = [np.linalg.cond(np.asarray(powers(d)[0], np.float64)) for d in degrees]
solvers = {"normal equations": normal_equations, "QR": by_qr, "SVD": by_svd}
off = {
    name: np.array([np.abs(np.asarray(solve(*powers(d))) - 1).max() for d in degrees])
    for name, solve in solvers.items()
}
ax = draw.solver_errors(kappa, off, eps=float(jnp.finfo(jnp.float32).eps))
print("degree", *[f"{d:>8}" for d in degrees])
print("kappa ", *[f"{k:8.0e}" for k in kappa])
for name, errors in off.items():
    print(f"{name[:6]:6}", *[f"{e:8.0e}" for e in errors])
assert not off["normal equations"][5] < 0.3  # degree 7: no digit left, or NaN
assert max(off["QR"][5], off["SVD"][5]) < 0.05
assert all(
    not n <= 10 * q for n, q in zip(off["normal equations"][2:], off["QR"][2:], strict=True)
)

# %% [markdown] lang="zh"
# *图：单精度下三种解法的误差，横轴是条件数，从左到右是 2 至 9 次多项式。正规方程沿 $\varepsilon\kappa^2$ 上升，5 次几乎一位不剩，再往后全错（若有叉号，表示得到 NaN）；QR 与 SVD 不超过 $\varepsilon\kappa$ 的量级，9 次还剩一两位。*
#
# 库里的 `fit` 还多做一步：残差用两个单精度数来表示，迭代改正，只要条件数不太大，结果就与数据一样准。条件数大到单精度分不清各列时，状态是 `RANK_DEFICIENT`。所以用结果之前先看状态：

# %% [markdown] lang="en"
# *Picture: errors of three solvers in float32 against the condition number, polynomials of degree 2 to 9 from left to right. The normal equations climb along $\varepsilon\kappa^2$: at degree 5 hardly a digit is left, and beyond that none (a cross, if there is one, is a NaN). QR and SVD stay within about $\varepsilon\kappa$ and keep about two digits at degree 9.*
#
# The library's `fit` does one thing more: it computes residuals in pairs of float32 numbers and corrects the solution with them; where the condition number is not too large the result is as exact as the data. Where float32 cannot tell the columns apart any more, the status is `RANK_DEFICIENT`. So see the status before you use the result:

# %%
for degree in (5, 9):
    X, y = powers(degree)
    solution = jn.least_squares.fit(X[:, 1:], y)
    error = float(jnp.max(jnp.abs(solution.params.coef - 1)))
    print(f"degree {degree}: {jn.Status(int(solution.status)).name}, error {error:.0e}")
    assert bool(solution.converged) == (degree < 9)
    assert error < 1e-3 or degree == 9

# %% [markdown] lang="zh"
# ### GPU 与 TPU 上的 `@`
#
# 在 GPU 上，`@` 可能先把输入舍入到 TF32（尾数 10 位）；在 TPU 上，默认舍入到 bfloat16（7 位）。`jax.lax.reduce_precision` 能在任何机器上模拟这种舍入。连条件数只有 22 的二次多项式也逃不过：

# %% [markdown] lang="en"
# ### `@` on GPU and TPU
#
# On a GPU `@` may first round its inputs to TF32 (10 bits of mantissa); on a TPU it rounds to bfloat16 (7 bits) by default. `jax.lax.reduce_precision` imitates this on any machine. Not even a parabola, of condition number 22, gets away:

# %%
X, y = powers(2)
rounded = {}
for name, bits in (("float32", 23), ("TF32", 10), ("bfloat16", 7)):
    X_r, y_r = (jax.lax.reduce_precision(a, 8, bits) for a in (X, y))
    rounded[name] = float(jnp.max(jnp.abs(normal_equations(X_r, y_r) - 1)))
    print(f"{name:>8}: error {rounded[name]:.0e}")
np.testing.assert_allclose(kappa[0], 22, rtol=0.02)
assert rounded["float32"] < 1e-4 < rounded["TF32"] < rounded["bfloat16"]

# %% [markdown] lang="zh"
# 所以库里所有的乘积都要求 `Precision.HIGHEST`，各种设备的结果只差舍入误差。你自己写时，也要加上 `precision="highest"`。
#
# ### 秩亏：解不唯一
#
# 如果一列是另一列的两倍，平面还是那个平面，投影 $\hat y$ 不变；但 $w$ 有无穷多个。库给出 $\|w\|$ 最小的那一个，并把状态标成 `RANK_DEFICIENT`：

# %% [markdown] lang="en"
# So every product in the library asks for `Precision.HIGHEST`, and devices agree up to rounding. In code of your own, write `precision="highest"`.
#
# ### Rank deficiency: more than one solution
#
# If one column is twice another, the plane is the same and so is the projection $\hat y$; but there are infinitely many $w$. The library gives the one of least $\|w\|$ and says `RANK_DEFICIENT`:

# %%
twice = jnp.stack([x1, 2 * x1], axis=1)
deficient = jn.least_squares.fit(twice, y1)
print(deficient.params.coef, jn.Status(int(deficient.status)).name)
np.testing.assert_allclose(deficient.params.coef, [0.1, 0.2], rtol=1e-3)
np.testing.assert_allclose(jn.least_squares.predict(deficient, twice), project(y1), rtol=1e-3)
assert deficient.status == jn.Status.RANK_DEFICIENT

# %% [markdown] lang="zh"
# ## 5 估计有多准：标准误
#
# 假设 $y=Xw+e$，误差均值为零、互不相关、方差同为 $\sigma^2$。估计 $\hat w$ 是 $y$ 的线性函数，所以
# $$\operatorname{Cov}(\hat w)=\sigma^2(X^\top X)^{-1},\qquad \hat\sigma^2=\frac{\sum_ir_i^2}{n-p}.$$
# 分母是多余观测数，而不是 $n$：残差只有 $n-p$ 个自由度。安斯库姆第一组：$\hat\sigma^2=1.52919$，斜率的标准误 0.117906，截距的 1.124747。

# %% [markdown] lang="en"
# ## 5 How good is the estimate: standard errors
#
# Suppose $y=Xw+e$, with errors of mean zero, uncorrelated, all of variance $\sigma^2$. The estimate $\hat w$ is linear in $y$, so
# $$\operatorname{Cov}(\hat w)=\sigma^2(X^\top X)^{-1},\qquad \hat\sigma^2=\frac{\sum_ir_i^2}{n-p}.$$
# The divisor is the redundancy, not $n$: residuals have only $n-p$ degrees of freedom. For Anscombe's first set $\hat\sigma^2=1.52919$, the standard error of the slope is 0.117906, that of the intercept 1.124747.

# %%
fit = jn.least_squares.fit(X1, y1)
about = jn.least_squares.infer(fit, X1, y1)
variance = jn.least_squares.residual_sd(fit, X1, y1) ** 2
np.testing.assert_allclose(variance, 1.52919, rtol=1e-4)
np.testing.assert_allclose(about.se, [1.124747, 0.117906], rtol=1e-4)
for k, name in enumerate(("intercept", "slope")):
    low, high = about.lower[k], about.upper[k]
    print(
        f"{name:>9}: {about.estimate[k]:.4f} +- {about.se[k]:.4f}, 95 %: {low:.3f} to {high:.3f}"
    )

# %% [markdown] lang="zh"
# 这些公式可信吗？造一万份数据：真直线 $y=3+0.5x$，加上方差为 1 的**均匀**分布误差（不是正态），一个 `vmap` 全部重新拟合。

# %% [markdown] lang="en"
# Are these formulas to be trusted? Make ten thousand data sets from the true line $y=3+0.5x$, with **uniform** errors of variance 1 (not normal ones), and refit them all in one `vmap`.

# %%
errors = jax.random.uniform(jax.random.key(5), (10_000, 11), minval=-(3**0.5), maxval=3**0.5)
samples = 3 + 0.5 * x1[None] + errors
many = jax.vmap(jn.least_squares.fit, in_axes=(None, 0))(X1, samples)
estimates = np.stack([many.params.intercept, many.params.coef[:, 0]], axis=1)
design = np.stack([np.ones(11), np.asarray(x1, np.float64)], axis=1)
theory = np.linalg.inv(design.T @ design)  # two columns, in float64
found = np.cov(estimates.T)
ax = draw.refits(estimates, [3.0, 0.5], theory)
scaled = (estimates - [3.0, 0.5]) @ np.linalg.inv(np.linalg.cholesky(theory)).T
inside = float(np.mean((scaled**2).sum(axis=1) < -2 * np.log(0.05)))
rss = 2 * 11 * np.asarray(many.value)  # value is half the mean square
print("covariance of the refits, and sigma^2 (X'X)^-1:")
for row, expected in zip(found, theory, strict=True):
    print("  ", row.round(4), "  ", expected.round(4))
print(f"inside the ellipse: {inside:.1%};  mean of RSS / 9: {rss.mean() / 9:.3f}, ", end="")
print(f"of RSS / 11: {rss.mean() / 11:.3f}")
np.testing.assert_allclose(found, theory, rtol=0.05)
assert 0.94 < inside < 0.96
np.testing.assert_allclose([rss.mean() / 9, rss.mean() / 11], [1, 0.818], rtol=0.02)

# %% [markdown] lang="zh"
# *图：一万次拟合的截距与斜率，红线是理论给出的 95% 椭圆，星是真值。点云与椭圆吻合，而且是斜的：斜率高估了，截距就低估。协方差与 $\sigma^2(X^\top X)^{-1}$ 相差不到 5%。*
#
# 残差平方和除以 9，期望恰好是 1；若除以 11，期望只有 9/11，约 0.818，系统地偏小。
#
# ### 高斯–马尔可夫定理：还有更好的吗？
#
# 求斜率的办法很多，例如连接首尾两点，或者连接左、右两半的重心。它们都是 $y$ 的线性函数 $\sum c_iy_i$，也都无偏（$\sum c_i=0$，$\sum c_ix_i=1$），方差是 $\sigma^2\sum c_i^2$。系数 $c$ 正是对 $y$ 的梯度，用 `jax.grad` 穿过整个拟合过程就能得到：

# %% [markdown] lang="en"
# *Picture: intercept and slope of ten thousand fits; red is the 95% ellipse of the theory, the star the truth. The cloud fills the ellipse, and is slanted: where the slope is too high, the intercept is too low. The covariance is within 5% of $\sigma^2(X^\top X)^{-1}$.*
#
# The residual sum of squares over 9 has expectation 1; over 11 it has 9/11, about 0.818, systematically too small.
#
# ### The Gauss–Markov theorem: is there a better one?
#
# There are many ways to a slope: join the first and last point, or the centres of the left and right half. All are linear in $y$, $\sum c_iy_i$, all are unbiased ($\sum c_i=0$, $\sum c_ix_i=1$), and their variance is $\sigma^2\sum c_i^2$. The coefficients $c$ are the gradient by $y$, and `jax.grad` takes it right through the fit:

# %%
order = np.argsort(np.asarray(x1))
low, high = order[:5], order[-5:]
slopes = {
    "least squares": lambda y: jn.least_squares.fit(X1, y).params.coef[0],
    "two halves": lambda y: (
        (jnp.mean(y[high]) - jnp.mean(y[low])) / (jnp.mean(x1[high]) - jnp.mean(x1[low]))
    ),
    "first and last": lambda y: (y[order[-1]] - y[order[0]]) / (x1[order[-1]] - x1[order[0]]),
}
spread = {}
for name, slope in slopes.items():
    c = np.asarray(jax.grad(slope)(y1), np.float64)
    np.testing.assert_allclose([c.sum(), c @ design[:, 1]], [0, 1], atol=1e-5)
    spread[name] = np.sqrt(c @ c)
    seen = float(jnp.std(jax.vmap(slope)(samples)))
    np.testing.assert_allclose(seen, spread[name], rtol=0.03)
    print(f"{name:>14}: standard error {spread[name]:.4f}, seen in the samples {seen:.4f}")
np.testing.assert_allclose(list(spread.values()), [0.0953, 0.1054, 0.1414], rtol=1e-3)

# %% [markdown] lang="zh"
# 标准误依次为 0.0953、0.1054、0.1414。**定理**：误差均值为零、不相关、方差相等时，在一切线性无偏估计中，最小二乘的方差最小。注意条件：不需要正态；但只在**线性**、**无偏**的估计中最好。误差有长尾时，非线性的稳健估计（上一课的胡贝尔）可以更好；方差不等时，应当加权。
#
# ## 6 杠杆：谁在监督谁
#
# 帽子矩阵的对角线 $h_i$ 叫**杠杆值**：观测 $y_i$ 动一下，自己的拟合值动多少。测量学里 $1-h_i$ 叫**多余观测分量**：$y_i$ 里的误差有多少会在自己的残差里露出来。全体相加，恰好是
# $$\sum_i(1-h_i)=n-p=r.$$

# %% [markdown] lang="en"
# Their standard errors are 0.0953, 0.1054 and 0.1414. **Theorem**: with errors of mean zero, uncorrelated and of equal variance, least squares has the least variance of all linear unbiased estimates. Mind the conditions: normality is not needed; but it is best only among **linear** and **unbiased** ones. With heavy tails a robust, nonlinear estimate (Huber's, last lesson) can be better; with unequal variances, use weights.
#
# ## 6 Leverage: who watches whom
#
# The diagonal $h_i$ of the hat matrix is the **leverage**: how far its own fitted value moves when $y_i$ does. Surveyors call $1-h_i$ the **redundancy number**: the share of an error in $y_i$ that shows in its own residual. Together they make
# $$\sum_i(1-h_i)=n-p=r.$$

# %%
print(inspect.getsource(jn.least_squares.leverage))

# %%
h1, h4 = (jn.least_squares.leverage(jnp.asarray(quartet[k].X)) for k in (0, 3))
panels = draw.leverage_stems(
    {"set I": (quartet[0].x, h1), "set IV": (quartet[3].x, h4)},
)
np.testing.assert_allclose(h4, np.where(quartet[3].x == 19, 1.0, 0.1), atol=1e-4)
np.testing.assert_allclose([jnp.sum(1 - h1), jnp.sum(1 - h4)], [9, 9], rtol=1e-4)
print(f"largest leverage: set I {jnp.max(h1):.3f}, set IV {jnp.max(h4):.3f}")

# %% [markdown] lang="zh"
# *图：每个观测的杠杆值。第 I 组中间低、两端高；第 IV 组里 $x=8$ 的十个观测（为看清而略微错开）各占 0.1，$x=19$ 的那一个恰好为 1：直线总是穿过它，它错了多少，谁也看不出来。*

# %% [markdown] lang="en"
# *Picture: the leverage of each observation. In set I it is low in the middle and high at the ends. In set IV the ten observations at $x=8$ (moved apart a little to be seen) have 0.1 each and the one at $x=19$ exactly 1: the line goes through it whatever it is, and no one can see its error.*

# %% [markdown] lang="zh"
# ## 7 勘误一则
#
# **误区**：“考虑到观测值带有偶然误差，总是作多余观测”，仿佛只要观测比未知数多，误差就有人检查。
#
# **反例**：第 IV 组有 $11-2=9$ 个多余观测。把 $x=19$ 处的 $y$ 改错 100，它的残差仍然是零。

# %% [markdown] lang="en"
# ## 7 A correction
#
# **The sentence**: “as observations have random errors, one always makes redundant observations”, as if more observations than unknowns were enough to have every error checked.
#
# **Counterexample**: set IV has $11-2=9$ redundant observations. Make the $y$ at $x=19$ wrong by 100, and its residual is still zero.

# %%
X4 = jnp.asarray(quartet[3].X)
wrong = jnp.asarray(quartet[3].y) + 100 * (X4[:, 0] == 19)
r = wrong - jn.least_squares.predict(jn.least_squares.fit(X4, wrong), X4)
print(f"residual at x = 19: {abs(r[7]):.4f};  of the others, at most {jnp.max(abs(r)):.2f}")
assert abs(r[7]) < 1e-2 < jnp.max(abs(r))

# %% [markdown] lang="zh"
# **正解**：$r=n-t$ 只是总数，它按 $1-h_i$ 分到各个观测；分到零的那一个无人监督。布设观测时，要让每一个都分到一些。由 `tests/test_corrections.py::test_redundant_observations_are_counted_by_redundancy_numbers` 检验。

# %% [markdown] lang="en"
# **The theorem**: $r=n-t$ is only the total, and observation $i$ has the share $1-h_i$ of it; one whose share is zero is watched by nobody. Plan observations so that each gets some. Checked by `tests/test_corrections.py::test_redundant_observations_are_counted_by_redundancy_numbers`.

# %% [markdown] lang="zh"
# ## 8 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E5.1** 求最小二乘的系数，不许计算 $X^\top X$。最后一个算例是单精度的 7 次多项式，误差不得超过 0.01。

# %% [markdown] lang="en"
# ## 8 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E5.1** Find the least-squares coefficients without forming $X^\top X$. The last case is a polynomial of degree 7 in float32, to be right to 0.01.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E5.1"
def coefficients(X, y):
    """The w (p,) that minimizes |y - X w|, for X (n, p) of full rank; no intercept is added."""
    Q, R = jnp.linalg.qr(X)
    return jax.scipy.linalg.solve_triangular(R, jnp.matmul(Q.T, y, precision="highest"))


check("E5.1", coefficients)

# %% [markdown] lang="zh"
# **E5.2** 闭合一个三角形：给定闭合差 $c$（观测值之和减去 180°）与三个角的权 $p_i$，求三个改正数。（提示：在 $\sum v_i=-c$ 之下最小化 $\sum p_iv_i^2$。）

# %% [markdown] lang="en"
# **E5.2** Close a triangle: from the misclosure $c$ (the sum observed minus 180°) and the weights $p_i$ of the three angles, find the three corrections. (Minimize $\sum p_iv_i^2$ subject to $\sum v_i=-c$.)


# %% exercise="E5.2"
def close_triangle(misclosure, precision):
    """The corrections of three angles, (3,), for weights precision (3,)."""
    return -misclosure * (1 / precision) / jnp.sum(1 / precision)


check("E5.2", close_triangle)

# %% [markdown] lang="zh"
# **E5.3** 求带截距的直线斜率的标准误。安斯库姆第一组应得 0.117906。

# %% [markdown] lang="en"
# **E5.3** Find the standard error of the slope of a line with an intercept. Anscombe's first set gives 0.117906.


# %% exercise="E5.3"
def slope_standard_error(x, y):
    """The standard error of the slope of the least-squares line through x, y (n,), a number."""
    dx, dy = x - jnp.mean(x), y - jnp.mean(y)
    r = dy - dx * jnp.sum(dx * dy) / jnp.sum(dx**2)
    return jnp.sqrt(jnp.sum(r**2) / (len(x) - 2) / jnp.sum(dx**2))


check("E5.3", slope_standard_error)

# %% [markdown] lang="zh"
# ## 9 小结
#
# | 对象 | 是什么 | 代码 |
# |---|---|---|
# | 最小二乘解 | $X^\top Xw=X^\top y$，残差垂直于各列 | `fit(X, y)` |
# | 多余观测数 | $r=n-t$，残差的自由度 | `infer(...).df` |
# | 权 | $p_i$，方差的倒数，差一个公因子 | `precision=` |
# | 杠杆值 | $h_i$，帽子矩阵的对角线，和为 $p$ | `leverage(X)` |
# | 估计的协方差 | $\sigma^2(X^\top X)^{-1}$ | `infer(...).covariance` |
#
# 这些函数都在 `jn.least_squares` 里；曲线不是参数的线性函数时，用 `jn.curve_fitting`。
#
# **何处会失灵**：条件数接近 $1/\varepsilon$ 时，单精度怎么算都不行，请在 `with jn.x64():` 里算；`@` 在 GPU、TPU 上只有两到四位；方差不等时，标准误要换稳健的（`cov="HC3"`），组内相关时用 `cov="cluster"`；杠杆为 1 的观测，什么检验也查不出它的错。
#
# **下一课**：[06 似然](06_likelihood.ipynb)。为什么偏偏是平方？从误差的分布说起。

# %% [markdown] lang="en"
# ## 9 Summary
#
# | Object | What it is | Code |
# |---|---|---|
# | least squares | $X^\top Xw=X^\top y$, residual orthogonal to the columns | `fit(X, y)` |
# | redundancy | $r=n-t$, degrees of freedom of the residuals | `infer(...).df` |
# | weight | $p_i$, inverse variance, up to a common factor | `precision=` |
# | leverage | $h_i$, diagonal of the hat matrix, with sum $p$ | `leverage(X)` |
# | covariance of the estimate | $\sigma^2(X^\top X)^{-1}$ | `infer(...).covariance` |
#
# All of them are in `jn.least_squares`; for curves that are not linear in their parameters there is `jn.curve_fitting`.
#
# **Where it breaks**: with a condition number near $1/\varepsilon$ nothing works in float32, so go to `with jn.x64():`; on GPU and TPU a bare `@` has two to four digits; errors of unequal variance need robust standard errors (`cov="HC3"`), errors correlated within groups `cov="cluster"`; and no test finds the error of an observation whose leverage is 1.
#
# **Next**: [06 The likelihood](06_likelihood.ipynb). Why squares, of all things? It begins with the distribution of the errors.
