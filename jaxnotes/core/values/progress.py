"""A bar for long work on the host; rich loads when it is first used."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds of work that nobody needs to be told about.
SHORT = 2.0


@contextmanager
def bar(total: int | None, what: str, *, shown: bool | None = None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error for `total` things, moved by the function that it gives.

    Args:
        total: how many there are; None where that is not known.
        what: what they are called.
        shown: whether it is shown, default None: on long work, where rich is installed, in a terminal or notebook.

    Yields:
        A function of how many more are done.

    >>> with bar(3, "groups", shown=False) as advance:
    ...     advance(3)
    """
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        if shown:
            raise ImportError('the bar needs rich: pip install "jaxnotes[cli]"') from None
        yield lambda more: None
        return
    console = Console(file=sys.stderr)
    seen = shown or (shown is None and (console.is_terminal or console.is_jupyter))
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress, started = Progress(*columns, console=console), time.monotonic()
    task = progress.add_task("", total=total)

    def advance(more: int) -> None:
        progress.advance(task, more)
        if seen and not progress.live.is_started and (shown or time.monotonic() - started > SHORT):
            progress.start()

    try:
        yield advance
    finally:
        if progress.live.is_started:
            progress.stop()
