# %% [markdown] lang="zh"
# # 10 激活函数
#
# **约 30 秒运行完 · 先修：[09 神经网络的前向传播](09_network_forward.ipynb) · 对应笔记 6.1–6.4**
#
# 学完这一课，你能够
# - 画出四个激活函数及其导数，说出各自在哪里饱和；
# - 写出在任何 $x$ 处值与导数都正确的代码；
# - 由方差映射预言一个很深的网络能否保住信号；
# - 公平地比较几个激活函数，并读懂“分不出高下”；
# - 说清楚何时该用 sigmoid、tanh、ReLU，而不是“绝对不用”“几乎都用”。

# %% [markdown] lang="en"
# # 10 Activations
#
# **Runs in about 30 seconds · after: [09 A network, forward](09_network_forward.ipynb) · sections 6.1 to 6.4 of the notes**
#
# After this lesson you can
# - draw four activations with their derivatives, and say where each saturates;
# - write code whose value and derivative are right at every $x$;
# - predict from the variance map whether a deep network keeps its signal;
# - compare activations fairly, and read what “no winner” means;
# - say when sigmoid, tanh or ReLU is the choice, without “never” and “nearly always”.

# %%
import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show import network_plots
from jaxnotes.show.lesson_plots import activations as draw

act = jn.activations
four = {
    "sigmoid": act.sigmoid,
    "tanh": act.tanh,
    "ReLU": act.relu,
    "leaky ReLU, slope 0.01": act.leaky_relu,
}
axes = draw.with_slopes(four)

# %% [markdown] lang="zh"
# *图：四个激活函数（蓝色实线）及其导数（红色虚线）。sigmoid 从 0 升到 1，导数最大只有 1/4；tanh 从 −1 升到 1，导数最大为 1；ReLU 左边为零，右边是 $z$，导数在 0 处跳跃；leaky ReLU 左边还留着 0.01 的斜率，几乎看不出来。*

# %% [markdown] lang="en"
# *Picture: four activations (blue) and their derivatives (red, dashed). Sigmoid rises from 0 to 1 with a slope of at most 1/4; tanh from −1 to 1 with at most 1; ReLU is zero on the left and $z$ on the right, and its slope jumps at 0; leaky ReLU keeps a slope of 0.01 on the left, hardly seen.*

# %% [markdown] lang="zh"
# ## 1 想法：弯一下，但不要压平
#
# 上一课说明了：激活函数若是线性的，多少层都只是一层，所以必须**弯**。但梯度每往回传一层都要乘一次 $\varphi'$，所以又不能太**平**。四个函数是
# $$\sigma(z)=\frac1{1+e^{-z}},\quad\tanh z=\frac{e^z-e^{-z}}{e^z+e^{-z}},\quad\max(0,z),\quad\max(0.01z,z).$$

# %% [markdown] lang="en"
# ## 1 The idea: bend, but do not flatten
#
# The last lesson showed that with a linear activation many layers are one: it must **bend**. But a gradient is multiplied by $\varphi'$ in every layer on its way back: it must not be too **flat**. The four are
# $$\sigma(z)=\frac1{1+e^{-z}},\quad\tanh z=\frac{e^z-e^{-z}}{e^z+e^{-z}},\quad\max(0,z),\quad\max(0.01z,z).$$

# %% [markdown] lang="zh"
# ## 2 推导
#
# ### 导数
# 对 $\sigma$ 求导并整理，得
# $$\sigma'(z)=\sigma(z)\,(1-\sigma(z))\le\tfrac14,\qquad\tanh z=2\sigma(2z)-1,\qquad\tanh'(z)=4\sigma'(2z)\le1.$$
# 所以 tanh 只是拉伸、平移过的 sigmoid。三个等式都用自动微分来验算：

# %% [markdown] lang="en"
# ## 2 The derivation
#
# ### Derivatives
# Differentiate $\sigma$ and collect:
# $$\sigma'(z)=\sigma(z)\,(1-\sigma(z))\le\tfrac14,\qquad\tanh z=2\sigma(2z)-1,\qquad\tanh'(z)=4\sigma'(2z)\le1.$$
# So tanh is just a sigmoid, stretched and shifted. Automatic differentiation checks all three:

