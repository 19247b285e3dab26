"""Groups side by side in tiles have the answers of the same groups one lane each: every chapter, rare endings too."""

import jax
import numpy as np
import pytest
import tolerances

import jaxnotes as jn
from jaxnotes.groups import tiled
from jaxnotes.groups.recipe import of_rows

SIZES = np.array([5, 40, 33, 200, 90, 12, 64, 1, 70, 150])
SEPARATED, DEFICIENT, NEARLY, ONE_ROW = 3, 4, 6, 7


def rows_of(chapter, dtype):
    """Rows in order of their groups: some separated, dependent or nearly so, in several tiles each."""
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(len(SIZES)), SIZES)
    X = rng.normal([0, 50, 0], 1, size=(len(group), 3))
    X[group == DEFICIENT, 2] = 2 * X[group == DEFICIENT, 0]
    far = 1e-3 if dtype == np.float32 else 1e-8
    X[group == NEARLY, 2] = X[group == NEARLY, 0] + far * X[group == NEARLY, 2]
    if chapter is jn.least_squares:
        y = X @ [1.0, -0.5, 0.2] + rng.normal(size=len(group))
    else:
        y = rng.integers(0, 3 if chapter is jn.multinomial_regression else 2, len(group)).astype(float)
        y[group == SEPARATED] = X[group == SEPARATED, 0] > 0
    return group, X.astype(dtype), y.astype(dtype)


def as_lanes(chapter, group, X, y, **settings):
    """The same, a lane of 256 rows for each group, those beyond absent."""
    shape = (len(SIZES), 256)
    within = np.arange(len(group)) - np.repeat(np.cumsum(SIZES) - SIZES, SIZES)
    lanes = {"X": np.zeros((*shape, 3), X.dtype), "y": np.zeros(shape, X.dtype), "weights": np.zeros(shape, X.dtype)}
    for name, values in (("X", X), ("y", y), ("weights", 1)):
        lanes[name][group, within] = values
    n_classes = 3 if chapter is jn.multinomial_regression else None
    one = of_rows(chapter, True, n_classes, settings["cov"])
    shared = {"l2": np.asarray(settings["l2"], X.dtype), "level": np.asarray(0.95, X.dtype)}
    return jax.device_get(jax.jit(jax.vmap(one, in_axes=(0, None, None)))(lanes, {}, shared))


CASES = [
    pytest.param(jn.least_squares, "HC3", 0.0, marks=pytest.mark.long),
    pytest.param(jn.least_squares, "nonrobust", 0.3, marks=pytest.mark.long),
    (jn.logistic_regression, "nonrobust", 0.0),
    pytest.param(jn.logistic_regression, "HC1", 0.3, marks=pytest.mark.long),
    pytest.param(jn.multinomial_regression, "nonrobust", 0.0, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("chapter", "cov", "l2"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.long)])
def test_the_answers_of_lanes(chapter, cov, l2, dtype):
    with jn.x64(dtype == np.float64):
        group, X, y = rows_of(chapter, dtype)
        n_classes = 3 if chapter is jn.multinomial_regression else None
        found = jn.groups.fit(chapter, group, X, y, l2=l2, cov=cov, n_classes=n_classes)
        solution, inference = as_lanes(chapter, group, X, y, l2=l2, cov=cov)
    np.testing.assert_array_equal(found.solution.status, solution.status)
    assert len(set(solution.status.tolist())) >= (1 if l2 else 3)
    np.testing.assert_allclose(found.solution.error, solution.error, atol=0.01)
    close = tolerances.of(np.dtype(dtype)).reblocked
    converged = solution.status == jn.Status.CONVERGED
    theirs, ours = (jax.tree.map(lambda leaf: leaf[converged], of) for of in (inference, found.inference))
    no_spread = np.isnan(theirs.se)  # as many rows as degrees of freedom
    np.testing.assert_array_equal(np.isnan(ours.se), no_spread)
    off, ratio = np.abs(ours.estimate - theirs.estimate) / theirs.se, ours.se / theirs.se
    assert np.max(off[~no_spread]) <= 0.01
    np.testing.assert_allclose(ratio[~no_spread], 1, atol=max(close, 1e-3 if dtype == np.float32 else 1e-8))


def test_one_program_whatever_the_lengths():
    """Compiled once for a chapter, a number of columns and a dtype: longer or more groups find it compiled."""
    rng = np.random.default_rng(3)
    one = of_rows(jn.logistic_regression, True, None, "nonrobust")
    tiled._compiled.cache_clear()
    for lengths in ([3, 4], [2000, 1, 700], [40] * 100):
        group = np.repeat(np.arange(len(lengths)), lengths)
        X, y = rng.normal(size=(len(group), 3)).astype(np.float32), rng.integers(0, 2, len(group))
        jn.groups.fit(jn.logistic_regression, group, X, y.astype(np.float32))
    assert tiled._compiled(one)._cache_size() == 1
