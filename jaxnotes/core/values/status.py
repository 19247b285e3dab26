"""How a solve ended: one result type, one list of endings, and the sentence that explains each to a person.

Inside jit and vmap nothing raises: a lane that failed says so in its `status` and its neighbours never notice.
On the host `raise_for_status` turns statuses into an error that names the failing lanes.
"""

import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values import habits
from jaxnotes.core.values.arrays import Array, is_traced
from jaxnotes.core.values.public import public

Params = TypeVar("Params")


@public("jaxnotes")
class Status(enum.IntEnum):
    """Why a solve stopped. Where several hold, the smallest code other than CONVERGED is told."""

    CONVERGED = 0
    INVALID_DATA = 1
    NON_FINITE_DATA = 2
    TOO_FEW_ROWS = 3
    ONE_CLASS = 4
    RANK_DEFICIENT = 5
    SEPARATED = 6
    BAD_START = 7
    DIVERGED = 8
    FLAT = 9
    BOUNDARY = 10
    MAX_STEPS = 11
    STALLED = 12


# A rise of the log-likelihood that moves no parameter by more than 1 % of its standard error: where rounding ends a
# descent, less than this is no reason to reject its answer, and more is one.
NEGLIGIBLE_RISE = 0.01**2 / 2

MESSAGES = {
    Status.CONVERGED: "the optimum was reached, as far as the fit promises; `error` says how far off it may be.",
    Status.INVALID_DATA: "a weight, precision or penalty is negative, or y or trials lie outside their range.",
    Status.NON_FINITE_DATA: "the data hold NaN or infinity, or are so large that their squares overflow. "
    "Give such rows weight 0 to leave them out.",
    Status.TOO_FEW_ROWS: "fewer rows of positive weight than parameters. Use more rows, fewer columns, or l2 > 0.",
    Status.ONE_CLASS: "y holds a single class, so the intercept has no finite estimate.",
    Status.RANK_DEFICIENT: "some columns are linear combinations of others (or of the intercept). "
    "Drop one of them or use l2 > 0.",
    Status.SEPARATED: "a combination of columns separates the classes, so the likelihood has no maximum. "
    "Use l2 > 0 or drop the separating column.",
    Status.BAD_START: "the objective is not finite at the starting point.",
    Status.DIVERGED: "the objective or the iterate became non-finite, or the answer over- or underflows in this dtype.",
    Status.FLAT: "the objective has a direction without curvature, so the answer is not unique.",
    Status.BOUNDARY: "the optimum is on the edge of the parameter space.",
    Status.MAX_STEPS: "the step limit was reached first. Raise max_steps or scale the problem.",
    Status.STALLED: "no further decrease is possible in this dtype, yet the optimum is not reached. "
    "Use float64 or a larger tol.",
}


@public("jaxnotes")
@jax.tree_util.register_dataclass
@dataclass(frozen=True, repr=False)
class Solution(Generic[Params]):
    """The answer of a solver, and how good it is. It does not hold the data.

    Attributes:
        params: the estimate.
        value: the mean objective there, penalty included, ().
        grad_norm: the scaled gradient there, ().
        steps: iterations taken, int32, ().
        status: int8, a `Status`, (); only CONVERGED (0) is success.
        error: a bound, in standard errors, of the distance of any parameter from the exact optimum of the data, (). NaN
            unless CONVERGED, and where there is no likelihood or no bound is known.
    """

    params: Params
    value: Array
    grad_norm: Array
    steps: Array
    status: Array
    error: Array

    @property
    def converged(self) -> Array:
        """True where the status is CONVERGED; same shape as `status`."""
        return self.status == Status.CONVERGED

    def __repr__(self) -> str:
        shown = {field.name: repr(getattr(self, field.name)) for field in dataclasses.fields(self)}
        if isinstance(self.status, (jax.Array, np.ndarray)) and not is_traced(self.status):
            shown["status"] = in_words(np.asarray(self.status))
        return f"Solution({', '.join(f'{name}={text}' for name, text in shown.items())})"

    if not TYPE_CHECKING:  # to a type checker every name would be there

        def __getattr__(self, name: str) -> Any:
            raise habits.missing(self, name, habits.SOLUTION)


