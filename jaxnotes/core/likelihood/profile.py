"""Profile-likelihood intervals of a user's likelihood, all parameters of a block of models at once, lane axis first.

F(c) is the mean objective minimized over the other parameters with parameter j held at c; the interval is where F lies
at most drop = z^2 / (2 n_obs) above its minimum, z the normal quantile. Each endpoint is searched on its own: minimize
over the others, then step in c to where the second-order expansion of F (its derivatives come from the full gradient
and Hessian there) meets the bound. Points known inside and outside bracket the endpoint.

Where F ends before it has risen so far, at the edge of the parameter space, the edge is the endpoint; where it never
rises so far, it is infinite.

Source: Venzon and Moolgavkar (1988), J. R. Stat. Soc. C 37, 87-94.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.descent import trust_region
from jaxnotes.core.lanes import batching
from jaxnotes.core.likelihood import observations
from jaxnotes.core.likelihood.fit import over_lanes, present_rows, vectorized
from jaxnotes.core.likelihood.observations import LogProb, Observations
from jaxnotes.core.matrix import factors
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.special import tails
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes

MAX_TRIALS, MAX_STEPS = 60, 50
# A step of this part of the way from the estimate leaves an error of its cube; a step this short means an edge.
CLOSE, EDGE = 1e-5, 1e-6
# What the conditional optimum may lie below a trial, as part of the drop: it is known to second order.
NEGLIGIBLE = 1e-3


class Task(NamedTuple):
    """One model: its estimate (q,), the data, how far l may fall (), and whether the fit may be used ()."""

    estimate: Array
    observed: Observations
    fall: Array
    usable: Array


class Search(NamedTuple):
    """The search for an endpoint, one a lane (M,). trial: the next value to try of the parameter.

    base: the latest point with a finite objective (M, q), and along: the curve of conditional optima there, per unit of
    the parameter (M, q). bound: the objective at an endpoint, known from the first trial on. inside, outside: values
    known to lie within the bound and beyond it, or infinite. cap: the longest step. width: the first step. end: the
    answer, NaN until there is one.
    """

    trial: Array
    base: Array
    along: Array
    bound: Array
    inside: Array
    outside: Array
    cap: Array
    width: Array
    end: Array
    steps: Array
    active: Array


@jax.jit
def half_square(level: Array) -> Array:
    """z^2 / 2: how far l falls to the ends. Compiled apart, once for all: it takes longer to compile than to run."""
    return tails.norm_isf((1 - level) / 2) ** 2 / 2


@functools.partial(jax.jit, static_argnums=0)
def intervals(model: LogProb, task: Task) -> Array:
    """The lower and the upper endpoints of one model, (2, q); batched by jax.vmap through `batching`."""
    return vectorized(functools.partial(search_block, model), lambda task: task.observed)(task)


def search_block(model: LogProb, task: Task) -> Array:
    """The endpoints of a block, (L, 2, q); every leaf of `task` has the lane axis first, of length 1 where shared."""
    lanes = batching.count_lanes(task)
    q = task.estimate.shape[1]
    points = 2 * q

    def each(leaf: Array) -> Array:
        """A value of each model, given to its endpoints."""
        return jnp.repeat(jnp.broadcast_to(leaf, (lanes, *leaf.shape[1:])), points, axis=0)

    def at_points(points: tuple[Array, Array], observed: Observations) -> tuple[Array, Array, Array]:
        return jax.vmap(lambda theta, unit: observations.with_derivatives(model, theta, observed, unit))(*points)

    observed = present_rows(task.observed, lanes)
    by_lane = over_lanes(at_points, observed, lanes)

    def evaluate(theta: Array, unit: Array) -> tuple[Array, Array, Array]:
        out = by_lane((theta.reshape(lanes, points, q), unit.reshape(lanes, points, q)))
        return jax.tree.map(lambda leaf: leaf.reshape(lanes * points, *leaf.shape[2:]), out)

    held = jnp.tile(jnp.eye(q, dtype=bool), (2 * lanes, 1))
    side = jnp.tile(jnp.repeat(jnp.array([-1, 1], task.estimate.dtype), q), lanes)
    n_obs = over_lanes(lambda _, observed: observed.n_obs, observed, lanes)(task.estimate)
    drop = each(task.fall / n_obs)
    ends = search(evaluate, each(task.estimate), held, side, drop, each(task.usable))
    return ends.reshape(lanes, 2, q)


class Targets(NamedTuple):
    """What the lanes search: the held parameter (M, q), the side of the endpoint, -1 or 1, its value at the estimate,
    and how far F may rise to the endpoint, (M,).
    """

    held: Array
    side: Array
    centre: Array
    drop: Array

    def others(self, at: trust_region.Point) -> trust_region.Point:
        """The point as a function of the other parameters."""
        return at._replace(grad=jnp.where(self.held, 0, at.grad), hessian=_without(at.hessian, self.held))


def search(
    evaluate: trust_region.Evaluate, estimate: Array, held: Array, side: Array, drop: Array, usable: Array
) -> Array:
    """The endpoint on each lane's side, -1 or 1 (M,), of the parameter held (M, q), from the estimate (M, q)."""
    centre = _pick(estimate, held)
    targets = Targets(held, side, centre, drop)
    goal = trust_region.Goal(jnp.zeros_like(drop), NEGLIGIBLE**2 * drop)

    def step(state: Search) -> Search:
        start = state.base + state.along * (state.trial - _pick(state.base, held))[:, None]
        at = _in_own_units(trust_region.descend(evaluate, start, goal, state.active, MAX_STEPS, targets.others))
        new = select_lanes(at.finite, _from_point(targets, state, at), _from_failure(targets, state))
        return new._replace(steps=state.steps + 1, active=jnp.isnan(new.end))

    unlimited = jnp.full_like(centre, jnp.inf)
    start = Search(
        trial=centre,
        base=estimate,
        along=held.astype(estimate.dtype),
        bound=jnp.full_like(centre, jnp.nan),
        inside=centre,
        outside=side * unlimited,
        cap=unlimited,
        width=jnp.zeros_like(centre),
        end=jnp.full_like(centre, jnp.nan),
        steps=jnp.zeros_like(centre, dtype=jnp.int32),
        active=usable,
    )
    return iterate(step, start, MAX_TRIALS).end


