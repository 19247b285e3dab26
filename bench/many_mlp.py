"""Two hundred and fifty-six networks on the digits at once, in one vmap, and one alone."""

import numpy as np

from bench import demands
from bench.jax_trial import jax_trial
from bench.mlp import BATCH, HIDDEN, RATE, Digits, digits, train
from bench.runner import Answer, Case, Contender, Demand, Trial

MINUTES = 3

NETWORKS, QUICK, EPOCHS, ASKED = 256, 8, 10, 0.15
ALONE, OWN = "jaxnotes, one network", "jaxnotes, each its own order of rows"


def cases(quick: bool):
    data, networks, epochs = digits(quick), QUICK if quick else NETWORKS, 1 if quick else EPOCHS
    yield Case(
        name="many_mlp",
        about=f"{networks} times 64-{HIDDEN}-10, {len(data.X):,} digits, {epochs} epochs of Adam, batches of {BATCH}",
        problems=networks,
        contenders=[
            ours(data, networks, epochs, demands.OURS, (0, None), "vmap over starts, one order of rows"),
            ours(data, networks, epochs, OWN, (0, 0), "vmap over keys"),
            alone(data, networks, epochs),
            torch_stacked(data, networks, epochs),
        ],
        demands=lambda results: judge(results, networks),
        accuracy=lambda answer: answer.coef[:, 0],
        accuracy_name="test error",
        asked=1.0 if quick else ASKED,
        input_bytes=data.X.nbytes,
    )


def keys(networks: int) -> np.ndarray:
    import jax

    return np.asarray(jax.random.key_data(jax.random.split(jax.random.key(0), networks)))


def one(epochs: int):
    import jax

    def run(start, order, X, y):
        return train(*map(jax.random.wrap_key_data, (start, order)), X, y, epochs).params

    return run


def errors(params, data: Digits, epochs: int) -> Answer:
    import jax

    from jaxnotes import neural_networks

    right = jax.vmap(neural_networks.accuracy, (0, None, None))(params, data.X_test, data.y_test)
    wrong = 1 - np.asarray(right, np.float64)
    return Answer(wrong[:, None], np.zeros(len(wrong)), {"trained": len(wrong)}, epochs)


def ours(data: Digits, networks: int, epochs: int, name: str, axes: tuple, note: str) -> Contender:
    def make(count):
        import jax

        starts = keys(networks)
        order = starts if axes[1] == 0 else starts[0]
        return jax_trial(
            jax.vmap(one(epochs), (*axes, None, None)),
            (starts, order, data.X, data.y),
            lambda raw: errors(raw, data, epochs),
        )

    return Contender(name, make, kind="ours", note=note)


def alone(data: Digits, networks: int, epochs: int) -> Contender:
    def make(count):
        start = keys(networks)[0]
        return jax_trial(one(epochs), (start, start, data.X, data.y))

    return Contender(ALONE, make, kind="floor", note="the time of one, not of all")


def torch_stacked(data: Digits, networks: int, epochs: int) -> Contender:
    """All networks as stacked matrices, one eager step a batch."""

    def make(count):
        import torch

        X, y, X_test = torch.as_tensor(data.X), torch.as_tensor(data.y).long(), torch.as_tensor(data.X_test)

        def forward(params, x):
            W1, b1, W2, b2 = params
            return torch.baddbmm(b2, torch.relu(torch.baddbmm(b1, x.expand(networks, -1, -1), W1)), W2)

        def run():
            torch.manual_seed(0)
            shapes = [(networks, 64, HIDDEN), (networks, 1, HIDDEN), (networks, HIDDEN, 10), (networks, 1, 10)]
            scales = (64**-0.5, 0.0, (2 / HIDDEN) ** 0.5, 0.0)
            params = [(s * torch.randn(shape)).requires_grad_() for s, shape in zip(scales, shapes, strict=True)]
            rule = torch.optim.Adam(params, lr=RATE)
            for _ in range(epochs):
                for rows in torch.randperm(len(X)).split(BATCH):
                    rule.zero_grad()
                    z = forward(params, X[rows])
                    labels = y[rows].expand(networks, -1).reshape(-1)
                    (torch.nn.functional.cross_entropy(z.reshape(-1, 10), labels) * networks).backward()
                    rule.step()
            return params

        def read(params) -> Answer:
            with torch.no_grad():
                found = forward(params, X_test).argmax(2).numpy()
            wrong = np.mean(found != data.y_test[None], axis=1)
            return Answer(wrong[:, None], np.zeros(networks), {"trained": networks}, epochs)

        return Trial(run, read)

    return Contender("torch, stacked matrices", make, note="eager")


def judge(results, networks: int) -> list:
    return [
        per_network(results, demands.OURS, networks, 0.6),
        demands.faster(results, 1),
        demands.compiles_within(results, 6),
    ]


def per_network(results, name: str, networks: int, most: float) -> Demand:
    text = f"{name}: at most {most:g} x the cost per network of one alone"
    many, single = results[name].median_s, results[ALONE].median_s
    if many is None or single is None:
        return Demand(text, "not measured", None)
    ratio = many / networks / single
    return Demand(text, f"{ratio:.2f} x", ratio <= most)
