"""A formula for each group of a table: the numbers of statsmodels, null where a group says nothing, no row lost."""

import pickle

import numpy as np
import pytest

pytest.importorskip("formulaic")
pytest.importorskip("narwhals")
pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

import statsmodels.api as sm  # noqa: E402
import statsmodels.formula.api as smf  # noqa: E402

import jaxnotes as jn  # noqa: E402

NAMES = {"Intercept": "intercept", "promo[T.True]": "promo"}


@pytest.fixture(scope="module")
def frame():
    """Six stores of 20 to 30 rows; store d sells on no Monday, store e always in promotion."""
    rng = np.random.default_rng(3)
    n = 150
    frame = pd.DataFrame({
        "store": rng.choice(list("fadbec"), n), "price": rng.normal(size=n), "promo": rng.random(n) < 0.5,
        "day": rng.choice(["Mon", "Tue", "Wed"], n), "count": rng.integers(1, 4, n).astype(float),
    })  # fmt: skip
    frame.loc[(frame.store == "d") & (frame.day == "Mon"), "day"] = "Tue"
    frame.loc[frame.store == "e", "promo"] = True
    frame["sold"] = 1 - 0.5 * frame.price + frame.promo + rng.normal(size=n)
    frame["yes"] = rng.random(n) < 1 / (1 + np.exp(-0.5 * frame.price))
    return frame


@pytest.fixture(scope="module")
def linear(frame):
    return jn.tables.fit(frame, "sold ~ price + promo + day", by="store")


def by_store(frame):
    """statsmodels drops absent labels by itself; the promotion that is constant in store e is left out by hand."""
    for store, rows in frame.groupby("store"):
        yield store, rows, smf.ols("sold ~ price + day" if store == "e" else "sold ~ price + promo + day", rows).fit()


def test_tidy_rows_are_those_of_statsmodels(frame, linear):
    tidy = linear.tidy()
    assert list(tidy.columns) == [
        "store", "term", "estimate", "se", "statistic", "pvalue", "lower", "upper", "status", "n_obs", "dropped",
    ]  # fmt: skip
    assert tidy.store.tolist() == np.repeat(list(dict.fromkeys(frame.store)), 5).tolist()
    for store, rows, known in by_store(frame):
        mine = tidy[(tidy.store == store) & ~tidy.dropped].set_index("term")
        wanted = pd.concat([known.params, known.bse, known.tvalues, known.pvalues, known.conf_int()], axis=1)
        wanted = wanted.rename(NAMES)
        assert mine.index.tolist() == [term for term in linear.spec.terms if term in wanted.index]
        np.testing.assert_allclose(
            mine[["estimate", "se", "statistic", "pvalue", "lower", "upper"]],
            wanted.loc[mine.index],
            rtol=1e-8,
            atol=1e-12,
        )
        assert (mine.n_obs == len(rows)).all()
        left_out = tidy[(tidy.store == store) & tidy.dropped]
        assert left_out[["estimate", "se", "pvalue"]].isna().all(axis=None)


def test_each_model_at_a_glance(frame, linear):
    glance = linear.glance().set_index("store")
    assert list(glance.columns) == ["n_obs", "loglik", "aic", "r2", "status", "digits", "reference"]
    for store, _, known in by_store(frame):
        mine = glance.loc[store, ["loglik", "aic", "r2"]].astype(float)
        np.testing.assert_allclose(mine, [known.llf, known.aic + 2, known.rsquared], rtol=1e-9)
    assert glance.reference.dropna().to_dict() == {"d": "day: Tue"}


def test_augmented_rows_are_those_of_statsmodels(frame, linear):
    augmented = linear.augment()
    pd.testing.assert_frame_equal(augmented[frame.columns], frame)
    for store, _, known in by_store(frame):
        mine = augmented[augmented.store == store]
        np.testing.assert_allclose(mine.fitted, known.fittedvalues, rtol=1e-9)
        np.testing.assert_allclose(mine.residual, known.resid, atol=1e-9)
        np.testing.assert_allclose(mine.leverage, known.get_influence().hat_matrix_diag, rtol=1e-8)


