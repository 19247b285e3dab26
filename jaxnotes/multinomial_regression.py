"""Chapter 5: multinomial (softmax) regression: logistic regression for more than two classes, one problem or a million.

With a linear predictor per class, eta_ik = x_i'coef_k + intercept_k,

    P(y_i = k) = p_ik = exp(eta_ik) / sum_j exp(eta_ij),     loglik_i = eta_iy - log sum_j exp(eta_ij)    (y for y_i).

Adding one function to all predictors changes nothing. "reference" coding fixes eta_i0 = 0: class 0 is the baseline and
coef_k are log odds against it, as in statsmodels and R. "symmetric" coding keeps a predictor for every class, as in
scikit-learn; only the penalty makes it unique. `fit` minimizes, over the coef of its coding,

    - sum_i w_i loglik_i / sum_i w_i + l2 / 2 sum_k ||coef_k||^2 .

Two classes in reference coding are `logistic_regression`. `jax.vmap(fit)` is the batch API.
"""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.inference.covariance import Covariance, Estimate, Inference, check_covariance, wald
from jaxnotes.core.linear import intake, softmax
from jaxnotes.core.linear.family import LinearModel
from jaxnotes.core.linear.fit import linear_predictor, settled, solver, with_covariance
from jaxnotes.core.linear.intake import Design
from jaxnotes.core.linear.softmax import CODINGS, loglik
from jaxnotes.core.special import double_word
from jaxnotes.core.values import arrays, programs, settings, tiles
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.params import LinearParams, as_params, of_solution
from jaxnotes.core.values.status import Solution, Status, first_status

__all__ = ["SymmetricParams", "fit", "infer", "log_likelihood", "loglik", "predict", "predict_proba"]

HINT = "numpy.unique(y, return_inverse=True)[1] numbers any labels."
NO_LEVERAGE = "A row has no one leverage where it has several predictors; use HC1."


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SymmetricParams(LinearParams):
    """Parameters in symmetric coding, with mean 0 over classes.

    Attributes:
        coef: (n_classes, p).
        intercept: (n_classes,), or None where none was fitted.
    """


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_classes: int,
    coding: str = "reference",
    intercept: bool = True,
    weights: ArrayLike | None = None,
    l2: ArrayLike = 0.0,
    tol: ArrayLike | None = None,
    max_steps: int = 50,
) -> Solution[LinearParams]:
    """The maximum likelihood estimate (l2 = 0) or the ridge estimate, by Newton's method with step control.

        minimize  - sum_i w_i loglik_i / sum_i w_i + l2 / 2 sum_k ||coef_k||^2

    Derivatives with respect to X, weights and l2 are those of the exact optimum, and have a meaning only where the
    status is CONVERGED.

    Args:
        X: the rows x_i, (n, p).
        y: the classes 0 .. n_classes - 1, (n,), integers or floats that hold integers.
        n_classes: how many classes there are, a Python int >= 2, fixed while tracing.
        coding: "reference" (default, class 0 is the baseline) or "symmetric" (a predictor for every class).
        intercept: whether each predictor has one, a Python bool, True by default; it is never penalized.
        weights: frequencies w_i, (n,), >= 0, 1 by default; weight k counts as k rows, weight 0 as none.
        l2: the penalty, (), >= 0, 0 by default; scikit-learn's LogisticRegression is symmetric and has
            C = 1 / (n_obs l2).
        tol: the scaled gradient to reach beyond what CONVERGED promises, (), >= 0, max(1e-10, 8 eps) of the dtype by
            default; what rounding cannot reach is no reason to refuse.
        max_steps: Newton steps at most, a Python int >= 0, 50 by default.

    Returns:
        A `Solution`, value the minimum in nats, and for params, in reference and in symmetric coding,
        LinearParams(coef (n_classes - 1, p), intercept (n_classes - 1,) or None) and
        SymmetricParams(coef (n_classes, p), intercept (n_classes,) or None).

    Statuses:
        CONVERGED: no parameter is further than 0.01 standard errors, or 2 units in its last place, from the optimum;
        `error` says how far. INVALID_DATA, NON_FINITE_DATA, TOO_FEW_ROWS, ONE_CLASS, RANK_DEFICIENT, SEPARATED,
        DIVERGED (what is promised of a parameter over- or underflows), MAX_STEPS, STALLED; FLAT in
        symmetric coding with l2 = 0, where the answer is one of many; BOUNDARY where an intercept has no finite
        estimate in spite of a penalty because its class has no rows.

    Raises:
        TypeError, ValueError: a wrong dtype, shape or setting, or y out of its range (INVALID_DATA where traced).

    The example: the people on board the Titanic, men and women in first, second and third class and in the crew
    (Dawson, Journal of Statistics Education 3, 1995); coef are log odds ratios against the first class.

    >>> import jaxnotes as jn
    >>> men, women = [180.0, 179.0, 510.0, 862.0], [145.0, 106.0, 196.0, 23.0]
    >>> X, y = jnp.repeat(jnp.array([[0.0], [1.0]]), 4, axis=0), jnp.tile(jnp.arange(4), 2)
    >>> solution = fit(X, y, n_classes=4, weights=jnp.array(men + women))
    >>> print(jn.Status(int(solution.status)).name, np.asarray(solution.params.coef[:, 0]).round(3))
    CONVERGED [-0.308 -0.74  -3.408]

    Source: McCullagh and Nelder, Generalized Linear Models (1989), section 5.2; Albert and Anderson, Biometrika 71
    (1984).
    """
    data = _rows(X, y, n_classes, coding, intercept, weights, l2, tol)
    settings.check_count("max_steps", max_steps)
    return settled(lambda thorough: _fit(data, int(n_classes), coding, intercept, max_steps, thorough), data)


