"""Labelled problems of logistic regression, counts among them."""

import numpy as np

from bench.faults import designs, oracle
from bench.faults.problems import Data, Group, Precision, Problem, Truth, draw

SHAPES = {
    "40 x 3": (40, 3, 4),
    "200 x 20": (200, 20, 1),
    "12 x 2": (12, 2, 2),
    "2 x 1": (2, 1, 2),
    "20000 x 2": (20_000, 2, 1),
}
MANY = ("sound", "condition: nearly dependent", "counts: rare events", "units: a column")


def sound(n: int, p: int):
    def base(rng) -> Data:
        X = rng.standard_normal((n, p))
        y = (rng.random(n) < odds(X @ rng.standard_normal(p) / np.sqrt(p))) * 1.0
        y[:2] = 0, 1
        ones = np.ones(n)
        return {"X": X, "y": y, "weights": ones, "offset": 0 * ones, "trials": ones.copy(), "l2": np.float64(0)}

    return base


def odds(eta):
    return 1 / (1 + np.exp(-np.clip(eta, -700, 700)))


def counted(rng, data, trials):
    X = data["X"]
    data["trials"] = np.broadcast_to(np.asarray(trials, float), len(X)).copy()
    p = odds(X @ rng.standard_normal(X.shape[1]) / np.sqrt(X.shape[1]))
    data["y"] = rng.binomial(data["trials"].astype(np.int64), p).astype(float)


def trials_50_000(rng, data, precision):
    counted(rng, data, 50_000)


def trials_of_all_sizes(rng, data, precision):
    counted(rng, data, np.floor(10.0 ** rng.uniform(0, 7, len(data["y"]))))


def trials_penalised(rng, data, precision):
    trials_50_000(rng, data, precision)
    data["l2"] = 10.0 ** rng.uniform(-4, 4)


def rare_events(rng, data, precision):
    """A few events in 1e5 to 1e7, as weights of rows or as trials."""
    n = len(data["y"])
    data["y"] = (np.arange(n) % 2) * 1.0
    if rng.random() < 0.5:
        data["weights"] = np.where(
            data["y"] == 1, 1 + np.floor(rng.uniform(0, 3, n)), np.floor(10.0 ** rng.uniform(5, 7, n))
        )
    else:
        data["trials"] = np.floor(10.0 ** rng.uniform(5, 7, n))
        data["y"] = 1 + np.floor(rng.uniform(0, 4, n))


def offset_constant(rng, data, precision):
    data["offset"] = np.full(len(data["y"]), rng.choice([-1, 1]) * 10.0 ** rng.uniform(0, 4))


def offset_varied(rng, data, precision):
    data["offset"] = rng.standard_normal(len(data["y"])) * 2


def complete(rng, data, precision):
    X = data["X"]
    data["y"] = (X @ rng.standard_normal(X.shape[1]) > 0) * 1.0
    data["y"][:2] = np.where(data["y"][:2].sum() == 1, data["y"][:2], [0, 1])


def quasi(rng, data, precision):
    """A binary column that is 1 in one class only."""
    data["X"][:, -1] = (data["y"] == 1) & (rng.random(len(data["y"])) < 0.5)


def _around_zero(rng, data, flipped: bool):
    X = data["X"]
    x = X[:, 0]
    x[:] = np.where(np.abs(x) < 0.05, 0.05 + np.abs(x), x)
    x[:2] = -5e-4, 5e-4
    data["y"] = (x > 0) * 1.0
    if flipped:
        data["y"][:2] = 1, 0
        X[:2, 1:] = X[0, 1:]


def margin_thin(rng, data, precision):
    _around_zero(rng, data, flipped=False)


def overlap_thin(rng, data, precision):
    _around_zero(rng, data, flipped=True)


def separated_penalised(rng, data, precision):
    complete(rng, data, precision)
    data["l2"] = 10.0 ** rng.uniform(-6, 0)


def one_class(rng, data, precision):
    data["y"][:] = rng.choice([0.0, 1.0])
    data["l2"] = rng.choice([0.0, 0.1])


