"""Standard errors, tests and intervals from a fit: one covariance for every model with a linear predictor.

With the design A (n, q), row weights w, information c_i (minus the second derivative of the log-likelihood in eta_i)
and score u_i (the first), H = sum_i w_i c_i a_i a_i' + P with a penalty P, the covariances of the estimate are

    nonrobust   H^-1 (H - P) H^-1                                (H^-1 without a penalty)
    HC0 .. HC3  H^-1 ( sum_i w_i f_i u_i^2 a_i a_i' ) H^-1        f_i = 1, n / (n - q), 1 / (1 - h_i), 1 / (1 - h_i)^2
    cluster     H^-1 ( sum_g s_g s_g' ) H^-1 G/(G-1) (n-1)/(n-q)  s_g = sum of w_i u_i a_i over group g, G groups

with leverage h_i = c_i a_i' H^-1 a_i. A row with several predictors has r parts, and sums over them stand for its
information and score: sum_r c_ir a_ir a_ir' for c_i a_i a_i', sum_r u_ir a_ir for u_i a_i. (White 1980; MacKinnon and
White 1985, J. Econometrics 29, 305-325; Liang and Zeger 1986). n = sum_i w_i. The bread, H^-1 = U U', is a root U of
it from the triangle of the weighted design, never the inverse of H: this keeps twice as many digits. Then
H^-1 (H - P) H^-1 is U S U' with S = I - U'PU and needs no row. The filling is what `ESTIMATORS` make of the rows'
influence H^-1 u_i a_i: a new estimator is a function and a line in that table.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnotes.core.inference.whitening import whiten
from jaxnotes.core.matrix import roots
from jaxnotes.core.matrix.products import contract
from jaxnotes.core.matrix.scaling import power_of_two
from jaxnotes.core.special import double_word, tails
from jaxnotes.core.special.double_word import Double
from jaxnotes.core.values import arrays, habits, programs
from jaxnotes.core.values.arrays import Array, ArrayLike
from jaxnotes.core.values.public import public
from jaxnotes.core.values.tiles import Tile, whole


@public("jaxnotes")
@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Inference:
    """What the data say about each parameter; flat vectors (q,), the intercept first.

    Attributes:
        estimate: the estimate, (q,).
        se: its standard error, (q,).
        statistic: estimate / se, (q,).
        pvalue: two-sided, of the hypothesis that the parameter is 0, (q,).
        lower: the lower end of the interval, (q,).
        upper: the upper end of the interval, (q,).
        covariance: of the estimate, (q, q).
        df: degrees of freedom of the t distribution, infinite for the normal, ().

    NaN, but for the estimate, where the fit did not converge.
    """

    estimate: Array
    se: Array
    statistic: Array
    pvalue: Array
    lower: Array
    upper: Array
    covariance: Array
    df: Array

    if not TYPE_CHECKING:  # to a type checker every name would be there

        def __getattr__(self, name: str) -> Any:
            raise habits.missing(self, name, habits.INFERENCE)


class Terms(NamedTuple):
    """Row by row what a covariance needs: design (n, q); weights, score and information (n,); penalty (q,).

    A row may have r parts: then design (n, r, q), score and information (n, r). low: the second word of the design, of
    its shape; None for 0. tile: which of the rows these are, where they are not all.
    """

    design: Array
    weights: Array
    score: Array
    information: Array
    penalty: Array
    low: Array | None = None
    tile: Tile | None = None


class Bread(NamedTuple):
    """A root U of the inverse of H; the data's part of U'HU = I, (q, q); the rows in U's coordinates, (n, r, q); the
    leverage of each row, (n,).
    """

    inverse: roots.Root
    explained: Array
    turned: Array
    leverage: Array


@public("jaxnotes.covariances")
@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Covariance:
    """Which covariance of an estimate is meant.

    Attributes:
        name: "nonrobust", "HC0" to "HC3" or "cluster".
        groups: integer labels of the rows, (n,), for "cluster"; None (default) for the others.
    """

    name: str = field(metadata={"static": True})
    groups: ArrayLike | None = None


class Evidence(NamedTuple):
    """What the rows say about an estimate theta (q,).

    influence: (n, q), H^-1 u_i, how far a row more of its kind would move theta. weights, leverage and groups: (n,).
    model_based: (q, q), the covariance if the model is right. n_obs: sum_i w_i, (). tile: as in `Terms`.
    """

    influence: Array
    weights: Array
    leverage: Array
    groups: Array
    model_based: Array
    n_obs: Array
    tile: Tile | None = None


class Estimator(NamedTuple):
    """A covariance (q, q) from the evidence, and what it needs of a model beyond the scores of its rows."""

    of: Callable[[Evidence], Array]
    needs_leverage: bool = False
    needs_groups: bool = False


def _hc(factor: Callable[[Evidence], Array | float]) -> Callable[[Evidence], Array]:
    return lambda rows: sum_of_squares(rows.influence, rows.weights * factor(rows), rows.tile)


def _small_sample(rows: Evidence) -> Array:
    return rows.n_obs / (rows.n_obs - rows.influence.shape[1])


def _spare(rows: Evidence) -> Array:
    """1 - h; NaN for a row that decides a parameter alone, where the exact factor is 0 / 0."""
    spare = 1 - rows.leverage
    rounding = 16 * rows.influence.shape[1] * float(jnp.finfo(spare.dtype).eps)
    return jnp.where(spare > rounding, spare, jnp.where(rows.weights > 0, jnp.nan, 1))


def _clustered(rows: Evidence) -> Array:
    sums, G = group_sums(rows.weights[:, None] * rows.influence, rows.groups, rows.weights)
    n, q = rows.n_obs, rows.influence.shape[1]
    return sum_of_squares(sums, jnp.broadcast_to(G / (G - 1) * (n - 1) / (n - q), rows.weights.shape))


ESTIMATORS = {
    "nonrobust": Estimator(lambda rows: rows.model_based),
    "HC0": Estimator(_hc(lambda rows: 1.0)),
    "HC1": Estimator(_hc(_small_sample)),
    "HC2": Estimator(_hc(lambda rows: 1 / _spare(rows)), needs_leverage=True),
    "HC3": Estimator(_hc(lambda rows: 1 / _spare(rows) ** 2), needs_leverage=True),
    "cluster": Estimator(_clustered, needs_groups=True),
}


def check_covariance(
    cov: str | Covariance, groups: ArrayLike | None, n: int, *, no_leverage: str | None = None
) -> tuple[str, Array]:
    """The name of a covariance and the groups (n,), after checking that it is known and labels are given if it needs
    them. no_leverage: why the model has no leverage, where it has none.
    """
    if isinstance(cov, Covariance):
        if groups is not None:
            raise ValueError(f"groups: expected none beside a covariance as a value, got some with {cov.name!r}.")
        cov, groups = cov.name, cov.groups
    offered = [name for name, known in ESTIMATORS.items() if no_leverage is None or not known.needs_leverage]
    if cov not in offered:
        reason = f" {no_leverage}" if cov in ESTIMATORS else ""
        raise ValueError(f"cov: expected one of {', '.join(offered)}, got {cov!r}.{reason}")
    if ESTIMATORS[cov].needs_groups != (groups is not None):
        given = "none" if groups is None else "some"
        raise ValueError(f"groups: expected labels exactly with cov='cluster', got {given} with cov={cov!r}.")
    return cov, jnp.zeros((n,), jnp.int32) if groups is None else arrays.labels("groups", groups, n)


def spare_rows(weights: Array, used: Array | int, tile: Tile | None = None) -> Array:
    """sum_i w_i - used, the degrees of freedom that are left; NaN where none are, but for rounding."""
    total = whole(double_word.total(weights), tile)
    spare = (total.high - used) + total.low
    return jnp.where(spare > 2 * float(jnp.finfo(spare.dtype).eps) * total.high, spare, jnp.nan)


class Spread(NamedTuple):
    """The covariance of an estimate and the degrees of freedom of the model: sum_i w_i h_i, or the rank.

    scaled: (q, q), the covariance in units (q,) that are powers of two: squares of small standard errors underflow.
    """

    scaled: Array
    unit: Array
    df_model: Array

    @property
    def covariance(self) -> Array:
        """The covariance itself, (q, q)."""
        return self.scaled * self.unit[:, None] * self.unit[None]


def spread(terms: Terms, cov: str, groups: Array, in_user_units: Callable[[roots.Root], Array]) -> Spread:
    """The covariance of the estimate; in_user_units gives the root of H^-1 in the coordinates it is wanted in."""
    return spread_of(terms, bread(terms), cov, groups, in_user_units)


def spread_of(
    terms: Terms, bread: Bread, cov: str, groups: Array, in_user_units: Callable[[roots.Root], Array]
) -> Spread:
    """The same from the bread that was made of the terms."""
    terms = _in_parts(terms)
    root = in_user_units(bread.inverse)
    unit = power_of_two(jnp.max(jnp.abs(root), axis=1))
    root = root / unit[:, None]
    rows = contract("irj,kj->irk", bread.turned, root)  # rows[i, r] is H^-1 a_ir
    evidence = Evidence(
        influence=jnp.sum(terms.score[..., None] * rows, axis=1),
        weights=terms.weights[:, 0],
        leverage=bread.leverage,
        groups=groups,
        model_based=contract("ij,kj->ik", contract("ij,jk->ik", root, bread.explained), root),
        n_obs=whole(jnp.sum(terms.weights), terms.tile),
        tile=terms.tile,
    )
    hat = jnp.sum(jnp.diagonal(bread.explained))
    df_model = jnp.where(jnp.any(terms.penalty > 0), hat, bread.inverse.rank)
    return Spread(ESTIMATORS[cov].of(evidence), unit, df_model)


def sum_of_squares(vectors: Array, factors: Array, tile: Tile | None = None) -> Array:
    """sum_i f_i v_i v_i' (q, q) for vectors (m, q) and factors f (m,): no variance in it is a difference."""
    return whole(contract("ij,ik->jk", factors[:, None] * vectors, vectors), tile)


