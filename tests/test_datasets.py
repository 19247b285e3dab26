"""The embedded data: shapes, known fits of each from NumPy alone, and fresh arrays at every call."""

import numpy as np
import pytest

from jaxnotes import datasets


def test_challenger_gives_the_known_logistic_fit():
    data = datasets.challenger()
    X = np.column_stack([np.ones(23), data.X])
    beta = np.zeros(2)
    for _ in range(10):
        p = 1 / (1 + np.exp(-X @ beta))
        information = (X.T * (p * (1 - p))) @ X
        beta += np.linalg.solve(information, X.T @ (data.y - p))
    np.testing.assert_allclose(beta, [15.042902, -0.232163], atol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(np.linalg.inv(information))), [7.3786, 0.1082], rtol=5e-4)
    np.testing.assert_allclose(-np.sum(data.y * np.log(p) + (1 - data.y) * np.log(1 - p)), 10.157596, rtol=1e-7)


def test_challenger_names_every_flight_once():
    data = datasets.challenger()
    assert len(set(data.flight)) == len(data.flight) == len(data.temperature) == 23
    assert dict(zip(data.flight, data.distress, strict=True))["STS-51-C"] == 1


def test_anscombe_sets_share_their_statistics():
    sets = datasets.anscombe()
    lines = [np.polyfit(data.x, data.y, 1) for data in sets]
    np.testing.assert_allclose([slope for slope, _ in lines], [0.5000909, 0.5, 0.4997273, 0.4999091], atol=5e-8)
    np.testing.assert_allclose([start for _, start in lines], [3.0000909, 3.0009091, 3.0024545, 3.0017273], atol=5e-8)
    np.testing.assert_allclose([data.x.mean() for data in sets], 9)


def test_longley_gives_the_certified_coefficients():
    data = datasets.longley()
    X = np.column_stack([np.ones(16), data.X])
    scale = np.linalg.norm(X, axis=0)
    solution = np.linalg.lstsq(X / scale, data.y, rcond=None)[0] / scale
    # NIST Statistical Reference Datasets, Longley.dat.
    certified = [
        -3482258.63459582,
        15.0618722713733,
        -0.0358191792925910,
        -2.02022980381683,
        -1.03322686717359,
        -0.0511041056535807,
        1829.15146461355,
    ]
    np.testing.assert_allclose(solution, certified, rtol=1e-8)


@pytest.mark.parametrize("load", [datasets.challenger, lambda: datasets.anscombe()[3], datasets.longley])
def test_records_hold_fresh_float64_columns_and_what_a_fit_needs(load):
    first, second = load(), load()
    assert first.X.dtype == first.y.dtype == np.float64
    assert first.X.shape[-1] == len(first.names)
    assert first.X.shape[:-1] == first.y.shape
    first.y[...] = 0
    assert second.y.any()
    with pytest.raises(AttributeError):
        first.y = second.y
