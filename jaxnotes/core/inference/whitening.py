"""A root of the inverse of  H = A' diag(w) A + diag(P),  and the rows of A in its coordinates, however near A's columns
are to each other.

A root from the triangle of A in working precision, call it T, is off by eps times the condition of A. Where that is
too much, A T, whose columns are nearly orthonormal, is computed from two words of A in two words. With R the triangle
of that, T R^-1 is right to nearly all digits, and so are the rows A T R^-1.

Source: Rump, Japan Journal of Industrial and Applied Mathematics 26 (2009), 249-277, for the inverse as preconditioner.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix import lapack, roots, triangles
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.special.double_word import Double, product
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import select_lanes
from jaxnotes.core.values.tiles import Tile, whole

# How far rounding may put a standard error off before the root is made anew, by `roots.negligible` as its unit.
ENOUGH = 0.01
# Where a penalty leaves less than this of a direction to the data, what it leaves is no difference.
LITTLE = 0.01


class Whitened(NamedTuple):
    """The root U of H^-1; what the data have of U'HU = I, U' A' diag(w) A U, (q, q); and the rows A U, (n, q)."""

    inverse: roots.Root
    explained: Array
    rows: Array


@jax.custom_jvp
def whiten(design: Double, squares: Array, penalty: Array, tile: Tile | None = None) -> Whitened:
    """The root for a design A of two words (n, q), weights w = squares (n,) and a penalty P (q,)."""
    inverse = roots.root_of_inverse(design.high, squares, penalty, tile)
    off = roots.negligible(len(penalty), penalty.dtype) * jnp.sqrt(inverse.inflation)
    again = (inverse.rank == len(penalty)) & (off > ENOUGH)
    turn = _turn(again, design, squares, penalty, inverse.root, tile)
    root = contract("ij,jk->ik", inverse.root, turn)
    pull = contract("ji,jk->ik", root, penalty[:, None] * root)
    rest = jnp.eye(len(penalty), dtype=penalty.dtype) - pull
    drowned = jnp.max(jnp.diagonal(pull)) > 1 - LITTLE
    explained = _explained(drowned, design.high, squares, root, rest, tile)
    rows = contract("ij,jk->ik", _turned(again, design, inverse.root), turn)
    return Whitened(inverse._replace(root=root), explained, rows)


@whiten.defjvp
def _(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Whitened, Whitened]:
    found, design_dot = whiten(*primals), tangents[0].high + tangents[0].low
    root, rows = found.inverse, found.rows
    still, change = roots.tangents_of_inverse(root, rows, primals[1], design_dot, *tangents[1:3])
    rows_dot = contract("ij,jk->ik", design_dot, root.root) + roots.root_tangent(rows, change)
    # U'PU moves by U'dP U and with the root.
    pull_dot = contract("ij,ik->jk", root.root, tangents[2][:, None] * root.root)
    moved = contract("ij,ik->jk", still.root, primals[2][:, None] * root.root)
    return found, Whitened(still, -(pull_dot + moved + moved.T), rows_dot)


def _plain(design: Double, root: Array) -> Array:
    return contract("ij,jk->ik", design.high, root)


def _in_two_words(design: Double, root: Array) -> Array:
    def add(total: Double, column: tuple[Array, Array, Array]) -> tuple[Double, None]:
        (high, low), row = (word[:, None] for word in column[:2]), column[2][None]
        most, rest = product(high, row)
        return total + Double(most, rest + low * row), None

    nothing = Double.of(jnp.zeros_like(design.high))
    return jax.lax.scan(add, nothing, (design.high.T, design.low.T, root))[0].high


_turned = lapack.where_any(_in_two_words, _plain)


def _turns(again: Array, design: Double, squares: Array, penalty: Array, root: Array, tile: Tile | None) -> Array:
    """R^-1 of each lane that is made anew, else I, (L, q, q)."""
    lanes, q = penalty.shape
    same = jnp.broadcast_to(jnp.eye(q, dtype=penalty.dtype), (lanes, q, q))

    def anew() -> Array:
        rows = jnp.sqrt(squares)[:, :, None] * jax.vmap(_in_two_words)(design, root)
        below = jnp.sqrt(penalty)[:, :, None] * root
        if tile is not None:  # the penalty counts once
            below = jnp.where((tile.place == 0)[:, None, None], below, 0)
        columns = jnp.moveaxis(jnp.concatenate([rows, below], axis=1), 2, 0)
        R = triangles.orthogonalize(columns, jnp.zeros_like(columns[0]), tile).R
        return select_lanes(again, triangles.inverse(R), same)

    return jax.lax.cond(jnp.any(again), anew, lambda: same)


def _turn_alone(*problem: Any) -> Array:
    return _turns(*jax.tree.map(lambda leaf: leaf[None], problem))[0]


_turn = lapack.by_lanes(_turn_alone, _turns)


def _by_rows(design: Array, squares: Array, root: Array, rest: Array, tile: Tile | None) -> Array:
    rows = contract("ij,jk->ik", design, root)
    return whole(contract("ij,ik->jk", squares[:, None] * rows, rows), tile)


_explained = lapack.where_any(_by_rows, lambda design, squares, root, rest, tile: rest)
