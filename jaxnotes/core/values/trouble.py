"""What the data alone forbid, before any solver starts: the statuses of a lane in one order, for every fit."""

import jax.numpy as jnp

from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Status, first_status


def of_data(
    weights: Array,
    *,
    invalid: Array | bool = False,
    not_finite: Array | bool = False,
    few: Array | bool = False,
    one_class: Array | bool = False,
) -> Array:
    """The status of each problem, (L,), or () for one; CONVERGED where the data are in order.

    weights: (L, n) or (n,). The rest, of the shape of the answer, say what else there is: numbers out of their range,
    numbers in present rows that are not finite, fewer rows than parameters, outcomes of a single class.
    """
    none_present = ~jnp.any(weights > 0, axis=-1)
    return first_status(
        (invalid | jnp.any(weights < 0, axis=-1), Status.INVALID_DATA),
        (jnp.any(~jnp.isfinite(weights), axis=-1) | (not_finite & ~none_present), Status.NON_FINITE_DATA),
        (none_present | few, Status.TOO_FEW_ROWS),
        (one_class & ~none_present, Status.ONE_CLASS),
    )
