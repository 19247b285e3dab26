"""The data of a model with linear predictors, and the likelihood that judges them row by row."""

from collections.abc import Callable
from typing import Any, NamedTuple

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
