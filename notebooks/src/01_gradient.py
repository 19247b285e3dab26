# %% [markdown] lang="zh"
# # 01 梯度
#
# **约 20 秒运行完 · 先修：[00 从这里开始](00_start_here.ipynb) · 对应笔记 1.1**
#
# 学完这一课，你能够
# - 分清三样东西：导数是**数**，梯度是**向量**，切线、切平面是**函数的图像**；
# - 说出梯度为什么指向增长最快的方向，以及这句话成立的条件；
# - 用自动微分求任意方向的变化率，并知道差商能准到第几位；
# - 举出偏导数都存在、梯度却不存在的函数。

# %% [markdown] lang="en"
# # 01 The gradient
#
# **Runs in about 20 seconds · after: [00 Start here](00_start_here.ipynb) · section 1.1 of the notes**
#
# After this lesson you can
# - tell three things apart: a derivative is a **number**, a gradient a **vector**, a tangent line or plane the **graph of a function**;
# - say why the gradient points where a function rises fastest, and when this is true;
# - take the rate along any direction by automatic differentiation, and know how many digits a difference quotient has;
# - give a function that has both partial derivatives and no gradient.

# %%
import inspect

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show import diagrams
from jaxnotes.show.lesson_plots import gradients as draw
from jaxnotes.show.slider import slider


def f(x):
    """x^2 y + sin y, with x and y in one vector."""
    return x[0] ** 2 * x[1] + jnp.sin(x[1])


a = jnp.array([1.0, 2.0])
ax = draw.tangent_plane(f, a)
# %% [markdown] lang="zh"
# *图：蓝色曲面是 $z=x^2y+\sin y$，黄色是它在点 $(1,2)$ 处的切平面。梯度不是这个平面：它是画在底面（自变量所在的平面）上的橙红色箭头，与等高线垂直，指向上升最快的方向。*

# %% [markdown] lang="en"
# *Picture: the blue surface is $z=x^2y+\sin y$, yellow its tangent plane at $(1,2)$. The gradient is not that plane. It is the orange-red arrow on the floor, where the inputs live; it crosses the level curves at right angles and points where the surface rises fastest.*

# %% [markdown] lang="zh"
# ## 1 想法：从割线到切线
#
# 一元函数的导数是差商的极限，
# $$f'(x)=\lim_{h\to 0}\frac{f(x+h)-f(x)}{h}.$$
# 它是一个**数**，即切线的斜率。切线本身是另一个函数的图像：
# $$x\mapsto f(a)+f'(a)(x-a).$$
# 拖动滑块，看割线怎样变成切线。60 帧是用一次 `jax.vmap` 同时算出来的。

# %% [markdown] lang="en"
# ## 1 The idea: from secant to tangent
#
# The derivative of a function of one number is the limit of a difference quotient,
# $$f'(x)=\lim_{h\to 0}\frac{f(x+h)-f(x)}{h}.$$
# It is a **number**, the slope of the tangent. The tangent itself is the graph of another function:
# $$x\mapsto f(a)+f'(a)(x-a).$$
# Move the slider and see the secant become the tangent. All 60 frames are computed in one `jax.vmap`.

# %%
x = jnp.linspace(-0.5, 3.5, 41)


def secant(h):
    slope = jn.gradients.forward_difference(jnp.sin, 1.0, step=h)
    end = jnp.array([1.0 + h])
    return {
        "secant": (x, jnp.sin(1.0) + slope * (x - 1)),
        "x + h": (end, jnp.sin(end)),
        "slope": slope,
    }


tangent_line = jax.vmap(jn.gradients.tangent(jnp.sin, 1.0))(x)
fixed = {"sin x": (x, jnp.sin(x)), "tangent": (x, tangent_line)}
slider(
    secant,
    jnp.geomspace(2.0, 0.01, 60),
    name="h",
    fixed=fixed,
    xlabel="x",
    ylabel="y",
    ylim=(-0.6, 1.8),
)

