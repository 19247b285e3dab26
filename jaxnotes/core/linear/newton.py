"""Newton's method on a block of problems with linear predictors, lane axis first.

Columns are centred (where there is an intercept) and scaled inside and put back after, without changing the penalty.
Score and information are products of the design with the rows' derivatives in eta, see `products`. A lane that has
finished is frozen; rare and expensive work (is the design deficient? are the data separated?) is done only in blocks
where some lane needs it. Coefficients theta are flat, (L, m q): predictor by predictor, the intercept first.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.lanes import batching
from jaxnotes.core.linear import existence
from jaxnotes.core.linear.family import Family
from jaxnotes.core.linear.intake import Design
from jaxnotes.core.matrix import factors, lapack, products, scaling
from jaxnotes.core.values import trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.status import NEGLIGIBLE_RISE, Solution, Status, first_status


class LinearModel(NamedTuple):
    """What is fixed while tracing: the likelihood, how many linear predictors, whether each has an intercept."""

    family: Family
    predictors: int
    intercept: bool
    max_steps: int


class DesignBlock(NamedTuple):
    """A block made ready to iterate on; axes of length L may be 1 where shared.

    scaled: Z (L, q, n), mean, scale and rms (L, q). share (L, n): weights that sum to 1. penalty (L, m q): l2 in scaled
    coordinates.

    """

    multiply: products.Products
    scaled: scaling.Scaled
    y: Any
    share: Array
    offset: Array
    penalty: Array


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
    """An iterate of each lane; first_pivot and pivot: the information's smallest pivot at the start, and there."""

    at: Position
    first_pivot: Array
    pivot: Array
    steps: Array
    active: Array
    exhausted: Array


def solve_block(model: LinearModel, rows: Design) -> Solution:
    """Solve a block: every leaf of `rows` has the lane axis first, of length 1 where shared; params are (L, m, q)."""
    block, data_status, state = descend(model, rows)
    status = jnp.where(data_status == Status.CONVERGED, _judge(model, block, rows, state), data_status)
    params, value = in_user_units(model, block, state.at), state.at.value
    return Solution(params, value, state.at.grad_norm, state.steps, status, jnp.full_like(value, jnp.nan))


def descend(model: LinearModel, rows: Design) -> tuple[DesignBlock, Array, NewtonState]:
    """The block made ready, what the data alone say of each lane, (L,), and where Newton ended."""
    lanes = batching.count_lanes(rows)
    block = _scaled_block(model, rows, lanes)
    data_status = _data_trouble(model, rows, block, lanes)
    return block, data_status, _newton(model, block, rows, data_status == Status.CONVERGED)


def in_user_units(model: LinearModel, block: DesignBlock, at: Position) -> Array:
    """Parameters in the user's coordinates, (L, m, q)."""
    theta = at.theta.reshape(len(at.theta), model.predictors, -1)
    return scaling.from_scaled(theta, block.scaled, intercept=model.intercept)


def _scaled_block(model: LinearModel, rows: Design, lanes: int) -> DesignBlock:
    X_lanes, n, _ = rows.X.shape
    weights = jnp.broadcast_to(rows.weights, (rows.weights.shape[0], n))
    share = weights / jnp.sum(weights, axis=1, keepdims=True)
    # A design shared by lanes that have weights of their own is scaled without them, so that it stays shared.
    own = share.shape[0] in (1, X_lanes)
    kept = jnp.broadcast_to(share > 0 if own else jnp.all(jnp.isfinite(rows.X), axis=2), (X_lanes, n))
    scale_by = jnp.broadcast_to(share if own else kept / jnp.sum(kept), (X_lanes, n))
    scaled = jax.vmap(functools.partial(scaling.scale_columns, intercept=model.intercept))(rows.X, scale_by, kept)
    if not own:
        scaled = scaled._replace(rms=_lane_rms(scaled, share))
    penalty = jnp.broadcast_to(rows.l2[:, None] / scaled.scale**2, (lanes, scaled.scale.shape[1]))
    if model.intercept:
        penalty = penalty.at[:, 0].set(0)
    return DesignBlock(
        multiply=products.of(scaled.Z, lanes, model.predictors),
        scaled=scaled,
        y=rows.y,
        share=share,
        offset=rows.offset,
        penalty=jnp.tile(penalty, (1, model.predictors)),
    )


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
        return products.row_sum(every_row, (condition & present).astype(every_row.dtype))

    finite = jnp.isfinite(rows.offset)
    for leaf in jax.tree.leaves(rows.y):
        finite = finite & jnp.isfinite(leaf)
    if rows.X.shape[0] == 1:
        finite = finite & jnp.all(jnp.isfinite(rows.X), axis=2)
    n_present = count(present)
    label = model.family.label(rows.y)
    only_label = jnp.round(products.row_sum(every_row, jnp.where(present & finite, label, 0)) / n_present)
    one_class = (count(label != only_label[:, None]) == 0) & (only_label >= 0)
    usable = jnp.all(jnp.isfinite(block.scaled.rms), axis=1) & jnp.isfinite(rows.l2) & (count(~finite) == 0)
    invalid = count(finite & ~model.family.valid(rows.y)) > 0
    found = trouble.of_data(
        rows.weights,
        invalid=(rows.l2 < 0) | invalid,
        not_finite=~usable,
        few=(n_present < q) & (rows.l2 == 0),
        one_class=one_class & model.intercept,
    )
    return jnp.broadcast_to(found, (lanes,))


