"""A minimum is a minimum, in any units: what `minimize` and a user's maximum likelihood promise when they say so."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference

from jaxnotes import Status, maximum_likelihood, methods, minimize


def ending(solution) -> Status:
    return Status(int(solution.status))


# Units


@functools.partial(jax.jit, static_argnames="dtype")
def rosenbrock_in_units(factor, unit, dtype=np.float32):
    """factor times Rosenbrock's function of x / unit, from its usual start."""

    def fun(x):
        x = x / unit
        return factor * (100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2)

    return minimize(fun, np.array([-1.2, 1], dtype) * unit)


EXTREMES = [(2.0**-100, 1.0), (2.0**100, 1.0), (1.0, 2.0**-100), (1.0, 2.0**100), (2.0**-60, 2.0**50)]


@pytest.mark.parametrize(("factor", "unit"), EXTREMES)
def test_units_change_no_bit(factor, unit):
    """Of the objective and of the parameters, from 1e-30 to 1e30: powers of two, so that scaling is exact."""
    plain = rosenbrock_in_units(np.float32(1), np.float32(1))
    scaled = rosenbrock_in_units(np.float32(factor), np.float32(unit))
    assert ending(scaled) == ending(plain) == Status.CONVERGED
    np.testing.assert_array_equal(np.asarray(scaled.params) / np.float32(unit), plain.params)
    assert int(scaled.steps) == int(plain.steps)


@jax.jit
def parabola(constant, factor, unit):
    """From a start that knows no unit."""
    return minimize(lambda x: constant + factor * jnp.sum((x / unit - 3) ** 2), jnp.zeros(2))


@pytest.mark.parametrize("constant", [0.0, 1e4, 1e8])
def test_a_constant_hides_no_minimum(constant):
    solution = parabola(constant, 1.0, 1.0)
    assert ending(solution) == Status.CONVERGED
    np.testing.assert_allclose(solution.params, 3, rtol=1e-6)


@pytest.mark.parametrize("constant", [-7e5, 7e6])
def test_values_that_show_nothing_hide_no_valley(constant):
    """From Rosenbrock's start to the end of his valley, a fall of 24, where values are 0.06 or 0.5 apart in float32."""
    solution = minimize(lambda x: constant + 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, jnp.array([-1.2, 1]))
    assert ending(solution) == Status.CONVERGED
    np.testing.assert_allclose(solution.params, 1, atol=0.05)


