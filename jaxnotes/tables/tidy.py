"""Answers as tidy rows: one for each parameter of each model, text for words and null for what there is not."""

from typing import Any

import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values.params import LinearParams
from jaxnotes.core.values.status import Solution
from jaxnotes.groups.result import names_of
from jaxnotes.tables.needs import needed
from jaxnotes.tables.specs import Spec

NUMBERS = ("estimate", "se", "statistic", "pvalue", "lower", "upper")


def tidy(spec: Spec, keys: Any, solution: Solution, inference: Inference, n_obs: np.ndarray, kept: np.ndarray) -> Any:
    """The tidy rows of models as a pyarrow table: keys, class, term, numbers, status, n_obs, dropped."""
    pa = needed("pyarrow")
    many, terms = len(n_obs), spec.terms
    classes = [str(level) for level in (spec.response_levels or [])[1:]] if spec.model == "multinomial" else []
    times = len(terms) * max(1, len(classes))
    columns = {name: keys[name].take(np.repeat(np.arange(many), times)) for name in keys.column_names}
    if classes:
        columns["class"] = words(np.repeat(np.arange(len(classes)), len(terms)), classes, many)
    columns["term"] = words(np.tile(np.arange(len(terms)), max(1, len(classes))), terms, many)
    for name in NUMBERS:
        columns[name] = nullable(getattr(inference, name).reshape(-1))
    columns["status"] = pa.array(np.repeat(names_of(solution.status), times), pa.string())
    columns["n_obs"] = pa.array(np.repeat(n_obs, times))
    columns["dropped"] = pa.array(np.tile(dropped(spec, kept), (1, max(1, len(classes)))).reshape(-1))
    return pa.table(columns)


def nothing(spec: Spec) -> tuple[Solution, Inference]:
    """The answers about no groups at all."""
    q = len(spec.terms) * (max(2, len(spec.response_levels or ())) - 1 if spec.model == "multinomial" else 1)
    vector: Any = np.zeros((0, q), spec.dtype)
    number: Any = np.zeros(0, spec.dtype)
    shape = (0, q // len(spec.terms), len(spec.names)) if spec.model == "multinomial" else (0, len(spec.names))
    coef: Any = np.zeros(shape, spec.dtype)
    params = LinearParams(coef, coef.sum(axis=-1) if spec.parsed.intercept else None)
    solution = Solution(params, number, number, number.astype(np.int32), number.astype(np.int8), number)
    covariance: Any = np.zeros((0, q, q), spec.dtype)
    vectors: dict[str, Any] = {name: vector for name in NUMBERS}
    return solution, Inference(**vectors, covariance=covariance, df=number)


def dropped(spec: Spec, kept: np.ndarray) -> np.ndarray:
    """Which terms each model does without, the intercept first, (G, q)."""
    first = np.ones((len(kept), int(spec.parsed.intercept)), bool)
    return ~np.concatenate([first, kept], axis=1)


def words(places: np.ndarray, texts: list[str], times: int) -> Any:
    """The texts at these places, so many times over."""
    pa = needed("pyarrow")
    indices = pa.array(np.tile(places.astype(np.int32), times))
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string())).cast(pa.string())


def nullable(values: np.ndarray) -> Any:
    """Numbers, null where they are NaN."""
    return needed("pyarrow").array(values, from_pandas=True)
