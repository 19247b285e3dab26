"""Columns that are left out in some groups: lanes with as many columns go together, and come back at full width."""

import dataclasses
from typing import Any

import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values.status import Solution


def kept_first(kept: np.ndarray) -> np.ndarray:
    """For each lane its columns, the kept ones first, each in their order, (L, p) from (L, p)."""
    return np.argsort(~kept, axis=1, kind="stable")


def pick(X: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """These columns of each lane, (L, n, k) from (L, n, p) and (L, k)."""
    return np.take_along_axis(X, columns[:, None, :], axis=2)


def widen(solution: Solution, inference: Inference, kept: np.ndarray) -> tuple[Solution, Inference]:
    """Answers about the kept columns with NaN in the places of the others. kept: (L, p)."""
    params: Any = solution.params
    shape = np.shape(params.coef)[1:-1]
    first = np.ones((len(kept), 0 if params.intercept is None else 1), bool)
    flat = np.concatenate([first, kept], axis=1)
    flat = np.tile(flat, (1, *shape)) if shape else flat
    places = np.nonzero(flat)

    def vector(values: Any) -> Any:
        full = np.full(flat.shape, np.nan, values.dtype)
        full[places] = values.reshape(-1)
        return full

    def matrix(values: Any) -> Any:
        full = np.full((*flat.shape, flat.shape[1]), np.nan, values.dtype)
        full[flat[:, :, None] & flat[:, None, :]] = values.reshape(-1)
        return full

    fields = ("estimate", "se", "statistic", "pvalue", "lower", "upper")
    vectors = {name: vector(getattr(inference, name)) for name in fields}
    wide = np.broadcast_to(kept[:, None, :], (len(kept), *shape, kept.shape[1])) if shape else kept
    coef: Any = np.full(wide.shape, np.nan, params.coef.dtype)
    coef[np.nonzero(wide)] = params.coef.reshape(-1)
    return (
        dataclasses.replace(solution, params=dataclasses.replace(params, coef=coef)),
        Inference(**vectors, covariance=matrix(inference.covariance), df=inference.df),
    )
