"""Every fit as one row of the contract (`test_contract.py`): how it is called, a problem, and an answer not ours."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq, root
from scipy.special import digamma, expit, gammaln, softmax
from tolerances import assert_close

from jaxnotes import (
    LinearParams,
    Solution,
    Status,
    curve_fitting,
    distributions,
    least_squares,
    logistic_regression,
    maximum_likelihood,
    methods,
    multinomial_regression,
    neural_networks,
)

ROWS, LANES = 24, 12
Data = dict[str, np.ndarray]
# Parameters end to end, leaf by leaf, and the value.
Answer = tuple[np.ndarray, float]


@dataclasses.dataclass(frozen=True)
class Fit:
    """fit, infer: the verbs, called with the arrays of a problem; infer is None where there is none.

    problem: drawn from a generator, all in float64 and away from the edges of its range. answer: the exact one, by a
    second algorithm. smooth: arguments to differentiate in. troubles: the status that each spoiled problem ends with,
    with l2 = 0 where there is an l2. classes: how many y names, if it names classes. has_steps: does it take max_steps?
    ends: the status of a sound problem. unpenalized: the same with l2 = 0.
    """

    fit: Callable
    infer: Callable | None
    problem: Callable[[np.random.Generator], Data]
    answer: Callable[[Data], Answer]
    smooth: tuple[str, ...]
    troubles: dict[str, Status]
    classes: int = 0
    has_steps: bool = True
    ends: Status = Status.CONVERGED
    unpenalized: Status = Status.CONVERGED


# Problems and their answers. The columns differ in size and lie far from 0.

SIZE = np.array([1.0, 20.0, 1.0])


def design(rng) -> Data:
    X = rng.standard_normal((ROWS, 2)) * SIZE[:2] + [0.5, -30.0]
    return {"X": X, "weights": rng.uniform(0.5, 2, ROWS)}


def with_ones(data: Data) -> np.ndarray:
    return np.column_stack([data["X"], np.ones(ROWS)])


def shares(data: Data) -> np.ndarray:
    return data["weights"] / data["weights"].sum()


def zero(score: Callable, size: np.ndarray, start: float | np.ndarray = 0.0) -> np.ndarray:
    """Where the score is 0, by SciPy's hybrid Powell method in columns of size 1."""
    return root(lambda scaled: score(scaled / size) / size, size * start, tol=1e-14).x / size


def linear(rng) -> Data:
    data = design(rng)
    y = 3 + data["X"] @ [1.0, 0.05] + rng.standard_normal(ROWS)
    return {**data, "y": y, "precision": rng.uniform(0.5, 2, ROWS), "l2": np.array(0.01)}


def normal_equations(data: Data) -> Answer:
    """As a longer least-squares problem, by NumPy."""
    A, share = with_ones(data), shares(data) * data["precision"]
    penalty = np.sqrt(data["l2"]) * np.eye(3)[:2]
    rows = np.concatenate([np.sqrt(share)[:, None] * A, penalty])
    theta = np.linalg.lstsq(rows, [*np.sqrt(share) * data["y"], 0, 0])[0]
    return theta, np.sum(share * (data["y"] - A @ theta) ** 2) / 2 + data["l2"] / 2 * np.sum(theta[:2] ** 2)


def binomial(rng) -> Data:
    data = design(rng)
    trials, offset = rng.integers(1, 4, ROWS).astype(float), 0.3 * rng.standard_normal(ROWS)
    y = rng.binomial(trials.astype(int), expit(data["X"] @ [0.7, 0.03] + 1 + offset))
    return {**data, "y": np.clip(y, 0.2, trials - 0.2), "trials": trials, "offset": offset, "l2": np.array(0.01)}


def binomial_answer(data: Data) -> Answer:
    A, share, penalty = with_ones(data), shares(data), data["l2"] * np.array([1, 1, 0])

    def score(theta):
        eta = A @ theta + data["offset"]
        return A.T @ (share * (data["trials"] * expit(eta) - data["y"])) + penalty * theta

    theta = zero(score, SIZE)
    eta = A @ theta + data["offset"]
    loglik = data["y"] * eta - data["trials"] * np.logaddexp(0, eta)
    return theta, -np.sum(share * loglik) + np.sum(penalty * theta**2) / 2


