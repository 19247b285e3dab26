"""The pictures of lesson 12: one function or its vmap, a loop against one call, a million slopes, rows left out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnotes.core.values.arrays import ArrayLike
from jaxnotes.show import svg
from jaxnotes.show.lesson_plots import BLACK, BLUE, GREEN, ORANGE, SKY, VERMILLION, canvas, legend
from jaxnotes.show.svg import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def timings(loops: dict[str, tuple[ArrayLike, ArrayLike]], call: tuple[ArrayLike, ArrayLike]) -> "Axes":
    """Seconds against the number of models: loops, each carried on by a dashed line of slope 1, and one call for all.

    Args:
        loops: by label, a pair (numbers of models, seconds), ascending.
        call: such a pair.

    Returns:
        The axes.

    >>> timings({"loop": ([1, 10], [0.01, 0.1])}, ([1, 1000], [0.01, 0.02])).get_yscale()
    'log'
    """
    ax = canvas(("number of models", "seconds"))
    many, taken = (np.asarray(part, float) for part in call)
    for (label, loop), colour, marker in zip(loops.items(), (VERMILLION, ORANGE, GREEN), "s^D", strict=False):
        counts, seconds = (np.asarray(part, float) for part in loop)
        ends = np.array([counts[-1], many[-1]])
        ax.loglog(counts, seconds, color=colour, marker=marker, linewidth=2, markersize=7, label=label)
        ax.loglog(ends, seconds[-1] * ends / ends[0], "--", color=colour, linewidth=1.2)
    ax.loglog(many, taken, "o-", color=BLUE, linewidth=2.2, markersize=7, label="one vmap call")
    ax.plot([], [], "--", color="0.4", linewidth=1.2, label="carried on")
    return legend(ax, ncols=4)


def slopes(
    values: ArrayLike, estimate: float, se: float, counts: dict[str, int], *, window: tuple[float, float]
) -> Any:
    """How bootstrap slopes lie, beside the normal curve of theory; and how their fits ended, counted on a log axis.

    Args:
        values: slopes of the fits that converged, (B,).
        estimate: the slope of the fit of all data.
        se: its standard error.
        counts: how many fits ended so, by status.
        window: the slopes shown, from left to right.

    Returns:
        The axes of the slopes and of the counts.

    >>> left, right = slopes([-0.3, -0.2, -0.2], -0.23, 0.1, {"CONVERGED": 3, "SEPARATED": 1}, window=(-0.8, 0.2))
    >>> [text.get_text() for text in right.texts]
    ['3', '1']
    """
    left, right = canvas(("slope", "density"), ("fits", ""), width=7.8, height=3.8)
    at = np.linspace(*window, 300)
    left.hist(np.asarray(values, float), bins=np.linspace(*window, 101), density=True, color=SKY, label="bootstrap")
    normal = np.exp(-0.5 * ((at - estimate) / se) ** 2) / (se * np.sqrt(2 * np.pi))
    left.plot(at, normal, "--", color=BLACK, linewidth=1.6, label="normal")
    for k, edge in enumerate(np.quantile(np.asarray(values, float), [0.025, 0.975])):
        left.axvline(edge, ymax=0.7, color=VERMILLION, linewidth=1.8, label="middle 95 %" if k == 0 else None)
    left.set_xlim(*window)
    left.legend(loc="upper left", fontsize=11, frameon=False)
    bars = right.barh(list(counts), list(counts.values()), color=[BLUE, ORANGE, GREEN, VERMILLION][: len(counts)])
    right.bar_label(bars, fmt="{:,.0f}", fontsize=11, padding=4)
    right.set_xscale("log")
    right.set_xlim(0.8, 50 * max(counts.values()))
    right.invert_yaxis()
    return left, right


def left_out(exact: ArrayLike, predicted: ArrayLike, full: float, names: Sequence[str], mark: int) -> "Axes":
    """The slope without each of the rows: fitted again, and predicted by a derivative; the row `mark` by its name.

    Args:
        exact: the slope fitted again, (n,).
        predicted: the slope predicted, (n,).
        full: the slope with all rows.
        names: of the rows.
        mark: the index of the row to name.

    Returns:
        The axes.

    >>> left_out([-0.2, -0.3], [-0.2, -0.28], -0.25, ["a", "b"], mark=1).texts[0].get_text()
    'b'
    """
    exact, predicted = np.asarray(exact, float), np.asarray(predicted, float)
    ax = canvas(("slope, derivative's prediction", "slope, fitted again"), width=6.2, height=4.6)
    both = np.concatenate([exact, predicted])
    ends = np.array([both.min(), both.max()]) + 0.08 * np.ptp(both) * np.array([-1, 1])
    ax.plot(ends, ends, "--", color=BLACK, linewidth=1.2, label="equal")
    ax.axhline(full, color="0.6", linewidth=1, linestyle=":", label="all flights")
    ax.plot(predicted, exact, "o", color=BLUE, markersize=8, markeredgecolor="white", label="one flight left out")
    ax.plot(predicted[mark], exact[mark], "o", color=VERMILLION, markersize=10, markeredgecolor=BLACK)
    ax.annotate(names[mark], (predicted[mark], exact[mark]), xytext=(12, -4), textcoords="offset points", fontsize=12)
    return legend(ax, ncols=3)


def function_map(lang: str = "en") -> Drawing:
    """Above, one key goes through a function; below, many keys go through its vmap, which holds it as it is.

    Args:
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> function_map()
    <svg: One function for one model or a million>
    """
    words = svg.words(
        lang,
        en=("One function for one model or a million", "one key", "one fit", "B keys", "B fits", "(B,)"),
        zh=("同一个函数，一个模型或一百万个", "一个密钥", "一个拟合", "B 个密钥", "B 个拟合", "(B,)"),
    )
    arrow = f'stroke="{BLACK}" stroke-width="1.8" {svg.head(BLACK)}'
    plain = f'fill="white" stroke="{BLUE}" stroke-width="2.5"'
    drawn = [svg.heads(BLACK)]
    drawn += [svg.text(70, 65, words[1], anchor="middle"), svg.line(130, 60, 236, 60, arrow)]
    drawn += [svg.box(244, 32, 200, 56, plain, 8), svg.text(344, 66, "resampled_fit", anchor="middle", fill=BLUE)]
    drawn += [svg.line(448, 60, 556, 60, arrow), svg.text(630, 65, words[2], anchor="middle")]
    outer = f'fill="white" stroke="{VERMILLION}" stroke-width="2.5" stroke-dasharray="8 4"'
    drawn += [svg.box(214, 126, 260, 122, outer, 8), svg.text(228, 150, "jax.vmap", fill=VERMILLION)]
    drawn += [svg.box(244, 168, 200, 56, plain, 8), svg.text(344, 202, "resampled_fit", anchor="middle", fill=BLUE)]
    for k in (-1, 0, 1):
        drawn += [
            svg.line(130, 196 + 14 * k, 206, 196 + 14 * k, arrow),
            svg.line(480, 196 + 14 * k, 556, 196 + 14 * k, arrow),
        ]
    for x, word in ((70, words[3]), (630, words[4])):
        drawn += [svg.text(x, 196, word, anchor="middle"), svg.text(x, 218, words[5], anchor="middle")]
    return svg.document(
        720, 264, drawn, words[0], f"{words[1]}: resampled_fit, {words[2]}; {words[3]}: vmap, {words[4]}"
    )