@pytest.mark.parametrize(("interval", "prefix"), [("confidence", "mean_ci"), ("prediction", "obs_ci")])
def test_predictions_are_those_of_statsmodels(frame, linear, interval, prefix):
    for _, rows, known in by_store(frame):
        mine = linear.predict(rows.drop(columns="sold"), interval=interval)
        wanted = known.get_prediction(rows).summary_frame()
        np.testing.assert_allclose(
            mine[["fitted", "lower", "upper"]], wanted[["mean", f"{prefix}_lower", f"{prefix}_upper"]], rtol=1e-8
        )


def test_what_a_model_has_not_met_is_null(frame, linear):
    rows = pd.DataFrame(
        {"store": ["d", "d", "a", "z", None], "price": 0.0, "promo": False, "day": ["Mon", "Tue", "Sun", "Mon", "Mon"]}
    )
    assert linear.predict(rows).fitted.notna().tolist() == [False, True, False, False, False]
    with pytest.raises(ValueError, match="no column 'day'"):
        linear.predict(rows.drop(columns="day"))


def test_the_digest_tells_how_they_ended_and_what_was_left_out(frame, linear):
    text = str(linear)
    assert max(map(len, text.splitlines())) <= 80
    assert "6  100.0%  CONVERGED" in text
    assert "2 models do without columns" in text
    assert linear.failures().empty
    assert linear.counts() == {"CONVERGED": 6}
    assert "<pre>" in linear._repr_html_()


@pytest.mark.long
def test_kept_columns_make_the_deficient(frame):
    """What the dropping of absent levels mends: counts before and after."""
    before = jn.tables.fit(frame, "sold ~ price + promo + day", by="store", absent="keep")
    assert before.counts() == {"CONVERGED": 4, "RANK_DEFICIENT": 2}
    assert sorted(before.failures().store) == ["d", "e"]
    assert "RANK_DEFICIENT" in str(before)


def test_models_in_a_file_are_the_same_models(frame, linear, tmp_path):
    linear.save(tmp_path / "stores.parquet")
    linear.to_parquet(tmp_path / "tidy.parquet")
    loaded = jn.tables.load(tmp_path / "stores.parquet")
    assert loaded.spec == linear.spec
    assert loaded.tidy().equals(linear.tidy_table())
    assert loaded.tidy().equals(pytest.importorskip("pyarrow.parquet").read_table(tmp_path / "tidy.parquet"))
    assert loaded.glance().equals(linear.glance_table())
    pd.testing.assert_frame_equal(
        loaded.predict(frame, interval="confidence"), linear.predict(frame, interval="confidence")
    )
    with pytest.raises(ValueError, match="rows are not there"):
        loaded.augment()
    with pytest.raises(ValueError, match="holds no models"):
        jn.tables.load(tmp_path / "tidy.parquet")


def test_engines_get_the_same_rows(frame, linear):
    """Whole groups in any order, by a spec that went through JSON or a pickle: the same bits."""
    spec = jn.tables.spec(frame, "sold ~ price + promo + day", by="store")
    assert spec == linear.spec == jn.tables.Spec.from_json(spec.to_json()) == pickle.loads(pickle.dumps(spec))
    table = pa.Table.from_pandas(frame.sort_values("store", kind="stable"))
    rows = jn.tables.fit_arrow(table, spec.to_json())
    order = [("store", "ascending"), ("term", "ascending")]
    assert rows.sort_by(order).equals(linear.tidy_table().sort_by(order))
    assert jn.tables.fit_arrow(table.slice(0, 0), spec).schema == rows.schema


@pytest.mark.parametrize("kind", ["polars", "polars lazy", "pyarrow", "duckdb"])
def test_answers_come_in_the_kind_of_frame_that_came_in(frame, linear, kind):
    table = pa.Table.from_pandas(frame)
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    given = {"polars": polars.from_arrow, "polars lazy": lambda t: polars.from_arrow(t).lazy(),
             "pyarrow": lambda t: t, "duckdb": duckdb.from_arrow}[kind](table)  # fmt: skip
    fitted = jn.tables.fit(given, "sold ~ price + promo + day", by="store")
    assert type(fitted.tidy()) is type(fitted.augment()) is type(fitted.predict(given)) is type(given)
    assert fitted.tidy_table().to_pydict() == linear.tidy_table().to_pydict()


