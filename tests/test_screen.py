"""Screens against statsmodels and against the fits of the chapters, one candidate at a time."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import statsmodels.api as sm
import tolerances
from tolerances import assert_close

import jaxnotes as jn
from jaxnotes.screen import feed

RNG = np.random.default_rng(3)
N, B = 60, 16
C = (RNG.standard_normal((N, 2)) + 3).astype("f4")
WHOLE = RNG.integers(0, 3, (N, B)).astype("f4")
Y = (0.5 * WHOLE[:, 1] + C @ [1.0, 2.0] + RNG.standard_normal(N)).astype("f4")
SICK = (WHOLE[:, 1] + 0.5 * C[:, 0] + RNG.logistic(size=N) > 2.4).astype("f4")
WEIGHTS = RNG.integers(0, 3, N).astype("f4")
WEIGHTS[5] = 1
TOLERANCE = tolerances.of("float32").inference
# What a candidate may be: plain in the first columns, then constant, dependent, far from 0, near a covariate, with
# holes, without rows enough, and infinite.
MIXED = WHOLE.copy()
MIXED[:, 5], MIXED[:, 6], MIXED[:, 7] = 2, 2 * C[:, 0] - C[:, 1] + 1, 1e4 + RNG.standard_normal(N)
MIXED[:, 8] = C[:, 0] + 0.01 * RNG.standard_normal(N)
MIXED[:, 10:14][RNG.random((N, 4)) < 0.2] = np.nan
MIXED[3:, 14], MIXED[5, 15] = np.nan, np.inf
ENDINGS = {5: "RANK_DEFICIENT", 6: "RANK_DEFICIENT", 14: "TOO_FEW_ROWS", 15: "NON_FINITE_DATA"}


def rows_of(g, y, weights):
    """The design [1, g, C] and the outcome of the rows present, each as often as its weight says, in float64."""
    counts = np.where(np.isnan(g), 0, 1 if weights is None else weights).astype(int)
    X = np.column_stack([np.ones(N), g, C]).astype(np.float64)
    return np.repeat(X, counts, axis=0), np.repeat(y.astype(np.float64), counts)


def numbers(fitted):
    return [fitted.params[1], fitted.bse[1], fitted.tvalues[1], fitted.pvalues[1]]


def check(screen, model, y, weights):
    """Every candidate: the numbers of statsmodels, or the status that it must have and no numbers."""
    for j in range(B):
        found = [getattr(screen, name)[j] for name in ("estimate", "se", "statistic", "pvalue")]
        status = jn.Status(int(screen.status[j])).name
        assert status == ENDINGS.get(j, "CONVERGED"), j
        if j in ENDINGS:
            assert np.isnan(found).all()
        else:
            X, outcome = rows_of(MIXED[:, j], y, weights)
            expected = numbers(model(outcome, X))
            np.testing.assert_allclose(found[1:2], expected[1:2], rtol=TOLERANCE)
            np.testing.assert_allclose(found[0], expected[0], rtol=TOLERANCE, atol=TOLERANCE * expected[1])
            np.testing.assert_allclose(found[3], expected[3], rtol=10 * TOLERANCE)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_linear_is_the_fit_of_each_candidate(weights):
    screen = jn.screen.linear(MIXED, Y, covariates=C, weights=weights)
    check(screen, lambda y, X: sm.OLS(y, X).fit(), Y, weights)
    assert set(screen.test) == {"t"}


@pytest.mark.one_in(2)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_logistic_refits_are_exact(weights):
    screen = jn.screen.logistic(MIXED, SICK, covariates=C, weights=weights, refit_below=1)
    check(screen, lambda y, X: sm.Logit(y, X).fit(disp=0), SICK, weights)
    assert {screen.test[j] for j in range(B) if screen.status[j] == 0} == {"wald"}


def test_score_tests_are_those_of_the_null_fit():
    """Of the rows that are present, where entries are missing; the statistic squared is statsmodels' chi-squared."""
    screen = jn.screen.logistic(MIXED, SICK, covariates=C, refit_below=0)
    assert set(screen.test) == {"score"}
    for j in set(range(B)) - set(ENDINGS):
        X, y = rows_of(MIXED[:, j], SICK, None)
        null = sm.GLM(y, X[:, [0, 2, 3]], sm.families.Binomial()).fit(tol=1e-12)
        chi2, pvalue = null.score_test(exog_extra=X[:, 1:2])[:2]
        np.testing.assert_allclose(screen.statistic[j] ** 2, chi2, rtol=TOLERANCE, atol=1e-6)
        np.testing.assert_allclose(screen.pvalue[j], pvalue, rtol=TOLERANCE)


