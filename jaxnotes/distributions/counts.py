"""Families of counts.

Parameters on the edge of the parameter space (p = 0, rate = 0), which are the estimates of a sample without successes,
are laws too.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.special import log_tails
from jaxnotes.core.special.gamma_terms import digamma_minus_log, gamma_excess, log_beta_prefix, log_gamma_prefix
from jaxnotes.core.special.logs import log1m_exp
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.status import Solution
from jaxnotes.distributions import fitting, lattice, solvers, summaries
from jaxnotes.distributions.family import Discrete
from jaxnotes.distributions.fitting import Empirical, Peak


class Binomial(Discrete):
    """The binomial law: the number of successes in `trials`, a known integer >= 0, each of probability p in [0, 1].

        P(X = k) = C(trials, k) p^k (1 - p)^(trials - k)

    scipy.stats.binom(n=trials, p=p); R: dbinom(size = trials, prob = p). `cdf` and `log_sf` are NaN where
    k (trials - k) / trials exceeds 1e9.

    >>> print(f"{Binomial.log_prob(Binomial.Params(trials=10, p=0.7), 7):.6f}")
    -1.321151
    """

    class Params(NamedTuple):
        """How many trials, and how often one succeeds.

        Attributes:
            trials: their number, known, an integer >= 0.
            p: the probability of success, in [0, 1].
        """

        trials: ArrayLike
        p: ArrayLike

    _standard = (1.0, 0.5)

    @staticmethod
    def _lawful(params: Any) -> Array:
        n, p = params
        return (n >= 0) & (n < jnp.inf) & (n == jnp.floor(n)) & (p >= 0) & (p <= 1)

    @staticmethod
    def _support(params: Any) -> tuple[ArrayLike, ArrayLike]:
        return 0.0, params.trials

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        # Trials are known and whole: a derivative would make a standard error of them.
        n, p = params
        n = jax.lax.stop_gradient(n)
        none, between = x == 0, (x > 0) & (x < n)
        proper = between & (p > 0) & (p < 1)
        k, m = jnp.where(proper, x, 1), jnp.where(proper, n, 2)
        q = jnp.where(proper, p, 0.5)
        inside = log_beta_prefix(k, m - k, q, 1 - q, gamma_excess(k, m, q)) - jnp.log(k / m * (m - k))
        # All failures or all successes; with no trial at all, neither.
        one_sided = jnp.where(none, jnp.log1p(-jnp.where(none, p, 0)), jnp.log(jnp.where(none | between, 1, p)))
        return jnp.where(between, jnp.where(proper, inside, -jnp.inf), jnp.where(n > 0, n * one_sided, 0))

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        n, p = params
        # P(X <= k) = I_{1-p}(n - k, k + 1), for k < n.
        proper = (p > 0) & (p < 1) & (x < n)
        k, m, q = jnp.where(proper, x, 0), jnp.where(proper, n, 1), jnp.where(proper, p, 0.5)
        log_sf, log_cdf = log_tails.log_beta_tails(k + 1, m - k, q, 1 - q, gamma_excess(k, m, q) - (1 - q))
        zero = p == 0
        log_cdf = jnp.where(proper, log_cdf, jnp.where(zero, 0, -jnp.inf))
        return log_cdf, jnp.where(proper, log_sf, jnp.where(zero, -jnp.inf, 0))

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        def log_mass(k: Array) -> Array:
            inside = k <= params.trials
            return jnp.where(inside, Binomial._log_density(params, jnp.where(inside, k, 0)), -jnp.inf)

        return lattice.entropy(log_mass, Binomial._mean(params), Binomial._variance(params))

    @staticmethod
    def _mean(params: Any) -> Array:
        return params.trials * params.p

    @staticmethod
    def _variance(params: Any) -> Array:
        return params.trials * params.p * (1 - params.p)

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        def log_mass(n: Array, p: Array, k: Array) -> Array:
            return Binomial._log_density((n, p), k)

        return lattice.draw_binomial(key, params.trials, params.p, shape, log_mass)

    @classmethod
    def fit(cls, x: ArrayLike, weights: ArrayLike | None = None, *, trials: ArrayLike) -> Solution:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The share of successes, as `Distribution.fit`.

            p = sum_i w_i x_i / (trials sum_i w_i)

        Args:
            x: numbers of successes, (n,), integers from 0 to trials.
            weights: frequencies, (n,), >= 0, default None: every row counts once.
            trials: their number for each x, known, an integer >= 1.

        Returns:
            A `Solution` with `Binomial.Params`, value the mean negative log-likelihood in nats.

        Statuses:
            CONVERGED: 0 < p < 1.
            BOUNDARY: p is 0 or 1.
            INVALID_DATA, NON_FINITE_DATA, TOO_FEW_ROWS: as in `Distribution.fit`; NaN.

        >>> solution = Binomial.fit([7], trials=10)
        >>> inferred = Binomial.infer(solution, [7], trials=10)
        >>> print(f"{solution.params.p:.2f} {inferred.se[0]:.6f}")
        0.70 0.144914
        """
        return fitting.fit(cls, cls._sample(x, weights, trials=trials))

    @classmethod
    def infer(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls,
        solution: Solution,
        x: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        trials: ArrayLike,
        level: ArrayLike = 0.95,
    ) -> Inference:
        """As `Distribution.infer`, about p alone. `maximum_likelihood.infer` takes log_prob as a function of p too.

        Args:
            solution: what `fit` returned.
            x: numbers of successes, (n,), as in `fit`.
            weights: frequencies, (n,), default None, as in `fit`.
            trials: their number for each x, as in `fit`.
            level: of the interval, a number in (0, 1), default 0.95.

        Returns:
            An `Inference` about p, (1,); NaN unless CONVERGED.
        """
        return cls._infer(solution, cls._sample(x, weights, trials=trials), level)

    @staticmethod
    def _possible(x: Array, known: dict[str, Array]) -> Array:
        trials = known["trials"]
        return Discrete._possible(x, known) & (x <= trials) & (trials >= 1) & (trials == jnp.floor(trials))

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        trials = rows.known["trials"]
        return Peak(Binomial.Params(trials, summaries.centre(rows.x, rows.share) / trials))

    @staticmethod
    def _units(params: Any) -> Any:
        n, p = params
        return Binomial.Params(n, jnp.sqrt(p / n * (1 - p)))

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return (params.p == 0) | (params.p == 1)


