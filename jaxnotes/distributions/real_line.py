"""Continuous families on the real line."""

import math
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxnotes.core import log_tails
from jaxnotes.core.arrays import Array
from jaxnotes.core.gamma_terms import digamma_minus_log, log_student_density
from jaxnotes.core.logs import log1m_exp_exp, log1p_square
from jaxnotes.distributions.family import Distribution

EULER = 0.5772156649015329


class LocationScale(Distribution):
    """The laws of loc + scale Z, for one standard law Z."""

    _standard = (0.0, 1.0)
    # Entropy, mean and variance of Z.
    _moments: ClassVar[tuple[float, float, float]]

    @staticmethod
    def _log_standard(z: Array) -> Array:
        raise NotImplementedError

    @staticmethod
    def _log_standard_tails(z: Array) -> tuple[Array, Array]:
        raise NotImplementedError

    @staticmethod
    def _draw_standard(key: Array, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        raise NotImplementedError

    @staticmethod
    def _lawful(params: Any) -> Array:
        return jnp.isfinite(params.loc) & (params.scale > 0) & (params.scale < jnp.inf)

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return params.loc

    @classmethod
    def _log_density(cls, params: Any, x: Array) -> Array:
        return cls._log_standard((x - params.loc) / params.scale) - jnp.log(params.scale)

    @classmethod
    def _log_tails(cls, params: Any, x: Array) -> tuple[Array, Array]:
        return cls._log_standard_tails((x - params.loc) / params.scale)

    @classmethod
    def _entropy(cls, params: Any) -> ArrayLike:
        return cls._moments[0] + jnp.log(params.scale)

    @classmethod
    def _mean(cls, params: Any) -> ArrayLike:
        return params.loc + params.scale * cls._moments[1]

    @classmethod
    def _variance(cls, params: Any) -> ArrayLike:
        return params.scale**2 * cls._moments[2]

    @classmethod
    def _draw(cls, key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return params.loc + params.scale * cls._draw_standard(key, shape, dtype)


class Normal(LocationScale):
    """The normal law: loc, its mean, and scale > 0, its standard deviation (not the variance).

        p(x) = exp(-z^2 / 2) / (scale sqrt(2 pi)),    z = (x - loc) / scale

    scipy.stats.norm(loc, scale); R: dnorm(mean = loc, sd = scale).

    >>> print(f"{Normal.log_prob(Normal.Params(loc=0.0, scale=2.0), 2.0):.4f}")
    -2.1121

    """

    class Params(NamedTuple):
        """loc, the mean. scale, the standard deviation."""

        loc: ArrayLike
        scale: ArrayLike

    _moments = (math.log(2 * math.pi * math.e) / 2, 0.0, 1.0)
    _draw_standard = staticmethod(jax.random.normal)

    @staticmethod
    def _log_standard(z: Array) -> Array:
        return -z * z / 2 - math.log(2 * math.pi) / 2

    @staticmethod
    def _log_standard_tails(z: Array) -> tuple[Array, Array]:
        return log_tails.log_normal_sf(-z), log_tails.log_normal_sf(z)


class Gumbel(LocationScale):
    """The Gumbel law of maxima: loc, its mode, and scale > 0.

        P(X <= x) = exp(-exp(-z)),    p(x) = exp(-z - exp(-z)) / scale,    z = (x - loc) / scale

    scipy.stats.gumbel_r(loc, scale). The law of minima is that of -X.

    >>> print(f"{Gumbel.cdf(Gumbel.Params(loc=1.0, scale=2.0), 1.0):.4f}")
    0.3679

    """

    class Params(NamedTuple):
        """loc, the mode. scale, sqrt(6) / pi standard deviations."""

        loc: ArrayLike
        scale: ArrayLike

    _moments = (1 + EULER, EULER, math.pi**2 / 6)
    _draw_standard = staticmethod(jax.random.gumbel)

    @staticmethod
    def _log_standard(z: Array) -> Array:
        return -z - jnp.exp(-z)

    @staticmethod
    def _log_standard_tails(z: Array) -> tuple[Array, Array]:
        return -jnp.exp(-z), log1m_exp_exp(-z)


class Logistic(LocationScale):
    """The logistic law: loc, its mean, and scale > 0.

        P(X <= x) = 1 / (1 + exp(-z)),    p(x) = exp(-z) / (scale (1 + exp(-z))^2),    z = (x - loc) / scale

    scipy.stats.logistic(loc, scale).

    >>> print(Logistic.log_prob(Logistic.Params(loc=0.0, scale=1.0), 1000.0))
    -1000.0

    """

    class Params(NamedTuple):
        """loc, the mean. scale, sqrt(3) / pi standard deviations."""

        loc: ArrayLike
        scale: ArrayLike

    _moments = (2.0, 0.0, math.pi**2 / 3)
    _draw_standard = staticmethod(jax.random.logistic)

    @staticmethod
    def _log_standard(z: Array) -> Array:
        return -(z + 2 * jax.nn.softplus(-z))

    @staticmethod
    def _log_standard_tails(z: Array) -> tuple[Array, Array]:
        return -jax.nn.softplus(-z), -jax.nn.softplus(z)


class Laplace(LocationScale):
    """The Laplace or double exponential law: loc, its mean and median, and scale > 0, its mean absolute deviation.

        p(x) = exp(-|z|) / (2 scale),    z = (x - loc) / scale

    scipy.stats.laplace(loc, scale). The derivative at x = loc, a kink, is 0.

    >>> print(f"{Laplace.cdf(Laplace.Params(loc=0.0, scale=1.0), 0.0):.1f}")
    0.5

    """

    class Params(NamedTuple):
        """loc, the mean and median. scale, the mean absolute deviation."""

        loc: ArrayLike
        scale: ArrayLike

    _moments = (1 + math.log(2), 0.0, 2.0)
    _draw_standard = staticmethod(jax.random.laplace)

    @staticmethod
    def _log_standard(z: Array) -> Array:
        return -z * jnp.sign(z) - math.log(2)

    @staticmethod
    def _log_standard_tails(z: Array) -> tuple[Array, Array]:
        def log_sf(z: Array) -> Array:
            tail = -jnp.abs(z) - math.log(2)
            return jnp.where(z > 0, tail, jnp.log1p(-jnp.exp(tail)))

        return log_sf(-z), log_sf(z)


class Cauchy(LocationScale):
    """The Cauchy law: loc, its median, and scale > 0, half its interquartile range. It has no mean and no variance.

        p(x) = 1 / (pi scale (1 + z^2)),    P(X > x) = arctan2(1, z) / pi,    z = (x - loc) / scale

    scipy.stats.cauchy(loc, scale).

    >>> print(Cauchy.mean(Cauchy.Params(loc=0.0, scale=1.0)))
    nan

    """

    class Params(NamedTuple):
        """loc, the median. scale, half the interquartile range."""

        loc: ArrayLike
        scale: ArrayLike

    _moments = (math.log(4 * math.pi), math.nan, math.nan)
    _draw_standard = staticmethod(jax.random.cauchy)

    @staticmethod
    def _log_standard(z: Array) -> Array:
        return -math.log(math.pi) - log1p_square(z)

    @staticmethod
    def _log_standard_tails(z: Array) -> tuple[Array, Array]:
        def log_sf(z: Array) -> Array:
            upper = jnp.arctan2(jnp.ones_like(z), jnp.abs(z)) / math.pi
            return jnp.where(z < 0, jnp.log1p(-upper), jnp.log(upper))

        return log_sf(-z), log_sf(z)


class StudentT(Distribution):
    """Student's t law: df > 0, the degrees of freedom, loc and scale > 0. Infinite df are the normal law.

        p(x) = Gamma((df + 1) / 2) / (Gamma(df / 2) sqrt(pi df) scale) (1 + z^2 / df)^(-(df + 1) / 2),
        z = (x - loc) / scale

    scale is not the standard deviation, which is scale sqrt(df / (df - 2)) for df > 2.
    scipy.stats.t(df, loc, scale).

    >>> print(f"{StudentT.log_sf(StudentT.Params(df=3.0, loc=0.0, scale=1.0), 10.0):.2f}")
    -6.85

    """

    class Params(NamedTuple):
        """df, the degrees of freedom. loc, the median. scale, a standard deviation for infinite df."""

        df: ArrayLike
        loc: ArrayLike
        scale: ArrayLike

    _standard = (1.0, 0.0, 1.0)

    @staticmethod
    def _lawful(params: Any) -> Array:
        return (params.df > 0) & LocationScale._lawful(params)

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return params.loc

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        return log_student_density((x - params.loc) / params.scale, _finite(params.df)) - jnp.log(params.scale)

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        return log_tails.log_student_tails((x - params.loc) / params.scale, _finite(params.df))

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        df = _finite(params.df)
        # (df + 1) / 2 (psi((df + 1) / 2) - psi(df / 2)), without the logarithm of df that cancels.
        slopes = (df + 1) / 2 * (digamma_minus_log((df + 1) / 2) - digamma_minus_log(df / 2) + jnp.log1p(1 / df))
        return slopes - log_student_density(jnp.zeros_like(df), df) + jnp.log(params.scale)

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return jnp.where(params.df > 1, params.loc, jnp.nan)

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        df = jnp.where(params.df > 2, _finite(params.df), 3.0)
        return jnp.where(params.df > 2, params.scale**2 * (df / (df - 2)), jnp.where(params.df > 1, jnp.inf, jnp.nan))

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return params.loc + params.scale * jax.random.t(key, _finite(params.df), shape, dtype)


def _finite(df: Array) -> Array:
    """df, infinite ones as a number so large that the law is normal to the last digit."""
    return jnp.minimum(df, float(jnp.finfo(df.dtype).max) ** 0.4)
