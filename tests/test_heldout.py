"""An auditor holds the holdout's answer against its question, with Pawl and without it; both must say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bundles import standalone
from openings import Desk
from pawl import heldout, history, keys, seals
from pawl.errors import PawlError
from pawl.excerpt import Excerpt
from pawl.ledger import Entry
from pawl.records import (
    Certificate,
    Dossier,
    Finding,
    Holdout,
    Opening,
    OpeningIntent,
    PolicyInForce,
    Preregistration,
    Record,
    Study,
    Verdict,
)
from pawl.recount import Evidence
from studies import policy


class Case:
    """A desk under a policy with the gate `holdout`, and a verdict that says that it passed."""

    def __init__(
        self, folder: Path, people: dict[str, keys.Signer], rules: dict[str, str], pinned: bool = True
    ) -> None:
        self.desk = Desk(folder)
        text = policy([people["ada"]], rules, holdout=True)
        self.desk.ledger.append(PolicyInForce(digest="0" * 64, text=text, change=None, approvals=(), threshold=1))
        if pinned:
            self.desk.broker()
        self.won = self.desk.won()

    def intent(self, **changes: Any) -> Entry[OpeningIntent]:
        """The intent that Pawl would write, with changes."""
        fields: dict[str, Any] = {
            "certificate": self.won.id, "sealed": self.desk.broker().holdout().digest, "number": 1, "of": 20,
            "mode": "standard", "threshold": 2.8,
            "head": history.median_run(self.desk.ledger, self.won.record).id,
            "reference": self._reference(),
        }  # fmt: skip
        return self.desk.ledger.append(OpeningIntent(**{**fields, **changes}))

    def _reference(self) -> int:
        runs = seals.compared(self.desk.ledger, self.won.record)
        assert runs
        return runs[1].id

    def answer(self, intent: Entry[OpeningIntent], **changes: Any) -> None:
        fields = {**intent.record.model_dump(), "intent": intent.id, "better": True, **changes}
        self.desk.ledger.append(Opening(**fields))

    def both_say(self, left_out: Sequence[type[Record]] = ()) -> str:
        """What both verifiers find of the verdict: the sentence, or `refused`."""
        found = (Finding(gate="holdout", passed=True, reason="."),)
        verdict = Verdict(certificate=self.won.id, policy="0" * 64, findings=found, passed=True)
        entry = self.desk.ledger.append(verdict)
        ours, theirs = self._pawl(entry, left_out), self._other(entry, left_out)
        assert ours == theirs
        return ours

    def _pawl(self, verdict: Entry[Verdict], left_out: Sequence[type[Record]]) -> str:
        ledger = self.desk.ledger
        entries = [entry for entry in ledger.all() if not isinstance(entry.record, tuple(left_out))]

        class Note:
            size = len(ledger.all())

        plan = ledger.get(self.won.record.preregistration, Preregistration)
        unused: Any = None
        case = Evidence(
            unused, verdict, self.won, plan, ledger.entries(Study)[0], history.median_run(ledger, self.won.record)
        )
        try:
            return " ".join(heldout.answered(Excerpt(Note(), entries, {}), case))  # type: ignore[arg-type]
        except PawlError:
            return "refused"

    def _other(self, verdict: Entry[Verdict], left_out: Sequence[type[Record]]) -> str:
        module = standalone()
        kinds = {kind.__name__ for kind in left_out}
        rows = [module.Entry(row.id, row.body) for row in self.desk.ledger.rows()]
        bundle = module.Bundle.__new__(module.Bundle)
        bundle.entries = {row.id: row for row in rows if row.kind not in kinds}
        bundle.findings, bundle.whole = [], not kinds
        bundle.verdict, bundle.certificate = bundle.entries[verdict.id], bundle.entries[self.won.id]
        runs = [(pair, bundle.entries[bundle.entries[pair.head].run]) for pair in self.won.record.pairs]
        bundle.heads = [((pair.head_score, pair.seed), run) for pair, run in runs]
        try:
            bundle.check_holdout()
        except module.Refused:
            return "refused"
        return " ".join(bundle.findings)


@pytest.fixture
def make(tmp_path: Path, people: dict[str, keys.Signer]) -> Callable[..., Case]:
    return lambda rules=None, pinned=True: Case(tmp_path / "desk", people, rules or {}, pinned)


def test_a_genuine_answer_is_found_and_said(make: Callable[..., Case]) -> None:
    case = make()
    assert case.desk.opens(0.9).open(case.won)
    said = case.both_say()
    assert "opening 1 of 20" in said
    assert "the gain is above 2.8 standard errors" in said


def test_also_in_the_adversarial_mode_and_after_others(make: Callable[..., Case]) -> None:
    case = make({'mode = "standard"': 'mode = "adversarial"'})
    for _ in range(2):
        case.desk.opens(0.9, mode="adversarial").open(case.desk.ledger.append(case.won.record))
    case.won = case.desk.ledger.append(case.won.record)
    assert case.desk.opens(0.9, mode="adversarial").open(case.won)
    assert "opening 3 of 20" in case.both_say()
    assert "opening 3 of 20" in case.both_say(left_out=(Dossier,))


def test_a_verdict_that_passed_without_an_answer_or_with_a_no_is_refused(make: Callable[..., Case]) -> None:
    case = make()
    assert case.both_say() == "refused"
    assert case.desk.opens(0.5).open(case.won)
    assert case.both_say() == "refused"


def test_without_a_holdout_it_may_pass_where_the_policy_says_so(make: Callable[..., Case]) -> None:
    case = make({'use = "holdout"': 'use = "holdout"\nrequired = false'}, pinned=False)
    assert case.both_say() == "The study had no holdout, and its policy lets that pass."


def test_required_means_that_no_holdout_is_no_answer(make: Callable[..., Case]) -> None:
    assert make(pinned=False).both_say() == "refused"


def test_who_ever_had_a_holdout_needs_its_answer(make: Callable[..., Case]) -> None:
    assert make({'use = "holdout"': 'use = "holdout"\nrequired = false'}).both_say() == "refused"


BENT: dict[str, dict[str, Any]] = {
    "a lower bar": {"threshold": 1.0}, "another turn": {"number": 2}, "beyond the end": {"number": 21},
    "a longer life": {"of": 40}, "the other mode": {"mode": "adversarial"}, "another set": {"sealed": "ab" * 32},
    "another head": {"head": 4}, "another reference": {"reference": 8},
}  # fmt: skip


@pytest.mark.parametrize("what", BENT)
def test_a_bent_question_is_refused_by_both(make: Callable[..., Case], what: str) -> None:
    case = make()
    case.answer(case.intent(**BENT[what]))
    assert case.both_say() == "refused"


def test_the_control_a_straight_one_is_not(make: Callable[..., Case]) -> None:
    case = make()
    case.answer(case.intent())
    assert case.both_say() != "refused"


@pytest.mark.parametrize("change", [{"threshold": 1.0}, {"certificate": 1}, {"number": 2}, {"head": 1}])
def test_an_answer_to_another_question_is_refused(make: Callable[..., Case], change: dict[str, Any]) -> None:
    case = make()
    case.answer(case.intent(), **change)
    assert case.both_say() == "refused"


@pytest.mark.parametrize("kind", [OpeningIntent, Holdout, Opening])
def test_what_it_rests_on_must_be_there(make: Callable[..., Case], kind: type[Record]) -> None:
    case = make()
    assert case.desk.opens(0.9).open(case.won)
    assert isinstance(case.won.record, Certificate)
    assert case.both_say(left_out=(kind,)) == "refused"
