"""The house stands on its floors: imports go down only, nothing runs at import, nothing private or global is used."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "jaxnotes"
FILES = sorted(PACKAGE.rglob("*.py"))
CHAPTERS = {
    "gradients", "gradient_descent", "broadcasting", "least_squares", "curve_fitting", "distributions",
    "maximum_likelihood", "logistic_regression", "multinomial_regression", "neural_networks", "activations", "moments",
    "information", "sums", "notation",
}  # fmt: skip
# A chapter that the notes themselves build on another.
BUILT_ON = {"neural_networks": {"activations", "activation_choice"}}
LEVELS = [
    {
        "arrays", "captured", "double_word", "trees", "compat", "special", "products", "numerics", "loop",
        "logs", "gamma_terms", "log_tails",
    },
    {"status", "linalg", "scaling", "curvature", "bijections", "triangles"},
    {"rows", "row_chunks", "softmax", "separation", "batching", "implicit", "inference", "methods", "delta_method"},
    {"block_newton", "block_least_squares", "block_minimize", "levenberg_marquardt", "solve", "minibatches"},
    {"many_rows", "many_rows_least_squares", "goodness"},
    {"linear_predictor"},
    {"likelihood"},
    {"block_likelihood", "profile", "likelihood_tests"},
]  # fmt: skip
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}


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


def level(stem: str) -> int:
    assert stem in LEVEL, f"core/{stem}.py: give it a level in this table"
    return LEVEL[stem]


def core_name(target: str) -> str | None:
    parts = target.split(".")
    return parts[2] if parts[:2] == ["jaxnotes", "core"] and len(parts) > 2 else None


def test_the_parser_sees_imports():
    """Guards the guards: edges that are known to exist are found."""
    assert "jaxnotes.core.arrays" in ours("jaxnotes.least_squares")
    assert "jaxnotes.core.products" in ours("jaxnotes.core.block_newton")


def chapter(name: str) -> str:
    """The chapter that a module is, or is a part of."""
    return [*name.split("."), ""][1]


@pytest.mark.parametrize("name", [name for name in TREES if chapter(name) in CHAPTERS])
def test_chapters_import_core_and_not_each_other(name):
    own = {chapter(name), *BUILT_ON.get(chapter(name), ())}
    for target in ours(name):
        assert core_name(target) or chapter(target) in own, f"{name} imports {target}"


CORE = [name for name in TREES if core_name(name)]


def test_every_core_module_has_a_level():
    assert {core_name(name) for name in CORE} <= set(LEVEL)


@pytest.mark.parametrize("name", CORE)
def test_core_imports_core_only_and_never_upwards(name):
    for target in ours(name):
        assert core_name(target), f"{name} imports {target}"
        assert level(core_name(target)) <= level(core_name(name)), f"{name} imports {target} from a higher level"


def test_imports_have_no_cycle():
    edges = {name: ours(name) & set(TREES) for name in CORE}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for target in edges.get(name, ()):
                visit(target, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize("name", [name for name in TREES if not name.startswith(("jaxnotes.show", "jaxnotes.cli"))])
def test_show_is_a_leaf(name):
    """Only the console script and functions that run on demand may reach it; optional libraries stay inside it."""
    assert not any(target.startswith("jaxnotes.show") for target in imported(name, lazy=False)), name
    if name.startswith("jaxnotes.core") or name.split(".")[-1] in CHAPTERS:
        assert not any(target.startswith("jaxnotes.show") for target in imported(name)), name
    optional = {"matplotlib", "typer", "rich", "scipy", "sklearn", "statsmodels", "chex"}
    assert not {target.split(".")[0] for target in imported(name)} & optional, name


@pytest.mark.parametrize("name", TREES)
def test_optional_libraries_load_when_used(name):
    heavy = {"matplotlib", "typer", "rich", "optax", "scipy"}
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


@pytest.mark.parametrize("name", TREES)
def test_nothing_private_or_global(name):
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Attribute):
            path = dotted(node)
            assert not path.startswith("jax._src"), f"{name}:{node.lineno}: {path}"
            assert path not in ("jax.config.update", "config.update"), f"{name}:{node.lineno}: {path}"
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
