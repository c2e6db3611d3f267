"""."""

from __future__ import annotations

from pawl.gates.report import Report
from pawl.testing.gates import GateContract


class TestReport(GateContract):
    def make(self) -> Report:
        return Report()
