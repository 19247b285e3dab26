"""How good a least-squares fit is: R2, F, residual standard deviation, leverage, likelihood and what is made of it.

Every function takes the fit and the data and keywords that it was given, and is part of `jaxnotes.least_squares`.
"""

from typing import NamedTuple

import jax.numpy as jnp

from jaxnotes.core.inference.covariance import spare_rows
from jaxnotes.core.linear import fitted, intake
from jaxnotes.core.linear.fitted import Fitted
from jaxnotes.core.linear.intake import Equations
from jaxnotes.core.matrix import scaling
from jaxnotes.core.special import tails
from jaxnotes.core.values import programs
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.params import LinearParams, as_theta
from jaxnotes.core.values.status import Solution


class FTest(NamedTuple):
    """An F test of several hypotheses at once.

    Attributes:
        statistic: F, ().
        pvalue: P(F > statistic) under the hypothesis, ().
        df1: degrees of freedom of the numerator, ().
        df2: degrees of freedom of the denominator, ().
    """

    statistic: Array
    pvalue: Array
    df1: Array
    df2: Array


def r_squared(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
) -> Array:
    """The share of the variation of y that the fit explains.

        R2 = 1 - sum_i w_i p_i r_i^2 / sum_i w_i p_i (y_i - y_mean)^2

    Without an intercept y_mean is 0 (uncentred R2).

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: the observed values, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        precision: 1 / variance up to a factor, (n,), 1 by default, as in `fit`.

    Returns:
        R2, ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a solution of other data.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> X = first.x[:, None]
    >>> round(float(r_squared(jn.least_squares.fit(X, first.y), X, first.y)), 4)
    0.6665
    """
    data = intake.equations_of(solution, X, y, weights, precision)
    fit = _look_at(solution, data)
    return 1 - fit.sum_of_squares() / _total(fit, data, solution.params.intercept is not None)


def residual_sd(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
) -> Array:
    """The residual standard deviation: the standard error of one observation of precision 1.

        sigma = sqrt(sum_i w_i p_i r_i^2 / (n_obs - rank)),    n_obs = sum_i w_i

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: the observed values, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        precision: 1 / variance up to a factor, (n,), 1 by default, as in `fit`.

    Returns:
        sigma, ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a solution of other data.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> X = first.x[:, None]
    >>> round(float(residual_sd(jn.least_squares.fit(X, first.y), X, first.y)), 4)
    1.2366
    """
    fit = _look_at(solution, intake.equations_of(solution, X, y, weights, precision))
    return jnp.sqrt(fit.sum_of_squares() / _spare_rows(fit)) * fit.units.size * jnp.sqrt(fit.units.precision)


def f_test(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
) -> FTest:
    """The F test that all coefficients but the intercept are 0, in an unpenalized fit.

        F = ((TSS - RSS) / df1) / (RSS / df2),     df1 = rank - 1 (rank without an intercept),     df2 = n_obs - rank

    Args:
        solution: what `fit` returned, with l2 = 0.
        X: the rows, (n, p), as in `fit`.
        y: the observed values, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        precision: 1 / variance up to a factor, (n,), 1 by default, as in `fit`.

    Returns:
        An `FTest`, each field ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a solution of other data.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> X = first.x[:, None]
    >>> round(float(f_test(jn.least_squares.fit(X, first.y), X, first.y).statistic), 2)
    17.99
    """
    data, intercept = intake.equations_of(solution, X, y, weights, precision), solution.params.intercept is not None
    fit = _look_at(solution, data)
    rss, df1, df2 = fit.sum_of_squares(), _rank(fit) - intercept, _spare_rows(fit)
    statistic = (_total(fit, data, intercept) - rss) / df1 / (rss / df2)
    return FTest(statistic, tails.f_sf(statistic, df1, df2), df1, df2)


def leverage(
    X: ArrayLike,
    *,
    intercept: bool = True,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
    l2: ArrayLike = 0.0,
) -> Array:
    """How much each observation pulls its own fitted value.

        h_i = p_i x_i' (X'WX + n_obs l2)^-1 x_i

    sum w_i h_i is the number of parameters. The surveyor's redundancy number of an observation is 1 - h_i: the share of
    an error in it that shows in its own residual; their sum is the redundancy r = n - t.

    Args:
        X: the rows, (n, p).
        intercept: whether one is fitted, a Python bool, True by default.
        weights: frequencies, (n,), >= 0, 1 by default.
        precision: 1 / variance up to a factor, (n,), >= 0, 1 by default.
        l2: the penalty, (), >= 0, 0 by default.

    Returns:
        The leverages, (n,).

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or l2 a negative number.

    >>> leverage(jnp.array([[8.0], [8.0], [8.0], [19.0]])).round(3)
    Array([0.333, 0.333, 0.333, 1.   ], dtype=float32)
    """
    data = intake.equations(X, jnp.zeros(jnp.shape(X)[:1]), intercept, weights, precision, l2)
    return fitted.look_at(data, intercept, jnp.zeros_like(data.X, shape=(data.X.shape[1] + intercept,))).bread.leverage


