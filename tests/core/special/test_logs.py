"""Logarithms against mpmath at 50 digits, with arguments as the floats they are; and their derivatives at the edges."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxnotes.core.special import logs

mp.mp.dps = 50
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


def exact(value):
    return mp.mpf(float(value))


def relative_errors(ours, expected):
    """|ours / expected - 1|, for ours an array and expected a list of mpf."""
    return [float(abs(exact(o) - e) / (abs(e) or 1)) for o, e in zip(ours, expected, strict=True)]


def random(seed, size=200):
    return np.random.default_rng(seed).uniform(size=size)


def test_log1m_exp(dtype):
    x = -(10.0 ** (random(0) * 12 - 10)).astype(dtype)
    x = x[x > -80]
    expected = [mp.log(-mp.expm1(exact(v))) for v in x]
    assert max(relative_errors(logs.log1m_exp(x), expected)) < 4 * EPS[dtype.name]


def test_log1m_exp_exp(dtype):
    x = (random(0) * 85 - 80).astype(dtype)
    x = x[x < 3]
    expected = [mp.log(-mp.expm1(-mp.exp(exact(v)))) for v in x]
    # Near x = 3 the value is exp(-exp x), of which exp(x) = 20 is the condition.
    assert max(relative_errors(logs.log1m_exp_exp(x), expected)) < 40 * EPS[dtype.name]


def test_log1p_square(dtype):
    huge = float(np.finfo(dtype).max) ** 0.7
    x = np.concatenate([10.0 ** (random(0) * 30 - 15), [0.0, 1.0, -1.0, huge, -huge]]).astype(dtype)
    expected = [mp.log1p(exact(v) ** 2) for v in x]
    assert max(relative_errors(logs.log1p_square(x), expected)) < 4 * EPS[dtype.name]


def test_log_ratio(dtype):
    near = 1 + 10.0 ** (-random(0) * 6)
    y = 10.0 ** (random(1) * 30 - 15)
    x = (y * near).astype(dtype)
    x, y = (
        np.concatenate([x, x, [1e30, 1e-30]]).astype(dtype),
        np.concatenate([y, y[::-1], [1e-30, 1e30]]).astype(dtype),
    )
    expected = [mp.log(exact(a) / exact(b)) for a, b in zip(x, y, strict=True)]
    assert max(relative_errors(jax.jit(logs.log_ratio)(x, y), expected)) < 4 * EPS[dtype.name]


def test_log_minus_keeps_the_digits_that_a_logarithm_rounds(dtype):
    """Compiled, where a compiler could undo the pairs of floats; with constants too."""
    x = (10.0 ** (random(0) * 60 - 30)).astype(dtype)
    m = (np.log(x.astype(np.float64)) + 0.3 * (random(1) - 0.5)).astype(dtype)
    expected = [mp.log(exact(a)) - exact(b) for a, b in zip(x, m, strict=True)]
    for ours in (jax.jit(logs.log_minus)(x, m), jax.jit(lambda: logs.log_minus(x, m))()):
        errors = np.array([float(abs(exact(o) - e)) for o, e in zip(ours, expected, strict=True)])
        # The plain difference is off by up to 70 eps / 2.
        assert errors.max() < 0.2 * EPS[dtype.name]


@pytest.mark.parametrize(
    ("function", "points", "slope"),
    [
        (logs.log1m_exp, [-1e-6, -0.3, -5.0, -600.0], lambda x: -1 / np.expm1(-x)),
        (logs.log1m_exp_exp, [-600.0, -3.0, 0.0, 2.0], lambda x: np.exp(x) / np.expm1(np.exp(x))),
        (logs.log1p_square, [-1e200, -2.0, 0.0, 1.0, 1e-9], lambda x: 2 / (x + 1 / x) if x else 0.0),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_derivatives(function, points, slope, double):
    first = jax.jit(jax.grad(function))
    second = jax.jit(jax.grad(jax.grad(function)))
    for x in points:
        # Of exp(-600) the exponent's own rounding is 600 eps.
        assert float(first(x)) == pytest.approx(slope(x), rel=2e-12)
        h = 1e-5 * (abs(x) or 1)
        difference = (float(first(x + h)) - float(first(x - h))) / (2 * h)
        assert float(second(x)) == pytest.approx(difference, rel=1e-5, abs=1e-9)


def test_derivatives_at_the_edges():
    inf = jnp.inf
    assert jax.grad(logs.log1m_exp)(-inf) == 0
    assert jax.grad(logs.log1m_exp_exp)(1e3) == 0
    assert jax.grad(jax.grad(logs.log1m_exp_exp))(1e3) == 0
    assert logs.log1m_exp(0.0) == -inf
    assert logs.log1m_exp(-inf) == 0
    np.testing.assert_allclose(jax.grad(logs.log_ratio, argnums=(0, 1))(2.0, 4.0), (0.5, -0.25))
    np.testing.assert_allclose(jax.grad(logs.log_minus, argnums=(0, 1))(2.0, 4.0), (0.5, -1))
