"""The appendix' entropies against SciPy and closed forms, their laws, and derivatives on the faces of the simplex."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
import tolerances
from hypothesis import given
from hypothesis import strategies as st

from jaxnotes import information, x64

pytestmark = pytest.mark.repeated

INF = np.inf
PAIRS = (information.cross_entropy, information.kl_divergence, information.js_divergence)
P, Q = np.array([0.1, 0.0, 0.6, 0.3]), np.array([0.25, 0.25, 0.4, 0.1])
JOINT = np.array([[0.1, 0.2, 0.0], [0.3, 0.0, 0.4]])
EXACT = {  # by SciPy, in nats; None where it has no such function
    "entropy": (lambda: information.entropy(P), scipy.stats.entropy(P)),
    "kl_divergence": (lambda: information.kl_divergence(P, Q), scipy.stats.entropy(P, Q)),
    "cross_entropy": (lambda: information.cross_entropy(P, Q), scipy.stats.entropy(P) + scipy.stats.entropy(P, Q)),
    "js_divergence": (lambda: information.js_divergence(P, Q), scipy.spatial.distance.jensenshannon(P, Q) ** 2),
    "mutual_information": (
        lambda: information.mutual_information(JOINT),
        scipy.stats.entropy(JOINT.ravel(), np.outer(JOINT.sum(1), JOINT.sum(0)).ravel()),
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_against_scipy(name, double):
    ours, theirs = EXACT[name]
    assert float(ours()) == pytest.approx(theirs, rel=1e-14)


def test_the_chapters_numbers():
    """KL(B(.5) || B(.9)), its reverse, and the quantities that everybody knows by heart."""
    half, most = [0.5, 0.5], [0.1, 0.9]
    assert float(information.kl_divergence(half, most)) == pytest.approx(0.51083, abs=5e-6)
    assert float(information.kl_divergence(most, half)) == pytest.approx(0.36806, abs=5e-6)
    for k in (1, 2, 8, 1000):
        assert float(information.entropy(np.full(k, 1 / k, np.float32))) == pytest.approx(np.log(k), rel=1e-6)
    assert float(information.entropy([0.5, 0.5], unit="bits")) == 1
    assert float(information.js_divergence([1, 0], [0, 1], unit="bits")) == 1
    assert float(information.mutual_information(np.eye(8, dtype=np.float32) / 8, unit="bits")) == pytest.approx(3)


def test_zeros():
    """0 log 0 = 0; a certain outcome holds no surprise; KL and cross-entropy need absolute continuity."""
    sure, other = [1.0, 0.0], [0.0, 1.0]
    assert (
        information.entropy(sure) == information.kl_divergence(sure, sure) == information.js_divergence(sure, sure) == 0
    )
    assert information.cross_entropy(sure, sure) == information.mutual_information([sure, [0.0, 0.0]]) == 0
    assert information.kl_divergence(sure, other) == information.cross_entropy(sure, other) == INF
    assert information.kl_divergence([0.5, 0.5], sure) == INF
    assert float(information.kl_divergence(sure, [0.5, 0.5])) == pytest.approx(np.log(2))
    for p, q in [([0.0, -INF], [-INF, 0.0]), ([0.0, 0.0], [0.0, -INF])]:
        assert information.kl_divergence(p, q, logits=True) == information.cross_entropy(p, q, logits=True) == INF


def simplex(size: int):
    """Distributions, with zeros among them."""
    entry = st.one_of(st.just(0.0), st.floats(1e-6, 1.0))
    return st.lists(entry, min_size=size, max_size=size).filter(any).map(lambda w: np.array(w) / np.sum(w))


@given(simplex(5), simplex(5))
def test_laws(p, q):
    with x64():
        entropy, cross, kl, js = (float(f) for f in _all(p, q))
        assert -1e-15 <= entropy <= np.log(5) + 1e-15
        assert kl >= -1e-15
        assert cross == pytest.approx(entropy + kl, abs=1e-14)
        assert js == pytest.approx(float(information.js_divergence(q, p)), abs=1e-15)
        assert -1e-15 <= js <= np.log(2) + 1e-15
        middle = (p + q) / 2
        halves = information.kl_divergence(p, middle) + information.kl_divergence(q, middle)
        assert js == pytest.approx(float(halves) / 2, abs=1e-15)
        assert np.isinf(kl) == np.any((q == 0) & (p > 0))


@jax.jit
def _all(p, q):
    return information.entropy(p), *(function(p, q) for function in PAIRS)


@given(simplex(6), simplex(2), simplex(3))
def test_laws_of_mutual_information(flat, x, y):
    """Symmetric, 0 for independent variables, and what the entropies say; empty rows and columns included."""
    with x64():
        joint = flat.reshape(2, 3)
        found = float(information.mutual_information(joint))
        h = information.entropy
        parts = h(joint.sum(1)) + h(joint.sum(0)) - h(joint.ravel())
        assert found == pytest.approx(float(parts), abs=1e-14)
        assert found == pytest.approx(float(information.mutual_information(joint.T)), abs=1e-15)
        assert float(information.mutual_information(np.outer(x, y))) == pytest.approx(0, abs=1e-15)


@given(simplex(6), simplex(6), st.floats(-1e3, 1e3))
def test_logits_say_the_same_as_probabilities(p, q, shift):
    with x64(), np.errstate(divide="ignore"):
        logp, logq = np.log(p) + shift, np.log(q) - shift
        tolerance = {"rel": 1e-11, "abs": 1e-11}  # a shift of 1e3 rounds the logits by 1e-13
        for function, given in [(information.entropy, (logp,)), *((function, (logp, logq)) for function in PAIRS)]:
            plain = function(*(p, q)[: len(given)])
            assert float(function(*given, logits=True)) == pytest.approx(float(plain), **tolerance)
        joint = float(information.mutual_information(logp.reshape(2, 3), logits=True))
        assert joint == pytest.approx(float(information.mutual_information(p.reshape(2, 3))), **tolerance)


def test_logits_far_out(dtype):
    """Gradients too: softmax(q) - p of the cross-entropy, exact where probabilities would have rounded to 0."""
    labels, z = np.array([0.0, -INF], dtype), np.array([-1e4, 0.0], dtype)
    value, slope = jax.value_and_grad(functools.partial(information.cross_entropy, logits=True), argnums=1)(labels, z)
    assert value == 1e4
    np.testing.assert_array_equal(slope, [-1, 1])
    assert information.entropy(z, logits=True) == 0
    np.testing.assert_array_equal(jax.grad(functools.partial(information.entropy, logits=True))(z), [0, 0])


@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_units(unit):
    scale = {"nats": 1, "bits": np.log(2)}[unit]
    for ours in (information.entropy, *PAIRS):
        given = (P, Q)[: 1 if ours is information.entropy else 2]
        assert float(ours(*given, unit=unit)) == pytest.approx(float(ours(*given)) / scale, rel=1e-6)
    found = information.mutual_information(JOINT, unit=unit)
    assert float(found) == pytest.approx(float(information.mutual_information(JOINT)) / scale, rel=1e-6)


# Derivatives on faces of the simplex, by the formulas of the docstrings; p, q, slopes in p, slopes in q.
LOG = np.log
FACES = {
    "kl": (
        information.kl_divergence, [0.0, 0.4, 0.6, 0.0], [0.3, 0.5, 0.2, 0.0],
        [-INF, LOG(0.8) + 1, LOG(3) + 1, INF], [0, -0.8, -3, 0],
    ),
    "kl without absolute continuity": (
        information.kl_divergence, [0.4, 0.6], [0.0, 1.0], [INF, LOG(0.6) + 1], [-INF, -0.6],
    ),
    "cross": (
        information.cross_entropy, [0.0, 0.4, 0.6], [0.3, 0.5, 0.2], [-LOG(0.3), -LOG(0.5), -LOG(0.2)], [0, -0.8, -3],
    ),
    "cross with a shared zero": (
        information.cross_entropy, [0.0, 1.0], [0.0, 1.0], [INF, 0], [0, -1],
    ),
    "js": (
        information.js_divergence, [0.0, 0.4, 0.6, 0.0], [0.3, 0.7, 0.0, 0.0],
        [-INF, LOG(0.8 / 1.1) / 2, LOG(2) / 2, LOG(2) / 2], [LOG(2) / 2, LOG(1.4 / 1.1) / 2, -INF, LOG(2) / 2],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FACES)
def test_derivatives_on_the_faces(what, dtype):
    function, p, q, in_p, in_q = FACES[what]
    p, q = np.array(p, dtype), np.array(q, dtype)
    rtol = 20 * np.finfo(dtype).eps
    both = jax.jit(jax.grad(function, argnums=(0, 1)))(p, q)
    for found, expected in zip(both, (in_p, in_q), strict=True):
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(jax.grad(function, argnums=0)(p, q), in_p, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(jax.grad(function, argnums=1)(p, q), in_q, rtol=rtol, atol=rtol)


def test_derivative_of_entropy_on_a_face(dtype):
    slope = jax.grad(information.entropy)(np.array([0.0, 0.25, 0.75], dtype))
    np.testing.assert_allclose(slope, [INF, -LOG(0.25) - 1, -LOG(0.75) - 1], rtol=1e-6)


def test_derivative_of_mutual_information_on_a_face(double):
    """log(p_ij / (p_i. p_.j)) - 1: infinite at a lone zero, finite in an empty row or an empty column."""
    slope = jax.grad(information.mutual_information)
    found = slope(np.array([[0.2, 0.0], [0.3, 0.5]]))
    np.testing.assert_allclose(found, [[LOG(2) - 1, -INF], [LOG(0.75) - 1, LOG(1.25) - 1]], rtol=1e-14)
    for transposed in (False, True):
        table = np.array([[0.0, 0.0], [0.2, 0.8]])
        found = slope(table.T).T if transposed else slope(table)
        np.testing.assert_allclose(found, [[-LOG(0.2) - 1, -LOG(0.8) - 1], [-1, -1]], rtol=1e-14)
        # By differences into the simplex: the formula needs no sum of 1, and 1e-6 is well within what is allowed.
        step = np.array([[1e-6, 0.0], [0.0, 0.0]])
        moved = table + step
        value = np.sum(moved[moved > 0] * LOG((moved / np.outer(moved.sum(1), moved.sum(0)))[moved > 0]))
        assert (value - 0) / 1e-6 == pytest.approx(-LOG(0.2) - 1, abs=1e-5)
    assert slope(np.array([[0.0, 0.0], [0.0, 1.0]]))[0, 0] == INF


LOGITS = np.array([0.3, -INF, 1.2, -2.0])


@pytest.mark.parametrize("function", [information.entropy, *PAIRS], ids=lambda f: f.__name__)
def test_logit_gradients_are_finite_and_right(function, double):
    """Against central differences in the finite logits; 0 in those of -inf."""
    given = [LOGITS, np.array([1.0, -INF, 0.5, 0.1])][: 1 if function is information.entropy else 2]
    value = jax.jit(functools.partial(function, logits=True))
    for i, z in enumerate(given):
        slope = np.asarray(jax.grad(value, argnums=i)(*given))
        assert slope[1] == 0
        for j in (0, 2, 3):
            step = 1e-5 * np.eye(4)[j]
            ends = [float(value(*given[:i], z + sign * step, *given[i + 1 :])) for sign in (1, -1)]
            assert slope[j] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-9)


def test_logit_gradients_of_mutual_information(double):
    """An empty row, an empty column, a lone -inf."""
    value = jax.jit(functools.partial(information.mutual_information, logits=True))
    z = np.array([[0.3, 0.1, -INF], [-INF, 1.0, -INF], [-INF, -INF, -INF]])
    slope = np.asarray(jax.grad(value)(z))
    assert np.all(slope[np.isinf(z)] == 0)
    for i, j in zip(*np.nonzero(np.isfinite(z)), strict=True):
        step = np.zeros_like(z)
        step[i, j] = 1e-5
        quotient = (float(value(z + step)) - float(value(z - step))) / 2e-5
        assert slope[i, j] == pytest.approx(quotient, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("function", [information.entropy, *PAIRS], ids=lambda f: f.__name__)
def test_gradients_inside_the_simplex(function, double):
    """Against central differences of the formula, which asks for no sum of 1; and both modes agree."""
    rng, function = np.random.default_rng(0), jax.jit(function)
    given = list(rng.dirichlet(np.ones(4), 2)[: 1 if function.__name__ == "entropy" else 2])
    for i in range(len(given)):
        slope = np.asarray(jax.grad(function, argnums=i)(*given))
        np.testing.assert_allclose(jax.jit(jax.jacfwd(function, argnums=i))(*given), slope, rtol=1e-12, atol=1e-14)
        for j in range(4):
            moved = [[part.copy() for part in given] for _ in range(2)]
            moved[0][i][j] += 1e-6
            moved[1][i][j] -= 1e-6
            quotient = (float(function(*moved[0])) - float(function(*moved[1]))) / 2e-6
            assert slope[j] == pytest.approx(quotient, rel=tolerances.of("float64").derivative, abs=1e-8)


def test_vmap_is_the_loop(dtype):
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(5), (2, 7)).astype(dtype)
    for function in PAIRS:
        found = jax.jit(jax.vmap(function))(p, q)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, [function(*row) for row in zip(p, q, strict=True)], rtol=1e-5)


BAD = {
    "negative": [1.2, -0.2],
    "sum above 1": [0.5, 0.6],
    "sum below 1": [0.5, 0.4999],
    "a rounded third": [0.333, 0.333, 0.333],
    "all 0": [0.0, 0.0],
    "NaN": [np.nan, 0.5],
    "inf": [INF, 0.0],
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_distribution_gives_nan(what, dtype):
    """The value and the gradient, whichever argument it is."""
    bad = np.array(BAD[what], dtype)
    good = np.full(len(bad), 1 / len(bad), dtype)
    value, slope = jax.value_and_grad(information.entropy)(bad)
    assert np.isnan(value)
    assert np.all(np.isnan(slope))
    for function in PAIRS:
        assert np.isnan(function(bad, good))
        assert np.isnan(function(good, bad))
    assert np.isnan(information.mutual_information(np.stack([bad, 0 * good])))


@pytest.mark.parametrize("bad", [[np.nan, 0.0], [INF, 0.0], [INF, INF], [-INF, -INF]], ids=str)
def test_what_are_no_logits_gives_nan(bad, dtype):
    bad, good = np.array(bad, dtype), np.zeros(2, dtype)
    assert np.isnan(information.entropy(bad, logits=True))
    for function in PAIRS:
        assert np.isnan(function(bad, good, logits=True))
        assert np.isnan(function(good, bad, logits=True))


def test_rounding_of_the_sum_is_no_error():
    """A softmax in float32 of a hundred thousand classes, and decimals as people type them."""
    p = jax.nn.softmax(np.random.default_rng(0).standard_normal(100_000).astype(np.float32))
    assert np.isfinite(information.entropy(p))
    assert np.isfinite(information.entropy([0.1, 0.2, 0.7]))


REFUSED = {
    "p a table": (lambda: information.entropy(JOINT), ValueError, r"p: expected shape \(k,\), got \(2, 3\).*vmap"),
    "p a number": (lambda: information.entropy(1.0), ValueError, r"p: expected shape \(k,\), got \(\)"),
    "p empty": (lambda: information.entropy(np.ones(0)), ValueError, r"p: expected shape \(k,\), got \(0,\)"),
    "p strings": (lambda: information.entropy(["red"]), TypeError, "p: expected an array of numbers, got list"),
    "p complex": (lambda: information.entropy(P * 1j), TypeError, "p: expected float32 or float64, got complex"),
    "q too short": (
        lambda: information.kl_divergence(P, Q[:3]), ValueError, r"q: expected shape \(4,\), that of p, got \(3,\)"
    ),
    "q a column": (
        lambda: information.js_divergence(P, Q[:, None]), ValueError, r"q: expected shape \(k,\), got \(4, 1\)"
    ),
    "joint a vector": (
        lambda: information.mutual_information(P), ValueError, r"joint: expected shape \(n, m\), got \(4,\)"
    ),
    "unknown unit": (
        lambda: information.entropy(P, unit="bans"), ValueError, "unit: expected one of nats, bits, got 'bans'"
    ),
    "logits as an array": (
        lambda: information.cross_entropy(P, Q, logits=Q), TypeError, "logits: expected True or False, got ndarray"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused_while_tracing(what):
    attempt, error, message = REFUSED[what]
    with pytest.raises(error, match=f"^{message}"):
        attempt()


def test_forward_mode_within_a_face_is_nan_as_documented():
    """An infinite slope times a tangent of 0; in logits the same derivative is finite."""
    assert np.isnan(jax.jvp(information.entropy, (jnp.array([0.0, 1.0]),), (jnp.array([0.0, 1.0]),))[1])
    value = functools.partial(information.entropy, logits=True)
    assert jax.jvp(value, (jnp.array([-INF, 0.0]),), (jnp.array([0.0, 1.0]),))[1] == 0
