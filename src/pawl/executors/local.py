"""Runs on this machine: one sandboxed training at a time for each thread that calls."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from pawl import hostile
from pawl.artifacts import ArtifactStore
from pawl.ledger import Entry
from pawl.protocols import Execution, Sandbox
from pawl.records import Isolation, Outcome, Purpose, Run, Usage, Variant
from pawl.workplace import Workplace

TAIL = 2000
NOTHING = Usage(wall_s=0.0, cpu_s=0.0, peak_bytes=0)


@dataclass(frozen=True)
class LocalExecutor:
    """Trains variants with `command`, which is told `budget` as PAWL_BUDGET."""

    command: tuple[str, ...]
    budget: str
    sandbox: Sandbox
    artifacts: ArtifactStore
    workplace: Workplace
    stop: threading.Event

    def run(self, variant: Entry[Variant], seed: int, purpose: Purpose) -> Run:
        if variant.record.problem:
            isolation = Isolation(sandbox="none", version="", safe=True, held=("nothing was run",))
            done = Execution("not-built", variant.record.problem, NOTHING, isolation, b"", {})
        else:
            done = self._train(variant, seed)
        outcome, reason = self._checked(done)
        log = done.log.decode(errors="replace")
        return Run(
            variant=variant.id, seed=seed, purpose=purpose, outcome=outcome, reason=hostile.printable(reason)[:500],
            artifacts=tuple(self.artifacts.put(name, content) for name, content in sorted(done.outputs.items())),
            usage=done.usage, isolation=done.isolation, environment=self.workplace.environment.digest,
            summary=hostile.summary(log), log=self.artifacts.put("log", done.log).digest,
            tail=hostile.printable(log[-TAIL:]),
        )  # fmt: skip

    def _train(self, variant: Entry[Variant], seed: int) -> Execution:
        with tempfile.TemporaryDirectory(prefix="pawl-train-", dir=self.workplace.scratch()) as name:
            Path(name).chmod(0o755)
            mounts = self.workplace.export(variant.id, Path(name) / "study")
            told = {"PAWL_SEED": str(seed), "PAWL_BUDGET": self.budget, "PAWL_OUT": "/out"}
            return self.sandbox.execute(self.workplace.task(self.command, mounts, told), self.stop)

    def _checked(self, done: Execution) -> tuple[Outcome, str]:
        """The outcome, after looking at what was written as one looks at a stranger's parcel."""
        if done.outcome != "ok":
            return done.outcome, done.reason
        try:
            hostile.check_all(done.outputs, self.workplace.train_limits.disk)
        except hostile.Refused as refusal:
            return "invalid", str(refusal)
        return "ok", ""
