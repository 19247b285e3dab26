"""python -m jaxnotes.check FOLDER [--csv FILE]: who solved what, from the notebooks that a class handed in.

It reads the reports that are stored in the notebooks' outputs. No code of theirs is run.
"""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

# How a report begins, and its hint; see `exercise.WORDS`.
VERDICT = re.compile(r"^(E\d+\.\d+) (✓|✗)", re.MULTILINE)
HINT = re.compile(r"^(?:Hint: |提示：)(.*)$", re.MULTILINE)


class Mark(NamedTuple):
    """One report that was found.

    Attributes:
        notebook: its path within the folder.
        exercise: its id.
        solved: whether every case came out right.
        hint: what the learner was told, or "".
    """

    notebook: str
    exercise: str
    solved: bool
    hint: str


def marks(folder: Path) -> list[Mark]:
    """The last report on each exercise in each notebook of a folder and the folders in it.

    Args:
        folder: where the notebooks are.

    Returns:
        The marks, notebook by notebook.

    Raises:
        ValueError: a file that is no notebook; the message names it.
    """
    found: dict[tuple[str, str], Mark] = {}
    for path in sorted(folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            for mark in _of_notebook(path, str(path.relative_to(folder))):
                found[mark.notebook, mark.exercise] = mark
    return list(found.values())


def _of_notebook(path: Path, name: str) -> Iterator[Mark]:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{name}: expected a notebook, got a file that is none ({type(error).__name__}).") from error
    for cell in cells:
        text = "".join(_text(output) for output in cell.get("outputs", ()))
        verdicts = [*VERDICT.finditer(text)]
        ends = [later.start() for later in verdicts[1:]] + [len(text)] * bool(verdicts)
        for verdict, end in zip(verdicts, ends, strict=True):
            hint = HINT.search(text, verdict.end(), end)
            yield Mark(name, verdict[1], verdict[2] == "✓", hint[1] if hint else "")


def _text(output: dict[str, Any]) -> str:
    """What an output shows as plain text."""
    text = output.get("text", output.get("data", {}).get("text/plain", ""))
    return "".join(text) if isinstance(text, list) else text


def table(found: list[Mark]) -> str:
    """A line a notebook: how many exercises are solved, and which are not.

    Args:
        found: the marks.

    Returns:
        Lines to print, one string.
    """
    by_notebook: dict[str, list[Mark]] = {}
    for mark in found:
        by_notebook.setdefault(mark.notebook, []).append(mark)
    width = max(map(len, by_notebook), default=0)
    lines = []
    for name, of_one in by_notebook.items():
        open_ones = " ".join(mark.exercise for mark in of_one if not mark.solved)
        lines.append(f"{name:{width}}  {sum(m.solved for m in of_one)} of {len(of_one)}  {open_ones}".rstrip())
    return "\n".join(lines)


def main() -> int:
    """The command.

    Returns:
        The exit status: 1 where no report was found.
    """
    parser = argparse.ArgumentParser(prog="python -m jaxnotes.check", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("folder", type=Path, help="with the notebooks, in folders or not")
    parser.add_argument("--csv", type=Path, help="write notebook, exercise, solved, hint to this file")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"no such folder: {options.folder}")
    try:
        found = marks(options.folder)
    except ValueError as error:
        parser.error(str(error))
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Mark._fields)
            writer.writerows(found)
    print(table(found) or "no reports of exercises found")
    return int(not found)


if __name__ == "__main__":
    sys.exit(main())
