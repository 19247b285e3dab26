"""For engines for tables: complete groups in, tidy rows out, from Arrow to Arrow, pure."""

from typing import Any

from jaxnotes.tables.fitting import models
from jaxnotes.tables.frames import Source
from jaxnotes.tables.specs import Spec


def fit_arrow(table: Any, spec: Spec | str) -> Any:
    """The tidy rows of the groups of a table: what DuckDB, Ray or Spark calls for each part of a large one.

    Groups must arrive whole; of no rows there are no tidy rows. The same rows give the same answers wherever they are
    computed.

    Args:
        table: a pyarrow table, with the columns that the spec needs.
        spec: from `jn.tables.spec`, or its JSON.

    Returns:
        A pyarrow table as `Fitted.tidy` has it.

    Raises:
        TypeError, ValueError: as in `fit`; a label that the spec does not know.

    >>> import pyarrow as pa, jaxnotes as jn
    >>> table = pa.table({"g": [1, 1, 1, 2, 2, 2], "x": [1.0, 2, 3] * 2, "y": [1.0, 2, 2, 5, 3, 2]})
    >>> spec = jn.tables.spec(table, "y ~ x", by="g")
    >>> round(fit_arrow(table, spec)["estimate"][3].as_py(), 3)
    -1.5
    """
    known = Spec.from_json(spec) if isinstance(spec, str) else spec
    return models(Source(table), known, progress=False, partial=True).tidy_table()
