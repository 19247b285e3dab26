"""The delta method where it is exact, a linear function, and where its terms are known, a ratio."""

import jax.numpy as jnp
import numpy as np

from jaxnotes.core.inference import delta_method
from jaxnotes.core.inference.covariance import Estimate


def estimate():
    return Estimate(jnp.array([2.0, 4.0]), jnp.array([[0.04, 0.01], [0.01, 0.09]]), jnp.array(7.0), jnp.array(True))


def test_linear_function(double):
    A = np.array([[1.0, 2.0], [0.0, 3.0], [1.0, -1.0]])
    of = estimate()
    moved = delta_method.transform(lambda theta: jnp.matmul(A, theta), of)
    np.testing.assert_allclose(moved.estimate, A @ of.estimate)
    np.testing.assert_allclose(moved.covariance, A @ of.covariance @ A.T)
    assert moved.df == 7
    assert moved.usable


def test_ratio(double):
    """var(a / b) = (var a - 2 r cov + r^2 var b) / b^2 for r = a / b, to first order."""
    moved = delta_method.transform(lambda theta: theta[:1] / theta[1], estimate())
    r = 0.5
    np.testing.assert_allclose(moved.covariance, [[(0.04 - 2 * r * 0.01 + r**2 * 0.09) / 16]])
