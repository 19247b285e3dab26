"""Models in a file: Parquet, a row for each model, the spec as JSON in the metadata of its schema. No data."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values.params import LinearParams
from jaxnotes.core.values.status import Solution
from jaxnotes.groups.result import Groups, names_of
from jaxnotes.tables.needs import needed
from jaxnotes.tables.specs import Spec

if TYPE_CHECKING:
    from jaxnotes.tables.fitted import Fitted

VECTORS = ("estimate", "se", "statistic", "pvalue", "lower", "upper")
NUMBERS = ("value", "grad_norm", "steps", "error")


def save(fitted: "Fitted", path: Any) -> None:
    """Writes it; keys, numbers by name, vectors as lists, covariance row by row."""
    pa = needed("pyarrow")
    columns = {f"key:{name}": fitted.keys[name] for name in fitted.keys.column_names}
    columns["n_obs"] = pa.array(fitted.groups.n_obs)
    columns["status"] = pa.array(names_of(fitted.solution.status), pa.string())
    columns["status_code"] = pa.array(fitted.solution.status)
    columns |= {name: pa.array(getattr(fitted.solution, name)) for name in NUMBERS}
    columns |= {f"goodness:{name}": pa.array(values) for name, values in fitted.goodness.items()}
    columns |= {f"met:{name}": _lists(levels) for name, levels in fitted.met.items()}
    columns |= {name: _lists(getattr(fitted.inference, name)) for name in VECTORS}
    columns["covariance"] = _lists(fitted.inference.covariance.reshape(len(fitted), -1))
    columns["df"] = pa.array(fitted.inference.df)
    columns["kept"] = _lists(fitted.kept)
    about = {
        "spec": fitted.spec.to_json(),
        "terms": json.dumps(fitted.spec.terms),
        "rows": json.dumps(fitted.row_counts),
    }
    table = pa.table(columns).replace_schema_metadata({f"jaxnotes:{name}": value for name, value in about.items()})
    needed("pyarrow.parquet").write_table(table, path)


def read(path: Any) -> tuple[Any, ...]:
    """The fields of `Fitted` that `save` wrote, but for the source."""
    table = needed("pyarrow.parquet").read_table(path)
    about = {name.decode(): value.decode() for name, value in (table.schema.metadata or {}).items()}
    if "jaxnotes:spec" not in about:
        raise ValueError(f"path: {path} holds no models that jn.tables wrote with save.")
    spec = Spec.from_json(about["jaxnotes:spec"])

    def named(prefix: str) -> dict[str, str]:
        return {name.removeprefix(prefix): name for name in table.column_names if name.startswith(prefix)}

    held: dict[str, Any] = {
        name: np.asarray(table[name]) for name in table.column_names if not name.startswith("key:") and name != "status"
    }
    vectors: dict[str, Any] = {name: _matrix(table[name]) for name in (*VECTORS, "covariance", "kept")}
    many, q = vectors["estimate"].shape
    inference = Inference(
        **{name: vectors[name] for name in VECTORS}, covariance=vectors["covariance"].reshape(many, q, q), df=held["df"]
    )
    solution = Solution(
        params=_params(spec, vectors["estimate"]),
        status=held["status_code"],
        **{name: held[name] for name in NUMBERS},
    )
    keys = needed("pyarrow").table({name: table[column] for name, column in named("key:").items()})
    return (
        spec,
        keys,
        Groups(np.arange(many), solution, inference, held["n_obs"]),
        vectors["kept"].astype(bool),
        {name: _matrix(table[column]).astype(bool) for name, column in named("met:").items()},
        {name: held[column] for name, column in named("goodness:").items()},
        json.loads(about["jaxnotes:rows"]),
    )


def _params(spec: Spec, estimate: Any) -> LinearParams:
    rows = estimate.reshape(len(estimate), -1, len(spec.terms))
    rows = rows if spec.model == "multinomial" else rows[:, 0]
    first = int(spec.parsed.intercept)
    return LinearParams(rows[..., first:], rows[..., 0] if first else None)


def _lists(matrix: Any) -> Any:
    pa = needed("pyarrow")
    if not matrix.shape[1]:
        return pa.array([[]] * len(matrix), pa.list_(pa.float64()))
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(matrix).reshape(-1)), matrix.shape[1])


def _matrix(column: Any) -> np.ndarray:
    flat = column.combine_chunks()
    flat = np.asarray(flat.flatten())
    return flat.reshape(len(column), -1) if len(column) else flat.reshape(0, 0)
