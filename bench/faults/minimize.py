"""Labelled problems of `minimize`: c + u f(x / s) for functions f whose minima are known, saddles and plateaus.

Source: More, Garbow and Hillstrom (1981), ACM TOMS 7, 17-41, for the functions that have their names.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize

from bench.faults.judge import Answer
from bench.faults.problems import Data, Group, Precision, Problem, Truth, draw, power
from bench.jax_trial import precision_of

EXCESS = 1e-6  # of the value over the minimum, relative to the minimum or to what was descended
EXCESS_BESIDE_A_CONSTANT = 1e-5
HARD = frozenset({"BOUNDARY", "FLAT", "MAX_STEPS", "STALLED", "DIVERGED"})


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def freudenstein_roth(x):
    a, b = x
    return (-13 + a + ((5 - b) * b - 2) * b) ** 2 + (-29 + a + ((b + 1) * b - 14) * b) ** 2


def helical_valley(x):
    theta = jnp.arctan(x[1] / x[0]) / (2 * jnp.pi) + jnp.where(x[0] < 0, 0.5, 0)
    return 100 * (x[2] - 10 * theta) ** 2 + 100 * (jnp.sqrt(x[0] ** 2 + x[1] ** 2) - 1) ** 2 + x[2] ** 2


def powell_singular(x):
    a, b, c, d = x
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


def wood(x):
    a, b, c, d = x
    first = 100 * (b - a**2) ** 2 + (1 - a) ** 2 + 90 * (d - c**2) ** 2 + (1 - c) ** 2
    return first + 10 * (b + d - 2) ** 2 + (b - d) ** 2 / 10


KOWALIK = (
    (0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246),
    (4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625),
)


def kowalik_osborne(x):
    y, u = (jnp.asarray(column, x.dtype) for column in KOWALIK)
    return jnp.sum((y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])) ** 2)


def brown_dennis(x):
    t = jnp.arange(1, 21, dtype=x.dtype) / 5
    return jnp.sum(((x[0] + t * x[1] - jnp.exp(t)) ** 2 + (x[2] + x[3] * jnp.sin(t) - jnp.cos(t)) ** 2) ** 2)


def bowl(x):
    return jnp.sum((x - 3) ** 2)


def wells(x):
    """Minima at (+-1, 0), a saddle at 0 between them."""
    return x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[1] ** 2 / 2 + 0.25


def hollow(x):
    """A minimum at 3, flat to the last digit some 40 away."""
    return -jnp.exp(-jnp.sum((x - 3) ** 2) / 2)


def valley(x):
    return (x[0] - 3) ** 2 + 0 * x[1]


def level(x):
    return 0 * x[0] + 0 * x[1]


def runaway(x):
    return jnp.exp(-x[0]) + x[1] ** 2


def bottomless(x):
    return -(x[0] ** 3) + x[1] ** 2


# The function, its start, a minimum.
KNOWN = {
    "rosenbrock": (rosenbrock, [-1.2, 1], [1, 1]),
    "freudenstein_roth": (freudenstein_roth, [0.5, -2], [11.41277900, -0.89680525]),
    "helical_valley": (helical_valley, [-1, 0, 0], [1, 0, 0]),
    "powell_singular": (powell_singular, [3, -1, 0, 1], [0, 0, 0, 0]),
    "wood": (wood, [-3, -1, -3, -1], [1, 1, 1, 1]),
    "kowalik_osborne": (
        kowalik_osborne,
        [0.25, 0.39, 0.415, 0.39],
        [0.192806935, 0.191282329, 0.123056507, 0.136062331],
    ),
    "brown_dennis": (brown_dennis, [25, 5, -5, -1], [-11.59443991, 13.20363005, -0.40343949, 0.23677878]),
    "bowl": (bowl, [0, 0, 0], [3, 3, 3]),
    "wells": (wells, [0.3, 0.5], [1, 0]),
}
# Several functions in one program, chosen by `which`.
ODD = {"hollow": hollow, "valley": valley, "level": level, "runaway": runaway, "bottomless": bottomless}


def as_it_is(rng, data, precision):
    pass


def ten_times(rng, data, precision):
    data["x0"] *= 10


def near(rng, data, precision):
    data["x0"] *= 1 + 0.3 * rng.standard_normal(len(data["x0"]))


def unit_of_value(rng, data, precision):
    data["unit"] = power(rng, precision.unit / 2)
    near(rng, data, precision)


def units_of_params(rng, data, precision):
    data["size"] = 10.0 ** rng.uniform(-precision.unit / 6, precision.unit / 6, len(data["x0"]))
    near(rng, data, precision)


def constant_added(rng, data, precision):
    data["constant"] = rng.choice([-1, 1]) * 10.0 ** rng.uniform(2, 8)
    near(rng, data, precision)


def nan_start(rng, data, precision):
    data["x0"][0] = rng.choice([np.nan, np.inf])


def on_the_ridge(rng, data, precision):
    data["x0"] = np.array([0.0, rng.uniform(0.1, 2)])


def at_the_saddle(rng, data, precision):
    data["x0"] = np.zeros(2)


KINDS = {
    "as it is": as_it_is,
    "start near": near,
    "start 10 times": ten_times,
    "units: value": unit_of_value,
    "units: parameters": units_of_params,
    "constant added": constant_added,
    "NaN start": nan_start,
}
SADDLES = {"saddle: on the ridge": on_the_ridge, "saddle: at the start": at_the_saddle}


def far_out(distance: float):
    def spoil(rng, data, precision):
        data["which"], data["x0"] = 0, 3 + distance * rng.uniform(1, 1.5, 2)

    return spoil


def chosen(name: str):
    def spoil(rng, data, precision):
        data["which"], data["x0"] = list(ODD).index(name), rng.uniform(-1, 1, 2)

    return spoil


ODD_KINDS = {
    "plateau: constant": (chosen("level"), {"FLAT"}),
    "plateau: a flat direction": (chosen("valley"), {"FLAT"}),
    "plateau: far out": (far_out(50), {"FLAT"}),
    "plateau: near": (far_out(1), set()),
    "plateau: beside": (far_out(3), HARD),
    "runaway": (chosen("runaway"), {"BOUNDARY"}),
    "runaway: no lower bound": (chosen("bottomless"), {"DIVERGED", "BOUNDARY"}),
}


def base(start: list[float]):
    def make(rng) -> Data:
        x0 = np.array(start, float)
        return {"x0": x0, "size": np.ones(len(x0)), "unit": 1.0, "constant": 0.0, "which": 0.0}

    return make


def odd(x, which):
    return jax.lax.switch(which.astype(int), list(ODD.values()), x)


def solver(function, method=None):
    import jaxnotes as jn

    def objective(x, data):
        return data["constant"] + data["unit"] * function(x / data["size"], data["which"])

    def solve(data):
        solution = jn.minimize(lambda x: objective(x, data), data["x0"] * data["size"], method=method)
        return solution.status, solution.params, jnp.full_like(solution.params, jnp.nan), solution.error

    return solve


@functools.cache
def derivatives(function):
    """Value, gradient and Hessian in float64, by JAX alone."""
    return jax.jit(lambda x: (function(x), jax.grad(function)(x), jax.hessian(function)(x)))


def descended(function, x: np.ndarray) -> np.ndarray | None:
    """Where SciPy's trust region with exact Hessians arrives from x; None where it does not."""

    def part(k):
        return lambda x: np.asarray(derivatives(function)(x)[k])

    with np.errstate(all="ignore"):
        try:
            found = optimize.minimize(
                part(0), x, jac=part(1), hess=part(2), method="trust-exact", options={"gtol": 1e-9, "maxiter": 2000}
            )
        except (ValueError, np.linalg.LinAlgError):
            return None
    return found.x if np.all(np.isfinite(found.x)) and np.max(np.abs(found.x)) < 1e6 and found.success else None