def _newton(model: LinearModel, block: DesignBlock, rows: Design, start: Array) -> NewtonState:
    """Newton with step control from 0: the objective never rises by more than rounding.

    A step that would raise it is halved and tried again, in the same loop. Where the promised gain drowns in the
    rounding of the value, the gradient decides instead. Without penalty and offset, a total loss below log 2 times the
    smallest weight proves all margins to be positive: the lane is separated and stops.

    """
    positive_margins = _positive_margins_loss(block, rows)

    def step(state: NewtonState) -> NewtonState:
        theta = state.at.theta + state.at.length[:, None] * state.at.direction
        value, grad, information = evaluate(model, block, theta)
        grad_norm = scaled_norm(model, block.scaled, grad)
        accept, exhausted = judge_step(state.at, value, grad_norm)
        done = (accept & ((grad_norm <= rows.tol) | (value < positive_margins))) | exhausted

        def aim() -> tuple[Array, Array]:
            factor = factors.factor_spd(block.multiply.gram(information), block.penalty)
            return -factors.solve(factor, grad), factor.smallest_pivot

        # The last direction serves only to prove overlap, and that is asked only of lanes without a penalty.
        aimless = ~state.active | (done & (rows.l2 > 0))
        direction, pivot = jax.lax.cond(jnp.all(aimless), lambda: (jnp.zeros_like(grad), jnp.zeros_like(value)), aim)
        tried = new_iterate(theta, value, grad, grad_norm, direction)
        return NewtonState(
            at=select_lanes(accept, tried, state.at._replace(length=state.at.length / 2)),
            first_pivot=jnp.where(state.steps < 0, pivot, state.first_pivot),
            pivot=jnp.where(accept, pivot, state.pivot),
            steps=state.steps + 1,
            active=~done,
            exhausted=exhausted,
        )

    at = before_first(jnp.zeros_like(block.penalty))
    steps = jnp.full_like(at.value, -1, dtype=jnp.int32)
    pivot = jnp.zeros_like(at.value)
    return iterate(step, NewtonState(at, pivot, pivot, steps, start, ~start), model.max_steps)


def _positive_margins_loss(block: DesignBlock, rows: Design) -> Array:
    """The loss below which all margins must be positive; 0, which no loss is below, with a penalty or an offset."""
    smallest_share = jnp.min(jnp.where(block.share > 0, block.share, jnp.inf), axis=1)
    no_offset = rows.offset.shape[1] == 1
    return jnp.where((rows.l2 == 0) & no_offset, jnp.log(2.0) * smallest_share, 0).astype(block.share.dtype)


def before_first(theta: Array) -> Position:
    """The state whose trial step, of length 0, evaluates theta (L, m q) and is always accepted."""
    unknown = jnp.full_like(theta[:, 0], jnp.inf)
    return Position(theta, unknown, theta, unknown, unknown, jnp.zeros_like(theta), jnp.ones_like(unknown))


def new_iterate(theta: Array, value: Array, grad: Array, grad_norm: Array, direction: Array) -> Position:
    """An accepted iterate, with the whole of `direction` to try next."""
    gain = -jnp.sum(grad * direction, axis=1) / 2
    return Position(theta, value, grad, grad_norm, gain, direction, jnp.ones_like(value))


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
    value = -products.row_sum(block.share, jnp.where(kept, loglik, 0)) + jnp.sum(block.penalty * theta**2, axis=1) / 2
    return value, block.penalty * theta - block.multiply.score(score), information


def _rows_last(by_row: Array, term: Array) -> Array:
    """by_row (L, n) with axes of length 1 between, to meet `term` (L, ..., n)."""
    return by_row.reshape(by_row.shape[0], *(1,) * (term.ndim - 2), by_row.shape[1])


