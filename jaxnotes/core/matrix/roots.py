"""Roots of the inverses of normal matrices, which tell standard errors without forming the inverse.

A problem alone goes to LAPACK: QR of its weighted design and SVD of R. Lanes of a vmap are served by arithmetic across
them, by the first of three ways that is safe:

    Cholesky      of the Gram matrix, where its pivots show that eps times its condition is small;
    Gram-Schmidt  on the rows, which sees the condition of the design and not its square;
    SVD           by LAPACK, of one lane after the other, where columns may depend on each other.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.matrix import factors, lapack, products, triangles
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.matrix.scaling import power_of_two
from jaxnotes.core.values import tiles
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import select_lanes
from jaxnotes.core.values.tiles import Tile, whole

# A root by Cholesky is off by some eps / EASY of itself at most.
EASY = 1e-2


class Root(NamedTuple):
    """A root of the inverse of a matrix H (q, q) of rank r that is semidefinite.

    root: (q, q), root root' = H^-1, or a generalized inverse where r < q. null: (q, q), a basis of the null space of H
    as rows, other rows 0. rank: (). inflation: (), max_j H_jj (H^-1)_jj, how much its neighbours inflate the variance
    of a parameter, where r = q.
    """

    root: Array
    null: Array
    rank: Array
    inflation: Array


@jax.custom_jvp
def root_of_inverse(design: Array, squares: Array, penalty: Array, tile: Tile | None = None) -> Root:
    """A root of the inverse of  H = design' diag(squares) design + diag(penalty),  for a design (rows, q).

    By way of R of A = QR, A'A = H, which sees the condition of A and not its square, as H would. Columns of A count in
    units of their lengths; see `negligible` for the rank. As H changes the root moves by  - root U,  with
    U + U' = root' dH root;  NaN where H is deficient.
    """
    return _root(design, squares, penalty, tile)


@root_of_inverse.defjvp
def _(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Root, Root]:
    inverse = root_of_inverse(*primals)
    rows = contract("ij,jk->ik", primals[0], inverse.root)
    return inverse, tangents_of_inverse(inverse, rows, primals[1], *tangents[:3])[0]


def tangents_of_inverse(
    inverse: Root, rows: Array, squares: Array, design_dot: Array, squares_dot: Array, penalty_dot: Array
) -> tuple[Root, Array]:
    """How the root moves with the design, of which rows = design root, and the rest; and root' dH root, (q, q)."""
    root = inverse.root
    half = contract("ij,ik->jk", rows, squares[:, None] * contract("ij,jk->ik", design_dot, root))
    change = half + half.T + contract("ij,ik->jk", rows, squares_dot[:, None] * rows)
    change = change + contract("ij,ik->jk", root, penalty_dot[:, None] * root)
    change = jnp.where(inverse.rank == len(root), change, jnp.nan)
    still: Any = np.zeros((), jax.dtypes.float0)
    moved, null = root_tangent(root, change), jnp.zeros_like(inverse.null)
    return Root(moved, null, still, jnp.zeros_like(inverse.inflation)), change


def root_tangent(root: Array, change: Array) -> Array:
    """How a root of A^-1 moves where change = root' dA root: one that was triangular (upper) stays so."""
    return -contract("ij,jk->ik", root, jnp.triu(change) - jnp.diag(jnp.diagonal(change)) / 2)


def negligible(columns: int, dtype: jnp.dtype) -> float:
    """The singular values, relative to the largest, that count as 0: 8 q eps, as the columns decide and not the rows.

    The rounding of a QR decomposition does not grow with the number of rows.
    """
    return 8 * columns * float(jnp.finfo(dtype).eps)


def weighted_rows(design: Array, squares: Array, penalty: Array) -> Array:
    """A (rows + q, q) with A'A = design' diag(squares) design + diag(penalty)."""
    return jnp.concatenate([jnp.sqrt(squares)[:, None] * design, jnp.diag(jnp.sqrt(penalty))])


def _by_svd(design: Array, squares: Array, penalty: Array, tile: Tile | None = None) -> Root:
    """The root of one problem."""
    return root_and_solution(weighted_rows(design, squares, penalty), jnp.zeros_like(squares, shape=(1,)))[0]


def _of_lanes(design: Array, squares: Array, penalty: Array, tile: Tile | None) -> Root:
    if penalty.shape[1] > lapack.MAX_ARITHMETIC:
        return _one_by_one(design, squares, penalty, tile, jnp.ones_like(penalty[:, 0], dtype=bool))
    quick, easy = _by_cholesky(design, squares, penalty, tile)

    def carefully() -> Root:
        return select_lanes(easy, quick, _by_gram_schmidt(design, squares, penalty, tile, easy))

    return jax.lax.cond(jnp.all(easy), lambda: quick, carefully)


_root = lapack.by_lanes(_by_svd, _of_lanes)


