# %% [markdown] lang="zh"
# # 03 广播
#
# **约 15 秒运行完 · 先修：[01 梯度](01_gradient.ipynb) · 对应笔记 2.1、2.2**
#
# 学完这一课，你能够
# - 只看形状，就说出运算结果的形状，或者指出哪个轴出错；
# - 找出最隐蔽的一类错误：`(n, 1)` 减 `(n,)` 不报错，却悄悄换了一个损失函数；
# - 估算广播要占多少字节，知道什么时候它什么也不占。

# %% [markdown] lang="en"
# # 03 Broadcasting
#
# **Runs in about 15 seconds · after: [01 The gradient](01_gradient.ipynb) · sections 2.1 and 2.2 of the notes**
#
# After this lesson you can
# - tell the shape of a result from the shapes alone, or the axis that fails;
# - find the quietest of bugs: `(n, 1)` minus `(n,)` is no error, and computes another loss;
# - count the bytes that broadcasting needs, and know when it needs none.

# %% lang="zh"
import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show import diagrams
from jaxnotes.show.lesson_plots import broadcasting as draw

a = jnp.array([[0, 0, 0], [10, 10, 10], [20, 20, 20], [30, 30, 30]])
b = jnp.array([1, 2, 3])
diagrams.stretched_sum(a, b, lang="zh")

# %% lang="en"
import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show import diagrams
from jaxnotes.show.lesson_plots import broadcasting as draw

a = jnp.array([[0, 0, 0], [10, 10, 10], [20, 20, 20], [30, 30, 30]])
b = jnp.array([1, 2, 3])
diagrams.stretched_sum(a, b, lang="en")

# %% [markdown] lang="zh"
# *图：笔记里的例子。`a` 的形状是 (4, 3)，`b` 是 (3,)；相加时 `b` 的那一行被用了四次。虚线里的数字从未写进内存，所以“扩展”只是一种说法。*

# %% [markdown] lang="en"
# *Picture: the example of the notes. `a` has shape (4, 3) and `b` (3,); the row of `b` is used four times. The dashed numbers are never written to memory: “expansion” is a manner of speaking.*

# %%
print(a + b)
assert int(jnp.sum(a + b)) == 204
assert (a + b)[3].tolist() == [31, 32, 33]

# %% lang="zh"
column, grid = [[1], [2], [3], [4]], [[1, 2, 3], [4, 5, 6]]
sums = [(column, 100), (grid, [[100, 200, 300]]), (grid, [[100], [200]])]
diagrams.arranged(*[diagrams.stretched_sum(*terms, note=False, lang="zh") for terms in sums])

# %% lang="en"
column, grid = [[1], [2], [3], [4]], [[1, 2, 3], [4, 5, 6]]
sums = [(column, 100), (grid, [[100, 200, 300]]), (grid, [[100], [200]])]
diagrams.arranged(*[diagrams.stretched_sum(*terms, note=False, lang="en") for terms in sums])

# %% [markdown] lang="zh"
# *图：笔记 2.1 丢失的那张图。一列加一个数、(2, 3) 加一行、(2, 3) 加一列：数、行、列都被拉伸到另一个的形状。*

# %% [markdown] lang="en"
# *Picture: the lost one of section 2.1. A column plus a number, (2, 3) plus a row, (2, 3) plus a column: number, row and column are stretched to the shape of the other.*

# %% [markdown] lang="zh"
# ## 1 想法：一条规则
#
# 把两个形状**右对齐**，缺的轴当作 1；每个轴上，长度相等，或者其中一个是 1，否则报错。
# $$\text{shape}(a+b)_k=\begin{cases}m_k,& n_k\in\{1,m_k\}\\ n_k,& m_k=1\end{cases}\qquad k=-1,-2,\dots$$
# 规则与运算无关：加、减、乘、比较、取最大值，都一样。

