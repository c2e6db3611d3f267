"""Earlier studies, to be remembered in others: searches of Pawl's sampler without priors, with all that they ran, in
bench/rows/past.jsonl; what is there is not run again.

    python search/past.py --envs DIR [--repeats 6] [--tasks ...]"""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path

import tasks
from searching import ROWS, Peer, search

FILE = ROWS / "past.jsonl"
SETS = 3
"""How many sets of earlier studies the searches with priors take in turn, repeat after repeat."""
APART = 1000
"""Added to a repeat, so that no initial points or seeds are those of a search that is measured."""


@functools.cache
def known() -> dict[tuple[str, int], list[object]]:
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    return {(row["task"], row["repeat"]): row["runs"] for row in map(json.loads, lines)}


def runs(task: str, repeat: int) -> list[object]:
    """[point, loss] of an earlier study in order. Raises KeyError if it was not made."""
    return known()[task, repeat]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=Path, required=True)
    parser.add_argument("--tasks", default=",".join(tasks.DEVELOPMENT + tasks.CELLS))
    parser.add_argument("--repeats", type=int, default=SETS)
    told, done = parser.parse_args(), known()
    peer = Peer("pawl", told.envs)
    for repeat in range(told.repeats):
        for task in told.tasks.split(","):
            if (task, repeat) in done:
                continue
            seen: list[object] = []
            search(peer, tasks.load(task), APART + repeat, 100, None, seen)
            with FILE.open("a") as file:
                file.write(json.dumps({"task": task, "repeat": repeat, "runs": seen}) + "\n")
            print(task, repeat, flush=True)
    peer.close()


if __name__ == "__main__":
    main()