def out_of_range(rng, data, precision):
    data["y"] = data["y"] * 2 - 1 if rng.random() < 0.5 else data["y"] + 1


def negative_trials(rng, data, precision):
    data["trials"][0] = -1


KINDS = {
    **designs.KINDS,
    "counts: 50,000 trials": trials_50_000,
    "counts: 1 to 1e7 trials": trials_of_all_sizes,
    "counts: trials, penalised": trials_penalised,
    "counts: rare events": rare_events,
    "shifts: constant offset": offset_constant,
    "offset": offset_varied,
    "separation: complete": complete,
    "separation: quasi": quasi,
    "separation: margin 1e-3": margin_thin,
    "separation: overlap 1e-3": overlap_thin,
    "separation: penalised": separated_penalised,
    "one class": one_class,
    "y out of range": out_of_range,
    "negative trials": negative_trials,
}


def solve(data):
    import jaxnotes as jn

    rest = {name: data[name] for name in ("weights", "offset", "trials", "l2")}
    solution = jn.logistic_regression.fit(data["X"], data["y"], **rest)
    inference = jn.logistic_regression.infer(solution, data["X"], data["y"], **rest)
    return solution.status, inference.estimate, inference.se, solution.error


def truths(lanes: list[Data], precision: Precision) -> list[Truth | None]:
    """None where neither an optimum nor a separation could be proved."""
    stacked = {name: np.stack([data[name] for data in lanes]) for name in lanes[0]}
    data, reasons = designs.cleaned(stacked, ("X", "y", "trials", "offset"))
    used = data["weights"] > 0
    y, trials = np.where(used, data["y"], 0), np.where(used, data["trials"], 1)
    invalid = ((y < 0) | (y > trials) | (trials <= 0)).any(axis=1)
    y, trials = np.clip(y, 0, np.maximum(trials, 1)), np.maximum(trials, 1e-30)
    A = designs.with_ones(data["X"])
    with np.errstate(all="ignore"):
        theta, se, moved, smallest = oracle.binomial(A, y, trials, data["offset"], data["weights"], data["l2"], free=1)
        bare = oracle.relative_singular_value(used[:, :, None] * A, free=1)
    found: list[Truth | None] = []
    for lane, why in enumerate(reasons):
        why |= {"INVALID_DATA"} if invalid[lane] else set()
        sound, penalised, q = not why, data["l2"][lane] > 0, A.shape[2]
        rows = used[lane]
        if sound:
            why |= {"TOO_FEW_ROWS"} if rows.sum() < (1 if penalised else q) else set()
            one = (y[lane][rows] == 0).all() or (y[lane][rows] == trials[lane][rows]).all()
            why |= {"ONE_CLASS"} if one and rows.any() else set()
        limits, solvable = designs.conditions(smallest[lane], bare[lane], penalised, q, precision)
        if why or not solvable:
            found.append(Truth(reasons=frozenset(why | limits)))
        elif moved[lane] < 1e-6 and np.isfinite(se[lane]).all():
            found.append(Truth(theta[lane], se[lane], reasons=frozenset(limits)))
        else:
            found.append(separation(A[lane], y[lane], trials[lane], rows, limits))
    return found


def separation(A, y, trials, rows, limits) -> Truth | None:
    signed = np.concatenate([A[rows & (y > 0)], -A[rows & (y < trials)]])
    if not oracle.separated(signed.astype(np.float64)):
        return None
    return Truth(reasons=frozenset({"SEPARATED", *limits}))


def groups(precision: Precision, each: int, seed: int) -> list[Group]:
    found = []
    for number, (name, (n, p, share)) in enumerate(SHAPES.items()):
        kinds = KINDS if n < 10_000 else {kind: KINDS[kind] for kind in MANY}
        drawn = list(draw(kinds, sound(n, p), max(1, each * share // 4), precision, seed + number))
        labels = truths([data for _, _, data in drawn], precision)
        problems = [Problem(*rest, truth) for rest, truth in zip(drawn, labels, strict=True) if truth is not None]
        found.append(Group(name, solve, problems, alone=8 if number == 0 else 0))
    return found
