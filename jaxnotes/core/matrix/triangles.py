"""QR of many small least-squares problems at once, without a LAPACK call, vectorized over lanes.

With A = QR, of which only R and z = Q'b are kept, |A p - b|^2 = |R p - z|^2 + a rest that p does not change. Damping
appends rows to R, not to A. No scaling of the columns changes the result. Two ways lead to R:

    Cholesky      of A'A, where its pivots show that A is well conditioned: one pass over the rows;
    Gram-Schmidt  modified, elsewhere: the error of p grows with the condition of A and not with its square.

Many lanes have their columns written out one by one, which is fastest; a single problem has Gram-Schmidt in a loop over
the columns, a program that compiles soon and does not grow with them.

Source: Björck, BIT 7 (1967), 1-21; Björck, Numerical Methods for Least Squares Problems (1996), section 2.4.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import select_lanes
from jaxnotes.core.values.tiles import Tile, whole_block

# Up to here the products of all pairs of columns are formed; beyond, it is Gram-Schmidt that reads the rows less often.
MAX_PRODUCTS = 8
# Up to here the unknowns of a single problem are written out too: the program is hardly larger, and faster.
MAX_WRITTEN_OUT = 4
# Pivots of A'A above this many times sqrt(eps) leave more digits than an iteration needs that corrects itself.
EASY = 100.0


class Triangle(NamedTuple):
    """R (L, q, q), upper triangular, and z = Q'b (L, q).

    Where a column depends on those before it up to rounding, its row of R and its entry of z are 0.
    """

    R: Array
    z: Array


def floor(dtype: jnp.dtype) -> float:
    """The part of a column that must be left beyond the columns before it for it to count as independent."""
    return 100 * float(jnp.finfo(dtype).eps)


def orthogonalize(columns: Array, b: Array, tile: Tile | None = None) -> Triangle:
    """R and z of each lane's problem by Gram-Schmidt; columns (q, L, n) of A, b (L, n)."""
    if len(b) == 1:
        return _by_loop(jnp.concatenate([columns[:, 0], b]))
    return _from_rows(_gram_schmidt(jnp.concatenate([columns, b[None]]), rows_last=True, tile=tile))


def triangularize(columns: Array, b: Array) -> Triangle:
    """The same, by Cholesky where that will do in all lanes of the block."""
    if len(columns) > MAX_PRODUCTS or len(b) == 1:
        return orthogonalize(columns, b)
    rows, smallest_pivot = _cholesky([*columns, b])
    # What is not finite stays so either way.
    easy = (smallest_pivot > EASY * float(jnp.finfo(b.dtype).eps) ** 0.5) | ~jnp.isfinite(rows[0][0])

    quick = _from_rows(rows)
    return jax.lax.cond(jnp.all(easy), lambda: quick, lambda: select_lanes(easy, quick, orthogonalize(columns, b)))


def damp(triangle: Triangle, damping: Array) -> Triangle:
    """The triangle of  |R p - z|^2 + sum_j damping_j^2 p_j^2;  damping (L, q)."""
    L, q = damping.shape
    if L == 1:
        below = jnp.concatenate([jnp.diag(damping[0]), jnp.zeros_like(damping)])
        return _by_loop(jnp.concatenate([jnp.concatenate([triangle.R[0].T, triangle.z]), below], axis=1))
    # From here on the lanes are the last axis, where arithmetic on small matrices runs across them.
    top = jnp.transpose(triangle.R, (2, 1, 0))
    below = jnp.eye(q, dtype=damping.dtype)[:, :, None] * damping.T[:, None]
    right = jnp.concatenate([triangle.z.T, jnp.zeros((q, L), damping.dtype)])
    rows = _gram_schmidt(jnp.concatenate([jnp.concatenate([top, below], axis=1), right[None]]), rows_last=False)
    return _from_rows(rows)


def solve(R: Array, z: Array) -> Array:
    """p (L, q) with R p = z; 0 where a row of R is."""
    if len(z) == 1 and R.shape[1] > MAX_WRITTEN_OUT:
        return _solve_by_loop(R, z, range(R.shape[1])[::-1])
    R, z = jnp.transpose(R, (1, 2, 0)), z.T
    p: list[Array] = []
    for j in reversed(range(len(z))):
        p.insert(0, z[j] * _inverse(R[j, j]))
        z = z - R[:, j] * p[0][None]
    return jnp.stack(p, axis=1)


def solve_transposed(R: Array, g: Array) -> Array:
    """z (L, q) with R'z = g; 0 where a row of R is."""
    if len(g) == 1 and R.shape[1] > MAX_WRITTEN_OUT:
        return _solve_by_loop(jnp.swapaxes(R, 1, 2), g, range(R.shape[1]))
    R, g = jnp.transpose(R, (1, 2, 0)), g.T
    z = []
    for j in range(len(g)):
        z.append(g[j] * _inverse(R[j, j]))
        g = g - R[j] * z[j][None]
    return jnp.stack(z, axis=1)


