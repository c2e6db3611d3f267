"""Is the machine that says so still right? Refuses while null candidates get through more often than was promised."""

from __future__ import annotations

from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Calibrated:
    """Refuses when the interval of a measured false-accept rate lies above its promise; when fewer null candidates had
    their turn than `calibration.share` owes (but for a chance of 1 in 100) or than `least`; and when nothing is
    measured at all. A young study owes none: at a share of .05 the first is due after 90 turns."""

    least: int = 0

    def judge(self, case: Case) -> Finding:
        problem = self._problem(case)
        found = case.calibration
        fine = f"{found.nulls} null candidate(s) in {found.turns} turns; no promised rate is exceeded"
        return Finding(gate="calibration", passed=not problem, reason=problem or fine)

    def _problem(self, case: Case) -> str:
        """Why it refuses, or nothing."""
        found = case.calibration
        if found.share <= 0:
            return "calibration is off (calibration.share is 0): nobody knows what gets through"
        over = [
            f"{rate.what}: {rate.count} of {rate.of}, at least {rate.low:.3g} and not the promised {rate.promised:g}"
            for rate in found.rates
            if rate.exceeded
        ]
        if over:
            return f"more gets through than was promised: {'; '.join(over)}"
        if not any(rate.step == "certify" for rate in found.rates):
            return "too few scores of one variant are known to replay a certificate"
        wanted = max(found.owed, self.least)
        if found.nulls < wanted:
            return f"only {found.nulls} null candidate(s) in {found.turns} turns, where {wanted} are due"
        return ""
