"""An auditor's bundle of one dossier: what it rests on, who decided it, and proof that all of it is in the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pawl import history
from pawl.artifacts import ArtifactStore
from pawl.bundle import Bundle, Case, Decision, Grown, History, Proven, Subject, encoded
from pawl.checkpoint import Note
from pawl.ledger import Entry, Ledger, Row
from pawl.records import (
    Approval,
    Certificate,
    Dossier,
    Evaluation,
    Halt,
    Holdout,
    Noise,
    Opening,
    OpeningIntent,
    PolicyInForce,
    Preregistration,
    Proposal,
    Record,
    Rejection,
    Release,
    Resume,
    Revocation,
    Run,
    Screening,
    Study,
    Variant,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Export:
    """Bundles from a ledger of which `note` is a checkpoint. `whole`: every entry of the log, so that nothing can
    have been left out. `with_artifacts`: the bytes of the released run's files, not only their digests."""

    ledger: Ledger
    artifacts: ArtifactStore
    note: Note
    whole: bool = False
    with_artifacts: bool = False

    def bundle(self, dossier: Entry[Dossier]) -> Bundle:
        """The bundle of a dossier, decided or not. Raises IntegrityError if an attached file is gone or changed."""
        chosen = range(1, self.note.size + 1) if self.whole else self._ids(dossier)
        ids = {id for id in chosen if id <= self.note.size}
        sizes = sorted({*self._signed(dossier), dossier.id})
        files = self._files(dossier)
        logged = History(
            checkpoint=str(self.note), dossier=dossier.id, files=tuple(sorted(files)),
            entries=tuple(self._proven(row, dossier.id) for row in self.ledger.rows() if row.id in ids),
            roots=tuple(map(self._grown, sizes, [*sizes[1:], self.note.size])),
        )  # fmt: skip
        about = Subject(name=self.note.origin, digest={"sha256": self.note.root.hex()})
        case = self._case(dossier)
        return Bundle(case, subjects(self.ledger, dossier), logged, (about,), files)

    def _case(self, dossier: Entry[Dossier]) -> Case:
        settled = history.decision_on(self.ledger, dossier.id)
        decision: Decision = "undecided"
        names = [entry.record.signature.approver for entry in self._approvals(dossier.id)]
        if settled and isinstance(settled.record, Rejection):
            decision, names = "rejected", [settled.record.signature.approver]
        elif settled and isinstance(settled.record, Release):
            decision = "released"
            signed = [self.ledger.get(id, Approval) for id in settled.record.approvals]
            names = [entry.record.signature.approver for entry in signed]
        study = _studies(self.ledger, dossier)[-1]
        return Case(
            decision=decision, dossier=dossier.id, entry=settled.id if settled else None, log=self.note.origin,
            people=tuple(sorted(set(names))), policy={"sha256": dossier.record.policy}, study=study.record.name,
        )  # fmt: skip

    # -- entries ------------------------------------------------------------------------------------------------

    def _ids(self, dossier: Entry[Dossier]) -> Iterator[int]:
        """What bears on a dossier: all it rests on, the rules, the people, and what was revoked or halted."""
        rests: set[int] = set()
        self._follow(dossier.id, rests)
        yield from rests
        ledger = self.ledger
        yield from (entry.id for entry in _studies(ledger, dossier))
        yield from (entry.id for entry in ledger.entries(Variant) if entry.record.proposal is None)
        yield from (entry.id for entry in ledger.entries(Screening) if entry.record.variant in rests)
        yield from (entry.id for entry in ledger.entries(Certificate) if entry.id < dossier.id)
        yield from (entry.id for kind in (Revocation, Halt, Resume) for entry in ledger.entries(kind))
        sealed = (Holdout, OpeningIntent, Opening)
        yield from (entry.id for kind in sealed for entry in ledger.entries(kind) if entry.id < dossier.id)
        for rules in ledger.entries(PolicyInForce):
            yield rules.id
            yield from rules.record.approvals
            yield from [rules.record.change] if rules.record.change is not None else []
        yield from (entry.id for entry in self._approvals(dossier.id))
        settled = history.decision_on(ledger, dossier.id)
        yield from [settled.id] if settled else []
        for release in _releases(ledger, dossier)[-1:]:
            yield from (release.id, release.record.dossier, release.record.variant, *release.record.approvals)

    def _follow(self, id: int, found: set[int]) -> None:
        """An entry and, by the ids in it, all that it rests on."""
        waiting = [id]
        while waiting:
            id = waiting.pop()
            if id not in found:
                found.add(id)
                waiting += rests_on(self.ledger.any(id).record)

    def _approvals(self, case: int) -> list[Entry[Approval]]:
        return [entry for entry in self.ledger.entries(Approval) if entry.record.dossier == case]

    # -- proofs -------------------------------------------------------------------------------------------------

    def _signed(self, dossier: Entry[Dossier]) -> Iterator[int]:
        """The entries whose digests people signed, or read."""
        verdict = self.ledger.get(dossier.record.verdict, Verdict)
        yield from (verdict.id, verdict.record.certificate)
        for rules in self.ledger.entries(PolicyInForce):
            yield from [] if rules.record.change is None else [rules.record.change]
        yield from (release.record.dossier for release in _releases(self.ledger, dossier)[-1:])

    def _proven(self, row: Row, dossier: int) -> Proven:
        """An entry under the dossier's root, which approvers sign; a later one under the checkpoint's."""
        steps = self.ledger.inclusion(row.id, dossier if row.id <= dossier else self.note.size)
        return Proven(id=row.id, body=encoded(row.body), proof=tuple(encoded(step) for step in steps))

    def _grown(self, size: int, later: int) -> Grown:
        proof = tuple(encoded(step) for step in self.ledger.consistency(size, later))
        return Grown(size=size, root=self.ledger.root(size).hex(), proof=proof)

    # -- files --------------------------------------------------------------------------------------------------

    def _files(self, dossier: Entry[Dossier]) -> dict[str, bytes]:
        wanted = [artifact.digest for artifact in dossier.record.attachments]
        if self.with_artifacts:
            wanted += [artifact.digest for artifact in _released(self.ledger, dossier).record.artifacts]
        return {digest: self.artifacts.get(digest) for digest in wanted}


