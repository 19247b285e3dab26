"""Tables fit 80 columns and tell the truth; pictures hold the artists they should and no text collides."""

import dataclasses
import itertools
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnotes as jn
from jaxnotes.core.inference.covariance import Inference
from jaxnotes.show import columns, summary

ROOT = Path(__file__).parent.parent
NAN = float("nan")


@pytest.fixture(scope="module")
def flights():
    return jn.datasets.challenger()


@pytest.fixture(scope="module")
def solution(flights):
    return jn.logistic_regression.fit(flights.X, flights.y)


@pytest.fixture(scope="module")
def inference(flights, solution):
    return jn.logistic_regression.infer(solution, flights.X, flights.y)


def made_up(estimate, se, statistic, pvalue, df=np.inf, status=jn.Status.CONVERGED):
    """A solution and inference with these numbers, whatever they are."""
    estimate, se = np.atleast_1d(estimate).astype(float), np.atleast_1d(se).astype(float)
    ones = np.ones_like(estimate)
    params = jn.LinearParams(estimate[1:], estimate[0])
    solution = jn.Solution(params, np.float32(0.5), np.float32(1e-9), np.int32(3), np.int8(status), np.float32(np.nan))
    lower, upper = estimate - 2 * se, estimate + 2 * se
    return solution, Inference(
        estimate, se, statistic * ones, pvalue * ones, lower, upper, np.outer(se, se), np.float64(df)
    )


def test_summary_tells_the_fit(solution, inference, flights):
    text = str(summary(solution, inference, flights.names, title="O-rings", n_obs=23))
    for piece in ("O-rings", "n_obs 23", "CONVERGED in 4 steps", "0.44163", "temperature   -0.2322  0.1082  -2.14"):
        assert piece in text
    assert text.splitlines()[5].split() == ["estimate", "se", "z", "p-value", "lower", "upper"]


def test_the_test_is_named_by_its_distribution():
    assert " t " in str(summary(*made_up([1, 2], [0.1, 0.1], 20, 1e-9, df=9)))
    assert " z " in str(summary(*made_up([1, 2], [0.1, 0.1], 20, 1e-9, df=np.inf)))
    assert "df 9" in str(summary(*made_up([1, 2], [0.1, 0.1], 20, 1e-9, df=9)))


def test_a_failed_fit_says_why_and_shows_nan():
    X = jnp.arange(6.0)[:, None]
    y = jnp.array([0, 0, 0, 1, 1, 1])
    solution = jn.logistic_regression.fit(X, y)
    text = str(summary(solution, jn.logistic_regression.infer(solution, X, y)))
    assert "SEPARATED" in text.splitlines()[0]
    assert "Use l2 > 0" in text.splitlines()[-1] + text.splitlines()[-2]
    assert text.count("nan") >= 10


@pytest.mark.parametrize("size", [1e-300, 1e-9, 1e-3, 1.0, 12345.678, 1e7, 1e30])
@pytest.mark.parametrize("precise", [1e-12, 1e-4, 0.5, 100.0, 0.0, NAN])
def test_no_line_is_longer_than_80_columns(size, precise):
    names = ["short", "a_name_of_a_column_that_goes_on_and_on_beyond_all_reason" * 2]
    made = made_up([-size, size, -0.0], [size * precise] * 3, -1e5, 1.2e-300, df=1e6, status=jn.Status.RANK_DEFICIENT)
    text = str(summary(*made, names, title="A title " * 20, n_obs=123_456_789))
    assert max(map(len, text.splitlines())) <= 80
    rules = {len(line) for line in text.splitlines() if set(line) == {"-"}}
    assert len(rules) == 1


def test_digits_follow_the_standard_error():
    text = str(summary(*made_up([1.0021168180, -3482258.634], [0.00042979684, 890420.38], 3.0, 0.0)))
    assert "1.0021168  0.0004298" in text
    assert "-3482259     890420" in text


