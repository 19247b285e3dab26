"""Types that users hold bear a public name, in tracebacks, pickles and help, and are still found where they are
written: `inspect.getsource` shows them and doctest collects their examples.

From Python 3.13 on, `inspect` looks for a class in the file of the module that it names and nowhere else: there it is
`inspect.getsource(Solution.__wrapped__)` that shows it.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)


def public(module: str) -> Callable[[Class], Class]:
    """A decorator: the class says that it is of `module`, which hands it out, instead of the module of core.

    Python looks for the source and the examples of a class in the module that it names. So `__wrapped__` leads
    `inspect` to the source, and doctest takes what `__test__` lists where the class is written.
    """

    def rename(cls: Class) -> Class:
        vars(sys.modules[cls.__module__]).setdefault("__test__", {})[cls.__name__] = cls
        setattr(cls, "__wrapped__", _Original(cls))  # noqa: B010, because a type checker knows no such attribute
        cls.__module__ = module
        return cls

    return rename


class _Original:
    """`__wrapped__` of a public class, and of nothing else: neither of its instances nor of classes made from it."""

    def __init__(self, cls: type) -> None:
        """Remember what `inspect` reads: the module, the signature and, from Python 3.13 on, the line."""
        read = ("__module__", "__doc__", "__new__", "__init__", "__firstlineno__")
        self.cls = cls
        self.original = type(cls.__name__, (), {name: getattr(cls, name) for name in read if hasattr(cls, name)})

    def __get__(self, instance: Any, owner: type) -> type:
        if instance is not None or owner is not self.cls:
            raise AttributeError("__wrapped__")
        return self.original
