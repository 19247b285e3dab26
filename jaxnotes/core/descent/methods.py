"""Ways to take one step downhill: pairs (init, step) that `minimize` and `minimize_path` run.

`init(fun, x)` gives the first `Iterate`, `step(fun, iterate)` the next one; x is any pytree and fun(x) a scalar.
Settings such as the rate may be traced, so a new value does not recompile and a sweep is a vmap.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxnotes.core.descent import curvature
from jaxnotes.core.matrix import lapack
from jaxnotes.core.values import trees
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.loop import select_lanes
from jaxnotes.core.values.public import public

Objective = Callable[[Any], Array]


@public("jaxnotes.methods")
class Iterate(NamedTuple):
    """Where a method stands.

    Attributes:
        x: the point, a pytree.
        value: of the function there, ().
        grad: the gradient there, like x.
        memory: whatever the method itself keeps.
        stuck: whether no step helps any more, ().
    """

    x: Any
    value: Array
    grad: Any
    memory: Any
    stuck: Array


@public("jaxnotes.methods")
class Method(NamedTuple):
    """A rule for steps.

    Attributes:
        init: init(fun, x) -> the first `Iterate`.
        step: step(fun, iterate) -> the next `Iterate`.
        compares: whether it compares values of fun between steps, so that fun must stay the same; False by default.
    """

    init: Callable[[Objective, Any], Iterate]
    step: Callable[[Objective, Iterate], Iterate]
    compares: bool = False


Rate = ArrayLike | Callable[[Array], ArrayLike]


class _Moving(NamedTuple):
    """The memory of the rules with a rate: the last move, and how many have been made."""

    velocity: Any
    count: Array


def gradient_descent(rate: Rate) -> Method:
    """Steps against the gradient.

        x_(k+1) = x_k - rate grad f(x_k)

    With a fixed rate it descends for rate < 2 / L, L the largest curvature.

    Args:
        rate: (), > 0, or a schedule k -> rate, k = 0, 1, ...: a function of yours or any of optax.

    Returns:
        A `Method`.

    Raises:
        ValueError: rate is a number out of range.

    >>> from jaxnotes import minimize
    >>> print(f"{minimize(lambda x: (x - 3) ** 2, 0.0, method=gradient_descent(0.25)).params:.3f}")
    3.000
    """
    return momentum(rate, 0.0)


def momentum(rate: Rate, decay: ArrayLike) -> Method:
    """Heavy ball: a step against the gradient, and a share of the last move.

        v_(k+1) = decay v_k - rate grad f(x_k),   x_(k+1) = x_k + v_(k+1),   v_0 = 0

    Args:
        rate: (), > 0, or a schedule k -> rate, as in `gradient_descent`.
        decay: the share of the last move that goes on, (), in (-1, 1).

    Returns:
        A `Method`.

    Raises:
        ValueError: rate or decay is a number out of range.

    >>> from jaxnotes import minimize
    >>> print(f"{minimize(lambda x: (x - 3) ** 2, 0.0, method=momentum(0.25, 0.5)).params:.3f}")
    3.000

    Source: Polyak (1964), USSR Comp. Math. 4(5), 1-17.
    """
    return _rolling(rate, decay, lambda velocity, push: velocity)


def nesterov(rate: Rate, decay: ArrayLike) -> Method:
    """Nesterov's momentum: the gradient is taken at the point ahead.

        v_(k+1) = decay v_k - rate grad f(x_k),   x_(k+1) = x_k + decay v_(k+1) - rate grad f(x_k),   v_0 = 0

    x_k is the point ahead, as in optax and PyTorch; it has the limit of the sequence that it looks ahead of.

    Args:
        rate: (), > 0, or a schedule k -> rate, as in `gradient_descent`.
        decay: the share of the last move that goes on, (), in (-1, 1).

    Returns:
        A `Method`.

    Raises:
        ValueError: rate or decay is a number out of range.

    >>> from jaxnotes import minimize
    >>> print(f"{minimize(lambda x: (x - 3) ** 2, 0.0, method=nesterov(0.25, 0.5)).params:.3f}")
    3.000

    Source: Nesterov, Introductory Lectures on Convex Optimization (2004), section 2.2.1.
    """
    return _rolling(rate, decay, lambda velocity, push: jnp.add(decay * velocity, push))


def _rolling(rate: Rate, decay: ArrayLike, move: Callable[[Array, Array], Array]) -> Method:
    """x += move(v, push) with push = - rate grad f(x) and v = decay v + push, leaf by leaf."""
    _check_range("rate", rate, 0, math.inf)
    _check_range("decay", decay, -1, 1)

    def init(fun: Objective, x: Any) -> Iterate:
        return _first(fun, x, _Moving(jax.tree.map(jnp.zeros_like, x), jnp.zeros((), jnp.int32)))

    def step(fun: Objective, at: Iterate) -> Iterate:
        velocity, count = at.memory
        now = jnp.asarray(rate(count) if callable(rate) else rate)
        push = jax.tree.map(lambda g: (-now * g).astype(g.dtype), at.grad)
        velocity = jax.tree.map(lambda v, p: (decay * v + p).astype(v.dtype), velocity, push)
        x = jax.tree.map(lambda x, v, p: x + move(v, p).astype(x.dtype), at.x, velocity, push)
        # At a turning point momentum stands still for a moment, so the push alone must be lost to rounding too.
        pushed = jax.tree.map(jnp.add, at.x, push)
        stuck = trees.all_equal(x, at.x) & trees.all_equal(pushed, at.x)
        return _arrive(fun, x, _Moving(velocity, count + 1), stuck)

    return Method(init, step)


def backtracking(rate: ArrayLike = 1.0, shrink: float = 0.5, slope: float = 1e-4) -> Method:
    """Gradient descent that finds its own rate: it is shrunk until f falls by enough, then doubled.

        accept where  f(x - rate g) < f(x) - slope rate ||g||^2,  g the gradient     (Armijo)

    One trial per step: where the trial fails x stays, and the next step tries shrink times the rate.

    Args:
        rate: the first to try, (), > 0, 1 by default.
        shrink: what a failure multiplies the rate by, (), in (0, 1), 0.5 by default.
        slope: the share of the fall that the gradient promises, (), in (0, 1), 1e-4 by default.

    Returns:
        A `Method`.

    Raises:
        ValueError: a number out of range.

    >>> from jaxnotes import minimize
    >>> print(f"{minimize(lambda x: (x - 3) ** 2, 0.0, method=backtracking()).params:.3f}")
    3.000

    Source: Armijo (1966), Pacific J. Math. 16, 1-3; Nocedal and Wright, Numerical Optimization (2006), algorithm 3.1.
    """
    _check_range("rate", rate, 0, math.inf)
    _check_range("shrink", shrink, 0, 1)
    _check_range("slope", slope, 0, 1)

    def init(fun: Objective, x: Any) -> Iterate:
        at = _first(fun, x, None)
        return at._replace(memory=jnp.asarray(rate, at.value.dtype))

    def step(fun: Objective, at: Iterate) -> Iterate:
        x = jax.tree.map(lambda x, g: x - at.memory.astype(x.dtype) * g, at.x, at.grad)
        tried = _arrive(fun, x, 2 * at.memory, at.stuck)
        gain = at.memory * trees.dot(at.grad, at.grad)
        accept, drowned = _judge(at, tried, gain, slope * gain)
        held = at._replace(memory=shrink * at.memory, stuck=trees.all_equal(x, at.x) | (drowned & ~accept))
        return select_lanes(accept, tried, held)

    return Method(init, step, compares=True)


def inverse_curvature(key: Array, products: int = 20) -> Method:
    """Gradient descent whose rate is 1 / L, L the largest |curvature| at x, by power iteration.

        x_(k+1) = x_k - grad f(x_k) / L(x_k)

    No Hessian is formed.

    Args:
        key: of the random direction that the iteration starts from.
        products: Hessian products before the first step, a Python int >= 1, 20 by default; each later step adds one,
            which follows L as it changes.

    Returns:
        A `Method`.

    >>> from jaxnotes import minimize
    >>> print(f"{minimize(lambda x: (x - 3) ** 2, 0.0, method=inverse_curvature(jax.random.key(0))).params:.3f}")
    3.000
    """

    def init(fun: Objective, x: Any) -> Iterate:
        return _first(fun, x, curvature.largest(fun, x, key, products))

    def step(fun: Objective, at: Iterate) -> Iterate:
        L = jnp.maximum(at.memory.value, jnp.finfo(at.memory.value.dtype).tiny)
        x = jax.tree.map(lambda x, g: x - (g / L).astype(x.dtype), at.x, at.grad)
        return _arrive(fun, x, curvature.sharpen(fun, x, at.memory), trees.all_equal(x, at.x))

    return Method(init, step)


class _Trial(NamedTuple):
    """Newton's memory: the direction from the iterate, as a vector, how far along it to try, and what that promises."""

    direction: Array
    length: Array
    gain: Array


