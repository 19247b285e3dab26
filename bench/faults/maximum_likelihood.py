"""Labelled problems of `maximum_likelihood`: four models as a user writes them, by Newton in units of the data."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln

from bench.faults import judge, peak
from bench.faults.judge import Answer
from bench.faults.oracle import LONG
from bench.faults.problems import Data, Group, Precision, Problem, Truth, draw

SIZE = 40


@dataclass(frozen=True)
class Model:
    """log_prob(theta, x, y); draw: y from a generator, x and theta; in_units: theta of data x * ux, y * uy, and of
    standard errors (log: added to a parameter that is a logarithm).
    """

    log_prob: Callable
    around: tuple[float, ...]
    draw: Callable
    units: Callable
    log: Callable = lambda ux, uy: 0.0
    y_has_units: bool = True


def _logistic_errors(theta, x, y):
    z = (y - theta[0] - theta[1] * x) / theta[2]
    return -z - 2 * jax.nn.softplus(-z) - jnp.log(theta[2])


def _poisson(theta, x, y):
    eta = theta[0] + theta[1] * x
    return y * eta - jnp.exp(eta)


def _waiting(theta, x, y):
    eta = theta[0] + theta[1] * x
    return -eta - y * jnp.exp(-eta)


def _gamma(theta, x, y):
    return theta[0] * jnp.log(theta[1]) + (theta[0] - 1) * jnp.log(y) - theta[1] * y - gammaln(theta[0])


MODELS = {
    "logistic errors": Model(
        _logistic_errors,
        (1, 2, 0.5),
        lambda rng, x, t: t[0] + t[1] * x + t[2] * rng.logistic(size=SIZE),
        lambda ux, uy: (uy, uy / ux, uy),
    ),
    "Poisson": Model(
        _poisson,
        (1, 0.5),
        lambda rng, x, t: rng.poisson(np.exp(t[0] + t[1] * x)) * 1.0,
        lambda ux, uy: (1, 1 / ux),
        y_has_units=False,
    ),
    "waiting times": Model(
        _waiting,
        (1, 0.5),
        lambda rng, x, t: rng.exponential(np.exp(t[0] + t[1] * x)),
        lambda ux, uy: (1, 1 / ux),
        lambda ux, uy: np.array([np.log(LONG(uy)), 0]),
    ),
    "gamma": Model(
        _gamma,
        (2, 1.5),
        lambda rng, x, t: rng.gamma(t[0], 1 / t[1], SIZE),
        lambda ux, uy: (1, 1 / uy),
    ),
}


def sound(model: Model):
    def base(rng) -> Data:
        x = rng.standard_normal(SIZE)
        theta = np.array(model.around) * rng.uniform(0.7, 1.4, len(model.around))
        start = theta * rng.uniform(0.8, 1.25, len(theta))
        return {"x": x, "y": model.draw(rng, x, theta), "weights": np.ones(SIZE), "start": start, "unit": np.ones(2)}

    return base


def as_it_is(rng, data, precision):
    pass


def _power_of_two(rng, precision, share: float) -> float:
    most = share * precision.unit * np.log2(10)
    return float(2.0 ** np.round(rng.uniform(-most, most)))


def unit_of_y(rng, data, precision):
    data["unit"][1] = _power_of_two(rng, precision, 0.9)


def unit_of_x(rng, data, precision):
    data["unit"][0] = _power_of_two(rng, precision, 0.9)


def wide_weights(rng, data, precision):
    data["weights"] = 10.0 ** rng.uniform(0, 12, SIZE)


def weights_times(rng, data, precision):
    data["weights"] = rng.uniform(0.5, 2, SIZE) * rng.choice([1e-9, 1e9])


def whole_weights(rng, data, precision):
    data["weights"] = np.floor(rng.uniform(0, 4, SIZE))


def start_far(rng, data, precision):
    data["start"] = data["start"] * 10.0 ** rng.uniform(-0.5, 0.5, len(data["start"]))


def start_nan(rng, data, precision):
    data["start"][0] = np.nan


def shifted_x(rng, data, precision):
    data["x"] += 10.0 ** rng.uniform(0, 2)


def all_equal(rng, data, precision):
    """x does not vary: its coefficient and the intercept are one."""
    data["x"][:] = 1.0


def _put(name: str, value: float):
    def spoil(rng, data, precision):
        data[name][rng.integers(SIZE)] = value

    return spoil


def left_out(rng, data, precision):
    data["weights"][2], data["y"][2] = 0, np.nan


def empty(rng, data, precision):
    data["weights"][:] = 0


KINDS = {
    "sound": as_it_is,
    "units: y": unit_of_y,
    "units: x": unit_of_x,
    "counts: weights 1 to 1e12": wide_weights,
    "counts: all weights times 1e-9, 1e9": weights_times,
    "counts: whole weights": whole_weights,
    "shifts: x": shifted_x,
    "start far": start_far,
    "NaN start": start_nan,
    "x does not vary": all_equal,
    "NaN in y": _put("y", np.nan),
    "negative weight": _put("weights", -1.0),
    "NaN of weight 0": left_out,
    "empty": empty,
}
REASONS = {
    "NaN start": {"BAD_START", "NON_FINITE_DATA", "INVALID_DATA"},
    "x does not vary": {"FLAT"},
    "NaN in y": {"NON_FINITE_DATA", "BAD_START"},
    "negative weight": {"INVALID_DATA"},
    "empty": {"TOO_FEW_ROWS"},
}
HARD = {"FLAT", "BOUNDARY", "MAX_STEPS", "STALLED", "DIVERGED"}


def kinds(name: str, model: Model):
    left = set() if model.y_has_units else {"units: y"}
    left |= {"x does not vary", "units: x", "shifts: x"} if name == "gamma" else set()

    def in_units(spoil):
        def spoiled(rng, data, precision):
            spoil(rng, data, precision)
            ux, uy = data["unit"]
            data["x"], data["y"] = data["x"] * ux, data["y"] * uy
            data["start"] = data["start"] * np.array(model.units(ux, uy)) + np.asarray(model.log(ux, uy), float)

        return spoiled

    return {kind: in_units(spoil) for kind, spoil in KINDS.items() if kind not in left}


def losses():
    """A loss for each model, made once, so that JAX compiles it once."""

    def make(log_prob):
        def loss(theta, data):
            x, y, share = data
            return -jnp.sum(share * jax.vmap(lambda x, y: log_prob(theta, x, y))(x, y))

        return loss

    return {name: make(model.log_prob) for name, model in MODELS.items()}


LOSSES = losses()


def optimum(name: str, data: Data, start: np.ndarray, precision: Precision) -> Truth | None:
    """From a start in the user's units; the units are powers of two, so that the data are the same without them."""
    model, (ux, uy) = MODELS[name], data["unit"].astype(np.float64)
    w = np.where(data["weights"] > 0, data["weights"], 0).astype(np.float64)
    x, y = (np.where(w > 0, a.astype(np.float64) / u, 1.0) for a, u in ((data["x"], ux), (data["y"], uy)))
    factors, added = np.array(model.units(LONG(ux), LONG(uy))), model.log(ux, uy)
    inner = ((start.astype(LONG) - added) / factors).astype(np.float64)
    theta, inverse, found = peak.find(LOSSES[name], inner[None], (x[None], y[None], (w / np.sum(w))[None]))
    if not found[0]:
        return None
    se = np.sqrt(np.diag(inverse[0]) / np.sum(w)).astype(LONG)
    theta = theta[0].astype(LONG)
    # Where a user's own arithmetic in the dtype leaves more than the promise, rounding may be what ends it.
    beyond = frozenset({"STALLED"} if np.any(judge.PROMISE * se < 4 * precision.eps * np.max(np.abs(theta))) else ())
    return Truth(theta * factors + added, se * np.abs(factors), reasons=beyond)


