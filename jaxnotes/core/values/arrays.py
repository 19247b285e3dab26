"""What an argument may be: checks of rank, shape and dtype that run while tracing and cost nothing afterwards.

Every message says which argument, what was expected, what was got and how to mend it.
One axis alphabet throughout: n samples (rows), p features (columns), q = p + 1 with an intercept, L lanes of a batch.
"""

from typing import TYPE_CHECKING, Any, Union

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values import strangers


class Named:
    """A type in a signature under one name, as `type Name = ...` has it from Python 3.12 on: `help` shows no union."""

    def __init__(self, name: str, value: Any) -> None:
        self.__name__, self.__value__ = name, value

    def __repr__(self) -> str:
        return self.__name__

    def __or__(self, other: Any) -> Any:
        return Union[self, other]  # noqa: UP007, because this is what | means

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007


if TYPE_CHECKING:
    from jax import Array
    from jax.typing import ArrayLike, DTypeLike
else:
    Array = Named("Array", jax.Array)
    ArrayLike = Named("ArrayLike", jax.typing.ArrayLike)
    DTypeLike = Named("DTypeLike", jax.typing.DTypeLike)


def as_float(name: str, value: ArrayLike) -> Array:
    """`value` as a float32 or float64 array; integers and bools become the default float."""
    array = jnp.asarray(_numbers(name, value))
    if jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == bool:
        return array.astype(jnp.result_type(float))
    if array.dtype not in (jnp.float32, jnp.float64):
        raise TypeError(
            f"{name}: expected float32 or float64, got {array.dtype}. Cast it first, as in {name}.astype('float32')."
        )
    return array


def as_numbers(name: str, value: ArrayLike) -> Array:
    """`value` as numbers: integers and bools stay what they are, but integers too wide for JAX are floats."""
    numbers = _numbers(name, value)
    narrow = np.asarray(value) if isinstance(numbers, np.ndarray) else numbers
    if isinstance(narrow, np.ndarray) and narrow.dtype.kind in "iu" and narrow.size:
        limits = np.iinfo(jax.dtypes.canonicalize_dtype(narrow.dtype))
        return jnp.asarray(narrow if limits.min <= narrow.min() and narrow.max() <= limits.max else numbers)
    return jnp.asarray(numbers)


def _numbers(name: str, value: ArrayLike) -> ArrayLike:
    """What jnp.asarray takes. Integers of 64 bits, which JAX would cut to 32, are floats."""
    if isinstance(value, (jax.Array, int, float, complex)):
        return value
    if isinstance(value, (list, tuple)) and any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(value)):
        return jnp.asarray(value)
    if np.ma.is_masked(value):
        strangers.refuse_masked(name)
    host = _on_host(value)
    if host is None or host.dtype.kind not in "fiubc":
        strangers.refuse(name, value, host)
    if host.dtype.kind in "iu" and host.dtype.itemsize == 8 and hasattr(value, "__array__"):
        return host.astype(jnp.result_type(float))
    if host.dtype.itemsize > 8 and host.dtype.kind == "f":
        raise TypeError(f"{name}: expected float32 or float64, got {host.dtype}. Use {name}.astype('float64').")
    return host if hasattr(value, "__array__") else value


def _on_host(value: Any) -> np.ndarray | None:
    """What NumPy makes of it, entries as objects where rows have several lengths; None where it makes nothing."""
    try:
        host = np.asarray(value)
        # Of numbers beside text NumPy makes text.
        return np.asarray(value, object) if isinstance(value, (list, tuple)) and host.dtype.kind in "US" else host
    except (TypeError, ValueError):
        return np.asarray([*value, None], object)[:-1] if isinstance(value, (list, tuple)) else None


def design(X: ArrayLike, *, intercept: bool, y: Any = None, features: int | None = None) -> Array:
    """The design matrix X, shape (n, p) with n >= 1, and p >= 1 unless an intercept is fitted.

    Only to advise: y, what came with it; features, how many columns a fit had.
    """
    X = as_float("X", X)
    if X.ndim == 1:
        swapped = getattr(y, "ndim", 1) == 2 and X.shape == y.shape[:1]
        hint = "For one feature use X[:, None]."
        hint = "For one row use X[None]." if X.shape == (features,) else hint
        hint = f"X and y look swapped, y has shape {y.shape}: the order is (X, y)." if swapped else hint
        raise ValueError(f"X: expected shape (n_samples, n_features), got {X.shape}. {hint}")
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
    everywhere = jnp.full((1,), default, dtype)
    # Within a program behind a barrier, because XLA would spend seconds folding constants as long as the data.
    return jax.lax.optimization_barrier(everywhere) if is_traced(everywhere) else everywhere


def is_traced(array: Array) -> bool:
    """Whether it is part of a program that is being traced, and so without a value yet."""
    return isinstance(array, jax.core.Tracer)  # pyright: ignore[reportAttributeAccessIssue]


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
    """Labels, one per row of X, as integers (n,): only which are equal counts."""
    codes = value if isinstance(value, jax.Array) else _codes(np.asarray(value))
    if codes.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers or text, got {codes.dtype}. Use the codes that numpy.unique gives.")
    if codes.shape != (n,):
        raise ValueError(f"{name}: expected shape ({n},), one label per row of X, got {codes.shape}.")
    return jnp.asarray(codes)


def _codes(labels: np.ndarray) -> np.ndarray:
    """Text, and integers too wide for JAX, by their place in sorted order; anything else as it is."""
    wide = labels.dtype.kind in "iu" and labels.dtype.itemsize == 8
    text = labels.dtype.kind in "US" or (
        labels.dtype == object and all(isinstance(label, str) for label in labels.flat)
    )
    if not (wide or text):
        return labels
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
