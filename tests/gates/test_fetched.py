"""."""

from __future__ import annotations

from pawl.gates.fetched import Fetched
from pawl.testing.gates import GateContract


class TestFetched(GateContract):
    def make(self) -> Fetched:
        return Fetched()
