"""Beta, Uniform."""

import math

import mpmath as mp
from scipy import stats

from families.record import INF, Scalar, bell, rng
from jaxnotes import Status
from jaxnotes.distributions import Beta, Uniform


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def beta_points(a: float, b: float) -> list[float]:
    m = a / (a + b)
    near = bell(m, math.sqrt(m * (1 - m) / (a + b + 1)), 0, 1)
    return [x for x in [*near, 1e-300, 1e-20, 1e-4, 0.25, 0.5, 0.75, 1 - 2**-20] if 0 < x < 1]


RECORDS = [
    Scalar(
        family=Beta,
        log_density=lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log(1 - x) - log_beta(a, b),
        tails=lambda x, a, b: (
            mp.log(mp.betainc(a, b, 0, x, regularized=True)), mp.log(mp.betainc(b, a, 0, 1 - x, regularized=True))
        ),
        grid=[
            ((a, b), beta_points(a, b))
            for a, b in [
                (1.0, 1.0), (2.1, 2.5), (0.73, 0.01), (1e-4, 30.0), (200.0, 3.5), (1e6, 1e6), (1e10, 5.0), (1e12, 3e9),
            ]
        ],
        laws=[((2.1, 3.5), [1e-100, 0.01, 0.4, 0.9, 1 - 1e-9]), ((0.6, 0.8), [1e-9, 0.3, 0.99])],
        regular=(2.1, 3.5),
        smooth=[0.001, 0.3, 0.5, 0.98],
        invalid=[(0.0, 1.0), (1.0, INF)],
        ends=[
            ((1.0, 3.0), 0.0, math.log(3)), ((0.5, 3.0), 0.0, INF), ((2.0, 3.0), 0.0, -INF),
            ((3.0, 1.0), 1.0, math.log(3)), ((3.0, 0.5), 1.0, INF), ((3.0, 2.0), 1.0, -INF),
        ],
        middle=0.4,
        sample=rng(0).beta(2, 3, 50),
        endings={"equal x": ([0.3, 0.3], {}, Status.BOUNDARY)},
        certified=("beta_faq", "beta_optimalgo"),
        peer=(stats.beta, {"floc": 0, "fscale": 1}),
    ),
    Scalar(
        family=Uniform,
        log_density=lambda x, a, b: -mp.log(b - a),
        tails=lambda x, a, b: (mp.log((x - a) / (b - a)), mp.log((b - x) / (b - a))),
        grid=[((0.0, 1.0), [0.0, 0.3, 1.0]), ((-1e-20, 3e15), [0.0, 1.0, 1e15]), ((5.0, 5.000001), [5.0000005])],
        laws=[((-1.0, 3.0), [-1.0 + 1e-9, 0.0, 2.9])],
        regular=(-1.0, 3.0),
        smooth=[-0.9, 2.0],
        invalid=[(1.0, 1.0), (1.0, 0.0), (-INF, 0.0), (-1e308, 1e308)],
        ends=[((0.0, 4.0), 0.0, -math.log(4)), ((0.0, 4.0), 4.0, -math.log(4))],
        closed=True,
        moving=("lower", "upper"),
        sample=rng(0).uniform(0, 3, 50),
        peak=Status.BOUNDARY,
        endings={"an end of the support": ([1.0, 2.0], {}, Status.BOUNDARY)},
    ),
]  # fmt: skip
