"""What came of the searches: bench/results/peers.json, from all rows in bench/rows/peers.

    python search/score.py

A search's curve is the logarithm (base 10) of its incumbent's true regret after each evaluation from the 10th on, at
least 1e-3; `area` is its mean. Two peers are compared on the searches that both made (same task, same repeat). Below 0:
Pawl is ahead. Intervals: tasks are drawn with replacement, then repeats within each (a paired bootstrap, clustered by
task); with few tasks they are too short. So p-values are those of a t-test on the tasks' means, two-sided, none for
fewer than six tasks, adjusted by Holm over the peers of one table. A peer's own figures are over the searches that it
made; `random_there` is random search's area on the same."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

import numpy as np
import tasks
from scipy.stats import ttest_1samp

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common
from run import PEERS, rows

FLOOR, TARGET, DRAWS = 1e-3, 0.01, 10_000
FEWEST = 6
"""Tasks for a p-value."""
Curves = dict[tuple[str, int], np.ndarray]
MINE = {"pawl": "without priors", "pawl-priors": "with priors"}


def curve(row: dict) -> np.ndarray:
    regrets = np.empty(row["evaluations"])
    for evaluation, regret in row["regrets"]:
        regrets[evaluation - 1 :] = regret
    return np.log10(np.maximum(regrets[tasks.INITIAL - 1 :], FLOOR))


def to_target(found: np.ndarray) -> float:
    """Evaluations until the incumbent's true regret is 1 %; twice the budget where it never is."""
    hit = np.flatnonzero(found <= np.log10(TARGET))
    return float(hit[0] + tasks.INITIAL) if len(hit) else 2.0 * (len(found) + tasks.INITIAL - 1)


MEASURES = {"area": lambda found: found.mean(), "final": lambda found: found[-1], "evaluations_to_1_percent": to_target}


def compared(mine: Curves, other: Curves, measure: str, draw: np.random.Generator) -> dict[str, object]:
    """The mean difference between two peers over tasks, its 95 % interval and p-value."""
    value, apart = MEASURES[measure], defaultdict[str, list[float]](list)
    for key in sorted(mine.keys() & other.keys()):
        apart[key[0]].append(float(value(mine[key]) - value(other[key])))
    groups = [np.array(one) for one in apart.values()]
    if not groups:
        return {"searches": 0}
    chosen = draw.integers(0, len(groups), (DRAWS, len(groups)))
    means = np.array([
        np.mean([groups[n][draw.integers(0, len(groups[n]), len(groups[n]))].mean() for n in which]) for which in chosen
    ])  # fmt: skip
    told = [float(one.mean()) for one in groups]
    test = {"p": float(ttest_1samp(told, 0.0).pvalue)} if len(told) >= FEWEST and any(told) else {}
    low, high = np.quantile(means, (0.025, 0.975))
    return {
        "difference": round(float(np.mean([one.mean() for one in groups])), 4),
        "interval_95": [round(float(low), 4), round(float(high), 4)], **test,
        "tasks": len(groups), "searches": sum(map(len, groups)),
    }  # fmt: skip


def holm(found: dict[str, dict]) -> None:
    """Adds each p-value adjusted for all of them (Holm 1979)."""
    order, least = sorted((name for name in found if "p" in found[name]), key=lambda name: found[name]["p"]), 0.0
    for rank, name in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * found[name]["p"]))
        found[name]["p_holm"] = round(least, 4)


def alone(curves: Curves, chance: Curves, made: list[dict]) -> dict[str, object]:
    by_task = defaultdict[str, list[np.ndarray]](list)
    for (task, _), found in curves.items():
        by_task[task].append(found)
    figures = {
        name: round(float(np.mean([np.mean([value(one) for one in found]) for found in by_task.values()])), 4)
        for name, value in MEASURES.items()
    }
    reached = [bool(one.min() <= np.log10(TARGET)) for one in curves.values()]
    return figures | {
        "reached_1_percent": round(float(np.mean(reached)), 3), "searches": len(curves),
        "repeats": sorted({len(found) for found in by_task.values()}),
        "random_there": round(float(np.mean([chance[key].mean() for key in curves if key in chance] or [np.nan])), 4),
        "suggestion_s_median": median(row["suggestion_s"] for row in made),
    }  # fmt: skip


def figures(names: tuple[str, ...]) -> dict[str, object]:
    made = {peer: [row for row in rows(peer) if row["task"] in names] for peer in PEERS}
    curves = {peer: {(row["task"], row["repeat"]): curve(row) for row in made[peer]} for peer in PEERS if made[peer]}
    found: dict[str, object] = {"peers": {peer: alone(curves[peer], curves["random"], made[peer]) for peer in curves}}
    for mine, words in MINE.items():
        for measure in MEASURES if mine in curves else ():
            draw = np.random.default_rng(0)
            against = {
                peer: compared(curves[mine], curves[peer], measure, draw)
                for peer in curves if peer not in MINE or peer < mine
            }  # fmt: skip
            holm(against)
            found[f"{measure}, {words}, less each peer's"] = against
    return found


if __name__ == "__main__":
    before = common.machine()
    told = {"development tasks": figures(tasks.DEVELOPMENT)}
    if any(row["task"] in tasks.CELLS for row in rows("pawl")):
        told["tasks of another kind"] = figures(tasks.CELLS)
        told["all of them"] = figures(tasks.DEVELOPMENT + tasks.CELLS)
    common.write("peers", told, before, (__doc__ or "").partition("\n\n")[2].replace("\n", " ").strip())
