"""What the diagrams are drawn with: pieces of SVG as strings, and the `Drawing` that a notebook shows."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from jaxnotes.show.plots import BLACK

FAMILY = "system-ui, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'DejaVu Sans', sans-serif"
SIZE = 15  # pixels, which is 11 points
GREY, PALE = "#666666", "#EAF4FB"


class Drawing(str):
    """An SVG document. It is a string; a notebook shows the picture, and `repr` gives its title."""

    title: str

    def _repr_svg_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"<svg: {self.title}>"


def words(lang: str, **table: Any) -> Any:
    """The words of one language.

    Args:
        lang: the language.
        table: the words by language.

    Returns:
        Those of `lang`.

    Raises:
        ValueError: there is no such language.
    """
    if lang not in table:
        raise ValueError(f"lang: expected one of {', '.join(sorted(table))}, got {lang!r}.")
    return table[lang]


def document(width: float, height: float, drawn: Sequence[str], title: str, description: str) -> Drawing:
    """A whole document with its title and its description for those who cannot see it.

    Args:
        width: in pixels.
        height: in pixels.
        drawn: pieces of SVG, from the back to the front.
        title: what `repr` gives.
        description: what the picture says, in words.

    Returns:
        A `Drawing`.
    """
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FAMILY}" font-size="{SIZE}"'
    style = 'style="background: white; max-width: 100%; height: auto"'
    named = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    drawing = Drawing(f'{head} {style}>{named}<rect width="100%" height="100%" fill="white"/>{"".join(drawn)}</svg>')
    drawing.title = title
    return drawing


def text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = BLACK, size: int = SIZE) -> str:
    """A text at a point.

    Args:
        x: to the right, in pixels.
        y: downwards, in pixels.
        text: what to write.
        anchor: whether it starts at (x, y), "start" (default), stands centred there, "middle", or ends there, "end".
        fill: its colour, default black.
        size: in pixels, default `SIZE`.

    Returns:
        A piece of SVG.
    """
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="{fill}">{escape(text)}</text>'


def line(x0: float, y0: float, x1: float, y1: float, style: str) -> str:
    """A line between two points.

    Args:
        x0: its start to the right, in pixels.
        y0: its start downwards, in pixels.
        x1: its end to the right, in pixels.
        y1: its end downwards, in pixels.
        style: its attributes.

    Returns:
        A piece of SVG.
    """
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" {style}/>'


def box(x: float, y: float, width: float, height: float, style: str, radius: int = 4) -> str:
    """A rectangle.

    Args:
        x: its upper left corner to the right, in pixels.
        y: its upper left corner downwards, in pixels.
        width: in pixels.
        height: in pixels.
        style: its attributes.
        radius: of its corners, in pixels, default 4.

    Returns:
        A piece of SVG.
    """
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}" {style}/>'


def head(colour: str) -> str:
    """What puts an arrow head at the end of a line; see `heads`.

    Args:
        colour: of the head.

    Returns:
        An attribute.
    """
    return f'marker-end="url(#head-{colour[1:]})"'


def heads(*colours: str) -> str:
    """Arrow heads, named by colour: a page may hold many drawings, and equal names must be equal things.

    Args:
        colours: of the heads.

    Returns:
        A piece of SVG, to stand before the lines.
    """
    shape = '<path d="M 0 0 L 10 5 L 0 10 z" fill="{}"/>'
    size = 'viewBox="0 0 10 10" refX="8" refY="5" markerWidth="5" markerHeight="5" orient="auto"'
    heads = [f'<marker id="head-{colour[1:]}" {size}>{shape.format(colour)}</marker>' for colour in colours]
    return f"<defs>{''.join(heads)}</defs>"


def width(text: str) -> float:
    """About how wide a text is: a Chinese letter is as wide as the size, a Latin one half of it.

    Args:
        text: what is measured.

    Returns:
        The width in pixels.
    """
    return sum(SIZE if ord(letter) > 0x2E80 else 0.56 * SIZE for letter in text)
