"""Chapter 1.1: derivatives as limits and by autodiff, the tangent plane, and checks of one against the other.

The derivative of f at a is a number, and the gradient a vector among the inputs, orthogonal to the level set of f
there. Neither is a line or a plane: the tangent is the graph of

    x  ->  f(a) + grad f(a) . (x - a)        with normal (-grad f(a), 1).

Where f is differentiable and grad f(a) != 0, the rate of f along unit vectors is largest along grad f(a), where it is
||grad f(a)||; this holds for the Euclidean norm (see `steepest_direction` for others). None of it ends in higher
dimensions. A limit from one side or a few directions does not make a derivative: a kink such as |x| at 0 has two
slopes (see `forward_difference`), and x y / sqrt(x^2 + y^2) has both partials at 0 but no gradient there
(see `partial_derivative`).

fun(x) is the function of one argument; x may be a pytree where nothing else is said. Matrices have rows and columns
in the order of `jax.flatten_util.ravel_pytree`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.tree_util import keystr

from jaxnotes.core.matrix import lapack
from jaxnotes.core.values import arrays
from jaxnotes.core.values.arrays import Array, ArrayLike

__all__ = [
    "Curvature",
    "GradientCheck",
    "central_difference",
    "check_gradient",
    "curvature",
    "directional_derivative",
    "forward_difference",
    "hessian",
    "hessian_product",
    "jacobian",
    "jacobian_product",
    "jacobian_transpose_product",
    "partial_derivative",
    "steepest_direction",
    "tangent",
]


def forward_difference(fun: Callable[[Array], ArrayLike], x: ArrayLike, *, step: ArrayLike | None = None) -> Array:
    """The notes' limit, stopped at a step h: the slope from x to x + h.

        (f(x + h) - f(x)) / h,    error <= h/2 max |f''| + eps |f(x)| / h    (f right to half an ulp)

    The distance of the points as rounded, (x + h) - x, is what divides.

    Args:
        fun: a function of a number, that returns one.
        x: a number, ().
        step: h, (), not 0, negative for the slope from the left. By default the power of two next to
            sqrt(2 eps) max(|x|, 1), the best where |f''| max(|x|, 1)^2 = |f|: an error near 1e-8 in float64 and 3e-4 in
            float32.

    Returns:
        The slope, (); NaN where h vanishes beside x.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or step the number 0.

    >>> kink = [forward_difference(jnp.abs, 0.0, step=step) for step in (-0.001, 0.001)]
    >>> print(*kink)
    -1.0 1.0

    Source: Nocedal and Wright, Numerical Optimization (2006), section 8.1.
    """
    x = arrays.scalar("x", x)
    fun = _real(fun)
    x_right = x + _step(step, x, 2)
    return (fun(x_right) - fun(x)) / (x_right - x)


def central_difference(fun: Callable[[Array], ArrayLike], x: ArrayLike, *, step: ArrayLike | None = None) -> Array:
    """The slope from x - h to x + h, whose error falls with h^2.

        (f(x + h) - f(x - h)) / (2 h),    error <= h^2/6 max |f'''| + eps |f(x)| / h    (f right to half an ulp)

    At a kink it is the mean of the two slopes, a number that means little.

    Args:
        fun: a function of a number, that returns one.
        x: a number, ().
        step: h, (), not 0. By default the power of two next to (3 eps)^(1/3) max(|x|, 1), the best where
            |f'''| max(|x|, 1)^3 = |f|: an error near 1e-11 in float64 and 1e-5 in float32.

    Returns:
        The slope, (); NaN where h vanishes beside x.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or step the number 0.

    >>> print(f"{central_difference(jnp.sin, 1.0):.4f} {jnp.cos(1.0):.4f}")
    0.5403 0.5403

    Source: Nocedal and Wright, Numerical Optimization (2006), section 8.1.
    """
    x = arrays.scalar("x", x)
    fun = _real(fun)
    h = _step(step, x, 3)
    x_left, x_right = x - h, x + h
    return (fun(x_right) - fun(x_left)) / (x_right - x_left)


def partial_derivative(fun: Callable[[Array], ArrayLike], x: ArrayLike, i: int) -> Array:
    """The rate of f as x_i alone changes: one entry of the gradient, at the price of one evaluation.

        d f(x) / d x_i

    Partials may exist without a gradient: in the second example both limits are 0, yet the rate along the diagonal is
    1/2. Autodiff does not find out: it follows the branch taken, to 0 in forward mode and, through both branches, to
    NaN in reverse.

    Args:
        fun: a function of a vector, that returns a number.
        x: a vector, (n,).
        i: which entry, a Python int from -n to n - 1.

    Returns:
        The partial derivative, (), by autodiff.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or i out of range.

    >>> fun = lambda x: x[0] ** 2 * x[1] + jnp.sin(x[1])
    >>> print(partial_derivative(fun, [1.0, 2.0], 0), partial_derivative(fun, [1.0, 2.0], 1).round(4))
    4.0 0.5839
    >>> cone = lambda x: jnp.where(jnp.any(x != 0), x[0] * x[1] / jnp.hypot(x[0], x[1]), 0.0)
    >>> lines = [jnp.array(u) for u in ([1.0, 0.0], [0.0, 1.0], [0.5**0.5, 0.5**0.5])]
    >>> print(*[forward_difference(lambda t: cone(t * u), 0.0).round(4) for u in lines])
    0.0 0.0 0.5
    """
    x = arrays.as_float("x", x)
    if x.ndim != 1:
        raise ValueError(f"x: expected shape (n,), got {x.shape}. For a number or a pytree use jax.grad.")
    if not isinstance(i, (int, np.integer)):
        raise TypeError(f"i: expected an integer, got {type(i).__name__}. For all partials use jax.grad.")
    if not -x.size <= i < x.size:
        raise ValueError(f"i: expected an index from {-x.size} to {x.size - 1}, got {i}.")
    return jax.jvp(_real(fun), (x,), (jnp.zeros_like(x).at[i].set(1),))[1]


def directional_derivative(fun: Callable[[Any], Any], x: Any, u: Any) -> Any:
    """The rate of f at x along the unit vector in the direction of u, in one forward pass.

        d f(x + t u / ||u||) / dt  at t = 0,    which is  grad f(x) . u / ||u||  where f is differentiable

    Args:
        fun: a differentiable function, with any outputs.
        x: any pytree of float arrays.
        u: the direction, like x; its length does not matter (`jacobian_product` keeps it).

    Returns:
        One rate per number that fun returns, in the same structure; NaN where u = 0, which is no direction.

    Raises:
        TypeError, ValueError: a wrong dtype, or u unlike x.

    >>> fun = lambda x: x[0] ** 2 * x[1] + jnp.sin(x[1])
    >>> x = jnp.array([1.0, 2.0])
    >>> gradient = jax.grad(fun)(x)
    >>> print(directional_derivative(fun, x, gradient).round(4), jnp.linalg.norm(gradient).round(4))
    4.0424 4.0424
    """
    x = _floats("x", x)
    flat, unravel = ravel_pytree(_like("u", u, "x", x))
    return jax.jvp(fun, (x,), (unravel(_unit(flat)),))[1]


def tangent(fun: Callable[[Any], Any], a: Any) -> Callable[[Any], Any]:
    """The tangent of f at a: a line for a number, a plane for two, a hyperplane for more.

        x  ->  f(a) + f'(a) (x - a),    which leaves an error of order ||x - a||^2

    Args:
        fun: a function that is differentiable at a, with any outputs.
        a: the point of contact, any pytree of float arrays.

    Returns:
        A function of x, like a, whose result is like fun's. It does not evaluate fun again; for many x
        use jax.vmap.

    Raises:
        TypeError, ValueError: a of a wrong dtype; later, x unlike a.

    >>> line = tangent(lambda x: x**2, 3.0)
    >>> print(line(3.0), line(4.0))
    9.0 15.0
    """
    a = _floats("a", a)
    value, slope = jax.linearize(fun, a)

    def at(x: Any) -> Any:
        return jax.tree.map(jnp.add, value, slope(jax.tree.map(jnp.subtract, _like("x", x, "a", a), a)))

    return at


def steepest_direction(gradient: Any, norm: str = "l2") -> Any:
    """Where a function with this gradient g rises fastest per step of length 1; the length decides where that is.

        argmax over ||u|| <= 1 of g . u:    "l2": g / ||g||_2        with rate ||g||_2
                                            "l1": sign(g_k) e_k      with rate max |g_j| = |g_k|, the first such k
                                            "linf": sign(g)          with rate sum |g_j|

    The steepest descent is the opposite.

    Args:
        gradient: g, any pytree of float arrays.
        norm: the length of a step, "l2" (default), "l1" or "linf".

    Returns:
        The direction, like gradient; NaN where g is 0 or not finite and there is none.

    Raises:
        TypeError, ValueError: gradient of a wrong dtype or empty, or an unknown norm.

    >>> [steepest_direction(jnp.array([3.0, -4.0]), norm).tolist() for norm in ("l1", "linf")]
    [[0.0, -1.0], [1.0, -1.0]]

    Source: Boyd and Vandenberghe, Convex Optimization (2004), section 9.4.
    """
    g, unravel = ravel_pytree(_floats("gradient", gradient))
    size = jnp.abs(g)
    if norm == "l2":
        direction = _unit(g)
    elif norm == "l1":
        k = jnp.argmax(size)
        direction = jnp.zeros_like(g).at[k].set(jnp.sign(g[k]))
    elif norm == "linf":
        direction = jnp.sign(g)
    else:
        raise ValueError(f"norm: expected one of l1, l2, linf, got {norm!r}.")
    return unravel(jnp.where((jnp.max(size) > 0) & jnp.isfinite(jnp.max(size)), direction, jnp.nan))


class GradientCheck(NamedTuple):
    """What `check_gradient` found at the worst entry, and the verdict on all entries, which is also its truth value.

    Attributes:
        leaf: where the entry is: the key path, as from jax.tree_util.keystr.
        entry: the index within the leaf.
        autodiff: the derivative by autodiff.
        numeric: the derivative by central differences.
        jump: the slope to the right less that to the left, where it does not shrink with the step: a kink.
        error: |autodiff - numeric| + |jump| / 2.
        tolerance: what rounding and the step explain.
        passed: whether every entry has error <= tolerance.
    """

    leaf: str
    entry: tuple[int, ...]
    autodiff: float
    numeric: float
    jump: float
    error: float
    tolerance: float
    passed: bool

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        index = f"[{', '.join(map(str, self.entry))}]" if self.entry else ""
        jump = abs(self.jump)
        kink = f"; a kink, the slopes beside it differ by {jump:.3g}" if jump > self.tolerance else ""
        return (
            f"{'passed' if self.passed else 'FAILED'}, worst at x{self.leaf}{index}: autodiff {self.autodiff:.6g}, "
            f"numeric {self.numeric:.6g}, error {self.error:.2g}, tolerance {self.tolerance:.2g}{kink}."
        )


def check_gradient(fun: Callable[[Any], ArrayLike], x: Any) -> GradientCheck:
    """Hold the gradient by autodiff to central differences, entry by entry, and report the worst.

        error_j <= |D_h - D_2h| + 32 eps (max |f| + sqrt(sum_k (x_k g_k)^2)) / h,    h as in `central_difference`

    D_h is the central difference of entry j, with a truncation error near a third of the first term; the second is what
    rounding of f and of x may do. Where the slopes to the right and left of x_j stay apart as h is halved, half their
    distance counts as error: autodiff is silent about kinks. Look at the tolerance too: no smaller error can be seen,
    and float64 (`jaxnotes.x64`) sees some 1e6 times more. It runs on the host, not inside jit or
    vmap, and takes five evaluations per entry, with matrix products at highest precision.

    Args:
        fun: a function of x, that returns a number.
        x: any pytree of float arrays.

    Returns:
        A `GradientCheck`, true where all is well. An entry fails, too, where no derivative is finite, within about 2 h
        / 3 of a kink, and within 2 h of where f ends. Only the axes are walked: partials without a gradient pass.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or traced arrays.

    >>> print(check_gradient(lambda p: jnp.sum(jnp.abs(p["w"])), {"b": 0.0, "w": jnp.array([1.0, 0.0])}))
    FAILED, worst at x['w'][1]: autodiff 1, numeric 0, error 2, tolerance ...; a kink, the slopes beside it differ by 2.
    """
    x = _floats("x", x)
    paths, structure = jax.tree_util.tree_flatten_with_path(x)
    leaves = [leaf for _, leaf in paths]
    if any(arrays.is_traced(leaf) for leaf in leaves):
        raise TypeError("x: expected finished arrays, got traced ones. Call check_gradient outside jit and vmap.")
    fun, eps = _real(fun), max(float(jnp.finfo(leaf.dtype).eps) for leaf in leaves)

    def along(k: int) -> Callable[[Array], Array]:
        return lambda flat: fun(structure.unflatten([*leaves[:k], flat.reshape(leaves[k].shape), *leaves[k + 1 :]]))

    with jax.default_matmul_precision("highest"):
        gradient = jax.tree.leaves(jax.grad(fun)(x))
        terms = [g * leaf for g, leaf in zip(gradient, leaves, strict=True)]
        inputs = jnp.sqrt(sum(jnp.sum(term**2, where=jnp.isfinite(term)) for term in terms))
        columns = [
            _compare(along(k), leaf.ravel(), g.ravel(), inputs, eps)
            for k, (leaf, g) in enumerate(zip(leaves, gradient, strict=True))
            if leaf.size
        ]
    table = np.concatenate([np.asarray(column, np.float64) for column in columns], axis=1)
    *_, errors, tolerances = table
    with np.errstate(over="ignore", invalid="ignore"):
        # NaN, the mark of a derivative that does not exist, counts as the largest.
        worst = int(np.argmax(errors / np.maximum(tolerances, np.finfo(np.float64).tiny)))
    starts = np.cumsum([0, *(leaf.size for leaf in leaves)])
    k = int(np.searchsorted(starts, worst, side="right")) - 1
    entry = tuple(map(int, np.unravel_index(worst - starts[k], leaves[k].shape)))
    g, numeric, jump, error, tolerance = table[:, worst].tolist()
    passed = bool(np.all(errors <= tolerances))
    return GradientCheck(keystr(paths[k][0]), entry, g, numeric, jump, error, tolerance, passed)


def jacobian(fun: Callable[[Any], Any], x: Any) -> Array:
    """All first derivatives as a matrix: a row per number that fun returns, a column per number of x.

        J_ij = d f_i(x) / d x_j

    Args:
        fun: a differentiable function, from a pytree of n numbers to one of m.
        x: any pytree of float arrays, n numbers in all.

    Returns:
        J, (m, n), by forward mode where n <= m and reverse mode otherwise: min(m, n) passes.

    Raises:
        TypeError, ValueError: a wrong dtype, or no number at all.

    >>> print(jacobian(lambda x: {"sum": x[0] + x[1], "scaled": 2 * x}, jnp.array([1.0, 5.0])))
    [[2. 0.]
     [0. 2.]
     [1. 1.]]
    """
    flat, unravel = ravel_pytree(_floats("x", x))

    def vector(flat: Array) -> Array:
        return ravel_pytree(_floats("fun(x)", fun(unravel(flat))))[0]

    rows = jax.eval_shape(vector, flat).size
    return (jax.jacfwd if flat.size <= rows else jax.jacrev)(vector)(flat)


def hessian(fun: Callable[[Any], ArrayLike], x: Any) -> Array:
    """All second derivatives as a matrix, forward over reverse: n passes and n^2 numbers.

        H_ij = d^2 f(x) / d x_i d x_j

    Args:
        fun: a twice differentiable function of x, that returns a number.
        x: any pytree of float arrays, n numbers in all.

    Returns:
        H, (n, n), symmetric where the second derivatives are continuous.

    Raises:
        TypeError, ValueError: a wrong dtype or shape.

    >>> print(hessian(lambda x: x[0] ** 2 * x[1], jnp.array([1.0, 2.0])))
    [[4. 2.]
     [2. 0.]]
    """
    flat, unravel = ravel_pytree(_floats("x", x))
    return jax.jacfwd(jax.grad(_real(lambda flat: fun(unravel(flat)))))(flat)


def jacobian_product(fun: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """How the outputs move as x moves by v, in one forward pass and without the Jacobian.

        J v = d f(x + t v) / dt  at t = 0

    Args:
        fun: a differentiable function, with any outputs.
        x: any pytree of float arrays.
        v: the move, like x.

    Returns:
        J v, a pytree like fun(x).

    Raises:
        TypeError, ValueError: a wrong dtype, or v unlike x.

    >>> print(jacobian_product(lambda x: x**2, jnp.array([1.0, 3.0]), jnp.array([1.0, 10.0])))
    [ 2. 60.]
    """
    x = _floats("x", x)
    return jax.jvp(fun, (x,), (_like("v", v, "x", x),))[1]


def jacobian_transpose_product(fun: Callable[[Any], Any], x: Any, w: Any) -> Any:
    """The gradient of w . fun(x), in one reverse pass and without the Jacobian.

        J'w = grad (w . f)(x)

    Args:
        fun: a differentiable function, with any outputs.
        x: any pytree of float arrays.
        w: a weight for each output, like fun(x).

    Returns:
        J'w, a pytree like x.

    Raises:
        TypeError, ValueError: a wrong dtype, or w unlike fun(x).

    >>> print(jacobian_transpose_product(lambda x: x[0] * x[1], jnp.array([2.0, 3.0]), 10.0))
    [30. 20.]
    """
    value, pullback = jax.vjp(fun, _floats("x", x))
    return pullback(_like("w", w, "fun(x)", value))[0]


def hessian_product(fun: Callable[[Any], ArrayLike], x: Any, v: Any) -> Any:
    """How the gradient changes as x moves by v, forward over reverse, at the price of a few gradients.

        H(x) v = d grad f(x + t v) / dt  at t = 0

    The Hessian itself is never formed.

    Args:
        fun: a twice differentiable function of x, that returns a number.
        x: any pytree of float arrays.
        v: the move, like x.

    Returns:
        H v, a pytree like x.

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or v unlike x.

    >>> print(hessian_product(lambda x: jnp.sum(x**3), jnp.array([1.0, 2.0]), jnp.array([1.0, 1.0])))
    [ 6. 12.]

    Source: Pearlmutter (1994), Neural Computation 6(1), 147-160.
    """
    x = _floats("x", x)
    return jax.jvp(jax.grad(_real(fun)), (x,), (_like("v", v, "x", x),))[1]


class Curvature(NamedTuple):
    """How a quadratic bends.

    Attributes:
        mu: the smallest curvature, ().
        L: the largest curvature, ().
        condition: the condition number L / mu, ().
    """

    mu: Array
    L: Array
    condition: Array


def curvature(hessian: ArrayLike) -> Curvature:
    """How a quadratic bends: gradient descent at a fixed rate converges for rates below 2 / L, in some L / mu steps.

        f(x) = x'Hx / 2 + b'x + c:    mu ||v||^2 <= v'Hv <= L ||v||^2 for every v,    condition = L / mu

    Args:
        hessian: H, (n, n), of which only the symmetric part counts.

    Returns:
        A `Curvature`. The condition is infinite where |mu| is within rounding, n eps ||H||, of 0 (a direction without
        curvature), and NaN where mu < 0: then the quadratic has no minimum.

    Raises:
        TypeError, ValueError: hessian of a wrong dtype or shape.

    >>> print(*curvature(jnp.diag(jnp.array([1.0, 10.0]))))
    1.0 10.0 10.0

    Source: Nesterov, Lectures on Convex Optimization (2018), sections 1.2 and 2.1.
    """
    H = arrays.as_float("hessian", hessian)
    if H.ndim != 2 or H.shape[0] != H.shape[1] or H.size == 0:
        raise ValueError(f"hessian: expected shape (n, n), got {H.shape}. For a function use hessian(fun, x).")
    eigenvalues, _ = lapack.eigh(H)
    mu, L = eigenvalues[0], eigenvalues[-1]
    rounding = len(H) * jnp.finfo(H.dtype).eps * jnp.maximum(jnp.abs(mu), jnp.abs(L))
    return Curvature(mu, L, jnp.where(mu > rounding, L / mu, jnp.where(mu >= -rounding, jnp.inf, jnp.nan)))


def _step(step: ArrayLike | None, x: Array, n: int) -> Array:
    if step is None:
        return _best_step(x, float(jnp.finfo(x.dtype).eps), n)
    if isinstance(step, (int, float)) and not abs(step) > 0:
        raise ValueError(f"step: expected a number other than 0, got {step}.")
    return arrays.scalar("step", step).astype(x.dtype)


def _best_step(x: Array, eps: float, n: int) -> Array:
    """About (n eps)^(1/n) max(|x|, 1); by a power of two, so that the product is exact, fused or not."""
    return 2.0 ** round(math.log2(n * eps) / n) * jnp.maximum(jnp.abs(x), 1)


def _compare(fun: Callable[[Array], Array], x: Array, g: Array, inputs: ArrayLike, eps: float) -> tuple[Array, ...]:
    """For every entry of the vector x: g, the central difference, jump, error and tolerance, each (n,)."""
    h = _best_step(x, eps, 3)
    points = x[:, None] + h[:, None] * jnp.arange(-2, 3, dtype=x.dtype)[None, :]
    moves = jnp.repeat(jnp.arange(x.size), 5), points.ravel()
    values = jax.lax.map(lambda move: fun(x.at[move[0]].set(move[1])), moves).reshape(points.shape)
    slopes = (values - values[:, 2:3]) / (points - points[:, 2:3])
    far_left, left, _, right, far_right = slopes.T
    numeric, far = (left + right) / 2, (far_left + far_right) / 2
    gap, far_gap = right - left, far_right - far_left
    # Where f is smooth the gap halves with the step; at a kink it stays.
    jump = jnp.where(jnp.abs(far_gap) < 1.25 * jnp.abs(gap), gap, 0)
    error = jnp.abs(g - numeric) + jnp.abs(jump) / 2
    noise = eps * (jnp.max(jnp.abs(values), axis=1) + inputs) / h
    return g, numeric, jump, error, jnp.abs(numeric - far) + 32 * noise


def _unit(v: Array) -> Array:
    """v / ||v||; divided by the largest entry first, so that no square overflows or vanishes."""
    v = v / jnp.max(jnp.abs(v))
    return v / jnp.linalg.norm(v)


def _real(fun: Callable[[Any], ArrayLike]) -> Callable[[Any], Array]:
    """fun, held to return a number."""

    def checked(x: Any) -> Array:
        value = arrays.as_float("fun(x)", fun(x))
        if value.shape != ():
            raise ValueError(f"fun(x): expected a number, got shape {value.shape}. For several numbers use jacobian.")
        return value

    return checked


def _floats(name: str, tree: Any) -> Any:
    """The pytree with its leaves as float arrays, at least one number in all."""
    tree = jax.tree_util.tree_map_with_path(lambda path, leaf: arrays.as_float(name + keystr(path), leaf), tree)
    if not any(leaf.size for leaf in jax.tree.leaves(tree)):
        raise ValueError(f"{name}: expected at least one number, got {_shapes(tree)}.")
    return tree


def _like(name: str, tree: Any, other: str, reference: Any) -> Any:
    """The pytree as floats, held to the structure and shapes of the reference and cast to its dtypes."""
    tree = _floats(name, tree)
    if _shapes(tree) != _shapes(reference):
        raise ValueError(f"{name}: expected the shapes of {other}, {_shapes(reference)}, got {_shapes(tree)}.")
    return jax.tree.map(lambda leaf, like: leaf.astype(like.dtype), tree, reference)


def _shapes(tree: Any) -> str:
    return str(jax.tree.map(jnp.shape, tree))
