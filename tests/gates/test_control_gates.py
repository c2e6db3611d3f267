"""Gates that read controls: each refuses what it is there for, and refuses when its control is missing or failed."""

from __future__ import annotations

import dataclasses

import pytest

from gates.control_cases import UNLEARNED, case, pair, unlearned
from pawl.gates.breadth import Breadth
from pawl.gates.canaries import Canaries
from pawl.gates.consistency import Consistency
from pawl.gates.learning import Learning
from pawl.gates.memory import Memory
from pawl.protocols import Gate
from pawl.records import Control
from pawl.testing.gates import GateContract, certificate

READERS = [Consistency(), Memory(), Breadth(), Canaries(), Learning()]


class TestConsistency(GateContract):
    def make(self) -> Consistency:
        return Consistency()


class TestMemory(GateContract):
    def make(self) -> Memory:
        return Memory()


class TestBreadth(GateContract):
    def make(self) -> Breadth:
        return Breadth()


class TestCanaries(GateContract):
    def make(self) -> Canaries:
        return Canaries()


class TestLearning(GateContract):
    def make(self) -> Learning:
        return Learning()


del GateContract


@pytest.mark.parametrize("gate", READERS, ids=lambda gate: type(gate).__name__)
class TestAll:
    def test_an_honest_case_passes(self, gate: Gate) -> None:
        assert gate.judge(case()).passed

    def test_without_a_control_it_refuses(self, gate: Gate) -> None:
        finding = gate.judge(case(controls=()))
        assert (finding.passed, finding.reason) == (False, "no control was made")
        lost = certificate(outcome="futile")
        assert "nothing was certified" in gate.judge(case(controls=(), certificate=lost)).reason

    def test_a_control_that_failed_is_no_control(self, gate: Gate) -> None:
        failed = [_failed(control) for control in case().controls]
        finding = gate.judge(case(controls=tuple(failed)))
        assert not finding.passed
        assert finding.reason == "a control failed (timed-out): too slow"

    def test_measures_that_are_missing_do_not_pass(self, gate: Gate) -> None:
        empty = tuple(control.model_copy(update={"measures": {}}) for control in case().controls)
        assert not gate.judge(case(controls=empty)).passed

    def test_it_says_which_controls_it_needs(self, gate: Gate) -> None:
        assert set(gate.needs) <= {control.kind for control in case().controls}  # type: ignore[attr-defined]


def _failed(control: Control) -> Control:
    return control.model_copy(update={"outcome": "timed-out", "reason": "too slow", "measures": {}})


@pytest.mark.parametrize(
    ("gate", "measures", "passes"),
    [
        (Consistency(), {"head_moved": 0.01}, True),
        (Consistency(), {"head_moved": 0.02}, False),
        (Consistency(), {"head_moved": 0.5, "reference_moved": 0.5}, True),
        (Consistency(), {"head_score": 2.001}, True),
        (Consistency(), {"head_score": 2.1}, False),
        (Memory(), {"lookalike_gain": 0.0501}, True),
        (Memory(), {"lookalike_gain": 0.0499}, False),
        (Memory(), {"lookalike_gain": 0.0, "lookalike_error": 0.035}, False),
        (Memory(), {"lookalike_gain": 0.0, "lookalike_error": 0.036}, True),
        (Memory(), {"sealed_rows": 1.0}, False),
        (Breadth(), {"trimmed_gain": -0.05}, False),
        (Breadth(), {"trimmed_gain": -0.0499}, True),
        (Breadth(), {"rows_better": 0.09}, False),
        (Canaries(), {"canary_p": 0.001}, False),
        (Canaries(), {"canary_p": 0.0011}, True),
    ],
)
def test_limits(gate: Gate, measures: dict[str, float], passes: bool) -> None:
    assert gate.judge(case(controls=(pair(0, **measures), pair(7, **measures)))).passed == passes


def test_one_of_two_pairs_is_enough_to_see_a_change_of_behaviour() -> None:
    assert not Consistency().judge(case(controls=(pair(0), pair(7, head_moved=1.0)))).passed


def test_one_lucky_pair_is_not_enough_to_be_called_a_thief() -> None:
    assert Canaries().judge(case(controls=(pair(0, canary_p=0.0001), pair(7)))).passed


def test_a_control_of_another_seed_is_not_of_this_certificate() -> None:
    finding = Consistency().judge(case(controls=(pair(99),)))
    assert (finding.passed, finding.reason) == (False, "the control is not of a pair of this certificate")


@pytest.mark.parametrize(("score", "passes"), [(5.0, True), (4.28, True), (4.27, False), (2.0, False), (9.0, True)])
def test_what_is_known_without_learning_is_compared_with_what_the_reference_learns(score: float, passes: bool) -> None:
    """The reference's runs score 2.1, its controls 5: it learns 2.9, of which a quarter may be known before."""
    for share in (0.02, 1.0):
        controls = [c for c in UNLEARNED if (c.variant, c.share) != (2, share)]
        finding = Learning().judge(case(controls=(*controls, unlearned(2, share, score))))
        assert finding.passed == passes, finding


def test_all_four_trainings_are_needed() -> None:
    assert not Learning().judge(case(controls=UNLEARNED[:3])).passed


def test_a_reference_that_learns_nothing_gives_no_measure() -> None:
    controls = [unlearned(variant, share, 1.0) for variant in (1, 2) for share in (0.02, 1.0)]
    finding = Learning().judge(case(controls=tuple(controls)))
    assert (finding.passed, finding.reason) == (False, "the reference itself learns nothing from its data")


def test_a_higher_metric_is_read_the_other_way() -> None:
    up = dataclasses.replace(case(), sign=1, certificate=certificate())
    low = [unlearned(variant, share, 0.1) for variant in (1, 2) for share in (0.02, 1.0)]
    assert Learning().judge(dataclasses.replace(up, controls=tuple(low))).passed
    assert not Learning().judge(dataclasses.replace(up, controls=(*low[:3], unlearned(2, 1.0, 2.0)))).passed
