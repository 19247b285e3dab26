"""Chapter 6 against mpmath in 60 digits, far out, at the edges and at the kinks; the moments against integrals."""

import functools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from tolerances import assert_close

from jaxnotes import activations, x64

pytestmark = pytest.mark.repeated

mp.mp.dps = 60
INF = np.inf


def sigma(x):
    return 1 / (1 + mp.exp(-x))


def density(x):
    return mp.npdf(x)


def unit(x, right, left):
    """Value, first and second derivative of right x for x > 0, left (exp(x) - 1) below."""
    return (right * x, right, 0) if x > 0 else (left * mp.expm1(x), left * mp.exp(x), left * mp.exp(x))


def sigmoid_family(x):
    return sigma(x), sigma(x) * sigma(-x), sigma(x) * sigma(-x) * (sigma(-x) - sigma(x))


SCALE, ALPHA = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")
# Value, first and second derivative by formulas that lose nothing in 60 digits.
EXACT = {
    "sigmoid": sigmoid_family,
    "tanh": lambda x: (mp.tanh(x), mp.sech(x) ** 2, -2 * mp.tanh(x) * mp.sech(x) ** 2),
    "relu": lambda x: unit(x, 1, 0),
    "leaky_relu": lambda x: (x, 1, 0) if x >= 0 else (mp.mpf("0.01") * x, mp.mpf("0.01"), 0),
    "elu": lambda x: unit(x, 1, 1),
    "selu": lambda x: unit(x, SCALE, SCALE * ALPHA),
    "softplus": lambda x: (mp.log1p(mp.exp(x)), *sigmoid_family(x)[:2]),
    "log_sigmoid": lambda x: (-mp.log1p(mp.exp(-x)), sigma(-x), -sigma(x) * sigma(-x)),
    "gelu": lambda x: (x * mp.ncdf(x), mp.ncdf(x) + x * density(x), (2 - x * x) * density(x)),
    "silu": lambda x: (
        x * sigma(x),
        sigma(x) + x * sigma(x) * sigma(-x),
        sigma(x) * sigma(-x) * (2 - x * (sigma(x) - sigma(-x))),
    ),
}
# The same at -inf, 0 and inf: limits, and at a kink the convention.
ELU_0, SELU_0 = (0, 1, 1), (0, float(SCALE * ALPHA), float(SCALE * ALPHA))
EDGES = {
    "sigmoid": ((0, 0, 0), (0.5, 0.25, 0), (1, 0, 0)),
    "tanh": ((-1, 0, 0), (0, 1, 0), (1, 0, 0)),
    "relu": ((0, 0, 0), (0, 0, 0), (INF, 1, 0)),
    "leaky_relu": ((-INF, 0.01, 0), (0, 1, 0), (INF, 1, 0)),
    "elu": ((-1, 0, 0), ELU_0, (INF, 1, 0)),
    "selu": ((-float(SCALE * ALPHA), 0, 0), SELU_0, (INF, float(SCALE), 0)),
    "softplus": ((0, 0, 0), (np.log(2), 0.5, 0.25), (INF, 1, 0)),
    "log_sigmoid": ((-INF, 1, 0), (-np.log(2), 0.5, -0.25), (0, 0, 0)),
    "gelu": ((0, 0, 0), (0, 0.5, np.sqrt(2 / np.pi)), (INF, 1, 0)),
    "silu": ((0, 0, 0), (0, 0.5, 0.5), (INF, 1, 0)),
}
# Where results underflow: exp(-x), exp(-2x) and exp(-x^2 / 2), in either precision.
UNDERFLOW = {"float32": [(80, 107), (40, 54), (12.5, 15)], "float64": [(700, 760), (350, 380), (37, 39.5)]}
ULPS = 8  # how far off; the worst seen on CPU is 4


