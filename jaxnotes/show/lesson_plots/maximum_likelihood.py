"""The pictures of lesson 06: one formula read both ways, products that underflow, intervals and how often they hold."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes import distributions
from jaxnotes.core.values.arrays import ArrayLike
from jaxnotes.show.lesson_plots import BLACK, BLUE, LINES, ORANGE, SKY, VERMILLION, canvas, legend
from jaxnotes.show.plots import styled_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def two_slices(n: int, k: int, p: float) -> Any:
    """P(K = k; p) of n tosses as a map over (k, p), and its two slices: along k a law, along p a likelihood.

    Args:
        n: tosses.
        k: the number of heads seen.
        p: the probability whose law is drawn.

    Returns:
        The axes of the map, the law and the likelihood.

    >>> [ax.get_xlabel() for ax in two_slices(10, 7, 0.5)]
    ['k', 'k', 'p']
    """
    from matplotlib import pyplot

    counts, grid = np.arange(n + 1), np.linspace(0, 1, 201, dtype=np.float32)
    binomial = distributions.Binomial
    table = np.asarray(jax.vmap(lambda p: jnp.exp(binomial.log_prob(binomial.Params(n, p), counts)))(grid))
    row, column = table[np.argmin(np.abs(grid - p))], table[:, k]
    _, panels = pyplot.subplot_mosaic([["map", "law"], ["map", "curve"]], figsize=(7.2, 5.2), layout="constrained")
    surface = styled_axes(panels["map"], "k", "p")
    edges = (-0.5, n + 0.5, 0, 1)
    surface.imshow(
        table, origin="lower", extent=edges, aspect="auto", cmap="cividis", vmax=0.4, interpolation="nearest"
    )
    surface.axhline(p, color="white", linewidth=2.5)
    surface.axvline(k, color=ORANGE, linewidth=2.5, linestyle="--")
    law = styled_axes(panels["law"], "k", "probability")
    law.bar(counts, row, color=BLUE, edgecolor=BLACK)
    law.set_title(f"along k, at p = {p:g}: sum {row.sum():.0f}", fontsize=12)
    curve = styled_axes(panels["curve"], "p", "likelihood")
    curve.fill_between(grid, column, color=ORANGE, alpha=0.35)
    curve.plot(grid, column, color=ORANGE, linewidth=2.2, linestyle="--")
    curve.set_title(f"along p, at k = {k}: area 1/{n + 1}", fontsize=12)
    for ax in (law, curve):
        ax.set_ylim(0, 1.1 * max(row.max(), column.max()))
    return surface, law, curve


def product_and_sum(product: ArrayLike, log_sum: ArrayLike) -> "Axes":
    """The running product of n probabilities, and the running sum of their logarithms, both as powers of ten.

    Args:
        product: (n,), zeros where it has underflowed.
        log_sum: (n,), of natural logarithms.

    Returns:
        The axes.

    >>> product_and_sum([0.5, 0.25, 0.0], [-0.7, -1.4, -2.1]).get_ylabel()
    'power of ten'
    """
    ax = canvas(("factors n", "power of ten"))
    product, n = np.asarray(product, float), np.arange(1, len(np.asarray(product)) + 1)
    ax.plot(n, np.asarray(log_sum) / np.log(10), label="sum of logarithms", linewidth=2.2, **LINES[0])
    alive = product > 0
    ax.plot(n[alive], np.log10(product[alive]), label="product", linewidth=3, **LINES[1])
    if not alive.all():
        last = int(np.argmin(alive))
        ax.plot(n[last - 1], np.log10(product[last - 1]), "X", color=VERMILLION, markersize=12)
        ax.annotate(
            f"exactly 0 from n = {n[last]}",
            (n[last - 1], np.log10(product[last - 1])),
            (14, 4),
            textcoords="offset points",
            fontsize=12,
            color=VERMILLION,
        )
    return legend(ax)


def likelihood_interval(
    p: ArrayLike, log_likelihood: ArrayLike, interval: tuple[float, float], wald: tuple[float, float], *, drop: float
) -> "Axes":
    """The log-likelihood below its maximum, the interval where it falls by at most `drop`, and Wald's parabola.

    Args:
        p: probabilities, (m,).
        log_likelihood: its values there, (m,).
        interval: the two ends.
        wald: the two ends of Wald's interval, whose middle is the estimate of the parabola.
        drop: how far the log-likelihood falls, > 0.

    Returns:
        The axes.

    >>> p = np.linspace(0.1, 0.9, 9)
    >>> likelihood_interval(p, -((p - 0.5) ** 2), (0.4, 0.6), (0.4, 0.6), drop=0.01).get_xlabel()
    'p'
    """
    ax = canvas(("p", r"$\ell(p)-\ell(\hat p)$"))
    p, fall = np.asarray(p), np.asarray(log_likelihood) - np.max(np.asarray(log_likelihood))
    ax.axvspan(*interval, color=SKY, alpha=0.35, label="likelihood ratio")
    ax.plot(p, fall, label=r"$\ell(p)-\ell(\hat p)$", linewidth=2.4, **LINES[0])
    middle, half = (wald[0] + wald[1]) / 2, (wald[1] - wald[0]) / 2
    ax.plot(p, -drop * ((p - middle) / half) ** 2, label="parabola", linewidth=2, **LINES[1])
    ax.plot(wald, [-drop, -drop], "|-", color=VERMILLION, markersize=16, markeredgewidth=2.5, label="Wald")
    ax.plot(interval, [-drop, -drop], "o", color=BLUE, markersize=8)
    ax.axhline(-drop, color=BLACK, linestyle=":", linewidth=1.2)
    ax.text(p[0] + 0.01, -drop + 0.06, f"-{drop:.2f}", fontsize=12)
    ax.set_ylim(-2.2 * drop, 0.25)
    ax.set_xlim(p[0], max(p[-1], wald[1]) + 0.01)
    return legend(ax)


def coverage(p: ArrayLike, shares: dict[str, ArrayLike], *, level: float = 0.95) -> "Axes":
    """How often an interval holds the true p, for each p, one curve for each kind of interval.

    Args:
        p: probabilities, (m,).
        shares: of the intervals that hold p, by label, (m,).
        level: what was promised, default 0.95.

    Returns:
        The axes.

    >>> coverage([0.2, 0.5], {"Wald": [0.8, 0.9]}).get_ylabel()
    'share of intervals that hold p'
    """
    ax = canvas(("true p", "share of intervals that hold p"))
    for (label, share), style in zip(shares.items(), LINES, strict=False):
        ax.plot(np.asarray(p), np.asarray(share), label=label, linewidth=2.2, **style)
    ax.axhline(level, color=BLACK, linestyle=":", linewidth=1.5, label=f"promised {level:g}")
    ax.set_ylim(0, 1.03)
    return legend(ax)
