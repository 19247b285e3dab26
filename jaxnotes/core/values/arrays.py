"""What an argument may be: checks of rank, shape and dtype that run while tracing and cost nothing afterwards.

Every message says which argument, what was expected, what was got and how to mend it.
One axis alphabet throughout: n samples (rows), p features (columns), q = p + 1 with an intercept, L lanes of a batch.
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

Array = jax.Array


def as_float(name: str, value: ArrayLike) -> Array:
    """`value` as a float32 or float64 array; integers and bools become the default float."""
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected an array of numbers, got {type(value).__name__} ({error}).") from error
    if jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == bool:
        return array.astype(jnp.result_type(float))
    if array.dtype not in (jnp.float32, jnp.float64):
        raise TypeError(
            f"{name}: expected float32 or float64, got {array.dtype}. Cast it first, as in {name}.astype('float32')."
        )
    return array


def design(X: ArrayLike, *, intercept: bool) -> Array:
    """The design matrix X, shape (n, p) with n >= 1, and p >= 1 unless an intercept is fitted."""
    X = as_float("X", X)
    if X.ndim == 1:
        raise ValueError(f"X: expected shape (n_samples, n_features), got {X.shape}. For one feature use X[:, None].")
    if X.ndim != 2:
        raise ValueError(
            f"X: expected shape (n_samples, n_features), got {X.shape}. "
            "For a batch of problems use jax.vmap(fit) instead of a leading axis."
        )
    if X.shape[0] == 0:
        raise ValueError(f"X: expected at least one row, got shape {X.shape}.")
    if X.shape[1] == 0 and not intercept:
        raise ValueError(f"X: expected at least one column, got shape {X.shape}. An empty model needs intercept=True.")
    return X


def per_row(name: str, value: ArrayLike, n: int) -> Array:
    """A vector with one entry per row of X, shape (n,)."""
    array = as_float(name, value)
    if array.shape == (n,):
        return array
    hint = f" Use {name}[:, 0]." if array.shape == (n, 1) else ""
    raise ValueError(f"{name}: expected shape ({n},), one value per row of X, got {array.shape}.{hint}")


def per_row_or(name: str, value: ArrayLike | None, default: float, n: int, dtype: jnp.dtype) -> Array:
    """A vector with one entry per row of X, shape (n,); where None, the default for all rows, shape (1,)."""
    if value is not None:
        return per_row(name, value, n).astype(dtype)
    # Behind a barrier, because XLA would spend seconds folding constants as long as the data.
    return jax.lax.optimization_barrier(jnp.full((1,), default, dtype))


def matches(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless `array` has the shape that the data ask for."""
    if array.shape != shape:
        raise ValueError(
            f"{name}: expected shape {shape} for these data, got {array.shape}. Was it fitted to other data?"
        )


def scalar(name: str, value: ArrayLike) -> Array:
    """A single number, shape (); sweep it with jax.vmap."""
    array = as_float(name, value)
    if array.shape == ():
        return array
    raise ValueError(f"{name}: expected a number, got shape {array.shape}. To sweep it use jax.vmap over {name}.")


def nonnegative(name: str, value: ArrayLike) -> Array:
    """A number that is not negative; a traced one is judged by its status instead."""
    if isinstance(value, (int, float)) and not value >= 0:
        raise ValueError(f"{name}: expected a number >= 0, got {value}.")
    return scalar(name, value)


def labels(name: str, value: ArrayLike, n: int) -> Array:
    """Integer labels, one per row of X, shape (n,)."""
    array = jnp.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise TypeError(
            f"{name}: expected integer labels, got {array.dtype}. Code them by numpy.unique(..., return_inverse=True)."
        )
    if array.shape != (n,):
        raise ValueError(f"{name}: expected shape ({n},), one label per row of X, got {array.shape}.")
    return array
