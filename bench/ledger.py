"""Does the ledger stay quick as it grows? Appends, reading, proofs, verification and memory at three sizes."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random

from common import machine, scratch, spread, write

from pawl.envelope import encode
from pawl.ledger import Ledger, Movable, Row
from pawl.merkle import Tree, leaf_hash
from pawl.records import Isolation, Run, Usage
from pawl.stores.postgresql import PostgresqlStore
from pawl.stores.sqlite import SqliteStore
from pawl.testing import postgresql

SIZES = (10_000, 100_000, 1_000_000)
APPENDS, PROOFS = 200, 1_000
BATCH = 5_000
LARGE = 1_000_000
"""From here on, verification is timed once."""


def record(n: int) -> Run:
    """A run as they are written: about 1 kB."""
    return Run(
        variant=n + 1, seed=n, purpose="screen", outcome="ok", reason="", artifacts=(),
        usage=Usage(wall_s=1.0, cpu_s=1.0, peak_bytes=10**8),
        isolation=Isolation(sandbox="bubblewrap", version="0.8.0", safe=True, held=("no network",) * 8),
        environment="0" * 64, summary={"loss": 1.0}, log="0" * 64, tail="step\n" * 40,
    )  # fmt: skip


def store_at(place: str, size: int) -> Movable:
    """The store of so many entries in a folder, or in a database."""
    if place.startswith("postgresql:"):
        return PostgresqlStore(place, f"size_{size}", study="bench")
    return SqliteStore(Path(place) / f"{size}.sqlite")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    before, figures = machine(), dict[str, object]()
    with ExitStack() as stack:
        places = {"sqlite": str(stack.enter_context(scratch()))}
        programs = postgresql.programs()
        if programs:
            server = stack.enter_context(postgresql.running(programs))
            os.environ["PGPASSFILE"] = str(server.passfile)
            places["postgresql"] = server.url
        for name, place in places.items():
            figures[name] = {
                str(size): filled(place, size) | alone(place, size, options.repetitions) for size in options.sizes
            }
    note = (
        "an append is a Merkle root, one transaction and its flush to disk, under a lease, as in the loop; a poll asks "
        "whether there is a new entry; read: a Ledger takes all entries into memory; peak memory is that of the "
        "process that did this; 'n' of appends are groups of 200. Wall-clock figures are of a machine that others use "
        "too ('load', on 'cores'): compare CPU seconds, which are this process's and not the database server's"
    )
    write("ledger", figures, before, note)


def filled(place: str, size: int) -> dict[str, object]:
    """Fill a store in bulk, many rows a transaction, as a move does."""
    store, tree, rows, seconds = store_at(place, size), Tree(), list[Row](), 0.0
    for n in range(1, size + 1):
        body = encode(record(n), "2026-01-01T00:00:00+00:00")
        rows.append(Row(n, body, tree.append(leaf_hash(body)).hex()))
        if len(rows) == BATCH or n == size:
            seconds += spent(lambda: store.extend(rows))[0]
            rows.clear()
    return {"extended_per_second": round(size / seconds)}


def alone(place: str, size: int, repetitions: int) -> dict[str, object]:
    """`measured` in a process of its own, whose memory is then its own too."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (place, size, repetitions))


def measured(place: str, size: int, repetitions: int) -> dict[str, object]:
    """All figures of one store."""
    store, chance = store_at(place, size), Random(7)
    ledger = Ledger(store)
    read, read_cpu = spent(ledger.all)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    with store.hold("loop", wait=False):
        appends = [spent(lambda: append_some(ledger)) for _ in range(repetitions)]
    polls = [spent(lambda: ledger.after(size + repetitions * APPENDS))[0] for _ in range(PROOFS)]
    places = [chance.randint(1, size) for _ in range(PROOFS)]
    included = [spent(partial(ledger.inclusion, place, size))[0] for place in places]
    consistent = [spent(partial(ledger.consistency, place, size))[0] for place in places]
    verified = [spent(Ledger(store).verify) for _ in range(repetitions if size < LARGE else 1)]
    return {
        "appends_per_second": spread([APPENDS / wall for wall, _ in appends], 0),
        "append_cpu_us": spread([1e6 * cpu / APPENDS for _, cpu in appends], 0), "poll_us": micro(polls),
        "inclusion_us": micro(included), "consistency_us": micro(consistent),
        "verify_s": spread([wall for wall, _ in verified], 2), "verify_cpu_s": spread([cpu for _, cpu in verified], 2),
        "read_s": round(read, 2), "read_cpu_s": round(read_cpu, 2), "peak_memory_gib": round(peak, 2),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def append_some(ledger: Ledger) -> None:
    for n in range(APPENDS):
        ledger.append(record(n))


def spent(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds that something takes, and those of this process's CPU."""
    start, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - start, time.process_time() - cpu


def micro(seconds: list[float]) -> dict[str, object]:
    """Their spread in microseconds."""
    return spread([1e6 * each for each in seconds], 0)


if __name__ == "__main__":
    main()
