"""Is the end of a descent the optimum, and how far off may it be? In standard errors, whatever the data.

CONVERGED promises |b_j - b*_j| <= 0.01 se_j or 2 units in the last place of b_j. At theta, with score g, information H
and n observations, the next Newton step moves no parameter by more than  sqrt(n g'H^-1 g)  standard errors (Cauchy and
Schwarz). Added to it is what rounding may have left in g. Row i adds some eps (|s_i| + c_i (2 + sum_j |z_ij theta_j|))
of its share, with score s_i and information c_i in eta, and counts as  z_i'H^-1 z_i = q / sum_i share_i c_i,  its mean.
Where the two exceed the promise, or the step moves a predictor far, or the Gram matrix is not to be trusted, the
problem is examined alone: its columns for dependence, its rows for separation, and then it goes on in `two_words`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.linear import existence, two_words
from jaxnotes.core.linear.family import LinearModel
from jaxnotes.core.linear.two_words import Problem, Refined
from jaxnotes.core.matrix.products import row_sum
from jaxnotes.core.matrix.scaling import Scaled
from jaxnotes.core.values import tiles
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Status, first_status
from jaxnotes.core.values.tiles import Tile

PROMISE = 0.01
# Below so many eps per parameter the smallest pivot says that the Gram matrix has lost the weakest direction.
LOST = 16


class Evidence(NamedTuple):
    """Sums over rows: noise (L,), the square of what each may add to the score; curvature (L, m), share_i c_i.

    leaps (L,): predictors that the next step moves so far that its quadratic model says nothing of the optimum.
    """

    noise: Array
    leaps: Array
    curvature: Array


class Ending(NamedTuple):
    """Where a descent of one problem ended: theta and the step to try next (m, q), whether it had steps left."""

    theta: Array
    direction: Array
    ended: Array
    unpenalized: Array


class Verdict(NamedTuple):
    """What a `Solution` says, but for the steps: params (m, q) in the user's coordinates, the rest ()."""

    params: Array
    value: Array
    grad_norm: Array
    status: Array
    error: Array


def evidence(
    share: Array,
    eta: Array,
    score: Array,
    information: Array,
    theta: Array,
    direction: Array,
    gain: Array,
    tile: Tile | None = None,
) -> Evidence:
    """From the rows' predictors and score (L, m, n), their information and the next step with its gain (L,).

    A step d moves eta_i by at most  sqrt(2 gain / (share_i c_i))  and at most  2 sum_j |d_j| / sqrt(share_i),  since
    scaled columns have a mean square below 4.
    """
    own = jnp.stack([information[:, a, a] for a in range(information.shape[1])], axis=1)
    kept, share = (share > 0)[:, None], share[:, None]
    spread = 2 * jnp.sum(jnp.abs(theta), axis=1)[:, None, None] + jnp.abs(eta)
    terms = jnp.where(kept, share * (jnp.abs(score) + own * (2 + spread)), 0)
    inner = jnp.where(kept, share * own, 0)
    lanes, m, n = terms.shape
    every = jnp.ones_like(share[0], shape=(1, n))
    noise = row_sum(every, jnp.sum(terms * terms, axis=1), tile)
    most = (2 * jnp.sum(jnp.abs(direction), axis=1)) ** 2

    def count() -> Array:
        allowed = share * two_words.allowed_move(eta, own) ** 2
        leap = kept & ~(most[:, None, None] <= allowed) & ~(2 * gain[:, None, None] <= own * allowed)
        return row_sum(every, jnp.sum(leap, axis=1).astype(noise.dtype), tile)

    # Where all lanes coasted there is no step.
    leaps = jax.lax.cond(jnp.any(most > 0), count, lambda: jnp.zeros_like(noise))
    curvature = row_sum(every, inner.reshape(lanes * m, n)).reshape(lanes, m)
    return Evidence(noise, leaps, tiles.whole_block(curvature, tile))


def near(distance: Array, of: Evidence) -> Array:
    """Whether the promise is kept, (L,)."""
    return (distance <= PROMISE) & (of.leaps == 0)


