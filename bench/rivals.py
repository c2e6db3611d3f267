"""The rules that Pawl is compared with, on the same simulated worlds. Each keeps a change or not, as its users do.

`false` counts what a rule kept and that is not better; `claimed` is the gain that its own numbers show in the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean, stdev

import numpy as np
from scipy import stats
from worlds import Outcome, World, idea

ALPHA = 0.05
Rule = Callable[[World, int, int], Outcome]


def fixed_seed(world: World, runs: int, ideas: int) -> Outcome:
    """Keep if lower than the best recorded run, everything on one seed: autoresearch's rule."""
    return _keep_if_lower(world, runs, ideas, lambda: 1)


def new_seeds(world: World, runs: int, ideas: int) -> Outcome:
    """Keep if lower than the best recorded run, each run on a seed of its own."""
    return _keep_if_lower(world, runs, ideas, world.seed)


def noise_floor(world: World, runs: int, ideas: int) -> Outcome:
    """As on one fixed seed, and the gain must exceed the sd of the gains accepted before (the first three are free)."""
    return _keep_if_lower(world, runs, ideas, lambda: 1, lambda kept: stdev(kept) if len(kept) > 2 else 0.0)


def three_seeds(world: World, runs: int, ideas: int) -> Outcome:
    """Both on three fresh seeds; keep if the mean is lower."""
    return _paired(world, runs, ideas, 3, lambda gains: fmean(gains) > 0)


def one_standard_error(world: World, runs: int, ideas: int) -> Outcome:
    """Both on three fresh seeds; keep if the mean gain is above one standard error of itself."""
    return _paired(world, runs, ideas, 3, lambda gains: fmean(gains) > stdev(gains) / math.sqrt(3))


def t_test(world: World, runs: int, ideas: int) -> Outcome:
    """Both on five fresh seeds; keep if a one-sided paired t-test says p < .05."""
    bar = float(stats.t.ppf(1 - ALPHA, 4))
    return _paired(world, runs, ideas, 5, lambda gains: fmean(gains) > bar * stdev(gains) / math.sqrt(5))


RULES: dict[str, Rule] = {
    "keep_if_lower_fixed_seed": fixed_seed, "keep_if_lower_new_seeds": new_seeds, "mean_of_three_seeds": three_seeds,
    "five_seed_t_test": t_test, "noise_floor": noise_floor, "one_standard_error": one_standard_error,
}  # fmt: skip


def rival(rule: Rule, seed: int, kind: str, rho: float, runs: int = 10**9, ideas: int = 10**9) -> Outcome:
    """A rule on a stream until the runs or the ideas are used up."""
    return rule(World(np.random.default_rng(seed), kind, rho), runs, ideas)


def _keep_if_lower(
    world: World, runs: int, ideas: int, seed: Callable[[], int], floor: Callable[[list[float]], float] = lambda _: 0.0
) -> Outcome:
    head, false, n = 0.0, 0, 0
    kept: list[float] = []
    best = first = world.score("base", seed())
    while world.runs < runs and n < ideas:
        n += 1
        effect = idea(world.draw, world.kind, head)
        world.level["try"] = head + effect
        score = world.score("try", seed())
        if best - score > floor(kept):
            kept.append(best - score)
            best, head, false = score, head + effect, false + (effect <= 0)
    return Outcome(head, first - best, n, len(kept), false, world.runs, n)


def _paired(world: World, runs: int, ideas: int, pairs: int, keep: Callable[[list[float]], bool]) -> Outcome:
    head = claimed = 0.0
    false = wins = n = 0
    while world.runs < runs and n < ideas:
        n += 1
        effect = idea(world.draw, world.kind, head)
        world.level["head"], world.level["try"] = head, head + effect
        seeds = [world.seed() for _ in range(pairs)]
        gains = [world.score("head", seed) - world.score("try", seed) for seed in seeds]
        if keep(gains):
            head, claimed, wins, false = head + effect, claimed + fmean(gains), wins + 1, false + (effect <= 0)
    return Outcome(head, claimed, n, wins, false, world.runs, n)
