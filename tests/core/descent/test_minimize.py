"""`minimize` and its methods in one table: method x problem x precision x transform. A new method is a new row."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tolerances
from tolerances import assert_close

from jaxnotes import Status, methods, minimize, minimize_path, x64
from jaxnotes.core.descent.minimize import stochastic_path

pytestmark = pytest.mark.repeated

# On the bowl below L = 4 and mu = 1. Each method, and a rule that reaches any tolerance it can with it.
METHODS = {
    "default": lambda: None,
    "gradient_descent": lambda: methods.gradient_descent(0.4),
    "schedule": lambda: methods.gradient_descent(lambda k: 0.4 / (1 + 1e-3 * k)),
    "momentum": lambda: methods.momentum(0.3, 0.3),
    "nesterov": lambda: methods.nesterov(0.25, 0.3),
    "backtracking": lambda: methods.backtracking(),
    "inverse_curvature": lambda: methods.inverse_curvature(jax.random.key(3)),
    "newton": lambda: methods.newton(),
    "lbfgs": lambda: methods.lbfgs(),
    "optax": lambda: optax.chain(optax.clip_by_global_norm(5.0), optax.sgd(0.4)),
}
SECOND_ORDER = ("default", "newton", "lbfgs")


def bowl(x, centre):
    """A quadratic on a tree: curvatures 1 and 4, minimum 0.5 at x = centre."""
    a, b = x["a"] - centre["a"], x["b"] - centre["b"]
    return jnp.sum(a**2) / 2 + 2 * jnp.sum(b**2) + 0.5


def start(dtype, shift: float = 0.0):
    return {"a": np.array([3.0, -1.0], dtype) + dtype.type(shift), "b": np.array(2.0, dtype)}


def centre(dtype):
    return {"a": np.array([0.5, 1.5], dtype), "b": np.array(-2.0, dtype)}


@pytest.fixture(params=METHODS)
def method(request):
    return METHODS[request.param]()


def test_every_method_finds_the_bottom_of_the_bowl(method, dtype):
    solution = minimize(bowl, start(dtype), centre(dtype), method=method)
    assert solution.status == Status.CONVERGED
    for name, exact in centre(dtype).items():
        assert solution.params[name].dtype == dtype
        assert_close(solution.params[name], exact, tolerances.of(dtype).estimate)
    assert float(solution.value) == pytest.approx(0.5, abs=1e-6)
    assert 0 < int(solution.steps) < 1000


def test_jit_and_vmap_agree_with_single_calls(method):
    dtype = np.dtype("float32")
    starts = jax.tree.map(lambda *leaves: np.stack(leaves), *[start(dtype, shift) for shift in (0.0, 2.0, -30.0)])
    run = jax.jit(functools.partial(minimize, bowl, method=method))
    many = jax.jit(jax.vmap(run, in_axes=(0, None)))(starts, centre(dtype))
    for lane in range(3):
        one = run({name: leaf[lane] for name, leaf in starts.items()}, centre(dtype))
        assert many.status[lane] == one.status == Status.CONVERGED
        assert_close(many.params["a"][lane], one.params["a"], tolerances.of(dtype).estimate)


def test_path_holds_what_minimize_passes_through(method):
    dtype = np.dtype("float32")
    if method is None:
        method = methods.newton()
    path = minimize_path(bowl, start(dtype), centre(dtype), method=method, steps=5)
    np.testing.assert_array_equal(path.params["a"][0], start(dtype)["a"])
    assert path.value.shape == path.grad_norm.shape == (6,)
    with_limit = minimize(bowl, start(dtype), centre(dtype), method=method, tol=0.0, max_steps=4)
    at = int(with_limit.steps)  # fewer than 4 where the bottom is reached before
    assert_close(with_limit.params["a"], path.params["a"][at], 1e-6)
    np.testing.assert_allclose(with_limit.value, path.value[at], rtol=1e-6)


def test_update_rules_are_their_formulas(double):
    """Two steps of each first-order rule by hand on f = 2 x^2, f' = 4 x, from 1 with rate 0.1 and decay 0.5."""

    def walk(method):
        return np.asarray(minimize_path(lambda x: 2 * x**2, 1.0, method=method, steps=2).params)

    np.testing.assert_allclose(walk(methods.gradient_descent(0.1)), [1, 0.6, 0.36], rtol=1e-15)
    # v: -0.4, then 0.5 (-0.4) - 0.24
    np.testing.assert_allclose(walk(methods.momentum(0.1, 0.5)), [1, 0.6, 0.16], rtol=1e-14)
    # 1 + 0.5 (-0.4) - 0.4 = 0.4; v = -0.2 - 0.16 = -0.36; 0.4 - 0.18 - 0.16
    np.testing.assert_allclose(walk(methods.nesterov(0.1, 0.5)), [1, 0.4, 0.06], rtol=1e-14)
    np.testing.assert_allclose(walk(methods.gradient_descent(lambda k: 0.1 / (1 + k))), [1, 0.6, 0.48], rtol=1e-15)
    # L = 4 is found at once in one dimension, and one step of 1 / L ends at the minimum.
    np.testing.assert_allclose(walk(methods.inverse_curvature(jax.random.key(0)))[1], 0, atol=1e-15)
    # 1: f = 2, rate 1: x = -3 rises, so x stays; rate 1/2: x = -1, f = 2 again, no fall: stays.
    np.testing.assert_allclose(walk(methods.backtracking(1.0)), [1, 1, 1], rtol=1e-15)
    np.testing.assert_allclose(minimize_path(lambda x: 2 * x**2, 1.0, method=methods.newton(), steps=1).params, [1, 0])


