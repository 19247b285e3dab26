"""What `jax.vmap` of a fit does: cut the batch into blocks that fit the cache and solve each block as one.

A solver is written for a block of lanes (lane axis first). `vectorize` makes of it a function of one problem whose
vmap, however nested, gathers all lanes and hands them over block by block. Arguments without a batch axis stay
shared: they arrive with a lane axis of length 1. Inside a block, ordinary code may use `lax.cond` on "does any lane
need this?", which under plain vmap would run both branches for every lane.

A lane's answer depends on its own data alone. The last block of an uneven batch starts early and repeats some lanes
rather than being smaller, so that every lane goes through the same compiled program.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from jaxnotes.core.values import tiles
from jaxnotes.core.values.arrays import Array

# What the lanes of a block may take on a CPU. With a design per lane, the pair products of its columns, several times
# as large, must stay in a core's second-level cache; with a shared design, more lanes make a larger matrix product.
CACHE_BYTES, SHARED_BYTES = 2**18, 2**22
ACCELERATOR_BYTES = 2**28
MIN_LANES, FEW_LANES, MAX_LANES = 16, 64, 1024


def vectorize(
    solve_block: Callable[[Any], Any],
    solve_large: Callable[[Any], Any] | None = None,
    is_large: Callable[[Any], bool] = lambda data: False,
    most: int = MAX_LANES,
) -> Callable[[Any], Any]:
    """A function of one problem from a function of a block.

    solve_block: data, a pytree of arrays with the lane axis first (length L, or 1 where shared) -> a pytree with lane
    axis first, length L. The result takes the same pytree without lane axes. A problem that is_large goes to
    solve_large, without lane axes, alone or one after the other. most: lanes of a block, which waits for its slowest.

    """

    @custom_vmap
    def solve_one(data: Any) -> Any:
        if solve_large is not None and is_large(data):
            return solve_large(data)
        out = solve_block(jax.tree.map(lambda leaf: leaf[None], data))
        return jax.tree.map(lambda leaf: leaf[0], out)

    @solve_one.def_vmap
    def _(axis_size: int, batched: list[Any], data: Any) -> tuple[Any, Any]:
        leaves, treedef = jax.tree.flatten(data)
        per_lane = tuple(jax.tree.leaves(batched[0]))
        one = [leaf[0] if own else leaf for leaf, own in zip(leaves, per_lane, strict=True)]
        if tiles.among(data):  # a block already
            out = solve_block(jax.tree.map(lambda own, leaf: leaf if own else leaf[None], batched[0], data))
        elif is_large(jax.tree.unflatten(treedef, one)):
            out = _one_after_another(lambda *leaves: solve_one(jax.tree.unflatten(treedef, leaves)), per_lane, leaves)
        else:
            out = _many(solve_block, treedef, per_lane, most)(*leaves)
        return out, jax.tree.map(lambda _: True, out)

    return solve_one


def blocked(
    function: Callable[[Any], Any], is_large: Callable[[Any], bool] = lambda data: False
) -> Callable[[Any], Any]:
    """function(data) of one problem, computed block by block under jax.vmap and differentiated as it is written."""

    def solve_block(block: Any) -> Any:
        axes, held = lane_axes(block, count_lanes(block))
        return jax.vmap(function, in_axes=(axes,))(held)

    engine = jax.custom_jvp(vectorize(solve_block, function, is_large))

    @engine.defjvp
    def _(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
        return engine(*primals), jax.jvp(function, primals, tangents)[1]

    return engine


def count_lanes(block: Any) -> int:
    """The lanes of a block, whose leaves have the lane axis first, of length 1 where shared."""
    return max(leaf.shape[0] for leaf in jax.tree.leaves(block))


def lane_axes(block: Any, lanes: int) -> tuple[Any, Any]:
    """The `in_axes` that jax.vmap needs for a block, and the block for it: what the lanes share is without a lane axis,
    so that it is computed once.
    """
    axes = jax.tree.map(lambda leaf: 0 if leaf.shape[0] == lanes else None, block)
    return axes, jax.tree.map(lambda leaf: leaf if leaf.shape[0] == lanes else leaf[0], block)


@functools.cache
def _many(solve_block: Callable[[Any], Any], treedef: Any, per_lane: tuple[bool, ...], most: int) -> Callable[..., Any]:
    """Solve a whole batch: leaves marked in `per_lane` have the lane axis first, the others are shared."""

    @custom_vmap
    def solve_many(*leaves: Array) -> Any:
        return _by_blocks(lambda *block: solve_block(jax.tree.unflatten(treedef, block)), leaves, per_lane, most)

    @solve_many.def_vmap
    def _(axis_size: int, batched: list[bool], *leaves: Array) -> tuple[Any, Any]:
        if any(outer and not inner for outer, inner in zip(batched, per_lane, strict=True)):
            out = _one_after_another(solve_many, batched, leaves)  # what the inner lanes share stays shared
        else:
            out = _merged(solve_many, per_lane, axis_size, batched, leaves)
        return out, jax.tree.map(lambda _: True, out)

    return solve_many


def _one_after_another(solve: Callable[..., Any], batched: Sequence[bool], leaves: Sequence[Array]) -> Any:
    """solve(*leaves) for each index of the first axis of the leaves marked in `batched`, in a loop."""

    def one(moving: list[Array]) -> Any:
        rest = iter(moving)
        return solve(*[next(rest) if moves else leaf for leaf, moves in zip(leaves, batched, strict=True)])

    return jax.lax.map(one, [leaf for leaf, moves in zip(leaves, batched, strict=True) if moves])


def _merged(
    solve_many: Callable[..., Any],
    per_lane: tuple[bool, ...],
    axis_size: int,
    batched: Sequence[bool],
    leaves: Sequence[Array],
) -> Any:
    """An outer batch over what the inner batch varies already: one batch of outer times inner lanes."""
    inner_size = next(
        leaf.shape[1] if outer else leaf.shape[0]
        for leaf, outer, inner in zip(leaves, batched, per_lane, strict=True)
        if inner
    )

    def merge(leaf: Array, outer: bool, inner: bool) -> Array:
        if not inner:
            return leaf
        full = leaf if outer else jnp.broadcast_to(leaf[None], (axis_size, *leaf.shape))
        return full.reshape(axis_size * inner_size, *full.shape[2:])

    out = solve_many(*[merge(*triple) for triple in zip(leaves, batched, per_lane, strict=True)])
    return jax.tree.map(lambda leaf: leaf.reshape(axis_size, inner_size, *leaf.shape[1:]), out)


def block_lanes(leaves: tuple[Array, ...], per_lane: tuple[bool, ...], most: int = MAX_LANES) -> int:
    """Lanes per block, a power of two: a function of the shapes of one lane, so that the batch size changes nothing.

    Where lanes share most of their data blocks are large, and a batch that would leave one half empty gets a smaller
    one. Each lane then needs vectors as long as the longest axis of what is shared.

    """
    total = _batch_size(leaves, per_lane)
    own_bytes = sum(leaf.nbytes // total for leaf, own in zip(leaves, per_lane, strict=True) if own)
    shared = [leaf for leaf, own in zip(leaves, per_lane, strict=True) if not own]
    most_shared = sum(leaf.nbytes for leaf in shared) > own_bytes
    vector_bytes = max((max(leaf.shape, default=1) * leaf.dtype.itemsize for leaf in shared), default=1)
    lane_bytes = max(own_bytes, vector_bytes, 1)
    on_cpu = SHARED_BYTES if most_shared else CACHE_BYTES
    budget = on_cpu if jax.default_backend() == "cpu" else ACCELERATOR_BYTES
    if most_shared:
        most = min(most, max(FEW_LANES, total))
    lanes = MIN_LANES
    while lanes * 2 * lane_bytes <= budget and lanes < most:
        lanes *= 2
    return lanes


def _batch_size(leaves: tuple[Array, ...], per_lane: tuple[bool, ...]) -> int:
    return next(leaf.shape[0] for leaf, own in zip(leaves, per_lane, strict=True) if own)


def _by_blocks(
    solve_block: Callable[..., Any], leaves: tuple[Array, ...], per_lane: tuple[bool, ...], most: int
) -> Any:
    total = _batch_size(leaves, per_lane)
    block = block_lanes(leaves, per_lane, most)
    if total < block:
        repeat = jnp.minimum(jnp.arange(block), total - 1)
        leaves = tuple(leaf[repeat] if own else leaf for leaf, own in zip(leaves, per_lane, strict=True))
    count = -(-total // block)
    last_start = max(total - block, 0)

    def one(index: Array) -> Any:
        start = jnp.minimum(index * block, last_start)
        parts = [
            jax.lax.dynamic_slice_in_dim(leaf, start, block) if own else leaf[None]
            for leaf, own in zip(leaves, per_lane, strict=True)
        ]
        return solve_block(*parts)

    blocks = jax.lax.map(one, jnp.arange(count))

    def join(leaf: Array) -> Array:
        early = leaf[:-1].reshape((count - 1) * block, *leaf.shape[2:])
        late = leaf[-1][(count - 1) * block - last_start :][: total - (count - 1) * block]
        return jnp.concatenate([early, late])

    return jax.tree.map(join, blocks)
