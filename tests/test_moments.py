"""Moments against certified values (NIST), exact rational arithmetic, NumPy, and the laws they obey."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import lre
from tolerances import assert_close

from jaxnotes import moments, x64

pytestmark = pytest.mark.repeated

STATISTICS = {
    "mean": moments.mean,
    "std_dev": moments.std,
    "autocorrelation_lag1": moments.autocorrelation,
}
OF_ONE = {
    "mean": moments.mean,
    "variance": moments.variance,
    "std": moments.std,
    "autocorrelation": moments.autocorrelation,
}


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("name", reference.names("nist_univariate"))
def test_nist(name, statistic, double):
    case = reference.case("nist_univariate", name)
    needed = min(13, case["lre_ceiling_float64_data"][statistic] - 1)
    assert lre(STATISTICS[statistic](reference.columns(case)["y"]), float(case["refined"][statistic])) >= needed


# NIST StRD, univariate summary statistics (public domain). Mavro.dat: 50 transmittances of a filter. NumAcc3.dat, after
# Simon and Lesage (1989): 1000000.2, then .1 and .3 in turn, 1001 numbers. Certified values as printed, and the digits
# to which the statistics of the data rounded to float64 can agree with them.
MAVRO = np.array([
    18, 17, 18, 19, 18, 17, 15, 14, 15, 15, 17, 18, 18, 19, 19, 21, 20, 16, 14, 13, 13, 15, 15, 16, 15, 14, 13, 14, 15,
    14, 15, 16, 15, 16, 19, 20, 20, 21, 22, 23, 24, 25, 27, 26, 26, 26, 27, 26, 25, 24,
])  # fmt: skip
EMBEDDED = {
    "Mavro": (
        (20000 + MAVRO) / 10000,
        {"mean": 2.001856, "std_dev": 0.000429123454003053, "autocorrelation_lag1": 0.937989183438248},
        {"mean": 15, "std_dev": 13.1, "autocorrelation_lag1": 13.9},
    ),
    "NumAcc3": (
        np.array([1000000.2, *[1000000.1, 1000000.3] * 500]),
        {"mean": 1000000.2, "std_dev": 0.1, "autocorrelation_lag1": -0.999},
        {"mean": 15, "std_dev": 9.5, "autocorrelation_lag1": 12.2},
    ),
}


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("compiled", ["jit", "constant"])
def test_embedded_nist(name, statistic, compiled, double):
    y, certified, ceiling = EMBEDDED[name]
    function = STATISTICS[statistic]
    found = {
        "jit": lambda: jax.jit(function)(y),
        "constant": lambda: jax.jit(lambda: function(y))(),  # XLA may fold and reassociate what it knows
    }[compiled]()
    assert lre(found, certified[statistic]) >= min(13, ceiling[statistic] - 0.2)


def exact(array) -> list[Fraction]:
    return [Fraction(float(value)) for value in np.asarray(array)]


def exact_covariance(x, y, w) -> Fraction:
    """sum w (x - mean)(y - mean) / (sum w - 1) of rational numbers."""
    total = sum(w)
    mean_x, mean_y = (sum(wi * vi for wi, vi in zip(w, v, strict=True)) / total for v in (x, y))
    return sum(wi * (a - mean_x) * (b - mean_y) for wi, a, b in zip(w, x, y, strict=True)) / (total - 1)


COMPILED = {name: jax.jit(function) for name, function in OF_ONE.items() if name != "autocorrelation"}
COVARIANCE, CORRELATION = jax.jit(moments.covariance), jax.jit(moments.correlation)
SIZE = 12  # one program for all examples


@pytest.mark.parametrize("precision", ["float32", "float64"])
@settings(max_examples=60)
@given(
    x=st.lists(st.integers(-(2**20), 2**20), min_size=SIZE, max_size=SIZE),
    w=st.lists(st.integers(0, 5), min_size=SIZE, max_size=SIZE).filter(lambda w: sum(w) > 1),
    offset=st.sampled_from([0.0, 1.0, -300.0, 1e4, 7e6]),
    scale=st.sampled_from([1.0, 1e-12, 1e12]),
)
def test_right_to_the_last_digits_whatever_the_offset(precision, x, w, offset, scale):
    """Against rational arithmetic on the same floats: a few roundings of the answer itself, no cancellation."""
    x = ((offset + np.array(x) / 2**20) * scale).astype(precision)
    few = 4 * np.finfo(precision).eps
    with x64(precision == "float64"):
        found = {name: float(f(x, weights=np.asarray(w, precision))) for name, f in COMPILED.items()}
    rows, counts = exact(x), [Fraction(k) for k in w]
    mean = sum(k * v for k, v in zip(counts, rows, strict=True)) / sum(counts)
    variance = exact_covariance(rows, rows, counts)
    tiny = float(np.finfo(precision).tiny)  # below, XLA flushes to 0
    # The sum that the mean divides may cancel to half the digits of double words, never more: n eps^2 max |x|.
    assert abs(found["mean"] - float(mean)) <= few * abs(float(mean)) + few**2 * np.max(np.abs(x), initial=tiny)
    assert abs(found["variance"] - float(variance)) <= few * float(variance) + tiny
    assert abs(found["std"] - float(variance) ** 0.5) <= few * float(variance) ** 0.5 + tiny


def test_covariance_of_nearly_uncorrelated_samples_far_from_zero(dtype):
    """The products of rounded deviations would sum to noise."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 300))
    x -= x.mean()
    x, y = (1e3 + x).astype(dtype), (1e3 + y - x * (x @ y) / (x @ x)).astype(dtype)
    expected = float(exact_covariance(exact(x), exact(y), [Fraction(1)] * 300))
    assert abs(expected) < 1e3 * np.finfo(dtype).eps
    assert abs(float(COVARIANCE(x, y)) - expected) <= 4 * np.finfo(dtype).eps * abs(expected)


