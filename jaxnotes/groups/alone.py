"""A long group in a program of its own, padded to a power of two, so that there are few programs."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxnotes.groups.recipe import One
from jaxnotes.groups.task import Running, Task


def start(task: Task, group: int, width: int) -> Running:
    """Sends one group to the device."""
    groups = np.asarray([group])
    size = 2 ** int(task.lanes.counts[group] - 1).bit_length()
    rows = task.rows(task.lanes.starts[groups], task.lanes.counts[groups], size)
    rows = task.with_own_columns(rows, groups, width)
    rows, lane = (
        jax.tree.map(lambda leaf: leaf[0], rows),
        jax.tree.map(lambda leaf: np.asarray(leaf)[group], task.lane),
    )
    return Running(groups, _compiled(task.one)(rows, lane, task.shared), None)


@functools.lru_cache(maxsize=64)
def _compiled(one: One) -> Callable[..., Any]:
    return jax.jit(one)
