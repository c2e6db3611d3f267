"""After the machine has stopped: people sign, and only then does a champion move or a policy change.

A dossier is decided under the policy in force, a policy change under the one that it would replace.
"""

from __future__ import annotations

from dataclasses import dataclass

from pawl import history
from pawl.artifacts import ArtifactStore
from pawl.consent import Consent, Word
from pawl.errors import NotAuthorized
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage
from pawl.records import (
    Approval,
    Certificate,
    Dossier,
    PolicyChange,
    PolicyInForce,
    Rejection,
    Release,
    Run,
    Variant,
    Verdict,
)

Case = Entry[Dossier] | Entry[PolicyChange]


@dataclass(frozen=True, slots=True)
class Approve:
    """Decisions by people named in a policy, which is in force and whose digest is `policy_digest`."""

    ledger: Ledger
    lineage: Lineage
    artifacts: ArtifactStore
    consent: Consent
    policy_digest: str

    def request(self, case: Case, word: Word, approver: str, remark: str = "") -> str:
        """The exact text that `approver` is to sign. Raises NotAuthorized if this decision can not be taken."""
        self._may_decide(case, word)
        return self.consent.request(case, word, approver, remark)

    def approve(self, case: Case, approver: str, armored: str, note: str = "") -> Entry[Approval]:
        """Write down a signed yes. Raises NotAuthorized unless it is this approver's first, over these bytes."""
        request = self.request(case, "approve", approver, note)
        earlier = next((e for e in self.approvals(case) if e.record.signature.approver == approver), None)
        if earlier and not self.missing(case):
            return earlier  # a crash came between the last approval and what follows from it
        if earlier:
            raise NotAuthorized(f"{approver} has signed entry {case.id} already (entry {earlier.id})", "")
        signature = self.consent.signed(case, "approve", approver, armored, note)
        return self.ledger.append(Approval(dossier=case.id, request=request, signature=signature, note=note))

    def reject(self, case: Case, approver: str, armored: str, reason: str) -> Entry[Rejection]:
        """Write down a signed no; one is enough. Raises NotAuthorized as `approve` does."""
        if not reason.strip():
            raise NotAuthorized("a rejection needs a reason", f"pawl reject {case.id} --reason '...'")
        self._may_decide(case, "reject")
        request = self.consent.request(case, "reject", approver, reason)
        signature = self.consent.signed(case, "reject", approver, armored, reason)
        return self.ledger.append(Rejection(dossier=case.id, request=request, signature=signature, reason=reason))

    def release(self, dossier: Entry[Dossier]) -> Entry[Release] | None:
        """Move the champion if enough people signed; None while some are missing.

        Every signature is verified again, against the policy of now."""
        done = self.ledger.find(Release, dossier=dossier.id)
        if done:
            self.lineage.release(done.record.commit)  # a crash may have come between the entry and the reference
            return done
        self._may_decide(dossier, "approve")
        if self.missing(dossier):
            return None
        variant = self.ledger.get(dossier.record.variant, Variant)
        release = Release(
            dossier=dossier.id, variant=variant.id, commit=variant.record.commit,
            approvals=tuple(entry.id for entry in self.approvals(dossier)),
            threshold=self.consent.policy.approval.threshold,
        )  # fmt: skip
        entry = self.ledger.append(release)
        self.lineage.release(variant.record.commit)
        return entry

    def enact(self, change: Entry[PolicyChange]) -> Entry[PolicyInForce] | None:
        """Put a policy in force if enough people signed it under the one before; None while some are missing."""
        done = self.ledger.find(PolicyInForce, change=change.id)
        if done:
            return done
        self._may_decide(change, "approve")
        if self.missing(change):
            return None
        return self.ledger.append(
            PolicyInForce(
                digest=change.record.digest, text=change.record.text, change=change.id,
                approvals=tuple(entry.id for entry in self.approvals(change)),
                threshold=self.consent.policy.approval.threshold,
            )
        )  # fmt: skip

    def missing(self, case: Case) -> list[str]:
        """What is still missing, in words; empty when enough of the right people signed."""
        return self.consent.missing(case, [entry.record for entry in self.approvals(case)])

    def verify(self, release: Entry[Release]) -> None:
        """Check a release in the ledger again: approvals enough, each over its dossier, at least one by a person
        whom the policy of now still names. Raises NotAuthorized."""
        record = release.record
        dossier = self.ledger.get(record.dossier, Dossier)
        approvals = [self.ledger.get(id, Approval).record for id in record.approvals]
        names = {approval.signature.approver for approval in approvals if approval.dossier == dossier.id}
        known = {approver.name for approver in self.consent.policy.approver}
        for approval in approvals:
            if approval.signature.approver in known:
                self.consent.holds(dossier, approval, before=release.id)
        enough = len(names) >= max(record.threshold, 1) and bool(names & known)
        if not enough or record.variant != dossier.record.variant:
            raise NotAuthorized(
                f"release {release.id} is not vouched for by anybody whom the policy names",
                f"pawl show {release.id}   (a champion that people approve anew replaces it)",
            )

    def approvals(self, case: Case) -> list[Entry[Approval]]:
        """The signed yeses so far."""
        return [entry for entry in self.ledger.entries(Approval) if entry.record.dossier == case.id]

    def _may_decide(self, case: Case, word: Word) -> None:
        self.ledger.verify()
        settled = history.decision_on(self.ledger, case.id)
        if settled:
            raise NotAuthorized(f"entry {case.id} was settled by entry {settled.id}", f"pawl show {settled.id}")
        if word == "reject":
            return
        if isinstance(case.record, PolicyChange):
            if case.record.previous != self.policy_digest:
                raise NotAuthorized(
                    f"policy change {case.id} would replace a policy that is no longer in force", "pawl policy propose"
                )
            return
        if case.id not in {entry.id for entry in history.read(self.ledger).standing}:
            raise NotAuthorized(
                f"dossier {case.id} no longer stands: what it was certified against is gone", "pawl run"
            )
        if case.record.policy != self.policy_digest:
            raise NotAuthorized(
                f"the policy in force is not the one under which dossier {case.id} was judged", f"pawl judge {case.id}"
            )
        self._bytes_are_there(case.record)

    def _bytes_are_there(self, dossier: Dossier) -> None:
        """Raises IntegrityError unless every byte that the statement names is still what it was."""
        verdict = self.ledger.get(dossier.verdict, Verdict)
        if not verdict.record.passed:
            raise NotAuthorized(f"verdict {verdict.id} did not pass", f"pawl why {verdict.id}")
        certificate = self.ledger.get(verdict.record.certificate, Certificate)
        for artifact in dossier.attachments:
            self.artifacts.get(artifact.digest)
        for run in self.ledger.entries(Run):
            if run.record.variant == dossier.variant and run.id < certificate.id:
                for artifact in run.record.artifacts:
                    self.artifacts.get(artifact.digest)
