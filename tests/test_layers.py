"""The house stands on its floors: imports go down only, nothing runs at import, nothing private or global is used."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "jaxnotes"
FILES = sorted(PACKAGE.rglob("*.py"))
# The rooms of core in the order of permission: a room imports those of a lower rank and, of its own, only itself.
ROOMS = (("values",), ("special", "matrix"), ("lanes", "inference"), ("descent", "linear"), ("likelihood",))
RANK = {room: rank for rank, rooms in enumerate(ROOMS) for room in rooms}
WINGS = {"show", "check", "datasets", "cli", "groups", "tables"}
# What is in the package's own folder and is neither core, wing nor chapter.
PORCH = {"__init__", "_version"}
# Public names for a module of core: nothing but what they import and the list of it.
FACES = {"bijections", "methods"}
# A chapter that the notes themselves build on another, and one whose every answer is a fit of another.
BUILT_ON = {"neural_networks": {"activations"}, "screen": {"logistic_regression"}}
# The bar of long work on the host, drawn in a terminal or a notebook where rich happens to be installed.
BARS = {"jaxnotes.core.values.progress"}


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module(path): ast.parse(path.read_text()) for path in FILES}


def typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def statements(body, *, lazy: bool):
    """The statements that run: at import only, or those in functions too; never those for type checkers."""
    for node in body:
        if typing_only(node) or (not lazy and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))):
            continue
        yield node
        yield from statements(ast.iter_child_nodes(node), lazy=lazy)


def imported(name: str, *, lazy: bool = True) -> set[str]:
    """Modules that a module imports, by full name; `from package import module` counts as the module."""
    found = set()
    for node in statements(TREES[name].body, lazy=lazy):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import; write the full name"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {target if target in TREES else node.module for target in inner}
    return found


def ours(name: str, **options) -> set[str]:
    return {target for target in imported(name, **options) if target.split(".")[0] == "jaxnotes"}


def storey(name: str) -> str:
    """The file or folder of jaxnotes/ that a module is, or is a part of."""
    return [*name.split("."), "__init__"][1]


def room(name: str) -> str | None:
    """The room of core that a module is, or is a part of."""
    parts = name.split(".")
    return parts[2] if parts[:2] == ["jaxnotes", "core"] and len(parts) > 2 else None


CHAPTERS = {storey(name) for name in TREES} - WINGS - FACES - PORCH - {"core"}
CORE = [name for name in TREES if room(name)]


def test_the_parser_sees_imports():
    """Guards the guards: edges and chapters that are known to exist are found."""
    assert "jaxnotes.core.values.arrays" in ours("jaxnotes.least_squares.verbs")
    assert "jaxnotes.core.matrix.products" in ours("jaxnotes.core.linear.newton")
    assert {"least_squares", "gradients", "distributions"} <= CHAPTERS


def test_the_wings_the_faces_and_the_porch_are_there():
    assert {storey(name) for name in TREES} >= WINGS | FACES | PORCH | {"core"}


@pytest.mark.parametrize("name", [name for name in TREES if storey(name) in FACES])
def test_a_face_shows_what_core_has_and_adds_nothing(name):
    docstring, source, names = TREES[name].body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(source, ast.ImportFrom)
    assert room(source.module), f"{name} imports {source.module}"
    assert sorted(alias.name for alias in source.names) == ast.literal_eval(names.value)


@pytest.mark.parametrize("name", [name for name in TREES if storey(name) in CHAPTERS])
def test_chapters_import_core_and_not_each_other(name):
    own = {storey(name), *BUILT_ON.get(storey(name), ())}
    for target in ours(name):
        assert room(target) or storey(target) in own, f"{name} imports {target}"


@pytest.mark.parametrize("name", [name for name in TREES if storey(name) == "show"])
def test_show_imports_chapters_and_not_the_whole_package(name):
    assert "jaxnotes" not in imported(name), f"{name} imports the package that it is a part of"


def test_the_rooms_are_the_folders():
    assert {room(name) for name in CORE} == set(RANK)
    for path in (PACKAGE / "core").glob("*.py"):
        assert path.name == "__init__.py", f"{path.name}: core has rooms, and no files beside them"


@pytest.mark.parametrize("name", ["jaxnotes.core", *(f"jaxnotes.core.{room}" for room in RANK)])
def test_a_room_opens_with_a_paragraph_and_imports_nothing(name):
    (paragraph,) = TREES[name].body
    assert isinstance(paragraph, ast.Expr)
    assert ast.get_docstring(TREES[name])


@pytest.mark.parametrize("name", CORE)
def test_core_imports_lower_rooms_only(name):
    for target in ours(name):
        assert room(target), f"{name} imports {target}"
        below = RANK[room(target)] < RANK[room(name)]
        assert below or room(target) == room(name), f"{name} imports {target}, no lower room"


def test_imports_have_no_cycle():
    edges = {name: ours(name) & set(TREES) - {name} for name in TREES if storey(name) not in PORCH}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for target in edges.get(name, ()):
                visit(target, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize("name", TREES)
def test_what_is_private_stays_in_its_module(name):
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jaxnotes."):
            private = [alias.name for alias in node.names if alias.name.startswith("_")]
            assert not private, f"{name}:{node.lineno}: takes {', '.join(private)} of {node.module}"


@pytest.mark.parametrize("name", [name for name in TREES if not name.startswith(("jaxnotes.show", "jaxnotes.cli"))])
def test_show_is_a_leaf(name):
    """Only the console script and functions that run on demand may reach it; optional libraries stay inside it."""
    assert not any(target.startswith("jaxnotes.show") for target in imported(name, lazy=False)), name
    if name.startswith("jaxnotes.core") or storey(name) in CHAPTERS:
        assert not any(target.startswith("jaxnotes.show") for target in imported(name)), name
    optional = {"matplotlib", "typer", "rich", "scipy", "sklearn", "statsmodels", "chex", "ray", "pyspark"}
    optional -= {"rich"} if name in BARS else set()
    if storey(name) not in ("tables", "groups", "screen"):
        optional |= {"narwhals", "formulaic", "pyarrow", "duckdb", "polars", "pandas"}
    assert not {target.split(".")[0] for target in imported(name)} & optional, name


@pytest.mark.parametrize("name", TREES)
def test_optional_libraries_load_when_used(name):
    heavy = {"matplotlib", "typer", "rich", "optax", "scipy", "narwhals", "formulaic", "pyarrow", "duckdb", "polars"}
    assert not {target.split(".")[0] for target in imported(name, lazy=False)} & heavy, name


def dotted(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, (ast.Attribute, ast.Name)) else ""


# jax functions that only wrap or register and make no array.
HARMLESS = {
    "jax.jit", "jax.custom_jvp", "jax.custom_vjp", "jax.tree_util.register_dataclass",
    "jax.tree_util.register_pytree_node",
    "jax.tree_util.register_pytree_node_class", "jax.tree_util.Partial", "jax.vmap", "jax.grad", "functools.partial",
    "jnp.finfo", "jnp.dtype",
}  # fmt: skip


@pytest.mark.parametrize("name", TREES)
def test_nothing_is_made_at_import(name):
    """An array made at module level would start a device."""
    for node in statements(TREES[name].body, lazy=False):
        calls = [node] if isinstance(node, ast.Call) else []
        if isinstance(node, ast.ClassDef):
            calls += [c for c in node.decorator_list if isinstance(c, ast.Call)]
        for made in calls:
            function = dotted(made.func)
            jaxy = function.split(".")[0] in {"jax", "jnp", "lax"}
            assert not jaxy or function in HARMLESS, f"{name}:{made.lineno}: {function} at module level"
    for function in ast.walk(TREES[name]):
        if isinstance(function, (ast.FunctionDef, ast.Lambda)):
            for default in [*function.args.defaults, *(d for d in function.args.kw_defaults if d)]:
                made = {dotted(c.func).split(".")[0] for c in ast.walk(default) if isinstance(c, ast.Call)}
                assert not made & {"jax", "jnp"}, f"{name}:{default.lineno}: array as a default"


# Whose one purpose is to change a setting of the process when a user asks for it.
SET_ON_REQUEST = ("jaxnotes.core.values.cache",)


@pytest.mark.parametrize("name", TREES)
def test_nothing_private_or_global(name):
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Attribute):
            path = dotted(node)
            assert not path.startswith("jax._src"), f"{name}:{node.lineno}: {path}"
            settings = path in ("jax.config.update", "config.update")
            assert not settings or name in SET_ON_REQUEST, f"{name}:{node.lineno}: {path}"
            assert not path.startswith("os.environ"), f"{name}:{node.lineno}: {path}"
        if isinstance(node, ast.Assign):
            targets = [dotted(target) for target in node.targets]
            assert not any(target.startswith("jax.") for target in targets), f"{name}:{node.lineno}"
    for target in imported(name):
        assert not target.startswith(("jax._src", "jaxlib")), f"{name} imports {target}"


@pytest.mark.parametrize("name", [name for name in TREES if name.startswith("jaxnotes.core") or "_regression" in name])
def test_no_host_callbacks(name):
    source = ast.unparse(TREES[name])
    for word in ("pure_callback", "io_callback", "debug.print", "debug.callback", "host_callback"):
        assert word not in source, f"{name}: {word}"


def test_no_module_is_called_a_drawer():
    assert not {path.stem for path in FILES} & {"utils", "util", "misc", "helpers", "common"}
