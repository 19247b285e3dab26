"""Gradient descent from many starts: one compiled vmap, compiled and eager update steps, NumPy, and Python loops."""

from collections.abc import Callable

import jax
import numpy as np

from bench import demands, floors
from bench.jax_trial import jax_trial
from bench.runner import Answer, Case, Contender, Trial

MINUTES = 1

RATE, STEPS = 0.01, 100
STARTS, QUICK = 4096, 16
ASKED = 1e-4  # distance from the end of the same descent in float64
COMPILED_LOOP, PYTHON_LOOP = "jaxnotes, one call a start", "NumPy, one start after the other"


def cases(quick: bool):
    starts = np.random.default_rng(0).uniform(-4, 4, (QUICK if quick else STARTS, 2)).astype(np.float32)
    exact = numpy_descent(starts.astype(np.float64))

    yield Case(
        name="gradient_descent",
        about=f"{len(starts):,} descents of {STEPS} steps on Himmelblau's function, float32",
        problems=len(starts),
        contenders=[
            ours(starts),
            one_call_a_start(starts),
            update_steps("jax, compiled update steps", starts, jax.jit),
            update_steps("jax, eager", starts, lambda step: step),
            numpy_at_once(starts),
            numpy_loop(starts),
            floors.copy("copy of the starts", starts.size),
        ],
        demands=judge,
        accuracy=lambda answer: np.linalg.norm(answer.coef - exact[: len(answer.coef)], axis=1),
        accuracy_name="distance from the end in float64",
        asked=ASKED,
        floor=lambda results: results["copy of the starts"].median_s,
        floor_about="one copy of the starts; the arithmetic of the steps is not in it",
        input_bytes=starts.nbytes,
    )


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def numpy_gradient(x: np.ndarray) -> np.ndarray:
    """The gradient by hand, of many points (n, 2) or one (2,)."""
    a, b = x[..., 0] ** 2 + x[..., 1] - 11, x[..., 0] + x[..., 1] ** 2 - 7
    return np.stack([4 * a * x[..., 0] + 2 * b, 2 * a + 4 * b * x[..., 1]], axis=-1)


def numpy_descent(x: np.ndarray) -> np.ndarray:
    for _ in range(STEPS):
        x = x - RATE * numpy_gradient(x)
    return x


def descend(start):
    from jaxnotes import gradient_descent, methods

    method = methods.gradient_descent(RATE)
    return gradient_descent.minimize_path(himmelblau, start, method=method, steps=STEPS).params[-1]


def answer_of(raw) -> Answer:
    ends = np.asarray(raw, np.float64)
    return Answer(ends, np.zeros(len(ends)), {"finite": int(np.isfinite(ends).all(axis=1).sum())}, STEPS)


def ours(starts: np.ndarray) -> Contender:
    def make(count):
        return jax_trial(jax.vmap(descend), (starts[:count],), answer_of)

    return Contender(demands.OURS, make, kind="ours", note="jit(vmap(minimize_path))")


def one_call_a_start(starts: np.ndarray) -> Contender:
    def make(count):
        trial = jax_trial(descend, (starts[0],))
        run = jax.jit(descend)
        jax.block_until_ready(run(starts[0]))
        return Trial(lambda: [run(start).tolist() for start in starts[:count]], answer_of, trial.compile_s)

    return Contender(COMPILED_LOOP, make, loop=True, note="the same function, compiled, in a Python loop")


def update_steps(name: str, starts: np.ndarray, compiled: Callable) -> Contender:
    """A Python loop over the steps, each for all starts."""

    def make(count):
        step = compiled(lambda x: x - RATE * jax.vmap(jax.grad(himmelblau))(x))
        first = jax.device_put(starts[:count])
        jax.block_until_ready(step(first))

        def run():
            x = first
            for _ in range(STEPS):
                x = step(x)
            return jax.block_until_ready(x)

        return Trial(run, answer_of)

    return Contender(name, make, note=f"{STEPS} calls from Python")


def numpy_at_once(starts: np.ndarray) -> Contender:
    return Contender(
        "NumPy, all starts at once",
        lambda count: Trial(lambda: numpy_descent(starts[:count]), answer_of),
        note="the gradient by hand",
    )


def numpy_loop(starts: np.ndarray) -> Contender:
    def make(count):
        return Trial(lambda: [numpy_descent(start) for start in starts[:count]], answer_of)

    return Contender(PYTHON_LOOP, make, loop=True, note="the gradient by hand")


def judge(results) -> list:
    return [
        demands.faster(results, 1),
        demands.faster_than(results, 100, PYTHON_LOOP),
        demands.faster_than(results, 10, COMPILED_LOOP),
        demands.compiles_within(results),
    ]
