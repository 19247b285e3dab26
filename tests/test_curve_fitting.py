"""Chapter 3, curves: scipy and least squares itself as peers, endings, restricted parameters, bands, batches."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import assert_close

from jaxnotes import Status, curve_fitting, least_squares, x64
from jaxnotes.core.descent.bijections import bounded, positive, real, simplex

pytestmark = pytest.mark.repeated

T = np.linspace(0, 4, 30)


def decay(params, t):
    return params["a"] * jnp.exp(-params["k"] * t) + params["c"]


def line(params, x):
    return params[0] + params[1] * x


def start(dtype="float64"):
    return {"a": np.array(1, dtype), "k": np.array(1, dtype), "c": np.array(0, dtype)}


def decays(dtype="float64", lanes: int = 1, noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """t and `lanes` noisy curves a exp(-k t) + c."""
    rng = np.random.default_rng(0)
    a, k, c = (rng.uniform(*ends, (lanes, 1)) for ends in ((1, 3), (0.4, 2), (-0.5, 1)))
    y = a * np.exp(-k * T) + c + noise * rng.standard_normal((lanes, len(T)))
    return T.astype(dtype), y.astype(dtype)


def fit_decay(t, y, **rows):
    return curve_fitting.fit(decay, start(y.dtype), t, y, **rows)


def infer_decay(solution, t, y, **rows):
    return curve_fitting.infer(decay, solution, t, y, **rows)


def flat(params) -> np.ndarray:
    """Parameters end to end, in the order of `Inference`."""
    return np.concatenate([np.ravel(np.asarray(leaf)) for leaf in jax.tree.leaves(params)])


# Second algorithms.


@pytest.mark.long
@pytest.mark.one_in(4)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_line_is_least_squares(weighted, dtype):
    """The chapter's two halves meet: a linear model has the same answer, to the last statistic."""
    rng = np.random.default_rng(1)
    X = (rng.standard_normal((20, 2)) * [1, 10]).astype(dtype)
    y = (2 + X @ [1.0, -0.3] + rng.standard_normal(20)).astype(dtype)
    rows = {name: rng.uniform(0.5, 2, 20).astype(dtype) for name in ("weights", "precision")} if weighted else {}
    expected = least_squares.fit(X, y, **rows)

    def model(params, X):
        return params["intercept"] + X @ params["slope"]

    zero = {"intercept": np.zeros((), dtype), "slope": np.zeros(2, dtype)}
    solution = curve_fitting.fit(model, zero, X, y, **rows)
    tolerance = tolerances.of(dtype)
    assert solution.status == Status.CONVERGED
    assert_close(solution.value, expected.value, tolerance.estimate)
    for cov in ("HC0", "HC1", "HC2", "HC3") if weighted else ("nonrobust",):
        ours = curve_fitting.infer(model, solution, X, y, cov=cov, **rows)
        theirs = least_squares.infer(expected, X, y, cov=cov, **rows)
        assert_close(ours.estimate, theirs.estimate, tolerance.estimate)
        for name in ("se", "statistic", "pvalue", "lower", "upper", "covariance", "df"):
            assert_close(getattr(ours, name), getattr(theirs, name), tolerance.inference)


@pytest.mark.parametrize("unit", [1, 100])
def test_scipy_agrees(unit, double):
    """With precision = 1 / sigma^2, of which a common factor changes nothing."""
    t, (y,) = decays()
    sigma = np.random.default_rng(2).uniform(0.5, 2, len(t))
    found, covariance = scipy.optimize.curve_fit(
        lambda t, a, c, k: a * np.exp(-k * t) + c, t, y, p0=[1, 0, 1], sigma=sigma, ftol=1e-14, xtol=1e-14
    )
    solution = fit_decay(t, y, precision=unit / sigma**2)
    inferred = infer_decay(solution, t, y, precision=unit / sigma**2)
    assert_close(inferred.estimate, found, 1e-6)  # scipy's derivatives are differences
    assert_close(inferred.covariance, covariance, 1e-5)


@pytest.mark.long
def test_weights_are_repeated_rows_to_robust_errors_too(double):
    t, (y,) = decays()
    times = np.random.default_rng(3).integers(0, 4, len(t))
    once = {"t": np.where(times == 0, np.nan, t), "y": np.where(times == 0, np.nan, y), "weights": times.astype(float)}
    repeated = {"t": np.repeat(t, times), "y": np.repeat(y, times)}
    ours, theirs = (infer_decay(fit_decay(**data), cov="HC1", **data) for data in (once, repeated))
    assert_close(ours.se, theirs.se, 1e-8)
    assert float(ours.df) == float(theirs.df) == times.sum() - 3


