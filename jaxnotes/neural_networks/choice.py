"""Chapters 5.2 and 6: the activation of a network chosen by testing many, as the notes advise, and told honestly.

Every activation gets the same folds, order of rows and seeds, and as many learning rates. With d_k the difference of
the validation losses of two activations in fold k = 1 .. K, each the mean over the seeds,

    t = mean(d) / sqrt((1 / K + n_validation / n_training) var(d)),   K - 1 degrees of freedom:

the usual paired t test would have 1 / K alone, as if folds did not share training rows, and would find differences that
are not there. The activation of the lowest loss wins only if it beats every other, with p-values adjusted by Holm.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.special import tails
from jaxnotes.core.values import arrays, settings, trees
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.status import Status
from jaxnotes.neural_networks.network import Activation, Network, init, loss, train

__all__ = ["Comparison", "Selection", "compare", "select_activation"]

DEAD = 1e-3  # a unit is dead where its activation's slope is no larger than that at every row


class Comparison(NamedTuple):
    """Which of several arms is best, and which others may be.

    Attributes:
        best: the arm of the lowest mean loss, ().
        pvalue: of each arm against it, adjusted, 1 for itself and NaN where a loss is not finite, (arms,).
        tied: which arms are not told from the best, itself included, (arms,).
    """

    best: Array
    pvalue: Array
    tied: Array


@dataclass(frozen=True)
class Selection:
    """What an experiment found, as NumPy arrays; A activations, R rates.

    Attributes:
        activation: A names.
        rate: the learning rates, (R,).
        loss: the mean validation loss, inf where a training diverged, (A, R).
        se: the standard error of that loss, with the factor of the test, (A, R).
        dead_units: the share of hidden units whose slope is at most 1e-3 at every validation row in the end, (A, R).
        grad_norm: of the loss in each layer's W before training, where it vanishes or explodes, (A, R, layers).
        diverged: how many trainings did, (A, R).
        best_rate: the index of the rate of the lowest loss, (A,).
        pvalue: of each activation against the best at their best rates, adjusted by Holm, (A,).
        tied: the names that are not told from the best at the level asked.
    """

    activation: tuple[str, ...]
    rate: np.ndarray
    loss: np.ndarray
    se: np.ndarray
    dead_units: np.ndarray
    grad_norm: np.ndarray
    diverged: np.ndarray
    best_rate: np.ndarray
    pvalue: np.ndarray
    tied: tuple[str, ...]

    @property
    def winner(self) -> str | None:
        """The one activation that beats all others, or None where some are tied with the best."""
        return self.tied[0] if len(self.tied) == 1 else None

    @property
    def verdict(self) -> str:
        """The finding in a sentence."""
        if not self.tied:
            return "Every activation diverged: try smaller rates."
        if self.winner is None:
            return f"No winner: {', '.join(self.tied)} are not told apart by these data."
        return f"{self.winner} wins: every other activation has a larger validation loss."

    def columns(self) -> dict[str, list[Any] | np.ndarray]:
        """The table for machines, one row for each activation and rate.

        Returns:
            The columns by name, each of A R entries, ready for `pandas.DataFrame`.
        """
        count = len(self.rate)
        table = {name: getattr(self, name).ravel() for name in ("loss", "se", "dead_units", "diverged")}
        ends = {"grad_norm_first": self.grad_norm[..., 0].ravel(), "grad_norm_last": self.grad_norm[..., -1].ravel()}
        names = [name for name in self.activation for _ in range(count)]
        return {"activation": names, "rate": np.tile(self.rate, len(self.activation)), **table, **ends}


class _Arm(NamedTuple):
    """What one training leaves: the fields of `Selection` for it."""

    loss: Array
    dead_units: Array
    grad_norm: Array
    diverged: Array


def select_activation(
    key: Array,
    sizes: Sequence[int],
    data: tuple[ArrayLike, ArrayLike],
    *,
    activations: Sequence[Activation] = ("sigmoid", "tanh", "relu", "gelu"),
    rates: Sequence[float] = (1e-3, 1e-2),
    output: str = "regression",
    optimizer: Callable[[Array], Any] | None = None,
    folds: int = 5,
    seeds: int = 4,
    epochs: int = 30,
    batch_size: int | None = 32,
    level: float = 0.95,
) -> Selection:
    """Cross-validate networks with each activation at each rate, and say which is best if the data can tell.

        t = mean(d) / sqrt((1 / folds + n_validation / n_training) var(d)),   d as in `compare`

    Each activation is judged at the rate of its own lowest loss, so the losses there are a little too low, for all
    alike. On the host; all networks of a fold are trained in one vmap.

    Args:
        key: of the folds, and in each of the order of rows and the starts, the same for all activations and rates.
        sizes: of the input, of each hidden layer, at least one, and of the output, as for `init`.
        data: the pair (X, y), as for `loss`.
        activations: names or functions, at least two; ("sigmoid", "tanh", "relu", "gelu") by default.
        rates: learning rates, handed to optimizer; (1e-3, 1e-2) by default.
        output: "regression" (default), "binary" or "classes", as for `init`.
        optimizer: a function from a rate to a rule; None (default) for optax.adam.
        folds: a Python int from 2 to n, 5 by default; the n mod folds rows left over train in every fold.
        seeds: starts in each fold, a Python int >= 1, 4 by default.
        epochs: passes over the rows, a Python int >= 1, 30 by default.
        batch_size: rows of a batch, a Python int >= 1, 32 by default, None for all rows.
        level: a difference counts at 1 - level, a Python number in (0, 1), 0.95 by default.

    Returns:
        A `Selection`.

    Raises:
        TypeError, ValueError: a wrong dtype, shape or setting.

    >>> x = jnp.linspace(-1, 1, 60)[:, None]
    >>> arms = {"activations": ("identity", "relu"), "rates": (0.01,)}
    >>> found = select_activation(jax.random.key(0), (1, 8, 1), (x, jnp.abs(x)), epochs=50, **arms)
    >>> print(found.verdict)
    relu wins: every other activation has a larger validation loss.

    Source: Nadeau and Bengio, Machine Learning 52 (2003), 239-281, for the factor; Holm, Scand. J. Statist. 6 (1979).
    """
    if len(activations) < 2:
        raise ValueError(f"activations: expected at least two to choose from, got {len(activations)}.")
    if len(sizes) < 3:
        raise ValueError(f"sizes: expected a hidden layer between input and output, got {tuple(sizes)}.")
    X, y = (arrays.as_float(name, part) for name, part in zip(("data[0]", "data[1]"), data, strict=True))
    if not (isinstance(folds, int) and 2 <= folds <= X.shape[0]):
        raise ValueError(f"folds: expected a whole number from 2 to the number of rows, got {folds}.")
    settings.check_count("seeds", seeds, least=1)
    settings.confidence(level)
    plan = _Plan(tuple(sizes), tuple(activations), output, optimizer or _adam(), folds, seeds, epochs, batch_size)
    rate = jnp.asarray(rates, X.dtype)
    arms = _cross_validate(plan, key, rate, X, y)
    by_fold = jnp.where(arms.diverged | ~jnp.isfinite(arms.loss), jnp.inf, arms.loss).mean(axis=3).transpose(1, 2, 0)
    loss, held = by_fold.mean(axis=2), X.shape[0] // folds
    factor = 1 / folds + held / (X.shape[0] - held)
    best_rate = jnp.argmin(loss, axis=1)
    found = compare(by_fold[jnp.arange(len(activations)), best_rate], factor=factor, level=level)
    names = tuple(each if isinstance(each, str) else getattr(each, "__name__", repr(each)) for each in activations)
    return Selection(
        activation=names,
        rate=np.asarray(rate),
        loss=np.asarray(loss),
        se=np.asarray(jnp.sqrt(factor) * jnp.std(by_fold, axis=2, ddof=1)),
        dead_units=np.asarray(arms.dead_units.mean(axis=(0, 3))),
        grad_norm=np.asarray(arms.grad_norm.mean(axis=(0, 3))),
        diverged=np.asarray(arms.diverged.sum(axis=(0, 3))),
        best_rate=np.asarray(best_rate),
        pvalue=np.asarray(found.pvalue),
        tied=tuple(name for name, tie in zip(names, found.tied.tolist(), strict=True) if tie),
    )


def compare(losses: ArrayLike, *, factor: ArrayLike, level: ArrayLike = 0.95) -> Comparison:
    """Which of several arms has the lowest mean loss, and which others cannot be told from it.

        t = mean(d) / sqrt(factor var(d)),   d = the losses of an arm minus those of the best, fold by fold

    Args:
        losses: of each arm in each fold, (arms, folds), at least two folds.
        factor: 1 / folds for independent folds, 1 / folds + n_validation / n_training for cross-validation, ().
        level: an arm is tied where its two-sided p-value, by Holm's adjustment, is at least 1 - level; (), in (0, 1),
            0.95 by default.

    Returns:
        A `Comparison`. Equal losses are tied (p = 1), losses that are not finite never.

    Raises:
        TypeError, ValueError: losses of a wrong dtype or shape.

    >>> found = compare([[0.50, 0.52, 0.49], [0.51, 0.51, 0.50], [0.90, 0.93, 0.88]], factor=1 / 3)
    >>> found.tied.tolist(), [round(p, 4) for p in found.pvalue.tolist()]
    ([True, True, False], [1.0, 0.6667, 0.0004])
    """
    losses = arrays.as_float("losses", losses)
    if losses.ndim != 2 or losses.shape[1] < 2:
        raise ValueError(f"losses: expected shape (arms, folds) with at least two folds, got {losses.shape}.")
    mean, folds = jnp.mean(losses, axis=1), losses.shape[1]
    finite = jnp.isfinite(mean)
    best = jnp.argmin(jnp.where(finite, mean, jnp.inf))
    difference = jnp.where(finite[:, None], losses - losses[best][None], 0)
    centre = jnp.mean(difference, axis=1)
    t = jnp.where(centre == 0, 0, centre / jnp.sqrt(factor * jnp.var(difference, axis=1, ddof=1)))
    pvalue = _holm(tails.t_two_sided(t, folds - 1.0), finite & (jnp.arange(len(mean)) != best))
    pvalue = jnp.where(finite, pvalue, jnp.nan)
    return Comparison(best, pvalue, finite & (pvalue >= 1 - level))


def _holm(pvalue: Array, tested: Array) -> Array:
    """max over the tests with a p-value no larger of (tests with one no smaller) p, at most 1; 1 where untested."""
    order = jnp.argsort(jnp.where(tested, pvalue, jnp.inf))
    factor = jnp.sum(tested) - jnp.arange(len(pvalue))
    steps = jnp.where(tested[order], factor * pvalue[order], 1)
    return jnp.minimum(jax.lax.cummax(steps), 1)[jnp.argsort(order)]


class _Plan(NamedTuple):
    """What is fixed while tracing."""

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    output: str
    optimizer: Callable[[Array], Any]
    folds: int
    seeds: int
    epochs: int
    batch_size: int | None


def _adam() -> Callable[[Array], Any]:
    import optax

    return optax.adam


@functools.partial(jax.jit, static_argnums=0)
def _cross_validate(plan: _Plan, key: Array, rate: Array, X: Array, y: Array) -> _Arm:
    """The arms of all folds, leaves (folds, A, R, seeds, ...). Fold by fold, so that all networks share their rows."""
    shuffle, starts, order = jax.random.split(key, 3)
    rows, held = jax.random.permutation(shuffle, X.shape[0]), X.shape[0] // plan.folds
    rows = jnp.stack([jnp.roll(rows, -fold * held) for fold in range(plan.folds)])

    def fold(rows: Array, order: Array, starts: Array) -> _Arm:
        validation, training = ((X[part], y[part]) for part in (rows[:held], rows[held:]))

        def arm(choice: Array, rate: Array, start: Array) -> _Arm:
            network = init(start, plan.sizes, plan.activations, output=plan.output, choice=choice)
            result = train(
                order,
                network,
                training,
                optimizer=plan.optimizer(rate),
                epochs=plan.epochs,
                batch_size=plan.batch_size,
            )
            gradient = jax.grad(lambda layers: loss(dataclasses.replace(network, layers=layers), *validation))
            return _Arm(
                loss(result.params, *validation),
                _dead_units(result.params, validation[0]),
                jnp.stack([trees.norm(layer.W) for layer in gradient(network.layers)]),
                result.status != Status.MAX_STEPS,
            )

        by_seed = jax.vmap(arm, (None, None, 0))
        by_rate = jax.vmap(by_seed, (None, 0, None))
        return jax.vmap(by_rate, (0, None, None))(
            jnp.arange(len(plan.activations)), rate, jax.random.split(starts, plan.seeds)
        )

    # Each fold has starts of its own: the luck of a start that all shared would look like a difference between arms.
    turns = (rows, *(jax.random.split(draw, plan.folds) for draw in (order, starts)))
    return jax.lax.map(lambda turn: fold(*turn), turns)


def _dead_units(network: Network, X: Array) -> Array:
    """The share of hidden units whose activation is flat at every row, shape ()."""

    def slopes(x: Array) -> Array:
        found = []
        for W, b in network.layers[:-1]:
            z = jnp.dot(W, x) + b
            x, slope = jax.jvp(network.activate, (z,), (jnp.ones_like(z),))
            found.append(jnp.abs(slope))
        return jnp.concatenate(found)

    return jnp.mean(jnp.max(jax.vmap(slopes)(X), axis=0) <= DEAD, dtype=X.dtype)
