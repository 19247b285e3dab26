"""Tails and quantiles against mpmath at 50 digits, and the identities that need no reference."""

import functools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnotes import x64
from jaxnotes.core.special import tails

pytestmark = pytest.mark.repeated

mp.mp.dps = 50
DEGREES = [1, 2, 3, 5, 10, 30, 100, 1e3, 1e4, 1e5]
LAWS = {
    "t": [(df,) for df in [*DEGREES, np.inf]],
    "chi2": [(df,) for df in DEGREES],
    "f": [(1, 30), (1, 1e5), (3, 2), (5, 1e3), (10, 1e4), (30, 5), (100, 100), (1e3, 1e5), (1e5, 3), (1e5, 1e5)],
}
CENTRE = [0.999, 0.9, 0.6, 0.5, 0.35, 0.1, 1e-3, 1e-8]
PROBABILITIES = {"float32": [1 - 2**-23, *CENTRE, 1e-20, 1e-36], "float64": [1 - 2**-50, *CENTRE, 1e-100, 1e-300]}
# The issue asks for 1e-5 and 1e-10; these tighter bounds fail when the compiler undoes a pair of floats.
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}
SMALLEST = {"float32": 1.2e-38, "float64": 1e-307}


def incomplete_beta(y, a, b):
    """I_y(a, b): its positive power series, DLMF 8.17.8, where that converges fast; else mpmath's own."""
    if y > 0.9 or a + b < 200:
        return mp.betainc(a, b, 0, y, regularized=True)
    term = total = mp.mpf(1)
    for j in range(10**6):
        ratio = (a + b + j) * y / (a + 1 + j)
        term *= ratio
        total += term
        if ratio < 1 and term < total * mp.mpf(10) ** -40 * (1 - ratio):
            break
    return mp.exp(a * mp.log(y) + b * mp.log1p(-y) - mp.log(a) - log_beta(a, b)) * total


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


@functools.cache
def reference_f(x, dfn, dfd):
    """The tails above and below x, and x pdf(x)."""
    a, b = mp.mpf(dfd) / 2, mp.mpf(dfn) / 2
    y, u = a / (a + b * x), b * x / (a + b * x)
    density = mp.exp(a * mp.log(y) + b * mp.log(u) - log_beta(a, b))
    if x > 1:
        above = incomplete_beta(y, a, b)
        return above, 1 - above, density
    below = incomplete_beta(u, b, a)
    return 1 - below, below, density


@functools.cache
def reference_chi2(x, df):
    a, z = mp.mpf(df) / 2, x / 2
    density = mp.exp(a * mp.log(z) - z - mp.loggamma(a))
    return mp.gammainc(a, z, mp.inf, regularized=True), mp.gammainc(a, 0, z, regularized=True), density


def reference(law, x, parameters):
    """The tail above x, the tail below it, and |x| pdf(x), each as a small number where it is small."""
    x = mp.mpf(float(x))
    if law == "chi2":
        return reference_chi2(x, *parameters)
    if law == "f":
        return reference_f(x, *parameters)
    if x == 0:
        return mp.mpf(0.5), mp.mpf(0.5), mp.mpf(0)
    (df,) = parameters
    outside, inside, density = reference_chi2(x * x, 1) if df == np.inf else reference_f(x * x, 1, df)
    both = (outside / 2, 1 - outside / 2) if outside < 0.5 else ((1 - inside) / 2, (1 + inside) / 2)
    return (*(both if x > 0 else both[::-1]), density)


def evaluate(function, *columns, dtype="float32"):
    """Call on columns padded to one length, so that all laws share two compilations per precision; a NumPy array."""
    columns = np.broadcast_arrays(*map(np.atleast_1d, columns))
    size = columns[0].size
    return np.asarray(function(*(jnp.asarray(np.resize(column, 121), dtype) for column in columns)))[:size]


def pair(law):
    return getattr(tails, f"{law}_sf"), getattr(tails, f"{law}_isf")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("law", LAWS)
