"""The pictures of lesson 12 hold what they should."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from pictures import SVG, labels

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import many_models


def test_loops_are_carried_on_in_proportion_to_the_largest_number():
    loops = {"plain": ([1, 10], [0.01, 0.1]), "compiled": ([1, 100], [1e-4, 1e-2])}
    ax = many_models.timings(loops, ([100, 10_000], [0.02, 0.1]))
    assert labels(ax) == ["plain", "compiled", "one vmap call", "carried on"]
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[10, 0.1], [10_000, 100]])
    np.testing.assert_allclose(ax.lines[3].get_xydata(), [[100, 0.01], [10_000, 1]])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_slopes_have_a_density_of_one_and_every_status_its_count():
    values = np.random.default_rng(0).normal(-0.2, 0.1, 1000)
    left, right = many_models.slopes(values, -0.2, 0.1, {"CONVERGED": 1000, "SEPARATED": 40}, window=(-0.8, 0.4))
    assert sum(bar.get_height() * bar.get_width() for bar in left.patches) == pytest.approx(1)
    assert set(labels(left)) == {"normal", "middle 95 %", "bootstrap"}
    at, normal = left.lines[0].get_data()
    assert np.trapezoid(normal, at) == pytest.approx(1, abs=1e-3)
    edges = [line.get_xdata()[0] for line in left.lines[1:]]
    np.testing.assert_allclose(edges, np.quantile(values, [0.025, 0.975]))
    assert [bar.get_width() for bar in right.patches] == [1000, 40]
    assert [text.get_text() for text in right.texts] == ["1,000", "40"]


def test_the_marked_row_is_named_where_it_is():
    ax = many_models.left_out([-0.2, -0.3, -0.25], [-0.21, -0.28, -0.25], -0.25, ["a", "b", "c"], mark=1)
    (name,) = ax.texts
    assert name.get_text() == "b"
    assert tuple(name.xy) == (-0.28, -0.3)
    assert labels(ax) == ["equal", "all flights", "one flight left out"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_map_of_functions_parses_and_names_the_same_function_twice(lang):
    drawing = many_models.function_map(lang)
    root = ElementTree.fromstring(str(drawing))
    assert root.find(f"{SVG}title").text == drawing.title
    assert root.find(f"{SVG}desc").text
    assert bool(re.search("[一-鿿]", drawing.title)) == (lang == "zh")
    texts = ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
    assert texts.count("resampled_fit") == 2
    assert "jax.vmap" in texts
