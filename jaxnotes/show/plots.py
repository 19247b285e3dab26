"""Pictures of fits. Every function draws on `ax` (on a new figure without one) and returns it; matplotlib loads then.

Colours are Okabe and Ito's, and each has a line style of its own, so a picture also reads in grey. The background is
opaque white and no letter is smaller than 11 points.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.params import LinearParams
from jaxnotes.core.values.status import Solution

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLACK, ORANGE, SKY, GREEN, BLUE, VERMILLION = "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00"
FONT = 11


def logistic_curve(
    solution: Solution,
    x: ArrayLike,
    y: ArrayLike,
    *,
    draws: LinearParams | None = None,
    mark: float | None = None,
    xlabel: str = "x",
    ylabel: str = "P(y = 1)",
    ax: "Axes | None" = None,
) -> "Axes":
    """A logistic regression on one feature: the outcomes, the curve, and how sure it is.

        P(y = 1) = sigma(coef x + intercept)

    Args:
        solution: one fit with one feature and an intercept.
        x: the feature, (n,).
        y: the outcomes, (n,), 0 or 1; equal points are stacked.
        draws: parameters of B bootstrap fits, coef (B, 1) and intercept (B,), all finite, default None; the band holds
            95 % of their curves at each x.
        mark: a value outside the data to extrapolate to, default None; the region beyond the data is hatched.
        xlabel: the name of the horizontal axis, default "x".
        ylabel: the name of the vertical axis, default "P(y = 1)".
        ax: the axes to draw on, default None: those of a new figure.

    Returns:
        The axes.

    >>> import jaxnotes as jn
    >>> data = jn.datasets.challenger()
    >>> ax = logistic_curve(jn.logistic_regression.fit(data.X, data.y), data.temperature, data.y, mark=31.0)
    >>> ax.get_ylabel()
    'P(y = 1)'
    """
    axes = styled_axes(ax, xlabel, ylabel)
    x, y = np.asarray(x), np.asarray(y)
    ends = np.append(x, [] if mark is None else mark)
    margin = 0.04 * np.ptp(ends)
    grid = np.linspace(ends.min() - margin, ends.max() + margin, 300)
    axes.set(xlim=(grid[0], grid[-1]), ylim=(-0.06, 1.06))
    if draws is not None:
        curves = _curves(draws, grid)
        low, high = np.quantile(curves, [0.025, 0.975], axis=0)
        label = f"middle 95 % of {len(curves):,} bootstrap curves"
        axes.fill_between(grid, low, high, color=SKY, alpha=0.35, linewidth=0, label=label)
    axes.plot(x, _stacked(x, y), "o", color=BLACK, markersize=6, label="data")
    seen = (x.min() <= grid) & (grid <= x.max())
    curve = _curves(solution.params, grid)[0]
    axes.plot(grid, np.where(seen, curve, np.nan), color=BLUE, linewidth=2, label="fit")
    axes.plot(grid, np.where(seen, np.nan, curve), "--", color=BLUE, linewidth=2, label="extrapolation")
    if mark is not None:
        p = _curves(solution.params, np.array([mark])).item()
        axes.plot([mark], [p], "D", color=VERMILLION, markersize=8, label=f"at {mark:g}: {p:.4f}")
        beyond = (grid[0], x.min()) if mark < x.min() else (x.max(), grid[-1])
        axes.axvspan(*beyond, facecolor="none", edgecolor="0.85", hatch="//", linewidth=0, zorder=0, label="no data")
    return legend(axes, ncols=2)


def descent_path(
    fun: Callable[[Array], Array],
    path: Any,
    *,
    minimum: ArrayLike | None = None,
    xlabel: str = "parameter 1",
    ylabel: str = "parameter 2",
    ax: "Axes | None" = None,
) -> "Axes":
    """The way of a method over the contours of a function of two parameters.

    Args:
        fun: a function of params (2,) that returns a number.
        path: what `minimize_path` returned, with params (steps + 1, 2).
        minimum: where the function is least, (2,), default None: not known.
        xlabel: the name of the horizontal axis, default "parameter 1".
        ylabel: the name of the vertical axis, default "parameter 2".
        ax: the axes to draw on, default None: those of a new figure.

    Returns:
        The axes.

    Raises:
        ValueError: the path is not one of two parameters.

    >>> import jax.numpy as jnp, jaxnotes as jn
    >>> bowl = lambda x: x[0] ** 2 + 4 * x[1] ** 2
    >>> path = jn.minimize_path(bowl, jnp.array([2.0, 1.0]), method=jn.methods.gradient_descent(0.1), steps=20)
    >>> ax = descent_path(bowl, path, minimum=[0.0, 0.0])
    """
    points = np.asarray(path.params)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"path.params: expected shape (steps + 1, 2), got {points.shape}.")
    axes = styled_axes(ax, xlabel, ylabel)
    seen = points if minimum is None else np.vstack([points, np.asarray(minimum)])
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = 0.25 * np.maximum(high - low, 1e-3 * (1 + np.abs(high)))
    across, up = (np.linspace(*ends, 120) for ends in zip(low - margin, high + margin, strict=True))
    grid = jnp.stack(jnp.meshgrid(jnp.asarray(across), jnp.asarray(up)), axis=-1)
    surface = np.asarray(jax.jit(jax.vmap(jax.vmap(fun)))(grid))
    levels = np.quantile(surface, np.linspace(0.1, 0.99, 13) ** 1.5)
    axes.contour(across, up, surface, levels=np.unique(levels), colors="0.6", linewidths=1)
    axes.plot(*points.T, "o-", color=BLUE, markersize=4, linewidth=1.5, label=f"{len(points) - 1} steps")
    axes.plot(*points[0], "s", color=ORANGE, markersize=9, markeredgecolor=BLACK, label="start")
    if minimum is not None:
        axes.plot(*np.asarray(minimum), "*", color=VERMILLION, markersize=15, markeredgecolor=BLACK, label="minimum")
    return legend(axes, ncols=3)


def styled_axes(ax: "Axes | None", xlabel: str, ylabel: str) -> "Axes":
    """Axes in the house style: labelled, with a white background.

    Args:
        ax: the axes to style, or None: those of a new figure.
        xlabel: the name of the horizontal axis.
        ylabel: the name of the vertical axis.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is missing.

    >>> styled_axes(None, "x", "y").get_xlabel()
    'x'
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "jaxnotes[plots]"') from error
    axes = pyplot.subplots(figsize=(7.2, 4.5), layout="constrained")[1] if ax is None else ax
    axes.figure.set_facecolor("white")
    axes.set_facecolor("white")
    axes.set_xlabel(xlabel, fontsize=FONT)
    axes.set_ylabel(ylabel, fontsize=FONT)
    axes.tick_params(labelsize=FONT)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def legend(axes: "Axes", ncols: int = 4) -> "Axes":
    """The legend above the axes, where it covers nothing.

    Args:
        axes: those whose labelled curves it names.
        ncols: how many names stand side by side, default 4.

    Returns:
        The axes.

    >>> axes = styled_axes(None, "x", "y")
    >>> line = axes.plot([0, 1], [0, 1], label="identity")
    >>> [text.get_text() for text in legend(axes).get_legend().get_texts()]
    ['identity']
    """
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=ncols, fontsize=FONT, frameon=False)
    return axes


def _curves(params: LinearParams, grid: np.ndarray) -> np.ndarray:
    """The probabilities at the grid of one fit or of B, shape (B, len(grid)). tanh cannot overflow."""
    coef, intercept = np.asarray(params.coef).reshape(-1, 1), np.asarray(params.intercept).reshape(-1, 1)
    return 0.5 * (1 + np.tanh(0.5 * (coef * grid + intercept)))


def _stacked(x: np.ndarray, y: np.ndarray, step: float = 0.035) -> np.ndarray:
    """Heights of the points: 0 or 1, moved inwards by one step for each equal point before."""
    earlier = np.tril((x[:, None] == x) & (y[:, None] == y), -1).sum(axis=1)
    return y + np.where(y > 0.5, -step, step) * earlier
