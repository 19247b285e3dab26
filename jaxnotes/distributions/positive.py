"""Continuous families on the positive half line."""

import math
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.special import log_tails
from jaxnotes.core.special.gamma_terms import digamma_minus_log, log_gamma_prefix, stirling_error, trigamma_rest
from jaxnotes.core.special.logs import log1m_exp, log1m_exp_exp, log_minus, log_ratio
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.distributions import frames, solvers, summaries
from jaxnotes.distributions.family import Distribution
from jaxnotes.distributions.fitting import Empirical, Peak


class PositiveParameters(Distribution):
    """Laws whose parameters are positive, on (0, inf) where nothing else is said."""

    _standard = (1.0, 1.0)

    @staticmethod
    def _lawful(params: Any) -> Array:
        return jnp.all(jnp.stack([(value > 0) & (value < jnp.inf) for value in params]))

    @staticmethod
    def _support(params: Any) -> tuple[ArrayLike, ArrayLike]:
        return 0.0, jnp.inf

    _stand_in = 1.0

    @staticmethod
    def _possible(x: Array, known: dict[str, Array]) -> Array:
        return x > 0


class LogNormal(PositiveParameters):
    """The log-normal law: mu and sigma > 0, the mean and the standard deviation of log X.

        p(x) = exp(-z^2 / 2) / (x sigma sqrt(2 pi)),    z = (log x - mu) / sigma

    scipy.stats.lognorm(s=sigma, scale=exp(mu)); R: dlnorm(meanlog = mu, sdlog = sigma).

    >>> print(f"{LogNormal.mean(LogNormal.Params(mu=0.0, sigma=1.0)):.4f}")
    1.6487
    """

    class Params(NamedTuple):
        """The mean and the standard deviation of log X.

        Attributes:
            mu: the mean of log X.
            sigma: the standard deviation of log X, > 0.
        """

        mu: ArrayLike
        sigma: ArrayLike

    @staticmethod
    def _lawful(params: Any) -> Array:
        return jnp.isfinite(params.mu) & (params.sigma > 0) & (params.sigma < jnp.inf)

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return 1.0

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        z = log_minus(x, params.mu) / params.sigma
        return -z * z / 2 - math.log(2 * math.pi) / 2 - jnp.log(params.sigma) - jnp.log(x)

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        z = log_minus(x, params.mu) / params.sigma
        return log_tails.log_normal_sf(-z), log_tails.log_normal_sf(z)

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        return math.log(2 * math.pi * math.e) / 2 + jnp.log(params.sigma) + params.mu

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return jnp.exp(params.mu + params.sigma**2 / 2)

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        return jnp.expm1(params.sigma**2) * jnp.exp(2 * params.mu + params.sigma**2)

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return jnp.exp(params.mu + params.sigma * jax.random.normal(key, shape, dtype))

    _kinds: ClassVar[frames.Kinds] = {"mu": frames.LOGARITHM}
    _frame = staticmethod(frames.from_zero)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        return Peak(LogNormal.Params(*summaries.moments(rows._replace(x=jnp.log(rows.x)))))

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return params.sigma == 0

    @staticmethod
    def _units(params: Any) -> Any:
        return LogNormal.Params(params.sigma, params.sigma)


class Exponential(PositiveParameters):
    """The exponential law: rate > 0, the reciprocal of the mean.

        p(x) = rate exp(-rate x),    P(X > x) = exp(-rate x)

    scipy.stats.expon(scale=1/rate); R: dexp(rate).

    >>> print(Exponential.log_sf(Exponential.Params(rate=2.0), 500.0))
    -1000.0
    """

    class Params(NamedTuple):
        """The rate.

        Attributes:
            rate: 1 / mean, > 0.
        """

        rate: ArrayLike

    _standard = (1.0,)

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return 1 / params.rate

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        return jnp.log(params.rate) - params.rate * x

    @staticmethod
    def _log_density_at_ends(params: Any, x: Array) -> ArrayLike:
        return jnp.where(x == 0, jnp.log(params.rate), -jnp.inf)

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        return log1m_exp(-params.rate * x), -params.rate * x

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        return 1 - jnp.log(params.rate)

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return 1 / params.rate

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        return 1 / params.rate**2

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return jax.random.exponential(key, shape, dtype) / params.rate

    @staticmethod
    def _possible(x: Array, known: dict[str, Array]) -> Array:
        return x >= 0

    _kinds: ClassVar[frames.Kinds] = {"rate": frames.RATE}
    _frame = staticmethod(frames.from_zero)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        return Peak(Exponential.Params(1 / summaries.centre(rows.x, rows.share)))