# %%
with jn.x64(), jax.default_device(jax.devices("cpu")[0]):
    z = jnp.linspace(-6.0, 6.0, 241)
    s, t = act.sigmoid(z), act.tanh(z)
    slope_s, slope_t = (jax.vmap(jax.grad(f))(z) for f in (act.sigmoid, act.tanh))
    np.testing.assert_allclose(slope_s, s * (1 - s), rtol=1e-10)
    np.testing.assert_allclose(t, 2 * act.sigmoid(2 * z) - 1, atol=1e-14)
    np.testing.assert_allclose(slope_t, 4 * jax.vmap(jax.grad(act.sigmoid))(2 * z), rtol=1e-10)
    largest = float(slope_s.max()), float(slope_t.max())
np.testing.assert_allclose(largest, [0.25, 1.0], rtol=1e-12)
print("largest slopes of sigmoid and tanh:", largest)

# %%
ax = draw.stretched_sigmoid()

# %% [markdown] lang="zh"
# *图：由 sigmoid 变出 tanh。点线 $\sigma(z)$；点划线 $\sigma(2z)$，横向压缩一半；浅蓝粗线 $2\sigma(2z)-1$，再纵向拉长一倍、下移 1。黑点是 tanh，个个落在粗线上。*

# %% [markdown] lang="en"
# *Picture: tanh made from a sigmoid. Dotted $\sigma(z)$; dash-dotted $\sigma(2z)$, squeezed to half its width; the wide pale line $2\sigma(2z)-1$, then stretched to twice its height and moved down by 1. The black dots are tanh: every one lies on the wide line.*

# %% [markdown] lang="zh"
# ### 照公式写的代码会坏
# 公式是对的，照抄成代码却会出 NaN：$e^{100}$ 在单精度中溢出，$\infty/\infty$ 没有意义；`where` 没选的那一支也会被求导，$0\cdot\infty$ 又是 NaN。库里的写法处处正确：

# %% [markdown] lang="en"
# ### Code copied from the formula breaks
# The formulas are right; as code they give NaN. $e^{100}$ overflows in float32, and $\infty/\infty$ means nothing; `where` differentiates the branch it does not take too, and $0\cdot\infty$ is NaN again. The library is right everywhere:


# %%
def naive_tanh(x):
    return (jnp.exp(x) - jnp.exp(-x)) / (jnp.exp(x) + jnp.exp(-x))


def naive_elu(x):
    return jnp.where(x > 0, x, jnp.exp(x) - 1)


for naive, safe in ((naive_tanh, act.tanh), (naive_elu, act.elu)):
    print(
        f"{naive.__name__:10} at 100: {naive(100.0):5.1f}, slope {jax.grad(naive)(100.0):4.1f}",
        f"| library: {safe(100.0):5.1f}, slope {jax.grad(safe)(100.0):4.1f}",
    )
    assert jnp.isnan(jax.grad(naive)(100.0)) and jnp.isfinite(jax.grad(safe)(100.0))
assert jnp.isnan(naive_tanh(100.0)) and act.tanh(100.0) == 1

# %% [markdown] lang="zh"
# ### 尖点处的导数是约定
# ReLU 在 0 处不可导，程序给出的只是一个约定；同一个函数，写法不同，约定也不同：

# %% [markdown] lang="en"
# ### At a kink the derivative is a convention
# ReLU has no derivative at 0; what a program returns there is agreed upon, no more, and two ways to write one function may differ:

# %%
kinks = {
    "act.relu(x)": act.relu,
    "jnp.maximum(x, 0)": lambda x: jnp.maximum(x, 0.0),
    "act.leaky_relu(x)": act.leaky_relu,
    "jnp.abs(x)": jnp.abs,
}
assert [float(jax.grad(f)(0.0)) for f in kinks.values()] == [0, 0.5, 1, 1]

# %% lang="zh"
draw.kinks(kinks, lang="zh")

# %% lang="en"
draw.kinks(kinks, lang="en")

# %% [markdown] lang="zh"
# *图：四种写法在 0 附近的样子（蓝）、左右两侧的导数，以及 `jax.grad` 在 0 处给出的斜率（红色虚线）。`act.relu` 取左导数 0，`jnp.maximum` 取两侧的平均 1/2，`act.leaky_relu` 与 `jnp.abs` 取右导数 1。哪一个都在左右导数之间，所以都说得过去；不要让结论依赖它。*