def bread(terms: Terms) -> Bread:
    """What all covariances of the terms need."""
    terms = _in_parts(terms)
    n, r, q = terms.design.shape
    squares = jnp.broadcast_to(terms.weights * terms.information, (n, r)).reshape(-1)
    design = terms.design.reshape(-1, q)
    low = jnp.zeros_like(design) if terms.low is None else terms.low.reshape(-1, q)
    inverse, explained, rows = whiten(Double(design, low), squares, terms.penalty, terms.tile)
    turned = rows.reshape(n, r, q)
    return Bread(inverse, explained, turned, jnp.sum(terms.information * jnp.sum(turned**2, axis=2), axis=1))


def _in_parts(terms: Terms) -> Terms:
    """The same terms with an axis of parts, of length 1 for rows of one predictor, and weights (n, 1)."""
    n, q = terms.design.shape[0], terms.design.shape[-1]
    weights, score, information = (a.reshape(n, -1) for a in (terms.weights, terms.score, terms.information))
    return terms._replace(design=terms.design.reshape(n, -1, q), weights=weights, score=score, information=information)


def group_sums(values: Array, groups: Array, weights: Array) -> tuple[Array, Array]:
    """Sums of the rows (n, k) with equal labels, in an array with room for n groups, and the number of groups."""
    present = weights > 0
    labels = jnp.where(present, groups, groups[jnp.argmax(present)])
    _, codes = jnp.unique(labels, return_inverse=True, size=len(labels))
    sums = jax.ops.segment_sum(values, codes.reshape(-1), num_segments=len(labels))
    return sums, (jnp.max(codes) + 1).astype(values.dtype)


