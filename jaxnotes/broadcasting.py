"""Chapter 2: broadcasting, the rule as pure functions, and the bug that it lets through in silence.

Shapes are aligned at their last axis and a missing axis counts as 1. On every axis the lengths must be equal but for
ones, and a one is stretched: each entry is used many times and none is copied,

    (4, 3) with (3,) -> (4, 3)        (n, 1) with (n,) -> (n, n)        (2, 3) with (2,): axis -1 fails.

The rule holds for every operation on entries, not for addition alone. Axes are counted from the right (-1 is the last)
and sizes are those of the result in memory; variances divide by n (ddof = 0). JAX refuses to add axes in silence where
`jax.numpy_rank_promotion` is "raise" (see `strict`); the notes' example, which needs it, is then written b[None, :]:

>>> a, b = jnp.array([[0, 0, 0], [10, 10, 10], [20, 20, 20], [30, 30, 30]]), jnp.array([1, 2, 3])
>>> with jax.numpy_rank_promotion("allow"):
...     print(a + b)
[[ 1  2  3]
 [11 12 13]
 [21 22 23]
 [31 32 33]]
"""

import math
import operator
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike, DTypeLike

__all__ = [
    "AllPairsTerms",
    "all_pairs_loss",
    "all_pairs_terms",
    "broadcast_shapes",
    "explain",
    "outer",
    "pairwise",
    "result_bytes",
    "strict",
]

Shape = int | Sequence[int]


def broadcast_shapes(*shapes: Shape) -> tuple[int, ...]:
    """The shape that arrays of these shapes have together.

        length of axis k = the one length on axis k that is not 1, or 1,    k = -1, -2, ...

    NumPy also refuses more axes or entries than its arrays can have; this rule has no such limit.

    Args:
        shapes: any number of them, each a tuple of lengths >= 0, or an int for one axis.

    Returns:
        The common shape, a tuple of ints; () for no shape at all.

    Raises:
        TypeError: a length is no integer.
        ValueError: an axis has two lengths other than 1, or a length is negative.

    >>> broadcast_shapes((4, 3), (3,)), broadcast_shapes((5, 1), (1, 6), ()), broadcast_shapes((0,), (1,))
    ((4, 3), (5, 6), (0,))

    Source: NumPy reference, "Broadcasting", general broadcasting rules.
    """
    checked = [_checked(f"shapes[{k}]", shape) for k, shape in enumerate(shapes)]
    result = []
    for axis in range(-max(map(len, checked), default=0), 0):
        lengths = _lengths(checked, axis)
        if len(lengths) > 1:
            raise ValueError(
                f"shapes: expected on every axis one length besides 1, got {' and '.join(map(str, lengths))} on axis "
                f"{axis} of {', '.join(map(str, checked))}. See jaxnotes.broadcasting.explain for the alignment."
            )
        result += lengths or [1]
    return tuple(result)


def explain(shape_a: Shape, shape_b: Shape) -> str:
    """How two shapes are aligned, axis under axis, what is stretched and which axis fails, as text.

    Args:
        shape_a: a tuple of lengths >= 0, or an int for one axis.
        shape_b: the other shape, likewise.

    Returns:
        Lines to print, one string; shapes that do not fit are explained too.

    Raises:
        TypeError: a length is no integer.
        ValueError: a length is negative.

    >>> print(explain((4, 3), (3,)))
    axis    -2  -1
    a        4   3
    b            3
    result   4   3
    b is stretched along axis -2.
    >>> print(explain((2, 3), (2,)))
    axis    -2  -1
    a        2   3
    b            2
    result   2   ✗
    Axis -1 fails: 3 against 2.
    Lengths must be equal or one of them 1; a new axis, as in b[:, None], moves b.
    """
    a, b = _checked("shape_a", shape_a), _checked("shape_b", shape_b)
    rank = max(len(a), len(b))
    axes = list(range(-rank, 0))
    lengths = {axis: _lengths([a, b], axis) for axis in axes}
    result = [found[0] if len(found) == 1 else "✗" if found else 1 for found in lengths.values()]
    rows = {"axis": axes, "a": _padded(a, rank, ""), "b": _padded(b, rank, ""), "result": result}
    width = max((len(str(cell)) for row in rows.values() for cell in row), default=0) + 2
    ladder = [f"{name:6}{''.join(f'{cell!s:>{width}}' for cell in row)}".rstrip() for name, row in rows.items()]
    failures = [f"Axis {axis} fails: {found[0]} against {found[1]}." for axis, found in lengths.items() if found[1:]]
    if failures:
        remedy = "Lengths must be equal or one of them 1; a new axis, as in b[:, None], moves b."
        return "\n".join([*ladder, *failures, remedy])
    return "\n".join([*ladder, *_stretching({"a": _padded(a, rank, 1), "b": _padded(b, rank, 1)}, axes, result)])


