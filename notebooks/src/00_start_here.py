# %% [markdown] lang="zh"
# # 00 从这里开始
#
# **约 10 秒运行完 · 不需要任何先修 · 可在 CPU、GPU 或 TPU 上运行**
#
# jaxnotes 把一份深度学习笔记的每一章写成可以运行、经过检验的函数，再用这些课程讲清楚。学完这一课，你能够
# - 看懂课程地图，找到要学的那一课；
# - 用五分钟认识 JAX 的三个变换：`grad` 求导、`vmap` 批量、`jit` 编译；
# - 做一道练习，看懂自动检查给出的反例和提示。

# %% [markdown] lang="en"
# # 00 Start here
#
# **Runs in about 10 seconds · nothing is assumed · CPU, GPU or TPU**
#
# jaxnotes turns every chapter of a set of notes on deep learning into functions that run and are tested, and explains them in these lessons. After this one you can
# - read the map of the lessons and find the one you want;
# - use JAX's three transformations, in five minutes: `grad` differentiates, `vmap` batches, `jit` compiles;
# - do an exercise, and read the counterexample and the hint that the checker gives.

# %%
import time

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show import diagrams
from jaxnotes.show.lesson_plots import canvas
from jaxnotes.show.lesson_plots import gradient_descent as draw


def landscape(x):
    """Four valleys of equal depth."""
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


valleys = jnp.array([[3.0, 2.0], [-2.805, 3.131], [-3.779, -3.283], [3.584, -1.848]])


def end_of(start):
    """Which valley a ball rolls into from here."""
    rule = jn.methods.gradient_descent(0.01)
    end = jn.minimize(landscape, start, method=rule, max_steps=300).params
    return jnp.argmin(jnp.linalg.norm(end - valleys, axis=1))


axis = jnp.linspace(-5, 5, 200)
starts = jnp.stack(jnp.meshgrid(axis, axis), axis=-1)
everywhere = jax.jit(jax.vmap(jax.vmap(end_of)))  # one start -> a row of starts -> all of them
labels = everywhere(starts)
ax = draw.basins(landscape, 5.0, labels, valleys)
assert set(np.unique(labels).tolist()) == {0, 1, 2, 3}

# %% [markdown] lang="zh"
# *图：四万次梯度下降，一次算完。函数 `end_of` 只写了**一个**起点怎么走，`jax.vmap` 把它变成四万个起点一起走，`jax.jit` 把它编译成一段程序。颜色表示最后停在哪个谷底。*

# %% [markdown] lang="en"
# *Picture: forty thousand gradient descents, computed at once. The function `end_of` follows **one** start; `jax.vmap` makes it forty thousand, `jax.jit` compiles them into one program. The colour is the valley where each came to rest.*

# %% lang="zh"
names = "从这里开始 梯度 梯度下降法 广播 线性回归 最小二乘法 似然函数 极大似然估计 "
names += "逻辑回归 神经网络 激活函数 求和与记号 一百万个模型 基准测试"
lessons = [(f"{k:02d}", name) for k, name in enumerate(names.split())]
needs = [("00", "01"), ("01", "02"), ("02", "03"), ("03", "04"), ("04", "05"), ("05", "06")]
needs += [("06", "07"), ("07", "08"), ("08", "09"), ("09", "10"), ("08", "12"), ("12", "13")]
diagrams.lesson_map(lessons, needs=needs, lang="zh")

# %% lang="en"
names = "start here|the gradient|gradient descent|broadcasting|linear regression|least squares|likelihood"
names += "|maximum likelihood|logistic regression|networks|activations|sums, notation|many models|benchmarks"
lessons = [(f"{k:02d}", name) for k, name in enumerate(names.split("|"))]
needs = [("00", "01"), ("01", "02"), ("02", "03"), ("03", "04"), ("04", "05"), ("05", "06")]
needs += [("06", "07"), ("07", "08"), ("08", "09"), ("09", "10"), ("08", "12"), ("12", "13")]
diagrams.lesson_map(lessons, needs=needs, lang="en")

# %% [markdown] lang="zh"
# *图：十四课的地图，箭头是建议的次序。11（求和与记号）随时可以查阅。*
#
# | 课 | 笔记 | 课 | 笔记 |
# |---|---|---|---|
# | [01 梯度](01_gradient.ipynb) | 1.1 | [02 梯度下降法](02_gradient_descent.ipynb) | 1.2 |
# | [03 广播](03_broadcasting.ipynb) | 2.1、2.2 | [04 线性回归](04_linear_regression.ipynb) | 3.1 |
# | [05 最小二乘法](05_least_squares.ipynb) | 3.2 | [06 似然函数](06_likelihood.ipynb) | 4.1、4.2 |
# | [07 极大似然估计](07_mle_discrete_continuous.ipynb) | 4.3、4.4 | [08 逻辑回归](08_logistic_regression.ipynb) | 5.1、5.3 |
# | [09 神经网络的前向传播](09_network_forward.ipynb) | 5.2、5.3 | [10 激活函数](10_activations.ipynb) | 6.1–6.4 |
# | [11 求和与记号](11_sums_and_notation.ipynb) | 附录 | [12 一百万个模型](12_many_models.ipynb)、[13 基准测试](13_benchmarks.ipynb) | 全部 |

