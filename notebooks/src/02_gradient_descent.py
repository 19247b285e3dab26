# %% [markdown] lang="zh"
# # 02 梯度下降法
#
# **约 25 秒运行完 · 先修：[01 梯度](01_gradient.ipynb) · 对应笔记 1.2**
#
# 学完这一课，你能够
# - 写出梯度下降的更新公式，并用一次 `vmap` 比较许多学习率；
# - 由曲率算出学习率的上限 $2/L$，由条件数预测需要多少步；
# - 说清梯度下降保证什么、不保证什么：它找到的是驻点，不一定是最小值点。

# %% [markdown] lang="en"
# # 02 Gradient descent
#
# **Runs in about 25 seconds · after: [01 The gradient](01_gradient.ipynb) · section 1.2 of the notes**
#
# After this lesson you can
# - write the update of gradient descent, and compare many rates in one `vmap`;
# - find the limit $2/L$ of the rate from the curvature, and predict the number of steps from the condition number;
# - say what descent guarantees and what not: it finds a stationary point, not always the minimum.

# %%
import inspect

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show.lesson_plots import gradient_descent as draw
from jaxnotes.show.slider import slider


def himmelblau(x):
    """A landscape with four valleys, all of depth 0."""
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


minima = jnp.array([[3.0, 2.0], [-2.805, 3.131], [-3.779, -3.283], [3.584, -1.848]])


def bottom(start):
    """Which of the four minima gradient descent reaches from here."""
    end = jn.minimize(
        himmelblau, start, method=jn.methods.gradient_descent(0.01), max_steps=300
    ).params
    distances = jnp.linalg.norm(end - minima, axis=1)
    return jnp.argmin(distances), jnp.min(distances)


axis = jnp.linspace(-5, 5, 200)
starts = jnp.stack(jnp.meshgrid(axis, axis), axis=-1)
labels, distance = jax.jit(jax.vmap(jax.vmap(bottom)))(starts)
ax = draw.basins(himmelblau, 5.0, labels, minima)

# %% [markdown] lang="zh"
# *图：往这片山谷里放四万个小球，每个球都沿负梯度往下走，颜色表示它最后停在哪个谷底（星号 A–D）。四万次梯度下降是一次 `jax.vmap` 算出来的。终点由起点决定：同一个函数，同一个算法，答案却有四个。*

# %% [markdown] lang="en"
# *Picture: forty thousand balls are dropped on a landscape, each rolls against the gradient, and its colour says in which valley (stars A–D) it came to rest. All forty thousand descents are one `jax.vmap`. Where they end depends on where they start: one function, one method, four answers.*

# %% [markdown] lang="zh"
# ## 1 想法：一步一步往下走
#
# 笔记只有一句话，没有公式。公式是
# $$x_{k+1}=x_k-\eta\,\nabla f(x_k),$$
# $\eta>0$ 叫**学习率**（步长系数）。取 $f(x)=x^2$、$x_0=10$，走 10 步，学习率取五个不同的值：

# %% [markdown] lang="en"
# ## 1 The idea: downhill, step by step
#
# The notes have one sentence and no formula. Here it is:
# $$x_{k+1}=x_k-\eta\,\nabla f(x_k),$$
# where $\eta>0$ is the **learning rate**. Take $f(x)=x^2$, $x_0=10$, ten steps, and five rates:


# %%
def square(x):
    return x**2


def descend(rate, steps=10):
    return jn.minimize_path(
        square, 10.0, method=jn.methods.gradient_descent(rate), steps=steps
    )


rates = jnp.array([0.05, 0.2, 0.5, 1.0, 1.1])
paths = jax.vmap(descend)(rates)
ax = draw.iterates(paths.params, [rf"$\eta$ = {rate:g}" for rate in rates])
np.testing.assert_allclose(
    paths.params[:, -1], [3.486784, 0.0604662, 0, 10, 61.9174], rtol=1e-4, atol=1e-6
)
print("x after 10 steps:", *[f"{x:.6g}" for x in paths.params[:, -1]])

