"""The pictures of lesson 05: a triangle that closes, errors of three solvers, ten thousand refits, leverage."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxnotes.core.values.arrays import ArrayLike
from jaxnotes.show import svg
from jaxnotes.show.lesson_plots import BLACK, BLUE, GREEN, LINES, SKY, VERMILLION, canvas, legend
from jaxnotes.show.svg import GREY, PALE, Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def triangle(angles: Sequence[float], corrections: Sequence[float], lang: str = "en") -> Drawing:
    """A triangle with its three observed angles, what least squares adds to each, and the sums.

    Args:
        angles: as observed, three, in seconds of arc.
        corrections: what is added to each, three, in seconds of arc.
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> triangle([216000, 216000, 215994], [2, 2, 2])
    <svg: Three angles of a triangle, adjusted to 180 degrees>
    """
    words = svg.words(
        lang,
        en=("Three angles of a triangle, adjusted to 180 degrees", ("observed", "correction", "adjusted"), "sum"),
        zh=("三角形三个内角的平差", ("观测值", "改正数", "平差值"), "和"),
    )
    a, b, c = (math.radians(seconds / 3600) for seconds in angles)
    left, right, down = 50.0, 330.0, 270.0
    side = (right - left) * math.sin(b) / math.sin(c)
    corners = [(left, down), (right, down), (left + side * math.cos(a), down - side * math.sin(a))]
    places = [(left - 22, down + 22), (right + 8, down + 22), (corners[2][0] - 5, corners[2][1] - 12)]
    shape = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    drawn = [f'<polygon points="{shape}" fill="{PALE}" stroke="{BLUE}" stroke-width="2.5"/>']
    drawn += [_arc(corners[k], corners[k - 2], corners[k - 1]) for k in range(3)]
    drawn += [svg.text(x, y, name, size=18) for (x, y), name in zip(places, "ABC", strict=True)]
    columns = (500, 600, 730)
    drawn += [svg.text(x, 96, word, anchor="end", fill=GREY) for x, word in zip(columns, words[1], strict=True)]
    rows = [*zip("ABC", angles, corrections, strict=True), (words[2], sum(angles), sum(corrections))]
    facts = []
    for k, (name, angle, correction) in enumerate(rows):
        y = 130 + 34 * k + 10 * (k == 3)
        numbers = (_degrees(angle), f"{correction:+.3g}″", _degrees(angle + correction))
        drawn.append(svg.text(372, y, name))
        for x, number, colour in zip(columns, numbers, (BLACK, VERMILLION, GREEN), strict=True):
            drawn.append(svg.text(x, y, number, anchor="end", fill=colour))
        facts.append(f"{name}: {' '.join(numbers)}")
    drawn.append(svg.line(372, 212, 730, 212, f'stroke="{GREY}"'))
    return svg.document(760, 310, drawn, words[0], "; ".join(facts))


def solver_errors(condition: ArrayLike, errors: Mapping[str, ArrayLike], *, eps: float) -> "Axes":
    """How wrong solvers are, against the condition number of the design, with the lines eps k and eps k^2.

    Args:
        condition: condition numbers k, (n,).
        errors: by label, (n,); what is not finite is drawn as a cross at the top.
        eps: of the dtype.

    Returns:
        The axes.

    >>> solver_errors([10.0, 100.0], {"QR": [1e-6, 1e-5]}, eps=1e-7).get_yscale()
    'log'
    """
    ax = canvas((r"condition number $\kappa$ of X", "largest error of a coefficient"))
    kappa = np.asarray(condition, float)
    top = 1e2
    for (label, error), style, marker in zip(errors.items(), LINES, "osD^", strict=False):
        size = np.asarray(error, float)
        failed = ~np.isfinite(size)
        ax.loglog(kappa, np.where(failed, np.nan, size), marker=marker, linewidth=2, label=label, **style)
        ax.plot(kappa[failed], np.full(failed.sum(), top), "x", color=style["color"], markersize=11, mew=3)
    for power, place in ((1, kappa[-1]), (2, kappa[len(kappa) // 3])):
        ax.loglog(kappa, eps * kappa**power, color="0.5", linewidth=1.2, linestyle=(0, (1, 2)))
        name = r"$\varepsilon\kappa$" if power == 1 else r"$\varepsilon\kappa^2$"
        ax.text(place, 1.6 * eps * place**power, name, fontsize=13, color="0.35", ha="right", va="bottom")
    ax.set_ylim(min(1e-7, eps), 3 * top)
    return legend(ax)


def refits(draws: ArrayLike, truth: ArrayLike, covariance: ArrayLike, *, share: float = 0.95) -> "Axes":
    """Estimates of two parameters from many samples, and the ellipse that the theory gives for this share of them.

        (theta - truth)' covariance^-1 (theta - truth) = -2 log(1 - share)

    Args:
        draws: the estimates, (B, 2).
        truth: the parameters, (2,).
        covariance: of the estimates, (2, 2).
        share: of the estimates inside the ellipse, in (0, 1), default 0.95.

    Returns:
        The axes.

    >>> refits([[0.0, 0.0], [1.0, 1.0]], [0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]).get_ylabel()
    'slope'
    """
    ax = canvas(("intercept", "slope"))
    points, centre = np.asarray(draws), np.asarray(truth)
    angle = np.linspace(0, 2 * np.pi, 241)
    circle = np.stack([np.cos(angle), np.sin(angle)]) * math.sqrt(-2 * math.log(1 - share))
    edge = centre[:, None] + np.linalg.cholesky(np.asarray(covariance, float)) @ circle
    ax.plot(*points.T, ".", color=SKY, markersize=2, alpha=0.6)
    ax.plot([], [], "o", color=SKY, markersize=7, label=f"{len(points):,} fits")
    ax.plot(edge[0], edge[1], color=VERMILLION, linewidth=2.4, label=f"{share:.0%} by theory")
    ax.plot(centre[:1], centre[1:], "*", color=BLACK, markersize=14, label="truth")
    return legend(ax)


def leverage_stems(sets: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> list["Axes"]:
    """The leverage of every observation as a stem over its x, a panel for each set of points.

    Args:
        sets: by title, (x, leverage), both (n,). Equal x are moved apart by a little.

    Returns:
        A list of axes.

    >>> len(leverage_stems({"a": ([0.0, 1.0], [1.0, 1.0]), "b": ([0.0, 0.0], [0.5, 0.5])}))
    2
    """
    panels = canvas(*[("x", "leverage")] * len(sets), width=4.6 * len(sets), height=3.6)
    panels = panels if isinstance(panels, list) else [panels]
    for ax, (title, (x, leverage)) in zip(panels, sets.items(), strict=True):
        x, h = np.asarray(x, float), np.asarray(leverage)
        earlier = np.tril(x[:, None] == x, -1).sum(axis=1)
        place = x + 0.16 * (earlier - ((x[:, None] == x).sum(axis=1) - 1) / 2)
        ax.vlines(place, 0, h, color=BLUE, linewidth=2)
        ax.plot(place, h, "o", color=BLUE, markeredgecolor=BLACK, markersize=7)
        ax.set_ylim(0, 1.12)
        ax.set_title(title, fontsize=12, loc="right")
    return panels


def _arc(corner: tuple[float, float], one: tuple[float, float], other: tuple[float, float]) -> str:
    """The mark of an angle: a short arc about the corner, from one side to the other."""
    ends = []
    for end in (one, other):
        length = math.hypot(end[0] - corner[0], end[1] - corner[1])
        ends.append([corner[k] + 34 * (end[k] - corner[k]) / length for k in (0, 1)])
    (x0, y0), (x1, y1) = ends
    path = f"M {x0:.1f} {y0:.1f} A 34 34 0 0 0 {x1:.1f} {y1:.1f}"
    return f'<path d="{path}" fill="none" stroke="{VERMILLION}" stroke-width="2"/>'


def _degrees(seconds: float) -> str:
    """Seconds of arc as degrees, minutes and seconds."""
    whole = round(seconds, 2)
    minutes, left = divmod(whole, 60)
    number = f"{left:02.0f}" if abs(left - round(left)) < 5e-3 else f"{left:05.2f}"
    return f"{int(minutes // 60)}°{int(minutes % 60):02d}′{number}″"
