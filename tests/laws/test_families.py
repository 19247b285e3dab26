"""Laws of the families' fits: no unit, no place, no number of rows decides; an order statistic is one exactly."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from families import BY_NAME

from jaxnotes import Status, distributions, information, x64

# How a parameter answers to a unit of x.
POWERS = {"loc": 1, "scale": 1, "rate": -1}
SCALED = ["Normal", "Gumbel", "Logistic", "Laplace", "Cauchy", "StudentT", "Exponential", "Gamma", "Weibull"]
PLACED = SCALED[:6]


def numbers(family, x, weights=None):
    """Status, estimates, standard errors and error of a fit."""
    solution = family.fit(x, weights)
    inferred = family.infer(solution, x, weights)
    return solution.status, jnp.stack(solution.params), inferred.se, solution.error


def of_lanes(family, x, weights=None):
    """The same of each lane of x (k, n), as NumPy arrays in float64."""
    run = jax.jit(jax.vmap(lambda x, w: numbers(family, x, w), (0, None if weights is None else 0)))
    return [np.asarray(out, float) for out in run(x, weights)]


@pytest.mark.parametrize("name", [SCALED[0], *(pytest.param(name, marks=pytest.mark.long) for name in SCALED[1:])])
def test_a_sample_has_no_unit(name, dtype):
    family, x = getattr(distributions, name), BY_NAME[name].sample.astype(dtype)
    c = np.array([1, 2.0**-80, 2.0**80, 1e-30, 1e12, 1e30])
    status, params, se, _ = of_lanes(family, (x[None] * c[:, None].astype(dtype)).astype(dtype))
    powers = np.array([POWERS.get(field, 0) for field in family.Params._fields])
    units = c[:, None] ** powers[None]
    assert np.all(status == Status.CONVERGED)
    np.testing.assert_array_equal(params[1:3] / units[1:3], np.repeat(params[:1], 2, 0))
    tolerance = 3e-4 if dtype == "float32" else 1e-8
    spread = se[:1] * np.sqrt(len(x))
    assert np.max(np.abs(params / units - params[:1]) / spread) <= tolerance
    np.testing.assert_allclose(se / units, np.repeat(se[:1], 6, 0), rtol=10 * tolerance)


@pytest.mark.long
@pytest.mark.parametrize(
    "name", [PLACED[2], *(pytest.param(n, marks=pytest.mark.long) for n in PLACED if n != "Logistic")]
)
def test_a_sample_far_from_zero(name):
    """5e4 scales away in float32, against float64: within 1 % of a standard error or 2 ulp, and the errors too."""
    family = getattr(distributions, name)
    x = (BY_NAME[name].sample + np.array([[1e2], [5e4]])).astype(np.float32)
    status, params, se, _ = of_lanes(family, x)
    with x64():
        _, exact, exact_se, _ = of_lanes(family, x.astype(float))
    assert np.all(status == Status.CONVERGED)
    allowed = np.maximum(0.01 * exact_se, 2 * np.spacing(np.abs(exact).astype(np.float32)))
    assert np.all(np.abs(params - exact) <= allowed)
    np.testing.assert_allclose(se, exact_se, rtol=0.01)


@pytest.mark.parametrize("name", ["Gamma", pytest.param("StudentT", marks=pytest.mark.long), "Laplace"])
def test_weights_are_counts(name, dtype):
    family, x = getattr(distributions, name), BY_NAME[name].sample.astype(dtype)
    c = np.array([1, 1e-9, 1e9], dtype)
    status, params, se, _ = of_lanes(family, np.repeat(x[None], 3, 0), c[:, None] * np.ones_like(x)[None])
    tolerance = 1e-4 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(params, np.repeat(params[:1], 3, 0), rtol=tolerance)
    # In float32 so many counts leave no rounding of a row within 1 % of a standard error: the same estimate is STALLED.
    told = status == Status.CONVERGED
    assert np.all(told[:2])
    assert told[2] or (dtype == "float32" and status[2] == Status.STALLED)
    np.testing.assert_allclose((se * np.sqrt(c)[:, None])[told], np.repeat(se[:1], 3, 0)[told], rtol=tolerance)


@pytest.mark.parametrize("n", [101, pytest.param(10**6, marks=pytest.mark.long)])
def test_a_median_is_an_order_statistic(n):
    """The very number of NumPy's sort, weighted too."""
    rng = np.random.default_rng(5)
    x, weights = rng.standard_normal(n).astype(np.float32), rng.integers(0, 4, n).astype(np.float32)
    for w, rows in ((None, x), (weights, np.repeat(x, weights.astype(int)))):
        ordered = np.sort(rows)
        middle = ordered[(len(rows) - 1) // 2] / 2 + ordered[len(rows) // 2] / 2
        assert float(distributions.Laplace.fit(x, w).params.loc) == middle
    ends = distributions.Uniform.fit(x).params
    assert (float(ends.lower), float(ends.upper)) == (x.min(), x.max())


@pytest.mark.long
def test_ten_million_rows_keep_their_digits():
    x = np.random.default_rng(6).exponential(size=10**7).astype(np.float32)
    loc, scale = distributions.Normal.fit(x).params
    exact = np.mean(x, dtype=float), np.std(x, dtype=float)
    np.testing.assert_allclose([float(loc), float(scale)], exact, rtol=1e-6)


NARROW = [("Gamma", (1e7, 3.0)), ("Beta", (2e4, 3e4)), ("Beta", (1e6, 3e5)), ("Weibull", (1e3, 2.0))]


@pytest.mark.one_in(2)
@pytest.mark.parametrize(("name", "law"), NARROW)
def test_narrow_laws(name, law):
    """In float32 what float64 finds: the estimate, its standard error by the Hessian, and an error that covers."""
    family = getattr(distributions, name)
    with x64():
        draws = family.sample(jax.random.key(0), family.Params(*law), (200,))
        x = np.asarray(draws, np.float32)
        _, exact, exact_se, _ = (np.asarray(out, float) for out in numbers(family, x.astype(float)))
    status, params, se, error = (np.asarray(out, float) for out in numbers(family, x))
    assert status == Status.CONVERGED
    assert np.max(np.abs(params - exact) / exact_se) <= min(0.01, float(error))
    np.testing.assert_allclose(se, exact_se, rtol=0.01)


@pytest.mark.parametrize("distance", [1.0, 1e-2, 1e-4])
def test_divergence_of_near_distributions(distance):
    """In float32, from logits and from probabilities, against 40 digits."""
    rng = np.random.default_rng(7)
    a = (3 * rng.standard_normal(6)).astype(np.float32)
    b = (a + distance * rng.standard_normal(6)).astype(np.float32)
    with mpmath.workdps(40):
        p, q = ([mpmath.e ** mpmath.mpf(float(v)) for v in logits] for logits in (a, b))
        p, q = ([v / mpmath.fsum(row) for v in row] for row in (p, q))
        exact = float(mpmath.fsum(x * mpmath.log(x / y) for x, y in zip(p, q, strict=True)))
    p, q = (np.array([float(v) for v in row], np.float32) for row in (p, q))
    assert float(information.kl_divergence(a, b, logits=True)) == pytest.approx(exact, rel=1e-5)
    assert float(information.kl_divergence(p, q)) == pytest.approx(exact, rel=1e-2)
