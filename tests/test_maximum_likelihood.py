"""Any likelihood: the notes' cases, certified answers, peers and second algorithms; then what can go wrong."""

import dataclasses
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.scipy import special as jsp
from likelihoods import (
    CAUCHY_START,
    NORMAL_START,
    T_START,
    TOSSES,
    bernoulli,
    cauchy_regression,
    normal,
    poisson,
    t_data,
    t_regression,
)
from reference import lre, numbers
from scipy import stats
from statsmodels.base.model import GenericLikelihoodModel
from tolerances import assert_close

import jaxnotes as jn
from jaxnotes import Status, x64
from jaxnotes.maximum_likelihood import (
    aic,
    delta_method,
    fit,
    infer,
    likelihood_ratio_test,
    log_likelihood,
    names,
    observed_information,
    profile_intervals,
    score,
)

pytestmark = pytest.mark.repeated

DEATHS, CORPS_YEARS = np.arange(5), np.array([109, 65, 22, 3, 1])  # Bortkiewicz (1898), corps-years with k deaths


# The notes' cases


def test_seven_of_ten(dtype):
    """p = k / n; l without the binomial coefficient; the standard error; the likelihood-ratio interval."""
    start = np.asarray(0.5, dtype)
    solution = fit(bernoulli, start, TOSSES)
    inferred = infer(bernoulli, solution, TOSSES)
    interval = profile_intervals(bernoulli, solution, TOSSES)
    assert solution.status == Status.CONVERGED
    assert float(solution.params) == pytest.approx(0.7, rel=tolerances.of(dtype).estimate)
    assert -10 * float(solution.value) == pytest.approx(-6.108643, abs=2e-6)
    assert float(inferred.se[0]) == pytest.approx(0.144914, abs=1e-6)
    ends = [float(interval.lower[0]), float(interval.upper[0])]
    assert ends == pytest.approx([0.3935, 0.9154], abs=5e-5)
    assert solution.params.dtype == inferred.se.dtype == interval.lower.dtype == dtype


def test_horse_kicks(dtype):
    """The mean of the counts; its standard error is sqrt(rate / n)."""
    solution = fit(poisson, np.asarray(1.0, dtype), DEATHS, weights=CORPS_YEARS)
    inferred = infer(poisson, solution, DEATHS, weights=CORPS_YEARS)
    assert solution.status == Status.CONVERGED
    assert float(solution.params) == pytest.approx(0.61, rel=tolerances.of(dtype).estimate)
    assert -200 * float(solution.value) == pytest.approx(-206.1067, abs=5e-5 if dtype == np.float64 else 3e-4)
    assert float(inferred.se[0]) == pytest.approx(np.sqrt(0.61 / 200), rel=tolerances.of(dtype).inference)


def test_gaussian_mean_and_the_biased_variance(dtype):
    """The mean, and the mean of the squares about it, which is too small by (n - 1) / n: .8 of 1 for n = 5."""
    x = np.random.default_rng(0).standard_normal((4000, 5)).astype(dtype)
    solution = jax.jit(jax.vmap(lambda x: fit(normal, NORMAL_START, x)))(x)
    assert np.all(np.asarray(solution.status) == Status.CONVERGED)
    exact = x.astype(np.float64)
    assert_close(solution.params["mean"], exact.mean(axis=1), tolerances.of(dtype).estimate)
    variance = np.asarray(solution.params["sd"], np.float64) ** 2
    assert_close(variance, exact.var(axis=1), tolerances.of(dtype).estimate)
    # The standard deviation of such a variance is sqrt(2 * 4) / 5.
    assert variance.mean() == pytest.approx(0.8, abs=4 * np.sqrt(8) / 5 / np.sqrt(4000))


def test_no_success_in_ten_is_a_boundary(dtype):
    """p = 0, where the likelihood does not level off; the interval reaches from there to 1 - exp(-z^2 / 20)."""
    start = np.asarray(0.5, dtype)
    for x, edge, ends in [(0 * TOSSES, 0.0, (0, 0.1748)), (0 * TOSSES + 1, 1.0, (0.8252, 1))]:
        solution = fit(bernoulli, start, x)
        interval = profile_intervals(bernoulli, solution, x)
        near = 1e-5 if dtype == np.float32 else 1e-9
        assert solution.status == Status.BOUNDARY
        assert float(solution.params) == pytest.approx(edge, abs=near)
        assert [float(interval.lower[0]), float(interval.upper[0])] == pytest.approx(list(ends), abs=5e-5)
        assert np.isnan(infer(bernoulli, solution, x).se[0])


