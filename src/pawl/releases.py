"""Which releases are worse than earlier ones, and which change made them so? Decisions on scores, wherever they come
from. Places count releases from 0, the baseline.

The claims are fixed beforehand: each release is worse than the one before it (a step), and the last one is worse than
each earlier one (a drift of many steps, none of which shows alone). No noise is measured for a suite, so that bets are
sized by the differences themselves (`claims.paced`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pawl.claims import Arms, Claim, Rules, cost, decide, paced
from pawl.evidence import SignFlip

Release = tuple[str, int]
"""A suite and a place."""
Said = Literal["worse-than-good", "better-than-bad", "undecided"]


@dataclass(frozen=True, slots=True)
class Step:
    """What a probe of a place between two others said, and the evidence for either answer."""

    place: int
    pairs: int
    answer: Said
    e_worse: float
    e_better: float


def comparisons(releases: int, suites: Sequence[str], test: SignFlip) -> list[Claim[Release]]:
    """The claims about so many releases (with the baseline): steps, then drifts, for every suite."""
    last = releases - 1
    steps = [(place - 1, place) for place in range(1, releases)]
    drifts = [(place, last) for place in range(last - 1)]
    return [
        Claim("worse", (suite, before), (suite, after), partial(_worse, test))
        for suite in suites for before, after in [*steps, *drifts]
    ]  # fmt: skip


def compare(
    releases: int, suites: Sequence[str], seeds: Sequence[int], arms: Arms[Release], rules: Rules, test: SignFlip
) -> list[Claim[Release]]:  # fmt: skip
    """These claims, tested seed by seed."""
    claims = comparisons(releases, suites, test)
    decide(claims, seeds, arms, rules)
    return claims


def bar(variants: int, alpha: float) -> float:
    """The e-value that decides a step of a bisection over so many variants, ends included: each one between is probed
    at most once, with two answers, and all of them share seeds (so Bonferroni over all that could be asked)."""
    return max(2 * (variants - 2), 1) / alpha


def bisect(
    variants: int, seeds: Sequence[int], arms: Arms[int], rules: Rules, threshold: float, test: SignFlip
) -> tuple[list[Step], int, int]:  # fmt: skip
    """Between a good place 0 and a bad last one: the probes, and the places between which it became worse.

    A place that is worse than the good end becomes the bad end; one that is better than the bad end becomes the good
    one. Either way something between the ends made it worse. It stops at a place that is not shown to be either."""
    good, bad, steps = 0, variants - 1, list[Step]()
    while bad - good > 1:
        step = _probe((good, (good + bad) // 2, bad), seeds, arms, rules, threshold, test)
        steps.append(step)
        if step.answer == "undecided":
            break
        good, bad = (good, step.place) if step.answer == "worse-than-good" else (step.place, bad)
    return steps, good, bad


def _probe(
    places: tuple[int, int, int], seeds: Sequence[int], arms: Arms[int], rules: Rules, threshold: float, test: SignFlip
) -> Step:  # fmt: skip
    worse = Claim("worse", places[0], places[1], partial(_worse, test), threshold=threshold)
    better = Claim("better", places[1], places[2], partial(_worse, test), threshold=threshold)
    claims, most = [worse, better], min(rules.pairs, len(seeds))
    width = max(1, rules.workers // 3)
    for start in range(0, most, width):
        batch = seeds[start : min(start + width, most)]
        rows = dict(zip(places, arms.scores(places, batch), strict=True))
        for n in range(len(batch)):
            for claim in claims:
                claim.take(cost(rows[claim.base][n], rows[claim.other][n]))
        if worse.made or better.made or all(rules.hopeless(c.e_value, len(c.costs), threshold) for c in claims):
            break
    answer: Said = "undecided"
    if worse.made or better.made:
        answer = "worse-than-good" if worse.e_value >= better.e_value else "better-than-bad"
    return Step(places[1], len(worse.costs), answer, worse.e_value, better.e_value)


def _worse(test: SignFlip, costs: Sequence[float]) -> float:
    return test.e_value(paced(costs))
