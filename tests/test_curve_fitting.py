"""Chapter 3, curves: scipy and least squares itself as peers, endings, restricted parameters, bands, batches."""

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

from jaxnotes import Status, curve_fitting, least_squares
from jaxnotes.core.bijections import bounded, positive, real, simplex
from jaxnotes.core.compat import x64

T = np.linspace(0, 4, 30)
DECAYS = 6


def decay(params, t):
    return params["a"] * jnp.exp(-params["k"] * t) + params["c"]


def start(dtype="float64"):
    return {"a": np.array(1, dtype), "k": np.array(1, dtype), "c": np.array(0, dtype)}


def decays(dtype="float64", lanes: int = DECAYS, noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """t and `lanes` noisy curves a exp(-k t) + c."""
    rng = np.random.default_rng(0)
    a, k, c = (rng.uniform(*ends, (lanes, 1)) for ends in ((1, 3), (0.4, 2), (-0.5, 1)))
    y = a * np.exp(-k * T) + c + noise * rng.standard_normal((lanes, len(T)))
    return T.astype(dtype), y.astype(dtype)


fit_decay = jax.jit(lambda t, y, **rows: curve_fitting.fit(decay, start(y.dtype), t, y, **rows))
infer_decay = jax.jit(
    lambda solution, t, y, cov="nonrobust", **rows: curve_fitting.infer(decay, solution, t, y, cov=cov, **rows),
    static_argnames="cov",
)


def flat(params) -> np.ndarray:
    """Parameters end to end, in the order of `Inference`."""
    return np.concatenate([np.ravel(np.asarray(leaf)) for leaf in jax.tree.leaves(params)])


# Second algorithms.


@pytest.mark.parametrize("weighted", [False, True])
def test_a_line_is_least_squares(weighted, dtype):
    """The chapter's two halves meet: a linear model has the same answer, to the last statistic."""
    rng = np.random.default_rng(1)
    X = (rng.standard_normal((20, 2)) * [1, 10]).astype(dtype)
    y = (2 + X @ [1.0, -0.3] + rng.standard_normal(20)).astype(dtype)
    rows = {name: rng.uniform(0.5, 2, 20).astype(dtype) for name in ("weights", "precision")} if weighted else {}
    line = least_squares.fit(X, y, **rows)
    expected = least_squares.infer(line, X, y, **rows)

    def model(params, X):
        return params["intercept"] + X @ params["slope"]

    zero = {"intercept": np.zeros((), dtype), "slope": np.zeros(2, dtype)}
    solution = curve_fitting.fit(model, zero, X, y, **rows)
    tolerance = tolerances.of(dtype)
    assert solution.status == Status.CONVERGED
    assert_close(flat(solution.params), expected.estimate, tolerance.estimate)
    assert_close(solution.value, line.value, tolerance.estimate)
    for cov in ("nonrobust", "HC0", "HC1", "HC2", "HC3"):
        expected = least_squares.infer(line, X, y, cov=cov, **rows)
        found = curve_fitting.infer(model, solution, X, y, cov=cov, **rows)
        for name in ("se", "statistic", "pvalue", "lower", "upper", "covariance", "df"):
            assert_close(getattr(found, name), getattr(expected, name), tolerance.inference)


def test_scipy_agrees(double):
    t, y = decays()
    sigma = np.random.default_rng(2).uniform(0.5, 2, len(t))
    for row in y:
        solution = fit_decay(t, row, precision=1 / sigma**2)
        found, covariance = scipy.optimize.curve_fit(
            lambda t, a, c, k: a * np.exp(-k * t) + c, t, row, p0=[1, 0, 1], sigma=sigma, ftol=1e-14, xtol=1e-14
        )
        inferred = infer_decay(solution, t, row, precision=1 / sigma**2)
        assert_close(inferred.estimate, found, 1e-6)  # scipy's derivatives are differences
        assert_close(inferred.covariance, covariance, 1e-5)


@pytest.mark.parametrize("cov", ["nonrobust", "HC1", "HC3"])
def test_weights_are_repeated_rows(cov, double):
    t, y = decays(lanes=1)
    times = np.random.default_rng(3).integers(0, 4, len(t))
    spoiled = np.where(times == 0, np.nan, y[0])
    nowhere = np.where(times == 0, np.nan, t)
    ours = fit_decay(nowhere, spoiled, weights=times.astype(float))
    theirs = fit_decay(np.repeat(t, times), np.repeat(y[0], times))
    assert_close(flat(ours.params), flat(theirs.params), 1e-9)
    assert float(ours.value) == pytest.approx(float(theirs.value))
    if cov == "HC3":  # the leverage of a repeated row is that of each of its copies
        return
    a = infer_decay(ours, nowhere, spoiled, cov=cov, weights=times.astype(float))
    b = infer_decay(theirs, np.repeat(t, times), np.repeat(y[0], times), cov=cov)
    assert_close(a.se, b.se, 1e-8)
    assert float(a.df) == times.sum() - 3


def test_common_factor_of_the_precision_changes_no_answer(double):
    t, y = decays(lanes=1)
    precision = np.random.default_rng(4).uniform(0.5, 2, len(t))
    one, hundred = (fit_decay(t, y[0], precision=factor * precision) for factor in (1, 100))
    assert_close(flat(one.params), flat(hundred.params), 1e-9)
    se = [infer_decay(s, t, y[0], precision=f * precision).se for s, f in ((one, 1), (hundred, 100))]
    assert_close(*se, 1e-8)


@settings(max_examples=15)
@given(exponent=st.integers(-40, 40), shift=st.integers(-12, 12))
def test_units_change_no_answer(exponent, shift):
    """A power of two as the unit of y and another of t: the same steps, the same answer in other units."""
    t, y = decays(lanes=1)
    with x64():
        unit, tick = jnp.asarray(2.0**exponent), jnp.asarray(2.0**shift)  # captured: no new program for a new value
        plain = fit_decay(t, y[0])

        def scaled(params, t):
            return unit * decay({**params, "k": params["k"] / tick}, t * tick) + 0 * t

        solution = curve_fitting.fit(scaled, {**start(), "k": tick}, t / tick, unit * y[0])
        assert solution.status == Status.CONVERGED
        assert abs(int(solution.steps) - int(plain.steps)) <= 1
        expected = {**plain.params, "k": plain.params["k"] * tick}
        np.testing.assert_allclose(flat(solution.params), flat(expected), rtol=1e-7)


# Batches and derivatives.


def test_vmap_is_a_loop(dtype):
    t, y = decays(dtype)
    both = jax.jit(jax.vmap(lambda y: (s := fit_decay(t, y), infer_decay(s, t, y))))
    solution, inferred = both(y)
    for lane, row in enumerate(y):
        one = curve_fitting.fit(decay, start(dtype), t, row)
        tolerance = tolerances.of(dtype)
        assert solution.status[lane] == one.status == Status.CONVERGED
        assert_close([leaf[lane] for leaf in solution.params.values()], flat(one.params), tolerance.reblocked)
        assert_close(inferred.se[lane], infer_decay(one, t, row).se, tolerance.inference)
    for leaf in jax.tree.leaves((solution.params, solution.value, solution.grad_norm, inferred.se)):
        assert leaf.dtype == dtype


def test_a_bad_lane_harms_nobody(double):
    t, y = decays(lanes=DECAYS)
    fit = jax.jit(jax.vmap(lambda y, a: curve_fitting.fit(decay, {**start(), "a": a}, t, y)))
    a = np.ones(DECAYS)
    clean = fit(y, a)
    y[1, 3], a[2] = np.nan, np.nan
    y[4] = 0.0  # a flat curve: a = 0, and no k is better than another
    found = fit(y, a)
    expected = {1: Status.NON_FINITE_DATA, 2: Status.BAD_START, 4: Status.FLAT}
    for lane in range(DECAYS):
        assert found.status[lane] == expected.get(lane, Status.CONVERGED)
        if lane not in expected:
            for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(clean), strict=True):
                np.testing.assert_array_equal(ours[lane], theirs[lane])


