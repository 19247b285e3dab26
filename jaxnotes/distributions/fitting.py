"""Maximum likelihood for the families: what all fits share, and the solvers of those without a closed form.

A family reduces a sample to its statistics, states the mean negative log-likelihood (the loss) as a function of
parameters and statistics, and the parameters that minimize it. Statuses, gradients, standard errors and derivatives
with respect to the data follow from these here. All is written for one sample; `jax.vmap` makes it a batch.

The scaled gradient is the steepest slope of the loss along changes of a size that is natural to the family (a positive
parameter itself, the scale for a location), so that it does not depend on the units of x.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.inference.covariance import Estimate
from jaxnotes.core.lanes import batching, implicit
from jaxnotes.core.matrix.scaling import power_of_two
from jaxnotes.core.values import programs, settings, trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Solution, Status, error_where_converged, first_status, where_answered
from jaxnotes.distributions import frames, solvers
from jaxnotes.distributions.frames import Frame
from jaxnotes.distributions.summaries import Empirical, total

# The rounding of a gradient, and of an estimate in closed form, in eps.
ROUNDINGS = 8.0
# In standard errors, of the distance to the maximum.
PROMISED = 0.01


class Sample(NamedTuple):
    """x (n, ...), frequency weights (n,) or (1,), and by name the parameters that are known."""

    x: Array
    weights: Array
    known: dict[str, Array]


class Peak(NamedTuple):
    """The parameters that maximize the likelihood, the steps it took to find them, and a `Status` in the way."""

    params: Any
    steps: Array | int = 0
    ending: Array | Status = Status.CONVERGED


@programs.soon(static_argnums=(0,))
def fit(family: Any, sample: Sample) -> Solution:
    """The fit of one sample; batched by jax.vmap through `batching`."""
    return _solver(family)(sample)


@functools.cache
def _solver(family: Any) -> Callable[[Sample], Solution]:
    solve_one = functools.partial(_solve, family)
    # Where a pass over the data leaves a few numbers, all lanes at once measure faster than blocks of them.
    engine = solve_one if family._few_statistics else batching.vectorize(functools.partial(_by_lanes, solve_one))

    @jax.custom_jvp
    def solve(sample: Sample) -> Solution:
        return engine(sample)

    @solve.defjvp
    def _(primals: tuple[Sample], tangents: tuple[Sample]) -> tuple[Solution, Solution]:
        solution = solve(*primals)
        tangent = _along_closed_form if family._closed_form else _along_maximum
        params_dot, value_dot = tangent(family, solution, primals, tangents)
        zero = jax.tree.map(implicit.zero_tangent, solution)
        return solution, dataclasses.replace(zero, params=params_dot, value=value_dot)

    return solve


def _along_closed_form(family: Any, _: Solution, samples: tuple[Sample], tangents: tuple[Sample]) -> tuple[Any, Array]:
    """The tangents of params and value: a closed form is differentiated as it stands."""

    def closed_form(sample: Sample) -> tuple[Any, Array]:
        solution = _solve(family, sample, for_derivatives=True)
        return solution.params, solution.value

    return jax.jvp(closed_form, samples, tangents)[1]


def _along_maximum(
    family: Any, solution: Solution, samples: tuple[Sample], tangents: tuple[Sample]
) -> tuple[Any, Array]:
    """The same where the maximum was found by iteration, by the implicit formula; 0 where there was none."""
    known, frame = samples[0].known, _frame(family, samples[0])
    seen = frames.see(solution.params, family._kinds, frame)
    theta, with_params = _free(family, seen, known)

    def loss(theta: Array, sample: Sample) -> Array:
        statistics = _statistics(family, sample, frame, for_derivatives=True)
        return family._loss(with_params(theta, sample.known), statistics)

    theta_dot, value_dot = implicit.tangent(loss, theta, *samples, *tangents)
    slopes = frames.slopes(seen, family._kinds, frame)
    params_dot = jax.tree.map(jnp.multiply, with_params(theta_dot, tangents[0].known), slopes)
    return jax.tree.map(lambda dot: jnp.where(solution.converged, dot, 0), (params_dot, value_dot))


def _free(family: Any, params: Any, known: dict[str, Array]) -> tuple[Array, Callable[[Array, dict[str, Array]], Any]]:
    """The parameters that are not known as one vector (q,), and the way back."""
    free = [name for name in params._fields if name not in known]
    theta, unravel = ravel_pytree([getattr(params, name) for name in free])

    def with_params(theta: Array, known: dict[str, Array]) -> Any:
        given = {name: known[name] for name in params._fields if name in known}
        return family.Params(**dict(zip(free, unravel(theta), strict=True)), **given)

    return theta, with_params


def _by_lanes(function: Callable[[Sample], Any], block: Sample) -> Any:
    """function(sample) for each lane of a block, whose leaves have the lane axis first, of length 1 where shared."""
    lanes = batching.count_lanes(block)
    axes, held = batching.lane_axes(block, lanes)
    return jax.vmap(function, in_axes=(axes,), axis_size=lanes)(held)


def _solve(family: Any, sample: Sample, *, for_derivatives: bool = False) -> Solution:
    frame = _frame(family, sample)
    statistics = _statistics(family, sample, frame, for_derivatives=for_derivatives)
    seen, steps, ending = family._maximize(statistics)
    value, slopes = jax.value_and_grad(family._loss)(seen, statistics)
    scaled = family._in_units(seen, slopes)
    free = [name for name in seen._fields if name not in sample.known]
    grad_norm = functools.reduce(jnp.maximum, [jnp.max(jnp.abs(getattr(scaled, name))) for name in free])
    data_status, edge = _data_trouble(family, sample), family._on_edge(seen)
    # On an edge where the law degenerates to a point the density has no bound.
    value = jnp.where(edge & jnp.isnan(value), -jnp.inf, value)
    n = jnp.maximum(total(_weights(sample)), len(sample.x))
    error = _error(family, seen, grad_norm, free, frame, n)
    status = first_status(
        (data_status != Status.CONVERGED, data_status),
        (edge, Status.BOUNDARY),
        (~jnp.isfinite(value), Status.NON_FINITE_DATA),
        (jnp.asarray(ending) != Status.CONVERGED, ending),
        (~_fits(family, seen, free, frame), Status.DIVERGED),
        (_is_drowned(family, seen, free, frame, n), Status.STALLED),
        (_is_near(grad_norm, n) | family._closed_form, Status.CONVERGED),
        (jnp.asarray(steps) >= solvers.MAX_STEPS, Status.MAX_STEPS),
        otherwise=Status.STALLED,
    )
    usable = data_status == Status.CONVERGED
    params = frames.place(seen, family._kinds, frame)
    value = value + jnp.sum(jnp.log(frame.unit)) if family._kinds else value
    value, grad_norm = jax.tree.map(lambda a: jnp.where(usable, a, jnp.nan), (value, grad_norm))
    params = jax.tree.map(lambda leaf: where_answered(status, leaf), params)
    error = error_where_converged(status, error)
    return Solution(params, value, grad_norm, jnp.asarray(steps, jnp.int32), status, error)


def _is_near(grad_norm: Array, n: Array) -> Array:
    """Whether the gradient, in units in which the information of a row is about 1, is that of a maximum: a step is at
    most 1 % of a standard error, or rounding.
    """
    rounding = ROUNDINGS * float(jnp.finfo(grad_norm.dtype).eps)
    return grad_norm <= jnp.maximum(
        rounding, jnp.minimum(100 * settings.tolerance(None, grad_norm.dtype), PROMISED / jnp.sqrt(n))
    )


def _error(family: Any, params: Any, grad_norm: Array, free: list[str], frame: Frame, n: Array) -> Array:
    """How far off the estimate may be in standard errors, which are about a unit / sqrt(n): the step left, the rounding
    of the statistics, and that of the parameters themselves.
    """
    eps = float(jnp.finfo(n.dtype).eps)
    placed, units = frames.place(params, family._kinds, frame), _changes(family, params, frame)
    size = [jnp.max(jnp.abs(getattr(placed, name)) / getattr(units, name)) for name in free]
    left = 0 if family._closed_form else 2 * grad_norm + ROUNDINGS * eps
    statistics = family._looseness * (left + ROUNDINGS * eps)
    return jnp.sqrt(n) * (statistics + eps * functools.reduce(jnp.maximum, size))


def _is_drowned(family: Any, seen: Any, free: list[str], frame: Frame, n: Array) -> Array:
    """Whether so many rows multiply the rounding of one that the promise is beyond the dtype, (): neither 1 % of a
    standard error, which is about a unit / sqrt(n), nor 2 units in the last place are sure.
    """
    roundings = (1.0 if family._closed_form else ROUNDINGS / 2) * float(jnp.finfo(n.dtype).eps)
    placed, units = frames.place(seen, family._kinds, frame), _changes(family, seen, frame)
    spacings = [jnp.abs(getattr(placed, name)) / getattr(units, name) for name in free]
    rough = [jnp.any(roundings > 2 * float(jnp.finfo(n.dtype).eps) * spacing) for spacing in spacings]
    return (roundings * jnp.sqrt(n) > PROMISED) & functools.reduce(jnp.logical_or, rough)


def _changes(family: Any, seen: Any, frame: Frame) -> Any:
    """A large change of each parameter of x."""
    return jax.tree.map(jnp.multiply, family._units(seen), frames.slopes(seen, family._kinds, frame))


def _fits(family: Any, seen: Any, free: list[str], frame: Frame) -> Array:
    """Whether the parameters and changes of them by their own sizes are normal numbers of the dtype, ()."""
    placed, units = frames.place(seen, family._kinds, frame), _changes(family, seen, frame)
    found = [(getattr(placed, name), getattr(units, name)) for name in free]
    tiny = float(jnp.finfo(frame.unit.dtype).tiny)
    each = [jnp.all(jnp.isfinite(at) & (unit >= tiny) & (unit < jnp.inf)) for at, unit in found]
    return functools.reduce(jnp.logical_and, each)


def _sound(family: Any, sample: Sample) -> tuple[Array, Array]:
    """Which rows (n,) hold finite numbers, and which of these may be of the family."""
    finite, possible = jnp.isfinite(sample.x), family._possible(sample.x, sample.known)
    axes = tuple(range(1, sample.x.ndim))
    if axes:
        finite, possible = jnp.all(finite, axis=axes), jnp.all(possible, axis=axes)
    return finite, finite & possible


def _statistics(family: Any, sample: Sample, frame: Frame, *, for_derivatives: bool = False) -> Any:
    """The family's statistics of a sample as the frame shows it."""
    rows = _rows(family, sample, for_derivatives=for_derivatives)
    if family._kinds:
        rows = rows._replace(x=(rows.x - frame.origin[None]) / frame.unit[None])
    return family._summarize(rows)


