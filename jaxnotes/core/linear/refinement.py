"""Iterative refinement of least-squares solutions, lane axis first, in units of the data.

Every pass adds H^-1 g(theta) to a theta of two words. Where rounding leaves the standard errors alone g comes from
residuals in working precision; elsewhere from residuals in two words, of the user's own numbers.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.linear.equations import Units
from jaxnotes.core.matrix import factors, roots
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.special import double_word
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes

# In the Gram regime a refinement pass must gain at least about two digits.
MAX_PASSES = 12
# Plain residuals cost the answer about eps / EASY_PIVOT at worst, and a tenth of the time.
EASY_PIVOT, MAX_OFFSET = 1e-2, 8.0
# How far from the optimum a parameter may be, in standard errors.
PROMISE = 0.01


class System(NamedTuple):
    """The normal equations of some lanes, in units: penalty (L, q); factor of the Gram matrix H, for the lanes where it
    is safe (L,); for the others a root of H^-1. curvature: the diagonal of H without the penalty, (L, q). easy: where
    plain residuals may do, (L,).
    """

    units: Units
    penalty: Array
    factor: factors.Factor | factors.Inverse
    safe: Array
    root: roots.Root
    curvature: Array
    easy: Array

    @property
    def diagonal(self) -> Array:
        """Of H, (L, q)."""
        return self.curvature + self.penalty

    def solve(self, b: Array) -> Array:
        """H^-1 b, (L, q)."""
        root = self.root.root
        with_root = contract("lij,lj->li", root, contract("lij,li->lj", root, b))
        return select_lanes(self.safe, factors.solve(self.factor, b), with_root)


class Size(NamedTuple):
    """What a lane's data amount to, (L,): sum_i w_i; the rows that are present; with shares s_i and y in units,
    sum_i s_i y_i^2, the same of y less its centre, and sum_i (s_i y_i)^2 of that.
    """

    weights: Array
    rows: Array
    y: Array
    centred: Array
    concentrated: Array

    @property
    def count(self) -> Array:
        """How many rows a standard error counts at most, (L,)."""
        return jnp.maximum(self.weights, self.rows)


class Refined(NamedTuple):
    """Where a refinement stands, (L, ...): theta (L, q), the step that is left there (L, q), the gradient's largest
    entry, the mean square residual, what rounding of the gradient moves a parameter by in standard errors.
    """

    theta: Double
    step: Array
    grad_norm: Array
    square: Array
    rounding: Array


class RefineState(NamedTuple):
    """gain: g'H^-1 g, twice what the objective would fall by, (L,)."""

    at: Refined
    gain: Array
    steps: Array
    active: Array


# theta -> minus the gradient (L, q), rounded, and the mean square residual (L,).
Descent = Callable[[Double], tuple[Array, Array]]


def refine(
    system: System, first: Array, size: Size, hopeless: Array, plain: Descent | None, doubled: Descent
) -> tuple[Refined, Array]:
    """Refine from `first` (L, q) until a pass gains nothing, and the steps taken, (L,); hopeless lanes stay there.

    Without a plain descent it is always the doubled one, a smaller program.
    """
    eps = float(jnp.finfo(first.dtype).eps)
    # The errors of the rows are as good as independent.
    noise = 8 * eps * jnp.sqrt(size.count * size.concentrated)
    unpenalized = jnp.all(system.penalty == 0, axis=1)

    def careful(theta: Double) -> tuple[Array, Array, Array]:
        gradient, square = doubled(theta)
        return gradient, square, jnp.full_like(square, eps)

    def descent(theta: Double, idle: Array) -> tuple[Array, Array, Array]:
        if plain is None:
            return careful(theta)
        gradient, square = plain(theta)
        rounding = noise / jnp.sqrt(square)
        # What is left of a constant y is rounding of its mean.
        trusted = system.easy & (rounding <= PROMISE) & (noise > 0)
        quick = gradient, square, rounding
        return jax.lax.cond(
            jnp.all(trusted | idle),
            lambda: quick,
            lambda: select_lanes(trusted, quick, careful(theta)),
        )

    def step(state: RefineState) -> RefineState:
        theta = state.at.theta + Double.of(state.at.step)
        gradient, square, rounding = descent(theta, ~state.active)
        # A column that is constant takes no part: what is left there is the rounding of its mean.
        gradient = jnp.where(system.curvature > 0, gradient, 0)
        left = system.solve(gradient)
        gain = jnp.abs(jnp.sum(gradient * left, axis=1))
        better = gain < state.gain
        # What is left of a plain descent is soon no more than its rounding.
        done = (gain <= eps**2 * size.centred) & (size.count * gain <= 1e-2 * PROMISE**2 * square)
        done &= unpenalized & (rounding > eps)
        here = Refined(theta, left, jnp.max(jnp.abs(gradient), axis=1), square, rounding)
        going_on = better & (gain > eps**4 * size.y) & (gain < state.gain / 4) & ~done
        tried = state._replace(at=here, gain=gain)
        return select_lanes(better, tried, state)._replace(steps=state.steps + 1, active=going_on)

    far = jnp.full_like(size.y, jnp.inf)
    start = Refined(Double.of(first), jnp.zeros_like(first), far, far, far)
    steps = jnp.full_like(far, -1, dtype=jnp.int32)
    state = iterate(step, RefineState(start, far, steps, ~hopeless), MAX_PASSES)
    return state.at, state.steps


def is_easy(smallest_pivot: Array, units: Units) -> Array:
    """Whether plain residuals may do, (L,): no column is near to another or far from 0 in its own spread."""
    return (smallest_pivot > EASY_PIVOT) & (jnp.max(jnp.abs(units.in_scale()), axis=1) <= MAX_OFFSET)


def with_penalty(gradient: Double, theta: Double, penalty: Array) -> Array:
    """The gradient (L, q) less penalty times theta, rounded."""
    return (gradient - double_word.scaled(theta, penalty)).high


def gram_is_safe(smallest_pivot: Array) -> Array:
    """Whether refinement with a Cholesky factor of this smallest scaled pivot gains two digits or more a pass."""
    return smallest_pivot > 100 * 100 * jnp.finfo(smallest_pivot.dtype).eps
