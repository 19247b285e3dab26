"""Exact logistic fits of many candidates at once, whose covariates all share: Newton's method from the null fit.

Coordinates are the null model's basis and the candidate. With W of the lane's own iterate the information is

    [ Q'WQ  Q'Wg ; g'WQ  g'Wg ],      Q'WQ = W times the pairs of columns of Q, one matrix product for all lanes.

A lane is exact where the next step is negligible, and has a maximum for sure where that step moves no row's logit by as
much as 1 (`core.linear.existence`); what cannot be said to be both is left to `logistic_regression.fit`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.linear.existence import MAX_SHARE
from jaxnotes.core.matrix import factors
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate

MAX_STEPS = 12
# The least pivot of an information that leaves enough digits to a standard error.
EASY = 1e-2


class Rows(NamedTuple):
    """What all lanes share: basis (n, k), y, the null fit's logit and frequencies, (n,)."""

    basis: Array
    y: Array
    eta: Array
    counts: Array


class Lanes(NamedTuple):
    """A block of candidates (b, n), 0 where missing; kept (b, n) says where they are not."""

    candidates: Array
    kept: Array


class Fit(NamedTuple):
    """Of each lane, (b,): the coefficient, its standard error, and whether both are exact."""

    estimate: Array
    se: Array
    exact: Array


class _State(NamedTuple):
    """theta (b, k + 1), and what `iterate` asks for."""

    theta: Array
    steps: Array
    active: Array


class _Step(NamedTuple):
    """At theta, for each lane: Newton's step (b, k + 1), its length in standard errors, the variance of the last
    coefficient and the smallest pivot of the information, (b,).
    """

    direction: Array
    length: Array
    variance: Array
    pivot: Array


@jax.jit
def wald(lanes: Lanes, rows: Rows) -> Fit:
    """The maximum likelihood estimate of each lane."""
    lanes, size = _scaled(lanes)
    theta, at, exact = _climb(lanes, rows)
    return _in_user_units(theta[:, -1], at, exact, size)


@jax.jit
def score(lanes: Lanes, rows: Rows) -> Fit:
    """One step from each lane's own null fit, which is that of the rows kept."""
    lanes, size = _scaled(lanes)
    theta, _, exact = _climb(lanes._replace(candidates=jnp.zeros_like(lanes.candidates)), rows)
    at = _step(lanes, rows, theta)
    return _in_user_units(at.direction[:, -1], at, exact, size)


def _scaled(lanes: Lanes) -> tuple[Lanes, Array]:
    """Candidates of largest entry 1, and what they were divided by, (b,)."""
    size = jnp.max(jnp.abs(lanes.candidates), axis=1)
    return lanes._replace(candidates=lanes.candidates / jnp.where(size > 0, size, 1)[:, None]), size


def _in_user_units(estimate: Array, at: _Step, exact: Array, size: Array) -> Fit:
    estimate, se = estimate / size, jnp.sqrt(at.variance) / size
    usable = (size > 0) & jnp.isfinite(size) & jnp.isfinite(estimate) & jnp.isfinite(se)
    return Fit(estimate, se, exact & usable & (at.pivot > EASY))


def _negligible(rows: Rows) -> float:
    """The length of a step, in standard errors, whose square is rounding; it grows with the rounding of long sums."""
    eps = float(jnp.finfo(rows.basis.dtype).eps)
    return eps**0.5 + 4 * eps * len(rows.y) ** 0.5


def _climb(lanes: Lanes, rows: Rows) -> tuple[Array, _Step, Array]:
    """theta (b, k + 1) at a maximum, the last step that led there, and whether it is one, (b,)."""
    enough = _negligible(rows) ** 0.5

    def step(state: _State) -> _State:
        taken = _step(lanes, rows, state.theta)
        theta = state.theta + taken.direction
        going_on = (taken.length > enough) & jnp.all(jnp.isfinite(theta), axis=1)
        return _State(theta, state.steps + 1, going_on)

    start = jnp.zeros((len(lanes.kept), rows.basis.shape[1] + 1), rows.basis.dtype)
    steps = jnp.zeros_like(start[:, 0], dtype=jnp.int32)
    theta = iterate(step, _State(start, steps, steps == 0), MAX_STEPS).theta
    at = _step(lanes, rows, theta)
    move = contract("bk,nk->bn", at.direction[:, :-1], rows.basis) + at.direction[:, -1:] * lanes.candidates
    overlap = jnp.all(~lanes.kept | (jnp.abs(move) < MAX_SHARE), axis=1)
    return theta + at.direction, at, overlap & (at.length <= _negligible(rows)) & (at.pivot > EASY)


def _logit(lanes: Lanes, rows: Rows, theta: Array) -> Array:
    return contract("bk,nk->bn", theta[:, :-1], rows.basis) + theta[:, -1:] * lanes.candidates + rows.eta[None]


def _step(lanes: Lanes, rows: Rows, theta: Array) -> _Step:
    """Newton's step at theta (b, k + 1). A candidate of 0 leaves the null model: its coefficient stays."""
    mu = jax.nn.sigmoid(_logit(lanes, rows, theta))
    counts = jnp.where(lanes.kept, rows.counts[None], 0)
    grad = _with_basis(lanes, rows, counts * (rows.y[None] - mu))
    information = _information(lanes, rows, counts * mu * (1 - mu))
    last = jnp.zeros_like(theta).at[:, -1].set(1)
    factor = factors.factor_spd(information, jnp.where(information[:, -1, -1:] > 0, 0, last))
    direction = factors.solve(factor, grad)
    length = jnp.sqrt(jnp.maximum(jnp.sum(grad * direction, axis=1), 0))
    return _Step(direction, length, factors.solve(factor, last)[:, -1], factor.smallest_pivot)


def _with_basis(lanes: Lanes, rows: Rows, values: Array) -> Array:
    """Products of values (b, n) with the basis and with each lane's own candidate, (b, k + 1)."""
    own = jnp.sum(values * lanes.candidates, axis=1, keepdims=True)
    return jnp.concatenate([contract("bn,nk->bk", values, rows.basis), own], axis=1)


def _information(lanes: Lanes, rows: Rows, by_row: Array) -> Array:
    """The information of each lane, (b, k + 1, k + 1), for that of its rows (b, n)."""
    n, k = rows.basis.shape
    pairs = (rows.basis[:, :, None] * rows.basis[:, None]).reshape(n, k * k)
    shared = contract("bn,nk->bk", by_row, pairs).reshape(-1, k, k)
    own = _with_basis(lanes, rows, by_row * lanes.candidates)
    upper = jnp.concatenate([shared, own[:, None, :-1]], axis=1)
    return jnp.concatenate([upper, own[:, :, None]], axis=2)
