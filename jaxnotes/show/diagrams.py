"""Diagrams as SVG: functions from data to a `Drawing`, a string that a notebook shows as a picture.

No font is needed beyond those of the reader, so Chinese stands in them as well as English (lang="zh" or "en"). Every
drawing has a title and a description for those who cannot see it, an opaque white ground for dark pages, colours of
Okabe and Ito, and a second sign (a dash, a cross, a word) wherever a colour says something.
"""

import itertools
import math
import re
from collections.abc import Sequence

import numpy as np

from jaxnotes.core.values.arrays import ArrayLike
from jaxnotes.show import svg
from jaxnotes.show.plots import BLACK, BLUE, GREEN, ORANGE, SKY, VERMILLION
from jaxnotes.show.svg import GREY, PALE, Drawing

__all__ = ["Drawing", "arranged", "lesson_map", "network", "projection", "shape_ladders", "stretched_sum", "unit_balls"]


def shape_ladders(*pairs: tuple[Sequence[int], Sequence[int]], lang: str = "en") -> Drawing:
    """How pairs of shapes are aligned from the right: equal lengths, stretched ones (dashed), and failures (crossed).

    Args:
        pairs: of shapes, each a ladder of its own, from left to right.
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> shape_ladders(((4, 3), (3,)), ((2, 3), (2,)))
    <svg: Shapes aligned from the right: (4, 3) with (3,); (2, 3) with (2,)>
    """
    words = svg.words(
        lang,
        en=("Shapes aligned from the right", "{a} with {b}", "result", "fits", "fails at {k}", "axis"),
        zh=("形状右对齐", "{a} 与 {b}", "结果", "可以广播", "轴 {k} 不相容", "轴"),
    )
    drawn, left, descriptions = [], 20.0, []
    for a, b in pairs:
        rank, cell = max(len(a), len(b), 1), 46
        names = [words[1].format(a=_tuple(a), b=_tuple(b))]
        lengths, failed = [], []
        for k in range(-rank, 0):
            present = [shape[k] for shape in (a, b) if -k <= len(shape)]
            longer = sorted({n for n in present if n != 1})
            failed += [k] if len(longer) > 1 else []
            lengths.append("✗" if len(longer) > 1 else str(longer[0] if longer else 1))
        verdict = words[4].format(k=", ".join(map(str, failed))) if failed else words[3]
        colour = VERMILLION if failed else BLUE
        start = left + 52
        width = 52 + rank * cell + 16
        for k in range(-rank, 0):
            x = start + (k + rank) * cell
            drawn.append(svg.text(x + cell / 2, 44, f"{k}", fill=GREY, anchor="middle"))
            for row, shape in enumerate((a, b)):
                y = 54 + row * 44
                here = -k <= len(shape)
                stretched = (not here or shape[k] == 1) and lengths[k + rank] not in ("1", "✗")
                own = str(shape[k]) if here else "·"
                style = f'fill="white" stroke="{BLUE}" stroke-dasharray="5 4"' if stretched or not here else ""
                drawn.append(svg.box(x + 2, y, cell - 4, 36, style or f'fill="{PALE}" stroke="{BLACK}"'))
                drawn.append(svg.text(x + cell / 2, y + 24, own, anchor="middle"))
            y, bad = 54 + 2 * 44 + 8, lengths[k + rank] == "✗"
            style = f'fill="white" stroke="{VERMILLION}" stroke-width="2"' if bad else f'fill="{SKY}" stroke="{BLACK}"'
            drawn.append(svg.box(x + 2, y, cell - 4, 36, style))
            text = lengths[k + rank]
            drawn.append(svg.text(x + cell / 2, y + 24, text, anchor="middle", fill=VERMILLION if bad else BLACK))
        drawn += [svg.text(left, 44, words[5], fill=GREY), svg.text(left, 78, "a"), svg.text(left, 122, "b")]
        drawn += [svg.text(left, 174, words[2]), svg.line(left, 146, left + width - 16, 146, f'stroke="{GREY}"')]
        drawn.append(svg.text(left, 216, verdict, fill=colour))
        width = max(width, svg.width(verdict) + 20)
        descriptions.append(f"{names[0]}: ({', '.join(lengths)}), {verdict}")
        left += width + 14
    title = f"{words[0]}: " + "; ".join(words[1].format(a=_tuple(a), b=_tuple(b)) for a, b in pairs)
    return svg.document(left, 232, drawn, title, ". ".join(descriptions))


