"""An Optuna study: a database (sqlite:///file.db, or the file itself) or a journal file."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pawl.errors import ConfigError, did_you_mean
from pawl.hostile import one_line
from pawl.readers import columns, files
from pawl.trials import Log, Trial

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial

SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class OptunaReader:
    """An Optuna study. `experiment`: its name, where there are several; `metric`: which value, from 0, where a trial
    has several; `seed`: the parameter or user attribute that is the seed."""

    experiment: str = ""
    metric: str = ""
    seed: str = ""

    def knows(self, source: str) -> bool:
        """A database with Optuna's tables, or a journal of its operations."""
        path = source.removeprefix("sqlite:///")
        start = files.head(path)
        if start.startswith(SQLITE):
            return b"trial_values" in files.head(path, 2**20)
        try:
            first = json.loads(start.split(b"\n", 1)[0])
        except (ValueError, RecursionError):
            return False
        return isinstance(first, dict) and {"op_code", "worker_id"} <= first.keys()

    def read(self, source: str) -> Log:
        """Raises ConfigError: no such file, several studies and no name, several values and no choice."""
        import optuna  # half a second, and few commands need it

        shown = columns.shown(source)
        if "://" not in source and not self.knows(source):
            raise ConfigError(f"{shown} is not an Optuna study", "pawl judge study.db")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            storage = _storage(source)
            study = optuna.load_study(study_name=self._name(storage, shown), storage=storage)
            return self._log(study, shown)
        except ConfigError:
            raise
        except Exception as error:  # a damaged or hostile file makes Optuna and its database raise nearly anything
            raise ConfigError(
                f"{shown} cannot be read as an Optuna study: {columns.shown(str(error))}", "optuna studies"
            ) from error

    def _name(self, storage: BaseStorage, shown: str) -> str:
        names = sorted(study.study_name for study in storage.get_all_studies())
        if self.experiment and self.experiment not in names:
            why = f"{shown} has no study '{one_line(self.experiment)}'.{did_you_mean(self.experiment, names)}"
            raise ConfigError(one_line(why), f"--experiment {one_line(names[0]) if names else 'NAME'}")
        if not names:
            raise ConfigError(f"{shown} holds no study", "pawl judge FILE")
        if not self.experiment and len(names) > 1:
            listed = ", ".join(one_line(name) for name in names[:10])
            raise ConfigError(f"{shown} holds {len(names)} studies: {listed}", f"--experiment {one_line(names[0])}")
        return self.experiment or names[0]

    def _log(self, study: Study, shown: str) -> Log:
        place = self._place(len(study.directions))
        names = study.metric_names or [
            f"value {n}" if len(study.directions) > 1 else "value" for n in range(len(study.directions))
        ]
        direction = study.directions[place].name.lower()
        told = [f"study '{one_line(study.study_name)}'; a step is kept where its value is better than all before it"]
        trials = tuple(
            self._trial(trial, place) for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()
        )
        return Log(
            shown,
            "optuna",
            one_line(names[place]),
            "maximize" if direction == "maximize" else "minimize",
            trials,
            tuple(told),
        )

    def _place(self, values: int) -> int:
        if self.metric.isdecimal() and int(self.metric) < values:
            return int(self.metric)
        if self.metric or values > 1:
            raise ConfigError(f"each trial has {values} value(s): which one?", "--metric 0")
        return 0

    def _trial(self, trial: FrozenTrial, place: int) -> Trial:
        settings = {**trial.params}
        given = {**trial.user_attrs, **trial.params}
        seed = self.seed or columns.first_of(columns.SEED, list(given))
        settings.pop(seed, None)
        done = trial.state.name == "COMPLETE" and trial.values is not None
        score = float(trial.values[place]) if done else math.nan
        words = ", ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in settings.items()
        )
        return Trial(
            f"trial {trial.number}", score if math.isfinite(score) else None, "" if done else "crashed",
            json.dumps(settings, sort_keys=True, default=str), columns.shown(str(given.get(seed, ""))),
            columns.shown(words),
        )  # fmt: skip


def _storage(source: str) -> BaseStorage:
    """Optuna's own storage for a path or address; never makes a file."""
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    path = source.removeprefix("sqlite:///")
    if "://" in source and not source.startswith("sqlite:///"):
        return RDBStorage(source, skip_compatibility_check=True, skip_table_creation=True)
    if not Path(path).is_file():
        raise ConfigError(f"there is no file {one_line(path)}", "ls")
    if files.head(path).startswith(SQLITE):
        address = f"file:{quote(str(Path(path).resolve()))}?mode=ro"
        opening = partial(sqlite3.connect, address, uri=True, check_same_thread=False)  # any path, and never a write
        return RDBStorage("sqlite://", {"creator": opening}, skip_compatibility_check=True, skip_table_creation=True)
    return JournalStorage(JournalFileBackend(path))
