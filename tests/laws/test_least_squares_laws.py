"""The laws of a trustworthy fit, for least squares: one program a precision for all kinds of data, a kind a lane."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import jaxnotes as jn

LS = jn.least_squares
N = 24
UNIT = {"float32": 2.0**90, "float64": 2.0**600}
FAR = 1e6


@jax.jit
@jax.vmap
def answers(X, y, weights, precision, l2):
    given = {"weights": weights, "precision": precision}
    solution = LS.fit(X, y, **given, l2=l2)
    return solution, LS.infer(solution, X, y, **given, l2=l2), LS.r_squared(solution, X, y, **given)


def kinds(dtype):
    """Problems (X, y, weights, precision, l2) by name; the first is an ordinary one."""
    rng, one, c = np.random.default_rng(5), np.ones(N), UNIT[str(dtype)]
    eps = np.finfo(dtype).eps
    X = rng.standard_normal((N, 3)).astype(dtype)
    y = (1 + X @ [1, 2, 0.5] + rng.standard_normal(N)).astype(dtype)
    outlier = np.where((np.arange(N) == 3)[:, None] & (np.arange(3) == 1), FAR, X)
    found = {"ordinary": (X, y, one, one, 0.0), "ridge": (X, y, one, one, 0.125)}
    for unit in (c, 1 / c):
        found[f"y {unit}"] = (X, y * unit, one, one, 0.0)
        found[f"column {unit}"] = (X * [1, unit, 1], y, one, one, 0.0)
        found[f"precision {unit}"] = (X, y, one, one * unit, 0.0)
        found[f"ridge, precision {unit}"] = (X, y, one, one * unit, 0.125 * unit)
    near = X.copy()
    for name, part in (("at the end of the second regime", 160 * eps), ("in the second regime", eps**0.6)):
        near[:, 2] = X[:, 0] + part * X[:, 2]
        found[name] = (near.copy(), y, one, one, 0.0)
    return found | {
        "y far from 0": (X, y + FAR, one, one, 0.0),
        "columns far from 0": (X + np.array([FAR, -FAR, 0]), y, one, one, 0.0),
        "an outlier": (outlier, y, one, one, 0.0),
        "an exact fit": (np.round(8 * X), 3 + np.round(8 * X) @ [1000, 2, 1], one, one, 0.0),
        "weights of all sizes": (X, y, 2.0 ** rng.integers(0, 40, N), one, 0.0),
        "a constant y": (X, 0 * y + dtype.type(0.3), one, one, 0.0),
        "a large penalty": (X, y, one, one, 1e6),
    }


@pytest.fixture(scope="module")
def found():
    return {}


def solved(dtype, found):
    """The problems of a precision and what came of them, computed once."""
    key = str(dtype)
    if key not in found:
        problems = {name: [np.asarray(a, dtype) for a in case] for name, case in kinds(dtype).items()}
        out = jax.tree.map(np.asarray, answers(*(np.stack(a) for a in zip(*problems.values(), strict=True))))
        lanes = {name: jax.tree.map(lambda a, k=k: a[k], out) for k, name in enumerate(problems)}
        found[key] = problems, lanes
    return found[key]


def theta_of(solution):
    return np.append(solution.params.intercept, solution.params.coef)


def exact(X, y, weights, precision, l2):
    """The optimum, its standard errors, sigma counted as eps times the root mean square of y at least; 50 digits."""
    with mpmath.workdps(50):
        number = np.vectorize(lambda v: mpmath.mpf(float(v)), otypes=[object])
        A, b = number(np.column_stack([np.ones(N), X])), number(y)
        W, n = number(weights) * number(precision), sum(number(weights))
        gram = A.T @ (W[:, None] * A)
        H = gram + np.diag(number([0, 1, 1, 1]) * n * mpmath.mpf(float(l2)))
        unit = np.array([1 / mpmath.sqrt(h) for h in np.diag(H)])
        inverse = np.array((mpmath.matrix(H * np.outer(unit, unit)) ** -1).tolist(), object) * np.outer(unit, unit)
        theta = inverse @ (A.T @ (W * b))
        rss = sum(W * (b - A @ theta) ** 2)
        spread = np.array([mpmath.sqrt(v) for v in np.diag(inverse @ gram @ inverse)])
        df = n - sum(np.diag(inverse @ gram))
        least = mpmath.mpf(float(np.finfo(X.dtype).eps)) ** 2 * sum(W * b * b)
        se, floored = spread * mpmath.sqrt(rss / df), spread * mpmath.sqrt(max(rss, least) / n)
        return theta, se, floored


def test_every_kind_keeps_the_promise(dtype, found):
    """CONVERGED; each parameter within 1 % of a standard error or its last digits; the error covers; se to 1 %."""
    problems, lanes = solved(dtype, found)
    for name, data in problems.items():
        solution, inferred, _ = lanes[name]
        assert int(solution.status) == jn.Status.CONVERGED, name
        theta, se, floored = exact(*data)
        off = abs(theta_of(solution) - theta)
        digits = 2 * np.spacing(np.abs(theta.astype(dtype)))
        assert np.all(off <= np.maximum(floored / 100, digits)), name
        assert np.isfinite(solution.error), name
        assert max(off / floored) <= float(solution.error), name
        if "exact" not in name and "constant" not in name:
            np.testing.assert_allclose((inferred.se / se).astype(float), 1, rtol=0.01, err_msg=name)


@pytest.mark.long
def test_standard_errors_of_columns_that_all_but_depend_on_each_other(dtype):
    """Right to 0.3 % up to the end of the second regime, whatever the rounding of a triangle on this machine."""
    one, eps = np.ones(N, dtype), np.finfo(dtype).eps
    problems = []
    for seed in range(len(kinds(dtype))):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((N, 3)).astype(dtype)
        X[:, 2] = X[:, 0] + dtype.type(160 * eps) * X[:, 2]
        y = (1 + X @ [1, 2, 0.5] + rng.standard_normal(N)).astype(dtype)
        problems.append((X, y, one, one, np.zeros((), dtype)))
    solution, inferred, _ = answers(*(np.stack(a) for a in zip(*problems, strict=True)))
    assert np.all(solution.status == jn.Status.CONVERGED)
    expected = np.array([exact(*data)[1] for data in problems])
    np.testing.assert_allclose((np.asarray(inferred.se) / expected).astype(float), 1, rtol=0.003)


def test_units_change_no_bit(dtype, found):
    problems, lanes = solved(dtype, found)
    for name in problems:
        plain = lanes["ridge" if "ridge" in name else "ordinary"]
        unit = float(name.split()[-1]) if name.split()[-1][0].isdigit() and "." in name else None
        if unit is None:
            continue
        factor = np.ones(4)
        if name.startswith("y "):
            factor[:] = unit
        if name.startswith("column "):
            factor[2] = 1 / unit
        (solution, inferred, r2), (expected, wanted, r2_wanted) = lanes[name], plain
        np.testing.assert_array_equal(theta_of(solution), theta_of(expected) * factor.astype(dtype), err_msg=name)
        np.testing.assert_array_equal(inferred.se, wanted.se * factor.astype(dtype), err_msg=name)
        for field in ("statistic", "pvalue"):
            np.testing.assert_array_equal(getattr(inferred, field), getattr(wanted, field), err_msg=name)
        assert r2 == r2_wanted


@pytest.mark.long
def test_nothing_explains_a_constant(dtype, found):
    """0 / 0 is NaN; of y far from 0 R2 is that of its deviations."""
    problems, lanes = solved(dtype, found)
    assert np.isnan(lanes["a constant y"][2])
    X, y, *_ = problems["y far from 0"]
    deviation = y.astype(float) - np.mean(y, dtype=float)
    rest = deviation - (Z := X - X.mean(axis=0, dtype=float)) @ np.linalg.lstsq(Z, deviation, rcond=None)[0]
    expected = 1 - rest @ rest / (deviation @ deviation)
    assert float(lanes["y far from 0"][2]) == pytest.approx(expected, abs=float(8 * np.finfo(dtype).eps))


@pytest.mark.long
def test_what_does_not_fit_the_dtype_diverges(dtype):
    X, y, one, _, _ = kinds(dtype)["ordinary"]
    for unit in (UNIT[str(dtype)], 1 / UNIT[str(dtype)]):
        X_there, y_there = (X * unit).astype(dtype), (y / unit).astype(dtype)
        lane = (a[None] for a in (X_there, y_there, one.astype(dtype), one.astype(dtype), np.zeros((), dtype)))
        assert int(answers(*lane)[0].status[0]) == jn.Status.DIVERGED


@pytest.mark.long
def test_inference_has_one_sided_derivatives_where_a_weight_is_0(double):
    X, y, _, _, _ = kinds(np.dtype("float64"))["ordinary"]

    def numbers(w):
        weights = jnp.ones(N).at[5].set(w)
        out = LS.infer(LS.fit(X, y, weights=weights), X, y, weights=weights)
        return jnp.stack([out.estimate, out.se, out.statistic, out.lower])

    h = 1e-4
    difference = (4 * numbers(h) - numbers(2 * h) - 3 * numbers(0.0)) / (2 * h)
    np.testing.assert_allclose(jax.jacfwd(numbers)(0.0), difference, rtol=1e-4, atol=1e-6)


def test_a_line_of_least_distance_moves_with_its_points(dtype):
    x, y = np.arange(16), np.array([1, 3, 2, 5, 4, 6, 9, 7, 8, 12, 10, 11, 13, 16, 14, 15])
    expected = LS.fit_orthogonal(x.astype(dtype), y.astype(dtype)).params
    moved = LS.fit_orthogonal((x + FAR).astype(dtype), (y - FAR).astype(dtype)).params
    assert float(moved.coef[0]) == pytest.approx(float(expected.coef[0]), rel=float(8 * np.finfo(dtype).eps))
    intercept = float(expected.intercept) - FAR - float(expected.coef[0]) * FAR
    assert float(moved.intercept) == pytest.approx(intercept, rel=float(8 * np.finfo(dtype).eps))


@pytest.mark.long
@pytest.mark.parametrize("n", [60_000])
def test_many_rows(n):
    """A condition of 200, far from 0 and a rare column in tiny units, by passes over the rows in float32."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 4)).astype(np.float32)
    X[:, 1] = X[:, 0] + 0.01 * X[:, 1]
    X[:, 2] += 1e4
    X[:, 3] = np.float32(1e-25) * (np.arange(n) % 30_011 == 7)
    y = (X[:, 0] - X[:, 1] + X[:, 2] + rng.standard_normal(n)).astype(np.float32)
    solution = LS.fit(X, y)
    inferred = LS.infer(solution, X, y)
    Z = np.column_stack([np.ones(n), X.astype(float) - [0, 0, 1e4, 0]]) * [1, 1, 1, 1, 1e25]
    theta = np.linalg.lstsq(Z, y.astype(float), rcond=None)[0]
    r = y - Z @ theta
    se = np.sqrt(r @ r / (n - 5) * np.diag(np.linalg.inv(Z.T @ Z)))
    ours = np.asarray(solution.params.coef, float) * [1, 1, 1, 1e-25]
    assert int(solution.status) == jn.Status.CONVERGED
    assert np.all(np.abs(ours - theta[1:]) <= 0.01 * se[1:])
    np.testing.assert_allclose(np.asarray(inferred.se, float)[1:] * [1, 1, 1, 1e-25], se[1:], rtol=0.01)
