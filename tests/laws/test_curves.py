"""Laws of curves: no unit, no number of rows and no weight decides an answer, and every answer knows its error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnotes import Status, curve_fitting, x64

N = 30
T = np.linspace(0, 4, N)
NOISE = np.random.default_rng(0).standard_normal(N)
Y = 2 * np.exp(-T) + 0.5 + 0.05 * NOISE


def decay(params, t):
    return params[0] * jnp.exp(-params[1] * t) + params[2]


def fit(start, y, **rows):
    """A fit with its standard errors, in the dtype of y; start in units of y."""
    start = jnp.asarray(start, y.dtype)
    solution = curve_fitting.fit(decay, start, T.astype(y.dtype), y, **rows)
    return solution, curve_fitting.infer(decay, solution, T.astype(y.dtype), y, **rows)


def extremes(dtype) -> np.ndarray:
    """Units, the first four powers of two."""
    small = [-100, -40, 60, 90, 1e-30, 1e30] if dtype == "float32" else [-660, -40, 60, 660, 1e-200, 1e200]
    return np.array([*(2.0**k for k in small[:4]), *small[4:]])


def assert_same(ours, theirs, units, exact: int) -> None:
    """The same answers but for the units (k, 3), of which the first `exact` change no bit."""
    (solution, inferred), (base, reference) = ours, theirs
    np.testing.assert_array_equal(solution.status, Status.CONVERGED)
    eps = np.finfo(base.params.dtype).eps
    for found, expected, bits, rtol in (
        (solution.params, base.params, True, 8 * eps),
        (inferred.se, reference.se, False, 64 * eps),
    ):
        scaled = np.asarray(found, float) / units
        np.testing.assert_allclose(scaled, np.broadcast_to(expected, units.shape), rtol=rtol)
        if bits:
            np.testing.assert_array_equal(scaled[:exact], np.broadcast_to(expected, units.shape)[:exact])


@pytest.mark.long
def test_y_has_no_unit(dtype):
    c = extremes(dtype)
    units = np.stack([c, np.ones_like(c), c], axis=1)
    y = np.concatenate([[Y.astype(dtype)], Y.astype(dtype)[None] * c[:, None].astype(dtype)])
    starts = np.concatenate([[[1, 1, 0]], units * [1, 1, 0]])
    solution, inferred = jax.jit(jax.vmap(fit))(starts.astype(dtype), y)
    base, *_ = jax.tree.map(lambda leaf: leaf[0], (solution, inferred)), 0
    assert_same(jax.tree.map(lambda leaf: leaf[1:], (solution, inferred)), base, units, 4)


@pytest.mark.long
def test_a_precision_has_no_unit(dtype):
    c = np.concatenate([[1], extremes(dtype)]).astype(dtype)
    rows = np.random.default_rng(1).uniform(0.5, 2, N).astype(dtype)[None] * c[:, None]
    run = jax.jit(jax.vmap(lambda p: fit([1, 1, 0], Y.astype(dtype), precision=p)))(rows)
    base = jax.tree.map(lambda leaf: leaf[0], run)
    assert_same(jax.tree.map(lambda leaf: leaf[1:], run), base, np.ones((6, 3)), 4)


def test_weights_are_counts(dtype):
    """Times 1e-9 or 1e9: the same estimate; the errors are those of so many rows."""
    c = np.array([1, 1e-9, 1e9, 1e4], dtype)
    run, inferred = jax.jit(jax.vmap(lambda w: fit([1, 1, 0], Y.astype(dtype), weights=w * jnp.ones(N, dtype))))(c)
    assert np.all(run.status == Status.CONVERGED)
    base = np.asarray(run.params, float)[:1]
    np.testing.assert_allclose(run.params, np.repeat(base, 4, 0), rtol=16 * np.finfo(dtype).eps)
    ratio = np.sqrt((N - 3) / (N * 1e4 - 3))
    np.testing.assert_allclose(inferred.se[3], inferred.se[0] * ratio, rtol=1e-4)


@pytest.mark.long
def test_weights_of_any_spread(double):
    """From 1 to 1e12, against a second algorithm in which they are precisions."""
    weights = 10 ** np.random.default_rng(2).permutation(np.linspace(0, 12, N))
    found, _ = fit([1, 1, 0], Y, weights=weights)
    expected, _ = fit([1, 1, 0], Y, precision=weights)
    assert found.status == expected.status == Status.CONVERGED
    np.testing.assert_allclose(found.params, expected.params, rtol=1e-9)


@pytest.mark.long
def test_a_constant_moves_the_constant(dtype):
    """Started where the data are; a start at 0 is 1e4 off."""
    shifts = np.array([0, 1, 100] if dtype == "float32" else [0, 1, 100, 1e4, 1e6])
    y = (Y[None] + shifts[:, None]).astype(dtype)
    starts = np.array([[1, 1, shift] for shift in shifts])
    run, inferred = jax.jit(jax.vmap(fit))(starts.astype(dtype), y)
    assert np.all(run.status == Status.CONVERGED)
    moved = np.asarray(run.params, float) - np.asarray(run.params, float)[:1] - shifts[:, None] * [0, 0, 1]
    assert np.max(np.abs(moved) / np.asarray(inferred.se)[0]) <= 0.01
    if dtype == "float64":
        assert fit([1, 1, 0], y[3])[0].status == Status.CONVERGED


def lanczos(params, x):
    return sum(params[k] * jnp.exp(-params[k + 1] * x) for k in (0, 2, 4))


def test_residuals_that_are_rounding():
    """Lanczos' sum of three exponentials in float32, and exact data: what cannot be better is CONVERGED."""
    x = (0.05 * np.arange(24)).astype(np.float32)
    truth = [0.0951, 1.0, 0.8607, 3.0, 1.5576, 5.0]
    y = np.asarray(lanczos(truth, x.astype(float)), np.float32)
    solution = curve_fitting.fit(lanczos, np.float32([1.2, 0.3, 5.6, 5.5, 6.5, 7.6]), x, y)
    assert solution.status == Status.CONVERGED
    t = T.astype(np.float32)
    exact = curve_fitting.fit(decay, np.float32([1, 1, 0]), t, decay([2.0, 0.7, 0.5], t), tol=1e-12)
    assert exact.status == Status.CONVERGED
    np.testing.assert_allclose(exact.params, [2, 0.7, 0.5], rtol=1e-6)


