"""Formulas become the columns that formulaic makes, whatever the frame; what is not offered is refused with a hint."""

import numpy as np
import pytest

formulaic = pytest.importorskip("formulaic")
pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

import jaxnotes as jn  # noqa: E402
from jaxnotes.tables import expressions, formula  # noqa: E402

FRAME = pd.DataFrame({
    "y": [1.0, 2, 3, 4, 5, 6], "a": list("pqpqpq"), "b": list("rrstst"), "c": list("uvvuuv"),
    "x": [1.0, 2, 3, 5, 8, 1], "z": [1, 4, 2, 2, 1, 4], "yes": [True, False, True, True, False, False],
})  # fmt: skip
FORMULAS = [
    "y ~ 1", "y ~ x + z + x:z", "y ~ a*b*x", "y ~ a*b*x - 1", "y ~ a:x", "y ~ x:a - 1", "y ~ a:b", "y ~ a + a:b",
    "y ~ b:x + a:x", "y ~ a:b:c", "y ~ a*b*c", "y ~ a:b + b:c - 1", "y ~ 0 + x:a + b", "np.log(y) ~ log2(x) + C(z)",
    "y ~ np.exp(x) + np.sqrt(x):a + C(z):b", "y ~ I(x**2) + {x + z}",
    "y ~ (a + b + x)**2", "y ~ a/x", "y ~ C(z) - C(z) + b",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_names_and_columns_are_those_of_formulaic(text):
    wanted = formulaic.model_matrix(text, FRAME)
    made = jn.tables.design(FRAME, text)
    rhs = wanted.rhs.drop(columns="Intercept", errors="ignore")
    assert made.names == list(rhs.columns)
    assert made.spec.parsed.intercept == ("Intercept" in wanted.rhs.columns)
    np.testing.assert_allclose(made.X, rhs.to_numpy(float), rtol=1e-15)
    np.testing.assert_allclose(made.y, wanted.lhs.to_numpy(float)[:, 0], rtol=1e-15)


def frames():
    yield "pandas", FRAME
    yield "pyarrow", pa.Table.from_pandas(FRAME)
    polars = pytest.importorskip("polars")
    yield "polars", polars.from_pandas(FRAME)
    yield "polars lazy", polars.from_pandas(FRAME).lazy()
    yield "duckdb", pytest.importorskip("duckdb").from_df(FRAME)


def test_every_kind_of_frame_gives_the_same_design():
    """Labels as categories of any kind too, but for an order that they bring."""
    wanted = jn.tables.design(FRAME, "y ~ a*x + C(z) + yes")
    assert wanted.names == ["a[T.q]", "x", "C(z)[T.2]", "C(z)[T.4]", "yes", "a[T.q]:x"]
    for kind, frame in frames():
        made = jn.tables.design(frame, "y ~ a*x + C(z) + yes")
        assert made.names == wanted.names, kind
        assert (made.X == wanted.X).all(), kind
    backwards = FRAME.assign(a=pd.Categorical(FRAME.a, ["q", "p"]))
    assert jn.tables.design(backwards, "y ~ a").names == ["a[T.p]"]
    by_accident = pytest.importorskip("polars").from_pandas(FRAME.iloc[1:])
    by_accident = by_accident.with_columns(a=by_accident["a"].cast(type(by_accident["a"].dtype)()))
    assert jn.tables.design(by_accident, "y ~ a").names == ["a[T.q]"]


def test_the_spec_builds_the_same_columns_from_new_rows():
    spec = jn.tables.design(FRAME, "y ~ b*x").spec
    again = jn.tables.design(FRAME.iloc[:2].drop(columns="y"), spec)
    assert again.names == spec.names
    assert again.y is None
    assert (jn.tables.design(FRAME, "y ~ b*x").X[:2] == again.X).all()


def test_a_reference_may_be_chosen():
    levels = jn.tables.design(FRAME, 'y ~ C(b, Treatment("s"))').spec.levels
    assert levels == {"C(b, Treatment('s'))": ["s", "r", "t"]}
    assert [name[-4:] for name in jn.tables.design(FRAME, 'y ~ C(b, levels=["t", "r", "s"])').names] == ["T.r]", "T.s]"]


def test_float32_stays_and_anything_else_is_float64():
    assert jn.tables.design(FRAME.astype({"x": "float32", "y": "float32"}), "y ~ x + z").X.dtype == np.float32
    assert jn.tables.design(FRAME.astype({"x": "float32"}), "y ~ x").X.dtype == np.float64
    assert jn.tables.design(FRAME, "z ~ a").X.dtype == np.float64


def test_missing_rows_are_counted_dropped_or_weighted():
    gaps = FRAME.assign(x=[np.nan, 2, 3, -1, 8, 1], a=[None, "q", "p", "q", "p", "q"])
    with pytest.raises(ValueError, match=r"of 6 rows .* 2 in log\(x\), 1 in a\. Use missing='drop'"):
        jn.tables.design(gaps, "y ~ log(x) + a")
    assert jn.tables.design(gaps, "y ~ log(x) + a", missing="drop").X.shape == (4, 2)
    kept = jn.tables.design(gaps, "y ~ log(x) + a", missing="weight")
    assert kept.weights.tolist() == [0, 1, 1, 0, 1, 1]
    assert np.isfinite(kept.X).all()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("y ~ pricy", r"no column 'pricy'. Did you mean 'price'\?"),
        ("y ~ x | a", "name the keys: by="),
        ("x + z", "without a ~"),
        ("y + z ~ x", "one response"),
        ("y ~ x +", "cannot be read"),
        ("y ~ bs(x, 3)", r"bs\(\) in .* is not offered"),
        ("y ~ np.linalg(x)", "not offered"),
        ("y ~ log(a)", r"expected numbers in 'log\(a\)', got labels such as \['p'\]"),
        ("a ~ x", None),
        ("y ~ day", r"write C\(day\)"),
        ("y ~ C(z, Treatment(9))", "9 is no level"),
    ],
)
def test_what_is_not_offered_is_refused_with_the_way_out(text, told):
    frame = FRAME.assign(price=1.0, day=pd.to_datetime(["2026-01-01"] * 6))
    if told is None:
        assert jn.tables.design(frame, text).spec.response_levels == ["p", "q"]
        return
    with pytest.raises((ValueError, TypeError), match=told):
        jn.tables.design(frame, text)


def test_a_formula_runs_no_code():
    for text in ("__import__('os')", "x.__class__", "[x for x in y]", "(lambda: x)()", "'a' * 9", "np.load('f')"):
        with pytest.raises(ValueError, match=r"not offered|no function"):
            expressions.parse(text, False)


def test_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"got x more than once"):
        jn.tables.design(pd.concat([FRAME, FRAME[["x"]]], axis=1), "y ~ x")
    with pytest.raises(TypeError, match="expected a data frame"):
        jn.tables.design({"y": [1.0]}, "y ~ 1")


def test_names_with_spaces_are_quoted():
    frame = FRAME.rename(columns={"x": "unit price"})
    made = jn.tables.design(frame, "y ~ `unit price` + log(`unit price`)")
    assert made.names[0] == "unit price"
    np.testing.assert_allclose(made.X[:, 1], np.log(FRAME.x))
    assert formula.parse("y ~ `unit price`").factors[0].columns == ["unit price"]
