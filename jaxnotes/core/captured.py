"""What a user's function closes over, made an explicit argument.

A function that captures an array which an outer `jax.vmap` or `jax.grad` is tracing hides that array from the custom
rules of `batching` and `implicit`. Traced once, on examples of its arguments, it gives it up.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from jaxnotes.core.arrays import Array


def hoist(function: Callable[..., Any], *examples: Any) -> tuple[Callable[..., Any], list[Array]]:
    """(explicit, captured) with explicit(captured, *arguments) = function(*arguments), which captures nothing.

    Arguments: examples, pytrees whose shapes, dtypes and structure the arguments will have.
    """
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*examples)
    structure = jax.tree.structure(shape)

    def explicit(captured: list[Array], *arguments: Any) -> Any:
        flat = jaxpr_as_fun(ClosedJaxpr(closed.jaxpr, captured))(*jax.tree.leaves(arguments))
        return jax.tree.unflatten(structure, flat)

    return explicit, list(closed.consts)
