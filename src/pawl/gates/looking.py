"""What gates that need controls share: the controls of a kind, or why there are none to judge by."""

from __future__ import annotations

from statistics import fmean

from pawl.protocols import Case
from pawl.records import Control


def missing(case: Case, kind: str, least: int = 1) -> str:
    """Why a gate cannot tell: no control of a kind was made, or one failed. Empty where it can."""
    found = of(case, kind)
    failed = [control for control in found if control.outcome != "ok"]
    if failed:
        return f"a control failed ({failed[0].outcome}): {failed[0].reason or 'it did not say why'}"
    if len(found) < least:
        return "no control was made" if case.certificate.outcome == "certified" else "no control: nothing was certified"
    return ""


def of(case: Case, kind: str) -> list[Control]:
    """The controls of a kind."""
    return [control for control in case.controls if control.kind == kind]


def mean(controls: list[Control], measure: str) -> float:
    """A measure's mean over some controls; NaN, which no comparison lets pass, where one of them lacks it."""
    return fmean(control.measures.get(measure, float("nan")) for control in controls)
