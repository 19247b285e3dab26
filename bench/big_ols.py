"""One least-squares problem of a million rows."""

import numpy as np

from bench import demands, floors, peers_big
from bench.accuracy import coefficient_error, least_squares_reference
from bench.big_logistic import correlated_columns
from bench.jax_trial import jax_trial, read_solution
from bench.runner import Answer, Case, Contender

MINUTES = 2

SIZES, QUICK = (1_000_000, 100), (60_000, 6)
ASKED = {"float32": 1e-4, "float64": 1e-12}  # coarse: a demand compares the errors themselves
RIVAL = "scikit-learn LinearRegression"
SPEED = {"float32": 20, "float64": 4}


def cases(quick: bool):
    n, p = QUICK if quick else SIZES
    for dtype in ASKED:
        X = correlated_columns(n, p)
        y = targets(X)
        yield case(X.astype(dtype), y.astype(dtype))


def targets(X: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(4)
    predictor = X @ (rng.standard_normal(X.shape[1]) / X.std(axis=0)).astype(np.float32)
    return predictor / predictor.std() + rng.standard_normal(len(X)) + 0.3


def case(X: np.ndarray, y: np.ndarray) -> Case:
    name = X.dtype.name
    reference, scales = least_squares_reference(X, y)

    def accuracy(answer: Answer) -> np.ndarray:
        return coefficient_error(answer.coef, answer.intercept, reference, scales)

    def judge(results):
        return [
            demands.faster_than(results, SPEED[name], RIVAL),
            demands.faster(results, 1),
            demands.no_less_accurate(results, RIVAL),
            *demands.memory_within(results, X.nbytes),
            demands.compiles_within(results),
        ]

    return Case(
        name=f"big_ols {name}",
        about=f"one problem of {X.shape[0]:,} x {X.shape[1]}, {name}, columns correlated 0.8",
        problems=1,
        contenders=[ours(X, y), *rivals(X, y), *machine(X)],
        demands=judge,
        accuracy=accuracy,
        accuracy_name="relative error of the scaled coefficients",
        asked=ASKED[name],
        floor=lambda results: gram_floor(results, X.shape[0], X.shape[1] + 1),
        floor_about="half of X' X at matrix-product speed, or one read of X at copy speed, whichever is longer",
        input_bytes=X.nbytes,
    )


def ours(X: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        from jaxnotes import least_squares

        return jax_trial(least_squares.fit, (X, y), read_solution)

    return Contender(demands.OURS, make, kind="ours", note="jit(fit)")


def rivals(X: np.ndarray, y: np.ndarray) -> list[Contender]:
    return [
        peers_big.sklearn_linear(X, y),
        peers_big.sklearn_ridge(X, y),
        peers_big.numpy_lstsq(X, y),
        peers_big.scipy_gelsy(X, y),
    ]


def machine(X: np.ndarray) -> list[Contender]:
    n, p = X.shape
    return [floors.product("product 1024", 1024, 1024, 1024, dtype=X.dtype), floors.copy("copy of X", n * p, X.dtype)]


def gram_floor(results, n: int, q: int) -> float | None:
    """Half of X' X at the speed of the best product, or one read (half a copy), whichever is longer."""
    product, copy = (results[name].median_s for name in ("product 1024", "copy of X"))
    if product is None or copy is None:
        return None
    return max(n * q * (q + 1) / 2 / 1024**3 * product, copy / 2)
