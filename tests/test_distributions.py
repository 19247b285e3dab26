"""Each family against mpmath at 50 digits, far out and with large parameters; and the laws that need no reference."""

import functools
import inspect
import math
import pickle

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats
import tolerances
from families import BY_NAME, RECORDS, SCALAR, Scalar
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

INF, NAN = np.inf, np.nan
# Of max(1, |log_prob|): the contract in float64; in float32 the rounding of some ten operations, each of 6e-8.
LOG_PROB = {"float32": 5e-6, "float64": 1e-12}

every_family = pytest.mark.parametrize("record", RECORDS, ids=repr)
every_scalar = pytest.mark.parametrize("record", SCALAR, ids=repr)


def rows_of(table: str):
    """A case for each row that the records have in a table, preceded by its family."""
    return [(record.family, *row) for record in SCALAR for row in getattr(record, table)]


def test_every_family_has_one_record():
    public = [getattr(distributions, name) for name in distributions.__all__ if name != "Distribution"]
    assert sorted(map(str, public)) == sorted(str(record.family) for record in RECORDS)
    assert all(record.tails for record in SCALAR if not record.family.discrete)


def grid_rows(record: Scalar, dtype):
    """Parameters and points of the grid as they are in this precision, without those that it cannot hold."""
    info, family = np.finfo(dtype), record.family
    found = []
    for params, points in record.grid:
        params = np.asarray(params).astype(dtype)
        for x in np.unique(np.asarray(points).astype(dtype)):
            values = np.array([*params, x])
            held = np.all(np.isfinite(values) & ((values == 0) | (np.abs(values) >= info.tiny)))
            lower, upper = (float(end) for end in family.support(family.Params(*params)))
            if held and (lower <= x <= upper if family.discrete or record.closed else lower < x < upper):
                found.append(values)
    return np.array(found, dtype)


@functools.cache
def compiled(family, verb):
    return jax.jit(jax.vmap(lambda params, x: getattr(family, verb)(family.Params(*params), x)))


@every_scalar
def test_log_prob_against_mpmath(record, dtype):
    family = record.family
    with np.errstate(over="ignore", under="ignore"):
        table = grid_rows(record, dtype)
    assert len(table) >= 6
    ours = np.asarray(compiled(family, "log_prob")(tuple(table.T[:-1]), table[:, -1]))
    assert ours.dtype == dtype
    worst = 0.0
    for values, value in zip(table, ours, strict=True):
        *params, x = (mp.mpf(float(v)) for v in values)
        expected = record.log_density(x, *params)
        if expected == mp.ninf or abs(expected) > float(np.finfo(dtype).max) / 20:
            assert value == -INF or value < -float(np.finfo(dtype).max) / 20, values
            continue
        error = abs(mp.mpf(float(value)) - expected) / max(1, abs(expected))
        assert error <= LOG_PROB[dtype.name], f"{values}: {value}, expected {mp.nstr(expected, 17)}"
        worst = max(worst, float(error))
    print(f"{record!r:20s}{dtype.name}  {len(table):4d} points, worst {worst:.1e}")


def summed_tails(record: Scalar, x, *params):
    """Both tails of a discrete law as sums of its probabilities."""
    first, last = (float(end) for end in record.family.support(record.family.Params(*map(float, params))))
    with mp.workdps(25):
        lower = mp.fsum(mp.exp(record.log_density(mp.mpf(k), *params)) for k in range(int(first), int(x) + 1))
        upper, k = mp.mpf(0), int(x) + 1
        while k <= last:
            term = mp.exp(record.log_density(mp.mpf(k), *params))
            upper += term
            if term < upper * mp.mpf(10) ** -16:
                break
            k += 1
        return mp.log(lower), mp.log(upper)


def tails(family):
    def all_three(params, x):
        law = family.Params(*params)
        return family.log_cdf(law, x), family.log_sf(law, x), family.cdf(law, x)

    return jax.jit(jax.vmap(all_three))


