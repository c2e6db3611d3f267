"""Asking the holdout about a certificate that was won: once, for one bit, and never for free.

The intent is written before a sandbox sees an input, and is what counts. Whatever happens then, a crash, a kill, a
refusal, that opening is spent; to ask once more takes the next one. An answer that is in the ledger is never asked for
again.
"""

from __future__ import annotations

from dataclasses import dataclass

from pawl import seals
from pawl.broker import Broker, threshold
from pawl.errors import IntegrityError, NotAuthorized
from pawl.ledger import Entry, Ledger
from pawl.policy import HoldoutTable
from pawl.protocols import Comparing, Evaluator
from pawl.records import Certificate, Opening, OpeningIntent


@dataclass(frozen=True, slots=True)
class Open:
    """Openings by the rules of a policy. `broker` is None where there is no holdout, or no gate that asks for it."""

    ledger: Ledger
    evaluator: Evaluator
    broker: Broker | None
    rules: HoldoutTable

    def open(self, certificate: Entry[Certificate]) -> Entry[Opening] | None:
        """The holdout's answer about a certificate; None where it is not asked: nothing was certified, no run of an arm
        was scored, or there is no holdout. The gate `holdout` refuses then.

        Raises NotAuthorized if the holdout is retired, so that what was won is not judged without it; IntegrityError if
        the file is not the set in use, or somebody else opens at the same time."""
        known = seals.answer(self.ledger, certificate.id)
        runs = seals.compared(self.ledger, certificate.record)
        if known or certificate.record.outcome != "certified" or runs is None:
            return known
        if self.broker is None or self.broker.held_out is None or not isinstance(self.evaluator, Comparing):
            return None
        sealed, rules = self.broker.holdout().digest, self.rules
        number = len(seals.spent(self.ledger, sealed)) + 1
        if number > rules.openings:
            raise NotAuthorized(
                f"the holdout is retired, all {rules.openings} openings are spent; certificate {certificate.id}, which "
                "was won, waits for a fresh one", f"{seals.REFRESH}   then: pawl run",
            )  # fmt: skip
        intent = self._begin(
            OpeningIntent(
                certificate=certificate.id, sealed=sealed, number=number, of=rules.openings, mode=rules.mode,
                threshold=threshold(number, rules.openings, rules.mode, rules.z, rules.delta),
                head=runs[0].id, reference=runs[1].id,
            )
        )  # fmt: skip
        better = self.evaluator.beats(*runs, intent.record.threshold)
        return self.ledger.append(Opening(**intent.record.model_dump(), intent=intent.id, better=better))

    def _begin(self, question: OpeningIntent) -> Entry[OpeningIntent]:
        """The intent, written down, if it is still the one in turn."""
        intent = self.ledger.append(question)
        before = [entry for entry in seals.spent(self.ledger, question.sealed) if entry.id <= intent.id]
        if len(before) != question.number:
            raise IntegrityError(
                f"somebody else opened the holdout at the same time; intent {intent.id} is spent without an answer",
                "pawl seal status",
            )
        return intent
