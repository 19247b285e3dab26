"""Cauchy, Gumbel, Laplace, Logistic, Normal, StudentT."""

import mpmath as mp
import numpy as np
from scipy import stats

from families.record import LOC_SCALE, NO_LOC_SCALE, Scalar, exponential_pair, normal_tails, rng, shifted
from jaxnotes import Status
from jaxnotes.distributions import Cauchy, Gumbel, Laplace, Logistic, Normal, StudentT


def student_tail(z, df):
    both = mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + z * z), regularized=True)
    return both / 2 if z > 0 else 1 - both / 2


RECORDS = [
    Scalar(
        family=Normal,
        log_density=lambda x, m, s: -(((x - m) / s) ** 2) / 2 - mp.log(2 * mp.pi) / 2 - mp.log(s),
        tails=lambda x, m, s: normal_tails((x - m) / s),
        grid=[(p, shifted(*p)) for p in LOC_SCALE],
        laws=[((1.0, 2.0), [-200.0, -15.0, 0.5, 1.0, 3.0, 20.9, 21.1, 500.0])],
        regular=(1.0, 2.0),
        smooth=[-60.0, 0.3, 1.0, 19.0, 40.0],
        invalid=NO_LOC_SCALE,
        sample=rng(0).normal(2, 3, 50),
        endings={
            "equal x": ([3.0, 3, 3], {}, Status.BOUNDARY),
            "NaN": ([1.0, np.nan], {}, Status.NON_FINITE_DATA),
            "a negative weight": ([1.0, 2, 4], {"weights": [1, -1, 1]}, Status.INVALID_DATA),
            "no weight": ([1.0, 2, 4], {"weights": [0, 0, 0]}, Status.TOO_FEW_ROWS),
        },
        certified=("normal_mass",),
    ),
    Scalar(
        family=Gumbel,
        log_density=lambda x, m, s: -(x - m) / s - mp.exp(-(x - m) / s) - mp.log(s),
        tails=lambda x, m, s: exponential_pair(mp.exp(-(x - m) / s))[::-1],
        grid=[(p, [x for x in shifted(*p) if (x - p[0]) / p[1] > -700]) for p in LOC_SCALE],
        laws=[((1.0, 2.0), [-8.0, 0.5, 1.0, 5.0, 38.0, 40.0, 3000.0])],
        regular=(1.0, 2.0),
        smooth=[-4.0, 1.0, 30.0, 80.0],
        invalid=NO_LOC_SCALE,
        sample=rng(0).gumbel(1, 2, 50),
        peer=(stats.gumbel_r, {}),
    ),
    Scalar(
        family=Logistic,
        log_density=lambda x, m, s: -(x - m) / s - 2 * mp.log1p(mp.exp(-(x - m) / s)) - mp.log(s),
        tails=lambda x, m, s: (-mp.log1p(mp.exp(-(x - m) / s)), -mp.log1p(mp.exp((x - m) / s))),
        grid=[(p, shifted(*p)) for p in LOC_SCALE],
        laws=[((1.0, 2.0), [-3000.0, -5.0, 1.0, 4.0, 3000.0])],
        regular=(1.0, 2.0),
        smooth=[-70.0, 1.0, 90.0],
        invalid=NO_LOC_SCALE,
        sample=rng(0).logistic(1, 2, 50),
        peer=(stats.logistic, {}),
    ),
    Scalar(
        family=Laplace,
        log_density=lambda x, m, s: -abs(x - m) / s - mp.log(2 * s),
        tails=lambda x, m, s: tuple(
            -z - mp.log(2) if z > 0 else mp.log1p(-mp.exp(z) / 2) for z in ((m - x) / s, (x - m) / s)
        ),
        grid=[(p, shifted(*p)) for p in LOC_SCALE],
        laws=[((1.0, 2.0), [-3000.0, -5.0, 0.9, 1.1, 4.0, 3000.0])],
        regular=(1.0, 2.0),
        smooth=[-70.0, 0.9, 90.0],
        invalid=NO_LOC_SCALE,
        sample=rng(0).laplace(1, 2, 51),
        kinked=True,
    ),
    Scalar(
        family=Cauchy,
        log_density=lambda x, m, s: -mp.log(mp.pi * s) - mp.log1p(((x - m) / s) ** 2),
        tails=lambda x, m, s: (mp.log(mp.atan2(s, m - x) / mp.pi), mp.log(mp.atan2(s, x - m) / mp.pi)),
        grid=[(p, shifted(*p)) for p in LOC_SCALE],
        laws=[((1.0, 2.0), [-1e200, -50.0, 0.5, 1.0, 9.0, 1e200])],
        regular=(1.0, 2.0),
        smooth=[-70.0, 0.9, 1.0, 90.0],
        invalid=NO_LOC_SCALE,
        moments=False,
        sample=rng(0).standard_cauchy(50),
        endings={
            "equal x": ([2.0, 2, 2], {}, Status.BOUNDARY),
            "half of x equal": ([0.0, 0, 1, 2], {}, Status.BOUNDARY),
            "a ridge": ([0.0, 1], {}, Status.FLAT),
        },
        peer=(stats.cauchy, {}),
    ),
    Scalar(
        family=StudentT,
        log_density=lambda x, df, m, s: (
            mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(mp.pi * df) / 2 - mp.log(s)
            - (df + 1) / 2 * mp.log1p(((x - m) / s) ** 2 / df)
        ),
        tails=lambda x, df, m, s: tuple(mp.log(student_tail(z, df)) for z in ((m - x) / s, (x - m) / s)),
        grid=[((df, *p), shifted(*p)) for df in (1e-2, 1.0, 9.0, 350.0, 1e6, 1e12) for p in LOC_SCALE[:3]],
        laws=[((3.5, 1.0, 2.0), [-1e150, -30.0, 0.9, 1.0, 1.0 + 1e-5, 2.9, 3.1, 40.0, 1e20, 1e150])],
        regular=(12.0, 1.0, 2.0),
        smooth=[-70.0, 0.9, 1.0, 1 + 1e-4, 3.2, 90.0],
        invalid=[(0.0, 0.0, 1.0), (1.0, 0.0, 0.0)],
        sample=rng(0).standard_t(3, 100),
        endings={"tails thinner than normal": ([-1.0, -1, 0, 1, 1], {}, Status.BOUNDARY)},
        peer=(stats.t, {}),
    ),
]  # fmt: skip
