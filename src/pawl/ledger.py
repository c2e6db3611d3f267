"""The memory: an append-only log of records, one Merkle tree over all of them.

A step of the loop takes `Entry[X]`, proof that X is in the ledger, and never a bare X. Only a ledger makes
entries. Ids are positions in the log, not content: two identical turns do not share an id. An entry's digest is the
root of the tree that ends with it, so that it vouches for all history before it too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar, runtime_checkable

from pawl.envelope import decode, encode
from pawl.errors import ConfigError, IntegrityError
from pawl.merkle import EMPTY, Tree, leaf_hash
from pawl.records import Record

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)
GENESIS = EMPTY.hex()
"""What stands before the first entry: the root of the empty tree."""


@dataclass(frozen=True, slots=True)
class Row:
    """One stored entry: its position (from 1), the bytes, and the root of the tree up to here (hex sha256)."""

    id: int
    body: bytes
    digest: str


class Store(Protocol):
    """Where rows live. A store never changes or removes a row that it acknowledged."""

    def append(self, body: bytes, link: Callable[[str, int, bytes], str]) -> Row:
        """Add one row after the last, in one transaction with reading the last; durable on return.

        `link` is told the last row's digest (GENESIS where there is none), the new row's position and its body; it
        gives the new row's digest, or raises, and then nothing is written."""
        ...

    def rows(self, after: int) -> Iterable[Row]:
        """All rows with id > after, in order. What another process was told is written is among them."""
        ...

    def hold(self, name: str, wait: bool) -> AbstractContextManager[Callable[[], bool]]:
        """The lease `name`, which one process of all at this place has at a time; ConfigError where another has it and
        `wait` is false. A process that dies loses it at once.

        Gives a function that says whether it is still held. Until it is given back, every append through this store
        object needs it: once it is lost they raise PawlError, and none of them lands after the next holder began."""
        ...


@runtime_checkable
class Movable(Store, Protocol):
    """A store that a whole ledger can be moved out of and into."""

    @property
    def place(self) -> str:
        """Where it is, for people; never a password."""
        ...

    def extend(self, rows: Sequence[Row]) -> None:
        """Add rows as they stand in another store, all or none. Raises IntegrityError if they do not go on where
        this store ends. Whether digests are right is for `Ledger.verify` to say."""
        ...

    def seal(self, words: str) -> None:
        """From now on every append and extend, by whichever process, raises ConfigError with these words. Without
        words: they are accepted again."""
        ...


@dataclass(frozen=True, slots=True)
class Entry(Generic[R_co]):
    """A record proven to be in the ledger: its id, when it was written (ISO 8601 UTC), the tree's root."""

    id: int
    at: str
    digest: str
    record: R_co


class _Behind(Exception):
    """Somebody else appended meanwhile."""


