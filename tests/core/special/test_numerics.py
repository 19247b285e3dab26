"""Values and derivatives at the edges of the domain, where the plain formulas give NaN, 0 or nothing."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxnotes.core.special import numerics

pytestmark = pytest.mark.repeated

mp.mp.dps = 60
INF = np.inf


def slopes(function, *arguments):
    """The derivative in each argument."""
    return [float(slope) for slope in jax.grad(function, argnums=range(len(arguments)))(*arguments)]


# x, y: value, slopes in x and in y.
XLOGY = {
    (0.0, 0.0): (0, [-INF, 0]),
    (0.0, 2.0): (0, [np.log(2), 0]),
    (0.0, INF): (0, [INF, 0]),
    (3.0, 0.0): (-INF, [-INF, INF]),
    (3.0, 2.0): (3 * np.log(2), [np.log(2), 1.5]),
}


@pytest.mark.parametrize("at", XLOGY)
def test_xlogy(at, double):
    value, expected = XLOGY[at]
    assert float(numerics.xlogy(*at)) == pytest.approx(value)
    assert slopes(numerics.xlogy, *at) == pytest.approx(expected)


# p, q: value, slopes in p and in q.
RELATIVE = {
    (0.0, 0.0): (0, [INF, 0]),
    (0.0, 0.4): (0, [-INF, 0]),
    (0.4, 0.0): (INF, [INF, -INF]),
    (0.4, 0.4): (0, [1, -1]),
    (0.2, 0.4): (-0.2 * np.log(2), [1 - np.log(2), -0.5]),
}


@pytest.mark.parametrize("at", RELATIVE)
def test_relative_entropy(at, double):
    value, expected = RELATIVE[at]
    assert float(numerics.relative_entropy(*at)) == pytest.approx(value)
    assert slopes(numerics.relative_entropy, *at) == pytest.approx(expected)


def test_an_argument_held_fixed_contributes_nothing():
    """Its slope may be infinite; times a tangent of zero it would be NaN."""
    for function in (numerics.xlogy, numerics.relative_entropy):
        assert jax.jvp(lambda y, f=function: f(0.0, y), (0.0,), (1.0,))[1] == 0
        assert jax.grad(function, argnums=1)(0.0, 0.0) == 0


def test_second_derivatives(double):
    hessian = jax.hessian(numerics.xlogy, argnums=(0, 1))(3.0, 2.0)
    np.testing.assert_allclose(hessian, [[0, 0.5], [0.5, -0.75]], rtol=1e-15)
    hessian = jax.hessian(numerics.relative_entropy, argnums=(0, 1))(0.2, 0.4)
    np.testing.assert_allclose(hessian, [[5, -2.5], [-2.5, 1.25]], rtol=1e-14)


def test_ratio():
    assert numerics.ratio(jnp.array(1.0), jnp.array(0.0), 7.0) == 7
    assert slopes(lambda x, y: numerics.ratio(x, y, 7.0), 1.0, 0.0) == [0, 0]
    assert slopes(lambda x, y: numerics.ratio(x, y, 7.0), 1.0, 2.0) == [0.5, -0.25]


def test_logsumexp_of_nothing():
    """-inf and derivative 0 for an empty row; the others as usual."""
    x = jnp.array([[-INF, -INF], [0.0, -INF], [1e4, 1e4]])
    np.testing.assert_allclose(numerics.logsumexp(x, axis=1), [-INF, 0, 1e4 + np.log(2)])
    np.testing.assert_allclose(numerics.logsumexp(x), 1e4 + np.log(2))
    np.testing.assert_array_equal(
        jax.jacrev(lambda x: numerics.logsumexp(x, axis=1))(x)[jnp.arange(3), jnp.arange(3)],
        [[0, 0], [1, 0], [0.5, 0.5]],
    )


@pytest.mark.parametrize("y", [3.0, -INF, INF, np.nan])
def test_exp_times_an_absent_weight(y):
    assert numerics.exp_times(-INF, y) == 0
    assert slopes(numerics.exp_times, -INF, y) == [0, 0]


def test_exp_times(double):
    assert float(numerics.exp_times(0.5, 3.0)) == pytest.approx(3 * np.exp(0.5))
    assert slopes(numerics.exp_times, 0.5, 3.0) == pytest.approx([3 * np.exp(0.5), np.exp(0.5)])
    assert numerics.exp_times(0.0, -INF) == -INF


def logistic(x):
    return 1 / ((1 + mp.exp(-x)) * (1 + mp.exp(x)))


# At these, the products are subnormal or nearly so; the densities alone are 0 from the middle of each list on.
FAR_OUT = {
    "float32": {"logistic": [85.0, 87.5, 89.0, 91.0], "normal": [12.0, 13.2, 13.5, 13.8]},
    "float64": {"logistic": [700.0, 709.5, 712.0, 714.0], "normal": [37.0, 37.7, 37.9, 38.1]},
}


def test_factors_meet_the_density_before_it_underflows(dtype):
    """1000 times it, to rounding of the exponent or the smallest normal number; on both sides, and at 0."""
    tiny, eps = float(np.finfo(dtype).tiny), float(np.finfo(dtype).eps)
    cases = {
        "logistic": (numerics.logistic_density_times, logistic),
        "normal": (numerics.normal_density_times, mp.npdf),
    }
    for name, (function, exact) in cases.items():
        for size in [0.0, 0.7, 5.0, *FAR_OUT[np.dtype(dtype).name][name]]:
            x, lost = np.array([-size, size], dtype), size if name == "logistic" else size**2
            expected = float(1000 * exact(mp.mpf(float(x[1]))))
            np.testing.assert_allclose(
                function(jnp.full(2, 1000, dtype), x), expected, rtol=4 * eps * (1 + lost), atol=tiny
            )
        assert np.all(function(jnp.full(2, 1000, dtype), np.array([-INF, INF], dtype)) == 0)


def test_densities_have_derivatives_of_all_orders(double):
    """Also at 0, where an autodiff of |x| would stop at the first."""
    one = jnp.ones(())
    cases = [
        (numerics.logistic_density, logistic),
        (lambda x: numerics.logistic_density_times(one, x), logistic),
        (lambda x: numerics.normal_density_times(one, x), mp.npdf),
    ]
    for function, exact in cases:
        for order in range(5):
            for x in (-1.3, 0.0, 0.4):
                assert float(function(x)) == pytest.approx(float(mp.diff(exact, x, order)), rel=1e-13, abs=1e-15)
            function = jax.grad(function)


def test_mills_ratio(dtype):
    """Phi(-t) / density(t), from 0 to where it is 1 / t."""
    t = np.concatenate([[0.0], 10.0 ** np.linspace(-8, 4, 97), np.linspace(0, 40, 101)]).astype(dtype)
    found = np.asarray(numerics.mills_ratio(jnp.asarray(t)))
    assert found.dtype == dtype
    for at, value in zip(t, found, strict=True):
        at = mp.mpf(float(at))
        exact = mp.ncdf(-at) / mp.npdf(at)
        assert abs(mp.mpf(float(value)) / exact - 1) <= 4 * float(np.finfo(dtype).eps), float(at)


def test_lifted(dtype):
    v = np.array([0.0, -70.0, -80.0], dtype)
    w, unit = numerics.lifted(jnp.asarray(v))
    np.testing.assert_allclose(
        np.exp(np.asarray(w, float)) * np.asarray(unit, float), np.exp(v.astype(float)), rtol=1e-6
    )
    assert unit[0] == unit[1] == 1
    assert w[2] == v[2] + 32


def test_root_and_norm_at_zero():
    assert (float(numerics.safe_sqrt(jnp.array(0.0))), float(jax.grad(numerics.safe_sqrt)(0.0))) == (0, 0)
    assert np.isnan(numerics.safe_sqrt(jnp.array(-1.0)))
    for order in (1, 2, 3.5):
        assert numerics.safe_norm(jnp.zeros(3), order) == 0
        np.testing.assert_array_equal(jax.grad(lambda x, p=order: numerics.safe_norm(x, p))(jnp.zeros(3)), 0)