def test_gaps_are_dropped_and_counted_or_stay_without_a_value(frame, linear):
    formula, nameless = "sold ~ price + promo + day", int((frame.store == "f").sum())
    gaps = frame.assign(price=frame.price.mask(frame.index < 3), store=frame.store.mask(frame.store == "f"))
    with pytest.raises(ValueError, match=r"of 150 rows .* 3 in price"):
        jn.tables.fit(gaps, formula, by="store")
    dropped = jn.tables.fit(gaps, formula, by="store", missing="drop")
    weighted = jn.tables.fit(gaps, formula, by="store", missing="weight")
    assert dropped.tidy().equals(weighted.tidy())
    assert len(dropped) == 6
    assert "rows: 150, 3 dropped (3 lack price)" in str(dropped)
    assert len(dropped.augment()) == 147
    assert weighted.augment().fitted.isna().sum() == 3
    without = jn.tables.fit(gaps, formula, by="store", missing="drop", null_keys="drop")
    assert len(without) == 5
    assert f"{nameless} of a null key" in str(without)
    assert len(without.augment()) == 147 - nameless + int((frame.store[:3] == "f").sum())


def test_a_table_without_a_whole_row_is_refused(frame):
    with pytest.raises(ValueError, match="none of its 150 rows can be used: 150 lack price"):
        jn.tables.fit(frame.assign(price=np.nan), "sold ~ price", missing="drop")


def test_one_logistic_model_prints_itself(frame):
    one = jn.tables.fit(frame, "yes ~ price + day", model="logistic")
    known = sm.Logit(frame.yes.astype(float), sm.add_constant(jn.tables.design(frame, "yes ~ price + day").X)).fit(
        disp=0
    )
    tidy, glance = one.tidy(), one.glance()
    np.testing.assert_allclose(tidy.estimate, known.params, rtol=1e-8)
    np.testing.assert_allclose(tidy.se, known.bse, rtol=1e-8)
    np.testing.assert_allclose(
        glance.loc[0, ["loglik", "aic", "deviance"]].astype(float), [known.llf, known.aic, -2 * known.llf]
    )
    np.testing.assert_allclose(one.augment().fitted, known.predict(), rtol=1e-8)
    assert "day[T.Wed]" in str(one)
    assert "<table>" in one._repr_html_()
    text = jn.tables.fit(frame.assign(yes=np.where(frame.yes, "won", "lost")), "yes ~ price + day", model="logistic")
    assert "yes is 1 where it is 'won', 0 where it is 'lost'" in str(text)
    np.testing.assert_array_equal(text.tidy().estimate, tidy.estimate)


@pytest.mark.long
def test_offset_trials_and_weights_are_those_of_statsmodels(frame):
    n = len(frame)
    rng = np.random.default_rng(4)
    counted = frame.assign(m=rng.integers(3, 9, n).astype(float), off=rng.normal(size=n))
    counted["k"] = rng.binomial(counted.m.astype(int), 0.4).astype(float)
    mine = jn.tables.fit(counted, "k ~ price", model="logistic", trials="m", offset="off", weights="count")
    known = sm.GLM(
        np.column_stack([counted.k, counted.m - counted.k]), sm.add_constant(counted[["price"]]),
        sm.families.Binomial(),
        offset=counted.off, freq_weights=counted["count"],
    ).fit(tol=1e-14)  # fmt: skip
    np.testing.assert_allclose(mine.tidy().estimate, known.params, rtol=1e-7)
    np.testing.assert_allclose(mine.tidy().se, known.bse, rtol=1e-7)
    np.testing.assert_allclose(mine.glance().deviance[0], known.deviance, rtol=1e-8)
    np.testing.assert_allclose(mine.augment().fitted, known.fittedvalues, rtol=1e-7)


