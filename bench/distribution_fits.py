"""Ten thousand samples of 200 numbers: a gamma, a Weibull and a beta law to each, with standard errors."""

from collections import Counter

import jax
import numpy as np
from scipy import special, stats

from bench import demands, floors
from bench.jax_trial import jax_trial
from bench.peers import one_after_the_other, quietly
from bench.runner import Answer, Case, Contender, Trial

MINUTES = 2

SAMPLES, ROWS = 10_240, 200
QUICK = (24, 60)
# Distance from the maximum in standard errors, or relative error of a standard error: what scipy's tolerances give.
ASKED = 1e-3


def gamma_pieces(x, shape, rate):
    """The score (n, 2) and the information (2, 2) of one observation, in NumPy."""
    score = np.stack([np.log(rate) + np.log(x) - special.psi(shape), shape / rate - x], axis=1)
    return score, np.array([[special.polygamma(1, shape), -1 / rate], [-1 / rate, shape / rate**2]])


def weibull_pieces(x, shape, scale):
    log_ratio = np.log(x / scale)
    hazard = np.exp(shape * log_ratio)
    score = np.stack([1 / shape + log_ratio * (1 - hazard), shape / scale * (hazard - 1)], axis=1)
    cross = np.mean((1 - hazard - shape * hazard * log_ratio) / scale)
    corner = np.mean((shape * (shape + 1) * hazard - shape) / scale**2)
    return score, np.array([[1 / shape**2 + np.mean(hazard * log_ratio**2), cross], [cross, corner]])


def beta_pieces(x, a, b):
    both = special.psi(a + b)
    score = np.stack([np.log(x) - special.psi(a) + both, np.log1p(-x) - special.psi(b) + both], axis=1)
    common = special.polygamma(1, a + b)
    return score, np.diag([special.polygamma(1, a), special.polygamma(1, b)]) - common


# By family: how to draw, its derivatives, scipy's law with what is known, the parameters from scipy's answer, and how
# many times faster it must be.
FAMILIES = {
    "Gamma": (
        lambda rng, shape: rng.gamma(rng.uniform(1, 5, (shape[0], 1)), rng.uniform(0.5, 2, (shape[0], 1)), shape),
        gamma_pieces, stats.gamma, {"floc": 0}, lambda found: (found[0], 1 / found[2]), 40,
    ),
    "Weibull": (
        lambda rng, shape: rng.uniform(0.5, 2, (shape[0], 1)) * rng.weibull(rng.uniform(0.8, 3, (shape[0], 1)), shape),
        weibull_pieces, stats.weibull_min, {"floc": 0}, lambda found: (found[0], found[2]), 500,
    ),
    "Beta": (
        lambda rng, shape: rng.beta(rng.uniform(1, 5, (shape[0], 1)), rng.uniform(1, 5, (shape[0], 1)), shape),
        beta_pieces, stats.beta, {"floc": 0, "fscale": 1}, lambda found: found[:2], 50,
    ),
}  # fmt: skip


def cases(quick: bool):
    shape = QUICK if quick else (SAMPLES, ROWS)
    for name, (draw, pieces, law, known, params, least) in FAMILIES.items():
        x = draw(np.random.default_rng(0), shape).astype(np.float32)
        yield Case(
            name=f"distribution_fits {name}",
            about=f"{shape[0]:,} samples of {shape[1]}, {name}, float32, with standard errors",
            problems=shape[0],
            contenders=[ours(name, x), scipy_loop(law, known, params, pieces, x), floors.copy("copy of x", x.size)],
            demands=lambda results, least=least: [
                demands.faster_than(results, least, "scipy"),
                demands.compiles_within(results, 5.0),
            ],
            accuracy=lambda answer, x=x, pieces=pieces: distance(pieces, x.astype(np.float64), answer.coef),
            accuracy_name="error in standard errors",
            asked=ASKED,
            input_bytes=x.nbytes,
        )


def distance(pieces, x: np.ndarray, found: np.ndarray) -> np.ndarray:
    """How far each answer is from the maximum, and its standard errors from the right ones; found: params, se."""

    def one(k):
        score, information = pieces(x[k], *found[k, :2])
        covariance = np.linalg.inv(information) / x.shape[1]
        right = np.sqrt(np.diagonal(covariance))
        return max(np.max(np.abs(covariance @ score.sum(axis=0)) / right), np.max(np.abs(found[k, 2:] / right - 1)))

    return np.nan_to_num(np.array([one(k) for k in range(len(found))]), nan=np.inf)


def ours(name: str, x: np.ndarray) -> Contender:
    def make(count):
        from jaxnotes import distributions

        family = getattr(distributions, name)

        def one(x):
            solution = family.fit(x)
            return solution, family.infer(solution, x).se

        return jax_trial(jax.vmap(one), (x[:count],), read_fits)

    return Contender(demands.OURS, make, kind="ours", note="jit(vmap(fit, infer))")


def read_fits(raw) -> Answer:
    from jaxnotes.core.values.status import Status

    solution, se = jax.device_get(raw)
    counts = Counter(Status(int(code)).name for code in solution.status)
    found = np.column_stack([*solution.params, se]).astype(np.float64)
    return Answer(found, np.zeros(len(found)), dict(counts), float(np.mean(solution.steps)))


def scipy_loop(law, known, params, pieces, x: np.ndarray) -> Contender:
    """scipy.stats gives no standard errors: the information by hand is added to each fit."""

    def make(count):
        samples = x[:count].astype(np.float64)

        def one(k):
            found = params(law.fit(samples[k], **known))
            covariance = np.linalg.inv(pieces(samples[k], *found)[1]) / x.shape[1]
            return np.concatenate([found, np.sqrt(np.diagonal(covariance))])

        return Trial(lambda: quietly(one_after_the_other, one, count), read_loop)

    return Contender(f"scipy.stats.{law.name}.fit", make, loop=True, note="standard errors by hand")


def read_loop(raw) -> Answer:
    rows = np.asarray(raw, np.float64)
    return Answer(rows, np.zeros(len(rows)), {"returned": len(rows)}, None)