# Certified answers

LOADED = {name for name, case in reference.cases("mle").items() if "loader" in case["data"]}
NAIVE = {"salinity_lognormal_censored", "fluazinam_lognormal_censored"}  # log(ndtr - ndtr), fitted below with care


class TextSpecial:
    """What the case files call sp."""

    gammaln, betaln, ndtr, expit = jsp.gammaln, jsp.betaln, jsp.ndtr, jsp.expit


def from_text(case):
    """log_prob(params, row) of a case, params and row being dicts by name."""

    def log_prob(params, row):
        scope = {"np": jnp, "sp": TextSpecial, **params, **row}
        for name, text in case["definitions"].items():
            scope[name] = eval(text, scope)
        return eval(case["logpdf"], scope)

    return log_prob


@pytest.mark.one_in(5)
@pytest.mark.parametrize("name", reference.names("mle", keep=lambda case: case["name"] not in LOADED | NAIVE))
def test_certified(name, double):
    """From 1 for what must be positive and 0 for the rest."""
    case = reference.case("mle", name)
    data = reference.columns(case)
    weights = data.pop(case["weights"]) if "weights" in case else None
    start = {param: 1.0 if f"{param}>0" in case.get("domain", "") else 0.0 for param in case["params"]}
    log_prob = from_text(case)
    solution = fit(log_prob, start, data, weights=weights)
    assert solution.status == Status.CONVERGED
    n_obs = len(next(iter(data.values()))) if weights is None else weights.sum()
    assert_certified(case, log_prob, solution, data, weights, n_obs)


def assert_certified(case, log_prob, solution, data, weights, n_obs):
    refined = case["refined"]
    found = [float(solution.params[param]) for param in case["params"]]
    inferred = infer(log_prob, solution, data, weights=weights)
    se = dict(zip(names(solution.params), np.asarray(inferred.se), strict=True))
    assert lre(found, numbers(refined["params"])) >= 6
    if "std_err_observed_info" in refined:
        assert lre([se[param] for param in case["params"]], numbers(refined["std_err_observed_info"])) >= 4
    assert lre(-n_obs * float(solution.value), float(refined["loglik"])) >= 9


@pytest.mark.parametrize("name", reference.names("mle", keep=lambda case: case["name"] in NAIVE))
def test_certified_censored(name, double):
    """Exact, left-, right- and interval-censored rows by one formula: log of a difference of normal tails."""
    case = reference.case("mle", name)
    data = reference.columns(case)

    def log_prob(params, row):
        z_low, z_high = ((jnp.log(row[end]) - params["meanlog"]) / params["sdlog"] for end in ("lo", "hi"))
        exact = -(z_low**2) / 2 - jnp.log(2 * jnp.pi) / 2 - jnp.log(row["lo"]) - jnp.log(params["sdlog"])
        apart = row["status"] == 3
        gap = jsp.log_ndtr(jnp.where(apart, z_low, -1.0)) - jsp.log_ndtr(jnp.where(apart, z_high, 1.0))
        between = jsp.log_ndtr(z_high) + jnp.log(-jnp.expm1(gap))
        return jnp.select(
            [row["status"] == 0, row["status"] == 1, row["status"] == 2],
            [exact, jsp.log_ndtr(z_high), jsp.log_ndtr(-z_low)],
            between,
        )

    solution = fit(log_prob, {"meanlog": 1.0, "sdlog": 1.0}, data)
    assert solution.status == Status.CONVERGED
    assert_certified(case, log_prob, solution, data, None, len(data["lo"]))


# Two cases that always run. Fréchet: SciPy's tests (invweibull, 14 values), by R's fitdistrplus. Yeast cells: Student
# (1907), Biometrika 5, as grouped counts; negative binomial by R's MASS. The digits are those of 40-digit arithmetic.
FRECHET = np.array([1, 1.25, 2, 2.5, 2.8, 3, 3.8, 4, 5, 8, 10, 12, 64, 99])
YEAST = np.arange(6), np.array([213, 128, 37, 18, 3, 1])


def frechet(params, x):
    log_ratio = jnp.log(x) - jnp.log(params["scale"])
    shape = params["shape"]
    return jnp.log(shape) - jnp.log(x) - shape * log_ratio - jnp.exp(-shape * log_ratio)


