"""SMAC3 (Lindauer et al. 2022): its hyperparameter facade at its defaults, for a target that is not deterministic, so
that it runs promising configurations with several seeds. Its incumbent is its intensifier's."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

from ConfigSpace import Categorical, Configuration, ConfigurationSpace, Integer
from smac import HyperparameterOptimizationFacade, Scenario
from smac.runhistory import TrialInfo, TrialValue

logging.disable(logging.CRITICAL)


class Search:
    def __init__(self, space: list, seed: int, variant: str) -> None:
        self.names = [name for name, _, _ in space]
        self.space = ConfigurationSpace(seed=seed)
        self.space.add([
            Integer(name, (0, size - 1)) if ordered else Categorical(name, list(range(size)))
            for name, ordered, size in space
        ])  # fmt: skip
        self.folder = tempfile.mkdtemp()
        scenario = Scenario(self.space, n_trials=10_000, seed=seed, output_directory=Path(self.folder))
        design = HyperparameterOptimizationFacade.get_initial_design(scenario, n_configs=0)
        self.smac = HyperparameterOptimizationFacade(
            scenario, lambda config, seed: 0.0, initial_design=design, overwrite=True, logging_level=False
        )  # fmt: skip
        self.smac.intensifier.__post_init__()  # its seeds, with which what it did not ask for is told
        self.asked: TrialInfo | None = None

    def ask(self) -> list[int]:
        self.asked = self.smac.ask()
        return self._point(self.asked.config)

    def tell(self, point: tuple[int, ...], loss: float, seed: int) -> tuple[int, ...]:
        told = self.asked
        if told is None or tuple(self._point(told.config)) != point:
            config = Configuration(self.space, values=dict(zip(self.names, point, strict=True)))
            seeds = self.smac.intensifier.get_trials_of_interest(config)
            told = TrialInfo(config, seed=seeds[0].seed if seeds else 0)
        self.asked = None
        self.smac.tell(told, TrialValue(cost=loss))
        best = self.smac.intensifier.get_incumbents()
        return tuple(self._point(best[0])) if best else point

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _point(self, config: Configuration) -> list[int]:
        return [int(config[name]) for name in self.names]
