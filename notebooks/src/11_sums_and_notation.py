# %% [markdown] lang="zh"
# # 11 求和与记号
#
# **约 25 秒运行完 · 先修：[01 梯度](01_gradient.ipynb) · 对应笔记附录：数学公式、数学符号**
#
# 学完这一课，你能够
# - 用裂项法证明求和公式，正确地移动下标、交换二重和；
# - 把一百万个浮点数加起来而不丢数字，并说出误差的界；
# - 把笔记里的每一个符号读成一行能运行的代码；
# - 分清范数与正则化，知道 KL 散度为什么不对称，量出一个算法的阶。

# %% [markdown] lang="en"
# # 11 Sums and notation
#
# **Runs in about 25 seconds · after: [01 The gradient](01_gradient.ipynb) · appendix of the notes: formulas and symbols**
#
# After this lesson you can
# - prove a formula for a sum by telescoping, shift an index, swap the order of a double sum;
# - add a million floats without losing digits, and state a bound for the error;
# - read every symbol of the notes as a line of code that runs;
# - tell a norm from a regularizer, say why KL is not symmetric, and measure the order of an algorithm.

# %% lang="zh"
import bisect
import functools
import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show.lesson_plots import growth
from jaxnotes.show.lesson_plots import sums as draw
from jaxnotes.show.slider import slider

draw.sums_as_areas(4, lang="zh")

# %% lang="en"
import bisect
import functools
import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show.lesson_plots import growth
from jaxnotes.show.lesson_plots import sums as draw
from jaxnotes.show.slider import slider

draw.sums_as_areas(4, lang="en")

# %% [markdown] lang="zh"
# *图：两个不用文字的证明。左：高 1 到 4 的阶梯（实线）与它倒过来的复制品（虚线）拼成 4 行 5 列的矩形，所以和是 $4\cdot5/2=10$。右：边长 $1+2+3+4=10$ 的正方形，从左上角起切成四层拐角；第 $k$ 层由 $k$ 个 $k\times k$ 的方块组成（$k$ 为偶数时有两个半块），面积是 $k^3$，总面积 100。*

# %% [markdown] lang="en"
# *Picture: two proofs without words. Left: a staircase of heights 1 to 4 (solid) and its copy upside down (dashed) fill a rectangle of 4 rows and 5 columns, so the sum is $4\cdot5/2=10$. Right: a square of side $1+2+3+4=10$, cut into four nested angles; the angle $k$ is made of $k$ squares of $k\times k$ (two halves among them where $k$ is even), so its area is $k^3$, and together they are 100.*

# %% [markdown] lang="zh"
# ## 1 想法：把很多项写成一项
#
# 求和号只是一个循环的缩写：
# $$\sum_{i=m}^{n}a_i=a_m+a_{m+1}+\dots+a_n.$$
# 上下限都包含在内，共 $n-m+1$ 项。有些和有**闭式**，不用循环也能求出来。笔记里那张“求和公式”的图说的是
# $$\sum_{i=1}^n i=\frac{n(n+1)}2,\quad\sum_{i=1}^n i^2=\frac{n(n+1)(2n+1)}6,\quad\sum_{i=1}^n i^3=\left(\frac{n(n+1)}2\right)^2.$$
# $n=100$ 时依次是 5050、338350 和 25502500，最后一个正是 5050 的平方。

# %% [markdown] lang="en"
# ## 1 The idea: many terms in one
#
# The sign of a sum abbreviates a loop:
# $$\sum_{i=m}^{n}a_i=a_m+a_{m+1}+\dots+a_n.$$
# Both limits belong to it: $n-m+1$ terms. Some sums have a **closed form**, which needs no loop. The picture “formulas of sums” in the notes says
# $$\sum_{i=1}^n i=\frac{n(n+1)}2,\quad\sum_{i=1}^n i^2=\frac{n(n+1)(2n+1)}6,\quad\sum_{i=1}^n i^3=\left(\frac{n(n+1)}2\right)^2.$$
# For $n=100$ they are 5050, 338350 and 25502500, the last the square of 5050.

# %%
print(inspect.getsource(jn.sums.power_sum))
assert [jn.sums.power_sum(100, power=p) for p in (1, 2, 3)] == [5050, 338350, 25502500]
for n in range(201):
    for p in (1, 2, 3):
        assert jn.sums.power_sum(n, power=p) == sum(i**p for i in range(n + 1))
print("closed forms = loops for n = 0 ... 200 and powers 1, 2, 3")

