"""What of a ledger agents may see. What is not named here is not shown.

Not shown: null candidates and all that came of them; seeds; scores, but through the Ladder; why a gate refused, which
would tell how to get past it; sealed sets; people's keys. An entry of a null candidate is refused in the same words as
any other that is not shown, so that nothing tells which it is (docs/decisions/0023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pawl import attempts, history
from pawl.attempts import Attempt
from pawl.errors import ConfigError
from pawl.hostile import printable
from pawl.ledger import Entry, Ledger
from pawl.records import (
    Certificate,
    Dossier,
    Evaluation,
    Halt,
    Noise,
    Preregistration,
    Proposal,
    Record,
    Rejection,
    Release,
    Run,
    Screening,
    Study,
    Variant,
    Verdict,
)

Shown = dict[str, object]
LONGEST = 400
"""Characters of a stranger's words in a list."""
SHOWN_RUNS = ("noise", "screen", "certify")


def words(text: str, most: int = LONGEST) -> str:
    """A stranger's words: printable, and cut where they are long."""
    text = printable(text)
    return text if len(text) <= most else f"{text[:most]} ... (cut)"


@dataclass(frozen=True)
class View:
    """A study's ledger through a Ladder with steps of `ladder` sds of one run; 0: scores as they are."""

    ledger: Ledger
    ladder: float

    @cached_property
    def attempts(self) -> dict[int, Attempt]:
        """Comparable proposals, by id."""
        begun = self.ledger.last(Study) is not None
        return {attempt.id: attempt for attempt in attempts.read(self.ledger, self.ladder)} if begun else {}

    @cached_property
    def _hidden(self) -> frozenset[int]:
        """Null candidates: their proposals, variants and runs."""
        proposals = history.read(self.ledger).nulls
        variants = {entry.id for entry in self.ledger.entries(Variant) if entry.record.proposal in proposals}
        runs = {entry.id for entry in self.ledger.entries(Run) if entry.record.variant in variants}
        screened = {entry.id for entry in self.ledger.entries(Screening) if entry.record.proposal in proposals}
        return frozenset(proposals | variants | runs | screened)

    def log(self) -> list[Shown]:
        """All that is shown, oldest first."""
        return [shown for entry in self.ledger.all() if (shown := self.entry(entry))]

    def show(self, id: int) -> Shown:
        """One entry. Raises ConfigError if it is not shown, or not there."""
        shown = self.entry(self.ledger.any(id))
        if shown is None:
            raise ConfigError(f"entry {id} is not one that agents are shown", "log")
        return shown

    def why(self, id: int) -> list[Shown]:
        """An entry and those that it rests on, back to the runs."""
        shown, record = self.show(id), self.ledger.any(id).record
        return [shown, *(line for rest in self._rests_on(id, record) for line in self.why(rest))]

    def _rests_on(self, id: int, record: Record) -> Sequence[int]:
        match record:
            case Proposal():
                found = self.ledger.find(Screening, proposal=id)
                return [found.id] if found else []
            case Variant(proposal=int(proposal)):
                return [proposal]
            case Screening():
                return [self.ledger.get(each, Evaluation).record.run for each in record.evaluations]
            case Certificate():
                return [record.preregistration]
            case Verdict():
                return [record.certificate]
            case Dossier():
                return [record.verdict]
            case Rejection() if isinstance(self.ledger.any(record.dossier).record, Dossier):
                return [record.dossier]
        return []

    def entry(self, entry: Entry[Record]) -> Shown | None:
        """An entry as agents see it, or None."""
        if entry.id in self._hidden:
            return None
        said = self._tried(entry) if entry.id not in self.attempts else self.attempt(self.attempts[entry.id])
        said = said or self._judged(entry)
        return {"id": entry.id, "kind": type(entry.record).__name__.lower(), "at": entry.at, **said} if said else None

    def attempt(self, attempt: Attempt) -> Shown:
        """A comparable proposal and what came of it."""
        return {
            **_proposed(attempt.proposal), "variant": attempt.variant, "outcome": attempt.outcome,
            "reason": words(attempt.reason), "gain": attempt.gain, "score": attempt.score,
            "certified": attempt.certified, "runs": len(attempt.runs), "cpu_s": round(attempt.cpu_s, 3),
        }  # fmt: skip

    def tail(self, id: int) -> str:
        """The end of what a run printed; nothing where it may name a score that the Ladder hides."""
        study = self.ledger.last(Study)
        hides = self.ladder > 0 and (study is None or study.record.self_reported)
        return "" if hides else words(self.ledger.get(id, Run).record.tail, 2000)

    def _tried(self, entry: Entry[Record]) -> Shown | None:
        match entry.record:
            case Study() as study:
                return {"name": study.name, "metric": study.metric, "direction": study.direction}
            case Proposal() as proposal:
                return _proposed(proposal)
            case Variant() as variant if type(variant) is Variant:
                return {"proposal": variant.proposal, "commit": variant.commit, "problem": words(variant.problem)}
            case Run() as run if run.purpose in SHOWN_RUNS:
                return {
                    "variant": run.variant, "purpose": run.purpose, "outcome": run.outcome,
                    "reason": words(run.reason), "cpu_s": run.usage.cpu_s, "wall_s": run.usage.wall_s,
                    "peak_bytes": run.usage.peak_bytes,
                }  # fmt: skip
            case Noise() as noise:
                return noise.model_dump(exclude={"evaluations"})
            case Screening() as screening:
                known = self.attempts.get(screening.proposal)
                return {
                    "proposal": screening.proposal, "variant": screening.variant, "head": screening.head,
                    "decision": screening.decision, "reason": words(screening.reason),
                    "gain": known.gain if known else None,
                }  # fmt: skip
        return None

    def _judged(self, entry: Entry[Record]) -> Shown | None:
        match entry.record:
            case Preregistration() as plan:
                return {"head": plan.head, "reference": plan.reference, "threshold": plan.threshold}
            case Certificate() as certificate:
                measured = certificate.model_dump(include={"estimate", "low", "high", "level", "e_value"})
                return {
                    "outcome": certificate.outcome, "pairs": len(certificate.pairs),
                    "failures": certificate.head_failures, **({} if self.ladder else measured),
                }  # fmt: skip
            case Verdict() as verdict:
                refused = [words(f.gate, 100) for f in verdict.findings if not f.passed]
                return {"certificate": verdict.certificate, "passed": verdict.passed, "refused_by": refused}
            case Dossier() as dossier:
                settled = history.decision_on(self.ledger, entry.id)
                stands = "waits for a person" if entry.id in self._standing else "no longer stands"
                state = type(settled.record).__name__.lower() if settled else stands
                return {"variant": dossier.variant, "reference": dossier.reference, "state": state}
            case Rejection() as rejection:
                return {"dossier": rejection.dossier, "reason": words(rejection.reason)}
            case Release() as release:
                return {"dossier": release.dossier, "variant": release.variant}
            case Halt() as halt:
                return {"reason": words(halt.reason)}
        return None

    @cached_property
    def _standing(self) -> frozenset[int]:
        return frozenset(entry.id for entry in history.read(self.ledger).standing)


def _proposed(proposal: Proposal) -> Shown:
    who, why = words(proposal.proposer, 100), words(proposal.hypothesis)
    return {"parent": proposal.parent, "proposer": who, "hypothesis": why}
