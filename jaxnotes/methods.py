"""Rules for one step downhill, which `jaxnotes.minimize` and `jaxnotes.minimize_path` repeat: `method=newton()`.

>>> import jax.numpy as jnp, jaxnotes as jn
>>> solution = jn.minimize(lambda x: jnp.sum((x - 2.0) ** 2), jnp.zeros(1), method=jn.methods.gradient_descent(0.5))
>>> print(solution.params)
[2.]
"""

from jaxnotes.core.descent.methods import (
    Iterate,
    Method,
    Objective,
    Rate,
    backtracking,
    from_optax,
    gradient_descent,
    inverse_curvature,
    lbfgs,
    momentum,
    nesterov,
    newton,
)

__all__ = [
    "Iterate",
    "Method",
    "Objective",
    "Rate",
    "backtracking",
    "from_optax",
    "gradient_descent",
    "inverse_curvature",
    "lbfgs",
    "momentum",
    "nesterov",
    "newton",
]