@every_scalar
def test_tails_against_mpmath(record, dtype):
    """Also far beyond where the tail itself underflows."""
    family = record.family
    with np.errstate(over="ignore", under="ignore"):
        table = np.array([[*params, x] for params, points in record.laws for x in points]).astype(dtype)
    x = table[:, -1]
    table = table[np.isfinite(x) & ((x == 0) | (np.abs(x) > np.finfo(dtype).tiny))]
    lower, upper = (float(end) for end in family.support(family.Params(*table[0, :-1])))
    if not family.discrete:
        table = table[(table[:, -1] > lower) & (table[:, -1] < upper)]
    log_cdf, log_sf, cdf = map(np.asarray, tails(family)(tuple(table.T[:-1]), table[:, -1]))
    tolerance = 2 * LOG_PROB[dtype.name]
    for i, values in enumerate(table):
        *params, x = (mp.mpf(float(v)) for v in values)
        expected = record.tails(x, *params) if record.tails else summed_tails(record, x, *params)
        for value, log in zip((log_cdf[i], log_sf[i]), expected, strict=True):
            assert abs(mp.mpf(float(value)) - log) <= tolerance * max(1, abs(log)), values
        assert abs(float(cdf[i]) - float(mp.exp(expected[0]))) <= tolerance, values


# 1. log_prob is a law: integrals over the real line, sums over the integers.


def nodes(record: Scalar) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights whose sums are integrals over the support: double-exponential rules from a middle out."""
    lower, upper = (float(end) for end in record.family.support(record.family.Params(*record.regular)))
    if record.family.discrete:
        k = np.arange(lower, min(upper, 40_000) + 1)
        return k, np.ones_like(k)
    u = np.linspace(-4.5, 4.5, 1501)
    step = u[1] - u[0]
    points, weights = [], []
    for end, sign in ((lower, -1), (upper, 1)):
        if np.isfinite(end):
            # From the middle to the end, with the distance to the end kept.
            t = 1 / (1 + np.exp(np.pi * np.sinh(u)))
            points.append(end - sign * np.abs(end - record.middle) * t)
            weights.append(np.abs(end - record.middle) * t * (1 - t) * np.pi * np.cosh(u) * step)
        else:
            t = np.exp(np.pi / 2 * np.sinh(u))
            points.append(record.middle + sign * t)
            weights.append(t * np.pi / 2 * np.cosh(u) * step)
    return np.concatenate(points), np.concatenate(weights)


@every_scalar
def test_sums_to_one_and_has_its_moments(record, double):
    family = record.family
    params = family.Params(*record.regular)
    x, w = nodes(record)
    log_p = np.asarray(family.log_prob(params, x))
    p = np.exp(log_p) * w
    assert p.sum() == pytest.approx(1, abs=1e-10)
    entropy = -np.sum(p[p > 0] * log_p[p > 0])
    assert float(family.entropy(params)) == pytest.approx(entropy, abs=1e-8)
    if record.moments:
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


def smooth_rows(record: Scalar) -> np.ndarray:
    return np.array([[*record.regular, x] for x in record.smooth])


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


@every_scalar
def test_gradients_against_differences(record, double):
    """In the parameters, and in x of a continuous law, of all that the likelihood of censored samples is made of."""
    family, table = record.family, smooth_rows(record)
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


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", ["Normal", "Gamma", "StudentT", "NegativeBinomial"])
def test_second_derivatives_against_differences(name, double):
    """What Newton's method asks of censored samples, in the shapes too, which enter the tails through a loop."""
    family, table = BY_NAME[name].family, smooth_rows(BY_NAME[name])
    tail = lambda v: family.log_sf(family.Params(*v[:-1]), v[-1])  # noqa: E731
    gradient = jax.jit(jax.vmap(jax.grad(tail)))
    hessian = np.asarray(jax.jit(jax.vmap(jax.jacrev(jax.grad(tail))))(table))
    for j in range(len(family.Params._fields)):
        difference = central(gradient, table, j)
        scale = np.maximum(np.abs(hessian[:, j]).max(axis=-1, keepdims=True), 1e-2)
        free = len(family.Params._fields) if family.discrete else None
        assert np.all((np.abs(hessian[:, j] - difference) <= 1e-5 * scale)[:, :free])