def grid(dtype) -> np.ndarray:
    rng = np.random.default_rng(0)
    sizes = [10.0 ** np.linspace(-30, 4, 52), rng.uniform(0, 20, 50), rng.uniform(0, 120, 30)]
    sizes += [np.linspace(*ends, 40) for ends in UNDERFLOW[np.dtype(dtype).name]]
    size = np.concatenate(sizes).astype(dtype)
    return np.concatenate([size, -size])


def derivatives(function, x):
    """Value, first and second derivative at each of x, by reverse mode of reverse mode."""
    slope = jax.grad(function)
    return [np.asarray(jax.jit(jax.vmap(f))(jnp.asarray(x))) for f in (function, slope, jax.grad(slope))]


@pytest.mark.parametrize("name", activations.NAMES)
def test_value_and_two_derivatives_against_mpmath(name, dtype):
    """Within a few ulp of the result, or of what a change of x by one ulp makes of it, or the smallest normal."""
    info, x = np.finfo(dtype), grid(dtype)
    eps, tiny = mp.mpf(float(info.eps)), mp.mpf(float(info.tiny))
    found = derivatives(getattr(activations, name), x)
    assert all(values.dtype == dtype for values in found)
    for at, *values in zip(x, *found, strict=True):
        at = mp.mpf(float(at))
        for value, exact, moved in zip(values, EXACT[name](at), EXACT[name](at * (1 + eps)), strict=True):
            bound = ULPS * (eps * abs(exact) + abs(moved - exact)) + tiny
            assert abs(mp.mpf(float(value)) - exact) <= bound, (float(at), float(value), float(exact))


@pytest.mark.parametrize("name", activations.NAMES)
def test_edges(name, dtype):
    found = derivatives(getattr(activations, name), np.array([-INF, 0.0, -0.0, INF], dtype))
    left, zero, right = EDGES[name]
    for k in range(3):
        expected = [left[k], zero[k], zero[k], right[k]]
        np.testing.assert_allclose(found[k], expected, rtol=4 * np.finfo(dtype).eps, atol=0, err_msg=f"derivative {k}")


@pytest.mark.parametrize("name", activations.NAMES)
def test_nan_stays_nan(name):
    assert np.isnan(getattr(activations, name)(np.nan))


KINKS = {"relu": (0.0, 1.0), "leaky_relu": (0.01, 1.0), "selu": (float(SCALE * ALPHA), float(SCALE))}


@pytest.mark.parametrize(("name", "side"), [("relu", 0), ("leaky_relu", 1), ("selu", 0)])
def test_derivative_at_the_kink_is_the_stated_side(name, side, double):
    """The one-sided slopes by differences, and which of them the derivative takes."""
    function, step = getattr(activations, name), 1e-7
    slopes = [float(function(-step)) / -step, float(function(step)) / step]
    assert slopes == pytest.approx(KINKS[name], rel=1e-6)
    assert float(jax.grad(function)(0.0)) == pytest.approx(KINKS[name][side], rel=1e-15)
    assert float(jax.jvp(function, (-0.0,), (1.0,))[1]) == pytest.approx(KINKS[name][side], rel=1e-15)


def test_elu_is_smooth_at_zero_only_for_alpha_1(double):
    for alpha in (1.0, 0.5, 2.0):
        slope = jax.grad(functools.partial(activations.elu, alpha=alpha))
        assert float(slope(0.0)) == alpha
        assert float(slope(-1e-9)) == pytest.approx(alpha)
        assert float(slope(1e-9)) == 1


def test_saturation_in_float32():
    """Where the values round to 1; the derivatives do not round to 0, as sigma (1 - sigma) and 1 - tanh^2 would."""
    for function, last, first in [(activations.sigmoid, 16.635, 16.636), (activations.tanh, 7.998, 7.999)]:
        # With the optimization that users have.
        value = jax.jit(function, compiler_options={"xla_backend_optimization_level": 3})
        assert value(np.float32(last)) < 1
        assert value(np.float32(first)) == 1
        assert jax.grad(function)(np.float32(first)) > 0
    assert float(jax.grad(activations.sigmoid)(20.0)) == pytest.approx(2.0611536e-9, rel=1e-6)
    assert float(jax.grad(activations.tanh)(10.0)) == pytest.approx(8.2446145e-9, rel=1e-6)
    assert float(jax.grad(activations.elu)(-20.0)) == pytest.approx(2.0611536e-9, rel=1e-6)