# More than 8 rows, which are summed in a loop, so that the compiler cannot work out everything beforehand.
KNOWN = np.array([1e8, 1, -1e8, 2, 1e8, -1e8] * 3, np.float32), np.array([1, 2, 1, 2, 1, 1] * 3, np.float32)
KNOWING = {
    "nothing": lambda f: jax.jit(f)(*KNOWN),
    "x": lambda f: jax.jit(lambda w: f(KNOWN[0], w))(KNOWN[1]),
    "weights": lambda f: jax.jit(lambda x: f(x, KNOWN[1]))(KNOWN[0]),
    "all": lambda f: jax.jit(lambda: f(*KNOWN))(),
    "all but one": lambda f: jax.jit(lambda v: f(jnp.stack([*KNOWN[0][:3], v, *KNOWN[0][4:]]), KNOWN[1]))(KNOWN[0][3]),
}


@pytest.mark.parametrize("what", KNOWING)
def test_the_compiler_may_know_the_data(what):
    """Its algebra, (c + x) - c = x for a constant c, is not that of floats; means and covariances stay as they are."""
    assert KNOWING[what](lambda x, w: moments.mean(x, weights=w)) == 0.75
    rows, counts = exact(KNOWN[0]), exact(KNOWN[1])
    expected = float(exact_covariance(rows, [-v / 2 for v in rows], counts))
    found = KNOWING[what](lambda x, w: moments.covariance(x, -x / 2, weights=w))
    assert_close(found, expected, 4e-7)


def test_the_textbook_formulas_would_fail():
    """What the care is for: in float32 both usual formulas lose every digit of these data."""
    x = np.array(EMBEDDED["NumAcc3"][0] * 10, np.float32)  # steps of 1 around 1e7, exact in float32
    true = np.std(x.astype(np.float64), ddof=1)
    by_difference = float(jnp.mean(x**2) - jnp.mean(x) ** 2)
    assert not abs(by_difference - true**2) < true**2
    assert abs(float(moments.std(x)) - true) <= 2e-7 * true


