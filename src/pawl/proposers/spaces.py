"""The space that samplers search: declared constants, their ranges, and when they matter.

Plain values, without a sampler's library: Optuna's samplers and others are told the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Any, Literal

from pydantic import JsonValue, ValidationError

from pawl import ranges
from pawl.errors import ConfigError
from pawl.proposers.constants import Constant, current, exchange
from pawl.ranges import Sure, among, on_grid, same
from pawl.tables import explain

Params = dict[str, Constant]
"""The values of constants, by "FILE:CONSTANT"."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One constant. `kind` int, float: from `low` to `high`, both included; `step` 0 where every float will do.
    Categorical: one of `choices`. `when`: it is active only where these constants have one of these values. `likely`:
    the user's best guess (None: there is none), `sure` how far it is trusted."""

    name: str
    kind: Literal["float", "int", "categorical"]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float = 0.0
    choices: tuple[Constant, ...] = ()
    when: Mapping[str, tuple[Constant, ...]] = field(default_factory=lambda: MappingProxyType({}))
    likely: Constant | None = None
    sure: Sure = "medium"

    @property
    def count(self) -> int:
        """How many values it has; 0 for a float without steps."""
        if self.kind == "categorical":
            return len(self.choices)
        return math.floor((self.high - self.low) / self.step + ranges.GRID) + 1 if self.step else 0

    def holds(self, value: object) -> bool:
        """Whether it is one of its values; 1, 1.0 and True are three choices, and an int is no float."""
        if self.kind == "categorical":
            return among(value, self.choices)
        return on_grid(value, self.low, self.high, self.step, whole=self.kind == "int")

    def unit(self, value: Constant) -> float:
        """Where a value lies in [0, 1]: numbers evenly by size, or by logarithm; each of `count` values in the middle
        of its share. Numbers between two of its values lie between them. Raises ValueError for what is outside."""
        if self.kind == "categorical":
            if not self.holds(value):
                raise ValueError(f"{self.name} is never {value!r}")
            return (next(i for i, choice in enumerate(self.choices) if same(value, choice)) + 0.5) / self.count
        if isinstance(value, str | bool) or not self.low <= value <= self.high:
            raise ValueError(f"{self.name} is never {value!r}")
        if self.log:
            low, high = self._logs()
            return min(max((math.log(value) - low) / (high - low), 0.0), 1.0)
        if self.step:
            return min(((value - self.low) / self.step + 0.5) / self.count, 1.0)
        return (value - self.low) / (self.high - self.low)

    def share(self, value: Constant) -> tuple[float, float]:
        """The places in [0, 1], from and to, that give this one of its values; from and to the same for a float without
        steps. Raises ValueError for what is outside."""
        unit = self.unit(value)
        if self.log and self.kind == "int":
            assert not isinstance(value, str)
            low, high = self._logs()
            return (math.log(value - 0.5) - low) / (high - low), (math.log(value + 0.5) - low) / (high - low)
        half = 0.5 / self.count if self.count else 0.0
        return unit - half, unit + half

    def value(self, unit: float) -> Constant:
        """The value at a place in [0, 1]; a float without steps has four significant digits, which are enough for a
        person to read, and stays inside the range. `value(unit(x)) == x` for all that it gives."""
        if self.log:
            low, high = self._logs()
            found = math.exp(low + unit * (high - low))
            return self._whole(round(found)) if self.kind == "int" else self.readable(found)
        if self.kind == "float" and not self.step:
            return self.readable(self.low + unit * (self.high - self.low))
        index = min(max(int(unit * self.count), 0), self.count - 1)
        if self.kind == "categorical":
            return self.choices[index]
        if self.kind == "int":
            return self._whole(round(self.low + index * self.step))
        stepped = round(self.low + index * self.step, 9 - math.floor(math.log10(self.step)))  # 0.3, not 0.30000000004
        return min(max(stepped, self.low), self.high)

    def _logs(self) -> tuple[float, float]:
        """The logarithms between which it lies; an integer has its share to both sides."""
        half = 0.5 if self.kind == "int" else 0.0
        return math.log(self.low - half), math.log(self.high + half)

    def _whole(self, value: int) -> int:
        return min(max(value, round(self.low)), round(self.high))

    def readable(self, value: float) -> float:
        """A number with four significant digits, inside the range."""
        return min(max(float(f"{value:.4g}"), self.low), self.high)


