"""Cheap looks before whole runs: a challenger trains on rising shares of the budget first, beside the head's own.

It saves runs and promises nothing: what goes on is raced, and what is certified trains on the whole budget from the
start (docs/decisions/0026).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pawl import beliefs, history, looks
from pawl.ledger import Entry
from pawl.measure import Activity, Measure, trained
from pawl.protocols import Executor
from pawl.records import Partial, PartialEvaluation, Screening, Variant
from pawl.rungs import AGAIN, Rule


@dataclass(frozen=True, slots=True)
class Rung:
    """A share of the budget, and who trains on it."""

    share: float
    executor: Executor


@dataclass(frozen=True, slots=True)
class Answer:
    """Why a challenger stops, or what it `left` for the whole run to go on from."""

    stops: str = ""
    crashed: bool = False
    left: Entry[Partial] | None = None


@dataclass(slots=True)
class Fidelity:
    """A study's rungs. `resume`: trainings go on from one another."""

    measure: Measure
    rungs: Sequence[Rung]
    rule: Rule
    resume: bool

    def climb(self, variant: Entry[Variant], seed: int, why: str) -> Answer:
        """Rung after rung until the challenger stops or all are behind it."""
        left: Entry[Partial] | None = None
        for rung in self.rungs:
            if not self._pays(rung):
                continue
            head = history.head(self.measure.ledger)
            theirs = self._look(rung, head, seed, "the head on a share of the budget", None)
            mine = self._look(rung, variant, seed, why, left)
            if mine.record.outcome != "ok":
                return Answer(f"{mine.record.outcome}: {mine.record.reason}", crashed=True)
            left = self.measure.ledger.get(mine.record.run, Partial) if self.resume else None
            stops = self._stops(rung, mine, theirs)
            if stops:
                return Answer(f"after {rung.share:.0%} of the budget: {stops}")
        return Answer(left=left)

    def _pays(self, rung: Rung) -> bool:
        """Whether to look at all. Where trainings go on from one another a look costs nothing that is not needed; and
        a rung that does not pay is tried again now and then."""
        ledger, belief = self.measure.ledger, beliefs.read(self.measure.ledger).belief
        last = max((entry.id for entry in ledger.entries(Partial) if entry.record.share == rung.share), default=0)
        since = sum(entry.id > last for entry in ledger.entries(Screening))
        if self.resume or belief is None or since > AGAIN:
            return True
        price = belief.price() * (1 - rung.share)
        return self.rule.pays(rung.share, looks.read(ledger, rung.share, len(ledger.all()) + 1), belief.scale, price)

    def _stops(self, rung: Rung, mine: Entry[PartialEvaluation], theirs: Entry[PartialEvaluation]) -> str:
        ledger, belief = self.measure.ledger, beliefs.read(self.measure.ledger).belief
        partial = looks.difference(ledger, mine.record, theirs.record)
        if partial is None or belief is None:
            return ""
        price = belief.price() * (1 - rung.share)
        return self.rule.stops(partial, looks.read(ledger, rung.share, mine.id), belief.scale, price)

    def _look(
        self, rung: Rung, variant: Entry[Variant], seed: int, why: str, left: Entry[Partial] | None
    ) -> Entry[PartialEvaluation]:
        """The score of a variant on a rung: from the ledger if it is there."""
        ledger, measure = self.measure.ledger, self.measure
        with measure.once(variant.id, seed, rung.share):
            run = ledger.find(Partial, variant=variant.id, seed=seed, share=rung.share)
            run = run if run and run.id > history.read(ledger).since else None
            done = ledger.find(PartialEvaluation, run=run.id) if run else None
            if done:
                return done
            with measure.shown(Activity(variant.id, seed, "screen", why, time.monotonic())):
                if run is None:
                    training = trained(rung.executor, variant, seed, "screen", left)
                    run = ledger.append(Partial(**training.model_dump(), share=rung.share))
                return ledger.append(PartialEvaluation(**measure.evaluator.evaluate(run).model_dump()))
