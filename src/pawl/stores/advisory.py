"""A lease in PostgreSQL: a session lock on a connection of its own, with a number that grows with every holder.

The lock goes when its connection does: with the process, the machine or the network between. The number is the fence:
whoever appends looks, in the append's own transaction, whether its number is still the newest *and* its connection
still holds the lock. Taking a lease waits for appends under way, so that none of a former holder lands after it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from pawl.stores.leases import taken, whoever

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
"""Each statement sees what was committed before it: what follows a lock sees what its last holder wrote."""
POLL = 0.2
"""Seconds between two tries of who waits. A wait inside the server would keep a snapshot open, perhaps for days, and
so keep every other database user's dead rows from being cleaned away."""


def lock_key(schema: str, name: str) -> int:
    """The number of an advisory lock, 64 bits with a sign, which nobody else's program is likely to use."""
    return int.from_bytes(hashlib.sha256(f"pawl {schema} {name}".encode()).digest()[:8], "big", signed=True)


@dataclass(frozen=True)
class AdvisoryLease:
    """What one holder has: the server process that locks for it, and its number."""

    schema: str
    name: str
    backend: int
    generation: int

    def standing(self, connection: sa.Connection) -> bool:
        """Whether nobody took it since and the server still locks it for this holder."""
        key = lock_key(self.schema, self.name) % 2**64
        query = sa.text(
            f"SELECT (SELECT generation FROM {self.schema}.leases WHERE name = :name) = :generation AND EXISTS ("
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = :backend AND objsubid = 1 "
            "AND classid::bigint = :high AND objid::bigint = :low "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        told = {
            "name": self.name, "generation": self.generation, "backend": self.backend, "high": key >> 32,
            "low": key % 2**32,
        }  # fmt: skip
        return bool(connection.execute(query, told).scalar())


@contextmanager
def advisory_lease(
    connection: sa.Connection, schema: str, name: str, place: str, wait: bool
) -> Iterator[AdvisoryLease]:
    """Hold a lease for as long as this connection lives, at most. Raises ConfigError if it is taken and `wait` is
    false."""
    key = lock_key(schema, name)
    while not connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
        if not wait:
            query = sa.text(f"SELECT holder FROM {schema}.leases WHERE name = :name")
            raise taken(name, place, connection.execute(query, {"name": name}).scalar() or "")
        time.sleep(POLL)
    try:
        yield AdvisoryLease(schema, name, _backend(connection), _next_generation(connection, schema, name))
    finally:
        with suppress(SQLAlchemyError):  # a connection that is gone has freed it
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": key})


def _backend(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def _next_generation(connection: sa.Connection, schema: str, name: str) -> int:
    """A number that no holder had, given out when no append is under way."""
    connection.exec_driver_sql(BEGIN)
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(schema, "append")})
    query = sa.text(
        f"INSERT INTO {schema}.leases AS l VALUES (:name, 1, :holder) "
        "ON CONFLICT (name) DO UPDATE SET generation = l.generation + 1, holder = :holder RETURNING generation"
    )
    found = int(connection.execute(query, {"name": name, "holder": whoever()}).scalar_one())
    connection.exec_driver_sql("COMMIT")
    return found