def _from_point(targets: Targets, state: Search, at: trust_region.Point) -> Search:
    """What to do after a trial with a finite objective."""
    held, side, centre, drop = targets
    eps = float(jnp.finfo(at.value.dtype).eps)
    travelled = jnp.abs(state.trial - centre)
    first = travelled == 0
    bound = jnp.where(first, at.value + drop, state.bound)
    along, slope, curvature, excess = _conditional(at, held)
    level = jnp.abs(at.value)
    optimal = jnp.abs(excess) <= NEGLIGIBLE * drop
    rise = bound - (at.value - jnp.where(optimal, excess, 0))
    inside = jnp.where(rise >= 0, state.trial, state.inside)
    outside = jnp.where(rise >= 0, state.outside, state.trial)
    # Where nothing curves the first step is as long as the parameter, or 1.
    size = jnp.where(state.trial == 0, 1, jnp.abs(state.trial))
    bend = jnp.where(curvature == 0, 2 * drop / size**2, jnp.abs(curvature))
    long = jnp.where(first, jnp.sqrt(2 * drop / bend), 3 * travelled)
    jump, solvable = _root(slope, curvature, rise, side)
    jump = jnp.where(solvable, jump, jnp.sign(rise) * side * long)
    width = jnp.where(first, jnp.abs(jump), state.width)
    # The rounding of the objective may keep a trial from meeting the bound: then the bracket tells.
    narrow = jnp.abs(outside - inside) <= CLOSE * travelled
    found = (jnp.abs(jump) <= CLOSE * travelled) | (jnp.abs(rise) <= 8 * eps * level) | narrow
    endless = (rise > 0) & (travelled > width / eps**0.5)
    longest = jnp.where(first, state.cap, jnp.minimum(state.cap, long))
    meeting = state.trial + jnp.where(narrow, 0, jump)
    trial = state.trial + jnp.clip(jump, -longest, longest)
    crossing = (side * (trial - outside) >= 0) | (side * (trial - inside) <= 0)
    return state._replace(
        trial=jnp.where(crossing, (inside + outside) / 2, trial),
        base=at.theta,
        along=along,
        bound=bound,
        inside=inside,
        outside=outside,
        cap=jnp.where(jnp.abs(jump) > state.cap, 4 * state.cap, state.cap),
        width=width,
        end=jnp.where(found & solvable & optimal, meeting, jnp.where(endless, side * jnp.inf, jnp.nan)),
    )


def _from_failure(targets: Targets, state: Search) -> Search:
    """What to do after a trial where the objective is not finite: go a quarter of the way."""
    base = _pick(state.base, targets.held)
    short = (state.trial - base) / 4
    edge = jnp.abs(short) <= EDGE * state.width
    return state._replace(
        trial=base + short, cap=jnp.abs(short), end=jnp.where(edge & (base == state.inside), base, jnp.nan)
    )


def _in_own_units(run: trust_region.Descent) -> trust_region.Point:
    """Where a descent ended, with the derivatives in the parameters themselves."""
    at, worth = run.at, run.origin.worth
    grad = at.grad / at.unit * worth[:, None]
    hessian = at.hessian / at.unit[:, :, None] / at.unit[:, None] * worth[:, None, None]
    return trust_region.Point(at.theta, jnp.ones_like(at.unit), run.value, grad, hessian)


def _pick(theta: Array, held: Array) -> Array:
    """The held parameter, (M,)."""
    return jnp.sum(jnp.where(held, theta, 0), axis=1)


def _without(hessian: Array, held: Array) -> Array:
    """The Hessian of the other parameters, with 1 in place of the held one."""
    either = held[:, :, None] | held[:, None]
    return jnp.where(either, jnp.eye(held.shape[1], dtype=hessian.dtype)[None], hessian)


def _conditional(at: trust_region.Point, held: Array) -> tuple[Array, Array, Array, Array]:
    """The conditional optimum near a point, to second order.

    How it moves with the held parameter (M, q), the slope and curvature of F, and what F lies below the point, (M,).
    """
    with_held = contract("mij,mj->mi", at.hessian, held.astype(at.theta.dtype))
    factor = factors.factor_spd(_without(at.hessian, held), jnp.zeros_like(at.theta))
    along = jnp.where(held, 1, -factors.solve(factor, jnp.where(held, 0, with_held)))
    curvature = jnp.sum(along * contract("mij,mj->mi", at.hessian, along), axis=1)
    left = jnp.where(held, 0, at.grad)
    excess = jnp.sum(left * factors.solve(factor, left), axis=1) / 2
    excess = jnp.where(factor.smallest_pivot > 0, excess, jnp.inf)
    return along, jnp.sum(along * at.grad, axis=1), curvature, excess


def _root(slope: Array, curvature: Array, rise: Array, side: Array) -> tuple[Array, Array]:
    """The root of slope a + curvature a^2 / 2 = rise on each side's rising branch, and whether there is one, (M,)."""
    square = slope**2 + 2 * curvature * rise
    divisor = slope + side * jnp.sqrt(jnp.maximum(square, 0))
    solvable = (square > 0) & (side * divisor > 0)
    return 2 * rise / jnp.where(solvable, divisor, 1), solvable
