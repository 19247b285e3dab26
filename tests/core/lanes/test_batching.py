"""Blocks: every lane once and in order, whatever the batch; shared arguments stay shared; nesting merges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnotes.core.lanes import batching

SINGLE = (1, 1)  # JAX traces the function of one problem too, whatever becomes of it
WIDTH = 2048  # floats a lane: 8 KiB


def traced_engine():
    """sum(a * b) per lane by the block, and the set of block shapes it was traced for."""
    seen = set()

    def solve_block(data):
        seen.add((data["a"].shape[0], data["b"].shape[0]))
        return {"dot": jnp.sum(data["a"] * data["b"], axis=1), "first": data["a"][:, 0] + 0 * data["b"][:, 0]}

    return batching.vectorize(solve_block), seen


def data(lanes: int):
    """Integers, so that sums are exact in any order."""
    rng = np.random.default_rng(lanes)
    return {name: rng.integers(-9, 10, (lanes, WIDTH)).astype(np.float32) for name in "ab"}


def lanes_per_block(own: tuple[int, ...], shared: tuple[int, ...], total: int) -> int:
    leaves = (np.zeros((total, *own), np.float32), np.zeros(shared, np.float32))
    return batching.block_lanes(leaves, (True, False))


def test_block_size_depends_on_the_lane_alone():
    """8 KiB a lane: 32 lanes in the cache. Hardly anything a lane, or more than the cache: the limits."""
    assert [lanes_per_block((WIDTH,), (1,), total) for total in (1, 5, 10_000)] == [32, 32, 32]
    assert lanes_per_block((10**7,), (1,), 1) == batching.MIN_LANES
    assert lanes_per_block((1,), (1,), 1) == batching.MAX_LANES


def test_lanes_that_share_their_data_form_large_blocks_but_no_empty_ones():
    """A penalty per lane, 2000 x 8 shared: 8 kB of vectors a lane. Fifty thousand rows: few lanes fit."""
    assert [lanes_per_block((), (2000, 8), total) for total in (3, 64, 65, 300, 10_000)] == [64, 64, 128, 512, 512]
    assert lanes_per_block((), (49_999, 8), 10_000) == batching.MIN_LANES


def test_one_problem_has_no_lane_axis():
    engine, seen = traced_engine()
    one = {name: value[0] for name, value in data(1).items()}
    out = engine(one)
    assert out["dot"].shape == ()
    assert float(out["dot"]) == np.sum(one["a"] * one["b"])
    assert seen == {SINGLE}


@pytest.mark.parametrize("lanes", [1, 15, 16, 17, 32, 33, 100])
def test_every_lane_once_and_in_order(lanes):
    engine, seen = traced_engine()
    batch = data(lanes)
    out = jax.jit(jax.vmap(engine))(batch)
    np.testing.assert_array_equal(out["dot"], np.sum(batch["a"] * batch["b"], axis=1))
    np.testing.assert_array_equal(out["first"], batch["a"][:, 0])
    assert seen - {SINGLE} == {(16, 16)}  # two arguments a lane: 16 KiB, blocks of 16, never a smaller remainder


def test_shared_arguments_arrive_once():
    engine, seen = traced_engine()
    batch = data(70)
    out = jax.vmap(lambda a: engine({"a": a, "b": batch["b"][0]}))(batch["a"])
    np.testing.assert_array_equal(out["dot"], np.sum(batch["a"] * batch["b"][0], axis=1))
    assert seen - {SINGLE} == {(32, 1)}


def test_nested_batches_merge():
    """12 x 6 lanes over data of their own are 72 lanes of one batch: blocks of 16, not of 6."""
    engine, seen = traced_engine()
    batch = {name: value.reshape(12, 6, WIDTH) for name, value in data(72).items()}
    out = jax.jit(jax.vmap(jax.vmap(engine)))(batch)
    np.testing.assert_array_equal(out["dot"], np.sum(batch["a"] * batch["b"], axis=2))
    assert seen - {SINGLE} == {(16, 16)}


def test_an_outer_batch_of_what_the_inner_shares_keeps_it_shared():
    engine, seen = traced_engine()
    a, b = data(9)["a"], data(4)["b"]
    inner = jax.vmap(lambda a, b: engine({"a": a, "b": b}), in_axes=(0, None))
    out = jax.jit(jax.vmap(inner, in_axes=(None, 0)))(a, b)
    np.testing.assert_array_equal(out["dot"], b @ a.T)
    assert seen - {SINGLE} == {(32, 1)}


def test_three_levels_and_unusual_axes():
    engine, _ = traced_engine()
    a, b = data(24)["a"].reshape(2, 3, 4, WIDTH), data(2)["b"]
    call = jax.vmap(lambda a, b: engine({"a": a, "b": b})["dot"], in_axes=(1, None), out_axes=0)  # (WIDTH, 4)
    call = jax.vmap(call, in_axes=(0, None))
    call = jax.vmap(call, in_axes=(0, 0))
    out = jax.jit(call)(np.swapaxes(a, 2, 3), b)
    np.testing.assert_array_equal(out, np.einsum("ijkw,iw->ijk", a, b))


def test_lanes_that_need_it_alone_take_the_rare_branch():
    """One scalar `cond` a block, which plain vmap would turn into a select: the others' numbers do not move."""

    def solve_block(x):
        rare = jnp.any(x < 0)
        return jnp.where(x < 0, jax.lax.cond(rare, lambda x: -x, lambda x: x * jnp.nan, x), x)

    engine = batching.vectorize(solve_block)
    x = np.linspace(-1, 1, 41).astype(np.float32)
    np.testing.assert_array_equal(jax.vmap(engine)(x), np.abs(x))
    np.testing.assert_array_equal(jax.vmap(engine)(np.abs(x)), np.abs(x))
    program = str(jax.make_jaxpr(jax.vmap(engine))(x))
    assert "cond[" in program
