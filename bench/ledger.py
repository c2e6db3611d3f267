"""How fast is the ledger? Durable appends a second, and verifying 100,000 entries."""

from __future__ import annotations

import argparse
import time

from common import machine, scratch, spread, write

from pawl.envelope import encode
from pawl.ledger import Ledger
from pawl.merkle import Tree, leaf_hash
from pawl.records import Isolation, Run, Usage
from pawl.stores.sqlite import TABLE, SqliteStore


def record(n: int) -> Run:
    """A run as they are written: about 1 kB."""
    return Run(
        variant=n + 1, seed=n, purpose="screen", outcome="ok", reason="", artifacts=(),
        usage=Usage(wall_s=1.0, cpu_s=1.0, peak_bytes=10**8),
        isolation=Isolation(sandbox="bubblewrap", version="0.8.0", safe=True, held=("no network",) * 8),
        environment="0" * 64, summary={"loss": 1.0}, log="0" * 64, tail="step\n" * 40,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    before = machine()
    with scratch() as folder:
        appends = []
        for n in range(options.repetitions):
            ledger = Ledger(SqliteStore(folder / f"append-{n}.sqlite"))
            start = time.perf_counter()
            for m in range(500):
                ledger.append(record(m))
            appends.append(500 / (time.perf_counter() - start))
        store = SqliteStore(folder / "large.sqlite")
        fill(store, options.entries)
        verifies = []
        for _ in range(options.repetitions):
            start = time.perf_counter()
            assert Ledger(store).verify() == options.entries
            verifies.append((time.perf_counter() - start) * 100_000 / options.entries)
        size = (folder / "large.sqlite").stat().st_size / 2**20
    figures = {
        "appends_per_second": spread(appends, 0), "verify_seconds_per_100000_entries": spread(verifies, 2),
        "bytes_per_entry": round(size * 2**20 / options.entries),
    }  # fmt: skip
    write("ledger", figures, before, "each append is synced to disk before it is acknowledged")


def fill(store: SqliteStore, count: int) -> None:
    """Many rows in one transaction: the bench reads them, it does not time how they came."""
    rows, tree = [], Tree()
    for n in range(1, count + 1):
        body = encode(record(n), "2026-01-01T00:00:00+00:00")
        rows.append({"id": n, "body": body, "digest": tree.append(leaf_hash(body)).hex()})
    with store._engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.execute(TABLE.insert(), rows)
        connection.exec_driver_sql("COMMIT")


if __name__ == "__main__":
    main()
