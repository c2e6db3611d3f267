"""Random search (Bergstra and Bengio 2012)."""

from __future__ import annotations

import random

from best import Best


class Search:
    def __init__(self, space: list, seed: int, variant: str) -> None:
        self.space, self.draw, self.best = space, random.Random(seed), Best()

    def ask(self) -> list[int]:
        return [self.draw.randrange(size) for _, _, size in self.space]

    def tell(self, point: tuple[int, ...], loss: float, seed: int) -> tuple[int, ...]:
        return self.best.after(point, loss)
