"""What follows a fit of any likelihood: covariances, tests between models, profile intervals, restricted parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import statsmodels.api as sm
import tolerances
from likelihoods import (
    CAUCHY_START,
    NORMAL_START,
    SAMPLE,
    TOSSES,
    cauchy_regression,
    normal,
    poisson_data,
    poisson_regression,
    t_data,
)
from scipy import optimize, special, stats
from tolerances import assert_close

from jaxnotes import Status
from jaxnotes.core.descent import bijections
from jaxnotes.maximum_likelihood import (
    aic,
    bic,
    delta_method,
    fit,
    infer,
    likelihood_ratio_test,
    names,
    profile_intervals,
    score_test,
    wald_test,
)

pytestmark = pytest.mark.repeated


@pytest.mark.parametrize("cov", ["nonrobust", "HC0", "cluster"])
def test_covariances_against_statsmodels(cov, dtype):
    """A Poisson regression of counts that are no Poisson counts; its link is canonical: expected is observed."""
    X, y, weights = poisson_data()
    groups = np.arange(len(y)) // 4
    repeated = np.repeat(np.arange(len(y)), weights.astype(int))
    options = {"cov_kwds": {"groups": groups[repeated]}} if cov == "cluster" else {}
    peer = sm.GLM(y[repeated], X[repeated], family=sm.families.Poisson()).fit(tol=1e-14, cov_type=cov, **options)
    data = X.astype(dtype), y.astype(dtype)
    solution = fit(poisson_regression, np.zeros(3, dtype), data, weights=weights)
    inferred = infer(
        poisson_regression, solution, data, weights=weights, cov=cov, groups=groups if options else None, level=0.9
    )
    tolerance = tolerances.of(dtype)
    assert_close(inferred.estimate, peer.params, tolerance.estimate)
    assert_close(inferred.covariance, peer.cov_params(), tolerance.inference)
    assert_close(inferred.statistic, peer.tvalues, tolerance.inference)
    assert_close(inferred.pvalue, peer.pvalues, tolerance.inference)
    assert_close(np.column_stack([inferred.lower, inferred.upper]), peer.conf_int(0.1), tolerance.inference)
    assert np.isinf(inferred.df)
    assert float(-weights.sum() * solution.value) == pytest.approx(peer.llf, rel=tolerance.loglik)
    assert float(aic(solution, data, weights=weights)) == pytest.approx(peer.aic, rel=tolerance.loglik)
    expected = 3 * np.log(weights.sum()) - 2 * peer.llf
    assert float(bic(solution, data, weights=weights)) == pytest.approx(expected, rel=tolerance.loglik)


# Tests between nested models


def common_slope(coef):
    """The restricted Poisson regression: the last two coefficients are opposite."""
    return jnp.array([coef[0], coef[1], -coef[1]])


def nested_fits(dtype):
    X, y, weights = poisson_data()
    data = X.astype(dtype), y.astype(dtype)

    def restricted_log_prob(coef, row):
        return poisson_regression(common_slope(coef), row)

    full = fit(poisson_regression, np.zeros(3, dtype), data, weights=weights)
    restricted = fit(restricted_log_prob, np.zeros(2, dtype), data, weights=weights)
    return full, restricted, data, weights


@pytest.mark.long
def test_three_tests_against_statsmodels(double):
    full, restricted, data, weights = nested_fits(np.float64)
    X, y = data
    repeated = np.repeat(np.arange(len(y)), weights.astype(int))
    peer = sm.GLM(y[repeated], X[repeated], family=sm.families.Poisson()).fit(tol=1e-14)
    smaller = sm.GLM(y[repeated], X[repeated] @ [[1, 0], [0, 1], [0, -1]], family=sm.families.Poisson()).fit(tol=1e-14)
    statistic = 2 * (peer.llf - smaller.llf)
    ratio = likelihood_ratio_test(full, restricted, data, weights=weights)
    assert float(ratio.statistic) == pytest.approx(statistic, rel=1e-8)
    assert float(ratio.pvalue) == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-7)
    inferred = infer(poisson_regression, full, data, weights=weights)
    wald = wald_test(lambda coef: coef[1] + coef[2], full, inferred)
    theirs = peer.wald_test("x1 + x2 = 0", scalar=True)
    assert float(wald.statistic) == pytest.approx(theirs.statistic, rel=1e-7)
    assert float(wald.pvalue) == pytest.approx(float(theirs.pvalue), rel=1e-7)
    rao = score_test(poisson_regression, common_slope, restricted, data, weights=weights)
    coef = np.asarray(common_slope(restricted.params))
    mean = np.exp(X @ coef)
    s, information = X.T @ (weights * (y - mean)), X.T @ (X * (weights * mean)[:, None])
    assert float(rao.statistic) == pytest.approx(s @ np.linalg.solve(information, s), rel=1e-7)
    assert [int(test.df) for test in (ratio, wald, rao)] == [1, 1, 1]


@pytest.mark.long
def test_tests_of_two_restrictions_and_in_a_batch(double):
    """No slope at all; lane by lane what a single call says."""
    X, y, _ = poisson_data()

    def three(y):
        full = fit(poisson_regression, np.zeros(3), (X, y))
        flat = fit(lambda c, row: poisson_regression(no_slope(c), row), 0.0, (X, y))
        inferred = infer(poisson_regression, full, (X, y))
        return (
            likelihood_ratio_test(full, flat, (X, y)),
            wald_test(lambda coef: {"slopes": coef[1:]}, full, inferred),
            score_test(poisson_regression, no_slope, flat, (X, y)),
        )

    def no_slope(c):
        return jnp.stack([c, jnp.zeros_like(c), jnp.zeros_like(c)])

    many = jax.jit(jax.vmap(three))(np.stack([y, y[::-1]]))
    for one, batched in zip(three(y), many, strict=True):
        assert int(one.df) == 2
        assert float(one.pvalue) == pytest.approx(stats.chi2.sf(float(one.statistic), 2), rel=1e-9)
        assert float(batched.statistic[0]) == pytest.approx(float(one.statistic), rel=1e-7)


def test_tests_say_nothing_of_failed_fits_or_no_nesting(double):
    full, restricted, data, weights = nested_fits(np.float64)
    stopped = fit(poisson_regression, np.zeros(3), data, weights=weights, max_steps=1)
    assert stopped.status == Status.MAX_STEPS
    assert np.isnan(likelihood_ratio_test(stopped, restricted, data, weights=weights).pvalue)
    assert np.isnan(wald_test(lambda coef: coef[1], stopped, infer(poisson_regression, stopped, data)).statistic)
    assert np.isnan(aic(stopped, data))
    assert np.isnan(bic(stopped, data))
    # One restriction twice; a "full" model that fits worse.
    inferred = infer(poisson_regression, full, data, weights=weights)
    assert np.isnan(wald_test(lambda coef: jnp.stack([coef[1], 2 * coef[1]]), full, inferred).pvalue)
    other = fit(lambda coef, row: -jnp.sum(coef**2) - 99.0, np.ones(3), data)
    assert other.status == Status.CONVERGED
    test = likelihood_ratio_test(other, restricted, data, weights=weights)
    assert float(test.statistic) < 0
    assert np.isnan(test.pvalue)


# Profile intervals


def profile_by_scipy(minus_total, theta, j, side, se, z):
    """The end by a root finder around a simplex search: slow, and another algorithm through and through."""
    others = [i for i in range(len(theta)) if i != j]

    def gap(c):
        def held(rest):
            full = np.array(theta)
            full[j], full[others] = c, rest
            return minus_total(full)

        found = optimize.minimize(held, theta[others], method="BFGS", options={"gtol": 1e-9}).fun
        return 2 * (found - minus_total(theta)) - z**2

    return optimize.brentq(gap, theta[j], theta[j] + side * 4 * se, xtol=1e-10)


@pytest.mark.long
def test_profiles_of_a_cauchy_regression(double):
    X, y = t_data(n=60)
    solution = fit(cauchy_regression, CAUCHY_START, (X, y))
    inferred = infer(cauchy_regression, solution, (X, y))
    interval = profile_intervals(cauchy_regression, solution, (X, y), level=0.8)

    def minus_total(theta):
        return -np.sum(stats.cauchy.logpdf(y, X @ theta[:2], np.exp(theta[2])))

    theta, z = np.asarray(inferred.estimate), stats.norm.isf(0.1)
    for j in range(3):
        for side, ours in ((-1, interval.lower), (1, interval.upper)):
            expected = profile_by_scipy(minus_total, theta, j, side, float(inferred.se[j]), z)
            assert float(ours[j]) == pytest.approx(expected, abs=1e-6)


def test_profiles_of_a_normal_sample(dtype):
    """Closed forms: the mean by log(1 + d^2 / s^2), the standard deviation by its own equation."""
    x = SAMPLE
    n, z2 = len(x), stats.chi2.isf(0.05, 1)
    solution = fit(normal, {"mean": np.asarray(2, dtype), "sd": np.asarray(1, dtype)}, x.astype(dtype))
    interval = profile_intervals(normal, solution, x.astype(dtype))
    half = x.std() * np.sqrt(np.expm1(z2 / n))

    def gap(sd):
        return 2 * n * np.log(sd / x.std()) + n * (x.var() / sd**2 - 1) - z2

    sd_ends = [optimize.brentq(gap, *bracket) for bracket in [(0.1, x.std()), (x.std(), 50)]]
    tolerance = 1e-9 if dtype == np.float64 else 1e-4
    assert_close(interval.lower, [x.mean() - half, sd_ends[0]], tolerance)
    assert_close(interval.upper, [x.mean() + half, sd_ends[1]], tolerance)


@pytest.mark.long
def test_profiles_do_not_depend_on_how_parameters_are_written(double):
    """The logarithm of an interval for the scale is the interval for its logarithm."""
    x = SAMPLE

    def in_logarithms(params, x):
        return normal({"mean": params["mean"], "sd": jnp.exp(params["sd"])}, x)

    natural = profile_intervals(normal, fit(normal, NORMAL_START, x), x)
    free = profile_intervals(in_logarithms, fit(in_logarithms, {"mean": 0.0, "sd": 0.0}, x), x)
    np.testing.assert_allclose(np.log(natural.lower[1]), free.lower[1], rtol=1e-9)
    np.testing.assert_allclose(np.log(natural.upper[1]), free.upper[1], rtol=1e-9)
    np.testing.assert_allclose(natural.lower[0], free.lower[0], rtol=1e-9)


@pytest.mark.long
def test_profiles_without_an_end(double):
    """All in one category but one: the odds have a lower end. All in one: they have none on that side."""

    def by_log_odds(u, x):
        return x * u - jnp.logaddexp(0.0, u)

    none = fit(by_log_odds, 0.0, 0.0 * TOSSES)
    assert none.status == Status.BOUNDARY
    ends = profile_intervals(by_log_odds, none, 0.0 * TOSSES)
    assert float(ends.lower[0]) == -np.inf
    assert special.expit(float(ends.upper[0])) == pytest.approx(0.1748, abs=5e-5)

    def saturating(u, x):
        return -((jnp.tanh(u) - x) ** 2)

    solution = fit(saturating, 0.0, np.array([0.5, 0.1]))
    assert solution.status == Status.CONVERGED
    ends = profile_intervals(saturating, solution, np.array([0.5, 0.1]))
    assert np.tanh(float(ends.lower[0])) == pytest.approx(0.3 - stats.norm.isf(0.025) / 2, rel=1e-8)
    assert float(ends.upper[0]) == np.inf


def test_profiles_say_nothing_of_failed_fits(double):
    x = np.array([1.0, 2, 4])
    solution = fit(normal, NORMAL_START, x, max_steps=1)
    assert np.all(np.isnan(np.asarray(profile_intervals(normal, solution, x))))


@pytest.mark.long
def test_profiles_of_many_models_are_those_of_one(dtype):
    X, y = (np.stack(part).astype(dtype) for part in zip(*[t_data(seed, 60) for seed in range(3)], strict=True))
    start = jax.tree.map(lambda leaf: np.asarray(leaf, dtype), CAUCHY_START)

    def both(X, y):
        return profile_intervals(cauchy_regression, fit(cauchy_regression, start, (X, y)), (X, y))

    many = jax.jit(jax.vmap(both))(X, y)
    # In float32 the likelihood itself is known to eps n, some 1e-5 of the drop that defines an end.
    tolerance = 1e-8 if dtype == np.float64 else 2e-3
    for k in range(3):
        assert_close(np.asarray(many)[:, k], np.asarray(both(X[k], y[k])), tolerance)


# Restricted parameters


def test_free_coordinates_give_the_natural_inference(double):
    """At the maximum the delta method from free coordinates is the observed information in natural ones."""
    x = SAMPLE
    kinds = {"mean": bijections.real(), "sd": bijections.positive()}

    def natural(free):
        return bijections.forward(kinds, free)

    def log_prob(free, x):
        return normal(natural(free), x)

    free = fit(log_prob, bijections.inverse(kinds, {"mean": jnp.zeros(()), "sd": jnp.ones(())}), x)
    ours = delta_method(natural, free, infer(log_prob, free, x))
    theirs = infer(normal, fit(normal, NORMAL_START, x), x)
    assert names(natural(free.params)) == ["mean", "sd"]
    for field in ("estimate", "se", "covariance", "lower", "upper", "pvalue"):
        assert_close(getattr(ours, field), getattr(theirs, field), 1e-8)


def test_simplex_parameters(dtype):
    """Category shares with their multinomial covariance, from two free coordinates."""
    counts = np.array([5.0, 3.0, 12.0])
    simplex = bijections.simplex()

    def log_prob(free, category):
        return jnp.log(simplex.forward(free)[category])

    solution = fit(log_prob, np.zeros(2, dtype), np.arange(3), weights=counts)
    share = counts / 20
    inferred = delta_method(simplex.forward, solution, infer(log_prob, solution, np.arange(3), weights=counts))
    assert_close(inferred.estimate, share, tolerances.of(dtype).estimate)
    assert_close(inferred.covariance, (np.diag(share) - np.outer(share, share)) / 20, tolerances.of(dtype).inference)


def test_ordered_and_bounded_parameters(double):
    """Two normal laws with means in order, mixed by a share between 0.1 and 0.9: the label of a law is fixed."""
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.normal(-2, 1, 60), rng.normal(2, 1, 90)])
    kinds = {"means": bijections.ordered(), "share": bijections.bounded(0.1, 0.9)}

    def log_prob(free, x):
        params = bijections.forward(kinds, free)
        logs = -((x - params["means"]) ** 2) / 2 - jnp.log(2 * jnp.pi) / 2
        return jnp.logaddexp(jnp.log1p(-params["share"]) + logs[0], jnp.log(params["share"]) + logs[1])

    start = bijections.inverse(kinds, {"means": jnp.array([-1.0, 0.5]), "share": jnp.array(0.5)})
    solution = fit(log_prob, start, x)
    assert solution.status == Status.CONVERGED
    params = bijections.forward(kinds, solution.params)

    def minus(theta):
        parts = [
            np.log1p(-theta[2]) + stats.norm.logpdf(x, theta[0]),
            np.log(theta[2]) + stats.norm.logpdf(x, theta[1]),
        ]
        return -np.mean(np.logaddexp(*parts))

    peer = optimize.minimize(minus, [-1, 0.5, 0.5], method="BFGS", options={"gtol": 1e-9})
    assert_close([*params["means"], params["share"]], peer.x, 1e-6)


def test_delta_method_of_a_product(double):
    """The relative standard error of mean times sd is the root of the sum of squares, for they are independent."""
    x = SAMPLE
    solution = fit(normal, NORMAL_START, x)
    se = np.asarray(infer(normal, solution, x).se)
    product = delta_method(lambda p: {"product": p["mean"] * p["sd"]}, solution, infer(normal, solution, x), level=0.5)
    estimate = x.mean() * x.std()
    expected = estimate * np.hypot(se[0] / x.mean(), se[1] / x.std())
    assert float(product.se[0]) == pytest.approx(expected, rel=1e-8)
    assert float(product.upper[0] - product.estimate[0]) == pytest.approx(stats.norm.isf(0.25) * expected, rel=1e-8)
