"""."""

from __future__ import annotations

from pawl.gates.foreign import Foreign
from pawl.testing.gates import GateContract


class TestForeign(GateContract):
    def make(self) -> Foreign:
        return Foreign()
