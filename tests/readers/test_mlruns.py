"""MLflow's file store, made by hand as MLflow writes it; where MLflow is there, it is what made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pawl.errors import ConfigError
from pawl.protocols import Reader
from pawl.readers.mlruns import MlrunsReader
from pawl.testing.readers import ReaderContract


def experiment(folder: Path, id: str = "1", name: str = "sweep") -> Path:
    place = folder / "mlruns" / id
    place.mkdir(parents=True)
    (place / "meta.yaml").write_text(
        f"artifact_location: file:///nowhere\ncreation_time: 1700000000000\nexperiment_id: '{id}'\n"
        f"last_update_time: 1700000000000\nlifecycle_stage: active\nname: {name}\n"
    )
    return place


def run(place: Path, id: str, loss: str, started: int, status: int = 3, **params: object) -> Path:
    folder = place / id
    for kind in ("metrics/val", "params", "tags", "artifacts"):
        (folder / kind).mkdir(parents=True)
    (folder / "meta.yaml").write_text(
        f"artifact_uri: file:///nowhere\nend_time: {started + 1}\nexperiment_id: '1'\nlifecycle_stage: active\n"
        f"run_id: {id}\nrun_name: run-{id}\nstart_time: {started}\nstatus: {status}\nuser_id: me\n"
    )
    (folder / "metrics" / "val" / "loss").write_text(loss)
    for name, value in params.items():
        (folder / "params" / name).write_text(str(value))
    (folder / "tags" / "mlflow.runName").write_text(f"run-{id}")
    return folder


def sweep(folder: Path) -> Path:
    place = experiment(folder)
    run(place, "c", "1 0.8 1\n", 300, lr=0.2, seed=0)
    run(place, "a", "1 2.0 0\n2 1.0 1\n", 100, lr=0.1, seed=0)
    run(place, "b", "1 1.1 1\n", 200, lr=0.1, seed=1)
    run(place, "d", "1 0.1 1\n", 400, status=4, lr=0.3, seed=0)
    return folder / "mlruns"


class TestMlruns(ReaderContract):
    def make(self) -> Reader:
        return MlrunsReader()

    def example(self, folder: Path) -> str:
        return str(folder / "mlruns" if (folder / "mlruns").exists() else sweep(folder))


def test_runs_are_trials_in_the_order_of_their_start(tmp_path: Path) -> None:
    log = MlrunsReader().read(str(sweep(tmp_path)))
    assert [(t.name, t.score, t.seed) for t in log.trials] == [
        ("run-a", 1.0, "0"), ("run-b", 1.1, "1"), ("run-c", 0.8, "0"), ("run-d", None, "0")
    ]  # fmt: skip
    assert log.trials[0].variant == log.trials[1].variant != log.trials[2].variant
    assert (log.metric, log.direction) == ("val/loss", "minimize")


def test_the_folder_above_and_the_experiments_own_will_do(tmp_path: Path) -> None:
    sweep(tmp_path)
    for place in (tmp_path, tmp_path / "mlruns" / "1"):
        assert MlrunsReader().knows(str(place))
        assert len(MlrunsReader().read(str(place)).trials) == 4


def test_one_of_several_experiments_is_asked_for(tmp_path: Path) -> None:
    sweep(tmp_path)
    run(experiment(tmp_path, "2", "other"), "z", "1 0.5 1\n", 100, lr=1)
    with pytest.raises(ConfigError, match="experiments other, sweep; which one") as caught:
        MlrunsReader().read(str(tmp_path))
    assert caught.value.hint == "--experiment other"
    assert len(MlrunsReader(experiment="other").read(str(tmp_path)).trials) == 1


def test_a_value_that_is_not_finite_is_a_failure(tmp_path: Path) -> None:
    place = experiment(tmp_path)
    run(place, "a", "1 nan 1\n", 1)
    run(place, "b", "garbage\x1b[2J\n", 2)
    run(place, "c", "1 0.5 1\n", 3)
    assert [t.score for t in MlrunsReader().read(str(tmp_path)).trials] == [None, None, 0.5]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    sweep(tmp_path)
    (tmp_path / "secret").write_text("key")
    (tmp_path / "mlruns" / "1" / "a" / "params" / "stolen").symlink_to(tmp_path / "secret")
    assert "key" not in str(MlrunsReader().read(str(tmp_path)))
