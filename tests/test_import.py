"""Importing jaxnotes loads next to nothing, starts no device and changes no setting; what it promises is there."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jaxnotes

ROOT = Path(__file__).parent.parent
HEAVY = ["jax", "optax", "chex", "matplotlib", "scipy", "typer", "rich"]


def python(code: str, *flags: str) -> str:
    done = subprocess.run(
        [sys.executable, *flags, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_no_other_library():
    loaded = python(f"import jaxnotes, sys; print(*[name for name in {HEAVY} if name in sys.modules])")
    assert loaded == ""


def test_import_warns_of_nothing():
    assert python("import jaxnotes", "-W", "error") == ""


CHAPTERS = [
    "activations",
    "broadcasting",
    "curve_fitting",
    "distributions",
    "gradient_descent",
    "gradients",
    "information",
    "moments",
    "notation",
    "sums",
    "least_squares",
    "logistic_regression",
    "maximum_likelihood",
    "multinomial_regression",
    "neural_networks",
    "datasets",
    "show",
    "minimize",
    "minimize_path",
    "Status",
]


def test_chapters_load_jax_and_no_other_heavy_library():
    """SciPy is not asked about here: jax itself imports a part of it."""
    names = [name for name in HEAVY if name not in ("jax", "scipy")]
    code = f"import jaxnotes, sys; [getattr(jaxnotes, name) for name in {CHAPTERS}]"
    assert python(f"{code}; print(*[name for name in {names} if name in sys.modules])") == ""


def test_loading_everything_starts_no_device_and_changes_no_setting():
    code = """
import jax
before = dict(jax.config.values)
import jaxnotes
for name in jaxnotes.__all__:
    getattr(jaxnotes, name)
import jaxnotes.cli, jaxnotes.show.plots
assert dict(jax.config.values) == before
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized()
"""
    python(code)


def test_distributed_can_still_be_initialized():
    """jax.distributed.initialize refuses to run once any array has been made."""
    code = """
import socket
import jaxnotes
for name in jaxnotes.__all__:
    getattr(jaxnotes, name)
import jax
with socket.socket() as free:
    free.bind(("localhost", 0))
    port = free.getsockname()[1]
jax.distributed.initialize(f"localhost:{port}", num_processes=1, process_id=0)
print(jax.process_count())
"""
    assert python(code) == "1"


@pytest.mark.parametrize("name", jaxnotes.__all__)
def test_every_promised_name_is_there(name):
    assert getattr(jaxnotes, name) is not None
    assert name in dir(jaxnotes)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'no_such_chapter'"):
        _ = jaxnotes.no_such_chapter
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = jaxnotes.show.nothing


def promises() -> dict[str, dict[str, str]]:
    """What each list of the package's contents says: names, and the module that each is imported from."""
    tree = ast.parse(Path(jaxnotes.__file__).read_text())
    (for_types,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in for_types.body if isinstance(node, ast.ImportFrom)]
    rows = re.findall(r"^    (?:\w  )?(\w+(?:, \w+)*)  ", jaxnotes.__doc__, flags=re.MULTILINE)
    homes = dict.fromkeys(jaxnotes.__all__, "jaxnotes") | jaxnotes._HOMES
    return {
        "__all__": homes,
        "TYPE_CHECKING": {a.name: node.module for node in imports for a in node.names} | {"__version__": "jaxnotes"},
        "docstring": {name: homes.get(name, "") for row in rows for name in row.split(", ")}
        | {"__version__": "jaxnotes"},
    }


@pytest.mark.parametrize("place", ["TYPE_CHECKING", "docstring"])
def test_the_lists_of_contents_agree(place):
    assert promises()[place] == promises()["__all__"]
    assert sorted(jaxnotes.__all__) == jaxnotes.__all__


@pytest.mark.parametrize("name", [name for name in jaxnotes.__all__ if name not in jaxnotes._HOMES and name[0] != "_"])
def test_every_module_can_be_imported_by_its_name(name):
    assert importlib.import_module(f"jaxnotes.{name}") is getattr(jaxnotes, name)


def test_no_lesson_needs_what_is_not_public():
    for path in [*(ROOT / "notebooks" / "src").glob("*.py"), *ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")]:
        assert not re.findall(r"(?:import|from) jaxnotes\.core|jn\.core", path.read_text(encoding="utf-8")), path


def test_about_is_one_line_that_names_what_matters():
    line = jaxnotes.about()
    assert "\n" not in line
    for word in ("jaxnotes", "jax ", "numpy", "float", "matmul precision"):
        assert word in line
