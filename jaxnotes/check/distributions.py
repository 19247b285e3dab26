"""The exercises of lesson 07: the Poisson rate and its standard error, two variances, the end of a uniform law."""

import jax.numpy as jnp
import numpy as np

from jaxnotes.check.exercise import Case, Exercise, Mistake


def _tables() -> list[Case]:
    tables = [
        ([0, 1], [1, 1]),
        ([0, 1, 2], [5, 1, 2]),
        ([0, 1, 2, 3, 4], [109, 65, 22, 3, 1]),
        ([1, 2, 5], [4, 9, 3]),
        ([2, 3, 7, 8], [10, 40, 30, 20]),
    ]
    return [{"values": np.array(v, np.float32), "counts": np.array(c, np.float32)} for v, c in tables]


def _rate(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.sum(values * counts) / np.sum(counts)


POISSON = Exercise(
    id="E7.1",
    truth=lambda values, counts: (_rate(values, counts), np.sqrt(_rate(values, counts) / np.sum(counts))),
    cases=_tables,
    mistakes=(
        Mistake(
            lambda values, counts: (values[np.argmax(counts)], np.sqrt(values[np.argmax(counts)] / np.sum(counts))),
            "这是众数，即出现最多的值；极大似然估计是平均值。",
            "this is the mode, the value seen most often; the estimate is the mean.",
        ),
        Mistake(
            lambda values, counts: (np.mean(values), np.sqrt(np.mean(values) / len(values))),
            "每个值出现了 counts 次：平均时要用 counts 加权。",
            "each value was seen counts times: weight the mean by counts.",
        ),
        Mistake(
            lambda values, counts: (_rate(values, counts), np.sqrt(_rate(values, counts))),
            "这是一次观测的标准差；n 次观测的平均值，标准误还要除以 n 的平方根。",
            "this is the standard deviation of one observation; divide by the square root of n for their mean.",
        ),
        Mistake(
            lambda values, counts: (_rate(values, counts), _rate(values, counts) / np.sum(counts)),
            "这是方差 rate / n；标准误是它的平方根。",
            "this is the variance, rate / n; the standard error is its square root.",
        ),
    ),
)


def _samples() -> list[Case]:
    rng = np.random.default_rng(7)
    simple = [[0.0, 2.0], [1.0, 2.0, 6.0], [1.0, 1.0, 1.0, 5.0]]
    random = [rng.normal(3, 2, n).round(1) for n in (4, 5, 8, 30)]
    return [{"x": np.array(x, np.float32)} for x in [*simple, *random]]


VARIANCES = Exercise(
    id="E7.2",
    truth=lambda x: (np.var(x), np.var(x, ddof=1)),
    cases=_samples,
    mistakes=(
        Mistake(
            lambda x: (np.var(x, ddof=1), np.var(x)),
            "两个弄反了：极大似然除以 n，较小；无偏估计除以 n - 1，较大。",
            "they are swapped: maximum likelihood divides by n, the unbiased one by n - 1 and is larger.",
        ),
        Mistake(
            lambda x: (np.var(x), np.var(x)),
            "两个都除以 n 了；无偏估计要除以 n - 1（ddof=1）。",
            "both divide by n; the unbiased one divides by n - 1 (ddof=1).",
        ),
        Mistake(
            lambda x: (np.std(x), np.std(x, ddof=1)),
            "这是标准差；题目要的是方差。",
            "these are standard deviations; asked are variances.",
        ),
        Mistake(
            lambda x: (np.var(x), np.var(x) * (len(x) - 1) / len(x)),
            "修正的方向反了：要把偏小的估计放大，乘 n / (n - 1)。",
            "the correction goes the wrong way: the estimate is too small, multiply by n / (n - 1).",
        ),
    ),
)

UNIFORM = Exercise(
    id="E7.3",
    truth=jnp.max,
    cases=lambda: [
        {"x": np.array(x, np.float32)}
        for x in ([1.0], [1.0, 3.0], [0.2, 0.3, 1.4], [0.9, 1.7, 0.4, 2.3, 1.1], [5.0, 4.0, 4.5, 0.5])
    ],
    mistakes=(
        Mistake(
            lambda x: 2 * jnp.mean(x),
            "这是矩估计；样本 0.2, 0.3, 1.4 时它是 1.27，比 1.4 还小，似然为 0。",
            "this is the estimate by moments; for 0.2, 0.3, 1.4 it is 1.27, below 1.4, where the likelihood is 0.",
        ),
        Mistake(
            lambda x: (len(x) + 1) / len(x) * jnp.max(x),
            "这是修正了偏差的估计，很好，但似然在 max(x) 处才最大。",
            "this one is corrected for bias, and good, but the likelihood is largest at max(x).",
        ),
        Mistake(
            lambda x: jnp.mean(x),
            "比最大的 x 还小的 theta 不可能产生这个样本：似然为 0。",
            "a theta below the largest x cannot have made this sample: its likelihood is 0.",
        ),
    ),
)

EXERCISES = (POISSON, VARIANCES, UNIFORM)
