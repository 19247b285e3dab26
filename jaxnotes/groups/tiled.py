"""Groups side by side in tiles of one height, tiles in blocks, blocks in calls: one program, whatever the lengths.

Height and number of tiles do not depend on the data, so a group gets the same bits in whatever company.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values import programs, tiles
from jaxnotes.core.values.tiles import Tile
from jaxnotes.groups.recipe import One, Rows
from jaxnotes.groups.task import Running, Task

HEIGHT, TILES, BLOCKS = 32, 64, 32  # rows of a tile, tiles of a block, blocks of a call: 65,536 rows
LONGEST = HEIGHT * TILES


def start(task: Task, groups: np.ndarray, width: int) -> Iterator[Running]:
    """Sends these groups to the device, a call after another."""
    heights = -(-np.maximum(task.lanes.counts[groups], 1) // HEIGHT)
    for first, last, begins in _calls(heights):
        yield _start(task, groups[first:last], heights[first:last], begins, width)


def _calls(heights: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """The groups first .. last - 1 of each call, and where each begins among the tiles of the call.

    A block has as many of the groups that are next as fit, from its first tile on.
    """
    ends = np.cumsum(heights)
    first, before = 0, 0
    while first < len(heights):
        group, starts = first, []
        for block in range(BLOCKS):
            after = int(np.searchsorted(ends, before + TILES, side="right"))
            starts.append(block * TILES + ends[group:after] - heights[group:after] - before)
            if after == group:
                break
            group, before = after, int(ends[after - 1])
        yield first, group, np.concatenate(starts)
        first = group


def _start(task: Task, groups: np.ndarray, heights: np.ndarray, begins: np.ndarray, width: int) -> Running:
    layout = _layout(heights, begins)
    owner = groups[layout.lane]
    offset = layout.place * HEIGHT
    counts = np.where(layout.used, task.lanes.counts[owner] - offset, 0)
    rows = task.rows(task.lanes.starts[owner] + offset, counts, HEIGHT)
    rows = task.with_own_columns(rows, owner, width)
    lane = jax.tree.map(lambda leaf: np.take(leaf, owner, axis=0), task.lane)
    by_tile = jax.tree.map(
        lambda leaf: leaf.reshape(BLOCKS, TILES, *leaf.shape[1:]), (rows, lane, Tile(layout.place, layout.last))
    )
    used = np.asarray(len(begins) and begins[-1] // TILES + 1, np.int32)
    return Running(groups, _compiled(task.one)(used, *by_tile, task.shared), begins)


class _Layout(NamedTuple):
    """Of each tile of a call: its lane, its place among those of the lane, the lane's last tile in the block."""

    lane: np.ndarray
    place: Any
    last: Any
    used: np.ndarray


def _layout(heights: np.ndarray, begins: np.ndarray) -> _Layout:
    """A tile that no group uses is a lane of its own, without rows."""
    number = np.arange(BLOCKS * TILES, dtype=np.int32)
    lane = np.repeat(np.arange(len(heights)), heights)
    place = np.arange(len(lane)) - np.repeat(np.cumsum(heights) - heights, heights)
    at = begins[lane] + place
    layout = _Layout(np.zeros_like(number), np.zeros_like(number), number % TILES, np.zeros(len(number), bool))
    for whole, own in zip(layout, (lane, place, (at - place + heights[lane] - 1) % TILES, True), strict=True):
        whole[at] = own
    return layout


@functools.lru_cache(maxsize=64)
def _compiled(one: One) -> Callable[..., Any]:
    """(number of blocks in use, rows, lane, tile, shared) -> the answers of all tiles, (BLOCKS TILES, ...)."""

    def of_tile(rows: Rows, lane: Rows, tile: Tile, shared: Rows) -> Any:
        with tiles.laid_out(tile):
            return one(rows, lane, shared)

    def run(used: Any, rows: Rows, lane: Rows, tile: Tile, shared: Rows) -> Any:
        def of_block(block: Any) -> Any:
            rows, lane, tile = block
            return jax.vmap(of_tile, in_axes=(0, 0, 0, None))(rows, lane, tile, shared)

        empty = jax.eval_shape(of_block, jax.tree.map(lambda leaf: leaf[0], (rows, lane, tile)))

        def where_used(numbered: tuple[Any, Any]) -> Any:
            number, block = numbered
            nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), empty)
            return jax.lax.cond(number < used, of_block, lambda block: nothing, block)

        out = jax.lax.map(where_used, (jnp.arange(BLOCKS), (rows, lane, tile)))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), out)

    return jax.jit(run, compiler_options=programs.for_many())