def test_an_underflowed_p_value_is_a_bound():
    assert "<1e-300" in str(summary(*made_up([1, 2], [0.1, 0.1], 50, 0.0)))


def test_columns_are_the_table_for_machines(solution, inference, flights):
    table = columns(solution, inference, flights.names)
    assert list(table) == ["name", "estimate", "se", "statistic", "pvalue", "lower", "upper"]
    assert table["name"] == ["intercept", "temperature"]
    np.testing.assert_allclose(table["estimate"], [15.042902, -0.232163], rtol=1e-5)
    frame = pytest.importorskip("pandas").DataFrame(table)
    assert frame.shape == (2, 7)


def test_names_may_be_left_out_and_are_counted(solution, inference, flights):
    assert columns(solution, inference)["name"] == ["intercept", "x1"]
    bare = jn.logistic_regression.fit(flights.X, flights.y, intercept=False)
    assert columns(bare, jn.logistic_regression.infer(bare, flights.X, flights.y))["name"] == ["x1"]
    with pytest.raises(ValueError, match=r"names: expected 1, .* got 3"):
        columns(solution, inference, ["a", "b", "c"])


def test_parameters_of_any_other_kind_keep_their_words(solution, inference):
    other = dataclasses.replace(solution, params={"rate": 1.0, "scale": 2.0})
    assert columns(other, inference)["name"] == ["rate", "scale"]
    assert columns(dataclasses.replace(solution, params=np.ones(2)), inference)["name"] == ["params[0]", "params[1]"]
    assert columns(other, inference, ["a", "b"])["name"] == ["a", "b"]
    with pytest.raises(ValueError, match=r"names: expected 2, .* got 1"):
        columns(other, inference, ["a"])


def test_several_classes_are_named_class_by_class():
    X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [2.5], [1.5], [0.5]])
    y = np.array([0, 1, 2, 0, 1, 2, 1, 0, 2])
    solution = jn.multinomial_regression.fit(X, y, n_classes=3)
    table = columns(solution, jn.multinomial_regression.infer(solution, X, y), ["dose"])
    flat = dict(zip(table["name"], table["estimate"], strict=True))
    np.testing.assert_allclose(flat["intercept[0]"], solution.params.intercept[0], rtol=1e-5)
    np.testing.assert_allclose(flat["dose[1]"], solution.params.coef[1, 0], rtol=1e-5)
    assert len(flat) == 4


def test_a_batch_is_refused_with_advice(solution, inference):
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), (solution, inference))
    with pytest.raises(ValueError, match=r"Pick a lane .* or take all lanes as columns"):
        summary(*batch)
    assert columns(*batch)["lane"].tolist() == [0, 0, 1, 1]


def test_html_is_escaped_and_complete(solution, inference):
    table = summary(solution, inference, ["<b>&"], title="<script>")
    page = table._repr_html_()
    assert "<script>" not in page
    assert "&lt;b&gt;&amp;" in page
    assert page.count("<tr>") == 3
    assert page.count("<td>") == 14
    assert repr(table) == str(table)


# Pictures


@pytest.fixture
def figure():
    return pytest.importorskip("matplotlib.figure").Figure(figsize=(7.2, 4.8), layout="constrained")


def labels(ax) -> dict:
    handles, names = ax.get_legend_handles_labels()
    return dict(zip(names, handles, strict=True))


def assert_readable(ax):
    """All text at 11 points or more, inside the figure, and no two pieces on top of each other."""
    figure = ax.figure
    figure.draw_without_rendering()
    ticks = [*ax.get_xticklabels(), *ax.get_yticklabels()]
    inside = [tick for tick in ticks if figure.bbox.padded(-1).overlaps(tick.get_window_extent())]
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_legend().get_texts()]
    boxes = [text.get_window_extent() for text in [*texts, *inside]]
    assert all(text.get_fontsize() >= 11 for text in [*texts, *ticks])
    for box in [text.get_window_extent() for text in texts]:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    for one, other in itertools.combinations([box.padded(-0.5) for box in boxes], 2):
        assert not one.overlaps(other)
    assert figure.get_facecolor() == ax.get_facecolor() == (1, 1, 1, 1)


