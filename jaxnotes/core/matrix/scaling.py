"""Columns centred and scaled for the arithmetic, and the way back to the user's coordinates.

x_j = mean_j + scale_j z_j, so that coef_j = theta_j / scale_j and, with an intercept, intercept = theta_0 - sum_j
mean_j coef_j. A penalty on coef becomes l2 / scale_j^2 on theta_j: the answer is the same, only the rounding is
smaller. Scales are powers of two: they round nothing, and a column in other units gives the same z to the last bit.
"""

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.tiles import Tile, whole

# So many rows say in which unit the squares of a column neither over- nor underflow.
SOME_ROWS = 16


class Coordinates(Protocol):
    """mean and scale of the columns, (q,) or (L, q)."""

    @property
    def mean(self) -> Array:
        """Where the coordinates are 0."""
        ...

    @property
    def scale(self) -> Array:
        """Their units."""
        ...


class Scaled(NamedTuple):
    """A scaled design: Z (q, n), the intercept's ones first; mean, scale and rms (q,), which are 0, 1 and 1 for it.

    rms is the weighted root mean square of the unscaled column. A constant column has z = 0 where there is an
    intercept.
    """

    Z: Array
    mean: Array
    scale: Array
    rms: Array


def scale_columns(X: Array, share: Array, kept: Array, *, intercept: bool, tile: Tile | None = None) -> Scaled:
    """Scale X (n, p) by weights share (n,) that sum to 1, in the rows kept (n,); the other rows become 0.

    The scale is a power of two near the standard deviation (the root mean square without an intercept). No square of a
    number in the user's units is formed.
    """
    X = jnp.where(kept[None], X.T, 0)
    mean = jnp.zeros_like(X[:, 0])
    if intercept:
        # About the number of some row that is present: a constant column is then centred without rounding.
        first, _ = whole((X[:, jnp.argmax(kept)], jnp.any(kept)), tile, _first_present)
        mean = first + whole(contract("jn,n->j", jnp.where(kept[None], X - first[:, None], 0), share), tile)
    centred = jnp.where(kept[None], X - mean[:, None], 0)
    some = centred[:, :: -(-centred.shape[1] // SOME_ROWS) or 1]
    unit = power_of_two(whole(jnp.max(jnp.abs(some), axis=1, initial=0.0), tile, jnp.maximum))
    second = whole(contract("jn,n->j", (centred * (1 / unit)[:, None]) ** 2, share), tile)
    constant = second == 0
    spread = jnp.where(constant, 0, jnp.sqrt(jnp.where(constant, 1, second)))
    finer = power_of_two(spread)
    scale = jnp.where(constant, power_of_two(jnp.abs(mean)), unit * finer)
    Z = jnp.where(constant[:, None], 0, centred * (1 / (unit * finer))[:, None])
    rms = scale * jnp.sqrt((mean / scale) ** 2 + (spread / finer) ** 2)
    if not intercept:
        return Scaled(Z, mean, scale, rms)
    one = jnp.ones((1,), X.dtype)
    ones = kept.astype(X.dtype)[None]
    return Scaled(*(jnp.concatenate(pair) for pair in ((ones, Z), (0 * one, mean), (one, scale), (one, rms))))


def _first_present(before: tuple[Array, Array], after: tuple[Array, Array]) -> tuple[Array, Array]:
    """Of two rows (q,), each with whether it is present, (), the first that is; any with a tile axis in front."""
    return jnp.where(before[1][..., None], before[0], after[0]), before[1] | after[1]


def power_of_two(x: Array) -> Array:
    """The power of two next below x >= 0, its inverse a normal number too; 1 for 0 and what is not finite.

    A unit: it has no derivative.
    """
    x, info = jax.lax.stop_gradient(x), jnp.finfo(x.dtype)
    bits = jax.lax.bitcast_convert_type(x, jnp.dtype(f"int{info.bits}"))
    power = jax.lax.bitcast_convert_type(bits >> info.nmant << info.nmant, x.dtype)
    return jnp.where((x > 0) & jnp.isfinite(x), jnp.clip(power, info.tiny, 1 / info.tiny), 1)


def to_scaled(theta: Array, scaled: Coordinates, *, intercept: bool) -> Array:
    """Scaled coordinates of parameters theta (..., q), intercept first."""
    return _shift(theta, _meet(scaled.mean, theta), intercept) * _meet(scaled.scale, theta)


def from_scaled(theta: Array, scaled: Coordinates, *, intercept: bool) -> Array:
    """The user's coordinates of scaled parameters theta (..., q), intercept first."""
    return _shift(theta / _meet(scaled.scale, theta), -_meet(scaled.mean, theta), intercept)


def _meet(by_column: Array, theta: Array) -> Array:
    """by_column (q,) or (L, q) with axes of length 1 between, to meet theta (..., q) or (L, ..., q)."""
    lead = by_column.shape[:-1]
    return by_column.reshape(*lead, *(1,) * (theta.ndim - by_column.ndim), by_column.shape[-1])


def _shift(theta: Array, mean: Array, intercept: bool) -> Array:
    """theta with mean'theta added to the intercept."""
    if not intercept:
        return theta
    first = jax.lax.broadcasted_iota(jnp.int32, theta.shape, theta.ndim - 1) == 0
    return theta + jnp.where(first, jnp.sum(mean * theta, axis=-1, keepdims=True), 0)
