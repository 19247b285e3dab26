"""Chapter 2: the shape rule against NumPy's, the notes' cases, and the silent (n, 1) - (n,) bug."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import assert_close

import jaxnotes as jn
from jaxnotes import broadcasting
from jaxnotes.broadcasting import all_pairs_loss, all_pairs_terms, broadcast_shapes, explain, result_bytes
from jaxnotes.core.descent import methods

# Short lengths, so that about as many cases fit as fail; a negative one, a float and a lone integer are rare guests.
LENGTH = st.sampled_from([1, 1, 1, 2, 2, 0, 3, 7])
SHAPE = st.lists(LENGTH, max_size=5).map(tuple)
ANY_SHAPE = st.one_of(SHAPE, SHAPE, SHAPE, LENGTH, st.sampled_from([(-1,), (2, -3), (2.0,), -2]))


def outcome(rule, shapes):
    """The result, or the kind of error."""
    try:
        return rule(*shapes)
    except (ValueError, TypeError) as error:
        return type(error)


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_the_rule_is_numpy_s(count):
    seen = []

    @settings(max_examples=count)
    @given(st.lists(ANY_SHAPE, max_size=3))
    def agrees(shapes):
        expected = outcome(np.broadcast_shapes, shapes)
        seen.append(expected if isinstance(expected, type) else tuple)
        assert outcome(broadcast_shapes, shapes) == expected

    agrees()
    assert len(seen) >= count
    for kind in (tuple, ValueError, TypeError):
        assert seen.count(kind) > count / 100, f"too few cases end in {kind}"


def test_the_rule_is_jax_s():
    shapes = [shape for rank in range(3) for shape in itertools.product([0, 1, 2, 3], repeat=rank)]
    for pair in itertools.product(shapes, repeat=2):
        assert outcome(broadcast_shapes, pair) == outcome(jnp.broadcast_shapes, pair), pair


@given(SHAPE, SHAPE, SHAPE)
def test_algebra_of_shapes(a, b, c):
    """Commutative, associative, idempotent, () is neutral, and the rank is the larger one."""
    together = outcome(broadcast_shapes, (a, b))
    assert together == outcome(broadcast_shapes, (b, a))
    assert broadcast_shapes(a, a) == broadcast_shapes(a, ()) == a
    if together is not ValueError:
        assert len(together) == max(len(a), len(b))
        assert outcome(broadcast_shapes, (together, c)) == outcome(broadcast_shapes, (a, b, c))


REFUSED = {
    "one axis fails": (
        ((4, 3), (4,)),
        ValueError,
        r"shapes: expected .* one length besides 1, got 3 and 4 on axis -1 of \(4, 3\), \(4,\).*explain",
    ),
    "an inner axis fails": (((2, 5, 1), (3, 1)), ValueError, r"shapes: .*got 5 and 3 on axis -2 of"),
    "three lengths": ((2, 3, 4), ValueError, r"shapes: .*got 2 and 3 and 4 on axis -1"),
    "zero against two": (((0,), (2,)), ValueError, r"shapes: .*got 0 and 2 on axis -1"),
    "negative": (((2,), (-1, 2)), ValueError, r"shapes\[1\]: expected lengths >= 0, got \(-1, 2\)"),
    "a float": (((2.0,), (2,)), TypeError, r"shapes\[0\]: expected a tuple of integers or an integer, got \(2.0,\)"),
    "text": (("ab",), TypeError, r"shapes\[0\]: expected a tuple of integers or an integer, got 'ab'"),
    "nothing": ((None,), TypeError, r"shapes\[0\]: expected a tuple of integers or an integer, got None"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_shapes_refused(what):
    shapes, error, message = REFUSED[what]
    with pytest.raises(error, match=f"^{message}"):
        broadcast_shapes(*shapes)
    with pytest.raises(error, match=f"^{message}"):
        result_bytes(*shapes)


def test_the_notes_example():
    """4 x 3 plus 3, in NumPy and in JAX, prints what the notes print; the entries sum to 204."""
    printed = "[[ 1  2  3]\n [11 12 13]\n [21 22 23]\n [31 32 33]]"
    a = np.array([[0, 0, 0], [10, 10, 10], [20, 20, 20], [30, 30, 30]])
    b = np.array([1, 2, 3])
    assert str(a + b) == printed
    with jax.numpy_rank_promotion("allow"):
        assert str(jnp.asarray(a) + jnp.asarray(b)) == printed
    spelled_out = jnp.asarray(a) + jnp.asarray(b)[None, :]
    assert str(spelled_out) == printed
    assert spelled_out.sum() == 204
    assert broadcast_shapes(a.shape, b.shape) == spelled_out.shape


MATRIX = [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([[1], [2], [3], [4]], 100, [[101], [102], [103], [104]]),
        (MATRIX, [[100, 200, 300]], [[101, 202, 303], [104, 205, 306]]),
        (MATRIX, [[100], [200]], [[101, 102, 103], [204, 205, 206]]),
        (MATRIX, MATRIX, [[2, 4, 6], [8, 10, 12]]),
    ],
    ids=["vector + number", "(2,3) + (1,3)", "(2,3) + (2,1)", "equal shapes"],
)
def test_the_notes_pictures(a, b, expected):
    a, b = jnp.asarray(a), jnp.asarray(b)
    np.testing.assert_array_equal(a + b, expected)
    assert broadcast_shapes(a.shape, b.shape) == np.shape(expected)
    # The same stretch for any operation on entries, here by an explicit loop.
    loop = np.empty(np.shape(expected), int)
    for index in np.ndindex(loop.shape):
        loop[index] = (
            np.broadcast_to(np.asarray(a), loop.shape)[index] * np.broadcast_to(np.asarray(b), loop.shape)[index]
        )
    np.testing.assert_array_equal(a * b, loop)


def test_equal_shapes_multiply_entry_by_entry():
    """a * b is no matrix product."""
    a = jnp.array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(a * a, [[1, 4], [9, 16]])
    np.testing.assert_array_equal(a @ a, [[7, 10], [15, 22]])


def cells(line: str) -> list[str]:
    return line[6:].split()


@given(SHAPE, SHAPE)
def test_explain_tells_the_rule(a, b):
    """The ladder shows both shapes aligned right, and its result; a failure names exactly the axes that fail."""
    axes, row_a, row_b, result, *text = explain(a, b).split("\n")
    rank = max(len(a), len(b))
    assert cells(axes) == [str(axis) for axis in range(-rank, 0)]
    assert (cells(row_a), cells(row_b)) == ([str(n) for n in a], [str(n) for n in b])
    for row in (row_a, row_b, result):
        assert not cells(row) or len(row) == len(axes)  # aligned right, under the axes
    expected = outcome(broadcast_shapes, (a, b))
    failing = [
        f"Axis {-k} fails: {x} against {y}."
        for k in range(min(len(a), len(b)), 0, -1)
        if (x := a[-k]) != (y := b[-k]) and 1 not in (x, y)
    ]
    if expected is ValueError:
        assert failing
        assert text[:-1] == failing
        assert cells(result).count("✗") == len(failing)
    else:
        assert not failing
        assert cells(result) == [str(n) for n in expected]


def test_explain_says_what_is_stretched():
    assert explain((4, 1), (4,)).split("\n") == [
        "axis    -2  -1",
        "a        4   1",
        "b            4",
        "result   4   4",
        "a is stretched along axis -1.",
        "b is stretched along axis -2.",
        "If their entries were meant to pair up, give both one shape first.",
    ]
    assert "b is stretched along axes -3 and -2." in explain((5, 4, 3), 3)
    assert explain((2, 3), (2, 3)).endswith("Nothing is stretched: entry meets entry.")
    assert explain((), ()).endswith("Nothing is stretched: entry meets entry.")


def test_explain_refuses():
    with pytest.raises(TypeError, match=r"^shape_a: expected a tuple of integers or an integer, got 'x'"):
        explain("x", (2,))
    with pytest.raises(ValueError, match=r"^shape_b: expected lengths >= 0, got \(-2,\)"):
        explain((2,), (-2,))


def test_bytes(dtype):
    shapes = (1000, 1, 64), (1, 1000, 64)
    assert result_bytes(*shapes, dtype=np.float32) == 256e6
    assert result_bytes(*shapes, dtype="bfloat16") == 128e6
    assert result_bytes(*shapes) == 64e6 * dtype.itemsize
    assert result_bytes() == dtype.itemsize
    assert result_bytes((0, 3), (3,)) == 0
    assert result_bytes((3, 1), (4,), dtype=dtype) == (np.zeros((3, 1), dtype) + np.zeros(4, dtype)).nbytes
    with pytest.raises(TypeError):
        result_bytes((3,), dtype="no such type")


def data(dtype, *shape):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize(
    "fun", [jnp.multiply, jnp.subtract, jnp.hypot, lambda x, y: jnp.stack([x, y, x * y]), lambda x, y: {"less": x < y}]
)
def test_outer_is_its_broadcast_form(fun, dtype):
    a, b = data(dtype, 5), data(dtype, 7)
    ours = broadcasting.outer(fun, a, b)
    loop = [fun(x, y) for x in jnp.asarray(a) for y in jnp.asarray(b)]
    expected = jax.tree.map(lambda *entries: np.stack(entries).reshape(5, 7, *np.shape(entries[0])), *loop)
    jax.tree.map(np.testing.assert_array_equal, ours, expected)
    if fun in (jnp.multiply, jnp.subtract, jnp.hypot):
        np.testing.assert_array_equal(ours, fun(a[:, None], b[None, :]))
        assert ours.dtype == dtype
    jitted = jax.jit(lambda a, b: broadcasting.outer(fun, a, b))(a, b)
    jax.tree.map(lambda x, y: assert_close(x, y, tolerances.of(dtype).hand_derived), jitted, expected)


def test_pairwise_is_its_broadcast_form(dtype):
    A, B = data(dtype, 5, 3), data(dtype, 7, 3)
    forms = {
        "squared distance": (lambda a, b: jnp.sum((a - b) ** 2), ((A[:, None, :] - B[None, :, :]) ** 2).sum(-1)),
        "difference": (lambda a, b: a - b, A[:, None, :] - B[None, :, :]),
        "inner product": (lambda a, b: jnp.vdot(a, b, precision="highest"), A @ B.T),
    }
    for fun, expected in forms.values():
        ours = broadcasting.pairwise(fun, A, B)
        assert ours.dtype == dtype
        assert_close(ours, expected, tolerances.of(dtype).hand_derived)
    squared, _ = forms["squared distance"]
    batched = jax.vmap(lambda A: broadcasting.pairwise(squared, A, B))(np.stack([A, 2 * A]))
    assert_close(batched[1], broadcasting.pairwise(squared, 2 * A, B), tolerances.of(dtype).hand_derived)
    slope = jax.grad(lambda A: jnp.sum(broadcasting.pairwise(squared, A, B)))(A)
    assert_close(slope, 2 * (len(B) * A - B.sum(axis=0)), tolerances.of(dtype).hand_derived)


def test_pairs_keep_integers():
    table = broadcasting.outer(jnp.multiply, [1, 2, 3], [1, 10])
    assert jnp.issubdtype(table.dtype, jnp.integer)
    np.testing.assert_array_equal(table, [[1, 10], [2, 20], [3, 30]])
    assert broadcasting.outer(jnp.add, jnp.zeros(0), jnp.zeros(2)).shape == (0, 2)


@pytest.mark.parametrize(
    ("attempt", "error", "message"),
    [
        (
            lambda: broadcasting.outer(jnp.add, np.ones((2, 1)), np.ones(2)),
            ValueError,
            r"a: expected shape \(n,\), got \(2, 1\)",
        ),
        (lambda: broadcasting.outer(jnp.add, np.ones(2), 3.0), ValueError, r"b: expected shape \(n,\), got \(\)"),
        (lambda: broadcasting.outer(jnp.add, "red", np.ones(2)), TypeError, "a: expected an array of numbers, got str"),
        (
            lambda: broadcasting.pairwise(jnp.dot, np.ones(2), np.ones((3, 2))),
            ValueError,
            r"A: expected shape \(n, p\), got \(2,\)",
        ),
        (
            lambda: broadcasting.pairwise(jnp.dot, np.ones((4, 2)), np.ones((3, 1))),
            ValueError,
            r"B: expected shape \(m, 2\), rows as long as those of A, got \(3, 1\)",
        ),
        (
            lambda: all_pairs_loss(np.ones(4), np.ones(4)),
            ValueError,
            r"prediction: expected shape \(n, 1\).*got \(4,\).*prediction\[:, None\]",
        ),
        (lambda: all_pairs_terms(np.ones((4, 2)), np.ones(4)), ValueError, r"prediction: expected shape \(n, 1\)"),
        (lambda: all_pairs_loss(np.ones((0, 1)), np.ones(0)), ValueError, r"prediction: expected shape \(n, 1\)"),
        (lambda: all_pairs_loss(np.ones((4, 1)), np.ones((4, 1))), ValueError, r"y: expected shape \(4,\).*\(4, 1\)"),
        (lambda: all_pairs_terms(np.ones((4, 1)), np.ones(3)), ValueError, r"y: expected shape \(4,\).*got \(3,\)"),
        (lambda: all_pairs_loss(np.ones((4, 1)) * 1j, np.ones(4)), TypeError, "prediction: expected float32 or float6"),
    ],
)
def test_arrays_refused(attempt, error, message):
    with pytest.raises(error, match=f"^{message}"):
        attempt()


def test_strict_stops_the_bug():
    """Even where the session allows it, and in functions compiled outside; it ends with the block."""
    prediction, y = np.ones((4, 1), np.float32), np.ones(4, np.float32)
    loss = jax.jit(lambda prediction, y: jnp.mean((prediction - y) ** 2))
    with jax.numpy_rank_promotion("allow"):
        assert loss(prediction, y) == 0
        with broadcasting.strict():
            with pytest.raises(ValueError, match="could not be broadcast"):
                jnp.asarray(prediction) - y
            with pytest.raises(ValueError, match="could not be broadcast"):
                loss(prediction, y)
            assert loss(prediction[:, 0], y) == 0
            assert (jnp.asarray(prediction) - 1.0).shape == (4, 1)  # a number still combines with anything
            assert (jnp.asarray(prediction) - y[None, :]).shape == (4, 4)  # and axes written out are meant
        assert loss(prediction, y) == 0


def column_loss(prediction, y):
    """The bug as people write it."""
    with jax.numpy_rank_promotion("allow"):
        return jnp.mean((prediction - y) ** 2)


def test_a_perfect_prediction_has_twice_the_variance():
    y = jnp.array([1.0, 2.0, 3.0, 4.0])
    assert float(all_pairs_loss(y[:, None], y)) == float(column_loss(y[:, None], y)) == 2.5


NUMBERS = st.lists(st.tuples(*[st.floats(-100, 100, width=32)] * 2), min_size=1, max_size=8)


@settings(max_examples=200)
@given(NUMBERS)
def test_the_loss_under_the_bug_is_two_variances_and_a_gap(pairs):
    prediction, y = np.array(pairs, np.float32).T
    terms = all_pairs_terms(prediction[:, None], y)
    expected = np.var(prediction.astype(float)), np.var(y.astype(float)), np.mean(prediction - y.astype(float)) ** 2
    # float32: squares of differences of numbers up to 100.
    np.testing.assert_allclose(terms, expected, rtol=1e-5, atol=1e-2)
    loss = float(all_pairs_loss(prediction[:, None], y))
    assert loss == pytest.approx(float(column_loss(prediction[:, None], y)), rel=1e-6)
    assert loss == pytest.approx(sum(expected), rel=1e-5, abs=1e-2)


def test_the_identity_in_float64(double):
    prediction, y = data("float64", 2, 30)
    terms = all_pairs_terms(prediction[:, None], y)
    loss = all_pairs_loss(prediction[:, None], y)
    assert loss.dtype == np.float64
    assert float(sum(terms)) == pytest.approx(float(loss), rel=1e-13)
    # The gradients agree too, and hold no word about which y belongs to which prediction.
    slope = jax.grad(all_pairs_loss)(prediction[:, None], y)
    assert_close(slope, jax.grad(lambda p: sum(all_pairs_terms(p, y)))(prediction[:, None]), 1e-12)
    assert_close(slope, jax.grad(all_pairs_loss)(prediction[:, None], y[::-1].copy()), 1e-12)


def test_trained_with_the_bug(dtype):
    """Anscombe's first set: the slope vanishes and the intercept is the mean; without the bug the line is found."""
    first = jn.datasets.anscombe()[0]
    x = ((first.x - first.x.mean()) / first.x.std()).astype(dtype)
    y = first.y.astype(dtype)

    def with_bug(params):
        return all_pairs_loss((params["slope"] * x + params["intercept"])[:, None], y)

    def without(params):
        return jnp.mean((params["slope"] * x + params["intercept"] - y) ** 2)

    def trained(loss):
        start = {"slope": jnp.ones((), dtype), "intercept": jnp.zeros((), dtype)}
        path = jn.minimize_path(loss, start, method=methods.gradient_descent(0.1), steps=300)
        return float(path.params["slope"][-1]), float(path.params["intercept"][-1]), float(path.value[-1])

    slope, intercept, loss = trained(with_bug)
    assert abs(slope) < 1e-6
    assert intercept == pytest.approx(7.5009, abs=5e-5)
    assert loss == pytest.approx(3.7521, abs=5e-5)
    assert loss == pytest.approx(np.var(first.y), rel=1e-6)
    slope, intercept, loss = trained(without)
    assert slope == pytest.approx(0.5000909 * first.x.std(), rel=1e-5)
    assert intercept == pytest.approx(7.5009, abs=5e-5)
    assert loss == pytest.approx(1.2512, abs=5e-5)


def test_non_finite_data_give_no_number(dtype):
    prediction, y = data(dtype, 2, 4)
    y[2] = np.nan
    assert np.isnan(all_pairs_loss(prediction[:, None], y))
    assert np.isnan(all_pairs_terms(prediction[:, None], y).variance_y)


def test_transforms(dtype):
    predictions, y = data(dtype, 3, 6, 1), data(dtype, 6)
    for fun in (all_pairs_loss, all_pairs_terms):
        single = fun(predictions[1], y)
        batched = jax.jit(jax.vmap(fun, in_axes=(0, None)))(predictions, y)
        for one, many in zip(jax.tree.leaves(single), jax.tree.leaves(batched), strict=True):
            assert one.dtype == many.dtype == dtype
            assert float(many[1]) == pytest.approx(float(one), rel=tolerances.of(dtype).estimate)