def test_only_small_p_values_are_refitted():
    scores = jn.screen.logistic(WHOLE, SICK, covariates=C, refit_below=0)
    some = jn.screen.logistic(WHOLE, SICK, covariates=C, refit_below=0.2)
    chosen = scores.pvalue < 0.2
    assert 0 < np.sum(chosen) < B
    np.testing.assert_array_equal(some.test == "wald", chosen)
    np.testing.assert_array_equal(some.estimate[~chosen], scores.estimate[~chosen])


def test_a_separating_candidate_keeps_its_score_test():
    candidates = np.column_stack([SICK, WHOLE])
    screen = jn.screen.logistic(candidates, SICK, covariates=C)
    scores = jn.screen.logistic(candidates, SICK, covariates=C, refit_below=0)
    assert jn.Status(int(screen.status[0])).name == "SEPARATED"
    assert screen.test[0] == "score"
    assert screen.pvalue[0] == scores.pvalue[0] < 1e-6


def test_statuses_are_those_of_the_fits():
    """Of candidates that nearly depend on the covariates, least_squares.fit and the screen say the same."""
    for share in (1e-2, 1e-4, 1e-6, 1e-8):
        g = (C[:, 0] + share * WHOLE[:, 0]).astype("f4")
        fit = jn.least_squares.fit(np.column_stack([g, C]), Y)
        assert jn.screen.linear(g[:, None], Y, covariates=C).status[0] == fit.status, share
    far = np.nextafter(np.float32(1e6), np.float32(2e6) * (WHOLE[:, :1] > 0))  # neighbours among the numbers
    assert (
        jn.screen.linear(far, Y, covariates=C).status == jn.least_squares.fit(np.column_stack([far, C]), Y).status == 0
    )


@pytest.fixture(scope="module")
def expected():
    return jn.screen.linear(WHOLE, Y, covariates=C)


def same(screen, other):
    for name in ("estimate", "se", "statistic", "pvalue"):
        assert_close(getattr(screen, name), getattr(other, name), TOLERANCE)
    np.testing.assert_array_equal(screen.status, other.status)


@pytest.mark.parametrize("form", ["columns", "int8", "bool", "int64", "list", "jax", "memmap", "blocks", "generator"])
def test_any_form_of_candidates(form, expected, tmp_path):
    if form == "memmap":
        np.save(tmp_path / "g.npy", np.asfortranarray(WHOLE.astype(np.int8)))
    forms = {
        "columns": lambda: np.asfortranarray(WHOLE),
        "int8": lambda: WHOLE.astype(np.int8),
        "bool": lambda: np.column_stack([WHOLE > 0, WHOLE > 1]),
        "int64": lambda: WHOLE.astype(np.int64),
        "list": lambda: WHOLE.tolist(),
        "jax": lambda: jnp.asarray(WHOLE),
        "memmap": lambda: np.load(tmp_path / "g.npy", mmap_mode="r"),
        "blocks": lambda: [WHOLE[:, :5], WHOLE[:, 5:]],
        "generator": lambda: (WHOLE[:, k : k + 3] for k in range(0, B, 3)),
    }
    if form == "bool":
        expected = jn.screen.linear(forms[form]().astype("f4"), Y, covariates=C)
    same(jn.screen.linear(forms[form](), Y, covariates=C), expected)


