"""A network, its output for one example, its loss over rows, and its training."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxnotes import activations
from jaxnotes.core.descent import minibatches
from jaxnotes.core.descent.minibatches import Batch
from jaxnotes.core.values import arrays, settings
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Status

OUTPUTS = ("regression", "binary", "classes")
SCHEMES = ("normal", "uniform")

Activation = str | Callable[[Array], Array]


class Layer(NamedTuple):
    """W (n_out, n_in), a row a unit, and b (n_out,)."""

    W: Array
    b: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Network:
    """A network: the numbers that are trained, and how to read them.

    layers: a `Layer` for each step between sizes. activation: one function of a number, or several, of which `choice`,
    an integer that may be traced and batched, picks one (None where there is one). output: see `init`.
    """

    layers: tuple[Layer, ...]
    choice: Array | None
    activation: tuple[Callable[[Array], Array], ...] = field(metadata={"static": True})
    output: str = field(metadata={"static": True})

    def activate(self, x: Array) -> Array:
        """phi(x), entry by entry."""
        if self.choice is None:
            return self.activation[0](x)
        return jax.lax.switch(self.choice, self.activation, x)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Training:
    """A finished training, and how it went.

    params: the `Network` at the end; with early stopping, at the epoch of the lowest validation loss; if the numbers
    became infinite or NaN, at the end of the last epoch that was finite throughout. status: int8, a `Status`, see
    `train`. epochs: how many were completed. loss and validation_loss: (epochs,), per epoch, NaN after the last and
    where there was no validation. loss is the mean over the rows, each as its mini-batch found it.
    """

    params: Network
    status: Array
    epochs: Array
    loss: Array
    validation_loss: Array


def init(
    key: Array,
    sizes: Sequence[int],
    activation: Activation | list[Activation] | tuple[Activation, ...] = "relu",
    scheme: str = "normal",
    *,
    output: str = "regression",
    gain: ArrayLike | None = None,
    choice: ArrayLike | None = None,
) -> Network:
    """A network with random weights that keep the size of a signal from layer to layer, and b = 0.

        Var W_ij = g^2 / n_in,   g = 1 in the first layer, 1 / sqrt(E[phi(z)^2]), z ~ N(0, 1), in those after it

    so that every pre-activation has mean square 1 for inputs whose columns have. Arguments: sizes, of the input, of
    each hidden layer and of the output, Python ints. activation: a name of `activations.NAMES` or "identity", a
    function of one number, or a sequence of these with choice, an integer, the one to take. scheme: "normal" or
    "uniform". output: "regression"; "binary", a logit for each output; "classes", a logit for each class. gain: g of
    all layers, if not that computed. Sweep key, gain and choice by jax.vmap.

    Source: He et al., Delving deep into rectifiers (2015), section 2.2; `activations.gain`.

    >>> network = init(jax.random.key(0), (3, 4, 1), "tanh", output="binary")
    >>> sum(leaf.size for leaf in jax.tree.leaves(network))
    21

    """
    sizes = tuple(sizes)
    if len(sizes) < 2 or not all(isinstance(size, int) and size >= 1 for size in sizes):
        raise ValueError(f"sizes: expected two or more whole numbers >= 1, input to output, got {sizes}.")
    _check_one_of("scheme", scheme, SCHEMES)
    _check_one_of("output", output, OUTPUTS)
    several = isinstance(activation, list | tuple)
    functions = tuple(_function(each) for each in (activation if several else (activation,)))
    if several == (choice is None):
        raise ValueError("choice: expected an index exactly where activation is a sequence, to say which to take.")
    index = None if choice is None else _index(choice, len(functions))
    if gain is not None:
        first = later = arrays.scalar("gain", gain)
    else:
        gains = jnp.stack([activations.gain(function) for function in functions])
        first, later = jnp.ones_like(gains[0]), gains[0 if index is None else index]
    layers = []
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        deviation = (later if i else first) / math.sqrt(n_in)
        draw = jax.random.fold_in(key, i)
        if scheme == "normal":
            W = deviation * jax.random.normal(draw, (n_out, n_in), deviation.dtype)
        else:
            W = deviation * jax.random.uniform(draw, (n_out, n_in), deviation.dtype, -math.sqrt(3), math.sqrt(3))
        layers.append(Layer(W, jnp.zeros(n_out, deviation.dtype)))
    return Network(tuple(layers), index, functions, output)


def apply(params: Network, x: ArrayLike) -> Array:
    """The output of a network for one example: numbers, logits, or one logit a class.

        a = x;   a = phi(W a + b) for each hidden layer;   z = W a + b for the last

    Arguments: x, (n_in,). Returns (n_out,). For the rows of X write jax.vmap(apply, (None,
    0))(params, X), which XLA makes one matrix product a layer. Probabilities are
    activations.sigmoid or softmax of the logits.

    >>> network = init(jax.random.key(0), (3, 4, 1))
    >>> apply(network, jnp.ones(3)).shape, jax.vmap(apply, (None, 0))(network, jnp.ones((5, 3))).shape
    ((1,), (5, 1))

    """
    x = arrays.as_float("x", x)
    if x.shape != (params.layers[0].W.shape[1],):
        raise ValueError(
            f"x: expected shape ({params.layers[0].W.shape[1]},), one example, got {x.shape}. "
            "For rows of X use jax.vmap(apply, (None, 0))(params, X)."
        )
    return _columns(params, x[:, None])[:, 0]


def loss(params: Network, X: ArrayLike, y: ArrayLike) -> Array:
    """The mean loss over the rows, shape (): half the squared error, or the negative log-likelihood in nats.

    Arguments: X, (n, n_in). y, (n, n_out), or (n,) with one output: numbers, or for "binary" 0 or 1 (or a share in
    between); for "classes" (n,), the classes 0 .. n_out - 1. NaN where y holds anything else.

    >>> network = init(jax.random.key(0), (2, 3), gain=0.0, output="classes")
    >>> print(f"{loss(network, jnp.ones((4, 2)), jnp.array([0, 1, 2, 2])):.4f}")  # log 3
    1.0986

    """
    return _mean_loss(params.layers, params, _rows(params, X, y), None)


def accuracy(params: Network, X: ArrayLike, y: ArrayLike) -> Array:
    """The share of right labels, shape (): the largest logit for classes, the signs of the logits for binary outputs.

    Arguments: as for `loss`. A logit of 0 counts for 0, as in `logistic_regression.predict`.

    >>> network = init(jax.random.key(0), (2, 3), gain=0.0, output="classes")
    >>> print(accuracy(network, jnp.ones((4, 2)), jnp.array([0, 0, 0, 2])))
    0.75

    """
    if params.output == "regression":
        raise ValueError("params: expected a network with binary or classes output, got regression. See loss.")
    X, targets = _rows(params, X, y)
    z = _columns(params, X.T).T
    if params.output == "classes":
        right = jnp.argmax(z, axis=1) == jnp.argmax(targets, axis=1)
    else:
        right = (z > 0) == (targets > 0.5)
    return jnp.where(jnp.all(jnp.isfinite(targets)), jnp.mean(right, dtype=z.dtype), jnp.nan)


def train(
    key: Array,
    params: Network,
    data: tuple[ArrayLike, ArrayLike],
    *,
    optimizer: Any = None,
    epochs: int = 30,
    batch_size: int | None = 32,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
) -> Training:
    """Fit a network to data by steps on mini-batches, the whole run in one compiled call.

    Arguments: key, of the order of the rows, drawn anew each epoch. params, from `init`. data: (X, y), as for `loss`;
    the last batch of an epoch is smaller where batch_size does not divide n, and counts with the rows it has.
    optimizer: any optax rule or any of `jaxnotes.methods` that does not compare values between steps; optax.adam(1e-3)
    by default. batch_size: None for all rows. validation: (X, y), whose loss is taken after each epoch. patience: stop
    when that has not been at its lowest for so many epochs, and return the network of the epoch where it was.

    Returns a `Training`. Statuses: CONVERGED, patience ran out; MAX_STEPS, all epochs were run, which without patience
    is how a training ends; DIVERGED, NaN or infinite numbers in the epoch after `epochs`; NON_FINITE_DATA and
    INVALID_DATA (a label out of range), nothing was run. The same key gives the same bits on one device. Many networks:
    jax.vmap over key, params and what the optimizer holds; with one key for all the order is drawn once and the first
    layers multiply as one matrix, which is faster. A stopped network of a batch waits for the others. An optimizer
    made anew compiles anew: make it once, or jit what calls train.

    >>> import jaxnotes as jn
    >>> X, y = jnp.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), jnp.array([0, 1, 1, 0])
    >>> network = init(jax.random.key(3), (2, 8, 1), "tanh", output="binary")
    >>> result = train(jax.random.key(0), network, (X, y), optimizer=jn.methods.gradient_descent(1.0), epochs=500)
    >>> print(accuracy(result.params, X, y), Status(int(result.status)).name, int(result.epochs))
    1.0 MAX_STEPS 500

    """
    run = _prepare(key, params, data, optimizer, epochs, batch_size, validation, patience)
    state, losses = minibatches.advance(*run, 0, epochs)
    return _finish(run, state, losses)


def train_in_chunks(
    key: Array,
    params: Network,
    data: tuple[ArrayLike, ArrayLike],
    *,
    every: int,
    optimizer: Any = None,
    epochs: int = 30,
    batch_size: int | None = 32,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
) -> Iterator[Training]:
    """The `Training` after each `every` epochs, for a bar, a plot or a checkpoint; the last is that of `train`, bit by
    bit. On the host, not inside jit.

    Arguments: as for `train`. The status is MAX_STEPS until a training stops, which ends the iteration.

    >>> X = jnp.arange(6.0)[:, None] / 6
    >>> chunks = train_in_chunks(jax.random.key(0), init(jax.random.key(1), (1, 1)), (X, X), every=10)
    >>> [int(training.epochs) for training in chunks]
    [10, 20, 30]

    """
    settings.check_count("every", every, least=1)
    run = _prepare(key, params, data, optimizer, epochs, batch_size, validation, patience)
    state, parts = run.start, []
    for first in range(0, epochs, every):
        state, part = minibatches.advance(run.plan, run.data, state, run.keys, first, every)
        parts.append(part)
        yield _finish(run, state, jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts))
        if not np.any(state.status == Status.MAX_STEPS):
            return


class _Prepared(NamedTuple):
    """A training, checked and about to begin."""

    plan: minibatches.Plan
    data: minibatches.Data
    start: minibatches.State
    keys: Array


def _prepare(
    key: Array,
    params: Network,
    data: tuple[ArrayLike, ArrayLike],
    optimizer: Any,
    epochs: int,
    batch_size: int | None,
    validation: tuple[ArrayLike, ArrayLike] | None,
    patience: int | None,
) -> _Prepared:
    rows = _rows(params, *_pair("data", data), ("data[0]", "data[1]"))
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("patience", patience)):
        if value is not None or name == "epochs":
            settings.check_count(name, value, least=1)
    held = None
    if validation is not None:
        held = _rows(params, *_pair("validation", validation), ("validation[0]", "validation[1]"))
    elif patience is not None:
        raise ValueError("patience: expected None without validation data, whose loss it watches.")
    method = minibatches.as_method(_adam() if optimizer is None else optimizer)
    plan = minibatches.Plan(_mean_loss, method, min(batch_size or len(rows.X), len(rows.X)), patience)
    everything = minibatches.Data(rows, held, dataclasses.replace(params, layers=()))
    start = minibatches.start(plan, everything, params.layers)
    return _Prepared(plan, everything, start, jax.random.split(key, epochs))


@functools.cache
def _adam() -> Any:
    import optax

    return optax.adam(1e-3)


def _finish(run: _Prepared, state: minibatches.State, losses: minibatches.Losses) -> Training:
    missing = len(run.keys) - len(losses[0])
    full = (jnp.pad(leaf, (0, missing), constant_values=jnp.nan) for leaf in losses)
    layers = state.params if run.plan.patience is None else state.best
    return Training(dataclasses.replace(run.data.fixed, layers=layers), state.status, state.epochs, *full)


def _columns(params: Network, A: Array) -> Array:
    """The outputs (n_out, n) for examples in the columns of A (n_in, n), the notes' vectorized form."""
    *hidden, last = params.layers
    for W, b in hidden:
        A = params.activate(jnp.dot(W, A) + b[:, None])
    return jnp.dot(last.W, A) + last.b[:, None]


