"""Each family against mpmath at 50 digits, far out and with large parameters; and the laws that need no reference."""

import functools
import inspect
import math
import pickle
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnotes import distributions, x64
from jaxnotes.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Cauchy,
    Distribution,
    Exponential,
    Gamma,
    Geometric,
    Gumbel,
    Laplace,
    Logistic,
    LogNormal,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Pareto,
    Poisson,
    StudentT,
    Uniform,
    Weibull,
)

pytestmark = pytest.mark.repeated

mp.mp.dps = 50
INF, NAN = np.inf, np.nan
# Of max(1, |log_prob|): the contract in float64; in float32 the rounding of some ten operations, each of 6e-8.
LOG_PROB = {"float32": 5e-6, "float64": 1e-12}
FAMILIES = [getattr(distributions, name) for name in distributions.__all__ if name != "Distribution"]
SCALAR = [family for family in FAMILIES if family not in (Categorical, MultivariateNormal)]


def log_binomial(n, k):
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def power(base, exponent):
    """log(base^exponent), with 0^0 = 1."""
    return mp.mpf(0) if exponent == 0 else mp.ninf if base == 0 else exponent * mp.log(base)


LOG_DENSITY: dict[Any, Callable] = {
    Bernoulli: lambda x, p: power(p, x) + power(1 - p, 1 - x),
    Binomial: lambda x, n, p: log_binomial(n, x) + power(p, x) + power(1 - p, n - x),
    Geometric: lambda x, p: power(1 - p, x - 1) + mp.log(p),
    NegativeBinomial: lambda x, r, mu: (
        mp.loggamma(r + x) - mp.loggamma(r) - mp.loggamma(x + 1) + power(r / (r + mu), r) + power(mu / (r + mu), x)
    ),
    Poisson: lambda x, rate: power(rate, x) - rate - mp.loggamma(x + 1),
    Normal: lambda x, m, s: -(((x - m) / s) ** 2) / 2 - mp.log(2 * mp.pi) / 2 - mp.log(s),
    Gumbel: lambda x, m, s: -(x - m) / s - mp.exp(-(x - m) / s) - mp.log(s),
    Logistic: lambda x, m, s: -(x - m) / s - 2 * mp.log1p(mp.exp(-(x - m) / s)) - mp.log(s),
    Laplace: lambda x, m, s: -abs(x - m) / s - mp.log(2 * s),
    Cauchy: lambda x, m, s: -mp.log(mp.pi * s) - mp.log1p(((x - m) / s) ** 2),
    StudentT: lambda x, df, m, s: (
        mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(mp.pi * df) / 2 - mp.log(s)
        - (df + 1) / 2 * mp.log1p(((x - m) / s) ** 2 / df)
    ),
    Uniform: lambda x, a, b: -mp.log(b - a),
    LogNormal: lambda x, m, s: -(((mp.log(x) - m) / s) ** 2) / 2 - mp.log(2 * mp.pi) / 2 - mp.log(s) - mp.log(x),
    Exponential: lambda x, rate: mp.log(rate) - rate * x,
    Gamma: lambda x, a, rate: a * mp.log(rate) + (a - 1) * mp.log(x) - rate * x - mp.loggamma(a),
    Weibull: lambda x, k, s: mp.log(k / s) + (k - 1) * mp.log(x / s) - (x / s) ** k,
    Pareto: lambda x, a, s: mp.log(a / s) - (a + 1) * mp.log(x / s),
    Beta: lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log(1 - x) - log_beta(a, b),
}  # fmt: skip

# Offsets from the centre in units of the spread: the middle, the tails, far tails.
REAL = [0.0, 1e-9, -0.3, 1.0, -2.0, 5.0, -10.0, 40.0, -40.0, 700.0, -600.0, 1e6, -1e12]
RATIO = [1.0, 1 + 1e-7, 0.99, 1.3, 0.5, 3.0, 0.05, 30.0, 1e-5, 1e-30]
LOC_SCALE = [(0.0, 1.0), (3.0, 0.25), (1e8, 1e-3), (-7e-5, 1e-30), (12345.678, 9.87e10)]


def shifted(m, s):
    return [m + s * z for z in REAL]


def bell(mean, sd, lower=0.0, upper=INF):
    """Points about the mean of a law of large shape, and far from it, inside the support."""
    points = [mean + sd * z for z in (0.0, 0.01, 0.7, -1.0, 3.0, -6.0, 20.0, -30.0)]
    return [x for x in [*points, *(mean * r for r in (0.3, 0.01, 1e-12, 2.5, 90.0))] if lower < x < upper]


def counts(mean, sd, upper=INF):
    return sorted({float(math.floor(x)) for x in [0.0, 1.0, 2.0, 7.0, *bell(mean, sd)] if x <= upper})


def beta_points(a, b):
    m = a / (a + b)
    near = bell(m, math.sqrt(m * (1 - m) / (a + b + 1)), 0, 1)
    return [x for x in [*near, 1e-300, 1e-20, 1e-4, 0.25, 0.5, 0.75, 1 - 2**-20] if 0 < x < 1]


