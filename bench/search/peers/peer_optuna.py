"""Optuna's samplers at their defaults: TPE, CMA-ES, GP (told that scores are noisy). Incumbent: the best trial."""

from __future__ import annotations

import optuna
from best import Best
from optuna.distributions import CategoricalDistribution, IntDistribution

optuna.logging.set_verbosity(optuna.logging.ERROR)
SAMPLERS = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed, deterministic_objective=False),
}


class Search:
    def __init__(self, space: list, seed: int, variant: str) -> None:
        if variant == "gp":
            import torch

            torch.set_num_threads(1)
        self.space = {
            name: IntDistribution(0, size - 1) if ordered else CategoricalDistribution(range(size))
            for name, ordered, size in space
        }
        self.study = optuna.create_study(sampler=SAMPLERS[variant](seed))
        self.best, self.asked = Best(), None

    def ask(self) -> list[int]:
        self.asked = self.study.ask(self.space)
        return list(self.asked.params.values())

    def tell(self, point: tuple[int, ...], loss: float, seed: int) -> tuple[int, ...]:
        if self.asked is not None and tuple(self.asked.params.values()) == point:
            self.study.tell(self.asked, loss)
        else:
            params = dict(zip(self.space, point, strict=True))
            self.study.add_trial(optuna.create_trial(params=params, distributions=self.space, value=loss))
        self.asked = None
        return self.best.after(point, loss)
