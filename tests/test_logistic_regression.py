"""Chapter 5, two classes, against certified answers: R, Stata; then statsmodels, scikit-learn and plain formulas."""

import jax
import mpmath as mp
import numpy as np
import pytest
import reference
import statsmodels.api as sm
import tolerances
from reference import lre, numbers
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from tolerances import assert_close

from jaxnotes import Status, logistic_regression, x64
from jaxnotes.core.lanes.passes import FROM_ROWS
from jaxnotes.core.values.params import as_theta

pytestmark = pytest.mark.repeated

log_likelihood = jax.jit(logistic_regression.log_likelihood)


def filled_up(n: int, *rows):
    """Each of `rows` followed by NaN up to n rows, and the weights that leave those out."""
    weights = (np.arange(n) < len(rows[0])).astype(rows[0].dtype)
    return *(np.concatenate([a, np.full((n - len(a), *a.shape[1:]), np.nan, a.dtype)]) for a in rows), weights


# Cases with equally many columns are filled up to as many rows, so that they share a compiled program.
ROWS = {2: 10, 3: 79, 5: 400}


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    "name", reference.names("glm", keep=lambda case: (case["family"], case["link"]) == ("binomial", "logit"))
)
def test_certified_binomial_logit(name, double):
    case = reference.case("glm", name)
    X, intercept, order = reference.design(case)
    data, refined, response = reference.columns(case), case["refined"], case["response"]
    if isinstance(response, dict):
        y, trials = (reference.evaluate(response[key], data) for key in ("successes", "trials"))
    else:
        y, trials = data[response], np.ones(len(X))
    X, y, trials, weights = filled_up(max(len(X), ROWS.get(X.shape[1], 0)), X, y, trials)
    given = {"weights": weights, "trials": trials}
    assert intercept
    solution = logistic_regression.fit(X, y, **given)
    inferred = logistic_regression.infer(solution, X, y, **given)
    assert solution.status == Status.CONVERGED
    assert lre(inferred.estimate, numbers(refined["params"])[order]) >= 7
    assert lre(inferred.se, numbers(refined["std_err_expected_info"])[order]) >= 6
    assert lre(log_likelihood(solution, X, y, **given), float(refined["loglik"])) >= 9


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", reference.names("separation"))
def test_certified_separation(name, dtype):
    case = reference.case("separation", name)
    X, intercept, _ = reference.design(case)
    y = reference.columns(case)[case["response"]]
    X, y, weights = filled_up(max(len(X), ROWS.get(X.shape[1], 0)), X.astype(dtype), y.astype(dtype))
    solution = logistic_regression.fit(X, y, weights=weights, intercept=intercept)
    assert solution.status == Status.SEPARATED


@pytest.mark.parametrize(
    "name", reference.names("penalised", keep=lambda case: case["name"] in ("enet_binomial_0", "enet_binomial_1"))
)
def test_certified_ridge(name, double):
    case = reference.case("penalised", name)
    data = reference.columns(case)
    X, y = np.column_stack([data[column] for column in case["predictors"]]), data["y"]
    # Its columns are centred and have standard deviation 1 (denominator n - 1), and the answers belong to those.
    mean, sd = X.mean(axis=0), X.std(axis=0, ddof=1)
    assert case["alpha"] == "0.0"
    solution = logistic_regression.fit((X - mean) / sd, y, intercept=False, l2=float(case["lambda"]))
    assert solution.status == Status.CONVERGED
    assert lre(solution.params.coef, numbers(case["refined"]["params"])) >= 7


# Dalal, Fowlkes and Hoadley (1989), Journal of the American Statistical Association 84, 945-957: temperature at launch
# and O-ring distress of 23 flights.
CHALLENGER_X = [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58]
CHALLENGER_Y = [0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]


def newton_in_40_digits(x, y):
    """The fit of one column with an intercept: (estimate, standard errors, log-likelihood), all as mpmath numbers."""
    with mp.workdps(40):
        A, theta = mp.matrix([[1, v] for v in x]), mp.matrix([0, 0])
        for _ in range(30):
            mu = [1 / (1 + mp.exp(-e)) for e in A * theta]
            H = A.T * mp.diag([m * (1 - m) for m in mu]) * A
            theta += mp.lu_solve(H, A.T * mp.matrix([yi - m for yi, m in zip(y, mu, strict=True)]))
        covariance = H**-1
        loglik = sum(mp.log(m if yi else 1 - m) for yi, m in zip(y, mu, strict=True))
        return list(theta), [mp.sqrt(covariance[j, j]) for j in range(2)], loglik


