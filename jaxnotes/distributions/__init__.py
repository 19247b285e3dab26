"""Chapter 4.3-4.4: the families of probability laws, each a namespace of pure functions of its parameters.

The same formula p(x; params) read along x is a law, which sums or integrates to 1; read along params it is the
likelihood, which does not. A density may exceed 1, and its logarithm 0. Every family has

    log_prob(params, x)             natural logarithm of the probability or density, of each x
    cdf, log_cdf, log_sf(params, x) P(X <= x), its logarithm, and log P(X > x), right in both far tails
    entropy, mean, variance(params) in nats; infinite or NaN where there is none
    support(params)                 least and largest value
    sample(key, params, shape)      independent draws

and its parameters by name, for one law at a time; many laws are `jax.vmap`. See `help` of a family for its formula and
its names in SciPy and R.

    family              params              on                  mean
    Bernoulli           p                   0, 1                p
    Binomial            trials, p           0 .. trials         trials p
    Categorical         p (k,)              0 .. k - 1          sum_j j p_j
    Geometric           p                   1, 2, ...           1 / p
    NegativeBinomial    size, mu            0, 1, ...           mu
    Poisson             rate                0, 1, ...           rate
    Normal              loc, scale          (-inf, inf)         loc
    Gumbel              loc, scale          (-inf, inf)         loc + 0.5772 scale
    Logistic            loc, scale          (-inf, inf)         loc
    Laplace             loc, scale          (-inf, inf)         loc
    Cauchy              loc, scale          (-inf, inf)         none
    StudentT            df, loc, scale      (-inf, inf)         loc, for df > 1
    Uniform             lower, upper        [lower, upper]      (lower + upper) / 2
    LogNormal           mu, sigma           (0, inf)            exp(mu + sigma^2 / 2)
    Exponential         rate                [0, inf)            1 / rate
    Gamma               shape, rate         [0, inf)            shape / rate
    Weibull             shape, scale        [0, inf)            scale Gamma(1 + 1 / shape)
    Pareto              shape, scale        [scale, inf)        scale shape / (shape - 1), for shape > 1
    Beta                a, b                [0, 1]              a / (a + b)
    MultivariateNormal  mean, covariance    R^d                 mean

An error of `log_prob` is at most 1e-12 max(1, |log_prob|) in float64 and 5e-6 max(1, |log_prob|) in float32, also far
out and for large parameters. `jax.scipy.stats` is not used: its differences of gamma functions lose 1e-5 at a Poisson
rate of 1e10 in float64 (in float32 7e-4 at 1e4, 0.08 for a t law of 1e6 degrees of freedom); see
`core.special.gamma_terms`.

>>> import jax, jaxnotes as jn
>>> Poisson = jn.distributions.Poisson
>>> print(Poisson.log_prob(Poisson.Params(rate=0.61), [0, 1, 2]).round(4))
[-0.61   -1.1043 -2.2917]
>>> rates = jax.numpy.array([0.5, 1.0, 2.0])
>>> print(jax.vmap(lambda rate: Poisson.log_prob(Poisson.Params(rate), 1))(rates).round(4))
[-1.1931 -1.     -1.3069]
"""

from jaxnotes.distributions.counts import Binomial, Geometric, NegativeBinomial, Poisson
from jaxnotes.distributions.family import Distribution
from jaxnotes.distributions.intervals import Beta, Uniform
from jaxnotes.distributions.labels import Bernoulli, Categorical
from jaxnotes.distributions.multivariate import MultivariateNormal
from jaxnotes.distributions.positive import Exponential, Gamma, LogNormal, Pareto, Weibull
from jaxnotes.distributions.real_line import Cauchy, Gumbel, Laplace, Logistic, Normal, StudentT

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Distribution",
    "Exponential",
    "Gamma",
    "Geometric",
    "Gumbel",
    "Laplace",
    "LogNormal",
    "Logistic",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "Pareto",
    "Poisson",
    "StudentT",
    "Uniform",
    "Weibull",
]
