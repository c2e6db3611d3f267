"""The table [space] of `pawl.toml`: which values declared constants may take, and where they matter."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pawl.errors import did_you_mean
from pawl.tables import Table

Constant = str | int | float | bool
Sure = Literal["low", "medium", "high"]
GRID = 1e-8
"""How far, in steps, a value may lie beside a step and still be on it: decimal fractions are not exact."""
EPSILON = sys.float_info.epsilon


class SpaceTable(Table):
    """One constant in an editable file, and the values it may take. `when`: it is proposed only where these other
    constants have one of these values; elsewhere it stays as it stands. `likely`: your best guess, and `sure`: how
    far it is trusted; a wrong one costs some runs, and no more."""

    type: Literal["int", "float", "categorical"]
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = Field(default=None, gt=0)
    choices: tuple[Constant, ...] = ()
    when: dict[str, Annotated[tuple[Constant, ...], Field(min_length=1)]] = {}
    likely: Constant | None = None
    sure: Sure | None = None

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.type == "categorical":
            if len({(type(choice), choice) for choice in self.choices}) < max(len(self.choices), 2):
                raise ValueError("a categorical constant needs at least two choices, each once")
        elif self.low is None or self.high is None or not self.low < self.high:
            raise ValueError(f"a constant of type {self.type} needs low < high")
        elif self.log and self.low <= 0:
            raise ValueError("a log range needs low > 0")
        elif self.log and self.step is not None:
            raise ValueError("a log range takes no step")
        elif self.type == "int" and math.ceil(self.low) > math.floor(self.high):
            raise ValueError(f"there is no integer from {self.low:g} to {self.high:g}")
        elif self.type == "int" and self.step is not None and not self.step.is_integer():
            raise ValueError("the step of an int is a whole number")
        return self

    @model_validator(mode="after")
    def _guess_is_in_the_range(self) -> Self:
        if self.likely is None:
            if self.sure is not None:
                raise ValueError("sure says how far likely is trusted, and there is no likely")
        elif self.type == "categorical" and not self.allows(self.likely):
            raise ValueError(f"likely = {self.likely!r} is none of its choices")
        elif self.type != "categorical":
            number = isinstance(self.likely, int | float) and not isinstance(self.likely, bool)
            if not number or not self.low <= self.likely <= self.high:  # type: ignore[operator]
                raise ValueError(f"likely = {self.likely!r} is not a number from {self.low:g} to {self.high:g}")
        return self

    def allows(self, value: object) -> bool:
        """Whether the constant may take a value."""
        if self.type == "categorical":
            return among(value, self.choices)
        assert self.low is not None
        assert self.high is not None
        low = math.ceil(self.low) if self.type == "int" else self.low
        return on_grid(value, low, self.high, self.step or 0.0, whole=self.type == "int")


def same(one: object, other: object) -> bool:
    """Whether two constants are equal and of one type: 1, 1.0 and True are three."""
    return one == other and type(one) is type(other)


def among(value: object, choices: Iterable[Constant]) -> bool:
    """Whether a value is one of these choices."""
    return any(same(value, choice) for choice in choices)


def on_grid(value: object, low: float, high: float, step: float, whole: bool) -> bool:
    """Whether a value is a number from `low` to `high`, both included, some steps above `low` (step 0: any number), and
    an int where it must be `whole`."""
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not low <= value <= high:
        return False
    steps = (value - low) / step if step else 0.0
    near = GRID + 4 * EPSILON * max(abs(low), abs(high)) / step if step else GRID
    return abs(steps - round(steps)) < near


def ordered(tables: Mapping[str, SpaceTable]) -> list[str]:
    """The names of all constants, each after those that its `when` names. Raises ValueError for a name that is not
    there, a value that it never has, and a circle."""
    for name, table in tables.items():
        for parent, values in table.when.items():
            if parent not in tables:
                raise ValueError(f"space key {name!r}: when names {parent!r}.{did_you_mean(parent, tables)}")
            if tables[parent].type == "float":
                raise ValueError(f"space key {name!r}: when names {parent!r}, a float: it hardly ever has one value")
            never = [value for value in values if not tables[parent].allows(value)]
            if never:
                raise ValueError(f"space key {name!r}: when waits for {parent!r} to be {never[0]!r}, and it never is")
    try:
        return list(TopologicalSorter({name: list(table.when) for name, table in tables.items()}).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise ValueError(f"space: when goes round in a circle: {circle}") from error
