"""One network on the digits of scikit-learn: hidden layer of 64, batches of 32, 30 epochs of Adam."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench import demands
from bench.jax_trial import jax_trial
from bench.runner import Answer, Case, Contender, Demand, Trial

MINUTES = 3

HIDDEN, BATCH, EPOCHS, RATE = 64, 32, 30, 3e-3
SEEDS = 8  # of the accuracy of ours and of scikit-learn: one seed moves the test error by half a percent
NOISE = 0.003  # two standard errors of the difference of the means over the seeds
ASKED = 0.1  # test error
TORCH, SKLEARN = "torch loop", "scikit-learn MLPClassifier"
EPOCHS_GRID, ROWS_GRID = (EPOCHS, 2 * EPOCHS, 4 * EPOCHS), (1, 2, 4)


@dataclass(frozen=True)
class Digits:
    """Rows to train on and to test on, pixels from 0 to 1."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def digits(quick: bool) -> Digits:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))[: 300 if quick else None]
    X, y, test = (X[order] / 16).astype(np.float32), y[order].astype(np.int32), len(order) // 5
    return Digits(X[test:], y[test:], X[:test], y[:test])


def cases(quick: bool):
    data, epochs = digits(quick), 2 if quick else EPOCHS
    contenders = [ours(data, epochs), sklearn_mlp(data, epochs), torch_loop(data, epochs)]
    if not quick:
        contenders += [torch_loop(data, epochs, compiled=True), flax(data, epochs)]
        contenders += [ours(data, count, f"jaxnotes, {count} epochs") for count in EPOCHS_GRID[1:]]
        contenders += [ours(repeated(data, count), epochs, f"jaxnotes, rows x {count}") for count in ROWS_GRID[1:]]
    yield Case(
        name="mlp",
        about=f"{len(data.X):,} digits, 64-{HIDDEN}-10, batches of {BATCH}, {epochs} epochs of Adam, float32",
        problems=1,
        contenders=contenders,
        demands=judge,
        accuracy=lambda answer: answer.coef[:, 0],
        accuracy_name="test error",
        asked=1.0 if quick else ASKED,
        input_bytes=data.X.nbytes,
    )


def repeated(data: Digits, count: int) -> Digits:
    return Digits(np.tile(data.X, (count, 1)), np.tile(data.y, count), data.X_test, data.y_test)


def train(network_key, key, X, y, epochs: int):
    import optax

    from jaxnotes import neural_networks

    network = neural_networks.init(network_key, (X.shape[1], HIDDEN, 10), output="classes")
    return neural_networks.train(key, network, (X, y), optimizer=optax.adam(RATE), epochs=epochs, batch_size=BATCH)


def ours(data: Digits, epochs: int, name: str = demands.OURS) -> Contender:
    def make(count):
        import jax

        from jaxnotes import neural_networks

        def one(seed, X, y):
            first, second = jax.random.split(jax.random.wrap_key_data(seed))
            return train(first, second, X, y, epochs)

        seeds = np.asarray(jax.random.key_data(jax.random.split(jax.random.key(0), SEEDS)))
        trial = jax_trial(one, (seeds[0], data.X, data.y))

        def read(raw) -> Answer:
            found = jax.jit(jax.vmap(one, (0, None, None)))(seeds, data.X, data.y).params
            right = jax.vmap(neural_networks.accuracy, (0, None, None))(found, data.X_test, data.y_test)
            return error(1 - float(np.mean(right)), epochs)

        return Trial(trial.run, read, trial.compile_s, trial.temp_bytes)

    return Contender(name, make, kind="ours", note="the whole run compiled")


def error(test_error: float, epochs: int) -> Answer:
    return Answer(np.array([[test_error]]), np.zeros(1), {"trained": 1}, epochs)


def sklearn_mlp(data: Digits, epochs: int) -> Contender:
    def make(count):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier
        from sklearn.utils._testing import ignore_warnings

        @ignore_warnings(category=ConvergenceWarning)
        def run(seed=0):
            model = MLPClassifier(
                (HIDDEN,), alpha=0, batch_size=BATCH, learning_rate_init=RATE, max_iter=epochs, tol=0,
                n_iter_no_change=epochs, random_state=seed,
            )  # fmt: skip
            return model.fit(data.X, data.y)

        def read(model) -> Answer:
            models = [model, *(run(seed) for seed in range(1, SEEDS))]
            return error(1 - float(np.mean([model.score(data.X_test, data.y_test) for model in models])), epochs)

        return Trial(run, read)

    return Contender(SKLEARN, make)


