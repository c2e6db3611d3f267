"""What races say is folded from the ledger alone: whoever reads it later believes what the loop did."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pawl import app, beliefs
from pawl.ledger import Ledger
from pawl.records import Certificate, CommonSeeds, Evaluation, Noise, Run, Screening
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
