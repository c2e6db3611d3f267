"""A study's life in all of its metrics: only what passed counts, and changes add up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pawl import curves, goodhart
from pawl.cli import app
from pawl.ledger import Entry, Ledger
from pawl.records import Certificate, Finding, Study, Verdict
from pawl.stores.sqlite import SqliteStore
from pawl.testing import gates


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(SqliteStore(tmp_path / "ledger.sqlite"))


def certified(ledger: Ledger, passed: bool, *changes: tuple[float, float]) -> Entry[Certificate]:
    """A certificate whose pairs change (loss, accuracy) by these amounts, and its verdict."""
    ids = []
    for loss, accuracy in changes:
        arms = {"loss": 1.0, "accuracy": 0.9}, {"loss": 1.0 + loss, "accuracy": 0.9 + accuracy, "new": 1.0}
        ids += [ledger.append(gates.evaluation(metrics=metrics)).id for metrics in arms]
    plain = gates.certificate(len(changes))
    pairs = [p.model_copy(update={"reference": ids[2 * n], "head": ids[2 * n + 1]}) for n, p in enumerate(plain.pairs)]
    entry = ledger.append(plain.model_copy(update={"pairs": tuple(pairs)}))
    finding = Finding(gate="improvement", passed=passed, reason="said so")
    ledger.append(Verdict(certificate=entry.id, policy="p", findings=(finding,), passed=passed))
    return entry


def test_every_metric_that_both_arms_have_is_paired(ledger: Ledger) -> None:
    entry = certified(ledger, True, (-0.1, 0.02), (-0.3, -0.01))
    found = goodhart.gains(ledger, entry.record)
    assert found.keys() == {"loss", "accuracy"}
    assert found["loss"] == pytest.approx((-0.1, -0.3))
    assert found["accuracy"] == pytest.approx((0.02, -0.01))


def test_only_what_passed_is_part_of_the_life(ledger: Ledger) -> None:
    first = certified(ledger, True, (-0.1, 0.02))
    certified(ledger, False, (-9.0, -9.0))
    last = certified(ledger, True, (-0.2, -0.03))
    assert [id for id, _ in goodhart.life(ledger)] == [first.id, last.id]
    assert [id for id, _ in goodhart.life(ledger, before=last.id)] == [first.id]


def test_changes_add_up(ledger: Ledger) -> None:
    certified(ledger, True, (-0.1, 0.02), (-0.3, 0.0))
    certified(ledger, True, (-0.2, -0.03))
    first, second = goodhart.curve(goodhart.life(ledger))
    assert (first.pairs, second.pairs) == (2, 1)
    assert first.change == first.total == pytest.approx({"loss": -0.2, "accuracy": 0.01})
    assert second.total == pytest.approx({"loss": -0.4, "accuracy": -0.02})
    picture = curves.drawn([first, second], "loss", "accuracy")
    assert picture.startswith("accuracy over loss")
    assert (picture.count("●"), picture.count("○")) == (2, 2)  # one ○ in the words


def test_the_command_tells_it_to_people_and_scripts(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    study = Study(
        name="s", metric="loss", direction="minimize", commit="c", comparable="c", environment="e", config="c",
        policy="p", self_reported=False,
    )  # fmt: skip
    ledger.append(study)
    opened = type("Opened", (), {"ledger": ledger})()
    monkeypatch.setattr("pawl.cli.goodhart.study_in", lambda folder: opened)
    assert "no certificate passed" in CliRunner().invoke(app, ["goodhart"]).output
    certified(ledger, True, (-0.1, 0.02))
    told = CliRunner().invoke(app, ["goodhart"]).output
    assert "loss: what is improved" in told
    assert "accuracy: hidden from the search" in told
    found = json.loads(CliRunner().invoke(app, ["goodhart", "--json"]).output)
    assert (found["metric"], found["points"][0]["total"]["accuracy"]) == ("loss", pytest.approx(0.02))
