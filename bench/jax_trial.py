"""A jitted function as a Trial: compiled ahead of time, outside the clock, with its memory analysis."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable

import jax
import numpy as np

from bench.runner import Answer, Trial


def precision_of(dtype: np.dtype) -> contextlib.AbstractContextManager:
    """The context in which arrays of `dtype` keep it."""
    if np.dtype(dtype) != np.float64:
        return contextlib.nullcontext()
    from jaxnotes.core.values.compat import x64

    return x64()


def jax_trial(function: Callable, arrays: tuple[np.ndarray, ...], read: Callable = lambda raw: None) -> Trial:
    """`run` calls the compiled `function(*arrays)`, the arrays already on the device, and waits for the result."""
    with precision_of(arrays[0].dtype):
        placed = jax.block_until_ready([jax.device_put(array) for array in arrays])
        begin = time.perf_counter()
        compiled = jax.jit(function).lower(*placed).compile()
        compile_s = time.perf_counter() - begin
        analysis = compiled.memory_analysis()

    def run():
        with precision_of(arrays[0].dtype):
            return jax.block_until_ready(compiled(*placed))

    return Trial(run, read, compile_s, None if analysis is None else analysis.temp_size_in_bytes)


def read_solution(solution) -> Answer:
    """The Answer in a jaxnotes Solution, of one fit or of a batch."""
    from jaxnotes.core.values.status import Status

    coef, intercept, status, steps = jax.device_get(
        (solution.params.coef, solution.params.intercept, solution.status, solution.steps)
    )
    coef, intercept = np.atleast_2d(coef).astype(np.float64), np.atleast_1d(intercept).astype(np.float64)
    counts = Counter(Status(int(code)).name for code in np.atleast_1d(status))
    return Answer(coef, intercept, dict(counts), float(np.mean(steps)))
