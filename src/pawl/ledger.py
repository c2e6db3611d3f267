"""The memory: an append-only, chained log of records.

A step of the loop takes `Entry[X]`, proof that X is in the ledger, and never a bare X. Only a ledger makes
entries. Ids are positions in the chain, not content: two identical turns do not share an id.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from pawl.envelope import GENESIS, decode, encode, link
from pawl.errors import ConfigError, IntegrityError
from pawl.records import Record

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One stored entry: its position (from 1), the bytes, and the chain's digest up to here (hex sha256)."""

    id: int
    body: bytes
    digest: str


class Store(Protocol):
    """Where rows live. A store never changes or removes a row that it acknowledged."""

    def append(self, body: bytes, link: Callable[[str, int, bytes], str]) -> Row:
        """Add one row after the last, in one transaction with reading the last; durable on return."""
        ...

    def rows(self, after: int) -> Iterable[Row]:
        """All rows with id > after, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Entry(Generic[R_co]):
    """A record proven to be in the ledger: its id, when it was written (ISO 8601 UTC), the chain's digest."""

    id: int
    at: str
    digest: str
    record: R_co


class Ledger:
    """Append and read. Safe to share among threads; other processes may append to the same store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._entries: list[Entry[Record]] = []
        self._by_kind: dict[type[Record], list[Entry[Record]]] = {}

    def append(self, record: R) -> Entry[R]:
        """Write a record down; when this returns, it will survive a power cut.

        The clock is only informative: order is the chain's, so a clock that jumps back harms nothing."""
        with self._lock:
            row = self._store.append(encode(record, datetime.now(UTC).isoformat(timespec="seconds")), link)
            last = self._entries[-1] if self._entries else None
            if row.id == len(self._entries) + 1:
                self._take([row], last.digest if last else GENESIS, row.id - 1)
            else:  # somebody else wrote in between
                self._refresh()
            entry = self._entries[row.id - 1]
        if entry.digest != row.digest:
            raise IntegrityError(f"entry {row.id} changed while it was written", "pawl ledger verify")
        return entry  # type: ignore[return-value]  # decoded from the very bytes that `record` became

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
        for entry in reversed(self.entries(kind)):
            if all(getattr(entry.record, name) == value for name, value in fields.items()):
                return entry
        return None

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

    def verify(self) -> int:
        """Read every stored row again and check the chain; the number of entries. Raises IntegrityError."""
        with self._lock:
            known = [entry.digest for entry in self._entries]
        count = 0
        for row, _, _ in _checked(self._store.rows(0), GENESIS, 0):
            count = row.id
            if count <= len(known) and row.digest != known[count - 1]:
                raise IntegrityError(
                    f"ledger entry {count} is not what this process read before: history was rewritten"
                )
        if count < len(known):
            raise IntegrityError(f"the ledger has {count} entries and had {len(known)}: its end was cut off")
        return count

    def _refresh(self) -> None:
        last = self._entries[-1] if self._entries else None
        after, previous = (last.id, last.digest) if last else (0, GENESIS)
        self._take(self._store.rows(after), previous, after)

    def _take(self, rows: Iterable[Row], previous: str, after: int) -> None:
        for row, record, at in _checked(rows, previous, after):
            entry = Entry(row.id, at, row.digest, record)
            self._entries.append(entry)
            self._by_kind.setdefault(type(record), []).append(entry)


def _checked(rows: Iterable[Row], previous: str, position: int) -> Iterator[tuple[Row, Record, str]]:
    for row in rows:
        position += 1
        if row.id != position:
            raise IntegrityError(f"ledger entry {position} is missing: the next is {row.id}", "pawl ledger verify")
        if row.digest != link(previous, row.id, row.body):
            raise IntegrityError(f"ledger entry {row.id} is not what was written", "pawl ledger verify")
        previous = row.digest
        record, at = decode(row.body)
        yield row, record, at
