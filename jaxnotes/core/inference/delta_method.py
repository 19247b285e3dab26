"""Estimates and covariances carried through a smooth function of the parameters, to first order."""

from collections.abc import Callable

import jax

from jaxnotes.core.inference.covariance import Estimate
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array


def transform(function: Callable[[Array], Array], of: Estimate) -> Estimate:
    """The estimate of function(theta), with its covariance.

        estimate = function(theta),  covariance = D V D',  D the Jacobian of the function at theta

    function goes from flat parameters (q,) to a vector (m,); df and usable stay.

    Source: van der Vaart, Asymptotic Statistics (1998), theorem 3.1.
    """
    D = jax.jacobian(function)(of.estimate)
    if of.unit is not None:
        D = D * of.unit[None]
    covariance = contract("aj,bj->ab", contract("ai,ij->aj", D, of.covariance), D)
    return of._replace(estimate=function(of.estimate), covariance=covariance, unit=None)
