"""The pictures of lesson 10: activations with their slopes, where they round, signals in deep stacks, variance maps."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxnotes import activations
from jaxnotes.show.lesson_plots import BLACK, BLUE, LINES, VERMILLION, canvas, legend

Fun = Callable[[jax.Array], jax.Array]


def with_slopes(functions: dict[str, Fun], *, reach: float = 4.0) -> Any:
    """A panel for each function: the function, and dashed its derivative. Returns the list of axes.

    >>> [ax.get_title() for ax in with_slopes({"tanh": jnp.tanh, "sin": jnp.sin})]
    ['tanh', 'sin']
    """
    axes = canvas(*[("z", "")] * len(functions), width=2.9 * len(functions), height=3.4)
    z = jnp.linspace(-reach, reach, 401)
    for ax, (title, fun) in zip(axes, functions.items(), strict=True):
        ax.axhline(0, color=BLACK, linewidth=0.8)
        ax.axvline(0, color=BLACK, linewidth=0.8)
        ax.plot(z, jax.vmap(fun)(z), color=BLUE, linewidth=2.4, label="f")
        ax.plot(z, jax.vmap(jax.grad(fun))(z), color=VERMILLION, linestyle="--", linewidth=2, label="f'")
        ax.set_title(title, fontsize=12)
    axes[0].legend(fontsize=11, frameon=False, loc="upper left")
    return axes


def saturation(functions: dict[str, Fun], ends: dict[str, float]) -> Any:
    """1 - f(z) and f'(z) on a logarithmic axis, side by side; a dot on the axis where f rounds to 1 in float32.

    Arguments: functions, of a number, that rise to 1. ends: by label, the first z where f(z) == 1.

    >>> left, right = saturation({"tanh": activations.tanh}, {"tanh": 7.999})
    >>> left.get_ylabel()
    '1 - f(z)'
    """
    left, right = canvas(("z", "1 - f(z)"), ("z", "f'(z)"), width=8.4, height=3.9)
    z = jnp.linspace(0.0, 20.0, 401)
    for (label, fun), style in zip(functions.items(), LINES, strict=False):
        gap, slope = (np.asarray(jax.vmap(g)(z)) for g in (lambda z, f=fun: 1 - f(z), jax.grad(fun)))
        left.semilogy(z, np.where(gap > 0, gap, np.nan), linewidth=2, label=label, **style)
        left.plot(ends[label], 2e-8, "o", color=style["color"], markersize=9)
        right.semilogy(z, slope, linewidth=2, label=label, **style)
    left.set_ylim(1e-8, 2)
    right.set_ylim(1e-18, 2)
    legend(left)
    legend(right)
    return [left, right]


def through_layers(sizes: dict[str, ArrayLike]) -> Any:
    """The root mean square of a signal against the layer, on a logarithmic axis; a line for each label.

    Arguments: sizes: by label, (layers,) or (repeats, layers), which are drawn thin, one line for each.

    >>> through_layers({"a": [1.0, 1.0], "b": [1.0, 0.5]}).get_yscale()
    'log'
    """
    ax = canvas(("layer", "RMS"))
    for (label, size), style in zip(sizes.items(), LINES, strict=False):
        rows = np.atleast_2d(np.asarray(size, float))
        for k, row in enumerate(rows):
            layer = np.arange(1, len(row) + 1)
            ax.semilogy(layer, row, linewidth=2 if len(rows) == 1 else 1, label=label if k == 0 else None, **style)
    return legend(ax, ncols=5)


def variance_cobweb(functions: dict[str, Fun], *, start: float = 2.0, steps: int = 12, reach: float = 4.0) -> Any:
    """A panel for each activation: its variance map with the exact gain, the diagonal, and the path from a start.

    >>> axes = variance_cobweb({"tanh": activations.tanh, "relu": activations.relu}, steps=2)
    >>> axes[1].get_title()
    "relu: V'(1) = 1.000"
    """
    axes = canvas(*[("q", "V(q)")] * len(functions), width=2.9 * len(functions), height=3.5)
    q = jnp.linspace(0.0, reach, 61)
    for ax, (name, fun) in zip(axes, functions.items(), strict=True):
        ax.plot(q, jax.vmap(lambda q, f=fun: activations.variance_map(f, q))(q), color=BLUE, linewidth=2.4)
        ax.plot([0, reach], [0, reach], color=BLACK, linestyle=":", linewidth=1.4)
        path, at = [(start, 0.0)], start
        for _ in range(steps):
            following = float(activations.variance_map(fun, at))
            path += [(at, following), (following, following)]
            at = following
        ax.plot(*np.array(path).T, color=VERMILLION, linewidth=1.4)
        ax.plot(1, 1, "o", color=BLACK, markersize=7)
        ax.set_xlim(0, reach)
        ax.set_ylim(0, reach)
        ax.set_title(f"{name}: V'(1) = {float(activations.variance_map_slope(fun)):.3f}", fontsize=12)
    return axes
