"""Labelled samples of the families: closed forms in long double, the others by Newton in units of the sample."""

from collections.abc import Callable
from dataclasses import dataclass, field

import jax.numpy as jnp
import mpmath
import numpy as np
from jax.scipy.special import gammaln

from bench.faults import judge, peak
from bench.faults.judge import Answer
from bench.faults.oracle import LONG
from bench.faults.problems import Data, Group, Precision, Problem, Truth, draw, power

SIZE = 51
Peak = tuple[np.ndarray, np.ndarray] | str  # (params, se), or the status that is true


# Closed forms: x and shares in long double, n the sum of the weights.


def mean_of(x, share):
    return x[0] + np.sum(share * (x - x[0]))


def normal(x, share, n) -> Peak:
    loc = mean_of(x, share)
    scale = np.sqrt(np.sum(share * (x - loc) ** 2))
    if np.ptp(x) == 0:
        return "BOUNDARY"
    return np.array([loc, scale]), np.array([scale / np.sqrt(n), scale / np.sqrt(2 * n)])


def log_normal(x, share, n) -> Peak:
    return normal(np.log(x), share, n)


def exponential(x, share, n) -> Peak:
    rate = 1 / np.sum(share * x)
    return np.array([rate]), np.array([rate / np.sqrt(n)])


def poisson(x, share, n) -> Peak:
    rate = np.sum(share * x)
    return (np.array([rate]), np.sqrt(np.array([rate / n]))) if rate > 0 else "BOUNDARY"


def geometric(x, share, n) -> Peak:
    p = 1 / np.sum(share * x)
    return (np.array([p]), np.array([p * np.sqrt((1 - p) / n)])) if np.any(x > 1) else "BOUNDARY"


def binomial(trials: int):
    def closed(x, share, n) -> Peak:
        p = np.sum(share * x) / trials
        inside = np.any(x > 0) and np.any(x < trials)
        return (np.array([p]), np.sqrt(np.array([p * (1 - p) / (n * trials)]))) if inside else "BOUNDARY"

    return closed


def laplace(x, share, n) -> Peak:
    order = np.argsort(x)
    below, ordered = np.cumsum(share[order]), x[order]
    middle = (ordered[np.argmax(below >= 0.5 - 1e-15)] + ordered[np.argmax(below > 0.5 + 1e-15)]) / 2
    scale = np.sum(share * np.abs(x - middle))
    return (np.array([middle, scale]), np.full(2, scale / np.sqrt(n))) if np.ptp(x) > 0 else "BOUNDARY"


def gamma(x, share, n) -> Peak:
    if np.ptp(x) == 0:
        return "BOUNDARY"
    mean = mean_of(x, share)
    ratio = x / mean
    spread = np.sum(share * (((x - mean) / mean) - np.log1p((x - mean) / mean))) if ratio.min() > 0.5 else None
    spread = np.sum(share * (ratio - 1 - np.log(ratio))) if spread is None else spread
    with mpmath.workdps(40):
        s = mpmath.mpf(str(spread))
        start = (3 - s + mpmath.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)
        shape = mpmath.findroot(lambda a: (mpmath.log(a) - mpmath.digamma(a) - s) / s, start)
        trigamma = mpmath.polygamma(1, shape)
        shape_se = mpmath.sqrt(1 / (trigamma - 1 / shape))
        ratio_se = mpmath.sqrt(trigamma / (shape * trigamma - 1))
        shape, shape_se, ratio_se = (LONG(mpmath.nstr(a, 25)) for a in (shape, shape_se, ratio_se))
    rate = shape / mean
    return np.array([shape, rate]), np.array([shape_se, rate * ratio_se]) / np.sqrt(n)


def edge(x, share, n) -> Peak:
    """The estimate is at the end of the sample, where no information is."""
    return "BOUNDARY"


# By Newton: the mean loss of theta over standardized data z with shares, as a function of JAX.


def _location_scale(log_density):
    def loss(theta, data):
        z, share = data
        return theta[1] - jnp.sum(share * log_density((z - theta[0]) * jnp.exp(-theta[1])))

    return loss


