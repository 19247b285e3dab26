"""The story between the chapters, as identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tolerances
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from tolerances import assert_close

from jaxnotes import Status, least_squares, logistic_regression
from jaxnotes.core.values.params import as_theta

ROWS = 24


def line(seed: int = 0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((ROWS, 2)) * [1.0, 3.0]
    return X, 1 + X @ [2.0, -1.0] + rng.standard_normal(ROWS)


def test_ridge_is_a_gaussian_prior(double):
    """Prior coef ~ N(0, sigma^2 / (n l2)) is p more observations: 0, measured by unit rows, of precision n l2."""
    X, y = line()
    l2 = 0.2
    ones = np.ones(ROWS)
    ridge = least_squares.fit(np.column_stack([ones, X])[:, 1:], y, l2=l2)
    # The two pseudo-observations carry no intercept, so it becomes a column.
    A = np.concatenate([np.column_stack([ones, X]), [[0, 1, 0], [0, 0, 1]]])
    prior = least_squares.fit(A, [*y, 0.0, 0.0], intercept=False, precision=np.array([*ones, ROWS * l2, ROWS * l2]))
    assert_close(as_theta(ridge.params), prior.params.coef, tolerances.of("float64").estimate)


def test_gaussian_likelihood_is_least_squares(double):
    """The maximum of the normal log-likelihood over intercept, coefficients and sigma."""
    X, y = line()
    A = np.column_stack([np.ones(ROWS), X])

    def negative(v):
        r = y - A @ v[:3]
        return ROWS * v[3] + np.sum(r**2) / 2 * np.exp(-2 * v[3])

    best = minimize(negative, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    solution = least_squares.fit(X, y)
    assert_close(as_theta(solution.params), best.x[:3], 1e-6)
    loglik = float(least_squares.log_likelihood(solution, X, y))
    assert loglik == pytest.approx(-best.fun - ROWS / 2 * np.log(2 * np.pi), rel=1e-9)


def test_fisher_information_is_the_inverse_covariance_of_the_linear_model(double):
    """Minus the Hessian of the Gaussian log-likelihood in theta, at the sigma that `infer` uses."""
    X, y = line()
    solution = least_squares.fit(X, y)
    inferred = least_squares.infer(solution, X, y)
    theta = np.asarray(as_theta(solution.params))
    residual = y - theta[0] - X @ theta[1:]
    sigma2 = residual @ residual / (ROWS - 3)

    def loglik(theta):
        return -jnp.sum((y - theta[0] - X @ theta[1:]) ** 2) / (2 * sigma2)

    information = -jax.jit(jax.hessian(loglik))(theta)
    assert_close(np.linalg.inv(inferred.covariance), information, tolerances.of("float64").inference)


def test_logistic_information_is_the_inverse_covariance(double):
    """Minus the Hessian by autodiff of the log-likelihood that users see."""
    X, y = line()
    y = (y > 1).astype(float) * (np.arange(ROWS) % 5 > 0)
    solution = logistic_regression.fit(X, y)
    theta = as_theta(solution.params)

    def loglik(theta):
        return jnp.sum(logistic_regression.loglik(theta[0] + X @ theta[1:], (y, np.ones(ROWS))))

    score, information = jax.jit(lambda t: (jax.grad(loglik)(t), -jax.hessian(loglik)(t)))(theta)
    np.testing.assert_allclose(score, 0, atol=1e-8)
    covariance = logistic_regression.infer(solution, X, y).covariance
    assert_close(covariance, np.linalg.inv(information), tolerances.of("float64").inference)


def test_one_newton_step_solves_a_quadratic(double):
    """From any start, for the loss that users see."""
    X, y = line()

    def loss(theta):
        from jaxnotes import LinearParams

        return least_squares.loss(LinearParams(theta[1:], theta[0]), X, y)

    step = jax.jit(lambda t: t - jnp.linalg.solve(jax.hessian(loss)(t), jax.grad(loss)(t)))
    solution = as_theta(least_squares.fit(X, y).params)
    for start in (np.zeros(3), np.array([5.0, -20.0, 100.0])):
        assert_close(step(start), solution, 1e-10)


def test_bernoulli_likelihood_is_logistic_regression(double):
    """SciPy, on the product of probabilities."""
    X, y = line()
    y = (y > 1).astype(float) * (np.arange(ROWS) % 5 > 0)
    A = np.column_stack([np.ones(ROWS), X])

    def negative(theta):
        return -np.sum(log_expit(np.where(y > 0, 1, -1) * (A @ theta)))

    def slope(theta):
        return A.T @ (expit(A @ theta) - y)

    best = minimize(negative, np.zeros(3), jac=slope, method="BFGS", options={"gtol": 1e-10})
    solution = logistic_regression.fit(X, y)
    assert_close(as_theta(solution.params), best.x, 1e-7)
    assert float(logistic_regression.log_likelihood(solution, X, y)) == pytest.approx(-best.fun, rel=1e-12)


def test_counts_are_sums_of_outcomes(double):
    """A binomial row of y out of m is y ones and m - y zeros, up to the binomial coefficient."""
    rng = np.random.default_rng(4)
    x, trials = rng.standard_normal(8), np.full(8, 3.0)
    y = rng.binomial(3, expit(x))
    counts = logistic_regression.fit(x[:, None], y.astype(float), trials=trials)
    rows = logistic_regression.fit(np.repeat(x, 3)[:, None], (np.arange(3)[None] < y[:, None]).astype(float).ravel())
    assert counts.status == rows.status == Status.CONVERGED
    assert_close(as_theta(counts.params), as_theta(rows.params), tolerances.of("float64").estimate)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_hand_derived_derivatives_are_autodiff(precision):
    """The solver's own formula for value, slope and curvature against derivatives of `loglik`, |eta| up to 30."""
    from jaxnotes import x64

    with x64(precision == "float64"):
        eta = np.linspace(-30, 30, 241).astype(precision)
        for successes, trials in [(0.0, 1.0), (1.0, 1.0), (2.0, 5.0), (0.5, 1.0)]:
            counts = np.full_like(eta, successes), np.full_like(eta, trials)
            value, slope, curvature = logistic_regression.FAMILY.derivatives(eta[None], counts)
            one = jax.vmap(lambda e, c: (logistic_regression.loglik(e, c), jax.grad(logistic_regression.loglik)(e, c)))
            expected, expected_slope = one(eta, counts)
            second = jax.vmap(jax.grad(jax.grad(logistic_regression.loglik)))(eta, counts)
            tolerance = tolerances.of(precision).hand_derived
            np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)
            np.testing.assert_allclose(slope[0], expected_slope, rtol=tolerance, atol=tolerance)
            np.testing.assert_allclose(curvature[0, 0], -second, rtol=tolerance, atol=tolerance)
            # And without cancellation: the small tail of the slope keeps its digits.
            tail = trials * expit(-np.abs(eta.astype(float))) * expit(np.abs(eta.astype(float)))
            np.testing.assert_allclose(curvature[0, 0], tail, rtol=20 * np.finfo(precision).eps)


