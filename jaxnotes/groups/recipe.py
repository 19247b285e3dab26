"""What is done with the rows of one group: fit and infer, by the kind of chapter, as one function that can be mapped.

The function gets rows, a dict of arrays with rows first, among them "weights"; lane, a dict of what belongs to the
group alone; and shared, what is the same for all.
"""

import functools
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values.status import Solution

Rows = dict[str, Any]
TILED = ("least_squares", "logistic_regression", "multinomial_regression")
One = Callable[[Rows, Rows, Rows], tuple[Solution, Inference]]


@functools.lru_cache(maxsize=256)
def of_rows(chapter: ModuleType, intercept: bool, n_classes: int | None, cov: str) -> One:
    """fit(X, y) and infer(solution, X, y) of a chapter; the same settings give the same function, compiled once."""
    settings = {} if n_classes is None else {"n_classes": n_classes}

    def one(rows: Rows, lane: Rows, shared: Rows) -> tuple[Solution, Inference]:
        X, y, groups = rows["X"], rows["y"], rows.get("groups")
        data = {name: leaf for name, leaf in rows.items() if name not in ("X", "y", "groups")} | settings
        solution = chapter.fit(X, y, intercept=intercept, l2=shared["l2"], **data)
        inferred = chapter.infer(solution, X, y, l2=shared["l2"], cov=cov, groups=groups, level=shared["level"], **data)
        return solution, inferred

    return one


def of_curve(chapter: ModuleType, model: Any, start: Callable[[Rows, Rows], Any], cov: str) -> One:
    """fit(model, start, x, y) and infer of curve fitting."""

    def one(rows: Rows, lane: Rows, shared: Rows) -> tuple[Solution, Inference]:
        x, y = rows["X"], rows["y"]
        data = {name: leaf for name, leaf in rows.items() if name not in ("X", "y")}
        solution = chapter.fit(model, start(rows, lane), x, y, **data)
        return solution, chapter.infer(model, solution, x, y, cov=cov, level=shared["level"], **data)

    return one


def of_likelihood(chapter: ModuleType, log_prob: Any, start: Callable[[Rows, Rows], Any], cov: str) -> One:
    """fit(log_prob, start, data) and infer of maximum likelihood."""

    def one(rows: Rows, lane: Rows, shared: Rows) -> tuple[Solution, Inference]:
        data, weights, groups = rows["X"], rows["weights"], rows.get("groups")
        solution = chapter.fit(log_prob, start(rows, lane), data, weights=weights)
        inferred = chapter.infer(
            log_prob, solution, data, weights=weights, cov=cov, groups=groups, level=shared["level"]
        )
        return solution, inferred

    return one


def in_tiles(chapter: ModuleType, cov: str) -> bool:
    """Whether fit and infer of a chapter have a form for rows in tiles."""
    return chapter.__name__.rpartition(".")[2] in TILED and cov != "cluster"


def refuse_strangers(chapter: ModuleType, given: dict[str, Any]) -> None:
    """Raise TypeError for data that the chapter's fit does not take."""
    taken = inspect.signature(chapter.fit).parameters
    for name, value in given.items():
        if value is not None and name not in taken:
            offered = ", ".join(known for known in given if known in taken)
            raise TypeError(f"{name}: {chapter.__name__.rpartition('.')[2]}.fit takes none. It takes {offered}.")


def starts(start: Any, n_groups: int) -> tuple[Callable[[Rows, Rows], Any], Rows]:
    """Where a group begins, as a function of its rows and of what belongs to it alone, and the latter for all groups.

    start: one pytree for all, one whose leaves have an axis of n_groups first, or a function of (rows, weights).
    """
    if callable(start):
        return lambda rows, lane: start((rows["X"], rows["y"]) if "y" in rows else rows["X"], rows["weights"]), {}
    shapes = [jax.numpy.shape(leaf) for leaf in jax.tree.leaves(start)]
    if shapes and all(shape[:1] == (n_groups,) for shape in shapes):
        return lambda rows, lane: lane["start"], {"start": start}
    return lambda rows, lane: start, {}