def torch_loop(data: Digits, epochs: int, compiled: bool = False) -> Contender:
    def make(count):
        import torch

        X, y, X_test = torch.as_tensor(data.X), torch.as_tensor(data.y).long(), torch.as_tensor(data.X_test)

        model = torch.nn.Sequential(torch.nn.Linear(64, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 10))
        forward: Callable = torch.compile(model, dynamic=False) if compiled else model

        def run():
            threads = torch.get_num_threads()
            torch.set_num_threads(1)  # several wait for each other at this size
            try:
                return loop()
            finally:
                torch.set_num_threads(threads)

        def loop():
            torch.manual_seed(0)
            for layer in (model[0], model[2]):
                layer.reset_parameters()
            rule = torch.optim.Adam(model.parameters(), lr=RATE)
            for _ in range(epochs):
                for rows in torch.randperm(len(X)).split(BATCH):
                    rule.zero_grad()
                    torch.nn.functional.cross_entropy(forward(X[rows]), y[rows]).backward()
                    rule.step()
            return model

        def read(model) -> Answer:
            with torch.no_grad():
                found = model(X_test).argmax(1).numpy()
            return error(float(np.mean(found != data.y_test)), epochs)

        if compiled:
            try:
                forward(X[:BATCH])
            except Exception as failure:
                raise ImportError(f"torch.compile does not work here ({type(failure).__name__})") from failure
        return Trial(run, read)

    return Contender("torch.compile" if compiled else TORCH, make, note="" if compiled else "eager")


def flax(data: Digits, epochs: int) -> Contender:
    """A Python loop over the batches, each a compiled step, as the tutorials have it."""

    def make(count):
        import flax.linen as linen
        import jax
        import jax.numpy as jnp
        import optax

        class Net(linen.Module):
            @linen.compact
            def __call__(self, x):
                return linen.Dense(10)(linen.relu(linen.Dense(HIDDEN)(x)))

        net, rule = Net(), optax.adam(RATE)

        @jax.jit
        def step(params, memory, x, y):
            def loss(params):
                return optax.softmax_cross_entropy_with_integer_labels(net.apply(params, x), y).mean()

            update, memory = rule.update(jax.grad(loss)(params), memory)
            return optax.apply_updates(params, update), memory

        def run():
            rng, params = np.random.default_rng(0), net.init(jax.random.key(0), data.X[:1])
            memory = rule.init(params)
            for _ in range(epochs):
                order = rng.permutation(len(data.X))
                for start in range(0, len(order), BATCH):
                    rows = order[start : start + BATCH]
                    params, memory = step(params, memory, data.X[rows], data.y[rows])
            return jax.block_until_ready(params)

        def read(params) -> Answer:
            return error(float(jnp.mean(jnp.argmax(net.apply(params, data.X_test), 1) != data.y_test)), epochs)

        run()
        return Trial(run, read)

    return Contender("flax + optax", make, note="a compiled step a batch")


def judge(results) -> list:
    return [
        demands.faster_than(results, 12, TORCH),
        demands.faster_than(results, 5, "scikit-learn"),
        no_less_accurate(results),
        demands.compiles_within(results, 6),
        linear(results, "epochs", EPOCHS_GRID, [demands.OURS, *(f"jaxnotes, {k} epochs" for k in EPOCHS_GRID[1:])]),
        linear(results, "rows", ROWS_GRID, [demands.OURS, *(f"jaxnotes, rows x {k}" for k in ROWS_GRID[1:])]),
    ]


def no_less_accurate(results) -> Demand:
    text = f"mean test error of {SEEDS} seeds no larger than that of {SKLEARN}, but for {NOISE:g}"
    ours, other = results[demands.OURS].accuracy, results[SKLEARN].accuracy
    if ours is None or other is None:
        return Demand(text, "not measured", None)
    return Demand(text, f"{ours:.4f} against {other:.4f}", ours <= other + NOISE)


def linear(results, what: str, sizes: tuple[int, ...], names: list[str], most: float = 1.1) -> Demand:
    """The cost as a power of the size, by `jaxnotes.sums.scaling_exponent`."""
    from jaxnotes import sums

    text = f"cost grows with {what} to a power of at most {most:g}"
    if any(name not in results or results[name].median_s is None for name in names):
        return Demand(text, "not measured", None)
    exponent, se = sums.scaling_exponent(np.array(sizes, float), np.array([results[name].median_s for name in names]))
    return Demand(text, f"{float(exponent):.2f} +- {float(se):.2f}", bool(exponent <= most))