def _by_cholesky(design: Array, squares: Array, penalty: Array, tile: Tile | None) -> tuple[Root, Array]:
    """The roots, and where they are good, (L,); a lane without rows has root 0."""
    lanes, _, q = design.shape
    multiply = products.of(jnp.swapaxes(design, 1, 2), lanes, tile=tile)
    gram = multiply.gram(squares[:, None, None])
    factor = factors.factor_triangles(gram, penalty)
    root = factors.inverse_root(factor)
    diagonal = gram[:, [j * (j + 3) // 2 for j in range(q)]] + penalty
    inflation = jnp.max(diagonal * jnp.sum(root * root, axis=2), axis=1)
    empty = (products.row_max(squares, tile) == 0) & jnp.all(penalty == 0, axis=1)
    rank = jnp.sum(jnp.diagonal(root, axis1=1, axis2=2) > 0, axis=1)
    return Root(root, jnp.zeros_like(root), rank, inflation), (factor.smallest_pivot > EASY) | empty


def _by_gram_schmidt(design: Array, squares: Array, penalty: Array, tile: Tile | None, known: Array) -> Root:
    """The roots of the lanes that are not known yet, (L,); by SVD where that does not show full rank."""
    if tile is not None:  # the penalty counts once
        penalty = jnp.where((tile.place == 0)[:, None], penalty, 0)
    A = jax.vmap(weighted_rows)(design, squares, penalty)
    lengths = jax.vmap(_lengths)(A, tile)
    columns = jnp.transpose(A / lengths[:, None], (2, 0, 1))
    R = triangles.orthogonalize(columns, jnp.zeros_like(A[:, :, 0]), tile).R
    root = triangles.inverse(R)
    lengths_squared, inverse_squared = jnp.sum(R * R, axis=1), jnp.sum(root * root, axis=2)
    # |R| |R^-1| is above the condition of R.
    condition = jnp.sqrt(jnp.sum(lengths_squared, axis=1) * jnp.sum(inverse_squared, axis=1))
    independent = jnp.sum(jnp.diagonal(R, axis1=1, axis2=2) > 0, axis=1)
    sure = (independent == R.shape[1]) & (2 * negligible(R.shape[1], R.dtype) * condition < 1)
    hopeless = (independent == 0) | ~jnp.isfinite(condition)
    inflation = jnp.max(lengths_squared * inverse_squared, axis=1)
    found = Root(root / lengths[:, :, None], jnp.zeros_like(root), independent, inflation)
    needy = ~(known | sure | hopeless)

    def carefully() -> Root:
        return select_lanes(needy, _one_by_one(design, squares, penalty, tile, needy), found)

    return jax.lax.cond(jnp.any(needy), carefully, lambda: found)


def _one_by_one(design: Array, squares: Array, penalty: Array, tile: Tile | None, needy: Array) -> Root:
    """By LAPACK for one lane in need (L,) after the other; in tiles, once for each lane, for its first tile."""
    nothing = jnp.zeros_like(design, shape=penalty.shape[1:] * 2)
    no_root = Root(nothing, nothing, jnp.asarray(0), jnp.zeros_like(penalty[0, 0]))

    def of_lane(lane: Array) -> Root:
        if tile is None:
            return jax.lax.cond(
                needy[lane], lambda: _by_svd(design[lane], squares[lane], penalty[lane]), lambda: no_root
            )
        theirs = (tile.last == tile.last[lane])[:, None]
        rows = design.reshape(-1, design.shape[2]), jnp.where(theirs, squares, 0).reshape(-1)
        return jax.lax.cond(
            needy[lane] & (tile.place[lane] == 0), lambda: _by_svd(*rows, penalty[lane]), lambda: no_root
        )

    return tiles.from_first(jax.lax.map(of_lane, jnp.arange(len(needy))), tile)


def _lengths(A: Array, tile: Tile | None = None) -> Array:
    """The lengths of the columns of A (rows, q) to the next power of two, 1 for columns of 0."""
    largest = power_of_two(whole(jnp.max(jnp.abs(A), axis=0), tile, jnp.maximum))
    A = A / largest[None]
    return largest * power_of_two(jnp.sqrt(whole(contract("ij,ij->j", A, A), tile)))


def root_and_solution(A: Array, b: Array) -> tuple[Root, Array]:
    """What `root_of_inverse` gives, and the theta (q,) of least length among those of least ||A theta - b||.

    It comes from Q'b: by way of A'b its error would grow with the square of the condition. Lengths are those of theta
    in units of the columns. One problem: not for vmap. b of length 1 stands for 0.
    """
    q, lengths = A.shape[1], _lengths(A)
    rows = jnp.concatenate([A / lengths[None], jnp.broadcast_to(b, A.shape[:1])[:, None]], axis=1)
    R = jnp.linalg.qr(jnp.concatenate([rows, jnp.zeros_like(A, shape=(q, q + 1))]), mode="r")
    U, singular, Vt = jnp.linalg.svd(R[:q, :q], full_matrices=False)
    kept = singular > negligible(q, A.dtype) * singular[0]
    root = Vt.T * jnp.where(kept, 1 / jnp.where(kept, singular, 1), 0)[None]
    solution = contract("ij,j->i", root, contract("kj,k->j", U, R[:q, q]))
    null = jnp.where(kept[:, None], 0, Vt)
    inflation = jnp.max(jnp.sum(R[:q, :q] ** 2, axis=0) * jnp.sum(root * root, axis=1))
    return Root(root / lengths[:, None], null / lengths[None], jnp.sum(kept), inflation), solution / lengths