# %% [markdown] lang="en"
# ## 1 The idea: one rule
#
# Align the two shapes at the **right**; a missing axis counts as 1; on every axis the lengths are equal or one of them is 1, else it is an error.
# $$\text{shape}(a+b)_k=\begin{cases}m_k,& n_k\in\{1,m_k\}\\ n_k,& m_k=1\end{cases}\qquad k=-1,-2,\dots$$
# The rule does not depend on the operation: sums, products, comparisons and maxima all do the same.

# %% lang="zh"
diagrams.shape_ladders(
    ((4, 3), (3,)), ((5, 1), (1, 6)), ((2, 3), (2,)), ((3, 2), (2, 3)), lang="zh"
)

# %% lang="en"
diagrams.shape_ladders(
    ((4, 3), (3,)), ((5, 1), (1, 6)), ((2, 3), (2,)), ((3, 2), (2, 3)), lang="en"
)

# %% [markdown] lang="zh"
# *图：四对形状右对齐。虚线框是被拉伸的轴（“·”表示缺的轴）；前两对相容，后两对在打叉的轴上失败。*
#
# 换成你自己的形状试试（在 Colab 里可以直接改表单）：

# %% [markdown] lang="en"
# *Picture: four pairs of shapes, aligned at the right. Dashed boxes are stretched (“·” is a missing axis); the first two pairs fit, the last two fail at the crossed axes.*
#
# Try your own shapes (Colab shows a form):

# %%
shape_a = "8, 1, 6, 1"  # @param {type: "string"}
shape_b = "7, 1, 5"  # @param {type: "string"}
pair = [tuple(int(n) for n in text.split(",") if n.strip()) for text in (shape_a, shape_b)]
print(jn.broadcasting.explain(*pair))
assert jn.broadcasting.broadcast_shapes((8, 1, 6, 1), (7, 1, 5)) == (8, 7, 6, 5)

# %% [markdown] lang="zh"
# ## 2 推导：规则就是十行代码
#
# 库里的规则是纯 Python 写的，不需要任何数组：

# %% [markdown] lang="en"
# ## 2 The derivation: the rule is ten lines
#
# In the library it is pure Python, without any array:

# %%
print(inspect.getsource(jn.broadcasting.broadcast_shapes))

# %%
shapes = [shape for rank in range(4) for shape in itertools.product((0, 1, 2, 3), repeat=rank)]


def verdict(rule, *shapes):
    try:
        return rule(*shapes)
    except ValueError:
        return "refused"


pairs = list(itertools.product(shapes, repeat=2))
ours = {pair: verdict(jn.broadcasting.broadcast_shapes, *pair) for pair in pairs}
assert all(
    ours[pair] == verdict(jnp.broadcast_shapes, *pair) for pair in pairs
)  # the rule is NumPy's and JAX's
assert all(ours[a, b] == ours[b, a] for a, b in pairs)  # commutative
assert all(ours[a, ()] == a for a in shapes)  # () is neutral
assert all(len(c) == max(len(a), len(b)) for (a, b), c in ours.items() if c != "refused")
refused = sum(result == "refused" for result in ours.values())
print(f"{len(pairs)} pairs of shapes, {refused} of them refused, all as jnp.broadcast_shapes")

# %% [markdown] lang="zh"
# 上面把长度 0 到 3、至多三个轴的**全部**形状两两试过：规则与 `jnp.broadcast_shapes` 处处一致，满足交换律，`()` 是单位元，结果的轴数取两者中较大的。（长度 0 也合规则：`(0,)` 与 `(1,)` 得 `(0,)`，所以“取较大者”是错的。）
#
# ### 一个日常的例子：热量表
#
# 四种食物每 100 克的碳水化合物、蛋白质、脂肪所含的热量，求每一项占该食物总热量的百分比。先按列求和，得到形状 `(4,)`，再用广播相除：

# %% [markdown] lang="en"
# The cell above tries **all** pairs of shapes of lengths 0 to 3 and up to three axes: the rule agrees with `jnp.broadcast_shapes` everywhere, is commutative, has `()` as its neutral element, and the result has as many axes as the longer shape. (Length 0 obeys it too: `(0,)` with `(1,)` is `(0,)`, so “the larger one” is wrong.)
#
# ### An everyday example: calories
#
# Calories of carbohydrate, protein and fat in 100 g of four foods; what share of its food's calories is each? Add up the columns, which gives shape `(4,)`, and divide with broadcasting:

