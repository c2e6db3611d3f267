"""."""

from __future__ import annotations

from pawl.gates.probing import Probing
from pawl.testing.gates import GateContract


class TestProbing(GateContract):
    def make(self) -> Probing:
        return Probing()
