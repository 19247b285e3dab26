"""Newton's method on a block of problems with linear predictors, lane axis first.

Columns are centred (where there is an intercept) and scaled inside and put back after, without changing the penalty.
Score and information are products of the design with the rows' derivatives in eta, see `products`. A lane that has
finished is frozen; rare and expensive work (is the design deficient? are the data separated?) is done only in blocks
where some lane needs it. Coefficients theta are flat, (L, m q): predictor by predictor, the intercept first.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.lanes import batching
from jaxnotes.core.linear import existence, judgement, two_words
from jaxnotes.core.linear.family import OPEN, LinearModel
from jaxnotes.core.linear.intake import Design
from jaxnotes.core.linear.judgement import Ending, Verdict, scaled_norm
from jaxnotes.core.matrix import factors, products, scaling
from jaxnotes.core.values import tiles, trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.status import NEGLIGIBLE_RISE, Solution, Status, error_where_converged, where_answered
from jaxnotes.core.values.tiles import Tile

# A whole step that moves no predictor further leaves so little that the information, too, is that of the optimum.
SHORT = 1 / 8
# A last step of an eighth of what is promised moves no predictor so far that the lane would have to be examined. Not
# without a penalty: further along a separating direction less of it is to be seen.
CLOSE = 1 / 64


class DesignBlock(NamedTuple):
    """A block made ready to iterate on; axes of length L may be 1 where shared.

    scaled: Z (L, q, n), mean, scale and rms (L, q). share (L, n): weights that sum to 1. n_obs (L,): the observations
    that they stand for. offset (L, n) or (L, 1), less shift (L,), which an intercept makes up for. penalty (L, m q): l2
    in scaled coordinates. tile: where a lane's rows are those of several tiles; L then counts tiles.
    """

    multiply: products.Products
    scaled: scaling.Scaled
    y: Any
    share: Array
    n_obs: Array
    offset: Array
    shift: Array
    penalty: Array
    tile: Tile | None = None


class Position(NamedTuple):
    """theta (L, m q) and, at it, value, gradient and scaled gradient norm; the step to try and the gain it promises."""

    theta: Array
    value: Array
    grad: Array
    grad_norm: Array
    gain: Array
    direction: Array
    length: Array


class NewtonState(NamedTuple):
    """An iterate of each lane, and the smallest pivot of the information there."""

    at: Position
    pivot: Array
    steps: Array
    active: Array


def solve_block(model: LinearModel, rows: Design) -> Solution:
    """Solve a block: every leaf of `rows` has the lane axis first, of length 1 where shared; params are (L, m, q)."""
    block, data_status, state = descend(model, rows)
    sound = data_status == Status.CONVERGED
    verdict = _judge(model, block, rows, state, sound)
    status = jnp.where(sound, verdict.status, data_status)
    return answered(sound, verdict._replace(status=status), state.steps)


def answered(sound: Array, verdict: Verdict, steps: Array) -> Solution:
    """The answers of all lanes, (L,); NaN where the data are not sound or the answer is no number of the dtype."""
    status = verdict.status
    value, grad_norm = (jnp.where(sound, of, jnp.nan) for of in (verdict.value, verdict.grad_norm))
    error = error_where_converged(status, verdict.error)
    return Solution(where_answered(status, verdict.params), value, grad_norm, jnp.maximum(steps, 0), status, error)


def descend(model: LinearModel, rows: Design) -> tuple[DesignBlock, Array, NewtonState]:
    """The block made ready, what the data alone say of each lane, (L,), and where Newton ended."""
    lanes = batching.count_lanes(rows)
    block = _scaled_block(model, rows, lanes)
    data_status = _data_trouble(model, rows, block, lanes)
    return block, data_status, _newton(model, block, rows, data_status == Status.CONVERGED)


def in_user_units(model: LinearModel, block: DesignBlock, at: Position) -> Array:
    """Parameters in the user's coordinates, (L, m, q)."""
    params = scaling.from_scaled(_by_predictor(model, at.theta), block.scaled, intercept=model.intercept)
    return params.at[:, :, 0].add(-block.shift[:, None]) if model.intercept else params


