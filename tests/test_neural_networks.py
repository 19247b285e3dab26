"""Networks against least squares, logistic regression, derivatives by hand and a NumPy twin; training to the bit."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats
from tolerances import assert_close, of

import jaxnotes as jn
from jaxnotes import Status, methods
from jaxnotes import neural_networks as nn
from jaxnotes.core.descent import minibatches

pytestmark = pytest.mark.repeated

KEY = jax.random.key(0)
XOR = (np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0], np.float32))


def rows(n, p, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)).astype(dtype)
    return X, (X[:, 0] * X[:, 1] + 0.5 * rng.standard_normal(n) > 0).astype(dtype)


def bits(tree) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree)]


# What a network computes.


def test_loop_matrix_product_and_vmap_agree_in_both_conventions(dtype):
    X = rows(5, 3, dtype=dtype)[0]
    network = nn.init(KEY, (3, 4, 2), "sigmoid")
    (W1, b1), (W2, b2) = jax.tree.map(lambda leaf: np.asarray(leaf) + 0.1, network.layers)
    network = dataclasses.replace(network, layers=(nn.Layer(W1, b1), nn.Layer(W2, b2)))
    assert [leaf.shape for leaf in jax.tree.leaves(network.layers)] == [(4, 3), (4,), (2, 4), (2,)]

    def sigma(z):
        return 1 / (1 + np.exp(-z))

    looped = np.zeros((5, 2), dtype)
    for n, x in enumerate(X):
        a = [sigma(sum(W1[i, j] * x[j] for j in range(3)) + b1[i]) for i in range(4)]
        looped[n] = [sum(W2[k, i] * a[i] for i in range(4)) + b2[k] for k in range(2)]
    columns = W2 @ sigma(W1 @ X.T + b1[:, None]) + b2[:, None]  # the notes: an example a column
    by_rows = sigma(X @ W1.T + b1[None]) @ W2.T + b2[None]  # NumPy's habit: an example a row
    batch = jax.vmap(nn.apply, (None, 0))(network, X)
    assert batch.dtype == dtype
    for other in (looped, columns.T, by_rows, np.stack([nn.apply(network, x) for x in X])):
        assert_close(batch, other, of(dtype).hand_derived)


OUTPUTS = {"regression": [0.3, -1.2, 2.0], "binary": [0, 1, 1], "classes": [0, 2, 1]}


@pytest.mark.parametrize("output", OUTPUTS)
def test_backpropagation_by_hand(output, double):
    X, y = rows(3, 2, dtype=np.float64)[0], np.array(OUTPUTS[output])
    n_out = 3 if output == "classes" else 1
    network = nn.init(KEY, (2, 4, 3, n_out), "tanh", output=output)
    (W1, b1), (W2, b2), (W3, b3) = jax.tree.map(np.asarray, network.layers)
    A1 = np.tanh(X @ W1.T + b1[None])
    A2 = np.tanh(A1 @ W2.T + b2[None])
    Z = A2 @ W3.T + b3[None]
    target = np.eye(3)[y.astype(int)] if output == "classes" else y[:, None]
    link = {"regression": Z, "binary": 1 / (1 + np.exp(-Z)), "classes": np.exp(Z) / np.exp(Z).sum(1, keepdims=True)}
    D3 = (link[output] - target) / 3  # the same form for all three, as in logistic regression
    D2 = D3 @ W3 * (1 - A2**2)
    D1 = D2 @ W2 * (1 - A1**2)
    by_hand = [D1.T @ X, D1.sum(0), D2.T @ A1, D2.sum(0), D3.T @ A2, D3.sum(0)]
    for ours, hand in zip(jax.tree.leaves(jax.grad(nn.loss)(network, X, y)), by_hand, strict=True):
        assert_close(ours, hand, 1e-12)


def test_a_hidden_unit_is_no_logistic_regression(double):
    """It computes sigma(w'x + b), but no label says what that should be: the likelihood of the output fits as well with
    the opposite unit, and where nobody listens to the unit the labels say nothing about its w, whatever they are.
    """
    X, y = rows(40, 2, dtype=np.float64)
    network = nn.init(KEY, (2, 3, 1), "tanh", output="binary")
    (W1, b1), (W2, b2) = network.layers
    flip = jnp.array([-1.0, 1, 1])
    turned = dataclasses.replace(
        network, layers=(nn.Layer(flip[:, None] * W1, flip * b1), nn.Layer(flip[None] * W2, b2))
    )
    assert_close(jax.vmap(nn.apply, (None, 0))(turned, X), jax.vmap(nn.apply, (None, 0))(network, X), 1e-14)
    alone, opposite = (dataclasses.replace(network, layers=(nn.Layer(s * W1[:1], s * b1[:1]),)) for s in (1, -1))
    assert abs(nn.loss(alone, X, y) - nn.loss(opposite, X, y)) > 0.01  # as models of the labels the two differ
    deaf = dataclasses.replace(network, layers=(nn.Layer(W1, b1), nn.Layer(W2.at[0, 0].set(0), b2)))
    for labels in (y, 1 - y):
        assert not jnp.any(jax.grad(nn.loss)(deaf, X, labels).layers[0].W[0])
        assert jnp.max(jnp.abs(jax.grad(nn.loss)(alone, X, labels).layers[0].W)) > 0.01


def test_without_hidden_layer_it_is_logistic_regression(double):
    data = jn.datasets.challenger()
    x = (data.X - data.X.mean(0)) / data.X.std(0)
    fitted = jn.logistic_regression.fit(x, data.y).params
    network = nn.init(KEY, (1, 1), output="binary")
    rule = methods.momentum(1.0, 0.8)
    params = nn.train(KEY, network, (x, data.y), optimizer=rule, epochs=600, batch_size=None).params
    ((W, b),) = params.layers
    np.testing.assert_allclose([W[0, 0], b[0]], [fitted.coef[0], fitted.intercept], rtol=1e-5)
    right = np.asarray(x @ fitted.coef + fitted.intercept > 0) == (data.y == 1)
    assert nn.accuracy(params, x, data.y) == np.mean(right)


def test_identity_activations_are_least_squares(double):
    """Two linear layers are one."""
    X = rows(30, 3, dtype=np.float64)[0]
    y = X @ np.array([1.0, -2, 0.5]) + 0.7 + 0.1 * np.sin(np.arange(30.0))
    fitted = jn.least_squares.fit(X, y).params
    network = nn.init(KEY, (3, 4, 1), "identity")
    (W1, b1), (W2, b2) = nn.train(
        KEY, network, (X, y), optimizer=optax.sgd(0.1, momentum=0.9), epochs=1500, batch_size=None
    ).params.layers
    np.testing.assert_allclose((W2 @ W1)[0], fitted.coef, rtol=1e-5)
    np.testing.assert_allclose((W2 @ b1 + b2)[0], fitted.intercept, rtol=1e-5)


@pytest.mark.parametrize("scheme", ["normal", "uniform"])
@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "gelu"])
def test_init_keeps_the_size_of_a_signal(name, scheme):
    """Mean square 1 before every activation, for inputs of mean square 1, within what 400 units leave to chance."""
    network = nn.init(KEY, (400, 400, 400, 400), name, scheme)
    a = jnp.asarray(rows(100, 400)[0])
    for W, b in network.layers:
        z = a @ W.T + b[None]
        assert float(jnp.mean(z**2)) == pytest.approx(1, abs=0.15)
        a = getattr(jn.activations, name)(z)


def test_gain_scales_all_layers_and_choice_picks_one():
    plain, double_gain = (nn.init(KEY, (3, 4, 2), "tanh", gain=g) for g in (1.0, 2.0))
    assert_close(2 * plain.layers[1].W, double_gain.layers[1].W, 1e-6)
    names, x = ("sigmoid", "tanh", "relu"), jnp.array([0.5, -1.0, 2.0])
    chosen = jax.vmap(lambda i: nn.apply(nn.init(KEY, (3, 4, 2), names, choice=i), x))(jnp.arange(3))
    assert_close(chosen, jnp.stack([nn.apply(nn.init(KEY, (3, 4, 2), name), x) for name in names]), 1e-6)


# Training.


def test_the_last_batch_counts_with_the_rows_it_has(double):
    """Five rows in batches of three and two, each the mean over its rows: steps by hand in the same order."""
    X, y = rows(5, 2, dtype=np.float64)
    network = nn.init(KEY, (2, 1), gain=0.0)
    found = nn.train(KEY, network, (X, y), optimizer=methods.gradient_descent(0.1), epochs=2, batch_size=3)
    w, b, losses = np.zeros(2), 0.0, []
    for epoch in jax.random.split(KEY, 2):
        order, total = np.asarray(minibatches.random_order(epoch, 5)), 0.0
        for batch in (order[:3], order[3:]):
            r = X[batch] @ w + b - y[batch]
            total += np.sum(r**2) / 2
            w, b = w - 0.1 * r @ X[batch] / len(batch), b - 0.1 * r.mean()
        losses.append(total / 5)
    assert_close(found.params.layers[0].W[0], w, 1e-14)
    assert_close(found.params.layers[0].b[0], b, 1e-14)
    assert_close(found.loss, losses, 1e-14)


def test_every_order_of_rows_is_equally_likely():
    orders = np.asarray(jax.vmap(lambda key: minibatches.random_order(key, 4))(jax.random.split(KEY, 24_000)))
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 0.01
    for n in (1, 2, 1437, 70_000):
        assert sorted(minibatches.random_order(KEY, n).tolist()) == list(range(n))


def trained(key=KEY, network=None, data=None, **settings):
    X, y = rows(70, 2) if data is None else data
    network = nn.init(jax.random.key(1), (2, 5, 1), output="binary") if network is None else network
    return nn.train(key, network, (X, y), **{"epochs": 7, "batch_size": 16, **settings})


def test_same_key_same_bits():
    assert bits(trained()) == bits(trained())
    program = jax.jit(trained)
    assert bits(program(KEY)) == bits(program(KEY))
    assert bits(trained()) != bits(trained(jax.random.key(2)))


@pytest.mark.parametrize("every", [1, 2, 3, 7, 50])
def test_chunks_are_one_call_bit_by_bit(every):
    X, y = rows(70, 2)
    network = nn.init(jax.random.key(1), (2, 5, 1), output="binary")
    settings = {"epochs": 7, "batch_size": 16, "validation": rows(30, 2, 1), "patience": 7}
    chunks = list(nn.train_in_chunks(KEY, network, (X, y), every=every, **settings))
    assert [int(chunk.epochs) for chunk in chunks] == [*range(every, 7, every), 7]
    assert np.isnan(chunks[0].loss[every:]).all()
    assert bits(chunks[-1]) == bits(trained(**settings))


def test_the_bar_shows_the_same_training(capsys):
    pytest.importorskip("rich")
    from jaxnotes.show.progress import train_with_progress

    network = nn.init(jax.random.key(1), (2, 5, 1), output="binary")
    result = train_with_progress(KEY, network, rows(70, 2), epochs=7, batch_size=16, every=2)
    assert bits(result) == bits(trained())
    assert "7/7" in capsys.readouterr().out


def test_early_stopping_returns_the_best_epoch():
    data, held = rows(24, 2), rows(40, 2, 1)
    settings = {"network": nn.init(KEY, (2, 16, 1), output="binary"), "data": data, "validation": held, "batch_size": 8}
    settings["optimizer"] = optax.adam(0.05)
    full = trained(epochs=60, **settings)
    stopped = trained(epochs=60, patience=5, **settings)
    best = int(np.nanargmin(stopped.validation_loss))
    assert Status(int(stopped.status)) == Status.CONVERGED
    assert int(stopped.epochs) == best + 1 + 5 < 60
    np.testing.assert_array_equal(stopped.validation_loss[: best + 6], full.validation_loss[: best + 6])
    assert np.isnan(stopped.validation_loss[best + 6 :]).all()
    assert_close(nn.loss(stopped.params, *held), stopped.validation_loss[best], 1e-6)
    assert Status(int(full.status)) == Status.MAX_STEPS
    assert_close(nn.loss(full.params, *held), full.validation_loss[-1], 1e-6)


def test_a_training_that_blows_up_keeps_its_last_finite_network():
    """Rate 1e4 from epoch 3 on (5 steps an epoch): that epoch is not completed, and its neighbours never notice."""

    def run(rate):
        late = methods.gradient_descent(lambda k: jnp.where(k < 15, 0.01, rate))
        return trained(network=nn.init(KEY, (2, 5, 1), "identity"), optimizer=late)

    lost = jax.jit(run)(1e4)
    assert (Status(int(lost.status)), int(lost.epochs)) == (Status.DIVERGED, 3)
    assert np.isfinite(lost.loss[:3]).all()
    assert np.isnan(lost.loss[3:]).all()
    before = trained(network=nn.init(KEY, (2, 5, 1), "identity"), optimizer=methods.gradient_descent(0.01), epochs=3)
    assert_close(lost.params.layers[0].W, before.params.layers[0].W, 1e-6)
    batch = jax.jit(jax.vmap(run))(jnp.array([0.01, 1e4, 0.02]))
    assert [Status(code).name for code in batch.status.tolist()] == ["MAX_STEPS", "DIVERGED", "MAX_STEPS"]
    assert_close(batch.loss[2], run(0.02).loss, 1e-5)
    with pytest.raises(jn.FitError, match="DIVERGED"):
        jn.raise_for_status(lost)


@pytest.mark.parametrize(
    ("where", "value", "status"),
    [(0, np.nan, "NON_FINITE_DATA"), (1, 2.0, "INVALID_DATA"), (1, np.nan, "INVALID_DATA")],
)
@pytest.mark.parametrize("part", ["data", "validation"])
def test_bad_values_become_a_status(where, value, status, part):
    pair = [array.copy() for array in rows(70, 2)]
    pair[where][3] = value
    result = trained(**{"validation": rows(9, 2), part: pair})
    assert (Status(int(result.status)).name, int(result.epochs)) == (status, 0)
    assert np.isnan(result.loss).all()


def test_many_networks_in_one_compiled_call():
    """Activations x rates x gains x seeds, each as it would be alone."""
    names = ("relu", "tanh")

    def run(choice, rate, gain, key):
        network = nn.init(key, (2, 5, 1), names, output="binary", gain=gain, choice=choice)
        return trained(network=network, optimizer=optax.adam(rate))

    grid = (jnp.arange(2), jnp.array([0.01, 0.1]), jnp.array([0.5, 1.5]), jax.random.split(KEY, 3))
    sweep = run
    for axis in (3, 2, 1, 0):
        sweep = jax.vmap(sweep, [0 if i == axis else None for i in range(4)])
    results = jax.jit(sweep)(*grid)
    assert results.loss.shape == (2, 2, 2, 3, 7)
    network = nn.init(grid[3][2], (2, 5, 1), "tanh", output="binary", gain=grid[2][0])
    alone = trained(network=network, optimizer=optax.adam(grid[1][1]))
    assert_close(results.loss[1, 1, 0, 2], alone.loss, 1e-5)
    assert_close(results.params.layers[0].W[1, 1, 0, 2], alone.params.layers[0].W, 1e-4)


@pytest.mark.long
def test_rules_of_ours_and_of_optax_agree_and_training_has_derivatives(double):
    data = rows(20, 2, dtype=np.float64)
    network = nn.init(jax.random.key(1), (2, 3, 1), "tanh", output="binary")
    ours, theirs = (
        trained(network=network, data=data, optimizer=rule)
        for rule in (methods.momentum(0.3, 0.5), optax.sgd(0.3, momentum=0.5))
    )
    assert_close(ours.params.layers[0].W, theirs.params.layers[0].W, 1e-12)

    def final(rate):
        return trained(network=network, data=data, optimizer=methods.gradient_descent(rate)).loss[-1]

    slope = (final(0.3 + 1e-5) - final(0.3 - 1e-5)) / 2e-5
    for derivative in (jax.grad(final)(0.3), jax.jacfwd(final)(0.3)):
        assert float(derivative) == pytest.approx(float(slope), rel=1e-6)


# Real and famous data.


def test_digits():
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    X, y = (digits.data / 16).astype(np.float32), digits.target
    order = np.random.default_rng(0).permutation(len(X))
    fold, test = order[360:], order[:360]

    def run(key):
        network = nn.init(key, (64, 64, 10), output="classes")
        result = nn.train(KEY, network, (X[fold], y[fold]), optimizer=optax.adam(3e-3), epochs=30, batch_size=32)
        return nn.accuracy(result.params, X[test], y[test])

    assert jnp.mean(jax.jit(jax.vmap(run))(jax.random.split(KEY, 8))) >= 0.97


@pytest.mark.long
def test_two_spirals():
    t = np.repeat(np.sqrt(np.linspace(0.03, 1, 97)), 2) * 2.5 * np.pi
    y = np.arange(194) % 2
    side = np.where(y, 1, -1) * t / 5
    X = np.stack([side * np.cos(t), side * np.sin(t)], axis=1).astype(np.float32)
    network = nn.init(KEY, (2, 32, 32, 1), "tanh", output="binary")
    result = nn.train(KEY, network, (X, y), optimizer=optax.adam(0.01), epochs=300)
    assert nn.accuracy(result.params, X, y) >= 0.99
    line = jn.logistic_regression.fit(X, y)
    assert jnp.mean(jn.logistic_regression.predict(line, X) == y) < 0.7


# Teaching's counts of 64 networks that solve exclusive or: gradient descent on all rows, rate 1, 5,000 steps, weights
# N(0, 1), b = 0; solved is a loss below 0.1.
SOLVED = {
    ("sigmoid", 2): 0.64, ("tanh", 2): 0.45, ("relu", 2): 0.20, ("identity", 2): 0.0,
    ("sigmoid", 4): 1.0, ("tanh", 4): 1.0, ("relu", 4): 0.64, ("identity", 4): 0.0,
}  # fmt: skip


def numpy_xor(name, hidden, seeds=256, steps=5000, rate=1.0):
    """Loss after gradient descent of networks 2-hidden-1, one per row; float64, the gradient by hand."""
    rng = np.random.default_rng(0)
    X, y = XOR[0].astype(float), XOR[1].astype(float)
    W, b = rng.standard_normal((seeds, hidden, 2)), np.zeros((seeds, hidden, 1))
    v, c = rng.standard_normal((seeds, hidden)), np.zeros((seeds, 1))
    phi, slope = {
        "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
        "tanh": (np.tanh, lambda z, a: 1 - a * a),
        "relu": (lambda z: np.maximum(z, 0), lambda z, a: z > 0),
        "identity": (lambda z: z, lambda z, a: 1.0),
    }[name]
    for step in range(steps + 1):
        z = W @ X.T + b
        a = phi(z)
        out = (v[:, None] @ a)[:, 0] + c
        if step == steps:
            return np.mean(np.logaddexp(0, out) - y * out, axis=1)
        d = (1 / (1 + np.exp(-out)) - y) / 4
        back = v[:, :, None] * d[:, None] * slope(z, a)
        v, c = v - rate * (a @ d[:, :, None])[:, :, 0], c - rate * d.sum(1, keepdims=True)
        W, b = W - rate * back @ X, b - rate * back.sum(2, keepdims=True)


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("name", "hidden"), SOLVED)
def test_exclusive_or_is_solved_as_often_as_by_a_twin(name, hidden):
    """The 99 % interval of the twin's share holds ours, and teaching's count is no other at 1 %."""
    rule = methods.gradient_descent(1.0)

    @jax.jit
    @jax.vmap
    def run(key):
        network = nn.init(key, (2, hidden, 1), name, output="binary", gain=1.0)
        unit = [nn.Layer(math.sqrt(layer.W.shape[1]) * layer.W, layer.b) for layer in network.layers]
        start = dataclasses.replace(network, layers=tuple(unit))
        return nn.loss(nn.train(KEY, start, XOR, optimizer=rule, epochs=5000, batch_size=None).params, *XOR)

    ours = np.sum(run(jax.random.split(KEY, 256)) < 0.1)
    twin = int(np.sum(numpy_xor(name, hidden) < 0.1))
    low, high = stats.binomtest(twin, 256).proportion_ci(0.99)
    assert low <= ours / 256 <= high, (ours, twin)
    taught = round(64 * SOLVED[name, hidden])
    assert stats.fisher_exact([[taught, 64 - taught], [twin, 256 - twin]]).pvalue > 0.01, twin


X3, Y3 = np.zeros((4, 3), np.float32), np.zeros(4, np.float32)
REFUSED = {
    "one size": (lambda: nn.init(KEY, (3,)), ValueError, r"sizes: expected two or more whole numbers >= 1.*\(3,\)"),
    "size 0": (lambda: nn.init(KEY, (3, 0, 1)), ValueError, "sizes: expected two or more whole numbers"),
    "unknown activation": (lambda: nn.init(KEY, (3, 1), "swish"), ValueError, "activation: expected one of sigmoid"),
    "number as activation": (lambda: nn.init(KEY, (3, 1), 3), TypeError, "activation: expected a name.*got int"),
    "unknown scheme": (lambda: nn.init(KEY, (3, 1), scheme="he"), ValueError, "scheme: expected one of normal, unif"),
    "unknown output": (lambda: nn.init(KEY, (3, 1), output="y"), ValueError, "output: expected one of regression, bi"),
    "vector gain": (lambda: nn.init(KEY, (3, 1), gain=jnp.ones(2)), ValueError, "gain: expected a number.*vmap"),
    "several, no choice": (lambda: nn.init(KEY, (3, 1), ("relu", "tanh")), ValueError, "choice: expected an index"),
    "choice, not several": (lambda: nn.init(KEY, (3, 1), choice=0), ValueError, "choice: expected an index exactly"),
    "choice 2 of 2": (lambda: nn.init(KEY, (3, 1), ["relu", "tanh"], choice=2), ValueError, "choice: .* 0 to 1, got 2"),
    "real choice": (lambda: nn.init(KEY, (3, 1), ["relu"], choice=0.0), ValueError, "choice: expected an integer"),
    "a batch": (lambda: nn.apply(nn.init(KEY, (3, 1)), X3), ValueError, r"x: expected shape \(3,\).*\(4, 3\).*vmap"),
    "other columns": (lambda: nn.loss(nn.init(KEY, (2, 1)), X3, Y3), ValueError, r"X: expected shape \(n_samples, 2\)"),
    "no rows": (lambda: nn.loss(nn.init(KEY, (3, 1)), X3[:0], Y3[:0]), ValueError, "X: .*at least one sample"),
    "y too short": (lambda: nn.loss(nn.init(KEY, (3, 1)), X3, Y3[:3]), ValueError, r"y: expected shape \(4,\).*\(3,\)"),
    "y of one column": (lambda: nn.loss(nn.init(KEY, (3, 2)), X3, Y3), ValueError, r"y: expected shape \(4, 2\)"),
    "one-hot classes": (lambda: nn.loss(nn.init(KEY, (3, 2), output="classes"), X3, X3[:, :2]), ValueError, "y: .*cl"),
    "y strings": (lambda: nn.loss(nn.init(KEY, (3, 1)), X3, ["red"] * 4), TypeError, "y: expected an array of numbers"),
    "accuracy of numbers": (lambda: nn.accuracy(nn.init(KEY, (3, 1)), X3, Y3), ValueError, "params: .*got regression"),
    "data alone": (lambda: trained(data=(X3, Y3), network=nn.init(KEY, (2, 1))), ValueError, r"data\[0\]: expected"),
    "data no pair": (lambda: nn.train(KEY, nn.init(KEY, (3, 1)), X3), TypeError, r"data: expected a pair \(X, y\)"),
    "no epochs": (lambda: trained(epochs=0), ValueError, "epochs: expected a whole number >= 1, got 0"),
    "batch of 0": (lambda: trained(batch_size=0), ValueError, "batch_size: expected a whole number >= 1, got 0"),
    "patience alone": (lambda: trained(patience=3), ValueError, "patience: expected None without validation data"),
    "a rate as rule": (lambda: trained(optimizer=0.1), TypeError, "optimizer: expected .* optax rule, got float"),
    "newton": (lambda: trained(optimizer=methods.newton()), ValueError, "optimizer: expected a rule that takes each"),
    "every 0": (lambda: list(nn.train_in_chunks(KEY, nn.init(KEY, (3, 1)), (X3, Y3), every=0)), ValueError, "every: "),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    attempt, error, message = REFUSED[what]
    with pytest.raises(error, match=f"^{message}"):
        attempt()


@pytest.mark.long
def test_labels_out_of_range_give_nan():
    network = nn.init(KEY, (3, 2), output="classes")
    for y in ([0, 1, 2, 0], [0, 1, -1, 0], [0, 0.5, 1, 0]):
        assert np.isnan(nn.loss(network, X3, y))
        assert np.isnan(nn.accuracy(network, X3, y))
