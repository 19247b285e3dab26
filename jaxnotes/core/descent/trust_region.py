"""Newton's method in a trust region, on a block of smooth objectives with a few parameters each, lane axis first.

Steps are taken in scaled coordinates theta_j = s_j z_j in which the Hessian B has a diagonal of about 1, by its
eigenvalues. Where B is positive definite and the Newton step fits into the region, it is taken; elsewhere the step is
the minimizer of the quadratic model g'p + p'Bp / 2 over |p| <= radius, which descends along negative curvature too and
leaves saddle points. The radius is unlimited until a step fails. A lane that has finished is frozen.

An objective without a minimum ends in one of three ways, told apart at the end: no curvature in some direction
(FLAT), a parameter that runs away, or a descent that only points where the objective is not finite (both BOUNDARY).

Source: Moré and Sorensen (1983), SIAM J. Sci. Stat. Comput. 4, 553-572; Conn, Gould and Toint, Trust-Region Methods
(2000), chapter 7.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix import lapack
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.status import Status, first_status

# A Newton step below this part of a parameter's size, max(|x_j|, 1), is no running away.
SETTLED = 1e-2
# Steps to find the multiplier of the trust region; the step is cut to length after the last.
MULTIPLIER_STEPS = 8

Evaluate = Callable[[Array], tuple[Array, Array, Array]]
# What the steps see of a point: all of it, or only some directions.
Restrict = Callable[["Point"], "Point"]


class Point(NamedTuple):
    """theta (L, q) and the objective's value (L,), gradient (L, q) and Hessian (L, q, q) there."""

    theta: Array
    value: Array
    grad: Array
    hessian: Array

    @property
    def size(self) -> Array:
        """max(|theta_j|, 1), (L, q)."""
        return jnp.maximum(jnp.abs(self.theta), 1)

    @property
    def level(self) -> Array:
        """max(|value|, 1), (L,)."""
        return jnp.maximum(jnp.abs(self.value), 1)

    @property
    def grad_norm(self) -> Array:
        """max_j |g_j| max(|theta_j|, 1) / max(|value|, 1), (L,)."""
        return jnp.max(jnp.abs(self.grad) * self.size, axis=1) / self.level

    @property
    def finite(self) -> Array:
        """Whether value, gradient and Hessian are, (L,)."""
        parts = (jnp.all(jnp.isfinite(part), axis=range(1, part.ndim)) for part in self[1:])
        return jnp.all(jnp.stack([*parts]), axis=0)


class Step(NamedTuple):
    """Where to go from a point: move (L, q), its length in scaled coordinates and the fall it promises, (L,).

    cut: whether the trust region limits it. lowest: the smallest eigenvalue of the scaled Hessian; one of at most
    `flat_below` in size counts as 0. Of the whole Newton step: settled, whether it is small, and promise, the fall it
    promises, infinite where the objective is not convex.
    """

    move: Array
    length: Array
    gain: Array
    cut: Array
    lowest: Array
    settled: Array
    promise: Array


class Descent(NamedTuple):
    """The state of each lane. radius: of the trust region. steps: -1 until the start is evaluated. exhausted: no step
    helps any more. blocked: the last trial was not finite.
    """

    at: Point
    step: Step
    radius: Array
    steps: Array
    active: Array
    exhausted: Array
    blocked: Array


def descend(
    evaluate: Evaluate,
    start: Array,
    tol: Array,
    willing: Array,
    max_steps: int,
    restrict: Restrict = lambda at: at,
) -> Descent:
    """Minimize from start (L, q), in the lanes that are willing (L,), to scaled gradients of tol (L,).

    restrict: what the steps see of a point, for a search in some of its directions.
    """
    # The start is evaluated within the loop, as the first trial: the objective is then compiled once instead of twice.
    unknown = jnp.full_like(start, jnp.nan)
    at = Point(start, unknown[:, 0], unknown, unknown[:, :, None] * unknown[:, None])
    unlimited = jnp.full_like(at.value, jnp.inf)
    never = jnp.zeros_like(willing)
    nowhere = Step(jnp.zeros_like(start), unlimited, unlimited, never, jnp.zeros_like(unlimited), never, unlimited)
    run = Descent(at, nowhere, unlimited, jnp.full_like(at.value, -1, dtype=jnp.int32), willing, never, never)
    run = iterate(lambda run: _advance(evaluate, restrict, tol, run), run, max_steps)
    return run._replace(steps=jnp.maximum(run.steps, 0))


