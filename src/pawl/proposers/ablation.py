"""Leaves out, of what was accepted since the last certificate, the change that most likely harms."""

from __future__ import annotations

from dataclasses import dataclass

from pawl import history
from pawl.ledger import Entry, Ledger
from pawl.proposers.taking_back import FRESH, candidates, proposal, untried, way
from pawl.protocols import Sources
from pawl.records import Proposal, Variant


@dataclass(frozen=True)
class AblationProposer:
    """Takes back one change that is accepted and not certified, while one of them harms with a chance above `least`:
    that of a fresh idea to help. A bundle of one change is left alone: without it there is the reference.
    """

    sources: Sources
    ladder: float
    name: str = "ablation"
    least: float = FRESH

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal | None:
        steps = way(ledger, head, history.read(ledger).reference)
        found = [one for one in candidates(self.sources, ledger, steps, self.ladder) if not one.whole]
        likely = [one for one in untried(ledger, head, found) if one.harms > self.least]
        if not likely:
            return None
        worst = max(likely, key=lambda one: (one.harms, one.change.proposals, one.key))
        reason = f"of {len(found)} changes not certified yet it most likely harms (chance {worst.harms:.2f})"
        return proposal(head, worst, reason, self.name)
