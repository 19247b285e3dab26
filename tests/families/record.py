"""What the tests of the distributions ask of each family, and where in a law they look."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np

from jaxnotes import Status

mp.mp.dps = 50
INF = np.inf
Params = tuple[float, ...]
# Parameters, and points x.
Points = list[tuple[Params, list[float]]]
rng = np.random.default_rng


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Record:
    """What holds of every family, vectors too.

    sample: data to fit, and `known`, what `fit` must be told with them. peak: how a fit of the sample ends; kinked: has
    the likelihood a kink at its maximum? endings: by what is fitted, data and keywords of a fit, and its status.
    certified: cases of the reference file "mle". refused: by what is wrong, a call, the error, and its message.
    """

    family: Any
    sample: np.ndarray
    known: dict[str, Any] = dataclasses.field(default_factory=dict)
    peak: Status = Status.CONVERGED
    kinked: bool = False
    endings: dict[str, tuple[Any, dict, Status]] = dataclasses.field(default_factory=dict)
    certified: tuple[str, ...] = ()
    refused: dict[str, tuple[Callable, type[Exception], str]] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        return self.family.__name__


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Scalar(Record):
    """A family of laws of numbers.

    log_density(x, *params) and tails(x, *params), both logarithms, by mpmath; a discrete family's tails are summed from
    its log_density. grid: parameters and points for log_density, far out and with large parameters. laws: one or two
    regular laws, for the tails, from the far left to the far right. regular: parameters of one law with moments, and
    smooth: points inside it, away from kinks, of a discrete family its least value first. invalid: parameters of no
    law. ends: parameters, an end of the support, and log_prob there. edges: parameters on the edge of their space, the
    one x that they allow, and the gradient of log_prob there. closed: does log_density hold at the ends of the support?
    moments: are there a mean and a variance? moving: parameters that move the support. middle: a point where integrals
    start. peer: the law in SciPy, and what its fit must hold fixed.
    """

    log_density: Callable
    tails: Callable | None = None
    grid: Points
    laws: Points
    regular: Params
    smooth: list[float]
    invalid: list[Params]
    ends: list[tuple[Params, float, float]] = dataclasses.field(default_factory=list)
    edges: list[tuple[Params, float, list[float]]] = dataclasses.field(default_factory=list)
    closed: bool = False
    moments: bool = True
    moving: tuple[str, ...] = ()
    middle: float = 1.0
    peer: tuple[Any, dict[str, float]] | None = None


# Offsets from the centre in units of the spread: the middle, the tails, far tails.
REAL = [0.0, 1e-9, -0.3, 1.0, -2.0, 5.0, -10.0, 40.0, -40.0, 700.0, -600.0, 1e6, -1e12]
RATIO = [1.0, 1 + 1e-7, 0.99, 1.3, 0.5, 3.0, 0.05, 30.0, 1e-5, 1e-30]
LOC_SCALE = [(0.0, 1.0), (3.0, 0.25), (1e8, 1e-3), (-7e-5, 1e-30), (12345.678, 9.87e10)]
NO_LOC_SCALE: list[Params] = [(INF, 1.0), (0.0, 0.0), (0.0, -1.0), (0.0, INF)]


def shifted(m: float, s: float) -> list[float]:
    return [m + s * z for z in REAL]


def bell(mean: float, sd: float, lower: float = 0.0, upper: float = INF) -> list[float]:
    """Points about the mean of a law of large shape, and far from it, inside the support."""
    points = [mean + sd * z for z in (0.0, 0.01, 0.7, -1.0, 3.0, -6.0, 20.0, -30.0)]
    return [x for x in [*points, *(mean * r for r in (0.3, 0.01, 1e-12, 2.5, 90.0))] if lower < x < upper]


def count_points(mean: float, sd: float, upper: float = INF) -> list[float]:
    return sorted({float(math.floor(x)) for x in [0.0, 1.0, 2.0, 7.0, *bell(mean, sd)] if x <= upper})


def power(base, exponent):
    """log(base^exponent), with 0^0 = 1."""
    return mp.mpf(0) if exponent == 0 else mp.ninf if base == 0 else exponent * mp.log(base)


def exponential_pair(exponent):
    """The tails of a law with log P(X > x) = -exponent."""
    return mp.log(-mp.expm1(-exponent)), -exponent


def normal_tails(z):
    return tuple(mp.log(mp.erfc(side / mp.sqrt(2)) / 2) for side in (-z, z))
