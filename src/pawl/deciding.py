"""What only people decide about a study: releases, policy changes, revocations, the end of a halt."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pawl import amend, history, policy
from pawl.approve import Approve, Case
from pawl.assembly import Assembly
from pawl.consent import Consent, Word
from pawl.errors import ConfigError, NotAuthorized, PawlError
from pawl.keys import must_be_keys
from pawl.ledger import Entry
from pawl.records import (
    Approval,
    Certificate,
    Dossier,
    Halt,
    PolicyChange,
    Record,
    Reduced,
    Rejection,
    Release,
    Resume,
    Revocation,
    Variant,
    Verdict,
)


class Deciding(Assembly):
    """A study, as people decide about it."""

    def decide(self, id: int, word: Word, key: Path, approver: str, remark: str = "") -> Entry[Record]:
        """Sign a decision on a dossier with a key, write it down, and release it if that was the last one needed.

        Returns the Rejection, the Release, or the Approval where more people have to sign."""
        people, case = self.case(id, word)
        armored = people.consent.signer.sign(people.request(case, word, approver, remark).encode(), key)
        return self.record_decision(id, word, armored, approver, remark)

    def case(self, id: int, word: Word = "approve") -> tuple[Approve, Case]:
        """A dossier or a policy change, and who may decide it. Raises ConfigError for any other entry, and, unless it
        is for a no, IntegrityError for one whose words are not those of what it would bring."""
        record = self.ledger.any(id).record
        if isinstance(record, PolicyChange):
            people, change = self.amendments(), self.ledger.get(id, PolicyChange)
            if word != "reject" and record.previous == people.policy_digest:
                amend.must_say_what_it_does(people.consent.policy, change)
            return people, change
        dossier, decisions = self.ledger.get(id, Dossier), self.decisions()
        if word != "reject" and dossier.record.policy == decisions.policy_digest:
            self.build_judge().must_say_what_it_is(dossier)
        return decisions, dossier

    def record_decision(self, id: int, word: Word, armored: str, approver: str, remark: str = "") -> Entry[Record]:
        """As `decide`, for a signature that was made elsewhere."""
        self.mend()
        with self.store.hold("decision", wait=True), self.kept():  # a yes and a no at once must not both count
            people, case = self.case(id, word)
            if word == "reject":
                rejection: Entry[Rejection] = people.reject(case, approver, armored, remark)
                return rejection
            if isinstance(case.record, Dossier):
                self.switch.check(self.ledger)  # nothing goes out of a study that somebody halted
            approval = people.approve(case, approver, armored, remark)
            if isinstance(case.record, PolicyChange):
                return people.enact(self.ledger.get(id, PolicyChange)) or approval
            release = people.release(self.ledger.get(id, Dossier))
        self.mend()
        return release or approval

    def propose_policy(self, by: str) -> Entry[PolicyChange]:
        """Put policy.toml as it is in the folder before the approvers of the policy in force."""
        people, found = self.amendments(), self.known_rules()
        assert found is not None
        change = amend.propose(found[0], found[1].digest, policy.wished(self.folder), by, people.consent.now)
        with self.kept():
            return self.ledger.append(change)

    def vouched(self, record: Approval | Rejection | Resume) -> str:
        """Whether a signature in the ledger verifies now, under the policy in force: one sentence."""
        found, signed = self.known_rules(), record.signature
        people = [person for person in found[0].approver if person.name == signed.approver] if found else []
        for person in people:
            with suppress(NotAuthorized):
                self._consent().signer.verify(record.request.encode(), signed.armored, person.name, person.key)
                return "It verifies now, with a key in the policy in force."
        return f"It does NOT verify with any key that the policy in force gives {signed.approver}."

    def amendments_waiting(self) -> list[Entry[PolicyChange]]:
        """The policy changes that wait for people, oldest first."""
        return history.amendments(self.ledger)

    def revoke(self, keys: bytes, reason: str, by: str) -> Entry[Revocation]:
        """Let keys (an OpenSSH KRL, or public key lines) no longer count. Needs no signature: it only takes away.

        Raises ConfigError for anything else: what ssh-keygen cannot read as a list would refuse every signature."""
        must_be_keys(keys)
        with self.kept():
            return self.ledger.append(Revocation(keys=base64.b64encode(keys).decode(), reason=reason, by=by))

    # -- stopping -----------------------------------------------------------------------------------------------

    def resume(self, key: Path, approver: str, remark: str = "") -> Entry[Resume]:
        """Sign that a halt is over. Raises NotAuthorized, ConfigError if nothing is halted."""
        consent = self._consent()
        armored = consent.signer.sign(self.resume_request(approver, remark).encode(), key)
        return self.record_resume(armored, approver, remark)

    def resume_request(self, approver: str, remark: str = "") -> str:
        """The exact text to sign for a resume."""
        return self._consent().request(self._halted(), "resume", approver, remark)

    def record_resume(self, armored: str, approver: str, remark: str = "") -> Entry[Resume]:
        """As `resume`, for a signature that was made elsewhere."""
        consent, halt = self._consent(), self._halted()
        request = consent.request(halt, "resume", approver, remark)
        signature = consent.signed(halt, "resume", approver, armored, remark)
        with self.kept():
            entry = self.ledger.append(Resume(halt=halt.id, request=request, signature=signature, note=remark))
        self.switch.over(self.ledger)
        return entry

    def _consent(self) -> Consent:
        """Who may resume: people of the policy in force, or of the file where nothing ever ran."""
        return (self.amendments() if self.known_rules() else self.decisions()).consent

    def _halted(self) -> Entry[Halt]:
        halt = self.switch.standing(self.ledger)
        if halt is None:
            raise ConfigError("nothing is halted", "pawl run")
        return halt

    def judge_again(self, id: int) -> Entry[Verdict]:
        """Ask all gates again about a dossier's certificate, under the policy of now."""
        verdict = self.ledger.get(self.ledger.get(id, Dossier).record.verdict, Verdict)
        with self.kept():
            return self.build_judge().settle(self.ledger.get(verdict.record.certificate, Certificate), anew=True)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is written in here is under a checkpoint afterwards, also when it ends in an error."""
        try:
            yield
        except BaseException:
            with suppress(PawlError):  # the error that is under way says more
                self.anchor.keep(self.ledger)
            raise
        self.anchor.keep(self.ledger)

    def mend(self) -> None:
        """Do what follows from the ledger and was not done, or was lost, when a process was killed or the power cut:
        git's references, and the champion's files for whoever serves them."""
        self.lineage.unlock()
        if not self.lineage.behind(self._references()) and self._published():
            return
        if not self._vouched():
            return  # nothing follows from a release that nobody signed; what needs a champion says so
        with self.store.hold("decision", wait=True):  # and so that no older champion replaces a newer one
            self.lineage.restore(self.lineage.behind(self._references()))
            release = self.ledger.last(Release)
            if release and not self._published():
                self.artifacts.lay_out(history.released_run(self.ledger, release).artifacts, self._place(release))

    def _vouched(self) -> bool:
        release = self.ledger.last(Release)
        try:
            if release:
                amend.released(self.ledger, self.consent, release)
        except NotAuthorized:
            return False
        return True

    def _references(self) -> dict[str, str]:
        """The commits under refs/pawl/, by name, as the ledger has them."""
        variants = [entry.record for entry in self.ledger.entries(Variant) if not entry.record.problem]
        named = {f"variants/{v.proposal}" if v.proposal else "baseline": v.commit for v in variants}
        reduced = [entry.record for entry in self.ledger.entries(Reduced) if not entry.record.problem]
        named |= {f"ablations/{one.plan}/{one.commit}": one.commit for one in reduced}
        champion = history.read(self.ledger).champion
        return named | ({"champion": self.ledger.get(champion, Variant).record.commit} if champion else {})

    def _published(self) -> bool:
        release = self.ledger.last(Release)
        return release is None or self._place(release).is_dir()

    def _place(self, release: Entry[Release]) -> Path:
        return self.state / "releases" / str(release.id)