def _student(theta, data):
    z, share = data
    df = jnp.exp(theta[0])
    u = (z - theta[1]) * jnp.exp(-theta[2])
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - jnp.log(df * jnp.pi) / 2
    return theta[2] - constant + jnp.sum(share * (df + 1) / 2 * jnp.log1p(u**2 / df))


def _beta(theta, data):
    z, share = data
    a, b = jnp.exp(theta)
    # JAX's betaln is a short series where b > 8: 1e-6 off in its slope.
    log_beta = gammaln(a) + gammaln(b) - gammaln(a + b)
    return log_beta - jnp.sum(share * ((a - 1) * jnp.log(z) + (b - 1) * jnp.log1p(-z)))


def _negative_binomial(theta, data):
    x, share = data
    size, mu = jnp.exp(theta)
    pieces = gammaln(x + size) - gammaln(size) - size * jnp.log1p(mu / size) - x * jnp.log1p(size / mu)
    return -jnp.sum(share * pieces)


LOSSES = {
    "Gumbel": _location_scale(lambda u: -u - jnp.exp(-u)),
    "Logistic": _location_scale(lambda u: -jnp.abs(u) - 2 * jnp.log1p(jnp.exp(-jnp.abs(u)))),
    "Cauchy": _location_scale(lambda u: -jnp.log1p(u**2)),
    "Weibull": _location_scale(lambda u: u - jnp.exp(u)),
    "StudentT": _student,
    "Beta": _beta,
    "NegativeBinomial": _negative_binomial,
}