def test_equal_numbers_have_no_variance_at_all(dtype):
    for value in (0.1, 1 / 3, -7.7e30, 1e-30):
        x, w = np.full(11, value, dtype), np.linspace(0.1, 2.3, 11).astype(dtype)
        assert moments.mean(x) == x[0]
        assert moments.mean(x, weights=w) == x[0]
        assert moments.variance(x, weights=w) == 0
        assert np.isnan(moments.autocorrelation(x))  # 0 / 0
        assert np.isnan(moments.correlation(x, np.arange(11, dtype=dtype)))


def test_no_overflow_or_underflow_on_the_way():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((2, 50))
    with x64():
        rho, r = float(moments.correlation(*z)), float(moments.autocorrelation(z[0]))
    for unit in (1e37, 1e-30):
        x, y = (z * unit).astype(np.float32)
        assert_close(moments.std(x), np.std(x.astype(np.float64), ddof=1), 1e-6)
        assert_close(moments.correlation(x, y), rho, 1e-5)
        assert_close(moments.autocorrelation(x), r, 1e-5)
    assert_close(moments.mean(np.array([3e38, 3e38, -1e38], np.float32)), 5e38 / 3, 1e-6)
    assert np.isposinf(moments.variance(np.array([1e30, 2e30], np.float32)))


def test_against_numpy(dtype):
    rng = np.random.default_rng(1)
    X = (rng.standard_normal((40, 3)) @ rng.standard_normal((3, 3)) + 5).astype(dtype)
    w = rng.integers(0, 4, 40)
    tol = tolerances.of(dtype).estimate
    assert_close(moments.covariance(X), np.cov(X.astype(np.float64), rowvar=False), tol)
    assert_close(moments.correlation(X), np.corrcoef(X.astype(np.float64), rowvar=False), tol)
    assert_close(moments.covariance(X, weights=w), np.cov(X.astype(np.float64), rowvar=False, fweights=w), tol)
    assert_close(moments.covariance(X, ddof=0), np.cov(X.astype(np.float64), rowvar=False, ddof=0), tol)
    assert_close(moments.covariance(X[:, 0], X[:, 1]), np.cov(X.astype(np.float64), rowvar=False)[0, 1], tol)
    assert_close(moments.variance(X[:, 0], ddof=0), np.var(X[:, 0].astype(np.float64)), tol)
    assert_close(moments.variance(X[:, 0], ddof=1.5), np.var(X[:, 0].astype(np.float64), ddof=1.5), tol)
    assert_close(moments.mean(X[:, 0], weights=w), np.average(X[:, 0].astype(np.float64), weights=w), tol)
    for function in OF_ONE.values():
        assert function(X[:, 0]).dtype == dtype
    assert moments.covariance(X).dtype == moments.correlation(X).dtype == dtype


@pytest.mark.parametrize("n", [2, 8, 9, 130, 9000])
def test_every_length_is_summed_whole(n, double):
    x = np.random.default_rng(n).standard_normal(n)
    assert_close(moments.mean(x), np.mean(x), 1e-14)
    assert_close(moments.variance(x), np.var(x, ddof=1), 1e-14)


def autocorrelation(x, lag: int) -> float:
    d = x - np.mean(x)
    return np.sum(d[: len(d) - lag] * d[lag:]) / np.sum(d * d)


LAGS = {lag: jax.jit(lambda x, w, lag=lag: moments.autocorrelation(x, lag=lag, weights=w)) for lag in (1, 5)}
TABLES = {
    "covariance": (jax.jit(lambda X, w: moments.covariance(X, weights=w)), lambda X: np.cov(X, rowvar=False)),
    "correlation": (jax.jit(lambda X, w: moments.correlation(X, weights=w)), lambda X: np.corrcoef(X, rowvar=False)),
}
PAIRS = {
    "covariance": jax.jit(lambda x, y, w: moments.covariance(x, y, weights=w)),
    "correlation": jax.jit(lambda x, y, w: moments.correlation(x, y, weights=w)),
}


