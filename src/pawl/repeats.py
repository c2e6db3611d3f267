"""What a finished log itself says of noise: configurations that were measured more than once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pawl.trials import Log, Trial

SEED_ONLY = re.compile(
    r"(?:(?:try|change|use|set|new|other|another|different|random|only|just|the|baseline|best|rng|with|a)\s+)*"
    r"seeds?\b(?:\s*(?:from|to|->|=|:|,|and|only|change|sweep|check|test|#|\d+))*\s*(?:\([^)]*\))?\s*",
    re.IGNORECASE,
)
RERUN = re.compile(
    r"(?:re-?runs?|re-?baseline|re-?measure|repeat(?:ed)?|replicate|baseline|a/a(?: test)?|noise (?:check|floor|test)|"
    r"same (?:code|config))"
    r"(?:\s*(?:of|the|a|current|best|head|baseline|last|kept|run|again|code|config|unchanged|check|test|to|for|noise|"
    r"measure|#|\d+|,|:))*\s*(?:\([^)]*\))?\s*",
    re.IGNORECASE,
)
MOST_ROWS = 1500
"""Of more measurements that share seeds, the newest tell the correlation."""
MOST_CORRELATION = 0.95
"""As for Pawl's own certificates: a scale near zero would take rounding for certainty."""


@dataclass(slots=True)
class Configuration:
    """All measurements of one configuration: scores by seed (or by place, where there is none)."""

    trial: Trial
    place: int
    scores: list[float] = field(default_factory=list)
    by_seed: dict[str, float] = field(default_factory=dict)
    kept: bool = False
    idle: bool = False
    """Only the seed changed, or nothing: a try that cannot be better."""

    def add(self, trial: Trial) -> None:
        """One more measurement of it."""
        self.kept = self.kept or trial.decision == "kept"
        if trial.score is not None:
            self.scores.append(trial.score)
            if trial.seed:
                self.by_seed.setdefault(trial.seed, trial.score)

    @property
    def mean(self) -> float:
        return math.fsum(self.scores) / len(self.scores)


@dataclass(frozen=True, slots=True)
class Repeats:
    """The pooled sd of one run and its degrees of freedom (0: nothing was measured twice), the correlation of runs on
    one seed, the largest difference between two measurements of one thing, and which things those were."""

    sd: float = 0.0
    freedom: int = 0
    correlation: float = 0.0
    widest: float = 0.0
    of: tuple[str, ...] = ()
    equal: bool = False
    """Things were measured twice, and always gave the very same number."""


def idle(trial: Trial) -> bool:
    """Does a trial's description say that only the seed changed, or that nothing did?"""
    return bool(SEED_ONLY.fullmatch(trial.words) or RERUN.fullmatch(trial.words))


def configurations(log: Log) -> list[Configuration]:
    """Each configuration that has a score, in order of its first measurement.

    The first is the baseline. A trial that says it is a repeat of what was kept last stands as one, `idle`."""
    found: dict[str, Configuration] = {}
    for place, trial in enumerate(log.trials):
        if trial.score is None:
            continue
        key = trial.variant or f"#{place}"
        if key not in found:
            found[key] = Configuration(trial, place, idle=bool(found) and idle(trial))
        found[key].add(trial)
    return list(found.values())


def repeats(made: Sequence[Configuration]) -> Repeats:
    """What measuring one thing more than once has shown, pooled over all such things."""
    groups, head = list[list[float]](), -1
    names, owner = list[str](), dict[int, int]()
    for place, one in enumerate(made):
        if one.idle and head >= 0:
            again = one.trial.words.casefold() == made[0].trial.words.casefold()
            groups[owner[0 if again else head]].extend(one.scores)
            names.append(f"{one.trial.name}: {one.trial.words}")
        else:
            owner[place] = len(groups)
            groups.append(list(one.scores))
            if len(one.scores) > 1:
                names.append(f"{one.trial.name} ({len(one.scores)} times)")
        if (one.kept and not one.idle) or head < 0:
            head = place
    freedom = sum(len(scores) - 1 for scores in groups if len(scores) > 1)
    if not freedom:
        return Repeats()
    squares = math.fsum(_squares(scores) for scores in groups)
    widest = max(max(scores) - min(scores) for scores in groups)
    if widest == 0:
        return Repeats(of=tuple(names), equal=True)
    sd = math.sqrt(squares / freedom)
    correlation, left = _correlation(made, sd)
    return Repeats(sd, left or freedom, correlation, widest, tuple(names))


def _squares(scores: Sequence[float]) -> float:
    mean = math.fsum(scores) / len(scores)
    return math.fsum((score - mean) ** 2 for score in scores)


def _correlation(made: Iterable[Configuration], sd: float) -> tuple[float, int]:
    """How far runs on one seed move together, and the degrees of freedom that know it; (0, 0) where none do.

    One less the share of the variance that is left when every configuration and every seed has a level of its own."""
    cells = [(n, seed, score) for n, one in enumerate(made) if len(one.by_seed) > 1
             for seed, score in one.by_seed.items()][-MOST_ROWS:]  # fmt: skip
    variants, seeds = sorted({cell[0] for cell in cells}), sorted({cell[1] for cell in cells})
    if len(variants) < 2 or len(seeds) < 2:
        return 0.0, 0
    design = np.zeros((len(cells), len(variants) + len(seeds)))
    for row, (variant, seed, _) in enumerate(cells):
        design[row, variants.index(variant)] = 1.0
        design[row, len(variants) + seeds.index(seed)] = 1.0
    scores = np.array([score for *_, score in cells])
    solution, _, rank, _ = np.linalg.lstsq(design, scores - scores.mean(), rcond=None)
    left = len(cells) - int(rank)
    if left < 4:
        return 0.0, 0
    rest = float(((scores - scores.mean() - design @ solution) ** 2).sum()) / left
    return min(max(1 - rest / sd**2, 0.0), MOST_CORRELATION), left
