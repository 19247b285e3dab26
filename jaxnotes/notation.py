"""Appendix: the symbols of the notes, each with the expression that computes it and an example that is checked.

The notes lost their fonts, so that a scalar, a vector, a matrix, a tensor and a set all became x or X; here they are
told apart again. Four meanings are put right: the L_p of a norm is 范数, not 正则 (regularization); R^n is the set of
the vectors, not a vector; P(X | Y) is the conditional distribution of X given Y; E_x[f(x)] averages over x ~ P.

A row's `expression` gives `value` after the statements of `given`, with the names jax, jnp, np, math and jn (jaxnotes):

    exec(row.given, names), then eval(row.expression, names) == row.value, to rounding

Mathematics counts from 1 and Python from 0, as x_i = x[i - 1] shows. A set is the sorted vector of its elements; a
distribution P is the vector of its probabilities, or the parameters of a family; a joint table has P(X = i, Y = j) in
row i and column j, and with a third variable Z one such table for each of its values, P(X = i, Y = j, Z = k), first
axis k. PARAMETERS are the names that this library gives to symbols.

Source: the order is that of the notes, which is that of Zhang, Lipton, Li and Smola, Dive into Deep Learning (2023).
"""

import math
import textwrap
import unicodedata
from typing import Any, NamedTuple

__all__ = ["GROUPS", "PARAMETERS", "SYMBOLS", "Group", "Parameter", "Symbol", "lookup", "table"]

WIDTH = 100  # columns of a printed table


class Symbol(NamedTuple):
    """A row of the notes' table.

    Attributes:
        symbol: in Unicode.
        latex: the same in LaTeX.
        zh: its meaning in Chinese.
        en: its meaning in English.
        expression: of Python, which computes it.
        given: statements that name what the expression needs.
        value: what it then gives: numbers or bools, nested in tuples where it is an array.
    """

    symbol: str
    latex: str
    zh: str
    en: str
    expression: str
    given: str
    value: Any


class Parameter(NamedTuple):
    """A symbol as an argument. A name may have several meanings, each a `Parameter` of its own.

    Attributes:
        name: what this library calls it.
        symbol: in Unicode.
        zh: its meaning in Chinese.
        en: its meaning in English.
    """

    name: str
    symbol: str
    zh: str
    en: str


class Group(NamedTuple):
    """A section of the notes' table.

    Attributes:
        zh: its title in Chinese.
        en: its title in English.
        symbols: its rows.
    """

    zh: str
    en: str
    symbols: tuple[Symbol, ...]


# fmt: off
NUMBERS = (
    Symbol("x", "x", "标量", "a scalar",
           "jnp.array(3.5)", "", 3.5),
    Symbol("𝐱", r"\mathbf{x}", "向量", "a vector",
           "jnp.array([1.0, 2.0, 3.0])", "", (1, 2, 3)),
    Symbol("𝐗", r"\mathbf{X}", "矩阵", "a matrix",
           "jnp.array([[1.0, 2.0], [3.0, 4.0]])", "", ((1, 2), (3, 4))),
    Symbol("𝖷", r"\mathsf{X}", "张量", "a tensor",
           "jnp.arange(8.0).reshape(2, 2, 2)", "", (((0, 1), (2, 3)), ((4, 5), (6, 7)))),
    Symbol("𝐈", r"\mathbf{I}", "单位矩阵", "the identity matrix",
           "jnp.eye(n)", "n = 2", ((1, 0), (0, 1))),
    Symbol("xᵢ, [𝐱]ᵢ", r"x_i, [\mathbf{x}]_i", "向量𝐱的第i个元素", "element i of the vector 𝐱",
           "x[i - 1]", "x = jnp.array([10.0, 20.0, 30.0]); i = 2", 20),
    Symbol("xᵢⱼ, [𝐗]ᵢⱼ", r"x_{ij}, [\mathbf{X}]_{ij}", "矩阵𝐗第i行第j列的元素", "element of 𝐗 in row i, column j",
           "X[i - 1, j - 1]", "X = jnp.array([[1.0, 2.0], [3.0, 4.0]]); i, j = 2, 1", 3),
)

