"""Maxima of smooth likelihoods in float64, by Newton on JAX's own derivatives; lanes on the first axis."""

import functools

import jax
import numpy as np

from bench.jax_trial import precision_of

EVERY_STEP = 200
DOUBLE = np.dtype(np.float64)


@functools.cache
def derivatives(loss):
    parts = [jax.vmap(f) for f in (loss, jax.grad(loss), jax.hessian(loss))]
    return jax.jit(lambda theta, data: tuple(part(theta, data) for part in parts))


def find(loss, start: np.ndarray, data) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(theta, inverse Hessian, whether it is a minimum) of a mean loss(theta, lane of data) from starts (L, q).

    |eigenvalues| make every step a descent, halves make it short enough.
    """
    with precision_of(DOUBLE), np.errstate(all="ignore"):
        theta = start.astype(np.float64)
        value, gradient, hessian = map(np.asarray, derivatives(loss)(theta, data))
        for _ in range(EVERY_STEP):
            sizes, turn = np.linalg.eigh(np.where(np.isfinite(hessian), hessian, 0))
            strength = np.maximum(np.abs(sizes), 1e-10 * np.max(np.abs(sizes), axis=1, keepdims=True) + 1e-300)
            step = -np.einsum("lij,lj->li", turn, np.einsum("lji,lj->li", turn, gradient) / strength)
            step = np.where(np.isfinite(step), step, 0)
            step *= np.minimum(1, 5 / np.maximum(np.max(np.abs(step), axis=1, keepdims=True), 1e-300))
            if np.all(np.abs(step) <= 1e-14 * (1 + np.abs(theta))):
                break
            share = np.ones(len(theta))
            for _ in range(30):
                trial = theta + share[:, None] * step
                new = [np.asarray(part) for part in derivatives(loss)(trial, data)]
                worse = ~(new[0] <= value + 1e-13 * (1 + np.abs(value)))
                if not worse.any():
                    break
                share = np.where(worse, share / 2, share)
            theta = np.where(worse[:, None], theta, trial)
            value, gradient = np.where(worse, value, new[0]), np.where(worse[:, None], gradient, new[1])
            hessian = np.where(worse[:, None, None], hessian, new[2])
        sizes, turn = np.linalg.eigh(np.where(np.isfinite(hessian), hessian, 0))
        inverse = np.einsum("lij,lj,lkj->lik", turn, 1 / sizes, turn)
        left = np.einsum("li,lij,lj->l", gradient, inverse, gradient)
        return theta, inverse, (sizes[:, 0] > 1e-9 * sizes[:, -1]) & (left >= 0) & (left < 1e-12)
