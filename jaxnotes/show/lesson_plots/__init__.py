"""The pictures of the lessons, a module for each, named after its chapter, in the style of `jaxnotes.show.plots`.

Every function takes what it draws and returns matplotlib axes; labels are mathematics and short English, as Colab has
no Chinese font. `canvas` gives axes in the house style for a picture that only one cell needs.
"""

from typing import TYPE_CHECKING, Any

from jaxnotes.core.values.arrays import ArrayLike
from jaxnotes.show.plots import BLACK, BLUE, FONT, GREEN, ORANGE, SKY, VERMILLION, legend, styled_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BLACK", "BLUE", "GREEN", "LINES", "ORANGE", "SKY", "VERMILLION", "canvas", "growth", "legend", "surface_canvas",
]  # fmt: skip

# Colours with a line style each, for curves that must be told apart in grey too.
LINES = (
    {"color": BLUE, "linestyle": "-"},
    {"color": VERMILLION, "linestyle": "--"},
    {"color": GREEN, "linestyle": "-."},
    {"color": ORANGE, "linestyle": ":"},
    {"color": BLACK, "linestyle": (0, (5, 1))},
    {"color": SKY, "linestyle": (0, (3, 1, 1, 1))},
)


def canvas(*labels: tuple[str, str], width: float = 7.2, height: float = 4.2) -> Any:
    """Axes in the house style on a new figure, one beside the other.

    Args:
        labels: a pair (xlabel, ylabel) for each of the axes.
        width: of the figure, in inches, default 7.2.
        height: of the figure, in inches, default 4.2.

    Returns:
        The axes where there is one pair, a list of axes otherwise.

    >>> left, right = canvas(("x", "f(x)"), ("x", "f'(x)"))
    >>> right.get_ylabel()
    "f'(x)"
    """
    from matplotlib import pyplot

    _, axes = pyplot.subplots(1, len(labels), figsize=(width, height), layout="constrained", squeeze=False)
    styled = [styled_axes(ax, *names) for ax, names in zip(axes[0], labels, strict=True)]
    return styled[0] if len(styled) == 1 else styled


def growth(sizes: dict[str, ArrayLike], costs: dict[str, ArrayLike], exponents: dict[str, float], cost: str) -> "Axes":
    """Costs against the size on logarithmic axes, each labelled with its measured exponent.

    Args:
        sizes: of the problems, by label, (m,).
        costs: of each of them, by the same labels, (m,).
        exponents: what was measured, by the same labels.
        cost: what is counted, the name of the axis.

    Returns:
        The axes.

    >>> growth({"a": [1, 10]}, {"a": [1, 100]}, {"a": 2.0}, "seconds").get_legend_handles_labels()[1]
    ['a: $n^{2.00}$']
    """
    ax = canvas(("n", cost))
    for (label, size), style in zip(sizes.items(), LINES, strict=False):
        name = f"{label}: $n^{{{exponents[label]:.2f}}}$"
        ax.loglog(size, costs[label], marker="o", markersize=6, linewidth=2, label=name, **style)
    return legend(ax)


def surface_canvas(xlabel: str, ylabel: str, zlabel: str, *, width: float = 7.2, height: float = 5.4) -> Any:
    """One three-dimensional axes on a new figure.

    Args:
        xlabel: the name of the first axis.
        ylabel: the name of the second axis.
        zlabel: the name of the vertical axis.
        width: of the figure, in inches, default 7.2.
        height: of the figure, in inches, default 5.4.

    Returns:
        The axes.

    >>> surface_canvas("x", "y", "z").get_zlabel()
    'z'
    """
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(width, height), facecolor="white")
    ax = figure.add_subplot(projection="3d", computed_zorder=False)
    ax.set_xlabel(xlabel, fontsize=FONT)
    ax.set_ylabel(ylabel, fontsize=FONT)
    ax.set_zlabel(zlabel, fontsize=FONT)  # pyright: ignore[reportAttributeAccessIssue]
    ax.tick_params(labelsize=FONT)
    return ax