def test_nesterov_and_heavy_ball_equal_optax(double):
    for ours, theirs in [
        (methods.momentum(0.05, 0.8), optax.sgd(0.05, momentum=0.8)),
        (methods.nesterov(0.05, 0.8), optax.sgd(0.05, momentum=0.8, nesterov=True)),
    ]:
        paths = [minimize_path(rosenbrock, np.array([-1.2, 1.0]), 1.0, method=m, steps=30) for m in (ours, theirs)]
        np.testing.assert_allclose(paths[0].params, paths[1].params, rtol=1e-12)


def rosenbrock(x, steepness):
    return steepness * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@pytest.mark.parametrize("name", ["newton", "backtracking"])
def test_the_objective_never_rises(name):
    path = minimize_path(rosenbrock, jnp.array([-1.2, 1.0]), 100.0, method=METHODS[name](), steps=60)
    assert (np.diff(path.value) <= 0).all()


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_the_banana_valley(name, dtype):
    solution = minimize(rosenbrock, np.array([-1.2, 1.0], dtype), 100.0, method=METHODS[name]())
    assert solution.status == Status.CONVERGED
    assert_close(solution.params, [1.0, 1.0], 1e-4 if dtype == np.float32 else 1e-9)


def test_newton_leaves_a_saddle_and_needs_one_step_on_a_quadratic(double):
    saddle = minimize(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, np.array([1.0, 1e-3]))
    assert saddle.status == Status.CONVERGED
    assert abs(float(saddle.params[1])) == pytest.approx(np.sqrt(0.5), rel=1e-8)
    assert minimize(bowl, start(np.dtype("float64")), centre(np.dtype("float64"))).steps == 1


def test_large_problems_take_lbfgs():
    n = 300
    d = jnp.linspace(1, 10, n)
    solution = minimize(lambda x: jnp.sum(d * (x - 1) ** 2), jnp.zeros(n))
    assert solution.status == Status.CONVERGED
    np.testing.assert_allclose(solution.params, 1, atol=1e-5)


def status(fun, x0, **settings) -> Status:
    return Status(int(minimize(fun, x0, **settings).status))


