"""Every loose or wrong sentence of the notes, in their words, and the statement that holds instead, as a property."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnotes import (
    Status,
    activations,
    broadcasting,
    datasets,
    distributions,
    gradient_descent,
    gradients,
    information,
    least_squares,
    logistic_regression,
    maximum_likelihood,
    methods,
    moments,
    sums,
    x64,
)

numbers = st.floats(-3, 3, width=32).map(lambda v: round(v, 3))
seeds = st.integers(0, 10**6)


def smooth(seed: int, size: int = 3):
    """A random smooth function of `size` numbers and a random point, in float64."""
    rng = np.random.default_rng(seed)
    A, b, x = rng.standard_normal((size, size)), rng.standard_normal(size), rng.standard_normal(size)
    return (lambda v: jnp.sum(jnp.sin(A @ v)) + b @ v + jnp.sum(v**2) / 2), x


# 1.1


@settings(max_examples=25)
@given(seeds, numbers)
def test_the_gradient_is_a_number_or_vector_and_the_tangent_a_graph(seed, t):
    """«该函数的梯度为一条切线»、«此函数的梯度为一个切面»: the gradient lives among the inputs, across the level set.
    The tangent is the graph of x -> f(a) + grad f(a) . (x - a), off by O(h^2), with normal (-grad f, 1).
    """
    with x64():
        fun, a = smooth(seed)
        gradient = jax.grad(fun)(a)
        assert gradient.shape == a.shape
        plane, rng = gradients.tangent(fun, a), np.random.default_rng(seed + 1)
        u = rng.standard_normal(3)
        step = np.array([1e-2, 1e-3])
        off = [abs(float(fun(a + h * u) - plane(a + h * u))) for h in step]
        assert off[1] <= 0.02 * off[0] + 1e-12  # ten times nearer, a hundred times better
        moved = plane(a + t * u) - plane(a)
        np.testing.assert_allclose(np.dot([*-gradient, 1], [*(t * u), moved]), 0, atol=1e-10)
        along = u - (u @ gradient) / (gradient @ gradient) * gradient
        np.testing.assert_allclose(gradients.directional_derivative(fun, a, along), 0, atol=1e-8)


@settings(max_examples=25)
@given(seeds)
def test_the_gradient_is_the_steepest_direction_of_unit_length_in_the_euclidean_norm(seed):
    """«梯度是函数增长最快的方向»: of Euclidean unit vectors, by Cauchy and Schwarz; other norms, other directions."""
    with x64():
        fun, a = smooth(seed)
        g = np.asarray(jax.grad(fun)(a))
        u = np.random.default_rng(seed).standard_normal((200, 3))
        rate = jax.vmap(lambda u: gradients.directional_derivative(fun, a, u))(u)
        assert rate.max() <= np.linalg.norm(g) * (1 + 1e-12)
        np.testing.assert_allclose(gradients.directional_derivative(fun, a, g), np.linalg.norm(g), rtol=1e-12)
        for norm, order in (("l1", 1), ("linf", np.inf)):
            best = np.asarray(gradients.steepest_direction(g, norm))
            unit = u / np.linalg.norm(u, order, axis=1, keepdims=True)
            assert (unit @ g).max() <= best @ g * (1 + 1e-12)
            euclidean = g / np.linalg.norm(g, order)
            assert euclidean @ g <= best @ g * (1 + 1e-12)


def test_more_dimensions_hide_the_picture_and_nothing_else(double):
    """«如果再进行维度拓展,将无法进行求解»: the gradient of a function of a thousand numbers is as exact as of one."""
    x = np.linspace(-1, 1, 1000)
    np.testing.assert_allclose(jax.grad(lambda x: jnp.sum(x**3))(x), 3 * x**2, rtol=1e-12)


def test_partial_derivatives_do_not_make_a_gradient(double):
    """«科学家通过引入偏导,求解梯度»: x y / sqrt(x^2 + y^2) has both partials at 0 and the slope 1/2 between them."""

    def cone(x):
        return jnp.where(jnp.any(x != 0), x[0] * x[1] / jnp.hypot(x[0], x[1]), 0.0)

    slopes = [
        float(gradients.forward_difference(lambda t, u=u: cone(t * jnp.array(u)), 0.0))
        for u in ([1.0, 0.0], [0.0, 1.0], [0.5**0.5, 0.5**0.5])
    ]
    np.testing.assert_allclose(slopes, [0, 0, 0.5], atol=1e-7)


# 1.2


@pytest.mark.parametrize(("kappa", "angle"), [(1.0, 0.0), (10.0, 39.3), (100.0, 44.4)])
def test_the_negative_gradient_does_not_point_at_the_minimum(kappa, angle):
    """«在此方向取负梯度,函数下降的最快,进而找到函数的最小值»: fastest for an infinitely short step only; the angle to
    the minimum, from the diagonal of a bowl, grows with the condition number.
    """
    x = np.ones(2)
    downhill, home = -np.array([1, kappa]) * x, -x
    cosine = downhill @ home / np.linalg.norm(downhill) / np.linalg.norm(home)
    assert np.degrees(np.arccos(min(cosine, 1))) == pytest.approx(angle, abs=0.05)


@pytest.mark.long
@settings(max_examples=20)
@given(seeds, st.floats(0.05, 1.9))
def test_descent_falls_for_rates_below_two_over_L_and_may_end_in_a_saddle(seed, share):
    """«进而找到函数的最小值»: a step falls where rate < 2 / L, and what descent finds is level: perhaps a saddle."""
    with x64():
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((4, 4))
        H, x = A @ A.T + 0.1 * np.eye(4), rng.standard_normal(4)
        L = float(gradients.curvature(H).L)
        path = gradient_descent.minimize_path(
            lambda x: x @ H @ x / 2, x, method=methods.gradient_descent(share / L), steps=5
        )
        assert (np.diff(path.value) < 0).all()
        saddle = gradient_descent.minimize(
            lambda x: x[0] ** 2 - x[1] ** 2, np.array([1.0, 0.0]), method=methods.gradient_descent(0.3)
        )
        assert saddle.status == Status.CONVERGED
        np.testing.assert_allclose(saddle.params, 0, atol=1e-9)


# 2


def test_shapes_are_aligned_from_the_right_or_refused():
    """«在不符合线性代数矩阵运算时,矩阵会自动扩展结构»: only axes of length 1 stretch, aligned at the last axis, and for
    every operation on entries; what does not fit is an error.
    """
    assert broadcasting.broadcast_shapes((2, 3), (3,)) == (2, 3)
    with pytest.raises(ValueError, match="axis -1"):
        broadcasting.broadcast_shapes((2, 3), (2,))
    with pytest.raises(ValueError, match="axis"):
        broadcasting.broadcast_shapes((2, 3), (3, 2))
    a, b = np.arange(6.0).reshape(2, 3), np.array([[10.0], [20.0]])
    for operation in (jnp.add, jnp.multiply, jnp.maximum, jnp.power):
        np.testing.assert_allclose(operation(a, b), np.asarray(operation(a, np.repeat(b, 3, axis=1))))


@settings(max_examples=30)
@given(st.lists(numbers, min_size=2, max_size=6), seeds)
def test_stretching_in_silence_computes_another_loss(y, seed):
    """A column of predictions against a vector: all pairs are compared, and the loss is Var + Var + gap^2."""
    y = np.array(y, np.float32)
    prediction = np.random.default_rng(seed).standard_normal((len(y), 1)).astype(np.float32)
    loss = broadcasting.all_pairs_loss(prediction, y)
    expected = np.var(prediction) + np.var(y) + (prediction.mean() - y.mean()) ** 2
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-6)


# 3


def test_residuals_are_vertical_and_the_euclidean_distance_gives_another_line(double):
    """«每条红色竖线…称为欧氏距离»: the distance to the line is shorter by sqrt(1 + slope^2), and minimizing it is
    `fit_orthogonal`.
    """
    first = datasets.anscombe()[0]
    x, y = np.asarray(first.x, float), np.asarray(first.y, float)
    vertical, orthogonal = least_squares.fit(x[:, None], y).params, least_squares.fit_orthogonal(x, y).params
    assert float(vertical.coef[0]) == pytest.approx(0.5000909, abs=1e-7)
    assert float(orthogonal.coef[0]) == pytest.approx(0.55440, abs=1e-5)

    def distances(params):
        slope, base = float(params.coef[0]), float(params.intercept)
        nearest = (x + slope * (y - base)) / (1 + slope**2)
        return np.hypot(x - nearest, y - base - slope * nearest), np.abs(y - base - slope * x)

    for params in (vertical, orthogonal):
        straight, upright = distances(params)
        np.testing.assert_allclose(straight * np.sqrt(1 + float(params.coef[0]) ** 2), upright, rtol=1e-12)
    assert np.sum(distances(orthogonal)[0] ** 2) < np.sum(distances(vertical)[0] ** 2)
    assert np.sum(distances(orthogonal)[1] ** 2) > np.sum(distances(vertical)[1] ** 2)


@settings(max_examples=20)
@given(seeds)
def test_errors_added_up_are_zero_at_the_optimum(seed):
    """«然后将这些误差加起来,就得到线性回归的损失函数»: the errors themselves sum to 0; their squares are added."""
    with x64():
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((12, 2)), rng.standard_normal(12)
        residual = y - least_squares.predict(least_squares.fit(X, y), X)
        assert abs(float(jnp.sum(residual))) < 1e-12


def test_a_sum_from_zero_to_m_has_one_term_too_many():
    """«sum_{i=0}^{m}» over m points: it has m + 1 terms."""
    for m in (1, 7, 100):
        assert int(sums.summation(lambda i: 1, first=0, last=m)) == m + 1
        assert int(sums.summation(lambda i: 1, first=1, last=m)) == m


@pytest.mark.long
@settings(max_examples=15)
@given(seeds, st.integers(1, 4))
def test_redundant_observations_are_counted_by_redundancy_numbers(seed, p):
    """«总是作多余观测»: n observations of t unknowns leave r = n - t; each observation's share of r is 1 - leverage."""
    with x64():
        X = np.random.default_rng(seed).standard_normal((11, p))
        redundancy = 1 - np.asarray(least_squares.leverage(X))
        assert ((redundancy > -1e-12) & (redundancy < 1)).all()
        assert redundancy.sum() == pytest.approx(11 - (p + 1), abs=1e-9)


