"""Decompositions of many lanes by arithmetic, against LAPACK's of one; their derivatives; branches lane by lane."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tolerances
from tolerances import assert_close

from jaxnotes.core.matrix import lapack

pytestmark = pytest.mark.repeated

LANES = 6


def symmetric(q: int, dtype, seed: int = 0) -> np.ndarray:
    A = np.random.default_rng(seed).standard_normal((LANES, q, q))
    return (A + np.swapaxes(A, 1, 2)).astype(dtype)


@pytest.mark.parametrize("q", [1, 2, 3, 8, 9, lapack.MAX_ARITHMETIC, lapack.MAX_ARITHMETIC + 1])
def test_eigenvalues_of_lanes(q, dtype):
    A = symmetric(q, dtype, q)
    values, V = jax.jit(jax.vmap(lapack.eigh))(A)
    tolerance = tolerances.of(dtype).estimate
    assert_close(values, np.linalg.eigvalsh(A.astype(float)), tolerance)
    assert_close(np.swapaxes(V, 1, 2) @ V, np.broadcast_to(np.eye(q), A.shape), tolerance)
    assert_close(V * np.asarray(values)[:, None] @ np.swapaxes(V, 1, 2), A, tolerance)


def test_degenerate_matrices(dtype):
    """Equal eigenvalues, diagonal and zero matrices, entries far apart; NaN stays in its lane."""
    A = np.zeros((4, 3, 3), dtype)
    A[1], A[2], A[3, 0, 0] = 2 * np.eye(3), np.array([[1, 1e-8, 0], [1e-8, 1, 0], [0, 0, 1e6]]), np.nan
    values, V = jax.vmap(lapack.eigh)(A)
    np.testing.assert_allclose(values[:3], [[0, 0, 0], [2, 2, 2], [1, 1, 1e6]], rtol=1e-6)
    assert np.all(np.isfinite(V[:3]))
    assert np.all(np.isnan(values[3]).any())


def test_neighbours_change_no_bit(dtype):
    """A lane that has converged is not turned any more, however long the others take."""
    A = symmetric(7, dtype)
    easy = np.stack([np.diag(np.arange(1.0, 8)).astype(dtype)] * LANES)
    easy[0] = A[0]
    both, alone = jax.vmap(lapack.eigh)(A), jax.vmap(lapack.eigh)(easy)
    for ours, theirs in zip(both, alone, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])


def test_derivatives_of_eigenvalues(double):
    """Forward and reverse, alone and in lanes, as JAX has them for LAPACK."""
    A, change = symmetric(4, np.float64), symmetric(4, np.float64, 1)
    ours = jax.jvp(jax.vmap(lambda A: lapack.eigh(A)[0]), (A,), (change,))[1]
    assert_close(ours, jax.jvp(jnp.linalg.eigvalsh, (A,), (change,))[1], 1e-10)

    def lowest(eigh):
        return lambda A: eigh(A)[0][0] ** 2 + eigh(A)[1][0, 0] ** 2

    expected = jax.vmap(jax.grad(lowest(jnp.linalg.eigh)))(A)
    expected = (expected + jnp.swapaxes(expected, 1, 2)) / 2
    ours = jax.vmap(jax.grad(lowest(lapack.eigh)))(A)
    assert_close((ours + jnp.swapaxes(ours, 1, 2)) / 2, expected, 1e-10)


def test_only_lanes_in_need_do_the_work():
    """Nested batches too; a lane without need takes the other way."""
    choose = lapack.where_needed(lambda x, y: x * y, lambda x, y: x)
    x, y, needed = jnp.arange(6.0).reshape(2, 3), jnp.full((3,), 10.0), jnp.array([[1, 0, 1], [0, 0, 1]], bool)
    ours = jax.jit(jax.vmap(jax.vmap(choose), (0, 0, None)))(needed, x, y)
    np.testing.assert_array_equal(ours, jnp.where(needed, 10 * x, x))
    assert choose(True, 3.0, 2.0) == 6
    nobody = jax.vmap(choose)(jnp.zeros(3, bool), x[0], y)
    np.testing.assert_array_equal(nobody, x[0])