@every_scalar
def test_outside_the_support_the_derivative_is_zero(record, double):
    family = record.family
    lower, upper = (float(end) for end in family.support(family.Params(*record.regular)))
    below = [x for x in (-INF, lower - 1) if x < lower] or [-INF]
    above = [x for x in (upper + 1, INF) if x > upper] or [INF]
    between = [lower + 0.5] if family.discrete else []
    values, gradient = derivatives(family, [[*record.regular, x] for x in (*below, *above, *between)])
    np.testing.assert_array_equal(values[:, 0], -INF)
    np.testing.assert_array_equal(gradient[:, 0], 0)
    tails = [[-INF, 0]] * len(below) + [[0, -INF]] * len(above)
    np.testing.assert_array_equal(values[: len(tails), 1:], tails)
    np.testing.assert_array_equal(gradient[: len(tails)], 0)


@every_scalar
def test_invalid_parameters_are_nan_and_harm_no_neighbour(record, double):
    family, good, x = record.family, np.asarray(record.regular), record.smooth[0]
    bad = [*record.invalid, *(np.where(np.arange(len(good)) == j, NAN, good) for j in range(len(good)))]
    values, gradient = derivatives(family, [[*good, x], *([*row, x] for row in bad), [*good, NAN]])
    assert np.all(np.isnan(values[1:]))
    assert np.all(gradient[1:] == 0)
    np.testing.assert_array_equal(values[0], derivatives(family, [[*good, x]])[0][0])

    def summaries(v):
        law = family.Params(*v)
        return jnp.stack([family.entropy(law), family.mean(law), family.variance(law), *family.support(law)])

    numbers = np.asarray(jax.vmap(summaries)(np.array([good, *bad])))
    assert not record.moments or not np.any(np.isnan(numbers[0]))
    assert np.all(np.isnan(numbers[1:]))
    draws = family.sample(jax.random.key(0), family.Params(*bad[0]), (3,))
    assert np.all(draws == -1 if family.discrete else np.isnan(draws))


@pytest.mark.parametrize(("family", "params", "x", "expected"), rows_of("ends"))
def test_ends_of_the_support(family, params, x, expected):
    """The limit from inside, be it finite or not; and what the tails are there."""
    law = family.Params(*params)
    assert float(family.log_prob(law, x)) == pytest.approx(expected, abs=1e-6)
    lower = x == float(family.support(law)[0])
    assert float(family.log_cdf(law, x)) == (-INF if lower else 0)
    assert float(family.log_sf(law, x)) == (0 if lower else -INF)
    gradient = jax.grad(lambda law: family.log_prob(law, x))(family.Params(*map(jnp.asarray, params)))
    assert not np.any(np.isnan(jax.tree.leaves(gradient)))


@pytest.mark.parametrize(("family", "params", "x", "slope"), rows_of("edges"))
def test_edge_of_the_parameter_space(family, params, x, slope):
    """The estimates of samples without successes or without failures: the likelihood falls off at a finite slope."""
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


@every_scalar
def test_score_has_mean_zero_under_its_own_samples(record, double):
    """Within 4.5 standard errors of the Monte Carlo mean (7e-6 per parameter); and the samples follow the cdf."""
    family = record.family
    law = family.Params(*record.regular)
    x = np.asarray(family.sample(jax.random.key(3), law, (DRAWS,)))
    assert x.shape == (DRAWS,)
    score = jax.jit(jax.vmap(jax.grad(lambda v, x: family.log_prob(family.Params(*v), x)), (None, 0)))
    per_draw = np.asarray(score(np.asarray(record.regular), x.astype(np.float64)))
    # Where the support depends on a parameter the score does not have mean zero.
    for name, column in zip(family.Params._fields, per_draw.T, strict=True):
        if name not in record.moving:
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


@every_family
def test_every_family_speaks_the_same_verbs(record):
    family = record.family
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
    for record in RECORDS:
        row = next(row for row in rows if row and row[0] == repr(record))
        assert row[1].rstrip(",") == record.family.Params._fields[0]


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
    **{f"{record}, {what}": call for record in RECORDS for what, call in record.refused.items()},
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
