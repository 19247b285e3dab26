"""A user's log-likelihood by rows, as a function of flat parameters that JAX can batch, differentiate and cache.

With the frequency weights w_i and n_obs = sum_i w_i the objective is f = -sum_i w_i log_prob(theta, row_i) / n_obs.
A row of weight 0 has no part in anything, whatever it holds: a present row stands in for it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.descent import trust_region
from jaxnotes.core.lanes import closures, passes
from jaxnotes.core.special import double_word
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.params import LinearParams, as_params, as_theta
from jaxnotes.core.values.status import Solution

# A user's function as explicit(captured, theta, row), with all that it captures made an argument; a setting of jax.jit.
LogProb = closures.Explicit


class Observations(NamedTuple):
    """The data of one problem: what log_prob captures, rows (a pytree, leaves (n, ...)) and weights (n,) or (1,)."""

    captured: list[Array]
    rows: Any
    weights: Array

    @property
    def n(self) -> int:
        """The number of rows."""
        return jax.tree.leaves(self.rows)[0].shape[0]

    @property
    def n_obs(self) -> Array:
        """sum_i w_i, shape ()."""
        return jnp.sum(jnp.broadcast_to(self.weights, (self.n,)))


def flatten(params: Any) -> tuple[Array, Callable[[Array], Any]]:
    """Parameters as one vector (q,), leaf by leaf, and the way back. `LinearParams` put the intercept first."""
    if not isinstance(params, LinearParams):
        return ravel_pytree(params)
    theta = as_theta(params)
    intercept = params.intercept is not None
    return theta.reshape(-1), lambda flat: as_params(flat.reshape(theta.shape), intercept)


def names(params: Any) -> list[str]:
    """One name for each of the flat parameters: its place in the pytree, as in "coef[0]" or "scale".

    Args:
        params: any pytree of numbers or arrays, q numbers in all; `LinearParams` put the intercept first.

    Returns:
        The names, a list of q strings.

    >>> names({"coef": jnp.zeros(2), "scale": jnp.ones(())})
    ['coef[0]', 'coef[1]', 'scale']
    """
    if isinstance(params, LinearParams):
        first = [] if params.intercept is None else ["intercept"]
        terms = first + [f"coef[{j}]" for j in range(params.coef.shape[-1])]
        if params.coef.ndim == 1:
            return terms
        return [f"{term}[{k}]" for k in range(params.coef.shape[0]) for term in terms]
    paths, _ = jax.tree_util.tree_flatten_with_path(params)
    return [
        (jax.tree_util.keystr(path, simple=True, separator=".") or "params") + _index(place, jnp.shape(leaf))
        for path, leaf in paths
        for place in range(jnp.size(leaf))
    ]


def _index(place: int, shape: tuple[int, ...]) -> str:
    """The entry at `place` of an array of this shape, written as an index; nothing for a number."""
    index: list[str] = []
    for length in reversed(shape):
        place, entry = divmod(place, length)
        index.insert(0, str(entry))
    return f"[{', '.join(index)}]" if shape else ""


def log_probs(model: LogProb, theta: Array, observed: Observations) -> Array:
    """log_prob of each row at theta (q,), shape (n,)."""

    def one(row: Any) -> Array:
        return model(observed.captured, theta, row).astype(theta.dtype)

    return jax.vmap(one)(observed.rows)


def objective(model: LogProb, theta: Array, observed: Observations) -> Array:
    """f of the module's equation, shape ()."""
    share = jnp.broadcast_to(observed.weights, (observed.n,)) / observed.n_obs
    return -jnp.vdot(share, log_probs(model, theta, observed), precision="highest")


