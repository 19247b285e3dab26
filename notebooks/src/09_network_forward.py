# %% [markdown] lang="zh"
# # 09 神经网络的前向传播
#
# **约 30 秒运行完 · 先修：[08 逻辑回归](08_logistic_regression.ipynb) · 对应笔记 5.2、5.3**
#
# 学完这一课，你能够
# - 写出一层网络的形状，列约定 $Wx+b$ 与行约定 $XW^\top+b$ 都不会弄混；
# - 去掉 for 循环，用一次矩阵乘法算出一层、一批样本；
# - 说明为什么激活函数必须是非线性的，隐藏单元把空间变成了什么样；
# - 手工推导反向传播，并用自动微分验算。

# %% [markdown] lang="en"
# # 09 A network, forward
#
# **Runs in about 30 seconds · after: [08 Logistic regression](08_logistic_regression.ipynb) · sections 5.2 and 5.3 of the notes**
#
# After this lesson you can
# - write down the shapes of a layer, and not mix up columns, $Wx+b$, with rows, $XW^\top+b$;
# - drop the for loop: one matrix product for a layer and for all examples;
# - say why the activation must not be linear, and what hidden units do to space;
# - derive backpropagation by hand and check it by automatic differentiation.

# %%
import dataclasses
import inspect
import time

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show import diagrams
from jaxnotes.show.lesson_plots import neural_networks as draw
from jaxnotes.show.slider import slider

nn = jn.neural_networks
X = jnp.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = jnp.array([0.0, 1.0, 1.0, 0.0])  # exclusive or
rule = jn.methods.gradient_descent(1.0)


def descend(key):
    start = nn.init(key, (2, 2, 1), "tanh", output="binary")
    return jn.minimize_path(
        lambda net: nn.loss(net, X, y), start, method=rule, steps=2000
    ).params


paths = jax.jit(jax.vmap(descend))(jax.random.split(jax.random.key(0), 16))
finals = jax.tree.map(lambda leaf: leaf[:, -1], paths)
best = jnp.argmin(jax.vmap(lambda net: nn.loss(net, X, y))(finals))
path = jax.tree.map(lambda leaf: leaf[best], paths)
trained = jax.tree.map(lambda leaf: leaf[-1], path)
straight = jn.logistic_regression.fit(X, y).params
maps = {
    "logistic regression": lambda x: jnp.sum(straight.coef * x) + straight.intercept,
    "2-2-1 network": lambda x: nn.apply(trained, x)[0],
}
axes = draw.decision_maps(maps, X, y)

# %% [markdown] lang="zh"
# *图：异或（XOR）的四个点，方块是 0，圆点是 1；底色是预测的概率，越亮越接近 1。左：逻辑回归处处给出 1/2，没有分界线。右：多了两个隐藏单元，黑色的分界线把两类分开了。*

# %% [markdown] lang="en"
# *Picture: the four points of exclusive or (XOR), squares 0, circles 1; the background is the predicted probability; the brighter, the nearer to 1. Left: logistic regression says 1/2 everywhere and has no boundary. Right: with two hidden units the black boundary parts the classes.*

# %% [markdown] lang="zh"
# ## 1 想法：一层就是一次矩阵乘法
#
# 一个神经元做两件事：先求仿射函数 $z=w^\top x+b$，再求激活值 $a=\varphi(z)$。把四个神经元的 $w^\top$ 一行一行叠成矩阵 $W^{[1]}$，就得到笔记中的四个等式：
# $$z^{[1]}=W^{[1]}x+b^{[1]},\quad a^{[1]}=\varphi(z^{[1]}),\quad z^{[2]}=W^{[2]}a^{[1]}+b^{[2]},\quad a^{[2]}=\sigma(z^{[2]}).$$

