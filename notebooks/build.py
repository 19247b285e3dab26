"""Builds the notebooks: notebooks/src/NN_name.py gives notebooks/zh/NN_name.ipynb and notebooks/en/NN_name.ipynb.

    python notebooks/build.py [NAME ...]            run the sources (all by default) and write both notebooks of each
    python notebooks/build.py --check [NAME ...]    say which notebooks are stale or edited by hand; nothing is run
    python notebooks/build.py --text [NAME ...]     take the words from the sources, keep the outputs
    python notebooks/build.py --try [NAME ...]      run the notebooks as a reader would, exercises open; write nothing
    python notebooks/build.py --release OWNER/REPO  write the address that jaxnotes is published at wherever it stands
    python notebooks/build.py --bundle LANG         a zip for a class without network: wheel, notebooks, start page

A source is in jupytext's py:percent form. A cell with lang="zh" or lang="en" goes to that language, any other to both;
all of them run once, in one kernel. A cell with exercise="E1.1" holds the solution and its check: the notebook gets the
stub, without output, and the solution folded below it. Badge and setup cell are added here, in one place for all. The
first picture of each lesson goes into notebooks/pictures/, for the README.
"""

import argparse
import ast
import base64
import copy
import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

sys.path.insert(0, str(Path(__file__).parent))
import release

HERE = Path(__file__).parent
LANGUAGES = ("zh", "en")

# The one place that says where the notebooks and the package come from. To publish, put the account here and build. No
# account can have an underscore in its name: until then nobody else's package is installed by mistake.
REPOSITORY = "OWNER_/jaxnotes"

# The first cell, folded: what a reader must see of it is at most one sentence.
SETUP = f"""\
# @title {{title}} {{{{display-mode: "form"}}}}
import glob
import importlib.util
import subprocess
import sys

# Does nothing where jaxnotes is there already; --no-deps leaves the JAX and NumPy that you have alone. A wheel that
# lies beside this notebook comes first.
if importlib.util.find_spec("jaxnotes") is None:
    places = {{{{
        "jaxnotes": (glob.glob("jaxnotes-*.whl") or ["git+https://github.com/{REPOSITORY}"])[-1],
        "optax": "optax",
        "absl": "absl-py",
    }}}}
    missing = [place for name, place in places.items() if importlib.util.find_spec(name) is None]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
    if subprocess.run([*pip, *missing], capture_output=True).returncode:
        sys.exit("{{absent}}")

import jaxnotes as jn

print(jn.about())"""
WORDS = {
    "zh": {
        "title": "准备",
        "absent": "这里没有 jaxnotes：请下载它的源代码，或把 jaxnotes-*.whl 上传到本笔记本所在的文件夹，再运行这一格。",
    },
    "en": {
        "title": "Setup",
        "absent": "jaxnotes is not here: clone its repository, or put jaxnotes-*.whl beside this notebook; run again.",
    },
}
FOLDED = {"cellView": "form", "tags": ["hide-input"]}

BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({link})"
COLAB = f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/notebooks/{{lang}}/{{name}}.ipynb"
OTHER = {"zh": "[English](../en/{name}.ipynb)", "en": "[中文](../zh/{name}.ipynb)"}
SOLUTION = {"zh": "参考答案（先自己做）", "en": "A solution (try first)"}


def names() -> list[str]:
    """The lessons that have a source, in order."""
    return sorted(path.stem for path in (HERE / "src").glob("*.py"))


def source_cells(name: str, folder: Path = HERE) -> list[NotebookNode]:
    """The cells of a source, as jupytext reads them."""
    return jupytext.reads((folder / "src" / f"{name}.py").read_text(encoding="utf-8"), fmt="py:percent").cells


def stub(solution: str) -> str:
    """The solution with every function body (but its docstring) and every assigned value replaced by `...`."""
    lines = solution.splitlines()
    for node in reversed(ast.parse(solution).body):
        if isinstance(node, ast.FunctionDef):
            keep = ast.get_docstring(node) is not None
            first = node.body[0].end_lineno if keep else node.body[0].lineno - 1
            lines[first : node.end_lineno] = [" " * node.body[0].col_offset + "..."]
        elif isinstance(node, ast.Assign):
            target = lines[node.lineno - 1][: node.value.col_offset]
            lines[node.lineno - 1 : node.end_lineno] = [target + "..."]
    return "\n".join(lines)


