# %% [markdown] lang="zh"
# # 13 基准测试：在你的机器上
#
# **约 40 秒运行完 · 先修：[12 一百万个模型](12_many_models.ipynb)**
#
# 学完这一课，你能够
# - 公平地给 JAX 代码计时：等结果算完，编译另算，轮流跑，取中位数；
# - 说出一件事**至少**要多久（下限），从而知道还有没有改进的余地；
# - 看懂一张基准测试的表，也看得出哪张表不可信；
# - 在自己的 CPU、GPU 或 TPU 上，重现这里的每一行。
#
# 这一课里的时间都是写作时那台双核 CPU 上的。重新运行，表和图就换成**你的机器**的。被断言检验的只有结果是否正确，时间从不断言。

# %% [markdown] lang="en"
# # 13 Benchmarks, on your machine
#
# **Runs in about 40 seconds · after: [12 A million models](12_many_models.ipynb)**
#
# After this lesson you can
# - time JAX code fairly: wait for the result, count compiling apart, take turns, use medians;
# - say how long a thing must take **at least** (its floor), and so whether there is anything left to gain;
# - read a table of benchmarks, and see which table not to trust;
# - reproduce every line here on your own CPU, GPU or TPU.
#
# The times you see are those of the two CPU cores on which this was written. Run it again and table and pictures are those of **your machine**. Only the results are asserted, never a time.

# %%
import inspect
import math
import time

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show.lesson_plots import benchmarks as draw
from jaxnotes.show.lesson_plots import growth

PROBLEMS, N, P, L2 = 1024, 100, 4, 1e-2
rng = np.random.default_rng(0)
X = rng.standard_normal((PROBLEMS, N, P), np.float32)
slopes = 0.7 * rng.standard_normal((PROBLEMS, P, 1))
chance = 1 / (1 + np.exp(-(X @ slopes)[:, :, 0] - 0.3))
y = (rng.random((PROBLEMS, N)) < chance).astype(np.float32)
X, y = jax.device_put(X), jax.device_put(y)


def fit(X, y):
    return jn.logistic_regression.fit(X, y, l2=L2)


many = jax.jit(jax.vmap(fit))
returned, finished = [], []
for _ in range(20):
    start = time.perf_counter()
    result = many(X, y)
    returned.append(time.perf_counter() - start)
    jax.block_until_ready(result)
    finished.append(time.perf_counter() - start)
assert result.converged.all()
ax = draw.calls(returned, finished)

# %% [markdown] lang="zh"
# *图：同一个函数（1024 个逻辑回归，一次调用）连续调用 20 次。第一次要编译，比以后的慢几百倍；此后，红色虚线是“函数返回”的时间，蓝色实线是“结果算完”的时间。JAX 是异步的：不等结果，量到的只是把任务交出去要多久。*

# %% [markdown] lang="en"
# *Picture: one function (1024 logistic regressions in one call), called 20 times. The first call compiles and takes hundreds of times as long as the later ones. From then on the red, dashed line is when the call returned and the blue one when the result was there. JAX is asynchronous: without waiting, you time how long it takes to hand the work over.*

# %% [markdown] lang="zh"
# ## 1 想法：一个时间要回答的问题
#
# “我的代码快十倍”这句话，至少要说清五件事：
#
# | 问题 | 这里的回答 |
# |---|---|
# | 算的是同一件事吗？ | 先断言结果一致 |
# | 编译算在内吗？ | 单独列出 |
# | 等结果了吗？ | `jax.block_until_ready` |
# | 机器受干扰怎么办？ | 轮流跑，取中位数 |
# | 还能快多少？ | 与下限比较 |

# %% [markdown] lang="en"
# ## 1 The idea: what a time must answer
#
# “My code is ten times as fast” has to say five things at least:
#
# | Question | The answer here |
# |---|---|
# | Is it the same result? | asserted first |
# | Is compilation counted? | separately |
# | Was the result waited for? | `jax.block_until_ready` |
# | What about disturbances? | turns, and medians |
# | How much is left to gain? | the floor |

