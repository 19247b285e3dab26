"""Levenberg-Marquardt on a block of curves, lane axis first.

At theta, with weighted residuals r and the curve's derivatives J, the step p minimizes |r - J p|^2 + lambda |D p|^2,
and curving after the model's own second derivative along p adds half the geodesic acceleration a, unless |D a| shows
that p has left the range in which the first order says anything. D_j is the largest length that column j of J has had,
lambda follows Nielsen's rule. Everything goes through J = QR: z = Q'r is what is left to gain, |z| / |r| the relative
offset.

A lane has arrived when |z| <= tol |r|, or when z is the rounding of the curve itself; its condition and the units of
the parameters play no part in that. It is stuck when no step helps any more.

Source: Moré (1978), Lecture Notes in Mathematics 630, 105-116 (D); Nielsen (1999), IMM-REP-1999-05 (lambda); Transtrum
and Sethna (2012), arXiv:1201.5885 (a); Bates and Watts (1981), Technometrics 23, 179-183 (the offset).
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.descent.intake import Curve, Curves
from jaxnotes.core.lanes import batching
from jaxnotes.core.matrix import triangles
from jaxnotes.core.matrix.products import contract, row_sum
from jaxnotes.core.values import trouble
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import iterate, select_lanes
from jaxnotes.core.values.status import Solution, Status, first_status

# Chosen on the NIST and Moré-Garbow-Hillstrom problems: the first lambda, the largest |D a| / |D p|, and the gain, as a
# part of what was promised, from which on the acceleration is not worth its price.
FIRST_DAMPING, MOST_BEND, STRAIGHT = 1e-3, 0.375, 0.9
# z below this many roundings of the curve is no longer known; after a run of PATIENCE doublings nothing will help.
ROUNDINGS, PATIENCE = 4.0, 32.0
# A parameter that a full step would still move by this part of its size, max(|theta_j|, 1), has no optimum in reach.
SETTLED = 1e-2
MOST_DAMPING = 1e30


class Linearization(NamedTuple):
    """Where a lane stands: theta (L, q), the triangle of J and r there, |r|^2 and the size of the numbers in r, (L,);
    side by side in one array (L, q q + 2 q + 2), so that to take a trial or not is a single selection.
    """

    numbers: Array

    @staticmethod
    def of(theta: Array, triangle: triangles.Triangle, square: Array, size: Array) -> "Linearization":
        """The point from its parts."""
        R = triangle.R.reshape(len(theta), -1)
        return Linearization(jnp.concatenate([theta, R, triangle.z, square[:, None], size[:, None]], axis=1))

    @property
    def count(self) -> int:
        """q."""
        return math.isqrt(self.numbers.shape[1] - 1) - 1

    @property
    def theta(self) -> Array:
        """(L, q)."""
        return self.numbers[:, : self.count]

    @property
    def triangle(self) -> triangles.Triangle:
        """R (L, q, q) and z (L, q)."""
        q = self.count
        return triangles.Triangle(self.numbers[:, q : -q - 2].reshape(-1, q, q), self.numbers[:, -q - 2 : -2])

    @property
    def square(self) -> Array:
        """|r|^2, (L,)."""
        return self.numbers[:, -2]

    @property
    def size(self) -> Array:
        """(L,)."""
        return self.numbers[:, -1]

    @property
    def gain(self) -> Array:
        """|z|, the part of r that a full step would remove, (L,)."""
        return jnp.sqrt(jnp.sum(self.triangle.z**2, axis=1))

    @property
    def rounding(self) -> Array:
        """How well r is known, (L,)."""
        return float(jnp.finfo(self.numbers.dtype).eps) * self.size

    @property
    def finite(self) -> Array:
        """Whether everything here is, (L,)."""
        return jnp.all(jnp.isfinite(self.numbers), axis=1)

    def excess(self, tol: Array) -> Array:
        """|z| as a multiple of what counts as small, (L,)."""
        small = jnp.maximum(tol * jnp.sqrt(self.square), ROUNDINGS * self.rounding)
        return jnp.where(self.gain == 0, 0, self.gain / small)


# How a lane stands: no step helps an exhausted one any more, nor a blocked one, whose larger steps were not finite.
RUNNING, ARRIVED, EXHAUSTED, BLOCKED = range(4)


class Search(NamedTuple):
    """The state of each lane. widest: D (L, q). ratio: the last gain as a part of what was promised. growth: what the
    next rejection multiplies the damping by. hindered: whether a step from here led to a point that is not finite.
    ending: RUNNING, ARRIVED, EXHAUSTED or BLOCKED.
    """

    at: Linearization
    widest: Array
    damping: Array
    growth: Array
    ratio: Array
    hindered: Array
    steps: Array
    ending: Array

    @property
    def active(self) -> Array:
        """Which lanes are running, (L,)."""
        return self.ending == RUNNING


def solve_block(curve: Curve, max_steps: int, data: Curves) -> Solution:
    """Solve a block: every leaf of `data` has the lane axis first, of length 1 where shared; params are (L, q)."""
    lanes = batching.count_lanes(data)
    start = jnp.broadcast_to(data.start, (lanes, data.start.shape[1]))
    tol = jnp.broadcast_to(data.tol, (lanes,))
    data_status = _data_trouble(data)
    model = _Model(curve, data)
    first = model.at(start)
    willing = (data_status == Status.CONVERGED) & first.finite & (first.excess(tol) > 1)
    run = Search(
        at=first,
        widest=jnp.zeros_like(start),
        damping=jnp.full_like(tol, FIRST_DAMPING),
        growth=jnp.full_like(tol, 2),
        ratio=jnp.zeros_like(tol),
        hindered=jnp.zeros_like(tol, dtype=bool),
        steps=jnp.zeros_like(tol, dtype=jnp.int32),
        ending=jnp.where(willing, RUNNING, ARRIVED).astype(jnp.int8),
    )
    run = iterate(lambda run: _advance(model, tol, run), run, max_steps)
    n_obs = count_observations(data)
    at = run.at
    return Solution(
        params=jnp.where((data_status == Status.CONVERGED)[:, None], at.theta, jnp.nan),
        value=at.square / (2 * n_obs),
        grad_norm=at.gain / jnp.where(at.size > 0, at.size, 1),
        steps=run.steps,
        status=_judge(run, data_status, first.finite, n_obs, tol),
        error=jnp.full_like(tol, jnp.nan),
    )


def objective(curve: Curve, theta: Array, data: Curves) -> Array:
    """Half the weighted mean squared residual of one problem, shape ()."""
    present, data = only_present(data)
    n_obs = count_observations(data)
    share = jnp.where(present, data.weights * data.precision, 0) / jnp.where(n_obs > 0, n_obs, 1)
    residual = jnp.where(present, data.y - curve(data.captured, theta, data.x), 0)
    return jnp.sum(share * residual**2) / 2


def only_present(data: Curves) -> tuple[Array, Curves]:
    """Which rows of one problem are present, (n,), and the data with x of such a row in place of an absent one's, so
    that what an absent row holds reaches no derivative.
    """
    present = jnp.broadcast_to(data.weights > 0, data.y.shape)
    row = jnp.where(present, jnp.arange(len(present)), jnp.argmax(present))
    x = jax.tree.map(lambda leaf: leaf[row] if leaf.shape[:1] == present.shape else leaf, data.x)
    return present, data._replace(x=x)


def count_observations(data: Curves) -> Array:
    """The sum of the weights, (L,), or () for one problem."""
    weights = jnp.broadcast_to(data.weights, (*data.weights.shape[:-1], data.y.shape[-1]))
    return jnp.sum(weights, axis=-1)


class _Model:
    """A block made ready: the weighted curve of every lane, and its derivatives, at theta (L, q)."""

    def __init__(self, curve: Curve, data: Curves):
        n = data.y.shape[1]
        self._axes, self._rest = batching.lane_axes((data.captured, data.x), batching.count_lanes(data))
        self._curve = curve
        # Without weights there is nothing to multiply by: they are 1 for all rows.
        self._even = n > 1 and data.weights.shape[1] == data.precision.shape[1] == 1
        self._present = jnp.broadcast_to(data.weights > 0, (data.weights.shape[0], n))
        self._root = jnp.sqrt(jnp.where(data.weights > 0, data.weights * data.precision, 0))
        self._y = data.y

    def at(self, theta: Array) -> Linearization:
        """Residuals and derivatives, in triangular form."""

        def one(theta: Array, rest: tuple[list[Array], Any]) -> tuple[Array, Array]:
            captured, x = rest
            values, push = jax.linearize(lambda theta: self._curve(captured, theta, x), theta)
            return values, jax.vmap(push)(jnp.eye(len(theta), dtype=theta.dtype))

        values, columns = jax.vmap(one, (0, self._axes), (0, 1))(theta, self._rest)
        y, residual = self._weighted(self._y), self._weighted(self._y - values)
        columns = self._weighted(columns)
        triangle = triangles.triangularize(columns, residual)
        square = jnp.sum(residual * residual, axis=1)
        lengths = triangles.column_norms(triangle.R)
        size = jnp.sqrt(row_sum(y, y) + square + jnp.sum((lengths * theta) ** 2, axis=1))
        return Linearization.of(theta, triangle, square, size)

    def acceleration(self, theta: Array, move: Array) -> Array:
        """J' times the second derivative of the curve along `move` (L, q), shape (L, q)."""

        def one(theta: Array, move: Array, rest: tuple[list[Array], Any]) -> tuple[Array, Array]:
            captured, x = rest

            def curve(theta: Array) -> Array:
                return self._curve(captured, theta, x)

            _, second = jax.jvp(lambda theta: jax.jvp(curve, (theta,), (move,))[1], (theta,), (move,))
            push = jax.linearize(curve, theta)[1]
            return second, jax.vmap(push)(jnp.eye(len(theta), dtype=theta.dtype))

        second, columns = jax.vmap(one, (0, 0, self._axes), (0, 1))(theta, move, self._rest)
        return contract("kln,ln->lk", self._weighted(columns), self._weighted(second))

    def _weighted(self, rows: Array) -> Array:
        """Rows times the roots of their weights, 0 where absent; (L, n), or (q, L, n)."""
        if self._even:
            return rows
        present, root = (jnp.expand_dims(a, range(rows.ndim - 2)) for a in (self._present, self._root))
        return jnp.where(present, rows * root, 0)