# %% [markdown] lang="zh"
# ## 2 推导
#
# ### 裂项：相邻两项一正一负，只剩首尾
# $$\sum_{k=1}^n(b_k-b_{k-1})=b_n-b_0.$$
# 取 $b_k=k^3$，左边的每一项是 $k^3-(k-1)^3=3k^2-3k+1$，于是
# $$n^3=3\sum_{k=1}^n k^2-3\,\frac{n(n+1)}2+n,$$
# 解出 $\sum k^2$ 就是上面的公式。等式两边逐项用整数验算：

# %% [markdown] lang="en"
# ## 2 The derivation
#
# ### Telescoping: neighbours cancel, the ends are left
# $$\sum_{k=1}^n(b_k-b_{k-1})=b_n-b_0.$$
# Take $b_k=k^3$. The terms on the left are $k^3-(k-1)^3=3k^2-3k+1$, and so
# $$n^3=3\sum_{k=1}^n k^2-3\,\frac{n(n+1)}2+n,$$
# which solved for $\sum k^2$ is the formula above. Both sides, checked in whole numbers:

# %%
for n in range(1, 201):
    assert sum(3 * k**2 - 3 * k + 1 for k in range(1, n + 1)) == n**3
    assert 3 * jn.sums.power_sum(n, power=2) - 3 * jn.sums.power_sum(n, power=1) + n == n**3
cubes = jnp.arange(11.0) ** 3
print("b_10 - b_0 =", jn.sums.telescoping_sum(cubes))
assert jn.sums.telescoping_sum(cubes) == 1000

# %% [markdown] lang="zh"
# ### 移动下标，交换二重和
# 令 $j=i-1$，范围与通项要**一起**变：
# $$\sum_{i=1}^{n}a_i=\sum_{j=0}^{n-1}a_{j+1},\qquad\sum_{i=1}^n\sum_{j=1}^{i}a_{ij}=\sum_{j=1}^{n}\sum_{i=j}^{n}a_{ij}.$$
# 二重和是和里的和；内层的上限依赖 $i$ 时，乘上一个指示函数 $\mathbf 1[j\le i]$ 就行。

# %% [markdown] lang="en"
# ### Shift an index, swap the order of a double sum
# With $j=i-1$ the limits and the term change **together**:
# $$\sum_{i=1}^{n}a_i=\sum_{j=0}^{n-1}a_{j+1},\qquad\sum_{i=1}^n\sum_{j=1}^{i}a_{ij}=\sum_{j=1}^{n}\sum_{i=j}^{n}a_{ij}.$$
# A double sum is a sum in a sum; where an inner limit depends on $i$, multiply by an indicator $\mathbf 1[j\le i]$.

# %%
total = jn.sums.summation
squares = (
    total(lambda i: i**2, first=1, last=9),
    total(lambda j: (j + 1) ** 2, first=0, last=8),
)
assert squares[0] == squares[1] == 285
rows = total(lambda i: total(lambda j: (j <= i) * i * j, first=1, last=3), first=1, last=3)
columns = total(lambda j: total(lambda i: (i >= j) * i * j, first=1, last=3), first=1, last=3)
assert rows == columns == 25
print("shifted:", *squares, "  by rows and by columns:", rows, columns)

# %% [markdown] lang="zh"
# ### 等比级数，以及它的导数
# $$S_n(r)=\sum_{i=0}^{n-1}r^i=\frac{1-r^n}{1-r},\qquad S_n'(r)=\sum_{i=1}^{n-1}i\,r^{i-1}.$$
# 右边一式由左边逐项求导得到，用自动微分验算。还要小心：商的公式在 $r\to1$ 时是 $0/0$，照抄成单精度代码，$r=1.000001$ 时只剩三四位可信；库里的写法不做这个减法。

# %% [markdown] lang="en"
# ### The geometric series and its derivative
# $$S_n(r)=\sum_{i=0}^{n-1}r^i=\frac{1-r^n}{1-r},\qquad S_n'(r)=\sum_{i=1}^{n-1}i\,r^{i-1}.$$
# The right one is the left one, differentiated term by term; autodiff checks it. A warning: the quotient is $0/0$ as $r\to1$, and copied into float32 it keeps three or four digits at $r=1.000001$; the library does not subtract.


# %%
def quotient(r, n):
    return (1 - r**n) / (1 - r)


slope = jax.grad(lambda r: jn.sums.geometric_sum(r, terms=10))(0.5)
np.testing.assert_allclose(slope, sum(i * 0.5 ** (i - 1) for i in range(1, 10)), rtol=1e-5)
near = jnp.float32(1.000001)
exact = math.fsum(float(near) ** i for i in range(1000))
np.testing.assert_allclose(jn.sums.geometric_sum(near, terms=1000), exact, rtol=1e-6)
assert (
    jnp.isnan(quotient(1.0 * jnp.ones(()), 10)) and jn.sums.geometric_sum(1.0, terms=10) == 10
)
print(
    f"r = {near:.7f}, 1000 terms: exact {exact:.4f}, "
    f"library {jn.sums.geometric_sum(near, terms=1000):.4f}, quotient {quotient(near, 1000):.4f}"
)