# %% [markdown] lang="zh"
# ## 2 计时器
#
# 十来行就够了。**轮流**的意思是：每一轮里每个选手各跑一次，机器若在某一刻变慢，大家一起慢。中位数不怕少数几次干扰；最小值会挑出幸运的一次，平均值会被一次卡顿带偏。

# %% [markdown] lang="en"
# ## 2 The clock
#
# A dozen lines will do. **Taking turns** means that every contender runs once in every round, so a slow moment of the machine meets them all. A median does not mind a few disturbances; a minimum picks the lucky run, and a mean is carried off by a single hiccup.


# %%
def timed(contenders, rounds=7):
    """Seconds of each contender in each round; compiled and warm before the clock starts."""
    for run in contenders.values():
        jax.block_until_ready(run())
    seconds = {name: np.zeros(rounds) for name in contenders}
    for k in range(rounds):
        for name, run in contenders.items():
            start = time.perf_counter()
            jax.block_until_ready(run())
            seconds[name][k] = time.perf_counter() - start
    return seconds


def compiled(fun, *data):
    """fun compiled for data, and the seconds which that took."""
    start = time.perf_counter()
    ready = jax.jit(fun).lower(*data).compile()
    return ready, time.perf_counter() - start


table, compile_seconds = [], {}


def enter(workload, seconds, floor):
    """Put the medians of a workload into the table, and print them."""
    for name, taken in seconds.items():
        table.append(draw.Row(workload, name, float(np.median(taken)), floor))
        print(f"{workload:18} {name:34} {draw.duration(np.median(taken)):>8}")


# %% [markdown] lang="zh"
# ## 3 推导：下限
#
# 一个程序至少要把数据搬一遍，也至少要把该做的运算做一遍。设机器每秒最多搬 $\beta$ 字节、做 $\pi$ 次运算，则搬 $B$ 字节、做 $F$ 次运算的任务
# $$T\ge\max\left(\frac B\beta,\ \frac F\pi\right),\qquad\text{speed}=\frac FT\le\min\left(\pi,\ \beta\,\frac FB\right).$$
# 第二式称为**屋顶线**：$F/B$（每字节的运算次数）小时受搬运限制，大时受运算限制，转折点在 $F/B=\pi/\beta$。
#
# 都在你的机器上现测。对一个长向量做 $k$ 次“乘一下、加一下”，每个数读写各一次（8 字节），运算 $2k$ 次，$F/B=k/4$。$\beta$ 取所有这些遍历中最快的一次，$\pi$ 取最快的一次 $1024\times1024$ 矩阵乘积。（界要用最快的一次，不用中位数。）

# %% [markdown] lang="en"
# ## 3 The derivation: the floor
#
# A program must move its data at least once, and do its arithmetic at least once. If the machine moves at most $\beta$ bytes and does at most $\pi$ operations a second, then $B$ bytes and $F$ operations take
# $$T\ge\max\left(\frac B\beta,\ \frac F\pi\right),\qquad\text{speed}=\frac FT\le\min\left(\pi,\ \beta\,\frac FB\right).$$
# The second form is called the **roofline**: where $F/B$, operations a byte, is small, traffic is the limit, and arithmetic where it is large; they change over at $F/B=\pi/\beta$.
#
# Both are measured on your machine now. Multiply and add $k$ times, elementwise, in a long vector: every number is read and written once (8 bytes) and takes $2k$ operations, so $F/B=k/4$. Take for $\beta$ the fastest of all these passes, and for $\pi$ the fastest product of $1024\times1024$ matrices. (A bound wants the fastest run and not the median.)


# %%
def multiply_and_add(k):
    def run(x):
        value = x
        for _ in range(k):
            value = value * x + 0.5
        return value

    return jax.jit(run)


