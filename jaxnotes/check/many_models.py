"""The exercises of lesson 12: leaving out each row, all pairs of two batches, an interval from a bootstrap."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.check.exercise import Case, Exercise, Mistake


def _total(x, weights):
    """sum of weights x"""
    return jnp.sum(weights * x)


def _mean(x, weights):
    """mean of x by weights"""
    return jnp.sum(weights * x) / jnp.sum(weights)


def _variance(x, weights):
    """variance of x by weights"""
    return _mean((x - _mean(x, weights)) ** 2, weights)


def _samples() -> list[Case]:
    rng = np.random.default_rng(12)
    small = np.array([1.0, 2.0, 6.0], np.float32)
    drawn = [rng.normal(size=n).round(1).astype(np.float32) + 3 for n in (2, 4, 10)]
    return [{"statistic": f, "x": x} for x in (small, *drawn) for f in (_total, _mean, _variance)]


LEAVE_OUT = Exercise(
    id="E12.1",
    truth=lambda statistic, x: jnp.stack([statistic(x, jnp.ones(len(x)).at[i].set(0.0)) for i in range(len(x))]),
    cases=_samples,
    mistakes=(
        Mistake(
            lambda statistic, x: jax.vmap(lambda w: statistic(x, w))(jnp.eye(len(x))),
            "这是每次只留一个；每次去掉一个的权重是 1 - jnp.eye(n)。",
            "this keeps one row at a time; to leave one out the weights are 1 - jnp.eye(n).",
        ),
        Mistake(
            lambda statistic, x: jax.vmap(lambda w: statistic(w * x, jnp.ones(len(x))))(1 - jnp.eye(len(x))),
            "把数值改成 0 并没有去掉它：0 仍然参加平均。请改权重，不要改数据。",
            "a value set to 0 still counts in a mean: change its weight, not the value.",
        ),
        Mistake(
            lambda statistic, x: jnp.broadcast_to(statistic(x, jnp.ones(len(x))), x.shape),
            "每次都用了全部数据；第 i 个结果要让第 i 个权重为 0。",
            "all rows are used each time; result i needs the weight i to be 0.",
        ),
    ),
)


def _minus(a, b):
    """a - b"""
    return a - b


def _power(a, b):
    """a^b"""
    return a**b


def _batches() -> list[Case]:
    two, three = np.array([1.0, 2.0], np.float32), np.array([1.0, 2.0, 3.0], np.float32)
    pairs = [(two, two), (three, three), (two, three), (three, two), (three, three[:1])]
    return [{"f": f, "a": a, "b": b} for a, b in pairs for f in (_minus, _power)]


ALL_PAIRS = Exercise(
    id="E12.2",
    truth=lambda f, a, b: jnp.stack([jnp.stack([f(one, other) for other in b]) for one in a]),
    cases=_batches,
    mistakes=(
        Mistake(
            lambda f, a, b: jax.vmap(f)(a, b),
            "一层 vmap 只把 a[i] 与 b[i] 配对；要得到所有的组合，需要两层。",
            "one vmap pairs a[i] with b[i] alone; for all combinations take two, one inside the other.",
        ),
        Mistake(
            lambda f, a, b: jax.vmap(jax.vmap(f, (0, None)), (None, 0))(a, b),
            "表转置了：外层的 vmap 决定第一个轴，它应当对 a 映射。",
            "the table is transposed: the outer vmap makes the first axis, and must map over a.",
        ),
    ),
)


def _ask_interval(answer: Callable[..., Any], values: np.ndarray, converged: np.ndarray, level: float) -> np.ndarray:
    """Both ends as one array."""
    return np.asarray(answer(values, converged, level), np.float64).reshape(-1)


def _fits() -> list[Case]:
    rng = np.random.default_rng(13)
    few = np.array([1.0, 2, 3, 4, 5, 90], np.float32)
    first = [
        {"values": few, "converged": few < 50, "level": 0.5},
        {"values": few, "converged": few < 50, "level": 0.9},
    ]
    drawn = [(rng.normal(size=n).astype(np.float32) - 2, rng.random(n) < 0.8) for n in (20, 200)]
    return first + [
        {"values": np.where(ok, x, 30 * x), "converged": ok, "level": level} for x, ok in drawn for level in (0.8, 0.95)
    ]


def _quantiles(values: Any, level: float) -> Any:
    return jnp.quantile(values, jnp.array([(1 - level) / 2, (1 + level) / 2]))


INTERVAL = Exercise(
    id="E12.3",
    truth=lambda values, converged, level: _quantiles(values[converged], level),
    cases=_fits,
    ask=_ask_interval,
    mistakes=(
        Mistake(
            lambda values, converged, level: _quantiles(values, level),
            "没有收敛的拟合不是估计值：先用 converged 把它们挑出去。",
            "a fit that did not converge is no estimate: take values[converged] first.",
        ),
        Mistake(
            lambda values, converged, level: _quantiles(jnp.where(converged, values, 0.0), level),
            "把失败的换成 0 等于编造数据；应当去掉它们。",
            "zeros in place of the failed fits are made-up data: leave them out.",
        ),
        Mistake(
            lambda values, converged, level: jnp.quantile(values[converged], jnp.array([1 - level, level])),
            "两头各留 (1 - level) / 2：要的是中间的 level。",
            "leave (1 - level) / 2 at each end: it is the middle `level` that is asked for.",
        ),
    ),
)

EXERCISES = (LEAVE_OUT, ALL_PAIRS, INTERVAL)
