"""What the bench prints and writes: a table and the demands of each case, one JSON, one plot."""

import dataclasses
import importlib.metadata
import json
import os
import platform
from pathlib import Path

import jax
from rich.console import Console
from rich.table import Table

from bench.runner import Outcome, Result

PACKAGES = (
    "jaxnotes", "jax", "jaxlib", "numpy", "scipy", "scikit-learn", "statsmodels", "glum", "jaxopt",
    "optax", "flax", "torch",
)  # fmt: skip
COLUMNS = (
    "contender", "compile", "first", "steady", "vs best peer", "of floor", "temp", "resident", "accuracy", "status",
)  # fmt: skip
VERDICTS = {True: "[green]met[/]", False: "[red]NOT MET[/]", None: "not judged"}
COLOURS = {"ours": "#d62728", "peer": "#7f7f7f", "kernel": "#1f77b4"}

console = Console(width=None if Console().is_terminal else 190, highlight=False)


def print_outcome(outcome: Outcome) -> None:
    case = outcome.case
    table = Table(title=f"{case.name}: {case.about}", title_justify="left", title_style="bold")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("contender", "status") else "right")
    for result in sorted(outcome.results, key=order):
        table.add_row(*row(result, case.asked), style="dim" if result.kind == "floor" else None)
    console.print(table)
    for line in footnotes(outcome):
        console.print(line)
    for demand in outcome.demands:
        console.print(f"  {VERDICTS[demand.met]}  {demand.text}: {demand.measured}")
    console.print()


def order(result: Result) -> tuple:
    return result.kind == "floor", result.median_s is None, result.median_s or 0


def row(result: Result, asked: float | None) -> list[str]:
    name = f"{result.name} ({result.note})" if result.note else result.name
    if result.median_s is None:
        return [name, *[""] * 8, f"not installed: {result.missing}" if result.missing else f"FAILED: {result.error}"]
    steady = f"{seconds(result.median_s)} ± {result.spread_s / result.median_s:.0%}"
    marks = ("*" if result.scaled else "") + ("†" if not result.counts and result.kind != "floor" else "")
    accuracy = "" if result.accuracy is None else f"{result.accuracy:.1e}"
    if result.accurate_share is not None and 0 < result.accurate_share < 1:
        accuracy += f" ({result.accurate_share:.2%} reach {asked:g})"
    ratio = "" if result.peer_ratio is None else f"{result.peer_ratio:.3g} x"
    share = "" if result.floor_ratio is None else f"{result.floor_ratio:.2g}"
    status = ", ".join(f"{name} {count:,}" for name, count in result.status.items())
    steps = "" if result.steps is None else f"; {result.steps:.1f} steps"
    return [
        name, seconds(result.compile_s), seconds(result.first_s), steady + marks, ratio, share,
        size(result.temp_bytes), size(result.rss_bytes), accuracy, status + steps,
    ]  # fmt: skip


def seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def size(value: int | None) -> str:
    return "" if value is None else f"{value / 2**20:,.1f} MiB"


def footnotes(outcome: Outcome) -> list[str]:
    case, results = outcome.case, outcome.results
    lines = []
    if case.asked is not None:
        lines.append(f"accuracy: {case.accuracy_name} of the worst problem, in float64; asked {case.asked:g}")
    if any(result.scaled for result in results):
        cut = ", ".join(f"{result.name} {result.problems:,}" for result in results if result.scaled)
        lines.append(f"* measured on the first problems only, time scaled up linearly: {cut}")
    if any(result.median_s is not None and not result.counts for result in results if result.kind != "floor"):
        lines.append("† less accurate than asked, or another objective: its time does not count")
    if any(len(result.times_s) == 1 for result in results):
        once = ", ".join(result.name for result in results if len(result.times_s) == 1)
        lines.append(f"one run only: {once}")
    if outcome.floor_s is not None:
        lines.append(f"floor {seconds(outcome.floor_s)}: {case.floor_about}")
    return lines


def write(outcomes: list[Outcome], folder: Path, quick: bool, repeats: int) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    json_path, plot_path = folder / "bench.json", folder / "bench.png"
    contents = {
        "device": device(),
        "versions": {name: version(name) for name in PACKAGES},
        "quick": quick,
        "repeats": repeats,
        "cases": [as_json(outcome) for outcome in outcomes],
    }
    json_path.write_text(json.dumps(contents, indent=1) + "\n")
    plot(outcomes, plot_path)
    return json_path, plot_path


def as_json(outcome: Outcome) -> dict:
    case = outcome.case
    return {
        "workload": outcome.workload,
        "name": case.name,
        "about": case.about,
        "problems": case.problems,
        "input_bytes": case.input_bytes,
        "accuracy": case.accuracy_name,
        "asked": case.asked,
        "floor_s": outcome.floor_s,
        "floor": case.floor_about,
        "results": [dataclasses.asdict(result) for result in outcome.results],
        "demands": [dataclasses.asdict(demand) for demand in outcome.demands],
    }


def device() -> dict:
    first = jax.devices()[0]
    return {
        "jax": f"{first.platform}: {first.device_kind}",
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def cpu_name() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def plot(outcomes: list[Outcome], path: Path) -> None:
    """Median seconds of every contender, a panel a case, logarithmic; pale bars do not count."""
    from matplotlib.figure import Figure

    shown = [sorted((r for r in o.results if r.kind != "floor" and r.median_s), key=order)[::-1] for o in outcomes]
    heights = [1.0 + 0.3 * len(results) for results in shown]
    figure = Figure(figsize=(9, 0.5 + sum(heights)), layout="constrained")
    panels = figure.subplots(len(outcomes), 1, squeeze=False, height_ratios=heights)[:, 0]
    for panel, outcome, results in zip(panels, outcomes, shown, strict=True):
        bars = panel.barh(
            [result.name for result in results],
            [result.median_s for result in results],
            xerr=[[r.median_s - min(r.times_s) for r in results], [max(r.times_s) - r.median_s for r in results]],
            color=[COLOURS[result.kind] for result in results],
        )
        for bar, result in zip(bars, results, strict=True):
            bar.set_alpha(1.0 if result.counts else 0.3)
        if outcome.floor_s is not None:
            panel.axvline(outcome.floor_s, color="black", linestyle="--", linewidth=1)
        panel.set_xscale("log")
        panel.set_title(f"{outcome.case.name}: {outcome.case.about}", fontsize="small", loc="left")
    panels[-1].set_xlabel("seconds (dashed: the floor; pale: less accurate than asked, or another objective)")
    figure.savefig(path, dpi=120)