def _by_predictor(model: LinearModel, theta: Array) -> Array:
    """theta (L, m q) as (L, m, q)."""
    return theta.reshape(len(theta), model.predictors, -1)


def _scaled_block(model: LinearModel, rows: Design, lanes: int) -> DesignBlock:
    X_lanes, n, _ = rows.X.shape
    weights = jnp.broadcast_to(rows.weights, (rows.weights.shape[0], n))
    share = weights / tiles.whole_block(jnp.sum(weights, axis=1, keepdims=True), rows.tile)
    # A design shared by lanes that have weights of their own is scaled without them, so that it stays shared.
    own = share.shape[0] in (1, X_lanes)
    kept = jnp.broadcast_to(share > 0 if own else jnp.all(jnp.isfinite(rows.X), axis=2), (X_lanes, n))
    scale_by = jnp.broadcast_to(share if own else kept / jnp.sum(kept), (X_lanes, n))
    scaled = jax.vmap(
        lambda X, share, kept, tile: scaling.scale_columns(X, share, kept, intercept=model.intercept, tile=tile)
    )(rows.X, scale_by, kept, rows.tile)
    if not own:
        scaled = scaled._replace(rms=_lane_rms(scaled, share))
    penalty = jnp.broadcast_to(two_words.penalty_of(rows.l2[:, None], scaled), (lanes, scaled.scale.shape[1]))
    shift = jnp.zeros_like(share[:1, 0])
    if model.intercept:
        penalty = penalty.at[:, 0].set(0)
        shift = typical_offset(share, rows.offset, rows.tile)
    return DesignBlock(
        multiply=products.of(scaled.Z, lanes, model.predictors, rows.tile),
        scaled=scaled,
        y=rows.y,
        share=share,
        n_obs=observations(weights, rows.tile),
        offset=rows.offset - shift[:, None],
        shift=shift,
        penalty=jnp.tile(penalty, (1, model.predictors)),
        tile=rows.tile,
    )


def observations(weights: Array, tile: Tile | None = None) -> Array:
    """How many observations rows of these weights (L, n) stand for, and no fewer than the rows present, (L,)."""
    every = jnp.ones_like(weights, shape=(1, weights.shape[1]))
    counted = (weights, (weights > 0).astype(weights.dtype))
    return jnp.maximum(*(products.row_sum(every, by_row, tile) for by_row in counted))


def typical_offset(share: Array, offset: Array, tile: Tile | None = None) -> Array:
    """The mean of the offset (L, n) or (L, 1), which an intercept makes up for: without it no digits are lost, (L,)."""
    if offset.shape[1] == 1:
        return offset[:, 0]
    return products.row_sum(share, jnp.where(share > 0, offset, 0), tile)


def start(model: LinearModel, y: Any, share: Array, like: Array, tile: Tile | None = None) -> Array:
    """The intercepts of the model without columns, where there are some; else 0; of the shape of theta (L, m q)."""
    theta = _by_predictor(model, jnp.zeros_like(like))
    if model.intercept:

        def mean(values: Array) -> Array:
            return products.row_sum(share, jnp.where(share > 0, values, 0).astype(share.dtype), tile)

        first = model.family.start(y, mean)
        theta = theta.at[:, :, 0].set(jnp.where(jnp.isfinite(first), first, 0))
    return theta.reshape(like.shape)


def _lane_rms(scaled: scaling.Scaled, share: Array) -> Array:
    """Root mean square of each column of a shared design under each lane's own weights, shape (L, q)."""
    first, second = (contract_shared(Z, share) for Z in (scaled.Z, scaled.Z**2))
    return jnp.sqrt(scaled.mean**2 + 2 * scaled.mean * scaled.scale * first + scaled.scale**2 * second)


def contract_shared(Z: Array, share: Array) -> Array:
    """sum_i share_i z_ji for lanes' share (L, n) and a shared Z (1, q, n), shape (L, q)."""
    return products.contract("ln,jn->lj", share, Z[0])