# %%
calories = jnp.array(
    [[56.0, 0.0, 4.4, 68.0], [1.2, 104.0, 52.0, 8.0], [1.8, 135.0, 99.0, 0.9]]
)
totals = calories.sum(axis=0)
percent = 100 * calories / totals[None, :]
np.testing.assert_allclose(totals, [59, 239, 155.4, 76.9], rtol=1e-5)
assert totals.shape == (4,)
np.testing.assert_allclose(percent.sum(axis=0), 100, rtol=1e-5)
print("totals", totals, totals.shape)
print(np.asarray(percent, float).round(1))

# %% [markdown] lang="zh"
# 注意 `sum(axis=0)` 的结果是一维的 `(4,)`，不是 `1×4` 的矩阵；写成 `totals[None, :]` 才是 `(1, 4)`。这里两种写法结果相同；写成一列 `(4, 1)` 就不同了，见下一节。

# %% [markdown] lang="en"
# Note that `sum(axis=0)` gives the vector `(4,)`, not a 1 by 4 matrix; `totals[None, :]` is `(1, 4)`. Here both give the same. A column `(4, 1)` does not: that is the next section.

# %% [markdown] lang="zh"
# ## 3 实验：悄无声息的错误
#
# 模型常常输出一列 `(n, 1)`，而标签是 `(n,)`。相减不会报错，得到的却是 `(n, n)` 的表：每个预测与**每个**标签都比较了一遍。

# %% [markdown] lang="en"
# ## 3 The experiment: a bug that says nothing
#
# A model often returns a column `(n, 1)`, and the labels are `(n,)`. Their difference is no error; it is an `(n, n)` table: every prediction is compared with **every** label.

# %%
y = jnp.array([1.0, 2.0, 3.0, 4.0])
prediction = y[:, None]  # a perfect prediction, as a column
wrong = jnp.mean((prediction - y) ** 2)
ax = draw.residual_table(prediction - y)
assert (prediction - y).shape == (4, 4)
np.testing.assert_allclose([wrong, 2 * jnp.var(y)], 2.5, rtol=1e-5)
print(f"loss of a perfect prediction: {wrong}, and 2 Var(y) = {2 * jnp.var(y)}")

# %% [markdown] lang="zh"
# *图：想要的只有红框里的四个差（全是 0），实际平均的是十六个。完美的预测，损失却是 2.5。*
#
# 这不是偶然。设 $i,j$ 各自取遍所有样本，交叉项平均为零，于是
# $$\frac1{n^2}\sum_{i,j}(\hat y_i-y_j)^2=\operatorname{Var}(\hat y)+\operatorname{Var}(y)+(\bar{\hat y}-\bar y)^2.$$
# 右边只有预测的方差和均值，与“哪个预测配哪个标签”无关：最小化它，只会让预测变成常数 $\bar y$。

# %% [markdown] lang="en"
# *Picture: the four differences that were meant are framed (all 0); sixteen are averaged. A perfect prediction has loss 2.5.*
#
# That is no accident. Let $i$ and $j$ run over all samples, each on its own; cross terms average to zero, and
# $$\frac1{n^2}\sum_{i,j}(\hat y_i-y_j)^2=\operatorname{Var}(\hat y)+\operatorname{Var}(y)+(\bar{\hat y}-\bar y)^2.$$
# The right side knows the variance and the mean of the predictions, and not which one belongs to which label: who minimizes it gets the constant $\bar y$.


# %%
def off(key):
    prediction, y = jax.random.normal(key, (2, 20))
    loss = jn.broadcasting.all_pairs_loss(prediction[:, None], y)
    return loss - sum(jn.broadcasting.all_pairs_terms(prediction[:, None], y))


assert jnp.max(jnp.abs(jax.vmap(off)(jax.random.split(jax.random.key(3), 1000)))) < 1e-4

