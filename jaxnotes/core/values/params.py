"""The parameters of a model whose rows enter through a linear predictor, with names and as one vector."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxnotes.core.values import habits
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.public import public
from jaxnotes.core.values.status import Solution


@public("jaxnotes")
@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LinearParams:
    """Parameters of a model whose rows enter through `X @ coef + intercept`.

    Attributes:
        coef: (p,), or one row per predictor for several classes, (n_predictors, p).
        intercept: (), or one per predictor, (n_predictors,); None where none was fitted.
    """

    coef: Array
    intercept: Array | None

    if not TYPE_CHECKING:  # to a type checker every name would be there

        def __getattr__(self, name: str) -> Any:
            raise habits.missing(self, name, habits.PARAMS)


def of_solution(solution: Solution[Any], kind: type = object) -> Any:
    """The params of a solution, of this kind; TypeError for what is none."""
    if not isinstance(solution, Solution) or not isinstance(solution.params, kind):
        got = type(solution).__name__ if not isinstance(solution, Solution) else "one of another chapter"
        raise TypeError(
            f"solution: expected what fit returned, got {got}. "
            "The solution stands before the data, as in infer(solution, X, y) and predict(solution, X)."
        )
    return solution.params


def as_params(theta: Array, intercept: bool) -> LinearParams:
    """Parameters with names from theta (..., q), intercept first."""
    return LinearParams(theta[..., 1:], theta[..., 0]) if intercept else LinearParams(theta, None)


def as_theta(params: LinearParams) -> Array:
    """The inverse of `as_params`."""
    if params.intercept is None:
        return params.coef
    return jnp.concatenate([params.intercept[..., None], params.coef], axis=-1)
