"""Sums against Python's exact integers and fractions, mpmath, and the numbers that teach why they are needed."""

import math
import operator
from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import assert_close

from jaxnotes import sums, x64

pytestmark = pytest.mark.repeated


def exact_sum(x) -> Fraction:
    return sum((Fraction(float(value)) for value in np.asarray(x)), start=Fraction(0))


# Closed forms


@given(n=st.integers(0, 200))
def test_power_sums_are_exact(n):
    for power in (1, 2, 3):
        found = sums.power_sum(n, power=power)
        assert type(found) is int
        assert found == sum(i**power for i in range(1, n + 1))


def test_power_sums_of_any_size():
    assert [sums.power_sum(100, power=p) for p in (1, 2, 3)] == [5050, 338350, 25502500]
    n = 10**30
    assert sums.power_sum(n, power=2) - sums.power_sum(n - 1, power=2) == n**2
    assert sums.power_sum(n, power=3) == sums.power_sum(n, power=1) ** 2
    assert sums.power_sum(np.int64(3), power=1) == 6


RATIOS = [0, 0.3, 0.9, 0.99999, 1, 1.00001, 1.5, 2, -0.5, -0.9999, -1, -1.0001, -3]


@pytest.mark.parametrize("terms", [0, 1, 2, 3, 10, 17, 1000, 10**6])
def test_geometric_sum(terms, dtype):
    """Every digit, also where (1 - r^n) / (1 - r) cancels; inf of the right sign where it overflows."""
    ratios = np.array(RATIOS, dtype)
    found = np.asarray(sums.geometric_sum(ratios, terms=terms))
    assert found.dtype == dtype
    with mpmath.workdps(60):
        for ratio, value in zip(ratios.tolist(), found.tolist(), strict=True):
            r = mpmath.mpf(ratio)
            expected = mpmath.mpf(terms) if r == 1 else (1 - r**terms) / (1 - r)
            if abs(expected) > np.finfo(dtype).max:
                assert np.isinf(value)
                assert np.sign(value) == mpmath.sign(expected)
            else:
                assert abs(value - expected) <= np.finfo(dtype).eps * abs(expected)


def test_geometric_sum_has_a_derivative_at_one(dtype):
    """There sum_i i r^(i-1) = n (n - 1) / 2; the quotient has 0 / 0."""
    for terms in (0, 1, 7, 100):
        slope = jax.grad(lambda r, n=terms: sums.geometric_sum(r, terms=n))(np.ones((), dtype))
        assert_close(slope, terms * (terms - 1) / 2, 8 * np.finfo(dtype).eps)
        slope = jax.grad(lambda r, n=terms: sums.geometric_sum(r, terms=n))(np.array(0.5, dtype))
        assert_close(slope, sum(i * 0.5 ** (i - 1) for i in range(1, terms)), 8 * np.finfo(dtype).eps)


def test_geometric_sum_of_trouble():
    assert np.isnan(sums.geometric_sum(np.nan, terms=3))
    np.testing.assert_array_equal(sums.geometric_sum([np.inf, -np.inf, -np.inf], terms=4), [np.inf, -np.inf, -np.inf])
    assert sums.geometric_sum(-np.inf, terms=1) == 1


def test_telescoping_sum(dtype):
    a = np.random.default_rng(0).integers(-99, 99, 50).astype(dtype)
    assert sums.telescoping_sum(a) == sums.compensated_sum(np.diff(a)) == a[-1] - a[0]
    assert sums.telescoping_sum(a[:1]) == 0
    n = 1000
    by_terms = sums.summation(lambda i: 1 / (i * (i + 1)), first=1, last=n)
    assert_close(by_terms, 1 - 1 / (n + 1), 2e-7)


def test_summation_has_last_minus_first_plus_one_terms():
    """The trap of the notes: the sum from 0 to m over m squared errors counts m + 1."""
    m = 10
    assert sums.summation(lambda i: 1, first=0, last=m) == m + 1
    assert sums.summation(lambda i: 1, first=1, last=m) == m
    assert sums.summation(lambda i: i, first=5, last=5) == 5
    assert sums.summation(lambda i: i, first=5, last=4) == 0