def stretched_sum(a: ArrayLike, b: ArrayLike, *, note: bool = True, lang: str = "en") -> Drawing:
    """The sum of a matrix and a vector, entry by entry, the rows of the vector that are only imagined drawn dashed.

    Args:
        a: the matrix, (n, m).
        b: what is added, any shape that stretches to that of a.
        note: whether to write below what the dashed entries are, default True.
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> stretched_sum([[0, 0], [10, 10]], [1, 2])
    <svg: (2, 2) + (2,): b is stretched, not copied>
    """
    a, b = np.asarray(a), np.asarray(b)
    words = svg.words(
        lang,
        en=("{a} + {b}: b is stretched, not copied", "The dashed entries of b are used, but never stored"),
        zh=("{a} + {b}：b 被拉伸，但没有被复制", "虚线中的元素参与运算，但并不占内存"),
    )
    cell, total = 44, a + b
    grids = [(a, np.ones(a.shape, bool)), (np.broadcast_to(b, a.shape), _first_of(b, a.shape)), (total, total == total)]
    drawn, left = [], 20.0
    for k, (numbers, real) in enumerate(grids):
        for (i, j), number in np.ndenumerate(numbers):
            x, y = left + j * cell, 20 + i * cell
            solid = f'fill="{(PALE, "#FFF3D6", "#D7EFE6")[k]}" stroke="{BLACK}"'
            style = solid if real[i, j] else f'fill="white" stroke="{GREY}" stroke-dasharray="4 4"'
            drawn.append(svg.box(x, y, cell - 4, cell - 4, style))
            drawn.append(
                svg.text(x + cell / 2 - 2, y + 26, f"{number:g}", anchor="middle", fill=BLACK if real[i, j] else GREY)
            )
        left += a.shape[1] * cell + 12
        if k < 2:
            drawn.append(svg.text(left, 20 + a.shape[0] * cell / 2 + 4, "+="[k], anchor="middle", size=22))
            left += 20
    bottom = 20 + a.shape[0] * cell + 18 * note
    drawn += [svg.text(20, bottom, words[1], fill=GREY)] * note
    title = words[0].format(a=_tuple(a.shape), b=_tuple(b.shape))
    return svg.document(
        max(left, 40 + svg.width(words[1])),
        bottom + 16,
        drawn,
        title,
        f"{words[1]}. a = {a.tolist()}, b = {b.tolist()}",
    )


def arranged(*drawings: Drawing, width: float = 760) -> Drawing:
    """Several drawings as one, from left to right in rows of at most this width.

    Args:
        drawings: any number of them.
        width: in pixels, default 760.

    Returns:
        A `Drawing`.

    >>> arranged(projection(), unit_balls([1.0, 2.0]))
    <svg: Least squares projects y on the plane of the columns of X; The steepest step of length 1 in three norms>
    """
    x = y = row = widest = 0.0
    placed = []
    for drawing in drawings:
        wide, high = (float(n) for n in re.findall(r' (?:width|height)="([\d.]+)"', drawing)[:2])
        if x and x + wide > width:
            x, y, row = 0.0, y + row, 0.0
        placed.append(str(drawing).replace("<svg ", f'<svg x="{x:g}" y="{y:g}" ', 1))
        x, row = x + wide, max(row, high)
        widest = max(widest, x)
    title = "; ".join(drawing.title for drawing in drawings)
    return svg.document(widest, y + row, placed, title, title)


