"""From a table to answers: a formula and a frame in, one model or one for each group, tidy rows out.

fit        the models of a frame: jn.tables.fit(frame, "y ~ x + C(z)", by="store"), a `Fitted`
Fitted     .tidy() .glance() .augment() .predict() .failures() .adjust() .plot() .to_parquet() .save()
design     X, y and names of a formula, for any function of arrays
spec       what fit would do, to be shipped to workers
fit_arrow  complete groups in, tidy rows out, for DuckDB, Ray and Spark
load       models from a file

Frames come through narwhals, formulas through formulaic, both imported when used: pip install "jaxnotes[tables]".
Arrays stay the currency of all the rest: what is here ends where X and y begin.
"""

from jaxnotes.tables.arrow import fit_arrow
from jaxnotes.tables.fitted import Fitted, load
from jaxnotes.tables.fitting import fit, spec
from jaxnotes.tables.matrices import Design, design
from jaxnotes.tables.specs import Spec

__all__ = ["Design", "Fitted", "Spec", "design", "fit", "fit_arrow", "load", "spec"]
