"""Fits of the families: certified answers, the score at each fit, peers, endings, censored samples, batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
import tolerances
from families import BY_NAME, RECORDS, SCALAR, Scalar
from reference import lre, numbers
from scipy import optimize, special, stats
from tolerances import assert_close

import jaxnotes as jn
from jaxnotes import Status, distributions, maximum_likelihood, x64
from jaxnotes.distributions import (
    Beta,
    Binomial,
    Cauchy,
    Exponential,
    Gamma,
    LogNormal,
    NegativeBinomial,
    Normal,
    Pareto,
    Poisson,
    StudentT,
    Uniform,
    Weibull,
)

pytestmark = pytest.mark.repeated

every_family = pytest.mark.parametrize("record", RECORDS, ids=repr)


def flat(params) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(leaf, float)) for leaf in params])


# Certified answers


CERTIFIED = {name: record.family for record in RECORDS for name in record.certified}


@pytest.mark.one_in(6)
@pytest.mark.parametrize("name", reference.names("mle", keep=lambda case: case["name"] in CERTIFIED))
def test_certified(name, double):
    case, family = reference.case("mle", name), CERTIFIED[name]
    (x,) = reference.columns(case).values()
    solution, refined = family.fit(x), case["refined"]
    assert solution.status == Status.CONVERGED
    assert lre(flat(solution.params), numbers(refined["params"])) >= 6
    assert lre(-len(x) * float(solution.value), float(refined["loglik"])) >= 9
    for inferred in (family.infer(solution, x), maximum_likelihood.infer(family.log_prob, solution, x)):
        assert lre(inferred.se, numbers(refined["std_err_observed_info"])) >= 4


@pytest.mark.parametrize("name", reference.names("mle", keep=lambda case: case["name"] == "t9_mass"))
def test_certified_student_with_known_df(name, double):
    case = reference.case("mle", name)
    (x,) = reference.columns(case).values()
    solution = StudentT.fit(x, df=9.0)
    assert lre(flat(solution.params)[1:], numbers(case["refined"]["params"])) >= 6
    se = StudentT.infer(solution, x, df=9.0).se
    assert lre(se, numbers(case["refined"]["std_err_observed_info"])) >= 4
    assert lre(-len(x) * float(solution.value), float(case["refined"]["loglik"])) >= 9


@pytest.mark.long
def test_certified_grouped_counts(double):
    """Yeast cells: Student (1907), Biometrika 5; negative binomial by R's MASS, to 40 digits."""
    cells, counts = np.arange(6), np.array([213, 128, 37, 18, 3, 1])
    solution = NegativeBinomial.fit(cells, counts)
    size, mu = (float(part) for part in (solution.params.size, solution.params.mu))
    assert lre([size, np.log(mu)], [3.58608742818978454, -0.381992751923022233]) >= 9
    assert lre(NegativeBinomial.infer(solution, cells, counts).se[0], 1.7496297003819) >= 9
    assert lre(-400 * solution.value, -446.531576195714251) >= 9


def test_the_information_by_hand_is_autodiff(double):
    """That of the Weibull law, at parameters that are not the estimate."""
    x, share = BY_NAME["Weibull"].sample, np.random.default_rng(6).dirichlet(np.ones(50))
    statistics = Weibull._summarize(distributions.fitting.Empirical(jnp.asarray(x), jnp.asarray(share), {}))
    theta = jnp.array([1.3, 0.8])
    exact = jax.hessian(lambda theta: Weibull._loss(Weibull.Params(*theta), statistics))(theta)
    assert_close(Weibull._information(Weibull.Params(*theta), statistics), exact, 1e-12)


