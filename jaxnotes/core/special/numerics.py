"""Logs, norms and roots that stay right at the edge of their domain: the only home of the double-where.

Where a branch has an infinite derivative, `where` on the result alone gives 0 * inf = NaN: the argument is replaced
inside, the result outside.
"""

import functools
import math
import operator
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from jaxnotes.core.values.arrays import Array

# From |x| = FAR on exp(-x) and exp(-x^2 / 2) are 0 in float32 and in float64: a factor beside them may stop growing.
FAR = 1500.0


def safe_sqrt(x: Array) -> Array:
    """The square root, with derivative 0 at 0; NaN below."""
    zero = x == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, x)))


def safe_norm(x: Array, order: Array | float) -> Array:
    """( sum_i |x_i|^order )^(1/order), shape (), for 1 <= order < inf, with derivative 0 in x at x = 0.

    In units of the largest entry: nothing overflows or underflows that the norm itself does not. The norm is
    homogeneous, so that the unit is a constant for derivatives of all orders.
    """
    size = jax.lax.stop_gradient(jnp.max(jnp.abs(x), initial=0))
    usual = (size > 0) & (size < jnp.inf)
    unit = jnp.where(usual, size, 1)
    # x sign(x) and not jnp.abs, whose derivative at 0 is 1; an even power needs neither, and has second derivatives.
    even = isinstance(order, int) and order % 2 == 0
    total = jnp.sum(((x if even else x * jnp.sign(x)) / unit) ** order)
    zero = size == 0
    return jnp.where(zero, 0, unit * jnp.where(zero, 1, total) ** (1 / order))


def ratio(x: Array, y: Array, otherwise: Array | float) -> Array:
    """x / y; `otherwise` where y = 0."""
    empty = y == 0
    return jnp.where(empty, otherwise, x / jnp.where(empty, 1, y))


def logsumexp(x: Array, axis: int | None = None) -> Array:
    """log sum_i exp(x_i) along `axis`; -inf with derivative 0 where all x_i are -inf."""
    empty = jnp.max(x, axis=axis, keepdims=True) == -jnp.inf
    total = jax.nn.logsumexp(jnp.where(empty, 0, x), axis=axis)
    return jnp.where(empty.reshape(total.shape), -jnp.inf, total)


def exp_times(log_p: Array, y: Array) -> Array:
    """exp(log_p) y; where exp(log_p) = 0 it is 0 with derivative 0, whatever y is there."""
    p = jnp.exp(log_p)
    absent = p == 0
    return jnp.where(absent, 0, p * jnp.where(absent, 0, y))