def test_certified_frechet(double):
    solution = fit(frechet, {"shape": 1.0, "scale": 1.0}, FRECHET)
    inferred = infer(frechet, solution, FRECHET)
    assert names(solution.params) == ["scale", "shape"]
    assert lre(inferred.estimate, [3.09945604682725584, 1.04848144880801342]) >= 9
    assert lre(inferred.se, [0.82928916411898, 0.22618155219059]) >= 9
    assert lre(-14 * solution.value, -45.716495105030738) >= 9


def test_certified_yeast(double):
    def log_prob(params, k):
        theta, mu = params["theta"], jnp.exp(params["log_mu"])
        return (
            jsp.gammaln(k + theta) - jsp.gammaln(theta) - jsp.gammaln(k + 1.0)
            + theta * jnp.log(theta / (theta + mu)) + k * jnp.log(mu / (theta + mu))
        )  # fmt: skip

    cells, counts = YEAST
    solution = fit(log_prob, {"log_mu": 0.0, "theta": 1.0}, cells, weights=counts)
    inferred = infer(log_prob, solution, cells, weights=counts)
    assert lre(inferred.estimate, [-0.381992751923022233, 3.58608742818978454]) >= 9
    assert lre(inferred.se, [0.06603137338873, 1.7496297003819]) >= 9
    assert lre(log_likelihood(log_prob, solution.params, cells, counts), -446.531576195714251) >= 9


# Peers


class TRegression(GenericLikelihoodModel):
    def loglikeobs(self, params):
        df = np.exp(params[2])
        return stats.t.logpdf(self.endog, df, self.exog @ params[:2], np.exp(params[3]))


def test_against_the_generic_likelihood_of_statsmodels(double):
    """Its derivatives are numerical, which sets the tolerance."""
    X, y = t_data()
    peer = TRegression(y, X, extra_params_names=["log_df", "log_scale"]).fit(
        start_params=[1, -2, 1.5, 0.0], method="bfgs", disp=0, gtol=1e-8
    )
    solution = fit(t_regression, T_START, (X, y))
    inferred = infer(t_regression, solution, (X, y))
    assert names(solution.params) == ["coef[0]", "coef[1]", "log_df", "log_scale"]
    assert_close(inferred.estimate, peer.params, 1e-5)
    assert_close(inferred.se, peer.bse, 1e-4)
    assert float(-len(y) * solution.value) == pytest.approx(peer.llf, rel=1e-9)


def test_score_and_information_are_the_derivatives(double):
    """Of a normal sample, written out; the score is 0 at the maximum."""
    x, weights = np.array([1.0, 2, 4, 5, 9]), np.array([1.0, 2, 0, 1, 3])
    n, params = weights.sum(), {"mean": 2.0, "sd": 3.0}
    d = x - 2
    assert float(log_likelihood(normal, params, x, weights)) == pytest.approx(
        np.sum(weights * stats.norm.logpdf(x, 2, 3)), rel=1e-14
    )
    first, second = np.sum(weights * d), np.sum(weights * d**2)
    np.testing.assert_allclose(score(normal, params, x, weights), [first / 9, second / 27 - n / 3], rtol=1e-13)
    expected = [[n / 9, 2 * first / 27], [2 * first / 27, 3 * second / 81 - n / 9]]
    np.testing.assert_allclose(observed_information(normal, params, x, weights), expected, rtol=1e-13)
    top = fit(normal, params, x, weights=weights).params
    np.testing.assert_allclose(score(normal, top, x, weights), 0, atol=1e-8)


def test_bernoulli_regression_is_logistic_regression(double):
    """The same flat order, intercept first, from the same kind of params."""
    data = jn.datasets.challenger()
    X, y = np.asarray(data.X, np.float64), np.asarray(data.y, np.float64)

    def log_prob(params, row):
        x, y = row
        eta = jnp.dot(x, params.coef) + params.intercept
        return y * eta - jnp.logaddexp(0.0, eta)

    start = jn.LinearParams(np.zeros(1), 0.0)
    solution = fit(log_prob, start, (X, y))
    ours = infer(log_prob, solution, (X, y))
    theirs = jn.logistic_regression.infer(jn.logistic_regression.fit(X, y), X, y)
    assert names(solution.params) == ["intercept", "coef[0]"]
    for field in ("estimate", "se", "pvalue", "lower", "covariance"):
        assert_close(getattr(ours, field), getattr(theirs, field), 1e-7)


