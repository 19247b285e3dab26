"""The lessons: notebooks are those of their sources, both languages say the same, and every number is held."""

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))
import build  # noqa: E402

sys.path.remove(str(NOTEBOOKS))

NAMES = build.names()
LIMIT = 1.5e6  # bytes of a notebook
CODE = re.compile(r"```.*?```|`[^`]*`", flags=re.DOTALL)
FORMULA = re.compile(r"\$\$.*?\$\$", flags=re.DOTALL)
DECIMAL = re.compile(r"\d+\.\d+")
HEADINGS = {
    "zh": ["想法", "推导", "勘误", "练习", "小结"],
    "en": ["idea", "derivation", "correction", "exercise", "summary"],
}


def language(cell) -> str | None:
    return cell.metadata.get("lang")


def pairs(name: str) -> list[tuple]:
    """The zh cells of a source, each with the en cell that follows it."""
    cells = build.source_cells(name)
    return [(cell, cells[k + 1]) for k, cell in enumerate(cells) if language(cell) == "zh"]


def built(name: str, lang: str):
    return nbformat.read(NOTEBOOKS / lang / f"{name}.ipynb", as_version=4)


def test_there_are_lessons():
    assert {"00_start_here", "01_gradient", "02_gradient_descent", "03_broadcasting"} <= set(NAMES)
    for lang in build.LANGUAGES:
        assert {path.stem for path in (NOTEBOOKS / lang).glob("*.ipynb")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_fresh_and_untouched(name):
    assert build.faults(name) == []


@pytest.mark.parametrize("name", NAMES)
def test_cells_come_in_pairs_that_say_the_same(name):
    cells = build.source_cells(name)
    for k, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            assert language(cell), f"{name}: a paragraph without a language: {cell.source[:60]}"
        if language(cell) == "en":
            assert language(cells[k - 1]) == "zh", cell.source[:60]
    for zh, en in pairs(name):
        assert language(en) == "en", zh.source[:60]
        assert zh.cell_type == en.cell_type
        if zh.cell_type == "code":
            words = r'"[^"]*"|\.(zh|en)\b'
            assert [type(node) for node in ast.parse(zh.source).body][-1] is type(ast.parse(en.source).body[-1])
            assert set(re.sub(words, "", zh.source).split()) & set(re.sub(words, "", en.source).split())
            continue
        assert FORMULA.findall(zh.source) == FORMULA.findall(en.source), zh.source[:60]
        numbers = [Counter(DECIMAL.findall(CODE.sub("", cell.source))) for cell in (zh, en)]
        assert numbers[0] == numbers[1], zh.source[:60]
        assert zh.source.count("](") == en.source.count("](")
        assert re.search("[一-鿿]", zh.source)
        assert not re.search("[一-鿿]", en.source), en.source[:60]


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_the_prose_stand_in_the_code(name):
    """Decimals with three places or more are results; each is held by an assertion, whose cell names it."""
    cells = build.source_cells(name)
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code" and "assert" in cell.source)
    for cell in cells:
        if cell.cell_type == "markdown":
            for number in re.findall(r"\d+\.\d{3,}", CODE.sub("", cell.source)):
                assert number in code, f"{name}: {number} is held by no assertion"


@pytest.mark.parametrize("name", [name for name in NAMES if "01" <= name < "12"])
def test_every_lesson_has_its_parts_in_order(name):
    for lang, words in HEADINGS.items():
        text = [c.source.lower() for c in build.source_cells(name) if language(c) == lang and c.cell_type == "markdown"]
        headings = re.findall(r"^## .*$", "\n".join(text), flags=re.MULTILINE)
        places = [next((k for k, heading in enumerate(headings) if word in heading), None) for word in words]
        assert None not in places, f"{name}: {words} in {headings}"
        assert places == sorted(places), headings


@pytest.mark.parametrize("name", [name for name in NAMES if "01" <= name < "12"])
def test_every_correction_is_a_sentence_a_short_counterexample_and_a_theorem_that_is_tested(name):
    tests = (ROOT / "tests" / "test_corrections.py").read_text(encoding="utf-8")
    named, found = 0, 0
    cells = [cell for cell in build.source_cells(name) if language(cell) != "en"]
    for before, code, after in zip(cells, cells[1:], cells[2:], strict=False):
        if "**误区**" in before.source:
            found += 1
            assert "**反例**" in before.source
            assert code.cell_type == "code"
            assert len(code.source.splitlines()) <= 5, code.source
            assert "**正解**" in after.source
    for test in re.findall(r"tests/test_corrections\.py::(\w+)", "\n".join(cell.source for cell in cells)):
        named += 1
        assert f"def {test}(" in tests, test
    assert named >= found >= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_library_is_called_and_not_the_network_or_the_settings(name):
    code = "\n".join(cell.source for cell in build.source_cells(name) if cell.cell_type == "code")
    for word in ("http", "urllib", "requests", "pip", "open(", "jax.config.update", "OWNER"):
        assert word not in code, word
    assert not re.search(r"""["']/\w""", code), "an absolute path"
    assert "jn." in code
    assert name < "01" or name >= "12" or "inspect.getsource(jn." in code


@pytest.mark.parametrize("lang", build.LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_built_notebooks_show_a_picture_early_and_words_after_each(name, lang):
    path = NOTEBOOKS / lang / f"{name}.ipynb"
    assert path.stat().st_size <= LIMIT
    notebook = built(name, lang)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any(map(pictured, code[:2]))
    assert build.REPOSITORY in notebook.cells[0].source
    assert code[0].source == build.setup(lang)
    assert code[0].metadata["cellView"] == "form"
    assert len({cell["id"] for cell in notebook.cells}) == len(notebook.cells)
    for cell, after in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell.cell_type == "code" and pictured(cell):
            assert after.cell_type == "markdown"
            assert re.search(r"^\*(图|Picture)[:：]", after.source, flags=re.MULTILINE), after.source[:60]
    assert any("<details>" in cell.source for cell in notebook.cells) or name >= "12"


def pictured(cell) -> bool:
    kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
    return bool(kinds & {"image/png", "image/svg+xml"}) or any("<svg" in json.dumps(output) for output in cell.outputs)


# One word for one thing: what stands nowhere, and what stands in its place.
GLOSSARY = {
    "Hessian 矩阵": "黑塞矩阵",
    "海森": "黑塞矩阵",
    "逐一剔除": "留一法",
    "地板": "下限",
    "德尔塔方法": "Delta 方法",
    "Anscombe": "安斯库姆",
}
# The names that the notes use, each said once beside ours.
SAID = {"06_likelihood": "极大似然估计（又称最大似然估计）", "08_logistic_regression": "逻辑回归又称对数几率回归"}


@pytest.mark.parametrize("name", NAMES)
def test_chinese_terms_are_uniform(name):
    cells = [cell for cell in build.source_cells(name) if cell.metadata.get("lang") == "zh"]
    text = CODE.sub("", "\n".join(cell.source for cell in cells))
    assert [word for word in GLOSSARY if word in text] == []
    assert SAID.get(name, "") in text


def test_the_place_to_install_from_is_written_once():
    files = [*ROOT.glob("*.md"), *(ROOT / "jaxnotes").rglob("*.py"), *NOTEBOOKS.rglob("*.py")]
    holders = [path.name for path in files if build.REPOSITORY in path.read_text(encoding="utf-8")]
    assert holders == ["build.py"]


def test_no_place_means_no_install_where_jaxnotes_is():
    """The setup cell runs as it is, and calls no installer."""
    for lang in build.LANGUAGES:
        exec(build.setup(lang), {"__name__": "setup"})
        assert "--no-deps" in build.setup(lang)


@pytest.mark.parametrize("lang", build.LANGUAGES)
def test_where_jaxnotes_is_not_to_be_had_one_sentence_says_what_to_do(lang, monkeypatch, tmp_path):
    """No traceback of pip; and a wheel beside the notebook is what is installed."""
    commands = []

    def run(command, **settings):
        commands.append(command)
        return subprocess.CompletedProcess(command, returncode=1)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    for wheel in ([], ["jaxnotes-1.0-py3-none-any.whl"]):
        for name in wheel:
            (tmp_path / name).touch()
        with pytest.raises(SystemExit) as left:
            exec(build.setup(lang), {"__name__": "setup"})
        assert left.value.code == build.WORDS[lang]["absent"]
        assert all(name in commands[-1] for name in wheel)


# The guards can fail.


@pytest.fixture
def copy(tmp_path):
    """The first lesson, alone in a folder of its own."""
    for kind in ("src", *build.LANGUAGES):
        (tmp_path / kind).mkdir()
    shutil.copy(NOTEBOOKS / "src" / "01_gradient.py", tmp_path / "src")
    for lang in build.LANGUAGES:
        shutil.copy(NOTEBOOKS / lang / "01_gradient.ipynb", tmp_path / lang)
    assert build.faults("01_gradient", tmp_path) == []
    return tmp_path


def change(path: Path, old: str, new: str):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_stale_notebook_is_found(copy):
    change(copy / "src" / "01_gradient.py", "x[0] ** 2 * x[1]", "x[0] ** 3 * x[1]")
    faults = build.faults("01_gradient", copy)
    assert len(faults) == 2
    assert all("the source has changed" in fault for fault in faults)


def test_a_notebook_edited_by_hand_is_found(copy):
    change(copy / "zh" / "01_gradient.ipynb", "01 梯度", "01 斜率")
    assert build.faults("01_gradient", copy) == ["zh/01_gradient: edited by hand, or build.py has changed"]


def test_an_output_edited_by_hand_is_found(copy):
    change(copy / "en" / "01_gradient.ipynb", "jax.grad: 0.540302", "jax.grad: 0.540303")
    assert build.faults("01_gradient", copy) == ["en/01_gradient: an output was edited by hand"]


def test_a_missing_notebook_is_found(copy):
    (copy / "en" / "01_gradient.ipynb").unlink()
    assert build.faults("01_gradient", copy) == ["en/01_gradient: not built"]


def test_stubs_keep_names_and_docstrings_and_lose_the_rest():
    solution = 'def f(x):\n    """Doc."""\n    y = x\n    return y\n\n\ny = f(\n    2\n)\ncheck("E1", f)'
    assert build.stub(solution) == 'def f(x):\n    """Doc."""\n    ...\n\n\ny = ...\ncheck("E1", f)'
    assert build.stub("def f(x):\n    return x") == "def f(x):\n    ..."


def test_warnings_and_addresses_are_errors_of_the_lesson():
    for output in ({"name": "stderr", "text": "Glyph 26799 missing"}, {"data": {"text/plain": "<Line2D at 0x7f01>"}}):
        with pytest.raises(SystemExit):
            build.cleaned(nbformat.from_dict({"output_type": "stream", **output}))


def test_words_are_taken_over_and_outputs_kept_unless_code_changed(copy):
    source = copy / "src" / "01_gradient.py"
    before = nbformat.read(copy / "en" / "01_gradient.ipynb", as_version=4)
    change(source, '# %% [markdown] lang="en"\n# # 01', '# %% [markdown] lang="en"\n# # New words 01')
    assert build.faults("01_gradient", copy)
    build.retell("01_gradient", copy)
    after = nbformat.read(copy / "en" / "01_gradient.ipynb", as_version=4)
    assert build.faults("01_gradient", copy) == []
    assert "New words" in after.cells[0].source
    assert [cell.get("outputs") for cell in after.cells] == [cell.get("outputs") for cell in before.cells]
    change(source, "x[0] ** 2 * x[1]", "x[0] ** 3 * x[1]")
    with pytest.raises(SystemExit, match="code has changed"):
        build.retell("01_gradient", copy)


def test_the_address_is_written_everywhere_and_a_placeholder_refused(tmp_path):
    for name in build.release.HOLDERS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    build.release.publish_at("ada/notes-in-jax", build.REPOSITORY, tmp_path)
    for name in build.release.HOLDERS:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "ada/notes-in-jax" in text
        assert build.REPOSITORY not in text
    with pytest.raises(SystemExit, match="expected OWNER/REPO"):
        build.release.publish_at(build.REPOSITORY, build.REPOSITORY, tmp_path)
