"""Linear least squares on a block of problems, lane axis first: one refinement, and two ways to get the matrix for it.

The normal equations ask for theta with  g(theta) = Z'W (y - Z theta) - P theta = 0.  Every pass adds H^-1 g(theta),
with H = Z'WZ + P. The first pass from 0 is the textbook solution; each further one multiplies the error by about eps
times the condition of H, while g, computed from the unscaled data in doubled precision, is right to nearly all
digits. So the answer is as good as the data, whatever the rounding of H^-1. Two regimes supply H^-1 = B B':

    Gram    Cholesky of the scaled Gram matrix H, where its smallest pivot shows that eps times its condition is small;
    SVD     QR of the scaled, weighted design and SVD of R, which see the design's condition, not its square, elsewhere.
            Here the start is the solution by Q'y, for B B' Z'Wy would be off by eps times the square of the condition.
            Singular values below n eps times the largest count as 0: RANK_DEFICIENT, and the solution of least
            ||coef||.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.inference.covariance import Terms
from jaxnotes.core.lanes import batching
from jaxnotes.core.linear.intake import Equations
from jaxnotes.core.matrix import factors, lapack, products, scaling
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.matrix.scaling import Scaled
from jaxnotes.core.special import double_word
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values import settings, trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.params import LinearParams
from jaxnotes.core.values.status import Solution, Status, first_status

# In the Gram regime a refinement pass must gain at least about two digits.
MAX_PASSES = 12
# Plain residuals cost the answer about eps / EASY_PIVOT at worst, and a tenth of the time.
EASY_PIVOT, MAX_OFFSET = 1e-2, 8.0


def residual(params: LinearParams, data: Equations) -> Array:
    """y - X coef - intercept of one problem, (n,), from doubled precision; 0 in absent rows."""
    present = jnp.broadcast_to(data.weights > 0, data.y.shape)
    X, y = jnp.where(present[:, None], data.X, 0), jnp.where(present, data.y, 0)
    base = jnp.zeros((), y.dtype) if params.intercept is None else params.intercept
    return jnp.where(present, double_word.residual(y, X, params.coef, base).high, 0)


def covariance_terms(data: Equations, intercept: bool, residual: Array) -> tuple[Terms, Scaled]:
    """What the covariance needs of each row, for a dispersion of 1, and the scaling of the design."""
    weights = jnp.broadcast_to(data.weights, data.y.shape)
    share, present = share_of(data)
    scaled = scaling.scale_columns(data.X, share / jnp.sum(share), present, intercept=intercept)
    penalty = jnp.sum(weights) * data.l2 / scaled.scale**2
    precision = jnp.where(present, data.precision, 0)
    by_row = Terms(
        design=scaled.Z.T,
        weights=weights,
        score=precision * residual,
        information=precision,
        penalty=penalty.at[0].set(0) if intercept else penalty,
    )
    return by_row, scaled


class RefineState(NamedTuple):
    """theta (L, q) in the user's coordinates, the scaled gradient norm (L,) there, the next correction (L, q)."""

    theta: Array
    grad_norm: Array
    correction: Array
    steps: Array
    active: Array


def share_of(data: Equations) -> tuple[Array, Array]:
    """Row weights w_i p_i / sum_i w_i of the mean objective, (n,), and which rows are present, (n,)."""
    weights = jnp.broadcast_to(data.weights, data.y.shape)
    present = weights > 0
    return jnp.where(present, weights * data.precision / jnp.sum(weights), 0), present


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


class EquationsBlock(NamedTuple):
    """A block made ready to refine: X (L, n, p) and y (L, n), 0 where absent; share (L, n); l2 (L,); penalty (L, q), l2
    in scaled coordinates. factor: of the Gram matrix, for the lanes where it is safe (L,); root: for the others.
    """

    X: Array
    y: Array
    share: Array
    l2: Array
    penalty: Array
    scaled: Scaled
    multiply: products.Products
    factor: factors.Factor | factors.Inverse
    safe: Array
    root: factors.Root


