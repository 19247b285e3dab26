"""Appendix: sums and products, in closed form where there is one; sums that lose no digits; norms; big O, measured.

A sum from i = m to n has n - m + 1 terms: the notes' sum from 0 to m over the squared errors of m points has one too
many. Three ways to add n floats, and the most that each can lose of A = sum_i |x_i|, with S = |sum_i x_i|:

    running_sum        one after the other                                     n eps A / 2
    pairwise_sum       eights, then pairs, then pairs of pairs    (7 + log2(n / 8)) eps A / 2
    compensated_sum    with the rounding errors carried along         eps S / 2 + 4 log2(n) eps^2 A

Integers are Python's own and exact at any size; everything else is JAX.
"""

import functools
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix import roots
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.special import double_word, numerics
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.special.gamma_terms import stirling_error
from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike

Number = int | float | Fraction

__all__ = [
    "ScalingExponent",
    "binomial_coefficient",
    "binomial_terms",
    "compensated_sum",
    "geometric_sum",
    "log_binomial_coefficient",
    "log_product",
    "norm",
    "pairwise_sum",
    "power_sum",
    "running_sum",
    "scaling_exponent",
    "summation",
    "telescoping_sum",
]


def power_sum(n: int, *, power: int) -> int:
    """The sum of the first n integers, squares or cubes, exactly.

        sum_{i=1}^n i = n (n + 1) / 2
        sum_{i=1}^n i^2 = n (n + 1)(2n + 1) / 6
        sum_{i=1}^n i^3 = ( n (n + 1) / 2 )^2

    Args:
        n: the last integer, an int >= 0.
        power: 1, 2 or 3.

    Returns:
        The sum, an int.

    Raises:
        TypeError: n is no int.
        ValueError: n is negative, or power is none of these.

    >>> [power_sum(100, power=p) for p in (1, 2, 3)]
    [5050, 338350, 25502500]
    """
    n = _integer("n", n, 0)
    if power not in (1, 2, 3):
        others = "Others: sum(i**power for i in range(n + 1))."
        raise ValueError(f"power: expected 1, 2 or 3, got {power}. {others}")
    triangle = n * (n + 1) // 2
    return {1: triangle, 2: triangle * (2 * n + 1) // 3, 3: triangle**2}[power]


def geometric_sum(ratio: ArrayLike, *, terms: int) -> Array:
    """The sum of a geometric series, right near ratio = 1 as well.

        sum_{i=0}^{terms-1} r^i = (1 - r^terms) / (1 - r),    and `terms` at r = 1

    The quotient cancels near 1. Instead S_{2k} = S_k (1 + r^k) and S_{k+1} = 1 + r S_k, in doubled precision.

    Args:
        ratio: r, any shape.
        terms: their number, an int >= 0.

    Returns:
        The sum, of the shape of ratio; inf where it overflows.

    Raises:
        TypeError: terms is no int.
        ValueError: terms is negative.

    >>> geometric_sum([0.5, 1.0, -1.0], terms=10)
    Array([ 1.9980469, 10.       ,  0.       ], dtype=float32)
    """
    ratio, terms = arrays.as_float("ratio", ratio), _integer("terms", terms, 0)
    if terms == 0:
        return jnp.zeros_like(ratio)
    one = Double.of(jnp.ones_like(ratio))
    total, power = one, Double.of(ratio)  # S_k and r^k for k = 1, the leading binary digit of `terms`
    for digit in f"{terms:b}"[1:]:
        total, power = total * (power + one), power * power
        if digit == "1":
            total, power = double_word.scaled(total, ratio) + one, double_word.scaled(power, ratio)
    overflow = ~jnp.isfinite(total.high) & (jnp.abs(ratio) > 1)
    limit = jnp.where(ratio > 0, jnp.inf, jnp.inf if terms % 2 else -jnp.inf)
    return jnp.where(overflow, limit, total.high)


def telescoping_sum(a: ArrayLike) -> Array:
    """The sum of differences, in which all but two terms cancel.

        sum_{i=1}^n (a_i - a_{i-1}) = a_n - a_0

    Args:
        a: a_0 to a_n, (n + 1,).

    Returns:
        The sum, shape ().

    Raises:
        ValueError: a is empty or no vector.

    So 1/(1 2) + 1/(2 3) + ... + 1/(9 10) = 1 - 1/10, since 1/(i (i + 1)) = 1/i - 1/(i + 1):

    >>> telescoping_sum(-1 / jnp.arange(1.0, 11.0))
    Array(0.9, dtype=float32)
    """
    a = _vector("a", a)
    if len(a) == 0:
        raise ValueError("a: expected at least a_0, got shape (0,).")
    return a[-1] - a[0]


def summation(term: Callable[[Array], ArrayLike], *, first: int, last: int) -> Array:
    """The sum of term(i) over all integers i from first to last, both included.

        sum_{i=first}^{last} term(i),    last - first + 1 terms

    It is added up by `compensated_sum`. A double sum is a sum in a sum; where the inner limit depends on i, multiply by
    an indicator such as (j <= i).

    Args:
        term: a function of one number i, which comes as a float, so that i**3 cannot overflow.
        first: the first i, an int.
        last: the last i, an int; the sum is 0 where last < first.

    Returns:
        The sum, shape ().

    Raises:
        TypeError: first or last is no int.
        ValueError: the dtype cannot hold all i, or term returns no number.

    >>> summation(lambda i: 1, first=0, last=10)
    Array(11., dtype=float32)
    >>> summation(lambda i: summation(lambda j: (j <= i) * i * j, first=1, last=3), first=1, last=3)
    Array(25., dtype=float32)
    """
    first, last = _integer("first", first), _integer("last", last)
    dtype = jnp.result_type(float)
    bound = 2 ** (jnp.finfo(dtype).nmant + 1)
    if max(abs(first), abs(last)) > bound:
        raise ValueError(f"last: expected {-bound} <= first, last <= {bound} in {dtype}, got {first} and {last}.")
    if last < first:
        return jnp.zeros((), dtype)
    values = jax.vmap(term)(jnp.arange(first, last + 1, dtype=dtype))
    return compensated_sum(_vector("term", values))


def binomial_terms(x: Number, y: Number, *, n: int) -> list[Number]:
    """The terms of the binomial theorem, whose sum is (x + y)^n.

        (x + y)^n = sum_{k=0}^n C(n, k) x^(n-k) y^k

    Args:
        x: the first summand, a Python number; ints and fractions give exact terms.
        y: the second summand, likewise.
        n: the exponent, an int >= 0.

    Returns:
        A list of n + 1 terms, from k = 0 on.

    Raises:
        TypeError: n is no int, or x or y is no int, float or Fraction.
        ValueError: n is negative.

    >>> binomial_terms(1, 2, n=3), sum(binomial_terms(1, 2, n=3))
    ([1, 6, 12, 8], 27)
    """
    n = _integer("n", n, 0)
    for name, value in (("x", x), ("y", y)):
        if not isinstance(value, (int, float, Fraction)):
            raise TypeError(f"{name}: expected an int, a float or a Fraction, got {type(value).__name__}.")
    return [math.comb(n, k) * x ** (n - k) * y**k for k in range(n + 1)]


def binomial_coefficient(n: int, k: int) -> int:
    """In how many ways k things can be chosen from n, exactly.

        C(n, k) = n! / (k! (n - k)!),    0 where k > n

    Args:
        n: how many things there are, an int >= 0.
        k: how many are chosen, an int >= 0.

    Returns:
        The number of ways, an int.

    Raises:
        TypeError: n or k is no int.
        ValueError: n or k is negative.

    >>> binomial_coefficient(10, 7)
    120
    """
    return math.comb(_integer("n", n, 0), _integer("k", k, 0))


def log_binomial_coefficient(n: ArrayLike, k: ArrayLike) -> Array:
    """The natural logarithm of the binomial coefficient, for n of any size.

        log C(n, k) = (k + 1/2) log((n + 1)/(k + 1)) - log(n + 1)/2 + (m - 1/2) log(1 + k/m)
                      + S(n + 1) - S(m) + S(1) - S(k + 1),    m = n - k + 1

    where k <= n/2, with Stirling's remainders S(z) = log Gamma(z) - (z - 1/2) log z + z - log(2 pi)/2.
    A difference of three log-gammas would cancel: all digits of log C(10^15, 2) in float64.

    Args:
        n: real numbers, of a shape that broadcasts with that of k.
        k: real numbers, of a shape that broadcasts with that of n.

    Returns:
        The logarithms, of the broadcast shape, right to some ten eps of themselves or of 1; -inf where k < 0 or k > n,
        NaN where n < 0.

    >>> print(f"{log_binomial_coefficient(1000, 500):.3f}")
    689.467

    Source: Loader, Fast and accurate computation of binomial probabilities (2000), section 2.
    """
    n, k = jnp.broadcast_arrays(arrays.as_float("n", n), arrays.as_float("k", k))
    few = jnp.where(2 * k > n, n - k, k)
    m = n - few + 1
    large = (few + 0.5) * jnp.log((n + 1) / (few + 1)) - jnp.log(n + 1) / 2 + (m - 0.5) * jnp.log1p(few / m)
    small = stirling_error(n + 1) - stirling_error(m)  # this and the next are exactly 0 at k = 0
    small = small + (stirling_error(jnp.ones_like(n)) - stirling_error(few + 1))
    return jnp.where(n < 0, jnp.nan, jnp.where((k < 0) | (k > n), -jnp.inf, large + small))


def log_product(x: ArrayLike) -> tuple[Array, Array]:
    """The sign of a product, and the logarithm of its size: 2^-200 is 0 in float32, its logarithm is not.

        prod_i x_i = sign exp(log),    log = sum_i log |x_i|

    Args:
        x: the factors, (n,).

    Returns:
        (sign, log), shape () each, as `jax.numpy.linalg.slogdet` has them; (0, -inf) where an x_i is 0, and (1, 0) for
        the empty product.

    Raises:
        ValueError: x is no vector.

    >>> log_product(jnp.full((200,), -0.5))
    (Array(1., dtype=float32), Array(-138.62944, dtype=float32))
    """
    x = _vector("x", x)
    return jnp.prod(jnp.sign(x)), compensated_sum(jnp.log(jnp.abs(x)))


def running_sum(x: ArrayLike) -> Array:
    """The sum of x from left to right, each addition rounded: what a loop gives, and what not to do.

        s_i = fl(s_{i-1} + x_i)

    In float32, 1 + 1/2 + 1/3 + ... stops growing at n = 2,097,152.

    Args:
        x: the terms, (n,).

    Returns:
        The sum, shape (), 0 for the empty sum.

    Raises:
        ValueError: x is no vector.

    >>> print(f"{running_sum(jnp.full(1_000_000, 0.1, 'float32')):.2f}")
    100958.34
    """
    return _running(_vector("x", x))


def pairwise_sum(x: ArrayLike) -> Array:
    """The sum of x by eights, then by pairs, pairs of pairs and so on: the error grows with log n.

        s(x_1 ... x_2n) = fl( s(x_1 ... x_n) + s(x_{n+1} ... x_2n) )

    `jax.numpy.sum` promises no order.

    Args:
        x: the terms, (n,).

    Returns:
        The sum, shape (), 0 for the empty sum.

    Raises:
        ValueError: x is no vector.

    >>> print(f"{pairwise_sum(jnp.full(1_000_000, 0.1, 'float32')):.2f}")
    100000.01

    Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), section 4.2.
    """
    return _pairwise(_vector("x", x))


def compensated_sum(x: ArrayLike) -> Array:
    """The sum of x with the rounding error of every addition carried along: right to the last digit or nearly so.

        |error| <= eps/2 |sum_i x_i| + 4 log2(n) eps^2 sum_i |x_i|

    This holds when compiled too: XLA does not reassociate sums, and its one rule that would, for constants, is kept
    out.

    Args:
        x: the terms, (n,).

    Returns:
        The sum, shape (), 0 for the empty sum.

    Raises:
        ValueError: x is no vector.

    >>> compensated_sum([1e8, 1.0, -1e8]), running_sum([1e8, 1.0, -1e8])
    (Array(1., dtype=float32), Array(0., dtype=float32))

    Source: Ogita, Rump and Oishi (2005), SIAM J. Sci. Comput. 26, 1955-1988.
    """
    return _compensated(_vector("x", x))


def norm(x: ArrayLike, order: ArrayLike = 2) -> Array:
    """The l_p norm of a vector, of order p >= 1.

        ||x||_p = ( sum_i |x_i|^p )^(1/p),    ||x||_inf = max_i |x_i|

    Entries near the largest float do not overflow on the way, nor do small ones underflow. The gradient is finite where
    x is: sign(x_i) (|x_i| / ||x||)^(p-1), with sign(0) = 0, and so 0 (one subgradient of many) at x = 0; where p = inf
    it is shared evenly by the entries of the largest size.

    Args:
        x: the vector, (n,).
        order: p >= 1, default 2; math.inf as a Python number, others also traced, to be swept or differentiated.

    Returns:
        The norm, shape (); NaN for a traced order < 1.

    Raises:
        ValueError: x is no vector, or order is a Python number below 1.

    >>> [float(norm([3.0, -4.0], p)) for p in (1, 2, math.inf)]
    [7.0, 5.0, 4.0]
    >>> jax.grad(norm)(jnp.zeros(2))
    Array([0., 0.], dtype=float32)
    """
    x = _vector("x", x)
    if isinstance(order, (int, float)):
        if not order >= 1:
            raise ValueError(f"order: expected a number >= 1, got {order}. Below 1 the triangle inequality fails.")
        if order in (1, math.inf):
            size = x * jnp.sign(x)  # |x|, with derivative 0 at 0, where that of jnp.abs is 1
            return jnp.sum(size) if order == 1 else jnp.max(size, initial=0)
        return numerics.safe_norm(x, int(order) if order == int(order) else order)
    order = arrays.scalar("order", order).astype(x.dtype)
    return jnp.where(order >= 1, numerics.safe_norm(x, order), jnp.nan)


class ScalingExponent(NamedTuple):
    """What `scaling_exponent` returns: the slope of log time on log size, and how well it is known.

    Attributes:
        exponent: the slope, shape ().
        se: its standard error, shape ().
    """

    exponent: Array
    se: Array


def scaling_exponent(sizes: ArrayLike, times: ArrayLike) -> ScalingExponent:
    """The exponent of a cost that grows as a power of the size: big O, measured.

        log times_i = constant + exponent log sizes_i + error_i,    by least squares

    An n log n cost shows as an exponent a little above 1: it is a power only locally.

    Args:
        sizes: of the problems, (m,), m >= 3, positive, not all equal.
        times: of the runs, or any other cost, (m,), positive.

    Returns:
        A `ScalingExponent`, (exponent, se); se has m - 2 degrees of freedom. NaN where a size or a time is not positive
        or all sizes are equal.

    Raises:
        ValueError: m < 3, or the shapes differ.

    >>> exponent, se = scaling_exponent([100, 200, 400, 800], [0.011, 0.039, 0.162, 0.637])
    >>> print(f"{exponent:.2f} +- {se:.2f}")
    1.96 +- 0.03
    """
    sizes = _vector("sizes", sizes)
    m = len(sizes)
    if m < 3:
        raise ValueError(f"sizes: expected at least 3 sizes, to leave a degree of freedom, got {m}.")
    times = arrays.per_row("times", times, m)
    x, y = jnp.log(sizes), jnp.log(times)
    design = jnp.stack([jnp.ones_like(x), x], axis=1)
    inverse = roots.root_of_inverse(design, jnp.ones_like(x), jnp.zeros((2,), x.dtype))
    theta = contract("jk,k->j", inverse.root, contract("ik,i->k", contract("ij,jk->ik", design, inverse.root), y))
    residual = y - contract("ij,j->i", design, theta)
    se = numerics.safe_norm(residual, 2) / math.sqrt(m - 2) * norm(inverse.root[1])
    return ScalingExponent(*(jnp.where(inverse.rank == 2, value, jnp.nan) for value in (theta[1], se)))


@jax.jit
def _running(x: Array) -> Array:
    return jax.lax.scan(lambda total, term: (total + term, None), jnp.zeros((), x.dtype), x)[0]


@jax.jit
def _pairwise(x: Array) -> Array:
    half_eights = max(len(x) - 1, 0) // 8
    eights = jnp.pad(x, (0, 8 * 2 ** half_eights.bit_length() - len(x))).reshape(8, -1)
    total = functools.reduce(jnp.add, eights)
    while len(total) > 1:
        total = jnp.add(*total.reshape(2, -1))
    return total[0]


@jax.jit
def _compensated(x: Array) -> Array:
    if len(x) == 0:
        return jnp.zeros((), x.dtype)
    # With a constant c, XLA would turn the exact c + x - c of double words into x.
    total, _ = double_word.sum_last(Double.of(jax.lax.optimization_barrier(x)))
    return jnp.where(jnp.isfinite(total), total, jnp.sum(x))


def _vector(name: str, value: ArrayLike) -> Array:
    array = arrays.as_float(name, value)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected shape (n,), got {array.shape}. For many at once use jax.vmap.")
    return array


def _integer(name: str, value: int, least: int | None = None) -> int:
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name}: expected a Python int, got {value!r}.") from error
    if least is not None and number < least:
        raise ValueError(f"{name}: expected an int >= {least}, got {number}.")
    return number
