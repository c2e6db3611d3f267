"""What the ledger says of sealed sets: the holdout in use, and what its life of openings has left. Pure reading.

An opening is spent by its intent. Nothing but another file gives a study new ones, and every holdout that was ever in
use keeps its own count.
"""

from __future__ import annotations

from dataclasses import dataclass

from pawl import history
from pawl.ledger import Entry, Ledger
from pawl.records import Certificate, Evaluation, Holdout, Opening, OpeningIntent, Run


def holdout(ledger: Ledger) -> Entry[Holdout] | None:
    """The holdout in use; None where the study never had one."""
    return ledger.last(Holdout)


def spent(ledger: Ledger, digest: str) -> list[Entry[OpeningIntent]]:
    """The openings that a set has used, oldest first, answered or not."""
    return [entry for entry in ledger.entries(OpeningIntent) if entry.record.sealed == digest]


def answer(ledger: Ledger, certificate: int) -> Entry[Opening] | None:
    """What the holdout said about a certificate; None where it said nothing. An entry that claims an answer counts only
    if it follows from an intent of its own, in its turn, about the runs that the certificate would release."""
    return next((entry for entry in _claims(ledger, certificate=certificate) if _follows(ledger, entry)), None)


def _claims(ledger: Ledger, **fields: int) -> list[Entry[Opening]]:
    return [
        entry for entry in ledger.entries(Opening)
        if all(getattr(entry.record, name) == value for name, value in fields.items())
    ]  # fmt: skip


def _follows(ledger: Ledger, opening: Entry[Opening]) -> bool:
    said = opening.record
    asked = [entry for entry in spent(ledger, said.sealed) if entry.id < opening.id]
    turn = next((n for n, entry in enumerate(asked, 1) if entry.id == said.intent), 0)
    if not 0 < turn == said.number <= said.of or _claims(ledger, intent=said.intent)[0] != opening:
        return False
    sets = [entry.record.digest for entry in ledger.entries(Holdout) if entry.id < said.intent]
    runs = compared(ledger, ledger.get(said.certificate, Certificate).record)
    meant = tuple(run.id for run in runs) if runs else ()
    question = asked[turn - 1].record.model_dump()
    return (
        question == said.model_dump(exclude={"intent", "better"}) and sets[-1:] == [said.sealed]
        and (said.head, said.reference) == meant
    )  # fmt: skip


def compared(ledger: Ledger, certificate: Certificate) -> tuple[Entry[Run], Entry[Run]] | None:
    """The head's run that would be released, and the reference's run on the same seed; where that one failed, the
    reference's median run. None where either arm has no run that was scored."""
    heads = [pair for pair in certificate.pairs if pair.head_score is not None]
    others = [pair for pair in certificate.pairs if pair.reference_score is not None]
    if not heads or not others:
        return None
    head = history.median_run(ledger, certificate)
    same = [pair for pair in others if pair.seed == head.record.seed]
    median = sorted(others, key=lambda pair: (pair.reference_score, pair.seed))[len(others) // 2]
    evaluation = ledger.get((same or [median])[0].reference, Evaluation)
    return head, ledger.get(evaluation.record.run, Run)


REFRESH = "pawl seal refresh --holdout FILE --reason '...'"
"""What to type when a holdout has answered all that it may."""


@dataclass(frozen=True, slots=True)
class Life:
    """A holdout's life: since which entry it is in use, until which (0: still), its openings and their answers by the
    id of the intent. An opening without an answer was cut short, and is spent all the same."""

    since: Entry[Holdout]
    until: int
    of: int
    openings: tuple[Entry[OpeningIntent], ...]
    answers: dict[int, bool]

    @property
    def left(self) -> int:
        """Openings that it has left: none once another set took its place."""
        return 0 if self.until else max(self.of - len(self.openings), 0)


def lives(ledger: Ledger, of: int) -> list[Life]:
    """Every holdout that the study ever had, oldest first; `of` is how many openings the policy gives each."""
    sets = ledger.entries(Holdout)
    ends = [*(entry.id for entry in sets[1:]), 0][: len(sets)]
    answers = {entry.record.intent: entry.record.better for entry in ledger.entries(Opening)}
    return [
        Life(entry, end, of, tuple(spent(ledger, entry.record.digest)), answers)
        for entry, end in zip(sets, ends, strict=True)
    ]
