"""Labelled problems of the line of least distance, by its closed form in long double."""

import numpy as np

from bench.faults.oracle import LONG
from bench.faults.problems import Data, Group, Precision, Problem, Truth, draw, power

SHAPES = {"12 points": 12, "3 points": 3}
ANGLE = 16  # roundings that the direction may be off, times the condition of the direction


def sound(n: int):
    def base(rng) -> Data:
        x = rng.standard_normal(n)
        return {"x": x, "y": 0.5 + rng.standard_normal() * x + 0.3 * rng.standard_normal(n)}

    return base


def as_it_is(rng, data, precision):
    pass


def units(rng, data, precision):
    unit = power(rng, precision.unit)
    data["x"], data["y"] = data["x"] * unit, data["y"] * unit


def unit_of_y(rng, data, precision):
    data["y"] *= power(rng, 3)


def shifted(rng, data, precision):
    data["x"] += 10.0 ** rng.uniform(1, 5)
    data["y"] -= 10.0 ** rng.uniform(1, 5)


def outlier(rng, data, precision):
    data["y"][0] = 1e6


def on_a_line(rng, data, precision):
    data["x"] = np.round(8 * data["x"])
    data["y"] = 3 - 2 * data["x"]


def level(rng, data, precision):
    data["y"][:] = rng.uniform(-10, 10)


def vertical(rng, data, precision):
    data["x"][:] = rng.uniform(-10, 10)


def vertical_in_units(rng, data, precision):
    vertical(rng, data, precision)
    units(rng, data, precision)


def one_point(rng, data, precision):
    data["x"][:], data["y"][:] = rng.uniform(-10, 10, 2)


def round_cloud(rng, data, precision):
    """Equal variances without a covariance: every direction is as good."""
    corners = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)] * 3 if len(data["x"]) == 12 else [(0, 0)] * 3, float)
    data["x"], data["y"] = corners.T


def nan(rng, data, precision):
    data[rng.choice(["x", "y"])][0] = np.nan


def infinite(rng, data, precision):
    data[rng.choice(["x", "y"])][0] = np.inf


KINDS = {
    "sound": as_it_is,
    "units": units,
    "units: y": unit_of_y,
    "shifts": shifted,
    "outlier": outlier,
    "exact": on_a_line,
    "level": level,
    "vertical": vertical,
    "vertical, units": vertical_in_units,
    "one point": one_point,
    "round cloud": round_cloud,
    "NaN": nan,
    "inf": infinite,
}


def solve(data):
    import jax.numpy as jnp

    import jaxnotes as jn

    solution = jn.least_squares.fit_orthogonal(data["x"], data["y"])
    line = jnp.stack([solution.params.intercept, solution.params.coef[0]])
    return solution.status, line, jnp.full_like(line, jnp.nan), solution.error


def label(data: Data, precision: Precision) -> Truth:
    x, y = data["x"].astype(LONG), data["y"].astype(LONG)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return Truth(reasons=frozenset({"NON_FINITE_DATA"}))
    centre = x[0] + np.mean(x - x[0]), y[0] + np.mean(y - y[0])
    u, v = x - centre[0], y - centre[1]
    u = np.zeros_like(u) if np.ptp(x) == 0 else u
    v = np.zeros_like(v) if np.ptp(y) == 0 else v
    difference, twice = np.sum(v * v) - np.sum(u * u), 2 * np.sum(u * v)
    gap = np.hypot(difference, twice)
    if gap <= 1e-15 * np.sum(u * u + v * v) or np.ptp(x) == 0:
        return Truth(reasons=frozenset({"FLAT"}))
    # Of two equal forms the one without a difference of equal numbers.
    slope = twice / (gap - difference) if difference < 0 else (gap + difference) / twice
    turned = ANGLE * precision.eps * np.sum(u * u + v * v) / gap * (1 + slope**2)
    intercept = centre[1] - slope * centre[0]
    ulps = 4 * precision.eps * (np.abs(centre[1]) + np.abs(slope * centre[0]))
    params, allowed = np.array([intercept, slope]), np.array([turned * np.abs(centre[0]) + ulps, turned])
    return Truth(params, np.full(2, np.nan), allowed=allowed)


def groups(precision: Precision, each: int, seed: int) -> list[Group]:
    found = []
    for number, (name, n) in enumerate(SHAPES.items()):
        drawn = draw(KINDS, sound(n), max(1, each), precision, seed + number)
        problems = [Problem(kind, own, data, label(data, precision)) for kind, own, data in drawn]
        found.append(Group(name, solve, problems, alone=4))
    return found
