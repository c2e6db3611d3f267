"""What lies outside of a study tells of every ledger that was wound back, cut, forked or exchanged inside of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pawl import anchor, app, checkpoint
from pawl.anchor import Anchor
from pawl.errors import IntegrityError, PawlError
from pawl.records import CommonSeeds


def grown(study: app.OpenStudy, count: int) -> app.OpenStudy:
    with study.kept():
        for n in range(count):
            study.ledger.append(CommonSeeds(seeds=(n,), reason=f"{n}"))
    return study


def copied(study: app.OpenStudy, to: Path) -> Path:
    """The ledger as it is on disk now: nobody has it open while tests copy it back."""
    study.ledger._store._engine.dispose()  # type: ignore[attr-defined]
    return Path(shutil.copytree(study.state, to))


def put_back(study: app.OpenStudy, copy: Path) -> None:
    shutil.rmtree(study.state)
    shutil.copytree(copy, study.state)


def test_a_new_study_has_a_checkpoint_of_nothing_and_then_of_all(toy_study: app.OpenStudy) -> None:
    note = toy_study.anchor.last()
    assert note is not None
    assert note.size == 0
    grown(toy_study, 3)
    note = toy_study.anchor.last()
    assert note is not None
    assert (note.size, note.root) == (3, toy_study.ledger.root(3))
    note.signed_at(toy_study.anchor.key().public)
    assert (toy_study.state / "checkpoint").read_text() == str(note)
    assert app.open(toy_study.folder).anchor.last() == note


@pytest.mark.parametrize("when", ["older copy", "deleted", "state deleted", "fork"])
def test_a_ledger_that_was_wound_back_between_two_commands_is_noticed(
    toy_study: app.OpenStudy, tmp_path: Path, when: str
) -> None:
    grown(toy_study, 3)
    copy = copied(toy_study, tmp_path / "copy")
    grown(app.open(toy_study.folder), 2)
    if when in ("older copy", "fork"):
        put_back(toy_study, copy)
    elif when == "deleted":
        for file in toy_study.state.glob("ledger.sqlite*"):
            file.unlink()
    else:
        shutil.rmtree(toy_study.state)
    if when == "fork":
        from pawl.ledger import Ledger
        from pawl.stores.sqlite import SqliteStore

        forked = Ledger(SqliteStore(toy_study.state / "ledger.sqlite"))
        for n in range(9):
            forked.append(CommonSeeds(seeds=(n,), reason="another history"))
    with pytest.raises(IntegrityError, match=r"rolled back|not those that a checkpoint") as caught:
        app.open(toy_study.folder)
    assert caught.value.hint.startswith("pawl ledger adopt")


def test_what_a_killed_process_wrote_after_the_checkpoint_is_no_alarm(toy_study: app.OpenStudy) -> None:
    grown(toy_study, 3)
    for n in range(4):
        toy_study.ledger.append(CommonSeeds(seeds=(n,), reason="killed before the checkpoint"))
    again = app.open(toy_study.folder)
    assert again.anchor.keep(again.ledger).size == 7


def test_a_ledger_that_comes_without_its_checkpoint_must_be_adopted(
    toy_study: app.OpenStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(toy_study, 3)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    with pytest.raises(IntegrityError, match="no checkpoint of it is known here"):
        app.open(toy_study.folder)
    assert app.adopt(toy_study.folder).anchor.last() is not None
    assert len(app.open(toy_study.folder).ledger.all()) == 3


def test_a_study_that_is_made_anew_in_the_same_folder_is_a_new_one(make_toy, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    study = grown(make_toy("same"), 3)
    name = study.anchor.name()
    shutil.rmtree(study.folder)
    again = make_toy("same")
    assert again.ledger.all() == []
    assert again.anchor.name() != name


def test_a_forged_checkpoint_is_refused(toy_study: app.OpenStudy) -> None:
    grown(toy_study, 3)
    name = toy_study.anchor.name()
    assert name
    outside = anchor.home() / name
    note = checkpoint.parse(outside.read_text())
    outside.write_text(str(checkpoint.Note(note.origin, 1, toy_study.ledger.root(1), note.signatures)))
    with pytest.raises(IntegrityError, match="not over this checkpoint"):
        app.open(toy_study.folder)


def test_a_lost_key_is_an_error_and_not_a_new_beginning(
    toy_study: app.OpenStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(toy_study, 3)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(IntegrityError, match="is not signed by"):
        app.open(toy_study.folder)


def test_a_checkpoint_is_signed_anew_only_when_there_is_more(toy_study: app.OpenStudy) -> None:
    grown(toy_study, 2)
    note = toy_study.anchor.last()
    assert toy_study.anchor.keep(toy_study.ledger) == note
    stale = Anchor(toy_study.folder, toy_study.state)
    grown(toy_study, 1)
    assert stale.last() != note


def test_a_checkpoint_that_cannot_be_written_is_a_clear_error(toy_study: app.OpenStudy) -> None:
    name = toy_study.anchor.name()
    assert name
    (anchor.home() / f"{name}.new").mkdir()
    toy_study.ledger.append(CommonSeeds(seeds=(1,), reason="x"))
    with pytest.raises(PawlError, match="cannot be written") as caught:
        toy_study.anchor.keep(toy_study.ledger)
    assert caught.value.hint