def with_derivatives(
    model: LogProb, theta: Array, observed: Observations, unit: Array | None = None
) -> tuple[Array, Array, Array]:
    """f, its gradient (q,) and Hessian (q, q) at theta along moves in the unit (q,), 1 by default.

    Many rows are summed chunk by chunk, and what each addition loses is carried along.
    """
    unit = jnp.ones_like(theta) if unit is None else unit
    if observed.n < passes.FROM_ROWS:
        return _derivatives(model, theta, observed, unit, 1 / observed.n_obs)
    leaves, structure = jax.tree.flatten(observed.rows)
    share = jnp.broadcast_to(observed.weights, (observed.n,)) / observed.n_obs

    def chunk(fresh: Array, share: Array, *leaves: Array) -> tuple[Array, Array, Array]:
        part = Observations(observed.captured, structure.unflatten(leaves), jnp.where(fresh, share, 0))
        return _derivatives(model, theta, part, unit, jnp.ones((), theta.dtype))

    def update(total: tuple[double_word.Double, ...], *rows: Array) -> tuple[double_word.Double, ...]:
        parts = chunk(*rows)
        return tuple(whole + double_word.Double.of(part) for whole, part in zip(total, parts, strict=True))

    q = theta.size
    nothing = tuple(double_word.Double.of(jnp.zeros(shape, theta.dtype)) for shape in ((), (q,), (q, q)))
    value, grad, hessian = passes.fold_chunks(observed.n, update, nothing, share, *leaves)
    return value.high, grad.high, hessian.high


def _derivatives(
    model: LogProb, theta: Array, observed: Observations, unit: Array, factor: Array
) -> tuple[Array, Array, Array]:
    share = jnp.broadcast_to(observed.weights, (observed.n,)) * factor

    def minus_sum(theta: Array) -> Array:
        return -jnp.vdot(share, log_probs(model, theta, observed), precision="highest")

    return trust_region.derivatives(minus_sum, theta, unit)


def log_likelihood(model: LogProb, theta: Array, observed: Observations) -> Array:
    """sum_i w_i log_prob(theta, row_i), shape (), rounded once."""
    weights = jnp.broadcast_to(observed.weights, (observed.n,))
    return double_word.sum_last(double_word.product(weights, log_probs(model, theta, observed))).high


def row_scores(model: LogProb, theta: Array, observed: Observations) -> Array:
    """The gradient of log_prob in theta, row by row, (n, q)."""

    def one(row: Any) -> Array:
        return jax.grad(lambda theta: model(observed.captured, theta, row).astype(theta.dtype))(theta)

    return jax.vmap(one)(observed.rows)


def present_only(observed: Observations, absent: Array | None = None) -> Observations:
    """The same observations, the first present row in place of those absent (n,), by default those of weight 0."""
    if observed.weights.shape == (1,):
        return observed
    present = observed.weights > 0
    first = jnp.argmax(present)
    absent = ~present if absent is None else absent

    def fill(leaf: Array) -> Array:
        return jnp.where(absent.reshape(-1, *(1,) * (leaf.ndim - 1)), leaf[first][None], leaf)

    return observed._replace(rows=jax.tree.map(fill, observed.rows))


def sound_only(model: LogProb, theta: Array, observed: Observations) -> Observations:
    """The same observations without the rows of weight 0 whose log_prob is not finite: 0 times NaN is no derivative."""
    if observed.weights.shape == (1,):
        return observed
    hopeless = (observed.weights == 0) & ~jnp.isfinite(log_probs(model, theta, observed))
    return present_only(observed, hopeless)


def one_fit(name: str, solution: Solution) -> int:
    """The number of parameters of one fit; an error for a batch of them, whose sizes would be taken for one's."""
    if jnp.ndim(solution.status) != 0:
        raise ValueError(
            f"{name}: expected one fit, got a batch of shape {jnp.shape(solution.status)}. Use jax.vmap over it."
        )
    return sum(jnp.size(leaf) for leaf in jax.tree.leaves(solution.params))


def unflatten(params: Any, theta: Array) -> Any:
    """The vector theta (q,) as a pytree like params, of theta's dtype."""
    return flatten(jax.tree.map(lambda leaf: jnp.zeros(jnp.shape(leaf), theta.dtype), params))[1](theta)
