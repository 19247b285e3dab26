"""Appendix: mean, variance, standard deviation, covariance, correlation and autocorrelation of a sample.

With frequency weights w and W = sum_i w_i,

    mean = sum_i w_i x_i / W        covariance = sum_i w_i (x_i - mean_x)(y_i - mean_y) / (W - ddof)

and variance, correlation and autocorrelation are made of such sums. ddof = 1, the default everywhere, makes the
variance unbiased and is what NIST, R, pandas and `numpy.cov` compute; `jax.numpy.var` has ddof = 0, the maximum
likelihood estimate for a normal sample. A row of weight k counts as k rows, one of weight 0 as absent, whatever it
holds: f(x, weights=w) = f(numpy.repeat(x, w)) for every function here. Rows are samples, columns are variables.

Deviations are taken from one of the observations, where the subtraction is exact, then from the mean of those
deviations, and summed in doubled precision (Chan, Golub and LeVeque 1983, The American Statistician 37, 242-247). The
answer is as exact as the data, in float32 too, and compiled too.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.matrix.products import contract
from jaxnotes.core.special import double_word, numerics
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike

__all__ = ["autocorrelation", "correlation", "covariance", "mean", "std", "variance"]


def mean(x: ArrayLike, *, weights: ArrayLike | None = None) -> Array:
    """The arithmetic mean.

        sum_i w_i x_i / sum_i w_i

    Args:
        x: the sample, (n,), n >= 1.
        weights: frequencies, (n,), >= 0, default None: every row counts once.

    Returns:
        The mean, shape (); NaN where a weight is negative or all are 0.

    Raises:
        TypeError: x or weights are not numbers.
        ValueError: x is empty, or a shape is wrong.

    >>> mean([1.0, 2.0, 6.0])
    Array(3., dtype=float32)
    >>> mean([1.0, 2.0, float("nan")], weights=[3, 1, 0])
    Array(1.25, dtype=float32)
    """
    x = _vector("x", x)
    return _centred(x, _rows(weights, x)).mean


def variance(x: ArrayLike, *, ddof: ArrayLike = 1, weights: ArrayLike | None = None) -> Array:
    """The variance of a sample.

        sum_i w_i (x_i - mean)^2 / (sum_i w_i - ddof)

    Args:
        x: the sample, (n,).
        ddof: what is taken off the number of rows, default 1, which makes the estimate unbiased; 0 is the mean square.
        weights: frequencies, (n,), >= 0, default None: every row counts once.

    Returns:
        The variance, shape (); NaN where sum_i w_i <= ddof, a weight is negative or x is not finite.

    Raises:
        TypeError: x, ddof or weights are not numbers.
        ValueError: x is empty, a shape is wrong, or n <= ddof without weights.

    >>> variance([1.0, 2.0, 6.0]), variance([1.0, 2.0, 6.0], ddof=0)
    (Array(7., dtype=float32), Array(4.6666665, dtype=float32))
    """
    square, scale = _mean_square(x, ddof, weights)
    return square * scale * scale


def std(x: ArrayLike, *, ddof: ArrayLike = 1, weights: ArrayLike | None = None) -> Array:
    """The standard deviation of a sample, the square root of its `variance`, right where that would overflow.

        sqrt( sum_i w_i (x_i - mean)^2 / (sum_i w_i - ddof) )

    Args:
        x: the sample, (n,).
        ddof: what is taken off the number of rows, default 1; 0 is the root mean square deviation.
        weights: frequencies, (n,), >= 0, default None: every row counts once.

    Returns:
        The standard deviation, shape (), with derivative 0 where all x are equal; NaN where `variance` is.

    Raises:
        TypeError: x, ddof or weights are not numbers.
        ValueError: x is empty, a shape is wrong, or n <= ddof without weights.

    >>> print(f"{std([1e30, 2e30, 3e30]):.4g}")
    1e+30
    """
    square, scale = _mean_square(x, ddof, weights)
    return numerics.safe_sqrt(square) * scale


def covariance(
    x: ArrayLike, y: ArrayLike | None = None, *, ddof: ArrayLike = 1, weights: ArrayLike | None = None
) -> Array:
    """The covariance of two samples, or of all pairs of columns of a table.

        sum_i w_i (x_i - mean_x)(y_i - mean_y) / (sum_i w_i - ddof)

    Of two samples the sum is doubled in precision; of a table it is a matrix product of deviations that are right to
    the last digit.

    Args:
        x: a sample, (n,); or a table alone, (n, p), whose rows are samples (`numpy.cov` has columns unless
            rowvar=False).
        y: the second sample, (n,), default None: x is a table.
        ddof: what is taken off the number of rows, default 1, which makes the estimate unbiased.
        weights: frequencies, (n,), >= 0, default None: every row counts once.

    Returns:
        The covariance of two samples, shape (), one number and not numpy's 2 x 2 matrix; of a table, (p, p). NaN where
        sum_i w_i <= ddof, a weight is negative or the data are not finite.

    Raises:
        TypeError: x, y, ddof or weights are not numbers.
        ValueError: x is empty, a shape is wrong, or n <= ddof without weights.

    >>> covariance([1.0, 2.0, 6.0], [1.0, 2.0, 3.0])
    Array(2.5, dtype=float32)
    >>> covariance([[1.0, 1.0], [2.0, 2.0], [6.0, 3.0]])
    Array([[7. , 2.5],
           [2.5, 1. ]], dtype=float32)
    """
    if y is None:
        X = _table(x)
        ddof, rows = _ddof(ddof, X, weights), _rows(weights, X)
        moments, scale = _comoments(X, rows)
        return moments / _df(rows, ddof) * scale[:, None] * scale[None]
    x, y = _pair(x, y)
    ddof, rows = _ddof(ddof, x, weights), _rows(weights, x)
    a, b = _centred(x, rows), _centred(y, rows)
    return _comoment(a.deviation, b.deviation, rows.weights) / _df(rows, ddof) * a.scale * b.scale


def correlation(x: ArrayLike, y: ArrayLike | None = None, *, weights: ArrayLike | None = None) -> Array:
    """Pearson's correlation coefficient of two samples, or of all pairs of columns of a table.

        rho = s_xy / sqrt(s_xx s_yy),    s_ab = sum_i w_i (a_i - mean_a)(b_i - mean_b)

    Args:
        x: a sample, (n,); or a table alone, (n, p), whose rows are samples.
        y: the second sample, (n,), default None: x is a table.
        weights: frequencies, (n,), >= 0, default None: every row counts once.

    Returns:
        The correlation of two samples, shape (), or of a table, (p, p), within [-1, 1]; NaN where a variable is
        constant or not finite.

    Raises:
        TypeError: x, y or weights are not numbers.
        ValueError: x is empty, or a shape is wrong.

    >>> correlation([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0])
    Array(0.8, dtype=float32)
    """
    if y is None:
        X = _table(x)
        moments, _ = _comoments(X, _rows(weights, X))
        size = jnp.sqrt(jnp.diagonal(moments))
        return jnp.clip(moments / (size[:, None] * size[None]), -1, 1)
    x, y = _pair(x, y)
    rows = _rows(weights, x)
    a, b = _centred(x, rows).deviation, _centred(y, rows).deviation
    size = jnp.sqrt(_comoment(a, a, rows.weights)) * jnp.sqrt(_comoment(b, b, rows.weights))
    return jnp.clip(_comoment(a, b, rows.weights) / size, -1, 1)


def autocorrelation(x: ArrayLike, *, lag: int = 1, weights: ArrayLike | None = None) -> Array:
    """The autocorrelation coefficient of a series at one lag, both sums about the mean of the whole series.

        r = sum_{t=1}^{n-lag} (x_t - mean)(x_{t+lag} - mean) / sum_{t=1}^{n} (x_t - mean)^2

    Args:
        x: the series, (n,), in the order of time.
        lag: how far the members of a pair stand apart, an int, 0 <= lag < n, default 1.
        weights: frequencies, (n,), >= 0, default None. A row of weight k stands k times running, and where one of
            weight 0 is removed its neighbours meet, as in numpy.repeat(x, weights). Fractions are durations: the sums
            become integrals over a step function.

    Returns:
        The coefficient, shape (); NaN where x is constant or not finite, or sum_i w_i <= lag.

    Raises:
        TypeError: x or weights are not numbers.
        ValueError: lag is no int in its range, x is empty, or a shape is wrong.

    >>> autocorrelation([1.0, 2.0, 3.0, 4.0, 5.0])
    Array(0.4, dtype=float32)

    Source: NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.12.
    """
    x = _vector("x", x)
    if not isinstance(lag, (int, np.integer)) or not 0 <= lag < len(x):
        raise ValueError(f"lag: expected an int with 0 <= lag < {len(x)}, the length of x, got {lag}.")
    rows = _rows(weights, x)
    deviation = _centred(x, rows).deviation
    if weights is None:
        early, late, length = slice(len(x) - lag), slice(lag, None), rows.weights[lag:]
    else:
        early, late, length = _overlap(rows.weights, lag)
    moment = _comoment(_take(deviation, early), _take(deviation, late), length)
    return moment / _comoment(deviation, deviation, rows.weights)


class _Rows(NamedTuple):
    """How often each row counts (n,), and how many rows that makes ()."""

    weights: Array
    total: Double


class _Centred(NamedTuple):
    """mean (), and the deviations from it (n,) in units of scale (), a power of two; 0 in absent rows."""

    mean: Array
    deviation: Double
    scale: Array


@jax.jit
def _centred(x: Array, rows: _Rows) -> _Centred:
    present = rows.weights != 0
    x = jnp.where(present, x, 0)
    size = jax.lax.stop_gradient(jnp.max(jnp.abs(x)))
    info = jnp.finfo(x.dtype)
    scale = jnp.maximum(jax.lax.reduce_precision(size / 4, info.nexp, 0), info.tiny)
    scaled = x / scale
    # Any origin gives the same answer, so none has a derivative.
    origin = jax.lax.stop_gradient(scaled[jnp.argmax(present)])
    shifted = double_word.two_sum(scaled, jnp.broadcast_to(-origin, x.shape))
    shift = _sum(double_word.scaled(shifted, rows.weights)) / rows.total
    centred = shifted - Double(*(jnp.broadcast_to(word, x.shape) for word in shift))
    deviation = Double(*(jnp.where(present, word, 0) for word in centred))
    about = (shift + Double.of(origin)).high * scale
    plain = jnp.sum(rows.weights * x) / rows.total.high
    return _Centred(jnp.where(jnp.isfinite(size), about, plain), deviation, scale)


def _mean_square(x: ArrayLike, ddof: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array]:
    """The variance in units of the square of a scale, and the scale."""
    x = _vector("x", x)
    ddof, rows = _ddof(ddof, x, weights), _rows(weights, x)
    column = _centred(x, rows)
    return _comoment(column.deviation, column.deviation, rows.weights) / _df(rows, ddof), column.scale


@jax.jit
def _comoment(a: Double, b: Double, weights: Array) -> Array:
    """sum_i w_i a_i b_i, shape ()."""
    return _sum(double_word.scaled(a * b, weights)).high


def _comoments(X: Array, rows: _Rows) -> tuple[Array, Array]:
    """_comoment of all pairs of columns of X (n, p), shape (p, p), in units of their scales (p,)."""
    columns = jax.vmap(_centred, (1, None))(X, rows)
    deviation, _ = columns.deviation
    moments = contract("in,jn->ij", deviation * rows.weights[None], deviation)
    return (moments + moments.T) / 2, columns.scale


@jax.jit
def _total(weights: Array) -> Double:
    """sum_i w_i; NaN where a weight is negative."""
    high, low = _sum(Double.of(weights))
    return Double(jnp.where(jnp.any(weights < 0), jnp.nan, high), low)


def _df(rows: _Rows, ddof: Array) -> Array:
    """sum_i w_i - ddof; NaN where that is not positive, or 0 but for the rounding of the weights."""
    high, low = rows.total
    df = (high - ddof) + low
    return jnp.where(df > 2 * float(jnp.finfo(df.dtype).eps) * high, df, jnp.nan)


def _sum(a: Double) -> Double:
    """Sum of a (n,): as rows of 8 numbers or more, added up in a loop of up to 1024 steps, then the row that is left.

    A long chain of halves, as in `double_word.sum_last`, would take XLA seconds to compile.
    """
    while (n := len(a.high)) > 8:
        width = 2 ** max(n // 1024, 7).bit_length()
        rows = Double(*(jnp.pad(word, (0, -n % width)).reshape(-1, width) for word in a))
        first, rest = _take(rows, 0), _take(rows, slice(1, None))
        a = jax.lax.scan(lambda total, row: (total + row, None), first, rest)[0]
    return double_word.sum_last(a)


def _overlap(weights: Array, lag: int) -> tuple[Array, Array, Array]:
    """Which rows stand `lag` apart, for how long: row i fills the time from ends_{i-1} to ends_i = w_1 + ... + w_i."""
    ends = jnp.cumsum(weights)
    edges = jnp.clip(jnp.sort(jnp.concatenate([ends, ends - lag])), 0, ends[-1] - lag)
    length = jnp.diff(edges, prepend=0)
    middle = edges - length / 2
    early, late = (jnp.searchsorted(ends, time) for time in (middle, middle + lag))
    return early, late, jnp.where(ends[-1] > lag, length, jnp.nan)


def _take(a: Double, rows: int | slice | Array) -> Double:
    return Double(a.high[rows], a.low[rows])


def _vector(name: str, value: ArrayLike) -> Array:
    array = arrays.as_float(name, value)
    if array.ndim != 1 or array.shape[0] == 0:
        hint = " For the columns of a table use jax.vmap(..., in_axes=1)." if array.ndim == 2 else ""
        raise ValueError(f"{name}: expected shape (n,) with at least one entry, got {array.shape}.{hint}")
    return array


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    x = _vector("x", x)
    y = arrays.per_row("y", y, len(x))
    dtype = jnp.result_type(x, y)
    return x.astype(dtype), y.astype(dtype)


def _table(x: ArrayLike) -> Array:
    array = arrays.as_float("x", x)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"x: expected shape (n_samples, n_variables), or a second sample y, got {array.shape}.")
    return array


def _rows(weights: ArrayLike | None, x: Array) -> _Rows:
    n = x.shape[0]
    each = jnp.broadcast_to(arrays.per_row_or("weights", weights, 1, n, x.dtype), (n,))
    if weights is None:
        return _Rows(each, Double.of(jnp.asarray(n, x.dtype)))
    each = jnp.where(each != 0, each, 0)  # an absent row has no influence: no derivative either
    # Behind a barrier: for a constant c, XLA would turn the c + x - c of double words into x.
    each = jax.lax.optimization_barrier(each)
    return _Rows(each, _total(each))


def _ddof(ddof: ArrayLike, x: Array, weights: ArrayLike | None) -> Array:
    if isinstance(ddof, (int, float)) and weights is None and not len(x) > ddof:
        raise ValueError(f"ddof: expected less than the number of rows, {len(x)}, got {ddof}.")
    return arrays.scalar("ddof", ddof).astype(x.dtype)