# %% [markdown] lang="en"
# *Picture: the map of the fourteen lessons; arrows show a good order. Lesson 11 (sums and notation) can be looked up at any time.*
#
# | Lesson | Notes | Lesson | Notes |
# |---|---|---|---|
# | [01 The gradient](01_gradient.ipynb) | 1.1 | [02 Gradient descent](02_gradient_descent.ipynb) | 1.2 |
# | [03 Broadcasting](03_broadcasting.ipynb) | 2.1, 2.2 | [04 Linear regression](04_linear_regression.ipynb) | 3.1 |
# | [05 Least squares](05_least_squares.ipynb) | 3.2 | [06 The likelihood](06_likelihood.ipynb) | 4.1, 4.2 |
# | [07 Maximum likelihood](07_mle_discrete_continuous.ipynb) | 4.3, 4.4 | [08 Logistic regression](08_logistic_regression.ipynb) | 5.1, 5.3 |
# | [09 A network, forward](09_network_forward.ipynb) | 5.2, 5.3 | [10 Activations](10_activations.ipynb) | 6.1 to 6.4 |
# | [11 Sums and notation](11_sums_and_notation.ipynb) | appendix | [12 A million models](12_many_models.ipynb), [13 Benchmarks](13_benchmarks.ipynb) | all |

# %% [markdown] lang="zh"
# ## 1 想法：纯函数
#
# JAX 的变换只要求一件事：函数是**纯**的，输出只由输入决定，不改动外面的东西。下面第二个函数偷看了全局变量，编译时看到的值就永远留在了程序里：

# %% [markdown] lang="en"
# ## 1 The idea: pure functions
#
# JAX asks for one thing: functions are **pure**, their output depends on their input alone and they change nothing outside. The second function below peeks at a global; the value it saw while it was compiled stays in the program:

# %%
scale = 2.0


@jax.jit
def pure(x, scale):
    return scale * x


@jax.jit
def peeking(x):
    return scale * x


before = peeking(1.0)
scale = 3.0
after = peeking(1.0)
print("pure:", pure(1.0, 2.0), "->", pure(1.0, 3.0), "   peeking:", before, "->", after)
assert (before, after) == (2.0, 2.0)  # the change went unseen
assert pure(1.0, 3.0) == 3.0

# %% [markdown] lang="zh"
# ## 2 三个变换
#
# **`jax.grad`** 由函数得到它的导函数。例如 $f(x)=x^3$，则
# $$f'(x)=3x^2.$$

# %% [markdown] lang="en"
# ## 2 Three transformations
#
# **`jax.grad`** makes the derivative of a function. For $f(x)=x^3$ it is
# $$f'(x)=3x^2.$$


# %%
def cube(x):
    return x**3


slope = jax.grad(cube)
np.testing.assert_allclose(slope(2.0), 12.0, rtol=1e-5)
print("slope at 2:", slope(2.0), "  slope of the slope:", jax.grad(slope)(2.0))

# %% [markdown] lang="zh"
# **`jax.vmap`** 由“一个”的函数得到“一批”的函数。这里没有一个函数带批量参数：写一个样本的算法，批量交给 `vmap`。

# %% [markdown] lang="en"
# **`jax.vmap`** makes the function of many from the function of one. No function here has a batch argument: write it for one, and leave the batch to `vmap`.

# %%
x = jnp.linspace(-2.0, 2.0, 9)
slopes = jax.vmap(slope)(x)
np.testing.assert_allclose(slopes, 3 * x**2, rtol=1e-5)
ax = canvas(("x", "y"))
ax.plot(x, cube(x), "o-", color="#0072B2", label=r"$x^3$")
ax.plot(x, slopes, "s--", color="#D55E00", label=r"$3x^2$, by vmap(grad)")
legend = ax.legend(fontsize=11, frameon=False)

# %% [markdown] lang="zh"
# *图：$x^3$ 与它的导函数，九个点上的导数由一次 `vmap(grad(cube))` 得到。*
#
# **`jax.jit`** 把函数编译成一段程序。第一次调用要编译，以后直接运行。JAX 是异步的，计时要等结果算完：`block_until_ready()`。

# %% [markdown] lang="en"
# *Picture: $x^3$ and its derivative, at nine points by one `vmap(grad(cube))`.*
#
# **`jax.jit`** compiles a function into one program. The first call compiles, later ones just run. JAX is asynchronous: to time it, wait for the result with `block_until_ready()`.


