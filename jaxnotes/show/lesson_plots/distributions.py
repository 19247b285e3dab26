"""The pictures of lesson 07: paths of one outcome, counts and their law, likelihoods of two numbers and of one."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.show import svg
from jaxnotes.show.lesson_plots import BLACK, BLUE, GREEN, LINES, ORANGE, VERMILLION, canvas, legend
from jaxnotes.show.svg import GREY, PALE, Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def paths(heads: int, tails: int, lang: str = "en") -> Drawing:
    """The lattice of sequences: a head goes right, a tail up; each corner says how many paths lead there.

    Two of the paths to the last corner are drawn, all heads first and all tails first.

    Args:
        heads: how many.
        tails: how many.
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> paths(3, 2)
    <svg: 10 sequences of 3 heads and 2 tails>
    """
    n, total = heads + tails, math.comb(heads + tails, heads)
    words = svg.words(
        lang,
        en=(
            "{total} sequences of {k} heads and {m} tails",
            "heads",
            "tails",
            ("One path: {k} heads, {m} tails", "Its probability: p{a}(1 − p){b}", "Paths to the corner: {total}"),
        ),
        zh=(
            "{k} 次正面、{m} 次反面共有 {total} 种次序",
            "正面",
            "反面",
            ("一条路径：{k} 次正面，{m} 次反面", "它的概率：p{a}(1 − p){b}", "到达终点的路径：{total} 条"),
        ),
    )
    facts = {"k": heads, "m": tails, "total": total, "a": _superscript(heads), "b": _superscript(tails)}
    step, left, bottom = 84, 70, 50 + 84 * tails

    def at(i: int, j: int) -> tuple[float, float]:
        return left + step * i, bottom - step * j

    drawn = []
    for i in range(heads + 1):
        drawn.append(svg.line(*at(i, 0), *at(i, tails), f'stroke="{GREY}"'))
    for j in range(tails + 1):
        drawn.append(svg.line(*at(0, j), *at(heads, j), f'stroke="{GREY}"'))
    for middle, style in (
        ((heads, 0), f'stroke="{BLUE}" stroke-width="5"'),
        ((0, tails), f'stroke="{VERMILLION}" stroke-width="5" stroke-dasharray="10 6"'),
    ):
        drawn.append(svg.line(*at(0, 0), *at(*middle), style))
        drawn.append(svg.line(*at(*middle), *at(heads, tails), style))
    for i in range(heads + 1):
        for j in range(tails + 1):
            (x, y), last = at(i, j), i == heads and j == tails
            drawn.append(f'<circle cx="{x}" cy="{y}" r="18" fill="{ORANGE if last else PALE}" stroke="{BLACK}"/>')
            drawn.append(svg.text(x, y + 5, str(math.comb(i + j, i)), anchor="middle"))
    drawn.append(svg.text(left + step * heads / 2, bottom + 46, f"{words[1]} →", anchor="middle", fill=GREY))
    drawn.append(svg.text(12, 24, f"{words[2]} ↑", fill=GREY))
    lines = [line.format(**facts) for line in words[3]]
    beside = left + step * heads + 44
    drawn += [svg.text(beside, 60 + 34 * k, line) for k, line in enumerate(lines)]
    title = words[0].format(**facts)
    width = beside + max(map(svg.width, lines)) + 10
    return svg.document(width, bottom + 62, drawn, title, f"{title}, n = {n}. " + ". ".join(lines))


def observed_and_expected(values: ArrayLike, observed: ArrayLike, expected: ArrayLike, *, xlabel: str) -> "Axes":
    """Bars of how often each value was seen, with what a law expects beside them.

    Args:
        values: that were seen, (m,).
        observed: how often, (m,).
        expected: how often by the law, (m,).
        xlabel: what the values are, the name of the axis.

    Returns:
        The axes.

    >>> len(observed_and_expected([0, 1], [3, 1], [2.8, 1.2], xlabel="k").patches)
    4
    """
    ax = canvas((xlabel, "how often"))
    values = np.asarray(values)
    groups = (("observed", observed, -0.2, BLUE, ""), ("expected", expected, 0.2, ORANGE, "//"))
    for label, heights, shift, colour, hatch in groups:
        height = np.asarray(heights, float)
        bars = ax.bar(values + shift, height, 0.38, label=label, color=colour, hatch=hatch, edgecolor="white")
        digits = 0 if np.all(height == np.round(height)) else 2
        ax.bar_label(bars, [f"{h:.{digits}f}" for h in height], fontsize=11, padding=2)
    ax.set_xticks(values)
    ax.set_ylim(0, 1.1 * float(np.max(np.asarray(observed))))
    return legend(ax)


def likelihood_contours(
    log_likelihood: Callable[[Array], Array],
    routes: dict[str, ArrayLike],
    peak: ArrayLike,
    *,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
) -> "Axes":
    """The log-likelihood of (mu, log sigma) as contours of its fall below the peak, and routes to it.

    Args:
        log_likelihood: a function of a vector (2,).
        routes: by label, (steps, 2).
        peak: where the log-likelihood is largest, (2,).
        xlim: the window from left to right.
        ylim: the window from bottom to top.

    Returns:
        The axes.

    >>> bowl = lambda theta: -jnp.sum(theta**2)
    >>> ax = likelihood_contours(bowl, {"a": [[1.0, 1], [0, 0]]}, [0.0, 0], xlim=(-2, 2), ylim=(-2, 2))
    >>> ax.get_ylabel()
    '$\\\\log\\\\,\\\\sigma$'
    """
    ax = canvas((r"$\mu$", r"$\log\,\sigma$"), height=4.6)
    across, up = np.meshgrid(*(np.linspace(*end, 121, dtype=np.float32) for end in (xlim, ylim)))
    height = np.asarray(jax.vmap(jax.vmap(log_likelihood))(jnp.stack([across, up], axis=-1)))
    fall = float(log_likelihood(jnp.asarray(peak, jnp.float32))) - height
    levels = [0.5, 3, 10, 20, 40]
    lines = ax.contour(across, up, fall, levels=levels, cmap="cividis", linewidths=1.3)
    ax.clabel(lines, fmt="-%g", fontsize=11)
    for (label, route), style, marker in zip(routes.items(), LINES, "osD^", strict=False):
        ax.plot(*np.asarray(route).T, marker=marker, markersize=6, linewidth=2, label=label, **style)
    ax.plot(*np.asarray(peak), "*", color=ORANGE, markersize=18, markeredgecolor=BLACK, label="maximum", zorder=5)
    ax.set_xlim(*xlim)
    ax.set_ylim(*ylim)
    return legend(ax)


def uniform_likelihood(x: ArrayLike, *, reach: float) -> Any:
    """The likelihood of theta for a sample of the uniform law on [0, theta]: 0, a jump at the largest x, then a fall.

    The moment estimate, twice the mean, is marked too.

    Args:
        x: the sample, (n,), positive.
        reach: the largest theta drawn.

    Returns:
        The axes.

    >>> uniform_likelihood([0.2, 0.3, 1.4], reach=3.0).get_xlabel()
    '$\\\\theta$'
    """
    ax = canvas((r"$\theta$", r"$L(\theta)\,/\,L(\max x_i)$"))
    x = np.asarray(x, float)
    most, twice = x.max(), 2 * x.mean()
    theta = np.linspace(most, reach, 200)
    ax.plot([0, most], [0, 0], color=BLUE, linewidth=2.5)
    ax.plot(theta, (most / theta) ** len(x), color=BLUE, linewidth=2.5, label="likelihood")
    ax.plot([most, most], [0, 1], color=BLUE, linestyle=":", linewidth=1.5)
    ax.plot(most, 0, "o", markerfacecolor="white", markeredgecolor=BLUE, markersize=9)
    ax.plot(most, 1, "o", color=BLUE, markersize=9, label=r"$\max\,x_i$")
    ax.plot(x, np.full_like(x, -0.07), "|", color=BLACK, markersize=14, markeredgewidth=2, label="data")
    ax.axvline(twice, color=VERMILLION, linestyle="--", linewidth=2, label="2 mean")
    ax.set_ylim(-0.14, 1.1)
    return legend(ax)


def bias_by_size(sizes: ArrayLike, means: ArrayLike) -> "Axes":
    """The mean of the maximum likelihood variance against the size of the samples, with (n - 1) / n.

    Args:
        sizes: of the samples, (m,).
        means: of their variances of divisor n, (m,), where the true variance is 1.

    Returns:
        The axes.

    >>> bias_by_size([2, 5], [0.5, 0.8]).get_xlabel()
    'sample size n'
    """
    ax = canvas(("sample size n", r"mean of $\hat\sigma^2$"), height=3.4)
    sizes = np.asarray(sizes)
    n = np.linspace(sizes.min(), sizes.max(), 200)
    ax.plot(n, (n - 1) / n, label="(n - 1) / n", linewidth=2, **LINES[0])
    ax.plot(sizes, np.asarray(means), "s", color=VERMILLION, markersize=8, label="simulated")
    ax.axhline(1, color=GREEN, linestyle=":", linewidth=2, label=r"true $\sigma^2$")
    ax.set_xticks(sizes)
    ax.set_ylim(0, 1.1)
    return legend(ax)


def _superscript(n: int) -> str:
    return str(n).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
