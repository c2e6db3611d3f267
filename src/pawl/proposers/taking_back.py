"""Accepted changes that may be taken back from the head: which there are, how likely each of them harms, and the patch.

What was accepted promised to help, and some of it does not: a race is short. From the ledger alone: a change's
expected gain is the sum of what its proposals were expected to gain, each shared evenly among the changes that it made;
its doubt is that of the races, which is not shared, since nobody knows which of the changes it was. The chance that it
harms is Phi(-gain / doubt). What the Ladder hides is small, and counts as no gain.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from pawl import attempts
from pawl.changes import put_together, take_apart, without
from pawl.envelope import sha256
from pawl.hostile import PARSER
from pawl.ledger import Entry, Ledger
from pawl.protocols import Sources
from pawl.records import Change, Noise, Proposal, Screening, Variant

FRESH = 1 / 8
"""The chance that a fresh idea helps, before any was seen: one in eight (`racing.first_law`). A change that harms with
a smaller chance is not worth the run that a fresh idea could have."""


@dataclass(frozen=True, slots=True)
class Step:
    """A variant on the way to the head, and the proposal that made it; None for the one where the way begins."""

    proposal: Entry[Proposal] | None
    variant: Entry[Variant]


@dataclass(frozen=True, slots=True)
class TakingBack:
    """A change of the head, and the patch that takes it back. `harms` is the chance that it harms, `saved` the lines
    that the head is shorter without it; `key` is the same for the same change of another head; `whole`: without it,
    nothing is left of what was accepted."""

    change: Change
    patch: str
    harms: float
    saved: int
    key: str
    whole: bool


def way(ledger: Ledger, head: Entry[Variant], start: int | None = None) -> list[Step]:
    """From the variant `start`, or the baseline, to the head, oldest first. Empty if `start` is not on the way."""
    found = list[Step]()
    variant = head
    while variant.id != start and variant.record.proposal is not None:
        proposal = ledger.get(variant.record.proposal, Proposal)
        found.append(Step(proposal, variant))
        variant = ledger.get(proposal.record.parent, Variant)
    if start is not None and variant.id != start:
        return []
    return [Step(None, variant), *found[::-1]]


def candidates(sources: Sources, ledger: Ledger, steps: Sequence[Step], ladder: float) -> list[TakingBack]:
    """What of a way can be taken back, each change by itself. Left out: what leaves a file that is not Python."""
    if len(steps) < 2:
        return []
    versions = [(step.proposal.id if step.proposal else 0, sources.read(step.variant.record)) for step in steps]
    words = {step.proposal.id: step.proposal.record.hypothesis for step in steps if step.proposal}
    changes = take_apart(versions, words, "change")
    harm, found = _harm(ledger, changes, ladder), list[TakingBack]()
    for number, change in enumerate(changes, 1):
        files = put_together(versions[0][1], without(changes, [number]))
        touched = {path: files[path] for path in {piece.path for piece in change.pieces}}
        if all(parses(path, text) for path, text in touched.items()):
            patch = sources.patch(steps[-1].variant.record, touched)
            saved = sum(piece.added.count("\n") - piece.removed.count("\n") for piece in change.pieces)
            whole = len(changes) == 1
            found.append(TakingBack(change, patch, harm(change), saved, key(change), whole))
    return found


def key(change: Change) -> str:
    """What a change does to the text, wherever it stands."""
    told = [[piece.path, piece.removed, piece.added] for piece in change.pieces]
    return sha256(json.dumps(told).encode())[:16]


def untried(ledger: Ledger, head: Entry[Variant], found: Sequence[TakingBack]) -> Iterator[TakingBack]:
    """Those that nobody put forward yet, on this head or another one."""
    proposals = [entry.record for entry in ledger.entries(Proposal)]
    keys = {proposal.settings.get("takes_back") for proposal in proposals}
    patches = {proposal.patch for proposal in proposals if proposal.parent == head.id}
    return (one for one in found if one.patch and one.key not in keys and one.patch not in patches)


def proposal(head: Entry[Variant], one: TakingBack, reason: str, by: str) -> Proposal:
    """The proposal to take it back."""
    return Proposal(
        parent=head.id, patch=one.patch, hypothesis=f"take back {one.change.name}: {reason}", proposer=by,
        settings={"takes_back": one.key, "proposals": list(one.change.proposals), "harms": round(one.harms, 3)},
    )  # fmt: skip


def _harm(ledger: Ledger, changes: Sequence[Change], ladder: float) -> Callable[[Change], float]:
    """The chance that a change harms, by what the races said of the proposals that had a part in it."""
    gains = {attempt.id: attempt.gain or 0.0 for attempt in attempts.read(ledger, ladder)}
    noise = ledger.last(Noise)
    scale = noise.record.scale if noise else 0.0
    parts = {id: sum(id in change.proposals for change in changes) for change in changes for id in change.proposals}

    def chance(change: Change) -> float:
        gain = sum(gains.get(id, 0.0) / parts[id] for id in change.proposals)
        runs = [
            len(found.record.evaluations) for id in change.proposals if (found := ledger.find(Screening, proposal=id))
        ]
        doubt = scale * math.sqrt(sum(1 / max(count, 1) for count in runs))
        return NormalDist().cdf(-gain / doubt) if doubt > 0 else 0.0 if gain > 0 else 0.5

    return chance


def parses(path: str, text: str) -> bool:
    """Whether a file is Python, if its name says so."""
    if not path.endswith(".py"):
        return True
    try:
        with PARSER:
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True