@pytest.mark.parametrize(
    ("factor", "unit"), [(1e-30, 1), (1e30, 1), (1, 1e-30), (1, 1e30), (1e-12, 1e-20), (1e-12, 1e9)]
)
def test_a_start_at_zero_knows_no_unit(factor, unit):
    solution = parabola(0.0, factor, unit)
    assert ending(solution) == Status.CONVERGED
    np.testing.assert_allclose(np.asarray(solution.params) / np.float32(unit), 3, rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("name", ["lbfgs", "backtracking", "gradient_descent"])
def test_first_order_methods_do_not_stop_at_the_start(name, factor):
    """CONVERGED only at the minimum, whatever the rate or the size of the objective."""
    rules = {"gradient_descent": lambda: methods.gradient_descent(1e-9)}
    rule = rules.get(name, getattr(methods, name))()
    solution = minimize(lambda x: factor * jnp.sum((x - 3) ** 2), jnp.zeros(2), method=rule)
    assert ending(solution) != Status.CONVERGED or np.allclose(solution.params, 3, rtol=1e-3)


# What kind of point


def saddle(x):
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


ENDINGS = {
    "a saddle at the start": (saddle, [0.0, 0.0], Status.CONVERGED),
    "a maximum at the start": (lambda x: jnp.sum(jnp.cos(x)), [0.0, 0.0], Status.CONVERGED),
    "a constant": (lambda x: 5.0 + 0 * jnp.sum(x), [1.0, 2.0], Status.FLAT),
    "zero": (lambda x: 0 * jnp.sum(x), [1.0, 2.0], Status.FLAT),
    "a plateau": (lambda x: 1 - jnp.exp(-jnp.sum(x**2)), [20.0, 20.0], Status.FLAT),
    "a valley of minima": (lambda x: (x[0] + x[1] - 1) ** 2 + 7, [1.0, 2.0], Status.FLAT),
    "running away": (lambda x: jnp.exp(-x[0]) + x[1] ** 2, [0.0, 1.0], Status.BOUNDARY),
    "running away slowly": (lambda x: 1 / x[0] + x[1] ** 2, [1.0, 1.0], Status.BOUNDARY),
    "an edge": (lambda x: jnp.log(x[0]) + x[1] ** 2, [2.0, 1.0], Status.BOUNDARY),
    "a point of inflection on the way down": (lambda x: -(x[0] ** 3) + x[1] ** 2, [-0.9, 0.1], Status.BOUNDARY),
    "a minimum that is flat but one": (lambda x: jnp.sum((x - 3) ** 4), [0.0, 1.0], Status.CONVERGED),
}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", ENDINGS)
def test_what_kind_of_point(name, dtype):
    fun, start, expected = ENDINGS[name]
    solution = minimize(fun, np.array(start, dtype))
    assert ending(solution) == expected
    if expected == Status.CONVERGED:
        x = np.asarray(solution.params, dtype)
        assert np.linalg.eigvalsh(jax.hessian(fun)(x)).min() >= 0


def test_saddles_are_left(double):
    assert abs(float(minimize(saddle, np.zeros(2)).params[1])) == pytest.approx(0.5**0.5, rel=1e-9)


# A user's likelihood


def normal(params, x):
    """With the logarithm of the spread, so that no derivative holds a square of the unit."""
    return -(((x - params["mean"]) * jnp.exp(-params["log_sd"])) ** 2) / 2 - params["log_sd"]


SAMPLE = np.random.default_rng(0).normal(3, 2, 200).astype(np.float32)


@jax.jit
def fit_normal(x, start, weights):
    return maximum_likelihood.fit(normal, start, x, weights=weights)


@pytest.mark.parametrize("unit", [1e-30, 1e-20, 1.0, 1e15, 1e30])
def test_a_sample_has_no_unit(unit):
    start = {"mean": np.float32(0), "log_sd": np.float32(np.log(2 * unit))}
    solution = fit_normal(SAMPLE * np.float32(unit), start, np.ones(200, np.float32))
    se = SAMPLE.std() / 200**0.5
    assert ending(solution) == Status.CONVERGED
    assert abs(float(solution.params["mean"]) / unit - SAMPLE.mean(dtype=np.float64)) <= 0.01 * se
    assert 0 < float(solution.error) <= 0.01


def poisson(theta, row):
    x, y = row
    eta = theta[0] + theta[1] * x
    return y * eta - jnp.exp(eta)


@jax.jit
@jax.vmap
def poisson_in_units(unit):
    x = jnp.asarray(np.linspace(-1, 1, 30), jnp.float32) * unit
    rows = x, jnp.asarray(np.random.default_rng(3).poisson(3, 30), jnp.float32)
    solution = maximum_likelihood.fit(poisson, jnp.array([1.0, 0.5]) / jnp.array([1, unit]), rows)
    return solution.status, maximum_likelihood.infer(poisson, solution, rows).se * jnp.array([1, unit])


def test_standard_errors_have_no_unit():
    status, se = poisson_in_units(np.float32([1, 2.0**-85, 2.0**80]))
    np.testing.assert_array_equal(status, Status.CONVERGED)
    np.testing.assert_allclose(se, np.broadcast_to(se[0], (3, 2)), rtol=1e-5)


@pytest.mark.parametrize("weight", [1e-9, 1.0, 1e9])
def test_weights_have_no_unit(weight):
    start = {"mean": np.float32(0), "log_sd": np.float32(1)}
    solution = fit_normal(SAMPLE, start, np.full(200, weight, np.float32))
    assert ending(solution) == Status.CONVERGED
    assert float(solution.params["mean"]) == pytest.approx(SAMPLE.mean(dtype=np.float64), rel=3e-7)


def test_a_long_sum_keeps_its_digits():
    """Ten million rows in float32, within 1e-6 of the sum in float64."""
    rows = (np.random.default_rng(1).random(10_000_000) < 0.3).astype(np.float32)
    value = maximum_likelihood.log_likelihood(lambda p, x: jnp.where(x == 1, p, 2 * p), np.float32(-0.7), rows)
    exact = float(np.float32(-0.7)) * (rows.sum(dtype=np.float64) + 2 * (1 - rows).sum(dtype=np.float64))
    assert float(value) == pytest.approx(exact, rel=1e-7)


def test_the_error_covers_the_distance():
    """Of many small samples in float32, in standard errors, against the closed form."""
    rng = np.random.default_rng(2)
    x = (rng.normal(0, 1, (500, 40)) * 10.0 ** rng.uniform(-2, 2, (500, 1)) + 5).astype(np.float32)
    start = {"mean": np.float32(0), "log_sd": np.float32(1)}
    solution = jax.jit(jax.vmap(lambda x: maximum_likelihood.fit(normal, start, x)))(x)
    exact = x.astype(np.float64)
    sd = exact.std(axis=1)
    off = np.maximum(
        np.abs(solution.params["mean"] - exact.mean(axis=1)) / (sd / 40**0.5),
        np.abs(solution.params["log_sd"] - np.log(sd)) * 80**0.5,
    )
    assert np.all(solution.converged)
    assert np.mean(np.asarray(solution.error) >= off) >= 0.999


# Moré, Garbow and Hillstrom (1981): 28 sums of squares, from the usual start and ten times it

UNSOLVED = {("powell_badly_scaled", 10)}
# Any x with sum_j j x_j = 3 / 21 is a minimum.
FLAT = {"linear_rank_1_5_10"}
QUICK = ["beale", "chebyquad_9", "kowalik_osborne", "powell_singular", "linear_rank_1_5_10"]


def solve(name: str, scale: int):
    fun, x0 = reference.sum_of_squares(reference.case("mgh", name))
    with jax.numpy_rank_promotion("allow"):  # the expressions are NumPy's
        return minimize(fun, scale * x0)


def check(name: str, scale: int) -> None:
    solution, case = solve(name, scale), reference.case("mgh", name)
    minima = [float((case["refined"] or case["certified"]).get("f", case["certified"]["f_star"]))]
    minima += [float(other["f"]) for other in case["other_minima"]]
    reached = any(abs(float(solution.value) - f) <= max(1e-6 * abs(f), 1e-12) for f in minima)
    if (name, scale) in UNSOLVED:
        assert ending(solution) != Status.CONVERGED
    else:
        assert ending(solution) == (Status.FLAT if name in FLAT else Status.CONVERGED)
        assert reached


@pytest.mark.long
@pytest.mark.parametrize("name", QUICK)
def test_far_starts_of_hard_problems(name, double):
    check(name, 10)


@pytest.mark.long
@pytest.mark.parametrize("scale", [1, 10])
@pytest.mark.parametrize("name", reference.names("mgh"))
def test_all_hard_problems(name, scale, double):
    check(name, scale)
