"""Compiled programs kept on disk, on request."""

import os
from pathlib import Path

import jax
from jax.experimental.compilation_cache import compilation_cache


def cache(path: str | os.PathLike[str] = "~/.cache/jaxnotes") -> Path:
    """Keep what this process compiles in a folder, and take from it what an earlier one has compiled.

    It sets JAX's persistent compilation cache, for this process alone; jaxnotes never does so by itself. A program is
    found again while the versions of jax and jaxlib, the flags and the kind of device stay the same; the folder may be
    deleted at any time.

    Args:
        path: the folder, made if it is not there; `~` is the user's home.

    Returns:
        The folder, absolute.

    Raises:
        OSError: a folder that cannot be made or written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(cache(folder).exists())
    ...     jax.config.update("jax_compilation_cache_dir", None)
    True
    """
    folder = Path(path).expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"path: expected a folder that can be written, got {folder}.")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # Small programs too: what a person waits for is many of them.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # Where a program was compiled before, JAX has taken note that there is no cache.
    compilation_cache.reset_cache()
    return folder
