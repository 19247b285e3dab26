"""The pictures of lesson 13: call after call, rounds, the roofline, cost against error, and the table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxnotes.core.values.arrays import ArrayLike
from jaxnotes.show.lesson_plots import BLACK, BLUE, LINES, ORANGE, SKY, VERMILLION, canvas, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        workload: what was done.
        contender: by whom.
        seconds: how long it took.
        floor: how long that work takes at least, in seconds.
    """

    workload: str
    contender: str
    seconds: float
    floor: float


def duration(seconds: float) -> str:
    """Seconds as a person reads them, with three digits.

    Args:
        seconds: a number > 0.

    Returns:
        A number and its unit, a string.

    >>> duration(0.00567), duration(3.2e-5), duration(12.0)
    ('5.67 ms', '32 µs', '12 s')
    """
    seconds = float(f"{seconds:.3g}")  # first, so that 0.9999 is 1 s and not 1e+03 ms
    unit, scale = next((u, s) for u, s in (("s", 1), ("ms", 1e-3), ("µs", 1e-6), ("ns", 0)) if seconds >= s)
    return f"{seconds / (scale or 1e-9):.3g} {unit}"


def calls(returned: ArrayLike, finished: ArrayLike) -> "Axes":
    """Seconds of every call, one after the other, logarithmic: until it returned, and until the result was there.

    Args:
        returned: seconds until the call returned, (m,).
        finished: seconds until the result was there, (m,).

    Returns:
        The axes.

    >>> calls([1.0, 1e-5], [1.1, 1e-2]).get_yscale()
    'log'
    """
    ax = canvas(("call", "seconds"))
    number = np.arange(1, len(np.asarray(finished)) + 1)
    for label, seconds, marker, style in zip(
        ("result there", "call returned"), (finished, returned), "os", LINES, strict=False
    ):
        ax.semilogy(number, np.asarray(seconds), marker=marker, markersize=6, linewidth=1.4, label=label, **style)
    ax.annotate(
        "compiles", (1, float(np.asarray(finished)[0])), xytext=(12, -4), textcoords="offset points", fontsize=12
    )
    ax.set_xticks(number[:: max(1, len(number) // 10)])
    return legend(ax)


def rounds(seconds: dict[str, ArrayLike]) -> "Axes":
    """Every round as a dot, a row for each contender, its median as a stroke with the number; logarithmic.

    Args:
        seconds: by label, (rounds,).

    Returns:
        The axes.

    >>> len(rounds({"a": [1e-3, 2e-3, 1e-3], "b": [1e-2, 1e-2, 2e-2]}).texts)
    2
    """
    ax = canvas(("seconds", ""), height=1.4 + 0.6 * len(seconds))
    for k, taken in enumerate(seconds.values()):
        row, middle = -k, float(np.median(np.asarray(taken)))
        shift = np.linspace(-0.16, 0.16, len(np.asarray(taken)))
        ax.semilogx(np.asarray(taken), row + shift, "o", color=BLUE, alpha=0.6, markersize=6)
        ax.plot([middle, middle], [row - 0.32, row + 0.32], color=VERMILLION, linewidth=3)
        ax.annotate(duration(middle), (middle, row + 0.32), xytext=(0, 5), textcoords="offset points", ha="center")
    _names(ax, list(seconds), [-k for k in range(len(seconds))])
    ax.set_ylim(0.4 - len(seconds), 0.75)
    _room(ax, [float(t) for taken in seconds.values() for t in np.asarray(taken)])
    return ax


def roofline(intensity: ArrayLike, speed: ArrayLike, *, bandwidth: float, rate: float) -> "Axes":
    """Operations per second against operations per byte, logarithmic, below the roof.

        roof = min(rate, bandwidth * intensity)

    Args:
        intensity: operations per byte, (m,).
        speed: operations per second, (m,).
        bandwidth: bytes per second.
        rate: operations per second that are possible.

    Returns:
        The axes.

    >>> len(roofline([0.25, 1.0], [1e9, 2e9], bandwidth=1e10, rate=1e11).lines)
    3
    """
    ax = canvas(("operations a byte", "operations a second"))
    at = np.asarray(intensity, float)
    roof = np.geomspace(at.min() / 1.5, max(at.max(), rate / bandwidth) * 3, 100)
    ax.loglog(roof, np.minimum(rate, bandwidth * roof), color=BLACK, linewidth=2, label="roof")
    ax.loglog(at, np.asarray(speed), "o", color=BLUE, markersize=8, label="measured")
    ax.axvline(rate / bandwidth, color=ORANGE, linestyle=":", linewidth=1.8, label="ridge")
    return legend(ax)


def cost_and_error(points: dict[str, tuple[float, float]]) -> "Axes":
    """A mark for each way: seconds to the right, relative error upwards, both logarithmic.

    Args:
        points: by label, (seconds, error), six at most; an error of 0 is drawn at 1e-10.

    Returns:
        The axes.

    >>> cost_and_error({"a": (1e-3, 0.0), "b": (1e-2, 1e-5)}).get_legend_handles_labels()[1]
    ['a', 'b']
    """
    ax, foot = canvas(("seconds", "relative error")), 1e-10
    for (label, (seconds, error)), marker, style in zip(points.items(), "os^DvP", LINES, strict=False):
        ax.loglog(seconds, max(error, foot), marker, color=style["color"], markersize=11, label=label)
    _room(ax, [seconds for seconds, _ in points.values()])
    ax.set_ylim(foot / 4, 4 * max(foot, *(error for _, error in points.values())))
    return legend(ax, ncols=3)


def table(rows: Sequence[Row]) -> "Axes":
    """The table as bars on a logarithmic axis: a group for each workload.

    Beside each bar stands its time, and how many times that of the group's first row it is; the floor of the work is a
    black stroke through the group.

    Args:
        rows: in groups of one workload each.

    Returns:
        The axes.

    >>> ax = table([Row("sum", "ours", 1e-3, 5e-4), Row("sum", "loop", 2e-3, 5e-4)])
    >>> [text.get_text() for text in ax.texts]
    ['1 ms  (1.0x)', '2 ms  (2.0x)', 'sum']
    """
    groups = list(dict.fromkeys(row.workload for row in rows))
    ax = canvas(("seconds", ""), width=8.4, height=0.8 + 0.32 * len(rows) + 0.42 * len(groups))
    y, ticks, names = 0.0, [], []
    least = min(min(row.seconds, row.floor) for row in rows) / 2
    for group in groups:
        members = [row for row in rows if row.workload == group]
        top = y
        for k, row in enumerate(members):
            y -= 1
            ax.barh(y, row.seconds - least, left=least, height=0.74, color=BLUE if k == 0 else SKY, edgecolor=BLACK)
            times = row.seconds / members[0].seconds
            words = f"{duration(row.seconds)}  ({times:.{int(times < 9.95)}f}x)"
            ax.annotate(words, (row.seconds, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=11)
            ticks.append(y)
            names.append(row.contender)
        floor = members[0].floor
        ax.plot([floor, floor], [top - 0.5, y - 0.5], color=BLACK, linewidth=3)
        ax.text(least, top - 0.14, group, fontsize=12, fontweight="bold", va="center")
        y -= 1.3
    ax.set_xscale("log")
    ax.set_xlim(least, max(row.seconds for row in rows) * 30)
    ax.set_ylim(y + 0.8, 0.5)
    _names(ax, names, ticks)
    return ax


def _names(ax: "Axes", names: Sequence[str], places: Sequence[float]) -> None:
    ax.set_yticks(places, names, fontsize=11)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _room(ax: "Axes", seconds: Sequence[float]) -> None:
    """A decade or so around the data, so that labels fit and the axis has its powers of ten."""
    ax.set_xlim(min(seconds) / 4, max(seconds) * 4)
