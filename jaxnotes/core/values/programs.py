"""Programs of which a person waits for the first answer: compiled sooner where that costs nothing."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from jaxnotes.core.values import arrays

Result = TypeVar("Result")

# XLA's older emitters of fused loops for CPUs, in the versions that know the option: 200 x 8 least squares compile in
# 0.8 s of a processor instead of 1.9 and take 62 us instead of 72. Large data pass sooner through the newer ones.
OLDER_EMITTERS = {"xla_cpu_use_fusion_emitters": False}
KNOWN = jax.__version_info__ < (0, 11)
MAX_BYTES = 2**20


def soon(*, static_argnums: tuple[int, ...] = ()) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """`jax.jit`, whose program compiles sooner where a small problem is solved alone, outside any other program."""

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        within = jax.jit(function, static_argnums=static_argnums)
        alone = jax.jit(function, static_argnums=static_argnums, compiler_options=OLDER_EMITTERS)

        @functools.wraps(function)
        def call(*args: Any) -> Result:
            return (alone if KNOWN and is_small_and_alone(args) else within)(*args)

        return call

    return decorate


def for_many() -> dict[str, Any] | None:
    """Options for a program of many problems that is compiled while a person waits, a third of the time; None: none."""
    return OLDER_EMITTERS if KNOWN and jax.default_backend() == "cpu" else None


def is_small_and_alone(args: tuple[Any, ...]) -> bool:
    """Whether a call of these arguments is cheap, no part of a program that is being traced, and runs on a CPU."""
    leaves = [leaf for leaf in jax.tree.leaves(args) if isinstance(leaf, jax.Array)]
    if any(map(arrays.is_traced, leaves)) or jax.default_backend() != "cpu":
        return False
    # Within jit every new array is traced, were all arguments constants.
    return sum(leaf.nbytes for leaf in leaves) <= MAX_BYTES and not arrays.is_traced(jnp.asarray(0.0))
