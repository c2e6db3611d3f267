"""What an earlier study taught about declared constants, as plain values that proposers may read.

Gains are in sds of one run of that study, over its first champion, and as its Ladder told them: nothing here says more
of a sealed set than that study's own proposers knew.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from pawl.record import Part

MOST_TRIALS = 500
"""Trials of one study that are kept."""
MOST_CONSTANTS = 200
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
CLOSE = 1e-9
"""What a rounded number may lie off its grid, as a share of a step."""

Constant = str | int | float | bool
Key = Annotated[str, StringConstraints(pattern=r"^[^:\x00-\x1f]{1,200}:[^\W\d]\w{0,99}$")]
"""A constant's name: "FILE:CONSTANT"."""
Value = Annotated[str, StringConstraints(max_length=200)] | Annotated[int, Field(ge=-(2**63), le=2**63)] | float | bool
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Words = Annotated[str, StringConstraints(max_length=200)]


class Range(Part):
    """What a constant may be, as in [space]: from `low` to `high` (on a logarithmic scale where `log`, on a grid where
    there is a `step`), or one of `choices`."""

    type: Literal["int", "float", "categorical"]
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = None
    choices: tuple[Value, ...] = Field(default=(), max_length=1000)

    @classmethod
    def of(cls, table: Mapping[str, JsonValue]) -> Range:
        """The range that a table of [space] gives; its other keys are not looked at."""
        known = {key: table[key] for key in cls.model_fields if table.get(key) is not None}
        return cls.model_validate(known | {"choices": tuple(known.get("choices", ()))})  # type: ignore[arg-type]

    def holds(self, value: Constant) -> bool:
        """Whether a constant may have this value here."""
        if self.type == "categorical":
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        if isinstance(value, str | bool) or (self.type == "int" and not isinstance(value, int)):
            return False
        if self.low is None or self.high is None or not self.low <= value <= self.high:
            return False
        step = self.step or (1.0 if self.type == "int" else 0.0)
        off = math.remainder(value - self._first(), step) / step if step else 0.0
        return abs(off) < CLOSE

    def place(self, value: Constant) -> float:
        """Where a number that it holds lies between `low` and `high`, 0 to 1; of a choice, which one it is."""
        if self.type == "categorical":
            return [(type(choice), choice) for choice in self.choices].index((type(value), value))
        assert self.low is not None, "a range of numbers has bounds"
        assert self.high is not None, "a range of numbers has bounds"
        low, high, at = self.low, self.high, float(value)
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return (at - low) / (high - low)

    def _first(self) -> float:
        """Where the grid begins."""
        assert self.low is not None, "a range of numbers has bounds"
        return math.ceil(self.low) if self.type == "int" else self.low


class PastTrial(Part):
    """One configuration and what came of it. `gain` is over the study's first champion, in sds of one run (in the
    metric's unit where seeds change nothing), positive is better; it rests on so many `runs`. Where it is not `better`
    than the best before it, the Ladder tells no more than that, and the gain is 0; without a Ladder all are told.
    `certified`: whether the last certificate on it was won; None: there was none."""

    parameters: dict[Key, Value] = Field(min_length=1, max_length=MOST_CONSTANTS)
    gain: float = Field(ge=-1e9, le=1e9)
    runs: int = Field(ge=1, le=1_000_000)
    better: bool = True
    certified: bool | None = None


class Past(Part):
    """What one earlier study taught. `origin` is the digest of its ledger's first entry, which tells it from others of
    the same name; it was read when its ledger had `entries` entries and the root `head`. `ladder` is the step of its
    Ladder, in sds of one run. `renamed` are those of its constants that bear other names here than there. Trials are in
    the order in which they were made."""

    name: Annotated[str, StringConstraints(pattern=NAME)]
    origin: Digest
    entries: int = Field(ge=1)
    head: Digest
    metric: Words
    direction: Literal["minimize", "maximize"]
    ladder: float = Field(ge=0)
    renamed: dict[Key, Key] = Field(default={}, max_length=MOST_CONSTANTS)
    space: dict[Key, Range] = Field(min_length=1, max_length=MOST_CONSTANTS)
    trials: tuple[PastTrial, ...] = Field(min_length=1, max_length=MOST_TRIALS)

    @cached_property
    def digest(self) -> str:
        """The sha256 of all of it: what a proposal names as its source."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def called(self, name: str) -> Past:
        """The same under another name, and so with another digest."""
        return Past.model_validate({**self.model_dump(), "name": name})

    def matching(self, space: Mapping[str, Range]) -> list[str]:
        """The constants that it and this space have in common, by name and type. Ranges may differ."""
        return [key for key, mine in space.items() if key in self.space and self.space[key].type == mine.type]

    def within(self, space: Mapping[str, Range]) -> list[PastTrial]:
        """Its trials whose matching constants are all of values that this space allows, without their other constants:
        what a configuration would have been worth with another value, nobody knows."""
        keys, found = self.matching(space), []
        for trial in self.trials:
            shared = {key: trial.parameters[key] for key in keys if key in trial.parameters}
            if keys and len(shared) == len(keys) and all(space[key].holds(value) for key, value in shared.items()):
                found.append(trial.model_copy(update={"parameters": shared}))
        return found
