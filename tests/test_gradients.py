"""Chapter 1.1 against closed forms: difference quotients within their bounds, autodiff within the difference quotients,
the tangent plane, the steepest directions, and what is not differentiable."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.flatten_util import ravel_pytree
from tolerances import assert_close

from jaxnotes import gradients, x64
from jaxnotes.gradients import (
    central_difference,
    check_gradient,
    curvature,
    directional_derivative,
    forward_difference,
    hessian,
    hessian_product,
    jacobian,
    jacobian_product,
    jacobian_transpose_product,
    partial_derivative,
    steepest_direction,
    tangent,
)

pytestmark = pytest.mark.repeated

DIFFERENCES = [forward_difference, central_difference]


def example(x):
    """x^2 y + sin y; its gradient at (1, 2) is (4, 1 + cos 2)."""
    return x[0] ** 2 * x[1] + jnp.sin(x[1])


GRADIENT = np.array([4, 1 + np.cos(2)])


def cone(x):
    """x y / sqrt(x^2 + y^2), 0 at the origin: continuous, with both partials there, and not differentiable there."""
    return jnp.where(jnp.any(x != 0), x[0] * x[1] / jnp.hypot(x[0], x[1]), 0.0)


def bound(difference, h, eps, largest):
    """The documented bound, for f and its derivatives at most `largest`; f is right to 4 halves of an ulp here."""
    truncation = h / 2 if difference is forward_difference else h**2 / 6
    return largest * (truncation + 4 * eps / h)


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_the_error_is_within_its_bound_at_every_step(difference, dtype):
    """The V of the error: truncation on the right, rounding on the left. sin and its derivatives are at most 1."""
    steps = np.geomspace(1e-12 if dtype == np.float64 else 1e-6, 0.3, 60).astype(dtype)
    slopes = jax.vmap(lambda step: difference(jnp.sin, dtype.type(1), step=step))(steps)
    errors = np.abs(np.asarray(slopes, float) - np.cos(1))
    # The step that is taken differs from h by the rounding of x + h.
    taken = steps.astype(float) + np.finfo(dtype).eps
    assert slopes.dtype == dtype
    assert np.all(errors <= bound(difference, taken, np.finfo(dtype).eps, 1))
    assert errors[0] > 20 * errors.min() < errors[-1] / 20


@pytest.mark.parametrize("difference", DIFFERENCES)
@pytest.mark.parametrize("x", [0.0, 1.0, -0.3, 40.0])
def test_the_default_step_is_about_the_best(difference, x, dtype):
    """For sin and cos near x: within a factor 2 of the least bound over all steps, once scaled by max(|x|, 1)."""
    eps = float(np.finfo(dtype).eps)
    scale = max(abs(x), 1)
    steps = np.geomspace(1e-14, 1, 2000)
    # At the scaled step, f'' and f''' of sin(t / scale) are 1 / scale^2 and 1 / scale^3.
    best = min(bound(difference, steps, eps, 1)) / scale
    slope = difference(lambda t: jnp.sin(t / scale), dtype.type(x))
    assert abs(float(slope) - np.cos(x / scale) / scale) <= 2 * best


def test_the_numbers_of_the_notes(dtype):
    """Central and forward differences of sin at 1: bounds on what the best step of a half-decade grid reaches."""
    grid = 10.0 ** np.arange(-12, 0, 0.5)
    limits = {"float64": (1e-11, 2e-8), "float32": (4e-5, 1e-3)}[dtype.name]
    for difference, limit in zip([central_difference, forward_difference], limits, strict=True):
        slopes = jax.vmap(lambda h, d=difference: d(jnp.sin, dtype.type(1), step=h))(grid.astype(dtype))
        errors = np.abs(np.asarray(slopes, float) - np.cos(1))
        assert np.nanmin(errors) < limit
        assert abs(float(difference(jnp.sin, dtype.type(1))) - np.cos(1)) < limit
    if dtype == np.float64:
        # Where the bottom of each V lies, within a decade.
        errors = np.abs(np.sin(1 + grid) / (2 * grid) - np.sin(1 - grid) / (2 * grid) - np.cos(1))
        assert 1e-6 < grid[np.argmin(errors)] < 1e-4


@pytest.mark.parametrize("difference", DIFFERENCES)
@pytest.mark.parametrize("step", [None, 1e-3, 0.37, -0.1, 1e5])
@pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_the_step_divides_as_it_was_taken(difference, step, transform):
    """The line f(x) = x has slope exactly 1 at 10,000 points: what divides is the distance of the rounded points."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(10_000) * np.exp(rng.uniform(-20, 10, 10_000))).astype(np.float32)
    slopes = np.asarray(transform(jax.vmap(lambda x: difference(lambda t: t, x, step=step)))(x))
    vanishes = x + np.float32(step or np.inf) == x
    assert np.all((slopes == 1) | (vanishes & np.isnan(slopes)))
    assert np.mean(slopes == 1) > 0.9


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_a_step_that_vanishes_gives_no_number(difference):
    assert np.isnan(difference(jnp.sin, 1e6, step=1e-6))
    assert np.isnan(difference(jnp.sin, np.inf))
    assert np.isnan(difference(jnp.sin, np.nan))


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.floats(-4, 4))
def test_differences_of_polynomials(coefficients, x):
    with x64():
        slope = np.polyval(np.polyder(coefficients), x)
        size = sum(abs(c) * max(abs(x), 1.0) ** 5 for c in coefficients)
        for difference, tolerance in [(forward_difference, 1e-6), (central_difference, 1e-8)]:
            ours = difference(lambda t: jnp.polyval(jnp.asarray(coefficients), t), x)
            assert float(ours) == pytest.approx(slope, abs=tolerance * (1 + size))