# 4


def test_a_likelihood_is_no_probability_of_its_parameter(double):
    """«找出最有可能生成该样本的参数»: the sample is most probable under it. Along x the formula sums to 1, along the
    parameter to 1 / (n + 1); a density may exceed 1; the binomial coefficient moves the curve, not its maximum.
    """
    n, k = 10, 7
    points, weights = np.polynomial.legendre.leggauss(20)
    p = (points + 1) / 2
    choose = sums.binomial_coefficient(n, k)
    likelihood = choose * p**k * (1 - p) ** (n - k)
    assert np.sum(weights / 2 * likelihood) == pytest.approx(1 / 11, rel=1e-12)
    assert sum(sums.binomial_terms(0.3, 0.7, n=n)) == pytest.approx(1, rel=1e-12)

    def fitted(constant):
        return gradient_descent.minimize(lambda t: -(k * jnp.log(t) + (n - k) * jnp.log1p(-t) + constant), 0.5).params

    np.testing.assert_allclose([fitted(0.0), fitted(np.log(choose))], 0.7, rtol=1e-8)
    assert float(np.log(choose)) == pytest.approx(4.787492, abs=1e-6)
    assert 1 / (np.sqrt(2 * np.pi) * 0.1) == pytest.approx(3.9894, abs=1e-4)


