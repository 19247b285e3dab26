"""Matrix decompositions under `jax.vmap`: LAPACK for one matrix at a time, arithmetic over lanes for many small ones.

A batched call of LAPACK shares its lanes out over the threads of the process and waits for them. Two such calls in
one program, on a machine of two cores, hold all threads and wait for one another for ever. So no program here has
one: alone a problem goes to LAPACK; the lanes of a vmap go to arithmetic that runs across them, or to LAPACK one after
the other.

Source of the cyclic sweeps: Golub and Van Loan, Matrix Computations (2013), section 8.5.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import select_lanes

# Up to here arithmetic over lanes is as fast as LAPACK lane by lane.
MAX_ARITHMETIC = 16
MAX_SWEEPS = 15


def by_lanes(one: Callable[..., Any], many: Callable[..., Any]) -> Callable[..., Any]:
    """one(*args), of which `jax.vmap`, however nested, is many(*args), two lanes or more, first in each array."""

    @custom_vmap
    def all_lanes(*args: Any) -> Any:
        return many(*args)

    @all_lanes.def_vmap
    def _(size: int, batched: list[Any], *args: Any) -> tuple[Any, Any]:
        merged = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), _with_lanes(size, batched, args))
        out = jax.tree.map(lambda leaf: leaf.reshape(size, -1, *leaf.shape[1:]), all_lanes(*merged))
        return out, jax.tree.map(lambda _: True, out)

    @custom_vmap
    def alone(*args: Any) -> Any:
        return one(*args)

    @alone.def_vmap
    def _(size: int, batched: list[Any], *args: Any) -> tuple[Any, Any]:
        if size == 1:
            single = jax.tree.map(lambda own, leaf: leaf[0] if own else leaf, list(batched), list(args))
            out = jax.tree.map(lambda leaf: leaf[None], alone(*single))
        else:
            out = all_lanes(*_with_lanes(size, batched, args))
        return out, jax.tree.map(lambda _: True, out)

    return alone


def _with_lanes(size: int, batched: list[Any], args: tuple[Any, ...]) -> list[Any]:
    """The same arguments, those without a lane axis repeated for every lane."""
    return jax.tree.map(
        lambda own, leaf: leaf if own else jnp.broadcast_to(leaf[None], (size, *leaf.shape)), list(batched), list(args)
    )


def where_needed(function: Callable[..., Any], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """(needed, *arrays) -> function(*arrays) if needed, else otherwise(*arrays); both give arrays of the same shapes.

    Under vmap the lanes in need take their turns, one after the other, and the rest costs what `otherwise` does.
    """

    def one(needed: Array, *args: Any) -> Any:
        return jax.lax.cond(needed, function, otherwise, *args)

    def many(needed: Array, *args: Any) -> Any:
        return jax.lax.cond(
            jnp.any(needed),
            lambda: jax.lax.map(lambda lane: one(*lane), (needed, *args)),
            lambda: jax.vmap(otherwise)(*args),
        )

    return by_lanes(one, many)


def where_any(function: Callable[..., Any], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """The same, where function is arithmetic: under vmap all lanes of a block run it if one of them is in need."""

    def one(needed: Array, *args: Any) -> Any:
        return jax.lax.cond(needed, function, otherwise, *args)

    def many(needed: Array, *args: Any) -> Any:
        usual = jax.vmap(otherwise)(*args)
        return jax.lax.cond(
            jnp.any(needed), lambda: select_lanes(needed, jax.vmap(function)(*args), usual), lambda: usual
        )

    return by_lanes(one, many)


@jax.custom_jvp
def eigh(A: Array) -> tuple[Array, Array]:
    """The eigenvalues (q,) of a symmetric A (q, q), ascending, and its eigenvectors, the columns of V (q, q).

    Along dA:  d lambda_j = v_j' dA v_j,    dV = V F,    F_ij = v_i' dA v_j / (lambda_j - lambda_i),  0 for i = j.
    """
    return _eigh(A)


@eigh.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    values, V = eigh(*primals)
    turned = contract("ji,jk->ik", V, contract("ij,jk->ik", tangents[0], V))
    eye = jnp.eye(len(values), dtype=bool)
    gaps = jnp.where(eye, 1, values[None] - values[:, None])
    return (values, V), (jnp.diagonal(turned), contract("ij,jk->ik", V, jnp.where(eye, 0, turned / gaps)))


def _eigh_lapack(A: Array) -> tuple[Array, Array]:
    values, V = jnp.linalg.eigh(A)
    return values, V


def _eigh_of_lanes(A: Array) -> tuple[Array, Array]:
    if A.shape[1] > MAX_ARITHMETIC:
        return jax.lax.map(_eigh_lapack, A)
    return _jacobi(A)


_eigh = by_lanes(_eigh_lapack, _eigh_of_lanes)


class _Sweep(NamedTuple):
    """S and the rows of V' (q, q, L), lanes last, in an order in which row k is turned against row k + q / 2."""

    S: Array
    rows: Array
    count: Array