# How a fit ends


def sum_only(params, x):
    return -((params["a"] + params["b"] - x) ** 2)


def one_of_two(params, x):
    return -((params["a"] - x) ** 2)


def rises_for_ever(u, x):
    return -jnp.exp(-u) + 0 * x


def rises_slowly(u, x):
    return -1 / (1 + u) + 0 * x


def has_no_maximum(u, x):
    return u * x


def double_well(u, x):
    """Maxima at -1 and 1, a minimum between."""
    return -((u**2 - 1) ** 2) + 0 * x


def saddle(params, x):
    return -((params[0] - x) ** 2) + params[1] ** 2 - params[1] ** 4 / 2


PAIR = {"a": 1.0, "b": 2.0}
ENDINGS = {
    "converged": (normal, NORMAL_START, [1.0, 2, 4], Status.CONVERGED),
    "a sum of two parameters": (sum_only, PAIR, [1.0, 2, 4], Status.FLAT),
    "a parameter without part": (one_of_two, PAIR, [1.0, 2, 4], Status.FLAT),
    "a likelihood that is constant": (lambda u, x: 0 * u * x, 1.0, [1.0, 2], Status.FLAT),
    "an optimum at infinity": (rises_for_ever, 0.0, [1.0, 2], Status.BOUNDARY),
    "a likelihood that rises without end": (lambda p, x: jnp.log1p(-p) + 0 * x, 0.5, [0.0, 0], Status.BOUNDARY),
    "an optimum far away": (rises_slowly, 0.0, [1.0, 2], Status.BOUNDARY),
    "no spread": (normal, NORMAL_START, [3.0, 3, 3], Status.BOUNDARY),
    "one observation": (normal, NORMAL_START, [3.0], Status.BOUNDARY),
    "an end of the support": (lambda t, x: jnp.where(x <= t, -jnp.log(t), -jnp.inf), 9.0, [1.0, 4], Status.BOUNDARY),
    "NaN at the start": (normal, {"mean": 0.0, "sd": -1.0}, [1.0, 2, 4], Status.BAD_START),
    "infinite at the start": (bernoulli, 1.0, [0.0, 1.0], Status.BAD_START),
    "NaN in the start": (normal, {"mean": np.nan, "sd": 1.0}, [1.0, 2, 4], Status.BAD_START),
    "NaN in the data": (normal, NORMAL_START, [1.0, np.nan, 4], Status.NON_FINITE_DATA),
    "infinity in the data": (normal, NORMAL_START, [1.0, np.inf, 4], Status.NON_FINITE_DATA),
    "a minimum between two maxima": (double_well, 0.0, [1.0], Status.CONVERGED),
    "a saddle": (saddle, np.zeros(2), [0.0], Status.CONVERGED),
}  # fmt: skip


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", ENDINGS)
def test_endings(name, dtype):
    log_prob, start, data, expected = ENDINGS[name]
    start = jax.tree.map(lambda leaf: np.asarray(leaf, dtype), start)
    solution = fit(log_prob, start, np.asarray(data, dtype))
    assert Status(int(solution.status)) == expected
    inferred = infer(log_prob, solution, np.asarray(data, dtype))
    assert np.all(np.isnan(np.asarray(inferred.se))) == (expected != Status.CONVERGED)


def test_a_linear_likelihood_never_converges(dtype):
    """It has no maximum at all; it must not claim one."""
    solution = fit(has_no_maximum, np.asarray(0.0, dtype), np.asarray([1.0, 2.0], dtype))
    assert solution.status not in (Status.CONVERGED, Status.FLAT)


def test_saddles_are_left(double):
    assert abs(float(fit(double_well, 0.0, np.ones(1)).params)) == pytest.approx(1, rel=1e-9)
    assert abs(float(fit(saddle, np.zeros(2), np.zeros(1)).params[1])) == pytest.approx(1, rel=1e-9)


def test_each_ending_has_a_message_of_its_own():
    solution = fit(normal, NORMAL_START, np.array([1.0, 2, 4]))
    told = set()
    for status in {ending[3] for ending in ENDINGS.values()} - {Status.CONVERGED}:
        with pytest.raises(jn.FitError, match=f"^{status.name}") as caught:
            jn.raise_for_status(dataclasses.replace(solution, status=np.int8(status)))
        told.add(str(caught.value))
    assert len(told) == len({ending[3] for ending in ENDINGS.values()}) - 1


