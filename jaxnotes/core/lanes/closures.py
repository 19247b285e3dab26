"""What a user's function closes over, made an explicit argument.

A function that captures an array which an outer `jax.vmap` or `jax.grad` is tracing hides that array from the custom
rules of `batching` and `implicit`. Traced once, on examples of its arguments, it gives it up.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxpr_as_fun

from jaxnotes.core.values.arrays import Array


class Explicit:
    """explicit(captured, *arguments) = function(*arguments), a function that captures nothing.

    As a static argument of jax.jit it equals another that comes from the same code, traces to the same program and
    holds the same objects within: a lambda written in the same place does not compile anew, one that reads something
    else than before does.
    """

    def __init__(self, origin: Any, program: Jaxpr, structure: Any):
        self._program, self._structure = program, structure
        self._key = (origin.__code__ if inspect.isfunction(origin) else origin, str(program))
        # A program shows the names of such rules, not what they compute.
        rules = _functions_held(origin) if "custom_" in self._key[1] else []
        self._within = [*_arrays_held(program), *rules]

    def __call__(self, captured: list[Array], *arguments: Any) -> Any:
        """The function's value, given what it captured."""
        flat = jaxpr_as_fun(ClosedJaxpr(self._program, captured))(*jax.tree.leaves(arguments))
        return jax.tree.unflatten(self._structure, flat)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Explicit) or self._key != other._key or len(self._within) != len(other._within):
            return False
        return all(mine is theirs for mine, theirs in zip(self._within, other._within, strict=True))

    def __hash__(self) -> int:
        return hash(self._key)


def hoist(function: Callable[..., Any], *examples: Any, origin: Any = None) -> tuple[Explicit, list[Array]]:
    """(explicit, captured) with explicit(captured, *arguments) = function(*arguments).

    Products of matrices are at full precision on every device, unless the function says otherwise. Arguments: examples,
    pytrees whose shapes, dtypes and structure the arguments will have. origin: the user's function that this one calls.
    """
    with jax.default_matmul_precision("highest"):
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*examples)
    return Explicit(origin or function, closed.jaxpr, jax.tree.structure(shape)), list(closed.consts)


def _arrays_held(program: Jaxpr) -> Iterator[Any]:
    """The arrays that parts of a program hold themselves, as a function under jax.jit does."""
    for equation in program.eqns:
        parts = jax.tree.leaves(list(equation.params.values()), is_leaf=lambda part: isinstance(part, ClosedJaxpr))
        for part in parts:
            if isinstance(part, ClosedJaxpr):
                yield from part.consts
                yield from _arrays_held(part.jaxpr)
            elif isinstance(part, Jaxpr):
                yield from _arrays_held(part)


def _functions_held(origin: Any) -> list[Any]:
    """The functions in a function's closure and defaults."""
    if not inspect.isfunction(origin):
        return []
    closure = [cell.cell_contents for cell in origin.__closure__ or ()]
    return [held for held in (*closure, *(origin.__defaults__ or ())) if callable(held)]
