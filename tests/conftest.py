"""A strict session: no silent broadcasting between ranks, our warnings are errors, properties run the same way."""

import gc
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from jaxnotes import x64

jax.config.update("jax_numpy_rank_promotion", "raise")

settings.register_profile(
    "repeatable",
    max_examples=15,
    deadline=None,  # the first example compiles
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("repeatable")

MAPS, MOST_MAPS = Path("/proc/self/maps"), 20_000
DTYPES = ("float32", "float64")


def pytest_configure(config: pytest.Config) -> None:
    """The modules of the tests are top-level names, which the pattern in pyproject.toml does not match."""
    config.addinivalue_line("filterwarnings", "error:::(test_|conftest|reference|tolerances|fits|families)")


@pytest.fixture(autouse=True, scope="module")
def forget_programs():
    """Compiled programs take memory maps, of which Linux allows a process 65,530: thousands of tests need more."""
    yield
    if not MAPS.exists() or len(MAPS.read_text().splitlines()) > MOST_MAPS:
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def double():
    """Double precision for the whole test."""
    with x64():
        yield


@pytest.fixture(params=DTYPES)
def dtype(request):
    """The test once in each precision; NumPy data of this dtype keep it inside."""
    with x64(request.param == "float64"):
        yield np.dtype(request.param)
