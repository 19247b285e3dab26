"""Every block of code on the pages of the site runs, and both languages run the same."""

import doctest
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnotes as jn

DOCS = Path(__file__).parents[2] / "docs"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
ENGLISH = sorted([*(DOCS / "en").rglob("*.md"), *(DOCS / "theory").rglob("*.md")])


def blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


@pytest.mark.long
@pytest.mark.parametrize("path", list(filter(blocks, ENGLISH)), ids=named)
def test_the_code_of_a_page_runs(path, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks(path)), {}, path.name, str(path), 0)
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(report)


@pytest.mark.long
def test_the_code_of_troubleshooting_runs():
    """It speaks of a fit that the reader has: here is one."""
    flights = jn.datasets.challenger()
    given = {"jax": jax, "jnp": jnp, "np": np, "jn": jn, "X": flights.X, "y": flights.y}
    given["solution"] = jn.logistic_regression.fit(flights.X, flights.y)
    before = jax.config.jax_enable_x64
    try:
        for block in blocks(DOCS / "troubleshooting.md"):
            exec(block, given)
    finally:
        jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("path", sorted((DOCS / "en").rglob("*.md")), ids=named)
def test_a_page_in_english_is_there_in_chinese_with_the_same_code(path):
    assert blocks(DOCS / "zh" / path.relative_to(DOCS / "en")) == blocks(path)


def test_troubleshooting_has_the_same_code_and_statuses_in_chinese():
    chinese, english = DOCS / "zh" / "howto" / "troubleshooting.md", DOCS / "troubleshooting.md"
    assert len(blocks(chinese)) == len(blocks(english))
    for status in jn.Status:
        assert f"| `{status.name}` |" in chinese.read_text(encoding="utf-8")


def test_no_page_is_in_chinese_alone():
    pages = {lang: {path.relative_to(DOCS / lang) for path in (DOCS / lang).rglob("*.md")} for lang in ("en", "zh")}
    assert pages["zh"] - pages["en"] == {Path("howto/troubleshooting.md")}
