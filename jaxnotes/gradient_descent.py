"""Chapter 1.2: gradient descent, what it promises, and how many steps it takes.

From x_0, step against the gradient,

    x_(k+1) = x_k - rate grad f(x_k).

The notes say that f falls fastest this way and that the minimum is found. Three corrections. It falls fastest only for
an infinitely short step: -grad f does not point at the minimum, and the angle between them grows with the condition
number. f falls only where rate < 2 / L, with L the largest curvature. And what is found is a point without slope: a
local minimum, or a saddle.

`minimize` runs any rule of `jaxnotes.methods`, or of optax, until the gradient is small; `minimize_path` keeps every
iterate, for pictures; `stochastic_path` takes the gradient from a few rows at a time. The functions below them say
before the first step what a rate or a condition number leads to. Sweep a rate, a start or a key with `jax.vmap`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.descent import curvature
from jaxnotes.core.descent.minimize import Path, minimize, minimize_path, stochastic_path
from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike

__all__ = [
    "Path",
    "Settings",
    "best_settings",
    "convergence_factor",
    "inverse_decay",
    "largest_curvature",
    "minimize",
    "minimize_path",
    "mode_factor",
    "steps_needed",
    "stochastic_path",
]

RULES = ("gradient_descent", "momentum", "nesterov")


class Settings(NamedTuple):
    """The rate and the decay of a rule of `jaxnotes.methods`.

    Attributes:
        rate: the length of a step in units of the gradient, ().
        decay: the share of the last move that goes on, (); 0 for plain gradient descent.
    """

    rate: Array
    decay: Array


def mode_factor(rate: ArrayLike, eigenvalue: ArrayLike) -> Array:
    """How much a step of gradient descent shrinks the error along an eigenvector of the Hessian.

        |1 - rate eigenvalue|

    Below 1 the error dies out, at 1 it stays, above 1 it grows: on a quadratic the eigen-directions
    do not mix, so rate < 2 / L is not only enough but needed.

    Args:
        rate: of gradient descent, ().
        eigenvalue: of the Hessian, (...).

    Returns:
        The factors, (...), >= 0.

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> mode_factor(2 / 11, jnp.array([1.0, 10.0])).round(4)
    Array([0.8182, 0.8182], dtype=float32)

    Source: Goh, Why Momentum Really Works, Distill (2017).
    """
    return jnp.abs(1 - arrays.scalar("rate", rate) * arrays.as_float("eigenvalue", eigenvalue))


def convergence_factor(kappa: float, *, rule: str = "gradient_descent") -> float:
    """By how much a step shrinks the error on a quadratic of condition number kappa = L / mu, with the best settings.

        gradient_descent  (kappa - 1) / (kappa + 1)
        momentum          (sqrt(kappa) - 1) / (sqrt(kappa) + 1)
        nesterov          1 - 1 / sqrt(kappa)

    In the long run, for the last two: they first swing up, by a factor that grows like the number of steps. The
    settings are those of `best_settings`.

    Args:
        kappa: the condition number, a Python number >= 1.
        rule: "gradient_descent" (default), "momentum" or "nesterov".

    Returns:
        The factor, a Python number in [0, 1).

    Raises:
        ValueError: kappa < 1 or an unknown rule.

    >>> round(convergence_factor(10.0), 4), round(convergence_factor(10.0, rule="momentum"), 4)
    (0.8182, 0.5195)

    Source: Nesterov, Introductory Lectures on Convex Optimization (2004), section 2.1.5; Polyak, Introduction to
    Optimization (1987), section 3.2.1; Lessard, Recht and Packard (2016), SIAM J. Optim. 26, 57-95, section 4.
    """
    _check_rule(rule)
    if not kappa >= 1:
        raise ValueError(f"kappa: expected a condition number >= 1, got {kappa}.")
    root = math.sqrt(kappa)
    factors = {
        "gradient_descent": (kappa - 1) / (kappa + 1),
        "momentum": (root - 1) / (root + 1),
        "nesterov": 1 - 1 / root,
    }
    return factors[rule]


def steps_needed(kappa: float, tol: float, *, rule: str = "gradient_descent") -> int:
    """Steps until the error on a quadratic of condition number kappa is tol times the first one, at best settings.

        log tol / log convergence_factor(kappa), rounded up

    Args:
        kappa: the condition number, a Python number >= 1.
        tol: the factor by which the error shall fall, a Python number in (0, 1).
        rule: "gradient_descent" (default), "momentum" or "nesterov".

    Returns:
        The number of steps, a Python int >= 1.

    Raises:
        ValueError: kappa or tol out of range, or an unknown rule.

    >>> steps_needed(10.0, 1e-6), steps_needed(1000.0, 1e-6), steps_needed(1000.0, 1e-6, rule="momentum")
    (69, 6908, 219)
    """
    if not 0 < tol < 1:
        raise ValueError(f"tol: expected a number between 0 and 1, got {tol}.")
    factor = convergence_factor(kappa, rule=rule)
    return 1 if factor == 0 else math.ceil(math.log(tol) / math.log(factor))


def best_settings(mu: ArrayLike, L: ArrayLike, *, rule: str = "gradient_descent") -> Settings:
    """The rate and decay with the smallest `convergence_factor` where all curvatures lie between mu and L.

        gradient_descent  rate 2 / (mu + L)
        momentum          rate 4 / (sqrt(L) + sqrt(mu))^2, decay ((sqrt(L) - sqrt(mu)) / (sqrt(L) + sqrt(mu)))^2
        nesterov          rate 1 / L, decay (sqrt(L) - sqrt(mu)) / (sqrt(L) + sqrt(mu))

    Args:
        mu: the smallest curvature, (), > 0.
        L: the largest curvature, (), >= mu.
        rule: "gradient_descent" (default), "momentum" or "nesterov".

    Returns:
        A `Settings`, each field ().

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or an unknown rule.

    >>> rate, decay = best_settings(1.0, 100.0, rule="momentum")
    >>> print(f"{rate:.4f} {decay:.4f}")
    0.0331 0.6694

    Source: as for `convergence_factor`.
    """
    _check_rule(rule)
    mu, L = arrays.scalar("mu", mu), arrays.scalar("L", L)
    slow, fast = jnp.sqrt(mu), jnp.sqrt(L)
    swing = (fast - slow) / (fast + slow)
    if rule == "gradient_descent":
        return Settings(2 / (mu + L), jnp.zeros_like(swing))
    if rule == "momentum":
        return Settings(4 / (fast + slow) ** 2, swing**2)
    return Settings(1 / L, swing)


def inverse_decay(rate: ArrayLike, decay: ArrayLike) -> Callable[[Array], Array]:
    """A schedule of rates that stochastic gradients need to settle down, to be the `rate` of a method.

        k  ->  rate / (1 + decay k)

    Its sum diverges and the sum of its squares does not.

    Args:
        rate: the first rate, (), > 0.
        decay: how fast it falls, (), > 0.

    Returns:
        A function of the number k of steps made.

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> schedule = inverse_decay(0.5, 1.0)
    >>> [float(schedule(k)) for k in (0, 1, 4)]
    [0.5, 0.25, 0.10000000149011612]

    Source: Robbins and Monro (1951), Ann. Math. Statist. 22, 400-407.
    """
    rate, decay = arrays.scalar("rate", rate), arrays.scalar("decay", decay)
    return lambda count: rate / (1 + decay * count)


def largest_curvature(fun: Callable[..., Array], x: Any, *args: Any, key: Array, products: int = 50) -> Array:
    """The largest |eigenvalue| of the Hessian of fun(x, *args) at x, by power iteration.

        L = max over ||v|| = 1 of |v'Hv|

    It needs products of the Hessian with a vector, each as cheap as a few gradients, and never the Hessian. The
    estimate is never above L, and close to it when the two largest eigenvalues are not; 1 / L is a safe rate.

    Args:
        fun: fun(x, *args) -> (), twice differentiable.
        x: where the Hessian is taken, any pytree of float arrays.
        args: what else fun takes.
        key: of the random first direction.
        products: how many products of the Hessian, a Python int >= 1, 50 by default.

    Returns:
        The estimate of L, ().

    Raises:
        TypeError, ValueError: x of a wrong dtype, or products < 1.

    >>> bowl = lambda x: (x[0] ** 2 + 10 * x[1] ** 2) / 2
    >>> print(f"{largest_curvature(bowl, jnp.zeros(2), key=jax.random.key(0)):.4f}")
    10.0000

    Source: Golub and Van Loan, Matrix Computations (2013), section 7.3.1.
    """
    if products < 1:
        raise ValueError(f"products: expected at least 1, got {products}.")
    x = jax.tree.map(lambda leaf: arrays.as_float("x", leaf), x)
    return curvature.largest(lambda x: fun(x, *args), x, key, products).value


def _check_rule(rule: str) -> None:
    if rule not in RULES:
        raise ValueError(f"rule: expected one of {', '.join(RULES)}, got {rule!r}.")
