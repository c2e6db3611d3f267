"""Failures are counted apart from gains, because signs of gains are blind to rare disasters."""

from __future__ import annotations

import pytest

from pawl.gates.crash_rate import CrashRate
from pawl.testing.gates import GateContract, case, certificate


class TestCrashRate(GateContract):
    def make(self) -> CrashRate:
        return CrashRate()


@pytest.mark.parametrize(
    ("head", "reference", "pairs", "margin", "passes"),
    [
        (0, 0, 8, 0.05, True),
        (1, 0, 8, 0.05, False),
        (1, 1, 8, 0.05, True),
        (0, 5, 8, 0.05, True),
        (1, 0, 20, 0.05, True),
        (2, 0, 20, 0.05, False),
        (1, 0, 8, 0.125, True),
        (1, 0, 8, 0.12, False),
        (1, 0, 8, 0.0, False),
        (4, 3, 20, 0.05, True),
    ],
)  # fmt: skip
def test_the_head_may_fail_more_often_by_the_margin_and_no_more(
    head: int, reference: int, pairs: int, margin: float, passes: bool
) -> None:
    finding = CrashRate(margin).judge(
        case(certificate=certificate(pairs, head_failures=head, reference_failures=reference))
    )
    assert finding.passed == passes
    assert finding.reason == f"{head} of {pairs} runs failed; the reference's: {reference}"


def test_without_pairs_it_cannot_tell_and_refuses() -> None:
    finding = CrashRate(1.0).judge(case(certificate=certificate(0)))
    assert (finding.passed, finding.reason) == (False, "there are no pairs to look at")
