"""Ways to take one step downhill: pairs (init, step) that `solve.minimize` and `solve.minimize_path` run.

`init(fun, x)` gives the first `Iterate`, `step(fun, iterate)` the next one; x is any pytree and fun(x) a scalar.
Settings such as the rate may be traced, so a new value does not recompile and a sweep is a vmap.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike

from jaxnotes.core import trees
from jaxnotes.core.arrays import Array

Objective = Callable[[Any], Array]


class Iterate(NamedTuple):
    """Where a method stands: x, the value and gradient there, its own memory, and whether no step helps any more."""

    x: Any
    value: Array
    grad: Any
    memory: Any
    stuck: Array


class Method(NamedTuple):
    """A rule for steps: init(fun, x) -> Iterate and step(fun, Iterate) -> Iterate."""

    init: Callable[[Objective, Any], Iterate]
    step: Callable[[Objective, Iterate], Iterate]


def gradient_descent(rate: ArrayLike) -> Method:
    """x_(k+1) = x_k - rate grad f(x_k), with a fixed rate > 0; descends for rate < 2 / L, L the largest curvature."""
    return momentum(rate, 0.0)


def momentum(rate: ArrayLike, decay: ArrayLike) -> Method:
    """Heavy ball: v_(k+1) = decay v_k - rate grad f(x_k), x_(k+1) = x_k + v_(k+1), from v_0 = 0, with 0 <= decay < 1.

    Source: Polyak (1964), USSR Comp. Math. 4(5), 1-17.

    """

    def init(fun: Objective, x: Any) -> Iterate:
        return _first(fun, x, jax.tree.map(jnp.zeros_like, x))

    def step(fun: Objective, at: Iterate) -> Iterate:
        velocity = jax.tree.map(lambda v, g: (decay * v - rate * g).astype(v.dtype), at.memory, at.grad)
        x = jax.tree.map(jnp.add, at.x, velocity)
        value, grad = jax.value_and_grad(fun)(x)
        return Iterate(x, value, grad, velocity, at.stuck)

    return Method(init, step)


class _Trial(NamedTuple):
    """Newton's memory: the direction from the iterate, as a vector, how far along it to try, and what that promises."""

    direction: Array
    length: Array
    gain: Array


def newton() -> Method:
    """Newton's method with step control: d = -|H|^-1 grad f(x), x + t d with t = 1, 1/2, 1/4, ... until f does not
    rise.

    |H| is the Hessian with its eigenvalues made positive, so that d descends where H is indefinite too; one trial a
    step. Where the promised gain drowns in the rounding of f, the gradient decides. Cost: n^3 for n parameters.

    Source: Nocedal and Wright, Numerical Optimization (2006), section 3.4.

    """

    def aim(fun: Objective, x: Any, grad: Any) -> _Trial:
        flat, unravel = ravel_pytree(x)
        gradient = ravel_pytree(grad)[0]
        hessian = jax.hessian(lambda v: fun(unravel(v)))(flat)
        usable = jnp.all(jnp.isfinite(hessian))
        eigenvalues, V = jnp.linalg.eigh(jnp.where(usable, hessian, jnp.eye(len(flat), dtype=flat.dtype)))
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
        x = unravel(flat + trial.length * trial.direction)
        value, grad = jax.value_and_grad(fun)(x)
        drowned = trial.gain <= 4 * jnp.finfo(flat.dtype).eps * jnp.abs(at.value)
        smaller = trees.dot(grad, grad) < trees.dot(at.grad, at.grad)
        accept = trees.all_finite((value, grad)) & ((value < at.value) | (drowned & smaller))
        held = at._replace(
            memory=trial._replace(length=trial.length / 2), stuck=~accept & (drowned | (trial.length < 1e-9))
        )
        return jax.lax.cond(accept, lambda: Iterate(x, value, grad, aim(fun, x, grad), at.stuck), lambda: held)

    return Method(init, step)


def from_optax(rule: Any) -> Method:
    """Any optax GradientTransformation, line searches included: x_(k+1) = x_k + update(grad f(x_k))."""
    import optax

    rule = optax.with_extra_args_support(rule)

    def init(fun: Objective, x: Any) -> Iterate:
        return _first(fun, x, rule.init(x))

    def step(fun: Objective, at: Iterate) -> Iterate:
        update, memory = rule.update(at.grad, at.memory, at.x, value=at.value, grad=at.grad, value_fn=fun)
        x = optax.apply_updates(at.x, update)
        value, grad = jax.value_and_grad(fun)(x)
        unmoved = trees.all_equal(x, at.x)
        return Iterate(x, value, grad, memory, unmoved)

    return Method(init, step)


def lbfgs(memory_size: int = 10) -> Method:
    """Limited-memory BFGS with a zoom line search, from optax: for many parameters.

    Source: Liu and Nocedal (1989), Math. Programming 45, 503-528.

    """
    import optax

    return from_optax(optax.lbfgs(memory_size=memory_size))


def _first(fun: Objective, x: Any, memory: Any) -> Iterate:
    value, grad = jax.value_and_grad(fun)(x)
    return Iterate(x, value, grad, memory, jnp.zeros((), bool))


def _matvec(A: Array, v: Array) -> Array:
    return jnp.matmul(A, v, precision=jax.lax.Precision.HIGHEST)
