"""Small systems against NumPy: both layouts of the Cholesky factor, dropped pivots, roots of inverses and rank."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tolerances
from tolerances import assert_close

from jaxnotes.core.matrix import factors, products, roots

LANES = 5
factor_and_solve = jax.jit(
    lambda gram, ridge, b: (factors.solve(f := factors.factor_spd(gram, ridge), b), f.smallest_pivot)
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


def test_a_single_problem_is_solved_as_a_lane_is(dtype):
    """Alone it is inverted by sweeps instead of factored: the same pivots, the same ones dropped."""
    gram, ridge, b = systems(4, dtype)
    ridge[0], gram[0, 2], gram[0, :, 2] = 0, gram[0, 0], gram[0, :, 0]
    gram[0, 2, 2] = gram[0, 0, 0]
    gram[1, 1], gram[1, :, 1], ridge[1, 1] = 0, 0, 0
    x, smallest = factor_and_solve(gram, ridge, b)
    assert list(np.asarray(smallest) == 0) == [True, True, False, False, False]
    for lane in range(LANES):
        alone, pivot = factor_and_solve(gram[lane : lane + 1], ridge[lane : lane + 1], b[lane : lane + 1])
        size = np.sqrt(np.diagonal(gram[lane]) + ridge[lane])
        assert_close(size * alone[0], size * np.asarray(x)[lane], tolerances.of(dtype).estimate)
        np.testing.assert_array_equal(np.asarray(alone[0]) == 0, np.asarray(x)[lane] == 0)
        assert float(pivot[0]) == pytest.approx(float(smallest[lane]), rel=1e-3)


@pytest.mark.parametrize("layout", [triangle, np.asarray], ids=["triangle", "square"])
def test_nan_stays_in_its_lane(layout, dtype):
    gram, ridge, b = systems(4, dtype)
    before = np.asarray(factor_and_solve(layout(gram), ridge, b)[0])
    gram[2] = np.nan
    after = np.asarray(factor_and_solve(layout(gram), ridge, b)[0])
    np.testing.assert_array_equal(np.delete(after, 2, 0), np.delete(before, 2, 0))


@jax.jit
def root_of_inverse(A):
    return roots.root_of_inverse(A, jnp.ones(len(A), A.dtype), jnp.zeros(A.shape[1], A.dtype))


@pytest.mark.parametrize("n", [3, 12])
@pytest.mark.parametrize("lanes", [1, 3])
def test_root_of_inverse(n, lanes, dtype):
    """root root' is a generalized inverse of A'A, also with fewer rows than columns, and null spans the null space.

    Deficient lanes among others that are not.
    """
    rng = np.random.default_rng(n)
    A = rng.standard_normal((lanes, n, 5)).astype(dtype)
    A[0, :, 4] = A[0, :, 0] + A[0, :, 1]
    out = jax.vmap(lambda A: root_of_inverse(A))(A)
    tolerance = 100 * tolerances.of(dtype).estimate
    for k in range(lanes):
        rank = min(n, 5 - (k == 0))
        assert int(out.rank[k]) == rank
        H = A[k].T.astype(float) @ A[k]
        assert_close(H @ out.root[k] @ out.root[k].T @ H, H, tolerance)
        null = np.asarray(out.null[k])
        np.testing.assert_allclose(A[k] @ null.T, 0, atol=tolerance)
        assert np.linalg.matrix_rank(null) == 5 - rank


def test_rank_does_not_depend_on_the_number_of_rows_nor_on_units(dtype):
    """Columns that differ by 200 roundings are independent, be there 60,000 of them, or in units of 1e-20."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((60_000, 2))
    A[:, 1] = A[:, 0] + 200 * np.finfo(dtype).eps * A[:, 1]
    for scale in (1, dtype.type(1e-20)):
        assert int(root_of_inverse(A.astype(dtype) * np.array([1, scale], dtype)).rank) == 2


def test_rank_of_a_zero_design(dtype):
    A = np.zeros((2, 12, 5), dtype)
    for out in (
        root_of_inverse(A[0]),
        jax.tree.map(lambda leaf: leaf[0], jax.vmap(lambda A: root_of_inverse(A))(A)),
    ):
        assert int(out.rank) == 0
        np.testing.assert_array_equal(out.root, np.zeros((5, 5)))


@pytest.mark.long
def test_derivative_of_a_root_of_the_inverse(double):
    """Of the inverse in design, row weights and penalty, alone and in lanes, weights and penalties of 0 among them."""
    rng = np.random.default_rng(3)
    A, squares, penalty = rng.standard_normal((4, 9, 3)), rng.uniform(0, 1, (4, 9)), rng.uniform(0, 1, (4, 3))
    squares[:, 0], penalty[:, 0] = 0, 0

    def of_root(A, squares, penalty):
        root = roots.root_of_inverse(A, squares, penalty).root
        return jnp.sum(jnp.sin(root @ root.T))

    def directly(A, squares, penalty):
        return jnp.sum(jnp.sin(jnp.linalg.inv(A.T @ (squares[:, None] * A) + jnp.diag(penalty))))

    for order in (jax.grad, lambda f, argnums: jax.grad(lambda *args: jnp.sum(jax.grad(f)(*args) ** 2), argnums)):
        ours = jax.vmap(order(of_root, argnums=(0, 1, 2)))(A, squares, penalty)
        theirs = jax.vmap(order(directly, argnums=(0, 1, 2)))(A, squares, penalty)
        alone = order(of_root, argnums=(0, 1, 2))(A[1], squares[1], penalty[1])
        for a, b, c in zip(ours, theirs, alone, strict=True):
            assert_close(a, b, 1e-9)
            assert_close(c, b[1], 1e-9)


def test_roots_of_positive_definite_matrices(dtype):
    """The Cholesky factor and the root of the inverse, alone and in lanes; NaN where A is not positive definite."""
    rng = np.random.default_rng(4)
    A = rng.standard_normal((4, 9, 5))
    A = np.einsum("lij,lik->ljk", A, A).astype(dtype)
    A[3] -= 100 * np.eye(5, dtype=dtype)
    L, root = jax.vmap(factors.cholesky)(A), jax.vmap(factors.root_of_spd_inverse)(A)
    tolerance = 10 * tolerances.of(dtype).estimate
    assert_close(L[:3], np.linalg.cholesky(A[:3].astype(float)), tolerance)
    assert_close(root[:3] @ np.swapaxes(root[:3], 1, 2), np.linalg.inv(A[:3].astype(float)), tolerance)
    assert np.all(np.isnan(L[3]))
    assert np.all(np.isnan(root[3]))
    assert_close(factors.cholesky(A[0]), L[0], tolerance)


def test_derivative_of_cholesky(double):
    rng = np.random.default_rng(5)
    A, change = (a @ np.swapaxes(a, 1, 2) + 5 * np.eye(4) for a in rng.standard_normal((2, 3, 4, 4)))
    theirs = jax.jvp(jnp.linalg.cholesky, (A,), (change,))[1]
    assert_close(jax.jvp(jax.vmap(factors.cholesky), (A,), (change,))[1], theirs, 1e-10)
    ours, theirs = (
        jax.grad(lambda A, f=f: jnp.sum(jnp.sin(f(A))))(A[0]) for f in (factors.cholesky, jnp.linalg.cholesky)
    )
    assert_close(ours + ours.T, theirs + theirs.T, 1e-10)


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