# %% [markdown] lang="zh"
# ### 二项式定理
# $$(x+y)^n=\sum_{k=0}^n\binom nk x^{n-k}y^k.$$
# 整数与分数可以精确计算；$\binom{1000}{500}$ 有三百位，取对数才放得进浮点数。连乘同理：$0.5^{200}$ 在单精度中是零，它的对数不是。

# %% [markdown] lang="en"
# ### The binomial theorem
# $$(x+y)^n=\sum_{k=0}^n\binom nk x^{n-k}y^k.$$
# Whole numbers and fractions are exact; $\binom{1000}{500}$ has three hundred digits and needs a logarithm to fit a float. So does a long product: $0.5^{200}$ is zero in float32, its logarithm is not.

# %%
terms = jn.sums.binomial_terms(1, 2, n=3)
assert terms == [1, 6, 12, 8] and sum(terms) == 3**3
assert len(str(jn.sums.binomial_coefficient(1000, 500))) == 300
logarithm = jn.sums.log_binomial_coefficient(1000, 500)
np.testing.assert_allclose(
    logarithm, math.log(jn.sums.binomial_coefficient(1000, 500)), rtol=1e-5
)
half = jnp.full(200, 0.5)
sign, log = jn.sums.log_product(half)
assert jnp.prod(half) == 0 and sign == 1
np.testing.assert_allclose(log, 200 * math.log(0.5), rtol=1e-5)
print(terms, f" log C(1000, 500) = {logarithm:.3f},  product {jnp.prod(half)}, log {log:.3f}")

# %% [markdown] lang="zh"
# ## 3 实验：把一百万个 0.1 加起来
#
# 浮点加法每做一次就舍入一次。**从左到右**加，和越来越大，每一项都被舍入到“和的精度”；**两两相加**，每个数只参与约 $\log_2 n$ 次加法；**补偿求和**把每次的舍入误差也带着走。界是
# $$\frac{n\varepsilon}2A,\qquad\frac{7+\log_2(n/8)}2\,\varepsilon A,\qquad\frac\varepsilon2S+4\log_2(n)\,\varepsilon^2A,$$
# 其中 $A=\sum|x_i|$，$S=|\sum x_i|$，$\varepsilon$ 是机器精度。单精度中，从左到右得到 100958.34，两两相加得到 100000.01，补偿求和得到 100000。

# %% [markdown] lang="en"
# ## 3 The experiment: add 0.1 a million times
#
# Every addition of floats rounds. **From left to right** the sum grows, and each term is rounded to the precision of the sum; in **pairs** every number takes part in some $\log_2 n$ additions; a **compensated** sum carries the rounding errors along. The bounds are
# $$\frac{n\varepsilon}2A,\qquad\frac{7+\log_2(n/8)}2\,\varepsilon A,\qquad\frac\varepsilon2S+4\log_2(n)\,\varepsilon^2A,$$
# with $A=\sum|x_i|$, $S=|\sum x_i|$ and the machine precision $\varepsilon$. In float32, left to right gives 100958.34, pairs give 100000.01, the compensated sum 100000.

# %%
print(inspect.getsource(jn.sums._pairwise))
cpu = jax.devices("cpu")[0]  # a loop of a million steps is no work for a GPU
ways = (jn.sums.running_sum, jn.sums.pairwise_sum, jn.sums.compensated_sum)
with jax.default_device(cpu):
    tenths = jnp.full(1_000_000, 0.1, jnp.float32)
    running, pairwise, compensated = (float(way(tenths)) for way in ways)
np.testing.assert_allclose([running, pairwise], [100958.34, 100000.01], rtol=1e-7)
assert compensated == 100000
print(f"running {running:.2f}, pairwise {pairwise:.2f}, compensated {compensated:.2f}")

# %%
sizes = 2 ** np.arange(4, 19, 2)
draws = np.random.default_rng(0).random((32, sizes[-1]), np.float32)
eps = float(np.finfo(np.float32).eps)
errors, bounds = {}, {}
factors = (sizes / 2, (7 + np.log2(sizes / 8)) / 2, 0.5 + 4 * np.log2(sizes) * eps)
exact = np.array([draws[:, :n].sum(axis=1, dtype=np.float64) for n in sizes])
for way, factor in zip(ways, factors, strict=True):
    with jax.default_device(cpu):
        found = np.array([jax.vmap(way)(draws[:, :n]) for n in sizes])
    label = way.__name__.removesuffix("_sum")
    errors[label] = np.max(np.abs(found - exact) / exact, axis=1)
    bounds[label] = factor * eps
    assert np.all(errors[label] <= bounds[label] * (1 + 1e-6))