@settings(max_examples=20)
@given(exponent=st.integers(-40, 40), shift=st.integers(-12, 12))
def test_units_change_no_answer(exponent, shift):
    """A power of two as the unit of y and another of t: the same steps, the same answer in other units."""
    with x64():
        t, (y,) = decays()
        unit, tick = jnp.asarray(2.0**exponent), jnp.asarray(2.0**shift)

        def scaled(params, t):
            return unit * decay({**params, "k": params["k"] / tick}, t * tick)

        plain = fit_decay(t, y)
        solution = curve_fitting.fit(scaled, {**start(), "k": tick}, t / tick, unit * y)
        assert solution.status == Status.CONVERGED
        assert abs(int(solution.steps) - int(plain.steps)) <= 1
        expected = {**plain.params, "k": plain.params["k"] * tick}
        np.testing.assert_allclose(flat(solution.params), flat(expected), rtol=1e-7)


def test_many_parameters(double):
    """A polynomial in Chebyshev form with 12 coefficients, as NumPy fits it."""
    x = np.linspace(-1, 1, 60)
    y = np.sin(9 * x) + 0.1 * np.random.default_rng(10).standard_normal(60)
    vander = np.polynomial.chebyshev.chebvander(x, 11)
    solution = curve_fitting.fit(lambda p, V: V @ p, np.zeros(12), vander, y)
    assert solution.status == Status.CONVERGED
    assert_close(solution.params, np.linalg.lstsq(vander, y)[0], 1e-9)


# Batches and derivatives.


@pytest.mark.long
def test_many_lanes_in_any_order_have_the_same_bits():
    t, y = decays("float32", lanes=700)
    fit = jax.jit(jax.vmap(functools.partial(fit_decay, t)))
    whole, order = fit(y), np.random.default_rng(5).permutation(700)
    assert np.mean(np.asarray(whole.status) == Status.CONVERGED) > 0.99
    for part in (order, order[:613]):
        for ours, theirs in zip(jax.tree.leaves(fit(y[part])), jax.tree.leaves(whole), strict=True):
            np.testing.assert_array_equal(ours, np.asarray(theirs)[part])


TROUBLE = {
    "NaN in y": ({"y": np.nan}, Status.NON_FINITE_DATA),
    "NaN at the start": ({"k": np.nan}, Status.BAD_START),
    "infinity at the start": ({"k": -1e6}, Status.BAD_START),
    "a = 0, and no k is better than another": ({"y": 0 * T}, Status.FLAT),
}


def test_a_bad_start_has_a_status_and_harms_nobody(double):
    """Every other lane is sound and keeps its bits; what has no data has no parameters."""
    t, y = decays(lanes=2 * len(TROUBLE))
    sound = {"k": np.ones(len(y)), "y": y}
    spoiled = {name: values.copy() for name, values in sound.items()}
    for lane, (changes, _) in zip(range(0, len(y), 2), TROUBLE.values(), strict=True):
        for name, value in changes.items():
            spoiled[name][lane] = value
    fit = jax.jit(jax.vmap(lambda k, y: curve_fitting.fit(decay, {**start(), "k": k}, t, y)))
    clean, found = fit(**sound), fit(**spoiled)
    assert [Status(int(code)) for code in found.status[::2]] == [status for _, status in TROUBLE.values()]
    assert np.isnan(found.params["a"][0])
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(clean), strict=True):
        np.testing.assert_array_equal(ours[1::2], theirs[1::2])


@pytest.mark.long
def test_a_model_may_close_over_what_is_batched(double):
    """The trap of batching rules: c belongs to the closure, not to the arguments."""
    x = np.arange(5.0)
    y = 2 * x + 1

    def slope(c):
        return curve_fitting.fit(lambda p, x: p[0] * x + c, [0.0], x, y).params[0]

    cs = np.array([0.0, 1.0, 2.0])
    exact = np.sum(x * (y - cs[:, None]), axis=1) / np.sum(x * x)
    assert_close(jax.vmap(slope)(cs), exact, 1e-12)
    assert_close(jax.vmap(jax.grad(slope))(cs), np.full(3, -np.sum(x) / np.sum(x * x)), 1e-12)
    assert_close(jax.jit(jax.grad(lambda cs: jax.vmap(slope)(cs).sum()))(cs), np.full(3, -1 / 3), 1e-12)