def _advance(model: _Model, tol: Array, run: Search) -> Search:
    at = run.at
    widest = jnp.maximum(run.widest, triangles.column_norms(at.triangle.R))
    damping = jnp.sqrt(run.damping)[:, None] * widest
    damped = triangles.damp(at.triangle, damping)
    p = triangles.solve(damped.R, damped.z)
    curving = run.ratio < STRAIGHT
    pull = jax.lax.cond(
        jnp.any(curving & run.active), lambda: model.acceleration(at.theta, p), lambda: jnp.zeros_like(p)
    )
    a = -triangles.solve(damped.R, triangles.solve_transposed(damped.R, pull))
    bent = curving & ~(_norm(widest * a) <= MOST_BEND * _norm(widest * p))
    theta = at.theta + p + jnp.where((curving & ~bent)[:, None], a / 2, 0)
    tried = model.at(theta)

    along = contract("lij,lj->li", at.triangle.R, p)
    promised = jnp.sum(along**2, axis=1) + 2 * jnp.sum((damping * p) ** 2, axis=1)
    # Where the promise drowns in the rounding of |r|^2, the length of z decides instead.
    drowned = promised <= at.rounding * (2 * jnp.sqrt(at.square) + at.rounding)
    ratio = jnp.where(drowned, 1, jnp.where(bent | ~tried.finite, -1, (at.square - tried.square) / promised))
    better = tried.finite & jnp.where(drowned, tried.gain < at.gain, ratio > 1e-4)
    factor = jnp.where(better, jnp.maximum(1 - (2 * ratio - 1) ** 3, 0.1), run.growth)
    unmoved = jnp.all(theta == at.theta, axis=1)
    hopeless = unmoved | (drowned & (run.growth >= PATIENCE)) | (run.damping >= MOST_DAMPING)
    hindered = ~better & (run.hindered | ~tried.finite)
    new = select_lanes(better, tried, at)
    return Search(
        at=new,
        widest=widest,
        damping=jnp.clip(run.damping * factor, 1 / MOST_DAMPING, MOST_DAMPING),
        growth=jnp.where(better, 2, 2 * run.growth),
        ratio=ratio,
        hindered=hindered,
        steps=run.steps + better,
        ending=first_status(
            (new.excess(tol) <= 1, ARRIVED), (better | ~hopeless, RUNNING), (hindered, BLOCKED), otherwise=EXHAUSTED
        ),
    )