def judge(run: Descent, start: Array, tol: Array, negligible: ArrayLike) -> Array:
    """How each lane ended that was willing and had a finite start (L, q), as statuses (L,).

    negligible: a fall of the objective that is worth nothing, (L,); of a lane that rounding has stopped.
    A runaway: the gradient has faded, yet the Newton step is still long. Lost: so far from the start that no digit of
    it is left.
    """
    eps = float(jnp.finfo(run.at.theta.dtype).eps)
    near = (run.at.grad_norm <= 100 * tol) | (run.step.promise <= negligible)
    small = (run.at.grad_norm <= tol) | (run.exhausted & near)
    flat = run.step.lowest <= flat_below(run.at.theta)
    runaway = small & ~run.step.settled
    lost = jnp.max(run.at.size / jnp.maximum(jnp.abs(start), 1), axis=1) > 1 / eps
    blocked = ~small & run.exhausted & run.blocked
    return first_status(
        (~run.at.finite, Status.BAD_START),
        (small & flat, Status.FLAT),
        (runaway | (~small & lost) | blocked, Status.BOUNDARY),
        (~small & ~run.exhausted, Status.MAX_STEPS),
        (~small, Status.STALLED),
        otherwise=jnp.full(small.shape, Status.CONVERGED),
    )


def flat_below(theta: Array) -> float:
    """The eigenvalue of a Hessian with unit diagonal that counts as 0: what rounding makes of it."""
    return 10 * theta.shape[1] * float(jnp.finfo(theta.dtype).eps)


def _arrived(at: Point, step: Step, tol: Array, before: Array) -> Array:
    """At a small gradient without negative curvature. A parameter that may be running away takes one step more."""
    small = at.grad_norm <= tol
    return (
        small & (step.lowest >= -flat_below(at.theta)) & (step.settled | (step.lowest <= flat_below(at.theta)) | before)
    )


def _advance(evaluate: Evaluate, restrict: Restrict, tol: Array, run: Descent) -> Descent:
    at, step = run.at, run.step
    theta = at.theta + step.move
    tried = Point(theta, *evaluate(theta))
    grad_norm, grad_norm_tried = restrict(at).grad_norm, restrict(tried).grad_norm
    eps = float(jnp.finfo(theta.dtype).eps)
    fall = at.value - tried.value
    # Where the promised fall drowns in the rounding of the value, or what is seen of it may be rounding, the gradient
    # decides instead.
    drowned = step.gain <= 4 * eps * at.level
    halved = grad_norm_tried <= grad_norm / 2
    equal = jnp.abs(fall) <= 64 * eps * at.level
    better = jnp.where(drowned, grad_norm_tried < grad_norm, (fall > 1e-4 * step.gain) | (equal & halved))
    first = run.steps < 0
    accept = first | (tried.finite & better)
    good = accept & (drowned | (fall > 0.75 * step.gain))
    poor = ~accept | (~first & ~drowned & ~halved & (fall < 0.25 * step.gain))
    radius = jnp.where(poor, step.length / 4, jnp.where(good & step.cut, 2 * step.length, run.radius))
    closest = jnp.max(jnp.abs(step.move) / at.size, axis=1)
    exhausted = jnp.where(
        tried.finite & drowned & ~first,
        ~halved,
        ~accept & (closest < jnp.where(tried.finite, eps, eps**0.75)),
    )
    new = select_lanes(accept, tried, at)
    new_step = propose(restrict(new), radius)
    return Descent(
        at=new,
        step=new_step,
        radius=radius,
        steps=run.steps + 1,
        active=new.finite & ~exhausted & ~_arrived(restrict(new), new_step, tol, grad_norm <= tol),
        exhausted=exhausted,
        blocked=~tried.finite,
    )