# %% [markdown] lang="en"
# ## 1 The idea: a layer is a matrix product
#
# A neuron does two things: an affine function $z=w^\top x+b$, then an activation $a=\varphi(z)$. Stack the $w^\top$ of four neurons as the rows of a matrix $W^{[1]}$, and there are the four equations of the notes:
# $$z^{[1]}=W^{[1]}x+b^{[1]},\quad a^{[1]}=\varphi(z^{[1]}),\quad z^{[2]}=W^{[2]}a^{[1]}+b^{[2]},\quad a^{[2]}=\sigma(z^{[2]}).$$

# %%
network = nn.init(jax.random.key(1), (3, 4, 1), "sigmoid", output="binary")
shapes = [f"W {layer.W.shape}, b {layer.b.shape}" for layer in network.layers]
print(shapes, " numbers:", sum(leaf.size for leaf in jax.tree.leaves(network)))
assert sum(leaf.size for leaf in jax.tree.leaves(network)) == 21

# %% lang="zh"
diagrams.network((3, 4, 1), shapes=shapes, lang="zh")

# %% lang="en"
diagrams.network((3, 4, 1), shapes=shapes, lang="en")

# %% [markdown] lang="zh"
# *图：3–4–1 网络，形状写在箭头上方。参数共 $4\times3+4+1\times4+1=21$ 个。*
#
# 先写成循环，一次算一个神经元；再写成矩阵形式。两种约定都要会：样本是列向量时写 $Wx+b$；样本排成 $X$ 的行时写 $XW^\top+b$。三者相等：

# %% [markdown] lang="en"
# *Picture: a 3–4–1 network, the shapes above the arrows. It has $4\times3+4+1\times4+1=21$ parameters.*
#
# First as a loop, a neuron at a time; then as a matrix. There are two conventions: for an example as a column, $Wx+b$; for examples as the rows of $X$, $XW^\top+b$. All three agree:

# %%
(W1, b1), (W2, b2) = network.layers
x = jnp.array([1.0, -2.0, 0.5])
rows = jax.random.normal(jax.random.key(2), (5, 3))


def product(A, B):
    return jnp.matmul(A, B, precision="highest")


loop = jnp.stack([jnp.sum(w * x) + b for w, b in zip(W1, b1, strict=True)])
np.testing.assert_allclose(product(W1, x[:, None])[:, 0] + b1, loop, rtol=1e-5, atol=1e-6)
by_rows = product(rows, W1.T) + b1
by_columns = product(W1, rows.T) + b1[:, None]
np.testing.assert_allclose(by_rows, by_columns.T, rtol=1e-5, atol=1e-6)
print("columns:", by_columns.shape, " rows:", by_rows.shape)

# %% [markdown] lang="zh"
# 库里的 `apply` 只写一个样本；一批样本交给 `jax.vmap`，编译器自会把它变成一次矩阵乘法。

# %% [markdown] lang="en"
# The library's `apply` is written for one example; a batch is left to `jax.vmap`, and the compiler makes one matrix product of it.

# %%
print(inspect.getsource(jn.neural_networks.apply))
batch = jax.vmap(nn.apply, (None, 0))
by_hand = product(jn.activations.sigmoid(by_rows), W2.T) + b2
np.testing.assert_allclose(batch(network, rows), by_hand, rtol=5e-3, atol=5e-3)
assert batch(network, rows).shape == (5, 1)

# %% [markdown] lang="zh"
# ## 2 推导
#
# ### 没有非线性，层数再多也只是一层
# 若 $\varphi(z)=z$，两层合成一层：
# $$W^{[2]}(W^{[1]}x+b^{[1]})+b^{[2]}=(W^{[2]}W^{[1]})\,x+(W^{[2]}b^{[1]}+b^{[2]}).$$
# 所以它的导数（雅可比矩阵）是常数 $W^{[2]}W^{[1]}$，与 $x$ 无关：

