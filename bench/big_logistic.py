"""One logistic regression of a million rows with correlated columns of very different scales."""

import numpy as np
from scipy.special import expit

from bench import demands, floors, peers_big
from bench.accuracy import logistic_gradient
from bench.jax_trial import jax_trial, read_solution
from bench.runner import Answer, Case, Contender

MINUTES = 4

SIZES, QUICK = (1_000_000, 100), (60_000, 6)
ASKED = {"float32": 1e-6, "float64": 1e-8}
LOOSEST = {"float32": 1e-4, "float64": 1e-8}  # the peers' tolerances that reach what is asked with the fewest steps


def cases(quick: bool):
    n, p = QUICK if quick else SIZES
    for dtype in ASKED:
        X = correlated_columns(n, p)
        y = outcomes(X)
        yield case(X.astype(dtype), y.astype(dtype))


def correlated_columns(n: int, p: int, correlation: float = 0.8) -> np.ndarray:
    """Columns of pairwise `correlation`, their scales spread evenly in logarithm from e^-2 to e^2."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((n, p), dtype=np.float32)
    X *= np.float32(np.sqrt(1 - correlation))
    X += np.float32(np.sqrt(correlation)) * rng.standard_normal((n, 1), dtype=np.float32)
    X *= np.exp(np.linspace(-2, 2, p)).astype(np.float32)
    return X


def outcomes(X: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(3)
    predictor = X @ (rng.standard_normal(X.shape[1]) / X.std(axis=0)).astype(np.float32)
    return rng.random(len(X)) < expit(1.5 * predictor / predictor.std() + 0.3)


def case(X: np.ndarray, y: np.ndarray) -> Case:
    name = X.dtype.name

    def accuracy(answer: Answer) -> np.ndarray:
        return logistic_gradient(X, y[None], answer.coef, answer.intercept, l2=0.0)

    def judge(results):
        return [
            demands.faster(results, 3),
            *demands.memory_within(results, X.nbytes),
            demands.compiles_within(results),
        ]

    return Case(
        name=f"big_logistic {name}",
        about=f"one problem of {X.shape[0]:,} x {X.shape[1]}, {name}, no penalty, columns correlated 0.8",
        problems=1,
        contenders=[ours(X, y), *rivals(X, y), *machine(X)],
        demands=judge,
        accuracy=accuracy,
        accuracy_name="scaled gradient",
        asked=ASKED[name],
        floor=pass_floor,
        floor_about="one pass over the data: X @ coef, one exponential a row, residual @ X",
        input_bytes=X.nbytes,
    )


def ours(X: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        from jaxnotes import logistic_regression

        return jax_trial(logistic_regression.fit, (X, y), read_solution)

    return Contender(demands.OURS, make, kind="ours", note="jit(fit)")


def rivals(X: np.ndarray, y: np.ndarray) -> list[Contender]:
    tol = LOOSEST[X.dtype.name]
    return [
        peers_big.sklearn_newton(X, y, tol),
        peers_big.glum_irls(X, y, tol),
        peers_big.sklearn_lbfgs(X, y, ASKED[X.dtype.name] / 2),
    ]


def machine(X: np.ndarray) -> list[Contender]:
    n, p = X.shape
    return [
        floors.product("X @ coef", n, p, 1, dtype=X.dtype),
        floors.product("residual @ X", 1, n, p, dtype=X.dtype),
        floors.exponential("exp", n, dtype=X.dtype),
    ]


def pass_floor(results) -> float | None:
    parts = [results[name].median_s for name in ("X @ coef", "residual @ X", "exp")]
    return None if None in parts else sum(parts)
