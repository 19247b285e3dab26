"""The version of this package, as it was installed."""

import importlib.metadata


def version() -> str:
    """The version that pip knows, or "0+unknown" in a source tree that was never installed."""
    try:
        return importlib.metadata.version("jaxnotes")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"
