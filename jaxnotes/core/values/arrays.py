"""What an argument may be: checks of rank, shape and dtype that run while tracing and cost nothing afterwards.

Every message says which argument, what was expected, what was got and how to mend it.
One axis alphabet throughout: n samples (rows), p features (columns), q = p + 1 with an intercept, L lanes of a batch.
"""

import numbers
from typing import TYPE_CHECKING, Any, NoReturn, Union

import jax
import jax.numpy as jnp
import numpy as np


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
    if hasattr(value, "__array__") and not isinstance(value, jax.Array):
        value = _from_host(name, value)
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        _refuse(name, value, np.asarray(value, object) if isinstance(value, (list, tuple, str)) else None, error)
    if jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == bool:
        return array.astype(jnp.result_type(float))
    if array.dtype not in (jnp.float32, jnp.float64):
        raise TypeError(
            f"{name}: expected float32 or float64, got {array.dtype}. Cast it first, as in {name}.astype('float32')."
        )
    return array


def _from_host(name: str, value: ArrayLike) -> np.ndarray:
    """An array of NumPy's, or of what can become one; integers of 64 bits, which JAX would cut to 32, are floats."""
    host = np.asarray(value)
    if host.dtype.kind not in "fiubc":
        _refuse(name, value, host)
    if host.dtype.kind in "iu" and host.dtype.itemsize == 8:
        return host.astype(jnp.result_type(float))
    return host


WAYS_OUT = {
    str: "Code categories as columns of 0 and 1 (numpy.unique gives the codes); read numbers with .astype('float32').",
    np.datetime64: "Use numbers, as in (t - t[0]) / numpy.timedelta64(1, 'D').",
    (list, tuple): "Give all rows the same length.",
    numbers.Number: "Cast it first, as in .astype('float32').",
    object: "Leave such rows out, or give them any number and weight 0.",
}


def _refuse(name: str, value: Any, host: np.ndarray | None, cause: Exception | None = None) -> NoReturn:
    """Raise TypeError about the first entry that is no number, by its column where there are columns."""
    if host is None:
        raise TypeError(f"{name}: expected an array of numbers, got {type(value).__name__} ({cause}).") from cause
    columns = host.reshape(len(host), -1).T if host.ndim > 1 else host.reshape(1, -1)
    strange = [
        (j, entry)
        for j, column in enumerate(columns)
        for entry in column[:1000]
        if not isinstance(entry, numbers.Number)
    ]
    j, entry = strange[0] if strange else (0, host.flat[0] if host.size else None)
    names = getattr(value, "columns", range(len(columns)))
    where = f" in column {names[j]!r}" if host.ndim == 2 else ""
    way_out = next(text for kind, text in WAYS_OUT.items() if isinstance(entry, kind))
    kind = type(value).__name__ if host.dtype == object and cause else host.dtype
    raise TypeError(
        f"{name}: expected an array of numbers, got {kind} with entries such as {entry!r}{where}. {way_out}"
    ) from cause


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
    """Integer labels, one per row of X, shape (n,)."""
    if hasattr(value, "__array__") and not isinstance(value, jax.Array):
        value = np.asarray(value)
        if value.dtype.kind in "iu" and value.dtype.itemsize == 8:  # only which are equal counts
            value = np.unique(value, return_inverse=True)[1].reshape(value.shape)
    array = jnp.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise TypeError(
            f"{name}: expected integer labels, got {array.dtype}. Code them by numpy.unique(..., return_inverse=True)."
        )
    if array.shape != (n,):
        raise ValueError(f"{name}: expected shape ({n},), one label per row of X, got {array.shape}.")
    return array
