"""NIST's nonlinear regression problems from both of their starts: who finds the certified answers, and who says so."""

import functools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import demands
from bench.peers import one_after_the_other, quietly
from bench.runner import Answer, Case, Contender, Demand, Trial

MINUTES = 2

REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "nist_nonlinear.json"
WIDTH = 9  # the most parameters of a problem
RIGHT = 1e-6  # six right digits of every parameter
CONVERGED = "CONVERGED"

# Three of them, typed in, so that something can always be run. Source: NIST StRD, nonlinear least squares regression,
# https://www.itl.nist.gov/div898/strd (public domain): Misra1a, MGH09 and BoxBOD.
EMBEDDED: tuple[dict[str, Any], ...] = (
    {
        "name": "Misra1a",
        "model": "b1*(1 - np.exp(-b2*x))",
        "params": ["b1", "b2"],
        "starts": [[500, 0.0001], [250, 0.0005]],
        "certified": {
            "params": ["2.3894212918E+02", "5.5015643181E-04"],
            "std_dev": ["2.7070075241E+00", "7.2668688436E-06"],
            "rss": "1.2455138894E-01",
        },
        "data": {
            "y": [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.4, 75.47, 81.78],
            "x": [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0],
        },
    },
    {
        "name": "MGH09",
        "model": "b1*(x**2 + x*b2)/(x**2 + x*b3 + b4)",
        "params": ["b1", "b2", "b3", "b4"],
        "starts": [[25, 39, 41.5, 39], [0.25, 0.39, 0.415, 0.39]],
        "certified": {
            "params": ["1.9280693458E-01", "1.9128232873E-01", "1.2305650693E-01", "1.3606233068E-01"],
            "std_dev": ["1.1435312227E-02", "1.9633220911E-01", "8.0842031232E-02", "9.0025542308E-02"],
            "rss": "3.0750560385E-04",
        },
        "data": {
            "y": [0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246],
            "x": [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625],
        },
    },
    {
        "name": "BoxBOD",
        "model": "b1*(1 - np.exp(-b2*x))",
        "params": ["b1", "b2"],
        "starts": [[1, 1], [100, 0.75]],
        "certified": {
            "params": ["2.1380940889E+02", "5.4723748542E-01"],
            "std_dev": ["1.2354515176E+01", "1.0455993237E-01"],
            "rss": "1.1680088766E+03",
        },
        "data": {"y": [109.0, 149.0, 149.0, 191.0, 213.0, 224.0], "x": [1.0, 2.0, 3.0, 5.0, 7.0, 10.0]},
    },
)


@dataclass(frozen=True, eq=False)
class Problem:
    """One problem from one start. certified: params, std_dev and rss, in float64."""

    name: str
    start: np.ndarray
    number: int
    x: dict[str, np.ndarray]
    y: np.ndarray
    params: np.ndarray
    std_dev: np.ndarray
    rss: float
    formula: Any
    names: tuple[str, ...]

    def model(self, params, x, xp=np):
        """The curve at parameters and predictors, by NumPy or by jax.numpy."""
        return eval(self.formula, {"np": xp}, {**x, **dict(zip(self.names, params, strict=True))})

    def error(self, params) -> float:
        """The largest relative error of a parameter; infinite where one is not finite."""
        found = np.max(np.abs(np.asarray(params, np.float64) / self.params - 1))
        return float(found) if np.isfinite(found) else np.inf


def problems(cases=None) -> list[Problem]:
    """Both starts of the cases given, in the form of EMBEDDED or of the reference file."""
    if cases is None:
        cases = json.loads(REFERENCE.read_text())["cases"] if REFERENCE.exists() else EMBEDDED
    return [problem(case, number) for case in cases for number in range(2)]


def problem(case: dict[str, Any], number: int) -> Problem:
    data = {name: np.asarray(values, np.float64) for name, values in case["data"].items()}
    certified = {name: np.asarray(value, np.float64) for name, value in case["certified"].items()}
    return Problem(
        name=case["name"],
        start=np.asarray(case["starts"][number], np.float64),
        number=number + 1,
        x={name: values for name, values in data.items() if name != "y"},
        y=np.asarray(eval(case.get("response", "y"), {"np": np}, data)),
        params=certified["params"],
        std_dev=certified["std_dev"],
        rss=float(certified["rss"]),
        formula=compile(case["model"], case["name"], "eval"),
        names=tuple(case["params"]),
    )


