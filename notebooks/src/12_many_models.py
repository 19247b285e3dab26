# %% [markdown] lang="zh"
# # 12 一百万个模型
#
# **约 40 秒运行完 · 先修：[08 逻辑回归](08_logistic_regression.ipynb)**
#
# 学完这一课，你能够
# - 把拟合一个模型的函数变成拟合一百万个模型的函数：只加一个 `jax.vmap`；
# - 说出循环的时间花在了哪里，一次调用为什么快得多；
# - 读懂每个模型的状态，不让没有答案的拟合混进结论；
# - 用同一个函数做自助法、留一法和置换检验，或者给每家商店一个模型。

# %% [markdown] lang="en"
# # 12 A million models
#
# **Runs in about 40 seconds · after: [08 Logistic regression](08_logistic_regression.ipynb)**
#
# After this lesson you can
# - turn a function that fits one model into one that fits a million, by one `jax.vmap`;
# - say where a loop spends its time, and why one call is so much faster;
# - read the status of every model, so that no fit without an answer gets into a conclusion;
# - do the bootstrap, leave-one-out and a permutation test by one function, or give each shop its model.

# %%
import inspect
import time

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes import check as exercises
from jaxnotes.show import plots
from jaxnotes.show.lesson_plots import many_models as draw
from jaxnotes.show.slider import slider

lr = jn.logistic_regression
flights = jn.datasets.challenger()
X, y = flights.X, flights.y  # 23 temperatures, and whether an O-ring was damaged
fitted = lr.fit(X, y)


def draw_weights(key):
    """How often each flight is drawn, when 23 are drawn with replacement."""
    return jnp.bincount(jax.random.randint(key, (23,), 0, 23), length=23)


def resampled_fit(key):
    return lr.fit(X, y, weights=draw_weights(key))


keys = jax.random.split(jax.random.key(1986), 10_000)
many = jax.jit(jax.vmap(resampled_fit))
fits = many(keys)
good = jax.tree.map(lambda leaf: leaf[fits.converged], fits.params)
ax = plots.logistic_curve(
    fitted,
    flights.temperature,
    y,
    draws=good,
    mark=31.0,
    xlabel="temperature at launch, F",
    ylabel="P(distress)",
)

# %% [markdown] lang="zh"
# *图：“挑战者”号之前的 23 次发射与逻辑回归曲线。浅蓝色带由自助法画出：从 23 次发射中有放回地抽 23 次，重新拟合，重复一万次，每个温度处取中间的 95%。这一万次拟合是一次编译好的调用。其中有几百次没有答案（状态不是收敛），没有画进去，图例里写的是画进去的条数。53 °F 以下没有数据。*

# %% [markdown] lang="en"
# *Picture: the 23 launches before the Challenger accident and the curve of logistic regression. The light band is a bootstrap: draw 23 of the 23 launches with replacement, fit again, ten thousand times, and keep the middle 95 % at each temperature. All ten thousand fits are one compiled call. Some hundreds of them have no answer (a status other than converged) and are not in the band; the legend says how many are. Below 53 °F there are no data.*

# %% [markdown] lang="zh"
# ## 1 想法：函数到函数的映射
#
# `resampled_fit` 只会拟合**一个**模型：一个随机密钥进去，一个拟合出来。`jax.vmap` 不拟合任何东西，它把函数变成函数：
# $$f:\ k\mapsto f(k)\qquad\Longrightarrow\qquad \operatorname{vmap}(f):\ (k_1,\dots,k_B)\mapsto\big(f(k_1),\dots,f(k_B)\big).$$

# %% [markdown] lang="en"
# ## 1 The idea: from functions to functions
#
# `resampled_fit` can fit **one** model: a random key goes in, a fit comes out. `jax.vmap` fits nothing; it makes a function of a function:
# $$f:\ k\mapsto f(k)\qquad\Longrightarrow\qquad \operatorname{vmap}(f):\ (k_1,\dots,k_B)\mapsto\big(f(k_1),\dots,f(k_B)\big).$$

# %% lang="zh"
draw.function_map("zh")