def test_infinite_data_that_the_likelihood_can_bear(double):
    """A row that says only that x lies above its first entry and below infinity."""
    rows = np.array([[1.0, np.inf], [0.5, np.inf], [2.0, np.inf]])

    def log_prob(rate, row):
        return jnp.log(rate) - rate * row[0] - jnp.where(jnp.isinf(row[1]), jnp.log(rate), 0.0) - rate**2 / 2

    solution = fit(log_prob, 1.0, rows)
    assert solution.status == Status.BOUNDARY
    last = np.array([[1.0, np.inf], [0.5, np.inf], [2.0, 2.0]])
    solution = fit(log_prob, 1.0, last)
    assert solution.status == Status.CONVERGED
    # 3 rate^2 + 3.5 rate = 1
    assert float(solution.params) == pytest.approx((np.sqrt(3.5**2 + 12) - 3.5) / 6, rel=1e-9)


# Batches, captured values, derivatives


@pytest.mark.long
def test_nested_vmap_over_weights_and_data(double):
    X, y = t_data(n=40)
    draws = np.random.default_rng(0).integers(0, 3, (3, 40)).astype(float)
    responses = np.stack([y, y[::-1]])
    inner = jax.vmap(lambda y, w: fit(cauchy_regression, CAUCHY_START, (X, y), weights=w), in_axes=(None, 0))
    nested = jax.jit(jax.vmap(inner, in_axes=(0, None)))(responses, draws)
    for i in range(2):
        for j in range(3):
            one = fit(cauchy_regression, CAUCHY_START, (X, responses[i]), weights=draws[j])
            assert_close(nested.params["coef"][i, j], one.params["coef"], 1e-8)
            assert int(nested.status[i, j]) == int(one.status)


def test_one_bad_start_harms_nobody(dtype):
    """Nor does a sample without spread; what is inferred of the sound lanes keeps its bits too."""
    x = np.random.default_rng(0).normal(3, 2, (4, 30)).astype(dtype)
    start = {"mean": np.zeros(4, dtype), "sd": np.ones(4, dtype)}
    many = jax.jit(jax.vmap(lambda start, x: (s := fit(normal, start, x), infer(normal, s, x))))
    before = many(start, x)
    x[0], start["sd"][2] = 7.0, -1.0
    after = many(start, x)
    assert [Status(int(code)) for code in after[0].status[::2]] == [Status.BOUNDARY, Status.BAD_START]
    for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        np.testing.assert_array_equal(np.asarray(a)[1::2], np.asarray(b)[1::2])
    assert np.all(np.isnan(np.asarray(after[1].se)[::2]))


def shifted_fit(c, x):
    """A log_prob that captures c."""
    return fit(lambda mean, x: -((x - mean - c) ** 2) / 2 - jnp.exp(-c) * mean**2, 0.0, x).params


def shifted_answer(c, x):
    return (x.mean() - c) / (1 + 2 * np.exp(-c))


@pytest.mark.long
def test_captured_values_are_batched_and_differentiated(double):
    x, c = np.array([1.0, 2.0, 6.0]), np.array([0.3, -1.0, 2.0])
    assert_close(jax.vmap(lambda c: shifted_fit(c, x))(c), shifted_answer(c, x), 1e-8)
    slope = jax.grad(shifted_fit)
    h = 1e-6
    expected = (shifted_answer(c + h, x) - shifted_answer(c - h, x)) / (2 * h)
    for slopes in (
        jax.vmap(lambda c: slope(c, x))(c),
        jax.grad(lambda c: jax.vmap(lambda c: shifted_fit(c, x))(c).sum())(c),
    ):
        assert_close(slopes, expected, 1e-8)
    both = jax.jit(jax.vmap(jax.vmap(shifted_fit, in_axes=(0, None)), in_axes=(None, 0)))(c, np.stack([x, 2 * x]))
    assert_close(both, [shifted_answer(c, x), shifted_answer(c, 2 * x)], 1e-8)


