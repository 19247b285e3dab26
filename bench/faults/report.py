"""The table of the suite, in Markdown, and what fails in a fit."""

from bench.faults import judge
from bench.faults.suite import Run

COLUMNS = ("fit", "dtype", "problems", *judge.VERDICTS, "Solution.error")


def table(runs: list[Run]) -> str:
    return aligned([COLUMNS, *map(row, runs)])


def aligned(rows: list[tuple[str, ...]]) -> str:
    rows = [rows[0], tuple("-" * len(name) for name in rows[0]), *rows[1:]]
    widths = [max(len(cells[k]) for cells in rows) for k in range(len(rows[0]))]
    lines = (" | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) for cells in rows)
    return "\n".join(f"| {line} |" for line in lines)


def row(run: Run) -> tuple[str, ...]:
    counts = [f"{run.count(verdict):,}" for verdict in judge.VERDICTS]
    return run.fit, run.precision.name, f"{run.problems:,}", *counts, judge.coverage(run.findings, run.precision).text


def details(run: Run) -> str:
    """What fails, a kind a line: how many of how many, and the seed of one."""
    lines = [f"{run.fit} {run.precision.name}: {run.problems:,} problems in {run.seconds:.0f} s"]
    for verdict, kind, status, count, of, seed in judge.failing_kinds(run.findings):
        lines.append(f"  {verdict:18} {count:3} of {of:3}  {kind} ({status}; seed {seed})")
    return "\n".join([*lines, *(f"  raised: {text}" for text in run.raised)])
