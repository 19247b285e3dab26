"""What tests and doctests need alike: programs that compile soon, figures closed, and repetitions left to `--all`."""

import os
import sys
from collections import Counter

import jax
import pytest

# Compilation takes most of the time of the suite. Emitted the older way and without LLVM's optimization a program
# compiles five times faster, and computes the same up to rounding. `XLA_FLAGS= pytest ...` tests what users run. XLA
# ends the process over a flag it does not know, so the versions that know these two are named.
if jax.__version_info__ < (0, 11):
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0")

ONE_IN = 16
COUNTED = pytest.StashKey[tuple[int, int]]()


def pytest_addoption(parser):
    """The option that brings the repetitions."""
    parser.addoption("--all", action="store_true", help="run the tests marked long too: the many repetitions")


def pytest_configure(config):
    """The markers, here because tests run away from pyproject.toml too."""
    config.addinivalue_line("markers", "long: one of many repetitions, whose kind runs without it; needs --all")
    config.addinivalue_line("markers", "repeated: the cases of a test repeat one kind; one in sixteen is not long")
    config.addinivalue_line("markers", "one_in(k): the cases of a test are alike; one in k is not long")


def tables(items):
    """By test and by kind, the cases that repeat it: all of one marked `repeated`, else those that differ in dtype."""
    found = {}
    for item in items:
        arguments = item.callspec.params if hasattr(item, "callspec") else {}
        marked = item.get_closest_marker("repeated")
        if arguments and (marked or "dtype" in arguments):
            kind = () if marked else tuple((name, repr(value)) for name, value in arguments.items() if name != "dtype")
            found.setdefault(item.nodeid.partition("[")[0], {}).setdefault(kind, []).append(item)
    return found


def mark_repetitions(items):
    """One in sixteen of a kind stays, of fewer one, another from kind to kind; in a file each value once."""
    met, others = set(), []
    for test, kinds in enumerate(tables(items).values()):
        for turn, cases in enumerate(kinds.values(), start=test):
            for k, item in enumerate(cases):
                if (k - turn) % min(ONE_IN, len(cases)):
                    others.append(item)
                else:
                    met |= values(item)
    for item in others:
        if values(item) <= met:
            item.add_marker("long")
        met |= values(item)


def mark_alike(items):
    """Of the cases of a test that are alike one in k stays, another from test to test."""
    turns, met = {}, Counter()
    for item in items:
        marked = item.get_closest_marker("one_in")
        if marked and not item.get_closest_marker("long"):
            test = item.nodeid.partition("[")[0]
            turn = turns.setdefault(test, len(turns))
            if (met[test] - turn) % marked.args[0] and hasattr(item, "callspec"):
                item.add_marker("long")
            met[test] += 1


def values(item):
    """What a case is made of, as its file knows it."""
    return {(item.path, name, repr(value)) for name, value in item.callspec.params.items()}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leaves out what is long, unless all is asked for, and counts both before -m and -k choose."""
    mark_repetitions(items)
    mark_alike(items)
    long = [item for item in items if item.get_closest_marker("long")]
    config.stash[COUNTED] = len(items), len(long)
    if long and not config.option.all:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_sessionfinish(session):
    """The processes of pytest-xdist collect, and tell the one that reports."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["counted"] = session.config.stash.get(COUNTED, (0, 0))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Every process has collected the same: the last one to end says it."""
    if "counted" in getattr(node, "workeroutput", {}):
        node.config.stash[COUNTED] = tuple(node.workeroutput["counted"])


def pytest_terminal_summary(terminalreporter, config):
    """A fall of the number in all is explained in its commit."""
    collected, long = config.stash.get(COUNTED, (0, 0))
    left_out = "" if config.option.all else ", left out without --all"
    terminalreporter.write_line(f"{collected} tests collected in all, {long} of them long{left_out}")


@pytest.fixture(autouse=True)
def close_figures():
    """pyplot keeps every figure of a test until it is told to let go."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
