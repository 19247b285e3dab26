"""Certified cases kept beside the project: found where they are there, skipped with a message where they are not."""

import functools
import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "reference"


def present() -> bool:
    return FOLDER.is_dir()


@functools.cache
def cases(file: str) -> dict[str, dict[str, Any]]:
    """The cases of one file by name; none where the folder is absent."""
    if not present():
        return {}
    return {case["name"]: case for case in json.loads((FOLDER / f"{file}.json").read_text())["cases"]}


def names(file: str, *, keep=lambda case: True) -> list:
    """Names for `pytest.mark.parametrize`: of the cases to keep, or one that skips."""
    found = [name for name, case in cases(file).items() if keep(case)]
    return found or [pytest.param("absent", marks=pytest.mark.skip(reason=f"{FOLDER / file}.json is not there"))]


def case(file: str, name: str) -> dict[str, Any]:
    """One case, or a skip."""
    if not present():
        pytest.skip(f"{FOLDER} is not there")
    return cases(file)[name]


def columns(case: dict[str, Any]) -> dict[str, np.ndarray]:
    """The data of a case, by column, in float64."""
    data = case["data"]
    if "csv" not in data:
        return {name: np.asarray(values, np.float64) for name, values in data.items()}
    table = np.genfromtxt(FOLDER / data["csv"], delimiter=",", names=True)
    return {name: np.asarray(table[name], np.float64) for name in table.dtype.names}


def evaluate(expression: str, data: dict[str, np.ndarray]) -> np.ndarray:
    """A NumPy expression of the file over its columns."""
    return np.asarray(eval(expression, {"np": np}, dict(data)), np.float64)  # the files are ours and are read, not run


def design(case: dict[str, Any]) -> tuple[np.ndarray, bool, list[int]]:
    """X (n, p) without the column of ones, whether there was one, and where its numbers come when the ones go first."""
    expressions, data = case["design_columns"], columns(case)
    ones = [j for j, expression in enumerate(expressions) if expression.startswith("np.ones_like(")]
    rest = [j for j in range(len(expressions)) if j not in ones]
    n = len(next(iter(data.values())))
    X = np.column_stack([evaluate(expressions[j], data) for j in rest]) if rest else np.zeros((n, 0))
    return X, bool(ones), ones + rest


def numbers(texts: list[str] | str) -> np.ndarray:
    """Decimal texts as float64."""
    return np.asarray(texts, dtype=object).astype(np.float64)


def lre(estimate, reference, cap: float = 15.0) -> float:
    """The log relative error, smallest over a vector, at most `cap`: the number of right digits. NaN counts as none."""
    estimate, reference = (np.atleast_1d(np.asarray(a, np.float64)) for a in (estimate, reference))
    assert estimate.shape == reference.shape
    error = np.abs(estimate - reference) / np.where(reference == 0, 1, np.abs(reference))
    if not np.all(np.isfinite(error)):
        return -np.inf
    return float(np.min(np.minimum(-np.log10(np.maximum(error, 10.0 ** -(cap + 1))), cap)))


# Moré, Garbow and Hillstrom (1981), ACM TOMS 7, 17-41: sums of squares that were chosen to be hard to minimize.


class AsNumpy:
    """The `np` of the reference expressions, in jax.numpy: lists of numbers count as arrays."""

    def __getattr__(self, name):
        return getattr(jnp, name)

    def array(self, values):
        return jnp.stack([jnp.asarray(value, float) for value in values])

    def concatenate(self, parts):
        return jnp.concatenate([jnp.asarray(part, float) for part in parts])


def number(text: str) -> float:
    top, _, bottom = text.partition("/")
    return float(top) / float(bottom or 1)


def sum_of_squares(case):
    """The function and its standard start."""
    constants = {name: np.asarray(values, object).astype(float) for name, values in case["constants"].items()}

    def fun(x):
        scope = {"np": AsNumpy(), "x": x, **{name: jnp.asarray(values) for name, values in constants.items()}}
        for name, expression in case["definitions"].items():
            scope[name] = eval(expression, scope)
        return jnp.sum(eval(case["residuals"], scope) ** 2)

    return fun, np.array([number(text) for text in case["x0"]])
