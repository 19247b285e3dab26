"""Four activations, eight rates, thirty-two seeds: a thousand networks in one compiled call."""

import functools
import itertools

import numpy as np

from bench import demands
from bench.jax_trial import jax_trial
from bench.mlp import BATCH, Digits, digits
from bench.runner import Case, Contender, Trial

MINUTES = 1

ACTIVATIONS = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}  # ours, scikit-learn's
RATES, SEEDS, QUICK = np.geomspace(1e-4, 1e-1, 8).astype(np.float32), 32, 2
HIDDEN, EPOCHS = 16, 5


def cases(quick: bool):
    data, seeds, epochs = digits(quick), QUICK if quick else SEEDS, 1 if quick else EPOCHS
    networks = len(ACTIVATIONS) * len(RATES) * seeds
    yield Case(
        name="activation_grid",
        about=f"{len(ACTIVATIONS)} activations x {len(RATES)} rates x {seeds} seeds, 64-{HIDDEN}-10 on {len(data.X):,} "
        f"digits, batches of {BATCH}, {epochs} epochs of Adam",
        problems=networks,
        contenders=[
            ours(data, seeds, epochs, together=True),
            ours(data, seeds, epochs, together=False),
            sklearn_loop(data, seeds, epochs),
        ],
        demands=judge,
        input_bytes=data.X.nbytes,
    )


def ours(data: Digits, seeds: int, epochs: int, together: bool) -> Contender:
    """together: the activation is data, an index under vmap; else each has a vmap of its own, in one program."""

    def make(count):
        import jax
        import jax.numpy as jnp
        import optax

        from jaxnotes import neural_networks

        names, sizes = tuple(ACTIVATIONS), (64, HIDDEN, 10)

        def final_loss(network, rate, X, y):
            settings = {"optimizer": optax.adam(rate), "epochs": epochs, "batch_size": BATCH}
            return neural_networks.train(jax.random.key(1), network, (X, y), **settings).loss[-1]

        def grid(X, y):
            keys = jax.random.split(jax.random.key(0), seeds)

            def run(choice, rate, key):
                network = neural_networks.init(key, sizes, names, output="classes", choice=choice)
                return final_loss(network, rate, X, y)

            def run_one(name, rate, key):
                return final_loss(neural_networks.init(key, sizes, name, output="classes"), rate, X, y)

            if together:
                by_rate = jax.vmap(jax.vmap(run, (None, None, 0)), (None, 0, None))
                return jax.vmap(by_rate, (0, None, None))(jnp.arange(len(names)), RATES, keys)
            parts = []
            for name in names:
                by_key = jax.vmap(functools.partial(run_one, name), (None, 0))
                parts.append(jax.vmap(by_key, (0, None))(RATES, keys))
            return jnp.stack(parts)

        return jax_trial(grid, (data.X, data.y))

    if together:
        return Contender(demands.OURS, make, kind="ours", note="jit(vmap) over activations, rates and seeds")
    return Contender("jaxnotes, a vmap an activation", make, kind="ours", note="one program")


def sklearn_loop(data: Digits, seeds: int, epochs: int) -> Contender:
    def make(count):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier
        from sklearn.utils._testing import ignore_warnings

        # Seeds first, so that the first of them, where only those are run, mix activations and rates.
        arms = list(itertools.product(range(seeds), ACTIVATIONS.values(), RATES))[:count]

        @ignore_warnings(category=ConvergenceWarning)
        def run():
            return [
                MLPClassifier(
                    (HIDDEN,), name, alpha=0, batch_size=BATCH, learning_rate_init=rate, max_iter=epochs, tol=0,
                    n_iter_no_change=epochs, random_state=seed,
                ).fit(data.X, data.y).loss_
                for seed, name, rate in arms
            ]  # fmt: skip

        return Trial(run)

    return Contender("scikit-learn MLPClassifier", make, loop=True)


def judge(results) -> list:
    return [demands.faster_than(results, 5, "scikit-learn"), demands.compiles_within(results, 6)]
