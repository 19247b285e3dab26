"""Sums over and draws from laws on the integers, where a law is given by its log mass.

The mass functions here are smooth in k, and to a few eps right between the integers too.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import xlog1py

from jaxnotes.core.special.numerics import xlogy
from jaxnotes.core.values.arrays import Array

NODES = 512


def binary_entropy(p: Array) -> Array:
    """-p log p - (1 - p) log(1 - p)."""
    return -xlogy(p, p) - xlog1py(1 - p, -p)


def entropy(log_mass: Callable[[Array], Array], mean: Array, variance: Array) -> Array:
    """-sum_k p log p over ten standard deviations about the mean: every k, or where there are more than 512, as many.

    Then p is a smooth bell far from the ends of its support, and the sum over every h-th point, times h, is that over
    all but for exp(-2 pi^2 variance / h^2), less than any eps.
    """
    mean, spread = jax.lax.stop_gradient((mean, 10 * jnp.sqrt(variance)))
    stride = jnp.maximum(1, 2 * spread / (NODES - 1))
    first = jnp.floor(jnp.maximum(mean - spread, 0))
    log_p = log_mass(first + stride * jnp.arange(NODES, dtype=mean.dtype))
    possible = log_p > -jnp.inf
    log_p = jnp.where(possible, log_p, 0)
    return -stride * jnp.sum(jnp.where(possible, jnp.exp(log_p) * log_p, 0))


def negative_binomial_entropy(r: Array, mu: Array) -> Array:
    """r log(1 + mu / r) + mu log(1 + r / mu) - E log C(X + r - 1, X), where min(r, mu) is moderate.

        E log C(X + r - 1, X) = int_0^inf (e^-t - e^-rt) / (1 - e^-t) (1 - G(e^-t)) dt / t

    with E s^X = G(s) = (1 + mu (1 - s) / r)^-r, from Malmstén's integral for log Gamma (Whittaker and Watson, A Course
    of Modern Analysis, section 12.3); by the trapezoidal rule in log t.
    """
    least = jnp.log(float(jnp.finfo(r.dtype).eps) / 100) - jnp.log1p(r) - jnp.log1p(mu)
    most = jnp.log(45 / jnp.minimum(r, 1))
    stride = jax.lax.stop_gradient((most - least) / (NODES - 1))
    t = jnp.exp(jax.lax.stop_gradient(least) + stride * jnp.arange(NODES, dtype=r.dtype))
    many = r >= 1
    high, low = jnp.where(many, r, 1), jnp.where(many, 0.5, r)
    difference = jnp.where(many, -jnp.exp(-t) * jnp.expm1((1 - high) * t), jnp.exp(-low * t) * jnp.expm1((low - 1) * t))
    rest = -jnp.expm1(-t)
    log_c = stride * jnp.sum(difference / rest * -jnp.expm1(-r * jnp.log1p(mu / r * rest)))
    positive = jnp.where(mu > 0, mu, 1)
    return jnp.where(mu > 0, r * jnp.log1p(mu / r) + positive * jnp.log1p(r / positive) - log_c, 0)


def draw_poisson(key: Array, rate: Array, log_mass: Callable[[Array, Array], Array]) -> Array:
    """Draws of the Poisson law, of the shape of rate; log_mass(rate, k).

    `jax.random` compares differences of terms as large as rate log rate, which in float32 distorts the law of large
    counts: its variance by 3 per cent at a rate of 1e6.

    Source: Hörmann, The transformed rejection method for generating Poisson random variables (1993), algorithm PTRS.
    """
    few = rate < 10
    m = jnp.where(few, 100, rate)
    spread = 0.931 + 2.53 * jnp.sqrt(m)
    slant = -0.059 + 0.02483 * spread
    height = jnp.log(1.1239 + 1.1328 / (spread - 3.4))
    hat = _Hat(m + 0.43, spread, slant, height, 0.9277 - 3.6224 / (spread - 2))
    many_key, few_key = jax.random.split(key)
    small = jax.random.poisson(few_key, jnp.where(few, rate, 0)).astype(rate.dtype)
    return jnp.where(few, small, _transformed_rejection(many_key, hat, lambda k: log_mass(m, k)))


def draw_binomial(
    key: Array, n: Array, p: Array, shape: tuple[int, ...], log_mass: Callable[[Array, Array, Array], Array]
) -> Array:
    """Draws of the binomial law; log_mass(n, p, k) for 0 <= k <= n. `jax.random` errs as for the Poisson law.

    Source: Hörmann, The generation of binomial random variates (1993), algorithm BTRS.
    """
    rare = jnp.minimum(p, 1 - p)
    few = n * rare < 10
    m, r = jnp.where(few, 100, n), jnp.where(few, 0.5, rare)
    sd = jnp.sqrt(m * r * (1 - r))
    spread = 1.15 + 2.53 * sd
    slant = -0.0873 + 0.0248 * spread + 0.01 * r
    height = jnp.log((2.83 + 5.1 / spread) * sd) + log_mass(m, r, jnp.floor((m + 1) * r))
    constants = (m * r + 0.5, spread, slant, height, 0.92 - 4.2 / spread)
    hat = _Hat(*(jnp.broadcast_to(constant, shape) for constant in constants))
    many_key, few_key = jax.random.split(key)
    small = jax.random.binomial(few_key, jnp.where(few, n, 0), rare, shape, p.dtype)
    large = _transformed_rejection(
        many_key, hat, lambda k: jnp.where(k <= m, log_mass(m, r, jnp.minimum(k, m)), -jnp.inf)
    )
    k = jnp.where(few, small, large)
    return jnp.where(p > 0.5, n - k, k)


class _Hat(NamedTuple):
    """The constants of Hörmann's hats, in his notation c, b, a, the logarithm of alpha and v_r."""

    centre: Array
    spread: Array
    slant: Array
    height: Array
    squeeze: Array


def _transformed_rejection(key: Array, hat: _Hat, log_mass: Callable[[Array], Array]) -> Array:
    """Draws k = floor((2 a / (1/2 - |u|) + b) u + c) of a bell-shaped law, u uniform, by rejection."""
    c, b, a, height, squeeze = hat

    def attempt(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        key, k, done = state
        key, u_key, v_key = jax.random.split(key, 3)
        u = jax.random.uniform(u_key, c.shape, c.dtype) - 0.5
        v = jax.random.uniform(v_key, c.shape, c.dtype)
        room = 0.5 - jnp.abs(u)
        candidate = jnp.floor((2 * a / room + b) * u + c)
        possible = candidate >= 0
        threshold = jnp.log(v) + height - jnp.log(a / room**2 + b)
        below = possible & (threshold <= log_mass(jnp.where(possible, candidate, 0)))
        accepted = ((room >= 0.07) & (v <= squeeze)) | below
        return key, jnp.where(done, k, candidate), done | accepted

    start = key, jnp.zeros_like(c), jnp.zeros(c.shape, bool)
    return jax.lax.while_loop(lambda state: ~jnp.all(state[2]), attempt, start)[1]
