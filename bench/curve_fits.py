"""Ten thousand curves a exp(-k t) + c, each fitted to its own 50 points, with standard errors."""

from collections import Counter

import numpy as np

from bench import demands, floors
from bench.jax_trial import jax_trial
from bench.peers import one_after_the_other, quietly
from bench.runner import Answer, Case, Contender, Trial

MINUTES = 3

ASKED = 1e-5  # of each estimate and each standard error, relative to itself; scipy's own tolerances give this
SIZES, QUICK = (10_240, 50), (24, 30)
START = (1.0, 1.0, 0.0)


def cases(quick: bool):
    problems, n = QUICK if quick else SIZES
    t, y = data(problems, n)
    truth = reference(t, y)

    def accuracy(answer: Answer) -> np.ndarray:
        return np.max(np.abs(answer.coef / truth[: len(answer.coef)] - 1), axis=1)

    yield Case(
        name="curve_fits",
        about=f"{problems:,} curves a exp(-k t) + c, {n} points, float64, with standard errors",
        problems=problems,
        contenders=[
            ours(t, y),
            scipy_loop(t, y, exact=False),
            scipy_loop(t, y, exact=True),
            lmfit_loop(t, y),
            optimistix(t, y),
            jaxopt(t, y),
            floors.exponential("exp", problems * n, dtype=np.float64),
        ],
        demands=judge,
        accuracy=accuracy,
        accuracy_name="largest relative error of the estimates and standard errors",
        asked=ASKED,
        floor=lambda results: machine_floor(results),
        floor_about="one exponential per point and step",
        input_bytes=y.nbytes,
    )


def data(problems: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    t = np.linspace(0, 5, n)
    a, k, c = (rng.uniform(*ends, (problems, 1)) for ends in ((1, 3), (0.3, 2), (-0.5, 1.0)))
    return t, a * np.exp(-k * t) + c + 0.05 * rng.standard_normal((problems, n))


def derivatives(theta: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The curves (problems, n) and their derivatives (problems, n, 3)."""
    a, k, c = (column[:, None] for column in theta.T)
    e = np.exp(-k * t)
    return a * e + c, np.stack([e, -a * t * e, np.ones_like(e)], axis=2)


def reference(t: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Estimates and standard errors (problems, 6): full Newton steps of variable projection, to rounding."""
    k = np.geomspace(0.05, 8, 200)
    design = np.stack([np.exp(-k[:, None] * t), np.ones((len(k), len(t)))], axis=2)
    q = np.linalg.qr(design)[0]
    k = k[np.argmax(np.sum((np.einsum("gnj,ln->lgj", q, y)) ** 2, axis=2), axis=1)]
    design = np.stack([np.exp(-k[:, None] * t), np.ones((len(k), len(t)))], axis=2)
    a, c = np.einsum("ljn,ln->jl", np.linalg.pinv(design), y)
    theta = np.stack([a, k, c], axis=1)
    for _ in range(40):
        curve, J = derivatives(theta, t)
        theta = theta + np.einsum("ljn,ln->lj", np.linalg.pinv(J), y - curve)
    curve, J = derivatives(theta, t)
    variance = np.sum((y - curve) ** 2, axis=1) / (len(t) - 3)
    covariance = variance[:, None, None] * np.linalg.inv(J.swapaxes(1, 2) @ J)
    return np.concatenate([theta, np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))], axis=1)


def answer_of(rows, status, steps=None) -> Answer:
    rows = np.asarray(rows, np.float64)
    return Answer(rows, np.zeros(len(rows)), dict(Counter(status)), steps)