# %% [markdown] lang="zh"
# *图：五种学习率下的 $x_k$（纵轴在 $\pm1$ 之外取对数）。0.05 太慢，10 步后还在 3.487；0.2 到了 0.0605；0.5 恰好一步到位；1.0 永远在 $\pm 10$ 之间来回跳；1.1 越跳越远，到了 61.92。*

# %% [markdown] lang="en"
# *Picture: $x_k$ for five rates (the axis is logarithmic beyond $\pm1$). 0.05 is slow, still at 3.487 after 10 steps; 0.2 is at 0.0605; 0.5 is there in one step; 1.0 jumps between $\pm 10$ forever; 1.1 jumps away, to 61.92.*

# %%
np.testing.assert_allclose(paths.params[[0, 1, 4], -1], [3.487, 0.0605, 61.92], rtol=1e-3)
x = jnp.linspace(-11.0, 11.0, 45)


def frame(rate):
    path = descend(rate, steps=12)
    now = (path.params[-1:], path.value[-1:])
    steps = (path.params, path.value)
    return {"steps": steps, "iterates": steps, "last": now, "last x": path.params[-1]}


parabola = {"x²": (x, x**2)}
window = {"xlabel": "x", "ylabel": "f", "xlim": (-12.0, 12.0), "ylim": (-8.0, 130.0)}
rates = jnp.linspace(0.02, 1.05, 64)
slider(frame, rates, name="rate", fixed=parabola, points=["iterates"], start=5, **window)

# %% [markdown] lang="zh"
# *图：拖动滑块改变学习率（64 个值，一次 `vmap`）。0.5 以下从一侧逼近，0.5 与 1 之间左右来回逼近，1 以上发散。*

# %% [markdown] lang="en"
# *Picture: move the slider to change the rate (64 values, one `vmap`). Below 0.5 the iterates come from one side, between 0.5 and 1 from both in turn, above 1 they run away.*

# %% [markdown] lang="zh"
# ## 2 推导：学习率不能超过 $2/L$
#
# 设曲率不超过 $L$（黑塞矩阵的最大特征值）。由泰勒公式，走一步之后
# $$f(x-\eta\nabla f)\le f(x)-\eta\left(1-\frac{\eta L}{2}\right)\|\nabla f(x)\|^2.$$
# 括号为正，即 $\eta<2/L$ 时，函数值必定下降。二次函数 $f(x)=\frac12x^\top Hx$ 沿特征方向各走各的，每一步误差乘以
# $$|1-\eta\lambda|,$$
# 所以对二次函数，$2/L$ 不仅充分，而且必要。用一千个随机二次函数来验算：

# %% [markdown] lang="en"
# ## 2 The derivation: a rate below $2/L$
#
# Let no curvature exceed $L$ (the largest eigenvalue of the Hessian). By Taylor's theorem, a step leads to
# $$f(x-\eta\nabla f)\le f(x)-\eta\left(1-\frac{\eta L}{2}\right)\|\nabla f(x)\|^2.$$
# Where the bracket is positive, $\eta<2/L$, the value must fall. On a quadratic $f(x)=\frac12x^\top Hx$ the eigen-directions do not mix, and each step multiplies the error along one by
# $$|1-\eta\lambda|,$$
# so for quadratics $2/L$ is not only enough but needed. A thousand random ones:


# %%
def one_step(key):
    """How far a step is from the bound, and the change of f in the sharpest direction just above 2 / L."""
    A, start = (
        jax.random.normal(key, (3, 3)),
        jax.random.normal(jax.random.fold_in(key, 1), (3,)),
    )

    def bowl(x):
        return jnp.sum(jnp.dot(A, x, precision="highest") ** 2) / 2

    H = jn.gradients.hessian(bowl, start)  # by autodiff; it must be A'A
    L, sharpest = jn.gradients.curvature(H).L, jnp.linalg.eigh(H)[1][:, -1]
    slope = jax.grad(bowl)(start)
    rate = 0.95 * 2 / L
    bound = bowl(start) - rate * (1 - rate * L / 2) * jnp.sum(slope**2)
    after = bowl(start - rate * slope)
    steep = bowl(sharpest - 1.05 * 2 / L * jax.grad(bowl)(sharpest)) / bowl(sharpest)
    return (after - bound) / bowl(start), after / bowl(start), steep


excess, below, above = jax.vmap(one_step)(jax.random.split(jax.random.key(2), 1000))
assert jnp.max(excess) < 1e-3
assert jnp.max(below) < 1
assert jnp.min(above) > 1.1
print(f"at 0.95 * 2/L, f falls to at most {jnp.max(below):.3f} of itself;")
print(f"at 1.05 * 2/L, it grows to at least {jnp.min(above):.3f} of itself")

# %%
print(inspect.getsource(jn.gradient_descent.mode_factor))

# %% [markdown] lang="zh"
# ## 3 实验：条件数决定快慢
#
# 取碗 $f(x,y)=\frac12(x^2+10y^2)$。两个曲率是 $\mu=1$ 和 $L=10$，**条件数** $\kappa=L/\mu=10$。最好的学习率兼顾两头，
# $$\eta=\frac{2}{\mu+L}=\frac{2}{11},$$
# 两个方向上的误差每步都乘以
# $$\left|1-\eta\mu\right|=\left|1-\eta L\right|=\frac{\kappa-1}{\kappa+1}=\frac{9}{11}.$$

# %% [markdown] lang="en"
# ## 3 The experiment: the condition number decides
#
# Take the bowl $f(x,y)=\frac12(x^2+10y^2)$, with curvatures $\mu=1$ and $L=10$ and **condition number** $\kappa=L/\mu=10$. The best rate serves both,
# $$\eta=\frac{2}{\mu+L}=\frac{2}{11},$$
# and every step multiplies the error along both directions by
# $$\left|1-\eta\mu\right|=\left|1-\eta L\right|=\frac{\kappa-1}{\kappa+1}=\frac{9}{11}.$$


# %%
def bowl(x):
    return (x[0] ** 2 + 10 * x[1] ** 2) / 2


rate, _ = jn.gradient_descent.best_settings(1.0, 10.0)
path = jn.minimize_path(
    bowl, jnp.array([5.0, 5.0]), method=jn.methods.gradient_descent(rate), steps=30
)
ax = draw.zigzag(bowl, path, [0.0, 0.0])
np.testing.assert_allclose(rate, 2 / 11, rtol=1e-5)


def angle(kappa):
    """Between the negative gradient and the way home, from the diagonal of a bowl."""
    downhill, home = jnp.array([1.0, kappa]), jnp.array([1.0, 1.0])
    cosine = jnp.sum(downhill * home) / jnp.linalg.norm(downhill) / jnp.linalg.norm(home)
    return jnp.rad2deg(jnp.arccos(jnp.clip(cosine, -1, 1)))


np.testing.assert_allclose(jax.vmap(angle)(jnp.array([10.0, 100.0])), [39.3, 44.4], atol=0.05)

# %% [markdown] lang="zh"
# *图：梯度下降在狭长的山谷里走之字形。“最陡”只看脚下：出发时负梯度（实线箭头）与通往最小值点的方向（虚线箭头）相差 39.3°；条件数为 100 时相差 44.4°。*

# %% [markdown] lang="en"
# *Picture: in a narrow valley descent zigzags. “Steepest” looks no further than the feet: at the start the negative gradient (solid arrow) is 39.3° off the way to the minimum (dashed arrow), and 44.4° for condition number 100.*