def test_the_logarithm_of_a_likelihood_is_natural(double):
    """10^9 log(1/2) = -301029995.66 to base 10 and -693147180.56 in truth. Base 10 leaves the maximum in place, divides
    score and information by ln 10, and makes standard errors sqrt(ln 10) = 1.5174 times too large.
    """
    np.testing.assert_allclose([1e9 * np.log10(0.5), 1e9 * np.log(0.5)], [-301029995.66, -693147180.56], atol=0.01)

    def coin(log):
        return lambda p, heads: jnp.where(heads == 1, log(p), log(1 - p))

    sides, counts = jnp.array([0, 1]), jnp.array([3, 7])
    fits = {log: maximum_likelihood.fit(coin(log), 0.5, sides, weights=counts) for log in (jnp.log, jnp.log10)}
    se = [maximum_likelihood.infer(coin(log), fit, sides, weights=counts).se[0] for log, fit in fits.items()]
    np.testing.assert_allclose([fit.params for fit in fits.values()], 0.7, rtol=1e-8)
    np.testing.assert_allclose(se[0], np.sqrt(0.21 / 10), rtol=1e-8)
    np.testing.assert_allclose(se[1] / se[0], np.sqrt(np.log(10)), rtol=1e-8)


def test_the_largest_likelihood_may_be_where_no_derivative_is_zero(double):
    """«最后求导得出使得概率最大的参数值»: the maximum of a binomial law without successes is on the edge, that of a
    uniform law at a jump, that of a Laplace law in a corner; the score is zero at none of them.
    """
    p = jnp.linspace(0.001, 0.999, 50)
    binomial, uniform, laplace = distributions.Binomial, distributions.Uniform, distributions.Laplace
    scores = jax.vmap(jax.grad(lambda p: binomial.log_prob(binomial.Params(10, p), 0)))(p)
    np.testing.assert_allclose(scores, -10 / (1 - p), rtol=1e-10)
    edge = binomial.fit([0], trials=10)
    assert (float(edge.params.p), int(edge.status)) == (0, Status.BOUNDARY)

    x = np.array([0.2, 0.3, 1.4])
    log_likelihood = jax.vmap(lambda theta: uniform.log_prob(uniform.Params(0.0, theta), x).sum())
    theta = np.linspace(1.4, 3.0, 30)
    assert np.all(np.isneginf(log_likelihood(np.array([1.0, 1.27, 1.3999]))))
    np.testing.assert_allclose(log_likelihood(theta), -3 * np.log(theta), rtol=1e-12)
    assert float(uniform.fit(x).params.upper) == 1.4
    assert int(uniform.fit(x).status) == Status.BOUNDARY

    fitted = laplace.fit(x).params
    assert float(fitted.loc) == 0.3
    slope = jax.vmap(jax.grad(lambda m: laplace.log_prob(laplace.Params(m, fitted.scale), x).sum()))
    below, above = slope(np.array([0.3 - 1e-9, 0.3 + 1e-9]))
    np.testing.assert_allclose([below, above], np.array([1, -1]) / fitted.scale, rtol=1e-8)


