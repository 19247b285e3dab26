"""The curvature of a function without its Hessian: products with it, and its largest eigenvalue by power iteration."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.values import trees
from jaxnotes.core.values.arrays import Array


class LargestCurvature(NamedTuple):
    """An estimate, from below, of the largest |curvature|, and the direction in which it was found, of length 1."""

    value: Array
    direction: Any


def hessian_product(fun: Callable[[Any], Array], x: Any, v: Any) -> Any:
    """H v, H the Hessian of fun at x: the derivative of the gradient along v, at the cost of a few gradients."""
    return jax.jvp(jax.grad(fun), (x,), (v,))[1]


def largest(fun: Callable[[Any], Array], x: Any, key: Array, products: int) -> LargestCurvature:
    """The largest |eigenvalue| of the Hessian at x after `products` power iterations from a random direction."""
    flat, unravel = ravel_pytree(x)
    start = LargestCurvature(jnp.zeros((), flat.dtype), unravel(_unit(jax.random.normal(key, flat.shape, flat.dtype))))
    return jax.lax.fori_loop(0, products, lambda _, found: sharpen(fun, x, found), start)


def sharpen(fun: Callable[[Any], Array], x: Any, found: LargestCurvature) -> LargestCurvature:
    """One power iteration more; where the product vanishes the direction stays."""
    product, unravel = ravel_pytree(hessian_product(fun, x, found.direction))
    size = trees.norm(product)
    direction = jax.tree.map(
        lambda new, old: jnp.where(size > 0, new, old), unravel(product / jnp.where(size > 0, size, 1)), found.direction
    )
    return LargestCurvature(size, direction)


def _unit(v: Array) -> Array:
    return v / trees.norm(v)
