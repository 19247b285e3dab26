"""Diagrams parse, name themselves in both languages and can be read on any page; sliders are one vmap."""

import re
import xml.etree.ElementTree as ElementTree

import jax.numpy as jnp
import numpy as np
import pytest

from jaxnotes.show import diagrams, svg
from jaxnotes.show.slider import slider

SVG = "{http://www.w3.org/2000/svg}"
DRAWINGS = {
    "ladders": lambda lang: diagrams.shape_ladders(((4, 3), (3,)), ((2, 3), (2,)), ((), (5,)), lang=lang),
    "sum": lambda lang: diagrams.stretched_sum(np.arange(6).reshape(2, 3), np.arange(3), lang=lang),
    "balls": lambda lang: diagrams.unit_balls([4.0, -0.6], lang=lang),
    "network": lambda lang: diagrams.network((3, 4, 1), shapes=("W (3, 4)", "W (4, 1)"), lang=lang),
    "projection": lambda lang: diagrams.projection(lang=lang),
    "map": lambda lang: diagrams.lesson_map([("01", "a"), ("02", "b & c")], needs=[("01", "02")], lang=lang),
}


def texts(drawing) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(str(drawing)).iter(f"{SVG}text")]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_parses_names_itself_and_stands_on_white(name, lang):
    drawing = DRAWINGS[name](lang)
    root = ElementTree.fromstring(str(drawing))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text == drawing.title
    assert len(description.text) > 10
    ground = root.find(f"{SVG}rect")
    assert ground.get("fill") == "white"
    assert ground.get("width") == "100%"
    assert bool(re.search("[一-鿿]", title.text)) == (lang == "zh")
    assert drawing._repr_svg_() == str(drawing)
    assert repr(drawing) == f"<svg: {drawing.title}>"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", DRAWINGS)
def test_letters_are_at_least_11_points_and_inside_the_drawing(name, lang):
    root = ElementTree.fromstring(str(DRAWINGS[name](lang)))
    width, height = float(root.get("width")), float(root.get("height"))
    for text in root.iter(f"{SVG}text"):
        assert float(text.get("font-size")) >= 14.6  # pixels
        x, long = float(text.get("x")), svg.width(text.text)
        left = {"start": x, "middle": x - long / 2, "end": x - long}[text.get("text-anchor")]
        assert left >= 0, text.text
        assert left + long <= width + 1, text.text
        assert 0 < float(text.get("y")) < height


def test_equal_names_of_markers_mean_equal_things():
    """All drawings of a page share one space of names."""
    everything = "".join(DRAWINGS[name]("en") for name in DRAWINGS)
    for name, colour in re.findall(r'<marker id="head-(\w+)".*?fill="#(\w+)"', everything):
        assert name == colour


def test_ladders_say_what_fits_and_what_fails():
    drawing = diagrams.shape_ladders(((4, 3), (3,)), ((2, 3), (2,)))
    assert "fits" in texts(drawing)
    assert "fails at -1" in texts(drawing)
    assert texts(drawing).count("✗") == 1
    assert 'stroke-dasharray="5 4"' in drawing


def test_the_stretched_sum_adds():
    drawn = texts(diagrams.stretched_sum([[0, 0], [10, 10]], [1, 2]))
    assert drawn.count("12") == 1
    assert drawn.count("1") == 3  # twice in b, once in the sum


def test_units_and_joints_of_a_network_are_counted():
    drawing = str(diagrams.network((3, 4, 1)))
    assert drawing.count("<circle") == 8
    assert drawing.count("<line") == 3 * 4 + 4 * 1


def test_unknown_languages_are_refused():
    with pytest.raises(ValueError, match="lang: expected one of en, zh, got 'fr'"):
        diagrams.projection(lang="fr")


x = np.linspace(0, 1, 11)


def test_a_slider_holds_every_frame_and_shows_one():
    calls = []

    def fun(k):
        calls.append(k)
        return {"power": (jnp.asarray(x), jnp.asarray(x) ** k), "area": 1 / (k + 1)}

    made = slider(fun, jnp.arange(1.0, 6.0), name="k", fixed={"line": (x, x)}, start=2)
    assert len(calls) == 1  # one vmap
    np.testing.assert_allclose(made.frames["area"], 1 / np.arange(2.0, 7.0), rtol=1e-6)
    frames = re.findall(r'<g class="frame" style="display:(\w+)">', made.html)
    assert frames == ["none", "none", "inline", "none", "none"]
    assert "k = 3,  area = 0.25" in made.html
    assert "background:white" in made.html
    ElementTree.fromstring(re.search(r"<svg.*</svg>", made.html, flags=re.DOTALL)[0])


def test_a_slider_cuts_curves_where_they_are_not_finite_and_draws_dots():
    y = np.where(np.arange(11) == 5, np.nan, x)
    made = slider(lambda k: {"cut": (x, k * y), "dot": (x[:1], k * x[:1])}, jnp.ones(1))
    assert made.html.count("<polyline") == 2
    assert made.html.count("<circle") == 2  # the dot, and its place in the legend
    assert "nan" not in made.html


def test_a_slider_can_be_logarithmic_and_pointwise():
    made = slider(lambda k: {"decay": (x, jnp.exp(-20 * k * x))}, jnp.ones(2), log_y=True, points=["decay"])
    assert "1e-8" in made.html
    assert made.html.count("<circle") == 2 * 11 + 1


def test_a_slider_without_values_is_refused():
    with pytest.raises(ValueError, match=r"values: expected shape \(n,\)"):
        slider(lambda k: {"a": k}, jnp.ones(3), start=3)
