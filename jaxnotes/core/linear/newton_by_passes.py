"""One problem with linear predictors and very many rows: few passes over the data, each a chunk of rows at a time.

Newton on a fixed pseudo-random sample of the rows gives the start and, from its Gram matrix, a preconditioner so good
that each further pass needs the gradient only: L-BFGS in the preconditioned space gains one to two digits a pass. If
it does not, or if the sample has no maximum of its own, the passes compute the Gram matrix of all rows as well: full
Newton. If the sample overlaps (see `existence`) so do all rows: a direction that separates all separates the
sample too.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.lanes.passes import CHUNK, fold_chunks, sample_rows, sum_chunks
from jaxnotes.core.linear import judgement, newton, two_words
from jaxnotes.core.linear.family import OPEN, LinearModel
from jaxnotes.core.linear.intake import Design
from jaxnotes.core.linear.judgement import Ending, Evidence, Verdict, scaled_norm
from jaxnotes.core.linear.newton import DesignBlock, Position
from jaxnotes.core.matrix import factors, products, scaling
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.matrix.scaling import Scaled
from jaxnotes.core.values import trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.status import NEGLIGIBLE_RISE, Solution, Status

MEMORY = 6
# A pass that leaves more than this share of the gradient calls for the Gram matrix of all rows.
SLOW = 0.3


class ScaledDesign(NamedTuple):
    """The data and how they are scaled: share (n,) weights that sum to 1; penalty (1, m q) in scaled coordinates.

    n_obs and shift, (1,): as in `newton.DesignBlock`.
    """

    rows: Design
    scaled: Scaled
    share: Array
    penalty: Array
    n_obs: Array
    shift: Array


class PassState(NamedTuple):
    """An iterate (one lane), the preconditioner, the last moves and gradient changes (MEMORY, m q), oldest first."""

    at: Position
    factor: factors.Factor | factors.Inverse
    moves: Array
    changes: Array
    steps: Array
    active: Array


def solve(model: LinearModel, rows: Design) -> Solution:
    """Solve one problem; leaves of `rows` have no lane axis, params are (m, q)."""
    n = rows.X.shape[0]
    picked = sample_rows(n)
    sample = jax.tree.map(lambda leaf: leaf[picked] if leaf.ndim and leaf.shape[0] == n else leaf, rows)
    lane = jax.tree.map(lambda leaf: leaf[None], sample)
    sample_block, sample_trouble, guess = newton.descend(model, lane)
    overlap = newton.step_proves_overlap(model, sample_block, guess.at, rare=True) | (rows.l2 > 0)
    sure = judgement.trusted(guess.pivot, guess.at.theta.shape[1])
    trusted = (sample_trouble == Status.CONVERGED) & overlap & sure & (guess.at.grad_norm <= 100 * rows.tol)
    problem = _problem(model, rows)
    theta = newton.in_user_units(model, sample_block, guess.at)[0]
    theta = theta.at[:, 0].add(problem.shift) if model.intercept else theta
    theta = scaling.to_scaled(theta, problem.scaled, intercept=model.intercept).reshape(1, -1)
    afresh = newton.start(model, jax.tree.map(lambda leaf: leaf[None], rows.y), problem.share[None], theta)
    theta = jnp.where(trusted[:, None], theta, afresh)
    block = _block(model, problem, sample.X, sample.y, problem.share[picked] * (n / len(picked)), sample.offset)
    factor = factors.factor_spd(_gram(model, block, theta), problem.penalty)
    data_status = _data_trouble(model, problem)
    state = _passes(model, problem, theta, factor, trusted, data_status == Status.CONVERGED)
    sound = data_status == Status.CONVERGED
    verdict = _judge(model, problem, state, trusted, sound)
    status = jnp.where(sound, verdict.status, data_status).astype(jnp.int8)
    one = newton.answered(sound, verdict._replace(status=status), state.steps)
    return jax.tree.map(lambda leaf: leaf[0], one)


def _problem(model: LinearModel, rows: Design) -> ScaledDesign:
    """Weighted moments of the columns in two passes, about the mean of the first rows so that no digits cancel.

    The first pass finds a unit for each column, so that no square of a number in the user's units is formed.
    """
    n = rows.X.shape[0]
    weights = jnp.broadcast_to(rows.weights, (n,))
    share = weights / sum_chunks(n, lambda fresh, weights: jnp.sum(jnp.where(fresh, weights, 0)), weights)
    near = jnp.mean(jnp.nan_to_num(rows.X[:CHUNK], posinf=0.0, neginf=0.0), axis=0)
    near = near if model.intercept else jnp.zeros_like(near)

    def away(fresh: Array, X: Array, share: Array) -> tuple[Array, Array]:
        share = jnp.where(fresh, share, 0)
        return share, jnp.where((share > 0)[:, None], X - near[None], 0)

    def size(fresh: Array, X: Array, share: Array) -> Array:
        share, moved = away(fresh, X, share)
        return contract("i,ij->j", share, jnp.abs(moved))

    unit = scaling.power_of_two(sum_chunks(n, size, rows.X, share))

    def moments(fresh: Array, X: Array, share: Array) -> tuple[Array, Array]:
        share, moved = away(fresh, X, share)
        moved = moved * (1 / unit)[None]
        return contract("i,ij->j", share, moved), contract("i,ij->j", share, moved * moved)

    first, second = sum_chunks(n, moments, rows.X, share)
    mean = near + unit * first if model.intercept else near
    square = jnp.maximum(second - first**2, 0) if model.intercept else second
    # What the rounding of its mean leaves of a constant column is constant too.
    constant = square <= (jnp.finfo(square.dtype).eps ** 0.5 * second if model.intercept else 0)
    spread = jnp.where(constant, 0, jnp.sqrt(jnp.where(constant, 1, square)))
    scale = jnp.where(constant, scaling.power_of_two(jnp.abs(mean)), unit * scaling.power_of_two(spread))
    rms = scale * jnp.sqrt((mean / scale) ** 2 + (spread * unit / scale) ** 2)
    scaled = Scaled(jnp.zeros((0,), spread.dtype), mean, scale, rms)
    shift = jnp.zeros_like(share[:1])
    if model.intercept:
        one = jnp.ones((1,), spread.dtype)
        scaled = Scaled(
            scaled.Z, *(jnp.concatenate(pair) for pair in ((0 * one, mean), (one, scale), (one, scaled.rms)))
        )
        shift = newton.typical_offset(share[None], rows.offset[None])
    penalty = two_words.penalty_of(rows.l2, scaled)
    penalty = penalty.at[0].set(0) if model.intercept else penalty
    n_obs = newton.observations(weights[None])
    return ScaledDesign(rows, scaled, share, jnp.tile(penalty, model.predictors)[None], n_obs, shift)


def _block(model: LinearModel, problem: ScaledDesign, X: Array, y: Any, share: Array, offset: Array) -> DesignBlock:
    """Some of the rows as a block of one lane, without the penalty."""
    mean, scale = (a[1:] if model.intercept else a for a in (problem.scaled.mean, problem.scaled.scale))
    Z = jnp.where((share > 0)[:, None], (X - mean[None]) * (1 / scale)[None], 0)
    if model.intercept:
        Z = jnp.concatenate([jnp.ones_like(Z[:, :1]), Z], axis=1)
    y, share, offset, scaled = jax.tree.map(
        lambda leaf: leaf[None], (y, share, offset - problem.shift, problem.scaled._replace(Z=Z.T))
    )
    no_penalty = jnp.zeros_like(problem.penalty)
    multiply = products.of(scaled.Z, 1, model.predictors)
    return DesignBlock(multiply, scaled, y, share, problem.n_obs, offset, problem.shift, no_penalty)


def _over_rows(model: LinearModel, problem: ScaledDesign, function: Callable[[DesignBlock], Any]) -> Any:
    """The sum of function(block) over all chunks."""
    to_block, arrays = _blocks(model, problem)
    return sum_chunks(len(problem.share), lambda *chunk: function(to_block(*chunk)), *arrays)


def _blocks(model: LinearModel, problem: ScaledDesign) -> tuple[Callable[..., DesignBlock], list[Array]]:
    """How to make a block of a chunk, and the arrays that chunks are cut from."""
    y, treedef = jax.tree.flatten(problem.rows.y)

    def to_block(fresh: Array, X: Array, share: Array, offset: Array, *y: Array) -> DesignBlock:
        return _block(model, problem, X, jax.tree.unflatten(treedef, y), jnp.where(fresh, share, 0), offset)

    return to_block, [problem.rows.X, problem.share, problem.rows.offset, *y]


def _passes(
    model: LinearModel,
    problem: ScaledDesign,
    theta: Array,
    factor: factors.Factor | factors.Inverse,
    trusted: Array,
    start: Array,
) -> PassState:
    """Descend from theta (1, m q), one pass over the rows a step, with their Gram matrix if not trusted."""
    scaled = jax.tree.map(lambda leaf: leaf[None], problem.scaled)

    def step(state: PassState) -> PassState:
        theta = state.at.theta + state.at.length[:, None] * state.at.direction
        value, grad = _over_rows(model, problem, lambda block: newton.evaluate(model, block, theta)[:2])
        value = value + jnp.sum(problem.penalty * theta**2, axis=1) / 2
        grad = grad + problem.penalty * theta
        grad_norm = scaled_norm(scaled, grad.reshape(1, model.predictors, -1))
        accept, exhausted = newton.judge_step(state.at, value, grad_norm)
        done = (accept & (grad_norm <= problem.rows.tol)) | exhausted
        slow = (state.steps >= 0) & ~done & (grad_norm > SLOW * state.at.grad_norm)
        refresh = jnp.all(accept & (slow | ~trusted))
        known = jnp.all(accept) & (state.steps[0] >= 0) & ~refresh
        moves = _remember(state.moves, theta - state.at.theta, known, refresh)
        changes = _remember(state.changes, grad - state.at.grad, known, refresh)
        factor = jax.lax.cond(refresh, lambda: _factor_rows(model, problem, theta), lambda: state.factor)
        direction = -_inverse_hessian(factor, moves, changes, grad)
        gain = -jnp.sum(grad * direction, axis=1) / 2
        tried = Position(theta, value, grad, grad_norm, gain, direction, jnp.ones_like(value))
        small = accept & (grad_norm <= problem.rows.tol) & (problem.n_obs * gain <= NEGLIGIBLE_RISE)
        return PassState(
            at=select_lanes(accept, tried, state.at._replace(length=state.at.length / 2)),
            factor=factor,
            moves=moves,
            changes=changes,
            steps=state.steps + 1,
            active=~(small | exhausted),
        )

    none = jnp.zeros_like(theta, shape=(MEMORY, theta.shape[1]))
    state = PassState(newton.before_first(theta), factor, none, none, jnp.full((1,), -1, jnp.int32), start)
    return iterate(step, state, model.max_steps)


def _remember(kept: Array, new: Array, known: Array, forget: Array) -> Array:
    """The last MEMORY vectors, oldest first, with `new` (1, m q) added where known, none where they no longer apply."""
    return jnp.where(forget, 0, jnp.where(known, jnp.concatenate([kept[1:], new]), kept))


def _inverse_hessian(factor: factors.Factor | factors.Inverse, moves: Array, changes: Array, grad: Array) -> Array:
    """L-BFGS's inverse Hessian times grad (1, m q), on top of the preconditioner's.

    Source: Nocedal and Wright, Numerical Optimization (2006), algorithm 7.4. Vectors of 0 have no effect.

    """
    curvature = jnp.sum(moves * changes, axis=1)
    inverse = jnp.where(curvature > 0, 1 / jnp.where(curvature > 0, curvature, 1), 0)

    def backward(grad: Array, pair: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        move, change, inverse = pair
        share = inverse * jnp.sum(move[None] * grad)
        return grad - share * change[None], share

    def forward(out: Array, pair: tuple[Array, Array, Array, Array]) -> tuple[Array, None]:
        move, change, inverse, share = pair
        return out + (share - inverse * jnp.sum(change[None] * out)) * move[None], None

    grad, shares = jax.lax.scan(backward, grad, (moves, changes, inverse), reverse=True)
    return jax.lax.scan(forward, factors.solve(factor, grad), (moves, changes, inverse, shares))[0]


def _factor_rows(model: LinearModel, problem: ScaledDesign, theta: Array) -> factors.Factor | factors.Inverse:
    gram = _over_rows(model, problem, lambda block: _gram(model, block, theta))
    return factors.factor_spd(gram, problem.penalty)


def _gram(model: LinearModel, block: DesignBlock, theta: Array) -> Array:
    return block.multiply.gram(newton.evaluate(model, block, theta)[2])


def _data_trouble(model: LinearModel, problem: ScaledDesign) -> Array:
    """What the data alone say, (1,)."""
    rows = problem.rows
    present = problem.share > 0
    finite = jnp.isfinite(rows.offset)
    for leaf in jax.tree.leaves(rows.y):
        finite = finite & jnp.isfinite(leaf)
    usable = jnp.all(jnp.isfinite(problem.scaled.rms)) & jnp.isfinite(rows.l2) & jnp.all(finite | ~present)
    label = model.family.label(rows.y)
    one_class = jnp.max(jnp.where(present, label, -1)) == jnp.min(jnp.where(present, label, len(present)))
    found = trouble.of_data(
        rows.weights,
        invalid=(rows.l2 < 0) | jnp.any(present & finite & ~model.family.valid(rows.y)),
        not_finite=~usable,
        few=(jnp.sum(present) < len(problem.scaled.scale)) & (rows.l2 == 0),
        one_class=one_class & model.intercept & (jnp.max(label) >= 0),
    )
    return found[None]


def _judge(model: LinearModel, problem: ScaledDesign, state: PassState, trusted: Array, sound: Array) -> Verdict:
    """The verdict on a problem whose data are sound, (1,); an untrusted sample's last step was Newton's own."""
    unpenalized = problem.rows.l2[None] == 0
    rows, theta = problem.rows, state.at.theta.reshape(1, model.predictors, -1)
    evidence: Evidence = _over_rows(model, problem, lambda block: newton.gather_evidence(model, block, state.at))
    size = state.at.theta.shape[1]
    distance = jnp.sqrt(2 * problem.n_obs * state.at.gain)
    distance = distance + judgement.rounding(evidence, problem.n_obs, size, CHUNK)
    sure = judgement.near(distance, evidence) & judgement.trusted(state.factor.smallest_pivot, size)

    def unproven_chunks(block: DesignBlock) -> Array:
        return (~newton.step_proves_overlap(model, block, state.at, rare=True)).astype(jnp.int32)

    def prove() -> Array:
        return _over_rows(model, problem, unproven_chunks) == 0

    overlap = jax.lax.cond(jnp.all(trusted | ~unpenalized), lambda: trusted, prove)
    scaled = jax.tree.map(lambda leaf: leaf[None], problem.scaled)
    se = judgement.typical_errors(evidence, scaled, problem.penalty, problem.n_obs)
    params = scaling.from_scaled(theta, scaled, intercept=model.intercept)
    settled = Verdict(
        params=params.at[:, :, 0].add(-problem.shift[:, None]) if model.intercept else params,
        value=state.at.value,
        grad_norm=state.at.grad_norm,
        status=jnp.full_like(state.steps, Status.CONVERGED, dtype=jnp.int8),
        error=(distance + judgement.spacing(theta, scaled, problem.shift, se, model.intercept))
        * judgement.stretch(evidence, problem.penalty, state.factor.smallest_pivot),
    )
    needy = sound & ~(sure & (overlap | ~unpenalized))
    end = Ending(theta, state.at.direction.reshape(theta.shape), ~state.active, unpenalized)
    weights = jnp.broadcast_to(rows.weights, problem.share.shape)
    y, treedef = jax.tree.flatten(rows.y)

    def fold(update: Callable[[Any, two_words.Rows], Any], start: Any) -> Any:
        def part(total: Any, fresh: Array, X: Array, weights: Array, offset: Array, *y: Array) -> Any:
            present = jnp.where(fresh, weights, 0)
            return update(total, two_words.Rows(X, jax.tree.unflatten(treedef, y), present, offset))

        return fold_chunks(len(weights), part, start, rows.X, weights, rows.offset, *y)

    alone = two_words.Problem(fold, problem.scaled, problem.shift[0], rows.l2, problem.n_obs[0])

    def examine() -> Verdict:
        first = jax.tree.map(lambda leaf: leaf[0], (end, settled))
        return jax.tree.map(lambda leaf: leaf[None], judgement.examine(model, alone, *first))

    if model.thorough:
        verdict = jax.lax.cond(jnp.all(needy), examine, lambda: settled)
    else:
        verdict = settled._replace(status=jnp.where(needy, OPEN, settled.status).astype(jnp.int8))
    fits = judgement.fits_dtype(verdict.params, scaled, se) | (verdict.status != Status.CONVERGED)
    return verdict._replace(status=jnp.where(fits, verdict.status, Status.DIVERGED))
