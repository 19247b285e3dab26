"""Columns centred and scaled for the arithmetic, and the way back to the user's coordinates.

x_j = mean_j + scale_j z_j, so that coef_j = theta_j / scale_j and, with an intercept, intercept = theta_0 - sum_j
mean_j coef_j. A penalty on coef becomes l2 / scale_j^2 on theta_j: the answer is the same, only the rounding is
smaller.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array


class Scaled(NamedTuple):
    """A scaled design: Z (q, n), the intercept's ones first; mean, scale and rms (q,), which are 0, 1 and 1 for it.

    rms is the weighted root mean square of the unscaled column. A constant column has z = 0 where there is an
    intercept.
    """

    Z: Array
    mean: Array
    scale: Array
    rms: Array


def scale_columns(X: Array, share: Array, kept: Array, *, intercept: bool) -> Scaled:
    """Scale X (n, p) by weights share (n,) that sum to 1, in the rows kept (n,); the other rows become 0."""
    p = X.shape[1]
    X = jnp.where(kept[None], X.T, 0)
    mean = contract("jn,n->j", X, share) if intercept else jnp.zeros((p,), X.dtype)
    centred = X - mean[:, None]
    spread = jnp.sqrt(contract("jn,n->j", centred * centred, share))
    constant = spread <= 8 * jnp.finfo(X.dtype).eps * jnp.abs(mean)
    scale = jnp.where(constant, 1, spread)
    Z = jnp.where(kept[None] & ~constant[:, None], centred / scale[:, None], 0)
    rms = jnp.sqrt(mean**2 + spread**2)
    if not intercept:
        return Scaled(Z, mean, scale, rms)
    one = jnp.ones((1,), X.dtype)
    ones = kept.astype(X.dtype)[None]
    return Scaled(*(jnp.concatenate(pair) for pair in ((ones, Z), (0 * one, mean), (one, scale), (one, rms))))


def to_scaled(theta: Array, scaled: Scaled, *, intercept: bool) -> Array:
    """Scaled coordinates of parameters theta (..., q), intercept first."""
    return _shift(theta, _meet(scaled.mean, theta), intercept) * _meet(scaled.scale, theta)


def from_scaled(theta: Array, scaled: Scaled, *, intercept: bool) -> Array:
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