# %% [markdown] lang="zh"
# *图：$\sin x$ 在 $x=1$ 处的割线与切线。$h$ 越小，割线的斜率越接近 $\cos 1\approx 0.5403$。*

# %% [markdown] lang="en"
# *Picture: secant and tangent of $\sin x$ at $x=1$. The smaller $h$, the closer the slope of the secant to $\cos 1\approx 0.5403$.*

# %%
slope = jax.grad(jnp.sin)(1.0)
np.testing.assert_allclose(slope, 0.5403, atol=1e-4)
print(f"jax.grad: {slope:.6f}")
for h in (1.0, 0.1, 0.01, 0.001):
    quotient = jn.gradients.forward_difference(jnp.sin, 1.0, step=h)
    print(f"h = {h:<6} {quotient:.6f}  error {abs(quotient - slope):.1e}")

# %% [markdown] lang="zh"
# ## 2 推导：步长取多小才好？
#
# $h$ 小一点，截断误差小；但 $f(x+h)$ 与 $f(x)$ 几乎相等，相减时舍入误差被放大 $1/h$ 倍。对中心差商，
# $$\left|\frac{f(x+h)-f(x-h)}{2h}-f'(x)\right|\le\frac{h^2}{6}M_3+\frac{\varepsilon|f|}{h},$$
# 其中 $M_3$ 是 $|f'''|$ 的上界，$\varepsilon$ 是机器精度。右边对 $h$ 求导并令其为零，得
# $$h^*=\left(\frac{3\varepsilon|f|}{M_3}\right)^{1/3}.$$
# 每一步推导都可以用自动微分来验算：

# %% [markdown] lang="en"
# ## 2 The derivation: how small a step?
#
# A smaller $h$ makes the truncation smaller; but $f(x+h)$ and $f(x)$ then nearly agree, and their difference magnifies rounding by $1/h$. For the central difference
# $$\left|\frac{f(x+h)-f(x-h)}{2h}-f'(x)\right|\le\frac{h^2}{6}M_3+\frac{\varepsilon|f|}{h},$$
# where $M_3$ bounds $|f'''|$ and $\varepsilon$ is the machine precision. Differentiate the right side by $h$, set it to zero:
# $$h^*=\left(\frac{3\varepsilon|f|}{M_3}\right)^{1/3}.$$
# Automatic differentiation checks the step:


# %%
def bound(h, eps, size=1.0, m3=1.0):
    return h**2 / 6 * m3 + eps * size / h


for eps in (1.2e-7, 2.2e-16):
    h_best = (3 * eps) ** (1 / 3)
    relative = jax.grad(bound)(h_best, eps) * h_best / bound(h_best, eps)
    assert abs(relative) < 1e-4  # the slope of the bound is 0 there
    print(f"eps = {eps:.1e}: best step {h_best:.0e}, error at most {bound(h_best, eps):.0e}")

# %%
steps = 10.0 ** np.arange(-11, 0.5, 0.125)


def errors(quotient, dtype):
    with jn.x64(dtype == "float64"), jax.default_device(jax.devices("cpu")[0]):
        at = jax.vmap(lambda h: quotient(jnp.sin, np.ones((), dtype), step=h))(
            jnp.asarray(steps, dtype)
        )
        return np.abs(np.asarray(at, np.float64) - np.cos(1.0))


both = (jn.gradients.central_difference, jn.gradients.forward_difference)
table = {
    f"{q.__name__[:7]}, {dtype}": errors(q, dtype)
    for dtype in ("float64", "float32")
    for q in both
}
ax = draw.difference_errors(steps, table)
best = {label: error[np.isfinite(error)].min() for label, error in table.items()}
assert best["central, float64"] < 1e-10
assert 1e-8 < best["central, float32"] < 3e-5
assert best["forward, float64"] > best["central, float64"]

