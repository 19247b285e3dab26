"""Chapter 5: logistic regression, binary or binomial counts, one problem or a million.

For row i with y_i successes in m_i trials (m_i = 1 for 0/1 outcomes) and eta_i = x_i'coef + intercept + offset_i,

    P(success) = sigma(eta_i) = 1 / (1 + exp(-eta_i)),
    loglik_i   = y_i log sigma(eta_i) + (m_i - y_i) log sigma(-eta_i).

`fit` minimizes  - sum_i w_i loglik_i / sum_i w_i + l2 / 2 ||coef||^2  (mean, in nats, without the binomial
coefficient). Everything is written in logits: finite, with the right gradient, at |eta| = 1e4. There is no closed
form, and no finite answer for separated data; the status says so. One problem in, `jax.vmap(fit)` for a batch: it
reaches the blocked engine.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxnotes.core.inference.covariance import Covariance, Estimate, Inference, check_covariance, wald
from jaxnotes.core.linear import intake
from jaxnotes.core.linear.family import Family, LinearModel
from jaxnotes.core.linear.fit import linear_predictor, settled, solver, with_covariance
from jaxnotes.core.linear.intake import Design
from jaxnotes.core.special import double_word
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.special.gamma_terms import log_binomial
from jaxnotes.core.values import arrays, programs, settings
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.params import LinearParams, as_params, of_solution
from jaxnotes.core.values.status import Solution

__all__ = ["fit", "infer", "log_likelihood", "loglik", "predict", "predict_proba"]

Counts = tuple[Array, Array]
RULE = "y, trials: expected 0 <= y <= trials, with 1 for trials where none are given"
HINT = "Code two classes as 0 and 1, as in y == y.max(); give how many were counted as `trials`."


def loglik(eta: Array, counts: Counts) -> Array:
    """The log-likelihood of counts at a logit, elementwise and in nats, without the binomial coefficient.

        y log sigma(eta) + (m - y) log sigma(-eta)

    Args:
        eta: logits, (...).
        counts: the pair (y, m): y successes in m trials, each (...) or of a shape that broadcasts.

    Returns:
        The log-likelihoods, (...); exact at |eta| = 1e4.

    >>> float(loglik(jnp.asarray(-1e4), (jnp.asarray(1.0), jnp.asarray(1.0))))
    -10000.0
    """
    successes, trials = counts
    return successes * jax.nn.log_sigmoid(eta) + (trials - successes) * jax.nn.log_sigmoid(-eta)


def _derivatives(eta: Array, counts: Counts) -> tuple[Array, Array, Array]:
    """`loglik`, its first and minus its second derivative in eta, from one exponential and without cancellation."""
    (successes, trials), eta = counts, eta[..., 0, :]
    small = jnp.exp(-jnp.abs(eta))
    near, far = 1 / (1 + small), small / (1 + small)
    success, failure = jnp.where(eta >= 0, near, far), jnp.where(eta >= 0, far, near)
    value = successes * jnp.minimum(eta, 0) - (trials - successes) * jnp.maximum(eta, 0) - trials * jnp.log1p(small)
    score = successes * failure - (trials - successes) * success
    return value, score[..., None, :], (trials * near * far)[..., None, None, :]


def _score(eta: Double, counts: Counts) -> Double:
    """The first derivative of `loglik`, in two words."""
    (successes, trials), eta = counts, Double(*(word[..., 0, :] for word in eta))
    below = eta.high < 0
    small = double_word.exp(Double(*(jnp.where(below, word, -word) for word in eta)))
    one = Double.of(jnp.ones_like(eta.high))
    success = Double(*(jnp.where(below, a, b) for a, b in zip(small, one, strict=True))) / (small + one)
    score = Double.of(jnp.broadcast_to(successes, eta.high.shape)) - double_word.scaled(success, trials)
    return Double(*(word[..., None, :] for word in score))


def _valid(counts: Counts) -> Array:
    """Where 0 <= y <= trials; arrays of NumPy's too."""
    successes, trials = counts
    return (trials > 0) & (successes >= 0) & (successes <= trials)


def _label(counts: Counts) -> Array:
    successes, trials = counts
    return jnp.where(successes == trials, 1, jnp.where(successes == 0, 0, -1))


def _start(counts: Counts, mean: Callable[[Array], Array]) -> Array:
    successes, trials = map(mean, counts)
    return jnp.log(successes / (trials - successes))[:, None]


def _margins(eta: Array, counts: Counts) -> Array:
    (successes, trials), eta = counts, eta[..., 0, :]
    return jnp.stack([jnp.where(successes > 0, eta, 0), jnp.where(successes < trials, -eta, 0)])


