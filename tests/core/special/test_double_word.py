"""Pairs of floats against exact rational arithmetic; compiled, where a compiler could undo them."""

from fractions import Fraction

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnotes import x64
from jaxnotes.core.special import double_word

SIZE = 16  # every example is filled up to this many numbers: one program
PRECISIONS = pytest.mark.parametrize("precision", ["float32", "float64"])
EPS = {"float32": Fraction(1, 2**23), "float64": Fraction(1, 2**52)}
# Magnitudes whose products and whose errors stay normal numbers: XLA flushes subnormals to 0 on a CPU.
NUMBERS = st.lists(
    st.tuples(st.floats(1, 2, exclude_max=True), st.integers(-20, 20), st.booleans()), min_size=1, max_size=SIZE
)


def numbers(drawn, precision) -> np.ndarray:
    values = [(-1 if minus else 1) * np.ldexp(m, e) for m, e, minus in drawn]
    return np.array(values + [0.0] * (SIZE - len(values))).astype(precision)


def exact(array) -> list[Fraction]:
    return [Fraction(float(value)) for value in np.asarray(array)]


def run(function, precision, *arrays):
    """`function` compiled, in that precision, as NumPy."""
    with x64(precision == "float64"):
        return jax.tree.map(np.asarray, COMPILED.setdefault(function, jax.jit(function))(*arrays))


COMPILED: dict = {}


@PRECISIONS
@settings(max_examples=60)
@given(a=NUMBERS, b=NUMBERS)
def test_two_sum_is_exact(precision, a, b):
    a, b = numbers(a, precision), numbers(b, precision)
    high, low = run(double_word.two_sum, precision, a, b)
    np.testing.assert_array_equal(high, a + b)
    assert [h + e for h, e in zip(exact(high), exact(low), strict=True)] == [
        u + v for u, v in zip(exact(a), exact(b), strict=True)
    ]


@PRECISIONS
@settings(max_examples=60)
@given(a=NUMBERS, b=NUMBERS)
def test_product_is_right_to_twice_the_precision(precision, a, b):
    a, b = numbers(a, precision), numbers(b, precision)
    high, low = run(double_word.product, precision, a, b)
    for h, e, u, v in zip(exact(high), exact(low), exact(a), exact(b), strict=True):
        assert abs(h + e - u * v) <= 4 * EPS[precision] ** 2 * abs(u * v)


@PRECISIONS
@settings(max_examples=60)
@given(a=NUMBERS, b=NUMBERS, c=NUMBERS)
def test_sums_and_multiples_of_pairs(precision, a, b, c):
    a, b, c = (numbers(v, precision) for v in (a, b, c))
    pair = double_word.product
    first, second = run(pair, precision, a, b), run(pair, precision, b, c)
    total = run(double_word.add, precision, first, second)
    multiple = run(double_word.scaled, precision, first, c)
    for i in range(SIZE):
        u, v = (exact(p[0])[i] + exact(p[1])[i] for p in (first, second))
        assert abs(exact(total[0])[i] + exact(total[1])[i] - u - v) <= 8 * EPS[precision] ** 2 * (abs(u) + abs(v))
        w = exact(c)[i]
        assert abs(exact(multiple[0])[i] + exact(multiple[1])[i] - u * w) <= 8 * EPS[precision] ** 2 * abs(u * w)


@PRECISIONS
@pytest.mark.parametrize("n", [1, 2, 7, 64, 101])
def test_inner_products_cancel_to_the_last_digit(precision, n):
    """Sums of n products that cancel nearly, odd and even n: relative to the sum of sizes, n eps^2 and not n eps."""
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, 3)).astype(precision)
    r = rng.standard_normal(n).astype(precision), (float(EPS[precision]) / 2 * rng.standard_normal(n)).astype(precision)
    X[n // 2 :], r[0][n // 2 :] = X[: n - n // 2], -r[0][: n - n // 2]
    (constant, rest), (high, low) = run(double_word.score, precision, X, r)
    X, high, low = np.c_[np.ones(n, precision), X], np.r_[constant, high], np.r_[rest, low]
    for j in range(4):
        terms = [x * (h + e) for x, h, e in zip(exact(X[:, j]), exact(r[0]), exact(r[1]), strict=True)]
        error = abs(exact(high)[j] + exact(low)[j] - sum(terms))
        assert error <= 8 * n * EPS[precision] ** 2 * sum(abs(term) for term in terms)


@PRECISIONS
def test_residual_of_a_nearly_exact_fit(precision):
    """y is X coef rounded: all digits of the plain residual would be noise; these are right to half of their own."""
    rng = np.random.default_rng(0)
    X = (rng.standard_normal((20, 4)) * [1, 1e3, 1e-3, 30]).astype(precision)
    coef, base = rng.standard_normal(4).astype(precision), np.asarray(0.7, precision)
    y = (X.astype(float) @ coef.astype(float) + float(base)).astype(precision)
    high, low = run(double_word.residual, precision, y, X, coef, base)
    for i in range(20):
        products = [x * b for x, b in zip(exact(X[i]), exact(coef), strict=True)]
        size = abs(exact(y)[i]) + sum(abs(product) for product in products)
        expected = exact(y)[i] - exact(base[None])[0] - sum(products)
        assert abs(exact(high)[i] + exact(low)[i] - expected) <= 40 * EPS[precision] ** 2 * size


def test_the_plain_residual_would_fail():
    """What the pairs are for: in float32 the same sum by ordinary arithmetic is wrong in every digit."""
    rng = np.random.default_rng(0)
    X, coef = rng.standard_normal((20, 4)).astype("float32"), rng.standard_normal(4).astype("float32")
    y = (X.astype(float) @ coef.astype(float)).astype("float32")
    true = y.astype(float) - X.astype(float) @ coef.astype(float)
    ours = run(double_word.residual, "float32", y, X, coef, np.float32(0))[0]
    assert np.max(np.abs(ours - true)) < 1e-12
    assert np.max(np.abs((y - X @ coef) - true)) > 1e-8
