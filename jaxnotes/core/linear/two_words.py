"""Newton's method on one problem in two words: where sums in working precision or a Gram matrix are not enough.

Millions of rows, rare events or huge counts leave a sum of the score too few digits, and nearly dependent columns leave
them to the Cholesky factor of the information, which sees the square of their condition. Here the parameters, the
predictor, the score and its sum are numbers high + low (see `double_word`), as if computed exactly, and the steps come
from R of the weighted design, which sees the condition itself. The rows may come in parts.

Coordinates are those of `scaling`, whose scales are powers of two: a centred column is exact in two words. `shift` is
what was taken from the offset, and so added to the intercept.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.linear import existence
from jaxnotes.core.linear.family import Family, parts_of
from jaxnotes.core.matrix import scaling
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.matrix.scaling import Scaled
from jaxnotes.core.special import double_word
from jaxnotes.core.special.double_word import Double, two_sum
from jaxnotes.core.values.arrays import Array

MAX_STEPS = 100
# A step that moves a predictor by more changes its row's information, and with it the standard errors, by more than
# they promise. A row so far out that it has none may move further.
LEAP, FAR = 0.01, 1 / 128
# The descent ends this close to the optimum, in standard errors; a step more would cost as much as all those before.
CLOSE = 1e-4


class Rows(NamedTuple):
    """Some or all rows: X (n, p), y, weights (n,), of which only the ratios count, and offset (n,) or (1,)."""

    X: Array
    y: Any
    weights: Array
    offset: Array


class Problem(NamedTuple):
    """fold(update, start) runs update(total, rows) over all rows. scaled: mean, scale and rms (q,), Z is not used.

    shift: what is taken from the offset, (). n_obs: how many observations the promise counts, ().
    """

    fold: Callable[[Callable[[Any, Rows], Any], Any], Any]
    scaled: Scaled
    shift: Array
    l2: Array
    n_obs: Array


class Refined(NamedTuple):
    """theta in two words (m, q) and, at it, the mean objective, its gradient and the triangle R of its curvature.

    distance: of the optimum, in standard errors, by the next step, `direction`; leaps: predictors that it moves so far
    that this says little.
    """

    theta: Double
    value: Array
    grad: Array
    R: Array
    distance: Array
    leaps: Array
    direction: Array
    length: Array
    steps: Array
    active: Array


def descend(family: Family, intercept: bool, problem: Problem, theta: Array) -> Refined:
    """From theta (m, q) to the optimum, or to where it gets no nearer."""
    eps = float(jnp.finfo(theta.dtype).eps)
    heaviest = problem.fold(lambda most, rows: jnp.maximum(most, jnp.max(rows.weights)), jnp.zeros_like(problem.l2))
    unit = scaling.power_of_two(heaviest)

    def step(state: Refined) -> Refined:
        theta = state.theta + Double.of(state.length * state.direction)
        value, grad, R = _evaluate(family, intercept, problem, unit, theta)
        white = _solve(R, grad.reshape(-1), transposed=True)
        direction = -_solve(R, white, transposed=False).reshape(grad.shape)
        distance = jnp.sqrt(problem.n_obs * jnp.sum(white * white))
        leaps = _leaps(family, intercept, problem, theta, direction)
        noise = 8 * eps * jnp.abs(state.value)
        drowned = state.distance**2 <= noise * problem.n_obs
        # A row far out may have its predictor moved many times while the value shows nothing.
        by_value, by_distance = value <= state.value + noise, distance < state.distance
        lower = (value <= state.value) | (drowned & jnp.where(state.leaps > 0, by_value, by_distance))
        accept = jnp.isfinite(value) & jnp.isfinite(distance) & lower
        whole = jnp.ones_like(value)
        tried = Refined(theta, value, grad, R, distance, leaps, direction, whole, state.steps, state.active)
        kept = state._replace(length=state.length / 2)
        nearer = ~drowned | (distance < state.distance / 4) | (leaps > 0)
        going_on = jnp.where(accept, ((distance > CLOSE) | (leaps > 0)) & nearer, ~drowned & (state.length > 1e-6))
        chosen = jax.tree.map(lambda new, old: jnp.where(accept, new, old), tried, kept)
        return chosen._replace(steps=state.steps + 1, active=going_on)

    endless = jnp.full_like(problem.l2, jnp.inf)
    start = Refined(
        theta=Double.of(theta),
        value=endless,
        grad=theta,
        R=jnp.zeros_like(theta, shape=(theta.size, theta.size)),
        distance=endless,
        leaps=jnp.zeros_like(endless, dtype=jnp.int32),
        direction=jnp.zeros_like(theta),
        length=jnp.ones_like(endless),
        steps=jnp.asarray(-1, jnp.int32),
        active=jnp.asarray(True),
    )
    return jax.lax.while_loop(lambda state: state.active & (state.steps < MAX_STEPS), step, start)


def columns(intercept: bool, problem: Problem, rows: Rows) -> Double:
    """z (q, n) in two words, exactly; 0 in rows of weight 0."""
    return exact_columns(rows.X, rows.weights > 0, problem.scaled, intercept)


def exact_columns(X: Array, kept: Array, coordinates: scaling.Coordinates, intercept: bool) -> Double:
    """The columns of X (n, p) in their coordinates (q, n), without rounding; 0 in rows that are not kept (n,)."""
    first, kept = int(intercept), kept[None]
    scale = coordinates.scale[first:]
    mean = coordinates.mean[first:] / scale
    near = jnp.where(kept, X.T * (1 / scale)[:, None], 0)
    high, low = two_sum(near, jnp.where(kept, -mean[:, None], 0))
    if not intercept:
        return Double(high, low)
    ones = kept.astype(high.dtype)
    return Double(jnp.concatenate([ones, high]), jnp.concatenate([0 * ones, low]))


class Recentring(NamedTuple):
    """A problem in new coordinates: centre and unit (q,) of the new columns in the old ones."""

    problem: Problem
    centre: Array
    unit: Array

    def direction(self, old: Array) -> Array:
        """A direction (m, q), or a theta, of the old coordinates in the new ones."""
        moved = contract("mq,q->m", old, self.centre)
        return (old * self.unit[None]).at[:, 0].add(moved)


def recentred(family: Family, problem: Problem, theta: Array) -> Recentring:
    """A problem with intercepts, its columns centred and scaled by the information that rows have at theta (m, q).

    A row far out, where the outcome is sure, says nothing, and would leave the others few digits of their own.
    """

    def moments(total: Array, rows: Rows, own: Problem, power: int) -> Array:
        z, kept = columns(True, problem, rows).high, rows.weights > 0
        eta = _rough(z, theta, rows, problem.shift)
        information = jnp.trace(family.derivatives(eta, rows.y)[2])
        by = jnp.where(kept, rows.weights / problem.n_obs * information, 0)
        return total + contract("qn,n->q", columns(True, own, rows).high ** power, by)

    def average(own: Problem, power: int) -> Array:
        sums = problem.fold(lambda total, rows: moments(total, rows, own, power), jnp.zeros_like(theta[0]))
        return jnp.where(sums[0] > 0, sums / jnp.where(sums[0] > 0, sums[0], 1), 0).at[0].set(0)

    scaled = problem.scaled
    mean = scaled.mean + scaled.scale * average(problem, 1)
    centred = problem._replace(scaled=scaled._replace(mean=mean))
    unit = scaling.power_of_two(jnp.sqrt(average(centred, 2)))
    found = centred._replace(scaled=centred.scaled._replace(scale=scaled.scale * unit))
    return Recentring(found, (mean - scaled.mean) / scaled.scale, unit)


def _rough(z: Array, theta: Array, rows: Rows, shift: Array) -> Array:
    """The linear predictors (m, n) of theta (m, q), in one word."""
    return contract("mq,qn->mn", theta, z) + jnp.where(rows.weights > 0, rows.offset - shift, 0)[None]


def _predict(z: Double, theta: Double, rows: Rows, shift: Array) -> Double:
    """The linear predictors (m, n) of theta (m, q), in two words."""
    kept = rows.weights > 0
    offset = jnp.broadcast_to(rows.offset, kept.shape)
    start = two_sum(jnp.where(kept, offset, 0), jnp.where(kept, -shift, 0))
    shape = (theta.high.shape[0], len(kept))

    def add(total: Double, column: tuple[Double, Double]) -> tuple[Double, None]:
        z, b = column
        return total + Double(*(word[None] for word in z)) * Double(*(word[:, None] for word in b)), None

    base = Double(*(jnp.broadcast_to(word[None], shape) for word in start))
    return jax.lax.scan(add, base, (z, Double(theta.high.T, theta.low.T)))[0]


def penalty_of(l2: Array, scaled: Scaled) -> Array:
    """l2 in scaled coordinates. By products, since XLA would divide by the square of a scale, which underflows."""
    inverse = 1 / scaled.scale
    return (l2 * inverse) * inverse


def _evaluate(
    family: Family, intercept: bool, problem: Problem, unit: Array, theta: Double
) -> tuple[Array, Array, Array]:
    """The mean objective, its gradient (m, q), and the triangle (m q, m q) of its curvature."""
    m, q = theta.high.shape
    penalty = jnp.where(jnp.arange(q) >= intercept, penalty_of(problem.l2, problem.scaled), 0)

    def add(total: tuple[Double, Array], rows: Rows) -> tuple[Double, Array]:
        sums, R = total
        z = columns(intercept, problem, rows)
        eta = _predict(z, theta, rows, problem.shift)
        kept = rows.weights > 0
        weights = jnp.where(kept, rows.weights / unit, 0)
        loglik, slope, _ = family.derivatives(eta.high, rows.y)
        loglik = Double(loglik, jnp.sum(slope * eta.low, axis=0))
        score = family.score(eta, rows.y)
        terms = [loglik, Double.of(jnp.ones_like(weights)), *(Double(score.high[a], score.low[a]) for a in range(m))]
        r = Double(*(jnp.stack([jnp.where(kept, word, 0) for word in words]) for words in zip(*terms, strict=True)))
        r = double_word.scaled(r, weights[None])
        rest = contract("kn,qn->kq", r.high, z.low)
        by_column = jnp.concatenate([jnp.ones_like(weights)[None], z.high])
        most = jax.vmap(double_word.weighted_sums, (None, 0))(by_column, r)
        rest = jnp.pad(rest, ((0, 0), (1, 0)))
        parts = parts_of(family, eta.high, rows.y)
        root = jnp.where(kept[None], jnp.sqrt(weights[None] * parts.information), 0)
        design = (root[None] * parts.direction)[:, None] * z.high[None, :, None]
        return sums + most + Double.of(rest), existence.triangle(R, design.reshape(m * q, -1))

    nothing = Double.of(jnp.zeros_like(theta.high, shape=(m + 2, q + 1)))
    empty = jnp.zeros_like(theta.high, shape=(m * q, m * q))
    sums, R = problem.fold(add, (nothing, empty))
    total = Double(sums.high[1, 0], sums.low[1, 0])
    every = Double(*(jnp.broadcast_to(word, sums.high.shape) for word in total))
    mean = sums / every
    pull = double_word.scaled(theta, penalty[None])
    grad = -Double(mean.high[2:, 1:], mean.low[2:, 1:]) + pull
    value = -mean.high[0, 0] + jnp.sum(pull.high * theta.high) / 2
    R = existence.triangle(R / jnp.sqrt(total.high), jnp.diag(jnp.sqrt(jnp.tile(penalty, m))))
    if family.invariant and intercept:
        # What the intercepts have in common is not determined: it stays where it is, and not where rounding sends it.
        R = existence.triangle(R, jnp.tile(jnp.where(jnp.arange(q) == 0, 1, 0).astype(R.dtype), m)[:, None])
    return value, grad.high, R


def _solve(R: Array, b: Array, *, transposed: bool) -> Array:
    return jax.scipy.linalg.solve_triangular(R, b, trans=int(transposed))


def curvature_root(R: Array) -> Array:
    """A root of the inverse of R'R."""
    return _solve(R, jnp.eye(len(R), dtype=R.dtype), transposed=False)