class Ledger:
    """Append and read. Safe to share among threads; other processes may append to the same store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._entries: list[Entry[Record]] = []
        self._by_kind: dict[type[Record], list[Entry[Record]]] = {}
        self._indexes: dict[tuple[type[Record], tuple[str, ...]], tuple[dict[object, Entry[Record]], int]] = {}
        self._tree = Tree()

    def append(self, record: R) -> Entry[R]:
        """Write a record down; when this returns, it will survive a power cut. Raises IntegrityError if the store no
        longer holds what this process read in it.

        The clock is only informative: order is the log's, so a clock that jumps back harms nothing."""
        body = encode(record, datetime.now(UTC).isoformat(timespec="seconds"))
        with self._lock:
            while True:
                try:
                    row = self._store.append(body, self._link)
                    break
                except _Behind:
                    self._refresh()
            self._take([row])
            return self._entries[row.id - 1]  # type: ignore[return-value]  # decoded from what `record` became

    def _link(self, previous: str, position: int, body: bytes) -> str:
        """The root after one more entry, if the store still ends where this process knows it."""
        if position > self._tree.size + 1:
            raise _Behind
        if position <= self._tree.size or previous != self._tree.root(self._tree.size).hex():
            raise IntegrityError(
                f"the ledger ends before entry {position}, and this process has read {self._tree.size}: it was rolled "
                "back or rewritten", "pawl ledger verify   (restore .pawl from a backup)",
            )  # fmt: skip
        return self._tree.root_with(leaf_hash(body)).hex()

    def all(self) -> list[Entry[Record]]:
        """Every entry, oldest first."""
        with self._lock:
            self._refresh()
            return list(self._entries)

    def after(self, id: int) -> list[Entry[Record]]:
        """Every entry whose id is larger, oldest first."""
        with self._lock:
            self._refresh()
            return self._entries[id:]

    def entries(self, kind: type[R]) -> list[Entry[R]]:
        """All entries of one kind, oldest first."""
        with self._lock:
            self._refresh()
            return list(self._by_kind.get(kind, ()))  # type: ignore[arg-type]  # filed by exact type

    def last(self, kind: type[R]) -> Entry[R] | None:
        """The newest entry of a kind, or None if there is none."""
        found = self.entries(kind)
        return found[-1] if found else None

    def find(self, kind: type[R], **fields: object) -> Entry[R] | None:
        """The newest entry of a kind whose fields have these values: how a step learns that it was done before."""
        names = tuple(fields)
        with self._lock:
            self._refresh()
            index, seen = self._indexes.get((kind, names), ({}, 0))
            entries = self._by_kind.get(kind, [])
            for entry in entries[seen:]:
                index[tuple(getattr(entry.record, name) for name in names)] = entry
            self._indexes[kind, names] = (index, len(entries))
        return index.get(tuple(fields.values()))  # type: ignore[return-value]  # entries of this kind

    def get(self, id: int, kind: type[R]) -> Entry[R]:
        """Entry `id`, which must be of this kind. Raises ConfigError otherwise."""
        entry = self.any(id)
        if not isinstance(entry.record, kind):
            found = type(entry.record).__name__
            raise ConfigError(f"entry {id} is a {found.lower()}, not a {kind.__name__.lower()}", "pawl status")
        return entry  # type: ignore[return-value]  # just checked

    def any(self, id: int) -> Entry[Record]:
        """Entry `id`, whatever it is. Raises ConfigError if there is none."""
        with self._lock:
            if id > len(self._entries):  # what is known never changes, so that only what is not is looked for
                self._refresh()
            if not 1 <= id <= len(self._entries):
                raise ConfigError(f"the ledger has no entry {id}; its last is {len(self._entries)}", "pawl status")
            return self._entries[id - 1]

    def root(self, size: int) -> bytes:
        """The root of the tree over the first `size` entries. Raises IntegrityError if there are fewer."""
        with self._lock:
            self._refresh()
            return self._tree.root(size)

    def inclusion(self, id: int, size: int) -> list[bytes]:
        """The proof that entry `id` is among the first `size` (RFC 9162). Raises IntegrityError."""
        with self._lock:
            self._refresh()
            return self._tree.inclusion(id - 1, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the first `new` entries begin with the first `old`, unchanged. Raises IntegrityError."""
        with self._lock:
            self._refresh()
            return self._tree.consistency(old, new)

    def rows(self, after: int = 0) -> Iterable[Row]:
        """The stored rows themselves, for who passes them on: what is hashed is these bytes."""
        return self._store.rows(after)

    def verify(self) -> int:
        """Read every stored row again and check the tree; the number of entries. Raises IntegrityError."""
        with self._lock:
            known = [entry.digest for entry in self._entries]
        tree = Tree()
        for row, _, _ in _checked(self._store.rows(0), tree):
            if row.id <= len(known) and row.digest != known[row.id - 1]:
                raise IntegrityError(
                    f"ledger entry {row.id} is not what this process read before: history was rewritten"
                )
        if tree.size < len(known):
            raise IntegrityError(f"the ledger has {tree.size} entries and had {len(known)}: its end was cut off")
        return tree.size

    def _refresh(self) -> None:
        self._take(self._store.rows(self._tree.size))

    def _take(self, rows: Iterable[Row]) -> None:
        for row, record, at in _checked(rows, self._tree):
            entry = Entry(row.id, at, row.digest, record)
            self._entries.append(entry)
            self._by_kind.setdefault(type(record), []).append(entry)


def _checked(rows: Iterable[Row], tree: Tree) -> Iterator[tuple[Row, Record, str]]:
    """Rows that go on where `tree` ends, each checked, then added to it."""
    for row in rows:
        position, leaf = tree.size + 1, leaf_hash(row.body)
        if row.id != position:
            raise IntegrityError(f"ledger entry {position} is missing: the next is {row.id}", "pawl ledger verify")
        if row.digest != tree.root_with(leaf).hex():
            raise IntegrityError(f"ledger entry {row.id} is not what was written", "pawl ledger verify")
        record, at = decode(row.body)
        tree.append(leaf)
        yield row, record, at
