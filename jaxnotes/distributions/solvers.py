"""Solvers of the likelihood equations without a closed form, and inverses of their information."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.descent import trust_region
from jaxnotes.core.matrix import factors
from jaxnotes.core.values import settings
from jaxnotes.core.values.arrays import Array
from jaxnotes.distributions.summaries import average, extremes

# Steps of a solver; they need some ten.
MAX_STEPS = 100


def jacobian(function: Callable[[Array], Array], x: Array) -> Array:
    """The Jacobian (q, q) at x (q,) of a function, column by column: faster than vmap where they are few."""
    return jnp.stack([jax.jvp(function, (x,), (unit,))[1] for unit in jnp.eye(len(x), dtype=x.dtype)])


def inverse_spd(A: Array) -> Array:
    """A^-1; NaN unless A (q, q) is positive definite beyond rounding."""
    factor = factors.factor_spd(_lower(A), jnp.zeros((1, len(A)), A.dtype))
    columns = [factors.solve(factor, unit[None])[0] for unit in jnp.eye(len(A), dtype=A.dtype)]
    return jnp.where(factor.smallest_pivot[0] > 0, jnp.stack(columns), jnp.nan)


def _lower(A: Array) -> Array:
    """The lower triangle of A row by row, (1, q (q + 1) / 2)."""
    return jnp.stack([A[i, j] for i in range(len(A)) for j in range(i + 1)])[None]


class _Bracket(NamedTuple):
    at: Array
    lower: Array
    upper: Array
    steps: Array
    active: Array


def positive_root(function: Callable[[Array], tuple[Array, Array]], start: Array) -> tuple[Array, Array]:
    """(x, steps): the root x > 0 of a function that is negative below it and positive above.

    By Newton's method, held in a bracket, from start > 0. The function gives its value and its slope at x.
    """
    small = float(jnp.finfo(start.dtype).eps) ** 0.5

    def step(state: _Bracket) -> _Bracket:
        value, slope = function(state.at)
        lower = jnp.where(value < 0, state.at, state.lower)
        upper = jnp.where(value > 0, state.at, state.upper)
        newton = jnp.clip(state.at - value / slope, state.at / 8, 8 * state.at)
        middle = jnp.where(upper < jnp.inf, (lower + upper) / 2, 8 * state.at)
        inside = (newton >= lower) & (newton <= upper)
        new = jnp.where(inside, newton, middle)
        # The error after a Newton step is of the order of its square.
        active = (jnp.abs(new - state.at) > small * state.at) & jnp.isfinite(value)
        return _Bracket(new, lower, upper, state.steps + 1, active)

    first = _Bracket(start, 0 * start, jnp.full_like(start, jnp.inf), jnp.zeros((), jnp.int32), start > 0)
    last = jax.lax.while_loop(lambda state: state.active & (state.steps < MAX_STEPS), step, first)
    return last.at, last.steps


class _Descent(NamedTuple):
    at: Array
    move: Array
    slope: Array
    steps: Array
    active: Array


def convex_minimum(gradient: Callable[[Array], Array], start: Array) -> tuple[Array, Array]:
    """(x, steps): where the gradient of a convex function of few numbers (q,) vanishes; it is NaN outside the domain.

    By Newton's method. A step is halved until the slope along it is no longer steep uphill, which needs no values and
    so works to the last digit. It ends when the Newton decrement, the fall that a step promises, is rounding.
    """
    small = float(jnp.finfo(start.dtype).eps) ** 1.2

    def newton(x: Array) -> tuple[Array, Array, Array]:
        g, H = gradient(x), jacobian(gradient, x)
        move = -factors.solve(factors.factor_spd(_lower(H), jnp.zeros((1, len(x)), x.dtype)), g[None])[0]
        return g, move, jnp.all(jnp.isfinite(H)) & jnp.all(jnp.isfinite(g))

    def step(state: _Descent) -> _Descent:
        x = state.at + state.move
        g, move, finite = newton(x)
        accept = finite & (jnp.sum(g * state.move) <= -0.5 * state.slope)
        slope = jnp.where(accept, jnp.sum(g * move), state.slope / 2)
        settled = -state.slope <= small
        return _Descent(
            at=jnp.where(accept, x, state.at),
            move=jnp.where(accept, move, state.move / 2),
            slope=slope,
            steps=state.steps + 1,
            active=~settled & jnp.isfinite(slope),
        )

    g, move, finite = newton(start)
    first = _Descent(start, move, jnp.sum(g * move), jnp.zeros((), jnp.int32), finite)
    last = jax.lax.while_loop(lambda state: state.active & (state.steps < MAX_STEPS), step, first)
    return last.at, last.steps


def minimum(loss: Callable[[Array], Array], start: Array) -> tuple[Array, Array, Array]:
    """(x, steps, status): a minimum near the start (q,) of a smooth function, by Newton's method in a trust region."""

    def evaluate(x: Array, unit: Array) -> tuple[Array, Array, Array]:
        return jax.vmap(functools.partial(trust_region.derivatives, loss))(x, unit)

    tol = settings.tolerance(None, start.dtype)[None]
    goal = trust_region.Goal(jnp.zeros_like(tol), tol**2 / 2)
    run = trust_region.descend(evaluate, start[None], goal, jnp.ones((1,), bool), MAX_STEPS)
    return run.at.theta[0], run.steps[0], trust_region.judge(run, goal._replace(absolute=(100 * tol) ** 2 / 2))[0]


def extreme_value(y: Array, share: Array) -> tuple[Array, Array, Array]:
    """(shape, log_scale, steps): the maximum likelihood estimate of a Weibull law from y (n,), the logarithms of x.

    With A(k) = log sum_i share_i exp(k y_i), a convex function, it is A'(k) - 1/k = mean y, log_scale = A(k) / k. For
    equal y the shape is infinite.
    """
    mean = average(y, share)
    most = extremes(y, share)[1]
    below = y - most
    powers = share[None] * jnp.stack([jnp.ones_like(y), below, below**2])

    def slope(k: Array) -> tuple[Array, Array]:
        """A' - mean - 1/k, and its derivative: A' and A'' are the mean and variance of y under the tilted shares."""
        # One product: the exponentials are the cost, and three sums would compute them three times.
        total, first, second = jnp.matmul(powers, jnp.exp(k * below), precision="highest")
        tilted = first / total
        return tilted + (most - mean) - 1 / k, second / total - tilted**2 + 1 / k**2

    sd = jnp.sqrt(average((y - mean) ** 2, share))
    varied = sd > 0
    start = math.pi / math.sqrt(6) / jnp.where(varied, sd, jnp.nan)
    shape, steps = positive_root(slope, start)
    log_scale = jnp.where(varied, most + jnp.log(average(jnp.exp(shape * below), share)) / shape, mean)
    return jnp.where(varied, shape, jnp.inf), log_scale, steps
