"""The exercises of lesson 08: a loss that holds far out, its derivatives by hand, a Newton step, an odds ratio."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes import datasets
from jaxnotes.check.exercise import Case, Exercise, Mistake
from jaxnotes.core.values.arrays import Array


def _ask_loss(answer: Callable[..., Any], z: float, y: float) -> tuple[Any, Any]:
    """The loss and its slope by z, in float32."""
    return jax.value_and_grad(answer)(jnp.float32(z), jnp.float32(y))


def _logits() -> list[Case]:
    # On the right side far out the loss is 0 to all digits; between 17 and 40 its digits depend on how it is written.
    near = [(0.0, 1.0), (2.0, 1.0), (2.0, 0.0), (-3.0, 1.0), (-5.0, 0.0)]
    wrong = [(20.0, 0.0), (-20.0, 1.0), (100.0, 0.0), (-100.0, 1.0), (1e4, 0.0), (-1e4, 1.0)]
    right = [(50.0, 1.0), (-50.0, 0.0), (1e4, 1.0), (-1e4, 0.0)]
    return [{"z": z, "y": y} for z, y in near + wrong + right]


def _clipped(z: Array, y: Array) -> Array:
    p = jnp.clip(jax.nn.sigmoid(z), 1e-7, 1 - 1e-7)
    return -y * jnp.log(p) - (1 - y) * jnp.log(1 - p)


def _shifted(z: Array, y: Array) -> Array:
    p = jax.nn.sigmoid(z)
    return -y * jnp.log(p + 1e-7) - (1 - y) * jnp.log(1 - p + 1e-7)


def _naive(z: Array, y: Array) -> Array:
    p = jax.nn.sigmoid(z)
    return -y * jnp.log(p) - (1 - y) * jnp.log(1 - p)


LOSS = Exercise(
    id="E8.1",
    truth=lambda z, y: jax.nn.softplus(z) - y * z,
    cases=_logits,
    ask=_ask_loss,
    mistakes=(
        Mistake(
            lambda z, y: jax.nn.softplus(-z) + y * z,
            "z 的符号反了：y = 1 时 z 越大损失应越小。",
            "the sign of z is the wrong way round: where y = 1 the loss falls as z grows.",
        ),
        Mistake(
            _naive,
            "p 舍入成 1 后 log(1 - p) 就是负无穷；不要经过 p，直接用 z 写：log(1 + e^z) - y z。",
            "once p rounds to 1, log(1 - p) is minus infinity: skip p and write it in z, log(1 + e^z) - y z.",
        ),
        Mistake(
            _clipped,
            "截断之后梯度为零，错得最厉害的样本反而学不到东西；请直接用 z 写损失。",
            "where it is clipped the gradient is 0, so the worst errors teach nothing: write the loss in z.",
        ),
        Mistake(
            _shifted,
            "加上 1e-7 避免了无穷大，却使损失最多只有 16 左右；请直接用 z 写损失。",
            "adding 1e-7 avoids infinity, but no loss is then above 16 or so: write the loss in z.",
        ),
        Mistake(
            lambda z, y: jnp.log(1 + jnp.exp(z)) - y * z,
            "公式是对的，但 e^z 在 z = 100 处溢出：用 jax.nn.softplus 或 jnp.logaddexp(0, z)。",
            "the formula is right, but e^z overflows at z = 100: use jax.nn.softplus or jnp.logaddexp(0, z).",
        ),
        Mistake(
            lambda z, y: jax.nn.softplus(z) + y * z,
            "y z 前面是减号：标签为 1 时，z 越大损失应当越小。",
            "y z has a minus: with the label 1 a larger z must lose less.",
        ),
    ),
)


def _problems() -> list[Case]:
    rng = np.random.default_rng(8)
    sizes = [(1, 1), (2, 1), (4, 2), (10, 3), (30, 4)]
    return [
        {
            "X": rng.integers(-3, 4, (n, p)).astype(float),
            "y": rng.integers(0, 2, n).astype(float),
            "w": rng.uniform(-1, 1, p).round(1) + 0.05,
        }
        for n, p in sizes
    ]


def _hand(sign: float = 1.0, mean: bool = True, spread: bool = True):
    def derivatives(X, y, w):
        p = jax.nn.sigmoid(X @ w)
        n = len(y) if mean else 1
        return sign * X.T @ (p - y) / n, (X.T * (p * (1 - p) if spread else 1)) @ X / n

    return derivatives


DERIVATIVES = Exercise(
    id="E8.2",
    truth=_hand(),
    cases=_problems,
    double=True,
    tol=1e-10,
    mistakes=(
        Mistake(
            _hand(sign=-1),
            "符号反了：损失的梯度是 X 的转置乘 (p - y)；y - p 是对数似然的梯度。",
            "the sign is turned: the gradient of the loss has p - y; that of the log-likelihood has y - p.",
        ),
        Mistake(
            _hand(mean=False),
            "损失是平均值：梯度与 Hessian 矩阵都要除以 n。",
            "the loss is a mean: divide both the gradient and the Hessian by n.",
        ),
        Mistake(
            _hand(spread=False),
            "Hessian 矩阵中间少了权重 p(1 - p)：那是 sigmoid 的导数。",
            "the Hessian lacks its weights p(1 - p), the slope of the sigmoid.",
        ),
    ),
)


def _ask_steps(answer: Callable[..., Any], X: np.ndarray, y: np.ndarray, w: np.ndarray, steps: int) -> Any:
    """Where the answer leads from w in so many steps."""
    reached: Any = jnp.asarray(w)
    for _ in range(steps):
        reached = answer(X, y, reached)
    return reached


def _regressions() -> list[Case]:
    x, y = np.array([-2.0, -1, 1, 2]), np.array([0.0, 1, 0, 1])
    flights = datasets.challenger()
    design = np.stack([np.ones(23), flights.temperature], axis=1)
    small = np.stack([np.ones(4), x], axis=1)
    return [
        {"X": x[:, None], "y": y, "w": np.zeros(1), "steps": 1},
        {"X": small, "y": y, "w": np.zeros(2), "steps": 1},
        {"X": small, "y": np.array([1.0, 1, 0, 1]), "w": np.array([0.5, 0.2]), "steps": 1},
        {"X": design, "y": flights.distress, "w": np.zeros(2), "steps": 6},
    ]


def _newton(sign: float = 1.0, weighted: bool = True, divided: float = 1.0):
    def step(X, y, w):
        p = jax.nn.sigmoid(X @ w)
        H = (X.T * (p * (1 - p) if weighted else 1)) @ X
        return w - sign * jnp.linalg.solve(H, X.T @ (p - y)) / (divided if divided == 1 else len(y))

    return step


STEP = Exercise(
    id="E8.3",
    truth=_newton(),
    cases=_regressions,
    ask=_ask_steps,
    double=True,
    tol=1e-7,
    mistakes=(
        Mistake(
            _newton(weighted=False),
            "Hessian 矩阵要带权重 p(1 - p)，而且每一步都要用新的 w 重新计算。",
            "the Hessian has the weights p(1 - p), made anew at each w.",
        ),
        Mistake(
            _newton(sign=-1),
            "方向反了：w 减去 H 的逆乘梯度。",
            "the wrong way: it is w minus the inverse of H times the gradient.",
        ),
        Mistake(
            _newton(divided=2),
            "梯度除以了 n，Hessian 矩阵却没有（或者反过来）：两者要用同一个损失。",
            "the gradient is divided by n and the Hessian is not: take both of one loss.",
        ),
        Mistake(
            lambda X, y, w: w - X.T @ (jax.nn.sigmoid(X @ w) - y) / len(y),
            "这是梯度下降；牛顿法还要解一个线性方程组 H d = g。",
            "this is gradient descent; Newton's method solves H d = g.",
        ),
    ),
)


def _changes() -> list[Case]:
    numbers = [(0.0, 1.0, 0.0, 1.0), (15.043, -0.23216, 70.0, -10.0), (-2.0, 0.5, 3.0, 2.0), (1.0, -1.5, 0.0, 1.0)]
    return [dict(zip(("intercept", "slope", "x", "change"), row, strict=True)) for row in numbers]


def _chance(z: float) -> float:
    return float(1 / (1 + np.exp(-z)))


ODDS_RATIO = Exercise(
    id="E8.4",
    truth=lambda intercept, slope, x, change: jnp.exp(slope * change),
    cases=_changes,
    mistakes=(
        Mistake(
            lambda intercept, slope, x, change: jnp.exp(-slope * change),
            "指数的符号反了：斜率为正、x 增大时，几率应当变大。",
            "the exponent has the wrong sign: with a positive slope a larger x has larger odds.",
        ),
        Mistake(
            lambda intercept, slope, x, change: (
                _chance(intercept + slope * (x + change)) / _chance(intercept + slope * x)
            ),
            "这是概率之比，它随 x 而变；几率是 p / (1 - p)。",
            "this is the ratio of probabilities, which depends on x; odds are p / (1 - p).",
        ),
        Mistake(
            lambda intercept, slope, x, change: slope * change,
            "这是 logit 的增量；几率之比是它的指数。",
            "this is the change of the logit; the ratio of the odds is its exponential.",
        ),
    ),
)

EXERCISES = (LOSS, DERIVATIVES, STEP, ODDS_RATIO)