# %% [markdown] lang="en"
# *Picture: four pieces of code near 0 (blue), the derivatives on either side, and the slope that `jax.grad` returns at 0 (red, dashed). `act.relu` takes the left one, 0; `jnp.maximum` the mean of both, 1/2; `act.leaky_relu` and `jnp.abs` the right one, 1. Each lies between left and right, so each will do; let no conclusion depend on it.*

# %% [markdown] lang="zh"
# ## 3 实验：饱和
#
# 单精度中，$\sigma(z)$ 从 $z\approx16.6$ 起、$\tanh z$ 从 $z\approx8.0$ 起，就舍入成 1 了。tanh **也**饱和，而且更早。

# %% [markdown] lang="en"
# ## 3 The experiment: saturation
#
# In float32 $\sigma(z)$ rounds to 1 from $z\approx16.6$ on, and $\tanh z$ from $z\approx8.0$ on. So tanh saturates **too**, and sooner.

# %%
grid = jnp.linspace(7.0, 18.0, 11001)
ends = {name: float(grid[jnp.argmax(four[name](grid) == 1)]) for name in ("sigmoid", "tanh")}
np.testing.assert_allclose([ends["sigmoid"], ends["tanh"]], [16.6, 8.0], atol=0.5)
axes = draw.saturation({name: four[name] for name in ends}, ends)
print("first z that rounds to 1:", {name: round(end, 2) for name, end in ends.items()})

# %% [markdown] lang="zh"
# *图：左，离 1 还差多少（对数轴），靠近底部的圆点是从哪里起舍入成 1；右，导数。两者都按指数下降，tanh 快一倍。库里的导数不会被舍入成零，因为它不由 $1-\sigma$ 算出。*

# %% [markdown] lang="en"
# *Picture: left, the distance from 1 (logarithmic axis); the dots near the bottom show where it rounds to 1. Right, the derivative. Both fall exponentially, tanh twice as fast. The library's derivative does not round to zero, for it is not taken from $1-\sigma$.*

# %% [markdown] lang="zh"
# ## 4 实验：信号穿过五十层
#
# 宽度为 $n$ 的一层，权重方差取 $g^2/n$。若输入 $x\sim N(0,q)$，则下一层的方差是
# $$V(q)=g^2\,\mathrm E\,\varphi(\sqrt q\,z)^2,\qquad z\sim N(0,1).$$
# 要使 $V(1)=1$，增益必须是 $g=1/\sqrt{\mathrm E\,\varphi(z)^2}$：sigmoid 1.8462，tanh 1.5925，ReLU 1.4142（即 $\sqrt2$，He 初始化），GELU 1.5335，SiLU 1.6765。期望用求积算出，不靠随机数：

# %% [markdown] lang="en"
# ## 4 The experiment: a signal through fifty layers
#
# Give a layer of width $n$ weights of variance $g^2/n$. If its input is $x\sim N(0,q)$, the variance in the next layer is
# $$V(q)=g^2\,\mathrm E\,\varphi(\sqrt q\,z)^2,\qquad z\sim N(0,1).$$
# For $V(1)=1$ the gain must be $g=1/\sqrt{\mathrm E\,\varphi(z)^2}$: sigmoid 1.8462, tanh 1.5925, ReLU 1.4142 (that is $\sqrt2$, He's initialization), GELU 1.5335, SiLU 1.6765. The expectation is by quadrature, not by random numbers:

# %%
print(inspect.getsource(jn.activations.gain))
five = {name: getattr(act, name) for name in ("sigmoid", "tanh", "relu", "gelu", "silu")}
gains = {name: float(act.gain(phi)) for name, phi in five.items()}
np.testing.assert_allclose(
    list(gains.values()), [1.8462, 1.5925, 1.4142, 1.5335, 1.6765], rtol=1e-3
)
print({name: round(gain, 4) for name, gain in gains.items()})

# %% [markdown] lang="zh"
# 有了准确的增益，信号就能保住吗？不一定。不动点 $q=1$ 附近，误差每层乘以 $V'(1)$：小于 1 则**稳定**，等于 1 则**临界**，大于 1 则**不稳定**。