def test_a_kink_has_two_slopes():
    """And autodiff shows one number at each, chosen by convention; the limits show both."""
    for fun, left, right in [
        (jnp.abs, -1, 1),
        (jax.nn.relu, 0, 1),
        (lambda x: jnp.maximum(3 * x, -x), -1, 3),
        (lambda x: jnp.minimum(x, 0.0), 1, 0),
    ]:
        assert forward_difference(fun, 0.0, step=-1e-3) == pytest.approx(left, rel=1e-6)
        assert forward_difference(fun, 0.0, step=1e-3) == pytest.approx(right, rel=1e-6)
        assert central_difference(fun, 0.0) == pytest.approx((left + right) / 2, rel=1e-6)
        assert left <= jax.grad(fun)(0.0) <= right or right <= jax.grad(fun)(0.0) <= left
        assert not check_gradient(fun, 0.0)


def test_partials_without_a_gradient():
    """x y / |(x, y)| at the origin: both partials are 0, but the slope along the diagonal is 1/2, on either side."""
    diagonal = np.array([0.5, 0.5], np.float32) ** 0.5
    for axis in np.eye(2, dtype=np.float32):
        assert central_difference(lambda t, axis=axis: cone(t * axis), 0.0) == 0
    for side in (1, -1):
        slope = forward_difference(lambda t, side=side: cone(t * side * diagonal), 0.0)
        assert float(slope) == pytest.approx(0.5, rel=1e-6)
    # A gradient g would make the slope along every u equal g . u, here 0, and so does forward mode.
    origin = np.zeros(2, np.float32)
    assert partial_derivative(cone, origin, 0) == directional_derivative(cone, origin, diagonal) == 0
    assert np.all(np.isnan(jax.grad(cone)(origin)))
    report = check_gradient(cone, origin)
    assert np.isnan(report.error)
    assert not report


def test_partials_are_the_entries_of_the_gradient(dtype):
    x = np.array([1, 2], dtype)
    for i in (0, 1, -1, np.int64(0)):
        ours = partial_derivative(example, x, i)
        assert ours.dtype == dtype
        assert float(ours) == pytest.approx(GRADIENT[i], rel=tolerances.of(dtype).hand_derived)
        limit = central_difference(lambda t, i=i: example(jnp.asarray(x).at[i].set(t)), x[i])
        assert float(ours) == pytest.approx(float(limit), rel=10 * float(np.finfo(dtype).eps) ** (2 / 3))


def test_the_gradient_of_the_notes(double):
    """Its modulus is the largest rate; the best of 360 directions, one degree apart, comes next."""
    x = np.array([1.0, 2.0])
    norm = np.hypot(*GRADIENT)
    np.testing.assert_allclose(GRADIENT, [4, 0.583853], atol=1e-6)
    assert norm == pytest.approx(4.042386, abs=1e-6)
    degrees = np.arange(360)
    directions = np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1)
    rates = jax.vmap(lambda u: directional_derivative(example, x, u))(directions)
    assert_close(rates, directions @ GRADIENT, 1e-14)
    assert degrees[np.argmax(rates)] == 8
    assert float(rates.max()) == pytest.approx(4.042329, abs=1e-6)
    assert np.degrees(np.arctan2(*GRADIENT[::-1])) == pytest.approx(8.3044, abs=1e-4)
    assert float(directional_derivative(example, x, GRADIENT)) == pytest.approx(norm, rel=1e-14)


