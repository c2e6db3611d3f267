"""The sealed examiner keeps the contract, and its canaries stay what they were."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pawl import app, keys
from pawl.broker import Broker, SealedFile, contents
from pawl.envelope import sha256
from pawl.evaluators.examiner import canaries
from pawl.evaluators.rows import moved
from pawl.protocols import Examiner
from pawl.records import Run, Variant
from pawl.testing.examiners import ExaminerContract
from studies import digits

pytestmark = pytest.mark.slow


class TestSealedExaminer(ExaminerContract):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _study(cls, tmp_path_factory: pytest.TempPathFactory, people: dict[str, keys.Signer]) -> None:
        cls.study = app.open(digits(tmp_path_factory.mktemp("examined") / "study", [people["ada"]], sealed=True))
        with cls.study.loop() as loop:
            measure, baseline = loop.search.measure, cls.study.entries(Variant)[0]
            cls.runs = [measure.executor.run(baseline, seed, "noise") for seed in (5, 6)]
            cls.examiner = loop.judge.prepare.__self__.examiner  # type: ignore[attr-defined]

    def make(self, folder: Path) -> tuple[Examiner, Run, Run, str]:
        return self.examiner, self.runs[0], self.runs[1], "log_loss"

    def test_it_makes_canaries_once_and_keeps_them_to_itself(self) -> None:
        path = self.study.state / self.study.config.evaluate.validation
        broker = Broker(SealedFile(path, sha256(contents(path))), None)
        first, second = canaries(broker), canaries(broker)
        assert first.keys() == {"inputs", "labels", "rows"}
        assert all(np.array_equal(first[name], second[name]) for name in first)
        (kept,) = path.parent.glob("canaries-*.npz")
        assert kept.stat().st_mode & 0o777 == 0o600
        with np.load(path) as sealed:
            assert moved(sealed["inputs"][first["rows"]], first["inputs"]) == 1.0

    def test_an_honest_model_is_at_chance_on_canaries(self) -> None:
        assert self.examiner.compare(self.runs[0], self.runs[1]).measures["canary_p"] > 1e-4

    @pytest.mark.parametrize("answer", ["{'log_loss': float('nan')}", "1 / 0"])
    def test_a_scorer_that_cannot_score_one_row_is_a_look_that_failed(self, answer: str) -> None:
        """It must not look like luck beyond all chance, nor end the loop."""
        sealed = (self.study.state / self.study.config.evaluate.validation).parent
        text = f"def score(p, labels, inputs):\n    return {{'log_loss': 1.0}} if len(labels) > 1 else {answer}\n"
        (sealed / "whole.py").write_text(text)
        examiner = dataclasses.replace(self.examiner, scorer="whole.py")
        assert examiner.score(self.runs[0]).measures == {"log_loss": 1.0}
        look = examiner.compare(self.runs[0], self.runs[1])
        assert (look.outcome, dict(look.measures)) == ("invalid", {})


del ExaminerContract