def _log_multipliers(eta: Array, counts: Counts) -> Array:
    (successes, trials), eta = counts, eta[..., 0, :]
    seen, logs = (successes > 0, successes < trials), (jax.nn.log_sigmoid(-eta), jax.nn.log_sigmoid(eta))
    return jnp.stack([jnp.where(*of, -jnp.inf) for of in zip(seen, logs, strict=True)])


FAMILY = Family(
    loglik=lambda eta, counts: loglik(eta[..., 0, :], counts),
    derivatives=_derivatives,
    score=_score,
    valid=_valid,
    label=_label,
    start=_start,
    margins=_margins,
    log_multipliers=_log_multipliers,
)


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    intercept: bool = True,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    trials: ArrayLike | None = None,
    l2: ArrayLike = 0.0,
    tol: ArrayLike | None = None,
    max_steps: int = 50,
) -> Solution[LinearParams]:
    """The maximum likelihood estimate (l2 = 0) or the ridge estimate, by Newton's method with step control.

        minimize  - sum_i w_i loglik_i / sum_i w_i + l2 / 2 ||coef||^2

    Derivatives with respect to X, y, weights, offset, trials and l2 are those of the exact optimum, and have a meaning
    only where the status is CONVERGED.

    Args:
        X: the rows x_i, (n, p).
        y: successes, (n,): 0 or 1, or counts out of `trials` (counts, not proportions).
        intercept: whether one is fitted, a Python bool, True by default; it is never penalized.
        weights: frequencies w_i, (n,), >= 0, 1 by default; weight k counts as k rows, weight 0 as none.
        offset: what is added to the logit, (n,), 0 by default.
        trials: m_i, (n,), > 0, 1 by default.
        l2: the penalty, (), >= 0, 0 by default.
        tol: the scaled gradient to reach beyond what CONVERGED promises, (), >= 0, max(1e-10, 8 eps) of the dtype by
            default; what rounding cannot reach is no reason to refuse.
        max_steps: Newton steps at most, a Python int >= 0, 50 by default.

    Returns:
        A `Solution`: params = LinearParams(coef (p,), intercept () or None), value the minimum in nats.

    Statuses:
        CONVERGED: no parameter is further than 0.01 standard errors, or 2 units in its last place, from the optimum;
        `error` says how far. INVALID_DATA, NON_FINITE_DATA, TOO_FEW_ROWS, ONE_CLASS, RANK_DEFICIENT, SEPARATED,
        DIVERGED (what is promised of a parameter over- or underflows), MAX_STEPS, STALLED.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a negative l2, tol or max_steps, or y out of its range
            (where it is traced: INVALID_DATA).

    >>> import jaxnotes as jn
    >>> flights = jn.datasets.challenger()
    >>> solution = fit(flights.temperature[:, None], flights.distress)
    >>> params, status = solution.params, jn.Status(int(solution.status))
    >>> print(f"{status.name}: logit = {params.intercept:.3f} {params.coef[0]:+.4f} temperature")
    CONVERGED: logit = 15.043 -0.2322 temperature

    Source: McCullagh and Nelder, Generalized Linear Models (1989), section 4.4; Albert and Anderson, Biometrika 71
    (1984).
    """
    data = _rows(X, y, intercept, weights, offset, trials, l2, tol)
    settings.check_count("max_steps", max_steps)
    return settled(lambda thorough: _fit(data, intercept, max_steps, thorough), data)


def infer(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    trials: ArrayLike | None = None,
    l2: ArrayLike = 0.0,
    cov: str | Covariance = "nonrobust",
    groups: ArrayLike | None = None,
    level: ArrayLike = 0.95,
) -> Inference:
    """Standard errors, z tests and Wald intervals of a fit; give the data and keywords that `fit` was given.

        covariance = H^-1 I H^-1,   I = sum_i w_i m_i sigma_i (1 - sigma_i) x_i x_i',   H = I + n_obs l2

    With l2 > 0 this is the sampling variance of the ridge estimate about its own mean; it does not cover the bias that
    the penalty brings, so its intervals are not confidence intervals for the true coefficients.

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: successes, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        offset: what is added to the logit, (n,), 0 by default, as in `fit`.
        trials: how many y counts, (n,), 1 by default, as in `fit`.
        l2: the penalty, (), 0 by default, as in `fit`.
        cov: "nonrobust" (default), "HC0" to "HC3" or "cluster", or a value of `jaxnotes.covariances`, which has the
            formulas.
        groups: integer labels, (n,), exactly where cov is the name "cluster"; None by default.
        level: of the intervals, (), in (0, 1), 0.95 by default.

    Returns:
        An `Inference`, vectors (q,) with the intercept first; NaN unless the fit CONVERGED.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, a solution of other data, an unknown cov or a level out of range.

    >>> import jaxnotes as jn
    >>> flights = jn.datasets.challenger()
    >>> X, y = flights.temperature[:, None], flights.distress
    >>> infer(fit(X, y), X, y).se.round(3)
    Array([7.379, 0.108], dtype=float32)

    Source: White, Econometrica 50 (1982), 1-25, for the sandwich.
    """
    params = of_solution(solution, LinearParams)
    data = _rows(X, y, params.intercept is not None, weights, offset, trials, l2, None)
    arrays.matches("solution.params.coef", params.coef, (data.X.shape[1],))
    name, groups = check_covariance(cov, groups, data.X.shape[0])
    return wald(_infer(solution, data, groups, name), settings.confidence(level))


