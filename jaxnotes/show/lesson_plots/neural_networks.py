"""The pictures of lesson 09: what a network decides on the plane, how often training succeeds, what a loop costs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.show.lesson_plots import BLACK, BLUE, GREEN, ORANGE, VERMILLION, canvas, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HATCHES = ("", "//", "..", "xx")


def decision_maps(
    logits: dict[str, Callable[[Array], Array]], X: ArrayLike, y: ArrayLike, *, reach: float = 0.5
) -> Any:
    """The probability that each function gives on the plane, with the points of both classes, side by side.

    Where the probability passes through 1/2 a black line is drawn.

    Args:
        logits: by title, a function from a point (2,) to a logit, shape ().
        X: the points, (n, 2).
        y: their classes, (n,), 0 or 1.
        reach: how far the picture goes beyond the points, default 0.5.

    Returns:
        The axes of one function, a list of axes otherwise.

    >>> left, right = decision_maps({"x": lambda x: x[0], "y": lambda x: x[1]}, [[0.0, 0], [1, 1]], [0, 1])
    >>> right.get_title()
    'y'
    """
    X, y = np.asarray(X, np.float32), np.asarray(y)
    ends = [(X[:, k].min() - reach, X[:, k].max() + reach) for k in (0, 1)]
    across, up = np.meshgrid(*(np.linspace(*end, 81, dtype=np.float32) for end in ends))
    points = jnp.stack([across, up], axis=-1)
    axes = canvas(*[(r"$x_1$", r"$x_2$")] * len(logits), width=3.8 * len(logits), height=3.9)
    axes = axes if isinstance(axes, list) else [axes]
    for ax, (title, fun) in zip(axes, logits.items(), strict=True):
        z = np.asarray(jax.vmap(jax.vmap(fun))(points))
        probability = np.exp(-np.logaddexp(0, -z))
        ax.contourf(across, up, probability, levels=np.linspace(0, 1, 11), cmap="cividis", alpha=0.85)
        if z.min() < 0 < z.max():
            ax.contour(across, up, z, levels=[0.0], colors=BLACK, linewidths=2)
        for label, marker, colour in ((0, "s", "white"), (1, "o", ORANGE)):
            ax.plot(*X[y == label].T, marker, color=colour, markeredgecolor=BLACK, markersize=12, linestyle="none")
        ax.set_title(title, fontsize=12)
        ax.set_aspect("equal")
        ax.grid(visible=False)
    return axes if len(axes) > 1 else axes[0]


def success_bars(counts: dict[str, Sequence[int]], names: Sequence[str], total: int) -> "Axes":
    """How many of so many trainings succeeded: a group of bars for each name, a bar of it for each setting.

    Args:
        counts: by the label of a setting, one count for each name.
        names: of the groups.
        total: the number of trainings of each.

    Returns:
        The axes.

    >>> len(success_bars({"2 units": [3, 1]}, ["tanh", "relu"], 4).patches)
    2
    """
    ax = canvas(("", f"solved, of {total}"))
    width = 0.8 / len(counts)
    for k, (label, count) in enumerate(counts.items()):
        at = np.arange(len(names)) + (k - (len(counts) - 1) / 2) * width
        colour, hatch = (BLUE, ORANGE, GREEN, VERMILLION)[k % 4], HATCHES[k % 4]
        bars = ax.bar(at, count, 0.92 * width, color=colour, hatch=hatch, edgecolor="white", label=label)
        ax.bar_label(bars, fontsize=11, padding=2)
    ax.set_xticks(range(len(names)), names)
    ax.set_ylim(0, 1.12 * total)
    return legend(ax)


def timings(seconds: dict[str, float]) -> "Axes":
    """Times in microseconds as dots on a logarithmic axis, where bars would have no foot, with the number beside each.

    Args:
        seconds: by label.

    Returns:
        The axes.

    >>> timings({"loop": 1e-2, "product": 1e-5}).get_xscale()
    'log'
    """
    ax = canvas(("microseconds", ""), height=2.6)
    times = [1e6 * time for time in seconds.values()]
    ax.semilogx(times, list(seconds), "o", color=BLUE, markersize=10)
    for row, time in enumerate(times):
        ax.annotate(f"{time:,.0f}", (time, row), xytext=(12, -4), textcoords="offset points", fontsize=12)
    ax.set_xlim(min(times) / 2, 5 * max(times))
    ax.set_ylim(-0.6, len(times) - 0.4)
    ax.invert_yaxis()
    return ax