def propose(at: Point, radius: Array) -> Step:
    """The step from each point that the quadratic model finds best within the radius (L,)."""
    q = at.theta.shape[1]
    tiny = flat_below(at.theta)
    usable = at.finite
    grad = jnp.where(usable[:, None], at.grad, 0)
    diagonal = jnp.abs(jnp.diagonal(at.hessian, axis1=1, axis2=2))
    # Where curvature vanishes a scaled step of 1 still changes the objective by no more than about its own size.
    least = float(jnp.finfo(grad.dtype).eps) * at.level[:, None] / at.size**2
    curvature = jnp.maximum(jnp.maximum(diagonal, grad**2 / at.level[:, None]), least)
    scale = jnp.where(usable[:, None], jax.lax.rsqrt(curvature), 1)
    B = jnp.where(
        usable[:, None, None], scale[:, :, None] * at.hessian * scale[:, None], jnp.eye(q, dtype=grad.dtype)[None]
    )
    eigenvalues, V = jax.vmap(lapack.eigh)(B)
    lowest = eigenvalues[:, 0]
    slopes = contract("lij,li->lj", V, scale * grad)
    convex = lowest >= -tiny
    curved = jnp.where(convex[:, None], jnp.maximum(eigenvalues, tiny), eigenvalues)
    newton = -slopes / jnp.where(curved == 0, tiny, jnp.abs(curved))
    finite_radius = jnp.where(jnp.isfinite(radius), radius, jnp.sqrt(at.level))
    inside = convex & (_length(newton) <= jnp.where(lowest > tiny, radius, finite_radius))
    limited = _on_the_sphere(curved, slopes, finite_radius)
    p = jnp.where(inside[:, None], newton, limited)
    gain = -jnp.sum(p * (slopes + eigenvalues * p / 2), axis=1)

    def back(z: Array) -> Array:
        return scale * contract("lij,lj->li", V, z)

    return Step(
        move=back(p),
        length=_length(p),
        gain=gain,
        cut=~inside,
        lowest=lowest,
        settled=jnp.max(jnp.abs(back(newton)) / at.size, axis=1) <= SETTLED,
        promise=jnp.where(lowest > tiny, -jnp.sum(newton * slopes, axis=1) / 2, jnp.inf),
    )


def _on_the_sphere(curved: Array, slopes: Array, radius: Array) -> Array:
    """The minimizer of slopes'p + p' diag(curved) p / 2 over |p| = radius, per lane; curved ascending.

    p = -slopes / (raised + nu), where raised is curved with its lowest entry lifted to 0 if negative, and nu > 0 solves
    |p| = radius, by Newton's method on 1 / |p|. A slope along the lowest direction that is lost to rounding is made
    large enough for a solution to exist (the hard case).
    """
    info = jnp.finfo(slopes.dtype)
    radius = radius[:, None]
    raised = curved + jnp.maximum(-curved[:, :1], 0)
    push = float(info.eps) * (_length(slopes)[:, None] + jnp.abs(curved[:, :1]) * radius) + float(info.tiny) ** 0.5
    first = slopes[:, :1]
    first = jnp.where(first < 0, jnp.minimum(first, -push), jnp.maximum(first, push))
    slopes = jnp.concatenate([first, slopes[:, 1:]], axis=1)
    most = _length(slopes)[:, None] / radius

    def refine(_, nu: Array) -> Array:
        p = slopes / (raised + nu)
        length = _length(p)[:, None]
        decline = jnp.maximum(jnp.sum(p**2 / (raised + nu), axis=1, keepdims=True), float(info.tiny))
        return jnp.clip(nu + (length / radius - 1) * length**2 / decline, nu / 1000, most)

    nu = jax.lax.fori_loop(0, MULTIPLIER_STEPS, refine, most)
    p = -slopes / (raised + nu)
    return p * jnp.minimum(1, radius / _length(p)[:, None])


def _length(p: Array) -> Array:
    return jnp.sqrt(jnp.sum(p**2, axis=1))