# %% [markdown] lang="en"
# ## 2 The derivation
#
# ### Without a nonlinearity many layers are one
# If $\varphi(z)=z$, two layers collapse to one:
# $$W^{[2]}(W^{[1]}x+b^{[1]})+b^{[2]}=(W^{[2]}W^{[1]})\,x+(W^{[2]}b^{[1]}+b^{[2]}).$$
# So its derivative, the Jacobian, is the constant $W^{[2]}W^{[1]}$, whatever $x$ is:

# %%
with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    linear = nn.init(jax.random.key(3), (3, 4, 2), "identity")
    one = product(linear.layers[1].W, linear.layers[0].W)
    for at in (np.zeros(3), np.array([1.0, -2.0, 0.5])):
        np.testing.assert_allclose(jax.jacobian(nn.apply, 1)(linear, at), one, rtol=1e-12)

# %% [markdown] lang="zh"
# ### 反向传播：链式法则，从后往前
# 二分类时，一个样本的损失是 $L=\log(1+e^{z^{[2]}})-t\,z^{[2]}$。记 $\delta=\partial L/\partial z$，则
# $$\delta^{[2]}=\sigma(z^{[2]})-t,\qquad \delta^{[1]}=(W^{[2]\top}\delta^{[2]})\odot\varphi'(z^{[1]}),$$
# $$\frac{\partial L}{\partial W^{[2]}}=\delta^{[2]}a^{[1]\top},\qquad\frac{\partial L}{\partial W^{[1]}}=\delta^{[1]}x^\top,\qquad\frac{\partial L}{\partial b^{[l]}}=\delta^{[l]}.$$
# 用双精度与 `jax.grad` 逐项比较，相差不到 $10^{-12}$：

# %% [markdown] lang="en"
# ### Backpropagation: the chain rule from the end
# The loss of one example with a binary label is $L=\log(1+e^{z^{[2]}})-t\,z^{[2]}$. With $\delta=\partial L/\partial z$,
# $$\delta^{[2]}=\sigma(z^{[2]})-t,\qquad \delta^{[1]}=(W^{[2]\top}\delta^{[2]})\odot\varphi'(z^{[1]}),$$
# $$\frac{\partial L}{\partial W^{[2]}}=\delta^{[2]}a^{[1]\top},\qquad\frac{\partial L}{\partial W^{[1]}}=\delta^{[1]}x^\top,\qquad\frac{\partial L}{\partial b^{[l]}}=\delta^{[l]}.$$
# In float64 every part agrees with `jax.grad` to $10^{-12}$:

# %%
with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    net = nn.init(jax.random.key(4), (3, 4, 1), "tanh", output="binary")
    (V1, c1), (V2, c2) = net.layers
    point, t = np.array([1.0, -2.0, 0.5]), 1.0
    a1 = jnp.tanh(product(V1, point) + c1)
    delta2 = jn.activations.sigmoid(product(V2, a1) + c2) - t
    delta1 = product(V2.T, delta2) * (1 - a1**2)
    hand = (jnp.outer(delta1, point), delta1, jnp.outer(delta2, a1), delta2)
    auto = jax.grad(nn.loss)(net, point[None], np.array([t]))
    gaps = jax.tree.map(
        lambda a, b: float(jnp.abs(a - b).max()), hand, tuple(jax.tree.leaves(auto))
    )
assert max(gaps) < 1e-12
print(f"largest difference: {max(gaps):.0e}")

# %% [markdown] lang="zh"
# ## 3 实验：去掉 for 循环快多少？
#
# 一层 256 个单元，256 个输入，256 个样本。逐个单元循环、一次矩阵乘法、`vmap`，结果相同，时间不同（时间因机器而异）。

# %% [markdown] lang="en"
# ## 3 The experiment: what does dropping the loop gain?
#
# A layer of 256 units, 256 inputs, 256 examples: a loop over units, one matrix product, and `vmap`. Equal results, unequal times (which depend on the machine).

