"""The pictures of lessons 01 to 03 hold what they should, on white, with letters of 11 points or more."""

import jax.numpy as jnp
import numpy as np
import pytest
from pictures import assert_readable, labels

import jaxnotes as jn

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show import lesson_plots as lp
from jaxnotes.show.lesson_plots import broadcasting, gradient_descent, gradients


def bowl(x):
    return x[0] ** 2 + 4 * x[1] ** 2


@pytest.fixture
def path():
    return jn.minimize_path(bowl, jnp.ones(2), method=jn.methods.gradient_descent(0.1), steps=9)


def test_canvases_are_styled():
    left, right = lp.canvas(("a", "b"), ("c", "d"))
    assert left.figure is right.figure
    assert len({str(line["linestyle"]) for line in lp.LINES}) == len({line["color"] for line in lp.LINES}) == 6


def test_growth_names_exponents():
    ax = lp.growth({"a": [1, 10], "b": [2, 20]}, {"a": [1, 100], "b": [1, 10]}, {"a": 2.0, "b": 1.0}, "seconds")
    assert labels(ax) == ["a: $n^{2.00}$", "b: $n^{1.00}$"]
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_ylabel()) == ("log", "log", "seconds")
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), [2, 20])


def test_the_tangent_plane_stands_over_a_floor_with_an_arrow():
    ax = gradients.tangent_plane(bowl, [1.0, 0.5])
    kinds = [type(artist).__name__ for artist in ax.collections]
    assert kinds.count("Poly3DCollection") == 3  # the surface, the plane and the head of the arrow
    assert "Line3DCollection" in kinds
    assert [text.get_text() for text in ax.texts] == [r"$\nabla f$"]


def test_difference_errors_leaves_zeros_out():
    ax = gradients.difference_errors([0.1, 0.01], {"a": [0.0, 1e-3], "b": [1.0, 1.0]})
    assert labels(ax) == ["a", "b"]
    assert np.isnan(ax.lines[0].get_ydata()[0])
    assert_readable(ax)


def test_rates_are_largest_along_the_gradient():
    ax = gradients.rates_by_direction([3.0, 4.0])
    angle, rate = ax.lines[0].get_data()
    best = np.nanargmax(rate)
    np.testing.assert_allclose([angle[best], rate[best]], [np.arctan2(4, 3), 5], rtol=1e-2)
    assert labels(ax) == ["rises", "falls"]


def test_profiles_follow_the_function():
    ax = gradients.profiles(bowl, {"along y": [0.0, 1.0]})
    np.testing.assert_allclose(ax.lines[0].get_ydata()[[0, 100, 200]], [4, 0, 4], atol=1e-5)
    assert_readable(ax)


def test_basins_have_a_star_for_each_minimum():
    ax = gradient_descent.basins(bowl, 2.0, np.zeros((4, 4)), [[0.0, 0.0], [1.0, 1.0]])
    assert [text.get_text() for text in ax.texts] == ["A", "B"]
    assert len(ax.images) == 1
    assert_readable(ax)


def test_iterates_are_drawn_one_line_a_path():
    ax = gradient_descent.iterates([[10.0, -5.0], [1.0, 0.5]], ["a", "b"])
    assert labels(ax) == ["a", "b"]
    assert ax.get_yscale() == "symlog"
    assert_readable(ax)


def test_the_zigzag_names_its_angle(path):
    ax = gradient_descent.zigzag(bowl, path, [0.0, 0.0])
    assert ax.texts[-1].get_text() == "31°"
    assert labels(ax) == ["descent", r"$-\nabla f$", "to the minimum", "minimum"]
    assert_readable(ax)


def test_an_error_of_zero_is_marked():
    ax = gradient_descent.errors_by_step(
        {"slow": [1.0, 0.5, 0.25], "Newton": [1.0, 0.0, 0.0]}, {"slow": [1, 0.5, 0.25]}
    )
    assert [line.get_marker() for line in ax.lines].count("v") == 1
    assert labels(ax) == ["slow", "Newton", "predicted"]
    assert_readable(ax)


def test_the_table_of_residuals_frames_the_diagonal():
    ax = broadcasting.residual_table([[0.0, 1.0], [-1.0, 0.0]])
    assert [text.get_text() for text in ax.texts] == ["0", "1", "-1", "0"]
    assert [patch.get_xy() for patch in ax.patches] == [(-0.48, -0.48), (0.52, 0.52)]
    assert_readable(ax)


def test_lines_and_bytes_are_drawn():
    ax = broadcasting.fitted_lines([0.0, 1.0], [0.0, 1.0], {"fit": (2.0, 1.0)})
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [1, 3])
    assert_readable(ax)
    ax = broadcasting.bytes_by_size([1, 10], {"all": [4, 400]}, limit=100, limit_label="memory")
    assert [text.get_text() for text in ax.texts] == ["memory"]
    assert_readable(ax)
