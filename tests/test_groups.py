"""One model per group: the answers of a loop, whatever the sizes, keys and order; what goes wrong is told, not lost."""

import io
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnotes as jn
from jaxnotes.core.values import progress
from jaxnotes.core.values.progress import bar
from jaxnotes.groups import fitting
from jaxnotes.groups.keys import by_group, encode

SIZES = np.array([9, 70, 12, 1, 25, 130])
LABELS = np.array([2**60 + 5, -3, 7, 2**60, 11, 0])


@pytest.fixture(scope="module")
def rows():
    """Rows of six groups, shuffled: keys, X, y."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(len(SIZES)), SIZES)[rng.permutation(SIZES.sum())]
    X = rng.normal(size=(len(group), 2)).astype(np.float32)
    return LABELS[group], X, (X @ [1.0, -2.0] + group + rng.normal(size=len(group))).astype(np.float32)


@pytest.fixture(scope="module")
def many(rows):
    return jn.groups.fit(jn.least_squares, *rows)


def test_each_group_has_the_answer_of_a_loop(rows, many):
    keys, X, y = rows
    assert list(many.keys) == list(dict.fromkeys(keys.tolist()))
    for key, size in zip(LABELS, SIZES, strict=True):
        own = keys == key
        solution, inference = many.select(key)
        assert many.n_obs[list(many.keys).index(key)] == size
        if size == 1:
            assert solution.status == jn.Status.TOO_FEW_ROWS
            continue
        A = np.column_stack([np.ones(size), X[own]]).astype(np.float64)
        theta, rss, *_ = np.linalg.lstsq(A, y[own].astype(np.float64), rcond=None)
        se = np.sqrt(rss / (size - 3) * np.diag(np.linalg.inv(A.T @ A)))
        np.testing.assert_allclose(inference.estimate, theta, rtol=2e-4, atol=2e-5)
        np.testing.assert_allclose(inference.se, se, rtol=2e-4)
        np.testing.assert_array_equal(solution.params.coef, inference.estimate[1:])


def test_how_they_ended_is_counted_and_named(many):
    assert many.counts() == {"CONVERGED": 5, "TOO_FEW_ROWS": 1}
    failures = many.failures()
    assert failures["key"].tolist() == [2**60]
    assert failures["status"].tolist() == ["TOO_FEW_ROWS"]
    assert repr(many) == "Groups(6 groups: 5 CONVERGED, 1 TOO_FEW_ROWS)"
    with pytest.raises(KeyError, match="no group 99; the first of 6 are"):
        many.select(99)


def test_other_company_and_order_change_no_bit(rows, many):
    keys, X, y = rows
    order = np.argsort(keys, kind="stable")
    again = jn.groups.fit(jn.least_squares, keys[order], X[order], y[order])
    for key in LABELS:
        jax.tree.map(np.testing.assert_array_equal, many.select(key), again.select(key))


def test_a_batch_is_a_table_in_one_call(many):
    table = jn.show.columns(many.solution, many.inference, ["a", "b"])
    assert list(table)[:3] == ["lane", "name", "estimate"]
    assert table["name"][:4] == ["intercept", "a", "b", "intercept"]
    assert table["lane"].tolist() == np.repeat(np.arange(6), 3).tolist()
    assert set(table["status"]) == {"CONVERGED", "TOO_FEW_ROWS"}
    by_key = jn.show.columns(many.solution, many.inference, keys={"store": many.keys})
    np.testing.assert_array_equal(by_key["store"][::3], many.keys)
    with pytest.raises(ValueError, match="keys: expected 6 entries, one per lane, got 2"):
        jn.show.columns(many.solution, many.inference, keys=[1, 2])


@pytest.mark.parametrize("with_arrow", [True, False])
def test_keys_of_every_kind_in_order_of_first_appearance(monkeypatch, with_arrow):
    if with_arrow:
        pytest.importorskip("pyarrow")
    else:
        monkeypatch.setattr("jaxnotes.groups.keys.find_spec", lambda name: None)
    dates = np.array(["2026-03-01", "2020-01-01", "NaT", "2026-03-01", "NaT"], "datetime64[s]")
    for key, wanted in (
        ([5, 2**62, 5, -1, 2**62], [0, 1, 0, 2, 1]),
        (np.array(["b", "a", "b", "", "a"]), [0, 1, 0, 2, 1]),
        ([np.nan, 1.0, np.nan, 0.0, 1.0], [0, 1, 0, 2, 1]),
        (dates, [0, 1, 2, 0, 2]),
    ):
        codes, (labels,) = encode((key,))
        assert codes.tolist() == wanted
        assert len(labels) == 3
        np.testing.assert_array_equal(labels[codes], np.asarray(key))
    codes, (first, second) = encode((np.array([1, 1, 2, 2, 1]), np.array(["x", "y", "x", "x", "x"])))
    assert codes.tolist() == [0, 1, 2, 2, 0]
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(1, "x"), (1, "y"), (2, "x")]


def test_null_labels_are_one_group():
    pytest.importorskip("pyarrow")
    codes, (labels,) = encode((np.array(["a", None, "a", None], object),))
    assert codes.tolist() == [0, 1, 0, 1]
    assert labels.tolist() == ["a", None]


def test_rows_of_a_group_keep_their_order():
    lanes = by_group(np.array([1, 0, 1, 1, 2]), 4, np.array([True, True, False, True, True]))
    assert lanes.order.tolist() == [1, 0, 3, 4]
    assert lanes.counts.tolist() == [1, 2, 1, 0]
    assert lanes.starts.tolist() == [0, 1, 3, 4]


def test_curves_start_where_their_rows_say():
    rng = np.random.default_rng(1)
    keys, x = np.repeat([3, 1, 2], 20), np.tile(np.linspace(0, 4, 20), 3).astype(np.float32)
    rate = np.array([0.3, 0.6, 1.2])
    y = (5 * np.exp(-np.repeat(rate, 20) * x) + rng.normal(scale=0.01, size=60)).astype(np.float32)
    decays = jn.groups.fit(
        jn.curve_fitting, keys, x, y, model=lambda p, x: p["size"] * jnp.exp(-p["rate"] * x),
        start=lambda rows, weights: {"size": jnp.max(rows[1] * (weights > 0)), "rate": 1.0},
    )  # fmt: skip
    assert decays.counts() == {"CONVERGED": 3}
    np.testing.assert_allclose(decays.solution.params["rate"], rate, rtol=0.02)


@pytest.mark.long
def test_likelihoods_start_where_one_says():
    rng = np.random.default_rng(2)
    keys, x = np.repeat([3, 1], 25), rng.exponential(size=50).astype(np.float32)
    waits = jn.groups.fit(
        jn.maximum_likelihood, keys, x, log_prob=lambda p, x: jnp.log(p) - p * x, start=np.array([1.0, 2.0], np.float32)
    )
    np.testing.assert_allclose(waits.solution.params, [1 / x[:25].mean(), 1 / x[25:].mean()], rtol=1e-3)


def test_what_cannot_be_is_refused(rows):
    keys, X, y = rows
    with pytest.raises(ValueError, match=r"keys: expected shape \(247,\), one label per row of X, got \(3,\)"):
        jn.groups.fit(jn.least_squares, keys[:3], X, y)
    with pytest.raises(TypeError, match=r"trials: least_squares\.fit takes none\. It takes weights, precision"):
        jn.groups.fit(jn.least_squares, keys, X, y, trials=y)
    with pytest.raises(ValueError, match=r"weights: expected shape \(247,\)"):
        jn.groups.fit(jn.least_squares, keys, X, y, weights=y[:2])
    with pytest.raises(TypeError, match=r"expected both with jn\.curve_fitting, got no model"):
        jn.groups.fit(jn.curve_fitting, keys, X, y, start=1.0)
    with pytest.raises(TypeError, match="X: expected an array of numbers"):
        jn.groups.fit(jn.least_squares, keys, np.full(X.shape, "a"), y)
    with pytest.raises(TypeError, match="outside jit"):
        jax.jit(lambda X: jn.groups.fit(jn.least_squares, keys, X, y))(X)


def test_rows_are_written_as_they_come(rows, many, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    jn.groups.fit(jn.least_squares, *rows, out=tmp_path / "all.parquet")
    table = parquet.read_table(tmp_path / "all.parquet").to_pydict()
    assert list(table)[:3] == ["key", "name", "estimate"]
    assert len(table["key"]) == 18
    place = [
        k for k, (key, name) in enumerate(zip(table["key"], table["name"], strict=True)) if (key, name) == (7, "x1")
    ]
    assert table["estimate"][place[0]] == many.select(7)[1].estimate[1]
    assert not list(tmp_path.glob("*.part"))


def test_an_output_that_cannot_be_written_is_known_before_the_work(rows, tmp_path):
    (tmp_path / "old.parquet.part").write_text("half")
    for out, error, told in (
        (tmp_path / "old.parquet", FileExistsError, "left from a run that did not end"),
        (tmp_path / "no" / "a.parquet", FileNotFoundError, "there is no folder"),
        (tmp_path, IsADirectoryError, "Name a file"),
    ):
        with pytest.raises(error, match=told):
            jn.groups.fit(jn.least_squares, *rows, out=out)
    assert (tmp_path / "old.parquet.part").read_text() == "half"


def test_an_interruption_leaves_what_is_done(rows, many, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    solve = fitting.solve

    def interrupted(task):
        first = next(solve(task))
        yield first._replace(groups=first.groups[:1], **{
            name: jax.tree.map(lambda leaf: leaf[:1], getattr(first, name)) for name in ("solution", "inference")
        })  # fmt: skip
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "solve", interrupted)
    with pytest.warns(UserWarning, match=r"interrupted: 1 of 6 groups are done"):
        some = jn.groups.fit(jn.least_squares, *rows, out=tmp_path / "some.parquet")
    assert some.keys.tolist() == many.keys[:1].tolist()
    np.testing.assert_array_equal(some.inference.se, many.inference.se[:1])
    assert not (tmp_path / "some.parquet").exists()
    assert parquet.read_table(tmp_path / "some.parquet.part").num_rows == 3


def test_a_bar_only_where_it_is_wanted(capsys):
    pytest.importorskip("rich")
    for shown in (False, None):
        with bar(2, "groups", shown=shown) as advance:
            advance(2)
    assert capsys.readouterr().err == ""
    with bar(2, "groups", shown=True) as advance:
        advance(2)
    assert "2/2" in capsys.readouterr().err


def test_a_bar_is_drawn_in_a_terminal_once_work_is_long(monkeypatch):
    console = pytest.importorskip("rich.console")
    plain = console.Console
    monkeypatch.setattr(progress, "SHORT", -1)
    for terminal in (True, False):
        screen = io.StringIO()
        made = plain(file=screen, force_terminal=terminal, width=80)
        monkeypatch.setattr(console, "Console", lambda file, made=made: made)
        for total, seen in ((2, "2/2"), (None, "2/?")):
            with bar(total, "groups") as advance:
                advance(2)
            assert (seen in screen.getvalue()) == terminal


def test_a_bar_without_rich_names_the_extra(monkeypatch):
    for name in ("rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)
    with bar(2, "groups") as advance:
        advance(1)
    with pytest.raises(ImportError, match="jaxnotes"), bar(2, "groups", shown=True):
        pass
