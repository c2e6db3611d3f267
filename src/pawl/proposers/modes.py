"""What a model is asked for next: a draft, a small step, a repair, or a combination. It follows from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from pawl.attempts import Attempt
from pawl.ledger import Entry, Ledger
from pawl.records import Proposal, Variant

Name = Literal["draft", "improve", "debug", "cross"]
REPAIRS = 2
"""Repairs in a row after which a crashed idea is left."""
DRAFT, CROSS = 0.15, 0.2
"""Chances of a fresh idea and, where there is something to combine, of a combination; else a small step."""


@dataclass(frozen=True, slots=True)
class Mode:
    """What to ask for, and the attempts that it is about."""

    name: Name
    about: tuple[Attempt, ...] = ()


def choose(
    ledger: Ledger, head: Entry[Variant], done: Sequence[Attempt], name: str, failures: int, drafts: int
) -> Mode:
    """The mode of the proposer `name`'s next request, after `drafts` fresh ideas at first. Chance comes from how often
    it proposed and failed, so that a loop that was killed asks the same, and who failed is asked something else."""
    mine = [attempt for attempt in done if attempt.proposal.proposer == name]
    if mine and mine[-1].outcome == "crashed" and _repairs(mine) < REPAIRS:
        return Mode("debug", (mine[-1],))
    chance = Random(f"pawl-llm/{name}/{len(mine)}/{failures}").random()
    if len(mine) < drafts or chance < DRAFT:
        return Mode("draft")
    pair = _promising(ledger, head, done)
    if pair and chance < DRAFT + CROSS:
        return Mode("cross", pair)
    return Mode("improve")


def _repairs(mine: Sequence[Attempt]) -> int:
    """How many repairs in a row the last attempts were."""
    count = 0
    for attempt in reversed(mine):
        if attempt.proposal.settings.get("mode") != "debug":
            break
        count += 1
    return count


def _promising(ledger: Ledger, head: Entry[Variant], done: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Two attempts that gained something, the better one last; at least one of them is not in the head. Or nothing."""
    inside = _ancestry(ledger, head)
    good = [attempt for attempt in done if (attempt.gain or 0.0) > 0 and attempt.certified is not False]
    good.sort(key=lambda attempt: (attempt.id not in inside, attempt.gain or 0.0))
    return tuple(good[-2:]) if len(good) > 1 and good[-1].id not in inside else ()


def _ancestry(ledger: Ledger, head: Entry[Variant]) -> set[int]:
    """The proposals that led to the head."""
    found: set[int] = set()
    variant = head
    while variant.record.proposal is not None and variant.record.proposal not in found:
        found.add(variant.record.proposal)
        variant = ledger.get(ledger.get(variant.record.proposal, Proposal).record.parent, Variant)
    return found
