"""Chapter 3: linear least squares, ordinary, weighted and ridge, one problem or a million.

`fit` minimizes half the mean squared residual, with frequency weights w, precisions p and a ridge penalty,

    sum_i w_i p_i r_i^2 / (2 sum_i w_i)  +  l2 / 2 ||coef||^2,      r_i = y_i - x_i'coef - intercept,

the intercept unpenalized. The residual is vertical: `fit_orthogonal` minimizes the Euclidean distances to the line
instead, which the notes confuse with it. The answer is refined with residuals in doubled precision: as a rule it is
as exact as the data, in float32 too (see `core.linear.squares` for the two regimes). `jax.vmap(fit)` is the
batch API.
"""

from jaxnotes.least_squares.goodness import aic, bic, f_test, leverage, log_likelihood, r_squared, residual_sd
from jaxnotes.least_squares.verbs import fit, fit_orthogonal, infer, loss, predict

__all__ = [
    "aic",
    "bic",
    "f_test",
    "fit",
    "fit_orthogonal",
    "infer",
    "leverage",
    "log_likelihood",
    "loss",
    "predict",
    "r_squared",
    "residual_sd",
]
