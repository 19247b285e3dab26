"""The door of the room: a start, an objective, a curve and its points, checked once, of one dtype."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.descent import bijections
from jaxnotes.core.lanes.closures import hoist
from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike

# model(params, x) -> y, one value per row of x.
Model = Callable[[Any, Any], Array]
# curve(captured, theta (q,), x) -> (n,), for one problem.
Curve = Callable[[list[Array], Array, Any], Array]


class Curves(NamedTuple):
    """The data of one problem. captured: what the model closes over. start (q,); x, any pytree; y (n,); weights and
    precision, (n,) or (1,) for all rows; tol ().
    """

    captured: list[Array]
    start: Array
    x: Any
    y: Array
    weights: Array
    precision: Array
    tol: Array


def only_present(data: Curves) -> tuple[Array, Curves]:
    """Which rows of one problem are present, (n,), and the data with x of such a row in place of an absent one's, so
    that what an absent row holds reaches no derivative.
    """
    present = jnp.broadcast_to(data.weights > 0, data.y.shape)
    row = jnp.where(present, jnp.arange(len(present)), jnp.argmax(present))
    x = jax.tree.map(lambda leaf: leaf[row] if leaf.shape[:1] == present.shape else leaf, data.x)
    return present, data._replace(x=x)


def count_observations(data: Curves) -> Array:
    """The sum of the weights, (L,), or () for one problem."""
    weights = jnp.broadcast_to(data.weights, (*data.weights.shape[:-1], data.y.shape[-1]))
    return jnp.sum(weights, axis=-1)


def start(x0: Any) -> Any:
    """x0 with float arrays for leaves, of a dtype that no data of a narrower one change."""
    if not jax.tree.leaves(x0):
        raise ValueError("x0: expected at least one array to minimize over, got an empty tree.")
    leaves = jax.tree.map(lambda leaf: arrays.as_float("x0", leaf), x0)
    return jax.tree.map(lambda leaf: leaf.astype(leaf.dtype), leaves)


def check_scalar(objective: Callable[[Any], Array], x0: Any) -> None:
    """Raise ValueError unless the objective gives one real number."""
    value = jax.eval_shape(objective, x0)
    if getattr(value, "shape", None) != () or not jnp.issubdtype(value.dtype, jnp.floating):
        got = f"{value.dtype} of shape {value.shape}" if hasattr(value, "shape") else type(value).__name__
        raise ValueError(f"fun: expected a function that returns one real number, got {got}. Sum or average it.")


def row_count(data: Any) -> int:
    """The number of rows of a pytree of arrays."""
    shapes = [leaf.shape for leaf in jax.tree.leaves(data)]
    if not shapes or () in shapes or len({shape[0] for shape in shapes}) != 1 or shapes[0][0] == 0:
        raise ValueError(f"data: expected arrays with the same number of rows, at least 1, got shapes {shapes}.")
    return shapes[0][0]


class Posed(NamedTuple):
    """A problem in flat free coordinates: the curve, the data with the start, and the way back to the parameters."""

    curve: Curve
    data: Curves
    params: Callable[[Array], Any]


def pose(
    model: Model,
    params: Any,
    x: Any,
    y: ArrayLike,
    weights: ArrayLike | None,
    precision: ArrayLike | None,
    bijection: Any,
) -> Posed:
    """The problem, checked; the params are the start."""
    _check_signature(model, params, x)
    x = as_rows(x)
    y = arrays.as_float("y", y)
    params = _as_params(params, y)
    n = _count_rows(model, params, x, y)
    free = params if bijection is None else bijections.inverse(bijection, params)
    start, unravel = ravel_pytree(free)
    dtype = start.dtype

    def restricted(theta: Array) -> Any:
        return unravel(theta) if bijection is None else bijections.forward(bijection, unravel(theta))

    def curve(theta: Array, x: Any) -> Array:
        return model(restricted(theta), x).astype(dtype)

    explicit, captured = hoist(curve, start, x, origin=model)
    data = Curves(
        captured=captured,
        start=start,
        x=x,
        y=y.astype(dtype),
        weights=arrays.per_row_or("weights", weights, 1, n, dtype),
        precision=arrays.per_row_or("precision", precision, 1, n, dtype),
        tol=jnp.zeros((), dtype),
    )
    return Posed(explicit, data, restricted)


ORDER = (
    "The order is fit(model, params0, x, y) with model(params, x), not that of scipy.optimize.curve_fit(f, xdata, "
    "ydata, p0): write fit(lambda params, x: f(x, *params), p0, xdata, ydata)."
)


def _check_signature(model: Model, params: Any, x: Any) -> None:
    if not callable(model):
        raise TypeError(f"model: expected a function model(params, x), got {type(model).__name__}. {ORDER}")
    try:
        signature = inspect.signature(model)
    except ValueError:  # a function written in C has none to look at
        return
    try:
        signature.bind(params, x)
    except TypeError as error:
        raise TypeError(f"model: expected a function model(params, x), got one of {signature}. {ORDER}") from error


def as_rows(x: Any) -> Any:
    """x with arrays for leaves; a list of numbers is an array."""
    if isinstance(x, (list, tuple)) and all(isinstance(leaf, (int, float)) for leaf in jax.tree.leaves(x)):
        return arrays.as_float("x", jnp.asarray(x))
    return jax.tree.map(lambda leaf: arrays.as_numbers("x", leaf), x)


def _as_params(params: Any, y: Array) -> Any:
    """params with float leaves of one dtype: the widest of the arrays among them and y."""
    leaves = jax.tree.leaves(params)
    if not leaves:
        raise ValueError("params0: expected at least one number to fit, got an empty tree.")
    floats = [arrays.as_float("params0", leaf) for leaf in leaves]
    known = [leaf.dtype for leaf, given in zip(floats, leaves, strict=True) if not isinstance(given, (int, float))]
    dtype = functools.reduce(jnp.promote_types, known, y.dtype)
    return jax.tree.map(lambda leaf: arrays.as_float("params0", leaf).astype(dtype), params)


def _count_rows(model: Model, params: Any, x: Any, y: Array) -> int:
    """n, after checking that the model gives one value for each of the n entries of y."""
    shape = jax.eval_shape(lambda params, x: jnp.asarray(model(params, x)), params, x).shape
    if y.ndim == 1 and shape == y.shape and len(y) > 0:
        return len(y)
    column = shape[1:] == (1,) or y.shape[1:] == (1,)
    hint = "Use [:, 0]." if column else ORDER
    raise ValueError(
        f"y: expected shape (n,) with n >= 1, one value per row of model(params, x), got {y.shape} where the model "
        f"gives {shape}. {hint}"
    )
