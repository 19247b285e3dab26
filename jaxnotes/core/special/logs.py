"""Logarithms of differences and ratios that keep their digits where the plain form cancels, overflows or underflows.

Derivatives are stated, not traced through the cases: they are as exact, and compile in a fraction of the time. XLA's
log1p in float64 is off by a hundred eps between -0.42 and -0.3, which the cases here avoid.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.special.double_word import Double, scaled, two_sum
from jaxnotes.core.special.numerics import with_slopes
from jaxnotes.core.values.arrays import Array


@with_slopes(lambda x: _log1m_exp_slope(x))
def log1m_exp(x: Array) -> Array:
    """log(1 - exp(x)) for x <= 0, as log(-expm1 x) or log1p(-exp x), whichever keeps the digits of the small one.

    Source: Mächler, Accurately computing log(1 - exp(-|a|)) (2012), vignette of the R package Rmpfr.
    """
    return jnp.where(x > -1.25, jnp.log(-jnp.expm1(x)), jnp.log1p(-jnp.exp(x)))


def _log1m_exp_slope(x: Array) -> Array:
    return -jnp.exp(x - log1m_exp(x))


@with_slopes(lambda x: _log1m_exp_exp_slope(jnp.minimum(x, 10)))
def log1m_exp_exp(x: Array) -> Array:
    """log(1 - exp(-exp(x))), the logarithm of the inverse complementary log-log link; x where exp(x) underflows."""
    low = x < math.log(jnp.finfo(x.dtype).eps) / 2
    return jnp.where(low, x - jnp.exp(x) / 2, log1m_exp(-jnp.exp(x)))


def _log1m_exp_exp_slope(x: Array) -> Array:
    """0 in float64 from 10 on, where x may be held: exp(x) would overflow later."""
    return jnp.exp(x - jnp.exp(x) - log1m_exp_exp(x))


@with_slopes(lambda x: 2 * (x / jnp.hypot(x, jnp.ones_like(x))) / jnp.hypot(x, jnp.ones_like(x)))
def log1p_square(x: Array) -> Array:
    """log(1 + x^2), where x^2 overflows too."""
    small = jnp.abs(x) < 1
    large = jnp.where(small, 1, jnp.abs(x))
    return jnp.where(small, jnp.log1p(x * x), 2 * jnp.log(large) + jnp.log1p(1 / large / large))


@jax.custom_jvp
def log_ratio(x: Array, y: Array) -> Array:
    """log(x / y) for x, y > 0, right to a few eps of itself: near 1, and where the quotient leaves the dtype."""
    info = jnp.finfo(jnp.result_type(x, y))
    ratio = x / y
    normal = (ratio >= float(info.tiny)) & (ratio <= float(info.max))
    far = jnp.where(normal, jnp.log(ratio), jnp.log(x) - jnp.log(y))
    return jnp.where((ratio > 0.7) & (ratio < 1.4), jnp.log1p((x - y) / y), far)


@log_ratio.defjvp
def _(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    return log_ratio(*primals), tangents[0] / primals[0] - tangents[1] / primals[1]


def double_log(x: Double) -> Double:
    """log(x) for x > 0 in two words, right to about eps^2 |log(x)| + eps / 100.

    With x = 2^k f and f in [sqrt(1/2), sqrt 2) it is k log 2 + 2 atanh(v) for v = (f - 1) / (f + 1), where v in two
    words leaves a remainder of third order.
    """
    f, k = jnp.frexp(x.high)
    low = f < math.sqrt(0.5)
    f, k = jnp.where(low, 2 * f, f), jnp.where(low, k - 1, k).astype(f.dtype)
    v = Double.of(f - 1) / two_sum(f, jnp.ones_like(f))
    log2 = np.asarray(math.log(2), f.dtype)
    log2_low = math.log(2) - float(log2) + 2.3190468138462996e-17
    whole = scaled(Double(jnp.full_like(f, log2), jnp.full_like(f, log2_low)), k)
    return whole + Double(2 * v.high, 2 * v.low) + Double.of(atanh_excess(v.high) + x.low / x.high)


@jax.custom_jvp
def log_minus(x: Array, m: Array) -> Array:
    """log(x) - m for x > 0, right to about eps^2 |m| + eps |log(x) - m|."""
    high, low = double_log(Double.of(x))
    return (high - m) + low


@log_minus.defjvp
def _(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    return log_minus(*primals), tangents[0] / primals[0] - tangents[1]


def atanh_excess(v: Array) -> Array:
    """2 (atanh(v) - v) for |v| <= 0.172, from the series 2 (v^3/3 + v^5/5 + ...)."""
    square, total = v * v, jnp.zeros_like(v)
    for power in range(25, 1, -2):
        total = total * square + 1 / power
    return 2 * v * square * total