SETS = (
    Symbol("𝒳", r"\mathcal{X}", "集合", "a set",
           "jnp.unique(x)", "x = jnp.array([3, 1, 2, 3])", (1, 2, 3)),
    Symbol("ℤ", r"\mathbb{Z}", "整数集（x是否属于它）", "the set of integers: is x in it?",
           "x % 1 == 0", "x = jnp.array([-2.0, 0.5, 7.0, jnp.inf])", (True, False, True, False)),
    Symbol("ℝ", r"\mathbb{R}", "实数集（x是否属于它）", "the set of real numbers: is x in it?",
           "jnp.isreal(x) & jnp.isfinite(x)", "x = jnp.array([-2.5, 1j, jnp.inf])", (True, False, False)),
    Symbol("ℝⁿ", r"\mathbb{R}^n", "n维实向量的集合", "the set of real vectors of n entries",
           "jnp.isrealobj(x) and x.shape == (n,)", "x = jnp.array([1.0, 2.0, 3.0]); n = 3", True),
    Symbol("ℝᵃˣᵇ", r"\mathbb{R}^{a \times b}", "a行b列实矩阵的集合", "the set of real a by b matrices",
           "jnp.isrealobj(X) and X.shape == (a, b)", "X = jnp.zeros((2, 3)); a, b = 2, 3", True),
    Symbol("𝒜 ∪ ℬ", r"\mathcal{A} \cup \mathcal{B}", "集合𝒜和ℬ的并集", "union of 𝒜 and ℬ",
           "jnp.union1d(A, B)", "A, B = jnp.array([1, 2, 3]), jnp.array([3, 4])", (1, 2, 3, 4)),
    Symbol("𝒜 ∩ ℬ", r"\mathcal{A} \cap \mathcal{B}", "集合𝒜和ℬ的交集", "intersection of 𝒜 and ℬ",
           "jnp.intersect1d(A, B)", "A, B = jnp.array([1, 2, 3]), jnp.array([3, 4])", (3,)),
    Symbol("𝒜 ∖ ℬ", r"\mathcal{A} \setminus \mathcal{B}", "差集：ℬ在𝒜中的相对补集", "difference: 𝒜 without ℬ",
           "jnp.setdiff1d(A, B)", "A, B = jnp.array([1, 2, 3]), jnp.array([3, 4])", (1, 2)),
)

