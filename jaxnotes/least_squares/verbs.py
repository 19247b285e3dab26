"""The verbs of least squares: fit one problem, infer, predict, the loss, and the line of least distance."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.inference.covariance import (
    Covariance,
    Estimate,
    Inference,
    check_covariance,
    spare_rows,
    spread_of,
    wald,
)
from jaxnotes.core.lanes import batching, implicit, passes
from jaxnotes.core.linear import equations, fitted, intake, squares, squares_by_passes, verdict
from jaxnotes.core.linear.fit import linear_predictor, settled
from jaxnotes.core.linear.intake import Equations
from jaxnotes.core.linear.verdict import Answer
from jaxnotes.core.matrix import roots, scaling
from jaxnotes.core.special import double_word
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values import arrays, programs, settings
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.params import LinearParams, as_params, as_theta
from jaxnotes.core.values.status import Solution, Status, first_status


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    intercept: bool = True,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
    l2: ArrayLike = 0.0,
) -> Solution[LinearParams]:
    """The least-squares estimate (l2 = 0) or the ridge estimate of a linear model.

        minimize  sum_i w_i p_i (y_i - x_i'coef - intercept)^2 / (2 sum_i w_i) + l2 / 2 ||coef||^2

    Args:
        X: the rows x_i, (n, p).
        y: the observed values, (n,).
        intercept: whether one is fitted, a Python bool, True by default; it is never penalized.
        weights: frequencies w_i, (n,), >= 0, 1 by default; weight k counts as k rows, weight 0 as none.
        precision: p_i = 1 / variance of each observation up to a common factor, the surveyor's P, (n,), >= 0, 1 by
            default; it leaves n_obs = sum_i w_i alone.
        l2: the penalty, (), >= 0, 0 by default; scikit-learn's Ridge has alpha = n_obs l2.

    Returns:
        A `Solution`: params = LinearParams(coef (p,), intercept () or None), value the minimum, grad_norm in
        units of the data, error with the rounding of the parameters themselves.

    Statuses:
        CONVERGED; INVALID_DATA, NON_FINITE_DATA; TOO_FEW_ROWS and RANK_DEFICIENT, with the solution of least ||coef||;
        DIVERGED where a parameter or a standard error over- or underflows; STALLED.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or l2 a negative number.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> params = fit(first.x[:, None], first.y).params
    >>> print(f"y = {params.intercept:.3f} + {params.coef[0]:.4f} x")
    y = 3.000 + 0.5001 x

    Source: Björck, Numerical Methods for Least Squares Problems (1996), sections 2.9 and 6.6.
    """
    data = intake.equations(X, y, intercept, weights, precision, l2)
    return settled(lambda thorough: _fit(data, intercept, thorough), data)


def infer(
    solution: Solution[LinearParams],
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
    l2: ArrayLike = 0.0,
    cov: str | Covariance = "nonrobust",
    groups: ArrayLike | None = None,
    level: ArrayLike = 0.95,
) -> Inference:
    """Standard errors, t tests and intervals of a fit; give the data and keywords that `fit` was given.

        covariance = sigma^2 (X'WX)^-1,   sigma^2 = sum_i w_i p_i r_i^2 / df,   df = n_obs - rank

    With l2 > 0 it is the sampling variance H^-1 X'WX H^-1 sigma^2 of the ridge estimate about its own mean, with
    df = n_obs - trace of the smoother: the bias that the penalty brings is not covered.

    Args:
        solution: what `fit` returned.
        X: the rows, (n, p), as in `fit`.
        y: the observed values, (n,), as in `fit`.
        weights: frequencies, (n,), 1 by default, as in `fit`.
        precision: 1 / variance up to a factor, (n,), 1 by default, as in `fit`.
        l2: the penalty, (), 0 by default, as in `fit`.
        cov: "nonrobust" (default), "HC0" to "HC3" or "cluster", or a value of `jaxnotes.covariances`, which has the
            formulas.
        groups: integer labels, (n,), exactly where cov is the name "cluster"; None by default.
        level: of the intervals, (), in (0, 1), 0.95 by default.

    Returns:
        An `Inference`, vectors (q,) with the intercept first. For RANK_DEFICIENT it belongs to the solution of least
        ||coef|| (pseudo-inverse); NaN for every other status but CONVERGED, and where df = 0.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, a solution of other data, an unknown cov or a level out of range.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> X = first.x[:, None]
    >>> infer(fit(X, first.y), X, first.y).se.round(4)
    Array([1.1247, 0.1179], dtype=float32)
    """
    data = intake.equations_of(solution, X, y, weights, precision, l2)
    name, groups = check_covariance(cov, groups, data.X.shape[0])
    return wald(_infer(solution, data, groups, name), settings.confidence(level))


def predict(solution: Solution[LinearParams], X: ArrayLike) -> Array:
    """The fitted value at each row of X.

        x_i'coef + intercept

    Args:
        solution: what `fit` returned.
        X: rows, (m, p), as many as you like.

    Returns:
        The values, (m,).

    Raises:
        TypeError, ValueError: X of a wrong dtype or shape.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> predict(fit(first.x[:, None], first.y), [[10.0]]).round(3)
    Array([8.001], dtype=float32)
    """
    X = intake.new_rows(solution, X)
    return linear_predictor(solution.params, X)


def loss(params: LinearParams, X: ArrayLike, y: ArrayLike, *, convention: str = "half_mean") -> Array:
    """The squared-error loss: the notes' sum over i = 1 .. n, or one of its two common multiples.

        "sum": sum_i r_i^2       "mean": sum_i r_i^2 / n       "half_mean": sum_i r_i^2 / (2 n)

    All three have the same minimizer, but not the same gradient: a learning rate tuned for one is
    wrong for the others.

    Args:
        params: where the loss is taken, LinearParams(coef (p,), intercept () or None).
        X: the rows, (n, p).
        y: the observed values, (n,).
        convention: "sum", "mean" or "half_mean" (default, the one that `fit` minimizes).

    Returns:
        The loss, ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or an unknown convention.

    >>> params = LinearParams(jnp.array([1.0]), None)
    >>> [float(loss(params, [[1.0], [2.0]], [2.0, 4.0], convention=c)) for c in ("sum", "mean", "half_mean")]
    [5.0, 2.5, 1.25]
    """
    X = arrays.design(X, intercept=params.intercept is not None)
    y = arrays.per_row("y", y, X.shape[0])
    divisor = {"sum": 1, "mean": len(y), "half_mean": 2 * len(y)}
    if convention not in divisor:
        raise ValueError(f"convention: expected one of {', '.join(divisor)}, got {convention!r}.")
    return jnp.sum((y - linear_predictor(params, X)) ** 2) / divisor[convention]


def fit_orthogonal(x: ArrayLike, y: ArrayLike) -> Solution[LinearParams]:
    """The line y = intercept + coef x nearest to the points in Euclidean distance (total least squares).

        minimize  sum_i (y_i - intercept - coef x_i)^2 / (2 n (1 + coef^2))

    With D = S_yy - S_xx the minimizer is coef = (D + sqrt(D^2 + 4 S_xy^2)) / (2 S_xy), through the means.

    Args:
        x: the first coordinates, (n,).
        y: the second coordinates, (n,).

    Returns:
        A `Solution`: params = LinearParams(coef (1,), intercept ()), value the minimum.

    Statuses:
        CONVERGED; NON_FINITE_DATA; FLAT where the points have no principal direction or a vertical one, and coef is
        NaN; DIVERGED where the line does not fit the dtype.

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> print(f"{fit_orthogonal(first.x, first.y).params.coef[0]:.4f}")
    0.5544

    Source: Adcock (1878); Golub and Van Loan, Matrix Computations (2013), section 6.3.
    """
    x = arrays.as_float("x", x)
    if x.ndim != 1 or x.shape[0] == 0:
        raise ValueError(f"x: expected shape (n,) with at least one point, got {x.shape}.")
    y = arrays.per_row("y", y, x.shape[0])
    (dx, x_mean), (dy, y_mean) = _deviations(x), _deviations(y)
    # In units of the data, so that no square overflows or vanishes.
    unit = scaling.power_of_two(jnp.maximum(jnp.max(jnp.abs(dx)), jnp.max(jnp.abs(dy))))
    dx, dy = dx / unit, dy / unit
    sxx, syy, sxy = jnp.mean(dx * dx), jnp.mean(dy * dy), jnp.mean(dx * dy)
    root = jnp.hypot(syy - sxx, 2 * sxy)
    # The two forms of the quadratic's root are equal; each is free of cancellation on its side of syy = sxx.
    steep, shallow = syy - sxx + root, sxx - syy + root
    flat = jnp.where(syy > sxx, sxy == 0, shallow == 0)
    coef = jnp.where(syy > sxx, steep / jnp.where(flat, 1, 2 * sxy), 2 * sxy / jnp.where(flat, 1, shallow))
    intercept = (y_mean - double_word.scaled(x_mean, coef)).high
    lost = ~flat & ~(jnp.isfinite(coef) & jnp.isfinite(intercept))
    finite = jnp.isfinite(sxx) & jnp.isfinite(syy)
    coef, intercept = (jnp.where(flat | lost, jnp.nan, value) for value in (coef, intercept))
    return Solution(
        params=LinearParams(coef[None], intercept),
        value=(syy + sxx - root) / 4 * unit * unit,
        grad_norm=jnp.zeros_like(coef),
        steps=jnp.zeros((), jnp.int32),
        status=first_status((~finite, Status.NON_FINITE_DATA), (flat, Status.FLAT), (lost, Status.DIVERGED)),
        error=jnp.full_like(coef, jnp.nan),
    )


def _deviations(x: Array) -> tuple[Array, Double]:
    """x - mean, 0 where x is constant, which the rounding of a mean would hide; the mean in two words."""
    first = jnp.mean(x / len(x)) * len(x)
    rough = x - first
    rest = jnp.mean(rough)
    deviation = jnp.where(jnp.max(x) == jnp.min(x), 0, rough - rest)
    return deviation, double_word.two_sum(first, rest)


@functools.cache
def _solver(intercept: bool, thorough: bool) -> Callable[[Equations], Answer]:
    """The fit of one problem: batched by jax.vmap through `batching`, differentiated in units of the data."""
    engine = jax.custom_jvp(
        batching.vectorize(
            functools.partial(squares.solve_block, intercept, thorough),
            functools.partial(squares_by_passes.solve, intercept),
            lambda data: data.X.shape[0] >= passes.FROM_ROWS,
        )
    )

    @engine.defjvp
    def _(primals: tuple[Equations], tangents: tuple[Equations]) -> tuple[Answer, Answer]:
        answer = engine(*primals)
        units = answer.units

        def objective(theta: Array, data: Equations) -> Array:
            return equations.objective(intercept, units, theta, data)

        theta_dot, value_dot = implicit.tangent(objective, answer.theta, *primals, *tangents)
        found = jnp.all(jnp.isfinite(answer.solution.params))
        params_dot = jnp.where(found, equations.tangent_in_user_units(theta_dot, units, intercept), jnp.nan)
        zero = jax.tree.map(implicit.zero_tangent, answer)
        value_dot = value_dot * units.size * units.precision * units.size
        solution = dataclasses.replace(zero.solution, params=params_dot, value=value_dot)
        return answer, zero._replace(solution=solution, theta=theta_dot)

    return engine


@programs.soon(static_argnums=(1, 2))
def _fit(data: Equations, intercept: bool, thorough: bool) -> Solution[LinearParams]:
    found = _solver(intercept, thorough)(data).solution
    params = as_params(found.params, intercept)
    return Solution(params, found.value, found.grad_norm, found.steps, found.status, found.error)


class _Question(NamedTuple):
    """What inference is about: the estimate (q,) and its status, the data, the groups of the rows."""

    theta: Array
    status: Array
    data: Equations
    groups: Array


@programs.soon(static_argnums=(3,))
def _infer(solution: Solution[LinearParams], data: Equations, groups: Array, cov: str) -> Estimate:
    question = _Question(as_theta(solution.params), solution.status, data, groups)
    return _inference(solution.params.intercept is not None, cov)(question)


@functools.cache
def _inference(intercept: bool, cov: str) -> Callable[[_Question], Estimate]:
    return batching.blocked(
        functools.partial(_estimate, intercept, cov),
        lambda question: question.data.X.shape[0] >= passes.FROM_ROWS,
    )


def _estimate(intercept: bool, cov: str, question: _Question) -> Estimate:
    theta, status, data, groups = question
    fit = fitted.look_at(data, intercept, theta)
    terms, units = fit.terms, fit.units
    deficient = status == Status.RANK_DEFICIENT

    def in_user_units(inverse: roots.Root) -> Array:
        root, null = (scaling.from_scaled(rows, units, intercept=intercept) for rows in (inverse.root.T, inverse.null))
        return verdict.of_least_norm(deficient, root.T, null, intercept)

    spread = spread_of(terms, fit.bread, cov, groups, in_user_units)
    df = spare_rows(terms.weights, spread.df_model, terms.tile)
    scaled = spread.scaled * fit.sum_of_squares() / df if cov == "nonrobust" else spread.scaled
    return Estimate(theta, scaled, df, (status == Status.CONVERGED) | deficient, spread.unit * units.size)