def test_largest_slopes():
    x = np.linspace(-6, 6, 4801, dtype=np.float32)
    assert float(jnp.max(jax.vmap(jax.grad(activations.sigmoid))(x))) == 0.25
    assert float(jnp.max(jax.vmap(jax.grad(activations.tanh))(x))) == 1.0


@pytest.mark.parametrize("name", activations.NAMES)
def test_jit_vmap_and_both_modes_agree(name, dtype):
    function = getattr(activations, name)
    x = np.linspace(-3, 3, 12).astype(dtype).reshape(3, 4)
    value = function(x)
    assert value.shape == x.shape
    assert value.dtype == dtype
    tolerance = tolerances.of(dtype).hand_derived
    assert_close(jax.jit(function)(x), value, tolerance)
    assert_close(jax.vmap(jax.vmap(function))(x), value, tolerance)
    forward = jax.jvp(function, (x,), (np.ones_like(x),))[1]
    assert_close(jax.grad(lambda x: jnp.sum(function(x)))(x), forward, tolerance)
    assert function([0, 1]).dtype == np.float64 if dtype == np.float64 else np.float32


PLAIN = {
    "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "elu": jax.nn.elu, "selu": jax.nn.selu, "softplus": jax.nn.softplus,
    "log_sigmoid": jax.nn.log_sigmoid, "gelu": functools.partial(jax.nn.gelu, approximate=False), "silu": jax.nn.silu,
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_hand_derived_slopes_against_autodiff(name, double):
    """Up to the third derivative, where jax.nn's formulas are well conditioned."""
    x = np.linspace(-3, 3, 121) + 1e-3
    ours, theirs = getattr(activations, name), PLAIN[name]
    for _ in range(3):
        ours, theirs = jax.grad(ours), jax.grad(theirs)
        found, expected = jax.jit(lambda x, f=ours, g=theirs: (jax.vmap(f)(x), jax.vmap(g)(x)))(x)
        assert_close(found, expected, 20 * tolerances.of("float64").hand_derived)


@pytest.mark.parametrize("setting", ["alpha", "negative_slope"])
def test_settings_are_traced_and_have_derivatives(setting, double):
    function = {"alpha": activations.elu, "negative_slope": activations.leaky_relu}[setting]

    def total(value, x):
        return jnp.sum(function(x, **{setting: value}) ** 2)

    x = np.linspace(-2, 2, 9)
    slopes = jax.jit(jax.vmap(jax.grad(total), in_axes=(0, None)))(np.array([0.1, 1.5]), x)
    for value, slope in zip([0.1, 1.5], slopes, strict=True):
        step = 1e-5
        expected = (total(value + step, x) - total(value - step, x)) / (2 * step)
        assert float(slope) == pytest.approx(float(expected), rel=tolerances.of("float64").derivative)
    mixed = jax.grad(lambda value, x: jax.grad(total, argnums=1)(value, x)[0])(0.7, x)
    expected = jax.grad(lambda x: jax.grad(total)(0.7, x))(x)[0]
    assert float(mixed) == pytest.approx(float(expected), rel=1e-12)


REALS = st.floats(-1e4, 1e4, width=32)


@given(REALS)
def test_identities(x):
    """Within rounding of the larger term."""
    a = activations
    with x64():
        x = np.float64(x)
        assert float(a.tanh(x)) == pytest.approx(float(2 * a.sigmoid(2 * x) - 1), abs=1e-15)
        assert float(a.sigmoid(x) + a.sigmoid(-x)) == pytest.approx(1, abs=1e-15)
        assert float(a.softplus(x) - a.softplus(-x)) == pytest.approx(x, rel=1e-15, abs=1e-15)
        assert float(a.log_sigmoid(x)) == float(-a.softplus(-x))
        assert float(a.gelu(x) - a.gelu(-x)) == pytest.approx(x, rel=1e-15, abs=1e-15)
        assert float(a.silu(x) - a.silu(-x)) == pytest.approx(x, rel=1e-15, abs=1e-15)
        assert float(a.relu(x) - a.relu(-x)) == x
        assert float(a.leaky_relu(x)) == pytest.approx(max(x, 0.01 * x))
        assert float(a.leaky_relu(x, negative_slope=0.0)) == float(a.relu(x))
        assert float(a.selu(x)) == pytest.approx(float(SCALE) * float(a.elu(x, alpha=float(ALPHA))), rel=1e-14)


LOGITS = st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=6)


