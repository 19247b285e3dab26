"""The table of the suite, in Markdown, and what fails in a fit."""

from bench.faults import judge
from bench.faults.suite import Run

COLUMNS = ("fit", "dtype", "problems", *judge.VERDICTS, "error: lanes", "covers", "error / truth")


def table(runs: list[Run]) -> str:
    rows = [COLUMNS, tuple("-" * len(name) for name in COLUMNS), *map(row, runs)]
    widths = [max(len(cells[k]) for cells in rows) for k in range(len(COLUMNS))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True)) + " |" for cells in rows
    )


def row(run: Run) -> tuple[str, ...]:
    covered = judge.coverage(run.findings, run.precision)
    counts = [f"{run.count(verdict):,}" for verdict in judge.VERDICTS]
    claims = (
        (f"{covered.lanes:,}", f"{covered.share:.2%}", f"{covered.ratio:.3g}") if covered.lanes else ("0", "-", "-")
    )
    return run.fit, run.precision.name, f"{run.problems:,}", *counts, *claims


def details(run: Run) -> str:
    """What fails, a kind a line: how many of how many, and the seed of one."""
    lines = [f"{run.fit} {run.precision.name}: {run.problems:,} problems in {run.seconds:.0f} s"]
    for verdict, kind, status, count, of, seed in judge.failing_kinds(run.findings):
        lines.append(f"  {verdict:18} {count:3} of {of:3}  {kind} ({status}; seed {seed})")
    return "\n".join([*lines, *(f"  raised: {text}" for text in run.raised)])