def newton() -> Method:
    """Newton's method with step control.

        d = -|H|^-1 grad f(x),   x + t d with t = 1, 1/2, 1/4, ... until f does not rise

    |H| is the Hessian with its eigenvalues made positive, so that d descends where H is indefinite too; one trial per
    step. Where the promised gain drowns in the rounding of f, the gradient decides. Cost: n^3 for n parameters.

    Returns:
        A `Method`.

    >>> from jaxnotes import minimize
    >>> solution = minimize(lambda x: (x - 3) ** 2, 0.0, method=newton())
    >>> print(solution.params, solution.steps)
    3.0 1

    Source: Nocedal and Wright, Numerical Optimization (2006), section 3.4.
    """

    def aim(fun: Objective, x: Any, grad: Any) -> _Trial:
        flat, unravel = ravel_pytree(x)
        gradient = ravel_pytree(grad)[0]
        hessian = jax.hessian(lambda v: fun(unravel(v)))(flat)
        usable = jnp.all(jnp.isfinite(hessian))
        eigenvalues, V = lapack.eigh(jnp.where(usable, hessian, jnp.eye(len(flat), dtype=flat.dtype)))
        size = jnp.abs(eigenvalues)
        floor = jnp.maximum(jnp.finfo(flat.dtype).eps * jnp.max(size), jnp.finfo(flat.dtype).tiny)
        direction = -_matvec(V, _matvec(V.T, gradient) / jnp.maximum(size, floor))
        return _Trial(direction, jnp.ones((), flat.dtype), -trees.dot(gradient, direction) / 2)

    def init(fun: Objective, x: Any) -> Iterate:
        at = _first(fun, x, None)
        return at._replace(memory=aim(fun, x, at.grad))

    def step(fun: Objective, at: Iterate) -> Iterate:
        flat, unravel = ravel_pytree(at.x)
        trial = at.memory
        tried = _arrive(fun, unravel(flat + trial.length * trial.direction), trial, at.stuck)
        accept, drowned = _judge(at, tried, trial.gain, jnp.zeros_like(trial.gain))
        held = at._replace(
            memory=trial._replace(length=trial.length / 2), stuck=~accept & (drowned | (trial.length < 1e-9))
        )
        return jax.lax.cond(accept, lambda: tried._replace(memory=aim(fun, tried.x, tried.grad)), lambda: held)

    return Method(init, step, compares=True)


