"""A budget for questions about finished work, and the arms that it pays for: runs come from the ledger if they can."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor as Pool
from dataclasses import dataclass, field

from pawl import history
from pawl.claims import Score
from pawl.ledger import Entry
from pawl.measure import Measure
from pawl.records import Evaluation, Purpose, Variant

Said = Callable[[str], None]


class Spent(Exception):
    """The budget ends before the next runs. All finished work is kept."""


@dataclass(slots=True)
class Purse:
    """At most `seconds` of wall clock and `runs` training runs (None: no bound), counted from when it was made. A
    batch of runs is begun only if there is room for it, by how long those before took."""

    seconds: float | None = None
    runs: int | None = None
    began: float = field(default_factory=time.monotonic)
    spent: int = 0

    def pay(self, runs: int) -> None:
        """Raises Spent where so many more runs do not fit."""
        elapsed = time.monotonic() - self.began
        each = elapsed / self.spent if self.spent else 0.0
        if self.runs is not None and self.spent + runs > self.runs:
            raise Spent
        if self.seconds is not None and elapsed + runs * each > self.seconds:
            raise Spent
        self.spent += runs

    @property
    def left(self) -> str:
        """What is left, in words."""
        words = [] if self.runs is None else [f"{self.runs - self.spent} runs left"]
        if self.seconds is not None:
            words.append(f"{max(self.seconds - (time.monotonic() - self.began), 0):.0f} s left")
        return ", ".join(words)


@dataclass(slots=True)
class Bench:
    """Evaluations of variants on seeds for one purpose, in the ledger's study. `sign` is +1 where a higher metric is
    better, -1 where a lower one is; `said` hears of every batch."""

    measure: Measure
    metric: str
    sign: int
    purpose: Purpose
    pool: Pool
    purse: Purse
    said: Said

    def evaluations(self, variants: Sequence[Entry[Variant]], seeds: Sequence[int]) -> list[list[Entry[Evaluation]]]:
        """A row for each variant. Raises Spent."""
        jobs = [(variant, seed) for seed in seeds for variant in variants]
        missing = [job for job in jobs if not self._known(*job)]
        if missing:
            self.purse.pay(len(missing))
        why = "a question about finished work"
        asked = [self.pool.submit(self.measure.evaluate, variant, seed, self.purpose, why) for variant, seed in jobs]
        done = {(variant.id, seed): one.result() for (variant, seed), one in zip(jobs, asked, strict=True)}
        if missing:
            self.said(f"{self.purse.spent} runs done" + (f", {self.purse.left}" if self.purse.left else ""))
        return [[done[variant.id, seed] for seed in seeds] for variant in variants]

    def score(self, evaluation: Entry[Evaluation]) -> Score:
        """Higher is better; None where the run failed."""
        found = evaluation.record.metrics.get(self.metric)
        return None if found is None else self.sign * found

    def _known(self, variant: Entry[Variant], seed: int) -> bool:
        ledger = self.measure.ledger
        run = history.run_of(ledger, variant.id, seed, history.read(ledger).since)
        return run is not None and ledger.find(Evaluation, run=run.id) is not None