# %% [markdown] lang="zh"
# *图：差商误差随步长的变化，呈 V 字形：右臂是截断误差（前向差商斜率 1，中心差商斜率 2），左臂是舍入误差。中心差商在单精度下最好也只有五六位，在双精度下有十二位左右（前向差商只有八位）；自动微分没有步长，误差只是计算导数时的舍入，通常在最后几位（第 08、10 课有它也失灵的例子）。*
#
# 所以：差商用来**检查**导数，不用来**计算**导数。库里的 `check_gradient` 就是这样做的，它还能发现尖点：左右两边的斜率相差多少，误差里就加上一半。

# %% [markdown] lang="en"
# *Picture: the error of difference quotients against their step, a V: truncation on the right (slope 1 forward, 2 central), rounding on the left. At best the central quotient has five or six digits in float32 and some twelve in float64 (the forward one eight); automatic differentiation has no step: its error is the rounding of evaluating the derivative, usually the last digits (lessons 08 and 10 show where even this fails).*
#
# So differences **check** derivatives, they do not **compute** them. That is what the library's `check_gradient` does, and it finds kinks too: half the jump of the slope is added to the error.

# %%
print(jn.gradients.check_gradient(f, a))
print(jn.gradients.check_gradient(jnp.abs, 0.0))
assert jn.gradients.check_gradient(f, a)
assert not jn.gradients.check_gradient(jnp.abs, 0.0)

# %% [markdown] lang="zh"
# ## 3 偏导数与梯度
#
# 只让一个自变量变化，得到偏导数；把它们排成一个向量，就是梯度：
# $$\nabla f(x,y)=\left(\frac{\partial f}{\partial x},\frac{\partial f}{\partial y}\right)=(2xy,\;x^2+\cos y).$$
# 在 $(1,2)$ 处，$\nabla f=(4,\ 0.5839)$，模 $\|\nabla f\|=4.0424$。

# %% [markdown] lang="en"
# ## 3 Partial derivatives and the gradient
#
# Let one input change alone: a partial derivative. Their vector is the gradient:
# $$\nabla f(x,y)=\left(\frac{\partial f}{\partial x},\frac{\partial f}{\partial y}\right)=(2xy,\;x^2+\cos y).$$
# At $(1,2)$ it is $\nabla f=(4,\ 0.5839)$, of length $\|\nabla f\|=4.0424$.

# %%
gradient = jax.grad(f)(a)
partials = [jn.gradients.partial_derivative(f, a, i) for i in (0, 1)]
np.testing.assert_allclose(gradient, partials, rtol=1e-5)
np.testing.assert_allclose(gradient, [4, 0.5839], rtol=1e-4)
np.testing.assert_allclose(jn.sums.norm(gradient), 4.0424, rtol=2e-5)
print("gradient", gradient, " length", jn.sums.norm(gradient))

# %% [markdown] lang="zh"
# 切平面是函数 $x\mapsto f(a)+\nabla f(a)\cdot(x-a)$ 的图像，法向量是 $(-\nabla f(a),\,1)$。它与曲面的误差是 $O(h^2)$：距离缩小到十分之一，误差缩小到百分之一。库里的写法只有几行：

# %% [markdown] lang="en"
# The tangent plane is the graph of $x\mapsto f(a)+\nabla f(a)\cdot(x-a)$, with normal $(-\nabla f(a),\,1)$. It is off the surface by $O(h^2)$: ten times nearer, a hundred times better. In the library it is a few lines:

# %%
print(inspect.getsource(jn.gradients.tangent))

# %%
with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    point, direction = np.array([1.0, 2.0]), np.array([0.6, 0.8])
    plane = jn.gradients.tangent(f, point)
    h = 10.0 ** -np.arange(1.0, 4.0)
    off = jax.vmap(lambda h: jnp.abs(f(point + h * direction) - plane(point + h * direction)))(
        h
    )
    order = np.polyfit(np.log10(h), np.log10(off), 1)[0]
    normal = np.append(-jax.grad(f)(point), 1.0)
    in_plane = np.append(direction, plane(point + direction) - plane(point))