lengths = [2**k for k in (16, 18, 20, 22, 24)]
vectors = {n: jnp.linspace(0.0, 0.5, n) for n in lengths}
light = multiply_and_add(4)
passes = timed({n: lambda x=x: light(x) for n, x in vectors.items()})
length = max(lengths, key=lambda n: n / passes[n].min())  # where the traffic is fastest

degrees = np.array([1, 2, 4, 8, 16, 32, 64, 128])
chains = {k: multiply_and_add(int(k)) for k in degrees}
x = vectors[length]
np.testing.assert_allclose(chains[64](x), 0.5 / (1 - x), rtol=1e-5)
taken = timed({k: lambda chain=chain: chain(x) for k, chain in chains.items()})
bandwidth = (
    8 * length / min(passes[length].min(), *(rounds.min() for rounds in taken.values()))
)

square = jax.random.normal(jax.random.key(0), (1024, 1024))
product = jax.jit(lambda A: jnp.matmul(A, A, precision="highest"))
rate = 2 * 1024**3 / timed({"product": lambda: product(square)})["product"].min()
exact_square = np.asarray(square, float)
np.testing.assert_allclose(product(square)[0], exact_square[0] @ exact_square, atol=1e-3)


def floor(n_bytes, operations):
    return max(n_bytes / bandwidth, operations / rate)


speed = [2 * k * length / np.median(taken[k]) for k in degrees]
ax = draw.roofline(degrees / 4, speed, bandwidth=bandwidth, rate=rate)
print(f"traffic {bandwidth / 1e9:.0f} GB/s, with {length:,} numbers")
print(
    f"products {rate / 1e9:.0f} billion operations/s; ridge at {rate / bandwidth:.0f} a byte"
)

# %% [markdown] lang="zh"
# *图：屋顶线。黑线是上界：左边的斜坡由搬运决定，右边的平台由运算决定，橙色点线是转折处。圆点是实测（中位数）：运算增多时先沿着斜坡升高（这时多做的运算几乎不花时间），然后不再升高。它到不了屋顶，因为这串运算要一个等一个，而矩阵乘积可以同时做许多个。*

# %% [markdown] lang="en"
# *Picture: the roofline. The black line is the bound: the slope on the left is traffic, the flat part on the right arithmetic, and they change over at the orange dotted line. The dots are measured (medians): with more operations they climb along the slope at first, where further arithmetic is nearly free, and then no more. They stay below the roof, because in this chain each operation waits for the one before, while a matrix product does many at a time.*

# %% [markdown] lang="zh"
# ## 4 实验：四件小事
#
# ### 一千个逻辑回归
# 三个选手：一次 `vmap` 调用；同一个函数编译好，用 Python 循环逐个调用；NumPy 的牛顿法，一千个问题一起算（手写的，没有步长控制，也不检查数据）。先看答案是否一致，再看时间。

# %% [markdown] lang="en"
# ## 4 The experiment: four small things
#
# ### A thousand logistic regressions
# Three contenders: one call of `vmap`; the same function, compiled, called in a Python loop; and Newton's method in NumPy for all problems at once (by hand, without step control, without a look at the data). First the answers, then the times.


# %%
ones = np.ones((PROBLEMS, N, 1), np.float32)
A, labels = np.concatenate([np.asarray(X), ones], axis=2), np.asarray(y)
penalty = np.array([L2] * P + [0], np.float32)  # the intercept is free


def numpy_newton():
    theta = np.zeros((PROBLEMS, P + 1), np.float32)
    for _ in range(50):
        mean = 1 / (1 + np.exp(-(A @ theta[:, :, None])[:, :, 0]))
        gradient = ((mean - labels)[:, None, :] @ A)[:, 0] / N + penalty * theta
        if np.abs(gradient).max() < 1e-6:
            return theta
        weighted = A * (mean * (1 - mean))[:, :, None]
        hessian = weighted.transpose(0, 2, 1) @ A / N + np.diag(penalty)
        theta = theta - np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
    return theta


