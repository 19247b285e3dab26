"""Tidy rows to a Parquet file, a row group for each block of answers, as they come."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from jaxnotes.groups.result import key_columns
from jaxnotes.groups.task import Answer


class Sink:
    """Writes tables to `path`, under the name path.part until all is written; nothing where path is None.

    On an interruption or an error, what is there is closed and left under that name: a whole Parquet file.
    """

    def __init__(self, path: Any) -> None:
        self.path = None if path is None else Path(path)
        self.part = Path(f"{path}.part")
        self._writer: Any = None

    def __enter__(self) -> "Sink":
        if self.path is None:
            return self
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"out: there is no folder {self.path.parent}. Make it first.")
        if self.path.is_dir():
            raise IsADirectoryError(f"out: {self.path} is a folder. Name a file in it.")
        if self.part.exists():
            raise FileExistsError(f"out: {self.part} is left from a run that did not end. Read it, then remove it.")
        self.part.touch()  # an output that cannot be written is known before the work
        return self

    def write(self, table: Any) -> None:
        """One row group: a pyarrow table, or a dict of columns."""
        pa, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        table = table if isinstance(table, pa.Table) else pa.table(table)
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self.part, table.schema)
        self._writer.write_table(table)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self.path is None:
            return
        if self._writer is not None:
            self._writer.close()
        if kind is None:
            self.part.replace(self.path)
        elif self._writer is None:
            self.part.unlink()


def tidy(answer: Answer, labels: tuple[np.ndarray, ...], n_obs: np.ndarray) -> dict[str, Any]:
    """A row for each parameter of each group: keys, name, the numbers of its inference, status and n_obs."""
    from jaxnotes.show.summary import columns

    keys = tuple(label[answer.groups] for label in labels)
    table = columns(answer.solution, answer.inference, keys=key_columns(keys[0] if len(keys) == 1 else keys))
    times = answer.inference.estimate.shape[-1]
    return {**table, "n_obs": np.repeat(n_obs[answer.groups], times)}
