"""Appendix: many tests or many estimates at once: adjusted p-values, and estimates shrunk towards their mean.

Among m true null hypotheses m alpha p-values fall below alpha. `adjust` changes p so that rejecting what is adjusted
<= alpha bounds the probability of a single false rejection by alpha (bonferroni, holm, hochberg), or the expected share
of false ones among the rejections (bh, by, storey). With the p-values in order, p_(1) <= ... <= p_(m),

    bonferroni   m p_(i)
    holm         max_{j <= i} (m - j + 1) p_(j)                Holm (1979), Scand. J. Statistics 6, 65
    hochberg     min_{j >= i} (m - j + 1) p_(j)                Hochberg (1988), Biometrika 75, 800
    bh           min_{j >= i} m p_(j) / j                      Benjamini and Hochberg (1995), JRSS B 57, 289
    by           bh (1 + 1/2 + ... + 1/m)                      Benjamini and Yekutieli (2001), Ann. Statistics 29, 1165
    storey       bh pi0,  pi0 = #{p >= 1/2} / (m / 2)          Storey (2002), JRSS B 64, 479

and all of them, pi0 too, at most 1. hochberg, bh and storey need tests that are independent (or positively dependent).
`shrink` answers the other question, how large many effects are, where the largest of many estimates is too large.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike

__all__ = ["Shrunk", "adjust", "shrink"]

METHODS = ("bonferroni", "holm", "hochberg", "bh", "by", "storey")
# Where the variance of the prior is looked for: so many magnitudes, then so many halvings between two of them.
MAGNITUDES, HALVINGS = 48, 50


def adjust(p: ArrayLike, method: str = "bh") -> Array:
    """p-values adjusted for their number.

        the least level at which each test would be rejected among all, see the module's table

    Args:
        p: p-values, (..., m), each row of the last axis a family of tests; NaN is kept and not counted.
        method: "bonferroni", "holm", "hochberg", "bh", "by" or "storey", default "bh".

    Returns:
        The adjusted p-values, in place, (..., m); NaN for a whole family that holds a number outside [0, 1]. Where no p
        is 1/2 or more, storey finds no true null hypothesis and all is 0.

    Raises:
        TypeError: p are not numbers.
        ValueError: an unknown method, or p is a single number.

    >>> adjust([0.01, 0.02, 0.03, 0.50], "bh").round(3)
    Array([0.04, 0.04, 0.04, 0.5 ], dtype=float32)
    >>> adjust([0.01, 0.02, 0.03, 0.50], "holm").round(3)
    Array([0.04, 0.06, 0.06, 0.5 ], dtype=float32)

    Source: the module's table.
    """
    p = arrays.as_float("p", p)
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {method!r}.")
    if p.ndim == 0:
        raise ValueError("p: expected shape (..., m), one p-value for each of m tests, got a single number.")
    return _adjust(p, method) if p.size else p


class Shrunk(NamedTuple):
    """Estimates shrunk towards their common mean, and the prior that was found.

    Attributes:
        estimate: the posterior means, (..., m).
        se: the posterior standard deviations, (..., m), for the prior as if it were known.
        mean: the mean of the prior, (...).
        sd: the standard deviation of the prior, (...); 0 where the estimates differ no more than their errors.
    """

    estimate: Array
    se: Array
    mean: Array
    sd: Array


def shrink(estimates: ArrayLike, se: ArrayLike) -> Shrunk:
    """Empirical Bayes: estimates that borrow strength from each other, the prior by maximum likelihood.

        y_i ~ N(theta_i, s_i^2),   theta_i ~ N(mean, sd^2),
        E theta_i = mean + sd^2 / (sd^2 + s_i^2) (y_i - mean),
        with mean and sd that maximize prod_i N(y_i; mean, sd^2 + s_i^2)

    Args:
        estimates: y_i, (..., m), each row of the last axis a group that shares a prior; NaN is kept and not counted.
        se: their standard errors s_i > 0, (..., m) or of a shape that broadcasts to it; NaN as in `estimates`.

    Returns:
        A `Shrunk`; NaN for a whole group that holds infinity or a standard error that is not positive.

    Raises:
        TypeError: not numbers.
        ValueError: estimates are a single number, or the shapes do not match.

    >>> schools = shrink([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])
    >>> print(f"{schools.mean:.1f} {schools.sd:.1f}")
    7.7 0.0

    Source: Efron and Morris (1975), J. American Statistical Association 70, 311-319.
    """
    estimates, se = arrays.as_float("estimates", estimates), arrays.as_float("se", se)
    if estimates.ndim == 0 or estimates.size == 0:
        raise ValueError(f"estimates: expected shape (..., m) with m >= 1, got {estimates.shape}.")
    if se.ndim > estimates.ndim or any(
        mine not in (1, whole) for mine, whole in zip(se.shape[::-1], estimates.shape[::-1], strict=False)
    ):
        raise ValueError(f"se: expected shape {estimates.shape}, one for each estimate, got {se.shape}.")
    dtype = jnp.result_type(estimates, se)
    return _shrink(estimates.astype(dtype), jnp.broadcast_to(se, estimates.shape).astype(dtype))


@functools.partial(jax.jit, static_argnums=1)
def _adjust(p: Array, method: str) -> Array:
    counted = ~jnp.isnan(p)
    m = jnp.sum(counted, axis=-1, keepdims=True).astype(p.dtype)
    order = jnp.argsort(p, axis=-1)  # NaN comes last
    ordered = jnp.take_along_axis(jnp.where(counted, p, jnp.inf), order, axis=-1)
    rank = jnp.arange(1, p.shape[-1] + 1, dtype=p.dtype)
    adjusted = _in_order(method, ordered, m, jnp.broadcast_to(rank, p.shape))
    if method == "storey":
        adjusted = adjusted * jnp.minimum(2 * jnp.sum(p >= 0.5, axis=-1, keepdims=True) / m, 1)
    in_place = jnp.take_along_axis(jnp.minimum(adjusted, 1), jnp.argsort(order, axis=-1), axis=-1)
    lawful = jnp.all(~counted | ((p >= 0) & (p <= 1)), axis=-1, keepdims=True)
    return jnp.where(counted & lawful, in_place, jnp.nan)


def _in_order(method: str, p: Array, m: Array, rank: Array) -> Array:
    """The module's table for ordered p, of which the first m count and the others are infinite."""
    axis = p.ndim - 1
    if method == "bonferroni":
        return m * p
    if method == "holm":
        return jax.lax.cummax((m - rank + 1) * p, axis=axis)
    if method == "hochberg":
        # Those that do not count must not become minus infinity.
        return jax.lax.cummin(jnp.where(rank <= m, (m - rank + 1) * p, jnp.inf), axis=axis, reverse=True)
    harmonic = jnp.sum(jnp.where(rank <= m, 1 / rank, 0), axis=-1, keepdims=True) if method == "by" else 1
    return jnp.minimum(jax.lax.cummin(harmonic * (m * p / rank), axis=axis, reverse=True), 1)


