"""The command line: `jaxnotes demo` does the main job on real data, `jaxnotes fit` a job of yours, from file to file.

typer, rich and matplotlib are imported when a command runs; where one is missing, a message names the extra.
"""

import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxnotes as jn
from jaxnotes.core.values.arrays import Array

if TYPE_CHECKING:
    from rich.console import Console

CALLS, DRAWS = 20, 500  # 10,000 bootstrap fits in calls of one compiled function, so that progress can be shown
NEXT = """
Next: a model for each group of a table of yours, from file to file,
  jaxnotes fit sales.csv "sold ~ price" --by store --out stores.parquet
or the first lesson, notebooks/en/00_start_here.ipynb."""
ACCIDENT = 31.0  # degrees Fahrenheit at the launch of 28 January 1986


def main() -> None:
    """The console script `jaxnotes`."""
    _require("cli", "typer", "rich")
    import typer

    app = typer.Typer(help="The foundations of deep learning as pure JAX functions.", add_completion=False)

    @app.callback(invoke_without_command=True)
    def alone(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            print(context.get_help())

    app.command()(demo)
    app.command()(about)
    app.command()(fit)
    app()


def about() -> None:
    """Print versions, device, dtype and matmul precision."""
    print(textwrap.fill(jn.about(), 80))


def fit(
    file: Path,
    formula: str,
    by: list[str] | None = None,
    model: str = "linear",
    weights: str | None = None,
    offset: str | None = None,
    trials: str | None = None,
    cov: str = "nonrobust",
    level: float = 0.95,
    absent: str = "drop",
    missing: str = "drop",
    memory: str = "1GB",
    out: Path | None = None,
    strict: bool = False,
) -> None:
    """Fit FORMULA, as in "sold ~ price + C(weekday)", to a csv, Parquet or Arrow file, one model for each --by.

    The file may be larger than memory. Rows that lack a value are dropped and counted. Tidy rows go to --out (Parquet).
    The exit status is 0 if a model converged, with --strict if all did.
    """
    _require("tables", "narwhals", "formulaic", "pyarrow", "duckdb")
    from duckdb import Error

    from jaxnotes.tables.stream import fit_file

    settings = {
        "weights": weights, "offset": offset, "trials": trials, "cov": cov, "level": level, "absent": absent,
        "missing": missing,
    }  # fmt: skip
    keys = [name for names in by or [] for name in names.split(",")]
    try:
        fitted = fit_file(file, formula, model, keys, settings, memory=memory, out=out)
    except (Error, OSError, TypeError, ValueError) as error:
        raise SystemExit(f"jaxnotes fit: {error}") from None
    lost = fitted.row_counts["in all"] - fitted.row_counts["used"]
    if lost:
        print(f"{lost:,} of {fitted.row_counts['in all']:,} rows lack a value: not used.", file=sys.stderr)
    print(fitted)
    if out is not None:
        print(f"Written: {out}")
    converged = fitted.counts().get("CONVERGED", 0)
    raise SystemExit(0 if converged == len(fitted) or (converged and not strict) else 1)


def demo(out: Path = Path("jaxnotes-demo")) -> None:
    """Fit three real data sets, bootstrap one of the fits 10,000 times, draw two pictures into a folder."""
    _require("plots", "matplotlib")
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    started = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    console.print(jn.about())
    with ThreadPoolExecutor(max_workers=2) as pool:  # most of the time is compilation, on one core per function
        sections = [pool.submit(section) for section in (_challenger, _anscombe, _longley)]
        compiled = pool.submit(_resampled_fit.lower(_keys()[0]).compile)
        for number, section in enumerate(sections, start=1):
            heading, text = section.result()
            console.print(f"\n{number}. {heading}\n", style="bold")
            console.print(text)
        draws = _bootstrap(console, compiled.result())
    console.print("\nWritten:", *[f"  {path}" for path in _pictures(out, draws)], sep="\n", soft_wrap=True)
    console.print(f"\nDone in {time.perf_counter() - started:.0f} s, compilation included.")
    console.print(NEXT)


def _require(extra: str, *modules: str) -> None:
    """Leave with a message that names the extra, unless all modules can be imported."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise SystemExit(f'jaxnotes needs {" and ".join(missing)} for this: pip install "jaxnotes[{extra}]"')


def _challenger() -> tuple[str, str]:
    """O-ring distress on temperature."""
    data = jn.datasets.challenger()
    solution = jn.logistic_regression.fit(data.X, data.y)
    inference = jn.logistic_regression.infer(solution, data.X, data.y)
    p = float(jn.logistic_regression.predict_proba(solution, jnp.array([[ACCIDENT]]))[0])
    return (
        "Logistic regression: O-ring distress of the space shuttle, 23 flights",
        f"""\
{jn.show.summary(solution, inference, data.names, n_obs=len(data.y))}
P(distress) at {ACCIDENT:g} F, the morning of the accident: {p:.4f}.
An extrapolation: the coldest of these flights had {data.temperature.min():g} F.""",
    )


def _anscombe() -> tuple[str, str]:
    """Four data sets in one call."""
    sets = jn.datasets.anscombe()
    X, y = np.stack([data.X for data in sets]), np.stack([data.y for data in sets])
    solutions = jax.vmap(jn.least_squares.fit)(X, y)
    inferences = jax.vmap(jn.least_squares.infer)(solutions, X, y)
    solutions, inferences = jax.device_get((solutions, inferences))
    solution, inference = jax.tree.map(lambda leaf: leaf[0], (solutions, inferences))
    return (
        "Least squares: Anscombe's quartet, four fits by one jax.vmap",
        f"""\
{jn.show.summary(solution, inference, sets[0].names, title="Set I", n_obs=len(sets[0].y))}
Slopes of all four:  {"  ".join(f"{slope:.4f}" for slope in solutions.params.coef[:, 0])}
Standard errors:     {"  ".join(f"{se:.4f}" for se in inferences.se[:, 1])}
Four tables alike, four different stories: always look at the points, too.""",
    )


def _longley() -> tuple[str, str]:
    """Collinear columns, in float64 here and nowhere else."""
    data = jn.datasets.longley()
    with jn.x64():
        solution = jn.least_squares.fit(data.X, data.y)
        inference = jn.least_squares.infer(solution, data.X, data.y)
        solution, inference = jax.device_get((solution, inference))
    return (
        "Least squares: Longley's employment data, columns nearly dependent",
        f"""\
{jn.show.summary(solution, inference, data.names, n_obs=len(data.y))}
Fitted in float64, inside `with jn.x64():`. Rounding these data to float32
would already spoil the fourth digit of some coefficients.""",
    )


@jax.jit
@jax.vmap
def _resampled_fit(key: Array) -> jn.Solution[jn.LinearParams]:
    """One bootstrap fit: how often each flight was drawn is its weight."""
    data = jn.datasets.challenger()
    n = len(data.y)
    weights = jnp.bincount(jax.random.randint(key, (n,), 0, n), length=n)
    return jn.logistic_regression.fit(data.X, data.y, weights=weights)


def _keys() -> Array:
    return jax.random.split(jax.random.key(1986), (CALLS, DRAWS))


def _bootstrap(console: "Console", resampled_fit: Callable[[Array], jn.Solution]) -> jn.LinearParams:
    """10,000 bootstrap fits by the compiled function; returns the parameters of those that converged."""
    from rich.progress import track

    console.print(f"\n4. {CALLS * DRAWS:,} bootstrap logistic regressions of the O-rings, by jax.vmap\n", style="bold")
    started = time.perf_counter()
    parts = [jax.device_get(resampled_fit(keys)) for keys in track(_keys(), "fitting", console=console)]
    seconds = time.perf_counter() - started
    solutions = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    codes, counts = np.unique(solutions.status, return_counts=True)
    endings = ", ".join(f"{count:,} {jn.Status(code).name}" for code, count in zip(codes, counts, strict=True))
    params = jax.tree.map(lambda leaf: leaf[solutions.converged], solutions.params)
    low, high = np.quantile(params.coef, [0.025, 0.975])
    console.print(f"{seconds:.1f} s once compiled. {endings}.")
    console.print("SEPARATED: one temperature splits the flights drawn, no finite estimate exists.")
    console.print(f"Of the {len(params.coef):,} that converged, 95 % have a slope in [{low:.3f}, {high:.3f}].")
    return params


def _pictures(out: Path, draws: jn.LinearParams) -> list[Path]:
    """Draw the curve with its band, and gradient descent on the loss of the same problem."""
    from matplotlib.figure import Figure

    data = jn.datasets.challenger()
    plots = jn.show.plots
    curve, descent = (Figure(figsize=size, layout="constrained") for size in ((7.2, 4.8), (6.4, 6.2)))
    plots.logistic_curve(
        jn.logistic_regression.fit(data.X, data.y),
        data.temperature,
        data.distress,
        draws=draws,
        mark=ACCIDENT,
        xlabel="temperature at launch (F)",
        ylabel="P(O-ring distress)",
        ax=curve.subplots(),
    )
    _descent(descent.subplots())
    paths = [out / "o_ring_curve.png", out / "gradient_descent.png"]
    for figure, path in zip((curve, descent), paths, strict=True):
        figure.savefig(path, dpi=150)
    return paths


def _descent(ax: Any) -> None:
    """Gradient descent on the mean loss over (intercept, slope), temperature standardized."""
    data = jn.datasets.challenger()
    z = (data.temperature - data.temperature.mean()) / data.temperature.std()
    best = jn.logistic_regression.fit(z[:, None], data.y).params
    x, y = jnp.asarray(z), jnp.asarray(data.y)

    def loss(params: Array) -> Array:
        eta = params[0] + params[1] * x
        return jnp.mean(jnp.logaddexp(0, eta) - y * eta)

    path = jn.minimize_path(loss, jnp.array([1.5, -4.0]), method=jn.methods.gradient_descent(1.0), steps=60)
    jn.show.plots.descent_path(
        loss,
        path,
        minimum=jnp.array([best.intercept, best.coef[0]]),
        xlabel="intercept",
        ylabel="coefficient of standardized temperature",
        ax=ax,
    ).set_aspect("equal")  # so that every step is seen to leave its contour at a right angle
