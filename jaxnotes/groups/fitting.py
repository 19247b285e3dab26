"""The verb: from keys and rows to a model for each group."""

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.inference.covariance import Covariance
from jaxnotes.core.values import arrays, settings, strangers
from jaxnotes.core.values.arrays import ArrayLike
from jaxnotes.groups import recipe
from jaxnotes.groups.engine import solve
from jaxnotes.groups.keys import Lanes, by_group, encode
from jaxnotes.groups.output import Sink, tidy
from jaxnotes.groups.result import Groups
from jaxnotes.groups.task import Answer, Task


def fit(
    chapter: ModuleType,
    keys: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    precision: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    trials: ArrayLike | None = None,
    l2: float = 0.0,
    n_classes: int | None = None,
    intercept: bool = True,
    model: Callable[..., Any] | None = None,
    log_prob: Callable[..., Any] | None = None,
    start: Any = None,
    cov: str | Covariance = "nonrobust",
    groups: ArrayLike | None = None,
    level: float = 0.95,
    out: Any = None,
    progress: bool | None = None,
) -> Groups:
    """One model for each group of rows with equal keys: fit and infer of a chapter, on the host, not inside jit.

    Rows may stand in any order. Beside what it is given it takes at most 0.5 GB and 16 bytes a row. Ctrl-C returns
    what is done, with a warning.

    Args:
        chapter: whose verbs, as in `jn.logistic_regression`, `jn.curve_fitting` or `jn.maximum_likelihood`.
        keys: the label of each row, (n,), integers, text or dates; or a tuple of such arrays. Null and NaN are a label.
        X: the rows, (n, p); for curves x and for likelihoods the data, a pytree of arrays with n rows.
        y: the responses, (n,); None (default) for likelihoods.
        weights: frequencies, (n,), 1 by default.
        precision: 1 / variance up to a factor, (n,), 1 by default, where the chapter takes it.
        offset: what is added to the linear predictor, (n,), 0 by default, where the chapter takes it.
        trials: how many y counts, (n,), 1 by default, where the chapter takes it.
        l2: the penalty, a number >= 0, 0 by default.
        n_classes: how many classes there are, a Python int, for `jn.multinomial_regression`; None by default.
        intercept: whether one is fitted, a Python bool, True by default.
        model: the curve, for `jn.curve_fitting`; None by default.
        log_prob: the log-likelihood of a row, for `jn.maximum_likelihood`; None by default.
        start: where curves and likelihoods begin: one pytree for all, one with a leading axis, or a function of a
            group's rows, (x, y) or data, padded, and their weights; None by default.
        cov: the covariance, "nonrobust" by default, as in the chapter's `infer`.
        groups: labels of clusters, (n,), exactly where cov is "cluster"; None by default.
        level: of the intervals, a number in (0, 1), 0.95 by default.
        out: a Parquet file to write tidy rows to as they come, None by default.
        progress: whether a bar is shown, default None: on long work, in a terminal or notebook.

    Returns:
        `Groups`, lanes in order of the groups' first appearance.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or what the chapter does not take.
        FileExistsError: a half-written output from before stands beside `out`.

    >>> import jaxnotes as jn
    >>> store = np.array(["b", "a", "b", "a", "b", "a"])
    >>> price, sold = np.array([1.0, 1, 2, 2, 3, 3]), np.array([6.0, 5, 4, 4, 2, 3])
    >>> stores = fit(jn.least_squares, store, price[:, None], sold)
    >>> print(stores.keys, stores.solution.params.coef[:, 0].round(3))
    ['b' 'a'] [-2. -1.]
    """
    if any(arrays.is_traced(leaf) for leaf in jax.tree.leaves((X, y))):
        raise TypeError(
            "groups.fit: expected arrays, got traced ones. Call it outside jit and vmap, or map the chapter."
        )
    keys_given = keys if isinstance(keys, tuple) else (keys,)
    rows = _rows(X, {"y": y, "weights": weights, "precision": precision, "offset": offset, "trials": trials})
    recipe.refuse_strangers(chapter, {name: rows.get(name) for name in ("weights", "precision", "offset", "trials")})
    n = len(rows["weights"])
    cov, groups = (cov.name, cov.groups) if isinstance(cov, Covariance) else (cov, groups)
    if groups is not None:
        rows["groups"] = encode((groups,)).codes
    coded = encode(keys_given)
    if coded.codes.shape != (n,):
        raise ValueError(f"keys: expected shape ({n},), one label per row of X, got {coded.codes.shape}.")
    lanes = by_group(coded.codes, len(coded.labels[0]))
    one, lane = _recipe(chapter, intercept, n_classes, model, log_prob, start, cov, len(lanes.counts))
    task = Task(one, recipe.in_tiles(chapter, cov), _taker(rows), lanes, lane, shared(l2, level))
    return gather(task, coded.labels, n_obs(lanes, rows["weights"]), out=out, progress=progress)


