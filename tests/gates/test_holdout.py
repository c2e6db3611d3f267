"""The gate `holdout` passes on a yes, and on nothing else that it was not told to."""

from __future__ import annotations

from typing import Any

import pytest

from pawl.gates.holdout import Holdout
from pawl.records import Opening
from pawl.testing.gates import GateContract, case, certificate

SEALED = "5e" * 32


class TestHoldout(GateContract):
    def make(self) -> Holdout:
        return Holdout()


class TestHoldoutThatIsNotRequired(GateContract):
    def make(self) -> Holdout:
        return Holdout(required=False)


def opening(**changes: Any) -> Opening:
    fields: dict[str, Any] = {
        "certificate": 7, "sealed": SEALED, "number": 3, "of": 20, "mode": "standard", "threshold": 2.8, "head": 5,
        "reference": 4, "intent": 8, "better": True,
    }  # fmt: skip
    return Opening(**{**fields, **changes})


def test_a_yes_passes_and_says_how_high_the_bar_was() -> None:
    finding = Holdout().judge(case(opening=opening(), holdout=SEALED, openings_left=17))
    assert finding.passed
    assert finding.reason == "the gain on the sealed holdout is above 2.8 standard errors (opening 3 of 20, standard)"


def test_a_no_is_refused_and_says_nothing_else() -> None:
    finding = Holdout().judge(case(opening=opening(better=False), holdout=SEALED, openings_left=17))
    assert not finding.passed
    said = "the gain on the sealed holdout is NOT above 2.8 standard errors (opening 3 of 20, standard)"
    assert finding.reason == said


REFUSED = {
    "no-holdout": ({}, "this study has no holdout: name one, evaluate.holdout in pawl.toml"),
    "not-asked": ({"holdout": SEALED, "openings_left": 1}, "the holdout was not asked: it is, once"),
    "retired": ({"holdout": SEALED, "openings_left": 0}, "retired, all its openings are spent: pawl seal refresh"),
    "no-certificate": ({"certificate": certificate(outcome="futile")}, "nothing was certified"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_silence_is_refused_with_the_reason(why: str) -> None:
    changes, said = REFUSED[why]
    finding = Holdout().judge(case(**changes))
    assert not finding.passed
    assert said in finding.reason


@pytest.mark.parametrize(("why", "passes"), [("no-holdout", True), ("not-asked", False), ("retired", False)])
def test_not_required_is_for_studies_that_never_had_one(why: str, passes: bool) -> None:
    assert Holdout(required=False).judge(case(**REFUSED[why][0])).passed == passes
    assert not Holdout(required=False).judge(case(**REFUSED[why][0], opening=opening(better=False))).passed
