"""Slower, larger or hungrier predictions are refused beyond a margin, and where pairs scatter too much to tell."""

from __future__ import annotations

import pytest

from pawl.gates.prediction_cost import PredictionCost
from pawl.protocols import Case
from pawl.records import Artifact, Usage
from pawl.testing.gates import GateContract, case, evaluation, run

WEIGHTS = Artifact(name="weights.npz", digest="d3" * 32, size=900_000)


class TestPredictionCost(GateContract):
    def make(self) -> PredictionCost:
        return PredictionCost()


def costing(cpu: float = 1.0, wall: float = 1.0, memory: float = 1.0, size: float = 1.0, jitter: float = 0.0) -> Case:
    """Eight pairs in which the head's predictions cost so many times the reference's."""

    def predicted(wobble: float, *factors: float) -> object:
        wall_s, cpu_s, peak = (factor * value for factor, value in zip(factors, (2.0, 2.0, 9e8), strict=True))
        return evaluation(usage=Usage(wall_s=wall_s * wobble, cpu_s=cpu_s * wobble, peak_bytes=int(peak)))

    pairs = [
        pair for n in range(8) for pair in (predicted(1, 1, 1, 1), predicted(1 + jitter * (-1) ** n, wall, cpu, memory))
    ]
    weights = (Artifact(name="weights.npz", digest="d1" * 32, size=int(10_000_000 * size)),)
    before = (Artifact(name="weights.npz", digest="d2" * 32, size=10_000_000),)
    return case(
        evaluations=tuple(pairs), head_runs=(run(2, artifacts=weights),) * 8, reference_runs=(run(1, artifacts=before),)
    )


@pytest.mark.parametrize(
    ("costs", "passes"),
    [
        ({}, True),
        ({"cpu": 1.4}, True),
        ({"cpu": 1.6}, False),
        ({"wall": 1.9}, True),
        ({"wall": 2.1}, False),
        ({"memory": 1.6}, False),
        ({"size": 1.4}, True),
        ({"size": 1.6}, False),
        ({"cpu": 0.1, "wall": 0.1, "memory": 0.5, "size": 0.2}, True),
        ({"cpu": 1.2, "jitter": 0.1}, True),
        ({"cpu": 1.4, "wall": 0.5, "jitter": 0.6}, False),
    ],
)  # fmt: skip
def test_each_cost_has_its_margin(costs: dict[str, float], passes: bool) -> None:
    finding = PredictionCost().judge(costing(**costs))
    assert finding.passed == passes, finding.reason


def test_twice_of_nearly_nothing_is_nearly_nothing() -> None:
    """The smallest good case has predictions of 0.2 s, 9 MB and some bytes of weights."""
    cheap = case().evaluations[0]
    dear = evaluation(usage=Usage(wall_s=0.45, cpu_s=0.45, peak_bytes=200_000_000))
    runs = {"reference_runs": (run(1),), "head_runs": (run(2, artifacts=(WEIGHTS,)),)}
    assert PredictionCost().judge(case(evaluations=(cheap, dear) * 8, **runs)).passed
    strict = PredictionCost(least_s=0.01, least_mib=1, least_artifact_mib=0.001)
    assert "artifacts" in strict.judge(case(evaluations=(cheap, dear) * 8, **runs)).reason


def test_margins_are_settings() -> None:
    assert PredictionCost(cpu=3.0).judge(costing(cpu=2.5)).passed


def test_without_a_pair_it_refuses_and_without_a_prediction_it_has_nothing_to_do() -> None:
    assert not PredictionCost().judge(case(evaluations=())).passed
    assert PredictionCost().judge(case(evaluations=(evaluation(self_reported=True),) * 16)).passed