def test_challenger(dtype):
    theta, se, loglik = newton_in_40_digits(CHALLENGER_X, CHALLENGER_Y)
    X, y = np.array(CHALLENGER_X, dtype)[:, None], np.array(CHALLENGER_Y, dtype)
    solution = logistic_regression.fit(X, y)
    inferred = logistic_regression.infer(solution, X, y)
    digits = (4.5, 4, 5.5) if dtype == np.float32 else (8, 8, 12)  # the default tol leaves 1e-10 of the gradient
    assert solution.status == Status.CONVERGED
    assert lre(inferred.estimate, numbers(theta)) >= digits[0]
    assert lre(inferred.se, numbers(se)) >= digits[1]
    assert lre(log_likelihood(solution, X, y), float(loglik)) >= digits[2]
    assert lre(solution.value, -float(loglik) / len(y)) >= digits[2]
    assert np.isinf(inferred.df)


def problem(n: int = 60):
    """Binomial counts with weights and an offset."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((n, 2)) * [1.0, 4.0] + [0.0, 3.0]
    trials = rng.integers(1, 6, n)
    offset = 0.3 * rng.standard_normal(n)
    y = rng.binomial(trials, expit(0.5 + X @ [0.8, -0.2] + offset))
    return X, *(a.astype(float) for a in (y, rng.integers(0, 4, n), offset, trials))


def given_as(dtype):
    X, y, weights, offset, trials = (a.astype(dtype) for a in problem())
    return X, y, {"weights": weights, "offset": offset, "trials": trials}


def peer(**options):
    """statsmodels on the rows repeated as their weights say; counts as (successes, failures)."""
    X, y, weights, offset, trials = problem()
    rows = np.repeat(np.arange(len(y)), weights.astype(int))
    counts = np.column_stack([y, trials - y])[rows]
    return sm.GLM(counts, sm.add_constant(X)[rows], family=sm.families.Binomial(), offset=offset[rows]).fit(
        tol=1e-14, maxiter=50, **options
    ), rows


def test_against_statsmodels(dtype):
    expected, tolerance = peer()[0], tolerances.of(dtype)
    X, y, given = given_as(dtype)
    solution = logistic_regression.fit(X, y, **given)
    inferred = logistic_regression.infer(solution, X, y, **given, level=0.9)
    assert_close(inferred.estimate, expected.params, tolerance.estimate)
    assert_close(inferred.covariance, expected.cov_params(), tolerance.inference)
    assert_close(inferred.pvalue, expected.pvalues, tolerance.inference)
    assert_close(np.column_stack([inferred.lower, inferred.upper]), expected.conf_int(0.1), tolerance.inference)
    assert float(log_likelihood(solution, X, y, **given)) == pytest.approx(expected.llf, rel=tolerance.loglik)


@pytest.mark.parametrize("cov", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_covariances(cov, double):
    """White's sandwich written out on the repeated rows; HC0 from statsmodels too (its GLM has no factor in HC1)."""
    X, y, given = given_as("float64")
    inferred = logistic_regression.infer(logistic_regression.fit(X, y, **given), X, y, **given, cov=cov)
    theta, rows = peer()[0].params, peer()[1]
    A, trials = sm.add_constant(X)[rows], given["trials"][rows]
    mu = expit(A @ theta + given["offset"][rows])
    information, score = trials * mu * (1 - mu), y[rows] - trials * mu
    bread = np.linalg.inv(A.T @ (information[:, None] * A))
    leverage = information * np.einsum("ij,jk,ik->i", A, bread, A)
    n, q = A.shape
    factor = {"HC0": 1, "HC1": n / (n - q), "HC2": 1 / (1 - leverage), "HC3": 1 / (1 - leverage) ** 2}[cov]
    expected = bread @ (A.T @ ((factor * score**2)[:, None] * A)) @ bread
    tolerance = tolerances.of("float64").inference
    assert_close(inferred.covariance, expected, tolerance)
    if cov == "HC0":
        assert_close(inferred.covariance, peer(cov_type=cov)[0].cov_params(), tolerance)


def test_clustered_covariance(double):
    X, y, given = given_as("float64")
    groups = np.arange(len(y)) // 6 * 5
    rows = peer()[1]
    expected = peer(cov_type="cluster", cov_kwds={"groups": groups[rows]})[0].cov_params()
    solution = logistic_regression.fit(X, y, **given)
    # Labels are names: any integers, in any order, negative too; those of absent rows do not count.
    inferred = logistic_regression.infer(
        solution, X, y, **given, cov="cluster", groups=np.where(given["weights"] > 0, 7 - groups, 10**6)
    )
    assert_close(inferred.covariance, expected, tolerances.of("float64").inference)