@settings(max_examples=60)
@given(
    w=st.lists(st.integers(0, 3), min_size=9, max_size=9).filter(lambda w: sum(k > 0 for k in w) > 1),
    seed=st.integers(0, 99),
    lag=st.sampled_from(sorted(LAGS)),
)
def test_a_row_of_weight_k_is_k_rows(w, seed, lag):
    """The law of frequency weights, for every function: f(x, weights=w) = f(repeat(x, w)); an absent NaN is nobody."""
    w = np.array(w, float)
    X = np.random.default_rng(seed).standard_normal((9, 2))
    rows = np.repeat(X, w.astype(int), axis=0)
    X = np.where(w[:, None] > 0, X, [np.nan, np.inf])
    x, y = X.T
    with x64():
        assert_close(COMPILED["mean"](x, weights=w), np.mean(rows[:, 0]), 1e-13)
        assert_close(COMPILED["variance"](x, weights=w), np.var(rows[:, 0], ddof=1), 1e-13)
        assert_close(COMPILED["std"](x, weights=w), np.std(rows[:, 0], ddof=1), 1e-13)
        expected = autocorrelation(rows[:, 0], lag) if lag < len(rows) else np.nan
        assert_close([LAGS[lag](x, w), 1], [expected, 1], 1e-13)
        for name, (table, by_numpy) in TABLES.items():
            assert_close(table(X, w), by_numpy(rows), 1e-13)
            assert_close([PAIRS[name](x, y, w), 1], [by_numpy(rows)[0, 1], 1], 1e-13)


def test_autocorrelation_by_the_sum_itself(double):
    x = np.random.default_rng(2).standard_normal(30)
    for lag in (1, 29):
        assert_close(moments.autocorrelation(x, lag=lag), autocorrelation(x, lag), 1e-13)
    w = np.random.default_rng(3).uniform(0.2, 2, 30)
    # Fractional weights are durations: half the time step is twice the lag.
    half, whole = moments.autocorrelation(x, lag=1, weights=w / 2), moments.autocorrelation(x, lag=2, weights=w)
    assert_close(half, whole, 1e-13)


def test_laws(dtype):
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((2, 64)).astype(dtype)
    tol = tolerances.of(dtype).estimate
    assert_close(moments.covariance(x, x), moments.variance(x), 4 * np.finfo(dtype).eps)
    assert_close(moments.std(x) ** 2, moments.variance(x), 4 * np.finfo(dtype).eps)
    assert moments.covariance(x, y) == moments.covariance(y, x)
    assert_close(moments.variance(3 * x + 7), 9 * moments.variance(x), tol)
    total = moments.variance(x) + moments.variance(y) + 2 * moments.covariance(x, y)
    assert_close(moments.variance(x + y), total, tol)
    assert_close(moments.variance(x, ddof=0), moments.mean(x**2) - moments.mean(x) ** 2, tol)
    assert_close(moments.correlation(x, 2 * x + 1), 1.0, tol)
    assert_close(moments.correlation(x, -x), -1.0, 4 * np.finfo(dtype).eps)
    assert moments.autocorrelation(x, lag=0) == 1
    assert np.linalg.eigvalsh(np.asarray(moments.covariance(np.column_stack([x, y, x + y])))).min() > -tol
    rho = np.asarray(moments.correlation(np.column_stack([x, y, -x]), weights=rng.uniform(0, 1, 64)))
    assert np.all(np.abs(rho) <= 1)
    np.testing.assert_array_equal(rho, rho.T)


@pytest.mark.parametrize("name", [*OF_ONE, "covariance", "correlation"])
def test_jit_and_vmap_agree_with_plain_calls(name):
    rng = np.random.default_rng(5)
    X, Y = (3 + rng.standard_normal((2, 3, 20))).astype(np.float32)
    W = rng.integers(0, 3, (3, 20)).astype(np.float32)
    function = getattr(moments, name)
    data = (X, W) if name in OF_ONE else (X, Y, W)

    def call(*data):
        return function(*data[:-1], weights=data[-1])

    single = np.stack([call(*lane) for lane in zip(*data, strict=True)])
    assert_close(jax.jit(jax.vmap(call))(*data), single, 4 * np.finfo(np.float32).eps)
    assert_close(jax.jit(call)(*(d[0] for d in data)), single[0], 4 * np.finfo(np.float32).eps)


