"""Labelled problems of curve fitting: four curves, their optimum by Gauss-Newton in long double."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from bench.faults import judge, oracle
from bench.faults.judge import Answer
from bench.faults.problems import EXACT, Data, Group, Precision, Problem, Truth, draw, power

STEPS = 300  # of Gauss and Newton, damped
SIZE = 20


@dataclass(frozen=True)
class Curve:
    """value and slopes of params (q, ...) and x, by NumPy or jax.numpy; around: where params are drawn.

    units: the unit of each parameter from those of x and y.
    """

    value: Any
    slopes: Any
    around: tuple[float, ...]
    units: Any


def _decay(p, x, xp):
    return p[0] * xp.exp(-p[1] * x)


def _decay_slopes(p, x):
    e = np.exp(-p[1] * x)
    return e, -p[0] * x * e


def _settling(p, x, xp):
    return p[0] * xp.exp(-p[1] * x) + p[2]


def _saturation(p, x, xp):
    return p[0] * x / (p[1] + x)


def _line(p, x, xp):
    return p[0] + p[1] * x


def _growth(p, x, xp):
    return p[0] / (1 + xp.exp(-p[1] * (x - p[2])))


def _growth_slopes(p, x):
    s = 1 / (1 + np.exp(-p[1] * (x - p[2])))
    return s, p[0] * s * (1 - s) * (x - p[2]), -p[0] * s * (1 - s) * p[1]


CURVES = {
    "decay": Curve(_decay, _decay_slopes, (2, 0.7), lambda x, y: (y, 1 / x)),
    "settling": Curve(
        _settling, lambda p, x: (*_decay_slopes(p, x), np.ones_like(x)), (2, 0.7, 0.5), lambda x, y: (y, 1 / x, y)
    ),
    "saturation": Curve(
        _saturation, lambda p, x: (x / (p[1] + x), -p[0] * x / (p[1] + x) ** 2), (3, 1.5), lambda x, y: (y, x)
    ),
    "line": Curve(_line, lambda p, x: (np.ones_like(x), x), (1, 2), lambda x, y: (y, y / x)),
    "growth": Curve(_growth, _growth_slopes, (3, 2, 2.5), lambda x, y: (y, 1 / x, x)),
}


def sound(curve: Curve):
    def base(rng) -> Data:
        x = np.linspace(0.2, 5, SIZE)
        params = np.array(curve.around) * rng.uniform(0.7, 1.4, len(curve.around))
        y = curve.value(params, x, np) + 0.05 * rng.standard_normal(SIZE)
        start = params * rng.uniform(0.8, 1.25, len(params))
        ones = np.ones(SIZE)
        return {
            "x": x,
            "y": y,
            "weights": ones,
            "precision": ones.copy(),
            "start": start,
            "true": params,
            "unit": np.ones(2),
        }

    return base


def sound_kind(rng, data, precision):
    pass


def unit_of_y(rng, data, precision):
    data["unit"][1] = power(rng, precision.unit)


def unit_of_x(rng, data, precision):
    data["unit"][0] = power(rng, precision.unit / 3)


def units(rng, data, precision):
    unit_of_x(rng, data, precision)
    data["unit"][1] = power(rng, precision.unit / 3)


def unit_of_precision(rng, data, precision):
    data["precision"] *= power(rng, precision.unit)


def wide_weights(rng, data, precision):
    data["weights"] = 10.0 ** rng.uniform(0, 12, SIZE)


def weights_times(rng, data, precision):
    data["weights"] *= rng.choice([1e-9, 1e9])


def wide_precision(rng, data, precision):
    data["precision"] = 10.0 ** rng.uniform(-4, 4, SIZE)


def small_noise(rng, data, precision):
    """Noise of 1e-6 to 1e-2 of what it was."""
    data["y"] = data["fitted"] + 10.0 ** rng.uniform(-6, -2) * (data["y"] - data["fitted"])


def exact(rng, data, precision):
    data["y"] = data["fitted"]


def few_rows(rng, data, precision):
    """As many rows as parameters."""
    data["weights"][: SIZE - len(data["start"])] = 0
    data["weights"] = data["weights"][rng.permutation(SIZE)]


def far_start(rng, data, precision):
    data["start"] = data["start"] * 10.0 ** rng.uniform(-0.5, 0.5, len(data["start"]))


def bad_start(rng, data, precision):
    data["start"][0] = np.nan


def outlier(rng, data, precision):
    data["y"][rng.integers(SIZE)] *= 30


def too_few(rng, data, precision):
    data["weights"] = (np.arange(SIZE) == 4) * 1.0


def one_place(rng, data, precision):
    data["x"][:] = 1.0


def _put(name: str, value: float):
    def spoil(rng, data, precision):
        data[name][rng.integers(SIZE)] = value

    return spoil


def left_out(rng, data, precision):
    data["weights"][3], data["y"][3] = 0, np.nan


def empty(rng, data, precision):
    data["weights"][:] = 0


KINDS = {
    "sound": sound_kind,
    "units: y": unit_of_y,
    "units: x": unit_of_x,
    "units: x and y": units,
    "units: precision": unit_of_precision,
    "counts: weights 1 to 1e12": wide_weights,
    "counts: all weights times 1e-9, 1e9": weights_times,
    "counts: precision 1e-4 to 1e4": wide_precision,
    "small noise": small_noise,
    "exact fit but for rounding": exact,
    "as many rows as parameters": few_rows,
    "start far": far_start,
    "NaN start": bad_start,
    "outlier": outlier,
    "too few rows": too_few,
    "one place": one_place,
    "NaN in y": _put("y", np.nan),
    "inf in y": _put("y", np.inf),
    "negative weight": _put("weights", -1.0),
    "negative precision": _put("precision", -1.0),
    "NaN of weight 0": left_out,
    "empty": empty,
}
REASONS = {
    "NaN start": {"BAD_START", "NON_FINITE_DATA", "INVALID_DATA"},
    "too few rows": {"TOO_FEW_ROWS"},
    "empty": {"TOO_FEW_ROWS"},
    "one place": {"FLAT", "RANK_DEFICIENT"},
    "NaN in y": {"NON_FINITE_DATA"},
    "inf in y": {"NON_FINITE_DATA"},
    "negative weight": {"INVALID_DATA"},
    "negative precision": {"INVALID_DATA"},
}
HARD = {"FLAT", "BOUNDARY", "MAX_STEPS", "STALLED", "DIVERGED"}


def posed(curve: Curve, each: int, precision: Precision, seed: int):
    """The problems of one curve; units are put in at the end, so that starts and data go together."""

    def base(rng):
        data = sound(curve)(rng)
        return {**data, "fitted": curve.value(data["true"], data["x"], np)}

    def in_units(spoil):
        def spoiled(rng, data, precision):
            spoil(rng, data, precision)
            x, y = data.pop("unit")
            factors = np.array(curve.units(x, y))
            data["x"], data["y"] = data["x"] * x, data["y"] * y
            data["start"], data["true"] = data["start"] * factors, data["true"] * factors
            data.pop("fitted")

        return spoiled

    return draw({name: in_units(spoil) for name, spoil in KINDS.items()}, base, each, precision, seed)


def optimum(curve: Curve, data: Data, start: np.ndarray, precision: Precision) -> Truth | None:
    """From a start, by damped Gauss-Newton in long double; None where it finds none."""
    used = data["weights"] > 0
    x, y, w, p = (data[name][used].astype(oracle.LONG) for name in ("x", "y", "weights", "precision"))
    root, n, q = np.sqrt(w * p), np.sum(w), len(start)
    theta, damping = start.astype(oracle.LONG), oracle.LONG(1e-3)
    unit = np.where(theta == 0, 1, np.abs(theta))

    def residual(theta):
        return root * (y - curve.value(theta, x, np))

    best = np.sum(residual(theta) ** 2)
    for _ in range(STEPS):
        J = root[:, None] * np.stack(curve.slopes(theta, x), axis=1) * unit
        size = np.sqrt(np.sum(J**2, axis=0))
        rows = np.concatenate([J / size, np.sqrt(damping) * np.eye(q, dtype=oracle.LONG)])
        target = np.concatenate([residual(theta), np.zeros(q, oracle.LONG)])
        R = oracle.triangle(np.concatenate([rows, target[:, None]], axis=1)[None])
        step = (oracle.inverse(R[:, :q, :q]) @ R[:, :q, q, None])[0, :, 0] / size * unit
        if not np.all(np.isfinite(step)):
            return None
        trial = np.sum(residual(theta + step) ** 2)
        if trial <= best * (1 + 1e-14):
            theta, best, damping = theta + step, trial, damping / 10
        else:
            damping = damping * 8
        if np.all(np.abs(step) <= 1e-17 * np.abs(theta)) or damping > 1e20:
            break
    J = root[:, None] * np.stack(curve.slopes(theta, x), axis=1) * unit
    U = oracle.inverse(oracle.triangle(J[None]))[0]
    spread = np.sqrt(np.sum(U**2, axis=1)) * unit
    gradient = U.T @ (J.T @ residual(theta))  # in standard errors where sigma is 1
    rounding = precision.eps * np.sqrt(np.sum((root * y) ** 2))
    if not np.max(np.abs(gradient)) <= 3e-3 * max(np.sqrt(best), rounding):
        return None
    df = n - q if abs(n - q) > 1e-9 * n else np.nan
    with np.errstate(invalid="ignore"):
        se = spread * np.sqrt(best / df)
    most = max(n, len(y))
    floor = spread * np.sqrt(n / most) * rounding / np.sqrt(n)
    moved = np.where(se > EXACT * floor, 0, 4 * spread * rounding)
    if not n - q > 0:  # no standard errors: those of as many rows
        moved = np.maximum(moved, judge.PROMISE * spread * np.sqrt(best / max(most - q, 1)))
    allowed = moved + 1e-17 * np.abs(theta)
    # The user's own rounding, which is of rows, however many each counts for.
    beyond = frozenset({"STALLED"} if np.any(judge.PROMISE * se < spread * rounding / np.sqrt(len(y))) else ())
    return Truth(theta, se, floor, allowed, beyond)


def label(curve: Curve, kind: str, data: Data, precision: Precision) -> Truth:
    if kind in REASONS:
        return Truth(reasons=frozenset(REASONS[kind]))
    found = optimum(curve, data, data["true"], precision) or optimum(curve, data, data["start"], precision)
    if found is None:
        return Truth(reasons=frozenset(HARD))
    reachable = optimum(curve, data, data["start"], precision)
    return dataclasses.replace(found, reasons=found.reasons if reachable else frozenset(HARD))


def solver(curve: Curve):
    import jaxnotes as jn

    def model(params, x):
        return curve.value(params, x, jnp)

    def solve(data):
        rest = {name: data[name] for name in ("weights", "precision")}
        solution = jn.curve_fitting.fit(model, data["start"], data["x"], data["y"], **rest)
        inference = jn.curve_fitting.infer(model, solution, data["x"], data["y"], **rest)
        return solution.status, inference.estimate, inference.se, solution.error

    return solve


def another(curve: Curve, data: Data, precision: Precision):
    """Is an answer at a minimum other than the one nearest to the true parameters?"""

    def check(answer: Answer) -> bool:
        near = optimum(curve, data, answer.estimate, precision)
        return near is not None and judge.compare(answer, near, precision)[0] == judge.RIGHT

    return check


def groups(precision: Precision, each: int, seed: int) -> list[Group]:
    found = []
    for number, (name, curve) in enumerate(CURVES.items()):
        problems = []
        with np.errstate(all="ignore"):
            for kind, own, data in posed(curve, max(1, each // 2), precision, seed + number):
                truth = label(curve, kind, data, precision)
                problems.append(Problem(f"{name}: {kind}", own, data, truth, another(curve, data, precision)))
        found.append(Group(name, solver(curve), problems, alone=4 if number < 2 else 0))
    return found
