"""How well the models fit: sums over the rows of each group in one pass, then log-likelihood, AIC, R2 or deviance."""

from typing import Any

import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values.status import Solution, Status
from jaxnotes.tables.specs import Spec


class Sums:
    """Sums over the rows of each group, (G,), gathered block by block.

    n_obs: of the weights. About the mean of y by weight and precision: share, mean and spread. constant: of what the
    log-likelihood has beside the objective. saturated: the log-likelihood of a model that fits each row.
    """

    def __init__(self, n_groups: int, spec: Spec) -> None:
        self.spec = spec
        self.n_obs, self.constant, self.saturated = (np.zeros(n_groups) for _ in range(3))
        self.share, self.mean, self.spread = (np.zeros(n_groups) for _ in range(3))

    def add(self, which: np.ndarray, starts: np.ndarray, y: np.ndarray, by_row: dict[str, np.ndarray]) -> None:
        """Rows of the groups `which`, each from its start on; no group twice."""
        y, by_row = y.astype(np.float64), {name: column.astype(np.float64) for name, column in by_row.items()}
        weights = by_row["weights"]
        self.n_obs[which] += np.add.reduceat(weights, starts)
        if self.spec.model == "linear":
            self._add_moments(which, starts, y, weights * by_row.get("precision", 1.0))
            if "precision" in by_row:
                logs = np.log(np.where(by_row["precision"] > 0, by_row["precision"], 1))
                self.constant[which] += np.add.reduceat(weights * logs / 2, starts)
        if "trials" in by_row:
            chosen, saturated = _binomial(y, by_row["trials"])
            self.constant[which] += np.add.reduceat(weights * chosen, starts)
            self.saturated[which] += np.add.reduceat(weights * saturated, starts)

    def _add_moments(self, which: np.ndarray, starts: np.ndarray, y: np.ndarray, share: np.ndarray) -> None:
        """Chan's rule: the moments of two parts make those of the whole, without cancellation."""
        counts = np.diff(np.append(starts, len(y)))
        total = np.add.reduceat(share, starts)
        mean = np.add.reduceat(share * y, starts) / np.where(total > 0, total, 1)
        centre = mean if self.spec.parsed.intercept else np.zeros_like(mean)
        spread = np.add.reduceat(share * (y - np.repeat(centre, counts)) ** 2, starts)
        before, both = self.share[which], self.share[which] + total
        gap = centre - self.mean[which]
        part = np.where(both > 0, total / np.where(both > 0, both, 1), 0)
        self.spread[which] += spread + gap**2 * before * part
        self.mean[which] += gap * part
        self.share[which] = both


def goodness(sums: Sums, solution: Solution, inference: Inference, kept: np.ndarray) -> dict[str, np.ndarray]:
    """loglik, aic, and r2 or deviance, of each model, (G,); NaN where it has none."""
    spec = sums.spec
    usable = solution.status == Status.CONVERGED
    if spec.model == "linear":
        usable |= solution.status == Status.RANK_DEFICIENT
    coef = np.nan_to_num(np.asarray(solution.params.coef, np.float64))
    penalty = spec.l2 / 2 * np.sum(coef**2, axis=tuple(range(1, coef.ndim)))
    objective = np.where(usable, np.asarray(solution.value, np.float64) - penalty, np.nan)
    predictors = 1 if coef.ndim == 2 else coef.shape[1]
    parameters = predictors * (kept.sum(axis=1) + spec.parsed.intercept)
    with np.errstate(all="ignore"):
        if spec.model == "linear":
            squares = 2 * objective
            loglik = sums.constant - sums.n_obs / 2 * (np.log(2 * np.pi * squares) + 1)
            rest: dict[str, Any] = {"r2": 1 - sums.n_obs * squares / sums.spread}
            parameters = parameters + 1  # sigma, as in R
        else:
            loglik = sums.constant - sums.n_obs * objective
            rest = {"deviance": 2 * (sums.saturated + sums.n_obs * objective)}
    return {"loglik": loglik, "aic": 2 * parameters - 2 * loglik, **rest}


def digits(error: Any) -> np.ndarray:
    """How many digits, in units of a standard error, each answer has; NaN where no bound is known."""
    error = np.asarray(error, np.float64)
    return np.maximum(0, np.floor(-np.log10(np.maximum(error, 1e-16))))


def _binomial(y: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log C(m, y), and y log(y / m) + (m - y) log((m - y) / m)."""
    import jax
    from jax.scipy.special import gammaln

    from jaxnotes.core.values.compat import x64

    with x64(), np.errstate(all="ignore"):
        chosen = jax.device_get(gammaln(trials + 1) - gammaln(y + 1) - gammaln(trials - y + 1))

        def term(count: np.ndarray) -> np.ndarray:
            return np.where(count > 0, count * np.log(np.where(count > 0, count, 1) / trials), 0)

        return chosen, term(y) + term(trials - y)
