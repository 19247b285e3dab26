"""Public types bear a public name, and nothing is lost: sources, examples, signatures, pickles."""

import copy
import doctest
import inspect
import pickle
import re
import sys
import traceback
from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnotes as jn
from jaxnotes.core.values.public import public

TYPES = {
    "jaxnotes": ("FitError", "Inference", "LinearParams", "Solution", "Status"),
    "jaxnotes.bijections": ("Bijection",),
    "jaxnotes.covariances": ("Covariance",),
    "jaxnotes.gradient_descent": ("Path",),
    "jaxnotes.methods": ("Iterate", "Method"),
}
PUBLIC = [getattr(import_module(module), name) for module, names in TYPES.items() for name in names]


def home(cls: type) -> str:
    """The module in which a class is written."""
    return getattr(cls, "__wrapped__", cls).__module__


@pytest.fixture(scope="module")
def answers():
    X, y = np.arange(6.0)[:, None], np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    solution = jn.least_squares.fit(X, y)
    return solution, jn.least_squares.infer(solution, X, y)


def test_the_table_is_whole():
    """No type that the package or a module of it hands out names a module of core."""
    modules = [jn, *(getattr(jn, name) for name in jn.__all__ if inspect.ismodule(getattr(jn, name)))]
    values = [getattr(module, name) for module in modules for name in getattr(module, "__all__", ())]
    types = {value for value in values if inspect.isclass(value)}
    assert {cls for cls in types if home(cls).startswith("jaxnotes.core")} == set(PUBLIC)
    assert {(cls.__module__, cls.__name__) for cls in PUBLIC} == {
        (m, name) for m, names in TYPES.items() for name in names
    }


@pytest.mark.parametrize("cls", PUBLIC)
def test_inspect_shows_the_source(cls):
    """Python 3.13 asks for `__wrapped__`: its `inspect` follows that of functions only."""
    source = inspect.getsource(cls if sys.version_info < (3, 13) else cls.__wrapped__)
    lines = source.splitlines()
    assert lines[0] == f'@public("{cls.__module__}")'
    assert any(line.startswith(f"class {cls.__name__}") for line in lines)
    assert source in inspect.getsource(sys.modules[home(cls)])


def test_signatures_are_those_of_the_constructors():
    fields = ["params", "value", "grad_norm", "steps", "status", "error"]
    assert list(inspect.signature(jn.Solution).parameters) == fields
    assert list(inspect.signature(jn.methods.Method).parameters) == ["init", "step", "compares"]
    assert list(inspect.signature(jn.multinomial_regression.SymmetricParams).parameters) == ["coef", "intercept"]


def test_doctest_collects_every_public_type_once():
    homes = {home(cls) for cls in PUBLIC}
    finder = doctest.DocTestFinder(exclude_empty=False)
    found = [test.name for module in homes for test in finder.find(import_module(module))]
    listed = [name for name in found if re.fullmatch(r"[\w.]+\.__test__\.\w+", name)]
    assert len(listed) == len(PUBLIC)
    assert not {test.name for test in finder.find(jn)} - {"jaxnotes", "jaxnotes.__getattr__", "jaxnotes.__dir__"}


def test_examples_of_a_public_type_and_its_methods_run():
    examples = [test for test in doctest.DocTestFinder().find(sys.modules[__name__]) if "Example" in test.name]
    assert [len(test.examples) for test in examples] == [1, 1]


@public("jaxnotes")
class Example:
    """
    >>> 1 + 1
    2
    """

    def method(self):
        """
        >>> 2 + 2
        4
        """


def test_instances_and_derived_classes_have_a_source_of_their_own(answers):
    assert not hasattr(answers[0], "__wrapped__")
    source = inspect.getsource(jn.multinomial_regression.SymmetricParams)
    assert "class SymmetricParams(LinearParams)" in source


def test_pickles_and_copies_name_no_module_of_core(answers):
    for answer in (*answers, jn.Status.FLAT, jn.FitError("STALLED"), jn.covariances.hc(3)):
        written = pickle.dumps(answer)
        assert b"jaxnotes.core" not in written
        for again in (pickle.loads(written), copy.copy(answer), copy.deepcopy(answer)):
            assert type(again) is type(answer)
            assert repr(again) == repr(answer)


def test_tracebacks_print_the_public_name():
    assert traceback.format_exception_only(jn.FitError("STALLED")) == ["jaxnotes.FitError: STALLED\n"]


def test_a_generic_solution_is_the_same_pytree(answers):
    assert jax.tree.structure(jn.Solution[float](*[jnp.zeros(())] * 6)).num_leaves == 6
    assert jn.Solution[jn.LinearParams].__origin__ is jn.Solution
    assert isinstance(jax.jit(lambda solution: solution)(answers[0]), jn.Solution)
