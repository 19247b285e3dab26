"""Every model whose rows enter through a linear predictor eta = X coef + intercept + offset: the fit and its inference.

A family is its log-likelihood by rows. The objective is

    - sum_i w_i loglik(eta_i, y_i) / sum_i w_i  +  l2 / 2 ||coef||^2 ,

the intercept unpenalized. Models with several predictors (one per class) have coef (m, p) and intercept (m,).
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.inference.covariance import Estimate, Terms, spread
from jaxnotes.core.lanes import batching, implicit, passes
from jaxnotes.core.linear import newton, newton_by_passes, two_words
from jaxnotes.core.linear.family import OPEN, Family, LinearModel, Parts, parts_of
from jaxnotes.core.linear.intake import Design, Equations
from jaxnotes.core.matrix import products, roots, scaling
from jaxnotes.core.special import double_word
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values import programs, tiles
from jaxnotes.core.values.arrays import Array
from jaxnotes.core.values.params import LinearParams, as_theta
from jaxnotes.core.values.status import Solution


@functools.cache
def solver(model: LinearModel) -> Callable[[Design], Solution]:
    """The fit of one problem: batched by jax.vmap through `batching`, differentiated through `implicit`."""
    engine = batching.vectorize(
        functools.partial(newton.solve_block, model),
        functools.partial(newton_by_passes.solve, model),
        lambda rows: rows.X.shape[0] >= passes.FROM_ROWS,
    )

    return implicit.differentiable(engine, functools.partial(objective, model))


def settled(fit: Callable[[bool], Solution], data: Design | Equations) -> Solution:
    """fit(thorough) of one problem: where a person waits for it, thorough only where that is needed.

    The program without the rare endings is compiled in half the time.
    """
    if not programs.is_small_and_alone(tuple(jax.tree.leaves(data))):
        return fit(True)
    solution = fit(False)
    return fit(True) if int(solution.status) == OPEN else solution


def objective(model: LinearModel, theta: Array, rows: Design) -> Array:
    """The objective of the module's equation for one problem at theta (m, q), shape ()."""
    rows = _absent_made_finite(rows)
    coef = theta[:, 1:] if model.intercept else theta
    eta = products.contract("mj,nj->mn", coef, rows.X) + rows.offset[None]
    loglik = model.family.loglik(eta + theta[:, :1] if model.intercept else eta, rows.y)
    weights = jnp.broadcast_to(rows.weights, loglik.shape)
    total = jnp.sum(weights)
    # A lane without rows has no derivative to spoil those of what it shares with the others.
    return -jnp.sum(weights * loglik) / jnp.where(total > 0, total, 1) + rows.l2 / 2 * jnp.sum(coef**2)


def _absent_made_finite(rows: Design) -> Design:
    """The same rows with 0 for what is not finite in rows of weight 0: 0 times NaN is no derivative."""
    n = rows.X.shape[0]
    absent = jnp.broadcast_to(rows.weights == 0, (n,))

    def clean(leaf: Array) -> Array:
        if leaf.ndim == 0 or leaf.shape[0] != n:
            return leaf
        return jnp.where(absent.reshape(n, *(1,) * (leaf.ndim - 1)) & ~jnp.isfinite(leaf), 0, leaf)

    return rows._replace(X=clean(rows.X), y=jax.tree.map(clean, rows.y), offset=clean(rows.offset))


def linear_predictor(params: LinearParams, X: Array) -> Array:
    """X coef + intercept at highest precision on every device, shape (n,), or (n, m) for m predictors."""
    eta = products.contract("nj,...j->n...", X, params.coef)
    if params.intercept is None:
        return eta
    return eta + (params.intercept if eta.ndim == 1 else params.intercept[None])


class Question(NamedTuple):
    """What inference is about: the estimate (m, q) and whether it is one, the data, the groups of the rows."""

    theta: Array
    converged: Array
    rows: Design
    groups: Array


def with_covariance(family: Family, solution: Solution, rows: Design, cov: str, groups: Array) -> Estimate:
    """The estimate and its covariance for a fit of one problem, vectors (m q,); see `inference` for the covariances."""
    question = Question(jnp.atleast_2d(as_theta(solution.params)), solution.converged, rows, groups)
    return _inference(family, solution.params.intercept is not None, cov)(question)


@functools.cache
def _inference(family: Family, intercept: bool, cov: str) -> Callable[[Question], Estimate]:
    return batching.blocked(
        functools.partial(_estimate, family, intercept, cov),
        lambda question: question.rows.X.shape[0] >= passes.FROM_ROWS,
    )


def _estimate(family: Family, intercept: bool, cov: str, question: Question) -> Estimate:
    estimate, converged, rows, groups = question
    n = rows.X.shape[0]
    weights = jnp.broadcast_to(rows.weights, (n,))
    kept = weights > 0
    total = tiles.whole(jnp.sum(weights), rows.tile)
    share = weights / total
    scaled = scaling.scale_columns(rows.X, share, kept, intercept=intercept, tile=rows.tile)
    theta = scaling.to_scaled(estimate, scaled, intercept=intercept)
    eta = products.contract("mj,jn->mn", theta, scaled.Z) + jnp.where(kept, rows.offset, 0)[None]
    parts = parts_of(family, eta, rows.y)
    scaled = _scaled_by_information(rows, share, kept, parts, intercept)
    penalty = total * two_words.penalty_of(rows.l2, scaled)
    Z = two_words.exact_columns(rows.X, kept, scaled, intercept)
    design = double_word.scaled(Double(*(word.T[:, None, None] for word in Z)), parts.direction.T[..., None])
    terms = Terms(
        design=design.high.reshape(n, -1, theta.size),
        weights=weights,
        score=jnp.where(kept[None], parts.score, 0).T,
        information=jnp.where(kept[None], parts.information, 0).T,
        penalty=jnp.tile(penalty.at[0].set(0) if intercept else penalty, len(theta)),
        low=design.low.reshape(n, -1, theta.size),
        tile=rows.tile,
    )

    def in_user_units(inverse: roots.Root) -> Array:
        columns = inverse.root.T.reshape(-1, *theta.shape)
        return scaling.from_scaled(columns, scaled, intercept=intercept).reshape(-1, theta.size).T

    found = spread(terms, cov, groups, in_user_units)
    df = jnp.asarray(jnp.inf, estimate.dtype)
    return Estimate(estimate.reshape(-1), found.scaled, df, converged, found.unit)


def _scaled_by_information(rows: Design, share: Array, kept: Array, parts: Parts, intercept: bool) -> scaling.Scaled:
    """Columns in units of the rows that say something: one far out, where the outcome is sure, would drown the others.

    No standard error depends on the units, so they have no derivative.
    """
    own = jnp.sum(parts.information * jnp.sum(parts.direction**2, axis=0), axis=0)
    information = share * jnp.where(kept, own, 0)
    total = tiles.whole(jnp.sum(information), rows.tile)
    by = jnp.where(total > 0, information / jnp.where(total > 0, total, 1), share)
    return scaling.scale_columns(rows.X, jax.lax.stop_gradient(by), kept, intercept=intercept, tile=rows.tile)
