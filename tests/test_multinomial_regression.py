"""Chapter 5, more than two classes: certified answers, closed forms, peers, a linear program, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
import statsmodels.api as sm
import tolerances
from reference import lre, numbers
from scipy.optimize import linprog
from scipy.special import softmax as softmax_of
from sklearn.linear_model import LogisticRegression
from tolerances import assert_close

from jaxnotes import LinearParams, Status, logistic_regression
from jaxnotes.core.linear import softmax
from jaxnotes.core.values.params import as_theta
from jaxnotes.multinomial_regression import SymmetricParams, fit, infer, log_likelihood, predict, predict_proba

pytestmark = pytest.mark.repeated

CODINGS = ("reference", "symmetric")


@pytest.mark.parametrize("name", reference.names("multinomial"))
def test_certified(name, double):
    case = reference.case("multinomial", name)
    data = {column: np.asarray(values) for column, values in case["data"].items()}
    columns = [reference.evaluate(text, data) for text in case["design_columns"]]
    ones = [text.startswith("np.ones_like(") for text in case["design_columns"]].index(True)
    order = [ones] + [j for j in range(len(columns)) if j != ones]
    X = np.column_stack([columns[j] for j in order[1:]])
    y = np.array([case["classes"].index(value) for value in data[case["response"]].tolist()])
    given = {"weights": data[case["weights"]]} if "weights" in case else {}
    solution = fit(X, y, n_classes=case["n_classes"], **given)
    inferred = infer(solution, X, y, n_classes=case["n_classes"], **given)
    refined = {key: numbers(np.array(case["refined"][key])[:, order].ravel()) for key in ("params", "std_err")}
    assert solution.status == Status.CONVERGED
    assert lre(inferred.estimate, refined["params"]) >= 7
    assert lre(inferred.se, refined["std_err"]) >= 6
    assert lre(log_likelihood(solution, X, y, **given), float(case["refined"]["loglik"])) >= 9


# Dawson, Journal of Statistics Education 3 (1995): the people on board the Titanic, men and women (rows) in first,
# second and third class and in the crew.
TITANIC = np.array([[180, 179, 510, 862], [145, 106, 196, 23]])


@pytest.mark.long
def test_titanic(dtype):
    """Saturated, so in closed form: log odds ratios, variances the sums of reciprocal counts, Agresti section 8.1."""
    X, y = np.repeat([[0], [1]], 4, axis=0).astype(dtype), np.tile(np.arange(4), 2)
    weights = TITANIC.ravel().astype(dtype)
    log_odds = np.log(TITANIC[:, 1:] / TITANIC[:, :1])
    intercept_variance = 1 / TITANIC[0, 1:] + 1 / TITANIC[0, 0]
    coef_variance = intercept_variance + 1 / TITANIC[1, 1:] + 1 / TITANIC[1, 0]
    estimate = np.stack([log_odds[0], log_odds[1] - log_odds[0]], axis=1).ravel()
    se = np.sqrt(np.stack([intercept_variance, coef_variance], axis=1)).ravel()
    solution = fit(X, y, n_classes=4, weights=weights)
    inferred = infer(solution, X, y, weights=weights)
    tolerance = tolerances.of(dtype)
    assert solution.status == Status.CONVERGED
    assert isinstance(solution.params, LinearParams)
    assert solution.params.coef.shape == (3, 1)
    assert solution.params.coef.dtype == dtype
    assert_close(inferred.estimate, estimate, tolerance.estimate)
    assert_close(inferred.se, se, tolerance.inference)
    shares = TITANIC / TITANIC.sum(axis=1, keepdims=True)
    assert_close(predict_proba(solution, X[[0, 4]]), shares, tolerance.estimate)
    assert predict(solution, X[[0, 4]]).tolist() == [3, 2]
    expected = np.sum(TITANIC * np.log(shares))
    assert float(log_likelihood(solution, X, y, weights=weights)) == pytest.approx(expected, rel=tolerance.loglik)
    assert float(solution.value) == pytest.approx(-expected / TITANIC.sum(), rel=tolerance.loglik)


def problem(n: int = 90, n_classes: int = 3):
    """Overlapping classes, two columns of unlike scale, frequency weights with zeros."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((n, 2)) * [1.0, 4.0] + [0.0, 3.0]
    eta = X @ (rng.standard_normal((2, n_classes)) * [[0.7], [0.2]])
    y = np.argmax(eta + rng.gumbel(size=(n, n_classes)), axis=1)
    return X, y, rng.integers(0, 4, n).astype(float)


