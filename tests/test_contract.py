"""What every fit promises, asked of each in one table: chapter x precision x transform. A new chapter is a new row."""

import dataclasses
import logging
from collections.abc import Callable

import jax
import numpy as np
import pytest
import tolerances
from scipy.optimize import root
from scipy.special import expit
from tolerances import assert_close

from jaxnotes import Status, least_squares, logistic_regression

ROWS, LANES = 24, 12
Data = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Chapter:
    """fit, infer: the verbs. data: a problem from a generator, all in float64 and away from the edges of its range.

    answer: the exact parameters, flat as `flat` has them, and the value, by a second algorithm. smooth: arguments to
    differentiate in. classes: does y name classes? has_steps: does it take max_steps?
    """

    fit: Callable
    infer: Callable
    data: Callable[[np.random.Generator], Data]
    answer: Callable[[Data], tuple[np.ndarray, float]]
    smooth: tuple[str, ...]
    classes: bool
    has_steps: bool


def common(rng) -> Data:
    X = rng.standard_normal((ROWS, 2)) * [1.0, 20.0] + [0.5, -30.0]
    return {"X": X, "weights": rng.uniform(0.5, 2, ROWS), "l2": np.array(0.01)}


def linear_data(rng) -> Data:
    data = common(rng)
    y = 3 + data["X"] @ [1.0, 0.05] + rng.standard_normal(ROWS)
    return {**data, "y": y, "precision": rng.uniform(0.5, 2, ROWS)}


def linear_answer(data: Data) -> tuple[np.ndarray, float]:
    """The normal equations as a longer least-squares problem, by NumPy."""
    A = np.column_stack([data["X"], np.ones(ROWS)])
    share = data["weights"] * data["precision"] / data["weights"].sum()
    penalty = np.sqrt(data["l2"]) * np.eye(3)[:2]
    theta = np.linalg.lstsq(
        np.concatenate([np.sqrt(share)[:, None] * A, penalty]), [*np.sqrt(share) * data["y"], 0, 0]
    )[0]
    return theta, np.sum(share * (data["y"] - A @ theta) ** 2) / 2 + data["l2"] / 2 * np.sum(theta[:2] ** 2)


def binomial_data(rng) -> Data:
    data = common(rng)
    trials = rng.integers(1, 4, ROWS).astype(float)
    offset = 0.3 * rng.standard_normal(ROWS)
    y = rng.binomial(trials.astype(int), expit(data["X"] @ [0.7, 0.03] + 1 + offset))
    return {**data, "y": np.clip(y, 0.2, trials - 0.2), "trials": trials, "offset": offset}


def binomial_answer(data: Data) -> tuple[np.ndarray, float]:
    """The zero of the score, by SciPy's hybrid Powell method."""
    A, size = np.column_stack([data["X"], np.ones(ROWS)]), np.array([1, 20, 1])
    share, penalty = data["weights"] / data["weights"].sum(), data["l2"] * np.array([1, 1, 0])

    def score(scaled):
        theta = scaled / size
        eta = A @ theta + data["offset"]
        return (A.T @ (share * (data["trials"] * expit(eta) - data["y"])) + penalty * theta) / size

    theta = root(score, np.zeros(3), tol=1e-14).x / size
    eta = A @ theta + data["offset"]
    loglik = data["y"] * eta - data["trials"] * np.logaddexp(0, eta)
    return theta, -np.sum(share * loglik) + np.sum(penalty * theta**2) / 2


CHAPTERS = {
    "least_squares": Chapter(
        least_squares.fit, least_squares.infer, linear_data, linear_answer,
        smooth=("X", "y", "weights", "precision", "l2"), classes=False, has_steps=False,
    ),
    "logistic_regression": Chapter(
        logistic_regression.fit, logistic_regression.infer, binomial_data, binomial_answer,
        smooth=("X", "y", "weights", "offset", "trials", "l2"), classes=True, has_steps=True,
    ),
}  # fmt: skip


@pytest.fixture(params=CHAPTERS)
def chapter(request) -> Chapter:
    return CHAPTERS[request.param]


def problem(chapter: Chapter, dtype, seed: int = 0) -> Data:
    return {name: value.astype(dtype) for name, value in chapter.data(np.random.default_rng(seed)).items()}


def batch(chapter: Chapter, dtype, lanes: int = LANES) -> Data:
    drawn = [problem(chapter, dtype, seed) for seed in range(lanes)]
    return {name: np.stack([data[name] for data in drawn]) for name in drawn[0]}


def lane(data: Data, index) -> Data:
    return {name: value[index] for name, value in data.items()}


