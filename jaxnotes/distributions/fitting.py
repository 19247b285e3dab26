"""Maximum likelihood for the families: what all fits share, and the solvers of those without a closed form.

A family reduces a sample to its statistics, states the mean negative log-likelihood (the loss) as a function of
parameters and statistics, and the parameters that minimize it. Statuses, gradients, standard errors and derivatives
with respect to the data follow from these here. All is written for one sample; `jax.vmap` makes it a batch.

The scaled gradient is the steepest slope of the loss along changes of a size that is natural to the family (a positive
parameter itself, the scale for a location), so that it does not depend on the units of x.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.descent import trust_region
from jaxnotes.core.inference.covariance import Estimate
from jaxnotes.core.lanes import batching, implicit
from jaxnotes.core.matrix import factors
from jaxnotes.core.special.numerics import safe_sqrt
from jaxnotes.core.values import programs, settings, trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Solution, Status, first_status

# Steps of a solver; they need some ten.
MAX_STEPS = 100


class Sample(NamedTuple):
    """x (n, ...), frequency weights (n,) or (1,), and by name the parameters that are known."""

    x: Array
    weights: Array
    known: dict[str, Array]


class Empirical(NamedTuple):
    """The statistics of a family that needs the whole sample: x (n, ...), shares (n,) that sum to 1, what is known."""

    x: Array
    share: Array
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
    theta, with_params = _free(family, solution.params, samples[0].known)

    def loss(theta: Array, sample: Sample) -> Array:
        return family._loss(with_params(theta, sample.known), _statistics(family, sample, for_derivatives=True))

    theta_dot, value_dot = implicit.tangent(loss, theta, *samples, *tangents)
    dots = with_params(theta_dot, tangents[0].known), value_dot
    return jax.tree.map(lambda dot: jnp.where(solution.converged, dot, 0), dots)


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
    statistics = _statistics(family, sample, for_derivatives=for_derivatives)
    params, steps, ending = family._maximize(statistics)
    value, slopes = jax.value_and_grad(family._loss)(params, statistics)
    scaled = family._in_units(params, slopes)
    free = [getattr(scaled, name) for name in params._fields if name not in sample.known]
    grad_norm = functools.reduce(jnp.maximum, [jnp.max(jnp.abs(slope)) for slope in free])
    data_status, edge = _data_trouble(family, sample), family._on_edge(params)
    # On an edge where the law degenerates to a point the density has no bound.
    value = jnp.where(edge & jnp.isnan(value), -jnp.inf, value)
    near = grad_norm <= 100 * settings.tolerance(None, value.dtype)
    status = first_status(
        (data_status != Status.CONVERGED, data_status),
        (edge, Status.BOUNDARY),
        (~jnp.isfinite(value), Status.NON_FINITE_DATA),
        (jnp.asarray(ending) != Status.CONVERGED, ending),
        (near | family._closed_form, Status.CONVERGED),
        (jnp.asarray(steps) >= MAX_STEPS, Status.MAX_STEPS),
        otherwise=Status.STALLED,
    )
    usable = data_status == Status.CONVERGED
    params, value, grad_norm = jax.tree.map(lambda a: jnp.where(usable, a, jnp.nan), (params, value, grad_norm))
    return Solution(params, value, grad_norm, jnp.asarray(steps, jnp.int32), status, jnp.full_like(value, jnp.nan))


def _sound(family: Any, sample: Sample) -> tuple[Array, Array]:
    """Which rows (n,) hold finite numbers, and which of these may be of the family."""
    finite, possible = jnp.isfinite(sample.x), family._possible(sample.x, sample.known)
    axes = tuple(range(1, sample.x.ndim))
    if axes:
        finite, possible = jnp.all(finite, axis=axes), jnp.all(possible, axis=axes)
    return finite, finite & possible


def _statistics(family: Any, sample: Sample, *, for_derivatives: bool = False) -> Any:
    """The family's statistics of a sample; in a row that is absent something possible stands in.

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
    weights = jnp.broadcast_to(weights, x.shape[:1])
    return family._summarize(Empirical(x, weights / jnp.sum(weights), known))


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
    theta, with_params = _free(family, solution.params, sample.known)
    n_obs = jnp.sum(jnp.broadcast_to(sample.weights, sample.x.shape[:1]))
    inverse = family._covariance(solution.params)
    if inverse is None:
        statistics = _statistics(family, sample)
        information = family._information(solution.params, statistics)
        if information is None:
            slope = jax.grad(lambda theta: family._loss(with_params(theta, sample.known), statistics))
            information = jacobian(slope, theta)
        inverse = inverse_spd(information)
    df = jnp.asarray(jnp.inf, theta.dtype)
    return Estimate(theta, inverse / n_obs, df, solution.converged & jnp.all(jnp.isfinite(inverse)))


