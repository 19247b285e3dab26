"""Linear least squares on one problem with very many rows: one pass for the Gram matrix, then refinement passes.

The same two regimes as `squares`, a chunk of rows at a time and with no copy of the design: the Cholesky
factor of the Gram matrix where that is safe, else the triangular factor of a QR decomposition that takes in chunk
after chunk. Columns are centred and scaled by a sample of the rows: any centre near the mean serves as well as the
mean itself. Residuals are in working precision here; summed over so many rows their rounding matters less than it
costs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.lanes.passes import fold_chunks, sample_rows, sum_chunks
from jaxnotes.core.linear import squares
from jaxnotes.core.linear.intake import Equations
from jaxnotes.core.matrix import factors, scaling
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.matrix.scaling import Scaled
from jaxnotes.core.values import trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.status import Solution, Status


class ScaledEquations(NamedTuple):
    """The data, their scaling, row weights share (n,) of the mean objective, the penalty (q,) in scaled coordinates."""

    data: Equations
    scaled: Scaled
    share: Array
    penalty: Array


class Refinement(NamedTuple):
    """theta (1, q) in scaled coordinates; value and scaled gradient norm (1,) there; the next correction (1, q)."""

    theta: Array
    value: Array
    grad_norm: Array
    correction: Array
    steps: Array
    active: Array


def solve(intercept: bool, data: Equations) -> Solution:
    """Solve one problem; params are (q,), intercept first."""
    share, present = squares.share_of(data)
    problem = _problem(intercept, data, share, present)
    scaled, penalty = problem.scaled, problem.penalty
    gram, moment, square = _sum_rows(
        problem,
        lambda Z, y, share: (
            contract("ij,ik->jk", Z * share[:, None], Z), contract("ij,i->j", Z, share * y), jnp.sum(share * y * y)
        ),
    )  # fmt: skip
    total, q = jnp.sum(share), len(penalty)
    rms = _rms(intercept, scaled, gram, total)
    size = jnp.sqrt(square / total)
    data_status = _data_trouble(data, present, rms, size)
    factor = factors.factor_spd(gram[None], penalty[None])
    safe = squares.gram_is_safe(factor.smallest_pivot[0]) | (data_status != Status.CONVERGED)
    root, first = jax.lax.cond(safe, lambda: _no_root(penalty), lambda: _root_by_qr(problem))

    def correction(gradient: Array) -> Array:
        with_root = contract("ij,j->i", root.root, contract("ij,i->j", root.root, gradient))
        return jnp.where(safe, factors.solve(factor, gradient[None])[0], with_root)[None]

    def step(state: Refinement) -> Refinement:
        theta = state.theta + state.correction
        gradient, value = _descent(problem, theta[0])
        raw = scaled.scale * gradient + (scaled.mean * gradient[0] if intercept else 0)
        norm = jnp.max(jnp.where(rms > 0, jnp.abs(raw) / jnp.where(rms > 0, rms, 1), 0), keepdims=True)
        norm = norm / jnp.where(size > 0, size, 1)
        better = norm < state.grad_norm
        going_on = better & (norm < state.grad_norm / 2) & (norm > jnp.finfo(norm.dtype).eps)
        tried = Refinement(theta, value[None], norm, correction(gradient), state.steps, state.active)
        return select_lanes(better, tried, state)._replace(steps=state.steps + 1, active=going_on)

    far = jnp.full((1,), jnp.inf, penalty.dtype)
    start = Refinement(
        theta=first[None],
        value=far,
        grad_norm=far,
        correction=jnp.where(safe, correction(moment), 0),
        steps=jnp.zeros((1,), jnp.int32),
        active=(data_status == Status.CONVERGED)[None],
    )
    state = iterate(step, start, squares.MAX_PASSES)
    theta = scaling.from_scaled(state.theta[0], scaled, intercept=intercept)
    null = scaling.from_scaled(root.null, scaled, intercept=intercept)
    theta = squares.of_least_norm(root.rank < q, theta, null, intercept)
    unpenalized = data.l2 == 0
    status = squares.judge(
        data_status, unpenalized & (jnp.sum(present) < q), unpenalized & (root.rank < q), state.grad_norm[0]
    )
    value = state.value[0]
    return Solution(theta, value, state.grad_norm[0], state.steps[0], status, jnp.full_like(value, jnp.nan))


def _problem(intercept: bool, data: Equations, share: Array, present: Array) -> ScaledEquations:
    picked = sample_rows(len(share))
    kept = present[picked] & jnp.all(jnp.isfinite(data.X[picked]), axis=1)
    equal = kept / jnp.maximum(jnp.sum(kept), 1)
    scaled = scaling.scale_columns(data.X[picked], equal.astype(share.dtype), kept, intercept=intercept)
    # A column that is 0 throughout the sample may vary elsewhere: it is left unscaled.
    scaled = scaled._replace(Z=share[:0], scale=jnp.where(scaled.scale > 0, scaled.scale, 1))
    penalty = data.l2 / scaled.scale**2
    return ScaledEquations(data, scaled, share, penalty.at[0].set(0) if intercept else penalty)


def _design(problem: ScaledEquations, X: Array, share: Array) -> Array:
    """The scaled design (c, q) of rows X (c, p), 0 where absent."""
    mean, scale = problem.scaled.mean, problem.scaled.scale
    intercept = len(mean) > X.shape[1]
    mean, scale = (a[1:] if intercept else a for a in (mean, scale))
    Z = jnp.where((share > 0)[:, None], (X - mean[None]) / scale[None], 0)
    return jnp.concatenate([jnp.ones_like(Z[:, :1]), Z], axis=1) if intercept else Z


def _sum_rows(problem: ScaledEquations, function: Callable[[Array, Array, Array], Any]) -> Any:
    """The sum of function(Z, y, share) over all chunks, Z (c, q)."""

    def part(fresh: Array, X: Array, y: Array, share: Array) -> Any:
        share = jnp.where(fresh, share, 0)
        return function(_design(problem, X, share), jnp.where(share > 0, y, 0), share)

    return sum_chunks(len(problem.share), part, problem.data.X, problem.data.y, problem.share)


def _descent(problem: ScaledEquations, theta: Array) -> tuple[Array, Array]:
    """Minus the gradient (q,) and the value () of the mean objective at theta (q,), in scaled coordinates."""

    def part(Z: Array, y: Array, share: Array) -> tuple[Array, Array]:
        r = y - contract("ij,j->i", Z, theta)
        return contract("ij,i->j", Z, share * r), jnp.sum(share * r * r)

    gradient, square = _sum_rows(problem, part)
    return gradient - problem.penalty * theta, (square + jnp.sum(problem.penalty * theta**2)) / 2


def _no_root(penalty: Array) -> tuple[factors.Root, Array]:
    nothing = jnp.zeros_like(penalty, shape=(len(penalty), len(penalty)))
    return factors.Root(nothing, nothing, jnp.asarray(len(penalty))), jnp.zeros_like(penalty)


def _root_by_qr(problem: ScaledEquations) -> tuple[factors.Root, Array]:
    """The inverse root and the solution, from the triangular factor of all weighted rows, chunk after chunk."""

    def take_in(R: Array, fresh: Array, X: Array, y: Array, share: Array) -> Array:
        share = jnp.where(fresh, share, 0)
        rows = jnp.concatenate([_design(problem, X, share), jnp.where(share > 0, y, 0)[:, None]], axis=1)
        # The product with I keeps LAPACK's wish for column order from reaching X, which XLA would copy to grant it.
        weighted = contract("ij,jk->ik", jnp.sqrt(share)[:, None] * rows, identity)
        return jnp.linalg.qr(jnp.concatenate([R, weighted]), mode="r")

    n, q, data = len(problem.share), len(problem.penalty), problem.data
    identity = jnp.eye(q + 1, dtype=problem.share.dtype)
    start = jnp.diag(jnp.append(jnp.sqrt(problem.penalty), 0))
    R = fold_chunks(n, take_in, start, data.X, data.y, problem.share)
    return factors.root_and_solution(R[:, :q], R[:, q], n)


def _rms(intercept: bool, scaled: Scaled, gram: Array, total: Array) -> Array:
    """The weighted root mean square of each unscaled column, from the Gram matrix, (q,)."""
    second = jnp.diagonal(gram) / total
    first = gram[0] / total if intercept else jnp.zeros_like(second)
    square = scaled.mean**2 + 2 * scaled.mean * scaled.scale * first + scaled.scale**2 * second
    return jnp.sqrt(square).at[0].set(1) if intercept else jnp.sqrt(square)


def _data_trouble(data: Equations, present: Array, rms: Array, size: Array) -> Array:
    """What the data alone say, ()."""
    finite = jnp.all(jnp.isfinite(rms)) & jnp.isfinite(size) & jnp.isfinite(data.l2)
    return trouble.of_data(
        data.weights,
        invalid=jnp.any(present & (data.precision < 0)) | (data.l2 < 0),
        not_finite=~finite | jnp.any(present & ~jnp.isfinite(data.precision)),
    )
