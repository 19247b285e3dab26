"""What maximized likelihoods say of each other: tests between nested models, and information criteria.

With r restrictions that reduce a full model to a restricted one, the three statistics are chi-squared with r degrees of
freedom in large samples where the restrictions hold and lie inside the parameter space, l the log-likelihood:

    likelihood ratio   2 (l(full) - l(restricted))      both fits
    Wald               c'(C V C')^-1 c                   the full fit: c(params) = 0 the restrictions, C their Jacobian
    score              s' I^-1 s                         the restricted fit: s and I of the full model there

Source: Engle (1984), Handbook of Econometrics 2, chapter 13.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.inference import delta_method
from jaxnotes.core.inference.covariance import Estimate, Inference
from jaxnotes.core.likelihood import intake, observations
from jaxnotes.core.likelihood.observations import LogProb, Observations
from jaxnotes.core.matrix import factors
from jaxnotes.core.special import tails
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.status import Solution


class ChiSquaredTest(NamedTuple):
    """A chi-squared test.

    Attributes:
        statistic: chi-squared in large samples under the hypothesis, ().
        pvalue: P(X > statistic) under the hypothesis, ().
        df: degrees of freedom, ().
    """

    statistic: Array
    pvalue: Array
    df: Array


def likelihood_ratio_test(
    full: Solution, restricted: Solution, data: Any, *, weights: ArrayLike | None = None
) -> ChiSquaredTest:
    """Twice the fall of the log-likelihood from a full to a restricted model, fitted to the same data.

        statistic = 2 n_obs (restricted.value - full.value),    df = difference of the numbers of parameters

    Args:
        full: what `fit` returned for the full model, or any other fit whose value is the mean negative log-likelihood.
        restricted: the same for the restricted model.
        data: a pytree of arrays with n rows each, as given to both.
        weights: frequencies, (n,), 1 by default, as given to both.

    Returns:
        A `ChiSquaredTest`: NaN unless both fits converged; a statistic that is negative by more than rounding, from
        models that are not nested or from another local maximum, has p-value NaN.

    Raises:
        ValueError: full has no more parameters than restricted, one of them is a batch, or weights of a wrong shape.

    >>> from jaxnotes.maximum_likelihood import fit
    >>> tosses = jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    >>> log_prob = lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p)
    >>> full = fit(lambda p, row: log_prob(p[row[0]], row[1]), jnp.array([0.5, 0.5]), (jnp.arange(10) % 2, tosses))
    >>> test = likelihood_ratio_test(full, fit(log_prob, 0.5, tosses), tosses)
    >>> print(f"{test.statistic:.4f} on {test.df}, p = {test.pvalue:.4f}")
    0.4831 on 1, p = 0.4870

    Source: Wilks (1938), Ann. Math. Statist. 9, 60-62.
    """
    df = observations.one_fit("full", full) - observations.one_fit("restricted", restricted)
    _check_nested(df)
    n_obs = _n_obs(data, weights, full.value.dtype)
    statistic = 2 * n_obs * (restricted.value - full.value)
    rounding = 16 * jnp.finfo(statistic.dtype).eps * n_obs * jnp.maximum(jnp.abs(full.value), 1)
    usable = full.converged & restricted.converged
    test = _chi_squared(jnp.where(usable, statistic, jnp.nan), df)
    return test._replace(pvalue=jnp.where(statistic < -rounding, jnp.nan, test.pvalue))


def wald_test(restriction: Callable[[Any], Any], solution: Solution, inference: Inference) -> ChiSquaredTest:
    """Whether restriction(params) = 0, judged from the full fit and any of its covariances.

        statistic = c'(C V C')^-1 c,    c = restriction(params),  C its Jacobian,  V the covariance

    Unlike the other two statistics it depends on how the hypothesis is written: p = 1/2 and log p = log 1/2 give two.

    Args:
        restriction: a smooth function from params to numbers, in any pytree, that are 0 under the hypothesis.
        solution: what `fit` returned.
        inference: what the `infer` that follows it returned, of any cov.

    Returns:
        A `ChiSquaredTest`: NaN unless the fit converged, or where one restriction follows from the others.

    Raises:
        ValueError: a batch of fits.

    >>> from jaxnotes.maximum_likelihood import fit, infer
    >>> tosses = jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    >>> log_prob = lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p)
    >>> solution = fit(log_prob, 0.5, tosses)
    >>> test = wald_test(lambda p: p - 0.5, solution, infer(log_prob, solution, tosses))
    >>> print(f"{test.statistic:.4f} on {test.df}, p = {test.pvalue:.4f}")
    1.9048 on 1, p = 0.1675

    Source: Wald (1943), Trans. Amer. Math. Soc. 54, 426-482.
    """
    observations.one_fit("solution", solution)
    of = Estimate(inference.estimate, inference.covariance, inference.df, solution.converged)
    c = delta_method.transform(
        lambda theta: ravel_pytree(restriction(observations.unflatten(solution.params, theta)))[0], of
    )
    return _chi_squared(_quadratic_form(c.estimate, c.covariance), c.estimate.size)


def score_test(
    log_prob: Callable[[Any, Any], Array],
    embed: Callable[[Any], Any],
    restricted: Solution,
    data: Any,
    *,
    weights: ArrayLike | None = None,
) -> ChiSquaredTest:
    """Whether a restricted model needs the full one, judged without fitting the full one (Rao, Lagrange multipliers).

        statistic = s' I^-1 s,    s the score and I the observed information of the full model at embed(restricted)

    Args:
        log_prob: of one observation in the full model, as in `fit`.
        embed: from the restricted parameters to the full ones, so that the restricted model is
            lambda params, row: log_prob(embed(params), row).
        restricted: what `fit` returned for the restricted model.
        data: a pytree of arrays with n rows each, as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.

    Returns:
        A `ChiSquaredTest`: NaN unless the restricted fit converged, or where I is not positive definite there.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, a batch of fits, or a full model without more parameters.

    >>> from jaxnotes.maximum_likelihood import fit
    >>> log_prob = lambda p, row: jnp.where(row[1] == 1, jnp.log(p[row[0]]), jnp.log(1 - p[row[0]]))
    >>> data = jnp.arange(10) % 2, jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    >>> both = lambda p: jnp.stack([p, p])
    >>> restricted = fit(lambda p, row: log_prob(both(p), row), 0.5, data)
    >>> test = score_test(log_prob, both, restricted, data)
    >>> print(f"{test.statistic:.4f} on {test.df}, p = {test.pvalue:.4f}")
    0.4941 on 1, p = 0.4821

    Source: Rao (1948), Proc. Camb. Phil. Soc. 44, 50-57.
    """
    size = observations.one_fit("restricted", restricted)
    params = embed(restricted.params)
    model, theta, observed = intake.traced(log_prob, "embed(restricted.params)", params, data, weights)
    _check_nested(theta.size - size)
    statistic = _score_statistic(model, theta, observed)
    return _chi_squared(jnp.where(restricted.converged, statistic, jnp.nan), theta.size - size)


@functools.partial(jax.jit, static_argnums=0)
def _score_statistic(model: LogProb, theta: Array, observed: Observations) -> Array:
    observed = observations.present_only(observed)
    _, grad, hessian = observations.with_derivatives(model, theta, observed)
    root = factors.root_of_spd_inverse(hessian)
    return observed.n_obs * jnp.sum(jnp.matmul(root.T, grad, precision="highest") ** 2)


def aic(solution: Solution, data: Any, *, weights: ArrayLike | None = None) -> Array:
    """Akaike's criterion, for models fitted to the same data; the smaller the better.

        2 k - 2 l,    k the number of parameters,  l the log-likelihood

    Args:
        solution: what `fit` returned.
        data: a pytree of arrays with n rows each, as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.

    Returns:
        The criterion, (); NaN unless the fit converged.

    Raises:
        ValueError: a batch of fits, or weights of a wrong shape.

    >>> from jaxnotes.maximum_likelihood import fit
    >>> tosses = jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    >>> solution = fit(lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p), 0.5, tosses)
    >>> print(f"{aic(solution, tosses):.4f}")
    14.2173
    """
    k = observations.one_fit("solution", solution)
    return jnp.where(
        solution.converged, 2 * k + 2 * _n_obs(data, weights, solution.value.dtype) * solution.value, jnp.nan
    )


def bic(solution: Solution, data: Any, *, weights: ArrayLike | None = None) -> Array:
    """Schwarz's criterion, for models fitted to the same data; the smaller the better.

        k log(n_obs) - 2 l,    k the number of parameters,  l the log-likelihood,  n_obs = sum_i w_i

    Args:
        solution: what `fit` returned.
        data: a pytree of arrays with n rows each, as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.

    Returns:
        The criterion, (); NaN unless the fit converged.

    Raises:
        ValueError: a batch of fits, or weights of a wrong shape.

    >>> from jaxnotes.maximum_likelihood import fit
    >>> tosses = jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    >>> solution = fit(lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p), 0.5, tosses)
    >>> print(f"{bic(solution, tosses):.4f}")
    14.5199
    """
    k, n_obs = observations.one_fit("solution", solution), _n_obs(data, weights, solution.value.dtype)
    return jnp.where(solution.converged, k * jnp.log(n_obs) + 2 * n_obs * solution.value, jnp.nan)


def _check_nested(df: int) -> None:
    if df < 1:
        raise ValueError(f"full: expected more parameters than the restricted model has, got {df} more.")


def _n_obs(data: Any, weights: ArrayLike | None, dtype: Any) -> Array:
    n = intake.row_count(data)
    return jnp.asarray(n, dtype) if weights is None else jnp.sum(intake.row_weights(weights, n, dtype))


def _quadratic_form(c: Array, covariance: Array) -> Array:
    return jnp.sum(jnp.matmul(factors.root_of_spd_inverse(covariance).T, c, precision="highest") ** 2)


def _chi_squared(statistic: Array, df: int) -> ChiSquaredTest:
    return ChiSquaredTest(statistic, _tail(statistic, df), jnp.asarray(df))


@jax.jit
def _tail(statistic: Array, df: Array) -> Array:
    """Compiled apart from the rest, once for all models: it takes longer to compile than to run."""
    return tails.chi2_sf(statistic, df)