GRID: dict[Any, list[tuple[tuple[float, ...], list[float]]]] = {
    Bernoulli: [((p,), [0.0, 1.0]) for p in (0.0, 1e-300, 1e-9, 0.3, 0.999, 1.0)],
    Binomial: [
        ((n, p), [*counts(n * p, math.sqrt(n * p * (1 - p)), n), n])
        for n, p in [
            (0, 0.3), (1, 0.5), (10, 0.7), (10, 0.0), (10, 1.0), (1e3, 1e-3), (1e6, 0.25), (1e6, 1 - 1e-6), (1e10, 0.1),
            (1e15, 1e-15), (1e15, 0.5),
        ]
    ],
    Geometric: [((p,), [1.0, 2.0, 3.0, 50.0, 1e4, 1e9]) for p in (1e-12, 1e-3, 0.5, 0.999999, 1.0)],
    NegativeBinomial: [
        ((r, mu), counts(mu, math.sqrt(mu + mu * mu / r)))
        for r, mu in [
            (1.0, 1.0), (0.4, 8.7), (4.2, 4.9), (1e-3, 1e4), (1e3, 1e-3), (1e5, 1e6), (1e10, 3.0), (1e12, 1e9),
            (2.0, 0.0), (3e-6, 1e-6),
        ]
    ],
    Poisson: [((m,), counts(m, math.sqrt(m))) for m in (0.0, 1e-30, 0.61, 4.5, 300.0, 1e5, 1e10, 1e15)],
    Normal: [(p, shifted(*p)) for p in LOC_SCALE],
    Gumbel: [(p, [x for x in shifted(*p) if (x - p[0]) / p[1] > -700]) for p in LOC_SCALE],
    Logistic: [(p, shifted(*p)) for p in LOC_SCALE],
    Laplace: [(p, shifted(*p)) for p in LOC_SCALE],
    Cauchy: [(p, shifted(*p)) for p in LOC_SCALE],
    StudentT: [((df, *p), shifted(*p)) for df in (1e-2, 1.0, 9.0, 350.0, 1e6, 1e12) for p in LOC_SCALE[:3]],
    Uniform: [((0.0, 1.0), [0.0, 0.3, 1.0]), ((-1e-20, 3e15), [0.0, 1.0, 1e15]), ((5.0, 5.000001), [5.0000005])],
    LogNormal: [
        ((m, s), [math.exp(m + s * z) for z in REAL[:9]])
        for m, s in [(0.0, 1.0), (2.55, 3.15), (10.0, 1e-3), (80.0, 1e-4), (-200.0, 1e-6)]
    ],
    Exponential: [((r,), [0.0, *(z / r for z in RATIO), 1e3 / r]) for r in (1.0, 15.2, 1e-25, 1e30)],
    Gamma: [
        ((a, r), [x / r for x in bell(a, math.sqrt(a))])
        for a in (1e-3, 0.3, 1.0, 6.5, 400.0, 1e6, 1e10, 1e15) for r in (1.0, 0.1365, 1e-20, 1e20)
    ],
    Weibull: [((k, s), [s * r for r in RATIO if abs(k * math.log(r)) < 650])
              for k in (0.05, 1.0, 2.2, 30.0, 1e4, 1e6) for s in (1.0, 83.3, 1e-25)],
    Pareto: [((a, s), [s * r for r in (1.0, 1 + 1e-7, 1.5, 20.0, 1e10, 1e30)])
             for a in (0.01, 1.0, 2.5, 1e5, 1e9) for s in (1.0, 3e-7, 4e7)],
    Beta: [((a, b), beta_points(a, b)) for a, b in [
        (1.0, 1.0), (2.1, 2.5), (0.73, 0.01), (1e-4, 30.0), (200.0, 3.5), (1e6, 1e6), (1e10, 5.0), (1e12, 3e9),
    ]],
}  # fmt: skip


def rows(family, dtype):
    """Parameters and points of the grid as they are in this precision, without those that it cannot hold."""
    info = np.finfo(dtype)
    found = []
    for params, points in GRID[family]:
        params = np.asarray(params).astype(dtype)
        for x in np.unique(np.asarray(points).astype(dtype)):
            values = np.array([*params, x])
            held = np.all(np.isfinite(values) & ((values == 0) | (np.abs(values) >= info.tiny)))
            lower, upper = (float(end) for end in family.support(family.Params(*params)))
            if held and lower <= x <= upper and (family.discrete or lower < x < upper or family in (Uniform,)):
                found.append(values)
    return np.array(found, dtype)


@functools.cache
def compiled(family, verb):
    return jax.jit(jax.vmap(lambda params, x: getattr(family, verb)(family.Params(*params), x)))


@pytest.mark.parametrize("family", SCALAR, ids=lambda f: f.__name__)
def test_log_prob_against_mpmath(family, dtype):
    with np.errstate(over="ignore", under="ignore"):
        table = rows(family, dtype)
    assert len(table) >= 6
    ours = np.asarray(compiled(family, "log_prob")(tuple(table.T[:-1]), table[:, -1]))
    assert ours.dtype == dtype
    worst = 0.0
    for values, value in zip(table, ours, strict=True):
        *params, x = (mp.mpf(float(v)) for v in values)
        expected = LOG_DENSITY[family](x, *params)
        if expected == mp.ninf or abs(expected) > float(np.finfo(dtype).max) / 20:
            assert value == -INF or value < -float(np.finfo(dtype).max) / 20, values
            continue
        error = abs(mp.mpf(float(value)) - expected) / max(1, abs(expected))
        assert error <= LOG_PROB[dtype.name], f"{values}: {value}, expected {mp.nstr(expected, 17)}"
        worst = max(worst, float(error))
    print(f"{family.__name__:20s}{dtype.name}  {len(table):4d} points, worst {worst:.1e}")


# One or two regular laws of each family, with points from the far left to the far right.
LAWS: dict[Any, list[tuple[tuple[float, ...], list[float]]]] = {
    Bernoulli: [((0.3,), [0.0])],
    Binomial: [((10.0, 0.7), [0.0, 3.0, 7.0, 9.0]), ((2000.0, 0.01), [0.0, 3.0, 20.0, 60.0, 300.0, 1500.0])],
    Geometric: [((0.3,), [1.0, 2.0, 6.0, 900.0]), ((1e-3,), [1.0, 700.0])],
    NegativeBinomial: [((4.2, 4.9), [0.0, 2.0, 5.0, 20.0, 200.0]), ((0.4, 20.0), [0.0, 10.0, 200.0])],
    Poisson: [((0.61,), [0.0, 1.0, 4.0, 60.0]), ((300.0,), [10.0, 200.0, 299.0, 310.0, 600.0])],
    Normal: [((1.0, 2.0), [-200.0, -15.0, 0.5, 1.0, 3.0, 20.9, 21.1, 500.0])],
    Gumbel: [((1.0, 2.0), [-8.0, 0.5, 1.0, 5.0, 38.0, 40.0, 3000.0])],
    Logistic: [((1.0, 2.0), [-3000.0, -5.0, 1.0, 4.0, 3000.0])],
    Laplace: [((1.0, 2.0), [-3000.0, -5.0, 0.9, 1.1, 4.0, 3000.0])],
    Cauchy: [((1.0, 2.0), [-1e200, -50.0, 0.5, 1.0, 9.0, 1e200])],
    StudentT: [((3.5, 1.0, 2.0), [-1e150, -30.0, 0.9, 1.0, 1.0 + 1e-5, 2.9, 3.1, 40.0, 1e20, 1e150])],
    Uniform: [((-1.0, 3.0), [-1.0 + 1e-9, 0.0, 2.9])],
    LogNormal: [((0.5, 1.5), [1e-100, 0.3, 1.6, 20.0, 1e100])],
    Exponential: [((2.5,), [1e-20, 0.1, 3.0, 900.0])],
    Gamma: [((2.0, 0.5), [1e-100, 0.1, 3.0, 20.0, 5000.0]), ((0.3, 2.0), [1e-30, 0.01, 0.2, 50.0])],
    Weibull: [((1.7, 3.0), [1e-150, 0.1, 2.9, 10.0, 400.0])],
    Pareto: [((2.5, 0.7), [0.7 + 1e-9, 0.9, 4.0, 1e200])],
    Beta: [((2.1, 3.5), [1e-100, 0.01, 0.4, 0.9, 1 - 1e-9]), ((0.6, 0.8), [1e-9, 0.3, 0.99])],
}


def normal_tail(z):
    return mp.erfc(z / mp.sqrt(2)) / 2


