"""Long benches can be stopped, and what they train in a warm interpreter is what a sandbox trains."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from pawl import app
from pawl.records import Variant

BENCH = Path(__file__).parents[1] / "bench"
Bench = Callable[[str], ModuleType]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Imports a file of bench/ by its name."""
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module


@pytest.fixture
def rows(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = bench("rows")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "rows")
    return module


def test_rows_are_found_again(rows: ModuleType) -> None:
    """What was finished is not done twice."""
    assert rows.read("some") == []
    rows.add("some", {"lab": "digits", "seed": 1})
    rows.add("some", {"lab": "digits", "seed": 2})
    assert [row["seed"] for row in rows.read("some")] == [1, 2]
    assert rows.done("some", lab="digits", seed=2)
    assert not rows.done("some", lab="digits", seed=3)


def test_a_row_that_a_kill_cut_short_is_none(rows: ModuleType) -> None:
    """It is done again, and what is added later stands on a line of its own."""
    rows.add("some", {"seed": 1})
    with (rows.FOLDER / "some.jsonl").open("a") as file:
        file.write('{"seed": 2, "sco')
    assert [row["seed"] for row in rows.read("some")] == [1]
    rows.add("some", {"seed": 2})
    assert [row["seed"] for row in rows.read("some")] == [1, 2]


def test_the_compute_to_a_target_is_where_the_mean_gets_there(bench: Bench) -> None:
    """Of two searches, one that finds it at once and one that never does: neither counts alone."""
    fidelity = bench("fidelity")
    quick, slow = [(0.0, 4.0), (2.0, 1.0)], [(1.0, 4.0), (6.0, 3.0)]
    assert fidelity.at(slow, 0, 0.5) == 4.0
    assert fidelity.at(slow, 0, 6.0) == 3.0
    assert fidelity.crossing([quick], 0, 1.5, 9.0) == 2.0
    assert fidelity.crossing([quick, slow], 0, 2.0, 9.0) == 6.0
    assert fidelity.crossing([quick, slow], 0, 2.0, 5.0) == float("inf")
    assert fidelity.crossing([quick, slow], 0, 1.9, 9.0) == float("inf")


@pytest.mark.slow
def test_a_warm_interpreter_trains_what_a_sandbox_trains(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same source, seed and budget: the same score, run after run."""
    monkeypatch.setenv("HOME", str(tmp_path))  # which benches change
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    warm = bench("warm")
    with warm.trainer_of("digits") as trainer:
        study = warm.opened("digits", tmp_path / "digits", "", "6 epochs", ['use = "space"'], trainer)
        source = (study.folder / "train.py").read_text()
        trainer.train(source, 4, "6")
        found = trainer.train(source, 5, "6")
        with app.open(study.folder).loop() as loop:
            baseline = loop.search.ledger.entries(Variant)[0]
            done = loop.search.measure.evaluate(baseline, 5, "screen", "in a sandbox")
        assert trainer.train("raise ValueError", 5, "6").outcome == "crashed"
        assert trainer.train(source, 6, "6").outcome == "ok", "what crashed takes nobody along"
    assert found.outcome == "ok"
    assert found.score == pytest.approx(done.record.metrics["log_loss"], rel=1e-6)
