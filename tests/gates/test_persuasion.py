"""."""

from __future__ import annotations

from pawl.gates.persuasion import Persuasion
from pawl.testing.gates import GateContract


class TestPersuasion(GateContract):
    def make(self) -> Persuasion:
        return Persuasion()