def call(function: Callable, data: Data, *before):
    """`function` with X and y by position and the rest by keyword."""
    rest = {name: value for name, value in data.items() if name not in ("X", "y")}
    return function(*before, data["X"], data["y"], **rest)


def flat(params, lanes: int | None = None):
    """Parameters end to end, one row a lane where there are lanes."""
    shape = (-1,) if lanes is None else (lanes, -1)
    return np.concatenate([np.asarray(leaf).reshape(shape) for leaf in jax.tree.leaves(params)], axis=-1)


def assert_same(ours, theirs, tolerance: float) -> None:
    """Two solutions of the same problems: the same statuses, the same numbers but for rounding."""
    np.testing.assert_array_equal(ours.status, theirs.status)
    for a, b in zip(jax.tree.leaves(ours.params), jax.tree.leaves(theirs.params), strict=True):
        assert_close(a, b, tolerance)
    assert_close(ours.value, theirs.value, tolerance)


def stacked(solutions: list):
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *solutions)


def test_reaches_the_known_answer(chapter, dtype):
    for seed in range(4):
        solution = call(chapter.fit, problem(chapter, dtype, seed))
        params, value = chapter.answer(chapter.data(np.random.default_rng(seed)))
        tolerance = tolerances.of(dtype).estimate
        assert solution.status == Status.CONVERGED
        assert_close(flat(solution.params), params, tolerance)
        assert float(solution.value) == pytest.approx(value, rel=tolerance)
        assert float(solution.grad_norm) <= max(1e-10, 8 * np.finfo(dtype).eps)


def test_dtype_follows_the_input(chapter, dtype):
    solution = call(chapter.fit, problem(chapter, dtype))
    for leaf in jax.tree.leaves((solution.params, solution.value, solution.grad_norm)):
        assert leaf.dtype == dtype
    assert (solution.steps.dtype, solution.status.dtype) == (np.int32, np.int8)


def test_eager_is_jit(chapter, dtype):
    data = problem(chapter, dtype)
    jitted = jax.jit(lambda data: call(chapter.fit, data))(data)
    assert_same(call(chapter.fit, data), jitted, tolerances.of(dtype).reblocked)


@pytest.fixture
def many(chapter):
    """`vmap` of the fit over all arguments, jitted: one program for all tests of a chapter and precision."""
    return compiled_batch(chapter)


_batched: dict[Chapter, Callable] = {}


def compiled_batch(chapter: Chapter) -> Callable:
    return _batched.setdefault(chapter, jax.jit(jax.vmap(lambda data: call(chapter.fit, data))))


def test_vmap_is_a_loop(chapter, many, dtype):
    data = batch(chapter, dtype)
    loop = stacked([call(chapter.fit, lane(data, index)) for index in range(LANES)])
    assert_same(many(data), loop, tolerances.of(dtype).reblocked)


def test_nested_vmap_is_two_loops(chapter, double):
    data = batch(chapter, "float64", 4)
    l2 = np.array([0.0, 0.01, 0.5])
    inner = jax.vmap(lambda data, l2: call(chapter.fit, {**data, "l2": l2}), in_axes=(0, None))
    nested = jax.jit(jax.vmap(inner, in_axes=(None, 0)))(data, l2)
    loop = stacked([stacked([call(chapter.fit, {**lane(data, i), "l2": a}) for i in range(4)]) for a in l2])
    assert_same(nested, loop, tolerances.of("float64").reblocked)


def test_gradient_is_finite_differences(chapter, double):
    """Along random directions in each argument."""
    data = problem(chapter, "float64")
    jacobian = jax.jit(jax.jacrev(lambda data: call(chapter.fit, data).params))(data)
    value_slope = jax.jit(jax.grad(lambda data: call(chapter.fit, data).value))(data)
    rng = np.random.default_rng(3)
    for name in chapter.smooth:
        for _ in range(3):
            direction, h = rng.standard_normal(data[name].shape), 1e-5 if name != "l2" else 1e-6
            ahead, behind = (call(chapter.fit, {**data, name: data[name] + s * h * direction}) for s in (1, -1))
            difference = (flat(ahead.params) - flat(behind.params)) / (2 * h)
            slopes = [
                np.asarray(leaf[name]) for leaf in jax.tree.leaves(jacobian, is_leaf=lambda a: isinstance(a, dict))
            ]
            axes = direction.ndim
            ours = [np.tensordot(slope, direction, axes).reshape(-1) for slope in slopes]
            assert_close(np.concatenate(ours), difference, tolerances.of("float64").derivative)
            along = (float(ahead.value) - float(behind.value)) / (2 * h)
            ours = float(np.sum(value_slope[name] * direction))
            assert ours == pytest.approx(along, rel=tolerances.of("float64").derivative, abs=1e-9)


