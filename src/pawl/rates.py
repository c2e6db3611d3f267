"""How often something happened that should not, with an exact interval. Pure arithmetic.

The interval is Clopper and Pearson's ("The use of confidence or fiducial limits illustrated in the case of the
binomial", 1934): at least as wide as promised, whatever the true rate is.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Step = Literal["screen", "certify", "dossier"]


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of `of` passed a step (`what` says it in words), as `count`. [`low`, `high`] is the interval of the true
    rate at `level`; it counts `units`, those that are independent of one another. `promised` is the largest rate that
    is allowed, or None where nothing is promised."""

    step: Step
    what: str
    count: int
    of: int
    units: int
    low: float
    high: float
    level: float
    promised: float | None

    @property
    def exceeded(self) -> bool:
        """Whether even the lower end of the interval is above what was promised."""
        return self.promised is not None and self.low > self.promised

    @property
    def verdict(self) -> str:
        """How it stands with the promise, in a word or two."""
        if self.promised is None:
            return "nothing promised"
        return "EXCEEDED" if self.exceeded else "not known yet" if self.of == 0 else "kept, as far as it shows"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What null candidates showed: `turns` are those that proposers and calibration filled, of which `nulls` were
    null candidates where `share` of them should be; `rates` is how often they passed each step."""

    share: float = 0.0
    turns: int = 0
    nulls: int = 0
    rates: tuple[Rate, ...] = field(default=())

    @property
    def owed(self) -> int:
        """The fewest null candidates that so many turns leave room for, but for a chance of 1 in 100."""
        return bisect_left(range(self.turns), 0.01, key=lambda n: at_most(n, self.turns, self.share))


def interval(count: float, of: int, level: float) -> tuple[float, float]:
    """The exact interval of a rate, of which `count` in `of` were seen; [0, 1] where nothing was.

    `count` may be a fraction (a mean over groups): the lower end is that of the whole number below it, the upper end
    that of the one above it, so that the interval only gets wider."""
    tail, below, above = (1 - level) / 2, math.floor(count + 1e-9), math.ceil(count - 1e-9)
    low = 0.0 if below <= 0 else _root(lambda rate: 1 - at_most(below - 1, of, rate) >= tail)
    high = 1.0 if above >= of else _root(lambda rate: at_most(above, of, rate) <= tail)
    return low, high


def at_most(count: int, of: int, rate: float) -> float:
    """P(X <= count) for X binomial(of, rate)."""
    if count >= of or rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    log_p, log_q = math.log(rate), math.log1p(-rate)
    terms = (
        math.lgamma(of + 1) - math.lgamma(n + 1) - math.lgamma(of - n + 1) + n * log_p + (of - n) * log_q
        for n in range(count + 1)
    )
    return min(math.fsum(math.exp(term) for term in terms), 1.0)


def _root(holds: Callable[[float], bool]) -> float:
    """The rate from which on `holds` is true, by bisection to 1e-12."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
        if high - low < 1e-12:
            break
    return high
