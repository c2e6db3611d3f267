"""kill -9 at random instants of run, certify and approve: nothing lost, nothing repeated, released only as signed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import kills
import pytest
from recording import RULES
from survival import nothing_was_repeated

from pawl import app, history, keys
from pawl.records import Certificate, Release, Run
from studies import TOY

Make = Callable[..., app.OpenStudy]
People = dict[str, keys.Signer]


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_repeat_nothing(make_toy: Make) -> None:
    study = make_toy(rules={"redraw_after = 100": "redraw_after = 6"})
    assert kills.over_run(study.folder, 50, random.Random(7)) > 0
    study = app.open(study.folder)
    assert len(study.entries(Run)) > 10
    study.run(runs=30)
    nothing_was_repeated(study)
    assert history.unscreened(study.ledger) == []
    assert history.uncertified(study.ledger) is None
    assert history.unjudged(study.ledger) == []
    assert study.verify()


@pytest.mark.slow
def test_kills_in_certificates_lose_nothing(make_toy: Make) -> None:
    study = make_toy(train=TOY.replace("SLOWNESS = 1", "SLOWNESS = 1000"))
    assert kills.over_certify(study.folder, 20, random.Random(8)) > 0
    study = app.open(study.folder)
    study.run(runs=1)  # ends what was begun
    assert study.entries(Certificate)
    assert history.uncertified(study.ledger) is None
    nothing_was_repeated(study)


@pytest.mark.slow
def test_kills_in_approvals_release_once_and_only_as_signed(make_toy: Make, people: People, tmp_path: Path) -> None:
    study = make_toy(rules=RULES)
    study.run(runs=200, until_certified=True)
    assert study.entries(Release) == []
    assert kills.over_approve(study.folder, [people["ada"], people["bob"]], 15, random.Random(9)) > 0
