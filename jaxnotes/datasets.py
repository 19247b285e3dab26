"""The small real data sets the chapters use, typed in, each with its source.

Every function returns a frozen record of NumPy float64 columns, made anew at each call: nothing is loaded when this
module is imported. Beside its columns a record has what a fit needs: `X`, `y` and `names`, the names of X's columns.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Anscombe", "Challenger", "Longley", "anscombe", "challenger", "longley"]

Column = np.ndarray


class Challenger(NamedTuple):
    """The flights of the space shuttle before the accident.

    Attributes:
        flight: their names, 23 of them.
        temperature: at launch, in degrees Fahrenheit, (23,).
        distress: of the O-rings, (23,), 0 or 1.
    """

    flight: tuple[str, ...]
    temperature: Column
    distress: Column

    @property
    def X(self) -> Column:
        """The design, shape (23, 1)."""
        return self.temperature[:, None]

    @property
    def y(self) -> Column:
        """The outcome, shape (23,)."""
        return self.distress

    @property
    def names(self) -> tuple[str, ...]:
        """The names of X's columns."""
        return ("temperature",)


class Anscombe(NamedTuple):
    """Eleven points.

    Attributes:
        x: (11,).
        y: (11,).
    """

    x: Column
    y: Column

    @property
    def X(self) -> Column:
        """The design, shape (11, 1)."""
        return self.x[:, None]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of X's columns."""
        return ("x",)


class Longley(NamedTuple):
    """The economy of the United States, 1947-1962: `employed` is the response, the others explain it.

    Attributes:
        employed: persons in employment, in thousands, (16,).
        deflator: of the gross national product, 1954 = 100, (16,).
        gnp: gross national product, in millions of dollars, (16,).
        unemployed: persons without work, in thousands, (16,).
        armed_forces: their size, in thousands, (16,).
        population: of 14 years and older, in thousands, (16,).
        year: (16,).
    """

    employed: Column
    deflator: Column
    gnp: Column
    unemployed: Column
    armed_forces: Column
    population: Column
    year: Column

    @property
    def X(self) -> Column:
        """The design, shape (16, 6): every column but `employed`."""
        return np.stack(self[1:], axis=1)

    @property
    def y(self) -> Column:
        """The response, shape (16,)."""
        return self.employed

    @property
    def names(self) -> tuple[str, ...]:
        """The names of X's columns."""
        return self._fields[1:]


def challenger() -> Challenger:
    """O-rings of the 23 shuttle flights before the accident of 28 January 1986, and the temperature at launch.

    `distress` is 1 where at least one of the six field-joint O-rings showed erosion or blow-by. STS-4 is left out: its
    boosters were lost at sea. The accident happened at 31 F, 22 degrees below the coldest flight listed here.

    Returns:
        A `Challenger` with flight, temperature and distress; X, (23, 1), y and names for a fit.

    >>> data = challenger()
    >>> data.X.shape, int(data.y.sum()), float(data.temperature.min())
    ((23, 1), 7, 53.0)

    Source: S. R. Dalal, E. B. Fowlkes and B. Hoadley (1989), Risk Analysis of the Space Shuttle: Pre-Challenger
    Prediction of Failure, Journal of the American Statistical Association 84, 945-957, table 1.
    """
    flights = "1 2 3 5 6 7 8 9 41-B 41-C 41-D 41-G 51-A 51-C 51-D 51-B 51-G 51-F 51-I 51-J 61-A 61-B 61-C"
    temperature = [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58]
    distress = [0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]
    names = tuple(f"STS-{flight}" for flight in flights.split())
    return Challenger(names, np.array(temperature, float), np.array(distress, float))


def anscombe() -> tuple[Anscombe, ...]:
    """Four sets of points with the same means, variances and fitted line, and four different stories.

    Returns:
        Four `Anscombe`, each with x and y; X, (11, 1), and names for a fit.

    >>> [round(float(np.polyfit(data.x, data.y, 1)[0]), 3) for data in anscombe()]
    [0.5, 0.5, 0.5, 0.5]

    Source: F. J. Anscombe (1973), Graphs in Statistical Analysis, The American Statistician 27, 17-21.
    """
    x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    fourth = [8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8]
    y = [
        [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68],
        [9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74],
        [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73],
        [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.50, 5.56, 7.91, 6.89],
    ]
    return tuple(Anscombe(np.array(a, float), np.array(b)) for a, b in zip((x, x, x, fourth), y, strict=True))


def longley() -> Longley:
    """Employment in the United States, 1947-1962: a small regression with columns that nearly repeat each other.

    The condition number of the design is 4.9e9, 4.3e4 after scaling its columns: fit it in float64.

    Returns:
        A `Longley` with its seven columns; X, (16, 6), y and names for a fit.

    >>> data = longley()
    >>> data.X.shape, data.names[:2]
    ((16, 6), ('deflator', 'gnp'))

    Source: NIST Statistical Reference Datasets, Longley.dat (public domain), after J. W. Longley (1967), An Appraisal
    of Least Squares Programs for the Electronic Computer from the Point of View of the User, Journal of the American
    Statistical Association 62, 819-841.
    """
    table = """
        60323  83.0 234289 2356 1590 107608 1947
        61122  88.5 259426 2325 1456 108632 1948
        60171  88.2 258054 3682 1616 109773 1949
        61187  89.5 284599 3351 1650 110929 1950
        63221  96.2 328975 2099 3099 112075 1951
        63639  98.1 346999 1932 3594 113270 1952
        64989  99.0 365385 1870 3547 115094 1953
        63761 100.0 363112 3578 3350 116219 1954
        66019 101.2 397469 2904 3048 117388 1955
        67857 104.6 419180 2822 2857 118734 1956
        68169 108.4 442769 2936 2798 120445 1957
        66513 110.8 444546 4681 2637 121950 1958
        68655 112.6 482704 3813 2552 123366 1959
        69564 114.2 502601 3931 2514 125368 1960
        69331 115.7 518173 4806 2572 127852 1961
        70551 116.9 554894 4007 2827 130081 1962
    """
    return Longley(*np.array(table.split(), float).reshape(16, 7).T)
