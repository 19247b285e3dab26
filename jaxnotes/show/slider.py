"""A slider is a vmap: every frame of a picture is computed at once, and drawn so that no kernel is needed to move it.

The picture is one SVG in which all frames lie on top of each other and only one is visible; the slider of the page says
which. It works in Jupyter, Colab and nbviewer, in saved notebooks and exported pages; where scripts are stripped, the
first frame shown stays.
"""

import html
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnotes.core.values.arrays import ArrayLike
from jaxnotes.show.plots import BLACK, BLUE, GREEN, ORANGE, VERMILLION

__all__ = ["Slider", "slider"]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 380, 62, 16, 40, 52
STYLES = ((BLUE, ""), (VERMILLION, "8 5"), (GREEN, "2 4"), (ORANGE, "10 4 2 4"), (BLACK, "4 4"))


class Slider(NamedTuple):
    """Finished frames, which a notebook shows with their slider.

    Attributes:
        frames: what fun returned, by label, with a leading axis, as NumPy arrays.
        html: what a notebook shows.
    """

    frames: dict[str, Any]
    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<slider over {len(next(iter(jax.tree.leaves(self.frames))))} frames: {', '.join(self.frames)}>"


def slider(
    fun: Callable[[Any], dict[str, Any]],
    values: ArrayLike,
    *,
    name: str = "value",
    fixed: dict[str, Any] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
    log_y: bool = False,
    points: Sequence[str] = (),
    start: int = 0,
) -> Slider:
    """A picture that depends on a number, for all values of it.

        frames = jax.vmap(fun)(values)

    Args:
        fun: a function of one value that returns a dict from labels to what is drawn: a pair (x, y) of equally long
            vectors is a curve (of length 1: a dot), a number is written beside the slider.
        values: of the number, (n,).
        name: of the value, default "value".
        fixed: curves that are the same in every frame, by label, default None.
        xlabel: the name of the horizontal axis, default "".
        ylabel: the name of the vertical axis, default "".
        xlim: the window from left to right, default None: all that is drawn fits.
        ylim: the window from bottom to top, default None: all that is drawn fits.
        log_y: whether the axis of y is logarithmic, default False.
        points: labels of curves to draw as dots, not as a line, default ().
        start: the frame that is shown first, default 0.

    Returns:
        A `Slider`.

    Raises:
        ValueError: values is no vector, or has no frame `start`.

    >>> import jax.numpy as jnp
    >>> x = jnp.linspace(0.0, 1.0, 50)
    >>> slider(lambda k: {"power": (x, x**k), "area": 1 / (k + 1)}, jnp.arange(1.0, 5.0), name="k")
    <slider over 4 frames: power, area>
    """
    values = np.asarray(values)
    if values.ndim != 1 or not 0 <= start < len(values):
        raise ValueError(f"values: expected shape (n,) with start < n, got {values.shape} and start = {start}.")
    labels = []

    def in_order(value: Any) -> tuple[Any, ...]:
        drawn = fun(value)
        labels[:] = drawn  # as written; a pytree would sort them
        return tuple(drawn.values())

    drawn = jax.tree.map(np.asarray, jax.vmap(in_order)(values))
    frames = dict(zip(labels, drawn, strict=True))
    moving = {label: drawn for label, drawn in frames.items() if isinstance(drawn, tuple)}
    still = {label: tuple(map(np.asarray, drawn)) for label, drawn in (fixed or {}).items()}
    everything = [*moving.values(), *still.values()]
    window = _window(everything, xlim, ylim, log_y)
    place = _Placing(window, log_y)
    styles = dict(zip([*still, *moving], STYLES, strict=False))
    dots = {label for label, (x, _) in {**still, **moving}.items() if x.shape[-1] == 1 or label in points}
    parts = [_frame_of_axes(place, xlabel, ylabel), _legend(styles, dots)]
    draw = {label: _dots if label in dots else _curve for label in styles}
    parts += [draw[label](place, x, y, styles[label]) for label, (x, y) in still.items()]
    for k in range(len(values)):
        curves = "".join(draw[label](place, x[k], y[k], styles[label]) for label, (x, y) in moving.items())
        parts.append(f'<g class="frame" style="display:{"inline" if k == start else "none"}">{curves}</g>')
    texts = [_readout(name, values[k], frames, k) for k in range(len(values))]
    return Slider(frames, _page("".join(parts), texts, start, f"{ylabel} against {xlabel}, {name} on a slider"))


class _Placing(NamedTuple):
    """From data to pixels."""

    window: tuple[float, float, float, float]
    log_y: bool

    def x(self, value: Any) -> Any:
        x0, x1, _, _ = self.window
        return LEFT + (WIDTH - LEFT - RIGHT) * (np.asarray(value, float) - x0) / (x1 - x0)

    def y(self, value: Any) -> Any:
        _, _, y0, y1 = self.window
        value = np.log10(np.maximum(np.asarray(value, float), 1e-300)) if self.log_y else np.asarray(value, float)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - y0) / (y1 - y0)


def _window(drawn: Sequence[Any], xlim: Any, ylim: Any, log_y: bool) -> tuple[float, float, float, float]:
    """The limits of the axes, those of y as logarithms where that axis is logarithmic."""
    limits = []
    for k, given in enumerate((xlim, ylim)):
        logs = log_y and k == 1
        if given is None:
            flat = np.concatenate([np.ravel(curve[k]) for curve in drawn]).astype(float)
            flat = flat[np.isfinite(flat) & ((flat > 0) | (not logs))]
            flat = np.log10(flat) if logs else flat
            margin = 0.05 * (np.ptp(flat) or 1)
            limits += [flat.min() - margin, flat.max() + margin]
        else:
            limits += [math.log10(limit) if logs else float(limit) for limit in given]
    return tuple(limits)  # pyright: ignore[reportReturnType]


