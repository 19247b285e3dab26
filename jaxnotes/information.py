"""Appendix: entropy, cross-entropy, Kullback-Leibler and Jensen-Shannon divergence, mutual information.

    H(p) = -sum_i p_i log p_i        H(p, q) = -sum_i p_i log q_i = H(p) + KL(p || q)
    KL(p || q) = sum_i p_i log(p_i / q_i) >= 0, not symmetric

One distribution in, shape (k,), and `jax.vmap` for many; from probabilities, or with `logits=True` from logits, whose
softmax they are. In nats, or bits with `unit="bits"`. 0 log 0 = 0. KL and cross-entropy are infinite where
q_i = 0 < p_i: p is not absolutely continuous with respect to q. Probabilities that are negative, or whose sum is off 1
by more than 1e-5, give NaN, and so do logits that are NaN, +inf, or all -inf. Nothing is normalized in silence.

Derivatives in the probabilities are those of the formulas, on a face of the simplex (some p_i = 0) one-sided: finite
where the derivative is finite, as -p_i / q_i = 0 of KL in q_i, and infinite where it is infinite, as -log p_i - 1 of H.
Those in logits are finite wherever the value is, also in logits of -inf, where they are 0. Along a direction within a
face, forward mode (jax.jvp) multiplies an infinite slope by 0 and gives NaN: use jax.grad, or logits.

Source: Cover and Thomas, Elements of Information Theory (2006), chapter 2.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxnotes.core.special import numerics
from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike

__all__ = ["cross_entropy", "entropy", "js_divergence", "kl_divergence", "mutual_information"]

NATS = {"nats": 1.0, "bits": math.log(2)}


def entropy(p: ArrayLike, *, logits: bool = False, unit: str = "nats") -> Array:
    """The entropy of a distribution: the mean surprise.

        H(p) = -sum_i p_i log p_i,    between 0 and log k

    The derivative -log p_i - 1 is +inf at p_i = 0.

    Args:
        p: probabilities, (k,), >= 0, of sum 1; or logits, (k,), with logits=True.
        logits: whether p holds logits, default False.
        unit: "nats" (default) or "bits".

    Returns:
        The entropy, shape (); NaN where p is no distribution.

    Raises:
        TypeError: p is not made of numbers, or logits is no bool.
        ValueError: p is no vector, or unit is none of these.

    >>> float(entropy([0.5, 0.25, 0.25, 0.0], unit="bits"))
    1.5
    >>> float(entropy([0.0, 0.0, -jnp.inf], logits=True, unit="bits"))
    1.0
    """
    p = _distribution("p", p, logits, ("k",))
    return _total(-(numerics.exp_times(p, p) if logits else numerics.xlogy(p, p)), unit)


def cross_entropy(p: ArrayLike, q: ArrayLike, *, logits: bool = False, unit: str = "nats") -> Array:
    """The mean surprise of one who believes q where p is true.

        H(p, q) = -sum_i p_i log q_i

    Args:
        p: the true probabilities, (k,), >= 0, of sum 1; or their logits, (k,), with logits=True: jnp.log(p) for labels
            p.
        q: the believed probabilities, (k,), or a model's logits, likewise.
        logits: whether p and q both hold logits, default False.
        unit: "nats" (default) or "bits".

    Returns:
        The cross-entropy, shape (); inf where q_i = 0 < p_i, NaN where p or q is no distribution.

    Raises:
        TypeError: p or q is not made of numbers, or logits is no bool.
        ValueError: p is no vector, q of another shape, or unit is none of these.

    >>> print(f"{cross_entropy([1.0, 0.0], [0.5, 0.5], unit='bits'):.3f}")
    1.000
    >>> print(f"{cross_entropy(jnp.log(jnp.array([0.0, 1.0])), [20.0, 0.0], logits=True):.3f}")
    20.000
    """
    p, q = _pair(p, q, logits)
    return _total(-(numerics.exp_times(p, q) if logits else numerics.xlogy(p, q)), unit)


def kl_divergence(p: ArrayLike, q: ArrayLike, *, logits: bool = False, unit: str = "nats") -> Array:
    """The Kullback-Leibler divergence: what believing q costs where p is true.

        KL(p || q) = sum_i p_i log(p_i / q_i) = H(p, q) - H(p)

    The derivatives are log(p_i / q_i) + 1 in p_i, -inf at p_i = 0 < q_i and +inf at q_i = 0, and -p_i / q_i in q_i, 0
    at p_i = 0.

    Args:
        p: the true probabilities, (k,), >= 0, of sum 1; or their logits, (k,), with logits=True.
        q: the believed probabilities, (k,), or their logits, likewise.
        logits: whether p and q both hold logits, default False.
        unit: "nats" (default) or "bits".

    Returns:
        The divergence, shape (), >= 0; inf where q_i = 0 < p_i, NaN where p or q is no distribution.

    Raises:
        TypeError: p or q is not made of numbers, or logits is no bool.
        ValueError: p is no vector, q of another shape, or unit is none of these.

    >>> a, b = jnp.array([0.5, 0.5]), jnp.array([0.1, 0.9])
    >>> print(f"{kl_divergence(a, b):.4f} {kl_divergence(b, a):.4f}")
    0.5108 0.3681

    Source: Kullback and Leibler, On information and sufficiency (1951), equation 2.4.
    """
    first, second = _pair(p, q, logits)
    if logits:
        lift = arrays.as_float("q", q) - arrays.as_float("p", p)
        return _total(_or_close(numerics.exp_times(first, first - second), _close_logits, first, lift), unit)
    lift = jax.lax.stop_gradient(jnp.log1p((second - first) / first))
    return _total(_or_close(numerics.relative_entropy(first, second), _close_probabilities, first, lift), unit)


def js_divergence(p: ArrayLike, q: ArrayLike, *, logits: bool = False, unit: str = "nats") -> Array:
    """The Jensen-Shannon divergence, symmetric and finite: its square root is a distance.

        JS(p, q) = (KL(p || m) + KL(q || m)) / 2,    m = (p + q) / 2,    between 0 and log 2

    The derivative log(p_i / m_i) / 2 in p_i is -inf at p_i = 0 < q_i.

    Args:
        p: probabilities, (k,), >= 0, of sum 1; or logits, (k,), with logits=True.
        q: probabilities, (k,), or logits, likewise.
        logits: whether p and q both hold logits, default False.
        unit: "nats" (default) or "bits".

    Returns:
        The divergence, shape (); NaN where p or q is no distribution.

    Raises:
        TypeError: p or q is not made of numbers, or logits is no bool.
        ValueError: p is no vector, q of another shape, or unit is none of these.

    >>> float(js_divergence([1.0, 0.0], [0.0, 1.0], unit="bits"))
    1.0

    Source: Lin, Divergence measures based on the Shannon entropy (1991), section 4.
    """
    p, q = _pair(p, q, logits)
    if logits:
        middle = numerics.logsumexp(jnp.stack([p, q]), axis=0) - math.log(2)
        terms = numerics.exp_times(p, p - middle) + numerics.exp_times(q, q - middle)
    else:
        # The shares p_i / (p_i + q_i) and q_i / (p_i + q_i); where both are 0, a first entry would be alone.
        first, second = (numerics.ratio(of, p + q, 1.0) for of in (p, q))
        terms = numerics.xlogy(p, 2 * first) + numerics.xlogy(q, 2 * second)
    return _total(terms / 2, unit)


def mutual_information(joint: ArrayLike, *, logits: bool = False, unit: str = "nats") -> Array:
    """What two variables tell of each other: 0 exactly when they are independent.

        I(X; Y) = sum_ij p_ij log(p_ij / (p_i. p_.j)) = H(X) + H(Y) - H(X, Y)

    The derivative log(p_ij / (p_i. p_.j)) - 1 is -inf at p_ij = 0 unless its row or column is empty.

    Args:
        joint: the table of P(X = i, Y = j), (n, m), >= 0, of sum 1; or its logits, (n, m), with logits=True.
        logits: whether joint holds logits, default False.
        unit: "nats" (default) or "bits".

    Returns:
        The information, shape (), >= 0; NaN where joint is no distribution.

    Raises:
        TypeError: joint is not made of numbers, or logits is no bool.
        ValueError: joint is no table, or unit is none of these.

    >>> float(mutual_information([[0.5, 0.0], [0.0, 0.5]], unit="bits"))
    1.0
    """
    p = _distribution("joint", joint, logits, ("n", "m"))
    if logits:
        rows, columns = (numerics.logsumexp(p, axis=axis) for axis in (1, 0))
        return _total(numerics.exp_times(p, p - rows[:, None] - columns[None]), unit)
    rows, columns = jnp.sum(p, axis=1, keepdims=True), jnp.sum(p, axis=0, keepdims=True)
    # p_ij / (p_i. p_.j); a first entry would be all of its empty row, all of its empty column.
    lift = numerics.ratio(numerics.ratio(p, rows, 1.0), columns, numerics.ratio(jnp.ones_like(rows), rows, jnp.inf))
    return _total(numerics.xlogy(p, lift), unit)


def _distribution(name: str, value: ArrayLike, logits: bool, axes: tuple[str, ...]) -> Array:
    """The probabilities, all NaN unless they are some; or the log-probabilities that logits stand for."""
    if not isinstance(logits, bool):
        raise TypeError(
            f"logits: expected True or False, got {type(logits).__name__}. "
            f"The logits themselves take the place of {name}."
        )
    array = arrays.as_float(name, value)
    if array.ndim != len(axes) or array.size == 0:
        expected = f"({', '.join(axes)}{',' * (len(axes) == 1)})"
        raise ValueError(f"{name}: expected shape {expected}, got {array.shape}. For many distributions use jax.vmap.")
    if logits:
        return array - jax.nn.logsumexp(array)
    valid = jnp.all(array >= 0) & (jnp.abs(jnp.sum(array) - 1) <= 1e-5)
    return array * jnp.where(valid, 1, jnp.nan).astype(array.dtype)


def _pair(p: ArrayLike, q: ArrayLike, logits: bool) -> tuple[Array, Array]:
    p, q = _distribution("p", p, logits, ("k",)), _distribution("q", q, logits, ("k",))
    if q.shape != p.shape:
        raise ValueError(f"q: expected shape {p.shape}, that of p, got {q.shape}. Both are over the same k outcomes.")
    return p, q


def _or_close(terms: Array, close: Callable[[Array, Array, Array], Array], p: Array, lift: Array) -> Array:
    """The terms of KL(p || q), or its value (1,) for near ones: there the terms cancel but for their second order.

    lift: log(q / p), up to a constant where p are log-probabilities.
    """
    near = jnp.max(lift) - jnp.min(lift) < 0.5
    value = close(jnp.sum(terms), p, jnp.where(near, lift, 0))
    return jnp.where(near, value, jnp.sum(terms))[None]


def _close_logits(_: Array, log_p: Array, lift: Array) -> Array:
    """log sum_i p_i exp(lift_i) for a lift of mean 0: no term of the sum is negative."""
    p = jnp.exp(log_p)
    return jnp.log1p(jnp.sum(p * numerics.expm1_less(lift - jnp.sum(p * lift))))


def _close_probabilities(value: Array, p: Array, lift: Array) -> Array:
    """sum_i p_i log(p_i / q_i) - p_i + q_i, with the derivative of the value given, whose terms are the first alone."""
    return value + jax.lax.stop_gradient(jnp.sum(p * numerics.expm1_less(lift)) - value)


def _total(terms: Array, unit: str) -> Array:
    if unit not in NATS:
        raise ValueError(f"unit: expected one of {', '.join(NATS)}, got {unit!r}.")
    return jnp.sum(terms) / NATS[unit]
