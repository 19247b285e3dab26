"""jaxnotes: the foundations of deep learning as pure JAX functions, in the order of the notes.

Chapters:

    1  gradients               derivatives as limits and by autodiff, the tangent plane, a gradient check
    1  gradient_descent        the rules, the rates they need, and the steps they take
    2  broadcasting            the shape rule, explained; the silent (n, 1) - (n,) bug
    3  least_squares           ordinary, weighted and ridge regression
    3  curve_fitting           nonlinear least squares: any curve, with bands
    4  maximum_likelihood      any likelihood of yours: fit, intervals, tests
    4  distributions           twenty families: log-probability, tails, moments, draws, fits
    5  logistic_regression     two classes, or counts of successes
    5  multinomial_regression  more than two classes
    5  neural_networks         many small units trained whole; one network or a thousand
    6  activations             value and derivatives right everywhere; how they carry a signal through layers
    A  multiple_testing        p-values adjusted for their number, estimates shrunk towards their mean
    A  screen                  one regression for each of very many candidate columns
    A  moments                 mean, variance, covariance, correlation, autocorrelation
    A  information             entropy, cross-entropy, divergences, mutual information
    A  sums                    closed forms, sums that lose no digits, norms, big O measured
    A  notation                the table of symbols, every row a checked example

and for all of them

    Solution, LinearParams      what every fit returns: the estimate, and how good it is
    Inference                   what every infer returns: standard errors, tests, intervals
    Status                      how a fit ended
    raise_for_status, FitError  the error of a fit that failed, which names the lanes
    covariances                 robust and clustered covariances, as values for `cov=`
    x64                         double precision inside a `with` block
    cache                       compiled programs kept on disk for the next process
    minimize, minimize_path     any function of yours, by any of the methods
    methods                     rules for one step downhill
    bijections                  positive, bounded, ordered and simplex parameters from free coordinates
    groups                      one model per group of rows, whatever the groups' sizes
    tables                      formulas and data frames: rows in, tidy rows out
    check                       the checker of the lessons' exercises
    datasets                    small real data, each with its source
    show                        tables and pictures for people
    about                       versions, device and precision in one line

A name is imported when it is first used, so `import jaxnotes` costs nothing and starts no device.
"""

from importlib import import_module
from sys import modules
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxnotes import (
        activations,
        bijections,
        broadcasting,
        check,
        covariances,
        curve_fitting,
        datasets,
        distributions,
        gradient_descent,
        gradients,
        groups,
        information,
        least_squares,
        logistic_regression,
        maximum_likelihood,
        methods,
        moments,
        multinomial_regression,
        multiple_testing,
        neural_networks,
        notation,
        screen,
        show,
        sums,
        tables,
    )
    from jaxnotes.core.descent.minimize import minimize, minimize_path
    from jaxnotes.core.inference.covariance import Inference
    from jaxnotes.core.values.cache import cache
    from jaxnotes.core.values.compat import x64
    from jaxnotes.core.values.params import LinearParams
    from jaxnotes.core.values.status import FitError, Solution, Status, raise_for_status
    from jaxnotes.show.environment import about

    __version__: str

__all__ = [
    "FitError",
    "Inference",
    "LinearParams",
    "Solution",
    "Status",
    "__version__",
    "about",
    "activations",
    "bijections",
    "broadcasting",
    "cache",
    "check",
    "covariances",
    "curve_fitting",
    "datasets",
    "distributions",
    "gradient_descent",
    "gradients",
    "groups",
    "information",
    "least_squares",
    "logistic_regression",
    "maximum_likelihood",
    "methods",
    "minimize",
    "minimize_path",
    "moments",
    "multinomial_regression",
    "multiple_testing",
    "neural_networks",
    "notation",
    "raise_for_status",
    "screen",
    "show",
    "sums",
    "tables",
    "x64",
]

# Where a name lives that is no module of this package.
_HOMES = {
    "FitError": "jaxnotes.core.values.status",
    "Inference": "jaxnotes.core.inference.covariance",
    "LinearParams": "jaxnotes.core.values.params",
    "Solution": "jaxnotes.core.values.status",
    "Status": "jaxnotes.core.values.status",
    "about": "jaxnotes.show.environment",
    "cache": "jaxnotes.core.values.cache",
    "minimize": "jaxnotes.core.descent.minimize",
    "minimize_path": "jaxnotes.core.descent.minimize",
    "raise_for_status": "jaxnotes.core.values.status",
    "x64": "jaxnotes.core.values.compat",
}


def __getattr__(name: str) -> Any:
    """Import `name` on first use (PEP 562)."""
    if name not in __all__:
        habits = import_module("jaxnotes.core.values.habits")
        raise habits.missing(modules[__name__], name, habits.PACKAGE)
    if name == "__version__":
        return import_module("jaxnotes._version").version()
    # Not kept here, where doctest would take a class for one that this file defines.
    return getattr(import_module(_HOMES[name]), name) if name in _HOMES else import_module(f"jaxnotes.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