def is_minimum(function, data: Data, answer: Answer, precision: Precision) -> bool:
    """No negative curvature, and hardly a lower value to be had from there."""
    with precision_of(np.dtype(np.float64)):
        size = data["size"].astype(np.float64)
        z = answer.estimate.astype(np.float64) / size
        start = data["x0"].astype(np.float64)
        value, _, hessian = (np.asarray(part) for part in derivatives(function)(z))
        if not np.isfinite(value) or not np.isfinite(hessian).all():
            return False
        scale = np.maximum(np.maximum(np.abs(z), np.abs(z - start)), 1e-30)
        curvatures = np.linalg.eigvalsh(hessian * scale * scale[:, None])
        if curvatures[0] < -1e-4 * curvatures[-1] or curvatures[-1] <= 0:
            return False
        bottom = descended(function, z)
        lowest = value if bottom is None else min(value, float(derivatives(function)(bottom)[0]))
        dropped = float(derivatives(function)(start)[0]) - lowest
    excess = EXCESS if data["constant"] == 0 else EXCESS_BESIDE_A_CONSTANT
    hidden = 0 if function is bowl else max(1e-10, 8 * precision.eps) * abs(float(data["constant"]))
    return bool(value - lowest <= max(excess * max(abs(lowest), dropped), hidden, 1e-12))


def label(function, minimum, data: Data, kind: str) -> Truth:
    x0 = data["x0"].astype(np.float64)
    if not np.isfinite(x0).all():
        return Truth(reasons=frozenset({"BAD_START", "NON_FINITE_DATA", "INVALID_DATA"}))
    with precision_of(np.dtype(np.float64)):
        reasons = HARD if descended(function, x0) is None and kind not in SADDLES else frozenset()
    params = np.asarray(minimum, np.longdouble) * data["size"].astype(np.longdouble)
    return Truth(params, np.full(len(params), np.nan), reasons=reasons)


def problem(function, minimum, kind: str, seed: int, data: Data, precision: Precision, reasons=()) -> Problem:
    truth = Truth(reasons=frozenset(reasons)) if minimum is None else label(function, minimum, data, kind)
    check = functools.partial(is_minimum, function, data, precision=precision)
    return Problem(kind, seed, data, truth, None if minimum is None else check)


def groups(precision: Precision, each: int, seed: int) -> list[Group]:
    import jaxnotes as jn

    found = []
    methods = [(name, None) for name in KNOWN] + [("bowl", jn.methods.lbfgs())]
    for number, (name, method) in enumerate(methods):
        function, start, minimum = KNOWN[name]
        kinds = {**KINDS, **(SADDLES if name == "wells" else {})}
        drawn = draw(kinds, base(start), max(1, each // 2), precision, seed + number)
        problems = [problem(function, minimum, f"{name}: {kind}", *rest, precision) for kind, *rest in drawn]
        title = name if method is None else f"{name}, lbfgs"
        solve = solver(lambda x, _, function=function: function(x), method)
        found.append(Group(title, solve, problems, alone=4 if number < 2 else 0))
    problems = []
    for kind, seed_, data in draw({k: v for k, (v, _) in ODD_KINDS.items()}, base([0, 0]), each, precision, seed + 50):
        reasons, index = ODD_KINDS[kind][1], int(data["which"])
        has_minimum = index == 0 and reasons != {"FLAT"}
        one = list(ODD.values())[index]
        made = problem(one, [3, 3] if has_minimum else None, kind, seed_, data, precision, reasons)
        problems.append(made)
    return [*found, Group("plateaus", solver(odd), problems, alone=4)]
