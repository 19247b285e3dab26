"""What tests and doctests need alike: programs that compile soon, figures closed, and repetitions left to `--all`."""

import os
import sys

import jax
import pytest

# Compilation takes most of the time of the suite. Emitted the older way and without LLVM's optimisation a program
# compiles five times faster, and computes the same up to rounding. `XLA_FLAGS= pytest ...` tests what users run. XLA
# ends the process over a flag it does not know, so the versions that know these two are named.
if jax.__version_info__ < (0, 11):
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0")

# Arguments over which every test repeats itself; the marker `repeated` names more of them.
REPEATED = {"dtype"}
ONE_IN = 5
COUNTED = pytest.StashKey[tuple[int, int]]()


def pytest_addoption(parser):
    """The option that brings the repetitions."""
    parser.addoption("--all", action="store_true", help="run the tests marked long too: the many repetitions")


def pytest_configure(config):
    """The markers, here because tests run away from pyproject.toml too."""
    config.addinivalue_line("markers", "long: one of many repetitions, whose kind runs without it; needs --all")
    config.addinivalue_line("markers", "repeated(*arguments): cases that differ in these alone repeat one kind")


def tables(items):
    """By test and by kind (all its arguments but the repeated ones), the cases that repeat it."""
    found = {}
    for item in items:
        arguments = item.callspec.params if hasattr(item, "callspec") else {}
        repeated = REPEATED.union(*(mark.args for mark in item.iter_markers("repeated")))
        if repeated & arguments.keys():
            # One value is one object in all cases, and need not be hashable.
            kind = tuple((name, id(value)) for name, value in arguments.items() if name not in repeated)
            found.setdefault(item.nodeid.partition("[")[0], {}).setdefault(kind, []).append(item)
    return found


def mark_repetitions(items):
    """Long are all but one in five repetitions of a kind, of fewer all but one; which, moves on from kind to kind."""
    for test, kinds in enumerate(tables(items).values()):
        for turn, cases in enumerate(kinds.values(), start=test):
            for k, item in enumerate(cases):
                if (k - turn) % min(ONE_IN, len(cases)):
                    item.add_marker("long")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leaves out what is long, unless all is asked for, and counts both before -m and -k choose."""
    mark_repetitions(items)
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
