"""The cache on disk: a second process compiles nothing that the first did."""

import subprocess
import sys

import pytest

import jaxnotes as jn

PROGRAM = """
import sys, jax, jax.numpy as jnp
jax.jit(lambda x: x - 1)(1.0)  # compiled before there is a cache
import jaxnotes as jn
print(jn.cache(sys.argv[1]))
print(jn.least_squares.fit(jnp.arange(6.0)[:, None], jnp.arange(6.0) ** 2).params.coef[0])
"""


def test_the_next_process_finds_its_programs(tmp_path):
    folder = tmp_path / "new" / "cache"

    def run() -> set:
        done = subprocess.run([sys.executable, "-c", PROGRAM, folder], capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == str(folder)
        return {path.name for path in folder.iterdir() if not path.name.endswith("-atime")}

    first = run()
    assert first
    assert run() == first


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        jn.cache(tmp_path / "file" / "cache")
