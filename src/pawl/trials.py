"""What the finished log of somebody else's loop holds: its trials, in the order in which they were made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pawl.records import Direction

Decision = Literal["kept", "discarded", "crashed", ""]
"""What the loop made of a trial; empty: the log does not say."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One measurement. `name` is what people find it by, `words` what it tried, both of one printable line.

    Trials of one `variant` are the same configuration; `seed` is empty where the log has none. `score` is finite and in
    the metric's unit; None: it failed, or gave no finite number."""

    name: str
    score: float | None
    decision: Decision = ""
    variant: str = ""
    seed: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """A log as a reader understood it. `told` says in sentences what was guessed or left out, for people to check."""

    source: str
    reader: str
    metric: str
    direction: Direction
    trials: tuple[Trial, ...]
    told: tuple[str, ...] = ()
