"""The terms of log densities against mpmath at 50 digits, where gamma functions of 1e12 differ by less than 1."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special

from jaxnotes.core.special import gamma_terms

pytestmark = pytest.mark.repeated

mp.mp.dps = 50
# Of max(1, |value|): the rounding of the few largest terms.
TOLERANCE = {"float32": 3e-6, "float64": 5e-14}
LARGEST = {"float32": 7, "float64": 12}
SIZE = 300


def exact(*values):
    return [mp.mpf(float(value)) for value in values]


def worst(ours, reference, *columns):
    """The largest error relative to max(1, |reference|)."""
    found = 0.0
    for value, *row in zip(ours, *columns, strict=True):
        expected = reference(*exact(*row))
        found = max(found, float(abs(mp.mpf(float(value)) - expected) / max(1, abs(expected))))
    return found


def shapes(seed, dtype):
    """From 1e-4 to a million or a thousand billion."""
    return 10 ** np.random.default_rng(seed).uniform(-4, LARGEST[dtype.name], SIZE)


def stirling_error(z):
    return mp.loggamma(z) - (z - mp.mpf(1) / 2) * mp.log(z) + z - mp.log(2 * mp.pi) / 2


def test_stirling_error(dtype):
    z = np.concatenate([shapes(0, dtype), np.linspace(7.9, 8.1, 5), [1e-30, 0.5, 1.0]]).astype(dtype)
    assert worst(gamma_terms.stirling_error(z), stirling_error, z) < TOLERANCE[dtype.name]


def test_derivatives_of_the_stirling_error(double):
    """Polygamma functions of mpmath: each order has its own series and recurrence."""
    z = np.array([1e-3, 0.4, 1.0, 3.7, 7.99, 8.01, 50.0, 1e6])
    slope = jax.vmap(jax.grad(gamma_terms.stirling_error))
    curvature = jax.vmap(jax.grad(jax.grad(gamma_terms.stirling_error)))
    third = jax.vmap(jax.grad(jax.grad(jax.grad(gamma_terms.stirling_error))))
    first = lambda z: mp.digamma(z) - mp.log(z) + 1 / (2 * z)  # noqa: E731
    # Below 8 the recurrence takes differences of the inverse powers that S is small beside.
    np.testing.assert_allclose(slope(z), [float(first(v)) for v in exact(*z)], rtol=1e-11)
    expected = [float(mp.polygamma(1, v) - 1 / v - 1 / (2 * v**2)) for v in exact(*z)]
    np.testing.assert_allclose(curvature(z), expected, rtol=1e-10)
    expected = [float(mp.polygamma(2, v) + 1 / v**2 + 1 / v**3) for v in exact(*z)]
    np.testing.assert_allclose(third(z), expected, rtol=1e-9)
    expected = [float(mp.digamma(v) - mp.log(v)) for v in exact(*z)]
    np.testing.assert_allclose(gamma_terms.digamma_minus_log(jnp.asarray(z)), expected, rtol=1e-13)


def log_gamma_prefix(a, rate, x):
    return a * mp.log(rate * x) - rate * x - mp.loggamma(a)


def test_log_gamma_prefix(dtype):
    rng = np.random.default_rng(1)
    a, rate = shapes(2, dtype), 10 ** rng.uniform(-5, 5, SIZE)
    near = 1 + rng.standard_normal(SIZE) * np.minimum(3 / np.sqrt(a), 0.3)
    x = a / rate * np.where(rng.random(SIZE) < 0.5, near, 10 ** rng.uniform(-6, 6, SIZE))
    columns = [column.astype(dtype) for column in (a, rate, x)]
    ours = jax.jit(gamma_terms.log_gamma_prefix)(*columns)
    assert worst(ours, log_gamma_prefix, *columns) < TOLERANCE[dtype.name]


def test_gamma_prefix_where_the_product_leaves_the_dtype(double):
    ours = gamma_terms.log_gamma_prefix(jnp.array([3.0, 3.0]), jnp.array([1e-200, 1e200]), jnp.array([1e-200, 1e200]))
    assert float(ours[0]) == pytest.approx(3 * np.log(1e-200) * 2 - np.log(2), rel=1e-14)
    assert float(ours[1]) < -1e300


def log_beta_prefix(a, b, x):
    return a * mp.log(x) + b * mp.log(1 - x) - mp.loggamma(a) - mp.loggamma(b) + mp.loggamma(a + b)


def prefix(a, b, x):
    return gamma_terms.log_beta_prefix(a, b, x, 1 - x, gamma_terms.beta_excess(a, b, x))


def test_log_beta_prefix(dtype):
    rng = np.random.default_rng(3)
    a, b = shapes(4, dtype), shapes(5, dtype)
    mean = a / (a + b)
    sd = np.sqrt(mean * (1 - mean) / (a + b + 1))
    near = np.clip(mean + 3 * sd * rng.standard_normal(SIZE), 1e-3 * mean, 1 - 1e-3 * (1 - mean))
    x = np.clip(np.where(rng.random(SIZE) < 0.6, near, rng.uniform(size=SIZE) ** 4), 1e-30, 1 - 1e-6)
    columns = [column.astype(dtype) for column in (a, b, x)]
    assert worst(jax.jit(prefix)(*columns), log_beta_prefix, *columns) < TOLERANCE[dtype.name]


def test_constants_are_not_folded_into_rounded_sums(double):
    """The compiler sees the numbers, and might simplify the pairs of floats that a traced argument keeps."""
    for a, b, x in [(1e12, 3.1, 1 - 3e-12), (1e11, 1e11, 0.5000003)]:
        ours = jax.jit(lambda a=a, b=b, x=x: prefix(jnp.asarray(a), jnp.asarray(b), jnp.asarray(x)))()
        assert worst([ours], log_beta_prefix, [a], [b], [x]) < TOLERANCE["float64"]


def test_log_student_density(dtype):
    rng = np.random.default_rng(6)
    df = (10 ** rng.uniform(-3, LARGEST[dtype.name], SIZE)).astype(dtype)
    z = (rng.standard_normal(SIZE) * 10 ** rng.uniform(-3, 5, SIZE)).astype(dtype)

    def reference(z, df):
        constant = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(mp.pi * df) / 2
        return constant - (df + 1) / 2 * mp.log1p(z * z / df)

    assert worst(gamma_terms.log_student_density(z, df), reference, z, df) < TOLERANCE[dtype.name]


@pytest.mark.long
def test_gradients_against_digamma(double):
    """First and second derivatives of both prefixes, where a large argument would cancel."""
    for a, rate, x in [(2.5, 0.5, 3.0), (1e8, 2.0, 0.5e8 + 1e3), (0.3, 1.0, 1e-3)]:
        args = tuple(map(jnp.asarray, (a, rate, x)))
        slopes = jax.grad(gamma_terms.log_gamma_prefix, argnums=(0, 1, 2))(*args)
        m_minus_a = float(mp.mpf(rate) * mp.mpf(x) - mp.mpf(a))
        expected = float(mp.log(mp.mpf(rate) * mp.mpf(x)) - mp.digamma(a)), -m_minus_a / rate, -m_minus_a / x
        np.testing.assert_allclose(slopes, expected, rtol=1e-11)
        hessian = jax.hessian(gamma_terms.log_gamma_prefix, argnums=(0, 1, 2))(*args)
        expected = [
            [-scipy.special.polygamma(1, a), 1 / rate, 1 / x],
            [1 / rate, -a / rate**2, -1],
            [1 / x, -1, -a / x**2],
        ]
        np.testing.assert_allclose(np.array(hessian), expected, rtol=1e-7, atol=1e-12)
    for a, b, x in [(2.5, 0.7, 0.6), (1e8, 3e8, 0.25001)]:
        args = tuple(map(jnp.asarray, (a, b, x)))
        slopes = jax.grad(prefix, argnums=(0, 1, 2))(*args)
        common = mp.digamma(mp.mpf(a) + mp.mpf(b))
        a_slope = mp.log(mp.mpf(x)) - mp.digamma(a) + common
        b_slope = mp.log(1 - mp.mpf(x)) - mp.digamma(b) + common
        x_slope = mp.mpf(a) / mp.mpf(x) - mp.mpf(b) / (1 - mp.mpf(x))
        np.testing.assert_allclose(slopes, [float(s) for s in (a_slope, b_slope, x_slope)], rtol=1e-10)
        hessian = np.array(jax.hessian(prefix, argnums=(0, 1, 2))(*args))
        n = scipy.special.polygamma(1, a + b)
        expected = [
            [n - scipy.special.polygamma(1, a), n, 1 / x],
            [n, n - scipy.special.polygamma(1, b), -1 / (1 - x)],
            [1 / x, -1 / (1 - x), -a / x**2 - b / (1 - x) ** 2],
        ]
        np.testing.assert_allclose(hessian, expected, rtol=1e-7)
