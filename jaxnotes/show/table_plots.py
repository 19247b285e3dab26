"""Pictures of the models of a table: the coefficients of one, their distribution over many, and the volcano of a term.

They take tidy rows as a dict of columns, as `jn.tables.Fitted.tidy` has them.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnotes.show.plots import BLACK, BLUE, ORANGE, styled_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def coefficients(tidy: dict[str, Any], *, ax: "Axes | None" = None) -> "Axes":
    """The estimates of one model with their intervals, the first term on top; the intercept is left out.

    Args:
        tidy: the columns term, estimate, lower and upper, and class where there are several.
        ax: the axes to draw on, default None: those of a new figure.

    Returns:
        The axes.

    >>> ax = coefficients({"term": ["price"], "estimate": [-2.0], "lower": [-3.0], "upper": [-1.0]})
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['price']
    """
    axes = styled_axes(ax, "estimate with its interval", "")
    rows = [k for k, term in enumerate(tidy["term"]) if term != "intercept" and tidy["estimate"][k] is not None]
    names = [f"{tidy['term'][k]} ({tidy['class'][k]})" if "class" in tidy else tidy["term"][k] for k in rows]
    estimate, lower, upper = (_floats(tidy[name])[rows] for name in ("estimate", "lower", "upper"))
    places = np.arange(len(rows))[::-1]
    axes.hlines(places, lower, upper, color=BLUE, linewidth=2)
    axes.plot(estimate, places, "o", color=BLUE)
    axes.axvline(0, color=BLACK, linewidth=0.8, linestyle="--")
    axes.set_yticks(places, names)
    axes.set_ylim(-0.7, max(len(rows), 1) - 0.3)
    return axes


def distributions(tidy: dict[str, Any], *, ax: "Axes | None" = None) -> "Axes":
    """Where the estimates of many converged models lie: median, middle half and middle nine tenths of each term.

    Args:
        tidy: the columns term, estimate and status, and class where there are several.
        ax: the axes to draw on, default None: those of a new figure.

    Returns:
        The axes.

    >>> many = {"term": ["price"] * 3, "estimate": [-1.0, -2.0, -3.0], "status": ["CONVERGED"] * 3}
    >>> float(distributions(many).lines[0].get_xdata()[0])
    -2.0
    """
    axes = styled_axes(ax, "estimates of the models that converged", "")
    terms = np.array([*map(_term, tidy["term"], tidy.get("class", [None] * len(tidy["term"])))])
    estimate = _floats(tidy["estimate"])
    used = (np.array(tidy["status"]) == "CONVERGED") & np.isfinite(estimate)
    names = [name for name in dict.fromkeys(terms.tolist()) if not name.startswith("intercept")]
    names = [name for name in names if (used & (terms == name)).any()]
    places = np.arange(len(names))[::-1]
    quantiles = np.array(
        [np.quantile(estimate[used & (terms == name)], (0.05, 0.25, 0.5, 0.75, 0.95)) for name in names]
    )
    quantiles = quantiles.reshape(-1, 5)
    axes.plot(quantiles[:, 2], places, "o", color=BLACK, label="median")
    axes.hlines(places, quantiles[:, 1], quantiles[:, 3], color=BLUE, linewidth=6, alpha=0.6, label="middle half")
    axes.hlines(places, quantiles[:, 0], quantiles[:, 4], color=ORANGE, linewidth=2, label="middle nine tenths")
    axes.axvline(0, color=BLACK, linewidth=0.8, linestyle="--")
    axes.set_yticks(places, names)
    axes.set_ylim(-0.7, max(len(names), 1) - 0.3)
    axes.legend()
    return axes


def volcano(tidy: dict[str, Any], term: str, *, ax: "Axes | None" = None) -> "Axes":
    """The estimates of a term in many models against -log10 of their p-values.

    Args:
        tidy: the columns term, estimate and pvalue.
        term: which one.
        ax: the axes to draw on, default None: those of a new figure.

    Returns:
        The axes.

    >>> many = {"term": ["price"] * 2, "estimate": [-1.0, -2.0], "pvalue": [0.1, 0.01]}
    >>> volcano(many, "price").get_ylabel()
    '-log10 p-value'
    """
    axes = styled_axes(ax, f"estimate of {term}", "-log10 p-value")
    rows = np.array([name == term for name in tidy["term"]], bool)
    estimate, pvalue = (_floats(tidy[name])[rows] for name in ("estimate", "pvalue"))
    known = np.isfinite(estimate) & np.isfinite(pvalue)
    axes.plot(estimate[known], -np.log10(np.maximum(pvalue[known], 1e-300)), ".", color=BLUE, alpha=0.6)
    axes.axvline(0, color=BLACK, linewidth=0.8, linestyle="--")
    return axes


def _term(term: str, label: Any) -> str:
    return term if label is None else f"{term} ({label})"


def _floats(values: Any) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], float)
