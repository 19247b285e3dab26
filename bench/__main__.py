"""python -m bench [NAME ...] [--quick] [--repeats 9] [--out DIR]"""

import argparse
import importlib
import sys
from pathlib import Path

from bench import WORKLOADS, report
from bench.runner import run_case


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Workloads with every installed peer.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"workloads (default: all): {', '.join(WORKLOADS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes: does everything run? Nothing is judged")
    parser.add_argument("--repeats", type=int, default=9, help="interleaved timed rounds (default: 9)")
    parser.add_argument("--out", type=Path, default=Path("bench/out"), help="folder of the JSON and the plot")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(WORKLOADS))
    if unknown or options.repeats < 1:
        parser.error(f"unknown workloads {unknown}, choose from {WORKLOADS}" if unknown else "--repeats must be >= 1")
    return options


def main() -> int:
    options = parse()
    outcomes = []
    for name in options.names or WORKLOADS:
        for case in importlib.import_module(f"bench.{name}").cases(options.quick):
            outcomes.append(run_case(case, name, options.repeats, judge=not options.quick))
            report.print_outcome(outcomes[-1])
    json_path, plot_path = report.write(outcomes, options.out, quick=options.quick, repeats=options.repeats)
    print(f"\nwritten: {json_path} and {plot_path}")
    return int(any(result.error for outcome in outcomes for result in outcome.results if result.kind == "ours"))


if __name__ == "__main__":
    sys.exit(main())
