"""Appendix: screens: one regression for each of very many candidate columns, beside covariates that all of them share.

For each candidate g, with the covariates C and an intercept that is always there,

    linear      y_i = a + C_i'b + g_i beta + error_i        t test of beta = 0 with sum_i w_i - p - 2 degrees of freedom
    logistic    logit P(y_i = 1) = a + C_i'b + g_i beta     score test of beta = 0, and Wald's where it matters

Projected off [1, C] in the inner product of the null model's weights, candidate d and residual r give the linear answer
whole (Frisch and Waugh 1933, Econometrica 1, 387-401; Lovell 1963) and the logistic one by a single step from the null
fit (Rao 1948, Proc. Cambridge Phil. Soc. 44, 50-57):

    beta = sum_i w_i d_i r_i / sum_i w_i d_i^2

So a screen projects the covariates out of y once, and then takes matrix products with each candidate, block by block:
no design is ever built, and no more than a block is in memory as floats. What these products cannot resolve (a
candidate near a combination of covariates, or one that explains all of y) is computed alone, in double precision by QR.
Both functions run on the host, outside jit and vmap, and take what does not fit memory.
"""

from jaxnotes.screen.record import Screen
from jaxnotes.screen.verbs import linear, logistic

__all__ = ["Screen", "linear", "logistic"]
