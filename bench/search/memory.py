"""What earlier studies are worth: searches with priors from 0, 1, 4, 16 of them, and from 16 whose losses were dealt
out anew among their configurations (a placebo), in bench/rows/memory.jsonl; what is there is not run again. Figures,
from all rows: bench/results/memory.json.

    python search/memory.py --envs DIR [--repeats 2]

Earlier studies are searches of the same kind on the other tasks with the same space (search/past.py makes them; one of
each task, then a second of each, and so on), never on the task itself. It is the sampler alone: the proposer begins
with up to four of the best earlier configurations, which is left out here. Every search begins with 8 configurations by
chance (with priors: every other one), and has 60 evaluations. Intervals are too short with few tasks."""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean

import numpy as np
import past
import tasks
from searching import ROWS, Peer, search

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common

FILE = ROWS / "memory.jsonl"
EVALUATIONS, STARTUP, DRAWS = 60, 8, 10_000
ARMS = ("0", "1", "4", "16", "16 shuffled")


def earlier(task: str, arm: str, repeat: int) -> list[object]:
    """So many studies of relatives, in an order of their own in each repeat."""
    draw = random.Random(f"earlier/{task}/{repeat}")
    others = tasks.relatives(task)
    draw.shuffle(others)
    found = [past.runs(other, n) for n in range(6) for other in others if (other, n) in past.known()]
    many = int(arm.split()[0])
    if len(found) < many:
        raise SystemExit(f"there are {len(found)} earlier studies for {task}: python search/past.py --repeats 6")
    return [dealt(runs, draw) for runs in found[:many]] if "shuffled" in arm else found[:many]


def dealt(runs: list, draw: random.Random) -> list:
    losses = [loss for _, loss in runs]
    draw.shuffle(losses)
    return [[point, loss] for (point, _), loss in zip(runs, losses, strict=True)]


def curve(row: dict) -> np.ndarray:
    regrets = np.empty(EVALUATIONS)
    for evaluation, regret in row["regrets"]:
        regrets[evaluation - 1 :] = regret
    return np.log10(np.maximum(regrets, 1e-3))


def first_as_good(found: np.ndarray, bar: float) -> int:
    """Evaluations until the incumbent is as good as `bar`, and twice the budget where it never is."""
    hit = np.flatnonzero(found <= bar)
    return int(hit[0]) + 1 if len(hit) else 2 * EVALUATIONS


def figures(rows: list[dict]) -> dict[str, object]:
    curves = {(row["arm"], row["task"], row["repeat"]): curve(row) for row in rows}
    names = sorted({task for _, task, _ in curves})
    alone = {task: fmean(float(curves[key][-1]) for key in curves if key[:2] == ("0", task)) for task in names}
    found: dict[str, object] = {"searches": len(rows), "tasks": names}
    for arm in ARMS:
        keys = [key for key in curves if key[0] == arm and ("0", *key[1:]) in curves]
        if not keys:
            continue
        apart = defaultdict[str, list[float]](list)
        for _, task, repeat in keys:
            apart[task].append(float(curves[arm, task, repeat].mean() - curves["0", task, repeat].mean()))
        groups, draw = [np.array(one) for one in apart.values()], np.random.default_rng(0)
        means = [
            np.mean([groups[n][draw.integers(0, len(groups[n]), len(groups[n]))].mean() for n in which])
            for which in draw.integers(0, len(groups), (DRAWS, len(groups)))
        ]
        found[f"{arm} earlier studies"] = {
            "searches": len(keys),
            "log10_regret_after_5_10_20_60": [
                round(fmean(float(curves[key][n - 1]) for key in keys), 3) for n in (5, 10, 20, 60)
            ],
            "evaluations_to_what_none_reach_at_the_end_median": float(
                np.median([first_as_good(curves[key], alone[key[1]]) for key in keys])
            ),
            "area_less_that_without": round(float(np.mean([one.mean() for one in groups])), 4),
            "interval_95": [round(float(one), 4) for one in np.quantile(means, (0.025, 0.975))],
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=2)
    told, before = parser.parse_args(), common.machine()
    rows = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
    done, peer = {(row["arm"], row["task"], row["repeat"]) for row in rows}, Peer("pawl-priors", told.envs)
    for repeat, task, arm in itertools.product(range(told.repeats), tasks.DEVELOPMENT, ARMS):
        if (arm, task, repeat) in done:
            continue
        more = {"earlier": earlier(task, arm, repeat), "startup": STARTUP}
        row = {"arm": arm, **search(peer, tasks.load(task), repeat, EVALUATIONS, more, given=False)}
        rows.append(row)
        with FILE.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(arm, task, repeat, row["wall_s"], row["regrets"][-1][1], flush=True)
    peer.close()
    common.write("memory", figures(rows), before, (__doc__ or "").partition("\n\n")[2].replace("\n", " ").strip())


if __name__ == "__main__":
    main()
