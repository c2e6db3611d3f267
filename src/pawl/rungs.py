"""Who goes on after a cheap look: what a training on a share of the budget tells of the whole one. Pure arithmetic.

Differences are those of a challenger's score to the head's on the same seed and share; higher is better.

`Learned`: the whole difference is a line through zero of the partial one, plus a rest. Line and rest are learned from
the challengers that went on (Bayesian linear regression with a normal-inverse-gamma prior; Gelman et al., "Bayesian
Data Analysis", chapter 14), so that a rung which tells nothing stops nobody, and learning curves that cross are no
trap. To stop by what was seen on the rung alone leaves the line unbiased. A challenger goes on while its whole run is
expected to bring more for what it costs than the next idea would (the value of information, as in `racing`). And a
look itself has to pay: while the rung would stop too few to save what looking costs, hardly anybody looks there.

`Halving`: the best `keep` of all seen on the rung go on, whoever comes first too (asynchronous successive halving, Li
et al., "A system for massively parallel hyperparameter tuning", 2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scipy.stats import t as student

FIRST = 2
"""Looks with their whole runs that are needed before anybody is stopped by what was learned."""
FAR = 8.0
"""Differences count as so many sd of a paired difference at most: one that diverged must not draw the line alone."""

RECENT = 20
"""Looks, the newest, by which a rung is judged."""
AGAIN = 10
"""Challengers after which a rung that does not pay is tried again: ideas change, and with them what it tells."""
LEAST_DOUBT = 0.25
"""How much of a look's meaning stays unknown however many there were, in sd of a paired difference."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the partial difference, and the whole one if the challenger went on."""

    partial: float
    whole: float | None


class Rule(Protocol):
    def stops(self, partial: float, looks: Sequence[Look], scale: float, price: float) -> str:
        """Why a challenger with this partial difference stops here, after these looks on the same rung; empty: it goes
        on. `scale` is the sd of a paired difference of whole runs, `price` what the whole run's cost would bring
        elsewhere, both in the metric's unit."""
        ...

    def pays(self, share: float, looks: Sequence[Look], scale: float, price: float) -> bool:
        """Whether one more look on this rung, which costs `share` of a whole run, is expected to save as much."""
        ...


@dataclass(frozen=True, slots=True)
class Learned:
    def stops(self, partial: float, looks: Sequence[Look], scale: float, price: float) -> str:
        pairs = [(look.partial, look.whole) for look in looks if look.whole is not None]
        if len(pairs) < FIRST or scale <= 0:
            return ""
        mean, sd = foretold(partial, pairs, scale)
        doubt = max(LEAST_DOUBT**2, 1 / (len(pairs) + 1))  # the prior's pair, while there are few
        effect = max(sd**2 - scale**2, doubt * scale**2)  # what of it is no noise of two runs
        worth = above_zero(mean, math.sqrt(effect), len(pairs) + 1)
        if worth > price:
            return ""
        return f"its whole run is expected to bring {worth:.2g}, and the next idea {price:.2g} for the same cost"

    def pays(self, share: float, looks: Sequence[Look], scale: float, price: float) -> bool:
        """By how many of the newest looks the line of now would stop (Laplace's rule of succession)."""
        if sum(look.whole is not None for look in looks) < FIRST:
            return True
        recent = looks[-RECENT:]
        stopped = sum(bool(self.stops(look.partial, looks, scale, price)) for look in recent)
        return (stopped + 1) / (len(recent) + 2) * (1 - share) >= share


@dataclass(frozen=True, slots=True)
class Halving:
    keep: float

    def stops(self, partial: float, looks: Sequence[Look], scale: float, price: float) -> str:
        better = sum(look.partial > partial for look in looks)
        places = max(1, math.ceil(self.keep * (len(looks) + 1)))
        return "" if better < places else f"{better} of {len(looks)} were better at this point, and {places} go on"

    def pays(self, share: float, looks: Sequence[Look], scale: float, price: float) -> bool:
        """Whoever fixes the share that goes on has judged that."""
        return True


def foretold(partial: float, pairs: Sequence[tuple[float, float]], scale: float) -> tuple[float, float]:
    """Mean and sd of the whole difference, given the partial one. The prior is worth one pair: a line of slope 1, and a
    rest as large as the noise of a paired difference."""
    pairs, partial = _all_near(pairs, scale), _near(partial, scale)
    slope, known = _line(pairs, scale)
    rest = scale**2 + sum((y - slope * x) ** 2 for x, y in pairs) + scale**2 * (slope - 1) ** 2
    variance = rest / (len(pairs) + 1)
    return slope * partial, math.sqrt(variance * (1 + partial**2 / known))


def slope(pairs: Sequence[tuple[float, float]], scale: float) -> float:
    """What a partial difference times is expected of the whole one."""
    return _line(_all_near(pairs, scale), scale)[0]


def _line(pairs: Sequence[tuple[float, float]], scale: float) -> tuple[float, float]:
    """The slope, and how much is known of it."""
    known = scale**2 + sum(x * x for x, _ in pairs)
    return (scale**2 + sum(x * y for x, y in pairs)) / known, known


def above_zero(mean: float, sd: float, freedom: float) -> float:
    """E[max(0, x)] of an x that is distributed as Student's t around `mean`, with the scale `sd` and more than one
    degree of freedom."""
    if sd <= 0:
        return max(mean, 0.0)
    z = mean / sd
    beyond = sd * (freedom + z * z) / (freedom - 1) * float(student.pdf(z, freedom))
    return max(mean * float(student.cdf(z, freedom)) + beyond, mean, 0.0)


def _near(difference: float, scale: float) -> float:
    return min(max(difference, -FAR * scale), FAR * scale)


def _all_near(pairs: Sequence[tuple[float, float]], scale: float) -> list[tuple[float, float]]:
    return [(_near(x, scale), _near(y, scale)) for x, y in pairs]
