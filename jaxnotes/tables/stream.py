"""Files larger than memory: DuckDB sorts by the keys and spills to disk; whole groups come in bounded pieces."""

import dataclasses
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxnotes.groups.keys import encode
from jaxnotes.groups.output import Sink
from jaxnotes.groups.result import Groups
from jaxnotes.tables import specs
from jaxnotes.tables.fitted import Fitted
from jaxnotes.tables.fitting import check, models
from jaxnotes.tables.frames import Source
from jaxnotes.tables.needs import needed

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
# Of the memory asked for, what DuckDB may use and what a piece of the table may take; the rest is for the work on it.
FOR_DUCKDB, FOR_A_PIECE = 1 / 4, 1 / 64
ROWS = 20_000  # that come from DuckDB at once


def fit_file(
    path: Path,
    formula: str,
    model: str,
    by: list[str],
    settings: dict[str, Any],
    *,
    memory: str = "1GB",
    out: Path | None = None,
    progress: bool | None = None,
) -> Fitted:
    """The models of a csv, Parquet or Arrow file, or of a folder of Parquet files, tidy rows to `out` as they come.

    Args:
        path: of the file or folder.
        formula: as in `fit`.
        model: as in `fit`.
        by: the key columns, none for a single model, whose columns must fit memory.
        settings: the other keywords of `fit`, by name.
        memory: what it may take in all, such as "1GB", the default; 0.4 GB are there before the work begins.
        out: a Parquet file, None by default.
        progress: whether a bar is shown, default None: on long work, in a terminal or notebook.

    Returns:
        `Fitted`, models in order of their keys.
    """
    from jaxnotes.core.values.progress import bar

    connection = _connect(_bytes(memory))
    relation = _open(connection, Path(path))
    spec = check(specs.make(Source(relation), formula, model, by or None, settings.pop("dtype", None), settings))
    columns = ", ".join(map(_quoted, spec.needs))
    if not spec.by:
        return models(Source(relation.project(columns)), spec, out=out, progress=progress)
    keys = ", ".join(map(_quoted, spec.by))
    total = relation.aggregate("count(*)").fetchall()[0][0]
    ordered = relation.project(columns).order(keys)
    done: list[Fitted] = []
    with Sink(out) as sink, bar(total, "rows", shown=progress) as advance:
        for piece in _whole_groups(_batches(ordered), spec.by, _bytes(memory) * FOR_A_PIECE):
            fitted = models(Source(piece), spec, progress=False, partial=True)
            if len(fitted):
                if out is not None:
                    sink.write(fitted.tidy_table())
                done.append(dataclasses.replace(fitted, source=None))  # lets go of the piece
            advance(piece.num_rows)
    return join(done)


def join(parts: list[Fitted]) -> Fitted:
    """The models of several pieces as one, without their rows."""
    if not parts:
        raise ValueError("frame: it has no rows.")
    pa = needed("pyarrow")
    solution, inference = jax.tree.map(
        lambda *leaves: np.concatenate(leaves), *[(part.solution, part.inference) for part in parts]
    )
    n_obs = np.concatenate([part.groups.n_obs for part in parts])
    counts: dict[str, int] = {}
    for part in parts:
        for name, count in part.row_counts.items():
            counts[name] = counts.get(name, 0) + count

    def joined(field: str) -> dict[str, np.ndarray]:
        return {
            name: np.concatenate([getattr(part, field)[name] for part in parts]) for name in getattr(parts[0], field)
        }

    return Fitted(
        parts[0].spec,
        pa.concat_tables([part.keys for part in parts]),
        Groups(np.arange(len(n_obs)), solution, inference, n_obs),
        np.concatenate([part.kept for part in parts]),
        joined("met"),
        joined("goodness"),
        counts,
    )


def _connect(memory: int) -> Any:
    connection = needed("duckdb").connect()
    connection.execute(f"SET memory_limit = '{max(64 * 10**6, int(memory * FOR_DUCKDB))}B'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET threads = 1")  # of which each takes a share of the limit, 32 MB for csv
    connection.execute(f"SET temp_directory = '{Path(tempfile.gettempdir()) / f'jaxnotes-{os.getpid()}'}'")
    return connection


def _open(connection: Any, path: Path) -> Any:
    """The file or folder as a relation."""
    if not path.exists():
        raise FileNotFoundError(f"FILE: there is no {path}.")
    suffixes = [suffix for suffix in path.suffixes if suffix not in (".gz", ".zst", ".bz2")]
    suffix = "".join(suffixes[-1:]) if path.is_file() else ".parquet"
    if suffix in (".parquet", ".pq"):
        return connection.read_parquet(str(path / "**" / "*.parquet") if path.is_dir() else str(path))
    if suffix in (".csv", ".tsv", ".txt"):
        return connection.read_csv(str(path))
    if suffix in (".arrow", ".feather", ".ipc"):
        dataset = needed("pyarrow.dataset").dataset(path, format="ipc")
        return connection.from_arrow(dataset)
    raise ValueError(f"FILE: expected csv, Parquet (a folder too) or Arrow, got {path.name}.")


def _batches(relation: Any) -> Any:
    """The rows of a relation in record batches, as this version of DuckDB calls it."""
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_record_batch
    return read(ROWS)


def _whole_groups(batches: Any, by: tuple[str, ...], size: float) -> Iterator[Any]:
    """Tables of some size of rows sorted by the keys, no group in two of them."""
    pa = needed("pyarrow")
    held: list[Any] = []
    for batch in batches:
        held.append(pa.table(batch))
        if sum(table.nbytes for table in held) >= size:
            table = pa.concat_tables(held)
            codes = encode(tuple(table[key] for key in by)).codes
            last = int(np.argmax(codes == codes[-1]))
            if last:
                yield table.slice(0, last)
            held = [table.slice(last)]
    if held:
        yield pa.concat_tables(held)


def _bytes(memory: str) -> int:
    match = re.fullmatch(r"\s*([\d.]+)\s*([KMGT]?B?)\s*", memory.upper())
    unit = None if match is None else match[2] if match[2].endswith("B") or not match[2] else f"{match[2]}B"
    if match is None or unit not in UNITS:
        raise ValueError(f"memory: expected a size such as 1GB or 500MB, got {memory!r}.")
    return int(float(match[1]) * UNITS[unit])


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
