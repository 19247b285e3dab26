"""The pictures of lesson 05 hold what they should, on white, with letters of 11 points or more."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from pictures import SVG, assert_readable

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import least_squares


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_triangle_closes_and_has_its_angles(lang):
    angles = [180728, 217456, 249810]
    root = ElementTree.fromstring(least_squares.triangle(angles, [2, 2, 2], lang=lang))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    for number in ("50°12′08″", "60°24′18″", "179°59′54″", "180°00′00″", "+6″"):
        assert number in texts
    assert texts.count("+2″") == 3
    outline = root.find(f"{SVG}polygon")
    a, b, c = (np.array([float(n) for n in pair.split(",")]) for pair in outline.get("points").split())
    for (corner, one, other), seconds in zip(((a, b, c), (b, c, a), (c, a, b)), angles, strict=True):
        u, v = one - corner, other - corner
        angle = np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))
        assert angle == pytest.approx(seconds / 3600, abs=0.1)
    assert re.search("[一-鿿]", root.findtext(f"{SVG}desc")) is None or lang == "zh"
    with pytest.raises(ValueError, match="lang"):
        least_squares.triangle(angles, [2, 2, 2], lang="fr")


def test_unequal_corrections_have_decimals():
    drawing = least_squares.triangle([180728, 217456, 249810], [1.5, 1.5, 3.0])
    assert "50°12′09.50″" in drawing
    assert "+1.5″" in drawing
    assert "180°00′00″" in drawing


def test_a_failed_solver_is_a_cross_and_no_point():
    errors = {"a": [1e-6, np.nan, 1.0], "b": [1e-7, 1e-6, 1e-5]}
    ax = least_squares.solver_errors([10.0, 1e3, 1e5], errors, eps=1e-7)
    crosses = [np.size(line.get_xdata()) for line in ax.lines if line.get_marker() == "x"]
    assert crosses == [1, 0]
    assert np.isnan(np.asarray(ax.lines[0].get_ydata(), float)).tolist() == [False, True, False]
    assert ax.get_legend_handles_labels()[1] == ["a", "b"]
    guides = [np.asarray(line.get_ydata(), float) for line in ax.lines[-2:]]
    np.testing.assert_allclose(guides, [[1e-6, 1e-4, 1e-2], [1e-5, 1e-1, 1e3]])
    assert_readable(ax)


def test_the_ellipse_is_that_of_the_covariance():
    covariance = np.array([[2.0, -0.5], [-0.5, 1.0]])
    ax = least_squares.refits([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0], covariance, share=0.5)
    edge = np.array(ax.lines[2].get_data()) - [[1.0], [2.0]]
    distance = np.sum(edge * np.linalg.solve(covariance, edge), axis=0)
    np.testing.assert_allclose(distance, 2 * np.log(2))
    assert ax.get_legend_handles_labels()[1] == ["2 fits", "50% by theory", "truth"]
    assert_readable(ax)


def test_stems_are_as_high_as_the_leverage_and_equal_x_are_apart():
    panels = least_squares.leverage_stems({"one": ([1.0, 1.0, 5.0], [0.5, 0.5, 1.0]), "two": ([0.0, 1.0], [1, 1])})
    segments = np.array(panels[0].collections[0].get_segments())
    np.testing.assert_allclose(segments[:, 1, 1], [0.5, 0.5, 1.0])
    assert len(set(segments[:, 0, 0])) == 3
    assert segments[:2, 0, 0].mean() == pytest.approx(1.0)
    assert [ax.get_title(loc="right") for ax in panels] == ["one", "two"]
    for ax in panels:
        assert_readable(ax)


def test_one_panel_is_a_list_too():
    assert len(least_squares.leverage_stems({"one": ([0.0, 1.0], [1.0, 1.0])})) == 1
