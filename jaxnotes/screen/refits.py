"""What a logistic screen fits after the pass: candidates with missing entries, and those that the score test chose."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes import logistic_regression
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Status
from jaxnotes.screen import careful, newton, null, sums
from jaxnotes.screen.feed import block_width
from jaxnotes.screen.null import Null


class Data(NamedTuple):
    """What the fits are of: covariates (n, p), y and weights (n,), and their null model."""

    covariates: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    model: Null


class Refits(NamedTuple):
    """Of some candidates, (s,): estimate and standard error, NaN where there is none, and how the fit ended."""

    estimate: np.ndarray
    se: np.ndarray
    status: np.ndarray


def scores(columns: np.ndarray, data: Data, fixed: sums.Constants) -> Refits:
    """Score tests of candidates (n, s) with missing entries, each from a null fit of the rows present."""
    return _fitted(newton.score, _score_alone, columns, data, fixed)


def walds(columns: np.ndarray, data: Data, fixed: sums.Constants) -> Refits:
    """The exact fits of candidates (n, s)."""
    return _fitted(newton.wald, _wald_alone, columns, data, fixed)


def _fitted(
    fit: Callable[[newton.Lanes, newton.Rows], newton.Fit],
    alone: Callable[[np.ndarray, Data, np.dtype], tuple[float, float, int]],
    columns: np.ndarray,
    data: Data,
    fixed: sums.Constants,
) -> Refits:
    """By blocks of one shape, and alone where that is not exact."""
    dtype, total = np.dtype(fixed.weights.dtype), columns.shape[1]
    model = data.model
    rows = newton.Rows(*(jnp.asarray(part, dtype) for part in (model.basis, data.y, model.eta, model.counts)))
    width = max(8, block_width(len(columns)) // 4)
    found = Refits(np.full(total, np.nan), np.full(total, np.nan), np.zeros(total, np.int8))
    exact = np.zeros(total, bool)
    for start in range(0, total, width):
        lines = columns[:, start : start + width].T
        end = start + len(lines)
        block = np.zeros((width, len(columns)), dtype if lines.dtype.itemsize == 8 else lines.dtype)
        block[: len(lines)] = lines
        part = _of_block(fit, jnp.asarray(block), rows, fixed)
        found.estimate[start:end], found.se[start:end], exact[start:end] = (np.asarray(a)[: len(lines)] for a in part)
    for j in np.flatnonzero(~exact):
        found.estimate[j], found.se[j], found.status[j] = alone(columns[:, j], data, dtype)
    return found


@functools.partial(jax.jit, static_argnums=0)
def _of_block(
    fit: Callable[[newton.Lanes, newton.Rows], newton.Fit], block: Array, rows: newton.Rows, fixed: sums.Constants
) -> newton.Fit:
    """The fits of a block (b, n)."""
    candidates, absent = sums.off_origin(block, fixed, True)
    present = jnp.broadcast_to(fixed.present[None], block.shape)
    return fit(newton.Lanes(candidates, present if absent is None else present & ~absent), rows)


def _score_alone(g: np.ndarray, data: Data, dtype: np.dtype) -> tuple[float, float, int]:
    """The score test of one candidate, from a null fit of its own."""
    own = null.logistic(data.covariates, data.y, np.where(np.isnan(g), 0, data.weights))
    if own.status[0] != Status.CONVERGED:
        return np.nan, np.nan, int(own.status[0])
    found = careful.alone(g, own, dtype)
    return float(found.slope[0] * own.scale[0]), 1 / (found.norm * own.total**0.5), int(found.status)


def _wald_alone(g: np.ndarray, data: Data, dtype: np.dtype) -> tuple[float, float, int]:
    """The fit of one candidate by the chapter that is about it."""
    X = np.column_stack([g, data.covariates]).astype(dtype)
    weights = np.where(np.isnan(g), 0, data.weights)
    solution = logistic_regression.fit(X, data.y, weights=weights)
    inference = logistic_regression.infer(solution, X, data.y, weights=weights)
    return float(inference.estimate[1]), float(inference.se[1]), int(solution.status)