@pytest.mark.long
def test_an_absent_row_reaches_no_derivative_of_an_error(double):
    t, (y,) = decays()
    weights = np.ones(30)
    weights[[0, 7]] = 0
    t[7] = y[0] = np.nan
    by_y = jax.grad(lambda y: infer_decay(fit_decay(t, y, weights=weights), t, y, weights=weights).se[0])(y)
    assert np.all(np.isfinite(by_y))
    assert by_y[0] == by_y[7] == 0


def test_a_lambda_of_the_same_code_compiles_nothing(caplog):
    t, (y,) = decays("float32")

    def shifted(offset):
        return curve_fitting.fit(lambda params, t: decay(params, t) - offset, start("float32"), t, y).params["c"]

    first = shifted(jnp.float32(1))
    with jax.log_compiles(), caplog.at_level("WARNING"):
        caplog.clear()
        second = shifted(jnp.float32(2))
        assert not [r for r in caplog.records if "_fit" in r.getMessage() and "ompil" in r.getMessage()]
    assert_close(second - first, 1.0, 1e-4)


def under_jit(c):
    return jax.jit(lambda p: p + c)


def with_a_rule(c):
    shift = jax.custom_jvp(lambda p: p + c)
    shift.defjvp(lambda primals, tangents: (primals[0] + c, tangents[0]))
    return shift


@pytest.mark.parametrize("make", [under_jit, with_a_rule])
def test_what_a_model_reads_is_never_stale(make):
    """The program of such a model looks the same whatever number it has within."""
    x, y = np.arange(4.0, dtype=np.float32), np.ones(4, np.float32)
    for c in (0.0, 10.0):
        shift = make(jnp.array([c]))
        found = curve_fitting.fit(lambda p, x, shift=shift: shift(p) + 0 * x, np.zeros(1, np.float32), x, y)
        assert_close(found.params, [1 - c], 1e-5)


# How a fit ends.

ENDINGS = {
    "a derivative that is infinite": (lambda p, t: jnp.sqrt(p[0] * (t + 1)), [0.0], T, Status.BAD_START),
    "two parameters for one": (lambda p, t: (p[0] + p[1]) * t, [1.0, 1.0], 3 * T + 1, Status.FLAT),
    "an unused parameter": (lambda p, t: p[0] * t + 0 * p[1], [1.0, 1.0], 3 * T + 1, Status.FLAT),
    # The best step rises between two points of t, and nothing says where.
    "a step": (lambda p, t: jax.nn.sigmoid(p[0] * (t - p[1])), [5.0, 1.9], (T > 2) * 1.0, Status.FLAT),
    # The fit gets better towards a point where the curve ends.
    "the edge of a curve": (lambda p, t: jnp.sqrt(p[0] - t / 4), [2.0], -1 + 0 * T, Status.BOUNDARY),
    "nothing to fit": (line, [0.0, 0.0], 0 * T, Status.CONVERGED),
}


@pytest.mark.parametrize("what", ENDINGS)
def test_ending(what, double):
    model, params0, y, status = ENDINGS[what]
    assert curve_fitting.fit(model, params0, T, y).status == status


def test_max_steps(double):
    t, (y,) = decays()
    short = fit_decay(t, y, max_steps=2)
    assert (short.status, short.steps) == (Status.MAX_STEPS, 2)
    assert np.all(np.isnan(infer_decay(short, t, y).se))
    loose, tight = (fit_decay(t, y, tol=tol) for tol in (1e-3, None))
    assert loose.status == tight.status == Status.CONVERGED
    assert loose.steps < tight.steps


@pytest.mark.parametrize("n", [3, 12])
def test_exact_data_converge(n, dtype):
    """No residual is left, so nothing but rounding is there to compare a gradient with."""
    t = np.linspace(0, 4, 12)[:n].astype(dtype)
    y = np.asarray(decay({"a": 2.0, "k": 0.7, "c": 0.5}, t), dtype)
    solution = fit_decay(t, y)
    assert solution.status == Status.CONVERGED
    assert_close(flat(solution.params), [2.0, 0.5, 0.7], (100 if n == 3 else 1) * tolerances.of(dtype).estimate)
    if n == 3:  # df = 0
        assert np.all(np.isnan(infer_decay(solution, t, y).se))


# Parameters with a restricted range.


