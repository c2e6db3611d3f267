"""Cheap looks before whole runs, on a study that really trains on shares of its budget."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pawl import app, fidelity, history, looks, reading
from pawl.proposers.spaces import Space
from pawl.proposers.tried import read as read_tried
from pawl.records import Certificate, Evaluation, Noise, Partial, PartialEvaluation, Proposal, Run, Screening
from pawl.rungs import Halving
from studies import TOY, patch

Make = Callable[..., app.OpenStudy]
BUDGETED = TOY.replace(
    "loss = 1.0",
    'budget = float(os.environ["PAWL_BUDGET"])\nleft = os.environ.get("PAWL_RESUME")\nloss = 10 / budget + 1.0',
).replace('print("---")', 'print("went on" if left else "began")\nprint("---")')
"""The less budget, the worse; it says whether it went on from something."""
CONFIG = {
    "[evaluate]": '[fidelity]\nrungs = [0.1, 0.4]\nrule = "halving"\nkeep = 0.5\n\n[evaluate]',
    'editable = ["train.py"]': 'editable = ["train.py"]\nbudget = "100 steps"',
}


def tried(study: app.OpenStudy, *shifts: float) -> list[Screening]:
    """What came of these changes of the baseline."""
    ids = [study.propose(patch(study, "SHIFT = 0.0", f"SHIFT = {shift}"), f"to {shift}").id for shift in shifts]
    study.run(runs=16 + 3 * len(shifts))
    found = [study.ledger.find(Screening, proposal=id) for id in ids]
    return [entry.record for entry in found if entry]


def test_who_is_behind_stops_before_a_whole_run(make_toy: Make) -> None:
    study = make_toy(train=BUDGETED, config=CONFIG, rules={"share = 0.05 ": "share = 0.0 "})
    found = tried(study, 0.7, 0.2, -0.9, -1.0)
    assert [answer.decision for answer in found] == ["accepted", "refused", "refused", "refused"]
    worst = found[-1]
    assert (worst.evaluations, worst.gain) == ((), None)
    assert worst.reason.startswith("after 10% of the budget: ")
    assert not study.ledger.find(Run, variant=worst.variant)
    partial = study.ledger.find(Partial, variant=worst.variant)
    assert partial is not None
    assert partial.record.share == 0.1
    score = study.ledger.find(PartialEvaluation, run=partial.id)
    assert score is not None
    assert score.record.metrics["val_loss"] == pytest.approx(2 + 1.7**2, abs=0.2)  # a tenth of the budget


def test_partial_trainings_are_no_runs(make_toy: Make) -> None:
    study = make_toy(train=BUDGETED, config=CONFIG)
    tried(study, 0.7, -0.9)
    partials = {entry.id for entry in study.entries(Partial)}
    assert partials
    assert not partials & {entry.id for entry in study.entries(Run)}
    assert not partials & {entry.record.run for entry in study.entries(Evaluation)}
    measured = {entry.id for entry in study.entries(Evaluation)}
    for noise in study.entries(Noise):
        assert set(noise.record.evaluations) <= measured
    for certificate in study.entries(Certificate):
        assert {id for pair in certificate.record.pairs for id in (pair.head, pair.reference)} <= measured


def test_a_crash_on_a_rung_is_a_crash(make_toy: Make) -> None:
    study = make_toy(train=BUDGETED, config=CONFIG)
    proposal = study.propose(patch(study, "SHIFT = 0.0", "SHIFT = 0.0 / 0"), "divide by nothing")
    study.run(runs=16)
    answer = study.ledger.find(Screening, proposal=proposal.id)
    assert answer is not None
    assert answer.record.decision == "crashed"
    assert "ZeroDivisionError" in answer.record.reason
    partial = study.ledger.find(Partial, variant=answer.record.variant)
    assert partial is not None
    assert "ZeroDivisionError" in "\n".join(reading.why(study.ledger, partial.id))
    assert proposal.id not in looks.expected(study.ledger)


def test_who_crashes_after_good_looks_is_not_expected_to_score(make_toy: Make) -> None:
    study = make_toy(train=BUDGETED, config=CONFIG, rules={"share = 0.05 ": "share = 0.0 "})
    for least, share in ((50, 0.1), (30, 0.4)):  # on the whole budget, and on the second rung
        worse = f"SHIFT = 0.7 if float(os.environ['PAWL_BUDGET']) < {least} else 1 / 0"
        proposal = study.propose(patch(study, "SHIFT = 0.0", worse), f"crash from {least} on")
        study.run(runs=16)
        answer = study.ledger.find(Screening, proposal=proposal.id)
        assert answer is not None
        assert answer.record.decision == "crashed"
        assert study.ledger.find(Partial, variant=answer.record.variant, share=share)
        assert proposal.id not in looks.expected(study.ledger)


def test_a_rung_is_asked_once_for_each_variant_and_seed(make_toy: Make) -> None:
    study = make_toy(train=BUDGETED, config=CONFIG)
    tried(study, 0.7, -0.9, 0.2)
    again = app.open(study.folder)
    again.run(runs=6)
    asked = [(entry.record.variant, entry.record.seed, entry.record.share) for entry in again.entries(Partial)]
    assert len(asked) == len(set(asked))


def test_looks_are_those_of_earlier_challengers_beside_their_heads(make_toy: Make) -> None:
    study = make_toy(train=BUDGETED, config=CONFIG, rules={"share = 0.05 ": "share = 0.0 "})
    tried(study, 0.7, 0.2, -0.9)
    found = looks.read(study.ledger, 0.1, len(study.ledger.all()) + 1)
    assert len(found) == len(study.entries(Screening))
    assert found[0].partial == pytest.approx(0.49, abs=0.15)
    assert found[0].whole == pytest.approx(0.49, abs=0.15)
    assert any(look.whole is None for look in found)


def test_who_was_stopped_is_expected_to_score_what_its_last_look_foretells(make_toy: Make) -> None:
    study = make_toy(train=BUDGETED, config=CONFIG, rules={"share = 0.05 ": "share = 0.0 "})
    answers = tried(study, 0.7, 0.2, -0.9, -1.0)
    told = looks.expected(study.ledger)
    screened = [entry.record for entry in study.entries(Screening)]
    assert set(told) == {answer.proposal for answer in screened if not answer.evaluations} > {answers[-1].proposal}
    assert told[answers[-1].proposal] == pytest.approx(1.1 + 1.7**2, abs=0.5)  # as if it had had the whole budget
    assert told[answers[-2].proposal] < told[answers[-1].proposal]
    space = Space.of({"train.py:SHIFT": {"type": "float", "low": -1.0, "high": 1.0}})
    moved = patch(study, "SHIFT = 0.0", "SHIFT = -0.8")
    by_space = Proposal(
        parent=history.head(study.ledger).id, patch=moved, hypothesis="to -0.8", proposer="space",
        settings={"parameters": {"train.py:SHIFT": -0.8}, "sampler": "random"},
    )  # fmt: skip
    study.ledger.append(by_space)
    study.run(runs=24)
    (known,) = [one for one in read_tried(study.ledger, space, 0.0) if one.params == {"train.py:SHIFT": -0.8}]
    assert known.loss == looks.expected(study.ledger)[known.id]
    assert read_tried(study.ledger, space, 1.0)[0].loss == pytest.approx(1.59, abs=0.2), "the Ladder says: no better"


def test_training_goes_on_from_what_it_left_if_the_study_can(make_toy: Make) -> None:
    resuming = {before: after.replace("keep = 0.5", "keep = 0.5\nresume = true") for before, after in CONFIG.items()}
    study = make_toy(train=BUDGETED, config=resuming)
    (answer,) = tried(study, 0.7)
    partials = [entry for entry in study.entries(Partial) if entry.record.variant == answer.variant]
    assert [entry.record.resumed for entry in partials] == [0, partials[0].id]
    run = study.ledger.get(study.ledger.get(answer.evaluations[0], Evaluation).record.run, Run)
    assert run.record.resumed == partials[1].id
    assert "went on" in run.record.tail
    for certified in study.entries(Run):
        if certified.record.purpose == "certify":
            assert certified.record.resumed == 0
            assert "began" in certified.record.tail


def test_a_budget_of_runs_ends_a_search_whose_ideas_all_stop_early(
    make_toy: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No whole run of an idea would ever be counted."""
    monkeypatch.setattr(Halving, "stops", lambda *looks: "nobody goes on")
    study = make_toy(train=BUDGETED, config=CONFIG)
    study.run(runs=12)
    assert {entry.record.reason for entry in study.entries(Screening)} == {"after 10% of the budget: nobody goes on"}
    assert len(study.entries(Run)) + sum(entry.record.share for entry in study.entries(Partial)) <= 12


