"""The exercises of lesson 09: counting parameters, a layer for many rows, XOR by hand, backpropagation by hand."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.check.exercise import Case, Exercise, Mistake
from jaxnotes.core.values.arrays import Array


def _sizes() -> list[Case]:
    rng = np.random.default_rng(9)
    random = [tuple(rng.integers(1, 20, rng.integers(2, 6)).tolist()) for _ in range(10)]
    return [{"sizes": sizes} for sizes in [(1, 1), (2, 1), (3, 4, 1), (2, 2, 1), (784, 100, 10), *random]]


def _weights(sizes: tuple[int, ...]) -> int:
    return sum(n_in * n_out for n_in, n_out in itertools.pairwise(sizes))


COUNT = Exercise(
    id="E9.1",
    truth=lambda sizes: _weights(sizes) + sum(sizes[1:]),
    cases=_sizes,
    mistakes=(
        Mistake(
            _weights,
            "每个单元还有一个偏置 b，别忘了数它。",
            "every unit has a b of its own: count these too.",
        ),
        Mistake(
            lambda sizes: _weights(sizes) + sum(sizes),
            "输入层没有偏置：只有隐藏层和输出层的单元才有。",
            "the inputs have no b: only hidden and output units do.",
        ),
    ),
)


def _layers() -> list[Case]:
    rng = np.random.default_rng(10)
    shapes = [(1, 1, 1), (2, 2, 2), (1, 3, 2), (3, 3, 3), (5, 3, 4), (4, 4, 4), (20, 6, 2)]
    return [
        {name: rng.integers(-3, 4, shape).astype(np.float32) for name, shape in
         (("X", (n, n_in)), ("W", (n_out, n_in)), ("b", (n_out,)))}
        for n, n_in, n_out in shapes
    ]  # fmt: skip


LAYER = Exercise(
    id="E9.2",
    truth=lambda X, W, b: jnp.tanh(X @ W.T + b),
    cases=_layers,
    mistakes=(
        Mistake(
            lambda X, W, b: jnp.tanh(X @ W + b),
            "W 的一行是一个单元，形状为 (n_out, n_in)：样本排成行时要乘 W 的转置。",
            "a row of W is a unit, shape (n_out, n_in): with examples as rows, multiply by W transposed.",
        ),
        Mistake(
            lambda X, W, b: jnp.tanh(X @ W.T + b[:, None]),
            "b 被加到了行上：n 等于 n_out 时不报错，结果却是错的。去掉 [:, None]。",
            "b is added along the rows: no error where n equals n_out, and yet wrong. Leave out [:, None].",
        ),
        Mistake(
            lambda X, W, b: X @ W.T + b,
            "还差激活函数：对每个元素取 tanh。",
            "the activation is missing: take tanh of every entry.",
        ),
    ),
)


def _ask_xor(answer: Any, x: np.ndarray) -> str:
    """Which side of 0 the output falls on, by more than 0.1."""
    W, b, w, c = (np.asarray(part, np.float64) for part in answer)
    if (W.shape, b.shape, w.shape, c.shape) != ((2, 2), (2,), (2,), ()):
        raise ValueError(f"expected shapes (2, 2), (2,), (2,), (), got {W.shape}, {b.shape}, {w.shape}, {c.shape}")
    z = float(w @ np.maximum(W @ x + b, 0) + c)
    return "z > 0.1" if z > 0.1 else "z < -0.1" if z < -0.1 else "|z| <= 0.1"


def _units(b: list[float], w: list[float], c: float) -> tuple[list[list[float]], list[float], list[float], float]:
    return [[1.0, 1.0], [1.0, 1.0]], b, w, c


XOR = Exercise(
    id="E9.3",
    truth=_units([0.0, -1.0], [1.0, -2.0], -0.5),
    cases=lambda: [{"x": np.array(x, np.float32)} for x in ((0, 0), (0, 1), (1, 0), (1, 1))],
    ask=_ask_xor,
    mistakes=(
        Mistake(
            _units([0.0, 0.0], [1.0, 0.0], -0.5),
            "这是“或”：再用一个只在 (1, 1) 处大于零的单元，把那里压下去。",
            "this is OR: take a second unit, above 0 at (1, 1) alone, to push the output down there.",
        ),
        Mistake(
            _units([0.0, -1.0], [0.0, 1.0], -0.5),
            "这是“与”：异或在 (0, 1) 与 (1, 0) 处也要为正，在 (1, 1) 处要为负。",
            "this is AND: XOR is above 0 at (0, 1) and (1, 0), and below at (1, 1).",
        ),
        Mistake(
            _units([0.0, -1.0], [1.0, -2.0], 0.0),
            "(0, 0) 与 (1, 1) 处输出恰为 0：再加一个负的 c，留出余量。",
            "the output is exactly 0 at (0, 0) and (1, 1): a negative c leaves a margin.",
        ),
    ),
)


def _output(W: Array, b: Array, w: Array, x: Array) -> Array:
    return jnp.sum(w * jnp.tanh(W @ x + b))


def _networks() -> list[Case]:
    rng = np.random.default_rng(11)
    shapes = [(1, 1), (1, 1), (2, 2), (3, 4), (4, 3), (2, 6)]
    names = ("W", "b", "w", "x")
    return [
        {name: rng.uniform(-1.5, 1.5, shape).round(1) + 0.05
         for name, shape in zip(names, ((n_out, n_in), (n_out,), (n_out,), (n_in,)), strict=True)}
        | {"t": float(k % 2)}
        for k, (n_in, n_out) in enumerate(shapes)
    ]  # fmt: skip


def _by_hand(slope: bool, moved: bool, target: bool):
    def gradients(W, b, w, x, t):
        a = jnp.tanh(W @ x + b)
        delta = jax.nn.sigmoid(jnp.sum(w * a)) - (t if target else 0)
        back = delta * (w - delta * a if moved else w) * (1 - a**2 if slope else 1)
        return jnp.outer(back, x), back, delta * a

    return gradients


BACKPROPAGATION = Exercise(
    id="E9.4",
    truth=lambda W, b, w, x, t: jax.grad(
        lambda W, b, w: jax.nn.softplus(_output(W, b, w, x)) - t * _output(W, b, w, x), argnums=(0, 1, 2)
    )(*map(jnp.asarray, (W, b, w))),
    cases=_networks,
    double=True,
    tol=1e-10,
    mistakes=(
        Mistake(
            _by_hand(slope=False, moved=False, target=True),
            "往回穿过 tanh 时要乘它的导数 1 - a^2。",
            "on the way back through tanh, multiply by its derivative 1 - a^2.",
        ),
        Mistake(
            _by_hand(slope=True, moved=True, target=True),
            "梯度都在旧的参数处取：不要先更新 w 再用它。",
            "all gradients are taken at the old parameters: do not update w before you use it.",
        ),
        Mistake(
            _by_hand(slope=True, moved=False, target=False),
            "输出端的误差是 sigma(z) - t，别漏了标签 t。",
            "the error at the output is sigma(z) - t: do not forget the label t.",
        ),
    ),
)

EXERCISES = (COUNT, LAYER, XOR, BACKPROPAGATION)