def test_hessian_is_second_differences(chapter, double):
    data = problem(chapter, "float64")
    weigh = np.array([1.0, -2.0, 0.5])

    def score(l2):
        params = call(chapter.fit, {**data, "l2": l2}).params
        return sum(w * leaf.sum() for w, leaf in zip(weigh, jax.tree.leaves(params), strict=False))

    l2, h = 0.05, 2e-3
    at = {k: float(score(np.float64(l2 + k * h))) for k in (-2, -1, 0, 1, 2)}
    expected = (16 * (at[1] + at[-1]) - at[2] - at[-2] - 30 * at[0]) / (12 * h**2)
    assert float(jax.jit(jax.hessian(score))(l2)) == pytest.approx(
        expected, rel=tolerances.of("float64").second_derivative
    )


def test_absent_rows_have_no_part_in_derivatives(chapter, double):
    """NaN in a row of weight 0 leaves the derivatives of everything else what they are without the row."""
    data = problem(chapter, "float64")
    data["weights"][[3, 11]] = 0
    holed = {name: value.copy() for name, value in data.items()}
    holed["X"][3], holed["y"][11] = np.nan, np.nan
    slope = jax.jit(jax.grad(lambda l2, data: call(chapter.fit, {**data, "l2": l2}).params.coef.sum()))
    assert float(slope(0.01, holed)) == pytest.approx(float(slope(0.01, data)), rel=1e-9)


def compilations(caplog, chapter: Chapter, data: Data) -> list[str]:
    """What was compiled by one fit."""
    caplog.clear()
    with jax.log_compiles(), caplog.at_level(logging.DEBUG):
        jax.block_until_ready(call(chapter.fit, data))
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("Compiling")]


def test_second_call_does_not_compile(chapter, caplog):
    first, second = problem(chapter, "float32"), problem(chapter, "float32", 1)
    call(chapter.fit, first)
    call(chapter.fit, {**first, "l2": 0.01})
    assert compilations(caplog, chapter, {**second, "l2": 0.7}) == []
    if chapter.has_steps:
        call(chapter.fit, {**first, "l2": 0.01, "tol": 1e-4})
        assert compilations(caplog, chapter, {**second, "l2": 0.7, "tol": 1e-3}) == []
    # The counter sees a compilation where there is one.
    assert compilations(caplog, chapter, {**{k: v[:23] if v.ndim else v for k, v in first.items()}}) != []


def spoil(**changes) -> Callable[[Data], Data]:
    """A change of a problem: each argument is a function that changes that array in place or returns another."""

    def spoiled(data: Data) -> Data:
        data = {name: value.copy() for name, value in data.items()}
        for name, change in changes.items():
            change(data[name])
        return data

    return spoiled


def put(index, value) -> Callable[[np.ndarray], None]:
    return lambda array: array.__setitem__(index, value)


def one_class(data: Data) -> Data:
    return {**data, "y": data["trials"] * 1 if "trials" in data else 0 * data["y"]}


TROUBLES = {
    "NaN in X": (spoil(X=put((5, 1), np.nan)), Status.NON_FINITE_DATA),
    "infinity in X": (spoil(X=put((5, 0), np.inf)), Status.NON_FINITE_DATA),
    "NaN in y": (spoil(y=put(7, np.nan)), Status.NON_FINITE_DATA),
    "infinite weight": (spoil(weights=put(0, np.inf)), Status.NON_FINITE_DATA),
    "NaN weight": (spoil(weights=put(0, np.nan)), Status.NON_FINITE_DATA),
    "negative weight": (spoil(weights=put(0, -1.0)), Status.INVALID_DATA),
    "no rows": (spoil(weights=put(slice(None), 0.0)), Status.TOO_FEW_ROWS),
    "fewer rows than parameters": (spoil(weights=put(slice(2, None), 0.0)), Status.TOO_FEW_ROWS),
    "constant column": (spoil(X=put((slice(None), 1), 3.7)), Status.RANK_DEFICIENT),
    "zero column": (spoil(X=put((slice(None), 0), 0.0)), Status.RANK_DEFICIENT),
    "duplicated columns": (lambda data: {**data, "X": data["X"][:, [0, 0]]}, Status.RANK_DEFICIENT),
    "one class": (one_class, Status.ONE_CLASS),
}


def troubles(chapter: Chapter) -> list[str]:
    return [name for name in TROUBLES if chapter.classes or name != "one class"]