# 5


def test_setting_the_derivative_to_zero_needs_overlap_and_iterations():
    """«最后求导得出使得概率最大的参数值»: there is no closed form, and for separated data no answer at all."""
    x = np.array([[-2.0], [-1.0], [1.0], [2.0]], np.float32)
    separated = logistic_regression.fit(x, np.array([0, 0, 1, 1]))
    assert separated.status == Status.SEPARATED
    overlapping = logistic_regression.fit(x, np.array([0, 1, 0, 1]))
    assert overlapping.status == Status.CONVERGED
    assert overlapping.steps > 1


def test_descent_on_separated_data_runs_away_like_the_logarithm(double):
    """The length of the coefficients grows with log t: ln 10 = 2.303 per decade in the limit."""
    x, sign = np.array([1.0, 2.0, -1.0, -2.0]), np.array([1.0, 1.0, -1.0, -1.0])
    path = gradient_descent.minimize_path(
        lambda w: jnp.mean(jnp.logaddexp(0, -sign * x * w)), 0.0, method=methods.gradient_descent(1.0), steps=10_000
    )
    assert float(path.params[1000]) == pytest.approx(6.231, abs=1e-3)
    assert float(path.params[-1] - path.params[1000]) == pytest.approx(2.288, abs=1e-3)


# 6


