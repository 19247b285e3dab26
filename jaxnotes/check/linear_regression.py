"""The exercises of lesson 04: three conventions of the loss, its gradient by hand, which distance a code minimizes."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxnotes.check.exercise import Case, Exercise, Mistake


def _ask_numbers(answer: Callable[..., Any], **case: Any) -> np.ndarray:
    """What the answer returns, a tuple or a vector, as a vector."""
    return np.asarray(answer(*case.values()))


def _predictions() -> list[Case]:
    rng = np.random.default_rng(4)
    simple = [([1.0, 2.0], [0.0, 2.0]), ([1.0, 2.0, 3.0], [2.0, 2.0, 1.0])]
    drawn = [(rng.uniform(-3, 3, n).round(1), rng.uniform(-3, 3, n).round(1)) for n in (1, 4, 7, 20)]
    return [{"y": np.array(y, np.float32), "y_hat": np.array(guess, np.float32)} for y, guess in simple + drawn]


def _three(total: Any, n: int) -> tuple[Any, Any, Any]:
    return total, total / n, total / (2 * n)


LOSSES = Exercise(
    id="E4.1",
    truth=lambda y, y_hat: _three(jnp.sum((y - y_hat) ** 2), len(y)),
    cases=_predictions,
    ask=_ask_numbers,
    mistakes=(
        Mistake(
            lambda y, y_hat: _three(jnp.sum((y - y_hat) ** 2) + (y[0] - y_hat[0]) ** 2, len(y)),
            "有一个点算了两次：m 个点的和从 i=1 到 m，从 0 到 m 会多一项。",
            "one point is counted twice: m points are summed from i = 1 to m; from 0 to m there is one term more.",
        ),
        Mistake(
            lambda y, y_hat: _three(jnp.sum(y - y_hat), len(y)),
            "残差有正有负，直接相加会互相抵消：先平方再求和。",
            "residuals have signs and cancel: square them before adding.",
        ),
        Mistake(
            lambda y, y_hat: _three(jnp.sum(jnp.abs(y - y_hat)), len(y)),
            "这是绝对值之和；这里要的是平方和。",
            "these are absolute values; the loss here has squares.",
        ),
        Mistake(
            lambda y, y_hat: (
                jnp.sum((y - y_hat) ** 2),
                jnp.mean((y - y_hat) ** 2),
                jnp.sum((y - y_hat) ** 2) / 2,
            ),
            "第三个是均值的一半，要除以 2n，不只是 2。",
            "the third one is half of the mean: divide by 2 n, not by 2 alone.",
        ),
    ),
)


def _lines() -> list[Case]:
    rng = np.random.default_rng(5)
    one, two = (np.array([1.0]), np.array([0.0])), (np.array([0.0, 2.0]), np.array([1.0, 2.0]))
    drawn = [(rng.uniform(-3, 3, n), rng.uniform(-3, 3, n)) for n in (3, 8, 20)]
    return [
        {"w": w, "b": b, "x": x, "y": y}
        for w, b, (x, y) in zip((1.0, 0.0, 0.5, -1.5, 2.0), (0.0, 1.0, 3.0, 0.5, -1.0), [one, two, *drawn], strict=True)
    ]


def _residual(w: float, b: float, x: Any, y: Any) -> Any:
    return jnp.asarray(y) - w * jnp.asarray(x) - b


def _gradient(residual: Any, x: Any, factor: float) -> Any:
    return jnp.stack([factor * jnp.sum(residual * x), factor * jnp.sum(residual)])


GRADIENT = Exercise(
    id="E4.2",
    truth=lambda w, b, x, y: _gradient(_residual(w, b, x, y), x, -2 / len(x)),
    cases=_lines,
    ask=_ask_numbers,
    tol=1e-12,
    double=True,
    mistakes=(
        Mistake(
            lambda w, b, x, y: _gradient(_residual(w, b, x, y), x, 2 / len(x)),
            "符号反了：残差 y - wx - b 对 w 求导得 -x。",
            "the sign is wrong: the derivative of y - w x - b in w is -x.",
        ),
        Mistake(
            lambda w, b, x, y: _gradient(_residual(w, b, x, y), x, -1 / len(x)),
            "少了因子 2：平方的导数带一个 2。",
            "a factor of 2 is missing: it comes from the square.",
        ),
        Mistake(
            lambda w, b, x, y: _gradient(_residual(w, b, x, y), x, -2),
            "少了 1/n：这里的损失是均值，不是和。",
            "1/n is missing: the loss is a mean, not a sum.",
        ),
        Mistake(
            lambda w, b, x, y: jnp.full(2, -2 / len(x) * jnp.sum(_residual(w, b, x, y))),
            "对 w 求导时，每个残差还要乘以它的 x。",
            "in the derivative by w, each residual is multiplied by its x.",
        ),
        Mistake(
            lambda w, b, x, y: _gradient(_residual(w, b, x, y), x, -2 / len(x))[::-1],
            "顺序反了：先 w 后 b。",
            "the order is wrong: w first, then b.",
        ),
    ),
)


def _ask_snippet(answer: Any, snippet: str) -> Any:
    return answer["ABC".index(snippet)]


DISTANCES = Exercise(
    id="E4.3",
    truth=("perpendicular", "vertical", "horizontal"),
    cases=lambda: [{"snippet": name} for name in "ABC"],
    ask=_ask_snippet,
    mistakes=(
        Mistake(
            ("vertical", "vertical", "horizontal"),
            "A 除以了 1 + w²：竖直距离除以 √(1 + w²) 才是点到直线的欧氏距离。",
            "A is divided by 1 + w^2: a vertical distance over sqrt(1 + w^2) is the Euclidean distance to the line.",
        ),
        Mistake(
            ("vertical", "perpendicular", "horizontal"),
            "A 与 B 换一下：除以 1 + w² 的才是到直线的垂直距离。",
            "swap A and B: the one with 1 + w^2 is the perpendicular distance.",
        ),
        Mistake(
            ("perpendicular", "vertical", "vertical"),
            "C 比较的是 x：残差是水平的，即 x 对 y 的回归。",
            "C compares values of x: its residuals are horizontal, the regression of x on y.",
        ),
        Mistake(
            ("perpendicular", "horizontal", "vertical"),
            "看残差里减的是什么：减 y 的是竖直距离，减 x 的是水平距离。",
            "see what is subtracted: from y, the distance is vertical; from x, horizontal.",
        ),
    ),
)

EXERCISES = (LOSSES, GRADIENT, DISTANCES)
