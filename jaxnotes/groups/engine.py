"""Groups of unequal length through compiled programs of few shapes.

Groups are padded with rows of weight 0 to 32, 128, 512, ... rows, and those of one length go to the device in blocks
of as many lanes. While the device works on a block, the next one is packed.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values import programs
from jaxnotes.core.values.status import Solution
from jaxnotes.groups import columns
from jaxnotes.groups.keys import Lanes
from jaxnotes.groups.recipe import One, Rows

SHORTEST, FACTOR = 32, 4  # rows of the first bucket, and how much longer the next one is
LONG = 2**17  # rows from which on a group takes so long that a program of its own does not matter
BLOCK_NUMBERS, MOST_LANES = 2**20, 4096  # what a block holds at most, so that several take some tens of megabytes


class Task(NamedTuple):
    """What is to be solved.

    one: what is done with a group. take: the rows of these numbers, a dict of arrays. lane: what belongs to each group,
    a dict of pytrees with groups first. shared: what is the same for all. kept: which columns each group has, (G, p).
    """

    one: One
    take: Callable[[np.ndarray], Rows]
    lanes: Lanes
    lane: Rows
    shared: Rows
    kept: np.ndarray | None = None


class Answer(NamedTuple):
    """The answers of some groups, with NumPy leaves, and their numbers, (L,)."""

    groups: np.ndarray
    solution: Solution
    inference: Inference


def solve(task: Task) -> Iterator[Answer]:
    """The answers of all groups, block by block, in the order of their lengths."""
    pending = None
    for groups, size, width in _blocks(task):
        running = _start(task, groups, size, width)
        if pending is not None:
            yield _finish(task, *pending)
        pending = running
    if pending is not None:
        yield _finish(task, *pending)


def _blocks(task: Task) -> Iterator[tuple[np.ndarray, int, int]]:
    """Groups, filled up by the last one to the block's lanes; their rows once padded; how many columns they have."""
    counts = task.lanes.counts
    n_columns = np.zeros(len(counts), int) if task.kept is None else task.kept.sum(axis=1)
    sizes = _padded(counts)
    in_a_row = sum(leaf.size for leaf in jax.tree.leaves(task.take(task.lanes.order[:1])))
    for size in np.unique(sizes):
        for width in np.unique(n_columns[sizes == size]):
            groups = np.flatnonzero((sizes == size) & (n_columns == width))
            most = max(1, min(MOST_LANES, BLOCK_NUMBERS // (int(size) * in_a_row)))
            lanes = min(_power_of_four(most + 1) // 4, _power_of_four(len(groups)))
            for start in range(0, len(groups), lanes):
                block = groups[start : start + lanes]
                yield np.pad(block, (0, lanes - len(block)), mode="edge"), int(size), int(width)


def _padded(counts: np.ndarray) -> np.ndarray:
    """The rows of each group once it is padded: few lengths, of which the longest add an eighth at most."""
    exponent = np.ceil(np.log(np.maximum(counts, 1) / SHORTEST) / np.log(FACTOR) - 1e-9)
    sizes = SHORTEST * FACTOR ** np.maximum(exponent, 0).astype(np.int64)
    eighth = 2 ** np.floor(np.log2(np.maximum(counts, 8)) - 3).astype(np.int64)
    return np.where(counts > LONG, -(-counts // eighth) * eighth, sizes)


def _start(task: Task, groups: np.ndarray, size: int, width: int) -> tuple[np.ndarray, Any]:
    """Packs a block and sends it to the device."""
    lanes = task.lanes
    within = np.arange(size)[None]
    rows = np.take(lanes.order, lanes.starts[groups, None] + within, mode="clip").reshape(-1)
    packed = jax.tree.map(lambda leaf: leaf.reshape(len(groups), size, *leaf.shape[1:]), task.take(rows))
    packed["weights"] = np.where(within < lanes.counts[groups, None], packed["weights"], 0)
    if task.kept is not None and not task.kept[groups].all():
        packed["X"] = columns.pick(packed["X"], columns.kept_first(task.kept[groups])[:, :width])
    lane = jax.tree.map(lambda leaf: np.take(leaf, groups, axis=0), task.lane)
    return groups, _compiled(task.one)(packed, lane, task.shared)


def _finish(task: Task, groups: np.ndarray, running: tuple[Solution, Inference]) -> Answer:
    """Waits for a block, and leaves out the lanes that fill it up."""
    groups = np.unique(groups)
    solution, inference = jax.tree.map(lambda leaf: leaf[: len(groups)], jax.device_get(running))
    if task.kept is not None and not task.kept[groups].all():
        solution, inference = columns.widen(solution, inference, task.kept[groups])
    return Answer(groups, solution, inference)


@functools.lru_cache(maxsize=64)
def _compiled(one: One) -> Callable[[Rows, Rows, Rows], tuple[Solution, Inference]]:
    """Compiled by the older emitters where jax knows them, which take a third of the time for several lengths."""
    options = programs.OLDER_EMITTERS if programs.KNOWN and jax.default_backend() == "cpu" else None
    return jax.jit(jax.vmap(one, in_axes=(0, 0, None)), compiler_options=options)


def _power_of_four(number: int) -> int:
    """The smallest power of four that is at least this, so that blocks have few lengths."""
    return 4 ** -(-max(0, int(number) - 1).bit_length() // 2)
