"""Logarithms of both tails of the normal, Student t, gamma and beta laws, right beyond where the tails underflow.

With n = a + b, x + y = 1 and the prefix x^a y^b / B(a, b) (see `gamma_terms`), the lower tail of the beta law is

    I_x(a, b) = prefix / K,    d log I / d v = K,    d K / d v = -K (K - (a - n x)),    v = log(x / y),

where K is a continued fraction, taken for the tail on its side of the mean; the other is the complement. The gamma law
is the limit b -> inf with b x -> m.

`jax.scipy.special` has no logarithms of these, no derivatives in the shapes of `betainc`, and a `log_ndtr` that is 4e-9
off at 20 in float64. The likelihood of censored samples needs all three.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from jaxnotes.core.special import tails
from jaxnotes.core.special.gamma_terms import gamma_excess, log_beta_prefix, log_gamma_prefix, log_student_density
from jaxnotes.core.special.logs import log1m_exp, log_ratio
from jaxnotes.core.special.numerics import mills_ratio, with_slopes
from jaxnotes.core.values.arrays import Array

# Beyond this ab / (a + b) the fraction would need more levels than it is given.
LARGEST = 1e9
LOG_ROOT_2PI = math.log(2 * math.pi) / 2


@with_slopes(lambda z: -_hazard(z))
def log_normal_sf(z: Array) -> Array:
    """log P(Z > z) for the standard normal law."""
    outer = -z * z / 2 - LOG_ROOT_2PI + jnp.log(mills_ratio(jnp.abs(z)))
    return jnp.where(z < 0, log1m_exp(outer), outer)


def _hazard(z: Array) -> Array:
    """density(z) / P(Z > z)."""
    left = z < 0
    near = jnp.exp(-z * z / 2 - LOG_ROOT_2PI - jnp.where(left, log_normal_sf(z), 0))
    return jnp.where(left, near, 1 / mills_ratio(jnp.where(left, 0, z)))


@with_slopes(lambda a, b: jnp.exp(-_log_rest(a, b)), lambda a, b: -jnp.exp(jnp.minimum(b - a, 0) - _log_rest(a, b)))
def log_difference(a: Array, b: Array) -> Array:
    """log(exp(a) - exp(b)) for a >= b, both may be -inf; NaN for a < b."""
    return a + _log_rest(a, b)


def _log_rest(a: Array, b: Array) -> Array:
    """log(1 - exp(b - a)); 0 where b is -inf."""
    return log1m_exp(jnp.where(b == -jnp.inf, -jnp.inf, b - a))


def log_student_tails(z: Array, df: Array) -> tuple[Array, Array]:
    """log P(T <= z) and log P(T > z) for Student's t law, df > 0 and finite."""
    eps = float(jnp.finfo(z.dtype).eps)
    # About 0 the tail is an odd series, where the beta law would take the logarithm of z; far out it is a power.
    near = jnp.abs(z) < eps**0.25
    size = jnp.where(near, 1, jnp.abs(z))
    held = jnp.minimum(size, jnp.sqrt(df) / eps)
    square = held / jnp.sqrt(df) * (held / jnp.sqrt(df))
    x, y = 1 / (1 + square), square / (1 + square)
    both = log_beta_tails(df / 2, 0.5 * jnp.ones_like(df), x, y, (1 - held) * (1 + held) / 2 * x)[0]
    outer = both - math.log(2) - df * log_ratio(size, held)
    inner = log1m_exp(outer)
    density = jnp.exp(log_student_density(jnp.zeros_like(df), df))
    z_near = jnp.where(near, z, 0)
    part = z_near * density * (1 - (1 + 1 / df) * z_near * z_near / 6)
    log_cdf = jnp.where(near, jnp.log(0.5 + part), jnp.where(z < 0, outer, inner))
    log_sf = jnp.where(near, jnp.log(0.5 - part), jnp.where(z < 0, inner, outer))
    return log_cdf, log_sf


