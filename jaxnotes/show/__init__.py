"""Tables and pictures for people. A leaf: no other part of the package needs it; matplotlib loads when first used.

summary, columns   the table of a fit as text and HTML, and the same as columns for machines
plots              pictures of a fit, drawn on any matplotlib axes
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jaxnotes.show.summary import Summary, columns, summary

if TYPE_CHECKING:
    from jaxnotes.show import plots

__all__ = ["Summary", "columns", "plots", "summary"]


def __getattr__(name: str) -> Any:
    """Import the pictures on first use (PEP 562)."""
    if name == "plots":
        return import_module("jaxnotes.show.plots")
    raise AttributeError(f"module 'jaxnotes.show' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
