"""Kinds of trouble that every model with a linear predictor meets: each spoils a sound problem in place, in float64.

A problem has X (n, p), y, weights (n,) and l2 (); what a model alone has is spoiled in its own module.
"""

import numpy as np

from bench.faults.problems import Data, Precision, power


def sound(rng, data: Data, precision: Precision):
    pass


def penalised(rng, data, precision):
    data["l2"] = 10.0 ** rng.uniform(-4, 1)


def unit_of_a_column(rng, data, precision):
    data["X"][:, rng.integers(data["X"].shape[1])] *= power(rng, precision.unit)


def units_of_columns(rng, data, precision):
    data["X"] *= 10.0 ** rng.uniform(-precision.unit / 2, precision.unit / 2, data["X"].shape[1])


def unit_of_columns_and_penalty(rng, data, precision):
    unit = power(rng, precision.unit / 2)
    data["X"] *= unit
    data["l2"] = 10.0 ** rng.uniform(-3, 0) * unit**2


def wide_weights(rng, data, precision):
    data["weights"] = 10.0 ** rng.uniform(0, 12, len(data["y"]))


def weights_times(rng, data, precision):
    data["weights"] = rng.uniform(0.5, 2, len(data["y"])) * rng.choice([1e-9, 1e9])


def whole_weights(rng, data, precision):
    data["weights"] = np.floor(rng.uniform(0, 4, len(data["y"])))


def shifted_column(rng, data, precision):
    k = rng.integers(data["X"].shape[1])
    data["X"][:, k] += rng.choice([-1, 1]) * 10.0 ** rng.uniform(1, 6)


def shifted_columns(rng, data, precision):
    data["X"] += 10.0 ** rng.uniform(1, 6)


def _nearly_dependent(rng, data, precision, distance: float):
    X = data["X"]
    if X.shape[1] > 1:
        X[:, -1] = X[:, 0] + distance * X[:, -1]
    else:
        X[:, 0] += min(1 / distance, 0.02 / precision.eps)


def conditioned(rng, data, precision):
    _nearly_dependent(rng, data, precision, 10.0 ** -rng.uniform(0, 0.9 * np.log10(precision.condition)))


def nearly_deficient(rng, data, precision):
    _nearly_dependent(
        rng, data, precision, 10.0 ** -rng.uniform(np.log10(precision.condition), 3 + np.log10(precision.condition))
    )


def conditioned_shifted(rng, data, precision):
    """Powers of a variable far from 0: correlated columns with large means."""
    X = data["X"]
    base = X[:, 0] + 10.0 ** rng.uniform(0, 1)
    for k in range(min(X.shape[1], 3)):
        X[:, k] = base ** (k + 1)


def conditioned_penalised(rng, data, precision):
    conditioned(rng, data, precision)
    data["l2"] = 10.0 ** rng.uniform(-6, 0)


def deficient(rng, data, precision):
    X, p = data["X"], data["X"].shape[1]
    X[:] = np.round(8 * X)
    form = rng.integers(4) if p > 1 else 2 + rng.integers(2)
    X[:, -1] = [X[:, 0], X[:, : p - 1].sum(axis=1), np.full(len(X), 7.0), np.zeros(len(X))][form]


def deficient_penalised(rng, data, precision):
    deficient(rng, data, precision)
    data["l2"] = 10.0 ** rng.uniform(-3, 0)


def outlier(rng, data, precision):
    X = data["X"]
    X[rng.integers(len(X)), rng.integers(X.shape[1])] = rng.choice([-1, 1]) * 1e6


def outlier_penalised(rng, data, precision):
    outlier(rng, data, precision)
    data["l2"] = 10.0 ** rng.uniform(-4, 0)


def _put(name: str, value: float):
    def spoil(rng, data, precision):
        if np.ndim(data[name]):
            data[name].reshape(-1)[rng.integers(data[name].size)] = value
        else:
            data[name] = np.float64(value)

    return spoil


def left_out(rng, data, precision):
    """NaN and infinity in rows of weight 0."""
    rows = rng.permutation(len(data["y"]))[:2]
    data["weights"][rows] = 0
    data["X"][rows[0]], data["X"][rows[1], 0], data["y"][rows[0]] = np.nan, np.inf, np.nan