@public("jaxnotes")
class FitError(RuntimeError):
    """Raised by `raise_for_status` for an answer that is not to be used."""


def first_status(*endings: tuple[Array, Array | int], otherwise: Array | int = Status.CONVERGED) -> Array:
    """The first status whose condition holds, as int8; `endings` are (condition, status) in order of precedence."""
    status = jnp.asarray(otherwise, jnp.int8)
    for condition, code in reversed(endings):
        status = jnp.where(condition, jnp.asarray(code, jnp.int8), status)
    return status


def error_where_converged(status: Array, bound: Array) -> Array:
    """What `Solution.error` says: the bound, NaN unless CONVERGED.

    Rounded up to five bits: further ones would only tell how a compiler has fused the sums that it is made of.
    """
    bits = jnp.finfo(bound.dtype).nexp
    return jnp.where(status == Status.CONVERGED, jax.lax.reduce_precision(bound * (1 + 2.0**-5), bits, 4), jnp.nan)


def where_answered(status: Array, value: Array) -> Array:
    """The numbers of the lanes that have an answer, good or bad; NaN, all of them, in those without.

    status: (), or of the first axes of value.
    """
    none = (status > Status.CONVERGED) & (status <= Status.ONE_CLASS)
    none = none | (status == Status.BAD_START) | (status == Status.DIVERGED)
    return jnp.where(none.reshape(none.shape + (1,) * (value.ndim - none.ndim)), jnp.nan, value)


def raise_for_status(solution: Solution) -> None:
    """Raise FitError unless every lane of a solution converged; say how many failed, how, and which came first.

    Args:
        solution: any `Solution`, single or from `jax.vmap`, on the host (not inside jit).

    Raises:
        FitError: a lane has another status than CONVERGED.
        TypeError: a traced solution.

    >>> import jax.numpy as jnp, jaxnotes as jn
    >>> X = jnp.arange(6.0)[:, None]
    >>> solution = jn.logistic_regression.fit(X, jnp.array([0, 0, 0, 1, 1, 1]))
    >>> jn.raise_for_status(solution)
    Traceback (most recent call last):
    ...
    jaxnotes.FitError: SEPARATED: a combination of columns separates the classes, ...
    """
    if is_traced(solution.status):
        raise TypeError(
            "raise_for_status: expected a finished Solution, got a traced one. Call it outside jit and vmap."
        )
    status = np.asarray(solution.status)
    if not status.any():
        return
    if status.ndim == 0:
        raise FitError(f"{Status(int(status)).name}: {MESSAGES[Status(int(status))]}")
    kinds = [Status(code) for code in np.unique(status[status != Status.CONVERGED])]
    counts = ", ".join(f"{np.sum(status == kind)} {kind.name} ({_first_lanes(status == kind)})" for kind in kinds)
    reasons = "".join(f"\n  {kind.name}: {MESSAGES[kind]}" for kind in kinds)
    raise FitError(f"{np.count_nonzero(status)} of {status.size}: {counts}{reasons}")


def in_words(status: np.ndarray) -> str:
    """The name of a status, or of a batch how many lanes have each."""
    if status.ndim == 0:
        return Status(int(status)).name
    codes, counts = np.unique(status, return_counts=True)
    words = ", ".join(f"{count} {Status(int(code)).name}" for code, count in zip(codes, counts, strict=True))
    return f"<{status.size} lanes: {words}>"


def _first_lanes(failed: np.ndarray, shown: int = 3) -> str:
    lanes = [index[0] if len(index) == 1 else index for index in map(tuple, np.argwhere(failed).tolist())]
    names = ", ".join(str(lane) for lane in lanes[:shown])
    return f"{'lane' if len(lanes) == 1 else 'lanes'} {names}{', ...' if len(lanes) > shown else ''}"
