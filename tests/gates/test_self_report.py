"""."""

from __future__ import annotations

from pawl.gates.self_report import SelfReport
from pawl.testing.gates import GateContract


class TestSelfReport(GateContract):
    def make(self) -> SelfReport:
        return SelfReport()
