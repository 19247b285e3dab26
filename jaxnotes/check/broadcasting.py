"""The exercises of lesson 03: the shape rule, means that keep their axis, and a loss that refuses to stretch."""

import itertools

import jax.numpy as jnp
import numpy as np

from jaxnotes import broadcasting
from jaxnotes.check.exercise import Case, Exercise, Mistake


def _pairs() -> list[Case]:
    fit = [((3,), (3,)), ((4, 3), (3,)), ((2, 1), (3,)), ((), (2, 3)), ((0,), (1,)), ((3, 1), (1, 2))]
    rng = np.random.default_rng(3)
    random = [tuple(tuple(rng.choice([1, 2, 3], rng.integers(0, 4)).tolist()) for _ in "ab") for _ in range(20)]
    return [{"a": a, "b": b} for a, b in [*fit[:2], ((2, 3), (2,)), *fit[2:], *random]]


def _left_aligned(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return broadcasting.broadcast_shapes(a[::-1], b[::-1])[::-1]


def _largest(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    together = list(itertools.zip_longest(a[::-1], b[::-1], fillvalue=1))
    if any(m != n and 1 not in (m, n) for m, n in together):
        raise ValueError("shapes do not fit")
    return tuple(max(pair) for pair in together)[::-1]


def _never_fails(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n if m == 1 else m for m, n in itertools.zip_longest(a[::-1], b[::-1], fillvalue=1))[::-1]


SHAPES = Exercise(
    id="E3.1",
    truth=broadcasting.broadcast_shapes,
    cases=_pairs,
    mistakes=(
        Mistake(
            _left_aligned,
            "形状要从右边对齐：最后一个轴对最后一个轴。",
            "align the shapes at the right: last axis with last axis.",
        ),
        Mistake(
            _largest,
            "取最大值遇到 0 就错了：(0,) 与 (1,) 得 (0,)。规则是“取不等于 1 的那个”。",
            "the larger length is wrong for 0: (0,) with (1,) gives (0,). Take the one that is not 1.",
        ),
        Mistake(
            _never_fails,
            "长度既不相等又都不是 1 时，必须抛出 ValueError。",
            "where the lengths differ and neither is 1, raise a ValueError.",
        ),
    ),
)


def _matrices() -> list[Case]:
    rng = np.random.default_rng(4)
    simple = [[[1, 2], [3, 4]], [[1, 2, 6], [3, 4, 5]], [[0, 1], [1, 0], [5, 5]]]
    random = [rng.normal(size=shape).round(2) for shape in ((3, 3), (4, 4), (5, 2), (2, 7))]
    return [{"X": np.array(X, np.float32)} for X in [*simple, *random]]


CENTRED = Exercise(
    id="E3.2",
    truth=lambda X: X - X.mean(axis=1, keepdims=True) - X.mean(axis=0, keepdims=True) + X.mean(),
    cases=_matrices,
    mistakes=(
        Mistake(
            lambda X: X - X.mean(axis=1) - X.mean(axis=0) + X.mean(),
            "行均值少了 keepdims=True：方阵上它被当成一行，悄悄减错了轴；非方阵才报错。",
            "the means of the rows need keepdims=True: on a square X they pass for a row, and the wrong axis is "
            "centred in silence.",
        ),
        Mistake(
            lambda X: X - X.mean(axis=1, keepdims=True) - X.mean(axis=0, keepdims=True),
            "总均值被减了两次，要加回一次。",
            "the mean of all entries has been subtracted twice; add it once.",
        ),
        Mistake(
            lambda X: X - X.mean(axis=0, keepdims=True),
            "只中心化了各列，行均值还不为零。",
            "only the columns are centred; the rows are not.",
        ),
    ),
)


def _losses() -> list[Case]:
    rng = np.random.default_rng(5)
    y = [np.array([1, 2, 3, 4], np.float32), np.array([7], np.float32), rng.normal(size=6).astype(np.float32)]
    return [
        *({"prediction": v + np.float32(0.5), "y": v} for v in y),
        {"prediction": y[0][:, None], "y": y[0]},
        {"prediction": y[0], "y": y[0][:, None]},
        {"prediction": y[1][:, None], "y": y[1]},
        {"prediction": np.float32(2), "y": y[0]},
    ]


def _strict_loss(prediction, y):
    if jnp.shape(prediction) != jnp.shape(y):
        raise ValueError("shapes differ")
    return jnp.mean((prediction - y) ** 2)


STRICT_LOSS = Exercise(
    id="E3.3",
    truth=_strict_loss,
    cases=_losses,
    mistakes=(
        Mistake(
            lambda prediction, y: jnp.mean((prediction - y) ** 2),
            "形状 (n, 1) 与 (n,) 被广播成 (n, n)，没有报错。先比较形状。",
            "(n, 1) against (n,) was stretched to (n, n) and nothing was said. Compare the shapes first.",
        ),
        Mistake(
            lambda prediction, y: jnp.mean((jnp.squeeze(prediction) - jnp.squeeze(y)) ** 2),
            "squeeze 把错误的形状悄悄改掉了；题目要求拒绝它，而不是猜测它的意思。",
            "squeeze mends the wrong shape in silence; it is to be refused, not guessed at.",
        ),
        Mistake(
            lambda prediction, y: jnp.mean((jnp.reshape(prediction, jnp.shape(y)) - y) ** 2),
            "reshape 让形状相同了，却掩盖了调用者的错误；请抛出 ValueError。",
            "reshape makes the shapes equal and hides the caller's error; raise a ValueError.",
        ),
    ),
)

EXERCISES = (SHAPES, CENTRED, STRICT_LOSS)
