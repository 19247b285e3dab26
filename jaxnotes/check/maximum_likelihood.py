"""The exercises of lesson 06: the negative log-likelihood of a coin, its likelihood-ratio interval, its information."""

import math
from typing import Any

import jax.numpy as jnp

from jaxnotes.check.exercise import Case, Exercise, Mistake

COINS = [(0.5, 1, 2), (0.7, 7, 10), (0.5, 7, 10), (0.3, 2, 5), (0.25, 1, 8), (0.6, 30, 60), (0.9, 95, 100)]
MANY = (0.5, 500_000, 1_000_000)


def _coins(*coins: tuple[float, int, int]) -> list[Case]:
    return [{"p": p, "k": k, "n": n} for p, k, n in coins]


def _loss(p: Any, k: Any, n: Any) -> Any:
    return -(k * jnp.log(p) + (n - k) * jnp.log1p(-p))


NEGATIVE_LOG_LIKELIHOOD = Exercise(
    id="E6.1",
    truth=_loss,
    cases=lambda: _coins(*COINS, MANY),
    mistakes=(
        Mistake(
            lambda p, k, n: -jnp.log(jnp.asarray(p) ** k * (1 - jnp.asarray(p)) ** (n - k)),
            "先乘后取对数：n 很大时乘积下溢为 0，对数成了负无穷。先取对数，再相加。",
            "the product comes first: for large n it underflows to 0, whose logarithm is -inf. "
            "Take logarithms, then add.",
        ),
        Mistake(
            lambda p, k, n: _loss(p, k, n) / math.log(10),
            "这里用了以 10 为底的对数；似然一律用自然对数 jnp.log。",
            "these are logarithms to base 10; likelihoods take natural ones, jnp.log.",
        ),
        Mistake(
            lambda p, k, n: -_loss(p, k, n),
            "符号反了：负对数似然在 0 < p < 1 时是正数。",
            "the sign is wrong: a negative log-likelihood of tosses is positive.",
        ),
        Mistake(
            lambda p, k, n: _loss(p, k, n) / n,
            "这是每次抛掷的平均值；题目要的是 n 次之和。",
            "this is the mean of a toss; asked is the sum over all n.",
        ),
        Mistake(
            lambda p, k, n: -k * jnp.log(p),
            "只算了正面；还有 n - k 次反面，每次贡献 log(1 - p)。",
            "these are the heads alone: each of the n - k tails adds log(1 - p).",
        ),
    ),
)

SAMPLES = [(1, 2), (7, 10), (5, 10), (9, 10), (2, 5), (1, 20), (300, 1000)]


def _wald(k: int, n: int, z: float) -> tuple[float, float]:
    half = z * math.sqrt(k / n * (1 - k / n) / n)
    return k / n - half, k / n + half


def _where_it_falls(k: int, n: int, drop: float) -> tuple[float, float]:
    """The two p at which the log-likelihood is `drop` below its maximum, by bisection."""
    peak = k / n

    def fall(p: float) -> float:
        return k * math.log(peak / p) + (n - k) * math.log((1 - peak) / (1 - p))

    def end(outside: float) -> float:
        inside = peak
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if fall(middle) < drop else (inside, middle)
        return inside

    return end(1e-12), end(1 - 1e-12)


INTERVAL = Exercise(
    id="E6.2",
    truth=lambda k, n: _where_it_falls(k, n, 1.96**2 / 2),
    cases=lambda: [{"k": k, "n": n} for k, n in SAMPLES],
    tol=1e-3,
    mistakes=(
        Mistake(
            lambda k, n: _wald(k, n, 1.96),
            "这是 Wald 区间 p ± 1.96 SE，总是左右对称；似然比区间要解 l(p) = l(p_hat) - 1.92。",
            "this is the Wald interval, p_hat +- 1.96 SE, always symmetric; solve l(p) = l(p_hat) - 1.92.",
        ),
        Mistake(
            lambda k, n: _where_it_falls(k, n, 3.84),
            "3.84 是 2 倍对数似然之差的界；对数似然本身只许下降 3.84 / 2 = 1.92。",
            "3.84 bounds twice the fall; the log-likelihood itself may fall by 3.84 / 2 = 1.92.",
        ),
        Mistake(
            lambda k, n: _where_it_falls(k, n, 1.96),
            "1.96 是正态分位数 z；允许下降的是 z^2 / 2 = 1.92。",
            "1.96 is the normal quantile z; the fall allowed is z^2 / 2 = 1.92.",
        ),
    ),
)


def _information(p: Any, k: Any, n: Any) -> Any:
    return k / p**2 + (n - k) / (1 - p) ** 2


INFORMATION = Exercise(
    id="E6.3",
    truth=_information,
    cases=lambda: _coins(*COINS),
    mistakes=(
        Mistake(
            lambda p, k, n: -_information(p, k, n),
            "少了负号：对数似然是凹的，二阶导数为负；信息量是它的相反数。",
            "the sign is missing: the log-likelihood curves down; the information is minus its second derivative.",
        ),
        Mistake(
            lambda p, k, n: _information(p, k, n) / n,
            "这是一次抛掷的平均信息量；n 次的信息量要相加。",
            "this is the information of one toss on average; that of n tosses is their sum.",
        ),
        Mistake(
            lambda p, k, n: n / (p * (1 - p)),
            "这是期望信息量（Fisher）；观测信息量含有 k，只在 p = k / n 处与它相等。",
            "this is the expected (Fisher) information; the observed one knows k, and they agree at p = k / n only.",
        ),
        Mistake(
            lambda p, k, n: k / p - (n - k) / (1 - p),
            "这是得分，即一阶导数；再求一次导，取相反数。",
            "this is the score, the first derivative: differentiate once more, and change the sign.",
        ),
    ),
)

EXERCISES = (NEGATIVE_LOG_LIKELIHOOD, INTERVAL, INFORMATION)