def labels(rng) -> Data:
    data = design(rng)
    eta = data["X"] @ [[0.0, 0.3, -0.3], [0.0, 0.01, 0.02]] + [0.0, 0.3, 0.6]
    y = np.argmax(eta + rng.gumbel(size=eta.shape), axis=1)
    y[:3] = np.arange(3)
    return {**data, "y": y.astype(float), "l2": np.array(0.1)}


def multinomial_answer(data: Data, first: int) -> Answer:
    """Of the classes from `first` on: from 0 all of them, with mean 0; from 1 those other than the reference."""
    A, share, classes = with_ones(data), shares(data), np.arange(3)
    target, penalty = data["y"][:, None] == classes, data["l2"] * np.array([[1], [1], [0]])

    def predictors(theta):
        return np.column_stack([np.zeros((3, first)), theta.reshape(3, -1)])

    def score(theta):
        B = predictors(theta)
        slopes = A.T @ (share[:, None] * (softmax(A @ B, axis=1) - target)) + penalty * B
        if first == 0:
            slopes[2] += B[2].mean()  # which sum to 0 without it
        return slopes[:, first:].ravel()

    B = predictors(zero(score, np.repeat(SIZE, 3 - first)))
    loglik = np.log(softmax(A @ B, axis=1)[target])
    value = -np.sum(share * loglik) + np.sum(penalty * B**2) / 2
    return np.concatenate([B[:2, first:].T.ravel(), B[2, first:]]), value


SURFACE = np.array([0.3, 0.02, 0.5])


def surface(params, X):
    return jnp.exp(params.intercept + X @ params.coef)


def surface_points(rng) -> Data:
    data = design(rng)
    y = np.exp(with_ones(data) @ SURFACE) + 0.2 * rng.standard_normal(ROWS)
    return {**data, "y": y, "precision": rng.uniform(0.5, 2, ROWS)}


def surface_answer(data: Data) -> Answer:
    A, share = with_ones(data), shares(data) * data["precision"]

    def score(theta):
        curve = np.exp(A @ theta)
        return A.T @ (share * (curve - data["y"]) * curve)

    theta = zero(score, SIZE, SURFACE)
    return theta, np.sum(share * (np.exp(A @ theta) - data["y"]) ** 2) / 2


def logistic_errors(params, row):
    """Log density of a linear regression whose errors follow the logistic law."""
    x, y = row
    z = (y - jnp.dot(x, params["coef"]) - params["intercept"]) / params["scale"]
    return -z - 2 * jax.nn.softplus(-z) - jnp.log(params["scale"])


LOGISTIC_START = {"coef": np.zeros(2, np.float32), "intercept": 0.0, "scale": 1.0}


def fit_likelihood(X, y, **rest):
    return maximum_likelihood.fit(logistic_errors, LOGISTIC_START, (X, y), **rest)


def infer_likelihood(solution, X, y, **rest):
    return maximum_likelihood.infer(logistic_errors, solution, (X, y), **rest)


def logistic_line(rng) -> Data:
    data = design(rng)
    return {**data, "y": 3 + data["X"] @ [1.0, 0.05] + rng.logistic(size=ROWS)}


def logistic_line_answer(data: Data) -> Answer:
    A, share = with_ones(data), shares(data)

    def score(theta):
        z = (data["y"] - A @ theta[:3]) / theta[3]
        return np.append(A.T @ (share * np.tanh(z / 2)), np.sum(share * z * np.tanh(z / 2)) - 1) / theta[3]

    theta = zero(score, np.append(SIZE, 1), np.append(np.linalg.lstsq(A, data["y"])[0], 1))
    z = (data["y"] - A @ theta[:3]) / theta[3]
    return theta, np.sum(share * (z + 2 * np.logaddexp(0, -z))) + np.log(theta[3])


def waiting_times(rng) -> Data:
    return {"y": rng.gamma(2.0, 3.0, ROWS), "weights": rng.uniform(0.5, 2, ROWS)}


def gamma_answer(data: Data) -> Answer:
    """The equation of the shape alone, by bisection."""
    y, share = data["y"], shares(data)
    mean, mean_log = np.sum(share * y), np.sum(share * np.log(y))
    shape = brentq(lambda a: np.log(a) - digamma(a) - np.log(mean) + mean_log, 1e-3, 1e3, xtol=1e-14)
    rate = shape / mean
    return np.array([shape, rate]), -(shape * np.log(rate) + (shape - 1) * mean_log - rate * mean - gammaln(shape))


