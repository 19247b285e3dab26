"""Groups padded with rows of weight 0 to few lengths, those of one length in blocks of as many lanes.

For what has no form in tiles.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from jaxnotes.core.values import programs
from jaxnotes.groups.recipe import One
from jaxnotes.groups.task import Running, Task

SHORTEST, FACTOR = 32, 4  # rows of the first length, and how much longer the next one is
LONGEST = 2**15
BLOCK_NUMBERS, MOST_LANES = 2**20, 4096  # what a block holds at most, so that several take some tens of megabytes


def start(task: Task, groups: np.ndarray, width: int) -> Iterator[Running]:
    """Sends these groups to the device, a block after another, in the order of their lengths."""
    sizes = _padded(task.lanes.counts[groups])
    in_a_row = sum(leaf.size for leaf in jax.tree.leaves(task.take(task.lanes.order[:1])))
    for size in map(int, np.unique(sizes)):
        own = groups[sizes == size]
        most = max(1, min(MOST_LANES, BLOCK_NUMBERS // (size * in_a_row)))
        lanes = min(_power_of_four(most + 1) // 4, _power_of_four(len(own)))
        for first in range(0, len(own), lanes):
            yield _start(task, own[first : first + lanes], lanes, size, width)


def _padded(counts: np.ndarray) -> np.ndarray:
    """The rows of each group once it is padded."""
    exponent = np.ceil(np.log(np.maximum(counts, 1) / SHORTEST) / np.log(FACTOR) - 1e-9)
    return SHORTEST * FACTOR ** np.maximum(exponent, 0).astype(np.int64)


def _start(task: Task, groups: np.ndarray, lanes: int, size: int, width: int) -> Running:
    """The last group fills the block up."""
    filled = np.pad(groups, (0, lanes - len(groups)), mode="edge")
    rows = task.rows(task.lanes.starts[filled], task.lanes.counts[filled], size)
    rows = task.with_own_columns(rows, filled, width)
    lane = jax.tree.map(lambda leaf: np.take(leaf, filled, axis=0), task.lane)
    return Running(groups, _compiled(task.one)(rows, lane, task.shared), slice(len(groups)))


@functools.lru_cache(maxsize=64)
def _compiled(one: One) -> Callable[..., Any]:
    return jax.jit(jax.vmap(one, in_axes=(0, 0, None)), compiler_options=programs.for_many())


def _power_of_four(number: int) -> int:
    """The smallest power of four that is at least this, so that blocks have few lengths."""
    return 4 ** -(-max(0, int(number) - 1).bit_length() // 2)
