"""The pictures of lesson 03: what the silent bug computes, the line it learns, and the bytes that stretching costs."""

from typing import TYPE_CHECKING

import numpy as np

from jaxnotes.core.values.arrays import ArrayLike
from jaxnotes.show.lesson_plots import BLACK, BLUE, LINES, VERMILLION, canvas, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def residual_table(residuals: ArrayLike) -> "Axes":
    """The table of all differences as a heat map with its numbers; the n that were meant are framed.

    Args:
        residuals: every prediction minus every y, (n, n).

    Returns:
        The axes.

    >>> len(residual_table([[0.0, 1.0], [-1.0, 0.0]]).patches)
    2
    """
    from matplotlib.patches import Rectangle

    table = np.asarray(residuals)
    ax = canvas(("j: label", "i: prediction"), width=5.2, height=4.6)
    size = np.abs(table).max() or 1.0
    drawn = ax.imshow(table, cmap="PuOr", vmin=-size, vmax=size)
    for (i, j), value in np.ndenumerate(table):
        ink = "white" if abs(value) > 0.55 * size else BLACK
        ax.text(j, i, f"{value:g}", ha="center", va="center", fontsize=12, color=ink)
    for i in range(len(table)):
        ax.add_patch(Rectangle((i - 0.48, i - 0.48), 0.96, 0.96, fill=False, edgecolor=VERMILLION, linewidth=3))
    labels = [str(i) for i in range(len(table))]
    ax.set_xticks(range(len(table)), labels)
    ax.set_yticks(range(len(table)), labels)
    ax.figure.colorbar(drawn, ax=ax, label="prediction - y")
    return ax


def fitted_lines(x: ArrayLike, y: ArrayLike, lines: dict[str, tuple[float, float]]) -> "Axes":
    """Points and straight lines over them.

    Args:
        x: to the right, (n,).
        y: upwards, (n,).
        lines: by label, (slope, intercept).

    Returns:
        The axes.

    >>> len(fitted_lines([0.0, 1.0], [0.0, 1.0], {"fit": (1.0, 0.0)}).lines)
    2
    """
    ax = canvas(("x", "y"))
    x = np.asarray(x)
    ax.plot(x, np.asarray(y), "o", color=BLACK, markersize=7, label="data")
    ends = np.array([x.min(), x.max()])
    for (label, (slope, intercept)), style in zip(lines.items(), LINES, strict=False):
        ax.plot(ends, slope * ends + intercept, linewidth=2.4, label=label, **style)
    return legend(ax)


def bytes_by_size(sizes: ArrayLike, needed: dict[str, ArrayLike], *, limit: float, limit_label: str) -> "Axes":
    """Bytes against the size of the problem on logarithmic axes, and a limit.

    Args:
        sizes: of the problems, (n,).
        needed: bytes by label, (n,).
        limit: bytes, drawn as a horizontal line.
        limit_label: the name of that line.

    Returns:
        The axes.

    >>> bytes_by_size([1, 10], {"all": [4, 400]}, limit=100, limit_label="memory").get_ylabel()
    'bytes'
    """
    ax = canvas(("number of points n", "bytes"))
    for (label, size), style in zip(needed.items(), LINES, strict=False):
        ax.loglog(np.asarray(sizes), np.asarray(size), linewidth=2.4, label=label, **style)
    ax.axhline(limit, color=BLUE, linewidth=1, linestyle=":")
    ax.text(np.asarray(sizes)[0], 1.25 * limit, limit_label, fontsize=11, color=BLUE)
    return legend(ax, ncols=2)
