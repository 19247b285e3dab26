"""What is no array of numbers: the error that names argument and column, what stands there, and the way out.

It shows one entry, cut to a few characters, and never the data.
"""

import datetime
import decimal
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

SHOWN = 40  # characters of an entry

# What an entry is, and the way out.
ENTRIES: tuple[tuple[tuple[type, ...], str], ...] = (
    (
        (str, bytes),
        "Code categories as columns of 0 and 1 (numpy.unique gives the codes); read numbers with .astype('float32').",
    ),
    ((datetime.timedelta, np.timedelta64), "Use numbers, as in t / numpy.timedelta64(1, 'D')."),
    ((datetime.date, np.datetime64), "Use numbers, as in (t - t[0]) / numpy.timedelta64(1, 'D')."),
    ((Mapping,), "Make arrays of its columns, as in pandas.DataFrame(rows)."),
    ((numbers.Number, np.bool_, decimal.Decimal), "Cast it first, as in .astype('float32')."),
    ((Sequence,), "Give all rows the same length."),
    ((object,), "Leave such rows out, or give them any number and weight 0."),
)
# What a value as a whole offers, and the way out.
WHOLES = {
    "params": "The order is fit(X, y), infer(solution, X, y), predict(solution, X).",
    "collect": "Use .collect() first.",
    "toarray": "Use .toarray() first: sparse matrices are not taken.",
    "values": "Use numpy.column_stack(list(its.values())).",
}


def refuse(name: str, value: Any, host: np.ndarray | None = None) -> NoReturn:
    """Raise TypeError for a value, of which `host` is what NumPy makes: about the first entry that is no number."""
    if host is None or (host.ndim == 0 and not isinstance(value, (str, bytes))):
        ways = [way for offered, way in WHOLES.items() if hasattr(value, offered)]
        way = ways[0] if ways else "Make one by numpy.asarray(..., dtype='float32')."
        raise TypeError(f"{name}: expected an array of numbers, got {type(value).__name__}. {way}")
    j, entry = _first_stranger(host)
    where = f" in column {_column_name(value, j)!r}" if host.ndim == 2 else ""
    way = next(way for kinds, way in ENTRIES if isinstance(entry, kinds))
    raise TypeError(
        f"{name}: expected an array of numbers, got {_kind(value, host, j)} with entries such as {_cut(entry)}"
        f"{where}. {way}"
    )


def refuse_masked(name: str) -> NoReturn:
    """Raise TypeError for a masked array, whose mask would be lost."""
    raise TypeError(
        f"{name}: expected an array of numbers, got a masked array with masked entries. "
        "Leave such rows out, or use .filled(0) and give them weight 0."
    )


def _first_stranger(host: np.ndarray) -> tuple[int, Any]:
    """The column and the value of the first entry that is no number, or else of the first entry."""
    columns = host.reshape(len(host), -1).T if host.ndim > 1 else host.reshape(1, -1)
    for j, column in enumerate(columns):
        stranger = next((entry for entry in column if not isinstance(entry, numbers.Number)), column)
        if stranger is not column:
            return j, stranger
    return 0, host.flat[0] if host.size else None


def _column_name(value: Any, j: int) -> Any:
    names = getattr(value, "columns", None)
    return j if names is None else list(names)[j]


def _kind(value: Any, host: np.ndarray, j: int) -> str:
    """The type of what stands there: the column's own in a frame, that of the list, or the array's."""
    if isinstance(value, (list, tuple, str, bytes)):
        return type(value).__name__
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        return str(list(value.dtypes)[j])
    return str(getattr(value, "dtype", host.dtype))


def _cut(entry: Any) -> str:
    text = repr(entry.item() if isinstance(entry, (np.str_, np.bytes_)) else entry)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