def test_many_lanes_in_any_order_have_the_same_bits():
    t, y = decays("float32", lanes=700)
    fit = jax.jit(jax.vmap(functools.partial(fit_decay, t)))
    whole, order = fit(y), np.random.default_rng(5).permutation(700)
    assert np.mean(np.asarray(whole.status) == Status.CONVERGED) > 0.99
    for part in (order, order[:613]):
        for ours, theirs in zip(jax.tree.leaves(fit(y[part])), jax.tree.leaves(whole), strict=True):
            np.testing.assert_array_equal(ours, np.asarray(theirs)[part])


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


def test_gradient_is_finite_differences(double):
    t, y = decays(lanes=1)
    rng = np.random.default_rng(6)
    data = {"t": t, "y": y[0], "weights": rng.uniform(0.5, 2, 30), "precision": rng.uniform(0.5, 2, 30)}

    @jax.jit
    def fitted(data):
        solution = fit_decay(**data)
        return jnp.stack([*solution.params.values(), solution.value])

    jacobian = jax.jit(jax.jacrev(fitted))(data)
    for name, value in data.items():
        direction, h = rng.standard_normal(value.shape), 1e-5
        ahead, behind = (fitted({**data, name: value + sign * h * direction}) for sign in (1, -1))
        assert_close(jacobian[name] @ direction, (ahead - behind) / (2 * h), tolerances.of("float64").derivative)


