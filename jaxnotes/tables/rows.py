"""What fitted models say of rows: predictions with intervals, fitted values, residuals and leverages."""

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from jaxnotes.core.special import tails
from jaxnotes.core.values.compat import x64
from jaxnotes.core.values.status import Status
from jaxnotes.groups.keys import by_group, encode
from jaxnotes.tables import matrices
from jaxnotes.tables.formula import check_name
from jaxnotes.tables.needs import needed
from jaxnotes.tables.specs import Spec
from jaxnotes.tables.survey import Block, prepared

if TYPE_CHECKING:
    from jaxnotes.tables.fitted import Fitted

NUMBERS = 2**22  # of the matrices that are gathered at once


def predict(fitted: "Fitted", table: Any, interval: str | None, level: float | None) -> Any:
    """The table with fitted, and lower and upper where there is an interval."""
    spec = fitted.spec
    if interval not in (None, "confidence", "prediction"):
        raise ValueError(f"interval: expected None, 'confidence' or 'prediction', got {interval!r}.")
    if interval == "prediction" and spec.model != "linear":
        raise ValueError("interval: a prediction interval is of a linear model; use 'confidence'.")
    if interval is not None and spec.model == "multinomial":
        raise ValueError("interval: there is none of a most probable class.")
    columns = {name for factor in spec.parsed.factors for name in factor.columns} | set(spec.by)
    columns |= {spec.offset} if spec.offset is not None else set()
    for name in sorted(columns):
        check_name("frame", name, table.column_names)
    raw = matrices.read(table.select(sorted(columns)))
    lanes = lanes_of(fitted, table)
    out = {name: np.full(len(lanes), np.nan) for name in ("fitted", *(("lower", "upper") if interval else ()))}
    for rows in _pieces(len(lanes), len(spec.terms) ** 2):
        A, offset = _augmented(fitted, raw, rows, lanes[rows])
        eta = _predictor(fitted, A, lanes[rows]) + (offset[:, None] if eta_is_many(spec) else offset)
        if eta_is_many(spec):
            out["fitted"][rows] = _most_probable(eta)
            continue
        out["fitted"][rows] = _mean(spec, eta)
        if interval is not None:
            reach = _reach(fitted, A, lanes[rows], interval, fitted.spec.level if level is None else level)
            out["lower"][rows], out["upper"][rows] = _mean(spec, eta - reach), _mean(spec, eta + reach)
    return _with(table, spec, out)


def augment(fitted: "Fitted", table: Any) -> Any:
    """The table with fitted, residual and leverage."""
    spec, lanes = fitted.spec, lanes_of(fitted, table)
    raw = matrices.read(table.select(spec.needs))
    names = ("fitted",) if eta_is_many(spec) else ("fitted", "residual", "leverage")
    out = {name: np.full(len(lanes), np.nan) for name in names}
    complete = np.zeros(len(lanes), bool)
    inverse = None if eta_is_many(spec) else _inverse_information(fitted, raw, lanes)
    for rows in _pieces(len(lanes), len(spec.terms) ** 2):
        block, eta, A = _of_fit(fitted, raw, rows, lanes)
        complete[rows] = block.complete & (lanes[rows] >= 0)
        if inverse is None:
            out["fitted"][rows] = np.where(block.complete, _most_probable(eta), np.nan)
            continue
        mean, information = _mean(spec, eta), _information(spec, eta, block)
        share = block.y / block.by_row["trials"] if "trials" in block.by_row else block.y
        hat = np.einsum("ni,nij,nj->n", A, inverse[lanes[rows]], A) * information
        for name, values in (("fitted", mean), ("residual", share - mean), ("leverage", hat)):
            out[name][rows] = np.where(block.complete & ~np.isnan(mean), values, np.nan)
    whole = _with(table, spec, out)
    return whole.filter(complete) if spec.missing == "drop" else whole


def lanes_of(fitted: "Fitted", table: Any) -> np.ndarray:
    """The number of the model of each row, -1 where there is none, (n,)."""
    spec, pa = fitted.spec, needed("pyarrow")
    if not spec.by:
        return np.zeros(table.num_rows, np.int64)
    keys = []
    for name in spec.by:
        check_name("by", name, table.column_names)
        known = fitted.keys[name]
        new = table[name].cast(known.type) if table[name].type != known.type else table[name]
        keys.append(pa.chunked_array([*known.chunks, *new.chunks], type=known.type))
    codes = encode(tuple(keys)).codes
    return np.where(codes[len(fitted) :] < len(fitted), codes[len(fitted) :], -1)


def eta_is_many(spec: Spec) -> bool:
    """Whether a row has several predictors."""
    return spec.model == "multinomial"