def result_bytes(*shapes: Shape, dtype: DTypeLike | None = None) -> int:
    """The bytes of the broadcast result, were it stored.

        (product of the result's lengths) * (bytes of one entry)

    Memory must hold it outside jit, and wherever the result itself is kept. Under jit XLA may fuse the operation with a
    sum that consumes it and store nothing of the kind; whether it does depends on device and version.

    Args:
        shapes: any number of them, each a tuple of lengths >= 0, or an int for one axis.
        dtype: of the result, default None: the default float.

    Returns:
        The number of bytes, an int.

    Raises:
        TypeError: a length is no integer.
        ValueError: the shapes do not fit, or a length is negative.

    >>> result_bytes((1000, 1, 64), (1, 1000, 64), dtype="float32")
    256000000
    """
    itemsize = np.dtype(jnp.result_type(float) if dtype is None else dtype).itemsize
    return math.prod(broadcast_shapes(*shapes)) * itemsize


def outer(fun: Callable[[Array, Array], Any], a: ArrayLike, b: ArrayLike) -> Any:
    """A function of every entry of a with every entry of b: no loop, no axis to think about.

        result[i, j] = fun(a[i], b[j]),    the broadcast form being fun(a[:, None], b[None, :])

    Args:
        fun: a function of two numbers.
        a: its first arguments, (n,), of any dtype.
        b: its second arguments, (m,), of any dtype.

    Returns:
        The results, (n, m), with the axes of fun's result behind them where it is no number.

    Raises:
        TypeError: a or b is no array of numbers.
        ValueError: a or b is no vector.

    >>> print(outer(jnp.multiply, jnp.array([1, 2, 3]), jnp.array([1, 10])))
    [[ 1 10]
     [ 2 20]
     [ 3 30]]
    """
    return _every_pair(fun)(_ranked("a", a, 1), _ranked("b", b, 1))


def pairwise(fun: Callable[[Array, Array], Any], A: ArrayLike, B: ArrayLike) -> Any:
    """A function of every row of A with every row of B.

        result[i, j] = fun(A[i], B[j]),    the broadcast form starting from A[:, None, :] and B[None, :, :]

    Args:
        fun: a function of two vectors, (p,) each.
        A: its first arguments by rows, (n, p), of any dtype.
        B: its second arguments by rows, (m, p), of any dtype.

    Returns:
        The results, (n, m), with the axes of fun's result behind them where it is no number.

    Raises:
        TypeError: A or B is no array of numbers.
        ValueError: A or B is no matrix, or their rows differ in length.

    >>> points = jnp.array([[0.0, 0.0], [3.0, 4.0]])
    >>> print(pairwise(lambda a, b: jnp.sum((a - b) ** 2), points, points))
    [[ 0. 25.]
     [25.  0.]]
    """
    A, B = _ranked("A", A, 2), _ranked("B", B, 2)
    if B.shape[1] != A.shape[1]:
        raise ValueError(f"B: expected shape (m, {A.shape[1]}), rows as long as those of A, got {B.shape}.")
    return _every_pair(fun)(A, B)


def strict() -> AbstractContextManager[None]:
    """A `with` block in which JAX refuses operands of different rank: it stops (n, 1) - (n,), not (n, 1) - (1, n).

    Numbers still combine with anything. It holds in this thread and ends with the block; functions that were compiled
    outside are traced again inside.

    Returns:
        A context manager.

    >>> with strict():
    ...     jnp.ones((4, 1)) - jnp.ones(4)
    Traceback (most recent call last):
    ...
    ValueError: Operands could not be broadcast together for subtract on shapes (4, 1) (4,) ...
    """
    return jax.numpy_rank_promotion("raise")


class AllPairsTerms(NamedTuple):
    """The three terms that `all_pairs_loss` is the sum of.

    Attributes:
        variance_prediction: Var(prediction), of divisor n, shape ().
        variance_y: Var(y), of divisor n, shape ().
        squared_gap: (mean prediction - mean y)^2, shape ().
    """

    variance_prediction: Array
    variance_y: Array
    squared_gap: Array