def test_tails_and_quantiles_against_mpmath(law, dtype):
    sf, isf = pair(law)
    p, parameters = zip(*[(p, row) for row in LAWS[law] for p in PROBABILITIES[dtype]], strict=True)
    columns = [np.asarray(column, dtype) for column in zip(*parameters, strict=True)]
    p = np.asarray(p, dtype)
    with x64(dtype == "float64"):
        x = evaluate(isf, p, *columns, dtype=dtype)
        tail = evaluate(sf, x, *columns, dtype=dtype)
    assert x.dtype == tail.dtype == dtype
    for i in range(len(p)):
        if not np.isfinite(x[i]):
            assert law == "f"
            assert parameters[i][1] <= 3
            continue
        above, below, density = reference(law, x[i], parameters[i])
        target = mp.mpf(float(p[i]))
        label = f"p={p[i]} x={x[i]} {parameters[i]}"
        if above > SMALLEST[dtype]:
            assert abs(mp.mpf(float(tail[i])) / above - 1) < TOLERANCE[dtype], label
        if law == "t" and target == 0.5:
            assert x[i] == 0, label
        else:
            miss = above - target if target < 0.5 else (1 - target) - below
            assert abs(miss / density) < TOLERANCE[dtype], label


def test_two_sided_and_normal_are_the_t_tail():
    x = np.array([-30.0, -1.0, 0.0, 0.5, 4.0])
    np.testing.assert_array_equal(evaluate(tails.t_two_sided, x, 4.0), 2 * evaluate(tails.t_sf, abs(x), 4.0))
    np.testing.assert_array_equal(evaluate(tails.norm_sf, x), evaluate(tails.t_sf, x, np.inf))
    np.testing.assert_allclose(evaluate(tails.norm_sf, 2.0), 0.022750131948179, rtol=1e-6)
    np.testing.assert_allclose(evaluate(tails.norm_isf, 1e-10), 6.361340902404, rtol=1e-6)


def test_chi2_is_f_with_infinite_denominator():
    found = evaluate(tails.f_sf, 2.0, 3.0, np.inf), evaluate(tails.chi2_sf, 6.0, 3.0)
    np.testing.assert_allclose(*found, rtol=1e-6)
    quantiles = evaluate(tails.f_isf, 1e-9, 4.0, np.inf) * 4, evaluate(tails.chi2_isf, 1e-9, 4.0)
    np.testing.assert_allclose(*quantiles, rtol=1e-6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(-80, -0.01), st.floats(0, 11.5), st.floats(1, 11.5), st.booleans())
def test_round_trip(log_p, log_dfn, log_dfd, upper):
    """The tail of the quantile is the probability, for x right to 2e-6."""
    p, dfn, dfd = np.exp(np.float32([log_p, log_dfn, log_dfd]))
    p = p if upper else 1 - max(p, np.float32(1e-6))
    x = evaluate(tails.f_isf, p, dfn, dfd)
    below, above = evaluate(tails.f_sf, x * np.array([1 + 2e-6, 1 - 2e-6]), dfn, dfd)
    assert below * (1 - 2e-6) <= p <= above * (1 + 2e-6)


