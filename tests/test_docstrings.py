"""Docstrings that a machine can read: one line, then a line for every parameter and for no other, then an example.

A record's fields stand under "Attributes:", every other parameter under "Args:", one to a line of its own:

    name: meaning, shape, range, default
"""

import enum
import inspect
import re
import typing
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import jaxnotes


def public_names() -> Iterator[tuple[str, Any]]:
    """Every function and class that `jaxnotes.__all__` leads to, by the name that a user writes."""
    for name in jaxnotes.__all__:
        found = getattr(jaxnotes, name)
        if not isinstance(found, ModuleType):
            yield name, found
        else:
            own = [key for key, value in vars(found).items() if getattr(value, "__module__", None) == found.__name__]
            for key in getattr(found, "__all__", own):
                if not key.startswith("_"):
                    yield f"{name}.{key}", getattr(found, key)


def with_methods() -> Iterator[tuple[str, Any]]:
    for name, found in public_names():
        if inspect.isfunction(found):
            yield name, found
        elif inspect.isclass(found):
            yield name, found
            for key, value in vars(found).items():
                if not key.startswith("_") and isinstance(value, type(lambda: 0) | classmethod | staticmethod):
                    yield f"{name}.{key}", getattr(found, key)


DOCUMENTED = dict(with_methods())
FUNCTIONS = [name for name, found in public_names() if inspect.isfunction(found)]


def parameters(found: Any) -> list[str]:
    """What a caller may give: of a class what it takes itself, not what a base or a metaclass does."""
    if not inspect.isclass(found):
        return [name for name in inspect.signature(found).parameters if name != "self"]
    if issubclass(found, enum.Enum):
        return []
    if is_record(found):
        return list(inspect.signature(found).parameters)
    return list(inspect.signature(found.__init__).parameters)[1:] if "__init__" in vars(found) else []


def is_record(found: Any) -> bool:
    return inspect.isclass(found) and (hasattr(found, "__dataclass_fields__") or hasattr(found, "_fields"))


def section(doc: str, title: str) -> list[str]:
    """The lines of a section, without the indentation that they share."""
    block = re.search(rf"^{title}:\n((?:    .*(?:\n|$))*)", doc, re.MULTILINE)
    return [line[4:] for line in block[1].splitlines()] if block else []


def described(doc: str, title: str) -> list[str]:
    """The names that a section begins its lines with; a longer entry goes on, further indented."""
    entries = [line for line in section(doc, title) if not line.startswith(" ")]
    return [entry.partition(": ")[0].lstrip("*") for entry in entries]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_parameter_has_its_line(name):
    doc = inspect.getdoc(DOCUMENTED[name]) or ""
    title = "Attributes" if is_record(DOCUMENTED[name]) else "Args"
    assert described(doc, title) == parameters(DOCUMENTED[name])
    assert "Arguments" not in doc


@pytest.mark.parametrize("name", DOCUMENTED)
def test_one_line_comes_first(name):
    first, *rest = (inspect.getdoc(DOCUMENTED[name]) or "").splitlines() or [""]
    assert first.endswith((".", "?", ":", "。"))
    assert not rest or rest[0] == ""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_what_it_returns_and_shows_it(name):
    doc = inspect.getdoc(DOCUMENTED[name]) or ""
    assert re.search(r"^>>> ", doc, re.MULTILINE)
    annotation = inspect.signature(DOCUMENTED[name]).return_annotation
    assert annotation in (None, "None") or section(doc, "Returns") or section(doc, "Yields")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_solver_lists_its_statuses(name):
    doc = inspect.getdoc(DOCUMENTED[name]) or ""
    annotation = inspect.signature(DOCUMENTED[name]).return_annotation
    fields = getattr(typing.get_origin(annotation) or annotation, "__dataclass_fields__", {})
    listed = re.findall(r"\b[A-Z_]{4,}\b", " ".join(section(doc, "Statuses")))
    assert bool(listed) == ("status" in fields)
    assert set(listed) <= set(jaxnotes.Status.__members__)
