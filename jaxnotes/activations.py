"""Chapter 6: activation functions, right everywhere; and how they carry a signal through many layers.

Each function works entry by entry (softmax and log_softmax along an axis) and keeps shape and dtype. Value, first and
second derivative are right for all x, infinite ones too: to a few units in the last place of the result, or of what the
rounding of x makes of it, and to the smallest normal number where the result is smaller than that. At a kink the
derivative is a convention, stated with the function. `jax.nn` is used where it is as right; it has

    sigma'(20) = tanh'(10) = elu'(-20) = 0 in float32: it takes 1 - sigma, 1 - tanh^2, expm1 + 1 of rounded numbers;
    gelu(-inf) = silu(-inf) = NaN (inf * 0), and so their derivatives at both infinities.

The price, on a CPU: the derivatives of sigmoid and tanh take an exponential of their own, where jax.nn takes none.

A layer of width n with weights of variance g^2 / n maps the variance q of its inputs z ~ N(0, q), before phi, to

    V(q) = g^2 E[phi(sqrt(q) z)^2],  z ~ N(0, 1):       V(1) = 1 for the gain g = 1 / sqrt(E[phi(z)^2]).

Whether a deep stack of layers holds that variance is decided by the slope V'(1): stable below 1 (sigmoid, tanh),
marginal at 1 (ReLU), unstable above (GELU, SiLU).

Source: Poole et al., Exponential expressivity in deep neural networks through transient chaos (2016), section 2.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.special import numerics
from jaxnotes.core.special.numerics import (
    FAR,
    logistic_density,
    logistic_density_times,
    normal_density_times,
    with_slopes,
)
from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike

__all__ = [
    "NAMES",
    "elu",
    "gain",
    "gelu",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "relu",
    "second_moment",
    "second_moment_of_derivative",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
    "variance_map",
    "variance_map_slope",
]

# The functions that work entry by entry.
NAMES = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "log_sigmoid", "gelu", "silu")

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def sigmoid(x: ArrayLike) -> Array:
    """The logistic function: a probability from log-odds.

        sigma(x) = 1 / (1 + exp(-x)),    sigma'(x) = sigma(x) sigma(-x) <= 1/4

    In float32 it rounds to 1 from x = 16.636 on; its derivative does not round to 0.

    Args:
        x: log-odds, any shape.

    Returns:
        The probabilities, of the shape and dtype of x.

    >>> sigmoid([-jnp.inf, 0.0, 17.0])
    Array([0. , 0.5, 1. ], dtype=float32)
    >>> print(f"{jax.grad(sigmoid)(17.0):.4e}")
    4.1399e-08
    """
    return _sigmoid(arrays.as_float("x", x))


def tanh(x: ArrayLike) -> Array:
    """The hyperbolic tangent, a sigmoid from -1 to 1.

        tanh(x) = 2 sigma(2x) - 1,    tanh'(x) = 4 sigma'(2x) <= 1

    In float32 it rounds to 1 from x = 7.999 on; its derivative does not round to 0.

    Args:
        x: pre-activations, any shape.

    Returns:
        The activations, of the shape and dtype of x.

    >>> tanh([-jnp.inf, 0.0, 20.0])
    Array([-1.,  0.,  1.], dtype=float32)
    """
    return _tanh(arrays.as_float("x", x))


def relu(x: ArrayLike) -> Array:
    """The rectified linear unit; its derivative at x = 0 is 0 (with jnp.maximum it would be 1/2).

        relu(x) = max(x, 0)

    Args:
        x: pre-activations, any shape.

    Returns:
        The activations, of the shape and dtype of x, from `jax.nn`.

    >>> relu([-2.0, 0.0, 3.0])
    Array([0., 0., 3.], dtype=float32)
    >>> float(jax.grad(relu)(0.0))
    0.0
    """
    return jax.nn.relu(arrays.as_float("x", x))


def leaky_relu(x: ArrayLike, *, negative_slope: ArrayLike = 0.01) -> Array:
    """The rectified linear unit with a slope below 0 too; its derivative at x = 0 is 1.

        leaky_relu(x) = x where x >= 0, negative_slope x below

    Args:
        x: pre-activations, any shape.
        negative_slope: the slope below 0, a number, default 0.01.

    Returns:
        The activations, of the shape and dtype of x, from `jax.nn`.

    >>> leaky_relu([-2.0, 0.0, 3.0])
    Array([-0.02,  0.  ,  3.  ], dtype=float32)
    """
    x = arrays.as_float("x", x)
    return jax.nn.leaky_relu(x, arrays.scalar("negative_slope", negative_slope).astype(x.dtype))


def elu(x: ArrayLike, *, alpha: ArrayLike = 1.0) -> Array:
    """The exponential linear unit, which saturates at -alpha to the left.

        elu(x) = x where x > 0, alpha (exp(x) - 1) below

    The derivative at x = 0 is that from the left, alpha, and the second one alpha too: with alpha = 1 there is no kink,
    but the second derivative jumps from 1 to 0.

    Args:
        x: pre-activations, any shape.
        alpha: a number, default 1.

    Returns:
        The activations, of the shape and dtype of x.

    >>> elu([-jnp.inf, 0.0, 3.0])
    Array([-1.,  0.,  3.], dtype=float32)

    Source: Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by exponential linear units
    (2016), equation 15.
    """
    x = arrays.as_float("x", x)
    return _exponential_unit(x, 1.0, arrays.scalar("alpha", alpha))


def selu(x: ArrayLike) -> Array:
    """The scaled exponential linear unit, whose variance map has the stable fixed point 1 at mean 0.

        selu(x) = 1.0507 elu(x, alpha = 1.6733)

    The derivative at x = 0 is that from the left, 1.7581; from the right it is 1.0507.

    Args:
        x: pre-activations, any shape.

    Returns:
        The activations, of the shape and dtype of x.

    >>> selu([-jnp.inf, 0.0, 1.0])
    Array([-1.7580993,  0.       ,  1.050701 ], dtype=float32)

    Source: Klambauer et al., Self-normalizing neural networks (2017), equation 2.
    """
    return _exponential_unit(arrays.as_float("x", x), SELU_SCALE, SELU_SCALE * SELU_ALPHA)


def softplus(x: ArrayLike) -> Array:
    """A smooth max(x, 0), and minus the log-probability of the other class.

        softplus(x) = log(1 + exp(x)) = -log sigma(-x),    softplus'(x) = sigma(x)

    Args:
        x: pre-activations or log-odds, any shape.

    Returns:
        The activations, of the shape and dtype of x; the value is from `jax.nn`.

    >>> softplus([-jnp.inf, -1e4, 1e4]).tolist()
    [0.0, 0.0, 10000.0]
    """
    return _softplus(arrays.as_float("x", x))


def log_sigmoid(x: ArrayLike) -> Array:
    """The logarithm of a probability given by its log-odds, right far to the left, where log(sigmoid(x)) is -inf.

        log sigma(x) = -softplus(-x)

    Args:
        x: log-odds, any shape.

    Returns:
        The log-probabilities in nats, of the shape and dtype of x.

    >>> log_sigmoid([-jnp.inf, -1e4]).tolist()
    [-inf, -10000.0]
    """
    return -_softplus(-arrays.as_float("x", x))


def gelu(x: ArrayLike) -> Array:
    """The Gaussian error linear unit in its exact form, with the normal distribution function Phi.

        gelu(x) = x Phi(x),    gelu'(x) = Phi(x) + x density(x)

    It is not the approximation by tanh, the default of `jax.nn.gelu`, which is off by up to 5e-4.

    Args:
        x: pre-activations, any shape.

    Returns:
        The activations, of the shape and dtype of x.

    >>> gelu([-jnp.inf, 0.0, 1.0])
    Array([0.       , 0.       , 0.8413447], dtype=float32)

    Source: Hendrycks and Gimpel, Gaussian error linear units (2016), section 2.
    """
    return _gelu(arrays.as_float("x", x))


def silu(x: ArrayLike) -> Array:
    """The sigmoid linear unit or swish.

        silu(x) = x sigma(x)

    Args:
        x: pre-activations, any shape.

    Returns:
        The activations, of the shape and dtype of x.

    >>> silu([-jnp.inf, 0.0, 1.0])
    Array([-0.       ,  0.       ,  0.7310586], dtype=float32)

    Source: Elfwing, Uchibe and Doya, Sigmoid-weighted linear units (2018), equation 5.
    """
    return _silu(arrays.as_float("x", x))


def softmax(x: ArrayLike, *, axis: int = -1) -> Array:
    """Probabilities from logits.

        softmax(x)_k = exp(x_k) / sum_j exp(x_j)

    Args:
        x: logits, at least one axis. One of -inf has probability 0.
        axis: the axis whose entries share the probability, an int, default -1.

    Returns:
        The probabilities, of the shape and dtype of x, from `jax.nn`; NaN where all logits are -inf or one is +inf.

    Raises:
        TypeError: axis is no int.
        ValueError: axis is none of x.

    >>> softmax([7.0, 7.0, -jnp.inf])
    Array([0.5, 0.5, 0. ], dtype=float32)
    """
    return jax.nn.softmax(*_logits(x, axis))


def log_softmax(x: ArrayLike, *, axis: int = -1) -> Array:
    """The logs of the probabilities that logits stand for, finite where softmax rounds to 0.

        log_softmax(x)_k = x_k - log sum_j exp(x_j)

    Args:
        x: logits, at least one axis.
        axis: the axis whose entries share the probability, an int, default -1.

    Returns:
        The log-probabilities in nats, of the shape and dtype of x, from `jax.nn`; NaN where `softmax` is.

    Raises:
        TypeError: axis is no int.
        ValueError: axis is none of x.

    >>> log_softmax([0.0, 1e4])
    Array([-10000.,      0.], dtype=float32)
    """
    return jax.nn.log_softmax(*_logits(x, axis))


def second_moment(activation: Callable[[Array], Array], variance: ArrayLike = 1.0) -> Array:
    """The mean square of an activation whose input has variance q.

        E[phi(sqrt(q) z)^2],    z ~ N(0, 1)

    By 32-point Gauss-Legendre quadrature on each unit interval of z from -12 to 12: exact to 1e-12 for the functions of
    this chapter at q <= 100, in float64. Gauss-Hermite quadrature would be wrong at a kink: by 7e-6 for elu with 200
    points.

    Args:
        activation: phi, a function of one number, as all of this chapter but softmax and log_softmax.
        variance: q, a number >= 0, default 1.

    Returns:
        The mean square, shape ().

    Raises:
        TypeError: activation is no function, or variance no number.
        ValueError: activation returns no number, or variance is negative or no scalar.

    >>> [round(float(second_moment(phi)), 5) for phi in (relu, tanh, sigmoid)]
    [0.5, 0.39429, 0.29338]
    """
    return _expected_square(_checked(activation), arrays.nonnegative("variance", variance))


def second_moment_of_derivative(activation: Callable[[Array], Array], variance: ArrayLike = 1.0) -> Array:
    """The mean square of an activation's slope: times g^2, the factor per layer of the squared norm of a gradient.

        E[phi'(sqrt(q) z)^2],    z ~ N(0, 1)

    By the quadrature of `second_moment`.

    Args:
        activation: phi, a function of one number, as all of this chapter but softmax and log_softmax.
        variance: q, a number >= 0, default 1.

    Returns:
        The mean square, shape ().

    Raises:
        TypeError: activation is no function, or variance no number.
        ValueError: activation returns no number, or variance is negative or no scalar.

    >>> [round(float(second_moment_of_derivative(phi)), 5) for phi in (relu, tanh, sigmoid)]
    [0.5, 0.4644, 0.04484]
    """
    return _expected_square(jax.grad(_checked(activation)), arrays.nonnegative("variance", variance))


def gain(activation: Callable[[Array], Array]) -> Array:
    """The standard deviation of weights, times sqrt(width), for pre-activations of variance 1.

        g = 1 / sqrt(E[phi(z)^2]),  z ~ N(0, 1)

    Args:
        activation: phi, a function of one number, as all of this chapter but softmax and log_softmax.

    Returns:
        The gain, shape ().

    Raises:
        TypeError: activation is no function.
        ValueError: activation returns no number.

    >>> [round(float(gain(phi)), 4) for phi in (relu, tanh, sigmoid, gelu, silu)]
    [1.4142, 1.5925, 1.8462, 1.5335, 1.6765]

    Source: He et al., Delving deep into rectifiers (2015), section 2.2, for ReLU: sqrt(2).
    """
    return 1 / jnp.sqrt(second_moment(activation))


def variance_map(activation: Callable[[Array], Array], variance: ArrayLike, *, gain: ArrayLike | None = None) -> Array:
    """The variance of the next layer's pre-activations, given that of this layer's.

        V(q) = g^2 E[phi(sqrt(q) z)^2],    z ~ N(0, 1)

    Args:
        activation: phi, a function of one number, as all of this chapter but softmax and log_softmax.
        variance: q, a number >= 0.
        gain: g, a number, default None: the exact one, with which V(1) = 1.

    Returns:
        The next variance, shape ().

    Raises:
        TypeError: activation is no function, or variance or gain no number.
        ValueError: activation returns no number, variance is negative, or variance or gain is no scalar.

    >>> [round(float(variance_map(phi, 2.0)), 3) for phi in (relu, tanh)]
    [2.0, 1.319]
    """
    factor = 1 / second_moment(activation) if gain is None else arrays.scalar("gain", gain) ** 2
    return factor * second_moment(activation, variance)


def variance_map_slope(
    activation: Callable[[Array], Array], variance: ArrayLike = 1.0, *, gain: ArrayLike | None = None
) -> Array:
    """The slope of the variance map, the factor by which a small error of the variance grows from layer to layer.

        V'(q) = g^2 E[z phi(sqrt(q) z) phi'(sqrt(q) z)] / sqrt(q),    z ~ N(0, 1)

    Args:
        activation: phi, a function of one number, as all of this chapter but softmax and log_softmax.
        variance: q, a number > 0, default 1.
        gain: g, a number, default None: the exact one, with which V(1) = 1.

    Returns:
        The slope, shape ().

    Raises:
        TypeError: activation is no function, or variance or gain no number.
        ValueError: activation returns no number, variance is negative, or variance or gain is no scalar.

    >>> [round(float(variance_map_slope(phi)), 3) for phi in (sigmoid, tanh, relu, gelu, silu)]
    [0.106, 0.461, 1.0, 1.144, 1.173]
    """
    at = arrays.nonnegative("variance", variance)
    return jax.grad(lambda variance: variance_map(activation, variance, gain=gain))(at)


@with_slopes(logistic_density)
def _sigmoid(x: Array) -> Array:
    return jax.lax.logistic(x)


@with_slopes(lambda x: _tanh_slope(x))
def _tanh(x: Array) -> Array:
    return jnp.tanh(x)


@with_slopes(lambda x: logistic_density_times(-8 * jnp.tanh(x), 2 * x))
def _tanh_slope(x: Array) -> Array:
    """4 sigma(2x) sigma(-2x); the factor 4 comes first, as the smaller sigma underflows before the product does."""
    small = 4 / (1 + jnp.exp(2 * jnp.abs(x)))
    return small * (1 - small / 4)


@with_slopes(_sigmoid)
def _softplus(x: Array) -> Array:
    return jax.nn.softplus(x)


def _exponential_unit(x: Array, right: ArrayLike, left: ArrayLike) -> Array:
    """right x for x > 0, left (exp(x) - 1) below."""
    right, left = (jnp.broadcast_to(jnp.asarray(factor, x.dtype), x.shape) for factor in (right, left))
    return _two_sided(x, right, left)


@with_slopes(
    lambda x, right, left: jnp.where(x > 0, right, _exp_below_times(left, x)),
    lambda x, right, left: jax.nn.relu(x),
    lambda x, right, left: _exponential_unit(x, 0.0, 1.0),
)
def _two_sided(x: Array, right: Array, left: Array) -> Array:
    return jnp.where(x > 0, right * x, left * jnp.expm1(jnp.minimum(x, 0)))


@with_slopes(lambda a, x: _exp_slope(jnp.ones_like(x), x), lambda a, x: _exp_slope(a, x))
def _exp_below_times(a: Array, x: Array) -> Array:
    """a exp(x) for x <= 0, 0 above."""
    w, unit = numerics.lifted(jnp.minimum(x, 0))
    return jnp.where(x > 0, 0, a * jnp.exp(w) * unit)


def _exp_slope(a: Array, x: Array) -> Array:
    return _exp_below_times(a, x)


@with_slopes(lambda x: _silu_slope(x))
def _silu(x: Array) -> Array:
    # Numerator and denominator by 2^-9, as exp(-x) would overflow while x exp(x) is still a normal number.
    x = jnp.maximum(x, -FAR)
    return x * 2.0**-9 / (2.0**-9 + jnp.exp(-x - 9 * math.log(2)))


@with_slopes(lambda x: logistic_density_times(2 - jnp.clip(x, -FAR, FAR) * jnp.tanh(x / 2), x))
def _silu_slope(x: Array) -> Array:
    """sigma(x) + x sigma(x) sigma(-x), from one exponential."""
    w, unit = numerics.lifted(-jnp.abs(x))
    small, x = jax.lax.logistic(w), jnp.clip(x, -FAR, FAR)
    return jnp.where(x < 0, small * unit, 1 - small) + x * small * (1 - small) * unit


@with_slopes(lambda x: _gelu_slope(x))
def _gelu(x: Array) -> Array:
    t = jnp.minimum(jnp.abs(x), FAR)
    return jnp.maximum(x, 0) - normal_density_times(t * numerics.mills_ratio(t), x)


@with_slopes(lambda x: normal_density_times(2 - jnp.clip(x, -FAR, FAR) ** 2, x))
def _gelu_slope(x: Array) -> Array:
    t = jnp.minimum(jnp.abs(x), FAR)
    below = normal_density_times(numerics.mills_ratio(t) - t, x)
    return jnp.where(x > 0, 1 - below, below)


def _logits(x: ArrayLike, axis: int) -> tuple[Array, int]:
    x = arrays.as_float("x", x)
    if not isinstance(axis, int):
        raise TypeError(f"axis: expected an int, got {type(axis).__name__}. It is the axis whose entries sum to 1.")
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis: expected an axis of x, got {axis} for x of shape {x.shape}.")
    return x, axis


def _checked(activation: Callable[[Array], Array]) -> Callable[[Array], Array]:
    if callable(activation):
        return activation
    raise TypeError(
        f"activation: expected a function of one number, got {type(activation).__name__}. "
        "For one of this chapter write activations.relu."
    )


def _expected_square(phi: Callable[[Array], Array], variance: Array) -> Array:
    points, weights = (jnp.asarray(array, variance.dtype) for array in _normal_quadrature())
    values = jax.vmap(phi)(jnp.sqrt(variance) * points)
    if values.shape != points.shape:
        raise ValueError(
            f"activation: expected a number for a number, got shape {values.shape[1:]}. It must work entry by entry."
        )
    return jnp.dot(weights, values * values, precision=jax.lax.Precision.HIGHEST)


@functools.cache
def _normal_quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Points z and weights with sum_i w_i f(z_i) = E[f(z)], z ~ N(0, 1), for f smooth between integers."""
    points, weights = np.polynomial.legendre.leggauss(32)
    z = (np.arange(-12, 12)[:, None] + (points[None] + 1) / 2).ravel()
    return z, np.tile(weights / 2, 24) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
