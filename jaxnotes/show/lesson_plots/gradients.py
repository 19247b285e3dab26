"""The pictures of lesson 01: a surface with its tangent plane, errors of differences, rates all around, a kink."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes import gradients
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.show.lesson_plots import (
    BLACK,
    BLUE,
    GREEN,
    LINES,
    ORANGE,
    SKY,
    VERMILLION,
    canvas,
    legend,
    surface_canvas,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Fun = Callable[[Array], Array]


def tangent_plane(fun: Fun, a: ArrayLike, *, reach: float = 1.0, floor: float | None = None) -> Any:
    """A surface z = f(x, y), its tangent plane at a, and on the floor the level curves with the gradient as an arrow.

    Args:
        fun: f, a function of a vector (2,).
        a: the point of tangency, (2,).
        reach: how far the picture goes from a, default 1.
        floor: the z of the floor, default None: below the surface.

    Returns:
        The axes.

    >>> tangent_plane(lambda x: x[0] ** 2 + x[1] ** 2, [1.0, 0.5]).get_zlabel()
    'z'
    """
    from matplotlib.ticker import MaxNLocator
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    a = np.asarray(a, np.float32)
    across, up, z = _heights(fun, a, reach)
    near_x, near_y, plane = _heights(gradients.tangent(fun, a), a, 0.62 * reach)
    gradient = np.asarray(jax.grad(fun)(a))
    low = float(z.min() - 0.55 * np.ptp(z)) if floor is None else floor
    ax = surface_canvas("x", "y", "z")
    ax.contour(across, up, z, levels=12, zdir="z", offset=low, cmap="cividis", linewidths=1.3)
    ax.plot_surface(across, up, z, color=SKY, alpha=0.75, linewidth=0, rcount=30, ccount=30)
    ax.plot_surface(near_x, near_y, plane, color=ORANGE, alpha=0.65, linewidth=0)
    height = float(fun(jnp.asarray(a)))
    ax.plot([a[0], a[0]], [a[1], a[1]], [low, height], color=BLACK, linestyle=":", linewidth=1.2)
    ax.plot(*a[:, None], [height], "o", color=BLACK, markersize=6)
    arrow = 0.8 * reach * gradient / np.linalg.norm(gradient)
    ax.quiver(*a, low, *arrow, 0, color=VERMILLION, linewidth=3, arrow_length_ratio=0)
    side, tip = 0.12 * np.array([-arrow[1], arrow[0]]), a + arrow
    head = [[*corner, low] for corner in (tip, tip - 0.3 * arrow + side, tip - 0.3 * arrow - side)]
    ax.add_collection3d(Poly3DCollection([head], color=VERMILLION))  # quiver's own stands upright and is not seen
    ax.text(*(a + 1.12 * arrow), low, r"$\nabla f$", color=VERMILLION, fontsize=14)
    ax.set_zlim(low, float(z.max()))
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.labelpad = 8
    ax.view_init(elev=22, azim=-128)
    return ax


def difference_errors(steps: ArrayLike, errors: dict[str, ArrayLike]) -> "Axes":
    """How far difference quotients are off, against their step, on logarithmic axes.

    Args:
        steps: of the quotients, (n,).
        errors: by label, (n,); zeros are left out.

    Returns:
        The axes.

    >>> difference_errors([0.1, 0.01], {"forward": [0.04, 0.004]}).get_xscale()
    'log'
    """
    ax = canvas(("step h", "absolute error"))
    for (label, error), style in zip(errors.items(), LINES, strict=False):
        size = np.asarray(error, float)
        ax.loglog(np.asarray(steps), np.where(size > 0, size, np.nan), label=label, linewidth=2, **style)
    return legend(ax, ncols=2)


def rates_by_direction(gradient: ArrayLike) -> "Axes":
    """The rate g . u for every unit vector u, as a curve around the compass, with the gradient as an arrow.

    Where the rate is negative its size is drawn dashed, in the same direction.

    Args:
        gradient: g, (2,).

    Returns:
        The axes.

    >>> rates_by_direction([4.0, 0.6]).name
    'polar'
    """
    from matplotlib import pyplot

    g = np.asarray(gradient, float)
    angle = np.linspace(0, 2 * np.pi, 721)
    rate = g[0] * np.cos(angle) + g[1] * np.sin(angle)
    figure, ax = pyplot.subplots(figsize=(5.2, 5.2), subplot_kw={"projection": "polar"}, layout="constrained")
    figure.set_facecolor("white")
    ax.plot(angle, np.where(rate >= 0, rate, np.nan), color=BLUE, linewidth=2.2, label="rises")
    ax.plot(angle, np.where(rate <= 0, -rate, np.nan), color=GREEN, linestyle="--", linewidth=2.2, label="falls")
    size, heading = float(np.linalg.norm(g)), float(np.arctan2(g[1], g[0]))
    arrow = {"arrowstyle": "-|>", "color": VERMILLION, "linewidth": 3}
    ax.annotate("", xy=(heading, size), xytext=(heading, 0), arrowprops=arrow)
    ax.text(heading + 0.16, 0.72 * size, r"$\nabla f$", color=VERMILLION, fontsize=15, ha="center")
    ax.tick_params(labelsize=11)
    ax.set_rlabel_position(112)  # pyright: ignore[reportAttributeAccessIssue]
    ax.legend(loc="lower left", bbox_to_anchor=(-0.12, -0.08), fontsize=11, frameon=False)
    return ax


def profiles(fun: Fun, directions: dict[str, ArrayLike], *, reach: float = 1.0) -> "Axes":
    """f along straight lines through 0: t -> f(t u), one curve for each u.

    Args:
        fun: f, a function of a vector (2,).
        directions: by label, u, (2,).
        reach: t goes from -reach to reach, default 1.

    Returns:
        The axes.

    >>> len(profiles(lambda x: x[0] * x[1], {"axis": [1.0, 0.0], "diagonal": [1.0, 1.0]}).lines)
    2
    """
    ax = canvas(("t", "g(t u)"))
    t = jnp.linspace(-reach, reach, 201)
    for (label, u), style in zip(directions.items(), LINES, strict=False):
        u = jnp.asarray(u)
        ax.plot(t, jax.vmap(lambda t, u=u: fun(t * u))(t), label=label, linewidth=2.2, **style)
    return legend(ax)


def _heights(fun: Fun, a: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grid of points around a and the values there."""
    across, up = np.meshgrid(*(np.linspace(c - reach, c + reach, 61, dtype=np.float32) for c in a))
    return across, up, np.asarray(jax.vmap(jax.vmap(fun))(jnp.stack([across, up], axis=-1)))
