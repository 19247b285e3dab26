"""The pictures of lesson 13 hold what they should."""

import numpy as np
import pytest

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import benchmarks


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.0, "2 s"),
        (1.0, "1 s"),
        (0.25, "250 ms"),
        (0.0012345, "1.23 ms"),
        (3e-6, "3 µs"),
        (5e-8, "50 ns"),
        (0, "0 ns"),
    ],
)
def test_durations(seconds, text):
    assert benchmarks.duration(seconds) == text


def test_calls_are_counted_from_one():
    ax = benchmarks.calls([1.0, 1e-5, 1e-5], [1.1, 1e-2, 1e-2])
    waited, returned = ax.lines
    np.testing.assert_array_equal(waited.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(returned.get_ydata(), [1.0, 1e-5, 1e-5])
    assert ax.get_legend_handles_labels()[1] == ["result there", "call returned"]


def test_rounds_show_every_round_and_the_median():
    ax = benchmarks.rounds({"a": [1e-3, 2e-3, 9e-3], "b": [1e-2, 1e-2, 2e-2]})
    assert [text.get_text() for text in ax.texts] == ["2 ms", "10 ms"]
    dots, stroke = ax.lines[:2]
    assert len(dots.get_xdata()) == 3
    np.testing.assert_allclose(stroke.get_xdata(), 2e-3)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    low, high = ax.get_xlim()
    assert low < 1e-3
    assert high > 2e-2


def test_the_roof_is_the_lower_of_traffic_and_arithmetic():
    ax = benchmarks.roofline([0.25, 32.0], [1e9, 5e10], bandwidth=1e10, rate=1e11)
    at, height = ax.lines[0].get_data()
    np.testing.assert_allclose(height, np.minimum(1e11, 1e10 * np.asarray(at)))
    np.testing.assert_allclose(ax.lines[2].get_xdata(), 10)


def test_every_way_has_a_mark_of_its_own_and_no_error_is_drawn():
    ax = benchmarks.cost_and_error({"b": (2e-3, 1e-7), "a": (1e-3, 0.0), "c": (3e-3, 1e-5)})
    assert ax.get_legend_handles_labels()[1] == ["b", "a", "c"]
    assert len({line.get_marker() for line in ax.lines}) == len({line.get_color() for line in ax.lines}) == 3
    low, high = ax.get_ylim()
    assert all(low < line.get_ydata()[0] < high for line in ax.lines)


def test_the_table_has_a_bar_for_each_row_and_a_floor_for_each_workload():
    rows = [
        benchmarks.Row("fits", "ours", 1e-2, 1e-3),
        benchmarks.Row("fits", "loop", 1.5, 1e-3),
        benchmarks.Row("sum", "ours", 1e-3, 5e-4),
    ]
    ax = benchmarks.table(rows)
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    np.testing.assert_allclose(ends, [row.seconds for row in rows])
    np.testing.assert_allclose([line.get_xdata()[0] for line in ax.lines], [1e-3, 5e-4])
    words = [text.get_text() for text in ax.texts]
    assert words == ["10 ms  (1.0x)", "1.5 s  (150x)", "fits", "1 ms  (1.0x)", "sum"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ours", "loop", "ours"]
    assert ax.get_xlim()[0] < 5e-4
