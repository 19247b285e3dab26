"""Runs the problems of a fit, batched and a share of them alone, and judges every answer."""

import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import jax
import numpy as np

from bench.faults import judge
from bench.faults.judge import Answer, Finding
from bench.faults.problems import FLOAT32, FLOAT64, Data, Group, Precision
from bench.jax_trial import precision_of

FITS = (
    "least_squares",
    "fit_orthogonal",
    "logistic_regression",
    "multinomial_regression",
    "curve_fitting",
    "maximum_likelihood",
    "distributions",
    "minimize",
)
PRECISIONS = (FLOAT32, FLOAT64)


@dataclass(frozen=True)
class Run:
    """All findings of one fit in one precision, and where a group of problems raised, what."""

    fit: str
    precision: Precision
    findings: list[Finding]
    raised: list[str]
    seconds: float

    @property
    def problems(self) -> int:
        return sum(finding.verdict != judge.ALONE for finding in self.findings)

    def count(self, verdict: str) -> int:
        return sum(finding.verdict == verdict for finding in self.findings)


def problems(fit: str, precision: Precision, each: int, seed: int = 0) -> list[Group]:
    """The problems of one fit: `each` a kind in its main shape, fewer in others."""
    return importlib.import_module(f"bench.faults.{fit}").groups(precision, each, seed)


def ask(fit: str, precision: Precision, groups: list[Group]) -> Run:
    begin = time.perf_counter()
    findings, raised = [], []
    for group in groups:
        with precision_of(precision.dtype):
            try:
                findings += list(judged(group, precision))
            except Exception as error:  # whatever a user would see instead of a status
                raised.append(f"{group.name}: {type(error).__name__}: {error}"[:300])
                findings += [Finding(problem, None, judge.CRASHED) for problem in group.problems]
    return Run(fit, precision, findings, raised, time.perf_counter() - begin)


def judged(group: Group, precision: Precision) -> Iterator[Finding]:
    stacked = stack([problem.data for problem in group.problems])
    answers = read(jax.jit(jax.vmap(group.solve))(stacked))
    findings = [judge.judge(p, a, precision) for p, a in zip(group.problems, answers, strict=True)]
    one = jax.jit(group.solve)  # compiled only where it is used
    chosen = np.random.default_rng(0).permutation(len(findings))[: group.alone]
    for k, finding in enumerate(findings):
        yield finding
        if k in chosen:
            problem = finding.problem
            answer = read(jax.tree.map(lambda leaf: leaf[None], one(problem.data)))[0]
            if not judge.agree(finding, judge.judge(problem, answer, precision), precision):
                yield Finding(problem, answer, judge.ALONE)


def stack(lanes: list[Data]) -> Data:
    return {name: np.stack([data[name] for data in lanes]) for name in lanes[0]}


def read(raw) -> list[Answer]:
    from jaxnotes import Status

    status, estimate, se, error = (np.asarray(leaf) for leaf in jax.device_get(raw))
    lanes = len(status)
    numbers = (leaf.reshape(lanes, -1).astype(np.longdouble) for leaf in (estimate, se))
    rows = zip(status, *numbers, error.astype(np.float64), strict=True)
    return [Answer(Status(int(code)).name, *rest) for code, *rest in rows]