def test_logistic_curve_draws_data_fit_band_and_extrapolation(figure, solution, flights):
    draws = jn.LinearParams(jnp.array([[-0.3], [-0.2], [-0.1]]), jnp.array([19.0, 13.0, 7.0]))
    ax = figure.subplots()
    returned = jn.show.plots.logistic_curve(
        solution, flights.temperature, flights.distress, draws=draws, mark=31.0, xlabel="F", ylabel="P", ax=ax
    )
    assert returned is ax
    drawn = labels(ax)
    assert set(drawn) == {
        "middle 95 % of 3 bootstrap curves",
        "data",
        "fit",
        "extrapolation",
        "at 31: 0.9996",
        "no data",
    }
    x, p = drawn["fit"].get_data()
    np.testing.assert_allclose(np.interp(64.79, x, p), 0.5, atol=1e-3)
    assert drawn["fit"].get_linestyle() != drawn["extrapolation"].get_linestyle()
    assert np.isnan(p[x < 53]).all()
    assert drawn["at 31: 0.9996"].get_xdata() == [31.0]
    points = np.column_stack(drawn["data"].get_data())
    assert len(np.unique(points, axis=0)) == 23
    band = drawn["middle 95 % of 3 bootstrap curves"].get_paths()[0].vertices
    assert 0 <= band[:, 1].min() < band[:, 1].max() <= 1
    assert_readable(ax)


def test_logistic_curve_without_extras_draws_no_extras(figure, solution, flights):
    ax = jn.show.plots.logistic_curve(solution, flights.temperature, flights.distress, ax=figure.subplots())
    assert set(labels(ax)) == {"data", "fit", "extrapolation"}
    assert_readable(ax)


def test_descent_path_draws_contours_start_path_and_minimum(figure):
    points = np.array([[2.0, 1.0], [1.0, 0.5], [0.1, 0.1]])
    path = SimpleNamespace(params=points)
    ax = jn.show.plots.descent_path(lambda x: jnp.sum(x**2), path, minimum=[0.0, 0.0], ax=figure.subplots())
    drawn = labels(ax)
    assert set(drawn) == {"2 steps", "start", "minimum"}
    np.testing.assert_array_equal(np.column_stack(drawn["2 steps"].get_data()), points)
    contours = [artist for artist in ax.collections if type(artist).__name__ == "QuadContourSet"]
    assert len(contours) == 1
    assert len(contours[0].levels) > 5
    assert_readable(ax)


def test_descent_path_draws_what_minimize_path_returns(figure):
    def bowl(x):
        return x[0] ** 2 + 4 * x[1] ** 2

    path = jn.minimize_path(bowl, jnp.array([2.0, 1.0]), method=jn.methods.gradient_descent(0.1), steps=20)
    ax = jn.show.plots.descent_path(bowl, path, ax=figure.subplots())
    assert set(labels(ax)) == {"20 steps", "start"}


def test_descent_path_wants_two_parameters():
    with pytest.raises(ValueError, match=r"path.params: expected shape \(steps \+ 1, 2\), got \(4, 3\)"):
        jn.show.plots.descent_path(jnp.sum, SimpleNamespace(params=np.zeros((4, 3))))


def test_a_picture_without_axes_gets_its_own(solution, flights):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    ax = jn.show.plots.logistic_curve(solution, flights.temperature, flights.distress)
    assert_readable(ax)
    pyplot.close(ax.figure)


def test_pictures_without_matplotlib_name_the_extra(monkeypatch, solution, flights):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "jaxnotes\[plots\]"'):
        jn.show.plots.logistic_curve(solution, flights.temperature, flights.distress)


def test_tables_do_not_load_matplotlib():
    code = "import sys, jaxnotes as jn; jn.show.summary, jn.show.plots; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
