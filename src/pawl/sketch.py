"""A judged log at a glance: every trial and what became of it, and each kept gain beside what luck makes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Literal

from pawl import telling
from pawl.appraise import Appraisal
from pawl.charts import DPI, GLUE, GRID, INK, PALE, PLOTEXT, WIDTH
from pawl.trials import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 760
Kind = Literal["baseline", "not kept", "failed", "survives", "cannot tell", "could be noise"]
LOOKS: dict[Kind, tuple[str, str, bool, str, str]] = {
    "baseline": ("#0072b2", "D", True, "blue+", "◆"),
    "not kept": ("#8c959f", "o", False, "gray", "·"),
    "failed": ("#d55e00", "x", True, "red", "x"),
    "could be noise": ("#56b4e9", "D", False, "cyan", "○"),
    "cannot tell": ("#e69f00", "s", True, "orange+", "◐"),
    "survives": ("#009e73", "o", True, "green", "●"),
}
"""In the picture a kind's colour (Okabe and Ito's), marker, and whether it is filled; in a terminal colour and sign."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Places (from 1) and scores of each kind inside the range, the kept scores as a stair, the range shown."""

    dots: dict[Kind, list[tuple[int, float]]]
    stair: list[tuple[int, float]]
    low: float
    high: float
    last: int


def scene(found: Appraisal) -> Scene:
    """What both charts show. Failures, and scores off the range, stand at the worse edge or where they left it."""
    trials = found.log.trials
    calls: dict[str, Kind] = {_key(trials, step.number): step.call for step in found.steps}
    scores = [trial.score for trial in trials if trial.score is not None]
    first = next(place for place, trial in enumerate(trials) if trial.score is not None)
    calls[_key(trials, first)] = "baseline"
    stair = [(first + 1, found.baseline), *((step.number + 1, step.score) for step in found.steps)]
    low, high = _range(scores, [level for _, level in stair])
    worst = high if found.log.direction == "minimize" else low
    dots: dict[Kind, list[tuple[int, float]]] = {kind: [] for kind in LOOKS}
    for place, trial in enumerate(trials):
        kind = "failed" if trial.score is None else calls.get(_key(trials, place), "not kept")
        height = worst if trial.score is None else min(max(trial.score, low), high)
        dots[kind].append((place + 1, height))
    return Scene(dots, [*stair, (len(trials), stair[-1][1])], low, high, max(len(trials), 2))


def _key(trials: Sequence[Trial], place: int) -> str:
    """What trials of one configuration share."""
    return trials[place].variant or f"#{place}"


def _range(scores: Sequence[float], keep: Sequence[float]) -> tuple[float, float]:
    """The scores within three interquartile ranges of the middle half, and those of what was kept."""
    if len(scores) > 3:
        first, _, third = quantiles(scores, n=4, method="inclusive")
        reach = 3 * (third - first)
        scores = [one for one in scores if first - reach <= one <= third + reach]
    low, high = min([*scores, *keep]), max([*scores, *keep])
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def terminal(found: Appraisal, width: int, height: int, colour: bool = True) -> str:
    """The trials in `width` x `height` characters: what was kept as a stair, each kept step by its verdict."""
    import plotext  # compiled, and slow to load for commands that draw nothing

    shown = scene(found)
    key = [f"{sign} {kind}" for kind, (*_, sign) in LOOKS.items() if shown.dots[kind]] + ["⠤ kept so far"]
    words = textwrap.wrap("  ".join(part.replace(" ", GLUE) for part in key), width)
    with PLOTEXT:
        plotext.terminal.limit(False, False)
        plotext.figure.clear()
        figure = plotext.figure.theme("colorless").plot_size(width, max(height - len(words), 5))
        figure.ruler("y").lim(shown.low, shown.high)
        figure.ruler("x").lim(1, shown.last).ticks(sorted({1 + round(n * (shown.last - 1) / 4) for n in range(5)}))
        corners = [(end[0], start[1]) for start, end in pairwise(shown.stair)]
        path = sorted([*corners, *shown.stair], key=lambda corner: corner[0])
        figure.draw(figure.signal(*zip(*path, strict=True), marker=plotext.marker("braille", "blue")).lines(True))
        for kind, (*_, ansi, sign) in LOOKS.items():
            if dots := shown.dots[kind]:
                figure.draw(figure.signal(*map(list, zip(*dots, strict=True)), marker=plotext.marker(sign, ansi)))
        body = figure.build().string(colorless=not colour).rstrip("\n")
    return "\n".join([body, *words]).replace(GLUE, " ")


