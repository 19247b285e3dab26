"""Chapter 3 against certified answers: NIST, Stata, R; then statsmodels, scikit-learn and closed forms."""

import jax
import numpy as np
import pytest
import reference
import statsmodels.api as sm
import tolerances
from reference import lre, numbers
from sklearn.linear_model import Ridge
from tolerances import assert_close

from jaxnotes import Status, least_squares, x64
from jaxnotes.core.linear import equations, intake, refinement
from jaxnotes.core.matrix import factors, products, scaling
from jaxnotes.core.values.params import as_theta

pytestmark = pytest.mark.repeated

# Which regime each NIST case takes. In float32 the Gram matrix is trusted up to a condition of about 1e3, not 1e11.
GRAM = {
    "float64": {"Norris", "NoInt1", "Longley", "Wampler1", "Wampler2", "Wampler3"},
    "float32": {"Norris", "NoInt1", "Longley"},
}
# Right digits of the coefficients in float32, at least. The exact solution of the data rounded to float32 would have
# all in NoInt1, Wampler1 and Wampler3 (data exact in float32), 5.0 in Norris, 4.9 in Longley, 4.8 in Wampler2. Norris
# and Longley lose one or two more: the gradient at parameters rounded to float32 is as large as the last corrections.
FLOAT32_DIGITS = {"Norris": 3.8, "NoInt1": 7, "Longley": 2.3, "Wampler1": 7, "Wampler2": 4.5, "Wampler3": 7}


@jax.jit
def goodness(solution, X, y, given):
    """All that says how good a fit is, in one program."""
    functions = [least_squares.residual_sd, least_squares.r_squared, least_squares.f_test, least_squares.aic]
    functions += [least_squares.bic, least_squares.log_likelihood]
    return {function.__name__: function(solution, X, y, **given) for function in functions}


def takes_gram(X, y, intercept: bool) -> bool:
    """The engine's own question about the scaled design, asked of one problem."""

    @jax.jit
    def smallest_pivot(X, y):
        data = intake.equations(X, y, intercept, None, None, 0.0)
        shares = equations.shares_of(data)
        share = shares.evenly()
        scaled = scaling.scale_columns(data.X, share, shares.present, intercept=intercept)
        gram = products.of(scaled.Z[None], 1).gram(share[None, None, None])
        return factors.factor_spd(gram, 0 * scaled.scale[None]).smallest_pivot[0]

    return bool(refinement.gram_is_safe(smallest_pivot(X, y)))


def nist(name: str, dtype: str):
    case = reference.case("nist_linear", name)
    X, intercept, order = reference.design(case)
    assert order == list(range(len(order)))
    return case, X.astype(dtype), reference.columns(case)["y"].astype(dtype), intercept


@pytest.mark.one_in(5)
@pytest.mark.parametrize("name", reference.names("nist_linear"))
def test_nist_in_float64(name, double):
    case, X, y, intercept = nist(name, "float64")
    solution = least_squares.fit(X, y, intercept=intercept)
    inferred = least_squares.infer(solution, X, y)
    assert solution.status == Status.CONVERGED
    assert takes_gram(X, y, intercept) == (name in GRAM["float64"])
    theta, refined = as_theta(solution.params), case["refined"]
    needed = min(9, case["conditioning"]["seen_numpy_qr_float64"] - 1.5)
    assert lre(theta, numbers(refined["params"])) >= needed
    assert float(inferred.df) == case["certified"]["df_residual"]
    rss = 2 * len(y) * float(solution.value)
    if float(refined["rss"]) == 0:
        assert rss <= 1e-28 * np.sum(y**2)
        assert np.all(np.asarray(inferred.se) <= 1e-10 * np.abs(theta))
    else:
        assert lre(rss, float(refined["rss"])) >= needed
        assert lre(inferred.se, numbers(refined["std_err"])) >= needed
    if name == "Filip":
        assert solution.params.coef.shape == (10,)
        assert np.all(np.asarray(solution.params.coef) != 0)