@pytest.mark.long
def test_precision_and_clusters_are_those_of_statsmodels(frame):
    mine = jn.tables.fit(frame, "sold ~ price", precision="count")
    known = smf.wls("sold ~ price", frame, weights=frame["count"]).fit()
    np.testing.assert_allclose(mine.tidy().se, known.bse, rtol=1e-9)
    glance = mine.glance()
    np.testing.assert_allclose([glance.loglik[0], glance.r2[0]], [known.llf, known.rsquared], rtol=1e-9)
    A, p = np.column_stack([np.ones(len(frame)), frame.price]), frame["count"].to_numpy()
    hat = p * np.einsum("ni,ij,nj->n", A, np.linalg.inv(A.T @ (p[:, None] * A)), A)
    np.testing.assert_allclose(mine.augment().leverage, hat, rtol=1e-8)
    mine = jn.tables.fit(frame, "sold ~ price", cov="cluster", groups="store")
    codes = pd.factorize(frame.store)[0]
    known = smf.ols("sold ~ price", frame).fit(cov_type="cluster", cov_kwds={"groups": codes})
    np.testing.assert_allclose(mine.tidy().se, known.bse, rtol=1e-9)


@pytest.mark.long
def test_several_classes_are_those_of_statsmodels(frame):
    mine = jn.tables.fit(frame, "day ~ price + promo", model="multinomial")
    known = sm.MNLogit(
        pd.factorize(frame.day, sort=True)[0], sm.add_constant(frame[["price", "promo"]].astype(float))
    ).fit(disp=0)
    tidy = mine.tidy()
    assert tidy["class"].tolist() == ["Tue"] * 3 + ["Wed"] * 3
    np.testing.assert_allclose(tidy.estimate, known.params.to_numpy().T.ravel(), rtol=1e-6, atol=1e-9)
    labels = np.array(["Mon", "Tue", "Wed"])
    assert mine.augment().fitted.tolist() == labels[known.predict().argmax(axis=1)].tolist()
    assert "promo[Wed]" in str(mine)


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"by": "shop"}, "by: the frame has no column 'shop'. Did you mean 'store'?"),
        ({"weights": "cont"}, "weights: the frame has no column 'cont'. Did you mean 'count'?"),
        ({"weights": "day"}, "weights: expected numbers, column 'day' holds"),
        ({"trials": "count"}, "trials: least_squares.fit takes none"),
        ({"model": "poison"}, "model: expected linear, logistic, multinomial or such a chapter, got 'poison'"),
        ({"missing": "skip"}, "missing: expected one of raise, drop, weight, got 'skip'"),
        ({"cov": "cluster"}, "groups: expected a column exactly with cov='cluster'"),
        ({"dtype": "half"}, "dtype: expected None, 'float32' or 'float64', got 'half'"),
    ],
)
def test_what_cannot_be_is_refused(frame, keywords, told):
    with pytest.raises((TypeError, ValueError)) as refusal:
        jn.tables.fit(frame, "sold ~ price", **keywords)
    assert told.replace("shop'. Did you mean 'store'?", "shop'.") in str(refusal.value)


def test_responses_fit_their_model(frame):
    with pytest.raises(TypeError, match="expected numbers in the response 'day'"):
        jn.tables.fit(frame, "day ~ price")
    with pytest.raises(ValueError, match=r"two levels in the response 'day', got 3: \['Mon', 'Tue', 'Wed'\]"):
        jn.tables.fit(frame, "day ~ price", model="logistic")


def test_pictures_hold_what_they_should(frame, linear):
    figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(7, 4), layout="constrained")
    ax = linear.plot(ax=figure.subplots())
    assert [label.get_text() for label in ax.get_yticklabels()] == linear.spec.names
    price = linear.tidy().query("term == 'price'").estimate
    np.testing.assert_allclose(ax.lines[0].get_xdata()[0], np.median(price))
    ax = linear.volcano("price", ax=figure.subplots())
    assert len(ax.lines[0].get_xdata()) == 6
    with pytest.raises(ValueError, match="term: expected one of intercept, price"):
        linear.volcano("prize")


def test_p_values_are_adjusted_within_each_term(frame, linear):
    pytest.importorskip("jaxnotes.multiple_testing")
    from statsmodels.stats.multitest import multipletests

    adjusted = linear.adjust("bh")
    for _, rows in adjusted.groupby("term"):
        known = rows.pvalue.notna()
        np.testing.assert_allclose(
            rows.pvalue_adjusted[known], multipletests(rows.pvalue[known], method="fdr_bh")[1], rtol=1e-12
        )
