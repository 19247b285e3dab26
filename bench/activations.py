"""Activation functions: the value, and the value with what back-propagation makes of it.

A round calls one function after the other, each a few times, of which the fastest counts. The table shows the sums.
Each function has a demand of its own, on the median over the rounds of ours / rival, whose calls alternate.
"""

import functools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import erf, expit

from bench import demands
from bench.jax_trial import jax_trial
from bench.runner import Answer, Case, Contender, Demand, Result, Trial

MINUTES = 1

SIZE, QUICK = 2**20, 2**10
CALLS = 5  # of each function in a round; the fastest counts
KINKED = ("relu", "leaky_relu")  # held to a copy; the others to jax.nn
FLOOR, NOISE = 1.3, 1.05  # ratios of equal programs differ by up to 5 % from run to run
ASKED = 1e-5  # error relative to 1 + |exact|
COPY, RIVAL = "copies", "jax.nn"
KEPT = (slice(None, 512), slice(-512, None))
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def normal_cdf(x):
    return (1 + erf(x * 0.5**0.5)) / 2


# Value and derivative, as one writes them in NumPy; in float64 they are the reference.
PLAIN = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(x.dtype)),
    "leaky_relu": (lambda x: np.where(x >= 0, x, 0.01 * x), lambda x: np.where(x >= 0, 1, 0.01).astype(x.dtype)),
    "sigmoid": (expit, lambda x: expit(x) * expit(-x)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "elu": (
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0))),
    ),
    "selu": (
        lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(np.minimum(x, 0))),
        lambda x: SCALE * np.where(x > 0, 1, ALPHA * np.exp(np.minimum(x, 0))),
    ),
    "softplus": (lambda x: np.logaddexp(x, 0), expit),
    "log_sigmoid": (lambda x: -np.logaddexp(-x, 0), lambda x: expit(-x)),
    "gelu": (
        lambda x: x * normal_cdf(x),
        lambda x: normal_cdf(x) + x * np.exp(-x * x / 2) / (2 * np.pi) ** 0.5,
    ),
    "silu": (lambda x: x * expit(x), lambda x: expit(x) * (1 + x * expit(-x))),
}
NAMES = tuple(PLAIN)


@dataclass
class Calls:
    """What a library runs, by function. Where it is a rival, each call alternates with one of `ours`."""

    run: dict[str, Callable[[], Sequence | None]]
    compile_s: float | None = None
    temp_bytes: int | None = None
    ours: "Calls | None" = None
    ratios: dict[str, list[float]] = field(default_factory=dict)  # time of ours / time of this, by function and round

    def round(self) -> float:
        """Call each function a few times; the sum of the fastest of each, in seconds."""
        total = 0.0
        for name, run in self.run.items():
            pairs = [(clock(run), clock(self.ours.run[name]) if self.ours else 0.0) for _ in range(CALLS)]
            this, ours = (min(times) for times in zip(*pairs, strict=True))
            self.ratios.setdefault(name, []).append(ours / this)
            total += this
        return total

    def answer(self) -> Answer:
        """What the functions give, kept in part, one row a function."""
        rows = np.stack(sample(self.run))
        return Answer(rows, np.zeros(len(rows)), {"finite": int(np.sum(np.all(np.isfinite(rows), axis=1)))})


