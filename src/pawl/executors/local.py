"""Runs on this machine: one sandboxed training at a time for each thread that calls."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pawl import hostile
from pawl.artifacts import ArtifactStore
from pawl.ledger import Entry
from pawl.protocols import Execution, Mount, Sandbox
from pawl.records import Artifact, Isolation, Outcome, Purpose, Run, Usage, Variant
from pawl.workplace import Workplace

TAIL = 2000
LEFT = "/left"
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
        return self.resume(variant, seed, purpose, ())

    def resume(self, variant: Entry[Variant], seed: int, purpose: Purpose, left: Sequence[Artifact]) -> Run:
        if variant.record.problem:
            isolation = Isolation(sandbox="none", version="", safe=True, held=("nothing was run",))
            done = Execution("not-built", variant.record.problem, NOTHING, isolation, b"", {})
        else:
            done = self._train(variant, seed, left)
        outcome, reason = self._checked(done)
        log = done.log.decode(errors="replace")
        return Run(
            variant=variant.id, seed=seed, purpose=purpose, outcome=outcome, reason=hostile.printable(reason)[:500],
            artifacts=tuple(self.artifacts.put(name, content) for name, content in sorted(done.outputs.items())),
            usage=done.usage, isolation=done.isolation, environment=self.workplace.environment.digest,
            summary=hostile.summary(log), log=self.artifacts.put("log", done.log).digest,
            tail=hostile.printable(log[-TAIL:]),
        )  # fmt: skip

    def _train(self, variant: Entry[Variant], seed: int, left: Sequence[Artifact]) -> Execution:
        with tempfile.TemporaryDirectory(prefix="pawl-train-", dir=self.workplace.scratch()) as name:
            Path(name).chmod(0o755)
            mounts = self.workplace.export(variant.id, Path(name) / "study")
            told = {"PAWL_SEED": str(seed), "PAWL_BUDGET": self.budget, "PAWL_OUT": "/out"}
            if left:
                mounts += (self._left(left, Path(name) / "left"),)
                told["PAWL_RESUME"] = LEFT
            return self.sandbox.execute(self.workplace.task(self.command, mounts, told), self.stop)

    def _left(self, left: Sequence[Artifact], folder: Path) -> Mount:
        """What an earlier training wrote, where the next one may read it."""
        for artifact in left:
            path = folder / artifact.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.artifacts.get(artifact.digest))
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        return Mount(folder, LEFT)

    def _checked(self, done: Execution) -> tuple[Outcome, str]:
        """The outcome, after looking at what was written as one looks at a stranger's parcel."""
        if done.outcome != "ok":
            return done.outcome, done.reason
        try:
            hostile.check_all(done.outputs, self.workplace.train_limits.disk)
        except hostile.Refused as refusal:
            return "invalid", str(refusal)
        return "ok", ""