def test_an_answer_that_does_not_fit_says_so():
    """Slopes of 2e40 and 2e-40 are no numbers of float32."""
    x, y = np.linspace(0, 1, N), 1 + 2 * np.linspace(0, 1, N) + 0.1 * NOISE
    units = np.array([[1e36, 1e-4], [1e-34, 1e6], [1e30, 1e-6]])
    data = (units[:, 1:] * x).astype(np.float32), (units[:, :1] * y).astype(np.float32)
    run = jax.jit(jax.vmap(lambda x, y: curve_fitting.fit(lambda p, x: p[0] + p[1] * x, jnp.zeros(2), x, y)))(*data)
    np.testing.assert_array_equal(run.status, [Status.DIVERGED, Status.DIVERGED, Status.CONVERGED])


def test_the_error_covers():
    """Of 64 fits in float32, against float64: every one, at a moderate price."""
    noise = 0.05 * np.random.default_rng(3).standard_normal((64, N))
    y = (2 * np.exp(-T) + 0.5 + noise).astype(np.float32)
    found = jax.jit(jax.vmap(lambda y: fit([1, 1, 0], y)[0]))(y)
    with x64():
        exact, inferred = jax.jit(jax.vmap(lambda y: fit([1, 1, 0], y)))(y.astype(float))
    off = np.max(np.abs(np.asarray(found.params, float) - np.asarray(exact.params)) / np.asarray(inferred.se), axis=1)
    error = np.asarray(found.error, float)
    assert np.all(off <= error)
    assert np.median(error / np.maximum(off, 1e-12)) <= 30
    assert np.all(np.asarray(exact.error) < 1e-6)


@pytest.mark.long
def test_starts_far_off(double):
    """Of 40 starts up to ten times off, at least as many arrive as with MINPACK (27); none claims another answer."""
    factors = np.exp(np.log(10) * np.random.default_rng(4).uniform(-1, 1, (40, 3)))
    run = jax.jit(jax.vmap(lambda start: fit(start, Y)[0]))(factors * [2, 1, 0.5])
    best = fit([2, 1, 0.5], Y)[0]
    arrived = np.asarray(run.value) <= float(best.value) * (1 + 1e-6)
    assert np.sum(arrived) >= 27
    np.testing.assert_array_equal(arrived, np.asarray(run.status) == Status.CONVERGED)