# %%
big = jax.random.normal(jax.random.key(5), (256, 256)) / 16
many = jax.random.normal(jax.random.key(6), (256, 256))


def unit_by_unit(X, W):
    return jnp.stack([jnp.sum(X * w, axis=1) for w in W], axis=1)


at_once = jax.jit(lambda X, W: product(X, W.T))
mapped = jax.jit(lambda X, W: jax.vmap(lambda x: product(W, x))(X))


def seconds(fun):
    fun(many, big).block_until_ready()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        fun(many, big).block_until_ready()
        times.append(time.perf_counter() - start)
    return min(times)


expected = unit_by_unit(many, big)
np.testing.assert_allclose(at_once(many, big), expected, rtol=1e-3, atol=1e-4)
np.testing.assert_allclose(mapped(many, big), expected, rtol=1e-3, atol=1e-4)
ways = {"for loop": unit_by_unit, "matrix product": at_once, "vmap": mapped}
ax = draw.timings({name: seconds(fun) for name, fun in ways.items()})

# %% [markdown] lang="zh"
# *图：三种写法所用的微秒数，横轴是对数刻度。循环最慢；`vmap` 与手写的矩阵乘法不相上下，因为编译后它们就是同一个运算。*

# %% [markdown] lang="en"
# *Picture: microseconds of the three ways, on a logarithmic axis. The loop is slowest; `vmap` is on a par with the product written out, because once compiled they are the same operation.*

# %% [markdown] lang="zh"
# ## 4 实验：隐藏层做了什么？
#
# **逻辑回归解不了异或。** 在 $w=0$ 处梯度恰为零，损失 $\ln2=0.693147$；损失是凸函数，那里黑塞矩阵的最小特征值 $0.0392>0$，所以这是唯一的最优解，没有更好的了：

# %% [markdown] lang="en"
# ## 4 The experiment: what does the hidden layer do?
#
# **Logistic regression cannot do XOR.** At $w=0$ the gradient is exactly zero, the loss $\ln2=0.693147$; the loss is convex, and there the smallest eigenvalue of its Hessian is $0.0392>0$, so this is the only optimum, and nothing is better:

# %%
alone = nn.init(jax.random.key(0), (2, 1), gain=0.0, output="binary")


def flat_loss(w):
    layer = nn.Layer(w[None, :2], w[2:])
    return nn.loss(dataclasses.replace(alone, layers=(layer,)), X, y)


zero = jnp.zeros(3)
smallest = np.linalg.eigvalsh(np.asarray(jax.hessian(flat_loss)(zero), np.float64))[0]
np.testing.assert_allclose(jax.grad(flat_loss)(zero), 0, atol=1e-6)
np.testing.assert_allclose(flat_loss(zero), 0.693147, rtol=1e-5)
np.testing.assert_allclose(smallest, 0.0392, atol=2e-3)
print(f"loss {flat_loss(zero):.6f}, smallest eigenvalue {smallest:.4f}")

# %% [markdown] lang="zh"
# **隐藏层折叠空间。** 下面以两个隐藏单元的激活值 $(a_1,a_2)$ 为坐标轴。拖动滑块看训练过程：输入的正方形被压弯，四个点挪了位置，直到一条直线就能把它们分开。输出层只是在这个新空间里做逻辑回归。

# %% [markdown] lang="en"
# **The hidden layer folds space.** The axes are now the activations $(a_1,a_2)$ of the two hidden units. Move the slider through the training: the square of inputs is bent and its corners move, until a straight line can separate them. The output layer is just a logistic regression in this new space.

# %%
side = jnp.linspace(0.0, 1.0, 15)
low, high = jnp.zeros(15), jnp.ones(15)
around = jnp.concatenate(
    [
        jnp.stack(edge, 1)
        for edge in ((side, low), (high, side), (1 - side, high), (low, 1 - side))
    ]
)
across = jnp.linspace(-1.0, 1.0, 2) * 3


