"""python -m bench.compile_process NAME: the first answers of one model in this process, in processor seconds, as JSON.

Each call's seconds are those of the whole process, so that threads of the compiler count and waiting does not; of them
`compiling` is XLA's share by the clock, `tracing` the rest: Python, lowering and the run itself.
"""

import json
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

COMPILING = "/jax/core/compile/backend_compile_duration"
ROWS, COLUMNS = 200, 8


def plain(H, g, shift):
    """The plain program: an unrolled Cholesky factor of 64 lanes of 6 x 6, and its product with g."""
    q, low = 6, [[None] * 6 for _ in range(6)]
    for a in range(q):
        for b in range(a + 1):
            v = H[:, a, b]
            for k in range(b):
                v = v - low[a][k] * low[b][k]
            low[a][b] = jnp.sqrt(v) if a == b else v / low[b][b]
    return jnp.stack([sum(low[a][k] * g[:, k] for k in range(a + 1)) for a in range(q)], 1) + shift


def unit() -> float:
    """Processor seconds to compile and run the plain program, median of 3 that differ in a constant."""
    H, g = jnp.eye(6)[None].repeat(64, 0), jnp.ones((64, 6))
    seconds = [timed(lambda c=c: jax.jit(lambda H, g: plain(H, g, c))(H, g))[1]["all"] for c in (1.0, 2.0, 3.0)]
    return float(np.median(seconds))


compile_events: list[float] = []


def timed(call: Callable[[], object]) -> tuple[object, dict[str, float]]:
    """What the call returned, and its processor seconds: all, tracing, compiling."""
    compile_events.clear()
    clock, processor = time.perf_counter(), time.process_time()
    answer = jax.block_until_ready(call())
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    compiling = processor * min(sum(compile_events) / clock, 1)
    return answer, {"all": processor, "tracing": processor - compiling, "compiling": compiling}


def decay(params, t):
    """A curve of three parameters."""
    return params[0] * jnp.exp(-params[1] * t) + params[2]


def normal(params, row):
    """A linear regression with normal errors, written out as a log-likelihood: 8 coefficients, the log of the scale."""
    x, y = row
    z = (y - x @ params[:COLUMNS]) * jnp.exp(-params[COLUMNS])
    return -params[COLUMNS] - z**2 / 2


def models() -> dict[str, tuple[Callable, Callable]]:
    """By name: the fit, and the inference from its answer."""
    import jaxnotes as jn

    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, COLUMNS)).astype(np.float32)
    noise = rng.standard_normal(ROWS).astype(np.float32)
    y = X[:, 0] + noise
    t = np.linspace(0, 5, ROWS, dtype=np.float32)
    curve = 5 * np.exp(-t) + 1 + noise / 10
    waits = rng.gamma(2.0, 1.5, ROWS).astype(np.float32)
    success, label = (y > 0).astype(np.float32), np.digitize(y, [-0.5, 0.5])
    start = np.zeros(COLUMNS + 1, np.float32)
    ols, logistic, multinomial = jn.least_squares, jn.logistic_regression, jn.multinomial_regression
    curves, gamma, likelihood = jn.curve_fitting, jn.distributions.Gamma, jn.maximum_likelihood
    return {
        "least_squares": (lambda: ols.fit(X, y), lambda fit: ols.infer(fit, X, y)),
        "logistic_regression": (lambda: logistic.fit(X, success), lambda fit: logistic.infer(fit, X, success)),
        "multinomial_regression": (
            lambda: multinomial.fit(X, label, n_classes=3),
            lambda fit: multinomial.infer(fit, X, label),
        ),
        "curve_fitting": (
            lambda: curves.fit(decay, [4.0, 1.5, 0.0], t, curve),
            lambda fit: curves.infer(decay, fit, t, curve),
        ),
        "Gamma": (lambda: gamma.fit(waits), lambda fit: gamma.infer(fit, waits)),
        "maximum_likelihood": (
            lambda: likelihood.fit(normal, start, (X, y)),
            lambda fit: likelihood.infer(normal, fit, (X, y)),
        ),
    }


def measure(name: str) -> dict[str, dict[str, float]]:
    """The unit, then the first fit of the model and the first inference, in this order."""
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **about: compile_events.append(seconds) if event == COMPILING else None
    )
    timed(lambda: jax.jit(lambda x: x + 1)(jnp.ones(3)))
    one = unit()
    fit, infer = models()[name]
    answer, of_fit = timed(fit)
    return {"unit": {"all": one}, "fit": of_fit, "infer": timed(lambda: infer(answer))[1]}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
