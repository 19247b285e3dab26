"""The fit of a user's likelihood: on a block of problems, lane axis first; batched; differentiated at the optimum."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.descent import trust_region
from jaxnotes.core.lanes import batching, implicit, passes
from jaxnotes.core.likelihood import observations
from jaxnotes.core.likelihood.observations import LogProb, Observations
from jaxnotes.core.values import programs, trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import (
    NEGLIGIBLE_RISE,
    Solution,
    Status,
    error_where_converged,
    first_status,
    where_answered,
)

# In standard errors, of the distance to the maximum.
PROMISED = 0.01


class Problem(NamedTuple):
    """One fit: where to start (q,), the data, and the root of twice the fall that is worth no step, ()."""

    start: Array
    observed: Observations
    tol: Array


@programs.soon(static_argnums=(0, 1))
def maximize(model: LogProb, max_steps: int, problem: Problem) -> Solution:
    """The fit of one problem, params flat: batched by jax.vmap through `batching`, differentiated by `implicit`."""
    engine = vectorized(functools.partial(solve_block, model, max_steps), lambda problem: problem.observed)

    def objective(theta: Array, problem: Problem) -> Array:
        return observations.objective(model, theta, observations.sound_only(model, theta, problem.observed))

    return implicit.differentiable(engine, objective)(problem)


def vectorized(solve_block: Callable[[Any], Any], observed: Callable[[Any], Observations]) -> Callable[[Any], Any]:
    """A function of one problem from one of a block; problems of very many rows are solved one after the other."""

    def solve_alone(problem: Any) -> Any:
        out = solve_block(jax.tree.map(lambda leaf: leaf[None], problem))
        return jax.tree.map(lambda leaf: leaf[0], out)

    return batching.vectorize(solve_block, solve_alone, lambda problem: observed(problem).n >= passes.FROM_ROWS)


def solve_block(model: LogProb, max_steps: int, problem: Problem) -> Solution:
    """Solve a block: every leaf of `problem` has the lane axis first, of length 1 where shared; params are (L, q)."""
    lanes = batching.count_lanes(problem)
    start = jnp.broadcast_to(problem.start, (lanes, problem.start.shape[1]))
    data_status, holes = over_lanes(_data_trouble, problem.observed, lanes)(start)
    observed = present_rows(problem.observed, lanes)
    by_lane = over_lanes(
        lambda point, held: observations.with_derivatives(model, point[0], held, point[1]), observed, lanes
    )

    def evaluate(theta: Array, unit: Array) -> tuple[Array, Array, Array]:
        return by_lane((theta, unit))

    counts = over_lanes(lambda _, observed: _counts(observed), observed, lanes)(start)
    nothing = jnp.zeros_like(counts.n)
    tolerable = trust_region.Goal(nothing, NEGLIGIBLE_RISE / counts.n)
    goal = trust_region.Goal(nothing, jnp.minimum(problem.tol**2 / 2, tolerable.absolute))
    run = trust_region.descend(evaluate, start, goal, data_status == Status.CONVERGED, max_steps)
    judged, rounding = trust_region.judge(run, tolerable), _Rounding.of(run, counts)
    status = first_status(
        (data_status != Status.CONVERGED, data_status),
        (holes & ~run.at.finite, Status.NON_FINITE_DATA),
        ((judged == Status.CONVERGED) & rounding.decides(run.at.theta), Status.STALLED),
        otherwise=judged,
    )
    error = error_where_converged(status, _error(run, rounding))
    return Solution(where_answered(status, run.at.theta), run.value, run.scaled_slope, run.steps, status, error)


class _Counts(NamedTuple):
    """Of one problem, each (): n_obs; n, the larger of it and the number of present rows; and sum_i w_i^2 / n_obs."""

    n_obs: Array
    n: Array
    repeats: Array


def _counts(observed: Observations) -> _Counts:
    weights = jnp.broadcast_to(observed.weights, (observed.n,))
    n_obs = observed.n_obs
    share = weights / n_obs
    return _Counts(n_obs, jnp.maximum(n_obs, jnp.sum(weights > 0)), n_obs * jnp.sum(share * share))


class _Rounding(NamedTuple):
    """What the rounding of a log_prob whose rows are right to a few ulp may hide, in standard errors se (L, q).

    apart: of the rows' scores, which in whitened coordinates have on average the squared length q, each for itself,
    (L,). alike: of terms as large as a log-probability, the same in all rows, (L, q).
    """

    se: Array
    apart: Array
    alike: Array

    @staticmethod
    def of(run: trust_region.Descent, counts: _Counts) -> "_Rounding":
        """That at the end of a descent."""
        deviation, q = run.step.deviation / jnp.sqrt(run.origin.worth)[:, None], run.at.theta.shape[1]
        several, root = 4 * float(jnp.finfo(deviation.dtype).eps), jnp.sqrt(counts.n_obs)[:, None]
        part = deviation / jnp.maximum(jnp.abs(run.at.theta), deviation)
        nats = 1 + jnp.abs(run.value)[:, None]
        return _Rounding(deviation / root, several * jnp.sqrt(q * counts.repeats), several * nats * root * part)

    def decides(self, theta: Array) -> Array:
        """Whether counts so large multiply the rounding of a row that it may exceed ten times the promise, (L,)."""
        visible = jnp.maximum(10 * PROMISED, 2 * float(jnp.finfo(theta.dtype).eps) * jnp.abs(theta) / self.se)
        return jnp.any(self.apart[:, None] > visible, axis=1)


def _error(run: trust_region.Descent, rounding: _Rounding) -> Array:
    """How far any parameter may be from the maximum, in standard errors, (L,): see `Solution.error`.

    The last Newton step; the rounding of the rows; and that of the parameters, whose errors add up in each row.
    """
    spacing = float(jnp.finfo(run.at.theta.dtype).eps) * jnp.abs(run.at.theta)
    step = jnp.abs(run.step.newton) / rounding.se + rounding.alike
    return jnp.max(step, axis=1) + rounding.apart + jnp.sum(spacing / rounding.se, axis=1)


def over_lanes(
    function: Callable[[Any, Observations], Any], observed: Observations, lanes: int
) -> Callable[[Any], Any]:
    """function(theta, observed) for each lane of theta (L, ...); leaves of `observed` of lane axis 1 are shared."""
    axes, held = batching.lane_axes(observed, lanes)
    return lambda theta: jax.vmap(function, in_axes=(0, axes))(theta, held)


def present_rows(observed: Observations, lanes: int) -> Observations:
    """The observations of a block with present rows only; see `likelihood.present_only`."""
    if observed.weights.shape[1] == 1:
        return observed
    any_theta = jnp.zeros((lanes, 0), observed.weights.dtype)
    kept = over_lanes(lambda _, observed: observations.present_only(observed), observed, lanes)(any_theta)
    return kept._replace(captured=observed.captured)


def _data_trouble(start: Array, observed: Observations) -> tuple[Array, Array]:
    """What the weights of one problem forbid, and whether a present row holds NaN or infinity, each ()."""
    present = jnp.broadcast_to(observed.weights > 0, (observed.n,))

    def hole(leaf: Array) -> Array:
        return jnp.any(present & ~jnp.all(jnp.isfinite(leaf.reshape(observed.n, -1)), axis=1))

    return trouble.of_data(observed.weights), jnp.any(
        jnp.stack([hole(leaf) for leaf in jax.tree.leaves(observed.rows)])
    )
