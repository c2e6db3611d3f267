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

    `cells` are the values that luck may have, `ends` where the mixture's stretches end. `tables` holds, for each
    attempt, the density of its gain by part of the mixture: for one not kept by the luck of what it was compared to;
    for one kept by the difference of that luck and its own."""

    attempts: Sequence[Attempt]
    cells: Floats
    ends: Floats
    tables: list[Floats]
    luck: list[Floats]
    weights: Floats

    @classmethod
    def of(cls, baseline_sd: float, attempts: Sequence[Attempt]) -> _Piece:
        sds = [baseline_sd, *(one.sd for one in attempts)]
        count = min(max(round(8 * REACH * max(sds) / min(sds)) | 1, FEWEST_CELLS), MOST_CELLS)
        cells = np.linspace(-REACH * max(sds), REACH * max(sds), count)
        ends = _ends(min(sds), max(max(abs(one.gain) for one in attempts), max(sds)))
        luck = [_normal(cells, sd) for sd in sds]
        tables = [_differences(one.gain, cells, ends) if one.kept else _densities(one, cells, ends) for one in attempts]
        for one, table in zip(attempts, tables, strict=True):
            if one.idle:
                table[:, ends != 0] = 0.0
        piece = cls(attempts, cells, ends, tables, luck, np.full(len(ends), 1 / len(ends)))
        piece.estimate()
        return piece

    def estimate(self) -> None:
        """Fit the mixture to the attempts that could have had an effect."""
        lean = np.where(self.ends == 0, LEAN, 0.0)
        for _ in range(ROUNDS):
            shares = [share for share, one in zip(self._shares(), self.attempts, strict=True) if not one.idle]
            counts = np.sum(shares, axis=0) + lean
            self.weights = counts / counts.sum()

    def left(self) -> list[Left]:
        """What is left of each kept attempt."""
        found, before, after = list[Left](), *self._messages()
        for n, one in enumerate(self.attempts):
            if one.kept:
                gap = self._gap(before[n], after[n + 1], n)
                joint = gap[:, None] * self.tables[n] * self.weights
                total = max(float(joint.sum()), TINY)
                effect = one.gain - self._offsets()
                effect = np.where(joint.sum(axis=1) > 0, effect, 0.0)
                idle = float(joint[:, self.ends <= 0].sum()) / total
                found.append(Left(0.0, 1.0) if one.idle else Left(float(joint.sum(axis=1) @ effect) / total, idle))
        return found

    def _offsets(self) -> Floats:
        """The differences of luck that `tables` of kept attempts go by."""
        step, count = self.cells[1] - self.cells[0], len(self.cells)
        return np.asarray(step * np.arange(-count + 1, count))

    def _gap(self, before: Floats, after: Floats, n: int) -> Floats:
        """How likely each difference between the luck of what was kept and that of kept attempt n is."""
        return np.asarray(np.convolve(before, (after * self.luck[n + 1])[::-1]))

    def _messages(self) -> tuple[list[Floats], list[Floats]]:
        """What the attempts before and after each place say of the luck of what is kept there; each sums to one."""
        before, after = [self.luck[0]], [np.ones(len(self.cells))]
        for n, one in enumerate(self.attempts):
            density = self.tables[n] @ self.weights
            if one.kept:  # density goes by (old luck - own luck)
                following = self.luck[n + 1] * np.convolve(before[-1][::-1], density, mode="valid")[::-1]
            else:
                following = before[-1] * density
            before.append(following / max(following.sum(), TINY))
        for n in range(len(self.attempts) - 1, -1, -1):
            density = self.tables[n] @ self.weights
            if self.attempts[n].kept:
                earlier = np.convolve(after[-1] * self.luck[n + 1], density, mode="valid")
            else:
                earlier = after[-1] * density
            after.append(earlier / max(earlier.sum(), TINY))
        return before, after[::-1]

    def _shares(self) -> list[Floats]:
        """To which part of the mixture each attempt likely belongs."""
        found, before, after = list[Floats](), *self._messages()
        for n, one in enumerate(self.attempts):
            along = self._gap(before[n], after[n + 1], n) if one.kept else before[n] * after[n + 1]
            share = (along @ self.tables[n]) * self.weights
            found.append(share / max(share.sum(), TINY))
        return found


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
    return np.asarray(np.maximum(np.where(a == 0, point, flat), TINY) / one.sd)


def _differences(gain: float, cells: Floats, ends: Floats) -> Floats:
    """Of an attempt that was kept: the density of the effect that a difference of luck leaves, by part.

    Each is averaged over a cell, so that no part falls between two of them."""
    step, count = cells[1] - cells[0], len(cells)
    effect = gain - step * np.arange(-count + 1, count)[:, None]
    low, high = np.minimum(ends, 0.0)[None, :], np.maximum(ends, 0.0)[None, :]
    overlap = np.clip(np.minimum(effect + step / 2, high) - np.maximum(effect - step / 2, low), 0.0, None)
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = overlap / (step * (high - low))
    point = np.clip(1 - np.abs(effect) / step, 0.0, None) / step
    return np.asarray(np.maximum(np.where(ends[None, :] == 0, point, flat), TINY))
