"""What tiles of a lane have together: the lane's own, in the same bits wherever in a block it stands."""

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values import tiles
from jaxnotes.core.values.tiles import Tile

LENGTHS = (1, 5, 2, 1, 16, 7)


def layout(lengths):
    place = np.concatenate([np.arange(length) for length in lengths])
    last = np.repeat(np.cumsum(lengths) - 1, lengths)
    return Tile(jnp.asarray(place), jnp.asarray(last))


def by_lane(function, values, lengths):
    ends = np.cumsum(lengths)
    return np.repeat([function(values[end - n : end]) for n, end in zip(lengths, ends, strict=True)], lengths, axis=0)


@pytest.mark.parametrize(
    ("combine", "exact"),
    [(operator.add, np.sum), (jnp.maximum, np.max), (jnp.minimum, np.min)],
    ids=["sum", "max", "min"],
)
def test_each_tile_has_what_its_lane_has(combine, exact):
    values = np.random.default_rng(0).integers(-9, 9, (sum(LENGTHS), 3)).astype(np.float32)
    found = tiles.whole_block(jnp.asarray(values), layout(LENGTHS), combine)
    np.testing.assert_array_equal(found, by_lane(lambda own: exact(own, axis=0), values, LENGTHS))


def test_without_tiles_nothing_is_done():
    values = jnp.arange(3.0)
    assert tiles.whole(values, None) is values
    assert tiles.whole_block(values, None) is values
    assert tiles.from_first(values, None) is values


def test_a_lane_has_the_same_bits_in_any_place():
    """Numbers of all sizes, whose sum depends on the order in which they are added."""
    rng = np.random.default_rng(1)
    own = (rng.normal(size=(7, 4)) * 10.0 ** rng.integers(-6, 6, (7, 4))).astype(np.float32)
    sums = []
    for before in [(), (1,), (3, 2), (8,)]:
        values = np.concatenate([rng.normal(size=(sum(before), 4)), own, rng.normal(size=(5, 4))]).astype(np.float32)
        found = jax.jit(tiles.whole_block)(jnp.asarray(values), layout((*before, 7, 5)))
        sums.append(np.asarray(found[sum(before)]))
    for other in sums[1:]:
        np.testing.assert_array_equal(other, sums[0])


def test_numbers_of_two_words_keep_both():
    values = np.array([1.0, 1e-9, -1.0, 3e-10], np.float32)
    found = tiles.whole_block(Double.of(jnp.asarray(values)), layout((4,)), Double.__add__)
    np.testing.assert_allclose(np.asarray(found.high, float)[0] + np.asarray(found.low, float)[0], 1.3e-9, rtol=1e-6)


def test_inner_vmaps_keep_to_their_own_axis():
    values = np.arange(2.0 * sum(LENGTHS)).reshape(-1, 2).astype(np.float32)

    def one(parts, tile):
        return jax.vmap(lambda part: tiles.whole(part, tile))(parts)

    found = jax.vmap(one)(jnp.asarray(values), layout(LENGTHS))
    np.testing.assert_array_equal(found, by_lane(lambda own: own.sum(axis=0), values, LENGTHS))


def test_the_first_tile_speaks_for_its_lane():
    found = tiles.from_first(jnp.arange(sum(LENGTHS)), layout(LENGTHS))
    np.testing.assert_array_equal(found, by_lane(lambda own: own[0], np.arange(sum(LENGTHS)), LENGTHS))


def test_rows_are_of_a_tile_only_while_it_lasts():
    tile = Tile(jnp.asarray(0), jnp.asarray(0))
    with tiles.laid_out(tile):
        assert tiles.given() is tile
        assert tiles.among({"rows": (1.0, tiles.given())})
    assert tiles.given() is None
    assert not tiles.among({"rows": (1.0, None)})
