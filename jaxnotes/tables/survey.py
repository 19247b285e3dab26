"""One look at all rows of all groups before anything is fitted: what is missing, which columns a group has, its sums.

It goes through the rows group by group, in blocks of bounded memory.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxnotes.groups.keys import Lanes, by_group
from jaxnotes.tables import matrices
from jaxnotes.tables.frames import Levels
from jaxnotes.tables.goodness import Sums
from jaxnotes.tables.matrices import Raw
from jaxnotes.tables.specs import Spec


class Survey(NamedTuple):
    """What the rows of the groups hold.

    lanes: the rows of each group that are complete. kept: the columns of X that each group has, (G, p).
    met: for each factor of labels, which of its levels each group has, (G, levels).
    lost: how many rows lack each factor. complete: which rows lack none, (n,). sums: for the goodness of each fit.
    """

    lanes: Lanes
    kept: np.ndarray
    met: dict[str, np.ndarray]
    lost: dict[str, int]
    complete: np.ndarray
    sums: Sums


class Block(NamedTuple):
    """Rows of groups: their numbers, groups (n,), X (n, p), y, and weights and the rest by name; 0 where incomplete."""

    rows: np.ndarray
    groups: np.ndarray
    X: np.ndarray
    y: np.ndarray
    by_row: dict[str, np.ndarray]
    held: dict[str, np.ndarray]
    complete: np.ndarray


def survey(spec: Spec, raw: Raw, codes: np.ndarray, n_groups: int) -> Survey:
    """Looks at all rows. codes: the group of each row, (n,), -1 for rows of none."""
    everywhere = by_group(np.maximum(codes, 0), n_groups, codes >= 0)
    complete, lost = np.zeros(len(codes), bool), {}
    lowest = np.full((n_groups, len(spec.columns)), np.inf, spec.dtype)
    highest = -lowest
    labels = {name: levels for name, levels in spec.levels.items() if levels is not None}
    met = {name: np.zeros((n_groups, len(levels)), bool) for name, levels in labels.items()}
    sums = Sums(n_groups, spec)
    for block in _blocks(spec, raw, everywhere.order, codes):
        complete[block.rows] = block.complete
        for name, count in matrices.lacking(block.held).items():
            lost[name] = lost.get(name, 0) + count
        used = block.complete & (block.by_row["weights"] > 0)
        X, groups = block.X[used], block.groups[used]
        if not len(groups):
            continue
        which, starts = np.unique(groups, return_index=True)
        lowest[which] = np.minimum(lowest[which], np.minimum.reduceat(X, starts))
        highest[which] = np.maximum(highest[which], np.maximum.reduceat(X, starts))
        for name, present in met.items():
            present[groups, block.held[name][used]] = True
        sums.add(which, starts, block.y[used], {name: column[used] for name, column in block.by_row.items()})
    kept = _kept(spec, lowest, highest, met)
    lanes = (
        everywhere if complete.sum() == len(everywhere.order) else by_group(np.maximum(codes, 0), n_groups, complete)
    )
    return Survey(lanes, kept, met, lost, complete, sums)


def prepared(spec: Spec, raw: Raw, rows: np.ndarray, codes: np.ndarray) -> Block:
    """X, y and what stands beside them in these rows."""
    picked = matrices.pick(raw, rows)
    held = matrices.factors(spec, picked)
    X, y = matrices.matrix(spec, held, len(rows)), matrices.response(spec, picked)
    by_row = {name: np.asarray(picked[column], spec.dtype) for name, column in spec.by_row.items()}
    checked = {**held, spec.parsed.response.text: y, **{spec.by_row[name]: by_row[name] for name in by_row}}
    if spec.groups is not None:
        clusters = picked[spec.groups]
        checked[spec.groups] = clusters.codes if isinstance(clusters, Levels) else clusters
    complete = ~np.any([matrices.gaps(entries) for entries in checked.values()], axis=0)
    by_row.setdefault("weights", np.ones(len(rows), spec.dtype))
    return Block(rows, codes[rows], X, y, by_row, checked, complete)


def _blocks(spec: Spec, raw: Raw, order: np.ndarray, codes: np.ndarray) -> Iterator[Block]:
    for start in range(0, len(order), matrices.BLOCK):
        yield prepared(spec, raw, order[start : start + matrices.BLOCK], codes)


def _kept(spec: Spec, lowest: np.ndarray, highest: np.ndarray, met: dict[str, np.ndarray]) -> np.ndarray:
    """The columns that lm(data = subset) keeps: none of a group's own reference, its first level, and no constant."""
    kept = np.ones(lowest.shape, bool)
    if spec.absent == "keep":
        return kept
    constant = lowest == highest if spec.parsed.intercept else (lowest == 0) & (highest == 0)
    kept &= ~constant
    for j, column in enumerate(spec.columns):
        for part in column.parts:
            if part.reduced:
                kept[:, j] &= met[part.factor].argmax(axis=1) != part.level
    return kept
