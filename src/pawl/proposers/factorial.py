"""Many changes at once: which of them to switch on in which run, and what each one does. Pure arithmetic.

The design is a regular two-level fraction (Box and Hunter, "The 2^(k-p) fractional factorial designs", Technometrics 3,
1961). Run r, from 0 to N - 1, has factor t on where r and t have an odd number of binary ones in common; t is any
number from 1 to N - 1. Factors with an odd number of ones come first: the product of two of them is none of them, so
that up to N / 2 factors are clear of one another's pairs (resolution IV), and all are off in the first run and on in
the last. With more, up to N - 1, a pair of factors may look like a third one (resolution III).

Effects are estimated by Bayesian linear regression (Gelman et al., "Bayesian Data Analysis", chapter 14) on all scores
at once, so that single runs, runs on other seeds and runs that failed need no care. The unit is the sd of one run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EXPECTED, SPREAD = -0.3, 0.7
"""Mean and sd of a change's effect before it ran: most do nothing, more harm than help, few do much."""
ROUNDS = 3
"""Times that a change whose effect is far from the expected one is given a wider prior (automatic relevance
determination, MacKay 1992): what does much must not be shrunk, or others would take its credit."""
FLAT = 1e4
"""The variance of a level of which nothing is known."""


def size(factors: int, most: int) -> int:
    """The runs of a design: the fewest of resolution IV, a power of two up to `most`; else of resolution III; 0 where
    `most` runs cannot tell so many factors apart."""
    powers = [1 << n for n in range(2, 31) if 1 << n <= most]
    clear = [power for power in powers if power >= 2 * factors]
    return clear[0] if clear else powers[-1] if powers and powers[-1] > factors else 0


def resolution(factors: int, runs: int) -> str:
    """In Roman numerals, as is the custom; "full" where every combination is there."""
    return "full" if runs == 1 << factors else "IV" if 2 * factors <= runs else "III"


def design(factors: int, runs: int) -> list[tuple[int, ...]]:
    """The factors that are on, counted from 0, in each run; without the run that has none, which is the head. The run
    with all of them, where there is one, comes first."""
    odd = [name for name in range(1, runs) if name.bit_count() % 2]
    names = [*odd, *(name for name in range(1, runs) if not name.bit_count() % 2)][:factors]
    rows = [tuple(n for n, name in enumerate(names) if (run & name).bit_count() % 2) for run in range(runs)]
    return sorted(filter(None, rows), key=lambda row: len(row) < factors)


@dataclass(frozen=True, slots=True)
class Scored:
    """A variant's mean score over runs on these seeds (higher is better), and the changes that it is made of."""

    score: float
    made_of: frozenset[int]
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change is expected to do, and the sd of that."""

    mean: float
    sd: float


def effects(scored: Sequence[Scored], shared: float) -> dict[int, Effect]:
    """The effect of every change that any of these variants has. `shared` is the share of a run's variance that runs on
    one seed have in common."""
    names = sorted(frozenset[int]().union(*(one.made_of for one in scored)))
    seeds = sorted({seed for one in scored for seed in one.seeds})
    place = {name: n + 1 for n, name in enumerate(names)}
    lucky = {seed: n + 1 + len(names) for n, seed in enumerate(seeds)}
    looks = np.zeros((len(scored), 1 + len(names) + len(seeds)))
    looks[:, 0] = 1.0
    for row, one in enumerate(scored):
        looks[row, [place[name] for name in one.made_of]] = 1.0
        for seed in one.seeds:
            looks[row, lucky[seed]] += 1 / len(one.seeds)
    rest = np.array([max(1 - shared, 0.02) / len(one.seeds) for one in scored])
    expected = np.concatenate([[0.0], np.full(len(names), EXPECTED), np.zeros(len(seeds))])
    doubt = np.concatenate([[FLAT], np.full(len(names), SPREAD**2), np.full(len(seeds), max(shared, 0.02))])
    scores = np.array([one.score for one in scored])
    missed = scores - scores.mean() - looks @ expected  # a level far from 0 must not look like an effect of all
    for _ in range(ROUNDS):
        pull = doubt[:, None] * looks.T @ np.linalg.inv((looks * doubt) @ looks.T + np.diag(rest))
        moved, left = pull @ missed, doubt - np.einsum("ij,ji->i", pull, looks * doubt)
        chosen = slice(1, 1 + len(names))
        doubt[chosen] = np.maximum(SPREAD**2, moved[chosen] ** 2 + left[chosen])
    return {name: Effect(EXPECTED + moved[n], float(np.sqrt(max(left[n], 0.0)))) for name, n in place.items()}
