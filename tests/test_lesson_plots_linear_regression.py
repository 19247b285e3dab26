"""The pictures of lesson 04 hold what they should, on white, with letters of 11 points or more."""

import re
import xml.etree.ElementTree as ElementTree

import jax.numpy as jnp
import numpy as np
import pytest
from pictures import SVG, assert_readable

from jaxnotes import datasets, least_squares

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import canvas, linear_regression

FIRST = datasets.anscombe()[0]


def test_residuals_are_vertical_and_end_on_the_line():
    left, right = linear_regression.points_and_residuals(FIRST.x, FIRST.y, (0.5, 3.0))
    segments = np.array(right.collections[0].get_segments())
    np.testing.assert_allclose(segments[:, 0, 0], segments[:, 1, 0])
    np.testing.assert_allclose(segments[:, 0, 1], 3 + 0.5 * FIRST.x)
    np.testing.assert_allclose(segments[:, 1, 1], FIRST.y)
    assert left.get_ylim() == right.get_ylim()
    for ax in (left, right):
        assert_readable(ax)


def test_squares_stand_on_residuals_and_are_square():
    x, y, fitted = jnp.array([1.0, 4.0]), jnp.array([3.0, 1.0]), jnp.array([2.0, 3.0])
    across, up = linear_regression.square_outlines(x, y, fitted)
    for k, side in enumerate(np.abs(y - fitted)):
        corners = slice(6 * k, 6 * k + 5)
        assert np.ptp(across[corners]) == np.ptp(up[corners]) == side
        assert np.isnan(across[6 * k + 5])


def lines_of(drawing) -> list[np.ndarray]:
    """The segments that are distances, as (x0, y0, x1, y1), by colour in the order drawn."""
    found = {}
    for line in ElementTree.fromstring(drawing).iter(f"{SVG}line"):
        ends = [float(line.get(name)) for name in ("x1", "y1", "x2", "y2")]
        found.setdefault(line.get("stroke"), []).append(ends)
    return [np.array(segments) for colour, segments in found.items() if len(segments) == 11]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_three_distances_have_three_directions(lang):
    params = least_squares.fit(FIRST.X, FIRST.y).params
    w, b = float(params.coef[0]), float(params.intercept)
    drawing = linear_regression.three_distances(FIRST.x, FIRST.y, [(w, b)] * 3, lang=lang)
    vertical, perpendicular, horizontal = lines_of(drawing)
    np.testing.assert_allclose(vertical[:, 0], vertical[:, 2])
    np.testing.assert_allclose(horizontal[:, 1], horizontal[:, 3])
    step = perpendicular[:, 2:] - perpendicular[:, :2]
    # The picture's y points down; its coordinates have one decimal.
    np.testing.assert_allclose(step[:, 0] - w * step[:, 1], 0, atol=0.2)
    root = ElementTree.fromstring(drawing)
    assert root.findtext(f"{SVG}desc").count(f"{w:.4f}") == 3
    points = [float(dot.get(name)) for dot in root.iter(f"{SVG}circle") for name in ("cx", "cy")]
    assert min(points) > 0
    assert max(points) < 760
    assert re.search("[一-鿿]", drawing) is None or lang == "zh"


def test_the_bowl_marks_starts_and_minimum():
    ax = linear_regression.bowl(
        canvas(("w", "b")),
        lambda p: jnp.sum(p**2),
        {"one": [[1.0, 1.0], [0.5, 0.5]], "two": [[-1.0, 0.0], [0.0, 0.0]]},
        [0.0, 0.0],
        (2.0, 1.0),
    )
    assert ax.get_legend_handles_labels()[1] == ["one", "two", "minimum"]
    assert [line.get_marker() for line in ax.lines] == ["o", "s", "o", "s", "*"]
    np.testing.assert_allclose([*ax.get_xlim(), *ax.get_ylim()], [-2, 2, -1, 1])
    assert_readable(ax)


def test_the_quartet_has_four_panels_on_equal_axes():
    panels = linear_regression.quartet(datasets.anscombe(), [(0.5, 3.0)] * 4)
    assert [ax.texts[0].get_text() for ax in panels] == ["I", "II", "III", "IV"]
    assert len({ax.get_xlim() + ax.get_ylim() for ax in panels}) == 1
    for ax, points in zip(panels, datasets.anscombe(), strict=True):
        np.testing.assert_allclose(ax.lines[1].get_ydata(), points.y)
        assert_readable(ax)
