"""What print shows: one model as a table, many as a digest: how they ended, where coefficients lie, what is lost."""

import dataclasses
import html
import textwrap
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxnotes.core.values.status import MESSAGES, Status

if TYPE_CHECKING:
    from jaxnotes.tables.fitted import Fitted

WIDTH = 80
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def text(fitted: "Fitted") -> str:
    """At most 80 columns wide."""
    if len(fitted) == 1 and not fitted.spec.by:
        return "\n".join([str(_one(fitted)), *_wrap(_rows(fitted)), *_wrap(_response(fitted))])
    return "\n".join(line.rstrip() for line in _many(fitted))


def page(fitted: "Fitted") -> str:
    """For notebooks."""
    if len(fitted) == 1 and not fitted.spec.by:
        return _one(fitted)._repr_html_()
    return f"<pre>{html.escape(text(fitted))}</pre>"


def _one(fitted: "Fitted") -> Any:
    from jaxnotes.show.summary import summary

    solution, inference = jax.tree.map(lambda leaf: leaf[0], (fitted.solution, fitted.inference))
    n_obs = float(fitted.groups.n_obs[0])
    flat = dataclasses.replace(solution, params=inference.estimate)  # named in full, class by class
    return summary(flat, inference, _names(fitted), title=fitted.spec.formula, n_obs=n_obs)


def _many(fitted: "Fitted") -> list[str]:
    spec = fitted.spec
    head = f"{len(fitted):,} models {spec.formula}, {spec.model}, one for each {', '.join(spec.by)}"
    lines = _wrap(head)
    for name, count in fitted.counts().items():
        lines.append(f"  {count:>9,}  {count / len(fitted):6.1%}  {name}")
    lines += ["", *_quantiles(fitted), "", *_wrap(_rows(fitted)), *_wrap(_response(fitted))]
    left_out = int((~fitted.kept).any(axis=1).sum())
    if left_out:
        lines += _wrap(f"{left_out:,} models do without columns that are constant in their group (dropped in tidy).")
    lines += _worst(fitted)
    return lines


def _quantiles(fitted: "Fitted") -> list[str]:
    """Where the coefficients of the models that converged lie."""
    converged = fitted.solution.status == Status.CONVERGED
    names = _names(fitted)
    width = min(max(map(len, [*names, "term"])), 24)
    lines = ["term".ljust(width) + "".join(f"{head:>11}" for head in ("smallest", "25 %", "median", "75 %", "largest"))]
    for name, estimates in zip(names, np.asarray(fitted.inference.estimate[converged], np.float64).T, strict=True):
        known = estimates[~np.isnan(estimates)]
        cells = [f"{value:11.4g}" for value in np.quantile(known, QUANTILES)] if len(known) else ["          -"] * 5
        label = name if len(name) <= width else name[: width - 2] + ".."
        lines.append(label.ljust(width) + "".join(cells))
    return lines


def _names(fitted: "Fitted") -> list[str]:
    """One for each parameter of a model, with its class where there are several."""
    terms, classes = fitted.spec.terms, (fitted.spec.response_levels or [])[1:]
    several = fitted.spec.model == "multinomial"
    return [f"{term}[{level}]" for level in classes for term in terms] if several else terms


def _worst(fitted: "Fitted") -> list[str]:
    """For each way of failing the first groups, the largest first, and what to do."""
    lines = []
    status, n_obs = fitted.solution.status, fitted.groups.n_obs
    for kind in (kind for kind in Status if kind != Status.CONVERGED and (status == kind).any()):
        lanes = np.flatnonzero(status == kind)
        first = lanes[np.argsort(-n_obs[lanes], kind="stable")[:3]]
        named = ", ".join(_key(fitted, int(lane)) for lane in first)
        lines += _wrap(f"{kind.name} ({named}{', ...' if len(lanes) > 3 else ''}): {MESSAGES[kind]}")
    return lines


def _key(fitted: "Fitted", lane: int) -> str:
    labels = [fitted.keys[name][lane].as_py() for name in fitted.keys.column_names]
    return str(labels[0]) if len(labels) == 1 else str(tuple(labels))


def _rows(fitted: "Fitted") -> str:
    counts = fitted.row_counts
    lost = {name: count for name, count in counts.items() if name not in ("in all", "used") and count}
    if not lost:
        return f"rows: {counts['in all']:,}, all used"
    told = ", ".join(
        f"{count:,} lack {name}" if name != "of a null key" else f"{count:,} of a null key"
        for name, count in lost.items()
    )
    what = "kept with weight 0" if fitted.spec.missing == "weight" else "dropped"
    return f"rows: {counts['in all']:,}, {counts['in all'] - counts['used']:,} {what} ({told})"


def _response(fitted: "Fitted") -> str:
    levels, name = fitted.spec.response_levels, fitted.spec.parsed.response.text
    if levels is None:
        return ""
    if fitted.spec.model == "logistic":
        return f"response: {name} is 1 where it is {levels[1]!r}, 0 where it is {levels[0]!r}"
    return f"response: {name}, against {levels[0]!r}"


def _wrap(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent="  ")
