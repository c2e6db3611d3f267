"""A folder `mlruns` as MLflow's file store writes it. Needs no MLflow: plain files, a few known lines of each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pawl.errors import ConfigError, did_you_mean
from pawl.hostile import one_line
from pawl.readers import columns, tracked
from pawl.readers.tracked import Choice, Tracked
from pawl.trials import Log

STATUS = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
MOST_RUNS = 50_000
MOST_BYTES = 2**20
MOST_FILES = 2_000
"""Metrics, parameters or tags of one run."""


@dataclass(frozen=True)
class MlrunsReader:
    """MLflow's folder `mlruns`, or one experiment's folder in it. `experiment`: its name, where there are several;
    the others name a metric, and parameters or tags."""

    experiment: str = ""
    metric: str = ""
    direction: str = ""
    status: str = ""
    seed: str = ""
    variant: str = ""

    def knows(self, source: str) -> bool:
        """A folder in which experiments, or runs, have a meta.yaml."""
        try:
            folder = _folder(source)
            return folder.is_dir() and bool(_experiments(folder))
        except (OSError, ValueError):
            return False

    def read(self, source: str) -> Log:
        """Raises ConfigError: no experiment, several and no name, no runs, no metric."""
        shown = one_line(source)
        if not self.knows(source):
            raise ConfigError(f"{columns.shown(shown)} is not a folder of MLflow's", "pawl judge mlruns")
        found = {_meta(folder).get("name", folder.name): folder for folder in _experiments(_folder(source))}
        holding = {name: folder for name, folder in found.items() if next(_runs(folder), None)}
        name = self.experiment or (next(iter(holding)) if len(holding) == 1 else "")
        if name not in found:
            names = [one_line(name) for name in sorted(holding or found)]
            listed = f"{shown} has the experiments {', '.join(names[:10]) or 'none'}"
            why = f"{listed}; which one?{did_you_mean(name, names) if name else ''}"
            raise ConfigError(why, f"--experiment {names[0] if names else 'NAME'}")
        runs = [_run(folder) for folder in _runs(found[name])]
        choice = Choice(self.metric, self.direction, self.status, self.seed, self.variant)
        return tracked.log(shown, "mlruns", one_line(name), runs, choice)


def _folder(source: str) -> Path:
    path = Path(source.removeprefix("file://"))
    return path / "mlruns" if (path / "mlruns").is_dir() else path


def _experiments(folder: Path) -> list[Path]:
    """The folders of experiments: this one, or those in it. An experiment's meta.yaml has no run_id."""
    places = [folder, *sorted(folder.iterdir())]
    metas = [(place, _meta(place)) for place in places if (place / "meta.yaml").is_file()]
    return [place for place, meta in metas if "experiment_id" in meta and "run_id" not in meta
            and meta.get("lifecycle_stage", "active") == "active"]  # fmt: skip


def _runs(experiment: Path) -> Iterator[Path]:
    for count, place in enumerate(sorted(experiment.iterdir())):
        if count > MOST_RUNS:
            raise ConfigError(f"{one_line(str(experiment))} has more than {MOST_RUNS} runs", "--experiment NAME")
        if (place / "meta.yaml").is_file() and _meta(place).get("lifecycle_stage", "active") == "active":
            yield place


def _meta(folder: Path) -> dict[str, str]:
    """The plain `key: value` lines of a meta.yaml."""
    lines = _text(folder / "meta.yaml").splitlines()
    pairs = (line.partition(": ") for line in lines if line[:1].isalpha())
    return {key: value.strip().strip("'\"") for key, _, value in pairs}


def _run(folder: Path) -> Tracked:
    meta = _meta(folder)
    started = columns.number(meta.get("start_time", "")) or 0.0
    metrics = {name: last for name, text in _values(folder / "metrics") if (last := _last(text)) is not None}
    status = meta.get("status", "3")
    return Tracked(
        meta.get("run_name") or folder.name, STATUS.get(status, status), int(started), metrics,
        {name: text.strip() for name, text in _values(folder / "params")},
        {name: text.strip() for name, text in _values(folder / "tags") if not name.startswith("mlflow.")},
    )  # fmt: skip


def _values(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file below a folder, by its relative path, which is the name of a metric or parameter."""
    if folder.is_dir():
        for count, path in enumerate(sorted(folder.rglob("*"))):
            if path.is_file() and not path.is_symlink() and count < MOST_FILES:
                yield path.relative_to(folder).as_posix(), _text(path)


def _last(text: str) -> float | None:
    """The value at the highest step, as MLflow shows it: lines of time, value, step."""
    found = list[tuple[float, float, float]]()
    for line in text.splitlines():
        cells = [columns.number(cell) for cell in line.split()[:3]]
        if len(cells) >= 2 and None not in cells:
            time, value, step = (*(cell or 0.0 for cell in cells), 0.0)[:3]
            found.append((step, time, value))
    value = max(found)[2] if found else math.nan
    return value if math.isfinite(value) else None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode(errors="replace")
    except OSError as error:
        raise ConfigError(f"{one_line(str(path))} cannot be read: {error.strerror}", "ls -l") from error
