"""How good an answer is, in float64 on the host, whatever computed it."""

import numpy as np
from scipy.special import expit

LANES, ROWS = 256, 65_536  # a tile of the data that is worth converting at a time


def logistic_gradient(X: np.ndarray, y: np.ndarray, coef: np.ndarray, intercept: np.ndarray, l2: float) -> np.ndarray:
    """Scaled gradient of the mean logistic loss plus l2/2 |coef|^2 for each problem: max_j |gradient_j| / rms(x_j).

    Shapes: X (problems, n, p), or (n, p) shared by all; y (problems, n); coef (problems, p); intercept (problems,).
    """
    lanes = [slice(start, start + LANES) for start in range(0, len(coef), LANES)]
    return np.concatenate(
        [_lanes_gradient(X[lane] if X.ndim == 3 else X, y[lane], coef[lane], intercept[lane], l2) for lane in lanes]
    )


def _lanes_gradient(X, y, coef, intercept, l2):
    n = X.shape[-2]
    slope, constant, squares = l2 * coef, 0.0, 0.0
    for start in range(0, n, ROWS):
        rows = X[..., start : start + ROWS, :].astype(np.float64)
        eta = coef @ rows.T if X.ndim == 2 else (rows @ coef[:, :, None])[..., 0]
        residual = expit(eta + intercept[:, None]) - y[:, start : start + ROWS]
        slope = slope + (residual @ rows if X.ndim == 2 else (residual[:, None, :] @ rows)[:, 0]) / n
        constant = constant + residual.sum(axis=1) / n
        squares = squares + np.square(rows).sum(axis=-2) / n
    return np.maximum(np.max(np.abs(slope) / np.sqrt(squares), axis=1), np.abs(constant))


def least_squares_reference(X: np.ndarray, y: np.ndarray, refinements: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """(solution, column scales) of least squares with a leading intercept, beyond float64.

    Scaled normal equations in float64, then refined by residuals computed in long double.
    """
    q = X.shape[1] + 1
    gram, squares = np.zeros((q, q)), np.zeros(q)
    for rows, _ in _design(X, y, np.float64):
        gram += rows.T @ rows
    squares = np.diagonal(gram) / len(y)
    scales = np.sqrt(squares)
    scaled = gram / np.outer(scales, scales)
    solution = np.zeros(q, np.longdouble)
    for _ in range(refinements + 1):
        moment = np.zeros(q, np.longdouble)
        for rows, targets in _design(X, y, np.longdouble):
            moment += (targets - rows @ solution) @ rows
        solution = solution + np.linalg.solve(scaled, (moment / scales).astype(np.float64)) / scales
    return solution, scales


def _design(X, y, dtype):
    for start in range(0, len(y), ROWS):
        rows = X[start : start + ROWS].astype(dtype)
        yield np.column_stack([np.ones(len(rows), dtype), rows]), y[start : start + ROWS].astype(dtype)


def coefficient_error(coef, intercept, reference: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Largest error of a scaled coefficient relative to the largest scaled coefficient, one number a problem."""
    found = np.column_stack([intercept, coef])
    return (np.max(np.abs(found - reference) * scales, axis=1) / np.max(np.abs(reference) * scales)).astype(np.float64)
