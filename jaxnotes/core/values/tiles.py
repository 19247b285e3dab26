"""Lanes of unequal length in a block of one shape: rows in tiles of one height, a lane's tiles one after another.

An engine written for a block of lanes is given tiles instead. Each tile knows all that its lane knows, so what is done
for a lane is done for each of its tiles, and only what is summed over rows has to be completed: `whole`. Where a block
consists of lanes, tile is None, and nothing is done.

The numbers of a lane are added in the order of its tiles, in a pattern that its own length decides: its answer has the
same bits wherever in a block it stands.
"""

import functools
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from jaxnotes.core.values.arrays import Array


class Tile(NamedTuple):
    """place: the tile's number among those of its lane, from 0. last: the number of the lane's last tile in the block.

    Of a block, (T,), tiles of lanes in a row.
    """

    place: Array
    last: Array


Combine = Callable[[Any, Any], Any]

_given: ContextVar[Tile | None] = ContextVar("tile", default=None)


@contextmanager
def laid_out(tile: Tile) -> Iterator[None]:
    """While it lasts, the rows that chapters are given are those of this tile, under jax.vmap over a block of tiles.

    The chapters' signatures speak of lanes; this is how the layout reaches the data that they make ready.
    """
    token = _given.set(tile)
    try:
        yield
    finally:
        _given.reset(token)


def given() -> Tile | None:
    """The tile whose rows a chapter was called with; None where it was called with a lane."""
    return _given.get()


def among(data: Any) -> bool:
    """Whether a lane of these data, a pytree, is a tile."""
    return any(isinstance(leaf, Tile) for leaf in jax.tree.leaves(data, is_leaf=lambda leaf: isinstance(leaf, Tile)))


def whole(parts: Any, tile: Tile | None, combine: Combine = operator.add) -> Any:
    """What the tiles of the lane have together, from each one's parts, a pytree of arrays; under jax.vmap over tiles.

    combine: of two such pytrees, elementwise.
    """
    return parts if tile is None else _whole(combine)(parts, tile)


def whole_block(parts: Any, tile: Tile | None, combine: Combine = operator.add) -> Any:
    """The same for a block, all arrays with tiles first, (T, ...), or 1 where shared by all lanes."""
    return parts if tile is None else jax.vmap(functools.partial(whole, combine=combine))(parts, tile)


def from_first(values: Any, tile: Tile | None) -> Any:
    """In a block, for each tile what its lane's first tile has; leaves (T, ...)."""
    if tile is None:
        return values
    first = jnp.arange(len(tile.place)) - tile.place
    return jax.tree.map(lambda leaf: leaf[first], values)


@functools.cache
def _whole(combine: Combine) -> Callable[[Any, Tile], Any]:
    @custom_vmap
    def alone(parts: Any, tile: Tile) -> Any:
        return parts

    @alone.def_vmap
    def _(size: int, batched: list[Any], parts: Any, tile: Tile) -> tuple[Any, Any]:
        if not batched[1].place:
            return alone(parts, tile), batched[0]
        every = jax.tree.map(
            lambda own, leaf: leaf if own else jnp.broadcast_to(leaf[None], (size, *leaf.shape)), batched[0], parts
        )
        return _together(every, tile, combine), jax.tree.map(lambda _: True, parts)

    return alone


def _together(parts: Any, tile: Tile, combine: Combine) -> Any:
    """Sums over 2, 4, 8, ... tiles, each of what the tile and one before it of the same lane have; the last has all."""
    tiles = jnp.arange(len(tile.place))

    def double(reach: tuple[Array, Any]) -> tuple[Array, Any]:
        distance, parts = reach
        before = jax.tree.map(lambda leaf: leaf[jnp.maximum(tiles - distance, 0)], parts)
        reaches = tile.place >= distance

        def choose(new: Array, old: Array) -> Array:
            return jnp.where(reaches.reshape(-1, *(1,) * (old.ndim - 1)), new, old)

        return 2 * distance, jax.tree.map(choose, combine(before, parts), parts)

    longest = jnp.max(tile.place)
    one = jnp.ones_like(longest)
    _, found = jax.lax.while_loop(lambda reach: reach[0] <= longest, double, (one, parts))
    return jax.tree.map(lambda leaf: leaf[tile.last], found)
