"""Power cuts at random points of a recorded story, each followed by a reboot and the checks."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from disk import Disk, materialise
from journal import Call
from recording import Recording
from same_disk import outside
from survival import nothing_was_repeated, survives

from pawl.errors import PawlError

GOES_ON_RUNS = 6


@dataclass(frozen=True, slots=True)
class Cut:
    """One power cut: after how many calls, in which phase, and what was wrong afterwards (empty: nothing)."""

    point: int
    phase: str
    wrong: str


def cuts(
    recording: Recording,
    times: int,
    seed: int,
    goes_on: int = 0,
    synced: Callable[[Call], bool] = lambda call: True,
) -> Iterator[Cut]:
    """Cut the power at `times` random points; in every `goes_on`-th case let the loop go on too (0: never). Where
    `synced` says no, an fsync does nothing, as if the program had never asked for it."""
    chance = random.Random(seed)
    points = sorted(chance.randrange(1, len(recording.calls) + 1) for _ in range(times))
    disk = Disk(recording.start)
    for number, point in enumerate(points, 1):
        while disk.taken < point:
            call = recording.calls[disk.taken]
            disk.skip() if call.name in ("fsync", "sync") and not synced(call) else disk.take(call)
        with tempfile.TemporaryDirectory(prefix="pawl-cut-") as place:
            materialise(disk.after_a_power_cut(chance), Path(place))
            wrong = _wrong(Path(place), recording, point, bool(goes_on) and number % goes_on == 0)
        yield Cut(point, recording.phases[point - 1], wrong)


def _wrong(folder: Path, recording: Recording, point: int, goes_on: bool) -> str:
    """What does not hold after the power cut."""
    try:
        with outside(folder):
            study = survives(folder, recording.promised(point), recording.entries)
            if goes_on:
                study.run(runs=GOES_ON_RUNS)
                nothing_was_repeated(study)
                survives(folder, recording.promised(point), [entry.digest for entry in study.ledger.all()])
    except (AssertionError, PawlError, OSError) as error:
        return f"{type(error).__name__} after call {point}: {error}".replace(str(folder), "STUDY")
    return ""
