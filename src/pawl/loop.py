"""Search, certify, judge, over and over, until the budget ends or a dossier waits. They meet only in the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from statistics import fmean

from pawl import history
from pawl.certify import Certify
from pawl.errors import Interrupted
from pawl.judge import Judge
from pawl.ledger import Entry, Ledger
from pawl.opening import Open
from pawl.policy import Policy
from pawl.records import Dossier, Evaluation, Noise, Partial, Run, Screening
from pawl.search import Search


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop searching: after `seconds` or `runs`, or with the first dossier. A certificate that was begun
    is carried to its end. A training on a share of the budget is that share of a run. None: no bound of that kind."""

    seconds: float | None = None
    runs: int | None = None
    until_certified: bool = False


@dataclass(slots=True)
class Loop:
    """One process's work on a study, whose ledger had `opened` entries before. `changed` says what of the study's
    files changed under it, if anything did."""

    ledger: Ledger
    search: Search
    certify: Certify
    judge: Judge
    policy: Policy
    workers: int
    stop: threading.Event
    changed: Callable[[], None]
    after: Callable[[], None]
    opening: Open
    opened: int = 0
    started: float = field(default_factory=time.monotonic)
    first: int = 0

    def run(self, budget: Budget) -> list[Entry[Dossier]]:
        """Go on where the ledger ends. Returns the dossiers that this call made. Raises Interrupted on Ctrl-C."""
        self.started, self.first = time.monotonic(), len(self.ledger.all())
        with ThreadPoolExecutor(self.workers, thread_name_prefix="worker") as pool:
            try:
                self._finish(pool)
                while self._room(budget):
                    self._turns(pool, budget)
                    if not self.search.worth_a_try() or self._done(budget):
                        break
                    self._certify(pool)
            except KeyboardInterrupt:
                raise Interrupted("stopped by Ctrl-C; all finished work is kept", "pawl run   (goes on)") from None
            finally:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                self.after()
        return self.dossiers()

    def dossiers(self) -> list[Entry[Dossier]]:
        """The dossiers made since this call began."""
        return [entry for entry in self.ledger.entries(Dossier) if entry.id > self.first]

    def _finish(self, pool: ThreadPoolExecutor) -> None:
        """What an earlier process left half done: a certificate, a verdict. Then the noise, which all else needs."""
        begun = history.uncertified(self.ledger)
        if begun:
            self.certify.certify(begun, pool)
        self._judge()
        self.search.settle_noise(pool)

    def _turns(self, pool: ThreadPoolExecutor, budget: Budget) -> None:
        """Turns in parallel until a bundle is full or only enough budget for its certificate is left."""
        underway: set[Future[Entry[Screening] | None]] = set()
        idle = False
        while True:
            while len(underway) < self.workers and self._room(budget) and not self._full(budget) and not idle:
                underway.add(pool.submit(self.search.turn))
            if not underway:
                return
            finished, underway = wait(underway, return_when=FIRST_COMPLETED)
            idle = None in [turn.result() for turn in finished]
            self.changed()
            self.after()

    def _full(self, budget: Budget) -> bool:
        return self.search.ripe(soon=budget.until_certified)

    def _certify(self, pool: ThreadPoolExecutor) -> None:
        noise: Entry[Noise] = self.search.settle_noise(pool)
        self.certify.certify(self.certify.preregister(noise), pool)
        self._judge()
        self.search.settle_noise(pool)

    def _judge(self) -> None:
        for certificate in history.unjudged(self.ledger):
            if self.judge.lacks_only("holdout", certificate):
                self.opening.open(certificate)
            self.judge.settle(certificate)
            self.after()

    def _done(self, budget: Budget) -> bool:
        return budget.until_certified and bool(self.dossiers())

    def _room(self, budget: Budget) -> bool:
        """Whether one more turn fits, with what a certificate of the head would take kept back."""
        if self._done(budget):
            return False
        runs = [entry.record.usage.wall_s for entry in self.ledger.entries(Run) if entry.id > self.first]
        predictions = [e.record.usage.wall_s for e in self.ledger.entries(Evaluation) if e.id > self.first]
        looks = sum(entry.record.share for entry in self.ledger.entries(Partial) if entry.id > self.first)
        reserve = 2.0 * self.certify.forecast().pairs
        if budget.runs is not None and len(runs) + looks + min(reserve, budget.runs / 3) >= budget.runs:
            return False
        if budget.seconds is None or not runs:
            return True
        each = fmean(runs) + (fmean(predictions) if predictions else 0.0)
        kept = each + min(reserve * each / self.workers, budget.seconds / 3)
        return time.monotonic() - self.started + kept < budget.seconds