# %% lang="en"
draw.function_map("en")

# %% [markdown] lang="zh"
# *图：上，一个密钥经过 `resampled_fit` 成为一个拟合；下，虚线框 `jax.vmap` 把同一个函数原样包在里面，一批密钥进去，一批拟合出来。*
#
# 结果与循环的一样，每个叶子（系数、截距、状态……）前面多一个批的轴：

# %% [markdown] lang="en"
# *Picture: above, a key goes through `resampled_fit` and becomes a fit; below, the dashed box `jax.vmap` holds the same function as it is; a batch of keys goes in, a batch of fits comes out.*
#
# The result is that of a loop; every leaf (coefficients, intercept, status, ...) has one more axis, in front:

# %%
one_fit = jax.jit(resampled_fit)
loop = [one_fit(key) for key in keys[:20]]
for k, alone in enumerate(loop):
    assert alone.status == fits.status[k]
    if alone.converged:
        np.testing.assert_allclose(fits.params.coef[k], alone.params.coef, rtol=1e-3)
print("one fit:    coef", loop[0].params.coef.shape, " status", loop[0].status.shape)
print("many fits:  coef", fits.params.coef.shape, " status", fits.status.shape)

# %% [markdown] lang="zh"
# ### 每个模型都说出自己的结局
# 在 `vmap` 里面不能抛出异常：一个模型出错，不应当打断其余的九千多个。所以每个拟合带着自己的 `status`，到外面再问：

# %% [markdown] lang="en"
# ### Every model says how it ended
# Inside `vmap` nothing can raise: one model's trouble must not stop thousands of others. So every fit carries its own `status`, and one asks outside:

# %%
try:
    jn.raise_for_status(fits)
except jn.FitError as error:
    print(str(error).splitlines()[0])


def count_statuses(status):
    codes, counts = np.unique(np.asarray(status), return_counts=True)
    return {
        jn.Status(int(code)).name: int(count)
        for code, count in zip(codes, counts, strict=True)
    }


print(count_statuses(fits.status))
print(inspect.getsource(jn.Status))

# %% [markdown] lang="zh"
# `SEPARATED`：抽到的发射恰好被某个温度完全分开，似然没有最大值（第 08 课）。`ONE_CLASS`：抽到的全部完好或全部受损。拖动滑块，一次看一个样本；最后八帧是没有答案的：

# %% [markdown] lang="en"
# `SEPARATED`: in the launches drawn, some temperature separates the classes completely, and the likelihood has no maximum (lesson 08). `ONE_CLASS`: every launch drawn was undamaged, or every one damaged. Move the slider to see one resample at a time; the last eight frames are those without an answer:

# %%
shown = np.concatenate(
    [np.flatnonzero(fits.status == 0)[:32], np.flatnonzero(fits.status == 6)[:8]]
)
grid = jnp.linspace(45.0, 85.0, 41)
temperature, label = jnp.asarray(flights.temperature, jnp.float32), jnp.asarray(y, jnp.float32)


def resample(index):
    rows = jax.random.randint(keys[index], (23,), 0, 23)
    solution = jax.tree.map(lambda leaf: leaf[index], fits)
    return {
        "drawn flights": (temperature[rows], label[rows]),
        "its fit": (grid, lr.predict_proba(solution, grid[:, None])),
        "slope": solution.params.coef[0],
        "status": solution.status,
    }


frames = slider(
    resample,
    shown,
    name="resample",
    fixed={"fit of all 23": (grid, lr.predict_proba(fitted, grid[:, None]))},
    points=["drawn flights"],
    xlabel="temperature, F",
    ylabel="P(distress)",
    ylim=(-0.1, 1.1),
)
assert (frames.frames["status"][:32] == 0).all() and (frames.frames["status"][32:] == 6).all()
frames

# %% [markdown] lang="zh"
# *图：蓝线是全部 23 次发射的拟合，圆点是这一次抽到的发射（重复的叠在一起），绿色点线是由它们得到的拟合。状态 0 是收敛，6 是可分；可分时曲线只是迭代停下的地方，再走下去还会更陡。*

