"""Every row of the symbol table is run; every symbol among the library's arguments has a row."""

import enum
import inspect
import math
import pkgutil
import re
import unicodedata
from importlib import import_module
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jaxnotes as jn
from jaxnotes import notation
from jaxnotes.notation import GROUPS, PARAMETERS, SYMBOLS

# Examples are sums of a few terms near 1; the exponent of 𝒪 goes through logarithms of some 6 and their differences.
ROUNDING = {"float32": 3e-6, "float64": 1e-13}


def find(symbol: str) -> notation.Symbol:
    (found,) = [row for row in SYMBOLS if row.symbol == symbol]
    return found


def run(row: notation.Symbol, **changed):
    """What the expression gives after the statements of its example, with some of their names changed."""
    names = {"jax": jax, "jnp": jnp, "jn": jn, "np": np, "math": math}
    exec(row.given, names)
    return eval(row.expression, names | changed)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("row", SYMBOLS, ids=lambda row: row.symbol)
def test_every_example(row, dtype):
    result, expected = run(row), np.asarray(row.value)
    assert np.shape(result) == expected.shape
    assert (np.asarray(result).dtype == bool) == (expected.dtype == bool)
    np.testing.assert_allclose(result, expected, rtol=ROUNDING[dtype.name], atol=0)
    if isinstance(result, jax.Array) and jnp.issubdtype(result.dtype, jnp.floating):
        assert result.dtype == dtype


# The notes' words for their symbols, in their order; 范数 where they have 正则.
NOTES = {
    "数字": "标量 向量 矩阵 张量 单位矩阵 第i个元素 第i行第j列的元素",
    "集合论": "集合 整数 实数 n维实 a行 并集 交集 相对补集",
    "函数和运算符": "函数 自然对数 指数函数 指示函数 转置 矩阵的逆 按元素相乘 连结 基数 Lp范数 L2范数 点积 "
    "连加 连乘 定义",
    "微积分": "导数 偏导数 梯度 定积分 不定积分",
    "概率与信息论": "概率分布 随机变量z 条件 概率密度函数 数学期望 独立 条件 方差 标准差 协方差 相关 熵 KL",
    "复杂度": "大O标记",
}


def test_the_whole_table_in_the_order_of_the_notes():
    assert [group.zh for group in GROUPS] == list(NOTES)
    for group, words in zip(GROUPS, NOTES.values(), strict=True):
        for row, word in zip(group.symbols, words.split(), strict=True):
            assert word in row.zh, row
    assert len(SYMBOLS) == 49
    assert len({row.symbol for row in SYMBOLS}) == len({row.latex for row in SYMBOLS}) == len(SYMBOLS)


def test_texts():
    """Chinese is written as Chinese with its own punctuation, English without either; the notes' errors are gone."""
    for row in (*SYMBOLS, *PARAMETERS):
        assert re.search(r"[\u4e00-\u9fff]", row.zh), row
        assert not re.search(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]", row.en + row.symbol), row
        assert not re.search(r"[,:;(] ?[\u4e00-\u9fff]|[\u4e00-\u9fff] ?[,:;)]|正则", row.zh), row
    for symbol, corrected in [("ℝⁿ", "集合"), ("P(X | Y)", "条件分布"), ("Eₓ[f(x)]", "x ∼ P"), ("‖·‖ₚ", "范数")]:
        assert corrected in find(symbol).zh


@pytest.mark.parametrize("row", SYMBOLS, ids=lambda row: row.symbol)
def test_latex_can_be_set(row):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    mathtext.MathTextParser("path").parse(f"${row.latex}$")


# Laws that hold for any numbers, so that no row is right at its example only.


@pytest.mark.long
@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)))
def test_sets(a, b):
    A, B, everything = (jnp.array(sorted(s), int) for s in (a, b, range(10)))
    for symbol, expected in [("𝒜 ∪ ℬ", a | b), ("𝒜 ∩ ℬ", a & b), ("𝒜 ∖ ℬ", a - b)]:
        assert run(find(symbol), A=A, B=B).tolist() == sorted(expected)
    assert run(find("|𝒳|"), x=jnp.concatenate([A, A])) == len(a)
    of = [run(find("𝟏_𝒳"), X=s, x=everything) for s in (A, B, run(find("𝒜 ∩ ℬ"), A=A, B=B))]
    np.testing.assert_array_equal(of[0] * of[1], of[2])


def test_what_is_no_member():
    for x in (math.pi, math.nan, -math.inf):
        assert not run(find("ℤ"), x=x)
    for x in (math.nan, -math.inf, 2 + 1j):
        assert not run(find("ℝ"), x=x)
    for x in (jnp.zeros(2), jnp.zeros((3, 1)), jnp.zeros(3, complex)):
        assert not run(find("ℝⁿ"), x=x)
    for X in (jnp.zeros((3, 2)), jnp.zeros(2), jnp.zeros((2, 3), complex)):
        assert not run(find("ℝᵃˣᵇ"), X=X)


