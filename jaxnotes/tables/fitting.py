"""From a frame to models: keys, one look at all rows, and the engine of groups."""

from typing import Any

import numpy as np

from jaxnotes.core.inference.covariance import Covariance
from jaxnotes.core.values.compat import x64
from jaxnotes.groups import recipe
from jaxnotes.groups.fitting import gather, shared
from jaxnotes.groups.keys import encode
from jaxnotes.groups.result import Groups
from jaxnotes.groups.task import Answer, Task
from jaxnotes.tables import matrices, specs
from jaxnotes.tables.fitted import Fitted
from jaxnotes.tables.frames import Source
from jaxnotes.tables.goodness import goodness
from jaxnotes.tables.specs import Spec
from jaxnotes.tables.survey import Survey, prepared, survey
from jaxnotes.tables.tidy import nothing, tidy


def fit(
    frame: Any,
    formula: str,
    *,
    model: Any = "linear",
    by: str | list[str] | None = None,
    missing: str = "raise",
    absent: str = "drop",
    null_keys: str = "keep",
    cov: str | Covariance = "nonrobust",
    groups: str | None = None,
    weights: str | None = None,
    precision: str | None = None,
    offset: str | None = None,
    trials: str | None = None,
    l2: float = 0.0,
    level: float = 0.95,
    dtype: str | None = None,
    out: Any = None,
    progress: bool | None = None,
) -> Fitted:
    """One model of a frame, or one for each group of its rows: a formula in, tidy rows out.

    Args:
        frame: a data frame: pandas, polars (lazy too), pyarrow, a DuckDB relation.
        formula: "y ~ x + C(z)", see `design`. The response of a logistic model is boolean, 0 and 1, or text of two
            levels, of which the second counts as 1.
        model: "linear" (default), "logistic" or "multinomial", or a chapter such as `jn.logistic_regression`.
        by: the key column or columns: one model for each of their combinations; None (default) for a single model.
        missing: rows that lack a value: "raise" (default), "drop" (they are counted), or "weight", which keeps them
            with weight 0 and without a fitted value.
        absent: "drop" (default) leaves out columns that are constant within a group, and counts levels from the first
            one that is present, as lm(data = subset) does; "keep" fits all columns everywhere.
        null_keys: "keep" (default), where null is a key like any other, or "drop".
        cov: the covariance, "nonrobust" by default, as in the `infer` of the chapter.
        groups: the column of clusters, exactly where cov is "cluster"; None by default.
        weights: the column of frequencies, None by default.
        precision: the column of 1 / variance, for a linear model, None by default.
        offset: the column that is added to the linear predictor, None by default.
        trials: the column of how many the response counts, None by default.
        l2: the penalty, a number >= 0, 0 by default.
        level: of the intervals, a number in (0, 1), 0.95 by default.
        dtype: "float64" or "float32", default None: float32 where all columns of floats are.
        out: a Parquet file to write the tidy rows to as they come, None by default.
        progress: whether a bar is shown, default None: on long work, in a terminal or notebook.

    Returns:
        `Fitted`: print it; .tidy(), .glance(), .augment(), .predict(), .failures() give frames of the kind given.

    Raises:
        TypeError, ValueError: a column that is not there, text where numbers are expected, a missing value.
        FileExistsError: a half-written output from before stands beside `out`.

    >>> import pyarrow as pa
    >>> frame = pa.table({
    ...     "store": ["b", "a"] * 4, "sold": [6.0, 5, 4, 4, 3, 3, 1, 1], "price": [1.0, 1, 2, 2, 3, 3, 4, 4]
    ... })
    >>> stores = fit(frame, "sold ~ price", by="store")
    >>> slope = stores.tidy().to_pylist()[1]
    >>> print(slope["store"], slope["term"], round(slope["estimate"], 3), slope["status"])
    b price -1.6 CONVERGED
    """
    source = Source(frame)
    settings = {
        "missing": missing, "absent": absent, "null_keys": null_keys, "cov": cov, "groups": groups, "weights": weights,
        "precision": precision, "offset": offset, "trials": trials, "l2": l2, "level": level,
    }  # fmt: skip
    try:
        return models(source, _spec(source, formula, model, by, dtype, settings, hold=True), out=out, progress=progress)
    finally:
        source.release()