# %% [markdown] lang="en"
# *Picture: the blue line is the fit of all 23 launches; the dots are the launches of one resample (repeated ones on top of each other), the green dotted line the fit to them. Status 0 is converged, 6 separated; where it is separated the curve is just where the iterations stopped, and more of them would make it steeper.*

# %% [markdown] lang="zh"
# ## 2 推导：为什么可以一次算完？
#
# ### 抽样就是权重
# 第 $i$ 次发射被抽到 $k_i$ 次，它的对数似然就加 $k_i$ 次：
# $$\sum_{j=1}^{n}\ell_{r_j}(w)=\sum_{i=1}^{n}k_i\,\ell_i(w).$$
# 所以一万个模型共用同一个 $X$，不同的只是权重。验证：重复的行与权重给出相同的拟合；而且在每个收敛的答案处，用自动微分求出的梯度都是零。

# %% [markdown] lang="en"
# ## 2 The derivation: why all at once?
#
# ### A resample is a vector of weights
# If launch $i$ is drawn $k_i$ times, its log-likelihood is added $k_i$ times:
# $$\sum_{j=1}^{n}\ell_{r_j}(w)=\sum_{i=1}^{n}k_i\,\ell_i(w).$$
# So ten thousand models share one $X$ and differ in their weights alone. Check: repeated rows and weights give one fit; and at every converged answer the gradient, by automatic differentiation, is zero.

# %%
rows = np.asarray(jax.random.randint(keys[0], (23,), 0, 23))
by_rows, by_weights = lr.fit(X[rows], y[rows]), resampled_fit(keys[0])
np.testing.assert_allclose(by_rows.params.coef, by_weights.params.coef, rtol=1e-3)


def loss(params, weights):
    eta = params.intercept + params.coef[0] * temperature
    return -jnp.sum(weights * lr.loglik(eta, (label, jnp.ones(23)))) / 23


weights = jax.vmap(draw_weights)(keys)
slopes = jax.jit(jax.vmap(jax.grad(loss)))(fits.params, weights)
both = jnp.maximum(
    jnp.abs(slopes.intercept), jnp.abs(slopes.coef[:, 0]) / 70
)  # 70 F: the scale
biggest = jnp.max(both[fits.converged])
assert biggest < 1e-3
print(f"largest scaled derivative of {int(fits.converged.sum())} fits: {biggest:.0e}")

# %% [markdown] lang="zh"
# ### `vmap` 里没有循环
# `vmap` 改写的是程序：每个运算多一个轴。矩阵乘向量（一次一个模型）变成矩阵乘矩阵（一次所有模型），而后者正是处理器最擅长的。看编译前的程序：

# %% [markdown] lang="en"
# ### There is no loop in `vmap`
# `vmap` rewrites the program: every operation gets one more axis. A matrix times a vector (a model at a time) becomes a matrix times a matrix (all models at once), which is what processors do best. Here is the program before it is compiled:


# %%
def logits(w):
    return jnp.matmul(jnp.ones((23, 2)), w, precision="highest")


single = jax.make_jaxpr(logits)(jnp.ones(2))
batched = jax.make_jaxpr(jax.vmap(logits))(jnp.ones((10_000, 2)))
primitives = [[str(step.primitive) for step in jaxpr.eqns] for jaxpr in (single, batched)]
for name, program, jaxpr in zip(("one", "10,000"), primitives, (single, batched), strict=True):
    print(f"{name:>6}: {program}, result {jaxpr.out_avals[0].shape}")
assert "dot_general" in primitives[1] and not {"scan", "while"} & set(primitives[1])

# %% [markdown] lang="zh"
# 真正的循环只有牛顿法的迭代。它要等最慢的那个模型：收敛的模型不再变化，但还占着位置。整批一起走，平均 4.4 步的模型都要等 8 步的那个。所以库把一批切成装得进缓存的小块，每块只等自己最慢的那个：

# %% [markdown] lang="en"
# The one true loop is that of Newton's steps. It waits for the slowest model: those that have converged change no more, but keep their place. All in one block would wait for 8 steps where the mean is 4.4; so the library cuts a batch into blocks that fit the cache, each of which waits for its own slowest alone:

# %%
steps = np.asarray(fits.steps)[np.asarray(fits.converged)]
for count, models in zip(*np.unique(steps, return_counts=True), strict=True):
    print(f"{count} steps: {models:5} models")
print(f"mean {steps.mean():.1f}, most {steps.max()}")
assert abs(steps.mean() - 4.4) < 0.2
assert 7 <= steps.max() <= 9

# %% [markdown] lang="zh"
# ### 一次求导代替 23 次拟合
# 拟合的答案 $\hat w(k)$ 也是权重 $k$ 的函数，可以对它求导（隐函数定理，库已经做好）。去掉第 $i$ 次发射就是让 $k_i$ 从 1 变到 0，一阶近似是
# $$\hat w_{-i}\approx\hat w-\frac{\partial\hat w}{\partial k_i}.$$
# 23 个导数，一次 `jax.grad` 就得到；再用一次 `vmap` 真的去掉每一次，对照：

# %% [markdown] lang="en"
# ### One derivative for 23 fits
# The answer $\hat w(k)$ is a function of the weights $k$ too, and has a derivative (the implicit function theorem, done by the library). To leave launch $i$ out is to take $k_i$ from 1 to 0; to first order
# $$\hat w_{-i}\approx\hat w-\frac{\partial\hat w}{\partial k_i}.$$
# All 23 derivatives come from one `jax.grad`; and one `vmap` really leaves out each, to compare:


# %%
def fit_weights(weights, l2):
    return lr.fit(X, y, weights=weights, l2=l2)


influence = jax.grad(lambda weights: fit_weights(weights, 0.0).params.coef[0])(jnp.ones(23))
fit_all = jax.jit(jax.vmap(fit_weights, (0, None)))  # one l2 for all
one_less = 1 - jnp.eye(23)
without = fit_all(one_less, 0.0).params.coef[:, 0]
full = float(fitted.params.coef[0])
most = int(jnp.argmax(jnp.abs(without - full)))
ax = draw.left_out(without, full - influence, full, flights.flight, most)
assert flights.flight[most] == "STS-61-A" and flights.temperature[most] == 75
np.testing.assert_allclose([full, without[most]], [-0.2322, -0.3610], rtol=2e-3)
assert np.corrcoef(without, full - influence)[0, 1] > 0.95

# %% [markdown] lang="zh"
# *图：每个点是去掉一次发射。横轴是由导数预测的斜率，纵轴是重新拟合的斜率；大多数点落在虚线（相等）上。最下面的 STS-61-A 在 75 °F 受损：没有它，斜率从 $-0.2322$ 变为 $-0.3610$，影响最大，一阶近似也只猜对了方向和一部分大小。*

# %% [markdown] lang="en"
# *Picture: every dot leaves one launch out. Across is the slope that the derivative predicts, upwards the slope fitted again; most dots are on the dashed line, where they are equal. The lowest, STS-61-A, had damage at 75 °F: without it the slope goes from $-0.2322$ to $-0.3610$. It matters most, and there the first order has the direction and a part of the size.*

# %% [markdown] lang="zh"
# ## 3 实验：一百万个，在你的设备上
#
# 三种写法，同一个拟合：直接在 Python 里循环；循环调用编译好的函数；一次调用。一百万个的那次，编译与运行分开计时。

# %% [markdown] lang="en"
# ## 3 The experiment: a million, on your device
#
# Three ways to the same fits: a plain loop in Python; a loop over the compiled function; and one call. For the million, compiling and running are timed apart.


# %%
def seconds(action):
    action()  # compiled now, and not counted
    times = []
    for _ in range(7):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def loop_over(fit, count):
    for key in keys[:count]:
        fit(key).status.block_until_ready()


loops = {}
for name, fit, counts in (
    ("plain loop", resampled_fit, (1, 10)),
    ("compiled loop", one_fit, (1, 10, 100)),
):
    loops[name] = (counts, [seconds(lambda f=fit, n=n: loop_over(f, n)) for n in counts])
few = seconds(lambda: many(keys).status.block_until_ready())

