"""Who decided a dossier, on another machine: the signatures in an excerpt, held against the policies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pawl import consent, recount
from pawl.bundle import Decision, decoded
from pawl.envelope import sha256
from pawl.errors import IntegrityError, NotAuthorized
from pawl.excerpt import Excerpt, moment
from pawl.hostile import one_line
from pawl.ledger import Entry
from pawl.policy import Policy
from pawl.protocols import Signer
from pawl.records import (
    Approval,
    Dossier,
    PolicyChange,
    PolicyInForce,
    Rejection,
    Release,
    Revocation,
    Variant,
)
from pawl.recount import Evidence, holds

SignedCase = Entry[Dossier] | Entry[PolicyChange]


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a dossier, by whom, and the entry that settled it (None: nothing did)."""

    decision: Decision
    people: tuple[str, ...]
    entry: int | None


@dataclass(frozen=True, slots=True)
class People:
    """The signatures in an excerpt, held against its policies and, where the auditor has one, a list of signers."""

    part: Excerpt
    signer: Signer
    known: frozenset[tuple[str, ...]] | None

    def policies(self) -> str:
        """Each policy after the first was signed by people of the one before it. Raises NotAuthorized otherwise."""
        chain = self.part.all(PolicyInForce)
        holds(bool(chain) and chain[0].record.change is None, "the bundle does not have the study's first policy")
        for entry in chain:
            holds(sha256(entry.record.text.encode()) == entry.record.digest, f"policy {entry.id} is not its digest")
        for before, entry in pairwise(chain):
            record = entry.record
            if record.change is None:
                raise IntegrityError(f"policy {entry.id} was put in force without a change that people signed")
            change = self.part.get(record.change, PolicyChange, f"policy {entry.id}")
            told, meant = change.record, (before.record.digest, record.digest, record.text)
            same = (told.previous, told.digest, told.text) == meant
            holds(same, f"policy {entry.id} is not the one that change {change.id} proposes")
            self._enough(change, entry, recount.rules(before))
        return (
            f"{len(chain)} policies were in force, one after another, each signed by people of the one before; the "
            "first was there at the start."
        )

    def decision(self, case: Evidence, digest: str | None, findings: list[str]) -> Decided:
        """How people decided. Raises NotAuthorized where their signatures do not hold."""
        dossier = case.dossier
        under = [
            entry for entry in self.part.all(PolicyInForce, before=case.verdict.id)
            if entry.record.digest == dossier.record.policy
        ]  # fmt: skip
        if not under:
            raise NotAuthorized(f"the policy of dossier {dossier.id} was never in force")
        policy = recount.rules(under[-1])
        holds(len(policy.gate) == len(case.verdict.record.findings), "the verdict has not one answer of each gate")
        if digest is not None and dossier.record.policy != digest:
            raise NotAuthorized("the policy is not the one that you gave", "pawl policy show   (at the study)")
        listed = "your list of signers is what counts" if self.known is not None else "which is only IN THE FILE"
        findings.append(
            f"The policy is sha256:{dossier.record.policy[:12]}..., {policy.approval.threshold} signature(s) needed: "
            + ("the digest that you gave." if digest is not None else f"{listed}.")
        )
        releases = [entry for entry in self.part.all(Release) if entry.record.dossier == dossier.id]
        rejections = [entry for entry in self.part.all(Rejection) if entry.record.dossier == dossier.id]
        holds(len(releases) + len(rejections) <= 1, f"dossier {dossier.id} was settled twice")
        if releases:
            return Decided("released", self._released(dossier, releases[0], findings), releases[0].id)
        return self._not_released(dossier, policy, rejections, findings)

    def _not_released(
        self, dossier: Entry[Dossier], policy: Policy, rejections: list[Entry[Rejection]], findings: list[str]
    ) -> Decided:
        for no in rejections:
            name, _ = self._signature(dossier, no, policy, no.id + 1)
            findings.append(f"Entry {no.id}: {name} said no: {one_line(no.record.reason)}")
            return Decided("rejected", (name,), no.id)
        yes = [entry for entry in self.part.all(Approval) if entry.record.dossier == dossier.id]
        names = {self._signature(dossier, one, policy, self.part.note.size + 1)[0] for one in yes}
        findings.append(
            f"{len(names)} of {policy.approval.threshold} signed; nobody released it. "
            "Its history is vouched for by the log alone."
        )  # fmt: skip
        return Decided("undecided", tuple(sorted(names)), None)

    def champion(self, dossier: Entry[Dossier], findings: list[str]) -> None:
        """How the champion before came to be. Raises NotAuthorized if nobody signed it."""
        for release in self.part.all(Release, before=dossier.id)[-1:]:
            earlier = self.part.get(release.record.dossier, Dossier, f"release {release.id}")
            self._released(earlier, release, findings)

    def _released(self, dossier: Entry[Dossier], release: Entry[Release], findings: list[str]) -> tuple[str, ...]:
        """Who released a dossier: enough people, under the policy of that moment, with keys that were good then."""
        in_force = recount.policy_at(self.part, release.id)
        if in_force.record.digest != dossier.record.policy:
            raise NotAuthorized(f"dossier {dossier.id} was released under another policy")
        policy = recount.rules(in_force)
        if release.at[:10] > policy.expires.isoformat():
            raise NotAuthorized(f"the policy had expired when release {release.id} was made")
        variant = self.part.get(release.record.variant, Variant, f"release {release.id}")
        same = (release.record.variant, release.record.commit) == (dossier.record.variant, variant.record.commit)
        holds(same, f"release {release.id} is of another variant")
        names = self._enough(dossier, release, policy)
        findings.append(
            f"Release {release.id} of dossier {dossier.id}: signed by {', '.join(names)} "
            f"({policy.approval.threshold} needed), each over the log up to the dossier."
        )
        return names

    def _enough(self, case: SignedCase, by: Entry[Release] | Entry[PolicyInForce], policy: Policy) -> tuple[str, ...]:
        """The names of those who signed `case` before `by` was written. Raises NotAuthorized if they are too few."""
        ids, needed = by.record.approvals, policy.approval.threshold
        found = [self._signature(case, self.part.get(id, Approval, f"entry {by.id}"), policy, by.id) for id in ids]
        holds(len(set(ids)) == len(ids) and by.record.threshold == needed, f"entry {by.id} does not follow its policy")
        names = {name for name, _ in found}
        count = min(len(names), len({key for _, key in found}))
        if count < needed:
            raise NotAuthorized(f"{count} of {needed} people signed entry {case.id}")
        for role, wanted in policy.approval.roles.items():
            having = {one.name for one in policy.approver if one.name in names and role in one.roles}
            if len(having) < wanted:
                raise NotAuthorized(f"{len(having)} of {wanted} by role '{role}' signed entry {case.id}")
        return tuple(sorted(names))

    def _signature(
        self, case: SignedCase, said: Entry[Approval] | Entry[Rejection], policy: Policy, end: int
    ) -> tuple[str, str]:
        """The name and key of a decision that holds: over this case, in time, by a person of the policy, with a key
        that was not revoked before entry `end`. Raises NotAuthorized."""
        self.part.root(case.id)  # without it, the case has no digest that anybody could have signed
        name, yes = said.record.signature.approver, isinstance(said.record, Approval)
        remark = said.record.note if isinstance(said.record, Approval) else said.record.reason
        exact = consent.text(case, "approve" if yes else "reject", name, remark)
        if said.record.dossier != case.id or said.record.request != exact:
            raise NotAuthorized(f"entry {said.id} is not over entry {case.id}")
        holds(case.id < said.id < end, f"entry {said.id} was not written between what it decides and what rests on it")
        if said.at > moment(case.record.until):
            raise NotAuthorized(f"entry {said.id} came after {case.record.until}")
        if yes and isinstance(case.record, Dossier) and name in case.record.proposers:
            raise NotAuthorized(f"{name} proposed what entry {said.id} approves")
        revoked = [decoded(entry.record.keys) for entry in self.part.all(Revocation, before=end)]
        keys = [one.key for one in policy.approver if one.name == name and self._known(name, one.key)]
        return name, self._sealed(said, keys, revoked, policy.approval.presence)

    def _sealed(
        self, said: Entry[Approval] | Entry[Rejection], keys: Sequence[str], revoked: Sequence[bytes], presence: bool
    ) -> str:
        """The fingerprint of the key, one of these, that made a signature."""
        signature = said.record.signature
        refusal = NotAuthorized(f"{signature.approver} is not an approver in the policy, or not among your signers")
        for key in keys:
            try:
                seal = self.signer.verify(
                    said.record.request.encode(), signature.armored, signature.approver, key, revoked
                )
            except NotAuthorized as error:
                refusal = error
                continue
            if (signature.key, signature.kind, signature.present) != (seal.key, seal.kind, seal.present):
                raise NotAuthorized(f"entry {said.id} misnames its key")
            if presence and not seal.present:
                raise NotAuthorized(f"{signature.approver} signed without touching a hardware key")
            return seal.key
        raise refusal

    def _known(self, name: str, key: str) -> bool:
        return self.known is None or (name, *key.split(" ")[:2]) in self.known
