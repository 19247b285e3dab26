"""The suite of labelled problems judges rightly: its oracles against others, its verdicts case by case."""

import dataclasses

import numpy as np
import pytest

from bench.faults import fit_orthogonal, judge, logistic_regression, oracle, report, suite
from bench.faults import least_squares as linear
from bench.faults.judge import Answer
from bench.faults.problems import FLOAT32, FLOAT64, Problem, Truth


def lanes(*arrays):
    return [np.asarray(array, float)[None] for array in arrays]


def test_least_squares_oracle():
    """Against the normal equations in float64, with weights, precisions and a penalty."""
    rng = np.random.default_rng(0)
    A = np.column_stack([np.ones(20), rng.standard_normal((20, 2))])
    y, w, p, l2 = rng.standard_normal(20), rng.integers(0, 3, 20), rng.uniform(0.5, 2, 20), 0.1
    theta, se, _, _, smallest = oracle.least_squares(*lanes(A, y, w, p), np.array([l2]), free=1)
    data = A.T @ ((w * p)[:, None] * A)
    inverse = np.linalg.inv(data + w.sum() * l2 * np.diag([0, 1, 1]))
    right = inverse @ A.T @ (w * p * y)
    sigma = np.sum(w * p * (y - A @ right) ** 2) / (w.sum() - np.trace(inverse @ data))
    np.testing.assert_allclose(theta[0].astype(float), right, rtol=1e-12)
    np.testing.assert_allclose(se[0].astype(float), np.sqrt(sigma * np.diag(inverse @ data @ inverse)), rtol=1e-12)
    assert 0.1 < smallest[0] <= 1


def test_logistic_oracle():
    """Two groups: the log odds ratio, and the root of the sum of the reciprocal counts."""
    A, hits, trials = [[1, 0], [1, 1]], np.array([100, 130]), np.array([3000, 2900])
    zeros, ones = np.zeros((1, 2)), np.ones((1, 2))
    theta, se, moved, _ = oracle.binomial(*lanes(A, hits, trials), zeros, ones, np.zeros(1), free=1)
    misses = trials - hits
    assert float(theta[0, 1]) == pytest.approx(np.log(hits[1] / misses[1]) - np.log(hits[0] / misses[0]), rel=1e-14)
    assert float(se[0, 1]) == pytest.approx(np.sqrt(np.sum(1 / hits + 1 / misses)), rel=1e-14)
    assert moved[0] < 1e-12


@pytest.mark.parametrize(
    ("y", "reasons"), [([0, 0, 1, 1], {"SEPARATED"}), ([0, 1, 0, 1], set()), ([1] * 4, {"ONE_CLASS"})]
)
def test_logistic_labels(y, reasons):
    ones = np.ones(4)
    data = {"X": np.arange(4.0)[:, None], "y": np.array(y, float), "weights": ones, "offset": 0 * ones, "trials": ones}
    (truth,) = logistic_regression.truths([{**data, "l2": np.array(0.0)}], FLOAT64)
    assert truth is not None
    assert truth.reasons == reasons
    assert (truth.params is None) == bool(reasons)


def test_deficient_columns_are_seen_and_sound_ones_not():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((12, 2))
    data = {"y": rng.standard_normal(12), "weights": np.ones(12), "precision": np.ones(12), "l2": np.array(0.0)}
    twice, near = np.column_stack([X[:, 0], 3 * X[:, 0]]), np.column_stack([X[:, 0], X[:, 0] + 1e-11 * X[:, 1]])
    deficient, sound = linear.truths([{**data, "X": twice}, {**data, "X": near}], FLOAT64)
    assert deficient.reasons == {"RANK_DEFICIENT"}
    assert deficient.params is None
    assert not sound.reasons


OPTIMUM = Truth(np.array([1.0, 2.0]), np.array([0.1, 0.2]))
SEPARATED = Truth(reasons=frozenset({"SEPARATED"}))
TINY = Truth(np.array([1.0, 2.0]), np.array([0.1, 1e-60]))
VERDICTS = [
    (OPTIMUM, "CONVERGED", [1.0009, 2.0], [0.1, 0.2], judge.RIGHT),
    (OPTIMUM, "CONVERGED", [1.0011, 2.0], [0.1, 0.2], judge.WRONG),
    (OPTIMUM, "CONVERGED", [1.0, 2.0], [0.1, 0.203], judge.WRONG),
    (OPTIMUM, "CONVERGED", [1.0, np.nan], [0.1, 0.2], judge.LEAKED),
    (OPTIMUM, "CONVERGED", [1.0, 2.0], [0.1, np.nan], judge.LEAKED),
    (OPTIMUM, "STALLED", [1.0, 2.0], [0.1, 0.2], judge.NEEDLESS),
    (SEPARATED, "SEPARATED", [1.0, 2.0], [0.1, 0.2], judge.REFUSED),
    (SEPARATED, "STALLED", [1.0, 2.0], [0.1, 0.2], judge.UNTRUE),
    (SEPARATED, "CONVERGED", [1.0, 2.0], [0.1, 0.2], judge.WRONG),
    (TINY, "DIVERGED", [1.0, 2.0], [0.1, 0.0], judge.REFUSED),
    (TINY, "CONVERGED", [1.0, 2.0], [0.1, 0.0], judge.WRONG),
]


@pytest.mark.parametrize(("truth", "status", "estimate", "se", "verdict"), VERDICTS)
def test_verdicts(truth, status, estimate, se, verdict):
    problem = Problem("a kind", 0, {}, truth)
    answer = Answer(status, np.array(estimate, np.longdouble), np.array(se, np.longdouble), np.nan)
    assert judge.judge(problem, answer, FLOAT32).verdict == verdict


def test_a_seed_gives_its_problem_again():
    once, again = (fit_orthogonal.groups(FLOAT32, 1, 0)[0].problems for _ in range(2))
    for a, b in zip(once, again, strict=True):
        assert (a.kind, a.seed) == (b.kind, b.seed)
        np.testing.assert_array_equal(a.data["x"], b.data["x"])


def test_the_line_of_least_distance_has_no_fault():
    groups = [dataclasses.replace(fit_orthogonal.groups(FLOAT32, 1, 0)[0], alone=0)]
    run = suite.ask("fit_orthogonal", FLOAT32, groups)
    assert not judge.failing_kinds(run.findings)
    assert run.count(judge.RIGHT) + run.count(judge.REFUSED) == run.problems == len(fit_orthogonal.KINDS)
    assert report.table([run]).count("\n") == 2


def test_what_raises_is_counted_as_crashed():
    def broken(data):
        raise ZeroDivisionError("oops")

    group = dataclasses.replace(fit_orthogonal.groups(FLOAT32, 1, 0)[0], solve=broken)
    run = suite.ask("fit_orthogonal", FLOAT32, [group])
    assert run.count(judge.CRASHED) == len(group.problems)
    assert "ZeroDivisionError" in run.raised[0]