def test_sigmoid_has_its_place_and_tanh_its_limits():
    """«除非用在二元分类的输出层,不然绝对不要用»、«几乎在所有场合都适用»: with the exact gain the signal of both is
    stable in depth, where that of GELU and SiLU is not; and both saturate, tanh sooner.
    """
    slopes = {name: float(activations.variance_map_slope(getattr(activations, name))) for name in activations.NAMES}
    assert slopes["sigmoid"] < slopes["tanh"] < 1 < slopes["gelu"] < slopes["silu"]
    x = jnp.float32(8.5)
    assert jax.jit(activations.tanh, compiler_options={"xla_backend_optimization_level": 3})(x) == 1  # as users compile
    assert activations.sigmoid(x) < 1
    assert jax.grad(activations.tanh)(x) < 1e-6 < jax.grad(activations.sigmoid)(x)
    np.testing.assert_allclose(activations.tanh(x / 4), 2 * activations.sigmoid(x / 2) - 1, rtol=1e-6)


@settings(max_examples=20)
@given(seeds)
def test_a_relu_can_die_where_a_leaky_one_cannot(seed):
    """«不知道用哪个的时候,用这个»: a unit whose input is negative for every example passes no gradient, for ever."""
    rng = np.random.default_rng(seed)
    X, w = rng.uniform(0, 1, (20, 3)).astype(np.float32), rng.uniform(-1, -0.1, 3).astype(np.float32)

    def loss(w, activation):
        return jnp.mean((activation(X @ w - 0.01) - 1) ** 2)

    assert not np.any(jax.grad(loss)(w, activations.relu))
    assert np.all(np.asarray(jax.grad(loss)(w, activations.leaky_relu)) != 0)
    assert jax.grad(activations.relu)(0.0) == 0  # a convention, as jnp.maximum's 1/2 is
    assert jax.grad(lambda x: jnp.maximum(x, 0.0))(0.0) == 0.5


# Appendix


@settings(max_examples=40)
@given(st.lists(numbers, min_size=3, max_size=3), st.lists(numbers, min_size=3, max_size=3), numbers)
def test_l_p_is_a_norm_and_a_regularizer_need_not_be(x, y, scale):
    """«‖⋅‖p: Lp 正则»: 范数. Norms are homogeneous and obey the triangle inequality; the squared penalty does not."""
    x, y = np.array(x, np.float32), np.array(y, np.float32)
    for order in (1, 1.5, 2, np.inf):
        norm = lambda v, order=order: float(sums.norm(jnp.asarray(v), order))  # noqa: E731
        assert norm(scale * x) == pytest.approx(abs(scale) * norm(x), rel=1e-5, abs=1e-6)
        assert norm(x + y) <= (norm(x) + norm(y)) * (1 + 1e-6) + 1e-6
    one = jnp.ones(3)
    assert float(sums.norm(2 * one) ** 2) == pytest.approx(4 * float(sums.norm(one) ** 2))
    assert float(sums.norm(one + one) ** 2) > 2 * float(sums.norm(one) ** 2)


def test_kl_is_no_distance_and_uncorrelated_is_not_independent(double):
    """«P和Q的KL-散度» is not symmetric; «随机变量X和Y的相关性» is Pearson's coefficient: 0 for y = x^2 on -1, 0, 1."""
    p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    there, back = information.kl_divergence(p, q), information.kl_divergence(q, p)
    np.testing.assert_allclose([there, back], [0.51083, 0.36806], atol=5e-6)
    x = np.array([-1.0, 0.0, 1.0])
    assert abs(float(moments.correlation(x, x**2))) < 1e-15
    joint = np.array([[0, 1 / 3], [1 / 3, 0], [0, 1 / 3]])  # rows x = -1, 0, 1; columns x^2 = 0, 1
    assert float(information.mutual_information(joint)) > 0.6


def test_big_o_is_measured_as_a_slope(double):
    """«O:大O标记» bounds from above only: n is O(n^2) too. What a measurement gives is the exponent itself."""
    n = np.array([100.0, 200.0, 400.0, 800.0])
    assert float(sums.scaling_exponent(n, 3e-9 * n**2).exponent) == pytest.approx(2, rel=1e-9)
    assert (3 * n <= 3 * n**2).all()
