"""A ledger moves to another store: copied, verified against the old one root by root, and only then used.

It can be killed at any instant and typed again. Until pawl.toml names the new store, the old one is the ledger and the
copy is a beginning of it; from the seal on, nobody can add to the old one behind the copy's back.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pawl.errors import ConfigError, IntegrityError
from pawl.ledger import GENESIS, Ledger, Movable, Row, Store
from pawl.tables import PartTable

BATCH_ROWS, BATCH_BYTES = 1_000, 8 * 2**20
LEASES = ("loop", "decision")
Said = Callable[[int, int], None]
"""Told how many of how many entries are copied."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was verified: the number of entries and the Merkle root (hex) in both stores; where they are; whether
    pawl.toml names the new one (else `table` has to be written there by hand)."""

    entries: int
    root_before: str
    root_after: str
    old: str
    new: str
    switched: bool
    table: str


def table(to: str, schema: str) -> PartTable:
    """The `[store]` table of a place that is named on a command line: `sqlite`, or a PostgreSQL URL."""
    if to == "sqlite":
        return PartTable(use="sqlite")
    return PartTable(use="postgresql", url=to, schema=schema)


def movable(store: Store) -> Movable:
    """The same store. Raises ConfigError if a whole ledger cannot be moved out of it or into it."""
    if not isinstance(store, Movable):
        raise ConfigError(
            f"the store {type(store).__name__} cannot be moved: it lacks extend and seal", "pawl parts store"
        )
    return store


def move(old: Movable, new: Movable, said: Said, switch: Callable[[], bool]) -> tuple[int, str, str, bool]:
    """Entries, root before, root after, and what `switch` said, which is called when both roots are the same.

    Raises ConfigError while a loop runs or if `new` holds another history, IntegrityError if `old` is damaged or the
    copy is not what was copied; `old` then goes on as before."""
    with ExitStack() as held:
        for store in (old, new):
            for name in LEASES:
                held.enter_context(store.hold(name, wait=False))
        total = Ledger(old).verify()
        done = _begun(new, old)
        new.seal("")  # an earlier move may have gone out of it
        done = _copy(old, new, done, total, said)  # the long part: people may still propose meanwhile
        try:
            old.seal(f"it was moved to {new.place}")
            _copy(old, new, done, total, said)
            before, after = standing(old), standing(new)
            if before != after:
                raise IntegrityError(f"the copy in {new.place} has root {after[1]}, and the ledger {before[1]}")
        except BaseException:
            old.seal("")
            raise
        return before[0], before[1], after[1], switch()  # if this fails, neither store is written to: type it again


def standing(store: Movable) -> tuple[int, str]:
    """The number of entries and their Merkle root (hex), after every row was read and checked. Raises
    IntegrityError."""
    entries = Ledger(store).verify()
    return entries, next((row.digest for row in store.rows(entries - 1)), GENESIS) if entries else GENESIS


def switch(path: Path, old: PartTable, new: PartTable) -> bool:
    """Name the new store in pawl.toml, at one stroke. False if the file has a `[store]` table of somebody's own.
    Raises ConfigError if it cannot be written."""
    path, text = path.resolve(), path.read_text()
    if "store" in tomllib.loads(text):
        if not block(old) or not text.endswith(block(old)):
            return False
        text = text.removesuffix(block(old))
    try:
        _write(path, text + ("" if text.endswith("\n") else "\n") + block(new))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}; the copy is complete, and nobody can write to either store",
            "mend that, then type the same command again   (or: pawl db unseal)",
        ) from error
    return True


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.chmod(path.stat().st_mode)
    beside.replace(path)


def block(store: PartTable) -> str:
    """What pawl.toml says of a store; nothing of the default one."""
    if store == PartTable(use="sqlite"):
        return ""
    lines = [f"{name} = {json.dumps(value)}" for name, value in {"use": store.use, **store.settings()}.items()]
    return "\n[store]\n" + "\n".join(lines) + "\n"


def _begun(new: Movable, old: Movable) -> int:
    """How many entries of `old` are in `new` already. Raises ConfigError if anything else is."""
    theirs, done = iter(old.rows(0)), 0
    for row in new.rows(0):
        if next(theirs, None) != row:
            raise ConfigError(
                f"{new.place} already holds another history: its entry {row.id} is not the one in {old.place}",
                "move into an empty place   (for PostgreSQL: --schema ANOTHER)",
            )
        done = row.id
    return done


def _copy(old: Movable, new: Movable, done: int, total: int, said: Said) -> int:
    for batch in _batches(old.rows(done)):
        new.extend(batch)
        done = batch[-1].id
        said(done, max(total, done))
    return done


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows by the thousand, or fewer where they are large."""
    batch, size = list[Row](), 0
    for row in rows:
        batch.append(row)
        size += len(row.body)
        if len(batch) == BATCH_ROWS or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
