"""Numbers as unevaluated sums high + low of two floats: residuals and inner products to twice the working precision.

Error-free transformations after Dekker (1971, Numer. Math. 18, 224-242) and Knuth (TAOCP 2, 4.2.2); the dot product is
Ogita, Rump and Oishi (2005, SIAM J. Sci. Comput. 26, 1955-1988). Factors are split by `reduce_precision`, which XLA
keeps, not by Veltkamp's multiplication, which a fused multiply-add would undo.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values.arrays import Array

# Rows are summed in a loop of about so many steps.
STEPS = 32
WIDTH = 256


class Double(NamedTuple):
    """The number high + low, low below the last digit of high; operators join two of them, right to some eps^2."""

    high: Array
    low: Array

    @staticmethod
    def of(x: Array) -> "Double":
        """x, exactly."""
        return Double(x, jnp.zeros_like(x))

    def __neg__(self) -> "Double":
        return Double(-self.high, -self.low)

    def __add__(self, other: "Double") -> "Double":
        return add(self, other)

    def __sub__(self, other: "Double") -> "Double":
        return add(self, -other)

    def __mul__(self, other: "Double") -> "Double":
        high, low = product(self.high, other.high)
        return _carry(high, low + (self.high * other.low + self.low * other.high))

    def __truediv__(self, other: "Double") -> "Double":
        quotient = self.high / other.high
        high, low = product(quotient, other.high)
        rest = (self.high - high) - low + (self.low - quotient * other.low)
        return _carry(quotient, rest / other.high)


def two_sum(a: Array, b: Array) -> Double:
    """fl(a + b) and its error: a + b exactly.

    A constant must stand on the right: XLA folds (constant + b) - constant into b.
    """
    s = a + b
    t = s - a
    return Double(s, (a - (s - t)) + (b - t))


def _carry(high: Array, low: Array) -> Double:
    """high + low exactly, where high is the larger or has no digits below the last of low."""
    s = high + low
    return Double(s, low - (s - high))


def product(a: Array, b: Array) -> Double:
    """a b, but for a relative error of about eps^2.

    Every partial product is exact, so that a fused multiply-add, which may skip the rounding of any product, is
    harmless: high is a b to its last digit, and what is left of the products is summed without an error.
    """
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    most, first, second = a_high * b_high, a_high * b_low, a_low * b_high
    high = most + (first + second)
    return Double(high, (((most - high) + first) + second) + a_low * b_low)


def _split(a: Array) -> Double:
    """Two halves of a, of at most half its significant bits each."""
    info = jnp.finfo(a.dtype)
    high = jax.lax.reduce_precision(a, info.nexp, info.nmant // 2 - 1 + info.nmant % 2)
    return Double(high, a - high)


def add(a: Double, b: Double) -> Double:
    """a + b."""
    high, low = two_sum(a.high, b.high)
    return _carry(high, low + (a.low + b.low))


def scaled(a: Double, factor: Array) -> Double:
    """factor times a."""
    high, low = product(a.high, factor)
    return _carry(high, low + a.low * factor)


def sum_last(a: Double) -> Double:
    """Sum over the last axis, in halves."""
    while (n := a.high.shape[-1]) > 1:
        half = n // 2
        first, second, rest = (
            Double(a.high[..., part], a.low[..., part])
            for part in (slice(half), slice(half, 2 * half), slice(2 * half, n))
        )
        a = Double(*(jnp.concatenate(words, axis=-1) for words in zip(first + second, rest, strict=True)))
    return Double(a.high[..., 0], a.low[..., 0])


def total(x: Array) -> Double:
    """The sum of x (n,): in halves, from WIDTH numbers on after a loop, for XLA takes minutes over many halvings."""
    slabs = jnp.pad(x, (0, -len(x) % WIDTH)).reshape(-1, WIDTH)
    if len(slabs) <= 1:
        return sum_last(Double.of(x))
    nothing = Double.of(jnp.zeros_like(slabs[0]))
    return sum_last(jax.lax.scan(lambda so_far, slab: (so_far + Double.of(slab), None), nothing, slabs)[0])


def residual(y: Array, X: Array, coef: Array | Double, intercept: Array | Double) -> Double:
    """y - intercept - X coef for X (n, p), each row as if computed exactly and then rounded to two words."""
    coef, base = (b if isinstance(b, Double) else Double.of(b) for b in (coef, intercept))

    def subtract(total: Double, column: tuple[Array, Array, Array]) -> tuple[Double, None]:
        x, high, low = column
        most, rest = product(x, -high)
        return total + Double(most, rest - x * low), None

    start = two_sum(y, jnp.broadcast_to(-base.high, y.shape))
    start = start._replace(low=start.low - base.low)
    return jax.lax.scan(subtract, start, (X.T, coef.high, coef.low))[0]


def score(X: Array, r: Double) -> tuple[Double, Double]:
    """The sum of r (n,), shape (), and X'r, shape (p,), for X (n, p), in a loop over a few rows at a time.

    At once and in halves it takes XLA twice as long to compile.
    """
    total = weighted_sums(jnp.concatenate([jnp.ones_like(X.T, shape=(1, len(X))), X.T]), r)
    return Double(total.high[0], total.low[0]), Double(total.high[1:], total.low[1:])


def weighted_sums(columns: Array, r: Double) -> Double:
    """sum_i columns_ki r_i, shape (k,), for columns (k, n) and r (n,)."""
    (k, n), (r_high, r_low) = columns.shape, r
    width = max(8, 2 ** (n // STEPS).bit_length())

    def slabs(a: Array) -> Array:
        padded = jnp.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, -n % width)])
        return jnp.moveaxis(padded.reshape(*a.shape[:-1], -1, width), -2, 0)

    def add_slab(total: Double, slab: tuple[Array, Array, Array]) -> tuple[Double, None]:
        columns, high, low = slab
        most, rest = product(columns, high[None])
        return total + Double(most, rest + columns * low[None]), None

    nothing = Double.of(jnp.zeros_like(columns, shape=(k, width)))
    return sum_last(jax.lax.scan(add_slab, nothing, (slabs(columns), slabs(r_high), slabs(r_low)))[0])


def exp(a: Double) -> Double:
    """e^a for a <= 0, right to some eps^2 of itself where its low word is a normal number; never below the least.

    With a = k log 2 + r it is 2^k times the series of e^r.
    """
    dtype, info = a.high.dtype, jnp.finfo(a.high.dtype)
    least = float(info.minexp) * math.log(2)
    a = Double(jnp.maximum(a.high, least), jnp.where(a.high > least, a.low, 0))
    k = jnp.round(a.high / math.log(2))
    # The first word of log 2 has so few digits that its multiples are exact.
    first, second, third = (jnp.full_like(k, word) for word in _LOG_2[dtype.name])
    multiple = product(k, second)
    r = two_sum(a.high - k * first, a.low) - Double(multiple.high, multiple.low + k * third)

    def nest(inner: Double, term: Array) -> tuple[Double, None]:
        return inner * r + Double(*(jnp.broadcast_to(word, k.shape) for word in term)), None

    terms = 14 if dtype == jnp.float32 else 27
    series = jax.lax.scan(nest, Double.of(jnp.zeros_like(k)), _inverse_factorials(terms, dtype))[0]
    bits = (k.astype(f"int{info.bits}") - (info.minexp - 1)) << info.nmant
    power = jax.lax.bitcast_convert_type(bits, dtype)
    return Double(series.high * power, series.low * power)


def _inverse_factorials(terms: int, dtype: jnp.dtype) -> Array:
    """1 / j! in two words, (terms, 2), the last first."""
    exact = [Fraction(1, math.factorial(j)) for j in reversed(range(terms))]
    words = [(word := np.asarray(float(f), dtype), np.asarray(float(f - Fraction(float(word))), dtype)) for f in exact]
    return jnp.asarray(np.array(words))


# log 2 as the sum of a word with few digits and two more.
_LOG_2 = {
    "float32": (0.69287109375, 0.0002760868228506297, -1.2905320270077144e-11),
    "float64": (0.6931471804855391, 7.440617110012397e-11, -1.3124698417785255e-27),
}
