"""Is it really better? Only a certificate that was won says so."""

from __future__ import annotations

from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Improvement:
    """Refuses what is not certified. A self-reported metric is refused unless `allow_self_reported`; a gain whose
    mean is below `least` (in the metric's unit) is refused too."""

    allow_self_reported: bool = False
    least: float = 0.0

    def judge(self, case: Case) -> Finding:
        certificate = case.certificate
        passed, reason = True, f"certified: {certificate.reason}"
        if certificate.outcome != "certified":
            passed, reason = False, f"not certified ({certificate.outcome}): {certificate.reason}"
        elif not case.evaluations:
            passed, reason = False, "there is no evaluation to look at"
        elif any(evaluation.self_reported for evaluation in case.evaluations) and not self.allow_self_reported:
            passed, reason = False, "the metric is self-reported: the script that wants to be released printed it"
        elif certificate.estimate is None or certificate.estimate < self.least:
            passed, reason = False, f"the gain {certificate.estimate} is below {self.least}"
        return Finding(gate="improvement", passed=passed, reason=reason)
