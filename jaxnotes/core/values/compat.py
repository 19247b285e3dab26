"""The few names that moved between jax 0.7.2 (what Colab ships) and today."""

from contextlib import AbstractContextManager

import jax


def x64(enabled: bool = True) -> AbstractContextManager[None]:
    """Double precision inside a `with` block of this thread, and nowhere else.

    Arrays made inside keep float64 only inside: turn results into NumPy before leaving.

    Args:
        enabled: a Python bool, True by default; False for single precision.

    Returns:
        A context manager.

    >>> import jax.numpy as jnp
    >>> with x64():
    ...     print(jnp.asarray(0.1).dtype)
    float64
    """
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(enabled)
    from jax import experimental

    return experimental.enable_x64(enabled)  # pyright: ignore[reportAttributeAccessIssue]
