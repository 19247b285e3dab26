"""The pictures of lesson 10 hold what they should."""

from xml.etree import ElementTree

import jax.numpy as jnp
import numpy as np
import pytest
from pictures import SVG

from jaxnotes import activations as act

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import activations


def test_each_panel_has_a_function_and_its_slope():
    axes = activations.with_slopes({"tanh": act.tanh, "relu": act.relu})
    assert [ax.get_title() for ax in axes] == ["tanh", "relu"]
    z, slope = axes[0].lines[3].get_data()
    np.testing.assert_allclose(slope, 1 - np.tanh(z) ** 2, atol=1e-5)


def test_the_stretched_sigmoid_lies_under_tanh():
    ax = activations.stretched_sigmoid()
    (_, low), (_, squeezed), (z, wide), (dots, tanh) = (np.array(line.get_data()) for line in ax.lines[1:])
    np.testing.assert_allclose(wide, np.tanh(z), atol=1e-6)
    np.testing.assert_allclose(tanh, np.tanh(dots), atol=1e-6)
    assert low[0] > squeezed[0] > 0 > wide[0]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_table_of_kinks_holds_what_grad_returns(lang):
    drawing = activations.kinks({"abs": jnp.abs, "max": lambda x: jnp.maximum(x, 0.0)}, lang)
    texts = [text.text for text in ElementTree.fromstring(drawing).iter(f"{SVG}text")]
    assert texts[4:] == ["abs", "-1", "1", "1", "max", "0", "0.5", "1"]


def test_saturation_marks_where_the_function_rounds():
    left, right = activations.saturation({"tanh": act.tanh}, {"tanh": 7.999})
    assert left.lines[1].get_xdata()[0] == 7.999
    assert np.isnan(left.lines[0].get_ydata()[-1])
    assert right.lines[0].get_ydata()[-1] > 0


def test_repeats_share_one_label():
    ax = activations.through_layers({"a": np.ones((3, 5)), "b": np.ones(5)})
    assert len(ax.lines) == 4
    assert ax.get_legend_handles_labels()[1] == ["a", "b"]


def test_the_cobweb_of_a_stable_map_ends_at_one():
    (ax, other) = activations.variance_cobweb({"tanh": act.tanh, "relu": act.relu}, steps=12)
    assert ax.lines[2].get_xdata()[-1] == pytest.approx(1, abs=1e-3)
    assert other.lines[2].get_xdata()[-1] == pytest.approx(2, rel=1e-4)
