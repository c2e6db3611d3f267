"""The whole way through Python: run, propose, review, approve, reject, and on from there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import pawl
from pawl import app, history, keys, reading
from pawl.errors import ConfigError, NotAuthorized, PawlError
from pawl.records import (
    Certificate,
    CommonSeeds,
    Dossier,
    Evaluation,
    Noise,
    PolicyInForce,
    Preregistration,
    Proposal,
    Rejection,
    Release,
    Run,
    Screening,
    Study,
    Variant,
    Verdict,
)
from studies import patch

Make = Callable[..., app.OpenStudy]
People = dict[str, keys.Signer]


def certified(study: app.OpenStudy) -> int:
    """Run until a dossier waits; its id."""
    return study.run(runs=200, until_certified=True)[-1].id


@pytest.mark.always
def test_a_run_ends_at_a_dossier_that_waits_for_a_person(toy_study: app.OpenStudy) -> None:
    dossier = toy_study.ledger.get(certified(toy_study), Dossier)
    certificate = toy_study.entries(Certificate)[-1].record
    assert certificate.outcome == "certified"
    assert certificate.e_value >= toy_study.entries(Preregistration)[-1].record.threshold
    assert certificate.estimate is not None
    assert certificate.estimate > 0
    assert certificate.low is not None
    assert certificate.low > 0
    assert [entry.id for entry in toy_study.dossiers()] == [dossier.id]
    assert toy_study.entries(Release) == []
    assert history.read(toy_study.ledger).champion == toy_study.entries(Variant)[0].id
    assert f"variant {dossier.record.variant}" in dossier.record.statement
    assert toy_study.diff(dossier.id) in dossier.record.statement
    assert "SELF-REPORTED" in dossier.record.statement
    assert toy_study.attachment(dossier, "chart.png").startswith(b"\x89PNG")
    assert b"<html" in toy_study.attachment(dossier, "dossier.html")


def test_every_run_says_what_isolated_it_and_in_which_environment(toy_study: app.OpenStudy) -> None:
    toy_study.run(runs=6)
    runs = [entry.record for entry in toy_study.entries(Run)]
    assert {run.isolation.sandbox for run in runs} == {"bubblewrap"}
    assert all(run.isolation.safe and "no network" in run.isolation.held for run in runs)
    assert {run.environment for run in runs} == {toy_study.entries(Study)[-1].record.environment}
    assert all(run.usage.cpu_s > 0 and run.usage.wall_s > 0 for run in runs)


def test_noise_comes_first_and_its_seeds_are_the_common_seeds(toy_study: app.OpenStudy) -> None:
    toy_study.run(runs=12)
    kinds = [type(entry.record) for entry in toy_study.ledger.all()]
    assert kinds.index(Noise) < kinds.index(Proposal)
    noise, common = toy_study.entries(Noise)[0].record, toy_study.entries(CommonSeeds)[0].record
    assert noise.sd > 0
    assert noise.low < noise.sd < noise.high
    last = toy_study.ledger.get(toy_study.ledger.get(noise.evaluations[-1], Evaluation).record.run, Run)
    assert common.seeds == (last.record.seed,)


def test_a_variant_is_a_commit_and_the_users_branch_stays_clean(toy_study: app.OpenStudy) -> None:
    before = toy_study.lineage._git("rev-parse", "HEAD")
    toy_study.run(runs=12)
    screening = toy_study.entries(Screening)[0].record
    variant = toy_study.ledger.get(screening.variant, Variant).record
    assert f"Pawl-Proposal: {screening.proposal}" in toy_study.lineage._git("log", "-1", "--format=%B", variant.commit)
    assert toy_study.lineage._git("rev-parse", "HEAD") == before
    assert toy_study.lineage._git("status", "--porcelain") == ""


@pytest.mark.always
@pytest.mark.slow
def test_an_approval_moves_the_champion_and_the_next_run_starts_from_it(
    toy_study: app.OpenStudy, people: People
) -> None:
    dossier = certified(toy_study)
    release = toy_study.decide(dossier, "approve", people["ada"].key, "ada@example.org", "looks right")
    assert isinstance(release.record, Release)
    variant = toy_study.ledger.get(dossier, Dossier).record.variant
    assert history.read(toy_study.ledger).champion == variant
    assert toy_study.lineage._git("rev-parse", "refs/pawl/champion").strip() == release.record.commit
    published = toy_study.state / "releases" / str(release.id) / "model.json"
    assert "shift" in json.loads(published.read_text())
    toy_study.run(runs=40)
    later = [entry for entry in toy_study.entries(Proposal) if entry.id > release.id]
    assert later
    assert later[0].record.parent == variant
    plans = [entry for entry in toy_study.entries(Preregistration) if entry.id > release.id]
    assert plans
    assert plans[0].record.reference == variant


def test_a_rejection_sends_the_head_back_to_the_champion(toy_study: app.OpenStudy, people: People) -> None:
    dossier = certified(toy_study)
    entry = toy_study.decide(dossier, "reject", people["bob"].key, "bob@example.org", "too large a patch")
    assert isinstance(entry.record, Rejection)
    standing = history.read(toy_study.ledger)
    assert standing.head == standing.champion == standing.reference
    assert toy_study.dossiers() == []
    assert "rejection" in reading.decision_line(toy_study.ledger, dossier)


def test_two_signatures_are_needed_where_the_policy_says_two(make_toy: Make, people: People) -> None:
    study = make_toy(rules={"threshold = 1": "threshold = 2"})
    dossier = certified(study)
    first = study.decide(dossier, "approve", people["ada"].key, "ada@example.org")
    assert not isinstance(first.record, Release)
    assert study.entries(Release) == []
    second = study.decide(dossier, "approve", people["bob"].key, "bob@example.org")
    assert isinstance(second.record, Release)
    assert len(second.record.approvals) == 2


@pytest.mark.slow
def test_the_loop_goes_on_while_a_dossier_waits_and_must_beat_it(toy_study: app.OpenStudy) -> None:
    first = toy_study.ledger.get(certified(toy_study), Dossier)
    toy_study.run(runs=60)
    later = [entry for entry in toy_study.entries(Preregistration) if entry.id > first.id]
    assert all(entry.record.reference != toy_study.entries(Variant)[0].id for entry in later)
    assert {entry.record.reference for entry in later[:1]} <= {first.record.variant}


def test_a_persons_patch_is_tried_at_the_next_turn(toy_study: app.OpenStudy) -> None:
    proposal = toy_study.propose(patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.7"), "the optimum, by hand")
    toy_study.run(runs=12)
    screening = toy_study.ledger.find(Screening, proposal=proposal.id)
    assert screening is not None
    assert screening.record.decision == "accepted"
    assert screening.record.gain == pytest.approx(0.49, abs=0.2)
    assert any("the optimum, by hand" in line for line in reading.why(toy_study.ledger, proposal.id))


@pytest.mark.always
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("--- a/pawl.toml\n+++ b/pawl.toml\n@@ -1,1 +1,1 @@\n-workers = 1\n+workers = 9\n", "not editable"),
        ("--- a/train.py\n+++ b/train.py\n@@ -1,1 +1,1 @@\n-not there\n+x\n", "does not apply"),
        ("", "changes nothing"),
        ("hello", "changes nothing"),
    ],
)
def test_a_patch_that_may_not_be_applied_is_refused_before_it_costs_a_run(
    toy_study: app.OpenStudy, text: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        toy_study.propose(text, "a hypothesis")
    assert toy_study.entries(Proposal) == []


def test_a_seed_or_comment_change_is_never_accepted_on_luck(toy_study: app.OpenStudy) -> None:
    proposal = toy_study.propose(patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.0  # the same"), "only a comment")
    toy_study.run(runs=12)
    screening = toy_study.ledger.find(Screening, proposal=proposal.id)
    assert screening is not None
    assert screening.record.decision == "refused"
    assert screening.record.gain == 0


@pytest.mark.slow
def test_a_metric_that_the_seed_does_not_move_is_never_certified(make_toy: Make) -> None:
    train = "import os\nSHIFT = 0.0\nopen(os.environ['PAWL_OUT'] + '/m.json', 'w').write('1')\nprint('---')\n"
    study = make_toy(train=train + "print(f'val_loss: {1 + (SHIFT - 0.7) ** 2:.6f}')\n")
    assert study.run(runs=60) == []
    certificates = [entry.record for entry in study.entries(Certificate)]
    assert certificates
    assert {certificate.outcome for certificate in certificates} == {"no-noise"}
    assert all("seed changes nothing" in certificate.reason for certificate in certificates)


@pytest.mark.slow
def test_where_nothing_can_be_gained_nothing_is_certified(make_toy: Make) -> None:
    study = make_toy(rules={"pairs = 20": "pairs = 8"}, train=FLAT)
    assert study.run(runs=80) == []
    for verdict in study.entries(Verdict):
        assert not verdict.record.passed


FLAT = """\
import os, random
SHIFT = 0.0
random.seed(int(os.environ["PAWL_SEED"]) * 1000003 + hash(SHIFT))
open(os.environ["PAWL_OUT"] + "/m.json", "w").write("1")
print("---")
print(f"val_loss: {1.0 + 0.02 * random.gauss(0, 1):.6f}")
"""


def test_the_champion_that_fails_is_an_error_that_names_the_run(make_toy: Make) -> None:
    study = make_toy(train="raise SystemExit('no data')\n")
    with pytest.raises(PawlError, match=r"champion itself fails.*no data") as caught:
        study.run(runs=10)
    run = int(caught.value.hint.split()[-1])
    assert study.ledger.get(run, Run).record.outcome == "crashed"


def test_a_metric_that_never_appears_is_named(make_toy: Make) -> None:
    with pytest.raises(PawlError, match="val_loss never appeared"):
        make_toy(train="print('done')\n").run(runs=10)


def test_changed_settings_start_a_new_era_in_which_old_runs_do_not_count(toy_study: app.OpenStudy) -> None:
    toy_study.run(runs=12)
    config = toy_study.folder / "pawl.toml"
    config.write_text(config.read_text().replace("[train]\n", '[train]\nbudget = "7 steps"\n'))
    again = app.open(toy_study.folder)
    seen = len(again.ledger.all())
    again.run(runs=6)
    fresh = [type(entry.record) for entry in again.ledger.all()[seen:]]
    assert fresh[0] is Study
    assert Noise in fresh


def test_two_loops_on_one_study_are_refused(toy_study: app.OpenStudy) -> None:
    with toy_study.loop(), pytest.raises(ConfigError, match="another loop runs"):
        app.open(toy_study.folder).run(runs=5)
    toy_study.run(runs=5)


def test_a_second_loop_can_wait_for_the_first(toy_study: app.OpenStudy) -> None:
    order = []

    def second() -> None:
        with app.open(toy_study.folder).loop(wait=True) as loop:
            order.append("second")
            loop.run(app.Budget(runs=3))

    with toy_study.loop() as loop:
        thread = threading.Thread(target=second)
        thread.start()
        loop.run(app.Budget(runs=5))
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]
    assert toy_study.verify()


def test_a_loop_that_lost_its_lease_stops_and_all_it_wrote_is_kept(toy_study: app.OpenStudy) -> None:
    toy_study.run(runs=5)
    with toy_study.loop() as loop:
        for lock in toy_study.state.glob("*-loop.lock"):
            lock.unlink()
        with pytest.raises(PawlError, match="no longer holds the loop") as caught:
            loop.run(app.Budget(runs=50))
    assert "pawl run" in caught.value.hint
    again = app.open(toy_study.folder)
    again.run(runs=5)
    assert again.verify()


def test_a_study_that_is_edited_while_the_loop_runs_stops_it_with_all_work_kept(toy_study: app.OpenStudy) -> None:
    config = toy_study.folder / "pawl.toml"
    toy_study.run(runs=5)
    with toy_study.loop() as loop:
        config.write_text(config.read_text() + "\n# edited\n")
        with pytest.raises(ConfigError, match=r"pawl.toml changed while the loop ran"):
            loop.run(app.Budget(runs=50))
    assert toy_study.entries(Screening)
    assert toy_study.ledger.verify() == len(toy_study.ledger.all())


def test_frames_hold_what_the_ledger_holds(toy_study: app.OpenStudy) -> None:
    certified(toy_study)
    runs = toy_study.frame("runs")
    assert len(runs) == len(toy_study.entries(Run))
    assert set(runs["purpose"]) == {"noise", "screen", "certify"}
    assert runs["val_loss"].notna().any()
    assert len(toy_study.frame("screenings")) == len(toy_study.entries(Screening))
    assert len(toy_study.frame("pairs")) == len(toy_study.entries(Certificate)[-1].record.pairs)
    with pytest.raises(ConfigError, match="Did you mean 'runs'"):
        toy_study.frame("run")


def test_import_pawl_is_enough(toy_study: app.OpenStudy) -> None:
    assert pawl.open(toy_study.folder).ledger.all() == []
    with pytest.raises(AttributeError):
        _ = pawl.nothing  # type: ignore[attr-defined]


def test_a_policy_that_changed_since_asks_for_a_new_verdict(toy_study: app.OpenStudy, people: People) -> None:
    dossier = certified(toy_study)
    policy = toy_study.folder / "policy.toml"
    policy.write_text(policy.read_text() + "\n# reviewed\n")
    with pytest.raises(NotAuthorized, match="not the policy in force"):
        toy_study.decide(dossier, "approve", people["ada"].key, "ada@example.org")
    change = toy_study.propose_policy("eve@example.org")
    enacted = toy_study.decide(change.id, "approve", people["ada"].key, "ada@example.org")
    assert isinstance(enacted.record, PolicyInForce)
    with pytest.raises(NotAuthorized, match="not the one under which") as caught:
        toy_study.decide(dossier, "approve", people["ada"].key, "ada@example.org")
    assert caught.value.hint == f"pawl judge {dossier}"
    toy_study.judge_again(dossier)
    again = toy_study.dossiers()[-1]
    assert len(toy_study.dossiers()) == 1
    assert isinstance(toy_study.decide(again.id, "approve", people["ada"].key, "ada@example.org").record, Release)


@pytest.mark.slow
def test_digits_is_really_improved_and_measured_from_outside(digits_study: app.OpenStudy, tmp_path: Path) -> None:
    dossier = digits_study.run(runs=150, until_certified=True)[-1]
    assert "measured on the sealed set" in dossier.record.statement
    evaluation = digits_study.entries(Evaluation)[-1].record
    assert not evaluation.self_reported
    assert set(evaluation.metrics) == {"log_loss", "accuracy"}
    assert evaluation.sealed
