"""Can it do the impossible? The labels of canaries were drawn at random, and only Pawl's sealed folder has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pawl.gates import looking
from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Canaries:
    """Refuses a head that predicts canaries better than chance, each time, at the level `level`."""

    level: float = 0.001

    needs: ClassVar = ("pair",)

    def judge(self, case: Case) -> Finding:
        reason = looking.missing(case, "pair")
        if reason:
            return Finding(gate="canaries", passed=False, reason=reason)
        chance = [control.measures.get("canary_p", 0.0) for control in looking.of(case, "pair")]
        said = f"as good a score on canaries has a probability of {max(chance):.2g} by chance"
        if not max(chance) > self.level:
            said += ": it has seen labels that only the sealed folder holds"
        return Finding(gate="canaries", passed=max(chance) > self.level, reason=said)