def test_no_direction_beats_the_gradient():
    """A thousand random functions and directions at once: |D_u f| <= ||grad f||, and D_u f = grad f . u / ||u||."""
    rng = np.random.default_rng(0)
    W, x, u = (rng.standard_normal(shape).astype(np.float32) for shape in ((1000, 4, 3), (1000, 3), (1000, 3)))

    @jax.vmap
    def rates(W, x, u):
        def fun(x):
            return jnp.sum(jnp.sin(jnp.matmul(W, x, precision="highest")))

        return directional_derivative(fun, x, u), jax.grad(fun)(x)

    rate, gradient = (np.asarray(a, float) for a in rates(W, x, u))
    norm = np.linalg.norm(gradient, axis=1)
    assert np.all(np.abs(rate) <= norm * (1 + 1e-5))
    expected = np.sum(gradient * u, axis=1) / np.linalg.norm(u.astype(float), axis=1)
    assert np.all(np.abs(rate - expected) <= 1e-5 * (1 + norm))


def test_directional_derivative_by_its_limit(double):
    x, u = np.array([1.0, 2.0]), np.array([3.0, -4.0])
    limit = central_difference(lambda t: example(x + t * u / 5), 0.0)
    assert float(directional_derivative(example, x, u)) == pytest.approx(float(limit), rel=1e-9)


@pytest.mark.parametrize("length", [1e-30, 1e-3, 1.0, 1e30])
def test_the_length_of_a_direction_does_not_matter(length):
    x, u = np.array([1, 2], np.float32), np.array([0.6, 0.8], np.float32)
    rate = directional_derivative(example, x, u * np.float32(length))
    assert float(rate) == pytest.approx(float(GRADIENT @ [0.6, 0.8]), rel=1e-5)


def test_directions_of_pytrees_and_none():
    x, u = {"a": np.float32(1), "b": np.float32(2)}, {"a": 3, "b": -4}
    rate = directional_derivative(lambda x: (x["a"] ** 2 * x["b"] + jnp.sin(x["b"]), x["a"]), x, u)
    assert float(rate[0]) == pytest.approx(float(GRADIENT @ [0.6, -0.8]), rel=1e-5)
    assert float(rate[1]) == pytest.approx(0.6, rel=1e-6)
    assert np.isnan(directional_derivative(example, np.array([1.0, 2.0]), np.zeros(2)))
    assert np.isnan(directional_derivative(example, np.array([1.0, 2.0]), np.array([np.inf, 1.0])))


def test_the_tangent_line_touches(dtype):
    """At a it has the value and the slope of f; elsewhere it is straight."""
    a = dtype.type(0.7)
    line = tangent(jnp.exp, a)
    assert line(a).dtype == dtype
    assert float(line(a)) == pytest.approx(np.exp(0.7), rel=1e-6)
    for x in (-3.0, 0.0, 12.0):
        assert float(line(dtype.type(x))) == pytest.approx(np.exp(0.7) * (1 + x - 0.7), rel=1e-5)


def test_the_tangent_plane_and_its_normal(double):
    """Every step within the plane is orthogonal to (-grad f, 1), and the gradient to the level curve."""
    a = np.array([1.0, 2.0])
    plane = tangent(example, a)
    points = a + np.random.default_rng(0).standard_normal((50, 2))
    heights = jax.jit(jax.vmap(plane))(points)
    steps = np.column_stack([points - a, np.asarray(heights) - float(example(a))])
    np.testing.assert_allclose(steps @ [*-GRADIENT, 1], 0, atol=1e-13)
    along_level = np.array([-GRADIENT[1], GRADIENT[0]])
    assert float(directional_derivative(example, a, along_level)) == pytest.approx(0, abs=1e-13)


def test_the_tangent_leaves_an_error_of_second_order(double):
    a, u = np.array([1.0, 2.0]), np.array([0.6, 0.8])
    plane = tangent(example, a)
    h = np.geomspace(1e-4, 1e-2, 9)
    errors = jax.vmap(lambda h: jnp.abs(example(a + h * u) - plane(a + h * u)))(h)
    order = np.polyfit(np.log(h), np.log(np.asarray(errors)), 1)[0]
    assert order == pytest.approx(2, abs=0.02)


def test_the_tangent_of_pytrees():
    a = {"w": np.array([1.0, 2.0], np.float32), "b": np.float32(3)}

    def fun(p):
        return {"product": p["w"] * p["b"], "square": p["b"] ** 2}

    at = tangent(fun, a)({"w": np.array([2, 2], np.float32), "b": 4})
    np.testing.assert_array_equal(at["product"], [1 * 3 + 3 * 1 + 1 * 1, 2 * 3 + 2 * 1])
    assert at["square"] == 9 + 2 * 3 * 1


NORMS = {"l1": 1, "l2": 2, "linf": np.inf}
DUAL = {"l1": np.inf, "l2": 2, "linf": 1}