def test_ddof_can_be_swept():
    x = np.array([1, 2, 6], np.float32)
    swept = jax.vmap(lambda ddof: moments.variance(x, ddof=ddof))(jnp.arange(4.0))
    np.testing.assert_allclose(swept, [14 / 3, 7, 14, np.nan], rtol=1e-6)


def test_derivatives(double):
    rng = np.random.default_rng(6)
    x, y = 2 + rng.standard_normal((2, 12))
    w = rng.integers(1, 4, 12).astype(float)
    total, d = w.sum(), x - np.average(x, weights=w)
    e, std = y - np.average(y, weights=w), np.sqrt(np.sum(w * d * d) / (total - 1))

    @jax.jit
    def derivatives(x, y, w):
        return {
            "mean": jax.grad(lambda x: moments.mean(x, weights=w))(x),
            "mean by w": jax.grad(lambda w: moments.mean(x, weights=w))(w),
            "variance": jax.grad(lambda x: moments.variance(x, weights=w))(x),
            "std": jax.grad(lambda x: moments.std(x, weights=w))(x),
            "covariance": jax.grad(lambda x: moments.covariance(x, y, weights=w))(x),
            "table": jax.grad(lambda x: moments.covariance(jnp.stack([x, y], 1), weights=w)[0, 1])(x),
            "second": jax.hessian(lambda x: moments.variance(x, weights=w))(x),
        }

    expected = {
        "mean": w / total,
        "mean by w": d / total,
        "variance": 2 * w * d / (total - 1),
        "std": w * d / (total - 1) / std,
        "covariance": w * e / (total - 1),
        "table": w * e / (total - 1),
        "second": 2 * (np.diag(w) - np.outer(w, w) / total) / (total - 1),
    }
    found = derivatives(x, y, w)
    for name, value in expected.items():
        assert_close(found[name], value, tolerances.of("float64").hand_derived)


@pytest.mark.parametrize("name", ["autocorrelation", "correlation"])
def test_derivatives_of_ratios(name, double):
    x, y = np.random.default_rng(6).standard_normal((2, 12))
    function = jax.jit(moments.autocorrelation if name == "autocorrelation" else lambda x: moments.correlation(x, y))
    slopes = [(function(x + step) - function(x - step)) / 2e-6 for step in 1e-6 * np.eye(12)]
    assert_close(jax.jit(jax.grad(function))(x), slopes, tolerances.of("float64").derivative)


@pytest.mark.parametrize("function", OF_ONE.values(), ids=OF_ONE)
def test_derivatives_at_the_edges(function):
    """A constant sample has a derivative but where the function is 0 / 0; an absent NaN has derivative 0."""
    derivative = jax.jit(jax.grad(lambda x, w: function(x, weights=w), (0, 1)))
    w = np.array([1, 2, 0, 1], np.float32)
    by_x, by_w = derivative(np.array([1, 2, np.nan, 5], np.float32), w)
    assert np.all(np.isfinite(by_x))
    assert np.all(np.isfinite(by_w))
    assert by_x[2] == by_w[2] == 0
    if function in (moments.variance, moments.std):
        assert np.all(derivative(np.full(4, 0.3, np.float32), w)[0] == 0)


@pytest.mark.parametrize("function", OF_ONE.values(), ids=OF_ONE)
def test_trouble_in_the_data_is_nan(function, dtype):
    x = np.array([1, 2, 4, 8], dtype)
    assert np.isnan(function(np.array([1, 2, np.nan, 4], dtype)))
    assert np.isnan(function(x, weights=np.zeros(4, dtype)))
    assert np.isnan(function(x, weights=np.array([1, -1, 2, 2], dtype)))
    assert np.isnan(function(x, weights=np.array([1, np.nan, 2, 2], dtype)))
    if function is moments.mean:
        assert np.isposinf(function(np.array([1, np.inf], dtype)))
        assert np.isnan(function(np.array([-np.inf, np.inf], dtype)))
    else:
        assert np.isnan(function(np.array([1, 2, np.inf, 4], dtype)))
        assert np.isnan(function(x, weights=np.array([0, 1, 0, 0], dtype)))  # one row: sum of weights = ddof = lag


