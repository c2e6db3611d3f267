"""The local executor keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from pawl import app, keys
from pawl.ledger import Entry
from pawl.protocols import Executor
from pawl.records import Variant
from pawl.testing.executors import ExecutorContract
from studies import toy


class TestLocalExecutor(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _people(self, people: dict[str, keys.Signer]) -> None:
        self.people = people

    def make(self, folder: Path) -> tuple[Executor, Entry[Variant], Entry[Variant]]:
        study = app.open(toy(folder / "toy", [self.people["ada"]]))
        with study.loop() as loop:
            executor = loop.search.measure.executor
        good = study.entries(Variant)[0]
        problem = Variant(proposal=1, commit=good.record.commit, parent=good.record.commit, problem="it does not apply")
        return executor, good, study.ledger.append(problem)
