"""Tails and quantiles of the normal, Student t, F and chi-squared laws, right far out and in single precision.

All four are one function. For F with 2b and 2a degrees of freedom, n = a + b, m = (a + bx)/n and y = a/(a + bx),

    P(F > x) = I_y(a, b) = C exp(-D) / K,    D = a g(m) + b g(m/x),    g(z) = log z - 1 + 1/z >= 0,

where D is the deviance of the observed ratio (Loader 2000), C = sqrt(ab/2πn) exp(S(n) - S(a) - S(b)) holds Stirling's
corrections S, and the continued fraction K (DLMF 8.17.22) equals x pdf(x) / P(F > x). Student's t² is F(1, df),
chi-squared / df is F(df, ∞), the normal is both; a lower tail is an upper one with a, b and x, 1/x exchanged.

`jax.scipy.special` takes exponentials of differences of large logarithms: in float32 its `betainc` and `gammaincc` are
wrong by 1e-4 at a thousand degrees of freedom and by 5e-2 at 1e5. Here nothing large cancels, and D, of which exp asks
the absolute error, is carried in two words (`double_word`).
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from jaxnotes.core.special.double_word import Double, scaled, two_sum
from jaxnotes.core.special.gamma_terms import stirling_error
from jaxnotes.core.special.logs import atanh_excess, double_log
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.loop import iterate


def endless(dtype: jnp.dtype) -> float:
    """The number that stands in for infinite degrees of freedom."""
    return float(jnp.finfo(dtype).max) ** 0.4


def _deviance(v: Double, w: Double, log: Double) -> Double:
    """log(1 + e) - w >= 0 for v = e/(e + 2), w = e/(e + 1), log = log(1 + e): near 0 as vw + 2(atanh v - v)."""
    near, far = v * w + Double.of(atanh_excess(v.high)), log - w
    small = jnp.abs(v.high) < 0.17
    return Double(jnp.where(small, near.high, far.high), jnp.where(small, near.low, far.low))


def beta_fraction(r: Array, y: Array, excess: Array, a: Array, b: Array) -> Array:
    """K of the module text, bottom up: the even part of DLMF 8.17.22; excess = a - ny without its cancellation.

    The number of levels bounds what an error of one rounding needs: (0.75 L √h)^(2/3) of them while level < a, b
    (h = ab/n, L = -log eps), then as many as the limiting rate of convergence asks for.
    """
    digits = -math.log(jnp.finfo(r.dtype).eps)
    rate = jnp.minimum((digits / 4) ** 2 * r / b, digits / 4 / jnp.arctanh(jnp.sqrt(1 - y)))
    levels = 4 + (0.75 * digits * jnp.sqrt(a / (a + b) * b)) ** (2 / 3) + rate
    depth = jnp.max(jnp.minimum(levels, 10_000), initial=0).astype(int)

    def partial(m: Array) -> Array:
        down, up = m * ((b - m) * y) / jnp.maximum(a + 2 * m - 1, a), (a + m) / (a + 2 * m + 1)
        return m + down + up * (excess + 1 + m * (2 - y))

    def level(i: Array, tail: Array) -> Array:
        m = (depth - i).astype(r.dtype)
        width = a + 2 * m - 1
        return partial(m - 1) + m * ((a + m - 1) / width) * ((a + b + m - 1) * y / width) * ((b - m) * y) / tail

    return lax.fori_loop(0, depth, level, partial(depth.astype(r.dtype)))


def _weight(a: Array, b: Array) -> Array:
    """C of the module text."""
    both, alone_a, alone_b = stirling_error(jnp.stack([a + b, a, b]))
    return jnp.sqrt(a / (a + b) * b / (2 * math.pi)) * jnp.exp(both - alone_a - alone_b)


def _tail(r: Double, log_r: Double, a: Array, b: Array) -> tuple[Double, Array]:
    """-D and K of the module text at x = 1/r >= 1, here with m/x = 1 - p(1 - r) and m = 1 + q(1 - r)/r."""
    n, one = two_sum(a, b), Double.of(jnp.ones_like(a))
    p, q, gap = Double.of(a) / n, Double.of(b) / n, -r + one
    m_r, rise, fall = p * r + q, q * gap, -(p * gap)
    log = double_log(m_r)
    up = _deviance(rise / (r + m_r), rise / m_r, log - log_r)
    down = _deviance(fall / (m_r + one), fall / m_r, log)
    most = a * r.high
    y, excess = most / (most + b), a / (most + b) * b * gap.high
    return -(scaled(up, a) + scaled(down, b)), beta_fraction(r.high, y, excess, a, b)


def _fold(k: int, s: Array, c: Array, upper: Array) -> tuple[Double, Double]:
    """r = 1/x and log r for x = (s/c)^k; of 1/x if not upper."""
    s = _clip(s)
    top, bottom = Double.of(jnp.where(upper, c, s)), Double.of(jnp.where(upper, s, c))
    r, log_r = top / bottom, double_log(top) - double_log(bottom)
    return (r, log_r) if k == 1 else (r * r, log_r + log_r)


def _clip(s: Array) -> Array:
    """Hold s where its halves cannot overflow and a tail as small as s is still a normal float."""
    info = jnp.finfo(s.dtype)
    return jnp.clip(s, float(info.tiny) ** 0.75, float(info.max) * 0.99)


def _evaluate(k: int, s: Array, c: Array, b: Array, a: Array) -> tuple[Array, Array, Array]:
    """Whether s is above the centre, the probability of the tail on its side, and the density of log s."""
    upper = s >= c
    exponent, fraction = _tail(*_fold(k, s, c, upper), jnp.where(upper, a, b), jnp.where(upper, b, a))
    half = jnp.exp(exponent.high / 2)
    joint = half * _weight(a, b) * half * (1 + exponent.low)
    return upper, joint / fraction, k * joint


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
@functools.partial(jax.jit, static_argnums=0)
def _sf(k: int, s: Array, c: Array, b: Array, a: Array) -> Array:
    """P(S > s) for (S/c)^k of the F law with 2b and 2a degrees of freedom, s >= 0."""
    upper, tail, _ = _evaluate(k, s, c, b, a)
    return jnp.where(s == jnp.inf, 0.0, jnp.where(s > 0, jnp.where(upper, tail, 1 - tail), 1.0))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
@functools.partial(jax.jit, static_argnums=0)
def _density(k: int, s: Array, c: Array, b: Array, a: Array) -> Array:
    """Minus the derivative of `_sf` in s."""
    return _evaluate(k, s, c, b, a)[2] / _clip(s)


class _Search(NamedTuple):
    """Newton's steps towards a quantile s: which of them still move, and how many were taken."""

    s: Array
    active: Array
    steps: Array


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
@functools.partial(jax.jit, static_argnums=0)
def _isf(k: int, q: Array, rest: Array, c: Array, b: Array, a: Array) -> Array:
    """The s of `_sf` = q, where rest = 1 - q; Newton on log tail against log y.

    log I_y is concave in log y for b >= 1 and convex for b < 1, and the start (the power law that I_y tends to, or the
    centre) lies on the side from which Newton's steps do not cross the root.
    """
    weight = _weight(a, b)
    upper = q < weight / beta_fraction(jnp.ones_like(q), a / (a + b), jnp.zeros_like(q), a, b)
    a, b = jnp.where(upper, a, b), jnp.where(upper, b, a)
    p = jnp.where(upper, q, rest)
    log_p = double_log(Double.of(jnp.where(p > 0, p, 0.5)))
    power = jnp.where(upper, 1.0, -1.0) / k
    log_power_law = (log_p.high + jnp.log(a / weight) - b * jnp.log1p(a / b)) / a
    start = jnp.log1p(b / a) - jnp.minimum(log_power_law, 0)
    first = c * jnp.exp(power * (jnp.log(a / b) + start + jnp.log(-jnp.expm1(-start))))

    def step(search: _Search) -> _Search:
        r, log_r = _fold(k, search.s, c, upper)
        exponent, fraction = _tail(r, log_r, a, b)
        miss = exponent - log_p
        share = b / (a * r.high + b)
        change = jnp.expm1((miss.high + (miss.low + jnp.log(weight / fraction))) * share / fraction) / share
        move = jnp.log1p(jnp.maximum(change, -0.9))
        small = float(jnp.finfo(q.dtype).eps) ** 0.6
        return _Search(search.s * jnp.exp(power * move), jnp.abs(move) > small, search.steps + 1)

    s = iterate(step, _Search(first, jnp.ones_like(q, bool), jnp.zeros_like(q, int)), 60).s
    return jnp.where(p > 0, s, jnp.where(upper, jnp.inf, 0.0))


