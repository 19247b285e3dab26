"""What the data alone forbid has one order of precedence, for one problem and for lanes."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxnotes import Status
from jaxnotes.core.values import settings, trouble

GOOD = np.ones(3)
EMPTY, NEGATIVE, NAN = np.zeros(3), np.array([1, -1, 1.0]), np.array([1, np.nan, 1])
ALL = {"invalid": True, "not_finite": True, "few": True, "one_class": True}


@pytest.mark.parametrize(
    ("weights", "said", "expected"),
    [
        (GOOD, {}, Status.CONVERGED),
        (GOOD, ALL, Status.INVALID_DATA),
        (GOOD, {**ALL, "invalid": False}, Status.NON_FINITE_DATA),
        (GOOD, {"few": True, "one_class": True}, Status.TOO_FEW_ROWS),
        (GOOD, {"one_class": True}, Status.ONE_CLASS),
        (NEGATIVE, {}, Status.INVALID_DATA),
        (NAN, {}, Status.NON_FINITE_DATA),
        (EMPTY, {"not_finite": True, "one_class": True}, Status.TOO_FEW_ROWS),
    ],
)
def test_one_order(weights, said, expected):
    assert int(trouble.of_data(weights, **said)) == expected
    lanes = trouble.of_data(
        np.stack([weights, GOOD]), **{name: jnp.array([value, False]) for name, value in said.items()}
    )
    np.testing.assert_array_equal(lanes, [expected, Status.CONVERGED])


@pytest.mark.parametrize("value", [-1, 2.5, "3"])
def test_a_count_is_a_whole_number(value):
    with pytest.raises(ValueError, match="max_steps: expected a whole number >= 0, got"):
        settings.check_count("max_steps", value)


def test_settings_stand_once(dtype):
    assert settings.tolerance(None, dtype) == dtype.type(settings.default_tolerance(dtype))
    assert settings.tolerance(0.5, dtype).dtype == dtype
    with pytest.raises(ValueError, match=r"level: expected a number between 0 and 1, got 95"):
        settings.confidence(95)
