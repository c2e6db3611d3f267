"""A space as points for arithmetic: a row of numbers for each configuration, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pawl.proposers.process import Array, Flags
from pawl.proposers.spaces import Dimension, Params, Space

FEW = 64
"""Up to so many values an axis has places of its own; with more it counts as continuous."""
ABSENT = 0.5
"""The place on an ordered axis of a constant that is not active; on one without order it is -1."""
STEPS = (0.02, 0.1, 0.3)
"""How far neighbours lie apart, in sds along an ordered axis."""


@dataclass(frozen=True)
class Axes:
    """Rows (d,) of a space: an ordered constant's place in 0..1, the number of a categorical one's choice."""

    space: Space

    @cached_property
    def ordered(self) -> Flags:
        return np.array([dimension.kind != "categorical" for dimension in self.space])

    @cached_property
    def counts(self) -> Array:
        """How many choices a categorical axis has; 1 for an ordered one."""
        return np.array([1.0 if flag else d.count for d, flag in zip(self.space, self.ordered, strict=True)])

    @cached_property
    def _grids(self) -> list[Array | None]:
        return [_grid(dimension) for dimension in self.space]

    @cached_property
    def _rounded(self) -> bool:
        """Whether many rows are one configuration: with long axes of whole numbers, or constants that do not matter."""
        return self.space.conditional or any(
            dimension.kind == "int" and grid is None for dimension, grid in zip(self.space, self._grids, strict=True)
        )

    def row(self, params: Params) -> Array:
        """Where a configuration lies. Raises ValueError for what does not fit the space."""
        units = np.array(self.space.units(params))
        places = np.where(self.ordered, units, np.floor(units * self.counts))
        return np.where(np.isnan(units), np.where(self.ordered, ABSENT, -1.0), places)

    def rows(self, many: Sequence[Params]) -> Array:
        return np.array([self.row(params) for params in many]).reshape(len(many), len(self.ordered))

    def params(self, row: Array) -> Params:
        """The configuration at a row."""
        units = np.where(self.ordered, row, (np.maximum(row, 0) + 0.5) / self.counts)
        return self.space.params(np.clip(units, 0.0, 1.0).tolist())

    def draw(self, many: int, chance: np.random.Generator) -> Array:
        """Rows from all over the space (many, d)."""
        return self._settled(self._anywhere(many, chance))

    def near(self, row: Array, many: int, chance: np.random.Generator) -> Array:
        """Neighbours of a row: with one axis moved, each by small and large steps and to each of its choices, and
        `many` with two."""
        single = np.repeat(np.arange(len(row)), np.where(self.ordered, 4 * len(STEPS), self.counts).astype(int))
        moved = [np.array([axis]) for axis in single]
        moved += [chance.choice(len(row), min(2, len(row)), replace=False) for _ in range(many)]
        found, fresh = np.tile(row, (len(moved), 1)), self._anywhere(len(moved), chance)
        found = np.where((found < 0) | np.isnan(found), fresh, found)
        for number, axes in enumerate(moved):
            step = chance.normal(0, STEPS[number % len(STEPS)], len(axes))
            beside = np.clip(found[number, axes] + step, 0.0, 1.0)
            found[number, axes] = np.where(self.ordered[axes], beside, fresh[number, axes])
        first = np.searchsorted(single, single)  # the number of a categorical axis's first move, for each move
        choice = np.flatnonzero(~self.ordered[single])
        found[choice, single[choice]] = choice - first[choice]
        return self._settled(found)

    def _anywhere(self, many: int, chance: np.random.Generator) -> Array:
        places = chance.random((many, len(self.ordered)))
        return np.where(self.ordered, places, np.floor(places * self.counts))

    def _settled(self, rows: Array) -> Array:
        """The rows of the configurations that are nearest, each once."""
        for axis, grid in enumerate(self._grids):
            if grid is not None:
                rows[:, axis] = grid[np.abs(rows[:, axis, None] - grid).argmin(axis=1)]
        if self._rounded:
            rows = self.rows([self.params(row) for row in rows])
        return np.unique(rows, axis=0)


def _grid(dimension: Dimension) -> Array | None:
    """The places of an ordered axis with few values."""
    if dimension.kind == "categorical" or not 0 < dimension.count <= FEW:
        return None
    steps = [dimension.low + step * dimension.step for step in range(dimension.count)]
    return np.array([dimension.unit(min(value, dimension.high)) for value in steps])
