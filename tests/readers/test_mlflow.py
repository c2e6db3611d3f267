"""MLflow's own client on a real database. Skipped where MLflow is not installed: it is an extra."""

from __future__ import annotations

import importlib.util
import sqlite3
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pawl.errors import ConfigError
from pawl.protocols import Reader
from pawl.readers.mlflow import MlflowReader
from pawl.readers.optuna import OptunaReader
from pawl.testing.readers import ReaderContract

HERE = importlib.util.find_spec("mlflow") is not None
needs_mlflow = pytest.mark.skipif(not HERE, reason="MLflow is not installed: pip install 'pawl-ai[mlflow]'")


@cache
def filled() -> bytes:
    """A database with an experiment, made once: it takes seconds."""
    from mlflow import MlflowClient

    folder = TemporaryDirectory()
    path = Path(folder.name) / "mlflow.db"
    client = MlflowClient(tracking_uri=f"sqlite:///{path}")
    experiment = client.create_experiment("sweep", artifact_location=folder.name)
    for n, (lr, seed, loss) in enumerate([(0.1, 0, 1.0), (0.1, 1, 1.1), (0.2, 0, 0.8), (0.3, 0, 0.1)]):
        run = client.create_run(experiment, start_time=1000 + n, run_name=f"run {n}")
        client.log_param(run.info.run_id, "lr", lr)
        client.log_param(run.info.run_id, "seed", seed)
        client.log_metric(run.info.run_id, "val_loss", loss)
        client.set_terminated(run.info.run_id, "FAILED" if n == 3 else "FINISHED")
    with folder:
        return path.read_bytes()


@needs_mlflow
@pytest.mark.slow
class TestMlflow(ReaderContract):
    def make(self) -> Reader:
        return MlflowReader()

    def example(self, folder: Path) -> str:
        (folder / "mlflow.db").write_bytes(filled())
        return str(folder / "mlflow.db")

    def test_a_path_that_an_address_cannot_hold_is_refused(self, tmp_path: Path) -> None:
        """MLflow would make another database beside it."""
        (tmp_path / "a?b.db").write_bytes(filled())
        with pytest.raises(ConfigError, match="cannot open a path"):
            MlflowReader().read(str(tmp_path / "a?b.db"))
        assert [path.name for path in tmp_path.iterdir()] == ["a?b.db"]

    def test_runs_are_trials(self, tmp_path: Path) -> None:
        """In the order of their start; a failed one has no score; parameters but the seed are the configuration."""
        source = self.example(tmp_path)
        log = MlflowReader().read(f"sqlite:///{source}")
        assert [(t.name, t.score, t.seed) for t in log.trials] == [
            ("run 0", 1.0, "0"), ("run 1", 1.1, "1"), ("run 2", 0.8, "0"), ("run 3", None, "0")
        ]  # fmt: skip
        assert log.trials[0].variant == log.trials[1].variant != log.trials[2].variant
        assert not OptunaReader().knows(source)
        with pytest.raises(ConfigError, match="Did you mean 'sweep'"):
            MlflowReader(experiment="sweeep").read(source)


@pytest.mark.skipif(HERE, reason="MLflow is installed")
def test_without_mlflow_the_error_names_the_extra(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        MlflowReader().read(str(tmp_path / "mlflow.db"))
    assert caught.value.hint == "pip install 'pawl-ai[mlflow]'"


def test_a_database_of_mlflows_is_known_by_its_tables(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("create table latest_metrics (key text)")
    assert MlflowReader().knows(f"sqlite:///{tmp_path / 'a.db'}")
    assert MlflowReader().knows("http://localhost:5000")
