"""Least-squares equations in units of their own data, in which no square over- or underflows.

Columns are centred and scaled, so is y, and precisions are divided by a number near their mean. The units are powers of
two and round nothing. With theta in these units, c the centre of y and u its unit,

    coef_j = theta_j u / scale_j,      intercept = c + u (theta_0 - sum_j mean_j / scale_j theta_j).

theta may be two words: the intercept of columns far from 0 is a difference of large numbers.
"""

from typing import NamedTuple

import jax.numpy as jnp

from jaxnotes.core.linear.intake import Equations
from jaxnotes.core.matrix import scaling
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.special import double_word
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.tiles import Tile, whole


class Units(NamedTuple):
    """mean and scale (q,) of the columns, 0 and 1 for the intercept; centre and size () of y; precision ().

    The scales and the size are powers of two. None has a derivative.
    """

    mean: Array
    scale: Array
    centre: Array
    size: Array
    precision: Array

    def in_scale(self) -> Array:
        """The means in units of their scales, (q,)."""
        return self.mean / self.scale


class Shares(NamedTuple):
    """How much each row counts: share (n,), w_i p_i in units of a power of two, 0 in rows that do not count; which rows
    are present (n,), though their precision be 0; total (), the sum of the shares, in [1, 2); unit () of the shares in
    the mean objective, w_i p_i / sum_i w_i.
    """

    share: Array
    present: Array
    total: Array
    unit: Array

    def evenly(self) -> Array:
        """Shares of sum 1, rounded, (n,)."""
        return self.share / self.total


def shares_of(data: Equations) -> Shares:
    """The shares of one problem's rows."""
    weights = jnp.broadcast_to(data.weights, data.y.shape)
    present = weights > 0
    heap = whole(jnp.sum(weights), data.tile)
    unit = scaling.power_of_two(heap)
    share = jnp.where(present, weights / unit * data.precision, 0)
    total = whole(jnp.sum(share), data.tile)
    finer = scaling.power_of_two(total)
    return Shares(share / finer, present, total / finer, unit / heap * finer)


def penalty_of(data: Equations, units: Units, intercept: bool) -> Array:
    """The penalty on theta, (q,): l2 in these units."""
    # No quotient of quotients, of which XLA makes one by a product that may be 0.
    penalty = jnp.where(data.l2 > 0, data.l2 * (1 / units.precision) * (1 / units.scale) * (1 / units.scale), 0)
    return penalty.at[0].set(0) if intercept else penalty


def intercept_of(theta: Double, units: Units) -> Double:
    """(intercept / u) for theta (q,), ()."""
    slopes, mean = Double(theta.high[1:], theta.low[1:]), units.in_scale()[1:]
    first = Double(theta.high[0], theta.low[0]) + Double.of(units.centre / units.size)
    return first - double_word.sum_last(double_word.scaled(slopes, mean)) if len(mean) else first


def in_user_units(theta: Double, units: Units, intercept: bool) -> Array:
    """The parameters (q,), rounded once."""
    coef = theta.high * (units.size / units.scale)
    return coef.at[0].set(intercept_of(theta, units).high * units.size) if intercept else coef


def tangent_in_user_units(theta_dot: Array, units: Units, intercept: bool) -> Array:
    """How the parameters (q,) move where theta moves by theta_dot (q,)."""
    return scaling.from_scaled(theta_dot, units, intercept=intercept) * units.size


def residual(theta: Double, X: Array, y: Array, units: Units, intercept: bool) -> Double:
    """(y - X coef - intercept) / u at theta (q,), (n,), in two words."""
    first = 1 if intercept else 0
    slopes = Double(theta.high[first:], theta.low[first:])
    base = intercept_of(theta, units) if intercept else Double.of(jnp.zeros_like(units.size))
    return double_word.residual(y / units.size, X / units.scale[None, first:], slopes, base)


def residual_of(params: Array, X: Array, y: Array, units: Units, intercept: bool) -> Array:
    """The same at the user's parameters (q,), which are taken as they are."""
    first = 1 if intercept else 0
    slopes = params[first:] * (units.scale[first:] / units.size)
    base = params[0] / units.size if intercept else jnp.zeros_like(units.size)
    return double_word.residual(y / units.size, X / units.scale[None, first:], slopes, base).high


def descent(
    theta: Double, X: Array, y: Array, share: Array, units: Units, intercept: bool, tile: Tile | None = None
) -> tuple[Double, Array]:
    """Minus the gradient of the unpenalized objective at theta in two words, (q,), and the mean square residual, ().

    share: row weights that sum to 1, (n,).
    """
    first = 1 if intercept else 0
    r = residual(theta, X, y, units, intercept)
    parts = double_word.score(X / units.scale[None, first:], double_word.scaled(r, share))
    constant, slopes = whole(parts, tile, _add_both)
    square = whole(jnp.sum(share * r.high * r.high), tile)
    if not intercept:
        return slopes, square
    mean = units.in_scale()[1:]
    shift = Double(*(jnp.broadcast_to(word, mean.shape) for word in constant))
    slopes = slopes - double_word.scaled(shift, mean)
    return Double(*(jnp.append(one, rest) for one, rest in zip(constant, slopes, strict=True))), square


def _add_both(a: tuple[Double, Double], b: tuple[Double, Double]) -> tuple[Double, Double]:
    return a[0] + b[0], a[1] + b[1]


def near(Z: Array, y: Array) -> Array:
    """Which rows of Z (n, p) and y (n,) are finite and no garbage, (n,): those of weight 0 have no derivative else."""
    far = 1 / float(jnp.finfo(y.dtype).eps)
    return jnp.all(jnp.abs(Z) < far, axis=1) & (jnp.abs(y) < far)


def objective(intercept: bool, units: Units, theta: Array, data: Equations) -> Array:
    """Half the weighted mean squared residual plus the penalty at theta (q,) in these units, ().

    For derivatives: rows of weight 0 count in those of their weights, unless they are not finite.
    """
    first = 1 if intercept else 0
    weights = jnp.broadcast_to(data.weights, data.y.shape)
    Z = (data.X - units.mean[None, first:]) / units.scale[None, first:]
    y = (data.y - units.centre) / units.size
    usable = (weights > 0) | near(Z, y)
    fitted = contract("ij,j->i", jnp.where(usable[:, None], Z, 0), theta[first:]) + (theta[0] if intercept else 0)
    share = weights / jnp.sum(weights) * (data.precision / units.precision)
    share = jnp.where(usable & jnp.isfinite(share), share, 0)
    rss = jnp.sum(share * jnp.where(usable, y - fitted, 0) ** 2)
    return rss / 2 + jnp.sum(penalty_of(data, units, intercept) * theta**2) / 2