million = jax.random.split(jax.random.key(0), 1_000_000)
start = time.perf_counter()
program = many.lower(million).compile()
ready = time.perf_counter()
answers = jax.block_until_ready(program(million))
done = time.perf_counter() - ready
ax = draw.timings(loops, ((10_000, 1_000_000), (few, done)))
each = {name: 1e6 * times[-1] / counts[-1] for name, (counts, times) in loops.items()}
each["one call"] = done  # seconds for a million are microseconds for one
print("microseconds a model:", {name: round(time, 1) for name, time in each.items()})
print(
    f"on {jax.devices()[0].platform}: compiled in {ready - start:.1f} s, run in {done:.1f} s"
)
print(count_statuses(answers.status))

# %% [markdown] lang="zh"
# *图：时间随模型个数的变化，两轴都是对数刻度；虚线是按比例延长。三条线几乎平行，差的是每个模型的代价。直接循环（橙红方块）最贵：每一步都由 Python 检查参数、分派运算。编译后的循环（黄色三角）只分派一次，但仍是一个一个来。一次调用（蓝色圆点）只从 Python 出发一次，其余都在编译好的程序里。*
#
# 时间因机器而异。在两个 CPU 核上，大约是 2 毫秒、0.1 毫秒和 0.01 毫秒（机器忙时更长）：一百万个模型，一次调用十几秒，编译后的循环约两分钟，直接循环要半小时以上。

# %% [markdown] lang="en"
# *Picture: time against the number of models, both on logarithmic axes; dashed lines carry the loops on. The lines are nearly parallel and differ in the price of a model. The plain loop (vermillion squares) is dearest: Python checks arguments and dispatches every operation. The compiled loop (yellow triangles) dispatches once a model, yet one after another. The one call (blue dots) sets out from Python once, and all else happens in the compiled program.*
#
# Times depend on the machine. On two CPU cores they are about 2, 0.1 and 0.01 milliseconds (more on a busy machine): a million models take some ten or twenty seconds in one call, about two minutes in a compiled loop, and half an hour or more in a plain one.

# %% [markdown] lang="zh"
# ## 4 实验：一百万个答案可信吗？
#
# 只有一个特征时，可分与否一眼可见：一类的最高温度不超过另一类的最低温度。不用拟合，直接按这条规则判断全部一百万个样本，再与 `status` 逐个比较。“只有一类”还能算出概率：
# $$P(\text{one class})=\left(\tfrac{16}{23}\right)^{23}+\left(\tfrac{7}{23}\right)^{23}\approx 0.000237.$$

# %% [markdown] lang="en"
# ## 4 The experiment: can a million answers be trusted?
#
# With a single feature separation is plain to see: the warmest of one class is no warmer than the coldest of the other. By this rule, without a fit, judge all million samples, and compare with each `status`. For a single class there is even a probability:
# $$P(\text{one class})=\left(\tfrac{16}{23}\right)^{23}+\left(\tfrac{7}{23}\right)^{23}\approx 0.000237.$$


# %%
def judge(key):
    drawn = draw_weights(key) > 0
    coldest, warmest = (
        [jnp.min(jnp.where(drawn & (label == k), sign * temperature, jnp.inf)) for k in (0, 1)]
        for sign in (1, -1)
    )
    one_class = jnp.isinf(coldest[0]) | jnp.isinf(coldest[1])
    apart = (-warmest[0] <= coldest[1]) | (-warmest[1] <= coldest[0])
    return jnp.where(one_class, jn.Status.ONE_CLASS, jnp.where(apart, jn.Status.SEPARATED, 0))


by_rule = np.asarray(jax.jit(jax.vmap(judge))(million))
status = np.asarray(answers.status)
print(f"statuses that differ from the rule: {np.sum(by_rule != status)} of {len(status):,}")
assert not ((status == jn.Status.CONVERGED) & (by_rule != 0)).any()
assert np.sum(by_rule != status) <= 100
chance = (16 / 23) ** 23 + (7 / 23) ** 23
np.testing.assert_allclose(chance, 0.000237, rtol=2e-3)
assert abs(np.sum(status == jn.Status.ONE_CLASS) - 1e6 * chance) < 5 * np.sqrt(1e6 * chance)