def cases(quick: bool):
    runs = problems(EMBEDDED if quick else None)

    def accuracy(answer: Answer) -> np.ndarray:
        found = answer.coef
        return np.array([run.error(row[: len(run.params)]) for run, row in zip(runs, found, strict=True)])

    yield Case(
        name="nist",
        about=f"{len(runs) // 2} certified problems from 2 starts each, float64",
        problems=len(runs),
        contenders=[
            ours(runs),
            scipy_loop(runs, "as it comes"),
            scipy_loop(runs, "tightest tolerances", maxfev=20_000, ftol=1e-15, xtol=1e-15, gtol=1e-15),
            lmfit_loop(runs, "as it comes"),
            lmfit_loop(runs, "tightest tolerances", max_nfev=20_000, ftol=1e-15, xtol=1e-15, gtol=1e-15),
        ],
        demands=functools.partial(judge, runs=len(runs)),
        accuracy=accuracy,
        accuracy_name="relative error of the certified parameters",
        asked=RIGHT,
    )


def answer_of(runs: list[Problem], found: list[tuple[np.ndarray, bool]], steps=None) -> Answer:
    """The parameters side by side, and how many runs ended how: right or not, and said to be right or not."""
    rows, endings = np.full((len(runs), WIDTH), np.nan), Counter()
    for row, run, (params, converged) in zip(rows, runs, found, strict=True):
        row[: len(params)] = params
        error = run.error(params)
        endings[f"start {run.number}: {'right' if error <= RIGHT else 'wrong'}"] += 1
        endings["8 digits"] += error <= 1e-8
        endings["wrong but 'converged'"] += bool(converged) and error > 1e-4
    return Answer(
        rows, np.zeros(len(runs)), dict(sorted(endings.items(), key=lambda item: item[0], reverse=True)), steps
    )


def ours(runs: list[Problem]) -> Contender:
    def make(count):
        import time

        import jax
        import jax.numpy as jnp

        from jaxnotes import curve_fitting
        from jaxnotes.core.values.compat import x64

        def solver(run: Problem) -> Callable:
            def model(params, x):
                return run.model(params, x, jnp)

            return jax.jit(lambda start: curve_fitting.fit(model, start, run.x, run.y)).lower(run.start).compile()

        begin = time.perf_counter()
        with x64():
            solvers = {run.name: solver(run) for run in runs}
        compile_s = (time.perf_counter() - begin) / len(solvers)

        def solve():
            with x64():
                return jax.block_until_ready([solvers[run.name](run.start) for run in runs])

        def read(raw):
            found = [(np.asarray(solution.params), int(solution.status) == 0) for solution in raw]
            return answer_of(runs, found, float(np.mean([int(solution.steps) for solution in raw])))

        return Trial(solve, read, compile_s)

    return Contender(demands.OURS, make, kind="ours", note="compile: of one problem")


def scipy_loop(runs: list[Problem], note: str, **settings) -> Contender:
    def make(count):
        from scipy.optimize import curve_fit

        def one(k):
            run = runs[k]
            try:
                found = curve_fit(lambda x, *params: run.model(params, run.x), run.y, run.y, p0=run.start, **settings)[
                    0
                ]
            except RuntimeError:
                return np.full(len(run.start), np.nan), False
            return found, True

        return Trial(lambda: silent(one, count), lambda raw: answer_of(runs, raw))

    return Contender(f"scipy curve_fit, {note}", make)


def lmfit_loop(runs: list[Problem], note: str, max_nfev: int | None = None, **settings) -> Contender:
    def make(count):
        import lmfit

        def one(k):
            run = runs[k]
            params = lmfit.create_params(**dict(zip(run.names, run.start, strict=True)))

            def residual(params):
                return run.model([params[name].value for name in run.names], run.x) - run.y

            try:
                found = lmfit.minimize(residual, params, max_nfev=max_nfev, **settings)
            except ValueError:  # a curve that is not finite somewhere on the way
                return np.full(len(run.start), np.nan), False
            return np.array([found.params[name].value for name in run.names]), found.success

        return Trial(lambda: silent(one, count), lambda raw: answer_of(runs, raw))

    return Contender(f"lmfit minimize, {note}", make)


def silent(one: Callable, count: int):
    with np.errstate(all="ignore"):
        return quietly(one_after_the_other, one, count)


def judge(results, runs: int) -> list[Demand]:
    ending = results[demands.OURS].status
    rates = {name: result.status for name, result in results.items() if result.kind == "peer" and result.status}
    half = runs // 2

    def rate(kind: str) -> str:
        rivals = "; ".join(f"{name} {status.get(kind, 0)}" for name, status in rates.items())
        return f"{ending.get(kind, 0)} of {half} ({rivals})"

    first, second = ending.get("start 1: right", 0), ending.get("start 2: right", 0)
    eight, false = ending.get("8 digits", 0), ending.get("wrong but 'converged'", 0)
    return [
        Demand("six digits from start 2 on all", rate("start 2: right"), second == half),
        Demand("six digits from start 1 on all but at most one", rate("start 1: right"), first >= half - 1),
        Demand("eight digits in nine of ten runs", f"{eight} of {runs}", eight >= 0.9 * runs),
        Demand("no wrong answer that says CONVERGED", f"{false}", false == 0),
    ]