def test_an_absent_row_reaches_no_derivative(double):
    t, y = decays(lanes=1)
    weights = np.ones(30)
    weights[[0, 7]] = 0
    t[7] = y[0, 0] = np.nan

    def first(y, weights):
        solution = fit_decay(t, y, weights=weights)
        return solution.params["k"] + infer_decay(solution, t, y, weights=weights).se[0]

    by_y = jax.grad(first)(y[0], weights)
    assert np.all(np.isfinite(by_y))
    assert by_y[0] == by_y[7] == 0


def test_second_call_compiles_nothing(caplog):
    t, y = decays("float32")
    offset = [1.0]

    def model(params, t):
        return decay(params, t) - offset[0]

    first = curve_fitting.fit(model, start("float32"), t, y[0])
    with jax.log_compiles(), caplog.at_level("WARNING"):
        caplog.clear()
        curve_fitting.fit(model, start("float32"), t, y[1])
        assert not [r for r in caplog.records if "_fit" in r.getMessage() and "ompil" in r.getMessage()]
    # The model is traced anew all the same: what it reads elsewhere may have changed.
    offset[0] = 2.0
    second = curve_fitting.fit(model, start("float32"), t, y[0])
    assert_close(second.params["c"] - first.params["c"], 1.0, 1e-4)


# How a fit ends.

STATUSES = {
    "negative weight": (lambda t, y: {"weights": np.where(t == 0, -1.0, 1.0)}, Status.INVALID_DATA),
    "negative precision": (lambda t, y: {"precision": np.where(t == 0, -1.0, 1.0)}, Status.INVALID_DATA),
    "NaN in y": (lambda t, y: {"y": np.where(t == 0, np.nan, y)}, Status.NON_FINITE_DATA),
    "infinity in y": (lambda t, y: {"y": np.where(t == 0, np.inf, y)}, Status.NON_FINITE_DATA),
    "NaN in t": (lambda t, y: {"t": np.where(t == 0, np.nan, t)}, Status.NON_FINITE_DATA),
    "NaN weight": (lambda t, y: {"weights": np.where(t == 0, np.nan, 1.0)}, Status.NON_FINITE_DATA),
    "infinite precision": (lambda t, y: {"precision": np.where(t == 0, np.inf, 1.0)}, Status.NON_FINITE_DATA),
    "two rows of three parameters": (lambda t, y: {"weights": (t < 0.2) * 1.0}, Status.TOO_FEW_ROWS),
    "no row": (lambda t, y: {"weights": 0 * t}, Status.TOO_FEW_ROWS),
}


@pytest.mark.parametrize("what", STATUSES)
def test_trouble_in_the_data_has_a_status(what, double):
    changes, status = STATUSES[what]
    t, y = decays(lanes=1)
    data = {"t": t, "y": y[0], **changes(t, y[0])}
    solution = fit_decay(**data)
    assert solution.status == status
    assert np.all(np.isnan(flat(solution.params)))
    assert np.all(np.isnan(infer_decay(solution, **data).se))


