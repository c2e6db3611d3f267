"""What is left of gains that were kept because they looked large? Adaptive shrinkage along the chain of kept tries.

After Stephens, "False discovery rates: a new deal" (Biostatistics 2017): the true effects of all tries come from one
distribution with its peak at zero, a mixture of a point at zero and of flat stretches that end there; it is estimated
from the tries themselves (expectation-maximisation), and leans to zero where they say little.

A try is compared to a kept one, which was lucky, or it would not have been kept. So the luck of what was kept is
followed along the log, forwards and backwards (Baum and others 1970): many tries that miss a kept score by the same
bit say that it was luck; a long way down by small steps says that they were not all luck.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pawl.luck import Floats, below

ROUNDS = 60
SETTLED = 1e-3
"""A round that moves no weight further is the last one."""
LEAN = 10.0
"""So many imagined tries without effect are added: an estimate from few tries errs to the careful side."""
MOST = 400
"""Tries that are looked at together; a longer log is cut into pieces of this length."""
REACH = 6.0
"""Luck is followed up to so many sd of the noisiest score."""
FEWEST_CELLS, MOST_CELLS = 121, 481
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try: its gain over what was kept before it, the sd of its own score, whether it was kept in turn, and whether
    it cannot have an effect (only the seed changed). In one unit; `sd` above 0."""

    gain: float
    sd: float
    kept: bool
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """Of one kept try: the expected true gain, and the probability that it is not above zero."""

    gain: float
    idle: float


def shrink(baseline_sd: float, attempts: Sequence[Attempt]) -> list[Left]:
    """What is left of each kept attempt, in order, given all attempts; `baseline_sd` is that of the first score."""
    found, sd = list[Left](), baseline_sd
    for start in range(0, len(attempts), MOST):
        piece = attempts[start : start + MOST]
        found += _Piece.of(sd, piece).left() if any(one.kept for one in piece) else []
        sd = next((one.sd for one in reversed(piece) if one.kept), sd)
    return found


@dataclass(slots=True)
class _Piece:
    """Up to MOST attempts, and what does not change while the mixture is estimated.

    `cells` are the values that luck may have, `ends` where the mixture's stretches end, `luck` how likely each score's
    own luck is. `kept` and `missed` are the places of attempts, and for each the density of its gain by part of the
    mixture: of one that missed, by the luck of what it was compared to; of one kept, by that luck less its own."""

    attempts: Sequence[Attempt]
    cells: Floats
    ends: Floats
    luck: list[Floats]
    kept: tuple[list[int], Floats]
    missed: tuple[list[int], Floats]
    weights: Floats

    @classmethod
    def of(cls, baseline_sd: float, attempts: Sequence[Attempt]) -> _Piece:
        sds = [baseline_sd, *(one.sd for one in attempts)]
        count = min(max(round(8 * REACH * max(sds) / min(sds)) | 1, FEWEST_CELLS), MOST_CELLS)
        cells = np.linspace(-REACH * max(sds), REACH * max(sds), count)
        ends = _ends(min(sds), max(max(abs(one.gain) for one in attempts), max(sds)))
        tables = [_differences(one, cells, ends) if one.kept else _densities(one, cells, ends) for one in attempts]
        split = [[n for n, one in enumerate(attempts) if one.kept == wanted] for wanted in (True, False)]
        rows = (2 * count - 1, count)
        kept, missed = (
            (places, np.array([tables[n] for n in places]).reshape(-1, size, len(ends)))
            for places, size in zip(split, rows, strict=True)
        )
        luck = [_normal(cells, sd) for sd in sds]
        piece = cls(attempts, cells, ends, luck, kept, missed, np.full(len(ends), 1 / len(ends)))
        piece.estimate()
        return piece

    def estimate(self) -> None:
        """Fit the mixture to the attempts that could have had an effect."""
        lean = np.where(self.ends == 0, LEAN, 0.0)
        real = np.array([0.0 if one.idle else 1.0 for one in self.attempts])
        for _ in range(ROUNDS):
            along = self._along()
            counts = lean.copy()
            for (places, tables), seen in zip((self.kept, self.missed), along, strict=True):
                joint = np.matmul(seen[:, None, :], tables)[:, 0, :] * self.weights
                share = joint / np.maximum(joint.sum(axis=1, keepdims=True), TINY)
                counts += real[places] @ share
            before, self.weights = self.weights, counts / counts.sum()
            if float(np.abs(self.weights - before).max()) < SETTLED:
                return

    def left(self) -> list[Left]:
        """What is left of each kept attempt."""
        step, count, found = self.cells[1] - self.cells[0], len(self.cells), list[Left]()
        differences = step * np.arange(-count + 1, count)
        for place, table, seen in zip(*self.kept, self._along()[0], strict=True):
            one = self.attempts[place]
            joint = seen[:, None] * table * self.weights
            total = max(float(joint.sum()), TINY)
            gain = float(joint.sum(axis=1) @ (one.gain - differences)) / total
            found.append(Left(0.0, 1.0) if one.idle else Left(gain, float(joint[:, self.ends <= 0].sum()) / total))
        return found

    def _along(self) -> tuple[Floats, Floats]:
        """How likely each luck, or difference of luck, is at each kept and each missed attempt, its own gain apart."""
        before, after = self._messages()
        gaps = [np.convolve(before[n], (after[n + 1] * self.luck[n + 1])[::-1]) for n in self.kept[0]]
        lucks = [before[n] * after[n + 1] for n in self.missed[0]]
        count = len(self.cells)
        return np.array(gaps).reshape(-1, 2 * count - 1), np.array(lucks).reshape(-1, count)

    def _messages(self) -> tuple[Floats, Floats]:
        """What the attempts before and after each place say of the luck of what is kept there, a row a place.

        Between two kept attempts that is a running product, and so a running sum of logarithms."""
        count, last = len(self.cells), len(self.attempts)
        logs, before, after = np.zeros((last, count)), np.empty((last + 1, count)), np.ones((last + 1, count))
        logs[self.missed[0]] = np.log(self.missed[1] @ self.weights)
        gaps = dict(zip(self.kept[0], self.kept[1] @ self.weights, strict=True))
        start, current = 0, self.luck[0]
        for end in (*self.kept[0], last):
            before[start : end + 1] = _product(current, np.cumsum(logs[start:end], axis=0))
            if end < last:
                current = self.luck[end + 1] * np.convolve(before[end][::-1], gaps[end], mode="valid")[::-1]
            start = end + 1
        end = last
        for place in (*reversed(self.kept[0]), -1):
            after[place + 1 : end + 1] = _product(after[end], np.cumsum(logs[place + 1 : end][::-1], axis=0))[::-1]
            if place >= 0:
                after[place] = np.convolve(after[place + 1] * self.luck[place + 1], gaps[place], mode="valid")
            end = place
        return before, after


