"""A formula as terms, by formulaic's grammar, and the columns that terms become once the levels of labels are known."""

import difflib
import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

from jaxnotes.tables import expressions
from jaxnotes.tables.needs import needed


class Factor(NamedTuple):
    """One side of an interaction: the text of an expression, or the name of a column (a lookup)."""

    text: str
    lookup: bool

    @property
    def expression(self) -> expressions.Expression:
        """What it says."""
        return expressions.parse(self.text, self.lookup)

    @property
    def columns(self) -> list[str]:
        """The columns that it needs."""
        return list(self.expression.columns.values())


class Parsed(NamedTuple):
    """response ~ terms, each a tuple of factors; intercept: whether there is one."""

    response: Factor
    terms: tuple[tuple[Factor, ...], ...]
    intercept: bool

    @property
    def factors(self) -> list[Factor]:
        """The different factors of the right side, in order."""
        return list(dict.fromkeys(factor for term in self.terms for factor in term))

    def check_names(self, names: Iterable[str]) -> None:
        """Raise ValueError for a column that the frame has not."""
        for factor in (self.response, *self.factors):
            for column in factor.columns:
                check_name("formula", column, names)


def check_name(what: str, column: str, names: Iterable[str]) -> None:
    """Raise ValueError, with the nearest name, unless the frame has this column."""
    names = list(names)
    if column not in names:
        near = difflib.get_close_matches(str(column), names, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(map(repr, names[:10]))}."
        raise ValueError(f"{what}: the frame has no column {column!r}. {hint}")


def parse(text: str) -> Parsed:
    """The formula of this text."""
    if not isinstance(text, str):
        raise TypeError(f"formula: expected text such as 'y ~ x', got {type(text).__name__}.")
    formulaic = needed("formulaic")
    if "|" in text:
        raise ValueError(f"formula: | is not offered, in {text!r}. For one model per group name the keys: by='...'.")
    try:
        parsed = formulaic.Formula(text)
    except Exception as error:  # of several families, some of them not public
        raise ValueError(f"formula: {text!r} cannot be read. {str(error).strip().splitlines()[0]}") from None
    if not hasattr(parsed, "lhs"):
        raise ValueError(f"formula: expected 'response ~ terms', got {text!r} without a ~.")
    left, right = ([_factors(term) for term in side] for side in (parsed.lhs, parsed.rhs))
    if len(left) != 1 or len(left[0]) != 1:
        raise ValueError(f"formula: expected one response before the ~, got {text!r}.")
    terms = [term for term in right if term]
    return Parsed(left[0][0], tuple(terms), len(terms) < len(right))


def _factors(term: Any) -> tuple[Factor, ...]:
    """The factors of a term, none of the intercept's."""
    if all(factor.eval_method.value == "literal" for factor in term.factors):
        if str(term) != "1":
            raise ValueError(f"formula: a term of the number {term} is not offered.")
        return ()
    return tuple(Factor(factor.expr, factor.eval_method.value == "lookup") for factor in term.factors)


class Part(NamedTuple):
    """What a factor gives to a column: its numbers (level None), or where it has the level of this place.

    reduced: whether the first level stands for the absence of all, and has no column.
    """

    factor: str
    level: int | None
    reduced: bool


class Column(NamedTuple):
    """A column of the design: the product of its parts."""

    name: str
    parts: tuple[Part, ...]


# A term with for each factor whether it is reduced.
Scoped = tuple[tuple[str, bool], ...]


def columns(parsed: Parsed, levels: dict[str, list[Any] | None]) -> list[Column]:
    """The columns that span the terms, none twice. levels: of each factor; None of one that is numbers."""
    spanned: set[frozenset[tuple[str, bool]]] = {frozenset()} if parsed.intercept else set()
    found: list[Column] = []
    for term in parsed.terms:
        choices = [((f.text, False),) if levels[f.text] is None else ((f.text, True), None) for f in term]
        span = [tuple(part for part in parts if part is not None) for parts in itertools.product(*choices)]
        new = [scoped for scoped in span if frozenset(scoped) not in spanned]
        spanned.update(map(frozenset, span))
        for scoped in _simplified(new):
            found.extend(_columns_of(scoped, levels))
    return found


def _simplified(terms: list[Scoped]) -> list[Scoped]:
    """The fewest terms of the same span: anything, and it times a reduced factor, are it times the whole one."""
    kept: list[Scoped] = []
    for new in sorted(terms, key=len):
        for old in kept:
            more = set(new) - set(old)
            if len(new) == len(old) + 1 and len(more) == 1 and next(iter(more))[1]:
                whole = tuple((name, reduced and (name, reduced) not in more) for name, reduced in new)
                kept = _simplified([term for term in kept if term != old] + [whole])
                break
        else:
            kept.append(new)
    return kept


def _columns_of(scoped: Scoped, levels: dict[str, list[Any] | None]) -> list[Column]:
    """The columns of a term, the levels of its first factor the quickest to change."""
    choices: list[list[tuple[str, Part]]] = []
    for name, reduced in scoped:
        labels = levels[name]
        if labels is None:
            choices.append([(name, Part(name, None, False))])
        else:
            mark = "T." if reduced else ""
            first = 1 if reduced else 0
            choices.append([(f"{name}[{mark}{labels[k]}]", Part(name, k, reduced)) for k in range(first, len(labels))])
    combined = [parts[::-1] for parts in itertools.product(*choices[::-1])]
    return [Column(":".join(name for name, _ in parts), tuple(part for _, part in parts)) for parts in combined]
