"""The pictures of lesson 07 hold what they should."""

import xml.etree.ElementTree as ElementTree

import jax.numpy as jnp
import numpy as np
import pytest
from pictures import SVG, labels

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import distributions


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_lattice_counts_paths_as_pascal_does(lang):
    drawing = distributions.paths(3, 2, lang=lang)
    root = ElementTree.fromstring(drawing)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    counts = [int(text) for text in texts if text.isdigit()]
    assert counts == [1, 1, 1, 1, 2, 3, 1, 3, 6, 1, 4, 10]
    assert any("p³(1 − p)²" in text for text in texts)
    assert "10" in root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    assert float(root.get("width")) <= 760


def test_expected_counts_stand_beside_the_observed():
    ax = distributions.observed_and_expected([0, 1], [3, 1], [2.75, 1.25], xlabel="k")
    assert labels(ax) == ["observed", "expected"]
    assert [bar.get_height() for bar in ax.patches] == [3, 1, 2.75, 1.25]
    assert [text.get_text() for text in ax.texts] == ["3", "1", "2.75", "1.25"]


def test_routes_lead_to_the_star():
    ax = distributions.likelihood_contours(
        lambda t: -jnp.sum(t**2), {"a": [[1.0, 1], [0, 0]], "b": [[1.0, 1]]}, [0.0, 0], xlim=(-2, 2), ylim=(-1, 1)
    )
    assert labels(ax) == ["a", "b", "maximum"]
    assert ax.get_ylim() == (-1, 1)
    assert "-0.5" in [text.get_text() for text in ax.texts]


def test_the_uniform_likelihood_jumps_at_the_largest():
    ax = distributions.uniform_likelihood([0.2, 0.3, 1.4], reach=2.8)
    theta, height = ax.lines[1].get_data()
    np.testing.assert_allclose([theta[0], height[0], height[-1]], [1.4, 1, 1 / 8])
    assert labels(ax) == ["likelihood", r"$\max\,x_i$", "data", "2 mean"]
    assert ax.lines[-1].get_xdata()[0] == pytest.approx(2 * 1.9 / 3)


def test_the_bias_is_that_of_the_formula():
    ax = distributions.bias_by_size([2, 5], [0.5, 0.8])
    n, mean = ax.lines[0].get_data()
    np.testing.assert_allclose([mean[0], mean[-1]], [0.5, 0.8])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [0.5, 0.8])
    assert n[0] == 2
