"""Bars for long work; rich loads when it is first used."""

from typing import Any

from jaxnotes import neural_networks
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.neural_networks import Network, Training


def train_with_progress(
    key: Array,
    params: Network,
    data: tuple[ArrayLike, ArrayLike],
    *,
    every: int | None = None,
    optimizer: Any = None,
    epochs: int = 30,
    batch_size: int | None = 32,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
) -> Training:
    """`neural_networks.train` with a bar: the same answer, bit by bit, in chunks of epochs of one compiled program.

    It runs on the host, not inside jit.

    Args:
        key: from jax.random.key.
        params: the network to begin with.
        data: (X, y), to learn from.
        every: epochs between two moves of the bar, default None: a hundredth of all.
        optimizer: as in `neural_networks.train`, default None.
        epochs: how many at most, default 30.
        batch_size: rows in a batch, default 32; None for all.
        validation: (X, y), to judge by, default None.
        patience: stop when the validation loss has not been at its lowest for so many epochs, and return the network of
            the epoch where it was, default None: run all epochs.

    Returns:
        A `Training`.

    Raises:
        ImportError: rich is missing.
        TypeError, ValueError: as in `neural_networks.train`.

    >>> import jax, jax.numpy as jnp, jaxnotes as jn
    >>> X, network = jnp.arange(6.0)[:, None] / 6, jn.neural_networks.init(jax.random.key(1), (1, 1))
    >>> train_with_progress(jax.random.key(0), network, (X, X)).epochs
    Training ... 30/30 loss ...
    Array(30, dtype=int32)
    """
    try:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError as error:
        raise ImportError('the bar needs rich: pip install "jaxnotes[cli]"') from error
    chunks = neural_networks.train_in_chunks(
        key,
        params,
        data,
        every=-(-epochs // 100) if every is None else every,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        validation=validation,
        patience=patience,
    )
    columns = (TextColumn("Training"), BarColumn(), MofNCompleteColumn(), TextColumn("loss {task.fields[loss]:.4g}"))
    with Progress(*columns, TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=epochs, loss=float("nan"))
        for training in chunks:
            done = int(training.epochs)
            bar.update(task, completed=done, loss=float(training.loss[max(done - 1, 0)]))
    return training
