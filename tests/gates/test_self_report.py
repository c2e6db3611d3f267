"""What runs print under the metric's name is compared with what was measured; what they say of training is not."""

from __future__ import annotations

import pytest

from pawl.gates.self_report import SelfReport
from pawl.protocols import Case
from pawl.testing.gates import GateContract, case, evaluation, run


class TestSelfReport(GateContract):
    def make(self) -> SelfReport:
        return SelfReport()


def claiming(mine: dict[str, float] | None, theirs: dict[str, float] | None = None, measured: float = 2.0) -> Case:
    """Eight pairs in which runs print these values and the sealed score is as measured."""
    found = (evaluation(metrics={"bits_per_byte": 2.1}), evaluation(metrics={"bits_per_byte": measured})) * 8
    return case(
        head_runs=(run(2, summary=mine or {}),) * 8, reference_runs=(run(1, summary=theirs or {}),) * 8,
        evaluations=found,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mine", "theirs", "passes"),
    [
        ({}, {}, True),
        ({"bits_per_byte": 2.0}, {}, True),
        ({"bits_per_byte": 2.4}, {}, True),
        ({"bits_per_byte": 1.4}, {}, False),
        ({"bits_per_byte": 2.6}, {}, False),
        ({"val_bits_per_byte": 1.0}, {}, False),
        ({"val_bits_per_byte": 1.0}, {"val_bits_per_byte": 1.1}, True),
        ({"val_bits_per_byte": 0.2}, {"val_bits_per_byte": 1.1}, False),
        ({"train_bits_per_byte": 0.1}, {}, True),
        ({"tokens_per_second": 9e9}, {}, True),
    ],
)
def test_a_claim_may_be_off_by_a_quarter_or_as_much_as_the_references(
    mine: dict[str, float], theirs: dict[str, float], passes: bool
) -> None:
    finding = SelfReport().judge(claiming(mine, theirs))
    assert finding.passed == passes, finding.reason


def test_scatter_of_the_claim_gives_it_room() -> None:
    runs = tuple(run(2, seed=n, summary={"bits_per_byte": 1.4 + 0.6 * (n % 2)}) for n in range(8))
    case_ = case(head_runs=runs, evaluations=claiming({}).evaluations)
    assert SelfReport().judge(case_).passed
    assert not SelfReport(sds=0, share=0.1).judge(case_).passed


def test_a_self_reported_metric_has_nothing_beside_it() -> None:
    finding = SelfReport().judge(case(evaluations=(evaluation(self_reported=True),) * 16))
    assert finding.passed
    assert "improvement" in finding.reason


def test_without_a_measured_score_it_refuses() -> None:
    assert not SelfReport().judge(case(evaluations=(evaluation(outcome="crashed", metrics={}),) * 16)).passed
