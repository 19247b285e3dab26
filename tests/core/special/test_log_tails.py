"""Logarithms of tails against mpmath at 50 digits, in all their regimes; derivatives in the shapes too."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxnotes.core.special import log_tails
from jaxnotes.core.special.gamma_terms import beta_excess

pytestmark = pytest.mark.repeated

mp.mp.dps = 50
# Of max(1, |log tail|). For the complement of a tail next to 1, small shapes lose a few eps / shape: see the families.
TOLERANCE = {"float32": 2e-5, "float64": 2e-13}
SIZE = 24


def exact(*values):
    return [mp.mpf(float(value)) for value in values]


def assert_right(ours, reference, dtype, *columns):
    for value, *row in zip(ours, *columns, strict=True):
        expected = reference(*exact(*row))
        assert abs(mp.mpf(float(value)) - expected) <= TOLERANCE[dtype.name] * max(1, abs(expected)), row


def series(first, ratio):
    """log of first (1 + ratio(1) + ratio(1) ratio(2) + ...) for a logarithm `first` and positive ratios."""
    term, total, j = mp.mpf(1), mp.mpf(1), 0
    while term > total * mp.mpf(10) ** -30 or ratio(j + 1) > 1:
        j += 1
        term *= ratio(j)
        total += term
    return first + mp.log(total)


def log_lower_gamma(a, m):
    """DLMF 8.7.1: a positive power series."""
    return series(a * mp.log(m) - m - mp.loggamma(a + 1), lambda j: m / (a + j))


def log_upper_gamma(a, m):
    if m < a + 1:
        return mp.log(-mp.expm1(log_lower_gamma(a, m)))
    return mp.log(mp.gammainc(a, m, mp.inf, regularized=True))


def log_lower_beta(a, b, x):
    """DLMF 8.17.8: a positive power series."""
    first = a * mp.log(x) + b * mp.log(1 - x) - mp.log(a) + mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)
    return series(first, lambda j: (a + b + j - 1) / (a + j) * x)


def log_beta_tails(a, b, x):
    """The smaller tail by its series, the other as the rest."""
    lower = log_lower_beta(a, b, x) if x < (a + 1) / (a + b + 2) else log_lower_beta(b, a, 1 - x)
    rest = mp.log(-mp.expm1(lower))
    return (lower, rest) if x < (a + 1) / (a + b + 2) else (rest, lower)


def test_normal(dtype):
    z = np.concatenate([np.linspace(-12, 40, SIZE), [9.99, 10.01, 1e3, -1e3, 0.0]]).astype(dtype)

    def reference(z):
        return mp.log(mp.erfc(z / mp.sqrt(2)) / 2)

    assert_right(log_tails.log_normal_sf(z), reference, dtype, z)


def test_gamma(dtype):
    rng = np.random.default_rng(0)
    a, rate = 10 ** rng.uniform(-1, 5, SIZE), 10 ** rng.uniform(-3, 3, SIZE)
    near = np.abs(1 + rng.standard_normal(SIZE) * np.minimum(6 / np.sqrt(a), 0.5))
    x = a / rate * np.where(rng.random(SIZE) < 0.5, near, 10 ** rng.uniform(-1.5, 1, SIZE))
    columns = [column.astype(dtype) for column in (a, rate, x)]
    lower, upper = jax.jit(log_tails.log_gamma_tails)(*columns)
    assert_right(lower, lambda a, rate, x: log_lower_gamma(a, rate * x), dtype, *columns)
    assert_right(upper, lambda a, rate, x: log_upper_gamma(a, rate * x), dtype, *columns)


def test_beta(dtype):
    rng = np.random.default_rng(1)
    a, b = 10 ** rng.uniform(-1, 4, (2, SIZE))
    mean = a / (a + b)
    sd = np.sqrt(mean * (1 - mean) / (a + b + 1))
    x = np.clip(mean + 4 * sd * rng.standard_normal(SIZE), 1e-4 * mean, 1 - 1e-4 * (1 - mean))
    columns = [column.astype(dtype) for column in (a, b, np.clip(x, 1e-30, 1 - 1e-6))]
    a, b, x = columns
    tails = jax.jit(lambda a, b, x: log_tails.log_beta_tails(a, b, x, 1 - x, beta_excess(a, b, x)))(a, b, x)
    for side in (0, 1):
        assert_right(tails[side], lambda *row: log_beta_tails(*row)[side], dtype, *columns)  # noqa: B023


def test_student(dtype):
    rng = np.random.default_rng(2)
    df = 10 ** rng.uniform(-1, 6, SIZE)
    z = rng.standard_normal(SIZE) * 10 ** rng.uniform(-4, 2, SIZE)
    z[:4], df[:4] = [1e25, -1e25, 0.0, 1e-3], [2.5, 0.7, 3.0, 9.0]
    columns = z.astype(dtype), df.astype(dtype)
    below, above = jax.jit(log_tails.log_student_tails)(*columns)

    def upper(z, df):
        if z == 0:
            return mp.log(mp.mpf(1) / 2)
        outer, inner = log_beta_tails(df / 2, mp.mpf(1) / 2, df / (df + z * z))
        return outer - mp.log(2) if z > 0 else mp.log((1 + mp.exp(inner)) / 2)

    assert_right(above, upper, dtype, *columns)
    assert_right(below, lambda z, df: upper(-z, df), dtype, *columns)


def test_too_large_is_nan_and_harms_no_neighbour(double):
    a = jnp.array([2e9, 3.0])
    lower, upper = log_tails.log_gamma_tails(a, jnp.ones(2), a)
    assert np.isnan([lower[0], upper[0]]).all()
    alone = log_tails.log_gamma_tails(a[1:], jnp.ones(1), a[1:])
    np.testing.assert_array_equal([lower[1], upper[1]], np.ravel(alone))


def log_upper(a, m):
    return log_tails.log_gamma_tails(a, m, jnp.ones_like(m))[1]


@pytest.fixture(scope="module")
def shape_derivatives():
    """Of first and second order, backwards and forwards: they come through a loop whose length is computed."""
    every = (
        jax.grad(log_upper),
        jax.hessian(log_upper),
        jax.jacrev(jax.jacrev(log_upper)),
        jax.grad(jax.grad(log_upper), argnums=1),
    )
    return jax.jit(lambda a, m: tuple(derivative(a, m) for derivative in every))


@pytest.mark.parametrize("m", [0.4, 2.4, 9.0])
def test_shape_derivatives_against_mpmath(m, shape_derivatives, double):
    def reference(a, m):
        return mp.log(mp.gammainc(a, m, mp.inf, regularized=True))

    first, second, mixed = (float(mp.diff(reference, (2.5, m), order)) for order in ((1, 0), (2, 0), (1, 1)))
    ours = shape_derivatives(2.5, m)
    np.testing.assert_allclose(ours, [first, second, second, mixed], rtol=1e-9)


@pytest.mark.long
def test_beta_derivatives_against_mpmath(double):
    """In both shapes and the point, of first and second order, on both sides of the mean."""

    def f(v):
        a, b, x = v
        return log_tails.log_beta_tails(a, b, x, 1 - x, beta_excess(a, b, x))[0]

    def reference(a, b, x):
        return mp.log(mp.betainc(a, b, 0, x, regularized=True))

    both = jax.jit(lambda v: (jax.grad(f)(v), jax.hessian(f)(v)))
    unit = np.eye(3, dtype=int)
    for point in [(2.5, 4.0, 0.2), (2.5, 4.0, 0.7), (0.6, 0.3, 0.5)]:
        gradient, hessian = both(jnp.array(point))
        expected = [float(mp.diff(reference, point, tuple(map(int, row)))) for row in unit]
        np.testing.assert_allclose(gradient, expected, rtol=1e-10)
        expected = [[float(mp.diff(reference, point, tuple(map(int, u + v)))) for u in unit] for v in unit]
        np.testing.assert_allclose(hessian, expected, rtol=1e-8, atol=1e-9)


def test_normal_derivatives(double):
    """The hazard and its slope h (h - z), from far left to where z^2 / 2 has no digits after the point."""
    h = jax.vmap(lambda z: -jax.grad(log_tails.log_normal_sf)(z))
    slope = jax.vmap(jax.grad(lambda z: -jax.grad(log_tails.log_normal_sf)(z)))
    z = np.array([-40.0, -3.0, 0.0, 2.0, 9.9, 10.1, 300.0, 1e8])

    def hazard(z):
        return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi) / (mp.erfc(z / mp.sqrt(2)) / 2)

    with mp.workdps(80):
        expected = [hazard(v) if v < 1e7 else v + 1 / v for v in exact(*z)]
        slopes = [float(e * (e - v)) if v < 1e7 else 1.0 for e, v in zip(expected, exact(*z), strict=True)]
    np.testing.assert_allclose(h(z), [float(e) for e in expected], rtol=1e-12)
    np.testing.assert_allclose(slope(z), slopes, rtol=1e-9)