@given(LOGITS, st.floats(-100, 100, width=32))
def test_softmax_properties(x, shift):
    with x64():
        x = np.array(x, np.float64)
        p, logp = activations.softmax(x), activations.log_softmax(x)
        assert float(jnp.sum(p)) == pytest.approx(1, abs=1e-14)
        np.testing.assert_allclose(np.exp(logp), p, rtol=1e-11, atol=1e-300)
        # Adding the same to all logits rounds each by up to an ulp of 1e4.
        np.testing.assert_allclose(activations.softmax(x + shift), p, atol=2e-11)
        exact = [mp.exp(mp.mpf(v) - max(x)) for v in x]
        np.testing.assert_allclose(p, [float(e / mp.fsum(exact)) for e in exact], rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_softmax_derivatives(scale, dtype):
    """p_j (d_jk - p_k) and d_jk - p_k, to rounding of the p; second derivatives finite."""
    x = (scale * np.array([0.3, -1.0, 0.1, 1.0, 0.99])).astype(dtype)
    p = np.exp(x.astype(np.float64) - x.max())
    p /= p.sum()
    eye, tolerance = np.eye(5), 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(
        jax.jit(jax.jacrev(activations.softmax))(x), p[:, None] * (eye - p[None]), rtol=0, atol=tolerance
    )
    assert_close(jax.jit(jax.jacfwd(activations.log_softmax))(x), eye - p[None], tolerance)
    for function in (activations.softmax, activations.log_softmax):
        assert np.all(np.isfinite(jax.jit(jax.jacfwd(jax.jacrev(function)))(x)))


def test_softmax_of_impossible_classes(dtype):
    """A logit of -inf is probability 0, with finite derivatives; where nothing is left to choose from, NaN."""
    x = np.array([0.5, -INF, 0.5], dtype)
    np.testing.assert_array_equal(activations.softmax(x), [0.5, 0, 0.5])
    assert activations.log_softmax(x)[1] == -INF
    np.testing.assert_allclose(
        jax.jit(jax.jacrev(activations.softmax))(x), [[0.25, 0, -0.25], [0, 0, 0], [-0.25, 0, 0.25]]
    )
    assert np.all(np.isfinite(jax.grad(lambda x: activations.log_softmax(x)[0])(x)))
    for hopeless in ([-INF, -INF], [INF, 0.0], [np.nan, 0.0]):
        for function in (activations.softmax, activations.log_softmax):
            assert np.all(np.isnan(function(np.array(hopeless, dtype))))


def test_softmax_along_an_axis():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_allclose(activations.softmax(x, axis=0), activations.softmax(x.T).T, rtol=1e-6)
    np.testing.assert_allclose(activations.log_softmax(x, axis=-2), activations.log_softmax(x.T).T, rtol=1e-6)
    # Two classes are one sigmoid of the difference.
    two = activations.softmax(np.array([0.0, 1.7], np.float32))
    np.testing.assert_allclose(two[1], activations.sigmoid(1.7), rtol=1e-6)


# The table of the chapter: E[phi^2], E[phi'^2], gain, slope of the variance map; None where it has no entry.
TABLE = {
    "relu": (0.5, 0.5, 1.4142, 1.000),
    "tanh": (0.39429, 0.46440, 1.5925, 0.461),
    "sigmoid": (0.29338, 0.04484, 1.8462, 0.106),
    "gelu": (None, None, 1.5335, 1.144),
    "silu": (None, None, 1.6765, 1.173),
}


@pytest.mark.parametrize("name", TABLE)
def test_moments_and_gains_of_the_chapter(name):
    function = getattr(activations, name)
    square, slope_square, gain, slope = TABLE[name]
    if square is not None:
        assert float(activations.second_moment(function)) == pytest.approx(square, abs=6e-6)
        assert float(activations.second_moment_of_derivative(function)) == pytest.approx(slope_square, abs=6e-6)
    assert float(activations.gain(function)) == pytest.approx(gain, abs=6e-5)
    assert float(activations.variance_map_slope(function)) == pytest.approx(slope, abs=6e-4)


@functools.cache
def integral(name: str, k: int, q: float) -> float:
    """E of the square of derivative k by mpmath's tanh-sinh quadrature, split at the kink."""
    with mp.workdps(20):
        root = mp.sqrt(q)
        ends = [-16, -4, -1, 0, 1, 4, 16]
        return float(mp.quad(lambda z: mp.mpf(EXACT[name](root * z)[k]) ** 2 * density(z), ends))


@pytest.mark.parametrize("name", activations.NAMES)
def test_moments_against_integrals(name, double):
    for q in (1.0, 4.0):
        function = getattr(activations, name)
        assert float(activations.second_moment(function, q)) == pytest.approx(integral(name, 0, q), rel=1e-12)
        slopes = activations.second_moment_of_derivative(function, q)
        assert float(slopes) == pytest.approx(integral(name, 1, q), rel=1e-12)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "gelu", "silu"])
