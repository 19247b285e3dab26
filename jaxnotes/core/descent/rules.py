"""A rule of single steps, run until its gradient is small or for a number of steps: the loops of `methods`.

A first-order rule does not know the curvature, so a small gradient alone proves nothing: a short step, or a plateau,
shows one too. The change of the gradient along the last move has to say that nothing is left to gain along it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.descent import methods
from jaxnotes.core.descent.methods import Iterate, Method
from jaxnotes.core.values import settings, trees
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.public import public
from jaxnotes.core.values.status import Status, first_status

Objective = Callable[[Any], Array]

# A last move below this part of a parameter's size is no running away; so many longer ones with nothing to gain are.
SETTLED = 1e-2
RUNAWAY = 5
# A descent goes on to this part of its tolerance.
MARGIN = 1 / 8


@public("jaxnotes.gradient_descent")
class Path(NamedTuple):
    """The path of a method: every iterate, the start included.

    Attributes:
        params: the iterates, a pytree like x0 whose leaves have a leading axis of length steps + 1.
        value: of the function, (steps + 1,).
        grad_norm: the scaled gradient, as in `minimize`, (steps + 1,).
    """

    params: Any
    value: Array
    grad_norm: Array


class _Progress(NamedTuple):
    """An iterate, the one before its last move, and the start.

    small: whether nothing seems left to gain; settled: whether the last move was short; ready: for how many steps
    nothing has been left to gain for all parameters together; steps and active. Each ().
    """

    at: Iterate
    last: Iterate
    start: Iterate
    small: Array
    settled: Array
    ready: Array
    steps: Array
    active: Array


def as_method(method: Any) -> Method:
    """The method itself, or a rule of optax as one."""
    if isinstance(method, Method):
        return method
    if hasattr(method, "init") and hasattr(method, "update"):
        return methods.from_optax(method)
    raise TypeError(f"method: expected a jaxnotes.methods method or an optax rule, got {type(method).__name__}.")


def run(rule: Method, objective: Objective, tol: Array, start: Any, max_steps: int) -> tuple[Any, list[Array]]:
    """(x, [grad_norm, steps, status]): the rule from the start until nothing is left to gain."""
    at = rule.init(objective, start)
    zero = jnp.zeros((), jnp.int32)
    still = ~trees.any_nonzero(at.grad)
    first = _Progress(at, at, at, still, still, zero, zero, trees.all_finite((at.value, at.grad)) & ~still)
    end = iterate(lambda run: _advance(rule, objective, tol, run), first, max_steps)
    return end.at.x, [scaled_gradient(end.at, end.start), end.steps, _status(rule, end, tol)]


def walk(rule: Method, x0: Any, objective: Callable[[Array], Objective], labels: Array) -> Path:
    """The iterates of a rule whose k-th gradient is that of objective(labels[k])."""
    start = rule.init(objective(labels[0]), x0)

    def step(at: Iterate, label: Array) -> tuple[Iterate, Path]:
        at = rule.step(objective(label), at)
        return at, Path(at.x, at.value, scaled_gradient(at, start))

    _, rest = jax.lax.scan(step, start, labels[1:])
    first = Path(start.x, start.value, scaled_gradient(start, start))
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, rest)


def scaled_gradient(at: Iterate, start: Iterate) -> Array:
    """max_j |g_j| s_j / max(|value|, fall since the start), s_j = max(|x_j|, |x_j - start_j|), shape ()."""
    return quotient(jnp.max(_slopes(at, start)), _level(at, start))


def quotient(part: Array, whole: Array) -> Array:
    """part / whole >= 0, and 0 / 0 = 0: a gradient that vanishes is small beside anything."""
    return jnp.where(part == 0, 0, part / whole)


def _slopes(at: Iterate, start: Iterate) -> Array:
    return jnp.abs(ravel_pytree(at.grad)[0]) * _size(at, start)


def _size(at: Iterate, start: Iterate) -> Array:
    x, x0 = ravel_pytree(at.x)[0], ravel_pytree(start.x)[0]
    return jnp.maximum(jnp.abs(x), jnp.abs(x - x0))


def _level(at: Iterate, start: Iterate) -> Array:
    return jnp.maximum(jnp.abs(at.value), start.value - at.value)


def _advance(rule: Method, objective: Objective, tol: Array, run: _Progress) -> _Progress:
    at = rule.step(objective, run.at)
    last = select_lanes(trees.all_equal(at.x, run.at.x), run.last, run.at)
    small, settled = _is_small(at, last, run.start, tol), _is_settled(at, last, run.start)
    finite = trees.all_finite((at.x, at.value, at.grad))
    # The parameters together may lack more than each of them, and the last digits are soon had.
    together = jnp.sum(_slopes(at, run.start)) <= MARGIN * tol * _level(at, run.start)
    ready = jnp.where(small & together, run.ready + 1, 0)
    # One step more makes sure, where there is any.
    enough = jnp.where(trees.any_nonzero(at.grad), jnp.where(settled, 2, RUNAWAY), 1)
    active = finite & ~at.stuck & (ready < enough)
    return _Progress(at, last, run.start, small, settled, ready, run.steps + 1, active)


def _along(at: Iterate, last: Iterate) -> tuple[Array, Array]:
    """The slope along the last move, and by how much it has changed on the way."""
    move, grad, before = (
        ravel_pytree(tree)[0] for tree in (jax.tree.map(jnp.subtract, at.x, last.x), at.grad, last.grad)
    )
    return trees.dot(grad, move), trees.dot(grad - before, move)


def _is_small(at: Iterate, last: Iterate, start: Iterate, tol: Array) -> Array:
    """Whether the gradient is small, and a parabola along the last move promises no more than tol either."""
    slope, bend = _along(at, last)
    promise = jnp.where(bend > 0, slope / jnp.where(bend > 0, bend, 1) * slope / 2, jnp.inf)
    level = _level(at, start)
    seen = (promise <= tol * level) & (scaled_gradient(at, start) <= tol)
    return ~trees.any_nonzero(at.grad) | seen


def _is_settled(at: Iterate, last: Iterate, start: Iterate) -> Array:
    """Whether the last move was short beside the parameters, or as short as the rounding of the objective makes it."""
    eps = float(jnp.finfo(at.value.dtype).eps)
    move = jnp.abs(ravel_pytree(at.x)[0] - ravel_pytree(last.x)[0])
    _, bend = _along(at, last)
    drowned = jnp.abs(bend) <= SETTLED**2 * eps * _level(at, start)
    return jnp.all(move <= SETTLED * _size(at, start)) | drowned | ~trees.any_nonzero(at.grad)


def _status(rule: Method, run: _Progress, tol: Array) -> Array:
    """Finiteness of the new iterate comes first, then the gradient, then why it stopped.

    A rule that compares values knows when rounding is all that is left; another's step may just be too short.
    """
    norm, reachable = scaled_gradient(run.at, run.start), settings.default_tolerance(run.at.value.dtype)
    # Where x is 0 as at the start, nothing gives a gradient a size.
    measured = jnp.all((_size(run.at, run.start) > 0) | (ravel_pytree(run.at.grad)[0] == 0))
    at_rounding = rule.compares & run.at.stuck & measured & (norm <= 100 * jnp.maximum(tol, reachable))
    finite = trees.all_finite((run.at.x, run.at.value, run.at.grad))
    return first_status(
        (~finite & (run.steps == 0), Status.BAD_START),
        (~finite, Status.DIVERGED),
        ((run.ready >= RUNAWAY) & ~run.settled & ~run.at.stuck, Status.BOUNDARY),
        (run.small | at_rounding, Status.CONVERGED),
        (run.at.stuck, Status.STALLED),
        otherwise=Status.MAX_STEPS,
    )