def _data_trouble(model: LinearModel, rows: Design, block: DesignBlock, lanes: int) -> Array:
    """What the data alone say, (L,)."""
    n, q = block.share.shape[1], block.scaled.scale.shape[1]
    present = jnp.broadcast_to(rows.weights > 0, (rows.weights.shape[0], n))
    every_row = jnp.ones_like(block.share, shape=(1, n))

    def count(condition: Array) -> Array:
        return products.row_sum(every_row, (condition & present).astype(every_row.dtype), rows.tile)

    finite = jnp.isfinite(rows.offset)
    for leaf in jax.tree.leaves(rows.y):
        finite = finite & jnp.isfinite(leaf)
    if rows.X.shape[0] == 1:
        finite = finite & jnp.all(jnp.isfinite(rows.X), axis=2)
    n_present = count(present)
    label = model.family.label(rows.y)
    labels = products.row_sum(every_row, jnp.where(present & finite, label, 0), rows.tile)
    only_label = jnp.round(labels / n_present)
    one_class = (count(label != only_label[:, None]) == 0) & (only_label >= 0)
    usable = jnp.all(jnp.isfinite(block.scaled.rms), axis=1) & jnp.isfinite(rows.l2) & (count(~finite) == 0)
    invalid = count(finite & ~model.family.valid(rows.y)) > 0
    found = trouble.of_data(
        rows.weights,
        invalid=(rows.l2 < 0) | invalid,
        not_finite=~usable,
        few=(n_present < q) & (rows.l2 == 0),
        one_class=one_class & model.intercept,
        tile=rows.tile,
    )
    return jnp.broadcast_to(found, (lanes,))


def _newton(model: LinearModel, block: DesignBlock, rows: Design, sound: Array) -> NewtonState:
    """Newton with step control, from intercepts alone: the objective never rises by more than rounding.

    A step that would raise it is halved and tried again, in the same loop. Where the promised gain drowns in the
    rounding of the value, the gradient decides instead. A lane ends where its gradient and the rise that is left are
    small. Without penalty and offset, a total loss below log 2 times the smallest weight proves all margins to be
    positive: the lane is separated and stops.

    """
    positive_margins = _positive_margins_loss(block, rows)
    enough = jnp.where(rows.l2 > 0, CLOSE, 1) * NEGLIGIBLE_RISE

    def step(state: NewtonState) -> NewtonState:
        theta = state.at.theta + state.at.length[:, None] * state.at.direction
        value, grad, information = evaluate(model, block, theta)
        grad_norm = scaled_norm(block.scaled, _by_predictor(model, grad))
        accept, exhausted = judge_step(state.at, value, grad_norm)
        small = accept & (grad_norm <= rows.tol)

        def aim() -> tuple[Array, Array, Array]:
            factor = factors.factor_spd(block.multiply.gram(information), block.penalty)
            direction = -factors.solve(factor, grad)
            return direction, -jnp.sum(grad * direction, axis=1) / 2, factor.smallest_pivot

        def coast() -> tuple[Array, Array, Array]:
            return jnp.zeros_like(grad), _gain_after(block, state.at), state.pivot

        # The last direction of a penalized lane would serve only to judge it, and the step before can do that.
        aimless = ~state.active | ((small | exhausted) & (rows.l2 > 0) & jnp.isfinite(state.at.gain))
        nothing = jnp.zeros_like(grad), jnp.zeros_like(value), state.pivot
        coasting = jax.lax.cond(jnp.any(aimless & state.active), coast, lambda: nothing)
        aiming = jax.lax.cond(jnp.all(aimless), lambda: nothing, aim)
        # Lane by lane: what a lane does must not depend on its block.
        direction, gain, pivot = select_lanes(aimless, coasting, aiming)
        small = small & (block.n_obs * gain <= enough)
        tried = Position(theta, value, grad, grad_norm, gain, direction, jnp.ones_like(value))
        return NewtonState(
            at=select_lanes(accept, tried, state.at._replace(length=state.at.length / 2)),
            pivot=jnp.where(accept, pivot, state.pivot),
            steps=state.steps + 1,
            active=~(small | exhausted | (accept & (value < positive_margins))),
        )

    at = before_first(start(model, block.y, block.share, block.penalty, block.tile))
    steps = jnp.full_like(at.value, -1, dtype=jnp.int32)
    return iterate(step, NewtonState(at, jnp.zeros_like(at.value), steps, sound), model.max_steps)