def from_optax(rule: Any) -> Method:
    """Any rule of optax, line searches included.

        x_(k+1) = x_k + update(grad f(x_k))

    Args:
        rule: an optax GradientTransformation.

    Returns:
        A `Method`.

    >>> import optax
    >>> from jaxnotes import minimize
    >>> print(f"{minimize(lambda x: (x - 3) ** 2, 0.0, method=from_optax(optax.sgd(0.25))).params:.3f}")
    3.000
    """
    import optax

    rule = optax.with_extra_args_support(rule)

    def init(fun: Objective, x: Any) -> Iterate:
        return _first(fun, x, rule.init(x))

    def step(fun: Objective, at: Iterate) -> Iterate:
        update, memory = rule.update(at.grad, at.memory, at.x, value=at.value, grad=at.grad, value_fn=fun)
        x = optax.apply_updates(at.x, update)
        return _arrive(fun, x, memory, trees.all_equal(x, at.x))

    return Method(init, step)


def lbfgs(memory_size: int = 10) -> Method:
    """Limited-memory BFGS with a zoom line search, from optax: for many parameters.

        x_(k+1) = x_k - rate B_k grad f(x_k),   B_k the inverse Hessian as the last moves show it

    Args:
        memory_size: how many moves it remembers, a Python int >= 1, 10 by default.

    Returns:
        A `Method`.

    >>> from jaxnotes import minimize
    >>> print(f"{minimize(lambda x: (x - 3) ** 2, 0.0, method=lbfgs()).params:.3f}")
    3.000

    Source: Liu and Nocedal (1989), Math. Programming 45, 503-528.
    """
    import optax

    return from_optax(optax.lbfgs(memory_size=memory_size))._replace(compares=True)


def _first(fun: Objective, x: Any, memory: Any) -> Iterate:
    return _arrive(fun, x, memory, jnp.zeros((), bool))


def _arrive(fun: Objective, x: Any, memory: Any, stuck: Array) -> Iterate:
    value, grad = jax.value_and_grad(fun)(x)
    return Iterate(x, value, grad, memory, stuck)


def _judge(at: Iterate, tried: Iterate, gain: Array, least: Array) -> tuple[Array, Array]:
    """Whether to accept a trial that promised a fall of `gain` and must fall by more than `least`, and whether the
    promise drowns in the rounding of f, so that the gradient has to decide instead.
    """
    drowned = gain <= 4 * jnp.finfo(at.value.dtype).eps * jnp.abs(at.value)
    smaller = trees.dot(tried.grad, tried.grad) < trees.dot(at.grad, at.grad)
    fell = tried.value < at.value - least
    return trees.all_finite((tried.value, tried.grad)) & (fell | (drowned & smaller)), drowned


def _check_range(name: str, value: Any, low: float, high: float) -> None:
    """A Python number must lie strictly between; a traced one may be anything, and its status tells."""
    if isinstance(value, (int, float)) and not low < value < high:
        raise ValueError(f"{name}: expected a number > {low} and < {high}, got {value}.")


def _matvec(A: Array, v: Array) -> Array:
    return jnp.matmul(A, v, precision=jax.lax.Precision.HIGHEST)
