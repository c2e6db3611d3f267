"""What agents are shown of a study that really ran: with and without a Ladder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pawl import app, keys
from pawl.errors import ConfigError
from pawl.mcp.view import View, words
from pawl.records import (
    Certificate,
    CommonSeeds,
    Dossier,
    Evaluation,
    PolicyInForce,
    Proposal,
    Run,
    Screening,
    Variant,
    Verdict,
)
from studies import toy

HIDDEN = (Evaluation, CommonSeeds, PolicyInForce)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, people: dict[str, keys.Signer]) -> app.OpenStudy:
    """A study with a dossier, in which every second turn tried a null candidate."""
    rules = {"share = 0.05": "share = 0.4"}
    found = app.open(toy(tmp_path_factory.mktemp("view") / "toy", [people["ada"]], rules=rules))
    assert found.run(runs=200, until_certified=True)
    return found


@pytest.fixture
def view(study: app.OpenStudy) -> View:
    return View(study.ledger, 0.0)


def nulls(study: app.OpenStudy) -> set[int]:
    """Every entry that came of a null candidate."""
    proposals = {entry.id for entry in study.entries(Proposal) if entry.record.proposer == "calibration"}
    variants = {entry.id for entry in study.entries(Variant) if entry.record.proposal in proposals}
    runs = {entry.id for entry in study.entries(Run) if entry.record.variant in variants}
    screened = {entry.id for entry in study.entries(Screening) if entry.record.proposal in proposals}
    assert all((proposals, variants, runs, screened))
    return proposals | variants | runs | screened


@pytest.mark.slow
def test_nothing_of_a_null_candidate_is_shown(study: app.OpenStudy, view: View) -> None:
    assert not nulls(study) & {shown["id"] for shown in view.log()}
    text = str(view.log())
    assert "'calibration'" not in text
    assert "null" not in text


def test_a_null_candidate_is_refused_in_the_words_of_any_hidden_entry(study: app.OpenStudy, view: View) -> None:
    hidden = min(nulls(study)), study.entries(Evaluation)[0].id
    said = []
    for id in hidden:
        with pytest.raises(ConfigError) as refusal:
            view.show(id)
        said.append(str(refusal.value).replace(str(id), "N"))
    assert said[0] == said[1] == "entry N is not one that agents are shown"


def test_all_that_came_of_real_proposals_is_shown(study: app.OpenStudy, view: View) -> None:
    shown = {each["id"] for each in view.log()}
    wanted = {
        entry.id for kind in (Proposal, Screening, Certificate, Verdict, Dossier) for entry in study.entries(kind)
    }
    assert wanted - nulls(study) <= shown
    assert not shown & {entry.id for kind in HIDDEN for entry in study.entries(kind)}


def test_no_seed_is_shown(study: app.OpenStudy, view: View) -> None:
    text = str(view.log())
    assert not [run for run in study.entries(Run) if run.record.seed > 1000 and f" {run.record.seed}" in text]


def test_why_leads_back_to_the_runs(study: app.OpenStudy, view: View) -> None:
    dossier = study.entries(Dossier)[-1].id
    assert [line["kind"] for line in view.why(dossier)] == ["dossier", "verdict", "certificate", "preregistration"]
    accepted = next(e for e in study.entries(Screening) if e.record.decision == "accepted" and e.id not in nulls(study))
    kinds = [line["kind"] for line in view.why(accepted.record.proposal)]
    assert kinds[:2] == ["proposal", "screening"]
    assert set(kinds[2:]) == {"run"}


def test_behind_a_ladder_no_score_is_told_that_the_ladder_hides(study: app.OpenStudy) -> None:
    steep = View(study.ledger, 1000.0)
    assert {(a["gain"], a["certified"]) for a in map(steep.attempt, steep.attempts.values())} >= {(None, True)}
    assert all(attempt["gain"] is None for attempt in map(steep.attempt, steep.attempts.values()))
    assert not [each for each in steep.log() if each.get("gain") is not None]
    certificate = steep.show(study.entries(Certificate)[-1].id)
    assert certificate.keys() == {"id", "kind", "at", "outcome", "pairs", "failures"}
    assert steep.tail(study.entries(Run)[0].id) == ""
    assert "val_loss" in View(study.ledger, 0.0).tail(study.entries(Run)[0].id)


def test_a_gate_that_refused_is_named_and_its_reason_is_not(study: app.OpenStudy, view: View) -> None:
    verdict = view.show(study.entries(Verdict)[-1].id)
    assert verdict["refused_by"] == []
    reasons = [finding.reason for finding in study.entries(Verdict)[-1].record.findings]
    assert not [reason for reason in reasons if reason in str(view.log())]


def test_words_are_printable_and_cut() -> None:
    assert words("a\x1b[2J\u202eb") == "a\ufffd[2J\ufffdb"
    assert words("x" * 500) == "x" * 400 + " ... (cut)"


def test_a_study_in_which_nothing_ran_can_be_looked_at(tmp_path: Path, people: dict[str, keys.Signer]) -> None:
    study = app.open(toy(tmp_path / "toy", [people["ada"]]))
    assert View(study.ledger, 0.5).log() == []
