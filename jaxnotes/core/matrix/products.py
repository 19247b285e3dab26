"""The products that linear predictors need, in the form that is fast for the block at hand.

A block is L problems, lane axis first. With the design Z (q, n), coefficients theta (m q,) of m linear predictors, row
values r (m, n) and row weights w (m, m, n) they are, lane by lane,

    predict(theta) = theta Z        score(r) = r Z'        gram(w) = [ Z diag(w_ab) Z' ] for a, b = 1 .. m

of shapes (L, m, n), (L, m q), and (L, m q, m q). For one predictor with up to MAX_PAIRED columns gram(w) is the lower
triangle only, (L, q (q + 1) / 2) row by row: the products of pairs of columns are formed once, and each Gram matrix is
then one matrix times w. On a CPU that is 1.5 to 3 times faster than a small matrix product per lane, and where lanes
share Z it is one large matrix product for all of them.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.values import tiles
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.tiles import Tile

MAX_PAIRED = 17


class Products(NamedTuple):
    """The products with one block's design; see the module's equations."""

    predict: Callable[[Array], Array]
    score: Callable[[Array], Array]
    gram: Callable[[Array], Array]


def of(Z: Array, lanes: int, predictors: int = 1, tile: Tile | None = None) -> Products:
    """The products with Z, shape (L, q, n) with a design per lane, or (1, q, n) where `lanes` lanes share it."""
    multiply = _shared(Z[0], paired=lanes > 1 and predictors == 1) if Z.shape[0] == 1 else _separate(Z, predictors == 1)
    by_rows = multiply if tile is None else _completed(multiply, tile)
    return _of_predictors(by_rows, Z.shape[1], predictors)


def _completed(multiply: Products, tile: Tile) -> Products:
    """The same products where a lane's rows lie in several tiles."""
    return Products(
        multiply.predict,
        lambda r: tiles.whole_block(multiply.score(r), tile),
        lambda w: tiles.whole_block(multiply.gram(w), tile),
    )


def _of_predictors(multiply: Products, q: int, m: int) -> Products:
    """Products for m predictors from those for one."""
    if m == 1:
        return Products(
            predict=lambda theta: multiply.predict(theta)[:, None],
            score=lambda r: multiply.score(r[:, 0]),
            gram=lambda w: multiply.gram(w[:, 0, 0]),
        )

    def gram(w: Array) -> Array:
        blocks = jax.vmap(jax.vmap(multiply.gram, 1, 1), 1, 1)(w)
        return jnp.swapaxes(blocks, 2, 3).reshape(-1, m * q, m * q)

    return Products(
        predict=lambda theta: jax.vmap(multiply.predict, 1, 1)(theta.reshape(-1, m, q)),
        score=lambda r: jax.vmap(multiply.score, 1, 1)(r).reshape(-1, m * q),
        gram=gram,
    )


def row_sum(share: Array, values: Array, tile: Tile | None = None) -> Array:
    """sum_i share_i values_i for each lane; share and values (L, n), share with L = 1 where shared.

    As a product with a vector: XLA's CPU backend sums along rows one number at a time otherwise.
    """
    if share.shape[0] == 1:
        return tiles.whole_block(contract("ln,n->l", values, share[0]), tile)
    ones = jnp.ones_like(share, shape=share.shape[1:])
    return tiles.whole_block(contract("ln,n->l", share * values, ones), tile)


def row_sums(*values: Array, tile: Tile | None = None) -> Array:
    """sum_i values_i for each lane of several values (L, n), L = 1 where shared, at once: (k, L), of the first's dtype.

    One reduction of them all compiles as soon as each would alone.
    """
    all_values = jnp.stack([value.astype(values[0].dtype) for value in jnp.broadcast_arrays(*values)])
    sums = contract("kln,n->kl", all_values, jnp.ones_like(all_values, shape=all_values.shape[2:]))
    return tiles.whole_block(sums.T, tile).T


def row_max(values: Array, tile: Tile | None = None) -> Array:
    """max_i values_i for each lane, (L,) from (L, n)."""
    return tiles.whole_block(jnp.max(values, axis=1), tile, jnp.maximum)


def row_all(true: Array, tile: Tile | None = None) -> Array:
    """Whether all are true, for each lane, (L,) from (L, n)."""
    return tiles.whole_block(jnp.all(true, axis=1), tile, jnp.logical_and)


def contract(subscripts: str, a: Array, b: Array) -> Array:
    """einsum at full precision: TPUs and recent GPUs would otherwise round the factors to 8 or 11 bits."""
    return jnp.einsum(subscripts, a, b, precision=jax.lax.Precision.HIGHEST)


def _shared(Z: Array, paired: bool) -> Products:
    """One design Z (q, n) for all lanes, one predictor."""
    predict, score = (lambda theta: contract("lj,jn->ln", theta, Z)), (lambda r: contract("ln,jn->lj", r, Z))
    if paired and Z.shape[0] <= MAX_PAIRED:
        pairs = jnp.concatenate(_pairs(Z[None]), axis=1)[0]
        return Products(predict, score, lambda w: contract("ln,kn->lk", w, pairs))
    return Products(predict, score, jax.vmap(lambda w: contract("jn,kn->jk", Z * w[None], Z)))


def _separate(Z: Array, paired: bool) -> Products:
    """A design per lane, Z (L, q, n), one predictor."""
    predict, score = (lambda theta: contract("lj,ljn->ln", theta, Z)), (lambda r: contract("ljn,ln->lj", Z, r))
    if paired and Z.shape[1] <= MAX_PAIRED:
        pairs = _pairs(Z)
        return Products(
            predict, score, lambda w: jnp.concatenate([contract("lkn,ln->lk", part, w) for part in pairs], axis=1)
        )
    return Products(predict, score, lambda w: contract("ljn,lkn->ljk", Z * w[:, None], Z))


def _pairs(Z: Array) -> list[Array]:
    """All products of two rows of Z (L, q, n): lower triangle row by row, (L, q (q + 1) / 2, n) in a list of parts.

    Parts, because joining them would copy them; of several rows each, because a product with one row is slow.
    """
    parts = [Z[:, i : i + 1] * Z[:, : i + 1] for i in range(Z.shape[1])]
    return [jnp.concatenate(parts[:3], axis=1), *parts[3:]]
