"""Searches of every peer on every task, a row each in bench/rows/peers/PEER.jsonl; what is there is not run again.

    python search/run.py --envs DIR [--peers random,optuna-tpe,...] [--repeats 20] [--tasks ...] [--evaluations 100]

`DIR/NAME` is the virtual environment of a peer's package, made by search/setup.sh. All peers get the same initial
configurations and, evaluation by evaluation, the same seeds."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import past
import tasks
from searching import ROWS, Peer, search

PEERS = ("random", "optuna-tpe", "optuna-cmaes", "optuna-gp", "hebo", "smac", "ax", "pawl", "pawl-priors")


def rows(peer: str) -> list[dict[str, Any]]:
    path = ROWS / "peers" / f"{peer}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=Path, required=True)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--tasks", default=",".join(tasks.DEVELOPMENT))
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--evaluations", type=int, default=100)
    told = parser.parse_args()
    names, found = told.peers.split(","), dict[str, Peer]()
    done = {name: {(row["task"], row["repeat"]) for row in rows(name)} for name in names}
    (ROWS / "peers").mkdir(parents=True, exist_ok=True)
    for repeat, task, name in itertools.product(range(told.repeats), told.tasks.split(","), names):
        if (task, repeat) in done[name]:
            continue
        if name not in found:
            found[name] = Peer(name, told.envs)
        priors = name == "pawl-priors"
        more = (
            {"earlier": [past.runs(other, repeat % past.SETS) for other in tasks.relatives(task)]} if priors else None
        )
        try:
            row = search(found[name], tasks.load(task), repeat, told.evaluations, more)
        except RuntimeError as error:
            print(f"{name} on {task}, repeat {repeat}: {error}", file=sys.stderr)
            found.pop(name).close()
            continue
        with (ROWS / "peers" / f"{name}.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{name:14} {task:24} {repeat:3} {row['wall_s']:7} s  regret {row['regrets'][-1][1]}", flush=True)
    for peer in found.values():
        peer.close()


if __name__ == "__main__":
    main()
