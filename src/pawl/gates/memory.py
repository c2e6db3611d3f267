"""Does it know the sealed rows, or how to read them? A table of known rows is lost on look-alikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pawl.gates import looking
from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Memory:
    """Refuses a gain of which less than `share` is left on look-alikes of the sealed rows, by more than `errors`
    standard errors; and artifacts in which sealed rows stand."""

    share: float = 0.5
    errors: float = 2.0

    needs: ClassVar = ("pair",)

    def judge(self, case: Case) -> Finding:
        reason = looking.missing(case, "pair")
        if reason:
            return Finding(gate="memory", passed=False, reason=reason)
        pairs = looking.of(case, "pair")
        there, left = looking.mean(pairs, "original_gain"), looking.mean(pairs, "lookalike_gain")
        slack = self.errors * looking.mean(pairs, "lookalike_error") / len(pairs) ** 0.5
        rows = max(control.measures.get("sealed_rows", 1.0) for control in pairs)
        said = f"the gain is {there:.4g} on sealed rows and {left:.4g} on look-alikes of them"
        if rows != 0:
            said = f"{rows:.0f} sealed rows stand in the artifacts, number for number; {said}"
        passed = rows == 0 and left + slack >= self.share * there
        return Finding(gate="memory", passed=passed, reason=said)
