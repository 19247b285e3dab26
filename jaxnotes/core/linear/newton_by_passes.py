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
from jaxnotes.core.linear import existence, newton
from jaxnotes.core.linear.intake import Design
from jaxnotes.core.linear.newton import DesignBlock, LinearModel, Position
from jaxnotes.core.matrix import factors, products, scaling
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.matrix.scaling import Scaled
from jaxnotes.core.values import trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.status import Solution, Status, first_status

MEMORY = 6
# A pass that leaves more than this share of the gradient calls for the Gram matrix of all rows.
SLOW = 0.3


class ScaledDesign(NamedTuple):
    """The data and how they are scaled: share (n,) weights that sum to 1; penalty (1, m q) in scaled coordinates."""

    rows: Design
    scaled: Scaled
    share: Array
    penalty: Array


class PassState(NamedTuple):
    """An iterate (one lane), the preconditioner, the last moves and gradient changes (MEMORY, m q), oldest first."""

    at: Position
    factor: factors.Factor | factors.Inverse
    moves: Array
    changes: Array
    steps: Array
    active: Array
    exhausted: Array


def solve(model: LinearModel, rows: Design) -> Solution:
    """Solve one problem; leaves of `rows` have no lane axis, params are (m, q)."""
    n = rows.X.shape[0]
    picked = sample_rows(n)
    sample = jax.tree.map(lambda leaf: leaf[picked] if leaf.ndim and leaf.shape[0] == n else leaf, rows)
    lane = jax.tree.map(lambda leaf: leaf[None], sample)
    sample_block, sample_trouble, guess = newton.descend(model, lane)
    overlap = newton.step_proves_overlap(model, sample_block, guess.at) | (rows.l2 > 0)
    converged = (guess.at.grad_norm <= 100 * rows.tol) & (guess.first_pivot > 0)
    trusted = (sample_trouble == Status.CONVERGED) & overlap & converged
    problem = _problem(model, rows)
    theta = newton.in_user_units(model, sample_block, guess.at)[0]
    theta = scaling.to_scaled(theta, problem.scaled, intercept=model.intercept).reshape(1, -1)
    theta = jnp.where(trusted[:, None], theta, 0)
    block = _block(model, problem, sample.X, sample.y, problem.share[picked] * (n / len(picked)), sample.offset)
    factor = factors.factor_spd(_gram(model, block, theta), problem.penalty)
    data_status = _data_trouble(model, problem)
    state = _passes(model, problem, theta, factor, trusted, data_status == Status.CONVERGED)
    status = jnp.where(data_status == Status.CONVERGED, _judge(model, problem, state, trusted), data_status)
    params = scaling.from_scaled(
        state.at.theta.reshape(model.predictors, -1), problem.scaled, intercept=model.intercept
    )
    value = state.at.value[0]
    return Solution(params, value, state.at.grad_norm[0], state.steps[0], status[0], jnp.full_like(value, jnp.nan))


def _problem(model: LinearModel, rows: Design) -> ScaledDesign:
    """Weighted moments of the columns in one pass, about the mean of the first rows so that no digits cancel."""
    n = rows.X.shape[0]
    weights = jnp.broadcast_to(rows.weights, (n,))
    share = weights / jnp.sum(weights)
    near = jnp.mean(jnp.nan_to_num(rows.X[:CHUNK], posinf=0.0, neginf=0.0), axis=0)

    def moments(fresh: Array, X: Array, share: Array) -> tuple[Array, Array]:
        share = jnp.where(fresh, share, 0)
        away = jnp.where((share > 0)[:, None], X - near[None], 0)
        return contract("i,ij->j", share, away), contract("i,ij->j", share, away * away)

    first, second = sum_chunks(n, moments, rows.X, share)
    mean = near + first if model.intercept else jnp.zeros_like(near)
    square = jnp.maximum(second - first**2, 0) if model.intercept else second + 2 * near * first + near**2
    spread = jnp.sqrt(square)
    constant = spread <= 8 * jnp.finfo(spread.dtype).eps * jnp.abs(mean)
    scale = jnp.where(constant, 1, spread)
    scaled = Scaled(jnp.zeros((0,), spread.dtype), mean, scale, jnp.sqrt(mean**2 + square))
    if model.intercept:
        one = jnp.ones((1,), spread.dtype)
        scaled = Scaled(
            scaled.Z, *(jnp.concatenate(pair) for pair in ((0 * one, mean), (one, scale), (one, scaled.rms)))
        )
    penalty = rows.l2 / scaled.scale**2
    penalty = penalty.at[0].set(0) if model.intercept else penalty
    return ScaledDesign(rows, scaled, share, jnp.tile(penalty, model.predictors)[None])


