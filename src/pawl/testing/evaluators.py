"""What every evaluator must do."""

from __future__ import annotations

import math
from pathlib import Path

from pawl.ledger import Entry
from pawl.protocols import Evaluator
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