def test_a_parquet_file_is_candidates(tmp_path):
    """A null is missing; integers and floats may stand side by side."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {f"g{j}": pa.array(MIXED[:, j], from_pandas=True) for j in range(B)}
    columns["g0"] = pa.array(WHOLE[:, 0].astype(np.int8))
    columns["g1"] = pa.array([None if k == 3 else bool(x) for k, x in enumerate(WHOLE[:, 1])])
    pq.write_table(pa.table(columns), tmp_path / "g.parquet")
    expected = MIXED.copy()
    expected[:, 1] = np.where(np.arange(N) == 3, np.nan, WHOLE[:, 1] > 0)
    same(jn.screen.linear(tmp_path / "g.parquet", Y, covariates=C), jn.screen.linear(expected, Y, covariates=C))
    pq.write_table(pa.table({"name": ["a"] * N}), tmp_path / "text.parquet")
    with pytest.raises(TypeError, match="expected columns of numbers, got string in column 'name'"):
        jn.screen.linear(tmp_path / "text.parquet", Y)


def test_many_outcomes_are_one_each():
    outcomes = np.column_stack([Y, SICK, np.where(np.arange(N) == 4, np.nan, Y)]).astype("f4")
    many = jn.screen.linear(MIXED, outcomes, covariates=C)
    assert many.estimate.shape == many.status.shape == many.test.shape == (B, 3)
    for k in range(3):
        one = jn.screen.linear(MIXED, outcomes[:, k], covariates=C)
        for name in ("estimate", "se"):
            assert_close(getattr(many, name)[:, k], getattr(one, name), TOLERANCE)
        np.testing.assert_array_equal(many.status[:, k], one.status)
    assert set(many.status[:, 2]) == {jn.Status.NON_FINITE_DATA}


def test_no_covariates_is_simple_regression():
    from scipy.stats import linregress

    screen = jn.screen.linear(WHOLE, Y)
    line = linregress(WHOLE[:, 3], Y)
    assert_close(screen.estimate[3], line.slope, TOLERANCE)
    assert_close(screen.pvalue[3], line.pvalue, TOLERANCE)


def test_nothing_is_left_to_explain():
    """An outcome that is constant has coefficients of 0 without error, and no test."""
    screen = jn.screen.linear(WHOLE, np.ones(N), covariates=C)
    for numbers in (screen.estimate, screen.se, screen.status):
        assert not numbers.any()
    assert np.isnan(screen.pvalue).all()


@pytest.mark.parametrize("power", [-90, 90])
def test_units_change_nothing_but_units(power, expected):
    """Candidates, outcome and covariates in other units, squares beyond float32 among them."""
    unit = np.float32(2.0**power)
    candidates = jn.screen.linear(WHOLE * unit, Y, covariates=C)
    outcome = jn.screen.linear(WHOLE, Y * unit, covariates=C * unit)
    for screen, factor in ((candidates, 2.0**-power), (outcome, 2.0**power)):
        assert_close(screen.estimate / factor, expected.estimate, TOLERANCE)
        assert_close(screen.pvalue, expected.pvalue, TOLERANCE)
        assert not screen.status.any()
    assert_close(
        jn.screen.logistic(WHOLE * unit, SICK, covariates=C, refit_below=1).pvalue,
        jn.screen.logistic(WHOLE, SICK, covariates=C, refit_below=1).pvalue,
        TOLERANCE,
    )


def test_what_products_cannot_resolve_is_resolved():
    """In float64, by identities: a candidate 1e-5 off a covariate, one that is y but for 1e-6, one of mean 1e8."""
    with jn.x64():
        X, y, e = C.astype("f8"), Y.astype("f8"), WHOLE[:, 0].astype("f8")
        g = np.column_stack([X[:, 0] + 1e-5 * e, 1e8 + e, y + 1e-6 * e])
        screen = jn.screen.linear(g, y, covariates=X)
        plain, turned = jn.screen.linear(e[:, None], y, covariates=X), jn.screen.linear(g[:, 2:], e, covariates=X)
    assert screen.estimate.dtype == np.float64
    assert not screen.status.any()
    estimate, se = plain.estimate[0], plain.se[0]
    expected = [estimate * 1e5, estimate, 1 - 1e-6 * turned.estimate[0]]
    np.testing.assert_allclose(screen.estimate, expected, rtol=1e-8)
    np.testing.assert_allclose(screen.se, [se * 1e5, se, 1e-6 * turned.se[0]], rtol=1e-8)


@pytest.mark.parametrize("verb", ["linear", "logistic"])
def test_trouble_of_the_null_model_is_that_of_all(verb):
    screen, y = getattr(jn.screen, verb), {"linear": Y, "logistic": SICK}[verb]

    def statuses(y=y, covariates=C, weights=None):
        found = screen(WHOLE[:, :4], y, covariates=covariates, weights=weights)
        assert np.isnan(found.estimate).all()
        return {jn.Status(int(code)).name for code in found.status}

    assert statuses(weights=-WEIGHTS) == {"INVALID_DATA"}
    assert statuses(y=np.where(np.arange(N) == 2, np.nan, y)) == {"NON_FINITE_DATA"}
    assert statuses(covariates=np.where(np.arange(N)[:, None] == 2, np.inf, C)) == {"NON_FINITE_DATA"}
    assert statuses(covariates=np.column_stack([C, C[:, 0]])) == {"RANK_DEFICIENT"}
    assert statuses(weights=np.zeros(N)) == {"TOO_FEW_ROWS"}
    if verb == "logistic":
        assert statuses(y=np.ones(N)) == {"ONE_CLASS"}
        assert statuses(covariates=SICK[:, None]) == {"SEPARATED"}


def test_absent_rows_count_for_nothing():
    spoiled, outcome = WHOLE.copy(), Y.copy()
    spoiled[WEIGHTS == 0], outcome[WEIGHTS == 0] = np.inf, np.nan
    same(
        jn.screen.linear(spoiled, outcome, covariates=C, weights=WEIGHTS),
        jn.screen.linear(WHOLE, Y, covariates=C, weights=WEIGHTS),
    )


BAD = {
    "rows": (
        lambda: jn.screen.linear(WHOLE[1:], Y),
        ValueError,
        r"candidates: expected shape \(60, B\).*got \(59, 16\)",
    ),
    "turned": (lambda: jn.screen.linear(WHOLE.T, Y), ValueError, r"Candidates are columns: use candidates\.T"),
    "one": (lambda: jn.screen.linear(WHOLE[:, 0], Y), ValueError, r"For one candidate use candidates\[:, None\]"),
    "text": (lambda: jn.screen.linear(np.full((N, 2), "AG"), Y), TypeError, "candidates: expected an array of numbers"),
    "half": (lambda: jn.screen.linear(WHOLE.astype("f2"), Y), TypeError, "expected float32 or float64, got float16"),
    "block": (lambda: jn.screen.linear(iter([WHOLE[1:]]), Y), ValueError, "a block of candidates: expected shape"),
    "masked": (lambda: jn.screen.linear(np.ma.masked_invalid(MIXED), Y), TypeError, "masked"),
    "y": (lambda: jn.screen.linear(WHOLE, Y[None, None]), ValueError, "y: expected shape"),
    "y text": (lambda: jn.screen.linear(WHOLE, ["a"] * N), TypeError, "y: expected an array of numbers"),
    "outcomes": (lambda: jn.screen.logistic(WHOLE, WHOLE), ValueError, "Screen one outcome at a time"),
    "covariate": (lambda: jn.screen.linear(WHOLE, Y, covariates=C[:, 0]), ValueError, r"use covariates\[:, None\]"),
    "weights": (lambda: jn.screen.linear(WHOLE, Y, weights=WEIGHTS[1:]), ValueError, "weights: expected shape"),
    "refit": (lambda: jn.screen.logistic(WHOLE, SICK, refit_below=2), ValueError, "refit_below: expected a number"),
    "range": (lambda: jn.screen.logistic(WHOLE, SICK + 1), ValueError, "expected 0 <= y <= trials"),
    "jit": (lambda: jax.jit(lambda y: jn.screen.linear(WHOLE, y).estimate)(Y), TypeError, "outside jit and vmap"),
    "vmap": (lambda: jax.vmap(lambda g: jn.screen.linear(g, Y).se)(WHOLE[None]), TypeError, "outside jit and vmap"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


def test_no_candidates_no_answers():
    assert jn.screen.linear(WHOLE[:, :0], Y).estimate.shape == (0,)
    assert jn.screen.linear(iter([]), np.column_stack([Y, Y])).status.shape == (0, 2)


def test_an_interrupted_screen_goes_on(tmp_path, monkeypatch):
    """What was written stays, half a file counts as none, and the whole is what one screen would have given."""
    pq = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "results"

    def blocks(stop):
        for start in range(0, B, 4):
            if start == stop:
                raise KeyboardInterrupt
            yield MIXED[:, start : start + 4]

    with pytest.raises(KeyboardInterrupt):
        jn.screen.logistic(blocks(8), SICK, covariates=C, out=out)
    parts = sorted(out.iterdir())
    assert [path.name for path in parts] == ["part-0000000000.parquet", "part-0000000004.parquet"]
    parts[1].write_bytes(parts[1].read_bytes()[:100])
    times = parts[0].stat().st_mtime_ns
    screen = jn.screen.logistic(blocks(B + 1), SICK, covariates=C, out=out)
    assert parts[0].stat().st_mtime_ns == times
    whole = jn.screen.logistic(blocks(B + 1), SICK, covariates=C)
    for name in vars(whole):
        np.testing.assert_array_equal(getattr(screen, name), getattr(whole, name))
    table = pq.read_table(out)
    assert table.column("candidate").to_pylist() == list(range(B))
    assert table.column("status").to_pylist()[5] == "RANK_DEFICIENT"
    again = jn.screen.logistic(blocks(B + 1), SICK, covariates=C, out=out)
    np.testing.assert_array_equal(again.pvalue, whole.pvalue)


def test_results_of_another_screen_are_not_taken(tmp_path):
    pytest.importorskip("pyarrow")
    outcomes = np.column_stack([Y, SICK])
    first = jn.screen.linear(WHOLE, outcomes, covariates=C, out=tmp_path)
    np.testing.assert_array_equal(jn.screen.linear(WHOLE, outcomes, covariates=C, out=tmp_path).se, first.se)
    for candidates, covariates in ((WHOLE, C[:, :1]), (WHOLE + 1, C), (WHOLE[:, 1:], C)):
        with pytest.raises(ValueError, match=r"out: .* holds the results of another screen"):
            jn.screen.linear(candidates, outcomes, covariates=covariates, out=tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="out: expected a folder that can be written"):
            jn.screen.linear(WHOLE, Y, out=out)


def test_parts_and_blocks_join(monkeypatch):
    """Many parts of several blocks each, the last ones not full."""
    wide = np.tile(MIXED, (1, 5))
    monkeypatch.setattr(feed, "MAX_COLUMNS", 32)
    monkeypatch.setattr(feed, "BLOCK_BYTES", 4 * N * 16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        screen = jn.screen.linear(wide, Y, covariates=C)
    one = jn.screen.linear(MIXED, Y, covariates=C)
    for name in ("estimate", "pvalue"):
        assert_close(getattr(screen, name), np.tile(getattr(one, name), 5), TOLERANCE)


@pytest.mark.parametrize("verb", ["linear", "logistic"])
def test_the_record_says_how_it_went(verb):
    text = repr(getattr(jn.screen, verb)(MIXED, SICK, covariates=C))
    assert "2 RANK_DEFICIENT" in text
    assert "least pvalue" in text
