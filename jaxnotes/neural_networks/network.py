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

from jaxnotes import activations
from jaxnotes.core.descent import minibatches
from jaxnotes.core.descent.minibatches import Batch
from jaxnotes.core.values import arrays, settings
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.status import Status

OUTPUTS = ("regression", "binary", "classes")
SCHEMES = ("normal", "uniform")

Activation = str | Callable[[Array], Array]


class Layer(NamedTuple):
    """The matrix and the shift of a layer of n_out units.

    Attributes:
        W: row i is unit i, (n_out, n_in).
        b: entry i is unit i, (n_out,).
    """

    W: Array
    b: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Network:
    """A network: the numbers that are trained, and how to read them.

    Attributes:
        layers: a `Layer` for each step between sizes.
        choice: which activation is taken, an integer that may be traced and batched; None where there is one.
        activation: one function of a number, or several, a tuple fixed while tracing.
        output: "regression", "binary" or "classes", see `init`.
    """

    layers: tuple[Layer, ...]
    choice: Array | None
    activation: tuple[Callable[[Array], Array], ...] = field(metadata={"static": True})
    output: str = field(metadata={"static": True})

    def activate(self, x: Array) -> Array:
        """The hidden activation phi, entry by entry.

        Args:
            x: pre-activations, (...).

        Returns:
            phi(x), (...).
        """
        if self.choice is None:
            return self.activation[0](x)
        return jax.lax.switch(self.choice, self.activation, x)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Training:
    """A finished training, and how it went.

    Attributes:
        params: the `Network` at the end; with early stopping, at the epoch of the lowest validation loss; if the
            numbers became infinite or NaN, at the end of the last epoch that was finite throughout.
        status: int8, a `Status`, see `train`, ().
        epochs: how many were completed, ().
        loss: the mean over the rows, each as its mini-batch found it, per epoch, NaN after the last, (epochs,).
        validation_loss: the loss of the validation data after each epoch, NaN after the last and without such data,
            (epochs,).
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

    so that every pre-activation has mean square 1 for inputs whose columns have. Sweep key, gain and choice by
    jax.vmap.

    Args:
        key: of the weights, from `jax.random.key`.
        sizes: of the input, of each hidden layer and of the output, Python ints >= 1, at least two.
        activation: a name of `activations.NAMES` or "identity", a function of one number, or a sequence of these,
            together with choice; "relu" by default.
        scheme: the law of the weights, "normal" (default) or "uniform".
        output: "regression" (default); "binary", a logit for each output; "classes", a logit for each class.
        gain: g of all layers, (), or None (default) for g as above.
        choice: which activation of a sequence to take, an integer, (); None (default) where there is one.

    Returns:
        A `Network`.

    Raises:
        TypeError, ValueError: a size, a name or a choice that does not exist.

    >>> network = init(jax.random.key(0), (3, 4, 1), "tanh", output="binary")
    >>> sum(leaf.size for leaf in jax.tree.leaves(network))
    21

    Source: He et al., Delving deep into rectifiers (2015), section 2.2; `activations.gain`.
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
    """The output of a network for one example: numbers, logits, or one logit per class.

        a = x;   a = phi(W a + b) for each hidden layer;   z = W a + b for the last

    For the rows of X write jax.vmap(apply, (None, 0))(params, X), which XLA makes one matrix product
    per layer. Probabilities are activations.sigmoid or softmax of the logits.

    Args:
        params: a `Network`.
        x: one example, (n_in,).

    Returns:
        z, (n_out,).

    Raises:
        TypeError, ValueError: x of a wrong dtype or shape.

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
    """The mean loss over the rows: half the squared error, or the negative log-likelihood in nats.

        regression  ||z - t||^2 / 2      binary  sum_k softplus(z_k) - t_k z_k      classes  log sum_k exp(z_k) - t'z

    Args:
        params: a `Network`.
        X: the rows, (n, n_in).
        y: the targets t, (n, n_out), or (n,) with one output: numbers, or for "binary" 0 or 1 (or a share in between);
            for "classes" (n,), the classes 0 .. n_out - 1.

    Returns:
        The loss, (); NaN where y holds anything else.

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> network = init(jax.random.key(0), (2, 3), gain=0.0, output="classes")
    >>> print(f"{loss(network, jnp.ones((4, 2)), jnp.array([0, 1, 2, 2])):.4f}")  # log 3
    1.0986
    """
    return _mean_loss(params.layers, params, _rows(params, X, y), None)


def accuracy(params: Network, X: ArrayLike, y: ArrayLike) -> Array:
    """The share of right labels: the largest logit for classes, the signs of the logits for binary outputs.

    A logit of 0 counts for 0, as in `logistic_regression.predict`.

    Args:
        params: a `Network` with binary or classes output.
        X: the rows, (n, n_in).
        y: the labels, as for `loss`.

    Returns:
        The share, (), in [0, 1]; NaN where y holds anything else.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a network with regression output.

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

        minimize  loss(params, X, y), a mean over rows,  by the gradients of means over batches

    The same key gives the same bits on one device. Many networks: jax.vmap over key, params and what the optimizer
    holds; with one key for all the order is drawn once and the first layers multiply as one matrix, which is faster. A
    stopped network of a batch waits for the others. An optimizer made anew compiles anew: make it once, or jit what
    calls train.

    Args:
        key: of the order of the rows, which is drawn anew in each epoch.
        params: the start, from `init`.
        data: the pair (X, y), as for `loss`.
        optimizer: any optax rule, or any of `jaxnotes.methods` that does not compare values between steps; None
            (default) for optax.adam(1e-3).
        epochs: passes over the rows, a Python int >= 1, 30 by default.
        batch_size: rows of a batch, a Python int >= 1, 32 by default, None for all rows. The last batch of an epoch is
            smaller where it does not divide n, and counts with the rows it has.
        validation: a pair (X, y) whose loss is taken after each epoch; None by default.
        patience: stop when the validation loss has not been at its lowest for so many epochs, and return the network of
            the epoch where it was; a Python int >= 1, or None (default) to run all epochs.

    Returns:
        A `Training`.

    Statuses:
        CONVERGED, patience ran out; MAX_STEPS, all epochs were run, which without patience is how a training ends;
        DIVERGED, NaN or infinite numbers in the epoch after `epochs`; NON_FINITE_DATA and INVALID_DATA (a label out of
        range), nothing was run.

    Raises:
        TypeError, ValueError: a wrong dtype, shape or setting, or patience without validation.

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
    """`train`, told every few epochs: for a bar, a plot or a checkpoint.

    The last `Training` is that of `train`, bit by bit. On the host, not inside jit.

    Args:
        key: of the order of the rows, as in `train`.
        params: the start, from `init`.
        data: the pair (X, y), as for `loss`.
        every: epochs from one `Training` to the next, a Python int >= 1.
        optimizer: as in `train`; None (default) for optax.adam(1e-3).
        epochs: passes over the rows, a Python int >= 1, 30 by default.
        batch_size: rows of a batch, a Python int >= 1, 32 by default, None for all rows.
        validation: a pair (X, y) whose loss is taken after each epoch; None by default.
        patience: epochs without a new lowest validation loss before it stops, as in `train`; None by default.

    Yields:
        The `Training` so far. Its status is MAX_STEPS until a training stops, which ends the iteration.

    Raises:
        TypeError, ValueError: as in `train`, or every is no whole number >= 1.

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
