"""The loop every solver runs in, and `minimize` and `minimize_path` on top of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.descent import intake, methods
from jaxnotes.core.descent.methods import Iterate, Method
from jaxnotes.core.lanes import implicit
from jaxnotes.core.values import settings, trees
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.loop import iterate
from jaxnotes.core.values.public import public
from jaxnotes.core.values.status import Solution, Status, first_status

NEWTON_PARAMETERS = 200  # up to here Newton's n^3 is cheap; beyond, L-BFGS


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
    """An iterate of `minimize` with its scaled gradient norm, its count and whether to go on, each ()."""

    at: Iterate
    grad_norm: Array
    steps: Array
    active: Array


def minimize(
    fun: Callable[..., Array],
    x0: Any,
    *args: Any,
    method: Any = None,
    tol: ArrayLike | None = None,
    max_steps: int = 1000,
) -> Solution:
    """A local minimum of fun(x, *args) over x, from x0.

        stops where  max_j |g_j| max(|x_j|, 1) / max(|fun|, 1) <= tol,  g the gradient

    Derivatives of the answer with respect to args, and to whatever fun closes over, are those of the exact minimum
    (implicit function theorem). Batch by jax.vmap. It traces fun at each call; where that is too slow, jit what calls
    it.

    Args:
        fun: fun(x, *args) -> (), differentiable.
        x0: the start, any pytree of float arrays.
        args: what else fun takes.
        method: one of `jaxnotes.methods` or any optax rule; None (default) takes Newton with step control up to 200
            parameters and L-BFGS beyond.
        tol: where the scaled gradient stops, (), >= 0, max(1e-10, 8 eps) of the dtype by default.
        max_steps: steps at most, a Python int >= 0, 1000 by default.

    Returns:
        A `Solution`: params like x0, value of fun there.

    Statuses:
        CONVERGED, BAD_START, DIVERGED, MAX_STEPS, STALLED.

    Raises:
        TypeError, ValueError: x0 of a wrong dtype, a fun that returns no number, or a setting out of range.

    >>> solution = minimize(lambda x, a: jnp.sum((x - a) ** 2), jnp.zeros(2), jnp.array([1.0, 2.0]))
    >>> print(solution.params, Status(int(solution.status)).name)
    [1. 2.] CONVERGED
    """
    x0 = intake.start(x0)
    rule = _as_method(method, x0)
    tol = settings.tolerance(tol, ravel_pytree(x0)[0].dtype)
    settings.check_count("max_steps", max_steps)

    def objective(x: Any) -> Array:
        return fun(x, *args)

    intake.check_scalar(objective, x0)

    def solve(start: Any) -> tuple[Any, list[Array]]:
        run = iterate(lambda run: _advance(rule, objective, tol, run), _begin(rule, objective, tol, start), max_steps)
        return run.at.x, [run.grad_norm, run.steps, _status(run, tol)]

    x, (grad_norm, steps, status) = implicit.solve_differentiably(objective, x0, solve)
    value = fun(x, *args)
    return Solution(x, value, grad_norm, steps, status, jnp.full_like(grad_norm, jnp.nan))


def minimize_path(fun: Callable[..., Array], x0: Any, *args: Any, method: Any, steps: int) -> Path:
    """Every iterate of a method on fun(x, *args) from x0, the start included: for pictures.

    It neither stops early nor hides a divergence. Sweep a rate or a start by jax.vmap.

    Args:
        fun: fun(x, *args) -> (), differentiable.
        x0: the start, any pytree of float arrays.
        args: what else fun takes.
        method: one of `jaxnotes.methods` or any optax rule.
        steps: how many, a Python int >= 0.

    Returns:
        A `Path` of steps + 1 iterates.

    Raises:
        TypeError, ValueError: x0 of a wrong dtype, a fun that returns no number, or steps < 0.

    >>> path = minimize_path(lambda x: x**2, 10.0, method=methods.gradient_descent(0.2), steps=10)
    >>> print(path.params[-1].round(5))
    0.06047
    """
    x0 = intake.start(x0)
    rule = _as_method(method, x0)

    def objective(x: Any) -> Array:
        return fun(x, *args)

    intake.check_scalar(objective, x0)
    settings.check_count("steps", steps)
    return _walk(rule, x0, lambda _: objective, jnp.arange(steps + 1))


def stochastic_path(
    loss: Callable[[Any, Any], Array], x0: Any, data: Any, *, key: Array, method: Any, steps: int, batch_size: int = 1
) -> Path:
    """Every iterate of a method whose gradients come from a few rows each, drawn anew for every step.

        x_(k+1) = x_k - rate grad loss(x_k, rows_k),   rows_k: batch_size rows of the data, drawn with replacement

    so that each gradient is right on average where loss(x, rows) is a mean over rows. With a fixed rate it never
    settles; see `jaxnotes.gradient_descent.inverse_decay`.

    Args:
        loss: loss(x, rows) -> (), differentiable; rows is like data, with batch_size rows.
        x0: the start, any pytree of float arrays.
        data: a pytree of arrays with the rows on the first axis.
        key: of all draws; the same key gives the same path.
        method: as in `minimize`, but none that compares values between steps (newton, backtracking, lbfgs), because
            each step has another loss.
        steps: how many, a Python int >= 0.
        batch_size: rows of each step, a Python int >= 1; 1 (default) is stochastic gradient descent, more is
            mini-batch.

    Returns:
        A `Path` of steps + 1 iterates; its value and grad_norm belong to the rows drawn at each.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, a loss that is no number, such a method, or a count out of range.

    >>> data = jnp.array([1.0, 2.0, 6.0])
    >>> rule = methods.gradient_descent(lambda k: 1 / (1 + k))
    >>> mean_square = lambda x, rows: jnp.mean((rows - x) ** 2) / 2
    >>> path = stochastic_path(mean_square, 0.0, data, key=jax.random.key(0), method=rule, steps=4000)
    >>> print(path.params.shape, abs(path.params[-1] - 3) < 0.2)
    (4001,) True

    Source: Robbins and Monro (1951), Ann. Math. Statist. 22, 400-407.
    """
    x0 = intake.start(x0)
    rule = _as_method(method, x0)
    if rule.compares:
        raise ValueError("method: expected a rule that takes each gradient as it comes, got one that compares values.")
    settings.check_count("steps", steps)
    settings.check_count("batch_size", batch_size, least=1)
    data = jax.tree.map(jnp.asarray, data)
    n = intake.row_count(data)

    def objective(key: Array) -> Callable[[Any], Array]:
        rows = jax.random.randint(key, (batch_size,), 0, n)
        batch = jax.tree.map(lambda leaf: leaf[rows], data)
        return lambda x: loss(x, batch)

    intake.check_scalar(objective(key), x0)
    return _walk(rule, x0, objective, jax.random.split(key, steps + 1))


def _walk(rule: Method, x0: Any, objective: Callable[[Array], Callable[[Any], Array]], labels: Array) -> Path:
    """The iterates of a rule whose k-th gradient is that of objective(labels[k])."""

    def step(at: Iterate, label: Array) -> tuple[Iterate, Path]:
        at = rule.step(objective(label), at)
        return at, Path(at.x, at.value, scaled_gradient(at))

    first = rule.init(objective(labels[0]), x0)
    _, rest = jax.lax.scan(step, first, labels[1:])
    start = Path(first.x, first.value, scaled_gradient(first))
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), start, rest)


def scaled_gradient(at: Iterate) -> Array:
    """max_j |g_j| max(|x_j|, 1) / max(|value|, 1), shape ()."""
    scaled = jax.tree.map(lambda g, x: jnp.max(jnp.abs(g) * jnp.maximum(jnp.abs(x), 1)), at.grad, at.x)
    return jnp.max(jnp.stack(jax.tree.leaves(scaled))) / jnp.maximum(jnp.abs(at.value), 1)


def _as_method(method: Any, x0: Any) -> Method:
    if method is None:
        size = sum(leaf.size for leaf in jax.tree.leaves(x0))
        return methods.newton() if size <= NEWTON_PARAMETERS else methods.lbfgs()
    if isinstance(method, Method):
        return method
    if hasattr(method, "init") and hasattr(method, "update"):
        return methods.from_optax(method)
    raise TypeError(f"method: expected a jaxnotes.methods method or an optax rule, got {type(method).__name__}.")


def _begin(rule: Method, objective: Callable[[Any], Array], tol: Array, start: Any) -> _Progress:
    at = rule.init(objective, start)
    norm = scaled_gradient(at)
    return _Progress(at, norm, jnp.zeros((), jnp.int32), trees.all_finite((at.value, at.grad)) & (norm > tol))


def _advance(rule: Method, objective: Callable[[Any], Array], tol: Array, run: _Progress) -> _Progress:
    at = rule.step(objective, run.at)
    norm = scaled_gradient(at)
    finite = trees.all_finite((at.x, at.value, at.grad))
    return _Progress(at, norm, run.steps + 1, finite & (norm > tol) & ~at.stuck)


def _status(run: _Progress, tol: Array) -> Array:
    """Finiteness of the new iterate comes first, then the gradient, then why it stopped."""
    small = (run.grad_norm <= tol) | (run.at.stuck & (run.grad_norm <= 100 * tol))
    finite = trees.all_finite((run.at.x, run.at.value, run.at.grad))
    return first_status(
        (~finite & (run.steps == 0), Status.BAD_START),
        (~finite, Status.DIVERGED),
        (small, Status.CONVERGED),
        (run.at.stuck, Status.STALLED),
        otherwise=Status.MAX_STEPS,
    )