# %%
def timed(function, *arguments):
    start = time.perf_counter()
    jax.block_until_ready(function(*arguments))
    return time.perf_counter() - start


fresh = jax.jit(jax.vmap(jax.vmap(end_of)))
seconds = [timed(fresh, starts) for _ in range(3)]
ax = canvas(("call", "seconds"), height=3.2)
bars = ax.bar(
    ["first (compiles)", "second", "third"], seconds, color=["#D55E00", "#0072B2", "#0072B2"]
)

# %% [markdown] lang="zh"
# *图：四万次梯度下降的用时。第一次调用包含编译，之后每次快得多（具体数值随你的设备而变）。*
#
# **随机数**也是纯函数：由“密钥”决定，同一个密钥永远给出同一个数。要新的随机数，就分裂密钥。

# %% [markdown] lang="en"
# *Picture: the time of forty thousand descents. The first call includes the compilation, later ones are much faster (how much depends on your device).*
#
# **Random numbers** are pure functions, too: of a key, and the same key always gives the same number. For new numbers, split the key.

# %%
key = jax.random.key(0)
again, first, second = jax.random.normal(key), *jax.random.split(key)
assert again == jax.random.normal(key)
assert jax.random.normal(first) != jax.random.normal(second)

# %% [markdown] lang="zh"
# ## 3 记号
#
# 标量 $x$、向量 $\mathbf x$、矩阵 $\mathbf X$，数学记号中的第 $i$ 个元素在代码里是 `x[i - 1]`。每个符号都有一行可以运行的代码，全表在第 11 课；随时可以查：

# %% [markdown] lang="en"
# ## 3 Notation
#
# A scalar is $x$, a vector $\mathbf x$, a matrix $\mathbf X$; element $i$ in mathematics is `x[i - 1]` in code. Every symbol has a line of code that runs; all of them are in lesson 11, and can be looked up:

# %% lang="zh"
for symbol in ("‖·‖ₚ", "∇ₓy", "⊙"):
    for row in jn.notation.lookup(symbol):
        print(row.symbol, "|", row.zh, "|", row.expression)

# %% lang="en"
for symbol in ("‖·‖ₚ", "∇ₓy", "⊙"):
    for row in jn.notation.lookup(symbol):
        print(row.symbol, "|", row.en, "|", row.expression)

# %% [markdown] lang="zh"
# ## 4 练习与自动检查
#
# 每课有几道练习。单元格里的 `...` 等你来写；`check` 会用许多输入去试，如果不对，就给出**最小的反例**和一句**针对你的错误**的提示。下面先看一个错误的答案：

# %% [markdown] lang="en"
# ## 4 Exercises and the checker
#
# Every lesson has a few exercises. Write your code in place of `...`; `check` tries it on many inputs and, until it is right, shows the **smallest counterexample** and a hint **for your mistake**. A wrong answer first:

# %% lang="zh"
check = exercises.zh
check("E0.1", lambda x: jnp.sum(x**2))

# %% lang="en"
check = exercises.en
check("E0.1", lambda x: jnp.sum(x**2))

# %% [markdown] lang="zh"
# **E0.1** 轮到你了：写出向量 $\mathbf x$ 的均方，即各元素平方的平均值。

# %% [markdown] lang="en"
# **E0.1** Your turn: the mean square of a vector $\mathbf x$, the average of the squares of its entries.


# %% exercise="E0.1"
def mean_square(x):
    """The mean of the squares of the entries of x."""
    return jnp.mean(x**2)


check("E0.1", mean_square)

# %% [markdown] lang="zh"
# ## 5 小结
#
# | 想做的事 | 代码 |
# |---|---|
# | 求导 | `jax.grad(f)` |
# | 批量 | `jax.vmap(f)` |
# | 编译 | `jax.jit(f)` |
# | 随机数 | `jax.random.normal(key)` |
# | 版本、设备、精度 | `print(jn.about())` |
#
# **精度**：默认是单精度，约七位有效数字。GPU、TPU 上的矩阵乘法默认还会再降低精度；jaxnotes 的求解器一律要求最高精度，课程里的断言也留出了余量。
#
# **下一课**：[01 梯度](01_gradient.ipynb)。

# %% [markdown] lang="en"
# ## 5 Summary
#
# | To do this | write this |
# |---|---|
# | differentiate | `jax.grad(f)` |
# | batch | `jax.vmap(f)` |
# | compile | `jax.jit(f)` |
# | random numbers | `jax.random.normal(key)` |
# | versions, device, precision | `print(jn.about())` |
#
# **Precision**: single by default, about seven digits. Matrix products on GPU and TPU have still fewer by default; jaxnotes' solvers ask for the highest, and the assertions of the lessons leave room.
#
# **Next**: [01 The gradient](01_gradient.ipynb).