def render(cells: list[NotebookNode], name: str, lang: str, outputs: dict[int, list]) -> NotebookNode:
    """The notebook of one language; outputs by position among the source's cells, the setup's at -1."""
    kept = [(k, cell) for k, cell in enumerate(cells) if cell.metadata.get("lang", lang) == lang]
    (_, title), *rest = kept
    badge = BADGE.format(link=COLAB.format(lang=lang, name=name)) + "  " + OTHER[lang].format(name=name)
    made = [
        new_markdown_cell(f"{badge}\n\n{title.source}"),
        code_cell(setup(lang), outputs.get(-1, []), FOLDED),
    ]
    for k, cell in rest:
        if cell.cell_type == "markdown":
            made.append(new_markdown_cell(cell.source))
        elif "exercise" in cell.metadata:
            folded = f"<details><summary>{SOLUTION[lang]}</summary>\n\n```python\n{cell.source}\n```\n\n</details>"
            made += [code_cell(stub(cell.source), []), new_markdown_cell(folded)]
        else:
            made.append(code_cell(cell.source, outputs.get(k, [])))
    for position, cell in enumerate(made):
        cell["id"] = f"{name.replace('_', '-')}-{position:03d}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=made, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def setup(lang: str) -> str:
    """The first cell of a notebook, in its language."""
    return SETUP.format(**WORDS[lang])


def code_cell(source: str, outputs: list, metadata: dict | None = None) -> NotebookNode:
    return new_code_cell(source, outputs=copy.deepcopy(outputs), metadata=dict(metadata or {}))


def stamped(notebook: NotebookNode, name: str, folder: Path = HERE) -> NotebookNode:
    """The notebook with the hashes of its source and of its outputs, which show that either was changed alone."""
    source = (folder / "src" / f"{name}.py").read_bytes()
    outputs = json.dumps([cell.get("outputs") for cell in notebook.cells], sort_keys=True).encode()
    digests = {
        "source_sha256": hashlib.sha256(source).hexdigest(),
        "outputs_sha256": hashlib.sha256(outputs).hexdigest(),
    }
    notebook.metadata["jaxnotes"] = digests
    return notebook


def executed(cells: list[NotebookNode]) -> dict[int, list]:
    """The outputs of every code cell, from one run of all of them, both languages' and the solutions'."""
    places = [-1] + [k for k, cell in enumerate(cells) if cell.cell_type == "code"]
    whole = new_notebook(cells=[new_code_cell(setup("en") if k < 0 else cells[k].source) for k in places])
    run(whole)
    return {k: [cleaned(output) for output in cell.outputs] for k, cell in zip(places, whole.cells, strict=True)}