def _along_shape(
    function: Callable[..., Array], shape: tuple[Array, ...], tangents: tuple[Array | SymbolicZero, ...]
) -> Array | float:
    """How function(c, b, a) moves as the shape of the law does.

    By forward differentiation of the continued fraction, one parameter at a time and only those that move: as numbers
    times tangents, which can be transposed, unlike the loop.
    """
    total: Array | float = 0.0
    for i, tangent in enumerate(tangents):
        if not isinstance(tangent, SymbolicZero):
            units = tuple(jnp.ones_like(part) if i == j else jnp.zeros_like(part) for j, part in enumerate(shape))
            total += jax.jvp(function, shape, units)[1] * tangent
    return total


def _along(slope: Array, tangent: Array | SymbolicZero) -> Array | float:
    return 0.0 if isinstance(tangent, SymbolicZero) else slope * tangent


def _sf_jvp(k: int, primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    s, *shape = primals
    moved = _along_shape(lambda *shape: _sf.__wrapped__(k, s, *shape), tuple(shape), tangents[1:])
    return _sf(k, *primals), _along(-_density(k, *primals), tangents[0]) + moved + jnp.zeros_like(s)


def _density_jvp(k: int, primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    (s, *shape), density = primals, _density(k, *primals)
    c, b, a = shape
    at = _clip(s)
    slope = (k * b - 1 - k * (a + b) * b / (a * (c / at) ** k + b)) / at
    moved = _along_shape(lambda *shape: _density.__wrapped__(k, s, *shape), tuple(shape), tangents[1:])
    return density, _along(density * slope, tangents[0]) + moved + jnp.zeros_like(s)


def _isf_jvp(k: int, primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    q, _, *shape = primals
    s = _isf(k, *primals)
    moved = _along_shape(lambda *shape: _sf.__wrapped__(k, s, *shape), tuple(shape), tangents[2:])
    return s, (moved - _along(jnp.ones_like(q), tangents[0])) / _density(k, s, *shape)


_sf.defjvp(_sf_jvp, symbolic_zeros=True)
_density.defjvp(_density_jvp, symbolic_zeros=True)
_isf.defjvp(_isf_jvp, symbolic_zeros=True)


def _arrays(*values: ArrayLike) -> list[Array]:
    """Broadcast to one shape, in the dtype of the widest argument and no narrower than float32."""
    dtype = jnp.promote_types(jnp.result_type(float, *values), jnp.float32)
    shape = jnp.broadcast_shapes(*map(jnp.shape, values))
    return [jnp.broadcast_to(jnp.asarray(value, dtype), shape) for value in values]


def _lawful(c: Array, b: Array, a: Array) -> Array:
    """Whether the degrees of freedom make a law."""
    return (c < jnp.inf) & (b > 0) & (b < jnp.inf) & (a > 0)


def _guard(ok: Array, *values: Array) -> list[Array]:
    """Put ½ where not ok, and a stand-in for an infinite denominator."""
    return [jnp.where(ok, value, 0.5) for value in (*values[:-1], jnp.minimum(values[-1], endless(values[-1].dtype)))]


def _upper(k: int, s: Array, c: ArrayLike, b: ArrayLike, a: ArrayLike) -> Array:
    """`_sf`, with NaN for what is no law or no number."""
    s, c, b, a = _arrays(s, c, b, a)
    ok = (s >= 0) & _lawful(c, b, a)
    return jnp.where(ok, _sf(k, *_guard(ok, s, c, b, a)), jnp.nan)


def _quantile(k: int, q: Array, rest: Array, c: ArrayLike, b: ArrayLike, a: ArrayLike) -> Array:
    """`_isf`, with NaN for what is no law or no probability."""
    q, rest, c, b, a = _arrays(q, rest, c, b, a)
    ok = (q >= 0) & (rest >= 0) & _lawful(c, b, a)
    return jnp.where(ok, _isf(k, *_guard(ok, q, rest, c, b, a)), jnp.nan)


def norm_sf(x: ArrayLike) -> Array:
    """Upper tail of the standard normal law.

    P(Z > x) = erfc(x/√2)/2.

    Arguments: x, any shape, float32 or float64.
    Returns the tail, shape and dtype of x: 1 at -inf, 0 at +inf, NaN at NaN.

    >>> print(f"{norm_sf(1.96):.6f}")
    0.024998

    Source: Abramowitz & Stegun 26.2.3, as the limit of `t_sf`.
    """
    return t_sf(x, math.inf)


def norm_isf(p: ArrayLike) -> Array:
    """Upper quantile of the standard normal law: the x of P(Z > x) = p.

    dx/dp = -1/pdf(x).

    Arguments: p, any shape, float32 or float64.
    Returns x, shape and dtype of p: +inf at 0, -inf at 1, NaN outside [0, 1].

    >>> print(f"{norm_isf(0.025):.5f}")
    1.95996

    Source: Abramowitz & Stegun 26.2.3, solved for x.
    """
    return t_isf(p, math.inf)


def t_sf(x: ArrayLike, df: ArrayLike) -> Array:
    """Upper tail of Student's t law.

    P(T > x) = I_y(df/2, 1/2)/2 with y = df/(df + x²), for x >= 0; the complement of P(T > -x) for x < 0.

    Arguments: x and df, broadcast against each other, float32 or float64; df > 0, +inf being the normal law.
    Returns the tail: 1 at -inf, 1/2 at 0, 0 at +inf, NaN for NaN or df <= 0.

    >>> print(f"{t_sf(2.0, 10):.6f}")
    0.036694

    Source: Abramowitz & Stegun 26.7.1.
    """
    x, df = _arrays(x, df)
    tail = t_two_sided(x, df) / 2
    return jnp.where(x < 0, 1 - tail, tail)


def t_two_sided(x: ArrayLike, df: ArrayLike) -> Array:
    """Both tails of Student's t law: the p-value of a t statistic.

    P(|T| > |x|) = I_y(df/2, 1/2) with y = df/(df + x²).

    Arguments: x and df, broadcast against each other, float32 or float64; df > 0, +inf being the normal law.
    Returns the tails: 1 at 0, 0 at ±inf, NaN for NaN or df <= 0.

    >>> print(f"{t_two_sided(-2.0, 10):.6f}")
    0.073388

    Source: Abramowitz & Stegun 26.7.1.
    """
    x, df = _arrays(x, df)
    return _upper(2, jnp.where(x < 0, -x, x), 1.0, 0.5, df / 2)


def t_isf(p: ArrayLike, df: ArrayLike) -> Array:
    """Upper quantile of Student's t law: the x of P(T > x) = p.

    dx/dp = -1/pdf(x).

    Arguments: p and df, broadcast against each other, float32 or float64; df > 0, +inf being the normal law.
    Returns x: +inf at 0, 0 at 1/2, -inf at 1, NaN for p outside [0, 1], NaN or df <= 0.

    >>> print(f"{t_isf(0.025, 10):.5f}")
    2.22814

    Source: Abramowitz & Stegun 26.7.1, solved for x.
    """
    p, df = _arrays(p, df)
    right = p <= 0.5
    both, rest = 2 * jnp.where(right, p, 1 - p), jnp.where(right, 1 - 2 * p, 2 * p - 1)
    x = _quantile(2, both, rest, 1.0, 0.5, df / 2)
    return jnp.where(right, x, -x)


def f_sf(x: ArrayLike, dfn: ArrayLike, dfd: ArrayLike) -> Array:
    """Upper tail of the F law: the p-value of an F statistic.

    P(F > x) = I_y(dfd/2, dfn/2) with y = dfd/(dfd + dfn x).

    Arguments: x, dfn (of the numerator, finite) and dfd (of the denominator, +inf allowed), broadcast against each
    other, float32 or float64.
    Returns the tail: 1 for x <= 0, 0 at +inf, NaN for NaN or degrees of freedom <= 0.

    >>> print(f"{f_sf(3.0, 4, 20):.6f}")
    0.043201

    Source: Abramowitz & Stegun 26.6.2.
    """
    x, dfn, dfd = _arrays(x, dfn, dfd)
    return _upper(1, jnp.where(x < 0, 0.0, x), 1.0, dfn / 2, dfd / 2)


def f_isf(p: ArrayLike, dfn: ArrayLike, dfd: ArrayLike) -> Array:
    """Upper quantile of the F law: the x of P(F > x) = p.

    dx/dp = -1/pdf(x).

    Arguments: p, dfn (of the numerator, finite) and dfd (of the denominator, +inf allowed), broadcast against each
    other, float32 or float64.
    Returns x: +inf at 0 or where x is beyond the dtype, 0 at 1, NaN for p outside [0, 1], NaN or degrees <= 0.

    >>> print(f"{f_isf(0.05, 4, 20):.5f}")
    2.86608

    Source: Abramowitz & Stegun 26.6.2, solved for x.
    """
    p, dfn, dfd = _arrays(p, dfn, dfd)
    return _quantile(1, p, 1 - p, 1.0, dfn / 2, dfd / 2)


def chi2_sf(x: ArrayLike, df: ArrayLike) -> Array:
    """Upper tail of the chi-squared law: the p-value of a likelihood ratio.

    P(X > x) = Γ(df/2, x/2)/Γ(df/2).

    Arguments: x and df, broadcast against each other, float32 or float64; df > 0, finite.
    Returns the tail: 1 for x <= 0, 0 at +inf, NaN for NaN or df <= 0.

    >>> print(f"{chi2_sf(3.84, 1):.6f}")
    0.050044

    Source: Abramowitz & Stegun 26.4.2, 26.4.19.
    """
    x, df = _arrays(x, df)
    return _upper(1, jnp.where(x < 0, 0.0, x), df, df / 2, math.inf)


def chi2_isf(p: ArrayLike, df: ArrayLike) -> Array:
    """Upper quantile of the chi-squared law: the x of P(X > x) = p.

    dx/dp = -1/pdf(x).

    Arguments: p and df, broadcast against each other, float32 or float64; df > 0, finite.
    Returns x: +inf at 0, 0 at 1, NaN for p outside [0, 1], NaN or df <= 0.

    >>> print(f"{chi2_isf(0.05, 1):.5f}")
    3.84146

    Source: Abramowitz & Stegun 26.4.2, solved for x.
    """
    p, df = _arrays(p, df)
    return _quantile(1, p, 1 - p, df, df / 2, math.inf)
