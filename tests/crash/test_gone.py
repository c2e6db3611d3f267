"""The ledger's files are deleted, cut, or replaced by an older copy: no entry is acknowledged into nowhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kills import begin, ended, until
from recording import marks_in

from pawl import app
from pawl.errors import IntegrityError
from pawl.ledger import Ledger
from pawl.records import CommonSeeds
from pawl.stores.sqlite import SqliteStore

NOTICED = re.compile(r"the ledger \S+ (was deleted or replaced while it was in use|is damaged: )")
Accident = Callable[[Path, Path], None]
FILES = ("", "-wal", "-shm")
AFTERWARDS = "from pathlib import Path; import sys; from pawl.ledger import Ledger\n" \
    "from pawl.stores.sqlite import SqliteStore; print(Ledger(SqliteStore(Path(sys.argv[1]))).verify())"  # fmt: skip


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def copied(path: Path, to: Path) -> None:
    """Copy all of the ledger's files over others, into the same inodes where they exist. Not in this process: a
    program that closes a file loses its locks on it, and SQLite's with them."""
    for suffix in FILES:
        if beside(path, suffix).exists():
            copied_one(beside(path, suffix), beside(to, suffix))


def copied_one(path: Path, to: Path) -> None:
    subprocess.run(["cp", str(path), str(to)], check=True)


def deleted(*suffixes: str) -> Accident:
    return lambda path, older: [beside(path, suffix).unlink() for suffix in suffixes] and None


def replaced(*suffixes: str) -> Accident:
    return lambda path, older: [os.replace(beside(older, s), beside(path, s)) for s in suffixes] and None


def cut(suffix: str) -> Accident:
    return lambda path, older: os.truncate(beside(path, suffix), 0)


DETECTED: dict[str, Accident] = {
    "the file deleted": deleted(""),
    "its log deleted": deleted("-wal"),
    "its index deleted": deleted("-shm"),
    "all deleted": deleted(*FILES),
    "the file replaced by an older copy": replaced(""),
    "all replaced by an older copy": replaced(*FILES),
    "an older copy written over all": lambda path, older: copied(older, path),
    "an older log written over it": lambda path, older: copied_one(beside(older, "-wal"), beside(path, "-wal")),
    "the file cut": cut(""),
    "its log cut": cut("-wal"),
}


def seeds(number: int) -> CommonSeeds:
    return CommonSeeds(seeds=(number,), reason="x" * 500)


def grown(tmp_path: Path, first: int, more: int) -> tuple[Ledger, Path, Path]:
    """A ledger in use, its path, and an older copy of all its files."""
    path, older = tmp_path / "state" / "ledger.sqlite", tmp_path / "older" / "ledger.sqlite"
    path.parent.mkdir()
    older.parent.mkdir()
    ledger = Ledger(SqliteStore(path))
    for number in range(first):
        ledger.append(seeds(number))
    copied(path, older)
    for number in range(more):
        ledger.append(seeds(number))
    return ledger, path, older


@pytest.mark.parametrize(("first", "more"), [(5, 5), (5, 1), pytest.param(200, 200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("accident", DETECTED.values(), ids=DETECTED)
def test_an_accident_under_a_writer_is_noticed_and_takes_no_entry(
    tmp_path: Path, accident: Accident, first: int, more: int
) -> None:
    ledger, path, older = grown(tmp_path, first, more)
    accident(path, older)
    for _ in range(3):
        with pytest.raises(IntegrityError, match=NOTICED) as caught:
            ledger.append(seeds(-1))
        assert "pawl ledger verify" in caught.value.hint


@pytest.mark.slow
@pytest.mark.parametrize(("first", "more"), [(5, 5), pytest.param(400, 5, marks=pytest.mark.slow)])
def test_an_older_copy_over_the_file_alone_is_noticed_or_harmless(tmp_path: Path, first: int, more: int) -> None:
    ledger, path, older = grown(tmp_path, first, more)
    copied_one(older, path)
    promised, said = 0, ""
    try:
        promised = ledger.append(seeds(-1)).id
    except IntegrityError as error:
        said = str(error)
    if said:
        assert NOTICED.match(said)
        return
    done = subprocess.run(
        [sys.executable, "-c", AFTERWARDS, str(path)], capture_output=True, text=True, check=True
    )  # fmt: skip
    assert int(done.stdout) == promised == first + more + 1


def test_an_emptied_log_is_no_accident_if_sqlite_did_it(tmp_path: Path) -> None:
    ledger, path, _ = grown(tmp_path, 5, 5)
    command = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()"
    subprocess.run([sys.executable, "-c", command, str(path)], check=True)
    assert beside(path, "-wal").stat().st_size == 0
    assert ledger.append(seeds(-1)).id == 11


@pytest.mark.slow
@pytest.mark.parametrize("accident", ["all deleted", "all replaced by an older copy", "an older copy written over all"])
def test_a_running_loop_stops_with_a_clear_error(toy_study: app.OpenStudy, tmp_path: Path, accident: str) -> None:
    path, older, noted = toy_study.state / "ledger.sqlite", tmp_path / "ledger.sqlite", tmp_path / "marks"
    process = begin(toy_study.folder, noted, "run", "100000")
    until(process, lambda: len(marks_in(noted)) >= 20)
    copied(path, older)
    until(process, lambda: len(marks_in(noted)) >= 40)
    DETECTED[accident](path, older)
    seen = len(marks_in(noted))
    said = " ".join(ended(process).split())
    # by whoever looks first: an append, or the watch that asks whether somebody halted the loop
    assert NOTICED.search(said) or "cannot be asked whether to stop" in said
    assert len(marks_in(noted)) <= seen + 2, "entries were acknowledged into nowhere"  # two were under way


@pytest.mark.slow
@pytest.mark.parametrize("accident", ["deleted", "older copy"])
def test_between_two_runs_a_ledger_that_was_rolled_back_is_noticed(
    toy_study: app.OpenStudy, tmp_path: Path, accident: str
) -> None:
    run = [sys.executable, "-m", "pawl", "run", "--runs", "6", "-C", str(toy_study.folder)]
    path, older = toy_study.state / "ledger.sqlite", tmp_path / "ledger.sqlite"
    subprocess.run(run, check=True, capture_output=True)
    copied(path, older)
    subprocess.run(run, check=True, capture_output=True)
    for suffix in FILES:
        beside(path, suffix).unlink(missing_ok=True)
    if accident == "older copy":
        copied(older, path)
    done = subprocess.run(run, check=False, capture_output=True, text=True)
    assert done.returncode == IntegrityError.exit_code, done.stdout
    assert "next:" in done.stderr