@jax.jit
def _shrink(y: Array, s: Array) -> Shrunk:
    counted = ~(jnp.isnan(y) | jnp.isnan(s))
    lawful = jnp.all(~counted | (jnp.isfinite(y) & jnp.isfinite(s) & (s > 0)), axis=-1, keepdims=True)
    # In units of the data, so that squares neither overflow nor vanish.
    unit = jax.lax.stop_gradient(jnp.max(jnp.where(counted, jnp.maximum(jnp.abs(y), s), 0), axis=-1, keepdims=True))
    kept = counted & lawful & (unit > 0)
    unit = jnp.where(unit > 0, unit, 1)
    y, error = jnp.where(kept, y / unit, 0), jnp.where(kept, (s / unit) ** 2, 1)
    share = kept.astype(y.dtype)
    v = _prior_variance(y, error, share)
    mean = _mean(v, y, error, share)
    pull = v / (v + error)
    answer = jnp.where(kept, mean + pull * (y - mean), jnp.nan), jnp.where(kept, jnp.sqrt(pull * error), jnp.nan)
    alive = lawful & jnp.any(counted, axis=-1, keepdims=True)
    sd = jnp.where(v > 0, jnp.sqrt(jnp.where(v > 0, v, 1)), 0)
    prior = (jnp.where(alive, part * unit, jnp.nan)[..., 0] for part in (mean, sd))
    return Shrunk(*(part * unit for part in answer), *prior)


def _mean(v: Array, y: Array, error: Array, share: Array) -> Array:
    """The mean of the prior that goes best with its variance v, (..., 1)."""
    w = share / (v + error)
    return jnp.sum(w * y, axis=-1, keepdims=True) / jnp.sum(w, axis=-1, keepdims=True)


def _slope(v: Array, y: Array, error: Array, share: Array) -> Array:
    """Twice the derivative of the log-likelihood in v, at the best mean, (..., 1)."""
    w = share / (v + error)
    r = y - _mean(v, y, error, share)
    return jnp.sum((w * r) ** 2 - w, axis=-1, keepdims=True)


def _prior_variance(y: Array, error: Array, share: Array) -> Array:
    """The v >= 0 that maximizes the likelihood, (..., 1).

    The best of many magnitudes is bracketed by its neighbours, and the slope bisected between them. A last Newton step
    gives the answer its derivatives; at 0 it has none.
    """

    data = jax.lax.stop_gradient((y, error, share))

    def loglik(v: Array) -> Array:
        y, error, share = data
        r = y - _mean(v, *data)
        return -jnp.sum(share * (jnp.log(v + error) + r**2 / (v + error)), axis=-1, keepdims=True)

    least = jnp.min(jnp.where(share > 0, data[1], jnp.inf), axis=-1, keepdims=True)
    least = jnp.where(jnp.isfinite(least), least, 1) * 1e-3
    # Squares of deviations are at most 4 in these units, and from there on the likelihood falls.
    magnitudes = jax.vmap(lambda step: least * (4 / least) ** step)(jnp.linspace(0, 1, MAGNITUDES, dtype=y.dtype))
    tried = jnp.concatenate([jnp.zeros_like(least)[None], magnitudes])
    best = jnp.argmax(jax.lax.map(loglik, tried), axis=0)[None]
    low = jnp.take_along_axis(tried, jnp.maximum(best - 1, 0), axis=0)[0]
    high = jnp.take_along_axis(tried, jnp.minimum(best + 1, MAGNITUDES), axis=0)[0]

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = (ends[0] + ends[1]) / 2
        rises = _slope(middle, *data) > 0
        return jnp.where(rises, middle, ends[0]), jnp.where(rises, ends[1], middle)

    low, high = jax.lax.fori_loop(0, HALVINGS, halve, (low, high))
    v = (low + high) / 2
    inside = (best[0] > 0) | (_slope(jnp.zeros_like(v), *data) > 0)
    bend = jax.jvp(lambda v: _slope(v, *data), (v,), (jnp.ones_like(v),))[1]
    step = jnp.where(bend < 0, -_slope(v, y, error, share) / jnp.where(bend < 0, bend, 1), 0)
    return jnp.where(inside, v + jnp.where(jnp.abs(step) <= v / 4, step, 0), 0)