class Geometric(Discrete):
    """The geometric law: the number of trials up to and with the first success, each of probability p in (0, 1].

        P(X = k) = (1 - p)^(k - 1) p,    k = 1, 2, ...

    scipy.stats.geom(p). R's dgeom and the negative binomial law count the failures only, k - 1.

    >>> print(Geometric.mean(Geometric.Params(p=0.25)))
    4.0
    """

    class Params(NamedTuple):
        """How often a trial succeeds.

        Attributes:
            p: the probability of success, in (0, 1].
        """

        p: ArrayLike

    _standard = (0.5,)

    @staticmethod
    def _lawful(params: Any) -> Array:
        return (params.p > 0) & (params.p <= 1)

    @staticmethod
    def _support(params: Any) -> tuple[ArrayLike, ArrayLike]:
        return 1.0, jnp.inf

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        failed = x > 1
        failures = jnp.where(failed, (x - 1) * jnp.log1p(-jnp.where(failed, params.p, 0.5)), 0)
        return failures + jnp.log(params.p)

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        log_sf = x * jnp.log1p(-params.p)
        return log1m_exp(log_sf), log_sf

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        return lattice.binary_entropy(params.p) / params.p

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return 1 / params.p

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        return (1 - params.p) / params.p / params.p

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return 1 + jnp.floor(jax.random.exponential(key, shape, dtype) / -jnp.log1p(-params.p))

    _stand_in = 1.0

    @staticmethod
    def _possible(x: Array, known: dict[str, Array]) -> Array:
        return Discrete._possible(x, known) & (x >= 1)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        return Peak(Geometric.Params(1 / summaries.centre(rows.x, rows.share)))

    @staticmethod
    def _units(params: Any) -> Any:
        return Geometric.Params(params.p * jnp.sqrt(1 - params.p))

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return params.p == 1


