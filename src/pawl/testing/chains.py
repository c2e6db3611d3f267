"""Rows as a ledger would have them, for contracts that need some."""

from __future__ import annotations

from collections.abc import Sequence

from pawl.envelope import sha256
from pawl.ledger import GENESIS, Row


def link(previous: str, position: int, body: bytes) -> str:
    """A digest that depends on all that a store has to pass on: a ledger's is a Merkle root."""
    return sha256(b"%s\n%d\n%s" % (previous.encode(), position, body))


def assert_one_chain(rows: Sequence[Row]) -> None:
    """Positions from 1 without gaps, and every digest the link of what stands before it."""
    assert [row.id for row in rows] == list(range(1, len(rows) + 1))
    previous = GENESIS
    for row in rows:
        assert row.digest == link(previous, row.id, row.body)
        previous = row.digest


def chain(count: int) -> list[Row]:
    """Rows as a store would have linked them."""
    rows: list[Row] = []
    for n in range(1, count + 1):
        body = b"row %d" % n
        rows.append(Row(n, body, link(rows[-1].digest if rows else GENESIS, n, body)))
    return rows