ax = draw.summation_errors(sizes, errors, bounds)
assert errors["running"][-1] > 10 * errors["pairwise"][-1]

# %% [markdown] lang="zh"
# *图：$n$ 个随机数之和的相对误差（每一点是 32 组中最大的）与各自的界（线），双对数坐标。从左到右（圆点）的误差随 $n$ 增长，两两相加（方块）的几乎不变，补偿求和（三角）的误差总在最后一位之内，贴着它的界。界都成立；前两种的界通常偏大，因为舍入误差会互相抵消。*

# %% [markdown] lang="en"
# *Picture: the relative error of sums of $n$ random numbers (each mark the largest of 32 draws) and their bounds (lines), on logarithmic axes. Left to right (dots) it grows with $n$, in pairs (squares) it hardly changes, and the compensated sum (triangles) is right to the last digit, close to its bound. The bounds hold; the first two with much room to spare, for rounding errors cancel each other.*

# %% [markdown] lang="zh"
# ### 一个“收敛”的发散级数
# 调和级数 $1+\tfrac12+\tfrac13+\dots$ 发散。可是在单精度里从左到右加，到 $n=2097152$ 就不再增长，停在 15.403683：下一项还不到和的最后一位的一半。

# %% [markdown] lang="en"
# ### A divergent series that “converges”
# The harmonic series $1+\tfrac12+\tfrac13+\dots$ diverges. Added from left to right in float32 it stops growing at $n=2097152$, with the value 15.403683: half a unit in its last place is more than the next term.

# %%
stall = 2097152
counts = 2 ** np.array([12, 14, 16, 18, 20, 21, 22, 24])
with jax.default_device(cpu):
    reciprocals = 1 / jnp.arange(1, counts[-1] + 1, dtype=jnp.float32)
    left_to_right = [float(jn.sums.running_sum(reciprocals[:n])) for n in counts]
    at_stall = [float(jn.sums.running_sum(reciprocals[:n])) for n in (stall, 2 * stall)]
true = np.log(counts) + np.euler_gamma + 1 / (2 * counts)
ax = draw.stalled_sum(
    counts, {"float32, left to right": left_to_right, "exact": true}, stall=stall
)
np.testing.assert_allclose(at_stall[0], 15.403683, rtol=1e-7)
assert at_stall[0] == at_stall[1] == left_to_right[-1]

# %% [markdown] lang="zh"
# *图：调和级数的部分和。虚线（准确值 $\approx\ln n+0.5772$）一直上升；实线（单精度，从左到右）舍入得先偏高一些，越过点线 $n=2097152$ 之后完全水平。*

# %% [markdown] lang="en"
# *Picture: partial sums of the harmonic series. The dashed line, exact ($\approx\ln n+0.5772$), keeps rising; the solid one, float32 from left to right, rounds to somewhat above it first and is flat beyond the dotted line at $n=2097152$.*

# %%
np.testing.assert_allclose(np.euler_gamma, 0.5772, atol=1e-4)
np.testing.assert_allclose(true[0], math.fsum(1 / np.arange(1.0, counts[0] + 1)), rtol=1e-8)

# %% [markdown] lang="zh"
# ## 4 把符号读成代码
#
# 笔记的符号表丢了字体，标量、向量、矩阵、张量和集合都成了 x 或 X。`jn.notation` 把它们重新分开，而且每一行都能**运行**：例子、代码、结果。数学从 1 数起，Python 从 0 数起，所以 $x_i$ 是 `x[i - 1]`。

# %% [markdown] lang="en"
# ## 4 Symbols read as code
#
# The table in the notes lost its fonts: scalar, vector, matrix, tensor and set all became x or X. `jn.notation` tells them apart again, and each of its rows **runs**: an example, the code, what it gives. Mathematics counts from 1 and Python from 0, so $x_i$ is `x[i - 1]`.

# %% lang="zh"
draw.symbol_table(jn.notation.NUMBERS, lang="zh")

# %% lang="en"
draw.symbol_table(jn.notation.NUMBERS, lang="en")

# %% lang="zh"
draw.symbol_table((*jn.notation.SETS, *jn.notation.FUNCTIONS), lang="zh")

# %% lang="en"
draw.symbol_table((*jn.notation.SETS, *jn.notation.FUNCTIONS), lang="en")

# %% [markdown] lang="zh"
# 下面这一格把整张表**全部**运行一遍。有一行对不上，这一课就通不过。

# %% [markdown] lang="en"
# The next cell runs **all** of the table. If one row did not agree, this lesson would fail.


# %%
def evaluated(row):
    names = {"jax": jax, "jnp": jnp, "np": np, "math": math, "jn": jn}
    exec(row.given, names)
    return np.asarray(eval(row.expression, names))


