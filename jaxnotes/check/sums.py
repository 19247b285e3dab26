"""The exercises of lesson 11: a sum with shifted limits, a sum that keeps its digits, KL with zeros, symbols read."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxnotes import information, sums
from jaxnotes.check.exercise import Case, Exercise, Mistake
from jaxnotes.core.values.arrays import Array


def _limits() -> list[Case]:
    simple = [(1, 1), (0, 2), (1, 3), (2, 3), (5, 4), (3, 10), (-2, 3)]
    return [{"first": m, "last": n} for m, n in [*simple, *((m, 200) for m in (1, 50, 200)), (1000, 2000)]]


def _squares(n: int) -> int:
    return n * (n + 1) * (2 * n + 1) // 6


SUM_OF_SQUARES = Exercise(
    id="E11.1",
    truth=lambda m, n: _squares(n) - _squares(m - 1),
    cases=_limits,
    tol=0.0,
    mistakes=(
        Mistake(
            lambda m, n: _squares(n) - _squares(m),
            "首项丢了：要减去的是到 first - 1 为止的和。",
            "the first term is lost: take away the sum up to first - 1.",
        ),
        Mistake(
            lambda m, n: _squares(n - 1) - _squares(m - 1),
            "末项丢了：range(first, last) 不含 last，而求和号的上限是包含的。",
            "the last term is lost: range(first, last) stops before last, a sum does not.",
        ),
        Mistake(
            lambda m, n: _squares(n),
            "这是从 1（或 0）开始的和，没有用到 first。",
            "this is the sum from 1 (or 0): first is not used.",
        ),
        Mistake(
            lambda m, n: (n * (n + 1) // 2 - m * (m - 1) // 2) ** 2,
            "这是和的平方，不是平方的和。",
            "this is the square of the sum, not the sum of the squares.",
        ),
        Mistake(
            lambda m, n: int(_int32(n) - _int32(m - 1)),
            "32 位整数溢出了：请用 Python 的整数。",
            "32-bit integers overflow: use those of Python.",
        ),
    ),
)


def _int32(n: int) -> np.int64:
    """n (n + 1)(2n + 1) / 6 as 32 bits have it."""
    wrapped = (n * (n + 1) * (2 * n + 1) + 2**31) % 2**32 - 2**31
    return np.int64(wrapped // 6)


def _vectors() -> list[Case]:
    tenth = np.float32(0.1)
    simple = [np.ones(1), np.ones(2), np.arange(1, 4), np.arange(5), np.arange(8)]
    return [{"x": x.astype(np.float32)} for x in simple] + [{"x": np.full(n, tenth)} for n in (1000, 100_000)]


def _in_half_precision(x: np.ndarray) -> np.float32:
    return np.sum(x, dtype=np.float16).astype(np.float32)


def _halving(x: np.ndarray) -> Any:
    """Pairs, pairs of pairs and so on; what is left of an odd number is lost."""
    while len(x) > 1:
        half = len(x) // 2
        x = x[:half] + x[half : 2 * half]
    return x[0]


ACCURATE_SUM = Exercise(
    id="E11.2",
    truth=lambda x: np.float32(math.fsum(np.asarray(x, np.float64))),
    cases=_vectors,
    tol=1e-5,
    mistakes=(
        Mistake(
            sums.running_sum,
            "从左到右逐个相加：和变大以后，每一项都被舍入到和的精度。请先两两相加。",
            "one after the other: once the sum is large, every term is rounded to its precision. Add in pairs.",
        ),
        Mistake(
            _halving,
            "长度为奇数时丢了一项：先补一个 0。",
            "a term is lost where the length is odd: append a 0 first.",
        ),
        Mistake(
            lambda x: x[: len(x) // 2] + x[len(x) // 2 : 2 * (len(x) // 2)],
            "只加了一轮：要一直加到只剩一个数。",
            "this is one round of pairs: go on until a single number is left.",
        ),
        Mistake(
            _in_half_precision,
            "用半精度累加，只有三位有效数字。",
            "the sum is kept in half precision, which has three digits.",
        ),
    ),
)


def _distributions() -> list[Case]:
    pairs = [
        ((0.5, 0.5), (0.5, 0.5)),
        ((0.5, 0.5), (0.9, 0.1)),
        ((0.9, 0.1), (0.5, 0.5)),
        ((1.0, 0.0), (0.5, 0.5)),
        ((0.5, 0.5), (1.0, 0.0)),
        ((0.25, 0.75, 0.0), (0.5, 0.5, 0.0)),
        ((0.2, 0.3, 0.5), (0.1, 0.6, 0.3)),
    ]
    return [{"p": jnp.array(p, jnp.float32), "q": jnp.array(q, jnp.float32)} for p, q in pairs]


def _terms(p: Array, q: Array) -> Array:
    return p * jnp.log(p / q)


KL_WITH_ZEROS = Exercise(
    id="E11.3",
    truth=information.kl_divergence,
    cases=_distributions,
    mistakes=(
        Mistake(
            lambda p, q: jnp.sum(_terms(p, q)),
            "p 中的 0 给出 0·log 0 = NaN；按约定它是 0，请用 jnp.where。",
            "a 0 in p gives 0 log 0 = NaN. By convention it is 0: use jnp.where.",
        ),
        Mistake(
            lambda p, q: jnp.sum(jnp.where(p * q > 0, _terms(p, q), 0)),
            "q = 0 而 p > 0 的项不能丢掉：它是无穷大。",
            "a term with q = 0 < p must not be left out: it is infinite.",
        ),
        Mistake(
            lambda p, q: information.kl_divergence(q, p),
            "p 与 q 的位置颠倒了：KL 散度不对称，在前的是求期望用的 p。",
            "p and q are swapped. KL is not symmetric; the first one is that of the expectation.",
        ),
        Mistake(
            lambda p, q: jnp.nansum(_terms(p, q)) / jnp.log(2.0),
            "这是以 2 为底的对数（比特）；这里要自然对数（奈特）。",
            "this is in bits, with logarithms to base 2; natural ones (nats) are asked for.",
        ),
        Mistake(
            lambda p, q: information.cross_entropy(p, q),
            "这是交叉熵，还要减去 p 的熵。",
            "this is the cross-entropy; take away the entropy of p.",
        ),
    ),
)

# A reading of the symbols: the question, the answer, the answer of one who errs.
QUESTIONS = {
    "sum_{i=0}^{4} 1": (5, 4),
    "||(3, -4)||_1": (7, 5),
    "|{3, 1, 2, 3}|": (3, 4),
    "[X]_21 of X = (1 2; 3 4)": (3, 2),
    "1_A(5) for A = {2, 5, 7}": (1, 5),
    "log 100 (to two decimals)": (4.61, 2),
}
HINTS = (
    ("从 0 到 4 有五项。", "from 0 to 4 there are five terms."),
    ("下标 1 表示 l1 范数：绝对值之和。", "the index 1 means the l1 norm: the sum of the sizes."),
    ("集合里重复的元素只算一次。", "a set counts a repeated element once."),
    ("先行后列，从 1 数起：第 2 行第 1 列。", "row before column, counted from 1: row 2, column 1."),
    ("指示函数只取 0 或 1。", "an indicator is 0 or 1."),
    ("log 是自然对数。", "log is the natural logarithm."),
)
RIGHT = tuple(right for right, _ in QUESTIONS.values())


def _ask_reading(answer: Any, question: str) -> Any:
    """The entry of the answer that belongs to the question."""
    return answer[list(QUESTIONS).index(question)]


def _with_one_wrong(k: int) -> tuple[float, ...]:
    wrong = list(QUESTIONS.values())[k][1]
    return tuple(wrong if j == k else right for j, right in enumerate(RIGHT))


READING = Exercise(
    id="E11.4",
    truth=RIGHT,
    cases=lambda: [{"question": question} for question in QUESTIONS],
    ask=_ask_reading,
    tol=2e-3,
    mistakes=tuple(Mistake(_with_one_wrong(k), *hint) for k, hint in enumerate(HINTS)),
)

EXERCISES = (SUM_OF_SQUARES, ACCURATE_SUM, KL_WITH_ZEROS, READING)
