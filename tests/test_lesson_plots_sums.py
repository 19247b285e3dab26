"""The pictures of lesson 11 hold what they should."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from pictures import SVG

from jaxnotes import information, notation

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import sums


def boxes(drawing) -> list[dict[str, float | str]]:
    """Every rectangle but the ground."""
    names = ("x", "y", "width", "height")
    found = ElementTree.fromstring(drawing).iter(f"{SVG}rect")
    return [{**box.attrib, **{k: float(box.get(k)) for k in names}} for box in found if box.get("x")]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_areas_are_the_sums(n, lang):
    drawing = sums.sums_as_areas(n, lang=lang)
    staircase = [box for box in boxes(drawing) if box["x"] < 400]
    assert len(staircase) == n * (n + 1)
    assert sum("stroke-dasharray" not in box for box in staircase) == n * (n + 1) / 2
    angles = [box for box in boxes(drawing) if box["x"] >= 400]
    unit = max(box["x"] + box["width"] for box in angles) - min(box["x"] for box in angles)
    unit /= n * (n + 1) / 2
    by_colour = {}
    for box in angles:
        by_colour[box["fill"]] = by_colour.get(box["fill"], 0) + box["width"] * box["height"] / unit**2
    # Coordinates in the drawing have six digits.
    assert sorted(by_colour.values()) == pytest.approx([k**3 for k in range(1, n + 1)], rel=1e-4)


def test_the_areas_say_what_they_show():
    root = ElementTree.fromstring(sums.sums_as_areas(4, lang="zh"))
    assert "立方和" in root.findtext(f"{SVG}title")
    assert "1, 8, 27, 64" in root.findtext(f"{SVG}desc")
    with pytest.raises(ValueError, match="lang"):
        sums.sums_as_areas(4, lang="fr")


def test_a_stalled_sum_has_its_line():
    ax = sums.stalled_sum([1, 2, 4], {"a": [1, 2, 2], "b": [1, 2, 3]}, stall=2)
    assert len(ax.lines) == 3
    assert ax.get_legend_handles_labels()[1] == ["a", "b", "n = 2"]


def test_errors_and_bounds_share_a_colour_and_zero_is_drawn():
    errors, bounds = {"a": [0.0, 1e-7], "b": [1e-8, 1e-8]}, {"a": [1e-6, 1e-5], "b": [1e-7, 1e-7]}
    ax = sums.summation_errors([1, 10], errors, bounds)
    assert len(ax.lines) == 4
    for error, bound in zip(ax.lines[::2], ax.lines[1::2], strict=True):
        assert error.get_color() == bound.get_color()
        assert (np.asarray(error.get_ydata()) > 0).all()
    assert ax.lines[0].get_marker() != ax.lines[2].get_marker()


def test_divergences_meet_at_the_other_distribution():
    ax = sums.divergence_both_ways(information.kl_divergence, other=0.9, marked=0.5)
    there, _, back, _ = (line.get_data() for line in ax.lines)
    at = np.argmin(np.abs(np.asarray(there[0]) - 0.9))
    assert abs(there[1][at]) < 1e-5
    assert abs(back[1][at]) < 1e-5
    assert [text.get_text() for text in ax.texts] == ["0.5108", "0.3681"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_table_holds_every_row_escaped(lang):
    table = sums.symbol_table(notation.SYMBOLS, lang=lang)
    root = ElementTree.fromstring(table._repr_html_().replace("<br>", "<br/>"))
    rows = ["".join(row.itertext()) for row in root.iter("tr")]
    assert len(rows) == len(notation.SYMBOLS) + 1
    for row, text in zip(notation.SYMBOLS, rows[1:], strict=True):
        for part in (row.symbol.replace("_", ""), getattr(row, lang), row.given, row.expression):
            assert part in text
    assert repr(table) == str(table)
    assert all(re.search("color:", cell.get("style")) for cell in root.iter("td"))
