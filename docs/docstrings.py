"""From the form of our docstrings to reStructuredText: a hook for autodoc.

A line, paragraphs, indented equations, sections (`Args:`, `Returns:`, ...) with an entry to a line, and examples.
Equations stay as they are typed, in a literal block. Outside of `code` no letter is markup.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

LISTS = ("Args", "Attributes", "Raises", "Parameters")
TEXTS = ("Returns", "Yields", "Statuses")


def as_rst(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the lines of a docstring in place, as autodoc asks of its hooks."""
    lines[:] = converted(lines)


def readable(
    app: Any, what: str, name: str, found: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str, str | None] | None:
    """A signature without addresses of defaults, and none for a class that makes no instances (`*_, **__`)."""
    if signature is None:
        return None
    return ("", None) if what == "class" and "**__" in signature else (re.sub(r"<[^<>]+>", "...", signature), returns)


def said_above(app: Any, what: str, name: str, found: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of a named tuple, which its own text lists under `Attributes:`."""
    return True if (getattr(found, "__doc__", None) or "").startswith("Alias for field number") else None


def converted(lines: list[str]) -> list[str]:
    """The lines as reStructuredText."""
    rst: list[str] = []
    for block in blocks(lines):
        heading = re.fullmatch(r"(\w+):", block[0])
        if heading and heading[1] in LISTS + TEXTS and len(block) > 1:
            title, block = heading[1], [line[4:] for line in block[1:]]
            listed = title in LISTS or re.match(r"[A-Z_]+: ", block[0])
            rst += [f"**{title}**", "", *(entries(block) if listed else [escaped(line.strip()) for line in block])]
        elif block[0].startswith(">>> "):
            rst += block
        elif block[0].startswith("    "):
            rst += [".. code-block:: none", "   :class: equation", "", *block]
        else:
            rst += [escaped(line) for line in block]
        rst.append("")
    return rst


def blocks(lines: list[str]) -> Iterator[list[str]]:
    """Runs of lines that belong together: an equation ends where the indentation does, an example at a blank line."""
    for blank, run in groupby(lines, key=lambda line: not line.strip()):
        if blank:
            continue
        block: list[str] = []
        for line in run:
            if block and new_block(block, line):
                yield block
                block = []
            block.append(line)
        yield block


def new_block(block: list[str], line: str) -> bool:
    """Whether a line without a blank one before it begins something else than the block it follows."""
    if re.fullmatch(r"\w+:", block[0]) or block[0].startswith(("- ", ">>> ")):
        return False
    return line.startswith(">>> ") or line.startswith("    ") != block[0].startswith("    ")


def entries(lines: list[str]) -> list[str]:
    """A list of `name: text` entries; what is further indented goes on with the entry above."""
    rst: list[str] = []
    for line in lines:
        name, colon, text = line.partition(": ")
        if line.startswith(" ") or not colon:
            rst.append(f"  {escaped(line.strip())}")
        else:
            rst.append(f"- **{escaped(name)}** – {escaped(text)}")
    return rst


def escaped(text: str) -> str:
    """Text whose only markup is `code`."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(f"`{part}`" if part.startswith("`") else re.sub(r"([\\*|_`])", r"\\\1", part) for part in parts)