def run(notebook: NotebookNode) -> None:
    """Fill in the outputs of a notebook with a kernel of its own, on the CPU, in an empty folder."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as empty:
        environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
        client = NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False)
        client.resources = {"metadata": {"path": empty}}
        client.execute(env=environment | {"JAX_PLATFORMS": "cpu"})


def cleaned(output: NotebookNode) -> NotebookNode:
    """An output that is the same every time; a warning, or an address in it, is an error of the lesson."""
    text = "".join(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
    if output.get("name") == "stderr" or re.search(r" at 0x[0-9a-f]+", text):
        raise SystemExit(f"a warning, or a result whose repr is an address; give it a name, ax = ...:\n{text}")
    if "execution_count" in output:
        output["execution_count"] = None
    return output


def build(name: str, folder: Path = HERE) -> None:
    """Execute a source and write its notebooks."""
    cells = source_cells(name, folder)
    outputs = executed(cells)
    for lang in LANGUAGES:
        write(render(cells, name, lang, outputs), name, lang, folder)
    write_picture(name, folder)


def retell(name: str, folder: Path = HERE) -> None:
    """Write the notebooks of a source with the outputs that they have; an error where code has changed."""
    cells = source_cells(name, folder)
    for lang in LANGUAGES:
        there = nbformat.read(folder / lang / f"{name}.ipynb", as_version=4)
        made = render(cells, name, lang, {})
        (_, *old), (_, *new) = ([cell for cell in book.cells if cell.cell_type == "code"] for book in (there, made))
        if [cell.source for cell in old] != [cell.source for cell in new]:
            raise SystemExit(f"{lang}/{name}: code has changed, run: python notebooks/build.py {name}")
        for code, known in zip((c for c in made.cells if c.cell_type == "code"), [there.cells[1], *old], strict=True):
            code["outputs"] = known.outputs
        write(made, name, lang, folder)


def write(notebook: NotebookNode, name: str, lang: str, folder: Path) -> None:
    path = folder / lang / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    text = nbformat.writes(stamped(notebook, name, folder))
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{path}: {len(text) / 1e6:.2f} MB")


def picture(name: str, folder: Path = HERE) -> tuple[str, bytes]:
    """The suffix and the contents of the first picture of a built notebook, in English."""
    notebook = nbformat.read(folder / "en" / f"{name}.ipynb", as_version=4)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        data = output.get("data", {})
        if "image/png" in data:
            return "png", base64.b64decode(data["image/png"])
        if "image/svg+xml" in data:
            return "svg", "".join(data["image/svg+xml"]).encode()
    raise SystemExit(f"{name}: no picture, and every lesson begins with one")


def write_picture(name: str, folder: Path = HERE) -> None:
    """Put the first picture of a lesson where the README finds it."""
    suffix, contents = picture(name, folder)
    path = folder / "pictures" / f"{name}.{suffix}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(contents)


def faults(name: str, folder: Path = HERE) -> list[str]:
    """What is wrong with the notebooks of a source: missing, stale, or edited by hand. Nothing is executed."""
    cells, found = source_cells(name, folder), []
    for lang in LANGUAGES:
        path = folder / lang / f"{name}.ipynb"
        if not path.exists():
            found.append(f"{lang}/{name}: not built")
            continue
        there = nbformat.read(path, as_version=4)
        wanted = stamped(render(cells, name, lang, {}), name, folder)
        if there.metadata.get("jaxnotes", {}).get("source_sha256") != wanted.metadata["jaxnotes"]["source_sha256"]:
            found.append(f"{lang}/{name}: the source has changed since it was built")
        elif [parts(cell) for cell in there.cells] != [parts(cell) for cell in wanted.cells]:
            found.append(f"{lang}/{name}: edited by hand, or build.py has changed")
        elif there != stamped(copy.deepcopy(there), name, folder):
            found.append(f"{lang}/{name}: an output was edited by hand")
    return found


def parts(cell: NotebookNode) -> tuple:
    return cell["id"], cell.cell_type, cell.source, dict(cell.metadata)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="lessons, such as 01_gradient; all by default")
    parser.add_argument(
        "--check",
        action="store_true",
        help="only look whether the notebooks are those of the sources",
    )
    parser.add_argument(
        "--try",
        dest="attempt",
        action="store_true",
        help="run the notebooks and write nothing",
    )
    parser.add_argument("--text", action="store_true", help="take the words from the sources and keep the outputs")
    parser.add_argument("--release", metavar="OWNER/REPO", help="write this address wherever jaxnotes is published")
    parser.add_argument("--bundle", choices=LANGUAGES, help="a zip with wheel and notebooks, in the folder dist")
    options = parser.parse_args(arguments)
    for unknown in set(options.names) - set(names()):
        parser.error(f"{unknown}: no such source; there are {', '.join(names())}")
    chosen = options.names or names()
    if options.release:
        release.publish_at(options.release, REPOSITORY)
        sys.exit("addresses written; now run: python notebooks/build.py --text")
    if options.bundle:
        print(release.bundle(options.bundle))
    elif options.check:
        found = [fault for name in chosen for fault in faults(name)]
        sys.exit("\n".join([*found, "run: python notebooks/build.py"]) if found else None)
    elif options.attempt:
        for name in chosen:
            for lang in LANGUAGES:
                run(nbformat.read(HERE / lang / f"{name}.ipynb", as_version=4))
    else:
        for name in chosen:
            (retell if options.text else build)(name)


if __name__ == "__main__":
    main(sys.argv[1:])