def _rows(family: Any, sample: Sample, *, for_derivatives: bool) -> Empirical:
    """The sample; in a row that is absent something possible stands in.

    For derivatives in their weights rows of weight 0 count. Rows that end the fit are mended: they would give NaN.
    """
    x, weights, known = sample
    weighted = weights.shape != (1,)
    if weighted or for_derivatives:
        kept = _sound(family, sample)[1]
        stand_in: Any = family._stand_in
        if weighted:
            present = kept & (weights > 0)
            kept = kept if for_derivatives else present
            stand_in = x[jnp.argmax(present)][None]
            stand_in = jnp.where(jnp.any(present), stand_in, family._stand_in)
        x = jnp.where(kept.reshape(-1, *(1,) * (x.ndim - 1)), x, stand_in)
    weights = _weights(sample)
    weights = weights / power_of_two(jnp.max(weights))
    return Empirical(x, weights / total(weights), known)


def _weights(sample: Sample) -> Array:
    """The weights of the rows, (n,)."""
    return jnp.broadcast_to(sample.weights, sample.x.shape[:1])


def _frame(family: Any, sample: Sample) -> Frame:
    """Where and in what unit to look at a sample, without a derivative."""
    zero = jnp.zeros(sample.x.shape[1:], sample.x.dtype)
    if not family._kinds:
        return Frame(zero, zero + 1)
    rows = jax.lax.stop_gradient(_rows(family, sample, for_derivatives=False))
    return family._frame(rows.x, rows.share)