# %% [markdown] lang="en"
# Does the exact gain keep the signal? Not always. Near the fixed point $q=1$ an error is multiplied by $V'(1)$ in each layer: below 1 it is **stable**, at 1 **marginal**, above 1 **unstable**.

# %%
slopes = [float(act.variance_map_slope(phi)) for phi in five.values()]
np.testing.assert_allclose(slopes, [0.106, 0.461, 1.000, 1.144, 1.173], atol=2e-3)
axes = draw.variance_cobweb({name: five[name] for name in ("tanh", "relu", "gelu")})

# %% [markdown] lang="zh"
# *图：方差映射 $V$（蓝）、对角线（点线）与从 $q=2$ 出发的路径（红）。tanh 的路径走向不动点 1；ReLU 的 $V$ 就是对角线，停在原处；GELU 的曲线在 1 处比对角线陡，路径越走越远，出了图框。斜率依次为 0.461、1.000、1.144；另外 sigmoid 为 0.106，SiLU 为 1.173。*

# %% [markdown] lang="en"
# *Picture: the variance map $V$ (blue), the diagonal (dotted) and the path from $q=2$ (red). That of tanh goes to the fixed point 1; for ReLU $V$ is the diagonal and the path stays; the curve of GELU is steeper than the diagonal at 1, and the path runs away, out of the frame. The slopes are 0.461, 1.000, 1.144; sigmoid has 0.106 and SiLU 1.173.*

# %% [markdown] lang="zh"
# 这是预言。现在做实验：宽 256、深 50 的随机网络，每种激活函数取 8 个种子。

# %% [markdown] lang="en"
# So much for the forecast. Now the experiment: random networks, 256 wide and 50 deep, eight seeds for each activation.


# %%
def through(phi, gain, key):
    """RMS of fifty layers' pre-activations, and of the gradient of a random output in them."""
    first, last, rest = jax.random.split(key, 3)
    weights = jax.random.normal(rest, (50, 256, 256)) / 16  # the same for every phi

    def output(nudges):  # zeros, added for the derivatives in them
        def layer(z, inputs):
            W, nudge = inputs
            z = gain * jnp.matmul(W, phi(z), precision="highest") + nudge
            return z, z

        z, layers = jax.lax.scan(layer, jax.random.normal(first, (256,)), (weights, nudges))
        return jnp.vdot(jax.random.normal(last, (256,)), z), layers

    gradients, layers = jax.grad(output, has_aux=True)(jnp.zeros((50, 256)))
    # the norm of the library: in float32 the squares of sigmoid's gradients are 0
    return [jax.vmap(jn.sums.norm)(part) / 16 for part in (layers, gradients)]


keys = jax.random.split(jax.random.key(0), 8)
sizes, gradients = {}, {}
for name, phi in five.items():
    run = jax.jit(jax.vmap(functools.partial(through, phi, gains[name])))
    sizes[name], gradients[name] = map(np.asarray, run(keys))
ax = draw.through_layers(sizes)
for name, size in sizes.items():
    print(f"{name:8} RMS at layer 50: {size[:, -1].min():.2g} to {size[:, -1].max():.2g}")
for name in ("sigmoid", "tanh"):
    np.testing.assert_allclose(sizes[name][:, -1], 1, atol=0.2)
for name in ("gelu", "silu"):
    assert sizes[name][:, -1].max() > 10 * sizes[name][:, -1].min()

# %% [markdown] lang="zh"
# *图：各层预激活值的均方根，每个种子一条线。sigmoid 与 tanh 贴着 1；ReLU 慢慢散开；GELU 与 SiLU 分散到几个数量级。GELU 网络要配层归一化（LayerNorm），这是一个原因：选激活函数与选初始化是**同一个**决定。*

# %% [markdown] lang="en"
# *Picture: the root mean square of the pre-activations of each layer, a line for each seed. Sigmoid and tanh stay by 1; ReLU drifts apart slowly; GELU and SiLU spread over orders of magnitude. This is one reason why GELU networks come with layer normalization: the activation and the initialization are **one** decision.*