def test_second_derivatives(double):
    """Of the estimate in a captured value: mean = c^3."""

    def answer(c):
        return fit(lambda mean, x: -((mean - c**3) ** 2) + 0 * x, 0.5, np.zeros(2)).params

    assert float(jax.hessian(answer)(0.7)) == pytest.approx(6 * 0.7, rel=1e-8)


def test_inference_is_differentiable(double):
    """The standard error of a mean grows with the data's scale."""
    x = np.array([1.0, 2, 4, 5, 9])

    def se(c):
        return infer(normal, fit(normal, NORMAL_START, c * x), c * x).se

    slope = jax.jacrev(se)(2.0)
    np.testing.assert_allclose(slope, se(1.0), rtol=1e-7)


@pytest.mark.long
def test_absent_rows_have_no_part(double):
    """Whatever they hold: NaN, or values outside the support."""
    x = np.array([1, 2, np.nan, 4, -7, 9])
    weights = np.array([1.0, 2, 0, 1, 0, 3])
    repeated = np.array([1.0, 2, 2, 4, 9, 9, 9])

    def log_normal(params, x):
        return normal(params, jnp.log(x)) - jnp.log(x)

    ours, theirs = fit(log_normal, NORMAL_START, x, weights=weights), fit(log_normal, NORMAL_START, repeated)
    assert ours.status == theirs.status == Status.CONVERGED
    assert float(ours.value) == pytest.approx(float(theirs.value), rel=1e-12)
    groups = np.array([0, 1, 9, 0, 9, 1])
    one = infer(log_normal, ours, x, weights=weights, cov="cluster", groups=groups)
    other = infer(log_normal, theirs, repeated, cov="cluster", groups=np.array([0, 1, 1, 0, 1, 1, 1]))
    assert_close(one.covariance, other.covariance, 1e-8)
    intervals = (
        profile_intervals(log_normal, ours, x, weights=weights),
        profile_intervals(log_normal, theirs, repeated),
    )
    assert_close(*[np.asarray(interval) for interval in intervals], 1e-8)
    slope = np.asarray(jax.grad(lambda w: fit(log_normal, NORMAL_START, x, weights=w).params["mean"])(weights))
    # The mean of logarithms moves by (log x_i - mean) / n_obs.
    present = weights > 0
    expected = (np.log(x[present]) - float(ours.params["mean"])) / 7
    assert_close(slope[present], expected, 1e-8)
    assert np.all(np.isfinite(slope))


@settings(max_examples=20)
@given(a=st.floats(-50, 50), b=st.floats(0.02, 50))
def test_estimates_move_with_the_data(a, b):
    """The law of a + b x has mean a + b mean and standard deviation b sd, whatever the start."""
    x = np.array([1.0, 2, 4, 5, 9, 3, 3.5, 2.2])
    with x64():
        params = fit(normal, NORMAL_START, a + b * x).params
        assert float(params["mean"]) == pytest.approx(a + b * x.mean(), rel=1e-8, abs=1e-8)
        assert float(params["sd"]) == pytest.approx(b * x.std(), rel=1e-8)


def test_many_rows_chunk_by_chunk(dtype):
    """More rows than are summed at once; the answer of the same counts as weights."""
    rng = np.random.default_rng(0)
    k = rng.poisson(3.0, 60_000)
    values, counts = np.unique(k, return_counts=True)
    start = np.asarray(1.0, dtype)
    ours, theirs = fit(poisson, start, k), fit(poisson, start, values, weights=counts)
    assert ours.status == theirs.status == Status.CONVERGED
    tolerance = tolerances.of(dtype)
    assert float(ours.params) == pytest.approx(k.mean(), rel=tolerance.estimate)
    se = [float(infer(poisson, s, d, weights=w).se[0]) for s, d, w in [(ours, k, None), (theirs, values, counts)]]
    assert se[0] == pytest.approx(se[1], rel=tolerance.inference)


def compilations(caplog, run) -> list[str]:
    caplog.clear()
    with jax.log_compiles(), caplog.at_level(logging.DEBUG):
        jax.block_until_ready(run())
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("Compiling")]


def test_a_lambda_written_anew_and_a_profile_do_not_compile_again(caplog):
    """For other data and captured arrays."""

    def with_lambda(c, x):
        c = jnp.asarray(c)
        return fit(lambda mean, x: -((mean - c * x) ** 2), 0.0, x)

    x = np.array([1.0, 2, 4], np.float32)
    runs = [
        lambda k: profile_intervals(normal, fit(normal, NORMAL_START, x + k), x + k),
        lambda k: with_lambda(np.float32(k), x + k),
    ]
    for run in runs:
        run(0)
        run(1)
        assert compilations(caplog, lambda run=run: run(2)) == []


