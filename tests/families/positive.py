"""Exponential, Gamma, LogNormal, Pareto, Weibull."""

import math

import mpmath as mp
import numpy as np
from scipy import stats

from families.record import INF, RATIO, REAL, Scalar, bell, exponential_pair, normal_tails, rng
from jaxnotes import Status
from jaxnotes.distributions import Exponential, Gamma, LogNormal, Pareto, Weibull

RECORDS = [
    Scalar(
        family=LogNormal,
        log_density=lambda x, m, s: (
            -(((mp.log(x) - m) / s) ** 2) / 2 - mp.log(2 * mp.pi) / 2 - mp.log(s) - mp.log(x)
        ),
        tails=lambda x, m, s: normal_tails((mp.log(x) - m) / s),
        grid=[
            ((m, s), [math.exp(m + s * z) for z in REAL[:9]])
            for m, s in [(0.0, 1.0), (2.55, 3.15), (10.0, 1e-3), (80.0, 1e-4), (-200.0, 1e-6)]
        ],
        laws=[((0.5, 1.5), [1e-100, 0.3, 1.6, 20.0, 1e100])],
        regular=(0.2, 0.4),
        smooth=[0.01, 1.0, 30.0],
        invalid=[(INF, 1.0), (0.0, 0.0)],
        ends=[((0.0, 1.0), 0.0, -INF)],
        sample=rng(0).lognormal(1, 0.5, 50),
        endings={"one row": ([2.0], {}, Status.BOUNDARY)},
        certified=("endosulfan_lognormal",),
    ),
    Scalar(
        family=Exponential,
        log_density=lambda x, rate: mp.log(rate) - rate * x,
        tails=lambda x, rate: exponential_pair(rate * x),
        grid=[((r,), [0.0, *(z / r for z in RATIO), 1e3 / r]) for r in (1.0, 15.2, 1e-25, 1e30)],
        laws=[((2.5,), [1e-20, 0.1, 3.0, 900.0])],
        regular=(0.7,),
        smooth=[0.01, 1.0, 50.0],
        invalid=[(0.0,), (INF,)],
        ends=[((2.0,), 0.0, math.log(2))],
        sample=rng(0).exponential(2, 50),
        endings={"one row, one parameter": ([2.0], {}, Status.CONVERGED)},
        certified=("exponential_mass",),
    ),
    Scalar(
        family=Gamma,
        log_density=lambda x, a, rate: a * mp.log(rate) + (a - 1) * mp.log(x) - rate * x - mp.loggamma(a),
        tails=lambda x, a, rate: (
            mp.log(mp.gammainc(a, 0, rate * x, regularized=True)),
            mp.log(mp.gammainc(a, rate * x, mp.inf, regularized=True)),
        ),
        grid=[
            ((a, r), [x / r for x in bell(a, math.sqrt(a))])
            for a in (1e-3, 0.3, 1.0, 6.5, 400.0, 1e6, 1e10, 1e15) for r in (1.0, 0.1365, 1e-20, 1e20)
        ],
        laws=[((2.0, 0.5), [1e-100, 0.1, 3.0, 20.0, 5000.0]), ((0.3, 2.0), [1e-30, 0.01, 0.2, 50.0])],
        regular=(2.3, 1.5),
        smooth=[0.01, 1.5, 2.7, 90.0],
        invalid=[(0.0, 1.0), (1.0, 0.0), (INF, 1.0)],
        ends=[((1.0, 2.0), 0.0, math.log(2)), ((0.9, 2.0), 0.0, INF), ((1.1, 2.0), 0.0, -INF)],
        sample=rng(0).gamma(2, 3, 50),
        endings={
            "equal x": ([3.0, 3, 3], {}, Status.BOUNDARY),
            "infinite": ([1.0, np.inf], {}, Status.NON_FINITE_DATA),
            "outside the support": ([1.0, -2.0], {}, Status.INVALID_DATA),
        },
        certified=("gamma_mass", "gamma_faq", "groundbeef_gamma"),
        peer=(stats.gamma, {"floc": 0}),
    ),
    Scalar(
        family=Weibull,
        log_density=lambda x, k, s: mp.log(k / s) + (k - 1) * mp.log(x / s) - (x / s) ** k,
        tails=lambda x, k, s: exponential_pair((x / s) ** k),
        grid=[
            ((k, s), [s * r for r in RATIO if abs(k * math.log(r)) < 650])
            for k in (0.05, 1.0, 2.2, 30.0, 1e4, 1e6) for s in (1.0, 83.3, 1e-25)
        ],
        laws=[((1.7, 3.0), [1e-150, 0.1, 2.9, 10.0, 400.0])],
        regular=(1.7, 3.0),
        smooth=[0.03, 3.0, 20.0],
        invalid=[(0.0, 1.0), (1.0, -1.0)],
        ends=[((1.0, 2.0), 0.0, -math.log(2)), ((0.9, 2.0), 0.0, INF), ((1.1, 2.0), 0.0, -INF)],
        sample=rng(0).weibull(1.5, 50),
        endings={"equal x": ([3.0, 3, 3], {}, Status.BOUNDARY)},
        certified=("groundbeef_weibull",),
        peer=(stats.weibull_min, {"floc": 0}),
    ),
    Scalar(
        family=Pareto,
        log_density=lambda x, a, s: mp.log(a / s) - (a + 1) * mp.log(x / s),
        tails=lambda x, a, s: exponential_pair(a * mp.log(x / s)),
        grid=[
            ((a, s), [s * r for r in (1.0, 1 + 1e-7, 1.5, 20.0, 1e10, 1e30)])
            for a in (0.01, 1.0, 2.5, 1e5, 1e9) for s in (1.0, 3e-7, 4e7)
        ],
        laws=[((2.5, 0.7), [0.7 + 1e-9, 0.9, 4.0, 1e200])],
        regular=(7.5, 0.7),
        smooth=[0.8, 20.0],
        invalid=[(0.0, 1.0), (1.0, INF)],
        ends=[((3.0, 2.0), 2.0, math.log(1.5))],
        moving=("scale",),
        middle=2.0,
        sample=rng(0).pareto(2, 50) + 1,
        peak=Status.BOUNDARY,
    ),
]  # fmt: skip
