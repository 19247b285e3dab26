"""Broadcasting: compiled, it is one loop that writes the answer; eager, every step of the expression is an array."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from bench import demands, floors
from bench.jax_trial import jax_trial
from bench.runner import Answer, Case, Contender, Demand, Trial

MINUTES = 1

GRID, QUICK_GRID = (2048, 2048), (32, 48)
POINTS, QUICK_POINTS = (1000, 1000, 64), (20, 30, 4)
NEAR = 1e-2  # every second point of B is a neighbour of one of A at about this distance in each coordinate
ASKED = 1e-5  # relative error of the worst entry
JIT, EAGER, NUMPY, GRAM = "jax, jit, broadcast", "jax, eager, broadcast", "NumPy, broadcast", "NumPy, Gram trick"
COPY = "copy of the answer"


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    n, m = QUICK_GRID if quick else GRID
    a, b = (rng.uniform(-2, 2, size).astype(np.float32) for size in (n, m))
    yield case(
        "broadcasting grid",
        f"exp(-(a_i - b_j)^2) for {n:,} x {m:,} numbers, float32",
        (a, b),
        kernel(a.astype(np.float64)[:, None], b.astype(np.float64)[None, :], np),
        [
            ours("outer", lambda x, y: kernel(x, y, jnp), a, b),
            compiled(JIT, lambda a, b: kernel(a[:, None], b[None, :], jnp), a, b),
            eager(EAGER, lambda a, b: kernel(a[:, None], b[None, :], jnp), a, b),
            plain(NUMPY, lambda: kernel(a[:, None], b[None, :], np)),
        ],
    )
    n, m, p = QUICK_POINTS if quick else POINTS
    A, B = points(rng, n, m, p)
    yield case(
        "broadcasting distances",
        f"squared distances of {n:,} x {m:,} points in {p} dimensions, float32, half of them near neighbours",
        (A, B),
        exact_distances(A, B),
        [
            ours("pairwise", lambda u, v: jnp.sum((u - v) ** 2), A, B),
            compiled(JIT, lambda A, B: distances(A, B, jnp), A, B),
            eager(EAGER, lambda A, B: distances(A, B, jnp), A, B),
            compiled("jax, jit, Gram trick", lambda A, B: gram(A, B, jnp), A, B),
            plain(NUMPY, lambda: distances(A, B, np), note=f"an array of {n} x {m} x {p}"),
            plain(GRAM, lambda: gram(A, B, np)),
            plain("scipy cdist", lambda: cdist(A, B), note="in float64"),
        ],
    )


def kernel(x, y, xp):
    return xp.exp(-((x - y) ** 2))


def distances(A, B, xp):
    return xp.sum((A[:, None, :] - B[None, :, :]) ** 2, axis=2)


def gram(A, B, xp):
    """|a|^2 + |b|^2 - 2 a'b: one matrix product, and no digit left where a and b are close."""
    return xp.sum(A * A, axis=1)[:, None] + xp.sum(B * B, axis=1)[None, :] - 2 * xp.matmul(A, B.T)


def cdist(A, B):
    from scipy.spatial.distance import cdist

    return cdist(A, B, "sqeuclidean")


def points(rng: np.random.Generator, n: int, m: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    A, B = rng.standard_normal((n, p)), rng.standard_normal((m, p))
    near = np.arange(0, m, 2)
    B[near] = A[near % n] + NEAR * rng.standard_normal((len(near), p))
    return A.astype(np.float32), B.astype(np.float32)


def exact_distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    B = B.astype(np.float64)
    return np.stack([np.sum((a - B) ** 2, axis=1) for a in A.astype(np.float64)])


def case(name: str, about: str, data: tuple[np.ndarray, ...], exact: np.ndarray, contenders: list[Contender]) -> Case:
    return Case(
        name=name,
        about=about,
        problems=1,
        contenders=[*contenders, floors.copy(COPY, exact.size)],
        demands=lambda results: judge(results, exact.size * data[0].itemsize),
        accuracy=lambda answer: np.max(np.abs(answer.coef - exact) / exact, keepdims=True)[0],
        accuracy_name="relative error of the worst entry",
        asked=ASKED,
        floor=lambda results: results[COPY].median_s,
        floor_about="one copy of the answer; the arithmetic is not in it",
        input_bytes=sum(part.nbytes for part in data),
    )


def ours(name: str, function: Callable, *data: np.ndarray) -> Contender:
    def make(count):
        from jaxnotes import broadcasting

        every = getattr(broadcasting, name)
        return jax_trial(lambda a, b: every(function, a, b), data, answer_of)

    return Contender(demands.OURS, make, kind="ours", note=f"jit({name})")


def compiled(name: str, function: Callable, *data: np.ndarray) -> Contender:
    return Contender(name, lambda count: jax_trial(function, data, answer_of))


def eager(name: str, function: Callable, *data: np.ndarray) -> Contender:
    def make(count):
        placed = [jax.device_put(part) for part in data]
        return Trial(lambda: jax.block_until_ready(function(*placed)), answer_of)

    return Contender(name, make)


def plain(name: str, run: Callable, note: str = "") -> Contender:
    return Contender(name, lambda count: Trial(run, answer_of), note=note)


def answer_of(raw) -> Answer:
    found = np.asarray(raw, np.float64)
    return Answer(found, np.zeros(1), {"finite": int(np.all(np.isfinite(found)))})


def judge(results, answer_bytes: int) -> list[Demand]:
    return [
        demands.within(results, 1.1, JIT),
        demands.faster_than(results, 1, EAGER),
        demands.faster_than(results, 1, NUMPY),
        temporaries_within(results, answer_bytes),
        demands.compiles_within(results),
    ]


def temporaries_within(results, answer_bytes: int) -> Demand:
    """Nothing of the broadcast size is stored but the answer itself."""
    text, used = "temporaries no larger than the answer, by the compiler's analysis", results[demands.OURS].temp_bytes
    if used is None:
        return Demand(text, "not measured", None)
    return Demand(text, f"{used / answer_bytes:.2f} x", used <= answer_bytes)
