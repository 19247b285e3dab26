"""The public surface is the list tests/api.txt: a change is decided, in the same commit, with a line in CHANGELOG.

    python tests/test_api.py > tests/api.txt

Public is what `jaxnotes.__all__` leads to without an underscore: of each module what its `__all__` names, or else the
functions and classes that it defines; of each class what it offers beyond its bases from elsewhere.
"""

import difflib
import enum
import inspect
import re
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import jaxnotes

LIST = Path(__file__).with_name("api.txt")
ADVICE = """\
The public surface is no longer that of tests/api.txt. If this is meant: what may change when is in CONTRIBUTING.md, "To
change what is public". In the same commit go a line in CHANGELOG.md and  python tests/test_api.py > tests/api.txt"""


def modules(of: ModuleType = jaxnotes) -> Iterator[ModuleType]:
    """The package, and every module that it or one of those hands out."""
    yield of
    for value in (getattr(of, name) for name in names(of)):
        if isinstance(value, ModuleType):
            yield from modules(value)


def names(module: ModuleType) -> list[str]:
    """What a module hands out."""
    here = (name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__)
    return getattr(module, "__all__", None) or sorted(name for name in here if not name.startswith("_"))


def surface() -> list[str]:
    """One line for each public value: module, name, and what one can do with it."""
    return sorted({line for module in modules() for name in names(module) for line in lines(module, name)})


def lines(module: ModuleType, name: str) -> Iterator[str]:
    value = getattr(module, name)
    if not isinstance(value, ModuleType):
        for line in described(name, value):
            yield f"{module.__name__} {line}"


def described(name: str, value: object) -> Iterator[str]:
    """A value by its signature, its number or its type; a class with all that it offers."""
    if typing.get_origin(value):
        yield f"{name} = {bare(repr(value))}"
    elif not inspect.isclass(value):
        yield name + (signature(value) if callable(value) else f": {type(value).__name__}")
    elif issubclass(value, enum.Enum):
        yield from (f"{name}.{member.name} = {member.value}" for member in value)
    else:
        made_here = any({"__new__", "__init__"} & vars(base).keys() for base in ours(value))
        yield f"class {name}" + (signature(value) if made_here else "")
        for inner, member in offered(value).items():
            yield from described(f"{name}.{inner}", member)


def ours(cls: type) -> list[type]:
    """The class with those of its bases that are written in this package."""
    return [base for base in cls.__mro__ if base.__module__.startswith("jaxnotes")]


def offered(cls: type) -> dict[str, object]:
    """What a class offers by names without underscore; its fields are in its signature."""
    public = {name for base in ours(cls) for name in vars(base) if not name.startswith("_")}
    fields = {*getattr(cls, "_fields", ()), *getattr(cls, "__dataclass_fields__", ())}
    return {name: getattr(cls, name) for name in public - fields}


def signature(value: Callable) -> str:
    """As `help` shows it, but for memory addresses."""
    return bare(re.sub(r" at 0x[0-9a-f]+", "", str(inspect.signature(value)))).removesuffix(" -> None")


def bare(text: str) -> str:
    """The names of types without the modules that they live in."""
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", text)


def test_the_list_is_the_surface():
    wanted, found = LIST.read_text(encoding="utf-8").splitlines(), surface()
    changed = [line for line in difflib.ndiff(wanted, found) if line[0] in "+-"]
    assert not changed, "\n".join([ADVICE, *changed])


def test_the_list_is_read_by_people():
    """No type is spelled out where it has a name, nothing is called by a name of core, and every name is met."""
    text = LIST.read_text(encoding="utf-8")
    assert not re.findall(r"complex\b|0x|ForwardRef|\bcore\b", text)
    for name in set(jaxnotes.__all__) - {"__version__"}:
        assert re.search(rf"^jaxnotes (?:class )?{name}\b|^jaxnotes\.{name}\b", text, flags=re.MULTILINE), name


if __name__ == "__main__":
    print(*surface(), sep="\n")
