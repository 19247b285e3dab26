"""The pass: what the products of a block of candidates with the null model say, candidate by candidate.

With g off an origin of its own, and the null model's weights W, basis Q and residual r, where candidates are whole

    slope = g'Wr / (g'Wg - |Q'Wg|^2),

and where entries are missing Q'WQ, Q'Wr and r'Wr are sums over the rows present too, products of what is present with
the pairs of columns.
"""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array
from jaxnotes.screen.feed import block_width
from jaxnotes.screen.null import Null

# Rows that a candidate's origin is the mean of.
SAMPLE = 64
# Products suffice where this share of a sum of squares is left; so many digits, two, are lost at most.
EASY = 1e-2


class Answers(NamedTuple):
    """Of each candidate: the coefficient (b, m), the norm of the projected candidate (b,), the mean square of the
    residual that it leaves (b, m), all in units of the null model's; rows present and their frequencies, (b,).
    """

    slope: np.ndarray
    norm: np.ndarray
    rest: np.ndarray
    present: np.ndarray
    count: np.ndarray


class Constants(NamedTuple):
    """The null model on the device: which rows are present, (n,), a sample (s,) of them for the origin, weights (n,) of
    sum 1, and factors (n, k + m), the weights times basis and residual.
    """

    present: Array
    sample: Array
    weights: Array
    factors: Array