@pytest.mark.long
def test_two_classes_are_logistic_regression(dtype):
    X, y, weights = problem(n_classes=2)
    X, weights = X.astype(dtype), weights.astype(dtype)
    binary = logistic_regression.fit(X, y.astype(dtype), weights=weights)
    several = fit(X, y, n_classes=2, weights=weights)
    rounding = 64 * np.finfo(dtype).eps
    assert_close(several.params.coef[0], binary.params.coef, rounding)
    assert_close(several.params.intercept[0], binary.params.intercept, rounding)
    assert int(several.steps) == int(binary.steps)
    expected = logistic_regression.infer(binary, X, y.astype(dtype), weights=weights, cov="HC1")
    assert_close(infer(several, X, y, weights=weights, cov="HC1").covariance, expected.covariance, 64 * rounding)


def peer(**options):
    """statsmodels on the rows repeated as their weights say; its covariance with the parameters class by class."""
    X, y, weights = problem()
    rows = np.repeat(np.arange(len(y)), weights.astype(int))
    options = {key: {"groups": value["groups"][rows]} if key == "cov_kwds" else value for key, value in options.items()}
    return sm.MNLogit(y[rows], sm.add_constant(X)[rows]).fit(method="newton", tol=1e-14, disp=0, **options)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("cov", ["nonrobust", "HC0", "HC1", "cluster"])
def test_covariances_against_statsmodels(cov, double):
    X, y, weights = problem()
    groups = np.arange(len(y)) // 6 * 5 if cov == "cluster" else None
    options = {"cluster": {"cov_kwds": {"groups": groups}}}.get(cov, {})
    expected = peer(cov_type=cov, **options)
    solution = fit(X, y, n_classes=3, weights=weights)
    given = {"n_classes": 3, "coding": "reference", "weights": weights, "groups": groups}
    inferred = infer(solution, X, y, **given, cov=cov, level=0.9)
    tolerance = tolerances.of("float64")
    n, q = weights.sum(), 6
    factor = n / (n - q) if cov == "HC1" else 1  # which statsmodels leaves out here
    assert_close(inferred.estimate, expected.params.T.ravel(), tolerance.estimate)
    assert_close(inferred.covariance, factor * expected.cov_params(), tolerance.inference)
    if cov == "nonrobust":
        assert_close(inferred.pvalue, expected.pvalues.T.ravel(), tolerance.inference)
        assert_close(inferred.lower, expected.conf_int(0.1)[..., 0].ravel(), tolerance.inference)


@pytest.mark.long
def test_ridge_against_scikit_learn(dtype):
    """C = 1 / (n l2) in symmetric coding; both have intercepts that sum to 0."""
    l2 = 0.05
    X, y, weights = problem()
    model = LogisticRegression(C=1 / (weights.sum() * l2), solver="newton-cholesky", tol=1e-12, max_iter=200)
    model.fit(X, y, sample_weight=weights)
    solution = fit(X.astype(dtype), y, n_classes=3, coding="symmetric", weights=weights, l2=l2)
    tolerance = tolerances.of(dtype).estimate
    assert solution.status == Status.CONVERGED
    assert isinstance(solution.params, SymmetricParams)
    assert_close(solution.params.coef, model.coef_, tolerance)
    assert_close(solution.params.intercept, model.intercept_ - model.intercept_.mean(), tolerance)
    assert_close(predict_proba(solution, X.astype(dtype)), model.predict_proba(X), tolerance)
    assert np.array_equal(predict(solution, X.astype(dtype)), model.predict(X))


@pytest.mark.long
@pytest.mark.parametrize("coding", CODINGS)
def test_ridge_inference_is_the_sandwich(coding, double):
    """H^-1 I H^-1 with I from autodiff of the log-likelihood; in symmetric coding the intercepts sum to 0."""
    X, y, weights = problem()
    l2 = 0.05
    solution = fit(X, y, n_classes=3, coding=coding, weights=weights, l2=l2)
    theta = as_theta(solution.params)

    def loglik(flat):
        eta = flat.reshape(theta.shape) @ sm.add_constant(X).T
        return jnp.sum(weights * softmax.family(3, coding).loglik(eta, jnp.asarray(y, float)))

    information = -np.asarray(jax.hessian(loglik)(theta.ravel()))
    penalty = weights.sum() * l2 * np.diag(np.tile([0.0, 1, 1], len(theta)))
    inverse = np.linalg.pinv(information + penalty, rcond=1e-12)
    constrain = np.eye(theta.size)
    if coding == "symmetric":
        constrain -= np.kron(np.full((3, 3), 1 / 3), np.diag([1.0, 0, 0]))
    inverse = constrain @ inverse
    inferred = infer(solution, X, y, weights=weights, l2=l2)
    assert_close(inferred.covariance, inverse @ information @ inverse.T, tolerances.of("float64").inference)


