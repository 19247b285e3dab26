"""What a status, an estimate and its standard errors are worth, held against the truth of a problem."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from bench.faults.problems import Precision, Problem, Truth

RIGHT, REFUSED, NEEDLESS = "right", "rightly refused", "needlessly refused"
WRONG, UNTRUE, LEAKED, CRASHED, ALONE = "silently wrong", "untrue reason", "NaN leaked", "crashed", "differs alone"
VERDICTS = (RIGHT, REFUSED, NEEDLESS, WRONG, UNTRUE, LEAKED, CRASHED, ALONE)
FAULTS = VERDICTS[2:]

PROMISE, ULPS = 0.01, 2  # of a standard error, or units in the last place
SE = 0.01  # a standard error may be this far off, relatively


@dataclass(frozen=True)
class Answer:
    """Of one lane, in float64: the status by name, the flat estimate, its standard errors and its claim."""

    status: str
    estimate: np.ndarray
    se: np.ndarray
    error: float


@dataclass(frozen=True)
class Finding:
    """A problem with what became of it; distance in standard errors where there is an answer."""

    problem: Problem
    answer: Answer | None
    verdict: str
    distance: float = np.nan


def judge(problem: Problem, answer: Answer, precision: Precision) -> Finding:
    truth = problem.truth
    if answer.status != "CONVERGED":
        return Finding(problem, answer, refusal(answer, truth, precision))
    if truth.params is None:
        return Finding(problem, answer, WRONG)
    verdict, distance = compare(answer, truth, precision)
    if verdict == WRONG and problem.check is not None and problem.check(answer):
        return Finding(problem, answer, RIGHT)
    return Finding(problem, answer, verdict, distance)


def refusal(answer: Answer, truth: Truth, precision: Precision) -> str:
    if answer.status in truth.reasons:
        return REFUSED
    if truth.params is None:
        return UNTRUE
    if not fits(truth, precision):
        return REFUSED if answer.status == "DIVERGED" else UNTRUE
    return NEEDLESS


def fits(truth: Truth, precision: Precision) -> bool:
    """Are the parameters and standard errors normal numbers of the dtype?"""
    info = np.finfo(precision.dtype)
    normal = np.abs(truth.params) <= info.max
    normal &= np.isnan(truth.se) | (truth.se == 0) | ((truth.se >= info.tiny) & (truth.se <= info.max))
    return bool(normal.all())


def compare(answer: Answer, truth: Truth, precision: Precision) -> tuple[str, float]:
    """(verdict, distance in standard errors) of an answer that says it has converged."""
    expected = np.isfinite(truth.se)
    if not np.isfinite(answer.estimate).all() or np.isnan(answer.se[expected]).any():
        return LEAKED, np.nan
    off = np.abs(answer.estimate - truth.params)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = float(np.nanmax(np.where(off == 0, 0, off / truth.scale)))
    near = np.all(off <= tolerance(truth, precision))
    return (RIGHT if near and errors_are_right(answer, truth, expected) else WRONG), distance


def errors_are_right(answer: Answer, truth: Truth, expected: np.ndarray) -> bool:
    """Within 1 %; NaN where they are 0 / 0; where the fit is exact but for rounding, no larger than rounding."""
    if np.isfinite(answer.se[~expected]).any():
        return False
    small = answer.se <= 100 * truth.floor
    right = np.where(truth.exact & (truth.floor > 0), small, np.abs(answer.se - truth.se) <= SE * truth.se)
    return bool(right[expected].all())


def agree(batched: Finding, alone: Finding, precision: Precision) -> bool:
    """The same status and verdict with and without neighbours, and the same numbers to within twice the promise."""
    if batched.answer.status != alone.answer.status or batched.verdict != alone.verdict:
        return False
    truth = batched.problem.truth
    if alone.answer.status != "CONVERGED" or truth.params is None or batched.problem.check is not None:
        return True
    return bool(np.all(np.abs(batched.answer.estimate - alone.answer.estimate) <= 2 * tolerance(truth, precision)))


def tolerance(truth: Truth, precision: Precision) -> np.ndarray:
    largest = float(np.finfo(precision.dtype).max) / 2
    ulp = np.spacing(np.clip(np.abs(truth.params), 0, largest).astype(precision.dtype)).astype(np.longdouble)
    return np.maximum(np.maximum(PROMISE * truth.scale, ULPS * ulp), truth.allowed)


@dataclass(frozen=True)
class Coverage:
    """How often the truth was within `Solution.error`, of how many lanes that have standard errors beyond rounding.

    ratio: the median of error / truth among those whose distance is above eps.
    """

    lanes: int
    share: float
    ratio: float

    @property
    def text(self) -> str:
        if not self.lanes:
            return "no lane"
        return f"covers {self.share:.2%} of {self.lanes:,}, {self.ratio:.3g} x the truth"


def coverage(findings: list[Finding], precision: Precision) -> Coverage:
    told = [f for f in findings if f.verdict in (RIGHT, WRONG) and f.answer and np.isfinite(f.answer.error)]
    told = [
        f for f in told if np.isfinite(f.distance) and not np.any(f.problem.truth.exact & (f.problem.truth.floor > 0))
    ]
    if not told:
        return Coverage(0, np.nan, np.nan)
    ratios = [f.answer.error / f.distance for f in told if f.distance > precision.eps]
    share = np.mean([f.distance <= f.answer.error for f in told])
    return Coverage(len(told), float(share), float(np.median(ratios)) if ratios else np.nan)


def failing_kinds(findings: list[Finding]) -> list[tuple[str, str, str, int, int, int]]:
    """(verdict, kind, status, count, of how many, a seed), the most frequent first."""
    sizes = Counter(finding.problem.kind for finding in findings)
    seen: dict[tuple[str, str, str], list[int]] = {}
    for finding in findings:
        if finding.verdict in FAULTS:
            status = finding.answer.status if finding.answer else "-"
            seen.setdefault((finding.verdict, finding.problem.kind, status), []).append(finding.problem.seed)
    rows = [(*key, len(seeds), sizes[key[1]], seeds[0]) for key, seeds in seen.items()]
    return sorted(rows, key=lambda row: (FAULTS.index(row[0]), -row[3]))
