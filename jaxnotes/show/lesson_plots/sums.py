"""The pictures of lesson 11: sums proved by areas, sums that stall, their errors, symbols as code, KL, costs."""

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.notation import Symbol
from jaxnotes.show import svg
from jaxnotes.show.lesson_plots import BLACK, BLUE, LINES, SKY, canvas, legend
from jaxnotes.show.svg import FAMILY, GREY, PALE, Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def sums_as_areas(n: int, lang: str = "en") -> Drawing:
    """Two proofs without words, of the sums of the first integers and of the first cubes.

    A staircase and its copy fill n (n + 1) squares; k squares of k x k fill the k-th angle of a square of side 1 + ...
    + n.

    Args:
        n: the last integer, from 1 to 4 (more does not fit).
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> sums_as_areas(4)
    <svg: The sums of the first 4 integers and cubes, as areas>
    """
    words = svg.words(
        lang,
        en=(
            f"The sums of the first {n} integers and cubes, as areas",
            "a staircase and its copy: n (n + 1) squares",
            "angle k: k squares of k × k, that is k³",
            "a rectangle of {n} by {m}, half of it filled by columns of 1 to {n} squares",
            "a square of side {side}, cut into {n} nested angles of areas {areas}",
        ),
        zh=(
            f"前 {n} 个整数之和、立方和的面积证明",
            "阶梯与它的复制品：共 n (n + 1) 格",
            "第 k 层拐角：k 个 k × k 的方块，面积 k³",
            "{n} 行 {m} 列的矩形，一半由高 1 到 {n} 的柱子填满",
            "边长为 {side} 的正方形，分成 {n} 层拐角，面积依次为 {areas}",
        ),
    )
    side = n * (n + 1) // 2
    # The rectangle is one column wider than the staircase: column j of the copy has n - j squares on top of it.
    stairs = []
    for column in range(n + 1):
        for row in range(n):
            own = row < column
            style = _filled(SKY) if own else f'fill="white" stroke="{GREY}" stroke-dasharray="5 4"'
            stairs.append(svg.box(36 + 48 * column, 60 + 48 * (n - 1 - row), 46, 46, style))
    stairs += [
        svg.text(36 + 48 * k + 23, 60 + 48 * n + 22, str(k), anchor="middle", fill=BLUE, size=17)
        for k in range(1, n + 1)
    ]
    unit = 240 / side
    angles = [svg.box(x, y, w, h, style, 0) for x, y, w, h, style in _angles(n, 420, 60, unit)]
    at = [(420 + unit * (k * (k + 1) / 2 - k / 2), k) for k in range(1, n + 1)]
    angles += [svg.text(x, 60 + (x - 420) + 6, f"{k}³", anchor="middle", size=17) for x, k in at]
    total = f"1 + … + {n} = {n} · {n + 1} / 2 = {side}"
    cubes = f"1³ + … + {n}³ = (1 + … + {n})² = {side**2}"
    drawn = [
        *stairs,
        *angles,
        svg.text(36, 30, total, size=17),
        svg.text(420, 30, cubes, size=17),
        svg.text(36, 345, words[1], fill=GREY),
        svg.text(420, 345, words[2], fill=GREY),
    ]
    facts = [
        words[3].format(n=n, m=n + 1),
        words[4].format(side=side, n=n, areas=", ".join(str(k**3) for k in range(1, n + 1))),
    ]
    return svg.document(760, 362, drawn, words[0], "; ".join([total, facts[0], cubes, facts[1]]))


def _filled(colour: str) -> str:
    return f'fill="{colour}" stroke="{BLACK}"'


