"""No program of the package can wait for itself: matrix decompositions of LAPACK are called for one matrix at a time.

Two batched calls in one program hold all threads of a small machine, each waiting
for the other's; see `core.matrix.lapack`.
"""

import ast
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import likelihoods
import numpy as np
import pytest

import jaxnotes as jn

DECOMPOSITIONS = {
    "cholesky", "eig", "eigh", "geqp3", "geqrf", "hessenberg", "householder_product", "lu", "qr", "schur", "svd",
    "triangular_solve", "tridiagonal", "tridiagonal_solve",
}  # fmt: skip
HOME = {"lapack.py", "factors.py", "roots.py", "existence.py", "verdict.py", "squares_by_passes.py", "two_words.py"}
LANES, ROWS = 20, 12


def equations(jaxpr):
    """All equations of a program, those of its loops, branches and calls included."""
    for equation in jaxpr.eqns:
        yield equation
        for value in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda leaf: isinstance(leaf, jax.extend.core.ClosedJaxpr)
        ):
            inner = getattr(value, "jaxpr", value)
            if isinstance(inner, jax.extend.core.Jaxpr):
                yield from equations(inner)


def batched_decompositions(function, *args) -> list[str]:
    return [
        f"{equation.primitive.name}{equation.invars[0].aval.shape}"
        for equation in equations(jax.make_jaxpr(function)(*args).jaxpr)
        if equation.primitive.name in DECOMPOSITIONS and np.prod(equation.invars[0].aval.shape[:-2]) > 1
    ]


def total(tree):
    return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.inexact))


def design(q: int):
    rng = np.random.default_rng(q)
    X = rng.standard_normal((LANES, 3 * q + ROWS, q)).astype(np.float32)
    return X, (X[:, :, 0] + rng.standard_normal(X.shape[:2]) > 0).astype(np.float32)


def linear(chapter, read, **keywords):
    """Fit, then `read` of the fit and its data."""

    def both(X, y):
        return read(chapter.fit(X, y, **keywords), X, y)

    return both


def decay(params, x):
    return params[0] * jnp.exp(-params[1] * x[:, 0])


def normal_row(params, row):
    return likelihoods.normal(params, row[1] + row[0][0])


def curve(read):
    return lambda X, y: read(jn.curve_fitting.fit(decay, [1.0, 0.1], X, y), X, y)


def likelihood(read):
    return lambda X, y: read(jn.maximum_likelihood.fit(normal_row, likelihoods.NORMAL_START, (X, y)), (X, y))


def score_test(data):
    """Whether the standard deviation is 1."""
    embed = lambda mean: {"mean": mean, "sd": jnp.ones_like(mean)}  # noqa: E731
    restricted = jn.maximum_likelihood.fit(lambda mean, row: normal_row(embed(mean), row), 0.0, data)
    return jn.maximum_likelihood.score_test(normal_row, embed, restricted, data)


def minimized(method):
    def minimum(X, y):
        return jn.minimize(lambda b, X: jnp.mean(jnp.log(jnp.cosh(X @ b - y))), X[0], X, method=method).params

    return minimum


def law(X, y):
    return jn.distributions.MultivariateNormal.Params(X[0], X.T @ X / len(X))


LS, LR, MR, CF, ML = (
    jn.least_squares, jn.logistic_regression, jn.multinomial_regression, jn.curve_fitting, jn.maximum_likelihood
)  # fmt: skip
CASES = {
    **{f"least squares, {cov}": linear(LS, lambda s, X, y, cov=cov: LS.infer(s, X, y, cov=cov))
       for cov in ("nonrobust", "HC0", "HC3")},
    "least squares, clusters": linear(
        LS, lambda s, X, y: LS.infer(s, X, y, cov="cluster", groups=jnp.arange(len(y)) % 5)),
    **{name: linear(LS, getattr(LS, name))
       for name in ("r_squared", "residual_sd", "f_test", "log_likelihood", "aic", "bic")},
    "leverage": lambda X, y: LS.leverage(X, precision=1 + y),
    "ridge": linear(LS, lambda s, X, y: LS.infer(s, X, y, l2=0.1), l2=0.1),
    **{f"logistic, {cov}": linear(LR, lambda s, X, y, cov=cov: LR.infer(s, X, y, cov=cov))
       for cov in ("nonrobust", "HC2")},
    "multinomial": linear(MR, lambda s, X, y: MR.infer(s, X, y.astype(int)), n_classes=2),
    "curves": curve(lambda s, X, y: CF.infer(decay, s, X, y)),
    "curves, HC3": curve(lambda s, X, y: CF.infer(decay, s, X, y, cov="HC3")),
    "likelihood": likelihood(lambda s, data: ML.infer(normal_row, s, data)),
    "likelihood, HC0": likelihood(lambda s, data: ML.infer(normal_row, s, data, cov="HC0")),
    "profile": likelihood(lambda s, data: ML.profile_intervals(normal_row, s, data)),
    "wald test": likelihood(
        lambda s, data: ML.wald_test(lambda params: params["mean"], s, ML.infer(normal_row, s, data))),
    "score test": lambda X, y: score_test((X, y)),
    **{f"minimize, {name}": minimized(getattr(jn.methods, name)()) for name in ("newton", "lbfgs")},
    "minimize": minimized(None),
    "multivariate log_prob": lambda X, y: jn.distributions.MultivariateNormal.log_prob(law(X, y), X),
    "multivariate entropy": lambda X, y: jn.distributions.MultivariateNormal.entropy(law(X, y)),
    "multivariate sample": lambda X, y: jn.distributions.MultivariateNormal.sample(jax.random.key(0), law(X, y), (3,)),
    "multivariate fit": lambda X, y: jn.distributions.MultivariateNormal.fit(X),
    **{name: lambda X, y, name=name: getattr(jn.distributions, name).fit(jnp.abs(X[:, 0]) + 0.1)
       for name in ("Gamma", "StudentT")},
    "beta": lambda X, y: jn.distributions.Beta.fit(jax.nn.sigmoid(X[:, 0])),
    "curvature": lambda X, y: jn.gradients.curvature(X.T @ X),
    "scaling exponent": lambda X, y: jn.sums.scaling_exponent(jnp.exp(X[:, 0]), jnp.exp(y)),
}  # fmt: skip
NO_GRADIENT = {"profile", "score test"}