@pytest.mark.long
def test_the_notes_own_cases(dtype):
    """7 of 10, the horse-kicks, a mean and its biased variance."""
    heads = Binomial.fit(np.array([7], dtype), trials=10)
    inferred = Binomial.infer(heads, np.array([7], dtype), trials=10)
    assert float(heads.params.p) == pytest.approx(0.7, rel=1e-6)
    assert -float(heads.value) == pytest.approx(-6.108643 + np.log(120), abs=2e-6)
    assert float(inferred.se[0]) == pytest.approx(0.144914, abs=1e-6)
    deaths, corps = np.arange(5), np.array([109, 65, 22, 3, 1])
    kicks = Poisson.fit(deaths.astype(dtype), corps)
    assert float(kicks.params.rate) == pytest.approx(0.61, rel=1e-6)
    assert -200 * float(kicks.value) == pytest.approx(-206.1067, abs=2e-4)
    assert kicks.params.rate.dtype == dtype
    x = np.array([1, 2, 4, 5, 9], dtype)
    params = Normal.fit(x).params
    assert [float(params.loc), float(params.scale) ** 2] == pytest.approx([4.2, x.astype(float).var()], rel=1e-6)


# What a maximum is


@pytest.mark.one_in(4)
@every_family
def test_the_maximum(record, double):
    """The score is 0 there, the value is the mean of -log_prob, and nothing near is better."""
    family, x, known = record.family, record.sample, record.known
    solution = family.fit(x, **known)
    assert solution.status == record.peak
    if record.peak == Status.CONVERGED:
        assert float(solution.grad_norm) <= 1e-8
    x = x.astype(float)
    assert float(solution.value) == pytest.approx(-np.mean(np.asarray(family.log_prob(solution.params, x))), rel=1e-12)
    if not isinstance(record, Scalar):
        return
    free = [field for field in solution.params._fields if field not in known]

    def loglik(values):
        params = solution.params._replace(**dict(zip(free, values, strict=True)))
        return float(np.sum(family.log_prob(params, x)))

    at = [float(getattr(solution.params, field)) for field in free]
    for j in range(len(free)):
        for nudge in (-1e-3, 1e-3):
            assert loglik([value + nudge * (i == j) for i, value in enumerate(at)]) < loglik(at)
    if record.peak == Status.CONVERGED and not record.kinked:
        slopes = jax.grad(lambda p: jnp.mean(family.log_prob(p, x)))(solution.params)
        assert max(abs(float(getattr(slopes, field))) for field in free) < 1e-9


@pytest.mark.parametrize("record", [record for record in SCALAR if not record.moving], ids=repr)
def test_the_score_has_mean_zero_under_its_own_law(record, double):
    """A million draws, or as many as say it: |mean| within 4.5 standard errors."""
    family = record.family
    params = family.fit(record.sample, **record.known).params
    draws = family.sample(jax.random.key(1), params, (20_000,))
    score = jax.vmap(lambda x: jnp.stack(jax.grad(lambda p: family.log_prob(p, x))(params)))(draws.astype(float))
    score = np.asarray(score)
    assert np.all(np.abs(score.mean(axis=0)) <= 4.5 * score.std(axis=0) / np.sqrt(len(score)))


@pytest.mark.parametrize("record", [record for record in SCALAR if record.peer], ids=repr)
def test_against_scipy(record, double):
    family, x, (peer, fixed) = record.family, record.sample, record.peer
    found = peer.fit(x, **fixed)
    assert -len(x) * float(family.fit(x).value) >= np.sum(peer.logpdf(x, *found)) - 1e-9
    assert -len(x) * float(family.fit(x).value) == pytest.approx(np.sum(peer.logpdf(x, *found)), rel=1e-5)


# Endings


ENDINGS = {f"{record}, {what}": (record.family, *row) for record in RECORDS for what, row in record.endings.items()}


@pytest.mark.one_in(5)
@pytest.mark.parametrize("name", ENDINGS)
def test_endings(name, double):
    family, x, known, expected = ENDINGS[name]
    assert Status(int(family.fit(x, **known).status)) == expected