# %% [markdown] lang="zh"
# 没有一个可分的样本被说成收敛。现在可以放心地只用收敛的那些：

# %% [markdown] lang="en"
# Not one separated sample is called converged. So the converged ones may be used with confidence:

# %%
slopes = np.asarray(answers.params.coef[:, 0])[status == 0]
se = float(lr.infer(fitted, X, y).se[1])
axes = draw.slopes(slopes, full, se, count_statuses(status), window=(-0.9, 0.15))
low, high = np.quantile(slopes, [0.025, 0.975])
share = np.mean(status == 0)
np.testing.assert_allclose([low, high], [-0.56, -0.08], atol=0.03)
np.testing.assert_allclose(share, 0.96, atol=0.01)
np.testing.assert_allclose([full - 1.96 * se, full + 1.96 * se], [-0.44, -0.02], atol=0.005)
assert np.mean(np.asarray(answers.params.coef[:, 0])[status == 6] < 0) > 0.99
print(f"converged {share:.4f}; middle 95 % of their slopes from {low:.2f} to {high:.2f}")
print(f"Wald interval from {full - 1.96 * se:.2f} to {full + 1.96 * se:.2f}")

# %% [markdown] lang="zh"
# *图：左，一百万个斜率（收敛的约占 0.96）的直方图向左拖着长尾，与正态曲线（虚线）并不吻合；两条红线之间是中间的 95%，从 $-0.56$ 到 $-0.08$，而正态近似给出 $-0.44$ 到 $-0.02$。右，各种结局的个数，对数刻度。*
#
# 要诚实：被去掉的可分样本，斜率几乎都该是负无穷大，正在那条长尾的方向。所以左端不是 $-0.56$ 那么简单；23 个数据支持不了更多的话。

# %% [markdown] lang="en"
# *Picture: left, the histogram of a million slopes (those that converged, a share of about 0.96) has a long tail to the left and does not follow the normal curve (dashed); between the red lines is the middle 95 %, from $-0.56$ to $-0.08$, where the normal approximation has $-0.44$ to $-0.02$. Right, how the fits ended, on a logarithmic axis.*
#
# To be honest: nearly all of the separated samples left out would have a slope of minus infinity, on the side of that long tail. So the left end is not simply $-0.56$; 23 launches can say no more.

# %% [markdown] lang="zh"
# ## 5 同一个函数，换一个轴
#
# 哪个参数带批的轴，问的就是哪个问题。**置换检验**：打乱标签四千次，看偶然能拟合得多好。**多家商店**：每家有自己的数据。**惩罚**：23 个可分的样本，加上 $\frac{\lambda}{2}w^2$ 再拟合一次。

# %% [markdown] lang="en"
# ## 5 The same function, another axis
#
# The argument that carries the batch axis decides which question is asked. A **permutation test**: shuffle the labels four thousand times, and see how well chance can fit. **Many shops**: each has its own data. A **penalty**: 23 of the separated samples, fitted once more with $\frac{\lambda}{2}w^2$.

# %%
shuffled = jax.vmap(lambda key: jax.random.permutation(key, label))(keys[:4000])
by_chance = jax.jit(jax.vmap(lambda labels: lr.fit(X, labels)))(shuffled)
p_value = float(jnp.mean(by_chance.value <= fitted.value + 1e-6))
assert 0.003 < p_value < 0.02
print(f"permutation test: {p_value:.4f} is the share of 4,000 shuffles that fit as well")

shop_x = jax.random.normal(jax.random.key(1), (1000, 100, 2))
true = jnp.array([1.0, -0.5])
chances = jn.activations.sigmoid(0.3 + jnp.sum(shop_x * true, axis=-1))
bought = jax.random.bernoulli(jax.random.key(2), chances).astype(jnp.float32)
shops = jax.jit(jax.vmap(lr.fit))(shop_x, bought)
jn.raise_for_status(shops)
np.testing.assert_allclose(shops.params.coef.mean(axis=0), true, atol=0.12)
print("1000 shops:", shops.params.coef.shape, " mean", shops.params.coef.mean(axis=0))

