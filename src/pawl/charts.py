"""Every run of a study at a glance: as a picture for the dossier, as characters for a terminal."""

from __future__ import annotations

import io
import textwrap
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, quantiles
from typing import TYPE_CHECKING, Any, Literal

from pawl import history
from pawl.hostile import printable
from pawl.ledger import Entry, Ledger
from pawl.records import Evaluation, Noise, Preregistration, Run, Screening, Study, Variant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["noise", "accepted", "refused", "crashed", "certify-reference", "certify-head", "under way"]
WIDTH, HEIGHT, DPI = 1000, 560, 100
INK, PALE, GRID, CHAMPION, HEAD = "#24292f", "#6e7781", "#e6e8eb", "#0072b2", "#009e73"
GLUE = "\N{NO-BREAK SPACE}"
PLOTEXT = threading.Lock()  # plotext has one figure, and several threads may want a chart

LOOKS: dict[Kind, tuple[str, str, str, bool, str, str]] = {
    "refused": ("refused", "#8c959f", "o", False, "gray", "○"),
    "noise": ("same code, another seed", "#56b4e9", "D", True, "cyan", "◆"),
    "certify-reference": ("certificate: reference", CHAMPION, "s", False, "blue+", "□"),
    "certify-head": ("certificate: head", "#e69f00", "s", True, "orange+", "■"),
    "accepted": ("accepted", HEAD, "o", True, "green", "●"),
    "crashed": ("failed", "#d55e00", "x", True, "red", "x"),
    "under way": ("under way", "#cc79a7", "v", False, "magenta", "?"),
}
"""A kind's name in the legend; in the picture its colour (Okabe and Ito's, safe for the colour-blind), marker, and
whether that is filled; in a terminal its colour and character."""


@dataclass(frozen=True, slots=True)
class Point:
    """One run: its place among the comparable runs (from 1), its score in the metric's unit (None: it failed, or is
    not measured yet), what it was for and what came of it, the ids of its variant and of itself."""

    order: int
    score: float | None
    kind: Kind
    variant: int
    run: int


@dataclass(frozen=True, slots=True)
class Scene:
    """What both charts show. `champion` is the mean of the champion's runs, `band` where 19 of 20 of them fall by seed
    alone, `steps` are (place, mean of all runs of the variant that was the head then); None: not known. `pairs` are the
    runs of a certificate that share a seed. Scores outside [`low`, `high`] are marked at the edge."""

    study: Study
    points: Sequence[Point]
    champion: float | None
    band: tuple[float, float] | None
    steps: Sequence[tuple[int, float]]
    pairs: Sequence[Sequence[tuple[int, float]]]
    low: float
    high: float

    def words(self) -> tuple[str, str]:
        """The study's name, and its metric with the better direction; each in one line."""
        better = "lower" if self.study.direction == "minimize" else "higher"
        name, metric = (" ".join(printable(text).split()) for text in (self.study.name, self.study.metric))
        return name, f"{metric} ({better} is better)"

    def shown(self, kind: Kind, beyond: bool = False) -> list[tuple[int, float]]:
        """Places and heights of the points drawn as this kind, inside the range or clipped to it from `beyond`.

        Whatever has no score stands at the worse edge, and is a failure unless it is under way."""
        worst = self.high if self.study.direction == "minimize" else self.low
        found = []
        for point in self.points:
            score = worst if point.score is None else point.score
            drawn = "crashed" if point.score is None and point.kind != "under way" else point.kind
            if drawn == kind and beyond != (self.low <= score <= self.high):
                found.append((point.order, min(max(score, self.low), self.high)))
        return found


def points(ledger: Ledger) -> list[Point]:
    """Every comparable run in the ledger's order; none if nothing ran.

    A screening run shows what became of its variant. A variant's later runs on common seeds, after it was screened,
    are the head's own: like those of the baseline they are noise, and no verdict."""
    study, since = ledger.last(Study), history.read(ledger).since
    if study is None:
        return []
    scores = {e.record.run: e.record.metrics.get(study.record.metric) for e in ledger.entries(Evaluation)}
    screened = {entry.record.variant: entry for entry in ledger.entries(Screening)}
    heads = {(seed, plan.record.head) for plan in ledger.entries(Preregistration) for seed in plan.record.seeds}

    def kind(run: Entry[Run]) -> Kind:
        variant, screening = run.record.variant, screened.get(run.record.variant)
        if run.id not in scores:
            return "under way"
        if run.record.purpose == "certify":
            return "certify-head" if (run.record.seed, variant) in heads else "certify-reference"
        if run.record.purpose == "screen" and screening and run.id < screening.id:
            return screening.record.decision
        raced = screening is None and run.record.purpose == "screen" and ledger.get(variant, Variant).record.proposal
        return "under way" if raced else "noise"

    apart = ("ablate", "regress")  # questions about finished work have pictures of their own
    runs = [run for run in ledger.entries(Run) if run.id > since and run.record.purpose not in apart]
    return [Point(n, scores.get(run.id), kind(run), run.record.variant, run.id) for n, run in enumerate(runs, 1)]


