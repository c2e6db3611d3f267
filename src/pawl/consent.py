"""Who said yes to what: the exact text that a person signs, and whether enough of the right people did.

Silence means no. A changed byte, another dossier, an unknown, reused or revoked key, somebody who proposed it
themselves, a dossier that waited too long: each is refused.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pawl.errors import NotAuthorized
from pawl.hostile import one_line
from pawl.ledger import Entry, Ledger
from pawl.policy import Approver, Policy
from pawl.protocols import Signer
from pawl.records import Approval, Dossier, Halt, PolicyChange, Resume, Revocation, Signature

Word = Literal["approve", "reject", "resume"]
Decidable = Entry[Dossier] | Entry[PolicyChange] | Entry[Halt]


def text(case: Decidable, word: Word, approver: str, remark: str) -> str:
    """What is signed: the decision, its place in the ledger with all history before it, and the whole case."""
    record = case.record
    if isinstance(record, Halt):
        what, until, statement = "halt", "", f"PAWL HALT by {one_line(record.by)}\n{one_line(record.reason)}\n"
    else:
        what = "dossier" if isinstance(record, Dossier) else "policy change"
        until, statement = f"until: {record.until}\n", record.statement
    return (
        f"PAWL DECISION v2\ndecision: {word}\n{what}: {case.id}\nlog root: sha256:{case.digest}\n{until}"
        f"approver: {approver}\nremark: {one_line(remark)}\n\n{statement}"
    )


@dataclass(frozen=True, slots=True)
class Consent:
    """Signatures by the people whom `policy` names, looked at `now`."""

    ledger: Ledger
    signer: Signer
    policy: Policy
    now: datetime

    def request(self, case: Decidable, word: Word, approver: str, remark: str = "") -> str:
        """The exact text for one person. Raises NotAuthorized if that person may not say this now."""
        self.people(approver)
        record = case.record
        if not isinstance(record, Halt) and self.now > datetime.fromisoformat(record.until):
            raise NotAuthorized(f"entry {case.id} could be decided until {record.until}", _again(case))
        if word == "approve" and isinstance(record, Dossier) and approver in record.proposers:
            raise NotAuthorized(
                f"{approver} proposed a change in dossier {case.id}, and may not approve it", "pawl approve N --as NAME"
            )
        return text(case, word, approver, remark)

    def signed(self, case: Decidable, word: Word, approver: str, armored: str, remark: str = "") -> Signature:
        """A person's signature over their request, checked. Raises NotAuthorized."""
        return self._checked(self.request(case, word, approver, remark), approver, armored, self._revoked())

    def people(self, name: str) -> list[Approver]:
        """The policy's tables for a person, one for each key. Raises NotAuthorized if there is none."""
        found = [approver for approver in self.policy.approver if approver.name == name]
        if not found:
            names = ", ".join(dict.fromkeys(approver.name for approver in self.policy.approver))
            raise NotAuthorized(f"{name} is not an approver in the policy ({names})", "pawl approve N --as NAME")
        return found

    def holds(self, case: Decidable, approval: Approval, before: int | None = None) -> Signature:
        """An approval in the ledger, looked at again: its text, its signature, its key. Raises NotAuthorized.

        Keys that were revoked before entry `before` do not count (None: revoked at any time)."""
        name = approval.signature.approver
        if approval.dossier != case.id or approval.request != text(case, "approve", name, approval.note):
            raise NotAuthorized(f"{name}'s approval is not over entry {case.id}", f"pawl show {case.id}")
        if isinstance(case.record, Dossier) and name in case.record.proposers:
            raise NotAuthorized(
                f"{name} proposed a change in dossier {case.id}: that approval does not count", "pawl log"
            )
        return self._checked(approval.request, name, approval.signature.armored, self._revoked(before))

    def resumed(self, halt: Entry[Halt], resume: Resume, before: int) -> Signature:
        """A resume in the ledger, looked at again as `holds` does with an approval. Raises NotAuthorized."""
        name = resume.signature.approver
        if resume.halt != halt.id or resume.request != text(halt, "resume", name, resume.note):
            raise NotAuthorized(f"{name}'s resume is not of halt {halt.id}", f"pawl show {halt.id}")
        return self._checked(resume.request, name, resume.signature.armored, self._revoked(before))

    def missing(self, case: Decidable, approvals: Sequence[Approval], before: int | None = None) -> list[str]:
        """What is still missing, in words: `1 of 2 signatures`. Empty when enough of the right people signed.
        `before` as in `holds`. Raises NotAuthorized if an approval does not hold."""
        signatures = [self.holds(case, approval, before) for approval in approvals]
        names, rules = {signature.approver for signature in signatures}, self.policy.approval
        # two names that share a key are one person, whatever a policy said when they signed
        count = min(len(names), len({signature.key for signature in signatures}))
        short = [f"{count} of {rules.threshold} signature(s)"] if count < rules.threshold else []
        for role, wanted in rules.roles.items():
            having = {name for name in names if any(role in person.roles for person in self.people(name))}
            if len(having) < wanted:
                short.append(f"{len(having)} of {wanted} by role '{role}'")
        return short

    def _revoked(self, before: int | None = None) -> list[bytes]:
        entries = self.ledger.entries(Revocation)
        return [base64.b64decode(e.record.keys) for e in entries if before is None or e.id < before]

    def _checked(self, request: str, name: str, armored: str, revoked: Sequence[bytes]) -> Signature:
        refusal: NotAuthorized | None = None
        for person in self.people(name):
            try:
                seal = self.signer.verify(request.encode(), armored, name, person.key, revoked)
            except NotAuthorized as error:
                refusal = refusal or error
                continue
            if self.policy.approval.presence and not seal.present:
                raise NotAuthorized(
                    f"{name} signed with {seal.kind}, and the policy demands a hardware key that was touched",
                    "ssh-keygen -t ed25519-sk",
                )
            return Signature(approver=name, key=seal.key, kind=seal.kind, present=seal.present, armored=armored)
        assert refusal is not None
        raise refusal


def _again(case: Decidable) -> str:
    return f"pawl judge {case.id}" if isinstance(case.record, Dossier) else "pawl policy propose"
