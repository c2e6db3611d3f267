"""What gates are given to read: both versions of the files, the proposals between them, where sealed rows lie."""

from __future__ import annotations

import numpy as np
import pytest

from pawl import app
from pawl.records import Certificate, Preregistration, Proposal, Variant, Verdict


def test_a_case_holds_what_led_from_reference_to_head(waiting: app.OpenStudy) -> None:
    judge, certificate = waiting.build_judge(), waiting.entries(Certificate)[-1]
    case = judge._case(certificate)
    plan = waiting.ledger.get(certificate.record.preregistration, Preregistration).record
    head = waiting.ledger.get(plan.head, Variant).record
    assert head.proposal
    assert case.reference_files["train.py"] == (waiting.folder / "train.py").read_text()
    assert case.head_files == waiting.lineage.read(head)
    assert case.head_files != case.reference_files
    assert case.changes[-1] == waiting.ledger.get(head.proposal, Proposal).record
    before = [entry.record for entry in waiting.entries(Proposal) if entry.id < certificate.id]
    assert case.tried == tuple(proposal for proposal in before if proposal.proposer == "space")
    assert case.exposed == ()  # nothing is sealed in a study whose metric is self-reported


def test_judging_again_sees_no_later_proposals(waiting: app.OpenStudy) -> None:
    certificate = waiting.entries(Certificate)[-1]
    before = waiting.build_judge()._case(certificate)
    last = waiting.entries(Proposal)[-1].record
    waiting.ledger.append(last.model_copy(update={"hypothesis": "later"}))
    assert waiting.build_judge()._case(certificate).tried == before.tried


def test_where_the_policy_does_not_ask_nobody_looks_for_sealed_rows(waiting: app.OpenStudy) -> None:
    judge = waiting.build_judge()
    assert [finding.gate for finding in waiting.entries(Verdict)[-1].record.findings].count("exposed") == 1
    rules = judge.policy.model_copy(update={"gate": judge.policy.gate[:1]})
    waiting.rules = lambda: (rules, "")  # type: ignore[method-assign]
    assert waiting.build_judge().exposed() is None


@pytest.mark.slow
def test_a_sealed_row_among_the_training_data_is_found_from_inside_the_study(digits_study: app.OpenStudy) -> None:
    assert digits_study._exposed() == ()
    folder = digits_study.folder
    with np.load(folder / "data" / "train.npz") as train, np.load(folder / ".pawl/sealed/validation.npz") as sealed:
        arrays = {**train, "inputs": np.concatenate([train["inputs"][:-1], sealed["inputs"][7:8]])}
    np.savez_compressed(folder / "data" / "train.npz", **arrays)
    found = "data/train.npz: holds 1 of the 449 rows looked for of sealed/validation.npz"
    assert app.open(folder)._exposed() == (found,)