def hidden(step):
    net = jax.tree.map(lambda leaf: leaf[step], path)
    (W, b), (w, c) = net.layers

    def to(points):
        a = jnp.tanh(product(points, W.T) + b)
        return a[:, 0], a[:, 1]

    foot = -c[0] * w[0] / jnp.sum(w[0] ** 2)
    along = jnp.stack([-w[0, 1], w[0, 0]]) / jnp.sqrt(jnp.sum(w[0] ** 2))
    line = foot[:, None] + along[:, None] * across[None]
    return {
        "square": to(around),
        "class 0": to(X[jnp.array([0, 3])]),
        "class 1": to(X[jnp.array([1, 2])]),
        "boundary": (line[0], line[1]),
        "loss": nn.loss(net, X, y),
    }


steps = jnp.round(jnp.geomspace(1, 2001, 40)).astype(int) - 1
slider(
    hidden,
    steps,
    name="step",
    points=["class 0", "class 1"],
    xlabel="a1",
    ylabel="a2",
    xlim=(-1.1, 1.1),
    ylim=(-1.1, 1.1),
    start=39,
)

# %% [markdown] lang="zh"
# *图：隐藏空间。输入正方形的四条边被映成蓝色闭合曲线，训练结束时几乎折成一条弯线；两类点各用一种颜色，另一条线是输出层的分界线。训练结束时，两类分居分界线两侧。*

# %% [markdown] lang="en"
# *Picture: hidden space. The edges of the input square are mapped to the blue closed curve, folded almost into a bent line by the end; each class of points has a colour, and the other line is the boundary of the output layer. At the end of training the classes lie on either side of it.*

# %%
assert nn.loss(trained, X, y) < 0.1
assert nn.accuracy(trained, X, y) == 1
print("probabilities:", np.round(jn.activations.sigmoid(batch(trained, X)[:, 0]), 4))

# %% [markdown] lang="zh"
# **能表示，不等于训练得出。** 每种设置从 64 个随机起点出发，同时训练 5000 步；损失小于 0.1 才算成功（只看正确率会被骗：恒等激活的输出约等于 0，舍入误差也能“全对”）。

# %% [markdown] lang="en"
# **Being able to represent a solution is not the same as finding it by training.** Each setting has 64 random starts, trained at once for 5000 steps; a loss below 0.1 is a success (accuracy deceives: with the identity the output is about 0, and rounding alone can get “all right”).

# %%
names = ("sigmoid", "tanh", "relu", "identity")
keys = jax.random.split(jax.random.key(7), 64)


def solved(name, units):
    def final(key):
        start = nn.init(key, (2, units, 1), name, output="binary")
        run = nn.train(key, start, (X, y), optimizer=rule, epochs=5000, batch_size=None)
        return nn.loss(run.params, X, y)

    return int(jnp.sum(jax.jit(jax.vmap(final))(keys) < 0.1))


counts = {f"{units} units": [solved(name, units) for name in names] for units in (2, 4)}
ax = draw.success_bars(counts, names, 64)
two, four = counts.values()
assert two[3] == four[3] == 0
assert two[0] > two[2] and two[1] > two[2]
assert min(four[:2]) >= 0.95 * 64
assert four[2] > two[2]

# %% [markdown] lang="zh"
# *图：64 次训练中成功的次数。恒等激活一次也不成功，因为它只是逻辑回归。两个单元时，sigmoid 与 tanh 多于 ReLU；四个单元时，sigmoid 与 tanh 次次成功或几乎如此。多余的单元不是浪费：它们让训练更容易成功。*

# %% [markdown] lang="en"
# *Picture: successes among 64 trainings. The identity never succeeds, for it is logistic regression. With two units sigmoid and tanh succeed more often than ReLU; with four, sigmoid and tanh always or nearly so. Spare units are no waste: they make success more likely.*

