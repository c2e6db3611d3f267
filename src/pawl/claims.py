"""Several claims at once, tested on the same fresh seeds: which may be made, and when to stop. Pure arithmetic.

A claim compares two arms: on each seed the base's score less the other's is what the other costs, and an e-value says
how much speaks for the claim. Claims of one kind are a family, and within a family e-BH decides (Wang and Ramdas,
"False discovery rate control with e-values", 2022): of m claims make the k best if each of their e-values is at least
m / (alpha k). The expected share of false ones among those made is then at most alpha, however the claims depend on
one another, and they do: they share runs.

All arms go through the seeds together, so that what is known after a seed says nothing about the next one, and each
claim may stop when it likes, whatever the others say so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Generic, Protocol, TypeVar

from pawl.evidence import STAKE

A = TypeVar("A", bound=Hashable)
A_contra = TypeVar("A_contra", bound=Hashable, contravariant=True)
Score = float | None


class Arms(Protocol[A_contra]):
    """Where scores come from."""

    def scores(self, arms: Sequence[A_contra], seeds: Sequence[int]) -> list[list[Score]]:
        """A row for each arm, with a score for each seed: higher is better, None where the run failed. What was
        asked for before costs nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """At most `pairs` pairs for a claim, `alpha` for a family; a claim whose e-value falls below `futility` is given
    up; `workers` runs go on at once."""

    pairs: int
    alpha: float
    futility: float
    workers: int = 1

    def hopeless(self, e_value: float, used: int, bar: float) -> bool:
        """Whether a claim is out of pairs, or not worth any more of them on its way to `bar`."""
        left = self.pairs - used
        return left <= 0 or e_value < self.futility or e_value * (1 + STAKE) ** left < bar


@dataclass(slots=True)
class Claim(Generic[A]):
    """A claim about `other` beside `base`. `evidence` makes an e-value of the costs so far; at `threshold` it is
    `made`. Both are filled in as seeds are run."""

    family: str
    base: A
    other: A
    evidence: Callable[[Sequence[float]], float]
    costs: list[float] = field(default_factory=list)
    e_value: float = 1.0
    threshold: float = math.inf

    @property
    def made(self) -> bool:
        return self.e_value >= self.threshold

    def take(self, cost: float) -> None:
        self.costs.append(cost)
        self.e_value = self.evidence(self.costs)

    def words(self, rules: Rules) -> str:
        """How it ended."""
        said = f"E = {self.e_value:.3g} after {len(self.costs)} pairs, threshold {self.threshold:.3g}"
        if self.made:
            return said
        return f"{said}, no pairs left" if len(self.costs) >= rules.pairs else f"{said}, given up: too far from it"


def cost(base: Score, other: Score) -> float:
    """What the other arm lost beside the base: infinite where it failed alone, minus that where the base did, and 0
    where both did."""
    if base is not None and other is not None:
        return base - other
    return 0.0 if base is other else math.inf if other is None else -math.inf


def mean(costs: Sequence[float]) -> float | None:
    """The mean of those that are finite; None where none is."""
    finite = [one for one in costs if math.isfinite(one)]
    return fmean(finite) if finite else None


def e_bh(e_values: Sequence[float], alpha: float) -> float:
    """The e-value from which on claims may be made: m / (alpha k) for the largest k that so many reach; m / alpha
    where none does."""
    ranked, m = sorted(e_values, reverse=True), len(e_values)
    reached = [k for k, e in enumerate(ranked, 1) if e >= m / (alpha * k)]
    return m / (alpha * max(reached, default=1))


def paced(costs: Sequence[float]) -> list[float]:
    """Costs in units of their own size so far, for bets where no noise was measured: each is divided by the mean size
    of those up to it, over that of a standard normal. The size of the coming cost may be used, since only its sign
    is bet on (Efron 1969)."""
    sizes, found = [abs(one) for one in costs], []
    total, count = 0.0, 0
    for one, size in zip(costs, sizes, strict=True):
        if math.isfinite(size):
            total, count = total + size, count + 1
        scale = total / count * math.sqrt(math.pi / 2) if count else 0.0
        found.append(one / scale if scale else one)
    return found


def bounds(costs: Sequence[float], lambdas: Sequence[float], level: float) -> tuple[float | None, float | None]:
    """A confidence sequence for the median cost, valid at any stopping time, where no noise was measured; None on an
    open side. As SignFlip.interval, but each bet is sized by the mean size of the costs before it, so that the first
    one is not bet on."""
    bar = 2 / (1 - level)
    low, high = _bound(costs, lambdas, bar), _bound([-one for one in costs], lambdas, bar)
    return low, None if high is None else -high


def _bound(costs: Sequence[float], lambdas: Sequence[float], bar: float) -> float | None:
    """The largest m for which bets on the signs of cost - m, that it is positive, reach `bar` after some pair."""
    scales = [fmean([abs(c) for c in costs[:n] if math.isfinite(c)] or [0.0]) for n in range(len(costs))]
    known = [(one, scale) for one, scale in zip(costs, scales, strict=True) if scale > 0]
    finite = [one for one, _ in known if math.isfinite(one)]

    def rejected(m: float) -> bool:
        wealth = [1.0] * len(lambdas)
        for one, scale in known:
            wealth = [
                w * (1 + STAKE * math.tanh(size * (one - m) / scale)) for w, size in zip(wealth, lambdas, strict=True)
            ]
            if fmean(wealth) >= bar:
                return True
        return False

    if not finite:
        return None
    span = max(finite) - min(finite) + 100 * max(scale for _, scale in known)
    low, high = min(finite) - span, max(finite)
    if not rejected(low):
        return None
    while high - low > span * 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low


def decide(claims: Sequence[Claim[A]], seeds: Sequence[int], arms: Arms[A], rules: Rules) -> None:
    """Run the arms of these claims seed by seed until each is made, given up, or out of pairs."""
    done, most = 0, min(rules.pairs, len(seeds))
    while True:
        _set_thresholds(claims, rules.alpha)
        open_ones = [claim for claim in claims if not _over(claim, claims, rules)]
        if done >= most or all(claim.made for claim in open_ones):
            return
        needed = list(dict.fromkeys(arm for claim in open_ones for arm in (claim.base, claim.other)))
        batch = seeds[done : min(done + max(1, rules.workers // len(needed)), most)]
        rows = dict(zip(needed, arms.scores(needed, batch), strict=True))
        for n in range(len(batch)):
            for claim in open_ones:
                if not _over(claim, claims, rules):
                    claim.take(cost(rows[claim.base][n], rows[claim.other][n]))
        done += len(batch)


def _over(claim: Claim[A], claims: Sequence[Claim[A]], rules: Rules) -> bool:
    """Made whatever the others say, or out of reach whatever they say."""
    of = sum(other.family == claim.family for other in claims)
    return claim.e_value >= of / rules.alpha or rules.hopeless(claim.e_value, len(claim.costs), 1 / rules.alpha)


def _set_thresholds(claims: Sequence[Claim[A]], alpha: float) -> None:
    for family in dict.fromkeys(claim.family for claim in claims):
        members = [claim for claim in claims if claim.family == family]
        bar = e_bh([claim.e_value for claim in members], alpha)
        for claim in members:
            claim.threshold = bar
