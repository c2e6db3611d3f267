"""Pawl's own sampler, `bayes`: Bayesian optimisation for few and noisy runs (Garnett, "Bayesian optimization", 2023).

A Gaussian process is fitted to all losses, bad ones shrunk, so that neither wild losses nor their unit matter. The
next configuration has the largest expected improvement, noise left aside, over the best one expected so far, by a
process drawn from those that are likely; what is running counts as if it had come out as expected, what failed as the
worst. Earlier studies say what to expect before the first run, and the user's guesses weigh as `likely` says.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from pawl.proposers import likely
from pawl.proposers.axes import Axes
from pawl.proposers.process import LENGTH, Array, Points, Process, fit
from pawl.proposers.spaces import Params, Space
from pawl.proposers.tried import Earlier, Known

POOL, BESIDE, TOP, ROUNDS = 1500, 40, 4, 8
"""Candidates from everywhere; neighbours with two moved constants; of how many of the best; and how often it climbs."""
AT_ONCE = 256
"""Candidates that are looked at together: their distances to all runs, along every axis, lie in memory at once."""
LARGEST = 1e150
"""Losses that are further off count as this: their squares are still numbers."""
MOST = 300
"""Configurations that a process is fitted to: the better half of so many, and the newest others."""

Indices = NDArray[np.intp]
Foretelling = tuple[Process, Indices]
"""A process fitted to an earlier study, and over which axes."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What is expected of all configurations after some runs: `process` in standardised losses; `expected`
    for each that was tried, in order."""

    axes: Axes
    earlier: Sequence[Foretelling]
    process: Process
    expected: Array

    def points(self, rows: Array) -> Points:
        return _points(self.axes, self.earlier, rows)

    def improvement(self, rows: Array) -> Array:
        """The logarithm of the expected improvement over the best of what was tried (Jones and others 1998)."""
        mean, sd = self.process.predict(self.points(rows))
        above = (self.expected.min() - mean) / sd
        density = np.exp(-above * above / 2) / np.sqrt(2 * np.pi)
        near = np.log(np.maximum(density + above * ndtr(above), 1e-300))
        far = -above * above / 2 - np.log(np.sqrt(2 * np.pi)) - 2 * np.log(np.maximum(-above, 1.0))
        found: Array = np.where(above > -5, near, far) + np.log(sd)
        return found


def candidates(known: Known) -> Iterator[Params]:
    """Configurations, the most promising first; at first those of chance, in turn with what earlier studies promise."""
    chance = Random(f"start/{known.seed}")
    return _promising(known) if models(known) else likely.drawn(known.space, chance)


def models(known: Known) -> bool:
    """Whether the next candidates are those of a process, and not of chance. What failed is known, too."""
    ended = sum(one.ended > 0 for one in known.tried)
    if known.earlier:
        return ended >= known.startup or len(known.tried) % 2 == 0
    return ended >= max(known.startup, 1)


def _promising(known: Known) -> Iterator[Params]:
    axes = Axes(known.space)
    with threadpool_limits(limits=1):  # threads that share cores with trainings wait for one another
        rows = _climbed(axes, known)
    for row in rows:
        yield axes.params(row)


def _climbed(axes: Axes, known: Known) -> Array:
    """Rows that were not tried, the most promising first."""
    chance = np.random.default_rng(known.seed)
    belief = believed(axes, known, chance)
    rows = axes.rows([one.params for one in known.tried])
    taken = {row.tobytes() for row in rows}

    def worth(found: Array) -> Array:
        """How promising rows are; without a single run, by what earlier studies expect."""
        if belief is None:
            return -_points(axes, _foretelling(axes, known.earlier), found).expected
        return belief.improvement(found) + _user(known, axes, found)

    found = axes.draw(POOL, chance)
    if belief is not None:
        best = rows[np.argsort(belief.expected)[:TOP]]
        found = np.vstack([found, *(axes.near(row, BESIDE, chance) for row in best)])
    found, value = _sorted(found, worth, taken)
    for _ in range(ROUNDS):
        if not len(found):
            break
        beside = np.vstack([axes.near(row, BESIDE // TOP, chance) for row in found[: TOP - 1]])
        nearby, better = _sorted(beside, worth, taken)
        if not len(nearby) or better[0] <= value[0]:
            break
        found, value = np.vstack([nearby, found]), np.concatenate([better, value])
    found = found[np.argsort(-value, kind="stable")]
    _, first = np.unique(found, axis=0, return_index=True)
    return found[np.sort(first)]


def _sorted(rows: Array, worth: Any, taken: set[bytes]) -> tuple[Array, Array]:
    """The rows that are new, the most promising first, and how promising they are."""
    fresh = rows[[row.tobytes() not in taken for row in rows]]
    parts = [worth(fresh[at : at + AT_ONCE]) for at in range(0, len(fresh), AT_ONCE)]
    value = np.concatenate([np.zeros(0), *parts])
    order = np.argsort(-value, kind="stable")
    return fresh[order], value[order]


def _user(known: Known, axes: Axes, rows: Array) -> Array:
    """The logarithm of what the user's guesses weigh."""
    if not likely.believed(known.space):
        return np.zeros(len(rows))
    return np.array([likely.log_weight(known.space, axes.params(row), known.finished) for row in rows])


