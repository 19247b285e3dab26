"""The likelihood of softmax (multinomial logistic) regression, row by row and in logits.

For classes y = 0 .. n_classes - 1 and logits eta_k, log p_k = eta_k - log sum_j exp(eta_j): finite, with the right
derivatives, at |eta| = 1e4. In "reference" coding eta_0 = 0 has no predictor; in "symmetric" coding each class has one.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxnotes.core.linear.family import Family, Parts
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.special import double_word
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values.arrays import Array

CODINGS = ("reference", "symmetric")


def loglik(eta: Array, y: Array) -> Array:
    """The log-likelihood of classes at their logits, elementwise and in nats.

        log p_y = log sigma(eta_y - log sum_(k != y) exp(eta_k))

    Args:
        eta: logits of the classes 0 .. n_classes - 1, (..., n_classes, n).
        y: the class of each row, (..., n), integers or floats that hold integers.

    Returns:
        The log-likelihoods, (..., n); exact at |eta| = 1e4.

    >>> loglik(jnp.array([[0.0], [1e4], [-1e4]]), jnp.array([2.0]))
    Array([-20000.], dtype=float32)
    """
    own = one_hot(y, eta.shape[-2])
    others = jax.nn.logsumexp(jnp.where(own, -jnp.inf, eta), axis=-2)
    return jax.nn.log_sigmoid(jnp.sum(jnp.where(own, eta, 0), axis=-2) - others)


def one_hot(y: Array, n_classes: int) -> Array:
    """True where row i is of class k, (..., n_classes, n); no class where y is none of 0 .. n_classes - 1."""
    shape = (*y.shape[:-1], n_classes, y.shape[-1])
    return jax.lax.broadcasted_iota(y.dtype, shape, y.ndim - 1) == y[..., None, :]


def _derivatives(eta: Array, y: Array) -> tuple[Array, Array, Array]:
    """`loglik`, its gradient 1(k = y) - p_k and minus its Hessian diag(p) - pp'; 1 - p_k as a sum of the other p_j."""
    n_classes = eta.shape[-2]
    own, diagonal = one_hot(y, n_classes), jnp.eye(n_classes, dtype=eta.dtype)
    below = eta - jnp.max(eta, axis=-2, keepdims=True)
    odds = jnp.exp(below)
    others = contract("kj,...jn->...kn", 1 - diagonal, odds)
    total = jnp.sum(odds, axis=-2, keepdims=True)
    p, complement = odds / total, others / total
    near = -jnp.log1p(others / jnp.maximum(odds, 0.1))
    value = jnp.sum(jnp.where(own, jnp.where(odds > 0.1, near, below - jnp.log(total)), 0), axis=-2)
    diagonal = diagonal.reshape((1,) * (eta.ndim - 2) + (n_classes, n_classes, 1))
    information = p[..., None, :] * (diagonal * complement[..., None, :] - (1 - diagonal) * p[..., None, :, :])
    return value, jnp.where(own, complement, -p), information


def _score(eta: Double, y: Array) -> Double:
    """The gradient of `loglik` in two words."""
    largest = jnp.argmax(eta.high, axis=-2, keepdims=True)
    top = Double(*(jnp.broadcast_to(jnp.take_along_axis(word, largest, axis=-2), word.shape) for word in eta))
    odds = double_word.exp(eta - top)
    one_by_one = [Double(odds.high[..., k : k + 1, :], odds.low[..., k : k + 1, :]) for k in range(eta.high.shape[-2])]
    total = functools.reduce(double_word.add, one_by_one)
    p = odds / Double(*(jnp.broadcast_to(word, odds.high.shape) for word in total))
    return Double.of(one_hot(y, eta.high.shape[-2]).astype(eta.high.dtype)) - p


def _start(y: Array, mean: Callable[[Array], Array], n_classes: int) -> Array:
    """The logarithms of the classes' shares of the rows, (L, n_classes)."""
    return jnp.stack([jnp.log(mean(y == k)) for k in range(n_classes)], axis=1)


def _margins(eta: Array, y: Array) -> Array:
    own = one_hot(y, eta.shape[-2])
    lead = jnp.sum(jnp.where(own, eta, 0), axis=-2, keepdims=True) - eta
    return jnp.moveaxis(jnp.where(own, 0, lead), -2, 0)


def _log_multipliers(eta: Array, y: Array) -> Array:
    return jnp.moveaxis(jnp.where(one_hot(y, eta.shape[-2]), -jnp.inf, jax.nn.log_softmax(eta, axis=-2)), -2, 0)


def _parts(eta: Array, y: Array) -> Parts:
    """The information is the covariance of the score over the classes that might have been seen: sum_k p_k s_k s_k'."""
    n_classes = eta.shape[-2]
    scores = [_derivatives(eta, jnp.full_like(y, k))[1] for k in range(n_classes)]
    return Parts(jnp.stack(scores, axis=-2), one_hot(y, n_classes).astype(eta.dtype), jax.nn.softmax(eta, axis=-2))


@functools.cache
def family(n_classes: int, coding: str) -> Family:
    """The likelihood of `n_classes` classes: one predictor for each, or for each but class 0 in reference coding."""
    first = CODINGS.index("symmetric") - CODINGS.index(coding)

    def valid(y: Array) -> Array:
        return (y >= 0) & (y < n_classes) & (y % 1 == 0)

    def derivatives(eta: Array, y: Array) -> tuple[Array, Array, Array]:
        value, score, information = _derivatives(logits(eta, first), y)
        return value, score[..., first:, :], information[..., first:, first:, :]

    def score(eta: Double, y: Array) -> Double:
        every = _score(Double(*(logits(word, first) for word in eta)), y)
        return Double(*(word[..., first:, :] for word in every))

    def start(y: Array, mean: Callable[[Array], Array]) -> Array:
        logs = _start(y, mean, n_classes)
        base = logs[:, :1] if first else jnp.mean(logs, axis=1, keepdims=True)
        return (logs - base)[:, first:]

    def parts(eta: Array, y: Array) -> Parts:
        every = _parts(logits(eta, first), y)
        return every._replace(direction=every.direction[first:])

    return Family(
        loglik=lambda eta, y: loglik(logits(eta, first), y),
        derivatives=derivatives,
        score=score,
        valid=valid,
        label=lambda y: jnp.where(valid(y), y, -1).astype(jnp.int32),
        start=start,
        margins=lambda eta, y: _margins(logits(eta, first), y),
        log_multipliers=lambda eta, y: _log_multipliers(logits(eta, first), y),
        parts=parts,
        invariant=not first,
    )


def logits(eta: Array, first: int) -> Array:
    """The logits of all classes: eta (..., m, n), after as many rows of zeros as classes have no predictor."""
    return jnp.concatenate([jnp.zeros_like(eta[..., :first, :]), eta], axis=-2)
