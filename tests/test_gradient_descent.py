"""Gradient descent does what the theory of chapter 1.2 predicts, and `minimize` solves the classical test problems."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference

from jaxnotes import Status, gradient_descent, methods
from jaxnotes.gradient_descent import best_settings, convergence_factor, mode_factor, steps_needed

pytestmark = pytest.mark.repeated


def test_five_learning_rates_on_a_parabola(double):
    """f = x^2 from 10: slow, good, in one step, for ever, away. One compiled call runs them all."""

    def last(rate):
        return gradient_descent.minimize_path(
            lambda x: x**2, 10.0, method=methods.gradient_descent(rate), steps=10
        ).params[-1]

    rates = np.array([0.05, 0.2, 0.5, 1.0, 1.1])
    np.testing.assert_allclose(jax.vmap(last)(rates), [3.486784401, 0.0604661760, 0, 10, 61.9173642], atol=1e-9)
    np.testing.assert_allclose(10 * mode_factor(np.float64(1.1), [2.0])[0] ** 10, 61.9173642, rtol=1e-8)


def quadratic(kappa: float, size: int = 6):
    """A quadratic of curvatures 1 .. kappa in rotated axes, its minimum at 0, and a start of equal eigen-components."""
    rng = np.random.default_rng(int(kappa))
    Q, _ = np.linalg.qr(rng.standard_normal((size, size)))
    H = Q @ np.diag(np.linspace(1, kappa, size)) @ Q.T
    return lambda x: x @ H @ x / 2, Q.sum(axis=1), H


def errors(kappa: float, rule: str, steps: int) -> np.ndarray:
    fun, start, _ = quadratic(kappa)
    rate, decay = best_settings(np.float64(1), np.float64(kappa), rule=rule)
    method = {
        "gradient_descent": lambda: methods.gradient_descent(rate),
        "momentum": lambda: methods.momentum(rate, decay),
        "nesterov": lambda: methods.nesterov(rate, decay),
    }[rule]()
    path = gradient_descent.minimize_path(fun, start, method=method, steps=steps)
    size = np.linalg.norm(path.params, axis=1)
    return size / size[0]


@pytest.mark.parametrize(("kappa", "needed"), [(10.0, 69), (100.0, 691), (1.5, 9)])
def test_counted_steps_are_the_predicted_ones(kappa, needed, double):
    """With the slowest and the fastest direction alone in the start, every step shrinks the error by the factor."""
    assert steps_needed(kappa, 1e-6) == needed
    H = np.diag([1.0, kappa])
    rate = best_settings(np.float64(1), np.float64(kappa)).rate
    path = gradient_descent.minimize_path(
        lambda x: x @ H @ x / 2, np.ones(2), method=methods.gradient_descent(rate), steps=needed
    )
    size = np.linalg.norm(path.params, axis=1) / np.sqrt(2)
    assert size[needed] <= 1e-6 < size[needed - 1]


@pytest.mark.parametrize("rule", ["gradient_descent", "momentum", "nesterov"])
def test_the_long_run_factor_is_the_predicted_one(rule, double):
    size = errors(50.0, rule, 240)
    measured = (size[240] / size[120]) ** (1 / 120)
    # Momentum's double root brings a factor that grows like the number of steps: 2^(1/120) is 0.6 %.
    assert measured == pytest.approx(convergence_factor(50.0, rule=rule), rel=8e-3)


def test_momentum_needs_the_root_of_the_steps(double):
    """Where plain descent needs n steps, momentum needs about sqrt(n) times a constant."""
    plain = steps_needed(1e4, 1e-6)
    fast = steps_needed(1e4, 1e-6, rule="momentum")
    assert plain / fast == pytest.approx(100, rel=0.01)
    assert errors(1e3, "momentum", 1000)[-1] < 1e-6 < errors(1e3, "gradient_descent", 1000)[-1]


def test_descent_needs_a_rate_below_two_over_L(double):
    """On quadratics in any axes: below 2 / L every step falls, above it the error grows in the steepest direction."""
    for kappa in (2.0, 30.0):
        fun, start, _ = quadratic(kappa)
        walk = functools.partial(gradient_descent.minimize_path, fun, start, steps=40)
        falling = walk(method=methods.gradient_descent(0.99 * 2 / kappa))
        rising = walk(method=methods.gradient_descent(1.05 * 2 / kappa))
        assert (np.diff(falling.value) < 0).all()
        assert rising.value[-1] > rising.value[0]


def test_largest_curvature_by_products_alone(double):
    _, _, H = quadratic(30.0)

    def bowl(x, scale):
        flat = jnp.concatenate([x["a"], x["b"][None]])
        return scale * flat @ H @ flat / 2

    L = gradient_descent.largest_curvature(bowl, {"a": np.ones(5), "b": 1.0}, 2.0, key=jax.random.key(0), products=200)
    assert float(L) == pytest.approx(60, rel=1e-6)
    few = gradient_descent.largest_curvature(bowl, {"a": np.ones(5), "b": 1.0}, 2.0, key=jax.random.key(0), products=3)
    assert few <= L  # never above


def test_basins_of_himmelblau_in_one_call():
    """Forty by forty starts: each ends in one of the four minima, and each minimum gets about a quarter of them."""

    def himmelblau(x):
        return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2

    def end(start):
        method = methods.gradient_descent(0.01)
        return gradient_descent.minimize_path(himmelblau, start, method=method, steps=300).params[-1]

    axis = jnp.linspace(-5, 5, 40)
    starts = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    ends = np.asarray(jax.jit(jax.vmap(end))(starts))
    minima = np.array([[3, 2], [-2.805118, 3.131313], [-3.779310, -3.283186], [3.584428, -1.848127]])
    distance = np.linalg.norm(ends[:, None] - minima[None], axis=2)
    assert distance.min(axis=1).max() < 1e-2
    shares = np.bincount(distance.argmin(axis=1)) / len(ends)
    np.testing.assert_allclose(shares, 0.25, atol=0.03)


def test_a_saddle_holds_descent_that_starts_on_its_axis():
    walk = functools.partial(
        gradient_descent.minimize_path, lambda x: x[0] ** 2 - x[1] ** 2, method=methods.gradient_descent(0.1), steps=80
    )
    np.testing.assert_allclose(walk(jnp.array([1.0, 0.0])).params[-1], 0, atol=1e-6)
    assert abs(walk(jnp.array([1.0, 1e-3])).params[-1, 1]) > 1e3


def test_a_decaying_rate_settles_where_a_fixed_one_does_not(double):
    """Stochastic gradients of a mean: with rates 1 / (1 + k) the iterate is the running mean of what was drawn."""
    data = np.array([2.0, 4.0, 9.0, 5.0])

    def ends(rate):
        def end(key):
            return gradient_descent.stochastic_path(
                lambda x, rows: jnp.mean((x - rows) ** 2) / 2, 0.0, data,
                key=key, method=methods.gradient_descent(rate), steps=2000,
            ).params[-1]  # fmt: skip

        return np.asarray(jax.vmap(end)(jax.random.split(jax.random.key(0), 200)))

    settled = ends(gradient_descent.inverse_decay(1.0, 1.0))
    assert settled.std() == pytest.approx(data.std() / np.sqrt(2000), rel=0.2)
    assert abs(settled.mean() - data.mean()) < 4 * settled.std() / np.sqrt(200)
    # With a fixed rate r the variance settles at r / (2 - r) of the data's.
    assert ends(0.5).std() == pytest.approx(data.std() * np.sqrt(0.5 / 1.5), rel=0.2)


BAD = {
    "kappa: expected a condition number >= 1, got 0.5": lambda: convergence_factor(0.5),
    "tol: expected a number between 0 and 1, got 2": lambda: steps_needed(10.0, 2),
    "rule: expected one of gradient_descent, momentum, nesterov, got 'adam'": lambda: best_settings(1, 2, rule="adam"),
    "products: expected at least 1, got 0": lambda: gradient_descent.largest_curvature(
        lambda x: x**2, 1.0, key=jax.random.key(0), products=0
    ),
    "mu: expected a number, got shape (2,)": lambda: best_settings(jnp.ones(2), 2.0),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_says_what_to_do(message):
    with pytest.raises(ValueError, match="expected") as raised:
        BAD[message]()
    assert message in str(raised.value)


# Moré, Garbow and Hillstrom (1981), ACM TOMS 7, 17-41: sums of squares that were chosen to be hard to minimize.


MINIMIZERS = {"default": lambda: None, "lbfgs": lambda: methods.lbfgs(), "backtracking": lambda: methods.backtracking()}


def outcome(case, method: str, scale: float) -> tuple[bool, Status]:
    """Whether f reached f_star to 1e-8 of the way from the start, or to the digits printed, and the status."""
    fun, x0 = reference.sum_of_squares(case)
    with jax.numpy_rank_promotion("allow"):  # the expressions are NumPy's
        solution = jax.jit(lambda x: gradient_descent.minimize(fun, x, method=MINIMIZERS[method]()))(scale * x0)
        best, first = float(case["certified"]["f_star"]), float(fun(scale * x0))
        g, H = np.asarray(jax.grad(fun)(solution.params)), np.asarray(jax.hessian(fun)(solution.params))
    status, value = Status(int(solution.status)), float(solution.value)
    if status == Status.CONVERGED:  # the claim, checked afresh; a point without slope need not be f_star
        size = np.maximum(np.abs(solution.params), np.abs(solution.params - scale * x0))
        left = min(np.max(np.abs(g) * size), g @ np.linalg.lstsq(H, g, rcond=1e-14)[0] / 2)
        assert left <= 1e-8 * max(abs(value), first - value)
    return float(solution.value) - best <= 1e-8 * (first - best) + 1e-5 * best, status


@pytest.mark.long
@pytest.mark.parametrize("method", MINIMIZERS)
def test_which_method_solves_which_classical_problem(method, double, capsys):
    cases = reference.cases("mgh")
    if not cases:
        pytest.skip(f"{reference.FOLDER}/mgh.json is not there")
    names = (
        cases if method == "default" else ("rosenbrock", "beale", "helical_valley", "wood", "watson_6", "chebyquad_9")
    )
    found = {name: outcome(cases[name], method, 1.0) for name in names}
    with capsys.disabled():
        print(f"\n{method}: {sum(ok for ok, _ in found.values())} of {len(found)} from x0; not solved:")
        for name, (ok, status) in found.items():
            if not ok:
                print(f"    {name}: {status.name}")
    if method == "default":
        assert sum(ok for ok, _ in found.values()) >= 26
        assert all(ok or status != Status.CONVERGED for ok, status in found.values())


@pytest.mark.long
def test_far_starts_end_truthfully(double):
    """From ten times x0 a few end at other stationary points; none claims a point with a slope (see `outcome`)."""
    cases = reference.cases("mgh")
    if not cases:
        pytest.skip(f"{reference.FOLDER}/mgh.json is not there")
    names = ("powell_badly_scaled", "beale", "osborne_1", "brown_dennis", "penalty_2_10")
    solved = [outcome(cases[name], "default", 10.0)[0] for name in names]
    assert sum(solved) >= 3


# Three of the family, typed in, so that something always runs.
CLASSICS = {
    "rosenbrock": (lambda x: (10 * (x[1] - x[0] ** 2)) ** 2 + (1 - x[0]) ** 2, [-1.2, 1.0], 0.0),
    "beale": (
        lambda x: sum((y - x[0] * (1 - x[1] ** k)) ** 2 for k, y in ((1, 1.5), (2, 2.25), (3, 2.625))), [1.0, 1.0], 0.0,
    ),
    "brown badly scaled": (
        lambda x: (x[0] - 1e6) ** 2 + (x[1] - 2e-6) ** 2 + (x[0] * x[1] - 2) ** 2, [1.0, 1.0], 0.0,
    ),
    "jennrich sampson": (
        lambda x: sum((2 + 2 * i - jnp.exp(i * x[0]) - jnp.exp(i * x[1])) ** 2 for i in range(1, 11)),
        [0.3, 0.4], 124.362,
    ),
}  # fmt: skip


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", CLASSICS)
def test_classics(name, double):
    fun, x0, best = CLASSICS[name]
    solution = gradient_descent.minimize(fun, np.array(x0))
    assert solution.status == Status.CONVERGED
    assert float(solution.value) == pytest.approx(best, rel=1e-5, abs=1e-12)
