"""Laws that hold for every fit, whatever the data: one section a law."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import tolerances
from tolerances import assert_close

import jaxnotes as jn

LS, LR = jn.least_squares, jn.logistic_regression
RNG = np.random.default_rng(12)
N = 24
X = RNG.standard_normal((N, 2))
Y = 1 + X[:, 0] + RNG.standard_normal(N)
Z = (RNG.random(N) < 1 / (1 + np.exp(-X[:, 0]))) * 1.0


# Order and company.


def line(params, x):
    return params[0] + params[1] * x


SLOPES = {
    "least_squares": lambda w, x: LS.fit(x[:, None], Y, weights=w),
    "logistic_regression": lambda w, x: LR.fit(x[:, None], Z, weights=w),
    "curve_fitting": lambda w, x: jn.curve_fitting.fit(line, [0.0, 1.0], x, Y, weights=w),
}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", SLOPES)
def test_an_empty_lane_spoils_no_derivative(name):
    """The sum over the lanes that have an answer does not depend on one without rows."""

    def total(x, weights):
        solution = jax.vmap(SLOPES[name], (0, None))(weights, x)
        first = jax.tree.leaves(solution.params)[0].reshape(len(weights), -1)[:, -1]
        return jnp.sum(jnp.where(solution.converged, first, 0))

    weights = np.ones((3, N), np.float32)
    weights[1, 15:], weights[2] = 0, 0
    x = jnp.asarray(X[:, 0], jnp.float32)
    with_it, without = (jax.grad(total)(x, jnp.asarray(w)) for w in (weights, weights[:2]))
    assert_close(with_it, without, tolerances.of("float32").reblocked)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("cov", ["HC2", "HC3"])
def test_a_row_that_decides_alone_has_no_variance(cov, dtype):
    """Leverage 1: 0 / 0, and so NaN in every order of the rows; HC1 has a number."""
    design = np.column_stack([X[:, 0], np.arange(N) == 3]).astype(dtype)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(N)
        data = design[order], Y.astype(dtype)[order]
        solution = LS.fit(*data)
        assert np.all(np.isnan(LS.infer(solution, *data, cov=cov).se))
        assert np.all(np.isfinite(LS.infer(solution, *data, cov="HC1").se))


# Derivatives.


INFERRED = {
    "least squares": lambda X, w: LS.infer(LS.fit(X, Y, weights=w), X, Y, weights=w),
    "ridge": lambda X, w: LS.infer(LS.fit(X, Y, weights=w, l2=0.1), X, Y, weights=w, l2=0.1),
    "HC3": lambda X, w: LS.infer(LS.fit(X, Y, weights=w), X, Y, weights=w, cov="HC3"),
    "logistic": lambda X, w: LR.infer(LR.fit(X, Z, weights=w), X, Z, weights=w),
}


@pytest.mark.one_in(8)
@pytest.mark.parametrize("design", ["general", "orthogonal"])
@pytest.mark.parametrize("name", INFERRED)
def test_inference_has_derivatives(name, design, double):
    """Of every number, in the data and the weights, t tails and their degrees of freedom included; both directions."""
    columns = np.linalg.qr(X)[0] if design == "orthogonal" else X
    weights = np.ones(N)
    rng = np.random.default_rng(3)
    X_dot, w_dot = rng.standard_normal(X.shape), rng.standard_normal(N)

    def numbers(X, w):
        out = INFERRED[name](X, w)
        return jnp.stack([out.estimate, out.se, out.statistic, out.pvalue, out.lower, out.upper])

    def moved(t):
        return numbers(columns + t * X_dot, weights + t * w_dot)

    expected = (moved(1e-5) - moved(-1e-5)) / 2e-5
    _, forward = jax.jvp(numbers, (columns, weights), (X_dot, w_dot))
    assert_close(forward, expected, tolerances.of("float64").derivative)
    mix = rng.standard_normal(forward.shape)
    by_X, by_w = jax.grad(lambda X, w: jnp.sum(mix * numbers(X, w)), argnums=(0, 1))(columns, weights)
    reverse = jnp.sum(by_X * X_dot) + jnp.sum(by_w * w_dot)
    assert float(reverse) == pytest.approx(float(jnp.sum(mix * forward)), rel=1e-9)


@pytest.mark.long
def test_leverage_has_derivatives(double):
    move = np.random.default_rng(4).standard_normal(X.shape)
    _, ours = jax.jvp(LS.leverage, (X,), (move,))
    assert_close(ours, (LS.leverage(X + 1e-5 * move) - LS.leverage(X - 1e-5 * move)) / 2e-5, 1e-6)


# Degenerate quotients.


WEIGHTS_OF_ONE = [np.array([5, 5, 4, 1]) / 15, np.full(4, 0.25), *np.random.default_rng(0).dirichlet(np.ones(4), 8)]


def test_weights_that_sum_to_one_leave_nothing():
    """sum w - 1 is 0 whatever rounding made of it: no variance, no standard error of a mean."""
    x, none = np.array([3.7, 3.3, 3.5, 2.8]), np.zeros((4, 0))
    for weights in WEIGHTS_OF_ONE:
        assert np.isnan(jn.moments.variance(x, weights=weights))
        solution = LS.fit(none, x, weights=weights)
        assert np.isnan(LS.infer(solution, none, x, weights=weights).se[0])


@pytest.mark.parametrize("n", [6, 7, 11])
def test_a_vertical_line_is_flat(n, dtype):
    for place in np.random.default_rng(n).uniform(-10, 10, 8):
        solution = LS.fit_orthogonal(np.full(n, place, dtype), np.arange(n, dtype=dtype))
        assert int(solution.status) == jn.Status.FLAT


def test_a_line_has_no_unit(dtype):
    x, y = np.arange(6, dtype=dtype), np.array([1, 3, 2, 5, 4, 6], dtype)
    expected = LS.fit_orthogonal(x, y).params.coef
    for unit in (1e-22, 1e22):
        assert_close(LS.fit_orthogonal(x * dtype.type(unit), y * dtype.type(unit)).params.coef, expected, 1e-5)


# Types.


def test_integers_of_64_bits_are_not_cut():
    """Populations, time stamps in milliseconds, wide labels of groups."""
    people = np.array([3_000_000_000, 3_200_000_000, 3_400_000_000])
    for kind in (np.int64, np.uint64):
        assert float(jn.moments.mean(people.astype(kind))) == pytest.approx(3.2e9, rel=1e-6)
    groups = np.arange(N) % 6
    solution = LS.fit(X, Y)
    narrow, wide = (LS.infer(solution, X, Y, cov="cluster", groups=g).se for g in (groups, groups * 2**33 + 5))
    np.testing.assert_array_equal(narrow, wide)


CODES, MISSING, DATES = "Code categories", "Leave such rows out", "Use numbers, as in (t - t[0])"
# what stands in the second column: what the message says after "got", and the way out
STRANGE = {
    "text": (["u", "v"] * 12, "str with entries such as 'u' in column 'b'", CODES),
    "a category": (pd.Categorical(["u", "v"] * 12), "category with entries such as 'u' in column 'b'", CODES),
    "nullable": (pd.array([1, None] * 12, "Int64"), "Int64 with entries such as <NA> in column 'b'", MISSING),
    "dates": (pd.date_range("2020", periods=N), "with entries such as Timestamp('2020-01-01 00:00:00') in", DATES),
    "objects": (pd.Series([1.0, None] * 12, dtype=object), "object with entries such as None in column 'b'", MISSING),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_column_without_numbers_is_named(kind):
    column, got, way_out = STRANGE[kind]
    message = refusal(LS.fit, pd.DataFrame({"a": X[:, 0], "b": column}), Y)
    assert message.startswith("X: expected an array of numbers, got ")
    assert got.replace("str", str(pd.Series(["u"]).dtype)) in message
    assert way_out in message


WHOLE = {
    "text": (np.array([["a"], ["b"]]), "<U1 with entries such as 'a' in column 0. Code"),
    "numbers beside text": ([[1.0, "x"], [2.0, "y"]], "list with entries such as 'x' in column 1. Code"),
    "missing": (np.array([[1.0], [None]], object), "object with entries such as None in column 0. Leave"),
    "dates": (np.array([["2020-01-01"]], "M8[D]"), "entries such as np.datetime64('2020-01-01') in column 0. Use"),
    "spans": (np.array([[3]], "m8[D]"), "entries such as np.timedelta64(3,'D') in column 0. Use numbers, as in t /"),
    "numbers as objects": (np.array([[1]], object), "object with entries such as 1 in column 0. Cast it"),
    "rows as dicts": ([{"a": 1.0, "b": 2.0}] * 2, "list with entries such as {'a': 1.0, 'b': 2.0}. Make arrays"),
    "columns in a dict": ({"a": X[:, 0]}, "dict. Use numpy.column_stack"),
    "a sparse matrix": (scipy.sparse.csr_array(X), "csr_array. Use .toarray() first"),
    "an object": (object(), "object. Make one by numpy.asarray"),
    "a masked array": (np.ma.masked_greater(X, 1), "a masked array with masked entries. Leave"),
    "a long entry": (np.array([["a" * 99]]), "entries such as '" + "a" * 36 + "... in column 0"),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_no_number_is_named(kind):
    value, got = WHOLE[kind]
    message = refusal(LS.fit, value, Y)
    assert message.startswith("X: expected an array of numbers, got ")
    assert got in message
    assert len(message) < 250


def test_rows_of_a_users_model_are_named_too():
    text = np.array(["a"] * N)
    assert refusal(jn.curve_fitting.fit, line, [0.0, 1.0], text, Y).startswith("x: expected an array of numbers")
    normal = jn.distributions.Normal.log_prob
    assert refusal(jn.maximum_likelihood.fit, normal, (0.0, 1.0), text).startswith("data: expected an array of num")


def test_text_labels_groups():
    solution, numbers = LS.fit(X, Y), np.arange(N) % 5
    by_number, by_name = (
        LS.infer(solution, X, Y, cov="cluster", groups=g).se for g in (numbers, [f"shop {k}" for k in numbers])
    )
    np.testing.assert_array_equal(by_number, by_name)
    assert "groups: expected integers or text, got object" in refusal(
        LS.infer, solution, X, Y, cov="cluster", groups=[None] * N
    )


MISPLACED = {
    "X and y swapped": (lambda s: LS.fit(Y, X), "X and y look swapped, y has shape (24, 2): the order is (X, y)."),
    "one row": (lambda s: LS.predict(s, X[0]), "For one row use X[None]."),
    "one column": (lambda s: LS.predict(s, X[:, 0]), "For one feature use X[:, None]."),
    "the solution last": (
        lambda s: LS.predict(X, s),
        "solution: expected what fit returned, got ndarray. The sol",
    ),
    "the solution last, in infer": (lambda s: LR.infer(X, Z, s), "solution: expected what fit returned, got ndarray."),
    "the solution as data": (lambda s: LS.fit(s, Y), "X: expected an array of numbers, got Solution. The order is"),
    "params alone": (lambda s: LR.predict(s.params, X), "solution: expected what fit returned, got LinearParams."),
}


@pytest.mark.parametrize("what", MISPLACED)
def test_what_stands_in_the_wrong_place_is_told(what):
    attempt, advice = MISPLACED[what]
    assert advice in refusal(attempt, LS.fit(X, Y))


def refusal(function, *args, **settings):
    with pytest.raises((TypeError, ValueError)) as caught:
        function(*args, **settings)
    return str(caught.value)


# What people see.


def test_a_solution_names_its_status_and_counts_lanes():
    good, bad = LS.fit(X, Y), LS.fit(X, Y * np.nan)
    assert "status=CONVERGED, error=" in repr(good)
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), good, bad, bad)
    assert "status=<3 lanes: 1 CONVERGED, 2 NON_FINITE_DATA>" in repr(both)
    traced = []
    jax.eval_shape(lambda y: traced.append(repr(LS.fit(X, y))), Y)
    assert "status=" in traced[0]


# Sums and logs.


@pytest.mark.parametrize("size", [1.0, 1e4, 1e7])
def test_a_likelihood_of_many_trials_keeps_its_digits(size):
    """Against 40 digits, at the estimate as it is: no difference of large logarithms."""
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    trials = np.ceil(np.array([1.0, 2.0, 1.5, 0.8]) * size)
    hits = np.round(trials * [0.31, 0.35, 0.40, 0.4375])
    solution = LR.fit(x, hits, trials=trials, l2=0.0 if size > 1 else 0.1)
    with mpmath.workdps(40):
        total = mpmath.mpf(0)
        for k, m, row in zip(hits, trials, x[:, 0], strict=True):
            eta = mpmath.mpf(float(solution.params.intercept)) + mpmath.mpf(float(solution.params.coef[0])) * float(row)
            choose = mpmath.loggamma(m + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(m - k + 1)
            total += choose + k * eta - m * mpmath.log1p(mpmath.exp(eta))
    assert float(LR.log_likelihood(solution, x, hits, trials=trials)) == pytest.approx(float(total), rel=2e-5, abs=1e-3)