class NegativeBinomial(Discrete):
    """The negative binomial law of overdispersed counts: size > 0, the dispersion, and mu >= 0, the mean.

        P(X = k) = Gamma(size + k) / (Gamma(size) k!) p^size (1 - p)^k,    p = size / (size + mu)

    The variance is mu + mu^2 / size; size -> inf is the Poisson law. For an integer size, X counts the failures before
    success number `size`, each trial succeeding with probability p.
    scipy.stats.nbinom(n=size, p=size / (size + mu)); R: dnbinom(size, mu = mu); MASS calls size theta, NB2 regressions
    alpha = 1 / size. `cdf` and `log_sf` are NaN where size (k + 1) / (size + k + 1) exceeds 1e9.

    >>> print(f"{NegativeBinomial.log_prob(NegativeBinomial.Params(size=1.0, mu=1.0), 2):.4f}")
    -2.0794
    """

    class Params(NamedTuple):
        """The dispersion and the mean.

        Attributes:
            size: the dispersion, > 0; the smaller, the wider.
            mu: the mean, >= 0.
        """

        size: ArrayLike
        mu: ArrayLike

    _standard = (1.0, 1.0)

    @staticmethod
    def _lawful(params: Any) -> Array:
        return (params.size > 0) & (params.size < jnp.inf) & (params.mu >= 0) & (params.mu < jnp.inf)

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        r, mu = params
        proper = (x > 0) & (mu > 0)
        k, m = jnp.where(proper, x, 1), jnp.where(proper, mu, 1)
        inside = log_beta_prefix(r, k, r / (r + m), m / (r + m), r / (r + m) * (k - m)) - jnp.log(k)
        return jnp.where(x == 0, -r * jnp.log1p(mu / r), jnp.where(proper, inside, -jnp.inf))

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        r, mu = params
        proper = mu > 0
        k, m = x + 1, jnp.where(proper, mu, 1)
        log_cdf, log_sf = log_tails.log_beta_tails(
            r * jnp.ones_like(k), k, r / (r + m), m / (r + m), r / (r + m) * (k - m)
        )
        return jnp.where(proper, log_cdf, 0), jnp.where(proper, log_sf, -jnp.inf)

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        r, mu = params
        bell = lattice.entropy(lambda k: NegativeBinomial._log_density(params, k), mu, mu + mu * (mu / r))
        return jnp.where(jnp.minimum(r, mu) > 512, bell, lattice.negative_binomial_entropy(r, mu))

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return params.mu

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        return params.mu + params.mu * (params.mu / params.size)

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        rate_key, count_key = jax.random.split(key)
        rate = jax.random.gamma(rate_key, params.size, shape, dtype) * (params.mu / params.size)
        return Poisson._draw(count_key, Poisson.Params(rate), shape, dtype)

    # The estimate of mu is the mean m. That of the size is finite only if the variance v exceeds it (Levin and Reeds
    # 1977, Annals of Statistics 5, 79-87); else the size is infinite, which is the Poisson law: BOUNDARY.

    _closed_form = False

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        x, share, _ = rows
        mu = summaries.centre(x, share)
        excess = summaries.average((x - mu) ** 2, share) - mu
        over = excess > 0

        def downhill(size: Array) -> Array:
            """size^2 times the slope of the loss in size, whose limit at infinity is excess / 2."""
            gain = jnp.log1p(x / size) + digamma_minus_log(x + size) - digamma_minus_log(size)
            return size**2 * (jnp.log1p(mu / size) - summaries.average(gain, share))

        def with_slope(size: Array) -> tuple[Array, Array]:
            return jax.jvp(downhill, (size,), (jnp.ones_like(size),))

        size, steps = solvers.positive_root(with_slope, jnp.where(over, mu**2 / jnp.where(over, excess, 1), jnp.nan))
        return Peak(NegativeBinomial.Params(jnp.where(over, size, jnp.inf), mu), steps)

    @staticmethod
    def _units(params: Any) -> Any:
        size, mu = params
        return NegativeBinomial.Params(size, jnp.sqrt(mu * (1 + mu / size)))

    @classmethod
    def _loss(cls, params: Any, rows: Empirical) -> Array:
        poisson = params.size == jnp.inf
        law = cls.Params(jnp.where(poisson, 1, params.size), params.mu)
        loss = -summaries.average(cls._log_density(law, rows.x), rows.share)
        return jnp.where(poisson, Poisson._loss(Poisson.Params(params.mu), rows), loss)


class Poisson(Discrete):
    """The Poisson law: rate >= 0, its mean and variance.

        P(X = k) = rate^k exp(-rate) / k!

    scipy.stats.poisson(mu=rate); R: dpois(lambda = rate). `cdf` and `log_sf` are NaN for k >= 1e9.

    >>> import numpy as np
    >>> deaths = np.repeat([0, 1, 2, 3, 4], [109, 65, 22, 3, 1])
    >>> print(f"{Poisson.log_prob(Poisson.Params(rate=0.61), deaths).sum():.3f}")
    -206.107
    """

    class Params(NamedTuple):
        """The mean.

        Attributes:
            rate: the mean and the variance, >= 0.
        """

        rate: ArrayLike

    _standard = (1.0,)

    @staticmethod
    def _lawful(params: Any) -> Array:
        return (params.rate >= 0) & (params.rate < jnp.inf)

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        proper = (x > 0) & (params.rate > 0)
        k, rate = jnp.where(proper, x, 1), jnp.where(proper, params.rate, 1)
        inside = log_gamma_prefix(k, rate, jnp.ones_like(k)) - jnp.log(k)
        return jnp.where(x == 0, -params.rate, jnp.where(proper, inside, -jnp.inf))

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        proper = params.rate > 0
        rate = jnp.where(proper, params.rate, 1) * jnp.ones_like(x)
        log_sf, log_cdf = log_tails.log_gamma_tails(x + 1, rate, jnp.ones_like(x))
        return jnp.where(proper, log_cdf, 0), jnp.where(proper, log_sf, -jnp.inf)

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        return lattice.entropy(lambda k: Poisson._log_density(params, k), params.rate, params.rate)

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return params.rate

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        return params.rate

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        rate = jnp.broadcast_to(params.rate, shape)
        return lattice.draw_poisson(key, rate, lambda rate, k: Poisson._log_density(Poisson.Params(rate), k))

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        return Peak(Poisson.Params(summaries.centre(rows.x, rows.share)))

    @staticmethod
    def _units(params: Any) -> Any:
        return Poisson.Params(jnp.sqrt(params.rate))

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return params.rate == 0