# %% [markdown] lang="zh"
# ## 5 勘误两则
#
# ### 其一
# **误区**：“在神经网络里进行很多次的 logistic 回归”，仿佛每个节点都是一次逻辑回归。
#
# **反例**：把一个 tanh 单元的权重和偏置全部反号（后一层读它的权重也反号），这个单元说的话完全相反，网络的输出却一点不变。

# %% [markdown] lang="en"
# ## 5 Two corrections
#
# ### First
# **The sentence**: “in a network, logistic regression is done many times”, as if each node were one.
#
# **Counterexample**: turn the signs of one tanh unit's weights and bias (and of the weights that read it): the unit says the opposite, and the output of the network is the same.

# %%
(W, b), (w, c) = trained.layers
flip = jnp.array([-1.0, 1.0])
turned = (nn.Layer(flip[:, None] * W, flip * b), nn.Layer(w * flip[None], c))
opposite = dataclasses.replace(trained, layers=turned)
np.testing.assert_allclose(batch(opposite, X), batch(trained, X), rtol=1e-4, atol=1e-4)

# %% [markdown] lang="zh"
# **正解**：隐藏单元只是**计算**仿射函数与激活函数；它没有标签，也没有自己的似然，只有输出层有。由 `tests/test_neural_networks.py::test_a_hidden_unit_is_no_logistic_regression` 检验。
#
# ### 其二
# **误区**：“最后求导得出使得概率最大的参数值”。
#
# **反例**：上面的网络把四个点完全分开了，于是再训练下去损失总在减小，权重总在变大，没有终点。

# %% [markdown] lang="en"
# **The theorem**: a hidden unit merely **computes** an affine function and an activation. It has no label and no likelihood of its own; only the output has. Checked by `tests/test_neural_networks.py::test_a_hidden_unit_is_no_logistic_regression`.
#
# ### Second
# **The sentence**: “finally differentiate, and obtain the parameters of the largest probability”.
#
# **Counterexample**: the network above parts the four points, so with more training the loss always falls and the weights always grow, with no end.

# %%
later = [jax.tree.map(lambda leaf, k=k: leaf[k], path) for k in (500, 1000, 2000)]
loss = [float(nn.loss(net, X, y)) for net in later]
length = [float(jn.sums.norm(net.layers[1].W.ravel())) for net in later]
assert loss[0] > loss[1] > loss[2] > 0 and length[0] < length[1] < length[2]
print("loss", np.round(loss, 4), " length of W2", np.round(length, 2))

# %% [markdown] lang="zh"
# **正解**：令导数为零没有显式解，要迭代；数据可分时极大似然估计不存在，权重像 $\log t$ 那样增长。由 `tests/test_corrections.py::test_setting_the_derivative_to_zero_needs_overlap_and_iterations` 与 `tests/test_corrections.py::test_descent_on_separated_data_runs_away_like_the_logarithm` 检验（输出层就是那里的逻辑回归）。

# %% [markdown] lang="en"
# **The theorem**: the zero of the derivative has no closed form and is found by iteration; for separable data there is no maximum likelihood estimate, and weights grow like $\log t$. Checked by `tests/test_corrections.py::test_setting_the_derivative_to_zero_needs_overlap_and_iterations` and `tests/test_corrections.py::test_descent_on_separated_data_runs_away_like_the_logarithm` (the output layer is the logistic regression there).

# %% [markdown] lang="zh"
# ## 6 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E9.1** 数参数：各层单元数为 `sizes`（输入层在前）的网络共有多少个参数？

# %% [markdown] lang="en"
# ## 6 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E9.1** Count the parameters of a network whose layers have `sizes` units, input first.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E9.1"
def count_parameters(sizes):
    """The number of weights and biases; sizes is a tuple such as (3, 4, 1)."""
    return sum((n_in + 1) * n_out for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True))


check("E9.1", count_parameters)

