"""A ledger in PostgreSQL, for a study that more than one machine works on.

A commit is flushed to the server's disk before an append returns. An append that raises because the connection broke
was either written or not: nothing that was acknowledged is lost, and the next call connects again and sees which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from pawl.errors import ConfigError, IntegrityError, PawlError
from pawl.ledger import GENESIS, Row
from pawl.stores import schema as tables
from pawl.stores.address import driver, parameters
from pawl.stores.advisory import BEGIN, AdvisoryLease, advisory_lease, lock_key
from pawl.stores.leases import MOVED, SEALED, lost

PAGE = 1_000
"""Rows that are read at once."""
SESSION = (
    # whatever the database's default is, what is acknowledged is on disk; a stricter setting stays
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') <> 'remote_apply'",
    # a machine that vanishes must not keep a lease, and a server must not end a connection that only keeps one
    "SELECT set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false), "
    "set_config('tcp_keepalives_count', '3', false)",
    "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'",  # since version 14
)


@dataclass(frozen=True)
class PostgresqlStore:
    """Rows in the database at `url`, in `schema`, which is created if it is missing.

    `url` is libpq's (`postgresql://USER@HOST/DATABASE`) and holds no password: libpq takes it from ~/.pgpass or
    PGPASSWORD. A schema belongs to one study; its machines share it by naming the same one."""

    url: str = ""
    schema: str = "pawl"
    study: str = field(kw_only=True)
    _engine: sa.Engine = field(init=False, repr=False, compare=False)
    _table: sa.Table = field(init=False, repr=False, compare=False)
    _leases: list[AdvisoryLease] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        psycopg, told = driver(), parameters(self.url)
        engine = sa.create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(**told), isolation_level="AUTOCOMMIT",
            use_native_hstore=False,
        )  # fmt: skip
        sa.event.listen(engine, "connect", _durable)
        object.__setattr__(self, "_engine", engine)
        object.__setattr__(self, "_table", tables.entries(tables.checked(self.schema)))
        with self._translated(), engine.connect() as connection:
            self._open(connection)

    @property
    def place(self) -> str:
        """The URL and the schema."""
        return f"{self.url}, schema {self.schema}"

    def append(self, body: bytes, link: Callable[[str, int, bytes], str]) -> Row:
        with self._writing() as connection:
            id, previous = self._last(connection)
            row = Row(id + 1, body, link(previous, id + 1, body))
            connection.execute(self._table.insert().values(id=row.id, body=body, digest=row.digest))
        return row

    def rows(self, after: int) -> Iterable[Row]:
        # One look at the primary key's end, each time. NOTIFY would save it, and tell of an entry some time after the
        # process that wrote it went on: a reader who was told of it by other ways would not find it.
        page = self._page(after)
        return self._pages(page) if page else []

    def extend(self, rows: Sequence[Row]) -> None:
        with self._writing() as connection:
            id, _ = self._last(connection)
            if [row.id for row in rows] != list(range(id + 1, id + 1 + len(rows))):
                raise IntegrityError(f"the rows do not go on where the ledger in {self.place} ends, at {id}")
            if rows:
                found = [{"id": row.id, "body": row.body, "digest": row.digest} for row in rows]
                connection.execute(self._table.insert(), found)

    def seal(self, words: str) -> None:
        with self._writing() as connection:
            tables.seal(connection, self.schema, SEALED + words if words else "")

    @contextmanager
    def hold(self, name: str, wait: bool) -> Iterator[Callable[[], bool]]:
        with self._translated():
            connection = self._engine.connect()
            connection.detach()  # from the pool: to close it is to end the session, and with it the lock
        with connection:
            held = advisory_lease(connection, self.schema, name, self.place, wait)
            with self._translated():
                lease = held.__enter__()
            self._leases.append(lease)
            try:
                yield lambda: self._holds(lease)
            finally:
                self._leases.remove(lease)
                held.__exit__(None, None, None)

    def _holds(self, lease: AdvisoryLease) -> bool:
        """Silence is a no: a server that cannot be asked may have given the lease to another."""
        if lease not in self._leases:
            return False
        try:
            with self._translated(), self._engine.connect() as connection:
                return lease.standing(connection)
        except PawlError:
            return False

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction that nobody else writes beside, by a process that still holds its leases."""
        with self._translated(), self._engine.connect() as connection:
            connection.exec_driver_sql(BEGIN)
            try:
                lock = sa.text("SELECT pg_advisory_xact_lock(:key)")
                connection.execute(lock, {"key": lock_key(self.schema, "append")})
                for lease in list(self._leases):
                    if not lease.standing(connection):
                        raise lost(lease.name, self.place)
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                with suppress(SQLAlchemyError):  # the connection is gone, and the transaction with it
                    connection.exec_driver_sql("ROLLBACK")
                raise

    def _last(self, connection: sa.Connection) -> tuple[int, str]:
        """The last row's position and digest; 0 and GENESIS where there is none."""
        table = self._table.c
        last = connection.execute(sa.select(table.id, table.digest).order_by(table.id.desc()).limit(1)).first()
        return (last.id, last.digest) if last else (0, GENESIS)

    def _pages(self, page: list[Row]) -> Iterator[Row]:
        """Rows in pages, so that a long ledger need not be in memory twice."""
        while page:
            yield from page
            page = self._page(page[-1].id) if len(page) == PAGE else []

    def _page(self, after: int) -> list[Row]:
        query = sa.select(self._table).where(self._table.c.id > after).order_by(self._table.c.id).limit(PAGE)
        with self._translated(), self._engine.connect() as connection:
            return [Row(row.id, bytes(row.body), row.digest) for row in connection.execute(query)]

    def _open(self, connection: sa.Connection) -> None:
        """Make the schema if it is missing; refuse a server that does not flush, and another study's ledger."""
        if connection.exec_driver_sql("SHOW fsync").scalar() != "on":
            raise ConfigError(f"{self.url} runs with fsync = off: entries would not survive a power cut", "turn it on")
        exists = sa.text("SELECT to_regclass(:table) IS NOT NULL")
        connection.exec_driver_sql(BEGIN)
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(self.schema, "create")})
        if not connection.execute(exists, {"table": f"{self.schema}.entries"}).scalar():
            tables.create(connection, self.schema, self.study)
        connection.exec_driver_sql("COMMIT")
        owner = connection.exec_driver_sql(f"SELECT study FROM {self.schema}.about").scalar()
        if owner != self.study:
            raise ConfigError(
                f"{self.place} holds the ledger of the study '{owner}', and this is '{self.study}'",
                "give [store] another schema, such as schema = \"pawl_2\"",
            )  # fmt: skip

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._explained(error) from error

    def _explained(self, error: DBAPIError) -> PawlError:
        """What went wrong, by the server's code: none at all where there is no server to give one."""
        code, said = getattr(error.orig, "sqlstate", None) or "", str(error.orig).strip().partition("\n")[0]
        if code == tables.REFUSED and said.startswith(SEALED):
            return ConfigError(f"the ledger in {self.place} {said}", MOVED)
        if code == "42501":
            return ConfigError(f"{self.place} is not open to this user: {said}", "GRANT it, or name another user")
        if code.startswith(("42", "23", "XX")):
            return IntegrityError(f"the ledger in {self.place} is damaged: {said}", "pawl ledger verify")
        return PawlError(
            f"the ledger in {self.place} cannot be used: {said}",
            "start the server or mend the way to it (a password: ~/.pgpass), then type the command again: "
            "nothing is lost",
        )


def _durable(connection: object, _record: ConnectionPoolEntry) -> None:
    for statement in SESSION:
        connection.execute(statement)  # type: ignore[attr-defined]  # a driver's connection, untyped in SQLAlchemy
