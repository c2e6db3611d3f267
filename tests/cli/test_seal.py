"""`pawl seal`: what is left, and a fresh holdout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from openings import Desk, write_set
from pawl import app, keys
from pawl.cli.screen import app as cli
from pawl.errors import ConfigError
from pawl.records import Holdout
from studies import digits, policy


@pytest.fixture
def study(tmp_path: Path, people: dict[str, keys.Signer]) -> app.OpenStudy:
    """A study with a sealed holdout that was asked twice, once without an answer."""
    found = app.open(digits(tmp_path / "digits", [people["ada"]], holdout=True))
    desk = Desk(tmp_path / "desk")
    desk.ledger, desk.refresh, desk.path = found.ledger, found.sealing(), found.sealing().path
    desk._begin()
    desk.opens(0.5, before=lambda: None).open(desk.won())
    with pytest.raises(ZeroDivisionError):
        desk.opens(0.5, before=lambda: 1 / 0).open(desk.won())  # type: ignore[arg-type,return-value]
    return found


def said(study: app.OpenStudy, *words: str) -> str:
    done = CliRunner().invoke(cli, [*words, "-C", str(study.folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_status_says_what_was_asked_and_what_is_left(study: app.OpenStudy) -> None:
    text = said(study, "seal", "status")
    assert "read for 12 evaluations" in text
    assert "2 of 20 openings used, 18 left" in text
    assert text.count("not better") == 1
    assert text.count("no answer: it was cut short") == 1


def test_status_says_where_no_gate_asks(study: app.OpenStudy, people: dict[str, keys.Signer]) -> None:
    assert "no gate" not in said(study, "seal", "status")
    (study.folder / "policy.toml").write_text(policy([people["ada"]], {}))
    assert "no gate of the policy asks the holdout" in said(study, "seal", "status")
    assert json.loads(said(study, "seal", "status", "--json"))["asked"] is False


def test_status_when_all_is_spent_names_the_next_command(study: app.OpenStudy, people: dict[str, keys.Signer]) -> None:
    rules = policy([people["ada"]], {"openings = 20": "openings = 2"}, holdout=True)
    (study.folder / "policy.toml").write_text(rules)
    text = said(study, "seal", "status")
    assert "2 of 2 openings used, RETIRED" in text
    assert "next:  pawl seal refresh --holdout FILE" in text


def test_status_as_json_has_no_score(study: app.OpenStudy) -> None:
    found = json.loads(said(study, "seal", "status", "--json"))
    (holdout,) = found["holdout"]
    assert holdout["left"] == 18
    assert [use["better"] for use in holdout["openings"]] == [False, None]
    assert set(holdout["openings"][0]) == {"intent", "certificate", "better"}


def test_refresh_is_a_command_with_a_name_and_a_reason(study: app.OpenStudy, tmp_path: Path) -> None:
    with np.load(study.sealing().path) as old:
        inputs, labels = old["inputs"] + np.float32(0.001), old["labels"]
    np.savez(tmp_path / "fresh.npz", inputs=inputs, labels=labels)
    text = said(study, "seal", "refresh", "--holdout", str(tmp_path / "fresh.npz"), "--reason", "a new batch")
    assert "sealed (entry" in text
    entry = app.open(study.folder).entries(Holdout)[-1].record
    assert (entry.reason, entry.by) == ("a new batch", "ada@example.org")
    text = said(study, "seal", "status")
    assert "replaced by entry" in text
    assert "0 of 20 openings used, 20 left" in text


def test_while_a_loop_runs_nobody_exchanges_the_holdout(study: app.OpenStudy, tmp_path: Path) -> None:
    write_set(tmp_path / "fresh.npz", 7)
    with study.lease(), pytest.raises(ConfigError, match="another loop runs"):
        app.open(study.folder).refresh_holdout(tmp_path / "fresh.npz", "now", "eve")


def test_a_study_without_a_holdout_says_so(toy_study: app.OpenStudy, tmp_path: Path) -> None:
    assert said(toy_study, "seal", "status").strip() == "holdout     none"
    with pytest.raises(ConfigError, match="names no holdout"):
        toy_study.refresh_holdout(tmp_path / "fresh.npz", "now", "eve")
    with pytest.raises(ConfigError, match="needs a reason"):
        toy_study.refresh_holdout(tmp_path / "fresh.npz", " ", "eve")
