"""Ax (Bakshy et al. 2018), at its defaults: it infers the noise. Its incumbent is what its model thinks best."""

from __future__ import annotations

import logging

import torch
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from best import Best

torch.set_num_threads(1)
logging.disable(logging.CRITICAL)


class Search:
    def __init__(self, space: list, seed: int, variant: str) -> None:
        self.names = [name for name, _, _ in space]
        self.ordered = [ordered for _, ordered, _ in space]
        self.client = Client(random_seed=seed)
        self.client.configure_experiment(parameters=[
            RangeParameterConfig(name=name, parameter_type="int", bounds=(0, size - 1)) if ordered
            else ChoiceParameterConfig(
                name=name, parameter_type="str", values=[str(one) for one in range(size)], is_ordered=False
            )
            for name, ordered, size in space
        ])  # fmt: skip
        self.client.configure_optimization(objective="-loss")
        self.asked: tuple[int, tuple[int, ...]] | None = None
        self.best, self.told = Best(), 0

    def ask(self) -> list[int]:
        ((trial, values),) = self.client.get_next_trials(max_trials=1).items()
        point = [int(values[name]) for name in self.names]
        self.asked = (trial, tuple(point))
        return point

    def tell(self, point: tuple[int, ...], loss: float, seed: int) -> tuple[int, ...]:
        values = {
            name: one if ordered else str(one)
            for name, one, ordered in zip(self.names, point, self.ordered, strict=True)
        }
        trial = self.asked[0] if self.asked and self.asked[1] == point else self.client.attach_trial(values)
        self.asked = None
        self.client.complete_trial(trial, raw_data={"loss": loss})
        observed, self.told = self.best.after(point, loss), self.told + 1
        try:
            found = self.client.get_best_parameterization(use_model_predictions=True)[0]
        except Exception:  # there is no model yet
            return observed
        return tuple(int(found[name]) for name in self.names)