def test_summation_keeps_its_digits(dtype):
    assert sums.summation(lambda i: i**3, first=1, last=100) == 25502500 or dtype == np.float32
    assert sums.summation(lambda i: i**3, first=1, last=2000) == np.asarray(sums.power_sum(2000, power=3), dtype)
    assert sums.summation(lambda i: i**3, first=1, last=2000).dtype == dtype
    harmonic = sum(Fraction(1, i) for i in range(1, 1001))
    assert_close(sums.summation(lambda i: 1 / i, first=1, last=1000), float(harmonic), 2 * np.finfo(dtype).eps)


@settings(max_examples=20)
@given(first=st.integers(-9, 9), shift=st.integers(-9, 9))
def test_index_shift(first, shift):
    term = operator.methodcaller("__pow__", 2)
    last = first + 7  # one length, one program
    shifted = sums.summation(lambda j: term(j + shift), first=first - shift, last=last - shift)
    assert shifted == sums.summation(term, first=first, last=last) == sum(i**2 for i in range(first, last + 1))


def test_double_sums():
    def rectangle(term, m, n):
        return sums.summation(lambda i: sums.summation(lambda j: term(i, j), first=1, last=n), first=1, last=m)

    by_rows = rectangle(lambda i, j: i * j**2, 4, 6)
    by_columns = rectangle(lambda j, i: i * j**2, 6, 4)
    assert by_rows == by_columns == sums.power_sum(4, power=1) * sums.power_sum(6, power=2)
    triangle = rectangle(lambda i, j: (j <= i) * (i + j), 5, 5)
    assert triangle == sum(i + j for i in range(1, 6) for j in range(1, i + 1))


def test_summation_in_transformations():
    def series(x):
        return sums.summation(lambda i: x**i, first=0, last=20)

    assert_close(jax.jit(series)(0.5), 2 - 0.5**20, 2e-7)
    assert_close(jax.grad(series)(0.5), sum(i * 0.5 ** (i - 1) for i in range(1, 21)), 1e-6)
    assert jax.vmap(series)(jnp.array([0.1, 0.2])).shape == (2,)


@given(
    x=st.one_of(st.integers(-50, 50), st.fractions(-3, 3, max_denominator=9)),
    y=st.one_of(st.integers(-50, 50), st.fractions(-3, 3, max_denominator=9)),
    n=st.integers(0, 30),
)
def test_binomial_theorem(x, y, n):
    terms = sums.binomial_terms(x, y, n=n)
    assert len(terms) == n + 1
    assert sum(terms) == (x + y) ** n


@given(n=st.integers(0, 60), k=st.integers(0, 60))
def test_binomial_coefficients(n, k):
    found = sums.binomial_coefficient(n, k)
    assert type(found) is int
    assert found * math.factorial(k) * math.factorial(max(n - k, 0)) == (math.factorial(n) if k <= n else 0)
    if n and k:  # Pascal's triangle
        above = sums.binomial_coefficient(n - 1, k - 1) + sums.binomial_coefficient(n - 1, k)
        assert found == above


