"""Is the gain everywhere, or on a few rows? Without the rows that gain and lose most it must still be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pawl.gates import looking
from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Breadth:
    """Refuses a gain that is gone without the rows that gain most and those that lose most, 5 % each; and one with
    fewer than `rows_better` of the rows better than before."""

    rows_better: float = 0.1

    needs: ClassVar = ("pair",)

    def judge(self, case: Case) -> Finding:
        reason = looking.missing(case, "pair")
        if reason:
            return Finding(gate="breadth", passed=False, reason=reason)
        pairs = looking.of(case, "pair")
        left, better = looking.mean(pairs, "trimmed_gain"), looking.mean(pairs, "rows_better")
        said = f"{better:.0%} of the rows are better; the gain without the extremes is {left:.4g}"
        return Finding(gate="breadth", passed=left > 0 and better >= self.rows_better, reason=said)