stuck = weights[fits.status == jn.Status.SEPARATED][:23].astype(jnp.float32)
for l2 in (0.0, 0.1, 1.0):
    row = fit_all(stuck, l2)
    print(f"l2 = {l2}: {count_statuses(row.status)}, mean slope {row.params.coef.mean():.2f}")
    assert (row.status == (jn.Status.CONVERGED if l2 else jn.Status.SEPARATED)).all()

# %% [markdown] lang="zh"
# - 打乱的标签中，约百分之一拟合得同样好：温度与受损的关系不像是偶然。
# - 一千家商店的平均系数比真值 $(1,-0.5)$ 略大：每家只有 100 行，极大似然估计在小样本下偏离零更远。
# - 加上惩罚，可分的样本也都有了答案；没有惩罚时报出的斜率不作数。
#
# ## 6 勘误两则
#
# ### 其一
# **误区**：“一批里有一个坏样本，整批的结果就不能用了”。
#
# **反例**：在留一法的那一批里，把 7 号模型的权重换成 NaN，其余 22 个的结果一位都不变。

# %% [markdown] lang="en"
# - About one in a hundred shuffles fits as well: that temperature and damage go together is hardly chance.
# - The mean of a thousand shops is somewhat farther from zero than the truth $(1,-0.5)$: with 100 rows each, maximum likelihood has this bias.
# - With a penalty the separated samples all have an answer too; the slope reported without one means nothing.
#
# ## 6 Two corrections
#
# ### First
# **The sentence**: “one bad sample in a batch spoils the whole batch”.
#
# **Counterexample**: in the batch that left one launch out, give model 7 weights of NaN. The other 22 do not change by one bit.

# %%
clean, dirty = fit_all(one_less, 0.0), fit_all(one_less.at[7].set(jnp.nan), 0.0)
assert dirty.status[7] == jn.Status.NON_FINITE_DATA
for before, after in zip(*map(jax.tree.leaves, (clean, dirty)), strict=True):
    np.testing.assert_array_equal(np.delete(before, 7, 0), np.delete(after, 7, 0))

# %% [markdown] lang="zh"
# **正解**：每个模型的答案只取决于自己的数据，与邻居、次序、批的大小无关。由 `tests/test_vmap.py::test_bad_neighbours_change_nothing` 检验。
#
# ### 其二
# **误区**：“拟合总会返回数值，把它们全部平均就行了”。
#
# **反例**：可分的拟合也返回一个斜率，那只是迭代停下的地方，混进来平均值就偏了。

# %% [markdown] lang="en"
# **The theorem**: a model's answer depends on its own data alone, not on neighbours, order or the size of the batch. Checked by `tests/test_vmap.py::test_bad_neighbours_change_nothing`.
#
# ### Second
# **The sentence**: “a fit always returns numbers, so average them all”.
#
# **Counterexample**: a separated fit returns a slope too. It is only where the iterations stopped, and it shifts the mean.

# %%
all_slopes = np.asarray(answers.params.coef[:, 0])
print(f"mean of the converged {slopes.mean():.3f}, of all {np.nanmean(all_slopes):.3f}")
print(f"mean of the separated {all_slopes[status == 6].mean():.3f}, which is no estimate")
assert np.nanmean(all_slopes) < slopes.mean() - 0.01

# %% [markdown] lang="zh"
# **正解**：先看 `status`，再用数值；只有 `CONVERGED` 是答案。状态由线性规划独立核对：`tests/core/linear/test_existence.py::test_against_linear_programming`。

# %% [markdown] lang="en"
# **The theorem**: first the `status`, then the number; only `CONVERGED` is an answer. Statuses are checked independently by linear programming: `tests/core/linear/test_existence.py::test_against_linear_programming`.

# %% [markdown] lang="zh"
# ## 7 练习
#
# 把 `...` 换成你的代码再运行。没有做对时，`check` 会给出最小的反例和一句提示。
#
# **E12.1** 留一法：`statistic(x, weights)` 返回一个数。求每次去掉一个 `x[i]`（权重为 0）的 n 个结果，不用循环。

