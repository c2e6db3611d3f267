"""Simplifies: takes back what brings nothing that a race could tell from nothing, and what an ablation showed to be a
passenger.

A constant goes back to the value that it had in the baseline, other text to what it was. Whether the head is as good
without it the race says, by the one rule for all (docs/how-to/read-suggestions.md says what that means for a change
that brings exactly nothing).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pawl.ledger import Entry, Ledger
from pawl.proposers.taking_back import FRESH, TakingBack, candidates, key, proposal, untried, way
from pawl.protocols import Sources
from pawl.records import Ablation, AblationClaims, AblationPlan, Proposal, Variant


@dataclass(frozen=True)
class RevertProposer:
    """Takes back passengers first, then what harms with a chance above `least` (that of a fresh idea to help), what
    saves most lines first among equals; each change once. A head that is one change is left alone."""

    sources: Sources
    ladder: float
    name: str = "revert"
    least: float = FRESH

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal | None:
        for one in untried(ledger, head, [*self._passengers(head, ledger)]):
            return proposal(head, one, "an ablation showed that it can go", self.name)
        found = candidates(self.sources, ledger, way(ledger, head), self.ladder)
        doubtful = [one for one in untried(ledger, head, found) if one.harms > self.least and not one.whole]
        if not doubtful:
            return None
        best = max(doubtful, key=lambda one: (round(one.harms, 1), one.saved, one.harms, one.key))
        saved = f", and saves {best.saved} line(s)" if best.saved > 0 else ""
        reason = f"its gain cannot be told from none (it harms with a chance of {best.harms:.2f}){saved}"
        return proposal(head, best, reason, self.name)

    def _passengers(self, head: Entry[Variant], ledger: Ledger) -> Iterator[TakingBack]:
        """What the last ablation showed to be removable together, as far as it is still in the head as it was."""
        last = ledger.last(Ablation)
        if last is None or not last.record.shown:
            return
        plan = ledger.get(ledger.get(last.record.claims, AblationClaims).record.plan, AblationPlan).record
        removable = {key(plan.changes[number - 1]) for number in last.record.effects[0].changes}
        for one in candidates(self.sources, ledger, way(ledger, head, plan.reference), self.ladder):
            if one.key in removable:
                yield one