def test_moments_of_smooth_functions_by_gauss_hermite(name, double):
    """A second rule, which needs no intervals where there is no kink."""
    z, weights = np.polynomial.hermite_e.hermegauss(120)
    weights, function = weights / weights.sum(), getattr(activations, name)
    phi, slope = np.asarray(function(z)), np.asarray(jax.vmap(jax.grad(function))(z))
    assert float(activations.second_moment(function)) == pytest.approx(weights @ phi**2, rel=1e-9)
    expected = weights @ (z * phi * slope) / (weights @ phi**2)
    assert float(activations.variance_map_slope(function)) == pytest.approx(expected, rel=1e-9)


def test_moments_in_closed_form(double):
    """Homogeneous functions, the Gaussian identity, and the fixed point that selu was made for."""
    a = activations
    for s in (0.0, 0.01, 0.3):
        leaky = functools.partial(a.leaky_relu, negative_slope=s)
        assert float(a.second_moment(leaky, 3.0)) == pytest.approx(3 * (1 + s * s) / 2, rel=1e-13)
        assert float(a.variance_map(leaky, 3.0)) == pytest.approx(3, rel=1e-13)
        assert float(a.variance_map_slope(leaky, 3.0)) == pytest.approx(1, rel=1e-12)
    assert float(a.second_moment(a.selu)) == pytest.approx(1, rel=1e-12)
    assert float(a.second_moment(jnp.exp, 0.25)) == pytest.approx(np.exp(0.5), rel=1e-13)
    assert float(a.second_moment(lambda x: x**3)) == pytest.approx(15, rel=1e-13)
    clipped = mp.quad(lambda z: min(max(z, -1), 1) ** 2 * density(z), [-16, -1, 1, 16])
    assert float(a.second_moment(lambda x: jnp.clip(x, -1, 1))) == pytest.approx(float(clipped), rel=1e-13)
    assert float(a.second_moment(a.sigmoid, 0.0)) == pytest.approx(0.25, rel=1e-14)


