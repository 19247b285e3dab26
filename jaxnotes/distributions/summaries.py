"""What the fits of the families ask of a sample: sums that keep their digits, and order statistics."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.special.double_word import Double
from jaxnotes.core.special.numerics import safe_sqrt
from jaxnotes.core.values.arrays import Array

# Rows that are summed one after the other.
PART = 256


class Empirical(NamedTuple):
    """The statistics of a family that needs the whole sample: x (n, ...), shares (n,) that sum to 1, what is known."""

    x: Array
    share: Array
    known: dict[str, Array]


def total(values: Array) -> Array:
    """The sum of values (n, ...) over the first axis, part by part: 1e7 rows round as a few hundred do."""
    while len(values) > PART:
        padded = jnp.pad(values, [(0, -len(values) % PART)] + [(0, 0)] * (values.ndim - 1))
        values = jnp.sum(padded.reshape(-1, PART, *values.shape[1:]), axis=1)
    return jnp.sum(values, axis=0)


def average(values: Array, share: Array) -> Array:
    """sum_i share_i values_i over the first axis, of values (n, ...)."""
    return total(share.reshape(-1, *(1,) * (values.ndim - 1)) * values)


def centre(x: Array, share: Array) -> Array:
    """The mean of x (n, ...), exact where all rows are equal; shares are rounded, of which it sees little."""
    near = jax.lax.stop_gradient(average(x, share))
    return near + average(x - near[None], share)


def log_spread(x: Array, mean: Array, share: Array) -> Array:
    """The mean of log(mean / x), as that of ratio - 1 - log(ratio), whose terms are not negative: none cancels."""
    ratio = x / mean
    return average((ratio - 1) - jnp.log(ratio), share)


def moments(rows: Empirical) -> tuple[Array, Array]:
    """The mean and the standard deviation (of divisor n)."""
    mean = centre(rows.x, rows.share)
    return mean, safe_sqrt(average((rows.x - mean) ** 2, rows.share))


def extremes(x: Array, share: Array) -> tuple[Array, Array]:
    """The least and the largest x (n,) of positive share."""
    present = share > 0
    return jnp.min(jnp.where(present, x, jnp.inf)), jnp.max(jnp.where(present, x, -jnp.inf))


def median(x: Array, share: Array) -> Array:
    """The middle of the values at which half of the weight lies on either side, an order statistic of any number of
    rows: shares are summed in two words, and equal but for the rounding of each.
    """
    order = jnp.argsort(x)
    x, share = x[order], jax.lax.stop_gradient(share[order])
    below = running_sums(share)
    half = jax.tree.map(lambda word: word[-1:] / 2, below)
    excess = (below - half).high
    rounding = 4 * float(jnp.finfo(x.dtype).eps) * jnp.sqrt(total(share * share))
    return x[jnp.argmax(excess >= -rounding)] / 2 + x[jnp.argmax(excess > rounding)] / 2


def running_sums(values: Array) -> Double:
    """The sums of the first 1, 2, ... values (n,), in two words: in a loop over a part of them at a time."""
    n, length = len(values), min(len(values), PART)

    def step(sum_so_far: Double, column: Array) -> tuple[Double, Double]:
        new = sum_so_far + Double.of(column)
        return new, new

    parts = jnp.pad(values, (0, -n % length)).reshape(-1, length)
    nothing = Double.of(jnp.zeros_like(values, shape=len(parts)))
    within = jax.tree.map(jnp.transpose, jax.lax.scan(step, nothing, parts.T)[1])
    ends = jax.tree.map(lambda word: word[:, -1], within)
    before = jax.tree.map(lambda word: word[:, None], _sums_before(ends))
    sums = within + Double(*(jnp.broadcast_to(word, parts.shape) for word in before))
    return jax.tree.map(lambda word: word.reshape(-1)[:n], sums)


def _sums_before(ends: Double) -> Double:
    """The sums of the numbers (m,) before each."""

    def step(sum_so_far: Double, end: Double) -> tuple[Double, Double]:
        return sum_so_far + end, sum_so_far

    zero = jnp.zeros_like(ends.high, shape=())
    return jax.lax.scan(step, Double.of(zero), ends)[1]
