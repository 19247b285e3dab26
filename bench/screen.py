"""A hundred thousand candidate columns, one regression each beside three covariates.

In processor seconds, on one core: taskset -c 0.
"""

import time
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.special import expit

from bench import demands
from bench.peers import one_after_the_other, quietly
from bench.runner import Answer, Case, Contender, Trial

MINUTES = 4
ASKED = 1e-3  # of each estimate and each standard error, in standard errors: the peers work in float32 too
SIZES, QUICK = (5_000, 100_000, 3), (200, 64, 3)
BY_HAND = "NumPy by hand"
REFITTED = 1e-2  # the share of candidates that noise alone makes this small
WIDTH = 500  # candidates at a time by hand: the fastest of 100 to 5,000


def cases(quick: bool):
    G, C, y, sick = data(*(QUICK if quick else SIZES))
    yield case("linear", (G, C, y), screen_linear, linear_by_hand, linear_loop(G, C, y), 0.8)
    yield case("score", (G, C, sick), screen_score, score_by_hand, None, 1.3)
    yield case("refits", (G, C, sick), screen_refits, score_by_hand, logistic_loop(G, C, sick), 2.0)


def case(
    name: str, arrays: tuple[np.ndarray, ...], ours: Callable, by_hand: Callable, loop: Contender | None, most: float
):
    G = arrays[0]
    truth = {"linear": linear_by_hand, "score": score_by_hand, "refits": exact}[name](*(a.astype("f8") for a in arrays))

    def accuracy(answer: Answer) -> np.ndarray:
        expected = truth[: len(answer.coef), :2]
        errors = np.abs(answer.coef - expected) / expected[:, 1:]
        return np.where(np.isnan(expected), 0, errors).max(axis=1)

    return Case(
        name=f"screen {name}",
        about=f"{G.shape[1]:,} candidates of {len(G):,} rows in int8, 3 covariates, to the p-value, processor time",
        problems=G.shape[1],
        contenders=[
            Contender(demands.OURS, lambda count: trial(ours, arrays, count), kind="ours"),
            Contender(
                BY_HAND, lambda count: trial(by_hand, arrays, count), kind="kernel", note="float32, one BLAS thread"
            ),
            *([] if loop is None else [loop]),
        ],
        demands=lambda results: [
            demands.within(results, most, BY_HAND),
            demands.memory_within(results, G.nbytes)[1],
        ],
        accuracy=accuracy,
        accuracy_name="largest error of estimate and standard error, in standard errors",
        asked=ASKED,
        input_bytes=G.nbytes,
    )


