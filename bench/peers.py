"""What others offer for many small problems. Each function returns a Contender; imports happen when it is made.

Preparation is outside the clock, in the peer's favour: float64 copies, columns of ones, tensors.
"""

import warnings
from collections import Counter
from collections.abc import Callable

import numpy as np

from bench.jax_trial import jax_trial
from bench.runner import Answer, Contender, Trial


def quietly(function: Callable, *arguments):
    """Peers warn about convergence once a problem; the status column counts instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments)


def one_after_the_other(fit_one: Callable, count: int) -> list:
    """A user's loop, with one BLAS thread: more of them only stand in each other's way on small problems."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        return [fit_one(k) for k in range(count)]


def answer_of(rows: np.ndarray, converged: np.ndarray, steps: float | None = None, l2: float | None = None) -> Answer:
    """An Answer from coefficients with the intercept first, one row a problem."""
    rows = np.asarray(rows, np.float64)
    status = Counter("converged" if ok else "not converged" for ok in converged)
    return Answer(rows[:, 1:], rows[:, 0], dict(status), steps, l2)


def sklearn_loop(X: np.ndarray, y: np.ndarray, l2: float, solver: str, tol: float, note: str = "") -> Contender:
    """LogisticRegression on one problem after the other; X (problems, n, p), or (n, p) shared.

    liblinear penalizes the intercept too; intercept_scaling makes that penalty negligible (the others ignore it).
    """

    def make(count):
        from sklearn.linear_model import LogisticRegression

        designs = X[:count].astype(np.float64) if X.ndim == 3 else X.astype(np.float64)
        targets = y[:count].astype(np.float64)
        settings = {"C": 1 / (X.shape[-2] * l2), "tol": tol, "max_iter": 500, "intercept_scaling": 100.0}
        model = LogisticRegression(solver=solver, **settings)

        def one(k):
            model.fit(designs[k] if X.ndim == 3 else designs, targets[k])
            return np.append(model.intercept_, model.coef_), int(model.n_iter_[0])

        def read(raw):
            rows, steps = (np.array(part) for part in zip(*raw, strict=True))
            return answer_of(rows, steps < 500, steps.mean())

        return Trial(lambda: quietly(one_after_the_other, one, count), read)

    return Contender(f"scikit-learn {solver}", make, loop=True, note=note)


def statsmodels_loop(X: np.ndarray, y: np.ndarray, tol: float) -> Contender:
    """Logit.fit on one problem after the other: it has no smooth penalty, so it minimizes without one."""

    def make(count):
        from statsmodels.api import Logit

        designs = with_ones(X[:count]).astype(np.float64)
        targets = y[:count].astype(np.float64)

        def one(k):
            found = Logit(targets[k], designs[k]).fit(method="newton", tol=tol, disp=False)
            return found.params, found.mle_retvals["converged"], found.mle_retvals["iterations"]

        def read(raw):
            rows, converged, steps = (np.array(part) for part in zip(*raw, strict=True))
            return answer_of(rows, converged, steps.mean(), l2=0.0)

        return Trial(lambda: quietly(one_after_the_other, one, count), read)

    return Contender("statsmodels Logit", make, loop=True, note="without the penalty: another objective")


def with_ones(X: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((*X.shape[:-1], 1), X.dtype), X], axis=-1)


def numpy_newton(X: np.ndarray, y: np.ndarray, l2: float, tol: float, block: int | None = None) -> Contender:
    """Newton on all problems at once, or on `block` of them at a time, which stay in the cache."""

    def make(count):
        design = with_ones(X[:count])
        starts = range(0, count, block or count)
        slices = [slice(start, start + (block or count)) for start in starts]

        def read(raw):
            rows, converged, steps = zip(*raw, strict=True)
            return answer_of(np.concatenate(rows), np.concatenate(converged), float(np.mean(steps)))

        return Trial(lambda: [newton_block(design[part], y[:count][part], l2, tol) for part in slices], read)

    name = f"numpy Newton, {'all at once' if block is None else f'blocks of {block}'}"
    return Contender(name, make, note="batched matmul and np.linalg.solve")