def spec(
    frame: Any,
    formula: str,
    *,
    model: Any = "linear",
    by: str | list[str] | None = None,
    missing: str = "raise",
    absent: str = "drop",
    null_keys: str = "keep",
    cov: str | Covariance = "nonrobust",
    groups: str | None = None,
    weights: str | None = None,
    precision: str | None = None,
    offset: str | None = None,
    trials: str | None = None,
    l2: float = 0.0,
    level: float = 0.95,
    dtype: str | None = None,
) -> Spec:
    """What `fit` would do, with the levels of all labels from one scan: to be shipped to workers, see `fit_arrow`.

    Args:
        frame: a data frame, as in `fit`.
        formula: as in `fit`.
        model: "linear" by default, as in `fit`.
        by: the key columns, None by default, as in `fit`.
        missing: "raise" by default, as in `fit`.
        absent: "drop" by default, as in `fit`.
        null_keys: "keep" by default, as in `fit`.
        cov: "nonrobust" by default, as in `fit`.
        groups: the column of clusters, None by default, as in `fit`.
        weights: a column, None by default, as in `fit`.
        precision: a column, None by default, as in `fit`.
        offset: a column, None by default, as in `fit`.
        trials: a column, None by default, as in `fit`.
        l2: 0 by default, as in `fit`.
        level: 0.95 by default, as in `fit`.
        dtype: None by default, as in `fit`.

    Returns:
        The `Spec`, which can be pickled, and is JSON by `.to_json()`.

    Raises:
        TypeError, ValueError: as in `fit`.

    >>> import pyarrow as pa
    >>> spec(pa.table({"y": [1.0, 2.0], "day": ["Tue", "Mon"]}), "y ~ day").terms
    ['intercept', 'day[T.Tue]']
    """
    settings = {
        "missing": missing, "absent": absent, "null_keys": null_keys, "cov": cov, "groups": groups, "weights": weights,
        "precision": precision, "offset": offset, "trials": trials, "l2": l2, "level": level,
    }  # fmt: skip
    return _spec(Source(frame), formula, model, by, dtype, settings)


def _spec(
    source: Source,
    formula: str,
    model: Any,
    by: Any,
    dtype: str | None,
    settings: dict[str, Any],
    *,
    hold: bool = False,
) -> Spec:
    cov = settings["cov"]
    plain = {"cov": getattr(cov, "name", cov), "l2": float(settings["l2"]), "level": float(settings["level"])}
    return check(specs.make(source, formula, model, by, dtype, settings | plain, hold=hold))


def check(made: Spec) -> Spec:
    """The spec, if its chapter takes the columns that it names."""
    recipe.refuse_strangers(made.chapter, {name: getattr(made, name) for name in specs.BY_ROW})
    if (made.cov == "cluster") != (made.groups is not None):
        raise ValueError(
            f"groups: expected a column exactly with cov='cluster', got {made.groups!r} with {made.cov!r}."
        )
    return made


