"""The screens themselves: the null model once, then part by part the pass, what needs more than that, and the tests."""

import functools
import os
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxnotes.core.special import tails
from jaxnotes.core.values import programs
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.progress import bar
from jaxnotes.core.values.status import Status
from jaxnotes.screen import careful, intake, null, record, refits, sums
from jaxnotes.screen.feed import feed
from jaxnotes.screen.null import Null
from jaxnotes.screen.record import Screen
from jaxnotes.screen.store import Store, fingerprint


def linear(
    candidates: Any,
    y: ArrayLike,
    *,
    covariates: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    out: str | os.PathLike | None = None,
) -> Screen:
    """The least squares coefficient of each candidate beside the covariates, with its t test.

        y_i = a + C_i'b + g_i beta + error_i,   t = beta / se   with sum_i w_i - p - 2 degrees of freedom

    The numbers are those of `least_squares.fit` and `infer` of [g, C], for a candidate with missing entries on the rows
    where it is present. It runs on the host, not inside jit or vmap. An interrupted screen keeps the parts that it has
    written to `out`, and goes on from there when it is called again.

    Args:
        candidates: the columns g, (n, B), of integers, booleans or floats, in either memory order, NaN where missing;
            or an iterator of blocks (n, b); or the path of a Parquet file, whose columns are candidates.
        y: the outcome, (n,), or m of them, (n, m).
        covariates: C, (n, p), default None: the intercept alone, which is always there.
        weights: frequencies w_i, (n,), >= 0, default None: every row counts once.
        out: a folder for the results, Parquet files written as they come; default None.

    Returns:
        A `Screen`, NumPy arrays (B,), or (B, m) for m outcomes.

    Statuses:
        CONVERGED; INVALID_DATA, NON_FINITE_DATA, TOO_FEW_ROWS, RANK_DEFICIENT (a candidate that is constant or depends
        on the covariates).

    Raises:
        TypeError: what is no number, or a call inside jit or vmap.
        ValueError: a wrong shape, or `out` holds the results of another screen.
        OSError: `out` cannot be written, or candidates not be read.
        ImportError: Parquet without pyarrow.

    >>> import numpy as np
    >>> candidates = np.array([[0, 1, 2, 0, 1, 2], [1, 1, 1, 1, 1, 1]]).T
    >>> found = linear(candidates, [1.0, 2.1, 2.9, 1.1, 1.9, 3.0])
    >>> print(found.estimate.round(3), found.status)
    [0.95  nan] [0 5]

    Source: Frisch and Waugh (1933), Econometrica 1, 387-401.
    """
    intake.refuse_traced("screen.linear", candidates, y, covariates, weights)
    outcome, C, w = intake.host_data(y, covariates, weights)
    model = null.linear(C, outcome if outcome.ndim == 2 else outcome[:, None], w)

    def answer(columns: np.ndarray, fixed: sums.Constants) -> Screen:
        dtype = np.dtype(fixed.weights.dtype)
        found, hard, _ = sums.answers(columns, model, fixed)
        found, status = careful.completed(found, hard, columns, model, dtype)
        df = found.count - model.design.shape[1] - 1
        with np.errstate(all="ignore"):
            df = np.where(df > 0, df, np.nan)[:, None]
            se = np.sqrt(np.maximum(found.rest, 0) / df) / found.norm[:, None] * model.scale
        screen = _tested(found.slope * model.scale, se, df, _worse(status[:, None], model.status), "t", dtype)
        return screen if outcome.ndim == 2 else _of_single_outcome(screen)

    return _by_parts(candidates, outcome, model, answer, out, fingerprint("linear", outcome, C, w))