def label(name: str, kind: str, data: Data, precision: Precision) -> Truth:
    if kind in REASONS:
        return Truth(reasons=frozenset(REASONS[kind]))
    return optimum(name, data, data["start"], precision) or Truth(reasons=frozenset(HARD))


def another(name: str, data: Data, precision: Precision):
    """Is an answer at another maximum than the one that Newton finds?"""

    def check(answer: Answer) -> bool:
        near = optimum(name, data, answer.estimate, precision)
        return near is not None and judge.compare(answer, near, precision)[0] == judge.RIGHT

    return check


def solver(model: Model):
    import jaxnotes as jn

    def log_prob(theta, row):
        return model.log_prob(theta, *row)

    def solve(data):
        rows = data["x"], data["y"]
        solution = jn.maximum_likelihood.fit(log_prob, data["start"], rows, weights=data["weights"])
        inference = jn.maximum_likelihood.infer(log_prob, solution, rows, weights=data["weights"])
        return solution.status, inference.estimate, inference.se, solution.error

    return solve


def groups(precision: Precision, each: int, seed: int) -> list[Group]:
    found = []
    for number, (name, model) in enumerate(MODELS.items()):
        problems = []
        for kind, own, data in draw(kinds(name, model), sound(model), max(1, each), precision, seed + number):
            truth = label(name, kind, data, precision)
            problems.append(Problem(f"{name}: {kind}", own, data, truth, another(name, data, precision)))
        found.append(Group(name, solver(model), problems, alone=4 if number == 0 else 0))
    return found
