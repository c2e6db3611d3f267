"""Did it learn what it knows here? Trained where there is nothing to learn, an honest model is as good as nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pawl.gates import looking
from pawl.protocols import Case
from pawl.records import Control, Finding


@dataclass(frozen=True)
class Learning:
    """Refuses a head that after training on data taken apart, with all or hardly any of the budget, already has more
    than `share` of what the reference learns from whole data."""

    share: float = 0.25

    needs: ClassVar = ("unlearned",)

    def judge(self, case: Case) -> Finding:
        reason = looking.missing(case, "unlearned", least=4)
        if reason:
            return Finding(gate="learning", passed=False, reason=reason)
        controls = looking.of(case, "unlearned")
        mine = self._best(case, [c for c in controls if c.variant in {run.variant for run in case.head_runs}])
        base = self._best(case, [c for c in controls if c.variant in {run.variant for run in case.reference_runs}])
        scores = [pair.reference_score for pair in case.certificate.pairs if pair.reference_score is not None]
        if mine is None or base is None or not scores:
            return Finding(gate="learning", passed=False, reason="a control lacks the study's metric, or an arm")
        learnt = case.sign * sum(scores) / len(scores) - base
        if not learnt > 0:
            return Finding(gate="learning", passed=False, reason="the reference itself learns nothing from its data")
        known = (mine - base) / learnt
        said = f"without anything to learn it knows {known:.0%} of what the reference learns"
        return Finding(gate="learning", passed=known <= self.share, reason=said)

    def _best(self, case: Case, controls: list[Control]) -> float | None:
        """The best of some controls, larger is better; None where one was not measured, or none was made."""
        found = [control.measures.get(case.metric) for control in controls]
        known = [case.sign * value for value in found if value is not None]
        return max(known) if known and len(known) == len(found) else None
