"""A small problem solved alone has a program of its own; within others' programs there is no trace of that."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tolerances
from tolerances import assert_close

import jaxnotes as jn
from jaxnotes.core.values import programs

RNG = np.random.default_rng(0)
X, Y = (jnp.asarray(RNG.standard_normal(shape), jnp.float32) for shape in ((30, 2), (30,)))
ONES, ZERO = jnp.ones(30), jnp.asarray(0.0)


def slopes(scale):
    """A fit of constants alone, every argument an array that is there already."""
    return (
        scale
        * jn.logistic_regression.fit(
            X, jnp.where(Y > 0, 1.0, 0.0), weights=ONES, offset=0 * Y, trials=ONES, l2=ZERO, tol=ZERO + 1e-6
        ).params.coef
    )


WITHIN = {
    "jit": lambda: jax.jit(slopes)(2.0),
    "vmap": lambda: jax.vmap(slopes)(jnp.array([2.0]))[0],
    "both": lambda: jax.jit(jax.vmap(slopes))(jnp.array([2.0]))[0],
    "map": lambda: jax.lax.map(slopes, jnp.array([2.0]))[0],
    "derivative": lambda: 2 * jax.jacfwd(slopes)(1.0),
}


@pytest.mark.one_in(5)
@pytest.mark.parametrize("name", WITHIN)
def test_constants_within_a_program(name):
    assert_close(WITHIN[name](), slopes(2.0), tolerances.of("float32").reblocked)


def test_what_counts_as_alone():
    assert programs.is_small_and_alone((X, Y, "name")) == (jax.default_backend() == "cpu")
    assert not programs.is_small_and_alone((jnp.zeros((programs.MAX_BYTES,)),))
    seen = []
    jax.jit(lambda x: seen.append(programs.is_small_and_alone((X, Y))) or x)(1.0)
    jax.vmap(lambda x: seen.append(programs.is_small_and_alone((x,))) or x)(X)
    assert seen == [False, False]


@pytest.mark.long
def test_alone_is_within():
    ours, theirs = jn.least_squares.fit(X, Y), jax.jit(jn.least_squares.fit)(X, Y)
    assert_close(ours.params.coef, theirs.params.coef, tolerances.of("float32").reblocked)
    assert int(ours.status) == int(theirs.status) == 0
