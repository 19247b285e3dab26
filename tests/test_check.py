"""The checker of exercises: solutions pass, untouched stubs fail, every known mistake fails with its own hint."""

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnotes import check
from jaxnotes.check.diagnosis import Raised
from jaxnotes.check.exercise import agree, shown

EXERCISES = check.exercises()
MISTAKES = [(id, k) for id, exercise in EXERCISES.items() for k in range(len(exercise.mistakes))]
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
pytestmark = pytest.mark.repeated


@pytest.mark.one_in(4)
@pytest.mark.parametrize("id", EXERCISES)
def test_the_truth_passes(id):
    report = check.examine(EXERCISES[id], EXERCISES[id].truth)
    assert report.passed, report.text("en")
    assert id in report.text("en")
    assert id in report.text("zh")


@pytest.mark.parametrize(("id", "k"), MISTAKES)
def test_every_mistake_fails_with_its_own_hint(id, k):
    exercise = EXERCISES[id]
    mistake = exercise.mistakes[k]
    report = check.examine(exercise, mistake.answer)
    assert not report.passed
    assert report.hint is mistake, report.text("en")
    assert report.text("en").endswith("Hint: " + mistake.en)
    assert report.text("zh").endswith("提示：" + mistake.zh)


@pytest.mark.parametrize("id", EXERCISES)
def test_hints_are_told_apart_and_written_in_both_languages(id):
    exercise = EXERCISES[id]
    assert exercise.mistakes
    assert len({mistake.en for mistake in exercise.mistakes}) == len(exercise.mistakes)
    for mistake in exercise.mistakes:
        assert any("一" <= letter <= "鿿" for letter in mistake.zh)
        assert mistake.en.isascii()


@pytest.mark.parametrize("id", EXERCISES)
def test_the_examination_is_the_same_every_time(id):
    exercise = EXERCISES[id]
    answer = exercise.mistakes[0].answer
    assert check.examine(exercise, answer).text("zh") == check.examine(exercise, answer).text("zh")


@pytest.mark.parametrize("id", EXERCISES)
def test_nothing_is_no_answer(id):
    for nothing in (..., lambda *args: None, lambda *args: ...):
        report = check.examine(EXERCISES[id], nothing)
        assert not report.passed
    assert "no answer yet" in check.examine(EXERCISES[id], ...).text("en")


@functools.cache
def lesson_exercises() -> dict[str, tuple[str, str]]:
    """By its id, every exercise cell of the lessons, and the imports of its lesson."""
    pytest.importorskip("jupytext")
    sys.path.insert(0, str(NOTEBOOKS))
    import build

    sys.path.remove(str(NOTEBOOKS))
    found = {}
    for name in build.names():
        code = [cell for cell in build.source_cells(name) if cell.cell_type == "code"]
        nodes = [node for cell in code for node in ast.parse(cell.source).body]
        imports = "\n".join(ast.unparse(node) for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)))
        found |= {cell.metadata["exercise"]: (cell.source, imports) for cell in code if "exercise" in cell.metadata}
    return found


def run_cell(source: str, imports: str) -> list[check.Report]:
    """The reports of the cell's own calls of check."""
    reports, names = [], {}
    exec(imports, names)
    names["check"] = lambda id, answer: reports.append(check.examine(EXERCISES[id], answer))
    exec(source, names)
    return reports


@pytest.mark.parametrize("id", EXERCISES)
def test_the_lesson_holds_solution_and_stub(id):
    """The solution in the source passes; the stub made from it, which the notebook shows, fails as empty."""
    cells = lesson_exercises()
    assert id in cells
    import build

    source, imports = cells[id]
    for report in run_cell(source, imports):
        assert report.id == id
        assert report.passed, report.text("en")
    (report,) = run_cell(build.stub(source), imports)
    assert report.empty, report.text("en")


def test_every_exercise_cell_is_registered():
    assert set(lesson_exercises()) == set(EXERCISES)


def test_the_smallest_counterexample_comes_first(capsys):
    check.en("E1.1", lambda f, x, u: jax.numpy.dot(jax.grad(f)(x), u))
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].strip() == "f = 3 x0 + x1, x = [1., 2.], u = [2., 0.]"
    assert printed[2].strip() == "expected 3, got 6"


def test_an_error_is_reported_with_the_input_that_raised_it(capsys):
    def answer(x):
        raise RuntimeError("out of ideas")

    check.zh("E0.1", answer)
    assert "得到 RuntimeError: out of ideas" in capsys.readouterr().out


def test_an_unknown_mistake_gets_no_hint():
    text = check.examine(EXERCISES["E0.1"], lambda x: 17.0).text("en")
    assert "got 17" in text
    assert "Hint" not in text


