"""One problem with very many rows: sums over the rows, a few thousand at a time, with no copy of the design.

A chunk is made of the rows' own arrays by slicing; the last one starts early and its repeated rows get weight 0.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values.arrays import Array

FROM_ROWS = 50_000  # from so many rows on, passes are faster than a block of one lane
CHUNK = 4096
SAMPLE = 32_768


def sum_chunks(n: int, function: Callable[..., Any], *row_arrays: Array) -> Any:
    """The sum over chunks of function(fresh, *chunk); `fresh` (c,) is False in repeated rows; arrays of n rows or 1."""
    shapes = jax.eval_shape(lambda: function(*_chunk(n, jnp.asarray(0), row_arrays)))
    zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
    return fold_chunks(n, lambda total, *chunk: jax.tree.map(jnp.add, total, function(*chunk)), zeros, *row_arrays)


def fold_chunks(n: int, update: Callable[..., Any], start: Any, *row_arrays: Array) -> Any:
    """update(total, fresh, *chunk) over all chunks, from `start`."""
    return jax.lax.fori_loop(0, -(-n // CHUNK), lambda i, total: update(total, *_chunk(n, i, row_arrays)), start)


def _chunk(n: int, index: Array, row_arrays: tuple[Array, ...]) -> list[Array]:
    first = jnp.minimum(index * CHUNK, n - CHUNK)
    fresh = first + jnp.arange(CHUNK) >= index * CHUNK
    return [fresh, *(jax.lax.dynamic_slice_in_dim(a, first, CHUNK) if a.shape[0] == n else a for a in row_arrays)]


def sample_rows(n: int) -> np.ndarray:
    """SAMPLE of n row numbers, ascending: one from each of as many strata, at a place that follows no period.

    The places are the fractional parts of k times the golden ratio, so a pattern in the order of the rows cannot
    hide from the sample as it could from every (n / SAMPLE)-th row.

    """
    k = np.arange(SAMPLE)
    return np.floor((k + (k * 0.6180339887498949) % 1) * (n / SAMPLE)).astype(np.int32)