for row in jn.notation.SYMBOLS:
    np.testing.assert_allclose(
        evaluated(row), row.value, rtol=1e-4, atol=1e-6, err_msg=row.symbol
    )
print(f"{len(jn.notation.SYMBOLS)} rows, all as they say")
for row in (*jn.notation.lookup("kappa"), *jn.notation.lookup("‖·‖ₚ")):
    print(row.symbol, "|", row.zh, "|", row.en)

# %% [markdown] lang="zh"
# ### 范数
# $$\|x\|_p=\Bigl(\sum_i|x_i|^p\Bigr)^{1/p},\quad p\ge1,\qquad\|x\|_\infty=\max_i|x_i|.$$
# 拖动滑块改变 $p$，看单位球 $\|x\|_p\le1$ 怎样从菱形变成圆，再变成正方形。$p$ 可以是被追踪的数，所以所有帧一次算完。

# %% [markdown] lang="en"
# ### Norms
# $$\|x\|_p=\Bigl(\sum_i|x_i|^p\Bigr)^{1/p},\quad p\ge1,\qquad\|x\|_\infty=\max_i|x_i|.$$
# Move the slider to change $p$, and see the unit ball $\|x\|_p\le1$ become a circle from a diamond, and a square from a circle. $p$ may be a traced value, so all frames are computed at once.

# %%
angle = jnp.linspace(0, 2 * jnp.pi, 57)
around = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
diagonal = jnp.array([1.0, 1.0])


def ball(p):
    sizes = jax.vmap(lambda u: jn.sums.norm(u, p))(around)
    edge = around / sizes[:, None]
    return {"ball": (edge[:, 0], edge[:, 1]), "norm of (1, 1)": jn.sums.norm(diagonal, p)}


balls = slider(
    ball,
    jnp.geomspace(1.0, 32.0, 41),
    name="p",
    fixed={"circle": (around[:, 0], around[:, 1])},
    xlabel="x1",
    ylabel="x2",
    xlim=(-2.244, 2.244),
    ylim=(-1.15, 1.15),
)
np.testing.assert_allclose(balls.frames["norm of (1, 1)"][0], 2, rtol=1e-5)
balls

# %% [markdown] lang="zh"
# *图：$\ell_p$ 范数的单位球（红色虚线）与欧氏的圆（蓝色）。$p=1$ 时是菱形，在圆之内；$p>2$ 时鼓到圆外，趋向正方形。同一个向量 $(1,1)$ 的范数从 2 降到 1。*

# %% [markdown] lang="en"
# *Picture: the unit ball of the $\ell_p$ norm (red, dashed) and the Euclidean circle (blue). It is a diamond inside the circle at $p=1$; for $p>2$ it bulges out of it, towards a square. The norm of one vector, $(1,1)$, falls from 2 to 1.*

# %% [markdown] lang="zh"
# ### 微积分、概率与信息
# 微积分的符号就是 JAX 的变换：$\frac{dy}{dx}$ 是 `jax.grad`，积分是加权的和。概率的几行里有两处要留意：$E_x[f(x)]$ 是对 $x\sim P$ 取平均，$P(X\mid Y)$ 是**给定** $Y$ 时 $X$ 的分布。

# %% [markdown] lang="en"
# ### Calculus, probability, information
# The signs of calculus are the transforms of JAX: $\frac{dy}{dx}$ is `jax.grad`, an integral a weighted sum. Two rows of probability need care: $E_x[f(x)]$ is a mean over $x\sim P$, and $P(X\mid Y)$ is the distribution of $X$ **given** $Y$.

# %% lang="zh"
draw.symbol_table((*jn.notation.CALCULUS, *jn.notation.PROBABILITY), lang="zh")

# %% lang="en"
draw.symbol_table((*jn.notation.CALCULUS, *jn.notation.PROBABILITY), lang="en")

# %% [markdown] lang="zh"
# ### KL 散度有方向
# $$D_{\mathrm{KL}}(P\|Q)=\sum_i p_i\log\frac{p_i}{q_i}\ge0.$$
# 权重是前一个分布的。对 $P=B(0.5)$、$Q=B(0.9)$，它是 0.51083；反过来是 0.36806。只要某处 $q_i=0<p_i$，它就是无穷大。

# %% [markdown] lang="en"
# ### KL has a direction
# $$D_{\mathrm{KL}}(P\|Q)=\sum_i p_i\log\frac{p_i}{q_i}\ge0.$$
# The weights are those of the first distribution. For $P=B(0.5)$ and $Q=B(0.9)$ it is 0.51083, the other way 0.36806. Wherever $q_i=0<p_i$ it is infinite.

