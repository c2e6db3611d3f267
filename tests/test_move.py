"""A move loses nothing, whenever it is killed; it is refused where two histories could come of it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pawl import app, move
from pawl.errors import ConfigError, IntegrityError, PawlError
from pawl.ledger import Ledger, Movable, Row
from pawl.records import CommonSeeds, Proposal
from pawl.stores.postgresql import PostgresqlStore
from pawl.stores.sqlite import SqliteStore
from pawl.tables import PartTable
from pawl.testing.postgresql import Server
from studies import patch

POINTS = 7
"""Steps that write: lift a seal from the new store, add 3 and 1 entries (3, 3 and 1), seal the old one, pawl.toml; and
one more, at which nothing is killed."""
KILLED = """
import os, signal, sys
from pawl import app, move
from pawl.stores.postgresql import PostgresqlStore
from pawl.stores.sqlite import SqliteStore

folder, to, schema, at = *sys.argv[1:4], int(sys.argv[4])
steps = 0

def dying(inner):
    def step(*words):
        global steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(*words)
    return step

move.BATCH_ROWS = 3
for store in (SqliteStore, PostgresqlStore):
    for name in ("extend", "seal"):
        setattr(store, name, dying(getattr(store, name)))
move.switch = dying(move.switch)
found = app.open(folder).move(to, schema)
assert found.switched and steps in (5, 6), steps
"""


def schema(tmp_path: Path) -> str:
    return f"m_{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]}"


def seeds(reason: str) -> CommonSeeds:
    return CommonSeeds(seeds=(1, 2), reason=reason)


def filled(study: app.OpenStudy, count: int) -> app.OpenStudy:
    for n in range(count):
        study.ledger.append(seeds(f"entry {n}"))
    return study


def quiet(done: int, of: int) -> None:
    """No progress shown."""


@pytest.fixture
def stores(postgres: Server, tmp_path: Path) -> tuple[SqliteStore, PostgresqlStore]:
    """A ledger of five entries in SQLite, and an empty place for it."""
    old = SqliteStore(tmp_path / "ledger.sqlite")
    for n in range(5):
        Ledger(old).append(seeds(f"entry {n}"))
    return old, PostgresqlStore(postgres.url, schema(tmp_path), study="toy")


@pytest.mark.slow
def test_there_and_back_it_is_the_same_ledger(postgres: Server, toy_study: app.OpenStudy, tmp_path: Path) -> None:
    toy_study.run(runs=6)
    config, name = toy_study.folder / "pawl.toml", schema(tmp_path)
    text, digests = config.read_text(), [entry.digest for entry in toy_study.ledger.all()]
    there = toy_study.move(postgres.url, name)
    assert (there.entries, there.root_before, there.root_after) == (len(digests), digests[-1], digests[-1])
    assert tomllib.loads(config.read_text())["store"] == {"use": "postgresql", "url": postgres.url, "schema": name}
    moved = app.open(toy_study.folder)
    assert isinstance(moved.store, PostgresqlStore)
    assert [entry.digest for entry in moved.ledger.all()] == digests
    moved.run(runs=3)
    assert moved.verify()["entries"] == len(moved.ledger.all()) > len(digests)
    back = moved.move("sqlite")
    assert config.read_text() == text
    home = app.open(toy_study.folder)
    assert isinstance(home.store, SqliteStore)
    assert back.entries == len(home.ledger.all()) == len(moved.ledger.all())
    assert home.propose(patch(home, "SHIFT = 0.0", "SHIFT = 0.5"), "on").id == back.entries + 1
    with pytest.raises(ConfigError, match="takes no more entries: it was moved to .*ledger.sqlite"):
        moved.ledger.append(seeds("into the old one"))


def test_the_old_ledger_can_be_read_and_not_added_to(
    postgres: Server, toy_study: app.OpenStudy, tmp_path: Path
) -> None:
    filled(toy_study, 3)
    open_before = app.open(toy_study.folder)
    toy_study.move(postgres.url, schema(tmp_path))
    for study in (toy_study, open_before):
        with pytest.raises(ConfigError, match="it was moved to postgresql://") as caught:
            study.ledger.append(seeds("too late"))
        assert "pawl.toml" in caught.value.hint
        assert study.ledger.verify() == 3


@pytest.mark.slow
@pytest.mark.parametrize("back", [False, True], ids=["to-postgresql", "to-sqlite"])
@pytest.mark.parametrize("at", range(1, POINTS + 1))
def test_a_move_that_is_killed_goes_on_when_it_is_typed_again(
    postgres: Server, toy_study: app.OpenStudy, tmp_path: Path, at: int, back: bool
) -> None:
    name = schema(tmp_path)
    filled(toy_study, 3)
    if back:
        toy_study.move(postgres.url, name)
    digests = [entry.digest for entry in filled(app.open(toy_study.folder), 4).ledger.all()]
    to = "sqlite" if back else postgres.url
    command = [sys.executable, "-c", KILLED, str(toy_study.folder), to, name, str(at)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    standing = app.open(toy_study.folder)
    assert [entry.digest for entry in standing.ledger.all()] == digests
    with suppress(ConfigError):  # where it was killed after the seal
        digests.append(standing.ledger.append(seeds("in between")).digest)
    again = app.open(toy_study.folder).move(to, name)
    assert (again.entries, again.root_after) == (len(digests), digests[-1])
    moved = app.open(toy_study.folder)
    assert isinstance(moved.store, SqliteStore if back else PostgresqlStore)
    assert [entry.digest for entry in moved.ledger.all()] == digests
    assert moved.ledger.append(seeds("on")).id == len(digests) + 1


def test_what_people_add_meanwhile_comes_along(stores: tuple[SqliteStore, PostgresqlStore]) -> None:
    old, new = stores
    other, late = Ledger(SqliteStore(old.path)), []

    def said(done: int, of: int) -> None:
        if not late:
            late.append(other.append(seeds("meanwhile")))

    entries, before, after, _ = move.move(old, new, said, lambda: True)
    assert entries == 6
    assert before == after == late[0].digest == Ledger(new).all()[-1].digest


def test_a_move_is_refused_while_a_loop_runs(postgres: Server, toy_study: app.OpenStudy, tmp_path: Path) -> None:
    filled(toy_study, 2)
    with app.open(toy_study.folder).lease(), pytest.raises(ConfigError, match="another loop runs"):
        toy_study.move(postgres.url, schema(tmp_path))
    there = PostgresqlStore(postgres.url, schema(tmp_path), study="toy")
    with there.hold("loop", wait=False), pytest.raises(ConfigError, match="another loop runs"):
        toy_study.move(postgres.url, schema(tmp_path))
    assert list(there.rows(0)) == []
    assert filled(toy_study, 1).ledger.verify() == 3


@pytest.mark.parametrize("more", [1, 9], ids=["shorter", "longer"])
def test_a_place_with_another_history_is_refused(stores: tuple[SqliteStore, PostgresqlStore], more: int) -> None:
    old, new = stores
    for n in range(more):
        Ledger(new).append(seeds(f"other {n}"))
    with pytest.raises(ConfigError, match="already holds another history: its entry 1 ") as caught:
        move.move(old, new, quiet, lambda: True)
    assert "--schema" in caught.value.hint
    assert Ledger(old).append(seeds("on")).id == 6
    assert Ledger(new).verify() == more


def test_a_copy_that_went_on_is_not_taken_for_a_beginning(stores: tuple[SqliteStore, PostgresqlStore]) -> None:
    old, new = stores
    new.extend(list(old.rows(0)))
    Ledger(new).append(seeds("went on"))
    with pytest.raises(ConfigError, match="another history: its entry 6"):
        move.move(old, new, quiet, lambda: True)


def test_one_place_under_two_names_is_refused(postgres: Server, stores: tuple[SqliteStore, PostgresqlStore]) -> None:
    _, new = stores
    same = PostgresqlStore(postgres.url + "?application_name=other", new.schema, study="toy")
    assert same != new
    with pytest.raises(ConfigError, match="another loop runs"):
        move.move(new, same, quiet, lambda: True)
    assert Ledger(new).append(seeds("on")).id == 1


class Faulty:
    """A way to a store on which one byte, or one row, does not arrive."""

    def __init__(self, inner: Movable, fault: Callable[[Sequence[Row]], Sequence[Row]]) -> None:
        self.inner, self.fault, self.place = inner, fault, inner.place

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def extend(self, rows: Sequence[Row]) -> None:
        self.inner.extend(self.fault(rows))


@pytest.mark.parametrize(
    "fault",
    [
        lambda rows: [replace(row, body=row.body.replace(b"entry 3", b"entry 9")) for row in rows],
        lambda rows: [replace(row, digest="0" * 64) for row in rows],
        lambda rows: rows[:-1],
    ],
    ids=["byte", "digest", "row"],
)
def test_a_copy_that_is_not_the_same_is_not_used(
    stores: tuple[SqliteStore, PostgresqlStore], fault: Callable[[Sequence[Row]], Sequence[Row]]
) -> None:
    old, new = stores
    with pytest.raises(PawlError):
        move.move(old, Faulty(new, fault), quiet, lambda: pytest.fail("pawl.toml was changed"))  # type: ignore[arg-type]
    assert Ledger(old).append(seeds("on")).id == 6


def test_a_damaged_ledger_is_not_moved(stores: tuple[SqliteStore, PostgresqlStore]) -> None:
    old, new = stores
    with old._engine.connect() as connection:
        connection.exec_driver_sql("DROP TRIGGER never_update")
        connection.exec_driver_sql(
            "UPDATE entries SET body = CAST(replace(body, 'entry 2', 'entry 9') AS BLOB) WHERE id = 3"
        )
    with pytest.raises(IntegrityError, match="entry 3"):
        move.move(old, new, quiet, lambda: True)
    assert list(new.rows(0)) == []


def test_pawl_toml_that_cannot_be_written_leaves_one_ledger(
    postgres: Server, toy_study: app.OpenStudy, tmp_path: Path
) -> None:
    filled(toy_study, 2)
    (toy_study.folder / ".pawl.toml.new").mkdir()
    with pytest.raises(ConfigError, match="pawl.toml cannot be written") as caught:
        toy_study.move(postgres.url, schema(tmp_path))
    assert "again" in caught.value.hint
    with pytest.raises(ConfigError, match="it was moved to"):
        toy_study.ledger.append(seeds("neither"))
    (toy_study.folder / ".pawl.toml.new").rmdir()
    assert toy_study.move(postgres.url, schema(tmp_path)).switched
    assert app.open(toy_study.folder).ledger.append(seeds("on")).id == 3


def test_a_move_that_will_never_be_finished_is_taken_back(toy_study: app.OpenStudy) -> None:
    filled(toy_study, 2).store.seal("it was moved to a server that is no more")  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="a server that is no more") as caught:
        toy_study.propose(patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.5"), "try")
    assert "pawl db unseal" in caught.value.hint
    toy_study.unseal()
    toy_study.propose(patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.5"), "try")
    assert toy_study.ledger.last(Proposal)


def test_a_table_of_somebodys_own_is_left_alone(tmp_path: Path) -> None:
    path, new = tmp_path / "pawl.toml", move.table("postgresql://host/db", "pawl")
    for own in ("[store]\nuse = 'sqlite' # mine\n[train]\n", "store.use = 'sqlite'\n"):
        path.write_text(own)
        assert not move.switch(path, PartTable(use="sqlite"), new)
        assert path.read_text() == own
    path.write_text("a = 1")
    path.chmod(0o640)
    assert move.switch(path, PartTable(use="sqlite"), new)
    assert path.read_text() == "a = 1\n" + move.block(new)
    assert path.stat().st_mode & 0o777 == 0o640
    assert move.switch(path, new, PartTable(use="sqlite"))
    assert path.read_text() == "a = 1\n"
    assert os.listdir(tmp_path) == ["pawl.toml"]


def test_a_store_that_cannot_be_moved_says_so() -> None:
    with pytest.raises(ConfigError, match="cannot be moved"):
        move.movable(type("Plain", (), {"append": None, "rows": None, "hold": None})())
