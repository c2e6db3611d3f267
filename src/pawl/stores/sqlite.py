"""The default store: one SQLite file in WAL mode, every append synced to disk before it is acknowledged."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from pawl import durable
from pawl.errors import ConfigError, IntegrityError, PawlError
from pawl.ledger import GENESIS, Row
from pawl.stores.flock import FileLease, file_lease
from pawl.stores.leases import MOVED, SEALED, lost

TABLE = sa.Table(
    "entries",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)
LAST = "SELECT id, digest FROM entries ORDER BY id DESC LIMIT 1"
PATIENCE_S = 5.0
"""How long another process may take to change the file's mode: counted in seconds, since over a file that somebody
overwrote SQLite itself tries for ten before each refusal."""
LOG = "-wal"
"""What the name of the file with the newest rows ends in."""
PAGE = 10_000
"""Rows that are read at once."""
# Not a defence against an attacker with the file in hand (the chain is); a defence against our own mistakes.
APPEND_ONLY = tuple(
    f"CREATE TRIGGER IF NOT EXISTS never_{name} BEFORE {event} "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for name, event in (
        ("update", "UPDATE ON entries"),
        ("delete", "DELETE ON entries"),
        ("replace", "INSERT ON entries WHEN EXISTS (SELECT 1 FROM entries WHERE id = NEW.id)"),
    )
)


@dataclass(frozen=True)
class SqliteStore:
    """Rows in the SQLite file at `path`, which is created if it is missing."""

    path: Path
    _engine: sa.Engine = field(init=False, repr=False, compare=False)
    _nothing_after: dict[int, object] = field(init=False, repr=False, compare=False, default_factory=dict)
    _leases: dict[FileLease, str] = field(init=False, repr=False, compare=False, default_factory=dict)
    _files: dict[str, tuple[int, int]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        url = sa.URL.create("sqlite", database=str(self.path))
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"timeout": 60})
        sa.event.listen(engine, "connect", _durable)
        object.__setattr__(self, "_engine", engine)
        with self._translated(), engine.connect() as connection:
            if not sa.inspect(connection).has_table("entries"):
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                TABLE.metadata.create_all(connection)
                for trigger in APPEND_ONLY:
                    connection.exec_driver_sql(trigger)
                durable.sync((self.path.parent, self.path.parent.parent))  # before any entry is in it: its name
                connection.exec_driver_sql("COMMIT")
            self._files.update(self._found())  # the same ones as long as any connection of this process is open

    @property
    def place(self) -> str:
        return str(self.path)

    def append(self, body: bytes, link: Callable[[str, int, bytes], str]) -> Row:
        with self._writing() as connection:
            id, previous = _last(connection)
            row = Row(id + 1, body, link(previous, id + 1, body))
            connection.execute(TABLE.insert().values(id=row.id, body=body, digest=row.digest))
        return row

    def extend(self, rows: Sequence[Row]) -> None:
        with self._writing() as connection:
            id, _ = _last(connection)
            if [row.id for row in rows] != list(range(id + 1, id + 1 + len(rows))):
                raise IntegrityError(f"the rows do not go on where the ledger {self.path} ends, at {id}")
            if rows:
                connection.execute(TABLE.insert(), [{"id": r.id, "body": r.body, "digest": r.digest} for r in rows])

    def seal(self, words: str) -> None:
        message = (SEALED + words).replace("'", "''")
        with self._writing() as connection:
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS sealed")
            if words:
                connection.exec_driver_sql(
                    f"CREATE TRIGGER sealed BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, '{message}'); END"
                )

    @contextmanager
    def hold(self, name: str, wait: bool) -> Iterator[Callable[[], bool]]:
        path = self.path.with_name(f"{self.path.name}-{name}.lock")
        with file_lease(path, name, self.path, wait) as lease:
            with self._writing():
                pass  # an append that a former holder began is over when this is, and it can begin no other
            self._leases[lease] = name
            try:
                yield lease.held
            finally:
                del self._leases[lease]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction that nobody else writes beside, by a process that still holds its leases."""
        with self._translated(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                before = self._still_there(dict(self._files))
                last = connection.exec_driver_sql(LAST).first()
                if before.get(LOG) != self._files.get(LOG) and self._last_to_a_stranger() != (last and tuple(last)):
                    raise self._was_replaced()
                for lease, name in list(self._leases.items()):
                    if not lease.held():
                        raise lost(name, self.path)
                yield connection
                connection.exec_driver_sql("COMMIT")
                self._files.update(self._still_there(before))  # if it is gone meanwhile, nothing is acknowledged
            except BaseException:
                if connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
                    connection.exec_driver_sql("ROLLBACK")
                raise

    def rows(self, after: int) -> Iterable[Row]:
        stamp = self._stamp()  # taken before looking: what is written after it changes it
        if self._nothing_after.get(after) == stamp:
            return []
        self._still_there(dict(self._files))
        found = self._page(after)
        self._nothing_after.clear()
        if not found:
            self._nothing_after[after] = stamp
        return self._pages(found)

    def _pages(self, page: list[Row]) -> Iterator[Row]:
        """Rows in pages, so that a long ledger need not be in memory twice."""
        while page:
            yield from page
            page = self._page(page[-1].id) if len(page) == PAGE else []

    def _page(self, after: int) -> list[Row]:
        query = sa.select(TABLE).where(TABLE.c.id > after).order_by(TABLE.c.id).limit(PAGE)
        with self._translated(), self._engine.connect() as connection:
            found = connection.execute(query).all()
        if not all(isinstance(row.body, bytes) and isinstance(row.digest, str) for row in found):
            raise IntegrityError(f"the ledger {self.path} holds a row that no append wrote", "pawl ledger verify")
        return [Row(row.id, row.body, row.digest) for row in found]

    def _still_there(self, known: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        """An open file outlives its name, and SQLite does not look whether somebody else cut it: without this,
        entries would go into a ledger that is gone. The log alone may have been emptied: SQLite does that too, when
        it is asked to, and only a connection that remembers nothing can tell who did."""
        found = self._found()
        if {s: inode for s, (inode, _) in found.items()} != {s: inode for s, (inode, _) in known.items()}:
            raise self._was_replaced()
        shorter = {suffix: size for suffix, (_, size) in found.items() if size < known[suffix][1]}
        if shorter not in ({}, {LOG: 0}):
            raise self._was_replaced()
        return found

    def _last_to_a_stranger(self) -> object:
        """The last row as a connection that has read nothing before sees it. Raises IntegrityError."""
        try:
            with closing(sqlite3.connect(self.path)) as connection:
                return connection.execute(LAST).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._was_replaced() from error

    def _was_replaced(self) -> IntegrityError:
        return IntegrityError(
            f"the ledger {self.path} was deleted or replaced while it was in use",
            "restore .pawl from a backup, then: pawl ledger verify",
        )

    def _found(self) -> dict[str, tuple[int, int]]:
        """Inode and bytes of the file, of the log in which SQLite keeps what is newest, and of the index through
        which processes share it."""
        found = {}
        for suffix in ("", LOG, "-shm"):
            with suppress(OSError):
                status = os.stat(f"{self.path}{suffix}")
                found[suffix] = (status.st_ino, status.st_size)
        return found

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        """What changes on disk with every commit, by whichever process: asking the file system is far cheaper than
        asking SQLite, and the loop asks all the time whether anybody wrote."""
        found = []
        for suffix in ("", LOG):
            try:
                status = os.stat(f"{self.path}{suffix}")
            except OSError:
                continue
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(found)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise PawlError(
                f"the ledger {self.path} cannot be used: {error.orig}",
                "free some disk space, make the disk writable or wait for the other process, then type the command "
                "again: nothing is lost",
            ) from error
        except DatabaseError as error:
            if str(error.orig).startswith(SEALED):
                raise ConfigError(f"the ledger {self.path} {error.orig}", MOVED) from error
            raise IntegrityError(f"the ledger {self.path} is damaged: {error.orig}", "pawl ledger verify") from error


def _last(connection: sa.Connection) -> tuple[int, str]:
    """The last row's position and digest; 0 and GENESIS where there is none."""
    last = connection.execute(sa.select(TABLE.c.id, TABLE.c.digest).order_by(TABLE.c.id.desc()).limit(1)).first()
    return (last.id, last.digest) if last else (0, GENESIS)


def _durable(connection: object, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a DB-API connection, untyped in SQLAlchemy
    cursor.execute("PRAGMA synchronous=FULL")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:  # another process is changing the mode: SQLite does not wait for that
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    cursor.close()
