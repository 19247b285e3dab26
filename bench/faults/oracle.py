"""Oracles for models with a linear predictor: Householder QR and Newton in long double, linear programmes by HiGHS.

Long double has 64 bits and an exponent of 15: a condition of 1e13 leaves six digits, and no unit over- or underflows.
All functions take lanes on the first axis.
"""

import numpy as np
from scipy.optimize import linprog

LONG = np.longdouble
EVERY_STEP = 60  # of Newton: a rare event of 1e-12 needs 40


def triangle(A: np.ndarray) -> np.ndarray:
    """R (q, q) of A (n, q) = QR by Householder reflections; rows are appended with zeros where n < q."""
    L, n, q = A.shape
    A = np.concatenate([A, np.zeros((L, max(0, q - n), q), LONG)], axis=1).astype(LONG)
    for j in range(q):
        column = A[:, j:, j].copy()
        size = np.sqrt(np.sum(column**2, axis=1))
        column[:, 0] += np.where(column[:, 0] >= 0, size, -size)
        squares = np.sum(column**2, axis=1)
        factor = np.where(squares > 0, 2 / np.where(squares > 0, squares, 1), 0)
        part = A[:, j:, j:]
        part -= column[:, :, None] * (factor[:, None] * np.einsum("li,lij->lj", column, part))[:, None, :]
    return np.triu(A[:, :q])


def inverse(R: np.ndarray) -> np.ndarray:
    """Of upper triangles, by back substitution; not finite where a pivot is 0."""
    L, q, _ = R.shape
    out = np.zeros((L, q, q), LONG)
    for j in range(q):
        out[:, j, j] = 1 / R[:, j, j]
        for i in range(j - 1, -1, -1):
            out[:, i, j] = -np.einsum("lk,lk->l", R[:, i, i + 1 : j + 1], out[:, i + 1 : j + 1, j]) / R[:, i, i]
    return out


def weighted(A: np.ndarray, root: np.ndarray, l2_root: np.ndarray, free: int) -> np.ndarray:
    """Rows of A times root, and below them the root of the penalty on all columns but the first `free`."""
    L, _, q = A.shape
    penalty = l2_root[:, None, None] * np.eye(q, dtype=LONG)[free:]
    return np.concatenate([root[:, :, None] * A, penalty * np.ones((L, 1, 1))], axis=1)


def smallest_singular_value(R: np.ndarray, size: np.ndarray, free: int) -> np.ndarray:
    """Relative, of the columns after the first `free` (the intercept, which centres them), each of length 1.

    size: the length of each column before it was centred; what is left of a constant one is rounding.
    """
    inner = R[:, free:, free:]
    length = np.sqrt(np.sum(inner**2, axis=1))
    noise = 64 * np.finfo(LONG).eps * size[:, free:]
    scaled = np.where(length[:, None] > noise[:, None], inner / np.where(length > 0, length, 1)[:, None], 0)
    if inner.shape[1] == 0:
        return np.ones(len(R))
    values = np.linalg.svd(np.nan_to_num(scaled.astype(np.float64)), compute_uv=False)
    return values[:, -1] / np.maximum(values[:, 0], 1e-300)


def relative_singular_value(A: np.ndarray, free: int) -> np.ndarray:
    A = A.astype(LONG)
    A = A / np.maximum(np.max(np.abs(A), axis=1, keepdims=True), np.finfo(LONG).tiny)
    return smallest_singular_value(triangle(A), np.sqrt(np.sum(A**2, axis=1)), free)


