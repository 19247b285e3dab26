"""The multivariate normal law."""

import math
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix import factors
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.distributions import frames, summaries
from jaxnotes.distributions.family import Distribution
from jaxnotes.distributions.fitting import Empirical, Peak


class MultivariateNormal(Distribution):
    """The multivariate normal law in d dimensions, by its mean and its covariance.

        p(x) = exp(-(x - mean)' covariance^-1 (x - mean) / 2) / sqrt((2 pi)^d det covariance)

    x is (..., d). A covariance that is not symmetric to sqrt(eps) or not positive definite is no law. `log_prob` is
    right to about eps times the condition number of the covariance. `cdf` and `log_sf` have no closed form and are not
    offered. scipy.stats.multivariate_normal(mean, cov).

    >>> law = MultivariateNormal.Params(mean=[0.0, 0.0], covariance=[[1.0, 0.5], [0.5, 1.0]])
    >>> print(f"{MultivariateNormal.log_prob(law, [1.0, 1.0]):.4f}")
    -2.3607
    """

    class Params(NamedTuple):
        """The mean and the covariance.

        Attributes:
            mean: the mean vector, (d,).
            covariance: the covariance matrix, (d, d), symmetric and positive definite.
        """

        mean: ArrayLike
        covariance: ArrayLike

    _event = (-1,)

    @classmethod
    def _check(cls, params: Any) -> None:
        mean, covariance = params
        if mean.ndim != 1 or len(mean) == 0:
            raise ValueError(f"mean: expected shape (d,), got {mean.shape}. For a batch of laws use jax.vmap.")
        if covariance.shape != (len(mean), len(mean)):
            raise ValueError(
                f"covariance: expected shape {(len(mean), len(mean))} for a mean of shape {mean.shape}, "
                f"got {covariance.shape}. Independent coordinates are jnp.diag(variances)."
            )

    @classmethod
    def _arrays(cls, params: Any, *x: ArrayLike) -> Any:
        checked = super()._arrays(params, *x)
        if x and checked[1].shape[-1:] != checked[0].mean.shape:
            d = len(checked[0].mean)
            raise ValueError(f"x: expected shape (..., {d}) for a mean of shape ({d},), got {checked[1].shape}.")
        return checked

    @classmethod
    def log_cdf(cls, params: Any, x: ArrayLike) -> Array:
        """Not offered: the multivariate normal law has no closed form for it.

        Args:
            params: the law, a `MultivariateNormal.Params`.
            x: values, (..., d).

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("MultivariateNormal: no closed form for cdf and log_cdf.")

    @classmethod
    def log_sf(cls, params: Any, x: ArrayLike) -> Array:
        """Not offered: the multivariate normal law has no closed form for it.

        Args:
            params: the law, a `MultivariateNormal.Params`.
            x: values, (..., d).

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("MultivariateNormal: no closed form for log_sf.")

    @classmethod
    def _guard(cls, params: Any) -> tuple[Any, Array]:
        covariance = jax.lax.stop_gradient(params.covariance)
        asymmetry = jnp.max(jnp.abs(covariance - covariance.T))
        symmetric = asymmetry <= float(jnp.finfo(covariance.dtype).eps) ** 0.5 * jnp.max(jnp.abs(covariance))
        definite = jnp.all(jnp.isfinite(factors.cholesky(covariance)))
        lawful = symmetric & definite & jnp.all(jnp.isfinite(params.mean))
        eye = jnp.eye(len(params.mean), dtype=covariance.dtype)
        return cls.Params(jnp.where(lawful, params.mean, 0), jnp.where(lawful, params.covariance, eye)), lawful

    @staticmethod
    def _inner(params: Any) -> ArrayLike:
        return params.mean

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        d = len(params.mean)
        lower = factors.cholesky(params.covariance)
        deviations = x.reshape(-1, d) - params.mean[None]
        z = jnp.matmul(factors.inverse_of_lower(lower), deviations.T, precision="highest")
        square = jnp.sum(z * z, axis=0).reshape(x.shape[:-1])
        return -square / 2 - d / 2 * math.log(2 * math.pi) - jnp.sum(jnp.log(jnp.diagonal(lower)))

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        pivots = jnp.diagonal(factors.cholesky(params.covariance))
        return len(pivots) / 2 * math.log(2 * math.pi * math.e) + jnp.sum(jnp.log(pivots))

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return params.mean

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        return params.covariance

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        normal = jax.random.normal(key, (math.prod(shape), len(params.mean)), dtype)
        draws = params.mean[None] + jnp.matmul(normal, factors.cholesky(params.covariance).T, precision="highest")
        return draws.reshape(*shape, len(params.mean))

    _kinds: ClassVar[frames.Kinds] = {"mean": frames.LOCATION, "covariance": frames.SQUARES}
    _frame = staticmethod(frames.about_the_mean)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        mean = summaries.centre(rows.x, rows.share)
        deviations = rows.x - mean[None]
        covariance = jnp.matmul((rows.share[:, None] * deviations).T, deviations, precision="highest")
        return Peak(MultivariateNormal.Params(mean, covariance))

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        factor = factors.factor_spd(params.covariance[None], jnp.zeros_like(params.mean)[None])
        return factor.smallest_pivot[0] == 0

    @staticmethod
    def _units(params: Any) -> Any:
        spread = jnp.sqrt(jnp.diagonal(params.covariance))
        return MultivariateNormal.Params(spread, spread[:, None] * spread[None])

    @staticmethod
    def _covariance(params: Any) -> Array:
        """Isserlis: n the covariance of S_ij and S_kl is S_ik S_jl + S_il S_jk; S and the mean are independent."""
        S, d = params.covariance, len(params.mean)
        pairs = (S[:, None, :, None] * S[None, :, None] + S[:, None, None] * S[None, :, :, None]).reshape(d * d, d * d)
        return jax.scipy.linalg.block_diag(S, pairs)
