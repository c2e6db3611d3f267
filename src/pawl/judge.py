"""All gates are asked, every answer is written down, and the case is made up for a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pawl import controls, goodhart, history, seals
from pawl.artifacts import ArtifactStore
from pawl.envelope import sha256
from pawl.errors import IntegrityError
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage
from pawl.policy import Policy
from pawl.protocols import Case, Gate
from pawl.rates import Calibration
from pawl.records import (
    Artifact,
    Certificate,
    Dossier,
    Evaluation,
    Preregistration,
    Proposal,
    Run,
    Screening,
    Study,
    Variant,
    Verdict,
)
from pawl.statement import Subject, render


@dataclass(frozen=True, slots=True)
class Judge:
    """Gates by the policy whose digest is `policy_digest`. `picture` draws a dossier's attachments; `calibrated`
    says how often null candidates got through; `prepare` makes the controls that gates ask for, where there is a
    sandbox to make them in; `exposed` tells where sealed rows lie in what a sandbox shows, or None if it cannot. `sign`
    as in `Case`."""

    ledger: Ledger
    lineage: Lineage
    artifacts: ArtifactStore
    gates: Sequence[Gate]
    policy: Policy
    policy_digest: str
    picture: Callable[[Subject, str], Sequence[Artifact]]
    calibrated: Callable[[], Calibration] = Calibration
    metric: str = ""
    sign: int = 0
    prepare: Callable[[Entry[Certificate]], None] = lambda certificate: None
    exposed: Callable[[], tuple[str, ...] | None] = lambda: None

    def judge(self, certificate: Entry[Certificate]) -> Entry[Verdict]:
        """Ask every gate. A policy without gates passes nothing."""
        self.prepare(certificate)
        case = self._case(certificate)
        findings = tuple(gate.judge(case) for gate in self.gates)
        passed = bool(findings) and all(finding.passed for finding in findings)
        return self.ledger.append(
            Verdict(certificate=certificate.id, policy=self.policy_digest, findings=findings, passed=passed)
        )

    def lacks_only(self, gate: str, certificate: Entry[Certificate]) -> bool:
        """Whether `gate` is asked, and all others pass: what it needs is spent on nothing that is refused anyway."""
        self.prepare(certificate)
        case = self._case(certificate)
        findings = [asked.judge(case) for asked in self.gates]
        return gate in {f.gate for f in findings} and all(f.passed for f in findings if f.gate != gate)

    def settle(self, certificate: Entry[Certificate], anew: bool = False) -> Entry[Verdict]:
        """A verdict on a certificate and, if it passes, the dossier: whatever of the two is still missing, or both
        `anew`, where the old ones can no longer be decided."""
        found = self.ledger.find(Verdict, certificate=certificate.id, policy=self.policy_digest)
        verdict = self.judge(certificate) if anew or found is None else found
        if verdict.record.passed and self.ledger.find(Dossier, verdict=verdict.id) is None:
            self.ledger.append(self._dossier(verdict, certificate))
        return verdict

    def _case(self, certificate: Entry[Certificate]) -> Case:
        plan = self.ledger.get(certificate.record.preregistration, Preregistration).record
        arms = [self.ledger.get(id, Variant).record for id in (plan.reference, plan.head)]
        evaluations = [
            self.ledger.get(id, Evaluation) for p in certificate.record.pairs for id in (p.reference, p.head)
        ]
        runs = [self.ledger.get(entry.record.run, Run) for entry in evaluations]
        heads = tuple(run.record for run in runs[1::2])
        opening, lives = (
            seals.answer(self.ledger, certificate.id),
            seals.lives(self.ledger, self.policy.holdout.openings),
        )
        return Case(
            certificate=certificate.record, reference_runs=tuple(run.record for run in runs[0::2]), head_runs=heads,
            evaluations=tuple(entry.record for entry in evaluations),
            patch=self.lineage.diff(arms[0].commit, arms[1].commit),
            changed=self.lineage.changed(arms[0].commit, arms[1].commit), editable=self.lineage.editable,
            cpu_ratio_limit=self.policy.guards.cpu_seconds, allow_unsafe=self.policy.allow_unsafe,
            isolation=self.policy.isolation, opening=opening.record if opening else None,
            holdout=lives[-1].since.record.digest if lives else "", openings_left=lives[-1].left if lives else 0,
            calibration=self.calibrated(), guards=tuple(table.guard for table in self.policy.guard),
            artifacts=self._written(runs[1::2]), metric=self.metric, sign=self.sign,
            controls=controls.of(self.ledger, certificate.id),
            reference_artifacts=self._written(runs[0::2]), earlier=self._earlier(plan.head, heads),
            life=(
                *(gains for _, gains in goodhart.life(self.ledger, before=certificate.id)),
                goodhart.gains(self.ledger, certificate.record),
            ),
            reference_files=self.lineage.read(arms[0]), head_files=self.lineage.read(arms[1]),
            exposed=self.exposed(), **self._proposals_of(certificate, plan),
        )  # fmt: skip

    def _written(self, runs: Sequence[Entry[Run]]) -> dict[str, bytes]:
        """What runs wrote, by "RUN:NAME"."""
        return {
            f"{run.id}:{artifact.name}": self.artifacts.get(artifact.digest)
            for run in runs for artifact in run.record.artifacts
        }  # fmt: skip

    def _earlier(self, head: int, runs: Sequence[Run]) -> dict[str, int]:
        """By digest, which other variant wrote a file of these runs on another seed. On the same seed it may: where
        only prediction changed, training gives the same weights."""
        mine = {(artifact.digest, run.seed) for run in runs for artifact in run.artifacts}
        others = [entry.record for entry in self.ledger.entries(Run) if entry.record.variant != head]
        found = {artifact.digest: run for run in others for artifact in run.artifacts}
        return {digest: run.variant for digest, run in found.items() if (digest, run.seed) not in mine}

    def _proposals_of(self, certificate: Entry[Certificate], plan: Preregistration) -> dict[str, tuple[Proposal, ...]]:
        """What led from reference to head, and all that its proposers had tried until then."""
        changes, variant = list[Proposal](), self.ledger.get(plan.head, Variant)
        while variant.id != plan.reference and variant.record.proposal is not None:
            changes.append(self.ledger.get(variant.record.proposal, Proposal).record)
            variant = self.ledger.get(changes[-1].parent, Variant)
        proposers = {change.proposer for change in changes}
        tried = [entry.record for entry in self.ledger.entries(Proposal) if entry.id < certificate.id]
        return {"changes": tuple(changes[::-1]), "tried": tuple(p for p in tried if p.proposer in proposers)}

    def _dossier(self, verdict: Entry[Verdict], certificate: Entry[Certificate]) -> Dossier:
        subject = self._subject(verdict, certificate, history.study(self.ledger), history.read(self.ledger).champion)
        statement = render(subject)
        patch = self.artifacts.put("patch.diff", subject.patch.encode())
        return Dossier(
            verdict=verdict.id, variant=subject.variant.id, reference=subject.reference.id, policy=self.policy_digest,
            statement=statement, attachments=(patch, *self.picture(subject, statement)),
            proposers=self._proposers(subject), until=subject.until,
        )  # fmt: skip

    def must_say_what_it_is(self, dossier: Entry[Dossier]) -> None:
        """Raises IntegrityError unless the words that people read are those of the variant that they would release:
        whoever can write in the ledger could show one and have another one signed. For this judge's policy."""
        said = dossier.record
        verdict = self.ledger.get(said.verdict, Verdict)
        certificate = self.ledger.get(verdict.record.certificate, Certificate)
        study = [entry for entry in self.ledger.entries(Study) if entry.id < dossier.id][-1]
        subject = self._subject(verdict, certificate, study, history.champion_before(self.ledger, dossier.id))
        meant = (subject.variant.id, subject.reference.id, render(subject), self._proposers(subject), subject.until)
        patches = [file.digest for file in said.attachments if file.name == "patch.diff"]
        if (said.variant, said.reference, said.statement, said.proposers, said.until) != meant or patches != [
            sha256(subject.patch.encode())
        ]:
            raise IntegrityError(
                f"dossier {dossier.id} does not say what it is; Pawl did not write it so",
                f"pawl reject {dossier.id} --reason '...'   (do not sign this one)",
            )

    def _proposers(self, subject: Subject) -> tuple[str, ...]:
        """Who made the changes since the champion."""
        changes = self._changes(subject.champion.id, subject.variant)
        return tuple(sorted({change.record.proposer for change in changes}))

    def _subject(
        self, verdict: Entry[Verdict], certificate: Entry[Certificate], study: Entry[Study], champion_id: int
    ) -> Subject:
        plan = self.ledger.get(certificate.record.preregistration, Preregistration)
        champion = self.ledger.get(champion_id, Variant)
        variant = self.ledger.get(plan.record.head, Variant)
        released = history.median_run(self.ledger, certificate.record)
        sealed = self.ledger.get(certificate.record.pairs[0].head, Evaluation).record.sealed
        until = datetime.fromisoformat(verdict.at) + timedelta(seconds=self.policy.approval.valid)
        return Subject(
            study=study, champion=champion, variant=variant, plan=plan, certificate=certificate,
            reference=self.ledger.get(plan.record.reference, Variant), verdict=verdict,
            released=released, changes=self._changes(plan.record.reference, variant),
            patch=self.lineage.diff(champion.record.commit, variant.record.commit), sealed=sealed,
            until=until.isoformat(timespec="seconds"),
        )  # fmt: skip

    def _changes(self, reference: int, variant: Entry[Variant]) -> list[Entry[Proposal]]:
        """The accepted proposals from the reference to the variant, oldest first."""
        accepted = {s.record.variant for s in self.ledger.entries(Screening) if s.record.decision == "accepted"}
        found: list[Entry[Proposal]] = []
        while variant.id != reference and variant.record.proposal is not None:
            proposal = self.ledger.get(variant.record.proposal, Proposal)
            if variant.id in accepted:
                found.append(proposal)
            variant = self.ledger.get(proposal.record.parent, Variant)
        return found[::-1]
