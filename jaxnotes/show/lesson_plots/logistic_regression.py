"""The pictures of lesson 08: launch or not, three scales of a probability, two losses, two paths, a runaway slope."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.status import Solution
from jaxnotes.show import plots, svg
from jaxnotes.show.lesson_plots import BLACK, BLUE, GREEN, LINES, ORANGE, SKY, VERMILLION, canvas, legend
from jaxnotes.show.svg import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHANCES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
ODDS = ("1:100", "1:30", "1:10", "1:3", "1:1", "3:1", "10:1", "30:1", "100:1")


def launch(solution: Solution, inference: Inference, x: ArrayLike, y: ArrayLike, mark: float) -> "Axes":
    """The fit on one feature with its 95 % band, sigma(eta +- 1.96 se(eta)), carried on to `mark` beyond the data.

        se(eta)^2 = (1, x) C (1, x)',   C the covariance of (intercept, coef)

    Args:
        solution: what `logistic_regression.fit` returned, of one feature.
        inference: what `logistic_regression.infer` returned.
        x: the feature, (n,).
        y: the outcomes, (n,), 0 or 1.
        mark: a value outside the data to extrapolate to.

    Returns:
        The axes.

    >>> import jaxnotes as jn
    >>> data = jn.datasets.challenger()
    >>> fitted = jn.logistic_regression.fit(data.X, data.y)
    >>> wald = jn.logistic_regression.infer(fitted, data.X, data.y)
    >>> launch(fitted, wald, data.temperature, data.y, 31.0).get_ylabel()
    'P(distress)'
    """
    ax = plots.logistic_curve(solution, x, y, mark=mark, xlabel="temperature at launch, F", ylabel="P(distress)")
    at = np.linspace(*ax.get_xlim(), 300)
    rows = np.stack([np.ones_like(at), at], axis=1)
    eta = rows @ np.asarray(inference.estimate, float)
    se = np.sqrt(np.sum(rows @ np.asarray(inference.covariance, float) * rows, axis=1))
    low, high = (0.5 * (1 + np.tanh(0.5 * (eta + side * 1.96 * se))) for side in (-1, 1))
    ax.fill_between(at, low, high, color=SKY, alpha=0.35, linewidth=0, label="95 % band")
    return legend(ax, ncols=3)


def scales() -> "Axes":
    """The same probabilities on three rulers: as p, as odds p : (1 - p), and as logit log(p / (1 - p)).

    Returns:
        The axes.

    >>> [text.get_text() for text in scales().texts][:3]
    ['probability p', 'odds p : (1 - p)', 'logit z']
    """
    ax = canvas(("", ""), height=2.6)
    odds = [int(above) / int(below) for above, below in (text.split(":") for text in ODDS)]
    rulers = (
        ("probability p", np.log(np.divide(CHANCES, np.subtract(1, CHANCES))), [f"{p:g}" for p in CHANCES], BLUE),
        ("odds p : (1 - p)", np.log(odds), ODDS, VERMILLION),
        ("logit z", np.arange(-5, 6), [f"{z:g}" for z in range(-5, 6)], GREEN),
    )
    for height, (name, _, _, colour) in zip((2, 1, 0), rulers, strict=True):
        ax.text(-7.9, height, name, color=colour, fontsize=12, va="center")
    for height, (_, places, labels, colour) in zip((2, 1, 0), rulers, strict=True):
        ax.plot([-5.3, 5.3], [height, height], color=colour, linewidth=2)
        ax.plot(places, np.full(len(places), height), "|", color=colour, markersize=12, markeredgewidth=2)
        for place, label in zip(places, labels, strict=True):
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            ax.text(place, height + 0.2, label, fontsize=11, ha="center", bbox=ground)
    ax.axvline(0, color="0.6", linestyle=":", linewidth=1.2, zorder=0)
    ax.set(xlim=(-8, 5.6), ylim=(-0.3, 2.6), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)
    return ax


def losses(w: ArrayLike, curves: dict[str, ArrayLike], minima: dict[str, ArrayLike]) -> Any:
    """Losses against one parameter, side by side, each with its local minima as dots.

    Args:
        w: values of the parameter, (n,).
        curves: the losses there, by label, (n,).
        minima: by the same labels, the places of the minima.

    Returns:
        A list of axes.

    >>> left, right = losses([0, 1, 2], {"a": [1, 0, 1], "b": [0, 1, 0]}, {"a": [1], "b": [0, 2]})
    >>> right.get_title()
    'b: 2 minima'
    """
    axes = canvas(*[("w", "mean loss")] * len(curves), width=7.6, height=3.4)
    for ax, (label, curve), style in zip(axes, curves.items(), LINES, strict=False):
        ax.plot(w, curve, linewidth=2.2, **style)
        at = np.asarray(minima[label], float)
        ax.plot(at, np.interp(at, np.asarray(w), np.asarray(curve)), "o", color=ORANGE, mec=BLACK, markersize=10)
        ax.set_title(f"{label}: {len(at)} {'minimum' if len(at) == 1 else 'minima'}", fontsize=12)
    return axes


def paths(fun: Callable[[Array], Array], ways: dict[str, ArrayLike], minimum: ArrayLike) -> Any:
    """The iterates of several methods over the contours of a loss of (intercept, slope); beside it their errors.

    Args:
        fun: the loss, a function of a vector (2,).
        ways: by label, (steps + 1, 2), all from one start.
        minimum: where the loss is least, (2,).

    Returns:
        The axes of the contours and of the errors.

    >>> left, right = paths(lambda w: jnp.sum(w**2), {"one": [[1.0, 1.0], [0.1, 0.2]]}, [0.0, 0.0])
    >>> right.get_yscale()
    'log'
    """
    left, right = canvas(("intercept", "slope per standard deviation"), ("step", "error"), width=7.8, height=4.0)
    points = np.concatenate([np.asarray(way, float) for way in ways.values()])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.3 * (high - low)
    across, up = (np.linspace(*ends, 120) for ends in zip(low - margin, high + margin, strict=True))
    height = np.asarray(jax.vmap(jax.vmap(fun))(jnp.stack(jnp.meshgrid(across, up), axis=-1)))
    left.contour(across, up, height, levels=np.quantile(height, np.linspace(0.01, 0.95, 14) ** 1.5), colors="0.7")
    for (label, way), style, marker in zip(ways.items(), LINES, "os^", strict=False):
        way = np.asarray(way, float)
        left.plot(*way.T, marker=marker, markersize=7, linewidth=1.6, **style)
        error = np.abs(way - np.asarray(minimum, float)).max(axis=1)
        right.semilogy(
            np.where(error > 0, error, np.nan), label=label, marker=marker, markersize=5, linewidth=1.6, **style
        )
    left.plot(*points[0], "D", color=ORANGE, markersize=10, markeredgecolor=BLACK)
    left.annotate("start", points[0], xytext=(-48, -4), textcoords="offset points", fontsize=11)
    right.legend(loc="upper right", fontsize=11, frameon=False)
    return left, right


def runaway(slopes: ArrayLike, loss: ArrayLike) -> Any:
    """The slope of a descent on separated data against log t, beside a line of slope 1, and its loss beside 1 / t.

    Args:
        slopes: (steps + 1,), the start at step 0.
        loss: (steps + 1,), likewise.

    Returns:
        The axes of the slope and of the loss.

    >>> left, right = runaway(np.log1p(np.arange(100.0)), 1 / (1 + np.arange(100.0)))
    >>> left.get_xscale(), right.get_yscale()
    ('log', 'log')
    """
    left, right = canvas(("step t", "slope w"), ("step t", "loss"), width=7.6, height=3.6)
    t = np.unique(np.geomspace(1, len(np.asarray(slopes)) - 1, 200).astype(int))
    w, loss = np.asarray(slopes)[t], np.asarray(loss)[t]
    left.semilogx(t, w, color=BLUE, linewidth=2.4, label="descent")
    left.semilogx(t, w[-1] + np.log(t / t[-1]), "--", color=BLACK, linewidth=1.2, label=r"$\ln t$ + const")
    right.loglog(t, loss, color=BLUE, linewidth=2.4, label="descent")
    right.loglog(t, loss[-1] * t[-1] / t, "--", color=BLACK, linewidth=1.2, label="const / t")
    for ax in (left, right):
        legend(ax, ncols=2)
    return left, right


def neuron(lang: str = "en") -> Drawing:
    """A unit, split into its affine half and its sigmoid, and what makes of it a regression: a label and a loss.

    Args:
        lang: of the words, "en" (default) or "zh".

    Returns:
        A `Drawing`.

    >>> neuron()
    <svg: A unit alone, and logistic regression>
    """
    words = svg.words(
        lang,
        en=(
            "A unit alone, and logistic regression",
            "the unit: it computes",
            "the regression: it learns",
            "label",
            "loss",
        ),
        zh=("一个节点，以及逻辑回归", "节点：只会计算", "回归：从数据中学习", "标签", "损失"),
    )
    arrow = f'stroke="{BLACK}" stroke-width="1.8" {svg.head(BLACK)}'
    drawn = [svg.heads(BLACK, VERMILLION)]
    for k, y in enumerate((60, 120, 180), 1):
        drawn += [
            svg.line(62, y, 174, 120 + (y - 120) * 0.3, arrow),
            svg.text(30, y + 5, f"x{'₁₂₃'[k - 1]}", fill=BLUE),
        ]
    drawn.append(f'<circle cx="255" cy="120" r="82" fill="white" stroke="{BLUE}" stroke-width="3"/>')
    drawn.append(svg.line(255, 38, 255, 202, f'stroke="{BLUE}" stroke-width="2"'))
    drawn += [svg.text(215, 125, "wᵀx + b", anchor="middle"), svg.text(295, 125, "σ(z)", anchor="middle")]
    drawn += [svg.line(337, 120, 402, 120, arrow), svg.text(410, 125, "ŷ = P(y = 1 | x)", fill=GREEN)]
    drawn += [svg.text(255, 228, words[1], anchor="middle", fill=BLUE)]
    dashed = f'stroke="{VERMILLION}" stroke-width="1.8" stroke-dasharray="6 4" {svg.head(VERMILLION)}'
    drawn += [
        svg.line(545, 120, 590, 120, dashed),
        svg.text(655, 40, f"y ({words[3]})", anchor="middle", fill=VERMILLION),
    ]
    drawn.append(svg.line(655, 50, 655, 84, dashed))
    drawn.append(
        f'<rect x="596" y="90" width="144" height="60" rx="8" fill="white" stroke="{VERMILLION}" '
        'stroke-width="2" stroke-dasharray="6 4"/>'
    )
    drawn += [svg.text(668, 115, words[4], anchor="middle"), svg.text(668, 138, "log(1+eᶻ) − y z", anchor="middle")]
    drawn += [svg.text(640, 228, words[2], anchor="middle", fill=VERMILLION)]
    return svg.document(760, 240, drawn, words[0], f"{words[1]} wᵀx + b, σ(z); {words[2]}: log(1+eᶻ) − y z")
