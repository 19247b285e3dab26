"""A block of curves at a point: residuals and derivatives in triangular form, in units of the data.

Residuals are in a unit near their data's mean size, each column of derivatives in one near its own, all powers of two,
so that no square over- or underflows and a change of units moves no bit: theta_j = stride_j phi_j, and J is that of
phi. Weights and precisions count as parts of the largest; `unit` and `share` lead back.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.descent.intake import Curve, Curves
from jaxnotes.core.lanes import batching
from jaxnotes.core.matrix import triangles
from jaxnotes.core.matrix.products import contract, row_sum
from jaxnotes.core.matrix.scaling import power_of_two
from jaxnotes.core.values.arrays import Array


class Linearization(NamedTuple):
    """Where a lane stands: theta and stride (L, q), the triangle of J and r there, |r|^2 and the size of the numbers in
    r, (L,); side by side in one array (L, (q + 1)(q + 2)), so that to take a trial or not is a single selection.
    """

    numbers: Array

    @staticmethod
    def of(theta: Array, stride: Array, triangle: triangles.Triangle, square: Array, size: Array) -> "Linearization":
        """The point from its parts."""
        R = triangle.R.reshape(len(theta), -1)
        return Linearization(jnp.concatenate([theta, stride, R, triangle.z, square[:, None], size[:, None]], axis=1))

    @property
    def count(self) -> int:
        """q."""
        return math.isqrt(self.numbers.shape[1]) - 1

    @property
    def theta(self) -> Array:
        """(L, q)."""
        return self.numbers[:, : self.count]

    @property
    def stride(self) -> Array:
        """The change of theta that is 1 in the coordinates of the triangle, (L, q)."""
        return self.numbers[:, self.count : 2 * self.count]

    @property
    def triangle(self) -> triangles.Triangle:
        """R (L, q, q) and z (L, q)."""
        q = self.count
        return triangles.Triangle(self.numbers[:, 2 * q : -q - 2].reshape(-1, q, q), self.numbers[:, -q - 2 : -2])

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
        return norm(self.triangle.z)

    @property
    def rounding(self) -> Array:
        """How well r is known, (L,)."""
        return float(jnp.finfo(self.numbers.dtype).eps) * self.size

    @property
    def finite(self) -> Array:
        """Whether everything here is, (L,)."""
        return jnp.all(jnp.isfinite(self.numbers), axis=1)


class Model:
    """A block made ready: the weighted curve of every lane, and its derivatives, at theta (L, q).

    first: where the lanes start. square: |y|^2, weighted and in units of the data, or where y is 0 |r|^2 at the start,
    (L,).
    """

    first: Linearization
    square: Array

    def __init__(self, curve: Curve, data: Curves):
        lanes, n = batching.count_lanes(data), data.y.shape[1]
        self._axes, self._rest = batching.lane_axes((data.captured, data.x), lanes)
        self._curve = curve
        self._y = data.y
        # Without weights there is nothing to multiply by: they are 1 for all rows.
        self._even = n > 1 and data.weights.shape[1] == data.precision.shape[1] == 1
        self._of_weights = self._of_precision = jnp.ones((1,), data.y.dtype)
        if not self._even:
            self._present = jnp.broadcast_to(data.weights > 0, (data.weights.shape[0], n))
            weights, self._of_weights = _parts(data.weights, self._present)
            precision, self._of_precision = _parts(data.precision, self._present)
            self._root = jnp.sqrt(weights * precision)
        start = jnp.broadcast_to(data.start, (lanes, data.start.shape[1]))
        values, columns = self._derive(start)
        one = jnp.ones((1, 1), data.y.dtype)
        size = _mean_size(self._weighted(self._y, one))
        target = jnp.where(size > 0, self._y, values)
        self._unit = 1 / power_of_two(jnp.where(size > 0, size, _mean_size(self._weighted(values, one))))
        target = self._weighted(target, self._unit)
        self.square = row_sum(target, target)
        stride = _normal(1 / power_of_two(_mean_size(self._weighted(columns, one)))[:, :, 0].T / self._unit)
        self.first = self._triangular(start, stride, values, columns)

    def at(self, theta: Array, stride: Array) -> Linearization:
        """Residuals and derivatives, in triangular form; a stride (L, q) that is about right becomes the right one."""
        return self._triangular(theta, stride, *self._derive(theta))

    def acceleration(self, at: Linearization, move: Array) -> Array:
        """J' times the second derivative of the curve along `move` (L, q) of theta, shape (L, q)."""

        def one(theta: Array, stride: Array, move: Array, rest: tuple[list[Array], Any]) -> tuple[Array, Array]:
            captured, x = rest

            def curve(theta: Array) -> Array:
                return self._curve(captured, theta, x)

            _, second = jax.jvp(lambda theta: jax.jvp(curve, (theta,), (move,))[1], (theta,), (move,))
            push = jax.linearize(curve, theta)[1]
            return second, jax.vmap(push)(jnp.diag(stride))

        axes = (0, 0, 0, self._axes)
        second, columns = jax.vmap(one, axes, (0, 1))(at.theta, at.stride, move, self._rest)
        columns, second = self._weighted(columns, self._unit), self._weighted(second, self._unit)
        return contract("kln,ln->lk", columns, second)

    def in_units_of_y(self, square: Array) -> Array:
        """A sum of weighted squares (L,) in the units of y, precision and weights."""
        return square / self._of_weights / self._of_precision / self._unit[:, 0] / self._unit[:, 0]

    def _derive(self, theta: Array) -> tuple[Array, Array]:
        """The curve (L, n) and its derivatives (q, L, n)."""

        def one(theta: Array, rest: tuple[list[Array], Any]) -> tuple[Array, Array]:
            captured, x = rest
            values, push = jax.linearize(lambda theta: self._curve(captured, theta, x), theta)
            return values, jax.vmap(push)(jnp.eye(len(theta), dtype=theta.dtype))

        return jax.vmap(one, (0, self._axes), (0, 1))(theta, self._rest)

    def _triangular(self, theta: Array, stride: Array, values: Array, columns: Array) -> Linearization:
        residual = self._weighted(self._y - values, self._unit)
        columns = self._weighted(columns, (stride * self._unit).T[:, :, None])
        R, z = triangles.triangularize(columns, residual)
        lengths = triangles.column_norms(R)
        # Powers of two, so that no bit of R changes.
        new = _normal(stride / power_of_two(lengths))
        factor = new / stride
        square = jnp.sum(residual * residual, axis=1)
        size = jnp.sqrt(self.square + square + jnp.sum((lengths * (theta / stride)) ** 2, axis=1))
        return Linearization.of(theta, new, triangles.Triangle(R * factor[:, None], z), square, size)

    def _weighted(self, rows: Array, unit: Array) -> Array:
        """Rows in a unit, times the roots of their weights, 0 where absent; (L, n), or (q, L, n)."""
        unit = unit.reshape((1,) * (rows.ndim - unit.ndim) + unit.shape)
        if self._even:
            return rows * unit
        present, root = (jnp.expand_dims(a, range(rows.ndim - 2)) for a in (self._present, self._root))
        return jnp.where(present, rows * unit * root, 0)


def norm(p: Array) -> Array:
    """The lengths of p (L, q), (L,)."""
    return jnp.sqrt(jnp.sum(p**2, axis=1))


def _normal(power: Array) -> Array:
    """Powers of two, those held that leave the normal numbers or whose inverse does."""
    tiny = float(jnp.finfo(power.dtype).tiny)
    return jnp.clip(power, tiny, 1 / tiny)


def _parts(values: Array, present: Array) -> tuple[Array, Array]:
    """Weights or precisions (L, n) as parts of a power of two near the largest, 0 where absent, and what they were
    multiplied by, (L,).
    """
    values = jnp.where(present, values, 0)
    factor = 1 / power_of_two(jnp.max(values, axis=1))
    return values * factor[:, None], factor


def _mean_size(rows: Array) -> Array:
    """sum_i |rows_i| / n over the last axis, kept."""
    share = jnp.full_like(rows, 1 / rows.shape[-1], shape=rows.shape[-1:])
    return contract("...n,n->...", jnp.abs(rows), share)[..., None]
