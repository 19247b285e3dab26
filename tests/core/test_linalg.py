"""Small systems against NumPy: both layouts of the Cholesky factor, dropped pivots, the inverse root and its rank."""

import jax
import numpy as np
import pytest
import tolerances
from tolerances import assert_close

from jaxnotes.core import linalg, products

LANES = 5
factor_and_solve = jax.jit(
    lambda gram, ridge, b: (linalg.solve(f := linalg.factor_spd(gram, ridge), b), f.smallest_pivot)
)


def systems(q: int, dtype, seed: int = 0):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((LANES, 3 * q + 5, q)) * 10.0 ** rng.integers(-2, 3, q)
    gram = np.swapaxes(A, 1, 2) @ A
    return (
        gram.astype(dtype),
        rng.uniform(0, 1, (LANES, q)).astype(dtype),
        rng.standard_normal((LANES, q)).astype(dtype),
    )


def triangle(gram):
    i, j = np.tril_indices(gram.shape[1])
    return gram[:, i, j]


def pivots(matrix):
    """Squared pivots of the matrix scaled to unit diagonal, by NumPy."""
    size = np.sqrt(np.diagonal(matrix))
    return np.diagonal(np.linalg.cholesky(matrix / size[:, None] / size)) ** 2


@pytest.mark.parametrize(
    ("q", "layout"), [(1, triangle), (4, triangle), (9, triangle), (1, np.asarray), (9, np.asarray)]
)
def test_solves_each_lane(q, layout, dtype):
    gram, ridge, b = systems(q, dtype)
    x, smallest = factor_and_solve(layout(gram), ridge, b)
    for lane in range(LANES):
        matrix = gram[lane].astype(float) + np.diag(ridge[lane].astype(float))
        size = np.sqrt(np.diagonal(matrix))
        # Compared in the coordinates of the unit diagonal, where all entries are of like size.
        assert_close(size * x[lane], size * np.linalg.solve(matrix, b[lane]), tolerances.of(dtype).estimate)
        assert float(smallest[lane]) == pytest.approx(pivots(matrix).min(), rel=1e-3)


@pytest.mark.parametrize("layout", [triangle, np.asarray], ids=["triangle", "square"])
def test_a_lost_pivot_is_dropped_and_told(layout, dtype):
    """A repeated and a zero column: the answer solves what is left of the system, and is 0 elsewhere."""
    rng = np.random.default_rng(1)
    A = rng.standard_normal((LANES, 20, 4))
    A[1, :, 2] = A[1, :, 0]
    A[3, :, 1] = 0
    gram = (np.swapaxes(A, 1, 2) @ A).astype(dtype)
    b = np.einsum("lij,lkj,lk->li", gram, gram, np.ones((LANES, 4))).astype(dtype)
    x, smallest = (np.asarray(a) for a in factor_and_solve(layout(gram), np.zeros((LANES, 4), dtype), b))
    np.testing.assert_array_equal(smallest == 0, [False, True, False, True, False])
    assert x[1, 2] == 0
    assert x[3, 1] == 0
    for lane in range(LANES):
        assert_close(gram[lane].astype(float) @ x[lane], b[lane], 10 * tolerances.of(dtype).estimate)


@pytest.mark.parametrize("layout", [triangle, np.asarray], ids=["triangle", "square"])
def test_nan_stays_in_its_lane(layout, dtype):
    gram, ridge, b = systems(4, dtype)
    before = np.asarray(factor_and_solve(layout(gram), ridge, b)[0])
    gram[2] = np.nan
    after = np.asarray(factor_and_solve(layout(gram), ridge, b)[0])
    np.testing.assert_array_equal(np.delete(after, 2, 0), np.delete(before, 2, 0))


inverse_root = jax.jit(linalg.inverse_root, static_argnums=1)


@pytest.mark.parametrize("n", [3, 12])
def test_inverse_root(n, dtype):
    """root root' is the pseudo-inverse of A'A, also with fewer rows than columns, and null spans the null space."""
    rng = np.random.default_rng(n)
    A = rng.standard_normal((n, 5)).astype(dtype)
    A[:, 4] = A[:, 0] + A[:, 1]
    out = inverse_root(A, n)
    tolerance = 100 * tolerances.of(dtype).estimate
    assert int(out.rank) == min(n, 4)
    assert_close(out.root @ out.root.T, np.linalg.pinv(A.T.astype(float) @ A, rcond=1e-5), tolerance)
    null = np.asarray(out.null)
    np.testing.assert_allclose(A @ null.T, 0, atol=tolerance)
    assert np.trace(null @ null.T) == pytest.approx(5 - min(n, 4), rel=1e-5)


def test_rank_of_a_zero_design(dtype):
    out = inverse_root(np.zeros((12, 5), dtype), 12)
    assert int(out.rank) == 0
    np.testing.assert_array_equal(out.root, np.zeros((5, 5)))


@pytest.mark.parametrize("q", [3, products.MAX_PAIRED + 1])
@pytest.mark.parametrize("shared", [True, False])
def test_products(q, shared, dtype):
    """predict, score and gram of both designs, in both layouts of the Gram matrix, against einsum in float64."""
    rng = np.random.default_rng(q)
    n = 30
    Z = rng.standard_normal((1 if shared else LANES, q, n)).astype(dtype)
    theta, r, w = rng.standard_normal((LANES, q)), rng.standard_normal((LANES, n)), rng.uniform(0, 1, (LANES, n))
    theta, r, w = (a.astype(dtype) for a in (theta, r, w))

    @jax.jit
    def all_three(Z, theta, r, w):
        multiply = products.of(Z, LANES)
        return multiply.predict(theta), multiply.score(r[:, None]), multiply.gram(w[:, None, None])

    predicted, score, gram = all_three(Z, theta, r, w)
    full = np.broadcast_to(Z.astype(float), (LANES, q, n))
    tolerance = tolerances.of(dtype).estimate
    assert_close(predicted[:, 0], np.einsum("ljn,lj->ln", full, theta), tolerance)
    assert_close(score, np.einsum("ljn,ln->lj", full, r), tolerance)
    expected = np.einsum("ljn,ln,lkn->ljk", full, w, full)
    assert_close(gram, triangle(expected) if gram.ndim == 2 else expected, tolerance)
    assert (gram.ndim == 2) == (q <= products.MAX_PAIRED)


def test_products_of_several_predictors(dtype):
    """Two predictors: the Gram matrix has a block for each pair of them."""
    rng = np.random.default_rng(2)
    Z, w = rng.standard_normal((LANES, 3, 20)).astype(dtype), rng.uniform(0, 1, (LANES, 2, 2, 20)).astype(dtype)
    w = (w + np.swapaxes(w, 1, 2)) / 2
    theta, r = rng.standard_normal((LANES, 6)).astype(dtype), rng.standard_normal((LANES, 2, 20)).astype(dtype)

    @jax.jit
    def all_three(Z, theta, r, w):
        multiply = products.of(Z, LANES, 2)
        return multiply.predict(theta), multiply.score(r), multiply.gram(w)

    predicted, score, gram = all_three(Z, theta, r, w)
    tolerance = tolerances.of(dtype).estimate
    Z, w = Z.astype(float), w.astype(float)
    assert_close(predicted, np.einsum("lmj,ljn->lmn", theta.reshape(LANES, 2, 3), Z), tolerance)
    assert_close(score, np.einsum("lmn,ljn->lmj", r, Z).reshape(LANES, 6), tolerance)
    assert_close(gram, np.einsum("ljn,labn,lkn->lajbk", Z, w, Z).reshape(LANES, 6, 6), tolerance)