MOMENTUM = methods.momentum(0.3, 0.5)


def train_network(X, y):
    """A network without hidden layer, on all rows at once: least squares by gradient descent."""
    key = jax.random.key(0)
    network = neural_networks.init(key, (2, 1))
    training = neural_networks.train(key, network, (X, y), optimizer=MOMENTUM, epochs=150, batch_size=None)
    slopes = jax.tree.leaves(jax.grad(neural_networks.loss)(training.params, X, y))
    grad_norm = jnp.max(jnp.abs(jnp.concatenate([slope.reshape(-1) for slope in slopes])))
    steps, status = jnp.asarray(training.epochs), jnp.asarray(training.status)
    return Solution(training.params, training.loss[-1], grad_norm, steps, status, jnp.nan * grad_norm)


def standard_rows(rng) -> Data:
    X = rng.standard_normal((ROWS, 2))
    return {"X": X, "y": 0.5 + X @ [1.0, -2.0] + 0.3 * rng.standard_normal(ROWS)}


def regression_line(data: Data) -> Answer:
    theta, rss = np.linalg.lstsq(with_ones(data), data["y"])[:2]
    return theta, rss[0] / (2 * ROWS)


# What spoils a problem.


def put(name: str, index, value: float) -> Callable[[Data], Data]:
    """One array changed at an index."""

    def spoiled(data: Data) -> Data:
        array = data[name].copy()
        array[index] = value
        return {**data, name: array}

    return spoiled


def one_class(data: Data) -> Data:
    return {**data, "y": data["trials"] * 1 if "trials" in data else 0 * data["y"]}


SPOILED = {
    "NaN in X": put("X", (5, 1), np.nan),
    "infinity in X": put("X", (5, 0), np.inf),
    "NaN in y": put("y", 7, np.nan),
    "infinite weight": put("weights", 0, np.inf),
    "NaN weight": put("weights", 0, np.nan),
    "negative weight": put("weights", 0, -1.0),
    "negative precision": put("precision", 3, -1.0),
    "infinite precision": put("precision", 3, np.inf),
    "no rows": put("weights", slice(None), 0.0),
    "fewer rows than parameters": put("weights", slice(2, None), 0.0),
    "constant column": put("X", (slice(None), 1), 3.7),
    "zero column": put("X", (slice(None), 0), 0.0),
    "duplicated columns": lambda data: {**data, "X": data["X"][:, [0, 0]]},
    "one class": one_class,
    "equal y": put("y", slice(None), 2.0),
}

IN_ROWS = {
    "NaN in y": Status.NON_FINITE_DATA,
    "infinite weight": Status.NON_FINITE_DATA,
    "NaN weight": Status.NON_FINITE_DATA,
    "negative weight": Status.INVALID_DATA,
    "no rows": Status.TOO_FEW_ROWS,
}
IN_PRECISION = {"negative precision": Status.INVALID_DATA, "infinite precision": Status.NON_FINITE_DATA}
IN_X = {"NaN in X": Status.NON_FINITE_DATA, "infinity in X": Status.NON_FINITE_DATA}
COLUMNS = ("constant column", "zero column", "duplicated columns")
IN_COLUMNS = {
    **IN_ROWS,
    **IN_X,
    "fewer rows than parameters": Status.TOO_FEW_ROWS,
    **dict.fromkeys(COLUMNS, Status.RANK_DEFICIENT),
}
FLAT_COLUMNS = dict.fromkeys(COLUMNS, Status.FLAT)
IN_CLASSES = {**IN_COLUMNS, "one class": Status.ONE_CLASS}


