"""Groups of unequal length through compiled programs of few shapes.

Up to 2,048 rows groups go side by side as tiles of one height (`tiled`), longer ones each alone, padded with rows of
weight 0 to a power of two; curves, likelihoods and clusters, which have no form in tiles, in blocks padded to few
lengths (`padded`). While the device works on some, the next ones are packed.
"""

import os
from collections import deque
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxnotes.groups import alone, columns, padded, tiled
from jaxnotes.groups.task import Answer, Running, Task

# Programs at work at once: each takes one core, and a core that is done finds the next one packed.
IN_FLIGHT = 1 + (os.cpu_count() or 1)


def solve(task: Task) -> Iterator[Answer]:
    """The answers of all groups, some at a time."""
    running: deque[Running] = deque()
    for started in _starts(task):
        running.append(started)
        if len(running) >= IN_FLIGHT:
            yield _finish(task, running.popleft())
    while running:
        yield _finish(task, running.popleft())


def _starts(task: Task) -> Iterator[Running]:
    """All groups, those that are long last."""
    long = task.lanes.counts > (tiled.LONGEST if task.tiled else padded.LONGEST)
    pack = tiled.start if task.tiled else padded.start
    n_columns = np.zeros(len(long), int) if task.kept is None else task.kept.sum(axis=1)
    for width in np.unique(n_columns):
        yield from pack(task, np.flatnonzero((n_columns == width) & ~long), int(width))
    for group in np.flatnonzero(long):
        yield alone.start(task, int(group), int(n_columns[group]))


def _finish(task: Task, running: Running) -> Answer:
    """Waits for some groups, and takes their lanes from those of the program."""
    answers: Any = jax.tree.map(lambda leaf: np.asarray(leaf)[running.places], jax.device_get(running.answers))
    solution, inference = answers
    if task.kept is not None and not task.kept[running.groups].all():
        solution, inference = columns.widen(solution, inference, task.kept[running.groups])
    return Answer(running.groups, solution, inference)
