"""The door: outcome, covariates and weights checked and brought to the host, before any candidate is read."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import ArrayLike


def refuse_traced(name: str, *values: Any) -> None:
    """Raise TypeError inside a program that is being traced, where nothing has a value yet."""
    within = arrays.is_traced(jnp.asarray(0.0))
    if within or any(isinstance(value, jax.Array) and arrays.is_traced(value) for value in values):
        raise TypeError(f"{name}: expected data, got traced values. It runs on the host: call it outside jit and vmap.")


def host_data(
    y: ArrayLike, covariates: ArrayLike | None, weights: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y (n,) or (n, m), covariates (n, p) and weights (n,), all of one dtype."""
    outcome = arrays.as_float("y", y)
    if outcome.ndim not in (1, 2) or outcome.size == 0:
        raise ValueError(f"y: expected shape (n,), or (n, m) for m outcomes, with n, m >= 1, got {outcome.shape}.")
    n = len(outcome)
    C = jnp.zeros((n, 0), outcome.dtype) if covariates is None else arrays.as_float("covariates", covariates)
    if C.ndim != 2 or len(C) != n:
        hint = " For one covariate use covariates[:, None]." if C.shape == (n,) else ""
        raise ValueError(f"covariates: expected shape ({n}, p), one row for each of y, got {C.shape}.{hint}")
    dtype = jnp.result_type(outcome, C)
    w = jnp.ones(n, dtype) if weights is None else arrays.per_row("weights", weights, n)
    y, C, w = (np.asarray(array.astype(dtype)) for array in (outcome, C, w))
    return y, C, w


def working_dtype(outcome: np.ndarray, columns: np.ndarray) -> np.dtype:
    """Of the answers: candidates that are no floats count as the default float."""
    candidates = jax.dtypes.canonicalize_dtype(columns.dtype) if columns.dtype.kind == "f" else float
    return np.dtype(jnp.result_type(outcome.dtype, candidates))
