"""What a formula means for one frame: levels, settings, dtype. No data; JSON and picklable, for workers and files."""

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from jaxnotes.tables import expressions, formula
from jaxnotes.tables.formula import Column, Factor, Parsed, check_name
from jaxnotes.tables.frames import Levels, Source, is_numeric, values

MODELS = {
    "linear": "least_squares",
    "logistic": "logistic_regression",
    "multinomial": "multinomial_regression",
}
BY_ROW = ("weights", "precision", "offset", "trials")
CHOICES = {"missing": ("raise", "drop", "weight"), "absent": ("drop", "keep"), "null_keys": ("keep", "drop")}


@dataclass(frozen=True)
class Spec:
    """How rows of a frame become models: the formula, the levels of its labels, and the settings of `jn.tables.fit`.

    Attributes:
        formula: as it was written.
        model: "linear", "logistic", "multinomial", or "design" where there is none.
        by: the key columns.
        levels: of each factor of the right side, the first one the reference; None of one that is numbers.
        response_levels: the labels of the response in order; None where it is numbers.
        dtype: "float32" or "float64".
        missing: "raise", "drop" or "weight".
        absent: "drop" or "keep".
        null_keys: "keep" or "drop".
        cov: the covariance.
        groups: the column of clusters, or None.
        weights: the column of frequencies, or None.
        precision: the column of 1 / variance, or None.
        offset: the column that is added to the linear predictor, or None.
        trials: the column of how many y counts, or None.
        l2: the penalty.
        level: of the intervals.
    """

    formula: str
    model: str
    by: tuple[str, ...]
    levels: dict[str, list[Any] | None]
    response_levels: list[Any] | None
    dtype: str
    missing: str = "raise"
    absent: str = "drop"
    null_keys: str = "keep"
    cov: str = "nonrobust"
    groups: str | None = None
    weights: str | None = None
    precision: str | None = None
    offset: str | None = None
    trials: str | None = None
    l2: float = 0.0
    level: float = 0.95

    @cached_property
    def parsed(self) -> Parsed:
        """The terms of the formula."""
        return formula.parse(self.formula)

    @cached_property
    def columns(self) -> list[Column]:
        """The columns of X."""
        return formula.columns(self.parsed, self.levels)

    @property
    def names(self) -> list[str]:
        """The names of X's columns."""
        return [column.name for column in self.columns]

    @property
    def terms(self) -> list[str]:
        """The names of the parameters of one predictor, the intercept first."""
        return ["intercept"] * self.parsed.intercept + self.names

    @property
    def chapter(self) -> ModuleType:
        """Whose verbs fit it."""
        return import_module(f"jaxnotes.{MODELS[self.model]}")

    @property
    def by_row(self) -> dict[str, str]:
        """The columns of numbers beside X and y, by what they are."""
        given = {name: getattr(self, name) for name in BY_ROW}
        return {name: column for name, column in given.items() if column is not None}

    @property
    def needs(self) -> list[str]:
        """All columns that a fit needs."""
        of_terms = [column for factor in (self.parsed.response, *self.parsed.factors) for column in factor.columns]
        clusters = [] if self.groups is None else [self.groups]
        return list(dict.fromkeys([*self.by, *of_terms, *self.by_row.values(), *clusters]))

    def to_json(self) -> str:
        """As text, for files and workers."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "Spec":
        """The spec of this text.

        Args:
            text: what `to_json` gave.

        Returns:
            The `Spec`.
        """
        fields = json.loads(text)
        return Spec(**{**fields, "by": tuple(fields["by"])})


def make(
    source: Source, text: str, model: Any, by: Any, dtype: str | None, settings: dict[str, Any], *, hold: bool = False
) -> Spec:
    """The spec of a formula for this frame, its levels from one scan. hold: whether the rows are wanted afterwards."""
    parsed = formula.parse(text)
    parsed.check_names(source.names)
    keys = () if by is None else (by,) if isinstance(by, str) else tuple(by)
    named = {name: settings[name] for name in (*BY_ROW, "groups") if name in settings}
    for what, column in [*(("by", key) for key in keys), *named.items()]:
        if column is not None:
            check_name(what, column, source.names)
    for name, offered in CHOICES.items():
        if settings.get(name, offered[0]) not in offered:
            raise ValueError(f"{name}: expected one of {', '.join(offered)}, got {settings[name]!r}.")
    model = _model_name(model)
    used = Spec(text, model, keys, {}, None, "float64", **settings).needs
    if hold:
        source.hold(used)
    types = source.types(used)
    for what, column in named.items():
        if column is not None and what != "groups" and not is_numeric(types[column]):
            raise TypeError(f"{what}: expected numbers, column {column!r} holds {types[column]}.")
    levels = {factor.text: _levels(source, factor, types) for factor in parsed.factors}
    response_levels = _response_levels(source, parsed.response, types, model)
    numbers = [types[column] for column in used if column not in keys and is_numeric(types[column])]
    return Spec(text, model, keys, levels, response_levels, _dtype(dtype, numbers), **settings)


def encode(column: np.ndarray | Levels, levels: list[Any]) -> np.ndarray:
    """The place of each entry among the levels, int32: -1 where it is missing, -2 where it is none of them."""
    if isinstance(column, Levels):
        places = {level: k for k, level in enumerate(levels)}
        table = np.array([places.get(_label(label), -2) for label in column.labels] + [-1], np.int32)
        return table[column.codes]
    known = np.array(levels, np.float64)
    order = np.argsort(known)
    near = np.minimum(np.searchsorted(known, column, sorter=order), len(known) - 1)
    found = order[near].astype(np.int32)
    return np.where(np.isnan(column), -1, np.where(known[found] == column, found, -2)).astype(np.int32)


def _model_name(model: Any) -> str:
    name = getattr(model, "__name__", model)
    name = next((known for known, chapter in MODELS.items() if name == f"jaxnotes.{chapter}"), name)
    if name not in (*MODELS, "design"):
        raise ValueError(f"model: expected {', '.join(MODELS)} or such a chapter, got {model!r}.")
    return name


def _dtype(asked: str | None, types: list[Any]) -> str:
    """float32 where it is asked for, or where all columns of floats are; else float64."""
    if asked not in (None, "float32", "float64"):
        raise ValueError(f"dtype: expected None, 'float32' or 'float64', got {asked!r}.")
    floats = {str(kind) for kind in types if str(kind) in ("float", "double", "halffloat")}
    return asked or ("float32" if floats == {"float"} else "float64")


def _levels(source: Source, factor: Factor, types: dict[str, Any]) -> list[Any] | None:
    """The levels of a factor of labels, or of C(...); None where it is numbers."""
    expression = factor.expression
    alone = factor.columns[0] if factor.lookup else None
    if alone is not None and str(types[alone]).startswith(("date", "time", "duration")):
        raise TypeError(
            f"formula: expected numbers or labels in {alone!r}, got {types[alone]}. Add a column of numbers, or write "
            f"C({alone}) for one level a date."
        )
    if not expression.category and (alone is None or is_numeric(types[alone])):
        return None
    found = list(expression.levels) if expression.levels is not None else _distinct(source, factor, types)
    if expression.base is not None:
        if expression.base not in found:
            raise ValueError(f"formula: {expression.base!r} is no level of {factor.text}; there are {found[:10]}.")
        found = [expression.base, *(level for level in found if level != expression.base)]
    if not found:
        raise ValueError(f"formula: {factor.text} holds no level, all its rows are missing.")
    return found


def _distinct(source: Source, factor: Factor, types: dict[str, Any]) -> list[Any]:
    """The different entries of a factor, sorted, or in the order that their type gives them."""
    table = source.distinct(list(dict.fromkeys(factor.columns)))
    held = expressions.evaluate(factor.expression, {name: values(table[name]) for name in table.column_names})
    if isinstance(held, Levels):
        seen = [held.labels[k] for k in range(len(held.labels)) if k in set(np.unique(held.codes).tolist())]
        found = [_label(label) for label in seen]
        return (
            found if held.ordered and not source.in_order_of_appearance(factor.columns[0]) else sorted(found, key=str)
        )
    found = np.unique(held[~np.isnan(held)])
    if len(factor.columns) == 1 and str(types[factor.columns[0]]) == "bool" and set(found) <= {0, 1}:
        return [bool(level) for level in found]
    return [int(level) if float(level).is_integer() else float(level) for level in found]


def _response_levels(source: Source, factor: Factor, types: dict[str, Any], model: str) -> list[Any] | None:
    alone = factor.columns[0]
    numbers = all(is_numeric(types[column]) for column in factor.columns)
    if factor.expression.category:
        raise ValueError(f"formula: the response {factor.text} stands without C().")
    if numbers and model != "multinomial":
        return None
    if model == "linear":
        raise TypeError(f"formula: expected numbers in the response {alone!r}, got {types[alone]}.")
    found = _distinct(source, factor, types)
    if model == "logistic" and len(found) != 2:
        raise ValueError(
            f"formula: expected two levels in the response {alone!r}, got {len(found)}: {found[:10]}. "
            "For more use model='multinomial'."
        )
    if model == "multinomial" and len(found) < 2:
        raise ValueError(f"formula: expected two levels or more in the response {factor.text!r}, got {found}.")
    return found


def _label(label: Any) -> Any:
    """A label as JSON has it."""
    return label if isinstance(label, (str, int, float, bool)) else str(label)