def allowed_move(eta: Array, own: Array) -> Array:
    """How far a step may move predictors eta with `own` information and still say where the optimum is."""
    return LEAP + jnp.where(own > 0, 0, FAR * jnp.abs(eta))


def _leaps(family: Family, intercept: bool, problem: Problem, theta: Double, direction: Array) -> Array:
    """How many predictors `direction` (m, q) moves so far that their rows' information is another there, ()."""

    def count(total: Array, rows: Rows) -> Array:
        z, kept = columns(intercept, problem, rows).high, (rows.weights > 0)[None]
        eta, move = _rough(z, theta.high, rows, problem.shift), contract("mq,qn->mn", direction, z)
        own = jnp.diagonal(family.derivatives(eta, rows.y)[2]).T
        return total + jnp.sum(kept & ~(jnp.abs(move) <= allowed_move(eta, own)), dtype=jnp.int32)

    return problem.fold(count, jnp.zeros_like(problem.l2, dtype=jnp.int32))


def proves_overlap(family: Family, intercept: bool, problem: Problem, state: Refined) -> Array:
    """True where the next step proves that the rows overlap, (); see `existence`.

    By the rows whose multipliers are seen, which must determine the step.
    """
    m, q = state.direction.shape

    def check(so_far: tuple[Array, Array], rows: Rows) -> tuple[Array, Array]:
        proven, R = so_far
        z = columns(intercept, problem, rows)
        eta = _predict(z, state.theta, rows, problem.shift).high
        move = contract("mq,qn->mn", state.direction, z.high)
        logs, change = jax.jvp(lambda eta: family.log_multipliers(eta, rows.y), (eta,), (move,))
        counted = existence.resolved(logs, 2) & (rows.weights > 0)[None]
        G = jnp.where(counted.reshape(-1)[None], _gradients(family, m, z.high, rows.y), 0)
        return proven & existence.overlap_proven(change[:, None], counted[:, None])[0], existence.triangle(R, G)

    nothing = jnp.zeros_like(state.direction, shape=(m * q, m * q))
    proven, R = problem.fold(check, (jnp.asarray(True), nothing))
    return proven & existence.sees_all(R)


