"""What the bench prints and writes: a table and the demands of each case, one JSON, one plot."""

import dataclasses
import importlib.metadata
import json
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

from bench import history, machine
from bench.runner import Outcome, Result

PACKAGES = (
    "jaxnotes", "jax", "jaxlib", "numpy", "scipy", "scikit-learn", "statsmodels", "glum", "jaxopt",
    "optax", "flax", "torch",
)  # fmt: skip
COLUMNS = ("contender", "steady", "against ours", "accuracy", "note")
WIDE = (
    "contender", "compile", "first", "steady", "against ours", "vs best peer", "of floor", "temp", "resident",
    "accuracy", "status",
)  # fmt: skip
LEFT = ("contender", "note", "status")
NOISY = 0.2  # half the distance between the quartiles, of the median
VERDICTS = {True: "[green]met[/]", False: "[red]NOT MET[/]", None: "not judged"}
COLOURS = {"ours": "#d62728", "peer": "#7f7f7f", "kernel": "#1f77b4"}

NARROW = 80
console = Console(width=None if Console().is_terminal else NARROW, highlight=False)
wide_console = Console(width=None if Console().is_terminal else 190, highlight=False)


def print_workloads(modules: dict[str, ModuleType]) -> None:
    """What there is to run: a line and the minutes of each."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for name, module in modules.items():
        about = (module.__doc__ or "").strip().splitlines()[0]
        table.add_row(name, f"{module.MINUTES:g} min", about)
    console.print(table)
    total = sum(module.MINUTES for module in modules.values())
    console.print(f"\nRun some of them: python -m bench NAME ...; all, in {total:g} minutes on two cores: --all.")


def print_outcome(outcome: Outcome, *, judge: bool, wide: bool) -> None:
    """The table of a case: five columns, or all of them if wide; its demands if they are to be judged."""
    case, on = outcome.case, wide_console if wide else console
    columns = WIDE if wide else COLUMNS
    table = Table(title=f"{case.name}: {case.about}", title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in LEFT else "right", overflow="fold")
    ours = next((r.median_s for r in outcome.results if r.kind == "ours"), None)
    for result in sorted(outcome.results, key=order):
        if wide or result.kind != "floor":
            cells = row(result, case.asked, ours)
            table.add_row(*(cells[column] for column in columns), style="dim" if result.kind == "floor" else None)
    on.print(table)
    for line in footnotes(outcome):
        on.print(line)
    if judge:
        for line in (*doubts(outcome), *(f"{VERDICTS[d.met]}  {d.text}: {d.measured}" for d in outcome.demands)):
            on.print(f"  {line}")
    on.print()


def doubts(outcome: Outcome) -> list[str]:
    """What speaks against the times, said before they are judged."""
    measured = [result for result in outcome.results if result.median_s and len(result.times_s) > 2]
    unsteady = [result.name for result in measured if result.spread_s > NOISY * result.median_s]
    if not unsteady:
        return []
    busy = machine.load()
    load = "" if busy is None else f"; {busy:.1f} runnable processes a core"
    return [f"[yellow]noisy[/]: times of {', '.join(unsteady)} spread by more than {NOISY:.0%}{load}"]


def print_comparison(before: dict, after: dict) -> None:
    """Times after / before of all that two runs measured."""
    table = Table(title="time of the second run / time of the first", title_justify="left")
    for column in ("case", "contender", "ratio", "spread"):
        table.add_column(column, justify="left" if column in ("case", "contender") else "right")
    for case, name, ratio, spread in history.ratios(before, after):
        table.add_row(case, name, f"{ratio:.3f}", f"± {spread:.0%}", style=None if abs(ratio - 1) > spread else "dim")
    console.print(table)
    console.print("dim: no further from 1 than the spread of both")


def order(result: Result) -> tuple:
    return result.kind == "floor", result.median_s is None, result.median_s or 0


def row(result: Result, asked: float | None, ours: float | None) -> dict[str, str]:
    """The cells of a contender, by column; ours: seconds of jaxnotes."""
    if result.median_s is None:
        note = f"not installed: {result.missing}" if result.missing else f"FAILED: {result.error}"
        note = result.missing if result.missing == "interrupted" else note
        return dict.fromkeys((*WIDE, *COLUMNS), "") | {"contender": result.name, "note": note, "status": note}
    marks = ("*" if result.scaled else "") + ("†" if not result.counts and result.kind != "floor" else "")
    accuracy = "" if result.accuracy is None else f"{result.accuracy:.1e}"
    share = result.accurate_share
    if share is not None and 0 < share < 1:
        accuracy += f" ({share:.2%} reach {asked:g})"
    status = ", ".join(f"{name} {count:,}" for name, count in result.status.items())
    steps = "" if result.steps is None else f"; {result.steps:.1f} steps"
    return {
        "contender": result.name,
        "compile": seconds(result.compile_s),
        "first": seconds(result.first_s),
        "steady": f"{seconds(result.median_s)} ± {result.spread_s / result.median_s:.0%}{marks}",
        "against ours": "" if ours is None else f"{result.median_s / ours:.3g} x",
        "vs best peer": "" if result.peer_ratio is None else f"{result.peer_ratio:.3g} x",
        "of floor": "" if result.floor_ratio is None else f"{result.floor_ratio:.2g}",
        "temp": size(result.temp_bytes),
        "resident": size(result.rss_bytes),
        "accuracy": accuracy,
        "note": result.note,
        "status": "; ".join(part for part in (result.note, status + steps) if part),
    }


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
        "device": machine.describe(),
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