@pytest.mark.long
def test_bijection_inside_changes_no_answer(double):
    t, (y,) = decays()
    inside = {"a": positive(), "k": bounded(0.0, 5.0), "c": real()}
    free, solution = fit_decay(t, y), fit_decay(t, y, bijection=inside)
    assert solution.status == Status.CONVERGED
    assert_close(flat(solution.params), flat(free.params), 1e-8)
    found, expected = infer_decay(solution, t, y, bijection=inside), infer_decay(free, t, y)
    for name in ("se", "covariance", "pvalue", "lower", "df"):
        assert_close(getattr(found, name), getattr(expected, name), 1e-6)
    batch = jax.vmap(lambda y: fit_decay(t, y, bijection=inside).params["k"])(y[None])
    assert_close(batch[0], solution.params["k"], 1e-8)


@pytest.mark.parametrize(("k", "sign"), [(bounded(0.0, 0.2), 1), (bounded(0.1, 5.0), -1)])
def test_bijection_at_the_edge(k, sign, double):
    """The decay is faster than the bound on k allows; then a > 0 where the data ask for a < 0."""
    t, (y,) = decays()
    bijection = {"a": real() if sign > 0 else positive(), "k": k, "c": real()}
    near = {**start(), "k": np.array(0.15)}
    solution = curve_fitting.fit(decay, near, t, sign * y, bijection=bijection)
    assert solution.status == Status.BOUNDARY
    assert np.all(np.isnan(infer_decay(solution, t, sign * y, bijection=bijection).se))


@pytest.mark.long
def test_bijection_with_fewer_free_coordinates(double):
    """Shares that sum to 1: the covariance has rank 2 and the shares of each row sum to 0 in it."""
    rng = np.random.default_rng(7)
    shapes = rng.uniform(0, 1, (40, 3))
    y = shapes @ [0.2, 0.3, 0.5] + 0.01 * rng.standard_normal(40)

    def mixture(shares, shapes):
        return shapes @ shares

    solution = curve_fitting.fit(mixture, np.full(3, 1 / 3), shapes, y, bijection=simplex())
    inferred = curve_fitting.infer(mixture, solution, shapes, y, bijection=simplex())
    assert solution.status == Status.CONVERGED
    assert float(solution.params.sum()) == pytest.approx(1)
    assert float(inferred.df) == 38
    np.testing.assert_allclose(inferred.covariance.sum(axis=0), 0, atol=1e-12)
    # Without the last share, which is 1 less the others, it is a plain linear model.
    X = shapes[:, :2] - shapes[:, 2:]
    expected = least_squares.fit(X, y - shapes[:, 2], intercept=False)
    assert_close(solution.params[:2], expected.params.coef, 1e-8)
    assert_close(inferred.se[:2], least_squares.infer(expected, X, y - shapes[:, 2]).se, 1e-6)


# Bands.


@pytest.mark.long
def test_bands_of_a_line_are_the_textbook_s(dtype):
    rng = np.random.default_rng(8)
    x = rng.uniform(0, 10, 15).astype(dtype)
    y = (1 + 2 * x + rng.standard_normal(15)).astype(dtype)
    new = np.array([0.0, 5.0, 20.0], dtype)
    solution = curve_fitting.fit(line, np.zeros(2, dtype), x, y)
    inferred = curve_fitting.infer(line, solution, x, y)
    slope, intercept = np.polyfit(x.astype(float), y.astype(float), 1)
    expected = intercept + slope * new
    s2 = np.sum((y - intercept - slope * x) ** 2) / 13
    of_mean = s2 * (1 / 15 + (new - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2))
    reach = scipy.stats.t.ppf(0.95, 13)
    bands = functools.partial(curve_fitting.prediction_band, precision=np.full(3, 4.0, dtype))
    for band, variance in ((curve_fitting.confidence_band, of_mean), (bands, of_mean + s2 / 4)):
        found, se = band(line, solution, inferred, new, level=0.9), np.sqrt(variance)
        for ours, theirs in zip(found, (expected, se, expected - reach * se, expected + reach * se), strict=True):
            assert_close(ours, theirs, tolerances.of(dtype).inference)
    assert_close(curve_fitting.predict(line, solution, new), expected, tolerances.of(dtype).inference)


