"""."""

from __future__ import annotations

from pawl.gates.obscured import Obscured
from pawl.testing.gates import GateContract


class TestObscured(GateContract):
    def make(self) -> Obscured:
        return Obscured()
