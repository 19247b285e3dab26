"""The parameters of a model whose rows enter through a linear predictor, with names and as one vector."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jaxnotes.core.values.arrays import Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LinearParams:
    """Parameters of a model whose rows enter through `X @ coef + intercept`.

    coef: (p,), or (n_classes, p) for several classes. intercept: () or (n_classes,), None where none was fitted.
    """

    coef: Array
    intercept: Array | None


def as_params(theta: Array, intercept: bool) -> LinearParams:
    """Parameters with names from theta (..., q), intercept first."""
    return LinearParams(theta[..., 1:], theta[..., 0]) if intercept else LinearParams(theta, None)


def as_theta(params: LinearParams) -> Array:
    """The inverse of `as_params`."""
    if params.intercept is None:
        return params.coef
    return jnp.concatenate([params.intercept[..., None], params.coef], axis=-1)
