"""Bad input ends in an error that names the argument, what was expected and what was got, or in a status; never in a
wrong number that looks right."""

import re

import numpy as np
import pytest
from fits import PENALIZED_CHAPTERS, ROWS, Fit, call, compiled_batch, problem

import jaxnotes as jn
from jaxnotes import Status, least_squares, logistic_regression


@pytest.fixture(params=[name for name, fit in PENALIZED_CHAPTERS.items() if fit.classes <= 2])
def fit(request) -> Fit:
    """With one linear predictor."""
    return PENALIZED_CHAPTERS[request.param]


X, Y = np.arange(12, dtype=np.float32).reshape(6, 2) % 5, np.array([0, 1, 1, 0, 1, 0], np.float32)
ROW = ("weights", "precision", "offset", "trials")

# what is wrong: (changed arguments, error, what the message must say after the name of the first argument)
REFUSED = {
    "X of one axis": (
        {"X": X[:, 0]},
        ValueError,
        r"expected shape \(n_samples, n_features\), got \(6,\).*X\[:, None\]",
    ),
    "X of three axes": ({"X": X[None]}, ValueError, r"expected shape .* got \(1, 6, 2\).*vmap"),
    "X a number": ({"X": 3.0}, ValueError, r"expected shape .* got \(\)"),
    "X without rows": ({"X": X[:0], "y": Y[:0]}, ValueError, r"expected at least one row, got shape \(0, 2\)"),
    "X complex": ({"X": X + 0j}, TypeError, "expected float32 or float64, got complex64"),
    "X float16": ({"X": X.astype(np.float16)}, TypeError, "expected float32 or float64, got float16"),
    "X strings": ({"X": [["red", "blue"]] * 6}, TypeError, "expected an array of numbers, got list"),
    "X ragged": (
        {"X": [[1.0], [1.0, 2.0]]},
        TypeError,
        r"expected an array of numbers, got list .*\[1.0\]. Give all rows the same length",
    ),
    "X None": ({"X": None}, TypeError, "expected an array of numbers, got NoneType"),
    "y too short": ({"y": Y[:5]}, ValueError, r"expected shape \(6,\).*got \(5,\)"),
    "y a column": ({"y": Y[:, None]}, ValueError, r"expected shape \(6,\).*got \(6, 1\).*y\[:, 0\]"),
    "y a number": ({"y": 1.0}, ValueError, r"expected shape \(6,\).*got \(\)"),
    "y complex": ({"y": Y * 1j}, TypeError, "expected float32 or float64, got complex64"),
    "y strings": (
        {"y": ["yes", "no"] * 3},
        TypeError,
        "expected an array of numbers, got list .*'yes'. Code categories",
    ),
    "l2 negative": ({"l2": -0.1}, ValueError, "expected a number >= 0, got -0.1"),
    "l2 NaN": ({"l2": float("nan")}, ValueError, "expected a number >= 0, got nan"),
    "l2 a vector": ({"l2": np.ones(2, np.float32)}, ValueError, r"expected a number, got shape \(2,\).*vmap"),
    "l2 a string": ({"l2": "strong"}, TypeError, "expected an array of numbers, got str .*'strong'"),
}
for _name in ROW:
    REFUSED |= {
        f"{_name} too short": ({_name: Y[:5]}, ValueError, r"expected shape \(6,\).*got \(5,\)"),
        f"{_name} a column": ({_name: Y[:, None]}, ValueError, r"expected shape \(6,\).*got \(6, 1\)"),
        f"{_name} complex": ({_name: Y * 1j}, TypeError, "expected float32 or float64, got complex64"),
        f"{_name} float16": ({_name: Y.astype(np.float16)}, TypeError, "expected float32 or float64, got float16"),
    }


def takes(name: str, argument: str) -> bool:
    return argument not in ROW or argument in PENALIZED_CHAPTERS[name].smooth


@pytest.mark.parametrize(
    ("name", "what"),
    [(name, what) for name in PENALIZED_CHAPTERS for what in REFUSED if takes(name, next(iter(REFUSED[what][0])))],
)
@pytest.mark.parametrize("verb", ["fit", "infer"])
def test_refused_while_tracing(name, verb, what):
    fit = PENALIZED_CHAPTERS[name]
    changes, error, message = REFUSED[what]
    argument = next(iter(changes))
    data = {"X": X, "y": Y, **changes}
    before = () if verb == "fit" else (jn.Solution(jn.LinearParams(Y[:2], Y[0]), Y[0], Y[0], Y[0], Y[0], Y[0]),)
    with pytest.raises(error, match=f"^{argument}: {message}") as caught:
        call(getattr(fit, verb), data, *before)
    assert str(caught.value).endswith((".", ")"))


