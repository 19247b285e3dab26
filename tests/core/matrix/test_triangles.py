"""QR by modified Gram-Schmidt against NumPy's Householder QR, on columns of every scale and condition."""

import jax
import numpy as np
import pytest
import tolerances
from tolerances import assert_close

from jaxnotes.core.matrix import triangles

pytestmark = pytest.mark.repeated

LANES, ROWS = 4, 30
triangularize = jax.jit(triangles.triangularize)


def problems(q: int, dtype, power: float = 0.0, seed: int = 0):
    """A (LANES, ROWS, q) and b (LANES, ROWS); column j is scaled by 10^(power j)."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((LANES, ROWS, q)) * 10.0 ** (power * np.arange(q))
    return A.astype(dtype), rng.standard_normal((LANES, ROWS)).astype(dtype)


def of(A, b) -> triangles.Triangle:
    return triangularize(np.moveaxis(A, 2, 0), b)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("q", [1, 3, 9, 20])
@pytest.mark.parametrize("power", [0.0, 1.0])
def test_factor_and_solution(q, power, dtype):
    A, b = problems(q, dtype, power * 4 / q)
    triangle = of(A, b)
    triangle = jax.tree.map(np.asarray, triangle)
    p = np.asarray(triangles.solve(triangle.R, triangle.z))
    for lane in range(LANES):
        exact = A[lane].astype(float)
        Q, R = np.linalg.qr(exact)
        signs = np.sign(np.diagonal(R))
        size = np.linalg.norm(R, axis=0)
        assert_close(triangle.R[lane] / size, signs[:, None] * R / size, 10 * np.finfo(dtype).eps)
        assert_close(triangle.z[lane], signs * (Q.T @ b[lane]), 10 * np.finfo(dtype).eps)
        assert_close(p[lane] * size, np.linalg.solve(R, Q.T @ b[lane]) * size, tolerances.of(dtype).estimate)
        inverse = np.asarray(triangles.inverse(triangle.R))[lane] * size[:, None]
        assert_close(inverse, np.linalg.inv(signs[:, None] * R / size), tolerances.of(dtype).estimate)
        g = np.arange(1.0, q + 1).astype(dtype)
        back = triangles.solve_transposed(triangle.R, np.tile(g, (LANES, 1)))[lane]
        assert_close(back, np.linalg.solve((signs[:, None] * R).T, g), tolerances.of(dtype).estimate)


def test_condition_is_not_squared(double):
    """Columns that agree to eight digits leave eight right; the normal equations would leave none."""
    A, b = problems(2, "float64")
    A[:, :, 1] = A[:, :, 0] + 1e-8 * A[:, :, 1]
    b = A @ [1.0, 2.0]
    triangle = of(A, b)
    assert_close(triangles.solve(triangle.R, triangle.z), np.tile([1.0, 2.0], (LANES, 1)), 1e-6)


@pytest.mark.parametrize("power", [0.0, 2.0])
def test_damping_is_more_rows(power, dtype):
    A, b = problems(4, dtype, power)
    damping = np.random.default_rng(1).uniform(0.1, 2, (LANES, 4)) * np.linalg.norm(A, axis=1)
    triangle = triangles.damp(of(A, b), damping.astype(dtype))
    triangle = jax.tree.map(np.asarray, triangle)
    p = np.asarray(triangles.solve(triangle.R, triangle.z))
    for lane in range(LANES):
        size = np.linalg.norm(A[lane], axis=0)
        stacked = np.concatenate([A[lane].astype(float), np.diag(damping[lane])]) / size
        expected = np.linalg.lstsq(stacked, np.concatenate([b[lane], np.zeros(4)]))[0]
        assert_close(p[lane] * size, expected, tolerances.of(dtype).estimate)


def test_dependent_columns_are_left_out(dtype):
    A, b = problems(4, dtype)
    A[0, :, 2] = 2 * A[0, :, 0] - A[0, :, 1]
    A[1, :, 1] = 0
    triangle = of(A, b)
    part = triangles.independence(triangle.R)
    assert np.all((np.asarray(part) == 0) == (np.arange(4) == [[2], [1], [-1], [-1]]))
    p = triangles.solve(triangle.R, triangle.z)
    assert p[0, 2] == 0 and p[1, 1] == 0  # noqa: PT018
    kept = A[0][:, [0, 1, 3]].astype(float)
    assert_close(p[0, [0, 1, 3]], np.linalg.lstsq(kept, b[0])[0], tolerances.of(dtype).estimate)
    assert_close(triangles.column_norms(triangle.R), np.linalg.norm(A, axis=1), 10 * np.finfo(dtype).eps)


@pytest.mark.long
@pytest.mark.parametrize("q", [3, 6])
def test_a_single_problem_has_the_triangle_of_a_lane(q, dtype):
    """Alone it goes through a loop over its columns; one of them depends on another."""
    rng = np.random.default_rng(7)
    A, b = rng.standard_normal((20, q)), rng.standard_normal(20)
    A[:, 2] = A[:, 0]
    columns, b = np.stack([A.T, A.T], axis=1).astype(dtype), np.stack([b, b]).astype(dtype)
    damping = np.abs(rng.standard_normal((2, q))).astype(dtype)
    for of_lanes, alone in (
        (triangles.orthogonalize(columns, b), triangles.orthogonalize(columns[:, :1], b[:1])),
        (
            triangles.damp(triangles.orthogonalize(columns, b), damping),
            triangles.damp(triangles.orthogonalize(columns[:, :1], b[:1]), damping[:1]),
        ),
    ):
        close = tolerances.of(dtype).estimate
        assert_close(alone.R[0], of_lanes.R[0], close)
        assert_close(alone.z[0], of_lanes.z[0], close)
        for solve in (triangles.solve, triangles.solve_transposed):
            assert_close(solve(alone.R, alone.z)[0], solve(of_lanes.R, of_lanes.z)[0], 10 * close)