def subjects(ledger: Ledger, dossier: Entry[Dossier]) -> tuple[Subject, ...]:
    """What a dossier would release, and what was attached to it: the commit, and files by sha256."""
    commit, run = ledger.get(dossier.record.variant, Variant).record.commit, _released(ledger, dossier)
    return (
        Subject(name="commit", digest={"gitCommit": commit}),
        *(Subject(name=file.name, digest={"sha256": file.digest}) for file in dossier.record.attachments),
        *(Subject(name=f"run-{run.id}/{file.name}", digest={"sha256": file.digest}) for file in run.record.artifacts),
    )


def rests_on(record: Record) -> list[int]:
    """The ids of the entries that a record follows from."""
    match record:
        case Dossier():
            return [record.verdict, record.variant, record.reference]
        case Verdict():
            return [record.certificate]
        case Certificate():
            return [record.preregistration, *(id for pair in record.pairs for id in (pair.reference, pair.head))]
        case Preregistration():
            return [record.reference, record.head, record.noise]
        case Noise():
            return [record.variant, *record.evaluations]
        case Evaluation():
            return [record.run]
        case Run():
            return [record.variant]
        case Variant():
            return [] if record.proposal is None else [record.proposal]
        case Proposal():
            return [record.parent]
        case _:
            return []


def _released(ledger: Ledger, dossier: Entry[Dossier]) -> Entry[Run]:
    verdict = ledger.get(dossier.record.verdict, Verdict)
    return history.median_run(ledger, ledger.get(verdict.record.certificate, Certificate).record)


def _studies(ledger: Ledger, dossier: Entry[Dossier]) -> list[Entry[Study]]:
    return [entry for entry in ledger.entries(Study) if entry.id < dossier.id]


def _releases(ledger: Ledger, dossier: Entry[Dossier]) -> list[Entry[Release]]:
    return [entry for entry in ledger.entries(Release) if entry.id < dossier.id]
