"""Real Optuna studies, in SQLite and in a journal, read without changing a byte."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from pawl.errors import ConfigError
from pawl.protocols import Reader
from pawl.readers.mlflow import MlflowReader
from pawl.readers.optuna import OptunaReader
from pawl.testing.readers import ReaderContract

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial: optuna.Trial) -> float:
    x, seed = trial.suggest_float("x", -2, 2), trial.suggest_int("seed", 0, 3)
    if trial.number == 4:
        raise optuna.TrialPruned
    return x * x + seed / 100


def study(storage: object, name: str = "first", **settings: object) -> None:
    made = optuna.create_study(
        storage=storage, study_name=name, sampler=optuna.samplers.RandomSampler(seed=1), **settings
    )
    made.optimize(objective, n_trials=8)


@cache
def database() -> bytes:
    """A study in SQLite, made once: a database takes its time."""
    with TemporaryDirectory() as folder:
        study(f"sqlite:///{folder}/study.db")
        return Path(folder, "study.db").read_bytes()


@cache
def journal() -> bytes:
    with TemporaryDirectory() as folder:
        study(JournalStorage(JournalFileBackend(f"{folder}/journal.log")))
        return Path(folder, "journal.log").read_bytes()


class TestOptunaDatabase(ReaderContract):
    def make(self) -> Reader:
        return OptunaReader()

    def example(self, folder: Path) -> str:
        (folder / "study.db").write_bytes(database())
        return str(folder / "study.db")


class TestOptunaJournal(ReaderContract):
    def make(self) -> Reader:
        return OptunaReader()

    def example(self, folder: Path) -> str:
        (folder / "journal.log").write_bytes(journal())
        return str(folder / "journal.log")


def test_parameters_are_the_configuration_and_the_seed_is_apart(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(database())
    log = OptunaReader().read(f"sqlite:///{tmp_path / 'a.db'}")
    assert (log.metric, log.direction, len(log.trials)) == ("value", "minimize", 8)
    assert log.trials[4].decision == "crashed"
    first = log.trials[0]
    assert first.variant.startswith('{"x": ')
    assert first.seed in "0123"
    assert "seed" not in first.words


def test_one_of_several_studies_is_asked_for(tmp_path: Path) -> None:
    path = f"sqlite:///{tmp_path / 'a.db'}"
    (tmp_path / "a.db").write_bytes(database())
    study(path, "second", direction="maximize")
    with pytest.raises(ConfigError, match="holds 2 studies: first, second") as caught:
        OptunaReader().read(path)
    assert caught.value.hint == "--experiment first"
    assert OptunaReader(experiment="second").read(path).direction == "maximize"
    with pytest.raises(ConfigError, match="Did you mean 'second'"):
        OptunaReader(experiment="secnd").read(path)


def test_one_of_several_values_is_asked_for(tmp_path: Path) -> None:
    path = f"sqlite:///{tmp_path / 'a.db'}"
    made = optuna.create_study(storage=path, directions=["minimize", "maximize"])
    made.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 2.0 * trial.number), n_trials=5)
    with pytest.raises(ConfigError, match="2 value"):
        OptunaReader().read(path)
    log = OptunaReader(metric="1").read(path)
    assert (log.direction, [trial.score for trial in log.trials]) == ("maximize", [0.0, 2.0, 4.0, 6.0, 8.0])


def test_a_database_may_lie_anywhere_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20?#c"
    folder.mkdir()
    (folder / "a.db").write_bytes(database())
    assert len(OptunaReader().read(str(folder / "a.db")).trials) == 8
    assert [path.name for path in (*tmp_path.iterdir(), *folder.iterdir())] == ["a b%20?#c", "a.db"]


def test_an_optuna_database_is_not_taken_for_mlflows(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(database())
    assert not MlflowReader().knows(str(tmp_path / "a.db"))
