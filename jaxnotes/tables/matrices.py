"""The record (X, y, names, spec) of a frame and a formula, built by blocks of rows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxnotes.tables import expressions
from jaxnotes.tables.frames import Levels, Source, values
from jaxnotes.tables.specs import Spec, encode, make

BLOCK = 2**18  # rows that are evaluated at once

Raw = Mapping[str, np.ndarray | Levels]


class Design(NamedTuple):
    """What a formula makes of a frame.

    Attributes:
        X: the columns of the terms, without the intercept, (n, p).
        y: the response, (n,): numbers, or the place of the level; None where the frame has it not.
        names: of X's columns.
        spec: the `Spec`, which builds the same columns from new rows, as in design(new_frame, spec).
        weights: 0 in rows with missing values, 1 in the others, (n,).
    """

    X: np.ndarray
    y: np.ndarray | None
    names: list[str]
    spec: Spec
    weights: np.ndarray


def design(frame: Any, formula: str | Spec, missing: str = "raise") -> Design:
    """The design of a formula: X and y as arrays, for any function of arrays.

    Factors of text become columns of 0 and 1, the first level in sorted order the reference, by formulaic's rules and
    names: log, log2, exp, ..., np.*, C(x), C(x, Treatment("b")), x:z, x * z, - 1. Booleans are 0 and 1.

    Args:
        frame: a data frame: pandas, polars (lazy too), pyarrow, a DuckDB relation.
        formula: "y ~ x + C(z)", or the spec of an earlier design, for the same columns of new rows.
        missing: what is done with rows that lack a value: "raise" (default), "drop", or "weight": they stay, with 0 for
            each value and weight 0.

    Returns:
        A `Design`.

    Raises:
        ValueError, TypeError: a column that is not there, text where numbers are expected, a missing value.

    >>> import pyarrow as pa
    >>> frame = pa.table({"sold": [3.0, 5.0, 4.0], "day": ["Mon", "Tue", "Mon"], "price": [1.0, 2.0, 4.0]})
    >>> made = design(frame, "sold ~ np.log2(price) + day")
    >>> print(made.names, made.X.tolist())
    ['np.log2(price)', 'day[T.Tue]'] [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]
    """
    source = Source(frame)
    spec = formula if isinstance(formula, Spec) else make(source, formula, "design", None, None, {"missing": missing})
    of_terms = list(dict.fromkeys(column for factor in spec.parsed.factors for column in factor.columns))
    with_y = all(column in source.names for column in spec.parsed.response.columns)
    if not isinstance(formula, Spec) or not with_y:
        spec.parsed.check_names([*source.names, *spec.parsed.response.columns])
    raw = read(
        source.table(
            [*of_terms, *(c for c in spec.parsed.response.columns if c not in of_terms)] if with_y else of_terms
        )
    )
    n = len(next(iter(raw.values()))) if raw else source.table().num_rows
    X, y = np.empty((n, len(spec.columns)), spec.dtype), np.empty(n, spec.dtype)
    lost: dict[str, int] = {}
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n))
        block = pick(raw, rows)
        held = factors(spec, block)
        X[rows] = matrix(spec, held, len(rows))
        if with_y:
            y[rows] = response(spec, block)
            held[spec.parsed.response.text] = y[rows]
        for name, count in lacking(held).items():
            lost[name] = lost.get(name, 0) + count
    lacks = np.any(np.isnan(X), axis=1) | (np.isnan(y) if with_y else False)
    if missing == "raise":
        refuse(lost, n)
    if missing == "drop":
        X, y, lacks = X[~lacks], y[~lacks], lacks[~lacks]
    X[lacks], y[lacks] = 0, 0
    return Design(X, y if with_y else None, spec.names, spec, (~lacks).astype(spec.dtype))


def read(table: Any) -> dict[str, np.ndarray | Levels]:
    """The columns of an Arrow table, as numbers or labels."""
    return {name: values(table[name]) for name in table.column_names}


def pick(raw: Raw, rows: np.ndarray) -> dict[str, np.ndarray | Levels]:
    """These rows of all columns."""
    return {
        name: column.take(rows) if isinstance(column, Levels) else np.take(column, rows, mode="clip")
        for name, column in raw.items()
    }


def factors(spec: Spec, raw: Raw) -> dict[str, np.ndarray]:
    """The factors of the right side: numbers, NaN where missing, or places of levels, negative where missing."""
    numbers = _as_numbers(spec, raw)
    held = {}
    for factor in spec.parsed.factors:
        column = expressions.evaluate(factor.expression, numbers)
        known = spec.levels[factor.text]
        if known is not None:
            held[factor.text] = encode(column, known)
        elif isinstance(column, Levels):
            raise TypeError(f"{factor.text}: expected numbers, got labels such as {column.labels[:1]}.")
        else:
            held[factor.text] = np.asarray(column, spec.dtype)
    return held


def matrix(spec: Spec, held: dict[str, np.ndarray], n: int) -> np.ndarray:
    """The columns of X from factors, NaN in rows where one is missing, (n, p)."""
    X = np.empty((n, len(spec.columns)), spec.dtype)
    for j, column in enumerate(spec.columns):
        for k, part in enumerate(column.parts):
            entries = held[part.factor] if part.level is None else held[part.factor] == part.level
            X[:, j] = entries if k == 0 else X[:, j] * entries
    for name, known in spec.levels.items():
        if known is not None and np.any(held[name] < 0):
            X[held[name] < 0] = np.nan
    return X


def response(spec: Spec, raw: Raw) -> np.ndarray:
    """The response: numbers, or places of levels; NaN where missing, (n,)."""
    column = expressions.evaluate(spec.parsed.response.expression, _as_numbers(spec, raw))
    if spec.response_levels is None:
        if isinstance(column, Levels):
            raise TypeError(f"{spec.parsed.response.text}: expected numbers, got labels such as {column.labels[:1]}.")
        return np.asarray(column, spec.dtype)
    places = encode(column, spec.response_levels)
    return np.where(places < 0, np.nan, places).astype(spec.dtype)


def lacking(held: dict[str, np.ndarray]) -> dict[str, int]:
    """How many rows each factor lacks, of those that lack any."""
    counts = {name: int(np.count_nonzero(gaps(entries))) for name, entries in held.items()}
    return {name: count for name, count in counts.items() if count}


def gaps(entries: np.ndarray) -> np.ndarray:
    """Where a factor is missing."""
    return entries < 0 if entries.dtype.kind == "i" else np.isnan(entries)


def refuse(lost: dict[str, int], n: int) -> None:
    """Raise ValueError for rows that lack a value."""
    if lost:
        told = ", ".join(f"{count:,} in {name}" for name, count in lost.items())
        raise ValueError(
            f"missing: of {n:,} rows there are without a value, or with one that has no number: {told}. "
            "Use missing='drop' to leave them out (they are counted), or 'weight' to keep them with weight 0."
        )


def _as_numbers(spec: Spec, raw: Raw) -> dict[str, np.ndarray | Levels]:
    return {name: c if isinstance(c, Levels) else c.astype(spec.dtype, copy=False) for name, c in raw.items()}