def infer(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_classes: int | None = None,
    coding: str | None = None,
    weights: ArrayLike | None = None,
    l2: ArrayLike = 0.0,
    cov: str | Covariance = "nonrobust",
    groups: ArrayLike | None = None,
    level: ArrayLike = 0.95,
) -> Inference:
    """Standard errors, z tests and Wald intervals of a fit; give the data and keywords that `fit` was given.

        covariance = H^-1 I H^-1,   I = sum_i w_i (diag(p_i) - p_i p_i') kron x_i x_i',   H = I + n_obs l2

    With l2 > 0 this is the sampling variance of the ridge estimate about its own mean; it does not cover the bias that
    the penalty brings, so its intervals are not confidence intervals for the true coefficients.

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: the classes, (n,), as in `fit`.
        n_classes: known from the solution, and checked against it where given; None by default.
        coding: known from the solution, and checked against it where given; None by default.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        l2: the penalty, (), 0 by default, as in `fit`.
        cov: "nonrobust" (default), "HC0", "HC1" or "cluster", or a value of `jaxnotes.covariances`, which has the
            formulas, with q the size of coef and intercept together; HC2 and HC3 have no agreed form for classes.
        groups: integer labels, (n,), exactly where cov is the name "cluster"; None by default.
        level: of the intervals, (), in (0, 1), 0.95 by default.

    Returns:
        An `Inference`, vectors (m q,): class by class, the intercept first in each, so that row k of
        `se.reshape(coef.shape[0], -1)` belongs to predictor k. NaN unless the fit CONVERGED.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, a solution of other data, an unknown cov or a level out of range.

    >>> X, y = jnp.repeat(jnp.array([[0.0], [1.0]]), 3, axis=0), jnp.tile(jnp.arange(3), 2)
    >>> weights = jnp.array([4.0, 8.0, 8.0, 4.0, 4.0, 12.0])
    >>> np.asarray(infer(fit(X, y, n_classes=3, weights=weights), X, y, weights=weights).se).round(3)
    array([0.612, 0.935, 0.612, 0.842], dtype=float32)

    Source: Agresti, Categorical Data Analysis (2013), section 8.1; White, Econometrica 50 (1982), 1-25.
    """
    params = of_solution(solution, LinearParams)
    n_classes, coding = _classes(params, n_classes, coding)
    data = _rows(X, y, n_classes, coding, params.intercept is not None, weights, l2, None)
    arrays.matches("solution.params.coef", params.coef, (params.coef.shape[0], data.X.shape[1]))
    name, groups = check_covariance(cov, groups, data.X.shape[0], no_leverage=NO_LEVERAGE)
    return wald(_infer(solution, data, groups, n_classes, coding, name), settings.confidence(level))


def predict_proba(solution: Solution[LinearParams], X: ArrayLike) -> Array:
    """The probability of each class at each row of X.

        p_ik = exp(eta_ik) / sum_j exp(eta_ij)

    Args:
        solution: what `fit` returned.
        X: rows, (m, p), as many as you like.

    Returns:
        The probabilities, (m, n_classes); rows sum to 1.

    Raises:
        TypeError, ValueError: X of a wrong dtype or shape.

    >>> X, y = jnp.repeat(jnp.array([[0.0], [1.0]]), 3, axis=0), jnp.tile(jnp.arange(3), 2)
    >>> solution = fit(X, y, n_classes=3, weights=jnp.array([4.0, 8.0, 8.0, 4.0, 4.0, 12.0]))
    >>> np.asarray(predict_proba(solution, [[1.0]])).round(3)
    array([[0.2, 0.2, 0.6]], dtype=float32)
    """
    return jax.nn.softmax(_all_logits(solution, X), axis=0).T


def predict(solution: Solution[LinearParams], X: ArrayLike) -> Array:
    """The most probable class at each row of X; a tie goes to the first.

        argmax_k eta_ik

    Args:
        solution: what `fit` returned.
        X: rows, (m, p), as many as you like.

    Returns:
        The classes, an int32 array (m,).

    Raises:
        TypeError, ValueError: X of a wrong dtype or shape.

    >>> X, y = jnp.repeat(jnp.array([[0.0], [1.0]]), 3, axis=0), jnp.tile(jnp.arange(3), 2)
    >>> predict(fit(X, y, n_classes=3, weights=jnp.array([9.0, 8.0, 7.0, 4.0, 4.0, 12.0])), [[0.0], [1.0]])
    Array([0, 2], dtype=int32)
    """
    return jnp.argmax(_all_logits(solution, X), axis=0).astype(jnp.int32)


