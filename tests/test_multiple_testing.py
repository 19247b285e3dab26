"""Adjusted p-values against statsmodels, shrunk estimates against published numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tolerances
from scipy.optimize import minimize_scalar
from statsmodels.stats.multitest import multipletests
from tolerances import assert_close

import jaxnotes as jn

P = np.random.default_rng(0).random((3, 40)).astype("f4") ** 3
NAMES = {
    "bonferroni": "bonferroni", "holm": "holm", "hochberg": "simes-hochberg", "bh": "fdr_bh", "by": "fdr_by",
}  # fmt: skip
EXACT = tolerances.of("float32").estimate

# Benjamini and Hochberg (1995), section 4.1: fifteen hypotheses about thrombolysis in myocardial infarction.
THROMBOLYSIS = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
    0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip
# Thirteen trials of the BCG vaccine (Colditz et al. 1994): cases and others, vaccinated and not.
BCG = np.array([
    [4, 119, 11, 128], [6, 300, 29, 274], [3, 228, 11, 209], [62, 13536, 248, 12619], [33, 5036, 47, 5761],
    [180, 1361, 372, 1079], [8, 2537, 10, 619], [505, 87886, 499, 87892], [29, 7470, 45, 7232], [17, 1699, 65, 1600],
    [186, 50448, 141, 27197], [5, 2493, 3, 2338], [27, 16886, 29, 17825],
])  # fmt: skip
LOG_ODDS = np.log(BCG[:, 0] * BCG[:, 3] / BCG[:, 1] / BCG[:, 2]).astype("f4")
ERRORS = np.sqrt(np.sum(1 / BCG, axis=1)).astype("f4")


@pytest.mark.parametrize("method", NAMES)
def test_the_same_as_statsmodels(method):
    expected = [multipletests(row, method=NAMES[method])[1] for row in P]
    assert_close(jax.jit(jn.multiple_testing.adjust, static_argnums=1)(P, method), expected, EXACT)


def test_published_rejections():
    """At 5 % Bonferroni rejects three hypotheses of the fifteen, Benjamini and Hochberg four, Hochberg three."""
    counts = {name: int(jnp.sum(jn.multiple_testing.adjust(THROMBOLYSIS, name) <= 0.05)) for name in NAMES}
    assert (counts["bonferroni"], counts["bh"], counts["hochberg"]) == (3, 4, 3)


def test_storey_by_hand():
    """Four of fifteen p-values are 1/2 or more, so 8 / 15 of the hypotheses are taken to be true."""
    bh, storey = (jn.multiple_testing.adjust(THROMBOLYSIS, name) for name in ("bh", "storey"))
    assert_close(storey, bh * (8 / 15), EXACT)
    np.testing.assert_array_equal(
        jn.multiple_testing.adjust([0.2, 0.7, 0.9], "storey"), jn.multiple_testing.adjust([0.2, 0.7, 0.9], "bh")
    )


@pytest.mark.parametrize("method", [*NAMES, "storey"])
def test_nan_is_kept_and_not_counted(method):
    holes = P.copy()
    holes[:, [3, 17]] = np.nan
    answer = np.asarray(jn.multiple_testing.adjust(holes, method))
    assert np.isnan(answer[:, [3, 17]]).all()
    others = np.delete(np.arange(P.shape[1]), [3, 17])
    expected = jax.vmap(lambda p: jn.multiple_testing.adjust(p, method))(P[:, others])
    assert_close(answer[:, others], expected, EXACT)


def test_what_is_no_probability_spoils_its_family_alone():
    wrong = P.copy()
    wrong[1, 5] = 1.5
    answer = np.asarray(jn.multiple_testing.adjust(wrong))
    assert np.isnan(answer).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(jn.multiple_testing.adjust([np.nan, np.nan])).all()
    assert jn.multiple_testing.adjust(np.zeros((2, 0), "f4")).shape == (2, 0)


def test_bad_input():
    with pytest.raises(ValueError, match=r"method: expected one of bonferroni, .*, storey, got 'BH'"):
        jn.multiple_testing.adjust(P, "BH")
    with pytest.raises(ValueError, match="p: expected shape"):
        jn.multiple_testing.adjust(0.1)
    with pytest.raises(TypeError, match="p: expected an array of numbers"):
        jn.multiple_testing.adjust(["a", "b"])
    with pytest.raises(ValueError, match=r"se: expected shape \(3,\)"):
        jn.multiple_testing.shrink([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="estimates: expected shape"):
        jn.multiple_testing.shrink(1.0, 1.0)


def test_vaccine_trials_as_published():
    """Van Houwelingen, Arends and Stijnen (2002), Statistics in Medicine 21, 589-624: mean -0.742, variance 0.302."""
    shrunk = jn.multiple_testing.shrink(LOG_ODDS, ERRORS)
    assert f"{shrunk.mean:.3f} {shrunk.sd**2:.3f}" == "-0.742 0.302"
    between = np.sign(shrunk.mean - LOG_ODDS) * (shrunk.estimate - LOG_ODDS)
    assert np.all((between > 0) & (shrunk.se < ERRORS))


def test_eight_schools_do_not_differ():
    """Gelman et al., Bayesian Data Analysis, section 5.5: the pooled mean is 7.7."""
    shrunk = jn.multiple_testing.shrink([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])
    assert shrunk.sd == 0
    assert_close(shrunk.estimate, np.full(8, 7.6856), 1e-4)


def loglik(variance, y, s):
    v = variance + s**2
    mean = np.sum(y / v) / np.sum(1 / v)
    return -np.sum(np.log(v) + (y - mean) ** 2 / v)


def test_the_prior_is_the_most_likely_one():
    """By another search; all rows in one call, in any unit, and NaN left out."""
    rng = np.random.default_rng(1)
    s = rng.uniform(0.5, 2, (4, 30)).astype("f4")
    y = (3 + rng.standard_normal((4, 30)) * np.hypot(s, [[0.0], [0.3], [1], [4]])).astype("f4")
    y[2, 7], s[3, 2] = np.nan, np.nan
    shrunk = jn.multiple_testing.shrink(y, s)
    for row, error, sd in zip(y, s, shrunk.sd, strict=True):
        there = np.isfinite(row + error)
        row, error = row[there].astype(float), error[there].astype(float)
        best = minimize_scalar(
            lambda v, row=row, error=error: -loglik(v, row, error), bounds=(0, 100), method="bounded"
        )
        assert loglik(float(sd) ** 2, row, error) >= -best.fun - 1e-5
    assert np.isnan(shrunk.estimate[2, 7])
    small = jn.multiple_testing.shrink(y * 2.0**-80, s * 2.0**-80)
    assert_close(small.estimate * 2.0**80, shrunk.estimate, EXACT)


def test_derivatives_are_those_of_the_optimum():
    with jn.x64():
        y, s, along = jnp.asarray(LOG_ODDS, float), jnp.asarray(ERRORS, float), jnp.linspace(-1, 1, 13)

        def total(step):
            return jnp.sum(jn.multiple_testing.shrink(y + step * along, s).estimate ** 2)

        slope = jax.grad(total)(0.0)
        expected = (total(1e-5) - total(-1e-5)) / 2e-5
        assert_close(slope, expected, tolerances.of("float64").derivative)


def test_no_standard_error_no_answer():
    shrunk = jn.multiple_testing.shrink([[1.0, 2.0], [1.0, 2.0]], [[1.0, 0.0], [1.0, 1.0]])
    assert np.isnan(shrunk.mean).tolist() == [True, False]