@pytest.mark.parametrize("norm", NORMS)
@given(g=st.lists(st.floats(-10, 10, width=16), min_size=1, max_size=5).filter(any))
def test_steepest_direction(norm, g):
    """It is of length 1, its rate is the dual norm of g, and no point of the unit ball rises faster."""
    u = np.asarray(steepest_direction(np.array(g, np.float32), norm), float)
    dual = np.linalg.norm(g, DUAL[norm])
    assert np.linalg.norm(u, NORMS[norm]) == pytest.approx(1, rel=1e-6)
    assert np.dot(g, u) == pytest.approx(dual, rel=1e-6)
    others = np.random.default_rng(0).standard_normal((500, len(g)))
    others /= np.linalg.norm(others, NORMS[norm], axis=1, keepdims=True)
    assert np.all(others @ g <= dual * (1 + 1e-6))


def test_steepest_direction_in_closed_form(dtype):
    g = np.array([3, -4, 0], dtype)
    expected = {"l1": [0, -1, 0], "l2": [0.6, -0.8, 0], "linf": [1, -1, 0]}
    for norm, direction in expected.items():
        ours = steepest_direction(g, norm)
        assert ours.dtype == dtype
        assert_close(ours, direction, tolerances.of(dtype).hand_derived)
    np.testing.assert_array_equal(steepest_direction(g), steepest_direction(g, "l2"))
    np.testing.assert_array_equal(steepest_direction(np.array([2, -2], dtype), "l1"), [1, 0])
    tree = steepest_direction({"a": g[:1], "b": g[1]}, "l1")
    assert (float(tree["a"][0]), float(tree["b"])) == (0, -1)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("g", [[0.0, 0.0], [np.nan, 1.0], [1.0, np.inf], [-np.inf, 0.0]])
def test_no_steepest_direction(norm, g):
    assert np.all(np.isnan(steepest_direction(np.array(g), norm)))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("norm", NORMS)
def test_steepest_direction_of_extreme_gradients(norm, scale):
    g = np.array([3, -4], np.float32)
    assert_close(steepest_direction(g * np.float32(scale), norm), steepest_direction(g, norm), 1e-6)


def network(p):
    hidden = jnp.tanh(jnp.matmul(p["X"], p["w"]) + p["b"][None, :])
    return jnp.mean((jnp.matmul(hidden, p["v"]) - 1.0) ** 2)


def network_params(dtype, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"X": (6, 3), "w": (3, 2), "b": (2,), "v": (2,)}
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


# Smooth functions, also where every derivative that the check could lean on vanishes.
SMOOTH = {
    "network": (network, network_params),
    "x^4 at 0": (lambda x: jnp.sum(x**4), lambda dtype: np.zeros(3, dtype)),
    "x^3 at 0": (lambda x: jnp.sum(x**3), lambda dtype: np.zeros(3, dtype)),
    "x^2 at 0": (lambda x: jnp.sum(x**2), lambda dtype: np.zeros(3, dtype)),
    "sin at 0": (lambda x: jnp.sin(x), lambda dtype: dtype.type(0)),
    "cos at 0": (lambda x: jnp.cos(x), lambda dtype: dtype.type(0)),
    "constant": (lambda x: jnp.sum(0 * x), lambda dtype: np.ones((2, 2), dtype)),
    "fast": (lambda x: jnp.sum(jnp.sin(20 * x)), lambda dtype: np.linspace(-2, 2, 5, dtype=dtype)),
    "steep": (lambda x: jnp.sum(jnp.exp(x)), lambda dtype: np.array([-5, 0, 8], dtype)),
    "large": (lambda x: jnp.sum(x**2), lambda dtype: np.array([1e6, -3e5], dtype)),
    "small": (lambda x: jnp.sum(x**2), lambda dtype: np.array([1e-6, -3e-7], dtype)),
    "sum that cancels": (
        lambda p: jnp.sum((p[0] + jnp.sin(p[1])) - p[2]),
        lambda dtype: (dtype.type(1e5), np.linspace(0.1, 2, 9, dtype=dtype), dtype.type(1e5)),
    ),
    "offset": (lambda x: 1e6 + x**2, lambda dtype: dtype.type(3)),
    "log determinant": (
        lambda x: jnp.linalg.slogdet(jnp.eye(3, dtype=x.dtype) + jnp.matmul(x.T, x))[1],
        lambda dtype: network_params(dtype)["X"],
    ),
    "relu beside its kink": (lambda x: jnp.sum(jax.nn.relu(x)), lambda dtype: np.array([0.1, -0.1, 2], dtype)),
    "empty leaves": (lambda p: p[1] ** 2 + jnp.sum(p[0]), lambda dtype: (np.zeros(0, dtype), 3.0, None)),
    "plain numbers": (lambda p: p["a"] * p["b"], lambda dtype: {"a": 2, "b": 3.5}),
}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", SMOOTH)
def test_right_gradients_pass(name, dtype):
    fun, point = SMOOTH[name]
    report = check_gradient(fun, point(dtype))
    assert report, report
    assert report.passed
    assert str(report).startswith("passed, worst at x")


