"""."""

from __future__ import annotations

from pawl.gates.exposed import Exposed
from pawl.testing.gates import GateContract


class TestExposed(GateContract):
    def make(self) -> Exposed:
        return Exposed()