# %% [markdown] lang="zh"
# **E9.2** 一批样本的一层：`X` 的形状是 (n, n_in)，`W` 是 (n_out, n_in)，`b` 是 (n_out,)，激活函数取 tanh，不用循环。

# %% [markdown] lang="en"
# **E9.2** A layer for many examples: `X` is (n, n_in), `W` (n_out, n_in), `b` (n_out,), the activation tanh; no loop.


# %% exercise="E9.2"
def layer(X, W, b):
    """The activations, (n, n_out)."""
    return jnp.tanh(jnp.matmul(X, W.T) + b)


check("E9.2", layer)

# %% [markdown] lang="zh"
# **E9.3** 不训练，手工写出一个解决异或的 2–2–1 网络 $z=w^\top\max(Wx+b,0)+c$：答案是 $(W,b,w,c)$，要求标签为 1 时 $z>0.1$，为 0 时 $z<-0.1$。

# %% [markdown] lang="en"
# **E9.3** Without training, write down a 2–2–1 network that does XOR, $z=w^\top\max(Wx+b,0)+c$. The answer is $(W,b,w,c)$, with $z>0.1$ where the label is 1 and $z<-0.1$ where it is 0.

# %% exercise="E9.3"
xor = ([[1, -1], [-1, 1]], [0, 0], [1, 1], -0.5)

check("E9.3", xor)

# %% [markdown] lang="zh"
# **E9.4** 反向传播：网络 $z=w^\top\tanh(Wx+b)$，标签 $t$，损失 $\log(1+e^z)-tz$。不用 `jax.grad`，求损失对 $W,b,w$ 的梯度。

# %% [markdown] lang="en"
# **E9.4** Backpropagation: the network is $z=w^\top\tanh(Wx+b)$, the label $t$, the loss $\log(1+e^z)-tz$. Without `jax.grad`, find its gradients with respect to $W,b,w$.


# %% exercise="E9.4"
def backpropagate(W, b, w, x, t):
    """The gradients of the loss with respect to W, b and w, a tuple of three arrays."""
    a = jnp.tanh(jnp.matmul(W, x) + b)
    delta2 = jax.nn.sigmoid(jnp.sum(w * a)) - t
    delta1 = delta2 * w * (1 - a**2)
    return jnp.outer(delta1, x), delta1, delta2 * a


check("E9.4", backpropagate)

# %% [markdown] lang="zh"
# ## 7 小结
#
# | 对象 | 形状 | 说明 |
# |---|---|---|
# | `W` | (n_out, n_in) | 一行是一个单元 |
# | `b` | (n_out,) | 列约定中写成 (n_out, 1) |
# | `W x + b` | (n_out,) | 一个样本，列约定 |
# | `X W.T + b` | (n, n_out) | n 个样本，行约定 |
# | `delta` | 与 `z` 相同 | 损失对 `z` 的导数 |
#
# **何处会失灵**：在 GPU（TF32）与 TPU（bf16）上，默认精度的矩阵乘法只有三位左右，要比较就写 `precision="highest"`；(n, 1) 的偏置遇上方阵会默默加错方向。
#
# **下一课**：[10 激活函数](10_activations.ipynb)。$\varphi$ 该选哪一个？

# %% [markdown] lang="en"
# ## 7 Summary
#
# | Object | Shape | What it is |
# |---|---|---|
# | `W` | (n_out, n_in) | a row is a unit |
# | `b` | (n_out,) | for columns written as (n_out, 1) |
# | `W x + b` | (n_out,) | one example, a column |
# | `X W.T + b` | (n, n_out) | n examples, as rows |
# | `delta` | that of `z` | derivative of the loss with respect to `z` |
#
# **Where it breaks**: on a GPU (TF32) and a TPU (bf16) a matrix product keeps about three significant digits by default; to compare, write `precision="highest"`. A bias of shape (n, 1) on a square matrix is silently added the wrong way.
#
# **Next**: [10 Activations](10_activations.ipynb). Which $\varphi$ should it be?