def _gain_after(block: DesignBlock, at: Position) -> Array:
    """At most what is left to gain after a whole step that moved no predictor far, (L,); infinite after another.

    Where predictors move by r or less the information changes by a factor between e^-r and e^r, and the step leaves at
    most e^(r/2) (e^r - 1 - r) / r < r of the decrement, whose square the gain is.
    """
    move = jnp.where((block.share > 0)[:, None], jnp.abs(block.multiply.predict(at.direction)), 0)
    farthest = products.row_max(jnp.max(move, axis=1), block.tile)
    return jnp.where((farthest <= SHORT) & (at.length == 1), farthest**2 * at.gain, jnp.inf)


def _positive_margins_loss(block: DesignBlock, rows: Design) -> Array:
    """The loss below which all margins must be positive; 0, which no loss is below, with a penalty or an offset."""
    smallest_share = -products.row_max(jnp.where(block.share > 0, -block.share, -jnp.inf), block.tile)
    no_offset = rows.offset.shape[1] == 1
    return jnp.where((rows.l2 == 0) & no_offset, jnp.log(2.0) * smallest_share, 0).astype(block.share.dtype)


def before_first(theta: Array) -> Position:
    """The state whose trial step, of length 0, evaluates theta (L, m q) and is always accepted."""
    unknown = jnp.full_like(theta[:, 0], jnp.inf)
    return Position(theta, unknown, theta, unknown, unknown, jnp.zeros_like(theta), jnp.ones_like(unknown))


def judge_step(at: Position, value: Array, grad_norm: Array) -> tuple[Array, Array]:
    """Whether to accept a trial with this value and scaled gradient norm, and whether no step can help now, (L,)."""
    eps = jnp.finfo(value.dtype).eps
    drowned = at.gain <= 4 * eps * jnp.abs(at.value)
    lower = (value <= at.value) | (drowned & (grad_norm < at.grad_norm))
    accept = jnp.isfinite(value) & jnp.isfinite(grad_norm) & lower
    return accept, jnp.where(drowned, ~(grad_norm <= at.grad_norm / 2), ~accept & (at.length < 1e-6))


def evaluate(model: LinearModel, block: DesignBlock, theta: Array) -> tuple[Array, Array, Array]:
    """The objective, its gradient (L, m q) and the rows' weighted information (L, m, m, n) at theta (L, m q)."""
    eta = block.multiply.predict(theta) + block.offset[:, None]
    loglik, score, information = model.family.derivatives(eta, block.y)
    kept = block.share > 0
    score, information = (
        jnp.where(_rows_last(kept, term), _rows_last(block.share, term) * term, 0) for term in (score, information)
    )
    loss = -products.row_sum(block.share, jnp.where(kept, loglik, 0), block.tile)
    value = loss + jnp.sum(block.penalty * theta**2, axis=1) / 2
    return value, block.penalty * theta - block.multiply.score(score), information


def _rows_last(by_row: Array, term: Array) -> Array:
    """by_row (L, n) with axes of length 1 between, to meet `term` (L, ..., n)."""
    return by_row.reshape(by_row.shape[0], *(1,) * (term.ndim - 2), by_row.shape[1])


