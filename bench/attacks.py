"""How many of the attacks does the sandbox stop here? Each is run as a study's training would be, some times over."""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from common import machine, spread, write

from pawl import app, redteam
from pawl.attacks.catalogue import KINDS, markdown

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "attacks.md"
TABLE = re.compile(r"^\| attack \|.*?(?=^$|\Z)", re.MULTILINE | re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="Only write the catalogue into the page about attacks.")
    options = parser.parse_args()
    if options.page:
        PAGE.write_text(TABLE.sub(lambda _: markdown() + "\n", PAGE.read_text()))
        return
    before, rounds, seconds = machine(), [], []
    for _ in range(options.repetitions):
        start = time.perf_counter()
        rounds.append(list(redteam.run(app.sandbox())))
        seconds.append(time.perf_counter() - start)
    write("attacks", figures(rounds, seconds), before, "an attack counts as stopped if it was in every repetition")


def figures(rounds: Sequence[Sequence[redteam.Attempt]], seconds: Sequence[float]) -> dict[str, object]:
    by_attack = list(zip(*rounds, strict=True))
    standings = {tries[0].name: standing(tries) for tries in by_attack}
    kinds = {kind: Counter(standings[t[0].name] for t in by_attack if t[0].kind == kind) for kind in KINDS}
    return {
        "tried": len(by_attack), **Counter(standings.values()),
        "by_kind": {kind: dict(sorted(count.items())) for kind, count in kinds.items()},
        "disagreements_between_repetitions": [t[0].name for t in by_attack if len({x.stopped for x in t}) > 1],
        "seconds_for_all": spread(seconds, 1),
        "attacks": [
            {"name": t[0].name, "standing": standings[t[0].name], "evidence": t[0].evidence} for t in by_attack
        ],
    }  # fmt: skip


def standing(tries: Sequence[redteam.Attempt]) -> str:
    """The worst of all repetitions: `got_out`, `open`, `stopped`."""
    if all(attempt.stopped for attempt in tries):
        return "stopped"
    return "got_out" if any(attempt.failed for attempt in tries) else "open"


if __name__ == "__main__":
    main()
