"""Chapter 4: any likelihood of yours, for one data set or ten thousand, with standard errors, intervals and tests.

You write the logarithm of the probability (or density) of one observation, log_prob(params, row). With frequency
weights w_i, `fit` maximizes

    l(params) = sum_i w_i log_prob(params, row_i)

by minimizing the mean -l / sum_i w_i with exact first and second derivatives. The maximum is where the sample is most
probable; it is not the most probable params, because l is no probability of them. params is any pytree of real numbers
and data any pytree whose arrays have one row per observation. log_prob must be NaN or -inf outside the parameter space,
or take free coordinates of it: see `jaxnotes.bijections` and `delta_method`. What log_prob captures may be batched and
differentiated. `jax.vmap(fit)` is the batch API.

Flat vectors, as in `Inference`, have the parameters in the order of `names(params)`.
"""

from jaxnotes.core.likelihood.observations import names
from jaxnotes.maximum_likelihood.tests import ChiSquaredTest, aic, bic, likelihood_ratio_test, score_test, wald_test
from jaxnotes.maximum_likelihood.verbs import (
    Interval,
    delta_method,
    fit,
    infer,
    log_likelihood,
    observed_information,
    profile_intervals,
    score,
)

__all__ = [
    "ChiSquaredTest",
    "Interval",
    "aic",
    "bic",
    "delta_method",
    "fit",
    "infer",
    "likelihood_ratio_test",
    "log_likelihood",
    "names",
    "observed_information",
    "profile_intervals",
    "score",
    "score_test",
    "wald_test",
]
