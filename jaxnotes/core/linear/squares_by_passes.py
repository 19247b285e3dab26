"""Linear least squares on one problem with very many rows: one pass for the Gram matrix, then refinement passes.

The same two regimes as `squares`, a chunk of rows at a time and with no copy of the design: the Cholesky
factor of the Gram matrix where that is safe, else the triangular factor of a QR decomposition that takes in chunk
after chunk. Columns are centred and scaled by a sample of the rows: any centre near the mean serves as well as the
mean itself. Residuals are in working precision where their rounding is no part of a standard error.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxnotes.core.lanes.passes import fold_chunks, sample_rows, sum_chunks
from jaxnotes.core.linear import equations
from jaxnotes.core.linear.equations import Shares, Units
from jaxnotes.core.linear.intake import Equations
from jaxnotes.core.linear.refinement import Size, System, gram_is_safe, is_easy, refine, with_penalty
from jaxnotes.core.linear.squares import no_root
from jaxnotes.core.linear.verdict import Answer, conclude
from jaxnotes.core.matrix import factors, roots, scaling
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values import trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Status


class Rows:
    """The rows of one problem in units of the data, chunk by chunk."""

    def __init__(self, intercept: bool, data: Equations, share: Array, units: Units) -> None:
        self.intercept, self.data, self.share, self.units = intercept, data, share, units

    def sum(self, function: Callable[[Array, Array, Array], Any]) -> Any:
        """The sum of function(Z, y, share) over all chunks, Z (c, q) and y (c,) centred and scaled."""

        def part(fresh: Array, X: Array, y: Array, share: Array) -> Any:
            return function(*self._chunk(fresh, X, y, share))

        return sum_chunks(len(self.share), part, self.data.X, self.data.y, self.share)

    def _chunk(self, fresh: Array, X: Array, y: Array, share: Array) -> tuple[Array, Array, Array]:
        share = jnp.where(fresh, share, 0)
        first, units = (1 if self.intercept else 0), self.units
        Z = (X - units.mean[None, first:]) / units.scale[None, first:]
        Z = jnp.where((share > 0)[:, None], Z, 0)
        if self.intercept:
            Z = jnp.concatenate([jnp.ones_like(Z[:, :1]), Z], axis=1)
        return Z, jnp.where(share > 0, (y - units.centre) / units.size, 0), share

    def descent(self, theta: Array) -> tuple[Array, Array]:
        """Minus the gradient of the unpenalized objective at theta, (q,), and the mean square residual, ()."""

        def part(Z: Array, y: Array, share: Array) -> tuple[Array, Array]:
            r = y - contract("ij,j->i", Z, theta)
            return contract("ij,i->j", Z, share * r), jnp.sum(share * r * r)

        return self.sum(part)

    def doubled_descent(self, theta: Double) -> tuple[Double, Array]:
        """The same in two words."""

        def add(total: tuple[Double, Array], fresh: Array, X: Array, y: Array, share: Array) -> tuple[Double, Array]:
            share = jnp.where(fresh, share, 0)
            X, y = jnp.where((share > 0)[:, None], X, 0), jnp.where(share > 0, y, 0)
            gradient, square = equations.descent(theta, X, y, share, self.units, self.intercept)
            return total[0] + gradient, total[1] + square

        nothing = Double.of(jnp.zeros_like(theta.high)), jnp.zeros_like(theta.high[0])
        return fold_chunks(len(self.share), add, nothing, self.data.X, self.data.y, self.share)

    def triangle(self, penalty: Array) -> Array:
        """R (q + 1, q + 1) of all weighted rows of [Z y], those of the penalty on top."""

        def take_in(R: Array, fresh: Array, X: Array, y: Array, share: Array) -> Array:
            Z, y, share = self._chunk(fresh, X, y, share)
            rows = jnp.concatenate([Z, y[:, None]], axis=1)
            # The product with I keeps LAPACK's wish for column order from reaching X, which XLA would copy to grant it.
            weighted = contract("ij,jk->ik", jnp.sqrt(share)[:, None] * rows, identity)
            return jnp.linalg.qr(jnp.concatenate([R, weighted]), mode="r")

        identity = jnp.eye(len(penalty) + 1, dtype=penalty.dtype)
        start = jnp.diag(jnp.append(jnp.sqrt(penalty), 0))
        return fold_chunks(len(self.share), take_in, start, self.data.X, self.data.y, self.share)


def solve(intercept: bool, data: Equations) -> Answer:
    """Solve one problem; params are (q,), intercept first."""
    shares = equations.shares_of(data)
    units = _units(intercept, data, shares)
    rows, penalty = Rows(intercept, data, shares.share, units), equations.penalty_of(data, units, intercept)
    gram, square, concentrated = rows.sum(
        lambda Z, y, share: (
            contract("ij,ik->jk", Z * share[:, None], Z), jnp.sum(share * y * y), jnp.sum((share * y) ** 2)
        ),
    )  # fmt: skip
    data_status = _data_trouble(data, shares.present, gram, square)[None]
    hopeless = data_status != Status.CONVERGED
    factor = factors.factor_spd(gram[None], penalty[None])
    safe = gram_is_safe(factor.smallest_pivot) | hopeless
    root, first = jax.lax.cond(safe[0], lambda: no_root(penalty), lambda: _by_qr(rows, penalty))
    units_lane, root, first = jax.tree.map(lambda leaf: leaf[None], (units, root, first))
    system = System(
        units_lane, penalty[None], factor, safe, root, jnp.diagonal(gram)[None],
        is_easy(factor.smallest_pivot, units_lane),
    )  # fmt: skip
    weights = jnp.sum(jnp.broadcast_to(data.weights, data.y.shape))
    all_of_y = square + shares.total * (units.centre / units.size) ** 2
    size = Size(*(value[None] for value in (weights, jnp.sum(shares.present), all_of_y, square, concentrated)))

    def plain(theta: Double) -> tuple[Array, Array]:
        gradient, square = rows.descent(theta.high[0])
        return (gradient - penalty * theta.high[0])[None], square[None]

    def doubled(theta: Double) -> tuple[Array, Array]:
        gradient, square = rows.doubled_descent(Double(theta.high[0], theta.low[0]))
        return with_penalty(Double(gradient.high[None], gradient.low[None]), theta, penalty[None]), square[None]

    refined, steps = refine(system, first, size, hopeless, plain, doubled)
    answer = conclude(intercept, system, refined, steps, size, data_status, (data.l2 == 0)[None], thorough=True)
    return jax.tree.map(lambda leaf: leaf[0], answer)


def _by_qr(rows: Rows, penalty: Array) -> tuple[roots.Root, Array]:
    R = rows.triangle(penalty)
    return roots.root_and_solution(R[:, :-1], R[:, -1])


def _units(intercept: bool, data: Equations, shares: Shares) -> Units:
    """Units by a sample of the rows; by all rows for what does not vary in the sample."""
    share = shares.share
    picked = sample_rows(len(share))
    table = functools.partial(jnp.concatenate, axis=1)
    sample = table([data.X[picked], data.y[picked][:, None]])
    kept = (share[picked] > 0) & jnp.all(jnp.isfinite(sample), axis=1)
    equal = (kept / jnp.maximum(jnp.sum(kept), 1)).astype(share.dtype)
    scaled = scaling.scale_columns(sample, equal, kept, intercept=intercept)
    first = 1 if intercept else 0
    mean, still = scaled.mean, jnp.all(scaled.Z == 0, axis=1)

    def farthest(most: Array, fresh: Array, X: Array, y: Array, share: Array) -> Array:
        rows = table([X, y[:, None]])
        far = jnp.where((fresh & (share > 0))[:, None], jnp.abs(rows - mean[None, first:]), 0)
        return jnp.maximum(most, jnp.max(far, axis=0))

    def of_all() -> Array:
        far = fold_chunks(len(share), farthest, jnp.zeros_like(mean[first:]), data.X, data.y, share)
        return jnp.where(still, scaling.power_of_two(jnp.concatenate([scaled.scale[:first], far])), scaled.scale)

    scale = jax.lax.cond(jnp.any(still), of_all, lambda: scaled.scale)
    return Units(mean[:-1], scale[:-1], mean[-1], scale[-1], shares.unit)


def _data_trouble(data: Equations, present: Array, gram: Array, square: Array) -> Array:
    """What the data alone say, ()."""
    finite = jnp.all(jnp.isfinite(gram)) & jnp.isfinite(square) & jnp.isfinite(data.l2)
    missing = present & ~(jnp.isfinite(data.precision) & jnp.isfinite(data.y))
    return trouble.of_data(
        data.weights,
        invalid=jnp.any(present & (data.precision < 0)) | (data.l2 < 0),
        not_finite=~finite | jnp.any(missing),
    )