# %%
path = jn.minimize_path(
    bowl, jnp.array([10.0, 1.0]), method=jn.methods.gradient_descent(0.15), steps=40
)
k = jnp.arange(41)
factors = jn.gradient_descent.mode_factor(0.15, jnp.array([1.0, 10.0]))
np.testing.assert_allclose(factors, [0.85, 0.5], rtol=1e-5)
names = (r"$\lambda$ = 1", r"$\lambda$ = 10")
errors = {name: jnp.abs(path.params[:, i]) for i, name in enumerate(names)}
predicted = {
    name: jnp.abs(path.params[0, i]) * factors[i] ** k for i, name in enumerate(names)
}
ax = draw.errors_by_step(errors, predicted)
for name in names:
    np.testing.assert_allclose(errors[name], predicted[name], rtol=1e-3)

# %% [markdown] lang="zh"
# *图：$\eta=0.15$ 时两个特征方向上的误差。对数坐标下都是直线，斜率 $\log|1-\eta\lambda|$ 与预测（细虚线）完全重合。慢的方向是曲率**小**的方向。*
#
# 于是出发之前就能算出要走多少步：误差缩小到 $10^{-6}$，$\kappa=10$ 时预测 $\ln 10^{-6}/\ln(9/11)\approx 68.85$，即 69 步。数一数：

# %% [markdown] lang="en"
# *Picture: the errors along both eigen-directions for $\eta=0.15$. On a logarithmic axis they are straight, and their slope $\log|1-\eta\lambda|$ is the predicted one (thin dashed). The slow direction is the one of **small** curvature.*
#
# So the number of steps is known before the first one: to shrink the error to $10^{-6}$ at $\kappa=10$ takes $\ln 10^{-6}/\ln(9/11)\approx 68.85$, that is 69. Count them:

# %%
assert abs(np.log(1e-6) / np.log(9 / 11) - 68.85) < 0.01
for kappa in (2.0, 10.0, 100.0):
    with jn.x64(), jax.default_device(jax.devices("cpu")[0]):

        def valley(x, kappa=kappa):
            return (x[0] ** 2 + kappa * x[1] ** 2) / 2

        rule = jn.methods.gradient_descent(2 / (1 + kappa))
        wanted = jn.gradient_descent.steps_needed(kappa, 1e-6)
        path = jn.minimize_path(valley, np.array([kappa, 1.0]), method=rule, steps=wanted + 5)
        size = np.linalg.norm(np.asarray(path.params), axis=1)
    counted = int(np.argmax(size <= 1e-6 * size[0]))
    print(f"condition {kappa:>5g}: predicted {wanted:>3}, counted {counted:>3}")
    assert counted == wanted
assert jn.gradient_descent.steps_needed(10.0, 1e-6) == 69

# %% [markdown] lang="zh"
# 两种方法比梯度下降快。**动量法**记住上一步的速度，**牛顿法**用曲率修正方向与步长：
#
# $$v\leftarrow\beta v-\eta\nabla f(x),\quad x\leftarrow x+v\qquad\qquad x\leftarrow x-H^{-1}\nabla f(x)$$
#
# 对曲率在 $\mu$ 与 $L$ 之间的二次函数，动量法最好的参数是 $\eta=\big(2/(\sqrt L+\sqrt\mu)\big)^2$、$\beta=\big((\sqrt\kappa-1)/(\sqrt\kappa+1)\big)^2$。让三者赛跑：

# %% [markdown] lang="en"
# Two methods are faster than descent. **Momentum** remembers the velocity of the step before, **Newton's method** corrects direction and length by the curvature:
#
# $$v\leftarrow\beta v-\eta\nabla f(x),\quad x\leftarrow x+v\qquad\qquad x\leftarrow x-H^{-1}\nabla f(x)$$
#
# On a quadratic whose curvatures lie between $\mu$ and $L$ the best settings of momentum are $\eta=\big(2/(\sqrt L+\sqrt\mu)\big)^2$ and $\beta=\big((\sqrt\kappa-1)/(\sqrt\kappa+1)\big)^2$. A race of the three:

# %%
x0 = jnp.array([100.0, 1.0])


def valley(x):
    return (x[0] ** 2 + 100 * x[1] ** 2) / 2


rules = {
    "gradient descent": jn.methods.gradient_descent(
        jn.gradient_descent.best_settings(1.0, 100.0).rate
    ),
    "momentum": jn.methods.momentum(
        *jn.gradient_descent.best_settings(1.0, 100.0, rule="momentum")
    ),
    "Newton": jn.methods.newton(),
}
race = {
    name: jn.minimize_path(valley, x0, method=rule, steps=60) for name, rule in rules.items()
}
distances = {name: jnp.linalg.norm(path.params, axis=1) for name, path in race.items()}
ax = draw.errors_by_step(distances)
assert distances["Newton"][1] < 1e-3
assert distances["momentum"][-1] < 1e-3 * distances["gradient descent"][-1]

# %% [markdown] lang="zh"
# *图：条件数为 100 的山谷，三种方法到最小值点的距离。梯度下降每步乘以 $99/101$；动量法把 $\kappa$ 换成 $\sqrt\kappa$，每步约乘以 $9/11$；牛顿法用到了曲率，二次函数一步到底（三角形表示距离已经是零）。*

# %% [markdown] lang="en"
# *Picture: a valley of condition number 100, the distance to the minimum for three methods. Descent multiplies it by $99/101$ a step; momentum has $\sqrt\kappa$ for $\kappa$, about $9/11$ a step; Newton's method knows the curvature and needs one step on a quadratic (the triangle means distance zero).*

# %% [markdown] lang="zh"
# ### 回到四个山谷
#
# 四万个起点都走到了某个谷底，四个谷各占约四分之一。离谷底的距离都在 0.01 以内：

# %% [markdown] lang="en"
# ### Back to the four valleys
#
# All forty thousand starts reach the bottom of a valley, and each valley has about a quarter of them. None ends more than 0.01 from the bottom:

# %%
shares = jnp.bincount(labels.ravel(), length=4) / labels.size
assert jnp.max(distance) < 0.01
np.testing.assert_allclose(shares, 0.25, atol=0.02)
print("shares of A, B, C, D:", *[f"{share:.1%}" for share in shares])

# %% [markdown] lang="zh"
# ### 鞍点
#
# $f(x,y)=x^2-y^2$ 在原点梯度为零，却不是最小值点。从 $y_0=0$ 出发，$y$ 始终为 0，梯度下降停在那里（$x$ 有舍入误差）；只要 $y_0$ 有一点点偏离，它迟早会离开。

# %% [markdown] lang="en"
# ### A saddle
#
# $f(x,y)=x^2-y^2$ has gradient zero at the origin, which is no minimum. From $y_0=0$ descent keeps $y=0$ and stops there, up to rounding; with the slightest other $y_0$ it leaves, sooner or later.


# %%
def saddle(x):
    return x[0] ** 2 - x[1] ** 2


rule = jn.methods.gradient_descent(0.3)
stopped = jn.minimize(saddle, jnp.array([1.0, 0.0]), method=rule)
leaving = jn.minimize_path(saddle, jnp.array([1.0, 1e-8]), method=rule, steps=60).params[-1]
print("from y = 0:   ", stopped.params, jn.Status(int(stopped.status)).name)
print("from y = 1e-8:", leaving)
np.testing.assert_allclose(stopped.params, 0, atol=1e-5)
assert jnp.abs(leaving[1]) > 1000

# %% [markdown] lang="zh"
# ## 4 勘误两则
#
# ### 其一
# **误区**：“在此方向取负梯度，函数下降的最快”，于是一路走向最小值。
#
# **反例**：负梯度并不指向最小值点，条件数越大，偏得越多。

# %% [markdown] lang="en"
# ## 4 Two corrections
#
# ### First
# **The sentence**: “along the negative gradient the function falls fastest”, and so straight to the minimum.
#
# **Counterexample**: the negative gradient does not point at the minimum, and points further away from it the larger the condition number.