def test_globals_that_change_are_seen():
    """A function is traced at each call, so that no stale value is used."""
    shift = {"by": 1.0}

    def log_prob(mean, x):
        return -((mean - x - shift["by"]) ** 2)

    x = np.array([1.0, 2, 3])
    assert float(fit(log_prob, 0.0, x).params) == pytest.approx(3, rel=1e-5)
    shift["by"] = 5.0
    assert float(fit(log_prob, 0.0, x).params) == pytest.approx(7, rel=1e-5)


def test_what_a_jitted_part_holds_is_seen():
    """A function under jax.jit hides from the program what it captures; two such likelihoods differ all the same."""

    def shifted(by):
        inner = jax.jit(lambda mean: mean + jnp.asarray(by))
        return lambda mean, x: -((x - inner(mean)) ** 2)

    x = np.array([1.0, 2, 3])
    found = [float(fit(shifted(np.array(by)), 0.0, x).params) for by in (1.0, 5.0)]
    assert found == pytest.approx([1, -3], rel=1e-5)


# Names, dtypes, bad input


@pytest.mark.long
def test_precise_data_converge_in_float32():
    """Where rounding ends the descent near the maximum, and only there: within 2 % of a standard error of float64's."""

    def decay(params, row):
        t, y = row
        z = (y - params["size"] * jnp.exp(-params["rate"] * t)) / params["scale"]
        return -2 * jnp.log1p(z**2 / 3) - jnp.log(params["scale"])

    rng, t = np.random.default_rng(0), np.arange(8.0)
    errors = rng.normal(size=(200, 8)) * 10 ** rng.uniform(-3, 0, (200, 1))
    y = (6 * np.exp(-0.36 * t) + errors).astype(np.float32)
    start = {"size": 6.0, "rate": 0.4, "scale": 1.0}
    single = jax.vmap(lambda y: fit(decay, start, (t.astype(y.dtype), y)))(y)
    with x64():
        double = jax.vmap(lambda y: fit(decay, start, (t, y)))(y.astype(float))
        se = jax.vmap(lambda solution, y: infer(decay, solution, (t, y)).se)(double, y.astype(float))
    found, exact = (np.stack([np.asarray(s.params[name]) for name in sorted(start)], 1) for s in (single, double))
    told = np.asarray(single.converged & double.converged)
    assert np.mean(told) > 0.95
    assert np.all(np.abs(found - exact)[told] <= 0.02 * np.asarray(se)[told])


def test_names_come_from_the_pytree():
    params = {"scale": 1.0, "beta": np.zeros((2, 2)), "pair": (0.0, np.zeros(1))}
    assert names(params) == ["beta[0, 0]", "beta[0, 1]", "beta[1, 0]", "beta[1, 1]", "pair.0", "pair.1[0]", "scale"]
    assert names(0.5) == ["params"]
    assert names(np.zeros(2)) == ["params[0]", "params[1]"]
    law = jn.LinearParams(np.zeros((2, 1)), np.zeros(2))
    assert names(law) == ["intercept[0]", "coef[0][0]", "intercept[1]", "coef[0][1]"]


def test_the_table_speaks_the_users_words():
    x = np.array([1.0, 2, 4, 5, 9])
    solution = fit(normal, NORMAL_START, x)
    table = str(jn.show.summary(solution, infer(normal, solution, x), n_obs=5))
    rows = [line.split()[0] for line in table.splitlines() if line[:1] in "ms"]
    assert rows == ["mean", "sd"]


@pytest.mark.long
def test_dtype_follows_the_input():
    x = np.array([1.0, 2, 4])
    with x64():
        cases = [
            (NORMAL_START, x.astype(np.float32)),
            ({"mean": np.float32(0), "sd": 1.0}, x),
            ({"mean": 0, "sd": 1}, x),
        ]
        found = [fit(normal, start, data).params["mean"].dtype for start, data in cases]
        counted = fit(poisson, 1, np.arange(4)).params.dtype
    assert found == [np.float32, np.float64, np.float64]
    assert counted == np.float64
    assert fit(poisson, 1, np.arange(4)).params.dtype == np.float32


