"""The pictures of lesson 02: basins, iterates for several rates, a zigzag with its angle, errors by step."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.show.lesson_plots import BLACK, BLUE, GREEN, LINES, ORANGE, SKY, VERMILLION, canvas, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = ("o", "s", "^", "D", "v", "x")


def basins(fun: Callable[[Array], Array], reach: float, labels: ArrayLike, minima: ArrayLike) -> "Axes":
    """Where descent ends, by where it starts: a colour and a letter for each minimum, over the contours of fun.

    Args:
        fun: a function of a vector (2,).
        reach: the picture goes from -reach to reach.
        labels: for each start the index of its minimum, (n, n); rows follow y.
        minima: their places, (k, 2).

    Returns:
        The axes.

    >>> basins(lambda x: x[0] ** 2 + x[1] ** 2, 1.0, np.zeros((5, 5)), [[0.0, 0.0]]).get_xlabel()
    'x'
    """
    from matplotlib.colors import ListedColormap

    ax = canvas(("x", "y"), width=6.0, height=5.4)
    colours = ListedColormap([SKY, ORANGE, GREEN, "#CC79A7"][: len(np.asarray(minima))])
    window = (-reach, reach, -reach, reach)
    ax.imshow(labels, origin="lower", extent=window, cmap=colours, interpolation="nearest", alpha=0.75)
    across = np.linspace(-reach, reach, 120)
    height = np.asarray(jax.vmap(jax.vmap(fun))(jnp.stack(jnp.meshgrid(across, across), axis=-1)))
    levels = np.quantile(height, np.linspace(0.05, 0.95, 10) ** 2)
    ax.contour(across, across, height, levels=levels, colors=BLACK, linewidths=0.6)
    for letter, (x, y) in zip("ABCD", np.asarray(minima), strict=False):
        ax.plot(x, y, "*", color="white", markersize=17, markeredgecolor=BLACK)
        ax.annotate(letter, (x, y), xytext=(9, 7), textcoords="offset points", fontsize=13, fontweight="bold")
    return ax


def iterates(paths: ArrayLike, labels: list[str]) -> "Axes":
    """x_k against k, a line for each path, linear near 0 and logarithmic far from it.

    Args:
        paths: the iterates, (m, steps + 1).
        labels: names of the m paths.

    Returns:
        The axes.

    >>> len(iterates([[4.0, 2.0, 1.0]], ["halved"]).lines)
    2
    """
    ax = canvas(("step k", r"$x_k$"))
    for path, label, style, marker in zip(np.asarray(paths), labels, LINES, MARKERS, strict=False):
        ax.plot(path, label=label, marker=marker, markersize=5, linewidth=1.8, **style)
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.set_yscale("symlog", linthresh=1.0)
    ax.set_yticks([-100, -10, -1, 0, 1, 10, 100], ["-100", "-10", "-1", "0", "1", "10", "100"])
    return legend(ax, ncols=5)


def zigzag(fun: Callable[[Array], Array], path: Any, minimum: ArrayLike) -> "Axes":
    """A path over the contours of a bowl, and at its start the downhill direction, the way home and the angle between.

    Args:
        fun: a function of a vector (2,).
        path: what `minimize_path` returned.
        minimum: where fun is least, (2,).

    Returns:
        The axes.

    >>> import jaxnotes as jn
    >>> bowl = lambda x: x[0] ** 2 + 4 * x[1] ** 2
    >>> path = jn.minimize_path(bowl, jnp.ones(2), method=jn.methods.gradient_descent(0.1), steps=9)
    >>> zigzag(bowl, path, [0.0, 0.0]).texts[-1].get_text()
    '31°'
    """
    points, home = np.asarray(path.params), np.asarray(minimum, float)
    ax = canvas(("x", "y"), height=4.6)
    low, high = np.vstack([points, home]).min(axis=0) - 1.2, np.vstack([points, home]).max(axis=0) + 1.2
    across, up = (np.linspace(*ends, 120) for ends in zip(low, high, strict=True))
    height = np.asarray(jax.vmap(jax.vmap(fun))(jnp.stack(jnp.meshgrid(across, up), axis=-1)))
    ax.contour(across, up, height, levels=14, colors="0.7", linewidths=0.9)
    ax.plot(*points.T, "o-", color=BLUE, markersize=4, linewidth=1.5, label="descent")
    start = points[0]
    downhill = -np.asarray(jax.grad(fun)(jnp.asarray(start)))
    straight = home - start
    angle = np.degrees(np.arccos(downhill @ straight / np.linalg.norm(downhill) / np.linalg.norm(straight)))
    for vector, colour, style, label in (
        (downhill, VERMILLION, "-", r"$-\nabla f$"),
        (straight, GREEN, "--", "to the minimum"),
    ):
        tip = start + 2.2 * vector / np.linalg.norm(vector)
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2.5, "linestyle": style}
        ax.annotate("", xy=tip, xytext=start, arrowprops=arrow)
        ax.plot([], [], color=colour, linestyle=style, linewidth=2.5, label=label)
    ax.plot(*home, "*", color=ORANGE, markersize=15, markeredgecolor=BLACK, label="minimum", linestyle="none")
    ax.set_aspect("equal")
    ax.annotate(f"{angle:.0f}°", start, xytext=(8, 8), textcoords="offset points", fontsize=12)
    return legend(ax, ncols=2)


def errors_by_step(errors: dict[str, ArrayLike], predicted: dict[str, ArrayLike] | None = None) -> "Axes":
    """Errors against the step on a logarithmic axis; what theory predicts as thin dashed lines.

    An error of exactly 0, which has no place on such an axis, is marked with a triangle at the bottom.

    Args:
        errors: by label, (steps + 1,).
        predicted: by some of the labels, (steps + 1,), default None.

    Returns:
        The axes.

    >>> errors_by_step({"halved": [1.0, 0.5, 0.25]}).get_yscale()
    'log'
    """
    ax = canvas(("step k", "error"))
    smallest = min(np.min(np.asarray(error)[np.asarray(error) > 0]) for error in errors.values())
    for (label, error), style in zip(errors.items(), LINES, strict=False):
        error = np.asarray(error, float)
        done = int(np.argmax(error == 0)) if (error == 0).any() else len(error)
        shown = np.append(error[:done], [smallest / 3] * (done < len(error)))
        ax.semilogy(shown, label=label, linewidth=2.2, **style)
        if done < len(error):
            ax.semilogy([done], [smallest / 3], "v", color=style["color"], markersize=10)
        if predicted and label in predicted:
            ax.semilogy(np.asarray(predicted[label]), color=BLACK, linestyle="--", linewidth=1)
    if predicted:
        ax.semilogy([], [], color=BLACK, linestyle="--", linewidth=1, label="predicted")
    return legend(ax)
