"""The SQLite store keeps the contract, is durable, and says what is wrong with a file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pawl.errors import IntegrityError, PawlError
from pawl.stores.sqlite import SqliteStore
from pawl.testing.stores import MovableContract, assert_one_chain, link


class TestSqliteStore(MovableContract):
    def make_movable(self, tmp_path: Path) -> SqliteStore:
        return SqliteStore(tmp_path / "ledger.db")

    def lose(self, tmp_path: Path) -> None:
        for lock in tmp_path.glob("*.lock"):
            lock.unlink()


def test_every_append_is_synced_through_a_write_ahead_log(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.db")
    with store._engine.connect() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


@pytest.mark.slow
def test_another_process_appends_to_the_same_chain(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.db")
    store.append(b"parent", link)
    code = (
        "import sys, pathlib; from pawl.testing.stores import link; from pawl.stores.sqlite import SqliteStore\n"
        "SqliteStore(pathlib.Path(sys.argv[1])).append(b'child', link)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "ledger.db")], check=True)
    assert [row.body for row in store.rows(0)] == [b"parent", b"child"]
    assert_one_chain(list(store.rows(0)))


def test_an_append_waits_for_another_writer_and_then_goes_through(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.db")
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    timer.start()
    began = time.monotonic()
    assert store.append(b"x", link).id == 1
    assert time.monotonic() - began >= 0.1
    timer.join()


def test_opening_waits_for_another_who_is_making_the_file(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
    timer.start()
    try:
        assert list(SqliteStore(tmp_path / "ledger.db").rows(0)) == []
    finally:
        timer.join()


def test_equal_paths_are_equal_stores_and_their_connections_are_not_shown(tmp_path: Path) -> None:
    assert SqliteStore(tmp_path / "a.db") == SqliteStore(tmp_path / "a.db") != SqliteStore(tmp_path / "b.db")
    assert "engine" not in repr(SqliteStore(tmp_path / "a.db"))


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 100)
    with pytest.raises(IntegrityError, match="damaged: file is not a database"):
        SqliteStore(tmp_path / "ledger.db")


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PawlError, match="missing/ledger.db cannot be used") as caught:
        SqliteStore(tmp_path / "missing" / "ledger.db")
    assert caught.value.hint


@pytest.mark.parametrize(
    "name",
    ["with space", "50%", "a#b", "größe", "a;b&c=d", "what?", "50%25"],
)
def test_the_file_is_where_the_path_says_whatever_the_folder_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    SqliteStore(tmp_path / name / "ledger.db").append(b"x", link)
    assert (tmp_path / name / "ledger.db").is_file()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET digest = 'x'",
        "DELETE FROM entries WHERE id = 1",
        "INSERT INTO entries VALUES (1, X'00', 'x')",
        "INSERT OR REPLACE INTO entries VALUES (1, X'00', 'x')",
    ],
)
def test_the_file_itself_refuses_to_change_a_row(tmp_path: Path, statement: str) -> None:
    store = SqliteStore(tmp_path / "ledger.db")
    row = store.append(b"kept", link)
    other = sqlite3.connect(tmp_path / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError):
        other.execute(statement)
    other.close()
    assert list(store.rows(0)) == [row]


def test_two_ledgers_in_one_folder_have_leases_of_their_own(tmp_path: Path) -> None:
    one, other = SqliteStore(tmp_path / "a.db"), SqliteStore(tmp_path / "b.db")
    with one.hold("loop", wait=False) as held, other.hold("loop", wait=False) as others:
        assert held()
        assert others()


def test_a_lock_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.db")
    (tmp_path / "ledger.db-loop.lock").mkdir()
    with (
        pytest.raises(PawlError, match="loop.lock cannot be opened") as caught,
        store.hold("loop", wait=True),
    ):
        pass
    assert caught.value.hint
