"""What every examiner must do."""

from __future__ import annotations

import math
from pathlib import Path

from pawl.protocols import Examiner
from pawl.records import Run


class ExaminerContract:
    """Subclass it and override `make`."""

    def make(self, folder: Path) -> tuple[Examiner, Run, Run, str]:
        """An examiner, two runs that succeeded on one seed, and the name of the study's metric."""
        raise NotImplementedError

    def test_comparing_a_run_with_itself_finds_no_gain(self, tmp_path: Path) -> None:
        """All measures are finite; no row moves, none is better, on sealed rows and look-alikes alike."""
        examiner, run, _, _ = self.make(tmp_path)
        look = examiner.compare(run, run)
        assert look.outcome == "ok", look
        assert all(math.isfinite(value) for value in look.measures.values())
        names = ("gain", "trimmed_gain", "original_gain", "lookalike_gain", "head_moved", "rows_better", "sealed_rows")
        assert {name: look.measures[name] for name in names} == dict.fromkeys(names, 0.0)

    def test_gains_change_sign_with_the_arms(self, tmp_path: Path) -> None:
        """What one arm gains the other one loses."""
        examiner, first, second, _ = self.make(tmp_path)
        there, back = examiner.compare(first, second), examiner.compare(second, first)
        assert math.isclose(there.measures["gain"], -back.measures["gain"], rel_tol=1e-9, abs_tol=1e-12)
        assert there.measures["head_score"] == back.measures["reference_score"]

    def test_a_score_has_the_studys_metric(self, tmp_path: Path) -> None:
        """And a run that failed has none: its outcome and reason are carried over, and nothing raises."""
        examiner, run, _, metric = self.make(tmp_path)
        assert math.isfinite(examiner.score(run).measures[metric])
        failed = run.model_copy(update={"outcome": "crashed", "reason": "it broke", "artifacts": ()})
        look = examiner.score(failed)
        assert (look.outcome, dict(look.measures)) == ("crashed", {})
        assert look.reason

    def test_a_run_that_left_nothing_is_a_look_that_failed(self, tmp_path: Path) -> None:
        """Prediction without a model ends badly, and that is an answer."""
        examiner, run, _, _ = self.make(tmp_path)
        look = examiner.compare(run, run.model_copy(update={"artifacts": ()}))
        assert look.outcome != "ok"
        assert look.reason
        assert dict(look.measures) == {}
