"""Does it fail more often? A test on signs of gains is blind to rare disasters, so failures are counted apart."""

from __future__ import annotations

from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class CrashRate:
    """Non-inferiority: the head's share of failed runs may exceed the reference's by `margin` at most."""

    margin: float = 0.05

    def judge(self, case: Case) -> Finding:
        certificate, pairs = case.certificate, len(case.certificate.pairs)
        if pairs == 0:
            return Finding(gate="crash-rate", passed=False, reason="there are no pairs to look at")
        more = certificate.head_failures - certificate.reference_failures
        said = f"{certificate.head_failures} of {pairs} runs failed; the reference's: {certificate.reference_failures}"
        return Finding(gate="crash-rate", passed=more <= self.margin * pairs, reason=said)