# %% [markdown] lang="zh"
# 用它训练一条直线看看。数据是安斯库姆第一组，$x$ 已标准化；两次训练只差 `[:, None]` 几个字符：

# %% [markdown] lang="en"
# Train a line with it. The data are Anscombe's first set, $x$ standardized; the two runs differ by the characters `[:, None]`:

# %%
data = jn.datasets.anscombe()[0]
x = jnp.asarray((data.x - data.x.mean()) / data.x.std())
target = jnp.asarray(data.y)


def right_loss(w):
    return jnp.mean((w[0] * x + w[1] - target) ** 2)


def buggy_loss(w):
    return jn.broadcasting.all_pairs_loss((w[0] * x + w[1])[:, None], target)


def train(loss):
    return jn.minimize_path(
        loss, jnp.zeros(2), method=jn.methods.gradient_descent(0.1), steps=200
    )


right, buggy = train(right_loss), train(buggy_loss)
ax = draw.fitted_lines(
    x, target, {"right loss": right.params[-1], "loss with the bug": buggy.params[-1]}
)
np.testing.assert_allclose(buggy.params[-1], [0, 7.5009], atol=2e-4)
np.testing.assert_allclose([buggy.value[-1], jnp.var(target)], 3.7521, rtol=1e-3)
np.testing.assert_allclose(right.value[-1], 1.2512, rtol=1e-3)
print(f"right: loss {right.value[-1]:.4f}, slope {right.params[-1, 0]:.4f}")
slope, intercept = buggy.params[-1]
print(f"buggy: loss {buggy.value[-1]:.4f}, slope {slope:.1e}, intercept {intercept:.4f}")

# %% [markdown] lang="zh"
# *图：正确的损失学到斜线，损失降到 1.2512；带错误的损失学到水平线 $\bar y=7.5009$，斜率为零，损失停在 $\operatorname{Var}(y)=3.7521$。训练曲线看起来一切正常，损失也在下降，这正是它危险的地方。*
#
# 防范的办法：让 JAX 拒绝悄悄补轴。`strict()` 只在 `with` 之内生效：

# %% [markdown] lang="en"
# *Picture: the right loss learns the slope and falls to 1.2512; the loss with the bug learns the level line $\bar y=7.5009$, slope zero, and stops at $\operatorname{Var}(y)=3.7521$. The training curve looks fine and the loss falls: that is what makes it dangerous.*
#
# The remedy: let JAX refuse to add axes in silence. `strict()` holds inside its `with` block only:

# %%
with jn.broadcasting.strict():
    try:
        prediction - y
    except ValueError as error:
        print("ValueError:", str(error).split(" and ")[0])
    else:
        raise AssertionError("expected an error")

# %% [markdown] lang="zh"
# ### 拉伸占不占内存？
#
# NumPy 用步长 0 表示被拉伸的轴；JAX 在 `jit` 之内把它与后续运算融合。但**结果**若要保存，就得有地方放。一千个 64 维点两两相减，是 (1000, 1, 64) 减 (1, 1000, 64)，结果要 256 MB：

# %% [markdown] lang="en"
# ### Does stretching take memory?
#
# NumPy gives a stretched axis stride 0; JAX fuses it with what follows, inside `jit`. But a **result** that is kept needs room. A thousand points of 64 numbers, all pairs subtracted, is (1000, 1, 64) minus (1, 1000, 64), and takes 256 MB:

# %%
kept = jn.broadcasting.result_bytes((1000, 1, 64), (1, 1000, 64), dtype="float32")
assert kept == 256_000_000
stretched = np.broadcast_to(np.arange(3.0), (4, 3))
print("strides of the stretched array:", stretched.strides)
assert stretched.strides[0] == 0
sizes = 10 ** np.arange(1, 6)
differences = [
    jn.broadcasting.result_bytes((n, 1, 64), (1, n, 64), dtype="float32")
    for n in sizes.tolist()
]
gram = [jn.broadcasting.result_bytes((n, 1), (1, n), dtype="float32") for n in sizes.tolist()]
needed = {"all differences (n, n, 64)": differences, "Gram matrix (n, n)": gram}
ax = draw.bytes_by_size(sizes, needed, limit=16e9, limit_label="16 GB")