def test_trouble_in_two_samples_is_nan():
    x, y = np.array([1, 2, 4, 8], np.float32), np.array([1, np.nan, 2, 3], np.float32)
    table = np.column_stack([x, y])
    for function in (moments.covariance, moments.correlation):
        assert np.isnan(function(x, y))
        np.testing.assert_array_equal(np.isnan(function(table)), [[False, True], [True, True]])
        assert np.all(np.isnan(function(table, weights=np.zeros(4))))
        assert np.isnan(function(x, x, weights=[-1, 1, 1, 1]))
        assert np.isfinite(function(x, y, weights=[1, 0, 1, 1]))
    np.testing.assert_array_equal(np.isnan(moments.correlation(np.column_stack([x, 0 * x]))), [[0, 1], [1, 1]])
    assert np.isnan(moments.covariance(x, x, weights=[1, 0, 0, 0]))
    assert np.isnan(moments.autocorrelation(x, lag=2, weights=[1, 1, 0, 0]))
    assert np.isnan(moments.autocorrelation(x, lag=3, weights=[1, 1, 0, 0]))


X = np.arange(6, dtype=np.float32)
REFUSED = {
    "a table": (lambda: moments.mean(X.reshape(3, 2)), ValueError, r"x: expected shape \(n,\).*\(3, 2\).*vmap"),
    "a number": (lambda: moments.variance(3.0), ValueError, r"x: expected shape \(n,\) .*got \(\)"),
    "empty": (lambda: moments.mean([]), ValueError, r"x: expected shape \(n,\) with at least one entry, got \(0,\)"),
    "strings": (lambda: moments.std(["one", "two"]), TypeError, "x: expected an array of numbers"),
    "complex": (lambda: moments.std(X * 1j), TypeError, "x: expected float32 or float64, got complex64"),
    "short weights": (lambda: moments.mean(X, weights=X[:4]), ValueError, r"weights: expected shape \(6,\).*\(4,\)"),
    "a column of weights": (lambda: moments.mean(X, weights=X[:, None]), ValueError, r"weights: expected .*\(6, 1\)"),
    "n = ddof": (lambda: moments.variance([1.0]), ValueError, "ddof: expected less than the number of rows, 1, got 1"),
    "n < ddof": (lambda: moments.std(X, ddof=7), ValueError, "ddof: expected less than the number of rows, 6, got 7"),
    "n = ddof, a pair": (lambda: moments.covariance([1.0], [2.0]), ValueError, "ddof: expected less than"),
    "n = ddof, a table": (lambda: moments.covariance([[1.0, 2.0]]), ValueError, "ddof: expected less than"),
    "ddof a vector": (lambda: moments.variance(X, ddof=X), ValueError, r"ddof: expected a number, got shape \(6,\)"),
    "lag = n": (lambda: moments.autocorrelation(X, lag=6), ValueError, "lag: expected an int with 0 <= lag < 6.*got 6"),
    "negative lag": (lambda: moments.autocorrelation(X, lag=-1), ValueError, "lag: expected an int .*got -1"),
    "a fraction of a lag": (lambda: moments.autocorrelation(X, lag=0.5), ValueError, "lag: expected an int .*got 0.5"),
    "short y": (lambda: moments.covariance(X, X[:5]), ValueError, r"y: expected shape \(6,\).*got \(5,\)"),
    "a column y": (lambda: moments.correlation(X, X[:, None]), ValueError, r"y: expected shape \(6,\).*y\[:, 0\]"),
    "x without y": (lambda: moments.covariance(X), ValueError, r"x: expected shape \(n_samples, n_variables\), or a"),
    "no columns": (lambda: moments.correlation(np.ones((3, 0))), ValueError, r"x: expected shape .*got \(3, 0\)"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    attempt, error, message = REFUSED[what]
    with pytest.raises(error, match=f"^{message}"):
        attempt()
