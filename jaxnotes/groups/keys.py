"""Labels as codes in order of first appearance, and the rows of each group together, without a loop over groups.

pyarrow does it in one pass of hashing where it is installed; NumPy sorts.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np


class Coded(NamedTuple):
    """Row i belongs to group codes[i], (n,); labels: for each key an array with the label of each group, (G,)."""

    codes: np.ndarray
    labels: tuple[np.ndarray, ...]


class Lanes(NamedTuple):
    """Rows order[starts[g] : starts[g] + counts[g]] are those of group g. order (n,); the others (G,)."""

    order: np.ndarray
    starts: np.ndarray
    counts: np.ndarray


def encode(keys: tuple[Any, ...]) -> Coded:
    """The codes of the combinations of all keys; null and NaN are a label like any other."""
    parts = [_encode_one(key) for key in keys]
    codes, labels = parts[0]
    places = [np.arange(len(labels))]
    for more, new_labels in parts[1:]:
        both = codes.astype(np.int64) * len(new_labels) + more
        codes, seen = _encode_one(both)
        places = [place[seen // len(new_labels)] for place in places] + [seen % len(new_labels)]
    return Coded(codes, tuple(part[1][place] for part, place in zip(parts, places, strict=True)))


def by_group(codes: np.ndarray, n_groups: int, present: np.ndarray | None = None) -> Lanes:
    """The rows of each group, of those that are present, in their order."""
    narrow = codes.astype(np.uint16 if n_groups < 2**16 else np.uint32)
    order = np.argsort(narrow, kind="stable")
    if present is not None:
        order, codes = order[present[order]], codes[present]
    if len(codes) < 2**31:
        order = order.astype(np.int32)
    counts = np.bincount(codes, minlength=n_groups)
    return Lanes(order, np.cumsum(counts) - counts, counts)


def _encode_one(key: Any) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n,) in order of first appearance, and the labels."""
    if find_spec("pyarrow") is not None:
        return _by_hashing(key)
    key = np.asarray(key)
    if key.dtype == object:
        raise ImportError('keys: labels of mixed kinds need pyarrow: pip install "jaxnotes[tables]"')
    sorted_labels, first, codes = np.unique(key, return_index=True, return_inverse=True)
    by_appearance = np.argsort(first)
    rank = np.empty(len(first), np.int32)
    rank[by_appearance] = np.arange(len(first), dtype=np.int32)
    return rank[codes.reshape(-1)], sorted_labels[by_appearance]


def _by_hashing(key: Any) -> tuple[np.ndarray, np.ndarray]:
    pa = import_module("pyarrow")
    array = key if isinstance(key, (pa.Array, pa.ChunkedArray)) else pa.array(key, from_pandas=True)
    if pa.types.is_floating(array.type):  # NaN is null here, one label
        array = import_module("pyarrow.compute").if_else(import_module("pyarrow.compute").is_nan(array), None, array)
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    coded = array.dictionary_encode(null_encoding="encode")
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    coded = pa.concat_arrays(coded.chunks) if isinstance(coded, pa.ChunkedArray) else coded
    labels = coded.dictionary.to_numpy(zero_copy_only=False)
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False), labels
