"""What docs/ does to docstrings and notebooks, and how it follows links."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

import assemble
import docstrings
import links

DOCSTRING = """\
The ridge estimate of y = X'b_ | see `fit`.

With the sum |x| over rows,

    minimize  ||coef||^2,
        a second line

and more text:

Args:
    X: the rows x_i, (n, p),
        and more of them.
    *rest: anything.

Returns:
    A `Solution`.

Statuses:
    CONVERGED: it is there.

>>> 1 + 1
2
>>> 3
3
"""

RST = r"""
The ridge estimate of y = X'b\_ \| see ``fit``.

With the sum \|x\| over rows,

.. code-block:: none
   :class: equation

    minimize  ||coef||^2,
        a second line

and more text:

**Args**

- **X** – the rows x\_i, (n, p),
  and more of them.
- **\*rest** – anything.

**Returns**

A ``Solution``.

**Statuses**

- **CONVERGED** – it is there.

>>> 1 + 1
2
>>> 3
3
"""


def test_a_docstring_becomes_lists_equations_and_examples():
    assert docstrings.converted(DOCSTRING.splitlines()) == [*RST.strip("\n").splitlines(), ""]


def test_an_equation_needs_no_blank_line_before_it():
    assert list(docstrings.blocks(["text", "    a = b", "text"])) == [["text"], ["    a = b"], ["text"]]


def test_a_line_break_between_chinese_letters_is_no_blank():
    assert assemble.joined("拟合\n一个模型，\n也能 fit\nmany\n\n## 题") == "拟合一个模型，也能 fit\nmany\n\n## 题"


def test_links_between_files_become_links_between_pages():
    text = "[a](../docs/faults.md#x), [b](../notebooks/en/01_gradient.ipynb), [c](../tests/fits.py), [d](https://e.org)"
    pages = "[a](faults.md#x), [b](../lessons/01_gradient.ipynb), c, [d](https://e.org)"
    assert assemble.relinked(text, "bench/README.md", "about/benchmarks.md") == pages


def test_every_chapter_has_a_page_in_the_api():
    names = [name for _, name, _ in assemble.chapters()]
    assert {"gradients", "logistic_regression", "notation"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="b.html#there">', None),
        ('<a href="https://elsewhere.org/x">', None),
        ('<img src="data:image/png;base64,AA">', None),
        ('<a href="c.html">', "leads nowhere"),
        ('<a href="b.html#gone">', "no place on that page"),
        ('<script src="https://elsewhere.org/x.js">', "loads https"),
        ('<link rel="stylesheet" href="//elsewhere.org/x.css">', "loads //"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path, html, fault):
    (tmp_path / "a.html").write_text(html, encoding="utf-8")
    (tmp_path / "b.html").write_text('<p id="there">', encoding="utf-8")
    found = links.faults(tmp_path)
    assert (fault is None and found == []) or (len(found) == 1 and fault in found[0])
