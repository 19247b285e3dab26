"""Names of other libraries: refused as any other, and the refusal says what to write."""

import re

import jax
import numpy as np
import pytest

import jaxnotes as jn
from jaxnotes.core.values import habits

X, Y = np.arange(6.0)[:, None], np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])
SOLUTION = jn.logistic_regression.fit(X, Y)
TABLES = [
    (jn, habits.PACKAGE),
    (SOLUTION, habits.SOLUTION),
    (SOLUTION.params, habits.PARAMS),
    (jn.logistic_regression.infer(SOLUTION, X, Y), habits.INFERENCE),
]
HABITS = [(owner, name, advice) for owner, table in TABLES for name, advice in table.items()]


@pytest.mark.parametrize(("owner", "name", "advice"), HABITS)
def test_a_habit_is_refused_with_advice(owner, name, advice):
    assert not hasattr(owner, name)
    assert name not in dir(owner)
    with pytest.raises(AttributeError, match=rf"has no attribute '{name}'\. Use {re.escape(advice)}\.$"):
        getattr(owner, name)


@pytest.mark.parametrize("advice", sorted({advice for _, _, advice in HABITS}))
def test_what_is_advised_exists(advice):
    scope = {"jn": jn, "solution": SOLUTION, "inference": TABLES[-1][0]}
    for path in re.findall(r"\b(?:jn|solution|inference)(?:\.\w+)+", advice):
        assert eval(path, scope) is not None
    assert "core" not in advice


@pytest.mark.parametrize("owner", [owner for owner, _ in TABLES])
def test_any_other_name_is_refused_plainly(owner):
    with pytest.raises(AttributeError, match=r"has no attribute 'nothing'$"):
        _ = owner.nothing


def test_tracing_sees_the_fields_only():
    assert jax.eval_shape(lambda solution: solution, SOLUTION).params.coef.shape == (1,)
    batch = jax.vmap(lambda y: jn.logistic_regression.fit(X, y))(np.stack([Y, Y]))
    assert jax.tree.map(np.shape, batch.params) == jn.LinearParams((2, 1), (2,))
