"""Continuous families on the real line."""

import math
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.special import log_tails
from jaxnotes.core.special.gamma_terms import digamma_minus_log, log_student_density
from jaxnotes.core.special.logs import log1m_exp_exp, log1p_square
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.status import Solution, Status, first_status
from jaxnotes.distributions import fitting, frames, solvers, summaries
from jaxnotes.distributions.family import Distribution
from jaxnotes.distributions.fitting import Empirical, Peak, Sample

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

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return ~(params.scale > 0)

    _kinds: ClassVar[frames.Kinds] = {"loc": frames.LOCATION, "scale": frames.LENGTH}
    _frame = staticmethod(frames.about_the_mean)

    @staticmethod
    def _units(params: Any) -> Any:
        return params._replace(loc=params.scale)


class Normal(LocationScale):
    """The normal law: loc, its mean, and scale > 0, its standard deviation (not the variance).

        p(x) = exp(-z^2 / 2) / (scale sqrt(2 pi)),    z = (x - loc) / scale

    scipy.stats.norm(loc, scale); R: dnorm(mean = loc, sd = scale).

    >>> print(f"{Normal.log_prob(Normal.Params(loc=0.0, scale=2.0), 2.0):.4f}")
    -2.1121
    """

    class Params(NamedTuple):
        """The mean and the standard deviation.

        Attributes:
            loc: the mean.
            scale: the standard deviation, > 0.
        """

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

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        return Peak(Normal.Params(*summaries.moments(rows)))


class Gumbel(LocationScale):
    """The Gumbel law of maxima: loc, its mode, and scale > 0.

        P(X <= x) = exp(-exp(-z)),    p(x) = exp(-z - exp(-z)) / scale,    z = (x - loc) / scale

    scipy.stats.gumbel_r(loc, scale). The law of minima is that of -X.

    >>> print(f"{Gumbel.cdf(Gumbel.Params(loc=1.0, scale=2.0), 1.0):.4f}")
    0.3679
    """

    class Params(NamedTuple):
        """The mode and the scale.

        Attributes:
            loc: the mode.
            scale: sqrt(6) / pi standard deviations, > 0.
        """

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

    _closed_form = False

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        """exp(-X) has a Weibull law of shape 1 / scale."""
        m = summaries.centre(rows.x, rows.share)
        shape, log_scale, steps = solvers.extreme_value(m - rows.x, rows.share)
        return Peak(Gumbel.Params(m - log_scale, 1 / shape), steps)


class Logistic(LocationScale):
    """The logistic law: loc, its mean, and scale > 0.

        P(X <= x) = 1 / (1 + exp(-z)),    p(x) = exp(-z) / (scale (1 + exp(-z))^2),    z = (x - loc) / scale

    scipy.stats.logistic(loc, scale).

    >>> print(Logistic.log_prob(Logistic.Params(loc=0.0, scale=1.0), 1000.0))
    -1000.0
    """

    class Params(NamedTuple):
        """The mean and the scale.

        Attributes:
            loc: the mean and median.
            scale: sqrt(3) / pi standard deviations, > 0.
        """

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

    _closed_form = False

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        """For z = a + b y, y standardized, the loss is convex in a and b, as the density is log-concave."""
        m, sd = summaries.moments(rows)
        y = (rows.x - m) / sd

        def loss(theta: Array) -> Array:
            a, b = theta
            return -summaries.average(Logistic._log_standard(a + b * y), rows.share) - jnp.log(b)

        start = jnp.array([0, math.pi / math.sqrt(3)], y.dtype)
        (a, b), steps = solvers.convex_minimum(jax.grad(loss), start)
        return Peak(Logistic.Params(m - jnp.where(sd > 0, sd * a / b, 0), jnp.where(sd > 0, sd / b, 0)), steps)