@pytest.mark.parametrize("resume", [False, True])
def test_a_rung_that_does_not_pay_is_tried_again_now_and_then(
    make_toy: Make, monkeypatch: pytest.MonkeyPatch, resume: bool
) -> None:
    """Where trainings go on from one another nothing is lost by looking."""
    monkeypatch.setattr(Halving, "pays", lambda *looks: False)
    monkeypatch.setattr(fidelity, "AGAIN", 2)
    more = {
        before: after.replace("keep = 0.5", f"keep = 0.9\nresume = {str(resume).lower()}")
        for before, after in CONFIG.items()
    }
    study = make_toy(train=BUDGETED, config=more, rules={"share = 0.05 ": "share = 0.0 "})
    ids = [study.propose(patch(study, "SHIFT = 0.0", f"SHIFT = {-n / 10}"), f"to {n}").id for n in range(1, 8)]
    with study.loop() as loop, ThreadPoolExecutor(1) as pool:
        loop.search.settle_noise(pool)
        answers = [loop.search.turn() for _ in ids]
    looked = {entry.record.variant for entry in study.entries(Partial)}
    found = [answer.record.variant in looked for answer in answers if answer]
    assert found == ([True] * 7 if resume else [False, False, False, True, False, False, True])


def test_looks_are_compared_on_one_seed_only(make_toy: Make) -> None:
    study = make_toy(train=BUDGETED, config=CONFIG, rules={"share = 0.05 ": "share = 0.0 "})
    tried(study, -0.9)
    head, seen = history.head(study.ledger), study.entries(Screening)[0].record
    assert looks._partial(study.ledger, seen, 0.1) is not None
    elsewhere = study.ledger.find(Partial, variant=seen.variant, share=0.1)
    assert elsewhere
    moved = study.ledger.append(elsewhere.record.model_copy(update={"seed": elsewhere.record.seed ^ 1}))
    done = study.ledger.find(PartialEvaluation, run=elsewhere.id)
    assert done
    study.ledger.append(done.record.model_copy(update={"run": moved.id}))
    assert looks._partial(study.ledger, seen.model_copy(update={"head": head.id}), 0.1) is None


@pytest.mark.slow
def test_learned_looks_save_runs_and_find_the_same(make_toy: Make) -> None:
    learned = {**CONFIG, "[evaluate]": "[fidelity]\nrungs = [0.1]\n\n[evaluate]"}
    study = make_toy(train=BUDGETED, config=learned)
    study.run(runs=60)
    stopped = [entry for entry in study.entries(Screening) if "of the budget" in entry.record.reason]
    assert len(stopped) > len(study.entries(Screening)) / 4
    assert study.dossiers()
