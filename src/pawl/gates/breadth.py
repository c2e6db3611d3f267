"""Is the gain everywhere, or on a few rows? Without the rows that gain and lose most it must still be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pawl.gates import looking
from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Breadth:
    """Refuses a gain for which the bulk of the rows pays: without those that gain most and lose most, 5 % each, what
    is left must be above `rest` times the whole gain; and at least `rows_better` of all rows must be better."""

    rows_better: float = 0.1
    rest: float = -0.5

    needs: ClassVar = ("pair",)

    def judge(self, case: Case) -> Finding:
        reason = looking.missing(case, "pair")
        if reason:
            return Finding(gate="breadth", passed=False, reason=reason)
        pairs = looking.of(case, "pair")
        left, better = looking.mean(pairs, "trimmed_gain"), looking.mean(pairs, "rows_better")
        gain = looking.mean(pairs, "gain")
        said = f"{better:.0%} of the rows are better; the gain is {gain:.4g}, and {left:.4g} without the extremes"
        passed = left > self.rest * gain and better >= self.rows_better
        return Finding(gate="breadth", passed=passed, reason=said)
