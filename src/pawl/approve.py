"""After the machine has stopped: a person reads the exact bytes, signs them, and only then does a champion move.

Silence means no. A changed byte, another dossier, an unknown or reused key, a policy that has changed since or has
expired: each is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pawl import history
from pawl.artifacts import ArtifactStore
from pawl.errors import NotAuthorized
from pawl.hostile import one_line
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage
from pawl.policy import Approver, Policy
from pawl.protocols import Signer
from pawl.records import Approval, Certificate, Dossier, Rejection, Release, Run, Signature, Variant, Verdict

Word = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class Approve:
    """Decisions by people named in a policy, which is in force and whose digest is `policy_digest`."""

    ledger: Ledger
    lineage: Lineage
    artifacts: ArtifactStore
    signer: Signer
    policy: Policy
    policy_digest: str

    def request(self, dossier: Entry[Dossier], word: Word, approver: str, remark: str = "") -> str:
        """The exact text that `approver` is to sign: the decision, the dossier's place in the chain, its statement.

        Raises NotAuthorized if this decision can not be taken."""
        self._may_decide(dossier, word)
        self._person(approver)
        return _text(dossier, word, approver, remark)

    def approve(self, dossier: Entry[Dossier], approver: str, armored: str, note: str = "") -> Entry[Approval]:
        """Write down a signed yes. Raises NotAuthorized unless it is this approver's first, over these bytes."""
        request = self.request(dossier, "approve", approver, note)
        earlier = self._signed(dossier, approver)
        if earlier and self._enough(dossier):
            return earlier  # a crash came between the last approval and the release
        signature = self._checked(dossier, request, approver, armored)
        return self.ledger.append(Approval(dossier=dossier.id, request=request, signature=signature, note=note))

    def reject(self, dossier: Entry[Dossier], approver: str, armored: str, reason: str) -> Entry[Rejection]:
        """Write down a signed no; one is enough. Raises NotAuthorized as `approve` does."""
        if not reason.strip():
            raise NotAuthorized("a rejection needs a reason", f"pawl reject {dossier.id} --reason '...'")
        request = self.request(dossier, "reject", approver, reason)
        signature = self._checked(dossier, request, approver, armored)
        return self.ledger.append(Rejection(dossier=dossier.id, request=request, signature=signature, reason=reason))

    def release(self, dossier: Entry[Dossier]) -> Entry[Release] | None:
        """Move the champion if enough people signed; None while some are missing.

        Every signature is verified again, against the policy of now."""
        done = self.ledger.find(Release, dossier=dossier.id)
        if done:
            self.lineage.release(done.record.commit)  # a crash may have come between the entry and the reference
            return done
        self._may_decide(dossier, "approve")
        approvals = self._by_person(dossier)
        if not self._enough(dossier):
            return None
        variant = self.ledger.get(dossier.record.variant, Variant)
        release = Release(
            dossier=dossier.id, variant=variant.id, commit=variant.record.commit,
            approvals=tuple(entry.id for entry in approvals.values()), threshold=self.policy.approval.threshold,
        )  # fmt: skip
        entry = self.ledger.append(release)
        self.lineage.release(variant.record.commit)
        return entry

    def verify(self, release: Entry[Release]) -> None:
        """Check a release in the ledger again: approvals enough, each over its dossier, at least one by a person
        whom the policy of now still names. Raises NotAuthorized."""
        record = release.record
        dossier = self.ledger.get(record.dossier, Dossier)
        approvals = [self.ledger.get(id, Approval).record for id in record.approvals]
        names = {approval.signature.approver for approval in approvals if approval.dossier == dossier.id}
        known = {approver.name for approver in self.policy.approver}
        for approval in approvals:
            if approval.signature.approver in known:
                self._verified(dossier, approval, approval.signature.approver)
        enough = len(names) >= max(record.threshold, 1) and bool(names & known)
        if not enough or record.variant != dossier.record.variant:
            raise NotAuthorized(
                f"release {release.id} is not vouched for by anybody whom policy.toml names",
                f"pawl show {release.id}   (a champion that people approve anew replaces it)",
            )

    def approvals(self, dossier: Entry[Dossier]) -> list[Entry[Approval]]:
        """The signed yeses so far."""
        return [entry for entry in self.ledger.entries(Approval) if entry.record.dossier == dossier.id]

    def _by_person(self, dossier: Entry[Dossier]) -> dict[str, Entry[Approval]]:
        return {entry.record.signature.approver: entry for entry in self.approvals(dossier)}

    def _signed(self, dossier: Entry[Dossier], approver: str) -> Entry[Approval] | None:
        return self._by_person(dossier).get(approver)

    def _enough(self, dossier: Entry[Dossier]) -> bool:
        """Whether enough people, with as many keys, have signed; every signature is verified again."""
        approvals = self._by_person(dossier)
        keys = {self._verified(dossier, entry.record, name) for name, entry in approvals.items()}
        return min(len(approvals), len(keys)) >= self.policy.approval.threshold

    def _may_decide(self, dossier: Entry[Dossier], word: Word) -> None:
        self.ledger.verify()
        settled = history.decision_on(self.ledger, dossier.id)
        if settled:
            raise NotAuthorized(f"dossier {dossier.id} was settled by entry {settled.id}", f"pawl show {settled.id}")
        if word == "reject":
            return
        if dossier.id not in {entry.id for entry in history.read(self.ledger).standing}:
            raise NotAuthorized(
                f"dossier {dossier.id} no longer stands: what it was certified against is gone", "pawl run"
            )
        if dossier.record.policy != self.policy_digest:
            raise NotAuthorized(
                f"policy.toml is not the one under which dossier {dossier.id} was judged", f"pawl judge {dossier.id}"
            )
        self._bytes_are_there(dossier)

    def _bytes_are_there(self, dossier: Entry[Dossier]) -> None:
        """Raises IntegrityError unless every byte that the statement names is still what it was."""
        verdict = self.ledger.get(dossier.record.verdict, Verdict)
        if not verdict.record.passed:
            raise NotAuthorized(f"verdict {verdict.id} did not pass", f"pawl why {verdict.id}")
        certificate = self.ledger.get(verdict.record.certificate, Certificate)
        for artifact in dossier.record.attachments:
            self.artifacts.get(artifact.digest)
        for run in self.ledger.entries(Run):
            if run.record.variant == dossier.record.variant and run.id < certificate.id:
                for artifact in run.record.artifacts:
                    self.artifacts.get(artifact.digest)

    def _person(self, name: str) -> Approver:
        for approver in self.policy.approver:
            if approver.name == name:
                return approver
        names = ", ".join(approver.name for approver in self.policy.approver)
        raise NotAuthorized(f"{name} is not an approver in policy.toml ({names})", "pawl approve N --as NAME")

    def _checked(self, dossier: Entry[Dossier], request: str, approver: str, armored: str) -> Signature:
        earlier = self._signed(dossier, approver)
        if earlier:
            raise NotAuthorized(f"{approver} has signed dossier {dossier.id} already (entry {earlier.id})", "")
        person = self._person(approver)
        key = self.signer.verify(request.encode(), armored, person.name, person.key)
        return Signature(approver=person.name, key=key, armored=armored)

    def _verified(self, dossier: Entry[Dossier], approval: Approval, name: str) -> str:
        """The key behind an approval in the ledger, after looking at all of it again."""
        person = self._person(name)
        if approval.request != _text(dossier, "approve", name, approval.note):
            raise NotAuthorized(f"{name}'s approval is not over dossier {dossier.id}", f"pawl show {dossier.id}")
        return self.signer.verify(approval.request.encode(), approval.signature.armored, person.name, person.key)


def _text(dossier: Entry[Dossier], word: Word, approver: str, remark: str) -> str:
    head = (
        f"PAWL DECISION v1\ndecision: {word}\ndossier: {dossier.id}\nentry: sha256:{dossier.digest}\n"
        f"approver: {approver}\nremark: {one_line(remark)}\n"
    )
    return f"{head}\n{dossier.record.statement}"
