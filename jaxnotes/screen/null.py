"""The null model, without a candidate, as weighted least squares: fitted once, in double precision, on the host."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes import logistic_regression
from jaxnotes.core.matrix import roots
from jaxnotes.core.special import double_word
from jaxnotes.core.values import compat, trouble
from jaxnotes.core.values.status import Status


class Null(NamedTuple):
    """What a candidate meets; absent rows are 0 throughout. Each number is float64.

    design (n, k): the intercept and the covariates, centred and scaled. counts (n,): frequencies. weights (n,): those
    of the least squares problem, summing to `total`, beside `basis` (n, k), columns orthonormal in weights / total.
    residual (n, m): off the covariates, of mean square 1, in units of scale (m,). eta (n,): the logit, or 0.
    status (m,): what there is to say of the null model itself.
    """

    design: np.ndarray
    counts: np.ndarray
    weights: np.ndarray
    total: float
    basis: np.ndarray
    residual: np.ndarray
    scale: np.ndarray
    eta: np.ndarray
    status: np.ndarray


def linear(covariates: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Null:
    """The null model of y (n, m), least squares."""
    finite = np.isfinite(y) & np.isfinite(covariates).all(axis=1, keepdims=True)
    found = trouble.of_data(
        jnp.asarray(weights), not_finite=jnp.asarray((~finite & (weights[:, None] > 0)).any(axis=0))
    )
    counts, design, outcome = _sound(covariates, y, weights)
    status = np.where(found, found, Status.RANK_DEFICIENT if _deficient(design, counts, y.dtype) else found)
    residual = outcome
    if y.dtype == np.float64:  # the digits beyond those of y; those of float32 are within float64
        coef = np.linalg.lstsq(np.sqrt(counts)[:, None] * design, np.sqrt(counts)[:, None] * outcome)[0]
        with compat.x64():
            residual = np.asarray(_doubled_residual(jnp.asarray(design), jnp.asarray(outcome), jnp.asarray(coef)))
    return _assembled(design, counts, counts, residual, np.zeros(len(y)), status)


@jax.jit
def _doubled_residual(design: jax.Array, y: jax.Array, coef: jax.Array) -> jax.Array:
    """y - design coef for y (n, m), as if computed exactly and then rounded."""
    nothing = jnp.zeros((), y.dtype)
    return jax.vmap(lambda y, b: double_word.residual(y, design, b, nothing).high, 1, 1)(y, coef)


def logistic(covariates: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Null:
    """The null model of y (n,), logistic regression: `logistic_regression.fit`, and two more steps in float64."""
    solution = logistic_regression.fit(covariates, y, weights=weights)
    counts, design, outcome = _sound(covariates, y[:, None], weights)
    eta = np.zeros(len(y))
    if solution.converged:
        params = solution.params
        raw = np.where(counts[:, None] > 0, covariates, 0).astype(np.float64)
        eta = raw @ np.asarray(params.coef, np.float64) + float(np.asarray(params.intercept))
        for _ in range(2):
            mu, spread = moments(eta)
            gram = design.T @ ((counts * spread)[:, None] * design)
            eta = eta + design @ np.linalg.lstsq(gram, design.T @ (counts * (outcome[:, 0] - mu)))[0]
    mu, spread = moments(eta)
    working = (outcome[:, 0] - mu) / spread
    return _assembled(design, counts, counts * spread, working[:, None], eta, np.asarray(solution.status)[None])


def moments(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean and the variance of y at each logit; the variance is not 0 where it is too small for a number."""
    small = np.exp(-np.abs(eta))
    mu = np.where(eta > 0, 1, small) / (1 + small)
    return mu, np.maximum(small / (1 + small) ** 2, np.finfo(np.float64).tiny)


def _sound(covariates: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies, scaled design and outcomes, with 0 for what is absent or no number."""
    counts = np.where(np.isfinite(weights) & (weights > 0), weights, 0).astype(np.float64)
    present = (counts > 0)[:, None]
    C, outcome = (np.where(present & np.isfinite(part), part, 0).astype(np.float64) for part in (covariates, y))
    share = counts / max(counts.sum(), np.finfo(np.float64).tiny)
    return counts, np.concatenate([present, centred(C, share)[0]], axis=1, dtype=np.float64), outcome


def centred(C: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of weighted mean 0 and mean square 1, and their spread; 0 in absent rows, and where constant."""
    present = (share > 0)[:, None]
    size = np.where(present, np.abs(C), 0).max(axis=0, initial=0)
    size = np.where(size > 0, size, 1)
    C = np.where(present, C, 0) / size
    constant = np.all(~present | (C[np.argmax(present)] == C), axis=0)
    C = np.where(present, C - share @ C, 0)
    C = np.where(present, C - share @ C, 0)
    spread = np.sqrt(share @ C**2)
    constant |= spread == 0
    return np.where(constant, 0, C / np.where(constant, 1, spread)), np.where(constant, 0, spread * size)


def _deficient(design: np.ndarray, counts: np.ndarray, dtype: np.dtype) -> bool:
    """Whether the covariates depend on each other to the precision of their dtype."""
    share = counts / max(counts.sum(), np.finfo(np.float64).tiny)
    return dependent(np.linalg.qr(np.sqrt(share)[:, None] * design)[1], dtype)


def dependent(R: np.ndarray, dtype: np.dtype) -> bool:
    """Whether the columns of a design with this triangle depend on each other: as `least_squares.fit` judges."""
    singular = np.linalg.svd(R, compute_uv=False)
    return bool(singular[-1] <= roots.negligible(len(R.T), jnp.dtype(dtype)) * singular[0])


def _assembled(
    design: np.ndarray,
    counts: np.ndarray,
    weights: np.ndarray,
    residual: np.ndarray,
    eta: np.ndarray,
    status: np.ndarray,
) -> Null:
    total = max(float(weights.sum()), float(np.finfo(np.float64).tiny))
    root = np.sqrt(weights / total)[:, None]
    Q = np.linalg.qr(root * design)[0]
    rest = root * residual
    for _ in range(2):
        rest = rest - Q @ (Q.T @ rest)
    scale = np.sqrt(np.sum(rest**2, axis=0))
    explained = scale <= 8 * np.finfo(np.float64).eps * np.sqrt(np.sum((root * residual) ** 2, axis=0))
    scale, unit = np.where(explained, 0, scale), np.where(explained, np.inf, scale)
    there = root > 0
    divided = (np.where(there, part / np.where(there, root, 1), 0) for part in (Q, rest / unit))
    basis, residual = divided
    return Null(design, counts, weights, total, basis, residual, scale, eta, np.asarray(status, np.int8))
