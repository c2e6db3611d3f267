"""One variant, one seed: trained and measured at most once, however often somebody asks or the power fails."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pawl import history
from pawl.ledger import Entry, Ledger
from pawl.protocols import Evaluator, Executor, Resuming
from pawl.records import Evaluation, Partial, Purpose, Run, Variant


def fresh_seed() -> int:
    """A seed that no variant could have known: 31 random bits."""
    return secrets.randbelow(2**31)


@dataclass(frozen=True, slots=True)
class Activity:
    """What a worker is doing: the variant, for which purpose, why, since when (monotonic seconds)."""

    variant: int
    seed: int
    purpose: Purpose
    why: str
    since: float


def trained(
    executor: Executor, variant: Entry[Variant], seed: int, purpose: Purpose, left: Entry[Partial] | None
) -> Run:
    """A training, which goes on from what a partial one left if there is one and the executor can."""
    if left is None or not isinstance(executor, Resuming):
        return executor.run(variant, seed, purpose)
    done = executor.resume(variant, seed, purpose, left.record.artifacts)
    return done.model_copy(update={"resumed": left.id})


@dataclass(slots=True)
class Measure:
    """Runs and evaluates; `underway` tells what is being done now, for those who watch."""

    ledger: Ledger
    executor: Executor
    evaluator: Evaluator
    underway: dict[int, Activity] = field(default_factory=dict)
    _asked: dict[object, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def evaluate(
        self, variant: Entry[Variant], seed: int, purpose: Purpose, why: str, left: Entry[Partial] | None = None
    ) -> Entry[Evaluation]:
        """The evaluation of a variant on a seed: from the ledger if it is there, else by running what is missing, from
        what a partial training `left` if there is one."""
        with self.once(variant.id, seed):
            since = history.read(self.ledger).since
            run = history.run_of(self.ledger, variant.id, seed, since)
            done = self.ledger.find(Evaluation, run=run.id) if run else None
            if done:
                return done
            with self.shown(Activity(variant.id, seed, purpose, why, time.monotonic())):
                run = run or self.ledger.append(trained(self.executor, variant, seed, purpose, left))
                return self.ledger.append(self.evaluator.evaluate(run))

    def cpu(self, evaluation: Entry[Evaluation]) -> float:
        """CPU seconds that training took, as the sandbox measured them."""
        return self.ledger.get(evaluation.record.run, Run).record.usage.cpu_s

    @contextmanager
    def once(self, *what: object) -> Iterator[None]:
        """One thread at a time does this; who comes later finds it done."""
        with self._lock:
            lock = self._asked.setdefault(what, threading.Lock())
        with lock:
            yield

    @contextmanager
    def shown(self, activity: Activity) -> Iterator[None]:
        """Tell those who watch what this thread does."""
        thread = threading.get_ident()
        self.underway[thread] = activity
        try:
            yield
        finally:
            del self.underway[thread]
