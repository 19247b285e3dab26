"""Linear least squares on a block of problems, lane axis first: one refinement, and two ways to get the matrix for it.

The normal equations ask for theta with  g(theta) = Z'W (y - Z theta) - P theta = 0.  Every pass adds H^-1 g(theta),
with H = Z'WZ + P. The first pass from 0 is the textbook solution; each further one multiplies the error by about eps
times the condition of H, while g, computed from the user's own numbers in doubled precision at a theta of two words, is
right to nearly all digits. So the answer is as good as the data, whatever the rounding of H^-1. Two regimes supply
H^-1 = B B':

    Gram    Cholesky of the scaled Gram matrix H, where its smallest pivot shows that eps times its condition is small;
    SVD     QR of the scaled, weighted design and SVD of R, which see the design's condition, not its square, elsewhere.
            Here the start is the solution by Q'y, for B B' Z'Wy would be off by eps times the square of the condition.
            Singular values below 8 q eps times the largest count as 0: RANK_DEFICIENT, and the solution of least
            ||coef||.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.lanes import batching
from jaxnotes.core.linear import equations
from jaxnotes.core.linear.equations import Shares, Units
from jaxnotes.core.linear.intake import Equations
from jaxnotes.core.linear.refinement import Size, System, gram_is_safe, is_easy, refine, with_penalty
from jaxnotes.core.linear.verdict import Answer, conclude
from jaxnotes.core.matrix import factors, lapack, products, roots, scaling
from jaxnotes.core.matrix.scaling import Scaled
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values import tiles, trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Status
from jaxnotes.core.values.tiles import Tile


class Rows(NamedTuple):
    """The rows of a block: X (L, n, p) and y (L, n), 0 where they do not count; share (L, n); y in units,
    less its centre (L, n); the products with the scaled design; where a lane's rows are those of several tiles, these.
    """

    X: Array
    y: Array
    share: Array
    centred: Array
    multiply: products.Products
    tile: Tile | None


def solve_block(intercept: bool, thorough: bool, data: Equations) -> Answer:
    """Solve a block: every leaf of `data` has the lane axis first, of length 1 where shared; params are (L, q).

    Not thorough, the status is OPEN where the Gram matrix is not safe.
    """
    lanes = batching.count_lanes(data)
    data = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (lanes, *leaf.shape[1:])), data)
    shares = jax.vmap(equations.shares_of)(data)
    share, kept, even = shares.share, shares.share > 0, jax.vmap(Shares.evenly)(shares)
    count = _counts(data, shares)
    X, y = jnp.where(kept[..., None], data.X, 0), jnp.where(kept, data.y, 0)
    scale = jax.vmap(lambda *rows: scaling.scale_columns(*rows[:3], intercept=intercept, tile=rows[3]))
    columns, outcome = scale(X, even, kept, data.tile), scale(y[..., None], even, kept, data.tile)
    units = Units(columns.mean, columns.scale, outcome.mean[:, -1], outcome.scale[:, -1], shares.unit)
    data_status = _data_trouble(data, count, columns, outcome)
    hopeless = data_status != Status.CONVERGED
    rows = Rows(X, y, share, outcome.Z[:, -1], products.of(columns.Z, lanes, tile=data.tile), data.tile)
    system, first = _system(intercept, thorough, data, rows, columns.Z, units, hopeless)
    size = _size(rows, count, units, shares.total)

    def plain(theta: Double) -> tuple[Array, Array]:
        return _plain_descent(rows, theta.high, system.penalty)

    def doubled(theta: Double) -> tuple[Array, Array]:
        of_lane = jax.vmap(equations.descent, (0, 0, 0, 0, 0, None, 0))
        gradient, square = of_lane(theta, X, y, share, units, intercept, data.tile)
        return with_penalty(gradient, theta, system.penalty), square

    refined, steps = refine(system, first, size, hopeless, plain if thorough else None, doubled)
    return conclude(intercept, system, refined, steps, size, data_status, data.l2 == 0, thorough)


def _system(
    intercept: bool, thorough: bool, data: Equations, rows: Rows, Z: Array, units: Units, hopeless: Array
) -> tuple[System, Array]:
    """The normal equations, and where to start (L, q); hopeless lanes (L,) are spared the SVD."""
    penalty = jax.vmap(equations.penalty_of, (0, 0, None))(data, units, intercept)
    gram = rows.multiply.gram(rows.share[:, None, None])
    factor = factors.factor_spd(gram, penalty)
    safe = gram_is_safe(factor.smallest_pivot) | hopeless
    if thorough:
        root, theta = _where_unsafe(~safe, Z, jnp.nan_to_num(rows.share), penalty, rows.centred, data.tile)
    else:
        root, theta = jax.vmap(no_root)(penalty)
    q = penalty.shape[1]
    own = gram[:, [j * (j + 3) // 2 for j in range(q)]] if gram.ndim == 2 else jnp.diagonal(gram, axis1=1, axis2=2)
    easy = is_easy(factor.smallest_pivot, units) | hopeless
    return System(units, penalty, factor, safe, root, own, easy), theta


def _by_svd(Z: Array, share: Array, penalty: Array, y: Array) -> tuple[roots.Root, Array]:
    """A root of the inverse of one lane's H, and its solution."""
    design = roots.weighted_rows(Z.T, share, penalty)
    outcome = jnp.concatenate([jnp.sqrt(share) * y, jnp.zeros_like(penalty)])
    return roots.root_and_solution(design, outcome)


