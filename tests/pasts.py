"""What an earlier study taught, made up: for tests of what reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pawl.past import Constant, Past, PastTrial, Range

SPACE = {
    "train.py:LEARNING_RATE": Range(type="float", low=1e-4, high=1.0, log=True),
    "train.py:DEPTH": Range(type="int", low=1, high=8),
    "train.py:NAME": Range(type="categorical", choices=("tanh", "relu")),
}


def trial(
    gain: float, runs: int = 1, better: bool = True, certified: bool | None = None, **other: Constant
) -> PastTrial:
    """A trial of SPACE; constants by their names without the file."""
    values: dict[str, Constant] = {"LEARNING_RATE": 0.1, "DEPTH": 2, "NAME": "tanh", **other}
    parameters = {f"train.py:{name}": value for name, value in values.items()}
    return PastTrial(parameters=parameters, gain=gain, runs=runs, better=better, certified=certified)


def past(trials: Sequence[PastTrial], name: str = "before", **changes: Any) -> Past:
    """A study of SPACE with these trials; studies of different names are of different ledgers."""
    origin = name.encode().hex()[:64].ljust(64, "0")
    fields: dict[str, Any] = {
        "name": name, "origin": origin, "entries": 9, "head": "b" * 64, "metric": "loss", "direction": "minimize",
        "ladder": 0.0, "space": SPACE, "trials": tuple(trials),
    }  # fmt: skip
    return Past(**(fields | changes))


def table(space: Mapping[str, Range]) -> dict[str, dict[str, Any]]:
    """A space as pawl.toml has it."""
    return {key: known.model_dump(exclude_defaults=True, mode="json") for key, known in space.items()}