def believed(axes: Axes, known: Known, chance: np.random.Generator | None = None) -> Belief | None:
    """What is expected after the runs so far; None before the first ended. With `chance`: by one of the processes that
    are likely, instead of the likeliest."""
    ended = [one for one in known.tried if one.ended]
    if not ended:
        return None
    scores = standardised(np.array([np.inf if one.loss is None else one.loss for one in ended]))
    kept = _kept(scores)
    earlier = _foretelling(axes, known.earlier)
    points = _points(axes, earlier, axes.rows([one.params for one in ended]))
    chosen = Points(points.places[kept], points.ordered, points.features[kept])
    process = fit(chosen, scores[kept], _lengths(axes, earlier), chance)
    running = axes.rows([one.params for one in known.tried if not one.ended])
    if len(running):
        process = process.believing(_points(axes, earlier, running))
    everything = _points(axes, earlier, axes.rows([one.params for one in known.tried]))
    return Belief(axes, earlier, process, process.mean(everything))


def standardised(losses: Array) -> Array:
    """Losses (n,) with mean 0 and variance 1, and what is worse than the median by its logarithm: how bad the bad ones
    are says little about the good ones. The unit is the spread of the better half; infinite ones count as the worst.

    Ranks would be more robust, but soon a search runs mostly what is good, and ranks spread what differs by noise."""
    finite = losses[np.isfinite(losses)]
    known = np.where(np.isfinite(losses), losses, finite.max() if len(finite) else 0.0).clip(-LARGEST, LARGEST)
    above = known - np.median(known)
    above = above / (np.abs(above).max() or 1.0)
    unit = float(np.sqrt(np.mean(above[above <= 0] ** 2)) or np.abs(above).mean() or 1.0)
    scores = np.where(above > 0, np.log1p(np.maximum(above, 0) / unit), above / unit)
    found: Array = (scores - scores.mean()) / (float(scores.std()) or 1.0)
    return found


def _kept(scores: Array) -> Indices:
    if len(scores) <= MOST:
        return np.arange(len(scores))
    best = np.argsort(scores, kind="stable")[: MOST // 2]
    newest = [one for one in range(len(scores))[::-1] if one not in set(best.tolist())]
    return np.sort(np.concatenate([best, newest[: MOST - len(best)]]))


# -- earlier studies --------------------------------------------------------------------------------------------------


def _points(axes: Axes, earlier: Sequence[Foretelling], rows: Array) -> Points:
    columns = [process.mean(_plain(rows[:, which], axes.ordered[which])) for process, which in earlier]
    features = np.stack(columns, axis=1) if columns else np.zeros((len(rows), 0))
    return Points(rows, axes.ordered, features)


def _plain(rows: Array, ordered: Any) -> Points:
    return Points(rows, ordered, np.zeros((len(rows), 0)))


def _foretelling(axes: Axes, earlier: Sequence[Earlier]) -> list[Foretelling]:
    """A process for each earlier study, over the axes that it shares with this one, and which those are."""
    found = []
    for one in earlier:
        shared = Space(tuple(dimension for dimension in axes.space if dimension.name in one.names))
        which = np.flatnonzero([name in one.names for name in axes.space.names])
        rows, losses = Axes(shared).rows(one.params), np.array(one.losses)
        found.append((_learned(rows.tobytes(), losses.tobytes(), axes.ordered[which].tobytes(), rows.shape), which))
    return found


@functools.lru_cache(maxsize=128)
def _learned(rows: bytes, losses: bytes, ordered: bytes, shape: tuple[int, int]) -> Process:
    places, flags = np.frombuffer(rows).reshape(shape), np.frombuffer(ordered, dtype=bool)
    scores = standardised(np.frombuffer(losses))
    kept = _kept(scores)
    return fit(_plain(places[kept], flags), scores[kept])


def _lengths(axes: Axes, earlier: Sequence[Foretelling]) -> Array | None:
    """The geometric mean of the lengths that earlier studies had on each axis, each counting for what it explains of
    its scores, and of what is usual, which counts for one; None without any."""
    if not earlier:
        return None
    total, weight = np.full(len(axes.ordered), LENGTH), np.ones(len(axes.ordered))
    for process, which in earlier:
        explains = max(0.0, 1.0 - process.noise)
        total[which] += explains * np.log(process.lengths)
        weight[which] += explains
    found: Array = np.exp(total / weight)
    return found
