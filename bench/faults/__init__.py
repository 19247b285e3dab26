"""4,200 labelled problems of all fits: is every CONVERGED true, is every refusal for its reason? See docs/faults.md.

A case is a fit in one precision. It runs once, whatever the rounds: what it measures is no time.
"""

import dataclasses
import functools
from collections import Counter

import numpy as np

from bench import demands
from bench.runner import Answer, Case, Contender, Demand, Outcome, Result, Trial

MINUTES = 15

EACH = 4  # problems a kind in the main shape of a fit
NEVER = ("silently wrong", "untrue reason", "NaN leaked", "crashed", "differs alone")


def cases(quick: bool):
    from bench.faults import suite

    for fit in suite.FITS:
        for precision in suite.PRECISIONS:
            groups = suite.problems(fit, precision, 1 if quick else EACH)
            # Quickly: the main shape, a problem a kind, and only in company, which saves a compilation.
            quicker = [dataclasses.replace(groups[0], alone=0)]
            yield case(suite, fit, precision, quicker if quick else groups)


def case(suite, fit: str, precision, groups) -> Case:
    problems = sum(len(group.problems) for group in groups)

    @functools.cache
    def run():
        return suite.ask(fit, precision, groups)

    def make(count: int) -> Trial:
        return Trial(run, read, seconds=lambda run: run.seconds)

    return Case(
        name=f"faults {fit} {precision.name}",
        about=f"{problems:,} labelled problems of {fit} in {precision.name}",
        problems=problems,
        contenders=[Contender(demands.OURS, make, kind="ours", note="once")],
        demands=lambda results: judged(run(), results[demands.OURS]),
        accuracy=lambda answer: answer.coef[:, 0],
        accuracy_name="0 for what is right or rightly refused, 1 for a fault",
        asked=0.5,
    )


def read(run) -> Answer:
    from bench.faults import judge

    faults = np.array([[finding.verdict in judge.FAULTS] for finding in run.findings], np.float64)
    counts = Counter(finding.verdict for finding in run.findings)
    status = {verdict: counts[verdict] for verdict in judge.VERDICTS if counts[verdict]}
    return Answer(faults, np.zeros(len(faults)), status)


def judged(run, result: Result) -> list[Demand]:
    """What must never be, and which kinds it befell; needless refusals; what `Solution.error` is worth."""
    from bench.faults import judge

    if result.error:
        return [Demand("the suite runs", result.error, False)]
    rows = judge.failing_kinds(run.findings)

    def befell(verdicts) -> str:
        told = [
            f"{kind} {count} of {of} ({status}, seed {seed})"
            for v, kind, status, count, of, seed in rows
            if v in verdicts
        ]
        return "; ".join([*told, *run.raised]) or "none"

    most = 0.03 if run.precision.name == "float32" else 0.01
    share = run.count(judge.NEEDLESS) / max(run.problems, 1)
    covered = judge.coverage(run.findings, run.precision)
    return [
        Demand(
            "never silently wrong, untrue, leaked, crashed or of its company's making",
            befell(NEVER),
            not any(map(run.count, NEVER)),
        ),
        Demand(f"at most {most:.0%} needlessly refused", f"{share:.1%}: {befell((judge.NEEDLESS,))}", share <= most),
        Demand(
            "Solution.error covers 99.9 %, within 30 x in half",
            covered.text,
            covered.share >= 0.999 and not covered.ratio > 30 if covered.lanes else None,
        ),
    ]


def summary(outcomes: list[Outcome]) -> str:
    """One table of all cases."""
    from bench.faults import judge, report

    rows = []
    for outcome in outcomes:
        (result,), name = outcome.results, outcome.case.name.split()
        counts = [f"{result.status.get(verdict, 0):,}" for verdict in judge.VERDICTS]
        rows.append((*name[1:], f"{outcome.case.problems:,}", *counts, outcome.demands[-1].measured))
    return report.aligned([report.COLUMNS, *rows])