def rounding(of: Evidence, n_obs: Array, size: int, n: int) -> Array:
    """How far rounding in the sum of n scores may be from moving `size` parameters, in standard errors, (L,)."""
    eps = float(jnp.finfo(of.noise.dtype).eps)
    grows = 1 + n / 256
    total = jnp.sum(of.curvature, axis=1)
    # All but a power of two under the root: a factor beside it would be fused with an addition, or not, as blocks go.
    return 4 * eps * jnp.sqrt(n_obs * (size * grows) * of.noise / jnp.where(total > 0, total, 1))


def spacing(theta: Array, scaled: Scaled, shift: Array, se: Array, intercept: bool) -> Array:
    """How far the rounding of the parameters moves one, in standard errors se (L, m, q), (L,)."""
    size = jnp.abs(theta)
    if intercept:
        moved = jnp.sum(jnp.abs(scaled.mean / scaled.scale)[:, None] * size, axis=2) + jnp.abs(shift)[:, None]
        size = jnp.concatenate([size[:, :, :1] + moved[:, :, None], size[:, :, 1:]], axis=2)
    return float(jnp.finfo(theta.dtype).eps) * jnp.max(size / se, axis=(1, 2))


def stretch(of: Evidence, penalty: Array, smallest_pivot: Array) -> Array:
    """How many times a distance that counts the penalty as data is longer in the standard errors of `infer`, (L,).

    Those are roots of the diagonal of H^-1 (H - P) H^-1: less than of H^-1 where the penalty is a large part of H_jj,
    and where it alone tells one column from another.
    """
    lanes, m = of.curvature.shape
    own = of.curvature[:, :, None]
    part = jnp.max(penalty.reshape(len(penalty), m, -1) / jnp.where(own > 0, own, 1), axis=(1, 2))
    return stretched(part * jnp.ones_like(own[:, 0, 0], shape=(lanes,)), smallest_pivot)


def stretched(part: Array, smallest_pivot: Array) -> Array:
    """The same from the largest ratio of a column's penalty to its curvature; 1 without a penalty."""
    pivot = jnp.where((part > 0) & (smallest_pivot > 0), smallest_pivot, 1)
    return jnp.sqrt((1 + part) / pivot)


def typical_errors(of: Evidence, scaled: Scaled, penalty: Array, n_obs: Array) -> Array:
    """Standard errors in scaled coordinates (L, m, q) for columns that do not depend on each other."""
    lanes, m = of.curvature.shape
    strength = of.curvature[:, :, None] + penalty.reshape(len(penalty), m, -1)
    square = 1 / (n_obs[:, None, None] * jnp.where(strength > 0, strength, 1))
    away = jnp.sum((scaled.mean / scaled.scale) ** 2, axis=1)[:, None]
    first = square[:, :, :1] * (1 + away)[:, :, None]
    return jnp.sqrt(jnp.concatenate([first, square[:, :, 1:]], axis=2)) * jnp.ones_like(square, shape=(lanes, 1, 1))


def fits_dtype(params: Array, scaled: Scaled, se: Array) -> Array:
    """Whether params (L, m, q) and their errors, given in scaled coordinates, are numbers of the dtype, (L,).

    What underflows is 0, and further off than promised where 0.01 se is smaller than the least number.
    """
    info = jnp.finfo(params.dtype)
    in_units = se / scaled.scale[:, None]
    normal = (PROMISE * in_units >= info.tiny) & (in_units <= info.max)
    return jnp.all(jnp.isfinite(params) & normal, axis=(1, 2))


def scaled_norm(scaled: Scaled, grad: Array) -> Array:
    """max_j |d objective / d (b_j rms_j)| in the user's coordinates, for grad (L, m, q) and scaled (L, q), (L,)."""
    raw = jnp.abs(scaled.scale[:, None] * grad + scaled.mean[:, None] * grad[:, :, :1])
    positive = (scaled.rms > 0)[:, None]
    return jnp.max(jnp.where(positive, raw / jnp.where(positive, scaled.rms[:, None], 1), 0), axis=(1, 2))