def test_an_unknown_exercise_is_refused():
    with pytest.raises(ValueError, match=r"exercise: expected one of E0.1, .*, got 'E9.99'"):
        check.en("E9.99", None)


def test_agreement():
    assert agree((1, 2.0), (1, np.float32(2)), 1e-6)
    assert agree(np.array([1.0, np.nan]), np.array([1.0, np.nan]), 0)
    assert not agree(np.ones(3), np.ones((3, 1)), 1)
    assert not agree((1,), 1, 1)
    assert not agree("a", "b", 1)
    assert agree(Raised("ValueError", "one"), Raised("ValueError", "other"), 0)
    assert not agree(Raised("ValueError", ""), Raised("TypeError", ""), 0)


def test_values_are_shown_shortly():
    assert shown(np.zeros((10, 10))).endswith("of shape (10, 10)")
    assert shown((4, 3)) == "(4, 3)"
    assert shown(jax.numpy.float32(0.1)) == "0.1"
    assert shown(None) == "None"


# Wrong answers that no exercise knows, by the general form that they take, and a word of the hint.
UNKNOWN = {
    "a wrong count of arguments": ("E1.1", lambda f, x: x, "takes (f, x, u), yours takes (f, x)"),
    "an error inside": ("E1.1", lambda f, x, u: undefined_name, "the line that fails is: "),  # noqa: F821
    "one where": (
        "E8.1",
        lambda z, y: jnp.where(z > 0, z + jnp.log1p(jnp.exp(-z)), jnp.log1p(jnp.exp(z))) - y * z,
        "the gradient is NaN",
    ),
    "a sum for a mean, doubled": ("E0.1", lambda x: 2 * (x @ x) / len(x), "multiply by 0.5"),
    "the wrong sign": ("E0.1", lambda x: -(x @ x) / len(x), "the sign"),
    "divided twice": ("E0.1", lambda x: (x @ x) / len(x) ** 2, "divided by len(x) once too often"),
    "a shape": ("E0.1", lambda x: (x @ x / len(x))[None], "expected shape (), got (1,). The numbers are right."),
    "transposed": ("E9.4", lambda *all: turned(EXERCISES["E9.4"].truth(*all)), "transposed"),
    "reversed": ("E9.4", lambda *all: EXERCISES["E9.4"].truth(*all)[::-1], "in reverse order"),
    "one part": ("E9.4", lambda *all: (*EXERCISES["E9.4"].truth(*all)[:2], 0 * all[2]), "only part 3"),
    "several readings": ("E11.4", (4, 5, 3, 3, 1, 4.61), "there are five terms"),
}


def turned(parts):
    return (parts[0].T, *parts[1:])


@pytest.mark.parametrize("what", UNKNOWN)
def test_a_general_form_of_being_wrong_is_told(what):
    id, answer, hint = UNKNOWN[what]
    report = check.examine(EXERCISES[id], answer)
    assert hint in report.text("en").splitlines()[-1], report.text("en")
    assert "提示：" in report.text("zh")


def notebook(*outputs: str) -> str:
    def cell(text):
        return {"cell_type": "code", "outputs": [{"output_type": "stream", "name": "stdout", "text": [text]}]}

    return json.dumps({"cells": [{"cell_type": "markdown", "source": "E1.1 ✓"}, *map(cell, outputs)]})


def test_a_class_is_marked_without_running_its_code(tmp_path):
    id = "E0.1"
    passed = check.examine(EXERCISES[id], EXERCISES[id].truth).text("zh")
    failed = check.examine(EXERCISES[id], EXERCISES[id].mistakes[0].answer).text("en")
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "00.ipynb").write_text(notebook(failed, passed), encoding="utf-8")
    (tmp_path / "bob.ipynb").write_text(notebook(passed.replace("E0.1", "E1.1") + "\n" + failed), encoding="utf-8")
    run = [sys.executable, "-m", "jaxnotes.check", str(tmp_path), "--csv", str(tmp_path / "class.csv")]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["ann/00.ipynb  1 of 1", "bob.ipynb     1 of 2  E0.1"]
    rows = (tmp_path / "class.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "notebook,exercise,solved,hint"
    assert rows[-1].startswith("bob.ipynb,E0.1,False,")
    assert EXERCISES[id].mistakes[0].en[:20] in rows[-1]
    (tmp_path / "torn.ipynb").write_text("{")
    torn = subprocess.run(run, capture_output=True, text=True, check=False)
    assert torn.returncode == 2
    assert "torn.ipynb: expected a notebook" in torn.stderr