def test_derivatives_at_ten_thousand(dtype):
    eta = np.array([-1e4, 1e4], dtype)
    for y, value, slope in [(1, [-1e4, 0], [1, 0]), (0, [0, -1e4], [0, -1])]:
        counts = np.full(2, y, dtype), np.ones(2, dtype)
        ours = logistic_regression.FAMILY.derivatives(eta[None], counts)
        np.testing.assert_array_equal(ours[0], np.array(value, dtype))
        np.testing.assert_array_equal(ours[1][0], np.array(slope, dtype))
        np.testing.assert_array_equal(ours[2][0, 0], np.zeros(2, dtype))


def seconds(degrees: int, minutes: int, seconds: int) -> float:
    return 3600 * degrees + 60 * minutes + seconds


@pytest.mark.long
def test_triangle(dtype):
    """The notes' angles 50d12'08", 60d24'16", 69d23'30" close to 6" short of 180 degrees: each gets +2".

    The unknowns are the first two angles; the third observation is 180 degrees minus both.
    """
    observed = np.array([seconds(50, 12, 8), seconds(60, 24, 16), seconds(69, 23, 30)], dtype)
    assert 180 * 3600 - observed.sum() == 6
    X = np.array([[1, 0], [0, 1], [-1, -1]], dtype)
    y = observed - np.array([0, 0, 180 * 3600], dtype)
    solution = least_squares.fit(X, y, intercept=False)
    correction = np.asarray(least_squares.predict(solution, X)) - y
    np.testing.assert_allclose(correction, 2, atol=0.04 if dtype == np.float32 else 1e-9)
    assert least_squares.residual_sd(solution, X, y) == pytest.approx(
        np.sqrt(12), rel=0.02 if dtype == np.float32 else 1e-9
    )
    redundancy = 1 - np.asarray(least_squares.leverage(X, intercept=False))
    np.testing.assert_allclose(redundancy, 1 / 3, atol=1e-5)  # r = n - t = 1, shared equally