many, compile_seconds["logistic, vmap"] = compiled(jax.vmap(fit), X, y)
one, compile_seconds["logistic, one"] = compiled(fit, X[0], y[0])
each = list(zip(X, y, strict=True))
at_once, by_loop = many(X, y).params.coef, [one(*data).params.coef for data in each]
np.testing.assert_allclose(at_once, jnp.stack(by_loop), atol=1e-3)
np.testing.assert_allclose(at_once, numpy_newton()[:, :P], atol=1e-3)

contenders = {
    "jaxnotes, one call": lambda: many(X, y),
    "NumPy, all at once": numpy_newton,
    "jaxnotes, a Python loop": lambda: [one(*data) for data in each],
}
seconds = timed(contenders, rounds=9)
steps, q = int(many(X, y).steps.max()), P + 1
operations = steps * PROBLEMS * N * (q * (q + 1) + 4 * q)
enter("1024 logistic fits", seconds, floor(X.nbytes + y.nbytes, operations))
ax = draw.rounds(seconds)

# %% [markdown] lang="zh"
# *图：三个选手每一轮的时间（圆点）与中位数（红色竖线与数字），对数坐标。循环慢，不是因为它算得多，而是因为每次从 Python 调用都有零点几毫秒的开销，一千次就是零点几秒。圆点的散布就是这台机器受到的干扰：两个选手的散布若有重叠，就不要说谁快。*

# %% [markdown] lang="en"
# *Picture: the rounds of three contenders (dots) and their medians (red strokes, with the number), on a logarithmic axis. The loop is not slow because it computes more: a call from Python costs some tenths of a millisecond, and a thousand of them some tenths of a second. How far the dots scatter is how much this machine is disturbed; where those of two contenders overlap, do not call one of them faster.*

# %% [markdown] lang="zh"
# ### 一千条下降路径
# 从一千个起点出发，在 Himmelblau 函数上各走一百步：一次调用；编译好的一步，用 Python 循环走一百次；NumPy，手写的梯度。一次调用的那个还要记下每一步的位置、函数值和梯度的模（`minimize_path` 本是为画图而写的），后两个什么都不记，所以它不一定最快；如实报告。

# %% [markdown] lang="en"
# ### A thousand paths of descent
# From a thousand starts, a hundred steps each on Himmelblau's function: one call; one compiled step, called a hundred times from Python; NumPy, with the gradient by hand. The one call also records the place, the value and the size of the gradient at every step (`minimize_path` is made for pictures), and the other two record nothing, so it need not be the fastest; we report what we find.


# %%
RATE, STEPS = 0.01, 100


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def descend(start):
    rule = jn.methods.gradient_descent(RATE)
    return jn.minimize_path(himmelblau, start, method=rule, steps=STEPS).params[-1]


def numpy_descent():
    x = numpy_starts
    for _ in range(STEPS):
        a, b = x[:, 0] ** 2 + x[:, 1] - 11, x[:, 0] + x[:, 1] ** 2 - 7
        slope = np.stack([4 * a * x[:, 0] + 2 * b, 2 * a + 4 * b * x[:, 1]], axis=1)
        x = x - RATE * slope
    return x


def stepwise():
    x = starts
    for _ in range(STEPS):
        x = step(x)
    return x


numpy_starts = rng.uniform(-4, 4, (1024, 2)).astype(np.float32)
starts = jax.device_put(numpy_starts)
paths, compile_seconds["descent, vmap"] = compiled(jax.vmap(descend), starts)
step = jax.jit(lambda x: x - RATE * jax.vmap(jax.grad(himmelblau))(x))
# Near the ridge between two valleys rounding decides which way it goes: compare the values reached.
ends = [jax.vmap(himmelblau)(end) for end in (paths(starts), stepwise(), numpy_descent())]
for other in ends[1:]:
    assert jnp.median(jnp.abs(ends[0] - other)) < 1e-3

contenders = {
    "jaxnotes, one call": lambda: paths(starts),
    "JAX, a call for each step": stepwise,
    "NumPy, all at once": numpy_descent,
}
enter("1024 descents", timed(contenders), floor(2 * starts.nbytes, 1024 * STEPS * 18))

