"""The choice of an activation: the test against SciPy, no winner where there is none, and the table tells what was."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from jaxnotes import neural_networks as nn
from jaxnotes.neural_networks import choice, compare
from jaxnotes.show import network_plots

KEY = jax.random.key(0)


def rows(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)).astype(np.float32)
    return X, (X[:, 0] * X[:, 1] + 0.5 * rng.standard_normal(n) > 0).astype(np.float32)


def test_comparison_against_scipy_and_holm_by_hand(double):
    losses = np.random.default_rng(3).standard_normal((5, 8)) * 0.3 + np.array([[0.0], [0.1], [0.4], [0.6], [np.inf]])
    found = compare(losses, factor=1 / 8, level=0.95)
    raw = [stats.ttest_rel(losses[i], losses[0]).pvalue for i in range(1, 4)]
    assert found.best == np.argmin(losses.mean(1)) == 0
    adjusted, so_far = {}, 0.0
    for rank, i in enumerate(np.argsort(raw)):
        adjusted[i] = so_far = max(so_far, min(1.0, (3 - rank) * raw[i]))
    np.testing.assert_allclose(found.pvalue, [1, adjusted[0], adjusted[1], adjusted[2], np.nan], rtol=1e-9)
    assert found.tied.tolist() == [True, *(adjusted[i] >= 0.05 for i in range(3)), False]
    assert 1 < sum(found.tied.tolist()) < 4


def negated_tanh(z):
    """In law the same arm as tanh, for weights are drawn symmetrically; in numbers another."""
    return jnp.tanh(-z)


@pytest.mark.long
def test_identical_arms_have_no_winner():
    """Bit for bit identical ones never; those equal in law in at most 5 % of 200 runs, each on data of its own."""
    data = rows(40, 2)
    same = nn.select_activation(KEY, (2, 3, 1), data, activations=["relu"] * 3, rates=(0.1,), output="binary", epochs=3)
    assert same.winner is None
    assert same.tied == ("relu",) * 3
    plan = choice._Plan((2, 3, 1), ("tanh", negated_tanh), "binary", optax.adam, 5, 1, 8, 20)

    @jax.jit
    @jax.vmap
    def run(key):
        X = jax.random.normal(key, (60, 2))
        y = X[:, 0] * X[:, 1] + 0.5 * jax.random.normal(jax.random.fold_in(key, 1), (60,)) > 0
        arms = choice._cross_validate(plan, key, jnp.array([0.1]), X, y)
        return compare(arms.loss[:, :, 0, 0].T, factor=1 / 5 + 12 / 48).tied, arms.loss

    tied, loss = run(jax.random.split(KEY, 200))
    assert np.all(loss[..., 0, :, :] != loss[..., 1, :, :])
    assert np.mean(np.sum(tied, axis=1) == 1) <= 0.05


def test_selection_finds_what_is_there():
    X = np.linspace(-2, 2, 90, dtype=np.float32)[:, None]
    arms = {"activations": ("identity", "relu", "relu"), "rates": (0.01, 0.1, 1e30), "seeds": 2, "epochs": 40}
    found = nn.select_activation(KEY, (1, 8, 1), (X, np.abs(X)), **arms)
    again = nn.select_activation(KEY, (1, 8, 1), (X, np.abs(X)), **arms)
    np.testing.assert_array_equal(found.loss, again.loss)
    assert found.loss.shape == found.se.shape == (3, 3)
    assert found.grad_norm.shape == (3, 3, 2)
    assert found.tied == ("relu", "relu")
    assert found.pvalue[0] < 0.05
    assert (found.diverged == [[0, 0, 10]] * 3).all()
    assert np.isinf(found.loss[:, 2]).all()
    assert (found.dead_units[0] == 0).all()
    assert len(found.columns()["rate"]) == 9
    table = str(network_plots.activation_table(found))
    assert "No winner: relu, relu are not told apart" in table
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.long
def test_pictures():
    pytest.importorskip("matplotlib").use("Agg")
    X = np.linspace(-2, 2, 30, dtype=np.float32)[:, None]
    arms = {"activations": ("identity", "tanh"), "rates": (0.01, 1e30), "seeds": 1, "epochs": 3}
    ax = network_plots.activation_rates(nn.select_activation(KEY, (1, 3, 1), (X, np.abs(X)), **arms))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["identity", "tanh"]
    assert sum(len(line.get_xdata()) for line in ax.get_lines() if line.get_marker() == "x") == 2  # one diverged each
    training = nn.train(KEY, nn.init(KEY, (1, 3, 1)), (X, X), validation=(X, X), epochs=4)
    labels = [text.get_text() for text in network_plots.training_curve(training).get_legend().get_texts()]
    assert labels[:2] == ["training", "validation"]
    with pytest.raises(ValueError, match=r"^training: expected one, got a batch of shape \(2,\)"):
        network_plots.training_curve(jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), training))


def test_dead_units_are_counted():
    network = nn.init(KEY, (2, 4, 1), "relu")
    (W, b), last = network.layers
    dead = dataclasses.replace(network, layers=(nn.Layer(W, b.at[:3].set(-1e3)), last))
    assert choice._dead_units(dead, rows(50, 2)[0]) == 0.75


SELECT = {
    "one activation": ({"activations": ("relu",)}, "activations: expected at least two to choose from, got 1"),
    "one fold": ({"folds": 1}, "folds: expected a whole number from 2 to the number of rows, got 1"),
    "no seed": ({"seeds": 0}, "seeds: expected a whole number >= 1, got 0"),
    "level 95": ({"level": 95}, "level: expected a number between 0 and 1, got 95"),
    "no hidden layer": ({"sizes": (2, 1)}, "sizes: expected a hidden layer"),
}


@pytest.mark.parametrize("what", SELECT)
def test_selection_refuses(what):
    changes, message = SELECT[what]
    with pytest.raises(ValueError, match=f"^{message}"):
        nn.select_activation(KEY, **{"sizes": (2, 3, 1), "data": rows(20, 2), **changes})
    with pytest.raises(ValueError, match=r"^losses: expected shape \(arms, folds\)"):
        compare([1.0, 2.0], factor=1.0)