def _scene(ledger: Ledger) -> Scene | str:
    """What to draw, or why there is nothing to draw."""
    found, state, heads = points(ledger), history.Standing(), dict[int, int]()
    if all(point.score is None for point in found):
        return f"none of {len(found)} run(s) has a score yet" if found else "no runs yet"
    for entry in ledger.all():
        state.apply(entry)
        heads[entry.id] = state.head
    scores: dict[int, list[float]] = {}
    for point in found:
        scores.setdefault(point.variant, []).extend([] if point.score is None else [point.score])
    means = {variant: fmean(values) for variant, values in scores.items() if values}
    noise, champion = ledger.last(Noise), means.get(state.champion)
    sd = noise.record.sd if noise and noise.id > state.since else 0.0
    band = (champion - 2 * sd, champion + 2 * sd) if champion is not None and sd else None
    steps = [(point.order, means[heads[point.run]]) for point in found if heads[point.run] in means]
    keep = [*(level for _, level in steps), *(band or ())]
    low, high = _range([point.score for point in found if point.score is not None], keep)
    return Scene(history.study(ledger).record, found, champion, band, steps, _pairs(ledger, found), low, high)


def _pairs(ledger: Ledger, found: Sequence[Point]) -> list[list[tuple[int, float]]]:
    """Places and scores of a certificate's two runs on one seed, where both have a score."""
    arms: dict[int, list[tuple[int, float]]] = {}
    for point in found:
        if point.kind.startswith("certify") and point.score is not None:
            arms.setdefault(ledger.get(point.run, Run).record.seed, []).append((point.order, point.score))
    return [arm for arm in arms.values() if len(arm) == 2]


def _range(scores: Sequence[float], keep: Sequence[float]) -> tuple[float, float]:
    """The range to show: the scores within three interquartile ranges of the middle half, and `keep`, so that one
    wild run does not squash all others."""
    if len(scores) > 3:
        first, _, third = quantiles(scores, n=4, method="inclusive")
        reach = 3 * (third - first)
        scores = [score for score in scores if first - reach <= score <= third + reach]
    low, high = min([*scores, *keep], default=0.0), max([*scores, *keep], default=1.0)
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def png(ledger: Ledger) -> bytes:
    """The picture as PNG, WIDTH x HEIGHT pixels. The same ledger gives the same bytes on the same machine."""
    from matplotlib.figure import Figure  # heavy (half a second), and few commands draw; pyplot keeps global state
    from matplotlib.ticker import MaxNLocator

    figure, scene = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white"), _scene(ledger)
    if isinstance(scene, str):
        figure.text(0.5, 0.5, scene, ha="center", va="center", color=PALE, fontsize=16)
    else:
        axes = figure.add_axes((0.085, 0.215, 0.89, 0.685))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, prune="lower"))
        _frame(axes, scene)
        _levels(axes, scene)
        _marks(axes, scene)
        axes.legend(loc="upper center", bbox_to_anchor=(0.46, -0.13), ncols=6, frameon=False,
                    fontsize=9.5, labelcolor=INK, handletextpad=0.5, columnspacing=1.1)  # fmt: skip
    figure.savefig(content := io.BytesIO(), format="png", metadata={"Software": "pawl"})
    return content.getvalue()


def _frame(axes: Axes, scene: Scene) -> None:
    (name, metric), last = scene.words(), len(scene.points)
    axes.set(xlim=(0.4 - 0.015 * last, last + 0.6 + 0.015 * last), ylim=(scene.low, scene.high))
    axes.set_title(name, loc="left", fontsize=15, fontweight="bold", color=INK, pad=12, parse_math=False)
    axes.set_title(f"{last} runs", loc="right", fontsize=10.5, color=PALE, pad=12)
    axes.set_ylabel(metric, color=INK, fontsize=10.5, labelpad=8, parse_math=False)
    axes.set_xlabel("run, in the order of the ledger", color=INK, fontsize=10.5, labelpad=6)
    axes.grid(True, axis="y", color=GRID, linewidth=0.8)
    axes.tick_params(colors=PALE, labelsize=9.5, length=0, pad=6)
    for side, spine in axes.spines.items():
        spine.set(visible=side == "bottom", color="#c4c9cf")