def by_newton(name: str, x, share, n, near: np.ndarray | None = None) -> Peak | None:
    """The optimum from the sample's median and spread, or from `near` in the family's own parameters."""
    raw = np.log(x) if name == "Weibull" else x
    located = name not in ("Beta", "NegativeBinomial")
    if np.ptp(raw) == 0:
        return "BOUNDARY"
    centre = np.sort(raw)[len(raw) // 2] if located else LONG(0)
    spread = np.sqrt(np.sum(share * (raw - mean_of(raw, share)) ** 2)) if located else LONG(1)
    z = ((raw - centre) / spread).astype(np.float64)
    start = starts(name, z, share.astype(np.float64)) if near is None else inward(name, near, centre, spread)
    theta, inverse, found = peak.find(LOSSES[name], start[None], (z[None], share.astype(np.float64)[None]))
    theta, found = theta[0].astype(LONG), found[0]
    if not found:
        endless = name in ("StudentT", "NegativeBinomial") and theta[0] > 10
        return "BOUNDARY" if endless or (located and theta[-1] < -15) else None
    se = np.sqrt(np.diag(inverse[0])) / np.sqrt(n)
    return outward(name, theta, se, centre, spread)


def starts(name: str, z, share) -> np.ndarray:
    if name == "Beta":
        m, v = np.sum(share * z), np.sum(share * (z - np.sum(share * z)) ** 2)
        both = max(m * (1 - m) / v - 1, 0.1)
        return np.log([m * both, (1 - m) * both])
    if name == "NegativeBinomial":
        m = np.sum(share * z)
        return np.log([m**2 / max(np.sum(share * (z - m) ** 2) - m, 1e-3 * m), m])
    middle = np.quantile(z, 0.75) - np.quantile(z, 0.25)
    scale = {"Cauchy": middle / 2, "StudentT": middle / 2}.get(name, 0.7)
    place = np.array([0.0, np.log(max(scale, 1e-6))])
    return np.array([1.0, *place]) if name == "StudentT" else place


def outward(name: str, theta, se, centre, spread) -> Peak:
    if name in ("Beta", "NegativeBinomial"):
        return np.exp(theta), np.exp(theta) * se
    loc, scale = centre + spread * theta[-2], spread * np.exp(theta[-1])
    if name == "Weibull":
        return np.array([1 / scale, np.exp(loc)]), np.array([se[1] / scale, np.exp(loc) * spread * se[0]])
    params, errors = [loc, scale], [spread * se[-2], scale * se[-1]]
    if name == "StudentT":
        params, errors = [np.exp(theta[0]), *params], [np.exp(theta[0]) * se[0], *errors]
    return np.array(params), np.array(errors)


def inward(name: str, params, centre, spread) -> np.ndarray:
    params = params.astype(LONG)
    if name in ("Beta", "NegativeBinomial"):
        return np.log(params)
    loc, scale = (np.log(params[1]), 1 / params[0]) if name == "Weibull" else params[-2:]
    return np.array([*np.log(params[:-2]), (loc - centre) / spread, np.log(scale / spread)])


# Samples.


@dataclass(frozen=True)
class Family:
    """support: "real", "positive", "unit" or "count"; the law is drawn from; known: what `fit` is told."""

    support: str
    law: Callable
    closed: Callable | None = None
    known: dict = field(default_factory=dict)


FAMILIES = {
    "Normal": Family("real", lambda rng, n: rng.normal(size=n), normal),
    "Laplace": Family("real", lambda rng, n: rng.laplace(size=n), laplace),
    "Gumbel": Family("real", lambda rng, n: rng.gumbel(size=n)),
    "Logistic": Family("real", lambda rng, n: rng.logistic(size=n)),
    "Cauchy": Family("real", lambda rng, n: rng.standard_cauchy(n)),
    "StudentT": Family("real", lambda rng, n: rng.standard_t(2.5, n)),
    "Uniform": Family("real", lambda rng, n: rng.random(n), edge),
    "LogNormal": Family("positive", lambda rng, n: rng.lognormal(size=n), log_normal),
    "Exponential": Family("positive", lambda rng, n: rng.exponential(size=n), exponential),
    "Gamma": Family("positive", lambda rng, n: rng.gamma(rng.uniform(0.5, 5), size=n), gamma),
    "Weibull": Family("positive", lambda rng, n: rng.weibull(rng.uniform(0.5, 4), n)),
    "Pareto": Family("positive", lambda rng, n: 1 + rng.pareto(2, n), edge),
    "Beta": Family("unit", lambda rng, n: rng.beta(*rng.uniform(0.5, 5, 2), n)),
    "Poisson": Family("count", lambda rng, n: rng.poisson(rng.uniform(0.5, 20), n) * 1.0, poisson),
    "Geometric": Family("count", lambda rng, n: rng.geometric(rng.uniform(0.1, 0.8), n) * 1.0, geometric),
    "Binomial": Family(
        "count", lambda rng, n: rng.binomial(10, rng.uniform(0.1, 0.9), n) * 1.0, binomial(10), {"trials": 10.0}
    ),
    "Bernoulli": Family("count", lambda rng, n: (rng.random(n) < 0.3) * 1.0, binomial(1)),
    "NegativeBinomial": Family("count", lambda rng, n: rng.negative_binomial(2, 0.3, n) * 1.0),
}


def sound(rng, data, precision):
    pass


def units(rng, data, precision):
    data["x"] *= power(rng, precision.unit)


def shifted(rng, data, precision):
    data["x"] += rng.choice([-1, 1]) * 10.0 ** rng.uniform(1, min(6, -1 - np.log10(precision.eps)))


def narrow(rng, data, precision):
    x = data["x"]
    data["x"] = 1 + 10.0 ** rng.uniform(-4, -1) * (x - np.median(x)) / np.ptp(x)


def narrow_unit(rng, data, precision):
    x = data["x"]
    data["x"] = 0.4 + 10.0 ** rng.uniform(-2, -1) * (x - np.median(x)) / np.ptp(x)


def outlier(rng, data, precision):
    data["x"][0] = 1e6


def wide_weights(rng, data, precision):
    data["weights"] = 10.0 ** rng.uniform(0, 12, len(data["x"]))


def weights_times(rng, data, precision):
    data["weights"] = rng.uniform(0.5, 2, len(data["x"])) * rng.choice([1e-9, 1e9])


def whole_weights(rng, data, precision):
    data["weights"] = np.floor(rng.uniform(0, 4, len(data["x"])))


def equal(rng, data, precision):
    data["x"][:] = data["x"][0]


def _put(name: str, value: float):
    def spoil(rng, data, precision):
        data[name][rng.integers(len(data["x"]))] = value

    return spoil


def left_out(rng, data, precision):
    data["weights"][2], data["x"][2] = 0, np.nan


def empty(rng, data, precision):
    data["weights"][:] = 0


COMMON = {
    "sound": sound,
    "counts: weights 1 to 1e12": wide_weights,
    "counts: all weights times 1e-9, 1e9": weights_times,
    "counts: whole weights": whole_weights,
    "equal x": equal,
    "NaN in x": _put("x", np.nan),
    "inf in x": _put("x", np.inf),
    "negative weight": _put("weights", -1.0),
    "NaN of weight 0": left_out,
    "empty": empty,
}
OF_SUPPORT = {
    "real": {"units": units, "shifted": shifted, "outlier": outlier},
    "positive": {"units": units, "narrow": narrow, "outlier": outlier, "impossible x": _put("x", -1.0)},
    "unit": {"narrow": narrow_unit, "impossible x": _put("x", 2.0)},
    "count": {"impossible x": _put("x", -1.0)},
}
REASONS = {
    "NaN in x": {"NON_FINITE_DATA"},
    "inf in x": {"NON_FINITE_DATA", "INVALID_DATA"},
    "negative weight": {"INVALID_DATA"},
    "empty": {"TOO_FEW_ROWS"},
    "impossible x": {"INVALID_DATA"},
}


def optimum(name: str, data: Data, near: np.ndarray | None = None) -> Peak | None:
    used = data["weights"] > 0
    x, w = data["x"][used].astype(LONG), data["weights"][used].astype(LONG)
    share, closed = w / np.sum(w), FAMILIES[name].closed
    if closed is not None:
        return closed(x, share, np.sum(w))
    return by_newton(name, x, share, np.sum(w), near)


def label(name: str, kind: str, data: Data, precision: Precision) -> Truth | None:
    if kind in REASONS:
        return Truth(reasons=frozenset(REASONS[kind]))
    found = optimum(name, data)
    if isinstance(found, str):
        return Truth(reasons=frozenset({found}))
    # A unit of rounding of x, in units of a standard deviation, beside a standard error of that / sqrt(n).
    beyond = precision.eps * np.sqrt(np.sum(data["weights"])) > judge.PROMISE
    return None if found is None else Truth(*found, reasons=frozenset({"STALLED"} if beyond else ()))


def another(name: str, data: Data, precision: Precision):
    """Is an answer at a maximum other than the one found from the sample's quantiles?"""

    def check(answer: Answer) -> bool:
        found = optimum(name, data, answer.estimate)
        if found is None or isinstance(found, str):
            return False
        return judge.compare(answer, Truth(*found), precision)[0] == judge.RIGHT

    return check


def solver(name: str):
    import jaxnotes as jn

    family, known = getattr(jn.distributions, name), FAMILIES[name].known

    def solve(data):
        solution = family.fit(data["x"], data["weights"], **known)
        inference = family.infer(solution, data["x"], data["weights"], **known)
        return solution.status, inference.estimate, inference.se, solution.error

    return solve


def groups(precision: Precision, each: int, seed: int) -> list[Group]:
    found = []
    for number, (name, family) in enumerate(FAMILIES.items()):
        problems = []

        def base(rng, family=family):
            return {"x": family.law(rng, SIZE), "weights": np.ones(SIZE)}

        kinds = COMMON | OF_SUPPORT[family.support]
        with np.errstate(all="ignore"):
            for kind, own, data in draw(kinds, base, max(1, each // 2), precision, seed + number):
                truth = label(name, kind, data, precision)
                if truth is not None:
                    check = another(name, data, precision) if family.closed is None else None
                    problems.append(Problem(f"{name}: {kind}", own, data, truth, check))
        found.append(Group(name, solver(name), problems, alone=2 if number < 4 else 0))
    return found
