"""What the end of a curve's descent is worth: when a lane has arrived, how it ended, how far off it may be.

With z = Q'r and a standard deviation sigma of the residuals a full step would move parameter j by at most |z| / sigma
of its standard errors. sigma counts as at least eps times the root mean square of y: residuals of that size are the
rounding of the data (where y is 0, of the residuals at the start). CONVERGED is told where |z| / sigma is at most
PROMISED, where it is no more than the rounding of the curve itself, or where the step is within 2 ulp; STALLED where
rounding may exceed ten times that, and the fit is not exact.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.descent.intake import Curves, count_observations
from jaxnotes.core.descent.linearization import Linearization, Model
from jaxnotes.core.lanes import batching
from jaxnotes.core.matrix import triangles
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values import trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Status, first_status

# In standard errors: what CONVERGED promises, and where to stop if rounding is near.
PROMISED, ENOUGH = 1e-2, 1e-3
# Residuals of so many roundings of y are an exact fit.
EXACT = 8.0
# z below this many roundings of the curve is no longer known.
ROUNDINGS = 4.0
# A parameter that a full step would still move by this part of its size has no optimum in reach.
SETTLED = 1e-2


class Goal(NamedTuple):
    """What to reach, (L,). tol: of |z| / |r|. rows: those present. n_obs: the sum of weights."""

    tol: Array
    rows: Array
    n_obs: Array

    @staticmethod
    def of(data: Curves, lanes: int) -> "Goal":
        """That of each lane: a looser tolerance than the promise is none."""
        rows = jnp.sum(jnp.broadcast_to(data.weights > 0, (len(data.weights), data.y.shape[1])), axis=1)
        tol, rows, n_obs = (
            jnp.broadcast_to(a, (lanes,)) for a in (data.tol, rows.astype(data.y.dtype), count_observations(data))
        )
        goal = Goal(tol, rows, n_obs)
        return goal._replace(tol=jnp.minimum(tol, PROMISED / jnp.sqrt(goal.n)))

    @property
    def n(self) -> Array:
        """What sigma^2 divides |r|^2 by, never less than the rows, however small the weights, (L,)."""
        return jnp.maximum(self.n_obs, self.rows)

    def excess(self, at: Linearization) -> Array:
        """|z| as a multiple of what ends a descent, (L,)."""
        length = jnp.sqrt(at.square)
        near = jnp.minimum(ROUNDINGS * at.rounding, ENOUGH * length / jnp.sqrt(self.n))
        return jnp.where(at.gain == 0, 0, at.gain / jnp.maximum(self.tol * length, near))


class Ending(NamedTuple):
    """Where a lane stopped and why, (L,); widest (L, q) as in `levenberg_marquardt`."""

    at: Linearization
    model: Model
    widest: Array
    exhausted: Array
    blocked: Array


def judge(run: Ending, goal: Goal) -> tuple[Array, Array]:
    """How each lane ended whose data and start are in order, and its error in standard errors, (L,)."""
    at, model = run.at, run.model
    R, z = at.triangle
    eps = float(jnp.finfo(R.dtype).eps)
    inverse = triangles.inverse(R)
    reach = jnp.sqrt(jnp.sum(inverse**2, axis=2)) * at.stride
    step = jnp.abs(contract("lij,lj->li", inverse, z)) * at.stride
    length, of_data = jnp.sqrt(at.square), eps * jnp.sqrt(model.square)
    sigma = jnp.maximum(length, of_data) / jnp.sqrt(goal.n)
    noise = ROUNDINGS * at.rounding * jnp.sqrt(z.shape[1] / goal.rows)
    within = jnp.all(step <= eps * jnp.abs(at.theta), axis=1)
    # Counts may multiply the rounding of a row until no answer is known; where residuals are rounding any is as good.
    unknown = jnp.any(noise[:, None] * reach > 20 * eps * jnp.abs(at.theta), axis=1) & (noise > 10 * PROMISED * sigma)
    drowned = unknown & (length > EXACT * of_data)
    small = (at.gain <= PROMISED * sigma) | within | (run.exhausted & (at.gain <= noise))

    size = _sizes(run)
    lost = (step > SETTLED * size) | ((of_data / jnp.sqrt(goal.n))[:, None] * reach > size)
    dependent = triangles.independence(R) <= triangles.floor(R.dtype)
    se, tiny = sigma[:, None] * reach, float(jnp.finfo(R.dtype).tiny)
    fits = jnp.isfinite(se) & ((se >= tiny) | (length <= of_data)[:, None])
    # A parameter whose own unit is no normal number.
    unfit = jnp.any((at.stride <= tiny) | (at.stride >= 1 / tiny), axis=1)
    status = first_status(
        (unfit, Status.DIVERGED),
        (jnp.where(small, jnp.any(dependent | lost, axis=1), _without_slope(run, goal, size)), Status.FLAT),
        (small & ~jnp.all(fits, axis=1), Status.DIVERGED),
        (~small & run.blocked, Status.BOUNDARY),
        (~small & ~run.exhausted, Status.MAX_STEPS),
        (~small | drowned, Status.STALLED),
        otherwise=jnp.full(small.shape, Status.CONVERGED),
    )
    spacing = jnp.max(_ratio(eps * jnp.abs(at.theta), se), axis=1)
    return status, _ratio(at.gain + noise, sigma) + spacing


def _sizes(run: Ending) -> Array:
    """What is large for each parameter: itself, its way from the start, or the change that moves the curve by as much
    as there was to explain; (L, q).
    """
    at, first = run.at, run.model.first
    explained = jnp.sqrt(jnp.maximum(run.model.square, first.square))
    to_explain = _ratio(explained[:, None], jnp.maximum(run.widest, triangles.column_norms(at.triangle.R)))
    return jnp.maximum(jnp.maximum(jnp.abs(at.theta), jnp.abs(at.theta - first.theta)), to_explain)


def _without_slope(run: Ending, goal: Goal, size: Array) -> Array:
    """Whether the curve no longer changes with a parameter, or the sum of squares with none, (L,)."""
    at = run.at
    R, z = at.triangle
    large = size / at.stride
    slopes = jnp.max(jnp.abs(contract("lij,li->lj", R, z)) * large, axis=1)
    stationary = slopes <= 100 * goal.tol * (at.square + run.model.square)
    without_effect = jnp.any(triangles.column_norms(R) * large <= at.rounding[:, None], axis=1)
    return (run.exhausted & stationary) | without_effect


def _ratio(a: Array, b: Array) -> Array:
    """a / b, 0 where b is."""
    return jnp.where(b > 0, a / jnp.where(b > 0, b, 1), 0)


def of_data(data: Curves) -> Array:
    """What the data alone say, (L,)."""
    lanes, n = batching.count_lanes(data), data.y.shape[1]
    present = jnp.broadcast_to(data.weights > 0, (data.weights.shape[0], n))
    missing = ~jnp.isfinite(data.y) | ~jnp.isfinite(data.precision)
    for leaf in jax.tree.leaves(data.x):
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            by_row = leaf.shape[1:2] == (n,)
            nan = jnp.isnan(leaf).reshape(*leaf.shape[:2], -1) if by_row else jnp.isnan(leaf).reshape(len(leaf), 1, -1)
            missing = missing | jnp.any(nan, axis=2)
    found = trouble.of_data(
        data.weights,
        invalid=jnp.any(present & (data.precision < 0), axis=1) | (data.tol < 0),
        not_finite=jnp.any(present & missing, axis=1),
        few=jnp.sum(present, axis=1) < data.start.shape[1],
    )
    return jnp.broadcast_to(found, (lanes,))