@pytest.mark.long
@pytest.mark.parametrize("coding", CODINGS)
def test_hand_derived_forms(coding, double):
    """Derivatives, multipliers and parts against autodiff of the log-likelihood, near and far from 0."""
    family, m = softmax.family(4, coding), 3 + (coding == "symmetric")
    rng = np.random.default_rng(0)
    eta = jnp.asarray(rng.standard_normal((m, 50)) * np.logspace(-2, 1.5, 50))
    y = jnp.asarray(rng.integers(0, 4, 50).astype(float))

    def total(eta):
        return jnp.sum(family.loglik(eta, y))

    value, score, information = family.derivatives(eta, y)
    tolerance = tolerances.of("float64").hand_derived
    np.testing.assert_allclose(value, family.loglik(eta, y), rtol=tolerance)
    np.testing.assert_allclose(score, jax.grad(total)(eta), rtol=tolerance, atol=tolerance)
    hessian = jnp.einsum("aibi->abi", jax.hessian(total)(eta))
    np.testing.assert_allclose(information, -hessian, rtol=tolerance, atol=tolerance)
    slopes = jnp.einsum("kibi->kbi", jax.jacobian(family.margins)(eta, y))
    np.testing.assert_allclose(
        jnp.einsum("ki,kbi->bi", jnp.exp(family.log_multipliers(eta, y)), slopes), score, atol=tolerance
    )
    parts = family.parts(eta, y)
    np.testing.assert_allclose(jnp.einsum("ri,ari->ai", parts.score, parts.direction), score, atol=tolerance)
    outer = jnp.einsum("ri,ari,bri->abi", parts.information, parts.direction, parts.direction)
    np.testing.assert_allclose(outer, information, atol=tolerance)


def test_far_out(dtype):
    """At |eta| = 1e4 values and gradients are finite and exact; 1 minus a probability near 1 keeps its digits."""
    eta = np.array([[0, 0, -1e4, 0], [1e4, 1e4, 1e4, -30], [-1e4, -1e4, 1e4, -40]], dtype)
    y = np.array([1, 0, 2, 0], dtype)
    value, score, information = softmax.family(3, "symmetric").derivatives(jnp.asarray(eta), jnp.asarray(y))
    slope = jax.grad(lambda eta: jnp.sum(softmax.loglik(eta, jnp.asarray(y))))(jnp.asarray(eta))
    small = np.exp(-30.0) + np.exp(-40.0)
    rounding = tolerances.of(dtype).hand_derived
    np.testing.assert_allclose(value, [0, -1e4, -np.log(2), -small], rtol=rounding)
    np.testing.assert_allclose(softmax.loglik(jnp.asarray(eta), jnp.asarray(y)), value, rtol=rounding)
    np.testing.assert_allclose(slope[:, :3], [[0, 1, 0], [0, -1, -0.5], [0, 0, 0.5]], atol=rounding)
    np.testing.assert_allclose(score[:, :3], slope[:, :3], atol=rounding)
    np.testing.assert_allclose([score[0, 3], information[0, 0, 3]], [small, small], rtol=rounding)


@pytest.mark.long
def test_derivatives_of_symmetric_parameters_sum_to_0(double):
    X, y, _ = problem(60)

    def theta(X, l2):
        return as_theta(fit(X, y, n_classes=3, coding="symmetric", l2=l2).params)

    for jacobian in jax.jit(jax.jacrev(theta, argnums=(0, 1)))(jnp.asarray(X), 0.05):
        np.testing.assert_allclose(jnp.sum(jacobian, axis=0), 0, atol=1e-10)