OTHERS = {
    "negative max_steps": (
        lambda: logistic_regression.fit(X, Y, max_steps=-1),
        ValueError,
        "max_steps: expected a whole number >= 0, got -1",
    ),
    "negative tol": (lambda: logistic_regression.fit(X, Y, tol=-1e-3), ValueError, "tol: expected a number >= 0"),
    "no columns and no intercept": (
        lambda: least_squares.fit(X[:, :0], Y, intercept=False),
        ValueError, r"X: expected at least one column.*\(6, 0\)"
    ),
    "unknown convention": (
        lambda: least_squares.loss(jn.LinearParams(Y[:2], None), X, Y, convention="rms"),
        ValueError, "convention: expected one of sum, mean, half_mean, got 'rms'",
    ),
    "orthogonal x of two axes": (lambda: least_squares.fit_orthogonal(X, Y), ValueError, r"x: expected shape \(n,\)"),
    "orthogonal y too short": (lambda: least_squares.fit_orthogonal(Y, Y[:4]), ValueError, r"y: expected shape \(6,\)"),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_others_refused(what):
    attempt, error, message = OTHERS[what]
    with pytest.raises(error, match=f"^{message}"):
        attempt()


INFER = {
    "unknown cov": ({"cov": "HC4"}, ValueError, "cov: expected one of nonrobust, HC0, .*cluster, got 'HC4'"),
    "level above 1": ({"level": 95}, ValueError, "level: expected a number between 0 and 1, got 95"),
    "level 0": ({"level": 0.0}, ValueError, "level: expected a number between 0 and 1, got 0.0"),
    "level NaN": ({"level": float("nan")}, ValueError, "level: expected a number between 0 and 1, got nan"),
    "cluster without groups": ({"cov": "cluster"}, ValueError, "groups: expected labels exactly with cov='cluster'"),
    "groups without cluster": ({"groups": np.zeros(6, int)}, ValueError, "groups: expected labels exactly with"),
    "real groups": ({"cov": "cluster", "groups": Y}, TypeError, "groups: expected integers or text, got float32"),
    "groups too short": ({"cov": "cluster", "groups": np.zeros(5, int)}, ValueError, r"groups: expected shape \(6,\)"),
    "other data": ({"X": np.ones((6, 3))}, ValueError, r"solution.params.coef: expected shape \(3,\).*got \(2,\)"),
}


@pytest.mark.parametrize("what", INFER)
def test_infer_refuses(fit, what):
    changes, error, message = INFER[what]
    solution = jn.Solution(jn.LinearParams(Y[:2], Y[0]), Y[0], Y[0], Y[0], np.int8(0), Y[0])
    with pytest.raises(error, match=f"^{message}"):
        call(fit.infer, {"X": X, "y": Y, **changes}, solution)


@pytest.mark.parametrize(
    "use",
    [least_squares.predict, logistic_regression.predict, logistic_regression.predict_proba],
    ids=lambda f: f.__qualname__,
)
def test_predict_refuses_other_data(use):
    solution = jn.Solution(jn.LinearParams(Y[:2], Y[0]), Y[0], Y[0], Y[0], np.int8(0), Y[0])
    with pytest.raises(ValueError, match=r"^solution.params.coef: expected shape \(3,\).*got \(2,\)"):
        use(solution, np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"^X: expected shape \(n_samples, n_features\), got \(2,\)"):
        use(solution, np.ones(2))


# Trouble in the values: which argument, where, what; and the status of each fit that takes it.
VALUES = [
    ("X", (3, 0), np.nan, Status.NON_FINITE_DATA),
    ("X", (3, 1), np.inf, Status.NON_FINITE_DATA),
    ("X", (3, 1), -np.inf, Status.NON_FINITE_DATA),
    ("X", (3, 1), 3e38, Status.DIVERGED),
    ("y", 2, np.nan, Status.NON_FINITE_DATA),
    ("y", 2, np.inf, Status.NON_FINITE_DATA),
    ("weights", 2, np.nan, Status.NON_FINITE_DATA),
    ("weights", 2, np.inf, Status.NON_FINITE_DATA),
    ("weights", 2, -1e-3, Status.INVALID_DATA),
    ("weights", slice(None), 0.0, Status.TOO_FEW_ROWS),
    ("offset", 2, np.nan, Status.NON_FINITE_DATA),
    ("offset", 2, -np.inf, Status.NON_FINITE_DATA),
    ("precision", 2, np.nan, Status.NON_FINITE_DATA),
    ("precision", 2, np.inf, Status.NON_FINITE_DATA),
    ("precision", 2, -1.0, Status.INVALID_DATA),
    ("precision", slice(None), 0.0, Status.TOO_FEW_ROWS),
    ("trials", 2, 0.0, Status.INVALID_DATA),
    ("trials", 2, -2.0, Status.INVALID_DATA),
    ("trials", 2, np.nan, Status.NON_FINITE_DATA),
    ("trials", 2, np.inf, Status.NON_FINITE_DATA),
    ("l2", (), -0.5, Status.INVALID_DATA),
    ("l2", (), np.nan, Status.NON_FINITE_DATA),
    ("l2", (), np.inf, Status.NON_FINITE_DATA),
]


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("name", "argument", "where", "value", "expected"),
    [(name, *row) for name in PENALIZED_CHAPTERS for row in VALUES if takes(name, row[0])],
)
def test_values_become_a_status(name, argument, where, value, expected):
    fit = PENALIZED_CHAPTERS[name]
    data = problem(fit, "float32")
    data[argument][where] = value
    lane = compiled_batch(fit)({name: array[None] for name, array in data.items()})
    assert Status(int(lane.status[0])) == expected


