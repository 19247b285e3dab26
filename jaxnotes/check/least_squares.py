"""The exercises of lesson 05: least squares without the normal equations, a weighted triangle, a standard error."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxnotes.check.exercise import Case, Exercise, Mistake


def _powers(degree: int) -> Case:
    """Fifty points on [0, 1], their powers, and the polynomial with all coefficients 1."""
    X = np.vander(np.linspace(0, 1, 50, dtype=np.float32), degree + 1, increasing=True)
    return {"X": X, "y": X.astype(np.float64).sum(axis=1).astype(np.float32)}


def _designs() -> list[Case]:
    first = {"X": np.array([[1, 0], [0, 2], [0, 0]], np.float32), "y": np.array([1, 4, 5], np.float32)}
    second = {"X": np.array([[1, 0], [1, 1], [1, 2]], np.float32), "y": np.array([0, 0, 3], np.float32)}
    return [first, second, _powers(2), _powers(7)]


RIGHT, WRONG = "coefficients right to 0.01", "coefficients off by more than 0.01"


def _ask_coefficients(answer: Callable[..., Any], X: np.ndarray, y: np.ndarray) -> Any:
    """The coefficients, or, of a design that is hard in float32, whether they are right."""
    found = np.asarray(answer(jnp.asarray(X), jnp.asarray(y)), np.float64)
    if X.shape[1] < 5:
        return found
    return RIGHT if np.abs(found - _exact(X, y)).max() < 0.01 else WRONG


def _exact(X: Any, y: Any) -> np.ndarray:
    return np.linalg.lstsq(np.asarray(X, np.float64), np.asarray(y, np.float64), rcond=None)[0]


def _through_gram(X: Any, y: Any) -> Any:
    return jnp.linalg.solve(X.T @ X, X.T @ y)


WITHOUT_GRAM = Exercise(
    id="E5.1",
    truth=_exact,
    cases=_designs,
    ask=_ask_coefficients,
    tol=1e-3,
    mistakes=(
        Mistake(
            _through_gram,
            "用了 X'X：它的条件数是 X 的平方，单精度下数字全丢了。改用 X 的 QR 分解，或 jnp.linalg.lstsq。",
            "this goes through X'X, whose condition number is the square of that of X: all digits are lost in "
            "float32. Use the QR factors of X, or jnp.linalg.lstsq.",
        ),
        Mistake(
            lambda X, y: X.T @ y,
            "X'y 还不是解：除非 X 的各列是标准正交的。",
            "X'y alone is no solution, unless the columns of X are orthonormal.",
        ),
        Mistake(
            lambda X, y: X @ _through_gram(X, y),
            "这是拟合值 Xw，不是系数 w。",
            "these are the fitted values X w, not the coefficients w.",
        ),
    ),
)


def _triangles() -> list[Case]:
    drawn = [(3.5, (1.0, 2.0, 2.5)), (-7.0, (0.5, 0.25, 4.0)), (1.0, (9.0, 1.0, 3.0))]
    simple = [(-6.0, (1.0, 1.0, 1.0)), (6.0, (1.0, 1.0, 2.0)), (-6.0, (1.0, 2.0, 4.0))]
    return [{"misclosure": m, "precision": np.array(p, np.float32)} for m, p in simple + drawn]


TRIANGLE = Exercise(
    id="E5.2",
    truth=lambda misclosure, precision: -misclosure * (1 / precision) / jnp.sum(1 / precision),
    cases=_triangles,
    ask=lambda answer, misclosure, precision: np.asarray(answer(misclosure, precision)),
    mistakes=(
        Mistake(
            lambda misclosure, precision: -misclosure * precision / jnp.sum(precision),
            "反了：权越大的观测越可靠，改正数应越小，与 1/p 成正比。",
            "upside down: an observation of more weight is better and is corrected less, in proportion to 1/p.",
        ),
        Mistake(
            lambda misclosure, precision: -misclosure / jnp.sqrt(precision) / jnp.sum(1 / jnp.sqrt(precision)),
            "用了 1/√p，即标准差；最小二乘的改正数与方差成正比，即与 1/p 成正比。",
            "these shares go with 1/sqrt(p), the standard deviations; least squares corrects in proportion to 1/p.",
        ),
        Mistake(
            lambda misclosure, precision: jnp.full(3, -misclosure / 3),
            "平均分配只适用于等权；这里改正数与 1/p 成正比。",
            "equal shares are for equal weights; here the shares are in proportion to 1/p.",
        ),
        Mistake(
            lambda misclosure, precision: misclosure * (1 / precision) / jnp.sum(1 / precision),
            "符号反了：改正数之和应等于闭合差的相反数。",
            "the sign is wrong: the corrections add up to minus the misclosure.",
        ),
        Mistake(
            lambda misclosure, precision: -misclosure / precision,
            "改正数之和不等于闭合差的相反数：还要除以 1/p 之和。",
            "they do not add up to minus the misclosure: divide by the sum of 1/p.",
        ),
    ),
)


def _samples() -> list[Case]:
    from jaxnotes import datasets

    rng = np.random.default_rng(6)
    simple = [([0, 1, 2], [0, 0, 3]), ([-1, 0, 0, 1], [1, 0, 2, 3])]
    drawn = [(rng.uniform(0, 5, n).round(1), rng.uniform(-3, 3, n).round(1)) for n in (4, 9, 30)]
    quartet = [(points.x, points.y) for points in datasets.anscombe()]
    return [{"x": np.array(x, float), "y": np.array(y, float)} for x, y in simple + drawn + quartet]


def _standard_error(x: Any, y: Any, df: int) -> Any:
    x, y = jnp.asarray(x), jnp.asarray(y)
    dx, dy = x - jnp.mean(x), y - jnp.mean(y)
    residual = dy - dx * jnp.sum(dx * dy) / jnp.sum(dx**2)
    return jnp.sqrt(jnp.sum(residual**2) / df / jnp.sum(dx**2))


def _without_intercept(x: Any, y: Any) -> Any:
    x, y = jnp.asarray(x), jnp.asarray(y)
    residual = y - x * jnp.sum(x * y) / jnp.sum(x**2)
    return jnp.sqrt(jnp.sum(residual**2) / (len(x) - 1) / jnp.sum(x**2))


STANDARD_ERROR = Exercise(
    id="E5.3",
    truth=lambda x, y: _standard_error(x, y, len(x) - 2),
    cases=_samples,
    tol=1e-8,
    double=True,
    mistakes=(
        Mistake(
            lambda x, y: _standard_error(x, y, len(x)),
            "方差要除以多余观测数 n - 2，不是 n：两个参数用掉了两个自由度。",
            "divide by n - 2, the redundancy, not by n: two parameters are estimated.",
        ),
        Mistake(
            lambda x, y: _standard_error(x, y, len(x) - 1),
            "参数有两个，斜率和截距：除以 n - 2。",
            "there are two parameters, slope and intercept: divide by n - 2.",
        ),
        Mistake(
            _without_intercept,
            "忘了截距：先把 x 与 y 各自减去均值。",
            "the intercept is forgotten: take the means off x and y first.",
        ),
        Mistake(
            lambda x, y: _standard_error(x, y, len(x) - 2) ** 2,
            "这是方差；标准误是它的平方根。",
            "this is the variance; the standard error is its square root.",
        ),
    ),
)

EXERCISES = (WITHOUT_GRAM, TRIANGLE, STANDARD_ERROR)