def data(n: int, B: int, p: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    G = rng.integers(0, 3, (B, n), dtype=np.int8).T
    C = rng.standard_normal((n, p), dtype=np.float32)
    predictor = C @ np.linspace(0.1, 0.3, p, dtype=np.float32)
    y = predictor + rng.standard_normal(n, dtype=np.float32)
    return G, C, y, (rng.random(n) < expit(predictor)).astype(np.float32)


def trial(function: Callable, arrays: tuple[np.ndarray, ...], count: int) -> Trial:
    G, C, y = arrays

    return timed(lambda: one_after_the_other(lambda _: function(G[:, :count], C, y), 1)[0])


def timed(run: Callable) -> Trial:
    """A trial by the processor seconds of the process, of rows whose first two columns are estimate and error."""

    def clocked() -> tuple[np.ndarray, float]:
        begin = time.process_time()
        return np.asarray(run()), time.process_time() - begin

    def read(raw: tuple[np.ndarray, float]) -> Answer:
        coef = raw[0][:, :2].astype(np.float64)
        return Answer(coef, np.zeros(len(coef)), {"answered": int(np.isfinite(coef[:, 0]).sum())})

    return Trial(clocked, read, seconds=lambda raw: raw[1])


def numbers(screen) -> np.ndarray:
    return np.column_stack([screen.estimate, screen.se, screen.pvalue])


def screen_linear(G: np.ndarray, C: np.ndarray, y: np.ndarray) -> np.ndarray:
    import jaxnotes as jn

    return numbers(jn.screen.linear(G, y, covariates=C))


def screen_score(G: np.ndarray, C: np.ndarray, y: np.ndarray) -> np.ndarray:
    import jaxnotes as jn

    return numbers(jn.screen.logistic(G, y, covariates=C, refit_below=0))


def screen_refits(G: np.ndarray, C: np.ndarray, y: np.ndarray) -> np.ndarray:
    import jaxnotes as jn

    return numbers(jn.screen.logistic(G, y, covariates=C, refit_below=REFITTED))


def linear_by_hand(G: np.ndarray, C: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What a careful user writes: covariates projected out of everything, block by block, in the dtype of y."""
    Q = np.linalg.qr(np.column_stack([np.ones_like(y), C]))[0]
    r, df, found = y - Q @ (Q.T @ y), len(y) - Q.shape[1] - 1, []
    for start in range(0, G.shape[1], WIDTH):
        g = G[:, start : start + WIDTH].astype(y.dtype)
        g -= Q @ (Q.T @ g)
        gg = np.einsum("ij,ij->j", g, g)
        b = r @ g / gg
        se = np.sqrt((r @ r - b * b * gg) / df / gg)
        found.append(np.column_stack([b, se, 2 * stats.t.sf(np.abs(b / se), df)]))
    return np.concatenate(found)


def null_fit(C: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The fitted probabilities without candidates."""
    Z, theta = np.column_stack([np.ones(len(y)), C]), np.zeros(C.shape[1] + 1)
    for _ in range(8):
        mu = expit(Z @ theta)
        theta = theta + np.linalg.solve(Z.T @ ((mu * (1 - mu))[:, None] * Z), Z.T @ (y - mu))
    return expit(Z @ theta)


def score_by_hand(G: np.ndarray, C: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The score test of each candidate, by the weighted projection."""
    mu = null_fit(C, y)
    root = np.sqrt(mu * (1 - mu))
    Q = np.linalg.qr(root[:, None] * np.column_stack([np.ones(len(y)), C]))[0].astype(y.dtype)
    root, r, found = root.astype(y.dtype)[:, None], ((y - mu) / root).astype(y.dtype), []
    for start in range(0, G.shape[1], WIDTH):
        g = root * G[:, start : start + WIDTH]
        g -= Q @ (Q.T @ g)
        gg = np.einsum("ij,ij->j", g, g)
        b, se = r @ g / gg, 1 / np.sqrt(gg)
        found.append(np.column_stack([b, se, 2 * stats.norm.sf(np.abs(b / se))]))
    return np.concatenate(found)


def exact(G: np.ndarray, C: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Full fits of the candidates that are certainly refitted; NaN for the others."""
    found = score_by_hand(G, C, y)
    found[found[:, 2] > 0.99 * REFITTED] = np.nan
    for j in np.flatnonzero(np.isfinite(found[:, 0])):
        Z, theta = np.column_stack([G[:, j], np.ones(len(y)), C]), np.zeros(C.shape[1] + 2)
        for _ in range(8):
            mu = expit(Z @ theta)
            information = Z.T @ ((mu * (1 - mu))[:, None] * Z)
            theta = theta + np.linalg.solve(information, Z.T @ (y - mu))
        found[j, :2] = theta[0], np.sqrt(np.linalg.inv(information)[0, 0])
    return found


def linear_loop(G: np.ndarray, C: np.ndarray, y: np.ndarray) -> Contender:
    from statsmodels.api import OLS

    return loop("statsmodels OLS", G, C, y, lambda outcome, X: OLS(outcome, X).fit())


def logistic_loop(G: np.ndarray, C: np.ndarray, y: np.ndarray) -> Contender:
    from statsmodels.api import Logit

    return loop("statsmodels Logit", G, C, y, lambda outcome, X: Logit(outcome, X).fit(disp=0))


def loop(name: str, G: np.ndarray, C: np.ndarray, y: np.ndarray, fit: Callable) -> Contender:
    Z, outcome = np.column_stack([np.ones(len(y)), C]), y.astype(np.float64)

    def one(j: int) -> tuple[float, float, float]:
        fitted = fit(outcome, np.column_stack([Z, G[:, j]]))
        return fitted.params[-1], fitted.bse[-1], fitted.pvalues[-1]

    return Contender(name, lambda count: timed(lambda: quietly(one_after_the_other, one, count)), loop=True)
