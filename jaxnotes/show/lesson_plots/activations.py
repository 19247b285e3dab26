"""The pictures of lesson 10: activations and their slopes, an identity, kinks, rounding, deep stacks, variance maps."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes import activations
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.show import svg
from jaxnotes.show.lesson_plots import BLACK, BLUE, GREEN, LINES, SKY, VERMILLION, canvas, legend
from jaxnotes.show.svg import GREY, Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Fun = Callable[[Array], Array]


def with_slopes(functions: dict[str, Fun], *, reach: float = 4.0) -> Any:
    """A panel for each function: the function, and dashed its derivative.

    Args:
        functions: of a number, by title.
        reach: the picture goes from -reach to reach, default 4.

    Returns:
        A list of axes.

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


def stretched_sigmoid(*, reach: float = 4.0) -> "Axes":
    """A sigmoid on its way to tanh: squeezed, then stretched and shifted, with dots of tanh on top.

        tanh(z) = 2 sigma(2 z) - 1

    Args:
        reach: the picture goes from -reach to reach, default 4.

    Returns:
        The axes.

    >>> stretched_sigmoid().get_legend_handles_labels()[1][-1]
    'tanh(z)'
    """
    ax = canvas(("z", ""), height=3.8)
    z = jnp.linspace(-reach, reach, 201)
    squeezed = activations.sigmoid(2 * z)
    ax.axhline(0, color=BLACK, linewidth=0.8)
    ax.plot(z, activations.sigmoid(z), color=BLUE, linestyle=":", linewidth=2, label=r"$\sigma(z)$")
    ax.plot(z, squeezed, color=GREEN, linestyle="-.", linewidth=2, label=r"$\sigma(2z)$")
    ax.plot(z, 2 * squeezed - 1, color=SKY, linewidth=6, label=r"$2\sigma(2z)-1$")
    ax.plot(z[::10], activations.tanh(z[::10]), "o", color=BLACK, markersize=5, label="tanh(z)")
    return legend(ax)


def kinks(functions: dict[str, Fun], lang: str = "en") -> Drawing:
    """A table of functions with a kink at 0: a sketch, the slopes on either side, and what jax.grad returns at 0.

    Args:
        functions: by their code, of a number, linear on either side of 0 with slopes from -1 to 1.
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> kinks({"jnp.abs(x)": jnp.abs}, lang="zh")
    <svg: 0 处的导数是约定>
    """
    words = svg.words(
        lang,
        en=("The derivative at 0 is a convention", "code", "left", "jax.grad at 0", "right"),
        zh=("0 处的导数是约定", "写法", "左导数", "0 处 jax.grad", "右导数"),
    )
    columns, high = (150, 420, 540, 670), 62
    drawn = [
        svg.text(at, 24, word, anchor="start" if at == 150 else "middle", fill=colour)
        for at, word, colour in zip(columns, words[1:], (BLACK, BLUE, VERMILLION, BLUE), strict=True)
    ]
    rows = []
    for k, (code, fun) in enumerate(functions.items()):
        left, at, right = (float(jax.grad(fun)(x)) for x in (-1.0, 0.0, 1.0))
        x, y = 76, 36 + high * k + 38
        drawn.append(svg.line(16, y - 38, 744, y - 38, f'stroke="{GREY}" stroke-width="0.8"'))
        drawn.append(svg.line(x - 52, y, x + 52, y, f'stroke="{GREY}" stroke-width="0.8"'))
        for side, slope in ((-1, left), (1, right)):
            drawn.append(svg.line(x, y, x + 28 * side, y - 28 * side * slope, f'stroke="{BLUE}" stroke-width="3"'))
        dashed = f'stroke="{VERMILLION}" stroke-width="2" stroke-dasharray="5 3"'
        drawn.append(svg.line(x - 22, y + 22 * at, x + 22, y - 22 * at, dashed))
        drawn.append(svg.text(columns[0], y - 2, code))
        for place, slope, colour in zip(columns[1:], (left, at, right), (BLUE, VERMILLION, BLUE), strict=True):
            drawn.append(svg.text(place, y - 2, f"{slope:.3g}", anchor="middle", fill=colour))
        rows.append(f"{code}: {left:.3g}, {at:.3g}, {right:.3g}")
    return svg.document(
        760, 36 + high * len(functions) + 4, drawn, words[0], f"{', '.join(words[1:])}. {'; '.join(rows)}"
    )


def saturation(functions: dict[str, Fun], ends: dict[str, float]) -> Any:
    """1 - f(z) and f'(z) on a logarithmic axis, side by side; a dot on the axis where f rounds to 1 in float32.

    Args:
        functions: by label, of a number, that rise to 1.
        ends: by label, the first z where f(z) == 1.

    Returns:
        A list of two axes.

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

    Args:
        sizes: by label, (layers,) or (repeats, layers), which are drawn thin, one line for each.

    Returns:
        The axes.

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

    Args:
        functions: activations by name, of a number.
        start: the variance at which the path begins, default 2.
        steps: layers on the path, default 12.
        reach: the largest variance drawn, default 4.

    Returns:
        A list of axes.

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
