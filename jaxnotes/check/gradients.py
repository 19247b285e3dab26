"""The exercises of lesson 01: the rate along a direction, the tangent plane, partials without a gradient."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes import gradients
from jaxnotes.check.exercise import Case, Exercise, Mistake


def _plane(x):
    """3 x0 + x1"""
    return 3 * x[0] + x[1]


def _bowl(x):
    """x0^2 + 2 x1^2"""
    return x[0] ** 2 + 2 * x[1] ** 2


def _wave(x):
    """x0^2 x1 + sin x1"""
    return x[0] ** 2 * x[1] + jnp.sin(x[1])


def _random(name: str) -> list[Case]:
    """Functions with a point and a second vector of this name."""
    rng = np.random.default_rng(1)
    functions = [_plane, _bowl, _wave] * 6
    return [{"f": f, "x": _draw(rng), name: _draw(rng)} for f in functions]


def _draw(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-2, 2, 2).round(1).astype(np.float32) + np.float32(0.05)


def _floats(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


def _directions() -> list[Case]:
    at = _floats(1, 2)
    simple = [(_plane, (1, 0)), (_plane, (2, 0)), (_bowl, (0, 1)), (_bowl, (0, 3)), (_wave, (3, 4))]
    return [{"f": f, "x": at, "u": _floats(*u)} for f, u in simple] + _random("u")


DIRECTIONAL = Exercise(
    id="E1.1",
    truth=lambda f, x, u: jnp.dot(jax.grad(f)(x), u) / jnp.linalg.norm(u),
    cases=_directions,
    mistakes=(
        Mistake(
            lambda f, x, u: jnp.dot(jax.grad(f)(x), u),
            "变化率与 u 的长度无关：先把 u 除以它的范数。",
            "the length of u must not matter: divide u by its norm first.",
        ),
        Mistake(
            lambda f, x, u: jax.grad(f)(x),
            "这是梯度本身，一个向量；沿 u 的变化率是它与单位方向的内积，一个数。",
            "this is the gradient, a vector; the rate along u is its inner product with the unit direction, a number.",
        ),
        Mistake(
            lambda f, x, u: jnp.dot(jax.grad(f)(x), u) / jnp.dot(u, u),
            "除的是 u 的范数的平方；应除以范数本身。",
            "this divides by the square of the norm of u; divide by the norm itself.",
        ),
        Mistake(
            lambda f, x, u: f(x + u) - f(x),
            "这是走完一整步 u 的增量，不是瞬时变化率；需要求导。",
            "this is the change over the whole step u, not the rate at x: take a derivative.",
        ),
        Mistake(
            lambda f, x, u: (f(x + u) - f(x)) / jnp.linalg.norm(u),
            "这是割线的斜率；步长趋于零时才是方向导数。",
            "this is the slope of a secant; the rate is its limit for a short step.",
        ),
        Mistake(
            lambda f, x, u: jnp.linalg.norm(jax.grad(f)(x)),
            "这是梯度的模，即各方向变化率的最大值，与 u 无关。",
            "this is the norm of the gradient, the largest rate of all, whatever u is.",
        ),
    ),
)


def _ask_plane(answer: Callable[..., Any], f: Callable[..., Any], a: np.ndarray, x: np.ndarray) -> Any:
    """The value at x of the plane that the answer makes from f and a."""
    return answer(f, a)(x)


def _points() -> list[Case]:
    a = _floats(1, 2)
    simple = [{"f": _plane, "a": a, "x": a}, {"f": _bowl, "a": a, "x": a}, {"f": _bowl, "a": a, "x": _floats(2, 2)}]
    return simple + [{"f": case["f"], "a": case["x"], "x": case["x_new"]} for case in _random("x_new")]


TANGENT_PLANE = Exercise(
    id="E1.2",
    truth=gradients.tangent,
    cases=_points,
    ask=_ask_plane,
    mistakes=(
        Mistake(
            lambda f, a: lambda x: jnp.dot(jax.grad(f)(a), x - a),
            "少了 f(a)：切平面必须经过点 (a, f(a))。",
            "f(a) is missing: the plane must pass through (a, f(a)).",
        ),
        Mistake(
            lambda f, a: lambda x: f(a) + jnp.dot(jax.grad(f)(x), x - a),
            "梯度要在 a 处求，不在 x 处；否则得到的是曲面而不是平面。",
            "take the gradient at a, not at x: with a slope that changes it is no plane.",
        ),
        Mistake(
            lambda f, a: lambda x: f(a) + jnp.dot(jax.grad(f)(a), x),
            "位移是 x - a，不是 x。",
            "the step is x - a, not x.",
        ),
        Mistake(
            lambda f, a: f,
            "这就是 f 本身；切平面只用到 a 处的函数值与梯度。",
            "this is f itself; the plane knows only the value and the gradient at a.",
        ),
    ),
)

PARTIAL_0, PARTIAL_1, NO_GRADIENT = "partial along x0", "partial along x1", "gradient"


def _ask_existence(answer: Callable[..., Any], at_zero_of_g: str) -> str:
    """Whether the rates of g at 0 have the limit that is asked for, measured along 64 directions and two steps."""
    angles = np.arange(64) * (2 * np.pi / 64)
    u = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    zero = np.zeros(2, np.float32)
    far, near = (np.array([(answer(h * v) - answer(zero)) / h for v in u]) for h in (2.0**-6, 2.0**-12))
    k = {PARTIAL_0: 0, PARTIAL_1: 16, NO_GRADIENT: 0}[at_zero_of_g]
    opposite = (k + 32) % 64
    if at_zero_of_g != NO_GRADIENT:
        settled = abs(near[k] - far[k]) + abs(near[k] + near[opposite]) < 0.05
        return "exists" if settled else "does not exist"
    off = np.abs(near - u @ near[[0, 16]]).max()
    return "cannot be told, g(0) is NaN" if np.isnan(off) else "does not exist" if off > 0.05 else "exists"


WITHOUT_GRADIENT = Exercise(
    id="E1.3",
    truth=lambda x: jnp.where(jnp.any(x != 0), x[0] * x[1] / jnp.hypot(x[0], x[1]), 0.0),
    cases=lambda: [{"at_zero_of_g": asked} for asked in (PARTIAL_0, PARTIAL_1, NO_GRADIENT)],
    ask=_ask_existence,
    mistakes=(
        Mistake(
            lambda x: jnp.abs(x[0]) + jnp.abs(x[1]),
            "沿坐标轴左右斜率不同，偏导数就不存在；要让 g 在两条坐标轴上都平坦。",
            "along an axis the slopes to the left and right differ, so there is no partial: "
            "make g flat on both axes, and not between them.",
        ),
        Mistake(
            lambda x: x[0] * x[1],
            "这个函数在原点可微；试试让 g(t u) = t g(u) 而 g 又不是线性函数。",
            "this one is differentiable at 0. Try g(t u) = t g(u) for t > 0 with a g that is not linear.",
        ),
        Mistake(
            lambda x: x[0] * x[1] / jnp.hypot(x[0], x[1]),
            "g(0) 是 0/0：请用 jnp.where 规定它的值。",
            "g(0) is 0/0: give it a value with jnp.where.",
        ),
    ),
)

EXERCISES = (DIRECTIONAL, TANGENT_PLANE, WITHOUT_GRADIENT)
