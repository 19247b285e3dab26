"""Candidates in any form, as parts of whole columns: views of an array or a memmap, blocks of an iterator, Parquet."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxnotes.core.values import arrays, strangers

# Bytes of a part, after which results are written, and of a block in floats, which should stay in the cache.
PART_BYTES, BLOCK_BYTES = 2**26, 2**22
MAX_COLUMNS = 8192


class Part(NamedTuple):
    """Candidates start, start + 1, ...: the columns of `columns` (n, b)."""

    start: int
    columns: np.ndarray


class Feed(NamedTuple):
    """The parts of all candidates in order, and how many candidates there are, None where that is not known."""

    parts: Iterator[Part]
    total: int | None


def feed(candidates: Any, rows: int) -> Feed:
    """Candidates as they were given: columns, an iterator of blocks of columns, or the path of a Parquet file."""
    if isinstance(candidates, (str, os.PathLike)):
        return _parquet(candidates, rows)
    if _is_blocks(candidates):
        return Feed(_numbered(_columns("a block of candidates", block, rows) for block in candidates), None)
    columns = _columns("candidates", candidates, rows)
    return Feed(_numbered(_cut(columns)), columns.shape[1])


def block_width(rows: int) -> int:
    """How many candidates of so many rows are in floats at a time."""
    return int(np.clip(BLOCK_BYTES // (4 * rows) // 8 * 8, 16, 4096))


def _part_width(rows: int, itemsize: int) -> int:
    """How many candidates make a part: whole blocks."""
    width = block_width(rows)
    return max(1, min(MAX_COLUMNS, PART_BYTES // (rows * itemsize)) // width) * width


def _is_blocks(candidates: Any) -> bool:
    if isinstance(candidates, (list, tuple)):
        return any(getattr(block, "ndim", 0) == 2 for block in candidates)
    return isinstance(candidates, Iterable) and not hasattr(candidates, "__array__")


def _numbered(blocks: Iterable[np.ndarray]) -> Iterator[Part]:
    start = 0
    for block in blocks:
        yield Part(start, block)
        start += block.shape[1]


def _cut(columns: np.ndarray) -> Iterator[np.ndarray]:
    width = _part_width(len(columns), columns.itemsize)
    for start in range(0, columns.shape[1], width):
        yield columns[:, start : start + width]


def _columns(name: str, value: Any, rows: int) -> np.ndarray:
    """`value` as an array (rows, b) of numbers in host memory, without a copy of an array."""
    if np.ma.is_masked(value):
        strangers.refuse_masked(name)
    host = np.asarray(value if hasattr(value, "__array__") else arrays.as_numbers(name, value))
    if host.dtype.kind not in "fiub":
        strangers.refuse(name, value, host)
    if host.dtype.kind == "f" and host.dtype.itemsize not in (4, 8):
        raise TypeError(f"{name}: expected float32 or float64, got {host.dtype}. Cast it first.")
    if host.ndim != 2 or len(host) != rows:
        swapped = host.ndim == 2 and host.shape[1] == rows
        hint = " For one candidate use candidates[:, None]." if host.ndim == 1 else ""
        hint = " Candidates are columns: use candidates.T." if swapped else hint
        raise ValueError(f"{name}: expected shape ({rows}, B), one row for each of y, got {host.shape}.{hint}")
    return host


def _parquet(path: str | os.PathLike, rows: int) -> Feed:
    """Each column of the file is a candidate; null is missing."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from pyarrow import types
    except ImportError as error:
        raise ImportError('candidates in a Parquet file need pyarrow: pip install "jaxnotes[tables]"') from error
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    if file.metadata.num_rows != rows:
        raise ValueError(
            f"candidates: expected {rows} rows, one for each of y, got {file.metadata.num_rows} in {path}."
        )
    for field in schema:
        if not (types.is_integer(field.type) or types.is_floating(field.type) or types.is_boolean(field.type)):
            raise TypeError(f"candidates: expected columns of numbers, got {field.type} in column {field.name!r}.")
    width = _part_width(rows, 8)

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(schema), width):
            table = file.read(columns=schema.names[start : start + width])
            yield np.stack([numbers(column) for column in table.columns]).T

    def numbers(column: Any) -> np.ndarray:
        floating = column if types.is_floating(column.type) else column.cast(pa.float64(), safe=False)
        return floating.to_numpy().astype(jnp.result_type(float) if floating is not column else None, copy=False)

    return Feed(_numbered(blocks()), len(schema))
