"""The pictures of lesson 08 hold what they should."""

import re
import xml.etree.ElementTree as ElementTree

import jax.numpy as jnp
import numpy as np
import pytest
from pictures import SVG, labels

import jaxnotes as jn

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import logistic_regression


def test_the_launch_has_data_fit_band_and_the_place_beyond_the_data():
    data = jn.datasets.challenger()
    fitted = jn.logistic_regression.fit(data.X, data.y)
    wald = jn.logistic_regression.infer(fitted, data.X, data.y)
    ax = logistic_regression.launch(fitted, wald, data.temperature, data.y, 31.0)
    assert {"data", "fit", "extrapolation", "at 31: 0.9996", "95 % band"} <= set(labels(ax))
    assert len(ax.lines[0].get_xdata()) == 23
    (band,) = (patch for patch in ax.collections if patch.get_label() == "95 % band")
    edge = band.get_paths()[0].vertices
    at_31 = edge[np.abs(edge[:, 0] - 31.0) < 0.1, 1]
    assert at_31.min() == pytest.approx(0.48, abs=0.02)
    assert at_31.max() == pytest.approx(1.0, abs=1e-4)


def test_the_three_scales_agree():
    ax = logistic_regression.scales()
    place = {(text.get_text(), round(text.get_position()[1])): text.get_position()[0] for text in ax.texts}
    assert place["0.5", 2] == place["1:1", 1] == place["0", 0] == 0
    assert place["0.9", 2] == pytest.approx(np.log(9))
    assert place["10:1", 1] == pytest.approx(np.log(10))


def test_losses_mark_their_minima():
    w = np.linspace(-2, 2, 41)
    left, right = logistic_regression.losses(w, {"one": w**2, "two": (w**2 - 1) ** 2}, {"one": [0.0], "two": [-1, 1]})
    assert [left.get_title(), right.get_title()] == ["one: 1 minimum", "two: 2 minima"]
    np.testing.assert_allclose(right.lines[1].get_xydata(), [[-1, 0], [1, 0]], atol=1e-12)


def test_paths_begin_at_one_start():
    ways = {"short": np.array([[1.0, 1.0], [0.0, 0.0]]), "long": np.array([[1.0, 1.0], [0.5, 0.7], [0.1, 0.3]])}
    left, right = logistic_regression.paths(lambda w: jnp.sum(w**2), ways, [0.0, 0.0])
    assert labels(right) == ["short", "long"]
    assert [len(line.get_xdata()) for line in left.lines] == [2, 3, 1]
    assert left.collections
    np.testing.assert_allclose(right.lines[1].get_ydata(), [1.0, 0.7, 0.3])
    assert np.isnan(right.lines[0].get_ydata()[1])  # an error of 0 has no place on a logarithmic axis


def test_a_runaway_is_drawn_beside_what_theory_says():
    t = np.arange(1001.0)
    left, right = logistic_regression.runaway(np.log1p(t), 1 / (1 + t))
    assert (left.get_xscale(), left.get_yscale(), right.get_yscale()) == ("log", "linear", "log")
    for ax in (left, right):
        drawn, theory = (line.get_ydata() for line in ax.lines)
        assert drawn[-1] == pytest.approx(theory[-1])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_neuron_parses_and_stays_inside_its_window(lang):
    drawing = logistic_regression.neuron(lang)
    root = ElementTree.fromstring(str(drawing))
    assert root.find(f"{SVG}title").text == drawing.title
    assert root.find(f"{SVG}desc").text
    assert bool(re.search("[一-鿿]", drawing.title)) == (lang == "zh")
    texts = ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
    assert {"wᵀx + b", "σ(z)"} <= set(texts)
    for node in root.iter(f"{SVG}text"):
        assert 0 < float(node.get("x")) < 760
