"""The verbs of every family, and what they do with invalid parameters and outside the support.

A family states its law for valid parameters inside the support; the rest is here, once. No NaN or infinity of what
lies outside reaches a derivative: invalid parameters are replaced by those of a standard law before anything is
computed, x outside the support by a point inside.
"""

import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxnotes.core.inference.covariance import Inference, wald
from jaxnotes.core.special.log_tails import log_difference
from jaxnotes.core.values import arrays, settings
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.status import Solution
from jaxnotes.distributions import fitting, frames, summaries
from jaxnotes.distributions.fitting import Peak, Sample
from jaxnotes.distributions.summaries import Empirical

# What a family's own functions take: its Params, a NamedTuple of arrays.
Law = Any


class Distribution:
    """A family of laws: a namespace of pure functions of its parameters.

    params is always the family's own named tuple, as in Normal.Params(loc=0.0, scale=1.0), a pytree that JAX can
    differentiate and batch. One call is about one law: its parameters are numbers, and a batch is the caller's
    jax.vmap. Results have the dtype of the input. Invalid parameters give NaN, with derivative 0.
    """

    Params: ClassVar[Any]
    discrete: ClassVar[bool] = False
    # Parameters of some law of the family, to stand in for invalid ones; the axes of x that make one value.
    _standard: ClassVar[tuple[float, ...]]
    _event: ClassVar[tuple[int, ...]] = ()

    def __new__(cls, *_: Any, **__: Any) -> "Distribution":
        """Refuse, and show the right call."""
        fields = ", ".join(cls.Params._fields)
        raise TypeError(
            f"{cls.__name__}: a namespace, not called itself. "
            f"Write {cls.__name__}.log_prob({cls.__name__}.Params({fields}), x)."
        )

    @classmethod
    def log_prob(cls, params: Law, x: ArrayLike) -> Array:
        """The log density, or of a discrete family the log probability, of each x, in nats.

            log p(x; params)

        Args:
            params: the law, a Params of this family.
            x: values, any shape (of a vector law (..., d)).

        Returns:
            The shape of x (of a vector law (...,)): -inf outside the support, with derivative 0; at an end of the
            support the limit from inside, be it finite or not; NaN where x is NaN or params are invalid.

        Raises:
            TypeError: params is no Params of this family, or x is no array of numbers.
            ValueError: a shape is wrong.

        >>> from jaxnotes.distributions import Normal
        >>> density = jnp.exp(Normal.log_prob(Normal.Params(loc=0.0, scale=0.1), 0.0))
        >>> print(f"{density:.4f}")
        3.9894
        """
        return _log_prob(cls, *cls._arrays(params, x))

    @classmethod
    def cdf(cls, params: Law, x: ArrayLike) -> Array:
        """The distribution function.

            P(X <= x; params)

        Args:
            params: the law, a Params of this family.
            x: values, any shape.

        Returns:
            Probabilities, of the shape of x; NaN where x is NaN or params are invalid.

        Raises:
            TypeError: params is no Params of this family, or x is no array of numbers.
            ValueError: a shape is wrong.

        >>> from jaxnotes.distributions import Binomial
        >>> print(f"{Binomial.cdf(Binomial.Params(trials=10, p=0.5), 3):.6f}")
        0.171875
        """
        return jnp.exp(cls.log_cdf(params, x))

    @classmethod
    def log_cdf(cls, params: Law, x: ArrayLike) -> Array:
        """The log of the distribution function, right where the probability underflows.

            log P(X <= x; params)

        Args:
            params: the law, a Params of this family.
            x: values, any shape.

        Returns:
            Log probabilities in nats, of the shape of x; NaN where x is NaN or params are invalid.

        Raises:
            TypeError: params is no Params of this family, or x is no array of numbers.
            ValueError: a shape is wrong.

        >>> from jaxnotes.distributions import Normal
        >>> print(f"{Normal.log_cdf(Normal.Params(loc=0.0, scale=1.0), -40.0):.3f}")
        -804.608
        """
        return _log_tails(cls, *cls._arrays(params, x))[0]

    @classmethod
    def log_sf(cls, params: Law, x: ArrayLike) -> Array:
        """The log of the upper tail (the survival function), right where the probability underflows.

            log P(X > x; params)

        Args:
            params: the law, a Params of this family.
            x: values, any shape.

        Returns:
            Log probabilities in nats, of the shape of x; NaN where x is NaN or params are invalid.

        Raises:
            TypeError: params is no Params of this family, or x is no array of numbers.
            ValueError: a shape is wrong.

        >>> from jaxnotes.distributions import Gamma
        >>> print(f"{Gamma.log_sf(Gamma.Params(shape=2.0, rate=1.0), 1000.0):.3f}")
        -993.091
        """
        return _log_tails(cls, *cls._arrays(params, x))[1]

    @classmethod
    def entropy(cls, params: Law) -> Array:
        """The entropy in nats: of a continuous law the differential one, which may be negative.

            -E[log p(X)]

        Args:
            params: the law, a Params of this family.

        Returns:
            The entropy, shape (); NaN where params are invalid.

        Raises:
            TypeError: params is no Params of this family.
            ValueError: a parameter has the wrong shape.

        >>> from jaxnotes.distributions import Bernoulli
        >>> print(f"{Bernoulli.entropy(Bernoulli.Params(p=0.5)):.4f}")
        0.6931
        """
        return _summary(cls, "_entropy", cls._arrays(params))

    @classmethod
    def mean(cls, params: Law) -> Array:
        """The mean of the law.

            E[X]

        Args:
            params: the law, a Params of this family.

        Returns:
            The mean, shape () (of a vector law (d,)); infinite where it diverges to infinity, NaN where there is none
            or params are invalid.

        Raises:
            TypeError: params is no Params of this family.
            ValueError: a parameter has the wrong shape.

        >>> from jaxnotes.distributions import Exponential
        >>> print(Exponential.mean(Exponential.Params(rate=4.0)))
        0.25
        """
        return _summary(cls, "_mean", cls._arrays(params))

    @classmethod
    def variance(cls, params: Law) -> Array:
        """The variance of the law.

            E[(X - E[X])^2]

        Args:
            params: the law, a Params of this family.

        Returns:
            The variance, shape () (of a vector law the covariance, (d, d)); infinite where it diverges, NaN where there
            is none or params are invalid.

        Raises:
            TypeError: params is no Params of this family.
            ValueError: a parameter has the wrong shape.

        >>> from jaxnotes.distributions import Uniform
        >>> print(Uniform.variance(Uniform.Params(lower=0.0, upper=6.0)))
        3.0
        """
        return _summary(cls, "_variance", cls._arrays(params))

    @classmethod
    def support(cls, params: Law) -> tuple[Array, Array]:
        """The least and the largest value; a discrete law has the integers from one to the other.

        Args:
            params: the law, a Params of this family.

        Returns:
            (least, largest), shape () each; NaN where params are invalid.

        Raises:
            TypeError: params is no Params of this family.
            ValueError: a parameter has the wrong shape.

        >>> from jaxnotes.distributions import Pareto
        >>> print(*Pareto.support(Pareto.Params(shape=3.0, scale=2.0)))
        2.0 inf
        """
        return _support(cls, cls._arrays(params))

    @classmethod
    def sample(cls, key: Array, params: Law, shape: tuple[int, ...] = ()) -> Array:
        """Independent draws.

        Args:
            key: from jax.random.key.
            params: the law, a Params of this family.
            shape: of the draws, a tuple of ints >= 0, default (): one draw.

        Returns:
            Draws of that shape (of a vector law (*shape, d)). A discrete family gives the default integers, and -1 for
            a count beyond them; an invalid law gives NaN or -1.

        Raises:
            TypeError: params is no Params of this family.
            ValueError: shape is no tuple of ints >= 0, or a parameter has the wrong shape.

        >>> from jaxnotes.distributions import Poisson
        >>> Poisson.sample(jax.random.key(0), Poisson.Params(rate=3.0), (2, 4)).shape
        (2, 4)
        """
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError(f"shape: expected a tuple of ints >= 0, got {shape!r}. For n draws write (n,).")
        return _sample(cls, shape, key, cls._arrays(params))

    @classmethod
    def censored_log_prob(cls, params: Law, lower: ArrayLike, upper: ArrayLike) -> Array:
        """The log probability of what is known of a censored observation: lower < X <= upper.

            log P(lower < X <= upper), and log p(x) where the observation is exact, lower = upper = x

        upper = inf is right-censored, lower = -inf left-censored. It is the difference of the tails on the better side.

        Args:
            params: the law, a Params of this family.
            lower: what the observations exceed, any shape.
            upper: what they do not exceed, of the same shape.

        Returns:
            Log probabilities in nats, of the shape of lower; NaN where lower > upper or params are invalid.

        Raises:
            TypeError: params is no Params of this family, or lower or upper is no array of numbers.
            ValueError: the shapes differ, or a parameter has the wrong shape.

        Fits of censored samples are those of any likelihood, with `maximum_likelihood.fit`:

        >>> import jaxnotes as jn
        >>> from jaxnotes.distributions import Exponential
        >>> months, still_alive = jnp.array([2.0, 5.0, 9.0, 12.0, 12.0]), jnp.array([0, 0, 0, 1, 1])
        >>> log_prob = lambda params, row: Exponential.censored_log_prob(params, *row)
        >>> rows = months, jnp.where(still_alive, jnp.inf, months)
        >>> print(jn.maximum_likelihood.log_likelihood(log_prob, Exponential.Params(rate=3 / 40), rows).round(4))
        -10.7708
        """
        lower, upper = arrays.as_float("lower", lower), arrays.as_float("upper", upper)
        if lower.shape != upper.shape:
            raise ValueError(f"upper: expected the shape of lower, {lower.shape}, got {upper.shape}.")
        exact = lower == upper
        density = cls.log_prob(params, jnp.where(exact, lower, -jnp.inf))
        log_cdf_lower, log_sf_lower = _log_tails(cls, *cls._arrays(params, jnp.where(exact, -jnp.inf, lower)))
        log_cdf_upper, log_sf_upper = _log_tails(cls, *cls._arrays(params, jnp.where(exact, jnp.inf, upper)))
        right = log_sf_lower <= log_cdf_upper
        between = log_difference(
            jnp.where(right, log_sf_lower, log_cdf_upper), jnp.where(right, log_sf_upper, log_cdf_lower)
        )
        return jnp.where(exact, density, between)

    @classmethod
    def fit(cls, x: ArrayLike, weights: ArrayLike | None = None) -> Solution:
        """The parameters under which the sample is most probable.

            maximize  sum_i w_i log_prob(params, x_i)

        In closed form where there is one, else by Newton's method. `jax.vmap` fits many samples.

        Args:
            x: the sample, (n,) (of a vector law (n, d)), n >= 1.
            weights: frequencies, (n,), >= 0, default None: every row counts once. A row of weight k counts as k rows,
                one of weight 0 as absent, whatever it holds.

        Returns:
            A `Solution` with params of this family, value the mean negative log-likelihood in nats, and grad_norm in
            units of the parameters. Its error counts the step left, the rounding of the sums over the sample and that
            of the parameters, in standard errors taken for a parameter's own size over sqrt(n).

        Raises:
            TypeError: x or weights are not numbers.
            ValueError: x is empty, or a shape is wrong.

        Statuses:
            CONVERGED: the maximum was found.
            BOUNDARY: it is on the edge of the parameter space, where Wald's standard errors do not hold (p = 0, or a
                law shrunk to a point, as by a single row).
            DIVERGED: a parameter is no number of the dtype, but larger or smaller.
            FLAT: the likelihood does not curve there: other parameters are as probable.
            MAX_STEPS: the steps ran out.
            STALLED: rounding stopped the method before the gradient vanished, or the weights sum to so much that the
                rounding of a row may exceed what CONVERGED promises.
            INVALID_DATA: a weight is negative or the family excludes an x; NaN.
            NON_FINITE_DATA: an x or a weight is not finite; NaN.
            TOO_FEW_ROWS: no weight is positive; NaN.

        >>> from jaxnotes.distributions import Poisson
        >>> solution = Poisson.fit([0, 1, 2, 3, 4], weights=[109, 65, 22, 3, 1])
        >>> print(f"{solution.params.rate:.2f} {-200 * solution.value:.3f}")
        0.61 -206.107
        """
        return fitting.fit(cls, cls._sample(x, weights))

    @classmethod
    def infer(
        cls, solution: Solution, x: ArrayLike, weights: ArrayLike | None = None, *, level: ArrayLike = 0.95
    ) -> Inference:
        """Standard errors, z tests and Wald intervals of a fit; give the data and keywords that `fit` was given.

            covariance = ( -sum_i w_i log_prob'' )^-1        at the estimate

        As `maximum_likelihood.infer` with this family's log_prob, but from the sample's statistics, which is faster,
        and about the parameters that were estimated only.

        Args:
            solution: what `fit` returned.
            x: the sample, (n,) (of a vector law (n, d)), as in `fit`.
            weights: frequencies, (n,), default None, as in `fit`.
            level: of the intervals, a number in (0, 1), default 0.95.

        Returns:
            An `Inference`, flat vectors in the order of params; NaN unless CONVERGED.

        Raises:
            TypeError: x or weights are not numbers.
            ValueError: x is empty, a shape is wrong, or level is not in (0, 1).

        >>> from jaxnotes.distributions import Poisson
        >>> deaths, counts = [0, 1, 2, 3, 4], [109, 65, 22, 3, 1]
        >>> print(Poisson.infer(Poisson.fit(deaths, counts), deaths, counts).se.round(4))
        [0.0552]
        """
        return cls._infer(solution, cls._sample(x, weights), level)

    @classmethod
    def _infer(cls, solution: Solution, sample: Sample, level: ArrayLike) -> Inference:
        level = settings.confidence(level)
        return wald(fitting.covariance(cls, solution, sample), level)

    @classmethod
    def _sample(cls, x: ArrayLike, weights: ArrayLike | None, **known: ArrayLike) -> Sample:
        """Checked, and of one dtype."""
        values = {"x": arrays.as_float("x", x), **{name: arrays.as_float(name, value) for name, value in known.items()}}
        dtype = jnp.result_type(float, *(jnp.asarray(value) for value in (x, *known.values())))
        array, *others = (value.astype(dtype) for value in values.values())
        axes = ("n", *("d" for _ in cls._event))
        if array.ndim != len(axes) or array.size == 0:
            shape = "(n,)" if len(axes) == 1 else "(n, d)"
            raise ValueError(
                f"x: expected shape {shape} with n >= 1, got {array.shape}. For a batch of samples use jax.vmap."
            )
        weights = arrays.per_row_or("weights", weights, 1, len(array), dtype)
        return Sample(array, weights, dict(zip(known, others, strict=True)))

    # What a family defines, for valid params and x inside the support:

    @staticmethod
    def _lawful(params: Law) -> Array:
        """Whether the parameters are those of a law, shape ()."""
        raise NotImplementedError

    @staticmethod
    def _support(params: Law) -> tuple[ArrayLike, ArrayLike]:
        return -jnp.inf, jnp.inf

    @staticmethod
    def _inner(params: Law) -> ArrayLike:
        """A point inside the support where the law is regular, to stand in for x outside."""
        raise NotImplementedError

    @staticmethod
    def _log_density(params: Law, x: Array) -> Array:
        raise NotImplementedError

    @staticmethod
    def _log_density_at_ends(params: Law, x: Array) -> ArrayLike:
        """What `log_prob` is outside the open support of a continuous law: its limit at the ends, else -inf."""
        return -jnp.inf

    @staticmethod
    def _log_tails(params: Law, x: Array) -> tuple[Array, Array]:
        """log P(X <= x) and log P(X > x) where neither is -inf."""
        raise NotImplementedError

    @staticmethod
    def _entropy(params: Law) -> ArrayLike:
        raise NotImplementedError

    @staticmethod
    def _mean(params: Law) -> ArrayLike:
        raise NotImplementedError

    @staticmethod
    def _variance(params: Law) -> ArrayLike:
        raise NotImplementedError

    @staticmethod
    def _draw(key: Array, params: Law, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        raise NotImplementedError

    # What a family defines for its fit:

    # Whether `_maximize` is a closed form, to be differentiated as it stands.
    _closed_form: ClassVar[bool] = True
    # Whether the statistics are but a few numbers.
    _few_statistics: ClassVar[bool] = False
    # The parameters that follow x to another origin or unit, and how; where there are any the fit looks at z.
    _kinds: ClassVar[frames.Kinds] = {}
    # How many of its own sizes over sqrt(n) the standard error of a parameter may be, for `Solution.error`.
    _looseness: ClassVar[float] = 1.0
    # An x that any sample may hold, to stand in for one that may not be there.
    _stand_in: ClassVar[float] = 0.0

    @staticmethod
    def _possible(x: Array, known: dict[str, Array]) -> Array:
        """Which numbers a sample may hold, of the shape of x."""
        return jnp.ones_like(x, bool)

    @staticmethod
    def _frame(x: Array, share: Array) -> frames.Frame:
        """Where and in what unit to look at a sample, of a family with `_kinds`."""
        raise NotImplementedError

    @staticmethod
    def _summarize(rows: Empirical) -> Any:
        """The statistics on which `_loss` and `_maximize` rest."""
        return rows

    @classmethod
    def _loss(cls, params: Law, statistics: Any) -> Array:
        """The mean negative log-likelihood."""
        return -summaries.average(cls._log_density(params, statistics.x), statistics.share)

    @staticmethod
    def _maximize(statistics: Any) -> Peak:
        raise NotImplementedError

    @classmethod
    def _on_edge(cls, params: Law) -> Array:
        """Whether parameters that maximize the likelihood are on the edge of the parameter space."""
        return ~cls._lawful(params)

    @staticmethod
    def _units(params: Law) -> Law:
        """A change of each parameter that is large, a law of the same shape."""
        return params

    @classmethod
    def _in_units(cls, params: Law, slopes: Law) -> Law:
        """The slopes of the loss along as many directions as there are parameters, each a large change long."""
        return jax.tree.map(jnp.multiply, slopes, cls._units(params))

    @staticmethod
    def _information(params: Law, statistics: Any) -> Array | None:
        """The Hessian of the loss at the estimate, where there is a faster way to it than automatic derivatives."""
        return None

    @staticmethod
    def _covariance(params: Law) -> Array | None:
        """The covariance of the estimate times n, where it is not the inverse of the loss's Hessian."""
        return None

    @classmethod
    def _guard(cls, params: Law) -> tuple[Law, Array]:
        """Parameters safe to compute with, and whether they are the given ones."""
        lawful = cls._lawful(params)
        return cls.Params(*(jnp.where(lawful, p, s) for p, s in zip(params, cls._standard, strict=True))), lawful

    @classmethod
    def _check(cls, params: Law) -> None:
        for name, value in zip(params._fields, params, strict=True):
            arrays.scalar(name, value)

    @classmethod
    def _arrays(cls, params: Law, *x: ArrayLike) -> Any:
        """params, or params and x, as arrays of one dtype."""
        if not isinstance(params, cls.Params):
            fields = ", ".join(cls.Params._fields)
            raise TypeError(
                f"params: expected {cls.__name__}.Params({fields}), got {type(params).__name__}. Build it by that name."
            )
        names = (*cls.Params._fields, *("x" for _ in x))
        values = [arrays.as_float(name, value) for name, value in zip(names, (*params, *x), strict=True)]
        # From the arguments as given, among which Python numbers are weak.
        dtype = jnp.result_type(float, *(jnp.asarray(value) for value in (*params, *x)))
        values = [value.astype(dtype) for value in values]
        params = cls.Params(*values[: len(cls.Params._fields)])
        cls._check(params)
        return (params, values[-1]) if x else params


class Discrete(Distribution):
    """Laws on the integers from 0 on where nothing else is said."""

    discrete = True

    @staticmethod
    def _support(params: Any) -> tuple[ArrayLike, ArrayLike]:
        return 0.0, jnp.inf

    @classmethod
    def _inner(cls, params: Any) -> ArrayLike:
        return cls._support(params)[0]

    @staticmethod
    def _possible(x: Array, known: dict[str, Array]) -> Array:
        return (x >= 0) & (x == jnp.floor(x))


@functools.partial(jax.jit, static_argnums=0)
def _log_prob(family: type[Distribution], params: Law, x: Array) -> Array:
    safe, lawful = family._guard(params)
    lower, upper = family._support(safe)
    if family.discrete:
        inside = (x >= lower) & (x <= upper) & (x < jnp.inf) & (x == jnp.floor(x))
    else:
        inside = (x > lower) & (x < upper)
    value = family._log_density(safe, jnp.where(inside, x, jnp.broadcast_to(family._inner(safe), x.shape)))
    value = jnp.where(jnp.all(inside, axis=family._event), value, family._log_density_at_ends(safe, x))
    return jnp.where(lawful & ~jnp.any(jnp.isnan(x), axis=family._event), value, jnp.nan)


@functools.partial(jax.jit, static_argnums=0)
def _log_tails(family: type[Distribution], params: Law, x: Array) -> tuple[Array, Array]:
    safe, lawful = family._guard(params)
    lower, upper = family._support(safe)
    below, above = (x < lower if family.discrete else x <= lower), x >= upper
    inside = ~(below | above | jnp.isnan(x))
    value = jnp.floor(x) if family.discrete else x
    log_cdf, log_sf = family._log_tails(safe, jnp.where(inside, value, family._inner(safe)))
    known = lawful & ~jnp.isnan(x)
    log_cdf = jnp.where(inside, log_cdf, jnp.where(below, -jnp.inf, 0.0))
    log_sf = jnp.where(inside, log_sf, jnp.where(below, 0.0, -jnp.inf))
    return jnp.where(known, log_cdf, jnp.nan), jnp.where(known, log_sf, jnp.nan)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _summary(family: type[Distribution], name: str, params: Law) -> Array:
    safe, lawful = family._guard(params)
    return jnp.where(lawful, jnp.asarray(getattr(family, name)(safe), params[0].dtype), jnp.nan)


@functools.partial(jax.jit, static_argnums=0)
def _support(family: type[Distribution], params: Law) -> tuple[Array, Array]:
    safe, lawful = family._guard(params)
    lower, upper = (jnp.asarray(end, params[0].dtype) for end in family._support(safe))
    return jnp.where(lawful, lower, jnp.nan), jnp.where(lawful, upper, jnp.nan)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _sample(family: type[Distribution], shape: tuple[int, ...], key: Array, params: Law) -> Array:
    safe, lawful = family._guard(params)
    draws = family._draw(key, safe, shape, params[0].dtype)
    if not family.discrete:
        return jnp.where(lawful, draws, jnp.nan)
    held = lawful & (draws < float(jnp.iinfo(jnp.result_type(int)).max))
    return jnp.where(held, draws, -1).astype(int)