def student_tail(z, df):
    both = mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + z * z), regularized=True)
    return both / 2 if z > 0 else 1 - both / 2


def exponential_pair(exponent):
    """The tails of a law with log P(X > x) = -exponent."""
    return mp.log(-mp.expm1(-exponent)), -exponent


TAILS: dict[Any, Callable] = {
    Normal: lambda x, m, s: (mp.log(normal_tail((m - x) / s)), mp.log(normal_tail((x - m) / s))),
    LogNormal: lambda x, m, s: TAILS[Normal](mp.log(x), m, s),
    Gumbel: lambda x, m, s: exponential_pair(mp.exp(-(x - m) / s))[::-1],
    Logistic: lambda x, m, s: (-mp.log1p(mp.exp(-(x - m) / s)), -mp.log1p(mp.exp((x - m) / s))),
    Laplace: lambda x, m, s: tuple(
        -z - mp.log(2) if z > 0 else mp.log1p(-mp.exp(z) / 2) for z in ((m - x) / s, (x - m) / s)
    ),
    Cauchy: lambda x, m, s: (mp.log(mp.atan2(s, m - x) / mp.pi), mp.log(mp.atan2(s, x - m) / mp.pi)),
    StudentT: lambda x, df, m, s: (mp.log(student_tail((m - x) / s, df)), mp.log(student_tail((x - m) / s, df))),
    Uniform: lambda x, a, b: (mp.log((x - a) / (b - a)), mp.log((b - x) / (b - a))),
    Exponential: lambda x, r: exponential_pair(r * x),
    Weibull: lambda x, k, s: exponential_pair((x / s) ** k),
    Pareto: lambda x, a, s: exponential_pair(a * mp.log(x / s)),
    Gamma: lambda x, a, r: (
        mp.log(mp.gammainc(a, 0, r * x, regularized=True)), mp.log(mp.gammainc(a, r * x, mp.inf, regularized=True))
    ),
    Beta: lambda x, a, b: (
        mp.log(mp.betainc(a, b, 0, x, regularized=True)), mp.log(mp.betainc(b, a, 0, 1 - x, regularized=True))
    ),
}  # fmt: skip


def summed_tails(family, x, *params):
    """Both tails of a discrete law as sums of its probabilities."""
    first = int(family.support(family.Params(*(float(p) for p in params)))[0])
    last = int(params[0]) if family is Binomial else 1 if family is Bernoulli else None
    mass = LOG_DENSITY[family]
    with mp.workdps(25):
        lower = mp.fsum(mp.exp(mass(mp.mpf(k), *params)) for k in range(first, int(x) + 1))
        upper, k = mp.mpf(0), int(x) + 1
        while last is None or k <= last:
            term = mp.exp(mass(mp.mpf(k), *params))
            upper += term
            if term < upper * mp.mpf(10) ** -16:
                break
            k += 1
        return mp.log(lower), mp.log(upper)


def law_rows(family):
    """One row of parameters and a point for each point of LAWS."""
    return np.array([[*params, x] for params, points in LAWS[family] for x in points])


def tails(family):
    def all_three(params, x):
        law = family.Params(*params)
        return family.log_cdf(law, x), family.log_sf(law, x), family.cdf(law, x)

    return jax.jit(jax.vmap(all_three))


@pytest.mark.parametrize("family", SCALAR, ids=lambda f: f.__name__)
def test_tails_against_mpmath(family, dtype):
    """Also far beyond where the tail itself underflows."""
    with np.errstate(over="ignore", under="ignore"):
        table = law_rows(family).astype(dtype)
    x = table[:, -1]
    table = table[np.isfinite(x) & ((x == 0) | (np.abs(x) > np.finfo(dtype).tiny))]
    lower, upper = (float(end) for end in family.support(family.Params(*table[0, :-1])))
    if not family.discrete:
        table = table[(table[:, -1] > lower) & (table[:, -1] < upper)]
    log_cdf, log_sf, cdf = map(np.asarray, tails(family)(tuple(table.T[:-1]), table[:, -1]))
    tolerance = 2 * LOG_PROB[dtype.name]
    for i, values in enumerate(table):
        *params, x = (mp.mpf(float(v)) for v in values)
        expected = TAILS[family](x, *params) if family in TAILS else summed_tails(family, x, *params)
        for value, log in zip((log_cdf[i], log_sf[i]), expected, strict=True):
            assert abs(mp.mpf(float(value)) - log) <= tolerance * max(1, abs(log)), values
        assert abs(float(cdf[i]) - float(mp.exp(expected[0]))) <= tolerance, values


# 1. log_prob is a law: integrals over the real line, sums over the integers.