@jax.custom_jvp
def faulty(x, fault):
    return x


@faulty.defjvp
def _(primals, tangents):
    x, fault = primals
    return x, tangents[0] + fault * tangents[0]


PLACES = [("X", (5, 2)), ("w", (0, 1)), ("w", (2, 0)), ("b", (1,)), ("v", (0,))]


@pytest.mark.parametrize(("leaf", "entry"), PLACES)
def test_a_wrong_entry_is_found(leaf, entry, dtype):
    """One derivative is wrong by a tenth (float32) or a millionth (float64) of itself: the report names it."""
    fault = {"float32": 0.1, "float64": 1e-6}[dtype.name]
    params = network_params(dtype)

    def fun(p):
        where = jnp.zeros_like(p[leaf]).at[entry].set(fault)
        return network({**p, leaf: faulty(p[leaf], where)})

    report = check_gradient(fun, params)
    right = float(jax.grad(network)(jax.tree.map(jnp.asarray, params))[leaf][entry])
    assert not report.passed
    assert (report.leaf, report.entry) == (f"['{leaf}']", entry)
    assert report.autodiff == pytest.approx(right * (1 + fault), rel=1e-5)
    assert report.numeric == pytest.approx(right, rel=20 * float(np.finfo(dtype).eps) ** (2 / 3))
    assert report.error == pytest.approx(abs(report.autodiff - report.numeric) + abs(report.jump) / 2)
    assert report.error > report.tolerance
    assert f"x['{leaf}'][{', '.join(map(str, entry))}]: autodiff {report.autodiff:.6g}" in str(report)
    assert str(report).startswith("FAILED")