def _pixels(place: _Placing, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points in pixels, (n, 2), and which of them are finite and not far outside the window."""
    at = np.stack([place.x(x), place.y(y)], axis=1)
    return at, np.all(np.isfinite(at) & (np.abs(at) < 10 * WIDTH), axis=1)


def _curve(place: _Placing, x: np.ndarray, y: np.ndarray, style: tuple[str, str]) -> str:
    """A polyline, cut where it leaves the window or is not finite."""
    (colour, dash), (at, inside) = style, _pixels(place, x, y)
    runs = np.split(np.arange(len(at)), np.flatnonzero(~inside))
    paths = [" ".join(f"{a:.1f},{b:.1f}" for a, b in at[run[inside[run]]]) for run in runs]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    attributes = f'fill="none" stroke="{colour}" stroke-width="2.2" clip-path="url(#window)"{dashed}'
    return "".join(f'<polyline points="{path}" {attributes}/>' for path in paths if " " in path)


def _dots(place: _Placing, x: np.ndarray, y: np.ndarray, style: tuple[str, str]) -> str:
    at, inside = _pixels(place, x, y)
    radius = 6 if len(at) == 1 else 3.5
    attributes = f'r="{radius}" fill="{style[0]}" clip-path="url(#window)"'
    return "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" {attributes}/>' for a, b in at[inside])


def _frame_of_axes(place: _Placing, xlabel: str, ylabel: str) -> str:
    x0, x1, y0, y1 = place.window
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    clip = f'<rect x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}"/>'
    drawn = [f'<defs><clipPath id="window">{clip}</clipPath></defs>']
    drawn.append(f'<path d="M {LEFT} {TOP} V {bottom} H {right}" fill="none" stroke="{BLACK}"/>')
    for tick in _ticks(x0, x1):
        x = float(place.x(tick))
        drawn.append(f'<line x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}" stroke="{BLACK}"/>')
        drawn.append(_text(x, bottom + 21, f"{tick:g}", "middle"))
    for tick in _whole_ticks(y0, y1) if place.log_y else _ticks(y0, y1):
        y = float(place.y(10.0**tick if place.log_y else tick))
        drawn.append(f'<line x1="{LEFT - 5}" y1="{y:.1f}" x2="{LEFT}" y2="{y:.1f}" stroke="{BLACK}"/>')
        drawn.append(_text(LEFT - 9, y + 5, f"1e{tick:g}" if place.log_y else f"{tick:g}", "end"))
    drawn.append(_text((LEFT + right) / 2, HEIGHT - 9, xlabel, "middle"))
    return "".join([*drawn, _text(8, TOP - 22 + 16, ylabel, "start")])


def _ticks(low: float, high: float) -> list[float]:
    """Some five round numbers between two limits."""
    raw = (high - low) / 5
    step = 10 ** math.floor(math.log10(raw))
    step *= next(factor for factor in (1, 2, 5, 10) if factor * step >= raw)
    return [round(k * step, 12) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _whole_ticks(low: float, high: float) -> list[int]:
    step = max(1, math.ceil((high - low) / 6))
    return [k for k in range(math.ceil(low), math.floor(high) + 1) if k % step == 0]


def _legend(styles: dict[str, tuple[str, str]], dots: set[str]) -> str:
    drawn, x = [], LEFT + 60
    for label, (colour, dash) in styles.items():
        dashed = f'stroke-dasharray="{dash}"' if dash else ""
        line = f'<line x1="{x}" y1="14" x2="{x + 30}" y2="14" stroke="{colour}" stroke-width="2.5" {dashed}/>'
        drawn.append(f'<circle cx="{x + 22}" cy="14" r="6" fill="{colour}"/>' if label in dots else line)
        drawn.append(_text(x + 36, 19, label, "start"))
        x += 60 + 9 * len(label)
    return "".join(drawn)


def _readout(name: str, value: Any, frames: dict[str, Any], k: int) -> str:
    numbers = {name: value} | {label: drawn[k] for label, drawn in frames.items() if not isinstance(drawn, tuple)}
    return ",  ".join(f"{label} = {float(number):.4g}" for label, number in numbers.items())


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _page(svg: str, texts: list[str], start: int, title: str) -> str:
    """The picture, its slider and the line of numbers below; the slider's own script finds the frames beside it."""
    show = (
        "const box=this.parentNode,k=+this.value;"
        "box.querySelectorAll('g.frame').forEach((g,i)=>g.style.display=i===k?'inline':'none');"
        "box.querySelector('output').textContent=this.dataset.texts.split('|')[k]"
    )
    held = html.escape("|".join(texts), quote=True)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="max-width:100%;height:auto" font-size="15">'
    control = (
        f'<input type="range" min="0" max="{len(texts) - 1}" value="{start}" data-texts="{held}" '
        f'oninput="{show}" aria-label="{html.escape(title)}" style="width:60%;vertical-align:middle"> '
        f'<output style="display:block">{html.escape(texts[start])}</output>'
    )
    ground = "background:white;color:black;padding:8px;max-width:660px;font-family:system-ui,sans-serif;font-size:15px"
    return f'<div style="{ground}">{picture}<title>{html.escape(title)}</title>{svg}</svg><br>{control}</div>'