def nodes(family, params) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights whose sums are integrals over the support: double-exponential rules from a middle out."""
    if family.discrete:
        lower, upper = (float(end) for end in family.support(params))
        k = np.arange(lower, min(upper, 40_000) + 1)
        return k, np.ones_like(k)
    middle = {Uniform: 1.0, Beta: 0.4, Pareto: 2.0}.get(family, 1.0)
    lower, upper = (float(end) for end in family.support(params))
    u = np.linspace(-4.5, 4.5, 1501)
    step = u[1] - u[0]
    points, weights = [], []
    for end, sign in ((lower, -1), (upper, 1)):
        if np.isfinite(end):
            # From the middle to the end, with the distance to the end kept.
            t = 1 / (1 + np.exp(np.pi * np.sinh(u)))
            points.append(end - sign * np.abs(end - middle) * t)
            weights.append(np.abs(end - middle) * t * (1 - t) * np.pi * np.cosh(u) * step)
        else:
            t = np.exp(np.pi / 2 * np.sinh(u))
            points.append(middle + sign * t)
            weights.append(t * np.pi / 2 * np.cosh(u) * step)
    return np.concatenate(points), np.concatenate(weights)


SHAPELY = {
    Bernoulli: (0.3,), Binomial: (40.0, 0.3), Geometric: (0.05,), NegativeBinomial: (1.4, 30.0), Poisson: (7.5,),
    Normal: (1.0, 2.0), Gumbel: (1.0, 2.0), Logistic: (1.0, 2.0), Laplace: (1.0, 2.0), StudentT: (12.0, 1.0, 2.0),
    Cauchy: (1.0, 2.0), Uniform: (-1.0, 3.0), LogNormal: (0.2, 0.4), Exponential: (0.7,), Gamma: (2.3, 1.5),
    Weibull: (1.7, 3.0), Pareto: (7.5, 0.7), Beta: (2.1, 3.5),
}  # fmt: skip


@pytest.mark.parametrize("family", SCALAR, ids=lambda f: f.__name__)
def test_sums_to_one_and_has_its_moments(family, double):
    params = family.Params(*SHAPELY[family])
    x, w = nodes(family, params)
    log_p = np.asarray(family.log_prob(params, x))
    p = np.exp(log_p) * w
    assert p.sum() == pytest.approx(1, abs=1e-10)
    entropy = -np.sum(p[p > 0] * log_p[p > 0])
    assert float(family.entropy(params)) == pytest.approx(entropy, abs=1e-8)
    if family is not Cauchy:
        with np.errstate(invalid="ignore"):
            mean = np.sum(np.where(p > 0, p * x, 0))
            variance = np.sum(np.where(p > 0, p * (x - mean) ** 2, 0))
        assert float(family.mean(params)) == pytest.approx(mean, rel=1e-8)
        assert float(family.variance(params)) == pytest.approx(variance, rel=1e-7)


def test_entropy_of_large_laws(double):
    """Where no sum over all integers, and no difference of gamma functions, would do."""

    def series(variance, *terms):
        return 0.5 * math.log(2 * math.pi * math.e * variance) + sum(terms)

    rate = 1e7
    poisson = series(rate, -1 / (12 * rate), -1 / (24 * rate**2))
    assert float(Poisson.entropy(Poisson.Params(rate))) == pytest.approx(poisson, rel=1e-13)
    for rate in (1e-8, 0.3, 40.0, 640.0, 660.0):
        k = np.arange(3000)
        p = scipy.stats.poisson.pmf(k, rate)
        direct = -np.sum(np.where(p > 0, p * scipy.stats.poisson.logpmf(k, rate), 0))
        assert float(Poisson.entropy(Poisson.Params(rate))) == pytest.approx(direct, rel=1e-11)
    for r, mu in [(0.01, 50.0), (1.0, 0.2), (3.0, 1e4), (511.0, 513.0), (600.0, 700.0), (1e7, 4.0), (40.0, 1e5)]:
        k = np.arange(int(mu + 45 * (math.sqrt(mu + mu * mu / r) + mu / r)) + 200)
        coefficient = np.concatenate([[0], np.cumsum(np.log((r + k[:-1]) / k[1:]))])
        log_p = coefficient - r * np.log1p(mu / r) - k * np.log1p(r / mu)
        direct = -np.sum(np.exp(log_p) * log_p)
        assert float(NegativeBinomial.entropy(NegativeBinomial.Params(r, mu))) == pytest.approx(direct, rel=1e-10), r
    binomial = series(1e8 * 0.3 * 0.7, (4 * 0.21 - 1) / (12 * 1e8 * 0.21) - 1 / (6e8))
    assert float(Binomial.entropy(Binomial.Params(1e8, 0.3))) == pytest.approx(binomial, rel=1e-9)
    normal = float(Normal.entropy(Normal.Params(0.0, 1e-5)))
    assert float(Gamma.entropy(Gamma.Params(1e14, 1e12))) == pytest.approx(normal, abs=1e-6)
    assert float(StudentT.entropy(StudentT.Params(1e14, 0.0, 1e-5))) == pytest.approx(normal, rel=1e-12)
    half = 1e12
    assert float(Beta.entropy(Beta.Params(half, half))) == pytest.approx(series(1 / (8 * half + 4)), rel=1e-12)


def test_variance_of_a_narrow_weibull_law(double):
    """The difference of two gamma functions next to 1."""
    for shape in (0.5, 9.99, 10.01, 1e3, 1e8):
        h = 1 / mp.mpf(shape)
        expected = mp.gamma(1 + 2 * h) - mp.gamma(1 + h) ** 2
        assert float(Weibull.variance(Weibull.Params(shape, 1.0))) == pytest.approx(float(expected), rel=1e-10)


def test_moments_that_do_not_exist():
    infinite, nan = [
        (Pareto.mean, Pareto.Params(1.0, 2.0)), (Pareto.variance, Pareto.Params(2.0, 2.0)),
        (StudentT.variance, StudentT.Params(2.0, 0.0, 1.0)),
    ], [
        (Cauchy.mean, Cauchy.Params(0.0, 1.0)), (Cauchy.variance, Cauchy.Params(0.0, 1.0)),
        (StudentT.mean, StudentT.Params(1.0, 0.0, 1.0)), (StudentT.variance, StudentT.Params(1.0, 0.0, 1.0)),
    ]  # fmt: skip
    assert all(verb(params) == INF for verb, params in infinite)
    assert all(np.isnan(verb(params)) for verb, params in nan)


# 2. Derivatives.


# Points inside, away from kinks; the first of a discrete family is its least value.
SMOOTH_POINTS = {
    Bernoulli: [0.0], Binomial: [0.0, 3.0, 12.0, 39.0], Geometric: [1.0, 2.0, 70.0],
    NegativeBinomial: [0.0, 3.0, 200.0], Poisson: [0.0, 7.0, 30.0],
    Normal: [-60.0, 0.3, 1.0, 19.0, 40.0], Gumbel: [-4.0, 1.0, 30.0, 80.0],
    Logistic: [-70.0, 1.0, 90.0], Laplace: [-70.0, 0.9, 90.0], Cauchy: [-70.0, 0.9, 1.0, 90.0],
    StudentT: [-70.0, 0.9, 1.0, 1 + 1e-4, 3.2, 90.0], Uniform: [-0.9, 2.0], LogNormal: [0.01, 1.0, 30.0],
    Exponential: [0.01, 1.0, 50.0], Gamma: [0.01, 1.5, 2.7, 90.0], Weibull: [0.03, 3.0, 20.0], Pareto: [0.8, 20.0],
    Beta: [0.001, 0.3, 0.5, 0.98],
}  # fmt: skip


def law_at(family):
    """log_prob, log_cdf and log_sf as functions of one vector: the parameters and x."""

    def functions(v):
        law, x = family.Params(*v[:-1]), v[-1]
        return jnp.stack([family.log_prob(law, x), family.log_cdf(law, x), family.log_sf(law, x)])

    return functions


LANES = 16


@functools.cache
def compiled_derivatives(family):
    f = law_at(family)
    return jax.jit(jax.vmap(lambda v: (f(v), jax.jacrev(f)(v))))


def derivatives(family, table):
    """log_prob, log_cdf, log_sf and their Jacobians row by row; of one size, so that all tests share a program."""
    table = np.asarray(table, np.float64)
    padded = np.concatenate([table, np.repeat(table[:1], LANES - len(table), axis=0)])
    return tuple(np.asarray(part)[: len(table)] for part in compiled_derivatives(family)(padded))


def central(f, table, j):
    """Central differences in column j."""
    up, down = table.copy(), table.copy()
    h = 1e-5 * np.maximum(np.abs(table[:, j]), 1e-2)
    up[:, j] += h
    down[:, j] -= h
    width = (up - down)[:, j]
    slope = np.asarray(f(up)) - np.asarray(f(down))
    return slope / width.reshape(-1, *(1 for _ in slope.shape[1:]))


@pytest.mark.parametrize("family", SCALAR, ids=lambda f: f.__name__)
def test_gradients_against_differences(family, double):
    """In the parameters, and in x of a continuous law, of all that the likelihood of censored samples is made of."""
    table = np.array([[*SHAPELY[family], x] for x in SMOOTH_POINTS[family]])
    value, gradient = derivatives(family, table)
    assert not np.any(np.isnan(gradient))
    names = [*family.Params._fields, *([] if family.discrete else ["x"])]
    for j, name in enumerate(names):
        if name == "trials":
            continue
        difference = central(lambda rows: derivatives(family, rows)[0], table, j)
        exact = gradient[..., j]
        # Both tails of a two-point law reach -inf, whose difference is NaN.
        infinite = np.isinf(value)
        scale = np.maximum(np.maximum(np.abs(exact), np.where(infinite, 1, np.abs(value))), 1)
        close = np.abs(exact - difference) <= tolerances.of("float64").derivative * scale
        assert np.all(close | infinite), f"{name}\n{exact}\n{difference}"


@pytest.mark.parametrize("family", [Normal, Gamma, StudentT, NegativeBinomial], ids=lambda f: f.__name__)
def test_second_derivatives_against_differences(family, double):
    """What Newton's method asks of censored samples, in the shapes too, which enter the tails through a loop."""
    table = np.array([[*SHAPELY[family], x] for x in SMOOTH_POINTS[family]])
    tail = lambda v: family.log_sf(family.Params(*v[:-1]), v[-1])  # noqa: E731
    gradient = jax.jit(jax.vmap(jax.grad(tail)))
    hessian = np.asarray(jax.jit(jax.vmap(jax.jacrev(jax.grad(tail))))(table))
    for j in range(len(family.Params._fields)):
        difference = central(gradient, table, j)
        scale = np.maximum(np.abs(hessian[:, j]).max(axis=-1, keepdims=True), 1e-2)
        free = len(family.Params._fields) if family.discrete else None
        assert np.all((np.abs(hessian[:, j] - difference) <= 1e-5 * scale)[:, :free])


