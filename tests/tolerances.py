"""The one table of tolerances, by dtype, relative to the largest entry compared unless a test says otherwise."""

from typing import NamedTuple

import numpy as np


class Tolerance(NamedTuple):
    """See TABLE for the reasons."""

    estimate: float
    inference: float
    reblocked: float
    derivative: float
    second_derivative: float
    hand_derived: float
    loglik: float


TABLE = {
    # estimate: a fit against an exact or independent answer on well-conditioned data. A fit may stop at a scaled
    #   gradient of max(1e-10, 8 eps); the curvature of these problems divides that by 0.05 or more.
    # inference: standard errors and the like; they go through a root of the information and a distribution's tails.
    # reblocked: the same problem in another program (single, other block, shared instead of repeated data). It sums
    #   in another order and may stop one Newton step apart at the same tolerance.
    # derivative, second_derivative: against central differences, whose truncation and cancellation, not the fit, set
    #   the limit: about eps^(2/3) and eps^(1/2) of the fit's own 1e-10 accuracy. Differences in float32 say nothing.
    # hand_derived: formulas for the hot path against autodiff.
    # loglik: a sum of some hundred terms of like size.
    "float32": Tolerance(3e-5, 2e-4, 3e-5, np.nan, np.nan, 2e-6, 1e-5),
    "float64": Tolerance(1e-9, 1e-8, 1e-9, 1e-6, 1e-4, 1e-12, 1e-11),
}


def of(dtype) -> Tolerance:
    """The row of the table for arrays of this dtype."""
    return TABLE[np.dtype(dtype).name]


def assert_close(actual, expected, tolerance: float) -> None:
    """Equal but for `tolerance` times the largest entry expected; NaN agrees with NaN."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    finite = np.abs(expected[np.isfinite(expected)])
    scale = max(finite.max(initial=0.0), np.finfo(np.float64).tiny)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)
