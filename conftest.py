"""What every test gives back to the process, doctests too."""

import gc
import sys

import jax
import pytest


@pytest.fixture(autouse=True)
def close_figures():
    """pyplot keeps every figure of a test until it is told to let go."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True, scope="module")
def forget_programs():
    """Compiled programs take memory maps, of which Linux allows a process 65,530: thousands of tests need more."""
    yield
    jax.clear_caches()
    gc.collect()
