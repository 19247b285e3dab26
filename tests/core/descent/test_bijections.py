"""Every bijection goes onto its range and back, strictly increasing where it is one number, with finite slopes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxnotes import x64
from jaxnotes.core.descent import bijections
from jaxnotes.core.descent.bijections import bounded, ordered, positive, real, simplex

SCALARS = {
    "real": (real(), -np.inf, np.inf),
    "positive": (positive(), 0.0, np.inf),
    "bounded": (bounded(-2.0, 3.0), -2.0, 3.0),
    "from below": (bounded(-2.0, np.inf), -2.0, np.inf),
    "from above": (bounded(-np.inf, 3.0), -np.inf, 3.0),
    "not at all": (bounded(-np.inf, np.inf), -np.inf, np.inf),
}
VECTORS = {"simplex": simplex(), "ordered": ordered()}
free_numbers = st.floats(-8, 8, allow_subnormal=False)


@pytest.mark.parametrize("name", SCALARS)
@given(u=st.lists(free_numbers, min_size=1, max_size=5))
def test_there_and_back(name, u):
    bijection, lower, upper = SCALARS[name]
    with x64():
        u = jnp.sort(jnp.asarray(u))
        x = bijection.forward(u)
        assert np.all((lower < x) & (x < upper))
        assert np.all(np.diff(x) >= 0)
        np.testing.assert_allclose(bijection.inverse(x), u, atol=1e-11)


@pytest.mark.parametrize("name", VECTORS)
@given(u=st.lists(free_numbers, min_size=1, max_size=5))
def test_vectors_there_and_back(name, u):
    with x64():
        u = jnp.asarray(u)
        x = VECTORS[name].forward(u)
        if name == "simplex":
            assert x.shape == (len(u) + 1,)
            assert np.all(x > 0)
            assert float(x.sum()) == pytest.approx(1)
        else:
            assert np.all(np.diff(x) > 0)
        np.testing.assert_allclose(VECTORS[name].inverse(x), u, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("u", [-700.0, -30.0, 0.0, 30.0, 700.0])
def test_slopes_are_finite(name, u, double):
    """Where the form of another kind of bound would overflow too."""
    slope = jax.grad(SCALARS[name][0].forward)(u)
    assert np.isfinite(slope)
    assert slope >= 0
    if abs(u) <= 30:
        h = 1e-4
        numeric = (SCALARS[name][0].forward(jnp.asarray(u + h)) - SCALARS[name][0].forward(jnp.asarray(u - h))) / (
            2 * h
        )
        np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-6 * max(1, abs(float(numeric))))


def test_an_edge_has_no_finite_coordinate():
    assert positive().inverse(jnp.array(0.0)) == -np.inf
    assert np.isnan(positive().inverse(jnp.array(-1.0)))
    assert bounded(0.0, 1.0).inverse(jnp.array(1.0)) == np.inf
    assert np.isnan(bounded(0.0, 1.0).inverse(jnp.array(1.5)))


def test_bounds_are_arguments():
    """They may be arrays, one for each entry, traced, batched and differentiated."""
    u = jnp.zeros(3)
    x = bounded(np.array([0.0, -np.inf, -np.inf]), np.array([4.0, 1.0, np.inf])).forward(u)
    np.testing.assert_allclose(x, [2.0, 0.0, 0.0])
    middles = jax.vmap(lambda upper: bounded(0.0, upper).forward(jnp.array(0.0)))(jnp.array([1.0, 2.0]))
    np.testing.assert_allclose(middles, [0.5, 1.0])
    assert jax.grad(lambda upper: bounded(0.0, upper).forward(jnp.array(0.0)))(2.0) == 0.5


def test_a_tree_of_bijections_works_leaf_by_leaf():
    parts = {"rates": positive(), "mix": simplex(), "rest": real()}
    params = {"rates": jnp.array([1.0, 2.0]), "mix": jnp.array([0.2, 0.8]), "rest": [jnp.array(3.0), jnp.array(4.0)]}
    free = bijections.inverse(parts, params)
    assert free["mix"].shape == (1,)
    for a, b in zip(jax.tree.leaves(bijections.forward(parts, free)), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    both = bijections.forward(positive(), free["rates"])
    np.testing.assert_allclose(both, [1.0, 2.0], rtol=1e-6)


REFUSED = {
    "bounds in the wrong order": (lambda: bounded(2.0, 1.0), ValueError, "^bounded: expected lower < upper"),
    "equal bounds": (lambda: bounded(1.0, 1.0), ValueError, "^bounded: expected lower < upper"),
    "a bound that is no number": (lambda: bounded(float("nan"), 1.0), ValueError, "^bounded: expected lower < upper"),
    "a bound in words": (lambda: bounded("low", 1.0), TypeError, "^lower: expected an array of numbers, got str"),
    "a simplex of one number": (lambda: simplex().inverse(jnp.array(0.5)), ValueError, "^simplex: expected a vector"),
    "one number in order": (lambda: ordered().inverse(jnp.array(0.5)), ValueError, "^ordered: expected a vector"),
    "another tree": (
        lambda: bijections.inverse({"a": real()}, {"b": jnp.array(1.0)}), ValueError, "^bijection: expected one"
    ),
    "a name": (lambda: bijections.forward("positive", jnp.array(1.0)), TypeError, "^bijection: expected one of"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    call, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        call()