# %%
print("degrees off the way home:", *[f"{angle(kappa):.1f}" for kappa in (1.0, 10.0, 100.0)])
assert angle(100.0) > angle(10.0) > angle(1.0)

# %% [markdown] lang="zh"
# **正解**：“最快”说的是无穷小的一步，而且是对欧氏范数而言。实际的步长有限，下降只在 $\eta<2/L$ 时有保证。由 `tests/test_corrections.py::test_the_negative_gradient_does_not_point_at_the_minimum` 检验。
#
# ### 其二
# **误区**：“进而找到函数的最小值”。
#
# **反例**：从 $(1,0)$ 出发，停在鞍点，状态还是“收敛”。

# %% [markdown] lang="en"
# **The theorem**: “fastest” speaks of an infinitely short step, in the Euclidean norm. Real steps are finite, and descent is promised only for $\eta<2/L$. Checked by `tests/test_corrections.py::test_the_negative_gradient_does_not_point_at_the_minimum`.
#
# ### Second
# **The sentence**: “… and thereby finds the minimum of the function”.
#
# **Counterexample**: from $(1,0)$ it stops at a saddle, and reports convergence.

# %%
end = jn.minimize(saddle, jnp.array([1.0, 0.0]), method=jn.methods.gradient_descent(0.3))
curvatures = jnp.linalg.eigvalsh(jn.gradients.hessian(saddle, end.params))
assert jn.Status(int(end.status)) == jn.Status.CONVERGED
assert curvatures[0] < 0 < curvatures[1]

# %% [markdown] lang="zh"
# **正解**：对 $L$-光滑且有下界的 $f$，取 $0<\eta<2/L$ 时 $\|\nabla f(x_k)\|\to 0$：找到的是**驻点**。是不是极小值点，要再看黑塞矩阵的特征值；是不是全局最小，凸函数才有保证。由 `tests/test_corrections.py::test_descent_falls_for_rates_below_two_over_L_and_may_end_in_a_saddle` 检验。

# %% [markdown] lang="en"
# **The theorem**: for an $L$-smooth $f$ that is bounded below, $0<\eta<2/L$ gives $\|\nabla f(x_k)\|\to 0$: what is found is a **stationary point**. Whether it is a local minimum, the eigenvalues of the Hessian say; that it is the global one is promised for convex functions only. Checked by `tests/test_corrections.py::test_descent_falls_for_rates_below_two_over_L_and_may_end_in_a_saddle`.

# %% [markdown] lang="zh"
# ### 什么时候停？
#
# 看梯度，不看步长：学习率取得极小时，每一步都很短，却离最小值还很远。`jn.minimize` 按缩放后的梯度停止，并如实报告结果：

# %% [markdown] lang="en"
# ### When to stop?
#
# Look at the gradient, not at the step: with a tiny rate every step is short and the minimum still far. `jn.minimize` stops on the scaled gradient and says truthfully how it ended:

# %%
for rate in (0.3, 1e-6, 1.1):
    solution = jn.minimize(
        square, 10.0, method=jn.methods.gradient_descent(rate), max_steps=500
    )
    print(
        f"rate {rate:<6g} x = {float(solution.params):<10.4g} {jn.Status(int(solution.status)).name}"
    )
    assert bool(solution.converged) == (rate == 0.3)

# %% [markdown] lang="zh"
# ## 5 练习
#
# **E2.1** 写出梯度下降：从 $x_0$ 出发走 $n$ 步，返回最后的 $x$。（提示：`jax.lax.scan` 或普通的 for 循环都可以。）

