"""Chapter 3, continued: nonlinear least squares. Any curve y = model(params, x), one data set or ten thousand.

`fit` minimizes half the mean squared residual, with frequency weights w and precisions p,

    sum_i w_i p_i r_i^2 / (2 sum_i w_i),      r_i = y_i - model(params, x)_i,

from a start params0, by Levenberg-Marquardt on the QR factors of the curve's derivatives, exact ones by autodiff.
params is any pytree, and so is x, which the model gets whole and answers with one value per row. A start matters: a
nonlinear curve may have several minima, or none. `jax.vmap(fit)` is the batch API.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.descent import intake, levenberg_marquardt
from jaxnotes.core.descent.intake import Curve, Curves, Model
from jaxnotes.core.inference import delta_method
from jaxnotes.core.inference.covariance import (
    Covariance,
    Estimate,
    Inference,
    Terms,
    check_covariance,
    spare_rows,
    spread,
    wald,
)
from jaxnotes.core.lanes import batching, implicit
from jaxnotes.core.matrix import triangles
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.matrix.scaling import power_of_two
from jaxnotes.core.special import tails
from jaxnotes.core.values import arrays, programs, settings
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.params import of_solution
from jaxnotes.core.values.status import Solution, Status, first_status

__all__ = ["Band", "confidence_band", "fit", "infer", "predict", "prediction_band"]

# A block waits for its slowest lane, and the steps of curves differ much: twice as fast as blocks of 1,024.
MOST_LANES = 128


class Band(NamedTuple):
    """A band around a curve, at m rows of x.

    Attributes:
        estimate: the curve, (m,).
        se: the standard error of what the band is for, (m,).
        lower: the lower edge, (m,).
        upper: the upper edge, (m,).
    """

    estimate: Array
    se: Array
    lower: Array
    upper: Array


def fit(
    model: Model,
    params0: Any,
    x: Any,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
    bijection: Any = None,
    tol: ArrayLike | None = None,
    max_steps: int = 200,
) -> Solution:
    """The parameters whose curve is nearest to the points in the sense of least squares, near the start params0.

        minimize  sum_i w_i p_i (y_i - model(params, x)_i)^2 / (2 sum_i w_i)

    It traces the model at each call, and compiles where that gave something new; derivatives are those of the exact
    minimum.

    Args:
        model: the curve, model(params, x) -> (n,), which gets x as a whole.
        params0: the start, any pytree of numbers or float arrays.
        x: where the curve is observed, any array or pytree of arrays.
        y: the observed values, (n,).
        weights: frequencies w_i, (n,), >= 0, 1 by default; weight k counts as k rows, weight 0 as none.
        precision: p_i = 1 / variance of each observation up to a common factor, (n,), >= 0, 1 by default.
        bijection: one of `jaxnotes.bijections`, or a pytree of them like params0, for parameters with a restricted
            range; None by default.
        tol: of the relative offset, |the part of the residual that a full step would remove| / |residual|, (), >= 0,
            max(1e-10, 8 eps) of the dtype by default. It can only ask for more than CONVERGED does.
        max_steps: of the steps taken, not of those tried and found too long, a Python int >= 0, 200 by default.

    Returns:
        A `Solution`: params like params0, value the minimum, grad_norm that part of the residual in units of the data.
        Its error takes residuals of less than eps times the size of y for the rounding of y, and the curve to be right
        to some eps of its largest term; what a model loses within itself no one but the model knows.

    Statuses:
        CONVERGED; INVALID_DATA, NON_FINITE_DATA, TOO_FEW_ROWS; BAD_START where the curve or a derivative is not finite
        at params0; DIVERGED where a parameter or its standard error is no number of the dtype, but larger or smaller;
        FLAT where the curve does not tell the parameters apart, or they run away; BOUNDARY where only steps
        to points without a finite curve are left, or a bijection keeps the optimum out of reach; MAX_STEPS; STALLED.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, a model of other arguments, or a negative tol or max_steps.

    >>> t = jnp.arange(8.0)
    >>> y = jnp.array([5.9, 4.3, 3.3, 2.5, 2.1, 1.8, 1.5, 1.4])
    >>> decay = lambda params, t: params["a"] * jnp.exp(-params["k"] * t) + params["c"]
    >>> solution = fit(decay, {"a": 4.0, "k": 1.0, "c": 0.0}, t, y)
    >>> print({name: round(float(value), 3) for name, value in solution.params.items()})
    {'a': 4.794, 'c': 1.101, 'k': 0.398}

    Source: Moré (1978); Transtrum and Sethna (2012), see `jaxnotes.core.descent.levenberg_marquardt`.
    """
    settings.check_count("max_steps", max_steps)
    posed = intake.pose(model, params0, x, y, weights, precision, bijection)
    tol = settings.tolerance(tol, posed.data.y.dtype)
    solution = _fit(posed.data._replace(tol=tol), posed.curve, max_steps)
    params = posed.params(solution.params)
    if bijection is not None:
        natural = intake.pose(model, jax.lax.stop_gradient(params), x, y, weights, precision, None)
        pressed = (solution.status == Status.FLAT) & ~_is_stationary(natural.data._replace(tol=tol), natural.curve)
        solution = dataclasses.replace(
            solution, status=first_status((pressed, Status.BOUNDARY), otherwise=solution.status)
        )
    return dataclasses.replace(solution, params=params)


def infer(
    model: Model,
    solution: Solution,
    x: Any,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
    bijection: Any = None,
    cov: str | Covariance = "nonrobust",
    level: ArrayLike = 0.95,
) -> Inference:
    """Standard errors, t tests and intervals of a fit; give the model, data and keywords that `fit` was given.

        covariance = sigma^2 (J'WJ)^-1,   sigma^2 = sum_i w_i p_i r_i^2 / df,   df = n_obs - q

    with J the derivatives of the curve in the q parameters: what least squares says of the curve's tangent at the
    optimum. Where the curve bends within the reach of a standard error the intervals are approximate.

    Args:
        model: the curve, as in `fit`.
        solution: what `fit` returned.
        x: where the curve was observed, as in `fit`.
        y: the observed values, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        precision: 1 / variance up to a factor, (n,), 1 by default, as in `fit`.
        bijection: of the parameters, None by default, as in `fit`.
        cov: "nonrobust" (default), or "HC0" to "HC3" where variances are unequal in an unknown way, or a value of
            `jaxnotes.covariances`, which has the formulas; clusters only by `cluster(groups)`.
        level: of the intervals, (), in (0, 1), 0.95 by default.

    Returns:
        An `Inference`, vectors (q,) in the order of `jax.flatten_util.ravel_pytree(solution.params)`. With a bijection
        covariance and df belong to the free coordinates and reach the parameters by the delta method. NaN unless the
        fit CONVERGED, and where df = 0.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, an unknown cov or a level out of range.

    >>> t = jnp.arange(8.0)
    >>> y = jnp.array([5.9, 4.3, 3.3, 2.5, 2.1, 1.8, 1.5, 1.4])
    >>> decay = lambda params, t: params[0] * jnp.exp(-params[1] * t) + params[2]
    >>> infer(decay, fit(decay, [4.0, 1.0, 0.0], t, y), t, y).se.round(4)
    Array([0.0556, 0.0127, 0.053 ], dtype=float32)

    Source: Seber and Wild, Nonlinear Regression (1989), sections 2.1.2 and 5.1.
    """
    posed = intake.pose(model, of_solution(solution), x, y, weights, precision, bijection)
    name, groups = check_covariance(cov, None, posed.data.y.shape[0])
    estimate = _infer(posed.data, solution.converged, groups, posed.curve, name)
    if bijection is not None:
        estimate = delta_method.transform(lambda theta: ravel_pytree(posed.params(theta))[0], estimate)
    return wald(estimate, settings.confidence(level))


def predict(model: Model, solution: Solution, x: Any) -> Array:
    """The fitted curve at any x.

        model(solution.params, x)

    Args:
        model: the curve, as in `fit`.
        solution: what `fit` returned.
        x: m rows, an array or a pytree of arrays as the model takes it.

    Returns:
        The curve, (m,).

    >>> line = lambda params, x: params[0] + params[1] * x
    >>> x = jnp.arange(4.0)
    >>> print(predict(line, fit(line, [0.0, 0.0], x, 1 + 2 * x), jnp.array([10.0])).round(2))
    [21.]
    """
    with jax.default_matmul_precision("highest"):
        return model(of_solution(solution), intake.as_rows(x))


def confidence_band(model: Model, solution: Solution, inferred: Inference, x: Any, *, level: ArrayLike = 0.95) -> Band:
    """Where the curve itself is, at each row of x: pointwise intervals by the delta method.

        se_i^2 = g_i' covariance g_i,   g_i the derivatives of model(params, x)_i in the parameters

    Args:
        model: the curve, as in `fit`.
        solution: what `fit` returned.
        inferred: what `infer` returned.
        x: m rows, an array or a pytree of arrays as the model takes it.
        level: of each interval, (), in (0, 1), 0.95 by default.

    Returns:
        A `Band`, each field (m,); its se is of the curve.

    Raises:
        ValueError: inferred of another fit, or a level out of range.

    >>> line = lambda params, x: params[0] + params[1] * x
    >>> x, y = jnp.arange(5.0), jnp.array([1.1, 2.9, 5.2, 6.8, 9.1])
    >>> solution = fit(line, [0.0, 0.0], x, y)
    >>> print(confidence_band(line, solution, infer(line, solution, x, y), jnp.array([2.0, 10.0])).se.round(4))
    [0.0845 0.4852]
    """
    estimate, variance = _spread(model, solution, inferred, x)
    return _band(estimate, jnp.sqrt(variance), inferred.df, settings.confidence(level))


def prediction_band(
    model: Model,
    solution: Solution,
    inferred: Inference,
    x: Any,
    *,
    precision: ArrayLike | None = None,
    level: ArrayLike = 0.95,
) -> Band:
    """Where one new observation will be, at each row of x: the curve's own uncertainty and that of the observation.

        se_i^2 = g_i' covariance g_i + sigma^2 / precision_i

    Args:
        model: the curve, as in `fit`.
        solution: what `fit` returned.
        inferred: what `infer` returned.
        x: m rows, an array or a pytree of arrays as the model takes it.
        precision: of the new observations, in the units of the precision that `fit` was given, (m,), 1 by default.
        level: of each interval, (), in (0, 1), 0.95 by default.

    Returns:
        A `Band`, each field (m,); its se is of the prediction error.

    Raises:
        TypeError, ValueError: precision of a wrong dtype or shape, inferred of another fit, or a level out of range.

    >>> line = lambda params, x: params[0] + params[1] * x
    >>> x, y = jnp.arange(5.0), jnp.array([1.1, 2.9, 5.2, 6.8, 9.1])
    >>> solution = fit(line, [0.0, 0.0], x, y)
    >>> print(prediction_band(line, solution, infer(line, solution, x, y), jnp.array([2.0, 10.0])).se.round(2))
    [0.21 0.52]

    Source: Seber and Wild, Nonlinear Regression (1989), section 5.1.
    """
    estimate, variance = _spread(model, solution, inferred, x)
    precision = arrays.per_row_or("precision", precision, 1, len(estimate), estimate.dtype)
    # value is half the mean squared residual over n_obs = df + q rows.
    sigma_squared = 2 * solution.value * (inferred.df + len(inferred.se)) / inferred.df
    return _band(estimate, jnp.sqrt(variance + sigma_squared / precision), inferred.df, settings.confidence(level))


def _spread(model: Model, solution: Solution, inferred: Inference, x: Any) -> tuple[Array, Array]:
    """The curve and the variance of its estimate at each row of x."""
    theta, unravel = ravel_pytree(solution.params)
    arrays.matches("inferred.covariance", inferred.covariance, (len(theta), len(theta)))
    x = intake.as_rows(x)

    with jax.default_matmul_precision("highest"):
        curve, push = jax.linearize(lambda theta: model(unravel(theta), x), theta)
        J = jax.vmap(push, out_axes=1)(jnp.eye(len(theta), dtype=theta.dtype))
    return curve, jnp.sum(contract("ij,jk->ik", J, inferred.covariance) * J, axis=1)


def _band(estimate: Array, se: Array, df: Array, level: Array) -> Band:
    reach = tails.t_isf((1 - level) / 2, df).astype(se.dtype) * se
    return Band(estimate, se, estimate - reach, estimate + reach)


@programs.soon(static_argnums=(1, 2))
def _fit(data: Curves, curve: Curve, max_steps: int) -> Solution:
    engine = batching.vectorize(functools.partial(levenberg_marquardt.solve_block, curve, max_steps), most=MOST_LANES)
    return implicit.differentiable(engine, functools.partial(levenberg_marquardt.objective, curve))(data)


@functools.partial(jax.jit, static_argnums=1)
def _is_stationary(data: Curves, curve: Curve) -> Array:
    """Whether no step within the tangent at data.start removes a noticeable part of the residual, ()."""
    return levenberg_marquardt.excess(curve, jax.tree.map(lambda leaf: leaf[None], data))[0] <= 100


@programs.soon(static_argnums=(3, 4))
def _infer(data: Curves, usable: Array, groups: Array, curve: Curve, cov: str) -> Estimate:
    return batching.blocked(functools.partial(_estimate, curve, cov))((data, usable, groups))


def _estimate(curve: Curve, cov: str, question: tuple[Curves, Array, Array]) -> Estimate:
    """The free coordinates data.start and their covariance, and whether the fit is usable."""
    data, usable, groups = question
    theta, (present, data) = data.start, intake.only_present(data)
    weights, precision = (jnp.where(present, a, 0) for a in (data.weights, data.precision))

    def values(theta: Array) -> Array:
        return jnp.where(present, curve(data.captured, theta, data.x), 0)

    J, residual = jax.jacfwd(values)(theta), jnp.where(present, data.y, 0) - values(theta)
    df = spare_rows(jnp.broadcast_to(weights, data.y.shape), len(theta))
    # In units of the data, so that no square over- or underflows; a unit of the precision cancels.
    of_J, of_r, of_p = (power_of_two(jnp.max(jnp.abs(a), axis=0)) for a in (J, residual, precision))
    J, residual, precision = J / of_J[None], residual / of_r, precision / of_p
    if cov == "nonrobust":
        weighted = jnp.sqrt(weights * precision)[None] * jnp.concatenate([J.T, residual[None]])
        root = triangles.inverse(triangles.orthogonalize(weighted[:-1, None], weighted[-1:]).R)[0]
        covariance = contract("ik,jk->ij", root, root) * (jnp.sum(weighted[-1] ** 2) / df)
    else:
        length = jnp.sqrt(jnp.sum(J**2, axis=0))
        nothing = jnp.zeros_like(theta)
        terms = Terms(J / length[None], weights, precision * residual, precision, nothing)
        covariance = spread(terms, cov, groups, lambda inverse: inverse.root / length[:, None]).covariance
    return Estimate(theta, covariance, df, usable & (df > 0), of_r / of_J)