def least_squares(A, y, weights, precision, l2, free: int):
    """(theta, se, se if sigma = 1, root of the sum of w p r^2, smallest singular value).

    The objective is sum_i w_i p_i r_i^2 / 2 + sum_i w_i l2 |coef|^2 / 2.
    """
    A, y, weights, precision, l2 = (np.asarray(a, LONG) for a in (A, y, weights, precision, l2))
    unit = np.max(np.abs(A), axis=1)
    unit = np.where(unit > 0, unit, 1)
    root, n = np.sqrt(weights * precision), np.sum(weights, axis=1)
    rows = weighted(A, root, np.sqrt(n * l2), free) / unit[:, None]
    target = np.concatenate([root * y, np.zeros((len(A), rows.shape[1] - A.shape[1]), LONG)], axis=1)
    R = triangle(np.concatenate([rows, target[:, :, None]], axis=2))
    q = A.shape[2]
    lengths = np.sqrt(np.sum(rows**2, axis=1))
    smallest = smallest_singular_value(R[:, :q, :q], lengths, free)
    U = inverse(R[:, :q, :q])
    theta = np.einsum("lij,lj->li", U, R[:, :q, q])
    moved = np.einsum("lij,ljk->lik", rows[:, : A.shape[1]], U)  # the design in coordinates where H = 1
    inner = np.einsum("lij,lik->ljk", moved, moved)
    spread = np.sqrt(np.einsum("lij,ljk,lik->li", U, inner, U))
    residual = root * (y - np.einsum("lij,lj->li", A / unit[:, None], theta))
    df = n - np.einsum("lii->l", inner)
    df = np.where(np.abs(df) > 1e-9 * n, df, np.nan)  # 0 but for rounding: 0 / 0
    left = np.sqrt(np.sum(residual**2, axis=1))
    with np.errstate(invalid="ignore"):
        sigma = left / np.sqrt(df)
    return theta / unit, spread / unit * sigma[:, None], spread / unit, left, smallest


def solve(H: np.ndarray, g: np.ndarray) -> np.ndarray:
    """H^-1 g of positive definite H, by Gauss without pivots."""
    U = np.concatenate([H, g[:, :, None]], axis=2)
    q = H.shape[1]
    for j in range(q):
        U[:, j] = U[:, j] / U[:, j, j][:, None]
        others = [i for i in range(q) if i != j]
        U[:, others] -= U[:, others, j][:, :, None] * U[:, j][:, None]
    return U[:, :, q]


def newton(model, start: np.ndarray):
    """(theta, last step, curvature there) of a convex objective, by whole and halved Newton steps.

    model(theta, lanes) -> value, and a function of the lanes that gives gradient and curvature, in coordinates in which
    theta is well scaled. A lane ends where its step is rounding, or has no finite step.
    """
    theta, steps = start.astype(LONG), np.full(start.shape, np.nan, LONG)
    curvatures = np.full((*start.shape, start.shape[1]), np.nan, LONG)
    lanes = np.arange(len(theta))
    value, slopes = model(theta, lanes)
    for _ in range(EVERY_STEP):
        gradient, curvature = slopes()
        step = -solve(curvature, gradient)
        steps[lanes], curvatures[lanes] = step, curvature
        size = np.max(np.abs(step), axis=1) / (1 + np.max(np.abs(theta[lanes]), axis=1))
        going = size > 1e-16  # not where it is NaN
        if not going.any():
            break
        lanes, value = lanes[going], value[going]
        share = np.ones(len(lanes), LONG)
        for _ in range(12):
            trial, slopes = model(theta[lanes] + share[:, None] * steps[lanes], lanes)
            worse = ~(trial <= value + 1e-17 * np.abs(value))
            if not worse.any():
                break
            share = np.where(worse, share / 2, share)
        theta[lanes] += share[:, None] * steps[lanes]
        value = trial
    return theta, steps, curvatures


