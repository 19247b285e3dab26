"""Continuous families on an interval."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.special import log_tails
from jaxnotes.core.special.gamma_terms import (
    beta_excess,
    digamma_minus_log,
    log_beta_prefix,
    stirling_error,
    trigamma_rest,
)
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.distributions import solvers, summaries
from jaxnotes.distributions.family import Distribution
from jaxnotes.distributions.fitting import Empirical, Peak
from jaxnotes.distributions.positive import PositiveParameters, limit_at_zero


class Uniform(Distribution):
    """The uniform law on [lower, upper].

        p(x) = 1 / (upper - lower)

    scipy.stats.uniform(loc=lower, scale=upper - lower).

    `fit` gives the least and the largest x, the maximum of the likelihood, which falls to 0 beyond: the status is
    BOUNDARY. They err inwards and by about 1 / n of the width, not 1 / sqrt(n), so that there are no Wald standard
    errors. Exact: where lower = 0 is known, P(upper > max x / alpha^(1/n)) = alpha, and the interval of level 1 - alpha
    is [max x, max x / alpha^(1/n)].

    >>> print(f"{Uniform.log_prob(Uniform.Params(lower=0.0, upper=2.0), 2.0):.4f}")
    -0.6931
    """

    class Params(NamedTuple):
        """The ends, which belong to the support.

        Attributes:
            lower: the least value.
            upper: the largest value, > lower.
        """

        lower: ArrayLike
        upper: ArrayLike

    _standard = (0.0, 1.0)

    @staticmethod
    def _lawful(params: Any) -> Array:
        return (params.lower < params.upper) & jnp.isfinite(params.upper - params.lower)

    @staticmethod
    def _support(params: Any) -> tuple[ArrayLike, ArrayLike]:
        return params.lower, params.upper

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return (params.lower + params.upper) / 2

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        return jnp.zeros_like(x) - jnp.log(params.upper - params.lower)

    @staticmethod
    def _log_density_at_ends(params: Any, x: Array) -> ArrayLike:
        at_end = (x == params.lower) | (x == params.upper)
        return jnp.where(at_end, -jnp.log(params.upper - params.lower), -jnp.inf)

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        width = params.upper - params.lower
        return jnp.log((x - params.lower) / width), jnp.log((params.upper - x) / width)

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        return jnp.log(params.upper - params.lower)

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return (params.lower + params.upper) / 2

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        return (params.upper - params.lower) ** 2 / 12

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return params.lower + (params.upper - params.lower) * jax.random.uniform(key, shape, dtype)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        return Peak(Uniform.Params(*summaries.extremes(rows.x, rows.share)))

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return jnp.ones((), bool)

    @staticmethod
    def _units(params: Any) -> Any:
        return Uniform.Params(params.upper - params.lower, params.upper - params.lower)


class Beta(PositiveParameters):
    """The beta law on [0, 1]: a > 0 and b > 0, with mean a / (a + b).

        p(x) = x^(a - 1) (1 - x)^(b - 1) / B(a, b)

    scipy.stats.beta(a, b); R: dbeta(shape1 = a, shape2 = b). `cdf` and `log_sf` are NaN where a b / (a + b) exceeds
    1e9. For a or b below 1 the smaller tail near the ends is right to a few eps / min(a, b).

    >>> print(f"{Beta.log_prob(Beta.Params(a=2.0, b=2.0), 0.5):.4f}")
    0.4055
    """

    class Params(NamedTuple):
        """The two shapes; the law of 1 - X has them exchanged.

        Attributes:
            a: the exponent of x, plus 1, > 0.
            b: the exponent of 1 - x, plus 1, > 0.
        """

        a: ArrayLike
        b: ArrayLike

    @staticmethod
    def _support(params: Any) -> tuple[ArrayLike, ArrayLike]:
        return 0.0, 1.0

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return 0.5

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        a, b = params
        return log_beta_prefix(a, b, x, 1 - x, beta_excess(a, b, x)) - jnp.log(x) - jnp.log1p(-x)

    @staticmethod
    def _log_density_at_ends(params: Any, x: Array) -> ArrayLike:
        a, b = params
        # For a = 1 the density at 0 is b.
        return jnp.where(
            x == 0, limit_at_zero(a, jnp.log(b)), jnp.where(x == 1, limit_at_zero(b, jnp.log(a)), -jnp.inf)
        )

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        a, b = params
        return log_tails.log_beta_tails(a, b, x, 1 - x, beta_excess(a, b, x))

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        a, b = params
        n = a + b
        log_beta = (jnp.log(a / n) + jnp.log(b / n) - jnp.log(n / (2 * math.pi))) / 2
        corrections = stirling_error(a) + stirling_error(b) - stirling_error(n)
        slopes = (1 - a) * digamma_minus_log(a) + (1 - b) * digamma_minus_log(b) + (n - 2) * digamma_minus_log(n)
        return log_beta + corrections + slopes

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return params.a / (params.a + params.b)

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        n = params.a + params.b
        return params.a / n * (params.b / n) / (n + 1)

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        info = jnp.finfo(dtype)
        draws = jax.random.beta(key, params.a, params.b, shape, dtype)
        return jnp.clip(draws, float(info.tiny), 1 - float(info.epsneg))

    _closed_form, _few_statistics = False, True
    _stand_in = 0.5

    class Statistics(NamedTuple):
        """What the likelihood depends on.

        Attributes:
            mean: m, of the sample, shape ().
            variance: of the sample, of divisor n, shape ().
            below: the mean of log(m / x), which is not negative, shape ().
            above: the mean of log((1 - m) / (1 - x)), which is not negative, shape ().
        """

        mean: Array
        variance: Array
        below: Array
        above: Array

    @staticmethod
    def _possible(x: Array, known: dict[str, Array]) -> Array:
        return (x > 0) & (x < 1)

    @staticmethod
    def _summarize(rows: Empirical) -> Any:
        x, share, _ = rows
        m = summaries.centre(x, share)
        below, above = summaries.log_spread(x, m, share), summaries.log_spread(1 - x, 1 - m, share)
        return Beta.Statistics(m, summaries.average((x - m) ** 2, share), below, above)

    @classmethod
    def _loss(cls, params: Any, statistics: Any) -> Array:
        a, b = params
        m, _, below, above = statistics
        prefix = log_beta_prefix(a, b, m, 1 - m, beta_excess(a, b, m))
        return jnp.log(m) + jnp.log1p(-m) - prefix + (a - 1) * below + (b - 1) * above

    @classmethod
    def _in_units(cls, params: Any, slopes: Any) -> Any:
        """Along a + b at a fixed mean, and along the mean, whose unit is a standard deviation."""
        a, b = params
        return Beta.Params(a * slopes.a + b * slopes.b, jnp.sqrt(a / (a + b + 1) * b) * (slopes.a - slopes.b))

    @staticmethod
    def _covariance(params: Any) -> Array:
        """The inverse of the information, whose entries, psi'(a) - psi'(a + b) and the like, lose their leading terms
        to each other for a narrow law: they are left out.
        """
        a, b = params
        n = a + b
        a_rest, b_rest, n_rest = trigamma_rest(a), trigamma_rest(b), trigamma_rest(n)
        across = 1 / n + n_rest
        determinant = a_rest * (a / b) / n + b_rest * (b / a) / n + a_rest * b_rest
        determinant = determinant - n_rest * (n / a / b + a_rest + b_rest)
        of_a, of_b = a / b / n + b_rest - n_rest, b / a / n + a_rest - n_rest
        return jnp.stack([of_a, across, across, of_b]).reshape(2, 2) / determinant

    @staticmethod
    def _maximize(statistics: Any) -> Peak:
        """The loss is convex in n = a + b and u = a - n m. It starts from the law with the sample's mean and variance;
        n is seen in units of its start, and u, which is far smaller for a narrow law, keeps its digits.
        """
        m, variance = statistics.mean, statistics.variance
        varied = variance > 0
        total = m * (1 - m) / jnp.where(varied, variance, 1) - 1
        start = jnp.maximum(total, 0.1)

        def gradient(theta: Array) -> Array:
            n, u = theta[0] * start, theta[1] * start
            rise, fall = u / (n * m), u / (n * (1 - m))
            inside = (n > 0) & (rise > -1) & (fall < 1)
            n, rise, fall = (jnp.where(inside, value, safe) for value, safe in ((n, 1.0), (rise, 0.0), (fall, 0.0)))
            of_n = digamma_minus_log(n)
            a_slope = digamma_minus_log(n * m * (1 + rise)) - of_n + jnp.log1p(rise) + statistics.below
            b_slope = digamma_minus_log(n * (1 - m) * (1 - fall)) - of_n + jnp.log1p(-fall) + statistics.above
            slopes = start * jnp.stack([m * a_slope + (1 - m) * b_slope, a_slope - b_slope])
            return jnp.where(inside, slopes, jnp.nan)

        theta, steps = solvers.convex_minimum(gradient, jnp.stack([jnp.ones_like(m), jnp.zeros_like(m)]))
        shapes = start * (theta[0] * jnp.stack([m, 1 - m]) + theta[1] * jnp.array([1, -1], m.dtype))
        return Peak(Beta.Params(*jnp.where(varied, shapes, jnp.inf)), steps)
