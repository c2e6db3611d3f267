"""What every evaluator must do."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pawl.ledger import Entry
from pawl.protocols import Comparing, Evaluator
from pawl.records import Run


class EvaluatorContract:
    """Subclass it and override `make`."""

    def make(self, folder: Path) -> tuple[Evaluator, Entry[Run], Entry[Run], str]:
        """An evaluator, a run that succeeded, a run that failed, and the name of the study's metric."""
        raise NotImplementedError

    def test_a_good_run_has_the_studys_metric(self, tmp_path: Path) -> None:
        """It is finite, and the evaluation names its run."""
        evaluator, good, _, metric = self.make(tmp_path)
        evaluation = evaluator.evaluate(good)
        assert evaluation.outcome == "ok", evaluation
        assert evaluation.run == good.id
        assert math.isfinite(evaluation.metrics[metric])

    def test_the_same_run_measures_the_same(self, tmp_path: Path) -> None:
        """An evaluation is a fact about a run, not about the hour."""
        evaluator, good, _, _ = self.make(tmp_path)
        assert evaluator.evaluate(good).metrics == evaluator.evaluate(good).metrics

    def test_a_failed_run_has_no_metrics(self, tmp_path: Path) -> None:
        """Its outcome is carried over with its reason, and nothing raises."""
        evaluator, _, failed, _ = self.make(tmp_path)
        evaluation = evaluator.evaluate(failed)
        assert evaluation.outcome == failed.record.outcome != "ok"
        assert evaluation.metrics == {}
        assert evaluation.reason


class ComparingContract:
    """For an evaluator that can ask a holdout. Subclass it and override `make`."""

    def make(self, folder: Path) -> tuple[Comparing, Entry[Run], Entry[Run]]:
        """An evaluator of a study with a holdout, a run that succeeded, and one whose predictions cannot be made."""
        raise NotImplementedError

    def test_it_can_be_told_from_one_that_cannot(self, tmp_path: Path) -> None:
        """Pawl asks whoever has the method, and nobody else."""
        assert isinstance(self.make(tmp_path)[0], Comparing)

    def test_no_run_beats_itself(self, tmp_path: Path) -> None:
        """However low the bar."""
        evaluator, good, _ = self.make(tmp_path)
        assert evaluator.beats(good, good, 0.0) is False
        assert evaluator.beats(good, good, -9.0) is False

    def test_what_cannot_be_predicted_is_a_no_like_any_other(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Whichever of the two runs it is: no error, and no word."""
        evaluator, good, broken = self.make(tmp_path)
        capfd.readouterr()
        assert evaluator.beats(broken, good, 2.8) is False
        assert evaluator.beats(good, broken, 2.8) is False
        assert capfd.readouterr() == ("", "")