def test_no_success_has_an_interval(double):
    """0 of 10: p = 0, no Wald standard error, and the likelihood-ratio interval [0, 0.1748]."""
    tosses = np.zeros(10)
    solution = distributions.Bernoulli.fit(tosses)
    interval = maximum_likelihood.profile_intervals(distributions.Bernoulli.log_prob, solution, tosses)
    assert [float(interval.lower[0]), float(interval.upper[0])] == pytest.approx([0, 0.1748], abs=5e-5)
    assert np.isnan(distributions.Bernoulli.infer(solution, tosses).se[0])


@pytest.mark.long
def test_no_false_standard_errors_from_log_prob(double):
    """Where Wald's theory does not hold, or log_prob alone does not know what is constrained or given: NaN."""
    for record in RECORDS:
        if record.known or record.kinked or record.peak != Status.CONVERGED or not isinstance(record, Scalar):
            family, x = record.family, record.sample
            solution = family.fit(x, **record.known)
            assert np.all(np.isnan(maximum_likelihood.infer(family.log_prob, solution, x).se)), record
    labels, known = BY_NAME["Categorical"].sample, BY_NAME["Categorical"].known
    solution = distributions.Categorical.fit(labels, **known)
    p = np.asarray(solution.params.p)
    assert_close(distributions.Categorical.infer(solution, labels, **known).se, np.sqrt(p * (1 - p) / 50), 1e-12)


def test_the_uniform_law_is_not_regular(double):
    """The maximum is the largest x; its error is of order 1/n, not 1/sqrt(n); no Wald standard error is claimed."""
    x = np.array([0.5, 2.5, 1.0])
    solution = Uniform.fit(x)
    assert [float(solution.params.lower), float(solution.params.upper)] == [0.5, 2.5]
    assert np.all(np.isnan(Uniform.infer(solution, x).se))
    draws = np.random.default_rng(0).uniform(0, 1, (2000, 50))
    upper = np.asarray(jax.vmap(Uniform.fit)(draws).params.upper)
    assert np.mean(1 - upper) == pytest.approx(1 / 51, rel=0.1)


# Censored samples


@pytest.mark.parametrize("record", [record for record in SCALAR if not record.family.discrete], ids=repr)
def test_censored_log_prob(record, double):
    """Exact, right-, left- and interval-censored: the density, the tails, and a difference that adds up."""
    family = record.family
    params = family.fit(record.sample).params
    low, high = (float(q) for q in np.quantile(record.sample, [0.3, 0.7]))
    one = lambda a, b: float(family.censored_log_prob(params, a, b))  # noqa: E731
    assert one(low, low) == pytest.approx(float(family.log_prob(params, low)), rel=1e-14)
    assert one(low, np.inf) == pytest.approx(float(family.log_sf(params, low)), rel=1e-12)
    assert one(-np.inf, high) == pytest.approx(float(family.log_cdf(params, high)), rel=1e-12)
    parts = np.exp([one(-np.inf, low), one(low, high), one(high, np.inf)])
    assert np.sum(parts) == pytest.approx(1, rel=1e-12)
    assert np.isnan(one(high, low))
    for ends in ((low, low), (low, np.inf), (-np.inf, high), (low, high)):
        slopes = jax.grad(lambda p, ends=ends: family.censored_log_prob(p, *ends))(params)
        assert np.all(np.isfinite(flat(slopes)))


