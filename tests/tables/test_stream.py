"""Larger than memory and on other engines: whole groups in pieces, and the numbers of one process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("formulaic")
pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")
parquet = pytest.importorskip("pyarrow.parquet")

import jaxnotes as jn  # noqa: E402
from jaxnotes.tables import stream  # noqa: E402

ROOT = Path(__file__).parents[2]
FORMULA = "sold ~ price"
NUMBERS = ["estimate", "se", "statistic", "pvalue", "lower", "upper"]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Thirty stores of 5 to 25 rows, shuffled; one price is missing."""
    rng = np.random.default_rng(5)
    store = rng.permutation(np.repeat(np.arange(30), rng.integers(5, 26, 30)))
    price = rng.normal(size=len(store))
    sold = price * 2 + store + rng.normal(size=len(store))
    price[7] = np.nan
    return pa.table({"store": store, "price": pa.array(price, from_pandas=True), "sold": sold})


@pytest.fixture(scope="module")
def whole(table):
    return jn.tables.fit(table, FORMULA, by="store", missing="drop")


def in_order(tidy: pa.Table) -> pa.Table:
    return tidy.sort_by([("store", "ascending"), ("term", "ascending")])


def assert_same(tidy: pa.Table, whole: jn.tables.Fitted) -> None:
    mine, wanted = in_order(tidy), in_order(whole.tidy_table())
    assert mine.drop_columns(NUMBERS).equals(wanted.drop_columns(NUMBERS))
    for name in NUMBERS:
        np.testing.assert_allclose(mine[name], wanted[name], rtol=1e-9, atol=1e-12)


def test_pieces_hold_whole_groups(table):
    batches = table.sort_by("store").to_batches(max_chunksize=17)
    pieces = list(stream._whole_groups(batches, ("store",), 1000))
    assert len(pieces) > 5
    assert pa.concat_tables(pieces).equals(table.sort_by("store").combine_chunks())
    stores = [set(piece["store"].to_pylist()) for piece in pieces]
    assert sum(map(len, stores)) == len(set.union(*stores)) == 30


@pytest.mark.parametrize(("size", "number"), [("1GB", 10**9), ("500 mb", 5 * 10**8), ("1.5g", 15 * 10**8), ("7", 7)])
def test_sizes_are_read(size, number):
    assert stream._bytes(size) == number


def test_a_file_by_duckdb_is_the_table_in_memory(table, whole, tmp_path):
    parquet.write_table(table, tmp_path / "sales.parquet")
    fitted = stream.fit_file(
        tmp_path / "sales.parquet", FORMULA, "linear", ["store"], {"missing": "drop"}, out=tmp_path / "out.parquet"
    )
    assert_same(parquet.read_table(tmp_path / "out.parquet"), whole)
    assert fitted.keys["store"].to_pylist() == list(range(30))
    assert fitted.row_counts == whole.row_counts
    assert fitted.counts() == whole.counts()


def jaxnotes(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", "from jaxnotes.cli import main; main()", *arguments],
        env=os.environ | {"COLUMNS": "80", "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip


def test_the_command_goes_from_file_to_file(table, whole, tmp_path):
    pytest.importorskip("typer")
    csv, out = tmp_path / "sales.csv", tmp_path / "out.parquet"
    table.to_pandas().to_csv(csv, index=False)
    done = jaxnotes("fit", str(csv), FORMULA, "--by", "store", "--out", str(out), "--strict")
    assert done.returncode == 0, done.stderr
    assert "30  100.0%  CONVERGED" in done.stdout
    assert f"1 of {table.num_rows} rows lack a value" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= max(80, len(f"Written: {out}"))
    assert_same(parquet.read_table(out), whole)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing.csv", FORMULA], "there is no missing.csv"),
        (["sales.csv", "sold ~ prize"], "Did you mean 'price'?"),
        (["sales.csv", FORMULA, "--memory", "much"], "expected a size such as 1GB"),
        (["sales.csv", FORMULA, "--by", "store", "--out", "no/out.parquet"], "there is no folder no"),
        (["sales.txt.gz.no", FORMULA], "expected csv, Parquet (a folder too) or Arrow"),
    ],
)
def test_the_command_refuses_in_words(table, tmp_path, monkeypatch, arguments, told):
    from jaxnotes import cli

    pytest.importorskip("typer")
    monkeypatch.chdir(tmp_path)
    table.to_pandas().to_csv("sales.csv", index=False)
    Path("sales.txt.gz.no").touch()
    options = {arguments[k].removeprefix("--"): arguments[k + 1] for k in range(2, len(arguments), 2)}
    if "by" in options:
        options["by"] = [options["by"]]
    with pytest.raises(SystemExit) as refusal:
        cli.fit(Path(arguments[0]), arguments[1], **options)
    assert told in str(refusal.value)


@pytest.mark.long
def test_ray_gives_the_numbers_of_one_process(table, whole, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    spec = jn.tables.spec(table, FORMULA, by="store", missing="drop")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    try:
        parts = ray.data.from_arrow(table).repartition(3, keys=["store"])
        fitted = parts.map_batches(
            lambda part: jn.tables.fit_arrow(part, spec), batch_format="pyarrow", batch_size=None
        )
        assert_same(pa.concat_tables(ray.get(fitted.to_arrow_refs())), whole)
    finally:
        ray.shutdown()


@pytest.mark.long
def test_spark_gives_the_numbers_of_one_process(table, whole, monkeypatch):
    sql = pytest.importorskip("pyspark.sql")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    spec = jn.tables.spec(table, FORMULA, by="store", missing="drop")
    numbers = ", ".join(f"{name} double" for name in NUMBERS)
    schema = f"store long, term string, {numbers}, status string, n_obs double, dropped boolean"
    session = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        parts = session.createDataFrame(table.to_pandas()).groupBy(sql.functions.expr("xxhash64(store) % 3"))
        fitted = parts.applyInArrow(lambda part: jn.tables.fit_arrow(part, spec), schema).toPandas()
    finally:
        session.stop()
    assert_same(pa.Table.from_pandas(fitted, whole.tidy_table().schema), whole)