@pytest.mark.long
def test_bands_cover(double):
    """Of 2,000 samples the share whose 95 % bands hold the curve, and a new point, is 95 %, within four deviations."""
    rng = np.random.default_rng(9)
    truth = {"a": 2.0, "k": 0.8, "c": 0.3}
    y = np.asarray(decay(truth, T)) + 0.1 * rng.standard_normal((2000, 30))
    curve = decay(truth, 2.5)

    @jax.jit
    @jax.vmap
    def bands(y):
        solution = fit_decay(T, y)
        inferred, new = infer_decay(solution, T, y), jnp.array([2.5])
        both = (curve_fitting.confidence_band, curve_fitting.prediction_band)
        return [band(decay, solution, inferred, new) for band in both]

    for band, target in zip(bands(y), (curve, curve + 0.1 * rng.standard_normal(2000)), strict=True):
        held = np.mean((band.lower[:, 0] <= target) & (target <= band.upper[:, 0]))
        assert abs(held - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / 2000)


# What is refused.

X, Y = np.arange(6.0, dtype=np.float32), np.ones(6, np.float32)
ORDER = r".*fit\(lambda params, x: f\(x, \*params\), p0, xdata, ydata\)"
fit, P = curve_fitting.fit, [1.0, 1.0]


def scipy_s(t, a, k, c):
    return a * jnp.exp(-k * t) + c


def fitted():
    return fit(line, P, X, Y)


REFUSED = {
    "scipy's function and order": (lambda: fit(scipy_s, X, Y, [1, 1, 0]), TypeError, f"^model: {ORDER}"),
    "scipy's order": (lambda: fit(line, X, Y, P), ValueError, f"^y: {ORDER}"),
    "scipy's order, one parameter": (lambda: fit(lambda x, a: a * x, X, Y, 1.0), ValueError, f"^y: {ORDER}"),
    "scipy's function": (lambda: fit(scipy_s, [1, 1, 0], X, Y), TypeError, f"^model: {ORDER}"),
    "no function": (lambda: fit(X, Y, [1, 1, 0], X), TypeError, "^model: expected a function"),
    "no parameter": (lambda: fit(line, [], X, Y), ValueError, "^params0: expected at least one number"),
    "text for a start": (
        lambda: fit(line, ["1", "2"], X, Y),
        TypeError,
        "^params0: expected an array of numbers, got str",
    ),
    "complex start": (lambda: fit(line, [1j, 1.0], X, Y), TypeError, "^params0: expected float32"),
    "y a column": (lambda: fit(line, P, X, Y[:, None]), ValueError, r"^y: .*Use \[:, 0\]"),
    "model a column": (lambda: fit(lambda p, x: line(p, x)[:, None], P, X, Y), ValueError, r"^y: .*\[:, 0\]"),
    "model a number": (lambda: fit(lambda p, x: p[0], P, X, Y), ValueError, r"^y: .*gives \(\)"),
    "no rows": (lambda: fit(line, P, X[:0], Y[:0]), ValueError, "^y: expected .* n >= 1"),
    "short weights": (lambda: fit(line, P, X, Y, weights=Y[:3]), ValueError, r"^weights: expected shape \(6,\)"),
    "negative tol": (lambda: fit(line, P, X, Y, tol=-1.0), ValueError, "^tol: expected"),
    "negative max_steps": (lambda: fit(line, P, X, Y, max_steps=-1), ValueError, "^max_steps: "),
    "unknown bijection": (lambda: fit(line, P, X, Y, bijection=[real(), "positive"]), TypeError, "^bijection: "),
    "bijection of another shape": (lambda: fit(line, P, X, Y, bijection=[real()]), ValueError, "^bijection: "),
    "unknown covariance": (lambda: curve_fitting.infer(line, fitted(), X, Y, cov="HC4"), ValueError, "^cov: expected"),
    "level 95": (lambda: curve_fitting.infer(line, fitted(), X, Y, level=95), ValueError, "^level: expected"),
    "bands of another fit": (
        lambda: curve_fitting.confidence_band(
            line,
            fitted(),
            dataclasses.replace(curve_fitting.infer(line, fitted(), X, Y), covariance=jnp.ones((3, 3))),
            X,
        ),
        ValueError,
        "^inferred.covariance: expected shape",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_while_tracing(what):
    call, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        call()


def test_lists_of_numbers_are_arrays(double):
    solution = fit(line, [0.0, 0.0], [0, 1, 2, 3], [1.0, 3.0, 5.0, 7.0])
    np.testing.assert_allclose(solution.params, [1, 2], rtol=1e-9)
    np.testing.assert_allclose(curve_fitting.predict(line, solution, [10]), [21], rtol=1e-9)
