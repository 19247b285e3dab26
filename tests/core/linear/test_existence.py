"""Is the data separated? The status against linear programming (HiGHS), on 1,000 random problems in each precision."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

from jaxnotes import Status, logistic_regression
from jaxnotes.core.linear.family import LinearModel
from jaxnotes.core.linear.fit import solver
from jaxnotes.core.linear.intake import design

PROBLEMS, MAX_ROWS, MAX_COLUMNS = 1000, 200, 8
ALLOWED_WRONG = 0.005


def separated(X, y) -> bool:
    """Albert and Anderson: is there d with (2y - 1) A d >= 0 on every row, not all 0, A = [1, X]?"""
    margins = np.column_stack([np.ones(len(X)), X]).astype(float) * np.where(y > 0, 1, -1)[:, None]
    size = np.abs(margins).max(axis=0)
    margins = margins / np.where(size > 0, size, 1)
    found = linprog(-margins.sum(axis=0), A_ub=-margins, b_ub=np.zeros(len(margins)), bounds=(-1, 1), method="highs")
    assert found.success
    return -found.fun > 1e-6


def draw(rng, p: int):
    """Continuous, binary, mixed or integer columns of scales 1e-3 .. 1e3; free, complete or quasi-complete."""
    n = int(rng.integers(20, MAX_ROWS + 1))
    kind = rng.choice(["continuous", "binary", "mixed", "integer"])
    X = rng.standard_normal((n, p))
    for j in range(p):
        if kind == "binary" or (kind == "mixed" and rng.random() < 0.5):
            X[:, j] = rng.random(n) < rng.uniform(0.05, 0.5)
        if kind == "integer":
            X[:, j] = rng.integers(-3, 4, n)
    eta = rng.standard_normal() + X @ rng.standard_normal(p) * rng.choice([0.3, 1, 3, 10])
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    shape = rng.choice(["free", "complete", "quasi"])
    if shape == "complete":
        y = (eta > np.median(eta)).astype(float)
    if shape == "quasi":
        X[:, 0] = rng.random(n) < 0.3
        y = np.where(X[:, 0] > 0, 1, y)
    # Rounded to float32, so that both precisions are asked about the same problem.
    return (X * 10.0 ** rng.integers(-3, 4, p)).astype(np.float32), y.astype(np.float32)


@functools.cache
def problems():
    """Problems by number of columns, and the true status of each."""
    rng = np.random.default_rng(0)
    by_columns = {p: [draw(rng, p) for _ in range(PROBLEMS // MAX_COLUMNS)] for p in range(1, MAX_COLUMNS + 1)}
    return by_columns, {p: np.array([truth(X, y) for X, y in found]) for p, found in by_columns.items()}


def truth(X, y) -> Status:
    A = np.column_stack([np.ones(len(X)), X]).astype(float)
    size = np.abs(A).max(axis=0)
    if len(np.unique(y)) == 1:
        return Status.ONE_CLASS
    if np.linalg.matrix_rank(A / np.where(size > 0, size, 1)) < A.shape[1]:
        return Status.RANK_DEFICIENT
    return Status.SEPARATED if separated(X, y) else Status.CONVERGED


def statuses(found, dtype):
    """All problems of one width in one call, shorter ones filled up with rows of weight 0."""
    X = np.zeros((len(found), MAX_ROWS, found[0][0].shape[1]), dtype)
    y, weights = np.zeros((2, *X.shape[:2]), dtype)
    for lane, (rows, labels) in enumerate(found):
        X[lane, : len(labels)], y[lane, : len(labels)], weights[lane, : len(labels)] = rows, labels, 1
    solution = jax.vmap(lambda X, y, weights: logistic_regression.fit(X, y, weights=weights))(X, y, weights)
    return np.asarray(solution.status)


@pytest.mark.long
def test_against_linear_programming(dtype):
    """Not one separated problem is called CONVERGED, and hardly any other label is wrong."""
    by_columns, true = problems()
    true = np.concatenate(list(true.values()))
    told = np.concatenate([statuses(found, dtype) for found in by_columns.values()])
    for status, least in [(Status.SEPARATED, 200), (Status.CONVERGED, 200), (Status.RANK_DEFICIENT, 1)]:
        assert np.sum(true == status) >= least
    assert not np.any((true == Status.SEPARATED) & (told == Status.CONVERGED))
    assert not np.any((true == Status.ONE_CLASS) & (told == Status.CONVERGED))
    wrong = np.flatnonzero(true != told)
    listed = [f"{lane}: {Status(true[lane]).name} told as {Status(told[lane]).name}" for lane in wrong]
    assert len(wrong) <= ALLOWED_WRONG * len(true), "\n".join(listed)


@pytest.mark.long
def test_separation_of_a_bootstrap_draw_does_not_disturb_its_neighbours(dtype):
    """Small data, many of whose draws are separated: the others' answers are those of a batch without them."""
    rng = np.random.default_rng(5)
    x = np.arange(12.0)
    y = np.array([0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 1, 1], dtype)
    X, lanes = x[:, None].astype(dtype), 64
    weights = rng.multinomial(12, np.full(12, 1 / 12), size=lanes).astype(dtype)
    bootstrap = jax.jit(jax.vmap(lambda weights: logistic_regression.fit(X, y, weights=weights)))
    mixed = bootstrap(weights)
    fine = np.asarray(mixed.status) == Status.CONVERGED
    split = np.array([separated(X[w > 0], y[w > 0]) and len(np.unique(y[w > 0])) == 2 for w in weights])
    one_class = np.array([len(np.unique(y[w > 0])) == 1 for w in weights])
    assert 5 < split.sum() < lanes - 5
    expected = np.where(one_class, Status.ONE_CLASS, np.where(split, Status.SEPARATED, Status.CONVERGED))
    np.testing.assert_array_equal(mixed.status, expected)
    pure = bootstrap(np.where(fine[:, None], weights, weights[np.argmax(fine)][None]))
    assert np.all(np.asarray(pure.status) == Status.CONVERGED)
    for ours, theirs in zip(jax.tree.leaves(mixed), jax.tree.leaves(pure), strict=True):
        np.testing.assert_array_equal(np.asarray(ours)[fine], np.asarray(theirs)[fine])


def test_ordinary_lanes_are_settled_without_being_examined():
    """What is rare must stay rare: each lane that is examined takes as long as many that are not."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(64, 60, 2)).astype(np.float32)
    y = (rng.random((64, 60)) < 0.5).astype(np.float32)
    quick = LinearModel(logistic_regression.FAMILY, 1, True, 50, thorough=False)

    def one(X, y):
        return solver(quick)(design(X, (y, jnp.ones(1)), None, None, 0.0, None)).status

    assert np.sum(np.asarray(jax.jit(jax.vmap(one))(X, y)) != Status.CONVERGED) <= 1
