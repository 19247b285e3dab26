"""Small positive definite systems, one per lane, lane axis first."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix import lapack
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array


class Factor(NamedTuple):
    """A Cholesky factor: A = D L L' D with D = diag(1 / scale).

    lower: rows of L up to the diagonal, entries (L,), or one array (L, q, q); the diagonal is inverted. scale: (L, q)
    or 1. smallest_pivot: (L,), the least squared pivot relative to its diagonal entry, an estimate of 1 / condition
    where A has a unit diagonal; 0 where a pivot was lost to rounding.
    """

    lower: list[list[Array]] | Array
    scale: Array
    smallest_pivot: Array


class Inverse(NamedTuple):
    """The same of one problem: A^-1 = D inverse D with D = diag(scale); inverse (q, q), scale (q,)."""

    inverse: Array
    scale: Array
    smallest_pivot: Array


def factor_spd(gram: Array, ridge: Array) -> Factor | Inverse:
    """What `solve` needs of gram + diag(ridge) for each lane; ridge (L, q), gram (L, q (q + 1) / 2) or (L, q, q).

    A pivot lost to rounding (at most 4 q eps of the diagonal) is dropped: its inverse is set to 0, so that `solve`
    leaves that coordinate alone instead of dividing by noise. A triangle is factored entry by entry, the fastest for
    many lanes with few columns; whole matrices column by column in a loop; a single one is inverted pivot by pivot,
    the soonest compiled, and `solve` is then one product.
    """
    if gram.ndim == 2:
        return factor_triangles(gram, ridge)
    floor = _floor(ridge)
    diagonal = jnp.diagonal(gram, axis1=1, axis2=2) + ridge
    scale = jnp.where(diagonal > 0, jax.lax.rsqrt(jnp.where(diagonal > 0, diagonal, 1)), 0)
    unit_diagonal = jnp.where(scale > 0, 1, 0)[:, :, None]
    eye = jnp.eye(ridge.shape[1], dtype=bool)[None]
    scaled = jnp.where(eye, unit_diagonal, gram * scale[:, :, None] * scale[:, None])
    if len(ridge) == 1:
        inverse, smallest = _invert(scaled[0], floor)
        return Inverse(inverse, scale[0], jnp.where(smallest > floor, smallest, 0)[None])
    lower, smallest = _factor_by_columns(scaled, floor)
    return Factor(lower, scale, jnp.where(smallest > floor, smallest, 0))


def solve(factor: Factor | Inverse, b: Array) -> Array:
    """x with A x = b for each lane, b (L, q); coordinates whose pivot was dropped come back as 0."""
    if isinstance(factor, Inverse):
        return contract("ij,lj->li", factor.inverse, b * factor.scale[None]) * factor.scale[None]
    if isinstance(factor.lower, list):
        return _solve_unrolled(factor.lower, b)
    return _solve_by_columns(factor.lower, b * factor.scale) * factor.scale


def _floor(ridge: Array) -> float:
    return 4 * ridge.shape[1] * float(jnp.finfo(ridge.dtype).eps)


def factor_triangles(gram: Array, ridge: Array) -> Factor:
    """`factor_spd` of triangles (L, q (q + 1) / 2), entry by entry, each a vector over lanes.

    3 to 14 times faster than one LAPACK call per lane.

    Nothing but the reciprocal roots of the pivots has more than one consumer outside its row: XLA would recompute it.
    """
    L: list[list[Array]] = []
    relative, floor = [], _floor(ridge)
    for i in range(ridge.shape[1]):
        row = [gram[:, i * (i + 1) // 2 + j] for j in range(i + 1)]
        L.append([])
        for j in range(i):
            L[i].append((row[j] - _inner(L[i], L[j])) * L[j][j])
        diagonal = row[i] + ridge[:, i]
        pivot = diagonal - _inner(L[i], L[i])
        L[i].append(jax.lax.rsqrt(jnp.where(pivot > floor * diagonal, pivot, jnp.inf)))
        relative.append(jnp.where(L[i][i] > 0, 1 / (L[i][i] ** 2 * diagonal), 0))
    return Factor(L, jnp.ones((1, 1), ridge.dtype), functools.reduce(jnp.minimum, relative))


def _inner(a: list[Array], b: list[Array]) -> Array | float:
    """sum_k a_k b_k over the entries that both have."""
    return sum((u * v for u, v in zip(a, b, strict=False)), start=0.0)


def _solve_unrolled(L: list[list[Array]], b: Array) -> Array:
    z: list[Array] = []
    for j in range(b.shape[1]):
        z.append((b[:, j] - _inner(L[j], z)) * L[j][j])
    for j in reversed(range(b.shape[1])):
        z[j] = (z[j] - _inner([row[j] for row in L[j + 1 :]], z[j + 1 :])) * L[j][j]
    return jnp.stack(z, axis=1)


def inverse_root(factor: Factor) -> Array:
    """The upper triangle U with U U' = A^-1 of each lane, (L, q, q), from a factor entry by entry.

    A dropped coordinate has 0 in its column.
    """
    L = list(factor.lower)
    nothing = jnp.zeros_like(L[0][0])
    columns = []
    for k in range(len(L)):
        column = [nothing] * len(L)
        column[k] = L[k][k]
        for j in reversed(range(k)):
            column[j] = -_inner([L[i][j] for i in range(j + 1, k + 1)], column[j + 1 : k + 1]) * L[j][j]
        columns.append(jnp.stack(column))
    return jnp.transpose(jnp.stack(columns, axis=1), (2, 0, 1))


def _invert(scaled: Array, floor: float) -> tuple[Array, Array]:
    """The inverse of a matrix (q, q) and its smallest pivot, by the sweeps of Gauss and Jordan, one in a loop.

    The pivots are those of Cholesky. A pivot that is dropped takes its row and column out of the matrix, and so out of
    the inverse.
    """
    places = jnp.arange(len(scaled))

    def sweep(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        A, smallest = carry
        here, pivot = places == j, A[j, j]
        inverse = jnp.where(pivot > floor, 1 / jnp.where(pivot > floor, pivot, 1), 0)
        # a_ik - a_ij a_jk / a_jj off row and column j, a_ij / a_jj in them, -1 / a_jj where they cross.
        row = jnp.where(here, -1, A[j])
        others = jnp.where(here[:, None] | here[None], 0, A)
        return others - (row * inverse)[:, None] * row[None], jnp.minimum(smallest, pivot)

    negative, smallest = jax.lax.fori_loop(0, len(scaled), sweep, (scaled, jnp.ones_like(scaled[0, 0])))
    return -negative, smallest


def _inverse_root(pivot: Array, floor: float) -> Array:
    return jnp.where(pivot > floor, jax.lax.rsqrt(jnp.where(pivot > floor, pivot, 1)), 0)


def _factor_by_columns(scaled: Array, floor: float) -> tuple[Array, Array]:
    """One column at a time in a loop, so that the program does not grow with q."""
    q = scaled.shape[1]
    rows = jnp.arange(q)[None]

    def column(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        L, smallest = carry
        rest = scaled[:, :, j] - contract("lik,lk->li", L, jnp.where(rows < j, L[:, j], 0))
        inverse = _inverse_root(rest[:, j], floor)[:, None]
        entries = jnp.where(rows > j, rest * inverse, jnp.where(rows == j, inverse, 0))
        return L.at[:, :, j].set(entries), jnp.minimum(smallest, rest[:, j])

    return jax.lax.fori_loop(0, q, column, (jnp.zeros_like(scaled), jnp.ones_like(scaled[:, 0, 0])))


def _solve_by_columns(L: Array, b: Array) -> Array:
    q = b.shape[1]
    rows = jnp.arange(q)[None]

    def forward(j: Array, z: Array) -> Array:
        inner = jnp.sum(jnp.where(rows < j, L[:, j] * z, 0), axis=1)
        return z.at[:, j].set((z[:, j] - inner) * L[:, j, j])

    def backward(k: Array, z: Array) -> Array:
        j = q - 1 - k
        inner = jnp.sum(jnp.where(rows > j, L[:, :, j] * z, 0), axis=1)
        return z.at[:, j].set((z[:, j] - inner) * L[:, j, j])

    return jax.lax.fori_loop(0, q, backward, jax.lax.fori_loop(0, q, forward, b))


@jax.custom_jvp
def cholesky(A: Array) -> Array:
    """L (q, q), lower triangular, with LL' = A; NaN unless A is positive definite.

    Along dA it moves by L Phi(L^-1 dA L^-T), with Phi the lower triangle, its diagonal halved.
    """
    return _cholesky(A)


@cholesky.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    L = cholesky(*primals)
    inverse = inverse_of_lower(L)
    change = contract("ij,jk->ik", inverse, contract("ij,kj->ik", tangents[0], inverse))
    return L, contract("ij,jk->ik", L, jnp.tril(change) - jnp.diag(jnp.diagonal(change)) / 2)


def _cholesky_of_lanes(A: Array) -> Array:
    """Column by column; after the first negative pivot all is NaN, as LAPACK has it."""
    q = A.shape[1]
    below = jnp.arange(q)

    def column(j: Array, L: Array) -> Array:
        rest = A[:, :, j] - contract("lik,lk->li", L, L[:, j])
        pivot = rest[:, j]
        root = jnp.where(pivot > 0, jax.lax.rsqrt(jnp.where(pivot > 0, pivot, 1)), jnp.nan)
        return L.at[:, :, j].set(jnp.where((below >= j)[None], rest * root[:, None], 0))

    L = jax.lax.fori_loop(0, q, column, jnp.zeros_like(A))
    definite = jnp.all(jnp.isfinite(L), axis=(1, 2), keepdims=True)
    return jnp.where(definite, L, jnp.nan)


_cholesky = lapack.by_lanes(jnp.linalg.cholesky, _cholesky_of_lanes)


def inverse_of_lower(L: Array) -> Array:
    """The inverse (q, q) of a lower triangle, row by row."""
    q = len(L)

    def row(j: Array, Z: Array) -> Array:
        # What is known of Z so far are its rows before j, the others are 0.
        entries = (jnp.arange(q) == j) - contract("k,kj->j", L[j], Z)
        return Z.at[j].set(entries / L[j, j])

    return jax.lax.fori_loop(0, q, row, jnp.zeros_like(L))


def root_of_spd_inverse(A: Array) -> Array:
    """A root (q, q), upper triangular, of the inverse of a symmetric A: root root' = A^-1.

    NaN unless A is positive definite beyond rounding.
    """
    diagonal = jnp.diagonal(A)
    scale = jnp.where(diagonal > 0, jax.lax.rsqrt(jnp.where(diagonal > 0, diagonal, 1)), jnp.nan)
    lower = cholesky(A * scale[:, None] * scale[None])
    definite = jnp.all(jnp.diagonal(lower) ** 2 > 4 * len(scale) * jnp.finfo(A.dtype).eps)
    return jnp.where(definite, scale[:, None] * inverse_of_lower(lower).T, jnp.nan)
