"""Covariances of an estimate as values, for `cov=` of every `infer`.

With the bread H^-1, the inverse of the information, and the score u_i of each row with frequency weight w_i, they are
H^-1 ( sum_i w_i f_i u_i u_i' ) H^-1 with other fillings each. `cov="HC3"` is short for `cov=hc(3)`, and
`cov="cluster", groups=g` for `cov=cluster(g)`.
"""

from jaxnotes.core.inference.covariance import ESTIMATORS, Covariance
from jaxnotes.core.values.arrays import ArrayLike

__all__ = ["Covariance", "cluster", "hc", "nonrobust"]


def nonrobust() -> Covariance:
    """The covariance of a model that is right in all its parts: H^-1, times the dispersion where there is one.

    Returns:
        A `Covariance`, for `cov=`.

    >>> nonrobust().name
    'nonrobust'
    """
    return Covariance("nonrobust")


def hc(kind: int) -> Covariance:
    """Right where the variance of the rows is not what the model says, and differs from row to row.

        f_i = 1 (0),    n / (n - q) (1),    1 / (1 - h_i) (2),    1 / (1 - h_i)^2 (3),    h_i the leverage

    HC2 and HC3 need a leverage below 1: where a row decides a parameter alone they are NaN, and HC1 is not.

    Args:
        kind: 0, 1, 2 or 3.

    Returns:
        A `Covariance`, for `cov=`.

    Raises:
        ValueError: another kind.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> X = first.x[:, None]
    >>> solution = jn.least_squares.fit(X, first.y)
    >>> print("{:.3f} {:.4f}".format(*jn.least_squares.infer(solution, X, first.y, cov=hc(3)).se))
    1.135 0.1322

    Source: White (1980), Econometrica 48, 817-838; MacKinnon and White (1985), J. Econometrics 29, 305-325.
    """
    name = f"HC{kind}"
    if name not in ESTIMATORS:
        raise ValueError(f"kind: expected 0, 1, 2 or 3, got {kind!r}.")
    return Covariance(name)


def cluster(groups: ArrayLike) -> Covariance:
    """Right where rows of one group belong together, and the groups do not.

        sum_g s_g s_g' G / (G - 1) (n - 1) / (n - q),    s_g = sum_i w_i u_i over the rows of group g, of G groups

    Args:
        groups: integer labels of the rows, (n,), in any order.

    Returns:
        A `Covariance`, for `cov=`.

    >>> import jaxnotes as jn
    >>> first = jn.datasets.anscombe()[0]
    >>> X, pairs = first.x[:, None], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4]
    >>> solution = jn.least_squares.fit(X, first.y)
    >>> print("{:.3f} {:.4f}".format(*jn.least_squares.infer(solution, X, first.y, cov=cluster(pairs)).se))
    1.012 0.1202

    Source: Liang and Zeger (1986), Biometrika 73, 13-22.
    """
    return Covariance("cluster", groups)
