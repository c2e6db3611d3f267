"""Exchanging the holdout: fresh rows, by a person, written down, and never a way back to openings that were spent."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from openings import ROWS, Desk, write_set
from pawl import seals
from pawl.broker import LEAST_ROWS
from pawl.errors import ConfigError, IntegrityError, NotAuthorized
from pawl.records import Holdout


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    found = Desk(tmp_path / "desk")
    found.broker()
    return found


def test_a_fresh_set_takes_the_place_and_begins_a_count_of_its_own(desk: Desk, tmp_path: Path) -> None:
    for _ in range(2):
        desk.opens(openings=2).open(desk.won())
    with pytest.raises(NotAuthorized, match="retired"):
        desk.opens(openings=2).open(desk.won())
    write_set(tmp_path / "fresh.npz", 7)
    entry = desk.refresh.refresh(tmp_path / "fresh.npz", "the first one is spent", "ada@example.org")
    assert entry.record.previous == desk.ledger.entries(Holdout)[0].record.digest
    assert stat.S_IMODE(os.stat(desk.path).st_mode) == 0o600
    found = Desk(desk.folder).opens(openings=2).open(desk.won())
    assert found
    assert (found.record.number, found.record.sealed) == (1, entry.record.digest)
    old, new = seals.lives(desk.ledger, 2)
    assert (old.left, old.until, new.left, new.until) == (0, entry.id, 1, 0)


def test_the_old_set_is_kept_under_its_digest_for_its_owner_only(desk: Desk, tmp_path: Path) -> None:
    before = desk.path.read_bytes()
    write_set(tmp_path / "fresh.npz", 7)
    entry = desk.refresh.refresh(tmp_path / "fresh.npz", "early", "ada@example.org")
    kept = desk.path.parent / "spent" / f"{entry.record.previous}.npz"
    assert kept.read_bytes() == before
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600


def test_an_answer_outlives_the_set_that_gave_it(desk: Desk, tmp_path: Path) -> None:
    won = desk.won()
    answer = desk.opens().open(won)
    write_set(tmp_path / "fresh.npz", 7)
    desk.refresh.refresh(tmp_path / "fresh.npz", "early", "ada@example.org")
    assert seals.answer(desk.ledger, won.id) == answer == Desk(desk.folder).opens(0.5).open(won)


def test_a_crash_before_the_file_is_in_its_place_is_mended_by_the_same_command(desk: Desk, tmp_path: Path) -> None:
    labels = write_set(tmp_path / "fresh.npz", 7)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pawl.refresh._place", lambda content, path: None)
        desk.refresh.refresh(tmp_path / "fresh.npz", "spent", "ada@example.org")
    with pytest.raises(IntegrityError, match="is not the holdout in use"):
        desk.refresh.in_use()
    desk.refresh.refresh(tmp_path / "fresh.npz", "spent", "ada@example.org")
    assert len(desk.ledger.entries(Holdout)) == 2
    assert (Desk(desk.folder).labels == labels).all()
    desk.refresh.in_use()


def overlapping(folder: Path, path: Path, share: float) -> Path:
    """A set of which a share of rows stands in another one."""
    write_set(folder / "fresh.npz", 7)
    with np.load(folder / "fresh.npz") as fresh, np.load(path) as old:
        inputs = np.concatenate([old["inputs"][: int(share * ROWS)], fresh["inputs"][int(share * ROWS) :]])
        np.savez(folder / "fresh.npz", inputs=inputs, labels=fresh["labels"])
    return folder / "fresh.npz"


def test_rows_of_the_old_set_or_of_the_validation_set_are_not_fresh(desk: Desk, tmp_path: Path) -> None:
    for path in (desk.path, desk.path.with_name("validation.npz")):
        with pytest.raises(ConfigError, match=rf"20 of {ROWS} rows of .* stand in {path.name}"):
            desk.refresh.refresh(overlapping(tmp_path, path, 0.05), "?", "eve")
    write_set(tmp_path / "second.npz", 8)
    desk.refresh.refresh(tmp_path / "second.npz", "early", "ada@example.org")
    kept = next((desk.path.parent / "spent").iterdir())
    with pytest.raises(ConfigError, match="stand in"):
        desk.refresh.refresh(overlapping(tmp_path, kept, 0.05), "?", "eve")
    desk.refresh.refresh(overlapping(tmp_path, kept, 0.01), "rows that repeat by chance", "ada@example.org")


def test_a_set_of_another_kind_is_refused_and_nothing_is_written(desk: Desk, tmp_path: Path) -> None:
    fresh, before = tmp_path / "fresh.npz", desk.path.read_bytes()
    write_set(fresh, 7, rows=LEAST_ROWS - 1)
    with pytest.raises(ConfigError, match="rows; a holdout needs"):
        desk.refresh.refresh(fresh, "?", "eve")
    np.savez(fresh, inputs=np.zeros((ROWS, 5)), labels=np.zeros(ROWS, dtype=np.int64))
    with pytest.raises(ConfigError, match="types and shapes"):
        desk.refresh.refresh(fresh, "?", "eve")
    fresh.unlink()
    fresh.symlink_to(desk.path)
    with pytest.raises(ConfigError, match="it is a link"):
        desk.refresh.refresh(fresh, "?", "eve")
    with pytest.raises(ConfigError, match="in use already"):
        desk.refresh.refresh(desk.path, "?", "eve")
    assert len(desk.ledger.entries(Holdout)) == 1
    assert desk.path.read_bytes() == before


def test_there_is_no_way_back_to_a_set_that_was_used(desk: Desk, tmp_path: Path) -> None:
    old = tmp_path / "old.npz"
    old.write_bytes(desk.path.read_bytes())
    write_set(tmp_path / "fresh.npz", 7)
    desk.refresh.refresh(tmp_path / "fresh.npz", "early", "ada@example.org")
    with pytest.raises(ConfigError, match="was a holdout of this study before"):
        desk.refresh.refresh(old, "?", "eve")
