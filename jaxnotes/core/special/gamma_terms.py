"""What log densities with gamma functions are made of, without the cancellation of large logarithms.

By Stirling, log Gamma(z) = (z - 1/2) log z - z + log(2 pi)/2 + S(z), and the logarithms that cancel near the mode are
gathered in the deviance (Loader 2000, Fast and accurate computation of binomial probabilities),

    D(k, m) = k log(k / m) + m - k >= 0.

    log( m^a exp(-m) / Gamma(a) )  =  log(a / 2 pi) / 2 - S(a) - D(a, m)
    log( x^a y^b / B(a, b) )       =  log(a b / (2 pi n)) / 2 + S(n) - S(a) - S(b) - D(a, n x) - D(b, n y)

with n = a + b and x + y = 1. These two prefixes, m f(m) for the gamma density f and x y f(x) for the beta density, are
the Poisson, gamma, binomial, negative binomial and beta laws but for simple factors. D is of second order in the excess
m - k, which therefore is computed in two words. Derivatives are stated, so that they do not cancel either.
"""

import functools
import math

import jax
import jax.numpy as jnp

from jaxnotes.core.special import double_word
from jaxnotes.core.special.logs import atanh_excess, log1p_square, log_ratio
from jaxnotes.core.values.arrays import Array

# B_2k / (2k (2k - 1)), k = 1 .. 7.
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def stirling_error(z: Array) -> Array:
    """S(z) = log Gamma(z) - (z - 1/2) log z + z - log(2 pi)/2 for z > 0, to some ten eps; -> 0 as 1 / (12 z)."""
    return _stirling(0, z)


def digamma_minus_log(z: Array) -> Array:
    """psi(z) - log(z) = S'(z) - 1 / (2z), for z > 0."""
    return _stirling(1, z) - 0.5 / z


def trigamma_rest(z: Array) -> Array:
    """psi'(z) - 1 / z, for z > 0; -> 1 / (2 z^2)."""
    return _stirling(2, z) + 0.5 / z / z


@jax.custom_jvp
def log_gamma_prefix(a: Array, rate: Array, x: Array) -> Array:
    """log( m^a exp(-m) / Gamma(a) ) for m = rate x; all positive."""
    deviance = _deviance(a, gamma_excess(a, rate, x), log_ratio(x, a / rate))
    return jnp.log(a / (2 * math.pi)) / 2 - stirling_error(a) - deviance


@log_gamma_prefix.defjvp
def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    a, rate, x = primals
    a_dot, rate_dot, x_dot = tangents
    excess = gamma_excess(a, rate, x)
    slope = _log_growth(a, excess, log_ratio(x, a / rate)) - digamma_minus_log(a)
    return log_gamma_prefix(a, rate, x), slope * a_dot - excess * (rate_dot / rate + x_dot / x)


@jax.custom_jvp
def gamma_excess(a: Array, rate: Array, x: Array) -> Array:
    """rate x - a, right to an eps of itself; held at an eighth of the largest number."""
    high, low = double_word.product(rate, x)
    largest = float(jnp.finfo(x.dtype).max) / 8
    # The halves of a product that overflows are NaN.
    return jnp.where(rate * x < largest, (high - a) + low, largest)


@gamma_excess.defjvp
def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    a, rate, x = primals
    return gamma_excess(a, rate, x), rate * tangents[2] + x * tangents[1] - tangents[0]


@jax.custom_jvp
def log_beta_prefix(a: Array, b: Array, x: Array, y: Array, excess: Array) -> Array:
    """log( x^a y^b / B(a, b) ) for x + y = 1 and excess = (a + b) x - a; all but the excess positive.

    y and excess are functions of the others, and given because the caller knows them better: derivatives are taken
    through a, b and x alone.
    """
    n = a + b
    corrections = stirling_error(n) - stirling_error(a) - stirling_error(b)
    deviances = _deviance(a, excess, log_ratio(x, a / n)) + _deviance(b, -excess, log_ratio(y, b / n))
    return jnp.log(a / n * b / (2 * math.pi)) / 2 + corrections - deviances


@log_beta_prefix.defjvp
def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    a, b, x, y, excess = primals
    a_dot, b_dot, x_dot = tangents[:3]
    n = a + b
    common = digamma_minus_log(n)
    a_slope = _log_growth(a, excess, log_ratio(x, a / n)) - digamma_minus_log(a) + common
    b_slope = _log_growth(b, -excess, log_ratio(y, b / n)) - digamma_minus_log(b) + common
    return log_beta_prefix(*primals), a_slope * a_dot + b_slope * b_dot - excess / x * (x_dot / y)


