"""Training by steps on mini-batches: epochs, validation and early stopping, all inside one compiled loop.

Written for one training. Under jax.vmap what the trainings share (rows, the order of the rows) stays shared, each stops
for itself, and an epoch that none of them needs is skipped.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap

from jaxnotes.core.descent import methods
from jaxnotes.core.descent.methods import Iterate, Method
from jaxnotes.core.values import trees
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.loop import select_lanes
from jaxnotes.core.values.status import Status, first_status

Losses = tuple[Array, Array]  # of the training rows and of the validation rows, per epoch


class Plan(NamedTuple):
    """What is fixed while tracing.

    mean_loss: (params, fixed, rows, counted) -> the mean loss, (), over the rows, or over those where counted holds.
    """

    mean_loss: Callable[[Any, Any, "Batch", Array | None], Array]
    method: Method
    batch_size: int
    patience: int | None


class Batch(NamedTuple):
    """Inputs (n, n_in) and targets (n, n_out)."""

    X: Array
    targets: Array


class Data(NamedTuple):
    """The rows to train on, those to validate on (None without), and what else the loss needs and does not train."""

    rows: Batch
    validation: Batch | None
    fixed: Any


class State(NamedTuple):
    """A training under way, with the parameters of the lowest validation loss where patience asks for them.

    status is MAX_STEPS as long as nothing ends the training before its time.
    """

    params: Any
    memory: Any
    best: Any
    best_loss: Array
    best_epoch: Array
    epochs: Array
    status: Array


def as_method(optimizer: Any) -> Method:
    """A method of ours or an optax rule, as a method; ValueError for one that compares values between steps."""
    if not isinstance(optimizer, Method):
        if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
            raise TypeError(
                f"optimizer: expected a jaxnotes.methods method or an optax rule, got {type(optimizer).__name__}."
            )
        return _from_optax(optimizer)
    if optimizer.compares:
        raise ValueError(
            "optimizer: expected a rule that takes each gradient as it comes, got one that compares values. "
            "Each mini-batch has another loss."
        )
    return optimizer


@functools.lru_cache(maxsize=64)
def _from_optax(rule: Any) -> Method:
    """One method a rule, so that the same rule finds the compiled training again."""
    return methods.from_optax(rule)


def random_order(key: Array, n: int) -> Array:
    """0 .. n - 1 in random order, (n,) int32.

    Sorts random numbers whose last bits are the row's, again and again until 3 log2 n random bits made the order. One
    such sort takes a CPU a sixth of the time of a sort of pairs, which `jax.random.permutation` makes one or two of.
    """
    width = (n - 1).bit_length()
    order = rows = jnp.arange(n, dtype=jnp.uint32)
    for draw in jax.random.split(key, max(1, -(-3 * width // (32 - width)))):
        drawn = jax.random.bits(draw, (n,), jnp.uint32) >> width << width
        order = order[jnp.sort(drawn | rows) & ((1 << width) - 1)]
    return order.astype(jnp.int32)


@functools.partial(jax.jit, static_argnums=0)
def start(plan: Plan, data: Data, params: Any) -> State:
    """The state before the first epoch; its status says whether the data allow one."""
    first = plan.method.init(_objective(plan, data.fixed, data.rows, None), params)
    parts = [rows for rows in (data.rows, data.validation) if rows is not None]
    status = first_status(
        (~trees.all_finite([rows.X for rows in parts]), Status.NON_FINITE_DATA),
        (~trees.all_finite([rows.targets for rows in parts]), Status.INVALID_DATA),
        otherwise=Status.MAX_STEPS,
    )
    best = None if plan.patience is None else params
    zero = jnp.zeros((), jnp.int32)
    return State(params, first.memory, best, jnp.full((), jnp.inf, data.rows.X.dtype), zero, zero, status)


def advance(plan: Plan, data: Data, state: State, keys: Array, first: int, count: int) -> tuple[State, Losses]:
    """The state after epochs first .. first + count - 1, as far as there are keys, and the losses of these epochs.

    A loop of one round would be compiled as none and might round otherwise: there are two at least, some of them idle.
    """
    rounds = first + np.arange(max(count, 2))
    alive = (np.arange(len(rounds)) < count) & (rounds < len(keys))
    state, losses = _epochs(plan, data, state, keys[np.minimum(rounds, len(keys) - 1)], jnp.asarray(alive))
    return state, jax.tree.map(lambda leaf: leaf[: np.count_nonzero(alive)], losses)


@functools.partial(jax.jit, static_argnums=0)
def _epochs(plan: Plan, data: Data, state: State, keys: Array, alive: Array) -> tuple[State, Losses]:
    nothing = (jnp.full((), jnp.nan, data.rows.X.dtype),) * 2

    def epoch(state: State, turn: tuple[Array, Array]) -> tuple[State, Losses]:
        key, alive = turn
        going = alive & (state.status == Status.MAX_STEPS)

        def go() -> tuple[State, Losses]:
            return select_lanes(going, _epoch(plan, data, state, key), (state, nothing))

        return jax.lax.cond(_any_lane(going), go, lambda: (state, nothing))

    return jax.lax.scan(epoch, state, (keys, alive))


@custom_vmap
def _any_lane(going: Array) -> Array:
    """Whether any training of a batch is going. The answer has no batch axis, so that cond stays a branch under vmap
    and does not spread what is shared over the lanes.
    """
    return going


@_any_lane.def_vmap
def _(axis_size: int, batched: list[bool], going: Array) -> tuple[Array, bool]:
    return _any_lane(jnp.any(going, axis=0) if batched[0] else going), False


def _epoch(plan: Plan, data: Data, state: State, key: Array) -> tuple[State, Losses]:
    """Once through all rows, in an order of its own."""
    n, size = len(data.rows.X), plan.batch_size
    steps = -(-n // size)
    order = random_order(key, n) if steps > 1 else jnp.arange(n)
    # The last batch is filled up with rows that do not count.
    batches = jnp.resize(order, (steps, size))
    counted = None if n % size == 0 else jnp.arange(steps * size).reshape(steps, size) < n

    # All at once: a gather of a few rows from many is one that XLA's CPU backend splits between threads, at each step.
    batches = jax.tree.map(lambda leaf: leaf[batches], data.rows)

    def step(carry: tuple[Any, Any], batch: tuple[Batch, Array | None]) -> tuple[tuple[Any, Any], Array]:
        (params, memory), (rows, counted) = carry, batch
        objective = _objective(plan, data.fixed, rows, counted)
        value, grad = jax.value_and_grad(objective)(params)
        # The method also evaluates the point it arrives at, which nothing reads and the compiler leaves out.
        at = plan.method.step(objective, Iterate(params, value, grad, memory, jnp.zeros((), bool)))
        return (at.x, at.memory), value * (size if counted is None else jnp.sum(counted))

    (params, memory), sums = jax.lax.scan(step, (state.params, state.memory), (batches, counted))
    value = jnp.sum(sums) / n
    held = jnp.full_like(value, jnp.nan)
    if data.validation is not None:
        held = plan.mean_loss(params, data.fixed, data.validation, None)
    after = state._replace(params=params, memory=memory, epochs=state.epochs + 1)
    if plan.patience is not None:
        after = _remember(plan.patience, after, held)
    lost = state._replace(status=jnp.asarray(Status.DIVERGED, jnp.int8))
    nothing = (jnp.full_like(value, jnp.nan),) * 2
    return select_lanes(jnp.isfinite(value) & trees.all_finite(params), (after, (value, held)), (lost, nothing))


def _remember(patience: int, state: State, held: Array) -> State:
    """Keep the parameters if their validation loss is the lowest so far; stop if that was too long ago."""
    lowest = held < state.best_loss
    best, best_loss, best_epoch = select_lanes(
        lowest, (state.params, held, state.epochs), (state.best, state.best_loss, state.best_epoch)
    )
    status = first_status((state.epochs - best_epoch >= patience, Status.CONVERGED), otherwise=state.status)
    return state._replace(best=best, best_loss=best_loss, best_epoch=best_epoch, status=status)


def _objective(plan: Plan, fixed: Any, rows: Batch, counted: Array | None) -> Callable[[Any], Array]:
    return lambda params: plan.mean_loss(params, fixed, rows, counted)
