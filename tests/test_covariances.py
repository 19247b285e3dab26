"""Covariances as values: the same as their names, offered where a model has what they need, refused with the reason."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tolerances
from tolerances import assert_close

import jaxnotes as jn

RNG = np.random.default_rng(5)
X = RNG.standard_normal((40, 2)).astype("f4")
Y = (X[:, 0] + RNG.standard_normal(40)).astype("f4")
GROUPS = np.arange(40) % 7
COUNTS = (Y > 0).astype(int)


def line(params, x):
    return params[0] + x @ params[1:]


def normal(params, row):
    return -((row[1] - line(params, row[0])) ** 2) / 2


INFER = {
    "least_squares": lambda **k: jn.least_squares.infer(jn.least_squares.fit(X, Y), X, Y, **k),
    "logistic_regression": lambda **k: jn.logistic_regression.infer(
        jn.logistic_regression.fit(X, COUNTS), X, COUNTS, **k
    ),
    "multinomial_regression": lambda **k: jn.multinomial_regression.infer(
        jn.multinomial_regression.fit(X, COUNTS, n_classes=2), X, COUNTS, **k
    ),
    "curve_fitting": lambda **k: jn.curve_fitting.infer(
        line, jn.curve_fitting.fit(line, np.zeros(3, "f4"), X, Y), X, Y, **k
    ),
    "maximum_likelihood": lambda **k: jn.maximum_likelihood.infer(
        normal, jn.maximum_likelihood.fit(normal, np.zeros(3, "f4"), (X, Y)), (X, Y), **k
    ),
}
WITHOUT_LEVERAGE = {"multinomial_regression", "maximum_likelihood"}
TOLERANCE = tolerances.of("float32").inference


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", INFER)
def test_a_value_is_its_name(name):
    infer = INFER[name]
    kinds = (0, 1) if name in WITHOUT_LEVERAGE else (0, 1, 2, 3)
    for kind in kinds:
        np.testing.assert_array_equal(infer(cov=jn.covariances.hc(kind)).se, infer(cov=f"HC{kind}").se)
    np.testing.assert_array_equal(infer(cov=jn.covariances.nonrobust()).se, infer().se)
    if name != "curve_fitting":  # whose infer has no groups of its own
        clustered = infer(cov="cluster", groups=GROUPS).se
        np.testing.assert_array_equal(infer(cov=jn.covariances.cluster(GROUPS)).se, clustered)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("cov", [*map(jn.covariances.hc, range(2)), jn.covariances.cluster(GROUPS)])
def test_models_of_one_line_agree(cov):
    """A straight curve and a normal likelihood of known variance are least squares, under every robust covariance."""
    expected = INFER["least_squares"](cov=cov).covariance
    for name in ("curve_fitting", "maximum_likelihood"):
        assert_close(INFER[name](cov=cov).covariance, expected, TOLERANCE)


@pytest.mark.parametrize("name", sorted(WITHOUT_LEVERAGE))
def test_a_refusal_says_why(name):
    with pytest.raises(ValueError, match=r"cov: expected one of nonrobust, HC0, HC1, cluster, got 'HC3'.*leverage"):
        INFER[name](cov=jn.covariances.hc(3))


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match="kind: expected 0, 1, 2 or 3, got 4"):
        jn.covariances.hc(4)
    with pytest.raises(ValueError, match="groups: expected none beside a covariance as a value"):
        INFER["least_squares"](cov=jn.covariances.cluster(GROUPS), groups=GROUPS)
    with pytest.raises(TypeError, match="groups: expected integers or text, got float32"):
        INFER["least_squares"](cov=jn.covariances.cluster(Y))
    with pytest.raises(ValueError, match=r"groups: expected shape \(40,\)"):
        INFER["least_squares"](cov=jn.covariances.cluster(GROUPS[1:]))


@pytest.mark.long
def test_groups_of_each_lane():
    """A value travels through jit and vmap, with labels that differ from lane to lane."""
    labels = jnp.stack([GROUPS, jnp.arange(40) // 8])

    def infer(groups):
        return INFER["least_squares"](cov=jn.covariances.cluster(groups)).se

    many = jax.jit(jax.vmap(infer))(labels)
    for k in range(2):
        assert_close(many[k], infer(labels[k]), TOLERANCE)