def average(values: Array, share: Array) -> Array:
    """sum_i share_i values_i over the first axis, of values (n, ...)."""
    return jnp.sum(share.reshape(-1, *(1,) * (values.ndim - 1)) * values, axis=0)


def centre(x: Array, share: Array) -> Array:
    """The mean of x (n, ...), exact where all rows are equal."""
    first = x[jnp.argmax(share > 0)]
    return first + average(x - first[None], share)


def log_spread(x: Array, mean: Array, share: Array) -> Array:
    """The mean of log(mean / x), as that of ratio - 1 - log(ratio), whose terms are not negative: none cancels."""
    ratio = x / mean
    return average((ratio - 1) - jnp.log(ratio), share)


def moments(rows: Empirical) -> tuple[Array, Array]:
    """The mean and the standard deviation (of divisor n)."""
    mean = centre(rows.x, rows.share)
    return mean, safe_sqrt(average((rows.x - mean) ** 2, rows.share))


def extremes(x: Array, share: Array) -> tuple[Array, Array]:
    """The least and the largest x (n,) of positive share."""
    present = share > 0
    return jnp.min(jnp.where(present, x, jnp.inf)), jnp.max(jnp.where(present, x, -jnp.inf))


def median(x: Array, share: Array) -> Array:
    """The middle of the values at which half of the weight lies on either side."""
    order = jnp.argsort(x)
    x, below = x[order], jnp.cumsum(share[order])
    rounding = 4 * len(x) * float(jnp.finfo(x.dtype).eps)
    return (x[jnp.argmax(below >= 0.5 - rounding)] + x[jnp.argmax(below > 0.5 + rounding)]) / 2


def jacobian(function: Callable[[Array], Array], x: Array) -> Array:
    """The Jacobian (q, q) at x (q,) of a function, column by column: faster than vmap where they are few."""
    return jnp.stack([jax.jvp(function, (x,), (unit,))[1] for unit in jnp.eye(len(x), dtype=x.dtype)])


def inverse_spd(A: Array) -> Array:
    """A^-1; NaN unless A (q, q) is positive definite beyond rounding."""
    factor = factors.factor_spd(_lower(A), jnp.zeros((1, len(A)), A.dtype))
    columns = [factors.solve(factor, unit[None])[0] for unit in jnp.eye(len(A), dtype=A.dtype)]
    return jnp.where(factor.smallest_pivot[0] > 0, jnp.stack(columns), jnp.nan)


def _lower(A: Array) -> Array:
    """The lower triangle of A row by row, (1, q (q + 1) / 2)."""
    return jnp.stack([A[i, j] for i in range(len(A)) for j in range(i + 1)])[None]


# The solvers.


class _Bracket(NamedTuple):
    at: Array
    lower: Array
    upper: Array
    steps: Array
    active: Array


def positive_root(function: Callable[[Array], tuple[Array, Array]], start: Array) -> tuple[Array, Array]:
    """(x, steps): the root x > 0 of a function that is negative below it and positive above.

    By Newton's method, held in a bracket, from start > 0. The function gives its value and its slope at x.
    """
    small = float(jnp.finfo(start.dtype).eps) ** 0.5

    def step(state: _Bracket) -> _Bracket:
        value, slope = function(state.at)
        lower = jnp.where(value < 0, state.at, state.lower)
        upper = jnp.where(value > 0, state.at, state.upper)
        newton = jnp.clip(state.at - value / slope, state.at / 8, 8 * state.at)
        middle = jnp.where(upper < jnp.inf, (lower + upper) / 2, 8 * state.at)
        inside = (newton >= lower) & (newton <= upper)
        new = jnp.where(inside, newton, middle)
        # The error after a Newton step is of the order of its square.
        active = (jnp.abs(new - state.at) > small * state.at) & jnp.isfinite(value)
        return _Bracket(new, lower, upper, state.steps + 1, active)

    first = _Bracket(start, 0 * start, jnp.full_like(start, jnp.inf), jnp.zeros((), jnp.int32), start > 0)
    last = jax.lax.while_loop(lambda state: state.active & (state.steps < MAX_STEPS), step, first)
    return last.at, last.steps