def with_slopes(*slopes: Callable[..., Array]) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Decorate an entry-by-entry function: `slopes[i](*arguments)` is its derivative in argument i.

    An argument that is held fixed contributes nothing, even where its slope is infinite (0 * inf = NaN).
    """

    def decorate(value: Callable[..., Array]) -> Callable[..., Array]:
        function = jax.custom_jvp(jax.jit(value))

        def rule(arguments: tuple[Array, ...], tangents: tuple) -> tuple[Array, Array]:
            terms = [
                slope(*arguments) * tangent
                for slope, tangent in zip(slopes, tangents, strict=True)
                if not isinstance(tangent, SymbolicZero)
            ]
            return function(*arguments), functools.reduce(operator.add, terms)

        function.defjvp(rule, symbolic_zeros=True)
        return function

    return decorate


def _per_x(x: Array, y: Array) -> Array:
    """x / y; 0 where x = 0, whatever y is."""
    absent = x == 0
    return jnp.where(absent, 0, x / jnp.where(absent, 1, y))


@with_slopes(lambda x, y: jnp.log(y), _per_x)
def xlogy(x: Array, y: Array) -> Array:
    """x log y, and 0 where x = 0; the slope x / y is 0 there too, where `jax.scipy.special.xlogy` has 0 / 0."""
    return jnp.where(x == 0, 0, x * jnp.log(y))


@with_slopes(lambda p, q: jnp.log(ratio(p, q, jnp.inf)) + 1, lambda p, q: -_per_x(p, q))
def relative_entropy(p: Array, q: Array) -> Array:
    """p log(p / q): 0 where p = 0, else infinite where q = 0."""
    return xlogy(p, ratio(p, q, jnp.inf))


def expm1_less(x: Array) -> Array:
    """exp(x) - 1 - x for |x| <= 1, which is not negative, by its Taylor series."""
    terms = jnp.ones_like(x)
    for k in range(18, 2, -1):
        terms = 1 + terms * x / k
    return terms * x * x / 2


def lifted(v: Array) -> tuple[Array, Array]:
    """(w, unit) with exp(v) = exp(w) unit, so that a factor can meet exp(w) before the product underflows, not after.

    Far out the unit is exp(-32) and exp(w) < 1e-17, so that sigma(w) = exp(w) too; before, it is 1 and w = v.
    """
    far = v < -72
    return jnp.where(far, v + 32, v), jnp.where(far, math.exp(-32), jnp.ones_like(v))


@with_slopes(lambda x: _logistic_slope(jnp.ones_like(x), x))
def logistic_density(x: Array) -> Array:
    """sigma(x) sigma(-x), the slope of the sigmoid: both factors from the one that does not round to 1."""
    small = jax.lax.logistic(-jnp.abs(x))
    return small * (1 - small)


@with_slopes(lambda a, x: logistic_density(x), lambda a, x: _logistic_slope(a, x))
def logistic_density_times(a: Array, x: Array) -> Array:
    """a sigma(x) sigma(-x) for finite a, right down to the smallest normal number."""
    w, unit = lifted(-jnp.abs(x))
    small = jax.lax.logistic(w)
    return a * small * (1 - small) * unit


def _logistic_slope(a: Array, x: Array) -> Array:
    return logistic_density_times(-a * jnp.tanh(x / 2), x)


@with_slopes(
    lambda a, x: _normal_slope(-jnp.ones_like(x), x), lambda a, x: _normal_slope(a * jnp.clip(x, -FAR, FAR), x)
)
def normal_density_times(a: Array, x: Array) -> Array:
    """a exp(-x^2 / 2) / sqrt(2 pi) for finite a, right down to the smallest normal number."""
    w, unit = lifted(-x * x / 2)
    return a * (jnp.exp(w) / math.sqrt(2 * math.pi)) * unit


def _normal_slope(a: Array, x: Array) -> Array:
    return normal_density_times(-a, x)


# Chebyshev coefficients of (t + 4) M(t), M(t) = Phi(-t) / density(t), over 1 - 8 / (t + 4) in [-1, 1]. The form is that
# of Shepherd and Laframboise, Mathematics of Computation 36 (1981), 249-253; the numbers are by interpolation at 45
# points in 40 digits.
MILLS = (
    2.43256042851504057, -1.88425457457948346, 0.556956649096381649, -0.121615972144204572, 0.0173607081437277714,
    -0.000803621200729965605, -0.000252034934805435325, 4.73837192705811735e-5, 2.53258913659882581e-6,
    -1.54040698399129992e-6, -8.47496063006169589e-9, 5.18533860109467226e-8, -2.82812932766024977e-10,
    -1.9486566378891076e-9, -2.49194549682756712e-11, 7.95724871944884639e-11, 4.61841417915521927e-12,
    -3.29085612422438493e-12, -4.36538404380972995e-13, 1.23007118392327742e-13, 3.24141735820867813e-14,
    -3.05323955873256653e-15, -2.01837402757073532e-15, -7.17019550142258764e-17, 1.01695523980385421e-16,
)  # fmt: skip


def mills_ratio(t: Array) -> Array:
    """Phi(-t) / density(t) of the standard normal law for t >= 0, from sqrt(pi / 2) at 0 to about 1 / t far out."""
    terms = len(MILLS) if t.dtype == jnp.float64 else 12
    coefficients = np.polynomial.chebyshev.cheb2poly(MILLS[:terms]).tolist()
    inverse = 1 / (t + 4)
    k, total = 1 - 8 * inverse, jnp.full_like(t, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * k + coefficient
    return inverse * total
