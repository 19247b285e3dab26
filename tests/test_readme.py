"""README in both languages is run, and its tables are held to what exists and to the libraries they speak of."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
from test_layers import CHAPTERS

import jaxnotes as jn

ROOT = Path(__file__).parent.parent
READMES = ["README.md", "README.zh.md"]
SETUP = ['pip install -e ".[all]" && jaxnotes demo', 'pip install -e ".[all]" && pytest']
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", read(name), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", READMES)
def test_the_tour_runs_verbatim(name):
    session = "\n".join(blocks(name, "python"))
    test = doctest.DocTestParser().get_doctest(session, {}, name, name, 0)
    assert len(test.examples) > 15
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
    assert result.failed == 0, "".join(report)


def test_both_readmes_run_the_same_commands_and_code():
    for language in ("python", "sh"):
        assert blocks("README.md", language) == blocks("README.zh.md", language)
    assert [block.strip() for block in blocks("README.md", "sh")] == SETUP


@pytest.mark.parametrize("name", [*READMES, "docs/troubleshooting.md", "notebooks/README.md"])
def test_every_link_leads_somewhere(name):
    for target in re.findall(r"\]\(([^)]+)\)", read(name)):
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path
        assert file.exists(), target
        headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE) if anchor else []
        assert not anchor or anchor in [re.sub(r"[^\w\- ]", "", h).lower().replace(" ", "-") for h in headings]


@pytest.mark.parametrize("name", READMES)
def test_the_map_holds_every_module_with_its_test_and_bench(name):
    rows = [line for line in read(name).splitlines() if "](jaxnotes/" in line and line.startswith("|")]
    modules = [re.findall(r"\[(\w+)\]\(jaxnotes/(\w+)(?:\.py)?\)", row)[0] for row in rows]
    chapters = CHAPTERS & set(jn.__all__)
    assert {label for label, _ in modules} == {stem for _, stem in modules} == chapters
    for (_, stem), row in zip(modules, rows, strict=True):
        assert f"(tests/test_{stem}.py)" in row
    workloads = {path.stem for path in (ROOT / "bench").glob("*.py")}
    assert {name for row in rows for name in re.findall(r"bench/(\w+)\.py", row)} <= workloads


def test_troubleshooting_explains_every_status():
    page = read("docs/troubleshooting.md")
    for status in jn.Status:
        assert f"| `{status.name}` |" in page


@pytest.mark.parametrize("name", [*READMES, "docs/troubleshooting.md"])
def test_only_statuses_that_exist_are_spoken_of(name):
    words = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", read(name)))
    assert words - {"GLM"} <= {status.name for status in jn.Status}


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)).astype(np.float32)
    eta = X @ np.array([1.0, -0.5, 0.25], np.float32) + 0.3
    return X, eta + rng.normal(size=60).astype(np.float32), (rng.random(60) < 1 / (1 + np.exp(-eta))).astype(np.float32)


def test_ridge_is_alpha_n_l2(problem):
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, y, _ = problem
    theirs = linear_model.Ridge(alpha=len(y) * 0.1).fit(X, y)
    ours = jn.least_squares.fit(X, y, l2=0.1).params
    np.testing.assert_allclose(ours.coef, theirs.coef_, rtol=1e-4)
    np.testing.assert_allclose(ours.intercept, theirs.intercept_, rtol=1e-4)


def test_logistic_ridge_is_c_one_over_n_l2(problem):
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, _, y = problem
    theirs = linear_model.LogisticRegression(C=1 / (len(y) * 0.1), tol=1e-8).fit(X, y)
    ours = jn.logistic_regression.fit(X, y, l2=0.1).params
    np.testing.assert_allclose(ours.coef, theirs.coef_[0], rtol=1e-3)
    np.testing.assert_allclose(ours.intercept, theirs.intercept_[0], rtol=1e-3)


@pytest.mark.long
def test_symmetric_multinomial_is_c_one_over_n_l2(problem):
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, y, _ = problem
    y = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    theirs = linear_model.LogisticRegression(C=1 / (len(y) * 0.1), tol=1e-8).fit(X, y)
    ours = jn.multinomial_regression.fit(X, y, n_classes=3, coding="symmetric", l2=0.1).params
    np.testing.assert_allclose(ours.coef, theirs.coef_, rtol=1e-2, atol=1e-3)


@pytest.mark.long
def test_weights_and_precision_are_those_of_statsmodels(problem):
    api = pytest.importorskip("statsmodels.api")
    X, y, labels = problem
    weights = np.random.default_rng(1).integers(1, 4, 60).astype(np.float32)
    theirs = api.WLS(y, api.add_constant(X), weights=weights).fit()
    inference = jn.least_squares.infer(jn.least_squares.fit(X, y, precision=weights), X, y, precision=weights)
    np.testing.assert_allclose(inference.se, theirs.bse, rtol=1e-3)
    theirs = api.GLM(labels, api.add_constant(X), api.families.Binomial(), freq_weights=weights).fit()
    solution = jn.logistic_regression.fit(X, labels, weights=weights)
    inference = jn.logistic_regression.infer(solution, X, labels, weights=weights)
    np.testing.assert_allclose(inference.se, theirs.bse, rtol=1e-3)


@pytest.mark.long
def test_robust_errors_are_those_of_statsmodels(problem):
    api = pytest.importorskip("statsmodels.api")
    X, y, _ = problem
    groups = np.arange(60) // 5
    model = api.OLS(y, api.add_constant(X))
    solution = jn.least_squares.fit(X, y)
    for ours, theirs in (
        (jn.least_squares.infer(solution, X, y, cov="HC1"), model.fit(cov_type="HC1")),
        (
            jn.least_squares.infer(solution, X, y, cov="cluster", groups=groups),
            model.fit(cov_type="cluster", cov_kwds={"groups": groups}),
        ),
    ):
        np.testing.assert_allclose(ours.se, theirs.bse, rtol=1e-3)
