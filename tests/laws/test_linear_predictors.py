"""Logistic and multinomial regression: what CONVERGED promises, on data as people have them, against float64 Newton.

One row a kind of trouble; all of them are lanes of one batch, and some are fitted alone.
"""

import functools

import jax
import numpy as np
import pytest
from scipy.special import expit

import jaxnotes as jn
from jaxnotes import Status, x64

LR, MR = jn.logistic_regression, jn.multinomial_regression
N, PROMISE = 40, 0.01


def plain(seed: int, slope: float = 1.0) -> dict:
    """A problem without trouble; float32 numbers, so that both precisions have the same data."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, 3)).astype(np.float32).astype(float)
    y = (rng.random(N) < expit(slope * X[:, 1])) * 1.0
    one = np.ones(N)
    return {"X": X, "y": y, "weights": one, "offset": 0 * one, "trials": one, "l2": 0.0}


def counted(seed: int, trials: float, base: float = 0.0) -> dict:
    data = plain(seed)
    chance = expit(data["X"][:, 1] + base)
    hits = np.random.default_rng(seed).binomial(int(trials), chance)
    return {**data, "y": hits * 1.0, "trials": np.full(N, trials)}


def with_outlier(seed: int, l2: float = 0.0) -> dict:
    data = plain(seed)
    data["X"][0, 0] = 1e6
    return {**data, "l2": l2}


def nearly_dependent(seed: int, share: float) -> dict:
    data = plain(seed)
    data["X"][:, 2] = data["X"][:, 0] + share * data["X"][:, 2]
    return {**data, "X": data["X"].astype(np.float32).astype(float)}


def changed(seed: int, **factors) -> dict:
    data = plain(seed)
    return {**data, **{name: data[name] * value for name, value in factors.items()}}


def shifted(seed: int, place: float) -> dict:
    data = plain(seed)
    X = data["X"] + [0, 0, place]
    return {**data, "X": X.astype(np.float32).astype(float)}


def thin_overlap(seed: int) -> dict:
    """Of two rows 1e-3 apart; all others are sure."""
    data = plain(seed)
    X = data["X"]
    X[:, 0] = np.where(np.abs(X[:, 0]) < 0.05, 0.05 + np.abs(X[:, 0]), X[:, 0])
    X[:2, 0], X[:2, 1:] = [-(2.0**-11), 2.0**-11], X[0, 1:]
    y = (X[:, 0] > 0) * 1.0
    y[:2] = 1, 0
    return {**data, "X": X, "y": y}


WIDE = np.logspace(0, 12, N)[np.random.default_rng(5).permutation(N)].astype(np.float32).astype(float)
KINDS = {
    "plain": plain(0),
    "trials 5e4": counted(1, 5e4),
    "trials 2e7, rare": counted(2, 2e7, base=-8.0),
    "weights times 1e-9": changed(0, weights=2.0**-30),
    "weights times 1e9": changed(0, weights=2.0**30),
    "wide weights": changed(3, weights=WIDE),
    "offset 1e4": {**plain(4), "offset": np.full(N, 1e4)},
    "offset -20": {**plain(4), "offset": np.full(N, -20.0)},
    "column far away": shifted(5, 2.0**14),
    "condition 1e3": nearly_dependent(6, 2e-3),
    "condition 1e4": nearly_dependent(7, 2e-4),
    "outlier": with_outlier(8),
    "outlier, l2": with_outlier(9, 2.0**-5),
    "outlier, large l2": with_outlier(10, 2.0**-3),
    "outlier of many weights": {**with_outlier(11), "weights": np.full(N, 4.0)},
    "overlap 1e-3": thin_overlap(12),
}


def newton(data: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The optimum, the intercept first, the standard errors of the promise and those of `infer`.

    In columns centred and of length 1, in long doubles but for the matrix that is solved with; the promise counts the
    penalty as if it were data.
    """
    data = {name: np.asarray(value, np.longdouble) for name, value in data.items()}
    X, weights, l2 = data["X"], data["weights"], data["l2"]
    mean, size = X.mean(axis=0), X.std(axis=0)
    A = np.column_stack([np.ones(N), (X - mean) / size])
    share, penalty = weights / weights.sum(), np.append(0, l2 / size**2)
    offset = data["offset"] - data["offset"].mean()

    def at(theta):
        eta = A @ theta + offset
        value = share @ (data["trials"] * np.logaddexp(0, eta) - data["y"] * eta) + penalty @ theta**2 / 2
        p = expit(eta)
        score = A.T @ (share * (data["y"] - data["trials"] * p)) - penalty * theta
        return value, score, (A.T * (share * data["trials"] * p * (1 - p))) @ A + np.diag(penalty)

    theta = np.zeros(4)
    for _ in range(300):
        value, score, H = at(theta)
        step = np.linalg.solve(H.astype(float), score.astype(float))
        while at(theta + step)[0] > value + 1e-15 * abs(value) and np.max(np.abs(step)) > 1e-13:
            step = step / 2
        theta = theta + step
    back = np.vstack([np.append(1, -mean / size), np.column_stack([np.zeros(3), np.diag(1 / size)])])
    inverse, n = np.linalg.inv(at(theta)[2].astype(float)), weights.sum()
    information = at(theta)[2] - np.diag(penalty)
    errors = [np.sqrt(np.diag(back @ middle @ back.T) / n) for middle in (inverse, inverse @ information @ inverse)]
    return back @ theta - np.append(data["offset"].mean(), [0, 0, 0]), *errors