@pytest.mark.parametrize("family", SCALAR, ids=lambda f: f.__name__)
def test_outside_the_support_the_derivative_is_zero(family, double):
    lower, upper = (float(end) for end in family.support(family.Params(*SHAPELY[family])))
    below = [x for x in (-INF, lower - 1) if x < lower] or [-INF]
    above = [x for x in (upper + 1, INF) if x > upper] or [INF]
    between = [lower + 0.5] if family.discrete else []
    values, gradient = derivatives(family, [[*SHAPELY[family], x] for x in (*below, *above, *between)])
    np.testing.assert_array_equal(values[:, 0], -INF)
    np.testing.assert_array_equal(gradient[:, 0], 0)
    tails = [[-INF, 0]] * len(below) + [[0, -INF]] * len(above)
    np.testing.assert_array_equal(values[: len(tails), 1:], tails)
    np.testing.assert_array_equal(gradient[: len(tails)], 0)


INVALID = {
    Bernoulli: [(-0.1,), (1.1,)], Binomial: [(2.5, 0.3), (-1.0, 0.3), (INF, 0.3), (3.0, 1.1)],
    Geometric: [(0.0,), (1.1,)], NegativeBinomial: [(0.0, 1.0), (INF, 1.0), (1.0, -1.0), (1.0, INF)],
    Poisson: [(-1.0,), (INF,)], Uniform: [(1.0, 1.0), (1.0, 0.0), (-INF, 0.0), (-1e308, 1e308)],
    LogNormal: [(INF, 1.0), (0.0, 0.0)], Exponential: [(0.0,), (INF,)], StudentT: [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0)],
    Gamma: [(0.0, 1.0), (1.0, 0.0), (INF, 1.0)], Weibull: [(0.0, 1.0), (1.0, -1.0)], Pareto: [(0.0, 1.0), (1.0, INF)],
    Beta: [(0.0, 1.0), (1.0, INF)],
    **{f: [(INF, 1.0), (0.0, 0.0), (0.0, -1.0), (0.0, INF)] for f in (Normal, Gumbel, Logistic, Laplace, Cauchy)},
}  # fmt: skip


@pytest.mark.parametrize("family", SCALAR, ids=lambda f: f.__name__)
def test_invalid_parameters_are_nan_and_harm_no_neighbour(family, double):
    good, x = np.asarray(SHAPELY[family]), SMOOTH_POINTS[family][0]
    bad = [*INVALID[family], *(np.where(np.arange(len(good)) == j, NAN, good) for j in range(len(good)))]
    values, gradient = derivatives(family, [[*good, x], *([*row, x] for row in bad), [*good, NAN]])
    assert np.all(np.isnan(values[1:]))
    assert np.all(gradient[1:] == 0)
    np.testing.assert_array_equal(values[0], derivatives(family, [[*good, x]])[0][0])

    def summaries(v):
        law = family.Params(*v)
        return jnp.stack([family.entropy(law), family.mean(law), family.variance(law), *family.support(law)])

    numbers = np.asarray(jax.vmap(summaries)(np.array([good, *bad])))
    assert family is Cauchy or not np.any(np.isnan(numbers[0]))
    assert np.all(np.isnan(numbers[1:]))
    draws = family.sample(jax.random.key(0), family.Params(*bad[0]), (3,))
    assert np.all(draws == -1 if family.discrete else np.isnan(draws))


ENDS = [
    # The limit from inside, be it finite or not; and what the tails are there.
    (Exponential, (2.0,), 0.0, math.log(2)),
    (Uniform, (0.0, 4.0), 0.0, -math.log(4)), (Uniform, (0.0, 4.0), 4.0, -math.log(4)),
    (Pareto, (3.0, 2.0), 2.0, math.log(1.5)), (LogNormal, (0.0, 1.0), 0.0, -INF),
    (Gamma, (1.0, 2.0), 0.0, math.log(2)), (Gamma, (0.9, 2.0), 0.0, INF), (Gamma, (1.1, 2.0), 0.0, -INF),
    (Weibull, (1.0, 2.0), 0.0, -math.log(2)), (Weibull, (0.9, 2.0), 0.0, INF), (Weibull, (1.1, 2.0), 0.0, -INF),
    (Beta, (1.0, 3.0), 0.0, math.log(3)), (Beta, (0.5, 3.0), 0.0, INF), (Beta, (2.0, 3.0), 0.0, -INF),
    (Beta, (3.0, 1.0), 1.0, math.log(3)), (Beta, (3.0, 0.5), 1.0, INF), (Beta, (3.0, 2.0), 1.0, -INF),
]  # fmt: skip