class Gamma(PositiveParameters):
    """The gamma law: shape > 0 and rate > 0, with mean shape / rate.

        p(x) = rate^shape x^(shape - 1) exp(-rate x) / Gamma(shape)

    scipy.stats.gamma(a=shape, scale=1/rate); R: dgamma(shape, rate). Chi-squared with df degrees of freedom is
    shape = df / 2, rate = 1 / 2. `cdf` and `log_sf` are NaN for a shape above 1e9. For a shape below 1, log P(X > x)
    of a small x is right to a few eps / shape.

    >>> print(f"{Gamma.log_prob(Gamma.Params(shape=2.0, rate=0.5), 4.0):.4f}")
    -2.0000
    """

    class Params(NamedTuple):
        """The shape and the rate.

        Attributes:
            shape: the exponent of x, plus 1, > 0.
            rate: shape / mean, > 0.
        """

        shape: ArrayLike
        rate: ArrayLike

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return 1 / params.rate

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        return log_gamma_prefix(params.shape, params.rate, x) - jnp.log(x)

    @staticmethod
    def _log_density_at_ends(params: Any, x: Array) -> ArrayLike:
        return jnp.where(x == 0, limit_at_zero(params.shape, jnp.log(params.rate)), -jnp.inf)

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        return log_tails.log_gamma_tails(params.shape, params.rate, x)

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        a = params.shape
        return jnp.log(2 * math.pi * a) / 2 + stirling_error(a) + (1 - a) * digamma_minus_log(a) - jnp.log(params.rate)

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return params.shape / params.rate

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        return params.shape / params.rate / params.rate

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        draws = jax.random.gamma(key, params.shape, shape, dtype) / params.rate
        return jnp.maximum(draws, float(jnp.finfo(dtype).tiny))

    _closed_form, _few_statistics = False, True

    class Statistics(NamedTuple):
        """What the likelihood depends on.

        Attributes:
            mean: m, of the sample, shape ().
            spread: the mean of log(m / x), which is not negative, shape ().
        """

        mean: Array
        spread: Array

    @staticmethod
    def _summarize(rows: Empirical) -> Any:
        m = summaries.centre(rows.x, rows.share)
        return Gamma.Statistics(m, summaries.log_spread(rows.x, m, rows.share))

    @classmethod
    def _loss(cls, params: Any, statistics: Any) -> Array:
        m, spread = statistics
        return jnp.log(m) - log_gamma_prefix(params.shape, params.rate, m) + (params.shape - 1) * spread

    @classmethod
    def _in_units(cls, params: Any, slopes: Any) -> Any:
        """Along the shape at a fixed mean, and along the mean, whose unit is a standard deviation."""
        shape, rate = params
        return Gamma.Params(shape * slopes.shape + rate * slopes.rate, rate / jnp.sqrt(shape) * slopes.rate)

    _kinds: ClassVar[frames.Kinds] = {"rate": frames.RATE}
    _frame = staticmethod(frames.from_zero)

    @staticmethod
    def _covariance(params: Any) -> Array:
        """The inverse of the information; shape psi'(shape) - 1 without the 1 that cancels, for narrow laws."""
        shape, rate = params
        rest = trigamma_rest(shape)
        corner = rate / shape * (rate / shape) * (1 / shape + rest) * shape
        return jnp.stack([jnp.ones_like(rest), rate / shape, rate / shape, corner]).reshape(2, 2) / rest

    @staticmethod
    def _maximize(statistics: Any) -> Peak:
        """log(shape) - psi(shape) = spread; as a function of 1 / shape the left side is convex and nearly linear."""
        m, spread = statistics
        varied = spread > 0

        def excess(inverse: Array) -> tuple[Array, Array]:
            return jax.jvp(lambda u: -digamma_minus_log(1 / u) - spread, (inverse,), (jnp.ones_like(inverse),))

        # Greenwood and Durand (1960), Technometrics 2, 55-65, have the exact start at both ends.
        start = jnp.where(varied, 12 * spread / (3 - spread + jnp.sqrt((spread - 3) ** 2 + 24 * spread)), jnp.nan)
        inverse, steps = solvers.positive_root(excess, start)
        shape = jnp.where(varied, 1 / inverse, jnp.inf)
        return Peak(Gamma.Params(shape, shape / m), steps)


