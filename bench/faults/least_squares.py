"""Labelled problems of least squares."""

import numpy as np

from bench.faults import designs, judge, oracle
from bench.faults.problems import EXACT, Data, Group, Precision, Problem, Truth, draw, power

SHAPES = {
    "24 x 3": (24, 3, 4),
    "200 x 20": (200, 20, 1),
    "4 x 3": (4, 3, 1),
    "3 x 3": (3, 3, 1),
    "20000 x 2": (20_000, 2, 1),
}


def sound(n: int, p: int):
    def base(rng) -> Data:
        X = rng.standard_normal((n, p))
        y = 1 + X @ rng.standard_normal(p) + rng.standard_normal(n)
        return {"X": X, "y": y, "weights": np.ones(n), "precision": np.ones(n), "l2": np.float64(0)}

    return base


def unit_of_y(rng, data, precision):
    data["y"] *= power(rng, precision.unit)


def unit_of_y_penalised(rng, data, precision):
    unit_of_y(rng, data, precision)
    data["l2"] = 10.0 ** rng.uniform(-3, 0)


def unit_of_precision(rng, data, precision):
    data["precision"] = rng.uniform(0.5, 2, len(data["y"])) * power(rng, precision.unit)


def unit_of_precision_and_penalty(rng, data, precision):
    unit = power(rng, precision.unit)
    data["precision"] *= unit
    data["l2"] = 10.0 ** rng.uniform(-3, 0) * unit


def units_of_all(rng, data, precision):
    for spoil in (unit_of_y, unit_of_precision, designs.units_of_columns):
        spoil(rng, data, precision)


def wide_precision(rng, data, precision):
    data["precision"] = 10.0 ** rng.uniform(-4, 4, len(data["y"]))


def shifted_y(rng, data, precision):
    data["y"] += 10.0 ** rng.uniform(1, 6)


def shifted_all(rng, data, precision):
    shifted_y(rng, data, precision)
    designs.shifted_columns(rng, data, precision)


def outlier_in_y(rng, data, precision):
    data["y"][rng.integers(len(data["y"]))] = 1e6


def exact(rng, data, precision):
    data["X"] = np.round(4 * data["X"])
    data["y"] = data["X"] @ np.round(4 * rng.standard_normal(data["X"].shape[1])) + 3


def exact_but_rounding(rng, data, precision):
    data["y"] = data["X"] @ rng.standard_normal(data["X"].shape[1]) + 0.3


def constant(rng, data, precision):
    data["y"][:] = rng.choice([0.0, 1.0, 0.1, 1e6 + 1 / 3, 1e-12])


def small_noise(rng, data, precision):
    fitted = data["X"] @ np.ones(data["X"].shape[1])
    data["y"] = fitted + 10.0 ** rng.uniform(-6, -2) * rng.standard_normal(len(fitted))


def negative_precision(rng, data, precision):
    data["precision"][0] = -1


KINDS = {
    **designs.KINDS,
    "units: y": unit_of_y,
    "units: y, penalised": unit_of_y_penalised,
    "units: precision": unit_of_precision,
    "units: precision and l2": unit_of_precision_and_penalty,
    "units: all": units_of_all,
    "counts: precision 1e-4 to 1e4": wide_precision,
    "shifts: y": shifted_y,
    "shifts: y and columns": shifted_all,
    "outlier in y": outlier_in_y,
    "exact fit": exact,
    "exact fit but for rounding": exact_but_rounding,
    "constant y": constant,
    "small noise": small_noise,
    "negative precision": negative_precision,
}


def solve(data):
    import jaxnotes as jn

    rest = {name: data[name] for name in ("weights", "precision", "l2")}
    solution = jn.least_squares.fit(data["X"], data["y"], **rest)
    inference = jn.least_squares.infer(solution, data["X"], data["y"], **rest)
    return solution.status, inference.estimate, inference.se, solution.error


def truths(lanes: list[Data], precision: Precision) -> list[Truth]:
    stacked = {name: np.stack([data[name] for data in lanes]) for name in lanes[0]}
    data, reasons = designs.cleaned(stacked, ("X", "y", "precision"))
    negative = (np.where(data["weights"] > 0, data["precision"], 0) < 0).any(axis=1)
    A, used = designs.with_ones(data["X"]), data["weights"] > 0
    data["precision"] = np.maximum(data["precision"], 0)
    with np.errstate(all="ignore"):
        columns = [data[name] for name in ("y", "weights", "precision", "l2")]
        theta, se, spread, left, smallest = oracle.least_squares(A, *columns, free=1)
        bare = oracle.relative_singular_value(used[:, :, None] * A, free=1)
        floor, allowed = rounding(data, se, spread, left, A, precision)
    found = []
    for lane, why in enumerate(reasons):
        why |= {"INVALID_DATA"} if negative[lane] else set()
        sound, penalised, q = not why, data["l2"][lane] > 0, A.shape[2]
        why |= {"TOO_FEW_ROWS"} if sound and used[lane].sum() < (1 if penalised else q) else set()
        limits, solvable = designs.conditions(smallest[lane], bare[lane], penalised, q, precision)
        if sound and not why and solvable:
            found.append(Truth(theta[lane], se[lane], floor[lane], allowed[lane], frozenset(limits)))
        else:
            found.append(Truth(reasons=frozenset(why | limits)))
    return found


def rounding(data: Data, se, spread, left, A, precision: Precision) -> tuple[np.ndarray, np.ndarray]:
    """`floor` and `allowed` of the truth. An exact fit may be that of y 4 eps away in norm, centred for slopes."""
    w, p, y = (data[name].astype(oracle.LONG) for name in ("weights", "precision", "y"))
    n, rows = np.sum(w, axis=1)[:, None], np.sum(w > 0, axis=1)[:, None]
    share = w * p / np.where(n > 0, n, 1)
    floor = spread * precision.eps * size(share, y) * np.sqrt(n / np.maximum(n, rows))
    centre = np.sum(share * y, axis=1) / np.sum(share, axis=1)
    moved = 4 * spread * precision.eps * np.sqrt(n) * size(share, y - centre[:, None])
    moved[:, 0] = 4 * spread[:, 0] * precision.eps * np.sqrt(n[:, 0]) * size(share, y)[:, 0]
    # Weights that sum to less than their number have standard errors that are NaN or too large to be a measure.
    most = np.maximum(n, rows)
    by_rows = judge.PROMISE * spread * left[:, None] / np.sqrt(np.maximum(most - A.shape[2], 1))
    oracles_own = 1e-17 * size(share, y) / np.max(np.abs(A), axis=1)
    return floor, np.where(np.isnan(se) & (n < rows), by_rows, np.where(se > EXACT * floor, 0, moved)) + oracles_own


def size(share: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(share * y**2, axis=1, keepdims=True))


def groups(precision: Precision, each: int, seed: int) -> list[Group]:
    found = []
    for number, (name, (n, p, share)) in enumerate(SHAPES.items()):
        kinds = (
            KINDS
            if n < 10_000
            else {k: KINDS[k] for k in ("sound", "condition: nearly dependent", "shifts: y", "units: y")}
        )
        drawn = list(draw(kinds, sound(n, p), max(1, each * share // 4), precision, seed + number))
        labels = truths([data for _, _, data in drawn], precision)
        problems = [Problem(*rest, truth) for rest, truth in zip(drawn, labels, strict=True)]
        found.append(Group(name, solve, problems, alone=8 if number == 0 else 0))
    return found
