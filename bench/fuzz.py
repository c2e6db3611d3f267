"""Is any change of an auditor's bundle overlooked? Ten thousand damaged ones, each shown to both verifiers."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from random import Random

from common import machine, scratch, write

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from bundles import made
from conftest import make_key
from damage import BYTES, STRUCTURE, Fuzz


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    before, start = machine(), time.perf_counter()
    with scratch() as folder:
        people = {name: make_key(folder / "keys", name) for name in ("ada", "bob", "eve")}
        fuzz = Fuzz(made(folder, people), Random(options.seed))
        fuzz.bytes(options.changes * 6 // 10 // len(BYTES))
        fuzz.structure(options.changes // 10 // len(STRUCTURE), None)
        fuzz.structure(options.changes * 2 // 10 // len(STRUCTURE), fuzz.made.key)
        fuzz.histories(options.changes * 7 // 100, late=False)
        fuzz.histories(options.changes * 3 // 100, late=True)
        sizes = {"first": len(fuzz.made.first), "second, whole": len(fuzz.made.second)}
    tally = fuzz.tally
    kinds = {kind: {"tried": count, "refused": tally.refused[kind]} for kind, count in tally.tried.items()}
    figures = {
        "tried": sum(tally.tried.values()), "refused": sum(tally.refused.values()), "kinds": kinds,
        "accepted": tally.immaterial, "bundle_bytes": sizes,
        "seconds": round(time.perf_counter() - start), "seed": options.seed,
    }  # fmt: skip
    write("fuzz", figures, before, "stops with an error at the first disagreement, or change that is overlooked")


if __name__ == "__main__":
    main()