# %% [markdown] lang="en"
# ## 7 Exercises
#
# Replace `...` by your code and run the cell. Until it is right, `check` shows the smallest counterexample and a hint.
#
# **E12.1** Leave one out: `statistic(x, weights)` gives a number. Find the n results with one `x[i]` left out (weight 0), without a loop.

# %% lang="zh"
check = exercises.zh

# %% lang="en"
check = exercises.en


# %% exercise="E12.1"
def leave_one_out(statistic, x):
    """The statistic without x[i], for every i: shape (n,)."""
    return jax.vmap(lambda weights: statistic(x, weights))(1 - jnp.eye(len(x)))


check("E12.1", leave_one_out)

# %% [markdown] lang="zh"
# **E12.2** 所有的组合：由 `f(a, b)` 得到表 `table[i, j] = f(a[i], b[j])`。

# %% [markdown] lang="en"
# **E12.2** All combinations: from `f(a, b)` make the table `table[i, j] = f(a[i], b[j])`.


# %% exercise="E12.2"
def every_pair(f, a, b):
    """The table (len(a), len(b)) of f at all pairs."""
    return jax.vmap(jax.vmap(f, (None, 0)), (0, None))(a, b)


check("E12.2", every_pair)

# %% [markdown] lang="zh"
# **E12.3** 由自助法的结果求区间：`values` 与 `converged` 形状都是 (B,)，取收敛者中间的 `level`（如 0.95）。

# %% [markdown] lang="en"
# **E12.3** An interval from a bootstrap: `values` and `converged` have shape (B,); take the middle `level` (such as 0.95) of those that converged.


# %% exercise="E12.3"
def interval(values, converged, level):
    """Lower and upper end, an array (2,)."""
    return jnp.quantile(values[converged], jnp.array([(1 - level) / 2, (1 + level) / 2]))


check("E12.3", interval)

# %% [markdown] lang="zh"
# ## 8 小结
#
# | 代码 | 得到什么 |
# |---|---|
# | `jax.vmap(fit)(X, y)` | 每家商店一个模型，各有各的数据 |
# | `jax.vmap(lambda w: fit(X, y, weights=w))` | 自助法、留一法：共用数据，只换权重 |
# | `jax.vmap(lambda y: fit(X, y))` | 置换检验：只换标签 |
# | `jax.vmap(lambda l2: fit(X, y, l2=l2))` | 惩罚路径 |
# | `jax.jit(jax.vmap(...))` | 编译一次，一次调用 |
# | `jn.raise_for_status(fits)` | 指出哪些模型没有答案，为什么 |
#
# **何处会失灵**：一批太大，内存装不下，用 `jax.lax.map(..., batch_size=...)` 分段；每换一个批的大小就要重新编译一次；一批要等最慢的模型；没有答案的拟合若不看状态就混进结论。
#
# **下一课**：[13 基准测试](13_benchmarks.ipynb)。与别的库相比，快多少、准多少？

# %% [markdown] lang="en"
# ## 8 Summary
#
# | Code | What it gives |
# |---|---|
# | `jax.vmap(fit)(X, y)` | a model for each shop, with data of its own |
# | `jax.vmap(lambda w: fit(X, y, weights=w))` | bootstrap, leave-one-out: shared data, other weights |
# | `jax.vmap(lambda y: fit(X, y))` | a permutation test: other labels |
# | `jax.vmap(lambda l2: fit(X, y, l2=l2))` | a path of penalties |
# | `jax.jit(jax.vmap(...))` | compiled once, called once |
# | `jn.raise_for_status(fits)` | which models have no answer, and why |
#
# **Where it breaks**: a batch too large for the memory, so cut it with `jax.lax.map(..., batch_size=...)`; every new batch size is compiled anew; a batch waits for its slowest model; and a fit without an answer gets into the conclusion where nobody reads the status.
#
# **Next**: [13 Benchmarks](13_benchmarks.ipynb). How fast and how exact, beside other libraries?
