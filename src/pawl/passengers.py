"""Which changes of a bundle carry its gain, and which only came along? Decisions on scores, wherever they come from.

First the passengers are looked for, cheaply: halves of the bundle are left out, then quarters of the halves that
cost something, and so on; what costs little stays out. That promises nothing. Then fresh seeds test what was found:

- *removable*: leaving all passengers out at once costs less than the margin. With X the head's score and Y that of
  the smaller bundle, the bet is that margin - (X - Y) is positive: non-inferiority by the sign-flip test.
- *carries*, for each change that is left: leaving it out of the smaller bundle too costs something. Against the
  smaller bundle and not the head, or of two changes that do the same neither would be seen to carry.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from pawl.claims import Arms, Claim, Rules, cost, decide, mean
from pawl.evidence import SignFlip

Removed = frozenset[int]
ROUTE = 8.0
"""An e-value that settles where to look next; no claim rests on it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about `changes` changes, numbered from 1; `margin` in the scores' unit. An arm is the set of
    changes that the head is without."""

    changes: int
    margin: float
    test: SignFlip
    rules: Rules
    arms: Arms[Removed]


def look(question: Question, order: Sequence[int], seeds: Sequence[int]) -> Removed:
    """The changes that look as if they could all be left out together, by halving. `order`: likely passengers first.

    What is left out stays out while the next group is looked at, so that many small costs are seen as their sum. The
    whole bundle is never left out: it was certified."""
    removed, tried = Removed(), dict[Removed, bool]()
    stack = [list(order)]
    while stack:
        group = stack.pop()
        wish = removed | frozenset(group)
        if len(wish) < question.changes:
            if wish not in tried:
                tried[wish] = _cheap(question, wish, seeds)
            if tried[wish]:
                removed = wish
                continue
        if len(group) > 1:
            half = (len(group) + 1) // 2
            stack += [group[half:], group[:half]]
    return removed


def _cheap(question: Question, removed: Removed, seeds: Sequence[int]) -> bool:
    """Whether leaving these out looks as if it cost less than the margin. Few seeds, more where it is a close call."""
    lost: list[float] = []
    for start in range(0, len(seeds), question.rules.workers):
        batch = seeds[start : start + question.rules.workers]
        base, other = question.arms.scores([Removed(), removed], batch)
        lost += [cost(x, y) for x, y in zip(base, other, strict=True)]
        if math.inf in lost:
            return False
        if max(_removable(question, lost), question.test.e_value(lost)) >= ROUTE:
            break
    found = mean(lost)
    return found is None or found < question.margin / 2


def _removable(question: Question, costs: Sequence[float]) -> float:
    return question.test.e_value([question.margin - one for one in costs])


def settle(question: Question, removed: Collection[int], seeds: Sequence[int]) -> list[Claim[Removed]]:
    """The claims about leaving these out, and about every other change, tested on fresh seeds; removable first, if
    anything is left out."""
    smaller, all_of_them = frozenset(removed), range(1, question.changes + 1)
    claims = [Claim("removable", Removed(), smaller, partial(_removable, question))] if smaller else []
    claims += [Claim("carries", smaller, smaller | {n}, question.test.e_value) for n in all_of_them if n not in smaller]
    decide(claims, seeds, question.arms, question.rules)
    return claims
