"""The pictures of lesson 09 hold what they should."""

import numpy as np
import pytest

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import neural_networks


def test_decision_maps_show_both_classes_and_a_boundary_where_there_is_one():
    X, y = [[0.0, 0.0], [1.0, 1.0]], [0, 1]
    flat, cut = neural_networks.decision_maps({"flat": lambda x: 0 * x[0], "cut": lambda x: x[0] - 0.5}, X, y)
    assert [len(ax.lines) for ax in (flat, cut)] == [2, 2]
    assert len(cut.collections) > len(flat.collections) - 1
    assert cut.get_title() == "cut"
    assert cut.figure.get_facecolor() == (1, 1, 1, 1)


def test_bars_have_the_height_of_the_counts():
    ax = neural_networks.success_bars({"2 units": [3, 1], "4 units": [4, 2]}, ["a", "b"], 4)
    assert [bar.get_height() for bar in ax.patches] == [3, 1, 4, 2]
    assert [text.get_text() for text in ax.texts] == ["3", "1", "4", "2"]
    assert ax.get_legend_handles_labels()[1] == ["2 units", "4 units"]


def test_times_are_in_microseconds():
    ax = neural_networks.timings({"loop": 1e-2, "product": 1e-5})
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [1e4, 10])
    assert ax.texts[0].get_text() == "10,000"