def test_variance_map(double):
    """It keeps variance 1 at the exact gain; its slope is its difference quotient; a gain may be given and swept."""
    a = activations
    for name in a.NAMES:
        function = getattr(a, name)
        assert float(a.variance_map(function, 1.0)) == pytest.approx(1, rel=1e-14)
        step = 1e-4
        quotient = (a.variance_map(function, 2 + step) - a.variance_map(function, 2 - step)) / (2 * step)
        assert float(a.variance_map_slope(function, 2.0)) == pytest.approx(float(quotient), rel=1e-7)
    gains = np.array([1.0, 5 / 3])
    swept = jax.jit(jax.vmap(lambda gain: a.variance_map(a.tanh, 1.0, gain=gain)))(gains)
    np.testing.assert_allclose(swept, gains**2 * a.second_moment(a.tanh), rtol=1e-14)
    slope = a.variance_map_slope(a.tanh, 1.0, gain=2.0)
    assert float(slope) == pytest.approx(4 * float(a.second_moment(a.tanh) * a.variance_map_slope(a.tanh)))


def test_moments_follow_the_dtype(dtype):
    moment = activations.second_moment(activations.tanh, np.ones((), dtype))
    assert moment.dtype == dtype
    assert float(moment) == pytest.approx(integral("tanh", 0, 1.0), rel=1e-6)


REFUSED = {
    "x complex": (lambda: activations.gelu(np.ones(2) * 1j), TypeError, "x: expected float32 or float64, got complex"),
    "x float16": (lambda: activations.relu(np.ones(2, np.float16)), TypeError, "x: expected float32 or float64, got"),
    "x strings": (lambda: activations.tanh(["red"]), TypeError, "x: expected an array of numbers, got list"),
    "x None": (lambda: activations.softmax(None), TypeError, "x: expected an array of numbers, got NoneType"),
    "alpha a vector": (
        lambda: activations.elu(1.0, alpha=np.ones(2, np.float32)),
        ValueError, r"alpha: expected a number, got shape \(2,\).*vmap",
    ),
    "negative_slope a string": (
        lambda: activations.leaky_relu(1.0, negative_slope="steep"),
        TypeError, "negative_slope: expected an array of numbers, got str",
    ),
    "softmax of a number": (lambda: activations.softmax(1.0), ValueError, r"axis: expected an axis of x, got -1.*\(\)"),
    "axis too large": (
        lambda: activations.log_softmax(np.ones(3, np.float32), axis=1),
        ValueError, r"axis: expected an axis of x, got 1 for x of shape \(3,\)",
    ),
    "axis a tuple": (
        lambda: activations.softmax(np.ones((3, 2), np.float32), axis=(0, 1)), TypeError, "axis: expected an int, got t"
    ),
    "activation a name": (
        lambda: activations.gain("relu"), TypeError, "activation: expected a function of one number, got str"
    ),
    "activation of many numbers": (
        lambda: activations.second_moment(lambda x: jnp.stack([x, x])),
        ValueError, r"activation: expected a number for a number, got shape \(2,\)",
    ),
    "softmax as activation": (lambda: activations.gain(activations.softmax), ValueError, "axis: expected an axis of x"),
    "negative variance": (
        lambda: activations.second_moment(activations.relu, -1.0), ValueError, "variance: expected a number >= 0"
    ),
    "variance a vector": (
        lambda: activations.variance_map(activations.relu, np.ones(2, np.float32)),
        ValueError, r"variance: expected a number, got shape \(2,\)",
    ),
    "gain a vector": (
        lambda: activations.variance_map(activations.relu, 1.0, gain=np.ones(2, np.float32)),
        ValueError, r"gain: expected a number, got shape \(2,\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused_while_tracing(what):
    attempt, error, message = REFUSED[what]
    with pytest.raises(error, match=f"^{message}"):
        attempt()


def test_a_traced_negative_variance_is_nan():
    assert np.isnan(jax.jit(lambda q: activations.second_moment(activations.relu, q))(-1.0))


def test_names_are_the_functions_that_work_entry_by_entry():
    assert set(activations.NAMES) == set(EXACT) == set(EDGES)
    assert set(activations.NAMES) < set(activations.__all__)
