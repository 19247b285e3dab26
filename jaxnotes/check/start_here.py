"""The exercise of lesson 00, which shows how exercises work."""

import jax.numpy as jnp
import numpy as np

from jaxnotes.check.exercise import Case, Exercise, Mistake


def _vectors() -> list[Case]:
    rng = np.random.default_rng(0)
    simple = [[1], [1, 1], [2, 0], [1, -2, 3]]
    return [{"x": np.array(x, np.float32)} for x in [*simple, *(rng.normal(size=n).round(2) for n in range(2, 10))]]


MEAN_SQUARE = Exercise(
    id="E0.1",
    truth=lambda x: jnp.mean(x**2),
    cases=_vectors,
    mistakes=(
        Mistake(
            lambda x: jnp.sum(x**2),
            "这是平方和；均值还要除以元素个数。",
            "this is the sum of the squares; the mean divides it by the number of entries.",
        ),
        Mistake(
            lambda x: jnp.mean(x) ** 2,
            "这是均值的平方；题目要的是平方的均值，先平方再平均。",
            "this is the square of the mean; square first, then average.",
        ),
        Mistake(
            lambda x: jnp.sqrt(jnp.mean(x**2)),
            "多开了一次方：这是均方根。",
            "there is one root too many: this is the root mean square.",
        ),
    ),
)

EXERCISES = (MEAN_SQUARE,)
