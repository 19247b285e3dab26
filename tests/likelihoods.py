"""Log-likelihoods that several tests fit, and their data."""

import jax.numpy as jnp
import numpy as np
from jax.scipy import special as jsp

TOSSES = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
NORMAL_START = {"mean": 0.0, "sd": 1.0}
SAMPLE = np.array([1.0, 2, 4, 5, 9, 3, 3, 2])


def bernoulli(p, x):
    return x * jnp.log(p) + (1 - x) * jnp.log1p(-p)


def poisson(rate, k):
    return k * jnp.log(rate) - rate - jsp.gammaln(k + 1.0)


def normal(params, x):
    z = (x - params["mean"]) / params["sd"]
    return -(z**2) / 2 - jnp.log(params["sd"]) - jnp.log(2 * jnp.pi) / 2


def cauchy_regression(params, row):
    """Linear regression with Cauchy errors: coef (2,) and the logarithm of the scale. Not concave."""
    x, y = row
    z = (y - jnp.dot(x, params["coef"])) * jnp.exp(-params["log_scale"])
    return -jnp.log(jnp.pi) - params["log_scale"] - jnp.log1p(z**2)


CAUCHY_START = {"coef": np.zeros(2), "log_scale": 0.0}


def t_regression(params, row):
    """Linear regression with Student t errors: coef (2,), the logarithms of the scale and of the degrees of freedom."""
    x, y = row
    df = jnp.exp(params["log_df"])
    z = (y - jnp.dot(x, params["coef"])) * jnp.exp(-params["log_scale"])
    constant = jsp.gammaln((df + 1) / 2) - jsp.gammaln(df / 2) - jnp.log(df * jnp.pi) / 2
    return constant - params["log_scale"] - (df + 1) / 2 * jnp.log1p(z**2 / df)


T_START = {"coef": np.zeros(2), "log_df": 1.5, "log_scale": 0.0}


def t_data(seed: int = 0, n: int = 120):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.standard_normal(n)])
    return X, X @ [1.0, -2.0] + 0.7 * rng.standard_t(3, n)


def poisson_data(n: int = 80):
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(n), rng.standard_normal(n), rng.uniform(-1, 1, n)])
    y = rng.negative_binomial(2, 2 / (2 + np.exp(X @ [0.5, 0.4, -0.8]))).astype(float)
    return X, y, rng.integers(0, 4, n).astype(float)


def poisson_regression(coef, row):
    x, y = row
    eta = jnp.dot(x, coef)
    return y * eta - jnp.exp(eta) - jsp.gammaln(y + 1)