KINKS = {
    "abs": (lambda x: jnp.sum(jnp.abs(x)), 2),
    "relu": (lambda x: jnp.sum(jax.nn.relu(x)), 1),
    "symmetric, where autodiff agrees with the central difference": (lambda x: jnp.sum(jnp.maximum(x, -x)), 2),
    "with curvature": (lambda x: jnp.sum(jnp.abs(x) + jnp.sin(x) + x**2), 2),
    "Euclidean norm": (lambda x: jnp.sqrt(jnp.sum(x**2)), 2),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_are_told(name, dtype):
    fun, jump = KINKS[name]
    report = check_gradient(fun, {"smooth": np.ones((), dtype), "kink": np.zeros(1, dtype)}["kink"])
    assert not report
    assert report.entry == (0,)
    assert report.jump == pytest.approx(jump, rel=1e-2)
    assert "; a kink, the slopes beside it differ by" in str(report)


@pytest.mark.parametrize(
    ("fun", "x"),
    [
        (lambda x: jnp.sqrt(x), 0.0),  # vertical, and undefined on one side
        (lambda x: jnp.sign(x), 0.0),  # a jump
        (lambda x: jnp.floor(x), 2.0),
        (lambda x: jnp.log(x), -1.0),
        (lambda x: x * jnp.nan, 1.0),
        (lambda x: jnp.cbrt(x), 0.0),
    ],
)
def test_no_derivative_is_no_pass(fun, x):
    assert not check_gradient(fun, x)


def test_a_report_without_nan_does_not_hide_one_with():
    """The entry without a derivative is the worst, however wrong another is."""
    x = {"a": np.float32(1), "b": np.array([4, 0], np.float32)}
    report = check_gradient(lambda p: faulty(p["a"], 100.0) + jnp.sum(jnp.sqrt(p["b"])), x)
    assert (report.leaf, report.entry) == ("['b']", (1,))
    assert np.isnan(report.numeric)


def test_leaves_of_two_precisions(double):
    x = (np.float32(1.5), np.float64(2.5))
    assert check_gradient(lambda p: p[0].astype("float64") ** 2 * p[1], x)
    wrong = check_gradient(lambda p: p[0].astype("float64") ** 2 * faulty(p[1], 0.5), x)
    assert (wrong.leaf, wrong.entry, wrong.passed) == ("[1]", (), False)
    assert "x[1]: autodiff" in str(wrong)


def residuals(x):
    """From two numbers to three; the Jacobian is [[2 x, 0], [y, x], [0, cos y]]."""
    return jnp.stack([x[0] ** 2, x[0] * x[1], jnp.sin(x[1])])


def test_the_jacobian_in_closed_form(dtype):
    x, y = 1.5, 0.25
    expected = np.array([[2 * x, 0], [y, x], [0, np.cos(y)]])
    at = np.array([x, y], dtype)
    tolerance = tolerances.of(dtype).hand_derived
    J = jacobian(residuals, at)
    assert J.dtype == dtype
    assert_close(J, expected, tolerance)
    assert_close(jacobian(lambda x: residuals(x)[1:2], at), expected[1:2], tolerance)  # n > m: reverse mode
    assert_close(jacobian(example, np.array([1, 2], dtype)), GRADIENT[None, :], tolerance)
    v, w = np.array([3, -2], dtype), np.array([1, 2, 3], dtype)
    assert_close(jacobian_product(residuals, at, v), expected @ v, tolerance)
    assert_close(jacobian_transpose_product(residuals, at, w), expected.T @ w, tolerance)


def test_the_jacobian_takes_the_cheaper_mode():
    """Forward mode, which passes through a while loop, for few inputs; reverse mode, here the only one, for many."""

    def doubled(x):
        return jax.lax.while_loop(lambda x: x[0] < 10, lambda x: 2 * x, x)

    np.testing.assert_array_equal(jacobian(doubled, np.array([3.0, 1.0])), 4 * np.eye(2))
    backward_only = jax.custom_vjp(lambda x: jnp.sum(x**2)[None])
    backward_only.defvjp(lambda x: (jnp.sum(x**2)[None], x), lambda x, w: (2 * x * w,))
    np.testing.assert_array_equal(jacobian(backward_only, np.array([3.0, 1.0])), [[6, 2]])


def test_the_hessian_in_closed_form(dtype):
    at = np.array([1, 2], dtype)
    expected = np.array([[4, 2], [2, -np.sin(2)]])
    tolerance = tolerances.of(dtype).hand_derived
    H = hessian(example, at)
    assert H.dtype == dtype
    assert_close(H, expected, tolerance)
    assert_close(hessian_product(example, at, np.array([3, -2], dtype)), expected @ [3, -2], tolerance)


def test_the_hessian_by_differences_of_the_gradient(double):
    at = np.array([1.0, 2.0])
    columns = [
        jax.vmap(lambda i, e=e: central_difference(lambda t: jax.grad(example)(at + t * e)[i], 0.0))(np.arange(2))
        for e in np.eye(2)
    ]
    assert_close(hessian(example, at), np.stack(columns, axis=1), 1e-8)


@pytest.mark.long
def test_products_are_those_of_the_matrices(double):
    """On a pytree, whose flat order is that of ravel_pytree."""
    params, v = network_params("float64"), network_params("float64", seed=1)
    flat_v = ravel_pytree(v)[0]

    def outputs(p):
        return {"hidden": jnp.tanh(jnp.matmul(p["X"], p["w"])), "loss": network(p)}

    J, H = jacobian(outputs, params), hessian(network, params)
    size = sum(leaf.size for leaf in params.values())
    assert (J.shape, H.shape) == ((13, size), (size, size))
    np.testing.assert_allclose(H, H.T, atol=1e-14)
    assert_close(ravel_pytree(jacobian_product(outputs, params, v))[0], J @ flat_v, 1e-12)
    w = jax.tree.map(lambda leaf: leaf + 1, outputs(params))
    ours = jacobian_transpose_product(outputs, params, w)
    assert jax.tree.structure(ours) == jax.tree.structure(params)
    assert_close(ravel_pytree(ours)[0], J.T @ ravel_pytree(w)[0], 1e-12)
    assert_close(ravel_pytree(hessian_product(network, params, v))[0], H @ flat_v, 1e-12)


def test_products_never_form_the_matrix():
    """With 200,000 parameters the Hessian would take 160 GB."""
    x, v = np.linspace(0, 1, 200_000, dtype=np.float32), np.ones(200_000, np.float32)
    assert_close(hessian_product(lambda x: jnp.sum(x**4) / 12, x, v), x**2, 1e-5)
    assert_close(jacobian_product(jnp.sin, x, v), np.cos(x), 1e-5)
    assert_close(jacobian_transpose_product(jnp.sin, x, v), np.cos(x), 1e-5)


@pytest.mark.long
@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=5), st.integers(0, 100))
@settings(max_examples=30)
def test_curvature_of_a_quadratic(eigenvalues, seed):
    """From a known spectrum, through the Hessian of x'Hx / 2 + b'x."""
    n = len(eigenvalues)
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A, b = Q @ np.diag(eigenvalues) @ Q.T, rng.standard_normal(n)
    with x64():
        found = curvature(hessian(lambda x: x @ A @ x / 2 + b @ x, np.zeros(n)))
        assert float(found.mu) == pytest.approx(min(eigenvalues), rel=1e-10)
        assert float(found.L) == pytest.approx(max(eigenvalues), rel=1e-10)
        assert float(found.condition) == pytest.approx(max(eigenvalues) / min(eigenvalues), rel=1e-10)


