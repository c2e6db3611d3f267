"""The Pareto view, drawn: as characters for a terminal, as a picture."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from pawl.charts import GLUE, PLOTEXT
from pawl.hostile import one_line
from pawl.pareto import Axis, Front, Spot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, PALE, GRID = "#24292f", "#6e7781", "#e6e8eb"
LOOKS = {
    "": ("beaten on both", "#8c959f", "o", "·", "gray"),
    "front": ("on the front", "#009e73", "o", "●", "green"),
    "head": ("head", "#e69f00", "D", "◆", "orange+"),
    "waiting": ("certified, waits", "#56b4e9", "^", "▲", "cyan"),
    "champion": ("champion", "#0072b2", "s", "■", "blue+"),
}
"""A kind's name in the legend, its colour and marker in the picture (Okabe and Ito's), its character and its colour in
a terminal. What is drawn last lies on top."""


def kind(spot: Spot) -> str:
    """As what a spot is drawn: its role, else whether it is on the front."""
    return spot.role.partition(" ")[0] or ("front" if spot.front else "")


def _words(axis: Axis) -> str:
    return f"{one_line(axis.metric)} ({'lower' if axis.direction == 'minimize' else 'higher'} is better)"


def terminal(found: Front, width: int, height: int, colour: bool = True) -> str:
    """The front as dots between its variants, in `width` x `height` characters."""
    import plotext  # compiled, and slow to load for commands that draw nothing

    signs = [f"{LOOKS[name][3]} {LOOKS[name][0]}" for name in LOOKS if any(kind(spot) == name for spot in found.spots)]
    signs += _off(found)
    key = textwrap.wrap("  ".join(sign.replace(" ", GLUE) for sign in signs), width)
    with PLOTEXT:
        plotext.terminal.limit(False, False)
        plotext.figure.clear()
        figure = plotext.figure.theme("colorless").plot_size(width, max(height - len(key) - 2, 5))
        _draw(figure, plotext.marker, found)
        body = figure.build().string(colorless=not colour).rstrip("\n")
    return "\n".join([_words(found.y), body, f"{_words(found.x):>{width}}", *key]).replace(GLUE, " ")


def _draw(figure: Any, marker: Any, found: Front) -> None:
    best = [spot for spot in found.spots if spot.front]
    figure.ruler("x").lim(*_range(found, lambda spot: spot.x))
    figure.ruler("y").lim(*_range(found, lambda spot: spot.y))
    if len(best) > 1:
        path = figure.signal([spot.x for spot in best], [spot.y for spot in best], marker=marker("braille", "green"))
        figure.draw(path.lines(True))
    for name, (*_, sign, ansi) in LOOKS.items():
        for spot in inside(found):
            if kind(spot) == name:
                figure.draw(figure.signal([spot.x], [spot.y], marker=marker(sign, ansi)))


def _range(found: Front, of: Callable[[Spot], float]) -> tuple[float, float]:
    """The range to show: what lies within three interquartile ranges of the middle half, so that one wild variant does
    not squash all others; and all that is on the front or has a role."""
    values = [of(spot) for spot in found.spots]
    if len(values) > 3:
        first, _, third = quantiles(values, n=4, method="inclusive")
        reach = 3 * (third - first)
        values = [value for value in values if first - reach <= value <= third + reach]
    values += [of(spot) for spot in found.spots if spot.front or spot.role]
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def inside(found: Front) -> list[Spot]:
    """The spots that are drawn; the others are off the scale."""
    (left, right), (low, high) = _range(found, lambda spot: spot.x), _range(found, lambda spot: spot.y)
    return [spot for spot in found.spots if left <= spot.x <= right and low <= spot.y <= high]


def _off(found: Front) -> list[str]:
    away = len(found.spots) - len(inside(found))
    return [f"{away} off the scale"] if away else []


def png(found: Front, title: str) -> bytes:
    """The picture as PNG, 1000 x 600, with bars of one standard error. The same front gives the same bytes."""
    from matplotlib.figure import Figure  # heavy (half a second), and few commands draw; pyplot keeps global state

    figure = Figure(figsize=(10, 6), dpi=100, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    best = [spot for spot in found.spots if spot.front]
    line = [[spot.x for spot in best], [spot.y for spot in best]]
    axes.plot(*line, color=LOOKS["front"][1], linewidth=1.6, alpha=0.7, zorder=2)
    for name in LOOKS:
        _spots(axes, name, [spot for spot in inside(found) if kind(spot) == name])
    axes.set_xlim(*_range(found, lambda spot: spot.x))
    axes.set_ylim(*_range(found, lambda spot: spot.y))
    axes.set_title("".join(_off(found)), loc="right", fontsize=10.5, color=PALE, pad=10)
    axes.set_title(one_line(title), loc="left", fontsize=14, fontweight="bold", color=INK, pad=10, parse_math=False)
    axes.set_xlabel(_words(found.x), color=INK, parse_math=False)
    axes.set_ylabel(_words(found.y), color=INK, parse_math=False)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.tick_params(colors=PALE, length=0)
    for spine in axes.spines.values():
        spine.set(visible=False)
    axes.legend(frameon=False, fontsize=9.5, labelcolor=INK)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _spots(axes: Axes, name: str, spots: Sequence[Spot]) -> None:
    label, colour, sign, _, _ = LOOKS[name]
    if not spots:
        return
    place: dict[str, Any] = {"x": [spot.x for spot in spots], "y": [spot.y for spot in spots]}
    xerr, yerr = [spot.x_error or 0.0 for spot in spots], [spot.y_error or 0.0 for spot in spots]
    axes.errorbar(**place, xerr=xerr, yerr=yerr, fmt="none", ecolor=colour, alpha=0.45, linewidth=1, zorder=2)
    axes.scatter(**place, marker=sign, color=colour, s=44, label=label, zorder=4)
    for spot in spots:
        if spot.front or name in ("head", "champion"):
            near: dict[str, Any] = {"xytext": (6, 5), "textcoords": "offset points", "fontsize": 8.5, "color": PALE}
            axes.annotate(str(spot.variant), (spot.x, spot.y), **near)
