"""Where and in what unit a sample is seen: x = origin + unit z, and how the parameters of x follow from those of z.

Fits and standard errors are computed from z, so that they depend neither on the unit of x nor, to rounding, on where
its zero is. A unit is a power of two and loses no bit.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix.scaling import power_of_two
from jaxnotes.core.values.arrays import Array
from jaxnotes.distributions.summaries import average, centre, median


class Frame(NamedTuple):
    """origin and unit, (), of a vector law (d,)."""

    origin: Array
    unit: Array


class Kind(NamedTuple):
    """How a parameter of x follows from that of z, and back, and the derivative of the one in the other."""

    place: Callable[[Array, Frame], Array]
    see: Callable[[Array, Frame], Array]
    slope: Callable[[Array, Frame], Array]


LOCATION = Kind(lambda v, f: f.origin + f.unit * v, lambda v, f: (v - f.origin) / f.unit, lambda v, f: f.unit)
LENGTH = Kind(lambda v, f: v * f.unit, lambda v, f: v / f.unit, lambda v, f: f.unit)
RATE = Kind(lambda v, f: v / f.unit, lambda v, f: v * f.unit, lambda v, f: 1 / f.unit)
LOGARITHM = Kind(lambda v, f: v + jnp.log(f.unit), lambda v, f: v - jnp.log(f.unit), lambda v, f: jnp.ones_like(v))
SQUARES = Kind(
    lambda v, f: v * f.unit[:, None] * f.unit[None],
    lambda v, f: v / f.unit[:, None] / f.unit[None],
    lambda v, f: f.unit[:, None] * f.unit[None],
)
NUMBER = Kind(lambda v, f: v, lambda v, f: v, lambda v, f: jnp.ones_like(v))

Kinds = Mapping[str, Kind]


def place(params: Any, kinds: Kinds, frame: Frame) -> Any:
    """The parameters of x from those of z."""
    return _each(params, kinds, lambda kind, value: kind.place(value, frame))


def see(params: Any, kinds: Kinds, frame: Frame) -> Any:
    """The parameters of z from those of x."""
    return _each(params, kinds, lambda kind, value: kind.see(value, frame))


def slopes(params: Any, kinds: Kinds, frame: Frame) -> Any:
    """The change of each parameter of x as that of z changes by 1."""
    return _each(params, kinds, lambda kind, value: jnp.broadcast_to(kind.slope(value, frame), jnp.shape(value)))


def _each(params: Any, kinds: Kinds, function: Callable[[Kind, Array], Array]) -> Any:
    return type(params)(*(function(kinds.get(name, NUMBER), getattr(params, name)) for name in params._fields))


def about_the_mean(x: Array, share: Array) -> Frame:
    """The mean and, nearly, the mean absolute deviation."""
    return _about(centre(x, share), x, share)


def about_the_median(x: Array, share: Array) -> Frame:
    """The median, near which heavy tails leave a sample its digits."""
    return _about(median(x, share), x, share)


def from_zero(x: Array, share: Array) -> Frame:
    """Zero and, nearly, the mean absolute value."""
    return _about(jnp.zeros_like(x[0]), x, share)


def _about(origin: Array, x: Array, share: Array) -> Frame:
    origin = jax.lax.stop_gradient(origin)
    return Frame(origin, power_of_two(average(jnp.abs(x - origin[None]), share)))
