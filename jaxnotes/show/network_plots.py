"""Pictures and the table of networks: how a training went, and what an experiment with activations found."""

from typing import TYPE_CHECKING

import numpy as np

from jaxnotes.neural_networks import Selection, Training
from jaxnotes.show.plots import BLACK, BLUE, FONT, GREEN, ORANGE, SKY, VERMILLION, legend, styled_axes
from jaxnotes.show.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = [
    (colour, line, marker)
    for line in ("-", "--")
    for colour, marker in zip((BLUE, VERMILLION, GREEN, ORANGE, SKY, BLACK), "os^Dv*", strict=True)
]


def training_curve(training: Training, *, ax: "Axes | None" = None) -> "Axes":
    """The losses of one training by epoch, with the epoch of the lowest validation loss.

    Args:
        training: what `neural_networks.train` returned for one training (no batch).
        ax: the axes to draw on, default None: those of a new figure.

    Returns:
        The axes.

    Raises:
        ValueError: a batch of trainings.

    >>> import jax, jax.numpy as jnp, jaxnotes as jn
    >>> X, network = jnp.arange(6.0)[:, None] / 6, jn.neural_networks.init(jax.random.key(1), (1, 1))
    >>> ax = training_curve(jn.neural_networks.train(jax.random.key(0), network, (X, X), validation=(X, X)))
    >>> ax.get_xlabel()
    'epoch'
    """
    if np.ndim(training.epochs) != 0:
        raise ValueError(
            f"training: expected one, got a batch of shape {np.shape(training.epochs)}. "
            "Pick a lane with jax.tree.map(lambda leaf: leaf[0], training)."
        )
    axes = styled_axes(ax, "epoch", "loss")
    done = int(training.epochs)
    loss, held = (np.asarray(losses)[:done] for losses in (training.loss, training.validation_loss))
    epochs = np.arange(1, done + 1)
    axes.plot(epochs, loss, "-", color=BLUE, linewidth=2, label="training")
    if np.isfinite(held).any():
        axes.plot(epochs, held, "--", color=VERMILLION, linewidth=2, label="validation")
        best = int(np.nanargmin(held))
        axes.plot(epochs[best], held[best], "*", color=BLACK, markersize=14, label=f"lowest: epoch {best + 1}")
    return legend(axes, ncols=3)


def activation_rates(selection: Selection, *, ax: "Axes | None" = None) -> "Axes":
    """The validation loss of each activation against the rate, with one standard error either way.

    The best rate of each activation is filled, and a cross stands for a training that diverged.

    Args:
        selection: what `neural_networks.select_activation` returned.
        ax: the axes to draw on, default None: those of a new figure.

    Returns:
        The axes.

    >>> from jaxnotes.neural_networks import select_activation
    >>> import jax, jax.numpy as jnp
    >>> x = jnp.linspace(-1, 1, 20)[:, None]
    >>> found = select_activation(jax.random.key(0), (1, 3, 1), (x, x), epochs=2)
    >>> ax = activation_rates(found)
    >>> ax.get_xscale()
    'log'
    """
    axes = styled_axes(ax, "learning rate", "validation loss")
    axes.set_xscale("log")
    order = np.argsort(selection.rate)
    seen = selection.loss[np.isfinite(selection.loss)]
    top = seen.max() if seen.size else 1.0
    for a, name in enumerate(selection.activation):
        colour, line, marker = STYLES[a % len(STYLES)]
        rate, loss, se = selection.rate[order], selection.loss[a, order], selection.se[a, order]
        axes.errorbar(
            rate, np.where(np.isfinite(loss), loss, np.nan), yerr=se, color=colour, linestyle=line, marker=marker,
            markerfacecolor="white", capsize=3, label=name,
        )  # fmt: skip
        lost = ~np.isfinite(loss)
        axes.plot(rate[lost], np.full(lost.sum(), top), "x", color=colour, markersize=9)
        best = selection.best_rate[a]
        if np.isfinite(selection.loss[a, best]):
            axes.plot(selection.rate[best], selection.loss[a, best], marker, color=colour, markersize=9, zorder=3)
    axes.set_title(selection.verdict, fontsize=FONT, y=-0.32)
    return legend(axes, ncols=4)


def activation_table(selection: Selection) -> Summary:
    """The table of an experiment with activations for people, a row for each activation and rate, and the verdict.

    Its columns: dead, the share of dead units; grad 1 and grad n, the norms of the gradient in the first and last layer
    before training; lost, trainings that diverged; p-value, against the best activation, at the best rate.

    Args:
        selection: what `neural_networks.select_activation` returned.

    Returns:
        A `Summary`, which prints itself.

    >>> from jaxnotes.neural_networks import select_activation
    >>> import jax, jax.numpy as jnp
    >>> x = jnp.linspace(-1, 1, 20)[:, None]
    >>> found = select_activation(jax.random.key(0), (1, 3, 1), (x, x), epochs=2)
    >>> activation_table(found).heads
    ('', 'rate', 'loss', 'se', 'dead', 'grad 1', 'grad n', 'lost', 'p-value')
    """
    heads = ("", "rate", "loss", "se", "dead", "grad 1", "grad n", "lost", "p-value")
    rows = []
    for i, cells in enumerate(zip(*selection.columns().values(), strict=True)):
        name, rate, loss, se, dead, diverged, first, last = cells
        a, r = divmod(i, len(selection.rate))
        pvalue = f"{selection.pvalue[a]:.3g}" if r == selection.best_rate[a] else ""
        rows.append(
            (name, f"{rate:g}", f"{loss:.4g}", f"{se:.2g}", f"{dead:.0%}", f"{first:.2g}", f"{last:.2g}",
             f"{int(diverged)}", pvalue)
        )  # fmt: skip
    return Summary("Validation loss by activation and rate", (), heads, tuple(rows), selection.verdict)
