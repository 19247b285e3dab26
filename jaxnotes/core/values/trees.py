"""Vector arithmetic on pytrees: inner products at full precision, comparison, finiteness."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxnotes.core.values.arrays import Array


def dot(a: Any, b: Any) -> Array:
    """The inner product sum_i a_i b_i over all leaves, at highest precision on every device."""
    products = jax.tree.map(lambda u, v: jnp.vdot(u, v, precision=jax.lax.Precision.HIGHEST), a, b)
    return jnp.sum(jnp.stack(jax.tree.leaves(products)))


def norm(a: Any) -> Array:
    """The Euclidean length of all leaves together."""
    return jnp.sqrt(dot(a, a))


def all_finite(tree: Any) -> Array:
    """True where no leaf holds NaN or infinity."""
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


def all_equal(a: Any, b: Any) -> Array:
    """True where all leaves of two pytrees are equal, entry by entry."""
    return jnp.all(jnp.stack(jax.tree.leaves(jax.tree.map(lambda u, v: jnp.all(u == v), a, b))))


def any_nonzero(tree: Any) -> Array:
    """True where some entry of a leaf is not 0."""
    return jnp.any(jnp.stack([jnp.any(leaf != 0) for leaf in jax.tree.leaves(tree)]))