def binomial(A, y, trials, offset, weights, l2, free: int):
    """(theta, se, moved, smallest singular value); moved: how far the last step moved a logit, small at an optimum.

    Newton goes on in coordinates in which the design is orthogonal: its Gram matrix would square the condition.
    """
    A, y, trials, offset, weights, l2 = (np.asarray(a, LONG) for a in (A, y, trials, offset, weights, l2))
    unit = np.max(np.abs(A), axis=1)
    unit = np.where(unit > 0, unit, 1)
    A, eye = A / unit[:, None], np.eye(A.shape[2], dtype=LONG)
    n, used = np.sum(weights, axis=1), weights * trials
    penalty = (n * l2)[:, None] / unit**2 * (np.arange(A.shape[2]) >= free)
    rows = np.concatenate([np.sqrt(used)[:, :, None] * A, np.sqrt(penalty)[:, :, None] * eye], axis=1)
    R = triangle(rows)
    smallest = smallest_singular_value(R, np.sqrt(np.sum(rows**2, axis=1)), free)
    U = inverse(R)
    A, P = A @ U, np.swapaxes(U, 1, 2) @ (penalty[:, :, None] * U)

    def model(theta, lanes):
        a, w, m, k, fine = A[lanes], weights[lanes], trials[lanes], y[lanes], P[lanes]
        pull = (fine @ theta[:, :, None])[:, :, 0]
        eta = (a @ theta[:, :, None])[:, :, 0] + offset[lanes]
        small = np.exp(-np.abs(eta))
        value = np.sum(w * (m * (np.maximum(eta, 0) + np.log1p(small)) - k * eta), axis=1)

        def slopes():
            p = np.where(eta >= 0, 1, small) / (1 + small)
            gradient = np.einsum("lij,li->lj", a, w * (m * p - k)) + pull
            information = np.swapaxes(a, 1, 2) @ ((w * m * small / (1 + small) ** 2)[:, :, None] * a)
            return gradient, information + fine

        return value + np.sum(pull * theta, axis=1) / 2, slopes

    start = np.zeros((len(A), A.shape[2]), LONG)
    if free:
        start[:, 0] = -np.sum(used * offset, axis=1) / np.where(n > 0, np.sum(used, axis=1), 1)
    theta, step, curvature = newton(model, (R @ start[:, :, None])[:, :, 0])
    moved = np.max(np.abs((A @ step[:, :, None])[:, :, 0]) * (weights > 0), axis=1)
    return back(theta, U) / unit, standard_errors(U, curvature, P) / unit, moved, smallest


def back(theta: np.ndarray, U: np.ndarray) -> np.ndarray:
    """U theta; 0 where it is rounding, as for a column of zeros."""
    size = np.sqrt(np.sum(theta**2, axis=1))
    return _beyond_rounding((U @ theta[:, :, None])[:, :, 0], U, size)


def _beyond_rounding(values: np.ndarray, U: np.ndarray, size: np.ndarray) -> np.ndarray:
    least = 64 * np.finfo(LONG).eps * size[:, None] * np.sqrt(np.sum(U**2, axis=2))
    return np.where(np.abs(values) <= least, 0, values)


def standard_errors(U: np.ndarray, H: np.ndarray, P: np.ndarray) -> np.ndarray:
    """Roots of the diagonal of U H^-1 (H - P) H^-1 U', for H and P in coordinates U where H is 1 at its largest.

    NaN where H is singular but for rounding, as on the way to infinity.
    """
    eye, data = np.eye(U.shape[1], dtype=LONG), H - P
    columns = [solve(H, np.broadcast_to(row, H.shape[:2])) for row in eye]
    inner = np.stack(columns, axis=2)
    moved = U @ inner
    proved = np.max(np.einsum("lii->li", inner), axis=1) < 1e17
    se = np.sqrt(np.maximum(np.einsum("lij,ljk,lik->li", moved, data, moved), 0))
    return np.where(proved[:, None], _beyond_rounding(se, U, np.ones_like(proved)), np.nan)


def separated(signed: np.ndarray) -> bool:
    """Is there d with signed d >= 0 on every row and not all 0? Columns of length 1, by HiGHS."""
    size = np.max(np.abs(signed), axis=0)
    signed = signed / np.where(size > 0, size, 1)
    found = linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        bounds=[(-1, 1)] * signed.shape[1],
        method="highs",
    )
    return found.status == 0 and -found.fun > 1e-6