assert abs(order - 2) < 0.02
assert abs(normal @ in_plane) < 1e-12
print(
    f"error of the plane ~ h^{order:.3f};  normal . direction in the plane: {normal @ in_plane:.0e}"
)

# %% [markdown] lang="zh"
# ## 4 实验：往哪个方向升得最快？
#
# 沿单位向量 $u$ 的变化率叫**方向导数**，
# $$D_uf(a)=\nabla f(a)\cdot u=\|\nabla f(a)\|\cos\theta.$$
# 把 360 个方向一次算完：

# %% [markdown] lang="en"
# ## 4 The experiment: where does it rise fastest?
#
# The rate along a unit vector $u$ is the **directional derivative**,
# $$D_uf(a)=\nabla f(a)\cdot u=\|\nabla f(a)\|\cos\theta.$$
# All 360 whole degrees at once:

# %%
degrees = jnp.arange(360)
around = jnp.stack([jnp.cos(jnp.deg2rad(degrees)), jnp.sin(jnp.deg2rad(degrees))], axis=1)
rates = jax.vmap(lambda u: jn.gradients.directional_derivative(f, a, u))(around)
ax = draw.rates_by_direction(gradient)
best, exact = int(jnp.argmax(rates)), jnp.rad2deg(jnp.arctan2(gradient[1], gradient[0]))
assert best == 8
np.testing.assert_allclose(exact, 8.304, atol=2e-3)
assert rates[best] <= jn.sums.norm(gradient) * (1 + 1e-5)
print(
    f"best whole degree {best}, rate {rates[best]:.5f};  gradient at {exact:.4f} degrees, length 4.04239"
)

# %% [markdown] lang="zh"
# *图：各方向的变化率（极坐标）。实线圆是上升的方向，虚线圆是下降的方向（画出的是绝对值）；红色箭头是梯度。整数度数中 8° 最快，梯度本身在 8.304° 方向。与梯度垂直的方向上变化率为零，那正是等高线的方向。*
#
# **证明**（柯西–施瓦茨不等式）：$\nabla f\cdot u\le\|\nabla f\|\,\|u\|=\|\nabla f\|$，当且仅当 $u$ 与 $\nabla f$ 同向时取等号。再拿一千个随机函数来检验，每个函数试 360 个方向：

# %% [markdown] lang="en"
# *Picture: the rate in every direction (polar axes). The solid circle shows the directions that rise, the dashed one those that fall (by their size); the red arrow is the gradient. Of the whole degrees, 8° is fastest; the gradient itself is at 8.304°. Across it the rate is zero: that is the level curve.*
#
# **Proof** (Cauchy–Schwarz): $\nabla f\cdot u\le\|\nabla f\|\,\|u\|=\|\nabla f\|$, with equality only where $u$ points along $\nabla f$. And a test: a thousand random functions, 360 directions each.


# %%
def excess(key):
    """By how much the best of 360 rates exceeds the length of the gradient, relative to it."""
    A, b, x = jax.random.normal(key, (3, 2, 2))

    def fun(x):
        return jnp.sum(jnp.sin(A[0, 0] * x + A[1]) * b[0]) + jnp.sum(x**2)

    rates = jax.vmap(lambda u: jn.gradients.directional_derivative(fun, x[0], u))(around)
    return jnp.max(rates) / jn.sums.norm(jax.grad(fun)(x[0])) - 1


worst = jnp.max(jax.vmap(excess)(jax.random.split(jax.random.key(0), 1000)))
assert worst < 1e-4
print(f"largest excess among 1000 functions: {worst:.1e}")

# %% [markdown] lang="zh"
# ### “最快”要先说清什么叫一步
#
# 上面的一步，长度用欧氏范数 $\|u\|_2=1$ 来量。换一种范数，最陡的方向就变了：$\ell_1$ 范数下只动最敏感的一个坐标，$\ell_\infty$ 范数下每个坐标都走满，方向是 $\operatorname{sign}(\nabla f)$。