def test_monotone():
    x, p = np.linspace(0, 14, 121), np.linspace(0, 1, 121)
    for law, parameters, scale in [("t", (7.0,), 1), ("t", (np.inf,), 0.9), ("f", (5.0, 9.0), 1), ("chi2", (60.0,), 9)]:
        sf, isf = pair(law)
        tail = evaluate(sf, scale * x, *parameters)
        assert (np.diff(tail) <= 1e-6 * tail[1:]).all()
        assert (np.diff(evaluate(isf, p, *parameters)) < 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_edges_are_exact(dtype):
    inf = np.inf
    with x64(dtype == "float64"):
        for df in (1.0, 4.0, inf):
            assert evaluate(tails.t_sf, [-inf, 0, inf], df, dtype=dtype).tolist() == [1, 0.5, 0]
            assert evaluate(tails.t_isf, [0, 0.5, 1], df, dtype=dtype).tolist() == [inf, 0, -inf]
        for df in (1.0, 2.0, 1e5):
            assert evaluate(tails.f_sf, [-inf, -1, 0, inf], df, 1.0, dtype=dtype).tolist() == [1, 1, 1, 0]
            assert evaluate(tails.f_isf, [0, 1], df, 1.0, dtype=dtype).tolist() == [inf, 0]
            assert evaluate(tails.chi2_sf, [-inf, -1, 0, inf], df, dtype=dtype).tolist() == [1, 1, 1, 0]
            assert evaluate(tails.chi2_isf, [0, 1], df, dtype=dtype).tolist() == [inf, 0]


def test_invalid_is_nan_and_harms_no_neighbour():
    nan = np.nan
    for sf, x, df in [
        (tails.t_sf, nan, 3),
        (tails.t_sf, 1, 0),
        (tails.chi2_sf, 1, -2),
        (tails.chi2_sf, 1, np.inf),
    ]:
        assert np.isnan(evaluate(sf, x, df))
    for dfs in [(0, 3), (3, -1), (nan, 3), (3, nan), (np.inf, 3)]:
        assert np.isnan(evaluate(tails.f_sf, 1.0, *dfs))
        assert np.isnan(evaluate(tails.f_isf, 0.1, *dfs))
    p = np.array([-0.1, 0.2, 1.1, nan, 0.7])
    for law, parameters in [("t", (5.0,)), ("f", (5.0, 9.0)), ("chi2", (60.0,))]:
        x = evaluate(pair(law)[1], p, *parameters)
        assert np.isnan(x).tolist() == [True, False, True, True, False]
        np.testing.assert_array_equal(x[[1, 4]], evaluate(pair(law)[1], p[[1, 4]], *parameters))


def test_jit_vmap_and_broadcasting_agree():
    def round_trip(p, df):
        return tails.t_sf(tails.t_isf(p, df), df)

    p, df = jnp.linspace(0.01, 0.99, 121), jnp.array([1.0, 7.0, 100.0])
    looped = [round_trip(p, d) for d in df]
    with jax.numpy_rank_promotion("raise"):
        mapped = jax.jit(jax.vmap(round_trip, (None, 0)))(p, df)
    np.testing.assert_allclose(mapped, np.stack(looped), rtol=2e-6)
    np.testing.assert_allclose(mapped, np.stack([p] * 3), rtol=2e-6)


@pytest.mark.parametrize(("law", "parameters"), [("t", (5.0,)), ("t", (np.inf,)), ("f", (5.0, 9.0)), ("chi2", (6.0,))])
def test_gradients_against_the_density(law, parameters):
    sf, isf = pair(law)
    x = jnp.resize(jnp.array([1.0, 4.0, 9.0]), 121)
    p, slope = jax.jvp(lambda x: sf(x, *parameters), (x,), (jnp.ones(121),))
    _, inverse = jax.jvp(lambda p: isf(p, *parameters), (p,), (jnp.ones(121),))
    density = np.array([float(reference(law, xi, parameters)[2] / float(xi)) for xi in x[:3]])
    np.testing.assert_allclose(slope[:3], -density, rtol=1e-5)
    np.testing.assert_allclose(inverse[:3], -1 / density, rtol=1e-5)


def test_second_derivative_and_the_middle():
    def slope(function, x):
        return jax.jvp(function, (x,), (jnp.ones_like(x),))[1]

    x, root = jnp.linspace(0, 3, 121), np.sqrt(2 * np.pi)
    curvature = slope(functools.partial(slope, tails.norm_sf), x)
    np.testing.assert_allclose(curvature, x * np.exp(-(x**2) / 2) / root, rtol=1e-5)
    np.testing.assert_allclose(slope(tails.norm_sf, x)[0], -1 / root, rtol=1e-5)
    np.testing.assert_allclose(slope(tails.norm_isf, jnp.full(121, 0.5)), -root, rtol=1e-5)


@pytest.mark.long
@pytest.mark.one_in(4)
@pytest.mark.parametrize("df", [1.0, 2.5, 7.0, 400.0])
def test_derivative_in_degrees_of_freedom(double, df):
    """Of tails and quantiles, near and far, against central differences; forward, reverse and in lanes."""
    functions = {
        "t": lambda df: tails.t_two_sided(2.0, df),
        "far": lambda df: tails.t_two_sided(8.0, df),
        "quantile": lambda df: tails.t_isf(0.025, df),
        "numerator": lambda df: tails.f_sf(1.7, df, 9.0),
        "denominator": lambda df: tails.f_sf(1.7, 3.0, df),
    }
    h = 1e-4 * df
    for name, function in functions.items():
        expected = (function(df + h) - function(df - h)) / (2 * h)
        assert float(jax.grad(function)(df)) == pytest.approx(float(expected), rel=1e-6), name
        lanes = jax.vmap(lambda df, f=function: jax.jvp(f, (df,), (1.0,))[1])(jnp.array([df, 3.0]))
        assert float(lanes[0]) == pytest.approx(float(expected), rel=1e-6), name


def test_dtype_follows_the_input_under_x64():
    with x64():
        assert evaluate(tails.f_isf, 0.3, 5.0, 9.0).dtype == np.float32