@pytest.mark.parametrize("name", reference.names("nist_linear"))
def test_nist_in_float32(name, capsys):
    case, X, y, intercept = nist(name, "float32")
    solution = least_squares.fit(X, y, intercept=intercept)
    digits = lre(as_theta(solution.params), numbers(case["refined"]["params"]))
    with capsys.disabled():
        print(f"\n  float32 {name:9s} {Status(int(solution.status)).name:15s} {max(digits, 0):4.1f} digits", end="")
    assert takes_gram(X, y, intercept) == (name in GRAM["float32"])
    assert solution.params.coef.dtype == np.float32
    if name == "Filip":
        assert solution.status == Status.RANK_DEFICIENT
    else:
        assert solution.status == Status.CONVERGED
        assert digits >= FLOAT32_DIGITS[name]


# NIST StRD, linear regression (public domain): Norris.dat, calibration of ozone monitors; certified values as printed.
NORRIS_X = [
    0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9, 338.0, 447.5,
    11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1,
    448.9, 0.5,
]  # fmt: skip
NORRIS_Y = [
    0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8, 339.3, 448.9, 10.8,
    557.7, 228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4, 449.2,
    0.2,
]  # fmt: skip
# Longley.dat, after J. W. Longley (1967), Journal of the American Statistical Association 62, 819-841; y first.
LONGLEY = [
    [60323, 83.0, 234289, 2356, 1590, 107608, 1947], [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
    [60171, 88.2, 258054, 3682, 1616, 109773, 1949], [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
    [63221, 96.2, 328975, 2099, 3099, 112075, 1951], [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
    [64989, 99.0, 365385, 1870, 3547, 115094, 1953], [63761, 100.0, 363112, 3578, 3350, 116219, 1954],
    [66019, 101.2, 397469, 2904, 3048, 117388, 1955], [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
    [68169, 108.4, 442769, 2936, 2798, 120445, 1957], [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
    [68655, 112.6, 482704, 3813, 2552, 123366, 1959], [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
    [69331, 115.7, 518173, 4806, 2572, 127852, 1961], [70551, 116.9, 554894, 4007, 2827, 130081, 1962],
]  # fmt: skip
EMBEDDED = {
    "Norris": (
        np.column_stack([NORRIS_Y, NORRIS_X]),
        [-0.262323073774029, 1.00211681802045],
        [0.232818234301152, 0.429796848199937e-03],
        {"residual_sd": 0.884796396144373, "r_squared": 0.999993745883712, "f": 5436385.54079785, "df": (1, 34)},
    ),
    "Longley": (
        np.array(LONGLEY, float),
        [-3482258.63459582, 15.0618722713733, -0.358191792925910e-01, -2.02022980381683, -1.03322686717359,
         -0.511041056535807e-01, 1829.15146461355],
        [890420.383607373, 84.9149257747669, 0.334910077722432e-01, 0.488399681651699, 0.214274163161675,
         0.226073200069370, 455.478499142212],
        {"residual_sd": 304.854073561965, "r_squared": 0.995479004577296, "f": 330.285339234588, "df": (6, 9)},
    ),
}  # fmt: skip


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_nist(name, double):
    table, params, std_err, others = EMBEDDED[name]
    X, y = table[:, 1:], table[:, 0]
    solution = least_squares.fit(X, y)
    assert solution.status == Status.CONVERGED
    assert lre(as_theta(solution.params), params) >= 9
    assert lre(least_squares.infer(solution, X, y).se, std_err) >= 9
    good = goodness(solution, X, y, {})
    assert lre(good["residual_sd"], others["residual_sd"]) >= 9
    assert lre(good["r_squared"], others["r_squared"]) >= 12
    assert lre(good["f_test"].statistic, others["f"]) >= 8
    assert (float(good["f_test"].df1), float(good["f_test"].df2)) == others["df"]


ROWS = 202  # the larger problems are filled up with absent rows, so that they share their compiled programs


def padded(rows):
    """The rows (n, ...) followed by ones that must not count: NaN, or label 99."""
    return np.concatenate([rows, np.full((ROWS - len(rows), *rows.shape[1:]), 99 if rows.dtype == int else np.nan)])


def certified(name: str):
    """A case of linear_more.json: the case, X, y, intercept, order and its columns."""
    case = reference.case("linear_more", name)
    X, intercept, order = reference.design(case)
    data = reference.columns(case)
    return case["refined"], X, reference.evaluate(case["response"], data), intercept, order, data


def test_engel_frequency_weights(double):
    refined, X, y, _, _, data = certified("engel_fweights")
    solution = least_squares.fit(X, y, weights=data["w"])
    inferred = least_squares.infer(solution, X, y, weights=data["w"])
    assert lre(inferred.estimate, numbers(refined["params"])) >= 7
    assert lre(inferred.se, numbers(refined["std_err"])) >= 6
    assert float(inferred.df) == data["w"].sum() - 2
    good = goodness(solution, X, y, {"weights": data["w"]})
    assert lre(good["log_likelihood"], float(refined["loglik"])) >= 9
    assert lre(good["r_squared"], float(refined["r_squared"])) >= 9


@pytest.mark.parametrize("cov", ["HC0", "HC1", "HC2", "HC3"])
def test_longley_robust(cov, double):
    refined, X, y, _, order, _ = certified("longley_hc0_hc3")
    inferred = least_squares.infer(least_squares.fit(X, y), X, y, cov=cov)
    assert lre(inferred.estimate, numbers(refined["params"])[order]) >= 7
    assert lre(inferred.se, numbers(refined[f"{cov}_se"])[order]) >= 6


@pytest.mark.parametrize(
    ("name", "cov"), [("macro_ols_hc1", "HC1"), ("grunfeld_ols_cluster", "cluster"), ("grunfeld_wls_hc1", "HC1")]
)
def test_robust(name, cov, double):
    refined, X, y, _, order, data = certified(name)
    n = len(y)
    precision = 1 / data["value"] if "wls" in name else np.ones(n)
    groups = padded(data["firm"].astype(int)) if cov == "cluster" else None
    X, y = padded(X), padded(y)
    given = {"weights": (np.arange(ROWS) < n).astype(float), "precision": padded(precision)}
    solution = least_squares.fit(X, y, **given)
    inferred = least_squares.infer(solution, X, y, **given, cov=cov, groups=groups)
    assert solution.status == Status.CONVERGED
    assert lre(inferred.estimate, numbers(refined["params"])[order]) >= 7
    assert lre(inferred.se, numbers(refined["std_err"])[order]) >= 6


@pytest.mark.one_in(2)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("degree", "n"), [(5, 200), (6, 50), (7, 30), (7, 50)])
def test_nearly_dependent_columns_cost_the_condition_and_not_its_square(degree, n, intercept):
    """Powers of t in [0, 1]: the error of a backward stable method, about eps times the condition (1e4 to 1e5 here)."""
    X = np.vander(np.linspace(0, 1, n, dtype=np.float32), degree + 1, increasing=True)
    y = X.astype(float).sum(axis=1).astype(np.float32)
    exact = np.linalg.lstsq(X.astype(float), y.astype(float), rcond=None)[0]
    first = 1 if intercept else 0
    solution = least_squares.fit(X[:, first:], y, intercept=intercept)
    assert solution.status == Status.CONVERGED
    bound = 2 * np.finfo(np.float32).eps * np.linalg.cond(X.astype(float))
    np.testing.assert_allclose(solution.params.coef, exact[first:], rtol=bound)


def test_collinear_least_norm(double):
    refined, X, y, _, _, _ = certified("collinear_5x4")
    X = np.column_stack([np.ones_like(y), X])
    solution = least_squares.fit(X, y, intercept=False)
    assert solution.status == Status.RANK_DEFICIENT
    assert lre(solution.params.coef, numbers(refined["params_minimum_norm"])) >= 7
    assert lre(least_squares.predict(solution, X), numbers(refined["fitted"])) >= 7
    assert lre(2 * len(y) * solution.value, float(refined["rss"])) >= 7
    inferred = least_squares.infer(solution, X, y)
    assert float(inferred.df) == 2
    assert_close(inferred.covariance, float(refined["rss"]) / 2 * np.linalg.pinv(X.T @ X, rcond=1e-10), 1e-8)


RIDGE = reference.names("penalised", keep=lambda case: case["penalty"] == "ridge" and "family" not in case)


@pytest.mark.parametrize("name", RIDGE)
def test_certified_ridge(name, double):
    case = reference.case("penalised", name)
    data = reference.columns(case)
    raw, y = np.column_stack([data[name] for name in case["predictors"]]), data[case["response"]]
    mean, sd = raw.mean(axis=0), raw.std(axis=0)
    # lam sum b^2 beside sum r^2 is l2 / 2 sum b^2 beside sum r^2 / (2 n) for l2 = lam / n.
    solution = least_squares.fit((raw - mean) / sd, y, l2=float(case["lambda"]) / len(y))
    coef = np.asarray(solution.params.coef) / sd
    assert solution.status == Status.CONVERGED
    assert lre([solution.params.intercept - mean @ coef, *coef], numbers(case["refined"]["params"])) >= 7


def problem(n: int = ROWS, p: int = 2):
    """A well-conditioned problem with weights, precisions and uneven noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p)) * [1.0, 10.0] + [0.0, 5.0]
    y = 1 + X @ [2.0, -0.3] + rng.standard_normal(n) * (1 + np.abs(X[:, 0]))
    return X, y, rng.integers(0, 4, n).astype(float), rng.uniform(0.5, 2, n)


@pytest.mark.long
def test_against_statsmodels(dtype):
    X, y, weights, precision = problem()
    tolerance = tolerances.of(dtype)
    A = sm.add_constant(X)
    repeated = np.repeat(np.arange(len(y)), weights.astype(int))
    peer = sm.WLS(y[repeated], A[repeated], weights=precision[repeated]).fit()
    X, y, weights, precision = (a.astype(dtype) for a in (X, y, weights, precision))
    given = {"weights": weights, "precision": precision}
    solution = least_squares.fit(X, y, **given)
    inferred = least_squares.infer(solution, X, y, **given, level=0.9)
    assert_close(inferred.estimate, peer.params, tolerance.estimate)
    assert_close(inferred.covariance, peer.cov_params(), tolerance.inference)
    assert_close(inferred.statistic, peer.tvalues, tolerance.inference)
    assert_close(inferred.pvalue, peer.pvalues, tolerance.inference)
    assert_close(np.column_stack([inferred.lower, inferred.upper]), peer.conf_int(0.1), tolerance.inference)
    assert float(inferred.df) == peer.df_resid
    good = goodness(solution, X, y, given)
    # statsmodels does not count sigma as a parameter, R and this package do.
    expected = {"log_likelihood": peer.llf, "aic": peer.aic + 2, "bic": peer.bic + np.log(weights.sum())}
    for name, value in expected.items():
        assert float(good[name]) == pytest.approx(value, rel=tolerance.loglik)
    assert float(good["r_squared"]) == pytest.approx(peer.rsquared, rel=tolerance.inference)
    assert float(good["f_test"].statistic) == pytest.approx(peer.fvalue, rel=tolerance.inference)
    # The tail is so thin that its relative error is some hundred times that of the statistic.
    assert float(good["f_test"].pvalue) == pytest.approx(peer.f_pvalue, rel=500 * tolerance.inference)


@pytest.mark.long
@pytest.mark.parametrize("cov", ["HC1", "HC3", "cluster"])
def test_robust_covariances_count_a_weight_as_rows(cov, double):
    X, y, weights, _ = problem()
    repeated = np.repeat(np.arange(len(y)), weights.astype(int))
    groups = np.arange(len(y)) // 5 * 7 - 3
    options = {"cov_kwds": {"groups": groups[repeated] + 3}} if cov == "cluster" else {}
    peer = sm.OLS(y[repeated], sm.add_constant(X)[repeated]).fit(cov_type=cov, **options)
    given = {"weights": weights, "precision": np.ones_like(y)}
    inferred = least_squares.infer(
        least_squares.fit(X, y, **given), X, y, **given, cov=cov, groups=groups if options else None
    )
    assert_close(inferred.covariance, peer.cov_params(), tolerances.of("float64").inference)


def test_ridge_against_scikit_learn(dtype):
    X, y, weights, _ = problem()
    l2 = 0.3
    peer = Ridge(alpha=l2 * weights.sum(), solver="cholesky").fit(X, y, sample_weight=weights)
    X, y, weights = (a.astype(dtype) for a in (X, y, weights))
    solution = least_squares.fit(X, y, weights=weights, precision=np.ones_like(y), l2=l2)
    assert_close(as_theta(solution.params), [peer.intercept_, *peer.coef_], tolerances.of(dtype).estimate)


def test_ridge_inference_is_the_sampling_covariance(double):
    """H^-1 X'WX H^-1 sigma^2, H = X'WX + n l2, sigma^2 = RSS / (n - trace of the smoother), written out."""
    X, y, weights, precision = problem()
    l2, n = 0.3, weights.sum()
    A, W = sm.add_constant(X), np.diag(weights * precision)
    H = A.T @ W @ A + n * l2 * np.diag([0.0, 1, 1])
    theta = np.linalg.solve(H, A.T @ W @ y)
    df = n - np.trace(np.linalg.solve(H, A.T @ W @ A))
    sigma2 = (y - A @ theta) @ W @ (y - A @ theta) / df
    given = {"weights": weights, "precision": precision, "l2": l2}
    inferred = least_squares.infer(least_squares.fit(X, y, **given), X, y, **given)
    assert_close(inferred.estimate, theta, tolerances.of("float64").estimate)
    assert float(inferred.df) == pytest.approx(df, rel=1e-12)
    inverse = np.linalg.inv(H)
    assert_close(inferred.covariance, inverse @ (A.T @ W @ A) @ inverse * sigma2, tolerances.of("float64").inference)


def test_leverage_is_the_diagonal_of_the_hat_matrix(double):
    X, _, weights, precision = problem()
    A, W = sm.add_constant(X), np.diag(weights * precision)
    hat = precision * np.einsum("ij,jk,ik->i", A, np.linalg.inv(A.T @ W @ A), A)
    ours = jax.jit(least_squares.leverage)(X, weights=weights, precision=precision)
    assert_close(ours, np.where(weights > 0, hat, 0), tolerances.of("float64").inference)


def test_predict_and_the_three_conventions(dtype):
    X, y, _, _ = (a.astype(dtype) for a in problem())
    solution = least_squares.fit(X, y, precision=np.ones_like(y), weights=np.ones_like(y))
    fitted = X.astype(float) @ np.asarray(solution.params.coef, float) + float(solution.params.intercept)
    tolerance = tolerances.of(dtype)
    assert_close(least_squares.predict(solution, X), fitted, tolerance.estimate)
    total = np.sum((y - fitted) ** 2)
    for convention, divisor in [("sum", 1), ("mean", len(y)), ("half_mean", 2 * len(y))]:
        loss = least_squares.loss(solution.params, X, y, convention=convention)
        assert float(loss) == pytest.approx(total / divisor, rel=tolerance.estimate)
    assert float(solution.value) == pytest.approx(total / (2 * len(y)), rel=tolerance.estimate)


@pytest.mark.parametrize("angle", [10.0, 44.9, 45.1, 80.0, -30.0, -85.0])
def test_orthogonal_line_is_the_principal_direction(angle, dtype):
    """Against the singular vectors of the centred points, on either side of 45 degrees."""
    rng = np.random.default_rng(1)
    along, across = rng.standard_normal(50), 0.2 * rng.standard_normal(50)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x, y = 3 + c * along - s * across, -1 + s * along + c * across
    _, singular, Vt = np.linalg.svd(np.column_stack([x - x.mean(), y - y.mean()]))
    solution = least_squares.fit_orthogonal(x.astype(dtype), y.astype(dtype))
    slope, tolerance = Vt[0, 1] / Vt[0, 0], tolerances.of(dtype).estimate
    assert solution.status == Status.CONVERGED
    assert float(solution.params.coef[0]) == pytest.approx(slope, rel=tolerance)
    assert float(solution.params.intercept) == pytest.approx(y.mean() - slope * x.mean(), rel=10 * tolerance)
    assert float(solution.value) == pytest.approx(singular[1] ** 2 / 100, rel=20 * tolerance)


def test_orthogonal_line_says_when_there_is_none():
    circle = np.linspace(0, 2 * np.pi, 4, endpoint=False)
    for x, y in [(np.zeros(4), np.arange(4.0)), (np.round(np.cos(circle)), np.round(np.sin(circle)))]:
        solution = least_squares.fit_orthogonal(x, y)
        assert solution.status == Status.FLAT
        assert np.all(np.isnan(solution.params.coef))
    assert least_squares.fit_orthogonal([1.0, np.nan, 2.0], [0.0, 1.0, 2.0]).status == Status.NON_FINITE_DATA


def test_tables_are_complete():
    """Every case has a stated regime and stated digits, so that a new one cannot slip by."""
    found = set(reference.cases("nist_linear")) or set(FLOAT32_DIGITS) | {"Filip"}
    assert found == set(FLOAT32_DIGITS) | {"Filip"} == GRAM["float64"] | {"Filip"}
    with x64():
        assert refinement.gram_is_safe(np.float64(1e-10))
        assert not refinement.gram_is_safe(np.float64(1e-12))