# %%
kl = jn.information.kl_divergence
P, Q = jnp.array([0.5, 0.5]), jnp.array([0.9, 0.1])
np.testing.assert_allclose([kl(P, Q), kl(Q, P)], [0.51083, 0.36806], rtol=1e-4)
assert kl(P, jnp.array([1.0, 0.0])) == jnp.inf and kl(jnp.array([1.0, 0.0]), P) < 1
ax = draw.divergence_both_ways(kl, other=0.9, marked=0.5)

# %% [markdown] lang="zh"
# *图：两个方向的 KL 散度随 $p$ 的变化，另一个分布固定为 $B(0.9)$。两条曲线都在 $p=0.9$ 处为零，因对称又在 $p=0.1$ 处相交，别处不相等；$p=0.5$ 处的圆点就是上面两个数。$p\to0$ 或 $1$ 时，虚线（反方向）趋于无穷，实线保持有限。*

# %% [markdown] lang="en"
# *Picture: KL in both directions against $p$, the other distribution being $B(0.9)$. Both curves are zero at $p=0.9$, cross once more at $p=0.1$ by symmetry, and differ everywhere else; the dots at $p=0.5$ are the two numbers above. As $p\to0$ or $1$ the dashed one, the reverse, goes to infinity and the solid one stays finite.*

# %% [markdown] lang="zh"
# ### 大 O：量出来的阶
# $f=O(g)$ 只说 $f$ **不超过** $g$ 的常数倍，所以 $n=O(n^2)$ 也对。若要量，就在双对数坐标上量斜率：若代价为 $c\,n^k$，则
# $$\log f(n)=\log c+k\log n.$$
# 数一数四种操作：二分查找、求和、排序、比较所有的对。这里数**次数**而不是时间，所以谁来数都一样。

# %% [markdown] lang="en"
# ### Big O: an order, measured
# $f=O(g)$ only says that $f$ is **at most** a multiple of $g$, so $n=O(n^2)$ is true too. To measure, take a slope on logarithmic axes: for a cost $c\,n^k$
# $$\log f(n)=\log c+k\log n.$$
# Count four things: a binary search, a sum, a sort, the comparison of all pairs. We count **operations** and not seconds, so everyone gets the same.


# %%
def comparisons_of_sort(n):
    made = []
    order = functools.cmp_to_key(lambda a, b: made.append(1) or (a > b) - (a < b))
    sorted(np.random.default_rng(n).random(n).tolist(), key=order)
    return len(made)


def looks_of_search(n):
    seen = []
    bisect.bisect(range(n), -1, key=lambda i: seen.append(i) or i)
    return len(seen)


