"""The memory: what was appended is read back; what was tampered with is noticed."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.errors import ConfigError, IntegrityError
from pawl.ledger import GENESIS, Entry, Ledger, Row
from pawl.merkle import check_consistency, check_inclusion, leaf_hash
from pawl.records import CommonSeeds, Proposal, Record, Release, Variant
from pawl.stores.sqlite import SqliteStore


@dataclass
class ListStore:
    """The smallest store."""

    kept: list[Row] = field(default_factory=list)

    def append(self, body: bytes, link: Callable[[str, int, bytes], str]) -> Row:
        previous = self.kept[-1].digest if self.kept else GENESIS
        self.kept.append(Row(len(self.kept) + 1, body, link(previous, len(self.kept) + 1, body)))
        return self.kept[-1]

    def rows(self, after: int) -> Iterable[Row]:
        return [row for row in self.kept if row.id > after]


def seeds(reason: str, *numbers: int) -> CommonSeeds:
    return CommonSeeds(seeds=numbers, reason=reason)


def variant(problem: str = "") -> Variant:
    return Variant(proposal=None, commit="c0" * 20, parent="c0" * 20, problem=problem)


SETTING = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
RECORD = st.one_of(
    st.builds(CommonSeeds, seeds=st.lists(st.integers(0, 2**31), max_size=3).map(tuple), reason=st.text(max_size=20)),
    st.builds(Variant, proposal=st.none() | st.integers(1, 99), commit=st.text(), parent=st.text(), problem=st.text()),
    st.builds(
        Proposal, parent=st.integers(), patch=st.text(), hypothesis=st.text(), proposer=st.text(),
        settings=st.dictionaries(st.text(), SETTING),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of five entries without its triggers, for tampering."""
    path = tmp_path_factory.mktemp("written") / "ledger.db"
    ledger = Ledger(SqliteStore(path))
    for n in range(5):
        ledger.append(seeds(f"reason {n}", n, n + 1))
    edit(path, "DROP TRIGGER never_UPDATE", "DROP TRIGGER never_DELETE", "PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def tampered(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(written, tmp_path / "ledger.db"))


def edit(path: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement, values)
    connection.commit()
    connection.close()


@given(st.lists(RECORD, max_size=8))
@settings(max_examples=30, deadline=None)
def test_any_sequence_of_records_is_read_back_as_it_was_written(records: list[Record]) -> None:
    store = ListStore()
    ledger = Ledger(store)
    entries = [ledger.append(record) for record in records]
    again = Ledger(store)
    assert again.all() == entries
    assert [entry.record for entry in again.all()] == records
    assert again.verify() == len(records)


@given(st.lists(RECORD, min_size=1, max_size=4))
@settings(max_examples=8, deadline=None)
def test_a_sqlite_file_keeps_any_records_for_the_next_process(records: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        entries = [Ledger(SqliteStore(Path(folder) / "ledger.db")).append(record) for record in records]
        again = Ledger(SqliteStore(Path(folder) / "ledger.db"))
        assert again.all() == entries
        assert [entry.record for entry in again.all()] == records


@given(
    row=st.integers(1, 5),
    column=st.sampled_from(["body", "digest"]),
    place=st.integers(0, 10**6),
    bit=st.integers(0, 7),
)
@settings(max_examples=25, deadline=None)
def test_any_single_changed_bit_in_a_body_or_a_digest_is_noticed(
    written: Path, row: int, column: str, place: int, bit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(written, Path(folder) / "ledger.db"))
        stored = {row.id: row for row in SqliteStore(path).rows(0)}[row]
        before = stored.body if column == "body" else stored.digest.encode()
        changed = bytearray(before)
        changed[place % len(before)] ^= 1 << (bit if column == "body" else bit % 7)
        value = bytes(changed) if column == "body" else changed.decode()
        edit(path, f"UPDATE entries SET {column} = ? WHERE id = {row}", values=(value,))
        with pytest.raises(IntegrityError, match=rf"entry {row}\b"):
            Ledger(SqliteStore(path)).verify()


@pytest.mark.parametrize("row", [1, 3, 4])
def test_a_removed_row_is_noticed(tampered: Path, row: int) -> None:
    edit(tampered, f"DELETE FROM entries WHERE id = {row}")
    with pytest.raises(IntegrityError, match=f"entry {row} is missing"):
        Ledger(SqliteStore(tampered)).verify()


def test_a_removed_row_whose_gap_was_closed_is_noticed(tampered: Path) -> None:
    edit(tampered, "DELETE FROM entries WHERE id = 3")
    for row in (4, 5):
        edit(tampered, f"UPDATE entries SET id = {row - 1} WHERE id = {row}")
    with pytest.raises(IntegrityError, match="entry 3 is not what was written"):
        Ledger(SqliteStore(tampered)).verify()


@pytest.mark.parametrize("one", [1, 2, 4])
def test_swapped_rows_are_noticed(tampered: Path, one: int) -> None:
    edit(
        tampered,
        f"UPDATE entries SET id = 99 WHERE id = {one}",
        f"UPDATE entries SET id = {one} WHERE id = {one + 1}",
        f"UPDATE entries SET id = {one + 1} WHERE id = 99",
    )
    with pytest.raises(IntegrityError, match=f"entry {one} is not what was written"):
        Ledger(SqliteStore(tampered)).verify()


def test_a_row_put_in_between_is_noticed(tampered: Path) -> None:
    edit(tampered, "INSERT INTO entries SELECT 6, body, digest FROM entries WHERE id = 2")
    with pytest.raises(IntegrityError, match="entry 6 is not what was written"):
        Ledger(SqliteStore(tampered)).verify()


def test_a_chained_row_that_holds_no_record_is_noticed() -> None:
    store = ListStore()
    store.append(b'{"kind":"Rumour","at":"","record":{}}', lambda _previous, _id, body: leaf_hash(body).hex())
    with pytest.raises(IntegrityError, match="cannot be read"):
        Ledger(store).verify()


def test_a_body_that_is_no_longer_bytes_is_an_integrity_error(tampered: Path) -> None:
    edit(tampered, "UPDATE entries SET body = 'text' WHERE id = 2")
    with pytest.raises(IntegrityError):
        Ledger(SqliteStore(tampered)).verify()


@pytest.mark.parametrize("read", [Ledger.all, lambda ledger: ledger.entries(CommonSeeds), lambda ledger: ledger.any(1)])
def test_reading_a_tampered_ledger_is_refused_too(tampered: Path, read: Callable[[Ledger], object]) -> None:
    edit(tampered, "UPDATE entries SET body = X'7B7D' WHERE id = 2")
    with pytest.raises(IntegrityError, match="entry 2"):
        read(Ledger(SqliteStore(tampered)))


def test_a_cut_off_end_is_seen_by_a_ledger_that_knew_it(tampered: Path) -> None:
    ledger = Ledger(SqliteStore(tampered))
    assert len(ledger.all()) == 5
    edit(tampered, "DELETE FROM entries WHERE id > 3")
    with pytest.raises(IntegrityError, match="3 entries and had 5"):
        ledger.verify()
    with pytest.raises(IntegrityError, match="entry 4"):
        ledger.append(seeds("after the cut"))


def test_a_rewritten_end_is_seen_by_a_ledger_that_knew_another(tampered: Path) -> None:
    ledger = Ledger(SqliteStore(tampered))
    assert len(ledger.all()) == 5
    edit(tampered, "DELETE FROM entries WHERE id = 5")
    Ledger(SqliteStore(tampered)).append(seeds("another fifth entry"))
    with pytest.raises(IntegrityError, match="entry 5"):
        ledger.verify()


def test_a_store_that_answers_with_another_digest_is_not_believed() -> None:
    class Forgetful(ListStore):
        def append(self, body: bytes, link: Callable[[str, int, bytes], str]) -> Row:
            row = super().append(body, link)
            return Row(row.id, row.body, "0" * 64)

    with pytest.raises(IntegrityError, match=r"entry 1 (changed while it was|is not what was) written"):
        Ledger(Forgetful()).append(seeds("x"))


@pytest.mark.parametrize(
    "statement", ["UPDATE entries SET body = X'00'", "UPDATE entries SET id = 7", "DELETE FROM entries"]
)
def test_changing_or_removing_rows_is_refused_by_the_file_itself(tmp_path: Path, statement: str) -> None:
    ledger = Ledger(SqliteStore(tmp_path / "ledger.db"))
    ledger.append(seeds("kept"))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        edit(tmp_path / "ledger.db", statement)
    assert ledger.verify() == 1


def test_two_ledgers_on_one_file_share_one_chain(tmp_path: Path) -> None:
    one, other = (Ledger(SqliteStore(tmp_path / "ledger.db")) for _ in range(2))
    for n in range(4):
        (one, other)[n % 2].append(seeds(f"{n}"))
    assert one.all() == other.all()
    assert [entry.record.reason for entry in one.entries(CommonSeeds)] == ["0", "1", "2", "3"]
    assert one.verify() == other.verify() == 4


def test_threads_that_append_through_two_ledgers_lose_nothing(tmp_path: Path) -> None:
    ledgers = [Ledger(SqliteStore(tmp_path / "ledger.db")) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        entries = list(pool.map(lambda n: ledgers[n % 2].append(seeds(f"{n}")), range(24)))
    assert sorted(entry.id for entry in entries) == list(range(1, 25))
    assert all(ledger.any(entry.id) == entry for ledger in ledgers for entry in entries)
    assert ledgers[0].verify() == 24


def test_an_entry_tells_where_when_and_under_which_digest() -> None:
    store = ListStore()
    before = datetime.now(UTC).replace(microsecond=0)
    entry = Ledger(store).append(seeds("x", 1))
    assert entry == Entry(1, entry.at, leaf_hash(store.kept[0].body).hex(), seeds("x", 1))
    assert before <= datetime.fromisoformat(entry.at) <= datetime.now(UTC)
    assert re.search(r"\+00:00$", entry.at)


def test_a_digest_vouches_for_all_that_stands_before_it() -> None:
    one, other = Ledger(ListStore()), Ledger(ListStore())
    one.append(seeds("a"))
    other.append(seeds("b"))
    assert one.append(seeds("same")).digest != other.append(seeds("same")).digest


def test_identical_records_do_not_share_an_id() -> None:
    ledger = Ledger(ListStore())
    first, second = ledger.append(seeds("same")), ledger.append(seeds("same"))
    assert (first.id, second.id) == (1, 2)
    assert first.digest != second.digest


def test_entries_of_a_kind_are_told_apart_and_in_order() -> None:
    ledger = Ledger(ListStore())
    assert ledger.entries(Variant) == []
    assert ledger.last(Variant) is None
    for n in range(3):
        ledger.append(seeds(f"{n}"))
        ledger.append(variant(f"{n}"))
    assert [entry.id for entry in ledger.entries(Variant)] == [2, 4, 6]
    last = ledger.last(CommonSeeds)
    assert last is not None
    assert (last.id, last.record.reason) == (5, "2")


def test_find_gives_the_newest_with_these_fields_or_none() -> None:
    ledger = Ledger(ListStore())
    for n in range(4):
        ledger.append(seeds("even" if n % 2 == 0 else "odd", n))
    found = ledger.find(CommonSeeds, reason="even")
    assert found is not None
    assert found.record.seeds == (2,)
    assert ledger.find(CommonSeeds, reason="even", seeds=(3,)) is None
    assert ledger.find(Release, dossier=1) is None


def test_an_entry_of_another_kind_or_beyond_the_end_is_an_error_that_says_so() -> None:
    ledger = Ledger(ListStore())
    ledger.append(variant())
    assert ledger.get(1, Variant).record == variant()
    with pytest.raises(ConfigError, match="entry 1 is a variant, not a commonseeds"):
        ledger.get(1, CommonSeeds)
    for id in (0, 2, -1):
        with pytest.raises(ConfigError, match=f"no entry {id}; its last is 1"):
            ledger.any(id)


def test_what_all_returns_is_the_callers_own_list() -> None:
    ledger = Ledger(ListStore())
    ledger.append(variant())
    ledger.all().clear()
    ledger.entries(Variant).clear()
    assert len(ledger.all()) == len(ledger.entries(Variant)) == 1


def test_an_empty_ledger_verifies_with_nothing_in_it(tmp_path: Path) -> None:
    assert Ledger(SqliteStore(tmp_path / "ledger.db")).verify() == 0
    assert Ledger(SqliteStore(tmp_path / "ledger.db")).root(0).hex() == GENESIS


def test_every_entry_proves_that_it_is_under_every_later_digest() -> None:
    store = ListStore()
    ledger = Ledger(store)
    entries = [ledger.append(seeds(f"{n}")) for n in range(9)]
    for later in entries:
        root = bytes.fromhex(later.digest)
        assert ledger.root(later.id) == root
        for entry in entries[: later.id]:
            leaf = leaf_hash(store.kept[entry.id - 1].body)
            check_inclusion(leaf, entry.id - 1, later.id, ledger.inclusion(entry.id, later.id), root)
            old = bytes.fromhex(entry.digest)
            check_consistency(entry.id, old, later.id, root, ledger.consistency(entry.id, later.id))
    with pytest.raises(IntegrityError):
        ledger.inclusion(10, 9)


def test_a_long_ledger_is_read_in_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pawl.stores.sqlite.PAGE", 3)
    ledger = Ledger(SqliteStore(tmp_path / "ledger.db"))
    for n in range(10):
        ledger.append(seeds(f"{n}"))
    again = Ledger(SqliteStore(tmp_path / "ledger.db"))
    assert again.all() == ledger.all()
    assert [row.id for row in again.rows(4)] == [5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced by an older copy"])
def test_a_ledger_that_vanishes_under_a_writer_takes_no_entry(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(SqliteStore(path))
    ledger.append(seeds("old"))
    edit(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(path, tmp_path / "older.db")
    ledger.append(seeds("new"))
    for file in tmp_path.glob("ledger.db*"):
        file.unlink()
    if replaced:
        shutil.copy(tmp_path / "older.db", path)
    for act in (lambda: ledger.append(seeds("lost")), ledger.all, ledger.verify):
        with pytest.raises(IntegrityError, match="deleted or replaced while it was in use"):
            act()


def test_an_older_copy_written_into_the_same_file_is_noticed_before_anything_is_added() -> None:
    store = ListStore()
    ledger = Ledger(store)
    for n in range(4):
        ledger.append(seeds(f"{n}"))
    del store.kept[2:]
    with pytest.raises(IntegrityError, match=r"entry 3, and this process has read 4: it was rolled back"):
        ledger.append(seeds("on top of what is gone"))
    assert len(store.kept) == 2


def test_an_end_that_was_exchanged_for_another_of_equal_length_takes_no_entry() -> None:
    store, other = ListStore(), ListStore()
    ledger, forger = Ledger(store), Ledger(other)
    for n in range(3):
        ledger.append(seeds(f"{n}"))
        forger.append(seeds(f"{n}" if n < 2 else "forged"))
    store.kept[2] = other.kept[2]
    with pytest.raises(IntegrityError, match=r"ends before entry 4, and this process has read 3") as caught:
        ledger.append(seeds("on top of what was forged"))
    assert caught.value.hint == "pawl ledger verify   (restore .pawl from a backup)"
    assert len(store.kept) == 3


def test_a_store_that_miscounts_takes_no_entry() -> None:
    class Miscounting(ListStore):
        def append(self, body: bytes, link: Callable[[str, int, bytes], str]) -> Row:
            return super().append(body, lambda previous, position, body: link(previous, position - 1, body))

    store = Miscounting()
    with pytest.raises(IntegrityError, match="ends before entry 0, and this process has read 0"):
        Ledger(store).append(seeds("nowhere"))
    assert not store.kept


def test_what_is_known_is_not_asked_for_again_and_what_is_not_is() -> None:
    class Counting(ListStore):
        asked = 0

        def rows(self, after: int) -> Iterable[Row]:
            self.asked += 1
            return super().rows(after)

    store = Counting()
    ledger, other = Ledger(store), Ledger(store)
    known = ledger.append(seeds("known"))
    assert ledger.any(known.id) == known
    assert store.asked == 0
    later = other.append(seeds("by another process"))
    assert ledger.any(later.id) == later


def test_all_stored_rows_are_passed_on_from_the_first() -> None:
    store = ListStore()
    ledger = Ledger(store)
    for n in range(3):
        ledger.append(seeds(f"{n}"))
    assert list(ledger.rows()) == store.kept
    assert list(ledger.rows(2)) == store.kept[2:]


def test_every_refusal_says_what_to_type_next() -> None:
    store = ListStore()
    ledger = Ledger(store)
    for n in range(3):
        ledger.append(seeds(f"{n}"))
    for act in (lambda: ledger.get(1, Variant), lambda: ledger.any(9)):
        with pytest.raises(ConfigError) as refused:
            act()
        assert refused.value.hint == "pawl status"
    kept = list(store.kept)
    for rows in ([kept[0], kept[2]], [kept[0], Row(2, kept[2].body, kept[1].digest)]):
        store.kept = rows
        with pytest.raises(IntegrityError) as broken:
            Ledger(store).all()
        assert broken.value.hint == "pawl ledger verify"