# %% [markdown] lang="zh"
# ### 一百万个距离
# 一千个点与一千个点，两两的平方距离。按笔记里的广播写法，要先造出 $1000\times1000\times8$ 的数组；编译之后，这个数组从不写进内存。库里的函数只是两层 `vmap`：

# %% [markdown] lang="en"
# ### A million distances
# The squared distances of a thousand points from a thousand points. Broadcast as in the notes, an array of $1000\times1000\times8$ is made first; compiled, it is never written to memory. The function of the library is just two `vmap`s:


# %%
def squared_distance(a, b):
    return jnp.sum((a - b) ** 2)


def all_distances(points):
    return jn.broadcasting.pairwise(squared_distance, points, points)


def broadcast(points):
    return ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)


points = jax.random.normal(jax.random.key(1), (1000, 8))
numpy_points = np.asarray(points)
distances, compile_seconds["distances"] = compiled(all_distances, points)
np.testing.assert_allclose(distances(points), broadcast(numpy_points), atol=1e-4)
np.testing.assert_allclose(distances(points), broadcast(points), atol=1e-4)

contenders = {
    "jaxnotes, compiled": lambda: distances(points),
    "JAX, not compiled": lambda: broadcast(points),
    "NumPy": lambda: broadcast(numpy_points),
}
enter("10^6 distances", timed(contenders), floor(points.nbytes + 4 * 10**6, 3 * 8 * 10**6))
print(inspect.getsource(jn.broadcasting._every_pair))
bytes_of_it = jn.broadcasting.result_bytes((1000, 1, 8), (1, 1000, 8))
print(f"the broadcast array would take {bytes_of_it / 1e6:.0f} MB, the answer takes 4 MB")
assert bytes_of_it == 32_000_000

# %% [markdown] lang="zh"
# ### 一百万个数的和：又快又准？
# 速度只是一半。下面每种加法都有两个坐标：时间与误差。（逐个相加的循环在 CPU 上运行，一百万次的循环不是 GPU 的活。）

# %% [markdown] lang="en"
# ### The sum of a million numbers: fast and right?
# Speed is one half. Each way to add has two coordinates, its time and its error. (The loop that adds one after the other runs on the CPU: a million turns of a loop are no work for a GPU.)

# %%
values = rng.random(1_000_000, np.float32)
exact = math.fsum(values)
on_device = jax.device_put(values)
on_cpu = jax.device_put(values, jax.devices("cpu")[0])
plain_sum = jax.jit(jnp.sum)
ways = {
    "jnp.sum": lambda: plain_sum(on_device),
    "pairwise": lambda: jn.sums.pairwise_sum(on_device),
    "compensated": lambda: jn.sums.compensated_sum(on_device),
    "running": lambda: jn.sums.running_sum(on_cpu),
    "np.sum": lambda: np.sum(values),
    "math.fsum": lambda: math.fsum(values),
}
errors = {name: abs(float(way()) - exact) / exact for name, way in ways.items()}
seconds = timed(ways, rounds=15)
enter("sum of 10^6", seconds, floor(values.nbytes, values.size))
medians = {name: float(np.median(taken)) for name, taken in seconds.items()}
ax = draw.cost_and_error({name: (medians[name], errors[name]) for name in ways})
assert max(errors["compensated"], errors["pairwise"]) < 1e-6 < errors["running"] < 1e-2

# %% [markdown] lang="zh"
# *图：六种加法的时间（横轴）与相对误差（纵轴），越靠左下越好；误差为零的画在底边。逐个相加（running）最不准；补偿求和（compensated）准到单精度的最后一位，比 `jnp.sum` 慢；`math.fsum` 是准确的标准答案，最慢。快与准是两回事，报告时间时要把误差写在旁边。*

