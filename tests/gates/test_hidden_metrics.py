"""No metric pays for another: not in one certificate, and not little by little over a study's life."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gates.control_cases import case
from pawl.gates.hidden_metrics import HiddenMetrics
from pawl.testing.gates import GateContract

GATE = HiddenMetrics(higher=["accuracy"])


class TestHiddenMetrics(GateContract):
    def make(self) -> HiddenMetrics:
        return GATE


del GateContract


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ([0.01, 0.02, 0.03], True),
        ([0.0, 0.0, 0.0], True),
        ([-0.01, 0.012, -0.005], True),
        ([-0.01, -0.012, -0.011], False),
        ([-0.01], True),
    ],
)
def test_a_metric_may_not_get_worse(changes: Sequence[float], passes: bool) -> None:
    assert GATE.judge(case(life=({"accuracy": tuple(changes)},))).passed == passes
    mirrored = {"loss": tuple(-change for change in changes)}
    assert HiddenMetrics(lower=["loss"]).judge(case(life=(mirrored,))).passed == passes


def test_many_small_losses_are_seen_together() -> None:
    small = {"accuracy": (-0.01, 0.002, -0.004, 0.001)}
    assert GATE.judge(case(life=(small,))).passed
    finding = GATE.judge(case(life=(small,) * 12))
    assert not finding.passed
    assert finding.reason.startswith("accuracy got worse over 12 certificates: -0.033")


def test_what_was_not_measured_or_not_named_is_refused() -> None:
    assert GATE.judge(case(life=())).reason == "a hidden metric was not measured in both arms: accuracy"
    assert HiddenMetrics().judge(case(life=({"accuracy": (1.0,)},))).reason == "no hidden metric is named in the policy"