def png(found: Appraisal) -> bytes:
    """The picture as PNG, WIDTH x HEIGHT pixels: above all trials, below each kept gain beside what luck makes."""
    from matplotlib.figure import Figure  # heavy (half a second), and few commands draw; pyplot keeps global state

    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
    upper, lower = figure.add_axes((0.085, 0.47, 0.89, 0.43)), figure.add_axes((0.085, 0.075, 0.89, 0.25))
    _trials(upper, found)
    _gains(lower, found)
    figure.savefig(content := io.BytesIO(), format="png", metadata={"Software": "pawl"})
    return content.getvalue()


def _trials(axes: Axes, found: Appraisal) -> None:
    shown, better = scene(found), "lower" if found.log.direction == "minimize" else "higher"
    axes.set(xlim=(0.4 - 0.015 * shown.last, shown.last + 0.6 + 0.015 * shown.last), ylim=(shown.low, shown.high))
    axes.set_title("\n".join(textwrap.wrap(telling.headline(found)[0], 95)), loc="left", fontsize=12.5,
                   fontweight="bold", color=INK, pad=12, parse_math=False)  # fmt: skip
    axes.set_ylabel(f"{found.log.metric[:40]} ({better} is better)", color=INK, fontsize=10, parse_math=False)
    axes.set_xlabel("trial, in the order of the log", color=INK, fontsize=10, labelpad=4)
    axes.step(
        *zip(*shown.stair, strict=True), where="post", color="#0072b2", linewidth=1.6, label="kept so far", zorder=2
    )
    for kind, (colour, marker, filled, _, _) in LOOKS.items():
        if dots := shown.dots[kind]:
            places, levels = zip(*dots, strict=True)
            axes.scatter(places, levels, marker=marker, label=kind, color=colour,
                         facecolor=colour if filled else "white", s=26, linewidth=1.3, zorder=4,
                         clip_on=False)  # fmt: skip
    axes.legend(loc="upper center", bbox_to_anchor=(0.46, -0.16), ncols=7, frameon=False, fontsize=9, labelcolor=INK)
    _plain(axes)


def _gains(axes: Axes, found: Appraisal) -> None:
    """Gains on a logarithmic scale; a gain that is not above zero stands at the lower edge."""
    from matplotlib.ticker import MaxNLocator

    sizes = [step.gain for step in found.steps if step.gain > 0]
    low, high = found.needs
    marks = [*sizes, *(mark for mark in (low, high) if mark)] or [1.0]
    bottom, top = min(marks) / 2, max(marks) * 2
    axes.set(ylim=(bottom, top), xlim=(0.3, len(found.steps) + 0.7))
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if high:
        axes.axhspan(bottom, low or bottom, color="#56b4e9", alpha=0.13, linewidth=0, zorder=1)
        axes.axhspan(low or bottom, high, color="#e69f00", alpha=0.13, linewidth=0, zorder=1)
        axes.axhspan(high, top, color="#009e73", alpha=0.10, linewidth=0, zorder=1)
        words = f"luck makes no {telling.figure(high)} in {found.tries} tries, as large as the noise may be"
        axes.set_title(words, loc="right", fontsize=9.5, color=PALE, pad=6)
    for place, step in enumerate(found.steps, 1):
        colour, marker, filled, *_ = LOOKS[step.call]
        axes.scatter([place], [max(step.gain, bottom)], marker=marker, color=colour, s=36, linewidth=1.4,
                     facecolor=colour if filled else "white", zorder=4, clip_on=False)  # fmt: skip
    axes.set_xlabel("kept step", color=INK, fontsize=10, labelpad=4)
    axes.set_ylabel("gain", color=INK, fontsize=10)
    _plain(axes)


def _plain(axes: Axes) -> None:
    style: dict[str, Any] = {"colors": PALE, "labelsize": 9, "length": 0, "pad": 5}
    axes.grid(True, axis="y", color=GRID, linewidth=0.8)
    axes.tick_params(**style)
    axes.tick_params(which="minor", length=0, labelsize=0)
    for side, spine in axes.spines.items():
        spine.set(visible=side == "bottom", color="#c4c9cf")
