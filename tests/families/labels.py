"""Bernoulli, Categorical."""

from families.record import Record, Scalar, power, rng
from jaxnotes import Status
from jaxnotes.distributions import Bernoulli, Categorical

RECORDS = [
    Scalar(
        family=Bernoulli,
        log_density=lambda x, p: power(p, x) + power(1 - p, 1 - x),
        grid=[((p,), [0.0, 1.0]) for p in (0.0, 1e-300, 1e-9, 0.3, 0.999, 1.0)],
        laws=[((0.3,), [0.0])],
        regular=(0.3,),
        smooth=[0.0],
        invalid=[(-0.1,), (1.1,)],
        edges=[((0.0,), 0.0, [-1]), ((1.0,), 1.0, [1])],
        sample=rng(0).integers(0, 2, 50),
        endings={"all successes": ([1, 1, 1], {}, Status.BOUNDARY)},
    ),
    Record(
        family=Categorical,
        sample=rng(0).integers(0, 3, 50),
        known={"n_labels": 3},
        endings={"a label that never comes": ([0, 0, 2], {"n_labels": 3}, Status.BOUNDARY)},
        refused={
            "p a number": (lambda: Categorical.mean(Categorical.Params(0.3)), ValueError, r"p: expected shape \(k,\)"),
            "no labels": (lambda: Categorical.fit([0, 1], n_labels=0), ValueError, "n_labels: expected"),
        },
    ),
]
