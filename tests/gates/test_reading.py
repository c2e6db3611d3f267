"""."""

from __future__ import annotations

from pawl.gates.reading import Reading
from pawl.testing.gates import GateContract


class TestReading(GateContract):
    def make(self) -> Reading:
        return Reading()
