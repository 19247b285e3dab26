"""What `jn.tables.fit` returns: the models, and what one asks of them, as frames of the kind that came in."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxnotes.core.inference.covariance import Inference
from jaxnotes.core.values.compat import x64
from jaxnotes.core.values.public import public
from jaxnotes.core.values.status import Solution, Status
from jaxnotes.groups.result import Groups, names_of
from jaxnotes.tables import digest, files, rows
from jaxnotes.tables.frames import Source, like
from jaxnotes.tables.goodness import digits
from jaxnotes.tables.needs import needed
from jaxnotes.tables.specs import Spec
from jaxnotes.tables.tidy import nullable, tidy


@public("jaxnotes.tables")
@dataclass(frozen=True, repr=False)
class Fitted:
    """Models of a frame, in order of the groups' first appearance. print shows one as a table, many as a digest.

    Attributes:
        spec: what was fitted, a `Spec`.
        keys: the labels of the groups, a pyarrow table of G rows.
        groups: the `jn.groups.Groups`: solution, inference, n_obs, lanes first.
        kept: which columns of X each model has, (G, p).
        met: for each factor of labels, which of its levels each model has met, (G, levels).
        goodness: loglik, aic, and r2 or deviance, (G,).
        row_counts: how many rows there were, were used, and lacked what.
        source: the frame, None where it is not there any more; default None.
    """

    spec: Spec
    keys: Any
    groups: Groups
    kept: np.ndarray
    met: dict[str, np.ndarray]
    goodness: dict[str, np.ndarray]
    row_counts: dict[str, int]
    source: Source | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.groups)

    def __repr__(self) -> str:
        return digest.text(self)

    def _repr_html_(self) -> str:
        return digest.page(self)

    @property
    def solution(self) -> Solution:
        """What `fit` says of each model, lanes first."""
        return self.groups.solution

    @property
    def inference(self) -> Inference:
        """What `infer` says of each model, lanes first."""
        return self.groups.inference

    @property
    def kind(self) -> str:
        """The kind of frame that answers come as."""
        return "pyarrow" if self.source is None else self.source.kind

    def counts(self) -> dict[str, int]:
        """How many models ended with each status, by its name."""
        return self.groups.counts()

    def tidy(self) -> Any:
        """A row for each parameter of each model.

        Returns:
            A frame of keys, [class], term, estimate, se, statistic, pvalue, lower, upper, status, n_obs and dropped.
        """
        return like(self.tidy_table(), self.kind)

    def tidy_table(self) -> Any:
        """The same as a pyarrow table."""
        return tidy(self.spec, self.keys, self.solution, self.inference, self.groups.n_obs, self.kept)

    def glance(self) -> Any:
        """A row for each model.

        Returns:
            A frame of keys, n_obs, loglik, aic, r2 or deviance, status, digits (how many are known to be right, in
            units of a standard error) and reference (levels that differ from those of the table).
        """
        return like(self.glance_table(), self.kind)

    def glance_table(self) -> Any:
        """The same as a pyarrow table."""
        pa = needed("pyarrow")
        columns = {name: self.keys[name] for name in self.keys.column_names}
        columns["n_obs"] = pa.array(self.groups.n_obs)
        columns |= {name: nullable(values) for name, values in self.goodness.items()}
        columns["status"] = pa.array(names_of(self.solution.status), pa.string())
        columns["digits"] = nullable(digits(self.solution.error)).cast(pa.int32())
        columns["reference"] = pa.array(self._references(), pa.string())
        return pa.table(columns)

    def failures(self) -> Any:
        """The models that did not converge.

        Returns:
            A frame of keys, status and n_obs.
        """
        pa = needed("pyarrow")
        failed = np.flatnonzero(self.solution.status != Status.CONVERGED)
        columns = {name: self.keys[name].take(failed) for name in self.keys.column_names}
        columns["status"] = pa.array(names_of(self.solution.status[failed]), pa.string())
        columns["n_obs"] = pa.array(self.groups.n_obs[failed])
        return like(pa.table(columns), self.kind)

    def predict(self, frame: Any, interval: str | None = None, level: float | None = None) -> Any:
        """What the models say of new rows, each by the model of its key.

        Args:
            frame: a data frame with the key columns and those of the formula's right side.
            interval: None (default), "confidence" of the mean, or "prediction" of a new observation, of a linear model.
            level: of the interval, default None: that of the fit.

        Returns:
            The frame with a column fitted (the mean, a probability, or the most probable class), and lower and upper.
            Null where there is no model, or the model has not met a level.
        """
        source = Source(frame)
        return like(rows.predict(self, source.table(), interval, level), source.kind)

    def augment(self) -> Any:
        """The rows that were fitted, with what the models say of them.

        Returns:
            The frame with fitted, residual (of the response, for counts of their share) and leverage. Rows that were
            dropped are left out.

        Raises:
            ValueError: the models were loaded, or the frame has such a column.
        """
        if self.source is None:
            raise ValueError("augment: the rows are not there any more. Use predict with a frame that holds them.")
        return like(rows.augment(self, self.source.table()), self.kind)

    def adjust(self, method: str = "bh") -> Any:
        """The tidy rows with p-values adjusted for their number: over all models within each term, or over one's terms.

        Args:
            method: as in `jn.multiple_testing.adjust`, "bh" by default.

        Returns:
            The frame of `tidy` with pvalue_adjusted.
        """
        from jaxnotes.multiple_testing import adjust

        pvalue = np.asarray(self.inference.pvalue, np.float64)
        families = np.array(
            [term != "intercept" for term in self.spec.terms * (pvalue.shape[1] // len(self.spec.terms))]
        )
        adjusted = np.array(pvalue)
        with x64():
            if len(self) > 1:
                adjusted = np.asarray(adjust(pvalue.T, method)).T
            elif families.any():
                adjusted[:, families] = np.asarray(adjust(pvalue[:, families], method))
        return like(self.tidy_table().append_column("pvalue_adjusted", nullable(adjusted.reshape(-1))), self.kind)

    def plot(self, ax: Any = None) -> Any:
        """Of one model the coefficients with their intervals; of many the distribution of each coefficient.

        Args:
            ax: matplotlib axes to draw on, default None: new ones.

        Returns:
            The axes.
        """
        from jaxnotes.show import table_plots

        table = self.tidy_table()
        if len(self) == 1:
            return table_plots.coefficients(table.to_pydict(), ax=ax)
        return table_plots.distributions(table.to_pydict(), ax=ax)

    def volcano(self, term: str, ax: Any = None) -> Any:
        """Of many models the estimates of a term against -log10 of their p-values.

        Args:
            term: which one, as `tidy` names it.
            ax: matplotlib axes to draw on, default None: new ones.

        Returns:
            The axes.
        """
        from jaxnotes.show import table_plots

        if term not in self.spec.terms:
            raise ValueError(f"term: expected one of {', '.join(self.spec.terms)}, got {term!r}.")
        return table_plots.volcano(self.tidy_table().to_pydict(), term, ax=ax)

    def to_parquet(self, path: Any) -> None:
        """Writes the tidy rows to a Parquet file.

        Args:
            path: of the file.
        """
        needed("pyarrow.parquet").write_table(self.tidy_table(), path)

    def save(self, path: Any) -> None:
        """Writes the models, without data, to a Parquet file of a row each, for `jn.tables.load` and any other reader.

        Args:
            path: of the file.
        """
        files.save(self, path)

    def _references(self) -> list[str | None]:
        """In words, the reference levels of each model that are not the table's."""
        told: list[list[str]] = [[] for _ in range(len(self))]
        for name, met in self.met.items() if self.spec.absent == "drop" else ():
            levels, places = self.spec.levels[name] or [], met.argmax(axis=1)
            for model in np.flatnonzero(places > 0):
                told[model].append(f"{name}: {levels[places[model]]}")
        return ["; ".join(words) if words else None for words in told]


def load(path: Any) -> Fitted:
    """The models that `Fitted.save` wrote: all but `augment` works, frames come as pyarrow tables.

    Args:
        path: of the file.

    Returns:
        `Fitted`.

    Raises:
        ValueError: the file is not one of these.

    >>> import tempfile, pyarrow as pa, jaxnotes as jn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     frame = pa.table({"g": [1, 1, 1, 2, 2, 2], "x": [1.0, 2, 3] * 2, "y": [1.0, 2, 2, 5, 3, 2]})
    ...     jn.tables.fit(frame, "y ~ x", by="g").save(f"{folder}/lines.parquet")
    ...     print(round(load(f"{folder}/lines.parquet").tidy()["estimate"][1].as_py(), 3))
    0.5
    """
    return Fitted(*files.read(path))
