"""One candidate alone, by QR in double precision: what is left where products have no digits left."""

from typing import NamedTuple

import numpy as np

from jaxnotes.core.values.status import Status
from jaxnotes.screen.null import Null, centred, dependent
from jaxnotes.screen.sums import Answers


class Alone(NamedTuple):
    """As `sums.Answers`, of one candidate: slope (m,), norm (), rest (m,), and how it ended."""

    slope: np.ndarray
    norm: float
    rest: np.ndarray
    status: Status


def alone(g: np.ndarray, null: Null, dtype: np.dtype) -> Alone:
    """The answer for g (n,), NaN where missing; whether it depends on the covariates is judged as of `dtype`."""
    (_, k), m = null.design.shape, null.residual.shape[1]
    kept = (null.counts > 0) & ~np.isnan(g)
    nothing = np.full(m, np.nan)
    if not np.isfinite(g[kept]).all():
        return Alone(nothing, np.nan, nothing, Status.NON_FINITE_DATA)
    if kept.sum() < k + 1:
        return Alone(nothing, np.nan, nothing, Status.TOO_FEW_ROWS)
    share = np.where(kept, null.weights, 0) / null.total
    total = share.sum()
    Z, spread = centred(np.column_stack([null.design[:, 1:], g]).astype(np.float64), share / total)
    root = np.sqrt(share)[:, None]
    Q, R = np.linalg.qr(root * np.column_stack([np.ones(len(g)), Z]))
    if spread[-1] == 0 or dependent(R, dtype):
        return Alone(nothing, np.nan, nothing, Status.RANK_DEFICIENT)
    others, d = Q[:, :-1], Q[:, -1]
    r = root * null.residual
    for _ in range(2):
        r = r - others @ (others.T @ r)
    along = d @ r
    left = r - d[:, None] * along
    norm = R[-1, -1] * spread[-1]
    return Alone(along / norm, abs(norm), np.sum(left**2, axis=0), Status.CONVERGED)


def completed(
    found: Answers, hard: np.ndarray, columns: np.ndarray, null: Null, dtype: np.dtype
) -> tuple[Answers, np.ndarray]:
    """The answers by products with those of the hard candidates (b,) put right, and how each ended, (b,)."""
    status = np.where(found.present > null.design.shape[1], Status.CONVERGED, Status.TOO_FEW_ROWS).astype(np.int8)
    where = np.flatnonzero(hard & (status == Status.CONVERGED))
    constant = where[np.all(columns[:, where] == columns[:1, where], axis=0) & np.isfinite(columns[0, where])]
    status[constant] = Status.RANK_DEFICIENT
    for j in np.setdiff1d(where, constant):
        found.slope[j], found.norm[j], found.rest[j], status[j] = alone(columns[:, j], null, dtype)
    return found, status
