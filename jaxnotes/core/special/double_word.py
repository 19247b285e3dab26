"""Numbers as unevaluated sums high + low of two floats: residuals and inner products to twice the working precision.

Error-free transformations after Dekker (1971, Numer. Math. 18, 224-242) and Knuth (TAOCP 2, 4.2.2); the dot product is
Ogita, Rump and Oishi (2005, SIAM J. Sci. Comput. 26, 1955-1988). Factors are split by `reduce_precision`, which XLA
keeps, not by Veltkamp's multiplication, which a fused multiply-add would undo.
"""

import jax
import jax.numpy as jnp

from jaxnotes.core.values.arrays import Array

Double = tuple[Array, Array]


def two_sum(a: Array, b: Array) -> Double:
    """(s, e) with s = fl(a + b) and s + e = a + b exactly."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def product(a: Array, b: Array) -> Double:
    """a b, but for a relative error of about eps^2.

    Every partial product is exact, so that a fused multiply-add, which may skip the rounding of any product, is
    harmless.
    """
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    high, first = two_sum(a_high * b_high, a_high * b_low)
    high, second = two_sum(high, a_low * b_high)
    return two_sum(high, (first + second) + a_low * b_low)


def _split(a: Array) -> Double:
    """Two halves of a, of at most half its significant bits each."""
    info = jnp.finfo(a.dtype)
    high = jax.lax.reduce_precision(a, info.nexp, info.nmant // 2 - 1 + info.nmant % 2)
    return high, a - high


def add(a: Double, b: Double) -> Double:
    """a + b."""
    high, low = two_sum(a[0], b[0])
    return two_sum(high, low + (a[1] + b[1]))


def scaled(a: Double, factor: Array) -> Double:
    """factor times a."""
    high, low = product(a[0], factor)
    return two_sum(high, low + a[1] * factor)


def sum_last(a: Double) -> Double:
    """Sum over the last axis, in halves."""
    high, low = a
    while (n := high.shape[-1]) > 1:
        half = n // 2
        first, second = ((high[..., s], low[..., s]) for s in (slice(half), slice(half, 2 * half)))
        rest = (high[..., 2 * half :], low[..., 2 * half :])
        high, low = (jnp.concatenate(pair, axis=-1) for pair in zip(add(first, second), rest, strict=True))
    return high[..., 0], low[..., 0]


def residual(y: Array, X: Array, coef: Array, intercept: Array) -> Double:
    """y - intercept - X coef for X (n, p), each row as if computed exactly and then rounded to two words."""

    def subtract(total: Double, column: tuple[Array, Array]) -> tuple[Double, None]:
        x, b = column
        return add(total, product(x, -b)), None

    start = two_sum(y, jnp.broadcast_to(-intercept, y.shape))
    return jax.lax.scan(subtract, start, (X.T, coef))[0]


def score(X: Array, r: Double) -> Double:
    """X'r for X (n, p) and r (n,), shape (p,)."""
    high, low = product(X.T, r[0][None])
    return sum_last((high, low + X.T * r[1][None]))