def log_gamma_tails(a: Array, rate: Array, x: Array) -> tuple[Array, Array]:
    """log P(a, m) and log Q(a, m), the lower and upper tail of the gamma law of shape a at m = rate x > 0."""
    b = tails.endless(x.dtype)
    m = rate * x
    share, excess = jnp.minimum(m, b) / b, gamma_excess(a, rate, x)
    v = jnp.log(rate) + jnp.log(x)
    return _log_tails(log_gamma_prefix(a, rate, x), v, a, jnp.full_like(m, b), share, jnp.ones_like(m), excess)


def log_beta_tails(a: Array, b: Array, x: Array, y: Array, excess: Array) -> tuple[Array, Array]:
    """log I_x(a, b) and log I_y(b, a), the tails of the beta law at x; arguments as in `log_beta_prefix`."""
    return _log_tails(log_beta_prefix(a, b, x, y, excess), log_ratio(x, y), a, b, x, y, excess)


def _log_tails(prefix: Array, v: Array, a: Array, b: Array, x: Array, y: Array, excess: Array) -> tuple[Array, Array]:
    """The tails below and above x: one as prefix / K, by the fraction for its side of the mean, one as the rest."""
    below = excess < y - x
    ok = a / (a + b) * b <= LARGEST
    a, b = jnp.where(below, a, b), jnp.where(below, b, a)
    x, y = jnp.where(below, x, y), jnp.where(below, y, x)
    v, gap = jnp.where(below, v, -v), jnp.where(below, -excess, excess)
    given, stand_in = (v, a, b, x, y, gap), (0, 1, 1, 0.5, 0.5, 0)
    safe = (jnp.where(ok, value, other) for value, other in zip(given, stand_in, strict=True))
    known = jnp.where(ok, jnp.minimum(prefix - jnp.log(_fraction(*safe)), 0), jnp.nan)
    rest = log1m_exp(known)
    return jnp.where(below, known, rest), jnp.where(below, rest, known)


@jax.custom_jvp
def _fraction(v: Array, a: Array, b: Array, x: Array, y: Array, gap: Array) -> Array:
    """K for x on the lower side, gap = a - n x. Derivatives are taken through v, a and b, of which the rest depend."""
    return _levels(v, a, b, x, y, gap)


def _levels(v: Array, a: Array, b: Array, x: Array, y: Array, gap: Array) -> Array:
    """DLMF 8.17.22."""
    return tails.beta_fraction(b * x / (a * y), x, gap, a, b)


def _fraction_jvp(primals: tuple[Array, ...], tangents: tuple[Array | SymbolicZero, ...]) -> tuple[Array, Array]:
    v_dot, *shape_dots = tangents[:3]
    gap, value = primals[-1], _fraction(*primals)
    change = jnp.zeros_like(value)
    if not isinstance(v_dot, SymbolicZero):
        change = change - value * (value - gap) * v_dot
    for i, dot in enumerate(shape_dots, start=1):
        if not isinstance(dot, SymbolicZero):
            change = change + _forwards(functools.partial(_slope, _levels, i))(*primals) * dot
    return value, change


_fraction.defjvp(_fraction_jvp, symbolic_zeros=True)


def _slope(f: Callable[..., Array], i: int, *args: Array) -> Array:
    """The derivative of f in v, a or b, the first three arguments, of which the others are functions."""
    _, a, b, x, y, _ = args
    one, zero = jnp.ones_like(x), jnp.zeros_like(x)
    direction = [
        (one, zero, zero, x * y, -x * y, -(a + b) * x * y),
        (zero, one, zero, zero, zero, y),
        (zero, zero, one, zero, zero, -x),
    ][i]
    return jax.jvp(f, args, direction)[1]


def _forwards(f: Callable[..., Array]) -> Callable[..., Array]:
    """f, differentiated forwards at every order: a loop whose length is computed has no reverse mode.

    These derivatives are linear in the tangents, and JAX transposes that.
    """
    primal = jax.custom_jvp(f)

    def rule(primals: tuple[Array, ...], tangents: tuple[Array | SymbolicZero, ...]) -> tuple[Array, Array]:
        value = primal(*primals)
        change = jnp.zeros_like(value)
        for i, dot in enumerate(tangents[:3]):
            if not isinstance(dot, SymbolicZero):
                change = change + _forwards(functools.partial(_slope, f, i))(*primals) * dot
        return value, change

    primal.defjvp(rule, symbolic_zeros=True)
    return primal
