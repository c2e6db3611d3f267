"""."""

from __future__ import annotations

from pawl.gates.conditions import Conditions
from pawl.testing.gates import GateContract


class TestConditions(GateContract):
    def make(self) -> Conditions:
        return Conditions()