@pytest.mark.parametrize(("family", "params", "x", "expected"), ENDS)
def test_ends_of_the_support(family, params, x, expected):
    law = family.Params(*params)
    assert float(family.log_prob(law, x)) == pytest.approx(expected, abs=1e-6)
    lower = x == float(family.support(law)[0])
    assert float(family.log_cdf(law, x)) == (-INF if lower else 0)
    assert float(family.log_sf(law, x)) == (0 if lower else -INF)
    gradient = jax.grad(lambda law: family.log_prob(law, x))(family.Params(*map(jnp.asarray, params)))
    assert not np.any(np.isnan(jax.tree.leaves(gradient)))


@pytest.mark.parametrize(
    ("family", "params", "x", "slope"),
    [
        # The estimates of samples without successes or without failures: the likelihood falls off at a finite slope.
        (Bernoulli, (0.0,), 0.0, [-1]), (Bernoulli, (1.0,), 1.0, [1]), (Poisson, (0.0,), 0.0, [-1]),
        (Binomial, (10.0, 0.0), 0.0, [0, -10]), (Binomial, (10.0, 1.0), 10.0, [0, 10]), (Geometric, (1.0,), 1.0, [1]),
        (NegativeBinomial, (2.0, 0.0), 0.0, [0, -1]),
    ],
)  # fmt: skip
def test_edge_of_the_parameter_space(family, params, x, slope):
    law = family.Params(*map(jnp.asarray, params))
    assert family.log_prob(law, x) == 0
    np.testing.assert_allclose(jax.grad(lambda law: family.log_prob(law, x))(law), slope, atol=1e-6)
    other = x - 1 if x == 10 else x + 1
    assert family.log_prob(law, other) == -INF if family is not Bernoulli else True
    assert family.log_sf(law, x) == -INF
    assert family.cdf(law, x) == 1
    assert float(family.entropy(law)) == pytest.approx(0, abs=1e-6)


# 3. Samples.

DRAWS = 20_000
CELLS = 20