@pytest.mark.long
def test_statuses_tell_the_truth():
    parabola = lambda x: jnp.sum(x**2)  # noqa: E731
    gd = methods.gradient_descent
    assert status(parabola, jnp.array([jnp.nan])) == Status.BAD_START
    assert status(lambda x: jnp.log(x), -1.0, method=gd(0.1)) == Status.BAD_START
    assert status(parabola, 1.0, method=gd(1.1), max_steps=100_000) == Status.DIVERGED
    assert status(parabola, 1.0, method=gd(1e-3), max_steps=10) == Status.MAX_STEPS
    assert status(parabola, 1.0, max_steps=0) == Status.MAX_STEPS
    assert status(parabola, 0.0, max_steps=0) == Status.CONVERGED
    # Near 1e4 the function is a staircase in float32, whose steps are far above the tolerance.
    assert status(lambda x: jnp.sum((x - 1e4) ** 2) + 0.3 * x, np.float32(0), tol=1e-12) in (
        Status.CONVERGED,
        Status.STALLED,
    )
    assert status(lambda x: x, 0.0, method=gd(1e-9), max_steps=100) == Status.MAX_STEPS
    assert status(lambda x: x, np.float32(1), method=gd(1e-9), max_steps=100) == Status.STALLED
    assert status(lambda x: jnp.exp(x), 0.0) == Status.BOUNDARY  # the infimum is at infinity


def test_a_finite_start_outside_the_domain_of_the_next_step_is_survived(double):
    """x - log x from 1e-3: the first full Newton steps stay inside, from 3 they leave it and are halved."""
    for x0 in (1e-3, 3.0, 50.0):
        solution = minimize(lambda x: x - jnp.log(x), x0)
        assert solution.status == Status.CONVERGED
        assert float(solution.params) == pytest.approx(1, rel=1e-8)


def test_a_bad_lane_changes_no_other(method):
    starts = np.array([1.0, np.nan, -2.0, np.inf], np.float32)
    run = jax.jit(jax.vmap(lambda x: minimize(lambda x: (x - 3) ** 2 / 2, x, method=method)))
    among, alone = run(starts), run(np.array([1.0, 1.0, -2.0, 1.0], np.float32))
    assert np.asarray(among.status)[[1, 3]].tolist() == [Status.BAD_START] * 2
    np.testing.assert_array_equal(among.params[::2], alone.params[::2])
    np.testing.assert_array_equal(among.status[::2], alone.status[::2])


@pytest.mark.parametrize("name", ["newton", "lbfgs", "gradient_descent"])
def test_derivatives_are_those_of_the_exact_minimum(name, double):
    """The minimum of sum w (x - c)^2 / 2 + x^4 / 4 in c, by implicit differentiation and by differences."""

    @jax.jit
    def argmin(c):
        return minimize(lambda x: (x - c) ** 2 / 2 + x**4 / 4, 0.0, method=METHODS[name]()).params

    step = 1e-4
    difference = (argmin(1 + step) - argmin(1 - step)) / (2 * step)
    x = argmin(1.0)
    many = jax.vmap(jax.grad(argmin))(jnp.array([0.5, 1.0]))
    assert float(many[1]) == pytest.approx(float(difference), rel=1e-6)
    assert float(many[1]) == pytest.approx(float(1 / (1 + 3 * x**2)), rel=1e-9)
    if name == "newton":
        jacobian = jax.jacrev(jax.vmap(argmin))(jnp.array([0.5, 1.0]))
        np.testing.assert_allclose(np.diag(jacobian), many, rtol=1e-9)


def test_a_new_setting_does_not_recompile():
    traces = []

    def fun(x):
        traces.append(1)
        return (x - 1) ** 2

    run = jax.jit(lambda rate, tol: minimize(fun, 0.0, method=methods.gradient_descent(rate), tol=tol).params)
    run(0.1, 1e-4)
    count = len(traces)
    run(0.2, 1e-5)
    assert len(traces) == count
    swept = jax.vmap(run, (0, None))(jnp.array([0.1, 0.3]), 1e-6)
    np.testing.assert_allclose(swept, 1, atol=1e-5)