FUNCTIONS = (
    Symbol("f(·)", r"f(\cdot)", "函数", "a function",
           "f(x)", "f = lambda x: x**2; x = 3.0", 9),
    Symbol("log(·)", r"\log(\cdot)", "自然对数", "natural logarithm",
           "jnp.log(x)", "x = 10.0", 2.302585092994046),
    Symbol("exp(·)", r"\exp(\cdot)", "指数函数", "exponential function",
           "jnp.exp(x)", "x = 1.0", 2.718281828459045),
    Symbol("𝟏_𝒳", r"\mathbf{1}_{\mathcal{X}}", "集合𝒳的指示函数", "indicator function of the set 𝒳",
           "jnp.where(jnp.isin(x, X), 1, 0)", "X = jnp.array([2, 5, 7]); x = jnp.array([1, 2, 5])", (0, 1, 1)),
    Symbol("(·)ᵀ", r"(\cdot)^\top", "向量或矩阵的转置", "transpose of a vector or matrix",
           "X.T", "X = jnp.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])", ((1, 4), (2, 5), (3, 6))),
    Symbol("𝐗⁻¹", r"\mathbf{X}^{-1}", "矩阵的逆", "inverse of a matrix",
           "jnp.linalg.inv(X)", "X = jnp.array([[2.0, 1.0], [4.0, 3.0]])", ((1.5, -0.5), (-2, 1))),
    Symbol("⊙", r"\odot", "按元素相乘（Hadamard积）", "elementwise (Hadamard) product",
           "X * Y", "X, Y = jnp.array([[1, 2], [3, 4]]), jnp.array([[5, 6], [7, 8]])", ((5, 12), (21, 32))),
    Symbol("[·, ·]", r"[\cdot, \cdot]", "连结", "concatenation",
           "jnp.concatenate([x, y])", "x, y = jnp.array([1.0, 2.0]), jnp.array([3.0])", (1, 2, 3)),
    Symbol("|𝒳|", r"|\mathcal{X}|", "集合𝒳的基数", "cardinality of the set 𝒳",
           "jnp.unique(x).size", "x = jnp.array([3, 1, 2, 3])", 3),
    Symbol("‖·‖ₚ", r"\|\cdot\|_p", "Lp范数", "Lp norm",
           "jn.sums.norm(x, p)", "x = jnp.array([3.0, -4.0]); p = 1", 7),
    Symbol("‖·‖", r"\|\cdot\|", "L2范数", "L2 norm",
           "jn.sums.norm(x)", "x = jnp.array([3.0, -4.0])", 5),
    Symbol("⟨𝐱, 𝐲⟩", r"\langle \mathbf{x}, \mathbf{y} \rangle", "向量𝐱和𝐲的点积", "dot product of 𝐱 and 𝐲",
           "jnp.dot(x, y, precision='highest')", "x, y = jnp.array([1.0, 2.0, 3.0]), jnp.array([4.0, 5.0, 6.0])", 32),
    Symbol("∑", r"\sum", "连加", "sum",
           "jn.sums.summation(f, first=1, last=n)", "f = lambda i: i; n = 100", 5050),
    Symbol("∏", r"\prod", "连乘", "product",
           "jnp.prod(x)", "x = jnp.arange(1.0, 6.0)", 120),
    Symbol("≝", r"\overset{\mathrm{def}}{=}", "定义", "definition",
           "(y := x**2)", "x = 3.0", 9),
)

# Sixteen nodes and weights on [0, 1], exact for polynomials of degree 31.
QUADRATURE = "z, w = np.polynomial.legendre.leggauss(16); t, w = (z + 1) / 2, w / 2"
CALCULUS = (
    Symbol("dy/dx", r"\frac{dy}{dx}", "y关于x的导数", "derivative of y with respect to x",
           "jax.grad(y)(x)", "y = lambda x: x**3; x = 2.0", 12),
    Symbol("∂y/∂xᵢ", r"\frac{\partial y}{\partial x_i}", "y关于xᵢ的偏导数", "partial derivative of y in xᵢ",
           "jn.gradients.partial_derivative(y, x, i - 1)",
           "y = lambda x: x[0] ** 2 * x[1] + jnp.sin(x[1]); x = jnp.array([1.0, 2.0]); i = 1", 4),
    Symbol("∇ₓy", r"\nabla_{\mathbf{x}} y", "y关于𝐱的梯度", "gradient of y with respect to 𝐱",
           "jax.grad(y)(x)",
           "y = lambda x: x[0] ** 2 * x[1] + jnp.sin(x[1]); x = jnp.array([1.0, 2.0])", (4, 1 + math.cos(2))),
    Symbol("∫ₐᵇf(x)dx", r"\int_a^b f(x)\,dx", "f从a到b的定积分（Gauss-Legendre）", "definite integral (Gauss-Legendre)",
           "(b - a) * jnp.sum(w * f(a + (b - a) * t))",
           f"{QUADRATURE}; f = jnp.sin; a, b = math.pi / 3, math.pi", 1.5),
    Symbol("∫f(x)dx", r"\int f(x)\,dx", "f的不定积分：0处为0的原函数，加常数", "indefinite integral: from 0, + const.",
           "x * jnp.sum(w * f(x * t))",
           f"{QUADRATURE}; f = jnp.cos; x = 2.0", math.sin(2)),
)

