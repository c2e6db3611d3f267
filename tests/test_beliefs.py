"""What races say is folded from the ledger alone: whoever reads it later believes what the loop did."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pawl import app, beliefs, history
from pawl.ledger import Ledger
from pawl.records import Certificate, CommonSeeds, Evaluation, Finding, Noise, Run, Screening, Verdict
from studies import patch

Make = Callable[..., app.OpenStudy]


def test_a_resumed_loop_believes_what_the_first_did(make_toy: Make) -> None:
    study = make_toy(rules={"bundle = 2": "bundle = 3"})
    study.run(runs=30)
    here, there = beliefs.read(study.ledger), beliefs.read(Ledger(study.store))
    assert here.belief is not None
    assert there.belief is not None
    assert here.belief.gain == there.belief.gain
    assert np.array_equal(here.belief.mean, there.belief.mean)
    assert np.array_equal(here.belief.counts, there.belief.counts)
    assert (here.level, here.claimed) == (there.level, there.claimed)


def test_a_look_changes_nothing(make_toy: Make) -> None:
    study = make_toy()
    study.run(runs=12)
    belief = beliefs.read(study.ledger).belief
    assert belief is not None
    before = belief.mean.copy(), belief.counts.copy(), belief.gain
    race = belief.meet()
    race.see(3.0)
    race.settle(True)
    again = beliefs.read(study.ledger).belief
    assert again is not None
    assert (np.array_equal(again.mean, before[0]), np.array_equal(again.counts, before[1])) == (True, True)
    assert again.gain == before[2]


def test_what_is_expected_is_what_the_record_says(make_toy: Make) -> None:
    study = make_toy()
    better = study.propose(patch(study, "SHIFT = 0.0", "SHIFT = 0.7"), "the optimum")
    study.run(runs=10)
    screening = study.ledger.find(Screening, proposal=better.id)
    assert screening is not None
    assert screening.record.decision == "accepted"
    course = beliefs.read(study.ledger)
    assert screening.record.gain == pytest.approx(course.level.get(screening.record.variant, screening.record.gain))


def test_after_a_certificate_races_are_on_seeds_that_the_standing_variant_ran_on(make_toy: Make) -> None:
    study = make_toy()
    study.run(runs=200, until_certified=True)
    study.run(runs=12)
    won = next(entry for entry in study.entries(Certificate) if entry.record.outcome == "certified")
    drawn = next(entry for entry in study.entries(CommonSeeds) if entry.id > won.id)
    noise = [entry for entry in study.entries(Noise) if entry.id < drawn.id][-1]
    ran = {
        study.ledger.get(study.ledger.get(n, Evaluation).record.run, Run).record.seed for n in noise.record.evaluations
    }
    assert set(drawn.record.seeds) <= ran
    course = beliefs.read(study.ledger)
    assert course.claimed == pytest.approx(
        sum(e.record.estimate or 0.0 for e in study.entries(Certificate) if e.record.outcome == "certified")
    )


def test_after_a_no_of_the_holdout_the_head_is_asked_about_again_when_it_gained_a_good_deal(
    make_toy: Make,
) -> None:
    study = make_toy(rules={"bundle = 2": "bundle = 100", "first = 10": "first = 30"})
    study.propose(patch(study, "SHIFT = 0.0", "SHIFT = 0.2"), "on the way")
    with study.loop() as loop, ThreadPoolExecutor(1) as pool:
        loop.search.settle_noise(pool)
        turned = loop.search.turn()
        assert turned
        assert turned.record.decision == "accepted"
        assert loop.search.worth_a_try()
        assert (loop.search.ripe(), loop.search.ripe(soon=True)) == (False, True)
        won = loop.certify.certify(loop.certify.preregister(loop.search.settle_noise(pool)), pool)
        assert won.record.outcome == "certified"
        no = Finding(gate="holdout", passed=False, reason="not above 2.8 standard errors")
        study.ledger.append(Verdict(certificate=won.id, policy="", findings=(no,), passed=False))
        course = beliefs.read(study.ledger)
        assert (course.standing.head, course.claimed) == (turned.record.variant, 0.0)
        assert course.unproven == won.record.estimate == pytest.approx(0.24, abs=0.06)
        assert not loop.search.worth_a_try()
        assert not loop.search.ripe(soon=True)
        source = study.lineage.read(history.head(study.ledger).record)["train.py"]
        lines = difflib.unified_diff(
            source.splitlines(True), source.replace("0.2", "0.7", 1).splitlines(True), "a/train.py", "b/train.py"
        )
        study.propose("".join(lines), "all the way")
        loop.search.turn()
        assert beliefs.read(study.ledger).standing.accepted == 1
        assert loop.search.worth_a_try()
    again = beliefs.read(Ledger(study.store))
    assert again.unproven == course.unproven
