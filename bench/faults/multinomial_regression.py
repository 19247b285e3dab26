"""Labelled problems of multinomial regression with three classes, in reference coding."""

import numpy as np

from bench.faults import designs, oracle
from bench.faults.oracle import LONG
from bench.faults.problems import Data, Group, Precision, Problem, Truth, draw

CLASSES = 3
SHAPES = {"60 x 2": (60, 2, 4), "200 x 8": (200, 8, 1), "12 x 1": (12, 1, 2)}


def sound(n: int, p: int):
    def base(rng) -> Data:
        X = rng.standard_normal((n, p))
        eta = X @ rng.standard_normal((p, CLASSES)) / np.sqrt(p) + rng.gumbel(size=(n, CLASSES))
        y = np.argmax(eta, axis=1).astype(float)
        y[:CLASSES] = np.arange(CLASSES)
        return {"X": X, "y": y, "weights": np.ones(n), "l2": np.float64(0)}

    return base


def rare_class(rng, data, precision):
    data["y"] = np.where(data["y"] == 2, 1, data["y"])
    data["y"][: len(data["y"]) // 4] = 2
    data["weights"] = np.where(data["y"] == 2, 1, np.floor(10.0 ** rng.uniform(4, 6, len(data["y"]))))


def complete(rng, data, precision):
    X = data["X"]
    data["y"] = np.argmax(X @ rng.standard_normal((X.shape[1], CLASSES)) + [0, 0.3, -0.3], axis=1).astype(float)


def one_from_the_rest(rng, data, precision):
    data["X"][:, 0] += 20 * (data["y"] == 2)


def quasi(rng, data, precision):
    data["X"][:, -1] = (data["y"] == 1) & (rng.random(len(data["y"])) < 0.5)


def separated_penalised(rng, data, precision):
    one_from_the_rest(rng, data, precision)
    data["l2"] = 10.0 ** rng.uniform(-6, 0)


def one_class(rng, data, precision):
    data["y"][:] = rng.integers(CLASSES)
    data["l2"] = rng.choice([0.0, 0.1])


def missing_class(rng, data, precision):
    data["y"] = np.where(data["y"] == 2, 0, data["y"])


def missing_class_penalised(rng, data, precision):
    missing_class(rng, data, precision)
    data["l2"] = 0.1


def out_of_range(rng, data, precision):
    data["y"][0] = rng.choice([-1, CLASSES, 0.5])


KINDS = {
    **designs.KINDS,
    "counts: a rare class": rare_class,
    "separation: complete": complete,
    "separation: one from the rest": one_from_the_rest,
    "separation: quasi": quasi,
    "separation: penalised": separated_penalised,
    "one class": one_class,
    "a missing class": missing_class,
    "a missing class, penalised": missing_class_penalised,
    "y out of range": out_of_range,
}


def solve(data):
    import jaxnotes as jn

    rest = {name: data[name] for name in ("weights", "l2")}
    solution = jn.multinomial_regression.fit(data["X"], data["y"], n_classes=CLASSES, **rest)
    inference = jn.multinomial_regression.infer(solution, data["X"], data["y"], **rest)
    return solution.status, inference.estimate, inference.se, solution.error


def optimum(A, y, weights, l2):
    """(theta, se, moved, smallest singular value), theta (m q) class by class; see `oracle.binomial`."""
    A, weights, l2 = (np.asarray(a, LONG) for a in (A, weights, l2))
    L, _, q = A.shape
    m = CLASSES - 1
    unit = np.max(np.abs(A), axis=1)
    unit = np.where(unit > 0, unit, 1)
    A, n = A / unit[:, None], np.sum(weights, axis=1)
    penalty = np.tile((n * l2)[:, None] / unit**2 * (np.arange(q) >= 1), m)
    one = np.sqrt(penalty[:, :q])[:, :, None] * np.eye(q, dtype=LONG)
    rows = np.concatenate([np.sqrt(weights)[:, :, None] * A, one], axis=1)
    R = oracle.triangle(rows)
    smallest = oracle.smallest_singular_value(R, np.sqrt(np.sum(rows**2, axis=1)), 1)
    U = np.zeros((L, m * q, m * q), LONG)
    for k in range(m):
        U[:, k * q : k * q + q, k * q : k * q + q] = oracle.inverse(R)
    A, P = A @ U[:, :q, :q], np.swapaxes(U, 1, 2) @ (penalty[:, :, None] * U)
    target = (y[:, :, None] == 1 + np.arange(m)) * LONG(1)

    def model(theta, lanes):
        a, w, fine, hits = A[lanes], weights[lanes], P[lanes], target[lanes]
        pull = (fine @ theta[:, :, None])[:, :, 0]
        eta = a @ np.swapaxes(theta.reshape(-1, m, q), 1, 2)
        top = np.maximum(np.max(eta, axis=2), 0)
        share = np.exp(eta - top[:, :, None])
        total = np.exp(-top) + np.sum(share, axis=2)
        value = np.sum(w * (top + np.log(total) - np.sum(hits * eta, axis=2)), axis=1)

        def slopes():
            p = share / total[:, :, None]
            gradient = np.swapaxes((w[:, :, None] * (p - hits)), 1, 2) @ a
            H = np.empty((len(lanes), m, q, m, q), LONG)
            for j in range(m):
                for k in range(m):
                    middle = w * (p[:, :, j] * (j == k) - p[:, :, j] * p[:, :, k])
                    H[:, j, :, k] = np.swapaxes(a, 1, 2) @ (middle[:, :, None] * a)
            return gradient.reshape(-1, m * q) + pull, H.reshape(-1, m * q, m * q) + fine

        return value + np.sum(pull * theta, axis=1) / 2, slopes

    theta, step, curvature = oracle.newton(model, np.zeros((L, m * q), LONG))
    moved = np.max(np.abs(A @ np.swapaxes(step.reshape(L, m, q), 1, 2)) * (weights > 0)[:, :, None], axis=(1, 2))
    units = np.tile(unit, m)
    return oracle.back(theta, U) / units, oracle.standard_errors(U, curvature, P) / units, moved, smallest


def separated(A: np.ndarray, y: np.ndarray) -> bool:
    """Is there a direction in which no row's own class falls behind another, and some gets ahead?"""
    q, rows = A.shape[1], []
    for a, label in zip(A, y.astype(int), strict=True):
        for other in range(CLASSES):
            if other != label:
                row = np.zeros((CLASSES, q))
                row[label], row[other] = a, -a
                rows.append(row[1:].ravel())
    return oracle.separated(np.array(rows))


def truths(lanes: list[Data], precision: Precision) -> list[Truth | None]:
    stacked = {name: np.stack([data[name] for data in lanes]) for name in lanes[0]}
    data, reasons = designs.cleaned(stacked, ("X", "y"))
    used, y = data["weights"] > 0, data["y"]
    invalid = (used & ~np.isin(y, np.arange(CLASSES))).any(axis=1)
    A = designs.with_ones(data["X"])
    with np.errstate(all="ignore"):
        theta, se, moved, smallest = optimum(A, y, data["weights"], data["l2"])
        bare = oracle.relative_singular_value(used[:, :, None] * A, free=1)
    found: list[Truth | None] = []
    for lane, why in enumerate(reasons):
        why |= {"INVALID_DATA"} if invalid[lane] else set()
        sound, penalised, q, rows = not why, data["l2"][lane] > 0, A.shape[2], used[lane]
        present = len(np.unique(y[lane][rows]))
        if sound:
            why |= {"TOO_FEW_ROWS"} if rows.sum() < (1 if penalised else q) else set()
            why |= {"ONE_CLASS"} if present == 1 else set()
            why |= {"BOUNDARY"} if present < CLASSES and penalised else set()
        limits, solvable = designs.conditions(smallest[lane], bare[lane], penalised, q, precision)
        if why or not solvable:
            found.append(Truth(reasons=frozenset(why | limits)))
        elif moved[lane] < 1e-6 and np.isfinite(se[lane]).all():
            found.append(Truth(theta[lane], se[lane], reasons=frozenset(limits)))
        elif separated(A[lane][rows].astype(np.float64), y[lane][rows]):
            few = {"TOO_FEW_ROWS"} if rows.sum() < q * (CLASSES - 1) else set()
            found.append(Truth(reasons=frozenset({"SEPARATED", *few, *limits})))
        else:
            found.append(None)
    return found


def groups(precision: Precision, each: int, seed: int) -> list[Group]:
    found = []
    for number, (name, (n, p, share)) in enumerate(SHAPES.items()):
        drawn = list(draw(KINDS, sound(n, p), max(1, each * share // 4), precision, seed + number))
        labels = truths([data for _, _, data in drawn], precision)
        problems = [Problem(*rest, truth) for rest, truth in zip(drawn, labels, strict=True) if truth is not None]
        found.append(Group(name, solve, problems, alone=8 if number == 0 else 0))
    return found