# %% [markdown] lang="en"
# ### “Fastest” needs a length of a step
#
# The steps above have Euclidean length $\|u\|_2=1$. Another norm has another steepest direction: under $\ell_1$ only the most sensitive coordinate moves, under $\ell_\infty$ all of them go to the end, along $\operatorname{sign}(\nabla f)$.

# %% lang="zh"
diagrams.unit_balls(gradient, lang="zh")

# %% lang="en"
diagrams.unit_balls(gradient, lang="en")

# %% [markdown] lang="zh"
# *图：三种范数的单位球，以及 $g\cdot u$ 在球上取最大值的点。虚线是等值线，与球恰好相切。*

# %% [markdown] lang="en"
# *Picture: the unit balls of three norms and the point of each where $g\cdot u$ is largest. The dashed line is the level line that just touches the ball.*

# %%
for norm, rate in (("l1", 4.000), ("l2", 4.042), ("linf", 4.584)):
    u = jn.gradients.steepest_direction(gradient, norm)
    np.testing.assert_allclose(jnp.sum(gradient * u), rate, rtol=2e-4)
    print(f"{norm:>4}: u = {u}, rate {jnp.sum(gradient * u):.3f}")

# %% [markdown] lang="zh"
# ### 梯度不存在的地方
#
# 函数 $g(x,y)=xy/\sqrt{x^2+y^2}$（规定 $g(0,0)=0$）在两条坐标轴上恒为零，所以原点处两个偏导数都是 0；但沿对角线的变化率是 0.5，不等于“梯度”$(0,0)$ 与 $u$ 的内积。它在原点不可微。

# %% [markdown] lang="en"
# ### Where there is no gradient
#
# The function $g(x,y)=xy/\sqrt{x^2+y^2}$, with $g(0,0)=0$, vanishes on both axes, so both partials at the origin are 0; yet the rate along the diagonal is 0.5, and not the product of the “gradient” $(0,0)$ with $u$. It is not differentiable there.


# %%
def g(x):
    return jnp.where(jnp.any(x != 0), x[0] * x[1] / jnp.hypot(x[0], x[1]), 0.0)


half = 0.5**0.5
lines = {"along x": [1.0, 0.0], "diagonal": [half, half], "antidiagonal": [half, -half]}
ax = draw.profiles(g, lines)
slopes = [
    jn.gradients.forward_difference(lambda t, u=u: g(t * jnp.array(u)), 0.0)
    for u in lines.values()
]
np.testing.assert_allclose(slopes, [0, 0.5, -0.5], atol=1e-4)
assert jnp.isnan(jax.grad(g)(jnp.zeros(2))).all()
print(
    "slopes",
    *[f"{slope:.2f}" for slope in slopes],
    " jax.grad at 0:",
    jax.grad(g)(jnp.zeros(2)),
)

# %% [markdown] lang="zh"
# *图：$g$ 沿过原点的三条直线。对角线上是折线 $|t|/2$，坐标轴上恒为 0：没有一个平面能同时与它们相切。`jax.grad` 在这里给出 NaN，如实表明没有梯度。*

# %% [markdown] lang="en"
# *Picture: $g$ along three lines through the origin. It is the kink $|t|/2$ on the diagonal and 0 on the axis: no plane touches both. Here `jax.grad` gives NaN, which says truly that there is no gradient.*

# %% [markdown] lang="zh"
# ## 5 勘误三则
#
# ### 其一
# **误区**：“该函数的梯度为一条切线”“此函数的梯度为一个切面”。
#
# **反例**：梯度与自变量的形状相同，既不是直线，也不是平面。

# %% [markdown] lang="en"
# ## 5 Three corrections
#
# ### First
# **The sentence**: “the gradient of this function is a tangent line”, “… a tangent plane”.
#
# **Counterexample**: a gradient has the shape of the inputs. It is no line and no plane.

