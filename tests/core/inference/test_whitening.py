"""Roots of the inverses of ill-conditioned normal matrices, and their derivatives."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from jaxnotes.core.inference.whitening import whiten
from jaxnotes.core.special.double_word import Double


def nearly_dependent(dtype, lanes=3):
    """Designs in two words (lanes, 20, 3), the last column so near to the first that only the second word says how;
    one lane in which it is not near.
    """
    rng = np.random.default_rng(0)
    high = rng.standard_normal((lanes, 20, 3)).astype(dtype)
    high[1:, :, 2] = high[1:, :, 0] * (1 + 64 * np.finfo(dtype).eps * np.sign(high[1:, :, 1]))
    low = (np.spacing(np.abs(high)) * rng.uniform(-0.5, 0.5, high.shape)).astype(dtype)
    return high, low


def test_the_root_and_the_rows_are_right_however_near_the_columns_are(dtype):
    high, low = nearly_dependent(dtype)
    squares, penalty = np.full((3, 20), 2, dtype), np.tile(np.array([0, 1, 0], dtype), (3, 1))
    found = jax.jit(jax.vmap(whiten))(Double(high, low), squares, penalty)
    for k in range(3):
        with mpmath.workdps(60):
            number = np.vectorize(lambda v: mpmath.mpf(float(v)), otypes=[object])
            A = number(high[k]) + number(low[k])
            H = 2 * A.T @ A + np.diag(number(penalty[k]))
            inverse = np.array((mpmath.matrix(H) ** -1).tolist(), object)
            leverage = np.sum((A @ inverse) * A, axis=1).astype(float)
        root = np.asarray(found.inverse.root[k], np.longdouble)
        tolerance = 200 * np.finfo(dtype).eps
        np.testing.assert_allclose(root @ root.T, inverse.astype(float), rtol=tolerance)
        np.testing.assert_allclose(np.sum(np.asarray(found.rows[k], float) ** 2, axis=1), leverage, atol=tolerance)


@pytest.mark.long
def test_derivatives_are_those_of_the_inverse(double):
    """Of the inverse and of the rows' lengths, alone and among lanes, near and far."""
    high, _ = nearly_dependent(np.dtype("float64"))
    high[1:, :, 2] = high[1:, :, 0] + 1e-4 * high[1:, :, 1] ** 2
    squares, penalty = np.linspace(0, 1, 60).reshape(3, 20), np.ones((3, 3))

    def ours(high, squares, penalty):
        inverse, _, rows = whiten(Double(high, jnp.zeros_like(high)), squares, penalty)
        return jnp.sum(jnp.sin(inverse.root @ inverse.root.T)) + jnp.sum(jnp.sum(rows**2, axis=1) ** 2)

    def theirs(high, squares, penalty):
        inverse = jnp.linalg.inv(high.T @ (squares[:, None] * high) + jnp.diag(penalty))
        return jnp.sum(jnp.sin(inverse)) + jnp.sum(jnp.sum((high @ inverse) * high, axis=1) ** 2)

    slope = jax.vmap(jax.grad(ours, (0, 1, 2)))(high, squares, penalty)
    for a, b in zip(slope, jax.vmap(jax.grad(theirs, (0, 1, 2)))(high, squares, penalty), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9 * np.max(np.abs(b)))