# %% [markdown] lang="zh"
# ### 信号保住了，梯度呢？
# 梯度的平方范数每层约乘以 $g^2\,\mathrm E\,\varphi'(z)^2$。ReLU 恰好是 1；tanh 是 1.18，五十层就是几千倍；sigmoid 只有 0.153，五十层之后什么也不剩。若权重保持为 1，界更简单：一串 $n$ 个 sigmoid 的导数不超过 $4^{-n}$。

# %% [markdown] lang="en"
# ### The signal is kept; and the gradient?
# The squared norm of a gradient is multiplied by about $g^2\,\mathrm E\,\varphi'(z)^2$ in a layer. ReLU has exactly 1; tanh 1.18, over fifty layers a factor of some thousands; sigmoid has 0.153, and nothing is left after fifty layers. With weights of 1 the bound is simpler: a chain of $n$ sigmoids has a derivative of at most $4^{-n}$.

# %%
factors = {
    name: float(gains[name] ** 2 * act.second_moment_of_derivative(phi))
    for name, phi in five.items()
}
np.testing.assert_allclose(factors["sigmoid"], 0.153, atol=1e-3)
np.testing.assert_allclose(factors["relu"], 1, rtol=1e-3)
np.testing.assert_allclose(factors["tanh"], 1.18, atol=5e-3)


def chain(x, n):
    for _ in range(n):
        x = act.sigmoid(x)
    return x


for n in (1, 5, 10):
    assert abs(jax.grad(chain)(0.0, n)) <= 4.0**-n * 1.0001
print("factors:", {name: round(factor, 2) for name, factor in factors.items()})
measured = {
    name: np.exp(2 * np.log(gradient[:, 0] / gradient[:, -1]).mean() / 49)
    for name, gradient in gradients.items()
}
print("measured:", {name: round(float(factor), 2) for name, factor in measured.items()})
for name in ("sigmoid", "tanh", "relu"):
    np.testing.assert_allclose(measured[name], factors[name], rtol=0.1)
ax = draw.through_layers(gradients)

# %% [markdown] lang="zh"
# *图：输出对各层预激活值的梯度的均方根，从第 50 层（右）往回走到第 1 层（左），每个种子一条线。sigmoid 的梯度每层缩小到 $\sqrt{0.153}\approx0.39$ 倍，到第 1 层只剩 $10^{-20}$ 左右；ReLU 的大致不变，tanh 的增大到几十倍；GELU 与 SiLU 各个种子相差很大。*

# %% [markdown] lang="en"
# *Picture: the root mean square of the gradient of the output in the pre-activations of each layer, going back from layer 50 (right) to layer 1 (left), a line for each seed. That of sigmoid shrinks by $\sqrt{0.153}\approx0.39$ a layer to some $10^{-20}$ in the first; that of ReLU about stays, that of tanh grows some fiftyfold; with GELU and SiLU the seeds differ widely.*

# %% [markdown] lang="zh"
# ## 5 实验：“多试几个再选”，怎样才算公平？
#
# 笔记建议：不知道选哪个，就多试几个。试也有讲究：每个候选要用**同样的**折、起点和样本次序；学习率要让各自**选自己的**；差别要大过偶然，才算数。`select_activation` 做的正是这件事。数据是带噪声的异或：两个坐标异号为 1，同号为 0，再把一成标签反转，所以没有哪个模型的期望损失能低于 $-0.1\ln0.1-0.9\ln0.9=0.325$。恒等激活作对照，它只是逻辑回归。

# %% [markdown] lang="en"
# ## 5 The experiment: “test many and choose”, but when is a test fair?
#
# The notes advise: if you do not know, test several. There is an art to it. All candidates need the **same** folds, starts and order of rows; each its **own** learning rate; and a difference counts only where chance would hardly make it. `select_activation` does just that. The data are XOR with noise: 1 where the coordinates differ in sign, else 0, then a tenth of the labels flipped, so that no model has an expected loss below $-0.1\ln0.1-0.9\ln0.9=0.325$. The identity stands by for comparison: it is just logistic regression.