def empty(rng, data, precision):
    data["weights"] = np.zeros(len(data["y"]))


def empty_penalised(rng, data, precision):
    empty(rng, data, precision)
    data["l2"] = 0.1


def too_few_rows(rng, data, precision):
    kept = rng.integers(1, min(data["X"].shape[1], len(data["y"]) - 1) + 1)
    data["weights"] = (rng.permutation(len(data["y"])) < kept) * 1.0


def as_many_rows_as_parameters(rng, data, precision):
    kept = min(data["X"].shape[1] + 1, len(data["y"]))
    data["weights"] = (rng.permutation(len(data["y"])) < kept) * 1.0


KINDS = {
    "sound": sound,
    "penalised": penalised,
    "units: a column": unit_of_a_column,
    "units: columns": units_of_columns,
    "units: columns and l2": unit_of_columns_and_penalty,
    "counts: weights 1 to 1e12": wide_weights,
    "counts: all weights times 1e-9, 1e9": weights_times,
    "counts: whole weights": whole_weights,
    "shifts: a column": shifted_column,
    "shifts: all columns": shifted_columns,
    "condition: nearly dependent": conditioned,
    "condition: powers": conditioned_shifted,
    "condition: penalised": conditioned_penalised,
    "condition: beyond": nearly_deficient,
    "condition: deficient": deficient,
    "condition: deficient, penalised": deficient_penalised,
    "outlier in X": outlier,
    "outlier in X, penalised": outlier_penalised,
    "NaN in X": _put("X", np.nan),
    "NaN in y": _put("y", np.nan),
    "NaN in weights": _put("weights", np.nan),
    "inf in X": _put("X", np.inf),
    "negative weight": _put("weights", -1.0),
    "negative l2": _put("l2", -0.1),
    "NaN of weight 0": left_out,
    "empty": empty,
    "empty, penalised": empty_penalised,
    "too few rows": too_few_rows,
    "as many rows as parameters": as_many_rows_as_parameters,
}


def with_ones(X: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((*X.shape[:-1], 1), X.dtype), X], axis=-1)


def cleaned(data: Data, names: tuple[str, ...]) -> tuple[Data, list[set[str]]]:
    """Stacked data with rows of weight 0 and refused lanes made harmless, and the reasons that hold before any fit."""
    weights = data["weights"]
    used = ~(weights == 0)  # NaN is used
    finite = np.isfinite(weights).all(axis=1) & np.isfinite(data["l2"])
    negative = (weights < 0).any(axis=1) | (data["l2"] < 0)
    for name in names:
        rows = np.isfinite(data[name]) if data[name].ndim == 2 else np.isfinite(data[name]).all(axis=2)
        finite &= (rows | ~used).all(axis=1)
    reasons = [set() for _ in weights]
    for lane, row in enumerate(reasons):
        row |= set() if finite[lane] else {"NON_FINITE_DATA"}
        row |= {"INVALID_DATA"} if negative[lane] else set()
    refused = ~finite | negative
    weights = np.where(used & ~refused[:, None], weights, 0)
    clean = {**data, "weights": weights, "l2": np.where(refused, 0, data["l2"])}
    for name in names:
        keep = weights > 0
        clean[name] = np.where(keep if data[name].ndim == 2 else keep[:, :, None], data[name], 0)
    return clean, reasons


def conditions(
    smallest: float, unweighted: float, penalised: bool, q: int, precision: Precision
) -> tuple[set[str], bool]:
    """The reasons that singular values allow, weighted and not, and whether there may be an answer besides.

    Up to the condition of the precision there must be one; well below the cut of 8 q eps there is none.
    """
    cut = 8 * q * precision.eps
    hard = {"STALLED"} if smallest * precision.condition < 1 else set()
    if penalised:
        return hard, True
    if max(smallest, unweighted) < cut / 8:
        return {"RANK_DEFICIENT"}, False
    return ({"RANK_DEFICIENT", "STALLED"} if min(smallest, unweighted) < 2 * cut else hard), True