lengths = 2 ** np.arange(4, 13)
counted = {
    "search": [looks_of_search(int(n)) for n in lengths],
    "sum": [n - 1 for n in lengths],
    "sort": [comparisons_of_sort(int(n)) for n in lengths],
    "all pairs": [n * (n - 1) // 2 for n in lengths],
}
fits = {name: jn.sums.scaling_exponent(lengths, count) for name, count in counted.items()}
exponents = {name: float(fit.exponent) for name, fit in fits.items()}
ax = growth(dict.fromkeys(counted, lengths), counted, exponents, "operations")
for name, (low, high) in {
    "search": (0.1, 0.3),
    "sum": (0.95, 1.05),
    "sort": (1.05, 1.4),
}.items():
    assert low < exponents[name] < high
assert abs(exponents["all pairs"] - 2) < 0.05
print({name: f"{fit.exponent:.3f} +- {fit.se:.3f}" for name, fit in fits.items()})

# %% [markdown] lang="zh"
# *图：四种操作的次数随 $n$ 的变化，双对数坐标，图例里是量得的指数。求和约为 1，所有的对约为 2；排序是 $n\log n$，斜率略大于 1；二分查找是 $\log n$，斜率接近 0，而且越来越平。后两种不是幂，指数只在这一段有意义。*

# %% [markdown] lang="en"
# *Picture: the number of operations against $n$ on logarithmic axes, with the measured exponents. The sum has about 1, all pairs about 2; the sort is $n\log n$, a little steeper than 1; the search is $\log n$, nearly flat and getting flatter. The last two are no powers: their exponents hold for this stretch only.*

# %% [markdown] lang="zh"
# ## 5 勘误三则
#
# ### 其一
# **误区**：把 $m$ 个点的误差平方和写成 $\sum_{i=0}^{m}$。
#
# **反例**：从 0 到 $m$ 有 $m+1$ 项。

# %% [markdown] lang="en"
# ## 5 Three corrections
#
# ### First
# **The sentence**: the squared errors of $m$ points, written as $\sum_{i=0}^{m}$.
#
# **Counterexample**: from 0 to $m$ there are $m+1$ terms.

# %%
assert jn.sums.summation(lambda i: 1, first=0, last=10) == 11
assert jn.sums.summation(lambda i: 1, first=1, last=10) == 10
assert len(range(10)) == 10  # the range of Python leaves its end out

# %% [markdown] lang="zh"
# **正解**：$\sum_{i=m}^{n}$ 有 $n-m+1$ 项；$m$ 个点写成 $\sum_{i=1}^{m}$，或 $\sum_{i=0}^{m-1}$。由 `tests/test_corrections.py::test_a_sum_from_zero_to_m_has_one_term_too_many` 检验。
#
# ### 其二
# **误区**：“$\|\cdot\|_p$：$L_p$ 正则”。
#
# **反例**：范数必须满足 $\|2x\|=2\|x\|$；作正则项的 $\|x\|_2^2$ 却变成四倍。

# %% [markdown] lang="en"
# **The theorem**: $\sum_{i=m}^{n}$ has $n-m+1$ terms; $m$ points are $\sum_{i=1}^{m}$ or $\sum_{i=0}^{m-1}$. Checked by `tests/test_corrections.py::test_a_sum_from_zero_to_m_has_one_term_too_many`.
#
# ### Second
# **The sentence**: “$\|\cdot\|_p$: the $L_p$ regularization”, where the norm is meant.
#
# **Counterexample**: a norm must have $\|2x\|=2\|x\|$; the regularizer $\|x\|_2^2$ becomes four times as large.

# %%
x = jnp.array([3.0, -4.0])
for p in (1, 2, math.inf):
    np.testing.assert_allclose(jn.sums.norm(2 * x, p), 2 * jn.sums.norm(x, p), rtol=1e-5)
np.testing.assert_allclose(jn.sums.norm(2 * x) ** 2, 4 * jn.sums.norm(x) ** 2, rtol=1e-5)

# %% [markdown] lang="zh"
# **正解**：$\|\cdot\|_p$ 是 $\ell_p$ **范数**：正定、齐次，满足三角不等式。正则化是在目标函数上加一个惩罚项，那一项可以由范数构成，但本身不必是范数。由 `tests/test_corrections.py::test_l_p_is_a_norm_and_a_regularizer_need_not_be` 检验。
#
# ### 其三
# **误区**：“$P$ 和 $Q$ 的 KL 散度”，仿佛它是两者之间的距离。
#
# **反例**：交换两者，值就变了。

# %% [markdown] lang="en"
# **The theorem**: $\|\cdot\|_p$ is the $\ell_p$ **norm**: positive definite, homogeneous, with the triangle inequality. Regularization adds a penalty to an objective; the penalty may be made of norms and need not be one. Checked by `tests/test_corrections.py::test_l_p_is_a_norm_and_a_regularizer_need_not_be`.
#
# ### Third
# **The sentence**: “the KL divergence of $P$ and $Q$”, as if it were a distance between them.
#
# **Counterexample**: swap the two and the value changes.

# %%
assert kl(P, Q) - kl(Q, P) > 0.1

# %% [markdown] lang="zh"
# **正解**：它是“$P$ 相对于 $Q$ 的散度”，不对称，也不满足三角不等式；要对称可以用 JS 散度。由 `tests/test_corrections.py::test_kl_is_no_distance_and_uncorrelated_is_not_independent` 检验。大 O 的用法另见 `tests/test_corrections.py::test_big_o_is_measured_as_a_slope`。

# %% [markdown] lang="en"
# **The theorem**: it is the divergence of $P$ **from** $Q$, neither symmetric nor obeying the triangle inequality; a symmetric one is that of Jensen and Shannon. Checked by `tests/test_corrections.py::test_kl_is_no_distance_and_uncorrelated_is_not_independent`; for big O see `tests/test_corrections.py::test_big_o_is_measured_as_a_slope`.

# %% [markdown] lang="zh"
# ## 6 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E11.1** 用闭式（不用循环）求 $\sum_{i=m}^{n}i^2$，`first` 是 $m$，`last` 是 $n$；$m=n+1$ 时和为 0。

# %% [markdown] lang="en"
# ## 6 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E11.1** Find $\sum_{i=m}^{n}i^2$ in closed form, without a loop; `first` is $m$ and `last` is $n$. For $m=n+1$ it is 0.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E11.1"
def sum_of_squares(first, last):
    """first^2 + ... + last^2, for ints with first <= last + 1."""

    def up_to(n):
        return n * (n + 1) * (2 * n + 1) // 6

    return up_to(last) - up_to(first - 1)


check("E11.1", sum_of_squares)

# %% [markdown] lang="zh"
# **E11.2** 把一个单精度向量加起来，相对误差不超过十万分之一。不许用现成的求和函数，只用加法、切片和补零。

# %% [markdown] lang="en"
# **E11.2** Add up a float32 vector, to one part in a hundred thousand. Use no ready-made sum: only additions, slices and padding with zeros.


# %% exercise="E11.2"
def accurate_sum(x):
    """The sum of x, (n,), n >= 1, in float32."""
    while len(x) > 1:
        x = jnp.append(x, 0.0) if len(x) % 2 else x
        x = x[::2] + x[1::2]
    return x[0]


check("E11.2", accurate_sum)

# %% [markdown] lang="zh"
# **E11.3** 求 $D_{\mathrm{KL}}(p\|q)$（自然对数）。约定 $0\log0=0$；若某处 $q_i=0<p_i$，结果为无穷大。

# %% [markdown] lang="en"
# **E11.3** Find $D_{\mathrm{KL}}(p\|q)$, with natural logarithms. By convention $0\log0=0$, and where some $q_i=0<p_i$ the result is infinite.


# %% exercise="E11.3"
def kl_with_zeros(p, q):
    """sum_i p_i log(p_i / q_i), for distributions p and q, (k,)."""
    return jnp.sum(jnp.where(p > 0, p * jnp.log(p / q), 0.0))


check("E11.3", kl_with_zeros)

# %% [markdown] lang="zh"
# **E11.4** 读符号：依次写出六个数，
# $$\sum_{i=0}^{4}1,\quad\|(3,-4)\|_1,\quad|\{3,1,2,3\}|,\quad\left[\begin{pmatrix}1&2\\3&4\end{pmatrix}\right]_{21},\quad\mathbf 1_{\{2,5,7\}}(5),\quad\log100.$$

# %% [markdown] lang="en"
# **E11.4** Read the symbols: write down the six numbers, in order,
# $$\sum_{i=0}^{4}1,\quad\|(3,-4)\|_1,\quad|\{3,1,2,3\}|,\quad\left[\begin{pmatrix}1&2\\3&4\end{pmatrix}\right]_{21},\quad\mathbf 1_{\{2,5,7\}}(5),\quad\log100.$$

# %% exercise="E11.4"
reading = (5, 7, 3, 3, 1, 4.61)
check("E11.4", reading)

# %% [markdown] lang="zh"
# ## 7 小结
#
# | 符号 | 读作 | 代码 |
# |---|---|---|
# | Σ | 求和，从 m 到 n 共 n−m+1 项 | `jn.sums.summation` |
# | ∏ | 连乘 | `jn.sums.log_product` |
# | ‖·‖ₚ | p 阶范数（不是正则） | `jn.sums.norm` |
# | ∇ | 梯度 | `jax.grad` |
# | E | 数学期望 | `jn.moments.mean` |
# | D_KL | KL 散度（有方向） | `jn.information.kl_divergence` |
# | O(·) | 增长的上界 | `jn.sums.scaling_exponent` |
#
# 整张表：`print(jn.notation.table("zh"))`；查一个词：`jn.notation.lookup("范数")`。
#
# 术语对照：求和 sum，闭式 closed form，裂项 telescoping，范数 norm，正则化 regularization，指示函数 indicator，数学期望 expectation，散度 divergence，舍入误差 rounding error。
#
# **何处会失灵**：单精度从左到右加一百万项，只剩两三位可信；`jnp.sum` 不保证次序，不同设备的最后一位可能不同；正负相消的和（$S\ll A$）用哪一种都要看 $A$，补偿求和也不例外，只是小得多；量得的指数只在量过的范围内有意义。
#
# **下一课**：[12 一百万个模型](12_many_models.ipynb)。

# %% [markdown] lang="en"
# ## 7 Summary
#
# | Symbol | Read as | Code |
# |---|---|---|
# | Σ | a sum; n−m+1 terms from m to n | `jn.sums.summation` |
# | ∏ | a product | `jn.sums.log_product` |
# | ‖·‖ₚ | the norm of order p, not a regularizer | `jn.sums.norm` |
# | ∇ | gradient | `jax.grad` |
# | E | expectation | `jn.moments.mean` |
# | D_KL | KL divergence, with a direction | `jn.information.kl_divergence` |
# | O(·) | a bound on growth | `jn.sums.scaling_exponent` |
#
# The whole table: `print(jn.notation.table("en"))`; one word: `jn.notation.lookup("norm")`.
#
# The words of both languages stand side by side in every row that `jn.notation.lookup` finds.
#
# **Where it breaks**: left to right in float32 leaves two or three digits of a sum of a million terms; `jnp.sum` promises no order, so the last digit may differ between devices; where positive and negative terms cancel ($S\ll A$), every bound has $A$ in it, that of the compensated sum too, though far smaller; a measured exponent holds where it was measured.
#
# **Next**: [12 A million models](12_many_models.ipynb).