def _jacobi(A: Array) -> tuple[Array, Array]:
    """Jacobi's method, lanes on the last axis: sweeps over all pairs of coordinates, q / 2 pairs at a time.

    An entry that is rounding beside the largest is left alone, so that the neighbours' sweeps change no bit of a lane
    that has converged.
    """
    q = A.shape[1]
    odd = q % 2
    S = jnp.pad(jnp.transpose((A + jnp.swapaxes(A, 1, 2)) / 2, (1, 2, 0)), ((0, odd), (0, odd), (0, 0)))
    size = q + odd
    negligible = float(jnp.finfo(A.dtype).eps) / 4 * jnp.max(jnp.abs(S), axis=(0, 1))
    off_diagonal = ~jnp.eye(size, dtype=bool)[:, :, None]

    def unfinished(state: _Sweep) -> Array:
        return jnp.any((jnp.abs(state.S) > negligible[None, None]) & off_diagonal) & (state.count < MAX_SWEEPS)

    def sweep(state: _Sweep) -> _Sweep:
        S, rows = jax.lax.fori_loop(
            0, size - 1, lambda _, pair: _turn(pair[0], pair[1], negligible), (state.S, state.rows)
        )
        return _Sweep(S, rows, state.count + 1)

    eye = jnp.broadcast_to(jnp.eye(size, dtype=A.dtype)[:, :, None], S.shape)
    state = jax.lax.while_loop(unfinished, sweep, _Sweep(S, eye, jnp.zeros((), jnp.int32)))
    values = jnp.diagonal(state.S[:q, :q])
    order = jnp.argsort(values, axis=1)
    V = jnp.transpose(state.rows[:q, :q], (2, 1, 0))
    return jnp.take_along_axis(values, order, axis=1), jnp.take_along_axis(V, order[:, None], axis=2)


def _turn(S: Array, rows: Array, negligible: Array) -> tuple[Array, Array]:
    """Turn each pair of coordinates so that its entry of S becomes 0, and make the pairs of the next round."""
    half = len(S) // 2
    k = jnp.arange(half)
    first, second, joint = S[k, k], S[k + half, k + half], S[k, k + half]
    turning = jnp.abs(joint) > negligible[None]
    tau = (second - first) / jnp.where(turning, 2 * joint, 1)
    tangent = jnp.where(tau >= 0, 1, -1) / (jnp.abs(tau) + jnp.sqrt(1 + tau * tau))
    cosine = jnp.where(turning, jax.lax.rsqrt(1 + tangent * tangent), 1)
    sine = jnp.where(turning, tangent * cosine, 0)

    def turned(M: Array) -> Array:
        upper, lower, c, s = M[:half], M[half:], cosine[:, None], sine[:, None]
        return jnp.concatenate([c * upper - s * lower, s * upper + c * lower])

    S = turned(jnp.swapaxes(turned(S), 0, 1))
    entry = jnp.where(turning, 0, S[k, k + half])
    S = S.at[k, k + half].set(entry).at[k + half, k].set(entry)
    return _next_pairs(jnp.swapaxes(_next_pairs(S), 0, 1)), _next_pairs(turned(rows))


def _next_pairs(M: Array) -> Array:
    """Rows in the order of the next round of a tournament: the first stays, the others move on by one place."""
    half = len(M) // 2
    if half == 1:
        return M
    return jnp.concatenate([M[:1], M[half : half + 1], M[1 : half - 1], M[half + 1 :], M[half - 1 : half]])