def predict_proba(solution: Solution[LinearParams], X: ArrayLike, offset: ArrayLike | None = None) -> Array:
    """The probability of success at each row of X.

        sigma(x_i'coef + intercept + offset_i)

    Args:
        solution: what `fit` returned.
        X: rows, (m, p), as many as you like.
        offset: what is added to the logit, (m,), 0 by default.

    Returns:
        The probabilities, (m,).

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> import jaxnotes as jn
    >>> flights = jn.datasets.challenger()
    >>> solution = fit(flights.temperature[:, None], flights.distress)
    >>> predict_proba(solution, [[31.0], [70.0]]).round(3)
    Array([1.  , 0.23], dtype=float32)
    """
    return jax.nn.sigmoid(_logit(solution, X, offset))


def predict(solution: Solution[LinearParams], X: ArrayLike, offset: ArrayLike | None = None) -> Array:
    """The more probable class, 0 or 1, at each row of X; a tie goes to 0.

        1 where x_i'coef + intercept + offset_i > 0

    Args:
        solution: what `fit` returned.
        X: rows, (m, p), as many as you like.
        offset: what is added to the logit, (m,), 0 by default.

    Returns:
        The classes, an int32 array (m,).

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> import jaxnotes as jn
    >>> flights = jn.datasets.challenger()
    >>> predict(fit(flights.temperature[:, None], flights.distress), [[31.0], [70.0]])
    Array([1, 0], dtype=int32)
    """
    return (_logit(solution, X, offset) > 0).astype(jnp.int32)


def log_likelihood(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    trials: ArrayLike | None = None,
) -> Array:
    """The log-likelihood of the data at the estimate, in nats.

        sum_i w_i (log C(m_i, y_i) + loglik_i)

    Penalty excluded, binomial coefficient included, as R and statsmodels have it.

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: successes, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        offset: what is added to the logit, (n,), 0 by default, as in `fit`.
        trials: how many y counts, (n,), 1 by default, as in `fit`.

    Returns:
        The log-likelihood, ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> import jaxnotes as jn
    >>> flights = jn.datasets.challenger()
    >>> X, y = flights.temperature[:, None], flights.distress
    >>> round(float(log_likelihood(fit(X, y), X, y)), 4)
    -10.1576
    """
    params = of_solution(solution, LinearParams)
    data = _rows(X, y, params.intercept is not None, weights, offset, trials, 0.0, None)
    present = data.weights > 0
    eta = jnp.where(present, linear_predictor(params, data.X) + data.offset, 0)
    successes, count = data.y
    by_row = jnp.where(present, data.weights * log_binomial(successes, count, eta), 0)
    return double_word.total(by_row).high


def _logit(solution: Solution[LinearParams], X: ArrayLike, offset: ArrayLike | None) -> Array:
    X = intake.new_rows(solution, X)
    eta = linear_predictor(solution.params, X)
    return eta if offset is None else eta + arrays.per_row("offset", offset, X.shape[0])


def _rows(
    X: ArrayLike,
    y: ArrayLike,
    intercept: bool,
    weights: ArrayLike | None,
    offset: ArrayLike | None,
    trials: ArrayLike | None,
    l2: ArrayLike,
    tol: ArrayLike | None,
) -> Design:
    """The checked data, all of one dtype."""
    X = arrays.design(X, intercept=intercept, y=y)
    y = arrays.per_row("y", y, X.shape[0])
    dtype = jnp.result_type(X, y)
    trials = arrays.per_row_or("trials", trials, 1, X.shape[0], dtype)
    data = intake.design(X.astype(dtype), (y.astype(dtype), trials), weights, offset, l2, tol)
    intake.check_range(data, _valid, RULE, HINT)
    return data


@programs.soon(static_argnums=(1, 2, 3))
def _fit(data: Design, intercept: bool, max_steps: int, thorough: bool) -> Solution[LinearParams]:
    solution = solver(LinearModel(FAMILY, 1, intercept, max_steps, thorough))(data)
    return dataclasses.replace(solution, params=as_params(solution.params[0], intercept))


@programs.soon(static_argnums=(3,))
def _infer(solution: Solution[LinearParams], data: Design, groups: Array, cov: str) -> Estimate:
    return with_covariance(FAMILY, solution, data, cov, groups)