def test_curvature_at_the_edges(dtype):
    for diagonal, condition in [
        ([1, 10], 10),
        ([0, 3], np.inf),
        ([-1, 3], np.nan),
        ([-2, -1], np.nan),
        ([0, 0], np.inf),
    ]:
        found = curvature(np.diag(np.array(diagonal, dtype)))
        assert found.condition.dtype == dtype
        np.testing.assert_allclose(found, [*diagonal, condition], rtol=1e-6)
    redundant = np.outer([1, 2, 3], [1, 2, 3]).astype(dtype) / 7  # of rank 1: mu is rounding, of either sign
    assert curvature(redundant).condition == np.inf
    assert np.isnan(curvature(np.full((2, 2), np.nan, dtype)).condition)
    np.testing.assert_allclose(curvature(np.array([[1, 1], [0, 1]], dtype)), [0.5, 1.5, 3], rtol=1e-6)


def test_curvature_under_grad(double):
    """The derivative of the largest eigenvalue is v v'."""
    H = np.array([[2.0, 1.0], [1.0, 5.0]])
    vector = np.linalg.eigh(H)[1][:, 1]
    assert_close(jax.grad(lambda H: curvature(H).L)(H), np.outer(vector, vector), 1e-12)


VECTORS = {
    "forward_difference": lambda x: forward_difference(jnp.sin, x[0]),
    "central_difference": lambda x: central_difference(jnp.sin, x[0], step=x[1] / 100),
    "partial_derivative": lambda x: partial_derivative(example, x, 1),
    "directional_derivative": lambda x: directional_derivative(example, x, x[::-1]),
    "tangent": lambda x: tangent(example, x)(x + 1),
    "steepest_direction l1": lambda x: steepest_direction(x, "l1"),
    "steepest_direction l2": lambda x: steepest_direction(x),
    "steepest_direction linf": lambda x: steepest_direction(x, "linf"),
    "jacobian": lambda x: jacobian(residuals, x),
    "hessian": lambda x: hessian(example, x),
    "jacobian_product": lambda x: jacobian_product(residuals, x, x),
    "jacobian_transpose_product": lambda x: jacobian_transpose_product(residuals, x, residuals(x)),
    "hessian_product": lambda x: hessian_product(example, x, x),
    "curvature": lambda x: curvature(jnp.diag(x)),
}


def test_every_function_is_in_the_table_of_transforms():
    """But the check itself, which runs on the host."""
    listed = {name.split(" ")[0] for name in VECTORS}
    assert listed == set(gradients.__all__) - {"check_gradient", "GradientCheck", "Curvature"}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", VECTORS)
def test_transforms(name, dtype):
    """jit and vmap give what one call gives, the dtype is kept, and the gradient is finite."""
    fun = VECTORS[name]
    xs = np.array([[1, 2], [0.3, -0.7], [2, 0.5]], dtype)
    # Differences amplify the rounding in which two programs differ by 1 / h.
    tolerance = 1e-3 if "difference" in name and dtype == np.float32 else max(1e-7, tolerances.of(dtype).hand_derived)
    batched = jax.jit(jax.vmap(fun))(xs)
    for i, x in enumerate(xs):
        for one, many in zip(jax.tree.leaves(fun(x)), jax.tree.leaves(batched), strict=True):
            assert one.dtype == many.dtype == dtype
            assert_close(many[i], one, 20 * tolerance)
    slope = jax.grad(lambda x: sum(jnp.sum(leaf) for leaf in jax.tree.leaves(fun(x))))(xs[0])
    assert np.all(np.isfinite(slope))


def test_derivatives_of_derivatives(double):
    """jax.grad of a central difference is the second derivative; that of D_u f is u'H / ||u||."""
    second = jax.grad(lambda x: central_difference(jnp.sin, x))(1.0)
    assert float(second) == pytest.approx(-np.sin(1), rel=1e-9)
    x, u = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    slope = jax.grad(lambda x: directional_derivative(example, x, u))(x)
    assert_close(slope, np.asarray(hessian(example, x)) @ u / 5, 1e-12)


