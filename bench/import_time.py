"""What `import jaxnotes` costs beside `import jax`, each in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

from bench import demands
from bench.runner import Case, Contender, Trial

MINUTES = 1

ROOT = Path(__file__).parent.parent
CLOCK = "import time; begin = time.perf_counter(); import {module}; print(time.perf_counter() - begin)"


def cases(quick: bool):
    yield Case(
        name="import_time",
        about="import statements, each timed inside a fresh interpreter",
        problems=1,
        contenders=[
            importing(demands.OURS, "jaxnotes", "ours"),
            importing("with a chapter", "jaxnotes.logistic_regression", "ours", note="import jaxnotes is lazy"),
            importing("import jax", "jax", "peer"),
        ],
        demands=lambda results: [demands.within(results, 1.15, "import jax")],
    )


def importing(name: str, module: str, kind: str, note: str = "") -> Contender:
    command = [sys.executable, "-c", CLOCK.format(module=module)]

    def run():
        return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)

    return Contender(name, lambda count: Trial(run, seconds=float), kind=kind, note=note)
