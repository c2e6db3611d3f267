"""Every evaluator that ships keeps the contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pawl import app, keys
from pawl.ledger import Entry
from pawl.protocols import Comparing, Evaluator
from pawl.records import Run, Variant
from pawl.testing.evaluators import ComparingContract, EvaluatorContract
from studies import digits, toy

MADE: dict[type, Any] = {}
"""What was made for a class of tests, none of which changes it."""


def once(tests: object, make: Callable[[], tuple[Any, ...]]) -> Any:
    """Trained by the first test of a class that asks."""
    if type(tests) not in MADE:
        MADE[type(tests)] = make()
    return MADE[type(tests)]


class _OfStudy(EvaluatorContract):
    """An evaluator as a study has it; `build` makes the study."""

    build: Callable[..., Path]

    @pytest.fixture(autouse=True)
    def _people(self, people: dict[str, keys.Signer]) -> None:
        self.people = people

    def make(self, folder: Path) -> tuple[Evaluator, Entry[Run], Entry[Run], str]:
        found: tuple[Evaluator, Entry[Run], Entry[Run], str] = once(self, lambda: self.trained(folder))
        return found

    def trained(self, folder: Path) -> tuple[Evaluator, Entry[Run], Entry[Run], str]:
        study = app.open(type(self).build(folder / "study", [self.people["ada"]]))
        with study.loop() as loop:
            measure = loop.search.measure
        good = study.ledger.append(measure.executor.run(study.entries(Variant)[0], 5, "noise"))
        failed = good.record.model_copy(update={"outcome": "crashed", "reason": "it broke", "summary": {}})
        return measure.evaluator, good, study.ledger.append(failed), study.config.study.metric


class TestSelfReported(_OfStudy):
    build = staticmethod(toy)


class TestSealed(_OfStudy):
    build = staticmethod(digits)


class TestSealedWithHoldout(ComparingContract):
    @pytest.fixture(autouse=True)
    def _people(self, people: dict[str, keys.Signer]) -> None:
        self.people = people

    def make(self, folder: Path) -> tuple[Comparing, Entry[Run], Entry[Run]]:
        found: tuple[Comparing, Entry[Run], Entry[Run]] = once(self, lambda: self.trained(folder))
        return found

    def trained(self, folder: Path) -> tuple[Comparing, Entry[Run], Entry[Run]]:
        study = app.open(digits(folder / "study", [self.people["ada"]], holdout=True))
        with study.loop() as loop:
            measure = loop.search.measure
        good = study.ledger.append(measure.executor.run(study.entries(Variant)[0], 5, "noise"))
        broken = study.ledger.append(good.record.model_copy(update={"artifacts": ()}))
        assert isinstance(measure.evaluator, Comparing)
        return measure.evaluator, good, broken


del ComparingContract, EvaluatorContract, _OfStudy
