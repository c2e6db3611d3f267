"""Bars with intervals: what each change costs, how much each release lost; as a picture and as characters."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from pawl.hostile import one_line

INK, PALE, GRID = "#24292f", "#6e7781", "#e6e8eb"
SHOWN, QUIET, MARGIN = "#d55e00", "#8c959f", "#0072b2"
WIDTH, DPI = 1000, 100
LABEL = 44


@dataclass(frozen=True, slots=True)
class Bar:
    """A value (None: never measured) and its interval (None: open on that side); `shown`: the claim was made."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    shown: bool


def png(title: str, unit: str, bars: Sequence[Bar], margin: float | None = None) -> bytes:
    """The picture as PNG. `margin` is drawn as a line across."""
    from matplotlib.figure import Figure  # heavy (half a second), and few commands draw

    left, right = _range(bars, margin)
    figure = Figure(figsize=(WIDTH / DPI, 1.6 + 0.36 * len(bars)), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    for place, bar in enumerate(bars):
        colour = SHOWN if bar.shown else QUIET
        if bar.value is not None:
            axes.barh(place, bar.value, color=colour, alpha=0.55, height=0.62, zorder=2)
            ends = [left if bar.low is None else bar.low, right if bar.high is None else bar.high]
            axes.plot(ends, [place, place], color=INK, linewidth=1.4, zorder=3)
    if margin is not None:
        axes.axvline(margin, color=MARGIN, linewidth=1.4, linestyle="--", zorder=1)
        axes.text(margin, -0.8, "margin", color=MARGIN, fontsize=9, ha="center", va="bottom")
    axes.axvline(0, color=PALE, linewidth=1, zorder=1)
    axes.set(xlim=(left, right), ylim=(len(bars) - 0.4, -0.9))
    axes.set_yticks(range(len(bars)), [_short(bar.label) for bar in bars], parse_math=False)
    axes.set_title(one_line(title), loc="left", fontsize=13, fontweight="bold", color=INK, parse_math=False)
    axes.set_xlabel(one_line(unit), color=INK, parse_math=False)
    axes.grid(True, axis="x", color=GRID, linewidth=0.8)
    axes.tick_params(colors=PALE, labelsize=9.5, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.savefig(content := io.BytesIO(), format="png", metadata={"Software": "pawl"})
    return content.getvalue()


def terminal(title: str, unit: str, bars: Sequence[Bar], width: int, margin: float | None = None) -> str:
    """The same in characters: `=` the value from 0 on, `-` the interval, `|` zero, `:` the margin."""
    left, right = _range(bars, margin)
    labels = [_short(bar.label) for bar in bars]
    wide = max((len(label) for label in labels), default=0)
    room = max(width - wide - 14, 20)

    def place(value: float) -> int:
        return min(max(round((value - left) / (right - left) * (room - 1)), 0), room - 1)

    lines = [one_line(title)]
    for label, bar in zip(labels, bars, strict=True):
        cells = [" "] * room
        if bar.value is not None:
            for n in range(
                *_span(0 if bar.low is None else place(bar.low), room - 1 if bar.high is None else place(bar.high))
            ):
                cells[n] = "-"
            for n in range(*_span(place(0), place(bar.value))):
                cells[n] = "=" if bar.shown else "~"
        for value, sign in ((margin, ":"), (0.0, "|")):
            if value is not None:
                cells[place(value)] = sign
        written = "" if bar.value is None else f"{bar.value:+.3g}"
        lines.append(f"{label:{wide}s} {''.join(cells)} {written}".rstrip())
    key = "= shown  ~ not shown  - interval  | zero" + ("" if margin is None else "  : margin")
    return "\n".join([*lines, f"{key}   ({one_line(unit)})"])


def _span(first: int, second: int) -> tuple[int, int]:
    return min(first, second), max(first, second) + 1


def _short(label: str) -> str:
    return textwrap.shorten(one_line(label), LABEL, placeholder="...")


def _range(bars: Sequence[Bar], margin: float | None) -> tuple[float, float]:
    """From a little below the least to a little above the largest of what is drawn, zero among it."""
    values = [value for bar in bars for value in (bar.value, bar.low, bar.high) if value is not None]
    known = [value for value in (*values, margin, 0.0) if value is not None and math.isfinite(value)]
    pad = 0.08 * (max(known) - min(known)) or 1.0
    return min(known) - pad, max(known) + pad
