"""Simulated training for benches of decisions: what a run scores is a mean, what the seed does, and what is its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence

VARIANCE = 3.0
"""Of Student's t with three degrees of freedom."""


class Arms:
    """Scores in units of one run's sd. `mean` is an arm's true score, `rho` the correlation of two arms on one seed
    of one `group`; `tails`: Student's t with three degrees of freedom instead of normal noise. Counts runs once."""

    def __init__(
        self, mean: Callable[[Hashable], float], rho: float, draw: random.Random, tails: bool = False,
        group: Callable[[Hashable], Hashable] = lambda arm: 0,
    ) -> None:  # fmt: skip
        self.mean, self.rho, self.draw, self.tails, self.group = mean, rho, draw, tails, group
        self.known: dict[tuple[Hashable, int], float] = {}
        self.shared: dict[tuple[Hashable, int], float] = {}

    def scores(self, arms: Sequence[Hashable], seeds: Sequence[int]) -> list[list[float | None]]:
        return [[self._score(arm, seed) for seed in seeds] for arm in arms]

    def _score(self, arm: Hashable, seed: int) -> float:
        if (arm, seed) not in self.known:
            key = (self.group(arm), seed)
            if key not in self.shared:
                self.shared[key] = self._noise()
            noise = self.rho**0.5 * self.shared[key] + (1 - self.rho) ** 0.5 * self._noise()
            self.known[arm, seed] = self.mean(arm) + noise
        return self.known[arm, seed]

    def _noise(self) -> float:
        if not self.tails:
            return self.draw.gauss(0, 1)
        chi = sum(self.draw.gauss(0, 1) ** 2 for _ in range(3))
        return self.draw.gauss(0, 1) / (chi / 3) ** 0.5 / VARIANCE**0.5