class Laplace(LocationScale):
    """The Laplace or double exponential law: loc, its mean and median, and scale > 0, its mean absolute deviation.

        p(x) = exp(-|z|) / (2 scale),    z = (x - loc) / scale

    scipy.stats.laplace(loc, scale). The derivative at x = loc, a kink, is 0.

    >>> print(f"{Laplace.cdf(Laplace.Params(loc=0.0, scale=1.0), 0.0):.1f}")
    0.5
    """

    class Params(NamedTuple):
        """The median and the scale.

        Attributes:
            loc: the mean and median.
            scale: the mean absolute deviation, > 0.
        """

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

    _frame = staticmethod(frames.about_the_median)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        loc = summaries.median(rows.x, rows.share)
        deviations = (rows.x - loc) * jnp.sign(rows.x - loc)
        return Peak(Laplace.Params(loc, summaries.average(deviations, rows.share)))

    @staticmethod
    def _covariance(params: Any) -> Array:
        """The expected information, as the density has a kink where its curvature is."""
        return params.scale**2 * jnp.eye(2, dtype=params.scale.dtype)


class Cauchy(LocationScale):
    """The Cauchy law: loc, its median, and scale > 0, half its interquartile range. It has no mean and no variance.

        p(x) = 1 / (pi scale (1 + z^2)),    P(X > x) = arctan2(1, z) / pi,    z = (x - loc) / scale

    scipy.stats.cauchy(loc, scale).

    >>> print(Cauchy.mean(Cauchy.Params(loc=0.0, scale=1.0)))
    nan
    """

    class Params(NamedTuple):
        """The median and the scale.

        Attributes:
            loc: the median.
            scale: half the interquartile range, > 0.
        """

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

    _closed_form = False
    _frame = staticmethod(frames.about_the_median)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        """Unimodal where no value has half of the weight (Copas 1975, Biometrika 62, 701-704); else scale -> 0."""
        (_, loc, scale), steps, ending = _student_peak(rows, jnp.ones((), rows.x.dtype))
        return Peak(Cauchy.Params(loc, scale), steps, ending)


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
        """The degrees of freedom, the median and the scale.

        Attributes:
            df: the degrees of freedom, > 0; infinite ones are the normal law.
            loc: the median.
            scale: the standard deviation where df are infinite, > 0.
        """

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

    @classmethod
    def fit(cls, x: ArrayLike, weights: ArrayLike | None = None, *, df: ArrayLike | None = None) -> Solution:
        """As `Distribution.fit`, of all three parameters, or of loc and scale where df is known.

        The likelihood has no bound where many x are equal, and may have several maxima; this one is near the median.

        Args:
            x: the sample, (n,).
            weights: frequencies, (n,), >= 0, default None: every row counts once.
            df: the degrees of freedom where they are known, a number > 0, default None: they are estimated.

        Returns:
            A `Solution` with `StudentT.Params`, value the mean negative log-likelihood in nats.

        Statuses:
            CONVERGED: a maximum was found.
            BOUNDARY: df is infinite, since the tails of the sample are no heavier than a normal law's (kurtosis at most
                3); or the law has shrunk to a point.
            FLAT, MAX_STEPS, STALLED: as in `Distribution.fit`.
            INVALID_DATA, NON_FINITE_DATA, TOO_FEW_ROWS: as in `Distribution.fit`; NaN.

        >>> solution = StudentT.fit([-9.0, -1.0, 0.0, 1.0, 9.0], df=1.0)
        >>> print(f"{solution.params.scale:.4f}")
        1.6009
        """
        return fitting.fit(cls, cls._known(x, weights, df))

    @classmethod
    def infer(
        cls,
        solution: Solution,
        x: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        df: ArrayLike | None = None,
        level: ArrayLike = 0.95,
    ) -> Inference:
        """As `Distribution.infer`, about loc and scale alone where df is known.

        Args:
            solution: what `fit` returned.
            x: the sample, (n,), as in `fit`.
            weights: frequencies, (n,), default None, as in `fit`.
            df: the known degrees of freedom, default None, as in `fit`.
            level: of the intervals, a number in (0, 1), default 0.95.

        Returns:
            An `Inference`, flat vectors in the order of params; NaN unless CONVERGED.
        """
        return cls._infer(solution, cls._known(x, weights, df), level)

    @classmethod
    def _known(cls, x: ArrayLike, weights: ArrayLike | None, df: ArrayLike | None) -> Sample:
        return cls._sample(x, weights) if df is None else cls._sample(x, weights, df=df)

    _closed_form = False
    _kinds: ClassVar[frames.Kinds] = LocationScale._kinds
    _looseness = 4.0
    _frame = staticmethod(frames.about_the_median)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        if rows.known:
            return _student_peak(rows, rows.known["df"])
        mean, sd = summaries.moments(rows)
        z = (rows.x - mean) / sd
        kurtosis = summaries.average(z**4, rows.share)
        heavy = kurtosis > 3
        found, steps, ending = _student_peak(rows, None, 4 + 6 / jnp.where(heavy, kurtosis - 3, 1))
        normal = StudentT.Params(jnp.full_like(mean, jnp.inf), mean, sd)
        params = jax.tree.map(lambda a, b: jnp.where(heavy | ~(found.scale > 0), a, b), found, normal)
        return Peak(params, steps, ending)

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return ~(params.scale > 0) | (params.df == jnp.inf)

    @staticmethod
    def _units(params: Any) -> Any:
        return StudentT.Params(jnp.where(params.df < jnp.inf, params.df, 0), params.scale, params.scale)