PROBABILITY = (
    Symbol("P(·)", r"P(\cdot)", "概率分布", "probability distribution",
           "jnp.exp(jn.distributions.Poisson.log_prob(P, k))",
           "P = jn.distributions.Poisson.Params(rate=2.0); k = jnp.array([0, 1, 2])",
           (math.exp(-2), 2 * math.exp(-2), 2 * math.exp(-2))),
    Symbol("z ∼ P", r"z \sim P", "随机变量z服从分布P", "random variable z has distribution P",
           "jn.distributions.Bernoulli.sample(key, P, (n,))",
           "key = jax.random.key(0); P = jn.distributions.Bernoulli.Params(p=1.0); n = 4", (1, 1, 1, 1)),
    Symbol("P(X | Y)", r"P(X \mid Y)", "给定Y时X的条件分布", "conditional distribution of X given Y",
           "joint / joint.sum(0, keepdims=True)",
           "joint = jnp.array([[0.1, 0.3], [0.4, 0.2]])", ((0.2, 0.6), (0.8, 0.4))),
    Symbol("p(x)", "p(x)", "概率密度函数", "probability density function",
           "jnp.exp(jn.distributions.Normal.log_prob(P, x))",
           "P = jn.distributions.Normal.Params(loc=0.0, scale=0.1); x = 0.0", 10 / math.sqrt(2 * math.pi)),
    Symbol("Eₓ[f(x)]", r"E_x[f(x)]", "f(x)的数学期望，x ∼ P", "expectation of f(x), x ∼ P",
           "jn.moments.mean(f(x), weights=P)",
           "f = jnp.square; x = jnp.array([0.0, 1.0, 3.0]); P = jnp.array([0.5, 0.25, 0.25])", 2.5),
    Symbol("X ⊥ Y", r"X \perp Y", "随机变量X和Y相互独立", "X and Y are independent",
           "jnp.allclose(joint, jnp.outer(joint.sum(1), joint.sum(0)))",
           "joint = jnp.array([[0.06, 0.14], [0.24, 0.56]])", True),
    Symbol("X ⊥ Y | Z", r"X \perp Y \mid Z", "给定Z时X和Y条件独立", "X, Y independent given Z",
           "all(jnp.allclose(t * t.sum(), jnp.outer(t.sum(1), t.sum(0))) for t in joint)",
           "joint = jnp.array([[[0.02, 0.08], [0.08, 0.32]], [[0.24, 0.06], [0.16, 0.04]]])", True),
    Symbol("Var(X)", r"\mathrm{Var}(X)", "随机变量X的方差", "variance of X",
           "jn.moments.variance(x, weights=P, ddof=0)",
           "x = jnp.array([0.0, 1.0, 3.0]); P = jnp.array([0.5, 0.25, 0.25])", 1.5),
    Symbol("σ_X", r"\sigma_X", "随机变量X的标准差", "standard deviation of X",
           "jn.moments.std(x, weights=P, ddof=0)",
           "x = jnp.array([0.0, 1.0, 3.0]); P = jnp.array([0.5, 0.25, 0.25])", math.sqrt(1.5)),
    Symbol("Cov(X, Y)", r"\mathrm{Cov}(X, Y)", "随机变量X和Y的协方差", "covariance of X and Y",
           "jn.moments.covariance(x, y, weights=P, ddof=0)",
           "x, y = jnp.array([0.0, 1.0, 3.0]), jnp.array([1.0, 1.0, 2.0]); P = jnp.array([0.5, 0.25, 0.25])", 0.5),
    Symbol("ρ(X, Y)", r"\rho(X, Y)", "X和Y的（Pearson）相关系数", "correlation (Pearson) of X and Y",
           "jn.moments.correlation(x, y, weights=P)",
           "x, y = jnp.array([0.0, 1.0, 3.0]), jnp.array([1.0, 1.0, 2.0]); P = jnp.array([0.5, 0.25, 0.25])",
           math.sqrt(8) / 3),
    Symbol("H(X)", "H(X)", "随机变量X的熵", "entropy of X, in nats",
           "jn.information.entropy(P)", "P = jnp.array([0.5, 0.25, 0.25])", 1.5 * math.log(2)),
    Symbol("D_KL(P‖Q)", r"D_{\mathrm{KL}}(P \| Q)", "P相对于Q的KL散度，不对称", "KL divergence of P from Q, asymmetric",
           "jn.information.kl_divergence(P, Q)",
           "P, Q = jnp.array([0.5, 0.5]), jnp.array([0.9, 0.1])", math.log(5 / 3)),
)