def newton_block(design: np.ndarray, y: np.ndarray, l2: float, tol: float):
    """(coefficients, converged, steps) of every problem in design (problems, n, q), the intercept first."""
    problems, n, q = design.shape
    penalty = np.full(q, l2, design.dtype)
    penalty[0] = 0
    scale = np.sqrt(np.mean(design * design, axis=1))
    columns = design.swapaxes(1, 2)
    beta = np.zeros((problems, q), design.dtype)
    for step in range(50):  # noqa: B007 (the number of steps taken)
        probability = 1 / (1 + np.exp(-(design @ beta[:, :, None])[:, :, 0]))
        gradient = (columns @ (probability - y)[:, :, None])[:, :, 0] / n + penalty * beta
        size = np.max(np.abs(gradient) / scale, axis=1)
        if size.max() <= tol:
            break
        weighted = design * (probability * (1 - probability))[:, :, None]
        hessian = columns @ weighted / n + np.diag(penalty)
        beta = beta - np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
    return beta, size <= tol, step


def torch_newton(X: np.ndarray, y: np.ndarray, l2: float, tol: float) -> Contender:
    """The same on torch tensors, on the accelerator where torch sees one."""

    def make(count):
        import torch

        place = "cuda" if torch.cuda.is_available() else "cpu"
        design = torch.as_tensor(with_ones(X[:count]), device=place)
        targets = torch.as_tensor(y[:count], device=place)

        def run():
            beta, converged, steps = torch_steps(torch, design, targets, l2, tol)
            return beta.cpu().numpy(), converged.cpu().numpy(), steps

        return Trial(run, lambda raw: answer_of(*raw))

    return Contender("torch Newton", make, note="torch.bmm and torch.linalg.solve")


def torch_steps(torch, design, y, l2: float, tol: float):
    problems, n, q = design.shape
    penalty = torch.full((q,), l2, device=design.device)
    penalty[0] = 0
    scale = design.square().mean(1).sqrt()
    columns = design.transpose(1, 2)
    beta = torch.zeros((problems, q), device=design.device)
    for step in range(50):  # noqa: B007
        probability = torch.sigmoid(torch.bmm(design, beta[:, :, None])[:, :, 0])
        gradient = torch.bmm(columns, (probability - y)[:, :, None])[:, :, 0] / n + penalty * beta
        size = (gradient.abs() / scale).amax(1)
        if size.max() <= tol:
            break
        weighted = design * (probability * (1 - probability))[:, :, None]
        hessian = torch.bmm(columns, weighted) / n + torch.diag(penalty)
        beta = beta - torch.linalg.solve(hessian, gradient)
    return beta, size <= tol, step


def jaxopt_lbfgs(X: np.ndarray, y: np.ndarray, l2: float, tol: float) -> Contender:
    """jaxopt.LBFGS under vmap."""

    def make(count):
        import jax
        import jax.numpy as jnp
        import jaxopt

        def loss(beta, X, y):
            eta = X @ beta[1:] + beta[0]
            return jnp.mean(jnp.logaddexp(0, eta) - y * eta) + l2 / 2 * jnp.sum(beta[1:] ** 2)

        solver = jaxopt.LBFGS(loss, tol=tol, maxiter=100, implicit_diff=False)

        def fit(X, y):
            found = solver.run(jnp.zeros(X.shape[1] + 1, X.dtype), X, y)
            return found.params, found.state.error <= tol, found.state.iter_num

        def read(raw):
            rows, converged, steps = (np.asarray(part) for part in raw)
            return answer_of(rows, converged, steps.mean())

        return quietly(jax_trial, jax.vmap(fit), (X[:count], y[:count]), read)

    return Contender("jaxopt L-BFGS under vmap", make, loop=True)