def log_binomial(k: Array, m: Array, eta: Array) -> Array:
    """log( C(m, k) p^k (1 - p)^(m - k) ) at the logit eta of p, for 0 <= k <= m: no difference of large logarithms."""
    inside = (k > 0) & (k < m)
    k_in, m_in = jnp.where(inside, k, 1), jnp.where(inside, m, 2)
    p, q = jax.nn.sigmoid(eta), jax.nn.sigmoid(-eta)
    proper = (p > 0) & (q > 0)
    p_in, q_in = jnp.where(proper, p, 0.5), jnp.where(proper, q, 0.5)
    excess = jnp.where(eta < 0, gamma_excess(k_in, m_in, p_in), -gamma_excess(m_in - k_in, m_in, q_in))
    near = log_beta_prefix(k_in, m_in - k_in, p_in, q_in, excess) - jnp.log(k_in / m_in * (m_in - k_in))
    # Where a probability underflows its logarithm does not, and drowns the coefficient.
    far = k * jax.nn.log_sigmoid(eta) + (m - k) * jax.nn.log_sigmoid(-eta)
    return jnp.where(inside & proper, near, far)


@jax.custom_jvp
def beta_excess(a: Array, b: Array, x: Array) -> Array:
    """(a + b) x - a, right to an eps of itself."""
    n, n_low = double_word.two_sum(a, b)
    high, low = double_word.product(n, x)
    return (high - a) + (low + n_low * x)


@beta_excess.defjvp
def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    a, b, x = primals
    return beta_excess(a, b, x), (a + b) * tangents[2] + x * tangents[1] - (1 - x) * tangents[0]


def log_student_density(z: Array, df: Array) -> Array:
    """The log density of Student's t law, df > 0 and finite."""
    a = df / 2
    # log( Gamma(a + 1/2) / Gamma(a) / sqrt(a) )
    ratio = a * jnp.log1p(1 / df) - 0.5 + stirling_error(a + 0.5) - stirling_error(a)
    return ratio - math.log(2 * math.pi) / 2 - (df + 1) / 2 * log1p_square(z / jnp.sqrt(df))


def _log_growth(k: Array, excess: Array, far: Array) -> Array:
    """log((k + excess) / k), near by the excess, which has more digits; else it is given."""
    near = jnp.abs(excess) < k / 4
    return jnp.where(near, jnp.log1p(jnp.where(near, excess, 0) / k), far)


def _deviance(k: Array, excess: Array, log_mean_over_k: Array) -> Array:
    """D(k, m) for m = k + excess > 0, right to a few eps of itself; log_mean_over_k = log(m / k).

    Near, with v = (m - k) / (m + k), it is excess v - 2 k (atanh(v) - v), and the logarithm does not count.
    """
    v = excess / (2 * k + excess)
    return jnp.where(jnp.abs(v) < 0.17, excess * v - k * atanh_excess(v), excess - k * log_mean_over_k)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _stirling(order: int, z: Array) -> Array:
    """The derivative of S of this order: the series DLMF 5.11.1; below 8 after eight steps up.

        S(z)  = S(w)  + (z + 1/2) log(w / z) - sum_{i=1}^7 log((z + i) / w) - 8
        S'(z) = S'(w) + log(w / z) - sum_{i=1}^7 1 / (z + i) - 1 / (2 z) - 1 / (2 w)

    with w = z + 8.
    """
    small = z < 8
    near = jnp.where(small, z, 1)
    top = near + 8
    u, series = 1 / jnp.where(small, top, z), jnp.zeros_like(z)
    for k in range(len(STIRLING), 0, -1):
        rising = math.prod(range(2 * k - 1, 2 * k - 1 + order)) * (-1) ** order
        series = series * u * u + rising * STIRLING[k - 1]
    if order == 0:
        product = jnp.ones_like(z)
        for i in range(1, 8):
            product = product * ((near + i) / top)
        steps = (near + 0.5) * jnp.log1p(8 / near) - jnp.log(product) - 8
    else:
        # The derivative of order m of the second line.
        m = order - 1
        fractions = 0.5 / near**order + 0.5 / top**order
        for i in range(1, 8):
            fractions = fractions + 1 / (near + i) ** order
        logs = jnp.log1p(8 / near) if m == 0 else math.factorial(m - 1) * (-1) ** m * (1 / near**m - 1 / top**m)
        steps = logs - math.factorial(m) * (-1) ** m * fractions
    return jnp.where(small, steps, 0) + series * u ** (order + 1)


@_stirling.defjvp
def _(order: int, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return _stirling(order, *primals), _stirling(order + 1, *primals) * tangents[0]