def gather(
    task: Task,
    labels: tuple[np.ndarray, ...],
    n_obs: np.ndarray,
    *,
    out: Any = None,
    table: Callable[[Answer], Any] | None = None,
    progress: bool | None = None,
) -> Groups:
    """The answers of all groups, in the groups' order. An interruption leaves those that are done.

    out: where to write table(answer) as the answers come, tidy rows by default.
    """
    answers: list[Answer] = []
    try:
        with Sink(out) as sink, _bar(len(n_obs), progress) as advance:
            for answer in solve(task):
                answers.append(answer)
                if out is not None:
                    sink.write(tidy(answer, labels, n_obs) if table is None else table(answer))
                advance(len(answer.groups))
    except KeyboardInterrupt:
        if not answers:
            raise
        done = sum(len(answer.groups) for answer in answers)
        warnings.warn(f"interrupted: {done} of {len(n_obs)} groups are done, and these are returned.", stacklevel=3)
    which = np.concatenate([answer.groups for answer in answers])
    order = np.argsort(which)
    solution, inference = jax.tree.map(
        lambda *leaves: np.concatenate(leaves)[order], *[(answer.solution, answer.inference) for answer in answers]
    )
    keys = tuple(label[which[order]] for label in labels)
    return Groups(keys[0] if len(keys) == 1 else keys, solution, inference, n_obs[which[order]])


def n_obs(lanes: Lanes, weights: np.ndarray) -> np.ndarray:
    """The sum of the weights of each group, (G,)."""
    total = np.concatenate([[0.0], np.cumsum(np.take(weights, lanes.order), dtype=np.float64)])
    return total[lanes.starts + lanes.counts] - total[lanes.starts]


def _rows(X: Any, by_row: dict[str, Any]) -> dict[str, Any]:
    """Everything that has rows, as NumPy arrays; weights are always there."""
    rows = {"X": jax.tree.map(lambda leaf: _numbers("X", leaf), X)}
    n = len(jax.tree.leaves(rows["X"])[0])
    for name, value in by_row.items():
        if value is not None:
            rows[name] = _numbers(name, value)
            if rows[name].shape != (n,):
                raise ValueError(f"{name}: expected shape ({n},), one value per row of X, got {rows[name].shape}.")
    return {"weights": np.ones(n, jnp.result_type(float)), **rows}


def _numbers(name: str, value: Any) -> np.ndarray:
    host = np.asarray(value)
    if host.dtype.kind not in "fiub":
        strangers.refuse(name, value, host)
    if host.ndim == 0:
        raise ValueError(f"{name}: expected an array with rows, got a number.")
    return host


def _taker(rows: dict[str, Any]) -> Callable[[np.ndarray], dict[str, Any]]:
    """The rows of these numbers. 64-bit integers are floats, as everywhere."""

    def take(numbers: np.ndarray) -> dict[str, Any]:
        return jax.tree.map(lambda leaf: _narrow(np.take(leaf, numbers, axis=0, mode="clip")), rows)

    return take


def _narrow(block: np.ndarray) -> np.ndarray:
    wide = block.dtype.kind in "iu" and block.dtype.itemsize == 8
    return block.astype(jnp.result_type(float)) if wide else block


def _recipe(
    chapter: ModuleType,
    intercept: bool,
    n_classes: int | None,
    model: Any,
    log_prob: Any,
    start: Any,
    cov: str,
    n_groups: int,
) -> tuple[recipe.One, recipe.Rows]:
    """What is done with one group, and what belongs to each group alone."""
    kind = chapter.__name__.rpartition(".")[2]
    if kind not in ("curve_fitting", "maximum_likelihood"):
        return recipe.of_rows(chapter, intercept, n_classes, cov), {}
    function, name = (model, "model") if kind == "curve_fitting" else (log_prob, "log_prob")
    if function is None or start is None:
        raise TypeError(
            f"{name}, start: expected both with jn.{kind}, got {'no start' if start is None else 'no ' + name}."
        )
    begin, lane = recipe.starts(start, n_groups)
    make = recipe.of_curve if kind == "curve_fitting" else recipe.of_likelihood
    return make(chapter, function, begin, cov), lane


def shared(l2: float, level: float) -> recipe.Rows:
    """The numbers that are the same for all groups, checked."""
    return {"l2": arrays.nonnegative("l2", l2), "level": settings.confidence(level)}


def _bar(n_groups: int, progress: bool | None) -> Any:
    from jaxnotes.core.values.progress import bar

    return bar(n_groups, "groups", shown=progress)