def test_bad_start(double):
    t, y = decays(lanes=1)
    solution = curve_fitting.fit(decay, {**start(), "k": -1e6}, t, y[0])
    assert solution.status == Status.BAD_START
    # A finite curve with a derivative that is not.
    solution = curve_fitting.fit(lambda p, t: jnp.sqrt(p[0] * t), [0.0], t + 1, y[0])
    assert solution.status == Status.BAD_START


def test_flat(double):
    t, _ = decays(lanes=1)
    twice = curve_fitting.fit(lambda p, t: (p[0] + p[1]) * t, [1.0, 1.0], t, 3 * t + 1)
    assert twice.status == Status.FLAT
    unused = curve_fitting.fit(lambda p, t: p[0] * t + 0 * p[1], [1.0, 1.0], t, 3 * t + 1)
    assert unused.status == Status.FLAT
    # The best step rises between two points of t, and nothing says where.
    step = curve_fitting.fit(lambda p, t: jax.nn.sigmoid(p[0] * (t - p[1])), [5.0, 1.9], t, (t > 2) * 1.0)
    assert step.status == Status.FLAT


def test_the_edge_of_a_curve(double):
    """The fit gets better towards a point where the curve ends."""
    t = np.linspace(0, 1, 10)
    solution = curve_fitting.fit(lambda p, t: jnp.sqrt(p[0] - t), [2.0], t, -1 + 0 * t)
    assert solution.status in (Status.BOUNDARY, Status.STALLED)
    assert float(solution.params[0]) == pytest.approx(1, abs=1e-9)


def test_max_steps(double):
    t, y = decays(lanes=1)
    assert curve_fitting.fit(decay, start(), t, y[0], max_steps=0).status == Status.MAX_STEPS
    short = curve_fitting.fit(decay, start(), t, y[0], max_steps=2)
    assert (short.status, short.steps) == (Status.MAX_STEPS, 2)
    assert np.all(np.isnan(curve_fitting.infer(decay, short, t, y[0]).se))
    loose, tight = (curve_fitting.fit(decay, start(), t, y[0], tol=tol) for tol in (1e-3, None))
    assert loose.status == tight.status == Status.CONVERGED
    assert loose.steps < tight.steps


def test_exact_data_converge(dtype):
    """No residual is left, so nothing but rounding is there to compare a gradient with."""
    t = np.linspace(0, 4, 12).astype(dtype)
    truth = {"a": 2.0, "k": 0.7, "c": 0.5}
    solution = curve_fitting.fit(decay, start(dtype), t, np.asarray(decay(truth, t), dtype))
    assert solution.status == Status.CONVERGED
    assert_close(flat(solution.params), [2.0, 0.5, 0.7], tolerances.of(dtype).estimate)
    saturated = curve_fitting.fit(decay, start(dtype), t[:3], np.asarray(decay(truth, t[:3]), dtype))
    assert saturated.status == Status.CONVERGED
    assert np.all(np.isnan(curve_fitting.infer(decay, saturated, t[:3], decay(truth, t[:3])).se))  # df = 0


# Parameters with a restricted range.


def test_bijection_inside_changes_no_answer(double):
    t, y = decays(lanes=1)
    inside = {"a": positive(), "k": bounded(0.0, 5.0), "c": real()}
    free = fit_decay(t, y[0])
    solution = curve_fitting.fit(decay, start(), t, y[0], bijection=inside)
    assert solution.status == Status.CONVERGED
    assert_close(flat(solution.params), flat(free.params), 1e-8)
    found = curve_fitting.infer(decay, solution, t, y[0], bijection=inside)
    expected = infer_decay(free, t, y[0])
    for name in ("se", "covariance", "pvalue", "lower", "df"):
        assert_close(getattr(found, name), getattr(expected, name), 1e-6)
    batch = jax.vmap(lambda y: curve_fitting.fit(decay, start(), t, y, bijection=inside).params["k"])(y)
    assert_close(batch[0], solution.params["k"], 1e-8)