def unit_balls(gradient: ArrayLike, lang: str = "en") -> Drawing:
    """The unit balls of the l1, l2 and l-infinity norms, and on each the point where a linear function is largest.

        u maximizes g . u:    the steepest direction of that norm

    Args:
        gradient: g, (2,), not 0.
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> unit_balls([4.0, 0.6])
    <svg: The steepest step of length 1 in three norms>
    """
    g = np.asarray(gradient, float)
    words = svg.words(
        lang,
        en=("The steepest step of length 1 in three norms", "gradient g", "steepest step", "rate {rate:.3f}"),
        zh=("三种范数下，长度为 1 的最陡一步", "梯度 g 的方向", "最陡的一步", "变化率 {rate:.3f}"),
    )
    corner = int(np.argmax(np.abs(g)))
    best = [np.where(np.arange(2) == corner, np.sign(g), 0), g / np.linalg.norm(g), np.sign(g)]
    steepest = f'stroke="{VERMILLION}" stroke-width="3.5" {svg.head(VERMILLION)}'
    along_g = f'stroke="{GREY}" stroke-width="2" stroke-dasharray="2 3" {svg.head(GREY)}'
    touching = f'stroke="{GREEN}" stroke-width="2" stroke-dasharray="6 4"'
    r, y, drawn, facts = 84.0, 150.0, [svg.heads(VERMILLION, GREY)], []
    toward, across = g / np.linalg.norm(g), np.array([-g[1], g[0]]) / np.linalg.norm(g)
    for k, (name, u) in enumerate(zip(("ℓ₁", "ℓ₂", "ℓ∞"), best, strict=True)):
        x = 130.0 + 250 * k
        ball = f'fill="{PALE}" stroke="{BLUE}"'
        balls = (
            f'<polygon points="{x},{y - r} {x + r},{y} {x},{y + r} {x - r},{y}" {ball}/>',
            f'<circle cx="{x}" cy="{y}" r="{r}" {ball}/>',
            svg.box(x - r, y - r, 2 * r, 2 * r, ball, 0),
        )
        axes = [
            svg.line(x - 108, y, x + 108, y, f'stroke="{GREY}"'),
            svg.line(x, y - 108, x, y + 108, f'stroke="{GREY}"'),
        ]
        arrows = [(np.zeros(2), 106 * toward, along_g), (np.zeros(2), r * u, steepest)]
        lines = [*arrows, (r * u - 58 * across, r * u + 58 * across, touching)]
        drawn += [balls[k], *axes, *(svg.line(x + p[0], y - p[1], x + q[0], y - q[1], style) for p, q, style in lines)]
        rate = words[3].format(rate=float(g @ u))
        drawn += [svg.text(x, 28, name, anchor="middle", size=18), svg.text(x, 286, rate, anchor="middle")]
        facts.append(f"{name}: ({u[0]:.3f}, {u[1]:.3f}), {rate}")
    for x, style, text in ((40, steepest, words[2]), (280, along_g, words[1]), (530, touching, "g · u = max")):
        drawn += [svg.line(x, 314, x + 40, 314, style), svg.text(x + 52, 319, text)]
    return svg.document(760, 338, drawn, words[0], "; ".join(facts))


def network(
    sizes: Sequence[int], *, shapes: Sequence[str] = (), names: Sequence[str] = (), lang: str = "en"
) -> Drawing:
    """A fully connected network: a column of units for each layer, every unit joined to all of the next layer.

    Args:
        sizes: of the layers, input first.
        shapes: what to write on the arrows between them, such as "W (3, 4)", default ().
        names: to write below the layers, default (): input, hidden layer, output.
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> network((3, 4, 1))
    <svg: A network of layers with 3, 4, 1 units>
    """
    words = svg.words(
        lang,
        en=("A network of layers with {sizes} units", ("input", "hidden layer", "output")),
        zh=("各层单元数为 {sizes} 的网络", ("输入层", "隐藏层", "输出层")),
    )
    gap, top = 190, 34
    tall = max(sizes) * 56
    middle = top + tall / 2
    at = [[(90 + gap * k, middle + 56 * (i - (n - 1) / 2)) for i in range(n)] for k, n in enumerate(sizes)]
    drawn = [
        svg.line(*one, *other, f'stroke="{SKY}" stroke-width="1.5"')
        for here, there in itertools.pairwise(at)
        for one in here
        for other in there
    ]
    for k, layer in enumerate(at):
        fill = ORANGE if k == 0 else GREEN if k == len(at) - 1 else BLUE
        drawn += [f'<circle cx="{x}" cy="{y}" r="17" fill="white" stroke="{fill}" stroke-width="3"/>' for x, y in layer]
        role = words[1][0] if k == 0 else words[1][2] if k == len(at) - 1 else words[1][1]
        label = names[k] if k < len(names) else role
        drawn.append(svg.text(layer[0][0], top + tall + 30, label, anchor="middle"))
    drawn += [svg.text(90 + gap * (k + 0.5), 22, shape, anchor="middle", fill=BLUE) for k, shape in enumerate(shapes)]
    title = words[0].format(sizes=", ".join(map(str, sizes)))
    return svg.document(180 + gap * (len(sizes) - 1), top + tall + 48, drawn, title, "; ".join([title, *shapes]))