def _judge(model: LinearModel, block: DesignBlock, rows: Design, state: NewtonState, sound: Array) -> Verdict:
    """The verdict on each lane, (L,), whose data are sound; those that are not settled are examined one by one.

    Without a penalty a short step is not enough: it is short along a separating direction too. Such a lane is
    CONVERGED only when its last step proves overlap.
    """
    unpenalized = jnp.broadcast_to(rows.l2 == 0, sound.shape)
    evidence = gather_evidence(model, block, state.at)
    size, n = block.penalty.shape[1], block.share.shape[1]
    distance = jnp.sqrt(2 * block.n_obs * state.at.gain) + judgement.rounding(evidence, block.n_obs, size, n)
    sure = judgement.near(distance, evidence) & judgement.trusted(state.pivot, size)
    no_lane = jnp.zeros_like(sure)
    overlap = jax.lax.cond(jnp.any(unpenalized), lambda: step_proves_overlap(model, block, state.at), lambda: no_lane)
    se = judgement.typical_errors(evidence, block.scaled, block.penalty, block.n_obs)
    theta = _by_predictor(model, state.at.theta)
    blur = judgement.spacing(theta, block.scaled, block.shift, se, model.intercept)
    settled = Verdict(
        params=in_user_units(model, block, state.at),
        value=state.at.value,
        grad_norm=state.at.grad_norm,
        status=jnp.full_like(state.steps, Status.CONVERGED, dtype=jnp.int8),
        error=(distance + blur) * judgement.stretch(evidence, block.penalty, state.pivot),
    )
    needy = sound & ~(sure & (overlap | ~unpenalized))
    end = Ending(theta, _by_predictor(model, state.at.direction), ~state.active, unpenalized)

    def one(lane: Array) -> Verdict:
        ending, so_far = jax.tree.map(lambda leaf: leaf[lane], (end, settled))
        problem = _problem(block, rows, lane)
        return jax.lax.cond(needy[lane], lambda: judgement.examine(model, problem, ending, so_far), lambda: so_far)

    lanes = jnp.arange(len(needy))
    if block.tile is not None:
        needy = needy & (block.tile.place == 0)
    if model.thorough:
        verdict = jax.lax.cond(jnp.any(needy), lambda: jax.lax.map(one, lanes), lambda: settled)
        verdict = tiles.from_first(verdict, block.tile)
    else:
        verdict = settled._replace(status=jnp.where(needy, OPEN, settled.status).astype(jnp.int8))
    judged = (verdict.status == Status.CONVERGED) | (verdict.status == Status.STALLED)
    fits = judgement.fits_dtype(verdict.params, block.scaled, se) | ~judged
    return verdict._replace(status=jnp.where(fits, verdict.status, Status.DIVERGED).astype(jnp.int8))


def _problem(block: DesignBlock, rows: Design, lane: Array) -> two_words.Problem:
    """The rows of one lane, in one part, or in its tiles, of which `lane` is the first."""

    def of(lane: Array, leaves: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[jnp.minimum(lane, leaf.shape[0] - 1)], leaves)

    def part(lane: Array) -> two_words.Rows:
        X, y, weights, offset = of(lane, (rows.X, rows.y, rows.weights, rows.offset))
        return two_words.Rows(X, y, jnp.broadcast_to(weights, X.shape[:1]), offset)

    def fold(update: Callable[[Any, two_words.Rows], Any], start: Any) -> Any:
        if block.tile is None:
            return update(start, part(lane))
        after = block.tile.last[lane].astype(lane.dtype) + 1
        return jax.lax.fori_loop(lane, after, lambda tile, total: update(total, part(tile)), start)

    scaled, shift, l2, n_obs = of(lane, (block.scaled, block.shift, rows.l2, block.n_obs))
    return two_words.Problem(fold, scaled, shift, l2, n_obs)


def gather_evidence(model: LinearModel, block: DesignBlock, at: Position) -> judgement.Evidence:
    """What the rows say of the rounding in the gradient, and of the next step."""
    eta = block.multiply.predict(at.theta) + block.offset[:, None]
    _, score, information = model.family.derivatives(eta, block.y)
    return judgement.evidence(block.share, eta, score, information, at.theta, at.direction, at.gain, block.tile)


def step_proves_overlap(model: LinearModel, block: DesignBlock, at: Position, *, rare: bool = False) -> Array:
    """True for each lane whose next Newton step proves that its rows overlap, (L,); see `existence`.

    rare: events may be so rare that no row's multiplier is seen beside 1, but all of them together are.
    """
    eta = block.multiply.predict(at.theta) + block.offset[:, None]
    move = block.multiply.predict(at.direction)
    logs, change = jax.jvp(lambda eta: model.family.log_multipliers(eta, block.y), (eta,), (move,))
    # Where a row has no such multiplier at all its logarithm is -inf.
    present = jnp.broadcast_to(block.share > 0, logs.shape) & (logs > -jnp.inf)
    seen = existence.resolved(logs, 2 if rare else 1)
    proven = existence.overlap_proven(change, present) & jnp.all(seen | ~present, axis=(0, 2))
    return tiles.whole_block(proven, block.tile, jnp.logical_and)