def _solve_by_loop(T: Array, b: Array, order: range) -> Array:
    """x (1, q) with T x = b for a triangle T of one problem, its unknowns found in this order."""
    places = jnp.arange(len(order))

    def unknown(k: Array, x: Array) -> Array:
        j = order.start + order.step * k
        found = x[:, j] * _inverse(T[:, j, j])
        return jnp.where((places == j)[None], found[:, None], x - T[:, :, j] * found[:, None])

    return jax.lax.fori_loop(0, len(order), unknown, b)


def inverse(R: Array) -> Array:
    """R^-1 (L, q, q); columns of 0 where a row of R is."""
    unit = jnp.broadcast_to(jnp.eye(R.shape[1], dtype=R.dtype)[:, None], (R.shape[1], *R.shape[:2]))
    return jax.vmap(solve, (None, 0), 2)(R, unit)


def independence(R: Array) -> Array:
    """How much of each column is left beyond those before it, as a part of the column, (L, q); 0 for a column of 0."""
    diagonal = jnp.diagonal(R, axis1=1, axis2=2)
    return diagonal * _inverse(column_norms(R))


def column_norms(R: Array) -> Array:
    """The lengths of the columns of A, (L, q)."""
    return jnp.sqrt(jnp.sum(R * R, axis=1))


def _cholesky(columns: list[Array]) -> tuple[list[Array], Array]:
    """Rows of [R z] as `_gram_schmidt` has them, and the smallest pivot relative to its diagonal entry, (L,)."""
    rows: list[Array] = []
    relative = []
    for j, column in enumerate(columns[:-1]):
        dots = jnp.stack([jnp.sum(column * other, axis=1) for other in columns[j:]])
        pivots = dots - sum((row[j - i][None] * row[j - i :] for i, row in enumerate(rows)), start=jnp.zeros_like(dots))
        rows.append(pivots * jax.lax.rsqrt(jnp.where(pivots[:1] > 0, pivots[:1], jnp.inf)))
        relative.append(pivots[0] / dots[0])
    return rows, jnp.min(jnp.stack(relative), axis=0)


def _gram_schmidt(columns: Array, rows_last: bool, tile: Tile | None = None) -> list[Array]:
    """Rows of [R z], the j-th of shape (q + 1 - j, L); columns of [A b]: (q + 1, L, n), or (q + 1, n, L)."""
    least = floor(columns.dtype) ** 2
    ones = jnp.ones_like(columns, shape=columns.shape[2:])
    rows: list[Array] = []
    for j in range(len(columns) - 1):
        products = columns[:1] * columns
        dots = contract("kln,n->kl", products, ones) if rows_last else jnp.sum(products, axis=1)
        dots = whole_block(dots.T, tile).T
        before = sum((row[j - i] ** 2 for i, row in enumerate(rows)), start=jnp.zeros_like(dots[0]))
        inverse = jnp.where(dots[0] > least * (dots[0] + before), jnp.reciprocal(dots[0]), 0)
        rows.append(dots * jnp.sqrt(inverse)[None])
        share = dots[1:] * inverse[None]
        columns = columns[1:] - jnp.expand_dims(share, 2 if rows_last else 1) * columns[:1]
    return rows


def _by_loop(columns: Array) -> Triangle:
    """What `_gram_schmidt` gives, for one problem: columns (q + 1, n) of [A b]."""
    least = floor(columns.dtype) ** 2
    q = len(columns) - 1
    places = jnp.arange(q + 1)

    def column(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        columns, rows = carry
        pivot = columns[j]
        dots = jnp.where(places >= j, contract("kn,n->k", columns, pivot), 0)
        left, before = dots[j], jnp.sum(rows[:, j] ** 2)
        inverse = jnp.where(left > least * (left + before), jnp.reciprocal(left), 0)
        share = jnp.where(places > j, dots * inverse, 0)
        # A choice, not an assignment, which in a loop takes XLA several programs.
        rows = jnp.where((places[:-1] == j)[:, None], (dots * jnp.sqrt(inverse))[None], rows)
        return columns - share[:, None] * pivot[None], rows

    _, rows = jax.lax.fori_loop(0, q, column, (columns, jnp.zeros_like(columns, shape=(q, q + 1))))
    return Triangle(rows[None, :, :q], rows[None, :, q])


def _from_rows(rows: list[Array]) -> Triangle:
    q = len(rows)
    full = jnp.stack([jnp.pad(row, ((j, 0), (0, 0))) for j, row in enumerate(rows)])
    full = jnp.transpose(full, (2, 0, 1))
    return Triangle(full[:, :, :q], full[:, :, q])


def _inverse(x: Array) -> Array:
    return jnp.where(x > 0, 1 / jnp.where(x > 0, x, 1), 0)
