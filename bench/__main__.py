"""python -m bench [NAME ...] | --all | compare A B"""

import argparse
import importlib
import sys
from pathlib import Path

from rich.console import Console

from bench import WORKLOADS, history, machine, report
from bench.runner import Outcome, run_case


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Workloads with every installed peer; without a NAME they are listed. "
        "`python -m bench compare A B` compares two runs: files of results, or commits of bench/history.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="workloads to run")
    parser.add_argument("--all", action="store_true", help="run every workload")
    parser.add_argument("--quick", action="store_true", help="small sizes: does everything run? Nothing is judged")
    parser.add_argument("--judge", action="store_true", help="hold the numbers to what is demanded of them")
    parser.add_argument("--wide", action="store_true", help="every column: compilation, memory, floor, status")
    parser.add_argument("--repeats", type=int, default=9, help="interleaved timed rounds (default: 9)")
    parser.add_argument("--out", type=Path, default=Path("bench/out"), help="folder of the JSON and the plot")
    parser.add_argument("--history", action="store_true", help="add the times to bench/history, under this machine")
    options = parser.parse_args(arguments)
    if options.names[:1] == ["compare"]:
        if len(options.names) != 3:
            parser.error("compare takes two runs")
        return options
    unknown = sorted(set(options.names) - set(WORKLOADS))
    if unknown or options.repeats < 1:
        parser.error(f"unknown workloads {unknown}, choose from {WORKLOADS}" if unknown else "--repeats must be >= 1")
    return options


def main() -> int:
    options = parse()
    if options.names[:1] == ["compare"]:
        report.print_comparison(*(history.load(run) for run in options.names[1:]))
        return 0
    if not options.names and not options.all:
        report.print_workloads({name: importlib.import_module(f"bench.{name}") for name in WORKLOADS})
        return 0
    machine.say_if_busy()
    outcomes: list[Outcome] = []
    interrupted = False
    try:
        for name in options.names or WORKLOADS:
            run_workload(name, options, outcomes)
    except KeyboardInterrupt:
        interrupted = True
        print("\ninterrupted: what is done is kept")
    if not outcomes:
        return 130
    json_path, plot_path = report.write(outcomes, options.out, quick=options.quick, repeats=options.repeats)
    print(f"\nwritten: {json_path} and {plot_path}")
    if options.history:
        print(f"added to {history.add(json_path)}")
    failed = any(result.error for outcome in outcomes for result in outcome.results if result.kind == "ours")
    return 130 if interrupted else int(failed)


def run_workload(name: str, options: argparse.Namespace, outcomes: list[Outcome]) -> None:
    """Run the cases of a workload, print each when it is done and add it to the outcomes."""
    judge = options.judge and not options.quick
    workload, first = importlib.import_module(f"bench.{name}"), len(outcomes)
    for case in workload.cases(options.quick):
        with Console(stderr=True).status(f"{name}: preparing") as status:
            outcome = run_case(case, name, options.repeats, judge=judge, say=status.update)
        outcomes.append(outcome)
        report.print_outcome(outcome, judge=judge, wide=options.wide)
        if outcome.interrupted:
            raise KeyboardInterrupt
    if hasattr(workload, "summary"):
        print(workload.summary(outcomes[first:]))


if __name__ == "__main__":
    sys.exit(main())
