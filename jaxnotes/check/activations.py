"""The exercises of lesson 10: a log-sigmoid that is right everywhere, the gain, dead units, the fate of a signal."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes import activations
from jaxnotes.check.exercise import Case, Exercise, Mistake
from jaxnotes.core.values.arrays import Array


def _points() -> list[Case]:
    rng = np.random.default_rng(12)
    simple = [0.0, 1.0, -1.0, 20.0, -20.0, 100.0, -100.0, 1e4, -1e4]
    return [{"x": np.float32(x)} for x in [*simple, *rng.uniform(-1e4, 1e4, 8)]]


def _value_and_slope(answer, x):
    return jax.value_and_grad(lambda x: answer(x) * 1.0)(jnp.asarray(x))


LOG_SIGMOID = Exercise(
    id="E10.1",
    truth=activations.log_sigmoid,
    cases=_points,
    ask=_value_and_slope,
    mistakes=(
        Mistake(
            lambda x: jnp.log(1 / (1 + jnp.exp(-x))),
            "x = -100 时 exp(-x) 溢出，log 0 = -inf：不要先算出概率再取对数。",
            "exp(-x) overflows at x = -100, and log 0 = -inf: do not take the log of a rounded probability.",
        ),
        Mistake(
            lambda x: jnp.where(x > 0, -jnp.log1p(jnp.exp(-x)), x - jnp.log1p(jnp.exp(x))),
            "值对了，导数却是 NaN：where 没选的那一支也会求导，0 乘 inf 得 NaN。对 -|x| 取指数。",
            "the value is right, the slope NaN: where differentiates the other branch too, and 0 times inf is NaN. "
            "Take the exponential of -|x|.",
        ),
        Mistake(
            lambda x: jnp.log(jax.nn.sigmoid(x) + 1e-7),
            "加一个小数只是把问题藏了起来：x = -20 时值错，导数也几乎为零。",
            "a small number added hides the trouble: at x = -20 the value is wrong and the slope nearly 0.",
        ),
    ),
)


def _scaled(x):
    """2 x"""
    return 2 * x


def _functions() -> list[Case]:
    named = (activations.relu, activations.tanh, activations.sigmoid, activations.gelu, activations.silu)
    return [{"phi": phi} for phi in (_scaled, *named)]


def _mean_square(phi) -> Array:
    z = jnp.linspace(-10.0, 10.0, 20001)
    return jnp.sum(phi(z) ** 2 * jnp.exp(-(z**2) / 2)) * (z[1] - z[0]) / jnp.sqrt(2 * jnp.pi)


GAIN = Exercise(
    id="E10.2",
    truth=activations.gain,
    cases=_functions,
    tol=1e-3,
    mistakes=(
        Mistake(
            lambda phi: 1 / _mean_square(phi),
            "还要开平方：方差按 g^2 变化，g = 1 / sqrt(E[phi^2])。",
            "take the root: a variance grows with g^2, so g = 1 / sqrt(E[phi^2]).",
        ),
        Mistake(
            lambda phi: jnp.sqrt(_mean_square(phi)),
            "倒过来了：激活函数缩小信号，g 要放大它。",
            "upside down: the activation makes the signal smaller, and g must make it larger.",
        ),
        Mistake(
            lambda phi: 1 / jnp.sqrt(jnp.mean(phi(jax.random.normal(jax.random.key(0), (300,))) ** 2)),
            "三百个随机数太少，只有一两位准；改用求积，或在细网格上求和。",
            "three hundred random numbers give a digit or two: use quadrature, or a sum over a fine grid.",
        ),
    ),
)


def _censuses() -> list[Case]:
    rng = np.random.default_rng(13)
    simple = [[[0.0], [0.0]], [[1.0, 0.0], [0.0, 0.0]], [[0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]]
    random = [np.maximum(rng.integers(-4, 2, shape), 0) for shape in ((3, 4), (4, 6), (5, 5))]
    return [{"A": np.array(A, np.float32)} for A in [*simple, *random]]


CENSUS = Exercise(
    id="E10.3",
    truth=lambda A: jnp.sum(jnp.all(A == 0, axis=0)),
    cases=_censuses,
    mistakes=(
        Mistake(
            lambda A: jnp.sum(A == 0),
            "这是零激活值的个数；死单元要对每一个样本都是零。",
            "this counts activations of zero; a dead unit is zero for every example.",
        ),
        Mistake(
            lambda A: jnp.sum(jnp.all(A == 0, axis=1)),
            "轴弄反了：一行是一个样本，一列才是一个单元。",
            "the other axis: a row is an example, a column is a unit.",
        ),
        Mistake(
            lambda A: jnp.sum(jnp.any(A == 0, axis=0)),
            "有时为零不算死：把 any 换成 all。",
            "to be zero at times is not to be dead: all, not any.",
        ),
    ),
)


def _sine(x):
    """sin(x)"""
    return jnp.sin(x)


def _stacked() -> list[Case]:
    others = (activations.sigmoid, activations.silu, activations.leaky_relu)
    return [{"phi": phi} for phi in (_scaled, activations.tanh, activations.gelu, activations.relu, _sine, *others)]


def _named(factor) -> str:
    """The names the exercise asks for; a hundredth either way is rounding and quadrature."""
    return "stable" if factor < 0.99 else "unstable" if factor > 1.01 else "marginal"


FATE = Exercise(
    id="E10.4",
    truth=lambda phi: _named(activations.variance_map_slope(phi)),
    cases=_stacked,
    mistakes=(
        Mistake(
            lambda phi: _named(activations.variance_map(phi, 1.0)),
            "这是 V(1)，有了准确的增益它总是 1；决定去留的是斜率 V'(1)。",
            "this is V(1), and with the exact gain always 1; it is the slope V'(1) that decides.",
        ),
        Mistake(
            lambda phi: _named(activations.variance_map_slope(phi, gain=1.0)),
            "漏了增益：V(q) = g^2 E[phi(sqrt(q) z)^2] 中，g 要使 V(1) = 1。",
            "the gain is missing: in V(q) = g^2 E[phi(sqrt(q) z)^2], g makes V(1) = 1.",
        ),
        Mistake(
            lambda phi: _named(activations.gain(phi) ** 2 * activations.second_moment_of_derivative(phi)),
            "这是梯度的因子 g^2 E[phi'(z)^2]，说的是往回走；信号往前走，看 V'(1)。",
            "this is the factor of the gradient, g^2 E[phi'(z)^2], on the way back; the signal goes by V'(1).",
        ),
    ),
)

EXERCISES = (LOG_SIGMOID, GAIN, CENSUS, FATE)
