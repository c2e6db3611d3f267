"""When is better really better? Pure arithmetic on numbers: no files, no records, no clocks.

Sign-flip betting, after the e-process literature (Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting", 2023; signs as in Efron 1969): under the null a paired gain is as likely negative as
positive whatever its size, so a bet on the sign, sized by |gain|, is a fair game, and its wealth E exceeds 1/a
with probability at most a at any stopping time. No variance or normality is assumed.

Clipped-mean betting (the same paper's capital process, for a bounded variable) does without the symmetry: it is a
fair game whenever the mean of the clipped gain is at most zero.

e-LOND (Xu and Ramdas, "Online multiple testing with e-values", 2024) bounds the false discovery rate over an
unbounded stream of certificates by spending `alpha` along a fixed series.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from statistics import fmean, stdev
from typing import Literal

STAKE = 0.98
"""The largest share of wealth put on one sign; below 1, so that one loss never ends the game."""

RICH = 1e250
"""Wealth beyond which counting stops, so that evidence stays finite however long the luck."""

FAR = 500
"""Pairs beyond which "could still reach the threshold" is taken for granted."""

GAMMA_SUM = 2.1098
"""Sum over t >= 1 of 1 / ((t + 1) ln^2(t + 1)): makes the e-LOND series sum to one."""

Ending = Literal["", "certified", "exhausted", "futile"]


@dataclass(frozen=True, slots=True)
class Betting(ABC):
    """A betting test at a noise scale (sd of a paired gain, in the metric's unit): several gamblers, who bet on each
    gain being positive, and whose mean wealth is the evidence E."""

    scale: float

    @abstractmethod
    def factors(self, gain: float) -> tuple[float, ...]:
        """What a gain multiplies each gambler's wealth by; above 0, and it rises with the gain.

        A gain may be infinite: minus where only the head's run failed, plus where only the reference's did. It is NaN
        where both failed: a pair that says nothing, and multiplies by 1 as a gain of 0 does."""

    def wealth(self, gains: Iterable[float]) -> Iterator[tuple[float, ...]]:
        """Each gambler's wealth, beginning at 1, after each of these paired gains."""
        held: tuple[float, ...] = ()
        for gain in gains:
            won = self.factors(gain)
            held = tuple(min(a * b, RICH) for a, b in zip(held or repeat(1.0), won, strict=False))
            yield held

    def e_value(self, gains: Sequence[float]) -> float:
        """E after all of these gains: the mean of the gamblers' wealth; 1 after none."""
        e = 1.0
        for held in self.wealth(gains):
            e = fmean(held)
        return e

    def best_case(self, held: Sequence[float], pairs_left: int) -> float:
        """The largest E that `pairs_left` more pairs could still bring to gamblers who have so much."""
        most = self.factors(math.inf)
        return fmean(min(a * b ** min(pairs_left, FAR), RICH) for a, b in zip(held, most, strict=True))

    def interval(self, gains: Sequence[float], level: float) -> tuple[float | None, float | None]:
        """A confidence sequence for where the gains lie, valid at any stopping time; None on an open side.

        The values m that the test of gain - m has not rejected, at (1 - level) / 2 on each side, after any of the
        `gains`. E falls in m, so that each bound is found by bisection."""
        bar = 2 / (1 - level)
        low, high = self._bound(gains, bar), self._bound([-gain for gain in gains], bar)
        return low, None if high is None else -high

    def _bound(self, gains: Sequence[float], bar: float) -> float | None:
        finite = [gain for gain in gains if math.isfinite(gain)]
        if not finite:
            return None
        span = 100 * self.scale + max(finite) - min(finite)
        low, high = min(finite) - span, max(finite)

        def rejected(middle: float) -> bool:
            return any(fmean(held) >= bar for held in self.wealth([gain - middle for gain in gains]))

        return edge(rejected, low, high, max(self.scale, 1e-9 * span, 1e-300) * 1e-6) if rejected(low) else None


@dataclass(frozen=True, slots=True)
class SignFlip(Betting):
    """Fair where a gain of any size is at most as likely as a loss of that size: E is the mean over lambda of
    prod [1 + STAKE tanh(lambda |D| / c) sgn(D)]. Its interval is for the median gain, under symmetry."""

    lambdas: tuple[float, ...] = (0.5, 1.0, 2.0, 8.0)

    def factors(self, gain: float) -> tuple[float, ...]:
        if not abs(gain) > 0:
            return (1.0,) * len(self.lambdas)
        stretch = gain / self.scale if self.scale else math.copysign(math.inf, gain)
        return tuple([1 + STAKE * math.tanh(size * stretch) for size in self.lambdas])


@dataclass(frozen=True, slots=True)
class ClippedMean(Betting):
    """Fair where the mean of clip(D / c, -clip, clip) is at most 0, symmetric or not: E is the mean over the stakes l
    of prod [1 + l clip(D / c, -clip, clip) / clip]. Its interval is for the m at which the clipped mean of D - m is 0
    (Huber's location)."""

    stakes: tuple[float, ...] = (0.5, 0.98)
    clip: float = 3.0

    def factors(self, gain: float) -> tuple[float, ...]:
        if not abs(gain) > 0:
            return (1.0,) * len(self.stakes)
        stretch = math.inf if self.scale == 0 else abs(gain) / self.scale / self.clip
        share = math.copysign(min(stretch, 1.0), gain)
        return tuple([1 + stake * share for stake in self.stakes])


@dataclass(frozen=True, slots=True)
class Stop:
    """When a test ends: E reaches `bar`, falls below `futility`, can no longer reach `bar`, or `pairs` are used up."""

    bar: float
    futility: float
    pairs: int

    def ending(self, test: Betting, held: Sequence[float], done: int) -> Ending:
        """What the gamblers' wealth after `done` pairs says; empty where the test goes on."""
        e, left = fmean(held), self.pairs - done
        if e >= self.bar:
            return "certified"
        if left <= 0:
            return "exhausted"
        return "futile" if e < self.futility or test.best_case(held, left) < self.bar else ""

    def end(self, test: Betting, gains: Iterable[float]) -> tuple[int, Ending]:
        """How many of these gains the test looks at, and how it ends; empty where they run out before that."""
        done = 0
        for done, held in enumerate(test.wealth(gains), start=1):
            said = self.ending(test, held, done)
            if said:
                return done, said
        return done, ""


def edge(holds: Callable[[float], bool], low: float, high: float, width: float) -> float:
    """The end of the stretch from `low` on which `holds` is true, to within `width`, by bisection."""
    while high - low > width:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def gamma(step: int) -> float:
    """The share of `alpha` that e-LOND spends at a step (from 1); the shares sum to one."""
    return 1 / (GAMMA_SUM * (step + 1) * math.log(step + 1) ** 2)


def threshold(step: int, wins: int, alpha: float) -> float:
    """The e-value that certifies at this step (from 1), after `wins` certificates won: 1 / (alpha gamma (wins + 1))."""
    return 1 / (alpha * gamma(step) * (wins + 1))


@dataclass(frozen=True, slots=True)
class Spread:
    """The sd of some scores and its 95 % interval."""

    sd: float
    low: float
    high: float


def spread(scores: Sequence[float]) -> Spread:
    """The sample sd of at least two scores with its chi-square interval."""
    sd, freedom = stdev(scores), len(scores) - 1
    low, high = (_chi_square_quantile(probability, freedom) for probability in (0.975, 0.025))
    return Spread(sd, sd * math.sqrt(freedom / low), sd * math.sqrt(freedom / high))


def _chi_square_quantile(probability: float, freedom: int) -> float:
    """By bisection of the distribution function, the regularised lower incomplete gamma function's series."""

    half = freedom / 2

    def below(x: float) -> bool:
        if x <= 0:
            return True
        term = total = 1.0
        for n in range(1, 2000):
            term *= x / 2 / (half + n)
            total += term
        return total * math.exp(half * math.log(x / 2) - x / 2 - math.lgamma(half + 1)) < probability

    return edge(below, 0.0, freedom + 20 * math.sqrt(2 * freedom), 1e-9)


def paired_scale(sd: float, rho: float) -> float:
    """The sd of a paired difference of two runs with this sd and correlation."""
    return sd * math.sqrt(2 * (1 - rho))
