"""vmap is the batch API: no batch size, order, neighbour or sharing changes an answer; it composes with grad."""

import jax
import numpy as np
import pytest
import tolerances
from fits import (
    PENALIZED_CHAPTERS,
    SPOILED,
    Fit,
    assert_same,
    batch,
    call,
    compiled_batch,
    lane,
    problem,
    stacked,
    unpenalized,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import assert_close

from jaxnotes import Status
from jaxnotes.core.lanes.batching import block_lanes

pytestmark = [pytest.mark.repeated, pytest.mark.one_in(2)]

FEW = 37


@pytest.fixture(params=PENALIZED_CHAPTERS)
def fit(request) -> Fit:
    return PENALIZED_CHAPTERS[request.param]


def assert_same_bits(ours, theirs) -> None:
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(a, b)


def lanes_of(tree, index):
    return jax.tree.map(lambda leaf: np.asarray(leaf)[index], tree)


@pytest.mark.one_in(2)
def test_batch_size_changes_nothing(fit):
    """One block but one lane, one block, one more, 37 lanes and 1: all use blocks of one size, so the bits agree."""
    one = batch(fit, "float32", 1)
    block = block_lanes(tuple(one.values()), (True,) * len(one))
    data = batch(fit, "float32", block + 1)
    many = compiled_batch(fit)
    whole = many(data)
    assert np.all(np.asarray(whole.status) == Status.CONVERGED)
    for size in (block, block - 1, FEW, 1):
        assert_same_bits(many(lane(data, slice(size))), lanes_of(whole, slice(size)))
    loop = stacked([call(fit.fit, lane(data, index)) for index in range(FEW)])
    assert_same(lanes_of(whole, slice(FEW)), loop, tolerances.of("float32").reblocked)


@pytest.mark.long
@settings(max_examples=20)
@given(order=st.permutations(range(FEW)))
@pytest.mark.parametrize("name", PENALIZED_CHAPTERS)
def test_permuting_lanes_permutes_answers(name, order):
    fit, order = PENALIZED_CHAPTERS[name], np.array(order)
    data = batch(fit, "float32", FEW)
    many = compiled_batch(fit)
    assert_same_bits(many(lane(data, order)), lanes_of(many(data), order))


def separated(data):
    """Data without a maximum; for a fit without classes, all zeros."""
    if "trials" not in data:
        return {**data, "y": 0 * data["y"]}
    return {**data, "y": np.where(data["X"][:, 0] > 0, data["trials"], 0).astype(data["y"].dtype)}


def zeros(data):
    return {name: 0 * value for name, value in data.items()}


NEIGHBOURS = {**SPOILED, "separated": separated, "all zero": zeros}


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.9))
@pytest.mark.parametrize("name", PENALIZED_CHAPTERS)
def test_bad_neighbours_change_nothing(name, seed, share):
    fit, rng = PENALIZED_CHAPTERS[name], np.random.default_rng(seed)
    kinds = [*fit.troubles, "separated", "all zero"]
    data = batch(fit, "float32", FEW)
    data["l2"] = (0.01 * rng.integers(0, 2, FEW)).astype(np.float32)
    many = compiled_batch(fit)
    before = many(data)
    bad = rng.random(FEW) < share
    lanes = [lane(data, index) for index in range(FEW)]
    for index in np.flatnonzero(bad):
        lanes[index] = NEIGHBOURS[rng.choice(kinds)](lanes[index])
    after = many({key: np.stack([one[key] for one in lanes]) for key in data})
    assert_same_bits(lanes_of(after, ~bad), lanes_of(before, ~bad))


SHARING = [(name, argument) for name, fit in PENALIZED_CHAPTERS.items() for argument in [*fit.smooth, "all but X"]]


@pytest.mark.parametrize(("name", "argument"), SHARING)
def test_each_argument_shared_or_batched(name, argument):
    """Only `argument` has a batch axis, or X alone has none."""
    fit = PENALIZED_CHAPTERS[name]
    data, shared = batch(fit, "float32", 5), problem(fit, "float32")
    if argument == "y" and "trials" in data:
        data["y"] = np.minimum(data["y"], shared["trials"] - 0.2)
    if argument == "trials":
        data["trials"] = np.maximum(data["trials"], shared["y"] + 0.2)
    moving = {k: v for k, v in data.items() if (k != "X" if argument == "all but X" else k == argument)}
    many = jax.vmap(lambda moving: call(fit.fit, {**shared, **moving}))
    loop = stacked([call(fit.fit, {**shared, **lane(moving, index)}) for index in range(5)])
    assert np.all(loop.status == Status.CONVERGED)
    assert_same(many(moving), loop, tolerances.of("float32").reblocked)


def test_shared_design_judged_by_each_lane_s_own_rows(fit, dtype):
    """Lanes share X and differ in weights: who uses the NaN row fails, who sees a constant column is deficient."""
    data = unpenalized(problem(fit, dtype))
    data["X"][4, 0] = np.nan
    data["X"][:20, 1] = 2.5
    ones = np.ones_like(data["weights"])
    without = np.where(np.arange(len(ones)) == 4, 0, ones)
    head = np.where(np.arange(len(ones)) < 20, without, 0)
    weights = np.stack([without, ones, head, 0 * ones, 2 * without, -ones]).astype(dtype)
    solution = jax.jit(jax.vmap(lambda weights: call(fit.fit, {**data, "weights": weights})))(weights)
    told = [Status(int(code)) for code in solution.status]
    assert told == [
        fit.unpenalized, Status.NON_FINITE_DATA, Status.RANK_DEFICIENT, Status.TOO_FEW_ROWS, fit.unpenalized,
        Status.INVALID_DATA,
    ]  # fmt: skip
    alone = call(fit.fit, {**data, "weights": weights[0]})
    for index in (0, 4):
        assert_same(lanes_of(solution, index), alone, tolerances.of(dtype).reblocked)


def test_vmap_over_designs_of_vmap_over_outcomes(fit, double):
    """The inner batch shares X; the outer one brings several X."""
    data = batch(fit, "float64", 3)
    ys = data["y"] if "trials" not in data else np.minimum(data["y"], 0.8)
    inner = jax.vmap(lambda X, y: call(fit.fit, {**lane(data, 0), "X": X, "y": y}), in_axes=(None, 0))
    nested = jax.jit(jax.vmap(inner, in_axes=(0, None)))(data["X"], ys)
    loop = [[call(fit.fit, {**lane(data, 0), "X": X, "y": y}) for y in ys] for X in data["X"]]
    assert_same(nested, stacked([stacked(row) for row in loop]), tolerances.of("float64").reblocked)


@pytest.mark.long
def test_gradients_compose_with_batches(fit, double):
    """vmap(grad), grad(sum(vmap)) and a loop of grads are the same."""
    data = batch(fit, "float64", 3)

    def score(data):
        return sum((leaf**2).sum() for leaf in jax.tree.leaves(call(fit.fit, data).params))

    single = jax.jit(jax.grad(score))
    loop = stacked([single(lane(data, index)) for index in range(3)])
    of_each = jax.jit(jax.vmap(jax.grad(score)))(data)
    of_sum = jax.jit(jax.grad(lambda data: jax.vmap(score)(data).sum()))(data)
    for name in fit.smooth:
        assert_close(of_each[name], loop[name], 1e-9)
        assert_close(of_sum[name], loop[name], 1e-9)