N = [1, 2, 3, 5, 8, 20, 67, 1000, 10**5, 10**9, 10**15, 2**53]
PAIRS = [(n, k) for n in N for k in sorted({1, 2, 3, 7, 20, n // 3, n // 2, n - 1}) if 0 < k < n]


def log_binomial(n, k) -> mpmath.mpf:
    with mpmath.workdps(60):
        return mpmath.loggamma(n + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(mpmath.mpf(n) - k + 1)


def test_log_binomial_coefficient_where_log_gammas_cancel(double):
    n, k = np.array(PAIRS, float).T
    found = np.asarray(sums.log_binomial_coefficient(n, k))
    expected = np.array([float(log_binomial(int(n), int(k))) for n, k in PAIRS])
    np.testing.assert_allclose(found, expected, rtol=2e-14)
    gammas = jax.lax.lgamma(n + 1) - jax.lax.lgamma(k + 1) - jax.lax.lgamma(n - k + 1)
    assert np.max(np.abs(gammas - expected) / expected) > 1e-2  # what the care is for


def test_log_binomial_coefficient_of_small_and_real_numbers(dtype):
    n = np.repeat(np.arange(31.0), 31)
    k = np.tile(np.arange(31.0), 31)
    with np.errstate(divide="ignore"):
        expected = np.log([float(math.comb(int(a), int(b))) for a, b in zip(n, k, strict=True)])
    found = sums.log_binomial_coefficient(n.astype(dtype), k.astype(dtype))
    np.testing.assert_allclose(found, expected, rtol=32 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
    assert np.all(np.asarray(found)[k == 0] == 0)
    for real in ((7.5, 2.25), (0.5, 0.25), (1e6, 0.5)):
        found = sums.log_binomial_coefficient(*np.asarray(real, dtype))
        expected = float(log_binomial(*np.asarray(real, dtype).tolist()))
        assert abs(float(found) - expected) <= 32 * np.finfo(dtype).eps * max(1, expected)


def test_log_binomial_coefficient_at_the_edges(double):
    assert np.all(np.isneginf(sums.log_binomial_coefficient([5.0, 5.0, 0.0], [6.0, -1.0, 1.0])))
    assert np.all(np.isnan(sums.log_binomial_coefficient([-1.0, np.nan, 3.0], [0.0, 1.0, np.nan])))
    assert sums.log_binomial_coefficient(0, 0) == 0
    psi = [float(mpmath.digamma(v)) for v in (11, 1, 6)]
    slope = jax.grad(sums.log_binomial_coefficient, (0, 1))
    assert_close(slope(10.0, 0.0), [0.0, psi[0] - psi[1]], 1e-13)
    assert_close(slope(10.0, 10.0), [psi[0] - psi[1], psi[1] - psi[0]], 1e-13)
    assert_close([*slope(10.0, 5.0), 1], [psi[0] - psi[2], 0.0, 1], 1e-13)  # k = n - k: 0 by symmetry


def test_log_product():
    x = np.array([-2, 0.5, 3, -7, -1.5], np.float32)
    sign, log = sums.log_product(x)
    assert sign == np.sign(np.prod(x))
    assert_close(sign * np.exp(log), np.prod(x), 1e-6)
    factorial = sums.log_product(np.arange(1, 171, dtype=np.float32))[1]
    assert_close(factorial, math.lgamma(171), 2e-7)
    assert sums.log_product([]) == (1, 0)
    assert sums.log_product([3.0, 0.0, -2.0]) == (0, -np.inf)
    assert np.isnan(sums.log_product([1.0, np.nan])[1])
    assert_close(jax.grad(lambda x: sums.log_product(x)[1])(x), 1 / x, 1e-6)


# Sums of floats


def test_the_numbers_of_the_lesson():
    tenth = np.full(1_000_000, 0.1, np.float32)
    assert f"{sums.running_sum(tenth):.2f}" == "100958.34"
    assert f"{sums.pairwise_sum(tenth):.2f}" == "100000.01"
    assert sums.compensated_sum(tenth) == np.float32(exact_sum(tenth[:1]) * 1_000_000)


def test_the_harmonic_series_stalls():
    n = 2_097_152
    terms = 1 / np.arange(1, n + 1000, dtype=np.float32)
    stalled = sums.running_sum(terms[: n - 1])
    assert f"{stalled:.6f}" == "15.403683"
    assert sums.running_sum(terms[: n - 2]) < stalled
    assert sums.running_sum(terms) == stalled
    true = np.sum(terms.astype(np.float64))
    for kept in (sums.pairwise_sum, sums.compensated_sum):
        assert_close(kept(terms), true, 2e-7)
        assert kept(terms) > kept(terms[: n - 1])


NUMBERS = st.lists(
    st.tuples(st.integers(-(2**12), 2**12), st.integers(-30, 30)), min_size=1, max_size=24
)  # sums are exact in rational arithmetic, and no part of them underflows


@pytest.mark.parametrize("precision", ["float32", "float64"])
@settings(max_examples=100)
@given(drawn=NUMBERS, cancel=st.booleans())
def test_sums_keep_their_bounds(precision, drawn, cancel):
    x = np.array([m * 2.0**e for m, e in drawn] + [0.0] * (24 - len(drawn)), precision)
    x = np.concatenate([x, -x[::-1] if cancel else x])
    x[5] += 1
    eps, true, size = np.finfo(precision).eps, exact_sum(x), exact_sum(np.abs(x))
    bounds = {
        sums.running_sum: 48 * eps / 2 * size,
        sums.pairwise_sum: (7 + 3) * eps / 2 * size,
        sums.compensated_sum: eps / 2 * abs(true) + 24 * eps**2 * size,
    }
    with x64(precision == "float64"):
        for function, bound in bounds.items():
            assert abs(Fraction(float(function(x))) - true) <= Fraction(bound) * (1 + Fraction(1, 1000))


@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 16, 17, 100, 4097])
def test_every_length_is_summed_whole(n, dtype):
    x = np.arange(1, n + 1, dtype=dtype)
    for function in (sums.running_sum, sums.pairwise_sum, sums.compensated_sum):
        assert function(x) == n * (n + 1) // 2
        assert function(x).dtype == dtype


LARGE = np.float32(1e8)
FOLDED = {
    "no constants": lambda v: jnp.stack([LARGE * v, v, -LARGE * v]),
    "constant first": lambda v: jnp.stack([LARGE, v, -LARGE]),
    "constants first": lambda v: jnp.stack([LARGE, -LARGE, v]),
    "constant last": lambda v: jnp.stack([v, LARGE, -LARGE]),
    "all constant": lambda v: jnp.stack([LARGE, np.float32(1), -LARGE]),
    "constant vectors": lambda v: jnp.concatenate([jnp.full((9,), LARGE), v[None], jnp.full((9,), -LARGE)]),
}


@pytest.mark.parametrize("how", FOLDED)
def test_compensation_survives_the_compiler(how):
    """XLA rewrites (c + x) - c into x for a constant c, which would leave no rounding error to carry along."""
    compiled = jax.jit(lambda v: sums.compensated_sum(FOLDED[how](v)))
    assert compiled(np.float32(1)) == 1
    assert jax.vmap(compiled)(np.ones(3, np.float32)).tolist() == [1, 1, 1]


def test_pairwise_order_survives_the_compiler():
    """The same bits as the additions done one by one on the host."""
    x = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    rows = np.pad(x, (0, 24)).reshape(8, 128)
    total = rows[0]
    for row in rows[1:]:
        total = total + row
    while len(total) > 1:
        total = total[: len(total) // 2] + total[len(total) // 2 :]
    assert sums.pairwise_sum(x) == jax.jit(sums.pairwise_sum)(x) == jax.jit(lambda: sums.pairwise_sum(x))() == total[0]


def test_sums_of_trouble_and_derivatives(dtype):
    for function in (sums.running_sum, sums.pairwise_sum, sums.compensated_sum):
        assert np.isposinf(function(np.array([1, np.inf, 2], dtype)))
        assert np.isnan(function(np.array([1, np.inf, -np.inf], dtype)))
        assert np.isnan(function(np.array([1, np.nan, 2], dtype)))
        assert np.all(jax.grad(function)(np.array([1, 2, 3], dtype)) == 1)
        assert_close(jax.hessian(lambda x, f=function: f(x) ** 2)(np.array([1, 2, 3], dtype)), np.full((3, 3), 2), 1e-6)


# Norms


@pytest.mark.parametrize("order", [1, 2, 3, 1.5, 7.25, math.inf])
def test_norm(order, dtype):
    x = np.random.default_rng(0).standard_normal(20).astype(dtype)
    expected = np.linalg.norm(x.astype(np.float64), order)
    assert_close(sums.norm(x, order), expected, 8 * np.finfo(dtype).eps)
    assert_close(jax.jit(sums.norm)(x, np.asarray(order, dtype)), expected, 16 * np.finfo(dtype).eps)
    assert sums.norm(x, order).dtype == dtype
    for unit in (1e30, 1e-30, 3e37):  # squares overflow or underflow in float32
        assert_close(sums.norm(x / 2 * dtype.type(unit), order), expected / 2 * unit, 16 * np.finfo(dtype).eps)
    assert sums.norm(np.zeros(3, dtype), order) == sums.norm(np.zeros(0, dtype), order) == 0
    assert np.isposinf(sums.norm(np.array([1, -np.inf], dtype), order))
    assert np.isnan(sums.norm(np.array([1, np.nan, np.inf], dtype), order))


@pytest.mark.parametrize("order", [1, 2, 3, 1.5, math.inf])
@pytest.mark.parametrize("unit", [1.0, 1e30, 1e-30])
def test_gradient_of_the_norm(order, unit):
    x = np.array([3, -4, 0, 1], np.float32) * np.float32(unit)
    gradient = np.asarray(jax.grad(sums.norm)(x, order))
    z = np.array([3, -4, 0, 1.0])
    expected = {1: np.sign(z), math.inf: np.array([0, -1.0, 0, 0])}.get(order)
    if expected is None:
        expected = np.sign(z) * (np.abs(z) / np.linalg.norm(z, order)) ** (order - 1)
    assert_close(gradient, expected, 1e-6)
    assert gradient[2] == 0
    dual = {1: math.inf, math.inf: 1}.get(order) or order / (order - 1)
    assert_close(np.linalg.norm(gradient.astype(float), dual), 1.0, 1e-6)  # as every gradient of a norm has


@pytest.mark.parametrize("order", [1, 2, 3, 1.5, math.inf])
def test_gradient_of_the_norm_at_zero(order):
    """0, a subgradient: ||y|| >= ||0|| + 0'y for all y. Traced orders too."""
    zero = np.zeros(3, np.float32)
    assert np.all(jax.grad(sums.norm)(zero, order) == 0)
    assert np.all(jax.vmap(jax.grad(sums.norm), (None, 0))(zero, jnp.array([1.0, 1.5, 2.0])) == 0)


def test_norm_of_largest_entries_shares_its_gradient():
    np.testing.assert_array_equal(jax.grad(sums.norm)(jnp.array([2.0, -2.0, 1.0]), math.inf), [0.5, -0.5, 0])


def test_norm_by_its_order(double):
    """Decreasing in the order, which can be swept and differentiated; below 1 it is no norm."""
    x, step = np.array([3.0, -4.0, 0.0, 1.0]), 1e-6
    orders = np.array([1.0, 1.5, 2.0, 4.0, 50.0, np.inf])
    swept = jax.vmap(sums.norm, (None, 0))(x, orders)
    assert_close(swept, [np.linalg.norm(x, p) for p in orders], 1e-14)
    assert np.all(np.diff(swept) < 0)
    slope = (sums.norm(x, 3 + step) - sums.norm(x, 3 - step)) / (2 * step)
    assert_close(jax.grad(sums.norm, 1)(x, 3.0), slope, tolerances.of("float64").derivative)
    assert np.isnan(sums.norm(x, jnp.asarray(0.5)))
    hessian = (np.eye(4) - np.outer(x, x) / 26) / np.sqrt(26)
    assert_close(jax.hessian(sums.norm)(x), hessian, 1e-14)


# Big O


@pytest.mark.parametrize("exponent", [0.5, 1, 3])
def test_scaling_exponent_of_an_exact_power(exponent, dtype):
    sizes = np.array([10, 20, 50, 100, 1000], dtype)
    found = sums.scaling_exponent(sizes, (3e-7 * sizes.astype(float) ** exponent).astype(dtype))
    few = 60 * np.finfo(dtype).eps  # the rounding of logarithms of size 15
    assert abs(float(found.exponent) - exponent) <= few
    assert 0 <= found.se <= few
    assert found.exponent.dtype == found.se.dtype == dtype


def test_scaling_exponent_by_statsmodels(double):
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    sizes = 2.0 ** np.arange(4, 14)
    times = 1e-6 * sizes**1.5 * np.exp(0.1 * rng.standard_normal(10))
    fit = sm.OLS(np.log(times), sm.add_constant(np.log(sizes))).fit()
    exponent, se = sums.scaling_exponent(sizes, times)
    assert_close([exponent, se], [fit.params[1], fit.bse[1]], 1e-12)
    assert_close(jax.jit(sums.scaling_exponent)(sizes, times).se, se, 1e-12)
    slopes = jax.grad(lambda t: sums.scaling_exponent(sizes, t).exponent)(times)
    z = np.log(sizes) - np.log(sizes).mean()
    assert_close(slopes, z / np.sum(z**2) / times, 1e-12)
    many = jax.vmap(lambda t: sums.scaling_exponent(sizes, t))(np.stack([times, times**2]))
    assert_close(many.exponent, [exponent, 2 * exponent], 1e-12)


def test_scaling_exponent_of_trouble():
    assert np.all(np.isnan(sums.scaling_exponent([1, 2, 4], [1, 0, 2])))
    assert np.all(np.isnan(sums.scaling_exponent([1, 2, -4], [1, 1, 2])))
    assert np.all(np.isnan(sums.scaling_exponent([2, 2, 2], [1, 1.5, 2])))


X = np.arange(6, dtype=np.float32)
REFUSED = {
    "negative n": (lambda: sums.power_sum(-1, power=1), ValueError, "n: expected an int >= 0, got -1"),
    "real n": (lambda: sums.power_sum(3.5, power=1), TypeError, "n: expected a Python int, got 3.5"),
    "traced n": (lambda: jax.jit(lambda n: sums.power_sum(n, power=1))(3), TypeError, "n: expected a Python int"),
    "power 4": (lambda: sums.power_sum(3, power=4), ValueError, "power: expected 1, 2 or 3, got 4"),
    "negative terms": (lambda: sums.geometric_sum(0.5, terms=-1), ValueError, "terms: expected an int >= 0, got -1"),
    "strings": (lambda: sums.geometric_sum("half", terms=1), TypeError, "ratio: expected an array of numbers, got str"),
    "no a_0": (lambda: sums.telescoping_sum([]), ValueError, r"a: expected at least a_0, got shape \(0,\)"),
    "real first": (lambda: sums.summation(abs, first=0.5, last=2), TypeError, "first: expected a Python int, got 0.5"),
    "vector terms": (
        lambda: sums.summation(lambda i: jnp.stack([i, i]), first=1, last=2), ValueError,
        r"term: expected shape \(n,\), got \(2, 2\)",
    ),
    "i too large": (
        lambda: sums.summation(abs, first=2**25, last=2**25 + 1), ValueError, "last: expected -16777216 <= first, last",
    ),
    "negative k": (lambda: sums.binomial_coefficient(3, -1), ValueError, "k: expected an int >= 0, got -1"),
    "array terms": (lambda: sums.binomial_terms(X, 1, n=2), TypeError, "x: expected an int, a float or a Fraction"),
    "complex n": (lambda: sums.log_binomial_coefficient(3j, 1), TypeError, "n: expected float32 or float64"),
    "a table": (lambda: sums.pairwise_sum(X[None]), ValueError, r"x: expected shape \(n,\), got \(1, 6\).*vmap"),
    "a number": (lambda: sums.compensated_sum(1.0), ValueError, r"x: expected shape \(n,\), got \(\)"),
    "float16": (lambda: sums.running_sum(X.astype(np.float16)), TypeError, "x: expected float32 or float64, got float"),
    "a matrix norm": (lambda: sums.norm(X.reshape(2, 3)), ValueError, r"x: expected shape \(n,\), got \(2, 3\)"),
    "order below 1": (lambda: sums.norm(X, 0.5), ValueError, "order: expected a number >= 1, got 0.5.*triangle"),
    "order NaN": (lambda: sums.norm(X, math.nan), ValueError, "order: expected a number >= 1, got nan"),
    "orders": (lambda: sums.norm(X, X), ValueError, r"order: expected a number, got shape \(6,\).*vmap"),
    "two sizes": (lambda: sums.scaling_exponent([1, 2], [1, 2]), ValueError, "sizes: expected at least 3 sizes"),
    "times too short": (lambda: sums.scaling_exponent(X, X[:3]), ValueError, r"times: expected shape \(6,\).*\(3,\)"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    attempt, error, message = REFUSED[what]
    with pytest.raises(error, match=f"^{message}"):
        attempt()
