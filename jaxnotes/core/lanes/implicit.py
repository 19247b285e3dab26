"""Derivatives of a solution with respect to its data, by the implicit function theorem.

Where F(theta, data) = 0 defines theta, d theta = - (dF/dtheta)^-1 (dF/ddata) d data. Nothing is differentiated through
the iterations, so forward, reverse and second derivatives cost one linear solve each.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from jaxnotes.core.matrix import factors
from jaxnotes.core.values import programs
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.status import Solution


def tangent(objective: Callable[[Array, Any], Array], theta: Array, data: Any, data_dot: Any) -> tuple[Array, Array]:
    """Tangents of the minimizer theta (q,) of objective(theta, data) and of the minimum, along data_dot.

    The objective's Hessian at theta must be positive definite; a direction without curvature gets tangent 0. A theta
    that is NaN has tangent NaN, and adds nothing to the derivatives of what its lane shares with others.
    """
    found = jnp.all(jnp.isfinite(theta))
    data_dot = jax.tree.map(lambda dot: jnp.where(found, dot, 0) if _is_inexact(dot) else dot, data_dot)
    gradient = jax.grad(objective)
    hessian = jax.hessian(objective)(theta, data)
    _, change = jax.jvp(lambda data: gradient(theta, data), (data,), (data_dot,))
    _, value_dot = jax.jvp(lambda data: objective(theta, data), (data,), (data_dot,))
    return jnp.where(found, -_solve(hessian, change), jnp.nan), jnp.where(found, value_dot, jnp.nan)


def _solve(hessian: Array, b: Array) -> Array:
    """x with hessian x = b, both (q,); 0 in a direction without curvature."""
    return factors.solve(factors.factor_spd(hessian[None], jnp.zeros_like(b[None])), b[None])[0]


def differentiable(
    solve: Callable[[Any], Solution], objective: Callable[[Array, Any], Array]
) -> Callable[[Any], Solution]:
    """solve(data), with the derivatives that the minimum of objective(params, data) has; params is one array."""
    solver = jax.custom_jvp(solve)

    @solver.defjvp
    def _(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Solution, Solution]:
        solution = solver(*primals)
        shape = solution.params.shape

        def at(theta: Array, data: Any) -> Array:
            return objective(theta.reshape(shape), data)

        theta_dot, value_dot = tangent(at, solution.params.reshape(-1), *primals, *tangents)
        zero = jax.tree.map(zero_tangent, solution)
        return solution, dataclasses.replace(zero, params=theta_dot.reshape(shape), value=value_dot)

    return solver


def solve_differentiably(
    objective: Callable[[Any], Array], start: Any, solve: Callable[[Any], tuple[Any, list[Array]]]
) -> tuple[Any, list[Array]]:
    """solve(start) -> (x, report), with the derivative of x that the optimality condition gives.

    What `objective` closes over may be traced, batched or differentiated. The report, scalars, has no derivative.
    """
    dtype = ravel_pytree(start)[0].dtype
    kinds: list[Any] = []

    def solve_condition(_: Any, start: Any) -> tuple[Any, list[Array]]:
        x, report = solve(start)
        kinds[:] = [entry.dtype for entry in report]
        # custom_root knows no tangent of an integer, so the report travels as floats.
        return x, [entry.astype(dtype) for entry in report]

    def solve_linear(hessian_product: Callable[[Any], Any], b: Any) -> Any:
        flat, unravel = ravel_pytree(b)
        hessian = jax.jacobian(lambda v: ravel_pytree(hessian_product(unravel(v)))[0])(flat)
        return unravel(_solve(hessian, flat))

    def solved(start: Any, _: Any) -> tuple[Any, list[Array]]:
        return jax.lax.custom_root(jax.grad(objective), start, solve_condition, solve_linear, has_aux=True)

    # Compiled as a whole, for outside jit custom_root of jax 0.7.2 fails on the constants of some derivatives.
    # What the objective captures tells whether it is part of a larger program.
    captured = jax.make_jaxpr(objective)(start).consts
    x, report = programs.soon()(solved)(start, captured)
    return x, [jax.lax.stop_gradient(entry).astype(kind) for entry, kind in zip(report, kinds, strict=True)]


def zero_tangent(value: Array) -> Any:
    """The tangent of an output that does not depend smoothly on the data: zeros, of type float0 for an integer."""
    if _is_inexact(value):
        return jnp.zeros_like(value)
    return np.zeros(value.shape, jax.dtypes.float0)


def _is_inexact(value: Array) -> bool:
    return jnp.issubdtype(value.dtype, jnp.inexact)
