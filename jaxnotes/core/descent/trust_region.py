"""Newton's method in a trust region, on a block of smooth objectives with a few parameters each, lane axis first.

Steps are taken in scaled coordinates in which the Hessian B has a diagonal of about 1, by its eigenvalues. Where B is
positive definite and the Newton step fits into the region, it is taken; elsewhere the step is the minimizer of the
quadratic model g'p + p'Bp / 2 over |p| <= radius, which descends along negative curvature too and leaves saddle points.
The radius is unlimited until a step fails. A lane that has finished is frozen.

Nothing here has a unit: the objective is measured against its own `worth` at the start, a parameter against its size
and its start, and derivatives are taken along moves as long as the last scaled coordinates, so that no square of a
parameter's unit has to fit the dtype.

An objective without a minimum ends in one of three ways, told apart at the end: no curvature in some direction
(FLAT), a parameter that runs away, or a descent that only points where the objective is not finite (both BOUNDARY).

Source: Moré and Sorensen (1983), SIAM J. Sci. Stat. Comput. 4, 553-572; Conn, Gould and Toint, Trust-Region Methods
(2000), chapter 7.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.descent.quadratic_model import Step, flat_below, largest, propose
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.status import Status, first_status

# A Newton step below this part of a parameter's size is no running away.
SETTLED = 1e-2
# The steps to a point where the curvature vanishes as |x|^k shrink by k / (k + 1): twice the length of k = 1 is there.
STRETCH = 4.0

# (theta, unit) -> value (L,), gradient (L, q) and Hessian (L, q, q) of the objective at theta + unit move, in the move.
Evaluate = Callable[[Array, Array], tuple[Array, Array, Array]]
# What the steps see of a point: all of it, or only some directions.
Restrict = Callable[["Point"], "Point"]


class Point(NamedTuple):
    """theta (L, q), and the objective's value (L,), gradient (L, q) and Hessian (L, q, q) there, in units of its
    worth, along moves in units of `unit` (L, q).
    """

    theta: Array
    unit: Array
    value: Array
    grad: Array
    hessian: Array

    @property
    def finite(self) -> Array:
        """Whether value, gradient and Hessian are, (L,)."""
        parts = [part.reshape(len(part), -1) for part in self[2:]]
        return jnp.all(jnp.isfinite(jnp.concatenate(parts, axis=1)), axis=1)


class Origin(NamedTuple):
    """Where a descent came from: theta (L, q).

    length: the size of each parameter there, or of its scaled coordinate where it was 0, (L, q). worth (L,): a power
    of two near the size of the objective, the unit of all its values here.
    """

    theta: Array
    length: Array
    worth: Array


class Goal(NamedTuple):
    """A fall of the objective that is worth no step: that part of its level, or so much, each (L,)."""

    relative: Array
    absolute: Array


class Descent(NamedTuple):
    """The state of each lane. extent: how far each parameter has been from its start, at least its length there (L, q).

    fallen: by how much the objective has. radius: of the trust region. steps: -1 until the start is evaluated.
    exhausted: no step helps any more. blocked: a trial was not finite.
    """

    at: Point
    step: Step
    origin: Origin
    extent: Array
    fallen: Array
    radius: Array
    steps: Array
    active: Array
    exhausted: Array
    blocked: Array

    @property
    def value(self) -> Array:
        """The objective, (L,)."""
        return self.at.value * self.origin.worth

    @property
    def level(self) -> Array:
        """max(|value|, fall since the start), in units of its worth: what a fall is compared with, (L,)."""
        return jnp.maximum(jnp.abs(self.at.value), self.fallen)

    @property
    def scaled_slope(self) -> Array:
        """The largest entry of the gradient in coordinates that give the Hessian a unit diagonal, (L,)."""
        return self.step.slope * jnp.sqrt(self.origin.worth)


def derivatives(fun: Callable[[Array], Array], theta: Array, unit: Array) -> tuple[Array, Array, Array]:
    """The value of fun at theta (q,), and gradient and Hessian of fun(theta + unit move) in the move."""

    def gradient(move: Array) -> tuple[Array, tuple[Array, Array]]:
        value, grad = jax.value_and_grad(lambda move: fun(theta + unit * move))(move)
        return grad, (value, grad)

    hessian, (value, grad) = jax.jacfwd(gradient, has_aux=True)(jnp.zeros_like(theta))
    return value, grad, hessian


def descend(
    evaluate: Evaluate,
    start: Array,
    goal: Goal,
    willing: Array,
    max_steps: int,
    restrict: Restrict = lambda at: at,
) -> Descent:
    """Minimize from start (L, q), in the lanes that are willing (L,), until no more than the goal is to be gained.

    restrict: what the steps see of a point, for a search in some of its directions.
    """
    # The start is evaluated within the loop, as the first trial: the objective is then compiled once instead of twice.
    unknown = jnp.full_like(start, jnp.nan)
    length = jnp.where((start != 0) & jnp.isfinite(start), jnp.abs(start), 1)
    at = Point(start, length, unknown[:, 0], unknown, unknown[:, :, None] * unknown[:, None])
    never, unlimited = jnp.zeros_like(willing), jnp.full_like(at.value, jnp.inf)
    run = Descent(
        at=at,
        step=Step.none(length),
        origin=Origin(start, length, jnp.ones_like(at.value)),
        extent=jnp.abs(jnp.where(jnp.isfinite(start), start, 0)),
        fallen=jnp.zeros_like(at.value),
        radius=unlimited,
        steps=jnp.full_like(at.value, -1, dtype=jnp.int32),
        active=willing,
        exhausted=never,
        blocked=never,
    )
    run = iterate(lambda run: _advance(evaluate, restrict, goal, run), run, max_steps)
    return run._replace(steps=jnp.maximum(run.steps, 0))


def judge(run: Descent, goal: Goal) -> Array:
    """How each lane ended that was willing and had a finite start, as statuses (L,).

    A runaway: there is nothing to gain, yet the Newton step is still long. Lost: so far from the start that no digit of
    it is left, or so near to 0, where the objective ends, that none of the way is.
    """
    eps = float(jnp.finfo(run.at.theta.dtype).eps)
    # What a step limit cuts off is compared with the value alone: far above the minimum the fall so far is no measure.
    whole = jnp.where(run.active, jnp.abs(run.at.value), run.level)
    small = (run.step.promise <= goal.relative * whole + goal.absolute / run.origin.worth) | _is_rounded(run, goal)
    flat = run.step.lowest <= flat_below(run.at.theta)
    runaway = small & (run.step.reach > SETTLED)
    way = jnp.max(jnp.abs(run.at.theta - run.origin.theta) / run.origin.length, axis=1)
    vanishing = jnp.min(jnp.abs(run.at.theta) / run.extent, axis=1) < eps
    lost = (way > 1 / eps) | (run.blocked & vanishing)
    blocked = ~small & run.exhausted & run.blocked
    return first_status(
        (~run.at.finite, Status.BAD_START),
        (small & flat & ~lost, Status.FLAT),
        (runaway | ((~small | flat) & lost) | blocked, Status.BOUNDARY),
        (~small & ~run.exhausted, Status.MAX_STEPS),
        (~small, Status.STALLED),
        otherwise=jnp.full(small.shape, Status.CONVERGED),
    )


def _is_rounded(run: Descent, goal: Goal) -> Array:
    """Whether the Newton step to a minimum is lost in the rounding of each parameter or in its share of the goal."""
    step, eps = run.step, float(jnp.finfo(run.at.theta.dtype).eps)
    share = jnp.sqrt(2 * goal.absolute / run.origin.worth)[:, None] * step.deviation
    return jnp.isfinite(step.promise) & jnp.all(
        jnp.abs(step.newton) <= jnp.maximum(share, eps * jnp.abs(run.at.theta)), axis=1
    )


class _Ending(NamedTuple):
    """What a step says of the end of a descent, each (L,): whether it promises no more than the goal; whether it is
    short and the minimum 0, so that no part of the value is little; and whether it promises nothing beside the fall.
    """

    enough: Array
    to_zero: Array
    faded: Array

    @staticmethod
    def of(run: Descent, goal: Goal) -> "_Ending":
        """What the next step says."""
        at, step, eps = run.at, run.step, float(jnp.finfo(run.at.theta.dtype).eps)
        value = jnp.abs(at.value)
        return _Ending(
            enough=step.promise <= goal.relative * value + goal.absolute / run.origin.worth,
            to_zero=(step.reach <= eps**0.4) & (8 * step.promise >= value) & jnp.isfinite(step.promise),
            faded=step.promise <= eps ** (4 / 3) * run.fallen,
        )


def _finish(goal: Goal, run: Descent, new: Descent) -> Descent:
    """The new state, at rest where a lane may stop: without negative curvature, nothing to gain, the next step short.

    Near a minimum steps square their error, so that one more makes sure. Where the curvature fades they shrink by a
    constant factor: one that is STRETCH times as long then looks beyond the point that they lead to, which may be
    none of rest but a saddle. Those of a parameter that runs away do not shrink.
    """
    step, eps = new.step, float(jnp.finfo(new.at.theta.dtype).eps)
    now, before = _Ending.of(new, goal), _Ending.of(run._replace(origin=new.origin), goal)
    last, way = largest(run.step.newton / new.extent, (new.at.theta - new.origin.theta) / new.origin.length)
    shrinking, looked = step.reach < 0.99 * last, run.step.way > 2 * run.step.reach
    fading = shrinking & (step.reach > jnp.maximum(0.3 * last, eps**0.5)) & (now.enough | now.to_zero)
    stretched = fading & ~looked
    sure = (step.reach <= eps**0.5) | (before.enough & (step.reach <= SETTLED))
    runaway = now.faded & before.faded & ~shrinking & (way > 1)
    flat = (step.lowest <= flat_below(new.at.theta)) & now.enough
    arrived = ((now.enough & sure) | (now.to_zero & before.to_zero)) & ~stretched
    return new._replace(
        step=step.times(jnp.where(stretched, STRETCH, 1)), active=new.active & ~(arrived | runaway | flat)
    )


def _fall(at: Point, tried: Point, move: Array) -> Array:
    """By how much the objective falls along a move (L, q), from the slopes at both ends, which a constant in which the
    values drown does not touch, (L,).
    """
    return -jnp.sum(at.grad * (move / at.unit) + tried.grad * (move / tried.unit), axis=1) / 2


def _advance(evaluate: Evaluate, restrict: Restrict, goal: Goal, run: Descent) -> Descent:
    at, step, first = run.at, run.step, run.steps < 0
    eps = float(jnp.finfo(at.theta.dtype).eps)
    tried, origin = _evaluate(evaluate, first, run)
    rounding = eps * jnp.abs(at.value)
    slope = jnp.max(jnp.abs(restrict(tried).grad) * (step.scale / tried.unit), axis=1)
    # Where the promised fall drowns in the rounding of the value derivatives tell what it was; of a short step, of
    # which all that is seen may be rounding, the gradient alone.
    hidden = step.gain <= 4 * rounding
    drowned = hidden & (step.way <= SETTLED)
    fall = jnp.where(hidden, _fall(at, tried, step.move), at.value - tried.value)
    halved = slope <= step.slope / 2
    equal = ~hidden & (jnp.abs(fall) <= 64 * rounding)
    better = jnp.where(drowned, slope < step.slope, (fall > 1e-4 * step.gain) | (equal & halved))
    finite = tried.finite
    accept = first | (finite & better)
    good = accept & (drowned | (fall > 0.75 * step.gain))
    poor = ~accept | (~first & ~drowned & ~halved & (fall < 0.25 * step.gain))
    radius = jnp.where(poor, step.length / 4, jnp.where(good & step.cut, 2 * step.length, run.radius))
    lost = (step.fineness < eps) | _is_nothing(run, eps, eps ** (4 / 3))
    exhausted = ~accept & jnp.where(finite, lost, _is_nothing(run, eps**0.75, eps**0.5))
    exhausted = jnp.where(finite & drowned & ~first, ~halved & ~(step.cut & accept), exhausted)
    new = select_lanes(accept, tried, at)
    usable = finite | ~accept
    extent = jnp.maximum(run.extent, jnp.abs(new.theta - origin.theta))
    new_step = propose(restrict(new), usable, radius, extent, step.lowest < -flat_below(at.theta))
    begun = jnp.where(extent > 0, extent, new_step.scale)
    origin = origin._replace(length=jnp.where(first[:, None], begun, origin.length))
    reached = Descent(
        at=new,
        step=new_step,
        origin=origin,
        extent=jnp.maximum(extent, origin.length),
        fallen=run.fallen + jnp.where(accept & ~first, fall, 0),
        radius=radius,
        steps=run.steps + 1,
        active=usable & ~exhausted,
        exhausted=exhausted,
        blocked=run.blocked | ~finite,
    )
    return _finish(goal, run, reached)


def _is_nothing(run: Descent, part: float, gain: float) -> Array:
    """Whether a step is no more than a part of the extents, and its promise no more than such a gain, (L,)."""
    return (run.step.way < part) & (run.step.gain <= gain * run.level)


def _evaluate(evaluate: Evaluate, first: Array, run: Descent) -> tuple[Point, Origin]:
    """The point that the step leads to, and the origin, which the first point makes."""
    unit = _power_of_two(run.step.scale)
    theta = run.at.theta + run.step.move
    value, grad, hessian = evaluate(theta, unit)
    steepest = jnp.max(jnp.abs(grad), axis=1)
    size = jnp.where(value == 0, steepest, jnp.abs(value))
    size = jnp.where((size > 0) & jnp.isfinite(size), size, 1)
    worth = jnp.where(first, _power_of_two(size), run.origin.worth)
    hessian = hessian / worth[:, None, None]
    # In a wrong unit the curvature may overflow at the start; the slope then gives the length of the first step.
    hopeless = ~jnp.all(jnp.isfinite(hessian), axis=(1, 2)) & (steepest > 0)
    hessian = jnp.where((first & hopeless)[:, None, None], 0, hessian)
    tried = Point(theta, unit, value / worth, grad / worth[:, None], hessian)
    return tried, run.origin._replace(worth=worth)


def _power_of_two(x: Array) -> Array:
    """A power of two within a factor of 2 of x > 0."""
    return jax.lax.reduce_precision(x, jnp.finfo(x.dtype).nexp, 0)
