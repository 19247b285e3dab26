"""The while loop that every solver of many lanes runs in, from fits to quantiles."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import jax
import jax.numpy as jnp

from jaxnotes.core.values.arrays import Array


class Running(Protocol):
    """A solver's state as the loop sees it: which lanes still work. Both arrays have the same shape, () or (L,)."""

    @property
    def active(self) -> Array:
        """True in the lanes that are not done."""
        ...

    @property
    def steps(self) -> Array:
        """How many steps each lane has taken."""
        ...


State = TypeVar("State", bound=Running)


def iterate(step: Callable[[State], State], state: State, max_steps: int) -> State:
    """Step until no lane is active, or max_steps: the one while loop of all solvers of many lanes.

    A finished lane is frozen, so its answer does not depend on how long its neighbours take. Where there is one lane
    (the fits of one law in `distributions.fitting`) or a draw to repeat, there is nothing to freeze: those loops are
    their own.
    """

    def working(state: State) -> Array:
        return state.active & (state.steps < max_steps)

    return jax.lax.while_loop(
        lambda state: jnp.any(working(state)), lambda state: select_lanes(working(state), step(state), state), state
    )


def select_lanes(condition: Array, new: Any, old: Any) -> Any:
    """`new` in the lanes where the condition holds, else `old`; lanes are the first axis of every leaf."""

    def select(new: Array, old: Array) -> Array:
        return jnp.where(condition.reshape(condition.shape + (1,) * (new.ndim - condition.ndim)), new, old)

    return jax.tree.map(select, new, old)
