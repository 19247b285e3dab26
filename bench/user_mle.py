"""Thousands of user-written likelihoods, each with its own data: fits with standard errors, and profile intervals."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from bench import demands, floors
from bench.jax_trial import jax_trial
from bench.peers import one_after_the_other, quietly
from bench.runner import Answer, Case, Contender, Trial

MINUTES = 3

MODELS, PROFILES, ROWS = 2000, 1000, 500
QUICK = (24, 8, 500)
# Distance from the maximum in standard errors, or relative error of a standard error, whichever is larger; for profile
# intervals the error of an end in standard errors.
ASKED = 2e-3
Z2 = 3.841458820694124  # 0.95 quantile of the chi-squared law with 1 degree of freedom


def cases(quick: bool):
    models, profiles, rows = QUICK if quick else (MODELS, PROFILES, ROWS)
    X, y, start = data(models, rows)
    yield Case(
        name="user_mle",
        about=f"{models:,} Student-t regressions of {rows} rows, 4 parameters, with standard errors, float32",
        problems=models,
        contenders=[
            ours(X, y, start),
            generic_model(X, y, start, "nm"),
            generic_model(X, y, start, "bfgs"),
            generic_model(X, y, start, "newton"),
            by_hand(X, y, start),
            floors.copy("copy of X", X.size),
        ],
        demands=lambda results: [
            demands.faster_than(results, 100, "statsmodels"),
            demands.compiles_within(results, 5.0),
        ],
        accuracy=lambda answer: distance(X, y, answer.coef),
        accuracy_name="error in standard errors",
        asked=ASKED,
        input_bytes=X.nbytes + y.nbytes,
    )
    X, y, start = X[:profiles], y[:profiles], start[:profiles]
    yield Case(
        name="profiles",
        about=f"profile intervals of all 4 parameters of {profiles:,} such models in one call, fits included, float32",
        problems=profiles,
        contenders=[our_profiles(X, y, start), profiles_by_hand(X, y, start), floors.copy("copy of X", X.size)],
        demands=lambda results: [demands.compiles_within(results, 5.0)],
        accuracy=lambda answer: miss(X, y, answer.coef),
        accuracy_name="error of l at the ends, in standard errors",
        asked=ASKED,
        input_bytes=X.nbytes + y.nbytes,
    )


def data(models: int, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X (models, rows, 2) with a column of ones, y (models, rows), and where all start (models, 4): least squares."""
    rng = np.random.default_rng(0)
    X = np.stack([np.ones((models, rows)), rng.standard_normal((models, rows))], axis=-1)
    coef = rng.standard_normal((models, 2))
    y = (X @ coef[:, :, None])[..., 0] + rng.uniform(0.5, 2, (models, 1)) * rng.standard_t(4, (models, rows))
    gram = np.swapaxes(X, 1, 2) @ X
    least = np.linalg.solve(gram, np.swapaxes(X, 1, 2) @ y[..., None])[..., 0]
    spread = np.std(y - (X @ least[:, :, None])[..., 0], axis=1)
    start = np.column_stack([least, np.log(spread), np.full(models, np.log(8.0))])
    return X.astype(np.float32), y.astype(np.float32), start.astype(np.float32)


def log_prob(params, row):
    """What a user writes: params is coef (2), the logarithm of the scale, the logarithm of the degrees of freedom."""
    x, y = row
    df = jnp.exp(params[3])
    z = (y - x @ params[:2]) * jnp.exp(-params[2])
    constant = jax.lax.lgamma((df + 1) / 2) - jax.lax.lgamma(df / 2) - jnp.log(df * jnp.pi) / 2
    return constant - params[2] - (df + 1) / 2 * jnp.log1p(z**2 / df)


def ours(X: np.ndarray, y: np.ndarray, start: np.ndarray) -> Contender:
    def make(count):
        from jaxnotes import maximum_likelihood

        def one(X, y, start):
            solution = maximum_likelihood.fit(log_prob, start, (X, y))
            return solution, maximum_likelihood.infer(log_prob, solution, (X, y)).se

        return jax_trial(jax.vmap(one), (X[:count], y[:count], start[:count]), read_fits)

    return Contender(demands.OURS, make, kind="ours", note="jit(vmap(fit, infer))")


def our_profiles(X: np.ndarray, y: np.ndarray, start: np.ndarray) -> Contender:
    def make(count):
        from jaxnotes import maximum_likelihood

        def one(X, y, start):
            solution = maximum_likelihood.fit(log_prob, start, (X, y))
            return solution, jnp.concatenate(maximum_likelihood.profile_intervals(log_prob, solution, (X, y)))

        return jax_trial(jax.vmap(one), (X[:count], y[:count], start[:count]), read_fits)

    return Contender(demands.OURS, make, kind="ours", note="jit(vmap(fit, profile_intervals))")


