"""HEBO (Cowen-Rivers et al. 2022), at its defaults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from best import Best
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

torch.set_num_threads(1)


class Search:
    def __init__(self, space: list, seed: int, variant: str) -> None:
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.names = [name for name, _, _ in space]
        kinds = [
            {"name": name, "type": "int", "lb": 0, "ub": size - 1} if ordered
            else {"name": name, "type": "cat", "categories": [str(one) for one in range(size)]}
            for name, ordered, size in space
        ]  # fmt: skip
        self.ordered = [ordered for _, ordered, _ in space]
        self.hebo = HEBO(DesignSpace().parse(kinds), rand_sample=1, scramble_seed=seed)
        self.best = Best()

    def ask(self) -> list[int]:
        found = self.hebo.suggest(n_suggestions=1)
        return [int(found.iloc[0][name]) for name in self.names]

    def tell(self, point: tuple[int, ...], loss: float, seed: int) -> tuple[int, ...]:
        values = [one if ordered else str(one) for one, ordered in zip(point, self.ordered, strict=True)]
        self.hebo.observe(pd.DataFrame([values], columns=self.names), np.array([[loss]]))
        return self.best.after(point, loss)
