"""Frames of every kind as Arrow tables, and back: pandas, polars (lazy too), pyarrow, DuckDB relations.

narwhals reads what it knows; anything else that offers the Arrow C stream is read through that.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from jaxnotes.tables.needs import needed

KINDS = {"pandas": "pandas", "polars": "polars", "duckdb": "duckdb"}


class Source:
    """A frame whose columns are read when they are asked for.

    names: of the columns. kind: "pandas", "polars", "polars lazy", "duckdb" or "pyarrow", which others come back as.
    """

    def __init__(self, frame: Any) -> None:
        nw = needed("narwhals")
        self.frame, self._held = frame, None
        columns = [
            str(name) for name in (frame.columns if hasattr(frame, "iloc") else getattr(frame, "column_names", ()))
        ]
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise ValueError(f"frame: expected columns of different names, got {', '.join(twice)} more than once.")
        try:
            self._narwhal = nw.from_native(frame)
        except TypeError:
            self._narwhal = nw.from_native(_through_arrow(frame))
        self.lazy = isinstance(self._narwhal, nw.LazyFrame)
        known = KINDS.get(str(self._narwhal.implementation.name).lower(), "pyarrow")
        self.kind = "polars lazy" if known == "polars" and self.lazy else known
        schema = self._narwhal.collect_schema()
        self.names = list(schema.names())
        self._by_appearance = {
            name for name, kind in schema.items() if known == "polars" and type(kind).__name__ == "Categorical"
        }

    def hold(self, columns: list[str]) -> None:
        """Reads these columns once: until `release` they are taken from memory."""
        self._held = self.table(columns)

    def release(self) -> None:
        """Lets go of what `hold` read."""
        self._held = None

    def in_order_of_appearance(self, name: str) -> bool:
        """Whether the order of a column's categories is an accident of its rows."""
        return name in self._by_appearance

    def table(self, columns: list[str] | None = None) -> Any:
        """These columns as a pyarrow table, all by default."""
        if columns is not None and self._held is not None and set(columns) <= set(self._held.column_names):
            return self._held.select(columns)
        return self._read(lambda frame: frame if columns is None else frame.select(*columns))

    def types(self, columns: list[str]) -> dict[str, Any]:
        """The Arrow types of these columns, without their rows."""
        schema = self._read(lambda frame: frame.select(*columns).head(1), columns).schema
        return {name: schema.field(name).type for name in columns}

    def distinct(self, columns: list[str]) -> Any:
        """The different rows of these columns, as a pyarrow table."""
        return self._read(lambda frame: _distinct(frame, columns), columns)

    def _read(self, of: Callable[[Any], Any], columns: Sequence[str] = ()) -> Any:
        nw = needed("narwhals")
        if columns and self._held is not None:
            return of(nw.from_native(self._held.select(columns))).to_native()
        found = of(self._narwhal)
        return found.collect(backend="pyarrow").to_native() if self.lazy else found.to_arrow()


def _distinct(frame: Any, columns: list[str]) -> Any:
    """Grouped where the frame is lazy: the `unique` of SQL numbers all rows within memory."""
    nw = needed("narwhals")
    if isinstance(frame, nw.LazyFrame):
        return frame.select(*columns).group_by(*columns).agg(nw.len().alias(" rows")).select(*columns)
    return frame.select(*columns).unique()


def like(table: Any, kind: str) -> Any:
    """An Arrow table as a frame of this kind."""
    if kind == "pandas":
        return table.to_pandas()
    if kind.startswith("polars"):
        frame = import_module("polars").from_arrow(table)
        return frame.lazy() if kind == "polars lazy" else frame
    return import_module("duckdb").from_arrow(table) if kind == "duckdb" else table


def _through_arrow(frame: Any) -> Any:
    pa = needed("pyarrow")
    if not hasattr(frame, "__arrow_c_stream__"):
        raise TypeError(
            f"frame: expected a data frame (pandas, polars, pyarrow, DuckDB or with an Arrow C stream), got "
            f"{type(frame).__name__}. A dict of columns becomes one by pyarrow.table(columns)."
        )
    return pa.table(frame)


class Levels:
    """A column of labels: codes (n,), -1 where missing, into `labels`, and whether their order is meant."""

    def __init__(self, codes: np.ndarray, labels: list[Any], ordered: bool = False) -> None:
        self.codes, self.labels, self.ordered = codes, labels, ordered

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: np.ndarray) -> "Levels":
        """These rows."""
        return Levels(np.take(self.codes, rows, mode="clip"), self.labels, self.ordered)


def is_numeric(kind: Any) -> bool:
    """Whether columns of this Arrow type are numbers (booleans are)."""
    types = import_module("pyarrow.types")
    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)


def values(column: Any) -> np.ndarray | Levels:
    """An Arrow column as numbers, NaN where missing, or as labels."""
    pa = needed("pyarrow")
    kind = column.type
    if not is_numeric(kind):
        return _labels(column)
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        column = column.cast(pa.float64())
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    return column.to_numpy()


def _labels(column: Any) -> Levels:
    pa = needed("pyarrow")
    meant = pa.types.is_dictionary(column.type)
    if not meant:
        column = column.dictionary_encode()
    column = column.unify_dictionaries() if isinstance(column, pa.ChunkedArray) else column
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    labels = chunks[0].dictionary.to_pylist() if chunks else []
    codes = [chunk.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False) for chunk in chunks]
    return Levels(np.concatenate(codes) if codes else np.zeros(0, np.int32), labels, meant)
