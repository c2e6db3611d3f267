"""When is better really better? Pure arithmetic on numbers: no files, no records, no clocks.

Sign-flip betting, after the e-process literature (Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting", 2023; signs as in Efron 1969): under the null a paired gain is as likely negative as
positive whatever its size, so a bet on the sign, sized by |gain|, is a fair game, and its wealth E exceeds 1/a
with probability at most a at any stopping time. No variance or normality is assumed.

e-LOND (Xu and Ramdas, "Online multiple testing with e-values", 2024) bounds the false discovery rate over an
unbounded stream of certificates by spending `alpha` along a fixed series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

STAKE = 0.98
"""The largest share of wealth put on one sign; below 1, so that one loss never ends the game."""

GAMMA_SUM = 2.1098
"""Sum over t >= 1 of 1 / ((t + 1) ln^2(t + 1)): makes the e-LOND series sum to one."""


@dataclass(frozen=True, slots=True)
class SignFlip:
    """The betting test at a noise scale (sd of a paired gain, in the metric's unit) and bet sizes."""

    scale: float
    lambdas: tuple[float, ...] = (0.5, 1.0, 2.0, 8.0)

    def e_value(self, gains: Sequence[float]) -> float:
        """E after these paired gains: the mean over lambda of prod [1 + STAKE tanh(lambda |D| / c) sgn(D)].

        A gain may be infinite: minus where only the head's run failed, plus where only the reference's did."""
        wealth = [math.fsum(math.log1p(self._bet(size, gain)) for gain in gains) for size in self.lambdas]
        return fmean(math.exp(min(value, 700.0)) for value in wealth)

    def best_case(self, e_value: float, pairs_left: int) -> float:
        """The largest E that `pairs_left` more pairs could still reach."""
        return e_value * (1 + STAKE) ** pairs_left

    def interval(self, gains: Sequence[float], level: float) -> tuple[float | None, float | None]:
        """A confidence sequence for the median gain, valid at any stopping time; None on an open side.

        The values m that the test of gain - m has not rejected, at (1 - level) / 2 on each side, intersected over
        the prefixes of `gains`. E falls in m, so that each bound is found by bisection."""
        bar = 2 / (1 - level)
        lows = [self._bound(gains[: n + 1], bar) for n in range(len(gains))]
        highs = [self._bound([-gain for gain in gains[: n + 1]], bar) for n in range(len(gains))]
        return (
            max((low for low in lows if low is not None), default=None),
            min((-high for high in highs if high is not None), default=None),
        )

    def _bet(self, size: float, gain: float) -> float:
        if gain == 0:
            return 0.0
        stretch = math.inf if self.scale == 0 else abs(gain) / self.scale
        return math.copysign(STAKE * math.tanh(size * stretch), gain)

    def _bound(self, gains: Sequence[float], bar: float) -> float | None:
        finite = [gain for gain in gains if math.isfinite(gain)]
        if not finite or (1 + STAKE) ** len(gains) < bar:
            return None
        span = 100 * self.scale + max(finite) - min(finite)
        low, high = min(finite) - span, max(finite)

        def rejected(median: float) -> bool:
            return self.e_value([gain - median for gain in gains]) >= bar

        if not rejected(low):
            return None
        return _bisect(rejected, low, high, max(span, 1e-12) * 1e-7)


def _bisect(holds: Callable[[float], bool], low: float, high: float, width: float) -> float:
    """The end of the stretch from `low` on which `holds` is true, to within `width`."""
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

    return _bisect(below, 0.0, freedom + 20 * math.sqrt(2 * freedom), 1e-9)


def correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Pearson's correlation of paired scores, clipped to [0, .95]; 0 where there are fewer than four pairs.

    Clipped, because it sets the scale of bets: a scale near zero would bet everything on rounding."""
    if len(pairs) < 4:
        return 0.0
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    deviation = stdev(first) * stdev(second)
    if deviation == 0:
        return 0.0
    a, b = fmean(first), fmean(second)
    covariance = math.fsum((x - a) * (y - b) for x, y in pairs) / (len(pairs) - 1)
    return min(max(covariance / deviation, 0.0), 0.95)


def paired_scale(sd: float, rho: float) -> float:
    """The sd of a paired difference of two runs with this sd and correlation."""
    return sd * math.sqrt(2 * (1 - rho))