# %%
print("derivative of sin:", jax.grad(jnp.sin)(1.0), "  gradient of f:", jax.grad(f)(a))
assert jax.grad(jnp.sin)(1.0).shape == ()
assert jax.grad(f)(a).shape == a.shape == (2,)

# %% [markdown] lang="zh"
# **正解**：切线、切平面是一次近似 $x\mapsto f(a)+\nabla f(a)\cdot(x-a)$ 的图像，误差 $O(\|x-a\|^2)$，法向量 $(-\nabla f(a),1)$；梯度与等值面正交。由 `tests/test_corrections.py::test_the_gradient_is_a_number_or_vector_and_the_tangent_a_graph` 检验。
#
# ### 其二
# **误区**：“如果再进行维度拓展，将无法进行求解”。
#
# **反例**：一千维，同样求得出来。

# %% [markdown] lang="en"
# **The theorem**: tangent lines and planes are graphs of $x\mapsto f(a)+\nabla f(a)\cdot(x-a)$, off by $O(\|x-a\|^2)$, with normal $(-\nabla f(a),1)$; the gradient is orthogonal to the level set. Checked by `tests/test_corrections.py::test_the_gradient_is_a_number_or_vector_and_the_tangent_a_graph`.
#
# ### Second
# **The sentence**: “with still more dimensions it cannot be solved”.
#
# **Counterexample**: a thousand dimensions, solved the same way.

# %%
x1000 = jnp.linspace(-1, 1, 1000)
np.testing.assert_allclose(jax.grad(lambda x: jnp.sum(x**3))(x1000), 3 * x1000**2, rtol=1e-5)

# %% [markdown] lang="zh"
# **正解**：高维失去的只是图像。无论多少维，反向模式自动微分求一次梯度的代价都只是求几次函数值。由 `tests/test_corrections.py::test_more_dimensions_hide_the_picture_and_nothing_else` 检验。
#
# ### 其三
# **误区**：“科学家通过引入偏导，求解梯度”，仿佛有了偏导数就有了梯度。
#
# **反例**：上一节的 $g$，两个偏导数都是 0，对角方向的变化率却是 0.5。

# %% [markdown] lang="en"
# **The theorem**: only the picture is lost. In any dimension, reverse-mode automatic differentiation takes a gradient for the price of a few evaluations. Checked by `tests/test_corrections.py::test_more_dimensions_hide_the_picture_and_nothing_else`.
#
# ### Third
# **The sentence**: “scientists introduced partial derivatives to solve for the gradient”, as if partials made a gradient.
#
# **Counterexample**: the $g$ above: both partials are 0, the rate along the diagonal is 0.5.

# %%
along = [jnp.array(u) for u in ([1.0, 0.0], [0.0, 1.0], [half, half])]
rates_at_0 = [
    float(jn.gradients.forward_difference(lambda t, u=u: g(t * u), 0.0)) for u in along
]
np.testing.assert_allclose(rates_at_0, [0, 0, 0.5], atol=1e-4)

# %% [markdown] lang="zh"
# **正解**：偏导数在一点附近存在且连续，函数才一定可微；可微时梯度才是各方向变化率的来源，$D_uf=\nabla f\cdot u$。由 `tests/test_corrections.py::test_partial_derivatives_do_not_make_a_gradient` 检验。

# %% [markdown] lang="en"
# **The theorem**: where the partials exist nearby and are continuous, the function is differentiable; and where it is, all rates come from the gradient, $D_uf=\nabla f\cdot u$. Checked by `tests/test_corrections.py::test_partial_derivatives_do_not_make_a_gradient`.

# %% [markdown] lang="zh"
# ## 6 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E1.1** 写出方向导数：$f$ 在 $x$ 处沿 $u$ 方向的变化率。结果不应依赖 $u$ 的长度。（用 `jax.jvp` 只需一次前向计算。）

