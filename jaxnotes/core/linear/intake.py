"""The door of the room: the data of one problem, checked once, of one dtype, as the engines take them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values import arrays, settings, tiles
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.params import LinearParams, of_solution
from jaxnotes.core.values.status import Solution
from jaxnotes.core.values.tiles import Tile


class Design(NamedTuple):
    """The data of one problem: X (n, p); y, weights and offset (n,), or (1,) where one value serves all rows.

    tile: which rows of the problem these are, where they are not all.
    """

    X: Array
    y: Any
    weights: Array
    offset: Array
    l2: Array
    tol: Array
    tile: Tile | None = None


class Equations(NamedTuple):
    """The data of one problem: X (n, p); y, weights and precision (n,), the latter two or (1,) for all rows; l2 ().

    tile: as in `Design`.
    """

    X: Array
    y: Array
    weights: Array
    precision: Array
    l2: Array
    tile: Tile | None = None


def design(
    X: Array, y: Any, weights: ArrayLike | None, offset: ArrayLike | None, l2: ArrayLike, tol: ArrayLike | None
) -> Design:
    """What the fit of a family needs, of the dtype of X; y was checked by the family's chapter."""
    n, dtype = X.shape[0], X.dtype
    return Design(
        X=X,
        y=y,
        weights=arrays.per_row_or("weights", weights, 1, n, dtype),
        offset=arrays.per_row_or("offset", offset, 0, n, dtype),
        l2=arrays.nonnegative("l2", l2).astype(dtype),
        tol=settings.tolerance(tol, dtype),
        tile=tiles.given(),
    )


def check_range(data: Design, valid: Callable[[Any], Any], rule: str, hint: str) -> None:
    """Raise ValueError where y of a row that counts is out of its range; a traced y is judged by its status instead."""
    rows = (data.y, data.weights)
    if any(map(arrays.is_traced, jax.tree.leaves(rows))):
        return
    y, weights = jax.tree.map(np.asarray, rows)
    finite = np.all(np.stack(np.broadcast_arrays(*map(np.isfinite, jax.tree.leaves(y)))), axis=0)
    with np.errstate(invalid="ignore"):
        wrong = np.flatnonzero(~valid(y) & finite & (weights > 0))
    if len(wrong):
        shown = ", ".join(str(leaf[wrong[0] if len(leaf) > 1 else 0]) for leaf in jax.tree.leaves(y))
        raise ValueError(f"{rule}, got {shown} in row {wrong[0]}. {hint}")


def equations(
    X: ArrayLike,
    y: ArrayLike,
    intercept: bool,
    weights: ArrayLike | None,
    precision: ArrayLike | None,
    l2: ArrayLike,
) -> Equations:
    """What least squares needs."""
    X = arrays.design(X, intercept=intercept, y=y)
    n = X.shape[0]
    y = arrays.per_row("y", y, n)
    dtype = jnp.result_type(X, y)
    return Equations(
        X=X.astype(dtype),
        y=y.astype(dtype),
        weights=arrays.per_row_or("weights", weights, 1, n, dtype),
        precision=arrays.per_row_or("precision", precision, 1, n, dtype),
        l2=arrays.nonnegative("l2", l2).astype(dtype),
        tile=tiles.given(),
    )


def equations_of(
    solution: Solution,
    X: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None,
    precision: ArrayLike | None,
    l2: ArrayLike = 0.0,
) -> Equations:
    """The same, checked against a fit of them."""
    params = of_solution(solution, LinearParams)
    data = equations(X, y, params.intercept is not None, weights, precision, l2)
    arrays.matches("solution.params.coef", params.coef, (data.X.shape[1],))
    return data


def new_rows(solution: Solution[LinearParams], X: ArrayLike) -> Array:
    """Rows to predict, (m, p), checked against a fit."""
    params = of_solution(solution, LinearParams)
    features = params.coef.shape[-1]
    X = arrays.design(X, intercept=params.intercept is not None, features=features)
    arrays.matches("solution.params.coef", params.coef, (*params.coef.shape[:-1], X.shape[1]))
    return X
