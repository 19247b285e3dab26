"""Binomial, Geometric, NegativeBinomial, Poisson."""

import math

import mpmath as mp

from families.record import INF, Scalar, count_points, power, rng
from jaxnotes import Status
from jaxnotes.distributions import Binomial, Geometric, NegativeBinomial, Poisson


def log_choose(n, k):
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


RECORDS = [
    Scalar(
        family=Binomial,
        log_density=lambda x, n, p: log_choose(n, x) + power(p, x) + power(1 - p, n - x),
        grid=[
            ((n, p), [*count_points(n * p, math.sqrt(n * p * (1 - p)), n), n])
            for n, p in [
                (0, 0.3), (1, 0.5), (10, 0.7), (10, 0.0), (10, 1.0), (1e3, 1e-3), (1e6, 0.25), (1e6, 1 - 1e-6),
                (1e10, 0.1), (1e15, 1e-15), (1e15, 0.5),
            ]
        ],
        laws=[((10.0, 0.7), [0.0, 3.0, 7.0, 9.0]), ((2000.0, 0.01), [0.0, 3.0, 20.0, 60.0, 300.0, 1500.0])],
        regular=(40.0, 0.3),
        smooth=[0.0, 3.0, 12.0, 39.0],
        invalid=[(2.5, 0.3), (-1.0, 0.3), (INF, 0.3), (3.0, 1.1)],
        edges=[((10.0, 0.0), 0.0, [0, -10]), ((10.0, 1.0), 10.0, [0, 10])],
        moving=("trials",),
        sample=rng(0).binomial(10, 0.3, 40),
        known={"trials": 10},
        endings={"no success": ([0], {"trials": 10}, Status.BOUNDARY)},
    ),
    Scalar(
        family=Geometric,
        log_density=lambda x, p: power(1 - p, x - 1) + mp.log(p),
        grid=[((p,), [1.0, 2.0, 3.0, 50.0, 1e4, 1e9]) for p in (1e-12, 1e-3, 0.5, 0.999999, 1.0)],
        laws=[((0.3,), [1.0, 2.0, 6.0, 900.0]), ((1e-3,), [1.0, 700.0])],
        regular=(0.05,),
        smooth=[1.0, 2.0, 70.0],
        invalid=[(0.0,), (1.1,)],
        edges=[((1.0,), 1.0, [1])],
        sample=rng(0).geometric(0.3, 50),
    ),
    Scalar(
        family=NegativeBinomial,
        log_density=lambda x, r, mu: (
            mp.loggamma(r + x) - mp.loggamma(r) - mp.loggamma(x + 1) + power(r / (r + mu), r) + power(mu / (r + mu), x)
        ),
        grid=[
            ((r, mu), count_points(mu, math.sqrt(mu + mu * mu / r)))
            for r, mu in [
                (1.0, 1.0), (0.4, 8.7), (4.2, 4.9), (1e-3, 1e4), (1e3, 1e-3), (1e5, 1e6), (1e10, 3.0), (1e12, 1e9),
                (2.0, 0.0), (3e-6, 1e-6),
            ]
        ],
        laws=[((4.2, 4.9), [0.0, 2.0, 5.0, 20.0, 200.0]), ((0.4, 20.0), [0.0, 10.0, 200.0])],
        regular=(1.4, 30.0),
        smooth=[0.0, 3.0, 200.0],
        invalid=[(0.0, 1.0), (INF, 1.0), (1.0, -1.0), (1.0, INF)],
        edges=[((2.0, 0.0), 0.0, [0, -1])],
        sample=rng(0).negative_binomial(3, 0.4, 100),
        endings={"less spread than Poisson": ([3, 4, 3, 4], {}, Status.BOUNDARY)},
        certified=("negbin_mass", "toxocara_negbin"),
    ),
    Scalar(
        family=Poisson,
        log_density=lambda x, rate: power(rate, x) - rate - mp.loggamma(x + 1),
        grid=[((m,), count_points(m, math.sqrt(m))) for m in (0.0, 1e-30, 0.61, 4.5, 300.0, 1e5, 1e10, 1e15)],
        laws=[((0.61,), [0.0, 1.0, 4.0, 60.0]), ((300.0,), [10.0, 200.0, 299.0, 310.0, 600.0])],
        regular=(7.5,),
        smooth=[0.0, 7.0, 30.0],
        invalid=[(-1.0,), (INF,)],
        edges=[((0.0,), 0.0, [-1])],
        sample=rng(0).poisson(3, 50),
        endings={
            "no events": ([0, 0], {}, Status.BOUNDARY),
            "no count": ([1.0, 2.5], {}, Status.INVALID_DATA),
        },
        certified=("poisson_mass",),
    ),
]  # fmt: skip
