"""The verbs of every family, and what they do with invalid parameters and outside the support.

A family states its law for valid parameters inside the support; the rest is here, once. No NaN or infinity of what
lies outside reaches a derivative: invalid parameters are replaced by those of a standard law before anything is
computed, x outside the support by a point inside.
"""

import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxnotes.core import arrays
from jaxnotes.core.arrays import Array

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
        """The log density, or for a discrete family the log probability, of each x, in nats.

        Arguments: params, of this family. x, any shape (a vector law: (..., d)). Returns the shape of x: -inf outside
        the support, with derivative 0, and NaN for NaN or invalid params. At an end of the support it is the limit from
        inside, be it finite or not. Raises ValueError or TypeError for a wrong shape or dtype.

        >>> from jaxnotes.distributions import Normal
        >>> density = jnp.exp(Normal.log_prob(Normal.Params(loc=0.0, scale=0.1), 0.0))
        >>> print(f"{density:.4f}")
        3.9894

        """
        return _log_prob(cls, *cls._arrays(params, x))

    @classmethod
    def cdf(cls, params: Law, x: ArrayLike) -> Array:
        """P(X <= x). Arguments, NaN and errors as for `log_prob`.

        >>> from jaxnotes.distributions import Binomial
        >>> print(f"{Binomial.cdf(Binomial.Params(trials=10, p=0.5), 3):.6f}")
        0.171875

        """
        return jnp.exp(cls.log_cdf(params, x))

    @classmethod
    def log_cdf(cls, params: Law, x: ArrayLike) -> Array:
        """log P(X <= x), right where the probability underflows; arguments, NaN and errors as for `log_prob`.

        >>> from jaxnotes.distributions import Normal
        >>> print(f"{Normal.log_cdf(Normal.Params(loc=0.0, scale=1.0), -40.0):.3f}")
        -804.608

        """
        return _log_tails(cls, *cls._arrays(params, x))[0]

    @classmethod
    def log_sf(cls, params: Law, x: ArrayLike) -> Array:
        """log P(X > x), right where the probability underflows; arguments, NaN and errors as for `log_prob`.

        >>> from jaxnotes.distributions import Gamma
        >>> print(f"{Gamma.log_sf(Gamma.Params(shape=2.0, rate=1.0), 1000.0):.3f}")
        -993.091

        """
        return _log_tails(cls, *cls._arrays(params, x))[1]

    @classmethod
    def entropy(cls, params: Law) -> Array:
        """-E[log p(X)] in nats, shape (): differential for a continuous law, which may be negative.

        >>> from jaxnotes.distributions import Bernoulli
        >>> print(f"{Bernoulli.entropy(Bernoulli.Params(p=0.5)):.4f}")
        0.6931

        """
        return _summary(cls, "_entropy", cls._arrays(params))

    @classmethod
    def mean(cls, params: Law) -> Array:
        """E[X], shape () (a vector law: (d,)); infinite where it diverges to infinity, NaN where there is none.

        >>> from jaxnotes.distributions import Exponential
        >>> print(Exponential.mean(Exponential.Params(rate=4.0)))
        0.25

        """
        return _summary(cls, "_mean", cls._arrays(params))

    @classmethod
    def variance(cls, params: Law) -> Array:
        """E[(X - E[X])^2], shape () (a vector law: the covariance, (d, d)); infinite or NaN as for `mean`.

        >>> from jaxnotes.distributions import Uniform
        >>> print(Uniform.variance(Uniform.Params(lower=0.0, upper=6.0)))
        3.0

        """
        return _summary(cls, "_variance", cls._arrays(params))

    @classmethod
    def support(cls, params: Law) -> tuple[Array, Array]:
        """The least and the largest value, shape () each; a discrete law takes the integers from one to the other.

        >>> from jaxnotes.distributions import Pareto
        >>> print(*Pareto.support(Pareto.Params(shape=3.0, scale=2.0)))
        2.0 inf

        """
        return _support(cls, cls._arrays(params))

    @classmethod
    def sample(cls, key: Array, params: Law, shape: tuple[int, ...] = ()) -> Array:
        """Independent draws.

        Arguments: key, from jax.random.key. params, of this family. shape, a tuple of ints.
        Returns that shape (a vector law: (*shape, d)). A discrete family gives the default integers, and -1 for a count
        beyond them; an invalid law gives NaN or -1. Raises ValueError or TypeError for a wrong shape or dtype.

        >>> from jaxnotes.distributions import Poisson
        >>> Poisson.sample(jax.random.key(0), Poisson.Params(rate=3.0), (2, 4)).shape
        (2, 4)

        """
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError(f"shape: expected a tuple of ints >= 0, got {shape!r}. For n draws write (n,).")
        return _sample(cls, shape, key, cls._arrays(params))

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
