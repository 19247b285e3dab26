"""Families of labels: yes or no, and 0 .. k - 1."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.special.numerics import xlogy
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.status import Solution
from jaxnotes.distributions import fitting, lattice, summaries
from jaxnotes.distributions.family import Discrete
from jaxnotes.distributions.fitting import Empirical, Peak


class Bernoulli(Discrete):
    """The Bernoulli law on 0 and 1: p, the probability of 1, in [0, 1].

        P(X = x) = p^x (1 - p)^(1 - x)

    scipy.stats.bernoulli(p).

    >>> print(*Bernoulli.log_prob(Bernoulli.Params(p=0.25), [0, 1]).round(4))
    -0.2877 -1.3863
    """

    class Params(NamedTuple):
        """How probable 1 is.

        Attributes:
            p: the probability of 1, in [0, 1].
        """

        p: ArrayLike

    _standard = (0.5,)

    @staticmethod
    def _lawful(params: Any) -> Array:
        return (params.p >= 0) & (params.p <= 1)

    @staticmethod
    def _support(params: Any) -> tuple[ArrayLike, ArrayLike]:
        return 0.0, 1.0

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        one = x == 1
        return jnp.where(one, jnp.log(jnp.where(one, params.p, 0.5)), jnp.log1p(-jnp.where(one, 0.5, params.p)))

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        return jnp.log1p(-params.p), jnp.log(params.p)

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        return lattice.binary_entropy(params.p)

    @staticmethod
    def _mean(params: Any) -> ArrayLike:
        return params.p

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        return params.p * (1 - params.p)

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return jax.random.bernoulli(key, params.p, shape).astype(dtype)

    @staticmethod
    def _possible(x: Array, known: dict[str, Array]) -> Array:
        return (x == 0) | (x == 1)

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        return Peak(Bernoulli.Params(summaries.centre(rows.x, rows.share)))

    @staticmethod
    def _units(params: Any) -> Any:
        return Bernoulli.Params(jnp.sqrt(params.p * (1 - params.p)))

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return (params.p == 0) | (params.p == 1)


class Categorical(Discrete):
    """The categorical law on the labels 0 .. k - 1: p (k,), their probabilities, which are >= 0 and sum to 1.

        P(X = j) = p_j

    A sum that misses 1 by more than sqrt(eps) is no law. `mean` and `variance` take the labels as numbers, as
    scipy.stats.rv_discrete(values=(range(k), p)) does.

    >>> print(Categorical.log_prob(Categorical.Params(p=[0.5, 0.25, 0.25]), [0, 2]).round(4))
    [-0.6931 -1.3863]
    """

    class Params(NamedTuple):
        """How probable each label is.

        Attributes:
            p: the probabilities of the labels, (k,), >= 0, of sum 1.
        """

        p: ArrayLike

    _standard = (0.5,)

    @classmethod
    def _check(cls, params: Any) -> None:
        if params.p.ndim != 1 or params.p.shape[0] == 0:
            raise ValueError(
                f"p: expected shape (k,), one probability per label, got {params.p.shape}. To sweep it use jax.vmap."
            )

    @staticmethod
    def _lawful(params: Any) -> Array:
        miss = jnp.abs(jnp.sum(params.p) - 1)
        return jnp.all(params.p >= 0) & (miss <= float(jnp.finfo(params.p.dtype).eps) ** 0.5)

    @staticmethod
    def _support(params: Any) -> tuple[ArrayLike, ArrayLike]:
        return 0.0, float(len(params.p) - 1)

    @staticmethod
    def _log_density(params: Any, x: Array) -> Array:
        # Divided by the sum, of which the likelihood must not be a function: else p would not be at its maximum.
        return jnp.log(params.p[x.astype(int)]) - jnp.log(jnp.sum(params.p))

    @staticmethod
    def _log_tails(params: Any, x: Array) -> tuple[Array, Array]:
        label = x.astype(int)
        above = jnp.flip(jnp.cumsum(jnp.flip(params.p)))
        # The last label is at the upper end of the support and never asked for.
        return jnp.log(jnp.cumsum(params.p)[label]), jnp.log(above[jnp.minimum(label + 1, len(above) - 1)])

    @staticmethod
    def _entropy(params: Any) -> ArrayLike:
        return -jnp.sum(xlogy(params.p, params.p))

    @staticmethod
    def _mean(params: Any) -> Array:
        return jnp.sum(params.p * jnp.arange(len(params.p), dtype=params.p.dtype))

    @staticmethod
    def _variance(params: Any) -> ArrayLike:
        labels = jnp.arange(len(params.p), dtype=params.p.dtype)
        return jnp.sum(params.p * (labels - Categorical._mean(params)) ** 2)

    @staticmethod
    def _draw(key: Array, params: Any, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return jax.random.categorical(key, jnp.log(params.p), shape=shape).astype(dtype)

    @classmethod
    def fit(cls, x: ArrayLike, weights: ArrayLike | None = None, *, n_labels: int) -> Solution:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The frequencies of the labels 0 .. n_labels - 1, as `Distribution.fit`.

            p_j = sum_{i: x_i = j} w_i / sum_i w_i

        Args:
            x: labels, (n,), integers from 0 to n_labels - 1.
            weights: frequencies, (n,), >= 0, default None: every row counts once.
            n_labels: k, how many labels there are, a Python int >= 1.

        Returns:
            A `Solution` with `Categorical.Params`, value the mean negative log-likelihood in nats.

        Raises:
            ValueError: n_labels is no int >= 1, and as `Distribution.fit`.

        Statuses:
            CONVERGED: every label comes.
            BOUNDARY: a label never comes.
            INVALID_DATA, NON_FINITE_DATA, TOO_FEW_ROWS: as in `Distribution.fit`; NaN.

        >>> print(Categorical.fit([0, 2, 2, 1], n_labels=3).params.p)
        [0.25 0.25 0.5 ]
        """
        return fitting.fit(cls, cls._sample(x, weights, labels=_all_labels(n_labels)))

    @classmethod
    def infer(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls,
        solution: Solution,
        x: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        n_labels: int,
        level: ArrayLike = 0.95,
    ) -> Inference:
        """As `Distribution.infer`, with the covariance of frequencies that sum to 1.

            covariance = (diag(p) - p p') / n

        Args:
            solution: what `fit` returned.
            x: labels, (n,), as in `fit`.
            weights: frequencies, (n,), default None, as in `fit`.
            n_labels: k, how many labels there are, as in `fit`.
            level: of the intervals, a number in (0, 1), default 0.95.

        Returns:
            An `Inference` about p, (k,); NaN unless CONVERGED.
        """
        return cls._infer(solution, cls._sample(x, weights, labels=_all_labels(n_labels)), level)

    @staticmethod
    def _possible(x: Array, known: dict[str, Array]) -> Array:
        return (x >= 0) & (x < len(known["labels"])) & (x == jnp.floor(x))

    @staticmethod
    def _maximize(rows: Empirical) -> Peak:
        hits = (rows.x[:, None] == rows.known["labels"][None]).astype(rows.share.dtype)
        return Peak(Categorical.Params(summaries.average(hits, rows.share)))

    @staticmethod
    def _units(params: Any) -> Any:
        return Categorical.Params(jnp.sqrt(params.p * (1 - params.p)))

    @classmethod
    def _on_edge(cls, params: Any) -> Array:
        return jnp.any(params.p == 0)

    @staticmethod
    def _covariance(params: Any) -> Array:
        return jnp.diag(params.p) - params.p[:, None] * params.p[None]


def _all_labels(n_labels: int) -> np.ndarray:
    if not isinstance(n_labels, int) or n_labels < 1:
        raise ValueError(f"n_labels: expected an int >= 1, got {n_labels!r}. It is k for the labels 0 .. k - 1.")
    return np.arange(n_labels)
