"""Results as they come: a folder of Parquet files, one for each part of the candidates, written whole or not at all.

A part carries what it answers: a fingerprint of the question and a checksum of a sample of its candidates. A screen
that is asked the same again reads the parts that are there; a part that cannot be read is computed again.
"""

import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from jaxnotes.core.values.status import Status
from jaxnotes.screen.feed import Part
from jaxnotes.screen.record import FIELDS, Screen

# Rows that the checksum of a part reads.
SAMPLE = 64


def fingerprint(*question: Any) -> str:
    """Of all that a screen was given but the candidates."""
    digest = hashlib.sha256()
    for value in question:
        digest.update(repr(getattr(value, "shape", value)).encode())
        digest.update(np.ascontiguousarray(value).tobytes() if isinstance(value, np.ndarray) else b"")
    return digest.hexdigest()


class Store:
    """The folder `out`, for one screen."""

    def __init__(self, out: str | os.PathLike, question: str) -> None:
        """Make the folder; an error where it cannot be written, or where pyarrow is missing."""
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ImportError('out needs pyarrow: pip install "jaxnotes[tables]"') from error
        self.folder, self.question = Path(out), question
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ".writing").touch()
            (self.folder / ".writing").unlink()
        except OSError as error:
            raise OSError(f"out: expected a folder that can be written, got {str(out)!r}: {error}") from error

    def read(self, part: Part) -> Screen | None:
        """The answers of a part, None where they are not there or only half."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._path(part)
        if not path.exists():
            return None
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException):
            return None
        if (table.schema.metadata or {}).get(b"screen") != self._key(part):
            raise ValueError(
                f"out: {str(self.folder)!r} holds the results of another screen (other data or settings). "
                "Use another folder, or remove it."
            )
        columns = {name: table.column(name).to_numpy() for name in FIELDS}
        columns["status"] = np.array([Status[name] for name in columns["status"]], np.int8)
        columns["test"] = columns["test"].astype("U5")
        shape = (part.columns.shape[1], -1) if "outcome" in table.column_names else (-1,)
        return Screen(**{name: column.reshape(shape) for name, column in columns.items()})

    def write(self, part: Part, screen: Screen) -> None:
        """All answers of a part, under their name only once they are complete."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        index = np.indices(screen.status.shape)
        columns = {"candidate": part.start + index[0].ravel()}
        if len(index) > 1:
            columns["outcome"] = index[1].ravel()
        columns |= {name: getattr(screen, name).ravel() for name in FIELDS}
        names = np.array([status.name for status in Status])
        table = pa.table({**columns, "status": names[columns["status"]]})
        table = table.replace_schema_metadata({"screen": self._key(part)})
        path = self._path(part)
        half = path.with_name(f".{path.name}")  # which readers of a folder pass over
        pq.write_table(table, half)
        os.replace(half, path)

    def _path(self, part: Part) -> Path:
        return self.folder / f"part-{part.start:010d}.parquet"

    def _key(self, part: Part) -> bytes:
        columns = part.columns
        sample = columns[:: max(1, len(columns) // SAMPLE)].tobytes()
        return f"{self.question} {columns.shape} {columns.dtype} {zlib.crc32(sample)}".encode()