class Weibull(PositiveParameters):
    """The Weibull law: shape > 0 and scale > 0.

        P(X > x) = exp(-(x / scale)^shape),    p(x) = shape / scale (x / scale)^(shape - 1) exp(-(x / scale)^shape)

    scipy.stats.weibull_min(c=shape, scale=scale); R: dweibull(shape, scale).

    >>> print(f"{Weibull.cdf(Weibull.Params(shape=2.0, scale=3.0), 3.0):.4f}")
    0.6321
    """

    class Params(NamedTuple):
        """The shape and the scale.

        Attributes:
            shape: the exponent of x in log P(X > x), > 0.
            scale: the quantile at 1 - 1/e, > 0.
        """

        shape: ArrayLike
        scale: ArrayLike

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return params.scale

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        log_hazard = params.shape * log_ratio(x, params.scale)
        return jnp.log(params.shape) + log_hazard - jnp.exp(log_hazard) - jnp.log(x)

    @staticmethod
    def _log_density_at_ends(params: Any, x: Array) -> ArrayLike:
        return jnp.where(x == 0, limit_at_zero(params.shape, -jnp.log(params.scale)), -jnp.inf)

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        log_hazard = params.shape * log_ratio(x, params.scale)
        return log1m_exp_exp(log_hazard), -jnp.exp(log_hazard)

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        euler = 0.5772156649015329
        return 1 + euler - euler / params.shape + jnp.log(params.scale / params.shape)

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return params.scale * jnp.exp(jax.scipy.special.gammaln(1 + 1 / params.shape))

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        """Gamma(1 + 2h) - Gamma(1 + h)^2 for h = 1 / shape; for small h by the series of log Gamma, DLMF 5.7.3."""
        h = 1 / params.shape
        near = h < 0.1
        order = jnp.arange(2, 26, dtype=h.dtype)
        terms = jax.scipy.special.zeta(order, jnp.ones_like(order)) * (2**order - 2) / order
        series = jnp.sum(terms * (-jnp.where(near, h, 0)) ** order)
        log_mean = jax.scipy.special.gammaln(1 + h)
        far = jax.scipy.special.gammaln(1 + 2 * jnp.where(near, 1, h)) - 2 * log_mean
        return params.scale**2 * jnp.exp(2 * log_mean) * jnp.expm1(jnp.where(near, series, far))

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        draws = params.scale * jax.random.exponential(key, shape, dtype) ** (1 / params.shape)
        return jnp.maximum(draws, float(jnp.finfo(dtype).tiny))

    _closed_form = False
    _looseness = 3.0

    class Statistics(NamedTuple):
        """What the likelihood depends on.

        Attributes:
            mean: m, of the sample, shape ().
            y: log(x / m), (n,).
            share: the shares of the rows, (n,), of sum 1.
        """

        mean: Array
        y: Array
        share: Array

    @staticmethod
    def _summarize(rows: Empirical) -> Any:
        m = summaries.centre(rows.x, rows.share)
        return Weibull.Statistics(m, jnp.log(rows.x / m), rows.share)

    @classmethod
    def _loss(cls, params: Any, statistics: Any) -> Array:
        m, y, share = statistics
        log_hazard = params.shape * (y - log_ratio(params.scale, m))
        terms = jnp.exp(log_hazard) - log_hazard + y
        return jnp.log(m) - jnp.log(params.shape) + summaries.average(terms, share)

    @staticmethod
    def _units(params: Any) -> Any:
        return Weibull.Params(params.shape, params.scale / params.shape)

    @staticmethod
    def _information(params: Any, statistics: Any) -> Array:
        """By hand, as derivatives of derivatives would take the exponentials of the rows three times over."""
        m, y, share = statistics
        shape, scale = params
        log_ratios = y - log_ratio(scale, m)
        powers = share[None] * jnp.stack([jnp.ones_like(y), log_ratios, log_ratios**2])
        total, first, second = jnp.matmul(powers, jnp.exp(shape * log_ratios), precision="highest")
        corner = 1 / shape**2 + second
        across = (1 - total - shape * first) / scale
        return jnp.stack([corner, across, across, shape * ((1 + shape) * total - 1) / scale**2]).reshape(2, 2)

    _kinds: ClassVar[frames.Kinds] = {"scale": frames.LENGTH}
    _frame = staticmethod(frames.from_zero)

    @staticmethod
    def _maximize(statistics: Any) -> Peak:
        m, y, share = statistics
        shape, log_scale, steps = solvers.extreme_value(y, share)
        return Peak(Weibull.Params(shape, m * jnp.exp(log_scale)), steps)