def _block(model: LinearModel, problem: ScaledDesign, X: Array, y: Any, share: Array, offset: Array) -> DesignBlock:
    """Some of the rows as a block of one lane, without the penalty."""
    mean, scale = (a[1:] if model.intercept else a for a in (problem.scaled.mean, problem.scaled.scale))
    Z = jnp.where((share > 0)[:, None], (X - mean[None]) / scale[None], 0)
    if model.intercept:
        Z = jnp.concatenate([jnp.ones_like(Z[:, :1]), Z], axis=1)
    y, share, offset = jax.tree.map(lambda leaf: leaf[None], (y, share, offset))
    scaled = problem.scaled._replace(Z=Z.T)
    return DesignBlock(
        products.of(Z.T[None], 1, model.predictors), scaled, y, share, offset, jnp.zeros_like(problem.penalty)
    )


def _over_rows(model: LinearModel, problem: ScaledDesign, function: Callable[[DesignBlock], Any]) -> Any:
    """The sum of function(block) over all chunks."""
    to_block, arrays = _blocks(model, problem)
    return sum_chunks(len(problem.share), lambda *chunk: function(to_block(*chunk)), *arrays)


def _fold_rows(model: LinearModel, problem: ScaledDesign, update: Callable[[Any, DesignBlock], Any], start: Any) -> Any:
    """update(total, block) over all chunks, from start."""
    to_block, arrays = _blocks(model, problem)
    return fold_chunks(len(problem.share), lambda total, *chunk: update(total, to_block(*chunk)), start, *arrays)


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
        grad_norm = newton.scaled_norm(model, scaled, grad)
        accept, exhausted = newton.judge_step(state.at, value, grad_norm)
        done = (accept & (grad_norm <= problem.rows.tol)) | exhausted
        slow = (state.steps >= 0) & ~done & (grad_norm > SLOW * state.at.grad_norm)
        refresh = jnp.all(accept & (slow | ~trusted))
        known = jnp.all(accept) & (state.steps[0] >= 0) & ~refresh
        moves = _remember(state.moves, theta - state.at.theta, known, refresh)
        changes = _remember(state.changes, grad - state.at.grad, known, refresh)
        factor = jax.lax.cond(refresh, lambda: _factor_rows(model, problem, theta), lambda: state.factor)
        direction = -_inverse_hessian(factor, moves, changes, grad)
        tried = newton.new_iterate(theta, value, grad, grad_norm, direction)
        return PassState(
            at=select_lanes(accept, tried, state.at._replace(length=state.at.length / 2)),
            factor=factor,
            moves=moves,
            changes=changes,
            steps=state.steps + 1,
            active=~done,
            exhausted=exhausted,
        )

    none = jnp.zeros_like(theta, shape=(MEMORY, theta.shape[1]))
    state = PassState(newton.before_first(theta), factor, none, none, jnp.full((1,), -1, jnp.int32), start, ~start)
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


def _judge(model: LinearModel, problem: ScaledDesign, state: PassState, trusted: Array) -> Array:
    """The status of a problem whose data were in order, (1,); an untrusted sample's last step was Newton's own."""
    unpenalized = problem.rows.l2 == 0
    n_obs = jnp.sum(jnp.broadcast_to(problem.rows.weights, problem.share.shape))
    small = newton.is_small(state.at, state.exhausted, problem.rows.tol, unpenalized, n_obs)

    def unproven_chunks(block: DesignBlock) -> Array:
        return (~newton.step_proves_overlap(model, block, state.at)).astype(jnp.int32)

    def prove() -> Array:
        return _over_rows(model, problem, unproven_chunks) == 0

    overlap = jax.lax.cond(jnp.all(trusted | ~unpenalized), lambda: trusted, prove)
    overlap = overlap & (state.factor.smallest_pivot > 0)
    suspect = unpenalized & ~(small & overlap)

    def examine() -> tuple[Array, Array]:
        def in_parts(which: int, columns: int) -> existence.RowParts:
            def fold(update: Callable[[Any, Array], Any], start: Any) -> Any:
                part = lambda block: newton.row_gradients(model, block, 1)[which][0]  # noqa: E731
                return _fold_rows(model, problem, lambda total, block: update(total, part(block)), start)

            return existence.RowParts(fold, columns)

        theta, step = state.at.theta[0], state.at.direction[0]
        n = len(problem.share)
        return existence.rank_deficient(in_parts(0, n), theta), existence.separated(in_parts(1, n), theta, step)

    no = jnp.asarray(False)
    deficient, separated = jax.lax.cond(jnp.all(suspect), examine, lambda: (no, no))
    return first_status(
        (suspect & deficient, Status.RANK_DEFICIENT),
        (suspect & separated, Status.SEPARATED),
        (~small & ~state.exhausted, Status.MAX_STEPS),
        (~small | (unpenalized & ~overlap), Status.STALLED),
    )