def _product(first: Floats, logs: Floats) -> Floats:
    """The first row, then it times each of the others, given as logarithms; each row with a largest value of one."""
    rows = np.vstack([np.zeros((1, len(first))), logs]) + np.log(np.maximum(first, TINY))
    return np.asarray(np.exp(rows - rows.max(axis=1, keepdims=True)))


def _ends(least: float, widest: float) -> Floats:
    """Where the flat stretches end, on both sides of the point zero: from a quarter of an sd up to the widest gain."""
    sizes = least / 4 * 2.0 ** np.arange(math.ceil(math.log2(4 * widest / least)) + 2)
    return np.concatenate([-sizes[::-1], [0.0], sizes])


def _normal(cells: Floats, sd: float) -> Floats:
    weights = np.exp(-((cells / sd) ** 2) / 2)
    return np.asarray(weights / weights.sum())


def _densities(one: Attempt, cells: Floats, ends: Floats) -> Floats:
    """Of an attempt that was not kept: the density of its gain, by the luck of the kept one and by part."""
    z, a = ((one.gain - cells) / one.sd)[:, None], (ends / one.sd)[None, :]
    point = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = np.abs(below(z) - below(z - a)) / np.abs(a)
    return _allowed(one, np.where(a == 0, point, flat) / one.sd, ends)


def _differences(one: Attempt, cells: Floats, ends: Floats) -> Floats:
    """Of an attempt that was kept: the density of the effect that a difference of luck leaves, by part.

    Each is averaged over a cell, so that no part falls between two of them."""
    step, count = cells[1] - cells[0], len(cells)
    effect = one.gain - step * np.arange(-count + 1, count)[:, None]
    low, high = np.minimum(ends, 0.0)[None, :], np.maximum(ends, 0.0)[None, :]
    overlap = np.clip(np.minimum(effect + step / 2, high) - np.maximum(effect - step / 2, low), 0.0, None)
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = overlap / (step * (high - low))
    point = np.clip(1 - np.abs(effect) / step, 0.0, None) / step
    return _allowed(one, np.where(ends[None, :] == 0, point, flat), ends)


def _allowed(one: Attempt, table: Floats, ends: Floats) -> Floats:
    """The table without zeros, so that no wild gain is impossible; without an effect for a try that can have none."""
    floored = np.maximum(table, TINY)
    if one.idle:
        floored[:, ends != 0] = 0.0
    return np.asarray(floored)