def scaled_norm(model: LinearModel, scaled: scaling.Scaled, grad: Array) -> Array:
    """max_j |d objective / d (b_j rms_j)| in the user's coordinates, for grad (L, m q) and scaled (L, q), (L,)."""
    grad = grad.reshape(grad.shape[0], model.predictors, -1)
    raw = jnp.abs(scaled.scale[:, None] * grad + scaled.mean[:, None] * grad[:, :, :1])
    positive = (scaled.rms > 0)[:, None]
    return jnp.max(jnp.where(positive, raw / jnp.where(positive, scaled.rms[:, None], 1), 0), axis=(1, 2))


def _judge(model: LinearModel, block: DesignBlock, rows: Design, state: NewtonState) -> Array:
    """The status of each lane whose data were in order, shape (L,).

    Without a penalty a small gradient is not enough: it is small along a separating direction too, and far from the
    optimum where the columns nearly depend on each other. Such a lane is CONVERGED only when its last step proves
    overlap, no pivot was lost to rounding, which would leave a direction alone, and, if rounding ended the descent, the
    rise that is left is negligible. The others are examined, which is rare and therefore a branch.

    """
    n_obs = jnp.sum(jnp.broadcast_to(rows.weights, (len(rows.weights), block.share.shape[1])), axis=1)
    unpenalized = jnp.broadcast_to(rows.l2 == 0, state.steps.shape)
    small = is_small(state.at, state.exhausted, rows.tol, unpenalized, n_obs)
    no_lane = jnp.zeros_like(small)
    overlap = jax.lax.cond(jnp.any(unpenalized), lambda: step_proves_overlap(model, block, state.at), lambda: no_lane)
    overlap = overlap & (state.pivot > 0)
    suspect = unpenalized & (~(small & overlap) | (state.first_pivot == 0))

    def examine() -> tuple[Array, Array]:
        gradients = row_gradients(model, block, len(small))
        return jax.vmap(_examined)(suspect, *gradients, state.at.theta, state.at.direction)

    deficient, separated = jax.lax.cond(jnp.any(suspect), examine, lambda: (no_lane, no_lane))
    return first_status(
        (suspect & deficient, Status.RANK_DEFICIENT),
        (suspect & separated, Status.SEPARATED),
        (~small & ~state.exhausted, Status.MAX_STEPS),
        (~small | (unpenalized & ~overlap), Status.STALLED),
    )


def _examine(design: Array, margins: Array, theta: Array, step: Array) -> tuple[Array, Array]:
    """Whether one lane is deficient, and whether it is separated."""
    deficient = existence.rank_deficient(existence.whole(design), theta)
    return deficient, existence.separated(existence.whole(margins), theta, step)


_examined = lapack.where_needed(_examine, lambda *_: (jnp.asarray(False), jnp.asarray(False)))


def is_small(at: Position, exhausted: Array, tol: Array, unpenalized: Array, n_obs: Array) -> Array:
    """Whether the gradient is, (L,); where rounding ended the descent, small enough for nothing that counts to be left.

    The step of a penalized lane may be unknown at its end.
    """
    negligible = ~unpenalized | (n_obs * at.gain <= NEGLIGIBLE_RISE)
    return (at.grad_norm <= tol) | (exhausted & (at.grad_norm <= 100 * tol) & negligible)


def step_proves_overlap(model: LinearModel, block: DesignBlock, at: Position) -> Array:
    """True for each lane whose next Newton step proves that its rows overlap, (L,); see `separation`."""
    eta = block.multiply.predict(at.theta) + block.offset[:, None]
    move = block.multiply.predict(at.direction)
    multipliers, change = jax.jvp(lambda eta: model.family.multipliers(eta, block.y), (eta,), (move,))
    return existence.overlap_proven(multipliers, change, jnp.broadcast_to(block.share > 0, eta[:, 0].shape))


def row_gradients(model: LinearModel, block: DesignBlock, lanes: int) -> tuple[Array, Array]:
    """The gradients in theta of all rows' predictors (L, m q, m n) and margins (L, m q, k); 0 for absent rows."""
    basis = jnp.eye(block.penalty.shape[1], dtype=block.penalty.dtype)

    def along(unit: Array) -> tuple[Array, Array]:
        eta = block.multiply.predict(jnp.broadcast_to(unit[None], (lanes, len(unit))))
        present = block.share > 0
        return jnp.where(present[:, None], eta, 0), jnp.where(present, model.family.margins(eta, block.y), 0)

    predictors, margins = jax.vmap(along)(basis)
    flat = (lanes, len(basis), -1)
    return jnp.moveaxis(predictors, 1, 0).reshape(flat), jnp.moveaxis(margins, 2, 0).reshape(flat)
