"""Statuses: their order, their sentences, and the error that names the lanes."""

import jax
import numpy as np
import pytest

import jaxnotes as jn
from jaxnotes import Status
from jaxnotes.core.values.status import MESSAGES, FitError, first_status


def solution(*codes, shape=None):
    status = np.array(codes, np.int8) if codes else np.zeros((), np.int8)
    status = status if shape is None else status.reshape(shape)
    zero = np.zeros(status.shape, np.float32)
    return jn.Solution(jn.LinearParams(zero[..., None], zero), zero, zero, status.astype(np.int32), status, zero)


def test_codes_are_the_order_of_precedence():
    names = (
        "CONVERGED INVALID_DATA NON_FINITE_DATA TOO_FEW_ROWS ONE_CLASS RANK_DEFICIENT SEPARATED BAD_START DIVERGED "
        "FLAT BOUNDARY MAX_STEPS STALLED"
    )
    assert [status.name for status in sorted(Status)] == names.split()
    assert Status.CONVERGED == 0


def test_every_status_has_a_sentence():
    assert set(MESSAGES) == set(Status)
    assert all(message.endswith(".") for message in MESSAGES.values())


def test_the_first_that_holds_is_told():
    yes, no = np.array([True, False, True, False]), np.array([True, True, False, False])
    told = first_status((yes, Status.SEPARATED), (no, Status.MAX_STEPS), otherwise=Status.STALLED)
    assert told.dtype == np.int8
    assert told.tolist() == [Status.SEPARATED, Status.MAX_STEPS, Status.SEPARATED, Status.STALLED]
    assert first_status((no, Status.FLAT)).tolist() == [Status.FLAT, Status.FLAT, 0, 0]


def test_success_is_silent():
    assert jn.raise_for_status(solution()) is None
    assert jn.raise_for_status(solution(0, 0, 0)) is None
    assert np.array_equal(solution(0, 6, 0).converged, [True, False, True])


@pytest.mark.parametrize("status", [status for status in Status if status != Status.CONVERGED])
def test_a_single_failure_says_why(status):
    with pytest.raises(FitError, match=f"^{status.name}: ") as caught:
        jn.raise_for_status(solution(status, shape=()))
    assert MESSAGES[status] in str(caught.value)


def test_a_batch_says_how_many_and_where():
    codes = np.zeros(100_000, np.int8)
    codes[[17, 20, 21, 99, 4000]] = Status.SEPARATED
    codes[7] = Status.MAX_STEPS
    with pytest.raises(FitError) as caught:
        jn.raise_for_status(solution(*codes))
    first, *reasons = str(caught.value).splitlines()
    assert first == "6 of 100000: 5 SEPARATED (lanes 17, 20, 21, ...), 1 MAX_STEPS (lane 7)"
    assert [line.split(":")[0].strip() for line in reasons] == ["SEPARATED", "MAX_STEPS"]


def test_lanes_of_a_nested_batch_are_pairs():
    with pytest.raises(FitError, match=r"^1 of 6: 1 ONE_CLASS \(lane \(1, 2\)\)"):
        jn.raise_for_status(solution(0, 0, 0, 0, 0, 4, shape=(2, 3)))


def test_inside_jit_it_is_refused():
    with pytest.raises(TypeError, match=r"^raise_for_status: expected a finished Solution, got a traced one"):
        jax.jit(jn.raise_for_status)(solution())


def test_a_solution_is_a_pytree_without_the_data():
    assert len(jax.tree.leaves(solution())) == 7
    doubled = jax.tree.map(lambda leaf: leaf + leaf, solution(3, 0))
    assert isinstance(doubled, jn.Solution)
    assert doubled.status.tolist() == [6, 0]
