"""What a calculation ran on, in one line: the first thing to quote beside a number."""

import platform

import jax
import numpy as np

from jaxnotes._version import version


def about() -> str:
    """Versions, devices, dtype and the precision of matrix products, in one line.

    The precision is the one that `X @ coef` of your own code gets. The solvers always ask for the highest.

    Returns:
        The line, a string.

    >>> about().startswith("jaxnotes")
    True
    """
    devices = jax.devices()
    versions = f"jaxnotes {version()}, jax {jax.__version__}, numpy {np.__version__}"
    dtype = "float64" if jax.config.jax_enable_x64 else "float32"  # pyright: ignore[reportAttributeAccessIssue]
    precision = jax.config.jax_default_matmul_precision or "default"  # pyright: ignore[reportAttributeAccessIssue]
    where = f"{len(devices)} x {devices[0].device_kind}"
    return f"{versions}, python {platform.python_version()}, {where}, {dtype}, matmul precision {precision}"