def projection(lang: str = "en") -> Drawing:
    """Least squares as geometry: y, its projection on the plane of X's columns, and the residual at a right angle.

    Args:
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> projection()
    <svg: Least squares projects y on the plane of the columns of X>
    """
    words = svg.words(
        lang,
        en=("Least squares projects y on the plane of the columns of X", "all vectors Xw", "residual y − ŷ", "ŷ = Xw"),
        zh=("最小二乘把 y 投影到 X 的列张成的平面上", "一切 Xw", "残差 y − ŷ", "ŷ = Xw"),
    )
    o, foot, tip = (110, 250), (400, 220), (400, 60)
    residual = f'stroke="{VERMILLION}" stroke-width="3" stroke-dasharray="7 4" {svg.head(VERMILLION)}'
    drawn = [svg.heads(BLUE, GREEN, VERMILLION)]
    drawn.append(f'<polygon points="40,300 230,150 640,150 450,300" fill="{PALE}" stroke="{BLUE}"/>')
    drawn.append(svg.line(*o, *tip, f'stroke="{BLUE}" stroke-width="3" {svg.head(BLUE)}'))
    drawn.append(svg.line(*o, *foot, f'stroke="{GREEN}" stroke-width="3" {svg.head(GREEN)}'))
    drawn.append(svg.line(*foot, *tip, residual))
    drawn.append(f'<path d="M 380 222 V 202 L 400 200" fill="none" stroke="{BLACK}" stroke-width="1.5"/>')
    drawn += [svg.text(250, 140, "y", fill=BLUE, size=18), svg.text(300, 258, words[3], fill=GREEN)]
    drawn += [svg.text(412, 130, words[2], fill=VERMILLION), svg.text(150, 290, words[1])]
    return svg.document(680, 320, drawn, words[0], f"{words[0]}: Xᵀ(y − Xw) = 0")


def lesson_map(
    lessons: Sequence[tuple[str, str]], *, needs: Sequence[tuple[str, str]] = (), columns: int = 4, lang: str = "en"
) -> Drawing:
    """The lessons as boxes in rows, with an arrow from a lesson to each that builds on it.

    Args:
        lessons: pairs (number, name).
        needs: pairs (earlier number, later number), default ().
        columns: how many boxes stand side by side, default 4.
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> lesson_map([("01", "gradient"), ("02", "descent")], needs=[("01", "02")])
    <svg: Map of the lessons>
    """
    words = svg.words(lang, en=("Map of the lessons", "{a} before {b}"), zh=("课程地图", "先学 {a}，再学 {b}"))
    wide, high, box = 196, 92, 168
    at = {number: (16 + wide * (k % columns), 16 + high * (k // columns)) for k, (number, _) in enumerate(lessons)}
    drawn = [svg.heads(GREY)]
    for earlier, later in needs:
        (x0, y0), (x1, y1) = at[earlier], at[later]
        beside = y0 == y1
        ends = (x0 + box, y0 + 28, x1 - 3, y1 + 28) if beside else (x0 + box / 2, y0 + 56, x1 + box / 2, y1 - 3)
        drawn.append(svg.line(*ends, f'stroke="{GREY}" stroke-width="1.6" {svg.head(GREY)}'))
    for number, name in lessons:
        x, y = at[number]
        drawn += [
            svg.box(x, y, box, 56, f'fill="{PALE}" stroke="{BLUE}"', 8),
            svg.text(x + 10, y + 22, number, fill=BLUE),
        ]
        drawn.append(svg.text(x + 10, y + 44, name))
    rows = math.ceil(len(lessons) / columns)
    described = "; ".join(
        [f"{number} {name}" for number, name in lessons] + [words[1].format(a=a, b=b) for a, b in needs]
    )
    return svg.document(wide * columns, high * rows - 6, drawn, words[0], described)


def _first_of(b: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which entries of the stretched b are its own: the first along every stretched axis."""
    own = np.ones(shape, bool)
    padded = (1,) * (len(shape) - b.ndim) + b.shape
    for axis, length in enumerate(padded):
        if length == 1 and shape[axis] != 1:
            own &= np.arange(shape[axis]).reshape([-1 if k == axis else 1 for k in range(len(shape))]) == 0
    return own


def _tuple(shape: Sequence[int]) -> str:
    return str(tuple(int(n) for n in shape))