def all_pairs_loss(prediction: ArrayLike, y: ArrayLike) -> Array:
    """What `jnp.mean((prediction - y) ** 2)` computes in silence when the prediction is a column and y is not.

        sum_i sum_j (prediction_i - y_j)^2 / n^2,    in place of    sum_i (prediction_i - y_i)^2 / n

    Every prediction is compared with every y, so the best one is the mean of y, whatever the data, and a perfect one
    has the loss 2 Var(y). It is `all_pairs_terms` added up.

    Args:
        prediction: a column, (n, 1).
        y: the responses, (n,).

    Returns:
        The mean over all pairs, shape ().

    Raises:
        TypeError: prediction or y is no array of numbers.
        ValueError: a shape is wrong.

    >>> y = jnp.array([1.0, 2.0, 3.0, 4.0])
    >>> print(all_pairs_loss(y[:, None], y), jnp.mean((y - y) ** 2))
    2.5 0.0
    """
    prediction, y = _column_and_vector(prediction, y)
    return jnp.mean((prediction - y[None, :]) ** 2)


def all_pairs_terms(prediction: ArrayLike, y: ArrayLike) -> AllPairsTerms:
    """The three terms of `all_pairs_loss`; only the first and the last depend on the model.

        loss = Var(prediction) + Var(y) + (mean prediction - mean y)^2,    Var(v) = sum_i (v_i - mean v)^2 / n

    (expand the square about the two means: no cross term is left, since i and j run independently). Descending it
    drives the slope of a line to 0 and its intercept to the mean of y.

    Args:
        prediction: a column, (n, 1).
        y: the responses, (n,).

    Returns:
        An `AllPairsTerms`, (variance_prediction, variance_y, squared_gap).

    Raises:
        TypeError: prediction or y is no array of numbers.
        ValueError: a shape is wrong.

    >>> y = jnp.array([1.0, 2.0, 3.0, 4.0])
    >>> print(*all_pairs_terms(y[:, None] + 1, y))
    1.25 1.25 1.0
    """
    prediction, y = _column_and_vector(prediction, y)
    return AllPairsTerms(jnp.var(prediction), jnp.var(y), (jnp.mean(prediction) - jnp.mean(y)) ** 2)


def _checked(name: str, shape: Shape) -> tuple[int, ...]:
    try:
        lengths = tuple(map(operator.index, shape if isinstance(shape, Sequence) else [shape]))
    except TypeError as error:
        raise TypeError(f"{name}: expected a tuple of integers or an integer, got {shape!r}.") from error
    if min(lengths, default=0) < 0:
        raise ValueError(f"{name}: expected lengths >= 0, got {lengths}.")
    return lengths


def _lengths(shapes: Any, axis: int) -> list[int]:
    """The different lengths other than 1 on an axis, in order of appearance; a missing axis counts as 1."""
    return list(dict.fromkeys(shape[axis] for shape in shapes if -axis <= len(shape) and shape[axis] != 1))


def _padded(shape: tuple[int, ...], rank: int, missing: Any) -> list[Any]:
    return [missing] * (rank - len(shape)) + list(shape)


def _stretching(shapes: dict[str, list[int]], axes: list[int], result: list[Any]) -> list[str]:
    sentences = []
    for name, shape in shapes.items():
        stretched = [str(axis) for axis, own, length in zip(axes, shape, result, strict=True) if own != length]
        if stretched:
            along = "axis" if len(stretched) == 1 else "axes"
            sentences.append(f"{name} is stretched along {along} {' and '.join(stretched)}.")
    if len(sentences) == 2:
        sentences.append("If their entries were meant to pair up, give both one shape first.")
    return sentences or ["Nothing is stretched: entry meets entry."]


def _every_pair(fun: Callable[[Array, Array], Any]) -> Callable[[Array, Array], Any]:
    return jax.vmap(jax.vmap(fun, in_axes=(None, 0)), in_axes=(0, None))


def _ranked(name: str, value: ArrayLike, rank: int) -> Array:
    """`value` as an array of that many axes; integers stay integers."""
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected an array of numbers, got {type(value).__name__} ({error}).") from error
    if array.ndim != rank:
        expected = {1: "(n,)", 2: "(n, p)"}[rank]
        raise ValueError(
            f"{name}: expected shape {expected}, got {array.shape}. outer is for vectors, pairwise for rows."
        )
    return array


def _column_and_vector(prediction: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    prediction, y = arrays.as_float("prediction", prediction), arrays.as_float("y", y)
    if prediction.ndim != 2 or prediction.shape[1] != 1 or prediction.shape[0] == 0:
        raise ValueError(
            f"prediction: expected shape (n, 1), the column that makes the bug, got {prediction.shape}. "
            "Use prediction[:, None]."
        )
    if y.shape != prediction.shape[:1]:
        raise ValueError(f"y: expected shape {prediction.shape[:1]}, one value per prediction, got {y.shape}.")
    return prediction, y