# %% [markdown] lang="en"
# *Picture: time (to the right) and relative error (upwards) of six ways to add; the lower left is best, and an error of zero is drawn at the foot. Adding one after the other (running) is the least accurate; the compensated sum is right to the last digit of float32 and takes longer than `jnp.sum`; `math.fsum`, the exact reference, takes longest. Fast and right are two things: put the error beside the time.*

# %% [markdown] lang="zh"
# ## 5 结果：你的机器的表

# %% [markdown] lang="en"
# ## 5 The result: the table of your machine

# %%
print(jn.about())
ax = draw.table(table)

# %% [markdown] lang="zh"
# *图：每组一件事，深蓝是第一个选手，浅蓝是其余；右边写着时间，以及它是第一个的多少倍。粗黑竖线是这件事的下限。柱子离下限越近，剩下的余地越小；离得远，多半是调用的开销，或者是下限没有计入的运算（指数函数、解线性方程组）。*

# %% [markdown] lang="en"
# *Picture: a group for each thing, dark blue for the first contender and light blue for the others; beside each bar the time, and how many times that of the first it is. The thick black stroke is the floor of that work. The nearer a bar comes to it, the less is left to gain; where it is far, it is mostly the cost of calls, or of what the floor does not count (exponentials, solving linear equations).*

# %% [markdown] lang="zh"
# 读这张表要留意两点：
# - **下限**按最快的遍历和最快的乘积算，数据很小时谁也碰不到它；只读不写的任务（求和）偶尔会略快于它。
# - 上面没有编译时间。只调用一次时，编译才是大头：

# %% [markdown] lang="en"
# Two things about this table:
# - The **floor** is that of the fastest pass and the fastest product: with little data nobody comes near it, and work that only reads (a sum) may now and then be a little faster.
# - Compiling is not in it. For a single call it is the larger part:

# %%
for name, spent in compile_seconds.items():
    print(f"{name:16} compiled in {draw.duration(spent):>8}")

# %% [markdown] lang="zh"
# ## 6 规模：量出来的指数
#
# 规模变了，名次会变，所以还要看增长。$n\times n$ 矩阵乘积的运算是 $2n^3$ 次，两两距离共 $n^2$ 个，求和是 $n$ 项。时间的指数由 `jn.sums.scaling_exponent` 在双对数坐标上用最小二乘量出：
# $$\log T=\text{const}+k\log n.$$

# %% [markdown] lang="en"
# ## 6 Sizes: measured exponents
#
# Another size may have another winner, so look at growth as well. The product of $n\times n$ matrices takes $2n^3$ operations, all distances are $n^2$, a sum has $n$ terms. `jn.sums.scaling_exponent` measures the exponent of the time by least squares on logarithmic axes:
# $$\log T=\text{const}+k\log n.$$

# %%
work = {
    "product": (product, [(n, jnp.ones((n, n))) for n in (256, 512, 1024, 2048)]),
    "distances": (
        jax.jit(all_distances),
        [(n, jnp.ones((n, 8))) for n in (500, 1000, 2000, 4000)],
    ),
    "sum": (plain_sum, [(n, jnp.ones(n)) for n in (10**6, 3 * 10**6, 10**7, 3 * 10**7)]),
}
sizes, medians, exponents = {}, {}, {}
for name, (fun, inputs) in work.items():
    seconds = timed({n: lambda x=x, fun=fun: fun(x) for n, x in inputs}, rounds=5)
    sizes[name] = np.array(list(seconds))
    medians[name] = np.array([np.median(taken) for taken in seconds.values()])
    slope = jn.sums.scaling_exponent(sizes[name].astype(np.float32), medians[name])
    exponents[name] = float(slope.exponent)
    print(f"{name:10} time ~ n^{slope.exponent:.2f} +- {slope.se:.2f}")
ax = growth(sizes, medians, exponents, "seconds")

# %% [markdown] lang="zh"
# *图：时间随 $n$ 的变化，双对数坐标，图例里是量得的指数。$n$ 大时三条线接近理论的斜率 3、2、1；$n$ 小时时间由调用的开销决定，线变平，所以量得的指数通常偏小。在 GPU 上，要更大的 $n$ 才会露出斜率。*