def _where_unsafe(
    unsafe: Array, Z: Array, share: Array, penalty: Array, y: Array, tile: Tile | None
) -> tuple[roots.Root, Array]:
    """`_by_svd` of the lanes that are unsafe, (L,), one after the other."""
    if tile is None:
        return jax.vmap(lapack.where_needed(_by_svd, _not_by_svd))(unsafe, Z, share, penalty, y)

    def of_lane(lane: Array) -> tuple[roots.Root, Array]:
        theirs = (tile.last == tile.last[lane])[:, None]
        rows = jnp.moveaxis(Z, 1, 0).reshape(Z.shape[1], -1), jnp.where(theirs, share, 0).reshape(-1)
        needed = unsafe[lane] & (tile.place[lane] == 0)
        return jax.lax.cond(needed, _by_svd, _not_by_svd, *rows, penalty[lane], y.reshape(-1))

    lanes = jnp.arange(len(unsafe))
    nothing = jax.vmap(no_root)(penalty)
    found = jax.lax.cond(jnp.any(unsafe), lambda: jax.lax.map(of_lane, lanes), lambda: nothing)
    return tiles.from_first(found, tile)


def _not_by_svd(Z: Array, share: Array, penalty: Array, y: Array) -> tuple[roots.Root, Array]:
    return no_root(penalty)


def no_root(penalty: Array) -> tuple[roots.Root, Array]:
    """What stands for the root and the solution where the Gram matrix is safe: 0."""
    nothing = jnp.zeros_like(penalty, shape=(len(penalty), len(penalty)))
    return roots.Root(nothing, nothing, jnp.asarray(len(penalty)), jnp.zeros_like(penalty[0])), jnp.zeros_like(penalty)


def _plain_descent(rows: Rows, theta: Array, penalty: Array) -> tuple[Array, Array]:
    """Minus the gradient at theta, (L, q), and the mean square residual, (L,), in working precision."""
    residual = rows.centred - rows.multiply.predict(theta)[:, 0]
    weighted = jnp.where(rows.share > 0, rows.share * residual, 0)
    square = products.row_sum(weighted, residual, rows.tile)
    return rows.multiply.score(weighted[:, None]) - penalty * theta, square


class _Counts(NamedTuple):
    """The sum of the weights of a lane; how many rows are present, count, or are not as they should be; each (L,)."""

    weights: Array
    present: Array
    counting: Array
    endless: Array
    negative: Array
    missing: Array


def _counts(data: Equations, shares: Shares) -> _Counts:
    share, present = shares.share, shares.present
    weights = jnp.broadcast_to(data.weights, share.shape)
    negative, missing = present & (data.precision < 0), present & ~jnp.isfinite(data.y)
    counts = weights, present, share > 0, ~jnp.isfinite(share), negative, missing
    return _Counts(*products.row_sums(*counts, tile=data.tile))


def _size(rows: Rows, count: _Counts, units: Units, total: Array) -> Size:
    weighted = rows.share * rows.centred
    centred = products.row_sum(weighted, rows.centred, rows.tile)
    concentrated = products.row_sum(weighted, weighted, rows.tile)
    all_of_y = centred + total * (units.centre / units.size) ** 2
    return Size(count.weights, count.present, all_of_y, centred, concentrated)


def _data_trouble(data: Equations, count: _Counts, columns: Scaled, outcome: Scaled) -> Array:
    """What the data alone say, (L,)."""
    none_counts = count.counting == 0
    finite = (count.endless == 0) & jnp.isfinite(data.l2)
    finite_rows = jnp.all(jnp.isfinite(columns.rms), axis=1) & jnp.isfinite(outcome.rms[:, -1]) & (count.missing == 0)
    return trouble.of_data(
        data.weights,
        invalid=(count.negative > 0) | (data.l2 < 0),
        not_finite=~finite | ~(finite_rows | none_counts),
        few=none_counts,
        tile=data.tile,
    )