# %% [markdown] lang="en"
# ## 5 Exercises
#
# **E2.1** Write gradient descent: from $x_0$ make $n$ steps and return the last $x$. (With `jax.lax.scan` or a plain loop.)

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E2.1"
def gd(f, x0, eta, n):
    """x after n steps of gradient descent with rate eta on f, a function of one number."""
    x, _ = jax.lax.scan(
        lambda x, _: (x - eta * jax.grad(f)(x), None), jnp.asarray(x0, float), length=n
    )
    return x


check("E2.1", gd)

# %% [markdown] lang="zh"
# **E2.2** 由黑塞矩阵 $H$（对称正定）求学习率的上限：小于它，梯度下降必定下降；大于它，就可能发散。

# %% [markdown] lang="en"
# **E2.2** From the Hessian $H$ (symmetric, positive definite) find the limit of the rate: below it descent must descend, above it may diverge.


# %% exercise="E2.2"
def rate_limit(H):
    """The largest rate that is still safe on the quadratic with this Hessian."""
    return 2 / jnp.linalg.eigvalsh(H)[-1]


check("E2.2", rate_limit)

# %% [markdown] lang="zh"
# **E2.3** 由条件数 $\kappa$ 预测：取最佳学习率时，误差缩小到 `tol` 倍要走多少步？结果是整数。

# %% [markdown] lang="en"
# **E2.3** From the condition number $\kappa$ predict how many steps at the best rate shrink the error to `tol` of the first one. The answer is an integer.

# %% exercise="E2.3"
import math


def steps_needed(kappa, tol):
    """How many steps of gradient descent, at the best rate, take the error to tol times the first."""
    return math.ceil(math.log(tol) / math.log((kappa - 1) / (kappa + 1)))


check("E2.3", steps_needed)

# %% [markdown] lang="zh"
# ## 6 小结
#
# | 问题 | 答案 | 代码 |
# |---|---|---|
# | 怎么走 | $x_{k+1}=x_k-\eta\nabla f(x_k)$ | `jn.minimize_path(f, x0, method=..., steps=...)` |
# | 学习率多大 | $\eta<2/L$，最好 $2/(\mu+L)$ | `jn.gradient_descent.best_settings(mu, L)` |
# | $L$ 是多少 | Hessian 的最大特征值 | `jn.gradient_descent.largest_curvature(f, x, key=key)` |
# | 走多少步 | $\ln\text{tol}/\ln\frac{\kappa-1}{\kappa+1}$ | `jn.gradient_descent.steps_needed(kappa, tol)` |
# | 找到什么 | 驻点 | `solution.status`，再看 `jn.gradients.hessian` |
#
# **何处会失灵**：学习率过大则发散；条件数大则极慢；单精度下误差降到最小值点大小的约 $10^{-7}$ 就不再减小（最小值点是 0 时还会继续）；起点不同，终点可能不同。
#
# **下一课**：[03 广播](03_broadcasting.ipynb)。损失函数写错一个形状，梯度下降照样“收敛”。

# %% [markdown] lang="en"
# ## 6 Summary
#
# | Question | Answer | Code |
# |---|---|---|
# | how to go | $x_{k+1}=x_k-\eta\nabla f(x_k)$ | `jn.minimize_path(f, x0, method=..., steps=...)` |
# | which rate | $\eta<2/L$, at best $2/(\mu+L)$ | `jn.gradient_descent.best_settings(mu, L)` |
# | what is $L$ | the largest eigenvalue of the Hessian | `jn.gradient_descent.largest_curvature(f, x, key=key)` |
# | how many steps | $\ln\text{tol}/\ln\frac{\kappa-1}{\kappa+1}$ | `jn.gradient_descent.steps_needed(kappa, tol)` |
# | what is found | a stationary point | `solution.status`, then `jn.gradients.hessian` |
#
# **Where it breaks**: a large rate diverges; a large condition number makes it crawl; in float32 the error stops falling near $10^{-7}$ of the size of the minimizer (at 0 it goes on); another start may end elsewhere.
#
# **Next**: [03 Broadcasting](03_broadcasting.ipynb). With one shape wrong in the loss, descent still “converges”.