def read_fits(raw) -> Answer:
    from jaxnotes.core.values.status import Status

    solution, more = jax.device_get(raw)
    counts = Counter(Status(int(code)).name for code in solution.status)
    found = np.concatenate([solution.params, more], axis=1).astype(np.float64)
    return Answer(found, np.zeros(len(found)), dict(counts), float(np.mean(solution.steps)))


def pieces(params, X, y):
    """log_prob of each row with its first and second derivatives, (n,), (n, 4) and (n, 4, 4), by hand in NumPy."""
    df, scale = np.exp(params[3]), np.exp(params[2])
    r = y - X @ params[:2]
    z = r / scale
    q = 1 + z**2 / df
    half = (df + 1) / 2
    value = special.gammaln(half) - special.gammaln(df / 2) - np.log(df * np.pi) / 2 - params[2] - half * np.log(q)
    pull = (df + 1) * z / (df * q)  # d/d mean times scale
    d_pull = (df + 1) * (1 - z**2 / df) / (df * q**2)  # its derivative in z
    slope_df = (special.psi(half) - special.psi(df / 2) - 1 / df - np.log(q) + (df + 1) * z**2 / (df**2 * q)) / 2
    curve_df = (
        (special.polygamma(1, half) - special.polygamma(1, df / 2)) / 2
        + 1 / df**2
        + z**2 / (df**2 * q)
        + z**2 * (1 / (df**2 * q) - (df + 1) * 2 / (df**3 * q) + (df + 1) * z**2 / (df**4 * q**2))
    ) / 2
    pull_df = z / (df * q) - (df + 1) * z / (df**2 * q) + (df + 1) * z**3 / (df**3 * q**2)
    score = np.column_stack([X * (pull / scale)[:, None], z * pull - 1, df * slope_df])
    hessian = np.empty((len(y), 4, 4))
    hessian[:, :2, :2] = -X[:, :, None] * X[:, None] * (d_pull / scale**2)[:, None, None]
    hessian[:, :2, 2] = hessian[:, 2, :2] = -X * ((pull + z * d_pull) / scale)[:, None]
    hessian[:, :2, 3] = hessian[:, 3, :2] = X * (df * pull_df / scale)[:, None]
    hessian[:, 2, 2] = -z * (pull + z * d_pull)
    hessian[:, 2, 3] = hessian[:, 3, 2] = df * z * pull_df
    hessian[:, 3, 3] = df * slope_df + df**2 * curve_df
    return value, score, hessian


def distance(X: np.ndarray, y: np.ndarray, found: np.ndarray) -> np.ndarray:
    """How far each answer is from the maximum, and its standard errors from the right ones; found: params, se."""

    def one(k):
        params, se = found[k, :4], found[k, 4:]
        _, score, hessian = pieces(params, X[k].astype(np.float64), y[k].astype(np.float64))
        covariance = np.linalg.inv(-hessian.sum(axis=0))
        right = np.sqrt(np.diagonal(covariance))
        return max(np.max(np.abs(covariance @ score.sum(axis=0)) / right), np.max(np.abs(se / right - 1)))

    return np.nan_to_num(np.array([one(k) for k in range(len(found))]), nan=np.inf)


def miss(X: np.ndarray, y: np.ndarray, found: np.ndarray) -> np.ndarray:
    """How far sqrt(2 (l(maximum) - l(end))) is from its quantile, worst of the 8 ends; found: params, lower, upper."""

    def one(k):
        rows = X[k].astype(np.float64), y[k].astype(np.float64)
        top = total(newton(found[k, :4], *rows, free=range(4)), *rows)
        errors = []
        for end, j in zip(found[k, 4:], [0, 1, 2, 3] * 2, strict=True):
            if np.isinf(end):
                continue
            start = found[k, :4].copy()
            start[j] = end
            others = [i for i in range(4) if i != j]
            conditional = newton(start, *rows, free=others)
            errors.append(abs(np.sqrt(2 * max(top - total(conditional, *rows), 0)) - np.sqrt(Z2)))
        return max(errors)

    return np.nan_to_num(np.array([one(k) for k in range(len(found))]), nan=np.inf)


def total(params, X, y) -> float:
    return pieces(params, X, y)[0].sum()


