"""What every fit promises, asked of each row in `fits`: fit x precision x transform. A new fit is a new row."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tolerances
from fits import (
    COLUMNS,
    FITS,
    LANES,
    PENALIZED,
    ROWS,
    SPOILED,
    Data,
    Fit,
    assert_same,
    batch,
    call,
    compiled_batch,
    flat,
    lane,
    problem,
    stacked,
    unpenalized,
)
from tolerances import assert_close

import jaxnotes as jn
from jaxnotes import Status

pytestmark = pytest.mark.one_in(3)

# What the data or the start hold makes an answer impossible.
NO_ANSWER = (Status.INVALID_DATA, Status.NON_FINITE_DATA, Status.BAD_START)


@pytest.fixture(params=FITS)
def fit(request) -> Fit:
    return FITS[request.param]


@pytest.fixture(params=PENALIZED)
def penalized(request) -> Fit:
    return FITS[request.param]


def test_every_chapter_that_fits_has_a_row():
    chapters = {name for name in jn.__all__ if {"fit", "train"} & set(dir(getattr(jn, name)))}
    wings = {"groups", "tables"}  # which call the fits of chapters
    assert {name.split(".")[0] for name in FITS} == chapters - wings | {"distributions"}


def test_reaches_the_known_answer(fit, dtype):
    for seed in range(4):
        solution = call(fit.fit, problem(fit, dtype, seed))
        params, value = fit.answer(fit.problem(np.random.default_rng(seed)))
        tolerance = tolerances.of(dtype).estimate
        assert solution.status == fit.ends
        assert_close(flat(solution.params), params, tolerance)
        assert float(solution.value) == pytest.approx(value, rel=tolerance)
        assert float(solution.grad_norm) <= max(1e-10, 8 * np.finfo(dtype).eps)


def test_dtype_follows_the_input(fit, dtype):
    solution = call(fit.fit, problem(fit, dtype))
    for leaf in jax.tree.leaves((solution.params, solution.value, solution.grad_norm, solution.error)):
        assert leaf.dtype == dtype
    assert (solution.steps.dtype, solution.status.dtype) == (np.int32, np.int8)


def test_eager_is_jit(fit, dtype):
    data = problem(fit, dtype)
    jitted = jax.jit(lambda data: call(fit.fit, data))(data)
    assert_same(call(fit.fit, data), jitted, tolerances.of(dtype).reblocked)


@pytest.fixture
def many(fit):
    return compiled_batch(fit)


def test_vmap_is_a_loop(fit, many, dtype):
    data = batch(fit, dtype)
    loop = stacked([call(fit.fit, lane(data, index)) for index in range(LANES)])
    assert_same(many(data), loop, tolerances.of(dtype).reblocked)


def test_nested_vmap_is_two_loops(penalized, double):
    data = batch(penalized, "float64", 4)
    l2 = np.array([0.0, 0.01, 0.5])
    inner = jax.vmap(lambda data, l2: call(penalized.fit, {**data, "l2": l2}), in_axes=(0, None))
    nested = jax.jit(jax.vmap(inner, in_axes=(None, 0)))(data, l2)
    loop = stacked([stacked([call(penalized.fit, {**lane(data, i), "l2": a}) for i in range(4)]) for a in l2])
    assert_same(nested, loop, tolerances.of("float64").reblocked)


def test_gradient_is_finite_differences(fit, double):
    """Of the parameters and the value, along random directions in each argument."""
    data = problem(fit, "float64")

    @jax.jit
    def fitted(data):
        solution = call(fit.fit, data)
        return jnp.concatenate([leaf.reshape(-1) for leaf in jax.tree.leaves((solution.params, solution.value))])

    jacobian = jax.jit(jax.jacrev(fitted))(data)
    rng, tolerance = np.random.default_rng(3), tolerances.of("float64").derivative
    for name in fit.smooth:
        for _ in range(3):
            direction, h = rng.standard_normal(data[name].shape), 1e-5 if name != "l2" else 1e-6
            ahead, behind = (np.asarray(fitted({**data, name: data[name] + s * h * direction})) for s in (1, -1))
            difference = (ahead - behind) / (2 * h)
            ours = np.tensordot(jacobian[name], direction, direction.ndim)
            assert_close(ours[:-1], difference[:-1], tolerance)
            assert ours[-1] == pytest.approx(difference[-1], rel=tolerance, abs=1e-9)


def test_hessian_is_second_differences(penalized, double):
    data = problem(penalized, "float64")
    weigh = np.array([1.0, -2.0, 0.5])

    def score(l2):
        params = call(penalized.fit, {**data, "l2": l2}).params
        return sum(w * leaf.reshape(-1)[0] for w, leaf in zip(weigh, jax.tree.leaves(params), strict=False))

    l2, h = 0.05, 2e-3
    at = {k: float(score(np.float64(l2 + k * h))) for k in (-2, -1, 0, 1, 2)}
    expected = (16 * (at[1] + at[-1]) - at[2] - at[-2] - 30 * at[0]) / (12 * h**2)
    assert float(jax.jit(jax.hessian(score))(l2)) == pytest.approx(
        expected, rel=tolerances.of("float64").second_derivative
    )


WEIGHTED = [name for name, fit in FITS.items() if "weights" in fit.smooth]
weighted_fits = pytest.mark.parametrize("name", WEIGHTED)


@weighted_fits
def test_absent_rows_have_no_part_in_derivatives(name, double):
    """Where its weight is 0 a row may hold NaN: the derivatives are those without it, and 0 in the row itself."""
    fit = FITS[name]
    data = problem(fit, "float64")
    absent = [3, 11]
    data["weights"][absent] = 0
    holed = {argument: value.copy() for argument, value in data.items()}
    for argument in {"X", "y"} & set(data):
        holed[argument][absent] = np.nan
    slopes = jax.jit(jax.grad(lambda data: flat_sum(call(fit.fit, data).params)))
    with_holes, without = slopes(holed), slopes(data)
    for argument in fit.smooth:
        ours, theirs = np.asarray(with_holes[argument]), np.asarray(without[argument])
        if ours.ndim and argument != "weights":
            np.testing.assert_array_equal(ours[absent], 0)
        assert_close(*(np.delete(a, absent, axis=0) if a.ndim else a for a in (ours, theirs)), 1e-9)
    assert np.all(np.isfinite(with_holes["weights"]))


def flat_sum(params):
    return sum(leaf.sum() for leaf in jax.tree.leaves(params))


def compilations(caplog, function, data: Data, *before) -> list[str]:
    """What one call compiled."""
    caplog.clear()
    with jax.log_compiles(), caplog.at_level(logging.DEBUG):
        jax.block_until_ready(call(function, data, *before))
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("Compiling")]


def test_second_call_does_not_compile(fit, caplog):
    """Whatever the numbers are; of `fit` and of `infer`."""
    first, second = problem(fit, "float32"), problem(fit, "float32", 1)
    one, other = ({"l2": l2} if "l2" in first else {} for l2 in (0.01, 0.7))
    solution = call(fit.fit, {**first, **one})
    assert compilations(caplog, fit.fit, {**second, **other}) == []
    if fit.has_steps:
        call(fit.fit, {**first, **one, "tol": 1e-4})
        assert compilations(caplog, fit.fit, {**second, **other, "tol": 1e-3}) == []
    if fit.infer:
        call(fit.infer, {**first, **one}, solution)
        assert compilations(caplog, fit.infer, {**second, **other}, solution) == []
    # The counter sees a compilation where there is one.
    assert compilations(caplog, fit.fit, {k: v[: ROWS - 1] if v.ndim else v for k, v in first.items()}) != []


def test_trouble_is_told_and_disturbs_nobody(fit, many, dtype):
    """Every other lane is spoiled; the sound ones keep their bits."""
    sound = unpenalized(batch(fit, dtype))
    before = many(sound)
    expected = fit.unpenalized if "l2" in sound else fit.ends
    assert np.all(np.asarray(before.status) == expected)
    names = list(fit.troubles)
    for start in range(0, len(names), LANES // 2):
        chosen = names[start : start + LANES // 2]
        lanes = [lane(sound, index) for index in range(LANES)]
        for position, name in enumerate(chosen):
            lanes[2 * position] = SPOILED[name](lanes[2 * position])
        after = many({key: np.stack([data[key] for data in lanes]) for key in sound})
        told = {name: Status(int(after.status[2 * position])) for position, name in enumerate(chosen)}
        assert told == {name: fit.troubles[name] for name in chosen}
        for position, name in enumerate(chosen):
            spoiled = [np.asarray(leaf)[2 * position] for leaf in jax.tree.leaves(after.params)]
            # Training goes on from where it is, for its user to look at.
            assert fit.infer is None or told[name] not in NO_ANSWER or np.all(np.isnan(flat(spoiled))), name
        assert np.all(np.asarray(after.steps) >= 0)
        for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
            np.testing.assert_array_equal(np.asarray(a)[1::2], np.asarray(b)[1::2])


def test_trouble_is_told_alone_too(fit, dtype):
    data = unpenalized(problem(fit, dtype))
    told = {name: Status(int(call(fit.fit, SPOILED[name](data)).status)) for name in fit.troubles}
    assert told == fit.troubles


def test_a_penalty_makes_up_for_missing_rows_and_columns(penalized, dtype):
    """With l2 > 0 the answer exists: for a column without spread it is 0."""
    data = {**problem(penalized, dtype), "l2": np.array(0.1, dtype)}
    few = [] if penalized.classes > 2 else ["fewer rows than parameters"]  # two rows do not show three classes
    for name in (*COLUMNS, *few):
        solution = call(penalized.fit, SPOILED[name](data))
        assert solution.status == Status.CONVERGED, name
        coef = np.asarray(solution.params.coef)
        if name == "constant column":
            assert np.max(np.abs(coef[..., 1])) <= 1e-6
        if name == "duplicated columns":
            assert_close(coef[..., 0], coef[..., 1], tolerances.of(dtype).reblocked)


@pytest.mark.parametrize("name", [name for name, fit in FITS.items() if fit.has_steps])
def test_step_limits(name):
    data = problem(FITS[name], "float32")
    for limit in (0, 1):
        solution = call(FITS[name].fit, {**data, "max_steps": limit})
        assert solution.status == Status.MAX_STEPS
        assert int(solution.steps) == limit


def weighted_and_repeated(fit: Fit, dtype) -> tuple[Data, Data]:
    """The same 20 observations: 12 rows with weights 0 .. 3, and row by row; both filled up with absent rows."""
    data = problem(fit, dtype)
    counts = np.array([2, 0, 3, 1, 2, 1, 3, 0, 1, 3, 2, 2])

    def fill(rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows, np.full((ROWS - len(rows), *rows.shape[1:]), np.nan, dtype)])

    def build(rows: np.ndarray, weights: np.ndarray) -> Data:
        absent = np.zeros(ROWS - len(weights))
        built = {name: fill(value[rows]) if value.ndim else value for name, value in data.items()}
        return {**built, "weights": np.concatenate([weights, absent]).astype(dtype)}

    return build(np.arange(12), counts), build(np.repeat(np.arange(12), counts), np.ones(20))


@weighted_fits
def test_a_weight_counts_as_rows(name, dtype):
    fit = FITS[name]
    weighted, repeated = weighted_and_repeated(fit, dtype)
    ours, theirs = call(fit.fit, weighted), call(fit.fit, repeated)
    assert ours.status == Status.CONVERGED
    assert_same(ours, theirs, tolerances.of(dtype).reblocked)


@weighted_fits
def test_inference_counts_a_weight_as_rows(name, double):
    fit = FITS[name]
    weighted, repeated = weighted_and_repeated(fit, "float64")
    ours, theirs = (call(fit.infer, data, call(fit.fit, data)) for data in (weighted, repeated))
    assert np.all(np.asarray(ours.se) > 0)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert_close(a, b, tolerances.of("float64").inference)


@pytest.mark.parametrize("name", [name for name, fit in FITS.items() if fit.infer])
def test_inference_says_nothing_of_a_failed_fit(name, double):
    """NaN but for the estimate, except for the least-norm answer of deficient least squares."""
    fit = FITS[name]
    data = unpenalized(problem(fit, "float64"))
    for trouble, status in fit.troubles.items():
        if (name, status) == ("least_squares", Status.RANK_DEFICIENT):
            continue
        spoiled = SPOILED[trouble](data)
        inferred = call(fit.infer, spoiled, call(fit.fit, spoiled))
        for field in ("se", "statistic", "pvalue", "lower", "upper", "covariance"):
            assert np.all(np.isnan(getattr(inferred, field))), (trouble, field)