class Estimate(NamedTuple):
    """estimate (q,), its covariance (q, q), degrees of freedom () and whether the fit is usable ().

    unit: of the covariance, (q,), so that no small standard error is a square that underflows; None: 1.
    """

    estimate: Array
    covariance: Array
    df: Array
    usable: Array
    unit: Array | None = None


def wald(of: Estimate, level: Array) -> Inference:
    """t tests and intervals (normal where df is infinite) from estimates and their covariance.

        statistic = estimate / se,  pvalue = P(|t| > |statistic|),  interval = estimate -+ t_((1 + level) / 2) se

    The quantile is compiled apart from the rest, once for all models: it takes longer to compile than to run.
    """
    df = jnp.where(of.df > 0, of.df, jnp.nan).astype(of.estimate.dtype)
    return _wald(of._replace(df=df), _quantile(level.astype(df.dtype), df))


@programs.soon()
def _quantile(level: Array, df: Array) -> Array:
    return tails.t_isf((1 - level) / 2, df)


@programs.soon()
def _wald(of: Estimate, quantile: Array) -> Inference:
    unit = jnp.ones_like(of.estimate) if of.unit is None else of.unit
    se = jnp.where(of.usable, jnp.sqrt(jnp.diagonal(of.covariance)) * unit, jnp.nan)
    statistic = of.estimate / se
    return Inference(
        estimate=of.estimate,
        se=se,
        statistic=statistic,
        pvalue=tails.t_two_sided(statistic, of.df),
        lower=of.estimate - quantile * se,
        upper=of.estimate + quantile * se,
        covariance=jnp.where(of.usable, of.covariance * unit[:, None] * unit[None], jnp.nan),
        df=of.df,
    )
