"""The pictures of lesson 04: points and residuals, squares on them, three distances, the bowl, a quartet."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.show import svg
from jaxnotes.show.lesson_plots import BLACK, BLUE, GREEN, LINES, ORANGE, VERMILLION, canvas, legend
from jaxnotes.show.plots import styled_axes
from jaxnotes.show.svg import GREY, PALE, Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Line = tuple[float, float]  # slope, intercept


def points_and_residuals(x: ArrayLike, y: ArrayLike, line: Line) -> list["Axes"]:
    """Two pictures side by side: the points alone, and with a line and the residuals, which are vertical.

    Args:
        x: to the right, (n,).
        y: upwards, (n,).
        line: (slope, intercept).

    Returns:
        A list of two axes.

    >>> len(points_and_residuals([0.0, 1.0], [0.0, 2.0], (1.0, 0.5)))
    2
    """
    x, y = np.asarray(x), np.asarray(y)
    left, right = canvas(("x", "y"), ("x", "y"), width=9.6, height=4.0)
    fitted = line[0] * x + line[1]
    ends = np.array([x.min(), x.max()])
    right.vlines(x, fitted, y, color=VERMILLION, linewidth=2.4, label=r"residual $y-\hat{y}$")
    right.plot(ends, line[0] * ends + line[1], color=BLUE, linewidth=2.4, label=r"$\hat{y}=wx+b$")
    for ax in (left, right):
        ax.plot(x, y, "o", color=BLACK, markersize=7, label="data")
    right.set_ylim(left.get_ylim())
    return [legend(left), legend(right)]


def square_outlines(x: Array, y: Array, fitted: Array) -> tuple[Array, Array]:
    """The squares on the residuals as one broken line, on axes of equal scale.

    Each square stands to the left of its residual where that is positive, to the right where it is negative.

    Args:
        x: of the points, (n,).
        y: of the points, (n,).
        fitted: the heights of the line at x, (n,).

    Returns:
        (across, up), (6 n,) each; NaN lifts the pen.

    >>> across, up = square_outlines(jnp.array([1.0]), jnp.array([3.0]), jnp.array([2.0]))
    >>> print(across, up)
    [ 1.  1.  0.  0.  1. nan] [ 2.  3.  3.  2.  2. nan]
    """
    aside, gap = x - (y - fitted), jnp.full_like(x, jnp.nan)
    across = jnp.stack([x, x, aside, aside, x, gap], axis=1)
    up = jnp.stack([fitted, y, y, fitted, fitted, gap], axis=1)
    return across.ravel(), up.ravel()


def three_distances(x: ArrayLike, y: ArrayLike, lines: Sequence[Line], lang: str = "en") -> Drawing:
    """Three lines through the same points, each with the distances that it makes smallest.

    Args:
        x: to the right, (n,).
        y: upwards, (n,), on the same scale.
        lines: the three (slope, intercept) with the least vertical, perpendicular and horizontal distances.
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> three_distances([0.0, 1.0], [0.0, 2.0], [(1.0, 0.5), (2.0, 0.0), (3.0, 0.0)])
    <svg: Three distances from a point to a line, three lines>
    """
    words = svg.words(
        lang,
        en=(
            "Three distances from a point to a line, three lines",
            ("vertical: y on x", "perpendicular", "horizontal: x on y"),
            "slope",
        ),
        zh=("点到直线的三种距离，三条直线", ("竖直：y 对 x 回归", "垂直于直线", "水平：x 对 y 回归"), "斜率"),
    )
    x, y = np.asarray(x, float), np.asarray(y, float)
    colours = (VERMILLION, GREEN, ORANGE)
    unit = 204 / max(np.ptp(x), np.ptp(y))
    middle = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    drawn, facts = [], []
    for k, (slope, intercept) in enumerate(lines):
        left = 14 + 248 * k

        def at(a: Any, b: Any, left: float = left) -> tuple[float, float]:
            return left + 118 + unit * float(a - middle[0]), 164 - unit * float(b - middle[1])

        root = 1 + slope**2
        near = (x + slope * (y - intercept)) / root
        feet = (
            (x, slope * x + intercept),
            (near, slope * near + intercept),
            ((y - intercept) / slope, y),
        )[k]
        ends = np.array([x.min() - 10 / unit, x.max() + 10 / unit])
        drawn.append(svg.box(left, 44, 236, 240, f'fill="{PALE}" stroke="{GREY}"'))
        drawn += [
            svg.line(*at(a, b), *at(c, d), f'stroke="{colours[k]}" stroke-width="3"')
            for a, b, c, d in zip(x, y, *feet, strict=True)
        ]
        drawn.append(
            svg.line(
                *at(ends[0], slope * ends[0] + intercept),
                *at(ends[1], slope * ends[1] + intercept),
                f'stroke="{BLUE}" stroke-width="2.5"',
            )
        )
        for a, b in zip(x, y, strict=True):
            across, up = at(a, b)
            drawn.append(f'<circle cx="{across:.1f}" cy="{up:.1f}" r="4.5" fill="{BLACK}"/>')
        drawn.append(svg.text(left + 118, 30, words[1][k], anchor="middle", fill=BLACK, size=16))
        drawn.append(svg.text(left + 118, 308, f"{words[2]} {slope:.4f}", anchor="middle", fill=BLUE))
        facts.append(f"{words[1][k]}: {words[2]} {slope:.4f}")
    return svg.document(760, 322, drawn, words[0], "; ".join(facts))


def bowl(
    ax: "Axes",
    loss: Callable[[Array], Array],
    tracks: Mapping[str, ArrayLike],
    minimum: ArrayLike,
    half_widths: tuple[float, float],
) -> "Axes":
    """Level curves of a loss of two parameters about its minimum, and walks over them, each with its start marked.

    Args:
        ax: the axes to draw on.
        loss: a function of a vector (2,).
        tracks: by label, (k, 2).
        minimum: where the loss is least, (2,), the centre of the picture.
        half_widths: how far the picture goes to each side, and up and down.

    Returns:
        The axes.

    >>> ax = canvas(("w", "b"))
    >>> len(bowl(ax, lambda p: jnp.sum(p**2), {"walk": [[1.0, 1.0], [0.5, 0.5]]}, [0.0, 0.0], (2.0, 2.0)).lines)
    3
    """
    centre, reach = np.asarray(minimum, float), np.asarray(half_widths)
    across, up = (np.linspace(c - h, c + h, 121) for c, h in zip(centre, reach, strict=True))
    grid = jnp.stack(jnp.meshgrid(jnp.asarray(across), jnp.asarray(up)), axis=-1)
    height = np.asarray(jax.vmap(jax.vmap(loss))(grid))
    least = float(loss(jnp.asarray(centre, grid.dtype)))
    levels = least + (height.max() - least) * np.geomspace(1e-3, 0.8, 11)
    ax.contour(across, up, height, levels=levels, colors="0.65", linewidths=1)
    for (label, track), style in zip(tracks.items(), LINES, strict=False):
        walk = np.asarray(track)
        colour, dash = style["color"], style["linestyle"]
        ax.plot(*walk.T, marker="o", markersize=4, linewidth=1.6, label=label, color=colour, linestyle=dash)
        ax.plot(*walk[0], "s", color=colour, markersize=9, markeredgecolor=BLACK)
    ax.plot(*centre, "*", color=ORANGE, markersize=17, markeredgecolor=BLACK, label="minimum", zorder=5)
    ax.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    return legend(ax, ncols=3)


def quartet(sets: Sequence[Any], lines: Sequence[Line]) -> list["Axes"]:
    """Four sets of points on equal axes, each with its own line.

    Args:
        sets: four records with x and y.
        lines: their (slope, intercept).

    Returns:
        A list of four axes.

    >>> import jaxnotes as jn
    >>> len(quartet(jn.datasets.anscombe(), [(0.5, 3.0)] * 4))
    4
    """
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(2, 2, figsize=(7.6, 5.6), sharex=True, sharey=True, layout="constrained")
    panels = [styled_axes(ax, "x" if k > 1 else "", "y" if k % 2 == 0 else "") for k, ax in enumerate(grid.ravel())]
    ends = np.array([3.0, 20.0])
    for ax, points, (slope, intercept), name in zip(panels, sets, lines, ("I", "II", "III", "IV"), strict=True):
        ax.plot(ends, slope * ends + intercept, color=BLUE, linewidth=2.2)
        ax.plot(points.x, points.y, "o", color=VERMILLION, markeredgecolor=BLACK, markersize=7)
        ax.text(0.05, 0.88, name, transform=ax.transAxes, fontsize=14, color=BLACK)
    figure.set_facecolor("white")
    return panels
