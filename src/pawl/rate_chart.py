"""Measured rates with their intervals beside what was promised: as characters in a table, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pawl.rates import Rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, PALE, GRID, KEPT, OVER = "#24292f", "#6e7781", "#e6e8eb", "#0072b2", "#d55e00"


def bar(rate: Rate, width: int = 30) -> str:
    """The interval on a line from 0 to 1 in `width` characters: `─` the interval, `●` what was seen, `│` promised."""
    cells = [" "] * width

    def place(value: float) -> int:
        return min(int(value * width), width - 1)

    if rate.of:
        for cell in range(place(rate.low), place(rate.high) + 1):
            cells[cell] = "─"
    if rate.promised is not None:
        cells[place(rate.promised)] = "│"
    if rate.of:
        cells[place(rate.count / rate.of)] = "●"
    return "".join(cells)


def png(rates: Sequence[Rate], title: str) -> bytes:
    """The same as PNG, a line for each rate. The same rates give the same bytes on the same machine."""
    from matplotlib.figure import Figure  # heavy (half a second), and few commands draw; pyplot keeps global state

    figure = Figure(figsize=(10, 1.6 + 0.45 * len(rates)), dpi=100, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    shown = [rate for rate in rates if rate.of]
    for place, rate in enumerate(shown):
        _line(axes, place, rate)
    axes.set_yticks(range(len(shown)), [f"{rate.what}  ({rate.count} of {rate.of})" for rate in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(-0.01, 1.01)
    axes.set_title(title, loc="left", fontsize=14, fontweight="bold", color=INK, pad=10, parse_math=False)
    axes.set_xlabel("share of null candidates that got through, with its interval; | is what was promised", color=INK)
    axes.grid(True, axis="x", color=GRID, linewidth=0.8)
    axes.tick_params(colors=PALE, length=0)
    for side, spine in axes.spines.items():
        spine.set(visible=side == "bottom", color="#c4c9cf")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _line(axes: Axes, place: int, rate: Rate) -> None:
    colour = OVER if rate.exceeded else KEPT
    axes.plot([rate.low, rate.high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt", zorder=3)
    axes.scatter([rate.count / rate.of], [place], color=colour, s=42, zorder=4, clip_on=False)
    if rate.promised is not None:
        axes.plot([rate.promised] * 2, [place - 0.32, place + 0.32], color=INK, linewidth=1.6, zorder=5, clip_on=False)
