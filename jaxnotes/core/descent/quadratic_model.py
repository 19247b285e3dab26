"""The step that a quadratic model of the objective asks for within a trust region, lane axis first.

Scaled coordinates z_j = move_j / scale_j give the Hessian a diagonal of about 1. The scale is no longer than the
gradient and the parameter's size allow: a move by it changes the objective by no more than about its own level.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix import lapack
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array

# Steps to find the multiplier of the trust region; the step is cut to length after the last.
MULTIPLIER_STEPS = 8
# Below this part of the trust region a step from an indefinite model is too short to leave a saddle.
FADED = 1e-2


class Step(NamedTuple):
    """Where to go from a point: move (L, q), its length in scaled coordinates and the fall it promises, gain, (L,).

    newton: the whole Newton step, scale: of the scaled coordinates, deviation: the roots of the diagonal of the
    Hessian's inverse, each (L, q). promise: of the Newton step, infinite where the model is not convex. reach, way and
    fineness: the largest part that the Newton step and the move are of the parameters' extents, and the move of the
    parameters themselves, all at least as large as a move that the value cannot show. slope: the largest entry of the
    scaled gradient. cut: whether the trust region limits the move. lowest: the smallest eigenvalue of the scaled
    Hessian; one of at most `flat_below` in size counts as 0. Each (L,).
    """

    move: Array
    newton: Array
    scale: Array
    deviation: Array
    length: Array
    gain: Array
    promise: Array
    reach: Array
    way: Array
    fineness: Array
    slope: Array
    cut: Array
    lowest: Array

    def times(self, factor: Array) -> "Step":
        """A move longer by a factor (L,), of which no more is asked."""
        lengths = {name: getattr(self, name) * factor for name in ("length", "way", "fineness")}
        return self._replace(move=self.move * factor[:, None], **lengths)

    @staticmethod
    def none(scale: Array) -> "Step":
        """No move, before anything is known but a scale (L, q)."""
        nowhere, unlimited = jnp.zeros_like(scale), jnp.full_like(scale[:, 0], jnp.inf)
        never = jnp.zeros_like(unlimited, bool)
        unknown = dict.fromkeys(("length", "gain", "promise", "reach", "way", "fineness", "slope"), unlimited)
        return Step(nowhere, nowhere, scale, scale, cut=never, lowest=nowhere[:, 0], **unknown)


def largest(*vectors: Array) -> Array:
    """The largest size of an entry of each vector (L, q), (number, L): in one sweep, which is compiled once."""
    return jnp.max(jnp.abs(jnp.stack(vectors)), axis=2)


def flat_below(theta: Array) -> float:
    """The eigenvalue of a Hessian with unit diagonal that counts as 0: what rounding makes of it."""
    return 10 * theta.shape[1] * float(jnp.finfo(theta.dtype).eps)


def propose(at: Any, usable: Array, radius: Array, extent: Array, bent: Array) -> Step:
    """The step from each `trust_region.Point` that the quadratic model finds best within the radius (L,).

    usable: whether the point is finite, (L,). extent: how far the parameters have been, (L, q). bent: whether the last
    model had negative curvature, (L,). There the diagonal says little, and the extents are the scale: then lowest
    proves nothing, and nothing is promised.
    """
    q = at.theta.shape[1]
    eps = float(jnp.finfo(at.theta.dtype).eps)
    tiny = flat_below(at.theta)
    level = jnp.where(usable & (at.value != 0), jnp.abs(at.value), 1)
    grad = jnp.where(usable[:, None], at.grad, 0)
    scale = _scale(grad, at.hessian, at.unit, extent, level, usable)
    scale = jnp.where(bent[:, None] & (extent > 0) & usable[:, None], extent / at.unit, scale)
    B = jnp.where(
        usable[:, None, None], scale[:, :, None] * at.hessian * scale[:, None], jnp.eye(q, dtype=grad.dtype)[None]
    )
    eigenvalues, V = jax.vmap(lapack.eigh)(B)
    size = jnp.where(bent, jnp.max(jnp.abs(eigenvalues), axis=1), 1)
    lowest = eigenvalues[:, 0] / jnp.where(size > 0, size, 1)
    slopes = contract("lij,li->lj", V, scale * grad)
    convex = lowest >= -tiny
    least = jnp.where(size > 0, tiny * size, tiny)[:, None]
    curved = jnp.where(convex[:, None], jnp.maximum(eigenvalues, least), eigenvalues)
    steep = jnp.where(curved == 0, least, jnp.abs(curved))
    newton = -slopes / steep
    finite_radius = jnp.where(jnp.isfinite(radius), radius, jnp.sqrt(level))
    reaching = _length(newton)
    # Where the model is not convex, |B|^-1 in place of B^-1 descends as well, unless the slope along it has faded.
    leads = convex | (reaching > FADED * finite_radius)
    inside = leads & (reaching <= jnp.where(lowest > tiny, radius, finite_radius))
    limited = _on_the_sphere(curved, slopes, finite_radius)
    length = at.unit * scale
    unseen = length * jnp.sqrt(eps * level)[:, None]

    def back(z: Array) -> Array:
        return length * contract("lij,lj->li", V, z)

    # Before any step has failed the parameters' own extent limits one that no curvature limits.
    far = jnp.max(jnp.abs(back(limited)) / jnp.where(extent > 0, extent, jnp.inf), axis=1)
    shrink = jnp.where(jnp.isfinite(radius), 1, 1 / jnp.maximum(far, 1))
    p = jnp.where(inside[:, None], newton, limited * shrink[:, None])
    move, whole = back(p), back(newton)
    visible = jnp.maximum(extent, unseen)
    reach, way, fineness, slope = largest(
        whole / visible, move / visible, move / jnp.maximum(jnp.abs(at.theta), unseen), scale * grad
    )
    return Step(
        move=move,
        newton=whole,
        scale=length,
        deviation=length * jnp.sqrt(contract("lij,lj->li", V * V, 1 / steep)),
        length=_length(p),
        gain=-jnp.sum(p * (slopes + eigenvalues * p / 2), axis=1),
        promise=jnp.where(convex & ~bent, -jnp.sum(newton * slopes, axis=1) / 2, jnp.inf),
        reach=reach,
        way=way,
        fineness=fineness,
        slope=slope,
        cut=~inside,
        lowest=lowest,
    )


def _scale(grad: Array, hessian: Array, unit: Array, extent: Array, level: Array, usable: Array) -> Array:
    """The scale of each coordinate in its unit, (L, q). Roots instead of squares, which might underflow."""
    eps = float(jnp.finfo(grad.dtype).eps)
    level = level[:, None]
    curvature = jnp.sqrt(jnp.abs(jnp.diagonal(hessian, axis1=1, axis2=2)))
    # Where curvature vanishes a scaled step of 1 still changes the objective by no more than about its own size.
    least = jnp.where(extent > 0, jnp.sqrt(eps * level) * unit / jnp.where(extent > 0, extent, 1), 0)
    root = jnp.maximum(jnp.maximum(curvature, jnp.abs(grad) / jnp.sqrt(level)), least)
    scale = jnp.where(usable[:, None] & (root > 0), 1 / root, 1)
    # A positive diagonal bounds the rest of a Hessian without negative curvature. Elsewhere the row of a parameter
    # bounds the scale of one whose diagonal is nothing.
    relative = scale * unit / jnp.where(extent > 0, extent, unit)
    row = jnp.abs(hessian) * jnp.where(relative[:, None] < relative[:, :, None], scale[:, None], 0)
    return 1 / jnp.maximum(1 / scale, jnp.where(usable, jnp.max(row, axis=2).T, 0).T)


def _on_the_sphere(curved: Array, slopes: Array, radius: Array) -> Array:
    """The minimizer of slopes'p + p' diag(curved) p / 2 over |p| = radius, per lane; curved ascending.

    p = -slopes / (raised + nu), where raised is curved with its lowest entry lifted to 0 if negative, and nu > 0 solves
    |p| = radius, by Newton's method on 1 / |p|. A slope along the lowest direction that is lost to rounding is made
    large enough for a solution to exist (the hard case).
    """
    info = jnp.finfo(slopes.dtype)
    radius = radius[:, None]
    raised = curved + jnp.maximum(-curved[:, :1], 0)
    push = float(info.eps) * (_length(slopes)[:, None] + jnp.abs(curved[:, :1]) * radius) + float(info.tiny) ** 0.5
    first = slopes[:, :1]
    first = jnp.where(first < 0, jnp.minimum(first, -push), jnp.maximum(first, push))
    slopes = jnp.concatenate([first, slopes[:, 1:]], axis=1)
    most = _length(slopes)[:, None] / radius

    def refine(_, nu: Array) -> Array:
        p = slopes / (raised + nu)
        length = _length(p)[:, None]
        decline = jnp.maximum(jnp.sum(p**2 / (raised + nu), axis=1, keepdims=True), float(info.tiny))
        return jnp.clip(nu + (length / radius - 1) * length**2 / decline, nu / 1000, most)

    nu = jax.lax.fori_loop(0, MULTIPLIER_STEPS, refine, most)
    p = -slopes / (raised + nu)
    return p * jnp.minimum(1, radius / _length(p)[:, None])


def _length(p: Array) -> Array:
    return jnp.sqrt(jnp.sum(p**2, axis=1))
