"""The command line, run as a person runs it: in a process of its own, 80 columns wide."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import jaxnotes as jn
from jaxnotes import cli

ROOT = Path(__file__).parent.parent


def jaxnotes(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", "from jaxnotes.cli import main; main()", *arguments],
        cwd=folder,
        env=os.environ
        | {"COLUMNS": "80", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder) -> str:
    for library in ("typer", "rich", "matplotlib"):
        pytest.importorskip(library)
    done = jaxnotes("demo", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_demo_prints_the_known_answers(demo):
    for piece in (
        "temperature   -0.2322  0.1082  -2.14   0.0320",
        "P(distress) at 31 F, the morning of the accident: 0.9996.",
        "Slopes of all four:  0.5001  0.5000  0.4997  0.4999",
        "Standard errors:     0.1179  0.1180  0.1179  0.1178",
        "-3482259   890420",
        "10,000 bootstrap logistic regressions",
    ):
        assert piece in demo
    assert demo.count("CONVERGED in ") == 3


@pytest.mark.long
def test_demo_accounts_for_every_draw(demo):
    line = next(line for line in demo.splitlines() if line.endswith("SEPARATED."))
    counts = [int(part.split()[0].replace(",", "")) for part in line.split("compiled. ")[1].split(", ")]
    assert sum(counts) == cli.CALLS * cli.DRAWS == 10_000
    assert 9000 < counts[0] < 10_000


def test_demo_stays_within_80_columns(demo):
    body = demo.split("\n\n1. ", 1)[1]
    assert max(map(len, body.splitlines())) <= 80


def test_demo_writes_two_pictures_where_it_says(demo, folder):
    named = [line.strip() for line in demo.splitlines() if line.endswith(".png")]
    assert named == [str(Path("jaxnotes-demo") / name) for name in ("o_ring_curve.png", "gradient_descent.png")]
    for name in named:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_about_is_the_line_of_the_library_within_80_columns():
    pytest.importorskip("typer")
    done = jaxnotes("about")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.startswith(f"jaxnotes {jn.__version__}, jax ")
    assert "matmul precision" in " ".join(done.stdout.split())


def test_alone_it_names_all_commands():
    pytest.importorskip("typer")
    done = jaxnotes()
    assert done.returncode == 0, done.stderr
    for command in ("demo", "about", "fit"):
        assert command in done.stdout


def test_demo_ends_with_what_to_do_next(demo):
    assert "jaxnotes fit sales.csv" in demo[-400:]


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_the_message_names_it(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit, match=rf'{missing} for this: pip install "jaxnotes\[cli\]"'):
        cli.main()


def test_demo_without_matplotlib_stops_before_it_works(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit, match=r'matplotlib for this: pip install "jaxnotes\[plots\]"'):
        cli.demo(tmp_path / "never")
    assert not (tmp_path / "never").exists()