class Pareto(PositiveParameters):
    """The Pareto law of the first kind: shape > 0 and scale > 0, the least value.

        P(X > x) = (scale / x)^shape,    p(x) = shape / x (scale / x)^shape,    x >= scale

    scipy.stats.pareto(b=shape, scale=scale).

    `fit` gives the least x as scale, above which the likelihood is 0: the status is BOUNDARY, and there are no Wald
    standard errors. With n rows, 2 n shape / (estimate of shape) is chi-squared with 2 n - 2 degrees of freedom.

    >>> print(f"{Pareto.log_sf(Pareto.Params(shape=2.0, scale=1.0), 1e30):.3f}")
    -138.155
    """

    class Params(NamedTuple):
        """The shape and the scale.

        Attributes:
            shape: the exponent of the tail, > 0.
            scale: the least value, > 0.
        """

        shape: ArrayLike
        scale: ArrayLike

    @staticmethod
    def _support(params: Any) -> tuple[ArrayLike, ArrayLike]:
        return params.scale, jnp.inf

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return 2 * params.scale

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        return jnp.log(params.shape) - params.shape * log_ratio(x, params.scale) - jnp.log(x)

    @staticmethod
    def _log_density_at_ends(params: Any, x: Array) -> ArrayLike:
        return jnp.where(x == params.scale, jnp.log(params.shape) - jnp.log(params.scale), -jnp.inf)

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        log_sf = -params.shape * log_ratio(x, params.scale)
        return log1m_exp(log_sf), log_sf

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        return jnp.log(params.scale / params.shape) + 1 + 1 / params.shape

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        shape = jnp.where(params.shape > 1, params.shape, 2)
        return jnp.where(params.shape > 1, params.scale * (shape / (shape - 1)), jnp.inf)

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        shape = jnp.where(params.shape > 2, params.shape, 3)
        square = (params.scale / (shape - 1)) ** 2
        return jnp.where(params.shape > 2, square * (shape / (shape - 2)), jnp.inf)

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return params.scale * jnp.exp(jax.random.exponential(key, shape, dtype) / params.shape)

    _kinds: ClassVar[frames.Kinds] = {"scale": frames.LENGTH}
    _frame = staticmethod(frames.from_zero)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        least, _ = summaries.extremes(rows.x, rows.share)
        return Peak(Pareto.Params(1 / summaries.average(log_ratio(rows.x, least), rows.share), least))

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return jnp.ones((), bool)


def limit_at_zero(shape: Array, value: Array) -> Array:
    """The limit at 0 of the logarithm of x^(shape - 1) times a constant: `value`, that constant's, for shape 1."""
    return jnp.where(shape < 1, jnp.inf, jnp.where(shape > 1, -jnp.inf, value))