def separated_by_program(X, y, n_classes):
    """Is there a direction along which no margin falls and one rises? The largest sum of margins in a box."""
    A = np.column_stack([np.ones(len(X)), X / np.sqrt(np.mean(X**2, axis=0))])
    units = np.eye(n_classes)[:, 1:]
    others = [(a, c, k) for a, c in zip(A, y, strict=True) for k in range(n_classes) if k != c]
    G = np.array([np.kron(units[c] - units[k], a) for a, c, k in others])
    found = linprog(-G.sum(axis=0), A_ub=-G, b_ub=np.zeros(len(G)), bounds=(-1, 1), method="highs")
    return -found.fun > 1e-6


def random_problem(rng, n, p, n_classes):
    """Complete, quasi-complete or overlapping at random, on a grid or not, columns of scale 1e-3 to 1e3."""
    X = rng.standard_normal((n, p))
    eta = np.column_stack([np.ones(n), X]) @ rng.standard_normal((p + 1, n_classes))
    kind = rng.integers(3)
    y = np.argmax(eta + (kind > 0) * rng.gumbel(size=eta.shape), axis=1)
    y[:n_classes] = np.arange(n_classes)
    if kind == 1:
        X[:, 0] = np.round(X[:, 0])
        y = np.where(X[:, 0] > 0, 1, np.where((X[:, 0] < 0) & (y == 1), rng.choice([0, 2], n), y))
    return X * 10 ** rng.uniform(-3, 3, p), y


@pytest.mark.one_in(6)
@pytest.mark.parametrize("shape", [(30, 1, 3), (50, 3, 3), (70, 2, 4)])
def test_separation_against_a_linear_program(shape, dtype):
    rng = np.random.default_rng(shape[0])
    problems = [random_problem(rng, *shape) for _ in range(40)]
    X, y = np.array([X for X, _ in problems]).astype(dtype), np.array([y for _, y in problems])
    solution = jax.vmap(lambda X, y: fit(X, y, n_classes=shape[2]))(X, y)
    expected = np.array([separated_by_program(*lane, shape[2]) for lane in zip(X.astype(float), y, strict=True)])
    assert 8 <= expected.sum() <= 32
    # A direction that descent does not show is STALLED at worst, and seldom.
    wrong = np.asarray(solution.status) != np.where(expected, Status.SEPARATED, Status.CONVERGED)
    assert np.all(expected[wrong] & (np.asarray(solution.status)[wrong] == Status.STALLED))
    assert wrong.sum() <= 1


def status_of(X, y, **given) -> str:
    """The status, with weights and a float y in any case, so that calls share a compiled program."""
    given = {"n_classes": 3, "weights": np.ones(len(X)), **given}
    return Status(int(fit(X, np.asarray(y, X.dtype), **given).status)).name


LINE = np.arange(12.0)[:, None]
MIXED = np.tile(np.arange(3), 4)


