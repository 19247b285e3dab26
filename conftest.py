"""What doctests need as tests do: figures closed, and programs that compile soon."""

import os
import sys

import jax
import pytest

# Compilation takes most of the time of the suite. Emitted the older way and without LLVM's optimisation a program
# compiles five times faster, and computes the same up to rounding. `XLA_FLAGS= pytest ...` tests what users run. XLA
# ends the process over a flag it does not know, so the versions that know these two are named.
if jax.__version_info__ < (0, 11):
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0")


@pytest.fixture(autouse=True)
def close_figures():
    """pyplot keeps every figure of a test until it is told to let go."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