@dataclass(frozen=True, slots=True)
class Space:
    """All dimensions, each after those that its `when` names."""

    dimensions: tuple[Dimension, ...]

    @classmethod
    def of(cls, tables: Mapping[str, Mapping[str, JsonValue]]) -> Space:
        """The space of these tables of pawl.toml, by "FILE:CONSTANT". Raises ConfigError that names the key."""
        try:
            read = {key: ranges.SpaceTable.model_validate_json(json.dumps(table)) for key, table in tables.items()}
            return cls(tuple(_dimension(name, read[name]) for name in ranges.ordered(read)))
        except ValidationError as error:
            raise ConfigError(f"[space]: {explain(error, ranges.SpaceTable)}", "correct [space]") from error
        except ValueError as error:
            raise ConfigError(f"[space]: {error}", "correct [space]") from error

    def __iter__(self) -> Iterator[Dimension]:
        return iter(self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dimension.name for dimension in self)

    @property
    def conditional(self) -> bool:
        """Whether some constant is active only where others have some values."""
        return any(dimension.when for dimension in self)

    def build(self, choose: Callable[[Dimension], Constant]) -> Params:
        """What comes of choosing a value for each active dimension, parents first."""
        found: Params = {}
        for dimension in self:
            if all(parent in found and among(found[parent], values) for parent, values in dimension.when.items()):
                found[dimension.name] = choose(dimension)
        return found

    def sample(self, chance: Random) -> Params:
        """Values of active dimensions, each drawn uniformly from its range, on the log scale where it has one."""
        return self.build(lambda dimension: dimension.value(chance.random()))

    def units(self, params: Mapping[str, Constant]) -> tuple[float, ...]:
        """Where these values lie in [0, 1], one for each dimension in order; NaN for one that is not active. Raises
        ValueError for what does not fit."""
        if not self.fits(params):
            raise ValueError(f"{dict(params)} does not fit the space")
        return tuple(d.unit(params[d.name]) if d.name in params else math.nan for d in self)

    def params(self, units: Sequence[float]) -> Params:
        """The values at places in [0, 1], one for each dimension in order; those of dimensions that are then not active
        are not looked at."""
        places = dict(zip(self.names, units, strict=True))
        return self.build(lambda dimension: dimension.value(places[dimension.name]))

    def fits(self, params: Mapping[str, object]) -> bool:
        """Whether these are values of exactly the dimensions that are active for them."""
        held: dict[str, Any] = {d.name: params[d.name] for d in self if d.holds(params.get(d.name))}
        try:
            return len(held) == len(params) and len(self.build(lambda d: held[d.name])) == len(params)
        except KeyError:
            return False

    def current(self, files: Mapping[str, str]) -> Params:
        """The values that all of its constants have in these files, active or not. Raises ConfigError for one that is
        missing or not a literal."""
        return {
            f"{path}:{name}": value
            for path, names in _by_file(self.names).items()
            for name, value in current(files[path], names, path).items()
        }

    def changed(self, files: Mapping[str, str], params: Params) -> dict[str, str]:
        """The files that have these constants, with these values; other constants as they stand. Raises ConfigError
        for one that is not assigned once at the top of its file."""
        return {
            path: exchange(files[path], {name: params[f"{path}:{name}"] for name in names}, path)
            for path, names in _by_file(params).items()
        }


def _by_file(keys: Mapping[str, object] | Sequence[str]) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    for key in keys:
        path, _, name = key.partition(":")
        files.setdefault(path, []).append(name)
    return files


def _dimension(name: str, table: ranges.SpaceTable) -> Dimension:
    when, sure = MappingProxyType(dict(table.when)), table.sure or "medium"
    if table.type == "categorical":
        return Dimension(name, "categorical", choices=table.choices, when=when, likely=table.likely, sure=sure)
    low, high, step = table.low or 0.0, table.high or 0.0, table.step or 0.0
    if table.type == "int":
        low, high, step = math.ceil(low), math.floor(high), step or 1.0
        high -= (high - low) % step
    assert not isinstance(table.likely, str)
    likely = None if table.likely is None else min(max(table.likely, low), high)
    return Dimension(name, table.type, low, high, table.log, step, when=when, likely=likely, sure=sure)