def test_ridge_against_scikit_learn(dtype):
    """C = 1 / (n l2); each count is a row of ones and a row of zeros with their numbers as weights."""
    l2 = 0.05
    X, y, weights, _, trials = problem()
    both = np.concatenate([X, X]), np.repeat([1, 0], len(y)), np.concatenate([weights * y, weights * (trials - y)])
    model = LogisticRegression(C=1 / (weights.sum() * l2), solver="newton-cholesky", tol=1e-12, max_iter=200)
    model.fit(both[0], both[1], sample_weight=both[2])
    X, y, given = given_as(dtype)
    given["offset"] = 0 * y
    solution = logistic_regression.fit(X, y, **given, l2=l2)
    assert_close(as_theta(solution.params), [*model.intercept_, *model.coef_[0]], tolerances.of(dtype).estimate)


def test_ridge_inference_is_the_sandwich(double):
    X, y, given = given_as("float64")
    l2, n = 0.05, given["weights"].sum()
    solution = logistic_regression.fit(X, y, **given, l2=l2)
    A = sm.add_constant(X)
    mu = expit(A @ np.asarray(as_theta(solution.params)) + given["offset"])
    information = A.T @ ((given["weights"] * given["trials"] * mu * (1 - mu))[:, None] * A)
    inverse = np.linalg.inv(information + n * l2 * np.diag([0.0, 1, 1]))
    inferred = logistic_regression.infer(solution, X, y, **given, l2=l2)
    assert_close(inferred.covariance, inverse @ information @ inverse, tolerances.of("float64").inference)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("n", [200, FROM_ROWS])
@pytest.mark.parametrize("degree", [4, 6])
@pytest.mark.parametrize("lowest", [0.0, 0.5])
def test_nearly_dependent_columns_converge_truthfully(degree, lowest, n):
    """Powers of t in float32: CONVERGED is within 1 % of a standard error of the float64 fit, all else is told."""
    t = np.linspace(lowest, 1, n, dtype=np.float32)
    X = np.vander(t, degree + 1, increasing=True)[:, 1:]
    chance = 1 / (1 + np.exp(-3 * np.sin(6 * (t - lowest) / (1 - lowest))))
    for seed in range(4 if n == 200 else 1):
        y = (np.random.default_rng(seed).random(n) < chance).astype(np.float32)
        found = logistic_regression.fit(X, y)
        with x64():
            exact = logistic_regression.fit(X.astype(float), y.astype(float))
            se = logistic_regression.infer(exact, X.astype(float), y.astype(float)).se[1:]
        assert found.status in (Status.CONVERGED, Status.STALLED, Status.RANK_DEFICIENT)
        error = np.abs(np.asarray(found.params.coef) - np.asarray(exact.params.coef)) / np.asarray(se)
        assert found.status != Status.CONVERGED or np.max(error) <= 0.01
        assert found.status == Status.CONVERGED or degree > 4 or lowest > 0


def test_predictions(dtype):
    X, y, given = given_as(dtype)
    solution = logistic_regression.fit(X, y, **given)
    theta = np.asarray(as_theta(solution.params), np.float64)
    eta = theta[0] + X @ theta[1:] + given["offset"]
    proba = logistic_regression.predict_proba(solution, X, given["offset"])
    assert_close(proba, expit(eta), tolerances.of(dtype).estimate)
    assert proba.dtype == dtype
    assert np.array_equal(logistic_regression.predict(solution, X, offset=given["offset"]), eta > 0)
    assert_close(logistic_regression.predict_proba(solution, X), expit(eta - given["offset"]), 1e-4)


def test_value_and_gradient_far_out(dtype):
    """At |eta| = 1e4 the value is -|eta| or 0, the derivative y - sigma(eta), both finite and exact."""
    eta = np.array([-1e4, 1e4, -1e4, 1e4, -800, 800, 0], dtype)
    y = np.array([1, 1, 0, 0, 1, 0, 1], dtype)
    one = np.ones((), dtype)
    slope_of = jax.value_and_grad(lambda eta, y: logistic_regression.loglik(eta, (y, one)))
    value, slope = jax.jit(jax.vmap(slope_of))(eta, y)
    expected = np.where((y > 0) == (eta > 0), 0, -np.abs(eta))
    expected[-1] = -np.log(2)
    np.testing.assert_allclose(value, expected, rtol=np.finfo(dtype).eps)
    np.testing.assert_array_equal(slope, np.array([1, 0, 0, -1, 1, -1, 0.5], dtype))