def _norm(p: Array) -> Array:
    return jnp.sqrt(jnp.sum(p**2, axis=1))


def _data_trouble(data: Curves) -> Array:
    """What the data alone say, (L,)."""
    lanes, n = batching.count_lanes(data), data.y.shape[1]
    present = jnp.broadcast_to(data.weights > 0, (data.weights.shape[0], n))
    missing = ~jnp.isfinite(data.y) | ~jnp.isfinite(data.precision)
    for leaf in jax.tree.leaves(data.x):
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            by_row = leaf.shape[1:2] == (n,)
            nan = jnp.isnan(leaf).reshape(*leaf.shape[:2], -1) if by_row else jnp.isnan(leaf).reshape(len(leaf), 1, -1)
            missing = missing | jnp.any(nan, axis=2)
    found = trouble.of_data(
        data.weights,
        invalid=jnp.any(present & (data.precision < 0), axis=1) | (data.tol < 0),
        not_finite=jnp.any(present & missing, axis=1),
        few=jnp.sum(present, axis=1) < data.start.shape[1],
    )
    return jnp.broadcast_to(found, (lanes,))


def _judge(run: Search, data_status: Array, started: Array, n_obs: Array, tol: Array) -> Array:
    """How each lane ended, (L,)."""
    at = run.at
    R, z = at.triangle
    excess = at.excess(tol)
    exhausted = run.ending >= EXHAUSTED
    small = (excess <= 1) | (exhausted & (excess <= 100))
    size = jnp.maximum(jnp.abs(at.theta), 1)
    dependent = jnp.any(triangles.independence(R) <= triangles.floor(R.dtype), axis=1)
    running_away = jnp.any(jnp.abs(triangles.solve(R, z)) > SETTLED * size, axis=1)
    gradient = contract("lij,li->lj", R, z) / n_obs[:, None]
    level = jnp.maximum(at.square / (2 * n_obs), 1)
    stationary = jnp.max(jnp.abs(gradient) * size, axis=1) <= 100 * tol * level
    without_effect = jnp.any(triangles.column_norms(R) * size <= at.rounding[:, None], axis=1)
    flat = jnp.where(small, dependent | running_away, (exhausted & stationary) | without_effect)
    return first_status(
        (data_status != Status.CONVERGED, data_status),
        (~started, Status.BAD_START),
        (flat, Status.FLAT),
        (~small & (run.ending == BLOCKED), Status.BOUNDARY),
        (~small & ~exhausted, Status.MAX_STEPS),
        (~small, Status.STALLED),
        otherwise=jnp.full(small.shape, Status.CONVERGED),
    )
