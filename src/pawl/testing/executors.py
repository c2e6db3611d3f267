"""What every executor must do."""

from __future__ import annotations

from pathlib import Path

from pawl.ledger import Entry
from pawl.protocols import Executor
from pawl.records import Variant


class ExecutorContract:
    """Subclass it and override `make`."""

    def make(self, folder: Path) -> tuple[Executor, Entry[Variant], Entry[Variant]]:
        """An executor, a variant whose training succeeds and reports `val_loss`, and one that could not be built."""
        raise NotImplementedError

    def test_a_run_says_what_it_ran_and_where(self, tmp_path: Path) -> None:
        """Variant, seed and purpose are those asked for; cost, isolation and environment are recorded."""
        executor, good, _ = self.make(tmp_path)
        run = executor.run(good, 17, "screen")
        assert (run.variant, run.seed, run.purpose, run.outcome) == (good.id, 17, "screen", "ok"), run
        assert run.usage.cpu_s > 0
        assert run.isolation.sandbox
        assert run.environment
        assert "val_loss" in run.summary

    def test_the_seed_reaches_the_program(self, tmp_path: Path) -> None:
        """The same seed gives the same number, another seed another one."""
        executor, good, _ = self.make(tmp_path)
        losses = [executor.run(good, seed, "noise").summary["val_loss"] for seed in (1, 1, 2)]
        assert losses[0] == losses[1] != losses[2]

    def test_a_variant_that_could_not_be_built_is_a_run_that_failed(self, tmp_path: Path) -> None:
        """No exception, and nothing was executed: its reason is the variant's problem."""
        executor, _, broken = self.make(tmp_path)
        run = executor.run(broken, 1, "screen")
        assert run.outcome == "not-built"
        assert run.reason == broken.record.problem
        assert run.artifacts == ()
