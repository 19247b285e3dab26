"""python -m bench.faults [FIT ...] [--each 4] [--seed 0] [--float32 | --float64]: the table, and what fails."""

import argparse

from bench.faults import report, suite


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("fits", nargs="*", metavar="FIT", help=f"default: all of {', '.join(suite.FITS)}")
    parser.add_argument("--each", type=int, default=4, help="problems a kind in the main shape (default: 4)")
    parser.add_argument("--seed", type=int, default=0)
    only = parser.add_mutually_exclusive_group()
    for precision in suite.PRECISIONS:
        only.add_argument(f"--{precision.name}", dest="only", action="store_const", const=precision)
    options = parser.parse_args()
    runs = []
    for fit in options.fits or suite.FITS:
        for precision in [options.only] if options.only else suite.PRECISIONS:
            groups = suite.problems(fit, precision, options.each, options.seed)
            runs.append(suite.ask(fit, precision, groups))
            print(report.details(runs[-1]), flush=True)
    print(report.table(runs))


if __name__ == "__main__":
    main()