COMPLEXITY = (
    Symbol("𝒪(·)", r"\mathcal{O}(\cdot)", "大O标记（增长的上界），测出的次数", "big O (a bound on growth), its power",
           "jn.sums.scaling_exponent(sizes, times).exponent",
           "sizes = jnp.array([100.0, 200.0, 400.0, 800.0]); times = 3e-6 * sizes**2", 2),
)

GROUPS = (
    Group("数字", "Numbers", NUMBERS),
    Group("集合论", "Set theory", SETS),
    Group("函数和运算符", "Functions and operators", FUNCTIONS),
    Group("微积分", "Calculus", CALCULUS),
    Group("概率与信息论", "Probability and information theory", PROBABILITY),
    Group("复杂度", "Complexity", COMPLEXITY),
)
SYMBOLS = tuple(symbol for group in GROUPS for symbol in group.symbols)

PARAMETERS = (
    # data
    Parameter("X",              "𝐗",      "设计矩阵，每行一个样本",         "design matrix, one row per sample"),
    Parameter("y",              "𝐲",      "响应变量（标签）",               "response (labels)"),
    Parameter("x",              "𝐱",      "数据，或函数的自变量",           "data, or the variable of a function"),
    Parameter("weights",        "w",      "频数权重：权为k的行算k行",       "frequencies: weight k is k rows"),
    Parameter("precision",      "P",      "观测的权：方差的倒数",           "precisions: 1 / variance"),
    Parameter("trials",         "n",      "试验次数",                       "number of trials"),
    Parameter("A",              "𝐀",      "第一组点，每行一个",             "the first points, one per row"),
    Parameter("B",              "𝐁",      "第二组点，每行一个",             "the second points, one per row"),
    Parameter("sd",             "τ",      "先验的标准差",                   "standard deviation of a prior"),
    Parameter("lag",            "k",      "自相关的滞后阶数",               "lag of an autocorrelation"),
    # models and inference
    Parameter("params",         "θ",      "模型或分布的参数",               "parameters of a model or a law"),
    Parameter("coef",           "β",      "回归系数",                       "regression coefficients"),
    Parameter("intercept",      "β₀",     "截距",                           "intercept"),
    Parameter("eta",            "η",      "线性预测值",                     "linear predictor"),
    Parameter("l2",             "λ",      "L2惩罚（权重衰减）系数",         "L2 penalty (weight decay)"),
    Parameter("level",          "1−α",    "置信水平",                       "confidence level"),
    Parameter("n_classes",      "K",      "类别数",                         "number of classes"),
    Parameter("ddof",           "Δν",     "自由度修正：除数为n−ddof",       "correction: the divisor is n − ddof"),
    Parameter("df",             "ν",      "自由度",                         "degrees of freedom"),
    Parameter("se",             "SE",     "标准误",                         "standard error"),
    # probability and information
    Parameter("p",              "p",      "概率，或离散分布",               "probability, or a distribution"),
    Parameter("q",              "q",      "与p比较的离散分布",              "the distribution compared with p"),
    Parameter("joint",          "P(X,Y)", "X和Y的联合分布表",               "joint table of X and Y"),
    Parameter("loc",            "μ",      "位置参数",                       "location"),
    Parameter("scale",          "σ",      "尺度参数",                       "scale"),
    Parameter("mean",           "𝛍",      "均值向量",                       "mean vector"),
    Parameter("covariance",     "𝚺",      "协方差矩阵",                     "covariance matrix"),
    Parameter("mu",             "μ",      "对数正态：对数的均值",           "lognormal: mean of the logarithm"),
    Parameter("mu",             "μ",      "负二项分布的均值",               "negative binomial: its mean"),
    Parameter("sigma",          "σ",      "对数正态：对数的标准差",         "lognormal: sd of the logarithm"),
    Parameter("size",           "r",      "负二项分布的离散度参数",         "negative binomial: dispersion"),
    Parameter("rate",           "λ",      "泊松、指数分布的率参数",         "rate of a Poisson or exponential law"),
    Parameter("rate",           "β",      "伽马分布的率参数",               "rate of a gamma law"),
    Parameter("shape",          "α",      "伽马、韦布尔等的形状参数",       "shape of gamma, Weibull, Pareto"),
    Parameter("a",              "α",      "贝塔分布的第一个形状参数",       "first shape of a beta law"),
    Parameter("b",              "β",      "贝塔分布的第二个形状参数",       "second shape of a beta law"),
    Parameter("lower",          "a",      "均匀分布的下界",                 "least value of a uniform law"),
    Parameter("upper",          "b",      "均匀分布的上界",                 "largest value of a uniform law"),
    Parameter("W",              "𝐖",      "一层的权重矩阵，每行一个单元",   "weights of a layer, one row per unit"),
    # gradients and gradient descent
    Parameter("fun",            "f",      "函数（目标函数）",               "function, objective"),
    Parameter("x0",             "𝐱₀",     "迭代的起点",                     "starting point"),
    Parameter("a",              "𝐚",      "切点",                           "point of tangency"),
    Parameter("i",              "i",      "坐标的序号，从0起",              "index of a coordinate, from 0"),
    Parameter("u",              "𝐮",      "方向",                           "direction"),
    Parameter("v",              "𝐯",      "雅可比或Hessian矩阵所乘的向量",  "vector: Jacobian or Hessian times it"),
    Parameter("w",              "𝐰",      "雅可比矩阵的转置所乘的向量",     "vector: transposed Jacobian times it"),
    Parameter("gradient",       "∇f",     "梯度",                           "gradient"),
    Parameter("hessian",        "𝐇",      "Hessian矩阵",                    "Hessian matrix"),
    Parameter("step",           "h",      "差分步长",                       "step of a difference quotient"),
    Parameter("rate",           "η",      "学习率",                         "learning rate"),
    Parameter("decay",          "β",      "动量系数",                       "momentum coefficient"),
    Parameter("decay",          "γ",      "学习率η/(1+γk)的衰减率",         "decay of the rate η / (1 + γ k)"),
    Parameter("eigenvalue",     "λ",      "特征值",                         "eigenvalue"),
    Parameter("mu",             "μ",      "最小曲率（强凸常数）",           "least curvature (strong convexity)"),
    Parameter("L",              "L",      "最大曲率（梯度的利普希茨常数）", "largest curvature (Lipschitz of ∇f)"),
    Parameter("kappa",          "κ",      "条件数L/μ",                      "condition number L / μ"),
    Parameter("tol",            "ε",      "容差",                           "tolerance"),
    # activations
    Parameter("activation",     "φ",      "激活函数",                       "activation function"),
    Parameter("alpha",          "α",      "ELU在负侧的饱和值",              "ELU: saturates at −α"),
    Parameter("negative_slope", "α",      "Leaky ReLU在负侧的斜率",         "leaky ReLU: slope below 0"),
    Parameter("variance",       "q",      "预激活值的方差",                 "variance of the pre-activation"),
    Parameter("gain",           "g",      "增益",                           "gain"),
    # sums and broadcasting
    Parameter("n",              "n",      "上限、项数或总数",               "last index, number of terms or things"),
    Parameter("k",              "k",      "取出的个数",                     "how many are chosen"),
    Parameter("x",              "x",      "二项式(x+y)ⁿ的第一项",           "first term of (x + y)ⁿ"),
    Parameter("y",              "y",      "二项式(x+y)ⁿ的第二项",           "second term of (x + y)ⁿ"),
    Parameter("a",              "aᵢ",     "数列",                           "sequence"),
    Parameter("ratio",          "r",      "等比数列的公比",                 "ratio of a geometric series"),
    Parameter("order",          "p",      "范数的阶",                       "order of a norm"),
    Parameter("a",              "𝐚",      "外积的第一个向量",               "first vector of an outer product"),
    Parameter("b",              "𝐛",      "外积的第二个向量",               "second vector of an outer product"),
)
# fmt: on


