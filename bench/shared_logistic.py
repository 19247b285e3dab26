"""One design, ten thousand outcomes: the products of all problems are real matrix products."""

import jax
import numpy as np
from scipy.special import expit

from bench import demands, floors, peers
from bench.accuracy import logistic_gradient
from bench.jax_trial import jax_trial, read_solution
from bench.runner import Answer, Case, Contender

MINUTES = 2

L2, TOL = 1e-2, 1e-6
ASKED = 2 * TOL  # in float32 a gradient is known no better than to a part of TOL
SIZES, QUICK = (10_240, 2_000, 8), (48, 100, 3)
WIDTH = 1_024  # outcomes at a time in the floor: its products stay in the cache, as they would in a careful program


def cases(quick: bool):
    problems, n, p = QUICK if quick else SIZES
    X, y = data(problems, n, p)

    def accuracy(answer: Answer) -> np.ndarray:
        return logistic_gradient(X, y[: len(answer.coef)], answer.coef, answer.intercept, L2)

    def judge(results):
        return [
            demands.faster_than(results, 80, "scikit-learn"),
            demands.share_of_floor(results, machine_floor(results), 0.30),
            demands.compiles_within(results),
        ]

    yield Case(
        name="shared_logistic",
        about=f"one {n:,} x {p} design, {problems:,} outcomes, float32, l2 = {L2:g}",
        problems=problems,
        contenders=[ours(X, y), *rivals(X, y), *machine(problems, n, p)],
        demands=judge,
        accuracy=accuracy,
        accuracy_name="scaled gradient",
        asked=ASKED,
        floor=machine_floor,
        floor_about="Newton steps x (predictor + gradient + pair products + one exponential a row)",
        input_bytes=X.nbytes + y.nbytes,
    )


def data(problems: int, n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, p), dtype=np.float32)
    coef = 0.5 * rng.standard_normal((problems, p), dtype=np.float32)
    y = np.empty((problems, n), np.float32)
    for row, slopes in zip(y, coef, strict=True):
        row[:] = rng.random(n, dtype=np.float32) < expit(X @ slopes + 0.3)
    return X, y


def ours(X: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        from jaxnotes import logistic_regression

        def fit(X, y):
            return logistic_regression.fit(X, y, l2=L2)

        return jax_trial(jax.vmap(fit, in_axes=(None, 0)), (X, y), read_solution)

    return Contender(demands.OURS, make, kind="ours", note="jit(vmap(fit, in_axes=(None, 0)))")


def rivals(X: np.ndarray, y: np.ndarray) -> list[Contender]:
    return [
        peers.sklearn_loop(X, y, L2, "liblinear", tol=1e-8, note="intercept_scaling 100"),
        peers.sklearn_loop(X, y, L2, "newton-cholesky", tol=TOL),
    ]


def machine(problems: int, n: int, p: int) -> list[Contender]:
    q, width = p + 1, min(problems, WIDTH)
    times = max(1, problems // width)
    return [
        floors.product("predictor product", n, q, width, times),
        floors.product("gradient product", q, n, width, times),
        floors.product("pair product", q * (q + 1) // 2, n, width, times),
        floors.exponential("exp", n * width, times),
    ]


def machine_floor(results) -> float | None:
    names = ("predictor product", "gradient product", "pair product", "exp")
    parts = [results[name].median_s for name in names]
    steps = results[demands.OURS].steps or results["scikit-learn newton-cholesky"].steps
    return None if None in parts or steps is None else steps * sum(parts)