def solve_block(intercept: bool, data: Equations) -> Solution:
    """Solve a block: every leaf of `data` has the lane axis first, of length 1 where shared; params are (L, q)."""
    lanes = batching.count_lanes(data)
    data = Equations(*(jnp.broadcast_to(leaf, (lanes, *leaf.shape[1:])) for leaf in data))
    share, present = jax.vmap(share_of)(data)
    count = _counts(data, share, present)
    total = count.share[:, None]
    scaled = jax.vmap(functools.partial(scaling.scale_columns, intercept=intercept))(data.X, share / total, present)
    data_status = _data_trouble(data, count, scaled)
    clean = data._replace(X=jnp.where(present[..., None], data.X, 0), y=jnp.where(present, data.y, 0))
    block, first = _made_ready(intercept, clean, share, scaled, data_status != Status.CONVERGED)
    size = jnp.sqrt(products.row_sum(share / total, block.y * block.y))
    state = _refine(intercept, block, first, size, data_status != Status.INVALID_DATA)

    q = block.penalty.shape[1]
    deficient = (block.root.rank < q) & ~block.safe
    unpenalized = data.l2 == 0
    null = scaling.from_scaled(block.root.null, scaled, intercept=intercept)
    theta = jax.vmap(of_least_norm, (0, 0, 0, None))(deficient, state.theta, null, intercept)
    return Solution(
        params=theta,
        value=jax.vmap(functools.partial(objective, intercept))(theta, data),
        grad_norm=state.grad_norm,
        steps=state.steps,
        status=judge(data_status, unpenalized & (count.present < q), unpenalized & deficient, state.grad_norm),
        error=jnp.full_like(size, jnp.nan),
    )


def _made_ready(
    intercept: bool, data: Equations, share: Array, scaled: Scaled, hopeless: Array
) -> tuple[EquationsBlock, Array]:
    """The block, and where to start (L, q) in the user's coordinates; hopeless lanes (L,) are spared the SVD."""
    lanes, _, n = scaled.Z.shape
    penalty = data.l2[:, None] / scaled.scale**2
    penalty = jnp.where(jnp.arange(penalty.shape[1])[None] >= intercept, penalty, 0)
    multiply = products.of(scaled.Z, lanes)
    factor = factors.factor_spd(multiply.gram(share[:, None, None]), penalty)
    safe = gram_is_safe(factor.smallest_pivot) | hopeless
    solve = lapack.where_needed(functools.partial(_by_svd, n), _not_by_svd)
    root, theta = jax.vmap(solve)(~safe, scaled.Z, jnp.nan_to_num(share), penalty, data.y)
    first = select_lanes(safe, jnp.zeros_like(penalty), scaling.from_scaled(theta, scaled, intercept=intercept))
    return EquationsBlock(data.X, data.y, share, data.l2, penalty, scaled, multiply, factor, safe, root), first


def _by_svd(n: int, Z: Array, share: Array, penalty: Array, y: Array) -> tuple[factors.Root, Array]:
    """A root of the inverse of one lane's H, and its solution in scaled coordinates."""
    design = factors.weighted_rows(Z.T, share, penalty)
    outcome = jnp.concatenate([jnp.sqrt(share) * y, jnp.zeros_like(penalty)])
    return factors.root_and_solution(design, outcome, n)


def _not_by_svd(Z: Array, share: Array, penalty: Array, y: Array) -> tuple[factors.Root, Array]:
    nothing = jnp.zeros_like(penalty, shape=(len(penalty), len(penalty)))
    return factors.Root(nothing, nothing, jnp.asarray(len(penalty))), jnp.zeros_like(penalty)


def _refine(intercept: bool, block: EquationsBlock, first: Array, size: Array, willing: Array) -> RefineState:
    """Refine from `first` (L, q) until a pass gains nothing; gradients in units of the root mean square of y (L,)."""
    easy = _is_easy(block.factor.smallest_pivot, block.scaled)

    def correction(gradient: Array) -> Array:
        root = block.root.root
        with_root = contract("lij,lj->li", root, contract("lij,li->lj", root, gradient))
        theta = select_lanes(block.safe, factors.solve(block.factor, gradient), with_root)
        return scaling.from_scaled(theta, block.scaled, intercept=intercept)

    def descent(theta: Array) -> tuple[Array, Array]:
        plain = _plain_descent(intercept, block, theta)

        def doubled() -> tuple[Array, Array]:
            of_lane = jax.vmap(functools.partial(_descent, intercept))
            exact = of_lane(theta, block.X, block.y, block.share, block.l2, block.scaled)
            return select_lanes(easy, plain, exact)

        return jax.lax.cond(jnp.all(easy), lambda: plain, doubled)

    def step(state: RefineState) -> RefineState:
        theta = state.theta + state.correction
        gradient, norm = descent(theta)
        norm = jnp.where(size > 0, norm / jnp.where(size > 0, size, 1), norm)
        better = norm < state.grad_norm
        tried = state._replace(theta=theta, grad_norm=norm, correction=correction(gradient))
        going_on = better & (norm > 0) & (norm < state.grad_norm / 2)
        return select_lanes(better, tried, state)._replace(steps=state.steps + 1, active=going_on)

    start = RefineState(
        theta=first,
        grad_norm=jnp.full_like(size, jnp.inf),
        correction=jnp.zeros_like(first),
        steps=jnp.full_like(size, -1, dtype=jnp.int32),
        active=willing,
    )
    return iterate(step, start, MAX_PASSES)


