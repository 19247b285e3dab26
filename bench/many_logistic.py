"""Ten thousand logistic regressions, each with its own data, in one call."""

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
SIZES, QUICK = (10_240, 200, 8), (48, 60, 3)


def cases(quick: bool):
    problems, n, p = QUICK if quick else SIZES
    X, y = data(problems, n, p)

    def accuracy(answer: Answer) -> np.ndarray:
        k = len(answer.coef)
        return logistic_gradient(X[:k], y[:k], answer.coef, answer.intercept, L2 if answer.l2 is None else answer.l2)

    def floor(results):
        return machine_floor(results, problems, n, p)

    yield Case(
        name="many_logistic",
        about=f"{problems:,} problems of {n} x {p}, float32, l2 = {L2:g}",
        problems=problems,
        contenders=[ours(X, y), *rivals(X, y), floors.c_newton(X, y, L2, TOL), *machine(X)],
        demands=judge,
        accuracy=accuracy,
        accuracy_name="scaled gradient",
        asked=ASKED,
        floor=floor,
        floor_about="Newton steps x (weighted products at matrix-product speed + exponentials) + one read of X",
        input_bytes=X.nbytes,
    )


def data(problems: int, n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((problems, n, p), dtype=np.float32)
    coef = 0.7 * rng.standard_normal((problems, p), dtype=np.float32)
    chance = expit((X @ coef[:, :, None])[:, :, 0] + 0.3)
    return X, (rng.random((problems, n), dtype=np.float32) < chance).astype(np.float32)


def ours(X: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        from jaxnotes import logistic_regression

        def fit(X, y):
            return logistic_regression.fit(X, y, l2=L2)

        return jax_trial(jax.vmap(fit), (X, y), read_solution)

    return Contender(demands.OURS, make, kind="ours", note="jit(vmap(fit))")


def rivals(X: np.ndarray, y: np.ndarray) -> list[Contender]:
    return [
        peers.sklearn_loop(X, y, L2, "liblinear", tol=1e-8, note="intercept_scaling 100"),
        peers.sklearn_loop(X, y, L2, "lbfgs", tol=3e-7),
        peers.sklearn_loop(X, y, L2, "newton-cholesky", tol=TOL),
        peers.statsmodels_loop(X, y, tol=1e-8),
        peers.numpy_newton(X, y, L2, TOL),
        peers.numpy_newton(X, y, L2, TOL, block=256),
        peers.torch_newton(X, y, L2, TOL),
        peers.jaxopt_lbfgs(X, y, L2, tol=5e-7),
    ]


def machine(X: np.ndarray) -> list[Contender]:
    rows = X.shape[0] * X.shape[1]
    return [
        floors.product("product 1024", 1024, 1024, 1024),
        floors.exponential("exp", min(rows, 2**18), times=max(1, rows // 2**18)),
        floors.copy("copy of X", X.size),
    ]


def machine_floor(results, problems: int, n: int, p: int) -> float | None:
    """Seconds that Newton's arithmetic takes at the speed of this machine's best loops; reading is half a copy."""
    parts = [results[name].median_s for name in ("product 1024", "exp", "copy of X")]
    steps = results[demands.OURS].steps or results["numpy Newton, all at once"].steps
    if None in parts or steps is None:
        return None
    q = p + 1
    multiply_adds = problems * n * (q * (q + 1) / 2 + 2 * q)
    return steps * (multiply_adds / 1024**3 * parts[0] + parts[1]) + parts[2] / 2


def judge(results) -> list:
    return [
        demands.faster_than(results, 150, "scikit-learn"),
        demands.faster_than(results, 4, "numpy Newton, all at once"),
        demands.faster_than(results, 4, "numpy Newton, blocks"),
        demands.within(results, 2.5, "C kernel"),
        demands.compiles_within(results),
    ]