# %%
np.testing.assert_allclose(-0.1 * np.log(0.1) - 0.9 * np.log(0.9), 0.325, rtol=1e-3)
points, noise = jax.random.split(jax.random.key(5))
X = jax.random.uniform(points, (800, 2), minval=-1.7, maxval=1.7)
y = (X[:, 0] * X[:, 1] < 0) ^ (jax.random.uniform(noise, (800,)) < 0.1)
found = jn.neural_networks.select_activation(
    jax.random.key(6),
    (2, 8, 1),
    (X, y),
    activations=("identity", "sigmoid", "tanh", "relu", "gelu"),
    rates=(0.001, 0.01, 0.1),
    output="binary",
    folds=10,
    epochs=20,
    batch_size=40,
)
print(network_plots.activation_table(found))

# %%
ax = network_plots.activation_rates(found)
loss = dict(zip(found.activation, found.loss, strict=True))
assert "identity" not in found.tied
assert loss["identity"].min() > 0.6 and all(loss[name].min() < 0.55 for name in found.tied)
assert loss["sigmoid"][1] > loss["tanh"][1] + 0.02 and loss["sigmoid"].argmin() == 2

# %% [markdown] lang="zh"
# *图：验证损失随学习率的变化，竖线为一个标准误，实心点是各自最好的学习率。恒等激活平平地停在 $\ln2$ 附近；sigmoid 一路下降，到 0.1 才追上；其余三个从 0.01 起就靠在一起。图下是程序的判决。*

# %% [markdown] lang="en"
# *Picture: the validation loss against the learning rate, with one standard error either way; the filled marks are each one's best rate. The identity stays level near $\ln2$; sigmoid falls all the way and catches up at 0.1 only; the other three lie close together from 0.01 on. Below stands the verdict.*

# %% [markdown] lang="zh"
# 怎样读这张表：
#
# - **恒等激活出局**，换哪个随机种子都一样：一条直线分不开异或。弯，才是要紧的事。
# - **弯的几个，差别大多小过偶然的波动**，判决就不会硬推一个第一名：“No winner”说的是这些数据**分不出**，不是它们相等；换一份数据，名单可能略有出入，偶尔也会有一个落在后面。看最低的那个数就宣布优胜，等于抽签。
# - **只试一个学习率，会冤枉人**：若大家都用 0.01，sigmoid 明显垫底（弯的几个之中）；让它用自己的 0.1，就追上来了。它的 `grad 1`（训练前第一层的梯度）也最小：权重走同样的一步，它的损失变得最少，所以步子要大些。
# - **`dead` 一列**：学习率 0.1 时，ReLU 有一些单元死了，光滑的几个几乎没有。

# %% [markdown] lang="en"
# How to read the table:
#
# - **The identity is out**, with any key: no straight line parts XOR. To bend is what matters.
# - **Among those that bend, most differences are no larger than chance makes them**, and the verdict does not force a winner: “No winner” says that these data **cannot tell**, not that they are equal. With other data the list may differ a little, and now and then one falls behind. Picking the lowest number is a coin toss.
# - **One rate for all is unfair**: with 0.01 for all, sigmoid is plainly the last of those that bend; with its own 0.1 it catches up. Its `grad 1`, the gradient of the first layer before training, is the smallest: the same step in the weights changes its loss the least, so it needs longer ones.
# - **The column `dead`**: at the rate 0.1 some units of ReLU are dead, and hardly any of the smooth ones.

# %%
dead = dict(zip(found.activation, found.dead_units[:, 2], strict=True))
first = dict(zip(found.activation, found.grad_norm[:, 0, 0], strict=True))
assert dead["relu"] > 0.04 > max(dead["sigmoid"], dead["tanh"], dead["gelu"])
assert min(first, key=first.get) == "sigmoid"

# %% [markdown] lang="zh"
# ## 6 勘误三则
#
# ### 其一
# **误区**：sigmoid“除非用在二元分类的输出层，不然绝对不要用”。
#
# **反例**：上面五十层的信号，sigmoid 比 GELU 稳得多；上一课两个隐藏单元的异或，sigmoid 的成功次数也多于 ReLU（条形图在[第 09 课](09_network_forward.ipynb)第 4 节）。

# %% [markdown] lang="en"
# ## 6 Three corrections
#
# ### First
# **The sentence**: sigmoid: “except in the output layer of a binary classification, never use it”.
#
# **Counterexample**: the signal of fifty layers above is far steadier with sigmoid than with GELU; and at XOR with two hidden units sigmoid succeeded more often than ReLU (the bars stand in section 4 of [lesson 09](09_network_forward.ipynb)).