def _mean_loss(layers: tuple[Layer, ...], network: Network, rows: Batch, counted: Array | None) -> Array:
    """The mean over the rows, or over those that are counted, of a network that gets its layers here."""
    z, t = _columns(dataclasses.replace(network, layers=layers), rows.X.T), rows.targets.T
    if network.output == "regression":
        losses = jnp.sum((z - t) ** 2, axis=0) / 2
    elif network.output == "binary":
        losses = jnp.sum(activations.softplus(z) - t * z, axis=0)
    else:
        losses = jax.nn.logsumexp(z, axis=0) - jnp.sum(t * z, axis=0)
    return jnp.mean(losses) if counted is None else jnp.sum(jnp.where(counted, losses, 0)) / jnp.sum(counted)


def _rows(params: Network, X: ArrayLike, y: ArrayLike, names: tuple[str, str] = ("X", "y")) -> Batch:
    """X, and y as targets (n, n_out) of the same dtype, NaN where y is no label."""
    n_in, n_out = params.layers[0].W.shape[1], params.layers[-1].W.shape[0]
    X = arrays.as_float(names[0], X)
    if X.ndim != 2 or X.shape[1] != n_in or X.shape[0] == 0:
        raise ValueError(f"{names[0]}: expected shape (n_samples, {n_in}), at least one sample, got {X.shape}.")
    y = arrays.as_float(names[1], y).astype(X.dtype)
    if params.output == "classes" and y.shape == (len(X),):
        targets = (y[:, None] == jnp.arange(n_out, dtype=y.dtype)[None]).astype(X.dtype)
        return Batch(X, jnp.where(jnp.any(targets > 0, axis=1, keepdims=True), targets, jnp.nan))
    if params.output != "classes" and y.shape in [(len(X), n_out), (len(X),) if n_out == 1 else ()]:
        y = y.reshape(len(X), n_out)
        return Batch(X, jnp.where((y >= 0) & (y <= 1), y, jnp.nan) if params.output == "binary" else y)
    shape = f"({len(X)},)" if params.output == "classes" or n_out == 1 else f"({len(X)}, {n_out})"
    raise ValueError(f"{names[1]}: expected shape {shape}, for {params.output} output, got {y.shape}.")