def log_likelihood(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
) -> Array:
    """The Gaussian log-likelihood at its maximum over sigma, in nats.

        - n/2 (log(2 pi RSS / n) + 1) + sum_i w_i log(p_i) / 2,     n = n_obs

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: the observed values, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        precision: 1 / variance up to a factor, (n,), 1 by default, as in `fit`.

    Returns:
        The log-likelihood, ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a solution of other data.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> X = first.x[:, None]
    >>> round(float(log_likelihood(jn.least_squares.fit(X, first.y), X, first.y)), 3)
    -16.841
    """
    data = intake.equations_of(solution, X, y, weights, precision)
    return _log_likelihood(_look_at(solution, data), data)


def aic(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
) -> Array:
    """Akaike's criterion, for models fitted to the same data; the smaller the better.

        2 k - 2 log_likelihood,    k = rank + 1

    sigma counts as a parameter, as in R and not in statsmodels.

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: the observed values, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        precision: 1 / variance up to a factor, (n,), 1 by default, as in `fit`.

    Returns:
        The criterion, ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a solution of other data.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> X = first.x[:, None]
    >>> round(float(aic(jn.least_squares.fit(X, first.y), X, first.y)), 2)
    39.68
    """
    data = intake.equations_of(solution, X, y, weights, precision)
    fit = _look_at(solution, data)
    return 2 * (_rank(fit) + 1) - 2 * _log_likelihood(fit, data)


def bic(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
) -> Array:
    """Schwarz's criterion, for models fitted to the same data; the smaller the better.

        k log(n_obs) - 2 log_likelihood,    k = rank + 1

    sigma counts as a parameter, as in `aic`.

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: the observed values, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        precision: 1 / variance up to a factor, (n,), 1 by default, as in `fit`.

    Returns:
        The criterion, ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a solution of other data.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> X = first.x[:, None]
    >>> round(float(bic(jn.least_squares.fit(X, first.y), X, first.y)), 2)
    40.88
    """
    data = intake.equations_of(solution, X, y, weights, precision)
    fit = _look_at(solution, data)
    return (_rank(fit) + 1) * jnp.log(jnp.sum(fit.terms.weights)) - 2 * _log_likelihood(fit, data)


def _log_likelihood(fit: Fitted, data: Equations) -> Array:
    weights, units = fit.terms.weights, fit.units
    n_obs = jnp.sum(weights)
    # Of RSS / n in logarithms, for y in its own unit may have squares that overflow; so with precisions in theirs.
    mean_square = jnp.log(fit.sum_of_squares() / n_obs) + 2 * jnp.log(units.size)
    present = jnp.broadcast_to(weights > 0, data.y.shape)
    precisions = jnp.sum(jnp.where(present, weights * jnp.log(jnp.where(present, fit.terms.information, 1)), 0))
    return (precisions - n_obs * (jnp.log(2 * jnp.pi) + mean_square + 1)) / 2


@programs.soon()
def _look_at(solution: Solution[LinearParams], data: Equations) -> Fitted:
    return fitted.look_at(data, solution.params.intercept is not None, as_theta(solution.params))


def _total(fit: Fitted, data: Equations, intercept: bool) -> Array:
    """Total sum of squares sum w p (y - y_mean)^2 in units, shape (); y_mean is 0 without an intercept.

    NaN where it is 0: nothing varies, so there is nothing to explain.
    """
    share = fit.terms.weights * fit.terms.information
    y = scaling.scale_columns(data.y[:, None], share / jnp.sum(share), share > 0, intercept=intercept).Z[-1]
    y = y - jnp.sum(share * y) / jnp.sum(share) if intercept else y
    total = jnp.sum(share * y**2)
    return jnp.where(total > 0, total, jnp.nan)


def _spare_rows(fit: Fitted) -> Array:
    return spare_rows(fit.terms.weights, _rank(fit))


def _rank(fit: Fitted) -> Array:
    return fit.bread.inverse.rank.astype(fit.residual.dtype)
