"""The pictures of lesson 06 hold what they should."""

import numpy as np
import pytest
from pictures import labels

pytest.importorskip("matplotlib.pyplot")
from jaxnotes.show.lesson_plots import maximum_likelihood


def test_the_slices_are_a_law_and_a_likelihood():
    surface, law, curve = maximum_likelihood.two_slices(10, 7, 0.5)
    assert surface.images[0].get_array().shape == (201, 11)
    assert sum(bar.get_height() for bar in law.patches) == pytest.approx(1, rel=1e-5)
    p, likelihood = curve.lines[0].get_data()
    assert np.trapezoid(likelihood, p) == pytest.approx(1 / 11, rel=1e-3)
    assert p[np.argmax(likelihood)] == pytest.approx(0.7, abs=1e-6)
    assert law.get_title() == "along k, at p = 0.5: sum 1"
    assert curve.get_title() == "along p, at k = 7: area 1/11"


def test_the_product_ends_where_it_is_zero():
    ax = maximum_likelihood.product_and_sum([0.1, 0.01, 0.0, 0.0], np.log(0.1) * np.arange(1, 5))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [-1, -2, -3, -4])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [-1, -2])
    assert [text.get_text() for text in ax.texts] == ["exactly 0 from n = 3"]


def test_a_product_that_lasts_has_no_cross():
    ax = maximum_likelihood.product_and_sum([0.1, 0.01], np.log(0.1) * np.arange(1, 3))
    assert not ax.texts
    assert len(ax.lines) == 2


def test_the_parabola_passes_through_the_ends_of_walds_interval():
    p = np.linspace(0.2, 0.8, 7)
    ax = maximum_likelihood.likelihood_interval(p, 3 - (p - 0.5) ** 2, (0.35, 0.6), (0.3, 0.7), drop=2.0)
    assert ax.lines[0].get_ydata().max() == 0
    np.testing.assert_allclose(ax.lines[1].get_ydata()[[1, 3, 5]], [-2, 0, -2], atol=1e-12)
    assert labels(ax)[0] == "likelihood ratio"
    assert [text.get_text() for text in ax.texts] == ["-2.00"]


def test_coverage_shows_what_was_promised():
    ax = maximum_likelihood.coverage([0.1, 0.5], {"a": [0.5, 0.9], "b": [0.9, 0.95]}, level=0.9)
    assert labels(ax) == ["a", "b", "promised 0.9"]
    np.testing.assert_allclose(ax.lines[2].get_ydata(), [0.9, 0.9])
