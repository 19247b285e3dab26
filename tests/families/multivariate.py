"""MultivariateNormal."""

import numpy as np

from families.record import Record, rng
from jaxnotes import Status
from jaxnotes.distributions import MultivariateNormal

RECORDS = [
    Record(
        family=MultivariateNormal,
        sample=rng(0).normal(size=(50, 2)),
        endings={"collinear": ([[1.0, 2], [2, 4], [3, 6]], {}, Status.BOUNDARY)},
        refused={
            "mean a number": (
                lambda: MultivariateNormal.mean(MultivariateNormal.Params(0.0, 1.0)),
                ValueError, r"mean: expected shape \(",
            ),
            "variances": (
                lambda: MultivariateNormal.mean(MultivariateNormal.Params(np.zeros(2), np.ones(2))),
                ValueError, r"covariance: expected shape \(2, 2\).*got \(2,\)",
            ),
            "x of another dimension": (
                lambda: MultivariateNormal.log_prob(MultivariateNormal.Params(np.zeros(2), np.eye(2)), np.zeros(3)),
                ValueError, r"x: expected shape \(\.\.\., 2\).*got \(3,\)",
            ),
        },
    )
]  # fmt: skip