@pytest.mark.parametrize("value", [-0.01, 3.01])
def test_counts_out_of_range(value):
    data = problem(PENALIZED_CHAPTERS["logistic_regression"], "float32")
    data["trials"][5], data["y"][5] = 3, value
    with pytest.raises(ValueError, match=r"^y, trials: expected 0 <= y <= trials, .* in row 5"):
        call(logistic_regression.fit, data)
    data["weights"][5] = 0
    assert call(logistic_regression.fit, data).status == Status.CONVERGED


def test_absent_rows_may_hold_anything(fit):
    """The answer is that of the same rows with harmless numbers; also where the trouble is an invalid value."""
    data = problem(fit, "float32")
    data["weights"][[1, 9]] = 0
    clean = call(fit.fit, data)
    for name in set(fit.smooth) - {"l2", "weights"}:
        for value in (np.nan, np.inf, -7.0, 1e30):
            data[name][9] = value
            dirty = call(fit.fit, data)
            assert dirty.status == Status.CONVERGED, (name, value)
            np.testing.assert_allclose(dirty.params.coef, clean.params.coef, rtol=1e-5, err_msg=f"{name} {value}")


def test_one_class_without_intercept_is_separated_or_fitted():
    """One class has no finite intercept; without one, the linear programme decides."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, 2)).astype(np.float32)
    ones = np.ones(ROWS, np.float32)
    assert logistic_regression.fit(X, ones).status == Status.ONE_CLASS
    assert logistic_regression.fit(X, ones, intercept=False).status == Status.CONVERGED
    assert logistic_regression.fit(np.abs(X), ones, intercept=False).status == Status.SEPARATED
    assert logistic_regression.fit(X, 0 * ones).status == Status.ONE_CLASS


def test_more_columns_than_rows(fit):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3, 5)).astype(np.float32), np.array([0, 1, 0], np.float32)
    solution = fit.fit(X, y)
    assert solution.status == Status.TOO_FEW_ROWS
    penalized = fit.fit(X, y, l2=0.1)
    assert penalized.status == Status.CONVERGED
    # The gradient, written out: X'(fitted - y) / n + l2 coef = 0.
    eta = X @ np.asarray(penalized.params.coef) + float(penalized.params.intercept)
    fitted = 1 / (1 + np.exp(-eta)) if fit.classes else eta
    np.testing.assert_allclose(X.T @ (fitted - y) / 3 + 0.1 * np.asarray(penalized.params.coef), 0, atol=3e-6)


def test_too_few_rows_give_the_least_norm_line():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3, 5)).astype(np.float32), rng.standard_normal(3).astype(np.float32)
    solution = least_squares.fit(X, y)
    centred = X.astype(float) - X.mean(axis=0, dtype=float)
    expected = np.linalg.pinv(centred, rcond=1e-10) @ (y - y.mean(dtype=float))
    np.testing.assert_allclose(solution.params.coef, expected, atol=1e-6)


def test_no_columns_is_the_mean(fit):
    y = np.array([0, 1, 1, 1], np.float32)
    solution = fit.fit(np.zeros((4, 0), np.float32), y)
    assert solution.status == Status.CONVERGED
    assert solution.params.coef.shape == (0,)
    expected = np.log(3) if fit.classes else 0.75
    assert float(solution.params.intercept) == pytest.approx(expected, rel=3e-6)


def test_integers_and_bools_are_numbers(fit):
    flags = np.array([True, False, True, True, False, False, True, False])
    X = np.array([[1], [2], [4], [3], [3], [5], [2], [1]])
    ours = fit.fit(X, flags)
    theirs = fit.fit(X.astype(np.float32), flags.astype(np.float32))
    assert ours.params.coef.dtype == np.float32
    np.testing.assert_array_equal(ours.params.coef, theirs.params.coef)


def test_lists_are_arrays(fit):
    solution = fit.fit([[1.0], [2.0], [4.0], [3.0], [3.0], [5.0], [2.0], [1.0]], [1, 0, 1, 1, 0, 0, 1, 0])
    assert solution.status == Status.CONVERGED


def test_errors_are_told_in_one_sentence_that_starts_with_the_argument():
    """The three parts of every message: which argument, what was expected, what was got."""
    for _, _, message in [*REFUSED.values(), *OTHERS.values(), *INFER.values()]:
        assert re.search("expected", message)
