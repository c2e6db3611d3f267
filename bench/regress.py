"""How often does `pawl regress` raise a false alarm, how soon does it see a real loss, does it date and bisect it
rightly? Through the product's decisions (pawl.releases), with simulated training. Effects in sd of one run.

500 histories a regime, about 6 minutes.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from arms import Arms
from common import machine, spread, write

from pawl.claims import Rules
from pawl.evidence import SignFlip
from pawl.policy import CertificationTable
from pawl.regress import PATIENCE
from pawl.releases import bar, bisect, compare

POLICY = CertificationTable()
RULES = Rules(POLICY.pairs, POLICY.alpha, POLICY.futility, 2)
LONG = replace(RULES, pairs=PATIENCE * RULES.pairs)
TEST = SignFlip(1.0, POLICY.lambdas)
SUITES = ("study", "rare", "speed")
PLANTED = 3  # the release that is worse, of the baseline (0) and five releases


def history(levels: Sequence[float], rho: float, draw: random.Random, tails: bool = False) -> dict[str, float]:
    """One comparison of releases at these true levels on the first suite, and of equal ones on the others."""
    arms = Arms(lambda arm: levels[arm[1]] if arm[0] == SUITES[0] else 0.0, rho, draw, tails, lambda arm: arm[0])
    claims = compare(len(levels), SUITES, range(RULES.pairs), arms, RULES, TEST)
    made = [claim for claim in claims if claim.made]
    false = [c for c in made if c.base[0] != SUITES[0] or levels[c.other[1]] >= levels[c.base[1]]]
    steps = [c.other[1] for c in made if c.base[0] == SUITES[0] and c.other[1] == c.base[1] + 1]
    dated = min(steps, default=-1)
    runs = len({(place, seed) for (_, place), seed in arms.known})
    return {
        "any": bool(made), "any_false": bool(false), "false_share": len(false) / max(len(made), 1), "dated": dated,
        "drift": any(c.other[1] == len(levels) - 1 for c in made if c.base[0] == SUITES[0]), "runs": runs,
    }  # fmt: skip


def alarms(repetitions: int, draw: random.Random) -> dict[str, object]:
    """Where nothing is worse: equal releases, better ones, heavy tails."""
    found: dict[str, object] = {}
    for name, step, rho, tails in (
        ("equal, correlation 0", 0.0, 0.0, False), ("equal, correlation 0.5", 0.0, 0.5, False),
        ("equal, correlation 0.8", 0.0, 0.8, False), ("equal, t3 noise", 0.0, 0.5, True),
        ("each 0.5 sd better", 0.5, 0.5, False),
    ):  # fmt: skip
        done = [history([step * n for n in range(6)], rho, draw, tails) for _ in range(repetitions)]
        rate = round(fmean(one["any_false"] for one in done), 4)
        found[name] = {"any_false_alarm": rate, "runs": spread([one["runs"] for one in done], 1)}
    return found


def power(repetitions: int, draw: random.Random) -> dict[str, object]:
    """A drop at one release, and a drift that no step shows."""
    found: dict[str, object] = {}
    for size in (0.5, 1.0, 2.0):
        for rho in (0.0, 0.5, 0.8):
            levels = [0.0] * PLANTED + [-size] * (6 - PLANTED)
            done = [history(levels, rho, draw) for _ in range(repetitions)]
            found[f"drop of {size:g} sd, correlation {rho:g}"] = {
                "found": round(fmean(one["any"] for one in done), 4),
                "dated_rightly": round(fmean(one["dated"] == PLANTED for one in done), 4),
                "dated_wrongly": round(fmean(one["dated"] not in (PLANTED, -1) for one in done), 4),
                "false_share": round(fmean(one["false_share"] for one in done), 4),
                "runs": spread([one["runs"] for one in done], 1),
            }
    for rho in (0.5, 0.8):
        done = [history([-0.4 * n for n in range(6)], rho, draw) for _ in range(repetitions)]
        found[f"drift of 0.4 sd a release, correlation {rho:g}"] = {
            "some_step_found": round(fmean(one["dated"] > 0 for one in done), 4),
            "drift_found": round(fmean(one["drift"] for one in done), 4),
            "runs": spread([one["runs"] for one in done], 1),
        }
    return found


def bisections(repetitions: int, draw: random.Random) -> dict[str, object]:
    """One culprit among the changes between two releases, at any place."""
    found: dict[str, object] = {}
    for changes in (4, 16):
        for size, rho in ((1.0, 0.5), (2.0, 0.5), (1.0, 0.8)):
            done = []
            for _ in range(repetitions):
                culprit = draw.randrange(1, changes + 1)
                arms = Arms(lambda place, at=culprit, worth=size: -worth if place >= at else 0.0, rho, draw)
                threshold = bar(changes + 1, POLICY.alpha)
                _, good, bad = bisect(changes + 1, range(LONG.pairs), arms, LONG, threshold, TEST)
                done.append((bad - good, good < culprit <= bad, len(arms.known)))
            found[f"1 of {changes} changes, {size:g} sd, correlation {rho:g}"] = {
                "found": round(fmean(right and width == 1 for width, right, _ in done), 4),
                "undecided_but_among_those_left": round(fmean(right and width > 1 for width, right, _ in done), 4),
                "wrong": round(fmean(not right for _, right, _ in done), 4),
                "changes_left": round(fmean(width for width, _, _ in done), 2),
                "runs": spread([runs for *_, runs in done], 1),
            }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=500)
    repetitions, before, draw = parser.parse_args().repetitions, machine(), random.Random(21)
    figures: dict[str, object] = {
        "alpha": POLICY.alpha, "repetitions": repetitions, "pairs_at_most": RULES.pairs, "releases": 6,
        "suites": len(SUITES), "where_nothing_is_worse": alarms(repetitions, draw),
        "where_something_is": power(repetitions, draw), "bisection": bisections(repetitions, draw),
    }  # fmt: skip
    write("regress", figures, before, "simulated training, the product's decisions; effects in sd of one run")


if __name__ == "__main__":
    main()