# %%
assert np.ptp(np.log(sizes["sigmoid"][:, -1])) < np.ptp(np.log(sizes["gelu"][:, -1]))
assert act.variance_map_slope(act.sigmoid) < 1 < act.variance_map_slope(act.gelu)

# %% [markdown] lang="zh"
# **正解**：作深层隐藏层的激活函数，sigmoid 的**梯度**消失得太快；但 LSTM 与 GRU 的门、注意力的门、SiLU、多标签输出都用它。由 `tests/test_corrections.py::test_sigmoid_has_its_place_and_tanh_its_limits` 检验。
#
# ### 其二
# **误区**：tanh“几乎在所有场合都适用”。
#
# **反例**：在 $z=8.5$ 处，tanh 已经舍入成 1，sigmoid 还没有。

# %% [markdown] lang="en"
# **The theorem**: as the activation of deep hidden layers, sigmoid loses the **gradient** too fast; but the gates of LSTM, GRU and attention, SiLU and multi-label outputs all use it. Checked by `tests/test_corrections.py::test_sigmoid_has_its_place_and_tanh_its_limits`.
#
# ### Second
# **The sentence**: tanh is “suitable nearly everywhere”.
#
# **Counterexample**: at $z=8.5$ tanh has rounded to 1, and sigmoid has not.

# %%
assert act.tanh(8.5) == 1 and act.sigmoid(8.5) < 1
assert jax.grad(act.tanh)(8.5) < 1e-6 < jax.grad(act.sigmoid)(8.5)

# %% [markdown] lang="zh"
# **正解**：tanh 的输出以零为中心，这是优点；但它同样饱和，而且更早，因为 $\tanh z=2\sigma(2z)-1$。由 `tests/test_corrections.py::test_sigmoid_has_its_place_and_tanh_its_limits` 检验。
#
# ### 其三
# **误区**：ReLU“不知道用哪个的时候，用这个”。
#
# **反例**：一个单元若对所有样本输入都为负，它的梯度恒为零，从此再也不会改变：它“死”了。

# %% [markdown] lang="en"
# **The theorem**: the outputs of tanh are centred at zero, a merit; but it saturates too, and sooner, because $\tanh z=2\sigma(2z)-1$. Checked by `tests/test_corrections.py::test_sigmoid_has_its_place_and_tanh_its_limits`.
#
# ### Third
# **The sentence**: ReLU: “when you do not know which, use this”.
#
# **Counterexample**: a unit whose input is negative for every example has a gradient of zero and will never change again: it is “dead”.

# %%
z = jnp.array([-0.5, -1.0, -2.0])  # the inputs of one unit, for all examples
dead, leaky = (jax.grad(lambda z, f=f: jnp.sum(f(z)))(z) for f in (act.relu, act.leaky_relu))
assert jnp.all(dead == 0) and jnp.all(leaky > 0)

# %% [markdown] lang="zh"
# **正解**：ReLU 是不错的起点，要配上 He 初始化和合适的学习率，并查一查死单元；leaky ReLU 不会这样死。由 `tests/test_corrections.py::test_a_relu_can_die_where_a_leaky_one_cannot` 检验。

# %% [markdown] lang="en"
# **The theorem**: ReLU is a fair start, with He's initialization, a suitable learning rate and a look for dead units; a leaky ReLU does not die this way. Checked by `tests/test_corrections.py::test_a_relu_can_die_where_a_leaky_one_cannot`.

# %% [markdown] lang="zh"
# ## 7 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E10.1** 只用 `jnp` 的初等函数写出 $\log\sigma(x)$：$|x|\le10^4$ 时，值与导数都要正确。

# %% [markdown] lang="en"
# ## 7 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E10.1** Write $\log\sigma(x)$ with elementary functions of `jnp`: value and derivative must be right for $|x|\le10^4$.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E10.1"
def log_sigmoid(x):
    """log sigma(x), for any number x."""
    return -jnp.logaddexp(0.0, -x)


check("E10.1", log_sigmoid)

