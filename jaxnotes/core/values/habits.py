"""What people who come from another library write first, and what to write here: the text of an AttributeError."""

from types import ModuleType

_CHAPTER = "of its chapter, as in jn.least_squares"
_INFER = "infer(solution, X, y) " + _CHAPTER

PACKAGE = {
    "LinearRegression": "jn.least_squares.fit(X, y)",
    "OLS": "jn.least_squares.fit(X, y)",
    "WLS": "jn.least_squares.fit(X, y, precision=...)",
    "Ridge": "jn.least_squares.fit(X, y, l2=alpha / n)",
    "LogisticRegression": "jn.logistic_regression.fit(X, y, l2=1 / (n * C))",
    "Logit": "jn.logistic_regression.fit(X, y)",
    "MNLogit": "jn.multinomial_regression.fit(X, y, n_classes=...)",
    "MLPClassifier": "jn.neural_networks.train(key, params, (X, y))",
    "MLPRegressor": "jn.neural_networks.train(key, params, (X, y))",
    "GenericLikelihoodModel": "jn.maximum_likelihood.fit(log_prob, params0, data)",
    "curve_fit": "jn.curve_fitting.fit(model, params0, x, y)",
    "norm": "jn.distributions.Normal",
    "stats": "jn.distributions",
    "enable_x64": "jn.x64()",
}

SOLUTION = {
    "coef": "solution.params.coef",
    "coef_": "solution.params.coef",
    "intercept": "solution.params.intercept",
    "intercept_": "solution.params.intercept",
    "x": "solution.params",
    "fun": "solution.value",
    "success": "solution.converged",
    "message": "jn.raise_for_status(solution)",
    "nit": "solution.steps",
    "n_iter_": "solution.steps",
    "summary": "jn.show.summary(solution, inference), with inference = " + _INFER,
    "bse": "the se of " + _INFER,
    "pvalues": "the pvalue of " + _INFER,
    "tvalues": "the statistic of " + _INFER,
    "conf_int": "the lower and upper of " + _INFER,
    "cov_params": "the covariance of " + _INFER,
    "predict": "predict(solution, X) " + _CHAPTER,
    "predict_proba": "jn.logistic_regression.predict_proba(solution, X)",
    "score": "jn.least_squares.r_squared(solution, X, y)",
    "rsquared": "jn.least_squares.r_squared(solution, X, y)",
}

PARAMS = {"coef_": "coef", "intercept_": "intercept"}

INFERENCE = {
    "params": "inference.estimate",
    "coef": "inference.estimate",
    "bse": "inference.se",
    "pvalues": "inference.pvalue",
    "tvalues": "inference.statistic",
    "conf_int": "inference.lower and inference.upper",
    "cov_params": "inference.covariance",
    "summary": "jn.show.summary(solution, inference)",
}


def missing(owner: object, name: str, instead: dict[str, str]) -> AttributeError:
    """The error for an attribute that `owner` has not, with what to write instead where another library has it."""
    who = f"module {owner.__name__!r}" if isinstance(owner, ModuleType) else f"{type(owner).__name__!r} object"
    hint = f". Use {instead[name]}." if name in instead else ""
    return AttributeError(f"{who} has no attribute {name!r}{hint}")