def _data_trouble(family: Any, sample: Sample) -> Array:
    """What the data forbid."""
    finite, possible = _sound(family, sample)
    weights = sample.weights
    present = jnp.broadcast_to(weights > 0, finite.shape)
    # In floats and at once: XLA's CPU backend takes many times as long to reduce bools.
    kind = jnp.where(finite, jnp.where(possible, 0.0, 2.0), 1.0)
    worst = jnp.max(jnp.where(present, kind, 0.0).astype(sample.x.dtype))
    return trouble.of_data(weights, invalid=worst == 2, not_finite=worst == 1)


@programs.soon(static_argnums=(0,))
def covariance(family: Any, solution: Solution, sample: Sample) -> Estimate:
    """The estimate and the inverse of the observed information, known parameters without variance."""
    frame = _frame(family, sample)
    seen = frames.see(solution.params, family._kinds, frame)
    theta, with_params = _free(family, seen, sample.known)
    inverse = family._covariance(seen)
    if inverse is None:
        statistics = _statistics(family, sample, frame)
        information = family._information(seen, statistics)
        if information is None:
            slope = jax.grad(lambda theta: family._loss(with_params(theta, sample.known), statistics))
            information = solvers.jacobian(slope, theta)
        inverse = solvers.inverse_spd(information)
    df, n_obs = jnp.asarray(jnp.inf, theta.dtype), total(_weights(sample))
    estimate, unit = (
        _free(family, params, sample.known)[0]
        for params in (solution.params, frames.slopes(seen, family._kinds, frame))
    )
    return Estimate(estimate, inverse / n_obs, df, solution.converged & jnp.all(jnp.isfinite(inverse)), unit)