def in_user_units(intercept: bool, problem: Problem, theta: Double) -> Array:
    """Parameters in the user's coordinates, (m, q), rounded once."""
    scale = problem.scaled.scale
    params = theta.high / scale[None]
    if not intercept:
        return params
    mean = (problem.scaled.mean / scale)[None]
    moved = jax.vmap(lambda high, low: double_word.weighted_sums(mean, Double(high, low)))(*theta)
    first = Double(*(word[:, 0] for word in theta)) - Double(*(word[:, 0] for word in moved))
    first = first - Double.of(jnp.broadcast_to(problem.shift, first.high.shape))
    return jnp.concatenate([first.high[:, None], params[:, 1:]], axis=1)


def design(intercept: bool, problem: Problem) -> existence.RowParts:
    """The design (q, n) of one predictor, in parts."""
    return _in_parts(problem, lambda rows: columns(intercept, problem, rows).high)


def margins(family: Family, intercept: bool, predictors: int, problem: Problem) -> existence.RowParts:
    """The gradients of all rows' margins in theta, (m q, k), in parts."""

    def gradients(rows: Rows) -> Array:
        z = jnp.where((rows.weights > 0)[None], columns(intercept, problem, rows).high, 0)
        return _gradients(family, predictors, z, rows.y)

    return _in_parts(problem, gradients)


def _gradients(family: Family, predictors: int, z: Array, y: Any) -> Array:
    """The gradients of the margins of rows z (q, n) in theta, (m q, c n)."""
    eye = jnp.eye(predictors, dtype=z.dtype)
    eta = (eye[:, None, :, None] * z[None, :, None]).reshape(-1, predictors, z.shape[1])
    return jax.vmap(family.margins, (0, None))(eta, y).reshape(len(eta), -1)


def _in_parts(problem: Problem, part: Callable[[Rows], Array]) -> existence.RowParts:
    return existence.RowParts(lambda update, start: problem.fold(lambda total, rows: update(total, part(rows)), start))
