"""Does it behave under evaluation as it does elsewhere? The same rows, dressed differently, must be predicted alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pawl.gates import looking
from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Consistency:
    """Refuses a head whose predictions for the same rows move with their order, number, company, file or place, for
    more than `share` of the rows beyond what the reference's do; or whose score does not come out the same again."""

    share: float = 0.01
    rounding: float = 1e-3

    needs: ClassVar = ("pair",)

    def judge(self, case: Case) -> Finding:
        reason = looking.missing(case, "pair") or self._problem(case)
        moved = 0.0 if reason else max(control.measures["head_moved"] for control in looking.of(case, "pair"))
        fine = f"predicted again in other dress, {moved:.1%} of the rows moved, and the scores came out the same"
        return Finding(gate="consistency", passed=not reason, reason=reason or fine)

    def _problem(self, case: Case) -> str:
        scores = {pair.seed: pair.head_score for pair in case.certificate.pairs}
        for control in looking.of(case, "pair"):
            mine, theirs = (control.measures.get(f"{arm}_moved", 1.0) for arm in ("head", "reference"))
            if not mine <= theirs + self.share:
                return f"{mine:.1%} of the predictions moved when the same rows came in other company and elsewhere"
            before, again = scores.get(control.seed), control.measures.get("head_score")
            if before is None or again is None:
                return "the control is not of a pair of this certificate"
            if not abs(before - again) <= self.rounding * max(1.0, abs(before)):
                return f"seed {control.seed} scored {before:.5g}, and {again:.5g} when its inputs were shown again"
        return ""