def ours(t: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        import jax
        import jax.numpy as jnp

        from jaxnotes import Status, curve_fitting

        def model(params, t):
            return params[0] * jnp.exp(-params[1] * t) + params[2]

        def fit(t, y):
            solution = curve_fitting.fit(model, jnp.array(START, y.dtype), t, y)
            return solution, curve_fitting.infer(model, solution, t, y)

        def read(raw):
            solution, inferred = jax.device_get(raw)
            names = [Status(int(code)).name for code in solution.status]
            return answer_of(np.concatenate([solution.params, inferred.se], axis=1), names, solution.steps.mean())

        return jax_trial(jax.vmap(fit, (None, 0)), (t, y[:count]), read)

    return Contender(demands.OURS, make, kind="ours", note="jit(vmap(fit, infer))")


def scipy_loop(t: np.ndarray, y: np.ndarray, exact: bool) -> Contender:
    def make(count):
        from scipy.optimize import curve_fit

        def curve(t, a, k, c):
            return a * np.exp(-k * t) + c

        def slopes(t, a, k, c):
            e = np.exp(-k * t)
            return np.stack([e, -a * t * e, np.ones_like(e)], axis=1)

        def one(k):
            try:
                found, covariance = curve_fit(curve, t, y[k], p0=START, jac=slopes if exact else None)
            except RuntimeError:
                return np.full(6, np.nan), "failed"
            return np.concatenate([found, np.sqrt(np.diagonal(covariance))]), "converged"

        return Trial(lambda: quietly(one_after_the_other, one, count), lambda raw: answer_of(*zip(*raw, strict=True)))

    note = "derivatives by hand" if exact else "as a user writes it"
    return Contender(f"scipy curve_fit{', jac' if exact else ''}", make, loop=True, note=note)


def lmfit_loop(t: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        import lmfit

        model = lmfit.Model(lambda t, a, k, c: a * np.exp(-k * t) + c, independent_vars=["t"])

        def one(k):
            found = model.fit(y[k], t=t, **dict(zip("akc", START, strict=True)))
            numbers = [found.params[name].value for name in "akc"]
            errors = [found.params[name].stderr or np.nan for name in "akc"]
            return np.array(numbers + errors), "converged" if found.success else "failed"

        return Trial(lambda: quietly(one_after_the_other, one, count), lambda raw: answer_of(*zip(*raw, strict=True)))

    return Contender("lmfit Model.fit", make, loop=True)


def optimistix(t: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        import optimistix as optx

        solver = optx.LevenbergMarquardt(rtol=1e-8, atol=1e-8)

        def solve(residual, start):
            found = optx.least_squares(residual, solver, start, max_steps=200, throw=False)
            return found.value, found.result == optx.RESULTS.successful, found.stats["num_steps"]

        return under_vmap(solve, t, y[:count])

    return Contender("optimistix LM under vmap", make, loop=True, note="covariance by hand")


def jaxopt(t: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        from jaxopt import LevenbergMarquardt

        def solve(residual, start):
            solver = LevenbergMarquardt(lambda p: residual(p, None), maxiter=200, tol=1e-8, implicit_diff=False)
            found = solver.run(start)
            return found.params, found.state.error <= 1e-8, found.state.iter_num

        return quietly(under_vmap, solve, t, y[:count])

    return Contender("jaxopt LM under vmap", make, loop=True, note="covariance by hand")


def under_vmap(solve, t: np.ndarray, y: np.ndarray) -> Trial:
    """A JAX solver of residual(p, _) -> (n,) under vmap, and the covariance that it leaves to the user."""
    import jax
    import jax.numpy as jnp

    def fit(t, y):
        def residual(p, _):
            return p[0] * jnp.exp(-p[1] * t) + p[2] - y

        found, converged, steps = solve(residual, jnp.array(START, y.dtype))
        J = jax.jacfwd(residual)(found, None)
        variance = jnp.sum(residual(found, None) ** 2) / (len(y) - 3)
        se = jnp.sqrt(variance * jnp.diagonal(jnp.linalg.inv(J.T @ J)))
        return jnp.concatenate([found, se]), converged, steps

    def read(raw):
        rows, converged, steps = (np.asarray(part) for part in raw)
        return answer_of(rows, ["converged" if ok else "failed" for ok in converged], steps.mean())

    return jax_trial(jax.vmap(fit, (None, 0)), (t, y), read)


def machine_floor(results) -> float | None:
    exponentials, steps = results["exp"].median_s, results[demands.OURS].steps
    return None if None in (exponentials, steps) else steps * exponentials


def judge(results) -> list:
    return [
        demands.faster_than(results, 40, "scipy curve_fit"),
        demands.faster(results, 1),
        demands.compiles_within(results, 5),
    ]