def _student_peak(rows: Empirical, df: Array | None, start_df: Array | float = 0.0) -> Peak:
    """A maximum near the median, of StudentT.Params; df is known or starts at start_df.

    In units of the median deviation, with the logarithm of the scale and log(1 + 1 / df), which is 1 / df for a nearly
    normal law. Where one value has so much of the weight that the likelihood grows without bound there, scale is 0.
    """
    loc = summaries.median(rows.x, rows.share)
    deviations = jnp.abs(rows.x - loc)
    unit = summaries.median(deviations, rows.share)
    unit = jnp.where(unit > 0, unit, summaries.average(deviations, rows.share))
    y = (rows.x - loc) / unit

    def law(theta: Array) -> Any:
        given = 1 / jnp.expm1(theta[2]) if df is None else df
        return StudentT.Params(given, theta[0], jnp.exp(theta[1]))

    def loss(theta: Array) -> Array:
        params = law(theta)
        value = -summaries.average(StudentT._log_density(params, y), rows.share)
        return jnp.where(params.df > 0, value, jnp.nan)

    start = jnp.zeros((2,), y.dtype)
    if df is None:
        start = jnp.append(start, jnp.log1p(1 / start_df))
    theta, steps, ending = solvers.minimum(loss, start)
    found = law(theta)
    nearest = rows.x[jnp.argmin(jnp.abs(y - found.loc))]
    tied = summaries.average((rows.x == nearest).astype(y.dtype), rows.share)
    limit = 0.5 if df is None else df / (df + 1)
    rounding = 64 * float(jnp.finfo(y.dtype).eps)
    point = tied > limit + rounding
    scale = jnp.where(point, 0, unit * found.scale)
    params = StudentT.Params(found.df, jnp.where(point, nearest, loc + unit * found.loc), scale)
    # At the limit the likelihood is bounded, but highest at scale 0. An ending at the last digit is judged by the
    # gradient, as for every family.
    fine = (ending == Status.CONVERGED) | (ending == Status.STALLED)
    edge = first_status((tied >= limit - rounding, Status.BOUNDARY))
    return Peak(params, steps, first_status((fine, edge), otherwise=ending))


def _finite(df: Array) -> Array:
    """df, infinite ones as a number so large that the law is normal to the last digit."""
    return jnp.minimum(df, float(jnp.finfo(df.dtype).max) ** 0.4)
