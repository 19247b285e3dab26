"""Optional packages of this wing: imported when used, and named with their extra where they are missing."""

from importlib import import_module
from typing import Any


def needed(package: str, extra: str = "tables") -> Any:
    """The package, or ImportError that says how to get it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(f'this needs {package.split(".")[0]}: pip install "jaxnotes[{extra}]"') from error
