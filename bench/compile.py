"""Processor seconds to the first answer of each model, beside those of a plain program compiled in the same process."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench import demands
from bench.runner import Case, Contender, Trial

MINUTES = 10

ROOT = Path(__file__).parent.parent
MODELS = (
    "least_squares",
    "logistic_regression",
    "multinomial_regression",
    "curve_fitting",
    "Gamma",
    "maximum_likelihood",
)
UNIT = "plain program"
MOST_UNITS = 5.0
PARTS = ("tracing", "compiling")


def cases(quick: bool):
    for model in MODELS[:1] if quick else MODELS:
        yield case(model)


def case(model: str) -> Case:
    process = FreshProcess(model)
    return Case(
        name=f"compile {model}",
        about="the first answer in a fresh process, 200 x 8 float32, in processor seconds; the parts dimmed",
        problems=1,
        contenders=[
            Contender(demands.OURS, lambda count: Trial(process.start, seconds=at("fit", "all")), "ours", note="fit"),
            part(process, "infer", "infer", "all", kind="ours"),
            part(process, UNIT, "unit", "all", kind="peer"),
            *(part(process, f"{verb}: {name}", verb, name) for verb in ("fit", "infer") for name in PARTS),
        ],
        demands=lambda results: [demands.first_answer_within(results, MOST_UNITS, UNIT)],
    )


class FreshProcess:
    """The measurements of one process, which the first contender of a round starts and the others read."""

    def __init__(self, model: str):
        self.model, self.measured = model, {}

    def start(self) -> dict:
        """Measure anew, on one core, without the flags that tests compile with."""
        command = [sys.executable, "-m", "bench.compile_process", self.model]
        environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, preexec_fn=on_one_core
        )
        self.measured = json.loads(done.stdout)
        return self.measured


def on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def at(verb: str, name: str):
    return lambda measured: measured[verb][name]


def part(process: FreshProcess, label: str, verb: str, name: str, kind: str = "floor") -> Contender:
    return Contender(label, lambda count: Trial(lambda: process.measured, seconds=at(verb, name)), kind)