# A levelling network: A is the bench mark; heights of B, C, D; each line's height difference and length in km.
#         from -> to: A-B     B-C     C-D     D-A     A-C
LINES = np.array([[1, 0, 0], [-1, 1, 0], [0, -1, 1], [0, 0, -1], [0, 1, 0]], float)
RISES = np.array([1.235, 0.682, -0.941, -0.970, 1.921])
LENGTHS = np.array([1.0, 2.0, 1.5, 2.5, 2.0])


@pytest.mark.long
def test_levelling_network_by_condition_equations(double):
    """Observation equations against condition equations: corrections v minimize sum p v^2 where both loops close."""
    precision = 1 / LENGTHS
    solution = least_squares.fit(LINES, RISES, intercept=False, precision=precision)
    loops = np.array([[1, 1, 0, 0, -1], [0, 0, 1, 1, 1]], float)
    closure = loops @ RISES
    cofactor = np.diag(LENGTHS)
    corrections = -cofactor @ loops.T @ np.linalg.solve(loops @ cofactor @ loops.T, closure)
    adjusted = LINES @ np.asarray(solution.params.coef)
    np.testing.assert_allclose(adjusted - RISES, corrections, atol=1e-12)
    np.testing.assert_allclose(loops @ adjusted, 0, atol=1e-12)
    # Redundancy numbers r_i = (Q_vv P)_ii from the conditions; they sum to n - t = 2.
    expected = np.diag(cofactor @ loops.T @ np.linalg.inv(loops @ cofactor @ loops.T) @ loops)
    redundancy = 1 - np.asarray(least_squares.leverage(LINES, intercept=False, precision=precision))
    np.testing.assert_allclose(redundancy, expected, atol=1e-12)
    assert redundancy.sum() == pytest.approx(2, abs=1e-12)
    sd = float(least_squares.residual_sd(solution, LINES, RISES, precision=precision))
    assert sd == pytest.approx(np.sqrt(np.sum(precision * corrections**2) / 2), rel=1e-9)


def test_a_single_loop_shares_its_misclosure_by_length(double):
    lines, rises, lengths = LINES[:4], RISES[:4], LENGTHS[:4]
    solution = least_squares.fit(lines, rises, intercept=False, precision=1 / lengths)
    corrections = lines @ np.asarray(solution.params.coef) - rises
    np.testing.assert_allclose(corrections, -rises.sum() * lengths / lengths.sum(), atol=1e-12)


@pytest.mark.long
def test_precision_is_variance_and_weights_are_rows(double):
    """The scale of the precisions changes nothing but n_obs does: only weights divide the standard errors."""
    X, y = line()
    twice = np.full(ROWS, 2.0)
    plain, precise, repeated = (
        least_squares.infer(least_squares.fit(X, y, **given), X, y, **given)
        for given in ({}, {"precision": twice}, {"weights": twice})
    )
    tolerance = tolerances.of("float64").inference
    assert_close(precise.se, plain.se, tolerance)
    assert float(precise.df) == ROWS - 3
    assert_close(repeated.se, np.asarray(plain.se) * np.sqrt((ROWS - 3) / (2 * ROWS - 3)), tolerance)
    assert float(repeated.df) == 2 * ROWS - 3
