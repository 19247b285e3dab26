"""What is to be solved for many groups, what is at work, and what came out."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values.status import Solution
from jaxnotes.groups import columns
from jaxnotes.groups.keys import Lanes
from jaxnotes.groups.recipe import One, Rows


class Task(NamedTuple):
    """What is to be solved.

    one: what is done with a group. tiled: whether it may be done in tiles. take: the rows of these numbers, a dict of
    arrays. lane: what belongs to each group, a dict of pytrees with groups first. shared: what is the same for all.
    kept: which columns each group has, (G, p).
    """

    one: One
    tiled: bool
    take: Callable[[np.ndarray], Rows]
    lanes: Lanes
    lane: Rows
    shared: Rows
    kept: np.ndarray | None = None

    def rows(self, first: np.ndarray, counts: np.ndarray, height: int) -> Rows:
        """For each place in the order of rows `first` (k,) the `counts` (k,) rows from there on, (k, height, ...).

        Those beyond have weight 0.
        """
        within = np.arange(height)[None]
        numbers = np.take(self.lanes.order, first[:, None] + within, mode="clip").reshape(-1)
        packed = {name: _stacked(leaf, len(first), height) for name, leaf in self.take(numbers).items()}
        return {**packed, "weights": np.where(within < counts[:, None], packed["weights"], 0)}

    def with_own_columns(self, rows: Rows, groups: np.ndarray, width: int) -> Rows:
        """The same rows (k, height, ...) with only those columns that their groups have, `width` of them."""
        if self.kept is None or self.kept[groups].all():
            return rows
        return {**rows, "X": columns.pick(rows["X"], columns.kept_first(self.kept[groups])[:, :width])}


class Running(NamedTuple):
    """Groups (k,) at work: their answers, once they are there, and where among these each has its own."""

    groups: np.ndarray
    answers: Any
    places: Any


class Answer(NamedTuple):
    """The answers of some groups, with NumPy leaves, and their numbers, (L,)."""

    groups: np.ndarray
    solution: Solution
    inference: Inference


def _stacked(leaves: Any, lanes: int, height: int) -> Any:
    return jax.tree.map(lambda leaf: leaf.reshape(lanes, height, *leaf.shape[1:]), leaves)