def models(
    source: Source, spec: Spec, *, out: Any = None, progress: bool | None = None, partial: bool = False
) -> Fitted:
    """The models of a spec. partial: whether the frame is a part of one, which may hold no complete row."""
    table = source.table(spec.needs)
    codes, first = groups_of(table, spec)
    raw = matrices.read(table.select([name for name in spec.needs if name in spec_columns(spec)]))
    if spec.groups is not None:
        raw[spec.groups] = _clusters(table[spec.groups])
    keys = table.select(list(spec.by)).take(first)
    with x64(spec.dtype == "float64"):
        found = survey(spec, raw, codes, len(first))
        _check(spec, found, len(codes), partial)
        labels = (np.arange(len(first)),)
        if len(first):
            groups = gather(
                _task(spec, raw, codes, found),
                labels,
                found.sums.n_obs,
                out=out,
                table=lambda answer: tidy_of(spec, keys, found, answer),
                progress=progress,
            )
        else:
            groups = Groups(labels[0], *nothing(spec), found.sums.n_obs)
        done = groups.keys
        fits = goodness(found.sums, groups.solution, groups.inference, found.kept) if len(done) == len(first) else {}
    met = {name: levels[done] for name, levels in found.met.items()}
    rows = {"in all": len(codes), "of a null key": int(np.count_nonzero(codes < 0)), **found.lost}
    rows["used"] = int(found.complete.sum())
    return Fitted(spec, keys.take(done), groups, found.kept[done], met, fits, rows, source)


def spec_columns(spec: Spec) -> set[str]:
    """The columns that have a part in a fit beside the keys."""
    of_terms = [column for factor in (spec.parsed.response, *spec.parsed.factors) for column in factor.columns]
    return {*of_terms, *spec.by_row.values(), *([] if spec.groups is None else [spec.groups])}


def groups_of(table: Any, spec: Spec) -> tuple[np.ndarray, np.ndarray]:
    """The group of each row, -1 where a null key is dropped, and the first row of each group."""
    n = table.num_rows
    if not spec.by:
        return np.zeros(n, np.int32), np.zeros(min(n, 1), np.int64)
    codes = encode(tuple(table[key] for key in spec.by)).codes
    if spec.null_keys == "drop":
        null = np.zeros(n, bool)
        for key in spec.by:
            null |= np.asarray(table[key].is_null(nan_is_null=True))
        left, codes = codes[~null], codes.copy()
        codes[null] = -1
        if len(left):
            codes[~null] = encode((left,)).codes
    first = np.empty(int(codes.max(initial=-1)) + 1, np.int64)
    used = np.flatnonzero(codes >= 0)[::-1]
    first[codes[used]] = used  # of several rows the last one written is the first in the table
    return codes, first


def tidy_of(spec: Spec, keys: Any, found: Survey, answer: Answer) -> Any:
    """The tidy rows of some groups."""
    return tidy(
        spec,
        keys.take(answer.groups),
        answer.solution,
        answer.inference,
        found.sums.n_obs[answer.groups],
        found.kept[answer.groups],
    )


def _task(spec: Spec, raw: matrices.Raw, codes: np.ndarray, found: Survey) -> Task:
    def take(rows: np.ndarray) -> dict[str, Any]:
        block = prepared(spec, raw, rows, codes)
        clusters = {} if spec.groups is None else {"groups": block.held[spec.groups]}
        return {"X": block.X, "y": block.y, **block.by_row, **clusters}

    n_classes = None if spec.model != "multinomial" else len(spec.response_levels or ())
    one = recipe.of_rows(spec.chapter, spec.parsed.intercept, n_classes, spec.cov)
    kept = None if found.kept.all() else found.kept
    return Task(one, recipe.in_tiles(spec.chapter, spec.cov), take, found.lanes, {}, shared(spec.l2, spec.level), kept)


def _check(spec: Spec, found: Survey, n: int, partial: bool) -> None:
    if spec.missing == "raise":
        matrices.refuse(found.lost, n)
    if not found.complete.any() and not partial:
        told = ", ".join(f"{count:,} lack {name}" for name, count in found.lost.items())
        raise ValueError(f"frame: none of its {n:,} rows can be used{': ' if told else '.'}{told}")


def _clusters(column: Any) -> np.ndarray:
    """The labels of clusters as codes, negative where missing."""
    codes = encode((column,)).codes
    return np.where(np.asarray(column.is_null()), -1, codes).astype(np.int32)
