"""What a caller may set of a solver or a test: checked here, whoever asks."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike


def default_tolerance(dtype: Any) -> float:
    """The scaled gradient at which a solver stops that was not told another: what a dtype can reach."""
    return max(1e-10, 8 * float(jnp.finfo(dtype).eps))


def tolerance(tol: ArrayLike | None, dtype: Any) -> Array:
    """The scaled gradient to reach, (), by default `default_tolerance`."""
    return arrays.nonnegative("tol", default_tolerance(dtype) if tol is None else tol).astype(dtype)


def check_count(name: str, value: Any, least: int = 0) -> None:
    """Raise ValueError unless the number of steps, rows or draws is at least `least`."""
    if not (isinstance(value, (int, np.integer)) and value >= least):
        raise ValueError(f"{name}: expected a whole number >= {least}, got {value}.")


def confidence(level: ArrayLike) -> Array:
    """The confidence level, (), strictly between 0 and 1 where it is a Python number."""
    if isinstance(level, (int, float)) and not 0 < level < 1:
        raise ValueError(f"level: expected a number between 0 and 1, got {level}. For 95 % use level=0.95.")
    return arrays.scalar("level", level)