def logistic(
    candidates: Any,
    y: ArrayLike,
    *,
    covariates: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    refit_below: float = 1e-3,
    out: str | os.PathLike | None = None,
) -> Screen:
    """The score test of each candidate beside the covariates, and the exact fit of those that it makes likely.

        logit P(y_i = 1) = a + C_i'b + g_i beta,   z = beta / se

    From the null fit, without candidates, one step gives each coefficient (test "score"). Where its p-value is below
    `refit_below` the numbers are those of `logistic_regression.fit` and `infer` of [g, C] (test "wald"). Entries that
    are missing are left out, with a null fit of the rows present. It runs on the host, not inside jit or vmap.

    Args:
        candidates: the columns g, (n, B), of integers, booleans or floats, in either memory order, NaN where missing;
            or an iterator of blocks (n, b); or the path of a Parquet file, whose columns are candidates.
        y: 0 or 1, (n,).
        covariates: C, (n, p), default None: the intercept alone, which is always there.
        weights: frequencies w_i, (n,), >= 0, default None: every row counts once.
        refit_below: the p-value of the score test below which the candidate is fitted, in [0, 1], default 1e-3; 0 fits
            none.
        out: a folder for the results, Parquet files written as they come; default None. See `linear`.

    Returns:
        A `Screen`, NumPy arrays (B,).

    Statuses:
        CONVERGED; INVALID_DATA, NON_FINITE_DATA, TOO_FEW_ROWS, ONE_CLASS, RANK_DEFICIENT, SEPARATED, MAX_STEPS,
        STALLED. Where the fit of a candidate has no answer (SEPARATED), the numbers are those of the score test.

    Raises:
        TypeError: what is no number, or a call inside jit or vmap.
        ValueError: a wrong shape, y or `refit_below` out of range, or `out` holds the results of another screen.
        OSError: `out` cannot be written, or candidates not be read.
        ImportError: Parquet without pyarrow.

    >>> import jaxnotes as jn
    >>> flights = jn.datasets.challenger()
    >>> found = logistic(flights.X, flights.y, refit_below=0.05)
    >>> print(found.test[0], found.estimate.round(4), found.se.round(4))
    wald [-0.2322] [0.1082]

    Source: Rao (1948), Proc. Cambridge Phil. Soc. 44, 50-57.
    """
    intake.refuse_traced("screen.logistic", candidates, y, covariates, weights)
    if not (isinstance(refit_below, (int, float, np.floating)) and 0 <= refit_below <= 1):
        raise ValueError(f"refit_below: expected a number from 0 to 1, got {refit_below!r}.")
    outcome, C, w = intake.host_data(y, covariates, weights)
    if outcome.ndim == 2:
        raise ValueError(f"y: expected shape ({len(outcome)},), got {outcome.shape}. Screen one outcome at a time.")
    model = null.logistic(C, outcome, w)
    data = refits.Data(C, outcome, w, model)

    def answer(columns: np.ndarray, fixed: sums.Constants) -> Screen:
        screen = _scored(columns, data, fixed)
        chosen = np.flatnonzero((screen.status == Status.CONVERGED) & (screen.pvalue < refit_below))
        if len(chosen):
            fitted = refits.walds(columns[:, chosen], data, fixed)
            good = fitted.status == Status.CONVERGED
            exact = _tested(fitted.estimate, fitted.se, np.inf, fitted.status, "wald", screen.estimate.dtype)
            record.put(screen, chosen[good], exact, good)
            screen.status[chosen] = fitted.status
        return screen

    return _by_parts(candidates, outcome, model, answer, out, fingerprint("logistic", outcome, C, w, refit_below))


def _scored(columns: np.ndarray, data: refits.Data, fixed: sums.Constants) -> Screen:
    """The score tests of a part: by the pass, and those with missing entries by null fits of their own."""
    model, dtype = data.model, np.dtype(fixed.weights.dtype)
    found, hard, missing = sums.answers(columns, model, fixed)
    found, status = careful.completed(found, hard & ~missing, columns, model, dtype)
    with np.errstate(all="ignore"):
        estimate, se = found.slope[:, 0] * model.scale[0], 1 / (found.norm * np.sqrt(model.total))
    incomplete = np.flatnonzero(missing & (status == Status.CONVERGED) & (model.status[0] == Status.CONVERGED))
    if len(incomplete):
        estimate[incomplete], se[incomplete], status[incomplete] = refits.scores(columns[:, incomplete], data, fixed)
    return _tested(estimate, se, np.inf, _worse(status, model.status), "score", dtype)


def _by_parts(
    candidates: Any,
    outcome: np.ndarray,
    model: Null,
    answer: Callable[[np.ndarray, sums.Constants], Screen],
    out: str | os.PathLike | None,
    question: str,
) -> Screen:
    """The answers of all parts, of which those that `out` holds are read and the others written."""
    source = feed(candidates, len(outcome))
    store = None if out is None else Store(out, f"{question} {source.total}")
    constants = functools.cache(functools.partial(sums.constants, model))
    screens = [record.empty((0, *outcome.shape[1:]), outcome.dtype)]
    with bar(source.total, "candidates") as advance:
        for part in source.parts:
            screen = None if store is None else store.read(part)
            if screen is None:
                screen = answer(part.columns, constants(intake.working_dtype(outcome, part.columns)))
                if store is not None:
                    store.write(part, screen)
            screens.append(screen)
            advance(part.columns.shape[1])
    return record.joined(screens)


def _worse(status: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of two statuses the one that is told."""
    return np.where((status == Status.CONVERGED) | ((other > 0) & (other < status)), other, status).astype(np.int8)


def _tested(
    estimate: np.ndarray, se: np.ndarray, df: np.ndarray | float, status: np.ndarray, test: str, dtype: np.dtype
) -> Screen:
    """The record of estimates with standard errors; NaN where they are none."""
    good = status == Status.CONVERGED
    with np.errstate(all="ignore"):
        statistic = (estimate / se).astype(dtype)
        pvalue = _two_sided(statistic, np.broadcast_to(df, statistic.shape))
    numbers = {"estimate": estimate, "se": se, "statistic": statistic, "pvalue": pvalue}
    numbers = {name: np.where(good, part, np.nan).astype(dtype) for name, part in numbers.items()}
    return Screen(**numbers, status=status, test=np.full(status.shape, test, "U5"))


def _two_sided(statistic: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Student's p-values, any shape, in arrays of few lengths: a new one would be compiled."""
    size, dtype = statistic.size, statistic.dtype
    x, nu = np.zeros((2, 1 << max(10, (size - 1).bit_length())), dtype)
    x[:size], nu[:size] = statistic.ravel(), df.ravel()
    return np.asarray(_student(jnp.asarray(x), jnp.asarray(nu)))[:size].reshape(statistic.shape)


@programs.soon()
def _student(statistic: Array, df: Array) -> Array:
    return tails.t_two_sided(statistic, df)


def _of_single_outcome(screen: Screen) -> Screen:
    return Screen(*(getattr(screen, name)[:, 0] for name in record.FIELDS))
