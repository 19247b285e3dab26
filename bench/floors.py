"""What this machine can do at best: products, exponentials and copies timed beside the contenders, and C kernels.

Each part of a floor is a contender of kind "floor": it runs in the same rounds, so the same disturbances meet it.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from bench.jax_trial import jax_trial
from bench.runner import Answer, Contender, Trial

KERNELS = Path(__file__).parent / "kernels"
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp")


def product(name: str, rows: int, inner: int, columns: int, times: int = 1, dtype=np.float32) -> Contender:
    """`times` matrix products (rows, inner) @ (inner, columns) at the highest precision."""

    def make(count):
        rng = np.random.default_rng(0)
        left, right = rng.standard_normal((rows, inner)), rng.standard_normal((inner, columns))

        def multiply(a, b):
            return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)

        return _again(jax_trial(multiply, (left.astype(dtype), right.astype(dtype))), times)

    return Contender(name, make, kind="floor")


def exponential(name: str, elements: int, times: int = 1, dtype=np.float32) -> Contender:
    """`times` elementwise exponentials of an array of `elements`."""

    def make(count):
        return _again(jax_trial(jnp.exp, (np.linspace(-5, 5, elements).astype(dtype),)), times)

    return Contender(name, make, kind="floor")


def copy(name: str, elements: int, dtype=np.float32) -> Contender:
    """One copy of an array of `elements` into memory that is already there: one read and one write."""

    def make(count):
        source, target = np.ones(elements, dtype), np.zeros(elements, dtype)
        return Trial(lambda: np.copyto(target, source))

    return Contender(name, make, kind="floor")


def _again(trial: Trial, times: int) -> Trial:
    def run():
        for _ in range(times - 1):
            trial.run()
        return trial.run()

    return Trial(run, compile_s=trial.compile_s)


def c_newton(X: np.ndarray, y: np.ndarray, l2: float, tol: float) -> Contender:
    """kernels/newton.c on the same problems."""

    def make(count):
        library = compile_kernel("newton")
        problems, n, p = X.shape
        coef, steps = np.empty((problems, p + 1), np.float32), np.empty(problems, np.int32)
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (X, y, coef, steps)]

        def run():
            if library.newton(*pointers, problems, n, p, ctypes.c_float(l2), ctypes.c_float(tol)):
                raise MemoryError("kernels/newton.c ran out of memory")

        def read(raw):
            status = Counter(np.where(steps < 50, "converged", "step limit").tolist())
            return Answer(coef[:, :p].astype(np.float64), coef[:, p].astype(np.float64), dict(status), steps.mean())

        return Trial(run, read)

    return Contender("C kernel", make, kind="kernel", note="gcc " + " ".join(FLAGS))


def compile_kernel(name: str) -> ctypes.CDLL:
    """kernels/<name>.c compiled into a temporary folder and loaded."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise ImportError("no gcc on this machine")
    with tempfile.TemporaryDirectory() as folder:
        objects, library = Path(folder) / f"{name}.o", Path(folder) / f"{name}.so"
        subprocess.run([compiler, *FLAGS, "-fPIC", "-c", "-o", objects, KERNELS / f"{name}.c"], check=True)
        # Linked without -ffast-math: gcc 12 would add code that, once loaded, flushes subnormals in all of this thread.
        subprocess.run([compiler, "-shared", "-fopenmp", "-o", library, objects, "-lm"], check=True)
        return ctypes.CDLL(str(library))