def test_bijection_at_the_edge(double):
    t, y = decays(lanes=1)
    slow = {"a": real(), "k": bounded(0.0, 0.2), "c": real()}
    near = {**start(), "k": np.array(0.1)}
    solution = curve_fitting.fit(decay, near, t, y[0], bijection=slow)
    assert solution.status == Status.BOUNDARY
    assert np.all(np.isnan(curve_fitting.infer(decay, solution, t, y[0], bijection=slow).se))
    upwards = curve_fitting.fit(lambda a, t: a * jnp.exp(-t), 1.0, t, -y[0], bijection=positive())
    assert upwards.status == Status.BOUNDARY


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
    line = least_squares.fit(X, y - shapes[:, 2], intercept=False)
    assert_close(solution.params[:2], line.params.coef, 1e-8)
    assert_close(inferred.se[:2], least_squares.infer(line, X, y - shapes[:, 2]).se, 1e-6)


# Bands.


def test_bands_of_a_line_are_the_textbook_s(dtype):
    rng = np.random.default_rng(8)
    x = rng.uniform(0, 10, 15).astype(dtype)
    y = (1 + 2 * x + rng.standard_normal(15)).astype(dtype)
    new = np.array([0.0, 5.0, 20.0], dtype)

    def line(params, x):
        return params[0] + params[1] * x

    solution = curve_fitting.fit(line, np.zeros(2, dtype), x, y)
    inferred = curve_fitting.infer(line, solution, x, y)
    slope, intercept = np.polyfit(x.astype(float), y.astype(float), 1)
    s2 = np.sum((y - intercept - slope * x) ** 2) / 13
    of_mean = s2 * (1 / 15 + (new - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2))
    reach = scipy.stats.t.ppf(0.95, 13)
    tolerance = tolerances.of(dtype).inference
    confidence = curve_fitting.confidence_band(line, solution, inferred, new, level=0.9)
    prediction = curve_fitting.prediction_band(
        line, solution, inferred, new, level=0.9, precision=np.full(3, 4.0, dtype)
    )
    assert_close(confidence.estimate, curve_fitting.predict(line, solution, new), tolerance)
    assert_close(confidence.se, np.sqrt(of_mean), tolerance)
    assert_close(confidence.upper, intercept + slope * new + reach * np.sqrt(of_mean), tolerance)
    assert_close(prediction.se, np.sqrt(of_mean + s2 / 4), tolerance)
    assert_close(prediction.lower, intercept + slope * new - reach * np.sqrt(of_mean + s2 / 4), tolerance)


def test_bands_cover(double):
    """Of 2,000 samples the share whose 95 % bands hold the curve, and a new point, is 95 %, within four deviations."""
    rng = np.random.default_rng(9)
    curve = 2 * np.exp(-0.8 * T) + 0.3
    y = curve + 0.1 * rng.standard_normal((2000, 30))
    ahead = 2 * np.exp(-0.8 * 2.5) + 0.3 + 0.1 * rng.standard_normal(2000)

    @jax.jit
    @jax.vmap
    def bands(y):
        solution = fit_decay(T, y)
        inferred = infer_decay(solution, T, y)
        new = jnp.array([2.5])
        return (
            curve_fitting.confidence_band(decay, solution, inferred, new),
            curve_fitting.prediction_band(decay, solution, inferred, new),
        )

    confidence, prediction = bands(y)
    for band, target in ((confidence, 2 * np.exp(-0.8 * 2.5) + 0.3), (prediction, ahead)):
        held = np.mean((band.lower[:, 0] <= target) & (target <= band.upper[:, 0]))
        assert abs(held - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / 2000)


# What is refused.


def scipy_s(t, a, k, c):
    return a * jnp.exp(-k * t) + c


