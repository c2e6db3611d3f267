"""The cheap half: what screening refuses, and when the bar is drawn anew."""

from __future__ import annotations

from collections.abc import Callable

from pawl import app, beliefs, history
from pawl.racing import PAIRS_FIRST
from pawl.records import CommonSeeds, Evaluation, Run, Screening, Variant
from studies import TOY, patch

Make = Callable[..., app.OpenStudy]


def screened(study: app.OpenStudy, proposal: int) -> Screening:
    found = study.ledger.find(Screening, proposal=proposal)
    assert found is not None
    return found.record


def test_a_better_but_much_costlier_variant_breaks_the_guard(make_toy: Make) -> None:
    study = make_toy(
        train=TOY.replace("SLOWNESS = 1", "SLOWNESS = 3000"), rules={"cpu_seconds = 1.25": "cpu_seconds = 2.0"}
    )
    text = patch(study, "SHIFT = 0.0\nSLOWNESS = 3000", "SHIFT = 0.7\nSLOWNESS = 30000")
    costly = study.propose(text, "better, and ten times the work")
    study.run(runs=10)
    answer = screened(study, costly.id)
    assert (answer.decision, answer.broken_guard, answer.gain) == ("refused", "cpu_seconds", None)
    assert "times the reference's CPU, more than 2" in answer.reason


def test_a_variant_that_crashes_costs_one_run_and_says_why(make_toy: Make) -> None:
    study = make_toy(rules={"seeds = 1": "seeds = 2"})
    crash = study.propose(patch(study, "SHIFT = 0.0", "SHIFT = 0.0 / 0"), "divide by nothing")
    study.run(runs=10)
    answer = screened(study, crash.id)
    assert answer.decision == "crashed"
    assert "ZeroDivisionError" in answer.reason
    assert len(answer.evaluations) == 1


def test_the_first_ideas_run_on_two_seeds_and_who_is_far_behind_later_on_one(make_toy: Make) -> None:
    study = make_toy(rules={"seeds = 1": "seeds = 2"})
    shifts = [f"-0.00{n + 1}" if n < PAIRS_FIRST else f"-{n}.0" for n in range(10)]  # nearly the head's, then far away
    ideas = [study.propose(patch(study, "SHIFT = 0.0", f"SHIFT = {shift}"), "a guess") for shift in shifts]
    study.run(runs=40)
    spent = [len(screened(study, entry.id).evaluations) for entry in ideas]
    assert spent[:PAIRS_FIRST] == [2] * PAIRS_FIRST
    assert spent[-1] == 1


def test_head_and_challenger_run_on_the_same_seeds(make_toy: Make) -> None:
    study = make_toy()
    proposal = study.propose(patch(study, "SHIFT = 0.0", "SHIFT = 0.7"), "the optimum")
    study.run(runs=10)
    evaluation = study.ledger.get(screened(study, proposal.id).evaluations[0], Evaluation).record
    assert study.ledger.get(evaluation.run, Run).record.seed in study.entries(CommonSeeds)[0].record.seeds


def test_after_many_refusals_in_a_row_the_common_seeds_are_drawn_anew(make_toy: Make) -> None:
    study = make_toy(rules={"redraw_after = 100": "redraw_after = 3"})
    for n in range(6):
        study.propose(patch(study, "SHIFT = 0.0", f"SHIFT = -0.{n + 1}"), "worse and worse")
    study.run(runs=16)
    drawn = [entry.record for entry in study.entries(CommonSeeds)]
    assert len(drawn) >= 2
    assert drawn[1].seeds != drawn[0].seeds
    assert "refusals in a row" in drawn[1].reason


def test_what_changes_nothing_is_accepted_only_if_it_leaves_less_to_review(make_toy: Make) -> None:
    study = make_toy()
    long = "SHIFT = 0.6\nUNUSED = 1\nIDLE = 2"
    study.propose(patch(study, "SHIFT = 0.0", long), "nearer, with two passengers")
    study.run(runs=8)
    head = history.read(study.ledger).head
    text = study.lineage.read(study.ledger.get(head, Variant).record)["train.py"]
    assert "UNUSED" in text

    def on_head(before: str, after: str, why: str) -> int:
        head = history.head(study.ledger)
        files = study.lineage.read(head.record)
        found = study.lineage.patch(head.record, {"train.py": files["train.py"].replace(before, after)})
        return study.propose(found, why).id

    longer = on_head("IDLE = 2", "IDLE = 2\nMORE = 3", "a third one")
    shorter = on_head("UNUSED = 1\n", "", "take one back")
    study.run(runs=8)
    answer = screened(study, longer)
    assert (answer.decision, answer.gain) == ("refused", 0.0)
    answer = screened(study, shorter)
    assert (answer.decision, answer.gain) == ("accepted", 0.0)
    assert answer.reason.endswith("it changes nothing, and leaves less to review")
    course = beliefs.read(study.ledger)
    assert course.belief is not None
    if course.standing.head == answer.variant:
        assert course.level.get(answer.variant) == course.belief.gain, "its children start where the head stood"
    assert "UNUSED" not in study.lineage.read(study.ledger.get(answer.variant, Variant).record)["train.py"]


def test_the_same_score_with_other_artifacts_is_not_the_same(make_toy: Make) -> None:
    told = TOY.replace('{"shift": SHIFT}', '{"shift": SHIFT, "note": NOTE}').replace(
        "SHIFT = 0.0", "SHIFT = 0.0\nNOTE = 0"
    )
    study = make_toy(train=told)
    study.propose(patch(study, "SHIFT = 0.0\nNOTE = 0", "SHIFT = 0.6\nNOTE = 1"), "nearer, with a note")
    study.run(runs=8)
    head = history.head(study.ledger)
    text = study.lineage.read(head.record)["train.py"]
    assert "NOTE = 1" in text
    back = study.propose(
        study.lineage.patch(head.record, {"train.py": text.replace("NOTE = 1", "NOTE = 0")}), "no note"
    )
    study.run(runs=8)
    assert (screened(study, back.id).decision, screened(study, back.id).gain) == ("refused", 0.0)
