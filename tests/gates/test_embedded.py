"""."""

from __future__ import annotations

from pawl.gates.embedded import Embedded
from pawl.testing.gates import GateContract


class TestEmbedded(GateContract):
    def make(self) -> Embedded:
        return Embedded()