def test_definite_integral_is_exact_for_polynomials(double):
    a, b, coefficients = -1.5, 2.5, [1, -2, 0, 5]
    exact = np.polynomial.Polynomial(coefficients).integ()
    named = {"f": np.polynomial.Polynomial(coefficients), "a": a, "b": b}
    assert float(run(find("∫ₐᵇf(x)dx"), **named)) == pytest.approx(exact(b) - exact(a), rel=1e-13)
    assert float(run(find("∫ₐᵇf(x)dx"), **named | {"a": b, "b": a})) == pytest.approx(exact(a) - exact(b), rel=1e-13)


@pytest.mark.parametrize("x", [-2.0, 0.0, 1.5])
def test_indefinite_integral_undoes_the_derivative(x, double):
    def integral(x):
        return run(find("∫f(x)dx"), f=jnp.exp, x=x)

    assert float(integral(x)) == pytest.approx(math.expm1(x), rel=1e-13)
    assert float(jax.grad(integral)(x)) == pytest.approx(math.exp(x), rel=1e-13)


def laws(seed: int, *shape: int) -> np.ndarray:
    """Distributions along the last axis."""
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1])


def test_a_conditional_distribution_is_one(dtype):
    """Each column sums to 1, and P(X | Y) P(Y) is the joint table."""
    joint = laws(0, 12).reshape(3, 4).astype(dtype)
    conditional = run(find("P(X | Y)"), joint=jnp.array(joint))
    np.testing.assert_allclose(conditional.sum(0), 1, rtol=ROUNDING[dtype.name])
    np.testing.assert_allclose(conditional * joint.sum(0)[None], joint, rtol=ROUNDING[dtype.name])


def test_independence(dtype):
    joint = np.outer(laws(1, 3), laws(2, 4)).astype(dtype)
    assert run(find("X ⊥ Y"), joint=jnp.array(joint))
    joint[0, 0] += 1e-3
    joint[0, 1] -= 1e-3
    assert not run(find("X ⊥ Y"), joint=jnp.array(joint))


def test_independence_and_conditional_independence_do_not_imply_each_other(dtype):
    """Two noisy readings Z of one coin, and two coins with their exclusive or Z."""
    z, x, y = laws(3, 2), laws(4, 2, 3), laws(5, 2, 4)
    readings = jnp.array(np.einsum("k,ki,kj->kij", z, x, y).astype(dtype))
    exclusive = jnp.array(np.array([np.eye(2), 1 - np.eye(2)], dtype) / 4)
    assert run(find("X ⊥ Y | Z"), joint=readings)
    assert not run(find("X ⊥ Y"), joint=readings.sum(0))
    assert run(find("X ⊥ Y"), joint=exclusive.sum(0))
    assert not run(find("X ⊥ Y | Z"), joint=exclusive)


def test_moments_of_a_random_variable_against_their_definitions(double):
    """E, Var, σ, Cov, ρ from probabilities, not from a sample: nothing is taken off a divisor."""
    rng = np.random.default_rng(6)
    x, y, P = rng.standard_normal(5), rng.standard_normal(5), laws(7, 5)
    dx, dy = x - P @ x, y - P @ y
    named = {"x": x, "y": y, "P": P}
    expected = {
        "Eₓ[f(x)]": P @ x**2,
        "Var(X)": P @ dx**2,
        "σ_X": np.sqrt(P @ dx**2),
        "Cov(X, Y)": P @ (dx * dy),
        "ρ(X, Y)": P @ (dx * dy) / np.sqrt(P @ dx**2 * (P @ dy**2)),
    }
    for symbol, value in expected.items():
        assert float(run(find(symbol), **named)) == pytest.approx(value, rel=1e-13), symbol


def test_draws_have_their_distribution():
    """z ∼ P: the frequency of 1 in 10,000 draws is within five standard errors of p."""
    P = jn.distributions.Bernoulli.Params(p=0.3)
    draws = run(find("z ∼ P"), key=jax.random.key(1), P=P, n=10_000)
    assert set(np.unique(draws).tolist()) == {0, 1}
    assert abs(float(jnp.mean(draws)) - 0.3) < 5 * math.sqrt(0.3 * 0.7 / 10_000)


def test_kl_is_not_symmetric():
    given = {"P": jnp.array([0.9, 0.1]), "Q": jnp.array([0.5, 0.5])}
    assert float(run(find("D_KL(P‖Q)"))) == pytest.approx(0.51083, abs=5e-6)
    assert float(run(find("D_KL(P‖Q)"), **given)) == pytest.approx(0.36806, abs=5e-6)