EXACT = {name: newton(data) for name, data in KINDS.items()}


def given(dtype, names) -> dict:
    return {key: np.stack([np.asarray(KINDS[name][key], dtype) for name in names]) for key in KINDS["plain"]}


def fit(data):
    rest = {key: data[key] for key in ("weights", "offset", "trials", "l2")}
    solution = LR.fit(data["X"], data["y"], **rest)
    return solution, LR.infer(solution, data["X"], data["y"], **rest)


def assert_kept(name: str, dtype, solution, estimate, se=None) -> None:
    """CONVERGED, within the promise, no further off than `error` says, and the standard errors right to 1 %."""
    theta, errors, spread = EXACT[name]
    assert Status(int(solution.status)) == Status.CONVERGED, name
    off = np.abs(np.asarray(estimate, float) - theta)
    ulp = np.spacing(np.abs(np.asarray(estimate, dtype))).astype(float)
    errors_of_lane = errors * max(1, np.sqrt(KINDS[name]["weights"].sum() / N))
    assert np.all(off <= np.maximum(PROMISE * errors_of_lane, 2 * ulp)), (name, off / errors_of_lane)
    assert np.max(off / errors_of_lane) <= float(solution.error) + 1e-9, (name, off / errors_of_lane, solution.error)
    if se is not None:
        np.testing.assert_allclose(se, spread, rtol=0.01, err_msg=name)


@pytest.mark.long
def test_the_promise_is_kept_in_a_batch(dtype):
    names = list(KINDS)
    solution, inferred = jax.jit(jax.vmap(fit))(given(dtype, names))
    for lane, name in enumerate(names):
        of_lane = jax.tree.map(lambda leaf, lane=lane: leaf[lane], solution)
        assert_kept(name, dtype, of_lane, inferred.estimate[lane], inferred.se[lane])


ALONE = ["plain", "trials 2e7, rare", "offset 1e4", "condition 1e4", "outlier, l2"]


@pytest.mark.long
def test_and_alone(dtype):
    for name in ALONE:
        solution, inferred = fit({key: value[0] for key, value in given(dtype, [name]).items()})
        assert_kept(name, dtype, solution, inferred.estimate)


def test_two_classes_are_logistic_regression(dtype):
    """Without offset and counts the softmax of two classes has the same optimum."""
    names = ["plain", "wide weights", "column far away", "condition 1e4", "outlier", "outlier, large l2"]
    data = given(dtype, names)

    def two_classes(X, y, weights, l2):
        return MR.fit(X, y, n_classes=2, weights=weights, l2=l2)

    solution = jax.jit(jax.vmap(two_classes))(data["X"], data["y"], data["weights"], data["l2"])
    for lane, name in enumerate(names):
        of_lane = jax.tree.map(lambda leaf, lane=lane: leaf[lane], solution)
        theta = np.append(of_lane.params.intercept, of_lane.params.coef)
        assert_kept(name, dtype, of_lane, theta)