# %% [markdown] lang="en"
# ## 6 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E1.1** Write the directional derivative: the rate of $f$ at $x$ along $u$. The length of $u$ must not matter. (`jax.jvp` needs one forward pass.)

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E1.1"
def directional(f, x, u):
    """The rate of f at x along u, a number; x and u are vectors."""
    return jax.jvp(f, (x,), (u / jnp.linalg.norm(u),))[1]


check("E1.1", directional)

# %% [markdown] lang="zh"
# **E1.2** 写出切平面：给定 $f$ 与 $a$，返回一个**函数**，它在 $x$ 处的值是 $f(a)+\nabla f(a)\cdot(x-a)$。

# %% [markdown] lang="en"
# **E1.2** Write the tangent plane: from $f$ and $a$ make a **function** whose value at $x$ is $f(a)+\nabla f(a)\cdot(x-a)$.


# %% exercise="E1.2"
def tangent_plane(f, a):
    """The function x -> f(a) + grad f(a) . (x - a)."""
    height, slope = jax.value_and_grad(f)(a)
    return lambda x: height + jnp.sum(slope * (x - a))


check("E1.2", tangent_plane)

# %% [markdown] lang="zh"
# **E1.3** 自己找一个二元函数 $g$：在原点两个偏导数都存在，但没有梯度。（不要照抄上文的例子。）

# %% [markdown] lang="en"
# **E1.3** Find a function $g$ of two numbers of your own that has both partials at the origin and no gradient. (Not the one above.)


# %% exercise="E1.3"
def no_gradient(x):
    """g(x) for a vector x of two numbers."""
    square = x[0] ** 2 + x[1] ** 2
    return jnp.where(square > 0, x[0] ** 3 / jnp.where(square > 0, square, 1.0), 0.0)


check("E1.3", no_gradient)

# %% [markdown] lang="zh"
# ## 7 小结
#
# | 对象 | 是什么 | 代码 |
# |---|---|---|
# | 导数 $f'(a)$ | 数：切线的斜率 | `jax.grad(f)(a)` |
# | 梯度 $\nabla f(a)$ | 自变量空间中的向量，与等值面正交 | `jax.grad(f)(a)` |
# | 切线、切平面 | 一次近似的图像，误差 $O(h^2)$ | `tangent(f, a)` |
# | 方向导数 $D_uf(a)$ | 数：沿单位向量 $u$ 的变化率 | `directional_derivative(f, a, u)` |
# | 最陡的方向 | 随范数而变 | `steepest_direction(g, norm)` |
#
# 后三个函数在 `jn.gradients` 里。
#
# **何处会失灵**：单精度差商最多准到五六位；尖点处自动微分只给出约定的值或 NaN，用 `check_gradient` 查；双精度只在 `with jn.x64():` 之内使用。
#
# **下一课**：[02 梯度下降法](02_gradient_descent.ipynb)。沿负梯度走，要走多大的一步？

# %% [markdown] lang="en"
# ## 7 Summary
#
# | Object | What it is | Code |
# |---|---|---|
# | derivative $f'(a)$ | a number: the slope of the tangent | `jax.grad(f)(a)` |
# | gradient $\nabla f(a)$ | a vector among the inputs, orthogonal to the level set | `jax.grad(f)(a)` |
# | tangent line, plane | graph of the first-order approximation, off by $O(h^2)$ | `tangent(f, a)` |
# | directional derivative $D_uf(a)$ | a number: the rate along the unit vector $u$ | `directional_derivative(f, a, u)` |
# | steepest direction | depends on the norm | `steepest_direction(g, norm)` |
#
# The last three are in `jn.gradients`.
#
# **Where it breaks**: differences in float32 have five or six digits at most; at a kink, automatic differentiation gives a convention or NaN, which `check_gradient` finds; float64 lives only inside `with jn.x64():`.
#
# **Next**: [02 Gradient descent](02_gradient_descent.ipynb). Against the gradient, yes: but how far?