def test_trouble_is_told_and_disturbs_nobody(chapter, many, dtype):
    """Every other lane is spoiled; the sound ones keep their bits."""
    sound = {**batch(chapter, dtype), "l2": np.zeros(LANES, dtype)}
    before = many(sound)
    assert np.all(np.asarray(before.status) == Status.CONVERGED)
    names = troubles(chapter)
    for start in range(0, len(names), LANES // 2):
        chosen = names[start : start + LANES // 2]
        lanes = [lane(sound, index) for index in range(LANES)]
        for position, name in enumerate(chosen):
            lanes[2 * position] = TROUBLES[name][0](lanes[2 * position])
        after = many({key: np.stack([data[key] for data in lanes]) for key in sound})
        told = {name: Status(int(after.status[2 * position])) for position, name in enumerate(chosen)}
        assert told == {name: TROUBLES[name][1] for name in chosen}
        for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
            np.testing.assert_array_equal(np.asarray(a)[1::2], np.asarray(b)[1::2])


def test_trouble_is_told_alone_too(chapter, dtype):
    data = {**problem(chapter, dtype), "l2": np.zeros((), dtype)}
    told = {name: Status(int(call(chapter.fit, TROUBLES[name][0](data)).status)) for name in troubles(chapter)}
    assert told == {name: TROUBLES[name][1] for name in told}


def test_a_penalty_makes_up_for_missing_rows_and_columns(chapter, dtype):
    """With l2 > 0 the answer exists: for a column without spread it is 0."""
    data = {**problem(chapter, dtype), "l2": np.array(0.1, dtype)}
    for name in ("constant column", "zero column", "duplicated columns", "fewer rows than parameters"):
        solution = call(chapter.fit, TROUBLES[name][0](data))
        assert solution.status == Status.CONVERGED, name
        if name == "constant column":
            assert abs(float(solution.params.coef.reshape(-1, 2)[0, 1])) <= 1e-6
        if name == "duplicated columns":
            assert_close(solution.params.coef[..., 0], solution.params.coef[..., 1], tolerances.of(dtype).reblocked)


@pytest.mark.parametrize("name", [name for name, chapter in CHAPTERS.items() if chapter.has_steps])
def test_step_limits(name):
    chapter = CHAPTERS[name]
    data = problem(chapter, "float32")
    for limit in (0, 1):
        solution = call(chapter.fit, {**data, "max_steps": limit})
        assert solution.status == Status.MAX_STEPS
        assert int(solution.steps) == limit


def weighted_and_repeated(chapter: Chapter, dtype) -> tuple[Data, Data]:
    """The same 20 observations: 12 rows with weights 0 .. 3, and row by row; both filled up with absent rows."""
    data = problem(chapter, dtype)
    counts = np.array([2, 0, 3, 1, 2, 1, 3, 0, 1, 3, 2, 2])

    def fill(rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows, np.full((ROWS - len(rows), *rows.shape[1:]), np.nan, dtype)])

    def build(rows: np.ndarray, weights: np.ndarray) -> Data:
        absent = np.zeros(ROWS - len(weights))
        built = {name: fill(value[rows]) if value.ndim else value for name, value in data.items()}
        return {**built, "weights": np.concatenate([weights, absent]).astype(dtype)}

    return build(np.arange(12), counts), build(np.repeat(np.arange(12), counts), np.ones(20))


def test_a_weight_counts_as_rows(chapter, dtype):
    weighted, repeated = weighted_and_repeated(chapter, dtype)
    ours, theirs = call(chapter.fit, weighted), call(chapter.fit, repeated)
    assert ours.status == Status.CONVERGED
    assert_same(ours, theirs, tolerances.of(dtype).reblocked)


def test_inference_counts_a_weight_as_rows(chapter, double):
    weighted, repeated = weighted_and_repeated(chapter, "float64")
    ours, theirs = (call(chapter.infer, data, call(chapter.fit, data)) for data in (weighted, repeated))
    assert np.all(np.asarray(ours.se) > 0)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert_close(a, b, tolerances.of("float64").inference)


def test_inference_says_nothing_of_a_failed_fit(chapter, double):
    """NaN but for the estimate, except for the least-norm answer of deficient least squares."""
    data = {**problem(chapter, "float64"), "l2": np.zeros(())}
    for name in troubles(chapter):
        spoiled = TROUBLES[name][0](data)
        solution = call(chapter.fit, spoiled)
        if chapter.classes or TROUBLES[name][1] != Status.RANK_DEFICIENT:
            inferred = call(chapter.infer, spoiled, solution)
            for field in ("se", "statistic", "pvalue", "lower", "upper", "covariance"):
                assert np.all(np.isnan(getattr(inferred, field))), (name, field)