class _Descent(NamedTuple):
    at: Array
    move: Array
    slope: Array
    steps: Array
    active: Array


def convex_minimum(gradient: Callable[[Array], Array], start: Array) -> tuple[Array, Array]:
    """(x, steps): where the gradient of a convex function of few numbers (q,) vanishes; it is NaN outside the domain.

    By Newton's method. A step is halved until the slope along it is no longer steep uphill, which needs no values and
    so works to the last digit. It ends when the Newton decrement, the fall that a step promises, is rounding.
    """
    small = float(jnp.finfo(start.dtype).eps) ** 1.2

    def newton(x: Array) -> tuple[Array, Array, Array]:
        g, H = gradient(x), jacobian(gradient, x)
        move = -factors.solve(factors.factor_spd(_lower(H), jnp.zeros((1, len(x)), x.dtype)), g[None])[0]
        return g, move, jnp.all(jnp.isfinite(H)) & jnp.all(jnp.isfinite(g))

    def step(state: _Descent) -> _Descent:
        x = state.at + state.move
        g, move, finite = newton(x)
        accept = finite & (jnp.sum(g * state.move) <= -0.5 * state.slope)
        slope = jnp.where(accept, jnp.sum(g * move), state.slope / 2)
        settled = -state.slope <= small
        return _Descent(
            at=jnp.where(accept, x, state.at),
            move=jnp.where(accept, move, state.move / 2),
            slope=slope,
            steps=state.steps + 1,
            active=~settled & jnp.isfinite(slope),
        )

    g, move, finite = newton(start)
    first = _Descent(start, move, jnp.sum(g * move), jnp.zeros((), jnp.int32), finite)
    last = jax.lax.while_loop(lambda state: state.active & (state.steps < MAX_STEPS), step, first)
    return last.at, last.steps


def minimum(loss: Callable[[Array], Array], start: Array) -> tuple[Array, Array, Array]:
    """(x, steps, status): a minimum near the start (q,) of a smooth function, by Newton's method in a trust region."""

    def evaluate(x: Array, unit: Array) -> tuple[Array, Array, Array]:
        return jax.vmap(functools.partial(trust_region.derivatives, loss))(x, unit)

    tol = settings.tolerance(None, start.dtype)[None]
    goal = trust_region.Goal(jnp.zeros_like(tol), tol**2 / 2)
    run = trust_region.descend(evaluate, start[None], goal, jnp.ones((1,), bool), MAX_STEPS)
    return run.at.theta[0], run.steps[0], trust_region.judge(run, goal._replace(absolute=(100 * tol) ** 2 / 2))[0]


def extreme_value(y: Array, share: Array) -> tuple[Array, Array, Array]:
    """(shape, log_scale, steps): the maximum likelihood estimate of a Weibull law from y (n,), the logarithms of x.

    With A(k) = log sum_i share_i exp(k y_i), a convex function, it is A'(k) - 1/k = mean y, log_scale = A(k) / k. For
    equal y the shape is infinite.
    """
    mean = average(y, share)
    most = extremes(y, share)[1]
    below = y - most
    powers = share[None] * jnp.stack([jnp.ones_like(y), below, below**2])

    def slope(k: Array) -> tuple[Array, Array]:
        """A' - mean - 1/k, and its derivative: A' and A'' are the mean and variance of y under the tilted shares."""
        # One product: the exponentials are the cost, and three sums would compute them three times.
        total, first, second = jnp.matmul(powers, jnp.exp(k * below), precision="highest")
        tilted = first / total
        return tilted + (most - mean) - 1 / k, second / total - tilted**2 + 1 / k**2

    sd = jnp.sqrt(average((y - mean) ** 2, share))
    varied = sd > 0
    start = math.pi / math.sqrt(6) / jnp.where(varied, sd, jnp.nan)
    shape, steps = positive_root(slope, start)
    log_scale = jnp.where(varied, most + jnp.log(average(jnp.exp(shape * below), share)) / shape, mean)
    return jnp.where(varied, shape, jnp.inf), log_scale, steps
