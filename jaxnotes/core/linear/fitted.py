"""A least-squares fit seen from its data: residuals, leverages and what a covariance needs, in units of the data.

Parameters rounded to the dtype leave residuals that are off by their rounding, which counts where the intercept is a
million residuals large. What the normal equations say of it is taken off again: r - Z H^-1 (Z'W r - P theta).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.inference.covariance import Bread, Terms, bread
from jaxnotes.core.linear import equations, two_words
from jaxnotes.core.linear.equations import Units
from jaxnotes.core.linear.intake import Equations
from jaxnotes.core.matrix import roots, scaling
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.tiles import whole


class Fitted(NamedTuple):
    """residual (n,), in units of y; the terms of the covariance, precisions in a unit near their mean; their bread, the
    leverage 0 in absent rows; units.
    """

    residual: Array
    terms: Terms
    bread: Bread
    units: Units

    def sum_of_squares(self) -> Array:
        """sum_i w_i p_i r_i^2 in units, ()."""
        return whole(jnp.sum(self.terms.weights * self.terms.information * self.residual**2), self.terms.tile)


def look_at(data: Equations, intercept: bool, params: Array) -> Fitted:
    """What the data say of the parameters (q,)."""
    units, usable = _units(data, intercept)
    X, y = jnp.where(usable[:, None], data.X, 0), jnp.where(usable, data.y, 0)
    Z = two_words.exact_columns(X, usable, units, intercept)
    weights = jnp.broadcast_to(data.weights, y.shape)
    precision = jnp.where(usable & (data.precision > 0), data.precision, 0) / units.precision
    r = jnp.where(usable, equations.residual_of(params, X, y, units, intercept), 0)
    terms = Terms(
        design=Z.high.T,
        weights=weights,
        score=precision * r,
        information=precision,
        penalty=whole(jnp.sum(weights), data.tile) * equations.penalty_of(data, units, intercept),
        low=Z.low.T,
        tile=data.tile,
    )
    all_rows = bread(terms)
    r = _without_rounding(r, terms, all_rows.inverse, params, units, intercept)
    present = all_rows._replace(leverage=jnp.where(weights > 0, all_rows.leverage, 0))
    return Fitted(r, terms._replace(score=precision * r), present, units)


def _units(data: Equations, intercept: bool) -> tuple[Units, Array]:
    """The units of the rows that count, and which rows are to be looked at, (n,): not those that hold no number.

    Rows of weight 0 are, for derivatives in their weights.
    """
    shares = equations.shares_of(data)
    kept, even = shares.share > 0, shares.evenly()
    columns, outcome = (
        scaling.scale_columns(rows, even, kept, intercept=intercept, tile=data.tile)
        for rows in (data.X, data.y[:, None])
    )
    unit = scaling.power_of_two(shares.unit)
    units = Units(columns.mean, columns.scale, outcome.mean[-1], outcome.scale[-1], unit)
    units = jax.lax.stop_gradient(units)
    first = 1 if intercept else 0
    Z = (data.X - units.mean[None, first:]) / units.scale[None, first:]
    return units, kept | (
        equations.near(Z, (data.y - units.centre) / units.size) & (~shares.present | (data.precision == 0))
    )


def _without_rounding(
    r: Array, terms: Terms, inverse: roots.Root, params: Array, units: Units, intercept: bool
) -> Array:
    """The residuals at the optimum near the rounded parameters; where there is none so near the residuals stay."""
    theta = params * (units.scale / units.size)
    weighted = terms.weights * terms.information * r
    gradient = whole(contract("ij,i->j", terms.design, weighted), terms.tile) - terms.penalty * theta
    root = inverse.root
    step = contract("jk,k->j", root, contract("jk,j->k", root, gradient))
    size = jnp.abs(theta) + (jnp.abs(units.in_scale() * theta) if intercept else 0)
    rounding = 2 * jnp.finfo(r.dtype).eps * jnp.sum(size)
    return jnp.where(jnp.max(jnp.abs(step)) <= rounding, r - contract("ij,j->i", terms.design, step), r)