X = np.array([1.0, 2.0], np.float32)
REFUSED = {
    "x of one axis": (
        lambda: forward_difference(jnp.sin, X),
        ValueError,
        r"x: expected a number, got shape \(2,\).*vmap",
    ),
    "x of one axis, central": (lambda: central_difference(jnp.sin, X), ValueError, r"x: expected a number, got shape"),
    "step 0": (
        lambda: central_difference(jnp.sin, 1.0, step=0),
        ValueError,
        "step: expected a number other than 0, got 0",
    ),
    "step NaN": (
        lambda: forward_difference(jnp.sin, 1.0, step=np.nan),
        ValueError,
        "step: expected a number other tha",
    ),
    "steps": (
        lambda: forward_difference(jnp.sin, 1.0, step=X),
        ValueError,
        r"step: expected a number, got shape \(2,\)",
    ),
    "fun of two numbers": (
        lambda: central_difference(lambda t: jnp.stack([t, t]), 1.0),
        ValueError,
        r"fun\(x\): expected a number, got shape \(2,\)",
    ),
    "fun of text": (
        lambda: forward_difference(lambda t: "high", 1.0),
        TypeError,
        r"fun\(x\): expected an array of numb",
    ),
    "complex": (
        lambda: partial_derivative(example, X * 1j, 0),
        TypeError,
        "x: expected float32 or float64, got complex64",
    ),
    "partial of a number": (
        lambda: partial_derivative(jnp.sin, 1.0, 0),
        ValueError,
        r"x: expected shape \(n,\), got \(\)",
    ),
    "partial too far": (
        lambda: partial_derivative(example, X, 2),
        ValueError,
        "i: expected an index from -2 to 1, got 2",
    ),
    "partial 1.0": (lambda: partial_derivative(example, X, 1.0), TypeError, "i: expected an integer, got float"),
    "direction too long": (
        lambda: directional_derivative(example, X, np.ones(3)),
        ValueError,
        r"u: expected the shapes of x, \(2,\), got \(3,\)",
    ),
    "direction of another tree": (
        lambda: directional_derivative(lambda p: p["a"], {"a": X}, {"b": X}),
        ValueError,
        r"u: expected the shapes of x, \{'a': \(2,\)\}, got \{'b': \(2,\)\}",
    ),
    "tangent elsewhere": (
        lambda: tangent(example, X)(1.0),
        ValueError,
        r"x: expected the shapes of a, \(2,\), got \(\)",
    ),
    "tangent of text": (
        lambda: tangent(lambda p: p["w"], {"w": "x"}),
        TypeError,
        r"a\['w'\]: expected an array of numb",
    ),
    "unknown norm": (lambda: steepest_direction(X, "l3"), ValueError, "norm: expected one of l1, l2, linf, got 'l3'"),
    "no gradient": (lambda: steepest_direction(()), ValueError, "gradient: expected at least one number"),
    "v too long": (lambda: hessian_product(example, X, np.ones(3)), ValueError, r"v: expected the shapes of x"),
    "v a number": (
        lambda: jacobian_product(residuals, X, 1.0),
        ValueError,
        r"v: expected the shapes of x, \(2,\), got \(\)",
    ),
    "w like x": (
        lambda: jacobian_transpose_product(residuals, X, X),
        ValueError,
        r"w: expected the shapes of fun\(x\), \(3,\), got \(2,\)",
    ),
    "hessian of many": (
        lambda: hessian(residuals, X),
        ValueError,
        r"fun\(x\): expected a number, got shape \(3,\).*jacob",
    ),
    "hessian product of many": (
        lambda: hessian_product(residuals, X, X),
        ValueError,
        r"fun\(x\): expected a number, got",
    ),
    "check of many": (
        lambda: check_gradient(residuals, X),
        ValueError,
        r"fun\(x\): expected a number, got shape \(3,\)",
    ),
    "check of nothing": (lambda: check_gradient(example, {}), ValueError, "x: expected at least one number, got {}"),
    "check of text": (
        lambda: check_gradient(example, {"w": ["red"]}),
        TypeError,
        r"x\['w'\]\[0\]: expected an array of num",
    ),
    "check under jit": (
        lambda: jax.jit(lambda x: check_gradient(example, x).passed)(X),
        TypeError,
        "x: expected finished arrays, got traced ones. Call check_gradient outside jit and vmap",
    ),
    "curvature of a vector": (lambda: curvature(X), ValueError, r"hessian: expected shape \(n, n\), got \(2,\)"),
    "curvature of a rectangle": (lambda: curvature(np.ones((2, 3))), ValueError, r"hessian: expected shape \(n, n\)"),
    "curvature of nothing": (lambda: curvature(np.ones((0, 0))), ValueError, r"hessian: expected shape \(n, n\)"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    attempt, error, message = REFUSED[what]
    with pytest.raises(error, match=f"^{message}"):
        attempt()