# %% [markdown] lang="zh"
# *图：两两距离所需的字节数。先存下所有的差要 $64\,n^2$ 个数；改用 $\|a-b\|^2=\|a\|^2+\|b\|^2-2a\cdot b$（Gram 矩阵）只要 $n^2$ 个数。*
#
# 不想操心轴的时候，就写“一对”的函数，让 `vmap` 去配对；这与广播是同一件事：

# %% [markdown] lang="en"
# *Picture: bytes for all pairwise distances. Keeping the differences takes $64\,n^2$ numbers; by $\|a-b\|^2=\|a\|^2+\|b\|^2-2a\cdot b$ (the Gram matrix) it is $n^2$.*
#
# If you would rather not think of axes, write the function of one pair and let `vmap` do the pairing. It is the same thing:

# %%
points = jax.random.normal(jax.random.key(0), (50, 3))
by_axes = jnp.sum((points[:, None, :] - points[None, :, :]) ** 2, axis=-1)
by_vmap = jn.broadcasting.pairwise(lambda a, b: jnp.sum((a - b) ** 2), points, points)
np.testing.assert_allclose(by_axes, by_vmap, atol=1e-5)

# %% [markdown] lang="zh"
# ## 4 勘误两则
#
# ### 其一
# **误区**：“当两个矩阵相加，在不符合线性代数矩阵运算时，矩阵会自动扩展结构”。
#
# **反例**：形状 (2, 3) 与 (3, 2) 不会“自动扩展”，只会报错；而且规则不限于加法。

# %% [markdown] lang="en"
# ## 4 Two corrections
#
# ### First
# **The sentence**: “when matrices are added against the rules of linear algebra, they expand automatically”.
#
# **Counterexample**: shapes (2, 3) and (3, 2) do not expand, they raise; and the rule is not about sums.

# %%
assert verdict(jnp.broadcast_shapes, (2, 3), (3, 2)) == "refused"
assert jnp.maximum(jnp.ones((2, 1)), jnp.ones((1, 3))).shape == (2, 3)

# %% [markdown] lang="zh"
# **正解**：右对齐；每个轴上长度相等或其一为 1（缺的轴算 1），否则报错；适用于一切逐元素运算；什么也不复制。由 `tests/test_corrections.py::test_shapes_are_aligned_from_the_right_or_refused` 检验。
#
# ### 其二
# **误区**：“矩阵会自动扩展结构，然后执行运算”，仿佛扩展之后总是你想要的运算。
#
# **反例**：完美的预测，损失应为 0。

# %% [markdown] lang="en"
# **The theorem**: align at the right; on every axis equal lengths or a 1 (a missing axis is a 1), else an error; for all elementwise operations; nothing is copied. Checked by `tests/test_corrections.py::test_shapes_are_aligned_from_the_right_or_refused`.
#
# ### Second
# **The sentence**: “they expand automatically, and the operation is carried out”, as if it were always the one you meant.
#
# **Counterexample**: a perfect prediction, whose loss should be 0.

# %%
loss = jnp.mean((y[:, None] - y) ** 2)
np.testing.assert_allclose(loss, 2 * jnp.var(y), rtol=1e-5)

# %% [markdown] lang="zh"
# **正解**：`(n, 1)` 对 `(n,)` 的均方误差是 $\operatorname{Var}(\hat y)+\operatorname{Var}(y)+(\bar{\hat y}-\bar y)^2$，另一个损失函数。由 `tests/test_corrections.py::test_stretching_in_silence_computes_another_loss` 检验。

# %% [markdown] lang="en"
# **The theorem**: the mean square of `(n, 1)` against `(n,)` is $\operatorname{Var}(\hat y)+\operatorname{Var}(y)+(\bar{\hat y}-\bar y)^2$, another loss. Checked by `tests/test_corrections.py::test_stretching_in_silence_computes_another_loss`.