def test_a_power_of_two_changes_no_digit(dtype):
    """Of a column: its coefficient and standard error alone move, by exactly that power."""
    data = {key: value[0] for key, value in given(dtype, ["plain"]).items()}
    powers = np.array([0, 90, -90, 40]) if dtype == np.float32 else np.array([0, 600, -600, 40])
    units = (2.0 ** powers[:, None] * np.ones(3)).astype(dtype)
    solution, inferred = jax.jit(jax.vmap(lambda unit: fit({**data, "X": data["X"] * unit[None]})))(units)
    assert np.all(np.asarray(solution.status) == Status.CONVERGED)
    for got in (solution.params.coef, inferred.se[:, 1:]):
        np.testing.assert_array_equal(got[1:] * units[1:], np.broadcast_to(got[0], (3, 3)))
    np.testing.assert_array_equal(solution.params.intercept, np.repeat(solution.params.intercept[:1], 4))


def test_an_answer_that_does_not_fit_is_told(dtype):
    """Columns so large that what is promised of their coefficients underflows."""
    data = {key: value[0] for key, value in given(dtype, ["plain"]).items()}
    assert fit({**data, "X": data["X"] * (np.finfo(dtype).max / 64)})[0].status == Status.DIVERGED


@pytest.mark.long
def test_rare_events_in_many_rows():
    """Five events in 60,000 rows, passed over in chunks: the sums of the score must not lose them."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal(60_000).astype(np.float32)
    y = np.zeros(60_000, np.float32)
    y[rng.choice(60_000, 5, replace=False)] = 1
    single = LR.fit(x[:, None], y)
    with x64():
        exact = LR.fit(x.astype(float)[:, None], y.astype(float))
        se = np.asarray(LR.infer(exact, x.astype(float)[:, None], y.astype(float)).se)
    assert (single.status, exact.status) == (Status.CONVERGED, Status.CONVERGED)
    off = [single.params.intercept - exact.params.intercept, single.params.coef[0] - exact.params.coef[0]]
    assert np.all(np.abs(off) <= PROMISE * se)


SIGN = np.sign(KINDS["plain"]["X"][:, 0])
OUT_OF_RANGE = {
    "labels of -1 and 1": (LR.fit, SIGN),
    "labels of 1 and 2": (LR.fit, 1 + (SIGN > 0)),
    "classes from 1": (functools.partial(MR.fit, n_classes=3), np.arange(N) % 3 + 1),
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_y_out_of_its_range(name):
    """Alone an error that says the rule; where nothing can be raised, a status."""
    verb, y = OUT_OF_RANGE[name]
    X, y = KINDS["plain"]["X"].astype(np.float32), y.astype(np.float32)
    with pytest.raises(ValueError, match=r"expected .* got .* in row"):
        verb(X, y)
    assert jax.jit(verb)(X, y).status == Status.INVALID_DATA


def test_a_row_without_weight_may_hold_any_label():
    data = KINDS["plain"]
    y, weights = data["y"].copy(), np.ones(N)
    y[3], weights[3] = -1, 0
    assert LR.fit(data["X"], y, weights=weights).status == Status.CONVERGED


def test_a_lane_without_an_answer_is_nan():
    """All of its parameters, and it took no steps."""
    data = given(np.float32, ["plain"] * 4)
    data["X"][0, 0, 0], data["y"][1], data["weights"][2] = np.nan, 0, 0
    solution, _ = jax.jit(jax.vmap(fit))(data)
    assert np.all(np.isnan(np.column_stack([solution.params.intercept, solution.params.coef]))[:3])
    np.testing.assert_array_equal(solution.steps[:3], 0)
    assert solution.status[3] == Status.CONVERGED


@pytest.mark.long
def test_what_intercepts_have_in_common_stays(double):
    """Symmetric coding does not determine it; rounding must not send it anywhere, nor refuse the answer."""
    data = [plain(seed) for seed in range(8)]
    X, y = (np.stack([lane[key] for lane in data]) for key in ("X", "y"))
    solution = jax.vmap(lambda X, y: MR.fit(X, y, n_classes=2, coding="symmetric", l2=0.01))(X, y)
    assert np.all(np.asarray(solution.status) == Status.CONVERGED)
    np.testing.assert_allclose(np.sum(solution.params.intercept, axis=1), 0, atol=1e-12)
