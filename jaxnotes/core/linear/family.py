"""The data of a model with linear predictors, and the likelihood that judges them row by row."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array


class Parts(NamedTuple):
    """A row's derivatives in eta as sums over its r parts: score = sum_r u_r c_r, information = sum_r i_r c_r c_r'.

    direction: c, (m, r, n). score and information: u and i, (r, n).
    """

    direction: Array
    score: Array
    information: Array


class Family(NamedTuple):
    """A likelihood by rows: y is a pytree of arrays (..., n), and eta (..., m, n) holds m linear predictors.

    loglik: (eta, y) -> log-likelihood (..., n). derivatives: (eta, y) -> loglik, its gradient in eta (..., m, n) and
    minus its Hessian in eta (..., m, m, n). valid: y -> True where y lies in its range, (..., n). label: y -> the class
    that the row belongs to, -1 where it has several, (..., n).

    Two more say when a maximum exists (see `existence`). margins: (eta, y) -> (c, ..., n), linear in eta: loglik never
    falls along a direction whose margins are all >= 0. multipliers: (eta, y) -> (c, ..., n), not negative: the weights
    with which the gradients of the margins sum to that of loglik.

    parts: (eta, y) -> `Parts` of one problem, needed for inference with several predictors.
    """

    loglik: Callable[[Array, Any], Array]
    derivatives: Callable[[Array, Any], tuple[Array, Array, Array]]
    valid: Callable[[Any], Array]
    label: Callable[[Any], Array]
    margins: Callable[[Array, Any], Array]
    multipliers: Callable[[Array, Any], Array]
    parts: Callable[[Array, Any], Parts] | None = None


class Design(NamedTuple):
    """The data of one problem: X (n, p); y, weights and offset (n,), or (1,) where one value serves all rows."""

    X: Array
    y: Any
    weights: Array
    offset: Array
    l2: Array
    tol: Array


def checked_design(
    X: Array, y: Any, weights: ArrayLike | None, offset: ArrayLike | None, l2: ArrayLike, tol: ArrayLike | None
) -> Design:
    """Checked data of one problem, of the dtype of X; tol defaults to max(1e-10, 8 eps)."""
    n, dtype = X.shape[0], X.dtype
    if tol is None:
        tol = max(1e-10, 8 * float(jnp.finfo(dtype).eps))
    return Design(
        X=X,
        y=y,
        weights=arrays.per_row_or("weights", weights, 1, n, dtype),
        offset=arrays.per_row_or("offset", offset, 0, n, dtype),
        l2=arrays.nonnegative("l2", l2).astype(dtype),
        tol=arrays.nonnegative("tol", tol).astype(dtype),
    )
