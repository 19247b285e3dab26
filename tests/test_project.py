"""The files around the code agree on where the project lives and on its version."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def read(name: str | Path) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["pyproject.toml", "CITATION.cff"])
def test_one_address(name):
    addresses = re.findall(r"https://github\.com/([\w-]+/jaxnotes)\b", read(name))
    assert set(addresses) == set(re.findall(r'^REPOSITORY = "(.+)"$', read("notebooks/build.py"), flags=re.MULTILINE))


def test_the_version_stands_in_one_place():
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    for path in (ROOT / "jaxnotes").rglob("*.py"):
        assert f'"{version}"' not in read(path), path
    assert "version:" not in read("CITATION.cff").replace("cff-version:", "")
