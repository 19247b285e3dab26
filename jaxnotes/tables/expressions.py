"""Expressions of a formula: which columns they name, and their values. Arithmetic, NumPy's functions, C(), no more.

A formula may come from a file, so nothing is evaluated that is not on the lists below.
"""

import ast
import functools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxnotes.tables.frames import Levels

NAMED = ("log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "sqrt", "abs", "sin", "cos", "tan", "tanh", "sign")
FUNCTIONS = {name: getattr(np, name) for name in NAMED} | {"I": lambda x: x}
OF_NUMPY = {"where": np.where, "clip": np.clip}
NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Name, ast.Load, ast.Constant, ast.operator,
    ast.unaryop, ast.cmpop, ast.Attribute,
)  # fmt: skip


class Expression(NamedTuple):
    """A checked tree, the column that each name in it stands for, and of a category its levels or base, if given."""

    tree: ast.Expression
    columns: dict[str, str]
    category: bool = False
    levels: tuple[Any, ...] | None = None
    base: Any = None


@functools.lru_cache(maxsize=1024)
def parse(text: str, lookup: bool) -> Expression:
    """The expression of this text; of a lookup, the column of this name."""
    if lookup:
        return Expression(ast.parse("_0", mode="eval"), {"_0": text})
    quoted: dict[str, str] = {}

    def placeholder(match: re.Match) -> str:
        quoted[f"_{len(quoted)}"] = match[1]
        return f"_{len(quoted) - 1}"

    try:
        tree = ast.parse(re.sub(r"`([^`]+)`", placeholder, text), mode="eval")
    except SyntaxError:
        raise ValueError(f"formula: {text!r} is no expression.") from None
    category, levels, base = False, None, None
    body: Any = tree.body
    if _is_call(body, "C") and body.args:
        category, (levels, base) = True, _category(text, body)
        tree = ast.Expression(body.args[0])
    _check(text, tree)
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    modules = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in functions | modules]
    return Expression(tree, {name: quoted.get(name, name) for name in names}, category, levels, base)


def evaluate(expression: Expression, columns: Mapping[str, Any]) -> np.ndarray | Levels:
    """Its values; columns: numbers or `Levels` by name. A column of labels alone stays one."""
    held = {name: columns[column] for name, column in expression.columns.items()}
    if isinstance(expression.tree.body, ast.Name):
        return held[expression.tree.body.id]
    for name, column in held.items():
        if isinstance(column, Levels):
            raise TypeError(
                f"{expression.columns[name]}: expected numbers in {ast.unparse(expression.tree)!r}, got labels such as "
                f"{column.labels[:1]}. Labels enter alone, or as C({expression.columns[name]})."
            )
    code = compile(ast.fix_missing_locations(expression.tree), "<formula>", "eval")
    with np.errstate(all="ignore"):
        result = eval(code, {"__builtins__": {}, "np": np, **FUNCTIONS}, held)
    length = len(next(iter(held.values())))
    return np.broadcast_to(np.asarray(result), (length,))


def _check(text: str, tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if not _known(name) or node.keywords:
                raise ValueError(
                    f"formula: {name}() in {text!r} is not offered. There are {', '.join(NAMED)}, I, C and those of "
                    "np that work entry by entry. Add any other column to the frame first."
                )
        elif isinstance(node, ast.Attribute):
            if not _known(ast.unparse(node)):
                raise ValueError(f"formula: {ast.unparse(node)!r} in {text!r} is no function of np, entry by entry.")
        elif not isinstance(node, NODES) or (
            isinstance(node, ast.Constant) and not isinstance(node.value, (int, float))
        ):
            raise ValueError(f"formula: {ast.unparse(node)!r} in {text!r} is not offered. Add a column to the frame.")


def _known(function: str) -> bool:
    module, _, name = function.rpartition(".")
    if module == "np":
        return name in OF_NUMPY or isinstance(getattr(np, name, None), np.ufunc)
    return not module and name in FUNCTIONS


def _is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == name


def _category(text: str, call: Any) -> tuple[tuple[Any, ...] | None, Any]:
    """The levels and the base of C(x), C(x, levels=[...]), C(x, contr.treatment("b")) or C(x, Treatment("b"))."""
    try:
        levels = next((ast.literal_eval(word.value) for word in call.keywords if word.arg == "levels"), None)
        coding = call.args[1] if len(call.args) > 1 else None
        if coding is None:
            return None if levels is None else tuple(levels), None
        known = isinstance(coding, ast.Call) and ast.unparse(coding.func) in ("contr.treatment", "Treatment")
        given = [*coding.args, *(word.value for word in coding.keywords)] if known else []
        if len(given) == 1:
            return None if levels is None else tuple(levels), ast.literal_eval(given[0])
    except (ValueError, IndexError):
        pass
    raise ValueError(f'formula: {text!r} is not offered. There are C(x), C(x, levels=[...]) and C(x, Treatment("b")).')
