"""Does a likelihood have a maximum? Proofs for both answers.

The margins of a family are linear functions of a row's predictors such that the log-likelihood never falls along a
direction whose margins are all >= 0. In logistic regression they are eta for a success and -eta for a failure; for
several classes, eta of the row's class minus eta of each other class. The data are separated when some direction d
has all margins >= 0 and not all = 0: along it the likelihood rises for ever (Albert and Anderson 1984, Biometrika 71,
1-10).

Overlap, the contrary, is proved by a Newton step that uses up no multiplier. The score is sum_i lambda_i G_i,
with lambda_i > 0 and G_i the gradient of margin i in the coefficients. This holds at every point, so to first order
along the Newton step d too, where the score to first order is 0: sum_i (lambda_i + dlambda_i) G_i = 0. If all these
multipliers are still positive, no d separates (Stiemke's lemma). In logistic regression that is: no linear predictor
moves by 1.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.matrix.products import contract
from jaxnotes.core.values.arrays import Array

# How much of a multiplier a Newton step may use up: 1 in exact arithmetic; half of it leaves room for rounding.
MAX_SHARE = 0.5
ROUNDING = 64.0
# Rows beyond such a margin are taken to lie off the separating plane, a guess that is then verified.
THETA_CUTS = (0.0, 3.0, 8.0)
STEP_CUTS = (0.03, 0.3)


def overlap_proven(change: Array, counted: Array) -> Array:
    """True for each lane whose Newton step proves that the data overlap, (L,).

    change (c, L, n): of the logarithms of the multipliers along the step, to first order. counted, of the same shape:
    which take part. Those of absent rows do not; nor need those too small to be seen in the score, if the other rows
    alone determine the step: where these overlap so do all.
    """
    return jnp.all((change > -MAX_SHARE) | ~counted, axis=(0, 2))


def resolved(logs: Array, words: int) -> Array:
    """Which multipliers are seen in a score of so many words, by their logarithms, which do not underflow.

    A smaller one is lost beside 1: the score is 0 along a direction that separates such rows, and the step too.
    """
    eps = float(jnp.finfo(logs.dtype).eps)
    return logs >= math.log(ROUNDING) + words * math.log(eps)


class RowParts(NamedTuple):
    """A matrix (d, k) given in one or more parts: fold(update, start) runs update(total, part) over them."""

    fold: Callable[[Callable[[Any, Array], Any], Any], Any]


def whole(G: Array) -> RowParts:
    """A matrix in one part."""
    return RowParts(lambda update, start: update(start, G))


def separated(margins: RowParts, theta: Array, step: Array) -> Array:
    """True where a separating direction of one problem was found and verified, to rounding, ().

    margins: the gradients of the margins of all rows, (d, k). theta and step (d,): late iterates of an ascent and its
    last steps turn towards a separating direction, if there is one. Margins that are not clearly positive there are
    assumed to be 0, the guess is projected to make them so, and the result is checked on every margin.

    """
    guesses = jnp.stack([theta] * len(THETA_CUTS) + [step] * len(STEP_CUTS))
    cuts = jnp.asarray(THETA_CUTS + STEP_CUTS, theta.dtype)
    return jnp.any(jax.lax.map(lambda guess: _verified(margins, *guess), (guesses, cuts)))


def rank_deficient(design: RowParts, like: Array) -> Array:
    """True where the columns of one problem's design (d, k) are linearly dependent, (); `like` is any (d,).

    Of columns of length 1 the least singular value is then below 8 d eps of the largest, however many rows there are.
    """
    R, _ = _equilibrated(design.fold(triangle, _empty(like)))
    singular = jnp.linalg.svd(R, compute_uv=False)
    return singular[-1] <= _negligible(like) * singular[0]


def sees_all(R: Array) -> Array:
    """Whether the triangle R (d, d) of a weighted design holds more than rounding in its weakest direction, ().

    What comes from R otherwise, a step along a separating direction too, says nothing. Inference, whose columns count
    in other units, must not find it deficient: twice the cut.
    """
    singular = jnp.linalg.svd(_equilibrated(R)[0], compute_uv=False)
    return singular[-1] > 2 * _negligible(R[0]) * singular[0]


def _negligible(like: Array) -> float:
    """Below this share of the largest singular value one counts as 0."""
    return 8 * len(like) * float(jnp.finfo(like.dtype).eps)


def _empty(like: Array) -> Array:
    return jnp.zeros_like(like, shape=(len(like), len(like)))


def triangle(R: Array, G: Array) -> Array:
    """The triangular factor of R and the columns of G, stacked as rows."""
    return jnp.linalg.qr(jnp.concatenate([R, G.T]), mode="r")


def _equilibrated(R: Array) -> tuple[Array, Array]:
    """R with columns of length 1, or 0 where it has none, and what they were divided by."""
    length = jnp.sqrt(jnp.sum(R * R, axis=0))
    length = jnp.where(length > 0, length, 1)
    return R / length[None], length


def _verified(margins: RowParts, guess: Array, cut: Array) -> Array:
    """Is `guess` (d,), projected off the margins that it does not clear by `cut`, a separating direction?

    In columns as long as those margins have them: a row far from all others does not hide what they say, and what
    rounding may make of a margin belongs to its own row.
    """
    eps = jnp.finfo(guess.dtype).eps

    def on_plane(G: Array) -> Array:
        return contract("dk,d->k", G, guess) <= cut

    R = margins.fold(lambda R, G: triangle(R, jnp.where(on_plane(G)[None], G, 0)), _empty(guess))
    R, length = _equilibrated(R)
    _, singular, Vt = jnp.linalg.svd(R)
    free = singular <= _negligible(guess) * singular[0]
    direction = contract("ij,i->j", Vt, jnp.where(free, contract("ij,j->i", Vt, guess * length), 0))

    def check(flags: tuple[Array, Array], G: Array) -> tuple[Array, Array]:
        rows = G / length[:, None]
        margin = contract("dk,d->k", rows, direction)
        rounding = ROUNDING * eps * jnp.max(jnp.abs(direction)) * jnp.sum(jnp.abs(rows), axis=0)
        allowed = (margin >= -rounding) & (~on_plane(G) | (margin <= rounding))
        return flags[0] & jnp.all(allowed), flags[1] | jnp.any(margin > rounding)

    none_falls, one_rises = margins.fold(check, (jnp.asarray(True), jnp.asarray(False)))
    return none_falls & one_rises