def test_censored_far_in_the_tail(double):
    """Where both tails would be 1 or 0 in their own numbers."""
    law = Normal.Params(0.0, 1.0)
    expected = special.log_ndtr(-40) + np.log1p(-np.exp(special.log_ndtr(-41) - special.log_ndtr(-40)))
    assert float(Normal.censored_log_prob(law, 40.0, 41.0)) == pytest.approx(expected, rel=1e-13)
    assert float(Normal.censored_log_prob(law, -41.0, -40.0)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", ["salinity_lognormal_censored", "fluazinam_lognormal_censored"])
def test_certified_censored(name, double):
    if name not in reference.cases("mle"):
        pytest.skip("the reference cases are not there")
    case = reference.case("mle", name)
    data = reference.columns(case)
    # status 0: exact; 1: left-, 2: right-, 3: interval-censored.
    lower = np.where(data["status"] == 1, -np.inf, data["lo"])
    upper = np.select([data["status"] == 2, data["status"] == 0], [np.inf, data["lo"]], data["hi"])

    def log_prob(params, row):
        return LogNormal.censored_log_prob(params, *row)

    solution = maximum_likelihood.fit(log_prob, LogNormal.Params(1.0, 1.0), (lower, upper))
    assert solution.status == Status.CONVERGED
    assert lre(flat(solution.params), numbers(case["refined"]["params"])) >= 6
    inferred = maximum_likelihood.infer(log_prob, solution, (lower, upper))
    assert lre(inferred.se, numbers(case["refined"]["std_err_observed_info"])) >= 4
    assert lre(-len(lower) * float(solution.value), float(case["refined"]["loglik"])) >= 9


def test_right_censored_lifetimes(double):
    """Exponential: the deaths over the time lived, with the standard error rate / sqrt(deaths)."""
    months, dead = np.array([2.0, 5, 9, 12, 12]), np.array([True, True, True, False, False])
    rows = months, np.where(dead, months, np.inf)

    def log_prob(params, row):
        return Exponential.censored_log_prob(params, *row)

    solution = maximum_likelihood.fit(log_prob, Exponential.Params(1.0), rows)
    assert float(solution.params.rate) == pytest.approx(3 / 40, rel=1e-9)
    assert float(maximum_likelihood.infer(log_prob, solution, rows).se[0]) == pytest.approx(
        3 / 40 / np.sqrt(3), rel=1e-8
    )


# Weights, batches, derivatives


@pytest.mark.long
@every_family
def test_weights_are_rows(record, double):
    """A row of weight 2 is two rows; one of weight 0 may hold NaN. Lanes say what one fit says; a bad one is alone."""
    family, x, known = record.family, record.sample, record.known
    x = x[:30].astype(float)
    weights = np.random.default_rng(3).integers(0, 3, 30).astype(float)
    ours = family.fit(np.where((weights > 0).reshape(-1, *[1] * (x.ndim - 1)), x, np.nan), weights, **known)
    theirs = family.fit(np.repeat(x, weights.astype(int), axis=0), **known)
    assert ours.status == theirs.status
    assert_close(flat(ours.params), flat(theirs.params), 1e-7)
    batch = np.stack([x, x[::-1], np.full_like(x, np.nan)])
    many = jax.jit(jax.vmap(lambda x: family.fit(x, **known)))(batch)
    assert many.status[2] == Status.NON_FINITE_DATA
    one = family.fit(x, **known)
    assert_close(flat(jax.tree.map(lambda leaf: leaf[0], many.params)), flat(one.params), 1e-9)
    assert int(many.status[0]) == int(one.status)


SMOOTH = [record for record in SCALAR if record.peak == Status.CONVERGED and not record.kinked]


@pytest.mark.parametrize("record", SMOOTH, ids=repr)
def test_derivatives_are_finite_differences(record, double):
    """Of the parameters in the weights, and in x where it is continuous."""
    family, x, known = record.family, record.sample, record.known
    x, weights = x[:40].astype(float), np.random.default_rng(4).uniform(0.5, 2, 40)
    run = jax.jit(lambda x, w: jnp.stack(family.fit(x, w, **known).params))
    dx, dw = jax.jit(jax.jacrev(run, argnums=(0, 1)))(x, weights)
    direction, h = 0.01 * np.random.default_rng(5).standard_normal(40), 1e-4
    cases = [(dw, lambda s: run(x, weights + s * direction))]
    if not family.discrete:
        cases.append((dx, lambda s: run(x + s * direction, weights)))
    for slope, at in cases:
        expected = (np.asarray(at(h)) - np.asarray(at(-h))) / (2 * h)
        assert_close(np.asarray(slope) @ direction, expected, tolerances.of("float64").derivative)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", ["Normal", "Gamma", "Weibull"])
def test_derivatives_of_a_batch(name, double):
    """Those of its lanes, a bad lane's 0 or its own; and in a weight of 0, which a row that comes back changes."""
    family, x = BY_NAME[name].family, BY_NAME["Gamma"].sample[:20]
    batch = np.stack([x, np.full(20, np.nan), 2 * x])
    slopes = jax.grad(lambda batch: jnp.nansum(jax.vmap(family.fit)(batch).params[1]))(batch)
    assert np.all(np.isfinite(slopes))
    assert_close(slopes[2], jax.grad(lambda x: family.fit(x).params[1])(2 * x), 1e-9)
    weights, h = np.ones(20), 1e-6
    weights[3] = 0
    run = jax.jit(lambda h: family.fit(x, jnp.asarray(weights).at[3].add(h)).params[0])
    assert float(jax.grad(run)(0.0)) == pytest.approx(float(run(h) - run(0.0)) / h, rel=1e-4)


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("family", "params"),
    [(Gamma, (2e4, 1.0)), (Beta, (2e4, 3e4)), (Weibull, (1e3, 2.0)), (Gamma, (0.05, 1.0)), (Beta, (0.1, 0.2))],
)
def test_laws_far_from_the_middle(family, params, dtype):
    """Nearly normal, and nearly all at an end: in float32 too the answer is that of float64, well below its error."""
    with x64():
        x = np.asarray(family.sample(jax.random.key(0), family.Params(*params), (200,)))
        x = np.clip(x, 1e-30, 1 - 1e-7 if family is Beta else np.inf).astype(dtype)
        exact = family.fit(x.astype(float))
        error = np.asarray(family.infer(exact, x.astype(float)).se)
    found = family.fit(x)
    assert found.status == Status.CONVERGED
    assert np.all(np.abs(flat(found.params) - flat(exact.params)) <= 0.02 * error)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"^x: expected"):
        Normal.fit(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"^weights: expected"):
        Normal.fit(np.ones(3), np.ones(2))
    with pytest.raises(TypeError, match=r"^x: expected"):
        Gamma.fit("text")
    with pytest.raises(ValueError, match=r"^upper: expected the shape of lower"):
        Normal.censored_log_prob(Normal.Params(0.0, 1.0), np.zeros(2), np.zeros(3))


def test_float32_answers():
    x = BY_NAME["Gamma"].sample.astype(np.float32)
    single = Gamma.fit(x)
    with x64():
        exact = Gamma.fit(x.astype(float))
    assert single.params.shape.dtype == np.float32
    assert single.status == Status.CONVERGED
    assert_close(flat(single.params), flat(exact.params), tolerances.of("float32").estimate)
    assert jn.show.summary(single, Gamma.infer(single, x), ["shape", "rate"], n_obs=50)


@pytest.mark.long
def test_pareto_and_cauchy_by_hand(double):
    """Pareto: n / sum log(x / min). Cauchy: a second algorithm."""
    x = BY_NAME["Pareto"].sample
    params = Pareto.fit(x).params
    assert [float(params.shape), float(params.scale)] == pytest.approx([1 / np.mean(np.log(x / x.min())), x.min()])
    y = BY_NAME["Cauchy"].sample
    peer = optimize.minimize(lambda p: -np.sum(stats.cauchy.logpdf(y, p[0], np.exp(p[1]))), [0, 0], tol=1e-12)
    params = Cauchy.fit(y).params
    assert [float(params.loc), float(params.scale)] == pytest.approx([peer.x[0], np.exp(peer.x[1])], rel=1e-4)