def trusted(smallest_pivot: Array, size: int) -> Array:
    """Whether a Cholesky factor of `size` columns with this smallest pivot saw all directions."""
    return smallest_pivot > LOST * size * float(jnp.finfo(smallest_pivot.dtype).eps)


def examine(model: LinearModel, problem: Problem, end: Ending, so_far: Verdict) -> Verdict:
    """The verdict on one problem whose descent did not settle it."""
    no, design = jnp.asarray(False), two_words.design(model.intercept, problem)
    if model.intercept:
        new = two_words.recentred(model.family, problem, end.theta)
        problem = new.problem
        end = end._replace(theta=new.direction(end.theta), direction=new.direction(end.direction))

    def look() -> tuple[Array, Array]:
        margins = two_words.margins(model.family, model.intercept, model.predictors, problem)
        deficient = existence.rank_deficient(design, end.theta[0])
        return deficient, existence.separated(margins, end.theta.reshape(-1), end.direction.reshape(-1))

    deficient, separated = jax.lax.cond(end.unpenalized, look, lambda: (no, no))
    rest = jnp.where(end.ended, Status.STALLED, Status.MAX_STEPS)
    unsolved = so_far._replace(status=rest.astype(jnp.int8), error=jnp.full_like(so_far.error, jnp.nan))
    promising = end.ended & ~deficient & ~separated

    verdict = jax.lax.cond(promising, lambda: _refined(model, problem, end, unsolved), lambda: unsolved)
    status = first_status((deficient, Status.RANK_DEFICIENT), (separated, Status.SEPARATED), otherwise=verdict.status)
    return verdict._replace(status=status)


def _refined(model: LinearModel, problem: Problem, end: Ending, unsolved: Verdict) -> Verdict:
    """The verdict after a descent in two words."""
    state = two_words.descend(model.family, model.intercept, problem, end.theta)

    def prove() -> Array:
        return two_words.proves_overlap(model.family, model.intercept, problem, state) & existence.sees_all(state.R)

    overlap = jax.lax.cond(end.unpenalized, prove, lambda: jnp.asarray(True))
    params = two_words.in_user_units(model.intercept, problem, state.theta)
    sure = (state.distance <= PROMISE) & (state.leaps == 0) & overlap
    scaled = jax.tree.map(lambda leaf: leaf[None], problem.scaled)
    se = _errors(model.intercept, problem, state)
    blur = spacing(state.theta.high[None], scaled, problem.shift[None], se[None], model.intercept)[0]
    solved = Verdict(
        params=params,
        value=state.value,
        grad_norm=scaled_norm(scaled, state.grad[None])[0],
        status=jnp.asarray(Status.CONVERGED, jnp.int8),
        error=(state.distance + blur) * _stretch_alone(model.intercept, problem, state),
    )
    return jax.tree.map(lambda new, old: jnp.where(sure, new, old), solved, unsolved)


def _stretch_alone(intercept: bool, problem: Problem, state: Refined) -> Array:
    """`stretch` by the triangle R, ()."""
    m, q = state.direction.shape
    strength = jnp.sum(state.R * state.R, axis=0)
    penalty = jnp.tile(jnp.where(jnp.arange(q) >= intercept, two_words.penalty_of(problem.l2, problem.scaled), 0), m)
    own = jnp.maximum(strength - penalty, float(jnp.finfo(strength.dtype).eps) * strength)
    return stretched(jnp.max(penalty / own), jnp.min(jnp.diagonal(state.R) ** 2 / strength))


def _errors(intercept: bool, problem: Problem, state: Refined) -> Array:
    """Standard errors in scaled coordinates (m, q), of the intercept in the user's, by the triangle R."""
    m, q = state.direction.shape
    columns = two_words.curvature_root(state.R).T.reshape(m * q, m, q)
    if intercept:
        away = jnp.sum((problem.scaled.mean / problem.scaled.scale)[None, None] * columns, axis=2, keepdims=True)
        columns = jnp.concatenate([columns[:, :, :1] - away, columns[:, :, 1:]], axis=2)
    return jnp.sqrt(jnp.sum(columns * columns, axis=0) / problem.n_obs)