# The arguments of the library.

GREEK = {unicodedata.name(letter).split()[-1].lower() for letter in "αβγδεζηθικλμνξοπρστυφχψω"} | {"lambda"}


def is_symbol(name: str) -> bool:
    """One or two characters, or the name of a Greek letter: x, X, x0, l2, df, kappa, theta0; but no word."""
    return (len(name) <= 2 and name not in ("zh", "en", "id", "by", "ax")) or name.rstrip("0123456789_") in GREEK


def public_values() -> list:
    """What the package and its modules offer: all modules but the console script and the machinery."""
    names = [module.name for module in pkgutil.iter_modules(jn.__path__) if module.name not in ("cli", "core")]
    modules = [jn, *(import_module(f"jaxnotes.{name}") for name in names)]
    return [value for module in modules for value in contents(module)]


def contents(module: ModuleType) -> list:
    """The values of __all__, or else what has no underscore and is defined here."""
    if hasattr(module, "__all__"):
        return [getattr(module, name) for name in module.__all__]
    values = [value for name, value in vars(module).items() if not name.startswith("_")]
    return [value for value in values if getattr(value, "__module__", None) == module.__name__]


def functions(value) -> list:
    """The functions of ours in a public value: itself, a class with its methods and the classes inside it."""
    if not (getattr(value, "__module__", None) or "").startswith("jaxnotes") or not callable(value):
        return []
    if not isinstance(value, type):
        return [value]
    inner = [getattr(value, name) for name in dir(value) if not name.startswith("_")]
    built = [] if issubclass(value, (Exception, enum.Enum)) else [value]
    return built + [function for part in inner for function in functions(part)]


def arguments() -> dict[str, set[str]]:
    """The names of all public arguments, each with the functions that take it."""
    found: dict[str, set[str]] = {}
    for function in (function for value in public_values() for function in functions(value)):
        for name in inspect.signature(function).parameters:
            if not name.startswith("_"):
                found.setdefault(name, set()).add(f"{function.__module__}.{function.__qualname__}")
    return found


def test_every_argument_that_is_a_symbol_is_in_the_table():
    found = arguments()
    assert {"X", "y", "l2", "kappa", "mu", "df", "x0", "eta", "sigma"} <= set(found)  # the walk sees what is there
    assert any(where.endswith("Normal.Params") for where in found["loc"])
    assert "jaxnotes.core.descent.minimize.minimize" in found["x0"]
    table = {row.name for row in PARAMETERS}
    missing = {name: sorted(where) for name, where in found.items() if is_symbol(name) and name not in table}
    assert not missing, f"give these a row in notation.PARAMETERS: {missing}"
    assert not table - set(found), "rows of PARAMETERS that no public function takes"


# The printed table.


def by_column(text: str) -> str:
    """One character a column of the terminal: a wide one is followed by a NUL."""
    return "".join(c + "\0" * (unicodedata.east_asian_width(c) in ("W", "F")) for c in text)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_table_is_aligned_and_complete(language):
    """Cut at the columns where the first row begins its cells, the table gives every row back."""
    lines = [by_column(line) for line in notation.table(language).split("\n")]
    assert max(map(len, lines)) <= 100
    meaning, code = lines[2].index(by_column(getattr(SYMBOLS[0], language))), lines[2].index(SYMBOLS[0].expression)
    titles = {by_column(getattr(group, language)) for group in GROUPS} | {by_column("本库的参数名")}
    found: list[list[str]] = []
    for line in lines:
        if line in titles | {"", "-" * 100, "Parameter names of this library"}:
            continue
        cells = [cell.replace("\0", "").strip() for cell in (line[:meaning], line[meaning:code], line[code:])]
        if cells[:2] == ["", ""]:
            found[-1][2] += " " + cells[2]
        else:
            found.append(cells)
    expected = [[row.symbol, getattr(row, language), row.expression] for row in SYMBOLS]
    assert found == expected + [[row.symbol, getattr(row, language), row.name] for row in PARAMETERS]


def test_unknown_language():
    for language in ("de", "ZH", None):
        with pytest.raises(ValueError, match=f"^language: expected 'zh' or 'en', got {language!r}"):
            notation.table(language)


def test_lookup():
    assert notation.lookup("p")[0].name == "p"
    assert [row.symbol for row in notation.lookup("mu")] == ["μ"] * 3
    assert notation.lookup(r"\nabla_{\mathbf{x}} y") == notation.lookup("∇ₓy") == (find("∇ₓy"),)
    assert find("H(X)") in notation.lookup("熵")
    assert find("H(X)") in notation.lookup("Entropy")
    assert notation.lookup("no such symbol") == ()
    with pytest.raises(TypeError, match=r"^name: expected a string, got int"):
        notation.lookup(3)