@pytest.mark.long
@pytest.mark.parametrize("coding", CODINGS)
def test_statuses(coding, dtype):
    def of(X, y, **given):
        return status_of(np.asarray(X).astype(dtype), y, coding=coding, **given)

    optimum = "CONVERGED" if coding == "reference" else "FLAT"
    assert of(LINE, MIXED) == optimum
    assert of(LINE, MIXED, l2=0.1) == "CONVERGED"
    assert of(LINE, np.repeat(np.arange(3), 4)) == "SEPARATED"
    assert of(LINE // 4, np.where(LINE[:, 0] < 4, 0, 1 + MIXED % 2)) == "SEPARATED"  # class 0 only in a corner of X
    assert of(LINE, np.repeat(np.arange(3), 4), l2=0.1) == "CONVERGED"
    assert of(np.hstack([LINE, 1 - LINE]), MIXED) == "RANK_DEFICIENT"
    assert of(LINE, MIXED, max_steps=0) == ("MAX_STEPS" if coding == "reference" else "FLAT")
    assert of(LINE, MIXED, max_steps=1, l2=0.1, tol=0.0) == "MAX_STEPS"
    assert of(LINE[:2], MIXED[:2], weights=np.array([1, 0])) == "TOO_FEW_ROWS"
    assert of(LINE, 0 * MIXED) == "ONE_CLASS"
    assert of(LINE, 0 * MIXED, l2=0.1) == "ONE_CLASS"


@pytest.mark.one_in(3)
@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_an_absent_class_has_no_estimate(missing, coding, dtype):
    """With a penalty its intercept still runs away; without intercepts there is an optimum again."""
    X, y = (LINE - 5).astype(dtype), np.where(missing == MIXED, (missing + 1) % 3, MIXED)
    assert status_of(X, y, coding=coding) == "SEPARATED"
    assert status_of(X, y, coding=coding, l2=0.1) == "BOUNDARY"
    assert status_of(X, y, coding=coding, l2=0.1, intercept=False) == "CONVERGED"
    assert status_of(X, MIXED, coding=coding, l2=0.1, weights=(missing != MIXED).astype(dtype)) == "BOUNDARY"


def test_labels_out_of_range_are_invalid(dtype):
    X, y, first = LINE.astype(dtype), MIXED.astype(dtype), np.arange(12) == 0
    for bad in (-1, 3, 0.5):
        with pytest.raises(ValueError, match=r"^y: expected classes 0, 1, .. 2, got .* in row 0"):
            status_of(X, np.where(first, bad, y))
        assert status_of(X, np.where(first, bad, y), weights=1.0 - first) == "CONVERGED"


@pytest.mark.long
def test_no_inference_without_convergence():
    solution = fit(LINE, MIXED, n_classes=3, coding="symmetric")
    assert solution.status == Status.FLAT
    assert np.all(np.isnan(infer(solution, LINE, MIXED).se))


BAD_CALLS = {
    "n_classes: expected a Python int >= 2, got 1": lambda: fit(LINE, MIXED, n_classes=1),
    "n_classes: expected a Python int >= 2, got 3.0": lambda: fit(LINE, MIXED, n_classes=3.0),
    "n_classes: expected a Python int >= 2, got True": lambda: fit(LINE, MIXED, n_classes=True),
    "coding: expected one of reference, symmetric, got 'soft'": lambda: fit(LINE, MIXED, n_classes=3, coding="soft"),
    "max_steps: expected a whole number >= 0, got -1": lambda: fit(LINE, MIXED, n_classes=3, max_steps=-1),
    "l2: expected a number >= 0, got -1": lambda: fit(LINE, MIXED, n_classes=3, l2=-1),
    r"X: expected shape \(n_samples, n_features\)": lambda: fit(LINE[:, 0], MIXED, n_classes=3),
    r"y: expected shape \(12,\)": lambda: fit(LINE, np.eye(3)[MIXED], n_classes=3),
    r"weights: expected shape \(12,\)": lambda: fit(LINE, MIXED, n_classes=3, weights=np.ones(3)),
    "cov: expected one of nonrobust, HC0, HC1, cluster, got 'HC2'": lambda: inferred(cov="HC2"),
    "cov: expected one of nonrobust, HC0, HC1, cluster, got 'HC3'": lambda: inferred(cov="HC3"),
    "groups: expected labels exactly with cov='cluster'": lambda: inferred(cov="cluster"),
    "level: expected a number between 0 and 1": lambda: inferred(level=95),
    r"n_classes, coding: expected \(3, 'reference'\), .* got \(4, 'reference'\)": lambda: inferred(n_classes=4),
    r"n_classes, coding: .* got \(3, 'symmetric'\)": lambda: inferred(coding="symmetric"),
    r"solution.params.coef: expected shape \(2, 2\)": lambda: predict(fit(LINE, MIXED, n_classes=3), np.ones((4, 2))),
}


def inferred(**given):
    return infer(fit(LINE, MIXED, n_classes=3), LINE, MIXED, **given)


@pytest.mark.parametrize("message", BAD_CALLS)
def test_bad_calls_raise(message):
    with pytest.raises(ValueError, match=message):
        BAD_CALLS[message]()


def test_wrong_dtype_raises():
    with pytest.raises(TypeError, match="X: expected float32 or float64, got complex64"):
        fit(LINE.astype(np.complex64), MIXED, n_classes=3)


@pytest.mark.long
def test_probabilities_of_no_columns(dtype):
    """An intercept alone gives the shares of the classes."""
    X, y = np.zeros((6, 0), dtype), np.array([0, 0, 0, 1, 1, 2])
    for coding, l2 in [("reference", 0.0), ("symmetric", 1.0)]:
        solution = fit(X, y, n_classes=3, coding=coding, l2=l2)
        assert solution.status == Status.CONVERGED
        assert_close(predict_proba(solution, X[:1]), [[1 / 2, 1 / 3, 1 / 6]], tolerances.of(dtype).estimate)
    theta = np.asarray(solution.params.intercept, np.float64)
    assert_close(softmax_of(theta), [1 / 2, 1 / 3, 1 / 6], tolerances.of(dtype).estimate)