@pytest.mark.one_in(5)
@pytest.mark.parametrize("q", [2, pytest.param(18, marks=pytest.mark.long)])
@pytest.mark.parametrize("case", CASES)
def test_no_batched_decomposition(case, q):
    """In no program of a batch, nor of its gradient, within branches and loops neither."""
    data, function = design(q), CASES[case]
    assert batched_decompositions(jax.vmap(function), *data) == []
    assert batched_decompositions(jax.vmap(jax.vmap(function)), *(leaf[None] for leaf in data)) == []
    if case not in NO_GRADIENT:
        gradient = jax.grad(lambda X, y: total(function(X, y)))
        assert batched_decompositions(jax.vmap(gradient), *data) == []


def test_the_search_sees_what_it_looks_for():
    X, _ = design(2)
    branch = jax.jit(lambda X: jax.lax.cond(X[0, 0, 0] > 0, jnp.linalg.svd, lambda X: jnp.linalg.svd(X + 1), X))
    assert batched_decompositions(branch, X)
    assert batched_decompositions(jax.vmap(jnp.linalg.qr), X)
    assert batched_decompositions(jnp.linalg.qr, X[0]) == []


def test_decompositions_are_called_in_few_places():
    """LAPACK is reached through the rooms that say so, but for what is never under vmap."""
    package = pathlib.Path(jn.__file__).parent
    reached = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr not in ("norm", "LinAlgError"):
                owner = ast.unparse(node.value)
                if owner in ("jnp.linalg", "jax.numpy.linalg", "jax.scipy.linalg", "jax.lax.linalg"):
                    reached.add(path.relative_to(package))
    drawing = {path for path in reached if path.parts[0] in ("show", "check")}
    assert {path.name for path in reached - drawing} - {"multivariate.py", "notation.py"} <= HOME


PROGRAM = """
import faulthandler, os, sys
cores, devices, chapter = map(str, sys.argv[1:])
os.sched_setaffinity(0, set(list(os.sched_getaffinity(0))[: int(cores)]))
faulthandler.dump_traceback_later(240, exit=True)
import jax
jax.config.update("jax_num_cpu_devices", int(devices))
import jax.numpy as jnp, numpy as np
import jaxnotes as jn
from jax.sharding import PartitionSpec as P

rng = np.random.default_rng(0)
lanes, n = 4000, 200 if chapter == "least_squares" else 40
X = rng.standard_normal((lanes, n, 4)).astype("f4")
y = X[:, :, 0] + rng.standard_normal((lanes, n)).astype("f4")
decay = lambda params, x: params[0] * jnp.exp(-params[1] * x[:, 0] ** 2)
normal = lambda params, y: -((y - params[0]) ** 2) / 2 / jnp.exp(params[1]) - params[1] / 2

def both(X, y):
    if chapter == "curve_fitting":
        return jn.curve_fitting.infer(decay, jn.curve_fitting.fit(decay, [1.0, 0.1], X, y), X, y).se
    if chapter == "maximum_likelihood":
        return jn.maximum_likelihood.infer(normal, jn.maximum_likelihood.fit(normal, jnp.zeros(2), y), y).se
    of = getattr(jn, chapter)
    keywords = {"n_classes": 3} if chapter == "multinomial_regression" else {}
    if chapter == "multinomial_regression":
        y = (y > -1).astype(int) + (y > 1)
    if chapter == "logistic_regression":
        y = (y > 0).astype(X.dtype)
    return of.infer(of.fit(X, y, **keywords), X, y).se

f = jax.vmap(both)
if int(devices) > 1:
    mesh = jax.make_mesh((int(devices),), ("lane",), axis_types=(jax.sharding.AxisType.Auto,))
    f = jax.shard_map(f, mesh=mesh, in_specs=P("lane"), out_specs=P("lane"), check_vma=False)
f = jax.jit(f).lower(X, y).compile()
faulthandler.cancel_dump_traceback_later()
for _ in range(30):
    faulthandler.dump_traceback_later(60, exit=True)
    se = f(X, y).block_until_ready()
    faulthandler.cancel_dump_traceback_later()
assert np.isfinite(np.asarray(se)).mean() > 0.9
"""


def run(cores: int, devices: int, chapter: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(cores), str(devices), chapter], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr


def test_fit_and_infer_in_one_program_end():
    """4,000 lanes, 30 calls, on two cores: least squares, whose QR and SVD once waited for each other for ever."""
    run(2, 1, "least_squares")


@pytest.mark.long
@pytest.mark.parametrize(("cores", "devices"), [(2, 1), (1, 1), (2, 2)])
@pytest.mark.parametrize(
    "chapter",
    ["least_squares", "logistic_regression", "multinomial_regression", "curve_fitting", "maximum_likelihood"],
)
def test_every_chapter_ends(chapter, cores, devices):
    """One core, two cores, and lanes sharded over two devices."""
    run(cores, devices, chapter)
