"""."""

from __future__ import annotations

from pawl.gates.prediction_cost import PredictionCost
from pawl.testing.gates import GateContract


class TestPredictionCost(GateContract):
    def make(self) -> PredictionCost:
        return PredictionCost()
