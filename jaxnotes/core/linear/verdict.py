"""How a refinement of least squares ended: its status, how far off it may be, and the answer in the user's units.

With f_j the row of a parameter b_j in the coordinates of the refinement its standard error is

    se_j = sigma sqrt(f_j'H^-1 (H - P) H^-1 f_j / n),

where sigma, the root mean square residual, counts as at least eps times that of y. The step H^-1 g that is left must
move no parameter by more than 1 % of it, or by more than its last digits.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.linear import equations
from jaxnotes.core.linear.equations import Units
from jaxnotes.core.linear.family import OPEN
from jaxnotes.core.linear.refinement import PROMISE, Refined, Size, System
from jaxnotes.core.matrix import lapack, scaling
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import select_lanes
from jaxnotes.core.values.status import Solution, Status, error_where_converged, first_status


class Answer(NamedTuple):
    """A solution in the user's units, and theta (q,) and the units in which its derivatives are taken."""

    solution: Solution[Array]
    theta: Array
    units: Units


class _Precision(NamedTuple):
    """Of each parameter in units, (L, q): its standard error, sigma at its floor or above; the step that is left."""

    se: Array
    step: Array


def conclude(
    intercept: bool,
    system: System,
    refined: Refined,
    steps: Array,
    size: Size,
    data_status: Array,
    unpenalized: Array,
    thorough: bool,
) -> Answer:
    """The answers of all lanes from where refinement ended and what the data alone say, (L,).

    Not thorough, those whose Gram matrix is not safe are left OPEN.
    """
    units, theta, eps = system.units, refined.theta, float(jnp.finfo(refined.square.dtype).eps)
    params = jax.vmap(equations.in_user_units, (0, 0, None))(theta, units, intercept)
    precision = _precision(intercept, system, refined, size)
    unit = units.size[:, None] / units.scale
    digits = eps * jnp.abs(params / unit)
    most = PROMISE * precision.se * jnp.sqrt(size.weights / size.count)[:, None]
    deficient = (system.root.rank < params.shape[1]) & ~system.safe
    status = first_status(
        (data_status != Status.CONVERGED, data_status),
        (~system.safe & (not thorough), OPEN),
        (unpenalized & (size.rows < params.shape[1]), Status.TOO_FEW_ROWS),
        (unpenalized & deficient, Status.RANK_DEFICIENT),
        (_does_not_fit(refined, size, params, precision.se, unit), Status.DIVERGED),
        (~jnp.all(precision.step <= jnp.maximum(most, digits), axis=1), Status.STALLED),
        otherwise=jnp.full_like(data_status, Status.CONVERGED),
    )
    error = (precision.step + digits) / jnp.where(precision.se > 0, precision.se, 1)
    error = jnp.max(error, axis=1) + refined.rounding
    value = (refined.square + jnp.sum(system.penalty * theta.high**2, axis=1)) / 2
    null = scaling.from_scaled(system.root.null, units, intercept=intercept)
    if thorough:
        params = jax.vmap(of_least_norm, (0, 0, 0, None))(deficient, params, null, intercept)
    solution = Solution(
        params=jnp.where(_has_none(status)[:, None], jnp.nan, params),
        value=value * units.size * units.precision * units.size,
        grad_norm=refined.grad_norm,
        steps=jnp.maximum(steps, 0),
        status=status,
        error=error_where_converged(status, error),
    )
    return Answer(solution, theta.high, units)


def _precision(intercept: bool, system: System, refined: Refined, size: Size) -> _Precision:
    rows = jax.vmap(_rows_of, (0, None))(system.units, intercept)
    quick = jnp.sum(rows**2, axis=2) / (rows.shape[2] * jnp.max(system.diagonal, axis=1))[:, None]
    quick = jnp.where(jnp.sum(rows != 0, axis=2) == 1, 1 / system.diagonal, quick)
    simple = system.easy & jnp.all(system.penalty == 0, axis=1)
    spread = jax.lax.cond(jnp.all(simple), lambda: quick, lambda: select_lanes(simple, quick, _spread(rows, system)))
    variance = jnp.maximum(refined.square, _least_square(size)) / size.weights
    step = jnp.abs(jnp.sum(rows * refined.step[:, None], axis=2))
    return _Precision(jnp.sqrt(variance[:, None] * spread), step)


def _spread(rows: Array, system: System) -> Array:
    """f_j'H^-1 (H - P) H^-1 f_j, (L, q). In easy lanes its lower bounds 1 / H_jj will do."""
    solved = jax.vmap(system.solve, 1, 1)(rows)
    inverse = jnp.sum(rows * solved, axis=2)
    # Where the penalty leaves nothing of the difference the Gram matrix of scaled columns is about I.
    spread = inverse - jnp.sum(system.penalty[:, None] * solved**2, axis=2)
    return jnp.where(spread > 64 * _eps(inverse) * inverse, spread, jnp.sum(solved**2, axis=2))


def _rows_of(units: Units, intercept: bool) -> Array:
    """f_j: how each of the user's parameters, in units, depends on theta, (q, q)."""
    eye = jnp.eye(len(units.scale), dtype=units.scale.dtype)
    return jnp.where((jnp.arange(len(eye)) == 0)[:, None], eye[:1] - units.in_scale()[None], eye) if intercept else eye


def _eps(like: Array) -> float:
    return float(jnp.finfo(like.dtype).eps)


def _least_square(size: Size) -> Array:
    """The least mean square residual that counts, (L,): an exact fit leaves what rounding leaves of y."""
    return _eps(size.y) ** 2 * size.y


def _does_not_fit(refined: Refined, size: Size, params: Array, se: Array, unit: Array) -> Array:
    """Whether a parameter or a standard error over- or underflows, (L,); params in the user's units, se in units."""
    tiny = float(jnp.finfo(params.dtype).tiny)
    vanished = (jnp.abs(params) < tiny) & (jnp.abs(refined.theta.high) > PROMISE * se)
    noisy = refined.square > 16 * _least_square(size)
    lost = vanished | ((se * unit < tiny) & noisy[:, None]) | ~jnp.isfinite(params) | ~jnp.isfinite(se * unit)
    return jnp.any(lost, axis=1)


def _has_none(status: Array) -> Array:
    """Whether there is no answer at all."""
    return (status == Status.INVALID_DATA) | (status == Status.NON_FINITE_DATA) | (status == Status.DIVERGED)


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def of_least_norm(deficient: Array, theta: Array, null: Array, intercept: bool) -> Array:
    """theta (q, ...), where deficient moved along the null directions null (q, q), rows, to least ||coef||.

    The fit is unchanged; all is in the user's coordinates. With K = I - N N_c^+ C, N the null directions as columns
    and C the rows of coef, it is K theta. It has no derivative where deficient: NaN.
    """
    return _least_norm_finder(intercept)(deficient, theta, null)


@of_least_norm.defjvp
def _(intercept: bool, primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    return of_least_norm(*primals, intercept), jnp.where(primals[0], jnp.nan, tangents[1])


@functools.cache
def _least_norm_finder(intercept: bool) -> Callable[[Array, Array, Array], Array]:
    def moved(theta: Array, null: Array) -> Array:
        C = slice(1, None) if intercept else slice(None)
        pinv = jnp.linalg.pinv(null.T[C], rtol=jnp.sqrt(jnp.finfo(theta.dtype).eps))
        return theta - jnp.matmul(null.T, jnp.matmul(pinv, theta[C], precision="highest"), precision="highest")

    return lapack.where_needed(moved, lambda theta, null: theta)
