"""A root of the inverse of  H = A' diag(w) A + diag(P),  and the rows of A in its coordinates, however near A's columns
are to each other.

A root from the triangle of A in working precision, call it T, is off by eps times the condition of A. Where that is
too much, A T, whose columns are nearly orthonormal, is computed from two words of A in two words. With R the triangle
of that, T R^-1 is right to nearly all digits, and so are the rows A T R^-1.

Source: Rump, Japan Journal of Industrial and Applied Mathematics 26 (2009), 249-277, for the inverse as preconditioner.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix import factors, lapack, triangles
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.special.double_word import Double, product
from jaxnotes.core.values.arrays import Array

# How far rounding may put a standard error off before the root is made anew, by `factors.negligible` as its unit.
ENOUGH = 0.01


class Whitened(NamedTuple):
    """The root of H^-1, and  rows = A root,  (n, q)."""

    inverse: factors.Root
    rows: Array


@jax.custom_jvp
def whiten(design: Double, squares: Array, penalty: Array) -> Whitened:
    """The root for a design A of two words (n, q), weights w = squares (n,) and a penalty P (q,)."""
    inverse = factors.root_of_inverse(design.high, squares, penalty)
    root = inverse.root
    # H_jj (H^-1)_jj is how much the other columns inflate the variance of one.
    inflation = contract("ij,ij->j", squares[:, None] * design.high, design.high) + penalty
    inflation = inflation * jnp.sum(root * root, axis=1)
    off = factors.negligible(len(root), root.dtype) * jnp.sqrt(jnp.max(inflation))
    again = (inverse.rank == len(root)) & (off > ENOUGH)
    root, rows = lapack.where_needed(_made_anew, _as_it_is)(again, design, squares, penalty, root)
    return Whitened(inverse._replace(root=root), rows)


@whiten.defjvp
def _(primals: tuple, tangents: tuple) -> tuple[Whitened, Whitened]:
    found, design_dot = whiten(*primals), tangents[0].high + tangents[0].low
    root, rows = found
    still, change = factors.tangents_of_inverse(root, rows, primals[1], design_dot, *tangents[1:])
    rows_dot = contract("ij,jk->ik", design_dot, root.root) + factors.root_tangent(rows, change)
    return found, Whitened(still, rows_dot)


def _as_it_is(design: Double, squares: Array, penalty: Array, root: Array) -> tuple[Array, Array]:
    return root, contract("ij,jk->ik", design.high, root)


def _made_anew(design: Double, squares: Array, penalty: Array, root: Array) -> tuple[Array, Array]:
    def add(total: Double, column: tuple[Array, Array, Array]) -> tuple[Double, None]:
        (high, low), row = (word[:, None] for word in column[:2]), column[2][None]
        most, rest = product(high, row)
        return total + Double(most, rest + low * row), None

    nothing = Double.of(jnp.zeros_like(design.high))
    rows = jax.lax.scan(add, nothing, (design.high.T, design.low.T, root))[0].high
    below = jnp.sqrt(penalty)[:, None] * root
    columns = jnp.concatenate([jnp.sqrt(squares)[:, None] * rows, below]).T
    R = triangles.orthogonalize(columns[:, None], jnp.zeros_like(columns[:1])).R
    inverse = triangles.inverse(R)[0]
    return contract("ij,jk->ik", root, inverse), contract("ij,jk->ik", rows, inverse)
