"""The door of the room: a user's log-likelihood and its data, checked once, as functions and arrays of one dtype."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxnotes.core.lanes import closures
from jaxnotes.core.likelihood.observations import LogProb, Observations, flatten
from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike


def traced(
    log_prob: Callable[[Any, Any], Array], name: str, params: Any, data: Any, weights: ArrayLike | None
) -> tuple[LogProb, Array, Observations]:
    """The function, its parameters as one vector (q,), and its data, checked and all of one dtype.

    Arguments: name, what the caller calls params.
    """
    if not callable(log_prob):
        raise TypeError(f"log_prob: expected a function of (params, row), got {type(log_prob).__name__}.")
    params, rows = _of_one_dtype(name, params, data)
    theta, unravel = flatten(params)
    n = row_count(rows)

    def flat(theta: Array, row: Any) -> Array:
        return log_prob(unravel(theta), row)

    example = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), rows)
    model, constants = closures.hoist(flat, theta, example, origin=log_prob)
    shape = jax.eval_shape(model, constants, theta, example)
    if getattr(shape, "shape", None) != () or not jnp.issubdtype(shape.dtype, jnp.floating):
        got = f"{shape.dtype} of shape {shape.shape}" if hasattr(shape, "shape") else type(shape).__name__
        raise ValueError(f"log_prob: expected one real number for one row, got {got}. Sum over the parts of a row.")
    return model, theta, Observations(constants, rows, row_weights(weights, n, theta.dtype))


def row_count(data: Any) -> int:
    """The number of rows of a pytree of arrays."""
    shapes = [jnp.shape(leaf) for leaf in jax.tree.leaves(data)]
    if not shapes or () in shapes or len({shape[0] for shape in shapes}) != 1 or shapes[0][0] == 0:
        raise ValueError(
            f"data: expected arrays with one row per observation, at least 1, got shapes {shapes}. "
            "Turn lists into arrays with jnp.asarray; what is the same for all rows belongs into log_prob."
        )
    return shapes[0][0]


def row_weights(weights: ArrayLike | None, n: int, dtype: Any) -> Array:
    """The weights (n,), or a 1 for all of them, (1,)."""
    if weights is not None and jnp.shape(weights) != (n,):
        raise ValueError(f"weights: expected shape ({n},), one per row of data, got {jnp.shape(weights)}.")
    return arrays.per_row_or("weights", weights, 1, n, dtype)


def _of_one_dtype(name: str, params: Any, data: Any) -> tuple[Any, Any]:
    """params and data as arrays: all parameters and the real numbers of data of one dtype, integers and bools kept."""
    if not jax.tree.leaves(params):
        raise ValueError(f"{name}: expected at least one number to estimate, got an empty tree.")
    checked = jax.tree.map(lambda leaf: arrays.as_float(name, leaf), params)
    as_reals = jax.tree.map(lambda leaf: arrays.as_float("data", leaf), data)
    rows = jax.tree.map(lambda leaf: arrays.as_numbers("data", leaf), data)
    real = [leaf for leaf in jax.tree.leaves(rows) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    # From the parameters as given, among which Python numbers are weak.
    given = [jnp.asarray(leaf) for leaf in jax.tree.leaves(params)]
    dtype = jnp.result_type(float, *(leaf for leaf in given if jnp.issubdtype(leaf.dtype, jnp.floating)), *real)

    def row_leaf(leaf: Array, as_real: Array) -> Array:
        return as_real.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(lambda leaf: leaf.astype(dtype), checked), jax.tree.map(row_leaf, rows, as_reals)
