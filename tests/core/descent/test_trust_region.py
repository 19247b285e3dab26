"""The trust region: its step is the model's minimum, it finds minima from far away, and it tells endings apart."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnotes import Status, x64
from jaxnotes.core.descent import quadratic_model, trust_region


def lanes_of(fun):
    """value, gradient and Hessian of fun(x) for a block of points."""
    return jax.vmap(functools.partial(trust_region.derivatives, fun))


@functools.partial(jax.jit, static_argnums=0)
def run_and_judge(fun, starts, max_steps):
    goal = trust_region.Goal(jnp.full(len(starts), 1e-10), jnp.zeros(len(starts)))
    run = trust_region.descend(lanes_of(fun), starts, goal, jnp.ones(len(starts), bool), max_steps)
    return run, trust_region.judge(run, goal)


def minimize(fun, starts, max_steps=200):
    run, status = run_and_judge(fun, np.atleast_2d(starts), max_steps)
    return run, [Status(int(code)) for code in status]


on_the_sphere = jax.jit(quadratic_model._on_the_sphere)


@settings(max_examples=50)
@given(
    curved=st.lists(st.floats(-3, 3), min_size=3, max_size=3),
    slopes=st.lists(st.sampled_from([0.0, 1e-12, -0.3, 2.0, -40.0]), min_size=3, max_size=3),
    radius=st.floats(0.01, 100),
)
def test_step_on_the_sphere_is_the_minimum(curved, slopes, radius):
    """Moré and Sorensen's conditions: (B + nu) p = -g with B + nu positive semi-definite and nu (|p| - radius) = 0."""
    curved, slopes = np.sort(np.round(curved, 3)), np.array(slopes)
    with x64():
        p = np.asarray(on_the_sphere(curved[None], slopes[None], np.array([radius]))[0])

    def model(p):
        return slopes @ p + p @ (curved * p) / 2

    assert np.linalg.norm(p) <= radius * (1 + 1e-12)
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((2000, 3))
    sphere = radius * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    best = min(model(point * scale) for point in sphere for scale in (1.0, 0.5))
    assert model(p) <= best * (0.95 if best < 0 else 1.05) + 1e-9


def test_a_quadratic_takes_one_step(double):
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    run, status = minimize(lambda x: (x - 1) @ A @ (x - 1) / 2 + 5, [30.0, -40.0])
    assert status == [Status.CONVERGED]
    assert int(run.steps[0]) == 1
    np.testing.assert_allclose(run.at.theta[0], 1, rtol=1e-12)


# Moré, Garbow and Hillstrom (1981), ACM TOMS 7, 17-41: numbers 1, 3, 9 and 12 of their list, with standard starts.


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def helical_valley(x):
    turn = jnp.arctan2(x[1], x[0]) / (2 * jnp.pi)
    return 100 * ((x[2] - 10 * turn) ** 2 + (jnp.hypot(x[0], x[1]) - 1) ** 2) + x[2] ** 2


def box(x):
    t = 0.1 * jnp.arange(1, 11)
    return jnp.sum((jnp.exp(-t * x[0]) - jnp.exp(-t * x[1]) - x[2] * (jnp.exp(-t) - jnp.exp(-10 * t))) ** 2)


def wood(x):
    return (
        100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + 90 * (x[3] - x[2] ** 2) ** 2 + (1 - x[2]) ** 2
        + 10 * (x[1] + x[3] - 2) ** 2 + (x[1] - x[3]) ** 2 / 10
    )  # fmt: skip


HARD = {
    "rosenbrock": (rosenbrock, [-1.2, 1.0]),
    "helical_valley": (helical_valley, [-1.0, 0.1, 0.0]),
    "wood": (wood, [-3.0, -1.0, -3.0, -1.0]),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_valleys(name, double):
    """To the minimum, 0, from the standard start, ten times it, and points about."""
    fun, start = HARD[name]
    starts = np.array(start) * np.array([1.0, 10.0, -1.0, 3.0, 0.3])[:, None]
    run, status = minimize(fun, starts)
    assert status == [Status.CONVERGED] * len(starts)
    np.testing.assert_allclose(run.value, 0, atol=1e-18)


def test_a_valley_of_minima_is_flat(double):
    """Box's function is 0 on the line x1 = x2, x3 = 0 as well as at (1, 10, 1)."""
    run, status = minimize(box, [[0.0, 10.0, 20.0], [3.0, 3.0, 0.1]])
    assert status == [Status.CONVERGED, Status.FLAT]
    np.testing.assert_allclose(run.at.theta[0], [1, 10, 1], rtol=1e-6)


def test_scale_changes_nothing(double):
    """Parameters and values in other units take the same path."""
    units = np.array([2.0**300, 2.0**-500])
    plain, _ = minimize(rosenbrock, [-1.2, 1.0])
    scaled, status = minimize(lambda x: 2.0**-200 * rosenbrock(x / units), np.array([-1.2, 1.0]) * units)
    assert status == [Status.CONVERGED]
    assert int(scaled.steps[0]) == int(plain.steps[0])
    np.testing.assert_allclose(scaled.at.theta[0] / units, plain.at.theta[0], rtol=1e-12)


def test_a_lane_does_not_see_its_neighbours(double):
    starts = np.random.default_rng(0).normal(0, 2, (6, 2))
    together, _ = minimize(rosenbrock, starts)
    for k in range(6):
        alone, _ = minimize(rosenbrock, starts[k])
        np.testing.assert_allclose(alone.at.theta[0], together.at.theta[k], rtol=1e-12)
        assert int(alone.steps[0]) == int(together.steps[k])


def test_the_value_never_rises(double):
    """By more than rounding, step by step."""
    values = [float(minimize(wood, [-3.0, -1.0, -3.0, -1.0], steps)[0].value[0]) for steps in range(0, 40, 3)]
    assert np.all(np.diff(values) <= 1e-15)


ENDINGS = {
    "an edge that only infeasible points lie beyond": (lambda x: jnp.log(x[0]), [2.0], Status.BOUNDARY),
    "running away": (lambda x: jnp.exp(-x[0]), [0.0], Status.BOUNDARY),
    "no curvature in one direction": (lambda x: (x[0] + x[1]) ** 2, [1.0, 0.0], Status.FLAT),
    "not finite at the start": (lambda x: jnp.log(x[0]), [-1.0], Status.BAD_START),
    "a kink": (lambda x: jnp.abs(x[0]) + x[0] ** 2, [1.0], Status.STALLED),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_endings(name, double):
    fun, start, expected = ENDINGS[name]
    assert minimize(fun, start)[1] == [expected]


def test_steps_are_limited(double):
    run, status = minimize(rosenbrock, [-1.2, 1.0], max_steps=3)
    assert status == [Status.MAX_STEPS]
    assert int(run.steps[0]) == 3
