"""No release while more gets through than was promised, or while nobody looks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pawl.gates.calibration import Calibrated
from pawl.rates import Calibration, Rate
from pawl.testing.gates import CALIBRATED, GateContract, case


class TestCalibrated(GateContract):
    def make(self) -> Calibrated:
        return Calibrated()


def judged(calibration: Calibration, **settings: int) -> tuple[bool, str]:
    finding = Calibrated(**settings).judge(case(calibration=calibration))
    return finding.passed, finding.reason


def test_kept_promises_pass() -> None:
    assert judged(CALIBRATED) == (True, "2 null candidate(s) in 40 turns; no promised rate is exceeded")


@pytest.mark.parametrize("step", ["screen", "certify", "dossier"])
def test_one_broken_promise_is_enough(step: str) -> None:
    broken = [
        replace(rate, low=(rate.promised or 0) + 0.001, high=1.0) if rate.step == step else rate
        for rate in CALIBRATED.rates
    ]
    passed, reason = judged(replace(CALIBRATED, rates=tuple(broken)))
    assert not passed
    assert reason.startswith("more gets through than was promised: ")


def test_at_the_promise_is_within_it_and_without_a_promise_nothing_is_exceeded() -> None:
    free = Rate("screen", "A/A, accepted", 30, 30, 30, 0.9, 1.0, 0.95, None)
    edge = Rate("screen", "seed-only, accepted", 30, 30, 30, 0.5, 1.0, 0.95, 0.5)
    assert judged(replace(CALIBRATED, rates=(*CALIBRATED.rates, free, edge)))[0]


def test_silence_is_refused() -> None:
    assert judged(replace(CALIBRATED, share=0.0))[1].startswith("calibration is off")
    assert "too few scores" in judged(replace(CALIBRATED, rates=CALIBRATED.rates[::2]))[1]
    assert judged(Calibration())[0] is False


def test_null_candidates_that_are_due_must_have_had_their_turn() -> None:
    young, old = replace(CALIBRATED, nulls=0, turns=89), replace(CALIBRATED, nulls=0, turns=90)
    assert judged(young)[0]
    assert judged(old) == (False, "only 0 null candidate(s) in 90 turns, where 1 are due")
    assert judged(young, least=3) == (False, "only 0 null candidate(s) in 89 turns, where 3 are due")
