"""What a labelled problem is: its data after rounding, and the truth about it, from an oracle that is not ours."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Data = dict[str, np.ndarray]
EXACT = 8  # a residual of so many roundings of y is an exact fit


@dataclass(frozen=True)
class Precision:
    """A dtype and how far each kind of trouble goes in it.

    unit: factors lie between 10^-unit and 10^unit. condition: up to which every linear model must answer.
    """

    dtype: np.dtype
    unit: float
    condition: float

    @property
    def eps(self) -> float:
        return float(np.finfo(self.dtype).eps)

    @property
    def name(self) -> str:
        return self.dtype.name


FLOAT32 = Precision(np.dtype(np.float32), 30, 1e5)
FLOAT64 = Precision(np.dtype(np.float64), 200, 1e13)


@dataclass(frozen=True)
class Truth:
    """The exact optimum of the rounded data, or why there is none.

    params, se: flat, as `infer` gives them; None where there is no optimum. floor: standard errors that the rounding of
    y alone would make; those of an exact fit are of this size or NaN. allowed: how far an answer may be off beyond the
    promise. reasons: the statuses whose sentence is true of the data; those beside an optimum may be told too.
    """

    params: np.ndarray | None = None
    se: np.ndarray | None = None
    floor: np.ndarray | float = 0.0
    allowed: np.ndarray | float = 0.0
    reasons: frozenset[str] = frozenset()

    @property
    def scale(self) -> np.ndarray:
        """What a distance is measured in."""
        return np.fmax(self.se, self.floor)

    @property
    def exact(self) -> np.ndarray:
        """Is what is left no more than rounding?"""
        return ~(self.se > EXACT * self.floor)


@dataclass(frozen=True)
class Problem:
    """One lane: the seed of `kind` gives `data` again. check: is an answer beside the truth an optimum all the same?"""

    kind: str
    seed: int
    data: Data
    truth: Truth
    check: Callable[[Any], bool] | None = None


@dataclass(frozen=True)
class Group:
    """Problems of one shape: solve(data) -> (status, estimate, se, error) of one, to be batched and compiled once."""

    name: str
    solve: Callable[[Any], Any]
    problems: list[Problem] = field(repr=False)
    alone: int = 0  # how many are solved a second time, without neighbours


Kind = Callable[[np.random.Generator, Data, Precision], None]


def draw(kinds: dict[str, Kind], base: Callable, each: int, precision: Precision, seed: int):
    """(kind, seed, data) of `each` problems a kind: a sound problem, spoiled by its kind, then rounded."""
    with np.errstate(over="ignore", under="ignore"):
        for k, (name, spoil) in enumerate(kinds.items()):
            for repetition in range(each):
                own = 10_000 * seed + 100 * repetition + k
                rng = np.random.default_rng(own)
                data = base(rng)
                spoil(rng, data, precision)
                yield name, own, {key: np.asarray(value).astype(precision.dtype) for key, value in data.items()}


def power(rng: np.random.Generator, most: float) -> float:
    """10^u, u uniform within +-most."""
    return float(10.0 ** rng.uniform(-most, most))