def _levels(axes: Axes, scene: Scene) -> None:
    if scene.band:
        axes.axhspan(*scene.band, color=CHAMPION, alpha=0.09, linewidth=0, label="champion ± 2 sd", zorder=1)
    if scene.champion is not None:
        axes.axhline(scene.champion, color=CHAMPION, linewidth=1.6, label="champion, mean", zorder=2)
    if scene.steps:
        axes.step(*zip(*scene.steps, strict=True), where="post", color=HEAD, linewidth=2, label="head, mean", zorder=3)
    for pair in scene.pairs:
        axes.plot(*zip(*pair, strict=True), color="#b57700", alpha=0.5, linewidth=1, zorder=3)


def _marks(axes: Axes, scene: Scene) -> None:
    size, off = max(14.0, 48.0 - len(scene.points) / 6), "off the scale"
    for kind, (label, colour, marker, filled, _, _) in LOOKS.items():
        style: dict[str, Any] = {"s": size, "zorder": 5, "clip_on": False, "color": colour, "linewidth": 1.4}
        if shown := scene.shown(kind):
            places, scores = zip(*shown, strict=True)
            axes.scatter(places, scores, marker=marker, label=label, facecolor=colour if filled else "white", **style)
        for order, score in scene.shown(kind, beyond=True):
            axes.scatter([order], [score], marker="^" if score == scene.high else "v", label=off, **style)
            off = ""  # one entry in the legend is enough


def terminal(ledger: Ledger, width: int, height: int, colour: bool = True) -> str:
    """The same in `width` x `height` characters: the champion's mean and band as lines, the head's mean as dots."""
    import plotext  # compiled, and slow to load for commands that draw nothing

    scene = _scene(ledger)
    if isinstance(scene, str):
        return scene
    signs = [f"{sign} {label}" for kind, (label, *_, sign) in LOOKS.items() if scene.shown(kind)]
    signs += ["▲▼ off the scale"] * any(scene.shown(kind, beyond=True) for kind in LOOKS)
    signs += ["─ champion"] * (scene.champion is not None) + ["┄ ± 2 sd"] * (scene.band is not None) + ["⠤ head"]
    key = textwrap.wrap("  ".join(sign.replace(" ", GLUE) for sign in signs), width)
    with PLOTEXT:
        plotext.terminal.limit(False, False)
        plotext.figure.clear()
        figure = plotext.figure.theme("colorless").plot_size(width, max(height - len(key) - 1, 5))
        _draw(figure, plotext.marker, scene)
        body = figure.build().string(colorless=not colour).rstrip("\n")
    return "\n".join([textwrap.shorten(": ".join(scene.words()), width, placeholder="…"), body, *key]).replace(
        GLUE, " "
    )


def _draw(figure: Any, marker: Any, scene: Scene) -> None:
    last = max(len(scene.points), 2)
    figure.ruler("y").lim(scene.low, scene.high)
    figure.ruler("x").lim(1, last).ticks(sorted({1 + round(n * (last - 1) / 4) for n in range(5)}))
    for level, sign in zip((*(scene.band or (None, None)), scene.champion), "┄┄─", strict=True):
        if level is not None:
            figure.draw(figure.signal([1, last], [level, level], marker=marker(sign, "blue")).lines(True))
    if scene.steps:
        corners = [(end[0], start[1]) for start, end in pairwise(scene.steps)]
        path = sorted([*corners, *scene.steps], key=lambda corner: corner[0])
        figure.draw(figure.signal(*zip(*path, strict=True), marker=marker("braille", "green")).lines(True))
    for kind, (*_, ansi, sign) in LOOKS.items():
        dots = [(*dot, sign) for dot in scene.shown(kind)]
        dots += [(*dot, "▲" if dot[1] == scene.high else "▼") for dot in scene.shown(kind, beyond=True)]
        for order, score, drawn in dots:
            figure.draw(figure.signal([order], [score], marker=marker(drawn, ansi)))