def table(language: str) -> str:
    """The whole table as text, aligned in 100 columns: symbol, meaning, expression; then the names of PARAMETERS.

    LaTeX and examples are in the rows: see `lookup`. Chinese characters count as two columns, as in a terminal.

    Args:
        language: of the meanings, "zh" or "en".

    Returns:
        The lines to print, one string.

    Raises:
        ValueError: any other language.

    >>> print(table("zh"))
    数字
    ----...
    x           标量                            jnp.array(3.5)
    𝐱           向量                            jnp.array([1.0, 2.0, 3.0])
    ...
    >>> print(table("en")[:7])
    Numbers
    """
    if language not in ("zh", "en"):
        raise ValueError(f"language: expected 'zh' or 'en', got {language!r}.")
    sections = [
        (getattr(group, language), [(row.symbol, getattr(row, language), row.expression) for row in group.symbols])
        for group in GROUPS
    ]
    title = {"zh": "本库的参数名", "en": "Parameter names of this library"}[language]
    sections.append((title, [(row.symbol, getattr(row, language), row.name) for row in PARAMETERS]))
    first, second = (max(_columns(row[j]) for _, rows in sections for row in rows) + 2 for j in (0, 1))
    lines = []
    for title, rows in sections:
        lines += ["", title, "-" * WIDTH]
        for symbol, meaning, code in rows:
            wrapped = textwrap.wrap(code, WIDTH - first - second, break_long_words=False, break_on_hyphens=False)
            lines.append(_padded(symbol, first) + _padded(meaning, second) + wrapped[0])
            lines += [" " * (first + second) + more for more in wrapped[1:]]
    return "\n".join(lines[1:])


def lookup(name: str) -> tuple[Symbol | Parameter, ...]:
    """The rows of a symbol, of its LaTeX or of a parameter's name; where there is none, those whose meaning has it.

    Args:
        name: what to look up, a string.

    Returns:
        The rows of SYMBOLS, then of PARAMETERS; none where nothing is found.

    Raises:
        TypeError: name is no string.

    >>> print(*lookup("kappa"), sep="\\n")
    Parameter(name='kappa', symbol='κ', zh='条件数L/μ', en='condition number L / μ')
    >>> norm, *_ = lookup("范数")
    >>> print(norm.latex, norm.expression, norm.given, norm.value, sep=" | ")
    \\|\\cdot\\|_p | jn.sums.norm(x, p) | x = jnp.array([3.0, -4.0]); p = 1 | 7
    """
    if not isinstance(name, str):
        raise TypeError(f"name: expected a string, got {type(name).__name__}. Try 'kappa', '∇ₓy' or 'entropy'.")
    rows = (*SYMBOLS, *PARAMETERS)
    named = tuple(row for row in rows if name in row[:2])
    return named or tuple(row for row in rows if name in row.zh or name.lower() in row.en.lower())


def _columns(text: str) -> int:
    """The columns that text takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - _columns(text))