def _angles(n: int, left: float, top: float, unit: float) -> list[tuple[float, float, float, float, str]]:
    """Squares of k x k (for even k, two of them halved) that fill the angle between the squares of two triangles."""
    boxes = []
    for k in range(1, n + 1):
        inner, style = k * (k - 1) // 2, _filled((SKY, "#F6E4A8", "#BFE3D5", "#F3CDB8")[k % 4])
        arm = [k] * ((k - 1) // 2) + [k / 2] * (k % 2 == 0)  # along an arm of length `inner`, from the far end
        for start, length in zip(np.cumsum([0, *arm[:-1]]), arm, strict=False):
            boxes.append((left + unit * start, top + unit * inner, unit * length, unit * k, style))
            boxes.append((left + unit * inner, top + unit * start, unit * k, unit * length, style))
        boxes.append((left + unit * inner, top + unit * inner, unit * k, unit * k, style))
    return boxes


def stalled_sum(terms: ArrayLike, sums: dict[str, ArrayLike], *, stall: int) -> "Axes":
    """Sums against the number of terms, logarithmic, and where one of them stops growing.

    Args:
        terms: their number, (m,).
        sums: by label, (m,).
        stall: a number of terms, drawn as a vertical line.

    Returns:
        The axes.

    >>> stalled_sum([1, 2], {"a": [1.0, 1.5]}, stall=2).get_xscale()
    'log'
    """
    ax = canvas(("n", "1 + 1/2 + ... + 1/n"))
    for (label, values), style in zip(sums.items(), LINES, strict=False):
        ax.semilogx(np.asarray(terms), np.asarray(values), linewidth=2.2, label=label, **style)
    ax.axvline(stall, color=BLACK, linestyle=":", linewidth=1.4, label=f"n = {stall:,}")
    return legend(ax, ncols=3)


def summation_errors(sizes: ArrayLike, errors: dict[str, ArrayLike], bounds: dict[str, ArrayLike]) -> "Axes":
    """Relative errors of sums against the number of terms, and their bounds, thin, in the same colour.

    Args:
        sizes: numbers of terms, (m,).
        errors: by label, (m,); an error of 0 is drawn at the foot.
        bounds: by the same labels, (m,).

    Returns:
        The axes.

    >>> summation_errors([1, 10], {"a": [0.0, 1e-7]}, {"a": [1e-7, 1e-6]}).get_yscale()
    'log'
    """
    ax, foot = canvas(("n", "relative error")), 1e-9
    for (label, error), marker, style in zip(errors.items(), "os^D", LINES, strict=False):
        drawn = np.maximum(np.asarray(error), foot)
        ax.loglog(sizes, drawn, marker, color=style["color"], markersize=7, label=label)
        ax.loglog(sizes, bounds[label], linewidth=1.6, label=f"bound, {label}", **style)
    ax.set_ylim(foot / 1.6, None)
    return legend(ax, ncols=len(errors))


def divergence_both_ways(divergence: Callable[[ArrayLike, ArrayLike], Array], *, other: float, marked: float) -> "Axes":
    """A divergence of two coins and its reverse, both marked at one p.

        KL(B(p) || B(other)) and KL(B(other) || B(p)) against p

    Args:
        divergence: of two distributions, (2,) each.
        other: the probability of the other coin.
        marked: the p that is marked.

    Returns:
        The axes.

    >>> from jaxnotes.information import kl_divergence
    >>> len(divergence_both_ways(kl_divergence, other=0.9, marked=0.5).lines)
    4
    """
    ax = canvas(("p", "KL"))
    p = jnp.linspace(0.005, 0.995, 199)
    fixed = jnp.array([other, 1 - other])

    def both(p):
        own = jnp.stack([p, 1 - p])
        return divergence(own, fixed), divergence(fixed, own)

    curves, dots = jax.vmap(both)(p), both(jnp.asarray(marked))
    labels = (f"KL(B(p) || B({other:g}))", f"KL(B({other:g}) || B(p))")
    for label, curve, dot, shift, style in zip(labels, curves, dots, ((8, 10), (-52, -22)), LINES, strict=False):
        ax.plot(p, curve, linewidth=2.4, label=label, **style)
        ax.plot(marked, dot, "o", color=style["color"], markersize=9)
        at = (marked, float(dot))
        ax.annotate(f"{at[1]:.4f}", at, xytext=shift, textcoords="offset points", fontsize=12)
    ax.set_ylim(-0.05, 2.4)
    return legend(ax, ncols=2)


class SymbolTable(str):
    """Rows of the table of symbols: as text, symbols and expressions; a notebook shows the HTML."""

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return str(self)


def symbol_table(rows: Sequence[Symbol], lang: str = "en") -> SymbolTable:
    """Symbols with their meaning, an example, and the expression that computes them with what it gives there.

    Args:
        rows: of `notation.SYMBOLS`.
        lang: of the meanings, "en" (default) or "zh".

    Returns:
        A `SymbolTable`.

    >>> from jaxnotes.notation import lookup
    >>> symbol_table(lookup("KL"))
    D_KL(P‖Q)  jn.information.kl_divergence(P, Q)
    """
    head = svg.words(lang, en=("Symbol", "Meaning", "Example; code → result"), zh=("符号", "含义", "例子；代码 → 结果"))
    # Every colour and width is said in the cell: the pages that show it have styles of their own for tables.
    cell = f"text-align:left;vertical-align:top;padding:5px 12px 5px 0;border-bottom:1px solid {PALE};color:"
    code = "font-family:monospace;font-size:13px;white-space:pre-wrap"
    titles = zip(head, (16, 28, 56), strict=True)
    lines = ["".join(f'<th style="{cell}{GREY};width:{width}%">{title}</th>' for title, width in titles)]
    for row in rows:
        example = f'<span style="color:{GREY}">{escape(row.given)}</span><br>' if row.given else ""
        lines.append(
            f'<td style="{cell}{BLACK};white-space:nowrap;font-size:17px">{_lowered(row.symbol)}</td>'
            f'<td style="{cell}{BLACK}">{escape(getattr(row, lang))}</td>'
            f'<td style="{cell}{BLACK};{code}">{example}{escape(row.expression)} → {_short(row.value)}</td>'
        )
    width = max((len(row.symbol) for row in rows), default=0)
    table = SymbolTable("\n".join(f"{row.symbol:{width}}  {row.expression}" for row in rows))
    ground = f"background:white;color:{BLACK};font-family:{FAMILY};font-size:15px;max-width:760px;padding:4px 8px"
    body = "".join(f'<tr style="background:white">{line}</tr>' for line in lines)
    table.html = f'<div style="{escape(ground)}"><table style="width:100%">{body}</table></div>'
    return table


def _lowered(symbol: str) -> str:
    """HTML of a symbol, what follows an underscore as a subscript."""
    return re.sub(r"_(\w+)", r"<sub>\1</sub>", escape(symbol))


def _short(value: object) -> str:
    """A number with four digits, a tuple of them in brackets."""
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_short, value)) + ")"
    return str(value) if isinstance(value, bool) else f"{value:.4g}"