def _pieces(n: int, numbers: int) -> list[np.ndarray]:
    size = max(1, min(matrices.BLOCK, NUMBERS // max(1, numbers)))
    return [np.arange(start, min(start + size, n)) for start in range(0, n, size)]


def _augmented(
    fitted: "Fitted", raw: matrices.Raw, rows: np.ndarray, lanes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows with the intercept's 1 (n, q), NaN where the model has not met a level; and their offset."""
    spec = fitted.spec
    picked = matrices.pick(raw, rows)
    held = matrices.factors(spec, picked)
    offset = np.zeros(len(rows)) if spec.offset is None else np.asarray(picked[spec.offset], np.float64)
    return _with_intercept(spec, _of_model(fitted, matrices.matrix(spec, held, len(rows)), held, lanes)), offset


def _of_model(fitted: "Fitted", X: np.ndarray, held: dict[str, np.ndarray], lanes: np.ndarray) -> np.ndarray:
    """X with 0 for the columns that the row's model does without, and NaN in rows of a level that it has not met."""
    X = np.where(fitted.kept[lanes], X, 0 * X).astype(np.float64)
    for name, met in fitted.met.items():
        X[(held[name] < 0) | ~met[lanes, held[name]]] = np.nan
    return X


def _with_intercept(spec: Spec, X: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((len(X), int(spec.parsed.intercept))), X], axis=1)


def _predictor(fitted: "Fitted", A: np.ndarray, lanes: np.ndarray) -> np.ndarray:
    """The linear predictor of each row, (n,) or (n, n_classes); NaN without a usable model."""
    status = fitted.solution.status[lanes]
    usable = (status == Status.CONVERGED) & (lanes >= 0)
    if fitted.spec.model == "linear":
        usable |= (status == Status.RANK_DEFICIENT) & (lanes >= 0)
    theta = np.nan_to_num(np.asarray(fitted.inference.estimate, np.float64))[lanes]
    if not eta_is_many(fitted.spec):
        return np.where(usable, np.einsum("nq,nq->n", A, theta), np.nan)
    eta = np.einsum("nq,nkq->nk", A, theta.reshape(len(lanes), -1, A.shape[1]))
    return np.where(usable[:, None], np.concatenate([np.zeros((len(lanes), 1)), eta], axis=1), np.nan)


def _mean(spec: Spec, eta: np.ndarray) -> np.ndarray:
    if spec.model == "linear":
        return eta
    small = np.exp(-np.abs(eta))
    return np.where(eta >= 0, 1 / (1 + small), small / (1 + small))


def _most_probable(eta: np.ndarray) -> np.ndarray:
    """The place of the most probable class; NaN where there is none."""
    none = np.any(np.isnan(eta), axis=1)
    return np.where(none, np.nan, np.argmax(np.where(none[:, None], 0, eta), axis=1))


def _reach(fitted: "Fitted", A: np.ndarray, lanes: np.ndarray, interval: str, level: float) -> np.ndarray:
    """Half the length of each row's interval, on the scale of the predictor."""
    inference, solution = fitted.inference, fitted.solution
    covariance = np.nan_to_num(np.asarray(inference.covariance, np.float64))[lanes]
    df = np.asarray(inference.df, np.float64)
    variance = np.einsum("ni,nij,nj->n", A, covariance, A)
    if interval == "prediction":
        sigma = 2 * np.asarray(solution.value, np.float64) * fitted.groups.n_obs / df
        variance = variance + sigma[lanes]
    with x64():
        quantile = np.asarray(tails.t_isf(jnp.asarray((1 - level) / 2), jnp.asarray(df)))
    return quantile[lanes] * np.sqrt(variance)


def _of_fit(
    fitted: "Fitted", raw: matrices.Raw, rows: np.ndarray, lanes: np.ndarray
) -> tuple[Block, np.ndarray, np.ndarray]:
    """The rows as they were fitted: their block, predictor and augmented rows."""
    block = prepared(fitted.spec, raw, rows, lanes)
    A = _with_intercept(fitted.spec, np.nan_to_num(_of_model(fitted, block.X, block.held, lanes[rows])))
    eta = _predictor(fitted, A, lanes[rows])
    offset = block.by_row.get("offset", 0.0)
    return block, eta + offset, A


def _information(spec: Spec, eta: np.ndarray, block: Block) -> np.ndarray:
    """Minus the second derivative of each row's log-likelihood in its predictor, but for sigma."""
    if spec.model == "linear":
        return block.by_row.get("precision", np.ones(len(eta)))
    mean = _mean(spec, eta)
    return mean * (1 - mean) * block.by_row.get("trials", 1.0)


def _inverse_information(fitted: "Fitted", raw: matrices.Raw, lanes: np.ndarray) -> np.ndarray:
    """(A'CA + n l2)^-1 of each model, (G, q, q); 0 in the places of what it does without."""
    spec, q = fitted.spec, len(fitted.spec.terms)
    H = np.zeros((len(fitted), q, q))
    order = by_group(np.maximum(lanes, 0), len(fitted), lanes >= 0).order
    for piece in _pieces(len(order), q * q):
        rows = order[piece]
        block, eta, A = _of_fit(fitted, raw, rows, lanes)
        weights = np.where(block.complete, block.by_row["weights"], 0) * np.nan_to_num(_information(spec, eta, block))
        which, starts = np.unique(lanes[rows], return_index=True)
        H[which] += np.add.reduceat((A * np.nan_to_num(weights)[:, None])[:, :, None] * A[:, None, :], starts)
    first = int(spec.parsed.intercept)
    H[:, range(first, q), range(first, q)] += spec.l2 * fitted.groups.n_obs[:, None]
    size = np.sqrt(np.maximum(H[:, range(q), range(q)], np.finfo(float).tiny))
    scaled = H / size[:, :, None] / size[:, None, :]
    return np.linalg.pinv(scaled, rcond=1e-12, hermitian=True) / size[:, :, None] / size[:, None, :]


def _with(table: Any, spec: Spec, out: dict[str, np.ndarray]) -> Any:
    """The table with more columns, null for NaN; places of classes by their labels."""
    pa = needed("pyarrow")
    for name, values in out.items():
        if name in table.column_names:
            raise ValueError(f"frame: it has a column {name!r}, which the answer is to bear. Rename it first.")
        column = pa.array(values, from_pandas=True)
        if eta_is_many(spec):
            column = pa.array(spec.response_levels).take(column.cast(pa.int32()))
        table = table.append_column(name, column)
    return table