# %% [markdown] lang="zh"
# **E10.2** 求激活函数 $\varphi$ 的增益 $g=1/\sqrt{\mathrm E\,\varphi(z)^2}$，准到千分之一。`phi` 可以直接作用于数组。

# %% [markdown] lang="en"
# **E10.2** Find the gain $g=1/\sqrt{\mathrm E\,\varphi(z)^2}$ of an activation, to a thousandth. You may apply `phi` to an array.


# %% exercise="E10.2"
def gain(phi):
    """1 / sqrt(E[phi(z)^2]) for z ~ N(0, 1)."""
    z = jnp.linspace(-8.0, 8.0, 4001)
    density = jnp.exp(-(z**2) / 2) / jnp.sqrt(2 * jnp.pi)
    return 1 / jnp.sqrt(jnp.sum(phi(z) ** 2 * density) * (z[1] - z[0]))


check("E10.2", gain)

# %% [markdown] lang="zh"
# **E10.3** 死单元普查：`A` 是 ReLU 之后的激活值，形状（样本数，单元数）。有多少个单元对**每一个**样本都是零？

# %% [markdown] lang="en"
# **E10.3** A census of dead units: `A` holds activations after ReLU, shape (examples, units). How many units are zero for **every** example?


# %% exercise="E10.3"
def dead_units(A):
    """The number of columns of A that are zero throughout."""
    return jnp.sum(jnp.all(A == 0, axis=0))


check("E10.3", dead_units)

# %% [markdown] lang="zh"
# **E10.4** 用 $\varphi$ 搭一个很深的网络，增益准确。由方差映射预言信号的去留：在 $q=1$ 处是 `"stable"`（稳定）、`"marginal"`（临界）还是 `"unstable"`（不稳定）？与 1 相差不到百分之一，算临界。

# %% [markdown] lang="en"
# **E10.4** Stack many layers of $\varphi$ with the exact gain. Predict from the variance map what becomes of the signal: is it `"stable"`, `"marginal"` or `"unstable"` at $q=1$? Within a hundredth of 1 counts as marginal.


# %% exercise="E10.4"
def fate(phi):
    """Returns "stable", "marginal" or "unstable" for a function phi."""
    slope = jax.grad(lambda q: jn.activations.variance_map(phi, q))(1.0)
    if abs(slope - 1) < 0.01:
        return "marginal"
    return "stable" if slope < 1 else "unstable"


check("E10.4", fate)

# %% [markdown] lang="zh"
# ## 8 小结
#
# | 场合 | 选择 | 理由 |
# |---|---|---|
# | 二元、多标签输出，门 | sigmoid | 要的是概率或比例 |
# | 浅网络，循环网络的状态 | tanh | 以零为中心，方差稳定 |
# | 深的卷积、全连接网络 | ReLU，He 初始化 | 便宜，梯度因子恰为 1 |
# | ReLU 死单元太多 | leaky ReLU | 左边仍有斜率 |
# | Transformer | GELU、SiLU | 光滑，配层归一化 |
#
# 拿不准时就试，但要像第 5 节那样公平地试；分不出高下时，就如实说分不出。
#
# **何处会失灵**：照公式写的 tanh、ELU 在 100 处给出 NaN；单精度的 $1-\sigma(z)$ 从 $z\approx16.6$ 起为零；尖点处的导数只是约定。
#
# **下一课**：[11 求和与记号](11_sums_and_notation.ipynb)。

# %% [markdown] lang="en"
# ## 8 Summary
#
# | Where | Choice | Why |
# |---|---|---|
# | binary or multi-label outputs, gates | sigmoid | a probability or a share is wanted |
# | shallow nets, recurrent state | tanh | centred at zero, stable variance |
# | deep convolutional or dense nets | ReLU, He's initialization | cheap; gradient factor exactly 1 |
# | many dead ReLU units | leaky ReLU | keeps a slope on the left |
# | transformers | GELU, SiLU | smooth, with layer normalization |
#
# In doubt, test, but fairly, as in section 5; and where the data cannot tell, say so.
#
# **Where it breaks**: tanh and ELU copied from the formula give NaN at 100; in float32 $1-\sigma(z)$ is zero from $z\approx16.6$ on; at a kink the derivative is a convention.
#
# **Next**: [11 Sums and notation](11_sums_and_notation.ipynb).
