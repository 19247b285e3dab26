"""The models of many groups, a lane for each."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values.public import public
from jaxnotes.core.values.status import Solution, Status


@public("jaxnotes.groups")
@dataclass(frozen=True)
class Groups:
    """A model for each group, in order of the groups' first appearance; all leaves are NumPy arrays, lanes first.

    Attributes:
        keys: the labels of the groups, (G,), or a tuple of such arrays where there were several keys.
        solution: what `fit` says of each, a `Solution` with a leading axis.
        inference: what `infer` says of each, an `Inference` with a leading axis.
        n_obs: the sum of the weights of each group, (G,).
    """

    keys: Any
    solution: Solution
    inference: Inference
    n_obs: np.ndarray

    def __len__(self) -> int:
        return len(self.n_obs)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts().items())
        return f"Groups({len(self):,} groups: {counts})"

    def counts(self) -> dict[str, int]:
        """How many groups ended with each status, by its name, the most frequent first."""
        codes, counts = np.unique(self.solution.status, return_counts=True)
        return {Status(int(codes[k])).name: int(counts[k]) for k in np.argsort(-counts, kind="stable")}

    def failures(self) -> dict[str, np.ndarray]:
        """The groups that did not converge, as columns: their keys, lanes, status in words and n_obs."""
        lanes = np.flatnonzero(self.solution.status != Status.CONVERGED)
        words = names_of(self.solution.status[lanes])
        return {
            **{name: key[lanes] for name, key in key_columns(self.keys).items()},
            "lane": lanes,
            "status": words,
            "n_obs": self.n_obs[lanes],
        }

    def select(self, key: Any) -> tuple[Solution, Inference]:
        """The solution and the inference of one group.

        Args:
            key: its label, or a tuple of labels where there were several keys.

        Returns:
            The pair (Solution, Inference), without a leading axis.

        Raises:
            KeyError: there is no such group.
        """
        keys = self.keys if isinstance(self.keys, tuple) else (self.keys,)
        wanted = key if isinstance(self.keys, tuple) else (key,)
        found = np.ones(len(self), bool)
        for labels, label in zip(keys, wanted, strict=True):
            found &= _equal(labels, label)
        if not found.any():
            first = [tuple_of(keys, group) for group in range(min(3, len(self)))]
            raise KeyError(f"no group {key!r}; the first of {len(self)} are {first}")
        lane = int(np.argmax(found))
        return jax.tree.map(lambda leaf: leaf[lane], (self.solution, self.inference))


def names_of(status: Any) -> np.ndarray:
    """The names of statuses, as text."""
    return np.array([kind.name for kind in sorted(Status)])[status]


def key_columns(keys: Any) -> dict[str, np.ndarray]:
    """The labels by a name of their own: key, or key1, key2, ..."""
    if not isinstance(keys, tuple):
        return {"key": keys}
    return {f"key{place}": labels for place, labels in enumerate(keys, start=1)}


def tuple_of(keys: tuple[np.ndarray, ...], group: int) -> Any:
    """The label of a group, a tuple where there are several keys."""
    labels = tuple(labels[group].item() if hasattr(labels[group], "item") else labels[group] for labels in keys)
    return labels if len(keys) > 1 else labels[0]


def _equal(labels: np.ndarray, label: Any) -> np.ndarray:
    """Where the labels are this one; null, NaN and NaT are equal to None."""
    nothing = label is None or label != label
    if nothing:
        return np.array([entry is None or entry != entry for entry in labels.tolist()], bool)
    if labels.dtype.kind == "M":
        label = np.datetime64(label)
    return np.asarray(labels == label, bool)
