"""What a lab is: a study template and the function that writes its data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Lab:
    """A study that ships with Pawl.

    `folder` holds the files to copy into a new study. `prepare(study)` then writes `data/train.npz` and the two sealed
    sets into that study; it may need the network or an extra of Pawl, and raises a ConfigError where those are missing.
    """

    name: str
    summary: str
    folder: Path
    prepare: Callable[[Path], None]


def template(name: str) -> Path:
    """The template folder of the lab called `name`."""
    return Path(__file__).parent / "templates" / name
