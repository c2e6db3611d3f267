"""Only a certificate that was won, on a metric that was measured from outside, is an improvement."""

from __future__ import annotations

from typing import Any

import pytest

from pawl.gates.improvement import Improvement
from pawl.protocols import Case
from pawl.testing.gates import GateContract, case, certificate, evaluation


class TestImprovement(GateContract):
    def make(self) -> Improvement:
        return Improvement()


def judged(case: Case, **settings: Any) -> tuple[bool, str]:
    finding = Improvement(**settings).judge(case)
    return finding.passed, finding.reason


def test_a_certified_gain_passes_and_says_by_which_evidence() -> None:
    assert judged(case()) == (True, "certified: E = 31 after 8 pairs, threshold 20.3")


@pytest.mark.parametrize("outcome", ["futile", "exhausted", "no-noise"])
def test_what_was_not_certified_is_refused_with_the_outcome(outcome: str) -> None:
    passed, reason = judged(case(certificate=certificate(outcome=outcome, reason="E = 3", estimate=9.0)))
    assert (passed, reason) == (False, f"not certified ({outcome}): E = 3")


def test_without_an_evaluation_nothing_passes() -> None:
    assert judged(case(evaluations=())) == (False, "there is no evaluation to look at")


@pytest.mark.parametrize("place", [0, 7, 15])
def test_one_self_reported_number_is_enough_to_refuse(place: int) -> None:
    mixed = [evaluation()] * 16
    mixed[place] = evaluation(self_reported=True)
    passed, reason = judged(case(evaluations=tuple(mixed)))
    assert not passed
    assert "self-reported" in reason
    assert judged(case(evaluations=tuple(mixed)), allow_self_reported=True)[0]


def test_self_reported_numbers_still_need_a_certificate() -> None:
    lost = case(evaluations=(evaluation(self_reported=True),), certificate=certificate(outcome="futile"))
    assert not judged(lost, allow_self_reported=True)[0]


@pytest.mark.parametrize(
    ("estimate", "least", "passes"),
    [(0.1, 0.1, True), (0.1, 0.11, False), (-0.01, 0.0, False), (0.0, 0.0, True), (None, 0.0, False)],
)
def test_a_gain_below_the_least_is_refused(estimate: float | None, least: float, passes: bool) -> None:
    passed, reason = judged(case(certificate=certificate(estimate=estimate)), least=least)
    assert passed == passes
    assert passes or reason == f"the gain {estimate} is below {least}"