FITS = {
    "least_squares": Fit(
        least_squares.fit, least_squares.infer, linear, normal_equations,
        smooth=("X", "y", "weights", "precision", "l2"), troubles=IN_COLUMNS | IN_PRECISION, has_steps=False,
    ),
    "logistic_regression": Fit(
        logistic_regression.fit, logistic_regression.infer, binomial, binomial_answer,
        smooth=("X", "y", "weights", "offset", "trials", "l2"), troubles=IN_CLASSES, classes=2,
    ),
    "multinomial_regression": Fit(
        functools.partial(multinomial_regression.fit, n_classes=3), multinomial_regression.infer,
        labels, functools.partial(multinomial_answer, first=1),
        smooth=("X", "weights", "l2"), troubles=IN_CLASSES, classes=3,
    ),
    "multinomial_regression.symmetric": Fit(
        functools.partial(multinomial_regression.fit, n_classes=3, coding="symmetric"), multinomial_regression.infer,
        labels, functools.partial(multinomial_answer, first=0),
        smooth=("X", "weights", "l2"), troubles=IN_CLASSES, classes=3, unpenalized=Status.FLAT,
    ),
    "curve_fitting": Fit(
        functools.partial(curve_fitting.fit, surface, LinearParams(np.zeros(2, np.float32), 0.0)),
        functools.partial(curve_fitting.infer, surface), surface_points, surface_answer,
        smooth=("X", "y", "weights", "precision"),
        troubles={**IN_COLUMNS, **IN_PRECISION, **FLAT_COLUMNS, "infinity in X": Status.BAD_START},
    ),
    "maximum_likelihood": Fit(
        fit_likelihood, infer_likelihood, logistic_line, logistic_line_answer,
        smooth=("X", "y", "weights"),
        troubles={**IN_COLUMNS, **FLAT_COLUMNS, "fewer rows than parameters": Status.BOUNDARY},
    ),
    "distributions.Gamma": Fit(
        distributions.Gamma.fit, distributions.Gamma.infer, waiting_times, gamma_answer,
        smooth=("y", "weights"), troubles={**IN_ROWS, "equal y": Status.BOUNDARY}, has_steps=False,
    ),
    "neural_networks": Fit(
        train_network, None, standard_rows, regression_line, smooth=("X", "y"),
        troubles={**IN_X, "NaN in y": Status.INVALID_DATA}, has_steps=False, ends=Status.MAX_STEPS,
    ),
}  # fmt: skip
PENALIZED = {name: fit for name, fit in FITS.items() if "l2" in fit.smooth}
# One row for each chapter that has a penalty: what is true of its variants is no second kind to batches and refusals.
PENALIZED_CHAPTERS = {name: fit for name, fit in PENALIZED.items() if "." not in name}


# Problems of one fit, and its answers as NumPy holds them.


def problem(fit: Fit, dtype, seed: int = 0) -> Data:
    return {name: value.astype(dtype) for name, value in fit.problem(np.random.default_rng(seed)).items()}


def batch(fit: Fit, dtype, lanes: int = LANES) -> Data:
    drawn = [problem(fit, dtype, seed) for seed in range(lanes)]
    return {name: np.stack([data[name] for data in drawn]) for name in drawn[0]}


def unpenalized(data: Data) -> Data:
    """Without a penalty where there is one, which would hide a trouble of rows or columns."""
    return {**data, "l2": 0 * data["l2"]} if "l2" in data else data


def lane(data: Data, index) -> Data:
    return {name: value[index] for name, value in data.items()}


def call(function: Callable, data: Data, *before):
    """`function` with X and y by position and the rest by keyword."""
    rest = {name: value for name, value in data.items() if name not in ("X", "y")}
    return function(*before, *(data[name] for name in ("X", "y") if name in data), **rest)


_batched: dict[Callable, Callable] = {}


def compiled_batch(fit: Fit) -> Callable:
    """`vmap` of the fit over all arguments, jitted: one program for all tests of a fit and precision."""
    return _batched.setdefault(fit.fit, jax.jit(jax.vmap(lambda data: call(fit.fit, data))))


def flat(params) -> np.ndarray:
    """Parameters end to end."""
    return np.concatenate([np.asarray(leaf).reshape(-1) for leaf in jax.tree.leaves(params)])


def stacked(solutions: list):
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *solutions)


def assert_same(ours, theirs, tolerance: float) -> None:
    """Two solutions of the same problems: the same statuses, the same numbers but for rounding."""
    np.testing.assert_array_equal(ours.status, theirs.status)
    for a, b in zip(jax.tree.leaves(ours.params), jax.tree.leaves(theirs.params), strict=True):
        assert_close(a, b, tolerance)
    assert_close(ours.value, theirs.value, tolerance)