X, Y = np.ones((6, 2)), np.arange(6.0)
REFUSED = {
    "no function": (lambda: fit({"mean": 0.0}, normal, Y), TypeError, r"log_prob: expected a function"),
    "no parameters": (lambda: fit(normal, {}, Y), ValueError, "params0: expected at least one number to estimate"),
    "parameters of text": (lambda: fit(normal, {"mean": "text"}, Y), TypeError, "params0: expected an array"),
    "complex parameters": (lambda: fit(normal, 1j, Y), TypeError, "params0: expected float32 or float64, got complex"),
    "no data": (lambda: fit(normal, NORMAL_START, ()), ValueError, "data: expected arrays with one row"),
    "a number for data": (lambda: fit(normal, NORMAL_START, 3.0), ValueError, r"data: .* got shapes \[\(\)\]"),
    "rows of two lengths": (lambda: fit(normal, NORMAL_START, (X, Y[:5])), ValueError, r"data: .*\[\(6, 2\), \(5,\)\]"),
    "no rows": (lambda: fit(normal, NORMAL_START, Y[:0]), ValueError, r"data: .*at least 1, got shapes \[\(0,\)\]"),
    "a list of numbers": (lambda: fit(normal, NORMAL_START, [1.0, 2.0]), ValueError, "data: .*jnp.asarray"),
    "data of text": (lambda: fit(normal, NORMAL_START, np.array(["a", "b"])), TypeError, "data: expected an array"),
    "half precision": (lambda: fit(normal, NORMAL_START, Y.astype(np.float16)), TypeError, "data: expected float32"),
    "many values a row": (lambda: fit(lambda p, x: p * x, 1.0, X), ValueError, r"log_prob: .*\(2,\)"),
    "an integer": (lambda: fit(lambda p, x: 1, 1.0, X), ValueError, "log_prob: expected one real number for one row"),
    "a pair": (lambda: fit(lambda p, x: (p, p), 1.0, X), ValueError, "log_prob: .* got tuple"),
    "weights too short": (lambda: fit(normal, NORMAL_START, Y, weights=Y[:5]), ValueError, r"weights: .*\(6,\)"),
    "weights of a number": (lambda: fit(normal, NORMAL_START, Y, weights=2.0), ValueError, r"weights: .*got \(\)"),
    "negative tol": (lambda: fit(normal, NORMAL_START, Y, tol=-1.0), ValueError, "tol: expected a number >= 0"),
    "negative max_steps": (lambda: fit(normal, NORMAL_START, Y, max_steps=-1), ValueError, "max_steps: expected"),
    "unknown cov": (lambda: infer(normal, SOLUTION, Y, cov="HC3"), ValueError, "cov: .*nonrobust, HC0, HC1, cluster"),
    "groups without cluster": (lambda: infer(normal, SOLUTION, Y, groups=np.arange(6)), ValueError, "groups: expected"),
    "cluster without groups": (lambda: infer(normal, SOLUTION, Y, cov="cluster"), ValueError, "groups: expected"),
    "level": (lambda: infer(normal, SOLUTION, Y, level=95), ValueError, "level: expected a number between 0 and 1"),
    "level of a profile": (lambda: profile_intervals(normal, SOLUTION, Y, level=1.0), ValueError, "level: expected"),
    "not nested": (lambda: likelihood_ratio_test(SOLUTION, SOLUTION, Y), ValueError, "full: expected more parameters"),
    "a batch": (lambda: aic(BATCH, Y), ValueError, r"solution: expected one fit, got a batch of shape \(2,\)"),
    "a batch to infer": (lambda: infer(normal, BATCH, Y), ValueError, r"solution: expected one fit, got a batch"),
    "a batch to profile": (lambda: profile_intervals(normal, BATCH, Y), ValueError, r"solution: expected one fit"),
    "a batch to delta": (lambda: delta_method(lambda p: p, BATCH, None), ValueError, r"solution: expected one fit"),
}  # fmt: skip
SOLUTION = jn.Solution(
    {"mean": np.float32(1), "sd": np.float32(2)}, np.float32(1), np.float32(0), np.int32(1), np.int8(0), np.float32(0)
)
BATCH = jax.tree.map(lambda leaf: np.stack([leaf, leaf]), SOLUTION)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_while_tracing(name):
    attempt, error, message = REFUSED[name]
    with pytest.raises(error, match=f"^{message}"):
        attempt()