def constants(null: Null, dtype: np.dtype) -> Constants:
    """What every block is multiplied with."""
    there = np.flatnonzero(null.counts)
    sample = there[:: max(1, len(there) // SAMPLE)][:SAMPLE] if len(there) else np.zeros(1, int)
    share = null.weights / null.total
    factors = share[:, None] * np.concatenate([null.basis, null.residual], axis=1)
    present = jnp.asarray(null.counts > 0)
    return Constants(present, jnp.asarray(sample, np.int32), jnp.asarray(share, dtype), jnp.asarray(factors, dtype))


def is_turned(columns: np.ndarray) -> bool:
    """Whether the rows of an array (n, b), not its columns, are what lies side by side in memory."""
    return abs(columns.strides[0]) < abs(columns.strides[1])


def blocks(columns: np.ndarray, dtype: np.dtype) -> Iterator[np.ndarray]:
    """Columns (n, b) by blocks of one shape, filled up with 0: (n, w), or (w, n) where they are turned in memory."""
    if columns.dtype.itemsize == 8:
        columns = columns.astype(dtype)
    turned, b = is_turned(columns), columns.shape[1]
    width = min(block_width(len(columns)), 1 << max(3, (b - 1).bit_length()))
    for start in range(0, b, width):
        block = columns[:, start : start + width]
        short = width - block.shape[1]
        block = np.pad(block, ((0, 0), (0, short))) if short else block
        yield np.ascontiguousarray(block.T) if turned else block


def products(columns: np.ndarray, fixed: Constants) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of columns (n, b), in float64: products with the factors (b, k + m), sums of squares and missing entries."""
    b, turned = columns.shape[1], is_turned(columns)
    if b == 0:
        return np.zeros((0, fixed.factors.shape[1])), np.zeros(0), np.zeros(0)
    dtype = np.dtype(fixed.weights.dtype)
    found = [_products(jnp.asarray(block), fixed, turned) for block in blocks(columns, dtype)]
    cross, squares, missing = zip(*found, strict=True)
    return (
        np.concatenate([part if turned else np.asarray(part).T for part in cross])[:b].astype(np.float64),
        np.concatenate(squares)[:b].astype(np.float64),
        np.concatenate(missing)[:b],
    )


@functools.partial(jax.jit, static_argnums=2)
def _products(block: Array, fixed: Constants, turned: bool) -> tuple[Array, Array, Array]:
    """The products come as the block lies, (w, k + m) or (k + m, w): put otherwise they take half as long again."""
    lanes = "bn" if turned else "nb"
    shifted, absent = off_origin(block, fixed, turned)
    cross = contract(f"{lanes},nk->{'bk' if turned else 'kb'}", shifted, fixed.factors)
    squares = contract(f"{lanes},n->b", shifted * shifted, fixed.weights)
    if absent is None:
        return cross, squares, jnp.zeros_like(squares)
    return cross, squares, contract(f"{lanes},n->b", absent.astype(squares.dtype), jnp.ones_like(fixed.weights))


def off_origin(block: Array, fixed: Constants, turned: bool) -> tuple[Array, Array | None]:
    """Candidates minus the mean of a sample, 0 where absent; and where they are missing, None for integers."""
    axis, dtype = int(turned), fixed.weights.dtype
    sample = jnp.take(block, fixed.sample, axis=axis).astype(dtype)
    here = jnp.expand_dims(fixed.present, 1 - axis)
    if not jnp.issubdtype(block.dtype, jnp.floating):
        origin = jnp.mean(sample, axis=axis, keepdims=True)
        return jnp.where(here, block.astype(dtype) - origin, 0), None
    known = ~jnp.isnan(sample)
    origin = jnp.sum(jnp.where(known, sample, 0), axis=axis, keepdims=True)
    origin = origin / jnp.maximum(jnp.sum(known, axis=axis, keepdims=True), 1).astype(dtype)
    absent = jnp.isnan(block)
    return jnp.where(here & ~absent, block.astype(dtype) - origin, 0), absent


def answers(columns: np.ndarray, null: Null, fixed: Constants) -> tuple[Answers, np.ndarray, np.ndarray]:
    """The answers by products, which candidates need more than that (b,), and which have missing entries (b,)."""
    k, m = null.basis.shape[1], null.residual.shape[1]
    cross, squares, missing = products(columns, fixed)
    b = len(squares)
    c, gy = cross[:, :k], cross[:, k:]
    present, count = np.full(b, np.sum(null.counts > 0)), np.full(b, null.counts.sum())
    left, ry, yy = squares - np.sum(c**2, axis=1), gy, np.ones((b, m))
    sound = np.ones(b, bool)
    incomplete, width = np.flatnonzero(missing), block_width(len(columns))
    for first in range(0, len(incomplete), width):
        some = incomplete[first : first + width]
        kept = ~np.isnan(columns[:, some])
        part = _incomplete(kept, null, c[some], gy[some])
        present[some], count[some] = np.stack([null.counts > 0, null.counts]) @ kept
        left[some], ry[some], yy[some], sound[some] = squares[some] - part[0], part[1], part[2], part[3]
    with np.errstate(all="ignore"):
        slope = ry / left[:, None]
        rest = yy - slope * ry
        info = np.finfo(fixed.weights.dtype)
        in_range = (squares > info.tiny / info.eps) & (squares < info.max * info.eps)
        easy = sound & in_range & (left > EASY * squares) & np.all(rest > EASY * yy, axis=1)
        return Answers(slope, np.sqrt(left), rest, present, count), ~easy, missing > 0


def _incomplete(
    kept: np.ndarray, null: Null, c: np.ndarray, gy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For kept (n, b): |Q'Wg|^2, g'Wr and r'Wr off the basis over the rows kept, and whether it is well conditioned."""
    (n, k), m = null.basis.shape, null.residual.shape[1]
    share = (null.weights / null.total)[:, None]
    pairs = (share[..., None] * null.basis[:, :, None] * null.basis[:, None]).reshape(n, k * k)
    mixed = (share[..., None] * null.basis[:, :, None] * null.residual[:, None]).reshape(n, k * m)
    there = kept.T.astype(np.float64)
    gram, v = (there @ pairs).reshape(-1, k, k), (there @ mixed).reshape(-1, k, m)
    yy = there @ (share * null.residual**2)
    singular = np.linalg.eigvalsh(gram)
    sound = singular[:, 0] > EASY * singular[:, -1]
    gram = np.where(sound[:, None, None], gram, np.eye(k))
    solved = np.linalg.solve(gram, np.concatenate([c[..., None], v], axis=2))
    return (
        np.einsum("bk,bk->b", c, solved[..., 0]),
        gy - np.einsum("bk,bkm->bm", c, solved[..., 1:]),
        yy - np.einsum("bkm,bkm->bm", v, solved[..., 1:]),
        sound,
    )
