"""The data of a model with linear predictors, and the likelihood that judges them row by row."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values.arrays import Array

# The status of a problem that a solver leaves to another.
OPEN = -1


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
    minus its Hessian in eta (..., m, m, n). score: the gradient in two words, for eta in two words. valid: y -> True
    where y lies in its range, (..., n), for arrays of NumPy's too. label: y -> the class that the row belongs to, -1
    where it has several, (..., n). start: (y, mean) -> the intercepts (L, m) of the model that has no more, by
    means (L,) of functions of y, (L, n) or (1, n), over the rows; not finite where it has none.

    Two more say when a maximum exists (see `existence`). margins: (eta, y) -> (c, ..., n), linear in eta: loglik never
    falls along a direction whose margins are all >= 0. log_multipliers: (eta, y) -> (c, ..., n), the logarithms of the
    weights with which the gradients of the margins sum to that of loglik, each up to a constant; -inf for none.

    parts: (eta, y) -> `Parts` of one problem, needed for inference with several predictors. invariant: whether one
    number added to all predictors changes nothing.
    """

    loglik: Callable[[Array, Any], Array]
    derivatives: Callable[[Array, Any], tuple[Array, Array, Array]]
    score: Callable[[Double, Any], Double]
    valid: Callable[[Any], Array]
    label: Callable[[Any], Array]
    start: Callable[[Any, Callable[[Array], Array]], Array]
    margins: Callable[[Array, Any], Array]
    log_multipliers: Callable[[Array, Any], Array]
    parts: Callable[[Array, Any], Parts] | None = None
    invariant: bool = False


class LinearModel(NamedTuple):
    """What is fixed while tracing: the likelihood, how many linear predictors, whether each has an intercept.

    thorough: whether a problem that Newton does not settle is examined; if not, its status is OPEN.
    """

    family: Family
    predictors: int
    intercept: bool
    max_steps: int
    thorough: bool = True


def parts_of(family: Family, eta: Array, y: Any) -> Parts:
    """The parts of each row at eta (m, n): a single one where there is one predictor."""
    if family.parts is not None:
        return family.parts(eta, y)
    _, score, information = family.derivatives(eta, y)
    return Parts(jnp.ones_like(information), score, information[0])
