"""What every store must do: keep rows, in order, unchanged, whoever else writes at the same time; and lend leases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from pawl.errors import ConfigError, IntegrityError
from pawl.ledger import Movable, Row, Store
from pawl.testing.chains import assert_one_chain, chain, link
from pawl.testing.leases import LeaseContract

__all__ = ["MovableContract", "StoreContract", "assert_one_chain", "chain", "link"]
MIB = 2**20
BODIES = {
    "empty": b"",
    "NULs": b"\0\0a\0",
    "all-bytes": bytes(range(256)),
    "not-UTF-8": b"\xff\xfe\xed\xa0\x80",
    "line-ends": b"a\r\nb\rc\n",
    "1-MiB": bytes(range(256)) * (MIB // 256),
}


class StoreContract(LeaseContract):
    """Subclass it and override `make` and `lose`."""

    def test_a_new_store_is_empty(self, tmp_path: Path) -> None:
        """`rows(0)` of a new place has no rows."""
        assert list(self.make(tmp_path).rows(0)) == []

    def test_positions_count_from_one_without_gaps(self, tmp_path: Path) -> None:
        """`append` gives positions 1, 2, 3, and links each row to the digest before it, the first to GENESIS."""
        store = self.make(tmp_path)
        written = [store.append(b"row %d" % n, link) for n in range(5)]
        assert_one_chain(written)
        assert list(store.rows(0)) == written

    def test_rows_after_a_position_are_those_beyond_it(self, tmp_path: Path) -> None:
        """`rows(after)` leaves out `after` itself; beyond the last there are none."""
        store = self.make(tmp_path)
        written = [store.append(b"%d" % n, link) for n in range(4)]
        assert list(store.rows(2)) == written[2:]
        assert list(store.rows(4)) == list(store.rows(99)) == []

    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
    def test_bytes_come_back_unchanged(self, tmp_path: Path, body: bytes) -> None:
        """A body is bytes: NULs, invalid UTF-8, line ends and 1 MiB included, from the same store and a new one."""
        store = self.make(tmp_path)
        assert store.append(body, link).body == body
        for reader in (store, self.make(tmp_path)):
            (row,) = reader.rows(0)
            assert type(row.body) is bytes
            assert row.body == body

    def test_rows_survive_reopening(self, tmp_path: Path) -> None:
        """What was acknowledged is there for the next process, which goes on after it."""
        written = [self.make(tmp_path).append(b"%d" % n, link) for n in range(3)]
        again = self.make(tmp_path)
        assert list(again.rows(0)) == written
        assert again.append(b"next", link).id == 4

    def test_equal_bodies_are_separate_rows(self, tmp_path: Path) -> None:
        """Ids are positions and not content: the same bytes twice are two rows with two digests."""
        store = self.make(tmp_path)
        first, second = store.append(b"same", link), store.append(b"same", link)
        assert (first.id, second.id) == (1, 2)
        assert first.digest != second.digest

    def test_what_was_written_never_changes(self, tmp_path: Path) -> None:
        """Append-only: later appends leave earlier rows as they were, and a row in hand is frozen."""
        store = self.make(tmp_path)
        first = store.append(b"first", link)
        for n in range(5):
            store.append(b"later %d" % n, link)
        assert next(iter(store.rows(0))) == first
        with pytest.raises((FrozenInstanceError, TypeError)):
            first.body = b"other"  # type: ignore[misc]

    def test_an_append_that_fails_leaves_nothing(self, tmp_path: Path) -> None:
        """If `link` raises, no row is stored, the error comes through, and the next append closes the gap."""
        store = self.make(tmp_path)
        store.append(b"one", link)

        def broken(previous: str, position: int, body: bytes) -> str:
            raise RuntimeError("no digest today")

        with pytest.raises(RuntimeError, match="no digest today"):
            store.append(b"lost", broken)
        assert store.append(b"two", link).id == 2
        assert [row.body for row in store.rows(0)] == [b"one", b"two"]
        assert_one_chain(list(store.rows(0)))

    def test_another_object_on_the_same_place_sees_the_rows(self, tmp_path: Path) -> None:
        """Two store objects are two views of one chain: what one appends, the other reads and goes on from."""
        one, other = self.make(tmp_path), self.make(tmp_path)
        first = one.append(b"from one", link)
        assert list(other.rows(0)) == [first]
        second = other.append(b"from other", link)
        assert list(one.rows(1)) == [second]
        assert_one_chain([first, second])

    @pytest.mark.parametrize("objects", [1, 2], ids=["one-object", "two-objects"])
    def test_concurrent_appends_stay_one_chain(self, tmp_path: Path, objects: int) -> None:
        """Appends from several threads, through one store object or two, lose nothing and never fork the chain."""
        stores = [self.make(tmp_path) for _ in range(objects)]
        bodies = [b"%d" % n for n in range(40)]
        with ThreadPoolExecutor(4) as pool:
            written = list(pool.map(lambda n: stores[n % objects].append(bodies[n], link), range(len(bodies))))
        rows = list(self.make(tmp_path).rows(0))
        assert_one_chain(rows)
        assert sorted(row.body for row in rows) == sorted(bodies)
        assert sorted(written, key=lambda row: row.id) == rows


class MovableContract(StoreContract):
    """For a store that a whole ledger can be moved out of and into: override `make_movable` in place of `make`."""

    def make_movable(self, tmp_path: Path) -> Movable:
        """As `make`."""
        raise NotImplementedError

    def make(self, tmp_path: Path) -> Store:
        """The same store."""
        return self.make_movable(tmp_path)

    def test_rows_of_another_store_come_in_as_they_are(self, tmp_path: Path) -> None:
        """`extend` keeps ids, bytes and digests, and appends go on after it; nothing added is nothing."""
        store, rows = self.make_movable(tmp_path), chain(5)
        store.extend(rows[:2])
        store.extend([])
        store.extend(rows[2:])
        assert list(store.rows(0)) == rows
        assert_one_chain([*rows, store.append(b"next", link)])

    @pytest.mark.parametrize("part", [slice(1, 3), slice(3, 5), slice(0, 1)], ids=["again", "gap", "from-the-start"])
    def test_rows_that_do_not_go_on_are_refused_whole(self, tmp_path: Path, part: slice) -> None:
        """Neither a row that is there already, nor one that leaves a gap, nor those beside them."""
        store, rows = self.make_movable(tmp_path), chain(5)
        store.extend(rows[:2])
        with pytest.raises(IntegrityError):
            store.extend(rows[part])
        with pytest.raises(IntegrityError):
            store.extend([rows[2], rows[4]])
        assert list(store.rows(0)) == rows[:2]

    def test_a_sealed_store_takes_nothing_and_can_be_read(self, tmp_path: Path) -> None:
        """Not by who has it open, nor by who opens it, and the words say why; until the seal is lifted."""
        store, early, words = self.make_movable(tmp_path), self.make_movable(tmp_path), 'it\'s 100% "gone" to: x'
        first = store.append(b"one", link)
        for again in range(2):  # sealing twice is sealing once
            store.seal(words if again else "other words")
        for one in (store, early, self.make_movable(tmp_path)):
            with pytest.raises(ConfigError, match=words) as caught:
                one.append(b"two", link)
            assert caught.value.hint
            with pytest.raises(ConfigError, match=words):
                one.extend([Row(2, b"two", link(first.digest, 2, b"two"))])
            assert list(one.rows(0)) == [first]
        store.seal("")
        store.seal("")
        assert early.append(b"two", link).id == 2
