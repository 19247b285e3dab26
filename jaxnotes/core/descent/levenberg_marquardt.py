"""Levenberg-Marquardt on a block of curves, lane axis first.

At theta, with weighted residuals r and the curve's derivatives J, the step p minimizes |r - J p|^2 + lambda |D p|^2,
and curving after the model's own second derivative along p adds half the geodesic acceleration a, unless |D a| shows
that p has left the range in which the first order says anything. D_j is the largest length that column j of J has had,
lambda follows Nielsen's rule. Everything goes through J = QR: z = Q'r is what is left to gain, |z| / |r| the relative
offset.

A lane has arrived when |z| <= tol |r|, or sooner where rounding is near; it is stuck when no step helps any more. What
that is worth is for `curve_verdict` to say.

Source: Moré (1978), Lecture Notes in Mathematics 630, 105-116 (D); Nielsen (1999), IMM-REP-1999-05 (lambda); Transtrum
and Sethna (2012), arXiv:1201.5885 (a); Bates and Watts (1981), Technometrics 23, 179-183 (the offset).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.descent import curve_verdict
from jaxnotes.core.descent.intake import Curve, Curves, count_observations, only_present
from jaxnotes.core.descent.linearization import Linearization, Model, norm
from jaxnotes.core.lanes import batching
from jaxnotes.core.matrix import triangles
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.status import Solution, Status, error_where_converged, first_status, where_answered

# Chosen on the NIST and Moré-Garbow-Hillstrom problems: the first lambda, the largest |D a| / |D p|, and the gain, as a
# part of what was promised, from which on the acceleration is not worth its price.
FIRST_DAMPING, MOST_BEND, STRAIGHT = 1e-6, 0.375, 0.9
# After a run of PATIENCE doublings nothing will help.
PATIENCE = 32.0
MOST_DAMPING = 1e30


# How a lane stands: no step helps an exhausted one any more, nor a blocked one, whose larger steps were not finite.
RUNNING, ARRIVED, EXHAUSTED, BLOCKED = range(4)


class Search(NamedTuple):
    """The state of each lane. widest: D (L, q), of J by theta. ratio: the last gain as a part of what was promised.
    growth: what the next rejection multiplies the damping by. hindered: whether a step from here led to a point that is
    not finite. ending: RUNNING, ARRIVED, EXHAUSTED or BLOCKED.
    """

    at: Linearization
    widest: Array
    damping: Array
    growth: Array
    ratio: Array
    hindered: Array
    steps: Array
    ending: Array

    @property
    def active(self) -> Array:
        """Which lanes are running, (L,)."""
        return self.ending == RUNNING


def solve_block(curve: Curve, max_steps: int, data: Curves) -> Solution:
    """Solve a block: every leaf of `data` has the lane axis first, of length 1 where shared; params are (L, q)."""
    lanes = batching.count_lanes(data)
    data_status = curve_verdict.of_data(data)
    model = Model(curve, data)
    first, goal = model.first, curve_verdict.Goal.of(data, lanes)
    willing = (data_status == Status.CONVERGED) & first.finite & (goal.excess(first) > 1)
    zeros = jnp.zeros_like(first.square)
    run = Search(
        at=first,
        widest=jnp.zeros_like(first.theta),
        damping=jnp.full_like(zeros, FIRST_DAMPING),
        growth=jnp.full_like(zeros, 2),
        ratio=zeros,
        hindered=jnp.zeros_like(zeros, dtype=bool),
        steps=jnp.zeros_like(zeros, dtype=jnp.int32),
        ending=jnp.where(willing, RUNNING, ARRIVED).astype(jnp.int8),
    )
    run = iterate(lambda run: _advance(model, goal, run), run, max_steps)
    at = run.at
    ending = curve_verdict.Ending(
        at, model, run.widest, exhausted=run.ending >= EXHAUSTED, blocked=run.ending == BLOCKED
    )
    status, error = curve_verdict.judge(ending, goal)
    status = first_status(
        (data_status != Status.CONVERGED, data_status), (~first.finite, Status.BAD_START), otherwise=status
    )
    return Solution(
        params=where_answered(status, at.theta),
        value=model.in_units_of_y(at.square / (2 * goal.n_obs)),
        grad_norm=at.gain / jnp.where(at.size > 0, at.size, 1),
        steps=run.steps,
        status=status,
        error=error_where_converged(status, error),
    )


def excess(curve: Curve, data: Curves) -> Array:
    """How far the start of each problem of a block is from an optimum, as a multiple of what ends a descent, (L,)."""
    return curve_verdict.Goal.of(data, batching.count_lanes(data)).excess(Model(curve, data).first)


def objective(curve: Curve, theta: Array, data: Curves) -> Array:
    """Half the weighted mean squared residual of one problem, shape ()."""
    present, data = only_present(data)
    n_obs = count_observations(data)
    share = jnp.where(present, data.weights * data.precision, 0) / jnp.where(n_obs > 0, n_obs, 1)
    residual = jnp.where(present, data.y - curve(data.captured, theta, data.x), 0)
    return jnp.sum(share * residual**2) / 2


def _advance(model: Model, goal: curve_verdict.Goal, run: Search) -> Search:
    at = run.at
    lengths = triangles.column_norms(at.triangle.R)
    widest = jnp.maximum(run.widest, lengths / at.stride)
    here = widest * at.stride
    damping = jnp.minimum(jnp.sqrt(run.damping)[:, None] * here, float(jnp.finfo(here.dtype).max) ** 0.45)
    damped = triangles.damp(at.triangle, damping)
    p = triangles.solve(damped.R, damped.z)
    curving = run.ratio < STRAIGHT
    pull = jax.lax.cond(
        jnp.any(curving & run.active), lambda: model.acceleration(at, p * at.stride), lambda: jnp.zeros_like(p)
    )
    a = -triangles.solve(damped.R, triangles.solve_transposed(damped.R, pull))
    bent = curving & ~(norm(here * a) <= MOST_BEND * norm(here * p))
    theta = at.theta + (p + jnp.where((curving & ~bent)[:, None], a / 2, 0)) * at.stride
    tried = model.at(theta, at.stride)

    along = contract("lij,lj->li", at.triangle.R, p)
    promised = jnp.sum(along**2, axis=1) + 2 * jnp.sum((damping * p) ** 2, axis=1)
    # Where the promise drowns in the rounding of |r|^2, the length of z decides instead.
    drowned = promised <= at.rounding * (2 * jnp.sqrt(at.square) + at.rounding)
    ratio = jnp.where(drowned, 1, jnp.where(bent | ~tried.finite, -1, (at.square - tried.square) / promised))
    better = tried.finite & jnp.where(drowned, tried.gain < at.gain, ratio > 1e-4)
    factor = jnp.where(better, jnp.maximum(1 - (2 * ratio - 1) ** 3, 0.1), run.growth)
    unmoved = jnp.all(theta == at.theta, axis=1)
    hopeless = unmoved | (drowned & (run.growth >= PATIENCE)) | (run.damping >= MOST_DAMPING)
    hindered = ~better & (run.hindered | ~tried.finite)
    new = select_lanes(better, tried, at)
    arrived = goal.excess(new) <= 1
    return Search(
        at=new,
        widest=widest,
        damping=jnp.clip(run.damping * factor, 1 / MOST_DAMPING, MOST_DAMPING),
        growth=jnp.where(better, 2, 2 * run.growth),
        ratio=ratio,
        hindered=hindered,
        steps=run.steps + better,
        ending=first_status(
            (arrived, ARRIVED), (better | ~hopeless, RUNNING), (hindered, BLOCKED), otherwise=EXHAUSTED
        ),
    )
