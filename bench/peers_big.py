"""What others offer for one big problem. Each function returns a Contender; imports happen when it is made."""

import numpy as np

from bench.peers import answer_of, quietly, with_ones
from bench.runner import Answer, Contender, Trial


def sklearn_newton(X: np.ndarray, y: np.ndarray, tol: float) -> Contender:
    def make(count):
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=tol, max_iter=50)
        return Trial(lambda: quietly(model.fit, X, y), read_sklearn)

    return Contender("scikit-learn newton-cholesky", make, note=f"tol {tol:g}")


def sklearn_lbfgs(X: np.ndarray, y: np.ndarray, tol: float) -> Contender:
    """On columns scaled beforehand and in float64: in float32, or on raw columns, it stops far from the optimum."""

    def make(count):
        from sklearn.linear_model import LogisticRegression

        scale = np.sqrt(np.mean(np.square(X), axis=0, dtype=np.float64))
        scaled = X / scale
        model = LogisticRegression(C=np.inf, solver="lbfgs", tol=tol, max_iter=2000)

        def read(found):
            answer = read_sklearn(found)
            return Answer(answer.coef / scale, answer.intercept, answer.status, answer.steps)

        return Trial(lambda: quietly(model.fit, scaled, y.astype(np.float64)), read)

    return Contender("scikit-learn lbfgs", make, note=f"tol {tol:g}, given scaled float64 columns")


def read_sklearn(found) -> Answer:
    rows = np.column_stack([found.intercept_, found.coef_])
    return answer_of(rows, found.n_iter_ < found.max_iter, float(found.n_iter_[0]))


def glum_irls(X: np.ndarray, y: np.ndarray, tol: float) -> Contender:
    def make(count):
        from glum import GeneralizedLinearRegressor

        model = GeneralizedLinearRegressor(family="binomial", alpha=0, gradient_tol=tol, max_iter=50)

        def read(found):
            rows = np.append(found.intercept_, found.coef_)[None]
            return answer_of(rows, [found.n_iter_ < found.max_iter], float(found.n_iter_))

        return Trial(lambda: quietly(model.fit, X, y), read)

    return Contender("glum irls", make, note=f"gradient_tol {tol:g}")


def sklearn_linear(X: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        from sklearn.linear_model import LinearRegression

        def read(found):
            return answer_of(np.append(found.intercept_, found.coef_)[None], [True])

        return Trial(lambda: LinearRegression().fit(X, y), read)

    return Contender("scikit-learn LinearRegression", make)


def sklearn_ridge(X: np.ndarray, y: np.ndarray) -> Contender:
    """Ridge without a penalty: the normal equations, by Cholesky."""

    def make(count):
        from sklearn.linear_model import Ridge

        def read(found):
            return answer_of(np.append(found.intercept_, found.coef_)[None], [True])

        return Trial(lambda: Ridge(alpha=0.0, solver="cholesky").fit(X, y), read)

    return Contender("scikit-learn Ridge(0)", make, note="normal equations")


def numpy_lstsq(X: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        design = with_ones(X)
        return Trial(lambda: np.linalg.lstsq(design, y)[0], lambda beta: answer_of(beta[None], [True]))

    return Contender("numpy lstsq", make)


def scipy_gelsy(X: np.ndarray, y: np.ndarray) -> Contender:
    def make(count):
        from scipy.linalg import lstsq

        design = with_ones(X)
        solve = {"lapack_driver": "gelsy", "check_finite": False}
        return Trial(lambda: lstsq(design, y, **solve)[0], lambda beta: answer_of(beta[None], [True]))

    return Contender("scipy lstsq (gelsy)", make)
