"""What a loop trains and measures with: each part with the settings that pawl.toml gives it, and nothing is run."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from pawl.artifacts import ArtifactStore
from pawl.broker import Broker
from pawl.config import Config
from pawl.controls import Controls
from pawl.gates.learning import Learning
from pawl.harness import Harness, sealed_file
from pawl.ledger import Ledger
from pawl.protocols import Environment, Limits, Mount
from pawl.sandboxes.unsafe import Unsafe
from pawl.stores.sqlite import SqliteStore
from pawl.tables import parse
from pawl.workplace import Workplace

STUDY = """
[study]
name = "digits"
metric = "log_loss"
direction = "minimize"

[train]
command = ["python", "train.py"]
editable = ["train.py"]
budget = "60 epochs"

[fidelity]
rungs = [0.1, 0.5]
"""
SEALED = """
[evaluate]
predict = ["python", "predict.py"]
scorer = "log-loss"
validation = "sealed/validation.npz"

[[suite]]
name = "later"
metric = "accuracy"
direction = "maximize"
validation = "other/later.npz"

[[suite]]
name = "printed"
metric = "seconds"
direction = "minimize"
summary = "seconds"
"""
REPORTED = '\n[evaluate]\nsummary = "log_loss"\n'
LIMITS = Limits(1.0, 1.0, 2**20, 2**20, 2**20, 8, 1)


def harness(folder: Path, text: str) -> Harness:
    config = parse((STUDY + text).encode(), folder / "pawl.toml", Config)
    for name in ("sealed/validation.npz", "other/later.npz"):
        (folder / name).parent.mkdir()
        np.savez(folder / name, inputs=np.arange(4.0), labels=np.arange(4))
    np.savez(folder / "train.npz", inputs=np.arange(90.0), labels=np.arange(90))
    data = (Mount(folder / "train.npz", "/study/train.npz"),)
    workplace = Workplace(Environment("python", (), (), ""), data, LIMITS, LIMITS, lambda variant, place: None)
    broker = None if config.evaluate.self_reported else Broker(sealed_file(folder / "sealed/validation.npz"), None)
    store, sandbox = ArtifactStore(folder / "artifacts"), Unsafe(accepted=True)
    return Harness(config, folder, store, sandbox, workplace, threading.Event(), broker)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(SqliteStore(tmp_path / "ledger.sqlite"))


def test_a_suite_has_the_studys_settings_where_it_has_none_of_its_own(tmp_path: Path, ledger: Ledger) -> None:
    made = harness(tmp_path, SEALED)
    own, suites = made.measure(ledger).evaluator, made.suites()
    later = suites["later"]
    assert (own.metric, own.sign, later.metric, later.sign) == ("log_loss", -1, "accuracy", 1)  # type: ignore[attr-defined]
    assert own.command == later.command == ("python", "predict.py")  # type: ignore[attr-defined]
    assert own.broker is made.broker  # type: ignore[attr-defined]
    assert later.broker.sealed.path == tmp_path / "other/later.npz"  # type: ignore[attr-defined]
    assert (type(suites["printed"]).__name__, suites["printed"].metric) == ("SelfReportedEvaluator", "seconds")  # type: ignore[attr-defined]


def test_whole_runs_have_the_budget_and_rungs_their_shares_of_it(tmp_path: Path, ledger: Ledger) -> None:
    made = harness(tmp_path, SEALED)
    measure = made.measure(ledger)
    fidelity = made.fidelity(measure)
    assert fidelity
    budgets = [measure.executor.budget, *(rung.executor.budget for rung in fidelity.rungs)]  # type: ignore[attr-defined]
    assert budgets == ["60", "6", "30"]


def test_controls_train_on_data_taken_apart_with_hardly_any_of_the_budget_and_with_all_of_it(
    tmp_path: Path, ledger: Ledger
) -> None:
    made = harness(tmp_path, SEALED)
    controls: Controls = made.controls(ledger, [Learning()]).__self__  # type: ignore[attr-defined]
    executors = [way.executor() for way in controls.unlearning]
    assert [way.share for way in controls.unlearning] == [0.02, 1.0]
    assert [executor.budget for executor in executors] == ["1", "60"]  # type: ignore[attr-defined]
    for executor in executors:
        (mount,) = executor.workplace.data  # type: ignore[attr-defined]
        assert mount.target == "/study/train.npz"
        with np.load(mount.source) as apart:
            assert apart["inputs"].tolist() != list(range(90))
    assert controls.examiner.metric == "log_loss"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("text", "gates"), [(REPORTED, [Learning()]), (SEALED, [])])
def test_without_a_sealed_set_or_a_gate_that_asks_there_are_no_controls(
    tmp_path: Path, ledger: Ledger, text: str, gates: list[Learning]
) -> None:
    assert not hasattr(harness(tmp_path, text).controls(ledger, gates), "__self__")
