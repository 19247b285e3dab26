"""`minimize`, `minimize_path` and `stochastic_path`: the engines of this room for a function of any pytree."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.descent import intake, methods, rules, trust_region
from jaxnotes.core.descent.rules import Path
from jaxnotes.core.lanes import implicit
from jaxnotes.core.values import settings
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.status import Solution, where_answered

NEWTON_PARAMETERS = 200  # up to here Newton's n^3 is cheap; beyond, L-BFGS


def minimize(
    fun: Callable[..., Array],
    x0: Any,
    *args: Any,
    method: Any = None,
    tol: ArrayLike | None = None,
    max_steps: int = 1000,
) -> Solution:
    """A local minimum of fun(x, *args) over x, from x0.

        g' H^-1 g / 2 <= tol max(|fun|, fun(x0) - fun),       H without negative curvature    up to 200 parameters
        |g_j| s_j     <= tol max(|fun|, fun(x0) - fun),       s_j = max(|x_j|, |x_j - x0_j|)  every other method

    with g the gradient and H the Hessian there, is what CONVERGED says; the descent goes on while it still gains. Only
    exact second derivatives tell a minimum from a saddle: another method may end at one. No unit matters: neither a
    factor of fun nor of a parameter changes how it ends.

    Derivatives of the answer with respect to args, and to whatever fun closes over, are those of the exact minimum
    (implicit function theorem). Batch by jax.vmap. It traces fun at each call; where that is too slow, jit what calls
    it.

    Args:
        fun: fun(x, *args) -> (), differentiable.
        x0: the start, any pytree of float arrays.
        args: what else fun takes.
        method: one of `jaxnotes.methods` or any optax rule; None (default) takes Newton in a trust region up to 200
            parameters and L-BFGS beyond.
        tol: of the rule above, (), >= 0, max(1e-10, 8 eps) of the dtype by default.
        max_steps: steps at most, a Python int >= 0, 1000 by default.

    Returns:
        A `Solution`: params like x0, value of fun there, grad_norm max_j |g_j| s_j / max(|fun|, fun(x0) - fun).

    Statuses:
        CONVERGED; FLAT, where a direction has no curvature; BOUNDARY, where a parameter runs away or fun ends;
        BAD_START, DIVERGED, MAX_STEPS, STALLED.

    Raises:
        TypeError, ValueError: x0 of a wrong dtype, a fun that returns no number, or a setting out of range.

    >>> solution = minimize(lambda x, a: jnp.sum((x - a) ** 2), jnp.zeros(2), jnp.array([1.0, 2.0]))
    >>> print(solution.params, bool(solution.converged))
    [1. 2.] True
    """
    x0 = intake.start(x0)
    size = sum(leaf.size for leaf in jax.tree.leaves(x0))
    tol = settings.tolerance(tol, ravel_pytree(x0)[0].dtype)
    settings.check_count("max_steps", max_steps)

    def objective(x: Any) -> Array:
        return fun(x, *args)

    intake.check_scalar(objective, x0)

    def solve(start: Any) -> tuple[Any, list[Array]]:
        if method is None and size <= NEWTON_PARAMETERS:
            return _by_trust_region(objective, tol, start, max_steps)
        rule = methods.lbfgs() if method is None else rules.as_method(method)
        return rules.run(rule, objective, tol, start, max_steps)

    x, (grad_norm, steps, status) = implicit.solve_differentiably(objective, x0, solve)
    value = fun(x, *args)
    x = jax.tree.map(lambda leaf: where_answered(status, leaf), x)
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
    rule = rules.as_method(method)

    def objective(x: Any) -> Array:
        return fun(x, *args)

    intake.check_scalar(objective, x0)
    settings.check_count("steps", steps)
    return rules.walk(rule, x0, lambda _: objective, jnp.arange(steps + 1))


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
    rule = rules.as_method(method)
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
    return rules.walk(rule, x0, objective, jax.random.split(key, steps + 1))


def _by_trust_region(
    objective: Callable[[Any], Array], tol: Array, start: Any, max_steps: int
) -> tuple[Any, list[Array]]:
    """(x, [grad_norm, steps, status]): one lane of `trust_region`."""
    theta, unravel = ravel_pytree(start)

    def evaluate(theta: Array, unit: Array) -> tuple[Array, Array, Array]:
        parts = trust_region.derivatives(lambda theta: objective(unravel(theta)), theta[0], unit[0])
        value, grad, hessian = jax.tree.map(lambda part: part.astype(theta.dtype)[None], parts)
        return value, grad, hessian

    nothing = jnp.zeros((1,), theta.dtype)
    run = trust_region.descend(
        evaluate, theta[None], trust_region.Goal(tol[None], nothing), jnp.ones((1,), bool), max_steps
    )
    # What rounding hides is no reason to refuse an answer.
    visible = jnp.maximum(tol, settings.default_tolerance(theta.dtype))[None]
    status = trust_region.judge(run, trust_region.Goal(visible, nothing))
    size = jnp.maximum(jnp.abs(run.at.theta), jnp.abs(run.at.theta - run.origin.theta))
    norm = rules.quotient(jnp.max(jnp.abs(run.at.grad) * (size / run.at.unit), axis=1), run.level)
    return unravel(run.at.theta[0]), [norm[0], run.steps[0], status[0]]