def clock(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def cases(quick: bool) -> Iterator[Case]:
    x, g = 3 * np.random.default_rng(0).standard_normal((2, QUICK if quick else SIZE), dtype=np.float32)
    yield case("activations value", "phi(x)", (x,), moved=2)
    yield case("activations gradient", "phi(x) and phi'(x) g, as in back-propagation,", (x, g), moved=5)


def case(name: str, about: str, data: tuple[np.ndarray, ...], moved: int) -> Case:
    """`moved`: how many arrays are read or written. Back-propagation does it twice, for g is known after phi(x)."""
    calls: dict[str, Calls] = {}

    def contender(library: str, prepare: Callable[..., Calls], kind: str = "peer", note: str = "") -> Contender:
        def make(count):
            own = calls[library] = prepare(*data)
            own.ours = calls.get(demands.OURS) if library in (COPY, RIVAL) else None
            read = own.answer if kind != "floor" else lambda: None
            return Trial(own.round, lambda raw: read(), own.compile_s, own.temp_bytes, seconds=float)

        return Contender(library, make, kind=kind, note=note)

    return Case(
        name=name,
        about=f"{about} of {len(NAMES)} functions, {data[0].size:,} float32 numbers each",
        problems=len(NAMES),
        contenders=[
            contender(demands.OURS, functools.partial(compiled, from_jaxnotes), "ours"),
            contender("jaxnotes, eager", functools.partial(eager, from_jaxnotes), note="without jit"),
            contender(RIVAL, functools.partial(compiled, from_jax), note="the exact gelu, as ours"),
            contender("torch", in_torch),
            contender("numpy", in_numpy),
            contender(COPY, lambda x, *_: copies(x, moved), "floor"),
        ],
        demands=lambda results: [demand(name, calls) for name in NAMES],
        accuracy=lambda answer: errors(answer, data),
        accuracy_name="error / (1 + |exact|)",
        asked=ASKED,
        floor=lambda results: floor(results[COPY]),
        floor_about=f"for each function a copy of as many bytes, {moved} arrays read or written",
        input_bytes=sum(part.nbytes for part in data),
    )


def demand(name: str, calls: dict[str, Calls]) -> Demand:
    rival, most = (COPY, FLOOR) if name in KINKED else (RIVAL, NOISE)
    rounds = calls[rival].ratios[name][1:]  # without the first call
    ratio = statistics.median(rounds)
    return Demand(f"{name}: at most {most:g} x the time of {rival}", f"{ratio:.2f} x", ratio <= most)


def floor(copy: Result) -> float | None:
    return None if copy.median_s is None else copy.median_s * len(NAMES) / len(KINKED)


def errors(answer: Answer, data: tuple[np.ndarray, ...]) -> np.ndarray:
    """The largest of each function, on the numbers that `Calls.answer` keeps."""
    kept = (np.concatenate([part[cut] for cut in KEPT]).astype(np.float64) for part in data)
    exact = np.stack(sample(in_numpy(*kept).run))
    return np.max(np.abs(answer.coef - exact) / (1 + np.abs(exact)), axis=1)


def sample(run: dict[str, Callable[[], Sequence]]) -> list[np.ndarray]:
    """The first and the last results of each function, in float64: phi(x), and phi'(x) g where it was asked for."""
    return [np.concatenate([host(part)[cut] for part in results() for cut in KEPT]) for results in run.values()]


def host(part) -> np.ndarray:
    return np.asarray(part.detach().cpu() if hasattr(part, "detach") else part, np.float64)


def compiled(functions: Callable[[], dict[str, Callable]], *data: np.ndarray) -> Calls:
    trials = {name: jax_trial(back_propagated(function), data) for name, function in functions().items()}
    return Calls(
        {name: trial.run for name, trial in trials.items()},
        sum(trial.compile_s for trial in trials.values()),
        max(trial.temp_bytes or 0 for trial in trials.values()),
    )


def eager(functions: Callable[[], dict[str, Callable]], *data: np.ndarray) -> Calls:
    placed = [jax.device_put(part) for part in data]

    def run(function):
        return jax.block_until_ready(back_propagated(function)(*placed))

    return Calls({name: functools.partial(run, function) for name, function in functions().items()})


def back_propagated(function: Callable) -> Callable:
    """(phi(x),) of x alone; (phi(x), phi'(x) g) of x and g."""

    def run(x, *cotangent):
        y, pull_back = jax.vjp(function, x)
        return (y, *(pull_back(g)[0] for g in cotangent))

    return run


def from_jaxnotes() -> dict[str, Callable]:
    from jaxnotes import activations

    return {name: getattr(activations, name) for name in NAMES}


def from_jax() -> dict[str, Callable]:
    others = {"tanh": jnp.tanh, "gelu": functools.partial(jax.nn.gelu, approximate=False)}
    return {name: others.get(name) or getattr(jax.nn, name) for name in NAMES}


def in_torch(x: np.ndarray, *cotangent: np.ndarray) -> Calls:
    import torch

    place = "cuda" if torch.cuda.is_available() else "cpu"
    x, *cotangent = (torch.as_tensor(part, device=place) for part in (x, *cotangent))
    others = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "log_sigmoid": torch.nn.functional.logsigmoid}
    x.requires_grad_(bool(cotangent))

    def run(function):
        y = function(x)
        slopes = [torch.autograd.grad(y, x, g)[0] for g in cotangent]
        if place == "cuda":
            torch.cuda.synchronize()
        return [y, *slopes]

    functions = {name: others.get(name) or getattr(torch.nn.functional, name) for name in NAMES}
    return Calls({name: functools.partial(run, function) for name, function in functions.items()})


def in_numpy(x: np.ndarray, *cotangent: np.ndarray) -> Calls:
    def run(value, slope):
        return [value(x), *(slope(x) * g for g in cotangent)]

    return Calls({name: functools.partial(run, *pair) for name, pair in PLAIN.items()})


def copies(x: np.ndarray, moved: int) -> Calls:
    """As many bytes as `moved` arrays like x hold, half of them read, half written: beside each kinked function."""
    source, target = np.ones((2, x.size * moved // 2), x.dtype)
    return Calls({name: lambda: np.copyto(target, source) for name in KINKED})