def test_stochastic_path_draws_rows_by_key():
    data = {"x": np.arange(8.0, dtype=np.float32), "y": np.arange(8.0, dtype=np.float32) * 2}
    rule = methods.gradient_descent(0.01)

    def loss(slope, rows):
        return jnp.mean((rows["y"] - slope * rows["x"]) ** 2) / 2

    walk = functools.partial(stochastic_path, loss, 0.0, data, method=rule, steps=400, batch_size=3)
    path = walk(key=jax.random.key(1))
    np.testing.assert_array_equal(path.params, walk(key=jax.random.key(1)).params)
    assert (path.params[1:] != walk(key=jax.random.key(2)).params[1:]).any()
    assert float(path.params[-1]) == pytest.approx(2, rel=1e-4)  # y = 2 x exactly, so every draw agrees
    # A step moves by minus the rate times the gradient of its own rows, which the values at that iterate belong to.
    slope = np.asarray(path.params, np.float64)
    implied = (slope[1] - slope[0]) / 0.01  # mean of x y over the first three rows
    assert implied * 3 == pytest.approx(round(implied * 3), abs=1e-3)
    assert implied > 0


def test_stochastic_gradients_are_right_on_average(double):
    """Over many keys the first move averages to minus the rate times the full gradient, within 4 standard errors."""
    data = np.array([1.0, 2.0, 6.0, -3.0])

    def first_move(key):
        path = stochastic_path(
            lambda x, rows: jnp.mean((x - rows) ** 2) / 2, 0.0, data,
            key=key, method=methods.gradient_descent(0.5), steps=1, batch_size=2,
        )  # fmt: skip
        return path.params[1]

    moves = np.asarray(jax.vmap(first_move)(jax.random.split(jax.random.key(5), 4000)))
    assert abs(moves.mean() - 0.5 * data.mean()) < 4 * moves.std() / np.sqrt(len(moves))
    assert moves.std() == pytest.approx(0.5 * data.std() / np.sqrt(2), rel=0.05)


ok = functools.partial(minimize, lambda x: jnp.sum(x**2))
BAD = {
    "fun: expected a function that returns one real number, got float32 of shape (2,)": lambda: minimize(
        lambda x: x, np.zeros(2, np.float32)
    ),
    "fun: expected a function that returns one real number, got tuple": lambda: minimize(lambda x: (x, x), 0.0),
    "x0: expected at least one array": lambda: ok({}),
    "x0: expected an array of numbers": lambda: ok("zero"),
    "tol: expected a number >= 0, got -1": lambda: ok(1.0, tol=-1),
    "max_steps: expected a whole number >= 0, got -1": lambda: ok(1.0, max_steps=-1),
    "method: expected a jaxnotes.methods method or an optax rule, got str": lambda: ok(1.0, method="newton"),
    "rate: expected a number > 0": lambda: methods.gradient_descent(0),
    "decay: expected a number > -1 and < 1, got 1": lambda: methods.momentum(0.1, 1),
    "shrink: expected a number > 0 and < 1, got 2": lambda: methods.backtracking(shrink=2),
    "steps: expected a whole number >= 0": lambda: minimize_path(
        lambda x: x**2, 1.0, method=methods.newton(), steps=-1
    ),
    "method: expected a rule that takes each gradient as it comes": lambda: stochastic(method=methods.newton()),
    "batch_size: expected a whole number >= 1": lambda: stochastic(batch_size=0),
    "data: expected arrays with the same number of rows": lambda: stochastic(data=(jnp.zeros(3), jnp.zeros(2))),
    "data: expected arrays with the same number of rows, at least 1": lambda: stochastic(data=jnp.zeros((0, 2))),
}


def stochastic(data=None, method=None, batch_size=1):
    data = jnp.ones(3) if data is None else data
    method = methods.gradient_descent(0.1) if method is None else method
    return stochastic_path(
        lambda x, rows: jnp.sum(x**2), 1.0, data, key=jax.random.key(0), method=method, steps=1, batch_size=batch_size
    )


@pytest.mark.parametrize("message", BAD)
def test_bad_input_says_what_to_do(message):
    with pytest.raises((ValueError, TypeError)) as raised:
        BAD[message]()
    assert message in str(raised.value)


def test_precision_follows_the_start_even_where_float64_is_on():
    with x64():
        solution = minimize(lambda x: (x - 1) ** 2, np.float32(0), method=methods.gradient_descent(0.1))
        assert solution.params.dtype == np.float32
