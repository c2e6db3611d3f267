"""Does the gain hold on data that no search has seen? One bit from the sealed holdout, and no more, says so."""

from __future__ import annotations

from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Holdout:
    """Refuses where the holdout said no or said nothing. `required = false` lets a study pass that never had a holdout;
    one that has, or had, must have its answer."""

    required: bool = True

    def judge(self, case: Case) -> Finding:
        passed, reason = self._answer(case)
        return Finding(gate="holdout", passed=passed, reason=reason)

    def _answer(self, case: Case) -> tuple[bool, str]:
        said = case.opening
        if said is not None:
            bar = f"{said.threshold:.3g} standard errors (opening {said.number} of {said.of}, {said.mode})"
            word = "above" if said.better else "NOT above"
            return said.better, f"the gain on the sealed holdout is {word} {bar}"
        if case.certificate.outcome != "certified":
            return False, "nothing was certified, so that the holdout was not asked"
        if not case.holdout:
            passed = not self.required and bool(case.certificate.pairs)
            return passed, "this study has no holdout" + ("" if passed else ": name one, evaluate.holdout in pawl.toml")
        if case.openings_left == 0:
            return False, "the holdout is retired, all its openings are spent: pawl seal refresh --holdout FILE"
        return False, "the holdout was not asked: it is, once every other gate passes"