def _pair(name: str, data: Any) -> tuple[Any, Any]:
    if isinstance(data, tuple | list) and len(data) == 2:
        return data[0], data[1]
    raise TypeError(f"{name}: expected a pair (X, y), got {type(data).__name__}.")


def _function(activation: Activation) -> Callable[[Array], Array]:
    if callable(activation):
        return activation
    if not isinstance(activation, str):
        raise TypeError(
            f"activation: expected a name, a function of one number, or several, got {type(activation).__name__}."
        )
    _check_one_of("activation", activation, (*activations.NAMES, "identity"))
    return _identity if activation == "identity" else getattr(activations, activation)


def _index(choice: ArrayLike, count: int) -> Array:
    """An integer; one that is known must be in range, a traced one is taken to the nearest that is."""
    index = jnp.asarray(choice)
    if not (jnp.issubdtype(index.dtype, jnp.integer) and index.shape == ()):
        raise ValueError(
            f"choice: expected an integer, got {index.dtype} of shape {index.shape}. Sweep it by jax.vmap."
        )
    if isinstance(choice, int) and not 0 <= choice < count:
        raise ValueError(f"choice: expected an index from 0 to {count - 1}, got {choice}.")
    return index


def _identity(x: Array) -> Array:
    return x


def _check_one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name}: expected one of {', '.join(known)}, got {value!r}.")