@pytest.mark.parametrize("family", SCALAR, ids=lambda f: f.__name__)
def test_score_has_mean_zero_under_its_own_samples(family, double):
    """Within 4.5 standard errors of the Monte Carlo mean (7e-6 per parameter); and the samples follow the cdf."""
    law = family.Params(*SHAPELY[family])
    x = np.asarray(family.sample(jax.random.key(3), law, (DRAWS,)))
    assert x.shape == (DRAWS,)
    score = jax.jit(jax.vmap(jax.grad(lambda v, x: family.log_prob(family.Params(*v), x)), (None, 0)))
    per_draw = np.asarray(score(np.asarray(SHAPELY[family]), x.astype(np.float64)))
    # Where the support depends on a parameter the score does not have mean zero.
    irregular = {Uniform: ["lower", "upper"], Pareto: ["scale"], Binomial: ["trials"]}.get(family, [])
    for name, column in zip(family.Params._fields, per_draw.T, strict=True):
        if name not in irregular:
            assert abs(column.mean()) < 4.5 * column.std() / math.sqrt(DRAWS), name
    cdf = np.asarray(family.cdf(law, x))
    if family.discrete:
        values, seen = np.unique(x, return_counts=True)
        p = np.exp(np.asarray(family.log_prob(law, values.astype(float))))
        often = p * DRAWS > 5
        rest = DRAWS - seen[often].sum(), DRAWS * (1 - p[often].sum())
        kept = (seen[often], p[often] * DRAWS)
        observed, expected = (np.append(k, max(r, 0.0)) for k, r in zip(kept, rest, strict=True))
        positive = expected > 1e-6
        assert scipy.stats.chisquare(observed[positive], expected[positive], sum_check=False).pvalue > 1e-4
    else:
        assert scipy.stats.kstest(cdf, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("law", [Poisson.Params(3e6), Binomial.Params(1e7, 0.8)], ids=["Poisson", "Binomial"])
def test_large_counts_in_single_precision(law):
    """jax.random's own draws of these have variances 3 per cent off, here 6 standard errors."""
    family = Poisson if len(law) == 1 else Binomial
    draws = 80_000
    x = np.asarray(family.sample(jax.random.key(1), law, (draws,)), np.float64)
    z = (x - float(family.mean(law))) / math.sqrt(float(family.variance(law)))
    assert abs(z.mean()) < 4 / math.sqrt(draws)
    assert abs(z.var() - 1) < 4 * math.sqrt(2 / draws)


def test_counts_beyond_the_integers():
    assert Poisson.sample(jax.random.key(0), Poisson.Params(1e12)) == -1
    assert Geometric.sample(jax.random.key(0), Geometric.Params(1e-14)) == -1


# 4. Vectors.


def test_categorical(dtype):
    p = np.array([0.1, 0.0, 0.6, 0.3]).astype(dtype)
    law = Categorical.Params(p)
    x = np.array([-1, 0, 1, 2, 3, 4, 1.5])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(Categorical.log_prob(law, x), [-INF, *np.log(p), -INF, -INF], rtol=1e-6)
        np.testing.assert_allclose(
            Categorical.log_sf(law, x), np.log([1, 0.9, 0.9, 0.3, 0, 0, 0.9]), rtol=1e-6, atol=1e-6
        )
    np.testing.assert_allclose(Categorical.cdf(law, x), [0, 0.1, 0.1, 0.7, 1, 1, 0.1], rtol=1e-6)
    theirs = scipy.stats.rv_discrete(values=(range(4), p.astype(float) / p.astype(float).sum()))
    assert float(Categorical.mean(law)) == pytest.approx(theirs.mean(), rel=1e-6)
    assert float(Categorical.variance(law)) == pytest.approx(theirs.var(), rel=1e-6)
    assert float(Categorical.entropy(law)) == pytest.approx(theirs.entropy(), rel=1e-6)
    gradient = jax.grad(lambda p: Categorical.log_prob(Categorical.Params(p), 2))(jnp.asarray(p))
    np.testing.assert_allclose(gradient, [-1, -1, 1 / 0.6 - 1, -1], rtol=2e-6)  # of log(p_2 / sum p)
    draws = np.asarray(Categorical.sample(jax.random.key(0), law, (DRAWS,)))
    seen = np.bincount(draws, minlength=4) / DRAWS
    np.testing.assert_allclose(seen, p, atol=4.5 * 0.5 / math.sqrt(DRAWS))
    assert seen[1] == 0
    for bad in ([0.5, 0.4], [1.2, -0.2], [0.5, NAN]):
        assert np.isnan(Categorical.log_prob(Categorical.Params(bad), 0))
    assert float(Categorical.log_prob(Categorical.Params([1.0]), 0)) == 0


def exact_normal(mean, covariance, x):
    """The log density in 50 digits."""
    d = mp.matrix([mp.mpf(float(a)) - mp.mpf(float(b)) for a, b in zip(x, mean, strict=True)])
    C = mp.matrix([[mp.mpf(float(c)) for c in row] for row in covariance])
    return -(d.T * mp.lu_solve(C, d))[0] / 2 - len(d) * mp.log(2 * mp.pi) / 2 - mp.log(mp.det(C)) / 2


def test_multivariate_normal(dtype):
    rng = np.random.default_rng(0)
    root = rng.standard_normal((4, 4)) + 2 * np.eye(4)
    mean, covariance = rng.standard_normal(4).astype(dtype), (root @ root.T).astype(dtype)
    covariance = (covariance + covariance.T) / 2
    law = MultivariateNormal.Params(mean, covariance)
    x = (mean + rng.standard_normal((2, 3, 4)) * np.array([1, 100, 1e4])[:, None]).astype(dtype)
    ours = np.asarray(MultivariateNormal.log_prob(law, x))
    assert ours.shape == (2, 3)
    assert ours.dtype == dtype
    # The condition number is some 40.
    tolerance = 40 * float(np.finfo(dtype).eps)
    for index in np.ndindex(2, 3):
        expected = exact_normal(mean, covariance, x[index])
        assert abs(mp.mpf(float(ours[index])) - expected) <= tolerance * max(1, abs(expected))
    one = np.float64(MultivariateNormal.log_prob(law, x[1, 0]))
    np.testing.assert_allclose(one, ours[1, 0], rtol=10 * np.finfo(dtype).eps)
    entropy = 4 / 2 * math.log(2 * math.pi * math.e) + np.linalg.slogdet(covariance.astype(float))[1] / 2
    assert float(MultivariateNormal.entropy(law)) == pytest.approx(entropy, rel=1e-6)
    np.testing.assert_array_equal(MultivariateNormal.mean(law), mean)
    np.testing.assert_array_equal(MultivariateNormal.variance(law), covariance)


def test_multivariate_normal_is_the_normal_law_in_one_dimension(double):
    x = np.linspace(-5, 8, 7)
    ours = MultivariateNormal.log_prob(MultivariateNormal.Params([1.0], [[4.0]]), x[:, None])
    np.testing.assert_allclose(ours, Normal.log_prob(Normal.Params(1.0, 2.0), x), rtol=1e-14)


def test_multivariate_normal_score_and_samples(double):
    mean, covariance = jnp.array([1.0, -2.0, 0.5]), jnp.array([[2.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 0.5]])
    law = MultivariateNormal.Params(mean, covariance)
    x = MultivariateNormal.sample(jax.random.key(5), law, (40, 500))
    assert x.shape == (40, 500, 3)
    score = jax.vmap(jax.grad(MultivariateNormal.log_prob), (None, 0))(law, x.reshape(-1, 3))
    for part in score:
        flat = np.asarray(part).reshape(len(part), -1)
        assert np.all(np.abs(flat.mean(axis=0)) < 4.5 * flat.std(axis=0) / math.sqrt(len(flat)) + 1e-12)


def test_multivariate_normal_outside_and_invalid():
    law = MultivariateNormal.Params(jnp.zeros(2), jnp.eye(2))
    assert MultivariateNormal.log_prob(law, [0.0, INF]) == -INF
    np.testing.assert_array_equal(jax.grad(MultivariateNormal.log_prob)(law, jnp.array([0.0, INF])).mean, 0)
    assert np.isnan(MultivariateNormal.log_prob(law, [0.0, NAN]))
    for covariance in ([[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]], [[1.0, NAN], [NAN, 1.0]]):
        bad = MultivariateNormal.Params(jnp.zeros(2), jnp.array(covariance))
        assert np.isnan(MultivariateNormal.log_prob(bad, [0.0, 0.0]))
        gradient = jax.grad(MultivariateNormal.log_prob)(bad, jnp.zeros(2))
        assert all(np.all(np.asarray(leaf) == 0) for leaf in gradient)
        assert np.all(np.isnan(MultivariateNormal.sample(jax.random.key(0), bad)))
    for verb in (MultivariateNormal.cdf, MultivariateNormal.log_cdf, MultivariateNormal.log_sf):
        with pytest.raises(NotImplementedError, match="no closed form"):
            verb(law, jnp.zeros(2))


# 5. The namespace.


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_every_family_speaks_the_same_verbs(family):
    assert issubclass(family, Distribution)
    assert family.Params.__doc__
    assert "scipy.stats." in family.__doc__
    verbs = {name for name, member in vars(Distribution).items() if not name.startswith("_") and callable(member)}
    public = {name for name in vars(family) if not name.startswith("_")}
    assert public <= {*verbs, "Params", "Statistics", "discrete", "log_cdf", "log_sf", "fit", "infer"}
    assert hash(family.log_prob) == hash(family.log_prob)
    with pytest.raises(TypeError, match=rf"^{family.__name__}: a namespace.*{family.__name__}.log_prob"):
        family(0.0, 1.0)


def test_the_table_of_contents_names_every_family():
    rows = [line.split() for line in inspect.getdoc(distributions).splitlines()]
    for family in FAMILIES:
        row = next(row for row in rows if row and row[0] == family.__name__)
        assert row[1].rstrip(",") == family.Params._fields[0]


def test_dtype_follows_the_input():
    with x64():
        for x in (np.float32(0.5), np.ones(3, np.float32)):
            assert Normal.log_prob(Normal.Params(0.0, 1), x).dtype == np.float32
        assert Normal.log_prob(Normal.Params(0.0, 1.0), 0.5).dtype == np.float64
        assert Normal.log_prob(Normal.Params(np.float32(0), np.float32(1)), [0.5]).dtype == np.float64
        assert Normal.entropy(Normal.Params(np.float32(0), np.float32(1))).dtype == np.float32
        assert Gamma.sample(jax.random.key(0), Gamma.Params(np.float32(2), 1.0)).dtype == np.float32
    assert Poisson.log_prob(Poisson.Params(2), [0, 1]).dtype == np.float32
    assert Poisson.sample(jax.random.key(0), Poisson.Params(2.0)).dtype == np.int32


def test_one_observation_many_and_batches_agree():
    law = Gamma.Params(2.0, 0.5)
    x = np.array([[0.5, 1.0, 7.0], [0.1, 0.2, 0.3]], np.float32)
    together = Gamma.log_sf(law, x)
    one_by_one = jax.vmap(jax.vmap(functools.partial(Gamma.log_sf, law)))(x)
    np.testing.assert_allclose(together, one_by_one, rtol=1e-6)
    jitted = jax.jit(Gamma.log_sf)(law, x)
    np.testing.assert_allclose(together, jitted, rtol=1e-6)


MESSAGES = {
    "params of another family": (
        lambda: Normal.log_prob(Gumbel.Params(0.0, 1.0), 0.0), TypeError, r"params: expected Normal.Params\(loc, s"
    ),
    "params a plain tuple": (lambda: Gamma.mean((1.0, 2.0)), TypeError, r"params: expected Gamma.Params.*got tuple"),
    "a batch of parameters": (
        lambda: Normal.log_prob(Normal.Params(np.zeros(3), 1.0), 0.0), ValueError, r"loc: expected a number, got .*vmap"
    ),
    "x a string": (lambda: Normal.log_prob(Normal.Params(0.0, 1.0), "seven"), TypeError, "x: expected an array of"),
    "x complex": (lambda: Normal.cdf(Normal.Params(0.0, 1.0), 1j), TypeError, "x: expected float32 or float64"),
    "scale float16": (
        lambda: Normal.mean(Normal.Params(0.0, np.float16(1))), TypeError, "scale: expected float32 or float64"
    ),
    "shape an int": (
        lambda: Normal.sample(jax.random.key(0), Normal.Params(0.0, 1.0), 3), ValueError, "shape: expected a tuple"
    ),
    "p a number": (lambda: Categorical.mean(Categorical.Params(0.3)), ValueError, r"p: expected shape \(k,\)"),
    "mean a number": (
        lambda: MultivariateNormal.mean(MultivariateNormal.Params(0.0, 1.0)), ValueError, r"mean: expected shape \("
    ),
    "variances": (
        lambda: MultivariateNormal.mean(MultivariateNormal.Params(np.zeros(2), np.ones(2))),
        ValueError, r"covariance: expected shape \(2, 2\).*got \(2,\)",
    ),
    "x of another dimension": (
        lambda: MultivariateNormal.log_prob(MultivariateNormal.Params(np.zeros(2), np.eye(2)), np.zeros(3)),
        ValueError, r"x: expected shape \(\.\.\., 2\).*got \(3,\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MESSAGES)
def test_bad_input_is_refused(what):
    attempt, error, message = MESSAGES[what]
    with pytest.raises(error, match=f"^{message}") as caught:
        attempt()
    assert str(caught.value).endswith((".", ")"))


# 6. The notes' own cases, and identities.


def test_a_density_is_no_probability_and_a_likelihood_no_density(double):
    """N(0, 0.1^2) at 0 is 3.9894; the binomial likelihood of 7 in 10 integrates to 1/11."""
    assert math.exp(Normal.log_prob(Normal.Params(0.0, 0.1), 0.0)) == pytest.approx(3.9894, abs=5e-5)
    p, w = np.polynomial.legendre.leggauss(20)
    p, w = (p + 1) / 2, w / 2
    likelihood = jax.vmap(lambda p: Binomial.log_prob(Binomial.Params(10, p), 7))(p)
    assert float(np.sum(w * np.exp(likelihood))) == pytest.approx(1 / 11, rel=1e-12)


def test_seven_of_ten(double):
    """log-likelihood -6.108643 without log C(10, 7) = 4.787492, standard error 0.144914."""
    loglik = float(Binomial.log_prob(Binomial.Params(10, 0.7), 7))
    assert loglik - math.log(math.comb(10, 7)) == pytest.approx(-6.108643, abs=5e-7)
    information = -jax.grad(jax.grad(lambda p: Binomial.log_prob(Binomial.Params(10, p), 7)))(0.7)
    assert float(information) ** -0.5 == pytest.approx(0.144914, abs=5e-7)


def test_prussian_horse_kicks(double):
    """Bortkiewicz 1898: 109, 65, 22, 3 and 1 corps-years with 0 to 4 deaths; rate 0.61, log-likelihood -206.1067."""
    k, n = np.arange(5), np.array([109, 65, 22, 3, 1])
    loglik = lambda rate: jnp.sum(n * Poisson.log_prob(Poisson.Params(rate), k))  # noqa: E731
    assert float(loglik(0.61)) == pytest.approx(-206.1067, abs=5e-5)
    assert float(jax.grad(loglik)(0.61)) == pytest.approx(0, abs=1e-10)
    expected = 200 * np.exp(np.asarray(Poisson.log_prob(Poisson.Params(0.61), k)))
    np.testing.assert_allclose(expected, [108.67, 66.29, 20.22, 4.11, 0.63], atol=5e-3)


VERBS = ("log_prob", "log_cdf", "log_sf")
# A law that is a special case of another; each pair runs through different code.
SAME = [
    (Gamma, lambda loc, s: (1.0, s), Exponential, lambda loc, s: (s,)),
    (Weibull, lambda loc, s: (1.0, 1 / s), Exponential, lambda loc, s: (s,)),
    (StudentT, lambda loc, s: (1.0, loc, s), Cauchy, lambda loc, s: (loc, s)),
    (StudentT, lambda loc, s: (INF, loc, s), Normal, lambda loc, s: (loc, s)),
    (Beta, lambda loc, s: (1.0, 1.0), Uniform, lambda loc, s: (0.0, 1.0)),
]


@jax.jit
def same_laws(loc, scale, x):
    """Pairs of numbers that should be equal."""
    pairs = []
    for first, params, second, others in SAME:
        laws = first.Params(*params(loc, scale)), second.Params(*others(loc, scale))
        pairs += [[getattr(f, verb)(law, x) for f, law in zip((first, second), laws, strict=True)] for verb in VERBS]
    k, counts = jnp.floor(x), NegativeBinomial.Params(1.0, scale)
    trials = Geometric.Params(1 / (1 + scale))
    pairs += [[getattr(NegativeBinomial, v)(counts, k), getattr(Geometric, v)(trials, k + 1)] for v in VERBS]
    # The log-normal law is the normal law of a logarithm, the Gumbel law the Weibull law of minus a logarithm.
    y = jnp.log(x)
    normal = Normal.log_prob(Normal.Params(loc, scale), y)
    pairs.append([LogNormal.log_prob(LogNormal.Params(loc, scale), x) + y, normal])
    weibull = Weibull.log_sf(Weibull.Params(1 / scale, jnp.exp(-loc)), 1 / x)
    pairs.append([Gumbel.log_cdf(Gumbel.Params(loc, scale), y), weibull])
    return jnp.array(pairs)


@settings(max_examples=100)
@given(st.floats(-3, 3), st.floats(0.05, 5), st.floats(0.01, 30))
def test_families_that_are_one_another(loc, scale, x):
    with x64():
        ours, theirs = np.asarray(same_laws(loc, scale, x)).T
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


def test_families_travel():
    """They are module-level names: pickled by reference, and one jit cache entry each."""
    assert pickle.loads(pickle.dumps(Normal)) is Normal
    traced = []

    def count(params, x):
        traced.append(1)
        return Normal.log_prob(params, x)

    f = jax.jit(count)
    for scale in (1.0, 2.0, 3.0):
        f(Normal.Params(0.0, scale), 0.5)
    assert len(traced) == 1