# %% [markdown] lang="en"
# *Picture: time against $n$ on logarithmic axes, with the measured exponents. For large $n$ the three approach the slopes 3, 2 and 1 of the theory; for small $n$ the cost of a call decides and the lines flatten, so a measured exponent is mostly too small. On a GPU it takes a larger $n$ to see the slope.*

# %% [markdown] lang="zh"
# ## 7 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E13.1** 写出下限：已知运算次数、字节数、每秒运算次数 `rate`、每秒字节数 `bandwidth`，至少要多少秒？

# %% [markdown] lang="en"
# ## 7 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E13.1** Write the floor: given the operations, the bytes, the operations a second (`rate`) and the bytes a second (`bandwidth`), how many seconds at least?

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E13.1"
def least_seconds(operations, n_bytes, rate, bandwidth):
    """The seconds that this work takes at least."""
    return max(operations / rate, n_bytes / bandwidth)


check("E13.1", least_seconds)

# %% [markdown] lang="zh"
# **E13.2** 编译要 `compile_s` 秒，此后每次 `fast_s` 秒；不编译则每次 `slow_s` 秒。最少调用几次，编译才不吃亏（总时间不更长）？永远吃亏时返回 `math.inf`。

# %% [markdown] lang="en"
# **E13.2** Compiling takes `compile_s` seconds and every call `fast_s` from then on; not compiled, a call takes `slow_s`. From how many calls on is it no loss to compile (the total is no longer)? Return `math.inf` if compiling never pays off.


# %% exercise="E13.2"
def break_even(compile_s, fast_s, slow_s):
    """The least number of calls with compile_s + calls * fast_s <= calls * slow_s."""
    if fast_s >= slow_s:
        return math.inf
    return math.ceil(compile_s / (slow_s - fast_s))


check("E13.2", break_even)

# %% [markdown] lang="zh"
# ## 8 小结
#
# | 要点 | 做法 | 否则 |
# |---|---|---|
# | 结果一致 | 先断言，再计时 | 比的是两件事 |
# | 等结果 | `jax.block_until_ready` | 只量到交任务的时间 |
# | 编译另算 | `jit(f).lower(x).compile()` | 第一次吞没一切 |
# | 轮流、中位数 | 每轮各跑一次 | 干扰只打中一个 |
# | 下限 | 字节、运算次数 | 不知道还有没有余地 |
# | 误差 | 写在时间旁边 | 快而错 |
#
# **何处会失灵**：这些是小任务，一台机器，几轮；两三成以内的差别不要当真。共用的机器（Colab 也是）会忽快忽慢。NumPy 的乘积会用多个线程，JAX 也会。与 scikit-learn、statsmodels、PyTorch 等的比较，以及大任务，在源代码目录中用 `python -m bench` 运行；它量的也是这几样。
#
# **下一步**：回到[目录](00_start_here.ipynb)，或者把你自己的函数放进 `timed` 里测一测。

# %% [markdown] lang="en"
# ## 8 Summary
#
# | Point | How | Otherwise |
# |---|---|---|
# | same result | assert, then time | two things are compared |
# | wait | `jax.block_until_ready` | only handing over is timed |
# | compilation separately | `jit(f).lower(x).compile()` | the first call swallows all |
# | turns, medians | each once a round | a disturbance hits one |
# | floor | bytes, operations | nobody knows what is left |
# | error | beside the time | fast and wrong |
#
# **Where it breaks**: these are small things, on one machine, in a few rounds; do not believe a difference of less than a third. Shared machines (Colab is one) are fast and slow by turns. The products of NumPy use several threads, and so do those of JAX. For the comparison with scikit-learn, statsmodels, PyTorch and others, and for large problems, run `python -m bench` in the source folder; it measures by the same rules.
#
# **Next**: back to the [map](00_start_here.ipynb), or put a function of your own into `timed`.
