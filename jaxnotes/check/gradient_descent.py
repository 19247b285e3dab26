"""The exercises of lesson 02: the loop itself, the rate it needs, and the steps it takes."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes import gradient_descent
from jaxnotes.check.exercise import Case, Exercise, Mistake


def _square(x):
    """x^2"""
    return x**2


def _valley(x):
    """(x - 3)^2 + sin x"""
    return (x - 3) ** 2 + jnp.sin(x)


def _descend(f: Callable[[Any], Any], x0: float, eta: float, n: int, sign: float = -1.0) -> Any:
    x = jnp.asarray(x0, float)
    for _ in range(n):  # few steps, sooner walked than compiled
        x = x + sign * eta * jax.grad(f)(x)
    return x


def _starts() -> list[Case]:
    simple = [(_square, 10.0, 0.2, 0), (_square, 10.0, 0.2, 1)]
    five = [(_square, 10.0, eta, 10) for eta in (0.05, 0.2, 0.5, 1.0, 1.1)]
    more = [(_valley, x0, eta, n) for x0 in (-1.0, 0.5, 4.0) for eta in (0.05, 0.3) for n in (1, 2, 7)]
    return [dict(zip(("f", "x0", "eta", "n"), case, strict=True)) for case in [*simple, *five, *more]]


DESCENT = Exercise(
    id="E2.1",
    truth=_descend,
    cases=_starts,
    mistakes=(
        Mistake(
            lambda f, x0, eta, n: _descend(f, x0, eta, n, sign=1.0),
            "符号反了：要沿负梯度走，否则是在上山。",
            "the sign: go against the gradient, or you climb.",
        ),
        Mistake(
            lambda f, x0, eta, n: _descend(f, x0, eta, max(n - 1, 0)),
            "少走了一步：一共要更新 n 次。",
            "one step is missing: there are n updates.",
        ),
        Mistake(
            lambda f, x0, eta, n: _descend(f, x0, eta, n + 1),
            "多走了一步：n = 0 时应返回起点 x0。",
            "one step too many: for n = 0 the answer is x0.",
        ),
        Mistake(
            lambda f, x0, eta, n: x0 - n * eta * jax.grad(f)(jnp.asarray(x0, float)),
            "梯度一直停在 x0 处；每走一步都要在新的位置重新求梯度。",
            "the gradient stays that at x0; take it anew at every step.",
        ),
        Mistake(
            lambda f, x0, eta, n: f(_descend(f, x0, eta, n)),
            "返回的是函数值；题目要的是最后的 x。",
            "this is the value of f; the last x is asked for.",
        ),
    ),
)


def _bowls() -> list[Case]:
    rng = np.random.default_rng(2)
    simple = [np.diag([1.0, 1.0]), np.diag([1.0, 4.0]), np.array([[2.0, 1.0], [1.0, 2.0]])]
    roots = [rng.normal(size=(n, n)) for n in (2, 2, 3, 3, 4, 5, 6)]
    random = [(A @ A.T + 0.5 * np.eye(len(A))).round(2) for A in roots]
    return [{"H": H.astype(np.float32)} for H in [*simple, *random]]


SAFE_RATE = Exercise(
    id="E2.2",
    truth=lambda H: 2 / jnp.linalg.eigvalsh(H)[-1],
    cases=_bowls,
    mistakes=(
        Mistake(
            lambda H: 2 / jnp.linalg.eigvalsh(H)[0],
            "这里用了最小特征值；限制学习率的是最大的曲率。",
            "this is the smallest eigenvalue; the largest curvature limits the rate.",
        ),
        Mistake(
            lambda H: 2 / jnp.trace(H),
            "2/迹 是安全的，但偏小：迹是全部特征值之和。",
            "2 / trace is safe but smaller than it need be: the trace adds all eigenvalues.",
        ),
        Mistake(
            lambda H: 1 / jnp.linalg.eigvalsh(H)[-1],
            "1/L 是常用的安全取值，但界限是它的两倍。",
            "1 / L is a safe choice; the limit is twice that.",
        ),
        Mistake(
            lambda H: 2 / jnp.max(jnp.diagonal(H)),
            "对角元不是特征值：曲率最大的方向可以是斜的。",
            "entries of the diagonal are no eigenvalues: the sharpest direction may be oblique.",
        ),
    ),
    tol=1e-3,
)


def _conditions() -> list[Case]:
    pairs = [(10.0, 0.1), (10.0, 1e-6), (2.0, 1e-3), (100.0, 1e-6), (1000.0, 1e-6), (50.0, 1e-8)]
    return [{"kappa": kappa, "tol": tol} for kappa, tol in pairs]


def _steps(kappa: float, tol: float, log: Callable[[float], float] = math.log) -> int:
    return math.ceil(log(tol) / math.log((kappa - 1) / (kappa + 1)))


STEPS = Exercise(
    id="E2.3",
    truth=gradient_descent.steps_needed,
    cases=_conditions,
    mistakes=(
        Mistake(
            lambda kappa, tol: math.ceil(math.log(tol) / math.log(1 - 1 / kappa)),
            "1 - 1/κ 是学习率取 1/L 时的收缩因子；最佳学习率 2/(μ+L) 下是 (κ-1)/(κ+1)。",
            "1 - 1/kappa is the factor for the rate 1/L; with the best rate 2/(mu + L) it is (kappa - 1)/(kappa + 1).",
        ),
        Mistake(
            lambda kappa, tol: _steps(kappa, tol, math.log10),
            "分子用了 log10、分母用了 ln：两处必须同底。",
            "log10 above and ln below: both logarithms need the same base.",
        ),
        Mistake(
            lambda kappa, tol: math.floor(math.log(tol) / math.log((kappa - 1) / (kappa + 1))),
            "要向上取整：向下取整时误差还没有降到 tol。",
            "round up: rounded down, the error has not come to tol yet.",
        ),
    ),
    tol=1e-9,
)

EXERCISES = (DESCENT, SAFE_RATE, STEPS)