def gram_is_safe(smallest_pivot: Array) -> Array:
    """Whether refinement with a Cholesky factor of this smallest scaled pivot gains two digits or more a pass."""
    return smallest_pivot > 100 * 100 * jnp.finfo(smallest_pivot.dtype).eps


def _is_easy(smallest_pivot: Array, scaled: Scaled) -> Array:
    """Whether plain residuals are good enough, (L,): no column is near to another or far from 0 in its own spread."""
    near = jnp.all(jnp.abs(scaled.mean) <= MAX_OFFSET * scaled.scale, axis=1)
    return (smallest_pivot > EASY_PIVOT) & near


def _plain_descent(intercept: bool, block: EquationsBlock, theta: Array) -> tuple[Array, Array]:
    """What `_descent` returns, for a block, (L, q) and (L,), from residuals in working precision."""
    scaled, share = block.scaled, block.share
    theta = scaling.to_scaled(theta, scaled, intercept=intercept)
    r = jnp.where(share > 0, share * (block.y - block.multiply.predict(theta)[:, 0]), 0)
    gradient = block.multiply.score(r[:, None]) - block.penalty * theta
    raw = gradient * scaled.scale + (scaled.mean * gradient[:, :1] if intercept else 0)
    positive = scaled.rms > 0
    return gradient, jnp.max(jnp.where(positive, jnp.abs(raw) / jnp.where(positive, scaled.rms, 1), 0), axis=1)


def objective(intercept: bool, theta: Array, data: Equations) -> Array:
    """Half the weighted mean squared residual plus l2 / 2 ||coef||^2 for one problem, shape ()."""
    share, present = share_of(data)
    coef = theta[1:] if intercept else theta
    fitted = contract("ij,j->i", jnp.where(present[:, None], data.X, 0), coef) + (theta[0] if intercept else 0)
    return jnp.sum(share * jnp.where(present, data.y - fitted, 0) ** 2) / 2 + data.l2 / 2 * jnp.sum(coef**2)


def _descent(
    intercept: bool, theta: Array, X: Array, y: Array, share: Array, l2: Array, scaled: Scaled
) -> tuple[Array, Array]:
    """Minus the gradient of one problem in scaled coordinates (q,), and max_j |gradient_j / rms_j|."""
    coef = theta[1:] if intercept else theta
    base = theta[0] if intercept else jnp.zeros_like(l2)
    r = double_word.scaled(double_word.residual(y, X, coef, base), share)
    constant, slopes = double_word.score(X, r)
    raw = slopes + double_word.product(coef, -l2)
    rms = scaled.rms[1:] if intercept else scaled.rms
    norm = jnp.max(jnp.abs(raw.high) / jnp.where(rms > 0, rms, 1), initial=0.0)
    if not intercept:
        return raw.high / scaled.scale, norm
    mean, scale = scaled.mean[1:], scaled.scale[1:]
    shift = Double(*(jnp.broadcast_to(word, mean.shape) for word in constant))
    centred = raw - double_word.scaled(shift, mean)
    return jnp.concatenate([constant.high[None], centred.high / scale]), jnp.maximum(norm, jnp.abs(constant.high))


class _Counts(NamedTuple):
    """The sum of the shares of a lane; how many rows are present, count, or are not as they should be; each (L,)."""

    share: Array
    present: Array
    counting: Array
    endless: Array
    negative: Array
    missing: Array


def _counts(data: Equations, share: Array, present: Array) -> _Counts:
    negative, missing = present & (data.precision < 0), present & ~jnp.isfinite(data.y)
    return _Counts(*products.row_sums(share, present, share > 0, ~jnp.isfinite(share), negative, missing))


def _data_trouble(data: Equations, count: _Counts, scaled: Scaled) -> Array:
    """What the data alone say, (L,)."""
    none_counts = count.counting == 0
    finite = (count.endless == 0) & jnp.isfinite(data.l2)
    finite_rows = jnp.all(jnp.isfinite(scaled.rms), axis=1) & (count.missing == 0)
    return trouble.of_data(
        data.weights,
        invalid=(count.negative > 0) | (data.l2 < 0),
        not_finite=~finite | ~(finite_rows | none_counts),
        few=none_counts,
    )


def judge(data_status: Array, few: Array, deficient: Array, grad_norm: Array) -> Array:
    """The status from what is wrong with the data and the scaled gradient that refinement left, all of one shape."""
    tol = settings.default_tolerance(grad_norm.dtype)
    return first_status(
        (data_status != Status.CONVERGED, data_status),
        (few, Status.TOO_FEW_ROWS),
        (deficient, Status.RANK_DEFICIENT),
        (~(grad_norm <= 100 * tol), Status.STALLED),
        otherwise=jnp.full(data_status.shape, Status.CONVERGED),
    )
