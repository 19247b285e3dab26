"""What a screen answers, for a part of the candidates and for all of them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxnotes.core.values.status import in_words


@dataclass(frozen=True, repr=False)
class Screen:
    """The answers of a screen, NumPy arrays: (B,) for B candidates, or (B, m) for m outcomes.

    Attributes:
        estimate: the coefficient of the candidate; of a score test by one step from the null fit.
        se: its standard error.
        statistic: the estimate in standard errors.
        pvalue: of the two-sided test that the coefficient is 0.
        status: int8, a `Status`; what is not CONVERGED is NaN, unless the test is "score": that stands where the exact
            fit, which the status is about, has no answer.
        test: how it was tested: "t", "score" or "wald".
    """

    estimate: np.ndarray
    se: np.ndarray
    statistic: np.ndarray
    pvalue: np.ndarray
    status: np.ndarray
    test: np.ndarray

    def __repr__(self) -> str:
        least = np.nanmin(self.pvalue) if np.any(self.pvalue >= 0) else np.nan
        return f"Screen({self.status.shape}: status={in_words(self.status)}, least pvalue={least:.3g})"


FIELDS = tuple(field.name for field in dataclasses.fields(Screen))


def empty(shape: tuple[int, ...], dtype: np.dtype) -> Screen:
    """The record of a shape that has no entries."""
    nothing = np.zeros(shape, dtype)
    return Screen(nothing, nothing, nothing, nothing, np.zeros(shape, np.int8), np.zeros(shape, "U5"))


def put(screen: Screen, where: np.ndarray, others: Screen, which: np.ndarray) -> None:
    """Overwrite the entries `where` of a part by the entries `which` of another record."""
    for name in FIELDS:
        getattr(screen, name)[where] = getattr(others, name)[which]


def joined(parts: Sequence[Screen]) -> Screen:
    """All parts, in order."""
    return Screen(*(np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS))