def log_likelihood(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_classes: int | None = None,
    coding: str | None = None,
    weights: ArrayLike | None = None,
) -> Array:
    """The log-likelihood of the data at the estimate, in nats, penalty excluded.

        sum_i w_i loglik_i

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: the classes, (n,), as in `fit`.
        n_classes: known from the solution, and checked against it where given; None by default.
        coding: known from the solution, and checked against it where given; None by default.
        weights: frequencies, (n,), 1 by default, as in `fit`.

    Returns:
        The log-likelihood, ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a solution of other data.

    >>> X, y = jnp.zeros((4, 1)), jnp.array([0, 0, 1, 2])
    >>> round(float(log_likelihood(fit(X, y, n_classes=3, l2=1.0), X, y)), 4)
    -4.1589
    """
    params = of_solution(solution, LinearParams)
    n_classes, coding = _classes(params, n_classes, coding)
    data = _rows(X, y, n_classes, coding, params.intercept is not None, weights, 0.0, None)
    present = data.weights > 0
    by_row = jnp.where(present, data.weights * loglik(_all_logits(solution, data.X), data.y), 0)
    return double_word.total(by_row).high


def _classes(params: LinearParams, n_classes: int | None, coding: str | None) -> tuple[int, str]:
    """How many classes `params` have and in which coding, after checking what the caller says about it."""
    own_coding = CODINGS[isinstance(params, SymmetricParams)]
    own = (params.coef.shape[0] + CODINGS.index("symmetric") - CODINGS.index(own_coding), own_coding)
    said = (own[0] if n_classes is None else n_classes, own_coding if coding is None else coding)
    if said != own:
        raise ValueError(f"n_classes, coding: expected {own}, as the solution has them, got {said}.")
    return own


def _all_logits(solution: Solution[LinearParams], X: ArrayLike) -> Array:
    """The logits of all classes for each row of X (m, p), shape (n_classes, m)."""
    X = intake.new_rows(solution, X)
    eta = linear_predictor(solution.params, X).T
    return softmax.logits(eta, 0 if isinstance(solution.params, SymmetricParams) else 1)


def _rows(
    X: ArrayLike,
    y: ArrayLike,
    n_classes: int,
    coding: str,
    intercept: bool,
    weights: ArrayLike | None,
    l2: ArrayLike,
    tol: ArrayLike | None,
) -> Design:
    """The checked data, of the dtype of X; y holds codes and keeps its own."""
    if isinstance(n_classes, bool) or not isinstance(n_classes, (int, np.integer)) or n_classes < 2:
        raise ValueError(f"n_classes: expected a Python int >= 2, got {n_classes!r}. Use int(y.max()) + 1.")
    if coding not in CODINGS:
        raise ValueError(f"coding: expected one of {', '.join(CODINGS)}, got {coding!r}.")
    X = arrays.design(X, intercept=intercept, y=y)
    data = intake.design(X, arrays.per_row("y", y, X.shape[0]), weights, None, l2, tol)
    valid = softmax.family(int(n_classes), coding).valid
    intake.check_range(data, valid, f"y: expected classes 0, 1, .. {n_classes - 1}", HINT)
    return data


@programs.soon(static_argnums=(1, 2, 3, 4, 5))
def _fit(
    data: Design, n_classes: int, coding: str, intercept: bool, max_steps: int, thorough: bool
) -> Solution[LinearParams]:
    likelihood, symmetric = softmax.family(n_classes, coding), coding == "symmetric"
    solution = solver(LinearModel(likelihood, n_classes - 1 + symmetric, intercept, max_steps, thorough))(data)
    params = as_params(solution.params, intercept)
    seen = jnp.any(softmax.one_hot(data.y, n_classes) & (data.weights > 0)[None], axis=1)
    seen = tiles.whole(seen, data.tile, jnp.logical_or)
    late = (solution.status == Status.CONVERGED) | (solution.status > Status.BOUNDARY)
    status = first_status(
        (late & symmetric & (data.l2 == 0), Status.FLAT),
        (late & intercept & ~jnp.all(seen), Status.BOUNDARY),
        otherwise=solution.status,
    )
    if symmetric:
        centred = jax.tree.map(lambda leaf: leaf - jnp.mean(leaf, axis=0, keepdims=True), params)
        params = SymmetricParams(centred.coef, centred.intercept)
    error = jnp.where(status == Status.CONVERGED, solution.error, jnp.nan)
    return dataclasses.replace(solution, params=params, status=status, error=error)


@programs.soon(static_argnums=(3, 4, 5))
def _infer(
    solution: Solution[LinearParams], data: Design, groups: Array, n_classes: int, coding: str, cov: str
) -> Estimate:
    return with_covariance(softmax.family(n_classes, coding), solution, data, cov, groups)