X, Y = np.arange(6.0, dtype=np.float32), np.ones(6, np.float32)
LINE = lambda p, x: p[0] + p[1] * x  # noqa: E731
ORDER = r"fit\(lambda params, x: f\(x, \*params\), p0, xdata, ydata\)"
REFUSED = {
    "scipy's function, order": (lambda: curve_fitting.fit(scipy_s, X, Y, [1, 1, 0]), TypeError, f"^model: .*{ORDER}"),
    "scipy's order": (lambda: curve_fitting.fit(LINE, X, Y, [1.0, 1.0]), ValueError, f"^y: .*{ORDER}"),
    "scipy's order, one parameter": (
        lambda: curve_fitting.fit(lambda x, a: a * x, X, Y, 1.0), ValueError, f"^y: .*{ORDER}"
    ),
    "scipy's function": (lambda: curve_fitting.fit(scipy_s, [1, 1, 0], X, Y), TypeError, f"^model: .*{ORDER}"),
    "no function": (lambda: curve_fitting.fit(X, Y, [1, 1, 0], X), TypeError, "^model: expected a function"),
    "no parameter": (lambda: curve_fitting.fit(LINE, [], X, Y), ValueError, "^params0: expected at least one number"),
    "text for a start": (lambda: curve_fitting.fit(LINE, ["1", "2"], X, Y), TypeError, "^params0: expected an array"),
    "complex start": (lambda: curve_fitting.fit(LINE, [1j, 1.0], X, Y), TypeError, "^params0: expected float32"),
    "y a column": (lambda: curve_fitting.fit(LINE, [1.0, 1.0], X, Y[:, None]), ValueError, r"^y: .*Use \[:, 0\]"),
    "model a column": (
        lambda: curve_fitting.fit(lambda p, x: (p[0] * x)[:, None], [1.0], X, Y), ValueError, r"^y: .*\[:, 0\]"
    ),
    "model a number": (lambda: curve_fitting.fit(lambda p, x: p[0], [1.0], X, Y), ValueError, r"^y: .*gives \(\)"),
    "no rows": (lambda: curve_fitting.fit(LINE, [1.0, 1.0], X[:0], Y[:0]), ValueError, "^y: expected .* n >= 1"),
    "short weights": (
        lambda: curve_fitting.fit(LINE, [1.0, 1.0], X, Y, weights=Y[:3]), ValueError, r"^weights: expected shape \(6,\)"
    ),
    "negative tol": (lambda: curve_fitting.fit(LINE, [1.0, 1.0], X, Y, tol=-1.0), ValueError, "^tol: expected"),
    "negative max_steps": (lambda: curve_fitting.fit(LINE, [1.0, 1.0], X, Y, max_steps=-1), ValueError, "^max_steps: "),
    "unknown bijection": (
        lambda: curve_fitting.fit(LINE, [1.0, 1.0], X, Y, bijection=[real(), "positive"]), TypeError, "^bijection: "
    ),
    "bijection of another shape": (
        lambda: curve_fitting.fit(LINE, [1.0, 1.0], X, Y, bijection=[real()]), ValueError, "^bijection: "
    ),
    "unknown covariance": (lambda: curve_fitting.infer(LINE, fitted(), X, Y, cov="HC4"), ValueError, "^cov: expected"),
    "level 95": (lambda: curve_fitting.infer(LINE, fitted(), X, Y, level=95), ValueError, "^level: expected"),
    "bands of another fit": (
        lambda: curve_fitting.confidence_band(
            lambda p, x: p[0] * x, curve_fitting.fit(lambda p, x: p[0] * x, [1.0], X, Y),
            curve_fitting.infer(LINE, fitted(), X, Y), X,
        ),
        ValueError, "^inferred.covariance: expected shape",
    ),
}  # fmt: skip


def fitted():
    return curve_fitting.fit(LINE, [1.0, 1.0], X, Y)


@pytest.mark.parametrize("what", REFUSED)
def test_refused_while_tracing(what):
    call, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        call()


def test_lists_of_numbers_are_arrays(double):
    solution = curve_fitting.fit(LINE, [0.0, 0.0], [0, 1, 2, 3], [1.0, 3.0, 5.0, 7.0])
    np.testing.assert_allclose(solution.params, [1, 2], rtol=1e-9)
    np.testing.assert_allclose(curve_fitting.predict(LINE, solution, [10]), [21], rtol=1e-9)


def test_many_parameters(double):
    """A polynomial in Chebyshev form with 25 coefficients, as NumPy fits it."""
    x = np.linspace(-1, 1, 60)
    y = np.sin(9 * x) + 0.1 * np.random.default_rng(10).standard_normal(60)
    vander = np.polynomial.chebyshev.chebvander(x, 24)
    solution = curve_fitting.fit(lambda p, V: V @ p, np.zeros(25), vander, y)
    assert solution.status == Status.CONVERGED
    assert_close(solution.params, np.linalg.lstsq(vander, y)[0], 1e-9)
