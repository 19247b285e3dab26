"""Parameters with a restricted range, written as smooth one-to-one functions of free ones.

A fit then moves in the free coordinates u, where every point is allowed, and reports forward(u), where the
restrictions hold by construction; `delta_method` carries the covariance along. A bijection is a pytree, so that its
bounds may be traced, batched and differentiated; a pytree of bijections speaks for the parameters leaf by leaf:

    {"amplitude": positive(), "rate": bounded(0.0, 5.0), "offset": real()}

An optimum on the edge of the range lies at infinity in u; a start on the edge has no finite u.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.public import public


@public("jaxnotes.bijections")
class Bijection:
    """A one-to-one function from free coordinates onto the values that a parameter may take."""

    def forward(self, u: Array) -> Array:
        """The parameter at free coordinates.

        Args:
            u: free coordinates, any real numbers.

        Returns:
            The parameter x, inside its range.
        """
        raise NotImplementedError

    def inverse(self, x: Array) -> Array:
        """The free coordinates of a parameter.

        Args:
            x: the parameter, strictly inside its range.

        Returns:
            The free coordinates u; NaN or infinite where x is not inside.
        """
        raise NotImplementedError


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Real(Bijection):
    def forward(self, u: Array) -> Array:
        return u

    def inverse(self, x: Array) -> Array:
        return x


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Positive(Bijection):
    def forward(self, u: Array) -> Array:
        return jnp.exp(u)

    def inverse(self, x: Array) -> Array:
        return jnp.log(x)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Bounded(Bijection):
    lower: Array
    upper: Array

    def forward(self, u: Array) -> Array:
        lower, upper, below, above = self._ends(u)
        inside = lower + (upper - lower) * jax.nn.sigmoid(u)
        # Each one-sided form is computed from a u that leaves it finite where it is not the one taken.
        over = lower + jnp.exp(jnp.where(below & ~above, u, 0))
        under = upper - jnp.exp(jnp.where(above & ~below, -u, 0))
        return jnp.where(below & above, inside, jnp.where(below, over, jnp.where(above, under, u)))

    def inverse(self, x: Array) -> Array:
        lower, upper, below, above = self._ends(x)
        from_lower = jnp.log(jnp.where(below, x - lower, 1))
        from_upper = jnp.log(jnp.where(above, upper - x, 1))
        return jnp.where(below | above, from_lower - from_upper, x)

    def _ends(self, u: Array) -> tuple[Array, Array, Array, Array]:
        """The finite bounds, 0 in place of infinite ones, and which bounds are finite."""
        lower, upper = (jnp.broadcast_to(jnp.asarray(end, u.dtype), u.shape) for end in (self.lower, self.upper))
        below, above = lower > -jnp.inf, upper < jnp.inf
        return jnp.where(below, lower, 0), jnp.where(above, upper, 0), below, above


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Simplex(Bijection):
    def forward(self, u: Array) -> Array:
        return jax.nn.softmax(jnp.concatenate([jnp.zeros_like(u[..., :1]), u], axis=-1))

    def inverse(self, x: Array) -> Array:
        _check_vector("simplex", x)
        return jnp.log(x[..., 1:]) - jnp.log(x[..., :1])


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Ordered(Bijection):
    def forward(self, u: Array) -> Array:
        return jnp.cumsum(jnp.concatenate([u[..., :1], jnp.exp(u[..., 1:])], axis=-1), axis=-1)

    def inverse(self, x: Array) -> Array:
        _check_vector("ordered", x)
        return jnp.concatenate([x[..., :1], jnp.log(jnp.diff(x, axis=-1))], axis=-1)


def _check_vector(name: str, x: Array) -> None:
    if x.ndim == 0:
        raise ValueError(f"{name}: expected a vector of parameters, got a single number.")


def real() -> Bijection:
    """Any real number: for the leaves of a pytree of bijections that are not restricted.

        x = u

    Returns:
        A `Bijection`, entry by entry.

    >>> print(real().forward(jnp.array(-2.0)))
    -2.0
    """
    return _Real()


def positive() -> Bijection:
    """A positive number.

        x = exp(u),    u = log x

    Returns:
        A `Bijection`, entry by entry.

    >>> print(positive().inverse(jnp.array(1.0)))
    0.0
    """
    return _Positive()


def bounded(lower: ArrayLike, upper: ArrayLike) -> Bijection:
    """A number strictly between two bounds.

        x = lower + (upper - lower) / (1 + exp(-u)),    u = log(x - lower) - log(upper - x)

    With an infinite bound it is the one-sided lower + exp(u) or upper - exp(-u), with two x = u.

    Args:
        lower: the lower bound, a number or an array that broadcasts to the parameter, -inf for none.
        upper: the upper bound, the same, above lower, inf for none.

    Returns:
        A `Bijection`, entry by entry.

    Raises:
        TypeError, ValueError: a wrong dtype, or numbers that are not in this order.

    >>> print(bounded(0.0, 5.0).forward(jnp.array(0.0)))
    2.5
    """
    numbers = [end for end in (lower, upper) if isinstance(end, (int, float))]
    if any(math.isnan(end) for end in numbers) or (len(numbers) == 2 and not numbers[0] < numbers[1]):
        raise ValueError(f"bounded: expected lower < upper, got lower = {lower} and upper = {upper}.")
    return _Bounded(arrays.as_float("lower", lower), arrays.as_float("upper", upper))


def simplex() -> Bijection:
    """Probabilities that sum to 1 along the last axis, the first the baseline: k of them from k - 1 free numbers.

        x = softmax(0, u_1, ..., u_(k-1)),    u_j = log x_j - log x_0

    Returns:
        A `Bijection` of vectors, (..., k - 1) to (..., k).

    >>> print(simplex().forward(jnp.array([0.0, 0.0, 0.0])))
    [0.25 0.25 0.25 0.25]
    """
    return _Simplex()


def ordered() -> Bijection:
    """Increasing numbers along the last axis.

        x_1 = u_1,   x_j = x_(j-1) + exp(u_j)

    Returns:
        A `Bijection` of vectors, (..., k) to (..., k).

    >>> print(ordered().forward(jnp.array([1.0, 0.0, 0.0])))
    [1. 2. 3.]
    """
    return _Ordered()


def forward(bijection: Any, free: Any) -> Any:
    """The parameters at free coordinates.

    Args:
        bijection: a `Bijection` or a pytree of them, one for each leaf of free (or for all leaves below it).
        free: the free coordinates, a pytree of arrays.

    Returns:
        The parameters, a pytree like free.

    Raises:
        TypeError, ValueError: a leaf that is no `Bijection`, or one that is missing.

    >>> params = forward({"rate": positive(), "offset": real()}, {"rate": jnp.zeros(2), "offset": jnp.ones(1)})
    >>> print(params["rate"], params["offset"])
    [1. 1.] [1.]
    """
    return _leaf_by_leaf(lambda part, leaf: part.forward(leaf), bijection, free)


def inverse(bijection: Any, params: Any) -> Any:
    """The free coordinates of parameters, as `forward` takes them.

    Args:
        bijection: a `Bijection` or a pytree of them, one for each leaf of params (or for all leaves below it).
        params: the parameters, a pytree of arrays, strictly inside their ranges.

    Returns:
        The free coordinates, a pytree like params; NaN or infinite where params are not inside.

    Raises:
        TypeError, ValueError: a leaf that is no `Bijection`, or one that is missing.

    >>> print(inverse(bounded(0.0, 2.0), [jnp.array([1.0, 0.0])]))
    [Array([  0., -inf], dtype=float32)]
    """
    return _leaf_by_leaf(lambda part, leaf: part.inverse(leaf), bijection, params)


def _leaf_by_leaf(apply: Callable[[Bijection, Array], Array], bijection: Any, tree: Any) -> Any:
    parts, structure = jax.tree.flatten(bijection, is_leaf=lambda node: isinstance(node, Bijection))
    for part in parts:
        if not isinstance(part, Bijection):
            raise TypeError(f"bijection: expected one of jaxnotes.bijections, got {type(part).__name__}.")
    try:
        below = structure.flatten_up_to(tree)
    except ValueError as error:
        raise ValueError(
            "bijection: expected one Bijection, or a pytree of them like the parameters with real() for the free. "
            f"{error}"
        ) from error
    moved = [jax.tree.map(functools.partial(apply, part), leaves) for part, leaves in zip(parts, below, strict=True)]
    return structure.unflatten(moved)