# %% [markdown] lang="zh"
# ## 5 练习
#
# **E3.1** 自己写出广播规则：由两个形状（元组）得到结果的形状，不相容时抛出 `ValueError`。

# %% [markdown] lang="en"
# ## 5 Exercises
#
# **E3.1** Write the rule yourself: from two shapes (tuples) the shape of the result, and a `ValueError` where they do not fit.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E3.1"
def broadcast_shape(a, b):
    """The shape, a tuple, of the sum of arrays with shapes a and b."""
    result = []
    for m, n in itertools.zip_longest(reversed(a), reversed(b), fillvalue=1):
        if m != n and 1 not in (m, n):
            raise ValueError(f"{m} against {n}")
        result.append(n if m == 1 else m)
    return tuple(reversed(result))


check("E3.1", broadcast_shape)

# %% [markdown] lang="zh"
# **E3.2** 双向中心化：从矩阵 $X$ 中减去行均值与列均值（再加回总均值），使每行、每列的均值都为零。方阵最容易出错。

# %% [markdown] lang="en"
# **E3.2** Centre both ways: take the means of rows and columns from a matrix $X$ (and add the grand mean back), so that every row and column has mean zero. Square matrices are where it goes wrong.


# %% exercise="E3.2"
def centred(X):
    """X with the means of its rows and of its columns made zero."""
    return X - X.mean(axis=1, keepdims=True) - X.mean(axis=0, keepdims=True) + X.mean()


check("E3.2", centred)

# %% [markdown] lang="zh"
# **E3.3** 写一个不肯上当的均方误差：形状不同就抛出 `ValueError`，形状相同才计算。

# %% [markdown] lang="en"
# **E3.3** Write a mean square error that cannot be fooled: a `ValueError` where the shapes differ, the loss where they agree.


# %% exercise="E3.3"
def strict_mse(prediction, y):
    """The mean of (prediction - y)^2, for equal shapes only."""
    if jnp.shape(prediction) != jnp.shape(y):
        raise ValueError(f"shapes {jnp.shape(prediction)} and {jnp.shape(y)} differ")
    return jnp.mean((prediction - y) ** 2)


check("E3.3", strict_mse)

# %% [markdown] lang="zh"
# ## 6 小结
#
# | 问题 | 答案 | 代码 |
# |---|---|---|
# | 结果是什么形状 | 右对齐，相等或为 1 | `jn.broadcasting.broadcast_shapes(a, b)` |
# | 为什么不相容 | 指出出错的轴 | `print(jn.broadcasting.explain(a, b))` |
# | 怎样防止悄悄补轴 | 让 JAX 拒绝 | `with jn.broadcasting.strict():` |
# | 占多少字节 | 结果的元素个数乘以每个元素的字节数 | `jn.broadcasting.result_bytes(...)` |
# | 两两配对 | 一对的函数加 `vmap` | `jn.broadcasting.pairwise(fun, A, B)` |
#
# **何处会失灵**：方阵与 $n=1$ 时形状总是“恰好”相容，错误藏得最深；`jit` 之外大的中间结果真的会占内存。
#
# **下一课**：[04 线性回归](04_linear_regression.ipynb)。

# %% [markdown] lang="en"
# ## 6 Summary
#
# | Question | Answer | Code |
# |---|---|---|
# | what shape | aligned at the right, equal or 1 | `jn.broadcasting.broadcast_shapes(a, b)` |
# | why not | the axis that fails | `print(jn.broadcasting.explain(a, b))` |
# | no axes in silence | let JAX refuse | `with jn.broadcasting.strict():` |
# | how many bytes | entries of the result times bytes of one | `jn.broadcasting.result_bytes(...)` |
# | all pairs | the function of one pair, and `vmap` | `jn.broadcasting.pairwise(fun, A, B)` |
#
# **Where it breaks**: square matrices and $n=1$ fit “by luck”, and hide the bug best; outside `jit` a large intermediate really takes its memory.
#
# **Next**: [04 Linear regression](04_linear_regression.ipynb).
