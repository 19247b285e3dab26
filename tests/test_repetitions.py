"""What runs without --all: every kind, every value, and no test that is left out altogether."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAMPLE = '''
import pytest

@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param

@pytest.mark.parametrize("what", ["a", "b", "c"])
def test_refused(what, dtype):
    """
    >>> 1 + 1
    2
    """

@pytest.mark.repeated
@pytest.mark.parametrize("family", range(7))
def test_law(family, dtype):
    pass

@pytest.mark.repeated
@pytest.mark.parametrize("family", range(7))
def test_another_law(family):
    pass

@pytest.mark.one_in(3)
@pytest.mark.parametrize("case", range(5))
def test_alike(case):
    pass

@pytest.mark.parametrize("count", [1, pytest.param(10_000, marks=pytest.mark.long)])
def test_many(count):
    pass
'''
TOTAL = 6 + 14 + 7 + 5 + 2 + 1


@pytest.fixture(scope="module")
def collect(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repetitions")
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "test_sample.py").write_text(SAMPLE)

    def run(*options: str) -> tuple[list[str], str]:
        command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "--doctest-modules", *options]
        printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
        return [line.split("::", 1)[1] for line in printed.splitlines() if "::" in line], printed

    return run


def test_kinds_and_values_stay(collect):
    short, printed = collect()
    for what in "abc":
        assert sum(f"-{what}]" in name or f"[{what}-" in name for name in short) == 1
    for dtype in ("float32", "float64"):
        assert any(name.startswith("test_refused[") and dtype in name for name in short)
    for family in range(7):
        assert any(f"law[{family}]" in name or f"-{family}]" in name for name in short)
    assert any(name.startswith("test_another_law") for name in short)
    assert [name for name in short if "alike" in name] == ["test_alike[0]", "test_alike[3]"]
    assert "test_many[1]" in short
    assert "test_many[10000]" not in short
    assert "test_sample.test_refused" in short  # the doctest
    assert f"{TOTAL} tests collected in all" in printed


@pytest.mark.long
def test_all_is_what_is_short_and_what_is_long(collect):
    short, everything, long = collect()[0], collect("--all")[0], collect("--all", "-m", "long")[0]
    assert len(everything) == TOTAL
    assert sorted(short + long) == sorted(everything)
    assert len(short) < TOTAL / 2 + 1
