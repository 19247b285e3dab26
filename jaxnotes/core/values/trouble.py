"""What the data alone forbid, before any solver starts: the statuses of a lane in one order, for every fit."""

import jax.numpy as jnp

from jaxnotes.core.values import tiles
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Status, first_status
from jaxnotes.core.values.tiles import Tile


def of_data(
    weights: Array,
    *,
    invalid: Array | bool = False,
    not_finite: Array | bool = False,
    few: Array | bool = False,
    one_class: Array | bool = False,
    tile: Tile | None = None,
) -> Array:
    """The status of each problem, (L,), or () for one; CONVERGED where the data are in order.

    weights: (L, n) or (n,). The rest, of the shape of the answer, say what else there is: numbers out of their range,
    numbers in present rows that are not finite, fewer rows than parameters, outcomes of a single class.
    """
    found = (jnp.any(weights > 0, axis=-1), jnp.any(weights < 0, axis=-1), jnp.any(~jnp.isfinite(weights), axis=-1))
    any_present, any_negative, any_endless = tiles.whole_block(found, tile, _either)
    none_present = ~any_present
    return first_status(
        (invalid | any_negative, Status.INVALID_DATA),
        (any_endless | (not_finite & ~none_present), Status.NON_FINITE_DATA),
        (none_present | few, Status.TOO_FEW_ROWS),
        (one_class & ~none_present, Status.ONE_CLASS),
    )


def _either(before: tuple[Array, ...], after: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(a | b for a, b in zip(before, after, strict=True))
