"""Small positive definite systems, one per lane (lane axis first), and inverse roots of normal matrices."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.arrays import Array
from jaxnotes.core.products import contract


class Factor(NamedTuple):
    """A Cholesky factor: A = D L L' D with D = diag(1 / scale).

    lower: rows of L up to the diagonal, entries (L,), or one array (L, q, q); the diagonal is inverted. scale: (L, q)
    or 1. smallest_pivot: (L,), the least squared pivot relative to its diagonal entry, an estimate of 1 / condition
    where A has a unit diagonal; 0 where a pivot was lost to rounding.
    """

    lower: list[list[Array]] | Array
    scale: Array
    smallest_pivot: Array


def factor_spd(gram: Array, ridge: Array) -> Factor:
    """Cholesky factor of gram + diag(ridge) for each lane; ridge (L, q), gram (L, q (q + 1) / 2) or (L, q, q).

    A pivot lost to rounding (at most 4 q eps of the diagonal) is dropped: its inverse is set to 0, so that `solve`
    leaves that coordinate alone instead of dividing by noise.
    """
    floor = 4 * ridge.shape[1] * float(jnp.finfo(ridge.dtype).eps)
    if gram.ndim == 2:
        return _factor_unrolled(gram, ridge, floor)
    diagonal = jnp.diagonal(gram, axis1=1, axis2=2) + ridge
    scale = jnp.where(diagonal > 0, jax.lax.rsqrt(jnp.where(diagonal > 0, diagonal, 1)), 0)
    lower, smallest = _factor_by_columns(gram, scale, floor)
    return Factor(lower, scale, jnp.where(smallest > floor, smallest, 0))


def solve(factor: Factor, b: Array) -> Array:
    """x with A x = b for each lane, b (L, q); coordinates whose pivot was dropped come back as 0."""
    if isinstance(factor.lower, list):
        return _solve_unrolled(factor.lower, b)
    return _solve_by_columns(factor.lower, b * factor.scale) * factor.scale


def _factor_unrolled(gram: Array, ridge: Array, floor: float) -> Factor:
    """Entry by entry, each a vector over lanes: 3 to 14 times faster than one LAPACK call per lane.

    Nothing but the reciprocal roots of the pivots has more than one consumer outside its row: XLA would recompute it.
    """
    L: list[list[Array]] = []
    relative = []
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


def _inverse_root(pivot: Array, floor: float) -> Array:
    return jnp.where(pivot > floor, jax.lax.rsqrt(jnp.where(pivot > floor, pivot, 1)), 0)


def _factor_by_columns(gram: Array, scale: Array, floor: float) -> tuple[Array, Array]:
    """One column at a time in a loop, so that the program does not grow with q."""
    q = scale.shape[1]
    rows = jnp.arange(q)[None]
    unit_diagonal = jnp.where(scale > 0, 1, 0)[:, :, None]
    scaled = jnp.where(jnp.eye(q, dtype=bool)[None], unit_diagonal, gram * scale[:, :, None] * scale[:, None])

    def column(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        L, smallest = carry
        rest = scaled[:, :, j] - contract("lik,lk->li", L, jnp.where(rows < j, L[:, j], 0))
        inverse = _inverse_root(rest[:, j], floor)[:, None]
        entries = jnp.where(rows > j, rest * inverse, jnp.where(rows == j, inverse, 0))
        return L.at[:, :, j].set(entries), jnp.minimum(smallest, rest[:, j])

    return jax.lax.fori_loop(0, q, column, (jnp.zeros_like(scaled), jnp.ones_like(scale[:, 0])))


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


class Root(NamedTuple):
    """An inverse root of A'A for a design A (n, q) of rank r.

    root: (q, q), root root' = (A'A)^+. null: (q, q), a basis of the null space of A as rows, other rows 0. rank: ().

    """

    root: Array
    null: Array
    rank: Array


def inverse_root(A: Array, n: int) -> Root:
    """Inverse root by QR and SVD, which see the condition of A and not its square, as A'A would.

    Singular values of at most max(n, q) eps times the largest count as 0; n is the number of rows A stands for.

    """
    return root_and_solution(A, jnp.zeros_like(A[:, 0]), n)[0]


def root_and_solution(A: Array, b: Array, n: int) -> tuple[Root, Array]:
    """What `inverse_root` gives, and the theta (q,) of least length among those of least ||A theta - b||.

    It comes from Q'b: by way of A'b its error would grow with the square of the condition.
    """
    q = A.shape[1]
    rows = jnp.concatenate([A, b[:, None]], axis=1)
    R = jnp.linalg.qr(jnp.concatenate([rows, jnp.zeros_like(A, shape=(q, q + 1))]), mode="r")
    U, singular, Vt = jnp.linalg.svd(R[:q, :q], full_matrices=False)
    kept = singular > max(n, q) * jnp.finfo(singular.dtype).eps * singular[0]
    root = Vt.T * jnp.where(kept, 1 / jnp.where(kept, singular, 1), 0)[None]
    solution = contract("ij,j->i", root, contract("kj,k->j", U, R[:q, q]))
    return Root(root, jnp.where(kept[:, None], 0, Vt), jnp.sum(kept)), solution
