"""The verbs of maximum likelihood: fit, infer, intervals by profiles, and what a log-likelihood is made of."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.inference.covariance import (
    ESTIMATORS,
    Covariance,
    Estimate,
    Evidence,
    Inference,
    check_covariance,
    wald,
)
from jaxnotes.core.inference.delta_method import transform
from jaxnotes.core.lanes import batching, passes
from jaxnotes.core.likelihood import intake, observations, profile
from jaxnotes.core.likelihood.fit import Problem, maximize
from jaxnotes.core.likelihood.observations import LogProb, Observations
from jaxnotes.core.matrix import factors
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.matrix.scaling import power_of_two
from jaxnotes.core.values import programs, settings
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.params import of_solution
from jaxnotes.core.values.status import Solution, Status

NO_LEVERAGE = "A row of a general likelihood has no leverage; use HC1."

# log_prob(params, row): the log probability of one observation, a real number.
UserLogProb = Callable[[Any, Any], Array]


class Interval(NamedTuple):
    """Intervals of all parameters, flat.

    Attributes:
        lower: the lower ends, (q,).
        upper: the upper ends, (q,).
    """

    lower: Array
    upper: Array


def fit(
    log_prob: UserLogProb,
    params0: Any,
    data: Any,
    *,
    weights: ArrayLike | None = None,
    tol: ArrayLike | None = None,
    max_steps: int = 100,
) -> Solution:
    """The maximum likelihood estimate, from a start params0, by Newton's method with the observed information.

        minimize  -sum_i w_i log_prob(params, row_i) / sum_i w_i

    Where the information is not positive definite, or a Newton step fails, a trust region guards the step. It finds a
    maximum near the start; another start may find a higher one.

    Args:
        log_prob: log_prob(params, row) -> (), the log-probability or log-density of one observation, in nats.
        params0: the start, any pytree of real numbers, q in all.
        data: a pytree of arrays with n rows each; row is data without that axis.
        weights: frequencies w_i, (n,), >= 0, 1 by default; weight k counts as k rows, weight 0 as none.
        tol: of sqrt(g'H^-1 g), g and H of the mean: sqrt(n) times less than the distance from the maximum in standard
            errors; (), >= 0, max(1e-10, 8 eps) of the dtype by default. It can only ask for more than CONVERGED does.
        max_steps: steps tried, a Python int >= 0, 100 by default.

    Returns:
        A `Solution`: params like params0, value the mean negative log-likelihood, grad_norm the largest entry of its
        gradient where the Hessian's diagonal is 1, error the last step and what rounding may have hidden, in nonrobust
        standard errors of a log_prob whose rows are right to a few ulp.

    Statuses:
        CONVERGED, within 1 % of a standard error of the maximum, at a point without negative curvature; INVALID_DATA,
        NON_FINITE_DATA, TOO_FEW_ROWS; BAD_START, where log_prob or a derivative is not finite at params0; FLAT, where
        some combination of the parameters does not matter; BOUNDARY, where the likelihood rises towards an edge of the
        parameter space or infinity; MAX_STEPS; STALLED.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, a log_prob that is no number, or a negative tol or max_steps.

    >>> tosses = jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    >>> solution = fit(lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p), 0.5, tosses)
    >>> print(f"p = {solution.params:.4f}, l = {-10 * solution.value:.4f}")
    p = 0.7000, l = -6.1086

    Source: Nocedal and Wright, Numerical Optimization (2006), chapters 3 and 4.
    """
    settings.check_count("max_steps", max_steps)
    model, start, observed = intake.traced(log_prob, "params0", params0, data, weights)
    problem = Problem(start, observed, settings.tolerance(tol, start.dtype))
    solution = maximize(model, max_steps, problem)
    return dataclasses.replace(solution, params=observations.unflatten(params0, solution.params))


def infer(
    log_prob: UserLogProb,
    solution: Solution,
    data: Any,
    *,
    weights: ArrayLike | None = None,
    cov: str | Covariance = "nonrobust",
    groups: ArrayLike | None = None,
    level: ArrayLike = 0.95,
) -> Inference:
    """Standard errors, z tests and Wald intervals of a fit; give the log_prob, data and weights that `fit` was given.

        nonrobust   I^-1
        HC0         I^-1 ( sum_i w_i u_i u_i' ) I^-1                    the sandwich, right where the law is wrong
        HC1         n/(n-q) times HC0
        cluster     I^-1 ( sum_g s_g s_g' ) I^-1 G/(G-1) (n-1)/(n-q)    s_g = sum of w_i u_i over group g of G

    I = -l'' is the observed information and u_i = log_prob' the score of row i, at the estimate; n = sum_i w_i.

    Args:
        log_prob: of one observation, as in `fit`.
        solution: what `fit` returned, this one or that of a family of `jaxnotes.distributions`.
        data: a pytree of arrays with n rows each, as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        cov: "nonrobust" (default), "HC0", "HC1" or "cluster", or a value of `jaxnotes.covariances`.
        groups: integer labels, (n,), exactly where cov is the name "cluster"; None by default.
        level: of the intervals, (), in (0, 1), 0.95 by default.

    Returns:
        An `Inference`, vectors (q,) in the order of `names(solution.params)`, df infinite. NaN unless the fit
        CONVERGED, and where I is not positive definite.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, a batch of fits, an unknown cov or a level out of range.

    >>> tosses = jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    >>> log_prob = lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p)
    >>> inferred = infer(log_prob, fit(log_prob, 0.5, tosses), tosses)
    >>> print(f"{inferred.se[0]:.6f}")
    0.144914

    Source: White (1982), Econometrica 50, 1-25; Liang and Zeger (1986), Biometrika 73, 13-22.
    """
    observations.one_fit("solution", solution)
    model, theta, observed = intake.traced(log_prob, "solution.params", of_solution(solution), data, weights)
    name, groups = check_covariance(cov, groups, observed.n, no_leverage=NO_LEVERAGE)
    question = _Question(theta, solution.converged, observed, groups)
    return wald(_infer(model, name, question), settings.confidence(level))


def profile_intervals(
    log_prob: UserLogProb, solution: Solution, data: Any, *, weights: ArrayLike | None = None, level: ArrayLike = 0.95
) -> Interval:
    """Likelihood-ratio intervals of all parameters at once: the values that a test at 1 - level would not reject.

        { c : 2 (l(estimate) - max of l over params with params_j = c) <= z^2 },     z the normal quantile

    They follow the likelihood where it is skew, and do not depend on how the parameters are written. Where l never
    falls so far on one side, that end is the edge of the parameter space or infinite.

    Args:
        log_prob: of one observation, as in `fit`.
        solution: what `fit` returned.
        data: a pytree of arrays with n rows each, as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        level: of the intervals, (), in (0, 1), 0.95 by default.

    Returns:
        An `Interval`, vectors (q,) in the order of `names(solution.params)`. NaN where an end was not found, and unless
        the status is CONVERGED or BOUNDARY.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, a batch of fits or a level out of range.

    >>> tosses = jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    >>> log_prob = lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p)
    >>> interval = profile_intervals(log_prob, fit(log_prob, 0.5, tosses), tosses)
    >>> print(f"{interval.lower[0]:.4f} {interval.upper[0]:.4f}")
    0.3935 0.9154

    Source: Venzon and Moolgavkar (1988), J. R. Stat. Soc. C 37, 87-94.
    """
    observations.one_fit("solution", solution)
    model, theta, observed = intake.traced(log_prob, "solution.params", of_solution(solution), data, weights)
    drop = profile.half_square(settings.confidence(level).astype(theta.dtype))
    usable = solution.converged | (solution.status == Status.BOUNDARY)
    task = profile.Task(theta, observed, drop, usable)
    return Interval(*profile.intervals(model, task))


def delta_method(
    function: Callable[[Any], Any], solution: Solution, inference: Inference, *, level: ArrayLike = 0.95
) -> Inference:
    """Inference about any smooth function of the parameters, to first order.

        covariance = D V D',    D the Jacobian of function at the estimate,  V the covariance

    Args:
        function: from params to numbers in any pytree, for example from free coordinates back to the natural ones
            (`jaxnotes.bijections.forward`).
        solution: what `fit` returned.
        inference: what the `infer` that follows it returned.
        level: of the intervals, (), in (0, 1), 0.95 by default.

    Returns:
        An `Inference` about function(params), flat, in the order of `names(function(params))`.

    Raises:
        ValueError: a batch of fits or a level out of range.

    >>> from jaxnotes import bijections
    >>> counts, free = jnp.array([109, 65, 22, 3, 1]), bijections.positive()
    >>> log_prob = lambda u, deaths: deaths * u - free.forward(u)
    >>> solution = fit(log_prob, 0.0, jnp.arange(5), weights=counts)
    >>> rate = delta_method(free.forward, solution, infer(log_prob, solution, jnp.arange(5), weights=counts))
    >>> print(f"{rate.estimate[0]:.4f} {rate.se[0]:.4f}")
    0.6100 0.0552

    Source: van der Vaart, Asymptotic Statistics (1998), theorem 3.1.
    """
    observations.one_fit("solution", solution)
    of = Estimate(inference.estimate, inference.covariance, inference.df, solution.converged)

    def flat(theta: Array) -> Array:
        return ravel_pytree(function(observations.unflatten(solution.params, theta)))[0]

    return wald(transform(flat, of), settings.confidence(level))


def log_likelihood(log_prob: UserLogProb, params: Any, data: Any, weights: ArrayLike | None = None) -> Array:
    """The log-likelihood of the data at any params, in nats.

        l(params) = sum_i w_i log_prob(params, row_i)

    Args:
        log_prob: of one observation, as in `fit`.
        params: where it is taken, any pytree of real numbers.
        data: a pytree of arrays with n rows each, as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.

    Returns:
        The log-likelihood, ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> log_prob = lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p)
    >>> print(f"{log_likelihood(log_prob, 0.7, jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])):.4f}")
    -6.1086
    """
    return _log_likelihood(*intake.traced(log_prob, "params", params, data, weights))


def score(log_prob: UserLogProb, params: Any, data: Any, weights: ArrayLike | None = None) -> Array:
    """The gradient of `log_likelihood` in params: 0 at the maximum.

        s = dl / dparams

    Args:
        log_prob: of one observation, as in `fit`.
        params: where it is taken, any pytree of real numbers, q in all.
        data: a pytree of arrays with n rows each, as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.

    Returns:
        The score, flat in the order of `names(params)`, (q,).

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> log_prob = lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p)
    >>> print(f"{score(log_prob, 0.5, jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0]))[0]:.4f}")
    8.0000
    """
    return _derivatives(*intake.traced(log_prob, "params", params, data, weights))[0]


def observed_information(log_prob: UserLogProb, params: Any, data: Any, weights: ArrayLike | None = None) -> Array:
    """Minus the Hessian of `log_likelihood` in params: at the maximum the inverse of the covariance.

        I = -d^2 l / dparams^2

    Args:
        log_prob: of one observation, as in `fit`.
        params: where it is taken, any pytree of real numbers, q in all.
        data: a pytree of arrays with n rows each, as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.

    Returns:
        The information, in the order of `names(params)`, (q, q).

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> log_prob = lambda p, x: x * jnp.log(p) + (1 - x) * jnp.log(1 - p)
    >>> print(observed_information(log_prob, 0.5, jnp.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])))
    [[40.]]
    """
    return _derivatives(*intake.traced(log_prob, "params", params, data, weights))[1]


@functools.partial(jax.jit, static_argnums=0)
def _log_likelihood(model: LogProb, theta: Array, observed: Observations) -> Array:
    return observations.log_likelihood(model, theta, observations.sound_only(model, theta, observed))


@functools.partial(jax.jit, static_argnums=0)
def _derivatives(model: LogProb, theta: Array, observed: Observations) -> tuple[Array, Array]:
    """The score and the observed information."""
    sound = observations.sound_only(model, theta, observed)
    _, grad, hessian = observations.with_derivatives(model, theta, sound)
    return -observed.n_obs * grad, observed.n_obs * hessian


class _Question(NamedTuple):
    """What inference is about: the estimate (q,) and whether it is one, the data, the groups of the rows."""

    theta: Array
    converged: Array
    observed: Observations
    groups: Array


@programs.soon(static_argnums=(0, 1))
def _infer(model: LogProb, cov: str, question: _Question) -> Estimate:
    is_large = lambda question: question.observed.n >= passes.FROM_ROWS  # noqa: E731
    return batching.blocked(functools.partial(_estimate, model, cov), is_large)(question)


def _estimate(model: LogProb, cov: str, question: _Question) -> Estimate:
    theta, converged, observed, groups = question
    observed = observations.present_only(observed)
    scores = observations.row_scores(model, theta, observed)
    # In the units that the scores give the parameters, so that no square over- or underflows.
    unit = 1 / power_of_two(jnp.max(jnp.abs(scores), axis=0))
    _, _, hessian = observations.with_derivatives(model, theta, observed, unit)
    root = factors.root_of_spd_inverse(observed.n_obs * hessian)
    inverse = contract("ik,jk->ij", root, root)
    evidence = Evidence(
        influence=contract("ij,jk->ik", scores * unit[None], inverse),
        weights=jnp.broadcast_to(observed.weights, (observed.n,)),
        leverage=jnp.zeros((observed.n,), theta.dtype),
        groups=groups,
        model_based=inverse,
        n_obs=observed.n_obs,
    )
    covariance = ESTIMATORS[cov].of(evidence)
    df = jnp.asarray(jnp.inf, theta.dtype)
    return Estimate(theta, covariance, df, converged & jnp.all(jnp.isfinite(covariance)), unit)
