"""Tables and pictures for people. A leaf: no other part of the package needs it; matplotlib loads when first used.

summary, columns   the table of a fit as text and HTML, and the same as columns for machines
plots              pictures of a fit, drawn on any matplotlib axes
lesson_plots       pictures of the lessons, a module for each chapter
diagrams           drawings as SVG: shape ladders, networks, projections, the map of the lessons
slider             all frames of a picture by one vmap, moved without a kernel
network_plots      pictures of trainings and of the choice of an activation
table_plots        pictures of the models of a table
progress           bars for long work
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jaxnotes.show.summary import Summary, columns, summary

if TYPE_CHECKING:
    from jaxnotes.show import diagrams, lesson_plots, network_plots, plots, progress, slider, table_plots

_LAZY = ("diagrams", "lesson_plots", "network_plots", "plots", "progress", "slider", "table_plots")
__all__ = [
    "Summary", "columns", "diagrams", "lesson_plots", "network_plots", "plots", "progress", "slider", "summary",
    "table_plots",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what needs optional packages on first use (PEP 562)."""
    if name in _LAZY:
        return import_module(f"jaxnotes.show.{name}")
    raise AttributeError(f"module 'jaxnotes.show' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
