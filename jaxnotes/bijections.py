"""Parameters with a restricted range, written as one-to-one functions of free ones: `bijection={"rate": positive()}`.

>>> import jax.numpy as jnp, jaxnotes as jn
>>> print(jn.bijections.forward(jn.bijections.simplex(), jnp.zeros(3)))
[0.25 0.25 0.25 0.25]
"""

from jaxnotes.core.descent.bijections import Bijection, bounded, forward, inverse, ordered, positive, real, simplex

__all__ = ["Bijection", "bounded", "forward", "inverse", "ordered", "positive", "real", "simplex"]
