"""The table of one fit: text of at most 80 columns, HTML for notebooks, and the same as columns for machines.

It prints what is there: a fit that did not converge says so, with the reason, and its NaN are shown as nan.
"""

import html
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.likelihood import observations
from jaxnotes.core.values.params import LinearParams
from jaxnotes.core.values.status import MESSAGES, Solution, Status

WIDTH = 80


@dataclass(frozen=True)
class Summary:
    """A finished table. `str(table)` is its text, `print(table)` shows it, and a notebook shows its HTML.

    Attributes:
        title: the first line, or "".
        facts: the lines about the fit as a whole.
        heads: the names of the columns.
        rows: a tuple of strings for each parameter.
        note: why the fit is not to be used, or "".
    """

    title: str
    facts: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str

    def __str__(self) -> str:
        lines = _aligned((self.heads, *self.rows))
        rule = "-" * len(lines[0])
        above = textwrap.wrap(self.title, WIDTH) + _wrapped(self.facts)
        return "\n".join([*above, rule, lines[0], rule, *lines[1:], rule, *textwrap.wrap(self.note, WIDTH)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{html.escape(head)}</th>" for head in self.heads)
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows)
        caption = "<br>".join(html.escape(line) for line in (self.title, ", ".join(self.facts), self.note) if line)
        return f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def summary(
    solution: Solution,
    inference: Inference,
    names: Sequence[str] | None = None,
    *,
    title: str = "",
    n_obs: float | None = None,
) -> Summary:
    """The table of one fit: estimate, standard error, test and interval of each parameter, and how the fit ended.

    The column of tests is called t or z by its distribution.

    Args:
        solution: what a `fit` returned for one problem (no batch).
        inference: what the `infer` that follows it returned.
        names: of X's columns, default x1, x2, ...; where there is no X, of all parameters, by default their places in
            solution.params, as in "rate" or "coef[0]".
        title: a first line, default "".
        n_obs: the number of rows, default None: it is not shown.

    Returns:
        A `Summary`, which prints itself.

    Raises:
        ValueError: a batch of fits, or the wrong number of names.

    >>> import jaxnotes as jn
    >>> data = jn.datasets.challenger()
    >>> solution = jn.logistic_regression.fit(data.X, data.y)
    >>> inference = jn.logistic_regression.infer(solution, data.X, data.y)
    >>> print(summary(solution, inference, data.names, title="O-ring distress", n_obs=23))
    O-ring distress
    n_obs 23, CONVERGED in 4 steps, objective 0.44163, scaled gradient ...,
    off by at most 1e-05 se (4 digits),
    in float32 (jn.x64() keeps the digits of float64 data)
    ---------------------------------------------------------------
                 estimate      se      z  p-value    lower    upper
    ---------------------------------------------------------------
    intercept      15.043   7.379   2.04   0.0415    0.581   29.505
    temperature   -0.2322  0.1082  -2.14   0.0320  -0.4443  -0.0200
    ---------------------------------------------------------------
    """
    if np.ndim(solution.status) != 0:
        raise ValueError(
            f"solution: expected one fit, got a batch of shape {np.shape(solution.status)}. "
            "Pick a lane of solution and inference with jax.tree.map(lambda leaf: leaf[0], solution), "
            "or take all lanes as columns, with jn.show.columns."
        )
    table = columns(solution, inference, names)
    status = Status(int(solution.status))
    facts = [f"{status.name} in {int(solution.steps)} steps", *_quality(solution)]
    if n_obs is not None:
        facts.insert(0, f"n_obs {n_obs:,.10g}")
    if np.isfinite(inference.df):
        facts.append(f"df {float(inference.df):,.10g}")
    if np.asarray(solution.value).dtype == np.float32:
        facts.append("in float32 (jn.x64() keeps the digits of float64 data)")
    heads = ("", "estimate", "se", "z" if np.isposinf(inference.df) else "t", "p-value", "lower", "upper")
    rows = tuple(_row(*cells) for cells in zip(*table.values(), strict=True))
    note = "" if status == Status.CONVERGED else f"{status.name}: {MESSAGES[status]}"
    return Summary(title, tuple(facts), heads, rows, note)


def columns(
    solution: Solution, inference: Inference, names: Sequence[str] | None = None, *, keys: Any = None
) -> dict[str, Any]:
    """The same table for machines: a dict of columns with an entry for each parameter, ready for `pandas.DataFrame`.

    Of a batch, as `jax.vmap` returns it, all lanes stand one below the other.

    Args:
        solution: what a `fit` returned for one problem or a batch.
        inference: what the `infer` that follows it returned.
        names: of X's columns or of all parameters, as in `summary`.
        keys: what tells the lanes of a batch apart, an array (L,) or a dict of such arrays by name; default None: their
            numbers, in the column lane.

    Returns:
        The columns name, estimate, se, statistic, pvalue, lower and upper; of a batch with lane, or the keys,
        before and with status, in words, behind.

    Raises:
        ValueError: the wrong number of names or keys.

    >>> import jaxnotes as jn
    >>> data = jn.datasets.challenger()
    >>> solution = jn.logistic_regression.fit(data.X, data.y)
    >>> table = columns(solution, jn.logistic_regression.infer(solution, data.X, data.y), data.names)
    >>> table["name"], table["se"].round(4)
    (['intercept', 'temperature'], array([7.3786, 0.1082], dtype=float32))
    """
    status = np.asarray(solution.status)
    fields = ("estimate", "se", "statistic", "pvalue", "lower", "upper")
    table = {field: np.asarray(getattr(inference, field)) for field in fields}
    if status.ndim == 0:
        return {"name": _names(solution.params, names), **table}
    lanes, many = status.size, table["estimate"].shape[-1]
    keys = {"lane": np.arange(lanes)} if keys is None else keys if isinstance(keys, dict) else {"key": keys}
    for name, key in keys.items():
        if len(key) != lanes:
            raise ValueError(f"keys: expected {lanes} entries, one per lane, got {len(key)} in {name!r}.")
    one = jax.tree.map(lambda leaf: leaf[(0,) * status.ndim], solution.params)
    return {
        **{name: np.repeat(np.asarray(key), many) for name, key in keys.items()},
        "name": _names(one, names) * lanes,
        **{field: values.reshape(-1) for field, values in table.items()},
        "status": np.array([kind.name for kind in Status])[np.repeat(status.reshape(-1), many)],
    }


def _quality(solution: Solution) -> list[str]:
    """How good the answer is, as far as there are numbers for it."""
    value, grad_norm, error = (float(x) for x in (solution.value, solution.grad_norm, solution.error))
    facts = []
    if math.isfinite(value):
        facts.append(f"objective {_number(value)}")
    if math.isfinite(grad_norm):
        facts.append(f"scaled gradient {grad_norm:.1e}")
    if math.isfinite(error):
        digits = max(0, math.floor(-math.log10(max(error, 1e-16))))
        facts.append(f"off by at most {error:.1g} se ({digits} digits)")
    return facts


def _names(params: Any, names: Sequence[str] | None) -> list[str]:
    """One name for each of the flat parameters. With several classes, term[k] is that of row k of params.coef."""
    if not isinstance(params, LinearParams):
        return _checked(names, observations.names(params))
    first = [] if params.intercept is None else ["intercept"]
    terms = first + _checked(names, [f"x{j + 1}" for j in range(params.coef.shape[-1])])
    if params.coef.ndim == 1:
        return terms
    return [f"{term}[{k}]" for k in range(params.coef.shape[0]) for term in terms]


def _checked(names: Sequence[str] | None, default: list[str]) -> list[str]:
    """The names given, if there are as many as needed; the default without any."""
    if names is not None and len(names) != len(default):
        raise ValueError(f"names: expected {len(default)}, one per column of X or per parameter, got {len(names)}.")
    return default if names is None else list(names)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of equal length: the first column to the left, cut to the room there is, the others to the right."""
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    widths[0] = min(widths[0], WIDTH - sum(width + 2 for width in widths[1:]))
    numbers = ["".join(cell.rjust(width + 2) for cell, width in zip(row[1:], widths[1:], strict=True)) for row in rows]
    labels = [row[0] if len(row[0]) <= widths[0] else row[0][: widths[0] - 2] + ".." for row in rows]
    return [label.ljust(widths[0]) + line for label, line in zip(labels, numbers, strict=True)]


def _wrapped(facts: Sequence[str]) -> list[str]:
    """Lines of facts, broken between them only."""
    lines = textwrap.wrap(", ".join(fact.replace(" ", "\xa0") for fact in facts), WIDTH)
    return [line.replace("\xa0", " ") for line in lines]


def _row(name: str, estimate: Any, se: Any, statistic: Any, pvalue: Any, lower: Any, upper: Any) -> tuple[str, ...]:
    """The cells of one parameter. Four digits of its standard error decide how many decimals are worth printing."""
    values = [float(value) for value in (estimate, se, lower, upper)]
    cells = [_number(value) for value in values]
    if 0 < se < np.inf:
        decimals = max(0, 3 - math.floor(math.log10(se)))
        fixed = [f"{value:.{decimals}f}" for value in values]
        cells = fixed if max(map(len, fixed)) <= 10 else cells
    test = f"{float(statistic):.2f}" if abs(statistic) < 1e4 else f"{float(statistic):.2e}"
    return name, *cells[:2], test, _pvalue(pvalue), *cells[2:]


def _number(value: float) -> str:
    """Five significant digits in at most 10 characters; whole numbers below 1e7 keep all of theirs."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if not 1e-3 <= abs(value) < 1e7:
        return f"{value:.3e}"
    return f"{value:.{max(0, 4 - math.floor(math.log10(abs(value))))}f}"


def _pvalue(value: Any) -> str:
    """Three significant digits; where the tail underflows to 0, a bound."""
    if value == 0:
        return "<1e-300" if np.asarray(value).dtype == np.float64 else "<1e-37"
    return f"{float(value):#.3g}"
