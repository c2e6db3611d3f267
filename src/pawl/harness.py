"""What trains and measures in a loop: executors and evaluators, all in one sandbox and at one workplace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pawl import controls, metrics, plugins, unlearning
from pawl.artifacts import ArtifactStore
from pawl.broker import Broker, SealedFile, contents
from pawl.config import Config, EvaluateTable, SuiteTable
from pawl.envelope import sha256
from pawl.fidelity import Fidelity, Rung
from pawl.ledger import Entry, Ledger
from pawl.measure import Measure
from pawl.protocols import Evaluator, Examiner, Executor, Gate, Sandbox
from pawl.records import Certificate, Direction
from pawl.rungs import Halving, Learned
from pawl.tables import PartTable
from pawl.workplace import Workplace

SEALED, SELF_REPORTED = PartTable(use="sealed"), PartTable(use="self-reported")


def sealed_file(path: Path) -> SealedFile:
    """A sealed set, from here on only as it is now."""
    return SealedFile(path, sha256(contents(path)))


@dataclass(frozen=True, slots=True)
class Harness:
    """Builds the parts of one loop that run programs; `stop` ends them all. `state` is the study's .pawl; without a
    `broker` the study's metric is self-reported."""

    config: Config
    state: Path
    artifacts: ArtifactStore
    sandbox: Sandbox
    workplace: Workplace
    stop: threading.Event
    broker: Broker | None

    def measure(self, ledger: Ledger) -> Measure:
        """Training on the whole budget, and the study's own evaluation."""
        own = self.config.study
        executor = self._executor(self.config.train.amount)
        return Measure(ledger, executor, self._evaluator(self.config.evaluate, own.metric, own.direction, self.broker))

    def suites(self) -> dict[str, Evaluator]:
        """The evaluators of the extra suites, by name."""
        return {
            table.name: self._evaluator(
                table, table.metric, table.direction,
                Broker(sealed_file(self.state / table.validation), None) if table.validation else None,
            )
            for table in self.config.suite
        }  # fmt: skip

    def fidelity(self, measure: Measure) -> Fidelity | None:
        """Cheap looks before whole runs, if pawl.toml asks for them."""
        table, train = self.config.fidelity, self.config.train
        rungs = [Rung(share, self._executor(train.cut(share))) for share in table.rungs]
        rule = Learned() if table.rule == "learned" else Halving(table.keep)
        return Fidelity(measure, rungs, rule, table.resume) if rungs else None

    def controls(self, ledger: Ledger, gates: Sequence[Gate]) -> Callable[[Entry[Certificate]], None]:
        """What makes the controls that gates ask for; nothing where the metric is self-reported, as nothing can."""
        kinds, own, train = controls.wanted(gates), self.config.study, self.config.train
        if self.broker is None or not kinds:
            return lambda certificate: None
        words = self._words(self.config.evaluate, own.metric, own.direction, self.broker)
        budgets = {unlearning.CUT: train.cut(unlearning.CUT), 1.0: train.amount}
        ways = [controls.Unlearning(share, partial(self._unlearning, budget)) for share, budget in budgets.items()]
        examiner = plugins.part(Examiner, SEALED, **words)
        return controls.Controls(ledger, examiner, kinds, ways, self.config.workers, self.stop).settle

    def _unlearning(self, budget: str) -> Executor:
        apart = replace(self.workplace, data=unlearning.scrambled(self.workplace.data))
        return replace(self, workplace=apart)._executor(budget)

    def _executor(self, budget: str) -> Executor:
        command = self.config.train.command
        return plugins.part(Executor, self.config.executor, **self._shared(), command=command, budget=budget)

    def _evaluator(
        self, table: EvaluateTable | SuiteTable, metric: str, direction: Direction, broker: Broker | None
    ) -> Evaluator:
        if table.summary:
            return plugins.part(Evaluator, SELF_REPORTED, summary=table.summary, metric=metric)
        return plugins.part(Evaluator, SEALED, **self._words(table, metric, direction, broker))

    def _words(
        self, table: EvaluateTable | SuiteTable, metric: str, direction: Direction, broker: Broker | None
    ) -> dict[str, object]:
        """What a sealed evaluator or examiner is told: [evaluate]'s settings where a suite has none of its own."""
        own = self.config.evaluate
        return {
            **self._shared(), "command": table.predict or own.predict, "scorer": table.scorer or own.scorer,
            "scorers": (self.state / table.validation).parent, "broker": broker, "metric": metric,
            "sign": metrics.sign(direction),
        }  # fmt: skip

    def _shared(self) -> dict[str, object]:
        """What every part is handed that runs programs."""
        return {
            "sandbox": self.sandbox, "artifacts": self.artifacts, "workplace": self.workplace, "stop": self.stop,
        }  # fmt: skip
