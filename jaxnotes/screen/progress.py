"""A bar for long work in a terminal or a notebook, and nowhere else; rich loads when it is first needed."""

import contextlib
import time
from collections.abc import Callable, Iterator

from jaxnotes.screen.feed import Part

PATIENCE = 2.0  # seconds without a bar


def watched(parts: Iterator[Part], total: int | None) -> Iterator[Part]:
    """The same parts; a bar counts their candidates once they take long."""
    begin, move = time.monotonic(), None
    with contextlib.ExitStack() as stack:
        for part in parts:
            yield part
            if move is None and time.monotonic() - begin > PATIENCE:
                move = _bar(stack, total)
            if move is not None:
                move(part.start + part.columns.shape[1])


def _bar(stack: contextlib.ExitStack, total: int | None) -> Callable[[int], None]:
    """What moves the bar, which closes with the stack; without rich or a reader, nothing."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        return lambda done: None
    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        return lambda done: None
    columns = TextColumn("Screening"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    bar = stack.enter_context(Progress(*columns, console=console))
    task = bar.add_task("", total=total)
    return lambda done: bar.update(task, completed=done)