def newton(params, X, y, free, steps: int = 50) -> np.ndarray:
    """The maximum over the free parameters by NumPy: Newton steps, halved until l does not fall."""
    free, params = list(free), np.array(params)
    value, score, hessian = pieces(params, X, y)
    for _ in range(steps):
        slope, information = score.sum(axis=0)[free], -hessian.sum(axis=0)[np.ix_(free, free)]
        eigenvalues, V = np.linalg.eigh(information)
        move = V @ (V.T @ slope / np.maximum(np.abs(eigenvalues), 1e-8))
        for halving in range(30):
            tried = params.copy()
            tried[free] += move / 2**halving
            new = pieces(tried, X, y)
            if new[0].sum() >= value.sum() - 1e-9:
                break
        params, (value, score, hessian) = tried, new
        if np.max(np.abs(move)) < 1e-9:
            break
    return params


def generic_model(X: np.ndarray, y: np.ndarray, start: np.ndarray, method: str) -> Contender:
    """statsmodels, as its documentation shows it: the log-likelihood is written, the derivatives are numerical.

    method: "nm" is what its fit does by default, with maxiter 500.
    """

    def make(count):
        from statsmodels.base.model import GenericLikelihoodModel

        class TRegression(GenericLikelihoodModel):
            def loglikeobs(self, params):
                df, scale = np.exp(params[3]), np.exp(params[2])
                z = (self.endog - self.exog @ params[:2]) / scale
                constant = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - np.log(df * np.pi) / 2
                return constant - params[2] - (df + 1) / 2 * np.log1p(z**2 / df)

        designs, targets = X[:count].astype(np.float64), y[:count].astype(np.float64)
        starts = start[:count].astype(np.float64)
        extra = ["log_scale", "log_df"]

        def one(k):
            model = TRegression(targets[k], designs[k], extra_params_names=extra)
            fitted = model.fit(start_params=starts[k], method=method, disp=0, maxiter=500)
            return np.concatenate([fitted.params, fitted.bse]), fitted.mle_retvals["converged"], 0

        return Trial(lambda: quietly(one_after_the_other, one, count), read_loop)

    return Contender(f"statsmodels GenericLikelihoodModel {method}", make, loop=True, note="numerical derivatives")


def by_hand(X: np.ndarray, y: np.ndarray, start: np.ndarray) -> Contender:
    """What a patient expert writes: all derivatives by hand, Newton's method in NumPy."""

    def make(count):
        designs, targets = X[:count].astype(np.float64), y[:count].astype(np.float64)

        def one(k):
            params = newton(start[k].astype(np.float64), designs[k], targets[k], free=range(4))
            covariance = np.linalg.inv(-pieces(params, designs[k], targets[k])[2].sum(axis=0))
            return np.concatenate([params, np.sqrt(np.diagonal(covariance))]), True, 0

        return Trial(lambda: quietly(one_after_the_other, one, count), read_loop)

    return Contender("NumPy Newton, derivatives by hand", make, loop=True)


def profiles_by_hand(X: np.ndarray, y: np.ndarray, start: np.ndarray) -> Contender:
    """The same functions, and SciPy's root finder for each of the 8 ends."""

    def make(count):
        from scipy.optimize import brentq

        designs, targets = X[:count].astype(np.float64), y[:count].astype(np.float64)

        def one(k):
            rows = designs[k], targets[k]
            top = newton(start[k].astype(np.float64), *rows, free=range(4))
            value, _, hessian = pieces(top, *rows)
            se = np.sqrt(np.diagonal(np.linalg.inv(-hessian.sum(axis=0))))

            def end(j, side):
                others = [i for i in range(4) if i != j]

                def gap(c):
                    held = top.copy()
                    held[j] = c
                    return 2 * (value.sum() - total(newton(held, *rows, free=others), *rows)) - Z2

                reach = 2.0
                while gap(top[j] + side * reach * se[j]) < 0:
                    reach *= 2
                    if reach > 1e4:
                        return side * np.inf
                return brentq(gap, top[j], top[j] + side * reach * se[j], xtol=1e-5 * se[j])

            return np.concatenate([top, [end(j, side) for side in (-1, 1) for j in range(4)]]), True, 0

        return Trial(lambda: quietly(one_after_the_other, one, count), read_loop)

    return Contender("NumPy Newton and SciPy brentq", make, loop=True)


def read_loop(raw) -> Answer:
    rows, converged, steps = (np.array(part, np.float64) for part in zip(*raw, strict=True))
    status = Counter("converged" if ok else "not converged" for ok in converged)
    return Answer(rows, np.zeros(len(rows)), dict(status), float(np.mean(steps)))
